/*
 * The HTTP server: evhttp with what it lacks: caps of connections, deadlines from a request's first
 * byte on, refusal of requests that two readers could read in two ways, and replies that come
 * later.
 *
 * It answers by itself what is malformed, too large, too slow or of a method that no path takes
 * (CONNECT, TRACE, unknown ones); it knows no path and no format of a body. It owns its listeners,
 * connections and exchanges; base, clock and the handler's ctx are borrowed and must outlive it.
 * Loop thread only.
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
struct tls;

enum http_verb {
	HTTP_VERB_GET,
	HTTP_VERB_POST,
	HTTP_VERB_PUT,
	HTTP_VERB_DELETE,  /* has no body */
	HTTP_VERB_OPTIONS, /* only with WebHook-Request-Origin: a sender asks whether it may send */
	HTTP_VERB_OTHER,   /* PATCH, OPTIONS: the handler answers 405 with Allow, or 404 */
};

/* Called when a request is whole. Exactly one http_exchange_reply() must follow, from the handler
 * or later. */
typedef void http_server_handler(void *ctx, struct http_exchange *exchange);

struct http_server *http_server_new(struct event_base *base, const struct clock *clock,
				    http_server_handler *handler, void *ctx);

/* Who a request is from, as far as its headers show it. */
enum http_standing {
	HTTP_STANDING_STRANGER, /* no valid token */
	HTTP_STANDING_KNOWN,	/* a valid token: from now on its connection has one */
	HTTP_STANDING_PROBE,	/* a question about health, or for metrics */
};
/* Called when a request's headers have arrived, before its body. path: as sent, without its query.
 * authorization: the header's value; NULL: none. All are borrowed. */
typedef enum http_standing http_server_judge(void *ctx, bool is_get, const char *path,
					     const char *authorization);
/* Without a judge all are strangers. Set before the first http_server_listen(). */
void http_server_set_judge(struct http_server *server, http_server_judge *judge, void *ctx);

/*
 * The gate. Connections over a cap make others close: those that have shown no valid token, the
 * oldest of them first; those that have had no answer before those that have; where the room of all
 * is short, those of the peer that has the most; those whose TLS handshake is not finished, over
 * LIMIT_PEER_HANDSHAKES of a peer. A request that the handler has is never given up,
 * nor is one with a valid token. Peers are addresses, in IPv6 networks of 64 bits. Where all
 * connections have such a request, LIMIT_PROBE_CONNECTIONS more are taken for probes. What was
 * closed is logged once a minute.
 *
 * The memory of requests has caps too, and the same ones go, with 503 and Retry-After. Where none
 * of them is left, the request that needs more is refused, token or not.
 *
 * Limits other than those of limits.h, for tests; before the first http_server_listen().
 */
struct http_server_limits {
	size_t body_bytes, header_bytes;
	size_t connections;
	size_t peer_connections; /* of one peer, that have shown no token and that the handler does
				    not have; 0: no cap */
	/* Bytes of requests, from their first byte to the reply: of all; of one peer as above, of
	 * which a single request may be larger. 0: no cap. */
	size_t request_bytes, peer_request_bytes;
	int64_t request_us; /* from a request's first byte to its last; the same for its reply */
	int64_t idle_us;    /* between requests */
	int64_t stream_stall_us; /* of a stream: the peer takes nothing of what waits; 0: no cap */
};
void http_server_set_limits(struct http_server *server, const struct http_server_limits *limits);
struct http_server_limits http_server_get_limits(const struct http_server *server);
/* Raises the process's limit of open files to its hard limit, fits the caps of connections to it,
 * and logs the numbers. Before the first http_server_listen(). */
void http_server_fit_descriptors(struct http_server *server);

/* New connections speak TLS with it; open ones keep what they have. The server takes a reference of
 * its own, and tls may be freed. NULL: without TLS. Sets the metric of the certificate's end. */
void http_server_set_tls(struct http_server *server, const struct tls *tls);

/* address: "127.0.0.1:9480", "[::1]:9480", "localhost:9480", ":0" (any address, any free port). 0
 * or -errno with err. */
