/* What a start must know of open incidents besides that they are open: when their recipients were
 * told last, how long they hold, how severe they are; and what a failing disk missed before. */
#include "world.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define TRACE	   " trace_id=0af7651916cd43dd8448eb211c80319c"
#define ORDERS	   "alertname=PlaceOrderErrors severity=critical" TRACE
#define SLOW	   "alertname=PlaceOrderSlow severity=warning" TRACE
#define DISK	   "alertname=DiskFull severity=warning host=db1"
#define SECONDS(n) ((int64_t)((n)*US_PER_SECOND))
#define MINUTES(n) ((int64_t)((n)*US_PER_MINUTE))

static struct world *world;

static void set_up(void)
{
	world = world_new();
	world_jaeger_has(world);
	world_pagers_take_all(world);
}

static void tear_down(void)
{
	world_free(world);
}

static void fire(const char *labels)
{
	world_alert(world, labels, ALERT_FIRING, world->clock.wall_us, 0);
}

static void resolve(const char *labels)
{
	world_alert(world, labels, ALERT_RESOLVED, 0, world->clock.wall_us);
}

static void restart(void)
{
	world_crash(world);
	world_start(world);
}

/* Updates are at most one a minute, over a restart, too: PagerDuty's is a trigger of the same key.
 */
START_TEST(the_last_telling_is_known)
{
	fire(ORDERS);
	world_run(world, SECONDS(20));
	ck_assert_uint_eq(world_pages(world, "key-ledger", NULL), 1);
	restart();
	fire(SLOW);
	world_run(world, SECONDS(39));
	ck_assert_uint_eq(world_pages(world, "key-ledger", NULL), 1);
	world_run(world, SECONDS(2));
	ck_assert_uint_eq(world_pages(world, "key-ledger", NULL), 2);
}
END_TEST

/* The rules hold this signal's incidents for ten minutes. */
START_TEST(the_hold_of_an_incident_is_known)
{
	struct ruleset *rules =
		world_other_rules("    owner: shop\n", "    owner: shop\n    resolve_hold: 10m\n");

	incidents_set_rules(world->incidents, rules);
	rules_unref(rules);
	fire(ORDERS);
	world_run(world, SECONDS(20));
	restart(); /* with the world's usual rules */
	resolve(ORDERS);
	world_run(world, MINUTES(10) - SECONDS(1));
	ck_assert_uint_eq(world_pages(world, "key-ledger", "resolve"), 0);
	world_run(world, SECONDS(1));
	ck_assert_uint_eq(world_pages(world, "key-ledger", "resolve"), 1);
}
END_TEST

/* The page is that of the first alert, a warning; the incident is critical. */
START_TEST(the_severity_of_an_incident_is_known)
{
	fire(SLOW);
	world_run(world, SECONDS(5));
	fire(ORDERS);
	world_run(world, MINUTES(2));
	size_t told = world_pages(world, "key-ledger", NULL);
	restart();
	fire(SLOW " host=b");
	world_run(world, MINUTES(2));
	ck_assert_uint_eq(world_pages(world, "key-ledger", NULL), told + 1);
	const struct fake_request *update = world_page(world, "key-ledger", NULL, told);
	ck_assert_ptr_nonnull(strstr(update->body, "\"severity\":\"critical\""));
	ck_assert_ptr_null(strstr(update->body, "severity is critical now"));
}
END_TEST

/* An alert of the v2 API that is told each minute to fire for four more: it is written as long as
 * less than half of that is on disk. After a restart it fires, so that its resolve counts. */
START_TEST(repeats_are_written_when_half_is_left)
{
	const int64_t starts_us = world->clock.wall_us;
	static const enum accept_result results[] = { ACCEPT_NEW,	ACCEPT_UNCHANGED,
						      ACCEPT_UNCHANGED, ACCEPT_REPEATED,
						      ACCEPT_UNCHANGED, ACCEPT_UNCHANGED };

	for (size_t i = 0; i < ARRAY_LEN(results); i++) {
		const int64_t ends_us = world->clock.wall_us + MINUTES(4);
		ck_assert_int_eq(world_alert_of_api(world, DISK, starts_us, ends_us), results[i]);
		world_run(world, MINUTES(1));
	}
	restart();
	ck_assert_int_eq(world_alert_of_api(world, DISK, starts_us, world->clock.wall_us),
			 ACCEPT_RESOLVED);
	world_run(world, LIMIT_RESOLVE_HOLD_US);
	ck_assert_uint_eq(world_pages(world, "key-sre", "resolve"), 1);
}
END_TEST

/* New words of an alert are on disk before they are answered; so is a repeat of what the disk
 * missed, or has not got yet. */
