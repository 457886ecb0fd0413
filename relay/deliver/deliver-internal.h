/*
 * Deliver's own: the breaker of a pager, and one attempt to deliver a page. Loop thread.
 */
#ifndef TRACEPAGER_DELIVER_INTERNAL_H
#define TRACEPAGER_DELIVER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/deliver.h"

/* breaker.c */

/* The breaker of one pager, for all its queues. The caller's memory; zeroed, it is closed. */
struct breaker {
	unsigned int failures; /* in a row; side by side they count once */
	unsigned int in_flight;
	int64_t failed_us;	/* monotonic, as all here: when the last failure was counted */
	int64_t started_us;	/* the last attempt */
	int64_t answered_us;	/* when the latest attempt began that was answered */
	int64_t probe_us;	/* open: no probe starts earlier */
	int64_t retry_after_us; /* the pager asked to be left alone until then; 0: it did not */
	int64_t asked_us;	/* when it asked last */
	int64_t paced_us;	/* the pace: how far ahead of its even rate it is */
};

bool breaker_open(const struct breaker *breaker);
/* May an attempt start now? If not, *ret_at_us is the monotonic time to ask again at; 0: ask again
 * when an attempt has ended. per_minute: requests that the pager's kind takes; 0: any. fresh: the
 * page has not been tried yet. */
bool breaker_allows(const struct breaker *breaker, unsigned int per_minute, bool fresh,
		    int64_t now_us, int64_t *ret_at_us);
void breaker_start(struct breaker *breaker, unsigned int per_minute,
		   int64_t now_us); /* one attempt more is in flight */
/* The pager answered; true: it had failed before, and what rests may be tried. started_us: of the
 * attempt. */
bool breaker_success(struct breaker *breaker, int64_t started_us);
/* retry_after_us: the pause that the pager asked for, or -1. random: 0
 * to 1. */
void breaker_failure(struct breaker *breaker, int64_t started_us, int64_t now_us,
		     int64_t retry_after_us, double random);

/* A person asks for a try: neither a probe's pause nor one that the pager asked for holds it. */
void breaker_allow_probe(struct breaker *breaker);

/* Pause after the given number of failures in a row: `random` (0 to 1) times an exponential step,
 * from LIMIT_RETRY_MIN_US to LIMIT_RETRY_MAX_US (full jitter). */
int64_t retry_delay_us(unsigned int failures, double random);

/* attempt.c: one try to deliver one page. */

struct attempt;

struct attempt_ops {
	/* Just before the request's first byte leaves. false: it does not, and no try was made. */
	bool (*begins)(void *ctx);
	/* status: HTTP's; 0: there was no reply or no request. judgement: borrowed; NULL: begins()
	 * said no. Called exactly once unless cancelled, and never before attempt_start() returns.
	 */
	void (*done)(void *ctx, const struct judgement *judgement, int status);
};

struct attempt_order {
	const struct stored_page *row; /* but its document and its target */
	const struct page *page;
	const struct page_target *target;
	const char *memory; /* of the recipient */
	const char *fault;  /* why there is no page or no target; NULL: there are both */
};
/* env and ops are borrowed until done() or attempt_cancel(); the order only during the call. */
struct attempt *attempt_start(const struct deliver_env *env, const struct attempt_order *order,
			      const struct attempt_ops *ops, void *ctx);
/* In the relay's own traces; zeroed: it is in none. */
struct span_context attempt_span(const struct attempt *attempt);
void attempt_cancel(struct attempt *attempt); /* takes NULL */

/* attempt_trace.c: an attempt as a span of the relay's own traces. */

struct attempt_trace;

/* The attempt begins: it belongs to the page's span. NULL: it is in no trace. */
struct attempt_trace *attempt_trace_new(const struct deliver_env *env,
					const struct attempt_order *order);
struct span_context attempt_trace_span(const struct attempt_trace *trace); /* takes NULL */
/* What is sent, before it is: a request of a kind whose receivers may go on with the trace gets the
 * header traceparent, whose text trace keeps. Takes NULL. */
void attempt_trace_sends(struct attempt_trace *trace, struct delivery *delivery);
/* It has ended: tells the span, and frees trace. judgement NULL: no request left, and nothing is
 * told. Takes NULL. */
void attempt_trace_end(struct attempt_trace *trace, const struct judgement *judgement, int status);

#endif
