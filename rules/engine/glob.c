/*
 * Globs: matching, and what can be said of two globs without a text: do they overlap, does one
 * cover the other? The syntax stands in glob.h. No recursion. Pure: owns nothing.
 */
#include <stdlib.h>

#include "tracepager/glob.h"

#include <stdint.h>
#include <string.h>

#include "tracepager/xalloc.h"
#include "tracepager/ytext.h"

enum token_kind {
	TOKEN_END,
	TOKEN_CHAR,
	TOKEN_ANY,
	TOKEN_SET,
	TOKEN_STAR,
};

struct token {
	enum token_kind kind;
	uint32_t c;		 /* TOKEN_CHAR */
	const char *set, *close; /* TOKEN_SET: behind the [, and at the ] */
};

/* Takes one character. A byte that is not UTF-8 is a character of its own, beyond Unicode. */
static const char *take_char(const char *at, uint32_t *ret_char)
{
	if (!((unsigned char)*at & 0x80)) {
		*ret_char = (unsigned char)*at;
		return at + 1;
	}
	size_t n = ytext_char(at, at + strnlen(at, 4), ret_char);
	if (*ret_char == YTEXT_BAD)
		*ret_char = 0x110000u + (unsigned char)*at;
	return at + n;
}

/* The ] that closes the set whose [ stands before `set`; NULL: none. A ] at the start is a
 * member. */
static const char *set_close(const char *set)
{
	if (*set == '!' || *set == '^')
		set++;
	for (bool first = true; *set; set++, first = false) {
		if (*set == ']' && !first)
			return set;
		if (*set == '\\' && set[1])
			set++;
	}
	return NULL;
}

static const char *take_token(const char *glob, struct token *token)
{
	*token = (struct token){ .kind = TOKEN_CHAR };
	switch (*glob) {
	case '\0':
		token->kind = TOKEN_END;
		return glob;
	case '*':
		token->kind = TOKEN_STAR;
		return glob + 1;
	case '?':
		token->kind = TOKEN_ANY;
		return glob + 1;
	case '[':
		token->set = glob + 1;
		token->close = set_close(token->set);
		if (!token->close)
			break;
		token->kind = TOKEN_SET;
		return token->close + 1;
	case '\\':
		glob += glob[1] != '\0';
		break;
	default:
		break;
	}
	return take_char(glob, &token->c);
}

static const char *take_set_member(const char *set, uint32_t *ret_char)
{
	return take_char(set + (*set == '\\' && set[1]), ret_char);
}

static bool set_holds(const struct token *token, uint32_t c)
{
	const char *at = token->set;
	bool negated = *at == '!' || *at == '^', holds = false;

	for (at += negated; at < token->close;) {
		uint32_t first, last;
		at = take_set_member(at, &first);
		last = first;
		if (*at == '-' && at + 1 < token->close)
			at = take_set_member(at + 1, &last);
		if (c >= first && c <= last)
			holds = true;
	}
	return holds != negated;
}

static bool token_takes(const struct token *token, uint32_t c)
{
	switch (token->kind) {
	case TOKEN_CHAR:
		return token->c == c;
	case TOKEN_SET:
		return set_holds(token, c);
	case TOKEN_ANY:
		return true;
	case TOKEN_END:
	case TOKEN_STAR:
		break;
	}
	return false;
}

/* An ASCII character of a glob that stands for itself alone. */
static bool glob_is_plain(char c)
{
	return (signed char)c > 0 && c != '*' && c != '?' && c != '[' && c != '\\';
}

size_t glob_plain(const char *glob)
{
	size_t n = 0;

	while (glob_is_plain(glob[n]))
		n++;
	return n;
}

