/*
 * Jaeger API JSON. Every document is read whole and in pieces of 1 and 5 bytes, with the same
 * result, good or bad. The expected lines are worked out by hand from the shape of Jaeger's answers
 * and from the rules at the top of jaeger_json.c.
 */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/trace_decoder.h"
#include "tracepager/xalloc.h"

static const size_t steps[] = { SIZE_MAX, 1, 5 };
static const char *const extra[] = { "shop.region" };

static int decode(const char *text, size_t step, struct trace_set **ret_set, struct err *err)
{
	const struct trace_options options = { .extra_names = extra, .nextra_names = 1 };
	struct trace_decoder *decoder = trace_decoder_new(TRACE_ENCODING_JAEGER_JSON, &options);
	size_t len = strlen(text);
	int rc = 0;

	for (size_t at = 0; at < len && rc == 0; at += step < len ? step : len)
		rc = trace_decoder_feed(decoder, text + at, len - at < step ? len - at : step, err);
	if (rc == 0)
		rc = trace_decoder_finish(decoder, ret_set, err);
	trace_decoder_free(decoder);
	return rc;
}

/* Writes one line per span: trace id<parent kind status flags service: name @start+duration message
 * {attrs}. */
static void dump_span(struct buf *buf, const struct trace *trace, const struct span *span)
{
	static const char *const statuses[] = { "unset", "ok", "error" };

	buf_printf(buf, "%s %s<%s %s %s %u %s: %s @%" PRId64 "+%" PRId64 " '%s'",
		   trace_text(trace, trace->id), trace_text(trace, span->id),
		   trace_text(trace, span->parent_id), span_kind_name(span->kind),
		   statuses[span->status], span->flags, span_service(trace, span),
		   trace_text(trace, span->name), span->start_us, span->duration_us,
		   trace_text(trace, span->message));
	for (unsigned int i = 0; i < span->nattrs; i++) {
		const struct span_attr *attr = &trace->set->attrs[span->attrs + i];

		buf_printf(buf, " %s=%s",
			   attr->key < ATTR_COUNT ? attr_name(attr->key)
						  : trace->set->extra_names[attr->key - ATTR_COUNT],
			   trace_text(trace, attr->value));
	}
	buf_putc(buf, '\n');
}

static char *dump(const struct trace_set *set)
{
	struct buf buf = BUF_INIT(1u << 20);

	for (uint32_t i = 0; i < set->ntraces; i++)
		for (uint32_t k = 0; k < set->traces[i].nspans; k++)
			dump_span(&buf, &set->traces[i], &set->traces[i].spans[k]);
	return buf_take(&buf);
}

static void check_good(const char *text, const char *wanted)
{
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct trace_set *set = NULL;
		struct err err = { 0 };
		int rc = decode(text, steps[i], &set, &err);
		char *got;

		ck_assert_msg(rc == 0, "%s\nby %zu: %s at %d:%d", text, steps[i], err.text,
			      err.line, err.column);
		got = dump(set);
		ck_assert_str_eq(got, wanted);
		free(got);
		trace_set_free(set);
	}
}

static void check_bad(const char *text, int code, int line, int column, const char *words)
{
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct trace_set *set = NULL;
		struct err err = { 0 };
		int rc = decode(text, steps[i], &set, &err);

		ck_assert_msg(rc == -code, "%s\nby %zu: %d %s", text, steps[i], rc, err.text);
		ck_assert_msg(strstr(err.text, words), "%s\nby %zu: %s", text, steps[i], err.text);
		ck_assert_msg(err.line == line && err.column == column, "%s\nby %zu: %s at %d:%d",
			      text, steps[i], err.text, err.line, err.column);
		ck_assert_ptr_null(set);
	}
}

/* A document of one trace with one span, which has these members. */
#define SPAN(members) "{\"data\":[{\"spans\":[{\"traceID\":\"t\",\"spanID\":\"a\"" members "}]}]}"
#define BARE	      "t a< unspecified unset 0 : "

