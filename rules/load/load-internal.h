/*
 * Load: what the files of the loader share. A load reads all files, collects what each section
 * names, then reads the members of every entry into the set; every problem is told and none stops
 * it.
 */
#ifndef TRACEPAGER_LOAD_INTERNAL_H
#define TRACEPAGER_LOAD_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tracepager/arena.h"
#include "tracepager/buf.h"
#include "tracepager/findings.h"
#include "tracepager/glob.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/rules.h"
#include "tracepager/rules_check.h"
#include "tracepager/rules_load.h"
#include "tracepager/ruleset.h"
#include "tracepager/template.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"
#include "tracepager/ytext.h"

enum section_id {
	SECTION_TEAMS,
	SECTION_PAGERS,
	SECTION_ESCALATIONS,
	SECTION_SERVICES,
	SECTION_SIGNALS,
	SECTION_TIMES,
	SECTION_COUNT,
};

/* members.def: the maps of the language, and what each may hold. */
enum member_map {
#define MEMBER_MAP(id, keys, text) MAP_##id,
#define MEMBER(map, name, type, of, need, text)
#include "members.def"
#undef MEMBER_MAP
#undef MEMBER
	MAP_COUNT
};

enum member_type {
	MEMBER_TEXT,
	MEMBER_TEXTS,
	MEMBER_GLOB,
	MEMBER_GLOBS,
	MEMBER_NAME,
	MEMBER_NAMES,
	MEMBER_NAME_OR_NAMES,
	MEMBER_NAMED,
	MEMBER_MAP,
	MEMBER_MAPS,
	MEMBER_MATCHERS,
	MEMBER_URL,
	MEMBER_TEMPLATE,
	MEMBER_DURATION,
	MEMBER_WHOLE,
	MEMBER_SHARE,
	MEMBER_BOOL,
	MEMBER_DATE,
	MEMBER_TIME,
	MEMBER_MODE,
	MEMBER_SEVERITY,
	MEMBER_NONE,
	MEMBER_KIND,
	MEMBER_NUMBER_TESTS,
	MEMBER_RANGES,
	MEMBER_LOCATION,
	MEMBER_INCLUDES,
};

struct member_row {
	enum member_map map;
	const char *name;
	enum member_type type;
	bool required;
};
/* NULL: the map has no such member. */
const struct member_row *member_row(enum member_map map, const char *name);

/* The named things of one section, of all files. Entry i becomes struct i of the set. */
struct load_section {
	struct rule_source *at;
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
	struct load_section routes, silences;  /* no names */
	struct rule_source fallback, defaults; /* node NULL: none */
	struct map *files;		       /* device and inode → how it came in */
	struct load_catalogue *catalogues;     /* includes, in order */
	size_t ncatalogues;
	struct map *zones;  /* location → struct zone */
	bool told_of_zones; /* that there are none */
	size_t compared;    /* names, for hints */
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
	enum member_map kind;
};

#define LOAD_ERROR(scope, node, code, hint, ...)                                                   \
	ydoc_finding((scope)->doc, node, FINDING_ERROR, code, (scope)->load->findings, hint,       \
		     __VA_ARGS__)
#define LOAD_WARNING(scope, node, code, hint, ...)                                                 \
	ydoc_finding((scope)->doc, node, FINDING_WARNING, code, (scope)->load->findings, hint,     \
		     __VA_ARGS__)

/*
 * load_members.c. A NULL or false result was told where it is a problem. Texts are kept by the
 * set's arena. Names of members are those of members.def for the scope's map, which says too
 * whether they are required.
 */
/* False: it is no map. Members that the map does not have are told. */
bool scope_open(struct load_scope *scope, struct load *load, const struct rule_source *entry,
		enum member_map kind, const char *what);
/* The same of a map within an entry. */
bool scope_enter(struct load_scope *scope, const struct load_scope *outer, const char *name,
		 enum member_map kind, const char *what);
