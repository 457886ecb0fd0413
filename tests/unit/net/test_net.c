/* net: the loop, requests as data, and the client against our server. */
#ifdef HAVE_CONFIG_H
#include "config.h" /* PACKAGE_VERSION */
#endif

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "tests/lib/net_world.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

/* ---- http.h ---- */

START_TEST(escapes_urls)
{
	struct arena *arena = arena_new(4096);

	ck_assert_str_eq(url_escape(arena, ""), "");
	ck_assert_str_eq(url_escape(arena, "AZaz09-._~"), "AZaz09-._~");
	ck_assert_str_eq(url_escape(arena, "a b/c?d&e=f%+"), "a%20b%2Fc%3Fd%26e%3Df%25%2B");
	ck_assert_str_eq(url_escape(arena, "\xc3\xbc\x01"), "%C3%BC%01");
	arena_free(arena);
}
END_TEST

START_TEST(reply_headers_in_any_case)
{
	static const struct http_header headers[] = { { "X-RateLimit-Reset", "12" },
						      { "x-ratelimit-reset", "13" } };
	const struct http_reply reply = { .headers = headers, .nheaders = 2 };

	ck_assert_str_eq(http_reply_header(&reply, "x-rateLIMIT-reset"), "12");
	ck_assert_ptr_null(http_reply_header(&reply, "X-RateLimit"));
}
END_TEST

START_TEST(request_has_room_for_its_headers)
{
	struct http_request request = { .url = "http://ledger/" };

	for (int i = 0; i < LIMIT_REQUEST_HEADERS; i++)
		ck_assert(http_request_header(&request, "X-A", "1"));
	ck_assert(!http_request_header(&request, "X-A", "1"));
	ck_assert_uint_eq(request.nheaders, LIMIT_REQUEST_HEADERS);
}
END_TEST

/* ---- the client ---- */

