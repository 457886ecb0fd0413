/* Silences made at run time: alerts that they keep from paging, open incidents that they stop, and
 * what ends, restarts and clocks do to both. */
#include "world.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define SECONDS(n) ((n)*US_PER_SECOND)
#define MINUTES(n) ((n)*US_PER_MINUTE)
#define DISK	   "alertname=DiskFull severity=warning host=db1"
#define DISK2	   "alertname=DiskFull severity=warning host=db2"
#define ORDERS                                                                                     \
	"alertname=PlaceOrderErrors severity=critical trace_id=0af7651916cd43dd8448eb211c80319c"
#define HOUR_OF_DISKS                                                                              \
	"{\"matchers\": [\"alertname=DiskFull\"], \"duration_s\": 3600, \"reason\": \"move\"}"

/* Team db has the disks, ledger the suspect of world_trace. */
static const char rules_text[] =
	"teams:\n"
	"  db: {escalation: db}\n"
	"  ledger: {escalation: ledger}\n"
	"  sre: {escalation: sre}\n"
	"pagers:\n"
	"  a: {kind: pagerduty, routing_key: key-a, url: \"http://pager/a\"}\n"
	"  b: {kind: pagerduty, routing_key: key-b, url: \"http://pager/b\"}\n"
	"  ledger: {kind: pagerduty, routing_key: key-ledger, url: \"http://pager/ledger\"}\n"
	"  sre: {kind: pagerduty, routing_key: key-sre, url: \"http://pager/sre\"}\n"
	"escalations:\n"
	"  db: {steps: [{page: [a], wait: 10m}, {page: [b]}]}\n"
	"  ledger: {steps: [{page: [ledger]}]}\n"
	"  sre: {steps: [{page: [sre]}]}\n"
	"services:\n"
	"  ledger: {owner: ledger}\n"
	"signals:\n"
	"  place_order:\n"
	"    alerts: {alertname: \"PlaceOrder*\"}\n"
	"    span: {service: frontend, operation: \"POST /orders\"}\n"
	"    owner: sre\n"
	"routes:\n"
	"  - {when: {labels: {alertname: DiskFull}}, team: db}\n"
	"fallback: {team: sre}\n";

static struct world *world;
static char made[SILENCE_ID_SIZE];
static int64_t began_us;   /* mono: of the test */
static bool pagers_answer; /* with what the test has not said */

static void set_up(void)
{
	world = world_new_with(rules_text, -1);
	world_run(world, LIMIT_START_GRACE_US);
	began_us = world->clock.mono_us;
	pagers_answer = false;
}

static void tear_down(void)
{
	world_free(world);
}

static void fire(const char *labels)
{
	if (!pagers_answer)
		world_pagers_take_all(world);
	pagers_answer = true;
	world_alert(world, labels, ALERT_FIRING, world->clock.wall_us, 0);
	world_run(world, 0);
}

static void resolve(const char *labels)
{
	world_alert(world, labels, ALERT_RESOLVED, 0, world->clock.wall_us);
	world_run(world, 0);
}

/* Until that minute of the test. */
static void run_to(int minute)
{
	world_run(world, began_us + MINUTES(minute) - world->clock.mono_us);
}

static const char *silence(const char *json)
{
	struct err err = { 0 };

	ck_assert_msg(
		incidents_silence_add(world->incidents, json, strlen(json), "ann", made, &err) == 0,
		"%s: %s", json, err.text);
	world_run(world, 0);
	return made;
}

static void end_silence(const char *id)
{
	struct err err = { 0 };

	ck_assert_msg(incidents_silence_end(world->incidents, id, "bob", &err) == 0, "%s",
		      err.text);
	world_run(world, 0);
}

static void change_silence(const char *id, const char *json)
{
	struct err err = { 0 };

	ck_assert_msg(incidents_silence_change(world->incidents, id, json, strlen(json), "bob",
					       &err) == 0,
		      "%s", err.text);
	world_run(world, 0);
}

static void restart(void)
{
	world_crash(world);
	world_start(world);
}

