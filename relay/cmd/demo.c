/*
 * tracepager demo: the whole way of an alert on this machine. A relay on a free port with a store
 * of its own, traces of a small shop as files, an alert for each fault by HTTP, and the pages in
 * the terminal. Owns the relay and its directory until it ends.
 */
#include "demo-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands-internal.h"
#include "options-internal.h"
#include "output-internal.h"
#include "usage-internal.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/relay.h"
#include "tracepager/terminal.h"
#include "tracepager/xalloc.h"

/* Between two looks at the pages that were delivered. */
#define POLL_US (10 * US_PER_MS)
/* After a storm: in this time a second page would come. */
#define QUIET_US US_PER_SECOND

static const struct clock *demo_clock(void)
{
	return clock_system();
}

static int demo_write_file(const struct demo *demo, const char *name, const struct buf *text)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", demo->directory, name);
	int error = output_write(path, buf_text(text), text->len);

	if (error)
		command_failed(1, "demo", "cannot write %s: %s", path, strerror(-error));
	return error;
}

static int write_traces(struct demo *demo)
{
	int result = 0;

	for (size_t i = 0; i < demo_nfaults && result == 0; i++) {
		struct buf text = BUF_INIT(LIMIT_DEMO_TEXT_BYTES);
		CLEANUP_FREE char *name = xasprintf("trace-%zu.json", i + 1);
		demo_write_trace(&demo_faults[i], demo->starts_us - US_PER_MINUTE, &text);
		result = demo_write_file(demo, name, &text);
		buf_fini(&text);
	}
	return result;
}

/* An alert for each fault, to be sent by hand. */
static int write_alerts(const struct demo *demo)
{
	int result = 0;

	for (size_t i = 0; i < demo_nfaults && result == 0; i++) {
		struct buf text = BUF_INIT(LIMIT_DEMO_TEXT_BYTES);
		CLEANUP_FREE char *name = xasprintf("alert-%zu.json", i + 1);
		demo_write_alert(&demo_faults[i], "firing", demo->starts_us, &text);
		result = demo_write_file(demo, name, &text);
		buf_fini(&text);
	}
	return result;
}

/* Port 0: a free one. */
static int write_config(struct demo *demo, int port)
{
	struct buf rules = BUF_INIT(LIMIT_DEMO_TEXT_BYTES);

	buf_puts(&rules, demo_rules);
	buf_fini(&demo->config_text);
	buf_init(&demo->config_text, LIMIT_DEMO_TEXT_BYTES);
	buf_printf(&demo->config_text,
		   "listen: 127.0.0.1:%d\n"
		   "store: {path: \"%s/tracepager.db\"}\n"
		   "rules: \"%s/rules.yaml\"\n"
		   "log_level: warn\n"
		   "senders: {shop: {format: alertmanager}}\n"
		   "sources: {samples: {kind: files, path: \"%s\"}}\n",
		   port, demo->directory, demo->directory, demo->directory);
	int result = demo_write_file(demo, "tracepager.yaml", &demo->config_text);
	if (result == 0)
		result = demo_write_file(demo, "rules.yaml", &rules);
	buf_fini(&rules);
	return result;
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
	output_findings(&findings, terminal_has_colour(STDERR_FILENO));
	findings_fini(&findings);
	if (err.code)
		command_failed(1, "demo", "%s", err.text);
	return result;
}

/* ---- the show ---- */

static void send_fault(struct demo *demo, const char *status)
{
	struct buf body = BUF_INIT(LIMIT_DEMO_TEXT_BYTES);

	demo_write_alert(&demo_faults[demo->fault], status, demo->starts_us, &body);
	demo_send_alerts(demo, &body);
	buf_fini(&body);
}

static void show_fault(struct demo *demo)
{
	const struct demo_fault *fault = &demo_faults[demo->fault];

	printf("\n");
	demo_say(&demo->screen, DEMO_TITLE, "", "[%zu of %zu] %s: %s.", demo->fault + 1,
		 demo_nfaults, fault->name, fault->story);
	demo_say(&demo->screen, DEMO_NOTE, "  ", "alert %s (%s) is sent to POST /webhook/shop",
		 fault->alertname, fault->summary);
	demo_begin_scene(demo, DEMO_FAULTS);
	send_fault(demo, "firing");
}

