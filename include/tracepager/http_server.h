/*
 * The HTTP server: evhttp with the caps that it lacks (connections, absolute deadlines, request smuggling), and
 * replies that may come later.
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
	HTTP_VERB_OTHER,
};

/* Called when a request is whole. Exactly one http_exchange_reply() must follow, now or later. */
typedef void http_server_handler(void *ctx, struct http_exchange *exchange);

struct http_server *http_server_new(struct event_base *base, const struct clock *clock, http_server_handler *handler,
				    void *ctx);
/* "127.0.0.1:9480", "[::1]:9480", ":0" (any address, any free port). */
int http_server_listen(struct http_server *server, const char *address, struct err *err);
int http_server_port(const struct http_server *server); /* of the first listener */
/* Stop accepting; open exchanges go on. */
void http_server_stop(struct http_server *server);
size_t http_server_connections(const struct http_server *server);
void http_server_free(struct http_server *server); /* takes NULL */

enum http_verb http_exchange_verb(const struct http_exchange *exchange);
const char *http_exchange_path(const struct http_exchange *exchange);  /* decoded, without the query */
const char *http_exchange_query(const struct http_exchange *exchange); /* "" without one */
const char *http_exchange_header(const struct http_exchange *exchange, const char *name); /* NULL: not there */
/* The body, in one piece; valid until the reply. */
const char *http_exchange_body(struct http_exchange *exchange, size_t *ret_len);
const char *http_exchange_peer(const struct http_exchange *exchange); /* address, for the log */
int64_t http_exchange_began_us(const struct http_exchange *exchange); /* mono: when the request was whole */
/* The peer may be gone by now: then this only frees. retry_after_s 0: no such header. type NULL: application/json. */
void http_exchange_reply(struct http_exchange *exchange, int status, const char *type, const char *body, size_t len,
			 unsigned int retry_after_s);

#endif