/* How many triggers each of these pagers got: those of a, b, ledger and sre. */
static void assert_triggers(size_t a, size_t b, size_t ledger, size_t sre)
{
	size_t got[] = { world_pages(world, "key-a", "trigger"),
			 world_pages(world, "key-b", "trigger"),
			 world_pages(world, "key-ledger", "trigger"),
			 world_pages(world, "key-sre", "trigger") };

	ck_assert_msg(got[0] == a && got[1] == b && got[2] == ledger && got[3] == sre,
		      "minute %lld: %zu %zu %zu %zu, not %zu %zu %zu %zu",
		      (long long)((world->clock.mono_us - began_us) / US_PER_MINUTE), got[0],
		      got[1], got[2], got[3], a, b, ledger, sre);
}

static void assert_last_says(const char *key, const char *words, bool says)
{
	size_t n = world_pages(world, key, NULL);

	ck_assert_uint_gt(n, 0);
	const char *body = world_page(world, key, NULL, n - 1)->body;
	ck_assert_msg(!strstr(body, words) == !says, "%s \"%s\": %s", says ? "not" : "it says",
		      words, body);
}

struct first {
	char id[64], state[32], silenced[64], team[32];
	int64_t due_us;
	size_t n;
};

static bool first_view(void *ctx, const struct incident_view *view)
{
	struct first *first = ctx;

	if (first->n++ == 0) {
		snprintf(first->id, sizeof(first->id), "%s", view->id);
		snprintf(first->state, sizeof(first->state), "%s", view->state);
		snprintf(first->team, sizeof(first->team), "%s", view->team);
		snprintf(first->silenced, sizeof(first->silenced), "%s",
			 view->silenced ? view->silenced : "no");
		first->due_us = view->due_us;
	}
	return true;
}

static struct first first_incident(void)
{
	struct first first = { .n = 0 };

	incidents_each(world->incidents, NULL, first_view, &first);
	return first;
}

static void assert_silenced(const char *by)
{
	ck_assert_str_eq(first_incident().silenced, by);
}

static bool silenced_view(void *ctx, const struct incident_view *view)
{
	size_t *n = ctx;

	*n += view->silenced != NULL;
	return true;
}

static size_t count_silenced(void)
{
	size_t n = 0;

	incidents_each(world->incidents, NULL, silenced_view, &n);
	return n;
}

static enum act_outcome act(enum act_kind kind, const char *team)
{
	const struct first first = first_incident();
	struct buf words = BUF_INIT(1000);
	const struct act act = { kind, first.id, "eve", "test", "", team, NULL, 0 };
	enum act_outcome outcome = incidents_act(world->incidents, &act, &words);

	buf_fini(&words);
	world_run(world, 0);
	return outcome;
}

/* ---- alerts ---- */

START_TEST(a_silenced_alert_pages_when_the_silence_ends)
{
	silence(HOUR_OF_DISKS);
	fire(DISK);
	run_to(59);
	assert_triggers(0, 0, 0, 0);
	run_to(61);
	assert_triggers(1, 0, 0, 0);
}
END_TEST

START_TEST(a_silenced_alert_that_ends_pages_nobody)
{
	silence(HOUR_OF_DISKS);
	fire(DISK);
	run_to(30);
	resolve(DISK);
	run_to(90);
	assert_triggers(0, 0, 0, 0);
}
END_TEST

START_TEST(ended_early_it_pages_at_once)
{
	silence(HOUR_OF_DISKS);
	fire(DISK);
	run_to(20);
	end_silence(made);
	world_run(world, SECONDS(1));
	assert_triggers(1, 0, 0, 0);
}
END_TEST

START_TEST(another_silence_keeps_it_on)
{
	silence("{\"matchers\": [\"host=db1\"], \"duration_s\": 1800, \"reason\": \"x\"}");
	silence(HOUR_OF_DISKS);
	fire(DISK);
	end_silence(made);
	world_run(world, SECONDS(1));
	run_to(29);
	assert_triggers(0, 0, 0, 0);
	run_to(31);
	assert_triggers(1, 0, 0, 0);
}
END_TEST

