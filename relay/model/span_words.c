/*
 * Span words: the texts in which a span tells of its error, and which of them tells most
 * (tracepager-walk(7), section 2). It judges no span: that is span_error.c's.
 *
 * Instrumentations hide words behind codes: error.type is 500 where the exception has a type and a
 * message, and the first line of a message only announces the next ones. A text tells something if
 * it is more than a code.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "tracepager/limits.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"
#include "span-internal.h"

/* Lines of a message that are looked at for the telling one. */
#define TELLING_LINES 12
/* "internal server error" is the longest code in words. */
#define CODE_BYTES_MAX 21

static bool words_blank(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!isspace((unsigned char)line[i]))
			return false;
	}
	return true;
}

/* A code, or its standard phrase: "500", "13", "UNAVAILABLE", "500 Internal Server Error". */
static bool is_code(const char *text)
{
	static const char *const phrases[] = { "internal server error",
					       "bad gateway",
					       "service unavailable",
					       "gateway timeout",
					       "gateway time-out",
					       "bad request",
					       "not found",
					       "unauthorized",
					       "forbidden",
					       "too many requests",
					       "request timeout",
					       "error",
					       "failed" };

	/* Most messages are longer than any code. */
	if (strnlen(text, CODE_BYTES_MAX + 1) > CODE_BYTES_MAX)
		return http_code_parse(text) != 0;
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
		if (tolower((unsigned char)text[0]) == phrases[i][0] &&
		    strcasecmp(text, phrases[i]) == 0)
			return true;
	}
	return http_code_parse(text) != 0 || grpc_code_parse(text) >= 0 ||
	       strcmp(text, "_OTHER") == 0;
}

static bool is_telling(const char *text)
{
	return text && text[0] != '\0' && !is_code(text);
}

static bool is_truth(const char *text)
{
	static const char *const truths[] = { "true", "false", "unset", "1", "0", "yes", "" };

	for (size_t i = 0; i < ARRAY_LEN(truths); i++) {
		if (strcasecmp(text, truths[i]) == 0)
			return true;
	}
	return false;
}

/* Adds a text, unless one from `first` on is equal: many spans tell a message twice. */
static void texts_add(struct span_texts *texts, unsigned int first, const char *text)
{
	for (unsigned int i = first; text && i < texts->n; i++) {
		if (strcmp(texts->at[i], text) == 0)
			return;
	}
	if (text && text[0] != '\0' && texts->n < ARRAY_LEN(texts->at))
		texts->at[texts->n++] = text;
}

void span_texts(const struct trace *trace, const struct span *span, struct span_texts *ret)
{
	static const unsigned int types[] = { ATTR_ERROR_TYPE, ATTR_EXCEPTION_TYPE,
					      ATTR_ERROR_KIND };
	static const unsigned int messages[] = { ATTR_EXCEPTION_MESSAGE, ATTR_ERROR_MESSAGE,
						 ATTR_GRPC_ERROR_MESSAGE,
						 ATTR_HTTP_STATUS_MESSAGE };
	const char *tag;

	ret->n = 0;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		texts_add(ret, 0, span_attr(trace, span, types[i]));
	ret->ntypes = ret->n;
	if (span->message != 0)
		texts_add(ret, ret->ntypes, trace_text(trace, span->message));
	for (size_t i = 0; i < ARRAY_LEN(messages); i++)
		texts_add(ret, ret->ntypes, span_attr(trace, span, messages[i]));
	/* Zipkin's error tag holds the message; other tags of this name are a truth value. */
	tag = span_attr(trace, span, ATTR_ERROR);
	if (tag && !is_truth(tag))
		texts_add(ret, ret->ntypes, tag);
}

/* The first telling one of some texts, else the first, or NULL. */
static const char *most_telling(const char *const *texts, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (is_telling(texts[i]))
			return texts[i];
	}
	return n > 0 ? texts[0] : NULL;
}

const char *span_texts_type(const struct span_texts *texts)
{
	const char *type = most_telling(texts->at, texts->ntypes);

	/* "_OTHER" is the semantic conventions' word for "not known". */
	return type && strcmp(type, "_OTHER") != 0 ? type : NULL;
}

const char *span_texts_message(const struct span_texts *texts)
{
	return most_telling(texts->at + texts->ntypes, texts->n - texts->ntypes);
}

bool span_says_why(const struct trace *trace, const struct span *span)
{
	struct span_texts texts;

	span_texts(trace, span, &texts);
	for (unsigned int i = 0; i < texts.n; i++) {
		if (is_telling(texts.at[i]))
			return true;
	}
	return false;
}

bool span_has_word(const struct trace *trace, const struct span *span, const char *const *words)
{
	struct span_texts texts;

	span_texts(trace, span, &texts);
	for (unsigned int i = 0; i < texts.n; i++) {
		if (text_has_word(texts.at[i], words))
			return true;
	}
	return false;
}

/* Which pairs of letters stand in a text, as bits by a hash. Most words of a list are ruled out by
 * their first two letters, without a search: every word has at least two. */
struct letter_pairs {
	uint64_t bits[8];
};

static unsigned int pair_bit(char first, char second)
{
	return ((unsigned char)first * 13u + (unsigned char)second) & 511u;
}

static bool pairs_have(const struct letter_pairs *pairs, const char *word)
{
	unsigned int bit = pair_bit(word[0], word[1]);

	return pairs->bits[bit / 64] >> bit % 64 & 1;
}

