/* Until somebody has it: steps and runs, acknowledgements, "not ours", and what a restart, a clock
 * or a dead pager does to them. Expected times are those that the rules below say. */
#include "world.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define SECONDS(n) ((n)*US_PER_SECOND)
#define MINUTES(n) ((n)*US_PER_MINUTE)
#define DISK	   "alertname=DiskFull severity=warning host=db1"
#define DISK2	   "alertname=DiskFull severity=warning host=db2"
#define DISK_WORSE "alertname=DiskFull severity=critical host=db3"
#define CART	   "alertname=CartErrors severity=error service=cart"

/* Two runs of three steps, then the fallback team. Team shop owns cart; nobody owns the disks. */
static const char rules_text[] =
	"teams:\n"
	"  db: {escalation: db}\n"
	"  shop: {escalation: shop}\n"
	"  sre: {escalation: sre}\n"
	"pagers:\n"
	"  a: {kind: pagerduty, routing_key: key-a, url: \"http://pager/a\"}\n"
	"  b: {kind: pagerduty, routing_key: key-b, url: \"http://pager/b\"}\n"
	"  c: {kind: pagerduty, routing_key: key-c, url: \"http://pager/c\"}\n"
	"  shop: {kind: pagerduty, routing_key: key-shop, url: \"http://pager/shop\"}\n"
	"  sre: {kind: pagerduty, routing_key: key-sre, url: \"http://pager/sre\"}\n"
	"escalations:\n"
	"  db:\n"
	"    steps:\n"
	"      - {page: [a], wait: 10m}\n"
	"      - {page: [b], wait: 15m}\n"
	"      - {page: [a, c], wait: 20m}\n"
	"    repeat: 1\n"
	"  shop: {steps: [{page: [shop]}]}\n"
	"  sre: {steps: [{page: [sre]}]}\n"
	"services:\n"
	"  cart: {owner: shop}\n"
	"routes:\n"
	"  - {when: {labels: {alertname: DiskFull}}, team: db}\n"
	"  - {when: {labels: {alertname: QueueFull}}, team: db, also_notify: [b]}\n"
	"fallback: {team: sre}\n";

static struct world *world;
static size_t seen; /* requests that an earlier timeline has told */
static char known[256][96];
static size_t nknown;

static void set_up(void)
{
	world = world_new_with(rules_text, -1);
	world_run(world, LIMIT_START_GRACE_US);
	seen = nknown = 0;
}

static void tear_down(void)
{
	world_free(world);
}

static void fire(const char *labels)
{
	world_alert(world, labels, ALERT_FIRING, world->clock.wall_us, 0);
	world_run(world, SECONDS(2));
}

static void resolve(const char *labels)
{
	world_alert(world, labels, ALERT_RESOLVED, 0, world->clock.wall_us);
	world_run(world, SECONDS(1));
}

static void restart(void)
{
	world_crash(world);
	world_start(world);
}

static void pager_answers(const char *pager, int status, unsigned int times)
{
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = pager,
							   .times = times,
							   .status = status,
							   .body = "{}" });
}

/* ---- what was rung, and when ---- */

static const char *text_between(const char *body, const char *before, char *out, size_t size)
{
	const char *at = strstr(body, before);

	ck_assert_msg(at != NULL, "no %s in %s", before, body);
	at += strlen(before);
	snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
	return out;
}

static bool is_new(const char *ring)
{
	for (size_t i = 0; i < nknown; i++)
		if (strcmp(known[i], ring) == 0)
			return false;
	ck_assert_uint_lt(nknown, ARRAY_LEN(known));
	snprintf(known[nknown++], sizeof(known[0]), "%s", ring);
	return true;
}

/* "0:a 10:b 25:a#2": the minute since the first page, the pager, and which of its keys. Only the
 * first trigger of a key rings; an update is a trigger of the same key. */
