/*
 * UTF-8 (RFC 3629): checks whether a text is well formed, replaces what is not, cuts texts between
 * characters, and writes code points. It reads none and owns nothing. Pure; any thread.
 */
#ifndef TRACEPAGER_UTF8_H
#define TRACEPAGER_UTF8_H

#include <stdbool.h>
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
/* Is the byte one behind the first of its character? */
static inline bool utf8_continues(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}
/* How many of the len bytes fit max bytes and end between two characters. Of a text that is not
 * well formed up to 3 bytes fewer may be taken than would fit. */
static inline size_t utf8_cut(const char *text, size_t len, size_t max)
{
	size_t cut = max;

	if (len <= max)
		return len;
	while (cut && max - cut < 3 && utf8_continues(text[cut]))
		cut--;
	return cut;
}
/* How many characters begin within the len bytes. */
static inline size_t utf8_count(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += !utf8_continues(text[i]);
	return n;
}
/* Writes a code point of at most U+10FFFF; returns its bytes, 1 to 4. */
size_t utf8_write(uint32_t point, char out[4]);

#endif
