/*
 * A keyed hash over words of 8 bytes, each mixed by a multiplication whose halves are folded, and a
 * map of strings with open addressing and linear probing. It is at most three quarters full, and
 * grows by a half: a map of 100,000 alerts is not half empty.
 */
#include "tracepager/hash.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "tracepager/xalloc.h"

/* Odd constants: the fractional parts of the golden ratio and of the square root of 2. */
#define MULTIPLIER_A 0x9e3779b97f4a7c15ULL
#define MULTIPLIER_B 0x6a09e667f3bcc909ULL

static uint64_t hash_seed(void)
{
	static _Atomic uint64_t drawn;
	uint64_t value = drawn;

	if (!value) {
		uint64_t expected = 0; /* the first thread's value wins */
		if (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value))
			value = (uint64_t)(uintptr_t)&drawn;
		value |= 1;
		if (!atomic_compare_exchange_strong(&drawn, &expected, value))
			value = expected;
	}
	return value;
}

static uint64_t hash_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t hash_bytes(const void *data, size_t len)
{
	const unsigned char *at = data;
	uint64_t state = hash_seed() ^ hash_fold(len ^ MULTIPLIER_B, MULTIPLIER_A), word = 0;

	for (; len >= 8; at += 8, len -= 8) {
		memcpy(&word, at, 8);
		state = hash_fold(state ^ word, MULTIPLIER_A);
	}
	word = 0;
	if (len)
		memcpy(&word, at, len);
	return hash_fold(state ^ word, MULTIPLIER_B);
}

struct entry {
	const char *key;
	void *value;
	uint64_t hash;
};

struct map {
	struct entry *entries; /* an entry without a key is free */
	size_t n, size;	       /* size: below 2^32 */
	bool borrows;	       /* the keys are the callers' */
};

struct map *map_new(void)
{
	return xcalloc(1, sizeof(struct map));
}

struct map *map_new_borrowing(void)
{
	struct map *map = map_new();

	map->borrows = true;
	return map;
}

static void map_drop_key(const struct map *map, struct entry *entry)
{
	if (!map->borrows)
		cleanup_free(&entry->key);
	entry->key = NULL;
}

void map_free(struct map *map)
{
	if (!map)
		return;
	for (size_t i = 0; i < map->size; i++)
		map_drop_key(map, &map->entries[i]);
	free(map->entries);
	free(map);
}

/* Where a key of that hash would stand if it stood alone. */
static size_t map_home(const struct map *map, uint64_t hash)
{
	return (size_t)((hash >> 32) * map->size >> 32);
}

static size_t map_behind(const struct map *map, size_t i)
{
	return i + 1 == map->size ? 0 : i + 1;
}

/* The entry of the key, or the free entry that it would take. */
static struct entry *map_entry_of(const struct map *map, const char *key, uint64_t hash)
{
	size_t i = map_home(map, hash);

	while (map->entries[i].key) {
		if (map->entries[i].hash == hash && strcmp(map->entries[i].key, key) == 0)
			break;
		i = map_behind(map, i);
	}
	return &map->entries[i];
}

void *map_get(const struct map *map, const char *key)
{
	return map->size ? map_entry_of(map, key, hash_bytes(key, strlen(key)))->value : NULL;
}

static void map_grow(struct map *map)
{
	struct map larger = { .n = map->n,
			      .size = map->size ? map->size + map->size / 2 : 16,
			      .borrows = map->borrows };

	assert(larger.size <= UINT32_MAX);
	larger.entries = xcalloc(larger.size, sizeof(struct entry));
	for (size_t i = 0; i < map->size; i++)
		if (map->entries[i].key)
			*map_entry_of(&larger, map->entries[i].key, map->entries[i].hash) =
				map->entries[i];
	free(map->entries);
	*map = larger;
}

void *map_put(struct map *map, const char *key, void *value)
{
	assert(value);
	if ((map->n + 1) * 4 > map->size * 3)
		map_grow(map);
	uint64_t hash = hash_bytes(key, strlen(key));
	struct entry *entry = map_entry_of(map, key, hash);
	void *old = entry->value;
	if (!entry->key) {
		*entry = (struct entry){ .key = map->borrows ? key : xstrdup(key), .hash = hash };
		map->n++;
	} else if (map->borrows) {
		entry->key = key; /* that of the old value goes with it */
	}
	entry->value = value;
	return old;
}

void *map_remove(struct map *map, const char *key)
{
	if (!map->size)
		return NULL;
	struct entry *entry = map_entry_of(map, key, hash_bytes(key, strlen(key)));
	if (!entry->key)
		return NULL;
	void *old = entry->value;
	map_drop_key(map, entry);
	*entry = (struct entry){ .key = NULL };
	map->n--;
	/* Close the gap: an entry behind it moves into it unless its home lies behind the gap. */
	size_t gap = (size_t)(entry - map->entries);
	for (size_t i = map_behind(map, gap); map->entries[i].key; i = map_behind(map, i)) {
		size_t home = map_home(map, map->entries[i].hash);
		size_t from_home = i >= home ? i - home : i + map->size - home;
		size_t from_gap = i >= gap ? i - gap : i + map->size - gap;
		if (from_home >= from_gap) {
			map->entries[gap] = map->entries[i];
			map->entries[i] = (struct entry){ .key = NULL };
			gap = i;
		}
	}
	return old;
}

size_t map_count(const struct map *map)
{
	return map->n;
}

void *map_next(const struct map *map, size_t *pos, const char **ret_key)
{
	while (*pos < map->size) {
		const struct entry *entry = &map->entries[(*pos)++];
		if (entry->key) {
			if (ret_key)
				*ret_key = entry->key;
			return entry->value;
		}
	}
	return NULL;
}