static const char *timeline(void)
{
	static char text[2048];
	size_t len = 0;

	text[0] = '\0';
	for (; seen < world->http.nrequests; seen++) {
		const struct fake_request *request = &world->http.requests[seen];
		char pager[32], key[64], ring[96];
		if (!strstr(request->url, "http://pager/") ||
		    !strstr(request->body, "\"event_action\":\"trigger\""))
			continue;
		text_between(request->body, "\"routing_key\":\"key-", pager, sizeof(pager));
		text_between(request->body, "\"dedup_key\":\"", key, sizeof(key));
		snprintf(ring, sizeof(ring), "%s %s", pager, key);
		const char *n = strchr(key, '#');
		static int64_t first_us;
		if (is_new(ring)) {
			first_us = nknown == 1 ? request->at_us : first_us;
			len += (size_t)snprintf(
				text + len, sizeof(text) - len, "%s%lld:%s%s", len ? " " : "",
				(long long)((request->at_us - first_us) / US_PER_MINUTE), pager,
				n ? n : "");
		}
	}
	return text;
}

static void assert_timeline(const char *wanted)
{
	ck_assert_str_eq(timeline(), wanted);
}

/* Every key that was rung has been resolved, once. */
static void assert_all_resolved(void)
{
	for (size_t i = 0; i < nknown; i++) {
		CLEANUP_FREE char *dedup = xasprintf("\"%s\"", strchr(known[i], ' ') + 1);
		CLEANUP_FREE char *routing =
			xasprintf("\"key-%.*s\"", (int)strcspn(known[i], " "), known[i]);
		size_t n = 0;
		for (size_t j = 0; j < world->http.nrequests; j++) {
			const char *body = world->http.requests[j].body;
			n += body && strstr(body, "\"resolve\"") && strstr(body, dedup) &&
			     strstr(body, routing);
		}
		ck_assert_msg(n == 1, "%s has %zu resolves", known[i], n);
	}
}

/* ---- acts ---- */

static const char *last_body(const char *key)
{
	const struct fake_request *request = NULL;

	for (size_t n = 0; world_page(world, key, "trigger", n); n++)
		request = world_page(world, key, "trigger", n);
	ck_assert_ptr_nonnull(request);
	return request->body;
}

/* A resolve of PagerDuty's has no words: the update before it has. */
static void assert_last_says(const char *key, const char *words)
{
	const char *body = last_body(key);

	ck_assert_msg(strstr(body, words) != NULL, "not \"%s\": %s", words, body);
}

struct first {
	char id[64], team[32], state[32];
	size_t n;
};

static bool first_view(void *ctx, const struct incident_view *view)
{
	struct first *first = ctx;

	if (first->n++ == 0) {
		snprintf(first->id, sizeof(first->id), "%s", view->id);
		snprintf(first->team, sizeof(first->team), "%s", view->team);
		snprintf(first->state, sizeof(first->state), "%s", view->state);
	}
	return true;
}

static struct first first_incident(void)
{
	struct first first = { .n = 0 };

	incidents_each(world->incidents, NULL, first_view, &first);
	return first;
}

static char said[512];

static enum act_outcome act(enum act_kind kind, const char *who, const char *text, const char *team)
{
	const struct first first = first_incident();
	struct buf words = BUF_INIT(sizeof(said));
	const struct act act = { kind, first.id, who, "test", text, team, NULL, 0 };
	enum act_outcome outcome = incidents_act(world->incidents, &act, &words);

	snprintf(said, sizeof(said), "%s", buf_text(&words));
	buf_fini(&words);
	world_run(world, SECONDS(1));
	return outcome;
}

static enum act_outcome acknowledge(void)
{
	return act(ACT_ACKNOWLEDGE, "ann", "", NULL);
}

/* ---- steps and runs ---- */

START_TEST(every_step_of_every_run_then_the_fallback_team_once)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, MINUTES(180));
	assert_timeline("0:a 10:b 25:a#2 25:c 45:a#3 55:b#2 70:a#4 70:c#2 90:sre");
	resolve(DISK);
	world_run(world, MINUTES(3));
	assert_timeline("");
	assert_all_resolved();
}
END_TEST

START_TEST(a_step_says_why_it_rings)
{
	world_pagers_take_all(world);
	fire(DISK);
	assert_last_says("key-a", "warning");
	world_run(world, MINUTES(10));
	assert_last_says("key-b", "nobody has acknowledged for 10 min");
	assert_last_says("key-b", "run 1 of 2, step 2 of 3");
	assert_last_says("key-a", "b is paged now"); /* who has it learns it */
}
END_TEST

