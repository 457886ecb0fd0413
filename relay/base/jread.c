/*
 * Jread: the streaming JSON reader of jread.h.
 *
 * Two speeds. A token that lies whole in the piece is found a word at a time and reported where it
 * lies. A token that the end of a piece cuts, and a string with escapes, goes byte by byte through
 * a state that outlives the piece, into a hold buffer. What is wrong is judged by the slow way
 * alone, so that pieces change neither the verdict nor its place. White space, brackets, colons and
 * commas are one byte each and need no state but what may come next.
 *
 * One function, run(), is compiled twice: with events, and quiet for what the handler skips.
 *
 * It refuses to guess: nothing beyond RFC 8259 is read. It owns the hold buffer and nothing else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/jread.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#if defined(__SSE2__) && !defined(JREAD_PORTABLE)
#include <emmintrin.h>
#define JREAD_SSE2 1
#else
#define JREAD_SSE2 0
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define LIKELY(x)     __builtin_expect(!!(x), 1)
#define UNLIKELY(x)   __builtin_expect(!!(x), 0)

/* The bit stack has one bit per open container. */
_Static_assert(LIMIT_DEPTH <= 64, "nesting is one word");

/* What may come next. */
enum state {
	STATE_TOP,	   /* a value of the top level, or the end */
	STATE_DONE,	   /* the end */
	STATE_VALUE,	   /* a value */
	STATE_FIRST_VALUE, /* behind [: a value or ] */
	STATE_KEY,	   /* behind a comma: a key */
	STATE_FIRST_KEY,   /* behind {: a key or } */
	STATE_COLON,
	STATE_AFTER, /* behind a value: a comma or the end of its container */
};

/* A token that is not complete yet. */
enum token {
	TOKEN_NONE,
	TOKEN_STRING,
	TOKEN_NUMBER,
	TOKEN_LITERAL,
};

/* Where inside a string. */
enum string_state {
	STRING_PLAIN,
	STRING_UTF8,	  /* inside a sequence: utf8_left bytes are missing */
	STRING_ESCAPE,	  /* behind a backslash */
	STRING_HEX,	  /* behind \u: hex_left digits are missing */
	STRING_LOW_SLASH, /* behind a high surrogate: \ */
	STRING_LOW_U,	  /* ... and u */
};

struct jread {
	jread_handler *handler;
	void *ctx;
	enum jread_mode mode;
	enum state state;
	enum token token;
	bool quiet;	 /* what follows is not reported ... */
	bool wake_end;	 /* ... but the end of the container that wakes us is */
	int wake_depth;	 /* ... until a value is complete at this depth */
	bool skip_value; /* the next value is not reported */
	bool stop;	 /* jread_feed_value(): stop behind a top-level value */
	bool complete;	 /* ... there it is */
	int depth;
	uint64_t nesting; /* lowest bit: the innermost container is an object */

	const char *piece; /* the piece in work, and its place in the document */
	uint64_t piece_at;
	uint64_t line_at; /* where the current line starts */
	int line;

	/* The token in work. */
	uint64_t token_at;
	size_t token_len; /* bytes of it that were read, without quotes */
	bool is_key, mute;
	enum string_state string_state;
	uint8_t utf8_left, utf8_min, utf8_max, hex_left;
	uint32_t hex, high;
	const char *literal;
	struct buf hold;

	struct err err;
};

/* --- Life --- */

struct jread *jread_new(enum jread_mode mode, jread_handler *handler, void *ctx)
{
	struct jread *r = xcalloc(1, sizeof(*r));

	r->mode = mode;
	r->handler = handler;
	r->ctx = ctx;
	buf_init(&r->hold, LIMIT_TOKEN_BYTES + 1);
	jread_reset(r);
	return r;
}

void jread_free(struct jread *jread)
{
	if (jread == NULL)
		return;
	buf_fini(&jread->hold);
	free(jread);
}

void jread_reset(struct jread *jread)
{
	struct jread fresh = { .mode = jread->mode,
			       .handler = jread->handler,
			       .ctx = jread->ctx,
			       .line = 1,
			       .hold = jread->hold };

	*jread = fresh;
	buf_reset(&jread->hold);
}

