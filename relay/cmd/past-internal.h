/* What the commands about the past share: times and options, a past decision opened, and decided
 * again. */
#ifndef PAST_INTERNAL_H
#define PAST_INTERNAL_H

#include "tracepager/decide.h"
#include "tracepager/history.h"

/* "7d" before now, or "2026-09-01T10:00:00Z". False: neither. */
bool past_time(const char *text, int64_t now_us, int64_t *ret_us);
/* Rules for looking at, without their secrets; findings go to standard error. NULL: they have
 * errors. */
struct ruleset *past_rules(const char *path);
/* The wall clock's time as people read it here: "2026-09-01 10:00:00" in UTC. */
#define PAST_TIME_SIZE 32
const char *past_time_text(int64_t us, char out[PAST_TIME_SIZE]);

/* What a decision came to, of its JSON. Texts are the arena's, "" where there is nothing. */
struct outcome {
	bool sent;				       /* there is a page */
	const char *team, *severity, *policy, *pagers; /* pagers: of the first step, "a, b" */
	const char *suspect, *namespace, *operation, *kind, *callee, *error;
	const char *fallback, *fallback_text; /* code */
	const char *rule;		      /* "services.yaml:12" */
	double confidence;
	unsigned int agree, of, ntraces;
	bool found; /* there is a suspect */
};
int outcome_read(struct arena *arena, const char *json, size_t len, struct outcome *ret_outcome,
		 struct err *err);
/* The same of a decision at hand. */
int outcome_of(struct arena *arena, const struct decision *decision, struct outcome *ret_outcome,
	       struct err *err);

/* A trace as OTLP protobuf. */
struct message {
	const char *data;
	size_t len;
};

/* A past decision, opened for rules: what these name of spans is read of the traces. */
struct opened {
	struct arena *arena;
	const struct past *past; /* borrowed */
	struct alert alert;
	struct outcome was;
	struct buf plain_traces;
	struct message *messages; /* in it; heap */
	struct trace_set **sets;
	const struct trace **traces;
	size_t nmessages, nsets, ntraces;
	struct evidence_set *healthy; /* NULL: none */
	struct verdict told;
	bool by_told; /* its traces are gone: decided by the suspect of then */
};
/* ret_opened is to be closed also when it fails: -EBADMSG damaged, -ENOENT kept by an older
 * version. rules may be NULL. */
int opened_init(struct opened *opened, const struct past *past, const struct ruleset *rules,
		struct err *err);
void opened_fini(struct opened *opened);
/* By the daemon's decide(), at the time of then. */
void opened_decide(struct opened *opened, const struct ruleset *rules,
		   struct decision *ret_decision);
/* Why the decision had no trace; FALLBACK_NONE where that is no failure. */
enum fallback_code opened_missing(const struct opened *opened);

#endif
