/*
 * Picks: an index that tells which of many entries can match at all. An entry with a condition
 * that only a few texts fulfil is filed under those texts; of several such conditions, under the
 * one whose texts fewest entries name. All other entries can always match. So a look-up tries
 * only the entries to which its own texts lead, in their order, however many entries there are.
 * Owns its map and buckets.
 */
#include <stdlib.h>

#include "engine-internal.h"

/* An entry with a longer key is filed as one that can always match. */
#define KEY_BYTES (2 * LIMIT_GLOB_BYTES)

struct pick_sink {
	struct map *map; /* counting: key → number of entries that name it */
	uint32_t entry;
	bool counting;
	bool found;
	size_t cost; /* number of entries that name the texts of the best condition so far */
	unsigned int field;
	const char *name;
	const char *const *texts;
	size_t n;
};

/* The key of a text. No two conditions give the same key: byte 1 stands in no name of a field. */
static bool pick_make_key(unsigned int field, const char *name, const char *text,
			  char key[KEY_BYTES])
{
	size_t name_len = strlen(name), text_len = strlen(text);

	if (name_len >= KEY_BYTES || text_len >= KEY_BYTES || name_len + text_len + 4 > KEY_BYTES)
		return false;
	*key++ = (char)('0' + field);
	*key++ = '\x01';
	memcpy(key, name, name_len);
	key += name_len;
	*key++ = '\x01';
	memcpy(key, text, text_len + 1);
	return true;
}

static void count_texts(struct pick_sink *sink, unsigned int field, const char *name,
			const char *const *texts, size_t n)
{
	char key[KEY_BYTES];

	for (size_t i = 0; i < n; i++)
		if (pick_make_key(field, name, texts[i], key)) {
			size_t before = (size_t)(uintptr_t)map_get(sink->map, key);
			map_put(sink->map, key, (void *)(uintptr_t)(before + 1));
		}
}

/* Sums up how many entries name these texts. False: the entry cannot be found by these texts: one
 * of them is too long for a key, or is empty and so matches a missing label, too. */
static bool texts_cost(const struct pick_sink *sink, unsigned int field, const char *name,
		       const char *const *texts, size_t n, size_t *ret_cost)
{
	char key[KEY_BYTES];

	*ret_cost = 0;
	for (size_t i = 0; i < n; i++) {
		if (!*texts[i] || !pick_make_key(field, name, texts[i], key))
			return false;
		*ret_cost += (size_t)(uintptr_t)map_get(sink->map, key);
	}
	return n > 0;
}

void pick_offer(struct pick_sink *sink, unsigned int field, const char *name,
		const char *const *texts, size_t n)
{
	size_t cost;

	if (sink->counting) {
		count_texts(sink, field, name, texts, n);
		return;
	}
	if (!texts_cost(sink, field, name, texts, n, &cost) || (sink->found && cost >= sink->cost))
		return;
	sink->found = true;
	sink->cost = cost;
	sink->field = field;
	sink->name = name;
	sink->texts = texts;
	sink->n = n;
}

static void append_entry(uint32_t **list, size_t *n, uint32_t entry)
{
	if ((*n & (*n - 1)) == 0)
		*list = xrealloc_array(*list, *n ? *n * 2 : 1, sizeof(**list));
	(*list)[(*n)++] = entry;
}

static void place_entry(struct picks *picks, const struct pick_sink *sink)
{
	char key[KEY_BYTES];

	if (!sink->found) {
		append_entry(&picks->always, &picks->nalways, sink->entry);
		return;
	}
	for (size_t i = 0; i < sink->n; i++) {
		pick_make_key(sink->field, sink->name, sink->texts[i], key);
		struct pick_bucket *bucket = map_get(picks->map, key);
		if (!bucket) {
			bucket = xcalloc(1, sizeof(*bucket));
			map_put(picks->map, key, bucket);
		}
		if (!bucket->n || bucket->at[bucket->n - 1] != sink->entry)
			append_entry(&bucket->at, &bucket->n, sink->entry);
	}
}

void picks_build(struct picks *picks, size_t n,
		 void (*offer)(const void *ctx, size_t entry, struct pick_sink *sink),
		 const void *ctx)
{
	struct map *counts = map_new();

	*picks = (struct picks){ .map = map_new() };
	for (size_t i = 0; i < n; i++) {
		struct pick_sink sink = { .map = counts, .counting = true };
		offer(ctx, i, &sink);
	}
	for (size_t i = 0; i < n; i++) {
		struct pick_sink sink = { .map = counts, .entry = (uint32_t)i };
		offer(ctx, i, &sink);
		place_entry(picks, &sink);
	}
	map_free(counts);
}

void picks_fini(struct picks *picks)
{
	struct pick_bucket *bucket;
	size_t pos = 0;

	while (picks->map && (bucket = map_next(picks->map, &pos, NULL))) {
		free(bucket->at);
		free(bucket);
	}
	map_free(picks->map);
	free(picks->always);
	*picks = (struct picks){ .map = NULL };
}

void pick_walk_init(struct pick_walk *walk, const struct picks *picks)
{
	walk->picks = picks;
	walk->nbuckets = 0;
	walk->next = 0;
	if (picks->nalways)
		walk->buckets[walk->nbuckets++] =
			(struct pick_bucket){ .at = picks->always, .n = picks->nalways };
}

void pick_walk_add(struct pick_walk *walk, unsigned int field, const char *name, const char *text)
{
	char key[KEY_BYTES];

	if (!text || !*text || !pick_make_key(field, name, text, key))
		return;
	const struct pick_bucket *bucket = map_get(walk->picks->map, key);
	if (bucket && walk->nbuckets < ARRAY_LEN(walk->buckets))
		walk->buckets[walk->nbuckets++] = *bucket;
}

void pick_walk_labels(struct pick_walk *walk, const struct labels *labels)
{
	for (size_t i = 0; i < labels->n; i++)
		pick_walk_add(walk, WHEN_LABEL, labels->at[i].name, labels->at[i].value);
}

size_t pick_walk_next(struct pick_walk *walk)
{
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; i < walk->nbuckets; i++) {
		struct pick_bucket *bucket = &walk->buckets[i];
		while (bucket->n && *bucket->at < walk->next) {
			bucket->at++;
			bucket->n--;
		}
		if (!bucket->n)
			walk->buckets[i--] = walk->buckets[--walk->nbuckets];
		else if (*bucket->at < least)
			least = *bucket->at;
	}
	if (least == UINT32_MAX)
		return SIZE_MAX;
	walk->next = least + 1;
	return least;
}
