/*
 * A keyed, fast hash for our own tables (never for a record: it differs from run to run), and a map
 * from strings.
 */
#ifndef TRACEPAGER_HASH_H
#define TRACEPAGER_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The seed is drawn at the first call of the process, so that no sender can aim at our buckets. */
uint64_t hash_bytes(const void *data, size_t len);

/* String map: keys are copied, values are the caller's. */
struct map;
struct map *map_new(void);
void map_free(struct map *map); /* takes NULL; values are not touched */
void *map_get(const struct map *map, const char *key);
void *map_put(struct map *map, const char *key,
	      void *value); /* value is not NULL; returns what was there, or NULL */
void *map_remove(struct map *map, const char *key); /* returns what was there, or NULL */
size_t map_count(const struct map *map);
/* Iterate: *pos starts at 0; NULL at the end. No put and no remove while iterating. */
void *map_next(const struct map *map, size_t *pos, const char **ret_key);

#endif
