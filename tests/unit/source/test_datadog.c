/*
 * Trace source datadog: its questions to the spans search (API v2), and what becomes of the pages.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/lib/decode_kit.h"
#include "tests/lib/source_kit.h"
#include "tracepager/xalloc.h"

static void setup(void)
{
	kit_setup(SOURCE_DATADOG, NULL);
	secret_set(&config.api_key, "k3y");
	secret_set(&config.app_key, "4pp");
}

static void teardown(void)
{
	secret_fini(&config.api_key);
	secret_fini(&config.app_key);
	kit_teardown();
}

#define BODY(filter, from, to, page)                                                               \
	"{\"data\":{\"type\":\"search_request\",\"attributes\":{\"filter\":{\"query\":\"" filter   \
	"\",\"from\":\"2026-09-01T" from "\",\"to\":\"2026-09-01T" to                              \
	"\"},\"sort\":\"timestamp\",\"page\":{" page "}}}}"
/* An hour around the query's window; the low half of the id is 0xa3ce929d0e0e4736 =
 * 11803532876627986230 */
#define TRACE_BODY(page)                                                                           \
	BODY("trace_id:(" ID " OR 11803532876627986230)", "08:50:00.250Z", "11:00:00Z",            \
	     "\"limit\":1000" page)

START_TEST(asks_by_id_and_page_by_page)
{
	struct trace_query query = search_for(&checkout, false);

	query.trace_id = ID;
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_str_eq(talk.request.url, "https://api.datadoghq.com/api/v2/spans/events/search");
	ck_assert_str_eq(header("DD-API-KEY"), "k3y");
	ck_assert_str_eq(header("DD-APPLICATION-KEY"), "4pp");
	ck_assert_str_eq(talk.request.body, TRACE_BODY(""));
	ck_assert_int_eq(talk.encoding, TRACE_ENCODING_DATADOG_JSON);
	talk.cursor = "n3xt";
	ck_assert_int_eq(answer(200, "{}", ""), SOURCE_SEND);
	ck_assert(talk.more);
	ck_assert_str_eq(talk.request.body, TRACE_BODY(",\"cursor\":\"n3xt\""));
	talk.cursor = NULL;
	ck_assert_int_eq(answer(200, "{}", ""), SOURCE_TRACES);
}
END_TEST

START_TEST(ids_that_could_be_queries_are_not_asked_for)
{
	struct trace_query query = { .trace_id = "a) OR (*" };

	ck_assert_int_eq(ask(&query), SOURCE_NOT_FOUND);
}
END_TEST

START_TEST(searches_then_asks_for_all_at_once)
{
	struct trace_query query = search_for(&checkout, true);

	config.url = "https://api.datadoghq.eu/";
	query.min_duration_us = 1500;
	query.limit = 2;
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_str_eq(talk.request.url, "https://api.datadoghq.eu/api/v2/spans/events/search");
	ck_assert_str_eq(talk.request.body,
			 BODY("service:\\\"checkout\\\" resource_name:\\\"POST /orders\\\" "
			      "status:error @duration:>=1500000",
			      "09:50:00.250Z", "10:00:00Z", "\"limit\":10"));
	ck_assert_int_eq(talk.encoding, SOURCE_TEXT);
	ck_assert_int_eq(answer(200,
				"{\"data\":[{\"attributes\":{\"trace_id\":\"7\"}},{\"attributes\":{"
				"\"trace_id\":\"7\"}},{\"attributes\":{\"trace_id\":\"a "
				"b\"}},{\"attributes\":{"
				"\"trace_id\":\"8\"}},{\"attributes\":{\"trace_id\":\"9\"}}]}",
				""),
			 SOURCE_SEND);
	ck_assert_str_eq(talk.request.body,
			 BODY("trace_id:(7 OR 8)", "08:50:00.250Z", "11:00:00Z", "\"limit\":1000"));
}
END_TEST

START_TEST(healthy_traces_and_patterns)
{
	const struct signal signal = { .service = "a\"b", .operation = "GET *" };
	struct trace_query query = search_for(&signal, false);

	query.healthy = true;
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_ptr_nonnull(
		strstr(talk.request.body,
		       "\"query\":\"service:\\\"a\\\\\\\"b\\\" -status:error\",\"from\""));
}
END_TEST

static const struct {
	int status;
	const char *left, *reset;
	enum source_step step;
	int64_t hold_us;
} limits[] = {
	{ 200, "299", "1800", SOURCE_TRACES, 0 },
	{ 200, "0", "1800", SOURCE_TRACES, 1800000000 },
	{ 429, "0", "60", SOURCE_FAILED, 60000000 },
	{ 429, "5", "60", SOURCE_FAILED, 60000000 },
	{ 429, "0", "soon", SOURCE_FAILED, 0 },
	{ 429, "0", "99999999999999999999", SOURCE_FAILED, 0 },
};

START_TEST(the_limit_is_obeyed)
{
	const struct trace_query query = { .trace_id = ID, .from_us = 7200000000 };
	const struct http_header headers[] = { { "X-RateLimit-Remaining", limits[_i].left },
					       { "x-ratelimit-reset", limits[_i].reset } };
	const struct http_reply reply = { .status = limits[_i].status,
					  .body = "{}",
					  .len = 2,
					  .retry_after_us = -1,
					  .content_type = "",
					  .headers = headers,
					  .nheaders = 2 };

	ask(&query);
	talk.step = 1;
	talk.reply = &reply;
	ck_assert_int_eq(trace_source_next(&talk), limits[_i].step);
	ck_assert_int_eq(talk.hold_us, limits[_i].hold_us);
}
END_TEST

