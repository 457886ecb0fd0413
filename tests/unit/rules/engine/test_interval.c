/*
 * Time intervals and zones. Times were worked out by hand from the calendar and the published
 * changes of summer time: in Europe at 01:00 UTC of the last Sundays of March and October, in New
 * York at 02:00 of the second Sunday of March and the first of November.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../../rules/engine/engine-internal.h"
#include "tracepager/clock.h"

static struct arena *arena;

static void setup(void)
{
	arena = arena_new(8u << 20);
}

static void teardown(void)
{
	arena_free(arena);
}

static int64_t wall(const char *text)
{
	int64_t us;

	ck_assert_msg(rfc3339_parse(text, strlen(text), &us) == 0, "%s", text);
	return us;
}

/* Bytes of a file of the time zone database, as RFC 8536 section 3 lays them out. */
static void add_block(struct buf *out, char version, size_t time_bytes, const int64_t *changes,
		      const unsigned char *kinds, size_t n, const int32_t *types, size_t ntypes)
{
	const size_t counts[] = { 0, 0, 0, n, ntypes, 4 };

	buf_printf(out, "TZif%c", version);
	for (int i = 0; i < 15; i++)
		buf_putc(out, '\0');
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		for (int shift = 24; shift >= 0; shift -= 8)
			buf_putc(out, (char)(counts[i] >> shift));
	for (size_t i = 0; i < n; i++)
		for (int shift = (int)time_bytes * 8 - 8; shift >= 0; shift -= 8)
			buf_putc(out, (char)((uint64_t)changes[i] >> shift));
	buf_add(out, kinds, n);
	for (size_t i = 0; i < ntypes; i++) {
		for (int shift = 24; shift >= 0; shift -= 8)
			buf_putc(out, (char)((uint32_t)types[i] >> shift));
		buf_putc(out, '\0');
		buf_putc(out, '\0');
	}
	buf_add(out, "ABC", 4);
}

/* One hour ahead, from 1000 on two, from 2000 on none; then by the text. */
static const struct zone *make_zone(const char *footer, size_t cut)
{
	static const int64_t changes[] = { 1000, 2000 };
	static const unsigned char kinds[] = { 1, 2 };
	static const int32_t types[] = { 3600, 7200, 0 };
	struct buf out = BUF_INIT(4096);
	struct err err;

	add_block(&out, '2', 4, NULL, NULL, 0, types, 1);
	add_block(&out, '2', 8, changes, kinds, 2, types, 3);
	buf_printf(&out, "\n%s\n", footer);
	const struct zone *zone = zone_parse(arena, buf_text(&out), out.len - cut, &err);
	buf_fini(&out);
	return zone;
}

START_TEST(test_zone_file)
{
	const struct zone *zone = make_zone("", 0);

	ck_assert_ptr_nonnull(zone);
	ck_assert_int_eq(zone_offset_s(zone, -5), 3600);
	ck_assert_int_eq(zone_offset_s(zone, 999), 3600);
	ck_assert_int_eq(zone_offset_s(zone, 1000), 7200);
	ck_assert_int_eq(zone_offset_s(zone, 1999), 7200);
	ck_assert_int_eq(zone_offset_s(zone, INT64_C(1) << 40), 0);
	zone = make_zone("<+0330>-3:30", 0);
	ck_assert_int_eq(zone_offset_s(zone, 1999), 7200);
	ck_assert_int_eq(zone_offset_s(zone, 2000), 3 * 3600 + 1800);
}
END_TEST

START_TEST(test_damaged_zone_file)
{
	/* However much of the end is missing, no byte beyond it is read. */
	for (size_t cut = 1; cut < 120; cut++)
		ck_assert_ptr_null(make_zone("UTC0", cut));
	ck_assert_ptr_null(make_zone("CET-1CEST", 0)); /* no rule for summer */
	ck_assert_ptr_null(make_zone("nonsense,", 0));
}
END_TEST