START_TEST(test_whole_answer)
{
	check_good(
		"{\"data\": [\n"
		"  {\"traceID\": \"5b8e\", \"spans\": [\n"
		"    {\"traceID\": \"5b8e\", \"spanID\": \"01\", \"flags\": 1, \"operationName\": "
		"\"POST /orders\",\n"
		"     \"references\": [], \"startTime\": 1760000000000000, \"duration\": 5000,\n"
		"     \"tags\": [{\"key\": \"span.kind\", \"type\": \"string\", \"value\": "
		"\"server\"},\n"
		"                {\"key\": \"http.status_code\", \"type\": \"int64\", \"value\": "
		"500},\n"
		"                {\"key\": \"thread.id\", \"type\": \"int64\", \"value\": 9},\n"
		"                {\"key\": \"error\", \"type\": \"bool\", \"value\": true}],\n"
		"     \"logs\": [], \"processID\": \"p1\", \"warnings\": null},\n"
		"    {\"traceID\": \"5b8e\", \"spanID\": \"02\", \"operationName\": \"write\",\n"
		"     \"references\": [{\"refType\": \"CHILD_OF\", \"traceID\": \"5b8e\", "
		"\"spanID\": \"01\"}],\n"
		"     \"startTime\": 1760000000001000, \"duration\": 3000,\n"
		"     \"tags\": [{\"key\": \"otel.status_code\", \"type\": \"string\", \"value\": "
		"\"ERROR\"},\n"
		"                {\"key\": \"otel.status_description\", \"type\": \"string\", "
		"\"value\": \"disk full\"},\n"
		"                {\"key\": \"shop.region\", \"type\": \"string\", \"value\": "
		"\"eu\"}],\n"
		"     \"logs\": [{\"timestamp\": 1760000000002000, \"fields\": [\n"
		"         {\"key\": \"event\", \"type\": \"string\", \"value\": \"exception\"},\n"
		"         {\"key\": \"exception.type\", \"type\": \"string\", \"value\": "
		"\"IOError\"},\n"
		"         {\"key\": \"exception.message\", \"type\": \"string\", \"value\": \"no "
		"space\"}]}],\n"
		"     \"processID\": \"p2\"}],\n"
		"   \"processes\": {\"p1\": {\"serviceName\": \"checkout\", \"tags\": []},\n"
		"                 \"p2\": {\"serviceName\": \"ledger\", \"tags\": null}},\n"
		"   \"warnings\": null}],\n"
		" \"total\": 0, \"limit\": 0, \"offset\": 0, \"errors\": null}\n",
		"5b8e 01< server unset 8 checkout: POST /orders @1760000000000000+5000 '' "
		"http.status_code=500\n"
		"5b8e 02<01 unspecified error 0 ledger: write @1760000000001000+3000 'disk full' "
		"shop.region=eu "
		"exception.type=IOError exception.message=no space\n");
}
END_TEST

