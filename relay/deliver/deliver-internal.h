/*
 * What the files that deliver share: the breaker of a pager, and one attempt.
 */
#ifndef TRACEPAGER_DELIVER_INTERNAL_H
#define TRACEPAGER_DELIVER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/deliver.h"

/* breaker.c */

/* One pager as all its lanes see it. Kept until deliver_free(): as many as the rules have named. */
struct breaker {
	unsigned int failures; /* one after the other */
	unsigned int in_flight;
	int64_t not_before_us; /* mono: nothing starts earlier */
};

bool breaker_open(const struct breaker *breaker);
/* May an attempt start now? If not and *ret_at_us is set, ask again then; 0: when an attempt has
 * ended. */
bool breaker_allows(const struct breaker *breaker, int64_t now_us, int64_t *ret_at_us);
void breaker_success(struct breaker *breaker);
/* retry_after_us: what the pager asked for, or -1. random: 0 to 1. */
void breaker_failure(struct breaker *breaker, int64_t now_us, int64_t retry_after_us,
		     double random);

/* Full jitter: evenly from 0 to the capped exponential step of the n-th failure in a row. */
int64_t retry_delay_us(unsigned int failures, double random);

/* attempt.c: one try to deliver one page. */

struct attempt;

/* status: HTTP's, 0 without one. Called exactly once, never before attempt_start() returns, unless
 * cancelled. */
typedef void attempt_done(void *ctx, const struct judgement *judgement, int status);

struct attempt *attempt_start(const struct deliver_env *env, const struct stored_page *page,
			      attempt_done *done, void *ctx);
void attempt_cancel(struct attempt *attempt); /* takes NULL */

#endif
