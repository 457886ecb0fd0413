/*
 * Jread: feeding, and the fast way of the JSON reader.
 *
 * There are two ways. The fast way, here, finds a token that lies whole in the piece a word at a
 * time and reports it where it lies. The slow way (jread_token.c) reads a token that the end of a
 * piece cuts, and a string with escapes, byte by byte into a hold buffer; its state outlives the
 * piece. Only the slow way judges what is wrong, so that the sizes of the pieces change neither an
 * error nor its place. White space, brackets, colons and commas are one byte each and need no state
 * but enum state.
 *
 * run_tokens(), which reads from token to token, is compiled twice: with events, and quiet for what
 * the handler skips.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/jread-internal.h"
#include "tracepager/xalloc.h"

/* ---- life ---- */

struct jread *jread_new(enum jread_mode mode, jread_handler *handler, void *ctx)
{
	struct jread *r = xcalloc(1, sizeof(*r));

	r->mode = mode;
	r->handler = handler;
	r->ctx = ctx;
	/* U+FFFD has three bytes and may replace one. */
	buf_init(&r->hold, 3 * (LIMIT_TOKEN_BYTES + 1));
	jread_reset(r);
	return r;
}

void jread_free(struct jread *jread)
{
	if (!jread)
		return;
	buf_fini(&jread->hold);
	free(jread->pairs);
	free(jread);
}

void jread_reset(struct jread *jread)
{
	struct jread fresh = { .mode = jread->mode,
			       .handler = jread->handler,
			       .ctx = jread->ctx,
			       .repairs = jread->repairs,
			       .line = 1,
			       .hold = jread->hold,
			       .pairs = jread->pairs };

	*jread = fresh;
	buf_reset(&jread->hold);
}

void jread_repair(struct jread *jread)
{
	jread->repairs = true;
}

uint64_t jread_repaired(const struct jread *jread)
{
	return jread->repaired;
}

struct err *jread_err(struct jread *jread)
{
	return &jread->err;
}

int jread_depth(const struct jread *jread)
{
	return jread->depth;
}

/* ---- errors ---- */

static const char *fail_state(struct jread *r, const char *p)
{
	static const char *const wanted[] = {
		[STATE_TOP] = "a value",
		[STATE_DONE] = "the end of the document",
		[STATE_VALUE] = "a value",
		[STATE_FIRST_VALUE] = "a value",
		[STATE_KEY] = "a key in double quotes",
		[STATE_FIRST_KEY] = "a key in double quotes or '}'",
		[STATE_COLON] = "':'",
	};
	uint64_t at = place_of(r, p);
	unsigned char c = (unsigned char)*p;

	if (at == 0 && c == 0xef)
		return jread_fail(r, at, EBADMSG, "a byte order mark; JSON has none");
	if (r->state == STATE_AFTER)
		return jread_fail_byte(r, at, c, r->nesting & 1 ? "',' or '}'" : "',' or ']'");
	return jread_fail_byte(r, at, c, wanted[r->state]);
}

/* ---- tokens that are whole in the piece ---- */

/* The first byte from p on that is special and begins no whole, well-formed UTF-8 sequence. */
static const char *scan_utf8(const char *p, const char *end)
{
	uint8_t min, max;
	int left;

	for (;;) {
		p = scan_plain(p, end);
		if (p == end || (unsigned char)*p < 0x80)
			return p;
		left = utf8_lead((unsigned char)*p, &min, &max);
		if (left == 0 || end - p <= left || (uint8_t)p[1] < min || (uint8_t)p[1] > max)
			return p;
		for (int i = 2; i <= left; i++)
			if (((uint8_t)p[i] & 0xc0) != 0x80)
				return p;
		p += left + 1;
	}
}

/* The closing quote of a string whose opening quote stands before p. NULL: the string is not whole
 * in the piece, has escapes, is not well formed or is too long. */
ALWAYS_INLINE const char *string_end(const char *p, const char *end)
{
	const char *q = scan_plain(p, end);

	if (UNLIKELY(q < end && (unsigned char)*q >= 0x80))
		q = scan_utf8(q, end);
	if (UNLIKELY(q == end || *q != '"' || (size_t)(q - p) > LIMIT_TOKEN_BYTES))
		return NULL;
	return q;
}

