/*
 * Decide: alert, traces and rules in; a decision out. The daemon, explain, rule tests, replay and
 * the shadow rules all call decide() and nothing else. Refuses I/O: no clock, no log, no
 * descriptor. Owns nothing: the arena keeps what is made; the rest of a decision is borrowed from
 * its input, which must outlive it. Pure, any thread; an arena belongs to one thread at a time.
 */
#ifndef TRACEPAGER_DECIDE_H
#define TRACEPAGER_DECIDE_H

#include "tracepager/alert.h"
#include "tracepager/arena.h"
#include "tracepager/page.h"
#include "tracepager/rules.h"
#include "tracepager/silence.h"
#include "tracepager/vote.h"

struct decide_input {
	const struct alert *alert;   /* NULL: none (explain) */
	const struct signal *signal; /* NULL: found from the alert by decide_signal() */
	const struct trace *const *traces;
	unsigned int ntraces;
	const struct evidence_set *healthy; /* of the signal's healthy traces; NULL: unknown */
	/* Of fine traces of the same window, which have no vote; NULL: unknown. */
	const struct evidence_set *ordinary;
	const struct ruleset *rules;	    /* NULL: no owner, no page */
	const struct silence_set *silences; /* made at run time; NULL: none */
	enum walk_mode mode;		    /* WALK_AUTO: the signal's mode */
	int64_t now_us;			    /* wall time */
	/* To decide again without the traces: the verdict of an earlier vote over them, whose
	 * suspect keeps the callee's names in its peers. NULL: none. */
	const struct verdict *told;
	/* Why traces are missing; FALLBACK_NONE: none is missing, or none was wanted. */
	enum fallback_code missing;
	const char *missing_text;
	const char *trace_link; /* address of a trace, with {trace_id} in it; NULL: none */
	bool tell_all_rules;	/* keep every rule in the trail, not only the nearest */
};

/* How fast an alert about an objective says that the error budget is used. */
struct burn_rate {
	double factor;		   /* times as fast as allowed: 14.4 */
	int64_t long_us, short_us; /* over which times; 0: not known */
};

struct burn {
	const char *slo, *service; /* names, as the alert has them; "": it has none */
	double budget;		   /* the share of bad events that is allowed; 0: not known */
	int64_t window_us;	   /* over which the budget holds; 0: not known */
	int64_t exhausted_us;	   /* a whole budget is used in so long; 0: not known */
	/* One of these is met, each over both its times. */
	struct burn_rate rates[4];
	unsigned int nrates; /* 0: only exhausted_us is known */
	bool least;	     /* the rates are the least that the alert fires at */
	const char *text;    /* a sentence for a person */
};

struct decision {
	bool has_alert;
	struct alert alert; /* zeroed without one */
	struct signal signal;
	bool has_signal;
	struct walk *walks;
	unsigned int nwalks;
	struct verdict verdict;
	/* What is wrong with the verdict's suspect: its error's words, "took 989 ms, usually 43
	 * ms", else the words of its kind ("calls to it fail"). */
	const char *words;
	const struct burn *burn; /* NULL: the alert tells no burn rate */
	/* Without rules, all of these are NULL or zero. */
	const struct team *team;
	const struct service_rule *service; /* the entry of the suspect, without a suspect of the
					     * signal's service; NULL: none */
	const struct signal_rule *signal_rule;
	struct routing routing;	       /* what the routes changed */
	const struct silence *silence; /* which covers the alert; NULL: none */
	const char *silence_id;	 /* of one that was made at run time; NULL: one of the rules */
	struct rule_trail trail; /* rules that were tried, and why they match or not */
	const char *rules_hash;
	const char *rule; /* place of the rule that gave the team: "services.yaml:12" */
	const char *owner_reasons[8];
	unsigned int nowner_reasons;
	bool heartbeat;	  /* an alert that always fires: it pages nobody unless a route matches */
	bool no_page;	  /* a silence or a route forbids the page, or it is a heartbeat */
	int64_t again_us; /* wall time at which the silence or route ends: decide again then; 0:
			   * it does not end by itself */
	/* Decisions with one key belong to one incident. */
	const char *incident_key;
	int64_t resolve_hold_us; /* between the end of its last alert and its resolve; 0: at once */
	int64_t regroup_after_us; /* joining it without a verdict later than that rings again */
	/* The trigger; the caller fills incident, dedup_key and opened_at_us. */
	struct page page;
};

/* The signal of an alert: of a signals: rule, else from its labels of service and operation. false:
 * the alert is not about a traced operation. known(): does a source have such a service? It is
 * asked of alerts that have only a job; NULL: no source can be asked. rules, trail and ret_rule may
 * be NULL. The arena keeps texts that are made; the others are borrowed from alert and rules. */
bool decide_signal(struct arena *arena, const struct alert *alert, const struct ruleset *rules,
		   bool (*known)(void *ctx, const char *service), void *ctx,
		   struct rule_trail *trail, struct signal *ret_signal,
		   const struct signal_rule **ret_rule);

/* Always makes a decision: what is missing becomes its fallback. */
void decide(struct arena *arena, const struct decide_input *input, struct decision *ret_decision);

/* The walk that is shown as evidence: the one that the verdict rests on, else the first. NULL:
 * there was no trace. */
const struct walk *decision_walk(const struct decision *decision);

/* Was it about no traced operation, so that no trace was wanted? Not where the alert names a trace
 * or has a signal, whatever became of looking for it. */
bool decision_is_untraced(const struct decision *decision);

/* A confidence that names a suspect, in words: "almost certain", "likely", "possible". */
const char *confidence_words(double confidence);

/* The escalation that is paged by; NULL: nobody is paged, or the routes name the pagers. */
const struct escalation *decision_escalation(const struct decision *decision);
/* The pagers that are paged first: of the escalation's first step, or those that the routes name.
 * *ret_n 0: nobody is paged. */
const struct pager *const *decision_pagers(const struct decision *decision, size_t *ret_n);

/* Append the decision as one line of JSON, without a line end. */
void decision_write(const struct decision *decision, struct buf *out);

#endif
