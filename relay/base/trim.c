/* Trim: glibc gives back only the end of its heap by itself; malloc_trim() gives back every page
 * that has no block in use. */
#include "tracepager/trim.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

struct trim {
	struct pool *pool;
	struct timers *timers;
	const struct clock *clock;
	struct timer look;
	size_t left_bytes; /* free after the last trim: they lie between blocks in use */
	size_t free_bytes;
	bool trimmed;
	int64_t took_us;
};

/* In the pool. */
static void trim_run(void *arg)
{
	struct trim *trim = arg;
	int64_t began_us = clock_mono_us(trim->clock);

	trim->free_bytes = mallinfo2().fordblks;
	trim->trimmed = trim->free_bytes > trim->left_bytes + LIMIT_TRIM_BYTES;
	if (trim->trimmed) {
		malloc_trim(0);
		trim->left_bytes = mallinfo2().fordblks;
	} else if (trim->free_bytes < trim->left_bytes) {
		trim->left_bytes = trim->free_bytes;
	}
	trim->took_us = clock_mono_us(trim->clock) - began_us;
}

static void trim_arm(struct trim *trim)
{
	timer_arm(trim->timers, &trim->look, clock_mono_us(trim->clock) + LIMIT_TRIM_US);
}

static void trim_ran(void *arg)
{
	struct trim *trim = arg;

	if (trim->trimmed)
		log_debug("free memory was given back",
			  LOG_INT("free_bytes", (int64_t)trim->free_bytes),
			  LOG_INT("took_us", trim->took_us));
	trim_arm(trim);
}

static void trim_look(void *arg)
{
	struct trim *trim = arg;

	pool_submit(trim->pool, trim_run, trim_ran, trim);
}

struct trim *trim_new(struct pool *pool, struct timers *timers, const struct clock *clock)
{
	struct trim *trim = xcalloc(1, sizeof(*trim));

	*trim = (struct trim){ .pool = pool, .timers = timers, .clock = clock };
	trim->look = (struct timer){ .fire = trim_look, .arg = trim };
	trim_arm(trim);
	return trim;
}

void trim_free(struct trim *trim)
{
	if (!trim)
		return;
	timer_disarm(trim->timers, &trim->look);
	free(trim);
}
