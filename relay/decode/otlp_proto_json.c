/*
 * OTLP protobuf to OTLP JSON: field by field, without making a trace of it, so that attributes of
 * which nobody asks are kept too. Ids that are no bytes stand as the texts that they are. Source:
 * opentelemetry-proto (trace.proto) and its JSON mapping: ids in hexadecimal digits, enums as
 * numbers, 64-bit numbers as texts. Reads only what trace_encode_otlp() writes: values that are
 * lists are left out. Nothing recurses deeper than the tables.
 */
#include <errno.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/err.h"
#include "tracepager/trace_encode.h"
#include "tracepager/xalloc.h"

#include "otlp_proto-internal.h"
#include "wire-internal.h"

enum json_shape {
	JSON_TEXT,
	JSON_HEX,
	JSON_ENUM, /* a number */
	JSON_BOOL,
	JSON_INT64, /* a text */
	JSON_FIXED64,
	JSON_FIXED32,
	JSON_ONE,  /* a message */
	JSON_LIST, /* of messages */
};

struct json_message {
	const struct json_field {
		uint32_t number;
		enum json_shape shape;
		const char *key;
		const struct json_message *message;
	} * fields;
	size_t nfields;
};

#define MESSAGE(name)                                                                              \
	static const struct json_message json_##name = { json_##name##_fields,                     \
							 ARRAY_LEN(json_##name##_fields) }

static const struct json_field json_any_value_fields[] = {
	{ 1, JSON_TEXT, "stringValue", NULL },
	{ 2, JSON_BOOL, "boolValue", NULL },
	{ 3, JSON_INT64, "intValue", NULL },
};
MESSAGE(any_value);

static const struct json_field json_key_value_fields[] = {
	{ 1, JSON_TEXT, "key", NULL },
	{ 2, JSON_ONE, "value", &json_any_value },
};
MESSAGE(key_value);

static const struct json_field json_event_fields[] = {
	{ 1, JSON_FIXED64, "timeUnixNano", NULL },
	{ 2, JSON_TEXT, "name", NULL },
	{ 3, JSON_LIST, "attributes", &json_key_value },
};
MESSAGE(event);

static const struct json_field json_status_fields[] = {
	{ 2, JSON_TEXT, "message", NULL },
	{ 3, JSON_ENUM, "code", NULL },
};
MESSAGE(status);

static const struct json_field json_span_fields[] = {
	{ 1, JSON_HEX, "traceId", NULL },
	{ OTLP_OWN_TRACE_ID, JSON_TEXT, "traceId", NULL },
	{ 2, JSON_HEX, "spanId", NULL },
	{ OTLP_OWN_SPAN_ID, JSON_TEXT, "spanId", NULL },
	{ 4, JSON_HEX, "parentSpanId", NULL },
	{ OTLP_OWN_PARENT_ID, JSON_TEXT, "parentSpanId", NULL },
	{ 16, JSON_FIXED32, "flags", NULL },
	{ 5, JSON_TEXT, "name", NULL },
	{ 6, JSON_ENUM, "kind", NULL },
	{ 7, JSON_FIXED64, "startTimeUnixNano", NULL },
	{ 8, JSON_FIXED64, "endTimeUnixNano", NULL },
	{ 9, JSON_LIST, "attributes", &json_key_value },
	{ 11, JSON_LIST, "events", &json_event },
	{ 15, JSON_ONE, "status", &json_status },
};
MESSAGE(span);

static const struct json_field json_resource_fields[] = { { 1, JSON_LIST, "attributes",
							    &json_key_value } };
MESSAGE(resource);

static const struct json_field json_scope_spans_fields[] = { { 2, JSON_LIST, "spans",
							       &json_span } };
MESSAGE(scope_spans);

static const struct json_field json_resource_spans_fields[] = {
	{ 1, JSON_ONE, "resource", &json_resource },
	{ 2, JSON_LIST, "scopeSpans", &json_scope_spans },
};
MESSAGE(resource_spans);

static const struct json_field json_traces_data_fields[] = {
	{ 1, JSON_LIST, "resourceSpans", &json_resource_spans },
};
MESSAGE(traces_data);

/* ---- reading ---- */

struct proto_field {
	uint32_t number;
	enum wire_type type;
	uint64_t value;	  /* of a number */
	const char *data; /* of a text or message */
	size_t len;
};

static bool proto_varint(const char **at, const char *end, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (unsigned int shift = 0; *at < end && shift < 64; shift += 7) {
		const unsigned char byte = (unsigned char)*(*at)++;
		number |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret_number = number;
			return true;
		}
	}
	return false;
}

