/* Arena: memory is handed out from the front of a block; each new block is twice as large, up to
 * ARENA_LARGEST. Each thread keeps a few of the small blocks that it freed: the next arena takes
 * them, where malloc() would join them with their neighbours and clear them whole. */
#include "tracepager/arena.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/xalloc.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_EMULATE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_EMULATE 1
#endif
#endif
#ifndef ARENA_EMULATE
#define ARENA_EMULATE 0
#endif

#define ARENA_FIRST   8192
#define ARENA_LARGEST (1u << 20)

/* Most texts are shorter: those are formatted once, longer ones twice. */
#define PRINTF_BYTES 256

struct block {
	struct block *next;
	size_t size, used;
	_Alignas(max_align_t) unsigned char data[];
};

/* The sizes that are kept, from ARENA_FIRST on, and how many blocks of each: half a mebibyte. As
 * many alerts are looked up at a time. */
#define SPARE_SIZES 3u
static const unsigned int spare_most[SPARE_SIZES] = { 64, 32, 16 };

/* Blocks that no arena has; their memory is zeroed. */
struct spare_blocks {
	struct block *first[SPARE_SIZES];
	unsigned int n[SPARE_SIZES];
};

static _Thread_local struct spare_blocks spare;
static pthread_key_t spare_key; /* frees them when a thread ends */
static pthread_once_t spare_once = PTHREAD_ONCE_INIT;

static void spare_free(void *ctx)
{
	struct spare_blocks *blocks = ctx;
	struct block *block;

	for (unsigned int i = 0; i < SPARE_SIZES; i++)
		while ((block = blocks->first[i])) {
			blocks->first[i] = block->next;
			free(block);
		}
}

static void spare_make_key(void)
{
	if (pthread_key_create(&spare_key, spare_free) != 0)
		abort(); /* more than a thousand keys: a fault of the program */
}

/* Of which kept size is the block? SPARE_SIZES: of none. */
static unsigned int spare_size(size_t size)
{
	unsigned int i = 0;

	while (i < SPARE_SIZES && size != (size_t)ARENA_FIRST << i)
		i++;
	return i;
}

static bool spare_put(struct block *block)
{
	unsigned int i = spare_size(block->size);

	if (ARENA_EMULATE || i == SPARE_SIZES || spare.n[i] == spare_most[i])
		return false;
	pthread_once(&spare_once, spare_make_key);
	if (!spare.first[i] && pthread_setspecific(spare_key, &spare) != 0)
		return false; /* no memory */
	memset(block->data, 0, block->used);
	block->used = 0;
	block->next = spare.first[i];
	spare.first[i] = block;
	spare.n[i]++;
	return true;
}

static struct block *spare_take(size_t size)
{
	unsigned int i = spare_size(size);
	struct block *block = i < SPARE_SIZES ? spare.first[i] : NULL;

	if (block) {
		spare.first[i] = block->next;
		spare.n[i]--;
	}
	return block;
}

struct arena {
	struct block *blocks; /* the newest first */
	size_t cap, used, next_size;
};

struct arena *arena_new(size_t cap_bytes)
{
	struct arena *arena = xcalloc(1, sizeof(*arena));

	arena->cap = cap_bytes;
	arena->next_size = ARENA_FIRST;
	return arena;
}

/* Frees the newest blocks, down to the one before `last`; NULL: all. */
static void free_blocks(struct arena *arena, const struct block *last)
{
	while (arena->blocks != last) {
		struct block *next = arena->blocks->next;
		if (!spare_put(arena->blocks))
			free(arena->blocks);
		arena->blocks = next;
	}
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	free_blocks(arena, NULL);
	free(arena);
}

void arena_reset(struct arena *arena)
{
	struct block *first = arena->blocks;

	while (first && first->next)
		first = first->next;
	if (first && (ARENA_EMULATE || first->size > ARENA_FIRST))
		first = NULL;
	free_blocks(arena, first);
	if (first) {
		memset(first->data, 0, first->used);
		first->used = 0;
	}
	arena->next_size = first ? 2 * ARENA_FIRST : ARENA_FIRST;
	arena->used = 0;
}

/* A block for many allocations; under AddressSanitizer for this one alone. */
static struct block *add_block(struct arena *arena, size_t size)
{
	size_t room = size;

	if (!ARENA_EMULATE) {
		room = size > arena->next_size ? size : arena->next_size;
		if (arena->next_size < ARENA_LARGEST)
			arena->next_size *= 2;
	}
	struct block *block = spare_take(room);
	if (!block)
		block = xcalloc(1, sizeof(*block) + room);
	block->size = room;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	size_t want = size ? size : 1;

	assert(want <= arena->cap - arena->used);
	arena->used += want;
	if (!ARENA_EMULATE)
		want = (want + align - 1) & ~(align - 1);
	struct block *block = arena->blocks;
	if (ARENA_EMULATE || !block || block->size - block->used < want)
		block = add_block(arena, want);
	void *memory = block->data + block->used;
	block->used += want;
	return memory;
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		abort();
	return arena_alloc(arena, total);
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	if (len)
		memcpy(copy, text, len);
	return copy;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	char most[PRINTF_BYTES] __attribute__((uninitialized));
	va_list again;

	va_copy(again, args);
	int len = vsnprintf(most, sizeof(most), format, args);
	assert(len >= 0);
	char *text = arena_alloc(arena, (size_t)len + 1);
	if ((size_t)len < sizeof(most))
		memcpy(text, most, (size_t)len + 1);
	else
		vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}

size_t arena_used(const struct arena *arena)
{
	return arena->used;
}

size_t arena_room(const struct arena *arena)
{
	return arena->cap - arena->used;
}