bool glob_match(const char *glob, const char *text)
{
	const char *star = NULL, *resume = NULL; /* behind the last star, and the end of the run
						    that it takes so far */
	struct token token;
	uint32_t c;

	/* Most globs differ from a text before their first wildcard. */
	while (glob_is_plain(*glob) && *glob == *text)
		glob++, text++;
	if (glob_is_plain(*glob))
		return false;
	for (;;) {
		const char *next = take_token(glob, &token);
		if (token.kind == TOKEN_STAR) {
			star = glob = next;
			resume = text;
			continue;
		}
		if (*text) {
			const char *rest = take_char(text, &c);
			if (token_takes(&token, c)) {
				glob = next;
				text = rest;
				continue;
			}
		} else if (token.kind == TOKEN_END) {
			return true;
		}
		/* Let the last star take one character more. Stars before it need not be tried
		 * again. */
		if (!star || !*resume)
			return false;
		resume = text = take_char(resume, &c);
		glob = star;
	}
}

bool glob_is_valid(const char *glob)
{
	struct token token;

	while (*glob) {
		const char *start = glob;
		glob = take_token(glob, &token);
		if (token.kind == TOKEN_CHAR && (*start == '[' || (*start == '\\' && !start[1])))
			return false;
	}
	return true;
}

/* Copies the characters before the first wildcard, unquoted, into text. Returns where they end
 * in the glob. */
static const char *copy_plain(const char *glob, char *text)
{
	struct token token;

	while (*glob) {
		const char *next = take_token(glob, &token);
		if (token.kind != TOKEN_CHAR)
			break;
		glob += *glob == '\\' && glob[1];
		while (glob < next)
			*text++ = *glob++;
	}
	return glob;
}

const char *glob_prefix(struct arena *arena, const char *glob)
{
	char *text = arena_alloc(arena, strlen(glob) + 1);

	copy_plain(glob, text);
	return text;
}

const char *glob_literal(struct arena *arena, const char *glob)
{
	char *text = arena_alloc(arena, strlen(glob) + 1);

	return *copy_plain(glob, text) ? NULL : text;
}

unsigned int glob_literals(const char *glob)
{
	unsigned int n = 0;
	struct token token;

	while (*glob) {
		glob = take_token(glob, &token);
		n += token.kind == TOKEN_CHAR;
	}
	return n;
}

/* Is there a character that both tokens take? */
static bool tokens_meet(const struct token *a, const struct token *b)
{
	if (a->kind == TOKEN_CHAR)
		return token_takes(b, a->c);
	return b->kind != TOKEN_CHAR || token_takes(a, b->c);
}

static struct token *tokens_of(const char *glob, size_t *ret_n)
{
	struct token *tokens = xcalloc(strlen(glob) + 1, sizeof(*tokens));
	size_t n = 0;

	while (*glob)
		glob = take_token(glob, &tokens[n++]);
	*ret_n = n;
	return tokens;
}

/*
 * reach[j] after row i: can the first i tokens of a and the first j tokens of b match a common
 * text? A star either ends here or takes one more token of the other glob.
 */
static bool tokens_overlap(const struct token *a, size_t na, const struct token *b, size_t nb)
{
	CLEANUP_FREE bool *reach = xcalloc(nb + 1, sizeof(bool));
	CLEANUP_FREE bool *next = xcalloc(nb + 1, sizeof(bool));
	bool any = true;

	reach[0] = true;
	for (size_t j = 1; j <= nb; j++)
		reach[j] = reach[j - 1] && b[j - 1].kind == TOKEN_STAR;
	for (size_t i = 1; i <= na && any; i++) {
		any = false;
		for (size_t j = 0; j <= nb; j++) {
			bool yes = false;
			if (a[i - 1].kind == TOKEN_STAR)
				yes = reach[j] || (j > 0 && next[j - 1]);
			else if (j > 0 && b[j - 1].kind == TOKEN_STAR)
				yes = reach[j];
			else if (j > 0)
				yes = reach[j - 1] && tokens_meet(&a[i - 1], &b[j - 1]);
			if (!yes && j > 0 && b[j - 1].kind == TOKEN_STAR)
				yes = next[j - 1];
			next[j] = yes;
			any |= yes;
		}
		memcpy(reach, next, (nb + 1) * sizeof(bool));
	}
	return any && reach[nb];
}

