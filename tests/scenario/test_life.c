/* The life of alerts and incidents, row by row of the table of states: holds, joins, copies, late
 * verdicts, refusals, restarts. */
#include "world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define TRACE	   " trace_id=0af7651916cd43dd8448eb211c80319c"
#define OTHER	   " trace_id=11111111111111111111111111111111"
#define ORDERS	   "alertname=PlaceOrderErrors severity=critical"
#define SLOW	   "alertname=PlaceOrderSlow severity=warning"
#define DISK	   "alertname=DiskFull severity=warning host=db1"
#define SECONDS(n) ((n)*US_PER_SECOND)
#define MINUTES(n) ((n)*US_PER_MINUTE)

static struct world *world;

static void set_up(void)
{
	world = world_new();
	world_run(world, LIMIT_START_GRACE_US); /* alerts of the API have no grace any more */
}

static void tear_down(void)
{
	world_free(world);
}

static int64_t now_us(void)
{
	return world->clock.wall_us;
}

static enum accept_result fire(const char *labels)
{
	return world_alert(world, labels, ALERT_FIRING, now_us(), 0);
}

static enum accept_result resolve(const char *labels)
{
	return world_alert(world, labels, ALERT_RESOLVED, 0, now_us());
}

static const char *page_body(const char *key, const char *event, size_t n)
{
	const struct fake_request *request = world_page(world, key, event, n);

	ck_assert_ptr_nonnull(request);
	return request->body;
}

static void assert_says(const char *key, size_t n, const char *words)
{
	const char *body = page_body(key, NULL, n);

	if (!strstr(body, words))
		ck_abort_msg("page %zu of %s does not say \"%s\": %s", n, key, words, body);
}

/* "triggers resolves", of one pager. PagerDuty's update is a trigger of the same key. */
static void assert_pages(const char *key, size_t triggers, size_t resolves)
{
	ck_assert_msg(world_pages(world, key, "trigger") == triggers &&
			      world_pages(world, key, "resolve") == resolves,
		      "%s has %zu triggers and %zu resolves, not %zu and %zu", key,
		      world_pages(world, key, "trigger"), world_pages(world, key, "resolve"),
		      triggers, resolves);
}

static void jaeger_answers_after(int64_t us, unsigned int times)
{
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://jaeger",
							   .times = times,
							   .delay_us = us,
							   .status = 200,
							   .body = world_trace,
							   .content_type = "application/json" });
}

static void pager_answers(const char *pager, int status, unsigned int times)
{
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = pager,
							   .times = times,
							   .status = status,
							   .body = "{}" });
}

static void restart(void)
{
	world_crash(world);
	world_start(world);
}

/* ---- the hold ---- */

START_TEST(ten_flaps_are_one_trigger_and_one_resolve)
{
	world_pagers_take_all(world);
	for (int i = 0; i < 10; i++) {
		fire(DISK);
		world_run(world, SECONDS(1) / 2);
		resolve(DISK);
		world_run(world, SECONDS(1) / 2);
	}
	assert_pages("key-sre", 1, 0);
	world_run(world, LIMIT_RESOLVE_HOLD_US - SECONDS(1));
	assert_pages("key-sre", 1, 0);
	world_run(world, SECONDS(1));
	assert_pages("key-sre", 1, 1);
}
END_TEST

/* Fire, resolve, fire with the same start: what a webhook of a pair of Alertmanagers makes. It
 * fires. */
START_TEST(the_same_start_fires_again)
{
	int64_t starts_us = now_us();

	world_pagers_take_all(world);
	world_alert(world, DISK, ALERT_FIRING, starts_us, 0);
	world_run(world, SECONDS(10));
	resolve(DISK);
	world_run(world, SECONDS(20));
	ck_assert_int_eq(world_alert(world, DISK, ALERT_FIRING, starts_us, 0), ACCEPT_REPEATED);
	world_run(world, MINUTES(30));
	assert_pages("key-sre", 1, 0);
	resolve(DISK);
	world_run(world, LIMIT_RESOLVE_HOLD_US);
	assert_pages("key-sre", 1, 1);
	/* After a true resolve, firing again is firing again. */
	ck_assert_int_eq(world_alert(world, DISK, ALERT_FIRING, starts_us, 0), ACCEPT_NEW);
	world_run(world, SECONDS(1));
	assert_pages("key-sre", 2, 1);
}
END_TEST

