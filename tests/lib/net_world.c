/* The server answers by path: /echo, /many?BYTES, /status/CODE, /retry, /gzip, /defer, /sent; any
 * other path gets a line that describes its request. */
#include "tests/lib/net_world.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tracepager/xalloc.h"

/* Ends a test that hangs, before check's time limit does; a loaded machine under a sanitizer is
 * slow, and does not hang. */
#define GUARD_S 100
/* What must not time out has longer than any test. */
#define PATIENCE_US (2 * GUARD_S * US_PER_SECOND)

/* ---- a server, a client, and what they saw ---- */

struct world w;

static void on_guard(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	ck_abort_msg("pump() waited for a condition that never became true");
}

void reply_text(struct http_exchange *exchange, int status, const char *text)
{
	http_exchange_reply(exchange, status, "text/plain", text, strlen(text), 0);
}

void reply_many(struct http_exchange *exchange, size_t n)
{
	char *body = xcalloc(n + 1, 1);

	memset(body, 'x', n);
	http_exchange_reply(exchange, 200, NULL, body, n, 0);
	free(body);
}

static const char *verb_of(const struct http_exchange *exchange)
{
	static const char *const names[] = {
		[HTTP_VERB_GET] = "GET",	 [HTTP_VERB_POST] = "POST",
		[HTTP_VERB_PUT] = "PUT",	 [HTTP_VERB_DELETE] = "DELETE",
		[HTTP_VERB_OPTIONS] = "OPTIONS", [HTTP_VERB_OTHER] = "OTHER",
	};

	return names[http_exchange_verb(exchange)];
}

static void reply_seen(struct http_exchange *exchange)
{
	const char *agent = http_exchange_header(exchange, "user-agent");
	struct buf out = BUF_INIT(4096);

	buf_printf(&out, "%s|%s|%s|%s|%s", verb_of(exchange), http_exchange_path(exchange),
		   http_exchange_query(exchange), agent ? agent : "none",
		   http_exchange_peer(exchange));
	reply_text(exchange, 200, out.data);
	buf_fini(&out);
}

/* What one request brings and the next must not: the method, headers, and the body. */
static void reply_sent(struct http_exchange *exchange, const char *body, size_t len)
{
	static const char *const names[] = { "authorization", "content-type",	 "content-length",
					     "user-agent",    "accept-encoding", "expect" };
	struct buf out = BUF_INIT(65536);

	buf_puts(&out, verb_of(exchange));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = http_exchange_header(exchange, names[i]);
		buf_printf(&out, "|%s", value ? value : "-");
	}
	buf_printf(&out, "|%.*s", (int)len, body);
	reply_text(exchange, 200, out.data);
	buf_fini(&out);
}

static void on_request(void *ctx, struct http_exchange *exchange)
{
	const char *path = http_exchange_path(exchange);
	size_t len;
	const char *body = http_exchange_body(exchange, &len);

	(void)ctx;
	w.requests++;
	if (!strcmp(path, "/echo")) {
		http_exchange_reply(exchange, 200, "text/plain", body, len, 0);
	} else if (!strcmp(path, "/many")) {
		reply_many(exchange, strtoul(http_exchange_query(exchange), NULL, 10));
	} else if (!strncmp(path, "/status/", 8)) {
		http_exchange_reply(exchange, atoi(path + 8), NULL, "{}\n", 3, 7);
	} else if (!strcmp(path, "/sent")) {
		reply_sent(exchange, body, len);
	} else if (!strcmp(path, "/retry")) {
		http_exchange_set(exchange, "Retry-After", w.retry_after);
		http_exchange_reply(exchange, 429, NULL, "{}\n", 3, 0);
	} else if (!strcmp(path, "/gzip")) {
		http_exchange_set(exchange, "Content-Encoding", "gzip");
		http_exchange_reply(exchange, 200, NULL, w.gzip, w.gzip_len, 0);
	} else if (!strcmp(path, "/defer")) {
		ck_assert_uint_lt(w.ndeferred, ARRAY_LEN(w.deferred));
		w.deferred[w.ndeferred++] = exchange;
	} else {
		reply_seen(exchange);
	}
}

void world_listen(void)
{
	struct err err = { .code = 0 };

	if (!http_server_port(w.server))
		ck_assert_msg(!http_server_listen(w.server, "127.0.0.1:0", &err), "%s", err.text);
}

void world_set_up(void)
{
	const struct timeval longest = { .tv_sec = GUARD_S };

	memset(&w, 0, sizeof(w));
	setenv("no_proxy", "*", 1);
	w.base = net_event_base_new();
	w.guard = evtimer_new(w.base, on_guard, NULL);
	evtimer_add(w.guard, &longest);
	w.server = http_server_new(w.base, clock_system(), on_request, NULL);
	w.client = http_client_new(w.base, clock_system());
	w.transport = http_client_transport(w.client);
}

void world_tear_down(void)
{
	http_client_free(w.client);
	http_server_free(w.server);
	event_free(w.guard);
	event_base_free(w.base);
}

struct http_server_limits world_limits(void)
{
	return (struct http_server_limits){ .body_bytes = 1000,
					    .header_bytes = 500,
					    .connections = 100,
					    .request_us = PATIENCE_US,
					    .idle_us = PATIENCE_US,
					    .stream_stall_us = PATIENCE_US };
}

void world_turn(void)
{
	ck_assert_int_eq(event_base_loop(w.base, EVLOOP_ONCE), 0);
}

/* ---- raw peers ---- */

