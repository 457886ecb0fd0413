/* What the files of rules/doc share: how a finding with a place is added, what broken YAML was to
 * be, and how a source line loses its secrets. */
#ifndef TRACEPAGER_DOC_INTERNAL_H
#define TRACEPAGER_DOC_INTERNAL_H

#include <stdarg.h>
#include <stdbool.h>

#include "tracepager/arena.h"
#include "tracepager/findings.h"
#include "tracepager/ydoc.h"

/* Texts are borrowed for the call; `code` for good. */
struct finding_place {
	enum finding_level level;
	const char *code, *file;
	int line, column, width;
	const char *source, *hint; /* may be NULL */
};
void findings_vadd(struct findings *findings, const struct finding_place *place, const char *format,
		   va_list args) __attribute__((format(printf, 3, 0)));

/* ysyntax.c: what libyaml reports, with lines and columns from 1. */
struct syntax_problem {
	const char *problem, *context; /* context may be NULL */
	int line, column, context_line, context_column;
	bool is_end; /* the file ends there */
};
/* What its writer probably did. */
struct syntax_guess {
	int line, column, width;
	const char *text, *hint; /* kept by the arena */
};
bool ysyntax_guess(struct arena *arena, const struct ydoc *doc,
		   const struct syntax_problem *problem, struct syntax_guess *ret_guess);
/* What to look for where there is no guess. */
const char *ysyntax_hint(const struct ydoc *doc, const struct syntax_problem *problem);

/* secret_lines.c: overwrites the values of secrets in one line with marks, one for each character,
 * so that columns stay right. misspelt: also where the key only looks like a secret's. */
void secret_line_hide(char *line, char mark, bool misspelt);
/* Does the key that ends before `end`, and begins no earlier than `line`, name a secret, or an
 * address? */
bool secret_is_name(const char *line, const char *end, bool misspelt);
bool secret_is_address_key(const char *line, const char *end);
/* Overwrites what URLs of the text have of secrets; address: also what looks like a token in their
 * paths. */
void secret_hide_urls(char *text, char mark, bool address);
/* Of a text of many lines, by the look of each line. */
void secret_lines_hide(char *text, char mark);
/* Overwrites the line behind its indentation with stars. */
void secret_line_hide_all(char *line);
/* Does the line that begins at `start` belong to a value whose key is, or looks like, a secret's
 * and stands on an earlier line? */
bool secret_line_continues(const char *text, const char *start);
/* The source line, secrets hidden; NULL: no such line, or longer than LIMIT_FINDING_LINE_BYTES. The
 * caller frees. */
char *secret_line_source(const struct ydoc *doc, int line);

#endif