START_TEST(client_gets)
{
	struct answer answer = { 0 };

	world_listen();
	ask(&answer, "/seen%20it?a=b%20c", false);
	ck_assert_uint_eq(http_client_active(w.client), 1);
	pump(answer.calls);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_ptr_null(answer.error);
	ck_assert_str_eq(answer.body.data,
			 "GET|/seen it|a=b%20c|tracepager/" PACKAGE_VERSION "|127.0.0.1");
	ck_assert_str_eq(answer.type, "text/plain");
	ck_assert_int_eq(answer.retry_after_us, -1);
	event_base_loop(w.base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(answer.calls, 1);
	ck_assert_uint_eq(http_client_active(w.client), 0);
	answer_fini(&answer);
}
END_TEST

START_TEST(client_posts_large_bodies)
{
	const size_t len = 5u << 20;
	struct answer answer = { 0 };
	char *body = xcalloc(len, 1);

	world_listen();
	for (size_t i = 0; i < len; i++)
		body[i] = (char)('a' + i % 23);
	char *url = xasprintf("http://127.0.0.1:%d/echo", http_server_port(w.server));
	struct http_request request = request_to(url);
	request.method = HTTP_POST;
	request.body = body;
	request.body_len = len;
	http_request_header(&request, "Content-Type", "text/plain");
	ask_for(&answer, &request, &whole);
	pump(answer.calls);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_uint_eq(answer.body.len, len);
	ck_assert(!memcmp(answer.body.data, body, len));
	free(body);
	free(url);
	answer_fini(&answer);
}
END_TEST

START_TEST(client_hands_over_in_pieces)
{
	struct answer answer[3] = { 0 };

	world_listen();
	/* Three replies, each larger than what one turn may hand over. */
	for (size_t i = 0; i < 3; i++)
		ask(&answer[i], "/many?3000000", true);
	for (size_t i = 0; i < 3; i++) {
		pump(answer[i].calls);
		ck_assert_int_eq(answer[i].status, 200);
		ck_assert_int_eq(answer[i].first_status, 200);
		ck_assert_int_gt(answer[i].pieces, 1);
		ck_assert_uint_eq(answer[i].body.len, 3000000);
		answer_fini(&answer[i]);
	}
}
END_TEST

START_TEST(client_reader_may_refuse)
{
	struct answer answer = { .refuse_after = 2 };

	world_listen();
	ask(&answer, "/many?500000", true);
	pump(answer.calls);
	ck_assert_int_eq(answer.status, 0);
	ck_assert_str_eq(answer.error, "refused by the reader");
	ck_assert_int_eq(answer.pieces, 2);
	answer_fini(&answer);
}
END_TEST

START_TEST(client_tells_status_and_retry_after)
{
	struct answer answer = { 0 };

	world_listen();
	ask(&answer, "/status/429", false);
	pump(answer.calls);
	ck_assert_int_eq(answer.status, 429);
	ck_assert_ptr_null(answer.error);
	ck_assert_int_eq(answer.retry_after_us, 7 * US_PER_SECOND);
	ck_assert_str_eq(answer.retry_after, "7");
	ck_assert_str_eq(answer.body.data, "{}\n");
	ck_assert_str_eq(answer.type, "application/json");
	answer_fini(&answer);
}
END_TEST

/* 1994-11-06 08:49:37 UTC, the example of RFC 9110 section 5.6.7. */
#define EXAMPLE_US (784111777 * US_PER_SECOND)

static const struct {
	const char *text;
	int64_t wall_us, want_us;
} retry_cases[] = {
	{ "0", 0, 0 },
	{ "120", 0, 120 * US_PER_SECOND },
	{ "  7\t", 0, 7 * US_PER_SECOND },
	{ "99999999999999999999999", 0, 365 * US_PER_DAY },
	{ "", 0, -1 },
	{ " ", 0, -1 },
	{ "-5", 0, -1 },
	{ "1.5", 0, -1 },
	{ "soon", 0, -1 },
	{ "Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE_US - 30 * US_PER_SECOND, 30 * US_PER_SECOND },
	{ "Sunday, 06-Nov-94 08:49:37 GMT", EXAMPLE_US - 30 * US_PER_SECOND, 30 * US_PER_SECOND },
	{ "Sun Nov  6 08:49:37 1994", EXAMPLE_US - 30 * US_PER_SECOND, 30 * US_PER_SECOND },
	{ "Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE_US, 0 },
	{ "Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE_US + 1, 0 },
	{ "Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE_US - 1, 1 },
	{ "Fri, 31 Dec 9999 23:59:59 GMT", EXAMPLE_US, 365 * US_PER_DAY },
	{ "Sun, 06 Now 1994 08:49:37 GMT", 0, -1 },
	{ "Sun, 06 Nov 1994 24:49:37 GMT", 0, -1 },
	{ "Sun, 32 Nov 1994 08:49:37 GMT", 0, -1 },
	/* 2026-01-01 00:00:00 UTC is 1767225600; "94" is 1994 then, "27" is 2027. */
	{ "Sunday, 06-Nov-94 08:49:37 GMT", 1767225600 * US_PER_SECOND, 0 },
	{ "Friday, 01-Jan-27 00:00:00 GMT", 1767225600 * US_PER_SECOND, 365 * US_PER_DAY },
};

static int64_t case_wall_us(void *ctx)
{
	return *(const int64_t *)ctx;
}

START_TEST(client_reads_retry_after)
{
	int64_t wall_us = retry_cases[_i].wall_us;
	const struct clock clock = { .mono_us = clock_system()->mono_us,
				     .wall_us = case_wall_us,
				     .ctx = &wall_us };
	struct answer answer = { 0 };

	http_client_free(w.client);
	w.client = http_client_new(w.base, &clock);
	w.transport = http_client_transport(w.client);
	w.retry_after = retry_cases[_i].text;
	world_listen();
	ask(&answer, "/retry", false);
	pump(answer.calls);
	ck_assert_int_eq(answer.status, 429);
	ck_assert_int_eq(answer.retry_after_us, retry_cases[_i].want_us);
	answer_fini(&answer);
}
END_TEST

START_TEST(client_follows_no_redirect)
{
	struct answer answer = { 0 };

	world_listen();
	ask(&answer, "/status/302", false);
	pump(answer.calls);
	ck_assert_int_eq(answer.status, 302);
	ck_assert_uint_eq(w.requests, 1);
	answer_fini(&answer);
}
END_TEST

START_TEST(client_cancels_in_its_own_body)
{
	struct answer answer = { 0 }, other = { 0 };

	world_listen();
	ask(&answer, "/many?500000", true);
	answer.cancel = answer.call;
	ask(&other, "/seen", false);
	pump(other.calls && http_client_active(w.client) == 0);
	ck_assert_int_eq(answer.calls, 0);
	ck_assert_int_eq(answer.pieces, 1);
	answer_fini(&answer);
	answer_fini(&other);
}
END_TEST

START_TEST(client_cancels_another_from_body_and_done)
{
	/* The first cancels from its first piece (even rounds) or from done(); two that were sent
	 * after it go. */
	struct answer first = { 0 }, second = { 0 }, third = { 0 };

	world_listen();
	ask(&first, "/many?100000", _i % 2 == 0);
	ask(&second, "/defer", false);
	ask(&third, "/defer", false);
	first.cancel = second.call;
	pump(first.calls && w.ndeferred == 2 && http_client_active(w.client) == 1);
	w.transport->cancel(w.transport->ctx, third.call);
	pump(http_client_active(w.client) == 0);
	ck_assert_int_eq(first.status, 200);
	ck_assert_int_eq(second.calls + third.calls, 0);
	for (size_t i = 0; i < w.ndeferred; i++)
		reply_text(w.deferred[i], 200, "too late");
	answer_fini(&first);
	answer_fini(&second);
	answer_fini(&third);
}
END_TEST

START_TEST(client_cancels_before_it_started)
{
	struct answer answer = { 0 };

	world_listen();
	ask(&answer, "/seen", false);
	w.transport->cancel(w.transport->ctx, answer.call);
	w.transport->cancel(w.transport->ctx, answer.call);
	pump(http_client_active(w.client) == 0);
	ck_assert_int_eq(answer.calls, 0);
	ck_assert_uint_eq(w.requests, 0);
	answer_fini(&answer);
}
END_TEST

START_TEST(client_sends_from_handlers)
{
	struct answer third = { 0 }, second = { .then = &third, .then_path = "/seen?3" };
	struct answer first = { .then = &second, .then_path = "/seen?2" };

	world_listen();
	ask(&first, "/many?40000", true);
	pump(third.calls);
	ck_assert_int_eq(first.calls, 1);
	ck_assert_int_eq(second.calls, 1);
	ck_assert_int_eq(third.status, 200);
	answer_fini(&first);
	answer_fini(&second);
	answer_fini(&third);
}
END_TEST

START_TEST(client_tells_of_a_refused_connection)
{
	struct sockaddr_in nowhere = { .sin_family = AF_INET,
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(nowhere);
	struct answer answer = { 0 };
	/* A bound socket that does not listen. */
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&nowhere, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&nowhere, &len), 0);
	char *url = xasprintf("http://127.0.0.1:%d/v2/enqueue?key=secret", ntohs(nowhere.sin_port));
	char *want = xasprintf("connection refused by 127.0.0.1:%d", ntohs(nowhere.sin_port));
	struct http_request request = request_to(url);
	ask_for(&answer, &request, &whole);
	pump(answer.calls);
	ck_assert_int_eq(answer.status, 0);
	ck_assert_str_eq(answer.error, want);
	close(fd);
	free(url);
	free(want);
	answer_fini(&answer);
}
END_TEST

START_TEST(client_caps_the_reply)
{
	struct answer fits = { 0 }, large = { 0 }, streamed = { 0 };

	world_listen();
	char *url = xasprintf("http://127.0.0.1:%d/many?65536", http_server_port(w.server));
	struct http_request request = request_to(url);
	request.max_reply_bytes = 65536;
	ask_for(&fits, &request, &whole);
	request.max_reply_bytes = 65535;
	ask_for(&large, &request, &whole);
	ask_for(&streamed, &request, &pieces);
	pump(fits.calls && large.calls && streamed.calls);
	ck_assert_int_eq(fits.status, 200);
	ck_assert_uint_eq(fits.body.len, 65536);
	/* With the status a pager's page counts as taken; half a document is of no use. */
	ck_assert_int_eq(large.status, 200);
	ck_assert_str_eq(large.error, "reply larger than 65535 bytes");
	ck_assert_uint_le(large.body.len, 65535);
	ck_assert_int_eq(streamed.status, 0);
	ck_assert_str_eq(streamed.error, "reply larger than 65535 bytes");
	ck_assert_uint_le(streamed.body.len, 65535);
	free(url);
	answer_fini(&fits);
	answer_fini(&large);
	answer_fini(&streamed);
}
END_TEST

/* n times the same byte, as a gzip member. */
static char *gzip_of(char byte, size_t n, size_t *ret_len)
{
	char *plain = xcalloc(n, 1), *out;
	z_stream stream = { .next_in = NULL };

	memset(plain, byte, n);
	ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY),
			 Z_OK);
	size_t size = deflateBound(&stream, n);
	out = xcalloc(size, 1);
	stream.next_in = (Bytef *)plain;
	stream.avail_in = (uInt)n;
	stream.next_out = (Bytef *)out;
	stream.avail_out = (uInt)size;
	ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
	*ret_len = stream.total_out;
	deflateEnd(&stream);
	free(plain);
	return out;
}

START_TEST(client_reads_gzip)
{
	struct answer answer = { 0 }, streamed = { 0 };
	char *gzip = gzip_of('g', 4u << 20, &w.gzip_len);

	w.gzip = gzip;
	world_listen();
	ask(&answer, "/gzip", false);
	ask(&streamed, "/gzip", true);
	pump(answer.calls && streamed.calls);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_uint_eq(answer.body.len, 4u << 20);
	ck_assert_uint_eq(strspn(answer.body.data, "g"), 4u << 20);
	ck_assert_uint_eq(streamed.body.len, 4u << 20);
	free(gzip);
	answer_fini(&answer);
	answer_fini(&streamed);
}
END_TEST

START_TEST(client_survives_a_gzip_bomb)
{
	struct answer answer = { 0 }, broken = { 0 };
	char *gzip = gzip_of('\0', 32u << 20, &w.gzip_len);

	w.gzip = gzip;
	world_listen();
	char *url = xasprintf("http://127.0.0.1:%d/gzip", http_server_port(w.server));
	struct http_request request = request_to(url);
	request.max_reply_bytes = 65536;
	ask_for(&answer, &request, &whole);
	pump(answer.calls);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_str_eq(answer.error, "reply larger than 65536 bytes");
	memset(gzip, 'x', w.gzip_len);
	ask_for(&broken, &request, &whole);
	pump(broken.calls);
	ck_assert_int_eq(broken.status, 200);
	char *want = xasprintf("reply of 127.0.0.1:%d cannot be decompressed",
			       http_server_port(w.server));
	ck_assert_str_eq(broken.error, want);
	free(want);
	free(url);
	free(gzip);
	answer_fini(&answer);
	answer_fini(&broken);
}
END_TEST

/* Asks a peer that sends exactly this and then closes the connection. timeout_us 0: none; else the
 * peer keeps the connection open, so that the client times out. *ret_peer: the peer's host:port;
 * caller frees. */
static void ask_peer(struct answer *answer, const char *says, size_t len, int64_t timeout_us,
		     const struct http_handler *handler, char **ret_peer)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(at);
	char asked[4096];
	int fd, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, size), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &size), 0);
	*ret_peer = xasprintf("127.0.0.1:%d", ntohs(at.sin_port));
	char *url = xasprintf("http://%s/v2/enqueue", *ret_peer);
	struct http_request request = request_to(url);
	if (timeout_us)
		request.timeout_us = timeout_us;
	ask_for(answer, &request, handler);
	pump((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0 || answer->calls);
	/* Read first: a close with unread bytes would reset the connection. */
	pump(recv(fd, asked, sizeof(asked), 0) > 0 || answer->calls);
	if (!answer->calls)
		ck_assert_int_eq(send(fd, says, len, MSG_NOSIGNAL), (ssize_t)len);
	if (!timeout_us)
		close(fd);
	pump(answer->calls);
	if (timeout_us && fd >= 0)
		close(fd);
	close(listener);
	free(url);
}

