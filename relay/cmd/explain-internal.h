/* What explain's files share: the text form of a decision, for a terminal. */
#ifndef EXPLAIN_INTERNAL_H
#define EXPLAIN_INTERNAL_H

#include "tracepager/decide.h"

struct explain_text_options {
	unsigned int columns; /* no line of prose is wider */
	bool colour;	      /* ANSI */
	bool has_rules;
};

void explain_text_write(const struct decision *decision, const struct explain_text_options *options,
			struct buf *out);

#endif
