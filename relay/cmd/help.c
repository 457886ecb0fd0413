/* Help: see help-internal.h. */
#include "help-internal.h"

#include <string.h>

#include "wrap-internal.h"
#include "tracepager/cells.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define HELP_COLUMNS 80
/* "  -c, ": before the long name of an option. */
#define LETTER_COLUMNS 6
/* A longer name of an option has a line of its own. */
#define NAME_COLUMNS_MAX 34

static void add_blanks(struct buf *out, size_t n)
{
	while (n-- > 0)
		buf_putc(out, ' ');
}

/* A text from the column `used` on, with `indent` blanks before its further lines. */
static void help_add_wrapped(struct buf *out, const char *text, size_t used, size_t indent)
{
	size_t len = strlen(text);

	for (;;) {
		size_t n = wrap_bytes(text, len, HELP_COLUMNS - used);
		buf_add(out, text, n);
		buf_putc(out, '\n');
		text += n;
		len -= n;
		for (; len && *text == ' '; len--)
			text++;
		if (!len)
			return;
		add_blanks(out, indent);
		used = indent;
	}
}

/* A term that ends at the column `used`, and the text beside it. */
static void help_add_term(struct buf *out, size_t used, size_t columns, const char *text)
{
	if (used + 2 > columns) {
		buf_putc(out, '\n');
		used = 0;
	}
	add_blanks(out, columns - used);
	help_add_wrapped(out, text, columns, columns);
}

/* ---- one command ---- */

static bool row_fits(const struct help_row *row, const struct command_row *command,
		     enum help_kind kind)
{
	return row->kind == kind && strcmp(row->command, command->name) == 0;
}

static void add_usage(const struct command_row *command, struct buf *out)
{
	buf_printf(out, "usage: tracepager %s [OPTION]...", command->name);
	for (size_t i = 0; i < ncommand_options; i++)
		if (command_options[i].kind == OPTION_NEEDED &&
		    strcmp(command_options[i].command, command->name) == 0)
			buf_printf(out, " --%s %s", command_options[i].name,
				   command_options[i].argument);
	buf_printf(out, "%s%s\n", *command->arguments ? " " : "", command->arguments);
}

static void add_paragraphs(const struct command_row *command, enum help_kind kind, struct buf *out)
{
	for (size_t i = 0; i < nhelp_rows; i++)
		if (row_fits(&help_rows[i], command, kind)) {
			buf_putc(out, '\n');
			help_add_wrapped(out, help_rows[i].text, 0, 0);
		}
}

static void add_terms(const struct command_row *command, enum help_kind kind, const char *title,
		      struct buf *out)
{
	size_t columns = 0;

	for (size_t i = 0; i < nhelp_rows; i++)
		if (row_fits(&help_rows[i], command, kind) && strlen(help_rows[i].term) > columns)
			columns = strlen(help_rows[i].term);
	if (!columns)
		return;
	buf_puts(out, title);
	for (size_t i = 0; i < nhelp_rows; i++)
		if (row_fits(&help_rows[i], command, kind)) {
			buf_printf(out, "  %s", help_rows[i].term);
			help_add_term(out, 2 + strlen(help_rows[i].term), columns + 4,
				      help_rows[i].text);
		}
}

static void add_examples(const struct command_row *command, struct buf *out)
{
	const char *title = "\nExamples:\n";

	for (size_t i = 0; i < nhelp_rows; i++) {
		const struct help_row *row = &help_rows[i];
		if (!row_fits(row, command, HELP_EXAMPLE))
			continue;
		buf_printf(out, "%s  %s\n", title, row->term);
		title = "";
		if (*row->text) {
			add_blanks(out, LETTER_COLUMNS);
			help_add_wrapped(out, row->text, LETTER_COLUMNS, LETTER_COLUMNS);
		}
	}
}

/* "--format text|json", "--explain[=CODE]". */
static void add_option_name(const struct command_option *option, struct buf *out)
{
	buf_printf(out, "--%s", option->name);
	if (option->kind == OPTION_WORD)
		buf_printf(out, " %s", option->range);
	else if (option->kind == OPTION_OPTIONAL)
		buf_printf(out, "[=%s]", option->argument);
	else if (*option->argument)
		buf_printf(out, " %s", option->argument);
}

/* Where the texts of the options begin. */
static size_t options_columns(const struct command_row *command)
{
	size_t columns = 0;

	for (size_t i = 0; i < ncommand_options; i++) {
		struct buf name = BUF_INIT(LIMIT_HELP_BYTES);
		if (strcmp(command_options[i].command, command->name) == 0)
			add_option_name(&command_options[i], &name);
		if (name.len > columns && LETTER_COLUMNS + name.len <= NAME_COLUMNS_MAX)
			columns = name.len;
		buf_fini(&name);
	}
	return LETTER_COLUMNS + (columns > strlen("--help") ? columns : strlen("--help")) + 2;
}

static void add_option(const char *letter, const struct buf *name, const char *text, size_t columns,
		       struct buf *out)
{
	buf_printf(out, *letter ? "  -%s, " : "      ", letter);
	buf_puts(out, buf_text(name));
	help_add_term(out, LETTER_COLUMNS + name->len, columns, text);
}

static void add_options(const struct command_row *command, struct buf *out)
{
	size_t columns = options_columns(command);
	struct buf name = BUF_INIT(LIMIT_HELP_BYTES), text = BUF_INIT(LIMIT_HELP_BYTES);

	buf_puts(out, "\nOptions:\n");
	for (size_t i = 0; i < ncommand_options; i++) {
		const struct command_option *option = &command_options[i];
		if (strcmp(option->command, command->name) != 0)
			continue;
		buf_reset(&name);
		buf_reset(&text);
		add_option_name(option, &name);
		buf_puts(&text, option->text);
		if (*option->value)
			buf_printf(&text, " (default: %s)", option->value);
		add_option(option->letter, &name, buf_text(&text), columns, out);
	}
	buf_reset(&name);
	buf_puts(&name, "--help");
	add_option("h", &name, "print this help, and end", columns, out);
	buf_fini(&name);
	buf_fini(&text);
}

void help_write_command(const struct command_row *command, struct buf *out)
{
	add_usage(command, out);
	add_paragraphs(command, HELP_ABOUT, out);
	add_terms(command, HELP_TERM, "", out);
	add_options(command, out);
	add_paragraphs(command, HELP_NOTE, out);
	add_terms(command, HELP_STATUS, "\nExit status:\n", out);
	add_examples(command, out);
}

/* ---- all commands ---- */

void help_write(struct buf *out)
{
	buf_puts(out, "tracepager: pages the team whose service broke, with the trace as evidence\n"
		      "\nusage: tracepager COMMAND [OPTION]...\n\n");
	for (size_t i = 0; i < ncommand_rows; i++)
		buf_printf(out, "  %-9s  %s\n", command_rows[i].name, command_rows[i].text);
	buf_puts(out, "\n  tracepager COMMAND --help    tells about one command\n"
		      "  tracepager --version         tells the version\n\n"
		      "First steps: \"tracepager demo\" shows everything at work;\n"
		      "\"tracepager explain TRACE\" explains a trace.\n");
}
