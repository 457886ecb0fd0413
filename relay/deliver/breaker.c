/*
 * Breaker: how many attempts one pager gets, and when. Closed: LIMIT_DELIVERIES_PER_PAGER at a
 * time. Open (after LIMIT_BREAKER_FAILURES failures in a row): one at a time, with growing pauses;
 * the first answer closes it. Pure; owns nothing.
 */
#include "deliver-internal.h"

#include "tracepager/limits.h"

int64_t retry_delay_us(unsigned int failures, double random)
{
	int64_t step = LIMIT_RETRY_MIN_US;

	for (unsigned int i = 1; i < failures && step < LIMIT_RETRY_MAX_US; i++)
		step *= 2;
	if (step > LIMIT_RETRY_MAX_US)
		step = LIMIT_RETRY_MAX_US;
	return (int64_t)(random * (double)step);
}

bool breaker_open(const struct breaker *breaker)
{
	return breaker->failures >= LIMIT_BREAKER_FAILURES;
}

bool breaker_allows(const struct breaker *breaker, int64_t now_us, int64_t *ret_at_us)
{
	unsigned int most = breaker_open(breaker) ? 1 : LIMIT_DELIVERIES_PER_PAGER;

	*ret_at_us = 0;
	if (breaker->in_flight >= most)
		return false;
	if (now_us < breaker->not_before_us) {
		*ret_at_us = breaker->not_before_us;
		return false;
	}
	return true;
}

void breaker_success(struct breaker *breaker)
{
	breaker->failures = 0;
	breaker->not_before_us = 0;
}

static void breaker_hold(struct breaker *breaker, int64_t until_us)
{
	if (until_us > breaker->not_before_us)
		breaker->not_before_us = until_us;
}

void breaker_failure(struct breaker *breaker, int64_t now_us, int64_t retry_after_us, double random)
{
	breaker->failures++;
	/* A Retry-After holds every page to this pager. */
	if (retry_after_us >= 0)
		breaker_hold(breaker, now_us + retry_after_us);
	/* Probes are at least half a step apart, so that jitter never bunches them. */
	if (breaker_open(breaker))
		breaker_hold(breaker,
			     now_us + retry_delay_us(breaker->failures - LIMIT_BREAKER_FAILURES + 1,
						     0.5 + random / 2));
}
