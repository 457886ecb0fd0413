/* Metrics: their two texts, exemplars, and the series of names. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"

static struct buf text = BUF_INIT(LIMIT_METRICS_TEXT_BYTES);

static void write_text(enum metrics_format format)
{
	buf_reset(&text);
	metrics_write(&text, format);
	ck_assert(!text.failed);
}

static bool has_text(const char *part)
{
	return strstr(buf_text(&text), part) != NULL;
}

static size_t count_text(const char *part)
{
	size_t n = 0;

	for (const char *at = buf_text(&text); (at = strstr(at, part)); at++)
		n++;
	return n;
}

START_TEST(openmetrics_names_counters_without_total)
{
	metric_add(METRIC_PAGES_DELIVERED, 3);
	write_text(METRICS_OPENMETRICS);
	ck_assert(has_text("\n# TYPE tracepager_pages counter\n"
			   "tracepager_pages_total{result=\"delivered\"} 3\n"));
	ck_assert(has_text("\n# HELP tracepager_incidents_rerouted Incidents that a team called "
			   "\\\"not ours\\\", by the same kinds.\n"));
	ck_assert(has_text("_bucket{le=\"0.0001\"} 0\n"));
	ck_assert(has_text("_bucket{le=\"1.0\"} 0\n"));
	ck_assert(!has_text("le=\"1\""));
	ck_assert_str_eq(buf_text(&text) + text.len - 7, "\n# EOF\n");
	write_text(METRICS_TEXT);
	ck_assert(has_text("\n# TYPE tracepager_pages_total counter\n"));
	ck_assert(has_text("called \"not ours\", by"));
	ck_assert(has_text("_bucket{le=\"1\"} 0\n"));
	ck_assert(!has_text("# EOF"));
}
END_TEST

/* The last traced observation of each bucket, in its bucket. */
START_TEST(exemplars_stand_in_their_buckets)
{
	metric_observe_us_traced(METRIC_DELIVER_TIME, 2000, TRACE, NULL);
	metric_observe_us_traced(METRIC_DELIVER_TIME, 2500, TRACE, SPAN);
	metric_observe_us(METRIC_DELIVER_TIME, 2400);
	metric_observe_us_traced(METRIC_DELIVER_TIME, 61000000, TRACE, "no span");
	metric_observe_us_traced(METRIC_DELIVER_TIME, 1, "not a trace", SPAN);
	metric_observe_us_traced(METRIC_DELIVER_TIME, 1, NULL, NULL);
	ck_assert_int_eq(metric_value(METRIC_DELIVER_TIME), 6);
	write_text(METRICS_OPENMETRICS);
	ck_assert(has_text("\ntracepager_delivery_duration_seconds_bucket{le=\"0.0001\"} 2\n"));
	ck_assert(has_text("\ntracepager_delivery_duration_seconds_bucket{le=\"0.0025\"} 5 # "
			   "{trace_id=\"" TRACE "\",span_id=\"" SPAN "\"} 0.002500 "));
	ck_assert(has_text("\ntracepager_delivery_duration_seconds_bucket{le=\"0.005\"} 5\n"));
	ck_assert(has_text("\ntracepager_delivery_duration_seconds_bucket{le=\"+Inf\"} 6 # "
			   "{trace_id=\"" TRACE "\"} 61.000000 "));
	ck_assert_uint_eq(count_text(TRACE), 2);
	write_text(METRICS_TEXT);
	ck_assert_uint_eq(count_text(TRACE), 0);
}
END_TEST

START_TEST(names_have_series_from_the_start)
{
	const char *const names[] = { "chat", "say \"hi\"\\\n" };

	write_text(METRICS_TEXT);
	ck_assert(!has_text("tracepager_pager_pages_total"));
	metric_names_set(METRIC_BY_PAGER, names, 2);
	struct metric_series *chat = metric_series(METRIC_BY_PAGER, "chat");
	ck_assert_ptr_eq(chat, metric_series(METRIC_BY_PAGER, "chat"));
	metric_series_add(chat, NAMED_PAGER_RETRIED, 2);
	metric_series_set(chat, NAMED_PAGER_OLDEST, 1500000);
	metric_series_observe_us(chat, NAMED_PAGER_TIME, 10000);
	metric_series_observe_us(chat, NAMED_PAGER_TIME, 10001);
	write_text(METRICS_TEXT);
	ck_assert(has_text("\n# TYPE tracepager_pager_pages_total counter\n"
			   "tracepager_pager_pages_total{pager=\"chat\",result=\"delivered\"} 0\n"
			   "tracepager_pager_pages_total{pager=\"chat\",result=\"retried\"} 2\n"
			   "tracepager_pager_pages_total{pager=\"chat\",result=\"rejected\"} 0\n"
			   "tracepager_pager_pages_total{pager=\"say \\\"hi\\\"\\\\\\n\","
			   "result=\"delivered\"} 0\n"));
	ck_assert(has_text("\ntracepager_pager_oldest_page_age_seconds{pager=\"chat\"} "
			   "1.500000\n"));
	ck_assert(has_text("_bucket{pager=\"chat\",le=\"0.01\"} 1\n"
			   "tracepager_pager_delivery_duration_seconds_bucket{pager=\"chat\","
			   "le=\"0.05\"} 2\n"));
	ck_assert(has_text("\ntracepager_pager_delivery_duration_seconds_sum{pager=\"chat\"} "
			   "0.020001\n"
			   "tracepager_pager_delivery_duration_seconds_count{pager=\"chat\"} 2\n"));
}
END_TEST

