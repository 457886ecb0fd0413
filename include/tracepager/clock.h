/*
 * Clocks, and times as text. All times are microseconds. The monotonic clock arms timers; the wall
 * clock (since 1970-01-01 UTC) is for records, rules and timestamps of other programs. A clock is
 * passed to whatever needs the time, so that tests move one of their own. Any thread may call these
 * functions; they own nothing.
 */
#ifndef TRACEPAGER_CLOCK_H
#define TRACEPAGER_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct clock {
	int64_t (*mono_us)(void *ctx);
	int64_t (*wall_us)(void *ctx);
	void *ctx;
};

const struct clock *clock_system(void); /* static */
int64_t clock_mono_us(const struct clock *clock);
int64_t clock_wall_us(const struct clock *clock);

/* Reads a time of RFC 3339 (section 5.6) with any fraction and any offset. A time before 1970, such
 * as Go's zero time, gives 0, which means "absent" in an alert. 0 or -EINVAL. */
int rfc3339_parse(const char *text, size_t len, int64_t *ret_us);
#define RFC3339_SIZE 32
/* "2026-09-01T10:00:00.123Z", without milliseconds where they are zero; a time outside of 1970 to
 * 9999 gives 1970-01-01T00:00:00Z. Returns out. */
const char *rfc3339_format(int64_t us, char out[RFC3339_SIZE]);

/* The proleptic Gregorian calendar; months are 1 to 12. Pure. Days since 1970-01-01: */
int64_t days_from_civil(int64_t year, int month, int day);
int days_in_month(int64_t year, int month);

#endif
