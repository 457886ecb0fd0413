/*
 * Timers: deadlines on the monotonic clock. The driver asks for the next deadline and runs the
 * timers that are due: the loop does so with one libevent timer, tests with a fake clock.
 *
 * It owns no timer: a struct timer is its user's. It reads a clock only to stop in time. Loop
 * thread only.
 */
#ifndef TRACEPAGER_TIMERS_H
#define TRACEPAGER_TIMERS_H

#include <stddef.h>
#include <stdint.h>

#include "tracepager/clock.h"

struct timer {
	void (*fire)(void *arg);
	void *arg;
	int64_t deadline_us;
	uint32_t slot; /* private: the place in the heap, from 1; 0: not armed */
};

struct timers;

struct timers *timers_new(void);
/* Disarms all timers and fires none. Takes NULL. */
void timers_free(struct timers *timers);

/* Arms a timer, or moves an armed one. Its memory is the caller's and must stay until the timer has
 * fired or is disarmed. */
void timer_arm(struct timers *timers, struct timer *timer, int64_t deadline_us);
void timer_disarm(struct timers *timers, struct timer *timer); /* no harm if not armed */

/* The earliest deadline; INT64_MAX: none. */
int64_t timers_next_us(const struct timers *timers);
/* Fires the timers that are due, earliest first, at most LIMIT_TIMERS_PER_TURN of them; the rest
 * waits for the next call, and timers_next_us() tells that they are due. A timer that a handler
 * arms for now or earlier waits for the next call too. Returns how many have fired. */
size_t timers_run(struct timers *timers, int64_t now_us);
/* The same, but once one has fired, none fires after the clock has reached end_us. */
size_t timers_run_until(struct timers *timers, int64_t now_us, const struct clock *clock,
			int64_t end_us);

#endif
