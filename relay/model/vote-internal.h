/* Vote, inside: what its two files share. */
#ifndef TRACEPAGER_VOTE_INTERNAL_H
#define TRACEPAGER_VOTE_INTERNAL_H

#include "tracepager/vote.h"

/* One more reason, while there is room. */
void verdict_tell(struct arena *arena, struct verdict *verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* vote_contrast.c: by what is unusual beside healthy traces. False: no trace can be compared. */
bool vote_by_contrast(struct arena *arena, const struct walk *walks, unsigned int nwalks,
		      const struct vote_options *options, struct verdict *verdict);

#endif