#define TAKEN "HTTP/1.1 202 Accepted\r\n"

/* A pager whose reply breaks off behind its status has taken the page. */
static const struct {
	const char *says, *body, *error;
	bool times_out;
} torn[] = {
	{ TAKEN "Content-Length: 100\r\n\r\n{\"status\"", "{\"status\"", "connection closed by",
	  false },
	{ TAKEN "Content-Length: 100\r\n\r\n{\"status\"", "{\"status\"",
	  "answer not complete within ", true },
	{ TAKEN "Transfer-Encoding: chunked\r\n\r\n9\r\n{\"status\"\r\nzz\r\n", "{\"status\"", "",
	  false },
	{ TAKEN "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain", "",
	  "cannot be decompressed", false },
};

/* Asks for a torn reply. Where it shall time out, the first timeout may pass before the reply's
 * head has arrived, on a slow machine: then each further one is twice as long. */
static void ask_torn(struct answer *answer, int i, const struct http_handler *handler)
{
	int64_t timeout_us = torn[i].times_out ? 100 * US_PER_MS : 0;
	char *peer;

	for (;; timeout_us *= 2) {
		ask_peer(answer, torn[i].says, strlen(torn[i].says), timeout_us, handler, &peer);
		free(peer);
		if (!timeout_us || (answer->error && strstr(answer->error, torn[i].error)))
			return;
		answer_fini(answer);
		*answer = (struct answer){ 0 };
	}
}