static void on_raw(evutil_socket_t fd, short what, void *arg)
{
	struct raw *raw = arg;
	char data[65536];

	(void)what;
	ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT);
	if (n > 0) {
		buf_add(&raw->in, data, (size_t)n);
		return;
	}
	if (n < 0 && errno == EAGAIN)
		return;
	raw->eof = true;
	event_del(raw->event);
}

void raw_open(struct raw *raw)
{
	raw_open_from(raw, 1);
}

void raw_open_from(struct raw *raw, int host)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
				    .sin_addr = { htonl(INADDR_LOOPBACK - 1 + (in_addr_t)host) } };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr = { htonl(INADDR_LOOPBACK) },
				  .sin_port = htons((uint16_t)http_server_port(w.server)) };

	*raw = (struct raw){ .fd = socket(AF_INET, SOCK_STREAM, 0), .in = BUF_INIT(16u << 20) };
	ck_assert_int_eq(bind(raw->fd, (struct sockaddr *)&from, sizeof(from)), 0);
	ck_assert_int_eq(connect(raw->fd, (struct sockaddr *)&to, sizeof(to)), 0);
	fcntl(raw->fd, F_SETFL, O_NONBLOCK);
	raw->event = event_new(w.base, raw->fd, EV_READ | EV_PERSIST, on_raw, raw);
	event_add(raw->event, NULL);
}

void raw_close(struct raw *raw)
{
	event_free(raw->event);
	close(raw->fd);
	buf_fini(&raw->in);
}

void raw_send_data(struct raw *raw, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(raw->fd, data, len, MSG_NOSIGNAL);
		if (n < 0) {
			ck_assert_int_eq(errno, EAGAIN);
			event_base_loop(w.base, EVLOOP_NONBLOCK);
			continue;
		}
		data += n;
		len -= (size_t)n;
	}
}

void raw_send(struct raw *raw, const char *text)
{
	raw_send_data(raw, text, strlen(text));
}

bool raw_has(const struct raw *raw, const char *text)
{
	return strstr(buf_text(&raw->in), text) != NULL;
}

void raw_settle(struct raw *raw)
{
	int unsent = 1;

	while (unsent) {
		event_base_loop(w.base, EVLOOP_NONBLOCK);
		ck_assert_int_eq(ioctl(raw->fd, SIOCOUTQ, &unsent), 0);
	}
	/* The accept, its first turn, and the read. */
	for (int turn = 0; turn < 3; turn++)
		event_base_loop(w.base, EVLOOP_NONBLOCK);
}

void raw_expect(struct raw *raw, const char *text)
{
	pump(raw->eof || raw_has(raw, text));
	ck_assert_msg(raw_has(raw, text), "want \"%s\" in \"%s\"", text, buf_text(&raw->in));
}

char *raw_ask(const char *request)
{
	struct raw raw;

	raw_open(&raw);
	raw_send(&raw, request);
	pump(raw.eof);
	char *answer = buf_take(&raw.in);
	raw_close(&raw);
	return answer;
}

/* ---- calls of the client ---- */

static int on_piece(void *arg, int status, const char *data, size_t len)
{
	struct answer *answer = arg;

	if (!answer->pieces++)
		answer->first_status = status;
	buf_add(&answer->body, data, len);
	if (answer->cancel) {
		w.transport->cancel(w.transport->ctx, answer->cancel);
		answer->cancel = NULL;
	}
	if (answer->then && !answer->then->call)
		ask(answer->then, answer->then_path, false);
	return answer->refuse_after && answer->pieces >= answer->refuse_after;
}

static void on_done(void *arg, const struct http_reply *reply)
{
	struct answer *answer = arg;

	answer->calls++;
	answer->status = reply->status;
	answer->error = xstrdup(reply->error);
	answer->type = xstrdup(reply->content_type);
	answer->retry_after = xstrdup(http_reply_header(reply, "RETRY-after"));
	answer->retry_after_us = reply->retry_after_us;
	if (!answer->pieces)
		buf_add(&answer->body, reply->body, reply->len);
	if (answer->cancel)
		w.transport->cancel(w.transport->ctx, answer->cancel);
	if (answer->then && !answer->then->call)
		ask(answer->then, answer->then_path, false);
}

const struct http_handler whole = { .done = on_done },
			  pieces = { .body = on_piece, .done = on_done };

struct http_request request_to(const char *url)
{
	return (struct http_request){ .method = HTTP_GET,
				      .url = url,
				      .timeout_us = PATIENCE_US,
				      .max_reply_bytes = 64u << 20 };
}

void ask_for(struct answer *answer, const struct http_request *request,
	     const struct http_handler *handler)
{
	buf_init(&answer->body, 64u << 20);
	answer->call = w.transport->send(w.transport->ctx, request, handler, answer);
	ck_assert_ptr_nonnull(answer->call);
	ck_assert_int_eq(answer->calls, 0);
}

void ask(struct answer *answer, const char *path, bool in_pieces)
{
	char *url = xasprintf("http://127.0.0.1:%d%s", http_server_port(w.server), path);
	struct http_request request = request_to(url);

	ask_for(answer, &request, in_pieces ? &pieces : &whole);
	free(url); /* the request is copied */
}

void answer_fini(struct answer *answer)
{
	free(answer->error);
	free(answer->type);
	free(answer->retry_after);
	buf_fini(&answer->body);
}

TCase *world_group(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, world_set_up, world_tear_down);
	suite_add_tcase(suite, tcase);
	return tcase;
}

int world_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
