/* Tests of what a person does to what waits: pause, retry, drop, and looking at it. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "deliver_kit.h"

START_TEST(nothing_begins_to_leave_for_a_paused_pager)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	deliver_pause(deliver, "hook", true);
	ck_assert(deliver_is_paused(deliver, "hook"));
	ck_assert(!deliver_is_paused(deliver, "other"));
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	enqueue(2, "i2", "other", PAGE_TRIGGER);
	enqueue(3, "i3", "hook", PAGE_TRIGGER);
	fake_clock_advance(&fake, 40 * US_PER_MINUTE);
	ck_assert_str_eq(buf_text(&told), "changed 2 delivered 1\n");
	ck_assert_uint_eq(deliver_waiting(deliver), 2);
	deliver_pause(deliver, "hook", false);
	fake_clock_advance(&fake, 0);
	ck_assert_str_eq(buf_text(&told),
			 "changed 2 delivered 1\nchanged 1 delivered 1\nchanged 3 delivered 1\n");
	ck_assert_int_eq(asked_at("page-3\"", 0), 40 * US_PER_MINUTE);
	ck_assert_int_eq(timers_next_us(fake.timers), INT64_MAX);
}
END_TEST

START_TEST(a_pause_lets_end_what_is_under_way_and_no_retry_begin)
{
	fake_http_reply(&http,
			(struct fake_reply){ .status = 500, .times = 1, .delay_us = 5 * SECOND });
	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	fake_clock_advance(&fake, SECOND);
	deliver_pause(deliver, "hook", true);
	fake_clock_advance(&fake, 10 * US_PER_MINUTE);
	ck_assert_uint_eq(http.nrequests, 1);
	/* The attempt's failure was told, and no silence: a person paused the pager. */
	ck_assert_str_eq(buf_text(&told), "changed 1 queued 1\n");
	deliver_pause(deliver, "hook", false);
	fake_clock_advance(&fake, 0);
	ck_assert_str_eq(buf_text(&told), "changed 1 queued 1\nchanged 1 delivered 2\n");
}
END_TEST

/* The pager is being connected when a person pauses it: the request does not begin, and its page
 * stays. */
START_TEST(a_pause_takes_back_what_has_not_begun)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .connect_us = 200000 });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	enqueue(2, "i1", "hook", PAGE_RESOLVE);
	fake_clock_advance(&fake, 100000);
	deliver_pause(deliver, "hook", true);
	fake_clock_advance(&fake, 10 * SECOND);
	ck_assert(http.requests[0].taken_back);
	ck_assert_uint_eq(http.nrequests, 1);
	ck_assert_uint_eq(deliver_sending(deliver), 0);
	ck_assert_uint_eq(deliver_waiting(deliver), 2);
	ck_assert_str_eq(buf_text(&told), "");
	deliver_pause(deliver, "hook", false);
	fake_clock_run_idle(&fake, 10 * SECOND);
	ck_assert_str_eq(buf_text(&told), "changed 1 delivered 1\nchanged 2 delivered 1\n");
}
END_TEST

START_TEST(silence_counts_from_the_resume)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 500 });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	fake_clock_advance(&fake, 4 * US_PER_MINUTE);
	deliver_pause(deliver, "hook", true);
	deliver_pause(deliver, "hook", true);
	fake_clock_advance(&fake, 60 * US_PER_MINUTE);
	deliver_pause(deliver, "hook", false);
	fake_clock_advance(&fake, 20 * US_PER_MINUTE);
	ck_assert_int_eq(silent_at_us, (4 + 60 + 5) * US_PER_MINUTE);
}
END_TEST

START_TEST(a_resume_tries_all_at_once_although_the_pager_failed)
{
	fake_http_reply(&http,
			(struct fake_reply){ .status = 429, .retry_after_us = 300 * SECOND });
	for (int64_t id = 1; id <= 6; id++)
		enqueue_tried(id);
	fake_clock_advance(&fake, SECOND);
	deliver_pause(deliver, "hook", true);
	fake_http_forget(&http);
	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	deliver_pause(deliver, "hook", false);
	fake_clock_advance(&fake, 0);
	ck_assert_uint_eq(deliver_waiting(deliver), 0);
	ck_assert_int_eq(asked_at("page-6\"", 1), SECOND);
}
END_TEST

