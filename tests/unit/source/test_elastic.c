/*
 * Trace sources elastic and opensearch: their questions in the query DSL, and what becomes of the
 * hits. Fields are those of Elastic's APM documentation (transactions, spans, errors), of its
 * mapping for OpenTelemetry, and of Data Prepper's otel-v1-apm-span schema.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/decode_kit.h"
#include "tests/lib/source_kit.h"
#include "tracepager/buf.h"
#include "tracepager/xalloc.h"

static void setup(void)
{
	kit_setup(SOURCE_ELASTIC, "https://es:9200/");
}

static void setup_opensearch(void)
{
	kit_setup(SOURCE_OPENSEARCH, "https://os:9200");
}

/* ---- what is asked ---- */

#define EVENT_ASC "{\"processor.event\":{\"order\":\"asc\",\"unmapped_type\":\"keyword\"}}"
#define SPAN_ASC  "{\"span.id\":{\"order\":\"asc\",\"unmapped_type\":\"keyword\"}}"
#define TX_ASC	  "{\"transaction.id\":{\"order\":\"asc\",\"unmapped_type\":\"keyword\"}}"
#define PAGE                                                                                       \
	"{\"size\":5000,\"track_total_hits\":false,\"_source\":{\"excludes\":["                    \
	"\"span.stacktrace\",\"error.exception.stacktrace\",\"error.log.stacktrace\"]},"           \
	"\"sort\":[" EVENT_ASC ",{\"@timestamp\":\"asc\"}," SPAN_ASC "," TX_ASC "]"
#define TRACES(ids)                                                                                \
	",\"query\":{\"bool\":{\"filter\":[{\"bool\":{\"should\":["                                \
	"{\"terms\":{\"trace.id\":[" ids "]}},{\"terms\":{\"trace_id\":[" ids "]}}],"              \
	"\"minimum_should_match\":1}}],"                                                           \
	"\"must_not\":[{\"term\":{\"processor.event\":\"metric\"}}]}}}"

START_TEST(elastic_by_id)
{
	const struct trace_query query = { .trace_id = "4BF92F3577B34DA6A3CE929D0E0E4736" };

	secret_set(&config.api_key, "aWQ6a2V5");
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_str_eq(talk.request.url,
			 "https://es:9200/traces-apm*,traces-*.otel-*,apm-*/_search"
			 "?ignore_unavailable=true");
	ck_assert_int_eq(talk.request.method, HTTP_POST);
	ck_assert_str_eq(header("Authorization"), "ApiKey aWQ6a2V5");
	ck_assert_str_eq(header("Content-Type"), "application/json");
	ck_assert_str_eq(talk.request.body, PAGE TRACES("\"" ID "\""));
	ck_assert_int_eq(talk.encoding, TRACE_ENCODING_ELASTIC_JSON);
	secret_fini(&config.api_key);
}
END_TEST

START_TEST(pages_go_on_behind_the_last_hit)
{
	const struct trace_query query = { .trace_id = ID };

	config.index = "mine";
	ask(&query);
	talk.cursor = "\"span\",1788256200250,\"a1\",null";
	ck_assert_int_eq(answer(200, "{}", ""), SOURCE_SEND);
	ck_assert(talk.more);
	ck_assert_str_eq(talk.request.url, "https://es:9200/mine/_search?ignore_unavailable=true");
	ck_assert_str_eq(
		talk.request.body,
		PAGE ",\"search_after\":[\"span\",1788256200250,\"a1\",null]" TRACES("\"" ID "\""));
	talk.cursor = NULL;
	ck_assert_int_eq(answer(200, "{}", ""), SOURCE_TRACES);
}
END_TEST

