/*
 * Time intervals of rules, as Alertmanager has them: times of day, days and years by the clock of a
 * place. Also the clocks of places, from the time zone database. A zone is read once, at load; all
 * else is pure. Zones and ranges are kept by the arena of the caller; once built they are read-only
 * and any thread may ask them.
 */
#ifndef TRACEPAGER_TIME_INTERVAL_H
#define TRACEPAGER_TIME_INTERVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/arena.h"
#include "tracepager/err.h"

#define ZONE_DIRECTORY "/usr/share/zoneinfo"

struct zone;
/* Reads the file DIRECTORY/NAME of the time zone database, with blocking calls. Returns NULL with
 * err: its code is ENOENT where there is no such place, ENOTDIR where there is no database. */
const struct zone *zone_read(struct arena *arena, const char *directory, const char *name,
			     struct err *err);
/* The zone of a location in rules, from this machine's database; "Local" is the machine's own. NULL
 * without err: UTC. */
const struct zone *zone_of_location(struct arena *arena, const char *name, struct err *err);

/* The hour of the week by the clocks of the place, 0 to 167: 0 is Monday from 00:00 to 01:00. zone
 * NULL: UTC. */
unsigned int zone_week_hour(const struct zone *zone, int64_t wall_us);

/* Contains first and last; a range of times of day, in minutes since midnight, ends before last. */
struct interval_range {
	int first, last;
};
/* An empty list holds always. */
struct interval_ranges {
	struct interval_range *at;
	size_t n;
};
struct time_interval {
	struct interval_ranges times, weekdays, days_of_month, months, years; /* all must hold */
	const struct zone *zone;					      /* NULL: UTC */
	const char *location; /* the name of the zone in the rules; NULL: none */
};
/* An entry of time_intervals: one of its intervals must hold. */
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
/* Parses "monday", "monday:friday" or "-3:-1". Returns 0, or -EINVAL with err. */
int interval_range_parse(enum interval_field field, const char *text,
			 struct interval_range *ret_range, struct err *err);
/* Parses "09:30" to minutes since midnight. Returns 0 or -EINVAL. */
int interval_clock_parse(const char *text, int *ret_minute);

#endif
