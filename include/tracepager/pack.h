/*
 * Pack: bytes made small for the store (zlib), and made whole again within caps, whatever they
 * claim to be.
 */
#ifndef TRACEPAGER_PACK_H
#define TRACEPAGER_PACK_H

#include "tracepager/buf.h"
#include "tracepager/err.h"

/* Adds the packed form to out. What does not fit its cap is told by out->failed. */
void pack_add(const void *data, size_t len, struct buf *out);

/* Adds what was packed to out, at most up to its cap and to LIMIT_PACK_RATIO times len. Bytes that
 * were never packed (they begin otherwise) are added as they are. 0; -E2BIG: over a cap; -EBADMSG:
 * damaged, or cut. On failure out is of no use. */
int pack_open(const void *data, size_t len, struct buf *out, struct err *err);

/* Several messages in one: each behind its length as a varint, as streams of protobuf are. */
void pack_message(const void *data, size_t len, struct buf *out);
/* The next one at *at, which moves behind it. False: no whole one is there before end. */
bool pack_next_message(const char **at, const char *end, const char **ret_data, size_t *ret_len);

#endif
