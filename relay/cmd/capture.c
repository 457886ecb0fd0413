/*
 * tracepager capture: a past decision as a rule test. Writes the decision's inputs (the alert, its
 * traces, the healthy evidence, the time) and its outcome as a test file with the traces beside it:
 * from then on "tracepager test" tells when the rules decide otherwise.
 *
 * Where a team said "not ours" of the incident, the outcome was wrong: the test expects the team
 * that the incident was handed on to. It is a draft, in a file that "tracepager test" and the
 * daemon do not read until a person has agreed and named it as a test: a test that fails would keep
 * the daemon from loading rules.
 *
 * Files that exist are never overwritten. Owns the decision until it is written.
 */
#include "capture-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands-internal.h"
#include "options-internal.h"
#include "output-internal.h"
#include "usage-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/past.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

/* "decision-N-M.pb" and its like. */
#define FILE_NAME_SIZE 64
/* Columns of a name in a comment. */
#define COMMENT_COLUMNS 200

struct capture {
	const char *directory;
	struct history *history;
	struct arena *arena;
	struct past past;
	struct capture_draft draft;
	struct opened opened;
	char **written; /* paths; heap */
	size_t nwritten;
};

/* ---- the test ---- */

/* A JSON string is a YAML one. */
static void capture_add_member(struct buf *out, const char *indent, const char *key,
			       const char *value)
{
	buf_printf(out, "%s%s: ", indent, key);
	buf_json_string(out, value);
	buf_putc(out, '\n');
}

static void capture_add_time(struct buf *out, const char *indent, const char *key, int64_t us)
{
	char text[RFC3339_SIZE];

	if (us)
		buf_printf(out, "%s%s: %s\n", indent, key, rfc3339_format(us, text));
}

static void add_labels(struct buf *out, const char *key, const struct labels *labels)
{
	if (!labels->n)
		return;
	buf_printf(out, "      %s:\n", key);
	for (size_t i = 0; i < labels->n; i++) {
		buf_puts(out, "        ");
		buf_json_string(out, labels->at[i].name);
		buf_puts(out, ": ");
		buf_json_string(out, labels->at[i].value);
		buf_putc(out, '\n');
	}
}

static void add_alert(struct buf *out, const struct alert *alert)
{
	buf_puts(out, "    alert:\n");
	capture_add_member(out, "      ", "sender", alert->sender);
	if (alert->status == ALERT_RESOLVED)
		buf_puts(out, "      status: resolved\n");
	capture_add_time(out, "      ", "starts_at", alert->starts_at_us);
	if (*alert->generator_url)
		capture_add_member(out, "      ", "generator_url", alert->generator_url);
	add_labels(out, "labels", &alert->labels);
	add_labels(out, "annotations", &alert->annotations);
}

/* "none" stands for an empty value: no name is like it. */
static void add_expected(struct buf *out, const char *key, const char *value)
{
	if (*value)
		capture_add_member(out, "      ", key, value);
	else
		buf_printf(out, "      %s: none\n", key);
}

/* A person knows whose incident it was; who failed is left open. */
static void add_draft_expect(struct buf *out, const struct capture_draft *draft)
{
	buf_puts(out, "    expect:\n");
	add_expected(out, "team", draft->team);
	buf_puts(out, "      page: sent\n");
}

static void add_draft_head(const struct capture *capture, struct buf *out)
{
	const struct outcome *was = &capture->opened.was;

	buf_puts(out, "# DRAFT of a rule test: it expects what people said, not what the rules "
		      "decided.\n");
	buf_add(out, buf_text(&capture->draft.said), capture->draft.said.len);
	buf_puts(out, "# Since then team ");
	plain_add(out, capture->draft.team, COMMENT_COLUMNS);
	buf_puts(out, " has had the incident.\n# The rules decided for team ");
	plain_add(out, *was->team ? was->team : "none", COMMENT_COLUMNS);
	buf_puts(out, *was->rule ? " by " : "");
	plain_add(out, was->rule, COMMENT_COLUMNS);
	buf_puts(out, was->found ? ", with the suspect " : ", without a suspect: ");
	plain_add(out, was->found ? was->suspect : was->fallback, COMMENT_COLUMNS);
	buf_printf(out,
		   ".\n# Mend the rules until it holds, or mend the test; then name the file "
		   "decision-%lld_test.yaml.\n",
		   (long long)capture->past.id);
}