struct err *jread_err(struct jread *jread)
{
	return &jread->err;
}

int jread_depth(const struct jread *jread)
{
	return jread->depth;
}

/* --- Errors --- */

static uint64_t place_of(const struct jread *r, const char *p)
{
	return r->piece_at + (uint64_t)(p - r->piece);
}

static void set_place(struct jread *r, uint64_t at)
{
	r->err.line = r->line;
	r->err.column = (int)(at - r->line_at + 1);
}

/* The functions that fail return NULL, as a reading position. */
static const char *fail(struct jread *r, uint64_t at, int code, const char *text)
{
	err_set(&r->err, code, "%s", text);
	set_place(r, at);
	return NULL;
}

static const char *fail_byte(struct jread *r, uint64_t at, unsigned char c, const char *wanted)
{
	if (c > ' ' && c < 0x7f)
		err_set(&r->err, EBADMSG, "'%c' where %s belongs", c, wanted);
	else
		err_set(&r->err, EBADMSG, "byte 0x%02x where %s belongs", c, wanted);
	set_place(r, at);
	return NULL;
}

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
		return fail(r, at, EBADMSG, "a byte order mark; JSON has none");
	if (r->state == STATE_AFTER)
		return fail_byte(r, at, c, r->nesting & 1 ? "',' or '}'" : "',' or ']'");
	return fail_byte(r, at, c, wanted[r->state]);
}

static const char *fail_token_size(struct jread *r)
{
	err_set(&r->err, E2BIG, "a string or number of more than %u bytes", LIMIT_TOKEN_BYTES);
	set_place(r, r->token_at);
	return NULL;
}

/* --- What the handler answers --- */

/* Into the container that is open now, without events, neither its end. */
static void begin_quiet(struct jread *r)
{
	r->skip_value = false;
	r->quiet = true;
	r->wake_depth = r->depth - 1;
	r->wake_end = false;
}

/* Judges an answer that is not JREAD_GO. at: where the event's token starts. false: the handler has
 * failed us. */
static bool take_answer(struct jread *r, enum jread_event event, int answer, uint64_t at)
{
	if (answer < 0) {
		if (r->err.text[0] == '\0')
			err_set(&r->err, -answer, "refused");
		r->err.code = -answer;
		set_place(r, at);
		return false;
	}
	if (answer == JREAD_SKIP_REST && r->depth > 0 && event != JREAD_OBJECT_END &&
	    event != JREAD_ARRAY_END) {
		r->quiet = true;
		r->wake_depth = r->depth - 1;
		r->wake_end = true;
	} else if (answer == JREAD_SKIP && event == JREAD_KEY) {
		r->skip_value = true;
	} else if (answer == JREAD_SKIP && (event == JREAD_OBJECT || event == JREAD_ARRAY)) {
		begin_quiet(r);
	}
	return true;
}

static bool report(struct jread *r, enum jread_event event, const char *text, size_t len,
		   uint64_t at)
{
	int answer = r->handler(r->ctx, event, text, len);

	return LIKELY(answer == JREAD_GO) || take_answer(r, event, answer, at);
}

/* --- Finding the end of plain text --- */

static inline uint64_t load64(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

#define ONES	   UINT64_C(0x0101010101010101)
#define HIGHS	   UINT64_C(0x8080808080808080)
#define ZERO_IN(x) (((x)-ONES) & ~(x)&HIGHS)

/* High bits where a byte is a quote, a backslash, a control character or not ASCII; exact up to the
 * first of them. */
static inline uint64_t special_in(uint64_t word)
{
	return ZERO_IN(word ^ (ONES * '"')) | ZERO_IN(word ^ (ONES * '\\')) |
	       ((word - ONES * 0x20) & HIGHS) | (word & HIGHS);
}

static inline bool is_special(char c)
{
	return (unsigned char)c < 0x20 || (unsigned char)c >= 0x80 || c == '"' || c == '\\';
}

/* The first byte that is not plain ASCII text of a string, or end. */
ALWAYS_INLINE const char *scan_plain(const char *p, const char *end)
{
#if JREAD_SSE2
	while (end - p >= 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* signed: what is not ASCII is negative */
		__m128i hit = _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(0x20)),
					   _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
							_mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));
		unsigned int mask = (unsigned int)_mm_movemask_epi8(hit);

		if (mask != 0)
			return p + __builtin_ctz(mask);
		p += 16;
	}
