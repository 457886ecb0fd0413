/*
 * Blocks: heap arrays of a trace builder, charged to the account of all traces in flight before
 * they grow, so that no document takes memory that the account does not have.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/xalloc.h"
#include "blocks-internal.h"

bool blocks_charge(struct blocks *blocks, size_t bytes)
{
	if (blocks->account) {
		size_t before = atomic_fetch_add(&blocks->account->used_bytes, bytes);

		if (before > blocks->account->cap_bytes ||
		    blocks->account->cap_bytes - before < bytes) {
			atomic_fetch_sub(&blocks->account->used_bytes, bytes);
			err_set(&blocks->err, E2BIG,
				"the memory for all traces in flight (%zu MiB) is used up",
				blocks->account->cap_bytes >> 20);
			return false;
		}
	}
	blocks->bytes += bytes;
	return true;
}

void blocks_discharge(struct blocks *blocks, size_t bytes)
{
	if (blocks->account)
		atomic_fetch_sub(&blocks->account->used_bytes, bytes);
	blocks->bytes -= bytes;
}

bool blocks_grow(struct blocks *blocks, void *block, uint32_t *size, uint32_t n, uint32_t more,
		 size_t element)
{
	uint32_t wanted = *size + *size / 2;
	void *old;

	if (blocks->err.code != 0)
		return false;
	if (wanted < n + more)
		wanted = n + more;
	if (wanted < 64)
		wanted = 64;
	if (!blocks_charge(blocks, (wanted - *size) * element))
		return false;
	memcpy(&old, block, sizeof(old)); /* block points to a pointer of any type */
	old = xrealloc_array(old, wanted, element);
	memcpy(block, &old, sizeof(old));
	*size = wanted;
	return true;
}

void *blocks_scratch(struct blocks *blocks, size_t n, size_t size)
{
	return blocks_charge(blocks, n * size) ? xcalloc(n, size) : NULL;
}

void blocks_scratch_free(struct blocks *blocks, void *block, size_t n, size_t size)
{
	if (block)
		blocks_discharge(blocks, n * size);
	free(block);
}

void blocks_shrink(struct blocks *blocks, void *block, uint32_t size, uint32_t n, size_t element)
{
	void *old;

	memcpy(&old, block, sizeof(old));
	if (size == n || !old)
		return;
	if (n == 0) {
		free(old);
		old = NULL;
	} else {
		old = xrealloc_array(old, n, element);
	}
	memcpy(block, &old, sizeof(old));
	blocks_discharge(blocks, (size_t)(size - n) * element);
}
