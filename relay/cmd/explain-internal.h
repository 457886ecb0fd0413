/* What explain's files share: the text form of a decision, and the terminal that it is for. */
#ifndef EXPLAIN_INTERNAL_H
#define EXPLAIN_INTERNAL_H

#include "tracepager/decide.h"

enum colour_choice {
	COLOUR_AUTO,
	COLOUR_ALWAYS,
	COLOUR_NEVER,
};

struct explain_text_options {
	unsigned int columns; /* no line is wider, but for links: one that is cut is none */
	bool colour;	      /* ANSI */
	bool ascii;	      /* for the caller: what is written wants cells_ascii() */
	bool has_rules;
};

/* Fills columns, colour and ascii from standard output and the environment: COLUMNS, NO_COLOR
 * (no-color.org), TERM, and the locale's character set. */
void explain_look_at_terminal(enum colour_choice choice, struct explain_text_options *ret_options);

void explain_text_write(const struct decision *decision, const struct explain_text_options *options,
			struct buf *out);
/* The same in one line: trace, suspect, kind, confidence, the error's words. */
void explain_line_write(const struct decision *decision, const struct explain_text_options *options,
			struct buf *out);

/* "payment", "payment → ledger" for an edge or a callee that nobody owns; "" for none. */
void explain_who(const struct suspect *suspect, struct buf *out);

/* One line for each trace, the first ones only, and one that counts the others. */
void explain_traces_write(const struct decision *decision,
			  const struct explain_text_options *options, struct buf *out);

#endif
