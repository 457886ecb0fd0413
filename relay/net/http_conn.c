/*
 * One connection of the server, beside evhttp's own: a state with a deadline, and the socket while
 * the connection lingers. evhttp arms its timeout anew with every read, so that a peer that sends a
 * byte now and then holds a connection for ever; here the deadline of a request is set once, at its
 * first byte.
 *
 * The connection's buffers show what evhttp does not tell: input on an idle connection begins a
 * request; output that we have not added is one of evhttp's own error pages, which a line of JSON
 * replaces before it is sent. Inside evhttp's callbacks nothing is freed: conn_on_check() runs
 * after them.
 *
 * A refused peer may still be sending. Closing at once would reset the connection, and the peer
 * would lose our reply; so the server takes the socket over and reads until the peer closes or the
 * deadline passes.
 *
 * With TLS the buffers hold what is said inside it, and http_tls.c has the rest.
 *
 * Who has to go when room is short is the gate's to say (http_gate.c).
 *
 * Knows no request: an exchange that waits on a connection hears by conn->peer_gone that its peer
 * is gone.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/listener.h>

#include "tracepager/buf.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

#include "http_server-internal.h"
#include "http_tls-internal.h"
#include "loop-internal.h"

static void conn_on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg);
static void conn_on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg);
static void conn_refuse_plain(struct http_conn *conn);

/* ---- states ---- */

/* How long a connection may stay in its state; 0: without end. While it is busy, the handler's own
 * deadlines count, and for a stream that of conn_watch_stream(). */
static int64_t state_deadline_us(const struct http_conn *conn)
{
	const struct http_server_limits *limits = &conn->server->limits;

	switch (conn->state) {
	case HTTP_CONN_IDLE:
		if (conn->server->stopping && LIMIT_LAST_IDLE_US < limits->idle_us)
			return LIMIT_LAST_IDLE_US;
		if (conn->handshaking && LIMIT_HANDSHAKE_US < limits->request_us)
			return LIMIT_HANDSHAKE_US;
		return conn->served || limits->idle_us < limits->request_us ? limits->idle_us
									    : limits->request_us;
	case HTTP_CONN_READING:
	case HTTP_CONN_WRITING:
	case HTTP_CONN_LINGERING:
		return limits->request_us;
	case HTTP_CONN_NEW:
	case HTTP_CONN_BUSY:
		break;
	}
	return 0;
}

static void conn_set_timer(struct http_conn *conn, int64_t wait_us)
{
	const struct timeval wait = { .tv_sec = (time_t)(wait_us / US_PER_SECOND),
				      .tv_usec = (suseconds_t)(wait_us % US_PER_SECOND) };

	evtimer_add(conn->deadline, &wait);
}

/* A request passes through four states. The timer is set where it would fire too late; one that
 * fires too early is set again for the rest. */
static void conn_arm(struct http_conn *conn, int64_t wait_us)
{
	if (!wait_us) {
		conn->deadline_us = INT64_MAX;
		return;
	}
	conn->deadline_us = clock_mono_us(conn->server->clock) + wait_us;
	if (conn->deadline_us >= conn->timer_us)
		return;
	conn->timer_us = conn->deadline_us;
	conn_set_timer(conn, wait_us);
}

void http_conn_enter(struct http_conn *conn, enum http_conn_state state)
{
	conn->state = state;
	http_gate_sort(conn);
	if (state == HTTP_CONN_IDLE) {
		http_head_reset(&conn->head);
		http_gate_set_bytes(conn, evbuffer_get_length(bufferevent_get_input(conn->bev)));
		TAILQ_REMOVE(&conn->server->conns, conn, link);
		TAILQ_INSERT_TAIL(&conn->server->conns, conn, link);
	}
	conn_arm(conn, state_deadline_us(conn));
}

static void conn_detach(struct http_conn *conn)
{
	if (!conn->bev)
		return;
	evbuffer_remove_cb(bufferevent_get_input(conn->bev), conn_on_input, conn);
	evbuffer_remove_cb(bufferevent_get_output(conn->bev), conn_on_output, conn);
	if (conn->ssl)
		http_tls_forget(conn);
	conn->bev = NULL;
	conn->evcon = NULL;
}

