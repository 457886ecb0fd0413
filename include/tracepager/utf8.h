/*
 * UTF-8 (RFC 3629): is a text well formed, and what is done where it is not.
 */
#ifndef TRACEPAGER_UTF8_H
#define TRACEPAGER_UTF8_H

#include <stddef.h>

#include "tracepager/buf.h"

/* Length of the well-formed sequence at text, 0 where there is none. len > 0. */
size_t utf8_len(const char *text, size_t len);
/* How many bytes from text on are well formed. */
size_t utf8_span(const char *text, size_t len);
/* Adds a text; every byte that is in no well-formed sequence becomes U+FFFD. */
bool buf_add_utf8(struct buf *buf, const char *text, size_t len);
/* The bytes of the first max characters of a well-formed, NUL-terminated text; all of it where it
 * has fewer. A character is never cut. */
size_t utf8_chars(const char *text, size_t max);

#endif
