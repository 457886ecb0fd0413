/*
 * The HTTP server: evhttp with the caps that it lacks (connections, absolute deadlines, request
 * smuggling), and replies that may come later.
 */
#ifndef TRACEPAGER_HTTP_SERVER_H
#define TRACEPAGER_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/clock.h"
#include "tracepager/err.h"

struct event_base;
struct http_server;
struct http_exchange; /* one request and its reply */

enum http_verb {
	HTTP_VERB_GET,
	HTTP_VERB_POST,
	HTTP_VERB_OTHER, /* answered here; a handler never sees it */
};

/* Called when a request is whole. Exactly one http_exchange_reply() must follow, now or later. */
typedef void http_server_handler(void *ctx, struct http_exchange *exchange);

struct http_server *http_server_new(struct event_base *base, const struct clock *clock,
				    http_server_handler *handler, void *ctx);

/* What http_server_new() takes from limits.h; tests use smaller ones. Before the first listener. */
struct http_server_limits {
	size_t body_bytes, header_bytes;
	size_t connections; /* above it, one that waits for a request's headers is closed; where
			       there is none, the new one is refused */
	int64_t request_us; /* from a request's first byte to its last; again for its reply */
	int64_t idle_us;    /* between requests */
};
void http_server_set_limits(struct http_server *server, const struct http_server_limits *limits);

/* "127.0.0.1:9480", "[::1]:9480", "localhost:9480", ":0" (any address, any free port). Returns 0 or
 * -errno. */
int http_server_listen(struct http_server *server, const char *address, struct err *err);
/* Of the first listener; 0: there is none. */
int http_server_port(const struct http_server *server);
/* Stop accepting and close what is idle; open exchanges go on, and their connections close after
 * the reply. */
void http_server_stop(struct http_server *server);
size_t http_server_connections(const struct http_server *server);
/* Open exchanges are freed too: no reply may follow. Takes NULL. */
void http_server_free(struct http_server *server);

/* HEAD is told as GET, and its reply's body is not sent. */
enum http_verb http_exchange_verb(const struct http_exchange *exchange);
/* Decoded, without the query. */
const char *http_exchange_path(const struct http_exchange *exchange);
const char *http_exchange_query(const struct http_exchange *exchange); /* "" without one */
/* NULL: not there. */
const char *http_exchange_header(const struct http_exchange *exchange, const char *name);
/* The body, in one piece; valid until the reply. */
const char *http_exchange_body(struct http_exchange *exchange, size_t *ret_len);
const char *http_exchange_peer(const struct http_exchange *exchange); /* address, for the log */
/* Monotonic: when the request was whole. */
int64_t http_exchange_began_us(const struct http_exchange *exchange);
/* A header of the reply, before it is sent; for Location, WWW-Authenticate … Copies. A value with a
 * line break is dropped. */
void http_exchange_set(struct http_exchange *exchange, const char *name, const char *value);
/* Ends and frees the exchange. The peer may be gone by now: then it only frees. retry_after_s 0: no
 * such header. type NULL: application/json. */
void http_exchange_reply(struct http_exchange *exchange, int status, const char *type,
			 const char *body, size_t len, unsigned int retry_after_s);

#endif