START_TEST(ids_that_nothing_has)
{
	char id[100];
	const struct trace_query query = { .trace_id = id };

	memset(id, 'a', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	ck_assert_int_eq(ask(&query), SOURCE_NOT_FOUND);
}
END_TEST

#define ANY(terms)	   "{\"bool\":{\"should\":[" terms "],\"minimum_should_match\":1}}"
#define TERM(field, value) "{\"term\":{\"" field "\":" value "}}"
#define SERVICE                                                                                    \
	ANY(TERM("service.name", "\"checkout\"") "," TERM("resource.attributes.service.name",      \
							  "\"checkout\""))
#define OPERATION                                                                                  \
	ANY(TERM("transaction.name", "\"POST /orders\"") "," TERM(                                 \
		"span.name", "\"POST /orders\"") "," TERM("name", "\"POST /orders\""))
#define FAILED		   TERM("event.outcome", "\"failure\"") "," TERM("status.code", "\"Error\"")
#define RANGE(field, text) "{\"range\":{\"" field "\":{" text "}}}"
#define WINDOW(field)                                                                              \
	RANGE(field, "\"gte\":\"2026-09-01T09:50:00.250Z\",\"lte\":\"2026-09-01T10:00:00Z\"")

START_TEST(elastic_is_searched)
{
	struct trace_query query = search_for(&checkout, true);

	query.min_duration_us = 1500;
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_int_eq(talk.encoding, SOURCE_TEXT);
	ck_assert_str_eq(
		talk.request.body,
		"{\"size\":10,\"track_total_hits\":false,\"_source\":[\"trace.id\",\"trace_id\"],"
		"\"collapse\":{\"field\":\"trace.id\"},\"sort\":[{\"@timestamp\":\"desc\"}],"
		"\"query\":{\"bool\":{\"filter\":[" SERVICE "," OPERATION
		"," ANY(RANGE("transaction.duration.us", "\"gte\":1500") "," RANGE(
			"span.duration.us",
			"\"gte\":1500") "," RANGE("duration",
						  "\"gte\":"
						  "1500000")) "," ANY(FAILED) "," WINDOW("@timestam"
											 "p") "]}}"
											      "}");
}
END_TEST

START_TEST(healthy_ones_are_those_that_did_not_fail)
{
	const struct signal signal = { .service = "checkout", .operation = "POST *" };
	struct trace_query query = search_for(&signal, false);

	query.healthy = true;
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_ptr_nonnull(strstr(talk.request.body, "\"filter\":[" SERVICE ",{\"range\""));
	ck_assert_ptr_nonnull(strstr(talk.request.body, "],\"must_not\":[" FAILED "]}}}"));
}
END_TEST

START_TEST(what_a_search_found_is_asked_for_at_once)
{
	struct trace_query query = search_for(&checkout, true);

	query.limit = 2;
	ask(&query);
	ck_assert_int_eq(
		answer(200,
		       "{\"hits\":{\"hits\":[{\"_id\":\"x\",\"_source\":{\"trace\":{\"id\":"
		       "\"a\"}}},{\"_source\":{\"trace.id\":\"\"}},{\"_source\":{\"trace_id\":"
		       "\"b\"}},{\"_source\":{\"trace_id\":\"c\"}}]}}",
		       ""),
		SOURCE_SEND);
	ck_assert_str_eq(talk.request.body, PAGE TRACES("\"a\",\"b\""));
	ck_assert_int_eq(answer(200, "{}", ""), SOURCE_TRACES);
}
END_TEST

static const struct search_reply replies[] = {
	{ 200, "{\"hits\":{\"hits\":[]}}", SOURCE_NOT_FOUND },
	{ 200, "{}", SOURCE_NOT_FOUND },
	{ 200, "<html>", SOURCE_BAD },
	{ 200, "{\"hits\"", SOURCE_BAD },
	{ 400, "{\"error\":{}}", SOURCE_REFUSED },
	{ 401, "", SOURCE_REFUSED },
	{ 404, "{\"error\":{\"type\":\"index_not_found_exception\"}}", SOURCE_NOT_FOUND },
	{ 429, "", SOURCE_FAILED },
};

START_TEST(other_answers_to_a_search)
{
	check_search_reply(&replies[_i]);
}
END_TEST

/* An answer to a search that has looked at a part only. */
#define HEALTH(timed_out, total, failed)                                                           \
	"{\"took\":9,\"timed_out\":" timed_out ",\"_shards\":{\"total\":" total                    \
	",\"failed\":" failed "},\"hits\":{\"total\":{\"value\":0},\"hits\":[]}}"

static const struct {
	const char *body;
	enum source_step step;
	const char *text; /* NULL: any */
} healths[] = {
	{ HEALTH("true", "6", "4"), SOURCE_FAILED,
	  "timed out, searched only in part: 4 of 6 shards failed" },
	{ HEALTH("false", "2", "1.0"), SOURCE_FAILED,
	  "searched only in part: 1 of 2 shards failed" },
	{ HEALTH("true", "6", "0"), SOURCE_FAILED, "timed out before it had searched everything" },
	{ HEALTH("false", "6", "0"), SOURCE_NOT_FOUND, NULL },
};

START_TEST(an_empty_answer_in_part)
{
	const struct trace_query by_id = { .trace_id = ID }, search = search_for(&checkout, true);
	const struct trace_query *const queries[] = { &by_id, &search };

	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		ask(queries[i]);
		ck_assert_int_eq(answer(200, healths[_i].body, ""), healths[_i].step);
		if (healths[_i].text)
			ck_assert_str_eq(talk.text, healths[_i].text);
	}
}
END_TEST

