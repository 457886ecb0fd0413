/* Blocks, inside: the memory of one trace builder and of its texts. */
#ifndef TRACEPAGER_BLOCKS_INTERNAL_H
#define TRACEPAGER_BLOCKS_INTERNAL_H

#include "tracepager/err.h"
#include "tracepager/trace.h"

struct blocks {
	struct trace_memory *account; /* borrowed; NULL: none */
	size_t bytes;		      /* charged to it */
	struct err err; /* code 0: no cap was reached, neither here nor by the builder */
};

/* Charges bytes. False: the account has no room, and err says so. */
bool blocks_charge(struct blocks *blocks, size_t bytes);
void blocks_discharge(struct blocks *blocks, size_t bytes);
/* Every array below is freed by blocks_free(), which takes NULL, never by free(). */
void blocks_free(void *block);
/* Makes room for `more` elements after the first n of an array; block points to the array's
 * pointer, size to its room in elements. It grows by half. False: a cap was reached, now or before.
 */
bool blocks_grow(struct blocks *blocks, void *block, uint32_t *size, uint32_t n, uint32_t more,
		 size_t element);
/* Gives the unused end of an array back, to the system and to the account. */
void blocks_shrink(struct blocks *blocks, void *block, uint32_t size, uint32_t n, size_t element);
/* Zeroed memory, charged until blocks_scratch_free() with the same n and size; NULL: no room. */
void *blocks_scratch(struct blocks *blocks, size_t n, size_t size);
void blocks_scratch_free(struct blocks *blocks, void *block, size_t n, size_t size);

#endif
