/*
 * Wire: the reader of wire-internal.h.
 *
 * The head of a field is its tag and what has a known size behind the tag: the number, or the
 * length of the content. Fields that lie whole in a piece are read in place. If the end of a piece
 * cuts a head, its bytes wait in head; a cut text waits in hold; of skipped content only the number
 * of remaining bytes is kept. A frame is an open message with the place of its end.
 */
#include "wire-internal.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* The deepest path through our tables has 7 messages. */
#define FRAMES 10
/* The number of a field has 29 bits, a tag 32. */
#define TAG_BYTES    5
#define VARINT_BYTES 10

struct frame {
	uint64_t end;
	const char
		*limit; /* where the message ends in the current piece, or the end of the piece */
	bool over;	/* the message ends in the current piece */
	bool told;	/* begin() and end() are called */
	bool bulk;	/* fields() is called first */
	unsigned int node;
	const struct wire_message *message;
};

struct wire {
	const struct wire_message *messages;
	const struct wire_handler *handler;
	void *ctx;
	struct frame frames[FRAMES];
	struct frame *frame; /* the innermost */

	const char *piece, *piece_end; /* the current one, and its offset in the document */
	uint64_t piece_at;

	uint64_t skip; /* remaining bytes to skip */
	unsigned char head[TAG_BYTES + VARINT_BYTES];
	unsigned int nhead;
	struct buf hold; /* a cut text, of which missing bytes are to come */
	size_t missing;
	unsigned int hold_node;

	struct err err;
};

struct head {
	uint32_t number; /* of the field */
	unsigned int type;
	uint64_t value; /* or the length of the content */
	unsigned int len;
};

struct wire *wire_new(const struct wire_message *messages, unsigned int document,
		      const struct wire_handler *handler, void *ctx)
{
	struct wire *wire = xcalloc(1, sizeof(*wire));

	wire->messages = messages;
	wire->handler = handler;
	wire->ctx = ctx;
	wire->frame = wire->frames;
	*wire->frame = (struct frame){ .end = UINT64_MAX, .message = &messages[document] };
	buf_init(&wire->hold, LIMIT_TOKEN_BYTES + 1);
	return wire;
}

void wire_free(struct wire *wire)
{
	if (!wire)
		return;
	buf_fini(&wire->hold);
	free(wire);
}

struct err *wire_err(struct wire *wire)
{
	return &wire->err;
}

static uint64_t wire_place_of(const struct wire *w, const char *p)
{
	return w->piece_at + (uint64_t)(p - w->piece);
}

/* Sets the error. Always NULL, as a reading position. */
static const char *wire_fail(struct wire *w, uint64_t at, int code, const char *what)
{
	err_set(&w->err, code, "%s (byte %llu)", what, (unsigned long long)at + 1);
	return NULL;
}

/* ---- heads ---- */

/* Returns the number of bytes; 0: cut; -1: more than max bytes or than 64 bits. */
static int read_varint(const unsigned char *p, const unsigned char *end, int max, uint64_t *ret)
{
	uint64_t number = 0;

	for (int i = 0; i < max; i++) {
		if (p + i == end)
			return 0;
		if (i == VARINT_BYTES - 1 && p[i] > 1)
			return -1;
		number |= (uint64_t)(p[i] & 0x7f) << (7 * i);
		if (p[i] < 0x80) {
			*ret = number;
			return i + 1;
		}
	}
	return -1;
}

static const char *wrong_tag(uint64_t tag)
{
	if ((tag & 7) == 3 || (tag & 7) == 4)
		return "a group, which protobuf has deprecated";
	if (tag >> 3 == 0)
		return "a field has the number 0";
	return "a wire type does not exist";
}

static bool good_tag(uint64_t tag)
{
	unsigned int type = tag & 7;

	return tag >> 3 != 0 && tag <= UINT32_MAX && type != 3 && type != 4 && type < 6;
}

