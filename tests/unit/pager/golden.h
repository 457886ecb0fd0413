/*
 * Golden requests of pager kinds: one page, the requests that a kind makes of it, and the expected
 * bodies, which are written by hand from the services' own documents. Included once by each test.
 */
#ifndef TEST_PAGER_GOLDEN_H
#define TEST_PAGER_GOLDEN_H

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"
#include "tracepager/pager_kind.h"
#include "tracepager/xalloc.h"

static struct arena *arena;
static struct page page;

static void setup(void)
{
	arena = arena_new(64 << 20);
	page = (struct page){
		.event = PAGE_TRIGGER,
		.incident = "i1",
		.dedup_key = "i1#2",
		.severity = SEVERITY_CRITICAL,
		.summary = "ledger: deadlock",
		.details = "",
		.component = "ledger",
		.origin = "checkout",
		.group = "money",
		.kind = "span",
		.links = { { "Runbook", "https://wiki.example/ledger" } },
		.nlinks = 1,
		.since_us = 1788256680000000, /* 2026-09-01T09:58:00Z */
		.environment = "prod",
		.why = "team money owns ledger (rules.yaml:24)",
		.evidence = "8 of 8 failing traces end in ledger",
		.path = "web > ledger",
		.waterfall = "Trace 4bf9:\n✗ ledger  ██ 4 ms",
		.opened_at_us = 1788256800000000,
		.at_us = 1788256802000000, /* 2026-09-01T10:00:02Z */
		.status = "open",
		.act_href = "https://tp.example/i/i1?t=AQ",
	};
}

static void teardown(void)
{
	arena_free(arena);
}

/* The facts of the page above as plain text. */
#define GOLDEN_FACTS                                                                               \
	"Since: 2026-09-01T09:58:00Z, 2 min 02 s before this page\\n"                              \
	"Environment: prod\\n"                                                                     \
	"Why you: team money owns ledger (rules.yaml:24)\\n"                                       \
	"How sure: 8 of 8 failing traces end in ledger\\n"                                         \
	"Path: web > ledger\\n"
#define GOLDEN_LAST "Incident: i1\\n"

static int build_error(const struct page_target *target, struct delivery *ret_delivery,
		       struct err *err)
{
	return pager_kinds[target->kind]->build(arena, &page, target, "i1_7", 1788256805000000,
						ret_delivery, err);
}

static struct http_request build(const struct page_target *target)
{
	struct delivery delivery;
	struct err err = { .code = 0 };
	int error = build_error(target, &delivery, &err);

	ck_assert_msg(error == 0, "%s", err.text);
	ck_assert_ptr_null(delivery.console);
	ck_assert_int_eq(delivery.request.method, HTTP_POST);
	return delivery.request;
}

static json_t *body_of(const struct page_target *target)
{
	struct http_request request = build(target);
	json_error_t where;
	json_t *root = json_loadb(request.body, request.body_len, JSON_REJECT_DUPLICATES, &where);

	ck_assert_msg(root != NULL, "%s at %d in %s", where.text, where.position, request.body);
	return root;
}

/* Is the body this JSON, whatever the order of its members? */
static inline void golden(const struct page_target *target, const char *expected)
{
	json_error_t where;
	json_t *theirs = body_of(target), *ours = json_loads(expected, 0, &where);

	ck_assert_msg(ours != NULL, "%s at %d", where.text, where.position);
	if (!json_equal(theirs, ours)) {
		char *is = json_dumps(theirs, JSON_INDENT(1) | JSON_SORT_KEYS),
		     *wanted = json_dumps(ours, JSON_INDENT(1) | JSON_SORT_KEYS);
		ck_abort_msg("is %s\nwanted %s", is, wanted);
	}
	json_decref(theirs);
	json_decref(ours);
}

static inline const char *header(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->nheaders; i++)
		if (strcmp(request->headers[i].name, name) == 0)
			return request->headers[i].value;
	return NULL;
}

static inline const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* So many times "é" (two bytes). */
static inline const char *accents(size_t n)
{
	char *text = arena_alloc(arena, 2 * n + 1);

	for (size_t i = 0; i < n; i++)
		memcpy(text + 2 * i, "é", 2);
	text[2 * n] = '\0';
	return text;
}

/* Is text n-1 times "é" and "…"? */
static inline void is_cut(const char *text, size_t n)
{
	ck_assert_uint_eq(strlen(text), 2 * (n - 1) + strlen("…"));
	ck_assert_str_eq(text + 2 * (n - 1), "…");
}

static inline struct judgement judge(enum pager_kind_id kind, int status, const char *body)
{
	struct http_reply reply = { .status = status,
				    .body = body,
				    .len = strlen(body),
				    .retry_after_us = -1,
				    .content_type = "" };

	return pager_kinds[kind]->judge(&reply);
}

static inline Suite *golden_suite(const char *name, TCase **ret_tcase)
{
	Suite *suite = suite_create(name);

	*ret_tcase = tcase_create(name);
	tcase_add_checked_fixture(*ret_tcase, setup, teardown);
	suite_add_tcase(suite, *ret_tcase);
	return suite;
}

static inline int golden_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
