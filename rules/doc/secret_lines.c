/*
 * Secret lines: hides the values of secrets in lines of YAML, for findings, and for the record of
 * what is no YAML. Works on the text, not on the tree: a line with a syntax error has no tree. A
 * key is a secret's by its last word, or as the key of a kind of pager; in findings a misspelt word
 * counts too, since a person's slip must not put a key into a log. Of each URL the user, the
 * password and the query are hidden; of an address (a key "url"), also parts of the path that look
 * like tokens. Pure: owns nothing.
 */
#include "doc-internal.h"

#include <string.h>
#include <strings.h>

#include "tracepager/limits.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"
#include "tracepager/ytext.h"

/* A word, with its length: every key of every file is compared with all of them. */
struct secret_word {
	const char *word; /* NULL: of a kind of pager without a key */
	size_t len;
};
/* clang-format off */
#define SECRET_WORD(word) { word, sizeof(word) - 1 }
/* clang-format on */

/* Words of all files; the keys of the pagers come from their table. Some stand there twice. */
static const struct secret_word secret_words[] = {
	SECRET_WORD("key"),	 SECRET_WORD("secret"),	 SECRET_WORD("token"),
	SECRET_WORD("password"), SECRET_WORD("bearer"),	 SECRET_WORD("authorization"),
	SECRET_WORD("basic"),	 SECRET_WORD("headers"),
#define PAGER_KIND(id, name, url, key, key_need, url_need, text) SECRET_WORD(key),
#define PAGER_WAY(id, name)					 SECRET_WORD(name),
#include "tracepager/tbl/pagers.def"
#undef PAGER_WAY
#undef PAGER_KIND
};

/* Is the word near to a secret's, and none of the keys that are near by chance? */
static bool is_near_secret(const char *start, size_t len)
{
	static const char *const others[] = { "keys", "senders", "tokens" };
	const char *names[ARRAY_LEN(secret_words) + 3] = { "admin_token", "session_token",
							   "app_key" };
	char word[LIMIT_SUGGEST_BYTES + 1];
	size_t n = 3;

	if (!len || len >= sizeof(word))
		return false;
	memcpy(word, start, len);
	word[len] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (strcmp(word, others[i]) == 0)
			return false;
	for (size_t i = 0; i < ARRAY_LEN(secret_words); i++)
		if (secret_words[i].word)
			names[n++] = secret_words[i].word;
	return nearest_word(word, names, n) != NULL;
}

static bool is_key_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

static bool secret_ends_with(const char *line, const char *end, const struct secret_word *secret)
{
	const size_t n = secret->len;

	/* The last letter tells most keys from a secret's. */
	return secret->word && (size_t)(end - line) >= n &&
	       (end[-1] | 0x20) == secret->word[n - 1] &&
	       strncasecmp(end - n, secret->word, n) == 0;
}

/* Does the key that ends before `end` name a secret? */
bool secret_is_name(const char *line, const char *end, bool misspelt)
{
	for (size_t i = 0; i < ARRAY_LEN(secret_words); i++)
		if (secret_ends_with(line, end, &secret_words[i]))
			return true;
	if (!misspelt)
		return false;
	const char *key = end, *word;
	while (key > line && is_key_letter(key[-1]))
		key--;
	for (word = end; word > key && word[-1] != '_' && word[-1] != '-'; word--) {
	}
	/* The path of a secret's file is no secret. */
	if (strncasecmp(word, "file", 4) == 0 && end - word == 4)
		return false;
	return is_near_secret(key, (size_t)(end - key)) ||
	       is_near_secret(word, (size_t)(end - word));
}

/* The end of the value at `at`. Where that is unclear, the end of the line: hiding too much is
 * better than showing a secret. */
static char *value_end(char *at, bool in_braces)
{
	char quote = *at;

	if (quote == '{' || quote == '[') /* a list or map: the whole rest of the line */
		return at + strlen(at);
	if (quote != '"' && quote != '\'')
		return at + (in_braces ? strcspn(at, ",}") : strlen(at));
	for (at++; *at; at++) {
		bool escape = quote == '"' ? *at == '\\' : *at == quote && at[1] == quote;
		if (escape && at[1])
			at++;
		else if (*at == quote)
			break;
	}
	return at;
}

/* Puts one mark for each character of the text up to `end`. Returns where the rest is now. */
static char *overwrite_text(char *at, char *end, char mark)
{
	char *out = at;

	for (; at < end; at++)
		if (!utf8_continues(*at))
			*out++ = mark;
	memmove(out, at, strlen(at) + 1);
	return out;
}

/* The end of the key before the colon: blanks and quotes are no part of it. */
static const char *secret_key_end(const char *line, const char *colon)
{
	while (colon > line && strchr(" \t\"'", colon[-1]))
		colon--;
	return colon;
}

/* ---- addresses ---- */

/* Up to the end of a part of a URL: one of the characters, a blank, a quote, or what ends a value
 * in braces. Placeholders, {NAME}, are within. */
