/*
 * What trace_recognise() makes of texts, and trace_documents() of files.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/trace_decoder.h"

static int recognise(const char *text, size_t len, enum trace_encoding *ret_encoding,
		     struct err *err)
{
	char *copy = malloc(len > 0 ? len : 1);
	int code;

	memcpy(copy, text, len);
	code = trace_recognise(copy, len, ret_encoding, err);
	free(copy);
	return code;
}

static void check_is(const char *text, enum trace_encoding want)
{
	enum trace_encoding encoding = TRACE_ENCODING_COUNT;
	struct err err = { 0 };
	int code = recognise(text, strlen(text), &encoding, &err);

	ck_assert_msg(code == 0, "%s: %s", text, err.text);
	ck_assert_msg(encoding == want, "%s: %s", text, trace_encodings[encoding]->name);
}

static void check_refused(const char *text, int want, const char *says)
{
	enum trace_encoding encoding = TRACE_ENCODING_COUNT;
	struct err err = { 0 };
	int code = recognise(text, strlen(text), &encoding, &err);

	ck_assert_msg(code == want, "%s: %d %s", text, code, err.text);
	ck_assert_msg(strstr(err.text, says), "%s: %s", text, err.text);
	ck_assert_int_eq(encoding, TRACE_ENCODING_COUNT);
}

static const struct {
	const char *name, *text;
} table_rows[] = {
#define ENCODING(id, name, text) [TRACE_ENCODING_##id] = { name, text },
#include "tracepager/tbl/encodings.def"
#undef ENCODING
};

/* Each row of the table is the encoding that encodings.def puts there. */
START_TEST(table)
{
	for (int i = 0; i < TRACE_ENCODING_COUNT; i++) {
		ck_assert_str_eq(trace_encodings[i]->name, table_rows[i].name);
		ck_assert_str_eq(trace_encodings[i]->text, table_rows[i].text);
	}
}
END_TEST

START_TEST(jaeger)
{
	enum trace_encoding want = TRACE_ENCODING_JAEGER_JSON;

	check_is("{\"data\":[{\"traceID\":\"1\",\"spans\":[{\"traceID\":\"1\",\"spanID\":\"2\"",
		 want);
	check_is("{\"data\":[{\"spans\":[{\"operationName\":\"n\",\"spanID\":\"2\"}],\"processes\":"
		 "{}}]}",
		 want);
	check_is("{\"total\":0,\"data\":[{\"processes\":{},\"spans\":[],\"traceID\":\"1\"}]}",
		 want);
	check_is("{\"data\":{\"traceID\":\"1\",\"spans\":[]}}", want);
	check_is("{\"data\":[],\"total\":0,\"limit\":0,\"offset\":0,\"errors\":null}", want);
	check_is("{\"data\":null,\"errors\":[{\"code\":404,\"msg\":\"trace not found\"}]}", want);
	check_is("{\"traceID\":\"1\",\"spans\":[{\"traceID\":\"1\",\"spanID\":\"2\"}]}", want);
	check_is("{\"spans\":[{\"spanID\":\"2\",\"traceID\":\"1\"}],\"traceID\":\"1\","
		 "\"processes\":{}}",
		 want);
	check_is("{\"processes\":{\"p1\":{\"serviceName\":\"cart\"}},\"spans\":[]}", want);
	check_is("{\"comment\":[{\"traceId\":\"x\"}],\"traceID\":\"1\",\"spans\":[],\"processes\":{"
		 "}}",
		 want);
}
END_TEST

START_TEST(otlp)
{
	enum trace_encoding want = TRACE_ENCODING_OTLP_JSON;

	check_is("{\"resourceSpans\":[]}", want);
	check_is(" \n{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"traceId\"}]},"
		 "\"scopeSpans\":[{\"spans\":[{\"traceId\":\"5b8efff798038103d269b633813fc60c\"",
		 want);
	check_is("{\"resource_spans\":[{\"instrumentation_library_spans\":[{\"spans\":[{\"trace_"
		 "id\":\"1\"}]}]}]}",
		 want);
	check_is("{\"resourceSpans\":[{\"resource\":{}}]}", want);
	check_is("{\"result\":{\"resourceSpans\":[]}}", want);
	check_is("{\"result\":{}}", want);
	check_is("{\"error\":{\"httpCode\":404,\"message\":\"trace not found\"}}", want);
	check_is("{\"code\":5,\"error\":\"trace not found\"}", want);
}
END_TEST

