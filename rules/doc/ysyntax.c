/*
 * Ysyntax: what the writer of broken YAML probably did. libyaml reports what its parser missed, and
 * often a line too late: a key without its colon is told at the next line's colon. Looks at the
 * lines around the report, with the secrets in them hidden. Pure: owns nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "doc-internal.h"

#include "tracepager/arena.h"
#include "tracepager/limits.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"
#include "tracepager/ytext.h"

/* One line, its secrets hidden. */
struct syntax_line {
	char *text;	   /* heap; NULL: there is no such line, or it is too long */
	size_t at;	   /* of the first byte of its first key or value, behind "- " */
	size_t key, value; /* bytes of the key, 0: none; where its value begins, 0: none */
};

static void syntax_line_read(const struct ydoc *doc, int number, struct syntax_line *line)
{
	*line = (struct syntax_line){ .text = secret_line_source(doc, number) };
	if (!line->text)
		return;
	line->at = strspn(line->text, " ");
	while (line->text[line->at] == '-' && line->text[line->at + 1] == ' ')
		line->at += 1 + strspn(line->text + line->at + 1, " ");
	const char *text = line->text + line->at, *colon = text;
	if (*text == '"' || *text == '\'') {
		const char *close = strchr(text + 1, *text);
		colon = close ? close + 1 : text;
	}
	while ((colon = strchr(colon, ':')) && colon[1] && colon[1] != ' ')
		colon++;
	if (!colon || memchr(text, '#', (size_t)(colon - text)))
		return;
	line->key = (size_t)(colon - text);
	const size_t blanks = strspn(colon + 1, " ");
	if (colon[1 + blanks] && colon[1 + blanks] != '#')
		line->value = line->at + line->key + 1 + blanks;
}

static bool syntax_line_is_blank(const struct syntax_line *line)
{
	return !line->text[line->at] || line->text[line->at] == '#';
}

/* The column of a byte of the line, in characters. */
static int column_at(const struct syntax_line *line, size_t byte)
{
	return 1 + (int)utf8_count(line->text, byte);
}

/* Characters from the byte to the last one of the line that is no blank. */
static int width_from(const struct syntax_line *line, size_t byte)
{
	size_t end = strlen(line->text);

	while (end > byte + 1 && line->text[end - 1] == ' ')
		end--;
	return column_at(line, end) - column_at(line, byte);
}

/* The last line before `number` that holds more than a comment. Returns its number; 0: none. */
static int syntax_line_before(const struct ydoc *doc, int number, struct syntax_line *line)
{
	while (--number > 0) {
		syntax_line_read(doc, number, line);
		if (!line->text)
			return 0;
		if (!syntax_line_is_blank(line))
			return number;
		free(line->text);
	}
	line->text = NULL;
	return 0;
}

/* Places the guess at a byte of a line. */
static bool guess_at(struct syntax_guess *guess, int number, const struct syntax_line *line,
		     size_t byte, const char *text, const char *hint)
{
	*guess = (struct syntax_guess){ .line = number,
					.column = column_at(line, byte),
					.width = width_from(line, byte),
					.text = text,
					.hint = hint };
	return true;
}

/* "cart" above a deeper line, or above a key: it has no colon. */
static bool guess_colon(struct arena *arena, int number, const struct syntax_line *line,
			struct syntax_guess *guess)
{
	const char *word = line->text + line->at;
	size_t len = strlen(word);

	while (len && word[len - 1] == ' ')
		len--;
	if (line->key || !len || strchr("[{|>&*!%@`", *word) || memchr(word, '#', len))
		return false;
	/* "owner shop": what stands behind the name is its value, and may be a secret. */
	const size_t blank = strcspn(word, " ");
	const char *rest = blank < len ? " …" : "";
	if (blank < len)
		len = blank;
	return guess_at(guess, number, line, line->at,
			arena_printf(arena, "\"%.*s\" has no colon", (int)len, word),
			arena_printf(arena, "write \"%.*s:%s\"", (int)len, word, rest));
}

