/*
 * Imply: what two conditions say about each other without an alert. Does one always hold, do two
 * contradict each other, does one hold wherever the other holds? Says yes only where that is
 * certain: of regular expressions it understands lists of plain words, and those that match
 * everything. Pure: owns nothing.
 */
#include "check-internal.h"

/* Does the expression match every text: ".*", with anchors, groups around the whole, or lazy? */
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

/* Lists "info|warning" as words. Returns their number; 0: the expression is no such list. */
static size_t regex_words(struct arena *arena, const char *regex, const char **words)
{
	size_t n = 0;

	for (;;) {
		size_t len = strcspn(regex, "|");
		for (size_t i = 0; i < len; i++)
			if (strchr("\\^$.[]?*+{}()", regex[i]))
				return 0;
		if (n == LIMIT_GLOB_TEXTS)
			return 0;
		words[n++] = arena_strndup(arena, regex, len);
		if (!regex[len])
			return n;
		regex += len + 1;
	}
}

/* Lists all values with which the condition holds. Returns their number; 0: they cannot be
 * listed. */
static size_t matcher_words(struct arena *arena, const struct rule_matcher *matcher,
			    const char **words)
{
	switch (matcher->op) {
	case RULE_EQUAL:
		words[0] = matcher->value;
		return 1;
	case RULE_GLOB:
		return glob_texts(arena, matcher->value, words, LIMIT_GLOB_TEXTS);
	case RULE_REGEX:
		return regex_words(arena, matcher->value, words);
	case RULE_NOT_EQUAL:
	case RULE_NOT_REGEX:
		break;
	}
	return 0;
}

/* Does no word meet the matcher? False where there is no word. */
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
	const char *words[LIMIT_GLOB_TEXTS];

	if (strcmp(a->name, b->name) != 0)
		return false;
	if (none_meets(words, matcher_words(arena, a, words), b) ||
	    none_meets(words, matcher_words(arena, b, words), a))
		return true;
	return a->op == RULE_GLOB && b->op == RULE_GLOB && !glob_overlap(a->value, b->value);
}

bool matcher_covers(struct arena *arena, const struct rule_matcher *a, const struct rule_matcher *b)
{
	const char *words[LIMIT_GLOB_TEXTS];

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