START_TEST(tempo_json)
{
	enum trace_encoding want = TRACE_ENCODING_OTLP_JSON;

	check_is("{\"batches\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"AA\"}]}]}]}", want);
	check_is("{\"batches\":[]}", want);
	check_is("{\"trace\":{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"1\"}]}"
		 "]}]"
		 "}}",
		 want);
	check_is("{\"trace\":{},\"metrics\":{\"inspectedBytes\":\"0\"}}", want);
	check_is("{\"status\":\"PARTIAL\",\"trace\":{\"batches\":[]}}", want);
	check_is("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":"
		 "\"AAECAwQFBgcICQoLDA0ODw==\"}]}]}]}",
		 want);
}
END_TEST

START_TEST(zipkin_v2)
{
	enum trace_encoding want = TRACE_ENCODING_ZIPKIN_V2;

	check_is("[{\"traceId\":\"1\",\"id\":\"2\",\"kind\":\"CLIENT\"", want);
	check_is("[{\"localEndpoint\":{\"serviceName\":\"cart\"},\"id\":\"2\",\"traceId\":\"1\"",
		 want);
	check_is("[{\"traceId\":\"1\",\"id\":\"2\",\"tags\":{}}]", want);
	check_is("[[{\"id\":\"2\",\"traceId\":\"1\",\"shared\":true}],[]]", want);
	check_is("{\"traceId\":\"1\",\"id\":\"2\",\"remoteEndpoint\":{}}", want);
	check_is("[{\"traceId\":\"1\",\"id\":\"2\",\"annotations\":[{\"timestamp\":1,\"value\":"
		 "\"a\"},"
		 "{\"timestamp\":2,\"value\":\"b\"}],\"tags\":{}}]",
		 want);
	/* the versions do not differ in it; whole and cut */
	check_is("[{\"traceId\":\"1\",\"id\":\"2\",\"name\":\"get\"}]", want);
	check_is("[[{\"id\":\"2\",\"traceId\":\"1\"},{\"id\":\"3\",", want);
	check_is("{\"traceId\":\"1\",\"id\":\"2\"}", want);
}
END_TEST

START_TEST(zipkin_v1)
{
	enum trace_encoding want = TRACE_ENCODING_ZIPKIN_V1;

	check_is("[{\"traceId\":\"1\",\"id\":\"2\",\"binaryAnnotations\":[]}]", want);
	check_is("[{\"annotations\":[{\"endpoint\":{},\"value\":\"cs\"}],\"id\":\"2\",\"traceId\":"
		 "\"1\"",
		 want);
	check_is("[[{\"traceId\":\"1\",\"id\":\"2\",\"annotations\":[{\"value\":\"sr\","
		 "\"endpoint\":null}",
		 want);
	check_is("{\"traceId\":\"1\",\"id\":\"2\",\"binaryAnnotations\":null}", want);
	/* the first span that shows its version */
	check_is("[{\"traceId\":\"1\",\"id\":\"2\",\"annotations\":[]},{\"traceId\":\"1\",\"id\":"
		 "\"3\","
		 "\"binaryAnnotations\":[]}]",
		 want);
}
END_TEST

/* The answers of the cloud sources, which a person may have saved in files. */
START_TEST(clouds)
{
	check_is("{\"UnprocessedTraceIds\":[],\"Traces\":[{\"Id\":\"1-5759e988-bd8\"",
		 TRACE_ENCODING_XRAY_JSON);
	check_is("{\"id\":\"6226467e3f845502\",\"name\":\"web\",\"trace_id\":\"1-5759e988-bd8\","
		 "\"start_time\":1.5,\"end_time\":2}",
		 TRACE_ENCODING_XRAY_JSON);
	check_is("[{\"trace_id\":\"1-5759e988-bd8\",\"id\":\"6226467e3f845502\",\"start_time\":1",
		 TRACE_ENCODING_XRAY_JSON);
	check_is("{\"took\":3,\"timed_out\":false,\"_shards\":{\"total\":1},\"hits\":{\"total\":{"
		 "\"value\":0},\"hits\":[]}}",
		 TRACE_ENCODING_ELASTIC_JSON);
	check_is(
		"{\"data\":[{\"id\":\"AAA\",\"type\":\"spans\",\"attributes\":{\"service\":\"web\","
		"\"span_id\":\"7\"",
		TRACE_ENCODING_DATADOG_JSON);
	check_is("{\"traces\":[{\"projectId\":\"p\",\"traceId\":\"1\",\"spans\":[{\"spanId\":\"2\"",
		 TRACE_ENCODING_GCP_JSON);
	check_is("{\"projectId\":\"p\",\"traceId\":\"1\",\"spans\":[{\"spanId\":\"2\"}]}",
		 TRACE_ENCODING_GCP_JSON);
}
END_TEST

