/* Days in the life of a relay, in milliseconds: enrichment, retries, joins, resolves, refusals,
 * crashes, expiry. */
#include "world.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

#define ORDERS	    "alertname=PlaceOrderErrors severity=critical"
#define ORDERS_SLOW "alertname=PlaceOrderSlow severity=warning"
#define TRACED	    ORDERS " trace_id=0af7651916cd43dd8448eb211c80319c"
#define DISK	    "alertname=DiskFull severity=warning host=db1"

static struct world *world;

static void set_up(void)
{
	world = world_new();
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

/* The value of "dedup_key" in a PagerDuty body. */
static const char *dedup_key(const struct fake_request *request, char out[128])
{
	const char *at = strstr(request->body, "\"dedup_key\"");

	ck_assert_ptr_nonnull(at);
	at = strchr(at + strlen("\"dedup_key\""), '"') + 1;
	snprintf(out, 128, "%.*s", (int)strcspn(at, "\""), at);
	return out;
}

START_TEST(trace_is_late_and_the_pager_is_ill)
{
	char first[128], third[128];

	world_jaeger_has_not(world, 2);
	world_jaeger_has(world);
	fake_http_reply(
		&world->http,
		(struct fake_reply){ .url_part = "http://pager/", .times = 1, .status = 500 });
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://pager/",
							   .times = 1,
							   .status = 429,
							   .retry_after_us = 7 * US_PER_SECOND });
	world_pagers_take_all(world);
	ck_assert_int_eq(fire(TRACED), ACCEPT_NEW);
	world_run(world, 4 * US_PER_SECOND);
	ck_assert_uint_eq(world->durable, 1);
	ck_assert_uint_ge(world_pages(world, "key-ledger", "trigger"), 1);
	world_run(world, US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 3);
	ck_assert_uint_eq(
		world_pages(world, "key-shop", NULL) + world_pages(world, "key-sre", NULL), 0);
	const struct fake_request *second = world_page(world, "key-ledger", "trigger", 1);
	const struct fake_request *last = world_page(world, "key-ledger", "trigger", 2);
	ck_assert_int_ge(last->at_us - second->at_us, 7 * US_PER_SECOND);
	ck_assert_str_eq(dedup_key(world_page(world, "key-ledger", "trigger", 0), first),
			 dedup_key(last, third));
	ck_assert_ptr_nonnull(strstr(last->body, "journal is read-only"));
}
END_TEST

/* Of several sources each has a UI of its own. */
START_TEST(links_lead_to_the_source_that_had_the_trace)
{
	world->source.trace_link = "https://tempo.shop.example/t/{trace_id}";
	world_jaeger_has(world);
	world_pagers_take_all(world);
	fire(TRACED);
	world_run(world, US_PER_SECOND);
	ck_assert_ptr_nonnull(strstr(world_page(world, "key-ledger", "trigger", 0)->body,
				     "https://tempo.shop.example/t/"));
}
END_TEST

/* n traces of one span each, POST /orders of frontend on this pod. */
static void add_orders(struct buf *body, unsigned int first, unsigned int n, const char *pod,
		       bool failing)
{
	for (unsigned int i = first; i < first + n; i++) {
		if (body->data[body->len - 1] != '[')
			buf_putc(body, ',');
		buf_printf(body,
			   "{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{"
			   "\"stringValue\":\"frontend\"}},{\"key\":\"k8s.pod.name\",\"value\":{"
			   "\"stringValue\":\"%s\"}}]},\"scopeSpans\":[{\"spans\":[{\"traceId\":"
			   "\"%032x\",\"spanId\":\"%016x\",\"name\":\"POST /orders\",\"kind\":2,"
			   "\"startTimeUnixNano\":\"1788256740000000000\",\"endTimeUnixNano\":"
			   "\"1788256740200000000\",\"status\":{\"code\":%d}}]}]}",
			   pod, i, i, failing ? 2 : 0);
	}
}

/* Jaeger has six failing orders on one pod, and answers all other searches with this body. The
 * daemon starts again, with healthy traces to compare with. */