/* The end of a number that is whole in the piece; end: the number may go on; NULL: failed. */
static const char *number_end(struct jread *r, const char *p, const char *end)
{
	const char *digits = *p == '-' ? p + 1 : p;
	const char *q = skip_digits(digits, end);

	if (q < end && !is_number_char(*q) && q > digits && (*digits != '0' || q == digits + 1) &&
	    q - p <= LIMIT_TOKEN_BYTES)
		return q;
	while (q < end && is_number_char(*q))
		q++;
	if (q < end && !jread_number_ok(r, p, (size_t)(q - p), place_of(r, p)))
		return NULL;
	return q;
}

/* The end of a literal that is right and whole in the piece; else NULL. */
static inline const char *literal_end(const char *p, const char *end)
{
	size_t len = *p == 'f' ? 5 : 4;

	return (size_t)(end - p) >= len && memcmp(p, literal_text(*p), len) == 0 ? p + len : NULL;
}

/* ---- between the tokens ---- */

static const char *skip_space(struct jread *r, const char *p, const char *end)
{
	for (;;) {
		while (end - p >= 8 && load64(p) == ONES * ' ')
			p += 8;
		while (p < end && *p == ' ')
			p++;
		if (p == end)
			return p;
		if (*p == '\n') {
			r->line++;
			r->line_at = place_of(r, p) + 1;
		} else if (*p != '\r' && *p != '\t') {
			return p;
		}
		p++;
	}
}

static const char *jread_open_container(struct jread *r, const char *p, bool is_object)
{
	if (r->depth == LIMIT_DEPTH) {
		err_set(&r->err, E2BIG, "nested deeper than %d", LIMIT_DEPTH);
		set_place(r, place_of(r, p));
		return NULL;
	}
	r->nesting = r->nesting << 1 | (is_object ? 1 : 0);
	r->depth++;
	return p + 1;
}

/* The handler has not answered JREAD_GO: takes its answer. Returns the place at which reading goes
 * on; NULL: failed. The caller leaves run_tokens(), since the rest may have to be read quietly. */
static const char *jread_answered(struct jread *r, enum jread_event event, int answer,
				  const char *token, const char *next)
{
	return jread_take_answer(r, event, answer, place_of(r, token)) ? next : NULL;
}

static const char *run_quiet(struct jread *r, const char *p, const char *end);

/* Where run_tokens() goes on. */
enum step {
	STEP_LEAVE, /* returns the cursor's place */
	STEP_VALUE,
	STEP_FIRST_VALUE,
	STEP_KEY,
	STEP_FIRST_KEY,
	STEP_COLON,
	STEP_AFTER,
	STEP_CLOSE,
};

/* A place in the piece; p is NULL when the reader has failed. */
struct cursor {
	const char *p, *end;
};

/* run_tokens() is left; state is what may come at p. */
ALWAYS_INLINE const char *stop_at(struct jread *r, const char *p, enum state state)
{
	r->state = state;
	return p;
}

ALWAYS_INLINE enum step leave_at(struct jread *r, struct cursor *at, const char *p,
				 enum state state)
{
	at->p = stop_at(r, p, state);
	return STEP_LEAVE;
}

/* Moves to the next byte that is not white space; false: the piece has none. */
ALWAYS_INLINE bool next_byte(struct jread *r, struct cursor *at)
{
	if (UNLIKELY(at->p == at->end || (unsigned char)*at->p <= ' '))
		at->p = skip_space(r, at->p, at->end);
	return at->p != at->end;
}

static const char *wrong_byte(struct jread *r, const char *p, enum state state)
{
	r->state = state;
	return fail_state(r, p);
}

