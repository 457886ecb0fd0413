/*
 * For the tests of encodings: a document is decoded whole and in pieces of one byte, which must
 * give the same, and the spans that came out are written down, one a line.
 */
#ifndef TESTS_DECODE_KIT_H
#define TESTS_DECODE_KIT_H

#include <check.h>

#include "tracepager/trace_decoder.h"

/* Decodes documents, each a page of the next (the last is followed by NULL). Extra names: "team".
 */
int decode_pages(enum trace_encoding encoding, const char *const *pages);
int decode(enum trace_encoding encoding, const char *document);
void decode_teardown(void); /* a fixture: frees what was decoded */

/*
 * What the last decoding gave: of each trace its id (and "partial"), then its spans in the order of
 * the document, "ID PARENT SERVICE KIND START+DURATION STATUS NAME: MESSAGE". Parents that are not
 * there are in brackets, none is "-". Of one that failed: its error.
 */
const char *decoded(void);
/* An attribute of a span, by the span's id; "" where it has none. */
const char *decoded_attr(const char *id, unsigned int key);
/* The same of its resource. */
const char *decoded_resource(const char *id, const char *name);

#endif
