/*
 * Slips: texts of conditions that are legal and surely say something else than was meant: a regular
 * expression where a glob stands, a glob where a regular expression stands. A text that can be
 * meant as it is gives no slip: dots of hosts in a glob, "Disk.*" in an expression. Pure: owns
 * nothing.
 */
#include <ctype.h>

#include "check-internal.h"

static bool slip_word_char(char c)
{
	return isalnum((unsigned char)c) || strchr("_-:/", c) != NULL;
}

/* Do the first `len` bytes stand for themselves, in a glob and in an expression? */
static bool is_plain_slip(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!slip_word_char(text[i]) || !text[i])
			return false;
	return len > 0;
}

/* "a, b" of "a|b"; NULL: some part is no plain word. */
static const char *listed_words(struct arena *arena, const char *text, const char *between)
{
	struct buf out = BUF_INIT(LIMIT_GLOB_BYTES * 2);
	const char *words = NULL;
	size_t len;

	for (;; text += len + 1) {
		len = strcspn(text, "|,");
		const size_t from = strspn(text, " ");
		size_t to = len;
		while (to > from && text[to - 1] == ' ')
			to--;
		if (from >= to || !is_plain_slip(text + from, to - from))
			break;
		buf_printf(&out, "%s%.*s", out.len ? between : "", (int)(to - from), text + from);
		if (!text[len]) {
			words = arena_strdup(arena, buf_text(&out));
			break;
		}
	}
	buf_fini(&out);
	return words;
}

/* ---- globs ---- */

/* "Disk*" of "^Disk.*$", "db*" of "^db"; NULL: the rest is no plain text. */
static const char *glob_of_regex(struct arena *arena, const char *text)
{
	struct buf out = BUF_INIT(LIMIT_GLOB_BYTES * 2);
	const char *glob = NULL;
	bool anchored = *text == '^', open_start = false, ends = false;

	text += anchored;
	for (; *text; text++) {
		ends = *text == '$' && !text[1];
		if (ends)
			open_start = !anchored;
		else if (strncmp(text, ".*", 2) == 0 || strncmp(text, ".+", 2) == 0)
			buf_puts(&out, *++text == '*' ? "*" : "?*");
		else if (*text == '\\' && text[1] == '.')
			buf_putc(&out, *++text);
		else if (slip_word_char(*text) || *text == '.' || *text == ' ')
			buf_putc(&out, *text);
		else
			break;
	}
	if (!*text && out.len)
		glob = arena_printf(arena, "%s%s%s", open_start ? "*" : "", buf_text(&out),
				    anchored && !ends && buf_text(&out)[out.len - 1] != '*' ? "*"
											    : "");
	buf_fini(&out);
	return glob;
}

/* Where ".*" or ".+" stands as an expression has it: in a name of an alert, at the start, or behind
 * what is no letter. Behind a letter it may be a dot of a host or a package. */
static bool has_dot_star(const char *name, const char *glob)
{
	for (const char *dot = strchr(glob, '.'); dot; dot = strchr(dot + 1, '.'))
		if ((dot[1] == '*' || dot[1] == '+') &&
		    (strcmp(name, "alertname") == 0 || dot == glob || dot[1] == '+' ||
		     !isalnum((unsigned char)dot[-1])))
			return true;
	return false;
}

static void glob_operator(struct arena *arena, const char *name, const char *glob,
			  struct check_slip *slip)
{
	const char *value = glob + strspn(glob, "=!~");
	const int len = (int)(value - glob);
	const bool is_not = len == 1 && *glob == '!';

	value += strspn(value, " \"");
	slip->text = arena_printf(arena,
				  "\"%.200s\" begins with an operator; a glob takes it as a "
				  "part of the text",
				  glob);
	slip->hint = arena_printf(arena, "write a matcher: labels: ['%.100s%.*s\"%.*s\"']", name,
				  is_not ? 2 : len, is_not ? "!=" : glob, (int)strcspn(value, "\""),
				  value);
}

