/*
 * Secret: a text that is never printed. It has a type of its own so that no log line takes it by
 * accident; secret_shown() is what a person sees.
 */
#ifndef TRACEPAGER_SECRET_H
#define TRACEPAGER_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/err.h"

struct secret {
	char *value; /* NULL: not set */
	/* Of one that was read from a file. */
	char *path;
	int64_t changed_ns; /* the file's time, as it was then */
};

/* The file's first line without its line end, at most LIMIT_SECRET_BYTES. Empty files are an error.
 */
int secret_read_file(struct secret *secret, const char *path, struct err *err);
/* Reads it again where its file was written since: tokens live an hour. On failure the old one
 * stays. */
int secret_refresh(struct secret *secret, struct err *err);
void secret_set(struct secret *secret, const char *value);
void secret_fini(struct secret *secret); /* wipes */
/* In a time that depends on the presented text's length only. An unset secret equals nothing. */
bool secret_equals(const struct secret *secret, const char *presented, size_t len);
const char *secret_shown(const struct secret *secret); /* "***", or "" when unset */

#endif
