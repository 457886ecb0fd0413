/*
 * Collection: the selectors of an expression while it is being read, and the plain words that a
 * regular expression stands for. The arena keeps what is made.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "expr-internal.h"
#include "tracepager/limits.h"

int collection_add(struct collection *collection, const char *metric)
{
	if (collection->n == LIMIT_EXPR_SELECTORS)
		return -E2BIG;
	if (!collection->selectors)
		collection->selectors = arena_array(collection->arena, LIMIT_EXPR_SELECTORS,
						    sizeof(*collection->selectors));
	collection->selectors[collection->n++] = (struct expr_selector){ .metric = metric };
	return 0;
}

/* ---- the words of a regular expression ---- */

/* Read the plain word at *at up to | ) or the end. NULL: it is a pattern. */
static const char *pattern_word(struct arena *arena, const char *pattern, size_t *at)
{
	char *word = arena_alloc(arena, strlen(pattern + *at) + 1);
	size_t n = 0;

	for (; pattern[*at] && pattern[*at] != '|' && pattern[*at] != ')'; (*at)++) {
		if (pattern[*at] == '\\') {
			(*at)++;
			/* \d, \w and so on are classes. */
			if (!ispunct((unsigned char)pattern[*at]))
				return NULL;
		} else if (strchr(".*+?[]{}($^", pattern[*at])) {
			return NULL;
		}
		word[n++] = pattern[*at];
	}
	word[n] = '\0';
	return word;
}

/* The alternatives of a regular expression, which is anchored at both ends: ^(a|b)$ and a|b. 0: it
 * has others than plain words, or too many. */
static size_t pattern_words(struct arena *arena, const char *pattern, const char **words,
			    size_t max)
{
	size_t len = strlen(pattern), at = 0, n = 0;
	char *text = arena_strndup(arena, pattern, len);

	if (*text == '^')
		text++, len--;
	if (len > 1 && text[len - 1] == '$' && text[len - 2] != '\\')
		text[--len] = '\0';
	if (len > 1 && *text == '(' && text[len - 1] == ')' && text[len - 2] != '\\') {
		text[--len] = '\0';
		text += strncmp(text, "(?:", 3) == 0 ? 3 : 1;
	}
	for (;; at++) {
		const char *word = n < max ? pattern_word(arena, text, &at) : NULL;
		if (!word || !*word || text[at] == ')')
			return 0;
		words[n++] = word;
		if (!text[at])
			return n;
	}
}

int collection_add_match(struct collection *collection, const char *name, const char *value,
			 bool pattern)
{
	struct expr_selector *selector = &collection->selectors[collection->n - 1];
	const char *words[LIMIT_EXPR_VALUES] = { value };
	size_t n = !*value   ? 0
		   : pattern ? pattern_words(collection->arena, value, words, LIMIT_EXPR_VALUES)
			     : 1;

	if (n == 0)
		return 0;
	if (strcmp(name, "__name__") == 0) {
		selector->metric = words[0];
		return 0;
	}
	if (selector->nmatches == LIMIT_EXPR_MATCHES)
		return -E2BIG;
	if (!selector->matches)
		selector->matches = arena_array(collection->arena, LIMIT_EXPR_MATCHES,
						sizeof(*selector->matches));
	const char **values = arena_array(collection->arena, n, sizeof(*values));
	memcpy(values, words, n * sizeof(*values));
	selector->matches[selector->nmatches++] =
		(struct expr_match){ .name = name, .values = values, .nvalues = n };
	return 0;
}

bool collection_has_value(const struct collection *collection, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (collection->selectors[i].side == EXPR_VALUE)
			return true;
	return false;
}

void collection_move(struct collection *collection, size_t from, size_t to, enum expr_side side)
{
	for (size_t i = from; i < to; i++)
		if (collection->selectors[i].side == EXPR_VALUE)
			collection->selectors[i].side = side;
}
