/* A person pauses a pager: its pages wait over a restart, other pages say so, and nothing is lost.
 */
#include "world.h"

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/deliver.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define TRACE  " trace_id=0af7651916cd43dd8448eb211c80319c"
#define ORDERS "alertname=PlaceOrderErrors severity=critical" TRACE
#define DISK   "alertname=DiskFull severity=warning host=db1"

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

START_TEST(a_paused_pager_keeps_its_pages_over_a_restart)
{
	ck_assert(incidents_pause(world->incidents, "ledger-pager", "ann", true));
	ck_assert(!incidents_pause(world->incidents, "ledger-pager", "bob", true));
	fire(ORDERS);
	/* No 5 minutes of silence page the fallback team: a person paused the pager. */
	world_run(world, 9 * US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-ledger", NULL), 0);
	ck_assert_uint_eq(world_pages(world, "key-sre", NULL), 0);
	world_crash(world);
	world_start(world);
	world_run(world, US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-ledger", NULL), 0);
	ck_assert(incidents_pause(world->incidents, "ledger-pager", "bob", false));
	ck_assert(!incidents_pause(world->incidents, "ledger-pager", "bob", false));
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
	world_crash(world);
	world_start(world);
	ck_assert(!deliver_is_paused(incidents_deliver(world->incidents), "ledger-pager"));
}
END_TEST

START_TEST(pages_say_which_pager_is_paused)
{
	static const char banner[] =
		"pager ledger-pager is paused by ann since 2026-09-01T10:00:00Z";

	incidents_pause(world->incidents, "ledger-pager", "ann", true);
	fire(DISK);
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 1);
	ck_assert_ptr_nonnull(strstr(world_page(world, "key-sre", NULL, 0)->body, banner));
	/* And no more once it goes on, after a restart either. */
	incidents_pause(world->incidents, "ledger-pager", "ann", false);
	world_run(world, US_PER_SECOND);
	world_crash(world);
	world_start(world);
	fire("alertname=DiskFull severity=warning host=db2");
	world_run(world, 2 * US_PER_MINUTE);
	size_t n = world_pages(world, "key-sre", NULL);
	ck_assert_uint_gt(n, 1);
	ck_assert_ptr_null(strstr(world_page(world, "key-sre", NULL, n - 1)->body, "is paused"));
}
END_TEST

static bool take_id(void *ctx, const struct deliver_page_view *view)
{
	*(int64_t *)ctx = view->page->id;
	return false;
}

static bool count_incident(void *ctx, const struct incident_view *view)
{
	(void)view;
	(*(size_t *)ctx)++;
	return true;
}

START_TEST(an_incident_whose_trigger_a_person_drops_comes_to_its_end)
{
	struct deliver *deliver = incidents_deliver(world->incidents);
	int64_t id = 0;

	incidents_pause(world->incidents, "ledger-pager", "ann", true);
	fire(ORDERS);
	world_run(world, US_PER_MINUTE);
	deliver_each_page(deliver, 0, take_id, &id);
	ck_assert_int_ne(id, 0);
	ck_assert(deliver_drop_page(deliver, id, "dropped by ann"));
	ck_assert_uint_eq(deliver_waiting(deliver), 0);
	resolve(ORDERS);
	world_run(world, 10 * US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-ledger", NULL), 0);
	ck_assert_uint_eq(incidents_busy(world->incidents), 0);
	size_t left = 0;
	incidents_each(world->incidents, NULL, count_incident, &left);
	ck_assert_uint_eq(left, 0);
}
END_TEST

/* "NAME KIND paused_by waiting" */
static bool view_ledger(void *ctx, const struct incident_pager_view *view)
{
	if (strcmp(view->name, "ledger-pager") == 0)
		buf_printf(ctx, "%s %s %s %zu\n", view->name, view->kind,
			   view->paused_by ? view->paused_by : "-", view->waiting);
	return true;
}

START_TEST(pagers_are_listed_with_what_waits)
{
	struct buf text = BUF_INIT(4096);

	incidents_each_pager(world->incidents, view_ledger, &text);
	ck_assert_str_eq(buf_text(&text), "ledger-pager pagerduty - 0\n");
	buf_reset(&text);
	incidents_pause(world->incidents, "ledger-pager", "ann", true);
	fire(ORDERS);
	world_run(world, US_PER_MINUTE);
	incidents_each_pager(world->incidents, view_ledger, &text);
	ck_assert_str_eq(buf_text(&text),
			 "ledger-pager pagerduty ann since 2026-09-01T10:00:00Z 1\n");
	buf_fini(&text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pause");
	TCase *tcase = tcase_create("pause");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_paused_pager_keeps_its_pages_over_a_restart);
	tcase_add_test(tcase, pages_say_which_pager_is_paused);
	tcase_add_test(tcase, an_incident_whose_trigger_a_person_drops_comes_to_its_end);
	tcase_add_test(tcase, pagers_are_listed_with_what_waits);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
