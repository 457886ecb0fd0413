/*
 * Cells: text measured as a terminal shows it. Wide characters take two cells and combining marks
 * none, so that columns stand below one another whatever the names are. It makes other people's
 * text harmless first (plain.h); what is too long is cut in the middle, since both ends of a name
 * tell it apart from its neighbours.
 */
#ifndef TRACEPAGER_CELLS_H
#define TRACEPAGER_CELLS_H

#include <stddef.h>

#include "tracepager/buf.h"

/* No name is looked at any further than this, in characters: what is longer is cut there first. */
#define CELLS_TEXT_MAX 1000

/* Adds at most max_cells cells of text (NULL: nothing), made plain, cut in the middle with "…";
 * returns the cells that were added. */
size_t cells_add(struct buf *out, const char *text, size_t max_cells);
/* The same, filled up with blanks to exactly that many cells. */
void cells_pad(struct buf *out, const char *text, size_t cells);
/* The cells that cells_add() would add of a text that needs not be cut. */
size_t cells_of(const char *text);

/* The next character of well-formed UTF-8 that is not empty, with the marks on it: its bytes and
 * its cells. */
size_t cells_character(const char *text, size_t len, size_t *ret_cells);

/* Well-formed UTF-8 as ASCII for terminals that know nothing else, cell for cell: our own signs
 * have their likes, every other character is "?". */
void cells_ascii(struct buf *out, const char *text, size_t len);

#endif