START_TEST(an_acknowledgement_between_two_steps_ends_it)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, MINUTES(12));
	ck_assert_int_eq(acknowledge(), ACT_DONE);
	ck_assert_str_eq(first_incident().state, "acknowledged");
	world_run(world, MINUTES(180));
	assert_timeline("0:a 10:b");
	ck_assert_uint_eq(world_pages(world, "key-a", "acknowledge"), 1);
	ck_assert_uint_eq(world_pages(world, "key-b", "acknowledge"), 1);
	ck_assert_int_eq(acknowledge(), ACT_ALREADY);
	resolve(DISK);
	world_run(world, MINUTES(3));
	assert_all_resolved();
}
END_TEST

START_TEST(each_key_is_acknowledged)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, MINUTES(26));
	acknowledge();
	assert_timeline("0:a 10:b 25:a#2 25:c");
	ck_assert_uint_eq(world_pages(world, "key-a", "acknowledge"), 2);
	ck_assert_uint_eq(world_pages(world, "key-b", "acknowledge"), 1);
	act(ACT_COMMENT, "ann", "on it", NULL);
	assert_last_says("key-b", "ann: on it");
}
END_TEST

START_TEST(an_acknowledgement_times_out_into_a_new_run)
{
	world->ack_timeout_us = MINUTES(30);
	restart();
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, MINUTES(12));
	acknowledge();
	world_run(world, MINUTES(29));
	assert_timeline("0:a 10:b");
	world_run(world, MINUTES(12));
	assert_timeline("42:a#2 52:b#2");
	ck_assert_str_eq(first_incident().state, "open");
}
END_TEST

START_TEST(a_dead_pager_stops_no_step)
{
	pager_answers("http://pager/a", 503, 1000);
	pager_answers("http://pager/b", 400, 1000);
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, MINUTES(26));
	/* a does not answer, b refuses: the fallback team learns both, the steps go on. */
	ck_assert_uint_gt(world_pages(world, "key-c", "trigger"), 0);
	ck_assert_uint_gt(world_pages(world, "key-sre", "trigger"), 0);
}
END_TEST

/* ---- the hold ---- */

START_TEST(the_clock_stands_still_in_the_hold)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, MINUTES(7));
	resolve(DISK);
	world_run(world, SECONDS(100));
	fire(DISK);
	world_run(world, MINUTES(2));
	assert_timeline("0:a");
	world_run(world, MINUTES(2));
	assert_timeline("11:b");
}
END_TEST

START_TEST(an_acknowledged_one_that_holds_is_acknowledged_when_it_fires_again)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, MINUTES(7));
	resolve(DISK);
	ck_assert_int_eq(acknowledge(), ACT_DONE);
	fire(DISK);
	ck_assert_str_eq(first_incident().state, "acknowledged");
	world_run(world, MINUTES(60));
	assert_timeline("0:a");
}
END_TEST

/* ---- restarts and clocks ---- */

START_TEST(a_restart_each_minute_neither_loses_nor_doubles_a_step)
{
	world_pagers_take_all(world);
	fire(DISK);
	for (int i = 0; i < 100; i++) {
		world_run(world, MINUTES(1));
		restart();
	}
	assert_timeline("0:a 10:b 25:a#2 25:c 45:a#3 55:b#2 70:a#4 70:c#2 90:sre");
}
END_TEST

START_TEST(what_was_due_while_away_fires_once_and_then_waits)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, MINUTES(5));
	world_crash(world);
	fake_clock_advance(&world->clock, MINUTES(60));
	world_start(world);
	world_run(world, MINUTES(14));
	assert_timeline("0:a 65:b");
	world_run(world, MINUTES(2));
	assert_timeline("80:a#2 80:c");
}
END_TEST

START_TEST(a_clock_that_jumps_moves_no_step)
{
	static const int64_t jumps[] = { MINUTES(60), -MINUTES(60), MINUTES(60), -MINUTES(60) };

	world_pagers_take_all(world);
	fire(DISK);
	for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
		world_run(world, MINUTES(4));
		world->clock.wall_us += jumps[i];
		world_run(world, MINUTES(4));
		if (i % 2)
			restart();
	}
	world_run(world, MINUTES(15));
	assert_timeline("0:a 10:b 25:a#2 25:c 45:a#3");
}
END_TEST