/* What backends answer that have no such trace. */
START_TEST(nothing_found)
{
	check_is("[]", TRACE_ENCODING_ZIPKIN_V2);
	check_is("[[],[]]", TRACE_ENCODING_ZIPKIN_V2);
	check_is("{}", TRACE_ENCODING_OTLP_JSON);
	check_is("{\"traces\":[],\"metrics\":{}}", TRACE_ENCODING_GCP_JSON);
	check_is("{\"data\":[],\"meta\":{\"elapsed\":3}}", TRACE_ENCODING_JAEGER_JSON);
}
END_TEST

START_TEST(protobuf)
{
#define PROTO(bytes, name)                                                                         \
	{                                                                                          \
		bytes, sizeof(bytes) - 1, TRACE_ENCODING_##name##_PROTO                            \
	}
	static const struct {
		const char *bytes;
		size_t len;
		enum trace_encoding want;
	} rows[] = {
		/* ResourceSpans: with a Resource that has an attribute; with scope_spans only; with
		 * an empty Resource; with a Resource that has a count; with an attribute whose
		 * value is first. */
		PROTO("\x0a\x0d\x0a\x0b\x0a\x09\x0a\x01k\x12\x04\x0a\x02vv", OTLP),
		PROTO("\x0a\x04\x12\x02\x12\x00", OTLP),
		PROTO("\x0a\x04\x0a\x00\x12\x00", OTLP),
		PROTO("\x0a\x04\x0a\x02\x10\x01", OTLP),
		PROTO("\x0a\x0b\x0a\x09\x0a\x07\x12\x02\x0a\x00\x0a\x01k", OTLP),
		/* The same inside a Trace. */
		PROTO("\x0a\x0f\x0a\x0d\x0a\x0b\x0a\x09\x0a\x01k\x12\x04\x0a\x02vv", TEMPO),
		PROTO("\x0a\x06\x0a\x04\x12\x02\x12\x00", TEMPO),
		PROTO("\x0a\x06\x0a\x04\x0a\x00\x12\x00", TEMPO),
		PROTO("\x0a\x06\x0a\x04\x0a\x02\x10\x01", TEMPO),
		PROTO("\x0a\x0d\x0a\x0b\x0a\x09\x0a\x07\x12\x02\x0a\x00\x0a\x01k", TEMPO),
		/* Without a trace: an empty one before metrics, metrics alone, a status. */
		PROTO("\x0a\x00\x12\x02\x08\x05", TEMPO),
		PROTO("\x12\x02\x08\x05", TEMPO),
		PROTO("\x18\x01", TEMPO),
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum trace_encoding encoding = TRACE_ENCODING_COUNT;
		struct err err = { 0 };

		ck_assert_msg(recognise(rows[i].bytes, rows[i].len, &encoding, &err) == 0,
			      "row %zu: %s", i, err.text);
		ck_assert_msg(encoding == rows[i].want, "row %zu", i);
	}
}
END_TEST

