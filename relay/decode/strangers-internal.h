/*
 * Strangers: what other tools write, so that a refusal names it and its cure. Pure: any thread may
 * call. Owns nothing; the texts are constant.
 */
#ifndef TRACEPAGER_DECODE_STRANGERS_INTERNAL_H
#define TRACEPAGER_DECODE_STRANGERS_INTERNAL_H

#include <stddef.h>

/* What a document is whose outermost object has this member, such as "a Grafana dashboard". NULL:
 * the member tells nothing. */
const char *stranger_of_member(const char *name, size_t len);

/* A sentence about bytes that are certainly no JSON, by how they begin: packed files, UTF-16, web
 * pages. NULL: unknown. */
const char *stranger_of_bytes(const unsigned char *data, size_t len);

#endif
