/*
 * Incidents: the life of alerts and incidents. Alerts come in, are stored, enriched, decided;
 * incidents open, are joined, hold, move, resolve; pages are queued for delivery. The states and
 * their moves are tbl/life.def, drawn in tracepager-incidents(7). It owns alerts and incidents in
 * memory, and writes every step to the store.
 *
 * It sees no socket and no clock of its own: time, timers, store, fetching and delivery are handed
 * in, so that a day of its life is tested in milliseconds. Loop thread only.
 */
#ifndef TRACEPAGER_INCIDENT_H
#define TRACEPAGER_INCIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/alert.h"
#include "tracepager/clock.h"
#include "tracepager/err.h"
#include "tracepager/http.h"
#include "tracepager/intake.h"
#include "tracepager/pool.h"
#include "tracepager/rules.h"
#include "tracepager/shadow.h"
#include "tracepager/store.h"
#include "tracepager/timers.h"

struct incidents;
struct baselines;
struct fetch;

struct incident_options {
	int64_t enrich_us;	/* an alert waits so long for its traces */
	int64_t enrich_late_us; /* and late traces improve the page for so long */
	int64_t window_before_us;
	int64_t expire_after_us;
	const char *trace_link; /* "" none */
};

struct incident_env {
	const struct clock *clock;
	struct timers *timers;
	struct store *store;
	struct fetch *fetch;
	struct baselines *baselines; /* NULL: nothing is compared with healthy traces */
	struct pool *pool;
	const struct http_transport *transport; /* for deliveries */
	int console_fd;				/* for pages of kind console */
	struct shadow *shadow;			/* decides along; NULL: none */
	struct incident_options options;
};

/* rules: a reference of its own is taken. */
struct incidents *incidents_new(const struct incident_env *env, struct ruleset *rules);
/* What is in flight is forgotten: the store has it. Fetch jobs are cancelled. Takes NULL. */
void incidents_free(struct incidents *incidents);
/* From the store, once, before anything is accepted: finishes what was accepted before. */
int incidents_load(struct incidents *incidents, struct err *err);
void incidents_set_rules(struct incidents *incidents,
			 struct ruleset *rules); /* takes its own reference */

/* Is there room? false: answer 503. */
bool incidents_have_room(const struct incidents *incidents);
/* Takes an alert into this turn's group of writes. It is durable when the turn's commit succeeds:
 * incidents_when_durable(). */
/* more: alerts of the same body that are still to come. */
enum accept_result incidents_accept(struct incidents *incidents, const struct alert *alert,
				    size_t more);
/* done(0) when all that was accepted in this turn so far is on disk; done(-errno) when it is not,
 * and was forgotten. */
void incidents_when_durable(struct incidents *incidents, store_done *done, void *ctx);
/* A sender's body was refused altogether: the catch-all team learns it, at most once an hour for
 * each sender. */
void incidents_body_refused(struct incidents *incidents, const char *sender, const char *why);
/* Pages the catch-all team about what befell the store. news: a sentence, copied. */
void incidents_store_damaged(struct incidents *incidents, const char *news);
/* At the end of every turn: hands the turn's writes to the store. */
void incidents_flush(struct incidents *incidents);

/* Work that is not at rest: alerts waiting, pages queued, writes under way. For drains and tests.
 */
size_t incidents_busy(const struct incidents *incidents);
/* Open incidents whose page no pager has taken, or may still take. */
size_t incidents_unreached(const struct incidents *incidents);
/* Sets the gauges. */
void incidents_measure(const struct incidents *incidents);

#endif
