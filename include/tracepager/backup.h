/*
 * Backup: copies the store's file beside a running relay, and checks one: a store in use, a copy,
 * or one that was put aside as damaged. It never writes to the file that it reads. It does not
 * unpack documents. A call may take minutes for a large store: not for the loop's thread.
 */
#ifndef TRACEPAGER_BACKUP_H
#define TRACEPAGER_BACKUP_H

#include <stddef.h>
#include <stdint.h>

#include "tracepager/err.h"

/* Writes the store at path, as it is at this moment, to a new file (mode 0600), which is flushed
 * before the call returns. 0 or -errno with err; -EEXIST: the new file exists. After an error there
 * is no new file. */
int backup_write(const char *path, const char *to, struct err *err);

/* Reads all records, and the structure of the file. tell() gets a sentence about each thing that is
 * wrong, borrowed. Returns 0 with the number of records; or -errno with err where the file cannot
 * be read at all. */
int backup_check(const char *path, void (*tell)(void *ctx, const char *problem), void *ctx,
		 int64_t *ret_records, struct err *err);

#endif
