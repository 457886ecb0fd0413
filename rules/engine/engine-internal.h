/*
 * What the files of rules/engine share: the clocks of places, the index of entries that can match,
 * and the trail of rules that a look-up tried.
 */
#ifndef TRACEPAGER_ENGINE_INTERNAL_H
#define TRACEPAGER_ENGINE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tracepager/arena.h"
#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/err.h"
#include "tracepager/glob.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/matchers.h"
#include "tracepager/rules.h"
#include "tracepager/ruleset.h"
#include "tracepager/template.h"
#include "tracepager/time_interval.h"
#include "tracepager/xalloc.h"

/* ---- zone.c, zone_rule.c: the clocks of a place ---- */

/* From the bytes of a TZif file (RFC 8536). Returns NULL with err where they are damaged. */
const struct zone *zone_parse(struct arena *arena, const char *bytes, size_t len, struct err *err);
/* Seconds that the place's clocks are ahead of UTC at this time (seconds since 1970). */
int32_t zone_offset_s(const struct zone *zone, int64_t unix_s);
/* A POSIX TZ text, as the footer of a TZif file has it: for times after the file's last change. */
struct zone_rule_day {
	enum { ZONE_JULIAN, ZONE_DAY, ZONE_WEEKDAY } form; /* Jn, n, Mm.w.d */
	int month, week, day;
	int32_t time_s;
};
struct zone_rule {
	int32_t standard_s, summer_s; /* ahead of UTC */
	bool has_summer;
	struct zone_rule_day begins, ends; /* of summer time */
};
int zone_rule_parse(const char *text, struct zone_rule *ret_rule); /* 0 or -EINVAL */
int32_t zone_rule_offset_s(const struct zone_rule *rule, int64_t unix_s);

/* ---- calendar.c ---- */

struct civil {
	int64_t year;
	int month, day, weekday; /* 1 to 12, 1 to 31, 0 (sunday) to 6 */
	int minute;		 /* of the day */
};
void civil_from_seconds(int64_t seconds, struct civil *ret_civil); /* since 1970-01-01 */

/* ---- picks.c: which entries can match ---- */

struct pick_bucket {
	uint32_t *at; /* entries, rising */
	size_t n;
};
struct pick_sink;
/* Called while an index is built: the entry matches only where the field has one of these n texts.
 */
void pick_offer(struct pick_sink *sink, unsigned int field, const char *name,
		const char *const *texts, size_t n);
/* offer() is called twice for each of the n entries and calls pick_offer() for its conditions. */
void picks_build(struct picks *picks, size_t n,
		 void (*offer)(const void *ctx, size_t entry, struct pick_sink *sink),
		 const void *ctx);
void picks_fini(struct picks *picks);
/* Offers the matchers that one value alone fulfils. */
void matchers_offer(const struct rule_matchers *matchers, struct pick_sink *sink);

#define PICK_BUCKETS_MAX (LIMIT_LABELS + 2 * WHEN_SUSPECT_ATTR)
/* Goes through the entries that can match, in their order. */
struct pick_walk {
	const struct picks *picks;
	struct pick_bucket buckets[PICK_BUCKETS_MAX + 1];
	size_t nbuckets;
	uint32_t next; /* entries below this number were returned already */
};
void pick_walk_init(struct pick_walk *walk, const struct picks *picks);
/* Tells the walk a value of what is looked up. */
void pick_walk_add(struct pick_walk *walk, unsigned int field, const char *name, const char *text);
void pick_walk_labels(struct pick_walk *walk, const struct labels *labels);
size_t pick_walk_next(struct pick_walk *walk); /* SIZE_MAX at the end */

/* ---- trail.c: rules that were tried; all take NULL as the trail ---- */

/* "severity is critical, not info": kept by the arena. */
const char *trail_reason(struct arena *arena, const char *name, const char *value,
			 const char *const *wanted, size_t n);
struct rule_miss {
	unsigned int held, of; /* conditions */
};
/* Counts a rule that did not match. True: it is near enough to be kept, so that a reason is worth
 * making. */
bool trail_tried(struct rule_trail *trail, const struct rule_miss *miss);
/* Is such a rule near enough? It is not counted. The trail is not NULL. */
bool trail_keeps(const struct rule_trail *trail, const struct rule_miss *miss);
void trail_missed(struct rule_trail *trail, enum rule_sort sort, const char *name,
		  const char *place, const struct rule_miss *miss, const char *reason);

/* ---- lookups.c, route.c ---- */

/* Value of a resource attribute; for "environment" the newer of its two names first. */
const char *service_attr(rules_attr *attr, void *ctx, const char *name);
/* Everything that look-ups of routes need. */
void ruleset_index_routes(struct ruleset *rules);

#endif
