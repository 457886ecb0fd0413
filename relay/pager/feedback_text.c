/*
 * What the kinds share that read what pagers tell back: keys and texts. Pure; owns nothing.
 */
#include "pager-internal.h"

#include <string.h>

#include "tracepager/plain.h"

const char *feedback_incident(struct arena *arena, const char *key)
{
	const char *mark = strrchr(key, '#');
	const size_t digits = mark && mark > key ? strspn(mark + 1, "0123456789") : 0;

	if (digits && !mark[1 + digits])
		return arena_strndup(arena, key, (size_t)(mark - key));
	return arena_strdup(arena, key);
}

static const char *feedback_words(struct arena *arena, const char *text, size_t max, bool one_line)
{
	static const char more[] = "\xe2\x80\xa6"; /* an ellipsis */
	char *words = plain_words(arena, text, one_line);
	size_t len = strlen(words);

	if (len <= max)
		return words;
	/* Cut between two characters. */
	for (len = max - strlen(more); len > 0 && (words[len] & 0xc0) == 0x80; len--)
		continue;
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