START_TEST(repeats_with_news_are_written)
{
	const int64_t starts_us = world->clock.wall_us;

	world_alert(world, DISK, ALERT_FIRING, starts_us, 0);
	ck_assert_int_eq(world_alert(world, DISK, ALERT_FIRING, starts_us, 0), ACCEPT_REPEATED);
	world_run(world, SECONDS(1));
	ck_assert_int_eq(world_alert(world, DISK, ALERT_FIRING, starts_us, 0), ACCEPT_UNCHANGED);
	ck_assert_int_eq(world_alert(world, DISK, ALERT_FIRING, starts_us + 1, 0), ACCEPT_REPEATED);
	fake_store_fail(world->disk, -ENOSPC);
	world_run(world, SECONDS(1));
	ck_assert_int_eq(world_alert(world, DISK, ALERT_FIRING, starts_us + 1, 0), ACCEPT_REPEATED);
	fake_store_fail(world->disk, 0);
	world_run(world, 2 * LIMIT_STORE_HEAL_US);
	ck_assert_int_eq(world_alert(world, DISK, ALERT_FIRING, starts_us + 1, 0),
			 ACCEPT_UNCHANGED);
}
END_TEST

START_TEST(a_page_that_the_disk_missed_is_written_later)
{
	fake_store_fail(world->disk, -ENOSPC);
	fire(DISK);
	world_run(world, SECONDS(1));
	ck_assert_uint_eq(world_pages(world, "key-sre", NULL), 1);
	ck_assert_uint_eq(world->disk->npages, 0);
	fake_store_fail(world->disk, 0);
	world_run(world, 2 * LIMIT_STORE_HEAL_US);
	ck_assert_uint_eq(world->disk->npages, 1);
	ck_assert_int_eq(world->disk->pages[0].state, STORED_PAGE_DELIVERED);
	ck_assert_uint_eq(world->disk->nalerts, 1);
	ck_assert_uint_eq(world->disk->nincidents, 1);
	ck_assert_uint_eq(world->disk->nrecipients, 1);
}
END_TEST

/* The store has the page's own members beside its incident's row: what leaves after a restart is
 * what would have left before it, byte by byte. */
START_TEST(a_page_that_waits_is_the_same_after_a_restart)
{
	fake_http_forget(&world->http);
	world_jaeger_has(world);
	fake_http_reply(&world->http,
			(struct fake_reply){ .url_part = "http://pager/", .status = 503 });
	fire(ORDERS);
	world_run(world, SECONDS(5));
	const struct fake_request *before = world_page(world, "key-ledger", NULL, 0);
	ck_assert_ptr_nonnull(before);
	ck_assert_ptr_nonnull(strstr(before->body, "Trace 0af7651916cd43dd8448eb211c80319c"));
	CLEANUP_FREE char *body = xstrdup(before->body);
	const struct stored_page *row = &world->disk->pages[0];
	ck_assert_int_eq(row->state, STORED_PAGE_QUEUED);
	ck_assert_ptr_null(strstr(row->doc, "Trace 0af7651916cd43dd8448eb211c80319c"));
	size_t tries = world_pages(world, "key-ledger", NULL);
	restart();
	world_run(world, MINUTES(2));
	ck_assert_uint_gt(world_pages(world, "key-ledger", NULL), tries);
	ck_assert_str_eq(world_page(world, "key-ledger", NULL, tries)->body, body);
}
END_TEST

/* The wall clock stands; each state of an incident that a start finds is taken up: here a resolve
 * on its way to a pager that does not answer. */
START_TEST(a_resolve_that_waits_leaves_after_a_restart)
{
	fire(DISK);
	world_run(world, SECONDS(5));
	fake_http_forget(&world->http);
	resolve(DISK);
	world_run(world, LIMIT_RESOLVE_HOLD_US + SECONDS(5));
	world_pagers_take_all(world);
	restart();
	size_t before = world_pages(world, "key-sre", "resolve");
	world_run(world, MINUTES(1));
	ck_assert_uint_eq(world_pages(world, "key-sre", "resolve"), before + 1);
	world_run(world, MINUTES(10));
	restart();
	world_run(world, MINUTES(10));
	ck_assert_uint_eq(world_pages(world, "key-sre", "resolve"), before + 1);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 1);
	ck_assert_uint_eq(world->disk->nrecipients, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("restart");
	TCase *tcase = tcase_create("restart");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, the_last_telling_is_known);
	tcase_add_test(tcase, the_hold_of_an_incident_is_known);
	tcase_add_test(tcase, the_severity_of_an_incident_is_known);
	tcase_add_test(tcase, repeats_are_written_when_half_is_left);
	tcase_add_test(tcase, repeats_with_news_are_written);
	tcase_add_test(tcase, a_page_that_the_disk_missed_is_written_later);
	tcase_add_test(tcase, a_page_that_waits_is_the_same_after_a_restart);
	tcase_add_test(tcase, a_resolve_that_waits_leaves_after_a_restart);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