bool glob_slip(struct arena *arena, const char *name, const char *glob, struct check_slip *slip)
{
	const bool is_text = strcmp(name, "error") == 0 || strcmp(name, "operation") == 0;

	if (strchr("=!", *glob) && *glob && glob[1]) {
		glob_operator(arena, name, glob, slip);
		return true;
	}
	if (is_text)
		return false;
	const char *list = strchr(glob, '|') ? listed_words(arena, glob, ", ") : NULL;
	if (list) {
		slip->text = arena_printf(arena,
					  "\"%.200s\" is no regular expression but a glob, "
					  "which takes the | as a part of the text",
					  glob);
		slip->hint = arena_printf(arena, "write a list: [%s]", list);
		return true;
	}
	const bool has_anchor = *glob == '^' || (*glob && glob[strlen(glob) - 1] == '$');
	if (!has_anchor && !has_dot_star(name, glob) && !strstr(glob, "]+") &&
	    !strstr(glob, "\\d") && !strstr(glob, "(?:") && !strstr(glob, ".*|"))
		return false;
	const char *better = glob_of_regex(arena, glob);
	slip->text = arena_printf(arena,
				  "\"%.200s\" is a glob, and looks like a regular expression: dots "
				  "and anchors stand for themselves",
				  glob);
	slip->hint =
		better ? arena_printf(arena, "write \"%.200s\"", better)
		       : arena_printf(arena, "write a matcher: labels: ['%.100s=~\"…\"']", name);
	return true;
}

/* ---- regular expressions ---- */

/* Names with dots between, such as a host: plain words and single dots. */
static bool is_dotted_name(const char *text)
{
	size_t ndots = 0;

	for (const char *c = text; *c; c++) {
		if (*c == '.' && (c == text || !slip_word_char(c[1]) || !c[1]))
			return false;
		if (*c != '.' && !slip_word_char(*c))
			return false;
		ndots += *c == '.';
	}
	return ndots > 0;
}

bool regex_slip(struct arena *arena, const struct rule_matcher *matcher, struct check_slip *slip)
{
	const char *value = matcher->value;
	const size_t len = strlen(value);
	const char *equal = matcher->op == RULE_NOT_REGEX ? "!=" : "=";

	if (!len || (matcher->op != RULE_REGEX && matcher->op != RULE_NOT_REGEX))
		return false;
	if ((*value == '^') != (value[len - 1] == '$') &&
	    is_plain_slip(value + (*value == '^'), len - 1)) {
		const char *plain = value + (*value == '^');
		slip->text =
			arena_printf(arena,
				     "expressions are anchored at both ends: \"%.200s\" matches "
				     "the whole text \"%.*s\" only",
				     value, (int)len - 1, plain);
		slip->hint = arena_printf(arena, "write \"%s%.*s%s\"", *value == '^' ? "" : ".*",
					  (int)len - 1, plain, *value == '^' ? ".*" : "");
		return true;
	}
	if (is_dotted_name(value)) {
		slip->text =
			arena_printf(arena, "each dot of \"%.200s\" matches any character", value);
		slip->hint = arena_printf(arena, "write %.100s%s\"%.200s\"", matcher->name, equal,
					  value);
		return true;
	}
	if (value[len - 1] == '*' && len > 2 && is_plain_slip(value, len - 1)) {
		slip->text = arena_printf(arena, "in \"%.200s\" the * repeats the %c before it",
					  value, value[len - 2]);
		slip->hint = arena_printf(arena, "write \"%.*s.*\" for any text behind it",
					  (int)len - 1, value);
		return true;
	}
	const bool spaced = strstr(value, " |") || strstr(value, "| ");
	const char *words = strchr(value, ',') || spaced ? listed_words(arena, value, "|") : NULL;
	if (!words)
		return false;
	slip->text = arena_printf(arena,
				  "\"%.200s\" is one text: alternatives are parted by | "
				  "alone",
				  value);
	slip->hint = arena_printf(arena, "write \"%s\"", words);
	return true;
}