START_TEST(an_extended_silence_holds_until_its_new_end)
{
	silence(HOUR_OF_DISKS);
	fire(DISK);
	run_to(50);
	change_silence(made, "{\"duration_s\": 3600}"); /* from now on: until minute 110 */
	run_to(109);
	assert_triggers(0, 0, 0, 0);
	run_to(111);
	assert_triggers(1, 0, 0, 0);
}
END_TEST

START_TEST(a_shortened_silence_ends_earlier)
{
	silence(HOUR_OF_DISKS);
	fire(DISK);
	run_to(10);
	change_silence(made, "{\"duration_s\": 600}");
	run_to(19);
	assert_triggers(0, 0, 0, 0);
	run_to(21);
	assert_triggers(1, 0, 0, 0);
}
END_TEST

START_TEST(thousands_of_quiet_alerts_are_decided_again)
{
	silence(HOUR_OF_DISKS);
	world_pagers_take_all(world);
	for (int i = 0; i < 3000; i++) {
		char labels[64];
		snprintf(labels, sizeof(labels), "alertname=DiskFull host=h%d job=j%d", i, i);
		world_alert(world, labels, ALERT_FIRING, world->clock.wall_us, 0);
	}
	world_run(world, SECONDS(1));
	ck_assert_uint_eq(first_incident().n, 0);
	end_silence(made);
	world_run(world, SECONDS(5));
	ck_assert_uint_eq(first_incident().n, 1);
	assert_triggers(world_pages(world, "key-a", "trigger"), 0, 0, 0);
	ck_assert_uint_ge(world_pages(world, "key-a", "trigger"), 1);
}
END_TEST

START_TEST(a_silence_of_a_suspect)
{
	world_jaeger_has(world);
	silence("{\"suspect\": \"led*\", \"duration_s\": 3600, \"reason\": \"deploy\"}");
	fire(ORDERS);
	run_to(59);
	assert_triggers(0, 0, 0, 0);
	run_to(61);
	assert_triggers(0, 0, 1, 0);
}
END_TEST

START_TEST(a_silence_of_another_suspect_or_team_holds_nothing)
{
	world_jaeger_has(world);
	silence("{\"suspect\": \"frontend\", \"duration_s\": 3600, \"reason\": \"x\"}");
	silence("{\"team\": \"sre\", \"duration_s\": 3600, \"reason\": \"x\"}");
	fire(ORDERS);
	world_run(world, SECONDS(6));
	assert_triggers(0, 0, 1, 0);
}
END_TEST

START_TEST(a_silence_of_a_team)
{
	silence("{\"team\": \"db\", \"duration_s\": 3600, \"reason\": \"x\"}");
	fire(DISK);
	fire("alertname=Other");
	run_to(59);
	assert_triggers(0, 0, 0, 1);
	run_to(61);
	assert_triggers(1, 0, 0, 1);
}
END_TEST

/* ---- open incidents ---- */

START_TEST(an_incident_goes_on_with_what_was_left)
{
	fire(DISK);
	assert_triggers(1, 0, 0, 0);
	run_to(4);
	silence(HOUR_OF_DISKS); /* until minute 64; 6 minutes of the step are left */
	assert_silenced(made);
	ck_assert_int_eq(first_incident().due_us, 0);
	ck_assert_ptr_nonnull(fake_store_event(world->disk, "silenced"));
	ck_assert_str_eq(fake_store_event(world->disk, "silenced")->who, made);
	run_to(63);
	assert_triggers(1, 0, 0, 0);
	run_to(69);
	assert_silenced("no");
	ck_assert_str_eq(fake_store_event(world->disk, "unsilenced")->who, made);
	assert_triggers(1, 0, 0, 0);
	run_to(71);
	assert_triggers(2, 1, 0, 0); /* a learns that b is paged */
}
END_TEST

