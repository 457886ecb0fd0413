/*
 * Rules: who owns what, and how they are paged. A rule set is loaded from YAML files
 * (rules_load.h), checked as a whole, and never changed afterwards: a reload makes a new one. It
 * is reference-counted, so that an incident keeps the rules that opened it. Look-ups decide
 * nothing about pages: they say which rule applies.
 *
 * All texts and structs that are returned belong to the set, valid while a reference is held.
 * Places are "services.yaml:12". Any thread may call; a trail belongs to one thread.
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
struct zone; /* the clocks of a place: time_interval.h */

enum pager_kind_id {
#define PAGER_KIND(id, name, url, key, key_need, url_need, text) PAGER_##id,
#include "tracepager/tbl/pagers.def"
#undef PAGER_KIND
	PAGER_KIND_COUNT
};

/* Has a page on the console colours? */
enum pager_colour {
	PAGER_COLOUR_AUTO, /* on a terminal that knows colours */
	PAGER_COLOUR_ALWAYS,
	PAGER_COLOUR_NEVER,
};

/* Texts that some kinds have beside url and key; each kind names them as its service does. */
enum pager_text {
	PAGER_TO,   /* who or where: a channel, a chat, a mailbox */
	PAGER_FROM, /* who it comes from */
	PAGER_USER, /* a name beside the key */
	PAGER_TLS,  /* of a mail server: required, opportunistic or none */
	PAGER_CA,   /* the file with the authorities that are trusted */
	PAGER_TEXT_COUNT
};

struct pager {
	const char *name;
	enum pager_kind_id kind;
	const char *texts[PAGER_TEXT_COUNT]; /* NULL: none */
	const char *url;   /* the kind's default where the rules give none; NULL: no address */
	struct secret key; /* PagerDuty's routing key, a webhook's secret; empty: none */
	/* The secrets of what it tells back, two live for a rotation; empty: none. */
	struct secret feedback[LIMIT_LIVE_SECRETS];
	bool no_resolve; /* "resolve: false": its pages are never resolved */
	enum pager_colour colour;
	unsigned int columns; /* of a page on the console; 0: the terminal's */
	const char *place;
	/* Of a webhook: the source of the template that it sends instead of the decision, NULL:
	 * none; what that is; lines "NAME: VALUE\n" of further headers, NULL: none. */
	const char *body, *content_type, *headers;
	/* "by_team: true": what the entry does not give comes from the team that is paged. */
	bool key_by_team, to_by_team;
	/* Then the pager of each team, by team.number; name NULL: the team gives too little. */
	struct pager *teams;
	/* Of the pager of a team: the entry that it was made from. Its name is "ENTRY:TEAM", its
	 * key belongs to the set. */
	const struct pager *entry;
};

/* A step that names a team stands here as the steps of that team's escalation, one run of them. */
struct escalation_step {
	const struct pager **pagers;
	size_t npagers;
	/* Before the next step, the next run or, of the last step, the fallback team. 0: the last
	 * one has no wait, and nobody is paged behind it. */
	int64_t wait_us;
	const struct team *team; /* whose step it is; NULL: the escalation's own */
	bool no_resolve;	 /* "resolve: false": the pages of this step are never resolved */
};

struct escalation {
	const char *name;
	struct escalation_step *steps;
	size_t nsteps;	     /* at least 1 */
	unsigned int repeat; /* runs of all steps after the first run */
	const char *place;
};

struct team {
	const char *name;  /* the key in the rules */
	size_t number;	   /* in its set, from 0 on */
	const char *title; /* for people; the key where the rules give none */
	const char *channel;
	const struct escalation *escalation; /* that of the defaults where the team names none */
	const char *location;		     /* "Europe/Berlin"; NULL: the rules give none, UTC */
	const struct zone *zone;	     /* of the location; NULL: UTC */
	const char *place;
};

/* A text with {names} in it, parsed at load: see template.h. */
struct rule_template;

struct rule_link {
	const char *text;
	const struct rule_template *href;
};

struct service_rule {
	const char *name; /* the key in the rules */
	const struct team *owner;
	const char *criticality, *reviewed_at;		 /* NULL: none */
	const struct rule_template *runbook, *dashboard; /* NULL: none */
	const struct rule_link *links;
	size_t nlinks;
	const char *place;
};

/* The labels that alerts about no traced operation are grouped by. */
struct group_labels {
	const char **names;
	size_t n;	 /* 0: nothing was said */
	bool each_alone; /* [...]: no two alerts are one group */
};

