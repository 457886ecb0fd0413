/*
 * What the files of the server share. http_server.c listens and owns the lists; it knows all
 * others. http_exchange.c is a request and its reply; it knows connections. http_conn.c is a
 * connection's life; it knows the gate, and tells an exchange that its peer is gone by
 * conn->peer_gone. http_gate.c knows who goes when room is short; it closes nothing itself.
 * http_tls.c is a connection's TLS.
 * http_head.c reads the bytes of a request's head. Loop thread only.
 */
#ifndef TRACEPAGER_NET_HTTP_SERVER_INTERNAL_H
#define TRACEPAGER_NET_HTTP_SERVER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include "tracepager/buf.h"
#include "tracepager/http_server.h"
#include "tracepager/limits.h"

#include "http_head-internal.h"

#define HTTP_CONN_MAGIC	    0x636f6e6eu
#define HTTP_EXCHANGE_MAGIC 0x65786368u

struct http_server {
	LIST_ENTRY(http_server) link;
	struct event_base *base;
	const struct clock *clock;
	struct evhttp *http;
	http_server_handler *handler;
	void *ctx;
	http_server_judge *judge; /* NULL: all are strangers */
	void *judge_ctx;
	struct http_server_limits limits;
	struct evhttp_bound_socket *bound[LIMIT_LISTENERS];
	size_t nbound;
	bool shared;		    /* another process has the listening sockets too */
	bool lent;		    /* a successor tries them, and may give up */
	int port;		    /* of the first listener */
	int spare_fd;		    /* closed for a moment when descriptors have run out */
	struct event *accept_again; /* enables the listeners, which rest */
	int64_t warned_us;	    /* monotonic: when the log last told that descriptors ran out */
	TAILQ_HEAD(, http_conn) conns; /* the longest idle first */
	size_t nconns, nnew, nprobes;  /* all; in state NEW; with probe_only */
	size_t request_bytes;	       /* the sum of all connections' */
	struct http_gate *gate;
	struct http_conn **by_fd; /* evhttp gives a request's descriptor, not our connection */
	size_t by_fd_size;
	TAILQ_HEAD(http_exchange_list, http_exchange) exchanges;
	struct http_exchange_list spare; /* kept for the next requests */
	size_t nspare;
	struct ssl_ctx_st *tls;	     /* of new connections; NULL: they have no TLS */
	int64_t handshake_logged_us; /* monotonic; 0: never */
	size_t handshakes_failed;    /* since then */
	bool stopping;		     /* replies close their connections */
	bool freeing; /* http_server_free() runs: no connection lingers, no exchange survives */
};

enum http_conn_state {
	HTTP_CONN_NEW,	     /* accepted in this turn */
	HTTP_CONN_IDLE,	     /* between requests */
	HTTP_CONN_READING,   /* the first byte of a request has arrived */
	HTTP_CONN_BUSY,	     /* the handler has the request */
	HTTP_CONN_WRITING,   /* evhttp sends the reply */
	HTTP_CONN_LINGERING, /* refused; we read until the peer has received the refusal */
};

struct http_peer; /* an address, and its connections */

struct http_conn {
	unsigned int magic;
	enum http_conn_state state;
	TAILQ_ENTRY(http_conn) link;
	struct http_peer *peer;		  /* NULL while new */
	TAILQ_ENTRY(http_conn) peer_link; /* in the peer's list that gate_list names */
	int gate_list;			  /* -1: none */
	struct http_server *server;
	struct evhttp_connection *evcon; /* NULL once lingering */
	struct bufferevent *bev;	 /* evhttp's; NULL once lingering */
	int fd;				 /* -1 while new; ours once lingering */
	struct event *deadline;
	int64_t deadline_us; /* mono: of the state; INT64_MAX: none */
	int64_t timer_us;    /* mono: when `deadline` fires, at the latest; INT64_MAX: never */
	struct event
		*check; /* made active by callbacks, for work that evhttp forbids inside them */
	struct event *drain;		/* while lingering */
	struct http_exchange *exchange; /* NULL: the handler has no request of this connection */
	void (*peer_gone)(struct http_exchange *exchange); /* set with exchange */
	struct http_head head;				   /* of the request that arrives */
	size_t request_bytes; /* of that request, until its reply has been sent */
	struct ssl_st *ssl;   /* the bufferevent's; NULL: without TLS, or lingering */
	char *client_names;   /* as of tls_client_names(), once they were asked for */
	bool client_names_read;
	void (*tls_ready)(struct http_conn *conn);
	bool handshaking;  /* its TLS handshake has not ended well yet */
	bool late;	   /* its deadline has passed */
	bool served;	   /* has had a request */
	bool known;	   /* has shown a valid token */
	bool probe_only;   /* above the cap: only probes are answered */
	bool turned_away;  /* its request is no probe, and is refused */
	bool too_much;	   /* it goes for the memory of its request */
	bool adding;	   /* we add to the output just now, not evhttp */
	bool evhttp_added; /* evhttp has added a page of its own to the output */
	bool streams;	   /* its reply goes on, and is watched for a peer that takes nothing */
	bool closing;	   /* no further request: once the output is sent, close and linger */
};

