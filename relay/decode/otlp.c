/*
 * OTLP: spans, attributes and ids; see otlp-internal.h. Sources: opentelemetry-proto (trace.proto,
 * common.proto, JSON encoding), Tempo's JSON (ids in base64). Scopes, nested values and links into
 * other traces are not kept.
 */
#include "otlp-internal.h"

#include <errno.h>
#include <string.h>

#include "encodings-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* Values of otlp->key that are no kept key. */
#define KEY_UNKNOWN -2
#define KEY_IGNORED -1

void otlp_init(struct otlp *otlp, struct trace_builder *builder, struct err *err)
{
	*otlp = (struct otlp){ .builder = builder, .err = err };
	buf_init(&otlp->trace_id, LIMIT_TOKEN_BYTES);
	buf_init(&otlp->link_trace_id, LIMIT_TOKEN_BYTES);
	buf_init(&otlp->link_span_id, LIMIT_TOKEN_BYTES);
	buf_init(&otlp->key_text, LIMIT_TOKEN_BYTES);
	buf_init(&otlp->value_text, LIMIT_TOKEN_BYTES);
}

void otlp_fini(struct otlp *otlp)
{
	buf_fini(&otlp->trace_id);
	buf_fini(&otlp->link_trace_id);
	buf_fini(&otlp->link_span_id);
	buf_fini(&otlp->key_text);
	buf_fini(&otlp->value_text);
}

int otlp_check(struct otlp *otlp, uint32_t text)
{
	return text != TRACE_NONE ? 0 : err_set(otlp->err, E2BIG, "the trace is too large");
}

int otlp_begin_resource(struct otlp *otlp)
{
	otlp->resource = trace_builder_resource(otlp->builder);
	return trace_builder_failed(otlp->builder) ? otlp_check(otlp, TRACE_NONE) : 0;
}

/* ---- attributes ---- */

void otlp_begin_attribute(struct otlp *otlp, enum otlp_owner owner)
{
	otlp->owner = owner;
	otlp->key = KEY_UNKNOWN;
	otlp->value = TRACE_NONE;
	otlp->has_key_text = otlp->has_value_text = false;
}

bool otlp_take_key(struct otlp *otlp, const char *text, size_t len)
{
	if (otlp->owner == OTLP_RESOURCE) {
		buf_reset(&otlp->key_text);
		otlp->has_key_text = buf_add(&otlp->key_text, text, len);
		return true;
	}
	otlp->key = trace_builder_attr(otlp->builder, text, len);
	if (otlp->owner == OTLP_EVENT && otlp->key != ATTR_EXCEPTION_TYPE &&
	    otlp->key != ATTR_EXCEPTION_MESSAGE)
		otlp->key = KEY_IGNORED;
	return otlp->key != KEY_IGNORED;
}

/* Only kept values are interned; a value before its key has to wait for the key. */
int otlp_take_value(struct otlp *otlp, const char *text, size_t len)
{
	if (otlp->key == KEY_UNKNOWN) {
		buf_reset(&otlp->value_text);
		otlp->has_value_text = buf_add(&otlp->value_text, text, len);
		return 0;
	}
	otlp->value = trace_builder_value(otlp->builder, text, len);
	return otlp_check(otlp, otlp->value);
}

int otlp_end_attribute(struct otlp *otlp)
{
	if (otlp->owner == OTLP_RESOURCE) {
		if (otlp->has_key_text && otlp->has_value_text)
			trace_builder_resource_attr(otlp->builder, otlp->resource,
						    buf_text(&otlp->key_text), otlp->key_text.len,
						    buf_text(&otlp->value_text),
						    otlp->value_text.len);
		return trace_builder_failed(otlp->builder) ? otlp_check(otlp, TRACE_NONE) : 0;
	}
	if (otlp->key < 0)
		return 0;
	if (otlp->has_value_text)
		otlp->value = trace_builder_value(otlp->builder, buf_text(&otlp->value_text),
						  otlp->value_text.len);
	else if (otlp->value == TRACE_NONE)
		return 0; /* the value is a list, a map, bytes or nothing */
	if (otlp->value == TRACE_NONE)
		return otlp_check(otlp, TRACE_NONE);
	if (otlp->owner == OTLP_EVENT)
		otlp->exception[otlp->key == ATTR_EXCEPTION_MESSAGE] = otlp->value;
	else
		trace_builder_span_attr(otlp->builder, (unsigned int)otlp->key, otlp->value);
	return 0;
}