#endif
	while (end - p >= 8) {
		uint64_t hit = special_in(load64(p));

		if (hit != 0) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			return p + (__builtin_ctzll(hit) >> 3);
#else
			break;
#endif
		}
		p += 8;
	}
	while (p < end && !is_special(*p))
		p++;
	return p;
}

/* --- Strings, slowly --- */

static void string_begin(struct jread *r, uint64_t at, bool is_key, bool mute)
{
	r->token = TOKEN_STRING;
	r->token_at = at;
	r->token_len = 0;
	r->is_key = is_key;
	r->mute = mute;
	r->string_state = STRING_PLAIN;
	r->high = 0;
	buf_reset(&r->hold);
}

static void hold_add(struct jread *r, const char *text, size_t len)
{
	if (!r->mute)
		buf_add(&r->hold, text, len);
}

static void hold_code_point(struct jread *r, uint32_t c)
{
	char text[4];
	size_t len = 0;

	if (c < 0x80) {
		text[len++] = (char)c;
	} else if (c < 0x800) {
		text[len++] = (char)(0xc0 | c >> 6);
		text[len++] = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		text[len++] = (char)(0xe0 | c >> 12);
		text[len++] = (char)(0x80 | (c >> 6 & 0x3f));
		text[len++] = (char)(0x80 | (c & 0x3f));
	} else {
		text[len++] = (char)(0xf0 | c >> 18);
		text[len++] = (char)(0x80 | (c >> 12 & 0x3f));
		text[len++] = (char)(0x80 | (c >> 6 & 0x3f));
		text[len++] = (char)(0x80 | (c & 0x3f));
	}
	hold_add(r, text, len);
}

/* The first byte of a sequence: how many follow, and the bounds of the second (Unicode, table 3-7).
 */
static int utf8_lead(unsigned char c, uint8_t *ret_min, uint8_t *ret_max)
{
	*ret_min = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	*ret_max = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (c >= 0xc2 && c <= 0xdf)
		return 1;
	if (c >= 0xe0 && c <= 0xef)
		return 2;
	if (c >= 0xf0 && c <= 0xf4)
		return 3;
	return 0;
}

static int hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* Four hex digits are read. */
static const char *take_code_unit(struct jread *r, uint64_t at)
{
	uint32_t unit = r->hex;

	r->string_state = STRING_PLAIN;
	if (r->high != 0) {
		if (unit < 0xdc00 || unit > 0xdfff)
			return fail(r, at, EBADMSG, "a high surrogate without its low one");
		hold_code_point(r, 0x10000 + ((r->high - 0xd800) << 10) + (unit - 0xdc00));
		r->high = 0;
	} else if (unit >= 0xdc00 && unit <= 0xdfff) {
		return fail(r, at, EBADMSG, "a low surrogate without its high one");
	} else if (unit >= 0xd800 && unit <= 0xdbff) {
		r->high = unit;
		r->string_state = STRING_LOW_SLASH;
	} else {
		hold_code_point(r, unit);
	}
	return "";
}

static const char *take_escape(struct jread *r, unsigned char c, uint64_t at)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found = c != 0 ? strchr(from, c) : NULL;

	if (c == 'u') {
		r->string_state = STRING_HEX;
		r->hex_left = 4;
		r->hex = 0;
		return "";
	}
	if (found == NULL)
		return fail_byte(r, at, c, "an escape (one of \"\\/bfnrtu)");
	hold_add(r, &to[found - from], 1);
	r->string_state = STRING_PLAIN;
	return "";
}