struct signal_rule {
	const char *name;
	struct signal signal; /* from is "rule"; mode and traces are those of the defaults where the
				 rule has none */
	const struct team *owner; /* NULL: the owner of the service */
	/* The confidence that a suspect needs, 0 to 1; 0: the program's default. */
	double threshold;
	/* How long before the alert's start traces are looked for; 0: the option's value. */
	int64_t window_us;
	int64_t resolve_hold_us; /* -1: the rule has none */
	const char *place;
};

/* The defaults. Zero and NULL: the rules do not give a value either. */
struct rule_defaults {
	bool has_severity;
	enum severity severity; /* of alerts whose labels tell no severity */
	const struct escalation *escalation;
	enum walk_mode mode;
	unsigned int traces;
	double threshold;
	int64_t window_us;
	int64_t resolve_hold_us;  /* -1: none is said */
	int64_t regroup_after_us; /* -1: none is said */
	struct group_labels group_by;
	struct group_labels incident_key; /* attributes of a suspect's resource */
	int64_t reviewed_after_us;	  /* age of a review from which W031 warns; 0: never */
	/* Attribute of a suspect's resource whose value is the key of its team; NULL: none. */
	const char *owner_attribute;
	/* What else names the team where no entry does, in this order: "resource.NAME" and
	 * "span.NAME" of the suspect, "label.NAME" of the alert. */
	struct group_labels owner_from;
	const struct rule_template *summary, *details;
};

/* In also_notify, no pager but the team whose operation fails. */
#define RULES_ENTRY_OWNER "entry-owner"

/* A route: an exception, and what it changes of a page. NULL, 0 and false: no change. */
struct route {
	const struct team *team; /* paged instead of the owner */
	const struct escalation *escalation;
	bool has_severity;
	enum severity severity;
	const struct pager **pagers; /* paged instead of the steps of the escalation */
	size_t npagers;
	const struct pager **also_notify; /* paged once, beside the escalation */
	size_t nalso_notify;
	bool notify_entry_owner; /* also_notify: entry-owner */
	const struct rule_template *summary, *details;
	int64_t resolve_hold_us; /* -1: the route has none */
	struct group_labels group_by;
	bool no_page;	/* nobody is paged; then all else is unset */
	bool continues; /* "continue": the routes behind it are tried, too */
	const char *place;
};

/* A silence: alerts that page nobody for a while. */
struct silence {
	int64_t starts_us, ends_us; /* wall time; ends is not part of it; starts 0: since ever */
	const char *reason, *author;
	const char *place;
};

/* The files from which the set was loaded, as they were named, in their order. */
const char *const *rules_files(const struct ruleset *rules, size_t *ret_n);

struct ruleset *rules_ref(struct ruleset *rules);
void rules_unref(struct ruleset *rules); /* takes NULL; frees with the last reference */
/* SHA-256 of the documents that were loaded, in hexadecimal digits. */
const char *rules_hash(const struct ruleset *rules);

/* The texts of those files, for the record: names without directories, the values of secrets
 * crossed out ("xxx"). */
struct rule_text {
	const char *name, *text;
	size_t len;
};
const struct rule_text *rules_texts(const struct ruleset *rules, size_t *ret_n);

/*
 * Which rules a look-up tried, and why they did not match. Look-ups fill a trail where one is
 * passed; NULL costs nothing. Of the rules that did not match the nearest LIMIT_RULES_MISSED are
 * kept, the nearest first: the more of its conditions held, the nearer. With `all` every rule
 * that did not match is kept, in the order of trying.
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
	/* "severity is critical, not info"; of a rule that matched: what it gives. */
	const char *reason;
	unsigned int held; /* share of its conditions that held, in thousandths */
};

struct rule_trail {
	struct arena *arena; /* borrowed; keeps lists and reasons */
	bool all;
	struct rule_try *matched; /* in the order of trying */
	struct rule_try *missed;
	size_t nmatched, nmissed, ntried;
	size_t matched_size, missed_size;
};
void rule_trail_init(struct rule_trail *trail, struct arena *arena, bool all);
/* Records a rule that matched. Texts are borrowed. Takes NULL as the trail. */
void rule_trail_match(struct rule_trail *trail, enum rule_sort sort, const char *name,
		      const char *place, const char *reason);
const char *rule_sort_name(enum rule_sort sort); /* "route" */

/*
 * Hits: how often decisions have named each rule since its set was loaded. These counts are all
 * that changes of a set. Any thread.
 */
