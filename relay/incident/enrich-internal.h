/*
 * Enrichment: one alert's way to a decision: its signal, its traces within the budget, the
 * decision, and a better one when traces come late. It refuses to know what becomes of a decision:
 * that is told to whoever started it. It owns the fetched traces, the arena of the decision, and
 * the decision. Loop thread only; the pool computes large decisions.
 */
#ifndef TRACEPAGER_INCIDENT_ENRICH_INTERNAL_H
#define TRACEPAGER_INCIDENT_ENRICH_INTERNAL_H

#include "life-internal.h"
#include "tracepager/baselines.h"
#include "tracepager/decide.h"
#include "tracepager/fetch.h"
#include "tracepager/incident.h"
#include "turn-internal.h"

struct enricher; /* what all enrichments share: the rules in force, the parts that they use */
struct enrichment;

struct enrich_ops {
	/* Decided. late: the page has left already, and this is what late traces say. The
	 * enrichment may be dropped in here. */
	void (*decided)(void *arg, struct enrichment *enrichment, bool late);
};

struct enricher *enricher_new(const struct incident_env *env, struct turns *turns,
			      const struct enrich_ops *ops, struct ruleset *rules);
void enricher_free(struct enricher *enricher); /* all enrichments were dropped; takes NULL */
void enricher_set_rules(struct enricher *enricher,
			struct ruleset *rules); /* takes its own reference */
/* Those made at run time. Takes its own reference. */
void enricher_set_silences(struct enricher *enricher, struct silence_set *silences);
const struct silence_set *enricher_silences(const struct enricher *enricher); /* borrowed */
struct ruleset *enricher_rules(const struct enricher *enricher);	      /* borrowed */
const struct life_counts *enricher_counts(const struct enricher *enricher);

struct enrich_order {
	const char *key; /* of the alert, for the log; borrowed as long as the enrichment lives */
	const struct alert *alert; /* copied */
	int64_t starts_us;	   /* wall: the start of the alert, else its acceptance */
	int64_t begun_us; /* mono: acceptance, or the restart; the budget counts from here */
	bool crashed;	  /* processing it ended the program twice: its traces are left alone */
	struct span_context trace; /* the root of the relay's own trace; zeroed: none */
	void *arg;		   /* of enrich_ops */
};

/* Each sets *slot before decided() can be called; the receiver of decided() may drop the enrichment
 * and set *slot to NULL. */
/* Begins: decided() is called later, or in here where there is nothing to fetch. */
void enrichment_start(struct enricher *enricher, const struct enrich_order *order,
		      struct enrichment **slot);
/* What needs no trace is decided in here, and decided() called; else false, and nothing was begun.
 */
bool enrichment_decide_at_once(struct enricher *enricher, const struct enrich_order *order,
			       struct enrichment **slot);
/* The last resort of an alert whose enrichment does not come back: decided in here, without traces.
 */
void enrichment_decide_without(struct enricher *enricher, const struct enrich_order *order,
			       const char *why, struct enrichment **slot);
/* Nobody waits for it any more; it is freed when no thread and no reader uses it. Takes NULL. */
void enrichment_drop(struct enrichment *enrichment);
bool enrichment_is_late(
	const struct enrichment *enrichment); /* the look-up goes on after the decision */

/* Borrowed until the enrichment is dropped, or decides again. */
struct arena *enrichment_arena(const struct enrichment *enrichment); /* of the decision's texts */
struct decision *enrichment_decision(struct enrichment *enrichment);
struct ruleset *enrichment_rules(const struct enrichment *enrichment);
/* The decision as it was written down, and packed (pack.h); both are taken, and stay until the
 * enrichment is freed or another decision takes their place. NULL: it was not written. */
void enrichment_set_text(struct enrichment *enrichment, struct shared_text *text,
			 struct shared_text *packed);
struct shared_text *enrichment_text(const struct enrichment *enrichment);   /* borrowed */
struct shared_text *enrichment_packed(const struct enrichment *enrichment); /* borrowed */
/* The decision stands, and has led to that incident ("": to none): tells its span, where the alert
 * is traced. */
void enrichment_tell_decided(struct enrichment *enrichment, const char *incident, bool late);
/* Fills in what was looked up. Texts are borrowed. */
void enrichment_sight(const struct enrichment *enrichment, struct incident_sight *sight);
/* What the decision rests on, and the bytes of its traces. */
const struct decide_input *enrichment_input(const struct enrichment *enrichment, size_t *ret_bytes);
/* A reader (a record, the shadow rules) keeps it beyond its drop, and gives it back once. */
struct enrichment *enrichment_keep(struct enrichment *enrichment);
void enrichment_give_back(struct enrichment *enrichment); /* takes NULL */

#endif