/* A rule on increase() misses the first count of a series that begins with it. */
START_TEST(counters_of_other_are_there_from_the_start)
{
	const char *const names[] = { "prom" };

	metric_names_set(METRIC_BY_SENDER, NULL, 0);
	write_text(METRICS_TEXT);
	ck_assert(!has_text("sender=\"other\""));
	metric_names_set(METRIC_BY_SENDER, names, 1);
	metric_names_set(METRIC_BY_SOURCE, names, 1);
	write_text(METRICS_TEXT);
	ck_assert(has_text(
		"\ntracepager_sender_alerts_total{sender=\"other\",result=\"refused\"} 0\n"));
	ck_assert(!has_text("tracepager_sender_silent{sender=\"other\"}"));
	ck_assert(!has_text("source=\"other\"")); /* every source is declared, and 64 at most */
	ck_assert(has_text("lookup_duration_seconds_count{source=\"prom\"} 0\n"));
	ck_assert(!has_text("lookup_duration_seconds_count{source=\"other\"}"));
	metric_series_observe_us(metric_series(METRIC_BY_SOURCE, "other"), NAMED_SOURCE_TIME, 1);
	write_text(METRICS_TEXT);
	ck_assert(has_text("lookup_duration_seconds_count{source=\"other\"} 1\n"));
}
END_TEST

/* A pager that a reload removes vanishes; what still happens to it counts in "other". */
START_TEST(removed_names_count_in_other)
{
	const char *const both[] = { "chat", "duty" };
	struct metric_series *duty = metric_series(METRIC_BY_PAGER, "duty");

	metric_series_add(duty, NAMED_PAGER_DELIVERED, 1); /* not shown yet */
	metric_names_set(METRIC_BY_PAGER, both, 2);
	metric_series_add(duty, NAMED_PAGER_DELIVERED, 10);
	metric_names_set(METRIC_BY_PAGER, both, 1);
	metric_series_add(duty, NAMED_PAGER_DELIVERED, 100);
	metric_series_observe_us(duty, NAMED_PAGER_TIME, 1);
	metric_series_set(duty, NAMED_PAGER_WAITING, 4);
	write_text(METRICS_TEXT);
	ck_assert(!has_text("duty"));
	ck_assert(has_text("{pager=\"other\",result=\"delivered\"} 101\n"));
	ck_assert(has_text("_count{pager=\"other\"} 1\n"));
	ck_assert(!has_text("tracepager_pager_pages_waiting{pager=\"other\"}"));
	metric_names_set(METRIC_BY_PAGER, both, 2);
	write_text(METRICS_TEXT);
	ck_assert(has_text("{pager=\"duty\",result=\"delivered\"} 10\n"));
	ck_assert(has_text("\ntracepager_pager_pages_waiting{pager=\"duty\"} 4\n"));
}
END_TEST

/* However many pagers there are, and however often they are renamed: the text stays bounded. */
START_TEST(series_are_bounded)
{
	char *names[LIMIT_METRIC_SERIES + 1];
	char name[LIMIT_METRIC_NAME_BYTES + 2];

	for (size_t round = 0; round < 8; round++) {
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			names[i] = xasprintf("%0*zu", (int)LIMIT_METRIC_NAME_BYTES,
					     round * ARRAY_LEN(names) + i);
		for (int label = 0; label < METRIC_LABELS; label++)
			metric_names_set((enum metric_label)label, (const char *const *)names,
					 ARRAY_LEN(names));
		struct metric_series *last =
			metric_series(METRIC_BY_PAGER, names[LIMIT_METRIC_SERIES]);
		metric_series_add(last, NAMED_PAGER_DELIVERED, 1);
		write_text(METRICS_OPENMETRICS);
		/* Of 8 rounds with 201 names the first 1,000 names have series. */
		ck_assert_uint_eq(count_text("tracepager_pager_pages_waiting{"),
				  round < 4    ? LIMIT_METRIC_SERIES
				  : round == 4 ? LIMIT_METRIC_NAMES - 4 * ARRAY_LEN(names)
					       : 0);
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			free(names[i]);
	}
	ck_assert(has_text("tracepager_pager_pages_total{pager=\"other\",result=\"delivered\"} "
			   "8\n"));
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_ptr_eq(metric_series(METRIC_BY_PAGER, name),
			 metric_series(METRIC_BY_PAGER, "other"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *tests = tcase_create("metrics");

	tcase_add_test(tests, openmetrics_names_counters_without_total);
	tcase_add_test(tests, exemplars_stand_in_their_buckets);
	tcase_add_test(tests, names_have_series_from_the_start);
	tcase_add_test(tests, counters_of_other_are_there_from_the_start);
	tcase_add_test(tests, removed_names_count_in_other);
	tcase_add_test(tests, series_are_bounded);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