/* Counts the rules of a decision's trail that matched. */
void rules_count_hits(const struct ruleset *rules, const struct rule_trail *trail);
struct rule_hit {
	enum rule_sort sort;
	const char *name; /* of a signal or service; else NULL */
	const char *place;
	uint64_t hits;
};
/* The rules that can be hit: *ret_n of them. False: there is none of that number. */
bool rules_hit(const struct ruleset *rules, size_t number, struct rule_hit *ret_hit);
/* Goes on with the counts of a set of the same hash. */
void rules_keep_hits(const struct ruleset *rules, const struct ruleset *before);

/*
 * The entry that owns a service; NULL: none. The most specific one wins: one exact name before
 * globs, then more keys, then more characters that stand for themselves. attr() returns the value
 * of a resource attribute or NULL, which counts as ""; attr itself may be NULL.
 */
typedef const char *rules_attr(void *ctx, const char *name);
const struct service_rule *rules_service(const struct ruleset *rules, const char *service,
					 const char *namespace, rules_attr *attr, void *ctx,
					 struct rule_trail *trail);
/* Does another entry give the same service to another team, by an attribute of its resource? */
bool rules_owner_splits(const struct ruleset *rules, const char *service, const char *namespace,
			const struct team *owner);
/* The resource attributes that tell incidents of one service apart; *ret_n names, borrowed. */
const char *const *rules_incident_key(const struct ruleset *rules, size_t *ret_n);
/* A rules_attr for the resource in which a suspect was seen. ctx: a struct suspect. */
const char *rules_suspect_attr(void *ctx, const char *name);
/*
 * The entry of a peer, by the names that callers' spans have for it, tried in this order; NULL:
 * none. *ret_name (may be NULL) is the name that matched, borrowed from `names`, or from the rules
 * where they list HOST for HOST:PORT. A service whose own name equals a name counts too. HOST:PORT
 * is looked up as it is, then as HOST.
 */
const struct service_rule *rules_peer(const struct ruleset *rules, const char *const *names,
				      size_t n, const char **ret_name);
/* The signal of an alert; NULL: none. Of those that match: the one with the most matchers, then
 * the most characters that stand for themselves, then the first in the files. */
const struct signal_rule *rules_signal(const struct ruleset *rules, const struct labels *labels,
				       struct rule_trail *trail);

/* Labels of an alert that goes to that signal, for a drill of it: `given`, and what else the
 * signal's matchers ask for. Sorted; kept by the arena, or borrowed from the rules. 0; -ENOENT: no
 * such signal; -EINVAL: no such labels can be made; err says why, and the cure. */
int rules_signal_labels(const struct ruleset *rules, struct arena *arena, const char *signal,
			const struct labels *given, struct labels *ret_labels, struct err *err);

/* What routes and silences are asked about. Texts may be NULL. */
struct route_input {
	const struct alert *alert;     /* NULL: no alert, all labels are empty */
	const struct suspect *suspect; /* NULL: no suspect */
	const char *kind;	       /* kind of the suspect, or code of the fallback */
	double confidence;
	enum severity severity;
	const struct team *owner;
	const struct service_rule *service; /* of the suspect; without one, of the signal */
	const struct signal_rule *signal;
	int64_t wall_us;
};

/* What the matching routes make of a page. */
struct routing {
	const struct team *team;	     /* NULL: the owner is paged */
	const struct escalation *escalation; /* NULL: the escalation of the team */
	/* Paged instead of the steps of the escalation; npagers 0: the steps count. */
	const struct pager *const *pagers;
	size_t npagers;
	const struct pager *also_notify[LIMIT_ALSO_NOTIFY]; /* each once */
	size_t nalso_notify;
	bool notify_entry_owner; /* the team whose operation fails is notified too */
	enum severity severity;
	const struct rule_template *summary, *details; /* NULL: no rule gives one */
	int64_t resolve_hold_us;		       /* -1: no route has one */
	const struct group_labels *group_by;	       /* NULL: no route has any */
	const struct route *no_page; /* the route that says "page: none"; NULL: none does */
	const struct route *matched[LIMIT_ROUTES_MATCHED];
	size_t nmatched;
};
/*
 * Pagers by team. A pager that is the same for all teams is its own pager for each of them.
 *
 * NULL: the team gives too little. The load refuses rules in which such a team is paged so; an
 * incident that older rules opened may still ask.
 */
