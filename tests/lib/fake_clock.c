/* A clock for tests, and the loop that moves it. */
#include "fake_clock.h"

static int64_t read_mono(void *ctx)
{
	return ((struct fake_clock *)ctx)->mono_us;
}

static int64_t read_wall(void *ctx)
{
	return ((struct fake_clock *)ctx)->wall_us;
}

void fake_clock_init(struct fake_clock *fake)
{
	*fake = (struct fake_clock){
		.clock = { read_mono, read_wall, fake },
		.timers = timers_new(),
		.pool = pool_new(0),
		.mono_us = FAKE_MONO_US,
		.wall_us = FAKE_WALL_US,
	};
}

void fake_clock_fini(struct fake_clock *fake)
{
	pool_free(fake->pool);
	timers_free(fake->timers);
}

int64_t fake_clock_elapsed_us(const struct fake_clock *fake)
{
	return fake->mono_us - FAKE_MONO_US;
}

static void move(struct fake_clock *fake, int64_t mono_us)
{
	if (mono_us <= fake->mono_us)
		return;
	fake->wall_us += mono_us - fake->mono_us;
	fake->mono_us = mono_us;
}

static void run_until(struct fake_clock *fake, int64_t end_us)
{
	for (;;) {
		while (pool_poll(fake->pool))
			;
		int64_t next = timers_next_us(fake->timers);
		if (next > end_us)
			return;
		move(fake, next);
		timers_run(fake->timers, fake->mono_us);
	}
}

void fake_clock_advance(struct fake_clock *fake, int64_t us)
{
	int64_t end = fake->mono_us + us;

	run_until(fake, end);
	move(fake, end);
}

void fake_clock_run_idle(struct fake_clock *fake, int64_t us)
{
	run_until(fake, fake->mono_us + us);
}