/* The line is deeper than the key above it, which has its value already. */
static bool guess_deeper(struct arena *arena, const struct syntax_problem *problem,
			 const struct syntax_line *line, int before,
			 const struct syntax_line *above, struct syntax_guess *guess)
{
	if (line->at <= above->at || !above->value || strchr("|>", above->text[above->value]))
		return false;
	const char *key = line->text + line->at;
	const int len = (int)(line->key ? line->key : strlen(key));
	return guess_at(
		guess, problem->line, line, line->at,
		arena_printf(arena,
			     "this line is indented deeper than line %d, whose key has its value "
			     "already",
			     before),
		arena_printf(arena, "indent \"%.*s\" by %zu blanks, as \"%.*s\" on line %d", len,
			     key, above->at, (int)above->key, above->text + above->at, before));
}

/* The line is indented as none above it that is still open. */
static bool guess_indent(struct arena *arena, const struct ydoc *doc,
			 const struct syntax_problem *problem, const struct syntax_line *line,
			 struct syntax_guess *guess)
{
	const char *deep = NULL, *flat = NULL;
	size_t least = SIZE_MAX;

	for (int number = problem->line; least > line->at;) {
		struct syntax_line above;
		number = syntax_line_before(doc, number, &above);
		if (!number)
			break;
		const bool fits = above.at == line->at;
		if (above.at < least && above.key && !fits) {
			const char *as =
				arena_printf(arena, "%zu blanks, as \"%.*s\" on line %d", above.at,
					     (int)above.key, above.text + above.at, number);
			*(above.at > line->at ? &deep : &flat) = as;
		}
		least = above.at < least ? above.at : least;
		free(above.text);
		if (fits && least == line->at)
			return false;
	}
	if (!deep && !flat)
		return false;
	return guess_at(guess, problem->line, line, line->at,
			arena_printf(arena,
				     "no line above that this one could belong to is "
				     "indented by %zu blanks",
				     line->at),
			arena_printf(arena, "indent it by %s%s%s", deep ? deep : flat,
				     deep && flat ? ", or by " : "", deep && flat ? flat : ""));
}

/* "summary: {service} fails": the value ends with its bracket or quote, and more follows. */
static bool guess_text_behind(struct arena *arena, const struct syntax_problem *problem,
			      const struct syntax_line *line, struct syntax_guess *guess)
{
	static const char opens[] = "{[\"'", closes[] = "}]\"'";
	const char *open = line->value ? strchr(opens, line->text[line->value]) : NULL;

	if (!open || problem->column <= column_at(line, line->value))
		return false;
	const bool is_quote = *open == '"' || *open == '\'';
	return guess_at(
		guess, problem->line, line, line->value,
		arena_printf(
			arena,
			"the value of \"%.*s\" begins with %c and ends with its %c, but more text "
			"stands behind that",
			(int)line->key, line->text + line->at, *open, closes[open - opens]),
		is_quote && *open == '"' ? "put the whole value in quotes, with ' around it"
					 : "put the whole value in quotes, with \" around it");
}

/* "{channel: #ops}": what stands behind the # is a comment, with the bracket in it. */
static bool guess_comment(struct arena *arena, const struct ydoc *doc,
			  const struct syntax_problem *problem, struct syntax_guess *guess)
{
	for (int number = problem->context_line; number <= problem->line; number++) {
		struct syntax_line line;
		syntax_line_read(doc, number, &line);
		const char *hash = line.text ? strchr(line.text, '#') : NULL;
		while (hash && (hash == line.text || !strchr(" ,[{", hash[-1])))
			hash = strchr(hash + 1, '#');
		const bool guilty = hash && hash[1] != ' ' && strpbrk(hash, "]}");
		if (guilty)
			guess_at(guess, number, &line, (size_t)(hash - line.text),
				 "a # behind a blank begins a comment, so that the brackets behind "
				 "it do not count",
				 arena_printf(arena, "put the value in quotes: \"%.*s\"",
					      (int)strcspn(hash, " ,]}"), hash));
		free(line.text);
		if (guilty)
			return true;
	}
	return false;
}

