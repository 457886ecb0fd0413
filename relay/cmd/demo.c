/*
 * tracepager demo: the whole path on this machine. A relay on a free port with a store of its own,
 * traces of a small shop as files, an alert for each fault by HTTP, and the pages in the terminal.
 */
#include "demo-internal.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracepager/clock.h"
#include "tracepager/commands.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/relay.h"
#include "tracepager/xalloc.h"

#define TEXT_BYTES  (256u << 10)
#define LOOK_US	    (10 * US_PER_MS)
#define PATIENCE_US (10 * US_PER_SECOND)
#define FILES_MAX   32

static const char help[] = "usage: tracepager demo [--keep]\n\n"
			   "Shows everything at work, embedded: a shop whose orders fail in five "
			   "ways, the alerts, and the pages\n"
			   "that the owning teams get. It needs nothing, listens on a free port of "
			   "loopback only, and ends by itself.\n\n"
			   "      --keep   keep the directory with its traces, rules and "
			   "configuration, to try with your own hands\n"
			   "      --help   print this\n";

struct demo {
	char directory[64];
	struct buf config_text;
	struct config *config;
	struct relay *relay;
	struct timer look;
	size_t fault;	      /* that is shown now */
	int64_t pages_before; /* delivered before its alert was sent */
	int64_t sent_us, starts_us;
	bool answered; /* the relay has the alert on disk */
	bool resolving;
	int status;
};

static const struct clock *demo_clock(void)
{
	return clock_system();
}

static int write_file(const struct demo *demo, const char *name, const struct buf *text)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", demo->directory, name);
	CLEANUP_FCLOSE FILE *file = fopen(path, "we");

	if (!file || fwrite(buf_text(text), 1, text->len, file) != text->len) {
		fprintf(stderr, "tracepager demo: cannot write %s: %s\n", path, strerror(errno));
		return -EIO;
	}
	return 0;
}

static int write_traces(struct demo *demo)
{
	int result = 0;

	for (size_t i = 0; i < demo_nfaults && result == 0; i++) {
		struct buf text = BUF_INIT(TEXT_BYTES);
		CLEANUP_FREE char *name = xasprintf("trace-%zu.json", i + 1);
		demo_write_trace(&demo_faults[i], demo->starts_us - US_PER_MINUTE, &text);
		result = write_file(demo, name, &text);
		buf_fini(&text);
	}
	return result;
}

static int write_config(struct demo *demo)
{
	struct buf rules = BUF_INIT(TEXT_BYTES);

	buf_puts(&rules, demo_rules);
	buf_init(&demo->config_text, TEXT_BYTES);
	buf_printf(&demo->config_text,
		   "listen: 127.0.0.1:0\n"
		   "store: {path: \"%s/tracepager.db\"}\n"
		   "rules: \"%s/rules.yaml\"\n"
		   "log_level: warn\n"
		   "senders: {shop: {format: alertmanager}}\n"
		   "sources: {samples: {kind: files, path: \"%s\"}}\n",
		   demo->directory, demo->directory, demo->directory);
	int result = write_file(demo, "tracepager.yaml", &demo->config_text);
	if (result == 0)
		result = write_file(demo, "rules.yaml", &rules);
	buf_fini(&rules);
	return result;
}

static void print_findings(const struct findings *findings)
{
	struct buf text = BUF_INIT(TEXT_BYTES);

	findings_write(findings, isatty(STDERR_FILENO) != 0, &text);
	fputs(buf_text(&text), stderr);
	buf_fini(&text);
}

static int start_relay(struct demo *demo)
{
	CLEANUP_FREE char *path = xasprintf("%s/tracepager.yaml", demo->directory);
	struct findings findings = { 0 };
	struct err err = { 0 };

	int result = config_load(path, &demo->config, &findings);
	if (result == 0) {
		const struct relay_options options = { .config = demo->config,
						       .console_fd = STDOUT_FILENO };
		result = relay_new(&options, &demo->relay, &findings, &err);
	}
	print_findings(&findings);
	findings_fini(&findings);
	if (err.code)
		fprintf(stderr, "tracepager demo: %s\n", err.text);
	return result;
}

/* ---- the show ---- */

static void give_up(struct demo *demo, const char *what)
{
	fprintf(stderr, "tracepager demo: %s\n", what);
	demo->status = 1;
	relay_stop(demo->relay);
}

static void alert_answered(void *arg, const struct http_reply *reply)
{
	struct demo *demo = arg;

	if (reply->status == 202) {
		demo->answered = true;
		printf("  the relay answered %d: %s", reply->status, reply->body);
		fflush(stdout);
		return;
	}
	give_up(demo, reply->status ? reply->body : reply->error);
}