START_TEST(ended_early_the_incident_goes_on)
{
	fire(DISK);
	run_to(4);
	silence(HOUR_OF_DISKS);
	run_to(20);
	end_silence(made);
	assert_silenced("no");
	run_to(25);
	assert_triggers(1, 0, 0, 0);
	run_to(27);
	assert_triggers(2, 1, 0, 0);
}
END_TEST

START_TEST(an_uncovered_alert_that_joins_ends_it)
{
	fire(DISK);
	run_to(4);
	silence("{\"matchers\": [\"host=db1\"], \"duration_s\": 3600, \"reason\": \"x\"}");
	assert_silenced(made);
	run_to(20);
	fire(DISK2);
	world_run(world, SECONDS(2));
	assert_silenced("no");
	assert_last_says("key-a", "joined by DiskFull", true);
	run_to(27);
	assert_triggers(3, 1, 0, 0); /* the first, the join, and that b is paged */
}
END_TEST

/* The other way: the alert that was not covered ends. */
START_TEST(an_uncovered_alert_that_ends_lets_it_begin)
{
	fire(DISK);
	fire(DISK2);
	run_to(4);
	size_t told = world_pages(world, "key-a", "trigger");
	silence("{\"matchers\": [\"host=db1\"], \"duration_s\": 3600, \"reason\": \"x\"}");
	assert_silenced("no");
	resolve(DISK2);
	assert_silenced(made);
	fire(DISK2);
	assert_silenced("no");
	resolve(DISK2);
	run_to(63);
	assert_triggers(told, 0, 0, 0);
	run_to(72);
	assert_triggers(told + 1, 1, 0, 0);
}
END_TEST

START_TEST(a_silenced_incident_resolves)
{
	fire(DISK);
	run_to(4);
	silence(HOUR_OF_DISKS);
	resolve(DISK);
	ck_assert_str_eq(first_incident().state, "holding");
	run_to(8);
	ck_assert_uint_eq(world_pages(world, "key-a", "resolve"), 1);
	ck_assert_uint_eq(first_incident().n, 0);
}
END_TEST

START_TEST(an_alert_that_flaps_stays_silenced)
{
	fire(DISK);
	run_to(4);
	silence("{\"matchers\": [\"alertname=DiskFull\"], \"duration_s\": 3600, \"reason\": "
		"\"move\", \"tell\": true}");
	size_t told = world_pages(world, "key-a", "trigger");
	for (int i = 0; i < 5; i++) {
		resolve(DISK);
		world_run(world, SECONDS(10));
		fire(DISK);
		world_run(world, SECONDS(10));
	}
	assert_silenced(made);
	assert_triggers(told, 0, 0, 0);
	run_to(63);
	assert_triggers(told, 0, 0, 0);
	run_to(69);
	assert_triggers(told + 1, 0, 0, 0); /* the end is told */
	run_to(71);
	assert_triggers(told + 2, 1, 0, 0);
}
END_TEST

START_TEST(the_timeout_of_an_acknowledgement_stands_still)
{
	world_crash(world);
	world->ack_timeout_us = MINUTES(30);
	world_start(world);
	world_run(world, LIMIT_START_GRACE_US);
	began_us = world->clock.mono_us;
	fire(DISK);
	run_to(1);
	ck_assert_int_eq(act(ACT_ACKNOWLEDGE, NULL), ACT_DONE);
	size_t told = world_pages(world, "key-a", "trigger");
	run_to(11);
	silence(HOUR_OF_DISKS); /* until minute 71; 20 are left */
	run_to(90);
	ck_assert_str_eq(first_incident().state, "acknowledged");
	assert_triggers(told, 0, 0, 0);
	run_to(92);
	ck_assert_str_eq(first_incident().state, "open");
}
END_TEST

START_TEST(an_acknowledgement_is_told_while_it_is_silenced)
{
	fire(DISK);
	silence(HOUR_OF_DISKS);
	run_to(1);
	ck_assert_int_eq(act(ACT_ACKNOWLEDGE, NULL), ACT_DONE);
	ck_assert_uint_eq(world_pages(world, "key-a", "acknowledge"), 1);
	run_to(120);
	assert_triggers(1, 0, 0, 0);
	ck_assert_str_eq(first_incident().state, "acknowledged");
}
END_TEST

