/*
 * Contrast: which service explains what is unusual in a window of traces, beside healthy ones.
 * Pure. The method is the design's vote page: a likelihood for every service, from time and from
 * errors on one scale (nats), and how surely the best one beats the next and "nothing unusual".
 */
#ifndef TRACEPAGER_CONTRAST_H
#define TRACEPAGER_CONTRAST_H

#include "tracepager/evidence.h"

struct contrast_candidate {
	const char *namespace, *name;
	bool peer;	     /* it has no spans of its own */
	double time, errors; /* nats, summed over the window; together they rank */
	uint32_t agree;	     /* traces of the window that speak for it */
	/* What carries most of its time: the caller's own time where callee is NULL, else the gap
	 * of a call. caller NULL: time says nothing, and nothing below is set. */
	const char *caller, *callee;
	double mass;	   /* of the window's traces, each of which has one unit */
	double touched;	   /* the same of all its own time, calls of it and calls by it */
	uint32_t unusual;  /* traces of the window in which it is longer than usual */
	uint32_t trace;	   /* of the window: the one that shows it best */
	uint32_t span;	   /* there; TRACE_NONE where time says nothing */
	int64_t now_us;	   /* its median where it is unusual */
	int64_t normal_us; /* the same in the healthy traces; 0: they never show it */
};

struct contrast {
	struct contrast_candidate *candidates; /* best first: at most one more than are told as
						  runners-up */
	uint32_t ncandidates;
	/* The second cannot be told apart from the first, because nothing but the call between them
	 * is unusual: candidates[0] is the caller, candidates[1] the callee. */
	bool edge;
	double confidence; /* in the first: 0 to 1 */
	double unusual;	   /* mass of all that is longer than usual */
};

/* mode: which evidence counts. All texts are borrowed from the two sets. */
void contrast(struct arena *arena, const struct evidence_set *window,
	      const struct evidence_set *healthy, enum walk_mode mode,
	      struct contrast *ret_contrast);

#endif
