/* The system's clocks, and RFC 3339. */
#include "tracepager/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tracepager/limits.h"

static int64_t system_us(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

static int64_t system_mono_us(void *ctx)
{
	(void)ctx;
	/* CLOCK_BOOTTIME counts on while the machine sleeps, so that no wait becomes longer. */
	return system_us(CLOCK_BOOTTIME);
}

static int64_t system_wall_us(void *ctx)
{
	(void)ctx;
	return system_us(CLOCK_REALTIME);
}

const struct clock *clock_system(void)
{
	static const struct clock clock = { .mono_us = system_mono_us, .wall_us = system_wall_us };

	return &clock;
}

int64_t clock_mono_us(const struct clock *clock)
{
	return clock->mono_us(clock->ctx);
}

int64_t clock_wall_us(const struct clock *clock)
{
	return clock->wall_us(clock->ctx);
}

/* Reads n digits and moves *at behind them; -1: they are not there. */
static int rfc3339_digits(const char **at, const char *end, int n)
{
	int value = 0;

	if (end - *at < n)
		return -1;
	for (int i = 0; i < n; i++) {
		char c = (*at)[i];
		if (c < '0' || c > '9')
			return -1;
		value = value * 10 + (c - '0');
	}
	*at += n;
	return value;
}

/* Reads one of these characters; false: another is there. */
static bool rfc3339_char(const char **at, const char *end, const char *any_of)
{
	if (*at == end || !strchr(any_of, **at))
		return false;
	(*at)++;
	return true;
}

#define DAYS_OF_400_YEARS 146097

/* Counts the months from March, so that the leap day ends the year. */
int64_t days_from_civil(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * DAYS_OF_400_YEARS + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
	       719468;
}

int days_in_month(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static bool day_exists(int year, int month, int day)
{
	return month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month);
}

/* The digits behind the seconds' point, as microseconds; further digits are left out. */
static bool parse_fraction(const char **at, const char *end, int64_t *ret_us)
{
	int64_t us = 0, unit = 100000;
	const char *first = *at;

	while (*at < end && **at >= '0' && **at <= '9') {
		us += (**at - '0') * unit;
		unit /= 10;
		(*at)++;
	}
	*ret_us = us;
	return *at > first;
}

static bool parse_offset(const char **at, const char *end, int64_t *ret_us)
{
	int64_t sign = *at < end && **at == '-' ? -1 : 1;

	*ret_us = 0;
	if (rfc3339_char(at, end, "zZ"))
		return true;
	if (!rfc3339_char(at, end, "+-"))
		return false;
	int hours = rfc3339_digits(at, end, 2);
	if (hours < 0 || hours > 23 || !rfc3339_char(at, end, ":"))
		return false;
	int minutes = rfc3339_digits(at, end, 2);
	if (minutes < 0 || minutes > 59)
		return false;
	*ret_us = sign * (hours * US_PER_HOUR + minutes * US_PER_MINUTE);
	return true;
}

int rfc3339_parse(const char *text, size_t len, int64_t *ret_us)
{
	const char *at = text, *end = text + len;
	int64_t fraction = 0, offset;

	int year = rfc3339_digits(&at, end, 4);
	if (year < 0 || !rfc3339_char(&at, end, "-"))
		return -EINVAL;
	int month = rfc3339_digits(&at, end, 2);
	if (month < 0 || !rfc3339_char(&at, end, "-"))
		return -EINVAL;
	int day = rfc3339_digits(&at, end, 2);
	if (!day_exists(year, month, day) || !rfc3339_char(&at, end, "tT "))
		return -EINVAL;
	int hour = rfc3339_digits(&at, end, 2);
	if (hour < 0 || hour > 23 || !rfc3339_char(&at, end, ":"))
		return -EINVAL;
	int minute = rfc3339_digits(&at, end, 2);
	if (minute < 0 || minute > 59 || !rfc3339_char(&at, end, ":"))
		return -EINVAL;
	/* 60 is a leap second; it counts as the next minute's first. */
	int second = rfc3339_digits(&at, end, 2);
	if (second < 0 || second > 60)
		return -EINVAL;
	if (rfc3339_char(&at, end, ".") && !parse_fraction(&at, end, &fraction))
		return -EINVAL;
	if (!parse_offset(&at, end, &offset) || at != end)
		return -EINVAL;

	int64_t us = days_from_civil(year, month, day) * US_PER_DAY + hour * US_PER_HOUR +
		     minute * US_PER_MINUTE + second * US_PER_SECOND + fraction - offset;
	*ret_us = us > 0 ? us : 0;
	return 0;
}

/* n digits, with zeros in front. */
static char *put_digits(char *at, int64_t number, unsigned int n)
{
	for (unsigned int i = n; i; i--, number /= 10)
		at[i - 1] = (char)('0' + number % 10);
	return at + n;
}

/* Days since 1970 as a date: years that begin in March have their leap day at their end (Howard
 * Hinnant, "chrono-compatible low-level date algorithms", civil_from_days). */
static char *put_date(char *at, int64_t days)
{
	const int64_t from_0000_03_01 = days + 719468, era = from_0000_03_01 / 146097,
		      day_of_era = from_0000_03_01 % 146097,
		      year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
				     day_of_era / 146096) /
				    365,
		      day_of_year = day_of_era -
				    (365 * year_of_era + year_of_era / 4 - year_of_era / 100),
		      march_month = (5 * day_of_year + 2) / 153;
	const int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;

	at = put_digits(at, 400 * era + year_of_era + (month <= 2), 4);
	*at++ = '-';
	at = put_digits(at, month, 2);
	*at++ = '-';
	return put_digits(at, day_of_year - (153 * march_month + 2) / 5 + 1, 2);
}

const char *rfc3339_format(int64_t us, char out[RFC3339_SIZE])
{
	/* The end of the year 9999: later ones have five digits. */
	const int64_t most_us = INT64_C(253402300800) * US_PER_SECOND;
	const int64_t known_us = us < 0 || us >= most_us ? 0 : us;
	const int64_t seconds = known_us / US_PER_SECOND % 86400,
		      ms = known_us % US_PER_SECOND / US_PER_MS;
	char *at = put_date(out, known_us / US_PER_DAY);

	*at++ = 'T';
	at = put_digits(at, seconds / 3600, 2);
	*at++ = ':';
	at = put_digits(at, seconds / 60 % 60, 2);
	*at++ = ':';
	at = put_digits(at, seconds % 60, 2);
	if (ms) {
		*at++ = '.';
		at = put_digits(at, ms, 3);
	}
	*at++ = 'Z';
	*at = '\0';
	return out;
}
