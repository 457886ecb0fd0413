/*
 * What the kinds share that read what pagers tell back: keys and texts. Pure; owns nothing.
 */
#include "pager-internal.h"

#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/utf8.h"

/* The "#n" at the end of a dedup key; NULL: it has none. */
static const char *key_mark(const char *key)
{
	const char *mark = strrchr(key, '#');
	const size_t digits = mark && mark > key ? strspn(mark + 1, "0123456789") : 0;

	return digits && !mark[1 + digits] ? mark : NULL;
}

const char *feedback_incident(struct arena *arena, const char *key)
{
	const char *mark = key_mark(key);

	return mark ? arena_strndup(arena, key, (size_t)(mark - key)) : arena_strdup(arena, key);
}

int feedback_page_n(const char *key)
{
	const char *mark = key_mark(key);
	int n = 0;

	if (!mark)
		return *key ? 1 : 0;
	for (const char *digit = mark + 1; *digit; digit++) {
		n = 10 * n + (*digit - '0');
		if (n > LIMIT_RINGS)
			return 0;
	}
	return n;
}

/* Of a text that is cut to so many bytes, the first eight times as many are looked at: blanks in a
 * row become one, and the arena does not hold a huge text for the sake of its beginning. */
#define LOOKED_AT 8u

static const char *feedback_words(struct arena *arena, const char *text, size_t max, bool one_line)
{
	static const char more[] = "\xe2\x80\xa6"; /* an ellipsis */
	const size_t most = LOOKED_AT * max;
	const bool is_huge = text && strnlen(text, most + 1) > most;

	if (is_huge)
		text = arena_strndup(arena, text, utf8_cut(text, most + 1, most));
	char *words = plain_words(arena, text, one_line);
	size_t len = strlen(words);

	if (len <= max && !is_huge)
		return words;
	len = utf8_cut(words, len, max - strlen(more));
	return arena_printf(arena, "%.*s%s", (int)len, words, more);
}

const char *feedback_text(struct arena *arena, const char *text, size_t max)
{
	return feedback_words(arena, text, max, false);
}

const char *feedback_line(struct arena *arena, const char *text, size_t max)
{
	return feedback_words(arena, text, max, true);
}
