/*
 * What the files of rules/export share. A writer reads the rule set, adds its text to a file, and
 * tells what the text cannot say by export_lose().
 */
#ifndef EXPORT_INTERNAL_H
#define EXPORT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/arena.h"
#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/export.h"
#include "tracepager/glob.h"
#include "tracepager/limits.h"
#include "tracepager/ruleset.h"
#include "tracepager/template.h"
#include "tracepager/xalloc.h"
#include "tracepager/ytext.h"

struct exported {
	const struct ruleset *rules;
	struct arena *arena;
	struct export_how how;
	struct export_file *files; /* heap */
	size_t nfiles;
	struct export_loss *losses; /* heap */
	size_t nlosses;
	const char *failed;
};

/* A writer of tbl/exports.def. */
typedef void export_writer(struct exported *exported);
#define EXPORT(id, name, writer, form, text) export_writer writer;
#include "tracepager/tbl/exports.def"
#undef EXPORT

/* ---- export_parts.c ---- */

/* A new file, empty; name is kept by the arena. */
struct buf *export_add_file(struct exported *exported, const char *name);
/* Tells a loss once. place NULL: about all rules. */
void export_lose(struct exported *exported, const char *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void export_sort_losses(struct exported *exported);
/* Adds the losses as comments of YAML. */
void export_comment_losses(const struct exported *exported, struct buf *out);
/* Adds a scalar of YAML: as it is where nobody can misread it, else in quotes. */
void export_scalar(struct buf *out, const char *text);
/* The same, always in quotes: in single ones where the text fits into them. */
void export_quoted(struct buf *out, const char *text);
/* The places of names in a list are found by the names' order: "a" before "b". */
int export_by_name(const void *a, const void *b);

/* ---- backstage_write.c ---- */

/* The address that a template gives for a service without an alert; kept by the arena. NULL: it
 * needs an alert or a trace. */
const char *export_address(struct arena *arena, const struct rule_template *template,
			   const struct service_rule *service, const char *name);

/* ---- am_matchers.c: conditions as Alertmanager writes them ---- */

enum am_known {
	AM_NEVER,  /* no alert meets the condition */
	AM_ALWAYS, /* every alert meets it */
	AM_MATCHER,
};
/* Can Alertmanager have a label of this name? */
bool am_is_label(const char *name);
/* Is the regular expression one that Go's regexp reads, and in the same way? */
bool am_is_regex(const char *regex);
/* Adds a glob as a regular expression. */
void am_add_glob(struct buf *out, const char *glob);
/* One of these globs must match the label. *ret_matcher is kept by the arena. */
enum am_known am_globs(struct arena *arena, const char *label, const char *const *globs, size_t n,
		       const char **ret_matcher);
/* `label=~"regex"`, or `label="text"` where it is no regular expression; kept by the arena. */
const char *am_matcher(struct arena *arena, const char *label, const char *op, const char *value);
/* A matcher of the rules. A loss is told at place where Alertmanager has no such matcher; then
 * it counts as never met. */
enum am_known am_rule_matcher(struct exported *exported, const char *place,
			      const struct rule_matcher *matcher, const char **ret_matcher);
/* The severity that the label tells, as a route's condition on it. */
enum am_known am_severity(const struct exported *exported, const struct when_word *word,
			  const char **ret_matcher);

/* ---- am_owners.c: who owns an alert by its labels ---- */

#define AM_ROW_MATCHERS 24
/* An alert belongs to the first row whose matchers it meets. */
struct am_row {
	const char *matchers[AM_ROW_MATCHERS];
	size_t nmatchers;
	const struct team *team;
	const char *criticality;	  /* NULL: none */
	const struct signal_rule *signal; /* NULL: none */
	const char *kind;		  /* why there is no suspect */
	const char *comment;
};
struct am_rows {
	struct am_row *at; /* heap */
	size_t n;	   /* the last row has no matchers: the fallback */
};
/* split: rows of one team whose services differ in criticality are not one row. */
void am_rows_make(struct exported *exported, bool split, struct am_rows *ret_rows);
void am_rows_fini(struct am_rows *rows);
/* Adds a matcher to a row; false: there are too many. */
bool am_row_add(struct am_row *row, const char *matcher);

/* ---- am_receivers.c ---- */

struct am_receiver {
	const char *name;
	const struct pager *const *pagers;
	size_t npagers;
	bool no_resolve;
	const char *place;
};
struct am_receivers {
	struct am_receiver *at; /* heap */
	size_t n;
};
/* The name of the receiver for these pagers; made, and named by `wanted` if that is free, where
 * there is none yet. */
const char *am_receiver(struct exported *exported, struct am_receivers *receivers,
			const struct am_receiver *wanted);
void am_write_receivers(struct exported *exported, const struct am_receivers *receivers,
			struct buf *out);

/* ---- am_times.c ---- */

void am_write_times(struct exported *exported, const bool *used, struct buf *out);

#endif