static char *url_part_end(char *at, const char *ends)
{
	for (bool placeholder = false; *at; at++) {
		if (strchr(" \t\r\n\"'", *at) || (!placeholder && strchr(ends, *at)) ||
		    (*at == ',' && strchr(" \t", at[1])) || (*at == '}' && !placeholder))
			break;
		placeholder = *at == '{' || (placeholder && *at != '}');
	}
	return at;
}

/* The path: what looks like a token, as the addresses of dead man's switches have. */
static char *hide_path(char *at, char mark)
{
	while (*at == '/') {
		char *end = url_part_end(++at, "/?#");
		at = ytext_is_token(at, (size_t)(end - at)) ? overwrite_text(at, end, mark) : end;
	}
	return at;
}

/* The query: its values, and a value without a name, but no placeholder, {NAME}. */
static char *hide_query(char *at, char mark)
{
	while (*at == '?' || *at == '&') {
		char *end = url_part_end(++at, "&#"), *equal = memchr(at, '=', (size_t)(end - at));
		if (equal)
			at = equal + 1;
		at = *at == '{' && end[-1] == '}' ? end : overwrite_text(at, end, mark);
	}
	return at;
}

bool secret_is_address_key(const char *line, const char *end)
{
	static const struct secret_word key = SECRET_WORD("url");

	return secret_ends_with(line, end, &key);
}

/* Is the URL at `at` the value of a key that ends in "url"? */
static bool secret_is_address(const char *line, const char *at)
{
	while (at > line && is_key_letter(at[-1]))
		at--;
	while (at > line && strchr(" \t\"'", at[-1]))
		at--;
	return at > line && at[-1] == ':' &&
	       secret_is_address_key(line, secret_key_end(line, at - 1));
}

/* Hides the secrets of the URL whose host begins there. Returns its end. */
static char *hide_url(char *host, char mark, bool address)
{
	char *end = url_part_end(host, "/?#");
	char *user = memrchr(host, '@', (size_t)(end - host));

	if (user)
		end = overwrite_text(host, user, mark);
	end = url_part_end(end, "/?#");
	end = address ? hide_path(end, mark) : url_part_end(end, "?#");
	end = hide_query(end, mark);
	return *end == '#' ? overwrite_text(end + 1, url_part_end(end + 1, ""), mark) : end;
}

void secret_hide_urls(char *text, char mark, bool address)
{
	for (char *at = text; (at = strstr(at, "://"));)
		at = hide_url(at + 3, mark, address);
}

static void hide_urls(char *line, char mark)
{
	for (char *at = line; (at = strstr(at, "://"));)
		at = hide_url(at + 3, mark, secret_is_address(line, at));
}

/* "routing_key hunter2": a key without its colon, at the start of the line or of a member in
 * braces. */
static void hide_without_colon(char *line, char mark)
{
	char *at = line + strspn(line, " -");

	while (at) {
		char *end = at;
		while (is_key_letter(*end))
			end++;
		char *value = end + strspn(end, " \t\"'");
		if (end > at && value > end && *value && *value != ':' &&
		    secret_is_name(at, end, false))
			at = overwrite_text(value, value_end(value, strchr(line, '{') != NULL),
					    mark);
		at = strpbrk(at, ",{");
		at = at ? at + 1 + strspn(at + 1, " ") : NULL;
	}
}

void secret_line_hide(char *line, char mark, bool misspelt)
{
	char *colon = line;

	while ((colon = strchr(colon, ':'))) {
		const char *key_end = secret_key_end(line, colon++);
		if (!secret_is_name(line, key_end, misspelt))
			continue;
		char *at = colon + strspn(colon, " \t");
		char *end = value_end(at, memchr(line, '{', (size_t)(colon - line)) != NULL);
		at += *at == '"' || *at == '\'';
		colon = overwrite_text(at, end, mark);
	}
	if (misspelt)
		hide_without_colon(line, mark);
	hide_urls(line, mark);
}

static void hide_line(char *line, char mark)
{
	line += strspn(line, " \t");
	overwrite_text(line, line + strlen(line), mark);
}

void secret_line_hide_all(char *line)
{
	hide_line(line, '*');
}

/* ---- values that stand below their keys ---- */

/* The columns before the line's text; an item of a list may stand at its key's own column. */
static size_t line_indent(const char *line, const char *end)
{
	size_t n = 0;

	while (line + n < end && line[n] == ' ')
		n++;
	return n + (line + n < end && line[n] == '-');
}

static bool is_blank_line(const char *line, const char *end)
{
	while (line < end && strchr(" \t\r", *line))
		line++;
	return line == end;
}

/* Is the line an entry of a map: "key: value"? */
static bool is_entry(const char *line)
{
	line += strspn(line, " -");
	const char *end = line;
	while (is_key_letter(*end))
		end++;
	return end > line && *end == ':' && (!end[1] || strchr(" \t\r\n", end[1]));
}

/* How far the brackets of a secret's value are open. */
struct open_value {
	unsigned int depth;
	char quote; /* within quotes: their character */
};

