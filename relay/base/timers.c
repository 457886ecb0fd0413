/* Timers: a binary heap of pointers to the callers' timers, each of which knows its place in it. */
#include "tracepager/timers.h"

#include <assert.h>
#include <stdlib.h>

#include "tracepager/xalloc.h"

struct timers {
	struct timer **heap; /* heap[0] is not used: slots count from 1 */
	size_t n, size;
};

struct timers *timers_new(void)
{
	return xcalloc(1, sizeof(struct timers));
}

void timers_free(struct timers *timers)
{
	if (!timers)
		return;
	for (size_t i = 1; i <= timers->n; i++)
		timers->heap[i]->slot = 0;
	free(timers->heap);
	free(timers);
}

static void place(struct timers *timers, struct timer *timer, size_t slot)
{
	timers->heap[slot] = timer;
	timer->slot = slot;
}

static void sift_up(struct timers *timers, struct timer *timer, size_t slot)
{
	while (slot > 1 && timers->heap[slot / 2]->deadline_us > timer->deadline_us) {
		place(timers, timers->heap[slot / 2], slot);
		slot /= 2;
	}
	place(timers, timer, slot);
}

static void sift_down(struct timers *timers, struct timer *timer, size_t slot)
{
	for (;;) {
		size_t child = 2 * slot;
		if (child > timers->n)
			break;
		if (child < timers->n && timers->heap[child + 1]->deadline_us < timers->heap[child]->deadline_us)
			child++;
		if (timers->heap[child]->deadline_us >= timer->deadline_us)
			break;
		place(timers, timers->heap[child], slot);
		slot = child;
	}
	place(timers, timer, slot);
}

void timer_arm(struct timers *timers, struct timer *timer, int64_t deadline_us)
{
	assert(timer->fire);
	timer_disarm(timers, timer);
	timer->deadline_us = deadline_us;
	if (timers->n + 2 > timers->size) {
		timers->size = timers->size ? timers->size * 2 : 64;
		timers->heap = xrealloc_array(timers->heap, timers->size, sizeof(struct timer *));
	}
	sift_up(timers, timer, ++timers->n);
}

void timer_disarm(struct timers *timers, struct timer *timer)
{
	size_t slot = timer->slot;

	if (!slot)
		return;
	assert(slot <= timers->n && timers->heap[slot] == timer);
	timer->slot = 0;
	struct timer *last = timers->heap[timers->n--];
	if (last == timer)
		return;
	if (slot > 1 && timers->heap[slot / 2]->deadline_us > last->deadline_us)
		sift_up(timers, last, slot);
	else
		sift_down(timers, last, slot);
}

int64_t timers_next_us(const struct timers *timers)
{
	return timers->n ? timers->heap[1]->deadline_us : INT64_MAX;
}

size_t timers_run(struct timers *timers, int64_t now_us)
{
	size_t fired = 0, due = timers->n;

	/* A handler that arms for now would hold the loop for ever: no more are fired than were armed at the start. */
	while (fired < due && timers->n && timers->heap[1]->deadline_us <= now_us) {
		struct timer *timer = timers->heap[1];
		timer_disarm(timers, timer);
		fired++;
		timer->fire(timer->arg);
	}
	return fired;
}
