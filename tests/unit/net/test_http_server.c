/* net: the server against raw sockets, most of them hostile. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/net_world.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

/* ---- the server ---- */

START_TEST(server_answers_later)
{
	struct answer first = { 0 }, second = { 0 };

	world_listen();
	ask(&first, "/defer", false);
	pump(w.ndeferred == 1);
	ask(&second, "/defer", false);
	pump(w.ndeferred == 2);
	ck_assert_int_eq(first.calls, 0);
	ck_assert_int_gt(http_exchange_began_us(w.deferred[0]), 0);
	ck_assert_int_le(http_exchange_began_us(w.deferred[0]),
			 http_exchange_began_us(w.deferred[1]));
	reply_text(w.deferred[1], 202, "second");
	pump(second.calls);
	reply_text(w.deferred[0], 202, "first");
	pump(first.calls);
	ck_assert_str_eq(first.body.data, "first");
	ck_assert_str_eq(second.body.data, "second");
	ck_assert_int_eq(first.status, 202);
	answer_fini(&first);
	answer_fini(&second);
}
END_TEST

START_TEST(server_outlives_peers)
{
	struct raw raw;

	world_listen();
	/* The peer closes before the reply; the exchange can still be read. */
	raw_open(&raw);
	raw_send(&raw, "POST /defer HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
	pump(w.ndeferred == 1);
	raw_close(&raw);
	event_base_loop(w.base, EVLOOP_NONBLOCK);
	size_t len;
	ck_assert_str_eq(http_exchange_path(w.deferred[0]), "/defer");
	ck_assert_str_eq(http_exchange_header(w.deferred[0], "host"), "a");
	ck_assert(!memcmp(http_exchange_body(w.deferred[0], &len), "hello", 5));
	ck_assert_uint_eq(len, 5);
	reply_many(w.deferred[0], 1000000);
	pump(http_server_connections(w.server) == 0);
	/* The peer closes in the middle of a reply, of a body, of a header. */
	static const char *const parts[] = {
		"GET /many?8000000 HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
		"POST /echo HTTP/1.1\r\nHo"
	};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		raw_open(&raw);
		raw_send(&raw, parts[i]);
		pump(http_server_connections(w.server) == 1);
		if (i == 0)
			raw_expect(&raw, "xxxx");
		raw_close(&raw);
		pump(http_server_connections(w.server) == 0);
	}
}
END_TEST

START_TEST(server_dies_with_exchanges_open)
{
	struct raw raw[4];

	world_listen();
	for (size_t i = 0; i < 4; i++)
		raw_open(&raw[i]);
	raw_send(&raw[0], "GET /defer HTTP/1.1\r\nHost: a\r\n\r\n");
	raw_send(&raw[1], "GET /defer HTTP/1.1\r\nHost: a\r\n\r\n");
	raw_send(&raw[2], "GET /seen HT");
	pump(w.ndeferred == 2 && http_server_connections(w.server) == 4);
	raw_close(&raw[1]);
	reply_many(w.deferred[0], 100000); /* not yet sent */
	http_server_free(w.server);
	w.server = NULL;
	raw_close(&raw[0]);
	raw_close(&raw[2]);
	raw_close(&raw[3]);
}
END_TEST

