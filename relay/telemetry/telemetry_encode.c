/* Telemetry, encode: see telemetry-internal.h. A message's length stands before it, so that what is
 * within is written first. */
#include "telemetry-internal.h"

#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_proto.h"
#include "tracepager/limits.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"

/* Span.flags: W3C's sampled bit; it is known whether the parent is remote; it is. */
#define FLAG_SAMPLED	1u
#define FLAG_HAS_REMOTE 0x100u
#define FLAG_IS_REMOTE	0x200u

#define STATUS_ERROR 2

/* OpenTelemetry's numbers (trace.proto, SpanKind). */
enum { KIND_INTERNAL = 1, KIND_SERVER, KIND_CLIENT, KIND_PRODUCER, KIND_CONSUMER };

static const struct {
	const char *name;
	unsigned int kind;
} stage_rows[] = {
#define STAGE(id, name, kind, text) { name, KIND_##kind },
#include "tracepager/tbl/stages.def"
#undef STAGE
};

static void encode_id(struct buf *out, uint32_t field, const uint64_t *numbers, size_t n)
{
	unsigned char bytes[16];

	for (size_t i = 0; i < 8 * n; i++)
		bytes[i] = (unsigned char)(numbers[i / 8] >> (56 - 8 * (i % 8)));
	proto_put_bytes(out, field, bytes, 8 * n);
}

static void encode_trace_id(struct buf *out, uint32_t field, const struct span_context *context)
{
	encode_id(out, field, (const uint64_t[]){ context->trace_high, context->trace_low }, 2);
}

/* A KeyValue whose AnyValue has that content. */
static void encode_pair(struct buf *out, uint32_t field, const char *key, const struct buf *value)
{
	const size_t key_len = strlen(key);

	proto_put_tag(out, field, PROTO_LEN);
	buf_varint(out, proto_field_len(key_len) + proto_field_len(value->len));
	proto_put_bytes(out, 1, key, key_len);
	proto_put_bytes(out, 2, buf_text(value), value->len);
}

static void encode_text_pair(struct buf *out, uint32_t field, const char *key, const char *text)
{
	BUF_LOCAL(value, 8 * LIMIT_STAGE_TEXT_CHARS);
	BUF_LOCAL(clean, 4 * LIMIT_STAGE_TEXT_CHARS);

	/* A receiver refuses the whole request where one text is not UTF-8. */
	buf_add_utf8(&clean, text, utf8_chars(text, LIMIT_STAGE_TEXT_CHARS));
	proto_put_bytes(&value, 1, buf_text(&clean), clean.len);
	buf_fini(&clean);
	encode_pair(out, field, key, &value);
	buf_fini(&value);
}

static void encode_value(struct buf *out, const struct stage_value *value)
{
	const char *key = stage_attr_name(value->attr);
	BUF_LOCAL(content, 32);
	uint64_t bits;

	switch (value->kind) {
	case STAGE_TEXT:
		encode_text_pair(out, 9, key, value->text);
		return;
	case STAGE_NUMBER:
		proto_put_number(&content, 3, (uint64_t)value->number);
		break;
	case STAGE_REAL:
		memcpy(&bits, &value->real, sizeof(bits));
		proto_put_fixed64(&content, 4, bits);
		break;
	case STAGE_FLAG:
		proto_put_number(&content, 2, 1);
		break;
	}
	encode_pair(out, 9, key, &content);
	buf_fini(&content);
}

static void encode_link(struct buf *out, const struct span_context *link)
{
	BUF_LOCAL(content, 64);

	encode_trace_id(&content, 1, link);
	encode_id(&content, 2, &link->span, 1);
	proto_put_bytes(out, 13, buf_text(&content), content.len);
	buf_fini(&content);
}

static uint64_t encode_ns(int64_t mono_us, int64_t offset_us)
{
	const int64_t wall_us = mono_us + offset_us;

	return wall_us > 0 ? (uint64_t)wall_us * 1000 : 0;
}

