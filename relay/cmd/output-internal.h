/*
 * Output: how commands write files, standard output and findings. Each way says what becomes of a
 * file that exists. Functions return 0 or -errno; what went wrong is for the caller to tell. For
 * the main thread.
 */
#ifndef OUTPUT_INTERNAL_H
#define OUTPUT_INTERNAL_H

#include "tracepager/buf.h"
#include "tracepager/rules_load.h"

/* To standard output; -EFBIG and nothing written where the text was larger than its cap. */
int output_print(const struct buf *text);
/* A file that exists is overwritten. */
int output_write(const char *path, const char *data, size_t len);
/* A file that exists stays as it is: -EEXIST. *ret_created: the file is there, after an error
 * perhaps not all of it. */
int output_create(const char *path, const char *data, size_t len, bool *ret_created);
/* A file that exists is replaced as a whole or stays as it is, so that a daemon never reads half of
 * it. A new one is for its owner alone, or in a setgid directory for the group of that too. */
int output_replace(const char *path, const char *data, size_t len);

/* Findings on standard error. */
void output_findings(const struct findings *findings, bool colour);
/* A note on standard error, where credentials are there only for the service, so that a check has
 * not looked at them. command: "check". */
void output_unread_credentials(const char *command);
/* Rules to decide with, without their secrets; caller unrefs. NULL: they have errors, which have
 * been printed on standard error. Warnings are not printed. */
struct ruleset *output_load_rules(const char *const *paths, size_t npaths, bool colour);

/* "1 team", "2 teams"; many is the plural. */
void output_add_count(struct buf *out, const char *before, size_t n, const char *one,
		      const char *many);
/* "1 file, 2 teams, …": what the rules have. */
void output_add_rules_seen(struct buf *out, const char *before, const struct rules_seen *seen);
/* ": 2 errors, 1 warning", or ": no problem". */
void output_add_problems(struct buf *out, const struct findings *findings);

#endif
