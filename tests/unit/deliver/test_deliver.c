/* Tests of delivery on a fake clock and a fake network: order, retries, breaker, coalescing. Random
 * is fixed at 0.5, where a test does not set another chance. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracepager/pack.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

#include "deliver_kit.h"

START_TEST(delivers_at_once)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = 3000 });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	ck_assert_uint_eq(deliver_waiting(deliver), 1);
	fake_clock_run_idle(&fake, SECOND);
	ck_assert_str_eq(buf_text(&told), "changed 1 delivered 1\n");
	ck_assert_uint_eq(deliver_waiting(deliver), 0);
	ck_assert_uint_eq(http.nrequests, 1);
	ck_assert_str_eq(http.requests[0].url, "https://hook/hook");
	ck_assert_ptr_nonnull(strstr(http.requests[0].headers, "webhook-id: i1_1\n"));
	ck_assert_ptr_nonnull(strstr(http.requests[0].body, "\"type\":\"page.trigger\""));
	ck_assert_int_eq(timers_next_us(fake.timers), INT64_MAX);
}
END_TEST

START_TEST(retries_by_the_clock)
{
	fake_http_reply(&http,
			(struct fake_reply){ .status = 500, .times = 1, .delay_us = 100000 });
	fake_http_reply(&http, (struct fake_reply){
				       .status = 429, .times = 1, .retry_after_us = 7 * SECOND });
	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	fake_clock_run_idle(&fake, 60 * SECOND);
	/* Half of the first step of 1 s after the reply at 0.1 s; then what the pager asked for. */
	ck_assert_int_eq(asked_at("hook", 0), 0);
	ck_assert_int_eq(asked_at("hook", 1), 600000);
	ck_assert_int_eq(asked_at("hook", 2), 7600000);
	ck_assert_uint_eq(http.nrequests, 3);
	ck_assert_str_eq(buf_text(&told),
			 "changed 1 queued 1\nchanged 1 queued 2\nchanged 1 delivered 3\n");
	ck_assert_int_eq(last.next_us, 0); /* it is not due any more */
	/* The same message each time, signed anew. */
	for (size_t i = 0; i < 3; i++)
		ck_assert_ptr_nonnull(strstr(http.requests[i].headers, "webhook-id: i1_1\n"));
	ck_assert_ptr_nonnull(strstr(http.requests[0].headers, "webhook-timestamp: 1788256800\n"));
	ck_assert_ptr_nonnull(strstr(http.requests[2].headers, "webhook-timestamp: 1788256807\n"));
}
END_TEST

START_TEST(a_retry_is_told_with_its_time_and_reason)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 503, .times = 1, .body = "tired" });
	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	fake_clock_advance(&fake, 0);
	ck_assert_int_eq(last.state, STORED_PAGE_QUEUED);
	ck_assert_int_eq(last.next_us, FAKE_WALL_US + 500000);
	ck_assert_str_eq(last_error, "HTTP 503: tired");
	fake_clock_run_idle(&fake, SECOND);
	ck_assert_int_eq(last.state, STORED_PAGE_DELIVERED);
	ck_assert_str_eq(last_error, "");
}
END_TEST

/* The n-th try of the only page is at tries[n], in milliseconds. */
static void assert_tries(const int64_t *tries, size_t n)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 500 });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	fake_clock_advance(&fake, (tries[n - 1] + 1) * US_PER_MS);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(asked_at("hook", i), tries[i] * US_PER_MS);
	ck_assert_uint_eq(http.nrequests, n);
}

START_TEST(backoff_doubles_up_to_its_cap)
{
	/* Halves of 1, 2, 4, 8, 15, 15 … s. From the fifth failure on the breaker holds the pager,
	 * too, for 3/4 of 1, 2, 4, 8, 10 s: never longer than the page's own pause. */
	static const int64_t tries[] = { 0, 500, 1500, 3500, 7500, 15000, 22500, 30000, 37500 };

	assert_tries(tries, ARRAY_LEN(tries));
}
END_TEST

START_TEST(the_longest_jitter_is_15_seconds)
{
	static const int64_t tries[] = { 0, 1000, 3000, 7000, 15000, 30000, 45000, 60000, 75000 };

	chance = 1;
	assert_tries(tries, ARRAY_LEN(tries));
}
END_TEST

/* Full jitter: a page may be tried again nearly at once. It is the breaker that then keeps tries
 * apart, by 0.505 of 1, 2, 4, 8, 10, 10 s after the fifth. */
START_TEST(the_shortest_jitter_is_none)
{
	static const int64_t tries[] = { 0, 10, 30, 70, 150, 655, 1665, 3685, 7725, 12775, 17825 };

	chance = 0.01;
	assert_tries(tries, ARRAY_LEN(tries));
}
END_TEST

START_TEST(no_reply_is_no_end)
{
	fake_http_reply(&http, (struct fake_reply){ .error = "connection refused", .times = 3 });
	fake_http_reply(&http,
			(struct fake_reply){ .status = 202, .delay_us = 60 * SECOND, .times = 1 });
	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	fake_clock_run_idle(&fake, 100 * SECOND);
	/* The fourth try, 3.5 s in, hangs for the 15 s of a request; half of 8 s later comes the
	 * fifth. */
	ck_assert_int_eq(asked_at("hook", 3), 3500000);
	ck_assert_int_eq(asked_at("hook", 4), 3500000 + 15 * SECOND + 4 * SECOND);
	ck_assert_int_eq(last.state, STORED_PAGE_DELIVERED);
	ck_assert_uint_eq(last.attempts, 5);
}
END_TEST

START_TEST(an_exhausted_transport_is_tried_again)
{
	http.refuse = true;
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	ck_assert_uint_eq(told.len, 0); /* nothing is told before deliver_enqueue() returns */
	fake_clock_advance(&fake, 100000);
	ck_assert_str_eq(buf_text(&told), "changed 1 queued 1\n");
	http.refuse = false;
	fake_http_reply(&http, (struct fake_reply){ .status = 200 });
	fake_clock_run_idle(&fake, SECOND);
	ck_assert_int_eq(last.state, STORED_PAGE_DELIVERED);
}
END_TEST

