/*
 * Contrast: which service explains what is unusual in a window of traces beside healthy ones
 * (tracepager-walk(7), sections 8 and 9). Time and errors give every service a log-likelihood on
 * one scale, in nats. The confidence says how surely the best service beats the next ones and
 * "nothing unusual". It reads evidence only, and neither traces nor walks.
 *
 * Pure: any thread, one arena for each call, and nobody may change the two sets meanwhile. Texts of
 * the result are borrowed from the sets, everything else is kept by the arena.
 */
#ifndef TRACEPAGER_CONTRAST_H
#define TRACEPAGER_CONTRAST_H

#include "tracepager/evidence.h"

struct contrast_candidate {
	const char *namespace, *name;
	bool peer;	     /* it has no spans of its own */
	double time, errors; /* nats, summed over the window; candidates are ranked by the sum */
	uint32_t agree;	     /* traces of the window that speak for it */
	/* Where most of its unusual time is: in the own time of `caller` if callee is NULL, else in
	 * the gap of its calls of `callee`. caller NULL: time says nothing about the candidate, and
	 * nothing below is set. */
	const char *caller, *callee;
	bool after_failure; /* it is own time of the caller after its calls of the callee failed */
	double mass;	    /* unusual time there, in traces: each trace has one unit */
	double touched;	    /* unusual time in all of its own time, calls of it and calls by it */
	uint32_t unusual;   /* traces of the window that are longer than usual there */
	uint32_t trace;	    /* the one with the most, by its place in the window */
	uint32_t span;	    /* the span with the most in that trace; TRACE_NONE: caller is NULL */
	int64_t now_us;	    /* median of the unusual times there */
	int64_t normal_us;  /* median of what is usual for them; 0: healthy traces never show it */
};

struct contrast {
	struct contrast_candidate *candidates; /* best first */
	uint32_t ncandidates;		       /* at most LIMIT_RUNNERS_UP + 1 */
	/* Only the call between the first two candidates is unusual, so either may be at fault:
	 * candidates[0] is the caller, candidates[1] the callee. */
	bool edge;
	double confidence; /* that it is candidates[0], or the edge: 0 to 1 */
	double unusual;	   /* all unusual time of the window, in traces */
};

/* mode: which evidence counts; WALK_AUTO: both time and errors. */
void contrast(struct arena *arena, const struct evidence_set *window,
	      const struct evidence_set *healthy, enum walk_mode mode,
	      struct contrast *ret_contrast);

#endif
