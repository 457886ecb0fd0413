/*
 * Catalogue: rules from what people already keep about their services: who owns them, how the owner
 * is paged, where runbooks are. Documents go in; teams, pagers, escalations and services come out,
 * as a text of rules or as trees for the loader. What could not be carried over is listed; nothing
 * is invented: a service whose owner cannot be paged is left out, and told.
 *
 * Owners are followed through groups, their parents, and systems. A team is paged by its own pager,
 * else by the only one that its services have, else by its parent's. A service with a pager of its
 * own gets a team of its own for it.
 *
 * All texts that are given out are the catalogue's.
 */
#ifndef TRACEPAGER_CATALOGUE_H
#define TRACEPAGER_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/arena.h"
#include "tracepager/buf.h"
#include "tracepager/ydoc.h"

enum catalogue_kind {
#define CATALOGUE(id, name, form, text) CATALOGUE_##id,
#include "tracepager/tbl/catalogues.def"
#undef CATALOGUE
	CATALOGUE_KIND_COUNT
};

enum loss_reason {
#define LOSS(id, word, sort, text) LOSS_##id,
#include "tracepager/tbl/losses.def"
#undef LOSS
	LOSS_REASON_COUNT
};

struct catalogue_loss {
	enum loss_reason reason;
	const char *file;
	int line;	  /* 0: the whole file */
	const char *what; /* "service \"ledger\"" */
	const char *why;
};

/* Borrowed for the catalogue's life. */
struct catalogue_options {
	const char *key_files;	  /* directory that holds a file ID with the key of each PagerDuty
				     service    ID; NULL: none */
	const char *service_path; /* codeowners; NULL: "services/{service}/" */
	const char *fallback;	  /* team; NULL: none */
	const char *escalation; /* of the rules beside, for teams that have no pager; NULL: none */
	/* Is there a team of this name in the rules that the result goes beside? Then that one
	 * owns. NULL: there are none. */
	bool (*has_team)(void *ctx, const char *name);
	/* …an entry of this name for a service? Then that one stands. NULL: there are none. */
	bool (*has_service)(void *ctx, const char *name);
	void *ctx;
};

struct catalogue_counts {
	size_t files, entries;		/* in; an entry is a thing that the catalogue describes */
	size_t teams, pagers, services; /* out */
	size_t left_out;		/* services that are not in the rules */
	size_t losses, notes;		/* told or not */
	size_t reasons[LOSS_REASON_COUNT]; /* told or not */
};

struct catalogue;

bool catalogue_kind_parse(const char *name, enum catalogue_kind *ret_kind);
const char *catalogue_kind_name(enum catalogue_kind kind);
const char *loss_word(enum loss_reason reason);
bool loss_is_note(enum loss_reason reason);

struct catalogue *catalogue_new(enum catalogue_kind kind, const struct catalogue_options *options);
void catalogue_free(struct catalogue *catalogue); /* takes NULL */
/* One file's bytes, under its name. Whatever is wrong with them is a loss. */
void catalogue_add(struct catalogue *catalogue, const char *file, const char *text, size_t len);
/* A file, or a directory with all of its kind beneath; files to which these refer are read too, if
 * they are within it. 0, or -errno where the path itself cannot be read, which is a loss too. */
int catalogue_read(struct catalogue *catalogue, const char *path);
/* Once, when everything is there. */
void catalogue_resolve(struct catalogue *catalogue);

/* After catalogue_resolve(). The losses are in order of file and line. */
const struct catalogue_loss *catalogue_losses(const struct catalogue *catalogue, size_t *ret_n);
const struct catalogue_counts *catalogue_counts(const struct catalogue *catalogue);
/* Rules as a person would have written them, with the place of each entry beside it. */
void catalogue_write(const struct catalogue *catalogue, struct buf *out);
/*
 * The same as trees for the loader: one for each file that gave something, with the file's name,
 * text and lines, so that findings and places point into the catalogue. The trees live in the arena
 * and borrow from the catalogue.
 */
struct ydoc *catalogue_docs(const struct catalogue *catalogue, struct arena *arena, size_t *ret_n);

#endif