START_TEST(begin_and_end_are_told_where_asked)
{
	fire(DISK);
	run_to(4);
	silence("{\"matchers\": [\"alertname=DiskFull\"], \"duration_s\": 3600, \"reason\": "
		"\"move\", \"tell\": true}");
	assert_triggers(2, 0, 0, 0);
	assert_last_says("key-a", "by ann: move", true);
	run_to(65);
	assert_triggers(3, 0, 0, 0);
	assert_last_says("key-a", "no silence covers it any more", true);
}
END_TEST

START_TEST(a_silence_to_come_begins_by_itself)
{
	CLEANUP_FREE char *json =
		xasprintf("{\"matchers\": [\"alertname=DiskFull\"], \"starts_at\": "
			  "\"2026-09-01T10:10:00Z\", \"duration_s\": 1800, \"reason\": \"x\"}");

	fire(DISK);
	silence(json); /* 10:05 is minute 0: from minute 5 to 35 */
	assert_silenced("no");
	run_to(4);
	assert_silenced("no");
	run_to(6);
	assert_silenced(made);
	run_to(39);
	assert_triggers(1, 0, 0, 0);
	run_to(41);
	assert_triggers(2, 1, 0, 0);
}
END_TEST

/* A trigger that its pager has not taken waits until the silence is over. */
START_TEST(a_trigger_that_waits_leaves_afterwards)
{
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://pager/a",
							   .times = 3,
							   .status = 500,
							   .body = "{}" });
	fire(DISK);
	silence(HOUR_OF_DISKS);
	world_run(world, SECONDS(1));
	size_t tried = world_pages(world, "key-a", "trigger");
	run_to(59);
	assert_triggers(tried, 0, 0, 0);
	ck_assert_uint_eq(incidents_unreached(world->incidents), 0);
	run_to(63);
	ck_assert_uint_gt(world_pages(world, "key-a", "trigger"), tried);
	resolve(DISK);
	run_to(66);
	ck_assert_uint_eq(world_pages(world, "key-a", "resolve"), 1);
}
END_TEST

/* Alerts of one body gather when the silence is made: the first page leaves when it is over. */
START_TEST(a_first_page_that_is_owed_leaves_afterwards)
{
	world_pagers_take_all(world);
	world_alert_in_body(world, DISK, 1);
	world_alert_in_body(world, DISK2, 0);
	silence(HOUR_OF_DISKS);
	run_to(59);
	assert_triggers(0, 0, 0, 0);
	run_to(61);
	assert_triggers(1, 0, 0, 0);
	assert_last_says("key-a", "2 DiskFull", true);
}
END_TEST

/* One whose page never left resolves without a word. */
START_TEST(what_was_not_told_is_not_resolved)
{
	world_alert_in_body(world, DISK, 1);
	silence(HOUR_OF_DISKS);
	run_to(10);
	resolve(DISK);
	run_to(90);
	ck_assert_uint_eq(world_pages(world, "key-a", NULL), 0);
	ck_assert_uint_eq(first_incident().n, 0);
}
END_TEST

START_TEST(not_ours_leaves_the_silence_of_a_team)
{
	fire(DISK);
	silence("{\"team\": \"db\", \"duration_s\": 3600, \"reason\": \"x\"}");
	assert_silenced(made);
	ck_assert_int_eq(act(ACT_REROUTE, "ledger"), ACT_DONE);
	assert_silenced("no");
	world_run(world, SECONDS(1));
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
}
END_TEST

START_TEST(not_ours_to_a_silenced_team_pages_afterwards)
{
	fire(DISK);
	silence("{\"team\": \"ledger\", \"duration_s\": 3600, \"reason\": \"x\"}");
	assert_silenced("no");
	ck_assert_int_eq(act(ACT_REROUTE, "ledger"), ACT_DONE);
	assert_silenced(made);
	run_to(59);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 0);
	run_to(61);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
}
END_TEST

