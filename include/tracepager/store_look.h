/*
 * Store look: what the file of the store says of itself, and whether its structure is sound. Reads
 * beside a running relay, and writes nothing. Owns nothing. Any thread; a call may take long.
 */
#ifndef TRACEPAGER_STORE_LOOK_H
#define TRACEPAGER_STORE_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/err.h"

struct store_look {
	bool exists;
	bool replaced;		  /* it is damaged so that a start puts it aside */
	int schema, newest;	  /* schema 0: the file is empty, or not known */
	int64_t bytes, wal_bytes; /* of the file, and of its write-ahead log */
};

/* 0 or -errno with err, which names the path and the cure: -EINVAL: no store of ours, or of a newer
 * version; -EBADMSG: no database, or damaged. What is known is set after an error too. */
int store_look(const char *path, struct store_look *ret_look, struct err *err);

/* Looks at the structure for at most limit_us. tell() gets a sentence about each of the first
 * problems, borrowed. 0; -ETIME: the time is over, and no problem was found until then; -errno with
 * err where the file cannot be read. */
int store_look_inside(const char *path, int64_t limit_us,
		      void (*tell)(void *ctx, const char *problem), void *ctx, struct err *err);

#endif