static void show_end(struct demo *demo)
{
	printf("\n");
	demo_say(&demo->screen, DEMO_TITLE, "",
		 "The last alert is resolved now, and its page with it:");
	demo_begin_scene(demo, DEMO_RESOLVE);
	demo->fault = demo_nfaults - 1;
	send_fault(demo, "resolved");
}

static void end_show(struct demo *demo)
{
	timer_disarm(relay_timers(demo->relay), &demo->poll);
	relay_stop(demo->relay);
}

static void next_scene(struct demo *demo)
{
	switch (demo->scene) {
	case DEMO_FAULTS:
		if (++demo->fault < demo_nfaults)
			show_fault(demo);
		else
			show_end(demo);
		break;
	case DEMO_RESOLVE:
		demo_show_unanswered(demo);
		break;
	case DEMO_UNANSWERED:
		demo_show_escalation(demo);
		break;
	case DEMO_ESCALATE:
		demo_show_acknowledgement(demo);
		break;
	case DEMO_ACKNOWLEDGE:
		demo_show_storm(demo);
		break;
	case DEMO_STORM:
		demo_show_quiet(demo);
		break;
	case DEMO_QUIET:
		demo_end_storm(demo);
		end_show(demo);
		break;
	}
}

/* Those that must be there: both pagers learn of a step, behind the first page, and of who has
 * it. */
static int64_t scene_pages(const struct demo *demo)
{
	return demo->scene == DEMO_ESCALATE ? 3 : demo->scene == DEMO_ACKNOWLEDGE ? 2 : 1;
}

/* How long a scene's page stays before the next scene. What escalates goes on by itself. */
static int64_t scene_pause_us(const struct demo *demo)
{
	return demo->scene == DEMO_UNANSWERED ? 0 : demo->pause_us;
}

/* The next scene is shown when the page of the shown one was on the screen for the pause. */
static void poll_pages(void *arg)
{
	struct demo *demo = arg;
	int64_t now_us = clock_mono_us(demo_clock());
	bool quiet = demo->scene == DEMO_QUIET && now_us - demo->sent_us > QUIET_US;

	if (demo->status)
		return;
	timer_arm(relay_timers(demo->relay), &demo->poll, now_us + POLL_US);
	if (demo->scene == DEMO_QUIET && !quiet)
		return;
	if (!quiet && (!demo->accepted || metric_value(METRIC_PAGES_DELIVERED) <
						  demo->pages_before + scene_pages(demo))) {
		if (now_us - demo->sent_us > LIMIT_DEMO_PAGE_US)
			demo_give_up(demo, "no page arrived within 10 seconds");
		return;
	}
	if (!demo->page_us)
		demo->page_us = now_us;
	if (now_us - demo->page_us >= scene_pause_us(demo))
		next_scene(demo);
}

static void run_show(struct demo *demo)
{
	demo->poll = (struct timer){ .fire = poll_pages, .arg = demo };
	demo->port = relay_port(demo->relay);
	demo_say(&demo->screen, DEMO_PLAIN, "",
		 "A relay listens on 127.0.0.1:%d, with the traces of a small shop in %s.",
		 demo->port, demo->directory);
	show_fault(demo);
	timer_arm(relay_timers(demo->relay), &demo->poll, clock_mono_us(demo_clock()) + POLL_US);
	if (relay_run(demo->relay) < 0)
		demo->status = 1;
}

/* ---- the end ---- */

static void demo_remove_store(const struct demo *demo)
{
	static const char *const endings[] = { "", "-wal", "-shm", ".lock" };

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		CLEANUP_FREE char *path =
			xasprintf("%s/tracepager.db%s", demo->directory, endings[i]);
		unlink(path);
	}
}

