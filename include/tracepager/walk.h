/*
 * The walk: from one trace to one suspect. tracepager-walk(7) is the method: which span is failing,
 * where the walk starts, how it goes down, and whose fault the leaf is. It looks up no owner, reads
 * no other trace, and never fails: where it finds no suspect, walk.fallback says why.
 *
 * All functions are pure and may run on any thread; several threads may walk one trace set, which
 * nobody may change meanwhile. Each call that takes an arena needs that arena for itself. What a
 * struct walk points to is borrowed from the trace's set, or kept by the arena: it is valid as long
 * as both are.
 */
#ifndef TRACEPAGER_WALK_H
#define TRACEPAGER_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "tracepager/arena.h"
#include "tracepager/signal.h"
#include "tracepager/trace.h"
#include "tracepager/verdict_limit.h"

enum suspect_kind {
	SUSPECT_SPAN,	/* a span of the service failed by itself */
	SUSPECT_PEER,	/* the callee of a failing call has no spans of its own */
	SUSPECT_CALLER, /* the callee refused what the caller sent, and did not fail */
	SUSPECT_SLOW,	/* it held up a call that timed out, or latency found it */
	SUSPECT_EDGE,	/* the call between two services: either end may be at fault */
};

/* Why there is no suspect, or why its owner is not paged. fallback_code_name() has the words that
 * decisions show, which never change. */
enum fallback_code {
	FALLBACK_NONE,
	FALLBACK_NO_SIGNAL,
	FALLBACK_NO_TRACE,
	FALLBACK_TRACE_NOT_FOUND,
	FALLBACK_TRACE_TOO_LARGE,
	FALLBACK_BAD_TRACE,
	FALLBACK_BUDGET_SPENT,
	FALLBACK_SOURCE_ERROR,
	FALLBACK_NO_FAILING_SPAN,
	FALLBACK_LOW_CONFIDENCE,
	FALLBACK_NO_OWNER,
	FALLBACK_CRASHED, /* processing this alert ended the program twice */
};
#define FALLBACK_CODES (FALLBACK_CRASHED + 1)

struct suspect {
	const char *service, *namespace, *operation;
	enum suspect_kind kind;
	/* Peer and edge: the other end. Slow: a callee that the rules made the suspect. Else NULL.
	 */
	const char *callee;
	/* Peer: healthy traces show that the callee is this service, of this namespace; NULL: the
	 * callee is a name that the caller has for it. */
	const char *callee_namespace;
	bool impatient;	   /* caller: it gave up sooner than the callee usually answers */
	const char *error; /* the error's words, one line; NULL: none */
	/* Names of a callee without a span, in the order in which the rules' peers are asked. Of
	 * kind peer, where [0] is callee, and of a slow service that waited for such a callee. */
	const char *peers[16];
	unsigned int npeers;
	const struct resource *resource; /* its attributes are matched by the rules; NULL: none */
	const struct trace *trace;
	uint32_t span; /* the leaf: the span where the walk ended */
};

/* A span on the critical path, with its own time there. */
struct critical_span {
	uint32_t span;
	int64_t own_us;
};

struct walk {
	const struct trace *trace;
	enum walk_mode mode;	     /* WALK_ERRORS or WALK_LATENCY: which one it was */
	bool found;		     /* suspect and path are set */
	enum fallback_code fallback; /* why not; FALLBACK_NONE where found */
	struct suspect suspect;
	double certainty;	      /* 0 to 1: by kind of the leaf, under the limits */
	struct verdict_limits limits; /* why it is not higher */
	uint32_t *path;		      /* span indexes from the signal's span to the leaf */
	uint32_t npath;
	struct critical_span *critical; /* by latency: where the time went, sorted by span */
	uint32_t ncritical;
	uint32_t signal_span;	/* TRACE_NONE: no span matches the signal */
	uint32_t from_span;	/* the signal's span, or the root that stands for it; TRACE_NONE:
				   the trace is empty */
	bool called;		/* it began at a failing call of the callee that the alert names */
	bool joined;		/* the path goes on at another root of the trace, or at a part whose
				   parent is missing; the reasons say so */
	uint32_t error_spans;	/* failing spans in the whole trace */
	struct suspect *others; /* suspects of failing spans beside the path, best first */
	unsigned int nothers;
	const char *reasons[16]; /* sentences for a person, from the start to the leaf */
	unsigned int nreasons;
};

struct callee_habits;

struct walk_options {
	const struct signal *signal; /* NULL: the root's service */
	/* The alert's own signal, of which the walk may be asked for a part only: its callee
	 * narrows the start. NULL: none. */
	const struct signal *alerted;
	enum walk_mode mode;
	/* HTTP and gRPC codes decide where status and tags say nothing (default true). */
	bool codes_fail;
	/* 401, 403, 404, 408, 429 and their like of gRPC are the callee's failure, not the caller's
	 * (default false). */
	bool refusals_are_callees;
	/* What healthy traces tell of callees; borrowed; NULL: nothing. */
	const struct callee_habits *habits;
};

/* Walks one trace. Time is linear in the spans, but for sorting children by time; no recursion. */
void walk_trace(struct arena *arena, const struct trace *trace, const struct walk_options *options,
		struct walk *ret_walk);

/* Did the span fail, by its own status, tags and codes (tracepager-walk(7), section 2)? */
bool span_failing(const struct trace *trace, const struct span *span, bool codes_fail);
/* The error's words on one line, at most LIMIT_ERROR_WORDS_BYTES: its class (error.type, exception
 * type, HTTP or gRPC code) and its message (status description, exception message); NULL: none.
 * Kept by the arena, or borrowed. */
const char *span_error(struct arena *arena, const struct trace *trace, const struct span *span);
/* An error's words for people: a bare code tells whose it is, "HTTP 503", "gRPC INTERNAL"; other
 * words are returned as they are. */
const char *error_shown(struct arena *arena, const char *error);
/* Fills peers and npeers of the suspect: the names by which the callee of a CLIENT or PRODUCER span
 * is known, in the order in which the rules are asked. */
void peer_names(struct arena *arena, const struct trace *trace, const struct span *span,
		struct suspect *suspect);
bool signal_matches(const struct signal *signal, const struct trace *trace,
		    const struct span *span);

const char *suspect_kind_name(enum suspect_kind kind);
const char *fallback_code_name(enum fallback_code code);

#endif