static void encode_status(struct buf *out)
{
	BUF_LOCAL(content, 16);

	proto_put_number(&content, 3, STATUS_ERROR);
	proto_put_bytes(out, 15, buf_text(&content), content.len);
	buf_fini(&content);
}

static void encode_name(struct buf *out, const char *name)
{
	BUF_LOCAL(clean, 4 * LIMIT_STAGE_TEXT_CHARS);

	buf_add_utf8(&clean, name, utf8_chars(name, LIMIT_STAGE_TEXT_CHARS));
	proto_put_bytes(out, 5, buf_text(&clean), clean.len);
	buf_fini(&clean);
}

void telemetry_encode_span(const struct stage_span *span, int64_t offset_us, struct buf *scratch,
			   struct buf *out)
{
	const struct span_context *context = &span->context;
	/* Only the caller of an alert's request is outside. */
	const bool remote = span->stage == STAGE_ALERT && context->parent;
	const int64_t ended_us = span->ended_us > span->began_us ? span->ended_us : span->began_us;

	buf_reset(scratch);
	encode_trace_id(scratch, 1, context);
	encode_id(scratch, 2, &context->span, 1);
	if (context->parent)
		encode_id(scratch, 4, &context->parent, 1);
	encode_name(scratch, span->name ? span->name : stage_rows[span->stage].name);
	proto_put_number(scratch, 6, stage_rows[span->stage].kind);
	proto_put_fixed64(scratch, 7, encode_ns(span->began_us, offset_us));
	proto_put_fixed64(scratch, 8, encode_ns(ended_us, offset_us));
	for (size_t i = 0; i < span->nvalues; i++)
		encode_value(scratch, &span->values[i]);
	if (span->error)
		encode_text_pair(scratch, 9, stage_attr_name(STAGE_ATTR_ERROR_TYPE), span->error);
	for (size_t i = 0; i < span->nlinks; i++)
		encode_link(scratch, &span->links[i]);
	if (span->error)
		encode_status(scratch);
	proto_put_fixed32(scratch, 16,
			  FLAG_SAMPLED | FLAG_HAS_REMOTE | (remote ? FLAG_IS_REMOTE : 0));
	if (!scratch->failed)
		proto_put_bytes(out, 2, buf_text(scratch), scratch->len);
}

/* ---- the resource ---- */

static bool pair_is_named(const struct telemetry_pair *pair, const char *key)
{
	return strlen(key) == pair->key_len && memcmp(key, pair->key, pair->key_len) == 0;
}

