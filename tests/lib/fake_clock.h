/*
 * A clock that stands still until the test moves it, and the loop around it: timers fire at exactly
 * their time, jobs of the pool run in between.
 */
#ifndef TESTS_FAKE_CLOCK_H
#define TESTS_FAKE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "tracepager/clock.h"
#include "tracepager/pool.h"
#include "tracepager/timers.h"

/* 2026-09-01T10:00:00Z: where the wall clock begins. The monotonic clock begins at one hour. */
#define FAKE_WALL_US INT64_C(1788256800000000)
#define FAKE_MONO_US INT64_C(3600000000)

struct fake_clock {
	struct clock clock;
	struct timers *timers;
	struct pool *pool; /* without threads: its jobs run in the loop */
	int64_t mono_us, wall_us;
};

void fake_clock_init(struct fake_clock *fake);
void fake_clock_fini(struct fake_clock *fake);
int64_t fake_clock_elapsed_us(const struct fake_clock *fake); /* since fake_clock_init() */
/* Moves the clock by `us`, and runs jobs and timers on the way. */
void fake_clock_advance(struct fake_clock *fake, int64_t us);
/* Runs jobs and timers until none is left, at most `us` ahead; the clock ends at the last one. */
void fake_clock_run_idle(struct fake_clock *fake, int64_t us);

#endif
