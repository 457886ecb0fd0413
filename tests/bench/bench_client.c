/*
 * The HTTP client alone: posts of the size of a page, and look-ups of a trace of ten spans, to
 * tests/bench/stub, which is started beside it on another core: one after the other, and 64 at a
 * time. Tells the CPU that each takes, curl and the kernel included.
 *
 * usage: bench_client [REQUESTS]
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "tests/bench/measure.h"
#include "tracepager/clock.h"
#include "tracepager/http_client.h"
#include "tracepager/loop.h"
#include "tracepager/xalloc.h"

#define REQUESTS   20000
#define PARALLEL   64
#define ROUNDS	   3
#define PAGE_BYTES 3072 /* a webhook's body, as the daemon sends it for an alert of 640 bytes */

static struct {
	struct event_base *base;
	const struct http_transport *transport;
	struct http_request request;
	size_t left, running;
} bench;

static void die(const char *what)
{
	fprintf(stderr, "bench_client: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- the peer ---- */

static void use_core(int core)
{
	cpu_set_t cores;

	CPU_ZERO(&cores);
	CPU_SET(core, &cores);
	sched_setaffinity(0, sizeof(cores), &cores);
}

/* Starts the stub in the folder of this program. It ends with its standard input, which is ours to
 * hold. */
static int start_stub(const char *self)
{
	int input[2], output[2];
	char port[16] = "";
	const char *slash = strrchr(self, '/');
	CLEANUP_FREE char *path = xasprintf("%.*sstub", slash ? (int)(slash - self) + 1 : 0, self);

	if (pipe2(input, O_CLOEXEC) || pipe2(output, O_CLOEXEC))
		die("pipe");
	pid_t child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		use_core((int)sysconf(_SC_NPROCESSORS_ONLN) - 1);
		dup2(input[0], STDIN_FILENO);
		dup2(output[1], STDOUT_FILENO);
		execl(path, path, (char *)NULL);
		die(path);
	}
	close(input[0]);
	close(output[1]);
	if (read(output[0], port, sizeof(port) - 1) <= 0)
		die("the stub told no port");
	return atoi(port);
}

/* ---- requests ---- */

static int on_body(void *arg, int status, const char *data, size_t len)
{
	(void)arg;
	(void)status;
	(void)data;
	(void)len;
	return 0;
}

static void on_done(void *arg, const struct http_reply *reply);

static const struct http_handler whole = { .done = on_done };
static const struct http_handler pieces = { .done = on_done, .body = on_body };

static void send_next(void)
{
	const struct http_handler *handler = bench.request.body ? &whole : &pieces;

	if (!bench.left)
		return;
	bench.left--;
	bench.running++;
	if (!bench.transport->send(bench.transport->ctx, &bench.request, handler, NULL))
		die("send");
}

static void on_done(void *arg, const struct http_reply *reply)
{
	(void)arg;
	if (reply->error || reply->status != 200) {
		fprintf(stderr, "bench_client: %s\n", reply->error ? reply->error : "no 200");
		exit(1);
	}
	bench.running--;
	send_next();
}

/* µs of CPU for each request. */
static double run(size_t requests, size_t parallel)
{
	int64_t start_ns = cpu_ns();

	bench.left = requests;
	for (size_t i = 0; i < parallel; i++)
		send_next();
	while (bench.running)
		event_base_loop(bench.base, EVLOOP_ONCE);
	return (double)(cpu_ns() - start_ns) / 1000 / (double)requests;
}

static void measure(const char *what, size_t requests, size_t parallel)
{
	double us[ROUNDS];

	run(requests / 20 + parallel, parallel); /* connects */
	for (size_t i = 0; i < ROUNDS; i++)
		us[i] = run(requests, parallel);
	double each = median(us, ROUNDS);
	printf("%s, %zu at a time: %.1f us of CPU each (%.1f to %.1f)\n", what, parallel, each,
	       us[0], us[ROUNDS - 1]);
	printf("row: HTTP client, %s, %zu at a time, CPU of each | %.1f µs | — | —\n", what,
	       parallel, each);
}

int main(int argc, char **argv)
{
	size_t requests = argc > 1 ? strtoul(argv[1], NULL, 10) : REQUESTS;
	int port = start_stub(argv[0]);
	CLEANUP_FREE char *page_url = xasprintf("http://127.0.0.1:%d/", port);
	CLEANUP_FREE char *trace_url = xasprintf(
		"http://127.0.0.1:%d/api/v3/traces/5b8efff798038103d269b63381300000", port);
	CLEANUP_FREE char *page = xcalloc(PAGE_BYTES + 1, 1);
	struct http_client *client;

	use_core(0);
	memset(page, 'x', PAGE_BYTES);
	bench.base = net_event_base_new();
	client = bench.base ? http_client_new(bench.base, clock_system()) : NULL;
	if (!client)
		die("http_client_new");
	bench.transport = http_client_transport(client);
	bench.request = (struct http_request){ .method = HTTP_POST,
					       .url = page_url,
					       .body = page,
					       .body_len = PAGE_BYTES,
					       .timeout_us = 10 * US_PER_SECOND,
					       .max_reply_bytes = 65536 };
	http_request_header(&bench.request, "Content-Type", "application/json");
	measure("a page", requests, 1);
	measure("a page", requests, PARALLEL);
	bench.request = (struct http_request){ .url = trace_url,
					       .timeout_us = 10 * US_PER_SECOND,
					       .max_reply_bytes = 1u << 20 };
	http_request_header(&bench.request, "Accept", "application/json");
	measure("a trace", requests, 1);
	measure("a trace", requests, PARALLEL);
	http_client_free(client);
	event_base_free(bench.base);
	return 0;
}
