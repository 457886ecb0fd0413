/*
 * Documents as other writers make them: bad characters in a message, numbers kept as doubles,
 * errors in the place of traces. One such thing must cost neither a trace nor the true reason. The
 * expected lines are worked out by hand.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/decode_kit.h"
#include "tracepager/xalloc.h"

#define MARK "\xef\xbf\xbd" /* U+FFFD */

struct document {
	enum trace_encoding encoding;
	const char *text;
	const char *wanted; /* decoded() */
};

static void check_document(const struct document *document)
{
	decode(document->encoding, document->text);
	ck_assert_str_eq(decoded(), document->wanted);
}

#define OTLP_SPAN(more)                                                                            \
	"{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{" \
	"\"stringValue\":\"cart\"}}]},\"scopeSpans\":[{\"spans\":[{\"traceId\":\"t\",\"spanId\":"  \
	"\"a\",\"name\":\"get\"" more "}]}]}]}"
#define JAEGER_SPAN(more)                                                                          \
	"{\"data\":[{\"traceID\":\"t\",\"spans\":[{\"traceID\":\"t\",\"spanID\":\"a\","            \
	"\"operationName\":\"get\",\"processID\":\"p\"" more "}],\"processes\":{\"p\":{"           \
	"\"serviceName\":\"cart\"}}}]"
#define HIT(more)                                                                                  \
	"{\"hits\":{\"hits\":[{\"_source\":{\"traceId\":\"t\",\"spanId\":\"a\"" more "}}]}}"

/* A lone half of a surrogate pair, and bytes that are no UTF-8, as cut messages have them. */
static const struct document characters[] = {
	{ TRACE_ENCODING_OTLP_JSON,
	  OTLP_SPAN(",\"status\":{\"code\":2,\"message\":\"cut \\ud83d\"}"),
	  "t\na - cart unspecified 0+0 ERROR get: cut " MARK "\n" },
	{ TRACE_ENCODING_JAEGER_JSON,
	  JAEGER_SPAN(
		  ",\"tags\":[{\"key\":\"otel.status_description\",\"value\":\"caf\xc3\"}]") "}",
	  "t\na - cart unspecified 0+0 unset get: caf" MARK "\n" },
	{ TRACE_ENCODING_ZIPKIN_V2,
	  "[{\"traceId\":\"1\",\"id\":\"a\",\"name\":\"\\udc00get\",\"localEndpoint\":{"
	  "\"serviceName\":"
	  "\"cart\"}}]",
	  "1\na - cart unspecified 0+0 unset " MARK "get: \n" },
	{ TRACE_ENCODING_ELASTIC_JSON, HIT(",\"serviceName\":\"cart\",\"name\":\"g\xff\""),
	  "t\na - cart unspecified 0+0 unset g" MARK ": \n" },
	{ TRACE_ENCODING_XRAY_JSON,
	  "{\"Traces\":[{\"Segments\":[{\"Document\":\"{\\\"trace_id\\\":\\\"t\\\",\\\"id\\\":"
	  "\\\"a\\\","
	  "\\\"name\\\":\\\"\\\\ud800cart\\\"}\"}]}]}",
	  "t\na - " MARK "cart server 0+0 unset " MARK "cart: \n" },
};

START_TEST(bad_characters)
{
	check_document(&characters[_i]);
}
END_TEST

/* Writers that keep all numbers as doubles. */
static const struct document doubles[] = {
	{ TRACE_ENCODING_OTLP_JSON, OTLP_SPAN(",\"kind\":3.0,\"status\":{\"code\":2.0}"),
	  "t\na - cart client 0+0 ERROR get: \n" },
	{ TRACE_ENCODING_OTLP_JSON, OTLP_SPAN(",\"kind\":\"2\",\"status\":{\"code\":2e0}"),
	  "t\na - cart server 0+0 ERROR get: \n" },
	{ TRACE_ENCODING_OTLP_JSON, OTLP_SPAN(",\"kind\":2.5,\"status\":{\"code\":-2.0}"),
	  "t\na - cart unspecified 0+0 unset get: \n" },
	{ TRACE_ENCODING_ELASTIC_JSON, HIT(",\"serviceName\":\"cart\",\"status\":{\"code\":2.0}"),
	  "t\na - cart unspecified 0+0 ERROR : \n" },
	{ TRACE_ENCODING_ELASTIC_JSON,
	  "{\"_shards\":{\"failed\":0.0},\"hits\":{\"hits\":[{\"_source\":{\"traceId\":\"t\","
	  "\"spanId\":\"a\"}}]}}",
	  "t\na -  unspecified 0+0 unset : \n" },
};

