/* What explain's files share: the text form of a decision, and the terminal that it is for. For the
 * main thread. */
#ifndef EXPLAIN_INTERNAL_H
#define EXPLAIN_INTERNAL_H

#include "options-internal.h"
#include "tracepager/decide.h"

/* A name of a service or a callee is cut to this. */
#define EXPLAIN_NAME_COLUMNS 80

struct explain_text_options {
	unsigned int columns; /* no line but a link is wider */
	bool colour;	      /* ANSI */
	bool ascii;	      /* the caller turns the text into ASCII, with cells_ascii() */
	bool has_rules;
};

/* Fills columns, colour and ascii from standard output and the environment: COLUMNS, NO_COLOR
 * (no-color.org), TERM, and the locale's character set. */
void explain_look_at_terminal(enum colour_choice choice, struct explain_text_options *ret_options);

void explain_text_write(const struct decision *decision, const struct explain_text_options *options,
			struct buf *out);
/* A decision in one line: trace, suspect, kind, confidence, the error's words. */
void explain_line_write(const struct decision *decision, const struct explain_text_options *options,
			struct buf *out);

/* Does the suspect call its callee? Else the callee is the suspect itself, under the name that its
 * callers have for it. */
bool explain_calls_callee(const struct suspect *suspect);
/* "payment", or "payment → ledger" for a suspect that calls its callee. */
void explain_who(const struct suspect *suspect, struct buf *out);

/* A line for each of the first traces, and one that counts the others. */
void explain_traces_write(const struct decision *decision,
			  const struct explain_text_options *options, struct buf *out);

#endif
