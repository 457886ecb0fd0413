/*
 * Strata, inside: which operation a request is of (tracepager-walk(7), section 7).
 *
 * strata.c		the operation that tells a trace's request apart
 * operation_name.c	names of operations: what is an id in them, and what says nothing
 *
 * Pure; any thread. Texts are borrowed from the trace's set, or kept by the arena.
 */
#ifndef TRACEPAGER_STRATA_INTERNAL_H
#define TRACEPAGER_STRATA_INTERNAL_H

#include "span-internal.h"
#include "tracepager/arena.h"

/* ---- operation_name.c ---- */

/* The name with every id in it as "{id}", so that one operation has one name: numbers, UUIDs, long
 * hexadecimal words. Borrowed where there is none. */
const char *operation_without_ids(struct arena *arena, const char *name);
/* Does the name say which operation it is? Not a bare method, a catch-all route, or the words of a
 * proxy about itself ("ingress", "router backend egress"). */
bool operation_tells(const char *name);

/* ---- strata.c ---- */

/* Where the stratum of a trace begins. */
struct stratum_place {
	uint32_t start; /* the span from which the stratum votes: the signal's, or one below */
	const char *service, *namespace; /* of the operation that tells requests apart */
	const char *operation;		 /* without ids */
};
/* from: the signal's span. */
void stratum_find(struct arena *arena, const struct trace *trace, uint32_t from,
		  struct stratum_place *ret_place);

#endif
