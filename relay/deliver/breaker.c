/*
 * Breaker: how many attempts one pager gets, and when. Closed: LIMIT_DELIVERIES_PER_PAGER at a
 * time, at most as many in a minute as the pager's kind takes. Open (after LIMIT_BREAKER_FAILURES
 * failures in a row): one at a time, with pauses that grow to LIMIT_BREAKER_PAUSE_US; the first
 * answer closes it. Attempts that were side by side and failed together count as one failure.
 *
 * A fresh page gets one try at once although the breaker is open or every place hangs, but at most
 * one a second, and none before the end of a pause that the pager asked for. Pure; owns nothing.
 */
#include "deliver-internal.h"

#include "tracepager/limits.h"

static int64_t breaker_step_us(unsigned int failures, int64_t most_us)
{
	int64_t step_us = LIMIT_RETRY_MIN_US;

	for (unsigned int i = 1; i < failures && step_us < most_us; i++)
		step_us *= 2;
	return step_us < most_us ? step_us : most_us;
}

int64_t retry_delay_us(unsigned int failures, double random)
{
	return (int64_t)(random * (double)breaker_step_us(failures, LIMIT_RETRY_MAX_US));
}

bool breaker_open(const struct breaker *breaker)
{
	return breaker->failures >= LIMIT_BREAKER_FAILURES;
}

/* Evenly three quarters of what a minute allows; the fourth is the burst below, so that no sliding
 * minute has more than all: rounded up. */
static int64_t breaker_gap_us(unsigned int per_minute)
{
	return per_minute ? US_PER_MINUTE * 4 / 3 / per_minute + 1 : 0;
}

/* When the pace allows one more request; `now` where it does already. */
static int64_t breaker_pace_us(const struct breaker *breaker, unsigned int per_minute,
			       int64_t now_us)
{
	int64_t burst_us = breaker_gap_us(per_minute) * (per_minute / 4);
	int64_t at_us = breaker->paced_us - burst_us;

	return per_minute && at_us > now_us ? at_us : now_us;
}

/* When a place is free: `now` where one is. 0: when an attempt has ended. */
static int64_t breaker_place_us(const struct breaker *breaker, bool fresh, int64_t now_us)
{
	bool open = breaker_open(breaker);
	unsigned int places = open ? 1 : LIMIT_DELIVERIES_PER_PAGER;

	if (fresh && (open || breaker->in_flight >= places))
		return breaker->in_flight < places + LIMIT_FRESH_DELIVERIES
			       ? breaker->started_us + LIMIT_FRESH_GAP_US
			       : 0;
	if (!open)
		return breaker->in_flight < places ? now_us : 0;
	if (breaker->in_flight < places)
		return breaker->probe_us;
	/* A probe that hangs does not keep the next one back for longer than a pause. */
	return breaker->in_flight == places ? breaker->started_us + LIMIT_BREAKER_PAUSE_US : 0;
}

bool breaker_allows(const struct breaker *breaker, unsigned int per_minute, bool fresh,
		    int64_t now_us, int64_t *ret_at_us)
{
	int64_t place_us = breaker_place_us(breaker, fresh, now_us);
	int64_t at_us = breaker_pace_us(breaker, per_minute, now_us);

	*ret_at_us = 0;
	if (!place_us)
		return false;
	if (place_us > at_us)
		at_us = place_us;
	if (breaker->retry_after_us > at_us)
		at_us = breaker->retry_after_us;
	if (now_us < at_us)
		*ret_at_us = at_us;
	return now_us >= at_us;
}

void breaker_start(struct breaker *breaker, unsigned int per_minute, int64_t now_us)
{
	breaker->in_flight++;
	breaker->started_us = now_us;
	if (breaker->paced_us < now_us)
		breaker->paced_us = now_us;
	breaker->paced_us += breaker_gap_us(per_minute);
}

bool breaker_success(struct breaker *breaker, int64_t started_us)
{
	bool was_failing = breaker->failures > 0;

	breaker->failures = 0;
	breaker->probe_us = 0;
	if (started_us > breaker->answered_us)
		breaker->answered_us = started_us;
	/* Other attempts of the same burst were asked for a pause: it counts on. */
	if (breaker->retry_after_us && started_us <= breaker->asked_us)
		return false;
	breaker->retry_after_us = 0;
	return was_failing;
}

void breaker_failure(struct breaker *breaker, int64_t started_us, int64_t now_us,
		     int64_t retry_after_us, double random)
{
	/* A Retry-After holds every page to this pager. */
	if (retry_after_us >= 0) {
		breaker->asked_us = now_us;
		if (now_us + retry_after_us > breaker->retry_after_us)
			breaker->retry_after_us = now_us + retry_after_us;
	}
	/* Not counted: the attempt was under way when the last failure was counted, so that both
	 * show one fault. */
	if (breaker->failures && started_us <= breaker->failed_us)
		return;
	breaker->failed_us = now_us;
	breaker->failures++;
	/* Probes are at least half a step apart, so that jitter never bunches them. */
	if (breaker_open(breaker))
		breaker->probe_us =
			now_us + (int64_t)((0.5 + random / 2) *
					   (double)breaker_step_us(
						   breaker->failures - LIMIT_BREAKER_FAILURES + 1,
						   LIMIT_BREAKER_PAUSE_US));
}

void breaker_allow_probe(struct breaker *breaker)
{
	breaker->probe_us = breaker->started_us; /* over */
	breaker->retry_after_us = 0;
}