static void start_with_failing_pod(struct buf *failing, const char *others, int64_t delay_us)
{
	buf_puts(failing, "{\"result\":{\"resourceSpans\":[");
	add_orders(failing, 1, 6, "web-7f9", true);
	buf_puts(failing, "]}}");
	/* A search for failing traces has the error among its attributes. */
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "error",
							   .status = 200,
							   .body = buf_text(failing),
							   .content_type = "application/json" });
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://jaeger",
							   .delay_us = delay_us,
							   .status = 200,
							   .body = others,
							   .content_type = "application/json" });
	world_pagers_take_all(world);
	world->compares = true;
	world_crash(world);
	world_start(world);
	world_run(world, US_PER_MINUTE);
}

START_TEST(ordinary_traces_tell_what_differs)
{
	struct buf failing = BUF_INIT(1u << 20), fine = BUF_INIT(1u << 20);

	buf_puts(&fine, "{\"result\":{\"resourceSpans\":[");
	add_orders(&fine, 100, 10, "web-1a2", false);
	add_orders(&fine, 200, 10, "web-8c4", false);
	buf_puts(&fine, "]}}");
	start_with_failing_pod(&failing, buf_text(&fine), 300 * US_PER_MS);
	fire(ORDERS);
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-shop", "trigger"), 1);
	ck_assert_ptr_nonnull(strstr(world_page(world, "key-shop", "trigger", 0)->body,
				     "all 6 that fail in frontend are on pod web-7f9, 1 of 3 pods, "
				     "0 of 20 others"));
	buf_fini(&failing);
	buf_fini(&fine);
}
END_TEST

START_TEST(a_page_does_not_wait_long_for_ordinary_traces)
{
	struct buf failing = BUF_INIT(1u << 20);

	start_with_failing_pod(&failing, "{}", 100 * US_PER_SECOND);
	fire(ORDERS);
	world_run(world, LIMIT_ORDINARY_US + 100 * US_PER_MS);
	ck_assert_uint_eq(world_pages(world, "key-shop", "trigger"), 1);
	buf_fini(&failing);
}
END_TEST

START_TEST(budget_is_spent)
{
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://jaeger",
							   .delay_us = 100 * US_PER_SECOND,
							   .status = 200,
							   .body = world_trace });
	world_pagers_take_all(world);
	fire(TRACED);
	world_run(world, LIMIT_ENRICH_US - 1);
	ck_assert_uint_eq(world_pages(world, "key-shop", NULL), 0);
	world_run(world, 2);
	ck_assert_uint_eq(world_pages(world, "key-shop", "trigger"), 1);
	ck_assert_int_eq(world_page(world, "key-shop", "trigger", 0)->at_us, LIMIT_ENRICH_US);
	ck_assert_ptr_nonnull(
		strstr(world_page(world, "key-shop", "trigger", 0)->body, "budget_spent"));
	world_run(world, 10 * US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-shop", NULL), 1);
}
END_TEST

START_TEST(budget_is_spent_on_a_source_that_fails)
{
	fake_http_reply(&world->http,
			(struct fake_reply){ .url_part = "http://jaeger", .status = 500 });
	world_pagers_take_all(world);
	fire(TRACED);
	world_run(world, LIMIT_ENRICH_US);
	ck_assert_uint_eq(world_pages(world, "key-shop", "trigger"), 1);
	const char *page = world_page(world, "key-shop", "trigger", 0)->body;
	ck_assert_ptr_nonnull(strstr(page, "source_error"));
	ck_assert_ptr_nonnull(strstr(page, "jaeger answered HTTP 500 (waited 5.0 s)"));
	ck_assert_ptr_null(strstr(page, "budget_spent"));
	world_run(world, 10 * US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-shop", NULL), 1);
}
END_TEST

START_TEST(late_traces_page_the_right_team_too)
{
	char before[128], after[128];

	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://jaeger",
							   .delay_us = 20 * US_PER_SECOND,
							   .status = 200,
							   .body = world_trace });
	world_pagers_take_all(world);
	fire(TRACED);
	world_run(world, 30 * US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-shop", NULL), 2); /* the page, and its update */
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
	ck_assert_str_eq(dedup_key(world_page(world, "key-shop", NULL, 0), before),
			 dedup_key(world_page(world, "key-ledger", NULL, 0), after));
	resolve(TRACED);
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-shop", "resolve"), 1);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "resolve"), 1);
}
END_TEST