/* 1: a field; 0: no more; -1: damaged. */
static int proto_next(const char **at, const char *end, struct proto_field *field)
{
	uint64_t tag, len;

	if (*at == end)
		return 0;
	if (!proto_varint(at, end, &tag) || tag >> 3 > UINT32_MAX)
		return -1;
	*field = (struct proto_field){ .number = (uint32_t)(tag >> 3),
				       .type = (enum wire_type)(tag & 7) };
	switch (field->type) {
	case WIRE_TYPE_VARINT:
		return proto_varint(at, end, &field->value) ? 1 : -1;
	case WIRE_TYPE_LEN:
		if (!proto_varint(at, end, &len) || len > (uint64_t)(end - *at))
			return -1;
		break;
	case WIRE_TYPE_FIXED64:
	case WIRE_TYPE_FIXED32:
		len = field->type == WIRE_TYPE_FIXED64 ? 8 : 4;
		if ((uint64_t)(end - *at) < len)
			return -1;
		field->value = wire_load((const unsigned char *)*at, (unsigned int)len);
		break;
	default:
		return -1;
	}
	field->data = *at;
	field->len = (size_t)len;
	*at += len;
	return 1;
}

static enum wire_type type_of_shape(enum json_shape shape)
{
	switch (shape) {
	case JSON_ENUM:
	case JSON_BOOL:
	case JSON_INT64:
		return WIRE_TYPE_VARINT;
	case JSON_FIXED64:
		return WIRE_TYPE_FIXED64;
	case JSON_FIXED32:
		return WIRE_TYPE_FIXED32;
	case JSON_TEXT:
	case JSON_HEX:
	case JSON_ONE:
	case JSON_LIST:
		break;
	}
	return WIRE_TYPE_LEN;
}

/* ---- writing ---- */

static int json_put_message(const struct json_message *message, const char *data, size_t len,
			    struct buf *out);

static void json_put_hex(const struct proto_field *field, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";

	buf_putc(out, '"');
	for (size_t i = 0; i < field->len; i++) {
		buf_putc(out, digits[(unsigned char)field->data[i] >> 4]);
		buf_putc(out, digits[field->data[i] & 15]);
	}
	buf_putc(out, '"');
}

static int json_put_value(const struct json_field *row, const struct proto_field *field,
			  struct buf *out)
{
	switch (row->shape) {
	case JSON_TEXT:
		buf_json_stringn(out, field->data, field->len);
		break;
	case JSON_HEX:
		json_put_hex(field, out);
		break;
	case JSON_BOOL:
		buf_puts(out, field->value ? "true" : "false");
		break;
	case JSON_ENUM:
	case JSON_FIXED32:
		buf_printf(out, "%llu", (unsigned long long)field->value);
		break;
	case JSON_INT64:
		buf_printf(out, "\"%lld\"", (long long)field->value);
		break;
	case JSON_FIXED64:
		buf_printf(out, "\"%llu\"", (unsigned long long)field->value);
		break;
	case JSON_ONE:
	case JSON_LIST:
		return json_put_message(row->message, field->data, field->len, out);
	}
	return 0;
}

/* All fields of a row: the elements of a list; else the first one. */
static int json_put_row(const struct json_field *row, const char *data, size_t len, struct buf *out)
{
	const char *at = data, *end = data + len;
	struct proto_field field;
	int result, put = 0;
	size_t n = 0;

	while ((result = proto_next(&at, end, &field)) > 0 && put == 0) {
		if (field.number != row->number || field.type != type_of_shape(row->shape))
			continue;
		if (!n++) {
			buf_json_key(out, row->key);
			buf_puts(out, row->shape == JSON_LIST ? "[" : "");
		} else {
			buf_putc(out, ',');
		}
		put = json_put_value(row, &field, out);
		if (row->shape != JSON_LIST)
			return put;
	}
	if (n)
		buf_putc(out, ']');
	return result < 0 ? -EBADMSG : put;
}

static int json_put_message(const struct json_message *message, const char *data, size_t len,
			    struct buf *out)
{
	int result = 0;

	buf_putc(out, '{');
	for (size_t i = 0; i < message->nfields && result == 0; i++)
		result = json_put_row(&message->fields[i], data, len, out);
	buf_putc(out, '}');
	return result;
}

int trace_otlp_json(const char *data, size_t len, struct buf *out, struct err *err)
{
	if (!len) {
		buf_puts(out, "{\"resourceSpans\":[]}");
		return 0;
	}
	if (json_put_message(&json_traces_data, data, len, out) < 0)
		return err_set(err, EBADMSG, "the traces are damaged");
	return 0;
}
