/*
 * Alert cut: keeps of an alert's labels or annotations what fits the caps of limits.h. It reads no
 * JSON and knows no format. Pure: any thread may call.
 */
#ifndef TRACEPAGER_FORMAT_ALERT_CUT_INTERNAL_H
#define TRACEPAGER_FORMAT_ALERT_CUT_INTERNAL_H

#include <stddef.h>

#include "tracepager/alert.h"

/* What one map of an alert has lost. */
struct alert_cut {
	size_t given, left_out, shortened; /* names; those left out; values that lost their end */
};

/* Sorts n labels by name, keeps the last of each name and drops empty values, in place. As
 * labels_normalise(), but in n log n steps: a body may hold a million labels. Returns how many
 * remain. */
size_t alert_cut_sort(struct label *at, size_t n);

/* Keeps at most max of sorted labels, and *room bytes of their names and values, in the arena. The
 * names in `first`, which ends with NULL, take their place before the others; the others follow in
 * order of their names. A value is cut to LIMIT_LABEL_BYTES and to the room that is left, between
 * two characters; a label without room for a single character is left out. *room becomes what is
 * left. */
struct labels alert_cut_map(struct arena *arena, const struct labels *all, const char *const *first,
			    size_t max, size_t *room, struct alert_cut *ret_cut);

#endif
