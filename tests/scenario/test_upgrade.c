/* A relay that starts on the store of the version before incidents had states: nothing is paged
 * again, no dedup key changes, resolves go where the page went, and what waited leaves. */
#include "world.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/old_store.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define SECONDS(n) ((int64_t)((n)*US_PER_SECOND))
#define MINUTES(n) ((int64_t)((n)*US_PER_MINUTE))
#define HOURS(n)   ((int64_t)((n)*US_PER_HOUR))
#define NOW_US	   FAKE_WALL_US

/* Ids of incidents, which are their dedup keys. */
#define TAKEN	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define REFUSED "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define WAITS	"cccccccccccccccccccccccccccccccc"
#define OVER	"dddddddddddddddddddddddddddddddd"

static struct world *world;
static char *dir, *path;

static void set_up(void)
{
	const char *tmp = getenv("TMPDIR");

	dir = xasprintf("%s/test_upgrade.XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	path = xasprintf("%s/store.db", dir);
	old_store_make(path, 2);
	world = NULL;
}

static void tear_down(void)
{
	static const char *const tails[] = { "", "-wal", "-shm", ".lock" };

	if (world)
		world_free(world);
	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		CLEANUP_FREE char *file = xasprintf("%s%s", path, tails[i]);
		unlink(file);
	}
	ck_assert_int_eq(rmdir(dir), 0);
	free(path);
	free(dir);
}

/* ---- rows of the version before ---- */

static void run_sql(char *sql)
{
	old_store_run(path, sql);
	free(sql);
}

/* The page document of an incident. */
static char *old_page(const char *id, const char *team)
{
	return xasprintf("{\"event\":\"page.trigger\",\"severity\":\"critical\","
			 "\"opened_at_us\":%" PRId64 ",\"at_us\":%" PRId64 ",\"incident\":\"%s\","
			 "\"dedup_key\":\"%s\",\"summary\":\"ledger: journal is read-only\","
			 "\"details\":\"Why you: a rule\",\"component\":\"ledger\","
			 "\"origin\":\"frontend\",\"group\":\"%s\",\"kind\":\"span\","
			 "\"status\":\"open\",\"note\":null,\"decision\":null,\"links\":[],"
			 "\"alerts\":[\"PlaceOrderErrors\"]}",
			 NOW_US - HOURS(2), NOW_US - HOURS(2), id, id, team);
}

static void old_incident(const char *id, const char *key, const char *team, bool open)
{
	CLEANUP_FREE char *page = old_page(id, team);

	run_sql(xasprintf("INSERT INTO incidents (id, key, team, open, opened_us, closed_us, page)"
			  " VALUES ('%s', '%s', '%s', %d, %" PRId64 ", %" PRId64 ", '%s')",
			  id, key, team, open, NOW_US - HOURS(2), open ? 0 : NOW_US - MINUTES(1),
			  page));
}

static void old_queued_with(const char *key, const char *id, const char *team,
			    enum stored_page_state state, enum page_event event, int64_t next_us)
{
	CLEANUP_FREE char *page = old_page(id, team);

	run_sql(xasprintf("INSERT INTO pages (state, event, attempts, created_us, next_us, "
			  "incident, pager, error, target, doc) VALUES (%d, %d, 1, %" PRId64
			  ", %" PRId64 ", '%s', '%s-pager', '', "
			  "'{\"kind\":\"pagerduty\",\"pager\":\"%s-pager\","
			  "\"url\":\"http://pager/%s\",\"key\":\"%s\"}', '%s')",
			  (int)state, (int)event, NOW_US - HOURS(2), next_us, id, team, team, team,
			  key, page));
}

/* With a routing key that the rules do not know any more. */
static void old_queued(const char *id, const char *team, enum stored_page_state state,
		       enum page_event event, int64_t next_us)
{
	CLEANUP_FREE char *key = xasprintf("old-%s", team);

	old_queued_with(key, id, team, state, event, next_us);
}

