/* Traces for measuring, see gen_trace.h. A span is described once and written five times: as
 * Jaeger JSON, OTLP JSON, OTLP protobuf and Zipkin's two versions. */
#include "gen_trace.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/proto_make.h"
#include "tracepager/buf.h"

#define NSERVICES   20
#define NATTRS	    12
#define TRACE_ID    "5b8efff798038103d269b633813fc60c"
#define EPOCH_US    UINT64_C(1760000000000000)
#define EXCEPTION   "LedgerUnavailable"
#define FAIL_REASON "ledger did not answer within 3000 ms: upstream connect error"

static const char *const services[NSERVICES] = {
	"checkout", "cart",	"payment",  "ledger", "inventory", "shipping", "catalog",
	"search",   "accounts", "sessions", "prices", "offers",	   "tax",      "currency",
	"invoices", "mails",	"reviews",  "stock",  "carriers",  "labels",
};

struct attr {
	const char *key;
	char value[96];
	bool number;
};

struct span {
	uint64_t id, parent, start_us, duration_us;
	unsigned int service;
	const char *kind;
	unsigned int kind_number; /* of OTLP */
	const char *operation;
	bool failing;
	struct attr attrs[NATTRS];
	unsigned int nattrs;
};

static uint64_t random_of(uint64_t seed)
{
	seed += UINT64_C(0x9e3779b97f4a7c15);
	seed = (seed ^ seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	seed = (seed ^ seed >> 27) * UINT64_C(0x94d049bb133111eb);
	return seed ^ seed >> 31;
}

static uint64_t span_id(unsigned int index)
{
	return random_of(index) | 1;
}

static void add(struct span *span, const char *key, bool number, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void add(struct span *span, const char *key, bool number, const char *format, ...)
{
	struct attr *attr = &span->attrs[span->nattrs++];
	struct buf buf = BUF_INIT(sizeof(attr->value));
	va_list args;

	va_start(args, format);
	buf_vprintf(&buf, format, args);
	va_end(args);
	attr->key = key;
	attr->number = number;
	for (size_t i = 0; i < buf.len && i + 1 < sizeof(attr->value); i++) {
		attr->value[i] = buf.data[i];
		attr->value[i + 1] = '\0';
	}
	buf_fini(&buf);
}

static void describe_server(struct span *span, uint64_t random)
{
	span->kind = "server";
	span->kind_number = 2;
	span->operation = random & 16 ? "POST /api/v1/orders" : "GET /api/v1/orders/{id}";
	add(span, "http.method", false, random & 16 ? "POST" : "GET");
	add(span, "http.status_code", true, "%d", span->failing ? 503 : 200);
	add(span, "http.route", false, "/api/v1/orders/{id}");
	add(span, "http.scheme", false, "http");
	add(span, "http.user_agent", false, "shop-gateway/2.14.0 (linux; amd64)");
	add(span, "net.host.name", false, "%s.shop.svc.cluster.local", services[span->service]);
	add(span, "net.host.port", true, "8080");
}

static void describe_client(struct span *span, uint64_t random)
{
	const char *callee = services[(span->service + 1) % NSERVICES];

	span->kind = "client";
	span->kind_number = 3;
	span->operation = "HTTP GET";
	add(span, "http.method", false, "GET");
	add(span, "http.status_code", true, "%d", span->failing ? 503 : 200);
	add(span, "http.url", false, "http://%s:8080/api/v1/items/%u", callee,
	    (unsigned int)(random >> 8) % 500);
	add(span, "net.peer.name", false, "%s", callee);
	add(span, "http.flavor", false, "1.1");
	add(span, "http.request_content_length", true, "%u", (unsigned int)(random >> 40) % 5000);
	add(span, "thread.name", false, "http-client-worker-%u", (unsigned int)(random >> 20) % 64);
}

static void describe_query(struct span *span, uint64_t random)
{
	span->kind = "client";
	span->kind_number = 3;
	span->operation = "SELECT orders";
	add(span, "db.system", false, "postgresql");
	add(span, "db.name", false, "orders");
	add(span, "db.operation", false, "SELECT");
	add(span, "db.statement", false,
	    "SELECT id, state, total FROM orders WHERE customer = ? ORDER BY id");
	add(span, "net.peer.name", false, "orders-db-%u", (unsigned int)(random >> 8) % 3);
	add(span, "net.peer.port", true, "5432");
	add(span, "thread.id", true, "%u", (unsigned int)(random >> 20) % 64);
}

static void describe(struct span *span, unsigned int index)
{
	uint64_t random = random_of(UINT64_C(1) << 40 | index);
	unsigned int back = index < 50 ? index : 50;

	*span = (struct span){ .id = span_id(index) };
	if (index > 0)
		span->parent = span_id(index - 1 - (unsigned int)(random >> 48) % back);
	span->start_us = EPOCH_US + index * 130;
	span->duration_us = 200 + (random >> 32) % 50000;
	span->service = (unsigned int)(random >> 24) % NSERVICES;
	span->failing = random % 20 == 0;
	if (random % 3 == 0)
		describe_server(span, random);
	else if (random % 3 == 1)
		describe_client(span, random);
	else
		describe_query(span, random);
	add(span, "otel.library.name", false, "io.opentelemetry.shop-instrumentation");
	add(span, "otel.library.version", false, "1.32.0-alpha");
}

/* --- Jaeger --- */

static void jaeger_tag(struct buf *buf, const char *key, const char *type, const char *value)
{
	bool text = type[0] == 's';

	buf_printf(buf, "{\"key\":\"%s\",\"type\":\"%s\",\"value\":%s%s%s}", key, type,
		   text ? "\"" : "", value, text ? "\"" : "");
}

static void jaeger_span(struct buf *buf, const struct span *span)
{
	buf_printf(buf,
		   "{\"traceID\":\"" TRACE_ID "\",\"spanID\":\"%016" PRIx64
		   "\",\"operationName\":\"%s\","
		   "\"references\":[",
		   span->id, span->operation);
	if (span->parent != 0)
		buf_printf(buf,
			   "{\"refType\":\"CHILD_OF\",\"traceID\":\"" TRACE_ID
			   "\",\"spanID\":\"%016" PRIx64 "\"}",
			   span->parent);
	buf_printf(buf, "],\"startTime\":%" PRIu64 ",\"duration\":%" PRIu64 ",\"tags\":[",
		   span->start_us, span->duration_us);
	for (unsigned int i = 0; i < span->nattrs; i++) {
		jaeger_tag(buf, span->attrs[i].key, span->attrs[i].number ? "int64" : "string",
			   span->attrs[i].value);
		buf_putc(buf, ',');
	}
	jaeger_tag(buf, "span.kind", "string", span->kind);
	if (span->failing) {
		buf_putc(buf, ',');
		jaeger_tag(buf, "otel.status_code", "string", "ERROR");
		buf_putc(buf, ',');
		jaeger_tag(buf, "error", "bool", "true");
	}
	buf_puts(buf, "],\"logs\":[");
	if (span->failing) {
		buf_printf(buf, "{\"timestamp\":%" PRIu64 ",\"fields\":[",
			   span->start_us + span->duration_us);
		jaeger_tag(buf, "event", "string", "exception");
		buf_putc(buf, ',');
		jaeger_tag(buf, "exception.type", "string", EXCEPTION);
		buf_putc(buf, ',');
		jaeger_tag(buf, "exception.message", "string", FAIL_REASON);
		buf_puts(buf, "]}");
	}
	buf_printf(buf, "],\"processID\":\"p%u\",\"warnings\":null}", span->service + 1);
}

static void jaeger_process(struct buf *buf, unsigned int service)
{
	buf_printf(buf, "\"p%u\":{\"serviceName\":\"%s\",\"tags\":[", service + 1,
		   services[service]);
	jaeger_tag(buf, "service.namespace", "string", "shop");
	buf_putc(buf, ',');
	jaeger_tag(buf, "service.version", "string", "4.2.1");
	buf_putc(buf, ',');
	jaeger_tag(buf, "k8s.cluster.name", "string", "shop-eu-1");
	buf_puts(buf, "]}");
}

char *gen_jaeger_json(unsigned int nspans, size_t *ret_len)
{
	struct buf buf = BUF_INIT(SIZE_MAX / 2);
	struct span span;

	buf_puts(&buf, "{\"data\":[{\"traceID\":\"" TRACE_ID "\",\"spans\":[");
	for (unsigned int i = 0; i < nspans; i++) {
		if (i > 0)
			buf_putc(&buf, ',');
		describe(&span, i);
		jaeger_span(&buf, &span);
	}
	buf_puts(&buf, "],\"processes\":{");
	for (unsigned int i = 0; i < NSERVICES; i++) {
		if (i > 0)
			buf_putc(&buf, ',');
		jaeger_process(&buf, i);
	}
	buf_puts(&buf,
		 "},\"warnings\":null}],\"total\":0,\"limit\":0,\"offset\":0,\"errors\":null}");
	*ret_len = buf.len;
	return buf_take(&buf);
}

/* --- OTLP --- */

static void otlp_attr(struct buf *buf, const char *key, bool number, const char *value)
{
	buf_printf(buf, "{\"key\":\"%s\",\"value\":{\"%s\":\"%s\"}}", key,
		   number ? "intValue" : "stringValue", value);
}

static void otlp_span(struct buf *buf, const struct span *span)
{
	buf_printf(buf,
		   "{\"traceId\":\"" TRACE_ID "\",\"spanId\":\"%016" PRIx64
		   "\",\"parentSpanId\":\"",
		   span->id);
	if (span->parent != 0)
		buf_printf(buf, "%016" PRIx64, span->parent);
	buf_printf(buf,
		   "\",\"flags\":257,\"name\":\"%s\",\"kind\":%u,\"startTimeUnixNano\":\"%" PRIu64
		   "000\",\"endTimeUnixNano\":\"%" PRIu64 "000\",\"attributes\":[",
		   span->operation, span->kind_number, span->start_us,
		   span->start_us + span->duration_us);
	for (unsigned int i = 0; i < span->nattrs; i++) {
		if (i > 0)
			buf_putc(buf, ',');
		otlp_attr(buf, span->attrs[i].key, span->attrs[i].number, span->attrs[i].value);
	}
	buf_puts(buf, "],\"events\":[");
	if (span->failing) {
		buf_printf(buf,
			   "{\"timeUnixNano\":\"%" PRIu64
			   "000\",\"name\":\"exception\",\"attributes\":[",
			   span->start_us + span->duration_us);
		otlp_attr(buf, "exception.type", false, EXCEPTION);
		buf_putc(buf, ',');
		otlp_attr(buf, "exception.message", false, FAIL_REASON);
		buf_puts(buf, "]}");
	}
	buf_puts(buf, span->failing ? "],\"status\":{\"code\":2,\"message\":\"" FAIL_REASON "\"}}"
				    : "],\"status\":{}}");
}

static void otlp_resource(struct buf *buf, unsigned int service)
{
	buf_puts(buf, "{\"resource\":{\"attributes\":[");
	otlp_attr(buf, "service.name", false, services[service]);
	buf_putc(buf, ',');
	otlp_attr(buf, "service.namespace", false, "shop");
	buf_putc(buf, ',');
	otlp_attr(buf, "service.version", false, "4.2.1");
	buf_puts(buf, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"shop\",\"version\":\"1.32.0\"},"
		      "\"spans\":[");
}

/* Spans come in batches of one service, as exporters send them. */
char *gen_otlp_json(unsigned int nspans, size_t *ret_len)
{
	struct buf buf = BUF_INIT(SIZE_MAX / 2);
	unsigned int batch = nspans / NSERVICES + 1;
	struct span span;

	buf_puts(&buf, "{\"resourceSpans\":[");
	for (unsigned int i = 0; i < nspans; i++) {
		if (i % batch == 0) {
			if (i > 0)
				buf_puts(&buf, "]}]},");
			otlp_resource(&buf, i / batch % NSERVICES);
		} else {
			buf_putc(&buf, ',');
		}
		describe(&span, i);
		otlp_span(&buf, &span);
	}
	buf_puts(&buf, nspans > 0 ? "]}]}]}" : "]}");
	*ret_len = buf.len;
	return buf_take(&buf);
}

/* --- OTLP protobuf --- */

static void proto_attr(struct buf *buf, const struct attr *attr)
{
	if (attr->number)
		proto_attribute_int(buf, 9, attr->key, strtoll(attr->value, NULL, 10));
	else
		proto_attribute(buf, 9, attr->key, attr->value);
}

static void proto_failure(struct buf *buf, const struct span *span)
{
	struct buf inner = BUF_INIT(4096);

	proto_fixed64(&inner, 1, (span->start_us + span->duration_us) * 1000);
	proto_text(&inner, 2, "exception");
	proto_attribute(&inner, 3, "exception.type", EXCEPTION);
	proto_attribute(&inner, 3, "exception.message", FAIL_REASON);
	proto_message(buf, 11, &inner);
	proto_text(&inner, 2, FAIL_REASON);
	proto_varint(&inner, 3, 2);
	proto_message(buf, 15, &inner);
	buf_fini(&inner);
}

static void proto_id(struct buf *buf, unsigned int field, uint64_t id)
{
	char digits[17];

	snprintf(digits, sizeof(digits), "%016" PRIx64, id);
	proto_hex(buf, field, digits);
}

static void proto_span(struct buf *buf, const struct span *span)
{
	proto_hex(buf, 1, TRACE_ID);
	proto_id(buf, 2, span->id);
	if (span->parent != 0)
		proto_id(buf, 4, span->parent);
	proto_text(buf, 5, span->operation);
	proto_varint(buf, 6, span->kind_number);
	proto_fixed64(buf, 7, span->start_us * 1000);
	proto_fixed64(buf, 8, (span->start_us + span->duration_us) * 1000);
	for (unsigned int i = 0; i < span->nattrs; i++)
		proto_attr(buf, &span->attrs[i]);
	if (span->failing)
		proto_failure(buf, span);
	proto_fixed32(buf, 16, 257);
}

static void proto_resource_spans(struct buf *buf, unsigned int service, struct buf *spans)
{
	struct buf inner = BUF_INIT(4096), around = BUF_INIT(SIZE_MAX / 2);

	proto_attribute(&inner, 1, "service.name", services[service]);
	proto_attribute(&inner, 1, "service.namespace", "shop");
	proto_attribute(&inner, 1, "service.version", "4.2.1");
	proto_message(&around, 1, &inner);
	proto_message(&around, 2, spans);
	proto_message(buf, 1, &around);
	buf_fini(&inner);
	buf_fini(&around);
}

char *gen_otlp_proto(unsigned int nspans, size_t *ret_len)
{
	struct buf buf = BUF_INIT(SIZE_MAX / 2), spans = BUF_INIT(SIZE_MAX / 2),
		   inner = BUF_INIT(1 << 20);
	unsigned int batch = nspans / NSERVICES + 1;
	struct span span;

	for (unsigned int i = 0; i < nspans; i++) {
		if (i % batch == 0) {
			proto_text(&inner, 1, "shop");
			proto_text(&inner, 2, "1.32.0");
			proto_message(&spans, 1, &inner);
		}
		describe(&span, i);
		proto_span(&inner, &span);
		proto_message(&spans, 2, &inner);
		if (i % batch == batch - 1 || i + 1 == nspans)
			proto_resource_spans(&buf, i / batch % NSERVICES, &spans);
	}
	buf_fini(&spans);
	buf_fini(&inner);
	*ret_len = buf.len;
	return buf_take(&buf);
}

/* --- Zipkin --- */

static void zipkin_span(struct buf *buf, const struct span *span)
{
	buf_printf(buf, "{\"traceId\":\"" TRACE_ID "\",\"id\":\"%016" PRIx64 "\"", span->id);
	if (span->parent != 0)
		buf_printf(buf, ",\"parentId\":\"%016" PRIx64 "\"", span->parent);
	buf_printf(buf, ",\"name\":\"%s\",\"timestamp\":%" PRIu64 ",\"duration\":%" PRIu64,
		   span->operation, span->start_us, span->duration_us);
}

static void zipkin_endpoint(struct buf *buf, const char *name, const struct span *span)
{
	buf_printf(buf, ",\"%s\":{\"serviceName\":\"%s\",\"ipv4\":\"10.1.0.%u\",\"port\":8080}",
		   name, services[span->service], span->service + 1);
}

static void zipkin_v2_span(struct buf *buf, const struct span *span)
{
	zipkin_span(buf, span);
	buf_printf(buf, ",\"kind\":\"%s\"", span->kind_number == 2 ? "SERVER" : "CLIENT");
	zipkin_endpoint(buf, "localEndpoint", span);
	if (span->kind_number == 3)
		buf_puts(buf, ",\"remoteEndpoint\":{\"ipv4\":\"10.2.0.7\",\"port\":8080}");
	buf_puts(buf, ",\"annotations\":[");
	if (span->failing)
		buf_printf(buf, "{\"timestamp\":%" PRIu64 ",\"value\":\"" EXCEPTION "\"}",
			   span->start_us + span->duration_us);
	buf_puts(buf, "],\"tags\":{");
	for (unsigned int i = 0; i < span->nattrs; i++)
		buf_printf(buf, "%s\"%s\":\"%s\"", i > 0 ? "," : "", span->attrs[i].key,
			   span->attrs[i].value);
	buf_puts(buf, span->failing ? ",\"error\":\"" FAIL_REASON "\"}}" : "}}");
}

static void zipkin_v1_note(struct buf *buf, const struct span *span, uint64_t at, const char *value)
{
	buf_printf(buf, "{\"timestamp\":%" PRIu64 ",\"value\":\"%s\"", at, value);
	zipkin_endpoint(buf, "endpoint", span);
	buf_putc(buf, '}');
}

static void zipkin_v1_tag(struct buf *buf, const struct span *span, const char *key,
			  const char *value)
{
	buf_printf(buf, "{\"key\":\"%s\",\"value\":\"%s\"", key, value);
	zipkin_endpoint(buf, "endpoint", span);
	buf_putc(buf, '}');
}

static void zipkin_v1_span(struct buf *buf, const struct span *span)
{
	bool server = span->kind_number == 2;

	zipkin_span(buf, span);
	buf_puts(buf, ",\"annotations\":[");
	zipkin_v1_note(buf, span, span->start_us, server ? "sr" : "cs");
	buf_putc(buf, ',');
	zipkin_v1_note(buf, span, span->start_us + span->duration_us, server ? "ss" : "cr");
	buf_puts(buf, "],\"binaryAnnotations\":[");
	for (unsigned int i = 0; i < span->nattrs; i++) {
		if (i > 0)
			buf_putc(buf, ',');
		zipkin_v1_tag(buf, span, span->attrs[i].key, span->attrs[i].value);
	}
	if (span->failing) {
		buf_putc(buf, ',');
		zipkin_v1_tag(buf, span, "error", FAIL_REASON);
	}
	buf_puts(buf, "]}");
}

static char *gen_zipkin(unsigned int nspans, size_t *ret_len,
			void (*write)(struct buf *buf, const struct span *span))
{
	struct buf buf = BUF_INIT(SIZE_MAX / 2);
	struct span span;

	buf_putc(&buf, '[');
	for (unsigned int i = 0; i < nspans; i++) {
		if (i > 0)
			buf_putc(&buf, ',');
		describe(&span, i);
		write(&buf, &span);
	}
	buf_putc(&buf, ']');
	*ret_len = buf.len;
	return buf_take(&buf);
}

char *gen_zipkin_v2(unsigned int nspans, size_t *ret_len)
{
	return gen_zipkin(nspans, ret_len, zipkin_v2_span);
}

char *gen_zipkin_v1(unsigned int nspans, size_t *ret_len)
{
	return gen_zipkin(nspans, ret_len, zipkin_v1_span);
}
