/*
 * Posts alerts over kept connections and tells how fast they are taken: as fast as each connection
 * is answered, or at a rate that is offered evenly, where the latency of a request counts from when
 * it was due. Alerts are told apart by a number; a body that is answered with 503 is posted again
 * 10 ms later.
 *
 * usage: load [OPTION]... PORT PATH
 *
 *	-c N      connections (64)
 *	-n N      alerts (20000), of which the numbers are -f to -f + -d - 1, over and over
 *	-f N      the first number (0)
 *	-d N      distinct numbers (as many as alerts)
 *	-b N      alerts of one body (1)
 *	-s BYTES  of one alert in a body (1024), filled up by its description
 *	-r RATE   bodies a second (as fast as they are answered)
 *	-S TEXT   severity (critical)
 *	-w        bodies are Alertmanager's webhooks, not lists for /api/v2/alerts
 *	-t        each alert has a trace's id in its labels
 *	-T        prints each number and when its body was due, in us of the monotonic clock
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "tracepager/buf.h"
#include "tracepager/xalloc.h"

#define CONNECTIONS_MAX 1024
#define BODY_BYTES	(8u << 20)
#define AGAIN_US	10000

struct connection {
	int fd;
	bool busy;
	size_t body;	   /* which of all */
	int64_t due_us;	   /* the latency counts from here */
	int64_t resume_us; /* not 0: refused, and posted again then */
	struct buf out, in;
	size_t sent;
};

static struct {
	size_t connections, alerts, first, distinct, batch, size;
	double rate;
	bool webhook, traces, times;
	unsigned long port;
	const char *path, *severity;
} options = {
	.connections = 64, .alerts = 20000, .batch = 1, .size = 1024, .severity = "critical"
};

static struct connection connections[CONNECTIONS_MAX];
static struct pollfd pollfds[CONNECTIONS_MAX];
static size_t nbodies, begun, ended, refused, errors;
static int64_t start_us, *latencies;
static char starts_at[32];

static void die(const char *what, const char *why)
{
	fprintf(stderr, "load: %s: %s\n", what, why);
	exit(1);
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* ---- bodies ---- */

static void add_alert(struct buf *out, size_t number)
{
	size_t start = out->len;

	buf_puts(out, options.webhook ? "{\"status\":\"firing\"," : "{");
	buf_printf(out,
		   "\"labels\":{\"alertname\":\"OrdersFail\",\"severity\":\"%s\","
		   "\"instance\":\"bench-%05zu\",\"job\":\"orders\",\"namespace\":\"shop\","
		   "\"cluster\":\"eu-1\"",
		   options.severity, number);
	if (options.traces)
		buf_printf(out, ",\"trace_id\":\"5b8efff798038103d269b633813%05zu\"", number);
	buf_printf(out, "},\"startsAt\":\"%s\",\"endsAt\":\"%s\",", starts_at,
		   options.webhook ? "0001-01-01T00:00:00Z" : "2099-01-01T00:00:00.000Z");
	if (options.webhook)
		buf_puts(out, "\"fingerprint\":\"\",");
	buf_puts(out, "\"generatorURL\":\"http://prometheus.shop.example/graph?g0.expr=up\","
		      "\"annotations\":{\"summary\":\"orders fail\",\"description\":\"");
	while (out->len - start + 3 < options.size)
		buf_putc(out, out->len % 8 ? 'x' : ' ');
	buf_puts(out, "\"}}");
}

static void make_request(struct connection *c)
{
	struct buf body = BUF_INIT(BODY_BYTES);
	size_t at = c->body * options.batch;

	buf_puts(&body, !options.webhook ? "["
					 : "{\"version\":\"4\",\"groupKey\":\"{}:{}\",\"status\":"
					   "\"firing\",\"receiver\":\"r\",\"groupLabels\":{},"
					   "\"commonLabels\":{},\"commonAnnotations\":{},"
					   "\"externalURL\":\"http://am\",\"alerts\":[");
	for (size_t i = 0; i < options.batch && at + i < options.alerts; i++) {
		if (i)
			buf_putc(&body, ',');
		add_alert(&body, options.first + (at + i) % options.distinct);
	}
	buf_puts(&body, options.webhook ? "]}" : "]");
	buf_reset(&c->out);
	buf_printf(&c->out,
		   "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%lu\r\nContent-Type: application/json\r\n"
		   "Content-Length: %zu\r\n\r\n",
		   options.path, options.port, body.len);
	buf_add(&c->out, body.data, body.len);
	buf_fini(&body);
}

/* ---- connections ---- */

static void connect_one(struct connection *c)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)options.port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("connect", strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	buf_init(&c->out, BODY_BYTES);
	buf_init(&c->in, 1u << 20);
}

static void send_request(struct connection *c)
{
	c->resume_us = 0;
	c->sent = 0;
	buf_reset(&c->in);
	while (c->sent < c->out.len) {
		ssize_t n = write(c->fd, c->out.data + c->sent, c->out.len - c->sent);
		if (n < 0)
			die("write", strerror(errno));
		c->sent += (size_t)n;
	}
}

/* Takes the next body, where one is due. */
static void begin_request(struct connection *c, int64_t now)
{
	int64_t due =
		options.rate > 0 ? start_us + (int64_t)((double)begun * 1e6 / options.rate) : now;

	if (begun == nbodies || due > now)
		return;
	c->busy = true;
	c->body = begun++;
	c->due_us = due;
	make_request(c);
	if (options.times)
		printf("%zu %" PRId64 "\n",
		       options.first + c->body * options.batch % options.distinct,
		       options.rate > 0 ? due : now_us());
	send_request(c);
}