/* Keys that the relay gives itself: a list does not give them once more. */
static bool is_own_key(const struct telemetry_pair *pair)
{
	static const char *const keys[] = { "service.name", "service.version",
					    "service.instance.id", "host.name" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (pair_is_named(pair, keys[i]))
			return true;
	return false;
}

/* The last value of a key; NULL: the list has none. Caller frees. */
static char *find_value(const char *list, const char *separators, const char *key)
{
	struct telemetry_pair pair;
	char *value = NULL;

	while (list && telemetry_next_pair(&list, separators, &pair))
		if (pair_is_named(&pair, key) && pair.value_len) {
			free(value);
			value = telemetry_pair_value(&pair);
		}
	return value;
}

static void encode_list(struct buf *out, const char *list, const char *separators,
			const char *overridden)
{
	struct telemetry_pair pair;

	for (size_t n = 0;
	     list && n < LIMIT_TELEMETRY_RESOURCE && telemetry_next_pair(&list, separators, &pair);
	     n++) {
		CLEANUP_FREE char *key = xstrndup(pair.key, pair.key_len);
		CLEANUP_FREE char *value = telemetry_pair_value(&pair);
		CLEANUP_FREE char *other = overridden ? find_value(overridden, " ", key) : NULL;
		if (*key && *value && !other && !is_own_key(&pair))
			encode_text_pair(out, 1, key, value);
	}
}

/* An attribute of the resource that a person may give: by the option, else by the environment. */
static void encode_own(struct buf *out, const struct telemetry_env *env, const char *key,
		       const char *usual)
{
	CLEANUP_FREE char *option = find_value(env->resource, " ", key);
	CLEANUP_FREE char *environment = find_value(env->environment, ",", key);

	encode_text_pair(out, 1, key, option ? option : environment ? environment : usual);
}

void telemetry_encode_resource(const struct telemetry_env *env, const char *instance,
			       const char *host, struct buf *out)
{
	if (*env->service)
		encode_text_pair(out, 1, "service.name", env->service);
	else
		encode_own(out, env, "service.name", "tracepager");
	encode_text_pair(out, 1, "service.version", env->version);
	encode_own(out, env, "service.instance.id", instance);
	encode_own(out, env, "host.name", host);
	encode_list(out, env->resource, " ", NULL);
	encode_list(out, env->environment, ",", env->resource);
}

void telemetry_encode_request(const struct buf *resource, const char *version,
			      const struct buf *spans, struct buf *out)
{
	BUF_LOCAL(scope, 256);

	proto_put_text(&scope, 1, "tracepager");
	proto_put_text(&scope, 2, version);
	const size_t scope_spans = proto_field_len(scope.len) + spans->len;
	proto_put_tag(out, 1, PROTO_LEN);
	buf_varint(out, proto_field_len(resource->len) + proto_field_len(scope_spans));
	proto_put_bytes(out, 1, buf_text(resource), resource->len);
	proto_put_tag(out, 2, PROTO_LEN);
	buf_varint(out, scope_spans);
	proto_put_bytes(out, 1, buf_text(&scope), scope.len);
	buf_add(out, buf_text(spans), spans->len);
	buf_fini(&scope);
}

/* ---- the answer ---- */

/* Moves *at behind a varint; false: it is cut. */
static bool reply_read_varint(const unsigned char **at, const unsigned char *end,
			      uint64_t *ret_number)
{
	uint64_t number = 0;

	for (unsigned int shift = 0; *at < end && shift < 64; shift += 7) {
		const unsigned char byte = *(*at)++;
		number |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret_number = number;
			return true;
		}
	}
	return false;
}

/* Unknown fields count as good: a later version of the protocol may add some. */
bool telemetry_is_reply(const char *body, size_t len)
{
	const unsigned char *at = (const unsigned char *)body, *end = at + len;
	const char *text = body + (len ? strspn(body, " \t\r\n") : 0);
	uint64_t tag, number;

	if (len && *text == '{') /* some receivers answer all with JSON */
		return true;
	while (at < end) {
		if (!reply_read_varint(&at, end, &tag) || tag >> 3 == 0 || tag >> 3 > 15 ||
		    !reply_read_varint(&at, end, &number))
			return false;
		if ((tag & 7) == PROTO_LEN && number <= (size_t)(end - at))
			at += number;
		else if ((tag & 7) != PROTO_VARINT)
			return false;
	}
	return true;
}

/* partial_success = 1 {rejected_spans = 1 (int64), error_message = 2}: both messages have fields of
 * varints and of bytes only. */
int64_t telemetry_rejected_spans(const char *body, size_t len)
{
	const unsigned char *at = (const unsigned char *)body, *end = at + len;
	uint64_t tag, number, rejected = 0;
	bool inside = false;

	while (reply_read_varint(&at, end, &tag) && reply_read_varint(&at, end, &number)) {
		const unsigned int type = tag & 7;
		if (type == PROTO_VARINT) {
			if (inside && tag >> 3 == 1)
				rejected = number;
			continue;
		}
		if (type != PROTO_LEN || number > (size_t)(end - at))
			break;
		if (!inside && tag >> 3 == 1) {
			inside = true;
			end = at + number;
		} else {
			at += number;
		}
	}
	return rejected <= INT32_MAX ? (int64_t)rejected : 0;
}
