/*
 * Buf: a growing string with a cap. An addition that passes the cap adds nothing, returns false and
 * sets `failed`; then all further additions fail too, so that a long series of additions needs one
 * check at its end.
 *
 * It owns its memory until buf_take(). It aborts only when memory is gone. One thread at a time may
 * use a buf.
 */
#ifndef TRACEPAGER_BUF_H
#define TRACEPAGER_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct buf {
	char *data; /* NUL-terminated once anything was added; NULL before */
	size_t len, size, cap;
	bool failed; /* an addition passed the cap */
};

#define BUF_INIT(cap_bytes)                                                                        \
	{                                                                                          \
		.cap = (cap_bytes)                                                                 \
	}

void buf_init(struct buf *buf, size_t cap_bytes);
void buf_fini(struct buf *buf);	 /* frees the memory; the buf is empty and may be used again */
void buf_reset(struct buf *buf); /* empties it and keeps the memory; failed is cleared */
/* Additions: false where the text does not fit. */
bool buf_add(struct buf *buf, const void *data, size_t len);
bool buf_putc(struct buf *buf, char c);
bool buf_varint(struct buf *buf, uint64_t number); /* LEB128, as protobuf has it */
bool buf_puts(struct buf *buf, const char *text);
bool buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool buf_vprintf(struct buf *buf, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
/* Adds the rest of a stream. 0; -EFBIG: it passes the cap; else -errno of reading. */
int buf_read(struct buf *buf, FILE *file);
/* The text, never NULL; borrowed until the next addition. */
const char *buf_text(const struct buf *buf);
/* The text, never NULL; caller frees. The buf is empty afterwards. */
char *buf_take(struct buf *buf);

#endif
