/*
 * OTLP protobuf: TracesData, which is ExportTraceServiceRequest and Tempo's Trace on the wire, and
 * Tempo's TraceByIDResponse around it. Sources: opentelemetry-proto (trace.proto, common.proto,
 * resource.proto), Tempo's tempo.proto. Fields in any order. Ids become lower case hexadecimal
 * digits, as OTLP JSON has them; bytes that are no UTF-8 become U+FFFD, since exporters do not
 * check what they are given. It refuses what the wire format refuses, and spans without a trace id.
 * Owns its reader and scratch memory; the builder is borrowed.
 *
 * wire.c reads, by the tables below; what it tells goes to otlp.c.
 */
#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encodings-internal.h"
#include "otlp-internal.h"
#include "otlp_proto-internal.h"
#include "tracepager/limits.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"
#include "wire-internal.h"

enum node {
	/* Messages. */
	NODE_TRACES, /* TracesData */
	NODE_TEMPO,  /* TraceByIDResponse */
	NODE_RESOURCE_SPANS,
	NODE_RESOURCE,
	NODE_SCOPE_SPANS,
	NODE_SPAN,
	NODE_EVENT,
	NODE_STATUS,
	NODE_RESOURCE_ATTRIBUTE,
	NODE_SPAN_ATTRIBUTE,
	NODE_EVENT_ATTRIBUTE,
	NODE_VALUE,
	NODE_MESSAGES,
	/* Texts. */
	NODE_TRACE_ID = NODE_MESSAGES,
	NODE_SPAN_ID,
	NODE_PARENT_ID,
	NODE_OWN_TRACE_ID,
	NODE_OWN_SPAN_ID,
	NODE_OWN_PARENT_ID,
	NODE_NAME,
	NODE_MESSAGE,
	NODE_KEY,
	NODE_STRING,
	/* Numbers. */
	NODE_PARTIAL,
	NODE_KIND,
	NODE_START,
	NODE_END,
	NODE_FLAGS,
	NODE_OWN_FLAGS,
	NODE_OWN_START_US,
	NODE_OWN_DURATION_US,
	NODE_CODE,
	NODE_BOOL,
	NODE_INT,
	NODE_DOUBLE,
};