/* A byte in the plain part that is neither plain ASCII nor the closing quote. */
static const char *take_special(struct jread *r, unsigned char c, uint64_t at)
{
	char byte = (char)c;

	if (c == '\\') {
		r->string_state = STRING_ESCAPE;
		return "";
	}
	if (c < 0x20) {
		err_set(&r->err, EBADMSG,
			"byte 0x%02x in a string; control characters must be escaped", c);
		set_place(r, at);
		return NULL;
	}
	r->utf8_left = (uint8_t)utf8_lead(c, &r->utf8_min, &r->utf8_max);
	if (r->utf8_left == 0) {
		err_set(&r->err, EBADMSG, "byte 0x%02x in a string is not UTF-8", c);
		set_place(r, at);
		return NULL;
	}
	r->string_state = STRING_UTF8;
	hold_add(r, &byte, 1);
	return "";
}

static const char *take_utf8(struct jread *r, unsigned char c, uint64_t at)
{
	char byte = (char)c;

	if (c < r->utf8_min || c > r->utf8_max) {
		err_set(&r->err, EBADMSG, "byte 0x%02x breaks a UTF-8 sequence", c);
		set_place(r, at);
		return NULL;
	}
	r->utf8_min = 0x80;
	r->utf8_max = 0xbf;
	hold_add(r, &byte, 1);
	if (--r->utf8_left == 0)
		r->string_state = STRING_PLAIN;
	return "";
}

/* One byte of a string, but plain text and the closing quote. NULL: failed. */
static const char *string_byte(struct jread *r, unsigned char c, uint64_t at)
{
	int digit;

	switch (r->string_state) {
	case STRING_PLAIN:
		return take_special(r, c, at);
	case STRING_UTF8:
		return take_utf8(r, c, at);
	case STRING_ESCAPE:
		return take_escape(r, c, at);
	case STRING_HEX:
		digit = hex_digit(c);
		if (digit < 0)
			return fail_byte(r, at, c, "a hexadecimal digit");
		r->hex = r->hex << 4 | (uint32_t)digit;
		return --r->hex_left > 0 ? "" : take_code_unit(r, at);
	case STRING_LOW_SLASH:
		if (c != '\\')
			return fail(r, at, EBADMSG, "a high surrogate without its low one");
		r->string_state = STRING_LOW_U;
		return "";
	case STRING_LOW_U:
		if (c != 'u')
			return fail(r, at, EBADMSG, "a high surrogate without its low one");
		r->string_state = STRING_HEX;
		r->hex_left = 4;
		r->hex = 0;
		return "";
	}
	return NULL;
}

/* Reads on in a string; returns behind its closing quote (token is TOKEN_NONE then), or end, or
 * NULL. */
static const char *string_read(struct jread *r, const char *p, const char *end)
{
	while (p < end) {
		if (r->string_state == STRING_PLAIN) {
			const char *q = scan_plain(p, end);

			r->token_len += (size_t)(q - p);
			if (r->token_len > LIMIT_TOKEN_BYTES)
				return fail_token_size(r);
			hold_add(r, p, (size_t)(q - p));
			p = q;
			if (p == end)
				break;
			if (*p == '"') {
				r->token = TOKEN_NONE;
				return p + 1;
			}
		}
		if (++r->token_len > LIMIT_TOKEN_BYTES)
			return fail_token_size(r);
		if (string_byte(r, (unsigned char)*p, place_of(r, p)) == NULL)
			return NULL;
		p++;
	}
	return end;
}

/* --- Strings, fast --- */

/* The first byte behind p that is not text: ASCII and UTF-8 that is right and whole. */
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

/* p: behind the opening quote. The closing quote of a string that is whole in the piece, needs no
 * decoding and is not too long; else NULL. */
ALWAYS_INLINE const char *string_end(const char *p, const char *end)
{
	const char *q = scan_plain(p, end);

	if (UNLIKELY(q < end && (unsigned char)*q >= 0x80))
		q = scan_utf8(q, end);
	if (UNLIKELY(q == end || *q != '"' || (size_t)(q - p) > LIMIT_TOKEN_BYTES))
		return NULL;
	return q;
}

/* --- Numbers --- */

static inline bool is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

static inline bool is_number_char(char c)
{
	return is_digit(c) || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-';
}

