/*
 * Load: what the files of the loader share. A load reads all files, collects what each section
 * names, then reads the members of every entry into the set; every problem is told and none stops
 * it.
 */
#ifndef TRACEPAGER_LOAD_INTERNAL_H
#define TRACEPAGER_LOAD_INTERNAL_H

#include "rules-internal.h"

enum section_id {
	SECTION_TEAMS,
	SECTION_PAGERS,
	SECTION_ESCALATIONS,
	SECTION_SERVICES,
	SECTION_SIGNALS,
	SECTION_COUNT,
};

/* A named thing as it stands in a file. Entry i of a section becomes struct i of the set. */
struct load_entry {
	const struct ydoc *doc;
	const struct ynode *key, *node;
	bool used;
};

struct load_section {
	struct load_entry *at;
	const char **names;
	size_t n;
	struct map *index; /* name → entry number + 1 */
};

struct load {
	struct arena *scratch; /* files and trees */
	struct ruleset *set;
	struct findings *findings;
	struct ydoc *docs;
	size_t ndocs, bytes;
	struct load_section sections[SECTION_COUNT];
	struct load_section routes; /* no names */
	struct load_entry fallback; /* node NULL: none */
	size_t compared;	    /* names, for hints */
	bool load_secrets;
	bool partial; /* some file could not be read whole: what seems to be missing may be there */
	int error;    /* the first -errno of a file that could not be read */
	const char *place; /* file or directory that findings about everything name */
};

/* One map of a file while its members are read. */
struct load_scope {
	struct load *load;
	const struct ydoc *doc;
	const struct ynode *key, *map; /* key: where findings about the whole map point */
	const char *what;	       /* "team \"ledger\"" */
};

#define LOAD_ERROR(scope, node, code, hint, ...)                                                   \
	ydoc_finding((scope)->doc, node, FINDING_ERROR, code, (scope)->load->findings, hint,       \
		     __VA_ARGS__)
#define LOAD_WARNING(scope, node, code, hint, ...)                                                 \
	ydoc_finding((scope)->doc, node, FINDING_WARNING, code, (scope)->load->findings, hint,     \
		     __VA_ARGS__)

/* load_members.c. A NULL or false result was told where it is a problem. Texts are kept by the
 * set's arena. */
bool scope_open(struct load_scope *scope, struct load *load, const struct load_entry *entry,
		const char *what);
void scope_known(const struct load_scope *scope, const char *const *names, size_t n);
const struct ynode *member(const struct load_scope *scope, const char *name, bool required);
const struct ynode *member_key(const struct load_scope *scope, const char *name);
const struct ynode *member_map(const struct load_scope *scope, const char *name, bool required);
const struct ynode *member_list(const struct load_scope *scope, const char *name, bool required);
const char *member_text(const struct load_scope *scope, const char *name, bool required);
const char *member_glob(const struct load_scope *scope, const char *name);
const char *member_url(const struct load_scope *scope, const char *name, bool required);
bool member_duration(const struct load_scope *scope, const char *name, int64_t *ret_us);
bool member_int(const struct load_scope *scope, const char *name, int64_t least, int64_t most,
		int64_t *ret_value);
/* A text that must not be empty; what: for the finding. */
const char *node_text(const struct load_scope *scope, const struct ynode *node, const char *what);
const char *node_glob(const struct load_scope *scope, const struct ynode *node, const char *what,
		      bool may_be_empty);
/* The number of the entry that the node names, or SIZE_MAX. */
size_t node_ref(const struct load_scope *scope, const struct ynode *node, enum section_id section,
		const char *what);
size_t member_ref(const struct load_scope *scope, const char *name, enum section_id section,
		  bool required);
const char *entry_place(struct load *load, const struct load_entry *entry);
/* "did you mean …?", or NULL; in scratch. */
const char *did_you_mean(struct load *load, const char *word, const char *const *names, size_t n);
const char *section_one(enum section_id section);  /* "team" */
const char *section_name(enum section_id section); /* "teams" */

/* load_pagers.c, load_services.c, load_signals.c: whole sections, in this order. */
void load_pagers(struct load *load);
void load_escalations(struct load *load);
void load_teams(struct load *load);
void load_services(struct load *load);
void load_signals(struct load *load);
void load_routes(struct load *load);

#endif
