/*
 * A keyed, fast hash for tables in memory, and a map from strings. The hash differs from run to
 * run, so it is never stored or sent.
 *
 * A map owns its copies of the keys, unless it borrows them; it never touches the values. Any
 * thread may hash; one thread at a time may use a map.
 */
#ifndef TRACEPAGER_HASH_H
#define TRACEPAGER_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The process draws the seed at its first call, so that no sender can choose colliding keys. */
uint64_t hash_bytes(const void *data, size_t len);

struct map;
struct map *map_new(void);
/* Its keys are not copied: each must stay as it is until it is removed, or another value is put in
 * its place. For keys that stand in the values. */
struct map *map_new_borrowing(void);
void map_free(struct map *map); /* takes NULL */
/* The value of a key; NULL: the map has no such key. */
void *map_get(const struct map *map, const char *key);
/* Sets a value, which is not NULL. Returns the value that it replaces, or NULL. */
void *map_put(struct map *map, const char *key, void *value);
/* Returns the value that it removes, or NULL. */
void *map_remove(struct map *map, const char *key);
size_t map_count(const struct map *map);
/* The next value in no particular order; *pos starts at 0. NULL: no more. ret_key may be NULL. No
 * put and no remove between two calls. */
void *map_next(const struct map *map, size_t *pos, const char **ret_key);

#endif
