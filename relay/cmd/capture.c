/*
 * tracepager capture: a past decision as a rule test. Writes what decided it (the alert, its
 * traces, the healthy evidence, the time) and what it came to, as a test file with its traces
 * beside it: from then on "tracepager test" says when the rules would decide otherwise.
 *
 * Existing files are never overwritten.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "past-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/commands.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define TEST_BYTES (64u << 20)

static const char help[] =
	"usage: tracepager capture ID [OPTION]... --store PATH\n\n"
	"Writes a past decision as a rule test: decision-N_test.yaml, with its traces and its\n"
	"healthy evidence in files beside it. ID is an incident's id (then its last decision that\n"
	"has traces is taken), or the number of a decision. Put the files beside the rules;\n"
	"\"tracepager test\" runs them.\n\n"
	"      --store PATH      the daemon's store; it is only read\n"
	"      --output DIR      where the files go (default: here); none is overwritten\n"
	"      --help            print this\n\n"
	"Exit status: 0 written; 1 unknown, or its traces are not kept any more (7 days);\n"
	"2 wrong usage, or the store cannot be read.\n";

struct capture {
	const char *id, *store_path, *directory;
	struct past past;
	struct opened opened;
	char **written; /* paths; heap */
	size_t nwritten;
};

static int complain(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int complain(int status, const char *format, ...)
{
	va_list args;

	fputs("tracepager capture: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

/* ---- the test ---- */

/* A JSON string is a YAML one. */
static void add_member(struct buf *out, const char *indent, const char *key, const char *value)
{
	buf_printf(out, "%s%s: ", indent, key);
	buf_json_string(out, value);
	buf_putc(out, '\n');
}

static void add_time(struct buf *out, const char *indent, const char *key, int64_t us)
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
	add_member(out, "      ", "sender", alert->sender);
	if (alert->status == ALERT_RESOLVED)
		buf_puts(out, "      status: resolved\n");
	add_time(out, "      ", "starts_at", alert->starts_at_us);
	if (*alert->generator_url)
		add_member(out, "      ", "generator_url", alert->generator_url);
	add_labels(out, "labels", &alert->labels);
	add_labels(out, "annotations", &alert->annotations);
}

/* What may be nothing: the word none, which is no name. */
static void add_expected(struct buf *out, const char *key, const char *value)
{
	if (*value)
		add_member(out, "      ", key, value);
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

static void add_test(const struct capture *capture, struct buf *out)
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
	add_time(out, "", "now", past->at_us);
	buf_puts(out, "tests:\n  - name: ");
	buf_json_string(out,
			arena_printf(opened->arena, "%s of %s", name ? name : past->alert_key, at));
	buf_putc(out, '\n');
	add_alert(out, &opened->alert);
	if (opened->nmessages)
		buf_puts(out, "    traces:\n");
	for (size_t i = 0; i < opened->nmessages; i++)
		buf_printf(out, "      - decision-%lld-%zu.pb\n", (long long)past->id, i + 1);
	if (opened->healthy)
		buf_printf(out, "    healthy:\n      - decision-%lld.evidence\n",
			   (long long)past->id);
	if (missing != FALLBACK_NONE)
		buf_printf(out, "    missing: %s\n", fallback_code_name(missing));
	add_expect(out, &opened->was);
}

/* ---- files ---- */

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int write_file(struct capture *capture, const char *name, const char *text, size_t len)
{
	char *path = xasprintf("%s/%s", capture->directory, name);
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	int error = fd < 0 ? -errno : 0;

	if (!error) {
		capture->written =
			xrealloc_array(capture->written, capture->nwritten + 1, sizeof(char *));
		capture->written[capture->nwritten++] = path;
		error = write_all(fd, text, len);
	}
	if (error)
		complain(2, "cannot write %s: %s", path, strerror(-error));
	if (fd < 0)
		free(path);
	return error;
}

static int write_evidence(struct capture *capture)
{
	struct buf plain = BUF_INIT(LIMIT_STORED_TRACES_RAW_BYTES);
	char name[64];

	if (!capture->opened.healthy)
		return 0;
	snprintf(name, sizeof(name), "decision-%lld.evidence", (long long)capture->past.id);
	evidence_encode(capture->opened.healthy, &plain);
	int error = write_file(capture, name, buf_text(&plain), plain.len);
	buf_fini(&plain);
	return error;
}

/* The test last: who finds it finds all that it needs. Nothing is left of half a capture. */
static int write_files(struct capture *capture)
{
	const struct opened *opened = &capture->opened;
	struct buf test = BUF_INIT(TEST_BYTES);
	char name[64];
	int error = 0;

	for (size_t i = 0; i < opened->nmessages && !error; i++) {
		snprintf(name, sizeof(name), "decision-%lld-%zu.pb", (long long)capture->past.id,
			 i + 1);
		error = write_file(capture, name, opened->messages[i].data,
				   opened->messages[i].len);
	}
	if (!error)
		error = write_evidence(capture);
	if (!error) {
		snprintf(name, sizeof(name), "decision-%lld_test.yaml",
			 (long long)capture->past.id);
		add_test(capture, &test);
		error = write_file(capture, name, buf_text(&test), test.len);
	}
	buf_fini(&test);
	for (size_t i = 0; i < capture->nwritten; i++) {
		if (error)
			unlink(capture->written[i]);
		else
			puts(capture->written[i]);
		free(capture->written[i]);
	}
	free(capture->written);
	return error ? 2 : 0;
}

static int run(struct capture *capture)
{
	struct history *history = NULL;
	struct err err = { 0 };
	int found = history_open(capture->store_path, &history, &err);

	if (found == 0)
		found = history_find(history, capture->id, &capture->past, &err);
	history_close(history);
	if (found < 0)
		return complain(2, "%s", err.text);
	if (!found)
		return complain(1, "the store knows no incident and no decision %s", capture->id);
	int result = capture->past.kept == STORED_TRACES_LOST
			     ? complain(1, "the traces of decision %lld are not kept any more",
					(long long)capture->past.id)
			     : opened_init(&capture->opened, &capture->past, NULL, &err);
	if (result < 0)
		result = complain(2, "decision %lld: %s", (long long)capture->past.id, err.text);
	if (result == 0)
		result = write_files(capture);
	if (capture->opened.arena)
		opened_fini(&capture->opened);
	past_fini(&capture->past);
	return result;
}

int cmd_capture(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "store", required_argument, NULL, 's' },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct capture capture = { .directory = "." };

	for (int option; (option = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
		switch (option) {
		case 's':
			capture.store_path = optarg;
			break;
		case 'o':
			capture.directory = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return complain(2, "--help tells the options");
		}
	}
	if (argc - optind != 1 || !capture.store_path)
		return complain(2, "one ID and --store PATH are needed; --help tells more");
	capture.id = argv[optind];
	return run(&capture);
}