/* At { or [. */
ALWAYS_INLINE enum step read_open(struct jread *r, struct cursor *at, bool is_object, bool quiet)
{
	enum jread_event event = is_object ? JREAD_OBJECT : JREAD_ARRAY;
	enum state state = is_object ? STATE_FIRST_KEY : STATE_FIRST_VALUE;
	const char *token = at->p;
	int answer;

	at->p = jread_open_container(r, token, is_object);
	if (UNLIKELY(!at->p))
		return STEP_LEAVE;
	if (UNLIKELY(r->skip_value)) {
		begin_quiet(r);
		return leave_at(r, at, at->p, state);
	}
	answer = quiet ? JREAD_GO : r->handler(r->ctx, event, "", 0);
	if (answer >= JREAD_PAIRS)
		jread_pairs_begin(r, (unsigned int)(answer - JREAD_PAIRS));
	else if (UNLIKELY(answer != JREAD_GO))
		return leave_at(r, at, jread_answered(r, event, answer, token, at->p), state);
	return is_object ? STEP_FIRST_KEY : STEP_FIRST_VALUE;
}

/* At a number or a word: sets its event and its end. false: run_tokens() is left. */
ALWAYS_INLINE bool read_word(struct jread *r, struct cursor *at, bool mute,
			     enum jread_event *ret_event, const char **ret_end)
{
	char c = *at->p;

	if (is_digit(c) || c == '-') {
		*ret_event = JREAD_NUMBER;
		*ret_end = number_end(r, at->p, at->end);
		if (LIKELY(*ret_end && *ret_end != at->end))
			return true;
		if (!*ret_end)
			at->p = NULL;
		else
			jread_number_begin(r, at->p, mute);
		return false;
	}
	if (c == 't' || c == 'f' || c == 'n') {
		*ret_event = literal_event(c);
		*ret_end = literal_end(at->p, at->end);
		if (!*ret_end)
			jread_literal_begin(r, at->p, mute);
		return *ret_end != NULL;
	}
	at->p = wrong_byte(r, at->p, STATE_VALUE);
	return false;
}

/* The handler has not answered JREAD_GO to a scalar. The rest that it skips is mostly short, and is
 * read right here. */
static enum step jread_answered_scalar(struct jread *r, struct cursor *at, enum jread_event event,
				       int answer, const char *token)
{
	value_done(r);
	at->p = jread_answered(r, event, answer, token, at->p);
	if (!at->p || !r->quiet)
		return STEP_LEAVE;
	at->p = run_quiet(r, at->p, at->end);
	return !at->p || r->quiet || r->state != STATE_AFTER ? STEP_LEAVE : STEP_AFTER;
}

ALWAYS_INLINE enum step read_value(struct jread *r, struct cursor *at, bool quiet)
{
	bool mute = quiet || r->skip_value;
	enum jread_event event = JREAD_STRING;
	const char *token, *end;

	if (!next_byte(r, at))
		return leave_at(r, at, at->p, STATE_VALUE);
	token = at->p;
	if (LIKELY(*token == '"')) {
		end = string_end(++token, at->end);
		if (UNLIKELY(!end)) {
			jread_string_begin(r, place_of(r, at->p), false, mute);
			at->p++;
			return STEP_LEAVE;
		}
		at->p = end + 1;
	} else if (*token == '{' || *token == '[') {
		return read_open(r, at, *token == '{', quiet);
	} else {
		if (!read_word(r, at, mute, &event, &end))
			return STEP_LEAVE;
		at->p = end;
	}
	if (!mute) {
		int answer = r->handler(r->ctx, event, token, (size_t)(end - token));

		if (UNLIKELY(answer != JREAD_GO))
			return jread_answered_scalar(r, at, event, answer,
						     token - (event == JREAD_STRING));
	}
	r->skip_value = false;
	return STEP_AFTER;
}

ALWAYS_INLINE enum step read_key(struct jread *r, struct cursor *at, bool quiet)
{
	const char *token, *end;
	int answer;

	if (!next_byte(r, at))
		return leave_at(r, at, at->p, STATE_KEY);
	token = at->p;
	if (UNLIKELY(*token != '"'))
		return leave_at(r, at, wrong_byte(r, token, STATE_KEY), STATE_KEY);
	end = string_end(token + 1, at->end);
	if (UNLIKELY(!end)) {
		jread_string_begin(r, place_of(r, token), true, quiet);
		at->p++;
		return STEP_LEAVE;
	}
	at->p = end + 1;
	if (quiet)
		return STEP_COLON;
	answer = r->handler(r->ctx, JREAD_KEY, token + 1, (size_t)(end - token - 1));
	if (answer == JREAD_SKIP)
		r->skip_value = true;
	else if (UNLIKELY(answer != JREAD_GO))
		return leave_at(r, at, jread_answered(r, JREAD_KEY, answer, token, at->p),
				STATE_COLON);
	return STEP_COLON;
}

