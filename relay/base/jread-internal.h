/*
 * Inside jread: the reader's state, and what its files share. jread.c feeds, and reads tokens that
 * lie whole in a piece; jread_token.c reads tokens that do not, byte by byte; jread_number.c knows
 * the grammar of numbers; jread_state.c has the errors and the handler's answers. Each file uses
 * only those that stand behind it here.
 */
#ifndef TRACEPAGER_JREAD_INTERNAL_H
#define TRACEPAGER_JREAD_INTERNAL_H

#include "tracepager/buf.h"
#include "tracepager/jread.h"
#include "tracepager/limits.h"

#if defined(__SSE2__) && !defined(JREAD_PORTABLE)
#include <emmintrin.h>
#define JREAD_SSE2 1
#else
#define JREAD_SSE2 0
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define LIKELY(x)     __builtin_expect(!!(x), 1)
#define UNLIKELY(x)   __builtin_expect(!!(x), 0)

/* struct jread has one bit for each open container. */
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
	STRING_UTF8,	  /* inside a UTF-8 sequence: utf8_left bytes are missing */
	STRING_ESCAPE,	  /* behind a backslash */
	STRING_HEX,	  /* behind \u: hex_left digits are missing */
	STRING_LOW_SLASH, /* behind a high surrogate: a backslash must follow */
	STRING_LOW_U,	  /* and then a u */
};

struct jread_pairs;
struct jread_head;

struct jread {
	jread_handler *handler;
	void *ctx;
	enum jread_mode mode;
	enum state state;
	enum token token;
	bool quiet;    /* no event is reported until a value is complete at wake_depth */
	bool wake_end; /* while quiet: the end of the container that ends the quiet is reported */
	int wake_depth;
	bool skip_value; /* the next value is not reported */
	bool stop;	 /* jread_feed_value(): stop behind a top-level value */
	bool repairs;	 /* a bad character becomes U+FFFD */
	uint64_t repaired;
	bool complete; /* since then a top-level value is complete */
	int depth;
	uint64_t nesting; /* a bit for each open container, the innermost lowest: 1 is an object */

	/* Places count bytes from the document's start. */
	const char *piece; /* the piece that is being read */
	uint64_t piece_at;
	uint64_t line_at; /* where the current line starts */
	int line;

	/* The token that jread_token.c reads. */
	uint64_t token_at;
	size_t token_len;  /* bytes of the token that were read, without quotes */
	bool is_key, mute; /* mute: the token is not reported */
	bool again;	   /* the byte ended what was wrong and is read once more, as plain text */
	enum string_state string_state;
	uint8_t utf8_left, utf8_held, utf8_min, utf8_max, hex_left;
	uint32_t hex, high;
	const char *literal;
	struct buf hold;

	/* Open containers that are read by the pattern: a bit for each depth. */
	uint64_t pair_depths;
	struct jread_pairs *pairs;		       /* NULL: there is no pattern */
	uint8_t pair_patterns[LIMIT_DEPTH];	       /* of these containers */
	struct jread_head *pair_heads[JREAD_PATTERNS]; /* of the pair that was read last */

	struct err err;
};

static inline uint64_t place_of(const struct jread *r, const char *p)
{
	return r->piece_at + (uint64_t)(p - r->piece);
}

static inline void set_place(struct jread *r, uint64_t at)
{
	r->err.line = r->line;
	r->err.column = (int)(at - r->line_at + 1);
}

/* jread_state.c. jread_fail*() set code, text and place, and return NULL, as a reading position. */
const char *jread_fail(struct jread *r, uint64_t at, int code, const char *text);
const char *jread_fail_byte(struct jread *r, uint64_t at, unsigned char c, const char *wanted);
const char *jread_fail_token_size(struct jread *r);
bool jread_take_answer(struct jread *r, enum jread_event event, int answer, uint64_t at);

