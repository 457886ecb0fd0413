/*
 * Wire: a streaming reader of protobuf's wire format. Bytes are fed as they arrive, in pieces of
 * any size; the handler sees the same calls and the same error, whether a message comes whole or
 * one byte at a time. Source: "Encoding" of the protocol buffers documentation.
 *
 * Tables name the wanted fields of each message. All other fields are skipped unread, and so is a
 * field whose wire type differs from its row. The reader refuses groups, field number 0, overlong
 * numbers, and lengths beyond the enclosing message. It copies a text only if the end of a piece
 * cuts it; nothing recurses, and the tables bound the depth. It owns its state and that copy.
 *
 * Pure: any thread may call, one thread at a time for one reader.
 */
#ifndef TRACEPAGER_DECODE_WIRE_INTERNAL_H
#define TRACEPAGER_DECODE_WIRE_INTERNAL_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tracepager/err.h"

/* Wire types. */
enum wire_type {
	WIRE_TYPE_VARINT = 0,
	WIRE_TYPE_FIXED64 = 1,
	WIRE_TYPE_LEN = 2,
	WIRE_TYPE_FIXED32 = 5,
};

/* Reads a number of n bytes, 4 or 8. */
static inline uint64_t wire_load(const unsigned char *p, unsigned int n)
{
	uint64_t number = 0;

	memcpy(&number, p, n);
	return le64toh(number);
}

/* How a field is read. */
enum wire_shape {
	WIRE_SKIPPED,
	WIRE_MESSAGE, /* a message; node: for begin() and end() */
	WIRE_INNER,   /* a message without calls of begin() and end() */
	WIRE_BULK,    /* as WIRE_MESSAGE, but its content is offered to fields() first */
	WIRE_TEXT,    /* a string or bytes; up to LIMIT_TOKEN_BYTES */
	WIRE_VARINT,
	WIRE_FIXED64,
	WIRE_FIXED32,
};

struct wire_field {
	uint8_t shape; /* enum wire_shape */
	uint8_t node; /* the caller's number of the field; for messages their index in the tables */
};

struct wire_message {
	const struct wire_field *fields; /* by number */
	uint32_t nfields;
	const struct wire_field *high; /* by number - first_high; may be NULL */
	uint32_t first_high, nhigh;
};

/* A handler returns 0 to go on, or -errno with the text in the reader's err. begin() and text() may
 * also return WIRE_SKIP_REST: the rest of the innermost message is skipped, and end() is still
 * called. Texts are valid during the call. */
#define WIRE_SKIP_REST 1

/* fields() may take fields from *at on, as many as lie whole before end, and moves *at behind them;
 * 0 or -errno. The reader passes the first field that fields() leaves to the other functions, so
 * both ways must have the same effect. */
struct wire_handler {
	int (*fields)(void *ctx, unsigned int node, const char **at, const char *end);
	int (*begin)(void *ctx, unsigned int node);
	int (*end)(void *ctx, unsigned int node);
	int (*text)(void *ctx, unsigned int node, const char *text, size_t len);
	int (*number)(void *ctx, unsigned int node, uint64_t number);
};

struct wire;
/* messages: indexed by node. document: the outermost message, for which begin() and end() are not
 * called. All is borrowed. */
struct wire *wire_new(const struct wire_message *messages, unsigned int document,
		      const struct wire_handler *handler, void *ctx);
void wire_free(struct wire *wire); /* takes NULL */
/* 0 or -errno: -EBADMSG broken, -E2BIG a text over the cap, or the handler's error. After an error
 * all further calls return it. */
int wire_feed(struct wire *wire, const char *data, size_t len);
int wire_finish(struct wire *wire); /* -EBADMSG: the document ends inside a field */
struct err *wire_err(struct wire *wire);

#endif
