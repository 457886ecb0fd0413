/*
 * The rule set as it is in memory: for the folders of rules/ that build and check it. Everybody
 * else sees rules.h only. A load fills the lists, calls ruleset_order_services() and
 * ruleset_index(), and nothing changes the set afterwards: any thread may read it. The set owns all
 * that it points at.
 */
#ifndef TRACEPAGER_RULESET_H
#define TRACEPAGER_RULESET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/hash.h"
#include "tracepager/matchers.h"
#include "tracepager/rules.h"
#include "tracepager/time_interval.h"

/* ---- pager kinds ---- */

enum pager_need {
	PAGER_NONE,
	PAGER_OPTIONAL,
	PAGER_REQUIRED,
};
/* What a pager of this kind may and must have. */
struct pager_options {
	const char *name;
	const char *url; /* default; NULL: none */
	const char *key; /* the option with its secret: "routing_key"; NULL: none */
	enum pager_need key_need, url_need;
};
/* The secret of the kind's second way to its service: "token"; NULL: it has one way. */
const char *pager_kind_way(enum pager_kind_id kind);
const struct pager_options *pager_kind_options(enum pager_kind_id kind);
/* Has this kind the member `name` of the rules beside url and key? */
bool pager_kind_has(enum pager_kind_id kind, const char *name);
/* The member of the rules that is this text of the kind; NULL: it has none. */
const char *pager_kind_text(enum pager_kind_id kind, enum pager_text which,
			    enum pager_need *ret_need);
/* The first kind with the same key option: a team gives the key of all these kinds once. */
enum pager_kind_id pager_kind_of_key(enum pager_kind_id kind);
/* Is it an option by which a team gives its part of a pager by team? */
bool pager_option_of_team(const char *name);
/* Does it escalate by itself, without telling us who has answered? */
bool pager_kind_escalates(enum pager_kind_id kind);

/* What a team gives to pagers by team. */
struct team_paging {
	struct secret keys[PAGER_KIND_COUNT]; /* by pager_kind_of_key() */
	const char *to[PAGER_KIND_COUNT];     /* of a kind that has such a text; NULL: none */
	bool gives_key[PAGER_KIND_COUNT], gives_to[PAGER_KIND_COUNT]; /* rightly or wrongly */
};

/* ---- services ---- */

struct service_key {
	const char *name; /* "service", "namespace", or a resource attribute */
	const char *glob;
	const char *literal; /* the only text that it matches; NULL: the glob has a wildcard */
};
struct service_entry {
	struct service_rule rule; /* first: look-ups hand it out */
	struct service_key *keys; /* all must match; service and namespace among them */
	size_t nkeys;
	const char *service; /* the only service name that it matches; NULL: several */
	const char *prefix;  /* what every service name that it matches begins with */
	const char **peers;
	size_t npeers;
	unsigned int literals, nexact; /* over all keys */
	size_t rank;		       /* in service_order */
	bool has_attrs;		       /* keys beside service and namespace */
};
/* Negative: `a` is more specific than `b`; 0: a tie. */
int service_compare(const struct service_entry *a, const struct service_entry *b);
/* Can some service match both entries? */
bool service_overlap(const struct service_entry *a, const struct service_entry *b);

/* The entries that name one service exactly, or whose globs begin alike; the most specific first.
 */
struct service_bucket {
	struct service_entry **at;
	size_t n;
};

/* ---- signals and silences ---- */

struct signal_entry {
	struct signal_rule rule;
	struct rule_matchers alerts;
	unsigned int literals;
	size_t index; /* in order of loading */
};
struct silence_entry {
	struct silence silence;
	struct rule_matchers matchers;
};

/* ---- routes ---- */

