/*
 * tracepager send --drill: has a running relay start a fire drill, waits until it is over, and
 * shows its stages as they end; --all drills each signal of the rules in force, a line for each.
 * Owns its client.
 */
#include "send_drill-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client-internal.h"
#include "table-internal.h"
#include "usage-internal.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

static const char send_drill_command[] = "send";

/* A relay is asked so often how a drill goes. */
#define DRILL_ASK_US (100 * US_PER_MS)

struct drill_report {
	const struct send_options *options;
	struct client *client;
	struct screen screen;
	char *person; /* who drills */
	size_t shown; /* stages that were printed */
};

/* ---- a stage, for people ---- */

enum drill_mark { MARK_GOOD, MARK_NOTED, MARK_BAD, MARK_COUNT };

static enum drill_mark mark_of(const char *outcome)
{
	return strcmp(outcome, "good") == 0    ? MARK_GOOD
	       : strcmp(outcome, "noted") == 0 ? MARK_NOTED
					       : MARK_BAD;
}

static void add_mark(const struct drill_report *report, enum drill_mark mark, struct buf *out)
{
	static const char *const marks[MARK_COUNT] = { "\xe2\x9c\x93", "\xe2\x80\x93",
						       "\xe2\x9c\x97" };
	static const char *const ascii[MARK_COUNT] = { "+", "-", "x" };
	static const enum screen_style styles[MARK_COUNT] = { SCREEN_GREEN, SCREEN_YELLOW,
							      SCREEN_RED };

	screen_add(&report->screen, styles[mark], (report->screen.ascii ? ascii : marks)[mark],
		   out);
}

static const char *drill_member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static const char *stage_time(const json_t *stage, char out[PLAIN_DURATION_SIZE])
{
	const json_t *ms = json_object_get(stage, "ms");

	if (!json_is_number(ms))
		return "";
	return plain_duration((int64_t)(json_number_value(ms) * US_PER_MS), out);
}

/* "  ✓ delivered     212 ms  HTTP 202: pager duty took the page" */
static void show_stage(const struct drill_report *report, const json_t *stage)
{
	struct buf line = BUF_INIT(4 * LIMIT_CLIENT_PATH_BYTES), text = line;
	const json_int_t status = json_integer_value(json_object_get(stage, "http_status"));
	char took[PLAIN_DURATION_SIZE];

	buf_puts(&line, "  ");
	add_mark(report, mark_of(drill_member(stage, "outcome")), &line);
	buf_printf(&line, " %-10s %9s  ", drill_member(stage, "stage"), stage_time(stage, took));
	if (status)
		buf_printf(&text, "HTTP %d: ", (int)status);
	plain_add(&text, drill_member(stage, "text"), LIMIT_TABLE_TEXT_COLUMNS);
	screen_add_wrapped(&report->screen, SCREEN_PLAIN, buf_text(&text), 26, 26, &line);
	screen_print(&report->screen, &line);
	fflush(stdout);
	buf_fini(&line);
	buf_fini(&text);
}

/* Those that are over, in their order. */
static void show_new_stages(struct drill_report *report, const json_t *drill)
{
	const json_t *stages = json_object_get(drill, "stages");

	for (; report->shown < json_array_size(stages); report->shown++) {
		const json_t *stage = json_array_get(stages, report->shown);
		if (strcmp(drill_member(stage, "outcome"), "running") == 0)
			return;
		show_stage(report, stage);
	}
}

/* The first stage that is a fault; NULL: none is. */
static const json_t *first_fault(const json_t *drill)
{
	const json_t *stages = json_object_get(drill, "stages");

	for (size_t i = 0; i < json_array_size(stages); i++)
		if (mark_of(drill_member(json_array_get(stages, i), "outcome")) == MARK_BAD)
			return json_array_get(stages, i);
	return NULL;
}

static bool drill_has_passed(const json_t *drill)
{
	return strcmp(drill_member(drill, "state"), "passed") == 0;
}

/* "passed: team ledger; incident 3f2a…" */
static void show_drill_end(const struct drill_report *report, const json_t *drill)
{
	struct buf line = BUF_INIT(4 * LIMIT_CLIENT_PATH_BYTES);
	const json_t *fault = first_fault(drill);

	buf_puts(&line, drill_has_passed(drill) ? "passed" : "failed");
	if (fault)
		buf_printf(&line, " at stage \"%s\"", drill_member(fault, "stage"));
	if (*drill_member(drill, "team"))
		buf_printf(&line, ": team %s", drill_member(drill, "team"));
	if (*drill_member(drill, "incident"))
		buf_printf(&line, "%s incident %s", *drill_member(drill, "team") ? "," : ":",
			   drill_member(drill, "incident"));
	buf_putc(&line, '\n');
	screen_print(&report->screen, &line);
	buf_fini(&line);
}

/* A line of --all. */
static void show_line(const struct drill_report *report, const json_t *drill, int64_t took_us)
{
	struct buf line = BUF_INIT(4 * LIMIT_CLIENT_PATH_BYTES), text = line;
	const json_t *fault = first_fault(drill);
	char took[PLAIN_DURATION_SIZE];

	add_mark(report, drill_has_passed(drill) ? MARK_GOOD : MARK_BAD, &line);
	buf_printf(&line, " %-24s %-16s %9s  ", drill_member(drill, "signal"),
		   drill_member(drill, "team"), plain_duration(took_us, took));
	if (fault)
		buf_printf(&text, "%s: %s", drill_member(fault, "stage"),
			   drill_member(fault, "text"));
	else
		buf_puts(&text, "paged, and resolved");
	screen_add_wrapped(&report->screen, SCREEN_PLAIN, buf_text(&text), 55, 55, &line);
	screen_print(&report->screen, &line);
	fflush(stdout);
	buf_fini(&line);
	buf_fini(&text);
}

