/*
 * Vote, inside. A reader's map, from the driver down, with the sections of
 * tracepager-walk(7); a file uses only files below it:
 *
 * vote_strata.c	splits a broad signal's traces by operation	section 7
 * vote.c		counts failing paths, or asks for the contrast	section 7
 * vote_contrast.c	makes a verdict of the contrast			section 8
 * vote_structure.c	the last resort: an order of calls that is new	section 12
 * verdict_path.c	does the path lead to the suspect?		section 9
 * verdict.c		the tools of all
 *
 * Below them stand contrast.h, evidence.h and the walk.
 */
#ifndef TRACEPAGER_VOTE_INTERNAL_H
#define TRACEPAGER_VOTE_INTERNAL_H

#include "tracepager/vote.h"

/* ---- vote.c ---- */

/* Should the failing paths be counted? Yes, where more than half of the traces have a failing path
 * from the signal's own span down, where there is no healthy trace to compare with, and for a
 * single trace whose errors are asked for. */
bool vote_should_count(const struct walk *walks, unsigned int nwalks,
		       const struct vote_options *options);

/* ---- vote_contrast.c ---- */

/* The service that best explains what is unusual beside healthy traces, which must not be NULL.
 * False: no walk has a span to compare, and the verdict is untouched. */
bool vote_by_contrast(struct arena *arena, const struct walk *walks, unsigned int nwalks,
		      const struct vote_options *options, struct verdict *verdict);

/* ---- verdict_path.c ---- */

/* Limits the confidence where the path has a gap. from: the span of the signal in the verdict's
 * trace. */
void verdict_limit_path(struct arena *arena, uint32_t from, double threshold,
			struct verdict *verdict);

/* ---- verdict.c; texts that it returns are kept by the arena ---- */

/* Adds a reason, while there is room. */
void verdict_tell(struct arena *arena, struct verdict *verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Adds a reason before all others; the last one goes where there is no room. */
void verdict_tell_first(struct arena *arena, struct verdict *verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Adds a runner-up, whose texts are borrowed; callee may be NULL. False: there is no room. */
bool verdict_add_runner_up(struct verdict *verdict, const char *service, const char *callee,
			   unsigned int agree);
/* No suspect: the code and the sentence that tell why. The text is borrowed. */
void verdict_abstain(struct verdict *verdict, enum fallback_code code, const char *text);
/* No suspect, because verdict->confidence is below the threshold; best: the best candidate's name,
 * shown. */
void verdict_abstain_unsure(struct arena *arena, struct verdict *verdict, const char *best,
			    double threshold);
/* Adds a cap to a verdict that is made already: nobody is named where that is below the threshold.
 */
void verdict_cap(struct arena *arena, enum verdict_limit_id id, double threshold,
		 struct verdict *verdict);
/* "; 2 of 50 healthy traces show it as well" */
const char *verdict_healthy_words(struct arena *arena, uint32_t showing, uint32_t of);
const char *plural_ending(uint32_t n); /* "" for 1, else "s" */

#endif
