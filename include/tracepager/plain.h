/*
 * Plain: other people's text made fit for people's eyes. Span names, error words, labels and
 * annotations come from whoever can write a span or an alert; in a page or on a terminal they must
 * be text and nothing else.
 *
 * One line comes out: terminal sequences, bidirectional overrides and invisible characters are
 * dropped, control characters and line ends become one blank, bytes that are not UTF-8 become
 * U+FFFD, and what is too long ends with "…". It escapes nothing: quoting for JSON, HTML or a
 * chat's markup is for whoever writes those.
 */
#ifndef TRACEPAGER_PLAIN_H
#define TRACEPAGER_PLAIN_H

#include <stddef.h>
#include <stdint.h>

#include "tracepager/arena.h"
#include "tracepager/buf.h"

/* Adds at most max_columns columns of text (NULL: nothing); returns the columns that were added. A
 * column is a cell of a terminal: wide characters have two, so that there are never more characters
 * than columns. */
size_t plain_add(struct buf *out, const char *text, size_t max_columns);
/* The same, filled up with blanks to exactly that many columns. */
void plain_pad(struct buf *out, const char *text, size_t columns);
/* The columns that plain_add() would add; counting stops beyond max_columns. */
size_t plain_columns(const char *text, size_t max_columns);
char *plain_text(struct arena *arena, const char *text,
		 size_t max_columns); /* kept by the arena; never NULL */

/* "340 µs", "12.3 ms", "4.98 s", "2 min", "2 min 05 s". */
#define PLAIN_DURATION_SIZE 40
const char *plain_duration(int64_t duration_us, char out[PLAIN_DURATION_SIZE]);

#endif
