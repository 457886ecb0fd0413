/*
 * Trace source xray: its questions, after the API reference (GetTraceSummaries, BatchGetTraces),
 * and what becomes of segment documents, after "AWS X-Ray segment documents" of the developer
 * guide.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/lib/decode_kit.h"
#include "tests/lib/source_kit.h"
#include "tracepager/xalloc.h"

#define XRAY_ID	   "1-4bf92f35-77b34da6a3ce929d0e0e4736"
#define XRAY_OTHER "1-0af76519-16cd43dd8448eb211c80319c"

static void setup(void)
{
	kit_setup(SOURCE_XRAY, NULL);
	config.username = "AKIDEXAMPLE";
	secret_set(&config.password, "secret/key");
}

static void teardown(void)
{
	secret_fini(&config.password);
	kit_teardown();
}

/* ---- what is asked ---- */

START_TEST(asks_by_id)
{
	const struct trace_query query = { .trace_id = "4BF92F3577b34da6a3ce929d0e0e4736" };

	secret_set(&config.session_token, "t0ken");
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_str_eq(talk.request.url, "https://xray.eu-west-1.amazonaws.com/Traces");
	ck_assert_int_eq(talk.request.method, HTTP_POST);
	ck_assert_str_eq(talk.request.body, "{\"TraceIds\":[\"" XRAY_ID "\"]}");
	ck_assert_uint_eq(talk.request.body_len, strlen(talk.request.body));
	ck_assert_str_eq(talk.request.sigv4, "aws:amz:eu-west-1:xray");
	ck_assert_str_eq(talk.request.sigv4_keys, "AKIDEXAMPLE:secret/key");
	ck_assert_str_eq(header("X-Amz-Security-Token"), "t0ken");
	ck_assert_str_eq(header("Content-Type"), "application/json");
	ck_assert_ptr_null(header("Authorization"));
	ck_assert_int_eq(talk.encoding, TRACE_ENCODING_XRAY_JSON);
	ck_assert_int_eq(answer(200, "{}", "application/json"), SOURCE_TRACES);
	secret_fini(&config.session_token);
}
END_TEST

START_TEST(ids_of_other_forms)
{
	struct trace_query query = { .trace_id = XRAY_ID };

	config.url = "http://127.0.0.1:1/";
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_str_eq(talk.request.url, "http://127.0.0.1:1/Traces");
	ck_assert_str_eq(talk.request.body, "{\"TraceIds\":[\"" XRAY_ID "\"]}");
	query.trace_id = "a3ce929d0e0e4736";
	ck_assert_int_eq(ask(&query), SOURCE_NOT_FOUND);
	query.trace_id = "4bf92f3577b34da6a3ce929d0e0e473x";
	ck_assert_int_eq(ask(&query), SOURCE_NOT_FOUND);
}
END_TEST

START_TEST(asks_for_further_pages)
{
	const struct trace_query query = { .trace_id = ID };

	ask(&query);
	talk.cursor = "p2=";
	ck_assert_int_eq(answer(200, "{}", ""), SOURCE_SEND);
	ck_assert(talk.more);
	ck_assert_str_eq(talk.request.body,
			 "{\"TraceIds\":[\"" XRAY_ID "\"],\"NextToken\":\"p2=\"}");
	talk.cursor = NULL;
	ck_assert_int_eq(answer(200, "{}", ""), SOURCE_TRACES);
}
END_TEST

START_TEST(asks_again_for_what_was_not_come_to)
{
	const struct trace_query query = { .trace_id = ID };

	ask(&query);
	talk.cursor = " " XRAY_ID " " XRAY_OTHER;
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(answer(200, "{}", ""), SOURCE_SEND);
		ck_assert_str_eq(talk.request.body,
				 "{\"TraceIds\":[\"" XRAY_ID "\",\"" XRAY_OTHER "\"]}");
		ck_assert_int_eq(talk.wait_us, 200000);
	}
	ck_assert_int_eq(answer(200, "{}", ""), SOURCE_FAILED);
}
END_TEST