START_TEST(a_resolve_never_overtakes_its_trigger)
{
	fake_http_reply(&http,
			(struct fake_reply){ .body_part = "page-1\"", .status = 500, .times = 2 });
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = SECOND });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	fake_clock_advance(&fake, 100000);
	enqueue(2, "i1", "hook", PAGE_RESOLVE);
	fake_clock_run_idle(&fake, 60 * SECOND);
	/* Tries at 0, 0.5 and 1.5 s; the third is answered at 2.5 s, and only then the resolve
	 * leaves. */
	ck_assert_int_eq(asked_at("page-1\"", 2), 1500000);
	ck_assert_int_eq(asked_at("page.resolve", 0), 2500000);
	ck_assert_str_eq(buf_text(&told), "changed 1 queued 1\nchanged 1 queued 2\nchanged 1 "
					  "delivered 3\nchanged 2 delivered 1\n");
}
END_TEST

START_TEST(incidents_and_pagers_do_not_wait_for_each_other)
{
	fake_http_reply(
		&http,
		(struct fake_reply){ .url_part = "slow", .status = 202, .delay_us = 10 * SECOND });
	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	enqueue(1, "i1", "slow", PAGE_TRIGGER);
	enqueue(2, "i1", "hook", PAGE_TRIGGER);
	enqueue(3, "i2", "slow", PAGE_TRIGGER);
	fake_clock_advance(&fake, 0);
	ck_assert_uint_eq(http.nrequests, 3);
	ck_assert_str_eq(buf_text(&told), "changed 2 delivered 1\n");
	fake_clock_run_idle(&fake, 60 * SECOND);
	ck_assert_uint_eq(deliver_waiting(deliver), 0);
}
END_TEST

START_TEST(a_waiting_update_is_superseded)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = SECOND });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	enqueue(2, "i1", "hook", PAGE_UPDATE);
	enqueue(3, "i1", "hook", PAGE_UPDATE);
	ck_assert_str_eq(buf_text(&told), "changed 2 dropped 0\n");
	enqueue(4, "i1", "hook", PAGE_RESOLVE);
	fake_clock_run_idle(&fake, 60 * SECOND);
	ck_assert_str_eq(buf_text(&told),
			 "changed 2 dropped 0\nchanged 3 dropped 0\nchanged 1 delivered 1\n"
			 "changed 4 delivered 1\n");
	ck_assert_uint_eq(http.nrequests, 2);
}
END_TEST

START_TEST(an_update_on_its_way_is_not_dropped)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = SECOND });
	enqueue(1, "i1", "hook", PAGE_UPDATE);
	enqueue(2, "i1", "hook", PAGE_UPDATE);
	fake_clock_run_idle(&fake, 60 * SECOND);
	ck_assert_str_eq(buf_text(&told), "changed 1 delivered 1\nchanged 2 delivered 1\n");
}
END_TEST

START_TEST(a_failed_update_gives_way_but_keeps_the_pause)
{
	fake_http_reply(&http,
			(struct fake_reply){ .status = 500, .times = 1, .delay_us = SECOND });
	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	enqueue(1, "i1", "hook", PAGE_UPDATE);
	fake_clock_advance(&fake, 0);
	enqueue(2, "i1", "hook", PAGE_RESOLVE);
	fake_clock_run_idle(&fake, 60 * SECOND);
	ck_assert_str_eq(buf_text(&told), "changed 1 dropped 1\nchanged 2 delivered 1\n");
	ck_assert_int_eq(asked_at("page-2\"", 0), 1500000);
}
END_TEST

START_TEST(a_rejected_trigger_drops_the_pages_behind_it)
{
	fake_http_reply(
		&http, (struct fake_reply){ .status = 400, .delay_us = SECOND, .body = "bad key" });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	enqueue(2, "i1", "hook", PAGE_UPDATE);
	enqueue(3, "i1", "hook", PAGE_RESOLVE);
	fake_clock_run_idle(&fake, 60 * SECOND);
	ck_assert_uint_eq(http.nrequests, 1);
	ck_assert_str_eq(buf_text(&told),
			 "changed 2 dropped 0\nchanged 1 rejected 1\nchanged 3 dropped 0\n");
	ck_assert_uint_eq(deliver_waiting(deliver), 0);
}
END_TEST

START_TEST(a_rejected_update_lets_the_resolve_go)
{
	fake_http_reply(&http, (struct fake_reply){ .body_part = "page.update", .status = 413 });
	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	enqueue(1, "i1", "hook", PAGE_UPDATE);
	fake_clock_run_idle(&fake, SECOND);
	enqueue(2, "i1", "hook", PAGE_RESOLVE);
	fake_clock_run_idle(&fake, SECOND);
	ck_assert_str_eq(buf_text(&told), "changed 1 rejected 1\nchanged 2 delivered 1\n");
}
END_TEST

START_TEST(changed_may_enqueue)
{
	struct stored_page again = make(9, "i1", "hook", PAGE_TRIGGER);

	fake_http_reply(&http, (struct fake_reply){ .status = 403, .times = 1 });
	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	/* make() has one buffer: page 1 carries page 9's text. */
	again.id = 1;
	deliver_enqueue(deliver, &again, NULL);
	again.id = 9;
	enqueue_on_rejection = &again;
	fake_clock_run_idle(&fake, SECOND);
	ck_assert_str_eq(buf_text(&told), "changed 1 rejected 1\nchanged 9 delivered 1\n");
}
END_TEST

START_TEST(broken_pages_are_rejected)
{
	struct stored_page page = make(1, "i1", "hook", PAGE_TRIGGER);

	page.doc = "{\"incident\":";
	page.doc_len = strlen(page.doc);
	deliver_enqueue(deliver, &page, NULL);
	ck_assert_uint_eq(told.len, 0);
	page = make(2, "i2", "hook", PAGE_TRIGGER);
	page.target = "{\"kind\":\"pigeon\",\"pager\":\"hook\"}";
	deliver_enqueue(deliver, &page, NULL);
	page = make(3, "i3", "hook", PAGE_TRIGGER);
	page.event = 99;
	deliver_enqueue(deliver, &page, NULL);
	fake_clock_run_idle(&fake, SECOND);
	ck_assert_str_eq(buf_text(&told),
			 "changed 1 rejected 1\nchanged 2 rejected 1\nchanged 3 rejected 1\n");
	ck_assert_uint_eq(http.nrequests, 0);
}
END_TEST

