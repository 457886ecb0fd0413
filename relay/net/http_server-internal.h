/*
 * What the three files of the server share. http_server.c listens and owns the lists; it knows both
 * others. http_exchange.c is a request and its reply; it knows connections. http_conn.c is a
 * connection's life; it knows neither of the others, and tells an exchange that its peer is gone by
 * conn->peer_gone. Loop thread only.
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

#include "tracepager/http_server.h"
#include "tracepager/limits.h"

#define HTTP_CONN_MAGIC	    0x636f6e6eu
#define HTTP_EXCHANGE_MAGIC 0x65786368u

struct http_server {
	LIST_ENTRY(http_server) link;
	struct event_base *base;
	const struct clock *clock;
	struct evhttp *http;
	http_server_handler *handler;
	void *ctx;
	struct http_server_limits limits;
	struct evhttp_bound_socket *bound[LIMIT_LISTENERS];
	size_t nbound;
	int port;		       /* of the first listener */
	int spare_fd;		       /* given up for a moment when descriptors have run out */
	struct event *rested;	       /* listeners may accept again */
	int64_t warned_us;	       /* when that was last told */
	TAILQ_HEAD(, http_conn) conns; /* that which waits for a request longest first */
	size_t nconns;
	struct http_conn **by_fd; /* evhttp tells a request's descriptor, not our connection */
	size_t by_fd_size;
	TAILQ_HEAD(, http_exchange) exchanges;
	bool stopping; /* replies close their connections */
	bool dying;    /* http_server_free() is at work */
};

enum http_conn_state {
	HTTP_CONN_NEW,	     /* accepted in this turn */
	HTTP_CONN_IDLE,	     /* between requests */
	HTTP_CONN_READING,   /* the first byte of a request is here */
	HTTP_CONN_BUSY,	     /* the handler has it */
	HTTP_CONN_WRITING,   /* the reply is on its way */
	HTTP_CONN_LINGERING, /* refused; reading until the peer has seen why */
};

struct http_conn {
	unsigned int magic;
	enum http_conn_state state;
	TAILQ_ENTRY(http_conn) link;
	struct http_server *server;
	struct evhttp_connection *evcon; /* NULL once lingering */
	struct bufferevent *bev;	 /* evhttp's; NULL once lingering */
	int fd;				 /* -1 while new; ours once lingering */
	struct event *deadline;
	struct event *look;  /* active: something may have to be done from outside of evhttp */
	struct event *drain; /* while lingering */
	struct http_exchange *exchange; /* NULL: the handler has none of this connection's */
	void (*peer_gone)(struct http_exchange *exchange); /* set with exchange */
	bool served;					   /* has had a request */
	bool headed;  /* while reading: the request's headers are whole */
	bool ours;    /* what is being added to the output comes from us */
	bool page;    /* evhttp has added something of its own */
	bool closing; /* no further request: close once the output is gone, and linger */
};

struct http_exchange {
	unsigned int magic;
	TAILQ_ENTRY(http_exchange) link;
	struct http_server *server;
	struct http_conn *conn;	    /* NULL: the peer is gone, and req is ours to free */
	struct evhttp_request *req; /* while conn is there, evhttp's */
	enum http_verb verb;
	char *path, *peer;
	const char *query;
	int64_t began_us;
};

/* evhttp asks for the bufferevent of a connection that it has accepted: here ours begins. */
struct bufferevent *http_conn_new(struct event_base *base, void *server);
struct http_conn *http_conn_of(struct http_server *server,
			       struct evhttp_request *req); /* NULL: none of ours */
/* Not from within evhttp's callbacks. */
void http_conn_close(struct http_conn *conn);
void http_conn_forget(
	struct http_conn *conn); /* evhttp is about to free its side, and will not say so */
void http_conn_enter(struct http_conn *conn, enum http_conn_state state);
/* Hands the reply (headers and body are in req) to evhttp. */
void http_conn_reply(struct http_conn *conn, struct evhttp_request *req, int status, bool closing);

void http_exchange_take(struct evhttp_request *req,
			void *server); /* evhttp's callback: a request is whole */
void http_exchange_free(struct http_exchange *exchange);

#endif