static void old_alert(const char *fingerprint, const char *labels, const char *incident,
		      enum stored_alert_state state, int64_t ends_at_us, int64_t expires_us)
{
	run_sql(xasprintf(
		"INSERT INTO alerts (state, attempts, accepted_us, refreshed_us, expires_us, "
		"incident, key, doc) VALUES (%d, 1, %" PRId64 ", %" PRId64 ", %" PRId64
		", '%s', 'prometheus/%s', '{\"sender\":\"am1\",\"family\":\"prometheus\","
		"\"fingerprint\":\"%s\",\"status\":\"firing\",\"labels\":{%s},\"annotations\":{},"
		"\"starts_at_us\":%" PRId64 ",\"ends_at_us\":%" PRId64
		",\"generator_url\":\"\",\"ends_by_itself\":%s}')",
		(int)state, NOW_US - HOURS(2), NOW_US - HOURS(1), expires_us, incident, fingerprint,
		fingerprint, labels, NOW_US - HOURS(2), ends_at_us, ends_at_us ? "true" : "false"));
}

/* Of Alertmanager's webhook; 12 h is how long the version before waited for the next word. */
static void old_webhook_alert(const char *fingerprint, const char *labels, const char *incident,
			      enum stored_alert_state state)
{
	old_alert(fingerprint, labels, incident, state, 0, NOW_US + HOURS(11));
}

/* ---- what is sent ---- */

static void start(void)
{
	world = world_new_at(path);
	world_pagers_take_all(world);
	world_start(world);
}

/* Requests to pagers that have the text. */
static size_t sent(const char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < world->http.nrequests; i++)
		n += strstr(world->http.requests[i].url, "http://pager/") &&
		     strstr(world->http.requests[i].body, text);
	return n;
}

static size_t sent_in_all(void)
{
	return sent("");
}

/* The alert ends, as the same sender says it. */
static void old_alert_resolves(const char *fingerprint, const char *name)
{
	struct label labels[] = { { "alertname", name } };
	struct alert alert = {
		.sender = "am1",
		.family = "prometheus",
		.fingerprint = fingerprint,
		.status = ALERT_RESOLVED,
		.labels = { labels, 1 },
		.ends_at_us = world->clock.wall_us,
		.generator_url = "",
	};

	ck_assert_int_eq(incidents_accept(world->incidents, &alert, 0), ACCEPT_RESOLVED);
}

START_TEST(what_was_paged_is_not_paged_again_and_resolves_where_it_went)
{
	old_incident(TAKEN, "suspect//ledger/ledger", "ledger", true);
	old_queued(TAKEN, "ledger", STORED_PAGE_DELIVERED, PAGE_TRIGGER, 0);
	old_webhook_alert("01", "\"alertname\":\"PlaceOrderErrors\"", TAKEN, STORED_ALERT_DECIDED);
	start();
	world_run(world, MINUTES(30));
	ck_assert_uint_eq(sent_in_all(), 0);
	/* Nor by the next start, which reads the new rows. */
	world_crash(world);
	world_start(world);
	world_run(world, MINUTES(30));
	ck_assert_uint_eq(sent_in_all(), 0);
	old_alert_resolves("01", "PlaceOrderErrors");
	world_run(world, LIMIT_RESOLVE_HOLD_US - SECONDS(1));
	ck_assert_uint_eq(sent_in_all(), 0);
	world_run(world, SECONDS(1));
	ck_assert_uint_eq(sent_in_all(), 1);
	ck_assert_uint_eq(world_pages(world, "old-ledger", "resolve"), 1);
	ck_assert_uint_eq(sent("\"dedup_key\":\"" TAKEN "\""), 1);
}
END_TEST

START_TEST(what_waited_leaves_once)
{
	old_incident(WAITS, "suspect//ledger/ledger", "ledger", true);
	old_queued_with("key-ledger", WAITS, "ledger", STORED_PAGE_QUEUED, PAGE_TRIGGER,
			NOW_US + SECONDS(3));
	old_webhook_alert("01", "\"alertname\":\"PlaceOrderErrors\"", WAITS, STORED_ALERT_DECIDED);
	old_incident(OVER, "suspect//checkout/shop", "shop", false);
	old_queued(OVER, "shop", STORED_PAGE_DELIVERED, PAGE_TRIGGER, 0);
	old_queued(OVER, "shop", STORED_PAGE_QUEUED, PAGE_RESOLVE, 0);
	start();
	world_run(world, SECONDS(3) - 1);
	ck_assert_uint_eq(sent_in_all(), 1);
	ck_assert_uint_eq(world_pages(world, "old-shop", "resolve"), 1);
	world_run(world, 1);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
	ck_assert_uint_eq(sent("\"dedup_key\":\"" WAITS "\""), 1);
	world_run(world, MINUTES(30));
	ck_assert_uint_eq(sent_in_all(), 2);
	world_crash(world);
	world_start(world);
	world_run(world, MINUTES(30));
	ck_assert_uint_eq(sent_in_all(), 2);
	old_alert_resolves("01", "PlaceOrderErrors");
	world_run(world, LIMIT_RESOLVE_HOLD_US);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "resolve"), 1);
}
END_TEST