static const struct {
	const char *text, *wanted;
} goods[] = {
	/* a single trace object; processes first; members in unusual orders */
	{ "{\"processes\":{\"p1\":{\"tags\":[{\"value\":\"shop\",\"key\":\"service.namespace\"}],"
	  "\"serviceName\":\"cart\"}},"
	  "\"spans\":[{\"processID\":\"p1\",\"duration\":1,\"spanID\":\"a\",\"startTime\":2,"
	  "\"traceID\":\"t\"}],\"traceID\":\"t\"}",
	  "t a< unspecified unset 0 cart:  @2+1 ''\n" },
	{ SPAN(""), BARE " @0+0 ''\n" },
	/* null is the same as absent */
	{ SPAN(",\"tags\":null,\"logs\":null,\"references\":null,\"startTime\":null,\"processID\":"
	       "null,\"operationName\":null"),
	  BARE " @0+0 ''\n" },
	{ "{\"data\":[null,{\"spans\":[null,{\"spanID\":\"a\",\"traceID\":\"t\",\"tags\":[null],"
	  "\"logs\":[null]}],"
	  "\"processes\":null}],\"errors\":[{\"code\":404,\"msg\":\"trace not "
	  "found\",\"traceID\":\"u\"}]}",
	  BARE " @0+0 ''\n" },
	/* a span without a trace id takes that of its trace object */
	{ "{\"data\":[{\"traceID\":\"t\",\"spans\":[{\"spanID\":\"a\"}]}]}", BARE " @0+0 ''\n" },
	{ "{\"data\":{\"traceID\":\"t\",\"processes\":{\"p\":{}},\"spans\":[{\"spanID\":\"a\"}]},"
	  "\"total\":0}",
	  BARE " @0+0 ''\n" },
	/* a process that the document does not describe */
	{ SPAN(",\"processID\":\"p7\""), BARE " @0+0 ''\n" },
	/* numbers: fractions, exponents, negative durations */
	{ SPAN(",\"startTime\":1.5e3,\"duration\":2.75"), BARE " @1500+2 ''\n" },
	{ SPAN(",\"startTime\":1e400,\"duration\":-5"), BARE " @2305843009213693951+0 ''\n" },
	/* values of all types; the value before the key; lists and objects are left out */
	{ SPAN(",\"tags\":[{\"value\":200,\"type\":\"int64\",\"key\":\"http.status_code\"},"
	       "{\"type\":\"int64\",\"key\":\"net.peer.port\",\"value\":\"9007199254740993\"},"
	       "{\"key\":\"db.name\",\"type\":\"bool\",\"value\":false},"
	       "{\"key\":\"rpc.service\",\"type\":\"float64\",\"value\":0.50},"
	       "{\"key\":\"db.system\",\"value\":null},{\"key\":\"db.type\"},{\"value\":\"lone\"},"
	       "{\"key\":\"rpc.method\",\"value\":{\"key\":\"db.system\",\"value\":\"x\"}},"
	       "{\"value\":[\"y\"],\"key\":\"rpc.system\"},{\"value\":\"z\",\"key\":\"not.kept\"},{"
	       "}]"),
	  BARE " @0+0 '' http.status_code=200 net.peer.port=9007199254740993 db.name=false "
	       "rpc.service=0.50\n" },
	/* escapes in keys and values */
	{ SPAN(",\"t\\u0061gs\":[{\"ke\\u0079\":\"db\\u002ename\",\"value\":\"a\\n\\u20ac\\u0000\"}"
	       "]"),
	  BARE " @0+0 '' db.name=a\n\xe2\x82\xac\xef\xbf\xbd\n" },
	/* error tags */
	{ SPAN(",\"tags\":[{\"key\":\"error\",\"type\":\"string\",\"value\":\"True\"}]"),
	  "t a< unspecified unset 8 :  @0+0 ''\n" },
	{ SPAN(",\"tags\":[{\"key\":\"error\",\"type\":\"string\",\"value\":\"unset\"}]"),
	  "t a< unspecified unset 16 :  @0+0 ''\n" },
	{ SPAN(",\"tags\":[{\"key\":\"error\",\"type\":\"bool\",\"value\":false},"
	       "{\"key\":\"otel.status_code\",\"value\":\"OK\"}]"),
	  "t a< unspecified ok 16 :  @0+0 ''\n" },
	{ SPAN(",\"tags\":[{\"key\":\"http.status_message\",\"value\":\"Bad Gateway\"}]"),
	  BARE " @0+0 'Bad Gateway' http.status_message=Bad Gateway\n" },
	/* unknown members of any shape */
	{ "{\"x\":[{\"spans\":1}],\"data\":[{\"y\":{\"data\":[]},\"spans\":[{\"z\":[[]],"
	  "\"traceID\":\"t\",\"spanID\":\"a\","
	  "\"warnings\":[\"clock skew\"]}],\"q\":\"\"}],\"total\":1}",
	  BARE " @0+0 ''\n" },
	/* a span with process and processID: the list of processes counts */
	{ "{\"spans\":[{\"traceID\":\"t\",\"spanID\":\"a\",\"process\":{\"serviceName\":\"no\"},"
	  "\"processID\":\"p1\"}],"
	  "\"processes\":{\"p1\":{\"serviceName\":\"cart\"}}}",
	  "t a< unspecified unset 0 cart:  @0+0 ''\n" },
};

