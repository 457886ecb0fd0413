/*
 * Pack: zstd at level 1 with a dictionary of our documents' usual words, since other jobs wait for
 * the thread that packs, and most documents have a few hundred bytes. Older versions packed with
 * zlib, whose frames still open: a frame's first byte tells which of the two made it.
 *
 * Opening stops at the cap of the caller's buf and at LIMIT_PACK_RATIO, so that a few bytes cannot
 * open to gigabytes. Our own data that would pack better than the ratio is therefore stored
 * uncompressed, in zlib's frame.
 */
#include "tracepager/pack.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include "pack-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define LEVEL	    1
#define PIECE_BYTES 65536
/* The first byte of whatever zlib writes with its largest window, and those of zstd's frames. */
#define ZLIB_FIRST 0x78
static const unsigned char zstd_first[] = { 0x28, 0xb5, 0x2f, 0xfd };

/* What a thread packs and opens with, kept until the thread ends: both take longer to make than a
 * record takes to pack. */
struct packer {
	ZSTD_CCtx *compress;
	ZSTD_DCtx *decompress;
	z_stream inflate; /* made at the first frame of zlib's */
	bool has_inflate;
	unsigned char piece[PIECE_BYTES];
};

static pthread_key_t packer_key;
static pthread_once_t packer_once = PTHREAD_ONCE_INIT;
/* The dictionary as both directions read it: of all threads, never freed. */
static ZSTD_CDict *packer_words;
static ZSTD_DDict *packer_known;

static void packer_free(void *ctx)
{
	struct packer *packer = ctx;

	ZSTD_freeCCtx(packer->compress);
	ZSTD_freeDCtx(packer->decompress);
	if (packer->has_inflate)
		inflateEnd(&packer->inflate);
	free(packer);
}

static void packer_prepare(void)
{
	packer_words = ZSTD_createCDict(pack_dictionary_1, PACK_DICTIONARY_1_BYTES, LEVEL);
	packer_known = ZSTD_createDDict(pack_dictionary_1, PACK_DICTIONARY_1_BYTES);
	if (!packer_words || !packer_known || pthread_key_create(&packer_key, packer_free) != 0)
		abort(); /* no memory, or more than a thousand keys: a fault of the program */
}

/* This thread's. */
static struct packer *packer_get(void)
{
	struct packer *packer;

	pthread_once(&packer_once, packer_prepare);
	packer = pthread_getspecific(packer_key);
	if (packer)
		return packer;
	packer = xcalloc(1, sizeof(*packer));
	packer->compress = ZSTD_createCCtx();
	packer->decompress = ZSTD_createDCtx();
	if (!packer->compress || !packer->decompress ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(packer->compress, ZSTD_c_checksumFlag, 1)) ||
	    ZSTD_isError(ZSTD_CCtx_refCDict(packer->compress, packer_words)) ||
	    ZSTD_isError(ZSTD_DCtx_refDDict(packer->decompress, packer_known)) ||
	    pthread_setspecific(packer_key, packer) != 0)
		abort(); /* no memory, or another zstd than at build time */
	return packer;
}

/* ---- packing ---- */

/* In zlib's frame, without compression: rare, so that its state is not kept. */
static void store_all(unsigned char *piece, const void *data, size_t len, struct buf *out)
{
	z_stream stream = { .next_in = data };
	int rc = Z_OK;

	if (len > UINT32_MAX) { /* zlib's avail_in holds no more */
		out->failed = true;
		return;
	}
	if (deflateInit(&stream, Z_NO_COMPRESSION) != Z_OK)
		abort();
	stream.avail_in = (uInt)len;
	while (rc != Z_STREAM_END && !out->failed) {
		stream.next_out = piece;
		stream.avail_out = PIECE_BYTES;
		rc = deflate(&stream, Z_FINISH);
		buf_add(out, piece, PIECE_BYTES - stream.avail_out);
	}
	deflateEnd(&stream);
}