START_TEST(opensearch_by_id)
{
	const struct trace_query query = { .trace_id = ID };

	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_str_eq(talk.request.url,
			 "https://os:9200/otel-v1-apm-span-*/_search?ignore_unavailable=true");
	ck_assert_str_eq(talk.request.body,
			 "{\"size\":5000,\"track_total_hits\":false,\"_source\":{\"excludes\":["
			 "\"events.attributes.exception@stacktrace\"]},\"sort\":[{\"startTime\":"
			 "\"asc\"},{\"spanId\":\"asc\"}],\"query\":{\"bool\":{\"filter\":[" ANY(
				 "{\"terms\":{\"traceId\":[\"" ID "\"]}}") "]}}}");
}
END_TEST

START_TEST(opensearch_is_searched)
{
	const struct signal signal = { .service = "checkout", .namespace = "shop" };
	struct trace_query query = search_for(&signal, true);

	query.min_duration_us = 1500;
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_str_eq(
		talk.request.body,
		"{\"size\":10,\"track_total_hits\":false,\"_source\":[\"traceId\"],"
		"\"collapse\":{\"field\":\"traceId\"},\"sort\":[{\"startTime\":\"desc\"}],"
		"\"query\":{\"bool\":{\"filter\":[" ANY(TERM("serviceName", "\"checkout\"")) "," ANY(TERM(
			"resource.attributes.service@namespace",
			"\"shop\"")) "," ANY(RANGE("durationInNanos",
						   "\"gte\":1500000")) "," ANY(TERM("status.code",
										    "2")) "," WINDOW("startTime") "]}}}");
}
END_TEST

/* ---- what comes ---- */

/* clang-format off */
#define HITS(hits) \
	"{\"took\":1,\"timed_out\":false,\"_shards\":{\"failed\":0},\"hits\":{\"hits\":[" hits "]}}"
/* clang-format on */
#define HIT(source) "{\"_index\":\"i\",\"_source\":{" source "}}"

static int decode_elastic(const char *document)
{
	return decode(TRACE_ENCODING_ELASTIC_JSON, document);
}

/* An error document, the transaction of ledger that it belongs to (dotted keys), the span of
 * checkout that called it, and a metric. */
/* clang-format off */
#define APM_ERROR \
	"\"processor\":{\"event\":\"error\"},\"trace\":{\"id\":\"" ID "\"},\"parent\":{\"id\":\"b1\"}," \
	"\"transaction\":{\"id\":\"b1\"},\"error\":{\"exception\":[" \
	"{\"message\":\"journal is read-only\",\"type\":\"IOError\"},{\"message\":\"its cause\"}]}"
