/* The edges of an incident's life: what comes late or does not come back, a store that does not
 * answer, incidents that are given up, alerts that are forgotten, what a damaged store holds. */
#include "world.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/metrics.h"
#include "tracepager/pack.h"
#include "tracepager/page.h"
#include "tracepager/xalloc.h"

#define TRACE	   " trace_id=0af7651916cd43dd8448eb211c80319c"
#define ORDERS	   "alertname=PlaceOrderErrors severity=critical"
#define SLOW	   "alertname=PlaceOrderSlow severity=warning"
#define DISK	   "alertname=DiskFull severity=warning"
#define SECONDS(n) ((n)*US_PER_SECOND)
#define MINUTES(n) ((n)*US_PER_MINUTE)

static struct world *world;
static char *bodies[2]; /* of answers that a test made */
static size_t nbodies;

static void set_up(void)
{
	nbodies = 0;
	world = world_new();
	world_run(world, LIMIT_START_GRACE_US); /* alerts of the API have no grace any more */
}

static void tear_down(void)
{
	world_free(world);
	while (nbodies)
		free(bodies[--nbodies]);
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

static void restart(void)
{
	world_crash(world);
	world_start(world);
}

static void assert_pages(const char *key, size_t triggers, size_t resolves)
{
	ck_assert_msg(world_pages(world, key, "trigger") == triggers &&
			      world_pages(world, key, "resolve") == resolves,
		      "%s has %zu triggers and %zu resolves, not %zu and %zu", key,
		      world_pages(world, key, "trigger"), world_pages(world, key, "resolve"),
		      triggers, resolves);
}

static void assert_says(const char *key, size_t n, const char *words)
{
	const struct fake_request *request = world_page(world, key, NULL, n);

	ck_assert_ptr_nonnull(request);
	if (!strstr(request->body, words))
		ck_abort_msg("page %zu of %s does not say \"%s\": %s", n, key, words,
			     request->body);
}

static void jaeger_answers(const char *url_part, struct buf *body, int64_t delay_us)
{
	ck_assert(!body->failed);
	ck_assert_uint_lt(nbodies, ARRAY_LEN(bodies));
	bodies[nbodies] = buf_take(body);
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = url_part,
							   .delay_us = delay_us,
							   .status = 200,
							   .body = bodies[nbodies++],
							   .content_type = "application/json" });
}

static void pager_answers(const char *pager, int status, unsigned int times, int64_t delay_us)
{
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = pager,
							   .times = times,
							   .delay_us = delay_us,
							   .status = status,
							   .body = "{}" });
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

/* ---- alerts ---- */

/* "90 s" below two minutes, whole minutes below two hours, whole hours from there, to the nearest.
 */
static const struct {
	int64_t silent_us;
	const char *text;
} ages[] = {
	{ SECONDS(90), "for 90 s" },   { SECONDS(119), "for 119 s" },
	{ SECONDS(120), "for 2 min" }, { SECONDS(149), "for 2 min" },
	{ SECONDS(150), "for 3 min" }, { MINUTES(119), "for 119 min" },
	{ MINUTES(120), "for 2 h" },   { MINUTES(149), "for 2 h" },
	{ MINUTES(150), "for 3 h" },
};

START_TEST(an_expiry_tells_how_long_nothing_was_heard)
{
	world_pagers_take_all(world);
	world_alert_of_api(world, DISK, now_us(), now_us() + ages[_i].silent_us);
	world_run(world, ages[_i].silent_us - 1);
	assert_pages("key-sre", 1, 0);
	world_run(world, 2);
	assert_pages("key-sre", 1, 1);
	const char *text = fake_store_event(world->disk, "resolved")->text;
	ck_assert_msg(strstr(text, ages[_i].text) != NULL, "\"%s\" is not in: %s", ages[_i].text,
		      text);
}
END_TEST

START_TEST(an_end_of_an_unknown_alert_is_unknown)
{
	int64_t before = metric_value(METRIC_ALERTS_UNKNOWN);

	ck_assert_int_eq(resolve(DISK), ACCEPT_UNKNOWN);
	ck_assert_int_eq(metric_value(METRIC_ALERTS_UNKNOWN), before + 1);
	world_run(world, MINUTES(1));
	ck_assert_uint_eq(world->http.nrequests, 0);
	ck_assert_uint_eq(world->disk->nalerts, 0);
}
END_TEST

START_TEST(a_heartbeat_pages_nobody)
{
	world_pagers_take_all(world);
	fire("alertname=Watchdog severity=none");
	world_run(world, MINUTES(5));
	ck_assert_uint_eq(world->http.nrequests, 0);
	ck_assert_uint_eq(world->disk->ndecisions, 1);
	fire("alertname=Watchdog severity=warning");
	world_run(world, MINUTES(5));
	assert_pages("key-sre", 1, 0);
}
END_TEST