static const struct wire_field traces_fields[] = {
	[1] = { WIRE_MESSAGE, NODE_RESOURCE_SPANS },
	[OTLP_FIELD_PARTIAL] = { WIRE_VARINT, NODE_PARTIAL },
};
static const struct wire_field tempo_fields[] = {
	[1] = { WIRE_INNER, NODE_TRACES },
	[3] = { WIRE_VARINT, NODE_PARTIAL },
};
static const struct wire_field resource_spans_fields[] = {
	[1] = { WIRE_INNER, NODE_RESOURCE },
	[2] = { WIRE_INNER, NODE_SCOPE_SPANS },
};
/* Before version 0.15: instrumentation_library_spans, which is the same on the wire. */
#define OLD_SCOPE_SPANS 1000
static const struct wire_field old_scope_spans_field = { WIRE_INNER, NODE_SCOPE_SPANS };
static const struct wire_field resource_fields[] = {
	[1] = { WIRE_MESSAGE, NODE_RESOURCE_ATTRIBUTE },
};
static const struct wire_field scope_spans_fields[] = {
	[2] = { WIRE_MESSAGE, NODE_SPAN },
};
static const struct wire_field span_fields[] = {
	[1] = { WIRE_TEXT, NODE_TRACE_ID },  [2] = { WIRE_TEXT, NODE_SPAN_ID },
	[4] = { WIRE_TEXT, NODE_PARENT_ID }, [5] = { WIRE_TEXT, NODE_NAME },
	[6] = { WIRE_VARINT, NODE_KIND },    [7] = { WIRE_FIXED64, NODE_START },
	[8] = { WIRE_FIXED64, NODE_END },    [9] = { WIRE_SMALL, NODE_SPAN_ATTRIBUTE },
	[11] = { WIRE_MESSAGE, NODE_EVENT }, [15] = { WIRE_INNER, NODE_STATUS },
	[16] = { WIRE_FIXED32, NODE_FLAGS },
};
#define OWN(field) [OTLP_OWN_##field - OTLP_OWN_FIRST]
static const struct wire_field own_fields[] = {
	OWN(FLAGS) = { WIRE_VARINT, NODE_OWN_FLAGS },
	OWN(TRACE_ID) = { WIRE_TEXT, NODE_OWN_TRACE_ID },
	OWN(SPAN_ID) = { WIRE_TEXT, NODE_OWN_SPAN_ID },
	OWN(PARENT_ID) = { WIRE_TEXT, NODE_OWN_PARENT_ID },
	OWN(START_US) = { WIRE_VARINT, NODE_OWN_START_US },
	OWN(DURATION_US) = { WIRE_VARINT, NODE_OWN_DURATION_US },
};
static const struct wire_field event_fields[] = {
	[3] = { WIRE_MESSAGE, NODE_EVENT_ATTRIBUTE },
};
static const struct wire_field status_fields[] = {
	[2] = { WIRE_TEXT, NODE_MESSAGE },
	[3] = { WIRE_VARINT, NODE_CODE },
};
static const struct wire_field attribute_fields[] = {
	[1] = { WIRE_TEXT, NODE_KEY },
	[2] = { WIRE_INNER, NODE_VALUE },
};
static const struct wire_field value_fields[] = {
	[1] = { WIRE_TEXT, NODE_STRING },
	[2] = { WIRE_VARINT, NODE_BOOL },
	[3] = { WIRE_VARINT, NODE_INT },
	[4] = { WIRE_FIXED64, NODE_DOUBLE },
};

#define FIELDS(rows) .fields = (rows), .nfields = ARRAY_LEN(rows)
static const struct wire_message messages[NODE_MESSAGES] = {
	[NODE_TRACES] = { FIELDS(traces_fields) },
	[NODE_TEMPO] = { FIELDS(tempo_fields) },
	[NODE_RESOURCE_SPANS] = { FIELDS(resource_spans_fields), .high = &old_scope_spans_field,
				  .first_high = OLD_SCOPE_SPANS, .nhigh = 1 },
	[NODE_RESOURCE] = { FIELDS(resource_fields) },
	[NODE_SCOPE_SPANS] = { FIELDS(scope_spans_fields) },
	[NODE_SPAN] = { FIELDS(span_fields), .high = own_fields, .first_high = OTLP_OWN_FIRST,
			.nhigh = ARRAY_LEN(own_fields) },
	[NODE_EVENT] = { FIELDS(event_fields) },
	[NODE_STATUS] = { FIELDS(status_fields) },
	[NODE_RESOURCE_ATTRIBUTE] = { FIELDS(attribute_fields) },
	[NODE_SPAN_ATTRIBUTE] = { FIELDS(attribute_fields) },
	[NODE_EVENT_ATTRIBUTE] = { FIELDS(attribute_fields) },
	[NODE_VALUE] = { FIELDS(value_fields) },
};

struct otlp_proto {
	struct otlp otlp;
	struct wire *wire;
	struct buf clean;  /* a text that was no UTF-8 */
	char trace_id[16]; /* what otlp.trace_id was made of; most spans have the one before's */
	bool has_trace_id;
};

/* --- Texts --- */

/* The text as UTF-8, which is mostly what it is. */
static const char *clean(struct otlp_proto *proto, const char *text, size_t *len)
{
	if (utf8_span(text, *len) == *len)
		return text;
	buf_reset(&proto->clean);
	buf_add_utf8(&proto->clean, text, *len);
	*len = proto->clean.len;
	return buf_text(&proto->clean);
}

/* A longer id is none, but it tells spans apart all the same. */
#define ID_BYTES 32

