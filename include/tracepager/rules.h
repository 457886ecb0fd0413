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
#include "tracepager/arena.h"
#include "tracepager/limits.h"
#include "tracepager/secret.h"
#include "tracepager/signal.h"
#include "tracepager/walk.h"

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
	const struct escalation *escalation; /* the default one where the team names none */
	const char *place;
};

/* A text with {names} in it, checked at load: see template.h. */
struct rule_template;

struct rule_link {
	const char *text;
	const struct rule_template *href;
};

struct service_rule {
	const char *name; /* the key */
	const struct team *owner;
	const char *criticality, *reviewed_at;		 /* NULL: none */
	const struct rule_template *runbook, *dashboard; /* NULL: none */
	const struct rule_link *links;
	size_t nlinks;
	const char *place;
};

struct signal_rule {
	const char *name;
	struct signal signal;	  /* from = "rule"; mode and traces are the defaults' where the rule
				     says none */
	const struct team *owner; /* NULL: by the service */
	double threshold;	  /* confidence below which no suspect stands; 0: the program's */
	int64_t window_us; /* before the alert's start, in which traces are looked for; 0: the
			      option's */
	const char *place;
};

/* What holds where nothing else is said. Zero and NULL: the rules say nothing either. */
struct rule_defaults {
	bool has_severity;
	enum severity severity; /* of alerts whose labels tell none */
	const struct escalation *escalation;
	enum walk_mode mode;
	unsigned int traces;
	double threshold;
	int64_t window_us;
	int64_t reviewed_after_us;   /* an entry that was reviewed so long ago is to be looked at */
	const char *owner_attribute; /* of a suspect's resource: the key of its team; NULL: none */
	const struct rule_template *summary, *details;
};

/* An ordered exception: what it changes of a page. NULL, 0 and false: it leaves that as it is. */
struct route {
	const struct team *team; /* who is paged instead of the owner */
	const struct escalation *escalation;
	bool has_severity;
	enum severity severity;
	const struct pager **pagers; /* instead of the escalation's steps */
	size_t npagers;
	const struct pager **also_notify; /* once, beside the escalation */
	size_t nalso_notify;
	const struct rule_template *summary, *details;
	bool no_page; /* alone: with it nothing else is changed */
	bool goes_on; /* routes behind it are tried too */
	const char *place;
};

/* Alerts that are kept quiet for a while, and by whom. */
struct silence {
	int64_t starts_us, ends_us; /* wall; [starts, ends); starts 0: from ever */
	const char *reason, *author;
	const char *place;
};

/* The files that the set came from, as they were named, in their order. */
const char *const *rules_files(const struct ruleset *rules, size_t *ret_n);

struct ruleset *rules_ref(struct ruleset *rules);
void rules_unref(struct ruleset *rules);	     /* takes NULL; any thread */
const char *rules_hash(const struct ruleset *rules); /* hex SHA-256 of what was loaded */

/* The files that were loaded, in their order, for the record: with the values of secrets crossed
 * out ("xxx"), by the look of their lines. Names are without directories. */
struct rule_text {
	const char *name, *text;
	size_t len;
};
const struct rule_text *rules_texts(const struct ruleset *rules, size_t *ret_n);

/*
 * Why: every rule that a look-up tried. Filled by the look-ups where one is given; NULL costs
 * nothing. Of those that did not match the nearest are kept, best first: the more of its conditions
 * held, the nearer. With `all`, every rule that did not match is kept, in the order of trying.
 */
enum rule_sort {
	RULE_SIGNAL,
	RULE_SERVICE,
	RULE_SILENCE,
	RULE_ROUTE,
};

struct rule_try {
	enum rule_sort sort;
	const char *name;  /* of a signal or service; else NULL */
	const char *place; /* "routes.yaml:14" */
	const char
		*reason; /* "severity is critical, not info"; of one that matched: what it gives */
	unsigned int held; /* conditions that held, in thousandths of all */
};

struct rule_trail {
	struct arena *arena; /* borrowed; keeps the reasons */
	bool all;
	struct rule_try *matched; /* in order of trying */
	struct rule_try *missed;
	size_t nmatched, nmissed, ntried;
	size_t matched_size, missed_size;
};
void rule_trail_init(struct rule_trail *trail, struct arena *arena, bool all);
/* One that matched; texts are borrowed. Takes NULL as the trail. */
void rule_trail_match(struct rule_trail *trail, enum rule_sort sort, const char *name,
		      const char *place, const char *reason);
const char *rule_sort_name(enum rule_sort sort); /* "route" */