START_TEST(a_hold_goes_on_over_a_restart)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, SECONDS(1));
	resolve(DISK);
	world_run(world, MINUTES(1));
	restart();
	world_run(world, SECONDS(59));
	assert_pages("key-sre", 1, 0);
	world_run(world, SECONDS(2));
	assert_pages("key-sre", 1, 1);
}
END_TEST

START_TEST(a_held_alert_fires_again_after_a_restart)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, SECONDS(1));
	resolve(DISK);
	world_run(world, MINUTES(1));
	restart();
	fire(DISK);
	world_run(world, MINUTES(10));
	assert_pages("key-sre", 1, 0);
}
END_TEST

/* The wall clock is set back a day while an incident holds: its hold is no longer than it ever was.
 */
START_TEST(a_hold_is_cut_where_the_clock_was_set_back)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, SECONDS(1));
	resolve(DISK);
	world_run(world, SECONDS(1));
	world_crash(world);
	world->clock.wall_us -= US_PER_DAY;
	world_start(world);
	world_run(world, LIMIT_RESOLVE_HOLD_US);
	assert_pages("key-sre", 1, 1);
}
END_TEST

START_TEST(what_nobody_was_told_of_does_not_wait)
{
	pager_answers("http://pager/sre", 503, 1);
	world_pagers_take_all(world);
	fire(DISK);
	resolve(DISK);
	world_run(world, MINUTES(1));
	assert_pages("key-sre", 2, 1); /* the trigger, tried twice, then its resolve */
}
END_TEST

START_TEST(an_expiry_does_not_wait_and_says_so)
{
	world_pagers_take_all(world);
	world_alert(world, DISK, ALERT_FIRING, now_us(), now_us() + MINUTES(4));
	world_run(world, MINUTES(4) + SECONDS(1));
	assert_pages("key-sre", 1, 1);
	ck_assert_ptr_nonnull(strstr(fake_store_event(world->disk, "resolved")->text,
				     "nothing was heard of it for 4 min"));
}
END_TEST

/* ---- copies ---- */

static void api_fire(const char *labels, int64_t starts_us)
{
	world_alert(world, labels, ALERT_FIRING, starts_us, now_us() + MINUTES(4));
}

static void api_resolve(const char *labels, int64_t starts_us)
{
	world_alert_of_api(world, labels, starts_us, now_us() - 1);
}

/* Two Prometheus replicas, of which one resolves (and says so for 15 minutes) while the other fires
 * on. */
START_TEST(an_alert_fires_as_long_as_one_copy_does)
{
	int64_t first_us = now_us() - SECONDS(100), second_us = first_us - SECONDS(1);

	world_pagers_take_all(world);
	api_fire(DISK, first_us);
	api_fire(DISK, second_us);
	world_run(world, SECONDS(2));
	for (int i = 0; i < 30; i++) {
		api_resolve(DISK, second_us);
		world_run(world, SECONDS(2));
		api_fire(DISK, first_us);
		world_run(world, SECONDS(28));
	}
	assert_pages("key-sre", 1, 0);
	api_resolve(DISK, first_us);
	world_run(world, LIMIT_RESOLVE_HOLD_US + SECONDS(1));
	assert_pages("key-sre", 1, 1);
}
END_TEST

/* A Prometheus that was restarted gives the alert a new start; the old copy ends by itself. */
START_TEST(a_new_start_is_a_new_copy)
{
	int64_t first_us = now_us() - SECONDS(100);

	world_pagers_take_all(world);
	api_fire(DISK, first_us);
	world_run(world, MINUTES(1));
	int64_t second_us = now_us();
	for (int i = 0; i < 10; i++) {
		api_fire(DISK, second_us);
		world_run(world, MINUTES(1));
	}
	assert_pages("key-sre", 1, 0);
	api_resolve(DISK, second_us);
	world_run(world, LIMIT_RESOLVE_HOLD_US + SECONDS(1));
	assert_pages("key-sre", 1, 1);
}
END_TEST

