/*
 * Catalogue: rules from a catalogue of services: who owns them, how the owner is paged, where
 * runbooks are. Documents go in; teams, pagers, escalations and services come out, as a text of
 * rules or as trees for the loader. What cannot be carried over is listed as a loss. Nothing is
 * invented: a service whose owner cannot be paged is left out, and a loss says so.
 *
 * An owner is found through groups, their parents, and systems. A team is paged by its own pager,
 * else by the only pager that its services have, else by that of its parent. A service with a
 * pager of its own gets a team of its own for it.
 *
 * A struct catalogue owns all texts that are returned, until catalogue_free(). One thread at a
 * time.
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
	int line;	  /* 0: about the whole file */
	const char *what; /* "service \"ledger\""; "": no entry */
	const char *why;
};

/* Borrowed for the life of the catalogue. */
struct catalogue_options {
	const char *key_files; /* directory with a file for the key of each PagerDuty service, named
				  by the service's id; NULL: none */
	const char *service_path; /* codeowners: the directory of a service; NULL:
				     "services/{service}/" */
	const char *fallback;	  /* key of the fallback team; NULL: none */
	const char *escalation; /* escalation of the rules for teams without a pager; NULL: none */
	/* Do the rules to which the result is added have a team of this name? Then their team
	 * owns. NULL: there are no such rules. */
	bool (*has_team)(void *ctx, const char *name);
	bool has_fallback; /* they have a fallback */
	/* The same for an entry of a service; then their entry is kept. */
	bool (*has_service)(void *ctx, const char *name);
	void *ctx;
};

struct catalogue_counts {
	size_t files, entries;		/* in; an entry is a thing that the catalogue describes */
	size_t teams, pagers, services; /* out */
	size_t routes;			/* out, of alertmanager alone */
	size_t open_keys;     /* pagers whose key stands in the rules, as in the catalogue */
	size_t left_out;      /* services that are not in the rules */
	size_t losses, notes; /* all, also beyond LIMIT_FINDINGS */
	size_t reasons[LOSS_REASON_COUNT]; /* the same by reason */
};

struct catalogue;

bool catalogue_kind_parse(const char *name, enum catalogue_kind *ret_kind);
/* Can rules include it, or is it imported once? */
bool catalogue_kind_included(enum catalogue_kind kind);
const char *catalogue_kind_name(enum catalogue_kind kind);
const char *loss_word(enum loss_reason reason);
bool loss_is_note(enum loss_reason reason);

struct catalogue *catalogue_new(enum catalogue_kind kind, const struct catalogue_options *options);
void catalogue_free(struct catalogue *catalogue); /* takes NULL */
/* Reads the text of one file. What is wrong with it becomes a loss. */
void catalogue_add(struct catalogue *catalogue, const char *file, const char *text, size_t len);
/*
 * Reads a file, or a directory with all files of the kind beneath it, and the files to which
 * these refer, if they are beneath it too. Returns 0, or -errno and a loss where the path itself
 * cannot be read. Blocking calls.
 */
int catalogue_read(struct catalogue *catalogue, const char *path);
/* Finds owners, pagers and keys. Once, after all files were read. */
void catalogue_resolve(struct catalogue *catalogue);

/* After catalogue_resolve(). At most LIMIT_FINDINGS losses, by file and line. */
const struct catalogue_loss *catalogue_losses(const struct catalogue *catalogue, size_t *ret_n);
const struct catalogue_counts *catalogue_counts(const struct catalogue *catalogue);
/* Adds the rules as a person would have written them, each entry with its place in the
 * catalogue. */
void catalogue_write(const struct catalogue *catalogue, struct buf *out);
/*
 * The rules as trees for the loader: one for each file that gave an entry, with the file's name,
 * text and lines, so that findings and places point into the catalogue. *ret_n of them. The trees
 * are kept by the arena and borrow from the catalogue.
 */
struct ydoc *catalogue_docs(const struct catalogue *catalogue, struct arena *arena, size_t *ret_n);

#endif