START_TEST(test_goods)
{
	check_good(goods[_i].text, goods[_i].wanted);
}
END_TEST

#define REF(type, trace, span)                                                                     \
	"{\"refType\":\"" type "\",\"traceID\":\"" trace "\",\"spanID\":\"" span "\"}"

static const struct {
	const char *members, *parent;
	unsigned int flags;
} parents[] = {
	{ ",\"references\":[" REF("CHILD_OF", "t", "b") "]", "b", SPAN_ORPHAN },
	/* the first CHILD_OF of this trace, before any FOLLOWS_FROM */
	{ ",\"references\":[" REF("FOLLOWS_FROM", "t", "b") "," REF("CHILD_OF", "u", "c") "," REF(
		  "CHILD_OF", "t", "d") "," REF("CHILD_OF", "t", "e") "]",
	  "d", SPAN_ORPHAN },
	{ ",\"references\":[" REF("CHILD_OF", "u", "c") "," REF("FOLLOWS_FROM", "t", "b") "," REF(
		  "FOLLOWS_FROM", "t", "d") "]",
	  "b", SPAN_ORPHAN | SPAN_FOLLOWS },
	{ ",\"references\":[" REF("CHILD_OF", "u", "c") "]", "", 0 },
	{ ",\"references\":[" REF("LINKED", "t", "c") "]", "", 0 },
	/* parentSpanID is the last resort; zeros mean no parent */
	{ ",\"parentSpanID\":\"p\",\"references\":[" REF("CHILD_OF", "u", "c") "]", "p",
	  SPAN_ORPHAN },
	{ ",\"parentSpanID\":\"p\",\"references\":[" REF("CHILD_OF", "t", "c") "]", "c",
	  SPAN_ORPHAN },
	{ ",\"parentSpanID\":\"0000000000000000\"", "", 0 },
	{ ",\"parentSpanID\":\"\"", "", 0 },
	{ ",\"references\":[" REF("CHILD_OF", "t", "00") "]", "", 0 },
	/* members in another order; a reference without a trace id is to this trace */
	{ ",\"references\":[{\"spanID\":\"b\",\"traceID\":\"t\",\"refType\":\"CHILD_OF\"}]", "b",
	  SPAN_ORPHAN },
	{ ",\"references\":[{\"spanID\":\"b\",\"refType\":\"FOLLOWS_FROM\"}]", "b",
	  SPAN_ORPHAN | SPAN_FOLLOWS },
};

START_TEST(test_parents)
{
	/* the trace id before the references, and after them */
	static const char *const documents[] = {
		"{\"spans\":[{\"traceID\":\"t\",\"spanID\":\"a\"%s}]}",
		"{\"spans\":[{\"spanID\":\"a\"%s,\"traceID\":\"t\"}]}",
		"{\"traceID\":\"t\",\"spans\":[{\"spanID\":\"a\"%s}]}",
	};

	for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
		struct buf text = BUF_INIT(10000), wanted = BUF_INIT(1000);

		buf_add(&text, documents[i], (size_t)(strchr(documents[i], '%') - documents[i]));
		buf_puts(&text, parents[_i].members);
		buf_puts(&text, strchr(documents[i], '%') + 2);
		buf_printf(&wanted, "t a<%s unspecified unset %u :  @0+0 ''\n", parents[_i].parent,
			   parents[_i].flags);
		check_good(buf_text(&text), buf_text(&wanted));
		buf_fini(&text);
		buf_fini(&wanted);
	}
}
END_TEST

#define FIELD(key, value) "{\"key\":\"" key "\",\"type\":\"string\",\"value\":\"" value "\"}"
#define LOG(fields)	  "{\"timestamp\":1,\"fields\":[" fields "]}"