START_TEST(a_silence_of_new_rules_covers_what_is_open)
{
	CLEANUP_FREE char *text = xasprintf("%ssilences: [{matchers: {alertname: DiskFull}, ends: "
					    "2026-09-01T10:35:00Z, reason: work, author: ops}]\n",
					    rules_text);
	struct world *other = world_new_with(text, -1); /* for its rules */

	fire(DISK);
	run_to(4);
	incidents_set_rules(world->incidents, other->rules); /* until minute 30 */
	world_run(world, 0);
	ck_assert_ptr_nonnull(strstr(first_incident().silenced, "rules.yaml:"));
	run_to(35);
	assert_silenced("no");
	assert_triggers(1, 0, 0, 0);
	run_to(37);
	assert_triggers(2, 1, 0, 0);
	world_free(other);
}
END_TEST

START_TEST(many_incidents_and_silences)
{
	world_pagers_take_all(world);
	for (int i = 0; i < 500; i++) {
		char labels[64], json[128];
		snprintf(labels, sizeof(labels), "alertname=A%d", i);
		world_alert(world, labels, ALERT_FIRING, world->clock.wall_us, 0);
		snprintf(json, sizeof(json),
			 "{\"matchers\": [\"alertname=A%d\"], \"duration_s\": %d, \"reason\": "
			 "\"x\"}",
			 i, 3600 + i);
		if (i % 2)
			silence(json);
	}
	world_run(world, SECONDS(2));
	ck_assert_uint_eq(first_incident().n, 500);
	ck_assert_uint_eq(count_silenced(), 250);
	world_run(world, MINUTES(60) + SECONDS(198)); /* those that end by then: 1, 3 … 199 */
	ck_assert_uint_eq(count_silenced(), 150);
	world_run(world, MINUTES(10));
	ck_assert_uint_eq(count_silenced(), 0);
}
END_TEST

/* ---- restarts and clocks ---- */

START_TEST(a_restart_within_changes_nothing)
{
	fire(DISK);
	run_to(4);
	silence(HOUR_OF_DISKS);
	run_to(20);
	restart();
	world_run(world, 0);
	assert_silenced(made);
	run_to(40);
	restart();
	run_to(69);
	assert_silenced("no");
	assert_triggers(1, 0, 0, 0);
	run_to(71);
	assert_triggers(2, 1, 0, 0);
}
END_TEST

START_TEST(a_silence_that_ended_while_we_were_away_is_over)
{
	fire(DISK);
	run_to(4);
	silence(HOUR_OF_DISKS);
	run_to(20);
	world_crash(world);
	fake_clock_advance(&world->clock, MINUTES(80)); /* minute 100 */
	world_start(world);
	world_run(world, 0);
	assert_silenced("no");
	ck_assert_ptr_nonnull(fake_store_event(world->disk, "unsilenced"));
	run_to(105);
	assert_triggers(1, 0, 0, 0);
	run_to(107);
	assert_triggers(2, 1, 0, 0);
}
END_TEST

START_TEST(a_quiet_alert_stays_quiet_over_a_restart)
{
	silence(HOUR_OF_DISKS);
	fire(DISK);
	run_to(20);
	restart();
	run_to(59);
	assert_triggers(0, 0, 0, 0);
	run_to(61);
	assert_triggers(1, 0, 0, 0);
}
END_TEST

START_TEST(an_end_by_a_person_is_kept_over_a_restart)
{
	silence(HOUR_OF_DISKS);
	end_silence(made);
	restart();
	fire(DISK);
	assert_triggers(1, 0, 0, 0);
}
END_TEST

START_TEST(a_wall_clock_set_forward_ends_it)
{
	silence(HOUR_OF_DISKS);
	fire(DISK);
	fire("alertname=Other");
	run_to(5);
	world->clock.wall_us += US_PER_HOUR;
	run_to(7);
	assert_triggers(1, 0, 0, 1);
}
END_TEST