int http_server_listen(struct http_server *server, const char *address, struct err *err);
/* The port of the first listener; 0: there is none. */
int http_server_port(const struct http_server *server);
/* Listens on a socket that listens already, and that another process has too. Takes it. 0 or -errno
 * with err. */
int http_server_adopt(struct http_server *server, int fd, struct err *err);
/* The listening sockets, for another process; they stay the server's. Returns how many were
 * written. */
size_t http_server_share(struct http_server *server, int *fds, size_t most);
/* The other process gave them up. Sockets that were adopted stay shared. */
void http_server_unshare(struct http_server *server);
/* Does another process have the listening sockets too? */
bool http_server_is_shared(const struct http_server *server);
/* Do all listening sockets reach only this machine? */
bool http_server_is_local(const struct http_server *server);
/* Accepts nothing more: closes the listeners, or where they are shared leaves to the other process
 * what waits in their queues. Idle connections close after LIMIT_LAST_IDLE_US; open exchanges go
 * on, and their connections close behind the reply. */
void http_server_stop(struct http_server *server);
size_t http_server_connections(const struct http_server *server);
/* Those of them that are not merely read until a refused peer closes. */
size_t http_server_busy(const struct http_server *server);
/* Frees open exchanges too: no reply may follow. Takes NULL. */
void http_server_free(struct http_server *server);

/* HEAD shows as GET; the body of its reply is not sent. */
enum http_verb http_exchange_verb(const struct http_exchange *exchange);
/* What an exchange returns is borrowed until its reply. The path is percent-decoded and has no
 * query.
 */
const char *http_exchange_path(const struct http_exchange *exchange);
const char *http_exchange_query(const struct http_exchange *exchange); /* as sent; "": none */
/* The value of the first header of that name, of which upper and lower case are equal; NULL: there
 * is none. */
const char *http_exchange_header(const struct http_exchange *exchange, const char *name);
/* How many headers of that name the request has. */
size_t http_exchange_header_count(const struct http_exchange *exchange, const char *name);
/* The body, in one piece. */
const char *http_exchange_body(struct http_exchange *exchange, size_t *ret_len);
/* The peer's address, for the log. */
const char *http_exchange_peer(const struct http_exchange *exchange);
/* The n-th name of the client certificate that was verified in the TLS handshake: its DNS names, or
 * where it has none, its common name. NULL: there are no more, or no certificate was shown. */
const char *http_exchange_client_name(const struct http_exchange *exchange, size_t n);
/* When the request was whole; monotonic. */
int64_t http_exchange_began_us(const struct http_exchange *exchange);
/* Adds a header to the reply (Location, WWW-Authenticate …; with 405 Allow). Copies both. A header
 * whose value has a line break is left out. */
void http_exchange_set(struct http_exchange *exchange, const char *name, const char *value);
/* Sends the reply, which is copied, and frees the exchange; where the peer is gone, only frees.
 * type NULL: application/json. retry_after_s 0: no Retry-After. */
void http_exchange_reply(struct http_exchange *exchange, int status, const char *type,
			 const char *body, size_t len, unsigned int retry_after_s);

/* ---- a reply that goes on, in place of http_exchange_reply() ---- */

/* The peer has gone, or has taken nothing for LIMIT_STREAM_STALL_US. No piece may follow; the
 * exchange is ended by http_exchange_end_stream() in a later turn, not within this call. */
typedef void http_stream_gone(void *ctx);
/* Sends the head of a reply of status 200, whose body follows piece by piece. False: nothing
 * follows a HEAD, and HTTP/1.0 knows no such reply; it was answered, and the exchange is freed. */
bool http_exchange_begin_stream(struct http_exchange *exchange, const char *type,
				http_stream_gone *gone, void *ctx);
/* Sends a piece, which is copied; len > 0. False: the peer is gone, or more than LIMIT_STREAM_BYTES
 * wait for it already, and nothing was sent. */
bool http_exchange_stream(struct http_exchange *exchange, const char *data, size_t len);
/* Ends the reply and the connection, and frees the exchange. */
void http_exchange_end_stream(struct http_exchange *exchange);

#endif
