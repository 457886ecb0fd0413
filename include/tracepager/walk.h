/*
 * The walk: from one trace to one suspect. Pure. The rules are those of the design's walk page:
 * which span is failing, where the walk starts, how it goes down, and whose fault the leaf is.
 */
#ifndef TRACEPAGER_WALK_H
#define TRACEPAGER_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "tracepager/arena.h"
#include "tracepager/signal.h"
#include "tracepager/trace.h"

enum suspect_kind {
	SUSPECT_SPAN,	/* a span of the service failed by itself */
	SUSPECT_PEER,	/* the callee of a failing client span has no spans of its own */
	SUSPECT_CALLER, /* the server refused what the caller sent, without failing */
	SUSPECT_SLOW,	/* it held up a call that timed out, or the latency mode found it */
	SUSPECT_EDGE,	/* between two services; neither end can be told guilty */
};

/* Why there is no suspect, or only a poor one. Stable names: fallback_code_name(). */
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

/* All texts are borrowed from the trace's set or kept by the arena. */
struct suspect {
	const char *service, *namespace, *operation;
	enum suspect_kind kind;
	const char *callee; /* peer and edge: the other end; slow: where the rules made it the
			       suspect; else NULL */
	const char *error;  /* the error's words, one line; NULL: none */
	/* For kind peer, and slow where it waited for a callee without a span: the callee's names
	 * in the order in which the rules' peers are to be asked; a peer's [0] is callee. */
	const char *peers[16];
	unsigned int npeers;
	const struct resource *resource; /* whose attributes the rules match; NULL for none */
	const struct trace *trace;
	uint32_t span; /* the leaf */
};

/* A span on the critical path, with its own time there. */
struct critical_span {
	uint32_t span;
	int64_t own_us;
};

struct walk {
	const struct trace *trace;
	enum walk_mode mode;	     /* errors or latency: which one found it */
	bool found;		     /* a suspect stands */
	enum fallback_code fallback; /* why not, where not */
	struct suspect suspect;
	double certainty; /* of the leaf (by kind), times the wholeness of the trace: 0 to 1 */
	uint32_t *path;	  /* span indexes from the signal span to the leaf */
	uint32_t npath;
	struct critical_span *critical; /* by latency: where the time went, by index of the span */
	uint32_t ncritical;
	uint32_t signal_span;	/* TRACE_NONE where the signal matches no span */
	uint32_t from_span;	/* the signal's, or the root that stands for it; TRACE_NONE: the
				   trace is empty */
	uint32_t error_spans;	/* failing spans in the whole trace */
	struct suspect *others; /* other leaves, best first */
	unsigned int nothers;
	const char *reasons[16]; /* plain sentences, for a person */
	unsigned int nreasons;
};

struct walk_options {
	const struct signal *signal; /* NULL: the root's service */
	enum walk_mode mode;
	bool codes_fail; /* HTTP 5xx and gRPC codes count where status and tags say nothing (default
			    true) */
	bool refusals_are_callees; /* 401, 403, 404, 408, 429: the callee, not the caller (default
				      false) */
};

/* Fills ret_walk; reasons and paths are kept by the arena. Linear in the spans, no recursion. */
void walk_trace(struct arena *arena, const struct trace *trace, const struct walk_options *options,
		struct walk *ret_walk);

/* Which span is failing, by itself (walk page, section 2). */
bool span_failing(const struct trace *trace, const struct span *span, bool codes_fail);
/* The error's words: error.type, status description, exception type and message, HTTP or gRPC code;
 * NULL: none. */
const char *span_error(struct arena *arena, const struct trace *trace, const struct span *span);
/* The names by which a client span's callee is known, in the order in which the rules are asked:
 * fills the suspect's peers. */
void peer_names(struct arena *arena, const struct trace *trace, const struct span *span,
		struct suspect *suspect);
bool signal_matches(const struct signal *signal, const struct trace *trace,
		    const struct span *span);

const char *suspect_kind_name(enum suspect_kind kind);
const char *fallback_code_name(enum fallback_code code);

#endif
