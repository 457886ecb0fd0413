/*
 * For tests of encodings: decodes a document whole and in pieces of one byte, checks that both give
 * the same, and writes the spans down, one a line.
 */
#ifndef TESTS_DECODE_KIT_H
#define TESTS_DECODE_KIT_H

#include <check.h>

#include "tracepager/trace_decoder.h"

/* Decodes documents, each one page of the same answer; NULL ends the list. Attributes named "team"
 * are kept too. */
int decode_pages(enum trace_encoding encoding, const char *const *pages);
int decode(enum trace_encoding encoding, const char *document);
void decode_teardown(void); /* a fixture: frees what was decoded */

/*
 * The result of the last decoding. For each trace its id (and "partial"), then its spans in the
 * order of the document: "ID PARENT SERVICE KIND START+DURATION STATUS NAME: MESSAGE". A parent
 * that is missing is in brackets; "-" means no parent. If decoding failed: the error.
 */
const char *decoded(void);
/* An attribute of the span with this id; "" if absent. */
const char *decoded_attr(const char *id, unsigned int key);
/* An attribute of that span's resource. */
const char *decoded_resource(const char *id, const char *name);

#endif
