/*
 * Explain: a decision, offline, by the same code as the daemon's. Reads files, calls decide(),
 * prints. It pages nobody, asks no backend and writes no file. It owns what it read until it has
 * printed.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain-internal.h"
#include "tracepager/alert_format.h"
#include "tracepager/cells.h"
#include "tracepager/clock.h"
#include "tracepager/commands.h"
#include "tracepager/limits.h"
#include "tracepager/rules_load.h"
#include "tracepager/trace_decoder.h"
#include "tracepager/xalloc.h"

#define STATUS_SUSPECT	  0
#define STATUS_NO_SUSPECT 1
#define STATUS_UNUSABLE	  2

/* What is read is capped; what is made of it needs no second cap. */
#define ARENA_BYTES  (SIZE_MAX / 2)
#define OUTPUT_BYTES LIMIT_EXPLAIN_FILE_BYTES

/* A growing list of sets that are kept until the end, and of the traces in them. */
struct window {
	struct trace_set **sets;
	const struct trace **traces;
	size_t nsets, ntraces;
};

struct explain {
	const char *rules_path, *alert_path;
	struct signal signal;
	bool has_signal, each, json, why;
	enum walk_mode mode;
	enum colour_choice colour;
	struct explain_text_options text;
	/* What is read. */
	struct arena *arena;
	struct ruleset *rules;
	struct alert alert;
	bool has_alert;
	struct trace_options trace_options;
	struct window window;
	struct evidence_set *healthy; /* NULL: none was given */
	/* On the way. */
	const char *file; /* that is being read */
	bool is_healthy;
	size_t nread;		    /* files of traces */
	enum fallback_code missing; /* the last document that gave no trace, and why */
	char missing_text[512];
	int status;
};

static void print_help(FILE *out)
{
	fputs("usage: tracepager explain [OPTION]... TRACE...\n"
	      "\n"
	      "Decides, offline, which service the failure in TRACE comes from, who owns it,\n"
	      "and how its page begins. TRACE is a file of traces, one document or one in each\n"
	      "line, or \"-\" for standard input. All traces are voted on together.\n"
	      "\n"
	      "  --rules DIR                   The rules, a directory or a file: who owns what.\n"
	      "  --alert FILE                  The alert that is explained: a webhook's body, a\n"
	      "                                list of alerts, or one alert.\n"
	      "  --signal SERVICE[/OPERATION]  The walk starts here, not where the alert says\n"
	      "                                or, without one, at the root.\n"
	      "  --mode errors|latency|auto    Looks for what failed, or for what took long;\n"
	      "                                auto does what the rules say, else both.\n"
	      "  --healthy TRACE               Compares with these traces, which are without\n"
	      "                                the fault. May be repeated.\n"
	      "  --each                        Decides every trace alone and writes one line\n"
	      "                                for each, in order.\n"
	      "  --why                         Tells every rule that was tried, and why it\n"
	      "                                did not match.\n"
	      "  --format text|json            Writes for people (the default), or the whole\n"
	      "                                decision as one line of JSON.\n"
	      "  --color auto|always|never     Colours the text; auto does where a terminal\n"
	      "                                can show it and NO_COLOR is not set.\n"
	      "  --help                        Prints this.\n"
	      "\n"
	      "The text is as wide as the terminal, or as COLUMNS says, else 80 columns, and in\n"
	      "ASCII where the locale is not UTF-8. Before a span of the trace, ✗ says that it\n"
	      "failed on the path, › that it lies on the path, ! that it failed elsewhere.\n"
	      "\n"
	      "Exit status: 0 all decided with a suspect, 1 some without, 2 wrong usage or an\n"
	      "input that could not be read.\n",
	      out);
}

static void raise_status(struct explain *x, int status)
{
	if (status > x->status)
		x->status = status;
}

/* One line for what is wrong with an input; the others go on. */
static void complain(struct explain *x, const char *file, int line, const char *text)
{
	if (line)
		fprintf(stderr, "%s: line %d: %s\n", file, line, text);
	else
		fprintf(stderr, "%s: %s\n", file, text);
	raise_status(x, STATUS_UNUSABLE);
}

