/*
 * Locate: the trace ids that an alert carries, and the expression whose metrics may carry others.
 * Refuses text that looks like an id but does not stand where an id stands. Pure, any thread; owns
 * nothing.
 */
#ifndef TRACEPAGER_LOCATE_H
#define TRACEPAGER_LOCATE_H

#include <stddef.h>

#include "tracepager/alert.h"
#include "tracepager/arena.h"

/* Trace ids in labels, annotations and links of an alert, the likeliest first, each once, as 16 to
 * 32 lower-case hex digits. The arena keeps them. Returns how many, at most max. */
size_t locate_trace_ids(struct arena *arena, const struct alert *alert, const char **ret_ids,
			size_t max);
/* The alert's expression (expr_find()), unless it asks logs or traces, which have no exemplars; the
 * arena keeps it. NULL: there is none. */
const char *locate_expr(struct arena *arena, const struct alert *alert);

#endif
