/*
 * A server, a client and raw peers on loopback, in one process and one loop, for the tests of net/.
 * pump() runs the loop until a condition is true; a guard ends the test when it never is.
 */
#ifndef TRACEPAGER_TESTS_NET_WORLD_H
#define TRACEPAGER_TESTS_NET_WORLD_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>

#include <event2/event.h>

#include "tracepager/buf.h"
#include "tracepager/http.h"
#include "tracepager/http_client.h"
#include "tracepager/http_server.h"
#include "tracepager/limits.h"
#include "tracepager/loop.h"

struct world {
	struct event_base *base;
	struct event *guard;
	struct http_server *server;
	struct http_client *client;
	const struct http_transport *transport;
	struct http_exchange *deferred[4];
	size_t ndeferred, requests;
	const char *retry_after; /* the header of /retry */
	const char *gzip;	 /* the body of /gzip */
	size_t gzip_len;
};

extern struct world w;

void world_set_up(void);
void world_tear_down(void);
void world_listen(void);
void world_turn(void);
struct http_server_limits world_limits(void); /* 1000 bytes of body, 500 of headers */
/* A test case within a fresh world. */
TCase *world_group(Suite *suite, const char *name);
int world_run(Suite *suite);

#define pump(condition)                                                                            \
	do {                                                                                       \
		while (!(condition))                                                               \
			world_turn();                                                              \
	} while (0)

void reply_text(struct http_exchange *exchange, int status, const char *text);
void reply_many(struct http_exchange *exchange, size_t n);

/* ---- raw peers ---- */

struct raw {
	int fd;
	struct event *event;
	struct buf in;
	bool eof;
};

void raw_open(struct raw *raw);
void raw_open_from(struct raw *raw, int host); /* from 127.0.0.HOST */
void raw_close(struct raw *raw);
void raw_send(struct raw *raw, const char *text);
void raw_send_data(struct raw *raw, const char *data, size_t len);
/* Until the server has read all that was sent. */
void raw_settle(struct raw *raw);
/* Has the peer received this text? */
bool raw_has(const struct raw *raw, const char *text);
void raw_expect(struct raw *raw, const char *text); /* waits for it */
/* The whole answer to a request that ends its connection; caller frees. */
char *raw_ask(const char *request);

/* ---- calls of the client ---- */

struct answer {
	int calls, status;
	char *error, *type, *retry_after; /* retry_after: as its header has it */
	struct buf body;		  /* gathered, or from the pieces */
	int64_t retry_after_us;
	int refuse_after; /* refuse after so many pieces; 0: never */
	int pieces, first_status;
	struct http_call *call, *cancel; /* cancel: cancelled at the first piece, else in done() */
	struct answer *then;		 /* sent at the first piece, else in done() */
	const char *then_path;
};

extern const struct http_handler whole, pieces;

struct http_request request_to(const char *url);
void ask_for(struct answer *answer, const struct http_request *request,
	     const struct http_handler *handler);
void ask(struct answer *answer, const char *path, bool in_pieces);
void answer_fini(struct answer *answer);

#endif
