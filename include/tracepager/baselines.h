/*
 * Baselines: evidence from the healthy traces of each signal, gathered before an alert needs it.
 * Signals that the rules declare are gathered again every every_us, one after the other; other
 * signals when an alert first needs them. Owns the evidence, not the traces. Refuses more than
 * LIMIT_BASELINES signals and LIMIT_BASELINES_BYTES.
 *
 * Loop thread only; a thread of the pool makes the evidence from the traces.
 */
#ifndef TRACEPAGER_BASELINES_H
#define TRACEPAGER_BASELINES_H

#include <sys/queue.h>

#include "tracepager/clock.h"
#include "tracepager/evidence.h"
#include "tracepager/fetch.h"
#include "tracepager/pool.h"
#include "tracepager/rules.h"
#include "tracepager/timers.h"

/* Evidence that decisions may share. Only the loop counts references; whoever holds one may read it
 * in any thread. */
struct baseline {
	struct evidence_set *evidence;
	unsigned int refs;
};
/* The last reference frees it. Takes NULL. */
void baseline_unref(struct baseline *baseline);

/* All borrowed until baselines_free(). */
struct baselines_env {
	struct fetch *fetch;
	struct timers *timers;
	const struct clock *clock;
	struct pool *pool;
	int64_t every_us; /* between two gatherings of one signal */
};

struct baselines;

struct baselines *baselines_new(const struct baselines_env *env);
/* The pool must be idle, and no waiter may be left. Takes NULL. */
void baselines_free(struct baselines *baselines);
/* Gather for the signals of these rules from now on. Takes a reference of its own. */
void baselines_set_rules(struct baselines *baselines, struct ruleset *rules);

/* One who waits for the first evidence of a signal. The caller's memory. */
struct baseline_waiter {
	LIST_ENTRY(baseline_waiter) link;
	void (*ready)(void *arg); /* the gathering is over, with or without evidence */
	void *arg;
	bool waiting;
};

/* An alert is about this signal: returns its evidence with a reference for the caller, and stops
 * gathering for it for a while. NULL: there is none yet; then the waiter (NULL: none) is called
 * once after the gathering that this starts, never before this returns. It is not called
 * (waiter->waiting stays false) if there is no room for another signal. */
struct baseline *baselines_get(struct baselines *baselines, const struct signal *signal,
			       struct baseline_waiter *waiter);
/* No-op for one that does not wait. */
void baselines_unwait(struct baseline_waiter *waiter);

#endif
