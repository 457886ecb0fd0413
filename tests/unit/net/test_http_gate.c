/* net: the server's gate: who goes when room is short. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/net_world.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

#define LINE(text) "{\"error\": \"" text "\", \"type\": \"about:blank\", "

/* Opens as many connections as the cap, n, allows; each sends its part of a request. */
static void fill_up(struct raw *raw, const char *const *requests, size_t n)
{
	struct http_server_limits limits = world_limits();

	limits.connections = n;
	http_server_set_limits(w.server, &limits);
	world_listen();
	for (size_t i = 0; i < n; i++) {
		raw_open(&raw[i]);
		pump(http_server_connections(w.server) == i + 1);
		raw_send(&raw[i], requests[i]);
		raw_settle(&raw[i]);
	}
}

#define SEEN "GET /seen HTTP/1.1\r\nHost: a\r\n\r\n"

START_TEST(gate_caps_connections)
{
	static const char defer[] = "GET /defer HTTP/1.1\r\nHost: a\r\n\r\n";
	static const char *const requests[] = { defer, defer };
	struct raw raw[4];

	fill_up(raw, requests, 2);
	pump(w.ndeferred == 2);
	raw_open(&raw[2]);
	pump(http_server_connections(w.server) == 3);
	ck_assert_int_eq(metric_value(METRIC_CONNECTIONS), 3);
	raw_send(&raw[2], SEEN);
	pump(raw[2].eof);
	ck_assert(raw_has(&raw[2], "HTTP/1.1 503 Service Unavailable\r\n"));
	ck_assert(raw_has(&raw[2], "Retry-After: 1\r\n"));
	ck_assert(raw_has(&raw[2], LINE("too many connections")));
	raw_close(&raw[2]);
	reply_text(w.deferred[0], 200, "late");
	raw_expect(&raw[0], "late");
	raw_close(&raw[0]);
	pump(http_server_connections(w.server) == 1);
	raw_open(&raw[3]);
	raw_send(&raw[3], SEEN);
	raw_expect(&raw[3], "GET|/seen");
	ck_assert_uint_eq(w.requests, 3);
	reply_text(w.deferred[1], 200, "late");
	raw_close(&raw[1]);
	raw_close(&raw[3]);
	pump(http_server_connections(w.server) == 0);
}
END_TEST

START_TEST(gate_survives_without_descriptors)
{
	struct raw raw[8], late;
	struct rlimit old, small;
	size_t ended = 0;

	world_listen();
	for (size_t i = 0; i < 8; i++)
		raw_open(&raw[i]);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	small = old;
	small.rlim_cur = (rlim_t)raw[7].fd + 3;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &small), 0);
	while (ended < 6) {
		world_turn();
		ended = 0;
		for (size_t i = 0; i < 8; i++)
			ended += raw[i].eof;
	}
	/* Each made room for the next; accept() needs a descriptor to see that none is waiting. */
	ck_assert_uint_ge(http_server_connections(w.server), 1);
	ck_assert_uint_le(http_server_connections(w.server), 2);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	raw_open(&late);
	raw_send(&late, "GET /seen HTTP/1.1\r\nHost: a\r\n\r\n");
	raw_expect(&late, "GET|/seen");
	raw_close(&late);
	for (size_t i = 0; i < 8; i++)
		raw_close(&raw[i]);
}
END_TEST

/* Connections whose request is not whole give way to the newest: those that never had an answer
 * first, the oldest of them first. */
