/*
 * Baselines: what the healthy traces of each signal are like, gathered before they are needed. For
 * the signals that the rules declare again and again, one after the other and without haste; for
 * others when an alert first needs them. Only the evidence is kept, not the traces.
 *
 * Belongs to the loop's thread; the evidence is walked out of the traces in the pool.
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

/* Evidence that decisions may share; only the loop counts its references, and while one is held any
 * thread may read. */
struct baseline {
	struct evidence_set *evidence;
	unsigned int refs;
};
void baseline_unref(struct baseline *baseline); /* takes NULL */

struct baselines_env {
	struct fetch *fetch;
	struct timers *timers;
	const struct clock *clock;
	struct pool *pool;
	int64_t every_us;
};

struct baselines;

struct baselines *baselines_new(const struct baselines_env *env);
/* The pool is at rest, and nobody waits any more. Takes NULL. */
void baselines_free(struct baselines *baselines);
/* Gathers for the signals of these rules from now on; a reference of its own is taken. */
void baselines_set_rules(struct baselines *baselines, struct ruleset *rules);

/* Who waits for the first evidence of a signal. */
struct baseline_waiter {
	LIST_ENTRY(baseline_waiter) link;
	void (*ready)(void *arg); /* there is evidence, or there will be none */
	void *arg;
	bool waiting;
};

/* An alert is about this signal, from which on what is gathered may be sick: the evidence from
 * before, with a reference for the caller, or NULL. Then, if a gathering could be begun, the waiter
 * is called once, never before this returns. */
struct baseline *baselines_get(struct baselines *baselines, const struct signal *signal,
			       struct baseline_waiter *waiter);
void baselines_unwait(struct baseline_waiter *waiter); /* harmless when it does not wait */

#endif
