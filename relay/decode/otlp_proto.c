/*
 * OTLP protobuf: TracesData, which has the same bytes as ExportTraceServiceRequest and Tempo's
 * Trace, and Tempo's TraceByIDResponse around it. Sources: opentelemetry-proto (trace.proto,
 * common.proto, resource.proto), Tempo's tempo.proto. Fields come in any order. Ids become
 * lower-case hexadecimal digits, as in OTLP JSON; texts go to the builder as they are, which makes
 * UTF-8 of them. Refused are spans without a trace id and what wire.c refuses. Owns its reader and
 * scratch memory; the builder is borrowed.
 *
 * wire.c reads by the tables below; otlp.c decides what the fields mean.
 */
#include <endian.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encodings-internal.h"
#include "otlp-internal.h"
#include "otlp_proto-internal.h"
#include "tracepager/limits.h"
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
	NODE_LINK,
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
	NODE_LINK_TRACE_ID,
	NODE_LINK_SPAN_ID,
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
	NODE_EVENT_TIME,
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
/* instrumentation_library_spans before version 0.15: the same bytes as scope_spans. */
#define OLD_SCOPE_SPANS 1000
static const struct wire_field old_scope_spans_field = { WIRE_INNER, NODE_SCOPE_SPANS };
static const struct wire_field resource_fields[] = {
	[1] = { WIRE_MESSAGE, NODE_RESOURCE_ATTRIBUTE },
};
static const struct wire_field scope_spans_fields[] = {
	[2] = { WIRE_BULK, NODE_SPAN },
};
static const struct wire_field span_fields[] = {
	[1] = { WIRE_TEXT, NODE_TRACE_ID },  [2] = { WIRE_TEXT, NODE_SPAN_ID },
	[4] = { WIRE_TEXT, NODE_PARENT_ID }, [5] = { WIRE_TEXT, NODE_NAME },
	[6] = { WIRE_VARINT, NODE_KIND },    [7] = { WIRE_FIXED64, NODE_START },
	[8] = { WIRE_FIXED64, NODE_END },    [9] = { WIRE_MESSAGE, NODE_SPAN_ATTRIBUTE },
	[11] = { WIRE_MESSAGE, NODE_EVENT }, [13] = { WIRE_MESSAGE, NODE_LINK },
	[15] = { WIRE_INNER, NODE_STATUS },  [16] = { WIRE_FIXED32, NODE_FLAGS },
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
	[1] = { WIRE_FIXED64, NODE_EVENT_TIME },
	[3] = { WIRE_MESSAGE, NODE_EVENT_ATTRIBUTE },
};
static const struct wire_field link_fields[] = {
	[1] = { WIRE_TEXT, NODE_LINK_TRACE_ID },
	[2] = { WIRE_TEXT, NODE_LINK_SPAN_ID },
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
	[NODE_LINK] = { FIELDS(link_fields) },
	[NODE_STATUS] = { FIELDS(status_fields) },
	[NODE_RESOURCE_ATTRIBUTE] = { FIELDS(attribute_fields) },
	[NODE_SPAN_ATTRIBUTE] = { FIELDS(attribute_fields) },
	[NODE_EVENT_ATTRIBUTE] = { FIELDS(attribute_fields) },
	[NODE_VALUE] = { FIELDS(value_fields) },
};

/* The key of an attribute that is not kept. */
#define KEY_UNWANTED UINT16_MAX
_Static_assert(ATTR_COUNT + LIMIT_EXTRA_ATTRS < KEY_UNWANTED, "no key is KEY_UNWANTED");

/* Attributes and names of spans of up to MEMO_BYTES bytes are remembered, one per slot: most of a
 * trace repeat others. A document that aims at one slot only makes itself slower, so the slots need
 * no secret hash. */
struct memo {
	struct span_attr made;
	unsigned char len; /* with MEMO_NAME added for a name */
	char bytes[];	   /* the attribute or name as it was written */
};