/* All eight bytes are digits: the upper half of each is 3, also when 6 is added. */
static inline bool eight_digits(uint64_t word)
{
	return (word & (ONES * 0xf0)) == ONES * 0x30 &&
	       ((word + ONES * 6) & (ONES * 0xf0)) == ONES * 0x30;
}

static inline const char *skip_digits(const char *p, const char *end)
{
	while (end - p >= 8 && eight_digits(load64(p)))
		p += 8;
	while (p < end && is_digit(*p))
		p++;
	return p;
}

/* The first byte that the grammar of numbers does not allow, or end where the number is right.
 * *ret_short: it is right as far as it goes. */
static const char *number_check(const char *p, const char *end, bool *ret_short)
{
	const char *digits;

	*ret_short = false;
	if (p < end && *p == '-')
		p++;
	digits = p;
	p = p < end && *p == '0' ? p + 1 : skip_digits(p, end);
	if (p == digits)
		goto missing;
	if (p < end && *p == '.') {
		digits = ++p;
		p = skip_digits(p, end);
		if (p == digits)
			goto missing;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		digits = p;
		p = skip_digits(p, end);
		if (p == digits)
			goto missing;
	}
	return p;
missing:
	*ret_short = p == end;
	return p;
}

/* text: every number character that was there. */
static bool number_ok(struct jread *r, const char *text, size_t len, uint64_t at)
{
	bool is_short;
	const char *bad;

	if (len > LIMIT_TOKEN_BYTES) {
		r->token_at = at;
		fail_token_size(r);
		return false;
	}
	bad = number_check(text, text + len, &is_short);
	if (bad == text + len && !is_short)
		return true;
	if (is_short)
		fail(r, at + len, EBADMSG, "a number ends where a digit belongs");
	else if (is_digit(*bad))
		fail(r, at + (uint64_t)(bad - text), EBADMSG, "a number with a leading zero");
	else
		fail_byte(r, at + (uint64_t)(bad - text), (unsigned char)*bad,
			  "a digit or the number's end");
	return false;
}

static bool number_done(struct jread *r)
{
	r->token = TOKEN_NONE;
	if (!number_ok(r, buf_text(&r->hold), r->hold.len, r->token_at))
		return false;
	return r->mute || report(r, JREAD_NUMBER, buf_text(&r->hold), r->hold.len, r->token_at);
}

static const char *number_read(struct jread *r, const char *p, const char *end)
{
	const char *q = p;

	while (q < end && is_number_char(*q))
		q++;
	if (r->hold.len + (size_t)(q - p) > LIMIT_TOKEN_BYTES)
		return fail_token_size(r);
	buf_add(&r->hold, p, (size_t)(q - p));
	if (q == end)
		return end;
	return number_done(r) ? q : NULL;
}

/* The end of a number that is whole in the piece; end: it may go on; NULL: failed. */
static const char *number_end(struct jread *r, const char *p, const char *end)
{
	const char *digits = *p == '-' ? p + 1 : p;
	const char *q = skip_digits(digits, end);

	if (q < end && !is_number_char(*q) && q > digits && (*digits != '0' || q == digits + 1) &&
	    q - p <= LIMIT_TOKEN_BYTES)
		return q;
	while (q < end && is_number_char(*q))
		q++;
	if (q < end && !number_ok(r, p, (size_t)(q - p), place_of(r, p)))
		return NULL;
	return q;
}

/* --- Literals --- */

static enum jread_event literal_event(char c)
{
	return c == 't' ? JREAD_TRUE : c == 'f' ? JREAD_FALSE : JREAD_NULL;
}

static const char *literal_text(char c)
{
	return c == 't' ? "true" : c == 'f' ? "false" : "null";
}

/* The end of a literal that is whole in the piece and right, else NULL. */
static inline const char *literal_end(const char *p, const char *end)
{
	size_t len = *p == 'f' ? 5 : 4;

	return (size_t)(end - p) >= len && memcmp(p, literal_text(*p), len) == 0 ? p + len : NULL;
}

