/*
 * Past map: the service map of the traces that stored decisions have, read step by step, so that
 * nobody waits for all of it, with the owners that rules name. Refuses to follow the clock: its
 * reader says since when, and begins a new map when that is too long ago.
 *
 * One thread at a time may use a map. Views may be read by any thread.
 */
#ifndef TRACEPAGER_PAST_MAP_H
#define TRACEPAGER_PAST_MAP_H

#include "tracepager/history.h"
#include "tracepager/rules.h"
#include "tracepager/service_map.h"

/* What the figures of a map are about. */
struct past_map_basis {
	int64_t since_us;   /* wall: decisions made from then on */
	int64_t ndecisions; /* read so far */
	int64_t untraced;   /* those of which no trace is stored (any more) */
	int64_t in_part;    /* those of which a large trace is stored in part */
	int64_t unreadable;
	int64_t waiting; /* decisions that are not read yet */
};

struct past_map {
	struct service_map *map;
	struct past_map_basis basis;
	int64_t pos; /* of history_next() */
};

void past_map_init(struct past_map *map, int64_t since_us);
void past_map_fini(struct past_map *map);
/* Counts the next decision. 1: there may be more; 0: all are read, those that follow are found by
 * later calls; -errno with err. */
int past_map_step(struct past_map *map, struct history *history, struct err *err);
/* Counts in basis.waiting how many are not read yet. 0 or -errno with err. */
int past_map_count_rest(struct past_map *map, struct history *history, struct err *err);
/* The map with owners; rules NULL: nobody is known to own anything. A callee that the rules know
 * under another name has that name. The view is the arena's, its rules' texts are borrowed. */
void past_map_read(const struct past_map *map, struct arena *arena, const struct ruleset *rules,
		   struct service_map_view *ret_view);
/* The view as a JSON object. */
void past_map_write_json(const struct service_map_view *view, const struct past_map_basis *basis,
			 struct buf *out);

#endif