START_TEST(numbers_as_doubles)
{
	check_document(&doubles[_i]);
}
END_TEST

START_TEST(attributes_as_doubles)
{
	decode(TRACE_ENCODING_OTLP_JSON,
	       OTLP_SPAN(",\"attributes\":[{\"key\":\"http.response.status_code\",\"value\":{"
			 "\"doubleValue\":503.0}},{\"key\":\"team\",\"value\":{\"stringValue\":\"1."
			 "0\"}}]"));
	ck_assert_str_eq(decoded_attr("a", ATTR_HTTP_RESPONSE_STATUS_CODE), "503");
	ck_assert_str_eq(decoded_attr("a", ATTR_COUNT), "1.0");
	decode(TRACE_ENCODING_JAEGER_JSON, JAEGER_SPAN(",\"tags\":[{\"value\":500.0,\"key\":\"http."
						       "status_code\"},{\"key\":\"team\","
						       "\"value\":1.5}]") "}");
	ck_assert_str_eq(decoded_attr("a", ATTR_HTTP_STATUS_CODE), "500");
	ck_assert_str_eq(decoded_attr("a", ATTR_COUNT), "1.5");
	decode(TRACE_ENCODING_ZIPKIN_V2, "[{\"traceId\":\"1\",\"id\":\"a\",\"remoteEndpoint\":{"
					 "\"ipv4\":\"10.0.0.7\",\"port\":3306.0}}]");
	ck_assert_str_eq(decoded_attr("a", ATTR_NETWORK_PEER_PORT), "3306");
}
END_TEST

static const struct document errors[] = {
	{ TRACE_ENCODING_JAEGER_JSON,
	  "{\"data\":null,\"errors\":[{\"code\":503,\"msg\":\"no shard "
	  "answered\"},{\"msg\":\"b\"}]}",
	  "the answer is an error: \"no shard answered\" (code 503)" },
	{ TRACE_ENCODING_JAEGER_JSON, "{\"errors\":[\"Forbidden\"]}",
	  "the answer is an error: \"Forbidden\"" },
	{ TRACE_ENCODING_JAEGER_JSON, "{\"errors\":[{}],\"data\":[]}",
	  "the answer is an error: \"without a message\"" },
	{ TRACE_ENCODING_JAEGER_JSON,
	  "{\"data\":[],\"errors\":[{\"code\":404,\"msg\":\"trace not found\"}]}",
	  "no span in it" },
	{ TRACE_ENCODING_JAEGER_JSON, "{\"data\":[],\"errors\":null}", "no span in it" },
	/* The storage failed for a part: what is there counts. */
	{ TRACE_ENCODING_JAEGER_JSON, JAEGER_SPAN("") ",\"errors\":[{\"code\":500,\"msg\":\"x\"}]}",
	  "t partial\na - cart unspecified 0+0 unset get: \n" },
	{ TRACE_ENCODING_OTLP_JSON,
	  "{\"error\":{\"code\":404,\"root_cause\":[],\"reason\":\"no such index [apm]\"}}",
	  "the answer is an error: \"no such index [apm]\" (code 404)" },
};

START_TEST(errors_in_place_of_traces)
{
	check_document(&errors[_i]);
}
END_TEST

#define SEGMENT                                                                                    \
	"{\"id\":\"a\",\"name\":\"cart\",\"trace_id\":\"1-5759e988-bd862e3fe1be46a994272793\","    \
	"\"start_time\":1.5,\"end_time\":2.5,\"subsegments\":[{\"id\":\"b\",\"name\":\"{db}\"}]}"
#define SEGMENT_SPANS                                                                              \
	"5759e988bd862e3fe1be46a994272793\n"                                                       \
	"b a cart internal 0+0 unset {db}: \na - cart server 1500000+1000000 unset cart: \n"

