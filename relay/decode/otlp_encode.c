/*
 * OTLP encode: the writer of trace_encode.h. Source: opentelemetry-proto (trace.proto). A message's
 * length precedes the message, so messages are written from the inside out: a span in one buffer,
 * the spans of one resource in another. The writer owns these buffers during the call.
 */
#include "tracepager/trace_encode.h"

#include <stdint.h>
#include <string.h>

#include "otlp-internal.h"
#include "otlp_proto-internal.h"
#include "tracepager/buf_proto.h"

struct writer {
	const struct trace *trace;
	struct buf span, spans, scratch;
};

/* ---- attributes ---- */

/* KeyValue{key, AnyValue{string_value}}. */
static void put_attribute(struct buf *buf, uint32_t field, const char *key, const char *value)
{
	size_t key_len = strlen(key), value_len = strlen(value);

	proto_put_tag(buf, field, PROTO_LEN);
	buf_varint(buf, proto_field_len(key_len) + proto_field_len(proto_field_len(value_len)));
	proto_put_bytes(buf, 1, key, key_len);
	proto_put_tag(buf, 2, PROTO_LEN);
	buf_varint(buf, proto_field_len(value_len));
	proto_put_bytes(buf, 1, value, value_len);
}

/* KeyValue{key, AnyValue{bool_value}}, as tracers write an error tag. */
static void put_error_tag(struct buf *buf, bool value)
{
	struct buf pair = BUF_INIT(64);

	proto_put_text(&pair, 1, attr_name(ATTR_ERROR));
	proto_put_tag(&pair, 2, PROTO_LEN);
	buf_varint(&pair, 2);
	proto_put_number(&pair, 2, value);
	proto_put_bytes(buf, 9, pair.data, pair.len);
	buf_fini(&pair);
}

static const char *key_of(const struct trace *trace, unsigned int key)
{
	return key < ATTR_COUNT ? attr_name(key) : trace->set->extra_names[key - ATTR_COUNT];
}

static const struct span_attr *attr_of(const struct trace *trace, const struct span *span,
				       unsigned int i)
{
	return &trace->set->attrs[span->attrs + i];
}

static bool is_exception(unsigned int key)
{
	return key == ATTR_EXCEPTION_TYPE || key == ATTR_EXCEPTION_MESSAGE;
}

/* The exception of the span, as an event. */
static void put_event(struct writer *w, const struct span *span)
{
	buf_reset(&w->scratch);
	for (unsigned int i = 0; i < span->nattrs; i++) {
		const struct span_attr *attr = attr_of(w->trace, span, i);

		if (is_exception(attr->key))
			put_attribute(&w->scratch, 3, key_of(w->trace, attr->key),
				      trace_text(w->trace, attr->value));
	}
	if (w->scratch.len == 0)
		return;
	/* Spans whose start is not a time after 1970 in nanoseconds are not worth a clock. */
	if (span->exception_after_us > 0 && span->start_us >= 0 &&
	    span->start_us <= INT64_MAX / 1000 - UINT32_MAX)
		proto_put_fixed64(&w->scratch, 1,
				  (uint64_t)(span->start_us + span->exception_after_us - 1) * 1000);
	proto_put_text(&w->scratch, 2, "exception");
	proto_put_bytes(&w->span, 11, w->scratch.data, w->scratch.len);
}

/* The decoder turns an error tag of true or false into flags, unless another error tag is kept; in
 * that case the flags are written as a field of our own. */
static void put_attributes(struct writer *w, const struct span *span)
{
	unsigned int flags = span->flags & OTLP_OWN_FLAG_MASK;
	unsigned int tags = flags & (SPAN_TAG_TRUE | SPAN_TAG_FALSE);
	bool has_error = tags == (SPAN_TAG_TRUE | SPAN_TAG_FALSE);

	for (unsigned int i = 0; i < span->nattrs; i++) {
		const struct span_attr *attr = attr_of(w->trace, span, i);

		has_error |= attr->key == ATTR_ERROR;
		if (!is_exception(attr->key))
			put_attribute(&w->span, 9, key_of(w->trace, attr->key),
				      trace_text(w->trace, attr->value));
	}
	if (tags != 0 && !has_error) {
		put_error_tag(&w->span, tags == SPAN_TAG_TRUE);
		flags &= ~tags;
	}
	if (flags != 0)
		proto_put_number(&w->span, OTLP_OWN_FLAGS, flags);
}

/* ---- spans ---- */