START_TEST(copies_are_known_after_a_restart)
{
	int64_t first_us = now_us() - SECONDS(100), second_us = first_us - SECONDS(1);

	world_pagers_take_all(world);
	api_fire(DISK, first_us);
	api_fire(DISK, second_us);
	world_run(world, SECONDS(2));
	restart();
	api_resolve(DISK, second_us);
	world_run(world, MINUTES(3));
	assert_pages("key-sre", 1, 0);
	api_resolve(DISK, first_us);
	world_run(world, LIMIT_RESOLVE_HOLD_US + SECONDS(1));
	assert_pages("key-sre", 1, 1);
}
END_TEST

/* An Alertmanager that merged two Prometheus, of which the one was restarted while the other's
 * alert had ended: its words flip between both, and the last may be the end of the earlier start.
 */
START_TEST(the_end_of_an_earlier_start_counts_when_nothing_follows)
{
	int64_t starts_us = now_us();

	world_pagers_take_all(world);
	world_alert(world, DISK, ALERT_FIRING, starts_us, 0);
	world_run(world, 5 * US_PER_MINUTE);
	world_alert(world, DISK, ALERT_RESOLVED, starts_us - 20 * US_PER_SECOND,
		    starts_us - 10 * US_PER_SECOND);
	world_run(world, 29 * US_PER_MINUTE);
	assert_pages("key-sre", 1, 0);
	world_alert(world, DISK, ALERT_FIRING, starts_us, 0);
	world_run(world, 31 * US_PER_MINUTE);
	assert_pages("key-sre", 1, 0); /* it was told to fire again */
	world_alert(world, DISK, ALERT_RESOLVED, starts_us - 20 * US_PER_SECOND,
		    starts_us - 10 * US_PER_SECOND);
	world_run(world, US_PER_SECOND);
	restart();
	/* 34 min lay between two words that it fires: half as long again is waited for. */
	world_run(world, 50 * US_PER_MINUTE);
	assert_pages("key-sre", 1, 0);
	world_run(world, 2 * US_PER_MINUTE);
	assert_pages("key-sre", 1, 1);
}
END_TEST

/* A sender that repeats every 30 hours: its first silence expires, the interval is learned, and no
 * later one does. */
START_TEST(an_expiry_teaches_the_interval)
{
	int64_t starts_us = now_us();

	world_pagers_take_all(world);
	world_alert(world, DISK, ALERT_FIRING, starts_us, 0);
	world_run(world, 30 * US_PER_HOUR);
	assert_pages("key-sre", 1, 1); /* after 26 h */
	world_alert(world, DISK, ALERT_FIRING, starts_us, 0);
	for (int i = 0; i < 3; i++) {
		world_run(world, 30 * US_PER_HOUR);
		assert_pages("key-sre", 2, 1);
		world_alert(world, DISK, ALERT_FIRING, starts_us, 0);
	}
	world_run(world, 46 * US_PER_HOUR); /* one and a half times 30 h */
	assert_pages("key-sre", 2, 2);
}
END_TEST

/* One that starts anew says nothing of the interval. */
START_TEST(a_new_start_teaches_no_interval)
{
	world_pagers_take_all(world);
	world_alert(world, DISK, ALERT_FIRING, now_us(), 0);
	world_run(world, 30 * US_PER_HOUR);
	world_alert(world, DISK, ALERT_FIRING, now_us(), 0);
	world_run(world, 27 * US_PER_HOUR);
	assert_pages("key-sre", 2, 2);
}
END_TEST