/* 1: *ret_head is set; 0: cut; -1: failed. at: offset of the head in the document. */
static inline int read_head(struct wire *w, const char *text, const char *text_end, uint64_t at,
			    struct head *ret_head)
{
	const unsigned char *p = (const unsigned char *)text,
			    *end = (const unsigned char *)text_end;
	uint64_t tag = *p;
	int n = 1, more;

	if (tag >= 0x80)
		n = read_varint(p, end, TAG_BYTES, &tag);
	if (n == 0)
		return 0;
	if (n < 0 || !good_tag(tag)) {
		wire_fail(w, at, EBADMSG, n < 0 ? "a tag is too long" : wrong_tag(tag));
		return -1;
	}
	ret_head->number = (uint32_t)(tag >> 3);
	ret_head->type = tag & 7;
	p += n;
	if (ret_head->type == WIRE_TYPE_VARINT || ret_head->type == WIRE_TYPE_LEN) {
		if (p < end && *p < 0x80) {
			ret_head->value = *p;
			ret_head->len = (unsigned int)n + 1;
			return 1;
		}
		more = read_varint(p, end, VARINT_BYTES, &ret_head->value);
		if (more < 0)
			wire_fail(w, at, EBADMSG, "a number is too long");
	} else {
		more = ret_head->type == WIRE_TYPE_FIXED64 ? 8 : 4;
		if (end - p < more)
			return 0;
		ret_head->value = wire_load(p, (unsigned int)more);
	}
	ret_head->len = (unsigned int)(n + more);
	return more > 0 ? 1 : more;
}

/* ---- fields ---- */

static const struct wire_field *find_field(const struct wire_message *message,
					   const struct head *head)
{
	static const unsigned char types[] = {
		[WIRE_MESSAGE] = WIRE_TYPE_LEN,	    [WIRE_INNER] = WIRE_TYPE_LEN,
		[WIRE_BULK] = WIRE_TYPE_LEN,	    [WIRE_TEXT] = WIRE_TYPE_LEN,
		[WIRE_VARINT] = WIRE_TYPE_VARINT,   [WIRE_FIXED64] = WIRE_TYPE_FIXED64,
		[WIRE_FIXED32] = WIRE_TYPE_FIXED32,
	};
	static const struct wire_field unknown = { WIRE_SKIPPED, 0 };
	const struct wire_field *field = &unknown;

	if (head->number < message->nfields)
		field = &message->fields[head->number];
	else if (head->number - message->first_high < message->nhigh)
		field = &message->high[head->number - message->first_high];
	if (field->shape == WIRE_SKIPPED || types[field->shape] != head->type)
		return &unknown;
	return field;
}

/* Handles an answer of the handler other than 0. Returns where to go on, or NULL. */
static const char *obey_handler(struct wire *w, int answer)
{
	const struct frame *frame = w->frame;

	if (answer < 0) {
		if (w->err.text[0] == '\0')
			err_set(&w->err, -answer, "refused");
		w->err.code = -answer;
		return NULL;
	}
	if (!frame->over)
		w->skip = frame->end - wire_place_of(w, frame->limit);
	return frame->limit;
}

static inline const char *after_answer(struct wire *w, int answer, const char *p)
{
	return answer == 0 ? p : obey_handler(w, answer);
}

/* Sets where the message ends within the current piece. */
static void set_limit(const struct wire *w, struct frame *frame, const char *p)
{
	uint64_t rest = frame->end - wire_place_of(w, p);

	frame->over = rest <= (uint64_t)(w->piece_end - p);
	frame->limit = frame->over ? p + rest : w->piece_end;
}

static inline const char *open_message(struct wire *w, const struct wire_field *field, uint64_t len,
				       const char *p)
{
	struct frame *frame = ++w->frame;

	assert(frame < w->frames + FRAMES);
	frame->end = wire_place_of(w, p) + len;
	set_limit(w, frame, p);
	frame->message = &w->messages[field->node];
	frame->node = field->node;
	frame->told = field->shape != WIRE_INNER;
	frame->bulk = field->shape == WIRE_BULK;
	if (!frame->told)
		return p;
	return after_answer(w, w->handler->begin(w->ctx, field->node), p);
}