START_TEST(an_acknowledgement_survives_a_restart)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, MINUTES(3));
	acknowledge();
	restart();
	ck_assert_str_eq(first_incident().state, "acknowledged");
	world_run(world, MINUTES(120));
	assert_timeline("0:a");
	ck_assert_int_eq(acknowledge(), ACT_ALREADY);
}
END_TEST

/* ---- acknowledged, and more comes ---- */

START_TEST(a_worse_alert_rings_again)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, MINUTES(3));
	acknowledge();
	fire(DISK_WORSE);
	assert_timeline("0:a 3:a#2");
	ck_assert_str_eq(first_incident().state, "open");
}
END_TEST

START_TEST(the_next_broken_node_rings_again_but_not_at_once)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, MINUTES(3));
	acknowledge();
	fire(DISK2); /* in the same minute as the acknowledgement */
	assert_timeline("0:a");
	ck_assert_str_eq(first_incident().state, "acknowledged");
	world_run(world, MINUTES(5));
	fire("alertname=DiskFull severity=warning host=db4");
	assert_timeline("8:a#2");
}
END_TEST

START_TEST(a_trigger_that_waits_is_spared_and_asked_later)
{
	world->ack_timeout_us = MINUTES(30);
	restart();
	pager_answers("http://pager/b", 503, 1);
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, MINUTES(10) - SECONDS(2));
	while (world_pages(world, "key-b", NULL) == 0)
		world_run(world, SECONDS(1));
	acknowledge(); /* while b rests between two attempts */
	world_run(world, MINUTES(20));
	ck_assert_uint_eq(world_pages(world, "key-b", NULL), 1);
	world_run(world, MINUTES(30));
	ck_assert_uint_gt(world_pages(world, "key-b", NULL), 1);
	resolve(DISK);
	world_run(world, MINUTES(3));
	ck_assert_uint_eq(first_incident().n, 0);
}
END_TEST

/* ---- not ours ---- */

START_TEST(not_ours_goes_to_the_fallback_team_and_no_further)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, MINUTES(3));
	ck_assert_int_eq(act(ACT_REROUTE, "ann", "the host belongs to sre", NULL), ACT_DONE);
	assert_timeline("0:a 3:sre");
	ck_assert_str_eq(first_incident().team, "sre");
	ck_assert_uint_eq(world_pages(world, "key-a", "resolve"), 1);
	assert_last_says("key-a", "the host belongs to sre");
	assert_last_says("key-sre", "not theirs");
	world_run(world, MINUTES(60));
	assert_timeline(""); /* the steps of team db are over */
	ck_assert_int_eq(act(ACT_REROUTE, "bob", "neither", NULL), ACT_REFUSED);
	ck_assert_ptr_nonnull(strstr(said, "name a team"));
	ck_assert_int_eq(act(ACT_REROUTE, "bob", "", "db"), ACT_REFUSED); /* never back */
	ck_assert_int_eq(act(ACT_REROUTE, "bob", "", "nosuch"), ACT_REFUSED);
	ck_assert_int_eq(act(ACT_REROUTE, "bob", "it is the shop's", "shop"), ACT_DONE);
	assert_timeline("63:shop");
	resolve(DISK);
	world_run(world, MINUTES(3));
	assert_all_resolved();
}
END_TEST

START_TEST(not_ours_survives_a_restart)
{
	world_pagers_take_all(world);
	fire(DISK);
	act(ACT_REROUTE, "ann", "", "shop");
	restart();
	ck_assert_str_eq(first_incident().team, "shop");
	ck_assert_int_eq(act(ACT_REROUTE, "bob", "", "db"), ACT_REFUSED);
	ck_assert_int_eq(act(ACT_REROUTE, "bob", "", NULL), ACT_DONE);
	ck_assert_str_eq(first_incident().team, "sre");
	assert_timeline("0:a 0:shop 0:sre");
	/* The page that was stored says already that it was handed on: that is said once. */
	assert_last_says("key-sre", "says team db, shop (it was: ");
	ck_assert_ptr_null(strstr(last_body("key-sre"), "it was: handed on"));
}
END_TEST