const struct pager *pager_of_team(const struct pager *pager, const struct team *team);
/* Every pager that pages can go to: of one that is by team, the pager of each team instead. */
typedef void pager_viewer(void *ctx, const struct pager *pager);
void rules_each_pager(const struct ruleset *rules, pager_viewer *viewer, void *ctx);
/* The step as it pages the team, or the team whose step it is. A pager for which the team gives too
 * little is left out; where none is left, the step has the pagers of the fallback team's first
 * step. *ret_lost is such a pager, or NULL. The arena keeps what the set does not. */
struct escalation_step step_of_team(struct arena *arena, const struct ruleset *rules,
				    const struct escalation_step *step, const struct team *team,
				    const struct pager **ret_lost);
/* The same of all steps. */
const struct escalation *escalation_of_team(struct arena *arena, const struct ruleset *rules,
					    const struct escalation *escalation,
					    const struct team *team);
/* The same of what routes have named; the escalation is set where it has pagers by team. */
void routing_of_team(struct arena *arena, const struct ruleset *rules, const struct team *team,
		     struct routing *routing);

/*
 * Applies the first route that matches and, while the matching one says "continue", those behind
 * it. A later one adds its also_notify and overrides the rest. Where no route says otherwise: the
 * severity of the input, the templates of the defaults.
 */
void rules_route(const struct ruleset *rules, const struct route_input *input,
		 struct rule_trail *trail, struct routing *ret_routing);
/* The silence that holds an alert at this time; of several the one that ends last; NULL: none. */
const struct silence *rules_silence(const struct ruleset *rules, const struct alert *alert,
				    int64_t wall_us, struct rule_trail *trail);
/* The next start or end of a silence after this time; 0: none begins or ends any more. */
int64_t rules_silence_next_us(const struct ruleset *rules, int64_t wall_us);
/* All silences, in the order of the files. matchers: `alertname="DiskFull", host: db*`, borrowed;
 * false: enough. */
typedef bool rule_silence_viewer(void *ctx, const struct silence *silence, const char *matchers);
void rules_each_silence(const struct ruleset *rules, rule_silence_viewer *viewer, void *ctx);
/* When the time interval of a route ends: within a day, to five minutes; 0: the route names no
 * time. */
int64_t route_over_us(const struct route *route, int64_t wall_us);
/* Is it certain before any trace that nobody is paged? By a silence, or by a route that says
 * "page: none", where neither it nor a route before it depends on a suspect. */
bool rules_unpaged(const struct ruleset *rules, const struct alert *alert, int64_t wall_us);
const struct rule_defaults *rules_defaults(const struct ruleset *rules);
/* The severity by the alert's labels, else by the defaults, else error. */
enum severity rules_severity(const struct ruleset *rules, const struct alert *alert);
/* Does some entry or signal name this service? */
bool rules_knows_service(const struct ruleset *rules, const char *service);
const struct team *rules_fallback(const struct ruleset *rules); /* never NULL */
const struct team *rules_team(const struct ruleset *rules, const char *name);
/* The team at *pos, which goes on to the next one; *pos is 0 for the first. NULL: there are no
 * more. */
const struct team *rules_each_team(const struct ruleset *rules, size_t *pos);
#define HOURS_PER_WEEK 168
/* The hour of the week by the clocks of the team's location, 0 to HOURS_PER_WEEK - 1: 0 is Monday
 * from 00:00 to 01:00. team NULL: UTC. */
unsigned int team_week_hour(const struct team *team, int64_t wall_us);
const struct pager *rules_pager(const struct ruleset *rules, const char *name);
const struct pager *rules_pagers(const struct ruleset *rules, size_t *ret_n); /* an array */
const struct escalation *rules_escalation(const struct ruleset *rules, const char *name);
const struct signal_rule *const *rules_signals(const struct ruleset *rules, size_t *ret_n);
/* All entries, in the order of the files. *ret_n of them. */
const struct service_rule *const *rules_services(const struct ruleset *rules, size_t *ret_n);
/* Names of span attributes that signals ask for: decoders keep these. */
const char *const *rules_attr_names(const struct ruleset *rules, size_t *ret_n);
enum rules_section {
	RULES_TEAMS,
	RULES_PAGERS,
	RULES_ESCALATIONS,
	RULES_SIGNALS,
};
/* Does the section define the name? Where not, *ret_nearest is the name that was probably
 * meant, or NULL. */
bool rules_has_name(const struct ruleset *rules, enum rules_section section, const char *name,
		    const char **ret_nearest);
void rules_count(const struct ruleset *rules, size_t *teams, size_t *pagers, size_t *services,
		 size_t *signals);

const char *pager_kind_name(enum pager_kind_id kind);

#endif