/* Its repeats 20 and 25 hours apart are within what is waited for anyway. */
START_TEST(the_interval_of_a_sender_is_learned)
{
	int64_t starts_us = now_us();

	world_pagers_take_all(world);
	world_alert(world, DISK, ALERT_FIRING, starts_us, 0);
	world_run(world, 20 * US_PER_HOUR);
	world_alert(world, DISK, ALERT_FIRING, starts_us, 0);
	world_run(world, 25 * US_PER_HOUR);
	world_alert(world, DISK, ALERT_FIRING, starts_us, 0);
	world_run(world, 29 * US_PER_HOUR);
	assert_pages("key-sre", 1, 0); /* 26 h are over, and one and a half times 25 h are not */
	restart();
	world_alert(world, DISK, ALERT_FIRING, starts_us, 0);
	world_run(world, 37 * US_PER_HOUR);
	assert_pages("key-sre", 1, 0);
	world_run(world, 7 * US_PER_HOUR);
	assert_pages("key-sre", 1, 1);
}
END_TEST

/* ---- joins ---- */

START_TEST(who_joins_pages_its_own_recipients)
{
	world_jaeger_has(world);
	world_pagers_take_all(world);
	fire(ORDERS TRACE);
	world_run(world, SECONDS(1));
	assert_pages("key-chat", 0, 0);
	fire(SLOW TRACE " tell=chat");
	world_run(world, SECONDS(1));
	assert_pages("key-chat", 1, 0);
	assert_pages("key-ledger", 1, 0);
	world_run(world, MINUTES(1));
	assert_pages("key-ledger", 2, 0);
	assert_says("key-ledger", 1, "joined by PlaceOrderSlow");
	resolve(ORDERS TRACE);
	resolve(SLOW TRACE " tell=chat");
	world_run(world, LIMIT_RESOLVE_HOLD_US + SECONDS(1));
	assert_pages("key-chat", 1, 1);
}
END_TEST

START_TEST(severity_rises_at_once_and_never_falls)
{
	world_jaeger_has(world);
	world_pagers_take_all(world);
	fire(SLOW TRACE);
	world_run(world, SECONDS(1));
	assert_says("key-ledger", 0, "\"severity\":\"warning\"");
	fire(ORDERS TRACE);
	world_run(world, SECONDS(1));
	assert_pages("key-ledger", 2, 0);
	assert_says("key-ledger", 1, "\"severity\":\"critical\"");
	assert_says("key-ledger", 1, "severity is critical now, by PlaceOrderErrors");
	fire(SLOW TRACE " host=b");
	world_run(world, MINUTES(2));
	assert_pages("key-ledger", 3, 0);
	assert_says("key-ledger", 2, "\"severity\":\"critical\"");
}
END_TEST

/* One alert joins every ten seconds for ten minutes: at most one update a minute, and the last one
 * tells all. */
START_TEST(updates_are_bounded_and_the_last_one_leaves)
{
	char labels[128];

	world_jaeger_has(world);
	world_pagers_take_all(world);
	for (int i = 0; i < 60; i++) {
		snprintf(labels, sizeof(labels), ORDERS TRACE " instance=%02d", i);
		fire(labels);
		world_run(world, SECONDS(10));
	}
	size_t pages = world_pages(world, "key-ledger", NULL);
	ck_assert_uint_ge(pages, 9);
	ck_assert_uint_le(pages, 11);
	world_run(world, MINUTES(1));
	ck_assert_ptr_nonnull(
		strstr(page_body("key-ledger", NULL, world_pages(world, "key-ledger", NULL) - 1),
		       "instance 59"));
}
END_TEST

/* A body of many alerts of one group: its first page lists them all. */
START_TEST(a_body_makes_one_page_that_lists_its_alerts)
{
	world_jaeger_has(world);
	world_pagers_take_all(world);
	world_alert_in_body(world, ORDERS TRACE " instance=a", 2);
	world_alert_in_body(world, ORDERS TRACE " instance=b", 1);
	world_alert_in_body(world, SLOW TRACE, 0);
	world_run(world, SECONDS(1) / 2);
	assert_pages("key-ledger", 1, 0);
	assert_says("key-ledger", 0, "PlaceOrderSlow");
	world_run(world, MINUTES(10));
	assert_pages("key-ledger", 1, 0);
}
END_TEST