START_TEST(gate_makes_room)
{
	static const char *const requests[] = {
		"GET /defer HTTP/1.1\r\nHost: a\r\n\r\n",
		SEEN, /* answered; then the connection is idle */
		"GET /seen HTTP/1.1\r\nHost: a\r\nX-Ledger: ",
		"",
		"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nle",
	};
	/* An idle connection grows old from its acceptance, the others from their first byte. */
	static const size_t gives_way[] = { 2, 3, 4 };
	struct raw raw[5], late[5];

	fill_up(raw, requests, 5);
	raw_expect(&raw[1], "GET|/seen");
	pump(w.ndeferred == 1);
	for (size_t i = 0; i < 3; i++) {
		raw_open(&late[i]);
		raw_send(&late[i], "GET /defer HTTP/1.1\r\nHost: a\r\n\r\n");
		pump(raw[gives_way[i]].eof && w.ndeferred == i + 2);
	}
	ck_assert(raw_has(&raw[2], "HTTP/1.1 503 "));
	ck_assert(raw_has(&raw[2], LINE("too many connections")));
	ck_assert_uint_eq(raw[3].in.len, 0);
	ck_assert(raw_has(&raw[4], "HTTP/1.1 503 "));
	/* The handler has four requests. The one that had an answer goes: there is no other. */
	raw_open(&late[3]);
	pump(raw[1].eof);
	ck_assert(!raw_has(&raw[1], "503"));
	raw_open(&late[4]);
	pump(late[3].eof);
	raw_send(&late[4], SEEN);
	raw_expect(&late[4], "GET|/seen");
	for (size_t i = 0; i < 4; i++)
		reply_text(w.deferred[i], 200, "late");
	raw_expect(&raw[0], "late");
	for (size_t i = 0; i < 5; i++) {
		raw_close(&raw[i]);
		raw_close(&late[i]);
	}
	pump(http_server_connections(w.server) == 0);
}
END_TEST

