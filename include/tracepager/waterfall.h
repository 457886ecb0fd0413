/*
 * Waterfall: a trace drawn as text, cut to what matters for one walk: the path from the signal to
 * the leaf, then the spans beside it, failing ones and long ones first. A last line counts what is
 * left out, which is never one span alone of a trace that fits. Every line fits; names are made
 * harmless (plain.h).
 */
#ifndef TRACEPAGER_WATERFALL_H
#define TRACEPAGER_WATERFALL_H

#include <stdbool.h>

#include "tracepager/buf.h"
#include "tracepager/walk.h"

#define WATERFALL_LINES_MAX   64
#define WATERFALL_COLUMNS_MIN 40
#define WATERFALL_COLUMNS_MAX 200

struct waterfall_options {
	unsigned int lines;   /* at least 4; more than WATERFALL_LINES_MAX counts as that */
	unsigned int columns; /* brought within the bounds above */
	bool colour;	      /* ANSI, for a terminal */
};

/* Lines with line ends. Nothing where the walk has neither a path nor a signal span. Linear in the
 * spans. */
void waterfall_write(const struct walk *walk, const struct waterfall_options *options,
		     struct buf *out);

#endif
