/* Relay, log: its level, as the options and people say, and its sums in time. */
#include "relay-internal.h"

#include "tracepager/log.h"
#include "tracepager/log_levels.h"

static void relay_write_log_sums(void *arg)
{
	struct relay *relay = arg;

	relay->log_sums_us = INT64_MAX;
	log_write_sums(false); /* the end of the turn arms it again */
}

static enum log_level relay_configured_level(const struct relay *relay)
{
	enum log_level level = LOG_LEVEL_INFO;

	log_level_find(relay->config->log_level, &level);
	return level;
}

void relay_begin_log(struct relay *relay)
{
	relay->log_levels =
		log_levels_new(relay->clock, relay->timers, relay_configured_level(relay));
	relay->log_sums = (struct timer){ .fire = relay_write_log_sums, .arg = relay };
	relay->log_sums_us = INT64_MAX;
}

void relay_take_log_level(struct relay *relay)
{
	log_levels_configure(relay->log_levels, relay_configured_level(relay));
}

/* What other threads log wakes the loop soon: their work ends in it. */
void relay_time_log(struct relay *relay)
{
	const int64_t due_us = log_sums_due_us();

	if (due_us >= relay->log_sums_us)
		return;
	relay->log_sums_us = due_us;
	timer_arm(relay->timers, &relay->log_sums, due_us);
}

void relay_end_log(struct relay *relay)
{
	if (relay->timers)
		timer_disarm(relay->timers, &relay->log_sums);
	log_levels_free(relay->log_levels);
	log_write_sums(true);
}