static int small_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes of an id, if the decoder makes the same text of them. false: it would not. */
static bool bytes_of_id(const char *id, size_t len, unsigned char *bytes)
{
	unsigned int any = 0;

	if (len != 16 && len != 32)
		return false;
	for (size_t i = 0; i < len / 2; i++) {
		int high = small_hex_digit(id[2 * i]), low = small_hex_digit(id[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (unsigned char)(high << 4 | low);
		any |= bytes[i];
	}
	return any != 0; /* an id of zeros means no parent */
}

static void put_id(struct buf *buf, uint32_t field, uint32_t own_field, const char *id)
{
	unsigned char bytes[16];
	size_t len = strlen(id);

	if (len == 0)
		return;
	if (bytes_of_id(id, len, bytes))
		proto_put_bytes(buf, field, bytes, len / 2);
	else
		proto_put_bytes(buf, own_field, id, len);
}

/* Nanoseconds since 1970 end in the year 2554. */
static bool fits_ns(int64_t us)
{
	return us >= 0 && (uint64_t)us <= UINT64_MAX / 1000;
}

static void put_times(struct writer *w, const struct span *span)
{
	if (fits_ns(span->start_us) && fits_ns(span_end_us(span))) {
		proto_put_fixed64(&w->span, 7, (uint64_t)span->start_us * 1000);
		proto_put_fixed64(&w->span, 8, (uint64_t)span_end_us(span) * 1000);
		return;
	}
	proto_put_number(&w->span, OTLP_OWN_START_US, (uint64_t)span->start_us);
	proto_put_number(&w->span, OTLP_OWN_DURATION_US, (uint64_t)span->duration_us);
}

static void put_status(struct writer *w, const struct span *span)
{
	if (span->message == 0 && span->status == SPAN_STATUS_UNSET)
		return;
	buf_reset(&w->scratch);
	if (span->message != 0)
		proto_put_text(&w->scratch, 2, trace_text(w->trace, span->message));
	if (span->status != SPAN_STATUS_UNSET)
		proto_put_number(&w->scratch, 3, span->status);
	proto_put_bytes(&w->span, 15, w->scratch.data, w->scratch.len);
}

static void put_span(struct writer *w, const struct span *span)
{
	const struct trace *trace = w->trace;

	buf_reset(&w->span);
	put_id(&w->span, 1, OTLP_OWN_TRACE_ID, trace_text(trace, trace->id));
	put_id(&w->span, 2, OTLP_OWN_SPAN_ID, trace_text(trace, span->id));
	put_id(&w->span, 4, OTLP_OWN_PARENT_ID, trace_text(trace, span->parent_id));
	proto_put_text(&w->span, 5, trace_text(trace, span->name));
	if (span->kind != SPAN_UNSPECIFIED)
		proto_put_number(&w->span, 6, span->kind);
	put_times(w, span);
	put_attributes(w, span);
	put_event(w, span);
	put_status(w, span);
	if ((span->flags & SPAN_REMOTE) != 0)
		proto_put_fixed32(&w->span, 16, OTLP_HAS_REMOTE | OTLP_IS_REMOTE);
	proto_put_bytes(&w->spans, 2, w->span.data, w->span.len);
}

/* ---- resources ---- */

/* Jaeger and Zipkin name the service beside the attributes: is it the same as in the attributes? */
static bool names_service(const struct trace *trace, const struct resource *resource)
{
	const char *name = resource_attr(trace, resource, "service.name");

	return strcmp(name ? name : "", trace_text(trace, resource->service)) == 0;
}

/* Writes the collected spans with their resource as one ResourceSpans. */
static void put_resource_spans(struct writer *w, const struct resource *resource, struct buf *out)
{
	const struct trace *trace = w->trace;

	buf_reset(&w->scratch);
	if (!names_service(trace, resource))
		put_attribute(&w->scratch, 1, "service.name", trace_text(trace, resource->service));
	for (uint32_t i = 0; i < resource->nattrs; i++) {
		const struct resource_attr *attr = &trace->set->resource_attrs[resource->attrs + i];

		put_attribute(&w->scratch, 1, trace_text(trace, attr->key),
			      trace_text(trace, attr->value));
	}
	proto_put_tag(out, 1, PROTO_LEN);
	buf_varint(out, proto_field_len(w->scratch.len) + proto_field_len(w->spans.len));
	proto_put_bytes(out, 1, buf_text(&w->scratch), w->scratch.len);
	proto_put_bytes(out, 2, buf_text(&w->spans), w->spans.len);
	buf_reset(&w->spans);
}

void trace_encode_otlp(const struct trace *trace, struct buf *out)
{
	struct writer w = {
		.trace = trace,
		.span = BUF_INIT(SIZE_MAX /
				 2), /* unlimited: what is kept of a trace is capped already */
		.spans = BUF_INIT(SIZE_MAX / 2),
		.scratch = BUF_INIT(SIZE_MAX / 2),
	};

	for (uint32_t i = 0; i < trace->nspans; i++) {
		const struct span *span = &trace->spans[i];

		put_span(&w, span);
		if (i + 1 == trace->nspans || span[1].resource != span->resource)
			put_resource_spans(&w, span_resource(trace, span), out);
	}
	if (trace->partial)
		proto_put_number(out, OTLP_FIELD_PARTIAL, 1);
	buf_fini(&w.span);
	buf_fini(&w.spans);
	buf_fini(&w.scratch);
}