static const struct {
	const char *logs, *attrs;
} logs[] = {
	{ LOG(FIELD("event", "error") "," FIELD("message", "no answer")),
	  " exception.message=no answer" },
	{ LOG(FIELD("message", "no answer") "," FIELD("event", "exception")),
	  " exception.message=no answer" },
	{ LOG(FIELD("message", "started") "," FIELD("event", "start")), "" },
	{ LOG(FIELD("error.object", "boom") "," FIELD("message", "m") "," FIELD("error.kind",
										"Timeout")),
	  " exception.type=Timeout exception.message=boom" },
	{ LOG(FIELD("exception.type", "T") "," FIELD("error.kind", "K") "," FIELD(
		  "exception.message", "E") "," FIELD("error.object", "O")),
	  " exception.type=T exception.message=E" },
	/* the last log that reports an error in words */
	{ LOG(FIELD("event", "start")) "," LOG(FIELD("event", "error")) "," LOG(
		  FIELD("event", "error") "," FIELD(
			  "message",
			  "1")) "," LOG(FIELD("event",
					      "error") "," FIELD("message",
								 "2") "," FIELD("error.kind", "X")),
	  " exception.type=X exception.message=2" },
	{ "{\"fields\":[{\"value\":\"Late\",\"key\":\"error.kind\"},{\"value\":7,\"key\":\"stack\"}"
	  "],\"timestamp\":1}",
	  " exception.type=Late" },
	{ "{\"fields\":null},{}", "" },
	{ LOG(FIELD("event", "request failed") "," FIELD("error", "disk quota exceeded")),
	  " exception.message=disk quota exceeded" },
	{ LOG(FIELD("error", "low") "," FIELD("message", "m") "," FIELD("level", "error")),
	  " exception.message=low" },
	{ LOG(FIELD("error", "false") "," FIELD("message", "m")), "" },
	{ "{\"timestamp\":\"soon\",\"fields\":[]}", "" },
};

START_TEST(test_logs)
{
	struct buf text = BUF_INIT(10000), wanted = BUF_INIT(1000);

	buf_puts(&text, "{\"spans\":[{\"traceID\":\"t\",\"spanID\":\"a\",\"logs\":[");
	buf_puts(&text, logs[_i].logs);
	/* the next span must not inherit it */
	buf_puts(&text, "]},{\"traceID\":\"t\",\"spanID\":\"b\"}]}");
	buf_printf(&wanted, BARE " @0+0 ''%s\nt b< unspecified unset 0 :  @0+0 ''\n",
		   logs[_i].attrs);
	check_good(buf_text(&text), buf_text(&wanted));
	buf_fini(&text);
	buf_fini(&wanted);
}
END_TEST

START_TEST(test_several_traces)
{
	/* p1 is a different process in each trace object; the trace u comes in two parts */
	check_good(
		"{\"data\":[{\"spans\":[{\"traceID\":\"t\",\"spanID\":\"a\",\"processID\":\"p1\"},"
		"{\"traceID\":\"u\",\"spanID\":\"b\",\"processID\":\"p2\"}],"
		"\"processes\":{\"p2\":{\"serviceName\":\"cart\"},\"p1\":{\"serviceName\":"
		"\"ledger\"}}},"
		"{\"processes\":{\"p1\":{\"serviceName\":\"mails\"}},"
		"\"spans\":[{\"traceID\":\"u\",\"spanID\":\"c\",\"processID\":\"p1\"}]}]}",
		"t a< unspecified unset 0 ledger:  @0+0 ''\n"
		"u b< unspecified unset 0 cart:  @0+0 ''\n"
		"u c< unspecified unset 0 mails:  @0+0 ''\n");
}
END_TEST

START_TEST(test_resource)
{
	static const char text[] = "{\"spans\":[{\"traceID\":\"t\",\"spanID\":\"a\",\"processID\":"
				   "\"p1\"}],\"processes\":{\"p1\":"
				   "{\"serviceName\":\"cart\",\"tags\":[{\"key\":\"service."
				   "namespace\",\"value\":\"shop\"},"
				   "{\"type\":\"int64\",\"value\":3,\"key\":\"replica\"}]}}}";
	struct trace_set *set = NULL;

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		ck_assert_int_eq(decode(text, steps[i], &set, NULL), 0);
		const struct resource *resource =
			span_resource(&set->traces[0], &set->traces[0].spans[0]);
		ck_assert_str_eq(trace_text(&set->traces[0], resource->namespace), "shop");
		ck_assert_str_eq(resource_attr(&set->traces[0], resource, "replica"), "3");
		trace_set_free(set);
	}
}
END_TEST

