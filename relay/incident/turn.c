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
	int error; /* once the store has answered */
	char *text;
};
TAILQ_HEAD(turn_list, turn);

struct turns {
	struct store *store;
	struct timers *timers;
	const struct clock *clock;
	struct turn *now;	   /* NULL: nothing to write */
	struct store_batch *later; /* NULL: nothing that nobody waits for */
	struct turn_list committing;
	struct turn_list committed; /* not all that waited have been called */
	struct timer calling;	    /* they are, some in each turn */
	struct timer offer;	    /* the store's queue was full: hand over again */
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
	free(turn->text);
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

struct store_batch *turns_later_batch(struct turns *turns)
{
	if (!turns->later)
		turns->later = store_batch_new();
	return turns->later;
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
	return turns->now || turns->later || !TAILQ_EMPTY(&turns->committed);
}

static void turn_call_first(struct turn_waiters *waiters, const struct turn *turn)
{
	struct turn_waiter *waiter = STAILQ_FIRST(waiters);

	STAILQ_REMOVE_HEAD(waiters, link);
	waiter->done(waiter->ctx, turn->error, turn->text);
	free(waiter);
}

/* In the order of the commits. A start writes every alert that was unfinished in one group: those
 * that wait are called for at most LIMIT_SLICE_US in a turn. */
static void turns_call_others(void *arg)
{
	struct turns *turns = arg;
	int64_t until_us = clock_mono_us(turns->clock) + LIMIT_SLICE_US;
	struct turn *turn;

	while ((turn = TAILQ_FIRST(&turns->committed))) {
		if (STAILQ_EMPTY(&turn->others)) {
			TAILQ_REMOVE(&turns->committed, turn, link);
			turn_free(turn);
			continue;
		}
		turn_call_first(&turn->others, turn);
		if (clock_mono_us(turns->clock) >= until_us)
			break;
	}
	if (turn)
		timer_arm(turns->timers, &turns->calling, clock_mono_us(turns->clock));
}

static void turn_committed(void *ctx, int error, const char *text)
{
	struct turn *turn = ctx;
	struct turns *turns = turn->owner;

	turn->error = error;
	turn->text = xstrdup(text ? text : "");
	TAILQ_REMOVE(&turns->committing, turn, link);
	TAILQ_INSERT_TAIL(&turns->committed, turn, link);
	while (!STAILQ_EMPTY(&turn->answers))
		turn_call_first(&turn->answers, turn);
	if (!turns->calling.slot)
		turns_call_others(turns);
}

static void turn_hand_over(struct turns *turns)
{
	struct turn *turn = turns->now;

	TAILQ_INSERT_TAIL(&turns->committing, turn, link);
	if (store_commit(turns->store, turn->batch, turn_committed, turn) == 0) {
		turn->batch = NULL;
		turns->now = NULL;
	} else {
		TAILQ_REMOVE(&turns->committing, turn, link);
	}
}

void turns_flush(struct turns *turns)
{
	if (turns->later && store_commit_later(turns->store, turns->later) == 0)
		turns->later = NULL;
	if (turns->now)
		turn_hand_over(turns);
	if (turns->now || turns->later)
		timer_arm(turns->timers, &turns->offer,
			  clock_mono_us(turns->clock) + LIMIT_STORE_OFFER_US);
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
	TAILQ_INIT(&turns->committed);
	TAILQ_INIT(&turns->slices);
	turns->calling = (struct timer){ .fire = turns_call_others, .arg = turns };
	turns->offer = (struct timer){ .fire = turn_offer_again, .arg = turns };
	turns->work = (struct timer){ .fire = slices_run, .arg = turns };
	return turns;
}

static void turns_free_list(struct turn_list *list)
{
	struct turn *turn;

	while ((turn = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, turn, link);
		turn_free(turn);
	}
}

void turns_free(struct turns *turns)
{
	if (!turns)
		return;
	timer_disarm(turns->timers, &turns->calling);
	timer_disarm(turns->timers, &turns->offer);
	timer_disarm(turns->timers, &turns->work);
	turn_free(turns->now);
	store_batch_free(turns->later);
	turns_free_list(&turns->committing);
	turns_free_list(&turns->committed);
	free(turns);
}