START_TEST(a_wall_clock_set_back_prolongs_it)
{
	silence(HOUR_OF_DISKS);
	fire(DISK);
	run_to(5);
	world->clock.wall_us -= US_PER_HOUR;
	run_to(119);
	assert_triggers(0, 0, 0, 0);
	run_to(121);
	assert_triggers(1, 0, 0, 0);
}
END_TEST

/* The silences that a failing store missed are written when it works again. */
START_TEST(a_failing_disk_misses_no_silence)
{
	fire(DISK);
	world->disk->fail = -EIO;
	silence(HOUR_OF_DISKS);
	assert_silenced(made);
	world->disk->fail = 0;
	run_to(5);
	restart();
	world_run(world, 0);
	assert_silenced(made);
}
END_TEST

/* ---- the button, and the list ---- */

struct listed {
	char text[4096];
	size_t n;
};

static bool list_view(void *ctx, const struct incident_silence_view *view)
{
	struct listed *listed = ctx;
	struct buf scope = BUF_INIT(4096);

	silence_spec_scope(view->spec, &scope);
	snprintf(listed->text + strlen(listed->text), sizeof(listed->text) - strlen(listed->text),
		 "%s%s by %s: %s", listed->n++ ? "; " : "", view->state, view->spec->author,
		 buf_text(&scope));
	buf_fini(&scope);
	return true;
}

static const char *list(const char *after)
{
	static struct listed listed;

	listed = (struct listed){ .n = 0 };
	incidents_each_silence(world->incidents, after, list_view, &listed);
	return listed.text;
}

START_TEST(the_button_silences_what_the_alerts_have_in_common)
{
	struct err err;

	fire(DISK);
	fire(DISK2);
	ck_assert_int_eq(incidents_silence_incident(world->incidents, first_incident().id, "ann",
						    "", made, &err),
			 0);
	world_run(world, 0);
	assert_silenced(made);
	ck_assert_str_eq(
		list(NULL),
		"active by ann: \"alertname\"=\"DiskFull\", \"severity\"=\"warning\", team db");
	fire("alertname=DiskFull severity=warning host=db3");
	world_run(world, SECONDS(5));
	ck_assert_int_eq(incidents_silence_incident(world->incidents, "0", "ann", "", made, &err),
			 -ENOENT);
}
END_TEST

START_TEST(the_button_silences_the_suspect)
{
	struct err err;

	world_jaeger_has(world);
	fire(ORDERS);
	world_run(world, SECONDS(6));
	ck_assert_int_eq(incidents_silence_incident(world->incidents, first_incident().id, "ann",
						    "", made, &err),
			 0);
	world_run(world, 0);
	assert_silenced(made);
	ck_assert_str_eq(list(NULL), "active by ann: suspect ledger, team ledger");
}
END_TEST

START_TEST(the_list_has_the_ended_ones_for_a_quarter)
{
	char first[SILENCE_ID_SIZE];

	silence("{\"team\": \"db\", \"duration_s\": 60, \"reason\": \"x\"}");
	memcpy(first, made, sizeof(first));
	world_run(world, MINUTES(2));
	silence("{\"team\": \"sre\", \"starts_at\": \"2026-09-01T20:00:00Z\", \"duration_s\": 60, "
		"\"reason\": \"x\", \"author\": \"zoe\"}");
	ck_assert_str_eq(list(NULL), "pending by zoe: team sre; ended by ann: team db");
	ck_assert_str_eq(list(made), "ended by ann: team db");
	ck_assert_str_eq(list(first), "");
	restart();
	ck_assert_str_eq(list(NULL), "pending by zoe: team sre; ended by ann: team db");
	world_crash(world);
	fake_clock_advance(&world->clock, 90 * US_PER_DAY);
	world_start(world);
	ck_assert_str_eq(list(NULL), "ended by zoe: team sre");
}
END_TEST