START_TEST(not_ours_while_it_holds_pages_when_it_fires)
{
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, MINUTES(3));
	resolve(DISK);
	ck_assert_int_eq(act(ACT_REROUTE, "ann", "", "shop"), ACT_DONE);
	assert_timeline("0:a");
	fire(DISK);
	assert_timeline("3:shop");
	ck_assert_str_eq(first_incident().state, "open");
}
END_TEST

/* ---- resolved by a person ---- */

START_TEST(what_a_person_resolved_opens_nothing_while_it_fires)
{
	world_pagers_take_all(world);
	fire(DISK);
	ck_assert_int_eq(act(ACT_RESOLVE, "ann", "known", NULL), ACT_DONE);
	world_run(world, SECONDS(2));
	ck_assert_uint_eq(first_incident().n, 0);
	assert_last_says("key-a", "resolved by ann: known");
	for (int i = 0; i < 3; i++) {
		world_run(world, MINUTES(30));
		fire(DISK);
		restart();
	}
	assert_timeline("0:a");
	resolve(DISK);
	world_run(world, MINUTES(1));
	fire(DISK); /* a new episode */
	assert_timeline("91:a");
}
END_TEST

START_TEST(what_a_person_resolved_and_fires_on_pages_after_four_hours)
{
	world_pagers_take_all(world);
	fire(DISK);
	act(ACT_RESOLVE, "ann", "", NULL);
	for (int i = 0; i < 8; i++) {
		world_run(world, MINUTES(29));
		fire(DISK);
	}
	assert_timeline("0:a");
	world_run(world, MINUTES(12));
	assert_timeline("240:a");
}
END_TEST

START_TEST(late_words_are_noted_and_change_nothing)
{
	const struct act late = { ACT_ACKNOWLEDGE, "0123", "ann", "test", "", NULL, NULL, 0 };
	struct buf words = BUF_INIT(512);

	ck_assert_int_eq(incidents_act(world->incidents, &late, &words), ACT_UNKNOWN);
	buf_fini(&words);
	pager_answers("http://pager/a", 202, 1);
	pager_answers("http://pager/a", 503, 5);
	world_pagers_take_all(world);
	fire(DISK);
	act(ACT_RESOLVE, "ann", "", NULL); /* its resolve waits for the pager */
	ck_assert_str_eq(first_incident().state, "resolved");
	ck_assert_int_eq(acknowledge(), ACT_OVER);
	ck_assert_int_eq(act(ACT_REROUTE, "bob", "", NULL), ACT_OVER);
	ck_assert_int_eq(act(ACT_RESOLVE, "bob", "", NULL), ACT_ALREADY);
	ck_assert_str_eq(first_incident().state, "resolved");
}
END_TEST

/* ---- other words ---- */

START_TEST(a_comment_reaches_who_has_the_page)
{
	world_pagers_take_all(world);
	fire(DISK);
	ck_assert_int_eq(act(ACT_COMMENT, "ann", "replacing the disk", NULL), ACT_DONE);
	assert_last_says("key-a", "ann: replacing the disk");
	ck_assert_int_eq(act(ACT_COMMENT, "ann", "", NULL), ACT_REFUSED);
	ck_assert_int_eq(act(ACT_NOISE, "ann", "", NULL), ACT_DONE);
	ck_assert_int_eq(act(ACT_NOISE, "ann", "", NULL), ACT_ALREADY);
	ck_assert_int_eq(act(ACT_USEFUL, "ann", "", NULL), ACT_DONE);
	assert_timeline("0:a");
}
END_TEST

START_TEST(who_was_only_notified_is_rung_by_its_step)
{
	pager_answers("http://pager/b", 503, 1000);
	world_pagers_take_all(world);
	fire("alertname=QueueFull severity=error");
	world_run(world, MINUTES(12));
	/* b did not answer to the notice either. */
	ck_assert_uint_gt(world_pages(world, "key-b", "trigger"), 0);
	assert_timeline("0:a 0:b 10:b#2");
}
END_TEST

