/*
 * SLO, reading: requests of signals from files of traces and from the healthy evidence that the
 * store keeps with its decisions. Owns nothing for longer than a file or a decision.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slo-internal.h"
#include "usage-internal.h"
#include "tracepager/history.h"
#include "tracepager/limits.h"
#include "tracepager/pack.h"
#include "tracepager/trace_decoder.h"
#include "tracepager/xalloc.h"

/* One reading. */
struct slo_reading {
	const struct ruleset *rules;
	struct slo_samples *samples;
	struct slo_basis_told *told;
	struct signal asked; /* of --signal; service NULL: it names a rule, or nothing was asked */
	const char *file;
};

/* ---- traces ---- */

/* The shallowest span of the signal; TRACE_NONE: there is none. */
static uint32_t find_entry(const struct trace *trace, const struct signal *signal)
{
	const struct span *spans = trace->spans;
	CLEANUP_FREE uint32_t *order = xcalloc((size_t)trace->nspans + 1, sizeof(*order));
	uint32_t n = 0;

	for (uint32_t i = trace->first_root; i != TRACE_NONE && n < trace->nspans;
	     i = spans[i].next_sibling)
		order[n++] = i;
	for (uint32_t i = 0; i < n; i++) {
		if (signal_matches(signal, trace, &spans[order[i]]))
			return order[i];
		for (uint32_t child = spans[order[i]].first_child;
		     child != TRACE_NONE && n < trace->nspans; child = spans[child].next_sibling)
			order[n++] = child;
	}
	return TRACE_NONE;
}

/* The root of the trace that began first; one whose parent is missing is none. */
static uint32_t find_root(const struct trace *trace)
{
	const struct span *spans = trace->spans;
	uint32_t root = TRACE_NONE;

	for (uint32_t i = trace->first_root; i != TRACE_NONE; i = spans[i].next_sibling)
		if (!(spans[i].flags & (SPAN_ORPHAN | SPAN_FOLLOWS | SPAN_CYCLE)) &&
		    (root == TRACE_NONE || spans[i].start_us < spans[root].start_us))
			root = i;
	return root;
}

static bool add_entry(struct slo_reading *reading, const struct trace *trace, uint32_t entry,
		      const char *name)
{
	struct walk walk = { .trace = trace, .from_span = entry };

	if (entry == TRACE_NONE)
		return false;
	struct evidence_set *set = evidence_new(LIMIT_WINDOW_BYTES);
	if (evidence_add(set, &walk))
		slo_samples_add(reading->samples, set, name, true, &reading->told->taken);
	evidence_free(set);
	return true;
}

static void take_trace(struct slo_reading *reading, const struct trace *trace)
{
	size_t n = 0;
	const struct signal_rule *const *rules =
		reading->rules ? rules_signals(reading->rules, &n) : NULL;
	bool found = false;

	if (reading->asked.service) {
		found = add_entry(reading, trace, find_entry(trace, &reading->asked), NULL);
	} else if (n) {
		for (size_t i = 0; i < n; i++)
			found |= add_entry(reading, trace, find_entry(trace, &rules[i]->signal),
					   rules[i]->name);
	} else {
		found = add_entry(reading, trace, find_root(trace), NULL);
	}
	reading->told->rootless += !found;
}

static void slo_take_document(void *ctx, int line, struct trace_set *set, const struct err *err)
{
	struct slo_reading *reading = ctx;

	if (!set) {
		fprintf(stderr, "%s: line %d: %s\n", reading->file,
			err->line > 0 ? err->line : line, err->text);
		reading->told->has_unreadable |= err->code != ENOMSG && err->code != ENOENT;
		return;
	}
	for (uint32_t i = 0; i < set->ntraces; i++)
		take_trace(reading, &set->traces[i]);
	trace_set_free(set);
}

