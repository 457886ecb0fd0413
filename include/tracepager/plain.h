/*
 * Plain: makes text of strangers harmless for a page or a terminal. Anybody who can send a span or
 * an alert chooses span names, errors, labels and annotations.
 *
 * The output is one line, but for plain_words(). Terminal sequences, bidirectional overrides and
 * invisible characters are dropped; control characters and line ends become one blank; bytes that
 * are not UTF-8 become U+FFFD; a text that is too long ends with "…". It escapes nothing: a writer
 * of JSON, HTML or a chat's markup quotes for itself.
 *
 * All functions are pure and may run on any thread.
 */
#ifndef TRACEPAGER_PLAIN_H
#define TRACEPAGER_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/arena.h"
#include "tracepager/buf.h"

/* Adds at most max_columns columns of a text (NULL: nothing); returns how many were added. A wide
 * character has two columns, all others have one, so there are never more characters than columns.
 */
size_t plain_add(struct buf *out, const char *text, size_t max_columns);
/* The same, filled up with blanks to exactly that many columns. */
void plain_pad(struct buf *out, const char *text, size_t columns);
/* The columns that plain_add() would add without a cap; counting stops beyond max_columns. */
size_t plain_columns(const char *text, size_t max_columns);
/* The length of a text that plain_add() would add unchanged, since it is printable ASCII with
 * single blanks between; 0: it is empty, longer than `most`, or another text. */
size_t plain_as_is(const char *text, size_t most);
char *plain_text(struct arena *arena, const char *text,
		 size_t max_columns); /* kept by the arena; never NULL */

/* What a person wrote or a stranger says in a person's name, to be kept: the same is dropped and
 * replaced, but blanks within stay as they are. Unless one_line, tabs and line ends stay, CRLF as
 * LF. Blanks and line ends at both ends go. Kept by the arena; never NULL. */
char *plain_words(struct arena *arena, const char *text, bool one_line);

/* "340 µs", "12.3 ms", "4.98 s", "2 min", "2 min 05 s". */
#define PLAIN_DURATION_SIZE 40
const char *plain_duration(int64_t duration_us, char out[PLAIN_DURATION_SIZE]);

#endif
