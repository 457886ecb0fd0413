/*
 * Arena: many small allocations that are freed together. One per incident, per decision and per
 * walk job.
 *
 * It frees nothing alone and never returns NULL: every input that a peer sizes is capped before it
 * is allocated here (limits.h), so that an arena over its cap is a bug of ours, and aborts. Under
 * AddressSanitizer every allocation is its own block, so that overruns show. It owns its blocks.
 * One thread at a time may use an arena.
 */
#ifndef TRACEPAGER_ARENA_H
#define TRACEPAGER_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(size_t cap_bytes);
void arena_free(struct arena *arena); /* frees all that came from it; takes NULL */
/* The same, but the arena may be used again, and keeps its first block for that. */
void arena_reset(struct arena *arena);

/* What these return is kept by the arena, zeroed, and aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_array(struct arena *arena, size_t n, size_t size); /* aborts on overflow */
char *arena_strdup(struct arena *arena, const char *text);     /* NULL gives NULL */
char *arena_strndup(struct arena *arena, const char *text, size_t len);
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* Bytes handed out, and bytes left up to the cap. */
size_t arena_used(const struct arena *arena);
size_t arena_room(const struct arena *arena);

#endif
