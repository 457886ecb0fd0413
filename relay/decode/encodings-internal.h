/*
 * What several trace encodings do alike with single values. Pure: any thread may call.
 */
#ifndef TRACEPAGER_FETCH_ENCODINGS_INTERNAL_H
#define TRACEPAGER_FETCH_ENCODINGS_INTERNAL_H

#include "tracepager/jread.h"
#include "tracepager/trace_decoder.h"

/* jread_feed() and jread_finish(), with the reader's error in err (NULL: not wanted). */
int trace_jread_feed(struct jread *jread, const char *data, size_t len, struct err *err);
int trace_jread_finish(struct jread *jread, struct err *err);

/* Microseconds, as a number of JSON; some writers have fractions. Saturates; 0 where it is no
 * number. */
int64_t trace_time_us(const char *text, size_t len);

/* Old writers have zeros, or nothing, where there is no parent. */
bool trace_id_is_zero(const char *text, size_t len);

/* Begins as a trace in protobuf does, and with bytes that JSON never has: line feeds end no lines
 * then. */
bool trace_is_protobuf(const char *data, size_t len);

#endif
