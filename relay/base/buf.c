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
	if (!buf->lent)
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

/* Most texts are shorter than that; malloc() has blocks of this size at hand. */
#define BUF_FIRST 256

/* Memory for `want` bytes at least, and for no more than the cap and the NUL. */
static void buf_grow(struct buf *buf, size_t want)
{
	size_t size = buf->size ? buf->size : BUF_FIRST;

	while (size < want)
		size *= 2;
	if (size - 1 > buf->cap)
		size = buf->cap + 1;
	char *old = buf->data;
	buf->data = xrealloc_array(buf->lent ? NULL : old, size, 1);
	if (buf->lent)
		memcpy(buf->data, old, buf->len);
	buf->data[buf->len] = '\0';
	buf->size = size;
	buf->lent = false;
}

bool buf_reserve(struct buf *buf, size_t len)
{
	if (buf->failed || len > buf->cap - buf->len) {
		buf->failed = true;
		return false;
	}
	if (len >= buf->size - buf->len)
		buf_grow(buf, buf->len + len + 1);
	return true;
}

void buf_want(struct buf *buf, size_t len)
{
	if (len > buf->cap - buf->len)
		len = buf->cap - buf->len;
	if (!buf->failed && len >= buf->size - buf->len)
		buf_grow(buf, buf->len + len + 1);
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

bool buf_varint(struct buf *buf, uint64_t number)
{
	char bytes[10] __attribute__((uninitialized));
	size_t n = 0;

	if (number < 0x80)
		return buf_putc(buf, (char)number);
	for (; number >= 0x80; number >>= 7)
		bytes[n++] = (char)(number | 0x80);
	bytes[n++] = (char)number;
	return buf_add(buf, bytes, n);
}

/* Formats into the room that is left; only a text that does not fit there is formatted twice. */
bool buf_count(struct buf *buf, size_t n, const char *one, const char *many)
{
	return buf_printf(buf, "%zu %s", n, n == 1 ? one : many);
}

bool buf_vprintf(struct buf *buf, const char *format, va_list args)
{
	va_list again;

	if (buf->failed)
		return false;
	va_copy(again, args);
	size_t room = buf->size - buf->len;
	int len = vsnprintf(room ? buf->data + buf->len : NULL, room, format, args);
	bool fits = len >= 0;
	if (fits && (size_t)len >= room) {
		fits = buf_reserve(buf, (size_t)len);
		if (fits)
			vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
		else if (room)
			buf->data[buf->len] = '\0';
	}
	if (fits)
		buf->len += (size_t)len;
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
	return buf->len ? buf->data : "";
}

char *buf_take(struct buf *buf)
{
	char *text = buf->lent	 ? xstrndup(buf_text(buf), buf->len)
		     : buf->data ? buf->data
				 : xstrdup("");

	buf_init(buf, buf->cap);
	return text;
}
