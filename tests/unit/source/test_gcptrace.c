/*
 * Trace source gcptrace: its questions to API v1 of Google Cloud Trace, and what becomes of the
 * traces.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/lib/decode_kit.h"
#include "tests/lib/source_kit.h"

static void setup(void)
{
	kit_setup(SOURCE_GCPTRACE, NULL);
}

#define TRACES "https://cloudtrace.googleapis.com/v1/projects/shop-prod/traces"

START_TEST(asks_by_id)
{
	const struct trace_query query = { .trace_id = ID };

	secret_set(&config.bearer, "ya29.t0ken");
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_str_eq(talk.request.url, TRACES "/" ID);
	ck_assert_int_eq(talk.request.method, HTTP_GET);
	ck_assert_str_eq(header("Authorization"), "Bearer ya29.t0ken");
	ck_assert_int_eq(talk.encoding, TRACE_ENCODING_GCP_JSON);
	ck_assert_int_eq(answer(200, "{}", ""), SOURCE_TRACES);
	secret_fini(&config.bearer);
}
END_TEST

START_TEST(searches_with_a_filter)
{
	struct trace_query query = search_for(&checkout, true);

	query.min_duration_us = 1500000;
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	/* +service.name:"checkout" +span:"POST /orders" /http/status_code:5 latency:1500ms */
	ck_assert_str_eq(talk.request.url,
			 TRACES "?view=COMPLETE&pageSize=10&startTime=2026-09-01T09%3A50%3A00.250Z"
				"&endTime=2026-09-01T10%3A00%3A00Z"
				"&filter=%2Bservice.name%3A%22checkout%22%20%2Bspan%3A%22POST%20%2F"
				"orders%22%20%2Fhttp%2Fstatus_code%3A5%20latency%3A1500ms");
	talk.cursor = "n/2";
	ck_assert_int_eq(answer(200, "{}", ""), SOURCE_SEND);
	ck_assert_ptr_nonnull(strstr(talk.request.url, "latency%3A1500ms&pageToken=n%2F2"));
	talk.cursor = NULL;
	ck_assert_int_eq(answer(200, "{}", ""), SOURCE_TRACES);
}
END_TEST

START_TEST(any_traces_of_a_service)
{
	struct signal signal = { .service = "checkout", .operation = "GET *" };
	struct trace_query query = search_for(&signal, false);

	query.min_duration_us = 999;
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_ptr_nonnull(strstr(talk.request.url, "&filter=%2Bservice.name%3A%22checkout%22"));
	ck_assert_str_eq(strstr(talk.request.url, "%22checkout%22"), "%22checkout%22");
	signal.service = "check*";
	ck_assert_int_eq(ask(&query), SOURCE_REFUSED);
}
END_TEST

START_TEST(a_trace_by_id)
{
	ck_assert_int_eq(
		decode(TRACE_ENCODING_GCP_JSON,
		       "{\"projectId\":\"shop-prod\",\"traceId\":\"" ID "\",\"spans\":[{\"spanId\":"
		       "\"18446744073709551615\",\"kind\":\"RPC_SERVER\",\"name\":\"/orders\","
		       "\"startTime\":\"2026-09-01T09:50:00.25Z\",\"endTime\":"
		       "\"2026-09-01T09:50:00.500000001Z\",\"labels\":{\"/http/"
		       "status_code\":\"500\","
		       "\"/http/method\":\"POST\",\"/component\":\"checkout\",\"team\":\"shop\"}},{"
		       "\"spanId\":\"2\",\"parentSpanId\":\"18446744073709551615\",\"kind\":"
		       "\"RPC_CLIENT\",\"name\":\"Book\",\"labels\":{\"service.name\":\"checkout\","
		       "\"/error/message\":\"refused\",\"/error/name\":\"IOError\"}}]}"),
		0);
	ck_assert_str_eq(
		decoded(), ID
		"\n18446744073709551615 - checkout server 1788256200250000+250000 unset /orders: \n"
		"2 18446744073709551615 checkout client 0+0 ERROR Book: refused\n");
	ck_assert_str_eq(decoded_attr("18446744073709551615", ATTR_HTTP_RESPONSE_STATUS_CODE),
			 "500");
	ck_assert_str_eq(decoded_attr("18446744073709551615", ATTR_COUNT), "shop");
	ck_assert_str_eq(decoded_attr("2", ATTR_EXCEPTION_TYPE), "IOError");
}
END_TEST

START_TEST(traces_of_a_search)
{
	const char *const pages[] = {
		"{\"nextPageToken\":\"n\"}",
		"{\"traces\":[{\"traceId\":\"a\",\"spans\":[{\"spanId\":\"1\"}]},{\"traceId\":"
		"\"b\","
		"\"spans\":[{\"spanId\":\"1\",\"parentSpanId\":\"0\",\"kind\":"
		"\"SPAN_KIND_UNSPECIFIED\"}]}],\"nextPageToken\":\"m\"}",
		NULL
	};

	ck_assert_int_eq(decode_pages(TRACE_ENCODING_GCP_JSON, pages), 0);
	ck_assert_str_eq(decoded(), "a\n1 -  unspecified 0+0 unset : \n"
				    "b\n1 -  unspecified 0+0 unset : \n");
	ck_assert_int_eq(decode(TRACE_ENCODING_GCP_JSON, "{}"), -ENOENT);
	ck_assert_int_eq(decode(TRACE_ENCODING_GCP_JSON, "{\"spans\":["), -EBADMSG);
}
END_TEST

/* An empty page with a cursor is followed by another; a page with traces has enough of them. */
START_TEST(only_an_empty_page_has_another_behind_it)
{
	static const char empty[] = "{\"nextPageToken\":\"n\"}";
	static const char full[] =
		"{\"traces\":[{\"traceId\":\"a\",\"spans\":[{}]}],\"nextPageToken\":"
		"\"n\"}";
	struct trace_decoder *decoder = trace_decoder_new(TRACE_ENCODING_GCP_JSON, NULL);

	trace_decoder_feed(decoder, empty, strlen(empty), NULL);
	ck_assert_str_eq(trace_decoder_cursor(decoder), "n");
	trace_decoder_page(decoder, NULL);
	trace_decoder_feed(decoder, full, strlen(full), NULL);
	ck_assert_ptr_null(trace_decoder_cursor(decoder));
	trace_decoder_free(decoder);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("source_gcptrace");

	tcase_add_checked_fixture(tcase, setup, kit_teardown);
	tcase_add_test(tcase, asks_by_id);
	tcase_add_test(tcase, searches_with_a_filter);
	tcase_add_test(tcase, any_traces_of_a_service);
	tcase_add_test(tcase, a_trace_by_id);
	tcase_add_test(tcase, traces_of_a_search);
	tcase_add_test(tcase, only_an_empty_page_has_another_behind_it);
	return run_case(tcase, "source_gcptrace");
}