START_TEST(client_tells_the_status_of_a_torn_reply)
{
	struct answer answer = { 0 }, streamed = { 0 };

	ask_torn(&answer, _i, &whole);
	ck_assert_int_eq(answer.status, 202);
	ck_assert_ptr_nonnull(answer.error);
	ck_assert_ptr_nonnull(strstr(answer.error, torn[_i].error));
	ck_assert_str_eq(buf_text(&answer.body), torn[_i].body);
	ask_torn(&streamed, _i, &pieces);
	ck_assert_int_eq(streamed.status, 0);
	ck_assert_ptr_nonnull(streamed.error);
	answer_fini(&answer);
	answer_fini(&streamed);
}
END_TEST

START_TEST(client_tells_the_status_above_large_headers)
{
	struct answer answer = { 0 };
	struct buf says = BUF_INIT(1u << 20);
	char *peer;

	buf_puts(&says, TAKEN);
	while (says.len <= LIMIT_HEADER_BYTES)
		buf_printf(&says, "X-Cart-%zu: %0100d\r\n", says.len, 0);
	buf_puts(&says, "Content-Length: 0\r\n\r\n");
	ask_peer(&answer, says.data, says.len, 0, &whole, &peer);
	ck_assert_int_eq(answer.status, 202);
	ck_assert_str_eq(answer.error, "reply headers larger than 32768 bytes");
	free(peer);
	buf_fini(&says);
	answer_fini(&answer);
}
END_TEST

