/*
 * tracepager explain: a decision, offline, by the daemon's own code. Reads files, calls decide(),
 * prints. It pages nobody, requests nothing from a backend and writes no file. Owns what it read
 * until it has printed.
 */
#include "commands-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_file-internal.h"
#include "explain-internal.h"
#include "explain_alert-internal.h"
#include "output-internal.h"
#include "usage-internal.h"
#include "tracepager/alert_mapping.h"
#include "tracepager/cells.h"
#include "tracepager/clock.h"
#include "tracepager/findings.h"
#include "tracepager/limits.h"
#include "tracepager/trace_decoder.h"
#include "tracepager/xalloc.h"

#define STATUS_NO_SUSPECT 1

/* A growing list of sets of traces, and of the traces in them. Heap. */
struct window {
	struct trace_set **sets;
	const struct trace **traces;
	size_t nsets, ntraces;
};

struct explain {
	struct explain_options options;
	struct explain_text_options text;
	/* What was read. */
	struct arena *arena;
	struct signal signal; /* of --signal */
	struct ruleset *rules;
	struct config *config; /* of --config; NULL: --sender was not given */
	struct explain_alert reading;
	struct alert alert;
	bool has_alert;
	struct trace_options trace_options;
	struct window window;
	struct evidence_set *healthy, *ordinary; /* NULL: none was given */
	/* The file of traces that is being read. */
	const char *file;
	struct evidence_set **into; /* where its evidence goes; NULL: its traces are explained */
	bool told;		    /* it has a trace, or a message says what is wrong with it */
	size_t nread;		    /* files of traces that could be read */
	enum fallback_code missing; /* of the last document without a trace */
	char missing_text[512];
	int status;
};

static void raise_status(struct explain *x, int status)
{
	if (status > x->status)
		x->status = status;
}

/* One line for what is wrong with an input; the other inputs are still read. line and column: 0
 * where the text is not about a place. */
static void report_input(struct explain *x, const char *file, int line, int column,
			 const char *text)
{
	fprintf(stderr, "%s: ", file);
	if (line > 0)
		fprintf(stderr, "line %d: ", line);
	fputs(text, stderr);
	if (line > 0 && column > 0)
		fprintf(stderr, " (column %d)", column);
	fputc('\n', stderr);
	raise_status(x, STATUS_USAGE);
}

