/*
 * Differs: which attribute values tell the calls of a service that fail from those that do not
 * (tracepager-walk(7), section "What differs"). It says what is different, not whose fault it is:
 * the suspect and the confidence do not depend on it. It is silent where chance could have made the
 * difference.
 *
 * Pure: any thread, one arena for each call; nobody may change the sets meanwhile. All texts of the
 * result are kept by the arena.
 */
#ifndef TRACEPAGER_DIFFERS_H
#define TRACEPAGER_DIFFERS_H

#include "tracepager/evidence.h"
#include "tracepager/limits.h"

struct difference {
	const char *attribute, *value; /* "service.version", "2.31" */
	/* Of the service's processes in the traces: failing ones with the value, of all that
	 * failed; others with the value, of all others. One process counts once in each trace. */
	unsigned int failing, of, others, of_others;
	bool before; /* the others are those of healthy traces before; else of the same window */
	double p;    /* that chance alone makes it, corrected for all values that were compared */
	/* Further attributes that say the same: "pod ledger-7f9". */
	const char *same[LIMIT_DIFFERS_SAME];
	unsigned int nsame;
	const char *text; /* a sentence without a full stop: "all 14 on version 2.31, 0 of 40
			     others" */
};

struct differs_input {
	const struct trace *const *traces; /* the window's */
	unsigned int ntraces;
	const struct evidence_set *ordinary; /* fine traces of the same window; NULL: none */
	const struct evidence_set *healthy;  /* of a time before; NULL: none */
	const char *namespace, *service;     /* the suspect, as its spans name it */
	bool slow; /* it is too slow: all its spans of the window count as failing */
};

/* Returns how many there are, the sharpest first, at most LIMIT_DIFFERS. */
unsigned int differs(struct arena *arena, const struct differs_input *input,
		     struct difference ret_differences[LIMIT_DIFFERS]);

#endif