static bool is_message(const struct wire_field *field)
{
	return field->shape == WIRE_MESSAGE || field->shape == WIRE_INNER ||
	       field->shape == WIRE_BULK;
}

/* Reads the content of a field with a length. p: behind its head. */
static const char *take_len(struct wire *w, const struct wire_field *field, uint64_t at,
			    uint64_t len, const char *p)
{
	uint64_t here = (uint64_t)(w->piece_end - p);

	if (len > w->frame->end - wire_place_of(w, p))
		return wire_fail(w, at, EBADMSG, "a length exceeds the enclosing message");
	if (is_message(field))
		return open_message(w, field, len, p);
	if (field->shape == WIRE_TEXT && len > LIMIT_TOKEN_BYTES)
		return wire_fail(w, at, E2BIG, "a text is too long");
	if (field->shape == WIRE_TEXT && len <= here)
		return after_answer(w, w->handler->text(w->ctx, field->node, p, (size_t)len),
				    p + len);
	if (len <= here)
		return p + len;
	if (field->shape == WIRE_TEXT) {
		buf_reset(&w->hold);
		buf_add(&w->hold, p, (size_t)here);
		w->missing = (size_t)(len - here);
		w->hold_node = field->node;
	} else {
		w->skip = len - here;
	}
	return w->piece_end;
}

/* at: offset of the head; p: behind the head. */
static const char *wire_take_field(struct wire *w, const struct head *head, uint64_t at,
				   const char *p)
{
	const struct wire_field *field = find_field(w->frame->message, head);

	if (head->type == WIRE_TYPE_LEN)
		return take_len(w, field, at, head->value, p);
	if (field->shape == WIRE_SKIPPED)
		return p;
	return after_answer(w, w->handler->number(w->ctx, field->node, head->value), p);
}

/* ---- pieces ---- */

/* Completes what the last piece cut. */
static const char *resume_piece(struct wire *w, const char *p)
{
	size_t n = (size_t)(w->piece_end - p);
	struct head head;
	int rc;

	if (w->skip > 0) {
		n = w->skip < n ? (size_t)w->skip : n;
		w->skip -= n;
		return p + n;
	}
	if (w->missing > 0) {
		n = w->missing < n ? w->missing : n;
		buf_add(&w->hold, p, n);
		w->missing -= n;
		if (w->missing > 0)
			return w->piece_end;
		return after_answer(
			w, w->handler->text(w->ctx, w->hold_node, buf_text(&w->hold), w->hold.len),
			p + n);
	}
	while (p < w->piece_end) {
		uint64_t at = wire_place_of(w, p) - w->nhead;

		w->head[w->nhead++] = (unsigned char)*p++;
		rc = read_head(w, (const char *)w->head, (const char *)w->head + w->nhead, at,
			       &head);
		if (rc < 0)
			return NULL;
		if (rc > 0) {
			w->nhead = 0;
			return wire_take_field(w, &head, at, p);
		}
		if (wire_place_of(w, p) == w->frame->end)
			return wire_fail(w, at, EBADMSG, "a field exceeds the enclosing message");
	}
	return p;
}

/* The innermost message ends. */
static inline const char *close_message(struct wire *w, const char *p)
{
	const struct frame *frame = w->frame--;

	if (!frame->told)
		return p;
	return after_answer(w, w->handler->end(w->ctx, frame->node), p);
}

/* Reads a field of any form. */
static const char *read_field(struct wire *w, const char *p)
{
	uint64_t at = wire_place_of(w, p);
	struct head head;
	int rc = read_head(w, p, w->frame->limit, at, &head);

	if (rc < 0)
		return NULL;
	if (rc > 0)
		return wire_take_field(w, &head, at, p + head.len);
	if (w->frame->over)
		return wire_fail(w, at, EBADMSG, "a field exceeds the enclosing message");
	w->nhead = (unsigned int)(w->piece_end - p);
	memcpy(w->head, p, w->nhead);
	return w->piece_end;
}

