/*
 * Past: a stored decision opened, with its alert, its traces and the verdict that it had, and
 * decided again under other rules. Refuses to read the store: history.h does. Any thread may open
 * decisions of its own; opened ones are not shared.
 */
#ifndef TRACEPAGER_PAST_H
#define TRACEPAGER_PAST_H

#include "tracepager/decide.h"
#include "tracepager/history.h"

/* Wall time in UTC: "2026-09-01 10:00:00". */
#define PAST_TIME_SIZE 32
const char *past_time_text(int64_t us, char out[PAST_TIME_SIZE]);

/* The outcome of a decision, as its JSON tells it. Texts are the arena's, "" where there is
 * nothing. */
struct outcome {
	bool sent;				       /* there is a page */
	const char *team, *severity, *policy, *pagers; /* pagers: of the first step, "a, b" */
	const char *suspect, *namespace, *operation, *kind, *callee, *error;
	const char *fallback, *fallback_text; /* code */
	const char *rule;		      /* "services.yaml:12" */
	/* The id of a silence made at run time that kept the page, by whom and why. */
	const char *silence, *silence_author, *silence_reason;
	double confidence;
	unsigned int agree, of, ntraces;
	bool found; /* there is a suspect */
};
int outcome_read(struct arena *arena, const char *json, size_t len, struct outcome *ret_outcome,
		 struct err *err);
/* The outcome of a decision that was just made. */
int outcome_of(struct arena *arena, const struct decision *decision, struct outcome *ret_outcome,
	       struct err *err);

/* What a person would call the difference, "payments -> ledger"; NULL: there is none. Two decisions
 * that page nobody are the same. Caller frees. */
char *outcome_name_change(const struct outcome *was, const struct outcome *now);

/* The text of an event "rerouted": a team said "not ours". Texts are the arena's, "" where there is
 * nothing; reason is how the answer came where nobody gave one: "link". */
struct handed_on {
	const char *from, *to, *reason;
};
/* false: the text is no such one. */
bool past_handed_on(struct arena *arena, const char *text, struct handed_on *ret_handed);

/* A trace as OTLP protobuf. */
struct message {
	const char *data;
	size_t len;
};

/* A past decision, opened with rules: of the spans' attributes those are read that the rules name.
 */
struct opened {
	struct arena *arena;
	const struct past *past; /* borrowed */
	struct alert alert;
	struct outcome was;
	struct buf plain_traces;
	struct message *messages; /* the list is heap, the data is in plain_traces */
	struct trace_set **sets;
	const struct trace **traces;
	size_t nmessages, nsets, ntraces;
	struct evidence_set *healthy, *ordinary; /* NULL: none */
	struct silence_set *silences;		 /* of the silence that held it; NULL: none */
	struct verdict told;			 /* the stored verdict */
	bool by_told; /* its traces are gone: the stored verdict decides */
};
/* Call opened_fini() also after an error: -EBADMSG damaged, -ENOENT kept by an older version. rules
 * may be NULL. */
int opened_init(struct opened *opened, const struct past *past, const struct ruleset *rules,
		struct err *err);
/* Only the traces, for whoever counts what they show; -EBADMSG: they are damaged. */
int opened_init_traces(struct opened *opened, const struct past *past, struct err *err);
void opened_fini(struct opened *opened);
/* Decides again, with decide() and at the time of the past decision. A silence made at run time
 * that held the alert holds it again: no rules say so. */
void opened_decide(struct opened *opened, const struct ruleset *rules,
		   struct decision *ret_decision);
/* Why the decision had no trace; FALLBACK_NONE where it had some or needed none. */
enum fallback_code opened_missing(const struct opened *opened);

#endif