START_TEST(late_traces_move_the_alert_to_the_open_incident)
{
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://jaeger",
							   .times = 1,
							   .status = 200,
							   .body = world_trace });
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://jaeger",
							   .delay_us = 20 * US_PER_SECOND,
							   .status = 200,
							   .body = world_trace });
	world_pagers_take_all(world);
	fire(TRACED);
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
	world_run(world, LIMIT_ANSWER_KEPT_US); /* the first answer is not kept any more */
	fire(TRACED " replica=2");
	world_run(world, 10 * US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-shop", "trigger"), 1);
	world_run(world, US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-shop", "resolve"), 1);
	ck_assert_ptr_nonnull(strstr(world_page(world, "key-ledger", NULL, 1)->body, "joined by"));
	ck_assert_uint_eq(world_pages(world, "key-ledger", "resolve"), 0);
}
END_TEST

START_TEST(second_alert_joins_and_both_must_end)
{
	world_jaeger_has(world);
	world_pagers_take_all(world);
	fire(TRACED);
	world_run(world, US_PER_SECOND);
	fire(ORDERS_SLOW " trace_id=0af7651916cd43dd8448eb211c80319c");
	world_run(world, US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"),
			  2); /* PagerDuty's update is a trigger of the same key */
	ck_assert_ptr_nonnull(
		strstr(world_page(world, "key-ledger", NULL, 1)->body, "joined by PlaceOrderSlow"));
	resolve(TRACED);
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "resolve"), 0);
	resolve(ORDERS_SLOW " trace_id=0af7651916cd43dd8448eb211c80319c");
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "resolve"), 1);
	ck_assert_uint_eq(world_pages(world, "key-ledger", NULL), 3);
}
END_TEST

START_TEST(resolve_before_the_decision_follows_the_page)
{
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://jaeger",
							   .delay_us = US_PER_SECOND,
							   .status = 200,
							   .body = world_trace });
	world_pagers_take_all(world);
	fire(TRACED);
	world_run(world, US_PER_SECOND / 2);
	ck_assert_int_eq(resolve(TRACED), ACCEPT_RESOLVED);
	world_run(world, LIMIT_RESOLVE_HOLD_US + 10 * US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "resolve"), 1);
	ck_assert_int_le(world_page(world, "key-ledger", "trigger", 0)->at_us,
			 world_page(world, "key-ledger", "resolve", 0)->at_us);
}
END_TEST

START_TEST(resolve_before_the_decision_survives_a_crash)
{
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://jaeger",
							   .delay_us = 3 * US_PER_SECOND,
							   .status = 200,
							   .body = world_trace });
	world_pagers_take_all(world);
	fire(TRACED);
	world_run(world, US_PER_SECOND);
	resolve(TRACED);
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_SECOND);
	world_crash(world);
	world_start(world);
	world_run(world, 10 * US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "resolve"), 1);
}
END_TEST

