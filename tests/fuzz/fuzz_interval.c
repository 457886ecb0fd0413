/*
 * Fuzz: what times of day are made of. The first byte says what the others are: w, d, m, y ranges
 * of days and years, c a time of day, r a POSIX TZ text, else a file of the time zone database.
 * What is taken lies within its bounds, and clocks are never further from UTC than a file may say.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../rules/engine/engine-internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 8536: a file's offsets are within 26 hours; a TZ text may say 24:59:59, and summer is an hour
 * more where it says nothing. */
#define OFFSET_MOST_S (26 * 3600)

static void require(bool condition)
{
	if (!condition)
		abort();
}

static bool plausible(int32_t offset_s)
{
	return offset_s >= -OFFSET_MOST_S && offset_s <= OFFSET_MOST_S;
}

static const int64_t times[] = { INT64_C(-62135596800), INT64_C(-2147483649), -1, 0,
				 INT64_C(951782400),  /* 2000-02-29 */
				 INT64_C(1774746000), /* 2026-03-29, the hour of Europe's summer */
				 INT64_C(2147483648),	INT64_C(253402300799) };

static void try_range(enum interval_field field, const char *text)
{
	static const int least[] = { 0, -31, 1, 1970 }, most[] = { 6, 31, 12, 9999 };
	struct interval_range range;
	struct err err = { .code = 0 };

	if (interval_range_parse(field, text, &range, &err) < 0) {
		require(*err.text != '\0');
		return;
	}
	require(range.first >= least[field] && range.first <= most[field]);
	require(range.last >= least[field] && range.last <= most[field]);
	struct interval_ranges ranges = { .at = &range, .n = 1 };
	struct time_interval interval = { .zone = NULL };
	struct interval_ranges *const where[] = { &interval.weekdays, &interval.days_of_month,
						  &interval.months, &interval.years };
	*where[field] = ranges;
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		time_interval_contains(&interval, times[i] * US_PER_SECOND);
}

static void try_clock(const char *text)
{
	int minute = -1;

	if (interval_clock_parse(text, &minute) == 0)
		require(minute >= 0 && minute <= 24 * 60 && strlen(text) == 5);
	else
		require(minute == -1);
}

static void try_rule(const char *text)
{
	struct zone_rule rule;

	if (zone_rule_parse(text, &rule) < 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		int32_t offset_s = zone_rule_offset_s(&rule, times[i]);
		require(plausible(offset_s));
		require(offset_s == rule.standard_s ||
			(rule.has_summer && offset_s == rule.summer_s));
	}
}

static void try_zone(struct arena *arena, const uint8_t *data, size_t size)
{
	struct err err = { .code = 0 };
	const struct zone *zone = zone_parse(arena, (const char *)data, size, &err);

	require((zone == NULL) == (err.code != 0));
	for (size_t i = 0; zone && i < ARRAY_LEN(times); i++)
		require(plausible(zone_offset_s(zone, times[i])));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char fields[] = "wdmy";
	struct arena *arena = arena_new(64u << 20);

	if (size > 0) {
		const char *field = memchr(fields, data[0], sizeof(fields) - 1);
		const char *text = arena_strndup(arena, (const char *)data + 1, size - 1);
		if (field)
			try_range((enum interval_field)(field - fields), text);
		else if (data[0] == 'c')
			try_clock(text);
		else if (data[0] == 'r')
			try_rule(text);
		else
			try_zone(arena, data, size);
	}
	arena_free(arena);
	return 0;
}