START_TEST(server_keeps_what_peer_pipelines)
{
	struct raw raw;

	world_listen();
	raw_open(&raw);
	raw_send(&raw, "GET /seen?1 HTTP/1.1\r\nHost: a\r\n\r\n"
		       "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\ntwo."
		       "GET /defer HTTP/1.1\r\nHost: a\r\n\r\n"
		       "GET /seen?4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	pump(w.ndeferred == 1);
	ck_assert_uint_eq(w.requests, 3);
	reply_text(w.deferred[0], 200, "three.");
	pump(raw.eof);
	const char *in = buf_text(&raw.in);
	const char *one = strstr(in, "GET|/seen|1"), *two = strstr(in, "two."),
		   *three = strstr(in, "three."), *four = strstr(in, "GET|/seen|4");
	ck_assert(one && two && three && four);
	ck_assert(one < two && two < three && three < four);
	raw_close(&raw);
}
END_TEST

START_TEST(server_keeps_connections_alive)
{
	struct raw raw;

	world_listen();
	raw_open(&raw);
	raw_send(&raw, "GET /seen?a HTTP/1.1\r\nHost: a\r\n\r\n");
	raw_expect(&raw, "GET|/seen|a");
	raw_send(&raw, "GET /seen?b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	raw_expect(&raw, "GET|/seen|b");
	raw_send(&raw, "GET /seen?c HTTP/1.0\r\n\r\n");
	raw_expect(&raw, "GET|/seen|c");
	pump(raw.eof);
	raw_close(&raw);
}
END_TEST

START_TEST(server_answers_half_closed_peers)
{
	struct raw raw;

	world_listen();
	raw_open(&raw);
	raw_send(&raw, "GET /many?300000 HTTP/1.0\r\n\r\n");
	shutdown(raw.fd, SHUT_WR);
	pump(raw.eof);
	ck_assert_msg(raw_has(&raw, "200 OK"), "%s", buf_text(&raw.in));
	ck_assert_uint_gt(raw.in.len, 300000);
	raw_close(&raw);
}
END_TEST

START_TEST(server_reads_chunks)
{
	world_listen();
	char *answer =
		raw_ask("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
			"chunked\r\nConnection: close\r\n\r\n"
			"4\r\nled\r\r\n3\r\nger\r\nC\r\n and cart...\r\n0\r\nX-Trailer: 1\r\n\r\n");
	ck_assert_msg(strstr(answer, "200 OK") && strstr(answer, "led\rger and cart..."), "%s",
		      answer);
	free(answer);
}
END_TEST

/* A chunked request whose bytes come one by one. */
START_TEST(server_reads_chunks_byte_by_byte)
{
	static const char request[] =
		"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		"4\r\nled\r\r\n00A \r\n0123456789\r\n0\r\nX: 1\r\n\r\n"
		"GET /seen?next HTTP/1.1\r\nHost: a\r\n\r\n";
	struct raw raw;

	world_listen();
	raw_open(&raw);
	for (const char *at = request; *at; at++) {
		raw_send_data(&raw, at, 1);
		raw_settle(&raw);
	}
	raw_expect(&raw, "led\r0123456789");
	raw_expect(&raw, "GET|/seen|next");
	raw_close(&raw);
}
END_TEST

START_TEST(server_continues_on_100)
{
	struct raw raw;

	world_listen();
	raw_open(&raw);
	raw_send(&raw, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nExpect: "
		       "100-continue\r\n\r\n");
	raw_expect(&raw, "HTTP/1.1 100 Continue\r\n\r\n");
	raw_send(&raw, "ledger");
	raw_expect(&raw, "\r\n\r\nledger");
	raw_send(&raw, "GET /seen?after HTTP/1.1\r\nHost: a\r\n\r\n");
	raw_expect(&raw, "/seen|after");
	raw_close(&raw);
}
END_TEST

#define CLOSED "Connection: close\r\n"
/* How a refusal begins: its text stands there, and again as the detail of a problem. */
#define LINE(text) "{\"error\": \"" text "\", \"type\": \"about:blank\", \"title\": \""
#define CHUNKED	   "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
#define NO_CHUNK   LINE("the size of a chunk is not a hexadecimal number")
#define BARE_FEED  LINE("a line of the head ends with a line feed alone: end it with CR LF")
#define FOLDED	   LINE("a header is folded over two lines: send it as one line")
#define UNREADABLE LINE("request line or headers cannot be read, or are larger than 500 bytes")

/* The server answers each with one line and closes the connection; the handler is not called. */
static const struct {
	const char *request, *status, *body;
} refused[] = {
	/* Two readers could disagree about where these requests end. */
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: "
	  "chunked\r\n\r\n0\r\n\r\n",
	  "400 ", NULL },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nab",
	  "400 ", NULL },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
	  "400 ", NULL },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\nab", "400 ",
	  LINE("Content-Length is not a number") },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2,2\r\n\r\nab", "400 ", NULL },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2\r\n\r\nab", "400 ", NULL },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -2\r\n\r\nab", "400 ", NULL },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nab", "400 ", NULL },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length : 2\r\n\r\nab", "400 ",
	  LINE("a header's name has a blank or another character that is not allowed there") },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "400 ",
	  NULL },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nX\x01Y: 2\r\n\r\n", "400 ", NULL },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nX-Y: 2\x01\r\n\r\n", "400 ",
	  LINE("a header's value has a control character") },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\n: 2\r\n\r\n", "400 ", NULL },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501 ",
	  LINE("Transfer-Encoding other than chunked") },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	  "501 ", NULL },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", "501 ", NULL },
	{ "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 ",
	  LINE("Transfer-Encoding in HTTP/1.0") },
	{ CHUNKED "zz\r\n", "400 ", NO_CHUNK },
	{ CHUNKED "0x5\r\nhello\r\n0\r\n\r\n", "400 ", NO_CHUNK },
	{ CHUNKED "+5\r\nhello\r\n0\r\n\r\n", "400 ", NO_CHUNK },
	{ CHUNKED "-5\r\nhello\r\n0\r\n\r\n", "400 ", NO_CHUNK },
	{ CHUNKED " 5\r\nhello\r\n0\r\n\r\n", "400 ", NO_CHUNK },
	{ CHUNKED "5 5\r\nhello\r\n0\r\n\r\n", "400 ", NO_CHUNK },
	{ CHUNKED "\r\n5\r\nhello\r\n0\r\n\r\n", "400 ", NO_CHUNK },
	{ CHUNKED "00000000000000005\r\nhello\r\n0\r\n\r\n", "400 ", NO_CHUNK },
	{ CHUNKED "5\r\nhello\r\n0x0\r\n\r\n", "400 ", NO_CHUNK },
	{ CHUNKED "5\r\nhello!\r\n0\r\n\r\n", "400 ",
	  LINE("a chunk is longer than its size says") },
	{ CHUNKED "5\r\nhello0\r\n\r\n", "400 ", LINE("a chunk is longer than its size says") },
	/* Lines that evhttp reads, and a proxy may read otherwise. */
	{ "GET /seen HTTP/1.1\nHost: a\r\n\r\n", "400 ", BARE_FEED },
	{ "GET /seen HTTP/1.1\r\nHost: a\n\r\n", "400 ", BARE_FEED },
	{ "GET /seen HTTP/1.1\r\nHost: a\r\n\n", "400 ", BARE_FEED },
	{ CHUNKED "5\nhello\r\n0\r\n\r\n", "400 ", BARE_FEED },
	{ CHUNKED "5\r\nhello\n0\r\n\r\n", "400 ", BARE_FEED },
	{ "GET /seen HTTP/1.1\r\nHost: a\r\nX: a\rY: b\r\n\r\n", "400 ",
	  LINE("a line of the head has a carriage return within it") },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n 2\r\n\r\nab", "400 ", FOLDED },
	{ "GET /seen HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb\r\n\r\n", "400 ", FOLDED },
	{ "GET /seen HTTP/1.1\r\n Host: a\r\n\r\n", "400 ", FOLDED },
	/* Methods and versions that the server does not answer. */
	{ "GET /seen HTTP/1.1\r\n\r\n", "400 ", LINE("not exactly one Host header") },
	{ "GET /seen HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400 ", NULL },
	{ "GET /seen HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nauthorization: b\r\n\r\n", "400 ",
	  LINE("more than one Authorization header") },
	{ "GET /seen HTTP/2.0\r\nHost: a\r\n\r\n", "400 ", UNREADABLE },
	{ "GET /seen HTTP/0.9\r\nHost: a\r\n\r\n", "505 ", NULL },
	{ "GET /se%00en HTTP/1.1\r\nHost: a\r\n\r\n", "400 ", LINE("the path has a NUL") },
	{ "hello, is it me you are looking for\r\n\r\n", "400 ", UNREADABLE },
	{ "\x16\x03\x01\x02\x01\x01\xfc\x03\x03 a TLS hello\r\n", "400 ", UNREADABLE },
	{ "TRACE /seen HTTP/1.1\r\nHost: a\r\n\r\n", "405 ",
	  LINE("only GET, HEAD, POST, PUT and DELETE are answered here") },
	{ "TRACE /seen HTTP/1.1\r\nHost: a\r\nContent-Length: 34\r\n\r\nGET /seen HTTP/1.1\r\n"
	  "Host: a\r\n\r\n",
	  "405 ", NULL },
	{ "DELETE /seen HTTP/1.1\r\nHost: a\r\nContent-Length: 31\r\n\r\nGET /seen HTTP/1.1\r\n"
	  "Host: a\r\n\r\n",
	  "400 ", LINE("DELETE with a body") },
	{ "DELETE /seen HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 ",
	  LINE("DELETE with a body") },
	{ "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
	  "400 ", LINE("more than one Content-Length") },
	{ "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "2\r\nab\r\n0\r\n\r\n",
	  "400 ", NULL },
	{ "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n",
	  "413 ", LINE("body larger than 1000 bytes, or its chunks cannot be read") },
	{ "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "405 ", NULL },
	{ "CONNECT shop:443 HTTP/1.1\r\nHost: a\r\n\r\n", "405 ", NULL },
	{ "BREW /pot HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nGET /seen HTTP/1.1\r\nHost: "
	  "a\r\n\r\n",
	  "501 ", NULL },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: the best\r\n\r\nab",
	  "417 ", LINE("only 100-continue can be expected") },
	/* Too large: the limit of this test is 1000 bytes of body. With Expect the refusal comes
	 * before the body. */
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n",
	  "413 ", LINE("body larger than 1000 bytes, or its chunks cannot be read") },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", "413 ",
	  NULL },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", "413 ",
	  NULL },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
	  "chunked\r\n\r\nffffffffffffffff\r\n",
	  "413 ", NULL },
};