/* An ended alert is forgotten while its incident goes on with another alert: the pages name the
 * other one only, and the store has one row. */
START_TEST(an_ended_alert_is_forgotten)
{
	world_pagers_take_all(world);
	fire(DISK " host=hamlet");
	fire(DISK " host=othello");
	world_run(world, MINUTES(2));
	resolve(DISK " host=hamlet");
	world_run(world, SECONDS(1));
	ck_assert_uint_eq(world->disk->nalerts, 2);
	for (int hour = 0; hour < 25; hour++) {
		world_run(world, US_PER_HOUR);
		fire(DISK " host=othello");
	}
	world_run(world, SECONDS(1));
	ck_assert_uint_eq(world->disk->nalerts, 1);
	ck_assert_ptr_nonnull(strstr(world->disk->alerts[0].doc, "othello"));
	ck_assert_uint_eq(world->disk->nincidents, 1);
	ck_assert(world->disk->incidents[0].open);
	resolve(DISK " host=othello");
	world_run(world, LIMIT_RESOLVE_HOLD_US + SECONDS(1));
	size_t n = world_pages(world, "key-sre", NULL);
	ck_assert_ptr_null(strstr(world_page(world, "key-sre", NULL, n - 1)->body, "hamlet"));
}
END_TEST

/* The group of an alert that fired for an hour gets another one: its team is told at once, not with
 * the next update. */
START_TEST(a_quiet_group_rings_again)
{
	world_pagers_take_all(world);
	fire(DISK " host=db1");
	world_run(world, LIMIT_REGROUP_AFTER_US - SECONDS(1));
	assert_pages("key-sre", 1, 0);
	fire(DISK " host=db2");
	world_run(world, LIMIT_JOIN_GATHER_US - 1);
	assert_pages("key-sre", 1, 0); /* an update, which waits for other joins */
	world_run(world, 1);
	assert_pages("key-sre", 2, 0);
	world_run(world, LIMIT_REGROUP_AFTER_US);
	fire(DISK " host=db3");
	world_run(world, 0);
	assert_pages("key-sre", 3, 0);
	assert_says("key-sre", 2, "joined by DiskFull (host db3)");
	world_run(world, MINUTES(10));
	assert_pages("key-sre", 3, 0);
}
END_TEST

/* ---- room ---- */

/* The loop turns, but the disk is not asked whether it is done. */
static void run_without_disk(int64_t us)
{
	incidents_flush(world->incidents);
	fake_clock_advance(&world->clock, us);
}

/* One alert in processing, whose row is on its way to the disk, and one that is known. */
START_TEST(what_is_under_way_is_counted)
{
	world_pagers_take_all(world);
	ck_assert_uint_eq(incidents_busy(world->incidents), 0);
	fire(ORDERS TRACE);
	ck_assert_uint_eq(incidents_busy(world->incidents), 2); /* the alert, and its group */
	incidents_measure(world->incidents);
	ck_assert_int_eq(metric_value(METRIC_ALERTS_WAITING), 1);
	ck_assert_int_eq(metric_value(METRIC_STORE_WAITING), 1);
	ck_assert_int_eq(metric_value(METRIC_INCIDENTS_OPEN), 0);
	fake_clock_advance(&world->clock, 1500);
	incidents_measure(world->incidents);
	ck_assert_int_eq(metric_value(METRIC_ALERTS_OLDEST), 1500);
	world_run(world, MINUTES(2));
	ck_assert_uint_eq(incidents_busy(world->incidents), 0);
	incidents_measure(world->incidents);
	ck_assert_int_eq(metric_value(METRIC_ALERTS_WAITING), 0);
	ck_assert_int_eq(metric_value(METRIC_ALERTS_OLDEST), 0);
	ck_assert_int_eq(metric_value(METRIC_STORE_WAITING), 0);
	ck_assert_int_eq(metric_value(METRIC_INCIDENTS_OPEN), 1);
	ck_assert_int_eq(metric_value(METRIC_INCIDENTS_UNREACHED), 0);
	resolve(ORDERS TRACE);
	world_run(world, SECONDS(1));
	incidents_measure(world->incidents);
	ck_assert_int_eq(metric_value(METRIC_INCIDENTS_HOLDING), 1);
	fake_http_forget(&world->http);
	world_run(world, LIMIT_RESOLVE_HOLD_US);
	incidents_measure(world->incidents);
	ck_assert_int_eq(metric_value(METRIC_INCIDENTS_OPEN), 0);
	ck_assert_int_eq(metric_value(METRIC_INCIDENTS_HOLDING), 0);
	ck_assert_int_eq(metric_value(METRIC_INCIDENTS_TELLING), 1);
	ck_assert_int_eq(metric_value(METRIC_PAGES_WAITING), 1);
	ck_assert_uint_eq(incidents_busy(world->incidents), 1);
}
END_TEST

