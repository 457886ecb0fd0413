/*
 * Turn: see turn-internal.h. Owns the groups that are being gathered and committed, and the queue
 * of slices, but not the slices.
 */
#include "turn-internal.h"

#include <stdlib.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

struct turn_waiter {
	STAILQ_ENTRY(turn_waiter) link;
	store_done *done;
	void (*forget)(void *ctx);
	void *ctx;
};
STAILQ_HEAD(turn_waiters, turn_waiter);

struct turn {
	TAILQ_ENTRY(turn) link;
	struct turns *owner;
	struct store_batch *batch;
	struct turn_waiters answers, others;
};

struct turns {
	struct store *store;
	struct timers *timers;
	const struct clock *clock;
	struct turn *now; /* NULL: nothing to write */
	TAILQ_HEAD(, turn) committing;
	struct timer offer; /* the store's queue was full: hand over again */
	TAILQ_HEAD(, slice) slices;
	size_t nslices;
	struct timer work; /* slices wait */
};

/* ---- groups of writes ---- */

static struct turn *turn_present(struct turns *turns)
{
	if (!turns->now) {
		struct turn *turn = xcalloc(1, sizeof(*turn));
		turn->owner = turns;
		turn->batch = store_batch_new();
		STAILQ_INIT(&turn->answers);
		STAILQ_INIT(&turn->others);
		turns->now = turn;
	}
	return turns->now;
}

static void turn_free_waiters(struct turn_waiters *waiters)
{
	struct turn_waiter *waiter;

	while ((waiter = STAILQ_FIRST(waiters))) {
		STAILQ_REMOVE_HEAD(waiters, link);
		if (waiter->forget)
			waiter->forget(waiter->ctx);
		free(waiter);
	}
}

static void turn_free(struct turn *turn)
{
	if (!turn)
		return;
	turn_free_waiters(&turn->answers);
	turn_free_waiters(&turn->others);
	store_batch_free(turn->batch);
	free(turn);
}

static void turn_add_waiter(struct turn_waiters *waiters, store_done *done,
			    void (*forget)(void *ctx), void *ctx)
{
	struct turn_waiter *waiter = xcalloc(1, sizeof(*waiter));

	waiter->done = done;
	waiter->forget = forget;
	waiter->ctx = ctx;
	STAILQ_INSERT_TAIL(waiters, waiter, link);
}

struct store_batch *turns_batch(struct turns *turns)
{
	return turn_present(turns)->batch;
}

void turns_answer(struct turns *turns, store_done *done, void *ctx)
{
	turn_add_waiter(&turn_present(turns)->answers, done, NULL, ctx);
}

void turns_then(struct turns *turns, store_done *done, void (*forget)(void *ctx), void *ctx)
{
	turn_add_waiter(&turn_present(turns)->others, done, forget, ctx);
}

bool turns_pending(const struct turns *turns)
{
	return turns->now != NULL;
}

static void turn_call_waiters(struct turn_waiters *waiters, int error, const char *text)
{
	struct turn_waiter *waiter;

	while ((waiter = STAILQ_FIRST(waiters))) {
		STAILQ_REMOVE_HEAD(waiters, link);
		waiter->done(waiter->ctx, error, text);
		free(waiter);
	}
}

static void turn_committed(void *ctx, int error, const char *text)
{
	struct turn *turn = ctx;

	TAILQ_REMOVE(&turn->owner->committing, turn, link);
	turn_call_waiters(&turn->answers, error, text);
	turn_call_waiters(&turn->others, error, text);
	turn_free(turn);
}

void turns_flush(struct turns *turns)
{
	struct turn *turn = turns->now;

	if (!turn)
		return;
	TAILQ_INSERT_TAIL(&turns->committing, turn, link);
	if (store_commit(turns->store, turn->batch, turn_committed, turn) == 0) {
		turn->batch = NULL;
		turns->now = NULL;
		return;
	}
	TAILQ_REMOVE(&turns->committing, turn, link);
	timer_arm(turns->timers, &turns->offer, clock_mono_us(turns->clock) + LIMIT_STORE_OFFER_US);
}

static void turn_offer_again(void *arg)
{
	turns_flush(arg);
}

/* ---- slices ---- */

static void slices_run(void *arg)
{
	struct turns *turns = arg;
	int64_t until_us = clock_mono_us(turns->clock) + LIMIT_SLICE_US;
	struct slice *slice;

	for (size_t n = 0; n < LIMIT_SLICE_ITEMS && (slice = TAILQ_FIRST(&turns->slices)); n++) {
		slice_remove(turns, slice);
		slice->run(slice->arg);
		if (clock_mono_us(turns->clock) >= until_us)
			break;
	}
	if (!TAILQ_EMPTY(&turns->slices))
		timer_arm(turns->timers, &turns->work, clock_mono_us(turns->clock));
}

void slice_add(struct turns *turns, struct slice *slice)
{
	if (slice->queued)
		return;
	slice->queued = true;
	turns->nslices++;
	TAILQ_INSERT_TAIL(&turns->slices, slice, link);
	if (!turns->work.slot)
		timer_arm(turns->timers, &turns->work, clock_mono_us(turns->clock));
}

void slice_remove(struct turns *turns, struct slice *slice)
{
	if (!slice->queued)
		return;
	slice->queued = false;
	turns->nslices--;
	TAILQ_REMOVE(&turns->slices, slice, link);
}

size_t slices_waiting(const struct turns *turns)
{
	return turns->nslices;
}

/* ---- the whole ---- */

struct turns *turns_new(struct store *store, struct timers *timers, const struct clock *clock)
{
	struct turns *turns = xcalloc(1, sizeof(*turns));

	turns->store = store;
	turns->timers = timers;
	turns->clock = clock;
	TAILQ_INIT(&turns->committing);
	TAILQ_INIT(&turns->slices);
	turns->offer = (struct timer){ .fire = turn_offer_again, .arg = turns };
	turns->work = (struct timer){ .fire = slices_run, .arg = turns };
	return turns;
}

void turns_free(struct turns *turns)
{
	struct turn *turn;

	if (!turns)
		return;
	timer_disarm(turns->timers, &turns->offer);
	timer_disarm(turns->timers, &turns->work);
	turn_free(turns->now);
	while ((turn = TAILQ_FIRST(&turns->committing))) {
		TAILQ_REMOVE(&turns->committing, turn, link);
		turn_free(turn);
	}
	free(turns);
}
