/*
 * One trace gives the same decision, byte for byte, in every encoding. Traces are drawn
 * (tests/lib/trace_make.h) and written out by writers of this file, which share nothing with the
 * program. A new encoding gets a row in `writers`.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/proto_make.h"
#include "tests/lib/trace_make.h"
#include "tracepager/buf_json.h"
#include "tracepager/decide.h"
#include "tracepager/trace_decoder.h"
#include "tracepager/xalloc.h"

#define TRACE_ID "5b8efff798038103d269b633813fc60c"

/* Makes a span id of an id in a drawing, which is a small number. */
static void hex_id(const struct trace *trace, uint32_t id, char hex[static 17])
{
	snprintf(hex, 17, "%016lx", strtoul(trace_text(trace, id), NULL, 10));
}

static bool is_exception(unsigned int key)
{
	return key == ATTR_EXCEPTION_TYPE || key == ATTR_EXCEPTION_MESSAGE;
}

/* Attribute i of a span if it belongs to an exception, or if it does not, as wanted; else NULL. */
static const struct span_attr *attr_at(const struct trace *trace, const struct span *span,
				       unsigned int i, bool exception)
{
	const struct span_attr *attr = &trace->set->attrs[span->attrs + i];

	return is_exception(attr->key) == exception ? attr : NULL;
}

static void open_item(struct buf *out)
{
	if (out->data[out->len - 1] != '[')
		buf_putc(out, ',');
	buf_putc(out, '{');
}

/* ---- jaeger ---- */

static void jaeger_tag(struct buf *out, const char *key, const char *value)
{
	open_item(out);
	buf_json_text(out, "key", key);
	buf_puts(out, ",\"type\":\"string\"");
	buf_json_text(out, "value", value);
	buf_putc(out, '}');
}

static void jaeger_attrs(struct buf *out, const struct trace *trace, const struct span *span,
			 bool exception)
{
	for (unsigned int i = 0; i < span->nattrs; i++) {
		const struct span_attr *attr = attr_at(trace, span, i, exception);

		if (attr)
			jaeger_tag(out, attr_name(attr->key), trace_text(trace, attr->value));
	}
}

/* As OpenTelemetry's translation does: status and kind become tags. */
static void jaeger_span(struct buf *out, const struct trace *trace, const struct span *span)
{
	char id[17], parent[17];

	hex_id(trace, span->id, id);
	hex_id(trace, span->parent_id, parent);
	open_item(out);
	buf_printf(out, "\"traceID\":\"" TRACE_ID "\",\"spanID\":\"%s\",\"references\":[", id);
	if (span->parent_id != 0)
		buf_printf(out,
			   "{\"refType\":\"%s\",\"traceID\":\"" TRACE_ID "\",\"spanID\":\"%s\"}",
			   span->flags & SPAN_FOLLOWS ? "FOLLOWS_FROM" : "CHILD_OF", parent);
	buf_putc(out, ']');
	buf_json_text(out, "operationName", trace_text(trace, span->name));
	buf_printf(out, ",\"startTime\":%" PRId64 ",\"duration\":%" PRId64, span->start_us,
		   span->duration_us);
	buf_printf(out, ",\"processID\":\"p%u\",\"tags\":[", span->resource);
	jaeger_attrs(out, trace, span, false);
	if (span->kind != SPAN_UNSPECIFIED)
		jaeger_tag(out, "span.kind", span_kind_name(span->kind));
	if (span->status == SPAN_STATUS_ERROR) {
		jaeger_tag(out, "otel.status_code", "ERROR");
		jaeger_tag(out, "error", "true");
	}
	if (span->message != 0)
		jaeger_tag(out, "otel.status_description", trace_text(trace, span->message));
	buf_puts(out, "],\"logs\":[{\"timestamp\":1,\"fields\":[");
	jaeger_attrs(out, trace, span, true);
	buf_puts(out, "]}]}");
}