/* What was queued as struct page is sent as such: its row's document is not looked at. */
START_TEST(a_copy_is_sent_in_place_of_the_document)
{
	struct stored_page row = make(1, "i1", "hook", PAGE_TRIGGER);
	const struct page page = { .incident = "i1", .dedup_key = "i1", .summary = "the copy" };

	fake_http_reply(&http, (struct fake_reply){ .status = 503, .times = 1 });
	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	row.doc = "{";
	row.doc_len = 1;
	deliver_enqueue(deliver, &row, page_copy_new(&page, NULL, NULL));
	fake_clock_run_idle(&fake, 20 * SECOND);
	ck_assert_str_eq(buf_text(&told), "changed 1 queued 1\nchanged 1 delivered 2\n");
	for (size_t i = 0; i < 2; i++)
		ck_assert_ptr_nonnull(strstr(fake_http_request(&http, "hook", i)->body,
					     "\"summary\":\"the copy\""));
}
END_TEST

/* A page that failed waits with its decision packed, and is sent with it all the same. */
START_TEST(a_page_that_waits_keeps_its_decision_packed)
{
	struct stored_page row = make(1, "i1", "hook", PAGE_TRIGGER);
	const struct page page = { .incident = "i1", .dedup_key = "i1", .summary = "the copy" };
	struct buf text = BUF_INIT(100), bytes = BUF_INIT(100);

	fake_http_reply(&http, (struct fake_reply){ .status = 503, .times = 1 });
	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	buf_puts(&text, "{\"version\":1}");
	pack_add(text.data, text.len, &bytes);
	struct shared_text *decision = shared_text_take(&text);
	struct shared_text *packed = shared_text_copy(bytes.data, bytes.len);
	deliver_enqueue(deliver, &row, page_copy_new(&page, decision, packed));
	ck_assert_uint_eq(decision->references, 2);
	fake_clock_run_idle(&fake, 20 * SECOND);
	ck_assert_str_eq(buf_text(&told), "changed 1 queued 1\nchanged 1 delivered 2\n");
	ck_assert_uint_eq(http.nrequests, 2);
	for (size_t i = 0; i < 2; i++)
		ck_assert_ptr_nonnull(strstr(fake_http_request(&http, "hook", i)->body,
					     "\"decision\":{\"version\":1}"));
	ck_assert_uint_eq(decision->references, 1);
	ck_assert_uint_eq(packed->references, 1);
	shared_text_unref(decision);
	shared_text_unref(packed);
	buf_fini(&bytes);
}
END_TEST

static int read_other(void *ctx, const struct stored_page *row, struct arena *arena,
		      struct page *ret_page, struct err *err)
{
	(void)ctx;
	if (row->id == 2)
		return err_set(err, EINVAL, "no such page");
	*ret_page = (struct page){ .incident = row->incident,
				   .dedup_key = row->incident,
				   .summary = arena_printf(arena, "read of %s", row->doc),
				   .details = "" };
	return 0;
}

/* A page that a restart found is read by whoever stored it. */
START_TEST(a_document_is_read_by_its_owner)
{
	const struct deliver_ops ops = {
		.changed = on_changed, .silent = on_silent, .read = read_other, .ctx = &told
	};
	struct deliver_env env = { &http.transport, fake.timers,  &fake.clock,
				   console_fd,	    fixed_chance, NULL };
	struct deliver *own = deliver_new(&env, &ops);
	struct stored_page row = make(1, "i1", "hook", PAGE_TRIGGER);

	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	row.doc = "1b";
	row.doc_len = 1;
	deliver_enqueue(own, &row, NULL);
	row.id = 2;
	row.incident = "i2";
	deliver_enqueue(own, &row, NULL);
	fake_clock_run_idle(&fake, SECOND);
	ck_assert_ptr_nonnull(strstr(fake_http_request(&http, "hook", 0)->body, "read of 1\""));
	ck_assert_str_eq(buf_text(&told), "changed 1 delivered 1\nchanged 2 rejected 1\n");
	ck_assert_str_eq(last_error, "no such page");
	deliver_free(own);
}
END_TEST

START_TEST(silence_is_told_once)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 500 });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	fake_clock_advance(&fake, 40 * US_PER_MINUTE);
	const char *first = strstr(buf_text(&told), "silent 1\n");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, "silent"));
	ck_assert_int_eq(silent_at_us, 5 * US_PER_MINUTE);
	ck_assert_uint_eq(deliver_waiting(deliver), 1); /* it is still tried */
	ck_assert_int_gt(asked_at("hook", http.nrequests - 1), 35 * US_PER_MINUTE);
}
END_TEST

START_TEST(a_restart_keeps_the_pause)
{
	struct stored_page page = make(1, "i1", "hook", PAGE_TRIGGER);

	fake_http_reply(&http, (struct fake_reply){ .status = 500, .times = 1 });
	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	page.attempts = 3;
	page.next_us = fake.wall_us + 2 * SECOND;
	deliver_enqueue(deliver, &page, NULL);
	fake_clock_run_idle(&fake, 60 * SECOND);
	ck_assert_int_eq(asked_at("hook", 0), 2 * SECOND);
	/* The fourth failure: half of 8 s. */
	ck_assert_int_eq(asked_at("hook", 1), 6 * SECOND);
	ck_assert_str_eq(buf_text(&told), "changed 1 queued 4\nchanged 1 delivered 5\n");
}
END_TEST

START_TEST(a_restart_with_a_wrong_clock_waits_no_longer_than_the_cap)
{
	struct stored_page page = make(1, "i1", "hook", PAGE_TRIGGER);

	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	page.attempts = 1;
	page.next_us = fake.wall_us + US_PER_DAY;
	deliver_enqueue(deliver, &page, NULL);
	fake_clock_run_idle(&fake, US_PER_DAY);
	ck_assert_int_eq(asked_at("hook", 0), LIMIT_PAGER_RETRY_AFTER_US);
}
END_TEST

START_TEST(retry_after_holds_the_whole_pager)
{
	fake_http_reply(&http, (struct fake_reply){
				       .status = 429, .times = 1, .retry_after_us = 7 * SECOND });
	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	fake_clock_advance(&fake, SECOND);
	enqueue(2, "i2", "hook", PAGE_TRIGGER);
	enqueue(3, "i2", "other", PAGE_TRIGGER);
	fake_clock_run_idle(&fake, 60 * SECOND);
	ck_assert_int_eq(asked_at("page-2\"", 0), 7 * SECOND);
	ck_assert_int_eq(asked_at("page-3\"", 0), SECOND);
}
END_TEST