/* Where a member or an element may begin: reads pairs while they fit the pattern. true: the place
 * is behind a value; false: a member or an element begins, which does not fit. */
ALWAYS_INLINE bool read_pairs(struct jread *r, struct cursor *at)
{
	bool is_other;

	at->p = jread_pairs_read(r, at->p, at->end, &is_other);
	return !is_other;
}

ALWAYS_INLINE bool has_pairs(const struct jread *r, bool quiet)
{
	return !quiet && UNLIKELY(r->pair_depths & depth_bit(r));
}

/* Behind a value: reads a comma, or sees the container's end. */
ALWAYS_INLINE enum step read_after(struct jread *r, struct cursor *at)
{
	if (UNLIKELY(r->depth == 0)) {
		value_done(r);
		return STEP_LEAVE;
	}
	if (!next_byte(r, at))
		return leave_at(r, at, at->p, STATE_AFTER);
	if (LIKELY(*at->p == ',')) {
		at->p++;
		return r->nesting & 1 ? STEP_KEY : STEP_VALUE;
	}
	if (UNLIKELY(*at->p != (r->nesting & 1 ? '}' : ']')))
		return leave_at(r, at, wrong_byte(r, at->p, STATE_AFTER), STATE_AFTER);
	return STEP_CLOSE;
}

/* At the } or ] that ends the innermost container. */
ALWAYS_INLINE enum step read_close(struct jread *r, struct cursor *at, bool quiet)
{
	enum jread_event event = r->nesting & 1 ? JREAD_OBJECT_END : JREAD_ARRAY_END;
	const char *token = at->p++;
	int answer;

	r->nesting >>= 1;
	r->depth--;
	r->pair_depths &= ~(UINT64_C(1) << r->depth);
	if (quiet && r->depth == r->wake_depth) {
		value_done(r);
		r->quiet = false;
		if (r->wake_end && !report_event(r, event, "", 0, place_of(r, token)))
			at->p = NULL;
		return STEP_LEAVE;
	}
	answer = quiet ? JREAD_GO : r->handler(r->ctx, event, "", 0);
	if (UNLIKELY(answer != JREAD_GO))
		return leave_at(r, at, jread_answered(r, event, answer, token, at->p), STATE_AFTER);
	return STEP_AFTER;
}

/*
 * Reads on from a place between tokens, to the end of the piece, to a token for the slow way, or to
 * an answer that begins or ends the quiet. Returns the place; NULL: failed. The steps are inlined
 * and jump from one to the next: while it runs, the state is the place in the code; it is stored
 * where run_tokens() is left.
 */
ALWAYS_INLINE const char *run_tokens(struct jread *r, const char *p, const char *end,
				     const bool quiet)
{
	struct cursor at = { p, end };
	enum step step;

	/* White space before or behind a document changes no state. */
	if (r->depth == 0 && !next_byte(r, &at))
		return at.p;
	switch (r->state) {
	case STATE_TOP:
	case STATE_VALUE:
		goto value;
	case STATE_FIRST_VALUE:
		goto first_value;
	case STATE_KEY:
		goto member;
	case STATE_FIRST_KEY:
		goto first_key;
	case STATE_COLON:
		goto colon;
	case STATE_AFTER:
		goto after;
	case STATE_DONE:
		return fail_state(r, at.p);
	}
first_value:
	if (!next_byte(r, &at))
		return stop_at(r, at.p, STATE_FIRST_VALUE);
	if (*at.p == ']')
		goto close;
element:
	if (has_pairs(r, quiet) && read_pairs(r, &at))
		goto after;
value:
	step = read_value(r, &at, quiet);
	if (step == STEP_FIRST_KEY)
		goto first_key;
	if (step == STEP_FIRST_VALUE)
		goto first_value;
	if (step == STEP_LEAVE)
		return at.p;
after:
	step = read_after(r, &at);
	if (step == STEP_KEY)
		goto member;
	if (step == STEP_VALUE)
		goto element;
	if (step == STEP_LEAVE)
		return at.p;
close:
	if (read_close(r, &at, quiet) == STEP_AFTER)
		goto after;
	return at.p;
first_key:
	if (!next_byte(r, &at))
		return stop_at(r, at.p, STATE_FIRST_KEY);
	if (*at.p == '}')
		goto close;
	if (UNLIKELY(*at.p != '"'))
		return wrong_byte(r, at.p, STATE_FIRST_KEY);
member:
	if (has_pairs(r, quiet) && read_pairs(r, &at))
		goto after;
	if (read_key(r, &at, quiet) == STEP_LEAVE)
		return at.p;
colon:
	if (!next_byte(r, &at))
		return stop_at(r, at.p, STATE_COLON);
	if (UNLIKELY(*at.p != ':'))
		return wrong_byte(r, at.p, STATE_COLON);
	at.p++;
	goto value;
}

