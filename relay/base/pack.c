/*
 * Pack: zlib at its fastest level, since other jobs wait for the pool's thread.
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

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define PIECE_BYTES 65536
/* The first byte of whatever zlib writes with its largest window. */
#define ZLIB_FIRST 0x78

/* What a thread packs and opens with, kept until the thread ends: zlib's state is 260 KiB, which
 * takes longer to make than a record takes to pack. */
struct packer {
	z_stream deflate, inflate;
	unsigned char piece[PIECE_BYTES];
};

static pthread_key_t packer_key;
static pthread_once_t packer_once = PTHREAD_ONCE_INIT;

static void packer_free(void *ctx)
{
	struct packer *packer = ctx;

	deflateEnd(&packer->deflate);
	inflateEnd(&packer->inflate);
	free(packer);
}

static void packer_make_key(void)
{
	if (pthread_key_create(&packer_key, packer_free) != 0)
		abort(); /* more than a thousand keys: a fault of the program */
}

/* This thread's. */
static struct packer *packer_get(void)
{
	struct packer *packer;

	pthread_once(&packer_once, packer_make_key);
	packer = pthread_getspecific(packer_key);
	if (packer)
		return packer;
	packer = xcalloc(1, sizeof(*packer));
	if (deflateInit(&packer->deflate, Z_BEST_SPEED) != Z_OK ||
	    inflateInit(&packer->inflate) != Z_OK || pthread_setspecific(packer_key, packer) != 0)
		abort(); /* no memory, or another zlib than at build time */
	return packer;
}

static void deflate_all(z_stream *stream, unsigned char *piece, const void *data, size_t len,
			struct buf *out)
{
	int rc = Z_OK;

	stream->next_in = data;
	stream->avail_in = (uInt)len;
	while (rc != Z_STREAM_END && !out->failed) {
		stream->next_out = piece;
		stream->avail_out = PIECE_BYTES;
		rc = deflate(stream, Z_FINISH);
		buf_add(out, piece, PIECE_BYTES - stream->avail_out);
	}
}

/* In zlib's frame, without compression: rare, so that its state is not kept. */
static void store_all(unsigned char *piece, const void *data, size_t len, struct buf *out)
{
	z_stream stream = { .next_in = data };

	if (deflateInit(&stream, Z_NO_COMPRESSION) != Z_OK)
		abort();
	deflate_all(&stream, piece, data, len, out);
	deflateEnd(&stream);
}

void pack_add(const void *data, size_t len, struct buf *out)
{
	struct packer *packer = packer_get();
	size_t before = out->len;

	if (len > UINT32_MAX) { /* zlib's avail_in holds no more */
		out->failed = true;
		return;
	}
	deflateReset(&packer->deflate);
	deflate_all(&packer->deflate, packer->piece, data, len, out);
	if (out->failed || len / LIMIT_PACK_RATIO < out->len - before)
		return;
	out->len = before;
	store_all(packer->piece, data, len, out);
}

static int inflate_all(struct packer *packer, size_t most, struct buf *out, struct err *err)
{
	z_stream *stream = &packer->inflate;
	int rc = Z_OK;

	while (rc == Z_OK) {
		stream->next_out = packer->piece;
		stream->avail_out = PIECE_BYTES;
		rc = inflate(stream, Z_NO_FLUSH);
		size_t got = PIECE_BYTES - stream->avail_out;
		if (stream->total_out > most || (got && !buf_add(out, packer->piece, got)))
			return err_set(err, E2BIG, "it opens to more bytes than allowed");
	}
	if (rc != Z_STREAM_END || stream->avail_in)
		return err_set(err, EBADMSG, "it is damaged: %s",
			       stream->msg ? stream->msg : "it ends too early or too late");
	return 0;
}

int pack_open(const void *data, size_t len, struct buf *out, struct err *err)
{
	struct packer *packer = packer_get();

	if (!len || *(const unsigned char *)data != ZLIB_FIRST)
		return buf_add(out, data, len) || !len
			       ? 0
			       : err_set(err, E2BIG, "it is larger than allowed");
	if (len > UINT32_MAX)
		return err_set(err, E2BIG, "it is larger than allowed");
	inflateReset(&packer->inflate);
	packer->inflate.next_in = data;
	packer->inflate.avail_in = (uInt)len;
	return inflate_all(packer, len * LIMIT_PACK_RATIO, out, err);
}

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