/* Its pager may be mended by now: it is asked at once, as after any start, with the
 * routing key that the rules have now. */
START_TEST(what_nobody_took_is_asked_again_under_its_key)
{
	old_incident(REFUSED, "suspect//ledger/ledger", "ledger", true);
	old_queued(REFUSED, "ledger", STORED_PAGE_REJECTED, PAGE_TRIGGER, 0);
	old_webhook_alert("01", "\"alertname\":\"PlaceOrderErrors\"", REFUSED,
			  STORED_ALERT_DECIDED);
	start();
	world_run(world, MINUTES(30));
	ck_assert_uint_eq(sent_in_all(), 1);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
	ck_assert_uint_eq(sent("\"dedup_key\":\"" REFUSED "\""), 1);
}
END_TEST

/* It ended while no relay ran, or in the last commit of the old one. */
START_TEST(an_incident_without_alerts_is_resolved)
{
	old_incident(TAKEN, "suspect//ledger/ledger", "ledger", true);
	old_queued(TAKEN, "ledger", STORED_PAGE_DELIVERED, PAGE_TRIGGER, 0);
	start();
	world_run(world, MINUTES(30));
	ck_assert_uint_eq(sent_in_all(), 1);
	ck_assert_uint_eq(world_pages(world, "old-ledger", "resolve"), 1);
}
END_TEST

/* An alert that was accepted and not decided: its suspect has an open incident, whose key the
 * version before wrote without the suspect's attributes. */
START_TEST(what_was_not_decided_joins_its_suspect)
{
	old_incident(TAKEN, "suspect//ledger/ledger", "ledger", true);
	old_queued(TAKEN, "ledger", STORED_PAGE_DELIVERED, PAGE_TRIGGER, 0);
	old_webhook_alert("01", "\"alertname\":\"PlaceOrderErrors\"", TAKEN, STORED_ALERT_DECIDED);
	old_webhook_alert("02",
			  "\"alertname\":\"PlaceOrderSlow\",\"severity\":\"warning\","
			  "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\"",
			  "", STORED_ALERT_WAITING);
	start();
	world_jaeger_has(world);
	world_run(world, MINUTES(30));
	/* One update; PagerDuty's is a trigger of the same key. */
	ck_assert_uint_eq(sent_in_all(), 1);
	ck_assert_uint_eq(world_pages(world, "old-ledger", "trigger"), 1);
	ck_assert_uint_eq(sent("\"dedup_key\":\"" TAKEN "\""), 1);
	ck_assert_uint_eq(sent("PlaceOrderSlow"), 1);
	/* From then on by today's key, also after a start. */
	world_crash(world);
	world_start(world);
	world_alert(world, "alertname=PlaceOrderMore trace_id=0af7651916cd43dd8448eb211c80319c",
		    ALERT_FIRING, world->clock.wall_us, 0);
	world_run(world, MINUTES(2));
	ck_assert_uint_eq(sent_in_all(), 2);
	ck_assert_uint_eq(sent("\"dedup_key\":\"" TAKEN "\""), 2);
}
END_TEST

/* With one attribute in the key a key of today may look like an older one: this is the incident of
 * the ledger in an environment that bears the team's name. */
