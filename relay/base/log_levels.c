/* Log levels: see log_levels.h. */
#include "tracepager/log_levels.h"

#include <stdio.h>
#include <stdlib.h>

#include "tracepager/xalloc.h"

struct log_levels {
	const struct clock *clock;
	struct timers *timers;
	enum log_level configured;
	struct timer end;	       /* of what a person set */
	int64_t until_us;	       /* wall; 0: no end */
	char who[LIMIT_LOG_WHO_BYTES]; /* "": the options' level is in force */
};

/* The line is written under the lower of the two levels: whoever lowers the level sees that it
 * worked, and whoever raises it leaves a trace. */
static void log_levels_enter(enum log_level level, const char *why, const char *who,
			     const char *until)
{
	const enum log_level before = log_level_now();

	if (level < before)
		log_set_level(level);
	log_warn("the log level changes", LOG_STR("from", log_level_name(before)),
		 LOG_STR("to", log_level_name(level)), LOG_STR("reason", why), LOG_OPT("who", who),
		 LOG_OPT("until", until));
	log_set_level(level);
}

static void log_levels_end(struct log_levels *levels, const char *why)
{
	timer_disarm(levels->timers, &levels->end);
	levels->until_us = 0;
	*levels->who = '\0';
	log_levels_enter(levels->configured, why, NULL, NULL);
}

static void log_levels_on_end(void *arg)
{
	log_levels_end(arg, "its time is over");
}

struct log_levels *log_levels_new(const struct clock *clock, struct timers *timers,
				  enum log_level configured)
{
	struct log_levels *levels = xcalloc(1, sizeof(*levels));

	levels->clock = clock;
	levels->timers = timers;
	levels->configured = configured;
	levels->end = (struct timer){ .fire = log_levels_on_end, .arg = levels };
	return levels;
}

void log_levels_free(struct log_levels *levels)
{
	if (!levels)
		return;
	timer_disarm(levels->timers, &levels->end);
	free(levels);
}

void log_levels_configure(struct log_levels *levels, enum log_level configured)
{
	if (levels->configured == configured)
		return;
	levels->configured = configured;
	log_levels_end(levels, "log_level of the options");
}

void log_levels_set(struct log_levels *levels, enum log_level level, int64_t for_us,
		    const char *who)
{
	char until[RFC3339_SIZE] = "";

	if (for_us > LIMIT_LOG_LEVEL_US)
		for_us = LIMIT_LOG_LEVEL_US;
	timer_disarm(levels->timers, &levels->end);
	levels->until_us = 0;
	snprintf(levels->who, sizeof(levels->who), "%s", *who ? who : "somebody");
	if (for_us > 0) {
		levels->until_us = clock_wall_us(levels->clock) + for_us;
		rfc3339_format(levels->until_us, until);
		timer_arm(levels->timers, &levels->end, clock_mono_us(levels->clock) + for_us);
	}
	log_levels_enter(level, "a person sets it", levels->who, until);
}

struct log_levels_view log_levels_view(const struct log_levels *levels)
{
	return (struct log_levels_view){ .level = log_level_now(),
					 .configured = levels->configured,
					 .until_us = levels->until_us,
					 .who = levels->who };
}