/* jread_token.c: begins a token that is read byte by byte and may go on in the next piece. */
void jread_string_begin(struct jread *r, uint64_t at, bool is_key, bool mute);
void jread_number_begin(struct jread *r, const char *p, bool mute);
void jread_literal_begin(struct jread *r, const char *p, bool mute);
/* Reads on in the token. The place behind the token, and token is TOKEN_NONE; end, where the token
 * goes on; NULL: failed. */
const char *jread_token_read(struct jread *r, const char *p, const char *end);
/* The number ends here: checks and reports it. false: failed. */
bool jread_number_done(struct jread *r);

/* jread_pairs.c: the innermost container, which begins, is read by the pattern. */
void jread_pairs_begin(struct jread *r, unsigned int pattern);
/* Reads pairs from p on, at which one may begin. *ret_other: at the place that is returned another
 * member or element begins, or the piece ends; else no comma follows the last pair. */
const char *jread_pairs_read(struct jread *r, const char *p, const char *end, bool *ret_other);

/* jread_number.c: checks a number; text is all the characters that a number may have. false:
 * failed. */
bool jread_number_ok(struct jread *r, const char *text, size_t len, uint64_t at);

/* Skips the rest of the container that is open now: reports no event of it, not even its end. */
static inline void begin_quiet(struct jread *r)
{
	r->skip_value = false;
	r->quiet = true;
	r->wake_depth = r->depth - 1;
	r->wake_end = false;
}

/* The bit of the innermost open container. */
static inline uint64_t depth_bit(const struct jread *r)
{
	return UINT64_C(1) << (r->depth - 1);
}

/* Reports an event. at: where its token starts. false: failed. */
static inline bool report_event(struct jread *r, enum jread_event event, const char *text,
				size_t len, uint64_t at)
{
	int answer = r->handler(r->ctx, event, text, len);

	return LIKELY(answer == JREAD_GO) || jread_take_answer(r, event, answer, at);
}

/* A value is complete: sets the state behind it. */
static inline void value_done(struct jread *r)
{
	if (r->depth > 0) {
		r->state = STATE_AFTER;
		return;
	}
	r->complete = true;
	r->state = r->mode == JREAD_ONE ? STATE_DONE : STATE_TOP;
}

static inline enum jread_event literal_event(char c)
{
	return c == 't' ? JREAD_TRUE : c == 'f' ? JREAD_FALSE : JREAD_NULL;
}

static inline const char *literal_text(char c)
{
	return c == 't' ? "true" : c == 'f' ? "false" : "null";
}

/* From the first byte of a UTF-8 sequence: how many bytes follow, and the bounds of the second
 * (Unicode, table 3-7). 0: no sequence begins so. */
static inline int utf8_lead(unsigned char c, uint8_t *ret_min, uint8_t *ret_max)
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

static inline uint64_t load64(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

#define ONES	   UINT64_C(0x0101010101010101)
#define HIGHS	   UINT64_C(0x8080808080808080)
#define ZERO_IN(x) (((x)-ONES) & ~(x)&HIGHS)

/* Sets the high bit of each byte that is a quote, a backslash, a control character or not ASCII.
 * Exact up to the first such byte; behind it a borrow may set further bits. */
static inline uint64_t special_in(uint64_t word)
{
	return ZERO_IN(word ^ (ONES * '"')) | ZERO_IN(word ^ (ONES * '\\')) |
	       ((word - ONES * 0x20) & HIGHS) | (word & HIGHS);
}

static inline bool is_special(char c)
{
	return (unsigned char)c < 0x20 || (unsigned char)c >= 0x80 || c == '"' || c == '\\';
}

/* The first byte that is special (see is_special()), or end. */
ALWAYS_INLINE const char *scan_plain(const char *p, const char *end)
{
#if JREAD_SSE2
	while (end - p >= 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* The comparison is signed: a byte that is not ASCII is negative. */
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

static inline bool is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

static inline bool is_number_char(char c)
{
	return is_digit(c) || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-';
}

/* Are all eight bytes digits? The upper half of a digit is 3, also when 6 is added. */
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

#endif
