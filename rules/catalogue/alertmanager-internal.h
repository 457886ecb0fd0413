/*
 * What the files of the Alertmanager importer share. alertmanager.c reads a configuration,
 * alertmanager_pagers.c its notifiers, alertmanager_routes.c makes a list of rules of its tree of
 * routes, by the algebra of alertmanager_rules.c; alertmanager_resolve.c names teams, and
 * alertmanager_write.c writes all. No secret of a configuration is kept beyond the document that
 * was read. All is kept by the arena of the catalogue, but for lists and matchers, which am_free()
 * frees.
 */
#ifndef TRACEPAGER_ALERTMANAGER_INTERNAL_H
#define TRACEPAGER_ALERTMANAGER_INTERNAL_H

#include "catalogue-internal.h"
#include "tracepager/matchers.h"

#define AM_MEMBERS 8u /* of one pager; the largest kind has six */

struct am_member {
	const char *name, *value;
};
struct am_pager {
	const char *key, *kind;
	struct am_member members[AM_MEMBERS];
	size_t n;
	bool no_resolve;
	const char *note; /* for the comment; NULL: none */
	struct cat_place place;
};

struct am_receiver {
	const char *name;
	struct cat_list pagers; /* struct am_pager */
	bool lost;		/* it has notifiers, but none that can be a pager */
	const char *channel;	/* of chat; NULL: none */
	bool routed;		/* a route leads to it */
	const char *label;	/* the team that all routes to it name in a label; NULL: none */
	struct cat_place place;
	/* Set by am_resolve(): */
	const char *team;	/* key; NULL: it pages nobody */
	const char *escalation; /* key; NULL: that of another receiver, or of other rules */
	bool leads;		/* its escalation is the team's */
};

/* A rule of the list: the first whose conditions hold decides. */
struct am_rule {
	const struct rule_matcher **at;
	size_t n;
	const struct ynode *times; /* list of names, of which one must hold; NULL: any time */
	struct am_receiver **to;   /* the last one is the team that is paged */
	size_t nto;		   /* 0: nobody is paged */
	bool goes_on;		   /* adds its receivers; the rules behind it are tried too */
	bool root;		   /* what the root route says of alerts without a route */
	const struct ynode *group_by;
	struct cat_place place;
};

struct am_time {
	const char *name;
	const struct ynode *list;
	struct cat_place place;
};

struct am {
	struct cat_list receivers; /* struct am_receiver */
	struct cat_list rules;	   /* struct am_rule */
	struct cat_list times;	   /* struct am_time */
	struct cat_list matchers;  /* struct rule_matchers, heap */
	struct cat_list teams;	   /* struct am_receiver that lead a team */
	struct map *files;	   /* files of secrets that a loss names already */
	struct map *time_names, *escalation_keys;
	const struct am_receiver *root; /* of the first configuration; NULL: none was read */
	const struct ynode *group_by;	/* of its root route */
	const char *fallback;		/* key of a team; NULL: none */
	bool stand_in;			/* the fallback is a console: nothing else can be paged */
};

/* One configuration while it is read. */
struct am_config {
	struct catalogue *catalogue;
	struct am *am;
	const struct ydoc *doc;
	const struct ynode *root, *global;
	struct map *receivers; /* by name: names are unique in one configuration only */
};

/* ---- alertmanager_pagers.c ---- */

/* Adds the pagers of a receiver; what is no pager becomes a loss. */
void am_read_pagers(const struct am_config *config, const struct ynode *node,
		    struct am_receiver *receiver);

/* ---- alertmanager_rules.c: pure, but for the arena ---- */

/* Both conditions, and both receivers, those of b behind those of a. NULL: no alert meets both. A
 * loss where two sets of times meet, of which only those of a are kept. */
struct am_rule *am_both(const struct am_config *config, const struct am_rule *a,
			const struct am_rule *b);
/* Adds the rules of a list, of which those that are never reached are left out. */
void am_append(struct cat_list *list, const struct cat_list *more);
void am_drop_unreached(struct cat_list *list);

/* ---- alertmanager_routes.c ---- */

void am_read_routes(const struct am_config *config);

#endif