/* Half of the store's queue is for what the relay itself writes: from there on senders wait. */
START_TEST(a_slow_store_leaves_no_room)
{
	size_t n = 0;
	char labels[64];

	world_pagers_take_all(world);
	while (store_waiting(world->store) < LIMIT_STORE_QUEUE / 2) {
		ck_assert_msg(incidents_have_room(world->incidents), "no room behind %zu writes",
			      store_waiting(world->store));
		snprintf(labels, sizeof(labels), DISK " host=db%zu", n++);
		fire(labels);
		incidents_flush(world->incidents);
		ck_assert_uint_lt(n, LIMIT_STORE_QUEUE);
	}
	ck_assert(!incidents_have_room(world->incidents));
	world_run(world, SECONDS(1));
	ck_assert(incidents_have_room(world->incidents));
	ck_assert_uint_eq(world->durable, n);
}
END_TEST

/* The store says nothing for three minutes: nobody is asked and nobody is paged before the alert is
 * on disk. Then its budget is spent: the signal's owner is paged without traces. */
START_TEST(a_store_that_hangs_keeps_the_alert_waiting)
{
	world_jaeger_has(world);
	world_pagers_take_all(world);
	fire(ORDERS TRACE);
	for (int i = 0; i < 3; i++)
		run_without_disk(LIMIT_ALERT_WRITE_US + SECONDS(1));
	ck_assert_uint_eq(world->http.nrequests, 0);
	ck_assert_uint_eq(world->durable, 0);
	world_run(world, SECONDS(1));
	ck_assert_uint_eq(world->durable, 1);
	assert_pages("key-shop", 1, 0);
}
END_TEST

/* ---- the first page ---- */

/* The alert of a body ends while its page gathers: it leaves all the same, and is resolved. */
START_TEST(a_gathering_page_leaves_before_its_resolve)
{
	world_pagers_take_all(world);
	world_alert_in_body(world, DISK, 1);
	world_run(world, US_PER_MS);
	assert_pages("key-sre", 0, 0);
	resolve(DISK);
	world_run(world, SECONDS(1));
	assert_pages("key-sre", 1, 1);
	assert_says("key-sre", 0, "\"event_action\":\"trigger\"");
	assert_says("key-sre", 1, "\"event_action\":\"resolve\"");
	world_run(world, MINUTES(10));
	assert_pages("key-sre", 1, 1);
}
END_TEST

/* A pager rejects the page after its incident was resolved: the fallback team sees both. */
START_TEST(a_page_rejected_after_its_end_goes_to_the_fallback_team)
{
	world_jaeger_has(world);
	pager_answers("http://pager/ledger", 400, 0, SECONDS(10));
	world_pagers_take_all(world);
	fire(ORDERS TRACE);
	world_run(world, SECONDS(5));
	resolve(ORDERS TRACE);
	world_run(world, SECONDS(1));
	assert_pages("key-ledger", 1, 0);
	assert_pages("key-sre", 0, 0);
	world_run(world, SECONDS(10));
	assert_pages("key-sre", 1, 1);
	assert_says("key-sre", 0, "\"event_action\":\"trigger\"");
	assert_says("key-sre", 0, "ledger-pager refused");
	world_run(world, MINUTES(30));
	assert_pages("key-sre", 1, 1);
	ck_assert(!world->disk->incidents[0].open);
}
END_TEST

/* ---- the end ---- */

/* A pager that took the page is dead for a day: the incident is given up, and a pager that comes
 * back then is told nothing. */
START_TEST(an_incident_is_given_up_after_a_day)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, SECONDS(1));
	fake_http_forget(&world->http);
	resolve(DISK);
	world_run(world, LIMIT_RESOLVE_HOLD_US + LIMIT_TELLING_US - SECONDS(1));
	ck_assert(world->disk->incidents[0].open);
	ck_assert_ptr_null(fake_store_event(world->disk, "given up"));
	world_run(world, SECONDS(2));
	ck_assert_ptr_nonnull(fake_store_event(world->disk, "given up"));
	ck_assert(!world->disk->incidents[0].open);
	ck_assert_uint_eq(incidents_busy(world->incidents), 0);
	ck_assert_uint_eq(world->disk->nrecipients, 0);
	size_t told = world_pages(world, "key-sre", "resolve");
	ck_assert_uint_gt(told, 1);
	world_pagers_take_all(world);
	world_run(world, US_PER_HOUR);
	restart();
	world_run(world, US_PER_HOUR);
	ck_assert_uint_eq(world_pages(world, "key-sre", "resolve"), told);
}
END_TEST