/* What a condition of a route looks at. */
enum when_field {
	WHEN_LABEL,
	WHEN_SEVERITY, /* from here on, fields of the input that have one value */
	WHEN_SENDER,
	WHEN_OWNER,
	WHEN_SIGNAL,
	WHEN_CRITICALITY,
	WHEN_KIND,
	WHEN_SUSPECT_SERVICE, /* from here on, of the suspect */
	WHEN_SUSPECT_NAMESPACE,
	WHEN_SUSPECT_OPERATION,
	WHEN_SUSPECT_KIND,
	WHEN_SUSPECT_CRITICALITY,
	WHEN_SUSPECT_CALLEE,
	WHEN_SUSPECT_ERROR,
	WHEN_SUSPECT_ATTR,
};
/* A condition: one of its globs must match the field. */
struct when_word {
	enum when_field field;
	const char *name; /* as the rules say it: "suspect.service", "env" */
	const char **globs;
	const char **literals; /* the only texts that they match; NULL: one has a wildcard */
	size_t n;
	unsigned int slot; /* conditions of all routes on the same field and name have the same */
	/* What every text begins with that meets the condition: tells most misses without a look
	 * at the globs. */
	unsigned char nplain;
	char plain[8];
};
struct number_test {
	char op[3]; /* ">=", ">", "<=", "<", "=" */
	double value;
};
struct route_entry {
	/* The conditions come first, within one line of the processor's cache: a look-up reads
	 * these of many routes. */
	struct when_word *words;
	size_t nwords;
	struct rule_matchers labels;
	unsigned int *slots; /* of each of these matchers, as of a condition on its label */
	size_t nconfidence;
	const struct time_set **times; /* one of them must hold; n 0: any time */
	size_t ntimes;
	struct number_test *confidence;
	bool late; /* some condition is about what only traces or rules tell */
	struct route route;
};

/* ---- the set ---- */

/* Which of many entries can match at all, found by the texts that they name exactly. */
struct picks {
	struct map *map; /* field, name and text → struct pick_bucket */
	uint32_t *always;
	size_t nalways;
};

/* How often decisions named a rule. Two rules may stand at one place: they are told apart by the
 * text of their entry, by its address. */
struct hit_count {
	const char *place;
	atomic_uint_fast64_t *n;
};

struct ruleset {
	atomic_uint refs;
	struct arena *arena;
	char hash[65];
	struct rule_text *texts;
	size_t ntexts;
	const char **files;
	size_t nfiles;
	struct pager *pagers;
	struct escalation *escalations;
	struct team *teams;
	struct team_paging *paging; /* of each team; its secrets are the set's */
	struct service_entry *services;
	struct signal_entry *signals;
	struct route_entry *routes;
	struct silence_entry *silences;
	struct time_set *times;
	size_t npagers, nescalations, nteams, nservices, nsignals, nroutes, nsilences, ntimes;
	struct rule_defaults defaults;
	const struct team *fallback;

	/* Indexes, made by ruleset_order_services() and ruleset_index(). */
	const char **attr_names;
	size_t nattr_names;
	/* Entries for one service by name, then the others; the more specific first. */
	struct service_entry **service_order;
	struct service_entry **attr_entries; /* those with has_attrs */
	size_t nattr_entries;
	size_t nexact;			    /* of service_order */
	struct signal_entry **signal_order; /* the more specific first */
	struct picks signal_picks;	    /* of signal_order */
	struct picks route_picks;	    /* of routes */
	struct picks early_picks; /* of routes, by what is known of an alert before its traces */
	bool has_no_page;	  /* some route says "page: none" */
	const struct signal_rule **signal_list;
	const struct service_rule **service_list;
	struct map *team_map, *pager_map;
	struct map *service_map;     /* name → struct service_bucket */
	struct map *peer_map;	     /* name → struct service_entry */
	struct hit_count *hits;	     /* by the address of the place */
	atomic_uint_fast64_t *nhits; /* by number */
	size_t nhit_counts;
	/* What a glob begins with → struct service_bucket. prefix_lengths has bit N set where some
	 * prefix has N bytes (bit 63: 63 or more), so that a look-up tries only prefixes of a
	 * length that exists. */
	struct map *prefix_map;
	uint64_t prefix_lengths;
};

/* An empty set with one reference; cap_bytes limits its arena. */
struct ruleset *ruleset_new(size_t cap_bytes);
/* Fills service_order, by which a load looks for ties. */
void ruleset_order_services(struct ruleset *rules);
/* Makes all other indexes: the last step of a load. */
void ruleset_index(struct ruleset *rules);
/* The part of it that counts hits. */
void ruleset_index_hits(struct ruleset *rules);

#endif
