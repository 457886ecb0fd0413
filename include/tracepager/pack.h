/*
 * Pack: bytes compressed for the store (zstd, with a dictionary of ours), and decompressed within
 * caps, those that older versions compressed with zlib as well; and messages put behind one
 * another. It refuses bytes that open to more than the caps allow. It owns nothing: out is the
 * caller's. Pure; any thread. Slow for large inputs: those are for the pool.
 */
#ifndef TRACEPAGER_PACK_H
#define TRACEPAGER_PACK_H

#include "tracepager/buf.h"
#include "tracepager/err.h"

/* Adds the packed form to out; out->failed says that it did not fit. */
void pack_add(const void *data, size_t len, struct buf *out);

/* Adds the bytes that were packed to out: at most up to its cap, and LIMIT_PACK_RATIO times len.
 * Bytes that do not begin as packed ones are added as they are: older versions stored them so. 0;
 * -E2BIG: over a cap; -EBADMSG: damaged or cut. On failure the content of out is undefined. */
int pack_open(const void *data, size_t len, struct buf *out, struct err *err);

/* Adds a message behind its length as a varint, as delimited protobuf messages are. */
void pack_message(const void *data, size_t len, struct buf *out);
/* The message at *at, borrowed; *at moves behind it. false: no whole message is left. */
bool pack_next_message(const char **at, const char *end, const char **ret_data, size_t *ret_len);

#endif
