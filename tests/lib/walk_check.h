/*
 * Walk check: what the tests of the walk share: draw a trace, walk it, check the result. Everything
 * is static, so that each test program has its own.
 */
#ifndef TESTS_LIB_WALK_CHECK_H
#define TESTS_LIB_WALK_CHECK_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/trace_make.h"
#include "tracepager/walk.h"
#include "tracepager/xalloc.h"

static struct trace_set *set;
static struct arena *arena;
static struct walk walk;
static struct walk_options options;
static struct signal signal_of;

static inline void setup(void)
{
	arena = arena_new(64u << 20);
	options = (struct walk_options){ .mode = WALK_ERRORS, .codes_fail = true };
	signal_of = (struct signal){ .from = "rule" };
}

static inline void teardown(void)
{
	trace_set_free(set);
	set = NULL;
	arena_free(arena);
}

static inline void begin(const char *drawing)
{
	trace_set_free(set);
	set = trace_make(drawing);
}

static inline void run(const char *drawing)
{
	begin(drawing);
	walk_trace(arena, &set->traces[0], &options, &walk);
}

static inline void run_signal(const char *service, const char *operation, const char *drawing)
{
	signal_of.service = service;
	signal_of.operation = operation;
	options.signal = &signal_of;
	run(drawing);
}

static inline void ends_in(const char *service, enum suspect_kind kind, double certainty)
{
	ck_assert(walk.found);
	ck_assert_int_eq(walk.fallback, FALLBACK_NONE);
	ck_assert_str_eq(walk.suspect.service, service);
	ck_assert_str_eq(suspect_kind_name(walk.suspect.kind), suspect_kind_name(kind));
	ck_assert_double_eq_tol(walk.certainty, certainty, 1e-9);
}

static inline void ends_nowhere(enum fallback_code code)
{
	ck_assert(!walk.found);
	ck_assert_str_eq(fallback_code_name(walk.fallback), fallback_code_name(code));
}

/* The path as line numbers of the drawing. */
static inline void path_is(const char *lines)
{
	char text[256] = "";
	size_t len = 0;

	for (uint32_t i = 0; i < walk.npath; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%u", i ? " " : "",
					walk.path[i] + 1);
	ck_assert_str_eq(text, lines);
}

static inline bool reason_has(const char *words)
{
	for (unsigned int i = 0; i < walk.nreasons; i++) {
		if (strstr(walk.reasons[i], words))
			return true;
	}
	return false;
}

static inline void add(Suite *suite, const char *name, void (*tests)(TCase *))
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tests(tcase);
	suite_add_tcase(suite, tcase);
}

static inline int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
