/* Seen words: maps from words to how often they were seen, one for each sort, and one for the
 * values of each label. */
#include "tracepager/seen_words.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/findings.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

struct seen_words {
	unsigned int days;
	struct map *sorts[SEEN_SORTS]; /* word → its count; of SEEN_VALUE: label → map of values */
};

struct seen_words *seen_words_new(unsigned int days)
{
	struct seen_words *words = xcalloc(1, sizeof(*words));

	words->days = days;
	for (size_t i = 0; i < SEEN_SORTS; i++)
		words->sorts[i] = map_new();
	return words;
}

void seen_words_free(struct seen_words *words)
{
	struct map *values;
	size_t pos = 0;

	if (!words)
		return;
	while ((values = map_next(words->sorts[SEEN_VALUE], &pos, NULL)))
		map_free(values);
	for (size_t i = 0; i < SEEN_SORTS; i++)
		map_free(words->sorts[i]);
	free(words);
}

/* The words of a sort; NULL: there are none. */
static struct map *words_of(const struct seen_words *words, enum seen_sort sort, const char *of)
{
	return sort == SEEN_VALUE ? map_get(words->sorts[SEEN_VALUE], of) : words->sorts[sort];
}

void seen_words_add(struct seen_words *words, enum seen_sort sort, const char *of, const char *word)
{
	struct map *map = words_of(words, sort, of);

	if (!*word)
		return;
	if (!map) {
		map = map_new();
		map_put(words->sorts[SEEN_VALUE], of, map);
	}
	const uintptr_t count = (uintptr_t)map_get(map, word);
	const size_t most = sort == SEEN_VALUE ? LIMIT_SEEN_VALUES : LIMIT_SEEN_WORDS;
	/* One value beyond the cap stays, and tells that there are more. */
	if (count || map_count(map) <= most)
		map_put(map, word, (void *)(count + 1)); // NOLINT: a count, no address
}

size_t seen_words_count(const struct seen_words *words, enum seen_sort sort, const char *word,
			const char *value)
{
	const struct map *map = words ? words_of(words, sort, word) : NULL;

	return map ? (uintptr_t)map_get(map, sort == SEEN_VALUE ? value : word) : 0;
}

/* Names of labels and attributes with dots, dashes and underscores are one to those who mix them
 * up. */
static bool seen_same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		const bool join = strchr("._-", *a) != NULL && strchr("._-", *b) != NULL;
		if (*a != *b && !join)
			return false;
	}
	return *a == *b;
}

/* prod-a and prod-b, 1a and 1b: a last part of one letter tells siblings apart. */
static bool seen_siblings(const char *a, const char *b)
{
	const size_t n = strlen(a);

	if (n < 2 || strlen(b) != n || strncmp(a, b, n - 1) != 0)
		return false;
	return isalnum((unsigned char)a[n - 1]) && isalnum((unsigned char)b[n - 1]) &&
	       !isalpha((unsigned char)a[n - 2]) &&
	       tolower((unsigned char)a[n - 1]) != tolower((unsigned char)b[n - 1]);
}

const char *seen_words_nearest(const struct seen_words *words, enum seen_sort sort, const char *of,
			       const char *word, size_t *ret_count)
{
	const struct map *map = words ? words_of(words, sort, of) : NULL;
	const char *nearest = NULL, *other;
	size_t pos = 0;
	void *count;

	if (!map || (sort == SEEN_VALUE && map_count(map) > LIMIT_SEEN_VALUES) ||
	    map_get(map, word))
		return NULL;
	*ret_count = 0;
	while ((count = map_next(map, &pos, &other))) {
		const size_t n = (uintptr_t)count;
		if (seen_siblings(word, other))
			continue;
		if (!words_typo(word, other) &&
		    !(sort != SEEN_VALUE && seen_same_name(word, other)))
			continue;
		/* The one that was seen most; of equal ones the first by its letters. */
		if (n > *ret_count || (n == *ret_count && strcmp(other, nearest) < 0)) {
			nearest = other;
			*ret_count = n;
		}
	}
	return nearest;
}

unsigned int seen_words_days(const struct seen_words *words)
{
	return words->days;
}

void seen_words_each(const struct seen_words *words, enum seen_sort sort, const char *of,
		     int (*each)(void *ctx, const char *word, size_t count), void *ctx)
{
	const struct map *map = words ? words_of(words, sort, of) : NULL;
	const char *word;
	size_t pos = 0;
	void *count;

	while (map && (count = map_next(map, &pos, &word)) && each(ctx, word, (uintptr_t)count))
		;
}