/* Over its share, a peer loses its own oldest connection, and no other peer loses any. */
START_TEST(gate_caps_a_peer)
{
	struct http_server_limits limits = world_limits();
	struct raw other, raw[4];

	limits.peer_connections = 2;
	http_server_set_limits(w.server, &limits);
	world_listen();
	raw_open_from(&other, 2);
	raw_send(&other, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nle");
	pump(http_server_connections(w.server) == 1);
	for (size_t i = 0; i < 4; i++) {
		raw_open_from(&raw[i], 3);
		raw_send(&raw[i], "GET /seen HT");
		raw_settle(&raw[i]);
		ck_assert_uint_eq(http_server_connections(w.server), i < 2 ? i + 2 : 3);
	}
	pump(raw[0].eof && raw[1].eof);
	ck_assert(raw_has(&raw[0], "HTTP/1.1 503 "));
	raw_send(&raw[3], "TP/1.1\r\nHost: a\r\n\r\n");
	raw_expect(&raw[3], "127.0.0.3");
	raw_send(&other, "dg");
	raw_expect(&other, "\r\n\r\nledg");
	raw_close(&other);
	for (size_t i = 0; i < 4; i++)
		raw_close(&raw[i]);
}
END_TEST

/* Requests that the handler has are no half requests: they do not count in a peer's share. */
START_TEST(gate_counts_no_whole_request)
{
	struct http_server_limits limits = world_limits();
	struct raw raw[4];

	limits.peer_connections = 1;
	http_server_set_limits(w.server, &limits);
	world_listen();
	for (size_t i = 0; i < 4; i++) {
		raw_open(&raw[i]);
		raw_send(&raw[i], "GET /defer HTTP/1.1\r\nHost: a\r\n\r\n");
		pump(w.ndeferred == i + 1);
	}
	for (size_t i = 0; i < 4; i++) {
		reply_text(w.deferred[i], 200, "late");
		raw_expect(&raw[i], "late");
	}
	for (size_t i = 0; i < 4; i++)
		raw_close(&raw[i]);
}
END_TEST

/* Where all room is taken, the peer that has the most of it loses, not the one that came first. */
START_TEST(gate_takes_from_the_largest_peer)
{
	static const int hosts[] = { 2, 3, 3, 4, 3 };
	struct http_server_limits limits = world_limits();
	struct raw raw[5], late;

	limits.connections = 5;
	http_server_set_limits(w.server, &limits);
	world_listen();
	for (size_t i = 0; i < 5; i++) {
		raw_open_from(&raw[i], hosts[i]);
		pump(http_server_connections(w.server) == i + 1);
		raw_settle(&raw[i]);
	}
	raw_open_from(&late, 5);
	pump(raw[1].eof);
	raw_settle(&late);
	ck_assert_uint_eq(http_server_connections(w.server), 5);
	raw_close(&late);
	for (size_t i = 0; i < 5; i++) {
		ck_assert_int_eq(raw[i].eof, i == 1);
		raw_close(&raw[i]);
	}
}
END_TEST

static enum http_standing judge(void *ctx, bool is_get, const char *path, const char *authorization)
{
	ck_assert_ptr_eq(ctx, &w);
	if (is_get && strcmp(path, "/health") == 0)
		return HTTP_STANDING_PROBE;
	return authorization && strcmp(authorization, "Bearer t") == 0 ? HTTP_STANDING_KNOWN
								       : HTTP_STANDING_STRANGER;
}

/* However the head is cut into pieces, a body that is under way and has shown its token stays. */
START_TEST(gate_knows_a_token)
{
	static const char head[] = "POST /echo HTTP/1.1\r\nHost: a\r\nauthorization:  Bearer t \r\n"
				   "Content-Length: 4\r\n\r\n";
	static const char *const none[] = { "" };
	const size_t len = sizeof(head) - 1, cut = len - (size_t)_i;
	struct raw raw, late;

	http_server_set_judge(w.server, judge, &w);
	fill_up(&raw, none, 1);
	raw_send_data(&raw, head, cut);
	raw_settle(&raw);
	raw_send_data(&raw, head + cut, len - cut);
	raw_settle(&raw);
	raw_open(&late);
	raw_send(&late, SEEN);
	pump(late.eof);
	ck_assert_msg(raw_has(&late, "HTTP/1.1 503 "), "%s", buf_text(&late.in));
	ck_assert(raw_has(&late, "Retry-After: 1\r\n"));
	raw_close(&late);
	raw_send(&raw, "cart");
	raw_expect(&raw, "\r\n\r\ncart");
	pump(http_server_connections(w.server) == 1);
	/* Between two requests it goes, when there is no other. */
	raw_open(&late);
	pump(raw.eof);
	raw_close(&raw);
	raw_close(&late);
}
END_TEST

/* Strangers go before a connection that has shown a token once, though it waits longer. */
START_TEST(gate_keeps_the_known)
{
	static const char *const requests[] = {
		"GET /seen HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer t\r\n\r\n", SEEN,
		"POST /echo HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n"
		"Content-Length: 4\r\n\r\nle"
	};
	struct raw raw[3], late[3];

	http_server_set_judge(w.server, judge, &w);
	fill_up(raw, requests, 3);
	raw_expect(&raw[1], "GET|/seen");
	raw_open(&late[0]);
	pump(raw[2].eof);
	raw_open(&late[1]);
	pump(late[0].eof);
	raw_settle(&late[1]);
	raw_send(&late[1], "POST /echo HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer t\r\n"
			   "Content-Length: 4\r\n\r\nle");
	raw_settle(&late[1]);
	raw_open(&late[2]);
	pump(raw[1].eof);
	ck_assert(!raw[0].eof && !late[1].eof);
	for (size_t i = 0; i < 3; i++) {
		raw_close(&raw[i]);
		raw_close(&late[i]);
	}
}
END_TEST

#define HEALTH "GET /health?x HTTP/1.1\r\nHost: a\r\n\r\n"

/* Where all connections are busy, probes are answered; the newest probe displaces the oldest. */
START_TEST(gate_has_room_for_probes)
{
	static const char *const requests[] = { "GET /defer HTTP/1.1\r\nHost: a\r\n\r\n" };
	struct raw raw, probes[LIMIT_PROBE_CONNECTIONS + 1], post;

	http_server_set_judge(w.server, judge, &w);
	fill_up(&raw, requests, 1);
	pump(w.ndeferred == 1);
	for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
		raw_open(&probes[i]);
		raw_send(&probes[i], HEALTH);
		raw_expect(&probes[i], "GET|/health|x");
	}
	pump(probes[0].eof);
	ck_assert(!probes[1].eof);
	raw_open(&post);
	raw_send(&post, "POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	pump(post.eof && probes[1].eof);
	ck_assert(raw_has(&post, "HTTP/1.1 503 "));
	raw_close(&post);
	/* Once there is room, a probe's connection is one as all others. */
	reply_text(w.deferred[0], 200, "late");
	raw_expect(&raw, "late");
	raw_close(&raw);
	pump(http_server_connections(w.server) == LIMIT_PROBE_CONNECTIONS - 1);
	raw_send(&probes[2], SEEN);
	raw_expect(&probes[2], "GET|/seen");
	for (size_t i = 0; i < ARRAY_LEN(probes); i++)
		raw_close(&probes[i]);
	pump(http_server_connections(w.server) == 0);
}
END_TEST

/* Above the cap a request that is no probe is refused at its headers, whole or not. */
START_TEST(gate_turns_away_what_is_no_probe)
{
	static const char *const requests[] = { "GET /defer HTTP/1.1\r\nHost: a\r\n\r\n" };
	static const char *const bodies[] = { "", "x", "four" };
	struct raw raw, late;

	http_server_set_judge(w.server, judge, &w);
	fill_up(&raw, requests, 1);
	pump(w.ndeferred == 1);
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		raw_open(&late);
		raw_send(&late, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
		raw_send(&late, bodies[i]);
		pump(late.eof);
		ck_assert_msg(raw_has(&late, "HTTP/1.1 503 "), "%s", buf_text(&late.in));
		ck_assert(raw_has(&late, LINE("too many connections")));
		raw_close(&late);
	}
	ck_assert_uint_eq(w.requests, 1);
	reply_text(w.deferred[0], 200, "late");
	raw_expect(&raw, "late");
	raw_close(&raw);
	pump(http_server_connections(w.server) == 0);
}
END_TEST

/* ---- memory of requests ---- */

#define BODY_HEAD "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 600\r\n\r\n"
#define KNOWN_HEAD                                                                                 \
	"POST /echo HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer t\r\nContent-Length: 600\r\n\r\n"
#define TOO_MUCH LINE("too much memory is taken by requests")

/* Begins a request of which n bytes of the body are sent. */
static void send_part(struct raw *raw, const char *head, size_t n)
{
	char body[600];

	memset(body, 'b', sizeof(body));
	raw_send(raw, head);
	raw_send_data(raw, body, n);
	raw_settle(raw);
}

static void listen_with_memory(size_t all, size_t of_a_peer)
{
	struct http_server_limits limits = world_limits();

	limits.request_bytes = all;
	limits.peer_request_bytes = of_a_peer;
	http_server_set_limits(w.server, &limits);
	http_server_set_judge(w.server, judge, &w);
	world_listen();
}

/* Over its share, a peer without a token loses its own oldest requests; another peer loses none. */
START_TEST(gate_caps_the_memory_of_a_peer)
{
	struct raw other, raw[4];

	listen_with_memory(0, 1000);
	raw_open_from(&other, 2);
	send_part(&other, BODY_HEAD, 500);
	for (size_t i = 0; i < 4; i++) {
		raw_open_from(&raw[i], 3);
		send_part(&raw[i], BODY_HEAD, i == 3 ? 0 : 300);
	}
	/* Each has 300 bytes and its head: the third passes 1,000, the fourth does not. */
	pump(raw[0].eof);
	ck_assert(raw_has(&raw[0], "HTTP/1.1 503 "));
	ck_assert(raw_has(&raw[0], "Retry-After: 1\r\n"));
	ck_assert(raw_has(&raw[0], TOO_MUCH));
	ck_assert(!raw[1].eof && !raw[2].eof && !raw[3].eof && !other.eof);
	for (size_t i = 0; i < 4; i++)
		raw_close(&raw[i]);
	raw_close(&other);
	pump(http_server_connections(w.server) == 0);
	ck_assert_int_eq(metric_value(METRIC_REQUEST_BYTES), 0);
}
END_TEST

/* One request may be larger than the share: a storm is one body. */
START_TEST(gate_takes_one_large_request)
{
	struct raw raw;
	char body[600];

	listen_with_memory(0, 100);
	raw_open(&raw);
	send_part(&raw, BODY_HEAD, 500);
	ck_assert_int_eq(metric_value(METRIC_REQUEST_BYTES), 500 + (int)sizeof(BODY_HEAD) - 1);
	memset(body, 'b', sizeof(body));
	raw_send_data(&raw, body, 100);
	raw_expect(&raw, "bbb");
	raw_close(&raw);
}
END_TEST

/* Over the cap of all, strangers go before what has shown its token; the heaviest peer's first. */
START_TEST(gate_caps_the_memory_of_all)
{
	struct raw known, light, heavy[2], late;

	listen_with_memory(1500, 0);
	raw_open_from(&light, 2);
	send_part(&light, BODY_HEAD, 100);
	raw_open_from(&known, 3);
	send_part(&known, KNOWN_HEAD, 200);
	for (size_t i = 0; i < 2; i++) {
		raw_open_from(&heavy[i], 4);
		send_part(&heavy[i], BODY_HEAD, 200);
	}
	ck_assert(!heavy[0].eof);
	raw_open_from(&late, 3);
	send_part(&late, KNOWN_HEAD, 500);
	pump(heavy[0].eof);
	ck_assert(raw_has(&heavy[0], TOO_MUCH));
	ck_assert(!light.eof && !known.eof && !heavy[1].eof && !late.eof);
	raw_close(&light);
	raw_close(&known);
	raw_close(&late);
	for (size_t i = 0; i < 2; i++)
		raw_close(&heavy[i]);
}
END_TEST

/* Where all memory is taken by those that have shown their token, the one that needs more goes. */
START_TEST(gate_refuses_the_newest_request)
{
	const int64_t before = metric_value(METRIC_GATE_MEMORY);
	struct raw raw[2];

	listen_with_memory(800, 0);
	for (size_t i = 0; i < 2; i++) {
		raw_open(&raw[i]);
		send_part(&raw[i], KNOWN_HEAD, 400);
	}
	pump(raw[1].eof);
	ck_assert(raw_has(&raw[1], "HTTP/1.1 503 "));
	ck_assert(raw_has(&raw[1], TOO_MUCH));
	ck_assert_int_eq(metric_value(METRIC_GATE_MEMORY), before + 1);
	send_part(&raw[0], "", 200);
	raw_expect(&raw[0], "bbb");
	raw_close(&raw[0]);
	raw_close(&raw[1]);
}
END_TEST

START_TEST(gate_fits_descriptors)
{
	static const struct {
		rlim_t hard;
		size_t connections, of_a_peer;
	} rows[] = {
		{ 2048, 1536, 384 }, /* 512 are kept, and a quarter is one peer's share */
		{ 1024, 512, 128 },
		{ 600, 300, 75 }, /* half is kept */
	};
	struct rlimit limit, after;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		limit.rlim_max = rows[i].hard;
		limit.rlim_cur = 256;
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
		http_server_fit_descriptors(w.server);
		ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &after), 0);
		ck_assert_uint_eq(after.rlim_cur, rows[i].hard);
		const struct http_server_limits limits = http_server_get_limits(w.server);
		ck_assert_uint_eq(limits.connections, rows[i].connections);
		ck_assert_uint_eq(limits.peer_connections, rows[i].of_a_peer);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http_gate");
	TCase *gate = world_group(suite, "gate");

	tcase_add_test(gate, gate_makes_room);
	tcase_add_test(gate, gate_caps_connections);
	tcase_add_test(gate, gate_survives_without_descriptors);
	tcase_add_test(gate, gate_caps_a_peer);
	tcase_add_test(gate, gate_counts_no_whole_request);
	tcase_add_test(gate, gate_takes_from_the_largest_peer);
	tcase_add_loop_test(gate, gate_knows_a_token, 0, 66);
	tcase_add_test(gate, gate_keeps_the_known);
	tcase_add_test(gate, gate_has_room_for_probes);
	tcase_add_test(gate, gate_turns_away_what_is_no_probe);
	tcase_add_test(gate, gate_caps_the_memory_of_a_peer);
	tcase_add_test(gate, gate_takes_one_large_request);
	tcase_add_test(gate, gate_caps_the_memory_of_all);
	tcase_add_test(gate, gate_refuses_the_newest_request);
	tcase_add_test(gate, gate_fits_descriptors);
	return world_run(suite);
}