bool glob_overlap(const char *a, const char *b)
{
	size_t na, nb;

	/* Most pairs of globs differ before their first wildcard: skip the table for those. */
	while (*a && *a == *b && !strchr("*?[\\", *a))
		a++, b++;
	if (*a != *b && !(*a && strchr("*?[\\", *a)) && !(*b && strchr("*?[\\", *b)))
		return false;
	CLEANUP_FREE struct token *x = tokens_of(a, &na);
	CLEANUP_FREE struct token *y = tokens_of(b, &nb);
	return tokens_overlap(x, na, y, nb);
}

/* Does a take every character that b takes? */
static bool token_covers(const struct token *a, const struct token *b)
{
	if (a->kind == TOKEN_ANY)
		return b->kind != TOKEN_STAR;
	if (b->kind == TOKEN_CHAR)
		return token_takes(a, b->c);
	/* Two sets: certain only where they are written alike. */
	return a->kind == TOKEN_SET && b->kind == TOKEN_SET &&
	       a->close - a->set == b->close - b->set &&
	       memcmp(a->set, b->set, (size_t)(a->close - a->set)) == 0;
}

/* The same steps as glob_match(), with the tokens of b in place of the characters of a text. */
bool glob_covers(const char *a, const char *b)
{
	size_t na, nb, i = 0, j = 0, star = SIZE_MAX, resume = 0;

	/* Most pairs differ before their first wildcard: what is plain in a covers only itself. */
	while (glob_is_plain(*a) && *a == *b)
		a++, b++;
	if (glob_is_plain(*a) && *b != '\\')
		return false;
	if (!*a)
		return !*b;
	CLEANUP_FREE struct token *x = tokens_of(a, &na);
	CLEANUP_FREE struct token *y = tokens_of(b, &nb);

	for (;;) {
		if (i < na && x[i].kind == TOKEN_STAR) {
			star = ++i;
			resume = j;
			continue;
		}
		if (j == nb && i == na)
			return true;
		if (i < na && j < nb && token_covers(&x[i], &y[j])) {
			i++;
			j++;
			continue;
		}
		if (star == SIZE_MAX || resume == nb)
			return false;
		i = star;
		j = ++resume;
	}
}

/* Lists the characters of a set. Returns their number; 0: more than `most`, a range, or not
 * ASCII. */
static size_t set_members(const struct token *token, uint32_t *members, size_t most)
{
	const char *at = token->set;
	size_t n = 0;

	if (*at == '!' || *at == '^')
		return 0;
	while (at < token->close) {
		uint32_t c;
		at = take_set_member(at, &c);
		if (n == most || c > 0x7e || (*at == '-' && at + 1 < token->close))
			return 0;
		members[n++] = c;
	}
	return n;
}

size_t glob_texts(struct arena *arena, const char *glob, const char **texts, size_t most)
{
	size_t n, found = 1;
	CLEANUP_FREE struct token *tokens = tokens_of(glob, &n);

	texts[0] = "";
	for (size_t i = 0; i < n; i++) {
		uint32_t members[16] = { tokens[i].c };
		size_t nmembers = tokens[i].kind == TOKEN_CHAR && tokens[i].c <= 0x7e ? 1
				  : tokens[i].kind == TOKEN_SET
					  ? set_members(&tokens[i], members, ARRAY_LEN(members))
					  : 0;
		if (!nmembers || found * nmembers > most)
			return 0;
		for (size_t j = found * nmembers; j-- > 0;)
			texts[j] = arena_printf(arena, "%s%c", texts[j % found],
						(char)members[j / found]);
		found *= nmembers;
	}
	return found;
}
