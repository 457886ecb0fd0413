/*
 * What the tests of single senders' formats share: bodies are written with ' for ", and what was
 * read of one is compared as a text: a line for each alert (status, identity, start and end, link),
 * under it its labels and, after @, its annotations, each sorted.
 */
#ifndef TRACEPAGER_TEST_VENDOR_BODIES_H
#define TRACEPAGER_TEST_VENDOR_BODIES_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/alert_format.h"
#include "tracepager/alert_mapping.h"
#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* 2026-09-01T10:00:00Z, 1788256800 seconds. */
#define NOW_US (INT64_C(1788256800) * US_PER_SECOND)

/* A header of the request; both NULL: there is none. */
struct vendor_request {
	enum alert_format_id format;
	const struct alert_mapping *mapping;
	const char *headers[4]; /* name, value, name, value */
};

static inline const char *vendor_header(const void *ctx, const char *name)
{
	const struct vendor_request *request = ctx;

	for (size_t i = 0; i + 1 < ARRAY_LEN(request->headers) && request->headers[i]; i += 2)
		if (strcasecmp(request->headers[i], name) == 0)
			return request->headers[i + 1];
	return NULL;
}

/* With the quotes of JSON; caller frees. */
static inline char *vendor_quotes(const char *text)
{
	char *copy = xstrdup(text);

	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	return copy;
}

static inline void vendor_write_labels(struct buf *out, const char *mark, const struct labels *list)
{
	for (size_t i = 0; i < list->n; i++)
		buf_printf(out, "  %s%s=%s\n", mark, list->at[i].name, list->at[i].value);
}

/* An identity that is a hash is "#"; a test of its own compares those. */
static inline void vendor_write_alert(struct buf *out, const struct alert *alert)
{
	const char *id = alert->fingerprint;
	char start[RFC3339_SIZE] = "-", end[RFC3339_SIZE] = "-";

	if (strlen(id) == 32 && strspn(id, "0123456789abcdef") == 32)
		id = "#";
	if (alert->starts_at_us)
		rfc3339_format(alert->starts_at_us, start);
	if (alert->ends_at_us)
		rfc3339_format(alert->ends_at_us, end);
	buf_printf(out, "%s %s %s %s %s\n", alert->status == ALERT_FIRING ? "firing" : "resolved",
		   id, start, end, *alert->generator_url ? alert->generator_url : "-");
	vendor_write_labels(out, "", &alert->labels);
	vendor_write_labels(out, "@", &alert->annotations);
}

static inline int vendor_read(struct arena *arena, const struct vendor_request *request,
			      const char *text, struct alert_batch *ret_batch, struct err *err)
{
	const struct alert_body body = { .text = text,
					 .len = strlen(text),
					 .sender = "am1",
					 .now_us = NOW_US,
					 .mapping = request->mapping,
					 .header = vendor_header,
					 .ctx = request };

	return alert_formats[request->format]->parse(arena, &body, ret_batch, err);
}

/* What a request became, as text; caller frees. */
static inline char *vendor_dump(const struct vendor_request *request, const char *quoted)
{
	struct arena *arena = arena_new(8u << 20);
	struct alert_batch batch = { 0 };
	struct err err = { 0 };
	struct buf out = BUF_INIT(1u << 20);
	char *text = vendor_quotes(quoted);

	if (vendor_read(arena, request, text, &batch, &err) < 0)
		buf_printf(&out, "error: %s\n", err.text);
	for (size_t i = 0; i < batch.nalerts; i++)
		vendor_write_alert(&out, &batch.alerts[i]);
	for (size_t i = 0; i < batch.nrefused; i++)
		buf_printf(&out, "refused %s\n", batch.refused[i].text);
	if (batch.group_key)
		buf_printf(&out, "group %s\n", batch.group_key);
	if (batch.ignored)
		buf_printf(&out, "ignored: %s\n", batch.ignored);
	free(text);
	arena_free(arena);
	return buf_take(&out);
}

static inline void vendor_check(const struct vendor_request *request, const char *quoted,
				const char *want)
{
	char *dump = vendor_dump(request, quoted);

	ck_assert_msg(strcmp(dump ? dump : "", want) == 0, "%s\nbecame\n%s\nnot\n%s", quoted, dump,
		      want);
	free(dump);
}

/* The identity of the only alert of a body; the arena keeps it. */
static inline const char *vendor_id(struct arena *arena, enum alert_format_id format,
				    const char *quoted)
{
	const struct vendor_request request = { .format = format };
	struct alert_batch batch = { 0 };
	struct err err = { 0 };
	char *text = vendor_quotes(quoted);

	ck_assert_msg(vendor_read(arena, &request, text, &batch, &err) == 0, "%s: %s", quoted,
		      err.text);
	ck_assert_uint_eq(batch.nalerts, 1);
	free(text);
	return batch.alerts[0].fingerprint;
}

static inline int vendor_run(const char *name, const TTest *const *tests, size_t n)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	for (size_t i = 0; i < n; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

#endif
