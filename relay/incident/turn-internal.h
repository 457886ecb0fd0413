/*
 * Turn: the writes of one turn of the loop, handed to the store as one group, and who waits for
 * them to be on disk. It knows callbacks only: neither alerts nor incidents.
 *
 * It also does work in slices: what could be ten thousand pieces at once (decisions after a storm's
 * one answer, alerts of a restart, writes that a failing disk missed) is queued, and done for at
 * most LIMIT_SLICE_US or LIMIT_SLICE_ITEMS in a turn. Loop thread only.
 */
#ifndef TRACEPAGER_INCIDENT_TURN_INTERNAL_H
#define TRACEPAGER_INCIDENT_TURN_INTERNAL_H

#include <stdbool.h>
#include <sys/queue.h>

#include "tracepager/clock.h"
#include "tracepager/store.h"
#include "tracepager/timers.h"

struct turns;

struct turns *turns_new(struct store *store, struct timers *timers, const struct clock *clock);
/* The present turn and those that commit are forgotten: nobody who waits is called but by forget().
 * Takes NULL. */
void turns_free(struct turns *turns);

/* The group of the present turn; borrowed until turns_flush(). */
struct store_batch *turns_batch(struct turns *turns);
/* The same for what nobody waits for: see store_commit_later(). */
struct store_batch *turns_later_batch(struct turns *turns);
/* done() when all that was put into the group so far is on disk, or is not (-errno). Answers to
 * senders are given before anything else happens; the others follow in the order of the commits,
 * for at most LIMIT_SLICE_US in a turn. */
void turns_answer(struct turns *turns, store_done *done, void *ctx);
/* forget(ctx): the turns were freed before the store answered. */
void turns_then(struct turns *turns, store_done *done, void (*forget)(void *ctx), void *ctx);
/* At the end of every turn: hands the group over. Where the store's queue is full it is offered
 * again in a moment. */
void turns_flush(struct turns *turns);
/* Something is not handed over yet, or not all that waited have been called. */
bool turns_pending(const struct turns *turns);

/* One piece of work that waits for its slice. Its memory is the caller's and stays until it ran or
 * was taken out. */
struct slice {
	TAILQ_ENTRY(slice) link;
	void (*run)(void *arg);
	void *arg;
	bool queued; /* private */
};

void slice_add(struct turns *turns, struct slice *slice);    /* harmless when it is queued */
void slice_remove(struct turns *turns, struct slice *slice); /* harmless when it is not */
size_t slices_waiting(const struct turns *turns);

#endif