#define SPAN(text) "{\"id\":\"x\",\"type\":\"spans\",\"attributes\":{" text "}}"

START_TEST(pages_become_a_trace)
{
	const char *const pages[] = {
		"{\"data\":[" SPAN(
			"\"trace_id\":\"" ID
			"\",\"span_id\":\"12\",\"parent_id\":\"0\",\"service\":"
			"\"checkout\",\"resource_name\":\"POST /orders\",\"type\":\"web\","
			"\"start_timestamp\":\"2026-09-01T09:50:00.25Z\",\"end_timestamp\":"
			"\"2026-09-01T09:50:01Z\",\"status\":\"error\",\"custom\":{\"team\":"
			"\"shop\","
			"\"http\":{\"status_code\":\"500\"}}") "],\"meta\":{\"status\":\"done\","
							       "\"page\":{\"after\":\"n\"}}}",
		"{\"meta\":{\"page\":{}},\"data\":[" SPAN(
			"\"custom\":{\"duration\":2000000,\"span\":{\"kind\":\"client\"},\"peer\":{"
			"\"service\":\"ledger\"},\"error\":{\"message\":\"refused\",\"type\":"
			"\"IOError\"}},\"trace_id\":\"" ID
			"\",\"span_id\":\"13\",\"parent_id\":\"12\","
			"\"service\":\"checkout\",\"operation_name\":\"http.request\","
			"\"start_timestamp\":\"2026-09-01T09:50:00.3Z\"") "," SPAN("\"trace_id\":"
										   "\"" ID
										   "\",\"span_id\":"
										   "\"14\","
										   "\"parent_id\":"
										   "\"12\","
										   "\"type\":"
										   "\"redis\","
										   "\"custom\":{"
										   "\"error\":{"
										   "\"stack\":\"at "
										   "x\"}}") "]}",
		NULL
	};

	ck_assert_int_eq(decode_pages(TRACE_ENCODING_DATADOG_JSON, pages), 0);
	ck_assert_str_eq(decoded(), ID
			 "\n12 - checkout server 1788256200250000+750000 ERROR POST /orders: \n"
			 "13 12 checkout client 1788256200300000+2000 ERROR http.request: refused\n"
			 "14 12  client 0+0 ERROR : \n");
	ck_assert_str_eq(decoded_attr("12", ATTR_HTTP_STATUS_CODE), "500");
	ck_assert_str_eq(decoded_attr("12", ATTR_COUNT), "shop");
	ck_assert_str_eq(decoded_attr("13", ATTR_PEER_SERVICE), "ledger");
	ck_assert_str_eq(decoded_attr("13", ATTR_EXCEPTION_TYPE), "IOError");
}
END_TEST

/* A search that timed out has not looked everywhere: its empty answer is no "not found". */
START_TEST(an_empty_answer_that_timed_out)
{
	const struct trace_query query = { .trace_id = ID }, search = search_for(&checkout, true);

	ask(&query);
	ck_assert_int_eq(answer(200, "{\"data\":[],\"meta\":{\"status\":\"timeout\"}}", ""),
			 SOURCE_FAILED);
	ck_assert_str_eq(talk.text, "timed out before it had searched everything");
	ask(&query);
	ck_assert_int_eq(answer(200, "{\"data\":[],\"meta\":{\"status\":\"done\"}}", ""),
			 SOURCE_NOT_FOUND);
	ask(&search);
	ck_assert_int_eq(answer(200, "{\"meta\":{\"status\":\"timeout\"},\"data\":[]}", ""),
			 SOURCE_FAILED);
}
END_TEST

START_TEST(partial_foreign_and_empty)
{
	ck_assert_int_eq(
		decode(TRACE_ENCODING_DATADOG_JSON,
		       "{\"data\":[" SPAN("\"trace_id\":\"t\",\"span_id\":\"1\"") "],\"meta\":{"
										  "\"status\":"
										  "\"timeout\"}}"),
		0);
	ck_assert_str_eq(decoded(), "t partial\n1 -  unspecified 0+0 unset : \n");
	ck_assert_int_eq(decode(TRACE_ENCODING_DATADOG_JSON, "{\"data\":[]}"), -ENOENT);
	ck_assert_int_eq(decode(TRACE_ENCODING_DATADOG_JSON, "{\"errors\":[]}"), -EBADMSG);
	ck_assert_str_eq(
		decoded(),
		"the document has no list of data: it is not a page of Datadog's spans search");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("source_datadog");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, asks_by_id_and_page_by_page);
	tcase_add_test(tcase, ids_that_could_be_queries_are_not_asked_for);
	tcase_add_test(tcase, searches_then_asks_for_all_at_once);
	tcase_add_test(tcase, healthy_traces_and_patterns);
	tcase_add_loop_test(tcase, the_limit_is_obeyed, 0, ARRAY_LEN(limits));
	tcase_add_test(tcase, pages_become_a_trace);
	tcase_add_test(tcase, an_empty_answer_that_timed_out);
	tcase_add_test(tcase, partial_foreign_and_empty);
	return run_case(tcase, "source_datadog");
}