/* Four bytes as eight digits, in the order of memory: the halves of the bytes move apart; those
 * above 9 have a sixth bit when 6 is added. */
static inline void put_digits(char *digits, const char *bytes)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint32_t four;
	uint64_t word;

	memcpy(&four, bytes, sizeof(four));
	word = le32toh(four);
	word = (word << 16 | word) & UINT64_C(0x0000ffff0000ffff);
	word = (word << 8 | word) & UINT64_C(0x00ff00ff00ff00ff);
	word = (word << 8 & (ones * 0x0f)) | (word >> 4 & UINT64_C(0x000f000f000f000f));
	word += ones * '0' + ((word + ones * 6) >> 4 & ones) * ('a' - '9' - 1);
	word = htole64(word);
	memcpy(digits, &word, sizeof(word));
}

static int take_id(struct otlp_proto *proto, enum otlp_id which, const char *bytes, size_t len)
{
	char hex[2 * ID_BYTES], four[4] = { 0 };
	size_t i = 0;

	if (len > ID_BYTES)
		return err_set(wire_err(proto->wire), EBADMSG, "an id of %zu bytes", len);
	for (; i + 4 <= len; i += 4)
		put_digits(hex + 2 * i, bytes + i);
	if (i < len) {
		memcpy(four, bytes + i, len - i);
		put_digits(hex + 2 * i, four);
	}
	return otlp_set_id(&proto->otlp, which, hex, 2 * len);
}

static int take_trace_id(struct otlp_proto *proto, const char *bytes, size_t len)
{
	bool full = len == sizeof(proto->trace_id);

	if (full && proto->has_trace_id && memcmp(bytes, proto->trace_id, len) == 0) {
		proto->otlp.has_trace_id = true;
		return 0;
	}
	proto->has_trace_id = full;
	if (full)
		memcpy(proto->trace_id, bytes, len);
	return take_id(proto, OTLP_TRACE_ID, bytes, len);
}

/* A root's parent may come as zeros. */
static int take_parent_id(struct otlp_proto *proto, const char *bytes, size_t len)
{
	size_t i = 0;

	while (i < len && bytes[i] == 0)
		i++;
	return take_id(proto, OTLP_PARENT_ID, bytes, i < len ? len : 0);
}

static int on_text(void *ctx, unsigned int node, const char *text, size_t len)
{
	struct otlp_proto *proto = ctx;
	struct otlp *otlp = &proto->otlp;

	if (node == NODE_KEY) {
		if (otlp->owner == OTLP_RESOURCE)
			text = clean(proto, text, &len);
		return otlp_take_key(otlp, text, len) ? 0 : WIRE_SKIP_REST;
	}
	if (node == NODE_TRACE_ID)
		return take_trace_id(proto, text, len);
	if (node == NODE_SPAN_ID)
		return take_id(proto, OTLP_SPAN_ID, text, len);
	if (node == NODE_PARENT_ID)
		return take_parent_id(proto, text, len);
	text = clean(proto, text, &len);
	switch (node) {
	case NODE_NAME:
		return otlp_take_text(otlp, &otlp->span->name, text, len);
	case NODE_MESSAGE:
		return otlp_take_text(otlp, &otlp->span->message, text, len);
	case NODE_OWN_TRACE_ID:
		proto->has_trace_id = false;
		return otlp_set_id(otlp, OTLP_TRACE_ID, text, len);
	case NODE_OWN_SPAN_ID:
		return otlp_set_id(otlp, OTLP_SPAN_ID, text, len);
	case NODE_OWN_PARENT_ID:
		return otlp_set_id(otlp, OTLP_PARENT_ID, text, len);
	default:
		return otlp_take_value(otlp, text, len);
	}
}

/* --- Numbers --- */