/* Of one burst some are taken, others are asked to wait: the pause counts. */
START_TEST(retry_after_outlives_the_answers_of_its_burst)
{
	fake_http_reply(&http, (struct fake_reply){ .body_part = "page-1\"",
						    .status = 429,
						    .times = 1,
						    .delay_us = SECOND / 10,
						    .retry_after_us = 7 * SECOND });
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = SECOND / 5 });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	enqueue(2, "i2", "hook", PAGE_TRIGGER);
	fake_clock_advance(&fake, SECOND);
	ck_assert_str_eq(buf_text(&told), "changed 1 queued 1\nchanged 2 delivered 1\n");
	enqueue(3, "i3", "hook", PAGE_TRIGGER);
	fake_clock_run_idle(&fake, 60 * SECOND);
	ck_assert_int_eq(asked_at("page-1\"", 1), 7100000);
	ck_assert_int_eq(asked_at("page-3\"", 0), 7100000);
	/* The pager answers again: the pause is over for good. */
	enqueue(4, "i4", "hook", PAGE_TRIGGER);
	int64_t now_us = fake_clock_elapsed_us(&fake);
	fake_clock_run_idle(&fake, 60 * SECOND);
	ck_assert_int_eq(asked_at("page-4\"", 0), now_us);
}
END_TEST

/* 10,000 incidents, one dead pager: few attempts while it is dead, all leave when it is back, each
 * once. */
START_TEST(a_dead_pager_is_probed_and_then_gets_all)
{
	enum { PAGES = 10000 };
	char incident[16];

	fake_http_reply(&http,
			(struct fake_reply){ .error = "connection refused", .delay_us = 1000 });
	for (int i = 0; i < PAGES; i++) {
		snprintf(incident, sizeof(incident), "i%d", i);
		enqueue(i, incident, "hook", PAGE_TRIGGER);
	}
	fake_clock_advance(&fake, 4 * US_PER_MINUTE);
	ck_assert_uint_eq(http.most_open, LIMIT_DELIVERIES_PER_PAGER);
	/* Bursts of 16 that start when another one has failed count with it: nine bursts are five
	 * failures. Then a fresh page in each of 240 seconds. */
	ck_assert_uint_le(http.nrequests, 9 * 16 + 240);
	ck_assert_uint_eq(deliver_waiting(deliver), PAGES);

	fake_http_forget(&http);
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = 10000 });
	buf_reset(&told);
	size_t tries = http.nrequests;
	http.most_open = 0;
	fake_clock_advance(&fake, 10 * US_PER_MINUTE);
	ck_assert_uint_eq(deliver_waiting(deliver), 0);
	ck_assert_uint_eq(http.nrequests, tries + PAGES);
	ck_assert_uint_eq(http.most_open, LIMIT_DELIVERIES_PER_PAGER);
	ck_assert_ptr_null(strstr(buf_text(&told), "queued"));
}
END_TEST

/* 16 attempts side by side that all fail are one failure: after five bursts, not within the first
 * one, the pager is only probed. */
START_TEST(a_burst_counts_once)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 503, .delay_us = SECOND });
	for (int64_t id = 1; id <= 16; id++)
		enqueue_severe(id, SEVERITY_ERROR);
	/* Bursts last a second, and halves of 1, 2, 4, 8 s are between them: they start at 0, 1.5,
	 * 3.5, 6.5 and 11.5 s. */
	fake_clock_advance(&fake, 11500000 - 1);
	ck_assert_uint_eq(http.nrequests, 4 * 16);
	fake_clock_advance(&fake, 1);
	ck_assert_uint_eq(http.nrequests, 5 * 16);
	/* All are due again at 12.5 + 7.5 s; now they go one by one. */
	fake_clock_advance(&fake, 20 * SECOND - 11500000 - 1);
	ck_assert_uint_eq(http.nrequests, 5 * 16);
	fake_clock_advance(&fake, 1);
	ck_assert_uint_eq(http.nrequests, 5 * 16 + 1);
}
END_TEST

START_TEST(probes_are_at_most_10_seconds_apart)
{
	chance = 1;
	fake_http_reply(&http, (struct fake_reply){ .status = 503, .delay_us = 1000 });
	for (int64_t id = 1; id <= 20; id++)
		enqueue_tried(id);
	fake_clock_advance(&fake, 5 * US_PER_MINUTE);
	/* 20 pages of which each may be tried every 15 s: there is always one that waits. */
	for (size_t i = http.nrequests - 10; i < http.nrequests; i++)
		ck_assert_int_eq(http.requests[i].at_us - http.requests[i - 1].at_us,
				 10 * SECOND + 1000);
}
END_TEST

/* Requests hang until they time out: the next probe does not wait for that. */
START_TEST(a_hanging_probe_does_not_keep_the_next_one_back)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = US_PER_HOUR });
	for (int64_t id = 1; id <= 20; id++)
		enqueue_tried(id);
	fake_clock_advance(&fake, 10 * US_PER_MINUTE);
	for (size_t i = http.nrequests - 10; i < http.nrequests; i++)
		ck_assert_int_le(http.requests[i].at_us - http.requests[i - 1].at_us, 10 * SECOND);
}
END_TEST

/* With the longest jitter page 1 is tried at 0, 1, 3, 7, 15, 30, 45, 60 and 75 s; after the ninth
 * failure the next probe is at 85 s. */
START_TEST(a_fresh_page_is_tried_at_once_at_most_one_a_second)
{
	chance = 1;
	fake_http_reply(&http, (struct fake_reply){ .status = 503 });
	enqueue_severe(1, SEVERITY_ERROR);
	fake_clock_advance(&fake, 75500000);
	ck_assert_uint_eq(http.nrequests, 9);
	enqueue_severe(2, SEVERITY_ERROR);
	fake_clock_advance(&fake, 1700000);
	ck_assert_int_eq(asked_at("page-2\"", 0), 76 * SECOND); /* a second behind page 1 */
	enqueue_severe(3, SEVERITY_ERROR);
	enqueue_severe(4, SEVERITY_ERROR);
	fake_clock_advance(&fake, 8 * SECOND);
	ck_assert_int_eq(asked_at("page-3\"", 0), 77200000);
	ck_assert_int_eq(asked_at("page-4\"", 0), 78200000);
	ck_assert_uint_eq(http.nrequests, 12);
	/* One try each; then they wait for probes, 10 s behind the last failure, the oldest that is
	 * due first: page 1 rests until 90 s. */
	fake_clock_advance(&fake, 20 * SECOND);
	ck_assert_int_eq(asked_at("page-2\"", 1), 88200000);
}
END_TEST

