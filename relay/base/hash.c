/*
 * A keyed hash over words of 8 bytes, each mixed by a multiplication whose halves are folded, and a
 * map of strings with open addressing and linear probing. It is at most three quarters full, and
 * grows by a half: a map of 100,000 alerts is not half empty.
 *
 * A map that grows keeps its old table beside the new one. Each put moves MOVED_PER_PUT places of
 * the old one: no single put takes the milliseconds that 100,000 entries take.
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

struct table {
	struct entry *entries; /* an entry without a key is free */
	size_t size;	       /* below 2^32 */
};

struct map {
	struct table table;
	struct table old; /* size 0: there is none */
	size_t moved;	  /* places of the old one that are empty now */
	size_t n;	  /* in both */
	bool borrows;	  /* the keys are the callers' */
};

/* The next growth begins behind a put for each 3 places of the old table. */
#define MOVED_PER_PUT 16

/* The key of an entry of the old table that has gone: those behind it are still found. */
static const char entry_gone[] = "";

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

static bool entry_is_used(const struct entry *entry)
{
	return entry->key && entry->key != entry_gone;
}

static void map_drop_key(const struct map *map, struct entry *entry)
{
	if (!map->borrows)
		cleanup_free(&entry->key);
	entry->key = NULL;
}

static void table_free(const struct map *map, struct table *table)
{
	for (size_t i = 0; i < table->size; i++)
		if (entry_is_used(&table->entries[i]))
			map_drop_key(map, &table->entries[i]);
	free(table->entries);
	*table = (struct table){ .size = 0 };
}

void map_free(struct map *map)
{
	if (!map)
		return;
	table_free(map, &map->table);
	table_free(map, &map->old);
	free(map);
}

/* Where a key of that hash would stand if it stood alone. */
static size_t table_home(const struct table *table, uint64_t hash)
{
	return (size_t)((hash >> 32) * table->size >> 32);
}

static size_t table_behind(const struct table *table, size_t i)
{
	return i + 1 == table->size ? 0 : i + 1;
}

/* The entry of the key, or the free entry that it would take. */
static struct entry *table_find(const struct table *table, const char *key, uint64_t hash)
{
	size_t i = table_home(table, hash);

	while (table->entries[i].key) {
		const struct entry *entry = &table->entries[i];
		if (entry->hash == hash && entry->key != entry_gone && strcmp(entry->key, key) == 0)
			break;
		i = table_behind(table, i);
	}
	return &table->entries[i];
}

/* The entry of the key; NULL: the map has none. */
static struct entry *map_find(const struct map *map, const char *key, uint64_t hash)
{
	const struct table *const tables[] = { &map->table, &map->old };

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		if (!tables[i]->size)
			continue;
		struct entry *entry = table_find(tables[i], key, hash);
		if (entry->key)
			return entry;
	}
	return NULL;
}

void *map_get(const struct map *map, const char *key)
{
	const struct entry *entry =
		map->n ? map_find(map, key, hash_bytes(key, strlen(key))) : NULL;

	return entry ? entry->value : NULL;
}

/* Moves entries of so many places of the old table; its memory goes with the last one. */
static void map_move_some(struct map *map, size_t places)
{
	for (; places && map->moved < map->old.size; places--, map->moved++) {
		struct entry *entry = &map->old.entries[map->moved];
		if (!entry_is_used(entry))
			continue;
		*table_find(&map->table, entry->key, entry->hash) = *entry;
		*entry = (struct entry){ .key = entry_gone };
	}
	if (map->old.size && map->moved == map->old.size) {
		free(map->old.entries);
		map->old = (struct table){ .size = 0 };
	}
}

static void map_grow(struct map *map)
{
	map_move_some(map, SIZE_MAX);
	map->old = map->table;
	map->moved = 0;
	map->table.size = map->old.size ? map->old.size + map->old.size / 2 : 16;
	assert(map->table.size <= UINT32_MAX);
	map->table.entries = xcalloc(map->table.size, sizeof(struct entry));
}

void *map_put(struct map *map, const char *key, void *value)
{
	uint64_t hash = hash_bytes(key, strlen(key));
	struct entry *entry = map->n ? map_find(map, key, hash) : NULL;

	assert(value);
	if (entry) {
		void *old = entry->value;
		if (map->borrows)
			entry->key = key; /* that of the old value goes with it */
		entry->value = value;
		return old;
	}
	if ((map->n + 1) * 4 > map->table.size * 3)
		map_grow(map);
	map_move_some(map, MOVED_PER_PUT);
	*table_find(&map->table, key, hash) = (struct entry){
		.key = map->borrows ? key : xstrdup(key), .value = value, .hash = hash
	};
	map->n++;
	return NULL;
}

/* Closes a gap: an entry behind it moves into it unless its home lies behind the gap. */
static void table_close_gap(struct table *table, size_t gap)
{
	for (size_t i = table_behind(table, gap); table->entries[i].key;
	     i = table_behind(table, i)) {
		size_t home = table_home(table, table->entries[i].hash);
		size_t from_home = i >= home ? i - home : i + table->size - home;
		size_t from_gap = i >= gap ? i - gap : i + table->size - gap;
		if (from_home >= from_gap) {
			table->entries[gap] = table->entries[i];
			table->entries[i] = (struct entry){ .key = NULL };
			gap = i;
		}
	}
}

void *map_remove(struct map *map, const char *key)
{
	struct entry *entry = map->n ? map_find(map, key, hash_bytes(key, strlen(key))) : NULL;

	if (!entry)
		return NULL;
	void *old = entry->value;
	bool is_old = map->old.size && entry >= map->old.entries &&
		      entry < map->old.entries + map->old.size;
	map_drop_key(map, entry);
	*entry = (struct entry){ .key = is_old ? entry_gone : NULL };
	if (!is_old)
		table_close_gap(&map->table, (size_t)(entry - map->table.entries));
	map->n--;
	return old;
}

size_t map_count(const struct map *map)
{
	return map->n;
}

void *map_next(const struct map *map, size_t *pos, const char **ret_key)
{
	while (*pos < map->table.size + map->old.size) {
		size_t at = (*pos)++;
		const struct entry *entry = at < map->table.size
						    ? &map->table.entries[at]
						    : &map->old.entries[at - map->table.size];
		if (entry_is_used(entry)) {
			if (ret_key)
				*ret_key = entry->key;
			return entry->value;
		}
	}
	return NULL;
}
