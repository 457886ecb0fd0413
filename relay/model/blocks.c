/*
 * Blocks: arrays of a trace builder, charged to the account of all traces in flight before they
 * grow, so that no document takes memory that the account does not have.
 *
 * An array of MAPPED_FROM bytes or more is a mapping of its own: it grows by mremap(), which copies
 * nothing; only pages that were written are resident; and all of them go back to the system when
 * the array is freed. Growing such arrays on the heap cost a third of decoding protobuf, because
 * each copy meets fresh pages. Smaller arrays are on the heap; under AddressSanitizer all are, so
 * that it sees overruns.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tracepager/xalloc.h"
#include "blocks-internal.h"

#if defined(__SANITIZE_ADDRESS__)
#define BLOCKS_ON_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BLOCKS_ON_HEAP 1
#endif
#endif
#ifndef BLOCKS_ON_HEAP
#define BLOCKS_ON_HEAP 0
#endif

#define MAPPED_FROM (32u << 10)
/* A mapping is made this many times as large as it has to be: address space costs nothing, and
 * moving its pages at the next growth does. */
#define RESERVED_TIMES 8
/* Mappings that wait for the next trace, so that it meets no fresh pages: a page costs a
 * microsecond, which is a fifth of decoding protobuf. All together have at most SPARE_BYTES. */
#define SPARES	    8
#define SPARE_BYTES (2u << 20)

/* Stands before each array. */
struct block_head {
	_Alignas(max_align_t) size_t mapped; /* bytes of the mapping; 0: the array is on the heap */
	size_t used; /* bytes from the start that may have been written; the others are zero */
};

/* ---- spare mappings ---- */

static _Atomic(struct block_head *) spares[SPARES];
static _Atomic size_t spare_bytes;

/* Keeps the mapping as a spare one. False: there are enough. */
static bool keep_spare(struct block_head *head)
{
	const size_t used = head->used;

	if (atomic_fetch_add(&spare_bytes, used) + used <= SPARE_BYTES) {
		for (size_t i = 0; i < SPARES; i++) {
			struct block_head *none = NULL;

			if (atomic_compare_exchange_strong(&spares[i], &none, head))
				return true;
		}
	}
	atomic_fetch_sub(&spare_bytes, used);
	return false;
}

/* A spare mapping, or NULL: the first one, which was the first that its trace asked for. */
static struct block_head *take_spare(void)
{
	for (size_t i = 0; i < SPARES; i++) {
		struct block_head *head = NULL;

		if (atomic_load_explicit(&spares[i], memory_order_relaxed))
			head = atomic_exchange(&spares[i], NULL);
		if (head) {
			atomic_fetch_sub(&spare_bytes, head->used);
			return head;
		}
	}
	return NULL;
}

/* ---- memory ---- */

/* Makes room for so many bytes in a mapping; old: NULL, to make one. NULL: the system has no more
 * of them. */
static struct block_head *grow_mapping(struct block_head *old, size_t bytes)
{
	struct block_head *head = old ? old : take_spare();
	size_t reserved = bytes * RESERVED_TIMES;

	if (!head) {
		head = mmap(NULL, reserved, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (head == MAP_FAILED)
			return NULL;
		*head = (struct block_head){ .mapped = reserved };
	} else if (bytes > head->mapped) {
		struct block_head *moved = mremap(head, head->mapped, reserved, MREMAP_MAYMOVE);

		if (moved == MAP_FAILED)
			return NULL;
		head = moved;
		head->mapped = reserved;
	}
	if (head->used < bytes)
		head->used = bytes;
	return head;
}

/* Gives the pages behind so many bytes back. */
static void cut_mapping(struct block_head *head, size_t bytes)
{
	const size_t page = 4096, kept = (bytes + page - 1) & ~(page - 1);

	if (kept < head->mapped && munmap((char *)head + kept, head->mapped - kept) == 0)
		head->mapped = kept;
	if (head->used > kept)
		head->used = kept;
}

static void free_block(struct block_head *head)
{
	if (!head || head->mapped == 0)
		free(head);
	else if (!keep_spare(head))
		munmap(head, head->mapped);
}

static struct block_head *resize_on_heap(struct block_head *old, size_t bytes)
{
	struct block_head *head = xrealloc_array(old, bytes, 1);

	*head = (struct block_head){ .used = bytes };
	return head;
}

/* The array with room for n elements, of which the first nused are kept. A mapping that the system
 * refuses to extend moves to the heap, where a failure ends the program. */
static void *resize_block(void *old, size_t nused, size_t n, size_t element)
{
	struct block_head *from = old ? (struct block_head *)old - 1 : NULL, *to = NULL;
	size_t bytes = sizeof(*to) + n * element;
	bool is_mapped = from && from->mapped > 0;

	if (is_mapped || (!BLOCKS_ON_HEAP && bytes >= MAPPED_FROM))
		to = grow_mapping(is_mapped ? from : NULL, bytes);
	if (to && is_mapped)
		return to + 1;
	if (!to && !is_mapped)
		return resize_on_heap(from, bytes) + 1;
	if (!to)
		to = resize_on_heap(NULL, bytes);
	if (from)
		memcpy(to + 1, old, nused * element);
	free_block(from);
	return to + 1;
}

void blocks_free(void *block)
{
	free_block(block ? (struct block_head *)block - 1 : NULL);
}

/* ---- accounts ---- */

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
	old = resize_block(old, *size, wanted, element);
	memcpy(block, &old, sizeof(old));
	*size = wanted;
	return true;
}

void *blocks_scratch(struct blocks *blocks, size_t n, size_t size)
{
	void *block;

	if (!blocks_charge(blocks, n * size))
		return NULL;
	block = resize_block(NULL, 0, n, size);
	memset(block, 0, n * size);
	return block;
}

void blocks_scratch_free(struct blocks *blocks, void *block, size_t n, size_t size)
{
	if (block)
		blocks_discharge(blocks, n * size);
	blocks_free(block);
}

void blocks_shrink(struct blocks *blocks, void *block, uint32_t size, uint32_t n, size_t element)
{
	void *old;

	memcpy(&old, block, sizeof(old));
	if (size == n || !old)
		return;
	if (n == 0) {
		blocks_free(old);
		old = NULL;
	} else if (((struct block_head *)old - 1)->mapped > 0) {
		cut_mapping((struct block_head *)old - 1, sizeof(struct block_head) + n * element);
	} else {
		old = resize_block(old, n, n, element);
	}
	memcpy(block, &old, sizeof(old));
	blocks_discharge(blocks, (size_t)(size - n) * element);
}