#define WINDOW                                                                                     \
	"{\"StartTime\":1788256200,\"EndTime\":1788256800,\"TimeRangeType\":\"Event\","            \
	"\"Sampling\":false,\"FilterExpression\":"

START_TEST(searches_with_a_filter)
{
	struct trace_query query = search_for(&checkout, true);

	query.min_duration_us = 1500000;
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_str_eq(talk.request.url, "https://xray.eu-west-1.amazonaws.com/TraceSummaries");
	ck_assert_str_eq(talk.request.body,
			 WINDOW "\"service(\\\"checkout\\\") { fault = true AND responsetime >= "
				"1.500000 AND http.method = \\\"POST\\\" AND http.url CONTAINS "
				"\\\"/orders\\\" }\"}");
	ck_assert_int_eq(talk.encoding, SOURCE_TEXT);
}
END_TEST

static const struct {
	const char *operation;
	bool healthy;
	const char *filter;
} filters[] = {
	{ NULL, false, "\"service(\\\"checkout\\\")\"}" },
	{ NULL, true, "\"service(\\\"checkout\\\") { fault = false }\"}" },
	{ "PlaceOrder", false, "\"service(\\\"checkout\\\")\"}" },
	{ "POST *", false, "\"service(\\\"checkout\\\")\"}" },
	{ "GET /orders/{id}", false,
	  "\"service(\\\"checkout\\\") { http.method = \\\"GET\\\" }\"}" },
	{ "GET /a\"b", false,
	  "\"service(\\\"checkout\\\") { http.method = \\\"GET\\\" AND http.url CONTAINS "
	  "\\\"/a\\\\\\\"b\\\" }\"}" },
};

START_TEST(filters_have_what_can_be_told)
{
	const struct signal signal = { .service = "checkout", .operation = filters[_i].operation };
	struct trace_query query = search_for(&signal, false);

	query.healthy = filters[_i].healthy;
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert(strncmp(talk.request.body, WINDOW, strlen(WINDOW)) == 0);
	ck_assert_str_eq(talk.request.body + strlen(WINDOW), filters[_i].filter);
}
END_TEST

#define SUMMARY(id) "{\"Id\":\"" id "\",\"HasFault\":true,\"EntryPoint\":{\"Id\":\"no\"}}"

START_TEST(a_search_fetches_five_at_a_time)
{
	struct trace_query query = search_for(&checkout, true);

	query.limit = 6;
	ask(&query);
	ck_assert_int_eq(
		answer(200, "{\"NextToken\":\"n2\",\"TraceSummaries\":[" SUMMARY("1-1-1") "]}", ""),
		SOURCE_SEND);
	ck_assert_ptr_nonnull(strstr(talk.request.url, "/TraceSummaries"));
	ck_assert_ptr_nonnull(strstr(talk.request.body, ",\"NextToken\":\"n2\"}"));
	ck_assert_int_eq(
		answer(200,
		       "{\"TraceSummaries\":[" SUMMARY("1-1-2") "," SUMMARY("1-1-3") "," SUMMARY(
			       "1"
			       "-"
			       "1"
			       "-"
			       "4") "," SUMMARY("1-1-5") "," SUMMARY("1-1-6") "," SUMMARY("1-1-7") "],"
												   "\"NextToken\":"
												   "\"n3\"}",
		       ""),
		SOURCE_SEND);
	ck_assert_str_eq(talk.request.body,
			 "{\"TraceIds\":[\"1-1-1\",\"1-1-2\",\"1-1-3\",\"1-1-4\",\"1-1-5\"]}");
	ck_assert_int_eq(answer(200, "{}", ""), SOURCE_SEND);
	ck_assert_str_eq(talk.request.body, "{\"TraceIds\":[\"1-1-6\"]}");
	ck_assert_int_eq(answer(200, "{}", ""), SOURCE_TRACES);
}
END_TEST

