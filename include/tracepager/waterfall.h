/*
 * Waterfall: a trace drawn as text, cut to what matters for one walk: the path from the signal to
 * the leaf, then the spans beside it that failed, were waited for, or are long. A last line counts
 * what is left out and how much of it failed; it never stands for one span alone of a trace that
 * fits. Every line fits; names are made harmless and measured as a terminal shows them (cells.h).
 *
 * Before the names stand marks, so that no colour is needed: "✗" failed on the path, "›" on the
 * path or on the critical path without having failed, "!" failed elsewhere.
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

/* Lines with line ends. Nothing where the walk has neither a path nor a signal span. Linear in the
 * spans. */
void waterfall_write(const struct walk *walk, const struct waterfall_options *options,
		     struct buf *out);

/* options->own summed by service, a line each, the largest first; below the largest few a line that
 * sums up the others. Nothing without own times. */
void waterfall_own_write(const struct trace *trace, const struct waterfall_options *options,
			 struct buf *out);

#endif
