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
#include "tracepager/err.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/rules.h"
#include "tracepager/template.h"
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

/* load_values.c: a whole URL of HTTP. Enough to find slips: the HTTP client knows the rest. */
bool is_url(const char *text);

/* ydoc.c: a regular file's bytes, or -errno. Caller frees. */
int ydoc_slurp(const char *path, char **ret_text, size_t *ret_len);

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
/* Does a match every text that b matches? May say no for different [sets]; never yes where one is
 * missed. */
bool glob_covers(const char *a, const char *b);
/* All texts that it matches, kept by the arena; 0: they are more than `most`, or not ASCII. */
size_t glob_texts(struct arena *arena, const char *glob, const char **texts, size_t most);

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
	const char *literal;		 /* the only text that holds; NULL: several do */
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
/* Name and glob are borrowed. */
void matchers_add_glob(struct arena *arena, struct rule_matchers *matchers, const char *name,
		       const char *glob);
/* All hold. A label that is not there is the empty text. A regular expression that costs too much
 * does not hold. */
bool matchers_match(const struct rule_matchers *matchers, const struct labels *labels);
bool matcher_matches(const struct rule_matcher *matcher, const struct labels *labels);
/* Why one does not hold, for people; kept by the arena. */
const char *matcher_reason(struct arena *arena, const struct rule_matcher *matcher,
			   const struct labels *labels);
bool matcher_holds(const struct rule_matcher *matcher, const char *value);
unsigned int matchers_literals(const struct rule_matchers *matchers);
struct pick_sink;
void matchers_offer(const struct rule_matchers *matchers, struct pick_sink *sink);

/* imply.c: what conditions say about each other, without an alert. Each is true only where it is
 * sure. */
bool matcher_always(const struct rule_matcher *matcher);
/* No labels can meet both. Where they are about different labels: false. */
bool matchers_contradict(struct arena *arena, const struct rule_matcher *a,
			 const struct rule_matcher *b);
/* They are about the same label, and where b holds, a holds. */
bool matcher_covers(struct arena *arena, const struct rule_matcher *a,
		    const struct rule_matcher *b);