#define MEMO_SIZE	 64
#define MEMO_BITS	 9
#define LONG_MEMO_SIZE	 128
#define LONG_MEMO_BITS	 4
#define MEMO_BYTES	 (LONG_MEMO_SIZE - offsetof(struct memo, bytes))
#define MEMO_NAME	 0x80u
#define SHORT_MEMO_BYTES (MEMO_SIZE - offsetof(struct memo, bytes))
_Static_assert(MEMO_BYTES < MEMO_NAME, "a length and MEMO_NAME share a byte");

/* Spans stand near their parents, and siblings side by side: ids that were read lately, by their
 * bytes. */
#define RECENT_IDS 256
struct recent_id {
	uint64_t bytes;
	uint32_t text; /* 0: free */
};

/* Attributes that wait for the builder, so that it takes many of a span at once. */
#define WAITING_ATTRS 32

struct otlp_proto {
	struct otlp otlp;
	struct wire *wire;
	char trace_id[16]; /* the bytes of otlp.trace_id; most spans repeat the one before */
	bool has_trace_id;
	uint32_t newest_value; /* the latest text that an attribute had first */
	unsigned int nwaiting;
	struct span_attr waiting[WAITING_ATTRS];
	struct recent_id recent_ids[RECENT_IDS];
	_Alignas(struct memo) char memos[1 << MEMO_BITS][MEMO_SIZE];
	_Alignas(struct memo) char long_memos[1 << LONG_MEMO_BITS][LONG_MEMO_SIZE];
};

/* ---- texts ---- */

/* Real ids have 16 or 8 bytes; longer ones up to this size still tell spans apart. */
#define ID_BYTES 32

/* Four bytes as eight digits, in the order of memory. The halves of each byte are moved apart;
 * halves above 9 have bit 4 set when 6 is added. */
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

static int otlp_proto_take_id(struct otlp_proto *proto, enum otlp_id which, const char *bytes,
			      size_t len)
{
	char hex[2 * ID_BYTES], four[4] = { 0 };
	size_t i = 0;

	if (len > ID_BYTES)
		return err_set(wire_err(proto->wire), EBADMSG, "an id has %zu bytes", len);
	for (; i + 4 <= len; i += 4)
		put_digits(hex + 2 * i, bytes + i);
	if (i < len) {
		memcpy(four, bytes + i, len - i);
		put_digits(hex + 2 * i, four);
	}
	return otlp_set_id(&proto->otlp, which, hex, 2 * len);
}

/* Sets *slot to an id of 8 bytes. */
static inline int take_short_id(struct otlp_proto *proto, uint32_t *slot, const char *bytes)
{
	struct recent_id *recent;
	char digits[16];
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	recent = &proto->recent_ids[word * UINT64_C(0x9e3779b97f4a7c15) >> 56];
	if (recent->bytes != word || recent->text == 0) {
		put_digits(digits, bytes);
		put_digits(digits + 8, bytes + 4);
		*slot = trace_builder_digits(proto->otlp.builder, digits);
		if (*slot == TRACE_NONE)
			return otlp_check(&proto->otlp, TRACE_NONE);
		*recent = (struct recent_id){ word, *slot };
	}
	*slot = recent->text;
	return 0;
}

static int otlp_proto_take_trace_id(struct otlp_proto *proto, const char *bytes, size_t len)
{
	bool full = len == sizeof(proto->trace_id);

	if (full && proto->has_trace_id &&
	    memcmp(bytes, proto->trace_id, sizeof(proto->trace_id)) == 0) {
		proto->otlp.has_trace_id = true;
		return 0;
	}
	proto->has_trace_id = full;
	if (full)
		memcpy(proto->trace_id, bytes, len);
	return otlp_proto_take_id(proto, OTLP_TRACE_ID, bytes, len);
}

static int take_span_id(struct otlp_proto *proto, const char *bytes, size_t len)
{
	if (len == 8)
		return take_short_id(proto, &proto->otlp.span->id, bytes);
	return otlp_proto_take_id(proto, OTLP_SPAN_ID, bytes, len);
}

