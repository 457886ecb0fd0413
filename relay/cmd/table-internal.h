/*
 * Table: rows for people, as wide as the screen. A column is as wide as its widest text, up to a
 * most; the last one takes the rest of the line and is cut at its end, or goes on in further lines
 * where the table wraps it; all others are cut in the middle. Texts may come from strangers: they
 * are made plain (plain.h). A table owns its texts. table_write() is pure. For the main thread.
 */
#ifndef TABLE_INTERNAL_H
#define TABLE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/buf.h"

struct screen {
	unsigned long columns;
	bool colour, ascii; /* ascii: it shows nothing else */
};

/* What standard output can show. */
void screen_look(struct screen *ret_screen);

enum screen_style {
	SCREEN_PLAIN,
	SCREEN_DIM,
	SCREEN_BOLD,
	SCREEN_RED,
	SCREEN_YELLOW,
	SCREEN_GREEN,
};

/* Adds the text as it is, in that style where the screen has colours. */
void screen_add(const struct screen *screen, enum screen_style style, const char *text,
		struct buf *out);
/* Adds a line of text, made plain, wrapped to the screen: all but its first line begin with indent
 * blanks, and the first one stands behind `used` columns. */
void screen_add_wrapped(const struct screen *screen, enum screen_style style, const char *text,
			size_t used, size_t indent, struct buf *out);
/* Prints what was gathered, in ASCII where the screen shows nothing else. 0 or -errno; a reader
 * that is gone (head) is no error. */
int screen_print(const struct screen *screen, const struct buf *text);

struct table_column {
	const char *title;
	size_t most; /* cells; 0: only of the last column */
};

struct table_cell {
	char *text;
	enum screen_style style;
};

struct table {
	const struct table_column *columns; /* borrowed */
	size_t ncolumns;
	struct table_cell *cells; /* row by row */
	size_t ncells;
	size_t marked; /* the row that stands out, from 1; 0: none */
	bool wraps;    /* the last column; of tables without a marked row */
};

void table_init(struct table *table, const struct table_column *columns, size_t ncolumns);
void table_fini(struct table *table);
/* The next cell of the row, else the first of the next row; copies the text, NULL is "". */
void table_add(struct table *table, enum screen_style style, const char *text);
size_t table_rows(const struct table *table);
/* The line of titles, and the rows. */
void table_write(const struct table *table, const struct screen *screen, struct buf *out);

#define AGE_WORDS_SIZE 32
/* "42 s", "12 min", "5 h", "3 d"; a negative age is none. Returns out. */
const char *age_words(int64_t age_us, char out[AGE_WORDS_SIZE]);

#endif
