/*
 * Waterfall: a trace drawn as text, cut to what matters for one walk: the path from the signal to
 * the leaf, then spans beside it that failed, were waited for, or are long. A last line counts the
 * spans that are left out, and how many of them failed; where that line would count a single span,
 * the span is drawn instead if there is room. Names are made harmless and measured in cells
 * (cells.h), so that every line fits.
 *
 * A mark before the name makes colour unnecessary: "✗" failed, on the path; "›" did not fail, on
 * the path or on the critical path; "!" failed, elsewhere.
 *
 * All functions are pure and may run on any thread; walk and trace are borrowed for the call.
 */
#ifndef TRACEPAGER_WATERFALL_H
#define TRACEPAGER_WATERFALL_H

#include <stdbool.h>

#include "tracepager/buf.h"
#include "tracepager/walk.h"

#define WATERFALL_LINES_MAX   64
#define WATERFALL_COLUMNS_MIN 20
#define WATERFALL_COLUMNS_MAX 200

struct waterfall_options {
	unsigned int lines;   /* at least 4; more than WATERFALL_LINES_MAX counts as that */
	unsigned int columns; /* brought within the bounds above */
	bool colour;	      /* ANSI, for a terminal */
	/* Borrowed; NULL: no critical path is marked. */
	const struct critical_span *own;
	uint32_t nown;
};

/* Adds the lines, each with its line end. Nothing where the walk has neither a path nor a signal
 * span. Time is linear in the spans. */
void waterfall_write(const struct walk *walk, const struct waterfall_options *options,
		     struct buf *out);

/* Adds one line that tells the marks which occur in these lines of waterfall_write(); none occurs:
 * nothing. */
void waterfall_legend_write(const struct walk *walk, const char *lines, struct buf *out);

/* Adds a line for each of the few services with the largest sums of options->own, the largest
 * first, and one line for all others. Nothing where own is NULL. */
void waterfall_own_write(const struct trace *trace, const struct waterfall_options *options,
			 struct buf *out);

#endif