/* The page of a storm says how many alerts it stands for, and what differs among them. */
START_TEST(a_page_tells_what_differs_among_its_alerts)
{
	world_pagers_take_all(world);
	world_alert_in_body(world, "alertname=NodeDown severity=warning instance=db1 zone=a", 3);
	world_alert_in_body(world, "alertname=NodeDown severity=warning instance=db2 zone=a", 2);
	world_alert_in_body(world, "alertname=NodeDown severity=warning instance=db3 zone=a", 1);
	world_alert_in_body(world, "alertname=NodeDown severity=warning instance=db4 zone=a", 0);
	world_run(world, SECONDS(1));
	assert_pages("key-sre", 1, 0);
	assert_says("key-sre", 0,
		    "4 alerts: NodeDown; they differ in instance: db1, db2, db3 and 1 more\"");
	assert_says("key-sre", 0, "\"also_paged\":\"nobody else\"");
}
END_TEST

/* Each recipient is told of the other one, also the first that is paged. */
START_TEST(a_page_tells_who_else_was_paged)
{
	world_jaeger_has(world);
	world_pagers_take_all(world);
	fire(ORDERS TRACE " tell=chat");
	world_run(world, SECONDS(1));
	assert_says("key-ledger", 0, "\"also_paged\":\"chat-pager\"");
	assert_says("key-chat", 0, "\"also_paged\":\"ledger-pager\"");
}
END_TEST

/* The program dies while the first page gathers. */
START_TEST(a_gathering_page_survives_a_crash)
{
	world_pagers_take_all(world);
	world_alert_in_body(world, DISK, 1);
	world_run(world, US_PER_MS);
	assert_pages("key-sre", 0, 0);
	restart();
	world_run(world, SECONDS(1));
	assert_pages("key-sre", 1, 0);
}
END_TEST

/* ---- late verdicts ---- */

/* The fallback incident is over only when somebody has taken the page of the new one. */
START_TEST(a_move_is_told_when_the_new_page_was_taken)
{
	pager_answers("http://pager/ledger", 503, 1);
	world_pagers_take_all(world);
	jaeger_answers_after(0, 1);
	jaeger_answers_after(SECONDS(20), 0);
	fire(ORDERS TRACE);
	world_run(world, LIMIT_ANSWER_KEPT_US + SECONDS(1)); /* the answer is not shared */
	fire(SLOW TRACE);
	world_run(world, SECONDS(6));
	assert_pages("key-shop", 1, 0);
	world_run(world, MINUTES(1));
	assert_pages("key-shop", 2, 1);
	assert_says("key-shop", 1, "moved to incident");
	assert_says("key-shop", 1, ", team ledger");
	assert_pages("key-ledger", 3, 0); /* twice the trigger, then who joined */
}
END_TEST

START_TEST(a_move_waits_for_a_dead_pager_over_a_restart)
{
	pager_answers("http://pager/ledger", 503, 12);
	world_pagers_take_all(world);
	jaeger_answers_after(0, 1);
	jaeger_answers_after(SECONDS(20), 0);
	fire(ORDERS TRACE);
	world_run(world, LIMIT_ANSWER_KEPT_US + SECONDS(1)); /* the answer is not shared */
	fire(SLOW TRACE);
	world_run(world, SECONDS(25));
	assert_pages("key-shop", 1, 0);
	restart();
	world_run(world, SECONDS(1));
	assert_pages("key-shop", 1, 0);
	world_run(world, MINUTES(4));
	assert_pages("key-shop", 2, 1);
}
END_TEST

START_TEST(a_late_route_that_pages_nobody_resolves_with_a_note)
{
	struct ruleset *rules = world_other_rules(
		"    severity: warning\n    also_notify: [chat-pager]\n", "    page: none\n");

	incidents_set_rules(world->incidents, rules);
	world_pagers_take_all(world);
	jaeger_answers_after(SECONDS(20), 0);
	fire(ORDERS TRACE " tell=chat");
	world_run(world, SECONDS(10));
	assert_pages("key-shop", 1, 0);
	world_run(world, SECONDS(15));
	assert_pages("key-shop", 1, 1);
	ck_assert_ptr_nonnull(strstr(page_body("key-shop", "trigger", 0), "PlaceOrderErrors"));
	ck_assert_ptr_nonnull(
		strstr(fake_store_event(world->disk, "resolved")->text, "a route pages nobody"));
	assert_pages("key-ledger", 0, 0);
	/* It still fires, and belongs to nobody. */
	ck_assert_int_eq(resolve(ORDERS TRACE " tell=chat"), ACCEPT_RESOLVED);
	world_run(world, MINUTES(5));
	assert_pages("key-shop", 1, 1);
	rules_unref(rules);
}
END_TEST

