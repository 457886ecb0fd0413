/*
 * What the kinds share that read what pagers tell back: keys and texts. Pure; owns nothing.
 */
#include "pager-internal.h"

#include <string.h>

#include "tracepager/utf8.h"

const char *feedback_incident(struct arena *arena, const char *key)
{
	const char *mark = strrchr(key, '#');
	const size_t digits = mark && mark > key ? strspn(mark + 1, "0123456789") : 0;

	if (digits && !mark[1 + digits])
		return arena_strndup(arena, key, (size_t)(mark - key));
	return arena_strdup(arena, key);
}

const char *feedback_text(struct arena *arena, const char *text, size_t max)
{
	static const char more[] = "\xe2\x80\xa6"; /* an ellipsis */

	if (!text)
		return "";
	size_t len = strlen(text);
	if (len > max) {
		/* Cut between two characters. */
		for (len = max - strlen(more); len > 0 && (text[len] & 0xc0) == 0x80; len--)
			continue;
	}
	char *out = arena_printf(arena, "%.*s%s", (int)len, text, text[len] ? more : "");
	for (char *c = out; *c; c++)
		if (((unsigned char)*c < ' ' && *c != '\n') || *c == 0x7f)
			*c = ' ';
	return out;
}