static void write_jaeger(const struct trace *trace, struct buf *out)
{
	buf_puts(out, "{\"data\":[{\"traceID\":\"" TRACE_ID "\",\"spans\":[");
	for (uint32_t i = 0; i < trace->nspans; i++)
		jaeger_span(out, trace, &trace->spans[i]);
	buf_puts(out, "],\"processes\":{");
	for (uint32_t i = 0; i < trace->set->nresources; i++) {
		const struct resource *resource = &trace->set->resources[i];

		buf_printf(out, "%s\"p%u\":{", i > 0 ? "," : "", i);
		buf_json_text(out, "serviceName", trace_text(trace, resource->service));
		buf_puts(out, ",\"tags\":[");
		if (resource->namespace != 0)
			jaeger_tag(out, "service.namespace",
				   trace_text(trace, resource->namespace));
		buf_puts(out, "]}");
	}
	buf_puts(out, "}}]}");
}

/* ---- OTLP JSON and Tempo's ---- */

struct dialect {
	const char *head, *scopes, *tail;
	bool base64, names;
};

static void put_base64(struct buf *out, const char *hex)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	uint32_t bits = 0, nbits = 0;
	size_t n = 0;

	for (; *hex != '\0'; hex++) {
		bits = bits << 4 | (uint32_t)strtoul((char[]){ *hex, '\0' }, NULL, 16);
		for (nbits += 4; nbits >= 6; nbits -= 6, n++)
			buf_putc(out, digits[bits >> (nbits - 6) & 63]);
	}
	if (nbits > 0) {
		buf_putc(out, digits[bits << (6 - nbits) & 63]);
		n++;
	}
	for (; n % 4 != 0; n++)
		buf_putc(out, '=');
}

static void json_id(struct buf *out, const char *name, const char *hex,
		    const struct dialect *dialect)
{
	buf_json_key(out, name);
	buf_putc(out, '"');
	if (dialect->base64)
		put_base64(out, hex);
	else
		buf_puts(out, hex);
	buf_putc(out, '"');
}

static void json_attr(struct buf *out, const char *key, const char *value)
{
	open_item(out);
	buf_json_text(out, "key", key);
	buf_puts(out, ",\"value\":{");
	buf_json_text(out, "stringValue", value);
	buf_puts(out, "}}");
}

static void json_attrs(struct buf *out, const struct trace *trace, const struct span *span,
		       bool exception)
{
	buf_puts(out, "\"attributes\":[");
	for (unsigned int i = 0; i < span->nattrs; i++) {
		const struct span_attr *attr = attr_at(trace, span, i, exception);

		if (attr)
			json_attr(out, attr_name(attr->key), trace_text(trace, attr->value));
	}
	buf_putc(out, ']');
}

static void json_enums(struct buf *out, const struct span *span, bool names)
{
	static const char *const kinds[] = { "UNSPECIFIED", "INTERNAL", "SERVER",
					     "CLIENT",	    "PRODUCER", "CONSUMER" };
	static const char *const codes[] = { "UNSET", "OK", "ERROR" };

	if (names)
		buf_printf(out,
			   ",\"kind\":\"SPAN_KIND_%s\",\"status\":{\"code\":\"STATUS_CODE_%s\"",
			   kinds[span->kind], codes[span->status]);
	else
		buf_printf(out, ",\"kind\":%u,\"status\":{\"code\":%u", span->kind, span->status);
}

static void json_span(struct buf *out, const struct trace *trace, const struct span *span,
		      const struct dialect *dialect)
{
	char id[17], parent[17];

	hex_id(trace, span->id, id);
	hex_id(trace, span->parent_id, parent);
	open_item(out);
	json_id(out, "traceId", TRACE_ID, dialect);
	json_id(out, "spanId", id, dialect);
	if (span->parent_id != 0)
		json_id(out, "parentSpanId", parent, dialect);
	buf_json_text(out, "name", trace_text(trace, span->name));
	buf_printf(out,
		   ",\"startTimeUnixNano\":\"%" PRId64 "000\",\"endTimeUnixNano\":\"%" PRId64
		   "000\"",
		   span->start_us, span_end_us(span));
	json_enums(out, span, dialect->names);
	if (span->message != 0)
		buf_json_text(out, "message", trace_text(trace, span->message));
	buf_puts(out, "},");
	json_attrs(out, trace, span, false);
	buf_puts(out, ",\"events\":[{\"name\":\"exception\",");
	json_attrs(out, trace, span, true);
	buf_puts(out, "}]}");
}

