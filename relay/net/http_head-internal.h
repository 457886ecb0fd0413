/*
 * HTTP head: what the bytes of a request show while they arrive, before evhttp hands the request
 * on: its path, its Authorization, the end of its headers, and what evhttp reads too kindly: sizes
 * of chunks ("0x5", "+5"), lines that end without CR, folded headers. It answers and closes
 * nothing, and it judges no header: http_exchange.c does. It owns its texts. Loop thread only.
 */
#ifndef TRACEPAGER_NET_HTTP_HEAD_INTERNAL_H
#define TRACEPAGER_NET_HTTP_HEAD_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/buf.h"

enum http_head_state {
	HTTP_HEAD_LINE,	  /* in the request line */
	HTTP_HEAD_FIELDS, /* in the headers */
	HTTP_HEAD_CHUNK_SIZE,
	HTTP_HEAD_CHUNK,
	HTTP_HEAD_CHUNK_END, /* the line end behind a chunk */
	HTTP_HEAD_OVER,	     /* what follows is not read: a body of known length, trailers, or the
				next request */
};

struct http_head {
	enum http_head_state state;
	struct buf line;     /* in work */
	bool is_get;	     /* GET or HEAD */
	char *path;	     /* as sent, without its query; NULL: not yet, or none */
	char *authorization; /* the first header of that name; NULL: none */
	bool chunked;
	uint64_t chunk_left;
	const char *fault; /* a sentence: why lines or chunks are refused; NULL: they are not */
};

/* line_bytes: of longer lines only the start is looked at. */
void http_head_init(struct http_head *head, size_t line_bytes);
void http_head_fini(struct http_head *head);
/* For the connection's next request. */
void http_head_reset(struct http_head *head);
/* The next bytes of the connection. */
void http_head_feed(struct http_head *head, const char *data, size_t len);
/* Have the headers ended? */
bool http_head_is_whole(const struct http_head *head);

#endif