START_TEST(a_pager_that_is_paused_first_keeps_its_pace)
{
	struct stored_page page = make(1, "i1", "pd", PAGE_TRIGGER);
	size_t sent = 0;

	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	deliver_pause(deliver, "pd", true);
	page.target = "{\"kind\":\"pagerduty\",\"pager\":\"pd\",\"key\":\"k\",\"url\":"
		      "\"https://events.pagerduty.com/v2/enqueue\"}";
	for (int i = 1; i <= 200; i++) {
		char incident[16];
		snprintf(incident, sizeof(incident), "i%d", i);
		page.incident = incident;
		page.id = i;
		deliver_enqueue(deliver, &page, NULL);
	}
	deliver_pause(deliver, "pd", false);
	fake_clock_advance(&fake, 59 * SECOND);
	sent = http.nrequests;
	ck_assert_uint_gt(sent, 80);
	ck_assert_uint_le(sent, 120); /* PagerDuty's in a minute */
}
END_TEST

START_TEST(retry_of_a_page_does_not_wait_for_the_breaker)
{
	fake_http_reply(&http,
			(struct fake_reply){ .status = 429, .retry_after_us = 300 * SECOND });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	enqueue(2, "i1", "hook", PAGE_RESOLVE);
	enqueue(3, "i3", "hook", PAGE_TRIGGER);
	fake_clock_advance(&fake, SECOND);
	size_t tries = http.nrequests;
	ck_assert(!deliver_retry_page(deliver, 77));
	ck_assert(deliver_retry_page(deliver, 2)); /* the trigger goes first */
	ck_assert(deliver_retry_page(deliver, 2)); /* it is being sent */
	fake_clock_advance(&fake, 0);
	ck_assert_uint_eq(http.nrequests, tries + 1);
	ck_assert_int_eq(asked_at("page-1\"", 1), SECOND);
	deliver_pause(deliver, "hook", true);
	ck_assert(deliver_retry_page(deliver, 3));
	fake_clock_advance(&fake, SECOND);
	ck_assert_uint_eq(http.nrequests, tries + 1);
}
END_TEST

START_TEST(retry_of_a_pager_probes_and_then_sends_all)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 500 });
	for (int64_t id = 1; id <= 20; id++)
		enqueue_tried(id);
	fake_clock_advance(&fake, 2 * US_PER_MINUTE);
	size_t tries = http.nrequests;
	deliver_retry_pager(deliver, "unheard-of");
	deliver_retry_pager(deliver, "hook");
	ck_assert_uint_eq(http.nrequests, tries + 1); /* it fails: one probe */
	fake_clock_advance(&fake, 0);
	fake_http_forget(&http);
	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	deliver_retry_pager(deliver, "hook");
	fake_clock_advance(&fake, 0);
	ck_assert_uint_eq(deliver_waiting(deliver), 0);
}
END_TEST

START_TEST(dropping_an_update_lets_the_others_go)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = SECOND });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	enqueue(2, "i1", "hook", PAGE_NOTICE);
	enqueue(3, "i1", "hook", PAGE_RESOLVE);
	fake_clock_advance(&fake, 100000);
	ck_assert(deliver_drop_page(deliver, 2, "dropped by ann"));
	ck_assert(!deliver_drop_page(deliver, 2, "dropped by ann"));
	ck_assert_str_eq(last_error, "dropped by ann");
	fake_clock_run_idle(&fake, 60 * SECOND);
	ck_assert_str_eq(buf_text(&told), "changed 2 dropped 0\nchanged 1 delivered 1\n"
					  "changed 3 delivered 1\n");
}
END_TEST

START_TEST(dropping_a_trigger_drops_what_is_behind_it)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = SECOND });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	enqueue(2, "i1", "hook", PAGE_RESOLVE);
	enqueue(3, "i1", "other", PAGE_TRIGGER);
	deliver_pause(deliver, "still", true);
	enqueue(4, "i1", "still", PAGE_TRIGGER);
	enqueue(5, "i1", "still", PAGE_RESOLVE);
	fake_clock_advance(&fake, 100000);
	/* It is being sent: the pager may have it, and gets the resolve. */
	ck_assert(deliver_drop_page(deliver, 1, "dropped by ann"));
	ck_assert_uint_eq(http.cancelled, 1);
	ck_assert_uint_eq(deliver_sending(deliver), 2);
	ck_assert_int_eq(asked_at("page-2\"", 0), 100000);
	ck_assert_str_eq(buf_text(&told), "changed 1 dropped 1\n");
	buf_reset(&told);
	ck_assert(deliver_drop_page(deliver, 4, "dropped by ann"));
	ck_assert_str_eq(buf_text(&told), "changed 4 dropped 0\nchanged 5 dropped 0\n");
	ck_assert_str_eq(last_error, "its trigger was dropped");
	fake_clock_run_idle(&fake, 60 * SECOND);
	ck_assert_uint_eq(deliver_waiting(deliver), 0);
	ck_assert_int_eq(timers_next_us(fake.timers), INT64_MAX);
}
END_TEST

