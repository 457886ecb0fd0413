/*
 * What the files of rules/load share. A load reads all files, collects what each section names,
 * then reads the members of every entry into the set. Each problem becomes a finding, and none
 * ends the load.
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

/* The maps of the language, from members.def, and what each may hold. */
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
	MEMBER_SECRETS,
	MEMBER_BODY,
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
	MEMBER_COLOR,
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
/* NULL: the map has no member of this name. */
const struct member_row *member_row(enum member_map map, const char *name);

/* The entries of one section, of all files. Entry i becomes entry i of the set. */
struct load_section {
	struct rule_source *at;
	const char **names;
	size_t n;
	struct map *index; /* name → number of the entry + 1 */
};

/* A step of an escalation as it stands in its file. Kept by scratch. */
struct load_step {
	const struct ynode *node;
	const char *what; /* "step 2 of escalation \"ledger\"" */
	/* Its own; wait_us is negative where it gives none. */
	struct escalation_step step;
	size_t team; /* number of the team that it pages; SIZE_MAX: it pages pagers */
};
/* The steps of one escalation in its file. */
struct load_steps {
	struct load_step *at;
	size_t n;
	enum { STEPS_NEW, STEPS_OPEN, STEPS_DONE } state; /* of putting in the steps of teams */
	size_t *origins; /* of each step of the set: the number of the step in the file */
};

struct load {
	struct arena *scratch; /* keeps documents and hints; freed with the load */
	struct ruleset *set;
	struct findings *findings;
	struct ydoc *docs;
	size_t ndocs, bytes;
	struct load_section sections[SECTION_COUNT];
	struct load_section routes, silences;  /* entries without names */
	struct rule_source fallback, defaults; /* node NULL: not given */
	struct map *files;		       /* device and inode → struct file_state */
	struct load_directory *directories;    /* of rules, the last one first; kept by scratch */
	struct load_steps *steps;	       /* of each escalation */
	struct load_catalogue *catalogues;     /* included ones, in the order of the includes */
	size_t ncatalogues;
	struct map *zones;  /* location → struct zone */
	bool zones_missing; /* a finding says that there is no time zone database */
	size_t compared;    /* names compared for hints: see LIMIT_WORDS_COMPARED */
	bool load_secrets;
	/* Some file was not read whole: a name that seems to be missing may stand there. */
	bool partial;
	bool is_part;	   /* of a set whose other files are not loaded */
	bool is_kept;	   /* texts that a set has kept: what they include is among them */
	int error;	   /* the first -errno of a file that could not be read */
	const char *place; /* file or directory for findings about the load as a whole */
};

/* A map of a file while its members are read. */
struct load_scope {
	struct load *load;
	const struct ydoc *doc;
	const struct ynode *key, *map; /* key: where findings about the whole map point */
	const char *what;	       /* "team \"ledger\"" */
	const char *beside;	       /* a member that stands beside the map; NULL: none */
	enum member_map kind;
};

#define LOAD_ERROR(scope, node, code, hint, ...)                                                   \
	ydoc_finding((scope)->doc, node, FINDING_ERROR, code, (scope)->load->findings, hint,       \
		     __VA_ARGS__)
#define LOAD_WARNING(scope, node, code, hint, ...)                                                 \
	ydoc_finding((scope)->doc, node, FINDING_WARNING, code, (scope)->load->findings, hint,     \
		     __VA_ARGS__)

/* ---- load_members.c, load_values.c ---- */

/*
 * A result of NULL, false or SIZE_MAX has its finding where it is a problem. Texts are
 * kept by the arena of the set. The names are those of members.def for the map of the scope; its
 * rows also say which members are required.
 */
/* Enters the map of an entry. Adds findings for members that the map does not have. False: the
 * node is no map. */
bool scope_open(struct load_scope *scope, struct load *load, const struct rule_source *entry,
		enum member_map kind, const char *what);