static const char *literal_read(struct jread *r, const char *p, const char *end)
{
	for (; p < end; p++) {
		if (*p != r->literal[r->token_len])
			return fail_byte(r, place_of(r, p), (unsigned char)*p, r->literal);
		if (r->literal[++r->token_len] == '\0') {
			r->token = TOKEN_NONE;
			if (!r->mute && !report(r, literal_event(*r->literal), r->literal,
						r->token_len, r->token_at))
				return NULL;
			return p + 1;
		}
	}
	return end;
}

/* --- Tokens that are cut, or slow --- */

/* A value is complete: what is next. */
static void value_done(struct jread *r)
{
	if (r->depth > 0) {
		r->state = STATE_AFTER;
		return;
	}
	r->complete = true;
	r->state = r->mode == JREAD_ONE ? STATE_DONE : STATE_TOP;
}

static const char *token_read(struct jread *r, const char *p, const char *end)
{
	enum token token = r->token;

	if (token == TOKEN_STRING) {
		p = string_read(r, p, end);
		if (p == NULL || r->token != TOKEN_NONE)
			return p;
		if (!r->mute && !report(r, r->is_key ? JREAD_KEY : JREAD_STRING, buf_text(&r->hold),
					r->hold.len, r->token_at))
			return NULL;
		if (r->is_key) {
			r->state = STATE_COLON;
			return p;
		}
	} else {
		p = token == TOKEN_NUMBER ? number_read(r, p, end) : literal_read(r, p, end);
		if (p == NULL || r->token != TOKEN_NONE)
			return p;
	}
	r->skip_value = false;
	value_done(r);
	return p;
}

static void number_begin(struct jread *r, const char *p, bool mute)
{
	r->token = TOKEN_NUMBER;
	r->token_at = place_of(r, p);
	r->mute = mute;
	buf_reset(&r->hold);
}

static void literal_begin(struct jread *r, const char *p, bool mute)
{
	r->token = TOKEN_LITERAL;
	r->token_at = place_of(r, p);
	r->token_len = 0;
	r->mute = mute;
	r->literal = literal_text(*p);
}

/* --- Between the tokens --- */

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

static const char *open_container(struct jread *r, const char *p, bool is_object)
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

/* The handler did not say JREAD_GO: run() is left, so that it goes on in the way that was asked
 * for. */
static const char *answered(struct jread *r, enum jread_event event, int answer, const char *token,
			    const char *next)
{
	return take_answer(r, event, answer, place_of(r, token)) ? next : NULL;
}

#define NEXT_BYTE(expected)                                                                        \
	do {                                                                                       \
		if (UNLIKELY(p == end || (unsigned char)*p <= ' ')) {                              \
			p = skip_space(r, p, end);                                                 \
			if (p == end) {                                                            \
				r->state = (expected);                                             \
				return p;                                                          \
			}                                                                          \
		}                                                                                  \
	} while (0)

#define REPORT(event, text, len, expected, token, next)                                            \
	do {                                                                                       \
		int answer = quiet ? JREAD_GO : r->handler(r->ctx, (event), (text), (len));        \
		if (UNLIKELY(answer != JREAD_GO)) {                                                \
			r->state = (expected);                                                     \
			return answered(r, (event), answer, (token), (next));                      \
		}                                                                                  \
	} while (0)

static const char *run_quiet(struct jread *r, const char *p, const char *end);

/*
 * Reads on from a place between tokens: to the end of the piece, to a token that needs the slow
 * way, or to an answer that changes the way. Returns the place, or NULL. Kept in one function,
 * since the state is the place in the code.
 */