START_TEST(refused_page_goes_to_the_fallback_team)
{
	world_jaeger_has(world);
	fake_http_reply(
		&world->http,
		(struct fake_reply){
			.url_part = "http://pager/ledger",
			.status = 400,
			.body = "{\"status\":\"invalid event\",\"errors\":[\"bad key\"]}" });
	world_pagers_take_all(world);
	fire(TRACED);
	world_run(world, 10 * US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-ledger", NULL), 1);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 1);
	ck_assert_ptr_nonnull(
		strstr(world_page(world, "key-sre", NULL, 0)->body, "ledger-pager refused"));
	resolve(TRACED);
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", "resolve"), 1);
	ck_assert_uint_eq(world_pages(world, "key-ledger", NULL), 1);
}
END_TEST

START_TEST(refused_by_all_is_sent_again)
{
	world_jaeger_has(world);
	fake_http_reply(
		&world->http,
		(struct fake_reply){ .url_part = "http://pager/", .times = 2, .status = 403 });
	world_pagers_take_all(world);
	fire(TRACED);
	world_run(world, US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-sre", NULL), 1);
	world_run(world, 5 * US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 2);
}
END_TEST

START_TEST(refused_by_all_is_sent_again_after_a_restart)
{
	fake_http_reply(
		&world->http,
		(struct fake_reply){ .url_part = "http://pager/", .times = 1, .status = 400 });
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 1);
	world_crash(world);
	world_start(world);
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 2);
	resolve(DISK);
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", "resolve"), 1);
}
END_TEST

/* Two alerts of one signal wait in one incident. Late traces take one of them elsewhere; the other
 * stays. */
START_TEST(late_traces_take_one_alert_out_of_an_incident)
{
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://jaeger",
							   .times = 1,
							   .delay_us = 20 * US_PER_SECOND,
							   .status = 200,
							   .body = world_trace });
	fake_http_reply(&world->http,
			(struct fake_reply){ .url_part = "http://jaeger", .status = 500 });
	world_pagers_take_all(world);
	fire(TRACED);
	world_run(world, US_PER_MS);
	fire(ORDERS_SLOW " trace_id=11111111111111111111111111111111");
	world_run(world, 10 * US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-shop", "trigger"), 1);
	world_run(world, 2 * US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
	ck_assert_uint_eq(world_pages(world, "key-shop", NULL), 2);
	resolve(TRACED);
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "resolve"), 1);
	ck_assert_uint_eq(world_pages(world, "key-shop", "resolve"), 0);
	resolve(ORDERS_SLOW " trace_id=11111111111111111111111111111111");
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-shop", "resolve"), 1);
}
END_TEST

/* What is on the disk cannot be read any more: somebody is told, and the daemon lives. */
START_TEST(unreadable_record_is_paged)
{
	struct stored_alert row = {
		.id = 1,
		.key = "prometheus/0123456789abcdef",
		.doc = "{\"sender\": \"am1\", \"labels\": {\"a",
		.doc_len = 30,
		.incident = "",
		.state = STORED_ALERT_WAITING,
		.attempts = 1,
		.accepted_us = now_us(),
		.refreshed_us = now_us(),
		.expires_us = now_us() + US_PER_HOUR,
	};
	struct store_batch *batch = store_batch_new();

	world_pagers_take_all(world);
	store_put_alert(batch, &row);
	ck_assert_int_eq(store_commit(world->store, batch, NULL, NULL), 0);
	world_run(world, US_PER_SECOND);
	world_crash(world);
	world_start(world);
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 1);
	ck_assert_ptr_nonnull(
		strstr(world_page(world, "key-sre", NULL, 0)->body, "0123456789abcdef"));
}
END_TEST

START_TEST(silent_pager_pages_the_fallback_team_and_goes_on)
{
	world_jaeger_has(world);
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://pager/ledger",
							   .status = 0,
							   .error = "connection refused" });
	world_pagers_take_all(world);
	fire(TRACED);
	world_run(world, LIMIT_PAGER_SILENT_US - US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", NULL), 0);
	world_run(world, 5 * US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 1);
	size_t tries = world_pages(world, "key-ledger", NULL);
	world_run(world, 10 * US_PER_MINUTE);
	ck_assert_uint_gt(world_pages(world, "key-ledger", NULL), tries);
}
END_TEST

START_TEST(crash_before_the_commit_forgets_what_was_never_answered)
{
	world_pagers_take_all(world);
	fire(DISK);
	incidents_flush(world->incidents);
	world_crash(world);
	world_start(world);
	world_run(world, US_PER_MINUTE);
	ck_assert_uint_eq(world->durable, 0);
	ck_assert_uint_eq(world_pages(world, "key-sre", NULL), 0);
}
END_TEST