/* One ResourceSpans per span keeps the spans in the order of the drawing. */
static void write_json(const struct trace *trace, struct buf *out, const struct dialect *dialect)
{
	buf_puts(out, dialect->head);
	for (uint32_t i = 0; i < trace->nspans; i++) {
		const struct span *span = &trace->spans[i];
		const struct resource *resource = span_resource(trace, span);

		open_item(out);
		buf_puts(out, "\"resource\":{\"attributes\":[");
		json_attr(out, "service.name", trace_text(trace, resource->service));
		if (resource->namespace != 0)
			json_attr(out, "service.namespace", trace_text(trace, resource->namespace));
		buf_printf(out, "]},\"%s\":[{\"spans\":[", dialect->scopes);
		json_span(out, trace, span, dialect);
		buf_puts(out, "]}]}");
	}
	buf_puts(out, dialect->tail);
}

static void write_otlp_json(const struct trace *trace, struct buf *out)
{
	static const struct dialect dialect = { "{\"resourceSpans\":[", "scopeSpans", "]}", false,
						false };

	write_json(trace, out, &dialect);
}

static void write_jaeger_v3(const struct trace *trace, struct buf *out)
{
	static const struct dialect dialect = { "{\"result\":{\"resourceSpans\":[", "scopeSpans",
						"]}}", false, false };

	write_json(trace, out, &dialect);
}

static void write_tempo_v1(const struct trace *trace, struct buf *out)
{
	static const struct dialect dialect = { "{\"batches\":[", "instrumentationLibrarySpans",
						"]}", true, true };

	write_json(trace, out, &dialect);
}

static void write_tempo_v2(const struct trace *trace, struct buf *out)
{
	static const struct dialect dialect = { "{\"trace\":{\"resourceSpans\":[", "scopeSpans",
						"]},\"metrics\":{\"inspectedBytes\":\"9\"}}", true,
						true };

	write_json(trace, out, &dialect);
}

/* ---- OTLP protobuf and Tempo's ---- */

static void proto_attrs(struct buf *out, unsigned int field, const struct trace *trace,
			const struct span *span, bool exception)
{
	for (unsigned int i = 0; i < span->nattrs; i++) {
		const struct span_attr *attr = attr_at(trace, span, i, exception);

		if (attr)
			proto_attribute(out, field, attr_name(attr->key),
					trace_text(trace, attr->value));
	}
}

static void proto_span(struct buf *out, const struct trace *trace, const struct span *span)
{
	struct buf inner = BUF_INIT(1 << 16);
	char id[17];

	proto_hex(out, 1, TRACE_ID);
	hex_id(trace, span->id, id);
	proto_hex(out, 2, id);
	hex_id(trace, span->parent_id, id);
	if (span->parent_id != 0)
		proto_hex(out, 4, id);
	proto_text(out, 5, trace_text(trace, span->name));
	proto_varint(out, 6, span->kind);
	proto_fixed64(out, 7, (uint64_t)span->start_us * 1000);
	proto_fixed64(out, 8, (uint64_t)span_end_us(span) * 1000);
	proto_attrs(out, 9, trace, span, false);
	proto_attrs(&inner, 3, trace, span, true);
	proto_message(out, 11, &inner);
	proto_text(&inner, 2, trace_text(trace, span->message));
	proto_varint(&inner, 3, span->status);
	proto_message(out, 15, &inner);
	buf_fini(&inner);
}

static void write_otlp_proto(const struct trace *trace, struct buf *out)
{
	struct buf scope = BUF_INIT(1 << 20), inner = BUF_INIT(1 << 20), around = BUF_INIT(1 << 20);

	for (uint32_t i = 0; i < trace->nspans; i++) {
		const struct resource *resource = span_resource(trace, &trace->spans[i]);

		proto_attribute(&inner, 1, "service.name", trace_text(trace, resource->service));
		if (resource->namespace != 0)
			proto_attribute(&inner, 1, "service.namespace",
					trace_text(trace, resource->namespace));
		proto_message(&around, 1, &inner);
		proto_span(&inner, trace, &trace->spans[i]);
		proto_message(&scope, 2, &inner);
		proto_message(&around, 2, &scope);
		proto_message(out, 1, &around);
	}
	buf_fini(&scope);
	buf_fini(&inner);
	buf_fini(&around);
}