/* Enters a map within an entry. */
bool scope_enter(struct load_scope *scope, const struct load_scope *outer, const char *name,
		 enum member_map kind, const char *what);
/* The value of a member, of any form, and its key. */
const struct ynode *member_value(const struct load_scope *scope, const char *name);
const struct ynode *member_key(const struct load_scope *scope, const char *name);
/* The member is not there, and another finding says why: the map has one of nearly that name, or
 * one without its colon, or the member stands beside the map. */
bool member_is_elsewhere(const struct load_scope *scope, const char *name);
/* Where a blank stands before what should be behind a colon: "owner shop", the length of the name;
 * else 0. No finding tells the rest, which may be a secret. */
int missing_colon(const char *key);
const struct ynode *member_map(const struct load_scope *scope, const char *name);
const struct ynode *member_list(const struct load_scope *scope, const char *name);
/* Items of a list, or the single item that stands without one. Returns their number; 0: no such
 * member. */
size_t member_items(const struct load_scope *scope, const char *name,
		    const struct ynode *const **ret_items);
const char *member_text(const struct load_scope *scope, const char *name);
/* The same of a member that members.def does not list. */
const char *member_text_of(const struct load_scope *scope, const char *name);
const char *member_glob(const struct load_scope *scope, const char *name);
const char *member_url(const struct load_scope *scope, const char *name);
const char *member_mail_url(const struct load_scope *scope, const char *name);
bool member_duration(const struct load_scope *scope, const char *name, int64_t *ret_us);
/* "window" and "resolve_hold", with a warning where they are longer than anybody wants. */
void member_window(const struct load_scope *scope, int64_t *ret_us);
void member_resolve_hold(const struct load_scope *scope, int64_t *ret_us);
/* A list of label names, or ["..."]. */
void member_group(const struct load_scope *scope, const char *name, struct group_labels *ret_group);
bool member_int(const struct load_scope *scope, const char *name, int64_t least, int64_t most,
		int64_t *ret_value);
bool member_share(const struct load_scope *scope, const char *name, double *ret_value);
/* Parses a number from 0 to 1, such as "0.6". */
bool share_parse(const char *text, double *ret_value);
bool member_bool(const struct load_scope *scope, const char *name);
bool member_time(const struct load_scope *scope, const char *name, int64_t *ret_us);
bool member_severity(const struct load_scope *scope, const char *name, enum severity *ret_severity);
/* Leaves *ret_mode as it is where the member is missing. */
void member_mode(const struct load_scope *scope, const char *name, enum walk_mode *ret_mode);
void member_colour(const struct load_scope *scope, const char *name, enum pager_colour *ret_colour);
const struct rule_template *member_template(const struct load_scope *scope, const char *name);
const struct rule_template *member_url_template(const struct load_scope *scope, const char *name);
const struct rule_template *node_url_template(const struct load_scope *scope,
					      const struct ynode *node, const char *what);
/* A text that must not be empty; what: its name in findings. */
const char *node_text(const struct load_scope *scope, const struct ynode *node, const char *what);
const char *node_glob(const struct load_scope *scope, const struct ynode *node, const char *what,
		      bool may_be_empty);
/* Number of the word that the node is; SIZE_MAX with a finding: none of them. */
size_t node_word(const struct load_scope *scope, const struct ynode *node, const char *what,
		 const char *const *words, size_t n);
/* Number of the entry that the node names, which counts as used; SIZE_MAX: none. */
size_t node_ref(const struct load_scope *scope, const struct ynode *node, enum section_id section,
		const char *what);
size_t member_ref(const struct load_scope *scope, const char *name, enum section_id section);
/* A list of pagers, each once. Returns them; their number in *ret_n is at most `most`. */
const struct pager **member_pagers(const struct load_scope *scope, const char *name, size_t most,
				   size_t *ret_n);
/* The same of items of the member. */
const struct pager **items_pagers(const struct load_scope *scope, const char *name,
				  const struct ynode *const *items, size_t n, size_t most,
				  size_t *ret_n);