START_TEST(crash_after_the_commit_finishes_the_work)
{
	world_jaeger_has_not(world, 1);
	world_pagers_take_all(world);
	fire(TRACED);
	world_run(world, 10);
	ck_assert_uint_eq(world->durable, 1);
	world_crash(world);
	world_jaeger_has(world);
	world_start(world);
	world_run(world, 10 * US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
}
END_TEST

START_TEST(page_in_delivery_survives_a_crash_with_its_key)
{
	char before[128], after[128];

	fake_http_reply(
		&world->http,
		(struct fake_reply){ .url_part = "http://pager/", .times = 1, .status = 503 });
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://pager/",
							   .delay_us = US_PER_SECOND,
							   .status = 202 });
	fire(DISK);
	world_run(world, 10);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 1);
	world_crash(world);
	world_start(world);
	world_run(world, US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 2);
	ck_assert_str_eq(dedup_key(world_page(world, "key-sre", NULL, 0), before),
			 dedup_key(world_page(world, "key-sre", NULL, 1), after));
	resolve(DISK);
	world_run(world, LIMIT_RESOLVE_HOLD_US + 5 * US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", "resolve"), 1);
}
END_TEST

START_TEST(third_start_leaves_the_traces_alone)
{
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://jaeger",
							   .delay_us = 3 * US_PER_SECOND,
							   .status = 200,
							   .body = world_trace });
	world_pagers_take_all(world);
	fire(TRACED);
	for (int start = 1; start < LIMIT_ATTEMPTS; start++) {
		world_run(world, US_PER_SECOND);
		ck_assert_uint_eq(world_pages(world, "key-shop", NULL), 0);
		world_crash(world);
		world_start(world);
	}
	size_t asked = world->http.nrequests;
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(asked, (size_t)LIMIT_ATTEMPTS - 1);
	ck_assert_uint_eq(world_pages(world, "key-shop", "trigger"), 1);
	ck_assert_ptr_nonnull(strstr(world_page(world, "key-shop", NULL, 0)->body, "twice"));
}
END_TEST

/* The sender hears 503, so that it sends again; the page leaves all the same, once; and when the
 * disk works again, all of it is there. */
START_TEST(full_disk_answers_503_and_pages)
{
	char before[128], after[128];

	world_pagers_take_all(world);
	fake_store_fail(world->disk, -ENOSPC);
	fire(DISK);
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(world->failed, 1);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 1);
	ck_assert_int_eq(fire(DISK), ACCEPT_REPEATED);
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(world->failed, 2);
	fake_store_fail(world->disk, 0);
	world_run(world, 2 * LIMIT_STORE_HEAL_US);
	world_crash(world);
	world_start(world);
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", NULL), 1);
	resolve(DISK);
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", "resolve"), 1);
	ck_assert_str_eq(dedup_key(world_page(world, "key-sre", NULL, 0), before),
			 dedup_key(world_page(world, "key-sre", NULL, 1), after));
}
END_TEST

START_TEST(full_disk_does_not_stop_the_walk)
{
	world_jaeger_has(world);
	world_pagers_take_all(world);
	fake_store_fail(world->disk, -EIO);
	fire(TRACED);
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(world->failed, 1);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
}
END_TEST

START_TEST(repeat_before_the_first_commit_is_durable_by_itself)
{
	world_pagers_take_all(world);
	fake_store_fail(world->disk, -EIO);
	fire(DISK);
	incidents_flush(world->incidents);
	fake_store_complete(world->disk, 0);
	ck_assert_int_eq(fire(DISK), ACCEPT_REPEATED);
	fake_store_complete(world->disk, 1); /* the first fails */
	fake_store_fail(world->disk, 0);
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(world->failed, 1);
	ck_assert_uint_eq(world->durable, 1);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 1);
}
END_TEST

START_TEST(untraced_alert_waits_for_nothing)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, 10);
	ck_assert_uint_eq(world->http.nrequests, 1);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 1);
}
END_TEST

