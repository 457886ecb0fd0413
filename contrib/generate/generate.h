/*
 * Generate: the program of the build that writes completions of shells, manual pages and the sample
 * of tracepager.yaml from the tables in include/tracepager/tbl, so that a new command or option is
 * in all of them. It runs on the machine that builds, and is not installed. It reads the
 * hand-written parts of pages in contrib/man/parts. Nothing here is part of tracepager.
 *
 * Texts of rows are literals. For the main thread.
 */
#ifndef TRACEPAGER_GENERATE_H
#define TRACEPAGER_GENERATE_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/buf.h"
#include "tracepager/command_tables.h"

/* A file that is written, and a part of a page that is read, at most. */
#define GENERATE_FILE_BYTES (1u << 20)

/* ---- generate_tables.c: what the tables of relay/cmd/options_table.c mean ---- */

/* A word that a command's first argument can be: an action, a kind of catalogue or export, a format
 * of alerts. */
struct word_row {
	const char *command, *word, *text;
};

extern const struct word_row word_rows[];
extern const size_t nword_rows;

static inline bool text_is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

bool has_words(const char *command);

/* What stands where a value or an argument is wanted. */
enum value_kind {
	VALUE_NONE, /* the option takes no value, or only one in its own word */
	VALUE_TEXT,
	VALUE_WORDS,
	VALUE_FILE,
	VALUE_DIRECTORY,
};

enum value_kind option_value_kind(const struct command_option *option);
/* The words of a VALUE_WORDS, with blanks between them. */
void add_option_words(const struct command_option *option, struct buf *out);

/* One argument behind the options, "[RULES]..." */
struct argument {
	char name[64];
	bool optional, repeated;
	enum value_kind kind;
};

/* The next argument of `command`, whose number (from 0) is `number`; *at begins as its `arguments`.
 * False: there is none left. */
bool argument_next(const struct command_row *command, const char **at, size_t number,
		   struct argument *ret);

/* The beginning of a text that fits a line of a menu: its first clause, at most 70 bytes. */
void add_short_text(const char *text, const char *escaped, const char *with, struct buf *out);

/* ---- completions ---- */

void generate_bash(struct buf *out);
void generate_zsh(struct buf *out);
void generate_fish(struct buf *out);

/* ---- generate_mdoc.c ---- */

/* The pages that a page names, for its SEE ALSO. */
struct references {
	char names[64][64];
	size_t n;
};

void references_add(struct references *refs, const char *name, const char *section);
/* ".Sh SEE ALSO", sorted, without the page itself. */
void references_write(struct references *refs, const char *self, const char *section,
		      struct buf *out);

/* A text of the tables as lines of mdoc: a line for each sentence, pages, options and arguments
 * marked. `arguments`: words in capitals that are marked as arguments, with blanks between them. */
void mdoc_text(const char *text, const char *arguments, struct references *refs, struct buf *out);
/* The same, with a capital letter before it and a full stop behind it. Where `words`, with bars
 * between them, has the first word, that keeps its small letter. */
void mdoc_sentence(const char *text, const char *words, const char *arguments,
		   struct references *refs, struct buf *out);
/* A line as a person types it. */
void mdoc_literal(const char *line, struct buf *out);
/* The same within a filled text: its words are not hyphenated. */
void mdoc_unbroken(const char *line, struct buf *out);
void mdoc_header(const char *name, const char *section, const char *about, struct buf *out);

/* The hand-written parts of a page: sections, each from behind its ".Sh" line up to the next. */
struct parts {
	char *text; /* NULL: the page has none */
};

void parts_read(struct parts *parts, const char *directory, const char *page);
void parts_free(struct parts *parts);
/* The section's lines; false: there is none. */
bool parts_section(const struct parts *parts, const char *title, struct buf *out);
/* Sections with titles of their own, whole. */
void parts_others(const struct parts *parts, struct buf *out);
/* The pages that the parts name. */
void parts_references(const struct parts *parts, struct references *refs);

/* ---- pages ---- */

void generate_command_page(const struct command_row *command, const char *parts_directory,
			   struct buf *out);
void generate_main_page(const char *parts_directory, struct buf *out);
void generate_options_page(const char *parts_directory, struct buf *out);

#endif
