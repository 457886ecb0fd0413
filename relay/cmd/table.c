/* Table: see table-internal.h. */
#include "table-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output-internal.h"
#include "wrap-internal.h"
#include "tracepager/cells.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/terminal.h"
#include "tracepager/xalloc.h"

/* Between two columns. */
#define GAP_CELLS 2
/* Columns give up cells, down to COLUMN_CELLS_LEAST, until the last one has REST_CELLS_WANTED. */
#define COLUMN_CELLS_LEAST 4
#define REST_CELLS_WANTED  16
/* The sign before the marked row, where no colour marks it. */
#define MARK_CELLS 2

/* ---- the screen ---- */

void screen_look(struct screen *ret_screen)
{
	unsigned long columns = terminal_columns(STDOUT_FILENO, LIMIT_TERMINAL_COLUMNS);

	*ret_screen = (struct screen){
		.columns = columns < LIMIT_TABLE_COLUMNS_LEAST	? LIMIT_TABLE_COLUMNS_LEAST
			   : columns > LIMIT_TABLE_COLUMNS_MOST ? LIMIT_TABLE_COLUMNS_MOST
								: columns,
		.colour = terminal_has_colour(STDOUT_FILENO),
		.ascii = !terminal_is_utf8(),
	};
}

static const char *screen_code(const struct screen *screen, enum screen_style style)
{
	static const char *const codes[] = {
		[SCREEN_PLAIN] = "",	      [SCREEN_DIM] = "\033[2m",
		[SCREEN_BOLD] = "\033[1m",    [SCREEN_RED] = "\033[31m",
		[SCREEN_YELLOW] = "\033[33m", [SCREEN_GREEN] = "\033[32m",
	};

	return screen->colour ? codes[style] : "";
}

static const char *screen_end(const struct screen *screen, enum screen_style style)
{
	return screen->colour && style != SCREEN_PLAIN ? "\033[0m" : "";
}

void screen_add(const struct screen *screen, enum screen_style style, const char *text,
		struct buf *out)
{
	buf_printf(out, "%s%s%s", screen_code(screen, style), text, screen_end(screen, style));
}

void screen_add_wrapped(const struct screen *screen, enum screen_style style, const char *text,
			size_t used, size_t indent, struct buf *out)
{
	struct buf line = BUF_INIT(LIMIT_TABLE_TEXT_BYTES);

	plain_add(&line, text, LIMIT_TABLE_TEXT_COLUMNS);
	const char *at = buf_text(&line);
	size_t left = line.len;
	do {
		size_t room = screen->columns > used + COLUMN_CELLS_LEAST ? screen->columns - used
									  : COLUMN_CELLS_LEAST;
		size_t n = wrap_bytes(at, left, room);
		buf_printf(out, "%s%.*s%s\n", screen_code(screen, style), (int)n, at,
			   screen_end(screen, style));
		at += n;
		left -= n;
		for (; left && *at == ' '; left--)
			at++;
		if (left)
			buf_printf(out, "%*s", (int)indent, "");
		used = indent;
	} while (left);
	buf_fini(&line);
}

int screen_print(const struct screen *screen, const struct buf *text)
{
	struct buf ascii = BUF_INIT(text->cap);

	if (screen->ascii && !text->failed)
		cells_ascii(&ascii, buf_text(text), text->len);
	int result = output_print(screen->ascii && !text->failed ? &ascii : text);
	buf_fini(&ascii);
	return result == -EPIPE ? 0 : result;
}

/* ---- rows ---- */

void table_init(struct table *table, const struct table_column *columns, size_t ncolumns)
{
	*table = (struct table){ .columns = columns, .ncolumns = ncolumns };
}

void table_fini(struct table *table)
{
	for (size_t i = 0; i < table->ncells; i++)
		free(table->cells[i].text);
	free(table->cells);
	*table = (struct table){ .cells = NULL };
}

void table_add(struct table *table, enum screen_style style, const char *text)
{
	table->cells = xrealloc_array(table->cells, table->ncells + 1, sizeof(*table->cells));
	table->cells[table->ncells++] =
		(struct table_cell){ .text = xstrdup(text ? text : ""), .style = style };
}

size_t table_rows(const struct table *table)
{
	return table->ncells / table->ncolumns;
}

/* ---- widths ---- */

static size_t column_cells(const struct table *table, size_t column)
{
	const struct table_column *is = &table->columns[column];
	size_t widest = cells_of(is->title);

	for (size_t i = column; i < table->ncells; i += table->ncolumns) {
		size_t cells = cells_of(table->cells[i].text);
		if (cells > widest)
			widest = cells;
	}
	return is->most && widest > is->most ? is->most : widest;
}