START_TEST(server_refuses)
{
	struct http_server_limits limits = world_limits();

	http_server_set_limits(w.server, &limits);
	world_listen();
	int64_t counted = metric_value(METRIC_REQUESTS_4XX) + metric_value(METRIC_REQUESTS_5XX);
	char *answer = raw_ask(refused[_i].request);
	const char *status = strchr(answer, ' ');
	ck_assert_msg(status && !strncmp(status + 1, refused[_i].status, 4), "%s: %s",
		      refused[_i].request, answer);
	ck_assert_msg(strstr(answer, CLOSED), "%s", answer);
	const char *body = strstr(answer, "\r\n\r\n");
	ck_assert_ptr_nonnull(body);
	ck_assert_msg(!strncmp(body + 4, "{\"error\": \"", 11), "%s", answer);
	ck_assert_msg(strchr(body, '}') && !strcmp(strchr(body, '}'), "}\n"), "one answer only: %s",
		      answer);
	if (refused[_i].body)
		ck_assert_msg(!strncmp(body + 4, refused[_i].body, strlen(refused[_i].body)), "%s",
			      answer);
	ck_assert_msg(strstr(answer, "Content-Type: application/problem+json\r\n"), "%s", answer);
	ck_assert_msg(strstr(body, "\"status\": ") &&
			      !strncmp(strstr(body, "\"status\": ") + 10, refused[_i].status, 3),
		      "%s", answer);
	ck_assert_msg(!strncmp(status + 1, "405", 3) ==
				      !!strstr(answer, "Allow: GET, HEAD, POST, PUT, DELETE\r\n") ||
			      !strncmp(refused[_i].request, "BREW", 4),
		      "%s", answer);
	ck_assert_uint_eq(w.requests, 0);
	ck_assert_int_eq(metric_value(METRIC_REQUESTS_4XX) + metric_value(METRIC_REQUESTS_5XX),
			 counted + 1);
	free(answer);
	pump(http_server_connections(w.server) == 0);
}
END_TEST

