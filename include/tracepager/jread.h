/*
 * Jread: a streaming JSON reader. The caller feeds bytes as they arrive, in pieces of any size. The
 * sizes of the pieces change nothing: a document gives the same events, or the same error at the
 * same place, fed whole or byte by byte.
 *
 * Strict RFC 8259: it refuses what is no UTF-8, lone surrogates (but see jread_repair()), trailing
 * commas, a byte order mark, and nesting or tokens over their caps (LIMIT_DEPTH,
 * LIMIT_TOKEN_BYTES). It builds no tree, keeps no body and does not recurse: it copies only a token
 * that the end of a piece cuts, and a string with escapes. It does not check keys for duplicates.
 *
 * It calls the handler once per event. Keys and strings are decoded: a pointer and a length,
 * borrowed until the handler returns; they may hold NUL bytes (\u0000). Numbers are given as their
 * text, for jread_int64() and jread_double(). A reader owns its hold buffer; ctx is borrowed. One
 * thread at a time may use a reader.
 */
#ifndef TRACEPAGER_JREAD_H
#define TRACEPAGER_JREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tracepager/err.h"

enum jread_event {
	JREAD_OBJECT,
	JREAD_OBJECT_END,
	JREAD_ARRAY,
	JREAD_ARRAY_END,
	JREAD_KEY,
	JREAD_STRING,
	JREAD_NUMBER,
	JREAD_TRUE,
	JREAD_FALSE,
	JREAD_NULL,
};

/*
 * What a handler answers:
 * JREAD_GO: report the next event.
 * JREAD_SKIP, after JREAD_KEY, JREAD_OBJECT or JREAD_ARRAY: check the value, and report no event of
 * it, not even its end.
 * JREAD_SKIP_REST, inside a container, not at the end of one: check the rest of the innermost open
 * container; its end is the next event.
 * JREAD_PAIRS + i, after JREAD_OBJECT or JREAD_ARRAY: its members or elements are pairs; try
 * pattern i of jread_pairs_set() for each, and report the events of those that it does not fit.
 * -errno: stop. The reader fails with this code, and with the text that the handler has put into
 * the reader's err, if any.
 */
#define JREAD_GO	0
#define JREAD_SKIP	1
#define JREAD_SKIP_REST 2
#define JREAD_PAIRS	3
typedef int jread_handler(void *ctx, enum jread_event event, const char *text, size_t len);

struct jread;

enum jread_mode {
	JREAD_ONE,	/* one value, then only white space */
	JREAD_SEQUENCE, /* any number of values, with white space or nothing between them */
};

struct jread *jread_new(enum jread_mode mode, jread_handler *handler, void *ctx);
void jread_free(struct jread *jread);  /* takes NULL */
void jread_reset(struct jread *jread); /* for another document; keeps memory and jread_repair() */
/* From now on a string may hold bytes that are not UTF-8, and lone surrogates: each becomes U+FFFD
 * instead of failing (each longest part of a sequence becomes one). jread_repaired() counts them,
 * also in values that the handler skips. */
void jread_repair(struct jread *jread);
uint64_t jread_repaired(const struct jread *jread);

/*
 * Pairs of a key and a value, such as the members or the tags of a span, whose writers always use
 * the same bytes around both: the short way to read them, without an event. A pair that differs
 * from all forms in any byte is reported by its events, as is one whose strings have escapes or
 * bytes that are not ASCII, or that the end of a piece cuts; so a handler must understand both.
 */