bool text_has_word(const char *text, const char *const *words)
{
	char lower[LIMIT_ATTR_VALUE_BYTES + 1] __attribute__((uninitialized));
	struct letter_pairs pairs = { 0 };
	size_t len = 0;

	/* One copy in small letters and strstr() take a fifth of the time of strcasestr(). */
	for (; text && text[len] != '\0' && len < sizeof(lower) - 1; len++) {
		char c = text[len];

		lower[len] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
		if (len > 0) {
			unsigned int bit = pair_bit(lower[len - 1], lower[len]);

			pairs.bits[bit / 64] |= UINT64_C(1) << bit % 64;
		}
	}
	lower[len] = '\0';
	for (; len > 0 && *words; words++) {
		if (pairs_have(&pairs, *words) && strstr(lower, *words))
			return true;
	}
	return false;
}

/* ---- lines ---- */

/* One line of a text: from `text`, without the blanks around it. Returns where the next begins. */
static const char *words_next_line(const char *text, const char **ret_line, size_t *ret_len)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	len = strcspn(text, "\r\n");
	*ret_line = text;
	text += len;
	while (len > 0 && isspace((unsigned char)(*ret_line)[len - 1]))
		len--;
	*ret_len = len;
	return text;
}

/* What a line like `details = "no such card"` says of one of these keys. False: it is none. */
static bool line_detail(const char **line, size_t *len)
{
	static const char *const keys[] = { "details", "detail", "message", "reason", "cause" };
	const char *open, *close;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		size_t n = strlen(keys[i]);

		if (*len <= n || strncasecmp(*line, keys[i], n) != 0)
			continue;
		open = memchr(*line, '"', *len);
		close = memrchr(*line, '"', *len);
		if (!open || close <= open + 1 || strspn(*line + n, " \t=:") < 1)
			continue;
		*line = open + 1;
		*len = (size_t)(close - open - 1);
		return true;
	}
	return false;
}

/* Of the lines after one that announces them: the one with details, else the first. */
static void announced_line(const char *text, const char **line, size_t *len)
{
	const char *first = NULL, *at;
	size_t first_len = 0, n;

	for (int i = 0; i < TELLING_LINES && *text != '\0'; i++) {
		text = words_next_line(text, &at, &n);
		if (words_blank(at, n))
			continue;
		if (line_detail(&at, &n)) {
			*line = at;
			*len = n;
			return;
		}
		if (!first) {
			first = at;
			first_len = n;
		}
	}
	if (first) {
		*line = first;
		*len = first_len;
	}
}

static void last_line(const char *text, const char **line, size_t *len)
{
	const char *at;
	size_t n;

	while (*text != '\0') {
		text = words_next_line(text, &at, &n);
		if (n > 0) {
			*line = at;
			*len = n;
		}
	}
}

void text_telling_line(const char *text, const char **ret_line, size_t *ret_len)
{
	const char *rest = words_next_line(text, ret_line, ret_len);

	if (*ret_len == 0 || (*ret_line)[*ret_len - 1] != ':' || *rest == '\0')
		return;
	if (strncmp(*ret_line, "Traceback ", 10) == 0)
		last_line(rest, ret_line, ret_len);
	else
		announced_line(rest, ret_line, ret_len);
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* The telling line of a text without control characters, cut on a character's boundary. */
static const char *text_line(struct arena *arena, const char *text, size_t max)
{
	const char *line;
	size_t len, i;
	bool clean = true;
	char *copy;

	text_telling_line(text, &line, &len);
	len = utf8_cut(line, len, max);
	for (i = 0; i < len; i++)
		clean &= !is_control(line[i]);
	if (clean && line[len] == '\0')
		return line;
	copy = arena_strndup(arena, line, len);
	for (i = 0; i < len; i++) {
		if (is_control(copy[i]))
			copy[i] = ' ';
	}
	return copy;
}

const char *shown_text(struct arena *arena, const char *text)
{
	return text_line(arena, text, LIMIT_SHOWN_BYTES);
}

/* ---- the words of an error ---- */

const char *error_shown(struct arena *arena, const char *error)
{
	if (http_code_parse(error) != 0 && strlen(error) == 3)
		return arena_printf(arena, "HTTP %s", error);
	/* A number alone may count anything. */
	if (isalpha((unsigned char)error[0]) && grpc_code_parse(error) >= 0)
		return arena_printf(arena, "gRPC %s", error);
	return error;
}

static const char *code_words(struct arena *arena, int http, int grpc)
{
	if (grpc > 0)
		return grpc_code_name(grpc);
	return http >= 400 ? arena_printf(arena, "HTTP %d", http) : NULL;
}

const char *span_error(struct arena *arena, const struct trace *trace, const struct span *span)
{
	const char *type, *text, *code;
	struct span_texts texts;

	span_texts(trace, span, &texts);
	type = span_texts_type(&texts);
	text = span_texts_message(&texts);
	code = code_words(arena, span_http_code(trace, span), span_grpc_code(trace, span));
	if (type && http_code_parse(type) != 0) {
		code = arena_printf(arena, "HTTP %.3s", type);
		type = NULL;
	}
	if (!type)
		type = code;
	if (type)
		type = text_line(arena, type, LIMIT_ERROR_WORDS_BYTES);
	if (text)
		text = text_line(arena, text, LIMIT_ERROR_WORDS_BYTES);
	if (!text || text[0] == '\0')
		return type && type[0] != '\0' ? type : NULL;
	if (!type || type[0] == '\0' || strstr(text, type))
		return text;
	return text_line(arena, arena_printf(arena, "%s: %s", type, text), LIMIT_ERROR_WORDS_BYTES);
}
