/*
 * What the files of the rules engine share: characters, findings, matchers, and the set as it is in
 * memory.
 */
#ifndef TRACEPAGER_RULES_INTERNAL_H
#define TRACEPAGER_RULES_INTERNAL_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tracepager/arena.h"
#include "tracepager/buf.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/rules.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"

/* ytext.c: characters. */
#define YTEXT_BAD UINT32_MAX /* not UTF-8 */
/* The character at `at` (before end); returns its bytes, 1 for a bad one. */
size_t ytext_char(const char *at, const char *end, uint32_t *ret_char);
/* Bytes of the line break at `at` as YAML 1.1 knows it, or 0. */
size_t ytext_break(const char *at, const char *end);
/* Add a character as a terminal may have it; returns the cells that it takes there. */
size_t ytext_show_char(struct buf *out, const char *at, size_t len, uint32_t c);
void ytext_show(struct buf *out, const char *text);

/* findings.c */
struct finding_place {
	enum finding_level level;
	const char *code, *file;
	int line, column, width;
	const char *source, *hint; /* may be NULL */
};
void findings_vadd(struct findings *findings, const struct finding_place *place, const char *format,
		   va_list args) __attribute__((format(printf, 3, 0)));

/* glob.c */
bool glob_is_valid(const char *glob); /* every [ has its ], no \ at the end */
/* The only text that it matches, kept by the arena; NULL: it has a wildcard. */
const char *glob_literal(struct arena *arena, const char *glob);
unsigned int glob_literals(const char *glob); /* characters that stand for themselves */
/* What every match begins with, kept by the arena. */
const char *glob_prefix(struct arena *arena, const char *glob);
/* Is there a text that both match? May say yes for two different [sets]; never no where there is
 * one. */
bool glob_overlap(const char *a, const char *b);

/* matchers.c */
struct pcre2_real_code_8;
enum rule_op {
	RULE_GLOB,
	RULE_EQUAL,
	RULE_NOT_EQUAL,
	RULE_REGEX,
	RULE_NOT_REGEX,
};
struct rule_matcher {
	enum rule_op op;
	const char *name, *value;
	struct pcre2_real_code_8 *regex; /* NULL: none */
};
struct rule_matchers {
	struct rule_matcher *at; /* heap */
	size_t n;
};
void matchers_fini(struct rule_matchers *matchers);
/* Add the matchers of one text in Alertmanager's syntax; texts are kept by the arena. 0, or
 * -EINVAL, or -EDOM where a regular expression is wrong; then nothing was added. */
int matchers_parse(struct arena *arena, const char *text, struct rule_matchers *matchers,
		   struct err *err);
/* Add one; name and value are borrowed. 0, or -EDOM where the regular expression is wrong. */
int matchers_add(struct rule_matchers *matchers, enum rule_op op, const char *name,
		 const char *value, struct err *err);
/* All hold. A label that is not there is the empty text. A regular expression that costs too much
 * does not hold. */
bool matchers_match(const struct rule_matchers *matchers, const struct labels *labels);
unsigned int matchers_literals(const struct rule_matchers *matchers);

/* The set. */
struct service_key {
	const char *name; /* "service", "namespace", or a resource attribute */
	const char *glob;
	const char *literal; /* the only text that it matches; NULL: a true glob */
};
struct service_entry {
	struct service_rule rule;
	struct service_key *keys; /* service and namespace among them */
	size_t nkeys;
	const char *service; /* the only name that it matches; NULL: several */
	const char *prefix;  /* what the names that it matches begin with */
	const char **peers;
	size_t npeers;
	unsigned int literals, nexact; /* over all keys */
	size_t rank;		       /* in service_order */
};
struct signal_entry {
	struct signal_rule rule;
	struct rule_matchers alerts;
	unsigned int literals;
	size_t index; /* in order of loading */
};
struct route_entry {
	struct route route;
	struct rule_matchers when;
};
/* The entries that name one service exactly, or whose globs begin alike; the most specific first.
 */
struct service_bucket {
	struct service_entry **at;
	size_t n;
};

struct ruleset {
	atomic_uint refs;
	struct arena *arena;
	char hash[65];
	struct pager *pagers;
	struct escalation *escalations;
	struct team *teams;
	struct service_entry *services;
	struct signal_entry *signals;
	struct route_entry *routes;
	size_t npagers, nescalations, nteams, nservices, nsignals, nroutes;
	const struct team *fallback;
	const char **attr_names;
	size_t nattr_names;
	struct service_entry *
		*service_order; /* exact ones by name, then the others; the more specific first */
	size_t nexact;		/* of service_order */
	struct signal_entry **signal_order; /* the more specific first */
	const struct signal_rule **signal_list;
	struct map *team_map, *pager_map;
	struct map *service_map; /* name → struct service_bucket */
	struct map *peer_map;	 /* name → struct service_entry */
	/* What a glob begins with → struct service_bucket; and which lengths that has (bit 63: that
	 * or more). So a look-up tries the few globs that begin as the name does, not all. */
	struct map *prefix_map;
	uint64_t prefix_lengths;
};

/* ruleset.c. compare: negative: a is more specific; 0: a tie. overlap: some service matches both.
 */
int service_compare(const struct service_entry *a, const struct service_entry *b);
bool service_overlap(const struct service_entry *a, const struct service_entry *b);
struct ruleset *ruleset_new(size_t cap_bytes);	    /* one reference */
void ruleset_order_services(struct ruleset *rules); /* fills service_order */
void ruleset_index(
	struct ruleset *rules); /* everything else that look-ups need; last step of a load */

#endif