ALWAYS_INLINE const char *run(struct jread *r, const char *p, const char *const end,
			      const bool quiet)
{
	enum jread_event event;
	const char *token, *q;
	bool mute;

	switch (r->state) {
	case STATE_TOP:
	case STATE_VALUE:
		break;
	case STATE_DONE:
		NEXT_BYTE(STATE_DONE);
		return fail_state(r, p);
	case STATE_FIRST_VALUE:
		goto first_value;
	case STATE_KEY:
		goto key;
	case STATE_FIRST_KEY:
		goto first_key;
	case STATE_COLON:
		goto colon;
	case STATE_AFTER:
		goto after;
	}
	NEXT_BYTE(r->state);
value:
	NEXT_BYTE(STATE_VALUE);
	mute = quiet || r->skip_value;
	token = p;
	if (LIKELY(*p == '"')) {
		q = string_end(p + 1, end);
		if (UNLIKELY(q == NULL)) {
			string_begin(r, place_of(r, p), false, mute);
			return p + 1;
		}
		p = q + 1;
		event = JREAD_STRING;
		token++;
	} else if (*p == '{') {
		p = open_container(r, p, true);
		if (UNLIKELY(p == NULL))
			return NULL;
		if (UNLIKELY(r->skip_value)) {
			begin_quiet(r);
			r->state = STATE_FIRST_KEY;
			return p;
		}
		REPORT(JREAD_OBJECT, "", 0, STATE_FIRST_KEY, token, p);
		goto first_key;
	} else if (*p == '[') {
		p = open_container(r, p, false);
		if (UNLIKELY(p == NULL))
			return NULL;
		if (UNLIKELY(r->skip_value)) {
			begin_quiet(r);
			r->state = STATE_FIRST_VALUE;
			return p;
		}
		REPORT(JREAD_ARRAY, "", 0, STATE_FIRST_VALUE, token, p);
		goto first_value;
	} else if (is_digit(*p) || *p == '-') {
		q = number_end(r, p, end);
		if (UNLIKELY(q == NULL))
			return NULL;
		if (UNLIKELY(q == end)) {
			number_begin(r, p, mute);
			return p;
		}
		p = q;
		event = JREAD_NUMBER;
	} else if (*p == 't' || *p == 'f' || *p == 'n') {
		event = literal_event(*p);
		q = literal_end(p, end);
		if (UNLIKELY(q == NULL)) {
			literal_begin(r, p, mute);
			return p;
		}
		p = q;
	} else {
		r->state = STATE_VALUE;
		return fail_state(r, p);
	}
	if (!mute) {
		int answer = r->handler(r->ctx, event, token, (size_t)(q - token));

		if (UNLIKELY(answer != JREAD_GO)) {
			value_done(r);
			p = answered(r, event, answer, token - (event == JREAD_STRING), p);
			if (p == NULL || !r->quiet)
				return p;
			/* common enough to stay here: what is skipped is mostly short */
			p = run_quiet(r, p, end);
			if (p == NULL || r->quiet || r->state != STATE_AFTER)
				return p;
		}
	}
	r->skip_value = false;
after:
	if (UNLIKELY(r->depth == 0)) {
		value_done(r);
		return p;
	}
	NEXT_BYTE(STATE_AFTER);
	if (LIKELY(*p == ',')) {
		p++;
		if (r->nesting & 1)
			goto key;
		goto value;
	}
	if (UNLIKELY(*p != (r->nesting & 1 ? '}' : ']'))) {
		r->state = STATE_AFTER;
		return fail_state(r, p);
	}
close:
	token = p++;
	event = r->nesting & 1 ? JREAD_OBJECT_END : JREAD_ARRAY_END;
	r->nesting >>= 1;
	r->depth--;
	if (quiet && r->depth == r->wake_depth) {
		value_done(r);
		r->quiet = false;
		if (r->wake_end && !report(r, event, "", 0, place_of(r, token)))
			return NULL;
		return p;
	}
	REPORT(event, "", 0, STATE_AFTER, token, p);
	goto after;
first_value:
	NEXT_BYTE(STATE_FIRST_VALUE);
	if (*p == ']')
		goto close;
	goto value;
first_key:
	NEXT_BYTE(STATE_FIRST_KEY);
	if (*p == '}')
		goto close;
	if (UNLIKELY(*p != '"')) {
		r->state = STATE_FIRST_KEY;
		return fail_state(r, p);
	}
key:
	NEXT_BYTE(STATE_KEY);
	if (UNLIKELY(*p != '"')) {
		r->state = STATE_KEY;
		return fail_state(r, p);
	}
	token = p;
	q = string_end(p + 1, end);
	if (UNLIKELY(q == NULL)) {
		string_begin(r, place_of(r, p), true, quiet);
		return p + 1;
	}
	p = q + 1;
	if (!quiet) {
		int answer = r->handler(r->ctx, JREAD_KEY, token + 1, (size_t)(q - token - 1));

		if (answer == JREAD_SKIP) {
			r->skip_value = true;
		} else if (UNLIKELY(answer != JREAD_GO)) {
			r->state = STATE_COLON;
			return answered(r, JREAD_KEY, answer, token, p);
		}
	}
colon:
	NEXT_BYTE(STATE_COLON);
	if (UNLIKELY(*p != ':')) {
		r->state = STATE_COLON;
		return fail_state(r, p);
	}
	p++;
	goto value;
}