void http_conn_free(struct http_conn *conn)
{
	struct http_server *server = conn->server;

	assert(conn->magic == HTTP_CONN_MAGIC && !conn->exchange);
	conn_detach(conn);
	if (conn->fd >= 0)
		server->by_fd[conn->fd] = NULL;
	if (conn->drain) {
		event_free(conn->drain);
		close(conn->fd);
	}
	event_free(conn->deadline);
	event_free(conn->check);
	http_head_fini(&conn->head);
	free(conn->client_names);
	http_gate_leave(conn);
	TAILQ_REMOVE(&server->conns, conn, link);
	server->nconns--;
	server->nnew -= conn->state == HTTP_CONN_NEW;
	server->nprobes -= conn->probe_only;
	metric_set(METRIC_CONNECTIONS, (int64_t)server->nconns);
	conn->magic = 0;
	free(conn);
}

void http_conn_close(struct http_conn *conn)
{
	if (conn->state == HTTP_CONN_LINGERING)
		http_conn_free(conn);
	else
		evhttp_connection_free(conn->evcon); /* conn_on_close() follows */
}

/* ---- lingering ---- */

static void conn_on_drain(evutil_socket_t fd, short what, void *arg)
{
	static char sink[LIMIT_READ_BYTES];
	struct http_conn *conn = arg;

	(void)what;
	loop_woke();
	ssize_t n = recv(fd, sink, sizeof(sink), MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		http_conn_free(conn);
}

/* Takes the socket from evhttp, which then shuts down only the direction to the peer. */
static void conn_linger(struct http_conn *conn)
{
	if (conn->ssl)
		http_tls_release(conn);
	else
		bufferevent_setfd(conn->bev, -1);
	conn_detach(conn);
	conn->drain =
		event_new(conn->server->base, conn->fd, EV_READ | EV_PERSIST, conn_on_drain, conn);
	if (!conn->drain || event_add(conn->drain, NULL))
		abort();
	http_gate_set_bytes(conn, 0);
	http_conn_enter(conn, HTTP_CONN_LINGERING);
}

/* evhttp frees its side of the connection after this callback. */
static void conn_on_close(struct evhttp_connection *evcon, void *arg)
{
	struct http_conn *conn = arg;
	struct http_exchange *exchange = conn->exchange;

	(void)evcon;
	loop_woke();
	conn->exchange = NULL;
	if (exchange)
		conn->peer_gone(exchange);
	if (conn->ssl && http_tls_end(conn))
		conn_refuse_plain(conn);
	if (conn->closing && !conn->server->freeing)
		conn_linger(conn);
	else
		http_conn_free(conn);
}

/* ---- replies that are not a handler's ---- */

static void conn_count_reply(int status)
{
	if (status >= 500)
		metric_add(METRIC_REQUESTS_5XX, 1);
	else if (status >= 400)
		metric_add(METRIC_REQUESTS_4XX, 1);
	else if (status < 300)
		metric_add(METRIC_REQUESTS_2XX, 1);
}

static const char *refusal_text(const struct http_conn *conn, int status, char *text, size_t size)
{
	const struct http_server *server = conn->server;

	if (status == 400 && conn->head.fault)
		return conn->head.fault;
	switch (status) {
	case 413:
		evutil_snprintf(text, size,
				"body larger than %zu bytes, or its chunks cannot be read",
				server->limits.body_bytes);
		break;
	case 408:
		evutil_snprintf(text, size, "request not complete within %lld ms",
				(long long)(server->limits.request_us / US_PER_MS));
		break;
	case 417:
		return "only 100-continue can be expected";
	case 503:
		return conn->too_much ? "too much memory is taken by requests"
				      : "too many connections";
	default:
		evutil_snprintf(
			text, size,
			"request line or headers cannot be read, or are larger than %zu bytes",
			server->limits.header_bytes);
		break;
	}
	return text;
}

static const char *refusal_phrase(int status)
{
	switch (status) {
	case 405:
		return "Method Not Allowed";
	case 408:
		return "Request Timeout";
	case 413:
		return "Content Too Large";
	case 417:
		return "Expectation Failed";
	case 501:
		return "Not Implemented";
	case 503:
		return "Service Unavailable";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Bad Request";
	}
}

void http_conn_write_refusal(int status, const char *text, struct buf *out)
{
	buf_printf(out,
		   "{\"error\": \"%s\", \"type\": \"about:blank\", \"title\": \"%s\", "
		   "\"status\": %d, \"detail\": \"%s\"}\n",
		   text, refusal_phrase(status), status, text);
}

/* Writes a whole reply that closes the connection, and counts it. */
static void refusal_write(const struct http_conn *conn, int status, struct buf *out)
{
	struct buf body = BUF_INIT(LIMIT_REFUSAL_BYTES);
	char text[128];

	http_conn_write_refusal(status, refusal_text(conn, status, text, sizeof(text)), &body);
	buf_printf(out,
		   "HTTP/1.1 %d %s\r\nContent-Type: " HTTP_REFUSAL_TYPE
		   "\r\nContent-Length: %zu\r\n"
		   "Connection: close\r\n%s\r\n%s",
		   status, refusal_phrase(status), body.len,
		   status == 503 ? "Retry-After: 1\r\n" : "", buf_text(&body));
	buf_fini(&body);
	conn_count_reply(status);
}

/* Sends a refusal past evhttp, which has sent nothing of this request. A peer whose socket buffer
 * is full gets none. */
static void conn_send_refusal(struct http_conn *conn, int status)
{
	struct buf out = BUF_INIT(LIMIT_REFUSAL_BYTES);

	if (conn->handshaking)
		return;
	refusal_write(conn, status, &out);
	if (conn->ssl ? !http_tls_send(conn, out.data, out.len)
		      : send(conn->fd, out.data, out.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("refusal not sent", LOG_INT("status", status), LOG_INT("errno", errno));
	buf_fini(&out);
}

/* The peer speaks HTTP where TLS is spoken: it is answered in its own way. */
static void conn_refuse_plain(struct http_conn *conn)
{
	struct buf out = BUF_INIT(LIMIT_REFUSAL_BYTES);

	conn->head.fault = "this port speaks TLS: use https://";
	refusal_write(conn, 400, &out);
	if (send(conn->fd, out.data, out.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("refusal not sent", LOG_INT("status", 400), LOG_INT("errno", errno));
	buf_fini(&out);
	conn->closing = true;
}

/* A bufferevent on a socket keeps others from taking what it sends; one with TLS does not. */
static void conn_freeze_output(struct http_conn *conn, bool freeze)
{
	struct evbuffer *output = bufferevent_get_output(conn->bev);

	if (conn->ssl)
		return;
	if (freeze)
		evbuffer_freeze(output, 1);
	else
		evbuffer_unfreeze(output, 1);
}

/* Replaces the error page that evhttp has put into the output by our refusal; no byte of the page
 * was sent yet. */
static void conn_replace_evhttp_page(struct http_conn *conn)
{
	struct evbuffer *output = bufferevent_get_output(conn->bev);
	struct buf out = BUF_INIT(LIMIT_REFUSAL_BYTES);
	char start[13] = "";
	int status;

	/* "HTTP/1.1 413"; 100 Continue is left alone. */
	if (evbuffer_copyout(output, start, sizeof(start) - 1) < (ev_ssize_t)sizeof(start) - 1)
		return;
	status = (int)strtol(start + sizeof("HTTP/1.1 ") - 1, NULL, 10);
	if (status < 400)
		return;
	if (conn->head.fault)
		status = 400;
	refusal_write(conn, status, &out);
	conn->adding = true;
	conn_freeze_output(conn, false);
	evbuffer_drain(output, evbuffer_get_length(output));
	conn_freeze_output(conn, true);
	evbuffer_add(output, out.data, out.len);
	conn->adding = false;
	buf_fini(&out);
	conn->closing = true;
	bufferevent_disable(conn->bev, EV_READ);
	http_conn_enter(conn, HTTP_CONN_WRITING);
}

/* ---- what evhttp's buffers tell ---- */

/* A request's headers have arrived: whose is it? A connection above the cap is for probes; any
 * other request on it is refused, unless there is room by now. */
static void conn_judge(struct http_conn *conn)
{
	struct http_server *server = conn->server;
	const struct http_head *head = &conn->head;
	enum http_standing standing = HTTP_STANDING_STRANGER;

	if (server->judge)
		standing = server->judge(server->judge_ctx, head->is_get,
					 head->path ? head->path : "", head->authorization);
	if (standing == HTTP_STANDING_KNOWN && !conn->known) {
		conn->known = true;
		http_gate_sort(conn);
	}
	if (!conn->probe_only || standing == HTTP_STANDING_PROBE)
		return;
	if (server->nconns - server->nprobes < server->limits.connections) {
		conn->probe_only = false;
		server->nprobes--;
		http_gate_sort(conn);
		return;
	}
	conn->turned_away = true;
	event_active(conn->check, 0, 0);
}

/* Hands the last `added` bytes of the input to the head. evhttp takes whole lines out of the input,
 * but only after this. */
static void conn_read_head(struct http_conn *conn, struct evbuffer *input, size_t added)
{
	const bool was_whole = http_head_is_whole(&conn->head);
	struct evbuffer_iovec part;
	struct evbuffer_ptr at;

	if (conn->head.state == HTTP_HEAD_OVER)
		return;
	evbuffer_ptr_set(input, &at, evbuffer_get_length(input) - added, EVBUFFER_PTR_SET);
	while (added && evbuffer_peek(input, (ev_ssize_t)added, &at, &part, 1) > 0) {
		size_t len = part.iov_len < added ? part.iov_len : added;
		http_head_feed(&conn->head, part.iov_base, len);
		added -= len;
		if (added)
			evbuffer_ptr_set(input, &at, len, EVBUFFER_PTR_ADD);
	}
	if (!was_whole && http_head_is_whole(&conn->head))
		conn_judge(conn);
	if (conn->head.fault)
		event_active(conn->check, 0, 0);
}

static void conn_on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
	struct http_conn *conn = arg;

	loop_woke();
	if (!info->n_added)
		return;
	if (conn->state == HTTP_CONN_IDLE)
		http_conn_enter(conn, HTTP_CONN_READING);
	if (conn->state == HTTP_CONN_READING)
		conn_read_head(conn, input, info->n_added);
	http_gate_add_bytes(conn, info->n_added);
	if (http_gate_memory_victim(conn))
		event_active(conn->check, 0, 0);
}

/* A stream's deadline begins where something waits for the peer, and again with each byte that the
 * peer takes; pieces that are added do not move it. */
static void conn_watch_stream(struct http_conn *conn, const struct evbuffer *output,
			      const struct evbuffer_cb_info *info)
{
	if (!evbuffer_get_length(output))
		conn_arm(conn, 0);
	else if (!info->orig_size || info->n_deleted)
		conn_arm(conn, conn->server->limits.stream_stall_us);
}

static void conn_on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg)
{
	struct http_conn *conn = arg;

	loop_woke();
	if (conn->streams)
		conn_watch_stream(conn, output, info);
	if (info->n_added && !conn->adding) {
		conn->evhttp_added = true;
		event_active(conn->check, 0, 0);
	}
	if (info->n_deleted && conn->closing && !evbuffer_get_length(output))
		event_active(conn->check, 0, 0);
}

/* ---- the gate ---- */

/* Closes a connection to make room for another one. */
static void conn_give_way(struct http_conn *conn)
{
	http_gate_count(conn, false);
	if (conn->state == HTTP_CONN_READING)
		conn_send_refusal(conn, 503);
	http_conn_close(conn);
}

/* Says 503 and lingers, where not too many do. */
static void conn_turn_away(struct http_conn *conn)
{
	const struct http_server *server = conn->server;

	http_gate_count(conn, true);
	if (server->nconns <=
	    server->limits.connections + LIMIT_PROBE_CONNECTIONS + LIMIT_REFUSED_CONNECTIONS) {
		conn_send_refusal(conn, 503);
		conn->closing = true;
	}
	http_conn_close(conn);
}

/* Others give way to the memory of this connection's request. False: it has gone itself. */
static bool conn_make_memory(struct http_conn *conn)
{
	struct http_conn *victim;

	while ((victim = http_gate_memory_victim(conn))) {
		victim->too_much = true;
		if (victim->state == HTTP_CONN_READING)
			conn_turn_away(victim);
		else
			conn_give_way(victim);
		if (victim == conn)
			return false;
	}
	return true;
}

size_t http_conn_free_descriptors(struct http_server *server)
{
	struct http_conn *conn;
	size_t most = server->nconns / 8 + 1, n = 0;

	if (most > LIMIT_DESCRIPTORS_FREED)
		most = LIMIT_DESCRIPTORS_FREED;
	while (n < most && (conn = http_gate_any_victim(server))) {
		conn_give_way(conn);
		n++;
	}
	return n;
}

/* Lets the newest connection in: others give way to it; where none can, it may still be a probe. */
static void conn_admit(struct http_conn *newest)
{
	struct http_server *server = newest->server;
	struct http_conn *conn;

	while ((conn = http_gate_victim(server, newest)))
		conn_give_way(conn);
	if (!http_gate_is_full(server))
		return;
	if (server->nprobes >= LIMIT_PROBE_CONNECTIONS) {
		conn = http_gate_oldest_probe(server);
		if (!conn) {
			conn_turn_away(newest);
			return;
		}
		conn_give_way(conn);
	}
	newest->probe_only = true;
	server->nprobes++;
	http_gate_sort(newest);
}

/* In the turn after http_conn_new(), when evhttp's side exists. */
static void conn_accept(struct http_conn *conn)
{
	struct http_server *server = conn->server;
	void *evcon = NULL;

	bufferevent_getcb(conn->bev, NULL, NULL, NULL, &evcon);
	conn->evcon = evcon;
	conn->fd = bufferevent_getfd(conn->bev);
	size_t fd = (size_t)conn->fd;
	if (fd >= server->by_fd_size) {
		size_t size = fd * 2 + 64;
		server->by_fd = xrealloc_array(server->by_fd, size, sizeof(*server->by_fd));
		memset(server->by_fd + server->by_fd_size, 0,
		       (size - server->by_fd_size) * sizeof(*server->by_fd));
		server->by_fd_size = size;
	}
	server->by_fd[fd] = conn;
	evhttp_connection_set_closecb(conn->evcon, conn_on_close, conn);
	http_gate_enter(conn);
	server->nnew--;
	http_conn_enter(conn, HTTP_CONN_IDLE);
	conn_admit(conn);
}

static void conn_on_check(evutil_socket_t fd, short what, void *arg)
{
	struct http_conn *conn = arg;

	(void)fd;
	(void)what;
	loop_woke();
	assert(conn->magic == HTTP_CONN_MAGIC);
	if (conn->state == HTTP_CONN_LINGERING)
		return;
	if (conn->state == HTTP_CONN_NEW) {
		conn_accept(conn);
		return;
	}
	if (!conn_make_memory(conn))
		return;
	if (conn->state == HTTP_CONN_READING && conn->turned_away) {
		conn_turn_away(conn);
		return;
	}
	if (conn->state == HTTP_CONN_READING && conn->head.fault && !conn->evhttp_added) {
		conn_send_refusal(conn, 400);
		conn->closing = true;
		http_conn_close(conn);
		return;
	}
	if (conn->evhttp_added) {
		conn->evhttp_added = false;
		conn_replace_evhttp_page(conn);
	}
	/* evhttp keeps a connection open after CONNECT, even when the reply said "close". */
	if (conn->closing && !evbuffer_get_length(bufferevent_get_output(conn->bev)))
		http_conn_close(conn);
}

static void conn_on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct http_conn *conn = arg;

	(void)fd;
	(void)what;
	loop_woke();
	const int64_t now_us = clock_mono_us(conn->server->clock);
	conn->timer_us = conn->deadline_us;
	if (conn->deadline_us == INT64_MAX)
		return;
	if (now_us < conn->deadline_us) {
		conn_set_timer(conn, conn->deadline_us - now_us);
		return;
	}
	if (conn->state == HTTP_CONN_READING)
		conn_send_refusal(conn, 408);
	conn->late = true;
	http_conn_close(conn);
}

/* ---- for http_server.c and http_exchange.c ---- */

/* The others that wait are accepted in the next turn, when those of this turn have been let in. */
static void conn_rest_listeners(struct http_server *server)
{
	for (size_t i = 0; i < server->nbound; i++)
		evconnlistener_disable(evhttp_bound_socket_get_listener(server->bound[i]));
	event_active(server->accept_again, 0, 0);
}

/* It has time for its first request. */
static void conn_on_tls_ready(struct http_conn *conn)
{
	http_gate_end_handshake(conn);
	if (conn->state == HTTP_CONN_IDLE)
		http_conn_enter(conn, HTTP_CONN_IDLE);
}

struct bufferevent *http_conn_new(struct event_base *base, void *arg)
{
	struct http_server *server = arg;
	struct http_conn *conn = xcalloc(1, sizeof(*conn));

	loop_woke();
	*conn = (struct http_conn){ .magic = HTTP_CONN_MAGIC,
				    .state = HTTP_CONN_NEW,
				    .server = server,
				    .fd = -1,
				    .gate_list = -1,
				    .deadline_us = INT64_MAX,
				    .timer_us = INT64_MAX };
	conn->bev = server->tls ? http_tls_begin(conn, base, conn_on_tls_ready)
				: bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	http_head_init(&conn->head, server->limits.header_bytes);
	conn->deadline = evtimer_new(base, conn_on_deadline, conn);
	conn->check = event_new(base, -1, 0, conn_on_check, conn);
	if (!conn->bev || !conn->deadline || !conn->check ||
	    !evbuffer_add_cb(bufferevent_get_input(conn->bev), conn_on_input, conn) ||
	    !evbuffer_add_cb(bufferevent_get_output(conn->bev), conn_on_output, conn))
		abort();
	bufferevent_set_max_single_read(conn->bev,
					conn->ssl ? LIMIT_TLS_READ_BYTES : LIMIT_READ_BYTES);
	/* evhttp buffers a whole body; the watermark caps a header line that never ends. */
	bufferevent_setwatermark(conn->bev, EV_READ, 0,
				 server->limits.body_bytes + server->limits.header_bytes +
					 LIMIT_READ_BYTES);
	TAILQ_INSERT_TAIL(&server->conns, conn, link);
	server->nconns++;
	server->nnew++;
	metric_set(METRIC_CONNECTIONS, (int64_t)server->nconns);
	event_active(conn->check, 0, 0);
	if (server->nnew >= LIMIT_ACCEPTS_PER_TURN)
		conn_rest_listeners(server);
	return conn->bev;
}

struct http_conn *http_conn_of(struct http_server *server, struct evhttp_request *req)
{
	struct evhttp_connection *evcon = evhttp_request_get_connection(req);
	int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(evcon));

	assert(fd >= 0 && (size_t)fd < server->by_fd_size && server->by_fd[fd]);
	return server->by_fd[fd];
}

/* The reply was sent, and evhttp waits for the next request after this callback. */
static void conn_on_complete(struct evhttp_request *req, void *arg)
{
	struct http_conn *conn = arg;

	(void)req;
	conn->served = true;
	if (conn->closing)
		return;
	http_conn_enter(conn, HTTP_CONN_IDLE);
	/* A pipelined request is in the buffer already, and no input callback announces it. */
	struct evbuffer *input = bufferevent_get_input(conn->bev);
	size_t len = evbuffer_get_length(input);
	if (!len)
		return;
	http_conn_enter(conn, HTTP_CONN_READING);
	conn_read_head(conn, input, len);
}

static const char *status_phrase(int status)
{
	switch (status) { /* statuses that evhttp has no phrase for */
	case 421:
		return "Misdirected Request";
	case 422:
		return "Unprocessable Content";
	case 429:
		return "Too Many Requests";
	case 431:
		return "Request Header Fields Too Large";
	default:
		return NULL;
	}
}

/* Will evhttp keep the connection open behind the reply, and is all of it short? Then it can be
 * written from within evhttp's callbacks: nothing but the request is freed. */
static bool conn_stays_open(const struct http_conn *conn, const struct evhttp_request *req)
{
	return !conn->closing && req->major == 1 && req->minor == 1 &&
	       !evhttp_find_header(req->input_headers, "Connection") &&
	       !evhttp_find_header(req->input_headers, "Proxy-Connection") &&
	       req->type != EVHTTP_REQ_CONNECT;
}

/* Writes the reply in this turn: evhttp would wait until epoll says that the socket is writable,
 * which takes a turn and three system calls. False: the socket did not take all, and evhttp goes
 * on. True: the request is freed. */
static bool conn_write_now(struct http_conn *conn)
{
	struct evbuffer *output = bufferevent_get_output(conn->bev);

	conn_freeze_output(conn, false);
	if (conn->ssl)
		http_tls_write_output(conn);
	else
		evbuffer_write(output, conn->fd);
	conn_freeze_output(conn, true);
	if (evbuffer_get_length(output))
		return false;
	bufferevent_trigger(conn->bev, EV_WRITE, 0); /* conn_on_complete() follows */
	return true;
}

void http_conn_reply(struct http_conn *conn, struct evhttp_request *req, int status, bool closing)
{
	conn_count_reply(status);
	evhttp_request_set_on_complete_cb(req, conn_on_complete, conn);
	conn->closing |= closing;
	const bool stays_open = conn_stays_open(conn, req);
	conn->adding = true;
	evhttp_send_reply(req, status, status_phrase(status), NULL);
	conn->adding = false;
	if (stays_open && conn_write_now(conn))
		return;
	/* evhttp would go on reading, without a bound; and a peer that shuts down its direction
	 * early would end the reply. */
	bufferevent_disable(conn->bev, EV_READ);
	http_conn_enter(conn, HTTP_CONN_WRITING);
}

/* ---- replies that go on ---- */

/* The connection stays busy: the gate closes none that the handler has. evhttp reads on, so that a
 * peer that closes is noticed; what it sends has no reader, and is not taken beyond a few KiB. */
void http_conn_begin_stream(struct http_conn *conn, struct evhttp_request *req)
{
	conn_count_reply(200);
	conn->streams = true;
	conn->adding = true;
	evhttp_send_reply_start(req, 200, NULL);
	conn->adding = false;
	bufferevent_setwatermark(conn->bev, EV_READ, 0, LIMIT_STREAM_READ_BYTES);
}

bool http_conn_stream(struct http_conn *conn, struct evhttp_request *req, const char *data,
		      size_t len)
{
	struct evbuffer *piece;

	if (evbuffer_get_length(bufferevent_get_output(conn->bev)) > LIMIT_STREAM_BYTES)
		return false;
	piece = evbuffer_new();
	if (!piece || evbuffer_add(piece, data, len))
		abort();
	conn->adding = true;
	evhttp_send_reply_chunk(req, piece);
	conn->adding = false;
	evbuffer_free(piece);
	return true;
}

void http_conn_end_stream(struct http_conn *conn, struct evhttp_request *req)
{
	evhttp_request_set_on_complete_cb(req, conn_on_complete, conn);
	conn->closing = true;
	conn->streams = false;
	conn->adding = true;
	evhttp_send_reply_end(req);
	conn->adding = false;
	bufferevent_disable(conn->bev, EV_READ);
	http_conn_enter(conn, HTTP_CONN_WRITING);
}
