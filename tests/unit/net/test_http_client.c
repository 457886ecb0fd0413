/* net: the client uses its connections and curl's handles for one request after another. */
#ifdef HAVE_CONFIG_H
#include "config.h" /* PACKAGE_VERSION */
#endif

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/net_world.h"
#include "tracepager/xalloc.h"

#define SENT_LAST "|tracepager/" PACKAGE_VERSION "|gzip, deflate|-|"

/* What the server got of a request. */
static void ask_sent(const struct http_request *request, const char *want)
{
	struct answer answer = { 0 };

	ask_for(&answer, request, &whole);
	pump(answer.calls);
	ck_assert_ptr_null(answer.error);
	ck_assert_str_eq(answer.body.data, want);
	answer_fini(&answer);
}

/* Requests one after the other run on the same handle of curl: nothing of one may come to the next.
 */
START_TEST(client_forgets_the_last_request)
{
	CLEANUP_FREE char *url = NULL, *secret = NULL;

	world_listen();
	url = xasprintf("http://127.0.0.1:%d/sent", http_server_port(w.server));
	secret = xasprintf("http://ann:pass@127.0.0.1:%d/sent", http_server_port(w.server));
	struct http_request plain = request_to(url), with_password = request_to(secret);
	struct http_request with_token = request_to(url), post = request_to(url), empty;
	http_request_header(&with_token, "Authorization", "Bearer 1");
	http_request_header(&with_token, "User-Agent", "ours/1");
	http_request_header(&with_token, "accept-encoding", "identity");
	http_request_header(&post, "Content-Type", "text/plain");
	post.method = HTTP_POST;
	empty = post;
	post.body = "page";
	post.body_len = 4;
	for (int i = 0; i < 2; i++) {
		ask_sent(&plain, "GET|-|-|-" SENT_LAST);
		ask_sent(&post, "POST|-|text/plain|4" SENT_LAST "page");
		ask_sent(&plain, "GET|-|-|-" SENT_LAST);
		ask_sent(&with_token, "GET|Bearer 1|-|-|ours/1|identity|-|");
		ask_sent(&empty, "POST|-|text/plain|0" SENT_LAST);
		/* "ann:pass" in base64 */
		ask_sent(&with_password, "GET|Basic YW5uOnBhc3M=|-|-" SENT_LAST);
		ask_sent(&plain, "GET|-|-|-" SENT_LAST);
	}
	ck_assert_uint_eq(http_server_connections(w.server), 1);
}
END_TEST

START_TEST(client_forgets_a_signature)
{
	struct answer answer = { 0 };
	CLEANUP_FREE char *url = NULL;

	world_listen();
	url = xasprintf("http://127.0.0.1:%d/sent", http_server_port(w.server));
	struct http_request plain = request_to(url), is_signed = request_to(url);
	is_signed.sigv4 = "aws:amz:eu-central-1:xray";
	is_signed.sigv4_keys = "AKID:secret";
	ask_for(&answer, &is_signed, &whole);
	pump(answer.calls);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_ptr_nonnull(strstr(answer.body.data, "GET|AWS4-HMAC-SHA256 Credential=AKID/"));
	ck_assert_ptr_nonnull(strstr(answer.body.data, SENT_LAST));
	answer_fini(&answer);
	ask_sent(&plain, "GET|-|-|-" SENT_LAST);
}
END_TEST

/* A timeout is of its request alone, and a handle whose request failed is not used again. */
START_TEST(client_forgets_a_timeout)
{
	struct answer late = { 0 }, answer = { 0 };
	CLEANUP_FREE char *url = NULL;

	world_listen();
	ask(&answer, "/seen", false);
	pump(answer.calls);
	answer_fini(&answer);
	answer = (struct answer){ 0 };
	url = xasprintf("http://127.0.0.1:%d/defer", http_server_port(w.server));
	struct http_request request = request_to(url);
	request.timeout_us = 50 * US_PER_MS;
	ask_for(&late, &request, &whole);
	pump(late.calls);
	ck_assert_int_eq(late.status, 0);
	ck_assert_ptr_nonnull(late.error);
	ask(&answer, "/many?3000000", false);
	pump(answer.calls);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_ptr_null(answer.error);
	for (size_t i = 0; i < w.ndeferred; i++)
		reply_text(w.deferred[i], 200, "too late");
	answer_fini(&late);
	answer_fini(&answer);
}
END_TEST

/* pump() where no event may be to come: the peers here are outside of the loop. */
#define pump_on(condition)                                                                         \
	while (!(condition))                                                                       \
	event_base_loop(w.base, EVLOOP_NONBLOCK)

/* Listens for raw peers of the client. Caller frees the URL. */
static int listen_raw(char **ret_url)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, size), 0);
	ck_assert_int_eq(listen(listener, 4), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &size), 0);
	*ret_url = xasprintf("http://127.0.0.1:%d/", ntohs(at.sin_port));
	return listener;
}

