/*
 * What the tests of feedback share: a request with its headers, the kind that reads it, and what it
 * must mean. Included once by each test.
 */
#ifndef TEST_PAGER_TOLD_H
#define TEST_PAGER_TOLD_H

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/pager_kind.h"
#include "tracepager/xalloc.h"

#define ID  "0123456789abcdef0123456789abcdef"
#define NOW 1788256800000000 /* 2026-09-01T10:00:00Z */

static struct arena *arena;
static struct secret secrets[LIMIT_LIVE_SECRETS];
static struct http_header headers[8];
static size_t nheaders;
static struct feedback feedback;
static struct err err;

static void setup(void)
{
	arena = arena_new(LIMIT_FEEDBACK_ARENA_BYTES);
	nheaders = 0;
	feedback = (struct feedback){ .nacts = 0 };
	err = (struct err){ .code = 0 };
}

static void teardown(void)
{
	for (size_t i = 0; i < LIMIT_LIVE_SECRETS; i++)
		secret_fini(&secrets[i]);
	arena_free(arena);
}

static const char *find_header(void *ctx, const char *name)
{
	(void)ctx;
	for (size_t i = 0; i < nheaders; i++)
		if (strcmp(headers[i].name, name) == 0)
			return headers[i].value;
	return NULL;
}

static void set_header(const char *name, const char *value)
{
	headers[nheaders++] = (struct http_header){ name, value };
}

static enum feedback_verdict read_bytes(enum pager_kind_id kind, const char *body, size_t len)
{
	const struct feedback_request request = {
		.body = body, .len = len, .header = find_header, .secrets = secrets, .wall_us = NOW
	};

	return pager_kinds[kind]->feedback(arena, &request, &feedback, &err);
}

static enum feedback_verdict read_text(enum pager_kind_id kind, const char *body)
{
	return read_bytes(kind, body, strlen(body));
}

static void check_act(enum act_kind kind, const char *incident, const char *who, const char *text)
{
	ck_assert_uint_eq(feedback.nacts, 1);
	ck_assert_str_eq(feedback.ignored, "");
	ck_assert_int_eq(feedback.acts[0].kind, kind);
	ck_assert_str_eq(feedback.acts[0].incident, incident);
	ck_assert_str_eq(feedback.acts[0].who, who);
	ck_assert_str_eq(feedback.acts[0].text, text);
}

static int told_run(Suite *suite, TCase *tests)
{
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