START_TEST(dropping_the_first_tries_the_next_at_once)
{
	fake_http_reply(&http, (struct fake_reply){
				       .status = 429, .times = 1, .retry_after_us = 7 * SECOND });
	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	enqueue(1, "i1", "hook", PAGE_NOTICE);
	enqueue(2, "i1", "hook", PAGE_RESOLVE);
	fake_clock_advance(&fake, SECOND);
	ck_assert(deliver_drop_page(deliver, 1, "dropped by ann"));
	fake_clock_run_idle(&fake, 60 * SECOND);
	ck_assert_str_eq(buf_text(&told),
			 "changed 1 queued 1\nchanged 1 dropped 1\nchanged 2 delivered 1\n");
	ck_assert_int_eq(asked_at("page-2\"", 0), 7 * SECOND); /* the pager's pause holds */
}
END_TEST

/* "ID STATE" of each, and a line for each pager. */
static struct buf viewed;

static bool view_page(void *ctx, const struct deliver_page_view *view)
{
	size_t *most = ctx;

	buf_printf(&viewed, "%" PRId64 " %s %s\n", view->page->id, view->page->pager,
		   deliver_state_name(view->state));
	return --*most > 0;
}

static bool view_pager(void *ctx, const struct deliver_pager_view *view)
{
	const char *name = ctx;

	if (strcmp(view->pager, name) == 0)
		buf_printf(&viewed, "%s%s%s %zu %" PRId64 "\n", view->pager,
			   view->paused ? " paused" : "", view->failing ? " failing" : "",
			   view->waiting, view->oldest_us);
	return true;
}

START_TEST(what_waits_is_listed_by_age)
{
	size_t most = 10;

	buf_init(&viewed, 4096);
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = 10 * SECOND });
	deliver_pause(deliver, "still", true);
	enqueue(5, "i1", "hook", PAGE_TRIGGER);
	enqueue(7, "i1", "hook", PAGE_RESOLVE);
	enqueue(6, "i2", "still", PAGE_TRIGGER);
	enqueue(8, "i3", "still", PAGE_TRIGGER);
	int64_t made_us = fake.wall_us;
	fake_clock_advance(&fake, 1000);
	deliver_each_page(deliver, 0, view_page, &most);
	ck_assert_str_eq(buf_text(&viewed),
			 "5 hook sending\n6 still paused\n7 hook waiting\n8 still paused\n");
	buf_reset(&viewed);
	most = 2;
	deliver_each_page(deliver, 5, view_page, &most);
	ck_assert_str_eq(buf_text(&viewed), "6 still paused\n7 hook waiting\n");
	buf_reset(&viewed);
	deliver_each_pager(deliver, view_pager, (char[]){ "still" });
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "still paused 2 %" PRId64 "\n", made_us);
	ck_assert_str_eq(buf_text(&viewed), wanted);
	buf_reset(&viewed);
	fake_clock_run_idle(&fake, 60 * SECOND);
	deliver_each_pager(deliver, view_pager, (char[]){ "hook" });
	ck_assert_str_eq(buf_text(&viewed), "hook 0 0\n");
	buf_fini(&viewed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("deliver_hand");
	TCase *tcase = tcase_create("deliver_hand");

	tcase_add_checked_fixture(tcase, deliver_kit_setup, deliver_kit_teardown);
	tcase_add_test(tcase, nothing_begins_to_leave_for_a_paused_pager);
	tcase_add_test(tcase, a_pause_lets_end_what_is_under_way_and_no_retry_begin);
	tcase_add_test(tcase, a_pause_takes_back_what_has_not_begun);
	tcase_add_test(tcase, silence_counts_from_the_resume);
	tcase_add_test(tcase, a_resume_tries_all_at_once_although_the_pager_failed);
	tcase_add_test(tcase, a_pager_that_is_paused_first_keeps_its_pace);
	tcase_add_test(tcase, retry_of_a_page_does_not_wait_for_the_breaker);
	tcase_add_test(tcase, retry_of_a_pager_probes_and_then_sends_all);
	tcase_add_test(tcase, dropping_an_update_lets_the_others_go);
	tcase_add_test(tcase, dropping_a_trigger_drops_what_is_behind_it);
	tcase_add_test(tcase, dropping_the_first_tries_the_next_at_once);
	tcase_add_test(tcase, what_waits_is_listed_by_age);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