/* ---- refusals ---- */

START_TEST(what_nobody_took_is_sent_again_at_each_repeat)
{
	pager_answers("http://pager/", 400, 3);
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, SECONDS(1));
	assert_pages("key-sre", 1, 0);
	ck_assert_uint_eq(incidents_unreached(world->incidents), 1);
	fire(DISK);
	world_run(world, SECONDS(1));
	assert_pages("key-sre", 2, 0);
	world_run(world, LIMIT_UNREACHED_RETRY_US);
	assert_pages("key-sre", 3, 0);
	ck_assert_uint_eq(incidents_unreached(world->incidents), 1);
	fire(DISK);
	world_run(world, SECONDS(1));
	assert_pages("key-sre", 4, 0);
	ck_assert_uint_eq(incidents_unreached(world->incidents), 0);
	fire(DISK);
	world_run(world, LIMIT_UNREACHED_RETRY_US);
	assert_pages("key-sre", 4, 0);
}
END_TEST

/* Whoever is only notified pages nobody else where it fails, also after a restart. */
START_TEST(recipients_keep_their_role_over_a_restart)
{
	world_jaeger_has(world);
	pager_answers("http://pager/chat", 503, 3);
	pager_answers("http://pager/chat", 400, 0);
	world_pagers_take_all(world);
	fire(ORDERS TRACE " tell=chat");
	world_run(world, SECONDS(1));
	assert_pages("key-ledger", 1, 0);
	restart();
	world_run(world, MINUTES(2));
	ck_assert_uint_ge(world_pages(world, "key-chat", "trigger"), 3);
	ck_assert_uint_eq(world_pages(world, "key-sre", NULL), 0);
}
END_TEST

/* A resolve that a pager refuses is logged, and pages nobody. */
START_TEST(a_refused_resolve_pages_nobody)
{
	pager_answers("http://pager/sre", 202, 1);
	pager_answers("http://pager/sre", 400, 0);
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, SECONDS(1));
	resolve(DISK);
	world_run(world, LIMIT_RESOLVE_HOLD_US + SECONDS(1));
	assert_pages("key-sre", 1, 1);
	world_run(world, MINUTES(30));
	assert_pages("key-sre", 1, 1);
	ck_assert_int_eq(fake_store_incident(world->disk, world->disk->incidents[0].id)->open, 0);
}
END_TEST

/* ---- restarts ---- */

/* What a pager has taken is not sent again. */
START_TEST(a_restart_pages_nobody_again)
{
	world_jaeger_has(world);
	world_pagers_take_all(world);
	fire(ORDERS TRACE);
	fire(DISK);
	world_run(world, MINUTES(2));
	for (int i = 0; i < 3; i++) {
		restart();
		world_run(world, MINUTES(20));
	}
	assert_pages("key-ledger", 1, 0);
	assert_pages("key-sre", 1, 0);
}
END_TEST

START_TEST(a_resolve_under_way_survives_a_restart)
{
	pager_answers("http://pager/sre", 202, 1);
	pager_answers("http://pager/sre", 503, 3);
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, SECONDS(1));
	resolve(DISK);
	world_run(world, LIMIT_RESOLVE_HOLD_US + SECONDS(1));
	size_t resolves = world_pages(world, "key-sre", "resolve");
	ck_assert_uint_ge(resolves, 1);
	restart();
	world_run(world, MINUTES(2));
	ck_assert_uint_eq(world_pages(world, "key-sre", "resolve"), 4);
	assert_pages("key-sre", 1, 4);
}
END_TEST

