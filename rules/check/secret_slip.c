/*
 * Secret slips: what stands for a secret, and surely is none. A real secret may begin with a slash
 * (one in 64 of base64), hold a dollar or a bracket, and a password may have blanks: each judgement
 * needs more than one sign.
 */
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "check-internal.h"
#include "tracepager/secret_slip.h"

static bool char_is_letter_or_digit(char c)
{
	return isalnum((unsigned char)c);
}

/* $NAME in capitals, or ${name}: nothing else beside it. */
static bool secret_is_variable(const char *text)
{
	static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

	if (*text++ != '$')
		return false;
	if (*text == '{')
		return text[1] && strcspn(text, "}") + 1 == strlen(text);
	return (isupper((unsigned char)*text) || *text == '_') && text[1] &&
	       !text[strspn(text, capitals)];
}

/* ".key" at the end. */
static bool path_has_ending(const char *text)
{
	const char *dot = strrchr(text, '.');
	const size_t len = dot ? strlen(dot + 1) : 0;

	if (!len || len > 8 || dot == text || dot[-1] == '/' || strchr(dot, '/'))
		return false;
	for (const char *at = dot + 1; *at; at++)
		if (!isalpha((unsigned char)*at))
			return false;
	return true;
}

/* Capitals, small letters and digits between two slashes: a key of base64. */
static bool path_has_random_part(const char *text)
{
	bool upper = false, lower = false, digit = false;

	for (; *text; text++) {
		if (*text == '/')
			upper = lower = digit = false;
		upper |= isupper((unsigned char)*text) != 0;
		lower |= islower((unsigned char)*text) != 0;
		digit |= isdigit((unsigned char)*text) != 0;
		if (upper && lower && digit)
			return true;
	}
	return false;
}

static bool secret_is_path(const char *text)
{
	const size_t begin = *text == '/'		    ? 1
			     : strncmp(text, "./", 2) == 0  ? 2
			     : strncmp(text, "~/", 2) == 0  ? 2
			     : strncmp(text, "../", 3) == 0 ? 3
							    : 0;

	return begin && !strpbrk(text, "=+ ") &&
	       (strchr(text + begin, '/') || path_has_ending(text)) &&
	       !path_has_random_part(text + begin);
}

/* Small letters, with '-' for what divides words. False: the text is longer than any placeholder.
 */
static bool secret_plain_words(const char *text, char *words, size_t size)
{
	const size_t len = strlen(text);

	if (len >= size)
		return false;
	for (size_t i = 0; i <= len; i++)
		words[i] = text[i] == '_' || text[i] == ' ' ? '-'
							    : (char)tolower((unsigned char)text[i]);
	return true;
}

/* The word, with no letter or digit before it and no letter behind it. */
static bool words_have(const char *words, const char *word)
{
	const size_t len = strlen(word);

	for (const char *at = words; (at = strstr(at, word)); at++)
		if ((at == words || !char_is_letter_or_digit(at[-1])) &&
		    !isalpha((unsigned char)at[len]))
			return true;
	return false;
}

static bool words_end_in(const char *words, const char *end)
{
	const size_t n = strlen(words), len = strlen(end);

	return n >= len && strcmp(words + n - len, end) == 0;
}

static const char *const named_secrets[] = { "key", "token", "secret", "password", "url", "id" };

/* "your-api-key", "your-token-here", "key-here"; not "your-horse-7731". */
static bool words_ask_for_secret(const char *words)
{
	char end[24];

	for (size_t i = 0; i < ARRAY_LEN(named_secrets); i++) {
		snprintf(end, sizeof(end), "-%s", named_secrets[i]);
		if (strncmp(words, "your-", 5) == 0 && words_end_in(words, end))
			return true;
		snprintf(end, sizeof(end), "%s-here", named_secrets[i]);
		if (words_have(words, end) && words_end_in(words, end))
			return true;
	}
	return false;
}

/* "<routing key>": letters, and a word for a secret among them. */
static bool secret_is_bracketed(const char *text, const char *words)
{
	const size_t len = strlen(text);

	if (len < 5 || text[0] != '<' || text[len - 1] != '>' ||
	    strspn(words + 1, "abcdefghijklmnopqrstuvwxyz-") != len - 2)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(named_secrets); i++)
		if (words_have(words, named_secrets[i]))
			return true;
	return false;
}

/* Four or more of the same x, and nothing but these between what divides words. */
static bool secret_has_crosses(const char *text)
{
	for (size_t i = 0; text[i]; i++) {
		const char both[] = { text[i], '\0' };
		const size_t n = strchr("xX", text[i]) ? strspn(text + i, both) : 0;
		if (n >= 4 && (i == 0 || !char_is_letter_or_digit(text[i - 1])) &&
		    !char_is_letter_or_digit(text[i + n]))
			return true;
		i += n ? n - 1 : 0;
	}
	return false;
}

bool secret_is_placeholder(const char *text)
{
	static const char *const placeholders[] = { "changeme",	 "change-me",  "change-this",
						    "replaceme", "replace-me", "replace-this" };
	static const char *const whole[] = { "todo", "fixme", "tbd", "placeholder" };
	char words[LIMIT_SUGGEST_BYTES];

	if (secret_has_crosses(text))
		return true;
	if (!secret_plain_words(text, words, sizeof(words)))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(placeholders); i++)
		if (words_have(words, placeholders[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(whole); i++)
		if (strcmp(words, whole[i]) == 0)
			return true;
	return words_ask_for_secret(words) || secret_is_bracketed(text, words);
}

const char *secret_slip(const char *member, const char *text)
{
	if (secret_is_variable(text))
		return "is a variable of the environment, which rules do not read";
	if (secret_is_path(text))
		return "is the path of a file";
	if (secret_is_placeholder(text))
		return "stands for a secret that was to be filled in";
	/* People choose passwords, and secrets that sign: these may be words with blanks. */
	if (strcmp(member, "password") != 0 && strcmp(member, "secret") != 0 &&
	    strcmp(member, "feedback_secret") != 0 && strpbrk(text, " \t\r\n"))
		return "has a blank or the end of a line in it";
	return NULL;
}