/* ---- one drill ---- */

/* NULL: a label is none, which has been printed. */
static json_t *drill_body(const struct drill_report *report, const char *signal)
{
	const struct send_options *options = report->options;
	json_t *labels = json_object();

	for (size_t i = 0; i < options->labels.n; i++) {
		const char *label = options->labels.at[i], *equals = strchr(label, '=');
		CLEANUP_FREE char *name = equals ? xstrndup(label, (size_t)(equals - label)) : NULL;
		if (!name || !*name ||
		    json_object_set_new(labels, name, json_string(equals + 1)) < 0) {
			usage_error(send_drill_command,
				    "\"%.100s\" is no label: write --label NAME=VALUE", label);
			json_decref(labels);
			return NULL;
		}
	}
	return json_pack("{s:s, s:s, s:b, s:o}", "signal", signal, "who",
			 options->who ? options->who : report->person, "resolve",
			 !options->no_resolve, "labels", labels);
}

/* Asks until the drill is over. The answer is the caller's. */
static enum client_status follow_drill(struct drill_report *report, const char *id,
				       struct client_answer *answer)
{
	const struct timespec pause = { .tv_nsec = DRILL_ASK_US * 1000 };
	CLEANUP_FREE char *path = xasprintf("/api/v1/drills/%s", id);
	enum client_status status;

	while ((status = client_get(report->client, path, answer)) == CLIENT_DONE) {
		if (report->options->format == REPORT_TEXT && !report->options->all)
			show_new_stages(report, answer->json);
		if (strcmp(drill_member(answer->json, "state"), "running") != 0)
			return status;
		client_answer_fini(answer);
		nanosleep(&pause, NULL);
	}
	return status;
}

static int show_drill(struct drill_report *report, const json_t *drill, int64_t took_us)
{
	if (report->options->format == REPORT_JSON)
		client_print_json(drill);
	else if (report->options->all)
		show_line(report, drill, took_us);
	else
		show_drill_end(report, drill);
	return drill_has_passed(drill) ? CLIENT_DONE : CLIENT_REFUSED;
}

static int run_drill(struct drill_report *report, const char *signal)
{
	const int64_t begun_us = clock_mono_us(clock_system());
	json_t *body = drill_body(report, signal);
	struct client_answer answer;
	int result = CLIENT_USAGE;

	if (!body)
		return result;
	report->shown = 0;
	enum client_status status = client_post(report->client, "/api/v1/drills", body, &answer);
	json_decref(body);
	if (status == CLIENT_DONE) {
		CLEANUP_FREE char *id = xstrdup(drill_member(answer.json, "id"));
		client_answer_fini(&answer);
		status = follow_drill(report, id, &answer);
	}
	if (status == CLIENT_DONE)
		result = show_drill(report, answer.json, clock_mono_us(clock_system()) - begun_us);
	else
		result = client_failed(send_drill_command, &answer);
	client_answer_fini(&answer);
	return result;
}

/* ---- all ---- */

/* The worst exit status. */
static int run_all_drills(struct drill_report *report)
{
	struct client_answer answer;
	int worst = CLIENT_DONE;

	if (client_get(report->client, "/api/v1/drills", &answer) != CLIENT_DONE) {
		worst = client_failed(send_drill_command, &answer);
		client_answer_fini(&answer);
		return worst;
	}
	const json_t *signals = json_object_get(answer.json, "signals");
	for (size_t i = 0; i < json_array_size(signals) && worst < CLIENT_USAGE; i++) {
		int status = run_drill(report, json_string_value(json_array_get(signals, i)));
		worst = status > worst ? status : worst;
	}
	if (!json_array_size(signals))
		worst = command_failed(
			CLIENT_REFUSED, send_drill_command,
			"the rules in force have no signals: nothing can be drilled");
	client_answer_fini(&answer);
	return worst;
}

int send_drills(const struct send_options *options)
{
	struct drill_report report = { .options = options };
	int status = CLIENT_USAGE;

	report.client = client_open(send_drill_command, &options->client, &status);
	if (!report.client)
		return status;
	screen_look(&report.screen);
	report.person = client_person();
	if (options->format == REPORT_TEXT && !options->all) {
		struct buf title = BUF_INIT(LIMIT_CLIENT_PATH_BYTES);
		buf_puts(&title, "Fire drill of signal ");
		plain_add(&title, options->drill, LIMIT_TABLE_TEXT_COLUMNS);
		buf_puts(&title, " at ");
		plain_add(&title, client_url(report.client), LIMIT_CLIENT_URL_COLUMNS);
		buf_putc(&title, '\n');
		screen_print(&report.screen, &title);
		fflush(stdout);
		buf_fini(&title);
	}
	status = options->all ? run_all_drills(&report) : run_drill(&report, options->drill);
	free(report.person);
	client_close(report.client);
	return status;
}