static const struct search_reply replies[] = {
	{ 200, "{\"TraceSummaries\":[]}", SOURCE_NOT_FOUND },
	{ 200, "{\"TraceSummaries\":[{\"Id\":7},{\"Id\":\"\"}]}", SOURCE_NOT_FOUND },
	{ 200, "<html>", SOURCE_BAD },
	{ 200, "{\"TraceSummaries\":", SOURCE_BAD },
	{ 400, "{\"Message\":\"Invalid filter\"}", SOURCE_REFUSED },
	{ 403, "{\"Message\":\"no\"}", SOURCE_REFUSED },
	{ 429, "{\"Message\":\"Rate exceeded\"}", SOURCE_FAILED },
	{ 503, "", SOURCE_FAILED },
};

START_TEST(other_answers_to_a_search)
{
	check_search_reply(&replies[_i]);
}
END_TEST

START_TEST(a_pattern_cannot_be_searched_for)
{
	check_pattern_is_refused();
}
END_TEST

/* ---- what comes ---- */

#define TRACE(documents) "{\"Traces\":[{\"Id\":\"" XRAY_ID "\",\"Segments\":[" documents "]}]}"
#define SEGMENT(text)	 "{\"Id\":\"x\",\"Document\":\"" text "\"}"

static int decode_xray(const char *document)
{
	return decode(TRACE_ENCODING_XRAY_JSON, document);
}

/* frontend calls checkout, which calls ledger, whose own work throws. The subsegment of the call
 * precedes the id of its segment. */
#define FRONTEND                                                                                   \
	"{\\\"trace_id\\\":\\\"" XRAY_ID "\\\",\\\"subsegments\\\":[{\\\"id\\\":\\\"a2\\\","       \
	"\\\"name\\\":\\\"checkout\\\",\\\"namespace\\\":\\\"remote\\\",\\\"start_time\\\":100.5," \
	"\\\"end_time\\\":101.25,\\\"error\\\":true,\\\"http\\\":{\\\"request\\\":{"               \
	"\\\"method\\\":"                                                                          \
	"\\\"POST\\\",\\\"url\\\":\\\"http://checkout:80/pay?x=1\\\"},\\\"response\\\":{"          \
	"\\\"status\\\":429}}}],\\\"id\\\":\\\"a1\\\",\\\"name\\\":\\\"frontend\\\","              \
	"\\\"start_time\\\":1.00E2,\\\"end_time\\\":102,\\\"error\\\":true,\\\"http\\\":{"         \
	"\\\"request\\\":{\\\"url\\\":\\\"http://shop/orders\\\",\\\"method\\\":\\\"POST\\\"}},"   \
	"\\\"annotations\\\":{\\\"team\\\":\\\"shop\\\"},\\\"metadata\\\":{\\\"id\\\":\\\"no\\\"}" \
	"}"
#define CHECKOUT_DOC                                                                               \
	"{\\\"id\\\":\\\"b1\\\",\\\"parent_id\\\":\\\"a2\\\",\\\"name\\\":\\\"checkout\\\","       \
	"\\\"start_time\\\":100.6,\\\"end_time\\\":101.2,\\\"fault\\\":true,\\\"subsegments\\\":[" \
	"{"                                                                                        \
	"\\\"id\\\":\\\"b2\\\",\\\"name\\\":\\\"book\\\",\\\"start_time\\\":100.7,"                \
	"\\\"end_time\\\":101,\\\"fault\\\":true,\\\"cause\\\":{\\\"exceptions\\\":[{"             \
	"\\\"message\\\":\\\"journal is "                                                          \
	"read-only\\\",\\\"type\\\":\\\"IOError\\\",\\\"stack\\\":["                               \
	"{\\\"label\\\":\\\"x\\\"}]},{\\\"message\\\":\\\"later\\\",\\\"type\\\":\\\"Later\\\"}]}" \
	","                                                                                        \
	"\\\"subsegments\\\":[{\\\"id\\\":\\\"b3\\\",\\\"name\\\":\\\"DynamoDB\\\","               \
	"\\\"namespace\\\":\\\"aws\\\",\\\"aws\\\":{\\\"operation\\\":\\\"PutItem\\\","            \
	"\\\"table_name\\\":\\\"orders\\\"},\\\"start_time\\\":100.8,\\\"in_progress\\\":true}]}]" \
	"}"
