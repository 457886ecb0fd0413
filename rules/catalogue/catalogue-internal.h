/*
 * What the files of rules/catalogue share. An importer reads one document and says what it found,
 * by names; catalogue_resolve.c follows the names.
 */
#ifndef TRACEPAGER_CATALOGUE_INTERNAL_H
#define TRACEPAGER_CATALOGUE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tracepager/arena.h"
#include "tracepager/buf.h"
#include "tracepager/catalogue.h"
#include "tracepager/findings.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"
#include "tracepager/ytext.h"

struct cat_place {
	const struct ydoc *doc; /* NULL: no place */
	int line;
};

/* How PagerDuty is reached: by a key, or by the id of a service whose key is not in the
 * catalogue. */
struct cat_pager {
	const char *key, *id; /* NULL: not known */
	struct cat_place place;
};

struct cat_team {
	const char *id;	  /* unique among teams; services name their owner by it */
	const char *name; /* wanted as its key in the rules */
	/* Stands before the name where the name alone is taken; NULL: none. */
	const char *qualifier;
	const char *title, *channel;
	const char *parent; /* id of a team; NULL: none */
	bool person;	    /* a person: owns through the parent only */
	bool declared;	    /* the catalogue describes it; else it is only named */
	struct cat_pager pager;
	struct cat_place place;
	/* Set by catalogue_resolve(): */
	const char *key;
	bool own;			       /* the rules beside have a team of this key */
	const struct cat_pager *service_pager; /* the pager of its services; NULL: none */
	bool many_pagers; /* its services have several pagers, so that none is the team's */
};

struct cat_service {
	const char *id;	      /* unique among services and holders */
	const char *name;     /* the name in traces */
	const char *owner;    /* id of a team; NULL: that of `from` */
	const char *from;     /* id of a holder or service that lends its owner; NULL: none */
	const char *alias_of; /* name of the service of which this is another name; NULL: none */
	const char *criticality, *runbook, *dashboard;
	struct cat_pager pager;
	bool glob;	   /* name is a glob of names */
	bool holder;	   /* lends its owner, is no service of its own */
	bool owner_lost;   /* a loss says already why it has no owner */
	unsigned int rank; /* of several with one name the lowest is kept, then the first */
	struct cat_place place;
	struct cat_place owner_place;
	/* Set by catalogue_resolve(): */
	size_t number;
	const char *key;      /* of its entry in the rules */
	const char *team;     /* key of the team that owns it; NULL: left out */
	const char *left_out; /* why it is left out; NULL for another name of a service that is */
	const char *through;  /* how the owner was found; NULL: directly */
};

/* A team of the rules, with an escalation of the same key. */
struct cat_rule_team {
	const char *key, *title, *channel;
	const char *note;  /* how it is paged, for a comment; NULL: by its own pager */
	const char *pager; /* key of a struct cat_rule_pager; NULL: the options' escalation */
	struct cat_place place;
};

/* A pager of the rules. */
struct cat_rule_pager {
	const char *key;
	const struct cat_pager *pager;
};

/* A file to which another file refers. */
struct cat_target {
	const char *path;
	struct cat_place place;
};

/* A growing list of pointers; heap. */
struct cat_list {
	void **at;
	size_t n;
};
void cat_list_push(struct cat_list *list, void *item);

struct catalogue {
	struct arena *arena;
	enum catalogue_kind kind;
	struct catalogue_options options;
	struct catalogue_counts counts;
	struct cat_list docs;	  /* struct ydoc */
	struct cat_list teams;	  /* struct cat_team, in order of reading */
	struct cat_list services; /* struct cat_service, in order of reading; later by key */
	struct cat_list losses;	  /* struct catalogue_loss */
	struct cat_list targets;  /* struct cat_target */
	struct map *team_ids, *service_ids, *files;
	size_t bytes;
	/* Set by catalogue_resolve(): */
	struct cat_list rule_teams;			   /* struct cat_rule_team, by key */
	struct cat_list rule_pagers;			   /* struct cat_rule_pager, by key */
	struct catalogue_loss *sorted_losses;		   /* heap; sorted by place */
	struct map *team_keys, *service_keys, *pager_keys; /* keys that are taken */
	struct map *variants;		/* team and pager → struct cat_rule_team */
	struct map *pagers_by_identity; /* key or id → struct cat_rule_pager */
	bool fallback_known;
	struct am *am; /* of alertmanager*.c; NULL: of another kind */
};

