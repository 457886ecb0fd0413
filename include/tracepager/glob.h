/*
 * Globs of rules: * any run of characters, ? one character, [abc] [a-z] [!a] a set, \ quotes the
 * next character. No braces, no **, no special meaning of a slash. Pure: any thread may call; texts
 * that are returned are kept by the arena that the caller gives.
 */
#ifndef TRACEPAGER_GLOB_H
#define TRACEPAGER_GLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "tracepager/arena.h"

/* Takes time with the length of the text times the number of stars; no recursion. A [ that is never
 * closed stands for itself. */
bool glob_match(const char *glob, const char *text);
/* Number of ASCII characters at the start that stand for themselves alone. */
size_t glob_plain(const char *glob);
/* Is there a character that may not stand for itself? Inline, so that rooms that only ask this link
 * no rules. */
static inline bool glob_has_wildcard(const char *glob)
{
	return strpbrk(glob, "*?[\\");
}
/* Every [ has its ], and no \ stands at the end. */
bool glob_is_valid(const char *glob);
/* The only text that the glob matches; NULL: it has a wildcard. */
const char *glob_literal(struct arena *arena, const char *glob);
/* The characters before the first wildcard: every text that matches begins with them. */
const char *glob_prefix(struct arena *arena, const char *glob);
/* Number of characters that stand for themselves: the more, the more specific is the glob. */
unsigned int glob_literals(const char *glob);
/* Is there a text that both globs match? May say yes for two different sets; never no where there
 * is such a text. */
bool glob_overlap(const char *a, const char *b);
/* Does `a` match every text that `b` matches? May say no for different sets; never yes where `a`
 * misses one. */
bool glob_covers(const char *a, const char *b);
/* Lists all texts that the glob matches into texts[]. Returns their number; 0: there are more than
 * `most`, or some are not ASCII. */
size_t glob_texts(struct arena *arena, const char *glob, const char **texts, size_t most);

#endif