/* ---- what a start finds ---- */

/* Of 120 alerts in one body a page lists the first 100 with their labels, and 50 by name. */
START_TEST(a_page_lists_a_hundred_alerts)
{
	char labels[64];
	size_t listed = 0;

	world_pagers_take_all(world);
	for (unsigned int i = 0; i < 120; i++) {
		snprintf(labels, sizeof(labels), DISK " host=db%03u", i);
		world_alert_in_body(world, labels, 119 - i);
	}
	world_run(world, SECONDS(1));
	assert_pages("key-sre", 1, 0);
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	const struct stored_page *row = &world->disk->pages[0];
	struct page page;
	struct err err;
	ck_assert_int_eq(page_read(arena, row->doc, row->doc_len, &page, &err), 0);
	for (const char *at = page.alert_list; (at = strstr(at, "\"host\":\"db")); at++)
		listed++;
	ck_assert_uint_eq(listed, 100);
	ck_assert_ptr_nonnull(strstr(page.alert_list, "\"host\":\"db099\""));
	ck_assert_uint_eq(page.nalerts, 50);
	arena_free(arena);
}
END_TEST

/* The program died when the last alert had ended and the resolve had not been written yet. */
START_TEST(a_resolve_that_was_not_written_leaves_after_a_restart)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, SECONDS(1));
	resolve(DISK);
	world_run(world, LIMIT_RESOLVE_HOLD_US - SECONDS(1));
	restart();
	world_run(world, SECONDS(2));
	assert_pages("key-sre", 1, 1);
	restart();
	world_run(world, MINUTES(10));
	assert_pages("key-sre", 1, 1);
}
END_TEST

/* A store that cannot be read is no store without incidents: the start fails, and nothing is sent.
 */
START_TEST(a_start_on_an_unreadable_store_fails)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, SECONDS(1));
	world_crash(world);
	world->disk->load_fails = -EIO;
	world_start(world);
	ck_assert_int_eq(world->loaded, -EIO);
	world_run(world, MINUTES(30));
	assert_pages("key-sre", 1, 0);
}
END_TEST

/* Its page cannot be read: it is resolved all the same where it was paged. */
START_TEST(an_incident_without_a_page_resolves)
{
	static const char damaged[] = "{\"summary\":";

	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, SECONDS(1));
	world_crash(world);
	world->disk->incidents[0].page = damaged;
	world->disk->incidents[0].page_len = sizeof(damaged) - 1;
	world_start(world);
	world_run(world, SECONDS(1));
	assert_pages("key-sre", 1, 0);
	resolve(DISK);
	world_run(world, LIMIT_RESOLVE_HOLD_US + SECONDS(1));
	assert_pages("key-sre", 1, 1);
}
END_TEST

/* ---- late verdicts ---- */

/* Two alerts wait in the fallback's incident when late traces take the first to a route that pages
 * nobody: the incident goes on for the second. */
START_TEST(a_late_route_that_pages_nobody_takes_one_alert)
{
	struct ruleset *rules = world_other_rules(
		"    severity: warning\n    also_notify: [chat-pager]\n", "    page: none\n");

	incidents_set_rules(world->incidents, rules);
	world_pagers_take_all(world);
	jaeger_answers_after(SECONDS(20), 1);
	fake_http_reply(&world->http,
			(struct fake_reply){ .url_part = "http://jaeger", .status = 500 });
	fire(ORDERS TRACE " tell=chat");
	world_run(world, US_PER_MS);
	fire(SLOW " trace_id=11111111111111111111111111111111");
	world_run(world, MINUTES(2));
	assert_pages("key-ledger", 0, 0);
	ck_assert_uint_eq(world_pages(world, "key-shop", "resolve"), 0);
	ck_assert_ptr_nonnull(
		strstr(fake_store_event(world->disk, "left")->text, "a route pages nobody"));
	resolve(ORDERS TRACE " tell=chat");
	world_run(world, MINUTES(5));
	ck_assert_uint_eq(world_pages(world, "key-shop", "resolve"), 0);
	resolve(SLOW " trace_id=11111111111111111111111111111111");
	world_run(world, LIMIT_RESOLVE_HOLD_US + SECONDS(1));
	ck_assert_uint_eq(world_pages(world, "key-shop", "resolve"), 1);
	rules_unref(rules);
}
END_TEST

