/*
 * Trace source zipkin: its questions. Parameters and units are those of API v2.
 */
#include <check.h>
#include <string.h>

#include "tests/lib/source_kit.h"
#include "tracepager/xalloc.h"

static void setup(void)
{
	kit_setup(SOURCE_ZIPKIN, "http://zipkin:9411");
}

START_TEST(asks_by_id)
{
	struct trace_query query = { .trace_id = "4BF92F3577B34DA6A3CE929D0E0E4736" };

	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_str_eq(talk.request.url, "http://zipkin:9411/api/v2/trace/" ID);
	ck_assert_int_eq(talk.encoding, TRACE_ENCODING_ZIPKIN_V2);
	ck_assert_int_eq(answer(404, ID " not found", "text/plain"), SOURCE_NOT_FOUND);
}
END_TEST

/* endTs and lookback are milliseconds, minDuration is microseconds. */
START_TEST(searches_for_errors)
{
	struct signal signal = { .service = "CheckOut", .operation = "POST /Orders" };
	struct trace_query query = search_for(&signal, true);

	query.min_duration_us = 1500;
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_str_eq(talk.request.url,
			 "http://zipkin:9411/api/v2/traces?serviceName=checkout"
			 "&spanName=post%20%2Forders&annotationQuery=error&minDuration=1500"
			 "&endTs=1788256800000&lookback=599750&limit=10");
	ck_assert_int_eq(talk.encoding, TRACE_ENCODING_ZIPKIN_V2);
	ck_assert_int_eq(answer(200, "[]", "application/json"), SOURCE_TRACES);
}
END_TEST

START_TEST(searches_for_attributes)
{
	struct label attrs[] = { { "a", "x and y" },
				 { "b=c", "d" },
				 { "http.route", "/o" },
				 { "region", "eu-*" },
				 { "zone", "2" } };
	struct signal signal = { .service = "cart", .attrs = { attrs, ARRAY_LEN(attrs) } };
	struct trace_query query = search_for(&signal, true);

	ask(&query);
	ck_assert_ptr_nonnull(
		strstr(talk.request.url,
		       "&annotationQuery=error%20and%20http.route%3D%2Fo%20and%20zone%3D2&"));
	query.failing = false;
	ask(&query);
	ck_assert_ptr_nonnull(
		strstr(talk.request.url, "&annotationQuery=http.route%3D%2Fo%20and%20zone%3D2&"));
}
END_TEST

START_TEST(healthy_traces_are_asked_for)
{
	struct trace_query query = search_for(&checkout, false);

	query.healthy = true;
	ask(&query);
	ck_assert_ptr_null(strstr(talk.request.url, "annotationQuery"));
}
END_TEST

START_TEST(patterns_cannot_be_asked_for)
{
	struct signal signal = { .service = "check*" };
	struct trace_query query = search_for(&signal, true);

	ck_assert_int_eq(ask(&query), SOURCE_REFUSED);
	ck_assert_str_eq(talk.text, "cannot be searched for this signal");
	signal.service = "cart";
	signal.operation = "GET *";
	ask(&query);
	ck_assert_ptr_null(strstr(talk.request.url, "spanName"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("source_zipkin");

	tcase_add_checked_fixture(tcase, setup, kit_teardown);
	tcase_add_test(tcase, asks_by_id);
	tcase_add_test(tcase, searches_for_errors);
	tcase_add_test(tcase, searches_for_attributes);
	tcase_add_test(tcase, healthy_traces_are_asked_for);
	tcase_add_test(tcase, patterns_cannot_be_asked_for);
	return run_case(tcase, "source_zipkin");
}