START_TEST(known_strangers)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "[{\"traceID\":\"1\",\"spans\":[]}]", "list of Jaeger traces" },
		{ "{\"process\":{},\"spans\":[{\"traceIdLow\":1,\"spanId\":2}]}", "Thrift batch" },
		{ "{\"spans\":[{\"traceId\":\"AA==\",\"spanId\":\"AA==\",\"operationName\":\"get\"}"
		  "]}",
		  "trace of Jaeger's internal model" },
		{ "{\"traceId\":\"AA==\",\"spanId\":\"AA==\",\"operationName\":\"get\"}",
		  "span of Jaeger's internal model" },
		{ "{\"traceID\":\"1\",\"spanID\":\"2\",\"process\":{\"serviceName\":\"cart\"}}",
		  "Jaeger's Elasticsearch storage" },
		{ "{\"trace_id\":\"1\",\"span_id\":\"2\",\"name\":\"get\"}",
		  "one flat span record" },
		{ "{\"data\":[\"cart\",\"checkout\"]}", "list of names" },
		{ "{\"services\":[\"cart\"]}", "list of names" },
		{ "{\"traces\":[{\"traceID\":\"1\"}],\"metrics\":{}}", "search result" },
		{ "{\"summaries\":[]}", "search result" },
		{ "{\"version\":\"4\",\"alerts\":[]}", "an alert, not a trace" },
		{ "{\"spanId\":\"a\",\"traceId\":\"b\",\"serviceName\":\"web\"}",
		  "one flat span record" },
		{ "[[{\"trace_id\":1,\"span_id\":2,\"meta\":{}}]]", "list of flat span records" },
		{ "[{\"resourceSpans\":[]}]", "jq -c '.[]'" },
		{ "{\"scopeSpans\":[]}", "one element of resourceSpans" },
		{ "{\"Id\":\"1-5\",\"Segments\":[]}", "one trace of an answer of X-Ray" },
		{ "{\"TraceSummaries\":[]}", "search result" },
		{ "{\"_index\":\"traces\",\"_source\":{\"trace\":{}}}",
		  "one hit of Elasticsearch" },
		{ "{\"transaction\":{\"id\":\"a\"}}", "Elastic APM agent" },
		{ "{\"error\":{\"id\":\"a\",\"culprit\":\"x\"}}", "Elastic APM agent" },
		{ "{\"data\":[{\"type\":\"log\",\"attributes\":{\"message\":\"x\"}}]}",
		  "without ids of spans" },
		{ "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}",
		  "query API of Prometheus" },
		{ "{\"data\":{\"queryTrace\":{\"spans\":[]}}}", "SkyWalking" },
		{ "{\"log\":{\"version\":\"1.2\",\"creator\":{}}}", "HAR file" },
		{ "{\"ts\":1,\"level\":\"error\",\"msg\":\"no route\"}", "a log record" },
		{ "{\"traceEvents\":[]}", "Chrome's trace viewer" },
		{ "[{\"name\":\"x\",\"ph\":\"X\"}]", "Chrome's trace viewer" },
		{ "[{\"parent\":\"a\",\"child\":\"b\",\"callCount\":1}]", "Zipkin's dependencies" },
		{ "[{\"a\":1,\"b\":2}]", "no trace that is known: a list of objects with a, b" },
		{ "{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}", "Kubernetes" },
		{ "{\"message\":\"Forbidden\"}", "the answer is an error: \"Forbidden\"" },
		{ "{\"statusCode\":502,\"message\":\"bad gateway\"}", "error: \"bad gateway\"" },
		{ "[{\"labels\":{\"alertname\":\"CartSlow\"}}]", "a list of alerts" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_refused(rows[i].text, -EPROTONOSUPPORT, rows[i].says);
}
END_TEST

START_TEST(unknown)
{
	check_refused("{\"a\":1,\"b\\n\":{\"traceID\":1},\"c\":[],\"d\":0,\"e\":0}",
		      -EPROTONOSUPPORT, "an object with a, b?, c, d ...");
	check_refused("{\"status\":\"ok\",\"error\":null}", -EPROTONOSUPPORT,
		      "an object with status, error");
	check_refused("{\"data\":[{\"id\":\"1\",\"type\":\"span\"}]}", -EPROTONOSUPPORT,
		      "an object with data");
	check_refused("[1]", -EPROTONOSUPPORT, "no trace that is known: a list");
	check_refused("[{}]", -EPROTONOSUPPORT, "no trace that is known: a list");
	check_refused("[null]", -EPROTONOSUPPORT, "no trace that is known: a list");
	check_refused("\"spans\"", -EPROTONOSUPPORT, "a string");
	check_refused("true", -EPROTONOSUPPORT, "a boolean");
}
END_TEST

