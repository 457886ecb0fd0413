/*
 * Tables of the audit, for a terminal, as Markdown, and as JSON. Texts come from other people's
 * traces, so they are made plain for the first two. Owns the cells' array of a table, not the
 * texts.
 */
#include <stdlib.h>
#include <string.h>

#include "audit-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

#define CELL_COLUMNS 60

void table_row(struct table *table, const char *const *cells)
{
	table->cells = xrealloc_array(table->cells, table->ncells + table->ncolumns,
				      sizeof(*table->cells));
	for (size_t i = 0; i < table->ncolumns; i++)
		table->cells[table->ncells++] = cells[i] ? cells[i] : "";
}

size_t table_rows(const struct table *table)
{
	return table->ncells / table->ncolumns;
}

static const char *cell(const struct table *table, size_t row, size_t column)
{
	return table->cells[row * table->ncolumns + column];
}

static void add_blanks(struct buf *out, size_t n)
{
	while (n-- > 0)
		buf_putc(out, ' ');
}

/* Not behind the last one: no line ends in blanks. */
static void add_padded(struct buf *out, const char *text, size_t width, bool right, bool last)
{
	size_t blanks = width - plain_columns(text, width);

	if (right)
		add_blanks(out, blanks);
	plain_add(out, text, width);
	if (!right && !last)
		add_blanks(out, blanks);
	buf_puts(out, last ? "\n" : "  ");
}

static void write_text(const struct table *table, struct buf *out)
{
	size_t widths[TABLE_COLUMNS], rows = table_rows(table);

	buf_printf(out, "%s\n", table->title);
	if (!rows) {
		buf_printf(out, "  %s\n", table->nothing);
		return;
	}
	for (size_t c = 0; c < table->ncolumns; c++) {
		widths[c] = plain_columns(table->columns[c].title, CELL_COLUMNS);
		for (size_t r = 0; r < rows; r++) {
			size_t width = plain_columns(cell(table, r, c), CELL_COLUMNS);
			if (width > widths[c])
				widths[c] = width < CELL_COLUMNS ? width : CELL_COLUMNS;
		}
	}
	for (size_t r = 0; r <= rows; r++) {
		buf_puts(out, "  ");
		for (size_t c = 0; c < table->ncolumns; c++)
			add_padded(out, r ? cell(table, r - 1, c) : table->columns[c].title,
				   widths[c], table->columns[c].number, c + 1 == table->ncolumns);
	}
}

/* In a cell, a bar would end it, and a tag would be one. */
static void add_markdown(struct buf *out, const char *text)
{
	struct buf plain = BUF_INIT(8 * CELL_COLUMNS);

	plain_add(&plain, text, CELL_COLUMNS);
	for (const char *c = buf_text(&plain); *c; c++) {
		if (strchr("\\`*_[]<>|#", *c))
			buf_putc(out, '\\');
		buf_putc(out, *c);
	}
	buf_fini(&plain);
}

static void write_markdown(const struct table *table, struct buf *out)
{
	buf_printf(out, "## %s\n\n", table->title);
	if (!table_rows(table)) {
		buf_printf(out, "%s\n", table->nothing);
		return;
	}
	for (size_t c = 0; c < table->ncolumns; c++)
		buf_printf(out, "| %s ", table->columns[c].title);
	buf_puts(out, "|\n");
	for (size_t c = 0; c < table->ncolumns; c++)
		buf_puts(out, table->columns[c].number ? "|---:" : "|---");
	buf_puts(out, "|\n");
	for (size_t r = 0; r < table_rows(table); r++) {
		for (size_t c = 0; c < table->ncolumns; c++) {
			buf_puts(out, "| ");
			add_markdown(out, cell(table, r, c));
			buf_putc(out, ' ');
		}
		buf_puts(out, "|\n");
	}
}

static void write_json(const struct table *table, struct buf *out)
{
	buf_json_key(out, table->key);
	buf_putc(out, '[');
	for (size_t r = 0; r < table_rows(table); r++) {
		buf_puts(out, r ? ",{" : "{");
		for (size_t c = 0; c < table->ncolumns; c++) {
			if (table->columns[c].number)
				buf_json_int(out, table->columns[c].key,
					     strtoll(cell(table, r, c), NULL, 10));
			else
				buf_json_text(out, table->columns[c].key, cell(table, r, c));
		}
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

void tables_write(const struct table *tables, size_t n, enum table_format format, struct buf *out)
{
	if (format == TABLE_JSON) {
		buf_putc(out, '{');
		buf_json_int(out, "version", 1);
	}
	for (size_t i = 0; i < n; i++) {
		if (format == TABLE_JSON) {
			write_json(&tables[i], out);
			continue;
		}
		if (i)
			buf_putc(out, '\n');
		if (format == TABLE_MARKDOWN)
			write_markdown(&tables[i], out);
		else
			write_text(&tables[i], out);
	}
	if (format == TABLE_JSON)
		buf_puts(out, "}\n");
}