struct http_exchange {
	unsigned int magic;
	TAILQ_ENTRY(http_exchange) link;
	struct http_server *server;
	struct http_conn *conn;	    /* NULL: the peer is gone, and req is ours to free */
	struct evhttp_request *req; /* evhttp's as long as conn is set */
	enum http_verb verb;
	char *decoded;	  /* a path that was written with "%"; NULL: none */
	const char *path; /* decoded, or evhttp's */
	char peer[LIMIT_PEER_NAME_BYTES];
	const char *query;
	int64_t began_us;
	http_stream_gone *gone; /* NULL: its reply is no stream */
	void *gone_ctx;
};

/* ---- http_gate.c ---- */

struct http_gate *http_gate_new(struct http_server *server);
void http_gate_free(struct http_gate *gate); /* takes NULL; no connection is left */
/* The connection is from now on one of its peer's; fd is set. */
void http_gate_enter(struct http_conn *conn);
void http_gate_leave(struct http_conn *conn);
/* The connection's TLS handshake has ended well. */
void http_gate_end_handshake(struct http_conn *conn);
/* The connection's state, or what is known of it, has changed: it is the youngest of its kind. */
void http_gate_sort(struct http_conn *conn);
/* Are more connections open than the cap allows, those for probes not counted? */
bool http_gate_is_full(const struct http_server *server);
/* The connection that has to go for the newest one; NULL: none has to, or none can. */
struct http_conn *http_gate_victim(struct http_server *server, const struct http_conn *newest);
/* The connection that goes where descriptors have run out; NULL: none can. */
struct http_conn *http_gate_any_victim(struct http_server *server);
/* The oldest of those for probes that has no request under way; NULL: there is none. */
struct http_conn *http_gate_oldest_probe(struct http_server *server);
/* Adds to the bytes of the connection's request; and sets them: a new request begins. */
void http_gate_add_bytes(struct http_conn *conn, size_t n);
void http_gate_set_bytes(struct http_conn *conn, size_t n);
/* The connection that has to go for the memory of requests, now that conn's has grown: it may be
 * conn itself. NULL: none has to, or none can. */
struct http_conn *http_gate_memory_victim(struct http_conn *conn);
/* The peer's address, or its network, for the log. */
const char *http_gate_peer(const struct http_conn *conn);
/* A connection was closed to make room, or refused: the log will say so. */
void http_gate_count(struct http_conn *conn, bool refused);

/* ---- http_conn.c ---- */

/* evhttp's callback: it has accepted a connection and asks for its bufferevent. */
struct bufferevent *http_conn_new(struct event_base *base, void *server);
/* The connection on which a request arrived; never NULL. */
struct http_conn *http_conn_of(struct http_server *server, struct evhttp_request *req);
/* Must not be called from within a callback of evhttp. */
void http_conn_close(struct http_conn *conn);
/* Closes an eighth of the connections, up to LIMIT_DESCRIPTORS_FREED, of those that have shown no
 * token. Returns how many; also
 * not from within evhttp's callbacks. */
size_t http_conn_free_descriptors(struct http_server *server);
/* Frees our side only: evhttp frees its side by itself, or has none. */
void http_conn_free(struct http_conn *conn);
/* Sets the state and arms its deadline. */
void http_conn_enter(struct http_conn *conn, enum http_conn_state state);
/* Hands a reply to evhttp and counts it; req holds its headers and body. closing: the connection
 * closes behind the reply. */
void http_conn_reply(struct http_conn *conn, struct evhttp_request *req, int status, bool closing);

/* A reply that goes on. req holds its headers; the connection closes behind it. */
void http_conn_begin_stream(struct http_conn *conn, struct evhttp_request *req);
/* False: more than LIMIT_STREAM_BYTES wait for the peer already. */
bool http_conn_stream(struct http_conn *conn, struct evhttp_request *req, const char *data,
		      size_t len);
void http_conn_end_stream(struct http_conn *conn, struct evhttp_request *req);

/* The body of a refusal: a problem of RFC 9457, with its detail as "error" too. text: plain ASCII
 * without quotes. */
#define HTTP_REFUSAL_TYPE "application/problem+json"
void http_conn_write_refusal(int status, const char *text, struct buf *out);

/* evhttp's callback: a request is whole. */
void http_exchange_take(struct evhttp_request *req, void *server);
void http_exchange_free(struct http_exchange *exchange);
void http_exchanges_free_spare(struct http_server *server);

#endif
