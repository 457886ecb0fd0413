/* What the files of this room share. */
#ifndef DECIDE_INTERNAL_H
#define DECIDE_INTERNAL_H

#include "tracepager/decide.h"

/* The words of a fallback: a sentence for the decision and the page, and a few words for the
 * summary. */
const char *fallback_sentence(enum fallback_code code);
const char *fallback_words(enum fallback_code code);

/* Fills decision->page (all but what is the incident's) from what is decided. */
void page_text_fill(struct arena *arena, const struct decide_input *input,
		    struct decision *decision);

#endif