/* The most severe fresh page first, of these the newest. */
START_TEST(of_fresh_pages_the_most_severe_is_tried_first)
{
	chance = 1;
	fake_http_reply(&http, (struct fake_reply){ .status = 503 });
	enqueue_severe(1, SEVERITY_ERROR);
	fake_clock_advance(&fake, 75500000);
	enqueue_severe(2, SEVERITY_CRITICAL);
	enqueue_severe(3, SEVERITY_CRITICAL);
	enqueue_severe(4, SEVERITY_WARNING);
	fake_clock_advance(&fake, 3 * SECOND);
	ck_assert_int_eq(asked_at("page-3\"", 0), 76 * SECOND);
	ck_assert_int_eq(asked_at("page-2\"", 0), 77 * SECOND);
	ck_assert_int_eq(asked_at("page-4\"", 0), 78 * SECOND);
}
END_TEST

/* Every place hangs, and the breaker does not know it yet. */
START_TEST(a_fresh_page_does_not_wait_for_places_that_hang)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = US_PER_HOUR });
	for (int64_t id = 1; id <= 20; id++)
		enqueue_severe(id, SEVERITY_ERROR);
	fake_clock_advance(&fake, 4500000);
	/* 16 places; then one a second, at 1, 2, 3 and 4 s. */
	ck_assert_uint_eq(http.nrequests, 20);
	enqueue_severe(21, SEVERITY_CRITICAL);
	fake_clock_advance(&fake, SECOND);
	ck_assert_int_eq(asked_at("page-21\"", 0), 5 * SECOND);
	/* However many come: what hangs is bounded. */
	for (int64_t id = 22; id <= 200; id++)
		enqueue_severe(id, SEVERITY_ERROR);
	fake_clock_advance(&fake, US_PER_MINUTE);
	ck_assert_uint_le(http.most_open, LIMIT_DELIVERIES_PER_PAGER + LIMIT_FRESH_DELIVERIES);
}
END_TEST

/* Page 1 fails at 0, 0.5, 1.5, 3.5 and 7.5 s, which opens the breaker; the next probe is at 8.25 s,
 * page 1 rests until 15 s. */
START_TEST(one_answer_closes_the_breaker_and_wakes_what_rests)
{
	fake_http_reply(&http,
			(struct fake_reply){ .body_part = "page-1\"", .status = 500, .times = 5 });
	fake_http_reply(&http,
			(struct fake_reply){ .status = 400, .times = 1, .delay_us = SECOND / 2 });
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = SECOND });
	enqueue_severe(1, SEVERITY_ERROR);
	fake_clock_advance(&fake, 7600000);
	for (int64_t id = 2; id <= 5; id++)
		enqueue_severe(id, SEVERITY_ERROR);
	fake_clock_advance(&fake, 1100000);
	ck_assert_uint_eq(http.nrequests, 6);
	ck_assert_int_eq(asked_at("page-2\"", 0), 8250000);
	/* The probe is refused at 8.75 s, but by a living pager: the rest leaves side by side. */
	fake_clock_advance(&fake, 100000);
	ck_assert_uint_eq(http.nrequests, 10);
	ck_assert_int_eq(asked_at("page-1\"", 5), 8750000);
	ck_assert_int_eq(asked_at("page-5\"", 0), 8750000);
	fake_clock_run_idle(&fake, 60 * SECOND);
	ck_assert_uint_eq(deliver_waiting(deliver), 0);
}
END_TEST

/* 16 pages have the places; then by severity, and by id where that is the same. Page 21 has been
 * tried before, and is of severity info. */
START_TEST(the_most_severe_leaves_first_then_the_oldest)
{
	static const char *const wanted[] = { "page-18\"", "page-19\"", "page-20\"",
					      "page-17\"", "page-22\"", "page-21\"" };

	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = SECOND / 2 });
	for (int64_t id = 1; id <= 16; id++)
		enqueue_severe(id, SEVERITY_INFO);
	enqueue_severe(22, SEVERITY_WARNING);
	enqueue_severe(17, SEVERITY_WARNING);
	enqueue_severe(19, SEVERITY_CRITICAL);
	enqueue_severe(18, SEVERITY_CRITICAL);
	enqueue_tried(21);
	enqueue_severe(20, SEVERITY_ERROR);
	fake_clock_run_idle(&fake, 10 * SECOND);
	ck_assert_uint_eq(http.nrequests, 22);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		ck_assert_ptr_nonnull(strstr(http.requests[16 + i].body, wanted[i]));
}
END_TEST

/* Of one severity what was tried and what is fresh go by age alike. */
START_TEST(tried_and_fresh_pages_go_by_age)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = SECOND / 2 });
	for (int64_t id = 1; id <= 16; id++)
		enqueue_severe(id, SEVERITY_INFO);
	enqueue_severe(20, SEVERITY_INFO);
	enqueue_tried(19);
	enqueue_tried(17);
	enqueue_severe(18, SEVERITY_INFO);
	fake_clock_run_idle(&fake, 10 * SECOND);
	ck_assert_ptr_nonnull(strstr(http.requests[16].body, "page-17\""));
	ck_assert_ptr_nonnull(strstr(http.requests[17].body, "page-18\""));
	ck_assert_ptr_nonnull(strstr(http.requests[18].body, "page-19\""));
	ck_assert_ptr_nonnull(strstr(http.requests[19].body, "page-20\""));
}
END_TEST

