/*
 * Timers: deadlines on the monotonic clock, in a heap. Whoever drives the loop asks for the next
 * deadline and runs what is due; in the daemon that is one libevent timer, in tests a loop over a
 * fake clock.
 */
#ifndef TRACEPAGER_TIMERS_H
#define TRACEPAGER_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct timer {
	void (*fire)(void *arg);
	void *arg;
	int64_t deadline_us;
	size_t slot; /* 1-based place in the heap; 0: not armed. Private */
	uint64_t order; /* of arming, between equal deadlines. Private */
};

struct timers;

struct timers *timers_new(void);
void timers_free(struct timers *timers); /* armed timers are forgotten, not fired */

/* Arms or moves; the timer's memory is the caller's and must stay until it fired or was disarmed.
 */
void timer_arm(struct timers *timers, struct timer *timer, int64_t deadline_us);
void timer_disarm(struct timers *timers, struct timer *timer); /* harmless when not armed */

int64_t timers_next_us(const struct timers *timers); /* INT64_MAX: none */
/* Fires what is due at now, earliest first; what a handler arms for now or before waits for the
 * next call. Returns how many fired. */
size_t timers_run(struct timers *timers, int64_t now_us);

#endif
