/* Tests of whether a source is well: what is told of it, how often, and what the log says. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/fetch/fetch-internal.h"
#include "tests/lib/fetch_kit.h"

/* ---- what is news ---- */

START_TEST(a_change_is_news_once)
{
	struct source_health health = { 0 };
	const int64_t begin_us = FAKE_MONO_US;

	ck_assert_int_eq(source_health_note(&health, true, begin_us), SOURCE_NO_NEWS);
	ck_assert_int_eq(source_health_note(&health, false, begin_us + 1), SOURCE_FAILS);
	ck_assert_int_eq(source_health_note(&health, false, begin_us + 2), SOURCE_NO_NEWS);
	ck_assert_int_eq(source_health_note(&health, false, begin_us + 3), SOURCE_NO_NEWS);
	ck_assert_int_eq(source_health_note(&health, true, begin_us + 3 + LIMIT_SOURCE_WELL_US),
			 SOURCE_ANSWERS_AGAIN);
	ck_assert_uint_eq(health.nfailed, 3);
	ck_assert_int_eq(source_health_note(&health, true, begin_us + 4 + LIMIT_SOURCE_WELL_US),
			 SOURCE_NO_NEWS);
	ck_assert_int_eq(source_health_note(&health, false, begin_us + 5 + LIMIT_SOURCE_WELL_US),
			 SOURCE_FAILS);
	ck_assert_uint_eq(health.nfailed, 1);
}
END_TEST

/* Every second question fails, for half an hour. */
START_TEST(a_source_that_fails_now_and_then_is_one_that_fails)
{
	struct source_health health = { 0 };
	int64_t now_us = FAKE_MONO_US;

	ck_assert_int_eq(source_health_note(&health, false, now_us), SOURCE_FAILS);
	for (int i = 0; i < 60; i++) {
		now_us += LIMIT_SOURCE_WELL_US / 2;
		ck_assert_int_eq(source_health_note(&health, i % 2, now_us), SOURCE_NO_NEWS);
	}
	ck_assert_uint_eq(health.nfailed, 31);
}
END_TEST

/* So that the log of the last hour names it. */
START_TEST(a_source_that_fails_is_told_again_each_hour)
{
	struct source_health health = { 0 };
	int64_t now_us = FAKE_MONO_US;
	int told = 0;

	ck_assert_int_eq(source_health_note(&health, false, now_us), SOURCE_FAILS);
	for (int i = 0; i < 180; i++) {
		now_us += US_PER_MINUTE;
		told += source_health_note(&health, false, now_us) == SOURCE_FAILS_STILL;
	}
	ck_assert_int_eq(told, 3);
}
END_TEST

/* ---- the log ---- */

static int read_end, usual_stderr;

static void log_setup(void)
{
	int ends[2];

	setup();
	ck_assert_int_eq(pipe(ends), 0);
	read_end = ends[0];
	fcntl(read_end, F_SETFL, O_NONBLOCK);
	usual_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
}

static void log_teardown(void)
{
	dup2(usual_stderr, STDERR_FILENO);
	close(usual_stderr);
	close(read_end);
	teardown();
}

/* What was logged since the last call. */
static const char *logged(void)
{
	static char text[1 << 16];
	ssize_t n = read(read_end, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static size_t count_lines(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

static void ask_once(void)
{
	got.calls = 0;
	start_id();
	finish();
}

/* Each job asks six times. */
START_TEST(the_log_names_the_source_and_the_cure_once)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 503, .times = 12 });
	fake_http_reply(&http, unknown);
	ask_once();
	ask_once();
	ck_assert_uint_eq(http.nrequests, 12);
	const char *text = logged();
	ck_assert_uint_eq(count_lines(text, "\n"), 1);
	ck_assert_ptr_nonnull(
		strstr(text, " level=warn msg=\"a trace source fails; pages leave without its "
			     "traces\" source=jaeger reason=\"answered HTTP 503\" cure=\""));
	ck_assert_ptr_nonnull(strstr(text, "tracepager doctor --only source"));
	ck_assert_ptr_nonnull(strstr(text, "tracepager loglevel debug --for 10m"));
	/* That it has no such trace is an answer. */
	fake_clock_advance(&fake, LIMIT_SOURCE_WELL_US);
	ask_once();
	text = logged();
	ck_assert_uint_eq(count_lines(text, "\n"), 1);
	ck_assert_ptr_nonnull(strstr(text, " level=info msg=\"a trace source answers again\" "
					   "source=jaeger failed_questions=12\n"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source_health");
	TCase *news = tcase_create("news"), *lines = tcase_create("log");

	tcase_add_test(news, a_change_is_news_once);
	tcase_add_test(news, a_source_that_fails_now_and_then_is_one_that_fails);
	tcase_add_test(news, a_source_that_fails_is_told_again_each_hour);
	suite_add_tcase(suite, news);
	tcase_add_checked_fixture(lines, log_setup, log_teardown);
	tcase_add_test(lines, the_log_names_the_source_and_the_cure_once);
	suite_add_tcase(suite, lines);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