static const struct {
	const char *rule, *time;
	int32_t offset_s;
} rules[] = {
	/* clang-format off */
	{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T00:59:59Z", 3600 },
	{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00Z", 7200 },
	{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T00:59:59Z", 7200 },
	{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T01:00:00Z", 3600 },
	{ "EST5EDT,M3.2.0,M11.1.0", "2026-03-08T06:59:59Z", -18000 },
	{ "EST5EDT,M3.2.0,M11.1.0", "2026-03-08T07:00:00Z", -14400 },
	{ "EST5EDT,M3.2.0,M11.1.0", "2026-11-01T05:59:59Z", -14400 },
	{ "EST5EDT,M3.2.0,M11.1.0", "2026-11-01T06:00:00Z", -18000 },
	/* Sydney: until 3:00 of the first Sunday of April, 16:00 UTC the day before. */
	{ "AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-04-04T15:59:59Z", 39600 },
	{ "AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-04-04T16:00:00Z", 36000 },
	{ "AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-12-31T23:00:00Z", 39600 },
	{ "AEST-10AEDT,M10.1.0,M4.1.0/3", "2027-01-01T00:00:00Z", 39600 },
	/* J60 is the first of March in every year, 59 is the 29th of February in a leap year. */
	{ "AAA0BBB,J60/0,J300/0", "2028-02-29T23:59:59Z", 0 },
	{ "AAA0BBB,J60/0,J300/0", "2028-03-01T00:00:00Z", 3600 },
	{ "AAA0BBB,59/0,300/0", "2028-02-29T00:00:00Z", 3600 },
	{ "AAA0BBB,59/0,300/0", "2027-02-28T23:59:59Z", 0 },
	{ "AAA0BBB,59/0,300/0", "2027-03-01T00:00:00Z", 3600 },
	{ "IST-5:30", "2026-09-01T00:00:00Z", 19800 },
	{ "<-03>3", "2026-09-01T00:00:00Z", -10800 },
	/* clang-format on */
};

START_TEST(test_zone_rules)
{
	struct zone_rule rule;

	ck_assert_int_eq(zone_rule_parse(rules[_i].rule, &rule), 0);
	ck_assert_int_eq(zone_rule_offset_s(&rule, wall(rules[_i].time) / US_PER_SECOND),
			 rules[_i].offset_s);
}
END_TEST

START_TEST(test_wrong_zone_rules)
{
	static const char *const wrong[] = {
		"",
		"AB1",
		"ABC",
		"ABC25",
		"ABC1DEF",
		"ABC1DEF,M3.5.0",
		"ABC1DEF,M13.5.0,M10.5.0",
		"ABC1DEF,M3.6.0,M10.5.0",
		"ABC1DEF,M3.5.7,M10.5.0",
		"ABC1DEF,M3.5.0,M10.5.0/168",
		"ABC1DEF,J0,J10",
		"ABC1DEF,366,10",
		"ABC1DEF,M3.5.0,M10.5.0 ",
		"<ABC1",
		"ABC1:60",
	};
	struct zone_rule rule;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		ck_assert_msg(zone_rule_parse(wrong[i], &rule) == -EINVAL, "%s", wrong[i]);
}
END_TEST

/* The files of this machine agree with the published changes. */
START_TEST(test_real_zones)
{
	static const struct {
		const char *zone, *time;
		int32_t offset_s;
	} known[] = {
		{ "Europe/Berlin", "2026-03-29T00:59:59Z", 3600 },
		{ "Europe/Berlin", "2026-03-29T01:00:00Z", 7200 },
		{ "Europe/Berlin", "2060-07-01T00:00:00Z", 7200 }, /* beyond the file's changes */
		{ "America/New_York", "2026-11-01T06:00:00Z", -18000 },
		{ "Asia/Kolkata", "2026-09-01T00:00:00Z", 19800 },
	};
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		const struct zone *zone =
			zone_read(arena, "/usr/share/zoneinfo", known[i].zone, &err);
		ck_assert_msg(zone != NULL, "%s", err.text);
		ck_assert_int_eq(zone_offset_s(zone, wall(known[i].time) / US_PER_SECOND),
				 known[i].offset_s);
	}
	ck_assert_ptr_null(zone_read(arena, "/usr/share/zoneinfo", "Mars/Olympus", &err));
	ck_assert_int_eq(err.code, ENOENT);
	ck_assert_ptr_null(zone_read(arena, "/usr/share/zoneinfo", "../zoneinfo/UTC", &err));
	ck_assert_int_eq(err.code, ENOENT);
	ck_assert_ptr_null(zone_read(arena, "/nonexistent", "UTC", &err));
	ck_assert_int_eq(err.code, ENOTDIR);
}
END_TEST

/* 2026-07-06 and 2026-11-30 are Mondays, 1969-12-31 was a Wednesday. */
START_TEST(test_week_hours)
{
	static const struct {
		const char *zone, *time;
		unsigned int hour;
	} hours[] = {
		{ NULL, "2026-11-30T00:00:00Z", 0 },
		{ NULL, "2026-11-29T23:59:59Z", 167 },
		{ "Europe/Berlin", "2026-11-29T23:00:00Z", 0 },
		{ "Europe/Berlin", "2026-07-05T22:00:00Z", 0 },
		{ "Europe/Berlin", "2026-07-05T21:59:59Z", 167 },
		{ "Asia/Kolkata", "2026-11-30T03:29:59Z", 8 }, /* 08:59:59 */
		{ "Asia/Kolkata", "2026-11-30T03:30:00Z", 9 },
	};
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(hours); i++) {
		const struct zone *zone =
			hours[i].zone ? zone_read(arena, "/usr/share/zoneinfo", hours[i].zone, &err)
				      : NULL;
		ck_assert_uint_eq(zone_week_hour(zone, wall(hours[i].time)), hours[i].hour);
	}
	ck_assert_uint_eq(zone_week_hour(NULL, -1), 2 * 24 + 23);
}
END_TEST

/* One range of one kind, at one time in UTC; -1: refused. 2026-09-01 is a Tuesday. */
static const struct {
	enum interval_field field;
	const char *range, *time;
	int holds;
} ranges[] = {
	/* clang-format off */
	{ INTERVAL_WEEKDAYS, "monday:friday", "2026-09-01T12:00:00Z", 1 },
	{ INTERVAL_WEEKDAYS, "monday:friday", "2026-09-05T00:00:00Z", 0 }, /* Saturday */
	{ INTERVAL_WEEKDAYS, "monday:friday", "2026-09-04T23:59:59Z", 1 },
	{ INTERVAL_WEEKDAYS, "Sunday", "2026-09-06T12:00:00Z", 1 },
	{ INTERVAL_WEEKDAYS, "saturday:sunday", NULL, -1 }, /* the week begins with sunday */
	{ INTERVAL_WEEKDAYS, "1:5", NULL, -1 },
	{ INTERVAL_WEEKDAYS, "mon", NULL, -1 },
	{ INTERVAL_WEEKDAYS, "monday:", NULL, -1 },
	{ INTERVAL_WEEKDAYS, "", NULL, -1 },
	{ INTERVAL_DAYS_OF_MONTH, "1", "2026-09-01T12:00:00Z", 1 },
	{ INTERVAL_DAYS_OF_MONTH, "1:5", "2026-09-05T12:00:00Z", 1 },
	{ INTERVAL_DAYS_OF_MONTH, "1:5", "2026-09-06T12:00:00Z", 0 },
	{ INTERVAL_DAYS_OF_MONTH, "-1", "2026-09-30T12:00:00Z", 1 },
	{ INTERVAL_DAYS_OF_MONTH, "-1", "2026-10-30T12:00:00Z", 0 },
	{ INTERVAL_DAYS_OF_MONTH, "-3:-1", "2028-02-27T12:00:00Z", 1 }, /* of 29 days */
	{ INTERVAL_DAYS_OF_MONTH, "-3:-1", "2028-02-26T12:00:00Z", 0 },
	{ INTERVAL_DAYS_OF_MONTH, "25:-1", "2026-02-28T12:00:00Z", 1 },
	{ INTERVAL_DAYS_OF_MONTH, "29:31", "2026-02-28T12:00:00Z", 0 }, /* begins beyond the end of the month */
	{ INTERVAL_DAYS_OF_MONTH, "28:31", "2026-02-28T12:00:00Z", 1 },
	{ INTERVAL_DAYS_OF_MONTH, "-31:-28", "2026-02-01T12:00:00Z", 1 },
	{ INTERVAL_DAYS_OF_MONTH, "-31:-30", "2026-02-01T12:00:00Z", 0 },
	{ INTERVAL_DAYS_OF_MONTH, "0", NULL, -1 },
	{ INTERVAL_DAYS_OF_MONTH, "32", NULL, -1 },
	{ INTERVAL_DAYS_OF_MONTH, "-5:5", NULL, -1 },
	{ INTERVAL_DAYS_OF_MONTH, "5:1", NULL, -1 },
	{ INTERVAL_DAYS_OF_MONTH, "29:-1", NULL, -1 }, /* never in February */
	{ INTERVAL_MONTHS, "june:september", "2026-09-30T23:59:59Z", 1 },
	{ INTERVAL_MONTHS, "6:8", "2026-09-01T00:00:00Z", 0 },
	{ INTERVAL_MONTHS, "12", "2026-12-01T00:00:00Z", 1 },
	{ INTERVAL_MONTHS, "december:january", NULL, -1 },
	{ INTERVAL_MONTHS, "13", NULL, -1 },
	{ INTERVAL_YEARS, "2025:2026", "2026-12-31T23:59:59Z", 1 },
	{ INTERVAL_YEARS, "2025:2026", "2027-01-01T00:00:00Z", 0 },
	{ INTERVAL_YEARS, "26", NULL, -1 },
	/* clang-format on */
};

START_TEST(test_ranges)
{
	struct time_interval interval = { .zone = NULL };
	struct interval_ranges *lists[] = {
		[INTERVAL_WEEKDAYS] = &interval.weekdays,
		[INTERVAL_DAYS_OF_MONTH] = &interval.days_of_month,
		[INTERVAL_MONTHS] = &interval.months,
		[INTERVAL_YEARS] = &interval.years,
	};
	struct interval_range range;
	struct err err;
	int result = interval_range_parse(ranges[_i].field, ranges[_i].range, &range, &err);

	ck_assert_int_eq(result, ranges[_i].holds < 0 ? -EINVAL : 0);
	if (result < 0)
		return;
	*lists[ranges[_i].field] = (struct interval_ranges){ &range, 1 };
	ck_assert_int_eq(time_interval_contains(&interval, wall(ranges[_i].time)),
			 ranges[_i].holds);
}
END_TEST

START_TEST(test_clocks)
{
	static const char *const wrong[] = { "9:00",	 "24:01", "25:00", "12:60", "12",
					     "12:00:00", "",	  "ab:cd", "-1:00" };
	int minute = -1;

	ck_assert_int_eq(interval_clock_parse("00:00", &minute), 0);
	ck_assert_int_eq(minute, 0);
	ck_assert_int_eq(interval_clock_parse("24:00", &minute), 0);
	ck_assert_int_eq(minute, 1440);
	ck_assert_int_eq(interval_clock_parse("09:30", &minute), 0);
	ck_assert_int_eq(minute, 570);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		ck_assert_msg(interval_clock_parse(wrong[i], &minute) == -EINVAL, "%s", wrong[i]);
}
END_TEST

/* 09:00 to 17:00, monday to friday, in Berlin. */
START_TEST(test_place_and_time)
{
	struct interval_range day = { 540, 1020 }, week = { 1, 5 };
	struct err err;
	struct time_interval interval = { .times = { &day, 1 }, .weekdays = { &week, 1 } };
	static const struct {
		const char *time;
		bool berlin, utc;
	} cases[] = {
		{ "2026-09-01T06:59:59Z", false, false }, /* 08:59:59 in summer */
		{ "2026-09-01T07:00:00Z", true, false },
		{ "2026-09-01T14:59:59Z", true, true },
		{ "2026-09-01T15:00:00Z", false, true },
		{ "2026-12-01T07:59:59Z", false, false }, /* 08:59:59 in winter */
		{ "2026-12-01T08:00:00Z", true, false },
		{ "2026-09-05T10:00:00Z", false, false }, /* Saturday */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_int_eq(time_interval_contains(&interval, wall(cases[i].time)),
				 cases[i].utc);
	interval.zone = zone_read(arena, "/usr/share/zoneinfo", "Europe/Berlin", &err);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_int_eq(time_interval_contains(&interval, wall(cases[i].time)),
				 cases[i].berlin);
}
END_TEST

/* Every day of 400 years follows the one before it. */
START_TEST(test_calendar)
{
	struct civil civil = { .year = 1999, .month = 12, .day = 31, .weekday = 5 }, next;
	int64_t day = days_from_civil(2000, 1, 1);

	ck_assert_int_eq(day, 10957);
	for (int64_t end = day + 146097; day < end; day++) {
		civil_from_seconds(day * 86400 + 86399, &next);
		bool last = civil.day == days_in_month(civil.year, civil.month);
		bool right = next.day == (last ? 1 : civil.day + 1) &&
			     next.month == (last ? civil.month % 12 + 1 : civil.month) &&
			     next.year == civil.year + (last && civil.month == 12) &&
			     next.weekday == (civil.weekday + 1) % 7 && next.minute == 1439 &&
			     days_from_civil(next.year, next.month, next.day) == day;
		if (!right)
			ck_abort_msg("day %lld is wrong", (long long)day);
		civil = next;
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("interval");
	TCase *tests = tcase_create("interval");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_zone_file);
	tcase_add_test(tests, test_damaged_zone_file);
	tcase_add_loop_test(tests, test_zone_rules, 0, ARRAY_LEN(rules));
	tcase_add_test(tests, test_wrong_zone_rules);
	tcase_add_test(tests, test_real_zones);
	tcase_add_test(tests, test_week_hours);
	tcase_add_loop_test(tests, test_ranges, 0, ARRAY_LEN(ranges));
	tcase_add_test(tests, test_clocks);
	tcase_add_test(tests, test_place_and_time);
	tcase_add_test(tests, test_calendar);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