struct jread_word {
	const char *text; /* borrowed for the call */
	size_t len;
};
struct jread_pair {
	int key;		/* what the form's key() answered */
	enum jread_event event; /* JREAD_STRING, _NUMBER (an integer), _TRUE, _FALSE or _NULL */
	const char *text;	/* the value, as in the event */
	size_t len;
	const char *head; /* where the pair begins */
};
#define JREAD_WORDS 2
struct jread_form {
	/* The bytes before the value. An asterisk stands for the text of a string, up to its quote;
	 * at most JREAD_WORDS of them. */
	const char *head;
	const char *tail; /* the bytes behind the value */
	/* What a head means: a number for take(), or one of the answers below. Asked once for many
	 * pairs: the answer may depend on nothing but the words. */
	int (*key)(void *ctx, const struct jread_word words[JREAD_WORDS]);
	/* Takes a pair. false: it was not taken, report its events. */
	bool (*take)(void *ctx, const struct jread_pair *pair);
	/* May be NULL. Takes a pair of which only the first byte of the value, a brace, was read:
	 * pair->text has it and pair->len bytes of the piece. The size of the value, if these bytes
	 * were read as events before and the same follows from them; 0: report its events. */
	size_t (*object)(void *ctx, const struct jread_pair *pair);
};
#define JREAD_PAIR_UNWANTED (-1) /* check the value, and do not report it */
#define JREAD_PAIR_OTHER    (-2) /* report the events of the pair */
/* The form has no tail; an empty list, or object, is not reported; else as _OTHER. */
#define JREAD_PAIR_LIST	  (-3)
#define JREAD_PAIR_OBJECT (-4)
struct jread_pattern {
	const struct jread_form
		*forms; /* in the order in which they are tried; the last has no head */
};
#define JREAD_PATTERNS 4 /* at most */
/* Sets the patterns, once per reader. patterns: borrowed, must outlive the reader. */
void jread_pairs_set(struct jread *jread, const struct jread_pattern *patterns);

/* Reads a piece. 0, or -errno with text and place in jread_err(); after an error every further call
 * gives the same error. -EBADMSG: not JSON. -E2BIG: over a cap (nesting, token). Others are the
 * handler's. */
int jread_feed(struct jread *jread, const char *data, size_t len);
/* The document ends here: 0, or -EBADMSG where it is incomplete ("ends inside a string"). */
int jread_finish(struct jread *jread);
/* As jread_feed(), but stops behind the first complete top-level value: *ret_used bytes were read,
 * and *ret_complete tells whether a value is complete. A number at top level is complete only when
 * a byte follows it. */
int jread_feed_value(struct jread *jread, const char *data, size_t len, size_t *ret_used,
		     bool *ret_complete);

/* The reader's error, borrowed. Line and column are 1-based, the column counts bytes. A handler may
 * write its text there. */
struct err *jread_err(struct jread *jread);
/* How many containers are open; in a handler of JREAD_OBJECT or JREAD_ARRAY that one counts. */
int jread_depth(const struct jread *jread);

/* What a value is, for an error text: "an object", "a list", "a number" … */
const char *jread_event_name(enum jread_event event);

/* The value of a JREAD_NUMBER. An integer may be written as 1.0 or 1e3; false: a fraction, more
 * than 64 bits, or no number. Pure. */
bool jread_int64(const char *text, size_t len, int64_t *ret);
/* false: no number. Too large a number gives infinity. Pure. */
bool jread_double(const char *text, size_t len, double *ret);

/* Are both texts, of len bytes, equal? As memcmp(), whose call costs more than comparing a key. */
static inline bool jread_same(const char *a, const char *b, size_t len)
{
	uint64_t x, y;
	size_t i = 0;

	if (len < 8) {
		for (; i < len; i++)
			if (a[i] != b[i])
				return false;
		return true;
	}
	/* The last eight bytes may overlap those before them. */
	for (;; i += 8) {
		if (i + 8 > len)
			i = len - 8;
		memcpy(&x, a + i, sizeof(x));
		memcpy(&y, b + i, sizeof(y));
		if (x != y)
			return false;
		if (i + 8 == len)
			return true;
	}
}

/* Compares a key without a copy: jread_is(text, len, "spanID"). */
#define jread_is(text, len, literal)                                                               \
	((len) == sizeof(literal) - 1 && memcmp((text), (literal), sizeof(literal) - 1) == 0)

#endif