START_TEST(what_cannot_be_done_to_a_silence_says_why)
{
	static const char doc[] = "{\"team\": \"none\", \"duration_s\": 60, \"reason\": \"x\"}";
	static const char other[] = "{\"team\": \"sre\"}", start[] = "{\"starts_at\": "
								     "\"2026-09-02T10:00:00Z\"}";
	struct err err;

	ck_assert_int_eq(
		incidents_silence_add(world->incidents, doc, strlen(doc), "ann", made, &err),
		-EINVAL);
	ck_assert_str_eq(err.text, "the rules have no team \"none\"");
	ck_assert_int_eq(incidents_silence_end(world->incidents, "00000000", "ann", &err), -ENOENT);
	silence(HOUR_OF_DISKS);
	ck_assert_int_eq(
		incidents_silence_change(world->incidents, made, other, strlen(other), "ann", &err),
		-EINVAL);
	ck_assert_int_eq(
		incidents_silence_change(world->incidents, made, start, strlen(start), "ann", &err),
		-EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "has begun"));
	end_silence(made);
	ck_assert_int_eq(incidents_silence_end(world->incidents, made, "ann", &err), -EALREADY);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("silence");
	TCase *tcase = tcase_create("silence");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_silenced_alert_pages_when_the_silence_ends);
	tcase_add_test(tcase, a_silenced_alert_that_ends_pages_nobody);
	tcase_add_test(tcase, ended_early_it_pages_at_once);
	tcase_add_test(tcase, another_silence_keeps_it_on);
	tcase_add_test(tcase, an_extended_silence_holds_until_its_new_end);
	tcase_add_test(tcase, a_shortened_silence_ends_earlier);
	tcase_add_test(tcase, thousands_of_quiet_alerts_are_decided_again);
	tcase_add_test(tcase, a_silence_of_a_suspect);
	tcase_add_test(tcase, a_silence_of_another_suspect_or_team_holds_nothing);
	tcase_add_test(tcase, a_silence_of_a_team);
	tcase_add_test(tcase, an_incident_goes_on_with_what_was_left);
	tcase_add_test(tcase, ended_early_the_incident_goes_on);
	tcase_add_test(tcase, an_uncovered_alert_that_joins_ends_it);
	tcase_add_test(tcase, an_uncovered_alert_that_ends_lets_it_begin);
	tcase_add_test(tcase, a_silenced_incident_resolves);
	tcase_add_test(tcase, an_alert_that_flaps_stays_silenced);
	tcase_add_test(tcase, the_timeout_of_an_acknowledgement_stands_still);
	tcase_add_test(tcase, an_acknowledgement_is_told_while_it_is_silenced);
	tcase_add_test(tcase, begin_and_end_are_told_where_asked);
	tcase_add_test(tcase, a_silence_to_come_begins_by_itself);
	tcase_add_test(tcase, a_trigger_that_waits_leaves_afterwards);
	tcase_add_test(tcase, a_first_page_that_is_owed_leaves_afterwards);
	tcase_add_test(tcase, what_was_not_told_is_not_resolved);
	tcase_add_test(tcase, not_ours_leaves_the_silence_of_a_team);
	tcase_add_test(tcase, not_ours_to_a_silenced_team_pages_afterwards);
	tcase_add_test(tcase, a_silence_of_new_rules_covers_what_is_open);
	tcase_add_test(tcase, many_incidents_and_silences);
	tcase_add_test(tcase, a_restart_within_changes_nothing);
	tcase_add_test(tcase, a_silence_that_ended_while_we_were_away_is_over);
	tcase_add_test(tcase, a_quiet_alert_stays_quiet_over_a_restart);
	tcase_add_test(tcase, an_end_by_a_person_is_kept_over_a_restart);
	tcase_add_test(tcase, a_wall_clock_set_forward_ends_it);
	tcase_add_test(tcase, a_wall_clock_set_back_prolongs_it);
	tcase_add_test(tcase, a_failing_disk_misses_no_silence);
	tcase_add_test(tcase, the_button_silences_what_the_alerts_have_in_common);
	tcase_add_test(tcase, the_button_silences_the_suspect);
	tcase_add_test(tcase, the_list_has_the_ended_ones_for_a_quarter);
	tcase_add_test(tcase, what_cannot_be_done_to_a_silence_says_why);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