/* An interim reply alone is no reply; of what is no HTTP the error says what to check. */
START_TEST(client_tells_what_is_no_reply)
{
	static const char *const says[] = { "HTTP/1.1 100 Continue\r\n\r\n", "220 mail ready\r\n",
					    "\x15\x03\x01\x00\x02\x02\x46",
					    "HTTP/1.1 abc\r\n\r\n" };
	struct answer answer = { 0 };
	char *peer;

	ask_peer(&answer, says[_i], _i == 2 ? 7 : strlen(says[_i]), 0, &whole, &peer);
	ck_assert_int_eq(answer.status, 0);
	char *want = xasprintf(_i == 0 ? "connection closed by %s before the whole reply"
				       : "%s did not answer in HTTP; is this port right, and is it "
					 "https:?",
			       peer);
	ck_assert_str_eq(answer.error, want);
	free(want);
	free(peer);
	answer_fini(&answer);
}
END_TEST

START_TEST(client_gives_up_in_time)
{
	struct answer answer = { 0 };

	world_listen();
	char *url = xasprintf("http://127.0.0.1:%d/defer", http_server_port(w.server));
	struct http_request request = request_to(url);
	/* A slow machine may not have sent the request in time: then with twice the time. */
	long long ms = 50;
	while (!w.ndeferred) {
		ms *= 2;
		request.timeout_us = ms * US_PER_MS;
		answer_fini(&answer);
		answer = (struct answer){ 0 };
		ask_for(&answer, &request, &whole);
		pump(answer.calls);
	}
	ck_assert_int_eq(answer.status, 0);
	char *want = xasprintf("no answer within %lld ms", ms);
	ck_assert_str_eq(answer.error, want);
	free(want);
	/* The peer is gone: the reply only frees. */
	reply_text(w.deferred[0], 200, "too late");
	free(url);
	answer_fini(&answer);
}
END_TEST

START_TEST(client_refuses_other_urls)
{
	static const char *const urls[] = { "file:///etc/passwd", "ftp://127.0.0.1/", "http://",
					    "no url at all", "" };
	struct answer answer = { 0 };
	struct http_request request = request_to(urls[_i]);

	ask_for(&answer, &request, &whole);
	pump(answer.calls);
	ck_assert_int_eq(answer.status, 0);
	ck_assert_ptr_nonnull(answer.error);
	answer_fini(&answer);
}
END_TEST

/* A system test makes handshakes; this one shows that the files are opened. */
START_TEST(client_tells_of_missing_certificates)
{
	struct answer answer = { 0 };

	world_listen();
	char *url = xasprintf("https://127.0.0.1:%d/", http_server_port(w.server));
	struct http_request request = request_to(url);
	request.ca_file = "/nonexistent/ca.pem";
	ask_for(&answer, &request, &whole);
	pump(answer.calls);
	ck_assert_int_eq(answer.status, 0);
	ck_assert_ptr_nonnull(strstr(answer.error, "/nonexistent/ca.pem"));
	ck_assert_uint_eq(w.requests, 0);
	free(url);
	answer_fini(&answer);
}
END_TEST

START_TEST(client_sends_no_broken_header)
{
	struct answer answer = { 0 };

	world_listen();
	char *url = xasprintf("http://127.0.0.1:%d/seen", http_server_port(w.server));
	struct http_request request = request_to(url);
	http_request_header(&request, "X-Team", "ledger\r\nX-Other: 1");
	ask_for(&answer, &request, &whole);
	pump(answer.calls);
	ck_assert_int_eq(answer.status, 0);
	ck_assert_str_eq(answer.error, "header X-Team has a line break");
	ck_assert_uint_eq(w.requests, 0);
	free(url);
	answer_fini(&answer);
}
END_TEST

START_TEST(client_keeps_connections)
{
	world_listen();
	for (int i = 0; i < 3; i++) {
		struct answer answer = { 0 };
		ask(&answer, "/seen", false);
		pump(answer.calls);
		ck_assert_int_eq(answer.status, 200);
		answer_fini(&answer);
	}
	ck_assert_uint_eq(http_server_connections(w.server), 1);
}
END_TEST

