/*
 * Buf: a growing string with a cap. Additions beyond the cap fail, are remembered, and change
 * nothing; so a long series of additions needs one check at its end.
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
	bool failed; /* something did not fit */
};

#define BUF_INIT(cap_bytes)                                                                        \
	{                                                                                          \
		.cap = (cap_bytes)                                                                 \
	}

void buf_init(struct buf *buf, size_t cap_bytes);
void buf_fini(struct buf *buf);	 /* frees; the struct may be used again */
void buf_reset(struct buf *buf); /* empties, keeps the memory */
bool buf_add(struct buf *buf, const void *data, size_t len);
bool buf_putc(struct buf *buf, char c);
bool buf_varint(struct buf *buf, uint64_t number); /* LEB128, as protobuf has it */
bool buf_puts(struct buf *buf, const char *text);
bool buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool buf_vprintf(struct buf *buf, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
/* Add all that is left of a stream. 0, -EFBIG beyond the cap, or what reading it said. */
int buf_read(struct buf *buf, FILE *file);
const char *buf_text(const struct buf *buf); /* never NULL; borrowed until the next addition */
char *buf_take(struct buf *buf); /* never NULL; caller frees; the buf is empty afterwards */

#endif
