/*
 * tracepager capture: a past decision as a rule test. Writes the decision's inputs (the alert, its
 * traces, the healthy evidence, the time) and its outcome as a test file with the traces beside it:
 * from then on "tracepager test" tells when the rules decide otherwise.
 *
 * Files that exist are never overwritten. Owns the decision until it is written.
 */
#include "commands-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options-internal.h"
#include "output-internal.h"
#include "past-internal.h"
#include "usage-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* "decision-N-M.pb" and its like. */
#define FILE_NAME_SIZE 64

struct capture {
	const char *directory;
	struct past past;
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

static void add_expect(struct buf *out, const struct outcome *was)
{
	buf_puts(out, "    expect:\n");
	add_expected(out, "suspect", was->suspect);
	add_expected(out, "callee", was->callee);
	add_expected(out, "fallback", was->fallback);
	add_expected(out, "team", was->team);
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

static int capture_write_test(struct capture *capture)
{
	struct buf test = BUF_INIT(LIMIT_CAPTURE_TEST_BYTES);
	char name[FILE_NAME_SIZE];

	snprintf(name, sizeof(name), "decision-%lld_test.yaml", (long long)capture->past.id);
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

/* The past decision of that id is at hand; returns the exit status. */
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

int cmd_capture(int argc, char **argv)
{
	struct capture capture = { .directory = "." };
	struct capture_options options;
	struct history *history = NULL;
	struct err err = { 0 };
	int status;

	if (!options_parse_capture(argc, argv, &options, &status))
		return status;
	const char *id = options.arguments.at[0];
	int found = history_open(options.store, &history, &err);
	if (found == 0)
		found = history_find(history, id, &capture.past, &err);
	history_close(history);
	if (found < 0)
		return command_failed(STATUS_USAGE, "capture", "%s", err.text);
	if (!found)
		return command_failed(1, "capture",
				      "the store knows no incident and no decision %s", id);
	capture.directory = options.output;
	status = capture_past(&capture);
	past_fini(&capture.past);
	return status;
}
