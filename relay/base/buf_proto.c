/* Protobuf written into a buf: see buf_proto.h. */
#include "tracepager/buf_proto.h"

#include <string.h>

void proto_put_tag(struct buf *buf, uint32_t field, enum proto_type type)
{
	buf_varint(buf, (uint64_t)field << 3 | type);
}

void proto_put_number(struct buf *buf, uint32_t field, uint64_t number)
{
	proto_put_tag(buf, field, PROTO_VARINT);
	buf_varint(buf, number);
}

/* Little-endian. */
static void proto_add_fixed(struct buf *buf, uint64_t number, size_t size)
{
	char bytes[8];

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(number >> (8 * i));
	buf_add(buf, bytes, size);
}

void proto_put_fixed64(struct buf *buf, uint32_t field, uint64_t number)
{
	proto_put_tag(buf, field, PROTO_FIXED64);
	proto_add_fixed(buf, number, 8);
}

void proto_put_fixed32(struct buf *buf, uint32_t field, uint32_t number)
{
	proto_put_tag(buf, field, PROTO_FIXED32);
	proto_add_fixed(buf, number, 4);
}

void proto_put_bytes(struct buf *buf, uint32_t field, const void *data, size_t len)
{
	proto_put_tag(buf, field, PROTO_LEN);
	buf_varint(buf, len);
	buf_add(buf, data, len);
}

void proto_put_text(struct buf *buf, uint32_t field, const char *text)
{
	proto_put_bytes(buf, field, text, strlen(text));
}

static size_t proto_varint_len(uint64_t number)
{
	size_t n = 1;

	for (; number >= 0x80; number >>= 7)
		n++;
	return n;
}

size_t proto_field_len(size_t len)
{
	return 1 + proto_varint_len(len) + len;
}