static void send_alert(struct demo *demo, const char *status)
{
	static const struct http_handler handler = { .done = alert_answered };
	const struct demo_fault *fault = &demo_faults[demo->fault];
	const struct http_transport *transport = relay_transport(demo->relay);
	struct buf body = BUF_INIT(TEXT_BYTES);
	CLEANUP_FREE char *url =
		xasprintf("http://127.0.0.1:%d/webhook/shop", relay_port(demo->relay));
	struct http_request request = {
		.method = HTTP_POST,
		.url = url,
		.timeout_us = PATIENCE_US,
		.max_reply_bytes = LIMIT_REPLY_BYTES,
	};

	demo_write_alert(fault, status, demo->starts_us, &body);
	request.body = body.data;
	request.body_len = body.len;
	http_request_header(&request, "Content-Type", "application/json");
	demo->answered = false;
	demo->pages_before = metric_value(METRIC_PAGES_DELIVERED);
	demo->sent_us = clock_mono_us(demo_clock());
	transport->send(transport->ctx, &request, &handler, demo);
	buf_fini(&body);
}

static void show_fault(struct demo *demo)
{
	const struct demo_fault *fault = &demo_faults[demo->fault];

	printf("\n[%zu of %zu] %s: %s.\n  alert %s (%s) is sent to POST /webhook/shop\n",
	       demo->fault + 1, demo_nfaults, fault->name, fault->story, fault->alertname,
	       fault->summary);
	fflush(stdout);
	send_alert(demo, "firing");
}

static void show_end(struct demo *demo)
{
	printf("\nAll five alerts named the same operation; each page went to the team that can "
	       "act.\n"
	       "The last alert is resolved now, and its page with it:\n");
	fflush(stdout);
	demo->fault = demo_nfaults - 1;
	demo->resolving = true;
	send_alert(demo, "resolved");
}

/* Looks whether the page of the present fault has arrived; then the next one. */
static void look(void *arg)
{
	struct demo *demo = arg;
	int64_t now_us = clock_mono_us(demo_clock());

	if (demo->status)
		return;
	timer_arm(relay_timers(demo->relay), &demo->look, now_us + LOOK_US);
	if (!demo->answered || metric_value(METRIC_PAGES_DELIVERED) == demo->pages_before) {
		if (now_us - demo->sent_us > PATIENCE_US)
			give_up(demo, "no page came");
		return;
	}
	if (demo->resolving) {
		timer_disarm(relay_timers(demo->relay), &demo->look);
		relay_stop(demo->relay);
	} else if (++demo->fault < demo_nfaults) {
		show_fault(demo);
	} else {
		show_end(demo);
	}
}

static void show(struct demo *demo)
{
	demo->look = (struct timer){ .fire = look, .arg = demo };
	printf("A relay listens on 127.0.0.1:%d, with five traces of a small shop in %s.\n",
	       relay_port(demo->relay), demo->directory);
	show_fault(demo);
	timer_arm(relay_timers(demo->relay), &demo->look, clock_mono_us(demo_clock()) + LOOK_US);
	if (relay_run(demo->relay) < 0)
		demo->status = 1;
}

static void clean_up(const struct demo *demo, bool keep)
{
	static const char *const names[] = { "tracepager.db",	  "tracepager.db-wal",
					     "tracepager.db-shm", "tracepager.db.lock",
					     "tracepager.yaml",	  "rules.yaml" };

	if (keep) {
		printf("\nKept: %s. Try: tracepager run -c %s/tracepager.yaml\n", demo->directory,
		       demo->directory);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP_FREE char *path = xasprintf("%s/%s", demo->directory, names[i]);
		unlink(path);
	}
	for (size_t i = 0; i < demo_nfaults; i++) {
		CLEANUP_FREE char *path = xasprintf("%s/trace-%zu.json", demo->directory, i + 1);
		unlink(path);
	}
	if (rmdir(demo->directory) < 0)
		fprintf(stderr, "tracepager demo: %s was not empty and stays\n", demo->directory);
}

static int run_demo(bool keep)
{
	struct demo demo = { .starts_us = clock_wall_us(demo_clock()) };
	const char *tmp = getenv("TMPDIR");

	snprintf(demo.directory, sizeof(demo.directory), "%.40s/tracepager-XXXXXX",
		 tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(demo.directory)) {
		fprintf(stderr, "tracepager demo: cannot make %s: %s\n", demo.directory,
			strerror(errno));
		return 1;
	}
	log_set_level(LOG_LEVEL_WARN);
	demo.status = write_traces(&demo) < 0 || write_config(&demo) < 0 || start_relay(&demo) < 0;
	if (demo.status == 0)
		show(&demo);
	relay_free(demo.relay);
	config_free(demo.config);
	buf_fini(&demo.config_text);
	clean_up(&demo, keep);
	if (demo.status == 0)
		printf("\nNext: write rules of your own (tracepager check), and point Alertmanager "
		       "at tracepager run.\n");
	return demo.status;
}

int cmd_demo(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "keep", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool keep = false;

	for (int option; (option = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
		if (option == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (option != 'k') {
			fputs("tracepager demo --help tells the options\n", stderr);
			return 2;
		}
		keep = true;
	}
	if (optind < argc) {
		fprintf(stderr, "tracepager demo: it takes no argument, but \"%s\" was given\n",
			argv[optind]);
		return 2;
	}
	return run_demo(keep);
}