/* At PagerDuty's hosts, and nowhere else, a minute has at most 120 requests of a pager. */
static const struct {
	const char *url;
	bool paced;
} hosts[] = {
	{ "https://events.pagerduty.com/v2/enqueue", true },
	{ "https://events.eu.pagerduty.com:443/v2/enqueue", true },
	{ "https://EVENTS.PagerDuty.com/v2/enqueue", true },
	{ "https://pagerduty.com", true },
	{ "https://user:word@events.pagerduty.com/v2/enqueue", true },
	{ "https://pagerduty.com.shop.example/v2/enqueue", false },
	{ "https://mypagerduty.com/v2/enqueue", false },
	{ "https://proxy.shop.example/events.pagerduty.com/v2/enqueue", false },
	{ "https://shop.example/?for=x@events.pagerduty.com", false },
};

START_TEST(pagerduty_has_a_pace_at_its_own_hosts)
{
	char target[256], incident[16];

	snprintf(target, sizeof(target),
		 "{\"kind\":\"pagerduty\",\"pager\":\"pd\",\"url\":\"%s\",\"key\":\"k\"}",
		 hosts[_i].url);
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = 1000 });
	for (int64_t id = 1; id <= 200; id++) {
		snprintf(incident, sizeof(incident), "i%" PRId64, id);
		struct stored_page page = make(id, incident, "pd", PAGE_TRIGGER);
		page.target = target;
		deliver_enqueue(deliver, &page, NULL);
	}
	fake_clock_advance(&fake, US_PER_MINUTE);
	ck_assert_uint_eq(http.nrequests, hosts[_i].paced ? 120 : 200);
	fake_clock_advance(&fake, US_PER_MINUTE);
	ck_assert_uint_eq(http.nrequests, 200);
}
END_TEST

/* What a person must see at once is not overtaken by anything newer. */
START_TEST(a_notice_is_never_superseded)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = SECOND });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	enqueue(2, "i1", "hook", PAGE_UPDATE);
	enqueue(3, "i1", "hook", PAGE_NOTICE);
	enqueue(4, "i1", "hook", PAGE_UPDATE);
	enqueue(5, "i1", "hook", PAGE_NOTICE);
	enqueue(6, "i1", "hook", PAGE_RESOLVE);
	fake_clock_run_idle(&fake, 60 * SECOND);
	ck_assert_str_eq(buf_text(&told),
			 "changed 2 dropped 0\nchanged 4 dropped 0\nchanged 1 delivered 1\n"
			 "changed 3 delivered 1\nchanged 5 delivered 1\nchanged 6 delivered 1\n");
	ck_assert_ptr_nonnull(strstr(http.requests[1].body, "\"type\":\"page.update\""));
}
END_TEST

START_TEST(a_failed_notice_is_tried_again)
{
	fake_http_reply(&http,
			(struct fake_reply){ .status = 500, .times = 1, .delay_us = SECOND });
	fake_http_reply(&http, (struct fake_reply){ .status = 202 });
	enqueue(1, "i1", "hook", PAGE_NOTICE);
	fake_clock_advance(&fake, 0);
	enqueue(2, "i1", "hook", PAGE_UPDATE);
	fake_clock_run_idle(&fake, 60 * SECOND);
	ck_assert_str_eq(buf_text(&told),
			 "changed 1 queued 1\nchanged 1 delivered 2\nchanged 2 delivered 1\n");
}
END_TEST

/* Acknowledged while the pager is being connected: its request does not leave, what waits behind it
 * neither; the place is free, and it counts as no try. */
START_TEST(what_nobody_wants_does_not_begin)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .connect_us = 200000 });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	enqueue(2, "i1", "hook", PAGE_UPDATE);
	fake_clock_advance(&fake, 100000);
	ck_assert_uint_eq(http.nrequests, 1);
	unwanted = "hook";
	fake_clock_run_idle(&fake, 10 * SECOND);
	ck_assert(http.requests[0].taken_back);
	ck_assert_uint_eq(http.nrequests, 1);
	ck_assert_str_eq(buf_text(&told), "changed 1 dropped 0\nchanged 2 dropped 0\n");
	ck_assert_uint_eq(deliver_waiting(deliver), 0);
	ck_assert_int_eq(timers_next_us(fake.timers), INT64_MAX);
	/* Others still go there, and what is wanted again. */
	unwanted = NULL;
	enqueue(3, "i1", "hook", PAGE_TRIGGER);
	fake_clock_run_idle(&fake, 10 * SECOND);
	ck_assert_int_eq(last.state, STORED_PAGE_DELIVERED);
	ck_assert(!http.requests[1].taken_back);
}
END_TEST

/* The request has begun: its page may have rung, and stays. */
START_TEST(what_has_begun_is_judged)
{
	fake_http_reply(&http, (struct fake_reply){
				       .status = 202, .connect_us = 100000, .delay_us = 100000 });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	fake_clock_advance(&fake, 150000);
	unwanted = "hook";
	fake_clock_run_idle(&fake, 10 * SECOND);
	ck_assert_str_eq(buf_text(&told), "changed 1 delivered 1\n");
}
END_TEST

START_TEST(dropping_gives_up_what_waits_and_what_is_sent)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = SECOND });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	enqueue(2, "i1", "hook", PAGE_RESOLVE);
	enqueue(3, "i1", "other", PAGE_TRIGGER);
	enqueue(4, "i2", "hook", PAGE_TRIGGER);
	fake_clock_advance(&fake, 100000);
	deliver_drop(deliver, "i1", "hook", 1, "given up");
	ck_assert_str_eq(buf_text(&told), "changed 1 dropped 1\nchanged 2 dropped 0\n");
	ck_assert_str_eq(last_error, "given up");
	ck_assert_uint_eq(http.cancelled, 1);
	deliver_drop(deliver, "i1", "hook", 1, "there is nothing any more");
	deliver_drop(deliver, "unheard-of", "hook", 1, "there was nothing");
	fake_clock_run_idle(&fake, 60 * SECOND);
	ck_assert_str_eq(buf_text(&told), "changed 1 dropped 1\nchanged 2 dropped 0\n"
					  "changed 3 delivered 1\nchanged 4 delivered 1\n");
	ck_assert_uint_eq(deliver_waiting(deliver), 0);
	/* The incident may have pages again. */
	enqueue(5, "i1", "hook", PAGE_TRIGGER);
	fake_clock_run_idle(&fake, 60 * SECOND);
	ck_assert_int_eq(last.id, 5);
	ck_assert_int_eq(last.state, STORED_PAGE_DELIVERED);
}
END_TEST