START_TEST(a_key_of_one_attribute_is_not_an_older_one)
{
	old_incident(TAKEN, "suspect//ledger/ledger", "ledger", true);
	old_queued(TAKEN, "ledger", STORED_PAGE_DELIVERED, PAGE_TRIGGER, 0);
	old_webhook_alert("01", "\"alertname\":\"PlaceOrderErrors\"", TAKEN, STORED_ALERT_DECIDED);
	old_webhook_alert("02",
			  "\"alertname\":\"PlaceOrderSlow\","
			  "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\"",
			  "", STORED_ALERT_WAITING);
	world = world_new_at(path);
	rules_unref(world->rules);
	world->rules =
		world_other_rules("fallback: {team: sre}\n",
				  "fallback: {team: sre}\n"
				  "defaults: {incident_key: [deployment.environment.name]}\n");
	world_pagers_take_all(world);
	world_jaeger_has(world);
	world_start(world);
	world_run(world, MINUTES(2));
	ck_assert_uint_eq(sent_in_all(), 1);
	ck_assert_uint_eq(sent("\"dedup_key\":\"" TAKEN "\""), 0);
}
END_TEST

START_TEST(what_was_not_decided_is_paged)
{
	old_webhook_alert("02",
			  "\"alertname\":\"PlaceOrderSlow\","
			  "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\"",
			  "", STORED_ALERT_WAITING);
	start();
	world_jaeger_has(world);
	world_run(world, MINUTES(1));
	ck_assert_uint_eq(sent_in_all(), 1);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
}
END_TEST

/* The version before let a webhook's alert expire after 12 h; its last word was an hour ago. */
START_TEST(a_webhooks_alert_expires_26_hours_after_its_last_word)
{
	old_incident(TAKEN, "suspect//ledger/ledger", "ledger", true);
	old_queued(TAKEN, "ledger", STORED_PAGE_DELIVERED, PAGE_TRIGGER, 0);
	old_webhook_alert("01", "\"alertname\":\"PlaceOrderErrors\"", TAKEN, STORED_ALERT_DECIDED);
	start();
	world_run(world, HOURS(25) - SECONDS(1));
	ck_assert_uint_eq(sent_in_all(), 0);
	world_run(world, SECONDS(2));
	ck_assert_uint_eq(world_pages(world, "old-ledger", "resolve"), 1);
}
END_TEST

/* What the v2 API says ends when it says so; 5 min is the grace of any start. */
START_TEST(an_alert_of_the_api_keeps_its_own_end)
{
	old_incident(TAKEN, "suspect//ledger/ledger", "ledger", true);
	old_queued(TAKEN, "ledger", STORED_PAGE_DELIVERED, PAGE_TRIGGER, 0);
	old_alert("01", "\"alertname\":\"PlaceOrderErrors\"", TAKEN, STORED_ALERT_DECIDED,
		  NOW_US + MINUTES(8), NOW_US + MINUTES(8));
	start();
	world_run(world, MINUTES(8) - SECONDS(1));
	ck_assert_uint_eq(sent_in_all(), 0);
	world_run(world, SECONDS(2));
	ck_assert_uint_eq(world_pages(world, "old-ledger", "resolve"), 1);
}
END_TEST

/* An alert that paged nobody stays quiet; one that had ended is not known to fire. */
START_TEST(quiet_and_ended_alerts_page_nobody)
{
	old_webhook_alert("01", "\"alertname\":\"PlaceOrderErrors\",\"severity\":\"info\"", "",
			  STORED_ALERT_DECIDED);
	old_alert("02", "\"alertname\":\"DiskFull\"", "", STORED_ALERT_ENDED, 0, 0);
	start();
	world_run(world, HOURS(1));
	ck_assert_uint_eq(sent_in_all(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("upgrade");
	TCase *tcase = tcase_create("upgrade");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60); /* a slow disk and a sanitizer */
	tcase_add_test(tcase, what_was_paged_is_not_paged_again_and_resolves_where_it_went);
	tcase_add_test(tcase, what_waited_leaves_once);
	tcase_add_test(tcase, what_nobody_took_is_asked_again_under_its_key);
	tcase_add_test(tcase, an_incident_without_alerts_is_resolved);
	tcase_add_test(tcase, what_was_not_decided_joins_its_suspect);
	tcase_add_test(tcase, a_key_of_one_attribute_is_not_an_older_one);
	tcase_add_test(tcase, what_was_not_decided_is_paged);
	tcase_add_test(tcase, a_webhooks_alert_expires_26_hours_after_its_last_word);
	tcase_add_test(tcase, an_alert_of_the_api_keeps_its_own_end);
	tcase_add_test(tcase, quiet_and_ended_alerts_page_nobody);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