/* An importer reads one document of a stream; for a TEXT catalogue it is called once for each
 * file, with root NULL. */
typedef void cat_import(struct catalogue *catalogue, const struct ydoc *doc,
			const struct ynode *root);
#define CATALOGUE(id, name, form, text) cat_import import_##id;
#include "tracepager/tbl/catalogues.def"
#undef CATALOGUE

/* ---- alertmanager*.c: another way from the documents to the rules ---- */

void am_free(struct catalogue *catalogue);
void am_resolve(struct catalogue *catalogue);
void am_write(const struct catalogue *catalogue, struct buf *out);

/* ---- catalogue_kinds.c ---- */

enum cat_form {
	CAT_YAML, /* a file whose name ends in .json is read as JSON */
	CAT_JSON,
	CAT_TEXT,
};
struct cat_kind {
	const char *name;
	enum cat_form form;
	cat_import *import;
};
extern const struct cat_kind cat_kinds[CATALOGUE_KIND_COUNT];

/* ---- catalogue_losses.c, catalogue_entries.c: for the importers ---- */

struct cat_place cat_place(const struct ydoc *doc, const struct ynode *node);
void cat_lose(struct catalogue *catalogue, enum loss_reason reason, struct cat_place place,
	      const char *what, const char *format, ...) __attribute__((format(printf, 5, 6)));
char *cat_printf(struct catalogue *catalogue, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The text of a member, kept by the catalogue. NULL: no such member, empty, or (with a loss
 * about `what`) no text. */
const char *cat_text(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *map,
		     const char *key, const char *what);
const char *cat_node_text(struct catalogue *catalogue, const struct ydoc *doc,
			  const struct ynode *node, const char *what);
/* The same for a whole URL of http or https. */
const char *cat_url(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *map,
		    const char *key, const char *what);
/* Items of a list; 0: no such member, or no list. */
size_t cat_items(const struct ynode *map, const char *key, struct ynode ***ret_items);
const char *cat_lower(struct catalogue *catalogue, const char *text);
/* The alias form of a name: "order_management" of "Order Management". */
const char *cat_slug(struct catalogue *catalogue, const char *text);
/* The team with this id, made if there is none. NULL: there are too many. */
struct cat_team *cat_team(struct catalogue *catalogue, const char *id, const char *name,
			  struct cat_place place);
/* A new service or holder. NULL: there are too many. */
struct cat_service *cat_service(struct catalogue *catalogue, const char *id, const char *name,
				struct cat_place place);
/* Adds another name of a service, with the same owner and pager. */
void cat_alias(struct catalogue *catalogue, const struct cat_service *service, const char *alias,
	       struct cat_place place);
/* Sets the key of a pager; a loss where the text is no key. */
void cat_pager_key(struct catalogue *catalogue, struct cat_pager *pager, const char *key,
		   struct cat_place place, const char *what);
/* Sets the id of a pager from a service's address at PagerDuty, or from the id alone. False:
 * the text is neither. */
bool cat_pager_id(struct catalogue *catalogue, struct cat_pager *pager, const char *text,
		  struct cat_place place);
/* Are they equal, but for upper and lower case? text may be NULL. */
bool cat_is(const char *text, const char *word);
/* Sets the runbook or dashboard of the service where `type` says "runbook" or "dashboard" and
 * none is set. */
void cat_link(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *link,
	      const char *type, const char *what, struct cat_service *service);
void cat_target(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *node,
		const char *what);
/*
 * A key for the rules that is not taken yet: the name, with the characters of globs and controls
 * replaced; if taken, with its qualifier before it; if that is taken, with a number behind it.
 */
const char *cat_rule_key(struct catalogue *catalogue, struct map *taken, const char *name,
			 const char *qualifier);
bool cat_is_rule_name(const char *name);

/* ---- catalogue_text.c: rules as text ---- */

/* Adds a scalar: without quotes where nobody can misread it, else in double quotes (YAML 1.2,
 * section 5.7). */
void cat_write_scalar(struct buf *out, const char *text);
/* Adds "key: value" behind the text `before`; nothing where the value is NULL. */
void cat_write_member(struct buf *out, const char *before, const char *key, const char *value);
/* Adds "  # file:12: note", and the end of the line. The note may be NULL. */
void cat_write_origin(struct buf *out, struct cat_place place, const char *note);

#endif
