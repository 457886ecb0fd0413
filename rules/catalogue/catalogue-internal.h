/*
 * What the importers and the resolver of catalogues share. An importer reads one document and says
 * what it found, by names; catalogue_resolve.c follows the names.
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
	const struct ydoc *doc; /* NULL: nowhere */
	int line;
};

/* How PagerDuty is reached: by a key, or by the id of a service whose key is elsewhere. */
struct cat_pager {
	const char *key, *id; /* NULL: not known */
	struct cat_place place;
};

struct cat_team {
	const char *id;	       /* unique among teams: owners are named by it */
	const char *name;      /* wanted as the rules' key */
	const char *qualifier; /* goes before the name where that is taken; NULL: none */
	const char *title, *channel;
	const char *parent; /* id; NULL: none */
	bool person;	    /* owns through its parent only */
	bool declared;	    /* the catalogue describes it, not only names it */
	struct cat_pager pager;
	struct cat_place place;
	/* Resolved. */
	const char *key;
	bool own;		      /* in the rules that stand beside */
	const struct cat_pager *only; /* the one that its services have; NULL: none */
	bool many;		      /* they have several, so that none of them is the team's */
};

struct cat_service {
	const char *id;	      /* unique among services and holders */
	const char *name;     /* by which traces know it */
	const char *owner;    /* team's id; NULL: from's */
	const char *from;     /* id of a holder or service that lends its owner; NULL: none */
	const char *alias_of; /* the name of the service that this one is an alias of; NULL: none */
	const char *criticality, *runbook, *dashboard;
	struct cat_pager pager;
	bool holder;	   /* lends its owner, is no service */
	bool told;	   /* why it has no owner */
	unsigned int rank; /* of several with one name the lowest stands, then the first */
	struct cat_place place;
	struct cat_place owner_place;
	/* Resolved. */
	size_t number;
	const char *key;
	const char *team;     /* the rules' key; NULL: left out */
	const char *left_out; /* why; NULL where it is an alias of one that is left out */
	const char *through;  /* how the owner was found; NULL: directly */
};

/* A team as it goes into the rules, with an escalation of the same name. */
struct cat_written {
	const char *key, *title, *channel;
	const char *note;  /* why it is paged so; NULL: by its own pager */
	const char *pager; /* key of a struct cat_paging; NULL: the options' escalation */
	struct cat_place place;
};

/* A pager as it goes into the rules. */
struct cat_paging {
	const char *key;
	const struct cat_pager *pager;
};

/* A file that a file refers to. */
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
	/* Resolved. */
	struct cat_list written;			   /* struct cat_written, by key */
	struct cat_list pagers;				   /* struct cat_paging, by key */
	struct catalogue_loss *told;			   /* heap; the losses in order */
	struct map *team_keys, *service_keys, *pager_keys; /* that are taken */
	struct map *variants; /* team and pager → struct cat_written */
	struct map *pager_of; /* key or id → struct cat_paging */
	bool fallback_known;
};

/* An importer: reads one document of a stream; a TEXT one is called once, with root NULL. */
typedef void cat_import(struct catalogue *catalogue, const struct ydoc *doc,
			const struct ynode *root);
#define CATALOGUE(id, name, form, text) cat_import import_##id;
#include "tracepager/tbl/catalogues.def"
#undef CATALOGUE

/* ---- catalogue_kinds.c ---- */

enum cat_form {
	CAT_YAML, /* or JSON, in a file whose name ends in .json */
	CAT_JSON,
	CAT_TEXT,
};
struct cat_kind {
	const char *name;
	enum cat_form form;
	cat_import *import;
};
extern const struct cat_kind cat_kinds[CATALOGUE_KIND_COUNT];

/* catalogue.c: for the importers. */
struct cat_place cat_place(const struct ydoc *doc, const struct ynode *node);
void cat_lose(struct catalogue *catalogue, enum loss_reason reason, struct cat_place place,
	      const char *what, const char *format, ...) __attribute__((format(printf, 5, 6)));
char *cat_printf(struct catalogue *catalogue, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The text of a member, kept by the catalogue; NULL: it is not there, is empty, or is no text (a
 * loss, told with what). */
const char *cat_text(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *map,
		     const char *key, const char *what);
const char *cat_node_text(struct catalogue *catalogue, const struct ydoc *doc,
			  const struct ynode *node, const char *what);
/* The same, where only a whole URL will do. */
const char *cat_url(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *map,
		    const char *key, const char *what);
/* Items of a list member; 0: it is not there, or no list. */
size_t cat_items(const struct ynode *map, const char *key, struct ynode ***ret_items);
const char *cat_lower(struct catalogue *catalogue, const char *text);
/* "Order Management" as aliases have it: order_management. */
const char *cat_slug(struct catalogue *catalogue, const char *text);
/* A team by its id: the one that was there, or a new one. NULL: there are too many. */
struct cat_team *cat_team(struct catalogue *catalogue, const char *id, const char *name,
			  struct cat_place place);
/* A new service or holder; NULL: there are too many. */
struct cat_service *cat_service(struct catalogue *catalogue, const char *id, const char *name,
				struct cat_place place);
/* Another name of a service: as it, with its owner and pager. */
void cat_alias(struct catalogue *catalogue, const struct cat_service *service, const char *alias,
	       struct cat_place place);
/* Sets the pager from what stands for a key; a loss where it is none. */
void cat_pager_key(struct catalogue *catalogue, struct cat_pager *pager, const char *key,
		   struct cat_place place, const char *what);
/* …from a service's address at PagerDuty, or the id alone. False: it is neither. */
bool cat_pager_id(struct catalogue *catalogue, struct cat_pager *pager, const char *text,
		  struct cat_place place);
bool cat_is(const char *text, const char *word); /* equal, whatever the case; text may be NULL */
/* The first of several addresses by what their type says of them: "runbook", "dashboard". */
void cat_link(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *link,
	      const char *type, const char *what, struct cat_service *service);
void cat_target(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *node,
		const char *what);

#endif