/* Goes on to the end of the line, or to the bracket that closes the value. */
static void follow_value(struct open_value *open, const char *at, const char *end)
{
	for (char before = ' '; at < end; before = *at++) {
		if (open->quote) {
			if (*at == '\\' && open->quote == '"' && at + 1 < end)
				at++;
			else if (*at == open->quote)
				open->quote = '\0';
		} else if (strchr(" \t,[{:", before) && (*at == '"' || *at == '\'')) {
			open->quote = *at;
		} else if (*at == '#' && strchr(" \t", before)) {
			return;
		} else if (*at == '[' || *at == '{') {
			open->depth++;
		} else if ((*at == ']' || *at == '}') && --open->depth == 0) {
			return;
		}
	}
}

/* Does the line open a list or map that is a secret's value, and not close it? */
static struct open_value open_secret(const char *line, const char *end, bool misspelt)
{
	struct open_value open = { 0 };

	for (const char *colon = line;
	     !open.depth && (colon = memchr(colon, ':', (size_t)(end - colon)));) {
		const char *key_end = secret_key_end(line, colon++);
		while (colon < end && strchr(" \t", *colon))
			colon++;
		if (colon < end && (*colon == '[' || *colon == '{') &&
		    secret_is_name(line, key_end, misspelt))
			follow_value(&open, colon, end);
	}
	return open;
}

/* Does the value of that key stand below it? A map below a key is of secrets for headers only: the
 * others are the names of services and pagers. */
static bool opens_secret(const char *line, const char *end, bool entry)
{
	static const char headers[] = "headers";
	const char *colon = memchr(line, ':', (size_t)(end - line));

	if (!colon)
		return false;
	const char *key_end = secret_key_end(line, colon);
	if (!entry)
		return secret_is_name(line, key_end, true) || open_secret(line, end, true).depth;
	return (size_t)(key_end - line) >= strlen(headers) &&
	       strncasecmp(key_end - strlen(headers), headers, strlen(headers)) == 0;
}

bool secret_line_continues(const char *text, const char *start)
{
	const char *newline = strchr(start, '\n');
	const size_t indent = line_indent(start, newline ? newline : start + strlen(start));
	const bool entry = is_entry(start);

	for (size_t back = 0; start > text && back < LIMIT_SECRET_LINES; back++) {
		const char *end = start - 1, *line = end;
		while (line > text && line[-1] != '\n')
			line--;
		start = line;
		if (is_blank_line(line, end) || line_indent(line, end) >= indent)
			continue;
		return opens_secret(line, end, entry);
	}
	return false;
}

/* What the lines of a record before this one have opened. */
struct recorded {
	struct open_value open; /* a list or map in brackets */
	/* The last line that is no part of a secret: the value of its key may stand below it. NULL:
	 * none yet. Few lines have a deeper one below, so that only those are asked for secrets. */
	const char *line, *end;
	size_t indent;
};

/* Is the whole line a part of a secret's value? */
static bool is_within_secret(struct recorded *recorded, const char *line, const char *end)
{
	if (recorded->open.depth) {
		follow_value(&recorded->open, line, end);
		return true;
	}
	if (is_blank_line(line, end))
		return false;
	const size_t indent = line_indent(line, end);
	if (recorded->line && indent > recorded->indent &&
	    (opens_secret(recorded->line, recorded->end, true) ||
	     (!is_entry(line) && opens_secret(recorded->line, recorded->end, false))))
		return true;
	recorded->line = line;
	recorded->end = end;
	recorded->indent = indent;
	recorded->open = open_secret(line, end, false);
	return false;
}

void secret_lines_hide(char *text, char mark)
{
	CLEANUP_FREE char *original = xstrdup(text);
	struct recorded recorded = { .line = NULL };
	const char *start = original;
	char *out = text;

	while (*start) {
		const char *end = start + strcspn(start, "\n");
		/* A character of several bytes becomes one mark: the line never grows. */
		memcpy(out, start, (size_t)(end - start));
		out[end - start] = '\0';
		if (is_within_secret(&recorded, start, end))
			hide_line(out, mark);
		else
			secret_line_hide(out, mark, false);
		out += strlen(out);
		if (*end)
			*out++ = '\n';
		start = end + (*end == '\n');
	}
	*out = '\0';
}

char *secret_line_source(const struct ydoc *doc, int line)
{
	if (line < 1 || (size_t)line > doc->nlines)
		return NULL;
	const char *start = doc->text + doc->lines[line - 1], *end = start,
		   *all = doc->text + doc->len;
	while (end < all && !ytext_break(end, all)) {
		if ((size_t)(end - start) == LIMIT_FINDING_LINE_BYTES)
			return NULL;
		end++;
	}
	char *copy = xstrndup(start, (size_t)(end - start));
	if (secret_line_continues(doc->text, start))
		secret_line_hide_all(copy);
	else
		secret_line_hide(copy, '*', true);
	return copy;
}