/* Takes a connection, answers its request with these headers too, and gives the connection. */
static int answer_raw(int listener, const char *headers, struct answer *answer)
{
	CLEANUP_FREE char *says =
		xasprintf("HTTP/1.1 200 OK\r\n%sContent-Length: 2\r\n\r\nok", headers);
	char asked[4096];
	int fd;

	pump_on((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0);
	pump_on(recv(fd, asked, sizeof(asked), 0) > 0);
	ck_assert_int_eq(send(fd, says, strlen(says), MSG_NOSIGNAL), (ssize_t)strlen(says));
	pump_on(answer->calls);
	ck_assert_int_eq(answer->status, 200);
	answer_fini(answer);
	return fd;
}

/* An idle connection that its peer closes is watched no longer; the next one has its descriptor. */
START_TEST(client_leaves_idle_connections)
{
	CLEANUP_FREE char *url = NULL;
	int listener = listen_raw(&url);
	struct http_request request = request_to(url);

	for (int i = 0; i < 3; i++) {
		struct answer answer = { 0 };
		ask_for(&answer, &request, &whole);
		int fd = answer_raw(listener, "", &answer);
		/* The guard's timer, and the connection. */
		ck_assert_int_eq(event_base_get_num_events(w.base, EVENT_BASE_COUNT_ADDED), 2);
		close(fd);
		pump_on(event_base_get_num_events(w.base, EVENT_BASE_COUNT_ADDED) == 1);
	}
	close(listener);
}
END_TEST

/* Posts by parsed URLs: the server sees the same as by a text, however often it comes, and with
 * more URLs at once than are kept. */
START_TEST(client_parses_urls_once)
{
	enum { URLS = 2 * LIMIT_PARSED_URLS };
	struct answer answers[URLS];
	struct http_request request;

	world_listen();
	for (int round = 0; round < 3; round++) {
		memset(answers, 0, sizeof(answers));
		for (int i = 0; i < URLS; i++) {
			CLEANUP_FREE char *url =
				xasprintf("http://127.0.0.1:%d/seen%%20it?n=%d&a=b%%20c#not-this",
					  http_server_port(w.server), i);
			request = request_to(url);
			request.method = HTTP_POST;
			ask_for(&answers[i], &request, &whole);
		}
		for (int i = 0; i < URLS; i++) {
			CLEANUP_FREE char *want =
				xasprintf("POST|/seen it|n=%d&a=b%%20c|tracepager/" PACKAGE_VERSION
					  "|127.0.0.1",
					  i);
			pump(answers[i].calls);
			ck_assert_str_eq(answers[i].body.data, want);
			answer_fini(&answers[i]);
		}
	}
	request = request_to("no url at all");
	request.method = HTTP_POST;
	memset(answers, 0, sizeof(answers[0]));
	ask_for(&answers[0], &request, &whole);
	pump(answers[0].calls);
	ck_assert_str_eq(answers[0].error, "the URL is not a valid http: or https: one");
	answer_fini(&answers[0]);
}
END_TEST

/* More calls at once than are started in a turn, and than handles are kept for. */
START_TEST(client_has_many_calls)
{
	enum { CALLS = 3 * LIMIT_IDLE_EASY_HANDLES };
	struct answer answers[CALLS] = { { 0 } };

	world_listen();
	for (int round = 0; round < 2; round++) {
		memset(answers, 0, sizeof(answers));
		for (size_t i = 0; i < CALLS; i++)
			ask(&answers[i], "/seen", false);
		for (size_t i = 0; i < CALLS; i++) {
			pump(answers[i].calls);
			ck_assert_int_eq(answers[i].status, 200);
			answer_fini(&answers[i]);
		}
		ck_assert_uint_eq(http_client_active(w.client), 0);
	}
}
END_TEST

/* "Date: Sun, 29 Nov 2026 18:00:00 GMT\r\n" of a clock that is so far behind. */
static const char *late_date(char out[64], int late_s)
{
	const time_t at = (time_t)(clock_wall_us(clock_system()) / US_PER_SECOND) - late_s;
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(out, 64, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
	return out;
}

static const struct {
	const char *before, *after;
	bool has_date, counts;
} date_cases[] = {
	{ "", "", true, true },
	{ "", "", false, false },
	{ "DATE-X: 1\r\nd:\r\nA: b\r\n", "Aged: 1\r\n", true, true },
	/* What a cache gives out tells when it was made. */
	{ "Age: 3600\r\n", "", true, false },
	{ "", "age: 1\r\n", true, false },
	/* Broken ones. */
	{ "Date:\r\n", "", false, false },
	{ "Date: yesterday\r\n", "", false, false },
	{ "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n", "", false, false },
	{ "Date: 9999999999999999999999999999999999999999999999999999999999999999999\r\n", "",
	  false, false },
	{ "Date: \x80\xff\r\n", "", false, false },
};

START_TEST(client_reads_dates)
{
	CLEANUP_FREE char *url = NULL;
	char date[64] = "";
	struct answer answer = { 0 };
	int listener = listen_raw(&url);
	struct http_request request = request_to(url);

	if (date_cases[_i].has_date)
		late_date(date, 3600);
	CLEANUP_FREE char *headers =
		xasprintf("%s%s%s", date_cases[_i].before, date, date_cases[_i].after);
	ask_for(&answer, &request, &whole);
	close(answer_raw(listener, headers, &answer));
	const struct peer_clock clock =
		peer_sight_clock(http_client_sight(w.client), clock_wall_us(clock_system()),
				 clock_mono_us(clock_system()));
	ck_assert_uint_eq(clock.npeers, date_cases[_i].counts);
	if (date_cases[_i].counts) {
		/* The reply took at most 2 s, else it would not count. */
		ck_assert_int_ge(clock.ahead_us, (3600 - 2) * US_PER_SECOND);
		ck_assert_int_le(clock.ahead_us, (3600 + 2) * US_PER_SECOND);
	}
	close(listener);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http_client");
	TCase *reuse = world_group(suite, "reuse"), *sights = world_group(suite, "sights");

	tcase_add_test(reuse, client_forgets_the_last_request);
	tcase_add_test(reuse, client_forgets_a_signature);
	tcase_add_test(reuse, client_forgets_a_timeout);
	tcase_add_test(reuse, client_leaves_idle_connections);
	tcase_add_test(reuse, client_parses_urls_once);
	tcase_add_test(reuse, client_has_many_calls);
	tcase_add_loop_test(sights, client_reads_dates, 0, (int)ARRAY_LEN(date_cases));
	return world_run(suite);
}