static const char *run_loud(struct jread *r, const char *p, const char *end)
{
	return run_tokens(r, p, end, false);
}

static const char *run_quiet(struct jread *r, const char *p, const char *end)
{
	return run_tokens(r, p, end, true);
}

/* ---- feeding ---- */

static int jread_feed_piece(struct jread *r, const char *data, size_t len, size_t *ret_used)
{
	const char *p = data, *end = data + len;

	r->piece = data;
	while (p < end && !(r->stop && r->complete)) {
		if (r->token != TOKEN_NONE)
			p = jread_token_read(r, p, end);
		else
			p = r->quiet ? run_quiet(r, p, end) : run_loud(r, p, end);
		if (!p) {
			*ret_used = len;
			return -r->err.code;
		}
	}
	*ret_used = (size_t)(p - data);
	r->piece_at += *ret_used;
	return 0;
}

int jread_feed(struct jread *jread, const char *data, size_t len)
{
	size_t used;

	if (jread->err.code != 0)
		return -jread->err.code;
	if (len == 0)
		return 0;
	jread->stop = false;
	return jread_feed_piece(jread, data, len, &used);
}

int jread_feed_value(struct jread *jread, const char *data, size_t len, size_t *ret_used,
		     bool *ret_complete)
{
	int rc = 0;

	*ret_used = 0;
	*ret_complete = false;
	if (jread->err.code != 0)
		return -jread->err.code;
	jread->stop = true;
	jread->complete = false;
	if (len > 0)
		rc = jread_feed_piece(jread, data, len, ret_used);
	*ret_complete = rc == 0 && jread->complete;
	return rc;
}

static int fail_end(struct jread *r, const char *where)
{
	err_set(&r->err, EBADMSG, "ends inside %s", where);
	set_place(r, r->piece_at);
	return -EBADMSG;
}

int jread_finish(struct jread *jread)
{
	static const char *const inside[] = {
		[TOKEN_STRING] = "a string", [TOKEN_NUMBER] = "a number", [TOKEN_LITERAL] = "a word"
	};

	if (jread->err.code != 0)
		return -jread->err.code;
	if (jread->token == TOKEN_NUMBER && jread->depth == 0) {
		if (!jread_number_done(jread))
			return -jread->err.code;
		value_done(jread);
	}
	if (jread->token != TOKEN_NONE)
		return fail_end(jread, inside[jread->token]);
	if (jread->depth > 0)
		return fail_end(jread, jread->nesting & 1 ? "an object" : "an array");
	if (jread->mode == JREAD_ONE && jread->state == STATE_TOP) {
		err_set(&jread->err, EBADMSG, "empty: no value in it");
		set_place(jread, jread->piece_at);
		return -EBADMSG;
	}
	return 0;
}

const char *jread_event_name(enum jread_event event)
{
	switch (event) {
	case JREAD_OBJECT:
	case JREAD_OBJECT_END:
		return "an object";
	case JREAD_ARRAY:
	case JREAD_ARRAY_END:
		return "a list";
	case JREAD_KEY:
	case JREAD_STRING:
		return "a string";
	case JREAD_NUMBER:
		return "a number";
	case JREAD_TRUE:
	case JREAD_FALSE:
		return "a boolean";
	case JREAD_NULL:
		break;
	}
	return "null";
}