START_TEST(not_json)
{
	static const char binary[] = "\x7f"
				     "ELF\x02\x01";
	enum trace_encoding encoding;
	struct err err;

	check_refused("", -EBADMSG, "is empty");
	check_refused(" \r\n\t", -EBADMSG, "is empty");
	check_refused("\x1f\x8b\x08", -EBADMSG, "this is gzip: gunzip it first");
	check_refused("\x28\xb5\x2f\xfd\x24", -EBADMSG, "unzstd it");
	check_refused("PK\x03\x04\x14", -EBADMSG, "unzip it");
	check_refused("\xff\xfe{", -EBADMSG, "iconv -f UTF-16");
	check_refused("\n<!DOCTYPE HTML><title>502</title>", -EBADMSG, "a web page");
	check_refused("<?xml version=\"1.0\"?><Error/>", -EBADMSG, "XML");
	check_refused("traceID,spanID\n", -EBADMSG,
		      "not JSON: the text begins with \"traceID,spanID\";");
	check_refused("\n2026-01-01T00:00:00Z ERROR web: no route\nx", -EBADMSG,
		      "begins with \"2026-01-01T00:00:00Z ERR\" ...;");
	check_refused("404 page not found\n", -EBADMSG,
		      "the text begins with \"404 page not found\";");
	check_refused("42", -EBADMSG,
		      "the text begins with \"42\"; a trace in JSON begins with { or [");
	check_refused("version https://git-lfs.github.com/spec/v1\n", -EBADMSG, "git lfs pull");
	check_refused("{\"traceID\":}", -EBADMSG, "broken JSON");
	ck_assert_int_eq(recognise(binary, sizeof(binary) - 1, &encoding, &err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.text, "binary"));
	ck_assert_int_eq(recognise("{\n  \"traceID\" 1", 15, &encoding, &err), -EBADMSG);
	ck_assert_int_eq(err.line, 2);
	ck_assert_int_eq(err.column, 13);
}
END_TEST

/* Writes what the handler was told as text. */
static void tell(void *ctx, int line, struct trace_set *set, const struct err *err)
{
	struct buf *told = ctx;

	if (set) {
		ck_assert_ptr_null(err);
		buf_printf(told, "%d: %u traces;", line, set->ntraces);
		trace_set_free(set);
	} else {
		buf_printf(told, "%d: error %d in line %d;", line, err->code, err->line);
	}
}

static void check_documents(const char *text, const char *want)
{
	struct buf told = BUF_INIT(1 << 16);

	trace_documents(text, strlen(text), NULL, tell, &told);
	ck_assert_str_eq(buf_text(&told), want);
	buf_fini(&told);
}

#define SPAN(trace, id) "{\"traceId\":\"" trace "\",\"spanId\":\"" id "\",\"name\":\"n\"}"
#define OTLP(spans)	"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[" spans "]}]}]}"
#define ZIPKIN(trace)	"{\"traceId\":\"" trace "\",\"id\":\"a\"}"
#define FLAT		"{\"trace_id\":\"1\",\"span_id\":\"2\"}"

static void keep_text(void *ctx, int line, struct trace_set *set, const struct err *err)
{
	ck_assert_int_eq(line, 1);
	ck_assert_ptr_null(set);
	*(struct err *)ctx = *err;
}

/* What a person is told of a file that was not copied whole. */
START_TEST(cut_off)
{
	const char text[] = "{\n \"traceID\": \"1\",\n \"spans\": [{\"spanID\": \"ab";
	struct err err = { 0 };

	trace_documents(text, sizeof(text) - 1, NULL, keep_text, &err);
	ck_assert_str_eq(err.text, "ends inside a string; the document is cut off");
	ck_assert_int_eq(err.line, 3);
	ck_assert_int_eq(err.column, 26);
}
END_TEST

START_TEST(one_document)
{
	check_documents(OTLP(SPAN("1", "a") "," SPAN("2", "b")), "1: 2 traces;");
	check_documents("\n\n" OTLP(SPAN("1", "a")) "\n\n", "1: 1 traces;");
	check_documents(
		"{\"resourceSpans\":\n[{\"scopeSpans\":[{\"spans\":[\n" SPAN("1", "a") "\n]}]}]}",
		"1: 1 traces;");
	check_documents("{\"resourceSpans\":[{\"scopeSpans\":[{\n\"spans\":5}]}]}",
			"1: error 74 in line 2;");
	check_documents("", "1: error 74 in line 0;");
	check_documents("{\"resourceSpans\":[]}", "1: error 2 in line 0;");
	check_documents("\xef\xbb\xbf" OTLP(SPAN("1", "a")), "1: 1 traces;");
	check_documents("{\"resourceLogs\":[]}", "1: error 93 in line 0;");
}
END_TEST