/* Reads a map or a list of at least one matcher. False: there is none. */
bool member_matchers(const struct load_scope *scope, const char *name,
		     struct rule_matchers *matchers);
const char *entry_place(struct load *load, const struct rule_source *entry);
/* A hint: "did you mean …?", or NULL. Kept by scratch. */
const char *did_you_mean(struct load *load, const char *word, const char *const *names, size_t n);
/* The same hint, or "known here: …". */
const char *known_words(struct load *load, const char *word, const char *const *names, size_t n);
/* The same for the names of a template, of which labels and annotations are asked one by one. */
const char *unknown_name_hint(struct load *load, const char *unknown, const char *const *names,
			      size_t n);
const char *section_entry_name(enum section_id section); /* "team" */
const char *section_name(enum section_id section);	 /* "teams" */

/* ---- load_secrets.c ---- */

/* A secret in the member or in the file that its twin names. */
void member_secret(const struct load_scope *scope, const char *name, const char *name_file,
		   enum pager_need need, struct secret *secret);
/* One secret, or a list of those that count side by side during a rotation. */
void member_secrets(const struct load_scope *scope, const char *name, const char *name_file,
		    struct secret secrets[LIMIT_LIVE_SECRETS]);

/* ---- load_docs.c ---- */

/* Adds a document to the load; result: what reading it returned. */
void load_keep_doc(struct load *load, struct ydoc doc, int result);
/* Hash, file names and texts of all documents into the set. */
void load_record_docs(const struct load *load);

/* ---- load_files.c: paths, directories and includes become documents ---- */

void load_path(struct load *load, const char *path);
void load_text(struct load *load, const char *name, const char *text, size_t len);
/* Behind all files: what stands in the directories of rules and looks like rules, and was not read.
 */
void load_warn_of_unread(struct load *load);

/* ---- load_texts.c ---- */

/* Warns of texts of a document that no person means as they are. */
void load_check_texts(struct load *load, const struct ydoc *doc);

/* ---- load_catalogue.c: catalogues become documents behind all others ---- */

void load_catalogue_later(struct load *load, const struct ydoc *doc, const struct ynode *node);
void load_catalogues(struct load *load);
void load_catalogues_fini(struct load *load);
/* Does an included catalogue lie in this directory, or is it this one? */
bool load_catalogue_is_in(struct load *load, const char *directory);

/* ---- the sections, in the order in which they are read ---- */

/* Of a pager of kind email, whose members have been read: are its mailboxes some, has a user a
 * password, and does that cross no network unencrypted? */
void load_check_mail(const struct load_scope *scope, struct pager *pager);
/* The mailboxes that such a pager, or a team for it, gives. */
void load_check_mail_to(const struct load_scope *scope, const char *list);
void load_pagers(struct load *load);
void load_escalations(struct load *load);
void load_defaults(struct load *load);
void load_teams(struct load *load);
void load_steps(struct load *load); /* the steps of escalations, with those of the teams in them */
/* ---- load_body.c ---- */

/* body, content_type and headers of a webhook. */
void load_body(const struct load_scope *scope, struct pager *pager);

/* ---- load_by_team.c ---- */

/* What a team gives to pagers by team. */
void load_team_paging(const struct load_scope *scope, const struct team *team);
/* Makes the pager of each team; behind the teams. */
void load_team_pagers(struct load *load);
/* Adds a finding for each team that a pager by team can page and that gives too little; behind the
 * routes and the fallback. */
void load_check_team_pagers(struct load *load);

void load_services(struct load *load);
void load_signals(struct load *load);
void load_times(struct load *load);
/* The clocks of the place in the member "location": NULL is UTC, or has its finding. *ret_name is
 * the place as it is written; NULL: the map does not have the member. */
const struct zone *load_location(const struct load_scope *scope, const char **ret_name);
void load_silences(struct load *load);
void load_routes(struct load *load);

#endif