/* 0 where the answer is not whole, else its status. */
static int read_answer(struct connection *c)
{
	char piece[16384];
	ssize_t n = read(c->fd, piece, sizeof(piece));

	if (n <= 0)
		die("read", n ? strerror(errno) : "the server closed the connection");
	buf_add(&c->in, piece, (size_t)n);
	const char *text = buf_text(&c->in), *end = strstr(text, "\r\n\r\n");
	if (!end)
		return 0;
	const char *length = strcasestr(text, "\r\nContent-Length:");
	if (!length || length > end)
		die("answer", "it has no Content-Length");
	if (c->in.len < (size_t)(end - text) + 4 + strtoul(length + 17, NULL, 10))
		return 0;
	return atoi(text + 9);
}

static void take_answer(struct connection *c)
{
	int status = read_answer(c);
	int64_t now = now_us();

	if (!status)
		return;
	if (status == 503) {
		refused++;
		c->resume_us = now + AGAIN_US;
		return;
	}
	if (status / 100 != 2)
		errors++;
	latencies[ended++] = now - c->due_us;
	c->busy = false;
}

/* ---- the loop ---- */

static int64_t next_us(void)
{
	int64_t next = INT64_MAX;
	bool idle = false;

	for (size_t i = 0; i < options.connections; i++) {
		const struct connection *c = &connections[i];
		idle |= !c->busy;
		if (c->resume_us && c->resume_us < next)
			next = c->resume_us;
	}
	if (idle && begun < nbodies && options.rate > 0) {
		int64_t due = start_us + (int64_t)((double)begun * 1e6 / options.rate);
		next = due < next ? due : next;
	}
	return next;
}

static void wait_for_events(void)
{
	int64_t next = next_us(), rest = next == INT64_MAX ? 1000000 : next - now_us();
	struct timespec timeout = { .tv_sec = 0 };

	rest = rest < 0 ? 0 : rest;
	timeout.tv_sec = rest / 1000000;
	timeout.tv_nsec = rest % 1000000 * 1000;
	if (ppoll(pollfds, options.connections, &timeout, NULL) < 0 && errno != EINTR)
		die("ppoll", strerror(errno));
}

static void run(void)
{
	start_us = now_us();
	while (ended < nbodies) {
		for (size_t i = 0; i < options.connections; i++) {
			struct connection *c = &connections[i];
			if (!c->busy)
				begin_request(c, now_us());
			else if (c->resume_us && c->resume_us <= now_us())
				send_request(c);
		}
		wait_for_events();
		for (size_t i = 0; i < options.connections; i++)
			if (pollfds[i].revents && connections[i].busy && !connections[i].resume_us)
				take_answer(&connections[i]);
	}
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void report(double seconds)
{
	qsort(latencies, nbodies, sizeof(*latencies), by_value);
	printf("{\"alerts\":%zu,\"begun\":%.6f,\"seconds\":%.6f,\"rate\":%.1f,\"p50_ms\":%.3f,"
	       "\"p99_ms\":%.3f,"
	       "\"max_ms\":%.3f,\"refused\":%zu,\"errors\":%zu}\n",
	       options.alerts, (double)start_us / 1e6, seconds, (double)options.alerts / seconds,
	       (double)latencies[nbodies / 2] / 1e3, (double)latencies[nbodies * 99 / 100] / 1e3,
	       (double)latencies[nbodies - 1] / 1e3, refused, errors);
}

static void read_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "c:n:f:d:b:s:r:S:wtT")) != -1) {
		size_t number = optarg ? strtoul(optarg, NULL, 10) : 0;
		switch (option) {
		case 'c':
			options.connections = number;
			break;
		case 'n':
			options.alerts = number;
			break;
		case 'f':
			options.first = number;
			break;
		case 'd':
			options.distinct = number;
			break;
		case 'b':
			options.batch = number;
			break;
		case 's':
			options.size = number;
			break;
		case 'r':
			options.rate = strtod(optarg, NULL);
			break;
		case 'S':
			options.severity = optarg;
			break;
		case 'w':
			options.webhook = true;
			break;
		case 't':
			options.traces = true;
			break;
		case 'T':
			options.times = true;
			break;
		default:
			exit(2);
		}
	}
	if (argc - optind != 2 || !options.alerts || !options.batch || !options.connections ||
	    options.connections > CONNECTIONS_MAX)
		die("usage", "load [OPTION]... PORT PATH");
	options.port = strtoul(argv[optind], NULL, 10);
	options.path = argv[optind + 1];
	if (!options.distinct)
		options.distinct = options.alerts;
	nbodies = (options.alerts + options.batch - 1) / options.batch;
}

int main(int argc, char **argv)
{
	time_t day = time(NULL) / 3600 * 3600; /* the same for repeats that come within the hour */
	struct tm tm;

	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_TIMERSLACK, 1);
	read_options(argc, argv);
	strftime(starts_at, sizeof(starts_at), "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&day, &tm));
	latencies = xcalloc(nbodies, sizeof(*latencies));
	for (size_t i = 0; i < options.connections; i++) {
		connect_one(&connections[i]);
		pollfds[i] = (struct pollfd){ .fd = connections[i].fd, .events = POLLIN };
	}
	run();
	report((double)(now_us() - start_us) / 1e6);
	return errors ? 1 : 0;
}
