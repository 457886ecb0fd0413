/*
 * Pager waterfall: the waterfall of a page for narrow screens, where the lines of 72 columns would
 * fold, and for texts without a font of one width, where bars below each other mean nothing. The
 * lines are those of waterfall.h: mark, name, bar, and 9 cells with the duration. Pure; owns
 * nothing.
 */
#include "pager_layout.h"

#include <string.h>

#include "tracepager/cells.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* Above the cells of a line that is cut; one with more stays as it is. */
#define ROW_CELLS  200u
#define TAIL_CELLS 9u /* a blank and the duration */
#define BARS_LEAST 6u /* cells of the bars that are left where a name is long */

static const char *const bar_signs[] = { "█", "░", "›", "‹" };

/* One line of the waterfall, cell by cell. */
struct waterfall_row {
	const char *text;
	size_t at[ROW_CELLS + 1]; /* the byte at which a cell's character begins */
	size_t cells;
	bool has_bar;
	size_t first, end; /* cells of the bar */
};

/* What all rows have in common. */
struct waterfall_columns {
	size_t first, end; /* cells of the bars */
	size_t blank;	   /* cells of the tails in which no row has anything */
	size_t head, bars; /* cells that stay of names and bars */
};

static size_t sign_at(const struct waterfall_row *row, size_t cell)
{
	size_t i = 0;

	while (i < ARRAY_LEN(bar_signs) &&
	       strncmp(row->text + row->at[cell], bar_signs[i], strlen(bar_signs[i])) != 0)
		i++;
	return i;
}

static bool is_blank(const struct waterfall_row *row, size_t cell)
{
	return row->text[row->at[cell]] == ' ';
}

static void row_measure(struct waterfall_row *row, const char *text, size_t len)
{
	size_t i = 0, width;

	*row = (struct waterfall_row){ .text = text };
	while (i < len && row->cells < ROW_CELLS - 2) {
		size_t n = cells_character(text + i, len - i, &width);
		for (; width > 0; width--)
			row->at[row->cells++] = i;
		i += n;
	}
	row->at[row->cells] = i;
	if (i < len || row->cells < TAIL_CELLS + 4)
		return;
	row->end = row->cells - TAIL_CELLS;
	while (row->end > 0 && is_blank(row, row->end - 1))
		row->end--;
	row->first = row->end;
	while (row->first > 0 && sign_at(row, row->first - 1) < ARRAY_LEN(bar_signs))
		row->first--;
	row->has_bar = row->first > 2 && row->first < row->end && is_blank(row, row->first - 1) &&
		       is_blank(row, row->cells - TAIL_CELLS);
}

static size_t line_length(const char *line)
{
	return strcspn(line, "\n");
}

static const char *line_behind(const char *line)
{
	line += line_length(line);
	return line + (*line == '\n');
}

/* False: no line has a bar. */
static bool columns_choose(struct waterfall_columns *columns, const char *lines, size_t most)
{
	struct waterfall_row row;

	*columns = (struct waterfall_columns){ .first = ROW_CELLS, .blank = TAIL_CELLS };
	for (; *lines; lines = line_behind(lines)) {
		size_t blank = 0;
		row_measure(&row, lines, line_length(lines));
		if (!row.has_bar)
			continue;
		while (blank < columns->blank && is_blank(&row, row.cells - TAIL_CELLS + blank))
			blank++;
		columns->blank = blank;
		columns->first = row.first < columns->first ? row.first : columns->first;
		columns->end = row.end > columns->end ? row.end : columns->end;
	}
	if (columns->first >= columns->end)
		return false;
	/* One blank stays before the duration. */
	size_t tail = TAIL_CELLS + 1 - (columns->blank ? columns->blank : 1);
	size_t room = most > tail ? most - tail : 0;
	columns->head = columns->first;
	if (columns->head + BARS_LEAST > room)
		columns->head = room > BARS_LEAST ? room - BARS_LEAST : 0;
	columns->bars = room - columns->head;
	if (columns->bars > columns->end - columns->first)
		columns->bars = columns->end - columns->first;
	return true;
}

/* The mark, the indentation and the name, which is cut in its middle. */
static void waterfall_add_head(const struct waterfall_row *row, size_t from, size_t cells,
			       struct buf *out)
{
	size_t kept = 0;

	if (cells >= from) {
		buf_add(out, row->text, row->at[from]);
		return;
	}
	while (kept < from && kept < cells / 2 &&
	       (kept < 2 || is_blank(row, kept) ||
		strncmp(row->text + row->at[kept], "└", strlen("└")) == 0))
		kept++;
	buf_add(out, row->text, row->at[kept]);
	struct buf name = BUF_INIT(LIMIT_PAGE_BYTES);
	buf_add(&name, row->text + row->at[kept], row->at[from] - row->at[kept]);
	cells_pad(out, buf_text(&name), cells - kept - 1);
	buf_putc(out, ' ');
	buf_fini(&name);
}

/* Each cell shows the strongest sign of the cells that it stands for. */
static void waterfall_add_bar(const struct waterfall_row *row,
			      const struct waterfall_columns *columns, struct buf *out)
{
	size_t width = columns->end - columns->first;

	for (size_t i = 0; i < columns->bars; i++) {
		size_t cell = columns->first + i * width / columns->bars,
		       best = ARRAY_LEN(bar_signs);
		size_t end = columns->first + (i + 1) * width / columns->bars;
		/* There are never more cells than there were. */
		for (; cell < end; cell++) {
			size_t sign =
				cell >= row->first && cell < row->end ? sign_at(row, cell) : best;
			best = sign < best ? sign : best;
		}
		buf_puts(out, best < ARRAY_LEN(bar_signs) ? bar_signs[best] : " ");
	}
}

/* The name and the duration alone. */
static void add_without_bar(const struct waterfall_row *row, struct buf *out)
{
	size_t head = row->first, tail = row->cells - TAIL_CELLS;

	while (head > 0 && is_blank(row, head - 1))
		head--;
	while (tail < row->cells && is_blank(row, tail))
		tail++;
	buf_add(out, row->text, row->at[head]);
	buf_puts(out, "  ");
	buf_add(out, row->text + row->at[tail], row->at[row->cells] - row->at[tail]);
}

const char *pager_waterfall(struct arena *arena, const char *lines, size_t most)
{
	struct buf out = BUF_INIT(LIMIT_PAGE_BYTES);
	struct waterfall_columns columns;
	struct waterfall_row row;

	if (!lines || !columns_choose(&columns, lines, most))
		return lines;
	for (; *lines; lines = line_behind(lines)) {
		row_measure(&row, lines, line_length(lines));
		buf_puts(&out, out.len ? "\n" : "");
		if (!row.has_bar) {
			buf_add(&out, lines, line_length(lines));
		} else if (most == 0) {
			add_without_bar(&row, &out);
		} else {
			waterfall_add_head(&row, columns.first, columns.head, &out);
			waterfall_add_bar(&row, &columns, &out);
			size_t tail =
				row.cells - TAIL_CELLS + (columns.blank ? columns.blank - 1 : 0);
			buf_add(&out, row.text + row.at[tail], row.at[row.cells] - row.at[tail]);
		}
	}
	const char *kept = arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return kept;
}
