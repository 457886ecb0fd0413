/*
 * The vote: from the walks of one alert to a verdict (tracepager-walk(7), sections 7 to 9).
 *
 * Where the signal's own spans failed, failing paths are counted. The confidence is the share of
 * walks that agree, times the mean of: certainty of the walk, times the share of healthy traces
 * that do not show the same error. Otherwise the contrast (contrast.h) looks for the service that
 * explains what is unusual beside healthy traces. The vote names nobody rather than somebody
 * without evidence; it looks up no owner.
 *
 * Pure: any thread, one arena for each call. The verdict borrows from the walks, their arenas and
 * their trace sets, and its own texts are kept by the arena: it is valid as long as all of these
 * are.
 */
#ifndef TRACEPAGER_VOTE_H
#define TRACEPAGER_VOTE_H

#include "tracepager/differs.h"
#include "tracepager/evidence.h"

struct runner_up {
	const char *service, *callee; /* callee: of edges and peers, else NULL */
	unsigned int agree;	      /* walks, or traces, that speak for it */
};

/* The same words of an error, in how many of the traces that agree. */
struct error_count {
	const char *error; /* NULL: the span that failed says nothing */
	unsigned int traces;
};

/* One operation of a broad signal, as it voted. */
struct stratum_told {
	const char *service, *operation; /* that tell its requests apart; without ids */
	unsigned int traces, healthy;	 /* with that operation, in the window and healthy */
	const char *suspect;		 /* the service it names when asked alone; NULL: nobody */
	double confidence;		 /* of that service, or of the best candidate */
	bool hit;			 /* the verdict's suspect is its best candidate, too */
};

struct verdict {
	bool found; /* the suspect is named; false: fallback says why not */
	/* The suspect, or where none is named the best candidate. Valid where walk is not NULL. */
	struct suspect suspect;
	const struct walk *walk; /* the walk that shows it best: its path is the evidence */
	double confidence;
	struct verdict_limits limits; /* why the confidence is not higher */
	unsigned int agree, of;	      /* traces that speak for the suspect, of those with a vote */
	struct error_count errors[8]; /* of the traces that agree, commonest first; further
				       * ones are not listed */
	unsigned int nerrors;
	/* Where it rests on time: how long the suspect takes, and in healthy traces; 0: unknown. */
	int64_t took_us, usual_us;
	struct runner_up runners_up[8];
	unsigned int nrunners_up;
	/* Attribute values that tell failing calls of the suspect from others; vote() leaves them
	 * to decide(). */
	struct difference differs[LIMIT_DIFFERS];
	unsigned int ndiffers;
	const char *reasons[16];
	unsigned int nreasons;
	/* Of a broad signal: its operations, those with most traces first. Else none. */
	struct stratum_told *strata;
	unsigned int nstrata;
	enum fallback_code fallback;
	const char *fallback_text; /* a sentence; NULL with FALLBACK_NONE */
};

struct vote_options {
	/* Below this confidence (default 0.5) nobody is named: the best candidate is the first
	 * runner-up, and the fallback is FALLBACK_LOW_CONFIDENCE. */
	double threshold;
	enum walk_mode mode;		    /* which evidence counts */
	const struct evidence_set *healthy; /* borrowed; NULL or empty: nothing to compare with */
};

/* The traces of one operation of a broad signal (tracepager-walk(7), section 7). */
struct stratum {
	const char *service, *operation; /* as in struct stratum_told */
	const struct signal *signals;	 /* per member: what its trace is walked for */
	const unsigned int *members;	 /* indexes of its walks among those of the signal */
	unsigned int n;
	struct walk *walks; /* one per member; the caller walks them again, for its signal */
	const struct evidence_set *healthy; /* the healthy traces of the operation */
	bool rest; /* operations beyond the cap, as one; its operation is only a name for them */
};

/* Splits the walks of a signal by operation. Returns 0 where the signal is narrow, all have the
 * operation of the signal itself; or where no healthy trace's operation is known. */
unsigned int vote_split(struct arena *arena, const struct walk *walks, unsigned int nwalks,
			const struct evidence_set *healthy, struct stratum **ret_strata);
/* The vote of a broad signal. walks: those of the signal itself; those of the strata must be
 * walked. */
void vote_strata(struct arena *arena, const struct walk *walks, unsigned int nwalks,
		 const struct stratum *strata, unsigned int nstrata,
		 const struct vote_options *options, struct verdict *ret_verdict);

/* How a path leads from the signal to the suspect. */
enum verdict_path {
	VERDICT_PATH_WHOLE,  /* each span is a child of the one before */
	VERDICT_PATH_JOINED, /* it begins at another part of the trace, which was joined by a name
			      * or by a link; the walk's reasons say so */
	VERDICT_PATH_BROKEN, /* it has a gap, or ends elsewhere: limit path_gap */
};

/* Checks the path of a walk. from: the signal's span, or the root that stands for it. */
enum verdict_path verdict_path_check(const struct walk *walk, const struct suspect *suspect,
				     uint32_t from);

/* nwalks may be 0. The walks need not have found a suspect. Their order does not matter. */
void vote(struct arena *arena, const struct walk *walks, unsigned int nwalks,
	  const struct vote_options *options, struct verdict *ret_verdict);
/* The last resort, where vote() names nobody: which service calls others in an order that no
 * healthy trace shows (tracepager-walk(7), section 12). ordinary: fine traces of the same window,
 * whose order of calls counts too; NULL: none. The verdict is changed only if it names a suspect.
 */
void vote_by_structure(struct arena *arena, const struct walk *walks, unsigned int nwalks,
		       const struct evidence_set *ordinary, const struct vote_options *options,
		       struct verdict *verdict);

#endif
