/*
 * Jread: a streaming JSON reader. Bytes are fed as they arrive, in pieces of any size; the same
 * events come out, with the same error at the same place, whether a document comes whole or one
 * byte at a time.
 *
 * Strict RFC 8259: UTF-8 checked, escapes decoded, lone surrogates refused, no trailing commas, no
 * byte order mark. No tree and no body buffer: only a token that is cut by the end of a piece, or a
 * string with escapes, is copied. Nesting and token size are capped; nothing recurses.
 *
 * The handler is called once per event. Keys and strings come decoded (pointer and length, valid
 * during the call only; they may hold NUL bytes from \u0000). Numbers come as their text;
 * jread_int64() and jread_double() read them.
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
 * What a handler answers: JREAD_GO; JREAD_SKIP, allowed after JREAD_KEY, JREAD_OBJECT and
 * JREAD_ARRAY: the value is checked, but no event of it is reported, neither its end;
 * JREAD_SKIP_REST, allowed inside a container after all but the end of one: the rest of the
 * innermost container is checked, and its end is the next event; or -errno to stop: the reader then
 * fails with that code and the text that the handler put into the reader's err, if any.
 */
#define JREAD_GO	0
#define JREAD_SKIP	1
#define JREAD_SKIP_REST 2
typedef int jread_handler(void *ctx, enum jread_event event, const char *text, size_t len);

struct jread;

enum jread_mode {
	JREAD_ONE,	/* one value, then only white space */
	JREAD_SEQUENCE, /* any number of values, with white space or nothing between them */
};

struct jread *jread_new(enum jread_mode mode, jread_handler *handler, void *ctx);
void jread_free(struct jread *jread);  /* takes NULL */
void jread_reset(struct jread *jread); /* for another document; keeps memory */

/* 0, or -errno with the place in jread_err(); after an error every further call gives the same
 * error. EBADMSG: not JSON. E2BIG: over a cap (depth, token). Anything else is the handler's. */
int jread_feed(struct jread *jread, const char *data, size_t len);
/* The document is over: 0, or -EBADMSG where it was cut ("ends inside a string"). */
int jread_finish(struct jread *jread);
/* As jread_feed(), but stops behind the first complete top-level value; *ret_used is how much was
 * eaten. A number at top level is complete only when something follows it. *ret_complete tells
 * whether a value was completed. */
int jread_feed_value(struct jread *jread, const char *data, size_t len, size_t *ret_used,
		     bool *ret_complete);

/* The reader's error (line and column 1-based, the column counted in bytes); a handler may write
 * its text there. */
struct err *jread_err(struct jread *jread);
/* Containers that are open now; inside a handler of OBJECT or ARRAY, that one included. */
int jread_depth(const struct jread *jread);

/* What a value is, for an error: "an object", "a list", "a number" … */
const char *jread_event_name(enum jread_event event);

/* Text of a JREAD_NUMBER event. Integers may be written as 1.0 or 1e3; fractions and what exceeds
 * 64 bits fail. */
bool jread_int64(const char *text, size_t len, int64_t *ret);
bool jread_double(const char *text, size_t len, double *ret); /* saturates to infinity */

/* For dispatch on a key without copying: jread_is(text, len, "spanID"). */
#define jread_is(text, len, literal)                                                               \
	((len) == sizeof(literal) - 1 && memcmp((text), (literal), sizeof(literal) - 1) == 0)

#endif