static void write_tempo_proto(const struct trace *trace, struct buf *out)
{
	struct buf inner = BUF_INIT(1 << 20);

	write_otlp_proto(trace, &inner);
	proto_message(out, 1, &inner);
	proto_text(out, 2, "\x08\x09");
	buf_fini(&inner);
}

/* ---- zipkin ---- */

typedef void zipkin_tag_writer(struct buf *out, const char *key, const char *value,
			       const char *service);

static void zipkin_v2_tag(struct buf *out, const char *key, const char *value, const char *service)
{
	(void)service;
	if (out->data[out->len - 1] != '{')
		buf_putc(out, ',');
	buf_json_key(out, key);
	buf_json_string(out, value);
}

static void zipkin_v1_tag(struct buf *out, const char *key, const char *value, const char *service)
{
	open_item(out);
	buf_json_text(out, "key", key);
	buf_json_text(out, "value", value);
	buf_puts(out, ",\"endpoint\":{");
	buf_json_text(out, "serviceName", service);
	buf_puts(out, "}}");
}

/* As OpenTelemetry's translation does: what Zipkin cannot carry becomes a tag. */
static void zipkin_tags(struct buf *out, const struct trace *trace, const struct span *span,
			zipkin_tag_writer *tag)
{
	const struct resource *resource = span_resource(trace, span);
	const char *service = trace_text(trace, resource->service);

	if (resource->namespace != 0)
		tag(out, "service.namespace", trace_text(trace, resource->namespace), service);
	for (unsigned int i = 0; i < span->nattrs; i++) {
		const struct span_attr *attr = &trace->set->attrs[span->attrs + i];

		if (attr->key != ATTR_PEER_SERVICE)
			tag(out, attr_name(attr->key), trace_text(trace, attr->value), service);
	}
	if (span->status == SPAN_STATUS_ERROR) {
		tag(out, "otel.status_code", "ERROR", service);
		tag(out, "error", trace_text(trace, span->message), service);
	}
	if (span->message != 0)
		tag(out, "otel.status_description", trace_text(trace, span->message), service);
}

static void zipkin_span(struct buf *out, const struct trace *trace, const struct span *span)
{
	char id[17];

	open_item(out);
	hex_id(trace, span->id, id);
	buf_printf(out, "\"traceId\":\"" TRACE_ID "\",\"id\":\"%s\"", id);
	hex_id(trace, span->parent_id, id);
	if (span->parent_id != 0)
		buf_json_text(out, "parentId", id);
	buf_json_text(out, "name", trace_text(trace, span->name));
	buf_printf(out, ",\"timestamp\":%" PRId64 ",\"duration\":%" PRId64, span->start_us,
		   span->duration_us);
}

static void write_zipkin_v2(const struct trace *trace, struct buf *out)
{
	static const char *const kinds[] = { [SPAN_SERVER] = "SERVER",
					     [SPAN_CLIENT] = "CLIENT",
					     [SPAN_PRODUCER] = "PRODUCER",
					     [SPAN_CONSUMER] = "CONSUMER" };

	buf_putc(out, '[');
	for (uint32_t i = 0; i < trace->nspans; i++) {
		const struct span *span = &trace->spans[i];
		const char *peer = span_attr(trace, span, ATTR_PEER_SERVICE);

		zipkin_span(out, trace, span);
		buf_json_text(out, "kind", kinds[span->kind]);
		buf_puts(out, ",\"localEndpoint\":{");
		buf_json_text(out, "serviceName", span_service(trace, span));
		buf_puts(out, "},\"remoteEndpoint\":{");
		if (peer)
			buf_json_text(out, "serviceName", peer);
		buf_puts(out, "},\"tags\":{");
		zipkin_tags(out, trace, span, zipkin_v2_tag);
		buf_puts(out, "}}");
	}
	buf_putc(out, ']');
}

static void zipkin_note(struct buf *out, int64_t at, const char *value, const char *service)
{
	if (!value)
		return;
	open_item(out);
	buf_printf(out, "\"timestamp\":%" PRId64, at);
	buf_json_text(out, "value", value);
	buf_puts(out, ",\"endpoint\":{");
	buf_json_text(out, "serviceName", service);
	buf_puts(out, "}}");
}