/* The owner's entry of a service. attr() gives the value of a resource attribute by name, or NULL;
 * it may be NULL itself. NULL: nobody owns it. The most specific entry wins: its service without
 * wildcards, then more keys, then more characters that stand for themselves. A missing attribute is
 * "". */
typedef const char *rules_attr(void *ctx, const char *name);
const struct service_rule *rules_service(const struct ruleset *rules, const char *service,
					 const char *namespace, rules_attr *attr, void *ctx,
					 struct rule_trail *trail);
/* For it: the resource that a suspect was seen in. ctx: a struct suspect. */
const char *rules_suspect_attr(void *ctx, const char *name);
/* By the names under which callers know it, in this order; *ret_name is the one that matched (may
 * be NULL). Also a service whose own name equals a peer name owns it. HOST:PORT is looked up as it
 * is, then as HOST. */
const struct service_rule *rules_peer(const struct ruleset *rules, const char *const *names,
				      size_t n, const char **ret_name);
/* The signal with the most matchers, then the most literal characters, then the first in order of
 * files. */
const struct signal_rule *rules_signal(const struct ruleset *rules, const struct labels *labels,
				       struct rule_trail *trail);

/* What is known of a page when silences and routes are asked. Texts may be NULL. */
struct route_input {
	const struct alert *alert;     /* NULL: none; then its labels are "" */
	const struct suspect *suspect; /* NULL: none */
	const char *kind;	       /* the suspect's, or the fallback's code */
	double confidence;
	enum severity severity;
	const struct team *owner;
	const struct service_rule *service; /* the suspect's, else the signal's */
	const struct signal_rule *signal;
	int64_t wall_us;
};

/* What the routes that matched make of a page, together. */
struct routing {
	const struct team *team;	     /* NULL: the owner stays */
	const struct escalation *escalation; /* NULL: the team's */
	const struct pager *const *pagers;   /* instead of steps; n 0: the escalation's */
	size_t npagers;
	const struct pager *also_notify[LIMIT_ALSO_NOTIFY]; /* each once */
	size_t nalso_notify;
	enum severity severity;
	const struct rule_template *summary, *details; /* NULL: none said */
	const struct route *no_page;		       /* the route that says so; NULL: none */
	const struct route *matched[LIMIT_ROUTES_MATCHED];
	size_t nmatched;
};
/* The first route that matches, and while it says so those behind it; a later one adds its
 * also_notify and overrides the rest. The defaults' templates and the input's severity stand where
 * no route says anything. */
void rules_route(const struct ruleset *rules, const struct route_input *input,
		 struct rule_trail *trail, struct routing *ret_routing);
/* The silence that ends last of those that hold an alert at this time; NULL: none does. */
const struct silence *rules_silence(const struct ruleset *rules, const struct alert *alert,
				    int64_t wall_us, struct rule_trail *trail);
/* When its time of day is over, at most a day ahead and within five minutes; 0: it names none. */
int64_t route_over_us(const struct route *route, int64_t wall_us);
/* Is it certain before any trace was looked at that nobody is paged: by a silence, or by a route
 * whose conditions, and those of all before it, need no suspect? */
bool rules_unpaged(const struct ruleset *rules, const struct alert *alert, int64_t wall_us);
const struct rule_defaults *rules_defaults(const struct ruleset *rules);
/* What an alert's labels say, else the defaults, else error. */
enum severity rules_severity(const struct ruleset *rules, const struct alert *alert);
bool rules_knows_service(const struct ruleset *rules,
			 const char *service);			/* some entry or signal names it */
const struct team *rules_fallback(const struct ruleset *rules); /* never NULL */
const struct team *rules_team(const struct ruleset *rules, const char *name);
const struct pager *rules_pager(const struct ruleset *rules, const char *name);
const struct signal_rule *const *rules_signals(const struct ruleset *rules, size_t *ret_n);
/* All entries, in the order of the files. */
const struct service_rule *const *rules_services(const struct ruleset *rules, size_t *ret_n);
/* Names of span attributes that the rules look at, for the decoders. */
const char *const *rules_attr_names(const struct ruleset *rules, size_t *ret_n);
enum rules_section {
	RULES_TEAMS,
	RULES_PAGERS,
	RULES_ESCALATIONS,
	RULES_SIGNALS,
};
/* Is there such a name? Where not, *ret_nearest is the one that was probably meant, or NULL. */
bool rules_has_name(const struct ruleset *rules, enum rules_section section, const char *name,
		    const char **ret_nearest);
void rules_count(const struct ruleset *rules, size_t *teams, size_t *pagers, size_t *services,
		 size_t *signals);

const char *pager_kind_name(enum pager_kind_id kind);

#endif
