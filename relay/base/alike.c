/*
 * Alike: zstd, with a text that was kept before as raw dictionary. That text, the base, changes
 * when LIMIT_ALIKE_MISSES texts one after the other were unlike it: other rules, another storm.
 */
#include "tracepager/alike.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define ALIKE_LEVEL 1

struct alike_base {
	size_t references, len;
	unsigned char data[];
};

struct alike {
	ZSTD_CCtx *compress;
	ZSTD_DCtx *decompress;
	struct alike_base *base; /* the one against which texts are packed; NULL before the first */
	ZSTD_CDict *digest;	 /* of that base */
	unsigned int misses;	 /* texts in a row that were unlike it */
	unsigned char *room;
	size_t room_bytes;
};

struct alike_text {
	struct alike_base *base;
	uint32_t len, packed_len;
	unsigned char data[];
};

struct alike *alike_new(void)
{
	struct alike *alike = xcalloc(1, sizeof(*alike));

	alike->compress = ZSTD_createCCtx();
	alike->decompress = ZSTD_createDCtx();
	if (!alike->compress || !alike->decompress ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(alike->compress, ZSTD_c_contentSizeFlag, 0)))
		abort(); /* no memory, or another zstd than at build time */
	return alike;
}

static void base_unref(struct alike_base *base)
{
	if (base && !--base->references)
		free(base);
}

void alike_free(struct alike *alike)
{
	if (!alike)
		return;
	ZSTD_freeCCtx(alike->compress);
	ZSTD_freeDCtx(alike->decompress);
	ZSTD_freeCDict(alike->digest);
	base_unref(alike->base);
	free(alike->room);
	free(alike);
}

/* From now on texts are packed against this one. */
static void alike_set_base(struct alike *alike, const void *data, size_t len)
{
	const size_t kept = len < LIMIT_ALIKE_BASE_BYTES ? len : LIMIT_ALIKE_BASE_BYTES;
	struct alike_base *base = xcalloc(1, sizeof(*base) + kept);

	base->references = 1;
	base->len = kept;
	memcpy(base->data, data, kept);
	base_unref(alike->base);
	alike->base = base;
	alike->misses = 0;
	ZSTD_freeCDict(alike->digest);
	alike->digest = ZSTD_createCDict(base->data, base->len, ALIKE_LEVEL);
	if (!alike->digest || ZSTD_isError(ZSTD_CCtx_refCDict(alike->compress, alike->digest)))
		abort(); /* no memory */
}

static void alike_make_room(struct alike *alike, size_t bytes)
{
	if (bytes <= alike->room_bytes)
		return;
	free(alike->room);
	alike->room = xcalloc(1, bytes);
	alike->room_bytes = bytes;
}

struct alike_text *alike_pack(struct alike *alike, const void *data, size_t len)
{
	const size_t most = ZSTD_compressBound(len);

	assert(len && len <= INT32_MAX);
	if (!alike->base || alike->misses >= LIMIT_ALIKE_MISSES)
		alike_set_base(alike, data, len);
	alike_make_room(alike, most);
	size_t packed = ZSTD_compress2(alike->compress, alike->room, most, data, len);
	if (ZSTD_isError(packed))
		abort(); /* no memory: there is room for whatever can come out */
	/* Usual words pack to a half by themselves. */
	alike->misses = packed > len / 4 ? alike->misses + 1 : 0;
	struct alike_text *text = xcalloc(1, sizeof(*text) + packed);
	text->base = alike->base;
	text->base->references++;
	text->len = (uint32_t)len;
	text->packed_len = (uint32_t)packed;
	memcpy(text->data, alike->room, packed);
	return text;
}

void alike_text_free(struct alike_text *text)
{
	if (!text)
		return;
	base_unref(text->base);
	free(text);
}

size_t alike_text_len(const struct alike_text *text)
{
	return text->len;
}

size_t alike_text_bytes(const struct alike_text *text)
{
	return sizeof(*text) + text->packed_len;
}

const void *alike_open(struct alike *alike, const struct alike_text *text)
{
	alike_make_room(alike, text->len);
	size_t got =
		ZSTD_decompress_usingDict(alike->decompress, alike->room, text->len, text->data,
					  text->packed_len, text->base->data, text->base->len);

	if (got != text->len)
		abort(); /* our own memory is damaged */
	return alike->room;
}
