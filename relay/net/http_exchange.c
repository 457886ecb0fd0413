/*
 * One request and its reply. Refuses what evhttp lets through and what two readers could read in
 * two ways (RFC 9112 section 11.2); bare line feeds and folded headers cannot be seen from here:
 * http_head.c finds them in the bytes.
 * Reads no body format and knows no path.
 *
 * An exchange lives from the handler's call to its reply. When the peer goes away before the reply,
 * the exchange takes evhttp's request and frees it at the end.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>

#include "tracepager/log.h"
#include "tracepager/xalloc.h"

#include "http_server-internal.h"
#include "http_tls-internal.h"
#include "loop-internal.h"

/* ---- what is refused ---- */

struct fault {
	int status;
	const char *text; /* plain ASCII without quotes: it goes into JSON as it is */
	bool allow;	  /* the reply says which methods are taken at all */
};

#define NO_FAULT	      ((struct fault){ .status = 0 })
#define FAULT(status_, text_) ((struct fault){ .status = (status_), .text = (text_) })

struct header_counts {
	unsigned int lengths, encodings, hosts, authorizations;
	const char *length, *encoding;
};

/* RFC 9110 section 5.6.2. */
static bool header_is_token(const char *text)
{
	static const char marks[] = "!#$%&'*+-.^_`|~0123456789"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t len = strspn(text, marks);

	return len && !text[len];
}

