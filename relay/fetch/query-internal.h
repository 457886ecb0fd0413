/*
 * Queries: copies of them and of their parts, and whether a trace answers one. Pure; any thread.
 */
#ifndef TRACEPAGER_QUERY_INTERNAL_H
#define TRACEPAGER_QUERY_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/arena.h"
#include "tracepager/signal.h"
#include "tracepager/trace_source.h"

/* Do two ids name one trace? Case and leading zeros do not count: some sources drop them. */
bool trace_id_equal(const char *a, const char *b);
/* Is it the trace that the query asks for by id, or a trace of the query's signal? A failing trace
 * has a failing span of the signal, a healthy one has none; spans of other operations do not count,
 * as in the backends' own searches. */
bool trace_answers(const struct trace *trace, const struct trace_query *query);

/* Copies; the arena keeps all that they point to. NULL texts stay NULL. */
const char *const *names_copy(struct arena *arena, const char *const *names, size_t n);
void labels_copy(struct arena *arena, const struct labels *labels, struct labels *ret_labels);
void signal_copy(struct arena *arena, const struct signal *signal, struct signal *ret_signal);
/* ret_query->signal becomes ret_signal, or NULL. */
void query_copy(struct arena *arena, const struct trace_query *query, struct signal *ret_signal,
		struct trace_query *ret_query);
void options_copy(struct arena *arena, const struct trace_options *options,
		  struct trace_options *ret_options);

#endif