static const char *run_loud(struct jread *r, const char *p, const char *end)
{
	return run(r, p, end, false);
}

static const char *run_quiet(struct jread *r, const char *p, const char *end)
{
	return run(r, p, end, true);
}

/* --- Feeding --- */

static int feed(struct jread *r, const char *data, size_t len, size_t *ret_used)
{
	const char *p = data, *end = data + len;

	r->piece = data;
	while (p < end && !(r->stop && r->complete)) {
		if (r->token != TOKEN_NONE)
			p = token_read(r, p, end);
		else
			p = r->quiet ? run_quiet(r, p, end) : run_loud(r, p, end);
		if (p == NULL) {
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
	return feed(jread, data, len, &used);
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
		rc = feed(jread, data, len, ret_used);
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
		if (!number_done(jread))
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

/* --- Numbers, for handlers --- */

/* The value of len <= 18 digits. */
static int64_t digits_value(const char *text, size_t len)
{
	int64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value * 10 + (text[i] - '0');
	return value;
}

/* What follows e: saturated, so that it can be added to a length. */
static int64_t exponent_value(const char *p, const char *end)
{
	bool negative = p < end && *p == '-';
	int64_t value = 0;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	for (; p < end && is_digit(*p); p++)
		if (value < INT32_MAX)
			value = value * 10 + (*p - '0');
	return negative ? -value : value;
}

/* The general case: the digits without the point, then zeros by the exponent. */
static bool decimal_int64(const char *text, size_t len, bool negative, int64_t *ret)
{
	const char *end = text + len, *p;
	int64_t value = 0, zeros, point = 0; /* digits behind the point */
	int64_t trailing = 0; /* zeros at the end of what was read and not yet counted */
	bool behind = false;

	for (p = text; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			behind = true;
			continue;
		}
		point += behind;
		if (*p == '0') {
			trailing++;
			continue;
		}
		for (; value != 0 && trailing > 0; trailing--)
			if (__builtin_mul_overflow(value, 10, &value))
				return false;
		trailing = 0;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, *p - '0', &value))
			return false;
	}
	zeros = trailing - point + (p < end ? exponent_value(p + 1, end) : 0);
	for (; value != 0 && zeros > 0; zeros--)
		if (__builtin_mul_overflow(value, 10, &value))
			return false;
	if (value != 0 && zeros < 0)
		return false;
	if (!negative && value == INT64_MIN)
		return false;
	*ret = negative ? value : -value;
	return true;
}

bool jread_int64(const char *text, size_t len, int64_t *ret)
{
	bool negative = len > 0 && text[0] == '-', is_short;
	const char *digits = text + negative, *end = text + len;

	if (skip_digits(digits, end) == end && len - negative - 1 < 18) {
		*ret = digits_value(digits, len - negative);
		if (negative)
			*ret = -*ret;
		return true;
	}
	if (number_check(text, end, &is_short) != end || is_short)
		return false;
	return decimal_int64(digits, len - negative, negative, ret);
}

bool jread_double(const char *text, size_t len, double *ret)
{
	char small[64];
	char *copy = small, *rest;
	bool is_short;

	if (number_check(text, text + len, &is_short) != text + len || is_short)
		return false;
	if (len >= sizeof(small))
		copy = xstrndup(text, len);
	else
		memcpy(small, text, len);
	copy[len] = '\0';
	*ret = strtod(copy, &rest);
	if (copy != small)
		free(copy);
	return true;
}
