/*
 * Pack: zlib at its fastest level, since other jobs wait for the pool's thread.
 *
 * Opening stops at the cap of the caller's buf and at LIMIT_PACK_RATIO, so that a few bytes cannot
 * open to gigabytes. Our own data that would pack better than the ratio is therefore stored
 * uncompressed, in zlib's frame.
 */
#include "tracepager/pack.h"

#include <errno.h>
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

static void deflate_all(const void *data, size_t len, int level, struct buf *out)
{
	CLEANUP_FREE unsigned char *piece = xrealloc_array(NULL, PIECE_BYTES, 1);
	z_stream stream = { .next_in = data, .avail_in = (uInt)len };
	int rc = deflateInit(&stream, level);

	if (rc != Z_OK)
		abort(); /* no memory, or another zlib than at build time */
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
	size_t before = out->len;

	if (len > UINT32_MAX) { /* zlib's avail_in holds no more */
		out->failed = true;
		return;
	}
	deflate_all(data, len, Z_BEST_SPEED, out);
	if (out->failed || len / LIMIT_PACK_RATIO < out->len - before)
		return;
	out->len = before;
	deflate_all(data, len, Z_NO_COMPRESSION, out);
}

static int inflate_all(z_stream *stream, size_t most, struct buf *out, struct err *err)
{
	CLEANUP_FREE unsigned char *piece = xrealloc_array(NULL, PIECE_BYTES, 1);
	int rc = Z_OK;

	while (rc == Z_OK) {
		stream->next_out = piece;
		stream->avail_out = PIECE_BYTES;
		rc = inflate(stream, Z_NO_FLUSH);
		size_t got = PIECE_BYTES - stream->avail_out;
		if (stream->total_out > most || (got && !buf_add(out, piece, got)))
			return err_set(err, E2BIG, "it opens to more bytes than allowed");
	}
	if (rc != Z_STREAM_END || stream->avail_in)
		return err_set(err, EBADMSG, "it is damaged: %s",
			       stream->msg ? stream->msg : "it ends too early or too late");
	return 0;
}

int pack_open(const void *data, size_t len, struct buf *out, struct err *err)
{
	z_stream stream = { .next_in = data, .avail_in = (uInt)len };

	if (!len || *(const unsigned char *)data != ZLIB_FIRST)
		return buf_add(out, data, len) || !len
			       ? 0
			       : err_set(err, E2BIG, "it is larger than allowed");
	if (len > UINT32_MAX || inflateInit(&stream) != Z_OK)
		return err_set(err, E2BIG, "it is larger than allowed");
	int result = inflate_all(&stream, len * LIMIT_PACK_RATIO, out, err);
	inflateEnd(&stream);
	return result;
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