/* Segment documents outside of an answer. */
static const struct document segments[] = {
	{ TRACE_ENCODING_XRAY_JSON, SEGMENT, SEGMENT_SPANS },
	{ TRACE_ENCODING_XRAY_JSON, " [ " SEGMENT " ]\n", SEGMENT_SPANS },
	{ TRACE_ENCODING_XRAY_JSON, "[]", "no span in it" },
	{ TRACE_ENCODING_XRAY_JSON, "{\"id\":\"a\"", "ends inside an object" },
};

START_TEST(segments_alone)
{
	check_document(&segments[_i]);
}
END_TEST

/* Ids without the zeros at their start, beside the same ids with them. */
static const struct document unpadded[] = {
	{ TRACE_ENCODING_ZIPKIN_V2,
	  "[{\"traceId\":\"7\",\"id\":\"00000000000000Ab\",\"parentId\":\"1f\"},"
	  "{\"traceId\":\"0000000000000007\",\"id\":\"000000000000001f\"},"
	  "{\"traceId\":\"7\",\"id\":\"c\",\"parentId\":\"ab\"}]",
	  "0000000000000007\n00000000000000Ab 1f  unspecified 0+0 unset : \n"
	  "000000000000001f -  unspecified 0+0 unset : \nc ab  unspecified 0+0 unset : \n" },
	{ TRACE_ENCODING_JAEGER_JSON,
	  "{\"data\":[{\"spans\":[{\"traceID\":\"5f\",\"spanID\":\"3\"},{\"traceID\":\"005f\","
	  "\"spanID\":\"4\",\"references\":[{\"refType\":\"CHILD_OF\",\"traceID\":\"00005f\","
	  "\"spanID\":\"0003\"}]},{\"spanID\":\"5\",\"references\":[{\"refType\":\"CHILD_OF\","
	  "\"traceID\":\"05f\",\"spanID\":\"04\"}],\"traceID\":\"5f\"}]}]}",
	  "5f\n3 -  unspecified 0+0 unset : \n4 0003  unspecified 0+0 unset : \n"
	  "5 04  unspecified 0+0 unset : \n" },
	{ TRACE_ENCODING_OTLP_JSON,
	  "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"t\",\"spanId\":\"0a\"},"
	  "{\"traceId\":\"t\",\"spanId\":\"b\",\"parentSpanId\":\"a\"}]}]}]}",
	  "t\n0a -  unspecified 0+0 unset : \nb a  unspecified 0+0 unset : \n" },
	/* No number, too many digits, and a span that would be its own parent. */
	{ TRACE_ENCODING_OTLP_JSON,
	  "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"t\",\"spanId\":\"0x\"},"
	  "{\"traceId\":\"t\",\"spanId\":\"b\",\"parentSpanId\":\"x\"},"
	  "{\"traceId\":\"t\",\"spanId\":\"00000000000000001\"},"
	  "{\"traceId\":\"t\",\"spanId\":\"d\",\"parentSpanId\":\"1\"},"
	  "{\"traceId\":\"t\",\"spanId\":\"0e\",\"parentSpanId\":\"e\"}]}]}]}",
	  "t\n0x -  unspecified 0+0 unset : \nb [x]  unspecified 0+0 unset : \n"
	  "00000000000000001 -  unspecified 0+0 unset : \nd [1]  unspecified 0+0 unset : \n"
	  "0e [e]  unspecified 0+0 unset : \n" },
};

START_TEST(ids_without_zeros)
{
	check_document(&unpadded[_i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("other writers");
	TCase *tcase = tcase_create("other writers");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, NULL, decode_teardown);
	tcase_add_loop_test(tcase, bad_characters, 0, (int)ARRAY_LEN(characters));
	tcase_add_loop_test(tcase, numbers_as_doubles, 0, (int)ARRAY_LEN(doubles));
	tcase_add_test(tcase, attributes_as_doubles);
	tcase_add_loop_test(tcase, errors_in_place_of_traces, 0, (int)ARRAY_LEN(errors));
	tcase_add_loop_test(tcase, segments_alone, 0, (int)ARRAY_LEN(segments));
	tcase_add_loop_test(tcase, ids_without_zeros, 0, (int)ARRAY_LEN(unpadded));
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