#define APM_SPAN \
	"\"processor\":{\"event\":\"span\"},\"trace\":{\"id\":\"" ID "\"},\"transaction\":{\"id\":\"a1\"}," \
	"\"parent\":{\"id\":\"a1\"},\"span\":{\"id\":\"a2\",\"name\":\"POST ledger\",\"type\":\"external\"," \
	"\"subtype\":\"http\",\"duration\":{\"us\":1500}," \
	"\"destination\":{\"service\":{\"resource\":\"ledger:8080\"}}},\"service\":{\"name\":\"checkout\"}," \
	"\"timestamp\":{\"us\":1788256200250000},\"event\":{\"outcome\":\"failure\"}," \
	"\"http\":{\"response\":{\"status_code\":500}}"
#define APM_TRANSACTION \
	"\"processor.event\":\"transaction\",\"trace.id\":\"" ID "\",\"transaction.id\":\"b1\"," \
	"\"parent.id\":\"a2\",\"transaction.name\":\"POST /book\",\"transaction.type\":\"request\"," \
	"\"transaction.duration.us\":1200,\"service.name\":\"ledger\"," \
	"\"@timestamp\":\"2026-09-01T09:50:00.251Z\",\"event.outcome\":\"failure\",\"labels\":{\"team\":\"books\"}"
#define APM_METRIC "\"processor\":{\"event\":\"metric\"},\"trace\":{\"id\":\"" ID "\"}"
/* clang-format on */

START_TEST(elastic_apm)
{
	ck_assert_int_eq(decode_elastic(HITS(HIT(APM_ERROR) "," HIT(APM_SPAN) "," HIT(
				 APM_TRANSACTION) "," HIT(APM_METRIC))),
			 0);
	ck_assert_str_eq(decoded(),
			 ID "\na2 [a1] checkout client 1788256200250000+1500 ERROR POST ledger: \n"
			    "b1 a2 ledger server 1788256200251000+1200 ERROR POST /book: "
			    "journal is read-only\n");
	ck_assert_str_eq(decoded_attr("a2", ATTR_PEER_SERVICE), "ledger");
	ck_assert_str_eq(decoded_attr("a2", ATTR_HTTP_RESPONSE_STATUS_CODE), "500");
	ck_assert_str_eq(decoded_attr("b1", ATTR_EXCEPTION_TYPE), "IOError");
	ck_assert_str_eq(decoded_attr("b1", ATTR_EXCEPTION_MESSAGE), "journal is read-only");
	ck_assert_str_eq(decoded_attr("b1", ATTR_COUNT), "books");
}
END_TEST

static const struct {
	const char *text, *kind;
} kinds[] = {
	{ "\"processor.event\":\"transaction\",\"transaction.type\":\"messaging\"", "consumer" },
	{ "\"processor.event\":\"transaction\"", "server" },
	{ "\"processor.event\":\"span\"", "internal" },
	{ "\"processor.event\":\"span\",\"span.type\":\"messaging\"", "producer" },
	{ "\"processor.event\":\"span\",\"span.type\":\"db\",\"span.subtype\":\"postgresql\","
	  "\"span.destination.service.resource\":\"postgresql\"",
	  "client" },
	{ "\"processor.event\":\"span\",\"span.kind\":\"CLIENT\"", "client" },
	{ "\"kind\":\"SPAN_KIND_CONSUMER\"", "consumer" },
	{ "\"kind\":\"Producer\"", "producer" },
	{ "\"kind\":\"odd\"", "unspecified" },
};

START_TEST(kinds_of_spans)
{
	char hit[500], want[200];

	snprintf(hit, sizeof(hit),
		 HITS(HIT("\"trace_id\":\"t\",\"span_id\":\"1\",\"name\":\"n\",%s")),
		 kinds[_i].text);
	snprintf(want, sizeof(want), "t\n1 -  %s 0+0 unset n: \n", kinds[_i].kind);
	ck_assert_int_eq(decode_elastic(hit), 0);
	ck_assert_str_eq(decoded(), want);
}
END_TEST

