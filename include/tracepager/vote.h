/*
 * The vote: from the walks of one alert to a verdict. Pure.
 *
 * Where the signal's own spans failed, the failing paths are counted: the share that agrees, times
 * the certainty of the leaf, the wholeness of the traces, and what healthy traces do not show as
 * well. Otherwise, beside healthy traces, the service is sought that explains what is unusual
 * (contrast.h).
 */
#ifndef TRACEPAGER_VOTE_H
#define TRACEPAGER_VOTE_H

#include "tracepager/evidence.h"

struct runner_up {
	const char *service, *callee; /* callee: NULL but for edges and peers */
	unsigned int agree;
};

struct verdict {
	bool found;		/* suspect stands; else fallback says why not */
	struct suspect suspect; /* of the trace that stands for the verdict; valid when found or
				   nwalks with a leaf */
	const struct walk
		*walk; /* the walk that stands for it: its path is the evidence; NULL: none */
	double confidence;
	unsigned int agree, of;
	struct runner_up runners_up[8];
	unsigned int nrunners_up;
	const char *reasons[16];
	unsigned int nreasons;
	enum fallback_code fallback;
	const char *fallback_text; /* a sentence; NULL with FALLBACK_NONE */
};

struct vote_options {
	double threshold;    /* below it the suspect is the first runner-up and the fallback is
				low_confidence: 0.5 */
	enum walk_mode mode; /* which evidence counts */
	const struct evidence_set *healthy; /* NULL, or empty: there is nothing to compare with */
};

void vote(struct arena *arena, const struct walk *walks, unsigned int nwalks,
	  const struct vote_options *options, struct verdict *ret_verdict);

#endif
