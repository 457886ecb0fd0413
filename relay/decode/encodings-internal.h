/*
 * What several trace encodings do alike: single values, and the ends of reading. Pure: any thread
 * may call. Owns nothing.
 */
#ifndef TRACEPAGER_DECODE_ENCODINGS_INTERNAL_H
#define TRACEPAGER_DECODE_ENCODINGS_INTERNAL_H

#include "tracepager/jread.h"
#include "tracepager/trace_decoder.h"

/* jread_feed() and jread_finish(); an error of the reader is copied to err (NULL: not wanted). */
int trace_jread_feed(struct jread *jread, const char *data, size_t len, struct err *err);
int trace_jread_finish(struct jread *jread, struct err *err);

/* A JSON number, in microseconds; some writers have fractions. Saturates at 64 bits; 0 if the text
 * is no number. */
int64_t trace_time_us(const char *text, size_t len);

/* Is the id empty or all zeros? Old writers fill a missing parent with zeros. */
bool trace_id_is_zero(const char *text, size_t len);

/* Does the data begin like a trace in protobuf, and has it bytes that JSON never has? Then line
 * feeds separate nothing. */
bool trace_is_protobuf(const char *data, size_t len);

#endif