/* Line feeds inside protobuf do not end a document. */
START_TEST(protobuf_is_one_document)
{
	/* A span with a trace id of 16 bytes, in which "{}" stands on lines of its own. */
	static const char bytes[] = "\x0a\x16\x12\x14\x12\x12\x0a\x10\n{}\n{}\n{}\n{}\n{}\n";
	struct buf told = BUF_INIT(1 << 16);

	trace_documents(bytes, sizeof(bytes) - 1, NULL, tell, &told);
	ck_assert_str_eq(buf_text(&told), "1: 1 traces;");
	buf_fini(&told);
}
END_TEST

START_TEST(json_lines)
{
	/* One trace on two lines is two traces. */
	check_documents(OTLP(SPAN("1", "a")) "\n" OTLP(SPAN("1", "b")), "1: 1 traces;2: 1 traces;");
	check_documents("\n" OTLP(SPAN("1", "a")) "\r\n \r\n" OTLP(SPAN("1", "b")) "\r\n",
			"2: 1 traces;4: 1 traces;");
	/* A bad line spoils only itself. */
	check_documents(OTLP(SPAN("1", "a")) "\n{\"resourceSpans\":[\n" OTLP(SPAN("1", "b")),
			"1: 1 traces;2: error 74 in line 2;3: 1 traces;");
	check_documents("[" ZIPKIN("1") "," ZIPKIN("2") "]\n" ZIPKIN("1") "\n[[" ZIPKIN("1") "]]",
			"1: 2 traces;2: 1 traces;3: 1 traces;");
	check_documents("{\"resourceSpans\n" OTLP(SPAN("1", "a")) "\n" OTLP(SPAN("2", "b")),
			"1: error 74 in line 1;2: 1 traces;3: 1 traces;");
	check_documents(OTLP(SPAN("1", "a")) "\nsome text\nand more\n" OTLP(SPAN("1", "b")),
			"1: 1 traces;2: error 74 in line 2;4: 1 traces;");
}
END_TEST

START_TEST(foreign_lines)
{
	check_documents(FLAT "\n" FLAT "\n" FLAT "\n", "1: error 93 in line 0;");
	check_documents(FLAT "\n{\"alerts\":[]}\n", "1: error 93 in line 0;2: error 93 in line 0;");
	check_documents(FLAT "\n" OTLP(SPAN("1", "a")) "\n", "1: error 93 in line 0;2: 1 traces;");
	check_documents("{\"metadata\":{}}\n{\"span\":{}}\n{\"error\":{\"trace_id\":\"1\"}}\n",
			"1: error 93 in line 0;");
}
END_TEST

/* Logs and metrics beside traces are told once, at the end, as a note (42 is ENOMSG). */
START_TEST(other_signals)
{
	check_documents("{\"resourceMetrics\":[]}\n" OTLP(
				SPAN("1", "a")) "\n{\"resourceLogs\":[]}\n"
						"{\"resourceLogs\":[]}\n" OTLP(SPAN("2", "a")),
			"2: 1 traces;5: 1 traces;1: error 42 in line 0;");
	check_documents("{\"resourceMetrics\":[]}\n{\"resourceLogs\":[]}\n",
			"1: error 93 in line 0;");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("recognise");
	TCase *tcase = tcase_create("recognise");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, table);
	tcase_add_test(tcase, jaeger);
	tcase_add_test(tcase, otlp);
	tcase_add_test(tcase, tempo_json);
	tcase_add_test(tcase, zipkin_v2);
	tcase_add_test(tcase, zipkin_v1);
	tcase_add_test(tcase, clouds);
	tcase_add_test(tcase, nothing_found);
	tcase_add_test(tcase, protobuf);
	tcase_add_test(tcase, known_strangers);
	tcase_add_test(tcase, unknown);
	tcase_add_test(tcase, not_json);
	tcase_add_test(tcase, one_document);
	tcase_add_test(tcase, cut_off);
	tcase_add_test(tcase, protobuf_is_one_document);
	tcase_add_test(tcase, json_lines);
	tcase_add_test(tcase, foreign_lines);
	tcase_add_test(tcase, other_signals);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