static int read_slo_file(struct slo_reading *reading, const char *path)
{
	CLEANUP_FCLOSE FILE *opened = NULL;
	struct trace_options options = { .extra_names = NULL };
	struct buf text = BUF_INIT(LIMIT_EXPLAIN_FILE_BYTES);
	FILE *file = stdin;
	int error = 0;

	if (strcmp(path, "-") != 0 && !(file = opened = fopen(path, "rb")))
		error = -errno;
	if (!error)
		error = buf_read(&text, file);
	if (error) {
		buf_fini(&text);
		command_failed(STATUS_USAGE, "slo", "%s: %s", path,
			       error == -EFBIG ? "the file is larger than 1 GiB"
					       : strerror(-error));
		return error;
	}
	if (reading->rules)
		options.extra_names = rules_attr_names(reading->rules, &options.nextra_names);
	reading->file = path;
	trace_documents(buf_text(&text), text.len, &options, slo_take_document, reading);
	buf_fini(&text);
	return 0;
}

/* ---- the store ---- */

/* The name of the rules' signal that has this operation; NULL: none has it. */
static const char *name_signal(const struct slo_reading *reading, const struct evidence_set *set)
{
	size_t n = 0;
	const struct signal_rule *const *rules =
		reading->rules ? rules_signals(reading->rules, &n) : NULL;

	for (size_t i = 0; i < n && set->n; i++) {
		const struct evidence *first = &set->at[0];
		const struct signal *signal = &rules[i]->signal;

		if (first->trace_id && *first->trace_id && signal->service && signal->operation &&
		    strcmp(signal->service, set->services[first->entry_service].name) == 0 &&
		    strcmp(signal->operation, set->texts[first->entry_operation]) == 0)
			return rules[i]->name;
	}
	return NULL;
}

/* Of healthy evidence the daemon takes no request that failed. */
static void take_decision(struct slo_reading *reading, const struct past *past)
{
	struct buf plain = BUF_INIT(LIMIT_STORED_TRACES_RAW_BYTES);
	struct evidence_set *healthy = NULL, *ordinary = NULL;
	struct err err = { 0 };

	if (past->healthy.len) {
		if (pack_open(past->healthy.data, past->healthy.len, &plain, &err) < 0 ||
		    !evidence_decode_both(buf_text(&plain), plain.len, &healthy, &ordinary))
			reading->told->unreadable++;
		if (healthy)
			slo_samples_add(reading->samples, healthy, name_signal(reading, healthy),
					false, &reading->told->taken);
	}
	evidence_free(healthy);
	evidence_free(ordinary);
	buf_fini(&plain);
}

static int read_slo_store(struct slo_reading *reading, const char *path)
{
	struct history *history = NULL;
	struct past past = { 0 };
	struct err err = { 0 };
	int64_t pos = 0;
	int result = history_open(path, &history, &err);

	while (result == 0 &&
	       (result = history_next(history, INT64_MIN, INT64_MAX, &pos, &past, &err)) > 0) {
		take_decision(reading, &past);
		past_fini(&past);
		result = 0;
	}
	history_close(history);
	if (result < 0)
		command_failed(STATUS_USAGE, "slo", "%s", err.text);
	return result < 0 ? result : 0;
}

/* ---- all ---- */

/* --signal names a rule's signal, or is a selector by itself. */
static void read_asked(struct slo_reading *reading, const char *text, struct arena *arena)
{
	const char *slash = text ? strchr(text, '/') : NULL;
	size_t n = 0;
	const struct signal_rule *const *rules =
		reading->rules ? rules_signals(reading->rules, &n) : NULL;

	for (size_t i = 0; text && i < n; i++)
		if (strcmp(rules[i]->name, text) == 0)
			return;
	if (text)
		reading->asked = (struct signal){
			.service =
				slash ? arena_strndup(arena, text, (size_t)(slash - text)) : text,
			.operation = slash ? slash + 1 : NULL,
			.from = "option",
		};
}

int slo_read(const struct slo_options *options, const struct ruleset *rules,
	     struct slo_samples *samples, struct slo_basis_told *ret_told)
{
	struct slo_reading reading = { .rules = rules, .samples = samples, .told = ret_told };
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	int result = 0;

	read_asked(&reading, options->signal, arena);
	for (size_t i = 0; i < options->healthy.n && result == 0; i++)
		result = read_slo_file(&reading, options->healthy.at[i]);
	if (options->store && result == 0)
		result = read_slo_store(&reading, options->store);
	arena_free(arena);
	return result;
}
