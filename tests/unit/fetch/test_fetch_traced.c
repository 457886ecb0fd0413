/* Tests of what the spans of look-ups tell: requests, answers that are shared, what is cancelled.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fetch_kit.h"

static struct {
	struct stage_span span;
	char name[64], error[32];
	struct span_context link;
} told[64];
static size_t ntold;
static uint64_t next_id;

static bool begin_none(void *ctx, const char *traceparent, struct span_context *ret_context)
{
	(void)ctx;
	(void)traceparent;
	(void)ret_context;
	return false;
}

static uint64_t draw_next(void *ctx)
{
	(void)ctx;
	return ++next_id;
}

static void keep_span(void *ctx, const struct stage_span *span)
{
	(void)ctx;
	ck_assert_uint_lt(ntold, ARRAY_LEN(told));
	told[ntold].span = *span;
	snprintf(told[ntold].name, sizeof(told[ntold].name), "%s", span->name ? span->name : "");
	snprintf(told[ntold].error, sizeof(told[ntold].error), "%s",
		 span->error ? span->error : "");
	if (span->nlinks)
		told[ntold].link = span->links[0];
	ntold++;
}

static const struct tracer keeping = { .begin = begin_none, .draw = draw_next, .tell = keep_span };
static const char *const one_id[] = { ID };

static void setup_traced(void)
{
	ntold = 0;
	next_id = 100;
	fetch_tracer = &keeping;
	setup();
}

static void on_traced(void *ctx, struct fetch_result *result)
{
	(void)ctx;
	for (size_t i = 0; i < result->nsets; i++)
		fetched_set_unref(result->sets[i]);
}

/* A look-up by id whose own span has that id, in the trace 7. */
static struct fetch_job *start_traced(uint64_t span)
{
	struct fetch_request request = request_of(NULL, one_id, 1);

	request.trace = (struct span_context){ .trace_low = 7, .span = span };
	return fetch_start(fetch, &request, on_traced, NULL);
}

static const char *text_of(size_t i, enum stage_attr attr)
{
	for (size_t k = 0; k < told[i].span.nvalues; k++)
		if (told[i].span.values[k].attr == attr)
			return told[i].span.values[k].text;
	return "";
}

START_TEST(a_request_is_below_its_look_up)
{
	fake_http_reply(&http, (struct fake_reply){
				       .status = 200, .body = V3(TRACE(ID)), .delay_us = 3000 });
	start_traced(5);
	fake_clock_run_idle(&fake, SECOND);
	ck_assert_uint_eq(ntold, 1);
	ck_assert_int_eq(told[0].span.stage, STAGE_REQUEST);
	ck_assert_uint_eq(told[0].span.context.trace_low, 7);
	ck_assert_uint_eq(told[0].span.context.parent, 5);
	ck_assert_uint_eq(told[0].span.context.span, 101);
	ck_assert_int_eq(told[0].span.ended_us - told[0].span.began_us, 3000);
	ck_assert_str_eq(told[0].error, "");
	ck_assert_str_eq(text_of(0, STAGE_ATTR_QUESTION), "by_id");
}
END_TEST

/* Jaeger's "not found" is an answer; what has no answer has the class of its failure. */
START_TEST(each_try_is_a_span)
{
	fake_http_reply(&http, unknown);
	start_traced(5);
	fake_clock_advance(&fake, 5 * SECOND);
	ck_assert_uint_ge(ntold, 2);
	ck_assert_str_eq(told[0].error, "");
	ck_assert_uint_ne(told[0].span.context.span, told[1].span.context.span);
	fake_http_forget(&http);
	fake_http_reply(&http, (struct fake_reply){ .status = 500 });
	ntold = 0;
	fake_clock_advance(&fake, 60 * SECOND);
	start_traced(6);
	fake_clock_advance(&fake, SECOND);
	ck_assert_uint_ge(ntold, 1);
	ck_assert_str_eq(told[0].error, "500");
	fake_clock_run_idle(&fake, 60 * SECOND);
}
END_TEST

START_TEST(a_shared_answer_names_the_request)
{
	fake_http_reply(&http, (struct fake_reply){
				       .status = 200, .body = V3(TRACE(ID)), .delay_us = 3000 });
	start_traced(5);
	fake_clock_advance(&fake, 1000);
	start_traced(6);
	fake_clock_advance(&fake, 2000);
	ck_assert_uint_eq(http.nrequests, 1);
	ck_assert_uint_eq(ntold, 2);
	ck_assert_int_eq(told[1].span.stage, STAGE_SHARED);
	ck_assert_uint_eq(told[1].span.context.parent, 6);
	ck_assert_uint_eq(told[1].link.span, 101);
	ck_assert_uint_eq(told[1].link.trace_low, 7);
	ck_assert_int_eq(told[1].span.ended_us - told[1].span.began_us, 2000);
	/* And one that asks later, for what is kept. */
	fake_clock_advance(&fake, SECOND);
	start_traced(8);
	fake_clock_advance(&fake, 0);
	ck_assert_uint_eq(http.nrequests, 1);
	ck_assert_uint_eq(ntold, 3);
	ck_assert_uint_eq(told[2].link.span, 101);
}
END_TEST

/* The job ends while a source is silent. */
START_TEST(what_is_cancelled_says_so)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .delay_us = 3600 * SECOND });
	fetch_cancel(start_traced(5));
	ck_assert_uint_eq(ntold, 1);
	ck_assert_str_eq(told[0].error, "cancelled");
}
END_TEST

/* A gathering of healthy traces is in no trace; an alert that shares its question is. */
START_TEST(without_a_span_nothing_is_told)
{
	struct fetch_request request = request_of(NULL, one_id, 1);

	fake_http_reply(&http, (struct fake_reply){
				       .status = 200, .body = V3(TRACE(ID)), .delay_us = 3000 });
	fetch_start(fetch, &request, on_traced, NULL);
	fake_clock_advance(&fake, 1000);
	start_traced(6);
	fake_clock_run_idle(&fake, SECOND);
	ck_assert_uint_eq(ntold, 1);
	ck_assert_int_eq(told[0].span.stage, STAGE_SHARED);
	ck_assert_uint_eq(told[0].span.nlinks, 0);
}
END_TEST

static Suite *traced_suite(void)
{
	Suite *suite = suite_create("fetch_traced");
	TCase *tests = tcase_create("traced");

	tcase_add_checked_fixture(tests, setup_traced, teardown);
	tcase_add_test(tests, a_request_is_below_its_look_up);
	tcase_add_test(tests, each_try_is_a_span);
	tcase_add_test(tests, a_shared_answer_names_the_request);
	tcase_add_test(tests, what_is_cancelled_says_so);
	tcase_add_test(tests, without_a_span_nothing_is_told);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(traced_suite());

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