START_TEST(dropping_what_rests_or_waits_leaves_nothing_armed)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 500 });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	fake_clock_advance(&fake, 100000);
	deliver_drop(deliver, "i1", "hook", 1, "given up");
	ck_assert_str_eq(buf_text(&told), "changed 1 queued 1\nchanged 1 dropped 1\n");
	ck_assert_int_eq(timers_next_us(fake.timers), INT64_MAX);
}
END_TEST

START_TEST(the_place_of_what_is_dropped_is_free)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = 10 * SECOND });
	for (int64_t id = 1; id <= 17; id++)
		enqueue_tried(id);
	fake_clock_advance(&fake, 100000);
	ck_assert_uint_eq(http.nrequests, 16);
	deliver_drop(deliver, "i1", "hook", 1, "given up");
	fake_clock_advance(&fake, 0);
	ck_assert_int_eq(asked_at("page-17\"", 0), 100000);
}
END_TEST

/* ---- outages: a pager that hangs, asks for pauses, or answers 503 ---- */

static const struct outage {
	struct fake_reply reply;
	int64_t lasts_us;
} outages[] = {
	{ { .status = 202, .delay_us = US_PER_HOUR }, 16 * SECOND },
	{ { .status = 429, .delay_us = 20000, .retry_after_us = SECOND }, 8 * SECOND },
	{ { .status = 503, .delay_us = 20000 }, 600 * SECOND },
	{ { .status = 202, .delay_us = US_PER_HOUR }, 600 * SECOND },
	{ { .error = "connection refused" }, 600 * SECOND },
};
static const double chances[] = { 0.01, 0.25, 0.5, 0.75, 1 };

#define OUTAGE_LOOPS (int)(ARRAY_LEN(outages) * ARRAY_LEN(chances))
#define OUTAGE_PAGES 20

static int64_t outage_begin(int loop)
{
	const struct outage *outage = &outages[(size_t)loop / ARRAY_LEN(chances)];

	chance = chances[(size_t)loop % ARRAY_LEN(chances)];
	fake_http_reply(&http, outage->reply);
	for (int64_t id = 1; id <= OUTAGE_PAGES; id++)
		enqueue_severe(id, SEVERITY_ERROR);
	return outage->lasts_us;
}

static void outage_end(void)
{
	fake_http_forget(&http);
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = 20000 });
	buf_reset(&told);
}

START_TEST(the_backlog_leaves_within_20_s_of_the_end_of_an_outage)
{
	fake_clock_advance(&fake, outage_begin(_i));
	ck_assert_uint_eq(deliver_waiting(deliver), OUTAGE_PAGES);
	outage_end();
	fake_clock_advance(&fake, 20 * SECOND);
	ck_assert_uint_eq(deliver_waiting(deliver), 0);
}
END_TEST

/* Its first try is still within the outage. */
START_TEST(a_page_at_the_end_of_an_outage_leaves_within_20_s)
{
	fake_clock_advance(&fake, outage_begin(_i) - 300000);
	enqueue_severe(99, SEVERITY_WARNING);
	fake_clock_advance(&fake, 300000);
	outage_end();
	fake_clock_advance(&fake, 20 * SECOND);
	ck_assert_ptr_nonnull(strstr(buf_text(&told), "changed 99 delivered"));
	ck_assert_uint_eq(deliver_waiting(deliver), 0);
}
END_TEST

START_TEST(a_critical_behind_an_outage_leaves_within_2_s)
{
	fake_clock_advance(&fake, outage_begin(_i));
	outage_end();
	enqueue_severe(99, SEVERITY_CRITICAL);
	fake_clock_advance(&fake, 2 * SECOND);
	ck_assert_ptr_nonnull(strstr(buf_text(&told), "changed 99 delivered"));
}
END_TEST