/* The widest column but the last that can give up a cell; the last one: none can. */
static size_t column_to_shrink(const struct table *table, const size_t *widths)
{
	size_t found = table->ncolumns - 1, most = COLUMN_CELLS_LEAST;

	for (size_t i = 0; i + 1 < table->ncolumns; i++)
		if (widths[i] > most) {
			most = widths[i];
			found = i;
		}
	return found;
}

/* Caller frees. */
static size_t *table_widths(const struct table *table, size_t columns)
{
	size_t *widths = xcalloc(table->ncolumns, sizeof(*widths)), used = 0, shrunk;
	const size_t last = table->ncolumns - 1;

	for (size_t i = 0; i < last; i++) {
		widths[i] = column_cells(table, i);
		used += widths[i] + GAP_CELLS;
	}
	while (used + REST_CELLS_WANTED > columns &&
	       (shrunk = column_to_shrink(table, widths)) < last) {
		widths[shrunk]--;
		used--;
	}
	widths[last] = columns > used + COLUMN_CELLS_LEAST ? columns - used : COLUMN_CELLS_LEAST;
	return widths;
}

/* ---- writing ---- */

static void add_table_cell(const struct screen *screen, const struct table_cell *cell, size_t cells,
			   bool last, bool fill, struct buf *out)
{
	struct buf text = BUF_INIT(LIMIT_TABLE_TEXT_BYTES);
	size_t used =
		last ? plain_add(&text, cell->text, cells) : cells_add(&text, cell->text, cells);

	screen_add(screen, cell->style, buf_text(&text), out);
	if (!last || fill)
		buf_printf(out, "%*s", (int)(cells - used + (last ? 0 : GAP_CELLS)), "");
	buf_fini(&text);
}

static void add_table_row(const struct table *table, const struct screen *screen,
			  const struct table_cell *cells, const size_t *widths, bool fill,
			  struct buf *out)
{
	const size_t last = table->ncolumns - 1;
	size_t used = 0;

	for (size_t i = 0; i < last; i++) {
		add_table_cell(screen, &cells[i], widths[i], false, fill, out);
		used += widths[i] + GAP_CELLS;
	}
	if (!table->wraps)
		add_table_cell(screen, &cells[last], widths[last], true, fill, out);
	else
		screen_add_wrapped(screen, cells[last].style, cells[last].text, used, used, out);
}

static void add_table_titles(const struct table *table, const struct screen *screen,
			     const size_t *widths, struct buf *out)
{
	for (size_t i = 0; i + 1 < table->ncolumns; i++) {
		cells_pad(out, table->columns[i].title, widths[i]);
		buf_printf(out, "%*s", GAP_CELLS, "");
	}
	buf_puts(out, table->columns[table->ncolumns - 1].title);
	buf_printf(out, "%s\n", screen_end(screen, SCREEN_DIM));
}

void table_write(const struct table *table, const struct screen *screen, struct buf *out)
{
	const struct screen plain = { .columns = screen->columns };
	bool sign = table->marked && !screen->colour;
	CLEANUP_FREE size_t *widths =
		table_widths(table, screen->columns - (sign ? MARK_CELLS : 0));

	buf_printf(out, "%s%*s", screen_code(screen, SCREEN_DIM), sign ? MARK_CELLS : 0, "");
	add_table_titles(table, screen, widths, out);
	for (size_t row = 0; row < table_rows(table); row++) {
		bool marked = row + 1 == table->marked;
		if (sign)
			buf_puts(out, marked ? "> " : "  ");
		else if (marked)
			buf_puts(out, "\033[7m");
		add_table_row(table, marked ? &plain : screen, &table->cells[row * table->ncolumns],
			      widths, marked && !sign, out);
		if (!table->wraps)
			buf_puts(out, marked && !sign ? "\033[0m\n" : "\n");
	}
}

const char *age_words(int64_t age_us, char out[AGE_WORDS_SIZE])
{
	static const struct {
		int64_t below_us, unit_us;
		const char *word;
	} units[] = {
		{ US_PER_MINUTE, US_PER_SECOND, "s" },
		{ 2 * US_PER_HOUR, US_PER_MINUTE, "min" },
		{ 2 * US_PER_DAY, US_PER_HOUR, "h" },
		{ INT64_MAX, US_PER_DAY, "d" },
	};
	size_t i = 0;

	while (age_us >= units[i].below_us && i + 1 < ARRAY_LEN(units))
		i++;
	snprintf(out, AGE_WORDS_SIZE, "%lld %s",
		 (long long)(age_us > 0 ? age_us / units[i].unit_us : 0), units[i].word);
	return out;
}