START_TEST(a_database_is_named_by_its_system)
{
	ck_assert_int_eq(
		decode_elastic(HITS(HIT("\"trace.id\":\"t\",\"span.id\":\"1\","
					"\"span.type\":\"db\",\"span.subtype\":\"mysql\""))),
		0);
	ck_assert_str_eq(decoded_attr("1", ATTR_DB_SYSTEM), "mysql");
	ck_assert_str_eq(decoded_attr("1", ATTR_PEER_SERVICE), "");
}
END_TEST

START_TEST(opentelemetry_in_elastic)
{
	ck_assert_int_eq(
		decode_elastic(HITS(HIT(
			"\"@timestamp\":\"2026-09-01T09:50:00.25Z\",\"trace_id\":\"" ID "\","
			"\"span_id\":\"a1\",\"parent_span_id\":\"\",\"name\":\"PlaceOrder\","
			"\"kind\":"
			"\"Server\",\"duration\":2000000,\"status\":{\"code\":\"Error\","
			"\"message\":"
			"\"no stock\"},\"attributes\":{\"rpc.grpc.status_code\":13},\"resource\":{"
			"\"attributes\":{\"service.name\":\"cart\",\"service.namespace\":\"shop\"}"
			"}"))),
		0);
	ck_assert_str_eq(decoded(), ID "\na1 - cart server 1788256200250000+2000 ERROR "
				       "PlaceOrder: no stock\n");
	ck_assert_str_eq(decoded_attr("a1", ATTR_RPC_GRPC_STATUS_CODE), "13");
	ck_assert_str_eq(decoded_resource("a1", "service.namespace"), "shop");
}
END_TEST

START_TEST(data_prepper_in_opensearch)
{
	ck_assert_int_eq(
		decode_elastic(HITS(HIT(
			"\"traceId\":\"" ID "\",\"spanId\":\"a2\",\"parentSpanId\":\"a1\",\"name\":"
			"\"Book\",\"kind\":\"SPAN_KIND_CLIENT\",\"startTime\":"
			"\"2026-09-01T09:50:00.250123456Z\",\"endTime\":\"2026-09-01T09:50:01Z\","
			"\"durationInNanos\":749876544,\"serviceName\":\"checkout\",\"status."
			"code\":2,"
			"\"span.attributes.http@status_code\":503,\"resource.attributes.service@"
			"name\":"
			"\"checkout\",\"resource.attributes.k8s@namespace@name\":\"shop\","
			"\"events\":[{"
			"\"name\":\"exception\",\"attributes\":{\"exception@message\":\"refused\"}}"
			"],"
			"\"traceGroupFields.statusCode\":2") "," HIT("\"traceId\":\"" ID
								     "\",\"spanId\":\"a1\","
								     "\"parentSpanId\":\"\","
								     "\"name\":\"root\","
								     "\"kind\":\"SPAN_KIND_"
								     "SERVER\",\"startTime\":"
								     "\"2026-09-01T09:50:00Z\","
								     "\"endTime\":\"2026-09-01T09:"
								     "50:01Z\",\"status\":{"
								     "\"code\":1,\"message\":"
								     "\"\"}"))),
		0);
	ck_assert_str_eq(decoded(),
			 ID "\na2 a1 checkout client 1788256200250123+749876 ERROR Book: refused\n"
			    "a1 -  server 1788256200000000+1000000 ok root: \n");
	ck_assert_str_eq(decoded_attr("a2", ATTR_HTTP_STATUS_CODE), "503");
	ck_assert_str_eq(decoded_resource("a2", "k8s.namespace.name"), "shop");
}
END_TEST

START_TEST(shards_that_failed_make_it_partial)
{
	ck_assert_int_eq(
		decode_elastic("{\"_shards\":{\"total\":2,\"failed\":1},\"hits\":{\"hits\":[" HIT(
			"\"traceId\":\"t\",\"spanId\":\"1\"") "]}}"),
		0);
	ck_assert_str_eq(decoded(), "t partial\n1 -  unspecified 0+0 unset : \n");
	ck_assert_int_eq(decode_elastic("{\"timed_out\":true,\"hits\":{\"hits\":[" HIT(
				 "\"traceId\":\"t\",\"spanId\":\"1\"") "]}}"),
			 0);
	ck_assert_str_eq(decoded(), "t partial\n1 -  unspecified 0+0 unset : \n");
}
END_TEST