/* The parent of a root may be written as zeros. */
static int take_parent_id(struct otlp_proto *proto, const char *bytes, size_t len)
{
	size_t i = 0;

	while (i < len && bytes[i] == 0)
		i++;
	if (len == 8 && i < len)
		return take_short_id(proto, &proto->otlp.span->parent_id, bytes);
	return otlp_proto_take_id(proto, OTLP_PARENT_ID, bytes, i < len ? len : 0);
}

static int otlp_proto_on_text(void *ctx, unsigned int node, const char *text, size_t len)
{
	struct otlp_proto *proto = ctx;
	struct otlp *otlp = &proto->otlp;

	switch (node) {
	case NODE_KEY:
		return otlp_take_key(otlp, text, len) ? 0 : WIRE_SKIP_REST;
	case NODE_TRACE_ID:
		return otlp_proto_take_trace_id(proto, text, len);
	case NODE_SPAN_ID:
		return take_span_id(proto, text, len);
	case NODE_PARENT_ID:
		return take_parent_id(proto, text, len);
	case NODE_LINK_TRACE_ID:
		return otlp_proto_take_id(proto, OTLP_LINK_TRACE_ID, text, len);
	case NODE_LINK_SPAN_ID:
		return otlp_proto_take_id(proto, OTLP_LINK_SPAN_ID, text, len);
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

/* ---- numbers ---- */

/* As JSON would write the number: without a point if it is whole. */
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

/* Writes the number in decimal at the end of text; returns its length. */
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

static void take_kind(struct otlp *otlp, uint64_t number)
{
	otlp->span->kind = number <= SPAN_CONSUMER ? (uint8_t)number : SPAN_UNSPECIFIED;
}

static int otlp_proto_on_number(void *ctx, unsigned int node, uint64_t number)
{
	struct otlp_proto *proto = ctx;
	struct otlp *otlp = &proto->otlp;

	switch (node) {
	case NODE_PARTIAL:
		if (number == 1)
			trace_builder_partial(otlp->builder);
		return 0;
	case NODE_KIND:
		take_kind(otlp, number);
		return 0;
	case NODE_CODE:
		otlp->span->status =
			number <= SPAN_STATUS_ERROR ? (uint8_t)number : SPAN_STATUS_UNSET;
		return 0;
	case NODE_START:
		otlp->start_ns = number;
		return 0;
	case NODE_EVENT_TIME:
		otlp->event_ns = number;
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

/* ---- the fields of spans, as nearly all are written ---- */

#define TAG(field, type) ((field) << 3 | WIRE_TYPE_##type)

static inline uint64_t differing_bits(const char *a, const char *b)
{
	uint64_t left, right;

	memcpy(&left, a, sizeof(left));
	memcpy(&right, b, sizeof(right));
	return left ^ right;
}

static inline uint64_t differing_bits16(const char *a, const char *b)
{
	return differing_bits(a, b) | differing_bits(a + 8, b + 8);
}

static inline uint64_t differing_bits32(const char *a, const char *b)
{
	return differing_bits16(a, b) | differing_bits16(a + 16, b + 16);
}

/* For 8 bytes and more. Words may overlap: a loop would be as long as the text, which misleads the
 * processor at its end. */
static inline bool same_bytes(const char *a, const char *b, size_t len)
{
	if (len < 16)
		return (differing_bits(a, b) | differing_bits(a + len - 8, b + len - 8)) == 0;
	if (len < 32)
		return (differing_bits16(a, b) | differing_bits16(a + len - 16, b + len - 16)) == 0;
	if (len < 64)
		return (differing_bits32(a, b) | differing_bits32(a + len - 32, b + len - 32)) == 0;
	for (size_t i = 0; i < len - 32; i += 32)
		if (differing_bits32(a + i, b + i) != 0)
			return false;
	return differing_bits32(a + len - 32, b + len - 32) == 0;
}

#ifdef __SSE2__
/* Sixteen bytes from at on: all ones in those that are the same, or behind the first len. */
static inline __m128i same_sixteen_of(const char *a, const char *b, size_t len, size_t at)
{
	static const unsigned char behind[2 * MEMO_SIZE] = { [MEMO_SIZE... 2 * MEMO_SIZE - 1] =
								     0xff };
	const __m128i *left = (const __m128i *)(const void *)(a + at);
	const __m128i *right = (const __m128i *)(const void *)(b + at);
	const __m128i *mask = (const __m128i *)(const void *)(behind + MEMO_SIZE - len + at);

	return _mm_or_si128(_mm_cmpeq_epi8(_mm_loadu_si128(left), _mm_loadu_si128(right)),
			    _mm_loadu_si128(mask));
}

/* Are the first len bytes of 64 the same? One comparison, whatever len is. */
static inline bool same_head_of_64(const char *a, const char *b, size_t len)
{
	__m128i low = _mm_and_si128(same_sixteen_of(a, b, len, 0), same_sixteen_of(a, b, len, 16));
	__m128i high =
		_mm_and_si128(same_sixteen_of(a, b, len, 32), same_sixteen_of(a, b, len, 48));

	return _mm_movemask_epi8(_mm_and_si128(low, high)) == 0xffff;
}
#endif

/* The slot of a text; NULL: texts of this length are not remembered. */
static inline struct memo *memo_of(struct otlp_proto *proto, const char *text, size_t len)
{
	uint64_t tail, middle;
	char *slot;

	if (len < sizeof(tail) || len > MEMO_BYTES)
		return NULL;
	memcpy(&tail, text + len - sizeof(tail), sizeof(tail));
	memcpy(&middle, text + (len - sizeof(middle)) / 2, sizeof(middle));
	tail = (tail ^ len) * UINT64_C(0x9e3779b97f4a7c15) +
	       (middle ^ len) * UINT64_C(0xc2b2ae3d27d4eb4f);
	slot = len <= SHORT_MEMO_BYTES ? proto->memos[tail >> (64 - MEMO_BITS)]
				       : proto->long_memos[tail >> (64 - LONG_MEMO_BITS)];
	return (struct memo *)(void *)slot;
}

/* Is the text the one of the memo? rest: bytes that may be read from text on. */
static inline bool is_memo(const struct memo *memo, const char *text, size_t len, size_t rest,
			   unsigned int kind)
{
	if (!memo || memo->len != (len | kind))
		return false;
#ifdef __SSE2__
	if (len <= SHORT_MEMO_BYTES && rest >= MEMO_SIZE)
		return same_head_of_64(memo->bytes, text, len);
#endif
	(void)rest;
	return same_bytes(memo->bytes, text, len);
}

static void remember_text(struct memo *memo, struct span_attr made, const char *text, size_t len,
			  unsigned int kind)
{
	memo->made = made;
	memo->len = (unsigned char)(len | kind);
	memcpy(memo->bytes, text, len);
}

/* Reads the value of an attribute, from its tag on: a string, or an integer of up to two bytes.
 * false: another value. */
static bool otlp_proto_read_value(struct otlp_proto *proto, const char *text, size_t len,
				  uint32_t *ret_value)
{
	const unsigned char *bytes = (const unsigned char *)text;
	char number[INT_BYTES];

	if (len < 4 || bytes[0] != TAG(2, LEN) || bytes[1] != len - 2)
		return false;
	if (bytes[2] == TAG(1, LEN) && bytes[3] == len - 4) {
		text += 4;
		len -= 4;
	} else if (bytes[2] == TAG(3, VARINT) && len == 4 && bytes[3] < 0x80) {
		len = write_int(number, bytes[3]);
		text = number + INT_BYTES - len;
	} else if (bytes[2] == TAG(3, VARINT) && len == 5 && bytes[3] >= 0x80 && bytes[4] < 0x80) {
		len = write_int(number, bytes[4] << 7 | (bytes[3] & 0x7f));
		text = number + INT_BYTES - len;
	} else {
		return false;
	}
	*ret_value = trace_builder_value(proto->otlp.builder, text, len);
	return true;
}

/* Reads an attribute whose key comes first and all of whose lengths have one byte. false: another
 * form. */
static bool read_attribute(struct otlp_proto *proto, const char *text, size_t len,
			   struct span_attr *ret_made)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t value;
	int key;

	if (len < 2 || bytes[0] != TAG(1, LEN) || bytes[1] > len - 2)
		return false;
	value = 2u + bytes[1];
	key = trace_builder_attr(proto->otlp.builder, text + 2, bytes[1]);
	ret_made->key = key < 0 ? KEY_UNWANTED : (uint16_t)key;
	return key < 0 || otlp_proto_read_value(proto, text + value, len - value, &ret_made->value);
}

static inline void flush_attributes(struct otlp_proto *proto)
{
	if (proto->nwaiting > 0)
		trace_builder_span_attrs(proto->otlp.builder, proto->waiting, proto->nwaiting);
	proto->nwaiting = 0;
}

/* 1: taken; 0: left to wire.c; or -errno. A value that is new in this document is not remembered:
 * most of these never come again. */
static int otlp_proto_take_attribute(struct otlp_proto *proto, const char *text, size_t len,
				     size_t rest)
{
	struct memo *memo = memo_of(proto, text, len);
	struct span_attr made = { .value = 0 };

	if (is_memo(memo, text, len, rest, 0)) {
		made = memo->made;
	} else {
		if (!read_attribute(proto, text, len, &made))
			return 0;
		if (made.value == TRACE_NONE)
			return otlp_check(&proto->otlp, TRACE_NONE);
		if (made.value > proto->newest_value)
			proto->newest_value = made.value;
		else if (memo)
			remember_text(memo, made, text, len, 0);
	}
	if (proto->nwaiting == WAITING_ATTRS)
		flush_attributes(proto);
	proto->waiting[proto->nwaiting] = made;
	proto->nwaiting += made.key != KEY_UNWANTED;
	return 1;
}

static int take_name(struct otlp_proto *proto, const char *text, size_t len, size_t rest)
{
	struct memo *memo = memo_of(proto, text, len);
	struct span *span = proto->otlp.span;
	int code;

	if (is_memo(memo, text, len, rest, MEMO_NAME)) {
		span->name = memo->made.value;
		return 0;
	}
	code = otlp_take_text(&proto->otlp, &span->name, text, len);
	if (code == 0 && memo)
		remember_text(memo, (struct span_attr){ .value = span->name }, text, len,
			      MEMO_NAME);
	return code;
}

/* Takes a field with a length, which lies whole at bytes. */
static inline int take_text_field(struct otlp_proto *proto, unsigned int number, const char *bytes,
				  size_t len, size_t rest)
{
	switch (number) {
	case 1:
		return otlp_proto_take_trace_id(proto, bytes, len);
	case 2:
		return take_span_id(proto, bytes, len);
	case 4:
		return take_parent_id(proto, bytes, len);
	default:
		return take_name(proto, bytes, len, rest);
	}
}

/* Returns the size of the field if it was taken; 0: left to wire.c; or -errno. rest: at least 2. */
static inline int otlp_proto_take_field(struct otlp_proto *proto, const char *p, size_t rest)
{
	const unsigned char *bytes = (const unsigned char *)p;
	struct otlp *otlp = &proto->otlp;
	size_t len = bytes[1];
	int answer = 0;

	switch (bytes[0]) {
	case TAG(9, LEN):
		if (len >= 0x80 || len > rest - 2)
			return 0;
		answer = otlp_proto_take_attribute(proto, p + 2, len, rest - 2);
		return answer <= 0 ? answer : (int)len + 2;
	case TAG(1, LEN):
	case TAG(2, LEN):
	case TAG(4, LEN):
	case TAG(5, LEN):
		if (len >= 0x80 || len > rest - 2)
			return 0;
		answer = take_text_field(proto, bytes[0] >> 3, p + 2, len, rest - 2);
		return answer < 0 ? answer : (int)len + 2;
	case TAG(6, VARINT):
		if (len >= 0x80)
			return 0;
		take_kind(otlp, bytes[1]);
		return 2;
	case TAG(7, FIXED64):
		if (rest < 9)
			return 0;
		otlp->start_ns = wire_load(bytes + 1, 8);
		return 9;
	case TAG(8, FIXED64):
		if (rest < 9)
			return 0;
		otlp->end_ns = wire_load(bytes + 1, 8);
		return 9;
	case (TAG(16, FIXED32) & 0x7f) | 0x80: /* first of the two bytes of this tag */
		if (rest < 6 || bytes[1] != 1)
			return 0;
		otlp_take_flags(otlp, wire_load(bytes + 2, 4));
		return 6;
	default:
		return 0;
	}
}

static int otlp_proto_on_fields(void *ctx, unsigned int node, const char **at, const char *end)
{
	struct otlp_proto *proto = ctx;
	int taken = 1;

	(void)node; /* only spans are read in bulk */
	while (end - *at >= 2) {
		taken = otlp_proto_take_field(proto, *at, (size_t)(end - *at));
		if (taken <= 0)
			break;
		*at += taken;
	}
	flush_attributes(proto);
	return taken < 0 ? taken : 0;
}

/* ---- messages ---- */

static int otlp_proto_on_begin(void *ctx, unsigned int node)
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
		return 0;
	case NODE_LINK:
		otlp_begin_link(otlp);
		return 0;
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

static int otlp_proto_on_end(void *ctx, unsigned int node)
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
	case NODE_LINK:
		otlp_end_link(otlp);
		return 0;
	default:
		return otlp_end_attribute(otlp);
	}
}

/* ---- the encodings ---- */

/* The outermost messages. */
static const enum node traces_document = NODE_TRACES, tempo_document = NODE_TEMPO;

static void *otlp_proto_start(const void *variant, struct trace_builder *builder)
{
	static const struct wire_handler handler = {
		.fields = otlp_proto_on_fields,
		.begin = otlp_proto_on_begin,
		.end = otlp_proto_on_end,
		.text = otlp_proto_on_text,
		.number = otlp_proto_on_number,
	};
	const enum node *document = variant;
	struct otlp_proto *proto = xcalloc(1, sizeof(*proto));

	proto->wire = wire_new(messages, *document, &handler, proto);
	otlp_init(&proto->otlp, builder, wire_err(proto->wire));
	return proto;
}

static int otlp_proto_result(struct otlp_proto *proto, int code, struct err *err)
{
	if (code != 0 && err)
		*err = *wire_err(proto->wire);
	return code;
}

static int otlp_proto_feed(void *state, const char *data, size_t len, struct err *err)
{
	struct otlp_proto *proto = state;

	return otlp_proto_result(proto, wire_feed(proto->wire, data, len), err);
}

static int otlp_proto_finish(void *state, struct err *err)
{
	struct otlp_proto *proto = state;

	return otlp_proto_result(proto, wire_finish(proto->wire), err);
}

static void otlp_proto_free(void *state)
{
	struct otlp_proto *proto = state;

	if (!proto)
		return;
	wire_free(proto->wire);
	otlp_fini(&proto->otlp);
	free(proto);
}

#define OTLP_PROTO_ENCODING(document)                                                              \
	.variant = (document), .start = otlp_proto_start, .feed = otlp_proto_feed,                 \
	.finish = otlp_proto_finish, .free = otlp_proto_free

const struct trace_encoding_ops trace_encoding_OTLP_PROTO = {
	.name = "otlp-proto",
	.text = "OTLP protobuf",
	OTLP_PROTO_ENCODING(&traces_document),
};

const struct trace_encoding_ops trace_encoding_TEMPO_PROTO = {
	.name = "tempo-proto",
	.text = "Tempo protobuf (API v2)",
	OTLP_PROTO_ENCODING(&tempo_document),
};
