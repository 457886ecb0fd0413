/*
 * Protobuf written into a buf: fields of the wire format ("Encoding" of the protocol buffers
 * documentation). A message's length stands before the message, so messages are written from the
 * inside out, or their length is worked out with proto_field_len(). It knows no schema and owns
 * nothing. Any thread, one at a time for one buf; where a field does not fit, the buf has failed.
 */
#ifndef TRACEPAGER_BUF_PROTO_H
#define TRACEPAGER_BUF_PROTO_H

#include <stddef.h>
#include <stdint.h>

#include "tracepager/buf.h"

enum proto_type {
	PROTO_VARINT = 0,
	PROTO_FIXED64 = 1,
	PROTO_LEN = 2,
	PROTO_FIXED32 = 5,
};

void proto_put_tag(struct buf *buf, uint32_t field, enum proto_type type);
void proto_put_number(struct buf *buf, uint32_t field, uint64_t number); /* a varint */
void proto_put_fixed64(struct buf *buf, uint32_t field, uint64_t number);
void proto_put_fixed32(struct buf *buf, uint32_t field, uint32_t number);
void proto_put_bytes(struct buf *buf, uint32_t field, const void *data, size_t len);
void proto_put_text(struct buf *buf, uint32_t field, const char *text);
/* Size of a field whose number is below 16, with len bytes of content behind their length. */
size_t proto_field_len(size_t len);

#endif
