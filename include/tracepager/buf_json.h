/*
 * JSON written into a buf: strings with the escapes of RFC 8259 section 7, and members of objects.
 * Braces and brackets are the caller's to write, and commas between elements of lists. It owns
 * nothing. All functions return false where the text did not fit the buf's cap.
 */
#ifndef TRACEPAGER_BUF_JSON_H
#define TRACEPAGER_BUF_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tracepager/buf.h"

/* A JSON string with its quotes. A byte that is no UTF-8 becomes U+FFFD. NULL gives null. */
bool buf_json_string(struct buf *buf, const char *text);
bool buf_json_stringn(struct buf *buf, const char *text, size_t len);

/* Begins a member of an object: "key":, with a comma before it unless the buf ends in an opening
 * bracket or a comma. The caller adds the value. */
bool buf_json_keyn(struct buf *buf, const char *key, size_t len);
static inline bool buf_json_key(struct buf *buf, const char *key)
{
	return buf_json_keyn(buf, key, strlen(key));
}

/* A number in decimal digits. */
bool buf_add_int(struct buf *buf, int64_t number);

/* A whole member. */
static inline bool buf_json_text(struct buf *buf, const char *key, const char *text)
{
	buf_json_key(buf, key);
	return buf_json_string(buf, text);
}

static inline bool buf_json_int(struct buf *buf, const char *key, int64_t number)
{
	buf_json_key(buf, key);
	return buf_add_int(buf, number);
}

#endif