/* "page: [a, b" with the next line behind it. */
static bool guess_unclosed(struct arena *arena, const struct ydoc *doc,
			   const struct syntax_problem *problem, struct syntax_guess *guess)
{
	struct syntax_line line;

	if (problem->line == problem->context_line || problem->is_end)
		return false;
	syntax_line_read(doc, problem->context_line, &line);
	if (!line.text)
		return false;
	size_t end = strlen(line.text), at = 0;
	while (end && line.text[end - 1] == ' ')
		end--;
	while (at < end && column_at(&line, at) < problem->context_column)
		at++;
	/* A list over many lines ends each with its comma: what is missing is elsewhere. */
	const bool guilty =
		at < end && strchr("[{", line.text[at]) && !strchr(",[{", line.text[end - 1]);
	if (guilty)
		guess_at(guess, problem->context_line, &line, at,
			 arena_printf(arena, "the %c that opens here is never closed",
				      line.text[at]),
			 line.text[at] == '['
				 ? "close it with ] on its line, or end the line with a comma"
				 : "close it with } on its line, or end the line with a comma");
	free(line.text);
	return guilty;
}

/* "*.example": a glob, and an alias of YAML. */
static bool guess_alias(struct arena *arena, const struct ydoc *doc,
			const struct syntax_problem *problem, struct syntax_guess *guess)
{
	struct syntax_line line;
	size_t at = 0;

	syntax_line_read(doc, problem->context_line, &line);
	if (!line.text)
		return false;
	while (line.text[at] && column_at(&line, at) < problem->context_column)
		at++;
	const char *word = line.text + at;
	const bool guilty = *word == '*';
	if (guilty)
		guess_at(guess, problem->context_line, &line, at,
			 "a value that begins with * is an alias of YAML",
			 arena_printf(arena, "put the glob in quotes: \"%.*s\"",
				      (int)strcspn(word, " ,]}"), word));
	free(line.text);
	return guilty;
}

/* Of a block: a missing colon, a wrong indentation, or text behind a value. */
static bool guess_block(struct arena *arena, const struct ydoc *doc,
			const struct syntax_problem *problem, struct syntax_guess *guess)
{
	struct syntax_line line, above;
	bool found = false;

	syntax_line_read(doc, problem->line, &line);
	if (!line.text)
		return false;
	const bool is_first = problem->column <= column_at(&line, line.at);
	const int before = syntax_line_before(doc, problem->line, &above);
	if (strstr(problem->problem, "mapping values are not allowed")) {
		found = before && line.at >= above.at &&
			(guess_colon(arena, before, &above, guess) ||
			 guess_deeper(arena, problem, &line, before, &above, guess));
	} else if (!is_first) {
		found = guess_text_behind(arena, problem, &line, guess);
	} else if (strchr(line.text, '\t') == NULL) {
		found = (before && guess_deeper(arena, problem, &line, before, &above, guess)) ||
			guess_indent(arena, doc, problem, &line, guess);
	}
	free(line.text);
	free(above.text);
	return found;
}

bool ysyntax_guess(struct arena *arena, const struct ydoc *doc,
		   const struct syntax_problem *problem, struct syntax_guess *ret_guess)
{
	if (problem->context && strstr(problem->context, "scanning an alias"))
		return guess_alias(arena, doc, problem, ret_guess);
	if (strstr(problem->problem, "',' or"))
		return guess_comment(arena, doc, problem, ret_guess) ||
		       guess_unclosed(arena, doc, problem, ret_guess);
	if (strstr(problem->problem, "could not find expected ':'")) {
		struct syntax_line line;
		syntax_line_read(doc, problem->context_line, &line);
		const bool found =
			line.text && guess_colon(arena, problem->context_line, &line, ret_guess);
		free(line.text);
		return found;
	}
	return guess_block(arena, doc, problem, ret_guess);
}

const char *ysyntax_hint(const struct ydoc *doc, const struct syntax_problem *problem)
{
	const size_t line = (size_t)problem->line - 1, column = (size_t)problem->column - 1;
	const char *at = line < doc->nlines ? doc->text + doc->lines[line] : NULL;

	if (at && memchr(at, '\t', strspn(at, " \t")) && column <= strspn(at, " \t"))
		return "indent with spaces: YAML does not allow tabs there";
	if (strstr(problem->problem, "cannot start any token"))
		return "put the value in quotes";
	if (strstr(problem->problem, "mapping values are not allowed"))
		return "put a value that holds \": \" in quotes, and check the indentation";
	if (strstr(problem->problem, "',' or"))
		return "a bracket or brace is not closed, or a comma is missing";
	if (strstr(problem->problem, "expected ':'"))
		return "a key needs a colon and a blank after it";
	if (strstr(problem->problem, "'-' indicator"))
		return "begin it with \"- \" as the items above, or indent it as their members";
	return "check the indentation of this line and of those above it";
}