void pack_add(const void *data, size_t len, struct buf *out)
{
	struct packer *packer = packer_get();
	size_t size = ZSTD_compressBound(len);
	CLEANUP_FREE unsigned char *large = NULL;

	if (out->failed)
		return;
	if (ZSTD_isError(size)) { /* more bytes than a size_t counts, packed */
		out->failed = true;
		return;
	}
	if (size > PIECE_BYTES)
		large = xrealloc_array(NULL, size, 1);
	unsigned char *packed = large ? large : packer->piece;
	size_t got = ZSTD_compress2(packer->compress, packed, size, data, len);
	if (ZSTD_isError(got))
		abort(); /* no memory: there is room for whatever can come out */
	if (len / LIMIT_PACK_RATIO < got)
		buf_add(out, packed, got);
	else
		store_all(packer->piece, data, len, out);
}

/* ---- opening ---- */

static int open_zstd(const void *data, size_t len, struct buf *out, struct err *err)
{
	struct packer *packer = packer_get();
	unsigned long long size = ZSTD_getFrameContentSize(data, len);
	CLEANUP_FREE unsigned char *large = NULL;

	if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
		return err_set(err, EBADMSG, "it is damaged: its head is not whole");
	if (size > len * LIMIT_PACK_RATIO || out->failed || size > out->cap - out->len)
		return err_set(err, E2BIG, "it opens to more bytes than allowed");
	if (size > PIECE_BYTES)
		large = xrealloc_array(NULL, (size_t)size, 1);
	unsigned char *opened = large ? large : packer->piece;
	size_t got = ZSTD_decompressDCtx(packer->decompress, opened, (size_t)size, data, len);
	if (ZSTD_isError(got))
		return err_set(err, EBADMSG, "it is damaged: %s", ZSTD_getErrorName(got));
	if (got != size)
		return err_set(err, EBADMSG, "it is damaged: it ends too early or too late");
	buf_add(out, opened, got);
	return 0;
}

static z_stream *inflate_get(struct packer *packer)
{
	if (!packer->has_inflate && inflateInit(&packer->inflate) != Z_OK)
		abort(); /* no memory, or another zlib than at build time */
	packer->has_inflate = true;
	inflateReset(&packer->inflate);
	return &packer->inflate;
}

static int open_zlib(const void *data, size_t len, struct buf *out, struct err *err)
{
	struct packer *packer = packer_get();
	int rc = Z_OK;

	if (len > UINT32_MAX)
		return err_set(err, E2BIG, "it is larger than allowed");
	z_stream *stream = inflate_get(packer);
	stream->next_in = data;
	stream->avail_in = (uInt)len;
	while (rc == Z_OK) {
		stream->next_out = packer->piece;
		stream->avail_out = PIECE_BYTES;
		rc = inflate(stream, Z_NO_FLUSH);
		size_t got = PIECE_BYTES - stream->avail_out;
		if (stream->total_out > len * LIMIT_PACK_RATIO ||
		    (got && !buf_add(out, packer->piece, got)))
			return err_set(err, E2BIG, "it opens to more bytes than allowed");
	}
	if (rc != Z_STREAM_END || stream->avail_in)
		return err_set(err, EBADMSG, "it is damaged: %s",
			       stream->msg ? stream->msg : "it ends too early or too late");
	return 0;
}

int pack_open(const void *data, size_t len, struct buf *out, struct err *err)
{
	const unsigned char *bytes = data;
	size_t head = len < sizeof(zstd_first) ? len : sizeof(zstd_first);

	if (len && bytes[0] == ZLIB_FIRST)
		return open_zlib(data, len, out, err);
	if (len && memcmp(bytes, zstd_first, head) == 0)
		return open_zstd(data, len, out, err);
	return buf_add(out, data, len) || !len ? 0
					       : err_set(err, E2BIG, "it is larger than allowed");
}

/* ---- messages behind one another ---- */

void pack_message(const void *data, size_t len, struct buf *out)
{
	buf_varint(out, len);
	buf_add(out, data, len);
}

bool pack_next_message(const char **at, const char *end, const char **ret_data, size_t *ret_len)
{
	const char *data = *at;
	uint64_t len = 0;

	for (unsigned int shift = 0; data < end && shift < 63; shift += 7) {
		unsigned char byte = (unsigned char)*data++;
		len |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (len > (size_t)(end - data))
			return false;
		*ret_data = data;
		*ret_len = (size_t)len;
		*at = data + len;
		return true;
	}
	return false;
}