static void add_expect(struct buf *out, const struct outcome *was)
{
	buf_puts(out, "    expect:\n");
	add_expected(out, "suspect", was->suspect);
	add_expected(out, "callee", was->callee);
	add_expected(out, "fallback", was->fallback);
	add_expected(out, "team", was->team);
	if (!*was->silence) /* else no rules kept the page from being sent */
		buf_printf(out, "      page: %s\n", was->sent ? "sent" : "none");
	if (was->sent)
		add_expected(out, "severity", was->severity);
}

static void capture_add_test(const struct capture *capture, struct buf *out)
{
	const struct opened *opened = &capture->opened;
	const struct past *past = &capture->past;
	const char *name = labels_get(&opened->alert.labels, "alertname");
	enum fallback_code missing = opened_missing(opened);
	char at[PAST_TIME_SIZE];

	past_time_text(past->at_us, at);
	if (capture->draft.team)
		add_draft_head(capture, out);
	buf_printf(out, "# Decision %lld of %s", (long long)past->id, at);
	if (*past->incident)
		buf_printf(out, ", incident %s", past->incident);
	buf_printf(out, ",\n# by the rules %s. Captured by tracepager.\n", past->rules);
	if (past->kept == STORED_TRACES_PATHS)
		buf_puts(out, "# Its traces were too large to keep: these are their paths.\n");
	capture_add_time(out, "", "now", past->at_us);
	buf_puts(out, "tests:\n  - name: ");
	buf_json_string(out,
			arena_printf(opened->arena, "%s of %s", name ? name : past->alert_key, at));
	buf_putc(out, '\n');
	add_alert(out, &opened->alert);
	if (opened->nmessages)
		buf_puts(out, "    traces:\n");
	for (size_t i = 0; i < opened->nmessages; i++)
		buf_printf(out, "      - decision-%lld-%zu.pb\n", (long long)past->id, i + 1);
	if (opened->healthy || opened->ordinary)
		buf_printf(out, "    healthy:\n      - decision-%lld.evidence\n",
			   (long long)past->id);
	if (missing != FALLBACK_NONE)
		buf_printf(out, "    missing: %s\n", fallback_code_name(missing));
	if (capture->draft.team)
		add_draft_expect(out, &capture->draft);
	else
		add_expect(out, &opened->was);
}

/* ---- files ---- */

/* A file of the capture's directory. Returns 0, or -errno after telling why not. */
static int capture_write_file(struct capture *capture, const char *name, const char *text,
			      size_t len)
{
	char *path = xasprintf("%s/%s", capture->directory, name);
	bool created;
	int error = output_create(path, text, len, &created);

	if (error)
		command_failed(0, "capture", "cannot write %s: %s", path, strerror(-error));
	if (!created) {
		free(path);
		return error;
	}
	capture->written = xrealloc_array(capture->written, capture->nwritten + 1, sizeof(char *));
	capture->written[capture->nwritten++] = path;
	return error;
}

static int capture_write_evidence(struct capture *capture)
{
	struct buf plain = BUF_INIT(LIMIT_STORED_TRACES_RAW_BYTES);
	char name[FILE_NAME_SIZE];

	if (!capture->opened.healthy && !capture->opened.ordinary)
		return 0;
	snprintf(name, sizeof(name), "decision-%lld.evidence", (long long)capture->past.id);
	evidence_encode_both(capture->opened.healthy, capture->opened.ordinary, &plain);
	int error = capture_write_file(capture, name, buf_text(&plain), plain.len);
	buf_fini(&plain);
	return error;
}

static const char *capture_test_name(const struct capture *capture, bool draft,
				     char name[FILE_NAME_SIZE])
{
	snprintf(name, FILE_NAME_SIZE, "decision-%lld_test.yaml%s", (long long)capture->past.id,
		 draft ? ".draft" : "");
	return name;
}

static int capture_write_test(struct capture *capture)
{
	struct buf test = BUF_INIT(LIMIT_CAPTURE_TEST_BYTES);
	char name[FILE_NAME_SIZE];

	capture_test_name(capture, capture->draft.team != NULL, name);
	capture_add_test(capture, &test);
	int error = capture_write_file(capture, name, buf_text(&test), test.len);
	buf_fini(&test);
	return error;
}

/* The test comes last, so that a test that is there has all its files. After an error no file of
 * the capture is left. */