/* No signal takes it; it names its trace. */
#define NAMES_TRACE DISK " trace_id=0af7651916cd43dd8448eb211c80319c"

static const struct {
	const char *labels;
	struct fake_reply jaeger;
	enum metric counted;
} outcomes[] = {
	{ NAMES_TRACE, { .url_part = "http://jaeger", .status = 503 }, METRIC_DECISIONS_FALLBACK },
	{ NAMES_TRACE, { .url_part = "http://jaeger", .status = 404 }, METRIC_DECISIONS_FALLBACK },
	{ TRACED, { .url_part = "http://jaeger", .status = 503 }, METRIC_DECISIONS_FALLBACK },
	{ DISK, { .url_part = "http://jaeger", .status = 503 }, METRIC_DECISIONS_UNTRACED },
};

/* Else a source that is away would not show among the decisions about traced operations. */
START_TEST(a_decision_is_untraced_only_where_no_trace_was_wanted)
{
	static const enum metric all[] = { METRIC_DECISIONS_SUSPECT, METRIC_DECISIONS_FALLBACK,
					   METRIC_DECISIONS_UNTRACED, METRIC_DECISIONS_NO_PAGE };

	fake_http_reply(&world->http, outcomes[_i].jaeger);
	world_pagers_take_all(world);
	fire(outcomes[_i].labels);
	world_run(world, LIMIT_ENRICH_US);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		ck_assert_int_eq(metric_value(all[i]), all[i] == outcomes[_i].counted);
}
END_TEST

/* Nothing is asked at the third start; it is about a traced operation all the same. */
START_TEST(what_crashed_twice_is_not_untraced)
{
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://jaeger",
							   .delay_us = 3 * US_PER_SECOND,
							   .status = 503 });
	world_pagers_take_all(world);
	fire(NAMES_TRACE);
	for (int start = 1; start < LIMIT_ATTEMPTS; start++) {
		world_run(world, US_PER_SECOND);
		world_crash(world);
		world_start(world);
	}
	world_run(world, US_PER_SECOND);
	ck_assert_int_eq(metric_value(METRIC_OPENED_CRASHED), 1);
	ck_assert_int_eq(metric_value(METRIC_DECISIONS_FALLBACK), 1);
	ck_assert_int_eq(metric_value(METRIC_DECISIONS_UNTRACED), 0);
}
END_TEST

START_TEST(route_pages_nobody)
{
	world_pagers_take_all(world);
	fire("alertname=Hint severity=info");
	world_run(world, US_PER_MINUTE);
	ck_assert_uint_eq(world->durable, 1);
	ck_assert_uint_eq(world->http.nrequests, 0);
	ck_assert_int_eq(resolve("alertname=Hint severity=info"), ACCEPT_RESOLVED);
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_MINUTE);
	ck_assert_uint_eq(world->http.nrequests, 0);
}
END_TEST

/* The rules' silence ends an hour after the beginning. */
START_TEST(silence_ends_and_the_alert_still_fires)
{
	world_jaeger_has(world);
	world_pagers_take_all(world);
	fire(TRACED " quiet=yes");
	fire(DISK " quiet=yes");
	world_run(world, 10 * US_PER_MINUTE);
	resolve(DISK " quiet=yes");
	world_run(world, US_PER_MINUTE);
	if (_i == 1) {
		world_crash(world);
		world_start(world);
	}
	world_run(world, 49 * US_PER_MINUTE - 1);
	ck_assert_uint_eq(world->http.nrequests, 0);
	world_run(world, US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
	ck_assert_uint_eq(world_pages(world, "key-sre", NULL), 0);
	resolve(TRACED " quiet=yes");
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "resolve"), 1);
}
END_TEST

