/*
 * What conditions say about each other without an alert at hand: does one always hold, do two
 * contradict each other, does one take all that another takes? Answers yes only where it is sure: a
 * regular expression is understood where it is a list of plain words, or takes everything. Owns
 * nothing.
 */
#include "check-internal.h"

/* Words of one condition that are looked at. */
#define WORDS_MAX 64

/* ".*" and its kin: without anchors, groups around the whole, and laziness. */
static bool takes_all(const char *regex)
{
	const char *end = regex + strlen(regex);

	for (;;) {
		if (*regex == '^')
			regex++;
		else if (end > regex && end[-1] == '$')
			end--;
		else if (*regex == '(' && regex[1] != '?' && end > regex && end[-1] == ')')
			regex++, end--;
		else if (strncmp(regex, "(?:", 3) == 0 && end[-1] == ')')
			regex += 3, end--;
		else
			break;
	}
	size_t len = (size_t)(end - regex);
	return (len == 2 && memcmp(regex, ".*", 2) == 0) ||
	       (len == 3 && (memcmp(regex, ".*?", 3) == 0 || memcmp(regex, ".*+", 3) == 0));
}

static bool only_stars(const char *glob)
{
	return *glob && glob[strspn(glob, "*")] == '\0';
}

bool matcher_always(const struct rule_matcher *matcher)
{
	return (matcher->op == RULE_GLOB && only_stars(matcher->value)) ||
	       (matcher->op == RULE_REGEX && takes_all(matcher->value));
}

/* "info|warning" as words; 0: it is something else. */
static size_t regex_words(struct arena *arena, const char *regex, const char **words)
{
	size_t n = 0;

	for (;;) {
		size_t len = strcspn(regex, "|");
		for (size_t i = 0; i < len; i++)
			if (strchr("\\^$.[]?*+{}()", regex[i]))
				return 0;
		if (n == WORDS_MAX)
			return 0;
		words[n++] = arena_strndup(arena, regex, len);
		if (!regex[len])
			return n;
		regex += len + 1;
	}
}

/* All values with which the condition holds; 0: they cannot be listed. */
static size_t matcher_words(struct arena *arena, const struct rule_matcher *matcher,
			    const char **words)
{
	switch (matcher->op) {
	case RULE_EQUAL:
		words[0] = matcher->value;
		return 1;
	case RULE_GLOB:
		return glob_texts(arena, matcher->value, words, WORDS_MAX);
	case RULE_REGEX:
		return regex_words(arena, matcher->value, words);
	case RULE_NOT_EQUAL:
	case RULE_NOT_REGEX:
		break;
	}
	return 0;
}

/* None of the words meets the matcher; with no word at all, false. */
static bool none_meets(const char *const *words, size_t n, const struct rule_matcher *matcher)
{
	for (size_t i = 0; i < n; i++)
		if (matcher_holds(matcher, words[i]))
			return false;
	return n > 0;
}

bool matchers_contradict(struct arena *arena, const struct rule_matcher *a,
			 const struct rule_matcher *b)
{
	const char *words[WORDS_MAX];

	if (strcmp(a->name, b->name) != 0)
		return false;
	if (none_meets(words, matcher_words(arena, a, words), b) ||
	    none_meets(words, matcher_words(arena, b, words), a))
		return true;
	return a->op == RULE_GLOB && b->op == RULE_GLOB && !glob_overlap(a->value, b->value);
}

bool matcher_covers(struct arena *arena, const struct rule_matcher *a, const struct rule_matcher *b)
{
	const char *words[WORDS_MAX];

	if (strcmp(a->name, b->name) != 0)
		return false;
	if (a->op == b->op && strcmp(a->value, b->value) == 0)
		return true;
	size_t n = matcher_words(arena, b, words), i = 0;
	while (i < n && matcher_holds(a, words[i]))
		i++;
	if (n)
		return i == n;
	if (b->op != RULE_GLOB)
		return false;
	return (a->op == RULE_GLOB && glob_covers(a->value, b->value)) ||
	       (a->op == RULE_NOT_EQUAL && !glob_match(b->value, a->value));
}