static const char *shown_name(const char *path)
{
	return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* Reads a whole file, or standard input. False: it cannot be read; an error has been printed. */
static bool explain_read_file(struct explain *x, const char *path, struct buf *ret_text)
{
	CLEANUP_FCLOSE FILE *opened = NULL;
	FILE *file = stdin;

	buf_init(ret_text, LIMIT_EXPLAIN_FILE_BYTES);
	if (strcmp(path, "-") != 0)
		file = opened = fopen(path, "rb");
	if (!file) {
		report_input(x, path, 0, 0, strerror(errno));
		return false;
	}
	int error = buf_read(ret_text, file);
	if (error) {
		report_input(x, shown_name(path), 0, 0,
			     error == -EFBIG ? "the file is larger than 1 GiB" : strerror(-error));
		buf_fini(ret_text);
		return false;
	}
	return true;
}

/* ---- deciding and printing ---- */

static void turn_ascii(struct buf *text)
{
	struct buf ascii = BUF_INIT(LIMIT_EXPLAIN_FILE_BYTES);

	cells_ascii(&ascii, buf_text(text), text->len);
	ascii.failed |= text->failed;
	buf_fini(text);
	*text = ascii;
}

static void print_decision(struct explain *x, const struct decision *decision)
{
	struct buf out = BUF_INIT(LIMIT_EXPLAIN_FILE_BYTES);

	if (x->options.format == REPORT_JSON) {
		decision_write(decision, &out);
		buf_putc(&out, '\n');
	} else if (x->options.each) {
		explain_line_write(decision, &x->text, &out);
	} else {
		explain_text_write(decision, &x->text, &out);
	}
	if (x->options.format != REPORT_JSON && x->text.ascii)
		turn_ascii(&out);
	if (out.failed)
		report_input(x, "tracepager explain", 0, 0,
			     "the decision is larger than 1 GiB; use --each");
	else
		fwrite(buf_text(&out), 1, out.len, stdout);
	buf_fini(&out);
}

static void decide_traces(struct explain *x, const struct trace *const *traces, size_t n)
{
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	struct decision decision;
	const struct decide_input input = {
		.alert = x->has_alert ? &x->alert : NULL,
		.signal = x->options.signal ? &x->signal : NULL,
		.traces = traces,
		.ntraces = (unsigned int)n,
		.healthy = x->healthy,
		.ordinary = x->ordinary,
		.rules = x->rules,
		.mode = x->options.mode,
		.now_us = clock_wall_us(clock_system()),
		.missing = x->missing,
		.missing_text = x->missing_text,
		.tell_all_rules = x->options.why,
	};

	decide(arena, &input, &decision);
	print_decision(x, &decision);
	if (!decision.verdict.found)
		raise_status(x, STATUS_NO_SUSPECT);
	arena_free(arena);
}

/* ---- traces ---- */

static void window_add(struct window *window, struct trace_set *set)
{
	window->sets = xrealloc_array(window->sets, window->nsets + 1, sizeof(struct trace_set *));
	window->sets[window->nsets++] = set;
	window->traces = xrealloc_array(window->traces, window->ntraces + set->ntraces,
					sizeof(struct trace *));
	for (uint32_t i = 0; i < set->ntraces; i++)
		window->traces[window->ntraces++] = &set->traces[i];
}

static void window_free(struct window *window)
{
	for (size_t i = 0; i < window->nsets; i++)
		trace_set_free(window->sets[i]);
	free(window->sets);
	free(window->traces);
}

/*
 * A document without a trace. With --each the document has a decision of its own, which says so; in
 * a window only the exit status tells that the document is not in the vote.
 */
static void take_no_trace(struct explain *x, int line, const struct err *err)
{
	const char *file = shown_name(x->file);
	const bool empty = err->code == ENOENT;
	int status = x->status;

	line = err->line > 0 ? err->line : line;
	x->told |= !empty;
	if (!empty || x->into)
		report_input(x, file, line, err->column, err->text);
	if (err->code == ENOMSG) /* a note: all traces of the file are here */
		x->status = status;
	/* That a file cannot be read says more than that one holds no trace. */
	if (x->into || err->code == ENOMSG ||
	    (empty && !x->options.each && x->missing != FALLBACK_NONE))
		return;
	x->missing = err->code == E2BIG ? FALLBACK_TRACE_TOO_LARGE
		     : empty		? FALLBACK_NO_TRACE
					: FALLBACK_BAD_TRACE;
	if (empty)
		snprintf(x->missing_text, sizeof(x->missing_text), "%s holds no trace", file);
	else if (err->column > 0)
		snprintf(x->missing_text, sizeof(x->missing_text),
			 "cannot read %s, line %d, column %d: %s", file, line, err->column,
			 err->text);
	else
		snprintf(x->missing_text, sizeof(x->missing_text), "cannot read %s, line %d: %s",
			 file, line, err->text);
	if (!x->options.each)
		return;
	x->status = status;
	decide_traces(x, NULL, 0);
	x->missing = FALLBACK_NONE;
}

static void compare_with(struct explain *x, const struct trace_set *set)
{
	struct signal found, *signal = x->options.signal ? &x->signal : NULL;

	if (!signal && x->has_alert &&
	    decide_signal(x->arena, &x->alert, x->rules, NULL, NULL, NULL, &found, NULL))
		signal = &found;
	if (!*x->into)
		*x->into = evidence_new(LIMIT_WINDOW_BYTES);
	for (uint32_t i = 0; i < set->ntraces; i++)
		evidence_add_trace(*x->into, &set->traces[i], signal);
}

static void explain_take_document(void *ctx, int line, struct trace_set *set, const struct err *err)
{
	struct explain *x = ctx;

	x->told |= set != NULL;
	if (!set) {
		take_no_trace(x, line, err);
	} else if (x->into) {
		compare_with(x, set);
		trace_set_free(set);
	} else if (!x->options.each) {
		window_add(&x->window, set);
	} else {
		for (uint32_t i = 0; i < set->ntraces; i++)
			decide_traces(x, &(const struct trace *){ &set->traces[i] }, 1);
		trace_set_free(set);
	}
}

static void read_traces(struct explain *x, const char *path, struct evidence_set **into)
{
	struct buf text;

	if (!explain_read_file(x, path, &text))
		return;
	x->file = path;
	x->into = into;
	x->nread += !into;
	x->told = into != NULL;
	trace_documents(buf_text(&text), text.len, &x->trace_options, explain_take_document, x);
	if (!x->told && !x->options.each)
		fprintf(stderr, "%s: holds no trace\n", shown_name(path));
	buf_fini(&text);
}

/* ---- alert and rules ---- */

/* Is only asked how the alert is read, and not who is paged? */
static bool reading_alone(const struct explain *x)
{
	const struct explain_options *options = &x->options;

	return options->alert && options->why && !options->arguments.n && !options->rules &&
	       !options->signal && !options->healthy.n && !options->ordinary.n;
}

/* A decision is one line of JSON: what was read is told beside it as text only. */
static void print_reading(struct explain *x)
{
	struct buf out = BUF_INIT(LIMIT_EXPLAIN_FILE_BYTES);

	if (x->options.format == REPORT_TEXT)
		explain_alert_write(&x->reading, &x->text, &out);
	else if (reading_alone(x))
		explain_alert_write_json(&x->reading, &out);
	if (x->options.format == REPORT_TEXT && !reading_alone(x))
		buf_putc(&out, '\n');
	if (x->options.format == REPORT_TEXT && x->text.ascii)
		turn_ascii(&out);
	fwrite(buf_text(&out), 1, out.len, stdout);
	buf_fini(&out);
}

/* Whose body it is: that of a sender in tracepager.yaml, or of a mapping that ships. */
static bool explain_find_sender(struct explain *x)
{
	const struct explain_options *options = &x->options;
	const char *path = options->config ? options->config : CONFIG_FILE_DEFAULT;
	const struct sender_config *sender;

	x->reading.format = FORMAT_AUTO;
	x->reading.tells_places = options->why;
	if (options->mapping && !(x->reading.mapping = mapping_shipped(options->mapping))) {
		const char *known[LIMIT_MAPPING_RULES];
		size_t n = 0;
		for (; n < ARRAY_LEN(known) && mappings_shipped[n]; n++)
			known[n] = mappings_shipped[n]->name;
		usage_error("explain", "no mapping \"%s\" ships; %s", options->mapping,
			    words_hint(x->arena, options->mapping, known, n));
		return false;
	}
	if (!options->sender)
		return true;
	if (!(x->config = config_file_read("explain", path)))
		return false;
	if (!(sender = config_file_sender(x->config, options->sender))) {
		usage_error("explain", "%s declares no sender \"%s\"", path, options->sender);
		return false;
	}
	x->reading.sender = sender->name;
	x->reading.format = sender->format;
	x->reading.mapping = sender->mapping;
	return true;
}

/* Takes the first alert that fires. */
static void explain_choose_alert(struct explain *x)
{
	const struct alert_batch *batch = &x->reading.batch;
	const size_t chosen = alert_first_firing(batch);

	if (batch->nalerts > 1 && !reading_alone(x))
		fprintf(stderr, "%s: %zu alerts; explaining number %zu\n",
			shown_name(x->options.alert), batch->nalerts, chosen + 1);
	x->alert = batch->alerts[chosen];
	x->has_alert = true;
}

static bool explain_read_alert(struct explain *x)
{
	struct alert_batch *batch = &x->reading.batch;
	struct err err = { 0 };
	struct buf text;

	if (!explain_find_sender(x)) {
		raise_status(x, STATUS_USAGE);
		return false;
	}
	if (!explain_read_file(x, x->options.alert, &text))
		return false;
	int error = explain_alert_read(&x->reading, x->arena, &text, &err);
	buf_fini(&text);
	if (x->options.why)
		print_reading(x);
	if (!error && batch->ignored && !batch->nalerts && !batch->nrefused && reading_alone(x))
		return true;
	if (!error && !batch->nalerts)
		error = err_set(&err, EBADMSG, "%s",
				batch->nrefused	 ? batch->refused[0].text
				: batch->ignored ? batch->ignored
						 : "the file holds no alert");
	if (error)
		report_input(x, shown_name(x->options.alert), err.line, err.column, err.text);
	else
		explain_choose_alert(x);
	return !error;
}

static bool explain_read_rules(struct explain *x)
{
	bool colour = isatty(STDERR_FILENO) && x->text.colour;

	x->rules = output_load_rules(&x->options.rules, 1, colour);
	if (!x->rules) {
		raise_status(x, STATUS_USAGE);
		return false;
	}
	x->trace_options.extra_names = rules_attr_names(x->rules, &x->trace_options.nextra_names);
	x->text.has_rules = true;
	return true;
}

/* ---- the command ---- */

/* Reads "SERVICE/OPERATION". False: the text is no signal; an error has been printed. */
static bool parse_signal(struct explain *x, const char *text)
{
	const char *slash = strchr(text, '/');

	if (!*text || slash == text) {
		usage_error("explain", "--signal is SERVICE or SERVICE/OPERATION, not \"%s\"",
			    text);
		return false;
	}
	x->signal = (struct signal){
		.service = slash ? arena_strndup(x->arena, text, (size_t)(slash - text)) : text,
		.operation = slash ? slash + 1 : NULL,
		.from = "option",
		.mode = WALK_AUTO,
	};
	return true;
}

static size_t count_stdin(const struct option_list *paths)
{
	size_t n = 0;

	for (size_t i = 0; i < paths->n; i++)
		n += strcmp(paths->at[i], "-") == 0;
	return n;
}

/* Checks what the table of options cannot. False: wrong usage; an error has been printed. */
static bool check_explain_options(struct explain *x)
{
	const struct explain_options *options = &x->options;
	size_t stdin_uses = count_stdin(&options->arguments) + count_stdin(&options->healthy) +
			    count_stdin(&options->ordinary) +
			    (options->alert && strcmp(options->alert, "-") == 0);

	if (options->signal && !parse_signal(x, options->signal))
		return false;
	/* An alert without traces has a decision too: who is paged without them. */
	if (!options->arguments.n && !options->alert)
		usage_error("explain", "TRACE is missing");
	else if (stdin_uses > 1)
		usage_error("explain", "standard input can be read once only");
	else if ((options->mapping || options->sender) && !options->alert)
		usage_error("explain", "--mapping and --sender are for --alert");
	else if (options->mapping && options->sender)
		usage_error("explain", "give --mapping or --sender; the sender has its mapping");
	else if (options->config && !options->sender)
		usage_error("explain", "--config needs --sender NAME: whose alert it is");
	else
		return true;
	return false;
}

static void run_explain(struct explain *x)
{
	const struct option_list *traces = &x->options.arguments, *healthy = &x->options.healthy,
				 *ordinary = &x->options.ordinary;

	if ((x->options.rules && !explain_read_rules(x)) ||
	    (x->options.alert && !explain_read_alert(x)) || reading_alone(x))
		return;
	for (size_t i = 0; i < healthy->n; i++)
		read_traces(x, healthy->at[i], &x->healthy);
	for (size_t i = 0; i < ordinary->n; i++)
		read_traces(x, ordinary->at[i], &x->ordinary);
	for (size_t i = 0; i < traces->n; i++)
		read_traces(x, traces->at[i], NULL);
	/* A file without a trace takes nothing from the others. */
	if (x->missing == FALLBACK_NO_TRACE && x->window.ntraces)
		x->missing = FALLBACK_NONE;
	/* Where no file could be read, "no trace was found" would be wrong. */
	if (!traces->n || (!x->options.each && x->nread))
		decide_traces(x, x->window.traces, x->window.ntraces);
	if (fflush(stdout) != 0 || ferror(stdout))
		report_input(x, "standard output", 0, 0, strerror(errno));
}

int cmd_explain(int argc, char **argv)
{
	struct explain x = { .status = 0 };
	int status;

	if (!options_parse_explain(argc, argv, &x.options, &status))
		return status;
	x.arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	explain_look_at_terminal(x.options.color, &x.text);
	if (check_explain_options(&x))
		run_explain(&x);
	else
		x.status = STATUS_USAGE;
	window_free(&x.window);
	evidence_free(x.healthy);
	evidence_free(x.ordinary);
	rules_unref(x.rules);
	explain_alert_fini(&x.reading);
	config_free(x.config);
	arena_free(x.arena);
	free(x.options.healthy.at);
	free(x.options.ordinary.at);
	return x.status;
}