/* Any member, in any form. */
const struct ynode *member(const struct load_scope *scope, const char *name);
const struct ynode *member_key(const struct load_scope *scope, const char *name);
const struct ynode *member_map(const struct load_scope *scope, const char *name);
const struct ynode *member_list(const struct load_scope *scope, const char *name);
/* A list, or one item that stands without one; at: its items. 0: it is not there. */
size_t member_items(const struct load_scope *scope, const char *name,
		    const struct ynode *const **ret_items);
const char *member_text(const struct load_scope *scope, const char *name);
const char *member_glob(const struct load_scope *scope, const char *name);
const char *member_url(const struct load_scope *scope, const char *name);
bool member_duration(const struct load_scope *scope, const char *name, int64_t *ret_us);
bool member_int(const struct load_scope *scope, const char *name, int64_t least, int64_t most,
		int64_t *ret_value);
bool member_share(const struct load_scope *scope, const char *name, double *ret_value);
bool share_parse(const char *text, double *ret_value); /* "0.6" */
bool member_bool(const struct load_scope *scope, const char *name);
bool member_time(const struct load_scope *scope, const char *name, int64_t *ret_us);
bool member_severity(const struct load_scope *scope, const char *name, enum severity *ret_severity);
/* *ret_mode stays where it is not said. */
void member_mode(const struct load_scope *scope, const char *name, enum walk_mode *ret_mode);
const struct rule_template *member_template(const struct load_scope *scope, const char *name);
const struct rule_template *member_url_template(const struct load_scope *scope, const char *name);
const struct rule_template *node_url_template(const struct load_scope *scope,
					      const struct ynode *node, const char *what);
/* A text that must not be empty; what: for the finding. */
const char *node_text(const struct load_scope *scope, const struct ynode *node, const char *what);
const char *node_glob(const struct load_scope *scope, const struct ynode *node, const char *what,
		      bool may_be_empty);
/* One of the words; SIZE_MAX where it is none, which is told. */
size_t node_word(const struct load_scope *scope, const struct ynode *node, const char *what,
		 const char *const *words, size_t n);
/* The number of the entry that the node names, or SIZE_MAX. */
size_t node_ref(const struct load_scope *scope, const struct ynode *node, enum section_id section,
		const char *what);
size_t member_ref(const struct load_scope *scope, const char *name, enum section_id section);
/* Pagers, each once; *ret_n of them, at most `most`. */
const struct pager **member_pagers(const struct load_scope *scope, const char *name, size_t most,
				   size_t *ret_n);
/* Under the key, a map or a list of at least one matcher; false: there is none. */
bool member_matchers(const struct load_scope *scope, const char *name,
		     struct rule_matchers *matchers);
const char *entry_place(struct load *load, const struct rule_source *entry);
/* "did you mean …?", or NULL; in scratch. */
const char *did_you_mean(struct load *load, const char *word, const char *const *names, size_t n);
/* The same, or "known are: …". */
const char *known_words(struct load *load, const char *word, const char *const *names, size_t n);
const char *section_one(enum section_id section);  /* "team" */
const char *section_name(enum section_id section); /* "teams" */

/* ---- load_docs.c ---- */

/* Adds a document to the load; result: what reading it returned. */
void load_keep_doc(struct load *load, struct ydoc doc, int result);
/* Hash, file names and texts of all documents into the set. */
void load_record_docs(const struct load *load);

/* load_files.c: paths, directories and includes to documents. */
void load_path(struct load *load, const char *path);
void load_text(struct load *load, const char *name, const char *text, size_t len);

/* load_catalogue.c: catalogues become documents behind all others. doc is copied. */
void load_catalogue_later(struct load *load, const struct ydoc *doc, const struct ynode *node);
void load_catalogues(struct load *load);
void load_catalogues_fini(struct load *load);

/* Whole sections, in this order. */
void load_pagers(struct load *load);
void load_escalations(struct load *load);
void load_defaults(struct load *load);
void load_teams(struct load *load);
void load_services(struct load *load);
void load_signals(struct load *load);
void load_times(struct load *load);
void load_silences(struct load *load);
void load_routes(struct load *load);

#endif
