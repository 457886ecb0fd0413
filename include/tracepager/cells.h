/*
 * Cells: text measured as a terminal shows it. A wide character takes two cells and a combining
 * mark none, so that columns line up whatever the names are. Text is made harmless first (plain.h).
 * A text that is too long is cut in the middle, because both ends of a name are needed to tell it
 * from similar names.
 *
 * All functions are pure and may run on any thread.
 */
#ifndef TRACEPAGER_CELLS_H
#define TRACEPAGER_CELLS_H

#include <stddef.h>

#include "tracepager/buf.h"

/* Adds at most max_cells cells of text (NULL: nothing), made plain, cut in the middle with "…";
 * returns the cells that were added. */
size_t cells_add(struct buf *out, const char *text, size_t max_cells);
/* The same, filled up with blanks to exactly that many cells. */
void cells_pad(struct buf *out, const char *text, size_t cells);
/* The cells that cells_add() would add without a cap. */
size_t cells_of(const char *text);

/* The first character of well-formed UTF-8 with its combining marks: returns its bytes, and its
 * cells in *ret_cells. len is not 0. */
size_t cells_character(const char *text, size_t len, size_t *ret_cells);

/* The bytes of what a person sees as one character at the begin of well-formed UTF-8: with its
 * marks, and an emoji with what it is joined to (families, skin tones, flags). A text is cut
 * between two of them. At most 64 bytes, so that marks without end do not make one of a whole
 * text. len is not 0. */
size_t cells_cluster(const char *text, size_t len);

/* Well-formed UTF-8 as ASCII, for terminals that show nothing else, with the same number of cells:
 * our own signs become similar ASCII, every other character becomes "?". */
void cells_ascii(struct buf *out, const char *text, size_t len);

#endif