static int asked_to_begin;
static bool may_begin;

static bool on_begin(void *arg)
{
	const struct answer *answer = arg;

	ck_assert_int_eq(answer->calls, 0);
	asked_to_begin++;
	return may_begin;
}

/* Asked when it is connected, on a new connection as on one that was kept. */
START_TEST(client_asks_before_the_first_byte)
{
	struct http_handler handler = whole;
	CLEANUP_FREE char *url = NULL;

	world_listen();
	handler.begins = on_begin;
	url = xasprintf("http://127.0.0.1:%d/seen", http_server_port(w.server));
	struct http_request request = request_to(url);
	asked_to_begin = 0;
	for (int i = 0; i < 4; i++) {
		struct answer answer = { 0 };
		may_begin = i % 2;
		ask_for(&answer, &request, &handler);
		ck_assert_int_eq(asked_to_begin, i);
		pump(answer.calls);
		ck_assert_int_eq(asked_to_begin, i + 1);
		ck_assert_int_eq(answer.status, may_begin ? 200 : 0);
		ck_assert_uint_eq(w.requests, (size_t)(i + 1) / 2);
		if (!may_begin)
			ck_assert_str_eq(answer.error,
					 "the request was taken back before it began");
		answer_fini(&answer);
	}
}
END_TEST

START_TEST(client_dies_with_calls_under_way)
{
	struct answer answer[3] = { 0 };

	world_listen();
	ask(&answer[0], "/defer", false);
	ask(&answer[1], "/many?9000000", true);
	pump(w.ndeferred && answer[1].pieces);
	ask(&answer[2], "/seen", false);
	/* world_tear_down() frees them, and the deferred exchange. */
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(answer[i].calls, 0);
		answer_fini(&answer[i]);
	}
}
END_TEST

/* ---- the loop ---- */

struct loop_world {
	struct loop *loop;
	struct timers *timers;
	int64_t now_us;
	int pipe[2], ready, fired, turns, caught;
	struct timer timer;
};

static int64_t fake_us(void *ctx)
{
	return ((struct loop_world *)ctx)->now_us;
}

static void on_ready(void *ctx)
{
	struct loop_world *lw = ctx;
	char byte;

	lw->ready += (int)read(lw->pipe[0], &byte, 1);
	lw->now_us += 5000;
}

static void on_fire(void *arg)
{
	struct loop_world *lw = arg;

	lw->fired++;
	ck_assert_int_eq(write(lw->pipe[1], "x", 1), 1);
}

static void on_turn_end(void *ctx)
{
	struct loop_world *lw = ctx;

	lw->turns++;
	if (lw->ready && !lw->caught)
		raise(SIGHUP);
}

static void on_caught(void *ctx, int signo)
{
	struct loop_world *lw = ctx;

	lw->caught = signo;
	loop_stop(lw->loop);
}

START_TEST(loop_runs_timers_descriptors_and_signals)
{
	struct loop_world lw = { .now_us = US_PER_SECOND };
	const struct clock clock = { .mono_us = fake_us, .wall_us = fake_us, .ctx = &lw };
	const struct loop_hooks hooks = { .turn_end = on_turn_end,
					  .caught = on_caught,
					  .ctx = &lw };

	ck_assert_int_eq(pipe(lw.pipe), 0);
	lw.timers = timers_new();
	lw.timer = (struct timer){ .fire = on_fire, .arg = &lw };
	timer_arm(lw.timers, &lw.timer, US_PER_SECOND); /* due */
	lw.loop = loop_new(w.base, &clock, lw.timers, &hooks);
	ck_assert_int_eq(loop_watch(lw.loop, lw.pipe[0], on_ready, &lw), 0);
	ck_assert_int_eq(loop_catch(lw.loop, SIGHUP), 0);
	ck_assert_int_eq(loop_run(lw.loop), 0);
	ck_assert_int_eq(lw.fired, 1);
	ck_assert_int_eq(lw.ready, 1);
	ck_assert_int_eq(lw.caught, SIGHUP);
	ck_assert_int_ge(lw.turns, 3);
	/* Only on_ready() moves the clock. */
	ck_assert_int_eq(loop_longest_turn_us(lw.loop), 5000);
	ck_assert_int_eq(metric_value(METRIC_LONGEST_TURN), 5000);
	ck_assert_int_eq(metric_value(METRIC_TURN_TIME), lw.turns);
	loop_free(lw.loop);
	timers_free(lw.timers);
	close(lw.pipe[0]);
	close(lw.pipe[1]);
}
END_TEST

/* Time passes while the loop waits: the clock jumps in a callback that does not call loop_woke().
 */
