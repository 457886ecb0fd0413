/* Traces as Jaeger's API v3 sends them, made from rows: for scenarios. */
#ifndef TESTS_SCENARIO_TRACE_JSON_H
#define TESTS_SCENARIO_TRACE_JSON_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tracepager/buf_json.h"

struct json_span {
	const char *id, *parent; /* two digits; parent NULL: the root */
	const char *service, *name;
	int kind; /* OTLP's number: 1 internal, 2 server, 3 client */
	int start_ms, ms;
	const char *error; /* status description; NULL: it did not fail; "": it says nothing */
	const char *attrs; /* "key=value key=value"; a "_" in a value is a blank; NULL: none */
};

static inline void trace_json_attr(struct buf *out, const char *key, size_t key_len,
				   const char *value, size_t len)
{
	char text[128];

	snprintf(text, sizeof(text), "%.*s", (int)key_len, key);
	buf_puts(out, ",{\"key\":");
	buf_json_string(out, text);
	snprintf(text, sizeof(text), "%.*s", (int)len, value);
	for (char *blank; (blank = strchr(text, '_'));)
		*blank = ' ';
	buf_puts(out, ",\"value\":{\"stringValue\":");
	buf_json_string(out, text);
	buf_puts(out, "}}");
}

static inline void trace_json_attrs(struct buf *out, const char *attrs)
{
	while (attrs && *attrs) {
		size_t len = strcspn(attrs, " "), key = strcspn(attrs, "=");
		trace_json_attr(out, attrs, key, attrs + key + 1, len - key - 1);
		attrs += len + (attrs[len] == ' ');
	}
}

/* Adds the spans of one trace. resource: attributes of every service. */
static inline void trace_json_add(struct buf *out, const char *trace_id, int64_t start_us,
				  const struct json_span *spans, size_t n, const char *resource)
{
	for (size_t i = 0; i < n; i++) {
		const struct json_span *span = &spans[i];
		long long start_ns = ((long long)start_us + span->start_ms * 1000LL) * 1000;
		buf_puts(out, out->len && out->data[out->len - 1] == '}' ? "," : "");
		buf_puts(out, "{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{"
			      "\"stringValue\":");
		buf_json_string(out, span->service);
		buf_puts(out, "}}");
		trace_json_attrs(out, resource);
		buf_printf(out,
			   "]},\"scopeSpans\":[{\"spans\":[{\"traceId\":\"%s\",\"spanId\":"
			   "\"00000000000000%s\",",
			   trace_id, span->id);
		if (span->parent)
			buf_printf(out, "\"parentSpanId\":\"00000000000000%s\",", span->parent);
		buf_puts(out, "\"name\":");
		buf_json_string(out, span->name);
		buf_printf(out,
			   ",\"kind\":%d,\"startTimeUnixNano\":\"%lld\",\"endTimeUnixNano\":"
			   "\"%lld\",\"attributes\":[{\"key\":\"x\",\"value\":{\"stringValue\":"
			   "\"y\"}}",
			   span->kind, start_ns, start_ns + span->ms * 1000000LL);
		trace_json_attrs(out, span->attrs);
		buf_puts(out, "]");
		if (span->error) {
			buf_puts(out, ",\"status\":{\"code\":2,\"message\":");
			buf_json_string(out, span->error);
			buf_puts(out, "}");
		}
		buf_puts(out, "}]}]}");
	}
}

#endif