/* A late verdict takes the alert to a route that pages nobody until 11:00: then the alert is
 * decided again, and somebody is paged. */
START_TEST(a_late_route_that_pages_nobody_ends)
{
	struct ruleset *rules = world_other_rules(
		"tell: chat}\n    severity: warning\n    also_notify: [chat-pager]\n",
		"tell: chat, time: morning}\n    page: none\n"
		"time_intervals: {morning: [{times: [{start_time: '09:00', end_time: "
		"'11:00'}]}]}\n");

	incidents_set_rules(world->incidents, rules);
	world_pagers_take_all(world);
	jaeger_answers_after(SECONDS(20), 0);
	fire(ORDERS TRACE " tell=chat");
	world_run(world, MINUTES(1));
	ck_assert_uint_eq(world_pages(world, "key-shop", "resolve"), 1);
	/* It is 10:06, a minute after the alert. */
	world_run(world, US_PER_HOUR - LIMIT_START_GRACE_US - MINUTES(2));
	assert_pages("key-shop", 1, 1);
	assert_pages("key-ledger", 0, 0);
	world_run(world, MINUTES(2));
	assert_pages("key-ledger", 1, 0);
	rules_unref(rules);
}
END_TEST

/* A late verdict makes its page as severe as its route says. */
START_TEST(a_late_verdict_raises_the_severity)
{
	struct ruleset *rules = world_other_rules("    severity: warning\n    also_notify",
						  "    severity: critical\n    also_notify");

	incidents_set_rules(world->incidents, rules);
	world_pagers_take_all(world);
	jaeger_answers_after(SECONDS(20), 0);
	fire(SLOW TRACE " tell=chat");
	world_run(world, SECONDS(10));
	assert_pages("key-shop", 1, 0);
	assert_says("key-shop", 0, "\"severity\":\"warning\"");
	world_run(world, SECONDS(15));
	assert_pages("key-shop", 2, 0);
	assert_says("key-shop", 1, "\"severity\":\"critical\"");
	assert_says("key-shop", 1, "lead to team ledger, which is paged now");
	assert_pages("key-ledger", 1, 0);
	assert_says("key-ledger", 0, "\"severity\":\"critical\"");
	assert_pages("key-chat", 1, 0);
	rules_unref(rules);
}
END_TEST

/* ---- questions that many alerts have ---- */

/* Two alerts wait for the answer of one search. Their budget ends, and both get ten seconds more:
 * an answer after twelve still names the suspect in the first page. */
START_TEST(a_shared_question_gets_more_time)
{
	world_pagers_take_all(world);
	jaeger_answers_after(SECONDS(12), 0);
	fire(ORDERS TRACE);
	fire(SLOW TRACE);
	world_run(world, LIMIT_ENRICH_US + SECONDS(1));
	ck_assert_uint_eq(world_pages(world, "key-shop", NULL), 0);
	world_run(world, SECONDS(10));
	assert_pages("key-shop", 0, 0);
	ck_assert_uint_ge(world_pages(world, "key-ledger", "trigger"), 1);
	ck_assert_int_ge(world_page(world, "key-ledger", "trigger", 0)->at_us,
			 LIMIT_START_GRACE_US + SECONDS(12));
}
END_TEST

/* The answer takes longer than that, too: both are paged 15 s after they came, without traces. */
START_TEST(a_shared_question_does_not_wait_for_ever)
{
	world_pagers_take_all(world);
	jaeger_answers_after(SECONDS(40), 0);
	fire(ORDERS TRACE);
	fire(SLOW TRACE);
	world_run(world, LIMIT_ENRICH_US + LIMIT_ENRICH_EXTRA_US - SECONDS(1));
	ck_assert_uint_eq(world_pages(world, "key-shop", NULL), 0);
	world_run(world, SECONDS(2));
	assert_pages("key-shop", 1, 0);
	ck_assert_uint_eq(world_pages(world, "key-ledger", NULL), 0);
	world_run(world, SECONDS(60));
	ck_assert_uint_ge(world_pages(world, "key-ledger", "trigger"), 1);
}
END_TEST

/* ---- large traces ---- */

/* A trace of 40,000 more spans below a span that did not fail; the path is as in world_trace, of
 * which only that is kept, with the span beside it: five in all. */
