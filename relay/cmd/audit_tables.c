/*
 * Audit, tables: for a terminal, as Markdown, and as JSON. Texts come from other people's traces,
 * so that they are made plain for a terminal and for Markdown. A table owns its array of cells, not
 * their texts.
 */
#include <stdlib.h>
#include <string.h>

#include "audit-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

#define CELL_COLUMNS 60
/* A cell that a person copies must not be cut. */
#define WHOLE_COLUMNS 2000

static size_t cell_columns(const struct audit_column *column)
{
	return column->is_whole ? WHOLE_COLUMNS : CELL_COLUMNS;
}

void audit_table_add(struct audit_table *table, const char *const *cells)
{
	table->cells = xrealloc_array(table->cells, table->ncells + table->ncolumns,
				      sizeof(*table->cells));
	for (size_t i = 0; i < table->ncolumns; i++)
		table->cells[table->ncells++] = cells[i] ? cells[i] : "";
}

static size_t table_rows(const struct audit_table *table)
{
	return table->ncells / table->ncolumns;
}

static const char *table_cell(const struct audit_table *table, size_t row, size_t column)
{
	return table->cells[row * table->ncolumns + column];
}

static void add_cell_blanks(struct buf *out, size_t n)
{
	while (n-- > 0)
		buf_putc(out, ' ');
}

/* The last column is not filled up, so that no line ends in blanks. */
static void add_padded(struct buf *out, const char *text, size_t width, bool right, bool last)
{
	size_t blanks = width - plain_columns(text, width);

	if (right)
		add_cell_blanks(out, blanks);
	plain_add(out, text, width);
	if (!right && !last)
		add_cell_blanks(out, blanks);
	buf_puts(out, last ? "\n" : "  ");
}

static void write_text_table(const struct audit_table *table, struct buf *out)
{
	size_t widths[AUDIT_COLUMNS_MAX], rows = table_rows(table);

	buf_printf(out, "%s\n", table->title);
	if (!rows) {
		buf_printf(out, "  %s\n", table->empty);
		return;
	}
	for (size_t c = 0; c < table->ncolumns; c++) {
		const size_t most = cell_columns(&table->columns[c]);
		widths[c] = plain_columns(table->columns[c].title, most);
		for (size_t r = 0; r < rows; r++) {
			size_t width = plain_columns(table_cell(table, r, c), most);
			if (width > widths[c])
				widths[c] = width < most ? width : most;
		}
	}
	for (size_t r = 0; r <= rows; r++) {
		buf_puts(out, "  ");
		for (size_t c = 0; c < table->ncolumns; c++)
			add_padded(out, r ? table_cell(table, r - 1, c) : table->columns[c].title,
				   widths[c], table->columns[c].is_number,
				   c + 1 == table->ncolumns);
	}
}

/* Escapes what Markdown would read as markup: a bar would end the cell. */
static void add_markdown_text(struct buf *out, const char *text, size_t most)
{
	struct buf plain = BUF_INIT(8 * WHOLE_COLUMNS);

	plain_add(&plain, text, most);
	for (const char *c = buf_text(&plain); *c; c++) {
		if (strchr("\\`*_[]<>|#", *c))
			buf_putc(out, '\\');
		buf_putc(out, *c);
	}
	buf_fini(&plain);
}

static void write_markdown_table(const struct audit_table *table, struct buf *out)
{
	buf_printf(out, "## %s\n\n", table->title);
	if (!table_rows(table)) {
		buf_printf(out, "%s\n", table->empty);
		return;
	}
	for (size_t c = 0; c < table->ncolumns; c++)
		buf_printf(out, "| %s ", table->columns[c].title);
	buf_puts(out, "|\n");
	for (size_t c = 0; c < table->ncolumns; c++)
		buf_puts(out, table->columns[c].is_number ? "|---:" : "|---");
	buf_puts(out, "|\n");
	for (size_t r = 0; r < table_rows(table); r++) {
		for (size_t c = 0; c < table->ncolumns; c++) {
			buf_puts(out, "| ");
			add_markdown_text(out, table_cell(table, r, c),
					  cell_columns(&table->columns[c]));
			buf_putc(out, ' ');
		}
		buf_puts(out, "|\n");
	}
}

static void write_json_table(const struct audit_table *table, struct buf *out)
{
	buf_json_key(out, table->key);
	buf_putc(out, '[');
	for (size_t r = 0; r < table_rows(table); r++) {
		buf_puts(out, r ? ",{" : "{");
		for (size_t c = 0; c < table->ncolumns; c++) {
			if (table->columns[c].is_number)
				buf_json_int(out, table->columns[c].key,
					     strtoll(table_cell(table, r, c), NULL, 10));
			else
				buf_json_text(out, table->columns[c].key, table_cell(table, r, c));
		}
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

void audit_tables_write(const struct audit_table *tables, size_t n, enum table_format format,
			struct buf *out)
{
	if (format == TABLE_JSON) {
		buf_putc(out, '{');
		buf_json_int(out, "version", 1);
	}
	for (size_t i = 0; i < n; i++) {
		if (format == TABLE_JSON) {
			write_json_table(&tables[i], out);
			continue;
		}
		if (i)
			buf_putc(out, '\n');
		if (format == TABLE_MARKDOWN)
			write_markdown_table(&tables[i], out);
		else
			write_text_table(&tables[i], out);
	}
	if (format == TABLE_JSON)
		buf_puts(out, "}\n");
}