/* As JSON would write it: what is whole without a point. */
static int take_double(struct otlp *otlp, uint64_t bits)
{
	char text[32];
	double number;
	int len;

	memcpy(&number, &bits, sizeof(number));
	if (isnan(number))
		return otlp_take_value(otlp, "NaN", 3);
	if (isinf(number))
		return number > 0 ? otlp_take_value(otlp, "Infinity", 8)
				  : otlp_take_value(otlp, "-Infinity", 9);
	len = snprintf(text, sizeof(text), "%.15g", number);
	if (strtod(text, NULL) != number)
		len = snprintf(text, sizeof(text), "%.17g", number);
	return otlp_take_value(otlp, text, (size_t)len);
}

#define INT_BYTES 20

/* In decimal, at the end of text; how long it is. */
static size_t write_int(char text[static INT_BYTES], uint64_t number)
{
	char *end = text + INT_BYTES, *p = end;
	bool negative = (int64_t)number < 0;

	if (negative)
		number = -number;
	do {
		*--p = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	if (negative)
		*--p = '-';
	return (size_t)(end - p);
}

static int take_int(struct otlp *otlp, uint64_t number)
{
	char text[INT_BYTES];
	size_t len = write_int(text, number);

	return otlp_take_value(otlp, text + INT_BYTES - len, len);
}

static int on_number(void *ctx, unsigned int node, uint64_t number)
{
	struct otlp_proto *proto = ctx;
	struct otlp *otlp = &proto->otlp;

	switch (node) {
	case NODE_PARTIAL:
		if (number == 1)
			trace_builder_partial(otlp->builder);
		return 0;
	case NODE_KIND:
		otlp->span->kind = number <= SPAN_CONSUMER ? (uint8_t)number : SPAN_UNSPECIFIED;
		return 0;
	case NODE_CODE:
		otlp->span->status =
			number <= SPAN_STATUS_ERROR ? (uint8_t)number : SPAN_STATUS_UNSET;
		return 0;
	case NODE_START:
		otlp->start_ns = number;
		return 0;
	case NODE_END:
		otlp->end_ns = number;
		return 0;
	case NODE_FLAGS:
		otlp_take_flags(otlp, number);
		return 0;
	case NODE_OWN_FLAGS:
		otlp->span->flags |= number & OTLP_OWN_FLAG_MASK;
		return 0;
	case NODE_OWN_START_US:
		otlp->has_start_us = true;
		otlp->start_us = (int64_t)number;
		return 0;
	case NODE_OWN_DURATION_US:
		otlp->has_duration_us = true;
		otlp->duration_us = (int64_t)number;
		return 0;
	case NODE_BOOL:
		return number != 0 ? otlp_take_value(otlp, "true", 4)
				   : otlp_take_value(otlp, "false", 5);
	case NODE_INT:
		return take_int(otlp, number);
	default:
		return take_double(otlp, number);
	}
}

/* --- Messages --- */

static int keep_value(struct otlp_proto *proto, int key, const char *text, size_t len)
{
	uint32_t value = trace_builder_value(proto->otlp.builder, text, len);

	if (value == TRACE_NONE)
		return otlp_check(&proto->otlp, value);
	trace_builder_span_attr(proto->otlp.builder, (unsigned int)key, value);
	return 1;
}

/* The value of an attribute, whose tag is first: one string, or one integer of up to two bytes; 0:
 * something else. */
static int take_small_value(struct otlp_proto *proto, int key, const char *text, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)text;
	char number[INT_BYTES];

	if (len < 4 || bytes[0] != 0x12 || bytes[1] != len - 2)
		return 0;
	if (bytes[2] == 0x0a && bytes[3] == len - 4) {
		len -= 4;
		text = clean(proto, text + 4, &len);
		return keep_value(proto, key, text, len);
	}
	if (bytes[2] != 0x18 || len > 5 || bytes[len - 1] >= 0x80 || (len == 5 && bytes[3] < 0x80))
		return 0;
	len = write_int(number, len == 4 ? bytes[3] : bytes[4] << 7 | (bytes[3] & 0x7f));
	return keep_value(proto, key, number + INT_BYTES - len, len);
}

/* An attribute of a span as nearly all are written: its key comes first, and all lengths have one
 * byte. */