/* The set. */
struct service_key {
	const char *name; /* "service", "namespace", or a resource attribute */
	const char *glob;
	const char *literal; /* the only text that it matches; NULL: a true glob */
};
struct service_entry {
	struct service_rule rule; /* first: look-ups hand it out */
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
struct silence_entry {
	struct silence silence;
	struct rule_matchers matchers;
};

/* route.c. What a condition of a route looks at. */
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
/* One of the globs must match. */
struct when_word {
	enum when_field field;
	const char *name; /* as the rules say it: "suspect.service", "env" */
	const char **globs;
	const char **literals; /* the only texts that they match; NULL: one has a wildcard */
	size_t n;
};
struct number_test {
	char op[3]; /* ">=", ">", "<=", "<", "=" */
	double value;
};
struct route_entry {
	struct route route;
	struct when_word *words;
	size_t nwords;
	struct rule_matchers labels;
	struct number_test *confidence;
	size_t nconfidence;
	const struct time_set **times; /* one of them must hold; n 0: any time */
	size_t ntimes;
	bool late; /* some condition is about what only traces or rules tell */
};
bool number_test_holds(const struct number_test *test, double value);

/* zone.c, zone_rule.c: the clocks of a place, from a file of the time zone database. */
struct zone;
/* Reads DIRECTORY/NAME. Returns the zone, kept by the arena, or NULL with err; err's code is
 * ENOENT where there is no such place, and ENOTDIR where there is no database at all. */
const struct zone *zone_read(struct arena *arena, const char *directory, const char *name,
			     struct err *err);
/* From the bytes of a file (RFC 8536). */
const struct zone *zone_parse(struct arena *arena, const char *bytes, size_t len, struct err *err);
/* Seconds that its clocks are ahead of UTC at this time (seconds since 1970). */
int32_t zone_offset_s(const struct zone *zone, int64_t unix_s);
/* A POSIX TZ text, as the footer of such a file has it: for times after its last change. */
struct zone_rule_day {
	enum { ZONE_JULIAN, ZONE_DAY, ZONE_WEEKDAY } form; /* Jn, n, Mm.w.d */
	int month, week, day;
	int32_t time_s;
};
struct zone_rule {
	int32_t standard_s, summer_s; /* ahead of UTC */
	bool has_summer;
	struct zone_rule_day begins, ends;
};
int zone_rule_parse(const char *text, struct zone_rule *ret_rule);
int32_t zone_rule_offset_s(const struct zone_rule *rule, int64_t unix_s);

/* calendar.c: the proleptic Gregorian calendar. */
struct civil {
	int64_t year;
	int month, day, weekday; /* 1 to 12, 1 to 31, 0 (sunday) to 6 */
	int minute;		 /* of the day */
};
int64_t civil_days(int64_t year, int month, int day); /* since 1970-01-01 */
void civil_of(int64_t seconds, struct civil *ret_civil);
int civil_month_days(int64_t year, int month);

/* interval.c: Alertmanager's time intervals. An empty list holds always. */
struct interval_range {
	int first, last; /* inclusive; times of day in minutes, the last one exclusive */
};
struct interval_ranges {
	struct interval_range *at;
	size_t n;
};
struct time_interval {
	struct interval_ranges times, weekdays, days_of_month, months, years;
	const struct zone *zone; /* NULL: UTC */
};
/* What a name of time_intervals stands for: one of them must hold. */
struct time_set {
	const char *name, *place;
	struct time_interval *at;
	size_t n;
};
bool time_interval_contains(const struct time_interval *interval, int64_t wall_us);
bool time_set_contains(const struct time_set *set, int64_t wall_us);
enum interval_field {
	INTERVAL_WEEKDAYS,
	INTERVAL_DAYS_OF_MONTH,
	INTERVAL_MONTHS,
	INTERVAL_YEARS,
};
/* "monday", "monday:friday", "-3:-1"; 0, or -EINVAL with err. */
int interval_range_parse(enum interval_field field, const char *text,
			 struct interval_range *ret_range, struct err *err);
int interval_clock_parse(const char *text, int *ret_minute); /* "09:30"; 0 or -EINVAL */

/* picks.c: which of many entries can match at all, found by the texts that they name exactly. */
struct picks {
	struct map *map; /* field, name and text → struct pick_bucket */
	uint32_t *always;
	size_t nalways;
};
struct pick_bucket {
	uint32_t *at; /* entries, rising */
	size_t n;
};
/* While it is built: tells the conditions of an entry that only `n` texts can fulfil. */
void pick_offer(struct pick_sink *sink, unsigned int field, const char *name,
		const char *const *texts, size_t n);
void picks_build(struct picks *picks, size_t n,
		 void (*offer)(const void *ctx, size_t entry, struct pick_sink *sink),
		 const void *ctx);
void picks_fini(struct picks *picks);
#define PICK_BUCKETS_MAX (LIMIT_LABELS + 2 * WHEN_SUSPECT_ATTR)
/* A walk through those that can match, in their order. */
struct pick_walk {
	const struct picks *picks;
	struct pick_bucket buckets[PICK_BUCKETS_MAX + 1];
	size_t nbuckets;
	uint32_t next; /* nothing before it comes any more */
};
void pick_walk_init(struct pick_walk *walk, const struct picks *picks);
void pick_walk_add(struct pick_walk *walk, unsigned int field, const char *name, const char *text);
void pick_walk_labels(struct pick_walk *walk, const struct labels *labels);
size_t pick_walk_next(struct pick_walk *walk); /* SIZE_MAX at the end */

/* "severity is critical, not info": kept by the arena. */
const char *trail_reason(struct arena *arena, const char *name, const char *value,
			 const char *const *wanted, size_t n);
/* trail.c. All take NULL as the trail. */
struct rule_miss {
	unsigned int held, of; /* conditions */
};
/* Counts one that did not match. Is it near enough to be kept? So that no reason is made in vain.
 */
bool trail_tried(struct rule_trail *trail, const struct rule_miss *miss);
void trail_missed(struct rule_trail *trail, enum rule_sort sort, const char *name,
		  const char *place, const struct rule_miss *miss, const char *reason);

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
	struct rule_text *texts;
	size_t ntexts;
	const char **files;
	size_t nfiles;
	struct pager *pagers;
	struct escalation *escalations;
	struct team *teams;
	struct service_entry *services;
	struct signal_entry *signals;
	struct route_entry *routes;
	struct silence_entry *silences;
	struct time_set *times;
	size_t npagers, nescalations, nteams, nservices, nsignals, nroutes, nsilences, ntimes;
	struct rule_defaults defaults;
	const struct team *fallback;
	const char **attr_names;
	size_t nattr_names;
	struct service_entry *
		*service_order; /* exact ones by name, then the others; the more specific first */
	size_t nexact;		/* of service_order */
	struct signal_entry **signal_order; /* the more specific first */
	struct picks signal_picks;	    /* of signal_order */
	struct picks route_picks;	    /* of routes */
	struct picks early_picks; /* of routes, by what is known of an alert before its traces */
	bool has_no_page;	  /* some route says so */
	const struct signal_rule **signal_list;
	const struct service_rule **service_list;
	struct map *team_map, *pager_map;
	struct map *service_map; /* name → struct service_bucket */
	struct map *peer_map;	 /* name → struct service_entry */
	/* What a glob begins with → struct service_bucket; and which lengths that has (bit 63: that
	 * or more). So a look-up tries the few globs that begin as the name does, not all. */
	struct map *prefix_map;
	uint64_t prefix_lengths;
};

/* route.c: everything that look-ups of routes need. */
void ruleset_index_routes(struct ruleset *rules);
/* match.c: "environment" is a name for two attributes, the newer one first. */
const char *service_attr(rules_attr *attr, void *ctx, const char *name);

/* ruleset.c. compare: negative: a is more specific; 0: a tie. overlap: some service matches both.
 */
int service_compare(const struct service_entry *a, const struct service_entry *b);
bool service_overlap(const struct service_entry *a, const struct service_entry *b);
struct ruleset *ruleset_new(size_t cap_bytes);	    /* one reference */
void ruleset_order_services(struct ruleset *rules); /* fills service_order */
void ruleset_index(
	struct ruleset *rules); /* everything else that look-ups need; last step of a load */

#endif