START_TEST(the_console_gets_its_text)
{
	struct stored_page page = make(1, "i1", "console", PAGE_TRIGGER);
	struct deliver_ops ops = { .changed = on_changed, .silent = on_silent, .ctx = &told };
	char text[4096];
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	struct deliver_env env = { &http.transport, fake.timers,  &fake.clock,
				   fds[1],	    fixed_chance, NULL };
	struct deliver *own = deliver_new(&env, &ops);
	page.target = "{\"kind\":\"console\",\"pager\":\"console\",\"url\":null,\"key\":null}";
	deliver_enqueue(own, &page, NULL);
	fake_clock_run_idle(&fake, SECOND);
	ssize_t n = read(fds[0], text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "page-1\n"));
	ck_assert_str_eq(buf_text(&told), "changed 1 delivered 1\n");
	deliver_free(own);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(a_stopped_console_is_tried_again)
{
	struct stored_page page = make(1, "i1", "console", PAGE_TRIGGER);
	struct deliver_ops ops = { .changed = on_changed, .silent = on_silent, .ctx = &told };
	char filler[4096] = "";
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	while (write(fds[1], filler, sizeof(filler)) > 0)
		;
	struct deliver_env env = { &http.transport, fake.timers,  &fake.clock,
				   fds[1],	    fixed_chance, NULL };
	struct deliver *own = deliver_new(&env, &ops);
	page.target = "{\"kind\":\"console\",\"pager\":\"console\"}";
	deliver_enqueue(own, &page, NULL);
	fake_clock_advance(&fake, 0);
	ck_assert_str_eq(buf_text(&told), "changed 1 queued 1\n");
	while (read(fds[0], filler, sizeof(filler)) > 0)
		;
	fake_clock_run_idle(&fake, SECOND);
	ck_assert_str_eq(buf_text(&told), "changed 1 queued 1\nchanged 1 delivered 2\n");
	deliver_free(own);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(freeing_cancels_what_is_under_way)
{
	fake_http_reply(&http, (struct fake_reply){ .body_part = "page-3\"", .status = 500 });
	fake_http_reply(&http, (struct fake_reply){ .status = 202, .delay_us = 10 * SECOND });
	enqueue(1, "i1", "hook", PAGE_TRIGGER);
	enqueue(2, "i1", "hook", PAGE_UPDATE);
	enqueue(3, "i2", "hook", PAGE_TRIGGER);
	fake_clock_advance(&fake, 1000);
	buf_reset(&told);
	deliver_free(deliver);
	deliver = NULL;
	ck_assert_uint_eq(http.open, 0);
	ck_assert_uint_eq(told.len, 0);
	ck_assert_int_eq(timers_next_us(fake.timers), INT64_MAX);
}
END_TEST

START_TEST(targets_are_read_back)
{
	const struct page_target target = {
		.kind = PAGER_PAGERDUTY,
		.pager = "ledger-pd",
		.url = "https://pd.shop.example/",
		.key = "k\"1",
		.texts = { [PAGER_TO] = "C1" },
		.hears = true,
		.memory = "not stored",
		.colour = PAGER_COLOUR_NEVER,
		.columns = 132,
	};
	struct arena *arena = arena_new(1 << 16);
	struct buf out = BUF_INIT(1024);
	struct page_target back;
	struct err err;

	page_target_write(&target, &out);
	ck_assert_int_eq(page_target_read(arena, buf_text(&out), &back, &err), 0);
	ck_assert_int_eq(back.kind, PAGER_PAGERDUTY);
	ck_assert_str_eq(back.pager, "ledger-pd");
	ck_assert_str_eq(back.url, "https://pd.shop.example/");
	ck_assert_int_eq(back.colour, PAGER_COLOUR_NEVER);
	ck_assert_uint_eq(back.columns, 132);
	ck_assert_str_eq(back.key, "k\"1");
	ck_assert_str_eq(back.texts[PAGER_TO], "C1");
	ck_assert(back.hears);
	ck_assert_ptr_null(back.memory);
	ck_assert_int_eq(page_target_read(arena,
					  "{\"kind\":\"console\",\"pager\":\"c\",\"url\":null}",
					  &back, &err),
			 0);
	ck_assert_ptr_null(back.url);
	ck_assert_ptr_null(back.key);
	ck_assert(!back.hears);
	static const char *const bad[] = { "", "[]", "{}", "{\"kind\":\"pigeon\",\"pager\":\"p\"}",
					   "{\"kind\":\"console\"}" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(page_target_read(arena, bad[i], &back, &err), -EINVAL);
	buf_fini(&out);
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("deliver");
	TCase *tcase = tcase_create("deliver");

	tcase_add_checked_fixture(tcase, deliver_kit_setup, deliver_kit_teardown);
	tcase_add_test(tcase, delivers_at_once);
	tcase_add_test(tcase, retries_by_the_clock);
	tcase_add_test(tcase, a_retry_is_told_with_its_time_and_reason);
	tcase_add_test(tcase, backoff_doubles_up_to_its_cap);
	tcase_add_test(tcase, the_longest_jitter_is_15_seconds);
	tcase_add_test(tcase, the_shortest_jitter_is_none);
	tcase_add_test(tcase, no_reply_is_no_end);
	tcase_add_test(tcase, an_exhausted_transport_is_tried_again);
	tcase_add_test(tcase, a_resolve_never_overtakes_its_trigger);
	tcase_add_test(tcase, incidents_and_pagers_do_not_wait_for_each_other);
	tcase_add_test(tcase, a_waiting_update_is_superseded);
	tcase_add_test(tcase, an_update_on_its_way_is_not_dropped);
	tcase_add_test(tcase, a_failed_update_gives_way_but_keeps_the_pause);
	tcase_add_test(tcase, a_rejected_trigger_drops_the_pages_behind_it);
	tcase_add_test(tcase, a_rejected_update_lets_the_resolve_go);
	tcase_add_test(tcase, changed_may_enqueue);
	tcase_add_test(tcase, broken_pages_are_rejected);
	tcase_add_test(tcase, a_copy_is_sent_in_place_of_the_document);
	tcase_add_test(tcase, a_page_that_waits_keeps_its_decision_packed);
	tcase_add_test(tcase, a_document_is_read_by_its_owner);
	tcase_add_test(tcase, silence_is_told_once);
	tcase_add_test(tcase, a_restart_keeps_the_pause);
	tcase_add_test(tcase, a_restart_with_a_wrong_clock_waits_no_longer_than_the_cap);
	tcase_add_test(tcase, retry_after_holds_the_whole_pager);
	tcase_add_test(tcase, a_dead_pager_is_probed_and_then_gets_all);
	tcase_add_test(tcase, retry_after_outlives_the_answers_of_its_burst);
	tcase_add_test(tcase, a_burst_counts_once);
	tcase_add_test(tcase, probes_are_at_most_10_seconds_apart);
	tcase_add_test(tcase, a_hanging_probe_does_not_keep_the_next_one_back);
	tcase_add_test(tcase, a_fresh_page_is_tried_at_once_at_most_one_a_second);
	tcase_add_test(tcase, of_fresh_pages_the_most_severe_is_tried_first);
	tcase_add_test(tcase, a_fresh_page_does_not_wait_for_places_that_hang);
	tcase_add_test(tcase, one_answer_closes_the_breaker_and_wakes_what_rests);
	tcase_add_test(tcase, the_most_severe_leaves_first_then_the_oldest);
	tcase_add_test(tcase, tried_and_fresh_pages_go_by_age);
	tcase_add_loop_test(tcase, pagerduty_has_a_pace_at_its_own_hosts, 0, ARRAY_LEN(hosts));
	tcase_add_test(tcase, a_notice_is_never_superseded);
	tcase_add_test(tcase, a_failed_notice_is_tried_again);
	tcase_add_test(tcase, what_nobody_wants_does_not_begin);
	tcase_add_test(tcase, what_has_begun_is_judged);
	tcase_add_test(tcase, dropping_gives_up_what_waits_and_what_is_sent);
	tcase_add_test(tcase, dropping_what_rests_or_waits_leaves_nothing_armed);
	tcase_add_test(tcase, the_place_of_what_is_dropped_is_free);
	tcase_add_loop_test(tcase, the_backlog_leaves_within_20_s_of_the_end_of_an_outage, 0,
			    OUTAGE_LOOPS);
	tcase_add_loop_test(tcase, a_page_at_the_end_of_an_outage_leaves_within_20_s, 0,
			    OUTAGE_LOOPS);
	tcase_add_loop_test(tcase, a_critical_behind_an_outage_leaves_within_2_s, 0, OUTAGE_LOOPS);
	tcase_add_test(tcase, the_console_gets_its_text);
	tcase_add_test(tcase, a_stopped_console_is_tried_again);
	tcase_add_test(tcase, freeing_cancels_what_is_under_way);
	tcase_add_test(tcase, targets_are_read_back);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