static bool header_has_control(const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

static struct fault headers_check(const struct evkeyvalq *headers, struct header_counts *counts)
{
	const struct evkeyval *header;

	for (header = headers->tqh_first; header; header = header->next.tqe_next) {
		if (!header_is_token(header->key))
			return FAULT(400, "a header's name has a blank or another character "
					  "that is not allowed there");
		if (header_has_control(header->value))
			return FAULT(400, "a header's value has a control character");
		if (!evutil_ascii_strcasecmp(header->key, "Content-Length")) {
			counts->lengths++;
			counts->length = header->value;
		} else if (!evutil_ascii_strcasecmp(header->key, "Transfer-Encoding")) {
			counts->encodings++;
			counts->encoding = header->value;
		} else if (!evutil_ascii_strcasecmp(header->key, "Host")) {
			counts->hosts++;
		} else if (!evutil_ascii_strcasecmp(header->key, "Authorization")) {
			counts->authorizations++;
		}
	}
	return NO_FAULT;
}

static struct fault framing_check(const struct evhttp_request *req,
				  const struct header_counts *counts)
{
	if (counts->encodings && counts->lengths)
		return FAULT(400, "both Content-Length and Transfer-Encoding");
	if (counts->lengths > 1)
		return FAULT(400, "more than one Content-Length");
	if (counts->length &&
	    (!*counts->length || counts->length[strspn(counts->length, "0123456789")]))
		return FAULT(400, "Content-Length is not a number");
	if (counts->encodings && req->minor == 0)
		return FAULT(400, "Transfer-Encoding in HTTP/1.0");
	if (counts->encodings > 1 ||
	    (counts->encoding && evutil_ascii_strcasecmp(counts->encoding, "chunked")))
		return FAULT(501, "Transfer-Encoding other than chunked");
	if (req->type == EVHTTP_REQ_HEAD && (counts->encodings || counts->lengths))
		return FAULT(400, "HEAD with a body");
	if (req->type == EVHTTP_REQ_DELETE &&
	    (counts->encodings || (counts->length && counts->length[strspn(counts->length, "0")])))
		return FAULT(400, "DELETE with a body");
	if (counts->authorizations > 1)
		return FAULT(400, "more than one Authorization header");
	if (counts->hosts > 1 || (!counts->hosts && req->minor > 0))
		return FAULT(400, "not exactly one Host header");
	return NO_FAULT;
}

static struct fault request_check(const struct evhttp_request *req)
{
	struct header_counts counts = { 0 };
	struct fault fault;

	if (req->major != 1 || req->minor < 0)
		return FAULT(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
	fault = headers_check(req->input_headers, &counts);
	if (!fault.status)
		fault = framing_check(req, &counts);
	return fault;
}

/* evhttp's types are bits; an unknown method is a bit without a name. PATCH and OPTIONS go to the
 * handler, which knows what a path allows; evhttp takes a TRACE with a body for two requests. */
static struct fault method_check(const struct evhttp_request *req)
{
	const int taken = EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
			  EVHTTP_REQ_DELETE;
	const int refused_by_handler = EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH;
	const int known = refused_by_handler | EVHTTP_REQ_TRACE | EVHTTP_REQ_CONNECT;
	const int type = (int)req->type;
	const char *path = evhttp_uri_get_path(req->uri_elems);

	if (type & taken || (type & refused_by_handler && path && *path == '/'))
		return NO_FAULT;
	return (struct fault){ .status = type & known ? 405 : 501,
			       .text = "only GET, HEAD, POST, PUT and DELETE are answered here",
			       .allow = true };
}

static enum http_verb exchange_verb_of(const struct evhttp_request *req)
{
	const int type = (int)req->type;

	if (type & (EVHTTP_REQ_GET | EVHTTP_REQ_HEAD))
		return HTTP_VERB_GET;
	if (type == EVHTTP_REQ_OPTIONS)
		return evhttp_find_header(req->input_headers, "WebHook-Request-Origin")
			       ? HTTP_VERB_OPTIONS
			       : HTTP_VERB_OTHER;
	return type == EVHTTP_REQ_POST	   ? HTTP_VERB_POST
	       : type == EVHTTP_REQ_PUT	   ? HTTP_VERB_PUT
	       : type == EVHTTP_REQ_DELETE ? HTTP_VERB_DELETE
					   : HTTP_VERB_OTHER;
}

/* ---- the reply ---- */

static void exchange_send_reply(struct http_conn *conn, struct evhttp_request *req, int status,
				const char *type, const char *body, size_t len, bool closing)
{
	struct evkeyvalq *headers = req->output_headers;
	const bool no_body = status == 204 || status == 304;
	char length[24];

	/* Pages and answers show the present state, and only to those who may see it. */
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	if (!no_body) {
		evutil_snprintf(length, sizeof(length), "%zu", len);
		evhttp_add_header(headers, "Content-Type", type ? type : "application/json");
		evhttp_add_header(headers, "Content-Length", length);
	}
	if (closing)
		evhttp_add_header(headers, "Connection", "close");
	if (!no_body && req->type != EVHTTP_REQ_HEAD && evbuffer_add(req->output_buffer, body, len))
		abort();
	http_conn_reply(conn, req, status, closing);
}

static void exchange_refuse(struct http_conn *conn, struct evhttp_request *req, struct fault fault)
{
	struct buf body = BUF_INIT(LIMIT_REFUSAL_BYTES);

	http_conn_write_refusal(fault.status, fault.text, &body);
	log_debug("request refused", LOG_STR("peer", req->remote_host),
		  LOG_INT("status", fault.status), LOG_STR("reason", fault.text));
	if (fault.allow)
		evhttp_add_header(req->output_headers, "Allow", "GET, HEAD, POST, PUT, DELETE");
	if (fault.status == 503) {
		http_gate_count(conn, true);
		evhttp_add_header(req->output_headers, "Retry-After", "1");
	}
	exchange_send_reply(conn, req, fault.status, HTTP_REFUSAL_TYPE, buf_text(&body), body.len,
			    true);
	buf_fini(&body);
}

void http_exchange_set(struct http_exchange *exchange, const char *name, const char *value)
{
	evhttp_add_header(exchange->req->output_headers, name, value);
}

void http_exchange_reply(struct http_exchange *exchange, int status, const char *type,
			 const char *body, size_t len, unsigned int retry_after_s)
{
	struct http_conn *conn = exchange->conn;
	char seconds[16];

	assert(exchange->magic == HTTP_EXCHANGE_MAGIC);
	if (conn) {
		if (retry_after_s) {
			evutil_snprintf(seconds, sizeof(seconds), "%u", retry_after_s);
			http_exchange_set(exchange, "Retry-After", seconds);
		}
		conn->exchange = NULL;
		exchange_send_reply(conn, exchange->req, status, type, body, len,
				    exchange->server->stopping);
	}
	http_exchange_free(exchange);
}

bool http_exchange_begin_stream(struct http_exchange *exchange, const char *type,
				http_stream_gone *gone, void *ctx)
{
	static const char old[] = "{\"error\": \"this reply does not end: ask with HTTP/1.1\"}\n";
	struct evhttp_request *req = exchange->req;

	assert(exchange->magic == HTTP_EXCHANGE_MAGIC);
	if (exchange->conn && (req->type == EVHTTP_REQ_HEAD || req->minor == 0)) {
		const bool head = req->type == EVHTTP_REQ_HEAD;
		http_exchange_reply(exchange, head ? 200 : 400, head ? type : NULL, old,
				    head ? 0 : sizeof(old) - 1, 0);
		return false;
	}
	exchange->gone = gone;
	exchange->gone_ctx = ctx;
	if (!exchange->conn) {
		gone(ctx);
		return true;
	}
	evhttp_add_header(req->output_headers, "Cache-Control", "no-store");
	evhttp_add_header(req->output_headers, "X-Content-Type-Options", "nosniff");
	evhttp_add_header(req->output_headers, "Content-Type", type);
	evhttp_add_header(req->output_headers, "Connection", "close");
	http_conn_begin_stream(exchange->conn, req);
	return true;
}

bool http_exchange_stream(struct http_exchange *exchange, const char *data, size_t len)
{
	assert(exchange->magic == HTTP_EXCHANGE_MAGIC && exchange->gone);
	return exchange->conn && http_conn_stream(exchange->conn, exchange->req, data, len);
}

void http_exchange_end_stream(struct http_exchange *exchange)
{
	struct http_conn *conn = exchange->conn;

	assert(exchange->magic == HTTP_EXCHANGE_MAGIC && exchange->gone);
	if (conn) {
		conn->exchange = NULL;
		http_conn_end_stream(conn, exchange->req);
	}
	http_exchange_free(exchange);
}

/* ---- the exchange's life ---- */

static void exchange_on_peer_gone(struct http_exchange *exchange)
{
	if (exchange->server->freeing) {
		http_exchange_free(exchange);
		return;
	}
	/* Keeps evhttp from freeing the request with its connection. */
	evhttp_request_own(exchange->req);
	exchange->conn = NULL;
	if (exchange->gone)
		exchange->gone(exchange->gone_ctx);
}

static struct http_exchange *exchange_new(struct http_server *server)
{
	struct http_exchange *exchange = TAILQ_FIRST(&server->spare);

	if (!exchange)
		return xcalloc(1, sizeof(*exchange));
	TAILQ_REMOVE(&server->spare, exchange, link);
	server->nspare--;
	return exchange;
}

void http_exchanges_free_spare(struct http_server *server)
{
	struct http_exchange *exchange;

	while ((exchange = TAILQ_FIRST(&server->spare))) {
		TAILQ_REMOVE(&server->spare, exchange, link);
		free(exchange);
	}
}

void http_exchange_take(struct evhttp_request *req, void *arg)
{
	struct http_server *server = arg;
	struct http_conn *conn = http_conn_of(server, req);
	struct fault fault = conn->head.fault ? FAULT(400, conn->head.fault) : request_check(req);
	struct http_exchange *exchange;
	const char *query;
	size_t len;

	loop_woke();
	if (!fault.status && conn->turned_away)
		fault = FAULT(503, "too many connections");
	if (!fault.status)
		fault = method_check(req);
	const char *raw = evhttp_uri_get_path(req->uri_elems);
	char *decoded = NULL;
	if (raw && strchr(raw, '%')) {
		decoded = evhttp_uridecode(raw, 0, &len);
		if (!decoded)
			abort();
		if (!fault.status && strlen(decoded) != len)
			fault = FAULT(400, "the path has a NUL");
	}
	if (fault.status) {
		free(decoded);
		exchange_refuse(conn, req, fault);
		return;
	}
	query = evhttp_uri_get_query(req->uri_elems);
	exchange = exchange_new(server);
	*exchange = (struct http_exchange){ .magic = HTTP_EXCHANGE_MAGIC,
					    .server = server,
					    .conn = conn,
					    .req = req,
					    .verb = exchange_verb_of(req),
					    .decoded = decoded,
					    .path = decoded ? decoded
						    : raw   ? raw
							    : "",
					    .query = query ? query : "",
					    .began_us = clock_mono_us(server->clock) };
	evutil_snprintf(exchange->peer, sizeof(exchange->peer), "%s", req->remote_host);
	TAILQ_INSERT_TAIL(&server->exchanges, exchange, link);
	conn->exchange = exchange;
	conn->peer_gone = exchange_on_peer_gone;
	http_conn_enter(conn, HTTP_CONN_BUSY);
	server->handler(server->ctx, exchange);
}

void http_exchange_free(struct http_exchange *exchange)
{
	struct http_server *server = exchange->server;

	assert(exchange->magic == HTTP_EXCHANGE_MAGIC);
	TAILQ_REMOVE(&server->exchanges, exchange, link);
	if (!exchange->conn)
		evhttp_request_free(exchange->req);
	exchange->magic = 0;
	free(exchange->decoded);
	if (server->nspare == LIMIT_SPARE_JOBS) {
		free(exchange);
		return;
	}
	TAILQ_INSERT_HEAD(&server->spare, exchange, link);
	server->nspare++;
}

enum http_verb http_exchange_verb(const struct http_exchange *exchange)
{
	return exchange->verb;
}

const char *http_exchange_path(const struct http_exchange *exchange)
{
	return exchange->path;
}

const char *http_exchange_query(const struct http_exchange *exchange)
{
	return exchange->query;
}

const char *http_exchange_header(const struct http_exchange *exchange, const char *name)
{
	return evhttp_find_header(exchange->req->input_headers, name);
}

size_t http_exchange_header_count(const struct http_exchange *exchange, const char *name)
{
	const struct evkeyval *header;
	size_t n = 0;

	TAILQ_FOREACH (header, exchange->req->input_headers, next)
		n += strcasecmp(header->key, name) == 0;
	return n;
}

const char *http_exchange_body(struct http_exchange *exchange, size_t *ret_len)
{
	struct evbuffer *body = exchange->req->input_buffer;

	*ret_len = evbuffer_get_length(body);
	return *ret_len ? (const char *)evbuffer_pullup(body, -1) : "";
}

const char *http_exchange_peer(const struct http_exchange *exchange)
{
	return exchange->peer;
}

const char *http_exchange_client_name(const struct http_exchange *exchange, size_t n)
{
	struct http_conn *conn = exchange->conn;

	return conn && conn->ssl ? http_tls_client_name(conn, n) : NULL;
}

int64_t http_exchange_began_us(const struct http_exchange *exchange)
{
	return exchange->began_us;
}
