/*
 * Decide: alert, traces and rules in; a decision out. Pure: the daemon, explain and everything that
 * asks "what would happen" call this and nothing else.
 */
#ifndef TRACEPAGER_DECIDE_H
#define TRACEPAGER_DECIDE_H

#include "tracepager/alert.h"
#include "tracepager/arena.h"
#include "tracepager/page.h"
#include "tracepager/rules.h"
#include "tracepager/vote.h"

struct decide_input {
	const struct alert *alert;   /* NULL: none (explain) */
	const struct signal *signal; /* NULL: from the alert, by decide_signal(); an option of
					explain overrides it */
	const struct trace *const *traces;
	unsigned int ntraces;
	const struct evidence_set *healthy; /* what the signal's traces are like without the fault;
					       NULL: nobody knows */
	const struct ruleset *rules;	    /* NULL: no owner, no page */
	enum walk_mode
		mode; /* WALK_AUTO unless an option says otherwise: then the signal's mode counts */
	int64_t now_us; /* wall */
	/* Without traces: what a vote over them said when they were there, to be decided again; its
	 * callee's names are peers of the suspect. NULL: nothing. */
	const struct verdict *told;
	/* Why there is no trace, or not all of them; FALLBACK_NONE where that is not a failure. */
	enum fallback_code missing;
	const char *missing_text;
	const char *trace_link; /* with {trace_id}: where a person opens the trace; NULL: none */
	bool tell_all_rules;	/* the trail holds every rule, not only the nearest */
};

struct decision {
	bool has_alert;
	struct alert alert; /* all zero without one */
	struct signal signal;
	bool has_signal;
	struct walk *walks;
	unsigned int nwalks;
	struct verdict verdict;
	/* Without rules all of these are NULL. */
	const struct team *team;
	const struct service_rule *service; /* the suspect's entry, or the signal's where there is
					       no verdict; NULL: none */
	const struct signal_rule *signal_rule;
	struct routing routing;	       /* what the routes made of it */
	const struct silence *silence; /* that keeps it quiet; NULL: none */
	struct rule_trail trail;       /* which rules were tried, and why */
	const char *rules_hash;
	const char *rule; /* place of the rule that gave the team: "services.yaml:12" */
	const char *owner_reasons[8];
	unsigned int nowner_reasons;
	bool no_page;	  /* a silence or a route says so */
	int64_t again_us; /* wall: then it may be another decision, as what says so ends; 0: not by
			     itself */
	/* The incident that this belongs to: the same key, the same incident. */
	const char *incident_key;
	struct page
		page; /* trigger; incident, dedup_key and opened_at_us are the caller's to fill */
};

/* The signal of an alert: a signals: rule, else its operation and service labels. false: it is not
 * about a traced operation (then nothing is waited for). known(): is there such a service in the
 * sources (for alerts that have only a job); NULL: nobody can tell. trail and ret_rule may be NULL.
 */
bool decide_signal(struct arena *arena, const struct alert *alert, const struct ruleset *rules,
		   bool (*known)(void *ctx, const char *service), void *ctx,
		   struct rule_trail *trail, struct signal *ret_signal,
		   const struct signal_rule **ret_rule);

void decide(struct arena *arena, const struct decide_input *input, struct decision *ret_decision);

/* The walk that the verdict rests on, else the first one: what is shown as evidence. NULL: there
 * was no trace. */
const struct walk *decision_walk(const struct decision *decision);

/* The error's words; where there are none, what the suspect's kind says ("calls to it fail"). */
const char *suspect_words(const struct suspect *suspect);

/* In which steps it is paged; NULL: nobody is, or the routes name pagers instead. */
const struct escalation *decision_escalation(const struct decision *decision);
/* The pagers that are paged first: of the first step, or those that the routes name. *ret_n 0:
 * nobody is paged. */
const struct pager *const *decision_pagers(const struct decision *decision, size_t *ret_n);

/* The contract's JSON, one line without a line end. */
void decision_write(const struct decision *decision, struct buf *out);

#endif
