/*
 * Heartbeats: a sender that falls silent, one that is heard again, and watchdogs.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fake_clock.h"
#include "tracepager/heartbeats.h"
#include "tracepager/limits.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

static struct fake_clock fake;
static struct heartbeats *heartbeats;
static char said[1024]; /* "am1 firing; am1 resolved; " */
static char summary[256], fingerprint[65];

static void on_say(void *ctx, const struct alert *alert)
{
	size_t len = strlen(said);

	(void)ctx;
	ck_assert_str_eq(labels_get(&alert->labels, "alertname"), "SenderSilent");
	ck_assert_str_eq(alert->family, "tracepager");
	snprintf(said + len, sizeof(said) - len, "%s %s; ", labels_get(&alert->labels, "sender"),
		 alert->status == ALERT_FIRING ? "firing" : "resolved");
	snprintf(summary, sizeof(summary), "%s", labels_get(&alert->annotations, "summary"));
	snprintf(fingerprint, sizeof(fingerprint), "%s", alert->fingerprint);
}

static struct label watchdog[] = { { "alertname", "Watchdog" } };
static const struct heartbeat_sender senders[] = {
	{ .name = "am1", .every_us = 15 * US_PER_MINUTE },
	{ .name = "am2", .every_us = 15 * US_PER_MINUTE, .watchdog = { watchdog, 1 } },
	{ .name = "am3", .watchdog = { watchdog, 1 } },
	{ .name = "am4" },
};

static void setup(void)
{
	fake_clock_init(&fake);
	said[0] = '\0';
}

static void start(size_t first, size_t n)
{
	const struct heartbeats_env env = { .timers = fake.timers,
					    .clock = &fake.clock,
					    .senders = &senders[first],
					    .nsenders = n,
					    .say = on_say };

	heartbeats = heartbeats_new(&env);
}

static void teardown(void)
{
	heartbeats_free(heartbeats);
	heartbeats = NULL;
	fake_clock_fini(&fake);
}

static bool take(const char *sender, const char *name, enum alert_status status)
{
	struct label labels[] = { { "alertname", name } };
	const struct alert alert = { .sender = sender,
				     .family = "prometheus",
				     .fingerprint = "1",
				     .status = status,
				     .labels = { labels, 1 },
				     .generator_url = "" };

	return heartbeats_take(heartbeats, &alert);
}

START_TEST(silence_is_an_alarm)
{
	const struct metric_series *am1 = metric_series(METRIC_BY_SENDER, "am1");
	char first[65];

	start(0, 1);
	fake_clock_advance(&fake, 14 * US_PER_MINUTE);
	heartbeats_heard(heartbeats, "am1"); /* ends what an earlier relay may have said */
	ck_assert_str_eq(said, "am1 resolved; ");
	heartbeats_heard(heartbeats, "am1");
	fake_clock_advance(&fake, 14 * US_PER_MINUTE);
	ck_assert_str_eq(said, "am1 resolved; ");
	fake_clock_advance(&fake, 1 * US_PER_MINUTE);
	ck_assert_str_eq(said, "am1 resolved; am1 firing; ");
	ck_assert_int_eq(metric_series_value(am1, NAMED_SENDER_SILENT), 1);
	ck_assert_str_eq(summary, "am1 has sent nothing since 2026-09-01T10:14:00Z");
	snprintf(first, sizeof(first), "%s", fingerprint);
	fake_clock_advance(&fake, 15 * US_PER_MINUTE); /* it does not expire */
	ck_assert_str_eq(said, "am1 resolved; am1 firing; am1 firing; ");
	ck_assert_str_eq(fingerprint, first);
	heartbeats_heard(heartbeats, "am1");
	ck_assert_str_eq(said, "am1 resolved; am1 firing; am1 firing; am1 resolved; ");
	ck_assert_int_eq(metric_series_value(am1, NAMED_SENDER_SILENT), 0);
	ck_assert_str_eq(fingerprint, first);
}
END_TEST

START_TEST(never_heard)
{
	start(0, 1);
	heartbeats_heard(heartbeats, "nobody");
	fake_clock_advance(&fake, 15 * US_PER_MINUTE);
	ck_assert_str_eq(said, "am1 firing; ");
	ck_assert_str_eq(summary,
			 "am1 has sent nothing since this relay started, 2026-09-01T10:00:00Z");
}
END_TEST

/* Other alerts of its sender do not stand in for it, nor does a watchdog that is resolved. */
START_TEST(watchdogs)
{
	start(1, 1);
	ck_assert(!take("am2", "DiskFull", ALERT_FIRING));
	ck_assert(!take("am1", "Watchdog", ALERT_FIRING));
	ck_assert(take("am2", "Watchdog", ALERT_FIRING));
	ck_assert_str_eq(said, "am2 resolved; ");
	fake_clock_advance(&fake, 10 * US_PER_MINUTE);
	heartbeats_heard(heartbeats, "am2");
	ck_assert(take("am2", "Watchdog", ALERT_RESOLVED));
	fake_clock_advance(&fake, 5 * US_PER_MINUTE);
	ck_assert_str_eq(said, "am2 resolved; am2 firing; ");
	ck_assert_str_eq(summary, "am2 has sent no watchdog since 2026-09-01T10:00:00Z");
}
END_TEST

START_TEST(senders_that_may_be_silent)
{
	start(2, 2);
	ck_assert(take("am3", "Watchdog", ALERT_FIRING));
	heartbeats_heard(heartbeats, "am4");
	fake_clock_advance(&fake, 24 * US_PER_HOUR);
	ck_assert_str_eq(said, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("heartbeats");
	TCase *tcase = tcase_create("heartbeats");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, silence_is_an_alarm);
	tcase_add_test(tcase, never_heard);
	tcase_add_test(tcase, watchdogs);
	tcase_add_test(tcase, senders_that_may_be_silent);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