static int write_files(struct capture *capture)
{
	const struct opened *opened = &capture->opened;
	char name[FILE_NAME_SIZE];
	int error = 0;

	for (size_t i = 0; i < opened->nmessages && !error; i++) {
		snprintf(name, sizeof(name), "decision-%lld-%zu.pb", (long long)capture->past.id,
			 i + 1);
		error = capture_write_file(capture, name, opened->messages[i].data,
					   opened->messages[i].len);
	}
	if (!error)
		error = capture_write_evidence(capture);
	if (!error)
		error = capture_write_test(capture);
	for (size_t i = 0; i < capture->nwritten; i++) {
		if (error)
			unlink(capture->written[i]);
		else
			puts(capture->written[i]);
		free(capture->written[i]);
	}
	free(capture->written);
	return error ? STATUS_USAGE : 0;
}

/* The past decision is at hand; returns the exit status. */
static int capture_past(struct capture *capture)
{
	struct err err = { 0 };
	long long id = capture->past.id;
	int status;

	if (capture->past.kept == STORED_TRACES_LOST)
		return command_failed(1, "capture",
				      "the traces of decision %lld are not kept any more", id);
	if (opened_init(&capture->opened, &capture->past, NULL, &err) < 0)
		status = command_failed(STATUS_USAGE, "capture", "decision %lld: %s", id, err.text);
	else
		status = write_files(capture);
	opened_fini(&capture->opened);
	return status;
}

static bool is_captured(const struct capture *capture)
{
	bool there = false;

	for (int draft = 0; draft <= 1; draft++) {
		char name[FILE_NAME_SIZE];
		CLEANUP_FREE char *path = xasprintf("%s/%s", capture->directory,
						    capture_test_name(capture, draft, name));
		there |= access(path, F_OK) == 0;
	}
	return there;
}

/* id: of a decision or an incident. again: what is captured already is left as it is, without a
 * word. Returns the exit status. */
static int capture_id(struct capture *capture, const char *id, bool again)
{
	struct err err = { 0 };
	int status = 0;
	int found = history_find(capture->history, id, &capture->past, &err);

	if (found > 0 && *capture->past.incident)
		found = capture_draft_read(capture->history, capture->past.incident, capture->arena,
					   &capture->draft, &err) < 0
				? -1
				: 1;
	if (found < 0)
		status = command_failed(STATUS_USAGE, "capture", "%s", err.text);
	else if (!found)
		status = command_failed(1, "capture",
					"the store has no decision %s, and none of an incident of "
					"that id: a decision is written behind its page, and a "
					"relay that was killed loses the last ones",
					id);
	else if (!again || !is_captured(capture))
		status = capture_past(capture);
	capture_draft_fini(&capture->draft);
	past_fini(&capture->past);
	capture->written = NULL;
	capture->nwritten = 0;
	return status;
}

/* All incidents that were handed on; returns the worst exit status. */
static int capture_all(struct capture *capture, int64_t since_us)
{
	const char **ids = NULL;
	struct err err = { 0 };
	size_t n = 0;
	int worst = 0;

	if (capture_rerouted(capture->history, since_us, capture->arena, &ids, &n, &err) < 0)
		worst = command_failed(STATUS_USAGE, "capture", "%s", err.text);
	else if (n == 0)
		fputs("no team has said \"not ours\" in that time\n", stderr);
	for (size_t i = 0; i < n; i++) {
		int status = capture_id(capture, ids[i], true);
		worst = status > worst ? status : worst;
	}
	free(ids);
	return worst;
}

int cmd_capture(int argc, char **argv)
{
	struct capture capture = { .directory = "." };
	struct capture_options options;
	struct err err = { 0 };
	int status;

	if (!options_parse_capture(argc, argv, &options, &status))
		return status;
	if (options.rerouted == (options.arguments.n > 0))
		return usage_error("capture", options.rerouted
						      ? "give an ID or --rerouted, not both"
						      : "ID is missing, or --rerouted");
	if (history_open(options.store, &capture.history, &err) < 0)
		return command_failed(STATUS_USAGE, "capture", "%s", err.text);
	capture.directory = options.output;
	capture.arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	status = options.rerouted ? capture_all(&capture, options.since_us)
				  : capture_id(&capture, options.arguments.at[0], false);
	arena_free(capture.arena);
	history_close(capture.history);
	return status;
}