#define INFERRED                                                                                   \
	"{\\\"id\\\":\\\"c1\\\",\\\"parent_id\\\":\\\"b3\\\",\\\"name\\\":\\\"DynamoDB\\\","       \
	"\\\"inferred\\\":true,\\\"fault\\\":true,\\\"start_time\\\":100.8,\\\"end_time\\\":100."  \
	"9}"

START_TEST(segments_become_spans)
{
	ck_assert_int_eq(decode_xray(TRACE(SEGMENT(FRONTEND) "," SEGMENT(CHECKOUT_DOC) "," SEGMENT(
				 INFERRED))),
			 0);
	ck_assert_str_eq(
		decoded(),
		ID " partial\n"
		   "a2 a1 frontend client 100500000+750000 ERROR POST /pay: \n"
		   "a1 - frontend server 100000000+2000000 unset POST /orders: \n"
		   "b3 b2 checkout client 100800000+0 unset PutItem: \n"
		   "b2 b1 checkout internal 100700000+300000 ERROR book: journal is read-only\n"
		   "b1 a2 checkout server 100600000+600000 ERROR checkout: \n");
	ck_assert_str_eq(decoded_attr("a2", ATTR_PEER_SERVICE), "checkout");
	ck_assert_str_eq(decoded_attr("a2", ATTR_HTTP_RESPONSE_STATUS_CODE), "429");
	ck_assert_str_eq(decoded_attr("a2", ATTR_URL_FULL), "http://checkout:80/pay?x=1");
	ck_assert_str_eq(decoded_attr("a1", ATTR_COUNT), "shop");
	ck_assert_str_eq(decoded_attr("b2", ATTR_EXCEPTION_TYPE), "IOError");
	ck_assert_str_eq(decoded_attr("b3", ATTR_PEER_SERVICE), "DynamoDB");
	ck_assert_str_eq(decoded_attr("b3", ATTR_DB_NAMESPACE), "orders");
}
END_TEST

/* A subsegment in a document of its own, before the segment of its parent; and one whose parent is
 * missing. */
START_TEST(lone_subsegments_are_of_their_parents_service)
{
	ck_assert_int_eq(
		decode_xray(TRACE(SEGMENT(
			"{\\\"id\\\":\\\"d2\\\",\\\"parent_id\\\":\\\"d1\\\",\\\"type\\\":"
			"\\\"subsegment\\\",\\\"name\\\":\\\"late\\\"}") "," SEGMENT("{\\\"id\\\":"
										     "\\\"d1\\\","
										     "\\\"name\\\":"
										     "\\\"cart\\\""
										     "}") "," SEGMENT("{\\\"id\\\":\\\"d3\\\",\\\"parent_id\\\":\\\"d2\\\",\\\"type\\\":"
												      "\\\"subsegment\\\",\\\"name\\\":\\\"later\\\"}") "," SEGMENT("{\\\"id\\\":\\\"d4\\\",\\\"parent_id\\\":\\\"d9\\\",\\\"type\\\":"
																				    "\\\"subsegment\\\",\\\"name\\\":\\\"lost\\\"}"))),
		0);
	ck_assert_str_eq(decoded(), ID "\nd2 d1 cart internal 0+0 unset late: \n"
				       "d1 - cart server 0+0 unset cart: \n"
				       "d3 d2 cart internal 0+0 unset later: \n"
				       "d4 [d9]  internal 0+0 unset lost: \n");
}
END_TEST

START_TEST(pages_and_traces_are_told_apart)
{
	const char *const pages[] = {
		"{\"Traces\":[{\"LimitExceeded\":false,\"Segments\":[" SEGMENT(
			"{\\\"id\\\":\\\"1\\\",\\\"name\\\":\\\"a\\\",\\\"trace_id\\\":"
			"\\\"" XRAY_OTHER "\\\"}") "]}],\"NextToken\":\"n\"}",
		"{\"UnprocessedTraceIds\":[],\"Traces\":[{\"Segments\":[" SEGMENT(
			"{\\\"id\\\":\\\"2\\\",\\\"name\\\":\\\"b\\\"}") "],\"LimitExceeded\":true,"
									 "\"Id\":"
									 "\"odd\"}]}",
		NULL
	};

	ck_assert_int_eq(decode_pages(TRACE_ENCODING_XRAY_JSON, pages), 0);
	ck_assert_str_eq(decoded(), OTHER " partial\n1 - a server 0+0 unset a: \n"
					  " partial\n2 - b server 0+0 unset b: \n");
}
END_TEST

