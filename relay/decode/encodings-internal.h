/*
 * What several trace encodings do alike: single values, and the ends of reading. Pure: any thread
 * may call. Owns nothing.
 */
#ifndef TRACEPAGER_DECODE_ENCODINGS_INTERNAL_H
#define TRACEPAGER_DECODE_ENCODINGS_INTERNAL_H

#include "tracepager/jread.h"
#include "tracepager/limits.h"
#include "tracepager/trace_decoder.h"

/* A reader of traces. It repairs: one bad character in a message must not cost the whole trace, so
 * a byte that is no UTF-8 and half of a surrogate pair become U+FFFD. */
struct jread *trace_jread_new(enum jread_mode mode, jread_handler *handler, void *ctx);
/* jread_feed() and jread_finish(); an error of the reader is copied to err (NULL: not wanted). */
int trace_jread_feed(struct jread *jread, const char *data, size_t len, struct err *err);
int trace_jread_finish(struct jread *jread, struct err *err);

/* A JSON number, in microseconds; some writers have fractions. Saturates at 64 bits; 0 if the text
 * is no number. */
int64_t trace_time_us(const char *text, size_t len);

/* The length of a number as it is kept: writers that hold all numbers as doubles (Gson, Lua,
 * MessagePack bridges) write 503 as 503.0. */
static inline size_t trace_number_len(const char *text, size_t len)
{
	return len > 2 && text[len - 1] == '0' && text[len - 2] == '.' ? len - 2 : len;
}

/* Is the id empty or all zeros? Old writers fill a missing parent with zeros. */
bool trace_id_is_zero(const char *text, size_t len);

/* The message of an answer that is an error: one line, cut. */
void trace_error_text(const char *text, size_t len, char message[LIMIT_ERROR_MESSAGE_BYTES]);
/* Sets err to that message. code: 0 where the answer has none. -EBADMSG. */
int trace_error_fail(struct err *err, const char *message, int64_t code);

/* Does the data begin like a trace in protobuf, and has it bytes that JSON never has? Then line
 * feeds separate nothing. */
bool trace_is_protobuf(const char *data, size_t len);

#endif