START_TEST(test_long_values)
{
	/* a message longer than is kept, held until its key comes, is cut before the character that
	 * crosses the cap */
	struct buf text = BUF_INIT(100000);
	struct trace_set *set = NULL;
	const char *message;

	buf_puts(&text, "{\"spans\":[{\"traceID\":\"t\",\"spanID\":\"a\",\"tags\":[{\"value\":\"");
	for (unsigned int i = 0; i < LIMIT_ATTR_VALUE_BYTES - 1; i++)
		buf_putc(&text, 'm');
	for (unsigned int i = 0; i < 5000; i++)
		buf_puts(&text, "\xc3\xa9");
	buf_puts(&text, "\",\"key\":\"otel.status_description\"}]}]}");
	ck_assert_int_eq(decode(buf_text(&text), 1000, &set, NULL), 0);
	message = trace_text(&set->traces[0], set->traces[0].spans[0].message);
	ck_assert_uint_eq(strlen(message), LIMIT_ATTR_VALUE_BYTES - 1);
	trace_set_free(set);
	buf_fini(&text);
}
END_TEST

START_TEST(test_many_processes)
{
	struct buf text = BUF_INIT(1u << 20);
	struct trace_set *set = NULL;
	char service[16];

	buf_puts(&text, "{\"spans\":[");
	for (int i = 0; i < 500; i++)
		buf_printf(&text, "%s{\"traceID\":\"t\",\"spanID\":\"%d\",\"processID\":\"p%d\"}",
			   i ? "," : "", i, i);
	buf_puts(&text, "],\"processes\":{");
	for (int i = 499; i >= 0; i--)
		buf_printf(&text, "\"p%d\":{\"serviceName\":\"s%d\"}%s", i, i, i ? "," : "}}");
	ck_assert_int_eq(decode(buf_text(&text), 777, &set, NULL), 0);
	for (int i = 0; i < 500; i++) {
		snprintf(service, sizeof(service), "s%d", i);
		ck_assert_str_eq(span_service(&set->traces[0], &set->traces[0].spans[i]), service);
	}
	trace_set_free(set);
	buf_fini(&text);
}
END_TEST