static void jaeger_has_a_large_trace(void)
{
	struct buf text = BUF_INIT(64u << 20);
	const char *end = strstr(world_trace, "]}]}}");
	uint64_t random = 88172645463325252u;

	/* The array of resources goes on behind those of world_trace. */
	for (const char *next; (next = strstr(end + 1, "]}}"));)
		end = next;
	buf_add(&text, world_trace, (size_t)(end - world_trace));
	buf_puts(&text, ",{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
			"{\"stringValue\":\"cart\"}}]},\"scopeSpans\":[{\"spans\":[");
	for (unsigned int i = 0; i < 40000; i++) {
		char name[65];

		/* Names that cannot be compressed: 32 bytes each. */
		for (size_t k = 0; k < 8; k++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			snprintf(name + 8 * k, 9, "%08x", (unsigned int)(random >> 32));
		}
		buf_printf(&text,
			   "%s{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":"
			   "\"%016x\",\"parentSpanId\":\"%016x\",\"name\":\"op %s\","
			   "\"kind\":2,\"startTimeUnixNano\":\"1788256740030000000\","
			   "\"endTimeUnixNano\":\"1788256740040000000\",\"status\":{}}",
			   i ? "," : "", 0xb0000 + i, i ? 0xb0000 : 0xa1, name);
	}
	buf_puts(&text, "]}]}");
	buf_puts(&text, end);
	jaeger_answers("http://jaeger", &text, 0);
}

