/*
 * Proto make: protobuf for tests, written field by field into a buf. Independent of what the
 * program reads and writes it with.
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
/* The message, as a field; it is emptied. */
void proto_message(struct buf *buf, unsigned int field, struct buf *message);
/* Hexadecimal digits, as the bytes that they are. */
void proto_hex(struct buf *buf, unsigned int field, const char *digits);
/* An attribute of OTLP, with a text, and with an integer. */
void proto_attribute(struct buf *buf, unsigned int field, const char *key, const char *value);
void proto_attribute_int(struct buf *buf, unsigned int field, const char *key, int64_t value);

#endif
