/*
 * Time intervals, as Alertmanager has them: one range of each kind must hold (times, weekdays,
 * days of month, months, years). Pure: the caller passes the time; owns nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "engine-internal.h"

static bool ranges_hold(const struct interval_ranges *ranges, int value)
{
	for (size_t i = 0; i < ranges->n; i++)
		if (value >= ranges->at[i].first && value <= ranges->at[i].last)
			return true;
	return ranges->n == 0;
}

/* The last minute of a range is not part of it. */
static bool times_hold(const struct interval_ranges *ranges, int minute)
{
	for (size_t i = 0; i < ranges->n; i++)
		if (minute >= ranges->at[i].first && minute < ranges->at[i].last)
			return true;
	return ranges->n == 0;
}

/* A negative day counts from the end of the month. A last day beyond the month means its end; a
 * range that begins beyond the month does not hold. */
static bool days_hold(const struct interval_ranges *ranges, const struct civil *now)
{
	int length = days_in_month(now->year, now->month);

	for (size_t i = 0; i < ranges->n; i++) {
		int first = ranges->at[i].first, last = ranges->at[i].last;
		first += first < 0 ? length + 1 : 0;
		last += last < 0 ? length + 1 : 0;
		if (first <= length && now->day >= first && now->day <= last)
			return true;
	}
	return ranges->n == 0;
}

static void civil_in_zone(const struct zone *zone, int64_t wall_us, struct civil *ret_now)
{
	int64_t seconds = wall_us / US_PER_SECOND - (wall_us % US_PER_SECOND < 0);

	if (zone)
		seconds += zone_offset_s(zone, seconds);
	civil_from_seconds(seconds, ret_now);
}

unsigned int zone_week_hour(const struct zone *zone, int64_t wall_us)
{
	struct civil now;

	civil_in_zone(zone, wall_us, &now);
	return (unsigned int)((now.weekday + 6) % 7 * 24 + now.minute / 60);
}

unsigned int team_week_hour(const struct team *team, int64_t wall_us)
{
	return zone_week_hour(team ? team->zone : NULL, wall_us);
}

bool time_interval_contains(const struct time_interval *interval, int64_t wall_us)
{
	struct civil now;

	civil_in_zone(interval->zone, wall_us, &now);
	return times_hold(&interval->times, now.minute) &&
	       days_hold(&interval->days_of_month, &now) &&
	       ranges_hold(&interval->weekdays, now.weekday) &&
	       ranges_hold(&interval->months, now.month) &&
	       ranges_hold(&interval->years, (int)now.year);
}

bool time_set_contains(const struct time_set *set, int64_t wall_us)
{
	for (size_t i = 0; i < set->n; i++)
		if (time_interval_contains(&set->at[i], wall_us))
			return true;
	return false;
}

int interval_clock_parse(const char *text, int *ret_minute)
{
	const char form[] = "dd:dd";

	for (size_t i = 0; i < sizeof(form); i++)
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return -EINVAL;
	int hour = (text[0] - '0') * 10 + text[1] - '0';
	int minute = (text[3] - '0') * 10 + text[4] - '0';
	if (minute > 59 || hour > 24 || (hour == 24 && minute > 0))
		return -EINVAL;
	*ret_minute = hour * 60 + minute;
	return 0;
}

static const char *const weekday_names[] = { "sunday",	 "monday", "tuesday", "wednesday",
					     "thursday", "friday", "saturday" };
static const char *const month_names[] = { "january",	"february", "march",	"april",
					   "may",	"june",	    "july",	"august",
					   "september", "october",  "november", "december" };

static const struct {
	const char *what;
	const char *const *names;
	size_t nnames;
	int first_name;	 /* the value of names[0] */
	int least, most; /* of numbers; least > most: only names are allowed */
} fields[] = {
	[INTERVAL_WEEKDAYS] = { "day of the week", weekday_names, 7, 0, 1, 0 },
	[INTERVAL_DAYS_OF_MONTH] = { "day of a month", NULL, 0, 0, -31, 31 },
	[INTERVAL_MONTHS] = { "month", month_names, 12, 1, 1, 12 },
	[INTERVAL_YEARS] = { "year", NULL, 0, 0, 1970, 9999 },
};

static bool is_number(const char *text, size_t len)
{
	size_t sign = len > 1 && *text == '-';

	for (size_t i = sign; i < len; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return len > sign && len - sign <= 4;
}

static int parse_one(enum interval_field field, const char *text, size_t len, int *ret_value,
		     struct err *err)
{
	for (size_t i = 0; i < fields[field].nnames; i++) {
		const char *name = fields[field].names[i];
		if (strlen(name) == len && strncasecmp(name, text, len) == 0) {
			*ret_value = fields[field].first_name + (int)i;
			return 0;
		}
	}
	if (is_number(text, len)) {
		int value = (int)strtol(text, NULL, 10);
		if (value >= fields[field].least && value <= fields[field].most &&
		    (value != 0 || field != INTERVAL_DAYS_OF_MONTH)) {
			*ret_value = value;
			return 0;
		}
	}
	return err_set(err, EINVAL, "there is no %s \"%.*s\"", fields[field].what,
		       len < 40 ? (int)len : 40, text);
}

/* The value by which the ends of a range are ordered. Days from the end of the month are placed
 * in the shortest month, 28 days. */
static int in_order(enum interval_field field, int value)
{
	return field == INTERVAL_DAYS_OF_MONTH && value < 0 ? 28 + value : value;
}

int interval_range_parse(enum interval_field field, const char *text,
			 struct interval_range *ret_range, struct err *err)
{
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	struct interval_range range;

	if (parse_one(field, text, len, &range.first, err) < 0)
		return -EINVAL;
	range.last = range.first;
	if (colon && parse_one(field, colon + 1, strlen(colon + 1), &range.last, err) < 0)
		return -EINVAL;
	if (field == INTERVAL_DAYS_OF_MONTH && range.first < 0 && range.last > 0)
		return err_set(err, EINVAL,
			       "a range from the end of the month must end there too: \"%.40s\"",
			       text);
	if (in_order(field, range.first) > in_order(field, range.last))
		return err_set(err, EINVAL, "the range ends before it begins: \"%.40s\"", text);
	*ret_range = range;
	return 0;
}
