/*
 * UTF-8 (RFC 3629): checks whether a text is well formed, replaces what is not, and writes code
 * points. It reads none and owns nothing. Pure; any thread.
 */
#ifndef TRACEPAGER_UTF8_H
#define TRACEPAGER_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "tracepager/buf.h"

/* The length of the sequence at text; 0: it is not well formed. len > 0. */
size_t utf8_len(const char *text, size_t len);
/* How many bytes from text on are well formed. */
size_t utf8_span(const char *text, size_t len);
/* Adds a text; each byte that is in no well-formed sequence becomes U+FFFD. As buf_add(). */
bool buf_add_utf8(struct buf *buf, const char *text, size_t len);
/* How many bytes the first max characters of a well-formed, NUL-terminated text have; the whole
 * length where it has fewer characters. */
size_t utf8_chars(const char *text, size_t max);
/* Writes a code point of at most U+10FFFF; returns its bytes, 1 to 4. */
size_t utf8_write(uint32_t point, char out[4]);

#endif
