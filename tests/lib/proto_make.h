/*
 * Proto make: writes protobuf for tests, field by field into a buf, without any code of the
 * program. Owns nothing.
 */
#ifndef TESTS_LIB_PROTO_MAKE_H
#define TESTS_LIB_PROTO_MAKE_H

#include <stdint.h>

#include "tracepager/buf.h"

void proto_varint(struct buf *buf, unsigned int field, uint64_t number);
void proto_fixed64(struct buf *buf, unsigned int field, uint64_t number);
void proto_fixed32(struct buf *buf, unsigned int field, uint32_t number);
void proto_bytes(struct buf *buf, unsigned int field, const void *data, size_t len);
void proto_text(struct buf *buf, unsigned int field, const char *text);
/* Writes the message as a field, and empties it. */
void proto_message(struct buf *buf, unsigned int field, struct buf *message);
/* Writes the bytes that the hexadecimal digits stand for. */
void proto_hex(struct buf *buf, unsigned int field, const char *digits);
/* Writes an attribute of OTLP with a text, or with an integer. */
void proto_attribute(struct buf *buf, unsigned int field, const char *key, const char *value);
void proto_attribute_int(struct buf *buf, unsigned int field, const char *key, int64_t value);

#endif
