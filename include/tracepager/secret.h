/*
 * Secret: a text that is never printed. It has a type of its own, so that no log line can take it
 * by mistake; a person sees secret_shown(). A secret owns its texts and wipes the value before it
 * frees it. One thread at a time may use a secret.
 */
#ifndef TRACEPAGER_SECRET_H
#define TRACEPAGER_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "tracepager/err.h"

struct secret {
	char *value;	    /* NULL: not set */
	char *path;	    /* of the file that it was read from; NULL: it was set */
	int64_t changed_ns; /* when that file was last written */
};

/* Sets the secret to a file's first line without its line end. The path may be credential:NAME; one
 * for which credential_is_elsewhere() is remembered as by secret_set_path(). 0 or -errno; -EINVAL:
 * the line is empty or over LIMIT_SECRET_BYTES. */
int secret_read_file(struct secret *secret, const char *path, struct err *err);
/* Reads the file again if it was written since: some tokens live for an hour only. 0 or -errno; on
 * failure the old value stays. */
int secret_refresh(struct secret *secret, struct err *err);
/* Remembers the file without reading it: the secret stays unset, and secret_refresh() reads it. */
void secret_set_path(struct secret *secret, const char *path);
void secret_set(struct secret *secret, const char *value); /* copies; NULL: unset */
void secret_fini(struct secret *secret);		   /* wipes; the secret is unset */
/* Compares in a time that depends on the length of the presented text alone. An unset secret equals
 * nothing. */
bool secret_equals(const struct secret *secret, const char *presented, size_t len);
/* May users other than the owner read or change a file with this status? The group may read a file
 * of root's: that is how root gives it to a service's user. */
bool secret_is_open(const struct stat *status);
const char *secret_shown(const struct secret *secret); /* "***", or "" when unset */

#endif
