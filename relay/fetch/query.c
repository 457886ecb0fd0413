/*
 * Queries: copies of them and of their parts, and whether a trace answers one. Pure; owns nothing.
 */
#include "query-internal.h"

#include <string.h>

#include "tracepager/walk.h"

bool trace_id_equal(const char *a, const char *b)
{
	a += strspn(a, "0");
	b += strspn(b, "0");
	return strcasecmp(a, b) == 0;
}

bool trace_answers(const struct trace *trace, const struct trace_query *query)
{
	bool of_signal = false, failing = false;

	if (query->trace_id)
		return trace_id_equal(trace_text(trace, trace->id), query->trace_id);
	for (uint32_t i = 0; i < trace->nspans; i++) {
		const struct span *span = &trace->spans[i];
		if (!signal_matches(query->signal, trace, span))
			continue;
		of_signal = true;
		failing = span_failing(trace, span, true);
		if (failing || !(query->failing || query->healthy))
			break;
	}
	return of_signal && !(query->failing && !failing) && !(query->healthy && failing);
}

void labels_copy(struct arena *arena, const struct labels *labels, struct labels *ret_labels)
{
	ret_labels->n = labels->n;
	ret_labels->at = arena_array(arena, labels->n, sizeof(struct label));
	for (size_t i = 0; i < labels->n; i++)
		ret_labels->at[i] = (struct label){
			.name = arena_strdup(arena, labels->at[i].name),
			.value = arena_strdup(arena, labels->at[i].value),
		};
}

void signal_copy(struct arena *arena, const struct signal *signal, struct signal *ret_signal)
{
	*ret_signal = *signal;
	ret_signal->name = arena_strdup(arena, signal->name);
	ret_signal->service = arena_strdup(arena, signal->service);
	ret_signal->namespace = arena_strdup(arena, signal->namespace);
	ret_signal->operation = arena_strdup(arena, signal->operation);
	ret_signal->callee = arena_strdup(arena, signal->callee);
	ret_signal->from = arena_strdup(arena, signal->from);
	labels_copy(arena, &signal->attrs, &ret_signal->attrs);
}

void query_copy(struct arena *arena, const struct trace_query *query, struct signal *ret_signal,
		struct trace_query *ret_query)
{
	struct labels *labels = NULL;

	*ret_query = *query;
	ret_query->trace_id = arena_strdup(arena, query->trace_id);
	ret_query->expr = arena_strdup(arena, query->expr);
	if (query->labels) {
		labels = arena_alloc(arena, sizeof(*labels));
		labels_copy(arena, query->labels, labels);
	}
	ret_query->labels = labels;
	if (query->signal) {
		signal_copy(arena, query->signal, ret_signal);
		ret_query->signal = ret_signal;
	}
}

const char *const *names_copy(struct arena *arena, const char *const *names, size_t n)
{
	const char **copy = arena_array(arena, n, sizeof(*copy));

	for (size_t i = 0; i < n; i++)
		copy[i] = arena_strdup(arena, names[i]);
	return copy;
}

void options_copy(struct arena *arena, const struct trace_options *options,
		  struct trace_options *ret_options)
{
	*ret_options = *options;
	ret_options->extra_names = names_copy(arena, options->extra_names, options->nextra_names);
}