/* ---- ids ---- */

#define OTLP_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline uint64_t otlp_load64(const char *text)
{
	uint64_t word;

	memcpy(&word, text, sizeof(word));
	return word;
}

/* Are all eight bytes hexadecimal digits? Each sum sets a byte's high bit where the byte is at
 * least the limit; none crosses a byte, since bytes that are not ASCII fail at once. */
static inline bool eight_hex_digits(uint64_t word)
{
	const uint64_t highs = OTLP_EACH(0x80), lower = word | OTLP_EACH(0x20);
	uint64_t digits, letters;

	if (word & highs)
		return false;
	digits = (word + OTLP_EACH(0x80 - '0')) & ~(word + OTLP_EACH(0x7f - '9'));
	letters = (lower + OTLP_EACH(0x80 - 'a')) & ~(lower + OTLP_EACH(0x7f - 'f'));
	return ((digits | letters) & highs) == highs;
}

/* Has it the size of an id in hexadecimal digits: 32 for a trace, 16 for a span? Ids are random, so
 * that looking at each byte would mislead the processor at every second one. */
static bool is_hex_id(const char *text, size_t len)
{
	if (len != 32 && len != 16)
		return false;
	for (size_t i = 0; i < len; i += 8) {
		if (!eight_hex_digits(otlp_load64(text + i)))
			return false;
	}
	return true;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Writes 8 or 16 bytes in base64 as hexadecimal digits and returns their number; 0: the text is no
 * such id. The padding tells base64 from every other id of the same length. */
static size_t hex_of_base64(const char *text, size_t len, char hex[static 32])
{
	size_t padding = len == 24 ? 2 : len == 12 ? 1 : 0, n = 0;
	uint32_t bits = 0;
	unsigned int nbits = 0;

	if (padding == 0 || text[len - 1] != '=' || text[len - padding] != '=')
		return 0;
	for (size_t i = 0; i < len - padding; i++) {
		int digit = base64_digit(text[i]);

		if (digit < 0)
			return 0;
		bits = bits << 6 | (uint32_t)digit;
		for (nbits += 6; nbits >= 4 && n < (len == 24 ? 32 : 16); nbits -= 4)
			hex[n++] = "0123456789abcdef"[bits >> (nbits - 4) & 15];
	}
	return n;
}

int otlp_take_id(struct otlp *otlp, enum otlp_id which, const char *text, size_t len)
{
	char hex[32];
	size_t n = hex_of_base64(text, len, hex);

	if (n == 0 && is_hex_id(text, len)) {
		for (n = 0; n < len; n += 8) {
			/* Digits already have the bit that makes letters lower case. */
			uint64_t lower = otlp_load64(text + n) | OTLP_EACH(0x20);

			memcpy(hex + n, &lower, sizeof(lower));
		}
	}
	if (n > 0) {
		text = hex;
		len = n;
	}
	if ((which == OTLP_PARENT_ID || which == OTLP_LINK_SPAN_ID) && trace_id_is_zero(text, len))
		len = 0;
	return otlp_set_id(otlp, which, text, len);
}

int otlp_set_id(struct otlp *otlp, enum otlp_id which, const char *text, size_t len)
{
	uint32_t id;

	if (which == OTLP_TRACE_ID) {
		buf_reset(&otlp->trace_id);
		buf_add(&otlp->trace_id, text, len);
		otlp->has_trace_id = len > 0;
		return 0;
	}
	if (which == OTLP_LINK_TRACE_ID || which == OTLP_LINK_SPAN_ID) {
		struct buf *buf =
			which == OTLP_LINK_SPAN_ID ? &otlp->link_span_id : &otlp->link_trace_id;

		if (!otlp->has_link) {
			buf_reset(buf);
			buf_add(buf, text, len);
		}
		return 0;
	}
	id = trace_builder_text(otlp->builder, text, len);
	if (id == TRACE_NONE)
		return otlp_check(otlp, id);
	if (which == OTLP_SPAN_ID)
		otlp->span->id = id;
	else
		otlp->span->parent_id = id;
	return 0;
}

/* ---- spans ---- */

int otlp_begin_span(struct otlp *otlp)
{
	otlp->span = trace_builder_span(otlp->builder);
	if (!otlp->span)
		return otlp_check(otlp, TRACE_NONE);
	otlp->span->resource = otlp->resource;
	otlp->has_trace_id = otlp->has_link = false;
	otlp->start_ns = otlp->end_ns = 0;
	otlp->has_start_us = otlp->has_duration_us = false;
	return 0;
}

static bool links_own_trace(const struct otlp *otlp)
{
	const struct buf *own = &otlp->trace_id, *linked = &otlp->link_trace_id;

	return linked->len == own->len && memcmp(linked->data, own->data, own->len) == 0;
}

/* Makes a root that links into its own trace a follower of the span there. */
static int otlp_take_link(struct otlp *otlp)
{
	struct span *span = otlp->span;
	uint32_t id;

	if (span->parent_id != 0 || !links_own_trace(otlp))
		return 0;
	id = trace_builder_text(otlp->builder, otlp->link_span_id.data, otlp->link_span_id.len);
	if (id == TRACE_NONE)
		return otlp_check(otlp, id);
	if (id != span->id) {
		span->parent_id = id;
		span->flags |= SPAN_FOLLOWS;
	}
	return 0;
}

int otlp_end_span(struct otlp *otlp)
{
	struct span *span = otlp->span;

	if (!otlp->has_trace_id)
		return err_set(otlp->err, EBADMSG, "a span has no traceId");
	if (otlp->has_link && otlp_take_link(otlp) != 0)
		return otlp_check(otlp, TRACE_NONE);
	span->start_us = (int64_t)(otlp->start_ns / 1000);
	if (otlp->end_ns > otlp->start_ns)
		span->duration_us = (int64_t)((otlp->end_ns - otlp->start_ns) / 1000);
	if (otlp->has_start_us)
		span->start_us = otlp->start_us;
	if (otlp->has_duration_us)
		span->duration_us = otlp->duration_us;
	trace_builder_span_done(otlp->builder, otlp->trace_id.data, otlp->trace_id.len);
	otlp->span = NULL;
	return trace_builder_failed(otlp->builder) ? otlp_check(otlp, TRACE_NONE) : 0;
}

int otlp_take_text(struct otlp *otlp, uint32_t *slot, const char *text, size_t len)
{
	uint32_t value = trace_builder_value(otlp->builder, text, len);

	*slot = value != TRACE_NONE ? value : 0;
	return otlp_check(otlp, value);
}

void otlp_take_flags(struct otlp *otlp, uint64_t flags)
{
	const uint64_t remote = OTLP_HAS_REMOTE | OTLP_IS_REMOTE;

	if ((flags & remote) == remote)
		otlp->span->flags |= SPAN_REMOTE;
}

/* ---- links ---- */

void otlp_begin_link(struct otlp *otlp)
{
	if (otlp->has_link)
		return;
	buf_reset(&otlp->link_trace_id);
	buf_reset(&otlp->link_span_id);
}

/* A link that precedes the span's trace id is compared with it at the span's end. */
void otlp_end_link(struct otlp *otlp)
{
	if (otlp->link_trace_id.len > 0 && otlp->link_span_id.len > 0 &&
	    (!otlp->has_trace_id || links_own_trace(otlp)))
		otlp->has_link = true;
}

/* ---- events ---- */

void otlp_begin_event(struct otlp *otlp)
{
	otlp->exception[0] = otlp->exception[1] = TRACE_NONE;
	otlp->event_ns = 0;
}

/* The conventions allow these attributes on exception events only, so the event's name is not
 * needed. */
void otlp_end_event(struct otlp *otlp)
{
	trace_builder_span_exception(otlp->builder, otlp->exception[0], otlp->exception[1],
				     (int64_t)(otlp->event_ns / 1000));
}
