/*
 * Rules: who owns what, and how they are paged. Loaded from a directory of YAML files, checked as a
 * whole, then never changed: a reload makes a new set. Sets are counted references, so that what is
 * in flight keeps the rules that opened it.
 *
 * All texts are the set's, valid while a reference is held. Places are "services.yaml:12".
 */
#ifndef TRACEPAGER_RULES_H
#define TRACEPAGER_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/alert.h"
#include "tracepager/secret.h"
#include "tracepager/signal.h"

struct ruleset;

enum pager_kind_id {
#define PAGER_KIND(id, name, url, key, key_need, url_need, text) PAGER_##id,
#include "tracepager/tbl/pagers.def"
#undef PAGER_KIND
	PAGER_KIND_COUNT
};

struct pager {
	const char *name;
	enum pager_kind_id kind;
	const char *url;   /* the kind's default where the rules have none; NULL where the kind has
			      none */
	struct secret key; /* PagerDuty's routing key, a webhook's secret */
	const char *place;
};

struct escalation_step {
	const struct pager **pagers;
	size_t npagers;
	int64_t wait_us; /* before the next step; 0: none said */
};

/* Kept as the rules have it; only steps[0] is paged so far. */
struct escalation {
	const char *name;
	struct escalation_step *steps;
	size_t nsteps;	     /* at least 1 */
	unsigned int repeat; /* further runs after the first */
	const char *place;
};

struct team {
	const char *name;  /* the key */
	const char *title; /* for people; the key where none is given */
	const char *channel;
	const struct escalation *escalation;
	const char *place;
};

struct service_rule {
	const char *name; /* the key */
	const struct team *owner;
	const char *criticality, *runbook, *dashboard, *reviewed_at; /* NULL: none */
	const char *place;
};

struct signal_rule {
	const char *name;
	struct signal signal;	  /* from = "rule" */
	const struct team *owner; /* NULL: by the service */
	const char *place;
};

/* A route that sends no page. (More comes: routes are ordered exceptions.) */
struct route {
	bool no_page;
	const char *place;
};

/* One problem of a rules file. All of a load are told, in order of file and line. */
enum finding_level {
	FINDING_ERROR,
	FINDING_WARNING,
};

struct finding {
	enum finding_level level;
	const char *code; /* "E012": stable */
	char *file;
	int line, column, width; /* column in characters, 1-based; width of the token for the caret
				    line; all 0: no place */
	char *text;		 /* one line */
	char *source;		 /* the line itself, secrets hidden; NULL where there is none */
	char *hint;		 /* the cure; NULL: none */
};

struct findings {
	struct finding *at;
	size_t n;		   /* at most LIMIT_FINDINGS */
	size_t nerrors, nwarnings; /* of all, told or not */
};
void findings_fini(struct findings *findings);
/* One that is about a whole file, or about no place in it. code is borrowed for good; hint may be
 * NULL. */
void findings_add(struct findings *findings, enum finding_level level, const char *code,
		  const char *file, const char *hint, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
void findings_sort(struct findings *findings); /* by file, line, column; stable */
/* As a compiler prints them: file:line:col: error[E012]: text, the line, a caret, a note. colour:
 * ANSI. */
void findings_write(const struct findings *findings, bool colour, struct buf *out);
/* What a code of the rules means, in one sentence; NULL: there is none. Upper and lower case are
 * the same. */
const char *finding_explain(const char *code);
const char *finding_code(size_t index); /* all of them, in order; NULL at the end */

/*
 * Load paths (files, or directories whose *.yaml and *.yml are read in order of name). *ret_rules
 * is set only without errors; findings are always filled (warnings too). Secret files are read when
 * load_secrets; check on another machine does without. Returns 0, -EINVAL with findings, or -errno
 * with a finding for what could not be read.
 */
int rules_load(const char *const *paths, size_t npaths, bool load_secrets,
	       struct ruleset **ret_rules, struct findings *findings);
/* The same from one text that has a name only; for tests, the fuzzer and embedded defaults. */
int rules_parse(const char *name, const char *text, size_t len, bool load_secrets,
		struct ruleset **ret_rules, struct findings *findings);

struct ruleset *rules_ref(struct ruleset *rules);
void rules_unref(struct ruleset *rules);	     /* takes NULL; any thread */
const char *rules_hash(const struct ruleset *rules); /* hex SHA-256 of what was loaded */

/* The owner's entry of a service. attr() gives the value of a resource attribute by name, or NULL;
 * it may be NULL itself. NULL: nobody owns it. The most specific entry wins: its service without
 * wildcards, then more keys, then more characters that stand for themselves. A missing attribute is
 * "". */
typedef const char *rules_attr(void *ctx, const char *name);
const struct service_rule *rules_service(const struct ruleset *rules, const char *service,
					 const char *namespace, rules_attr *attr, void *ctx);
/* By the names under which callers know it, in this order; *ret_name is the one that matched (may
 * be NULL). Also a service whose own name equals a peer name owns it. HOST:PORT is looked up as it
 * is, then as HOST. */
const struct service_rule *rules_peer(const struct ruleset *rules, const char *const *names,
				      size_t n, const char **ret_name);
/* The signal with the most matchers, then the most literal characters, then the first in order of
 * files. */
const struct signal_rule *rules_signal(const struct ruleset *rules, const struct labels *labels);
const struct route *rules_route(const struct ruleset *rules, const struct alert *alert);
bool rules_knows_service(const struct ruleset *rules,
			 const char *service);			/* some entry or signal names it */
const struct team *rules_fallback(const struct ruleset *rules); /* never NULL */
const struct team *rules_team(const struct ruleset *rules, const char *name);
const struct pager *rules_pager(const struct ruleset *rules, const char *name);
const struct signal_rule *const *rules_signals(const struct ruleset *rules, size_t *ret_n);
/* Names of span attributes that the rules look at, for the decoders. */
const char *const *rules_attr_names(const struct ruleset *rules, size_t *ret_n);
void rules_count(const struct ruleset *rules, size_t *teams, size_t *pagers, size_t *services,
		 size_t *signals);

const char *pager_kind_name(enum pager_kind_id kind);

/* Glob: * any run, ? one character, [abc] a set, \ quotes. Linear in text times stars, no
 * recursion. */
bool glob_match(const char *glob, const char *text);

#endif
