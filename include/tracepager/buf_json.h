/*
 * JSON written into a buf: the escaping of RFC 8259 section 7. Structure (braces, commas) is the
 * writer's own business.
 */
#ifndef TRACEPAGER_BUF_JSON_H
#define TRACEPAGER_BUF_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "tracepager/buf.h"

/* A text as a JSON string, with its quotes. What is not UTF-8 becomes U+FFFD. NULL gives null. */
bool buf_json_string(struct buf *buf, const char *text);
bool buf_json_stringn(struct buf *buf, const char *text, size_t len);

/* A member of an object: a comma where the last byte of buf says that one is due, then "key":. The
 * value is next. */
bool buf_json_key(struct buf *buf, const char *key);
/* A member with its value. */
bool buf_json_text(struct buf *buf, const char *key, const char *text);
bool buf_json_int(struct buf *buf, const char *key, int64_t number);

#endif