static void write_zipkin_v1(const struct trace *trace, struct buf *out)
{
	static const char *const starts[] = { [SPAN_SERVER] = "sr",
					      [SPAN_CLIENT] = "cs",
					      [SPAN_PRODUCER] = "ms",
					      [SPAN_CONSUMER] = "mr" };
	static const char *const ends[] = {
		[SPAN_SERVER] = "ss", [SPAN_CLIENT] = "cr", [SPAN_CONSUMER] = NULL
	};

	buf_putc(out, '[');
	for (uint32_t i = 0; i < trace->nspans; i++) {
		const struct span *span = &trace->spans[i];
		const char *peer = span_attr(trace, span, ATTR_PEER_SERVICE);
		const char *service = span_service(trace, span);

		zipkin_span(out, trace, span);
		buf_puts(out, ",\"annotations\":[");
		zipkin_note(out, span->start_us, starts[span->kind], service);
		zipkin_note(out, span_end_us(span), ends[span->kind], service);
		buf_puts(out, "],\"binaryAnnotations\":[");
		zipkin_tags(out, trace, span, zipkin_v1_tag);
		if (peer)
			zipkin_v1_tag(out, "sa", "true", peer);
		buf_puts(out, "]}");
	}
	buf_putc(out, ']');
}

/* ---- the comparison ---- */

static const struct {
	const char *name;
	enum trace_encoding encoding;
	void (*write)(const struct trace *trace, struct buf *out);
} writers[] = {
	{ "Jaeger JSON", TRACE_ENCODING_JAEGER_JSON, write_jaeger },
	{ "OTLP JSON", TRACE_ENCODING_OTLP_JSON, write_otlp_json },
	{ "OTLP JSON of Jaeger's API v3", TRACE_ENCODING_OTLP_JSON, write_jaeger_v3 },
	{ "Tempo JSON, v1", TRACE_ENCODING_OTLP_JSON, write_tempo_v1 },
	{ "Tempo JSON, v2", TRACE_ENCODING_OTLP_JSON, write_tempo_v2 },
	{ "OTLP protobuf", TRACE_ENCODING_OTLP_PROTO, write_otlp_proto },
	{ "Tempo protobuf, v2", TRACE_ENCODING_TEMPO_PROTO, write_tempo_proto },
	{ "Zipkin v2 JSON", TRACE_ENCODING_ZIPKIN_V2, write_zipkin_v2 },
	{ "Zipkin v1 JSON", TRACE_ENCODING_ZIPKIN_V1, write_zipkin_v1 },
};

