/*
 * Time is passed in. The monotonic clock arms timers; the wall clock is for records, rules and
 * other people's timestamps. Tests move a clock of their own.
 */
#ifndef TRACEPAGER_CLOCK_H
#define TRACEPAGER_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct clock {
	int64_t (*mono_us)(void *ctx);
	int64_t (*wall_us)(void *ctx); /* microseconds since 1970-01-01 UTC */
	void *ctx;
};

const struct clock *clock_system(void);
int64_t clock_mono_us(const struct clock *clock);
int64_t clock_wall_us(const struct clock *clock);

/* RFC 3339 (section 5.6), any fraction, any offset. Times outside of 1970 to 9999 (Go's zero time
 * among them) give 0, "absent". Returns 0, or -EINVAL. */
int rfc3339_parse(const char *text, size_t len, int64_t *ret_us);
#define RFC3339_SIZE 32
/* "2026-09-01T10:00:00.123Z"; milliseconds are left out when they are zero. */
const char *rfc3339_format(int64_t us, char out[RFC3339_SIZE]);

/* The proleptic Gregorian calendar; months are 1 to 12. Pure. Days since 1970-01-01: */
int64_t days_from_civil(int64_t year, int month, int day);
int days_in_month(int64_t year, int month);

#endif
