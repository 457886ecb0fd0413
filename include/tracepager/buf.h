/*
 * Buf: a growing string with a cap. An addition that passes the cap adds nothing, returns false and
 * sets `failed`; then all further additions fail too, so that a long series of additions needs one
 * check at its end.
 *
 * It owns its memory until buf_take(), but for that of BUF_LOCAL. It aborts only when memory is
 * gone. One thread at a time may use a buf.
 */
#ifndef TRACEPAGER_BUF_H
#define TRACEPAGER_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct buf {
	char *data; /* NUL-terminated once anything was added; NULL before */
	size_t len, size, cap;
	bool failed; /* an addition passed the cap */
	bool lent;   /* data is the caller's array, until the text outgrows it */
};

#define BUF_INIT(cap_bytes)                                                                        \
	{                                                                                          \
		.cap = (cap_bytes)                                                                 \
	}

/* A buf of a function for a text that is mostly short: it begins in an array on the stack, and
 * takes memory only where the text outgrows that. buf_fini() as for any other. */
#define BUF_LOCAL_BYTES 512
#define BUF_LOCAL(name, cap_bytes)                                                                 \
	char name##_room[BUF_LOCAL_BYTES] __attribute__((uninitialized));                          \
	struct buf name = { .data = name##_room,                                                   \
			    .size = (cap_bytes) < BUF_LOCAL_BYTES ? (cap_bytes) + 1                \
								  : BUF_LOCAL_BYTES,               \
			    .cap = (cap_bytes),                                                    \
			    .lent = true }

void buf_init(struct buf *buf, size_t cap_bytes);
void buf_fini(struct buf *buf);	 /* frees the memory; the buf is empty and may be used again */
void buf_reset(struct buf *buf); /* empties it and keeps the memory; failed is cleared */
/* Makes room for so many further bytes at once, as far as the cap allows: a caller that can guess
 * the length of its text saves the growth by doubling. Adds nothing, fails never. */
void buf_want(struct buf *buf, size_t len);
/* Makes room for len more bytes and the NUL; false: they pass the cap, and the buf has failed. For
 * callers that write to data + len themselves. */
bool buf_reserve(struct buf *buf, size_t len);

/* Additions: false where the text does not fit. */
static inline bool buf_add(struct buf *buf, const void *data, size_t len)
{
	/* size is at most cap + 1, so that what fits the memory fits the cap. */
	if (__builtin_expect(buf->failed || len >= buf->size - buf->len, 0) &&
	    !buf_reserve(buf, len))
		return false;
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return true;
}

static inline bool buf_putc(struct buf *buf, char c)
{
	return buf_add(buf, &c, 1);
}

static inline bool buf_puts(struct buf *buf, const char *text)
{
	return buf_add(buf, text, strlen(text));
}

bool buf_varint(struct buf *buf, uint64_t number); /* LEB128, as protobuf has it */
bool buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "1 page waits", "2 pages wait": many is the plural. */
bool buf_count(struct buf *buf, size_t n, const char *one, const char *many);
bool buf_vprintf(struct buf *buf, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
/* Adds the rest of a stream. 0; -EFBIG: it passes the cap; else -errno of reading. */
int buf_read(struct buf *buf, FILE *file);
/* The text, never NULL; borrowed until the next addition. */
const char *buf_text(const struct buf *buf);
/* The text, never NULL; caller frees. The buf is empty afterwards. */
char *buf_take(struct buf *buf);

#endif