static void demo_remove_files(const struct demo *demo)
{
	static const char *const names[] = { "tracepager.yaml", "rules.yaml" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP_FREE char *path = xasprintf("%s/%s", demo->directory, names[i]);
		unlink(path);
	}
	for (size_t i = 0; i < demo_nfaults; i++) {
		CLEANUP_FREE char *path = xasprintf("%s/trace-%zu.json", demo->directory, i + 1);
		unlink(path);
	}
	if (rmdir(demo->directory) < 0)
		command_failed(0, "demo", "%s is not empty and stays", demo->directory);
}

/* Kept files are for a relay that knows none of the alerts yet, on the port that was free just
 * now. Each printed command works as it is printed, so none is wrapped. */
static int demo_keep_files(struct demo *demo)
{
	const char *program = program_invocation_name, *in = demo->directory;

	if (write_config(demo, demo->port) < 0 || write_alerts(demo) < 0)
		return 1;
	printf("\n");
	demo_say(&demo->screen, DEMO_TITLE, "", "Kept in %s. Try:", in);
	printf("  %s explain --rules %s/rules.yaml --alert %s/alert-3.json %s/trace-3.json\n",
	       program, in, in, in);
	printf("  %s run -c %s/tracepager.yaml\n", program, in);
	demo_say(&demo->screen, DEMO_PLAIN, "", "and, while that runs, in a second terminal:");
	printf("  curl -d @%s/alert-3.json http://127.0.0.1:%d/webhook/shop\n", in, demo->port);
	return 0;
}

static void print_next(const struct demo *demo)
{
	const char *program = program_invocation_name;

	printf("\n");
	demo_say(&demo->screen, DEMO_TITLE, "", "Next:");
	printf("  %s demo --keep     # the same, and its files stay, to try by hand\n", program);
	printf("  %s run --sample    # the relay's options, each with its comment\n", program);
	printf("  %s test --sample   # how rules are tested\n", program);
	demo_say(&demo->screen, DEMO_PLAIN, "",
		 "README.md (\"Use it\") and tracepager(1) say how to write rules and to connect "
		 "Alertmanager.");
}

static void look_at_screen(struct demo *demo, int64_t pause_us)
{
	unsigned long columns = terminal_columns(STDOUT_FILENO, LIMIT_TERMINAL_COLUMNS);

	demo->screen = (struct demo_screen){
		.colour = terminal_has_colour(STDOUT_FILENO),
		.columns = columns < LIMIT_DEMO_COLUMNS_LEAST ? LIMIT_DEMO_COLUMNS_LEAST : columns,
	};
	demo->pause_us = isatty(STDOUT_FILENO) ? pause_us : 0;
}

static int run_demo(const struct demo_options *options)
{
	struct demo demo = { .starts_us = clock_wall_us(demo_clock()) };
	const char *tmp = getenv("TMPDIR");

	snprintf(demo.directory, sizeof(demo.directory), "%.40s/tracepager-XXXXXX",
		 tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(demo.directory))
		return command_failed(1, "demo", "cannot make %s: %s", demo.directory,
				      strerror(errno));
	/* A warning that rules page the console only is no news here. */
	log_set_level(LOG_LEVEL_ERROR);
	look_at_screen(&demo, options->pause_us);
	demo.status =
		write_traces(&demo) < 0 || write_config(&demo, 0) < 0 || start_relay(&demo) < 0;
	if (demo.status == 0)
		run_show(&demo);
	relay_free(demo.relay);
	config_free(demo.config);
	CLEANUP_FREE char *store = xasprintf("%s/tracepager.db", demo.directory);
	if (demo.status == 0)
		demo.status = demo_print_teams(&demo.screen, store);
	demo_remove_store(&demo);
	if (!options->keep)
		demo_remove_files(&demo);
	else if (demo.status == 0)
		demo.status = demo_keep_files(&demo);
	buf_fini(&demo.config_text);
	if (demo.status == 0 && !options->keep)
		print_next(&demo);
	return demo.status;
}

int cmd_demo(int argc, char **argv)
{
	struct demo_options options;
	int status;

	return options_parse_demo(argc, argv, &options, &status) ? run_demo(&options) : status;
}
