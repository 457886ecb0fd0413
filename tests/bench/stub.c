/*
 * The peers of a relay that is measured, as cheap as they can be: a receiver of webhooks, which
 * counts them, and a trace backend (Jaeger's API v3 by id), whose every trace has ten spans,
 * or STUB_SPANS of the environment.
 *
 * Alerts are told apart by "bench-" and five digits, which the first such text of a webhook's body
 * is taken from. The last five digits of a trace's id name the service at which its errors end, so
 * that each trace has a culprit of its own. GET /counts tells what has come; GET /times, by the
 * monotonic clock, when the first webhook of each number came.
 *
 * usage: stub        (prints its port, ends with its standard input)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tracepager/buf.h"
#include "tracepager/xalloc.h"

#define NUMBERS	      100000
#define DIGITS	      5
#define PLACE	      "#####" /* of a number, in what is sent */
#define LAST_SERVICE  "ledger-" PLACE
#define REQUEST_BYTES (8u << 20)
#define USUAL_SPANS   10
#define MOST_SPANS    10000

struct connection {
	int fd;
	struct buf in, out;
	size_t sent;
};

static struct {
	uint64_t posts, bytes, distinct, lookups;
	int64_t last_us; /* when the last new number came */
	int64_t first_us[NUMBERS];
} seen;

static struct buf trace_text;
static size_t trace_places[MOST_SPANS * 2], ntrace_places;

