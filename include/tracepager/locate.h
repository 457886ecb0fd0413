/*
 * Locate: the trace ids that an alert carries, and the expression whose metrics may carry others.
 * Pure.
 */
#ifndef TRACEPAGER_LOCATE_H
#define TRACEPAGER_LOCATE_H

#include <stddef.h>

#include "tracepager/alert.h"
#include "tracepager/arena.h"

/* Trace ids in labels, annotations and links of an alert, the likeliest first, each once: 16 to 32
 * lower-case hex digits. Kept by the arena; returns how many (at most max). */
size_t locate_trace_ids(struct arena *arena, const struct alert *alert, const char **ret_ids,
			size_t max);
/* The PromQL expression in an alert's own link, as Prometheus writes it there (g0.expr=…); NULL:
 * there is none. Kept by the arena. */
const char *locate_expr(struct arena *arena, const struct alert *alert);

#endif