static const struct {
	const char *name, *suspect; /* suspect: the beginning of the decision's suspect */
	const char *drawing;
} traces[] = {
	{ "failing leaf", "\"service\":\"ledger\",\"namespace\":\"shop\"",
	  "shop/checkout server POST /orders | 0 100 | ERROR; message=payment failed\n"
	  "  shop/checkout client POST /charge | 10 90 | ERROR\n"
	  "    payment server POST /charge | 15 85 | ERROR; http.response.status_code=500\n"
	  "      payment client POST /book | 20 80 | ERROR; server.address=ledger\n"
	  "        shop/ledger server POST /book | 25 75 | ERROR; exception.type=Full;"
	  " exception.message=the book is full\n"
	  "    cart server GET /cart | 5 9 | OK\n" },
	{ "peer", "\"service\":\"ledger\"",
	  "checkout server POST /orders | 0 100 | ERROR\n"
	  "  checkout client POST /book | 10 90 | ERROR\n"
	  "    ledger server POST /book | 15 85 | ERROR\n"
	  "      ledger client SELECT books | 20 80 | ERROR; db.system=postgresql;"
	  " db.name=books; server.address=books-db; error.type=57P01\n" },
	{ "edge", "\"service\":\"checkout\"",
	  "checkout server POST /orders | 0 900 | ERROR; message=payment failed\n"
	  "  checkout client POST /charge | 10 890 | ERROR; message=connection reset by peer\n"
	  "    payment server POST /charge | 20 120 |\n" },
	{ "timeouts", "\"service\":\"ledger\"",
	  "checkout server POST /orders | 0 3000 | ERROR; message=timeout\n"
	  "  checkout client POST /charge | 5 2995 | ERROR; error.type=timeout\n"
	  "    payment server POST /charge | 10 2990 | ERROR; message=context canceled\n"
	  "      payment client POST /book | 15 2985 | ERROR; message=context canceled\n"
	  "        ledger server POST /book | 20 9000 |\n" },
	{ "retries", "\"service\":\"ledger\"",
	  "checkout server POST /orders | 0 100 | ERROR\n"
	  "  checkout client POST /book | 1 20 | ERROR; http.response.status_code=503\n"
	  "    ledger server POST /book | 2 19 | ERROR; http.response.status_code=503\n"
	  "  checkout client POST /book | 30 50 | ERROR; http.response.status_code=503;"
	  " http.request.resend_count=1\n"
	  "    ledger server POST /book | 31 49 | ERROR; http.response.status_code=503\n"
	  "  checkout client POST /book | 60 99 | ERROR; http.response.status_code=503;"
	  " http.request.resend_count=2\n"
	  "    ledger server POST /book | 61 98 | ERROR; http.response.status_code=503\n" },
	{ "second root", "\"service\":\"mails\"",
	  "checkout server POST /orders | 0 100 | OK\n"
	  "  checkout producer orders send | 90 91 | messaging.system=kafka\n"
	  "mails consumer orders receive | 120 400 | ERROR; exception.message=no such address\n" },
	{ "an orphan", "\"service\":\"stock\"",
	  "checkout server POST /orders | 0 100 | ERROR\n"
	  "  checkout client POST /reserve | 10 90 | ERROR; peer.service=stock\n"
	  "stock server POST /reserve | 20 80 | ERROR; parent=77; message=sold out\n" },
};

static void decide_on(const struct trace *trace, struct buf *out)
{
	struct arena *arena = arena_new(1 << 24);
	const struct decide_input input = { .traces = &trace, .ntraces = 1, .mode = WALK_AUTO };
	struct decision decision;

	decide(arena, &input, &decision);
	decision_write(&decision, out);
	arena_free(arena);
}

static void read_and_decide(size_t writer, const struct buf *document, struct buf *out)
{
	enum trace_encoding encoding;
	struct trace_decoder *decoder = trace_decoder_new(writers[writer].encoding, NULL);
	struct trace_set *set = NULL;
	struct err err = { 0 };

	ck_assert_int_eq(trace_recognise(document->data, document->len, &encoding, &err), 0);
	ck_assert_int_eq(encoding, writers[writer].encoding);
	ck_assert_msg(trace_decoder_feed(decoder, document->data, document->len, &err) == 0,
		      "%s: %s", writers[writer].name, err.text);
	ck_assert_msg(trace_decoder_finish(decoder, &set, &err) == 0, "%s: %s",
		      writers[writer].name, err.text);
	ck_assert_uint_eq(set->ntraces, 1);
	decide_on(&set->traces[0], out);
	trace_set_free(set);
	trace_decoder_free(decoder);
}

START_TEST(one_decision)
{
	struct trace_set *drawn = trace_make(traces[_i].drawing);
	struct buf document = BUF_INIT(1 << 20), first = BUF_INIT(1 << 20),
		   other = BUF_INIT(1 << 20);
	char suspect[100];

	snprintf(suspect, sizeof(suspect), "\"verdict\":{\"suspect\":{%s", traces[_i].suspect);
	for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
		buf_reset(&document);
		buf_reset(&other);
		writers[i].write(&drawn->traces[0], &document);
		read_and_decide(i, &document, i == 0 ? &first : &other);
		if (i == 0)
			ck_assert_msg(strstr(buf_text(&first), suspect), "%s: %s", traces[_i].name,
				      buf_text(&first));
		else
			ck_assert_msg(strcmp(buf_text(&first), buf_text(&other)) == 0,
				      "%s as %s:\n%s\n%s", traces[_i].name, writers[i].name,
				      buf_text(&first), buf_text(&other));
	}
	buf_fini(&document);
	buf_fini(&first);
	buf_fini(&other);
	trace_set_free(drawn);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("encodings");
	TCase *tcase = tcase_create("encodings");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, one_decision, 0, (int)ARRAY_LEN(traces));
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