static void on_foreign(evutil_socket_t fd, short what, void *arg)
{
	struct loop_world *lw = arg;

	(void)fd;
	(void)what;
	lw->now_us += 60 * US_PER_SECOND;
	ck_assert_int_eq(write(lw->pipe[1], "x", 1), 1);
}

START_TEST(loop_does_not_count_waiting)
{
	const struct timeval at_once = { 0 };
	struct loop_world lw = { .now_us = US_PER_SECOND };
	const struct clock clock = { .mono_us = fake_us, .wall_us = fake_us, .ctx = &lw };
	const struct loop_hooks hooks = { .turn_end = on_turn_end,
					  .caught = on_caught,
					  .ctx = &lw };
	struct event *foreign = evtimer_new(w.base, on_foreign, &lw);

	ck_assert_int_eq(pipe(lw.pipe), 0);
	evtimer_add(foreign, &at_once);
	lw.loop = loop_new(w.base, &clock, NULL, &hooks);
	ck_assert_int_eq(loop_watch(lw.loop, lw.pipe[0], on_ready, &lw), 0);
	ck_assert_int_eq(loop_catch(lw.loop, SIGHUP), 0);
	ck_assert_int_eq(loop_run(lw.loop), 0);
	ck_assert_int_eq(loop_longest_turn_us(lw.loop), 5000);
	loop_free(lw.loop);
	event_free(foreign);
	close(lw.pipe[0]);
	close(lw.pipe[1]);
}
END_TEST

/* Every 60 s one byte comes; the first one's turn takes 5 ms, each later one's 10 us. */
struct turn_world {
	struct loop_world lw;
	struct event *foreign;
	int64_t longest_us[8]; /* as it was told when byte i came */
};

static void on_minute(evutil_socket_t fd, short what, void *arg)
{
	struct turn_world *tw = arg;

	on_foreign(fd, what, &tw->lw);
}

static void on_byte(void *ctx)
{
	const struct timeval at_once = { 0 };
	struct turn_world *tw = ctx;
	char byte;

	ck_assert_int_eq(read(tw->lw.pipe[0], &byte, 1), 1);
	tw->longest_us[tw->lw.ready] = loop_longest_turn_us(tw->lw.loop);
	tw->lw.now_us += tw->lw.ready++ == 0 ? 5000 : 10;
	if (tw->lw.ready == (int)ARRAY_LEN(tw->longest_us))
		loop_stop(tw->lw.loop);
	else
		evtimer_add(tw->foreign, &at_once);
}

START_TEST(loop_forgets_a_long_turn)
{
	/* Bytes come at 60, 120 … 480 s. Periods of 150 s begin at 0, 180 and 360 s, before the
	 * byte. */
	static const int64_t wanted_us[] = { 0, 5000, 5000, 5000, 5000, 10, 10, 10 };
	const struct timeval at_once = { 0 };
	const struct loop_hooks hooks = { .turn_end = NULL };
	struct turn_world tw = { .lw = { .now_us = US_PER_SECOND } };
	const struct clock clock = { .mono_us = fake_us, .wall_us = fake_us, .ctx = &tw.lw };

	ck_assert_int_eq(pipe(tw.lw.pipe), 0);
	tw.foreign = evtimer_new(w.base, on_minute, &tw);
	evtimer_add(tw.foreign, &at_once);
	tw.lw.loop = loop_new(w.base, &clock, NULL, &hooks);
	ck_assert_int_eq(loop_watch(tw.lw.loop, tw.lw.pipe[0], on_byte, &tw), 0);
	ck_assert_int_eq(loop_run(tw.lw.loop), 0);
	for (size_t i = 0; i < ARRAY_LEN(wanted_us); i++)
		ck_assert_int_eq(tw.longest_us[i], wanted_us[i]);
	ck_assert_int_eq(metric_value(METRIC_LONGEST_TURN), 10);
	loop_free(tw.lw.loop);
	event_free(tw.foreign);
	close(tw.lw.pipe[0]);
	close(tw.lw.pipe[1]);
}
END_TEST

static int64_t cpu_us(void)
{
	struct timespec cpu;

	ck_assert_int_eq(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu), 0);
	return (int64_t)cpu.tv_sec * US_PER_SECOND + cpu.tv_nsec / 1000;
}

static void on_fire_compute(void *arg)
{
	struct loop_world *lw = arg;
	int64_t end_us = cpu_us() + 3000;

	while (cpu_us() < end_us)
		;
	loop_stop(lw->loop);
}

