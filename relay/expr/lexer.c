/*
 * Lexer: the tokens of PromQL, MetricsQL, LogQL and TraceQL, which differ only in what a name may
 * hold. Linear in the text; the arena keeps what is made.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "expr-internal.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"

int lexer_error(const struct lexer *lexer, int code, size_t at, const char *what, const char *text)
{
	int line = 1, column = 1;

	for (size_t i = 0; i < at && lexer->text[i]; i++) {
		column++;
		if (lexer->text[i] == '\n') {
			line++;
			column = 1;
		}
	}
	return err_set_at(lexer->err, code, line, column, text && *text ? "%s: %.40s" : "%s", what,
			  text);
}

/* Skip blanks, and comments from # to the end of their line. */
static void lexer_skip(struct lexer *lexer)
{
	for (;;) {
		lexer->at += strspn(lexer->text + lexer->at, " \t\r\n");
		if (lexer->text[lexer->at] != '#')
			return;
		lexer->at += strcspn(lexer->text + lexer->at, "\n");
	}
}

/* Write a code point as UTF-8. Returns its length; 0: it is none. */
static size_t put_code_point(char *out, unsigned long code)
{
	if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
		return 0;
	return utf8_write((uint32_t)code, out);
}

/* Read the escape behind a backslash, as Go has them. Returns the length written to out; 0: it is
 * wrong. *at moves behind it. */
static size_t lexer_escape(const char *text, size_t *at, char *out)
{
	static const char letters[] = "abfnrtv\\'\"`", meanings[] = "\a\b\f\n\r\t\v\\'\"`";
	const char c = text[*at];
	const char *letter = c ? strchr(letters, c) : NULL;

	if (letter) {
		(*at)++;
		*out = meanings[letter - letters];
		return 1;
	}
	size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 3;
	int base = digits == 3 ? 8 : 16;
	size_t from = *at + (digits != 3);
	char number[9] = "";
	for (size_t i = 0; i < digits; i++) {
		const char digit = text[from + i];
		if (base == 16 ? !isxdigit((unsigned char)digit) : digit < '0' || digit > '7')
			return 0;
		number[i] = digit;
	}
	*at = from + digits;
	unsigned long code = strtoul(number, NULL, base);
	if (c == 'u' || c == 'U')
		return put_code_point(out, code);
	*out = (char)code;
	return code > 0 && code < 256 ? 1 : 0;
}

static int lexer_string(struct lexer *lexer, struct token *token)
{
	const char quote = lexer->text[lexer->at];
	size_t at = lexer->at + 1, n = 0, end = at;

	while (lexer->text[end] && lexer->text[end] != quote)
		end += lexer->text[end] == '\\' && quote != '`' && lexer->text[end + 1] ? 2 : 1;
	if (!lexer->text[end])
		return lexer_error(lexer, EINVAL, lexer->at, "a quote is never closed", NULL);
	char *out = arena_alloc(lexer->arena, end - at + 1);
	while (at < end) {
		if (lexer->text[at] != '\\' || quote == '`') {
			out[n++] = lexer->text[at++];
			continue;
		}
		at++;
		size_t from = at, len = lexer_escape(lexer->text, &at, out + n);
		if (len == 0)
			return lexer_error(lexer, EINVAL, from, "an escape that is none", NULL);
		n += len;
	}
	out[n] = '\0';
	if (utf8_span(out, n) != n)
		return lexer_error(lexer, EINVAL, lexer->at, "a text that is not UTF-8", NULL);
	lexer->at = at + 1;
	token->kind = TOKEN_STRING;
	token->text = out;
	return 0;
}

/* Take the next len bytes as they are. */
static void lexer_take(struct lexer *lexer, size_t len, struct token *token, enum token_kind kind)
{
	token->kind = kind;
	token->text = arena_strndup(lexer->arena, lexer->text + lexer->at, len);
	lexer->at += len;
}

static bool is_name_start(const struct lexer *lexer, const char *text)
{
	const unsigned char c = (unsigned char)*text;

	/* Grafana's variables ($__interval) may stand where a duration does. */
	return isalpha(c) || c == '_' || c == ':' || c == '$' ||
	       (lexer->dotted && c == '.' && isalpha((unsigned char)text[1]));
}

static bool is_name_part(const struct lexer *lexer, char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == ':' ||
	       (lexer->dotted && (c == '.' || c == '-'));
}

/* MetricsQL lets a backslash take a sign into a name: foo\-bar. */
static bool is_escaped_part(const char *text)
{
	return *text == '\\' && text[1] && strchr("-./+:@", text[1]);
}

static void lexer_name(struct lexer *lexer, struct token *token)
{
	const char *text = lexer->text + lexer->at;
	size_t end = 1, n = 0;

	while (is_name_part(lexer, text[end]) || is_escaped_part(text + end))
		end += text[end] == '\\' ? 2 : 1;
	char *out = arena_alloc(lexer->arena, end + 1);
	for (size_t at = 0; at < end; at++) {
		at += text[at] == '\\';
		out[n++] = text[at];
	}
	token->kind = TOKEN_NAME;
	token->text = out;
	lexer->at += end;
}

/* A number in any notation, or a duration: a digit, then whatever may follow one. */
static size_t number_len(const char *text)
{
	size_t n = 0;

	for (; isalnum((unsigned char)text[n]) || text[n] == '.' || text[n] == '_'; n++)
		if ((text[n] == 'e' || text[n] == 'E') &&
		    (text[n + 1] == '-' || text[n + 1] == '+') &&
		    isdigit((unsigned char)text[n + 2]) && text[1] != 'x')
			n++;
	return n;
}

static size_t token_mark_len(const char *text)
{
	/* The longest first. */
	static const char *const marks[] = { "&>>", "&<<", "!>>", "!<<", "==", "!=", "=~", "!~",
					     "<=",  ">=",  "&&",  "||",	 ">>", "<<", "|=", "|~",
					     "|>",  "!>",  "!<",  "&>",	 "&<", "&~" };

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (strncmp(text, marks[i], strlen(marks[i])) == 0)
			return strlen(marks[i]);
	return strchr("(){}[],=<>+-*/%^@|!&~:", *text) ? 1 : 0;
}

int lexer_next(struct lexer *lexer, struct token *ret_token)
{
	struct token token = { .kind = TOKEN_END, .text = "" };
	int result = 0;

	lexer_skip(lexer);
	token.at = lexer->at;
	const char *text = lexer->text + lexer->at;
	if (*text == '"' || *text == '\'' || *text == '`')
		result = lexer_string(lexer, &token);
	else if (isdigit((unsigned char)*text) || (*text == '.' && isdigit((unsigned char)text[1])))
		lexer_take(lexer, number_len(text), &token, TOKEN_NUMBER);
	/* The colon of a subquery: [1h:5m]. */
	else if (*text == ':' && !isalpha((unsigned char)text[1]) && text[1] != '_')
		lexer_take(lexer, 1, &token, TOKEN_MARK);
	else if (is_name_start(lexer, text))
		lexer_name(lexer, &token);
	else if (*text && token_mark_len(text))
		lexer_take(lexer, token_mark_len(text), &token, TOKEN_MARK);
	else if (*text)
		result = lexer_error(lexer, EINVAL, lexer->at, "a sign that has no meaning here",
				     NULL);
	token.after = lexer->at;
	if (result == 0)
		*ret_token = token;
	return result;
}