START_TEST(test_no_span)
{
	static const char *const texts[] = { "{\"data\":{}}", "{\"data\":[]}",
					     "{\"data\":null,\"errors\":null}", "{\"data\":[{}]}",
					     "{\"spans\":[],\"processes\":{}}" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		check_bad(texts[i], ENOENT, 0, 0, "no span");
}
END_TEST

static const struct {
	const char *text;
	int line, column;
	const char *words;
} bads[] = {
	{ "", 1, 1, "empty" },
	{ "[]", 1, 1, "the document is a list, not an object" },
	{ "null", 1, 1, "the document is null, not an object" },
	{ "{}", 0, 0, "neither data nor spans" },
	{ "{\"batches\":[]}", 0, 0, "neither data nor spans" },
	{ "{\"data\":{\"spans\":{}}}", 1, 18, "spans of a trace is an object, not a list" },
	{ "{\"data\":[\"cart\",\"ledger\"]}", 1, 10,
	  "an element of data is a string, not an object" },
	{ "{\"data\":[],\n\"spans\":[]}", 2, 1, "both data and spans" },
	{ "{\"spans\":{}}", 1, 10, "spans of the document is an object, not a list" },
	{ "{\"spans\":[7]}", 1, 11, "an element of spans is a number, not an object" },
	{ "{\"data\":[{\"spans\":[{\"startTime\":\n \"12\"}]}]}", 2, 2,
	  "startTime of a span is a string, not a number" },
	{ "{\"spans\":[{\"duration\":true}]}", 1, 23,
	  "duration of a span is a boolean, not a number" },
	{ "{\"spans\":[{\"spanID\":12}]}", 1, 21, "spanID of a span is a number, not a string" },
	{ "{\"spans\":[{\"traceID\":{}}]}", 1, 22, "traceID of a span is an object, not a string" },
	{ "{\"spans\":[{\"tags\":{\"error\":true}}]}", 1, 19,
	  "tags of a span is an object, not a list" },
	{ "{\"spans\":[{\"tags\":[{\"key\":1}]}]}", 1, 27,
	  "key of a tag is a number, not a string" },
	{ "{\"spans\":[{\"references\":[[]]}]}", 1, 26,
	  "an element of references is a list, not an object" },
	{ "{\"spans\":[{\"references\":[{\"spanID\":1}]}]}", 1, 36,
	  "spanID of a reference is a number" },
	{ "{\"spans\":[{\"logs\":[{\"fields\":\"x\"}]}]}", 1, 30,
	  "fields of a log is a string, not a list" },
	{ "{\"processes\":[]}", 1, 14, "processes of the document is a list, not an object" },
	{ "{\"processes\":{\"p1\":\"cart\"}}", 1, 20,
	  "a process of processes is a string, not an object" },
	{ "{\"processes\":{\"p1\":{\"serviceName\":1}}}", 1, 35,
	  "serviceName of a process is a number" },
	{ "{\"traceID\":\"t\",\"spanID\":\"a\",\"operationName\":\"x\",\"process\":{"
	  "\"serviceName\":\"cart\"}}",
	  0, 0, "a span document of Jaeger's storage" },
	{ "{\"spans\":[{\"traceID\":\"t\",\"spanID\":\"a\",\"process\":{\"serviceName\":\"cart\"}}]"
	  "}",
	  1, 71, "a span has a process instead of a processID" },
	{ "{\"data\":[{\"spans\":[{\"spanID\":\"a\"}]}]", 1, 37, "ends inside an object" },
	{ "{\"data\":[]} {", 1, 13, "'{' where the end of the document belongs" },
	{ "{\"x\":[1,],\"data\":[]}", 1, 9, "']' where a value belongs" },
};

START_TEST(test_bads)
{
	check_bad(bads[_i].text, EBADMSG, bads[_i].line, bads[_i].column, bads[_i].words);
}
END_TEST

START_TEST(test_caps)
{
	struct buf text = BUF_INIT(64u << 20);
	struct trace_set *set = NULL;
	struct err err = { 0 };

	buf_puts(&text, "{\"spans\":[{}");
	for (unsigned int i = 1; i < LIMIT_TRACE_SPANS + 1; i++)
		buf_puts(&text, ",{}");
	buf_puts(&text, "]}");
	ck_assert_int_eq(decode(buf_text(&text), 16384, &set, &err), -E2BIG);
	ck_assert_str_eq(err.text, "more than 250000 spans");
	ck_assert_ptr_null(set);
	buf_reset(&text);
	buf_puts(&text, "{\"processes\":{");
	for (unsigned int i = 0; i < LIMIT_TRACE_SPANS + 1; i++)
		buf_printf(&text, "\"%u\":null,", i);
	ck_assert_int_eq(decode(buf_text(&text), 16384, &set, &err), -E2BIG);
	ck_assert_str_eq(err.text, "more than 250000 resources");
	ck_assert_ptr_null(set);
	buf_fini(&text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jaeger_json");
	TCase *tcase = tcase_create("jaeger_json");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, test_whole_answer);
	tcase_add_loop_test(tcase, test_goods, 0, ARRAY_LEN(goods));
	tcase_add_loop_test(tcase, test_parents, 0, ARRAY_LEN(parents));
	tcase_add_loop_test(tcase, test_logs, 0, ARRAY_LEN(logs));
	tcase_add_test(tcase, test_several_traces);
	tcase_add_test(tcase, test_resource);
	tcase_add_test(tcase, test_long_values);
	tcase_add_test(tcase, test_many_processes);
	tcase_add_test(tcase, test_no_span);
	tcase_add_loop_test(tcase, test_bads, 0, ARRAY_LEN(bads));
	tcase_add_test(tcase, test_caps);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