/* The clock stands still while the thread computes. */
START_TEST(loop_tells_cpu_time)
{
	const struct loop_hooks hooks = { .turn_end = NULL };
	struct loop_world lw = { .now_us = US_PER_SECOND };
	const struct clock clock = { .mono_us = fake_us, .wall_us = fake_us, .ctx = &lw };

	lw.timers = timers_new();
	lw.timer = (struct timer){ .fire = on_fire_compute, .arg = &lw };
	timer_arm(lw.timers, &lw.timer, 0);
	lw.loop = loop_new(w.base, &clock, lw.timers, &hooks);
	ck_assert_int_eq(loop_run(lw.loop), 0);
	ck_assert_int_eq(metric_value(METRIC_LONGEST_TURN), 0);
	ck_assert_int_ge(metric_value(METRIC_LONGEST_TURN_CPU), 3000);
	loop_free(lw.loop);
	timers_free(lw.timers);
}
END_TEST

struct slow_timer {
	struct timer timer;
	struct loop_world *lw;
	int turn; /* in which it has fired */
};

static void on_fire_slowly(void *arg)
{
	struct slow_timer *slow = arg;

	slow->turn = slow->lw->turns;
	slow->lw->now_us += 600;
	if (++slow->lw->fired == 3)
		loop_stop(slow->lw->loop);
}

/* Three timers of 0.6 ms are due: two of them fill LIMIT_SLICE_US, the third has the next turn. */
START_TEST(loop_bounds_its_timers)
{
	struct loop_world lw = { .now_us = US_PER_SECOND };
	const struct clock clock = { .mono_us = fake_us, .wall_us = fake_us, .ctx = &lw };
	const struct loop_hooks hooks = { .turn_end = on_turn_end, .ctx = &lw };
	struct slow_timer slow[3];

	lw.timers = timers_new();
	for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
		slow[i] = (struct slow_timer){ .timer = { .fire = on_fire_slowly, .arg = &slow[i] },
					       .lw = &lw };
		timer_arm(lw.timers, &slow[i].timer, 0);
	}
	lw.loop = loop_new(w.base, &clock, lw.timers, &hooks);
	ck_assert_int_eq(loop_run(lw.loop), 0);
	ck_assert_int_eq(slow[1].turn, slow[0].turn);
	ck_assert_int_gt(slow[2].turn, slow[0].turn);
	ck_assert_int_eq(loop_longest_turn_us(lw.loop), 1200);
	loop_free(lw.loop);
	timers_free(lw.timers);
}
END_TEST

static void add_client(Suite *suite)
{
	TCase *client = world_group(suite, "client");

	tcase_add_test(client, client_gets);
	tcase_add_test(client, client_posts_large_bodies);
	tcase_add_test(client, client_hands_over_in_pieces);
	tcase_add_test(client, client_reader_may_refuse);
	tcase_add_test(client, client_tells_status_and_retry_after);
	tcase_add_loop_test(client, client_reads_retry_after, 0, (int)ARRAY_LEN(retry_cases));
	tcase_add_test(client, client_follows_no_redirect);
	tcase_add_test(client, client_cancels_in_its_own_body);
	tcase_add_loop_test(client, client_cancels_another_from_body_and_done, 0, 2);
	tcase_add_test(client, client_cancels_before_it_started);
	tcase_add_test(client, client_sends_from_handlers);
	tcase_add_test(client, client_tells_of_a_refused_connection);
	tcase_add_test(client, client_caps_the_reply);
	tcase_add_test(client, client_reads_gzip);
	tcase_add_test(client, client_survives_a_gzip_bomb);
	tcase_add_loop_test(client, client_tells_the_status_of_a_torn_reply, 0, ARRAY_LEN(torn));
	tcase_add_test(client, client_tells_the_status_above_large_headers);
	tcase_add_loop_test(client, client_tells_what_is_no_reply, 0, 4);
	tcase_add_test(client, client_gives_up_in_time);
	tcase_add_loop_test(client, client_refuses_other_urls, 0, 5);
	tcase_add_test(client, client_tells_of_missing_certificates);
	tcase_add_test(client, client_sends_no_broken_header);
	tcase_add_test(client, client_keeps_connections);
	tcase_add_test(client, client_asks_before_the_first_byte);
	tcase_add_test(client, client_dies_with_calls_under_way);
}

int main(void)
{
	Suite *suite = suite_create("net");
	TCase *data = tcase_create("data"), *loop = world_group(suite, "loop");

	tcase_add_test(data, escapes_urls);
	tcase_add_test(data, request_has_room_for_its_headers);
	tcase_add_test(data, reply_headers_in_any_case);
	suite_add_tcase(suite, data);
	tcase_add_test(loop, loop_runs_timers_descriptors_and_signals);
	tcase_add_test(loop, loop_does_not_count_waiting);
	tcase_add_test(loop, loop_forgets_a_long_turn);
	tcase_add_test(loop, loop_tells_cpu_time);
	tcase_add_test(loop, loop_bounds_its_timers);
	add_client(suite);
	return world_run(suite);
}