/* Beside the owner; nobody is paged instead of it where it fails. */
START_TEST(route_notifies_beside_the_owner)
{
	bool refuses = _i == 1;

	world_jaeger_has(world);
	if (refuses)
		fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://pager/chat",
								   .status = 400 });
	world_pagers_take_all(world);
	fire(TRACED " tell=chat");
	world_run(world, US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
	ck_assert_uint_eq(world_pages(world, "key-chat", "trigger"), 1);
	/* The alert says critical, the route warning. */
	const char *body = world_page(world, "key-ledger", "trigger", 0)->body;
	ck_assert_ptr_nonnull(strstr(body, "\"severity\":\"warning\""));
	resolve(TRACED " tell=chat");
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "resolve"), 1);
	ck_assert_uint_eq(world_pages(world, "key-chat", "resolve"), !refuses);
	ck_assert_uint_eq(world_pages(world, "key-sre", NULL), 0);
}
END_TEST

START_TEST(repeats_page_once)
{
	int64_t starts_us = now_us();

	world_pagers_take_all(world);
	world_alert(world, DISK, ALERT_FIRING, starts_us, 0);
	world_run(world, US_PER_SECOND);
	for (int i = 0; i < 5; i++) {
		/* The first is 1 s old, the others 5 min: not older than what is on disk may be. */
		ck_assert_int_eq(world_alert(world, DISK, ALERT_FIRING, starts_us, 0),
				 i % 2 ? ACCEPT_REPEATED : ACCEPT_UNCHANGED);
		world_run(world, 5 * US_PER_MINUTE);
	}
	ck_assert_uint_eq(world_pages(world, "key-sre", NULL), 1);
	resolve(DISK);
	ck_assert_int_eq(resolve(DISK), ACCEPT_REPEATED);
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", NULL), 2);
	ck_assert_int_eq(fire(DISK), ACCEPT_NEW);
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 2);
}
END_TEST

START_TEST(api_alert_expires_at_its_end)
{
	world_pagers_take_all(world);
	world_run(world, LIMIT_START_GRACE_US);
	world_alert(world, DISK, ALERT_FIRING, now_us(), now_us() + 4 * US_PER_MINUTE);
	world_run(world, 3 * US_PER_MINUTE);
	world_alert(world, DISK, ALERT_FIRING, now_us(), now_us() + 4 * US_PER_MINUTE);
	world_run(world, 4 * US_PER_MINUTE - 1);
	ck_assert_uint_eq(world_pages(world, "key-sre", "resolve"), 0);
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", "resolve"), 1);
	ck_assert_ptr_nonnull(strstr(world_page(world, "key-sre", "trigger", 0)->body, "DiskFull"));
}
END_TEST

START_TEST(api_alert_does_not_expire_right_after_a_start)
{
	world_pagers_take_all(world);
	world_alert(world, DISK, ALERT_FIRING, now_us(), now_us() + US_PER_MINUTE);
	world_run(world, 10);
	world_crash(world);
	world->clock.wall_us += US_PER_HOUR; /* we were away */
	world->clock.mono_us += US_PER_HOUR;
	world_start(world);
	world_run(world, LIMIT_START_GRACE_US - US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", "resolve"), 0);
	world_run(world, 2 * US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", "resolve"), 1);
}
END_TEST

START_TEST(webhook_alert_expires_after_half_a_day)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, LIMIT_EXPIRE_AFTER_US - US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-sre", "resolve"), 0);
	world_run(world, 2 * US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-sre", "resolve"), 1);
}
END_TEST

START_TEST(refused_body_pages_the_catch_all_once_an_hour)
{
	static const char text[] = "{\"alerts\":\t[\0x";
	const struct rejected_body body = { .sender = "am1",
					    .reason = "not JSON (line 1, column 1)",
					    .body = text,
					    .body_len = sizeof(text) - 1,
					    .len = sizeof(text) - 1 };

	world_pagers_take_all(world);
	for (int i = 0; i < 10; i++) {
		incidents_body_refused(world->incidents, &body);
		world_run(world, US_PER_MINUTE);
	}
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 1);
	const char *page = world_page(world, "key-sre", NULL, 0)->body;
	ck_assert_ptr_nonnull(strstr(page, "not JSON"));
	ck_assert_msg(strstr(page, "\\\"tracepager rejected\\\" shows the whole body, which "
				   "begins: {\\\"alerts\\\": [ x") != NULL,
		      "%s", page);
	world_run(world, US_PER_HOUR);
	incidents_body_refused(world->incidents, &body);
	world_run(world, US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 2);
}
END_TEST

/* A thousand alerts of one cause make one incident with few updates, and all end. */
START_TEST(storm_is_one_incident)
{
	char labels[128];

	world_jaeger_has(world);
	world_pagers_take_all(world);
	for (int i = 0; i < 1000; i++) {
		snprintf(labels, sizeof(labels), TRACED " instance=%d", i);
		fire(labels);
	}
	world_run(world, US_PER_MINUTE);
	ck_assert_uint_eq(world->durable, 1000);
	ck_assert_uint_eq(world->disk->nincidents, 1);
	ck_assert_uint_le(world_pages(world, "key-ledger", NULL), 10);
	for (int i = 0; i < 1000; i++) {
		snprintf(labels, sizeof(labels), TRACED " instance=%d", i);
		ck_assert_int_eq(resolve(labels), ACCEPT_RESOLVED);
	}
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "resolve"), 1);
}
END_TEST