static inline const char *read_short_number(struct wire *w, const struct wire_field *field,
					    const char *p)
{
	const unsigned char *at = (const unsigned char *)p;
	ptrdiff_t rest = w->frame->limit - p;

	if ((at[0] & 7) == WIRE_TYPE_VARINT && at[1] < 0x80 && field->shape == WIRE_VARINT)
		return after_answer(w, w->handler->number(w->ctx, field->node, at[1]), p + 2);
	if ((at[0] & 7) == WIRE_TYPE_FIXED64 && rest >= 9 && field->shape == WIRE_FIXED64)
		return after_answer(
			w, w->handler->number(w->ctx, field->node, wire_load(at + 1, 8)), p + 9);
	return read_field(w, p);
}

/* Fast way: most fields have a tag of one byte and a length of one or two, and lie whole in the
 * piece. read_field() reads all others and finds the errors. */
static inline const char *read_short(struct wire *w, const char *p)
{
	const struct frame *frame = w->frame;
	unsigned char tag = (unsigned char)p[0];
	const struct wire_field *field;
	ptrdiff_t rest = frame->limit - p, head = 2, len;

	if (rest < 3 || tag < 8 || tag >= 0x80 || tag >> 3 >= frame->message->nfields)
		return read_field(w, p);
	field = &frame->message->fields[tag >> 3];
	if ((tag & 7) != WIRE_TYPE_LEN)
		return read_short_number(w, field, p);
	len = (unsigned char)p[1];
	if (len >= 0x80) {
		len = (len & 0x7f) | (unsigned char)p[2] << 7;
		head = 3;
	}
	if (len > rest - head || (head == 3 && (unsigned char)p[2] >= 0x80))
		return read_field(w, p);
	p += head;
	switch (field->shape) {
	case WIRE_TEXT:
		return after_answer(w, w->handler->text(w->ctx, field->node, p, (size_t)len),
				    p + len);
	case WIRE_BULK:
	case WIRE_MESSAGE:
	case WIRE_INNER:
		return open_message(w, field, (uint64_t)len, p);
	default:
		return p + len;
	}
}

/* Lets the handler take fields by itself, then reads the one behind them. */
static inline const char *read_bulk(struct wire *w, const char *p)
{
	int answer = w->handler->fields(w->ctx, w->frame->node, &p, w->frame->limit);

	if (answer < 0)
		return obey_handler(w, answer);
	return p < w->frame->limit ? read_short(w, p) : p;
}

int wire_feed(struct wire *wire, const char *data, size_t len)
{
	const char *p = data;

	if (wire->err.code != 0)
		return -wire->err.code;
	if (len == 0)
		return 0;
	wire->piece = data;
	wire->piece_end = data + len;
	for (struct frame *frame = wire->frames; frame <= wire->frame; frame++)
		set_limit(wire, frame, data);
	if (wire->skip > 0 || wire->missing > 0 || wire->nhead > 0)
		p = resume_piece(wire, p);
	while (p) {
		if (p < wire->frame->limit)
			p = wire->frame->bulk ? read_bulk(wire, p) : read_short(wire, p);
		else if (wire->frame->over && wire->skip == 0)
			p = close_message(wire, p);
		else
			break;
	}
	wire->piece_at += len;
	return p ? 0 : -wire->err.code;
}

int wire_finish(struct wire *wire)
{
	if (wire->err.code != 0)
		return -wire->err.code;
	if (wire->frame > wire->frames || wire->skip > 0 || wire->missing > 0 || wire->nhead > 0)
		return err_set(&wire->err, EBADMSG, "the document is cut: it ends inside a field");
	return 0;
}