START_TEST(of_a_large_trace_the_path_is_kept)
{
	struct buf plain = BUF_INIT(1u << 20);
	struct err err;

	jaeger_has_a_large_trace();
	world_pagers_take_all(world);
	fire(ORDERS TRACE);
	world_run(world, MINUTES(1));
	assert_pages("key-ledger", 1, 0);
	ck_assert_uint_eq(world->disk->ndecisions, 1);
	const struct stored_decision *decision = &world->disk->decisions[0];
	ck_assert_int_eq(decision->kept, STORED_TRACES_PATHS);
	ck_assert_int_eq(pack_open(decision->traces, decision->traces_len, &plain, &err), 0);
	static const char *const names[] = { "POST /orders", "PlaceOrder", "Book",
					     "journal is read-only" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ck_assert_msg(memmem(plain.data, plain.len, names[i], strlen(names[i])) != NULL,
			      "%s is not kept", names[i]);
	/* Of the 40,000 the topmost stands beside PlaceOrder; the others are below it. */
	size_t ops = 0;
	for (size_t i = 0; i + 3 < plain.len; i++)
		ops += memcmp(plain.data + i, "op ", 3) == 0;
	ck_assert_uint_eq(ops, 1);
	buf_fini(&plain);
}
END_TEST

/* A packed text of the store. */
static void assert_holds(const char *packed, size_t len, const char *words)
{
	struct buf plain = BUF_INIT(1u << 20);
	struct err err;

	ck_assert_int_eq(pack_open(packed, len, &plain, &err), 0);
	ck_assert_ptr_nonnull(strstr(buf_text(&plain), words));
	buf_fini(&plain);
}

/* The record of a decision says whose alert it was, what was decided, and when. */
START_TEST(a_decision_is_recorded_with_its_texts)
{
	int64_t fired_us = world->clock.wall_us;

	world_jaeger_has(world);
	world_pagers_take_all(world);
	fire(ORDERS TRACE);
	world_run(world, MINUTES(1));
	ck_assert_uint_eq(world->disk->ndecisions, 1);
	const struct stored_decision *decision = &world->disk->decisions[0];
	ck_assert_ptr_nonnull(fake_store_alert(world->disk, decision->alert_key));
	ck_assert_str_eq(decision->incident, world->disk->incidents[0].id);
	ck_assert_str_eq(decision->team, "ledger");
	assert_holds(decision->alert, decision->alert_len, "PlaceOrderErrors");
	assert_holds(decision->doc, decision->doc_len, "journal is read-only");
	ck_assert_int_ge(decision->at_us, fired_us);
	ck_assert_int_le(decision->at_us, fired_us + SECONDS(6));
	/* And by which rules, whose texts are kept with it. */
	ck_assert_uint_eq(world->disk->nrules, 1);
	ck_assert_str_eq(world->disk->rules_hash, decision->rules);
	ck_assert_uint_gt(world->disk->rules_bytes, 0);
}
END_TEST

/* ---- healthy traces ---- */

/* frontend calls ledger, and nothing fails. Ledger takes so many of the frontend's 200 ms. */
static void jaeger_has_calls(const char *url_part, const char *id, unsigned int ledger_ms,
			     int64_t delay_us)
{
	struct buf text = BUF_INIT(1u << 16);
	const struct {
		const char *service, *parent, *name;
		unsigned int ms;
	} spans[] = { { "frontend", "", "POST /orders", 200 },
		      { "ledger", "00000000000000b0", "Book", ledger_ms } };

	buf_puts(&text, "{\"result\":{\"resourceSpans\":[");
	for (unsigned int i = 0; i < 2; i++)
		buf_printf(&text,
			   "%s{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
			   "{\"stringValue\":\"%s\"}}]},\"scopeSpans\":[{\"spans\":[{\"traceId\":"
			   "\"%s\",\"spanId\":\"00000000000000b%u\",\"parentSpanId\":\"%s\","
			   "\"name\":\"%s\",\"kind\":2,\"startTimeUnixNano\":"
			   "\"1788256740000000000\",\"endTimeUnixNano\":\"1788256740%03u000000\","
			   "\"status\":{}}]}]}",
			   i ? "," : "", spans[i].service, id, i, spans[i].parent, spans[i].name,
			   spans[i].ms);
	buf_puts(&text, "]}}");
	jaeger_answers(url_part, &text, delay_us);
}

#define OF_ALERT   "11111111111111111111111111111111"
#define OF_HEALTHY "22222222222222222222222222222222"

/* The alert's trace is there at once, what its signal is like without a fault when told. */
static void compare_with_healthy(int64_t delay_us)
{
	world_crash(world);
	world_pagers_take_all(world);
	jaeger_has_calls("/traces/" OF_ALERT, OF_ALERT, 190, 0);
	jaeger_has_calls("http://jaeger", OF_HEALTHY, 20, delay_us);
	world->compares = true;
	world_start(world);
}

/* The evidence of healthy traces that the only decision was stored with. */
static size_t healthy_bytes(void)
{
	ck_assert_uint_eq(world->disk->ndecisions, 1);
	return world->disk->decisions[0].healthy_len;
}

START_TEST(what_was_gathered_ahead_is_compared_with)
{
	compare_with_healthy(SECONDS(1));
	world_run(world, MINUTES(5));
	fire(SLOW " trace_id=" OF_ALERT);
	world_run(world, SECONDS(2));
	assert_pages("key-shop", 1, 0);
	world_run(world, SECONDS(5));
	ck_assert_uint_gt(healthy_bytes(), 0);
}
END_TEST

/* Nobody is named without them: the page waits for healthy traces, and not longer. */
START_TEST(a_page_waits_for_healthy_traces)
{
	compare_with_healthy(SECONDS(2));
	fire(SLOW " trace_id=" OF_ALERT);
	world_run(world, SECONDS(1));
	assert_pages("key-shop", 0, 0);
	world_run(world, SECONDS(4) - US_PER_MS);
	assert_pages("key-shop", 1, 0);
	world_run(world, SECONDS(5));
	ck_assert_uint_gt(healthy_bytes(), 0);
}
END_TEST

START_TEST(a_page_does_not_wait_longer_than_its_budget)
{
	compare_with_healthy(SECONDS(30));
	fire(SLOW " trace_id=" OF_ALERT);
	world_run(world, LIMIT_ENRICH_US - US_PER_MS);
	assert_pages("key-shop", 0, 0);
	world_run(world, 2 * US_PER_MS);
	assert_pages("key-shop", 1, 0);
	world_run(world, MINUTES(2));
	ck_assert_uint_eq(healthy_bytes(), 0);
	assert_pages("key-shop", 1, 0);
}
END_TEST

/* ---- stores ---- */

/* The disk is full while 250 alerts come: each is paged, and each row is there when it works again,
 * which takes more than one round of LIMIT_HEAL_ROWS. */
START_TEST(a_full_disk_gets_every_row_later)
{
	char labels[64];

	world_pagers_take_all(world);
	fake_store_fail(world->disk, -ENOSPC);
	for (int i = 0; i < 250; i++) {
		snprintf(labels, sizeof(labels), "alertname=Node%d severity=warning", i);
		fire(labels);
		incidents_flush(world->incidents);
	}
	world_run(world, SECONDS(1));
	assert_pages("key-sre", 250, 0);
	ck_assert_uint_eq(world->failed, 250);
	ck_assert_uint_eq(world->disk->nalerts, 0);
	fake_store_fail(world->disk, 0);
	world_run(world, 2 * LIMIT_STORE_HEAL_US);
	ck_assert_uint_eq(world->disk->nalerts, 250);
	ck_assert_uint_eq(world->disk->nincidents, 250);
	ck_assert_uint_eq(world->disk->npages, 250);
	ck_assert_uint_eq(world->disk->nrecipients, 250);
	restart();
	world_run(world, MINUTES(2));
	assert_pages("key-sre", 250, 0);
}
END_TEST

/* Of three pagers two reject the page: it is sent again to these, and not to the one that has it.
 */
START_TEST(only_who_refused_is_asked_again)
{
	world_jaeger_has(world);
	pager_answers("http://pager/ledger", 400, 1, 0);
	pager_answers("http://pager/sre", 400, 1, 0);
	world_pagers_take_all(world);
	fire(ORDERS TRACE " tell=chat");
	world_run(world, SECONDS(5));
	assert_pages("key-ledger", 1, 0);
	assert_pages("key-sre", 1, 0);
	assert_pages("key-chat", 1, 0);
	world_run(world, LIMIT_UNREACHED_RETRY_US);
	assert_pages("key-ledger", 2, 0);
	assert_pages("key-sre", 2, 0);
	assert_pages("key-chat", 1, 0);
}
END_TEST

/* The store says that the incident holds, and its alert that it fires. */
START_TEST(a_held_incident_whose_alert_fires_goes_on)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, SECONDS(1));
	world_crash(world);
	world->disk->incidents[0].state = 2; /* holding: stored states keep their numbers */
	world_start(world);
	world_run(world, MINUTES(30));
	assert_pages("key-sre", 1, 0);
	ck_assert_int_eq(world->disk->incidents[0].state, 0);
}
END_TEST