START_TEST(a_reload_with_fewer_steps_begins_them)
{
	static const char fewer[] =
		"teams: {db: {escalation: db}, shop: {escalation: db}, sre: {escalation: sre}}\n"
		"pagers:\n"
		"  c: {kind: pagerduty, routing_key: key-c, url: \"http://pager/c\"}\n"
		"  sre: {kind: pagerduty, routing_key: key-sre, url: \"http://pager/sre\"}\n"
		"escalations:\n"
		"  db: {steps: [{page: [c], wait: 5m}]}\n"
		"  sre: {steps: [{page: [sre]}]}\n"
		"fallback: {team: sre}\n";

	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, MINUTES(12)); /* the second step of three */
	world_set_rules(world, fewer);
	world_run(world, MINUTES(60));
	assert_timeline("0:a 10:b 25:c 30:sre");
}
END_TEST

START_TEST(a_refusal_of_the_team_before_pages_nobody)
{
	pager_answers("http://pager/a", 503, 1);
	pager_answers("http://pager/a", 400, 10);
	world_pagers_take_all(world);
	world_alert(world, DISK, ALERT_FIRING, world->clock.wall_us, 0);
	while (world_pages(world, "key-a", NULL) == 0)
		world_run(world, US_PER_MS);
	act(ACT_REROUTE, "ann", "", "shop"); /* between a's two attempts */
	world_run(world, MINUTES(3));
	assert_timeline("0:a 0:shop");
}
END_TEST

START_TEST(comments_have_a_bound)
{
	world_pagers_take_all(world);
	fire(DISK);
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(act(ACT_COMMENT, "ann", "more", NULL), ACT_DONE);
	ck_assert_uint_le(world_pages(world, "key-a", NULL), 1 + LIMIT_COMMENTS_TOLD);
}
END_TEST

/* ---- what an outage makes of it ---- */

static void on_durable(void *ctx, int error, const char *text)
{
	int *result = ctx;

	(void)text;
	*result = error;
}

/* What is told to who acts: 0, or that it is not kept. */
static int act_durably(enum act_kind kind, const char *team)
{
	const struct first first = first_incident();
	const struct act act = { kind, first.id, "ann", "test", "", team, NULL, 0 };
	struct buf words = BUF_INIT(sizeof(said));
	int result = 1;

	incidents_act(world->incidents, &act, &words);
	incidents_when_durable(world->incidents, on_durable, &result);
	buf_fini(&words);
	world_run(world, SECONDS(1));
	ck_assert_int_ne(result, 1);
	return result;
}

START_TEST(an_act_that_is_not_on_disk_is_not_confirmed_by_asking_again)
{
	world_pagers_take_all(world);
	fire(DISK);
	fake_store_fail(world->disk, -ENOSPC);
	ck_assert_int_ne(act_durably(ACT_ACKNOWLEDGE, NULL), 0);
	ck_assert_int_ne(act_durably(ACT_ACKNOWLEDGE, NULL), 0);
	ck_assert_int_ne(act_durably(ACT_NOISE, NULL), 0);
	ck_assert_int_ne(act_durably(ACT_NOISE, NULL), 0);
	ck_assert_int_ne(act_durably(ACT_REROUTE, NULL), 0);
	ck_assert_str_eq(first_incident().team, "sre");
	fake_store_fail(world->disk, 0);
	ck_assert_int_eq(act_durably(ACT_REROUTE, NULL), 0);
	ck_assert_str_eq(first_incident().team, "sre"); /* it went no further */
	ck_assert_int_eq(act_durably(ACT_ACKNOWLEDGE, NULL), 0);
	restart();
	ck_assert_str_eq(first_incident().team, "sre");
	ck_assert_str_eq(first_incident().state, "acknowledged");
}
END_TEST

START_TEST(the_fallback_team_is_rung_at_the_end_also_where_it_has_the_page)
{
	pager_answers("http://pager/a", 400, 1000);
	world_pagers_take_all(world);
	fire(DISK);
	world_run(world, MINUTES(120));
	/* a refuses, and the fallback team gets its page; at the end it is rung. */
	assert_timeline("0:a 0:sre 10:b 25:c 55:b#2 70:c#2 90:sre#2");
}
END_TEST