/* As many bytes as intake lets through, all of which escape to six. */
START_TEST(largest_alert_is_stored_whole)
{
	char *labels = xcalloc(1, LIMIT_ALERT_BYTES + 64);
	size_t len = (size_t)snprintf(labels, 64, "alertname=Large filler=");

	world_pagers_take_all(world);
	memset(labels + len, '\001', LIMIT_ALERT_BYTES - len);
	ck_assert_int_eq(fire(labels), ACCEPT_NEW);
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 1);
	world_crash(world);
	world_start(world);
	world_run(world, US_PER_SECOND);
	ck_assert_int_eq(resolve(labels), ACCEPT_RESOLVED);
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", "resolve"), 1);
	free(labels);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scenario");
	TCase *tests = tcase_create("scenario");
	const TTest *const all[] = {
		trace_is_late_and_the_pager_is_ill,
		links_lead_to_the_source_that_had_the_trace,
		ordinary_traces_tell_what_differs,
		a_page_does_not_wait_long_for_ordinary_traces,
		budget_is_spent,
		budget_is_spent_on_a_source_that_fails,
		late_traces_page_the_right_team_too,
		late_traces_move_the_alert_to_the_open_incident,
		second_alert_joins_and_both_must_end,
		resolve_before_the_decision_follows_the_page,
		resolve_before_the_decision_survives_a_crash,
		refused_page_goes_to_the_fallback_team,
		refused_by_all_is_sent_again,
		refused_by_all_is_sent_again_after_a_restart,
		late_traces_take_one_alert_out_of_an_incident,
		unreadable_record_is_paged,
		silent_pager_pages_the_fallback_team_and_goes_on,
		crash_before_the_commit_forgets_what_was_never_answered,
		crash_after_the_commit_finishes_the_work,
		page_in_delivery_survives_a_crash_with_its_key,
		third_start_leaves_the_traces_alone,
		full_disk_answers_503_and_pages,
		full_disk_does_not_stop_the_walk,
		repeat_before_the_first_commit_is_durable_by_itself,
		untraced_alert_waits_for_nothing,
		what_crashed_twice_is_not_untraced,
		route_pages_nobody,
		repeats_page_once,
		api_alert_expires_at_its_end,
		api_alert_does_not_expire_right_after_a_start,
		webhook_alert_expires_after_half_a_day,
		refused_body_pages_the_catch_all_once_an_hour,
		storm_is_one_incident,
		largest_alert_is_stored_whole,
	};

	tcase_add_checked_fixture(tests, set_up, tear_down);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		tcase_add_test(tests, all[i]);
	tcase_add_loop_test(tests, a_decision_is_untraced_only_where_no_trace_was_wanted, 0,
			    ARRAY_LEN(outcomes));
	tcase_add_loop_test(tests, silence_ends_and_the_alert_still_fires, 0, 2);
	tcase_add_loop_test(tests, route_notifies_beside_the_owner, 0, 2);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