/* The store says that the incident moved, to one that it does not have: its recipients are told. */
START_TEST(a_move_to_nowhere_is_told)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, SECONDS(1));
	world_crash(world);
	world->disk->incidents[0].state = 4; /* moved */
	world->disk->incidents[0].moved_to = "f00d";
	world_start(world);
	world_run(world, SECONDS(1));
	assert_pages("key-sre", 2, 1);
	assert_says("key-sre", 1, "incident f00d");
	world_run(world, MINUTES(1));
	ck_assert(!world->disk->incidents[0].open);
}
END_TEST

/* Alerts without a name are told apart by their fingerprints. */
START_TEST(alerts_without_a_name_are_told_by_fingerprint)
{
	struct label both[][3] = {
		{ { "severity", "error" }, { "trace_id", "0af7651916cd43dd8448eb211c80319c" } },
		{ { "host", "b" },
		  { "severity", "error" },
		  { "trace_id", "0af7651916cd43dd8448eb211c80319c" } },
	};
	char prints[2][FINGERPRINT_SIZE], words[128];

	for (size_t i = 0; i < 2; i++)
		labels_fingerprint(&(struct labels){ both[i], 2 + i }, prints[i]);
	world_jaeger_has(world);
	world_pagers_take_all(world);
	fire("severity=error" TRACE);
	world_run(world, SECONDS(1));
	fire("severity=error host=b" TRACE);
	world_run(world, MINUTES(2));
	snprintf(words, sizeof(words), "2 alerts: %s, %s", prints[0], prints[1]);
	assert_pages("key-ledger", 2, 0);
	assert_says("key-ledger", 1, words);
	snprintf(words, sizeof(words), "joined by %s", prints[1]);
	assert_says("key-ledger", 1, words);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edges");
	TCase *tests = tcase_create("edges");
	const TTest *const all[] = {
		an_end_of_an_unknown_alert_is_unknown,
		a_heartbeat_pages_nobody,
		an_ended_alert_is_forgotten,
		a_quiet_group_rings_again,
		what_is_under_way_is_counted,
		a_slow_store_leaves_no_room,
		a_store_that_hangs_keeps_the_alert_waiting,
		a_gathering_page_leaves_before_its_resolve,
		a_page_rejected_after_its_end_goes_to_the_fallback_team,
		a_page_lists_a_hundred_alerts,
		an_incident_is_given_up_after_a_day,
		a_resolve_that_was_not_written_leaves_after_a_restart,
		a_start_on_an_unreadable_store_fails,
		an_incident_without_a_page_resolves,
		a_late_route_that_pages_nobody_takes_one_alert,
		a_late_route_that_pages_nobody_ends,
		a_late_verdict_raises_the_severity,
		a_shared_question_gets_more_time,
		a_shared_question_does_not_wait_for_ever,
		of_a_large_trace_the_path_is_kept,
		a_decision_is_recorded_with_its_texts,
		what_was_gathered_ahead_is_compared_with,
		a_page_waits_for_healthy_traces,
		a_page_does_not_wait_longer_than_its_budget,
		a_full_disk_gets_every_row_later,
		only_who_refused_is_asked_again,
		a_held_incident_whose_alert_fires_goes_on,
		a_move_to_nowhere_is_told,
		alerts_without_a_name_are_told_by_fingerprint,
	};

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_loop_test(tests, an_expiry_tells_how_long_nothing_was_heard, 0, ARRAY_LEN(ages));
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		tcase_add_test(tests, all[i]);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