/* Somebody who joined before a crash is told after it. */
START_TEST(an_owed_update_survives_a_restart)
{
	world_jaeger_has(world);
	world_pagers_take_all(world);
	fire(ORDERS TRACE);
	world_run(world, SECONDS(1));
	fire(SLOW TRACE);
	world_run(world, SECONDS(5));
	assert_pages("key-ledger", 1, 0);
	restart();
	world_run(world, MINUTES(2));
	assert_pages("key-ledger", 2, 0);
	assert_says("key-ledger", 1, "PlaceOrderSlow");
}
END_TEST

/* The team has another name after a reload; the suspect is the same: whoever has the incident keeps
 * it, and is not paged again. */
START_TEST(a_renamed_team_keeps_its_incident)
{
	struct ruleset *rules = world_other_rules("ledger: {escalation: ledger}",
						  "ledger: {name: Books, escalation: ledger}");

	world_jaeger_has(world);
	world_pagers_take_all(world);
	fire(ORDERS TRACE);
	world_run(world, SECONDS(1));
	incidents_set_rules(world->incidents, rules);
	fire(SLOW TRACE);
	world_run(world, SECONDS(5));
	assert_pages("key-ledger", 1, 0);
	ck_assert_uint_eq(world->disk->nincidents, 1);
	rules_unref(rules);
}
END_TEST

/* ---- crash loops ---- */

/* An alert that paged nobody is decided again after its silence; where that ends the program twice,
 * its traces are left alone. */
START_TEST(a_decision_made_again_counts_its_attempts)
{
	world_pagers_take_all(world);
	jaeger_answers_after(SECONDS(3), 0);
	fire(ORDERS TRACE " quiet=yes");
	world_run(world, US_PER_HOUR - LIMIT_START_GRACE_US - SECONDS(1));
	ck_assert_uint_eq(world->http.nrequests, 0);
	for (int i = 0; i < LIMIT_ATTEMPTS - 1; i++) {
		world_run(world, SECONDS(2));
		ck_assert_uint_eq(world_pages(world, "key-ledger", NULL) +
					  world_pages(world, "key-shop", NULL),
				  0);
		restart();
	}
	world_run(world, SECONDS(1));
	assert_pages("key-shop", 1, 0);
	assert_says("key-shop", 0, "twice");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("life");
	TCase *tests = tcase_create("life");
	const TTest *const all[] = {
		ten_flaps_are_one_trigger_and_one_resolve,
		the_same_start_fires_again,
		a_hold_goes_on_over_a_restart,
		a_held_alert_fires_again_after_a_restart,
		a_hold_is_cut_where_the_clock_was_set_back,
		what_nobody_was_told_of_does_not_wait,
		an_expiry_does_not_wait_and_says_so,
		an_alert_fires_as_long_as_one_copy_does,
		a_new_start_is_a_new_copy,
		copies_are_known_after_a_restart,
		the_end_of_an_earlier_start_counts_when_nothing_follows,
		an_expiry_teaches_the_interval,
		a_new_start_teaches_no_interval,
		the_interval_of_a_sender_is_learned,
		who_joins_pages_its_own_recipients,
		severity_rises_at_once_and_never_falls,
		updates_are_bounded_and_the_last_one_leaves,
		a_body_makes_one_page_that_lists_its_alerts,
		a_page_tells_what_differs_among_its_alerts,
		a_page_tells_who_else_was_paged,
		a_gathering_page_survives_a_crash,
		a_move_is_told_when_the_new_page_was_taken,
		a_move_waits_for_a_dead_pager_over_a_restart,
		a_late_route_that_pages_nobody_resolves_with_a_note,
		what_nobody_took_is_sent_again_at_each_repeat,
		recipients_keep_their_role_over_a_restart,
		a_refused_resolve_pages_nobody,
		a_restart_pages_nobody_again,
		a_resolve_under_way_survives_a_restart,
		an_owed_update_survives_a_restart,
		a_renamed_team_keeps_its_incident,
		a_decision_made_again_counts_its_attempts,
	};

	tcase_add_checked_fixture(tests, set_up, tear_down);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		tcase_add_test(tests, all[i]);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
