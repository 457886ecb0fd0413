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

/* The cure by a matcher, where matchers can stand; else by globs alone. */
static const char *cure_by_matcher(struct arena *arena, const struct glob_place *place,
				   const char *matcher)
{
	return place->matchers ? arena_printf(arena, "write a matcher: %s: ['%s']", place->matchers,
					      matcher)
	       : place->lists  ? "globs only can stand here: write a list of them"
			       : "a glob only can stand here: make an entry for each text";
}

static void glob_operator(struct arena *arena, const struct glob_place *place, const char *name,
			  const char *glob, struct check_slip *slip)
{
	const char *value = glob + strspn(glob, "=!~");
	const int len = (int)(value - glob);
	const bool is_not = len == 1 && *glob == '!';

	value += strspn(value, " \"");
	slip->text = arena_printf(arena,
				  "\"%.200s\" begins with an operator; a glob takes it as a "
				  "part of the text",
				  glob);
	slip->hint = cure_by_matcher(arena, place,
				     arena_printf(arena, "%.100s%.*s\"%.*s\"", name,
						  is_not ? 2 : len, is_not ? "!=" : glob,
						  (int)strcspn(value, "\""), value));
}

/* The cure for texts that were meant as alternatives. words: "a, b"; bars: "a|b". */
static const char *cure_by_list(struct arena *arena, const struct glob_place *place,
				const char *name, const char *words, const char *bars)
{
	return place->lists ? arena_printf(arena, "write a list: [%s]", words)
	       : place->matchers
		       ? cure_by_matcher(arena, place,
					 arena_printf(arena, "%.100s=~\"%s\"", name, bars))
		       : arena_printf(arena, "make an entry for each: %s", words);
}

/* "Disk{Full,Slow}": the parts and what stands around them, "DiskFull<between>DiskSlow". NULL: the
 * braces hold no list of plain words. */
static const char *braced_words(struct arena *arena, const char *glob, const char *between)
{
	const char *open = strchr(glob, '{'), *close = open ? strchr(open, '}') : NULL;
	struct buf out = BUF_INIT(LIMIT_GLOB_BYTES * 8);
	size_t n = 0;

	if (!close || !memchr(open, ',', (size_t)(close - open)) || strchr(close + 1, '{'))
		return NULL;
	for (const char *at = open + 1; at < close; n++) {
		at += strspn(at, " ");
		const size_t len = strcspn(at, ",}");
		if (!is_plain_slip(at, len)) {
			n = 0;
			break;
		}
		buf_printf(&out, "%s%.*s%.*s%s", out.len ? between : "", (int)(open - glob), glob,
			   (int)len, at, close + 1);
		at += len + 1;
	}
	const char *words = n > 1 && !out.failed ? arena_strdup(arena, buf_text(&out)) : NULL;
	buf_fini(&out);
	return words;
}

/* Labels and members whose values have no commas. */
static bool has_single_words(const char *name)
{
	static const char *const names[] = { "alertname", "severity",  "criticality", "sender",
					     "owner",	  "signal",    "kind",	      "team",
					     "service",	  "namespace", "environment" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* A list that no glob has: "{a,b}", and "a,b" where a value has no commas. */
static bool glob_is_list(struct arena *arena, const struct glob_place *place, const char *name,
			 const char *glob, struct check_slip *slip)
{
	const char *words = braced_words(arena, glob, ", "), *bars;

	if (words) {
		slip->text = arena_printf(arena,
					  "\"%.200s\": globs have no braces, which are a part of "
					  "the text",
					  glob);
		bars = strpbrk(words, "*?[") ? NULL : braced_words(arena, glob, "|");
	} else {
		if (!has_single_words(name) || !strchr(glob, ',') ||
		    (strchr(glob, ' ') && strcmp(name, "severity") != 0) || strchr(glob, '|'))
			return false;
		words = listed_words(arena, glob, ", ");
		bars = words ? listed_words(arena, glob, "|") : NULL;
		if (!words)
			return false;
		slip->text = arena_printf(
			arena, "\"%.200s\" is one text, with the comma as a part of it", glob);
	}
	slip->hint = cure_by_list(arena, place, name, words, bars ? bars : "…");
	return true;
}

/* A blank at an end, which no value has. */
static bool glob_has_blank(struct arena *arena, const char *glob, struct check_slip *slip)
{
	const size_t len = strlen(glob), first = strspn(glob, " \t");

	if (!len || first == len || (!first && glob[len - 1] != ' ' && glob[len - 1] != '\t'))
		return false;
	size_t last = len;
	while (glob[last - 1] == ' ' || glob[last - 1] == '\t')
		last--;
	slip->text = arena_printf(arena, "\"%.200s\" has a blank at an end, which counts", glob);
	slip->hint = arena_printf(arena, "write \"%.*s\"", (int)(last - first), glob + first);
	return true;
}

/* "POST /orders?id=1": operations are named without the query. */
static bool operation_slip(struct arena *arena, const char *glob, struct check_slip *slip)
{
	const char *query = strchr(glob, '?');
	size_t n = query ? 1 : 0;

	while (query && (isalnum((unsigned char)query[n]) || strchr("_-.[]", query[n])) && query[n])
		n++;
	if (!query || n < 2 || query[n] != '=' || !memchr(glob, '/', (size_t)(query - glob)))
		return false;
	slip->text = arena_printf(arena, "\"%.200s\" has a query, which no operation has", glob);
	slip->hint = arena_printf(arena, "write \"%.*s\"", (int)(query - glob), glob);
	return true;
}

bool glob_slip(struct arena *arena, const struct glob_place *place, const char *name,
	       const char *glob, struct check_slip *slip)
{
	const bool is_text = strcmp(name, "error") == 0 || strcmp(name, "operation") == 0;

	if (strchr("=!", *glob) && *glob && glob[1]) {
		glob_operator(arena, place, name, glob, slip);
		return true;
	}
	if (strcmp(name, "operation") == 0 && operation_slip(arena, glob, slip))
		return true;
	if (is_text)
		return false;
	if (glob_has_blank(arena, glob, slip) || glob_is_list(arena, place, name, glob, slip))
		return true;
	const char *list = strchr(glob, '|') ? listed_words(arena, glob, ", ") : NULL;
	if (list) {
		slip->text = arena_printf(arena,
					  "\"%.200s\" is no regular expression but a glob, "
					  "which takes the | as a part of the text",
					  glob);
		slip->hint = cure_by_list(arena, place, name, list, listed_words(arena, glob, "|"));
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
		       : cure_by_matcher(arena, place, arena_printf(arena, "%.100s=~\"…\"", name));
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

bool equal_slip(struct arena *arena, const struct rule_matcher *matcher, struct check_slip *slip)
{
	const char *value = matcher->value;
	const size_t len = strlen(value), first = *value == '*';

	if ((matcher->op != RULE_EQUAL && matcher->op != RULE_NOT_EQUAL) || len < 3)
		return false;
	const bool last = value[len - 1] == '*';
	const size_t inner = len - first - last;
	/* A star alone and patterns of paths are values that labels have. */
	if ((!first && !last) || inner < 2 || !is_plain_slip(value + first, inner) ||
	    strpbrk(value, "/:"))
		return false;
	slip->text =
		arena_printf(arena,
			     "behind = and != a text stands for itself: the * of \"%.200s\" is a "
			     "part of it",
			     value);
	slip->hint = arena_printf(arena, "write %.100s%s\"%s%.*s%s\"", matcher->name,
				  matcher->op == RULE_EQUAL ? "=~" : "!~", first ? ".*" : "",
				  (int)inner, value + first, last ? ".*" : "");
	return true;
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
