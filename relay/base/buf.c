/* Buf: the memory doubles when it is full; the length never passes the cap. */
#include "tracepager/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/xalloc.h"

void buf_init(struct buf *buf, size_t cap_bytes)
{
	*buf = (struct buf)BUF_INIT(cap_bytes);
}

void buf_fini(struct buf *buf)
{
	free(buf->data);
	buf_init(buf, buf->cap);
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->failed = false;
	if (buf->data)
		buf->data[0] = '\0';
}

/* Makes room for len more bytes and the NUL. */
static bool buf_reserve(struct buf *buf, size_t len)
{
	if (buf->failed || len > buf->cap - buf->len) {
		buf->failed = true;
		return false;
	}
	size_t want = buf->len + len + 1;
	if (want > buf->size) {
		size_t size = buf->size ? buf->size : 64;
		while (size < want)
			size *= 2;
		buf->data = xrealloc_array(buf->data, size, 1);
		buf->size = size;
	}
	return true;
}

bool buf_add(struct buf *buf, const void *data, size_t len)
{
	if (!buf_reserve(buf, len))
		return false;
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return true;
}

int buf_read(struct buf *buf, FILE *file)
{
	char piece[65536];
	size_t n;

	errno = 0;
	while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
		if (!buf_add(buf, piece, n))
			return -EFBIG;
	return ferror(file) ? -(errno ? errno : EIO) : 0;
}

bool buf_putc(struct buf *buf, char c)
{
	return buf_add(buf, &c, 1);
}

bool buf_varint(struct buf *buf, uint64_t number)
{
	char bytes[10];
	size_t n = 0;

	for (; number >= 0x80; number >>= 7)
		bytes[n++] = (char)(number | 0x80);
	bytes[n++] = (char)number;
	return buf_add(buf, bytes, n);
}

bool buf_puts(struct buf *buf, const char *text)
{
	return buf_add(buf, text, strlen(text));
}

bool buf_vprintf(struct buf *buf, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	bool fits = len >= 0 && buf_reserve(buf, (size_t)len);
	if (fits) {
		vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
		buf->len += (size_t)len;
	}
	va_end(again);
	return fits;
}

bool buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	bool fits = buf_vprintf(buf, format, args);
	va_end(args);
	return fits;
}

const char *buf_text(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

char *buf_take(struct buf *buf)
{
	char *text = buf->data ? buf->data : xstrdup("");

	buf_init(buf, buf->cap);
	return text;
}