START_TEST(server_refuses_head_with_a_body)
{
	world_listen();
	char *answer = raw_ask("HEAD /seen HTTP/1.1\r\nHost: a\r\nContent-Length: 34\r\n\r\n"
			       "GET /seen HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_msg(!strncmp(answer, "HTTP/1.1 400 ", 13) && strstr(answer, CLOSED), "%s",
		      answer);
	ck_assert_str_eq(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
	ck_assert_uint_eq(w.requests, 0);
	free(answer);
}
END_TEST

START_TEST(server_lets_a_large_body_end)
{
	struct http_server_limits limits = world_limits();
	const size_t len = 3u << 20;
	char *body = xcalloc(len, 1);
	struct raw raw;

	/* A peer that sends everything before it reads must still receive the answer. */
	http_server_set_limits(w.server, &limits);
	world_listen();
	raw_open(&raw);
	raw_send(&raw, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3145728\r\n\r\n");
	raw_send_data(&raw, body, len);
	pump(raw.eof);
	ck_assert_msg(raw_has(&raw, "413 Content Too Large") && raw_has(&raw, "1000 bytes"), "%s",
		      buf_text(&raw.in));
	raw_close(&raw);
	pump(http_server_connections(w.server) == 0);
	free(body);
}
END_TEST

START_TEST(server_caps_headers)
{
	struct http_server_limits limits = world_limits();
	struct buf request = BUF_INIT(1u << 20);

	http_server_set_limits(w.server, &limits);
	world_listen();
	/* One long line; many short ones; a line that never ends. */
	buf_puts(&request, _i == 0 ? "GET /seen HTTP/1.1\r\nHost: a\r\nX: "
				   : "GET /seen HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < 200; i++)
		buf_puts(&request, _i == 1 ? "X: y\r\n" : "xxxxxx");
	if (_i == 0)
		buf_puts(&request, "\r\n\r\n");
	char *answer = raw_ask(request.data);
	ck_assert_msg(!strncmp(answer, "HTTP/1.1 400 ", 13) && strstr(answer, UNREADABLE), "%s",
		      answer);
	free(answer);
	buf_fini(&request);
}
END_TEST

struct trickle {
	struct raw raw;
	int sent;
};

static void on_trickle(evutil_socket_t fd, short what, void *arg)
{
	struct trickle *trickle = arg;

	(void)fd;
	(void)what;
	if (!trickle->raw.eof && send(trickle->raw.fd, "x", 1, MSG_NOSIGNAL) == 1)
		trickle->sent++;
}

START_TEST(server_has_a_deadline_for_a_request)
{
	/* In the request line, in the headers, in a body, in chunks; a byte every 10 ms does not
	 * help. */
	static const char *const starts[] = {
		"GET /", "GET /seen HTTP/1.1\r\nHost: ",
		"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n"
	};
	const struct timeval often = { .tv_usec = 10000 };
	struct http_server_limits limits = world_limits();
	struct trickle trickle = { .sent = 0 };

	limits.request_us = 100 * US_PER_MS;
	http_server_set_limits(w.server, &limits);
	world_listen();
	raw_open(&trickle.raw);
	raw_send(&trickle.raw, starts[_i]);
	struct event *event = event_new(w.base, -1, EV_PERSIST, on_trickle, &trickle);
	event_add(event, &often);
	pump(trickle.raw.eof);
	ck_assert_msg(raw_has(&trickle.raw, "HTTP/1.1 408 Request Timeout\r\n"), "%s",
		      buf_text(&trickle.raw.in));
	ck_assert(raw_has(&trickle.raw, LINE("request not complete within 100 ms")));
	ck_assert_uint_eq(http_server_connections(w.server), 0);
	event_free(event);
	raw_close(&trickle.raw);
}
END_TEST

START_TEST(server_closes_what_is_idle)
{
	struct http_server_limits limits = world_limits();
	struct raw fresh, used;

	limits.idle_us = 60 * US_PER_MS;
	http_server_set_limits(w.server, &limits);
	world_listen();
	raw_open(&fresh);
	raw_open(&used);
	raw_send(&used, "GET /seen HTTP/1.1\r\nHost: a\r\n\r\n");
	pump(fresh.eof && used.eof);
	ck_assert_uint_eq(fresh.in.len, 0);
	ck_assert(raw_has(&used, "GET|/seen"));
	raw_close(&fresh);
	raw_close(&used);
}
END_TEST

START_TEST(server_closes_who_does_not_read)
{
	struct http_server_limits limits = world_limits();
	struct raw raw;

	limits.request_us = 100 * US_PER_MS;
	http_server_set_limits(w.server, &limits);
	world_listen();
	raw_open(&raw);
	event_del(raw.event);
	raw_send(&raw, "GET /many?16000000 HTTP/1.1\r\nHost: a\r\n\r\n");
	pump(w.requests == 1);
	pump(http_server_connections(w.server) == 0);
	raw_close(&raw);
}
END_TEST

START_TEST(server_hands_on_every_method)
{
	static const char *const requests[][2] = {
		{ "PUT /seen?1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
		  "PUT|/seen|1" },
		{ "DELETE /seen?2 HTTP/1.1\r\nHost: a\r\n\r\n", "DELETE|/seen|2" },
		{ "DELETE /seen?3 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
		  "DELETE|/seen|3" },
		{ "PATCH /seen?4 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
		  "OTHER|/seen|4" },
		{ "OPTIONS /seen?5 HTTP/1.1\r\nHost: a\r\n\r\n", "OTHER|/seen|5" },
		{ "GET /seen?7 HTTP/1.1\r\nHost: a\r\n\r\n", "GET|/seen|7" },
	};
	struct raw raw;

	world_listen();
	raw_open(&raw);
	/* On one connection: none of their bodies is left to be the next request. */
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		raw_send(&raw, requests[i][0]);
		raw_expect(&raw, requests[i][1]);
		ck_assert_uint_eq(w.requests, i + 1);
	}
	raw_close(&raw);
}
END_TEST

START_TEST(server_answers_head)
{
	world_listen();
	char *answer = raw_ask("HEAD /many?1234 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	ck_assert_msg(strstr(answer, "HTTP/1.1 200 OK\r\n") &&
			      strstr(answer, "Content-Length: 1234\r\n"),
		      "%s", answer);
	ck_assert_str_eq(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
	free(answer);
}
END_TEST

START_TEST(server_sets_headers)
{
	world_listen();
	char *answer = raw_ask("GET /status/405 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	ck_assert_msg(strstr(answer, "HTTP/1.1 405 Method Not Allowed\r\n"), "%s", answer);
	ck_assert_msg(strstr(answer, "\r\nRetry-After: 7\r\n"), "%s", answer);
	ck_assert_msg(strstr(answer, "\r\nContent-Type: application/json\r\n"), "%s", answer);
	ck_assert_msg(strstr(answer, "\r\nContent-Length: 3\r\n"), "%s", answer);
	ck_assert_msg(strstr(answer, "\r\nCache-Control: no-store\r\n"), "%s", answer);
	free(answer);
	answer = raw_ask("GET /status/204 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	ck_assert_msg(strstr(answer, "HTTP/1.1 204 No Content\r\n") &&
			      !strstr(answer, "Content-Length"),
		      "%s", answer);
	ck_assert_str_eq(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
	free(answer);
}
END_TEST

START_TEST(server_stops_gently)
{
	struct raw idle, busy, late;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };

	world_listen();
	to.sin_port = htons((uint16_t)http_server_port(w.server));
	raw_open(&idle);
	raw_open(&busy);
	raw_send(&busy, "GET /defer HTTP/1.1\r\nHost: a\r\n\r\n");
	pump(w.ndeferred == 1 && http_server_connections(w.server) == 2);
	http_server_stop(w.server);
	pump(idle.eof);
	late.fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(late.fd, (struct sockaddr *)&to, sizeof(to)), -1);
	ck_assert_int_eq(errno, ECONNREFUSED);
	reply_text(w.deferred[0], 202, "taken");
	pump(busy.eof);
	ck_assert(raw_has(&busy, "taken") && raw_has(&busy, CLOSED));
	close(late.fd);
	raw_close(&idle);
	raw_close(&busy);
	pump(http_server_connections(w.server) == 0);
}
END_TEST

START_TEST(server_tells_why_it_cannot_listen)
{
	static const char *const bad[] = { "",		 "9480",	"127.0.0.1",
					   "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
					   "::1:9480",	 "[::1:9480",	"[]9480:1" };
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_int_eq(http_server_listen(w.server, bad[i], &err), -EINVAL);
		char *want = xasprintf("cannot listen on %s: want HOST:PORT, [IPV6]:PORT or :PORT",
				       bad[i]);
		ck_assert_str_eq(err.text, want);
		free(want);
	}
	world_listen();
	char *address = xasprintf("127.0.0.1:%d", http_server_port(w.server));
	ck_assert_int_eq(http_server_listen(w.server, address, &err), -EADDRINUSE);
	char *want = xasprintf(
		"cannot listen on %s: address in use; is another tracepager running?", address);
	ck_assert_str_eq(err.text, want);
	/* No machine has an address of TEST-NET-1 (RFC 5737). */
	ck_assert_int_eq(http_server_listen(w.server, "192.0.2.1:0", &err), -EADDRNOTAVAIL);
	ck_assert_str_eq(err.text,
			 "cannot listen on 192.0.2.1:0: this machine has no such address");
	free(address);
	free(want);
}
END_TEST

START_TEST(server_listens_on_any_and_ipv6)
{
	static const char *const addresses[] = { ":0", "[::1]:0", "localhost:0", "0.0.0.0:0" };
	static const char *const hosts[] = { "127.0.0.1", "[::1]", "localhost", "127.0.0.1" };
	struct answer answer = { 0 };
	struct err err;

	int failed = http_server_listen(w.server, addresses[_i], &err);
	if (failed == -EADDRNOTAVAIL || failed == -EAFNOSUPPORT)
		return; /* a machine without IPv6 */
	ck_assert_msg(!failed, "%s", err.text);
	char *url = xasprintf("http://%s:%d/seen", hosts[_i], http_server_port(w.server));
	struct http_request request = request_to(url);
	ask_for(&answer, &request, &whole);
	pump(answer.calls);
	ck_assert_msg(answer.status == 200, "%s", answer.error);
	free(url);
	answer_fini(&answer);
}
END_TEST

static void stream_on_gone(void *ctx)
{
	bool *gone = ctx;

	*gone = true;
}

/* The bytes of the pieces that went into the stream before one was refused: the peer's buffers and
 * the stream's are full then. */
static size_t stream_fill(struct http_exchange *exchange)
{
	static char piece[16u << 10];
	size_t n = 0;

	while (http_exchange_stream(exchange, piece, sizeof(piece))) {
		n += sizeof(piece);
		event_base_loop(w.base, EVLOOP_NONBLOCK);
	}
	return n;
}

/* The events of such a stream are refused, and counted by whoever sends them: the peer is gone all
 * the same once it has taken nothing for so long, and its place is free. */
START_TEST(stream_closes_who_takes_nothing)
{
	struct http_server_limits limits = world_limits();
	bool gone = false;
	struct raw raw;

	limits.stream_stall_us = 200 * US_PER_MS;
	http_server_set_limits(w.server, &limits);
	world_listen();
	raw_open(&raw);
	raw_send(&raw, "GET /defer HTTP/1.1\r\nHost: a\r\n\r\n");
	pump(w.ndeferred == 1);
	ck_assert(http_exchange_begin_stream(w.deferred[0], "text/plain", stream_on_gone, &gone));
	raw_expect(&raw, "200 OK");
	event_del(raw.event); /* the peer reads no more */
	ck_assert_uint_ge(stream_fill(w.deferred[0]), LIMIT_STREAM_BYTES);
	ck_assert(!gone);
	/* Further pieces are refused, and move no deadline. */
	const int64_t begun_us = clock_mono_us(clock_system());
	while (!gone) {
		http_exchange_stream(w.deferred[0], "x", 1);
		event_base_loop(w.base, EVLOOP_NONBLOCK);
		ck_assert_int_lt(clock_mono_us(clock_system()) - begun_us, 10 * US_PER_SECOND);
	}
	http_exchange_end_stream(w.deferred[0]);
	pump(http_server_connections(w.server) == 0);
	raw_close(&raw);
}
END_TEST

/* A stream of which nothing waits has no deadline, and each byte that is taken is a new beginning.
 */
START_TEST(stream_stays_for_who_reads)
{
	struct http_server_limits limits = world_limits();
	bool gone = false;
	struct raw raw;

	limits.stream_stall_us = 100 * US_PER_MS;
	http_server_set_limits(w.server, &limits);
	world_listen();
	raw_open(&raw);
	raw_send(&raw, "GET /defer HTTP/1.1\r\nHost: a\r\n\r\n");
	pump(w.ndeferred == 1);
	ck_assert(http_exchange_begin_stream(w.deferred[0], "text/plain", stream_on_gone, &gone));
	const int64_t begun_us = clock_mono_us(clock_system());
	while (clock_mono_us(clock_system()) - begun_us < 4 * limits.stream_stall_us)
		event_base_loop(w.base, EVLOOP_NONBLOCK);
	ck_assert(!gone);
	ck_assert(http_exchange_stream(w.deferred[0], "still here", 10));
	raw_expect(&raw, "still here");
	http_exchange_end_stream(w.deferred[0]);
	pump(raw.eof);
	raw_close(&raw);
}
END_TEST

static void add_server(Suite *suite)
{
	TCase *server = world_group(suite, "server");

	tcase_add_test(server, server_answers_later);
	tcase_add_test(server, server_outlives_peers);
	tcase_add_test(server, server_dies_with_exchanges_open);
	tcase_add_test(server, server_keeps_what_peer_pipelines);
	tcase_add_test(server, server_keeps_connections_alive);
	tcase_add_test(server, server_answers_half_closed_peers);
	tcase_add_test(server, server_reads_chunks);
	tcase_add_test(server, server_reads_chunks_byte_by_byte);
	tcase_add_test(server, server_continues_on_100);
	tcase_add_loop_test(server, server_refuses, 0, (int)ARRAY_LEN(refused));
	tcase_add_test(server, server_refuses_head_with_a_body);
	tcase_add_test(server, server_lets_a_large_body_end);
	tcase_add_loop_test(server, server_caps_headers, 0, 3);
	tcase_add_loop_test(server, server_has_a_deadline_for_a_request, 0, 4);
	tcase_add_test(server, server_closes_what_is_idle);
	tcase_add_test(server, server_closes_who_does_not_read);
	tcase_add_test(server, stream_closes_who_takes_nothing);
	tcase_add_test(server, stream_stays_for_who_reads);
	tcase_add_test(server, server_answers_head);
	tcase_add_test(server, server_sets_headers);
	tcase_add_test(server, server_hands_on_every_method);
	tcase_add_test(server, server_stops_gently);
	tcase_add_test(server, server_tells_why_it_cannot_listen);
	tcase_add_loop_test(server, server_listens_on_any_and_ipv6, 0, 4);
}

int main(void)
{
	Suite *suite = suite_create("http_server");

	add_server(suite);
	return world_run(suite);
}
