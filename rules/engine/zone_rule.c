/*
 * Zone rule: a POSIX TZ text ("CET-1CEST,M3.5.0,M10.5.0/3"), with the larger times of RFC 8536
 * section 3.3.1. It tells the clocks of a place for all times after the last change in its file.
 * Pure: owns nothing.
 */
#include <ctype.h>
#include <errno.h>

#include "engine-internal.h"

static bool zone_take_name(const char **at)
{
	const char *start = *at;

	if (*start == '<') {
		const char *close = strchr(start, '>');
		if (!close || close == start + 1)
			return false;
		*at = close + 1;
		return true;
	}
	while (isalpha((unsigned char)**at))
		(*at)++;
	return *at - start >= 3;
}

static bool zone_take_number(const char **at, int least, int most, int *ret_value)
{
	const char *start = *at;
	int value = 0;

	for (; isdigit((unsigned char)**at) && *at - start < 4; (*at)++)
		value = value * 10 + (**at - '0');
	*ret_value = value;
	return *at > start && value >= least && value <= most;
}

/* Takes [+-]h[hh][:mm[:ss]]. */
static bool zone_take_time(const char **at, int most_hours, int32_t *ret_s)
{
	int sign = **at == '-' ? -1 : 1, hours, minutes = 0, seconds = 0;

	*at += **at == '-' || **at == '+';
	if (!zone_take_number(at, 0, most_hours, &hours))
		return false;
	if (**at == ':') {
		(*at)++;
		if (!zone_take_number(at, 0, 59, &minutes))
			return false;
		if (**at == ':') {
			(*at)++;
			if (!zone_take_number(at, 0, 59, &seconds))
				return false;
		}
	}
	*ret_s = sign * (hours * 3600 + minutes * 60 + seconds);
	return true;
}

static bool zone_take_day(const char **at, struct zone_rule_day *ret_day)
{
	*ret_day = (struct zone_rule_day){ .time_s = 2 * 3600 };
	if (*(*at)++ != ',')
		return false;
	if (**at == 'M') {
		ret_day->form = ZONE_WEEKDAY;
		(*at)++;
		if (!zone_take_number(at, 1, 12, &ret_day->month) || *(*at)++ != '.' ||
		    !zone_take_number(at, 1, 5, &ret_day->week) || *(*at)++ != '.' ||
		    !zone_take_number(at, 0, 6, &ret_day->day))
			return false;
	} else {
		bool julian = **at == 'J';
		ret_day->form = julian ? ZONE_JULIAN : ZONE_DAY;
		*at += julian;
		if (!zone_take_number(at, julian, 365, &ret_day->day))
			return false;
	}
	if (**at != '/')
		return true;
	(*at)++;
	return zone_take_time(at, 167, &ret_day->time_s);
}

int zone_rule_parse(const char *text, struct zone_rule *ret_rule)
{
	struct zone_rule rule = { 0 };
	int32_t behind;

	if (!zone_take_name(&text) || !zone_take_time(&text, 24, &behind))
		return -EINVAL;
	rule.standard_s = -behind;
	if (*text) {
		rule.has_summer = true;
		rule.summer_s = rule.standard_s + 3600;
		if (!zone_take_name(&text))
			return -EINVAL;
		if (*text != ',') {
			if (!zone_take_time(&text, 24, &behind))
				return -EINVAL;
			rule.summer_s = -behind;
		}
		if (!zone_take_day(&text, &rule.begins) || !zone_take_day(&text, &rule.ends) ||
		    *text)
			return -EINVAL;
	}
	*ret_rule = rule;
	return 0;
}

/* The day of a year on which the rule's change falls, as days since 1970-01-01. */
static int64_t day_in_year(const struct zone_rule_day *day, int64_t year)
{
	if (day->form != ZONE_WEEKDAY) {
		/* Jn counts from 1 and passes over February 29; n counts from 0 and includes
		 * it. */
		bool leap = days_in_month(year, 2) == 29;
		int of_year = day->form == ZONE_JULIAN ? day->day - 1 + (leap && day->day > 59)
						       : day->day;
		return days_from_civil(year, 1, 1) + of_year;
	}
	int64_t first = days_from_civil(year, day->month, 1);
	int weekday = (int)(((first + 4) % 7 + 7) % 7);
	int of_month = (day->day - weekday + 7) % 7 + (day->week - 1) * 7;
	if (of_month >= days_in_month(year, day->month))
		of_month -= 7; /* week 5 means the last such weekday of the month */
	return first + of_month;
}

int32_t zone_rule_offset_s(const struct zone_rule *rule, int64_t unix_s)
{
	struct civil now;

	if (!rule->has_summer)
		return rule->standard_s;
	civil_from_seconds(unix_s + rule->standard_s, &now);
	int64_t begins = day_in_year(&rule->begins, now.year) * 86400 + rule->begins.time_s -
			 rule->standard_s;
	int64_t ends =
		day_in_year(&rule->ends, now.year) * 86400 + rule->ends.time_s - rule->summer_s;
	/* South of the equator summer time spans the turn of the year. */
	bool summer = begins < ends ? unix_s >= begins && unix_s < ends
				    : unix_s >= begins || unix_s < ends;
	return summer ? rule->summer_s : rule->standard_s;
}