static const char *shown_name(const char *path)
{
	return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* The whole file; false: complained about. */
static bool read_file(struct explain *x, const char *path, struct buf *ret_text)
{
	CLEANUP_FCLOSE FILE *opened = NULL;
	FILE *file = stdin;

	buf_init(ret_text, LIMIT_EXPLAIN_FILE_BYTES);
	if (strcmp(path, "-") != 0)
		file = opened = fopen(path, "rb");
	if (!file) {
		complain(x, path, 0, strerror(errno));
		return false;
	}
	int error = buf_read(ret_text, file);
	if (error) {
		complain(x, shown_name(path), 0,
			 error == -EFBIG ? "the file is larger than 1 GiB" : strerror(-error));
		buf_fini(ret_text);
		return false;
	}
	return true;
}

/* Decide and print. */

static void turn_ascii(struct buf *text)
{
	struct buf ascii = BUF_INIT(OUTPUT_BYTES);

	cells_ascii(&ascii, buf_text(text), text->len);
	ascii.failed |= text->failed;
	buf_fini(text);
	*text = ascii;
}

static void print_decision(struct explain *x, const struct decision *decision)
{
	struct buf out = BUF_INIT(OUTPUT_BYTES);

	if (x->json) {
		decision_write(decision, &out);
		buf_putc(&out, '\n');
	} else if (x->each) {
		explain_line_write(decision, &x->text, &out);
	} else {
		explain_text_write(decision, &x->text, &out);
	}
	if (!x->json && x->text.ascii)
		turn_ascii(&out);
	if (out.failed)
		complain(x, "tracepager explain", 0,
			 "the decision is larger than 1 GiB; use --each");
	else
		fwrite(buf_text(&out), 1, out.len, stdout);
	buf_fini(&out);
}

static void decide_traces(struct explain *x, const struct trace *const *traces, size_t n)
{
	struct arena *arena = arena_new(ARENA_BYTES);
	struct decision decision;
	const struct decide_input input = {
		.alert = x->has_alert ? &x->alert : NULL,
		.signal = x->has_signal ? &x->signal : NULL,
		.traces = traces,
		.ntraces = (unsigned int)n,
		.healthy = x->healthy,
		.rules = x->rules,
		.mode = x->mode,
		.now_us = clock_wall_us(clock_system()),
		.missing = x->missing,
		.missing_text = x->missing_text,
		.tell_all_rules = x->why,
	};

	decide(arena, &input, &decision);
	print_decision(x, &decision);
	if (!decision.verdict.found)
		raise_status(x, STATUS_NO_SUSPECT);
	arena_free(arena);
}

/* Traces. */

static void keep_set(struct window *window, struct trace_set *set)
{
	window->sets = xrealloc_array(window->sets, window->nsets + 1, sizeof(struct trace_set *));
	window->sets[window->nsets++] = set;
	window->traces = xrealloc_array(window->traces, window->ntraces + set->ntraces,
					sizeof(struct trace *));
	for (uint32_t i = 0; i < set->ntraces; i++)
		window->traces[window->ntraces++] = &set->traces[i];
}

static void free_window(struct window *window)
{
	for (size_t i = 0; i < window->nsets; i++)
		trace_set_free(window->sets[i]);
	free(window->sets);
	free(window->traces);
}

/*
 * A document that gave no trace. With --each it has its own decision, which says so; in a window
 * nothing else would tell that it is not in the vote, so that the exit status does.
 */
static void take_nothing(struct explain *x, int line, const struct err *err)
{
	int status = x->status;

	if (err->code != ENOENT || x->is_healthy)
		complain(x, shown_name(x->file), line, err->text);
	if (x->is_healthy || (err->code == ENOENT && !x->each))
		return;
	x->missing = err->code == E2BIG	   ? FALLBACK_TRACE_TOO_LARGE
		     : err->code == ENOENT ? FALLBACK_NO_TRACE
					   : FALLBACK_BAD_TRACE;
	snprintf(x->missing_text, sizeof(x->missing_text), "cannot read %s, line %d: %s",
		 shown_name(x->file), line, err->text);
	if (!x->each)
		return;
	x->status = status;
	decide_traces(x, NULL, 0);
	x->missing = FALLBACK_NONE;
}

static void compare_with(struct explain *x, const struct trace_set *set)
{
	struct signal found, *signal = x->has_signal ? &x->signal : NULL;

	if (!signal && x->has_alert &&
	    decide_signal(x->arena, &x->alert, x->rules, NULL, NULL, NULL, &found, NULL))
		signal = &found;
	if (!x->healthy)
		x->healthy = evidence_new(LIMIT_WINDOW_BYTES);
	for (uint32_t i = 0; i < set->ntraces; i++)
		evidence_add_trace(x->healthy, &set->traces[i], signal);
}

static void take_document(void *ctx, int line, struct trace_set *set, const struct err *err)
{
	struct explain *x = ctx;

	if (!set) {
		take_nothing(x, line, err);
	} else if (x->is_healthy) {
		compare_with(x, set);
		trace_set_free(set);
	} else if (!x->each) {
		keep_set(&x->window, set);
	} else {
		for (uint32_t i = 0; i < set->ntraces; i++)
			decide_traces(x, &(const struct trace *){ &set->traces[i] }, 1);
		trace_set_free(set);
	}
}

static void read_traces(struct explain *x, const char *path, bool is_healthy)
{
	struct buf text;

	if (!read_file(x, path, &text))
		return;
	x->file = path;
	x->is_healthy = is_healthy;
	x->nread += !is_healthy;
	trace_documents(buf_text(&text), text.len, &x->trace_options, take_document, x);
	buf_fini(&text);
}

/* Alert and rules. */

static bool read_alert(struct explain *x)
{
	struct alert_batch batch = { 0 };
	struct err err = { 0 };
	struct buf text;

	if (!read_file(x, x->alert_path, &text))
		return false;
	int error = alert_parse_any(x->arena, buf_text(&text), text.len,
				    clock_wall_us(clock_system()), &batch, &err);
	buf_fini(&text);
	if (!error && !batch.nalerts)
		error = err_set(&err, EBADMSG, "%s",
				batch.nrefused ? batch.refused[0].text : "there is no alert in it");
	if (error) {
		complain(x, shown_name(x->alert_path), err.line, err.text);
		return false;
	}
	size_t chosen = alert_first_firing(&batch);
	if (batch.nalerts > 1)
		fprintf(stderr, "%s: %zu alerts; explaining number %zu\n",
			shown_name(x->alert_path), batch.nalerts, chosen + 1);
	x->alert = batch.alerts[chosen];
	x->has_alert = true;
	return true;
}

static bool read_rules(struct explain *x)
{
	struct findings findings = { 0 };
	struct buf out = BUF_INIT(LIMIT_BODY_BYTES);
	int error = rules_load(&x->rules_path, 1, false, &x->rules, &findings);

	/* Warnings are "check"'s business. */
	if (error) {
		findings_write(&findings, isatty(STDERR_FILENO) && x->text.colour, &out);
		fputs(buf_text(&out), stderr);
		raise_status(x, STATUS_UNUSABLE);
	} else {
		x->trace_options.extra_names =
			rules_attr_names(x->rules, &x->trace_options.nextra_names);
		x->text.has_rules = true;
	}
	buf_fini(&out);
	findings_fini(&findings);
	return !error;
}

/* Options. */

/* Always false, for the caller to return. */
__attribute__((format(printf, 1, 2))) static bool wrong_usage(const char *format, ...)
{
	va_list args;

	fputs("tracepager explain: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("; \"tracepager explain --help\" tells more\n", stderr);
	return false;
}

static bool parse_signal(struct explain *x, const char *text)
{
	const char *slash = strchr(text, '/');

	if (!*text || slash == text)
		return wrong_usage("--signal wants SERVICE or SERVICE/OPERATION, not \"%s\"", text);
	x->signal = (struct signal){
		.service = slash ? arena_strndup(x->arena, text, (size_t)(slash - text)) : text,
		.operation = slash ? slash + 1 : NULL,
		.from = "option",
		.mode = WALK_AUTO,
	};
	x->has_signal = true;
	return true;
}

static bool parse_mode(struct explain *x, const char *text)
{
	for (x->mode = WALK_ERRORS; x->mode <= WALK_AUTO; x->mode++)
		if (strcmp(text, walk_mode_name(x->mode)) == 0)
			return true;
	return wrong_usage("--mode is errors, latency or auto, not \"%s\"", text);
}

static bool parse_format(struct explain *x, const char *text)
{
	x->json = strcmp(text, "json") == 0;
	return x->json || strcmp(text, "text") == 0 ||
	       wrong_usage("--format is text or json, not \"%s\"", text);
}

static bool parse_colour(struct explain *x, const char *text)
{
	static const char *const names[] = { "auto", "always", "never" };

	for (x->colour = COLOUR_AUTO; x->colour <= COLOUR_NEVER; x->colour++)
		if (strcmp(text, names[x->colour]) == 0)
			return true;
	return wrong_usage("--color is auto, always or never, not \"%s\"", text);
}

struct option_list {
	const char **at;
	size_t n;
};

/* 1: go on; 0: help was given; -1: wrong usage, told. */
static int parse_options(struct explain *x, int argc, char **argv, struct option_list *healthy)
{
	static const struct option options[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "alert", required_argument, NULL, 'a' },
		{ "signal", required_argument, NULL, 's' },
		{ "mode", required_argument, NULL, 'm' },
		{ "healthy", required_argument, NULL, 'y' },
		{ "format", required_argument, NULL, 'f' },
		{ "color", required_argument, NULL, 'c' },
		{ "each", no_argument, NULL, 'e' },
		{ "why", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool fine = true;
	int c;

	optind = 0; /* glibc: start anew, whatever was parsed before */
	opterr = 0;
	while (fine && (c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (c) {
		case 'r':
			x->rules_path = optarg;
			break;
		case 'a':
			x->alert_path = optarg;
			break;
		case 's':
			fine = parse_signal(x, optarg);
			break;
		case 'm':
			fine = parse_mode(x, optarg);
			break;
		case 'y':
			healthy->at[healthy->n++] = optarg;
			break;
		case 'f':
			fine = parse_format(x, optarg);
			break;
		case 'c':
			fine = parse_colour(x, optarg);
			break;
		case 'e':
			x->each = true;
			break;
		case 'w':
			x->why = true;
			break;
		case 'h':
			print_help(stdout);
			return 0;
		case ':':
			fine = wrong_usage("%s wants a value", argv[optind - 1]);
			break;
		default:
			fine = wrong_usage("there is no option %s", argv[optind - 1]);
		}
	}
	/* An alert alone has a decision too: who gets it without a trace. */
	if (fine && optind == argc && !x->alert_path)
		fine = wrong_usage("TRACE is missing");
	return fine ? 1 : -1;
}

static bool uses_input_once(const struct explain *x, const struct option_list *healthy, int argc,
			    char **argv)
{
	size_t uses = x->alert_path && strcmp(x->alert_path, "-") == 0;

	for (size_t i = 0; i < healthy->n; i++)
		uses += strcmp(healthy->at[i], "-") == 0;
	for (int i = optind; i < argc; i++)
		uses += strcmp(argv[i], "-") == 0;
	return uses < 2 || wrong_usage("standard input can be read once only");
}

static void run(struct explain *x, const struct option_list *healthy, int argc, char **argv)
{
	int first = optind;

	if ((x->rules_path && !read_rules(x)) || (x->alert_path && !read_alert(x)))
		return;
	for (size_t i = 0; i < healthy->n; i++)
		read_traces(x, healthy->at[i], true);
	for (int i = first; i < argc; i++)
		read_traces(x, argv[i], false);
	/* Where no file could be read, "no trace was found" would be a lie. */
	if (first == argc || (!x->each && x->nread))
		decide_traces(x, x->window.traces, x->window.ntraces);
	if (fflush(stdout) != 0 || ferror(stdout))
		complain(x, "standard output", 0, strerror(errno));
}

int cmd_explain(int argc, char **argv)
{
	struct explain x = { .mode = WALK_AUTO, .arena = arena_new(ARENA_BYTES) };
	struct option_list healthy = { .at = xcalloc((size_t)argc + 1, sizeof(const char *)) };

	int parsed = parse_options(&x, argc, argv, &healthy);
	explain_look_at_terminal(x.colour, &x.text);
	if (parsed < 0 || (parsed > 0 && !uses_input_once(&x, &healthy, argc, argv)))
		x.status = STATUS_UNUSABLE;
	else if (parsed > 0)
		run(&x, &healthy, argc, argv);
	free_window(&x.window);
	evidence_free(x.healthy);
	rules_unref(x.rules);
	arena_free(x.arena);
	free(healthy.at);
	return x.status;
}
