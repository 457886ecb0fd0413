/*
 * Wire: a streaming reader of protobuf's wire format. Bytes are fed as they arrive, in pieces of
 * any size; the same calls come out, and the same error, whether a message comes whole or one byte
 * at a time. Source: "Encoding" of the protocol buffers documentation.
 *
 * Tables say which fields of which message are wanted; all others are skipped by their wire type,
 * unread, and so is a field that has another wire type than its row says. It refuses groups, field
 * number 0, numbers that are too long, and lengths beyond what encloses them. Only a text that the
 * end of a piece cuts is copied; nothing recurses, and the tables bound the depth.
 */
#ifndef TRACEPAGER_FETCH_WIRE_INTERNAL_H
#define TRACEPAGER_FETCH_WIRE_INTERNAL_H

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

/* A number of n bytes, 4 or 8. */
static inline uint64_t wire_load(const unsigned char *p, unsigned int n)
{
	uint64_t number = 0;

	memcpy(&number, p, n);
	return le64toh(number);
}

/* What a field is read as. */
enum wire_shape {
	WIRE_SKIPPED,
	WIRE_MESSAGE, /* node: whose begin and end are told */
	WIRE_INNER,   /* a message whose begin and end are not */
	WIRE_BULK,    /* as WIRE_MESSAGE; what is in it is offered to fields() first */
	WIRE_TEXT,    /* a string or bytes; up to LIMIT_TOKEN_BYTES */
	WIRE_VARINT,
	WIRE_FIXED64,
	WIRE_FIXED32,
};

struct wire_field {
	uint8_t shape; /* enum wire_shape */
	uint8_t node;  /* the caller's number for it; for messages, an index of the tables */
};

struct wire_message {
	const struct wire_field *fields; /* by number */
	uint32_t nfields;
	const struct wire_field *high; /* by number - first_high; may be NULL */
	uint32_t first_high, nhigh;
};

/* Answers: 0 to go on, or -errno with the words in the reader's err; begin() and text() may also
 * say WIRE_SKIP_REST: the rest of the innermost message is skipped, its end is told. Texts are
 * valid during the call. */
#define WIRE_SKIP_REST 1

/* fields() may take fields of the message from *at on, as many as lie whole before end, and moves
 * *at behind them; 0 or -errno. The one that it stops at is told in the common way. So whatever it
 * takes must come to the same as if that were told. */
struct wire_handler {
	int (*fields)(void *ctx, unsigned int node, const char **at, const char *end);
	int (*begin)(void *ctx, unsigned int node);
	int (*end)(void *ctx, unsigned int node);
	int (*text)(void *ctx, unsigned int node, const char *text, size_t len);
	int (*number)(void *ctx, unsigned int node, uint64_t number);
};

struct wire;
/* messages: indexed by node; document: the outermost, which has no begin and no end. All borrowed.
 */
struct wire *wire_new(const struct wire_message *messages, unsigned int document,
		      const struct wire_handler *handler, void *ctx);
void wire_free(struct wire *wire); /* takes NULL */
/* 0 or -errno: -EBADMSG broken, -E2BIG a text over the cap, or the handler's. It stays so. */
int wire_feed(struct wire *wire, const char *data, size_t len);
int wire_finish(struct wire *wire); /* -EBADMSG: it was cut */
struct err *wire_err(struct wire *wire);

#endif