START_TEST(the_cursor_has_token_and_ids)
{
	static const struct {
		const char *text, *cursor;
	} documents[] = {
		{ "{\"Traces\":[]}", NULL },
		{ "{\"NextToken\":null,\"Traces\":[],\"UnprocessedTraceIds\":[]}", NULL },
		{ "{\"UnprocessedTraceIds\":[\"a\",\"b\"],\"Traces\":[]}", " a b" },
		{ "{\"UnprocessedTraceIds\":[\"a\"],\"Traces\":[],\"NextToken\":\"n\"}", "n a" },
	};

	for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
		struct trace_decoder *decoder = trace_decoder_new(TRACE_ENCODING_XRAY_JSON, NULL);
		ck_assert_int_eq(trace_decoder_feed(decoder, documents[i].text,
						    strlen(documents[i].text), NULL),
				 0);
		const char *cursor = trace_decoder_cursor(decoder);
		ck_assert_str_eq(cursor ? cursor : "none",
				 documents[i].cursor ? documents[i].cursor : "none");
		trace_decoder_free(decoder);
	}
}
END_TEST

static const struct {
	const char *text;
	int error;
	const char *words;
} bad[] = {
	{ "{\"Traces\":[]}", -ENOENT, "" },
	{ "{}", -EBADMSG,
	  "the document has no list of Traces: it is not an answer of X-Ray's BatchGetTraces" },
	{ "{\"Traces\":{}}", -EBADMSG,
	  "the document has no list of Traces: it is not an answer of X-Ray's BatchGetTraces" },
	{ "{\"Traces\":[", -EBADMSG, "" },
	{ TRACE(SEGMENT("{")), -EBADMSG, "a segment's document: " },
	{ TRACE(SEGMENT("[]")), -EBADMSG, "a segment's document: " },
	{ TRACE(SEGMENT("")), -EBADMSG, "a segment's document: " },
	{ TRACE("{\"Document\":{}}"), -ENOENT, "" },
};

START_TEST(what_is_no_answer)
{
	ck_assert_int_eq(decode_xray(bad[_i].text), bad[_i].error);
	ck_assert_msg(strncmp(decoded(), bad[_i].words, strlen(bad[_i].words)) == 0, "%s",
		      decoded());
}
END_TEST

START_TEST(it_is_recognised)
{
	static const char text[] = TRACE(SEGMENT(FRONTEND));
	enum trace_encoding encoding;

	ck_assert_int_eq(trace_recognise(text, strlen(text), &encoding, NULL), 0);
	ck_assert_int_eq(encoding, TRACE_ENCODING_XRAY_JSON);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("source_xray");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, asks_by_id);
	tcase_add_test(tcase, ids_of_other_forms);
	tcase_add_test(tcase, asks_for_further_pages);
	tcase_add_test(tcase, asks_again_for_what_was_not_come_to);
	tcase_add_test(tcase, searches_with_a_filter);
	tcase_add_loop_test(tcase, filters_have_what_can_be_told, 0, ARRAY_LEN(filters));
	tcase_add_test(tcase, a_search_fetches_five_at_a_time);
	tcase_add_loop_test(tcase, other_answers_to_a_search, 0, ARRAY_LEN(replies));
	tcase_add_test(tcase, a_pattern_cannot_be_searched_for);
	tcase_add_test(tcase, segments_become_spans);
	tcase_add_test(tcase, lone_subsegments_are_of_their_parents_service);
	tcase_add_test(tcase, pages_and_traces_are_told_apart);
	tcase_add_test(tcase, the_cursor_has_token_and_ids);
	tcase_add_loop_test(tcase, what_is_no_answer, 0, ARRAY_LEN(bad));
	tcase_add_test(tcase, it_is_recognised);
	return run_case(tcase, "source_xray");
}
