/* Timers: a heap with four children to a place, so that few timers move where one is taken out. The
 * heap has the deadlines itself: to compare two, the callers' timers, which lie all over the
 * memory, are not looked at. Each timer knows its place. */
#include "tracepager/timers.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* Children of a place. */
#define HEAP_WIDTH 4u

struct heap_place {
	int64_t deadline_us;
	uint64_t order; /* of equal deadlines the timer that was armed first fires first */
	struct timer *timer;
};

struct timers {
	struct heap_place *heap; /* heap[0] is not used: slots count from 1 */
	size_t n, size;
	uint64_t armed;	    /* how many were armed so far: the next timer's order */
	int64_t running_us; /* inside timers_run(): its now_us; else INT64_MIN */
};

struct timers *timers_new(void)
{
	struct timers *timers = xcalloc(1, sizeof(*timers));

	timers->running_us = INT64_MIN;
	return timers;
}

void timers_free(struct timers *timers)
{
	if (!timers)
		return;
	for (size_t i = 1; i <= timers->n; i++)
		timers->heap[i].timer->slot = 0;
	free(timers->heap);
	free(timers);
}

static bool timer_before(const struct heap_place *a, const struct heap_place *b)
{
	return a->deadline_us != b->deadline_us ? a->deadline_us < b->deadline_us
						: a->order < b->order;
}

static size_t heap_parent(size_t slot)
{
	return (slot - 2) / HEAP_WIDTH + 1;
}

static void timer_place(struct timers *timers, const struct heap_place *place, size_t slot)
{
	timers->heap[slot] = *place;
	place->timer->slot = (uint32_t)slot;
}

static void sift_up(struct timers *timers, const struct heap_place *place, size_t slot)
{
	while (slot > 1 && timer_before(place, &timers->heap[heap_parent(slot)])) {
		timer_place(timers, &timers->heap[heap_parent(slot)], slot);
		slot = heap_parent(slot);
	}
	timer_place(timers, place, slot);
}

/* The earliest child of the slot; 0: it has none. */
static size_t heap_child(const struct timers *timers, size_t slot)
{
	size_t first = HEAP_WIDTH * (slot - 1) + 2, earliest = first;

	if (first > timers->n)
		return 0;
	for (size_t child = first + 1; child < first + HEAP_WIDTH && child <= timers->n; child++)
		if (timer_before(&timers->heap[child], &timers->heap[earliest]))
			earliest = child;
	return earliest;
}

static void sift_down(struct timers *timers, const struct heap_place *place, size_t slot)
{
	size_t child;

	while ((child = heap_child(timers, slot)) && timer_before(&timers->heap[child], place)) {
		timer_place(timers, &timers->heap[child], slot);
		slot = child;
	}
	timer_place(timers, place, slot);
}

void timer_arm(struct timers *timers, struct timer *timer, int64_t deadline_us)
{
	assert(timer->fire);
	timer_disarm(timers, timer);
	/* A timer that a handler arms for the past fires behind all that were due before. */
	timer->deadline_us = deadline_us > timers->running_us ? deadline_us : timers->running_us;
	if (timers->n + 2 > timers->size) {
		timers->size = timers->size ? timers->size + timers->size / 2 : 64;
		assert(timers->size <= UINT32_MAX);
		timers->heap = xrealloc_array(timers->heap, timers->size, sizeof(*timers->heap));
	}
	const struct heap_place place = { timer->deadline_us, timers->armed++, timer };
	sift_up(timers, &place, ++timers->n);
}

void timer_disarm(struct timers *timers, struct timer *timer)
{
	size_t slot = timer->slot;

	if (!slot)
		return;
	assert(slot <= timers->n && timers->heap[slot].timer == timer);
	timer->slot = 0;
	const struct heap_place last = timers->heap[timers->n--];
	if (last.timer == timer)
		return;
	if (slot > 1 && timer_before(&last, &timers->heap[heap_parent(slot)]))
		sift_up(timers, &last, slot);
	else
		sift_down(timers, &last, slot);
}

int64_t timers_next_us(const struct timers *timers)
{
	return timers->n ? timers->heap[1].deadline_us : INT64_MAX;
}

/* clock: NULL if only the number of timers ends the run. */
static size_t run_due(struct timers *timers, int64_t now_us, const struct clock *clock,
		      int64_t end_us)
{
	uint64_t first_new = timers->armed;
	size_t fired = 0;

	timers->running_us = now_us;
	while (timers->n && timers->heap[1].deadline_us <= now_us &&
	       fired < LIMIT_TIMERS_PER_TURN) {
		struct timer *timer = timers->heap[1].timer;
		if (timers->heap[1].order >= first_new && timer->deadline_us == now_us)
			break; /* a handler armed it: it must not hold the loop */
		if (clock && fired > 0 && clock_mono_us(clock) >= end_us)
			break;
		timer_disarm(timers, timer);
		fired++;
		timer->fire(timer->arg);
	}
	timers->running_us = INT64_MIN;
	return fired;
}

size_t timers_run(struct timers *timers, int64_t now_us)
{
	return run_due(timers, now_us, NULL, 0);
}

size_t timers_run_until(struct timers *timers, int64_t now_us, const struct clock *clock,
			int64_t end_us)
{
	return run_due(timers, now_us, clock, end_us);
}