/* The cursor after one page of hits, each with sort values. */
static const char *cursor_after(unsigned int hits)
{
	static char got[100];
	struct trace_decoder *decoder = trace_decoder_new(TRACE_ENCODING_ELASTIC_JSON, NULL);
	char hit[200];

	trace_decoder_feed(decoder, "{\"hits\":{\"hits\":[", 17, NULL);
	for (unsigned int i = 1; i <= hits; i++) {
		int n = snprintf(hit, sizeof(hit),
				 "%s{\"_source\":{\"traceId\":\"t\",\"spanId\":\"%u\"},"
				 "\"sort\":[%u,\"s\\\"%u\"]}",
				 i > 1 ? "," : "", i, i, i);
		ck_assert_int_eq(trace_decoder_feed(decoder, hit, (size_t)n, NULL), 0);
	}
	ck_assert_int_eq(trace_decoder_feed(decoder, "]}}", 3, NULL), 0);
	const char *cursor = trace_decoder_cursor(decoder);
	snprintf(got, sizeof(got), "%s", cursor ? cursor : "none");
	trace_decoder_free(decoder);
	return got;
}

START_TEST(only_a_full_page_has_another_behind_it)
{
	ck_assert_str_eq(cursor_after(0), "none");
	ck_assert_str_eq(cursor_after(4999), "none");
	ck_assert_str_eq(cursor_after(5000), "5000,\"s\\\"5000\"");
}
END_TEST

START_TEST(what_is_no_search_result)
{
	ck_assert_int_eq(decode_elastic("{\"hits\":{\"total\":{\"value\":0},\"hits\":[]}}"),
			 -ENOENT);
	ck_assert_int_eq(decode_elastic("{\"hits\":{}}"), -EBADMSG);
	ck_assert_str_eq(
		decoded(),
		"the document has no list of hits: it is not a search result of Elasticsearch or "
		"OpenSearch");
	ck_assert_int_eq(decode_elastic("{\"hits\":{\"hits\":["), -EBADMSG);
	ck_assert_int_eq(decode_elastic(HITS(HIT("\"message\":\"a log\""))), -ENOENT);
}
END_TEST

static TCase *opensearch_case(void)
{
	TCase *tcase = tcase_create("opensearch");

	tcase_add_checked_fixture(tcase, setup_opensearch, kit_teardown);
	tcase_add_test(tcase, opensearch_by_id);
	tcase_add_test(tcase, opensearch_is_searched);
	tcase_add_test(tcase, data_prepper_in_opensearch);
	return tcase;
}

int main(void)
{
	TCase *tcase = tcase_create("elastic");

	tcase_add_checked_fixture(tcase, setup, kit_teardown);
	tcase_add_test(tcase, elastic_by_id);
	tcase_add_test(tcase, pages_go_on_behind_the_last_hit);
	tcase_add_test(tcase, ids_that_nothing_has);
	tcase_add_test(tcase, elastic_is_searched);
	tcase_add_test(tcase, healthy_ones_are_those_that_did_not_fail);
	tcase_add_test(tcase, what_a_search_found_is_asked_for_at_once);
	tcase_add_loop_test(tcase, other_answers_to_a_search, 0, ARRAY_LEN(replies));
	tcase_add_loop_test(tcase, an_empty_answer_in_part, 0, ARRAY_LEN(healths));
	tcase_add_test(tcase, elastic_apm);
	tcase_add_loop_test(tcase, kinds_of_spans, 0, ARRAY_LEN(kinds));
	tcase_add_test(tcase, a_database_is_named_by_its_system);
	tcase_add_test(tcase, opentelemetry_in_elastic);
	tcase_add_test(tcase, shards_that_failed_make_it_partial);
	tcase_add_test(tcase, only_a_full_page_has_another_behind_it);
	tcase_add_test(tcase, what_is_no_search_result);
	return run_case(opensearch_case(), "source_opensearch") | run_case(tcase, "source_elastic");
}