START_TEST(who_hands_it_on_before_the_page_left_is_not_rung)
{
	world_pagers_take_all(world);
	incidents_pause(world->incidents, "a", "ann", true);
	fire(DISK);
	act(ACT_REROUTE, "ann", "", "shop");
	incidents_pause(world->incidents, "a", "ann", false);
	world_run(world, MINUTES(1));
	ck_assert_uint_eq(world_pages(world, "key-a", NULL), 0);
	assert_timeline("0:shop");
	resolve(DISK);
	world_run(world, MINUTES(3));
	ck_assert_uint_eq(first_incident().n, 0);
}
END_TEST

START_TEST(who_did_not_get_the_page_gets_no_comment)
{
	pager_answers("http://pager/b", 503, 1);
	world_pagers_take_all(world);
	fire(DISK);
	while (world_pages(world, "key-b", NULL) == 0)
		world_run(world, SECONDS(1));
	acknowledge(); /* while b rests between two attempts */
	act(ACT_COMMENT, "ann", "a new disk is on its way", NULL);
	world_run(world, MINUTES(5));
	ck_assert_uint_eq(world_pages(world, "key-b", NULL), 1);
	assert_last_says("key-a", "a new disk is on its way");
	restart();
	resolve(DISK);
	world_run(world, MINUTES(3));
	/* The attempt may have reached it all the same. */
	ck_assert_uint_eq(world_pages(world, "key-b", "resolve"), 1);
	ck_assert_uint_eq(first_incident().n, 0);
}
END_TEST

START_TEST(handed_on_while_alerts_of_a_body_gather)
{
	world_pagers_take_all(world);
	world_alert_in_body(world, DISK, 1);
	world_run(world, LIMIT_BODY_GATHER_US / 2);
	const struct first first = first_incident();
	const struct act act = { ACT_REROUTE, first.id, "ann", "test", "", "shop", NULL, 0 };
	struct buf words = BUF_INIT(512);
	ck_assert_int_eq(incidents_act(world->incidents, &act, &words), ACT_DONE);
	buf_fini(&words);
	world_run(world, MINUTES(2));
	ck_assert_uint_eq(world_pages(world, "key-a", NULL), 0);
	ck_assert_uint_eq(world_pages(world, "key-shop", NULL), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("escalation");
	TCase *tests = tcase_create("escalation");
	const TTest *const all[] = {
		every_step_of_every_run_then_the_fallback_team_once,
		a_step_says_why_it_rings,
		an_acknowledgement_between_two_steps_ends_it,
		each_key_is_acknowledged,
		an_acknowledgement_times_out_into_a_new_run,
		a_dead_pager_stops_no_step,
		the_clock_stands_still_in_the_hold,
		an_acknowledged_one_that_holds_is_acknowledged_when_it_fires_again,
		a_restart_each_minute_neither_loses_nor_doubles_a_step,
		what_was_due_while_away_fires_once_and_then_waits,
		a_clock_that_jumps_moves_no_step,
		an_acknowledgement_survives_a_restart,
		a_worse_alert_rings_again,
		the_next_broken_node_rings_again_but_not_at_once,
		a_trigger_that_waits_is_spared_and_asked_later,
		not_ours_goes_to_the_fallback_team_and_no_further,
		not_ours_survives_a_restart,
		not_ours_while_it_holds_pages_when_it_fires,
		what_a_person_resolved_opens_nothing_while_it_fires,
		what_a_person_resolved_and_fires_on_pages_after_four_hours,
		late_words_are_noted_and_change_nothing,
		a_comment_reaches_who_has_the_page,
		who_was_only_notified_is_rung_by_its_step,
		a_reload_with_fewer_steps_begins_them,
		a_refusal_of_the_team_before_pages_nobody,
		comments_have_a_bound,
		an_act_that_is_not_on_disk_is_not_confirmed_by_asking_again,
		the_fallback_team_is_rung_at_the_end_also_where_it_has_the_page,
		who_hands_it_on_before_the_page_left_is_not_rung,
		who_did_not_get_the_page_gets_no_comment,
		handed_on_while_alerts_of_a_body_gather,
	};

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		tcase_add_test(tests, all[i]);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