static void die(const char *what)
{
	fprintf(stderr, "stub: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* ---- the trace ---- */

static void add_attribute(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, "%s{\"key\":\"%s\",\"value\":{\"stringValue\":\"%s\"}}",
		   out->data[out->len - 1] == '[' ? "" : ",", key, value);
}

/* Spans 0 to 4 call each other and fail; each of the others is a healthy call of one of them. */
static void add_span(struct buf *out, int i, const char *service, int64_t start_ns)
{
	bool fails = i < 5;
	int parent = fails ? i - 1 : i % 5;

	buf_puts(out, i ? "," : "");
	buf_puts(out, "{\"resource\":{\"attributes\":[");
	add_attribute(out, "service.name", service);
	add_attribute(out, "service.namespace", "shop");
	add_attribute(out, "service.version", "4.2.1");
	add_attribute(out, "deployment.environment.name", "prod");
	add_attribute(out, "k8s.cluster.name", "shop-eu-1");
	buf_puts(out, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"shop\"},\"spans\":[{");
	buf_printf(out,
		   "\"traceId\":\"5b8efff798038103d269b633813" PLACE "\",\"spanId\":\"%016x\",",
		   i + 1);
	if (parent >= 0)
		buf_printf(out, "\"parentSpanId\":\"%016x\",", parent + 1);
	buf_printf(out,
		   "\"name\":\"POST /api/v1/orders\",\"kind\":2,\"startTimeUnixNano\":\"%" PRId64
		   "\",\"endTimeUnixNano\":\"%" PRId64 "\",\"attributes\":[",
		   start_ns + i % 50 * INT64_C(1000000),
		   start_ns + (100 - i % 50) * INT64_C(1000000));
	add_attribute(out, "http.request.method", "POST");
	add_attribute(out, "http.route", "/api/v1/orders");
	add_attribute(out, "http.response.status_code", fails ? "503" : "200");
	add_attribute(out, "url.scheme", "http");
	add_attribute(out, "user_agent.original", "shop-gateway/2.14.0 (linux; amd64)");
	add_attribute(out, "server.address", "orders.shop.svc.cluster.local");
	add_attribute(out, "server.port", "8080");
	add_attribute(out, "thread.name", "http-client-worker-12");
	buf_puts(out, fails ? "],\"status\":{\"code\":2,\"message\":\"journal is read-only\"}}]}]}"
			    : "],\"status\":{}}]}]}");
}

static void make_trace(void)
{
	static const char *const services[] = { "frontend",   "checkout", "orders", "payment",
						LAST_SERVICE, "sessions", "cart",   "prices",
						"accounts",   "stock" };
	const char *wanted = getenv("STUB_SPANS");
	int nspans = wanted ? atoi(wanted) : USUAL_SPANS;
	int64_t start_ns = ((int64_t)time(NULL) - 30) * INT64_C(1000000000);

	if (nspans < USUAL_SPANS || nspans > MOST_SPANS) {
		fprintf(stderr, "stub: STUB_SPANS is %d to %d\n", USUAL_SPANS, MOST_SPANS);
		exit(2);
	}
	buf_init(&trace_text, 32u << 20);
	buf_puts(&trace_text, "{\"result\":{\"resourceSpans\":[");
	for (int i = 0; i < nspans; i++)
		add_span(&trace_text, i, services[i < 5 ? i : 5 + i % 5], start_ns);
	buf_puts(&trace_text, "]}}");
	for (const char *at = buf_text(&trace_text); (at = strstr(at, PLACE)); at += DIGITS)
		trace_places[ntrace_places++] = (size_t)(at - trace_text.data);
}

/* ---- answers ---- */

/* "Sun, 29 Nov 2026 18:00:00 GMT", made once a second. */
static const char *http_date(void)
{
	static char text[64];
	static time_t made;
	const time_t now = time(NULL);
	struct tm tm;

	if (now != made && gmtime_r(&now, &tm))
		strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	made = now;
	return text;
}

static void answer(struct connection *c, const char *status, const char *body, size_t len)
{
	buf_printf(&c->out,
		   "HTTP/1.1 %s\r\nDate: %s\r\nContent-Type: application/json\r\n"
		   "Content-Length: %zu\r\n\r\n",
		   status, http_date(), len);
	buf_add(&c->out, body, len);
}

/* The first "bench-" with a number. */
static void count_webhook(const char *body, size_t len)
{
	const char *at = memmem(body, len, "bench-", 6);

	seen.posts++;
	seen.bytes += len;
	if (!at || (size_t)(at - body) + 6 + DIGITS > len)
		return;
	unsigned long number = strtoul(at + 6, NULL, 10);
	if (number >= NUMBERS || seen.first_us[number])
		return;
	seen.last_us = seen.first_us[number] = now_us();
	seen.distinct++;
}

static void answer_trace(struct connection *c, const char *id, size_t len)
{
	if (len < DIGITS) {
		answer(c, "404 Not Found", "{}", 2);
		return;
	}
	seen.lookups++;
	for (size_t i = 0; i < ntrace_places; i++)
		memcpy(trace_text.data + trace_places[i], id + len - DIGITS, DIGITS);
	answer(c, "200 OK", trace_text.data, trace_text.len);
}

static void answer_counts(struct connection *c)
{
	CLEANUP_FREE char *text =
		xasprintf("{\"posts\":%" PRIu64 ",\"distinct\":%" PRIu64 ",\"bytes\":%" PRIu64
			  ",\"lookups\":%" PRIu64 ",\"last\":%" PRId64 ".%06d}",
			  seen.posts, seen.distinct, seen.bytes, seen.lookups,
			  seen.last_us / 1000000, (int)(seen.last_us % 1000000));

	answer(c, "200 OK", text, strlen(text));
}

static void answer_times(struct connection *c)
{
	struct buf out = BUF_INIT(4u << 20);

	for (size_t i = 0; i < NUMBERS; i++)
		if (seen.first_us[i])
			buf_printf(&out, "%zu %" PRId64 "\n", i, seen.first_us[i]);
	answer(c, "200 OK", buf_text(&out), out.len);
	buf_fini(&out);
}

static void answer_request(struct connection *c, const char *head, const char *body, size_t len)
{
	static const char traces[] = "GET /api/v3/traces/";

	if (!strncmp(head, "POST ", 5)) {
		count_webhook(body, len);
		answer(c, "200 OK", "{}", 2);
	} else if (!strncmp(head, traces, sizeof(traces) - 1)) {
		const char *id = head + sizeof(traces) - 1;
		answer_trace(c, id, strcspn(id, "? "));
	} else if (!strncmp(head, "GET /counts ", 12)) {
		answer_counts(c);
	} else if (!strncmp(head, "GET /times ", 11)) {
		answer_times(c);
	} else {
		answer(c, "404 Not Found", "{}", 2);
	}
}

/* ---- connections ---- */

static size_t content_length(const char *head)
{
	const char *at = strcasestr(head, "\r\nContent-Length:");

	return at ? strtoul(at + 17, NULL, 10) : 0;
}

/* Answers all requests that are whole. */
static void answer_all(struct connection *c)
{
	for (;;) {
		char *head = c->in.len ? c->in.data : NULL;
		char *end = head ? memmem(head, c->in.len, "\r\n\r\n", 4) : NULL;
		if (!end)
			return;
		*end = '\0'; /* undone below where the body is not there yet */
		size_t head_len = (size_t)(end - head) + 4, len = content_length(head);
		if (c->in.len < head_len + len) {
			*end = '\r';
			return;
		}
		answer_request(c, head, head + head_len, len);
		memmove(head, head + head_len + len, c->in.len - head_len - len);
		c->in.len = c->in.len - head_len - len;
	}
}

static bool flush(struct connection *c)
{
	while (c->sent < c->out.len) {
		ssize_t n = write(c->fd, c->out.data + c->sent, c->out.len - c->sent);
		if (n < 0)
			return errno == EAGAIN;
		c->sent += (size_t)n;
	}
	buf_reset(&c->out);
	c->sent = 0;
	return true;
}

static bool serve(struct connection *c)
{
	static char piece[256u << 10];
	ssize_t n;

	while ((n = read(c->fd, piece, sizeof(piece))) > 0) {
		buf_add(&c->in, piece, (size_t)n);
		if ((size_t)n < sizeof(piece))
			break;
	}
	if (n == 0 || (n < 0 && errno != EAGAIN))
		return false;
	answer_all(c);
	return flush(c);
}

static void drop_connection(struct connection *c)
{
	close(c->fd);
	buf_fini(&c->in);
	buf_fini(&c->out);
	free(c);
}

static void take_connections(int epoll, int listener)
{
	int fd, on = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *c = xcalloc(1, sizeof(*c));
		struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
					     .data.ptr = c };

		c->fd = fd;
		buf_init(&c->in, REQUEST_BYTES);
		buf_init(&c->out, REQUEST_BYTES);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
			die("epoll_ctl");
	}
}

static int listen_here(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 4096) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		die("listen");
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

int main(void)
{
	struct rlimit files;
	struct epoll_event events[256] = { { .events = EPOLLIN, .data.fd = STDIN_FILENO } };
	int epoll = epoll_create1(EPOLL_CLOEXEC), listener;
	static char input, door; /* their addresses tell them from connections */

	signal(SIGPIPE, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	make_trace();
	listener = listen_here();
	events[0].data.ptr = &input;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &events[0]) < 0)
		die("epoll_ctl");
	events[0].data.ptr = &door;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &events[0]) < 0)
		die("epoll_ctl");
	for (;;) {
		int n = epoll_wait(epoll, events, ARRAY_LEN(events), -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &input)
				return 0;
			if (events[i].data.ptr == &door)
				take_connections(epoll, listener);
			else if (!serve(events[i].data.ptr))
				drop_connection(events[i].data.ptr);
		}
	}
}
