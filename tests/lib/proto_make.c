/*
 * Proto make: see proto_make.h.
 */
#include "tests/lib/proto_make.h"

#include <stdio.h>
#include <string.h>

static void put_varint(struct buf *buf, uint64_t number)
{
	for (; number >= 0x80; number >>= 7)
		buf_putc(buf, (char)(number | 0x80));
	buf_putc(buf, (char)number);
}

static void put_little(struct buf *buf, uint64_t number, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_putc(buf, (char)(number >> (8 * i)));
}

void proto_varint(struct buf *buf, unsigned int field, uint64_t number)
{
	put_varint(buf, (uint64_t)field << 3);
	put_varint(buf, number);
}

void proto_fixed64(struct buf *buf, unsigned int field, uint64_t number)
{
	put_varint(buf, (uint64_t)field << 3 | 1);
	put_little(buf, number, 8);
}

void proto_fixed32(struct buf *buf, unsigned int field, uint32_t number)
{
	put_varint(buf, (uint64_t)field << 3 | 5);
	put_little(buf, number, 4);
}

void proto_bytes(struct buf *buf, unsigned int field, const void *data, size_t len)
{
	put_varint(buf, (uint64_t)field << 3 | 2);
	put_varint(buf, len);
	buf_add(buf, data, len);
}

void proto_text(struct buf *buf, unsigned int field, const char *text)
{
	proto_bytes(buf, field, text, strlen(text));
}

void proto_message(struct buf *buf, unsigned int field, struct buf *message)
{
	proto_bytes(buf, field, buf_text(message), message->len);
	buf_reset(message);
}

void proto_hex(struct buf *buf, unsigned int field, const char *digits)
{
	char bytes[32];
	unsigned int byte;
	size_t n = 0;

	for (; n < sizeof(bytes) && sscanf(digits + 2 * n, "%2x", &byte) == 1; n++)
		bytes[n] = (char)byte;
	proto_bytes(buf, field, bytes, n);
}

static void attribute(struct buf *buf, unsigned int field, const char *key, struct buf *value)
{
	struct buf pair = BUF_INIT(1 << 20);

	proto_text(&pair, 1, key);
	proto_message(&pair, 2, value);
	proto_message(buf, field, &pair);
	buf_fini(&pair);
	buf_fini(value);
}

void proto_attribute(struct buf *buf, unsigned int field, const char *key, const char *value)
{
	struct buf any = BUF_INIT(1 << 20);

	proto_text(&any, 1, value);
	attribute(buf, field, key, &any);
}

void proto_attribute_int(struct buf *buf, unsigned int field, const char *key, int64_t value)
{
	struct buf any = BUF_INIT(64);

	proto_varint(&any, 3, (uint64_t)value);
	attribute(buf, field, key, &any);
}