static int on_small(void *ctx, unsigned int node, const char *text, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)text;
	struct otlp_proto *proto = ctx;
	size_t value;
	int key;

	(void)node;
	if (len < 2 || bytes[0] != 0x0a || bytes[1] > len - 2)
		return 0;
	key = trace_builder_attr(proto->otlp.builder, text + 2, bytes[1]);
	value = 2u + bytes[1];
	return key < 0 ? 1 : take_small_value(proto, key, text + value, len - value);
}

static int on_begin(void *ctx, unsigned int node)
{
	struct otlp_proto *proto = ctx;
	struct otlp *otlp = &proto->otlp;

	switch (node) {
	case NODE_RESOURCE_SPANS:
		return otlp_begin_resource(otlp);
	case NODE_SPAN:
		return otlp_begin_span(otlp);
	case NODE_EVENT:
		otlp_begin_event(otlp);
		return otlp->has_exception ? WIRE_SKIP_REST : 0;
	case NODE_RESOURCE_ATTRIBUTE:
		otlp_begin_attribute(otlp, OTLP_RESOURCE);
		return 0;
	case NODE_SPAN_ATTRIBUTE:
		otlp_begin_attribute(otlp, OTLP_SPAN);
		return 0;
	default:
		otlp_begin_attribute(otlp, OTLP_EVENT);
		return 0;
	}
}

static int on_end(void *ctx, unsigned int node)
{
	struct otlp_proto *proto = ctx;
	struct otlp *otlp = &proto->otlp;

	switch (node) {
	case NODE_RESOURCE_SPANS:
		return 0;
	case NODE_SPAN:
		return otlp_end_span(otlp);
	case NODE_EVENT:
		otlp_end_event(otlp);
		return 0;
	default:
		return otlp_end_attribute(otlp);
	}
}

/* --- The encodings --- */

static void *start_at(struct trace_builder *builder, enum node document)
{
	static const struct wire_handler handler = {
		.small = on_small,
		.begin = on_begin,
		.end = on_end,
		.text = on_text,
		.number = on_number,
	};
	struct otlp_proto *proto = xcalloc(1, sizeof(*proto));

	proto->wire = wire_new(messages, document, &handler, proto);
	otlp_init(&proto->otlp, builder, wire_err(proto->wire));
	/* Three bytes for each that is none. */
	buf_init(&proto->clean, 3 * LIMIT_TOKEN_BYTES);
	return proto;
}

static void *start(struct trace_builder *builder)
{
	return start_at(builder, NODE_TRACES);
}

static void *start_tempo(struct trace_builder *builder)
{
	return start_at(builder, NODE_TEMPO);
}

static int result(struct otlp_proto *proto, int code, struct err *err)
{
	if (code != 0 && err != NULL)
		*err = *wire_err(proto->wire);
	return code;
}

static int feed(void *state, const char *data, size_t len, struct err *err)
{
	struct otlp_proto *proto = state;

	return result(proto, wire_feed(proto->wire, data, len), err);
}

static int finish(void *state, struct err *err)
{
	struct otlp_proto *proto = state;

	return result(proto, wire_finish(proto->wire), err);
}

static void otlp_proto_free(void *state)
{
	struct otlp_proto *proto = state;

	if (proto == NULL)
		return;
	wire_free(proto->wire);
	otlp_fini(&proto->otlp);
	buf_fini(&proto->clean);
	free(proto);
}

const struct trace_encoding_ops trace_encoding_otlp_proto = {
	.name = "otlp-proto",
	.text = "OTLP protobuf",
	.start = start,
	.feed = feed,
	.finish = finish,
	.free = otlp_proto_free,
};

const struct trace_encoding_ops trace_encoding_tempo_proto = {
	.name = "tempo-proto",
	.text = "Tempo protobuf (API v2)",
	.start = start_tempo,
	.feed = feed,
	.finish = finish,
	.free = otlp_proto_free,
};
