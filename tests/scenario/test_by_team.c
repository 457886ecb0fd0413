/* One pager for three teams: whose key a page, an update and a resolve go to, over steps that are
 * shared, hand-overs, restarts, reloads and pauses. */
#include "world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/deliver.h"
#include "tracepager/limits.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

#define SECONDS(n) ((n)*US_PER_SECOND)
#define MINUTES(n) ((n)*US_PER_MINUTE)
#define DISK	   "alertname=DiskFull severity=warning host=db1"
#define CART	   "alertname=CartErrors severity=error service=cart"
#define OTHER	   "alertname=Other severity=error"

static const char rules_text[] =
	"teams:\n"
	"  db: {routing_key: key-db}\n"
	"  shop: {routing_key: key-shop}\n"
	"  sre: {escalation: sre, routing_key: key-sre}\n"
	"  lead: {escalation: lead, routing_key: key-lead}\n"
	"defaults: {escalation: duty}\n"
	"pagers:\n"
	"  pd: {kind: pagerduty, by_team: true, url: \"http://pager/pd\"}\n"
	"escalations:\n"
	"  duty: {steps: [{page: [pd], wait: 10m}, {team: lead, wait: 10m}]}\n"
	"  sre: {steps: [{page: [pd]}]}\n"
	"  lead: {steps: [{page: [pd]}]}\n"
	"services:\n"
	"  cart: {owner: shop}\n"
	"routes:\n"
	"  - {when: {labels: {alertname: DiskFull}}, team: db}\n"
	"fallback: {team: sre}\n";

static struct world *world;

static void set_up(void)
{
	world = world_new_with(rules_text, -1);
	world_run(world, LIMIT_START_GRACE_US);
	world_pagers_take_all(world);
}

static void tear_down(void)
{
	world_free(world);
}

static void fire(const char *labels)
{
	world_alert(world, labels, ALERT_FIRING, world->clock.wall_us, 0);
	world_run(world, MINUTES(1));
}

static void end(const char *labels)
{
	world_alert(world, labels, ALERT_RESOLVED, 0, world->clock.wall_us);
	world_run(world, MINUTES(5));
}

/* The rules with `to` in the place of `from` are in force from now on. */
static void change(const char *from, const char *to)
{
	const char *at = strstr(rules_text, from);

	ck_assert_ptr_nonnull(at);
	CLEANUP_FREE char *text =
		xasprintf("%.*s%s%s", (int)(at - rules_text), rules_text, to, at + strlen(from));
	world_set_rules(world, text);
}

static void restart(void)
{
	world_crash(world);
	world_start(world);
}

struct first {
	char id[64], team[32];
	size_t n;
};

static bool view_first(void *ctx, const struct incident_view *view)
{
	struct first *first = ctx;

	if (first->n++ == 0) {
		snprintf(first->id, sizeof(first->id), "%s", view->id);
		snprintf(first->team, sizeof(first->team), "%s", view->team);
	}
	return true;
}

static struct first first_incident(void)
{
	struct first first = { .n = 0 };

	incidents_each(world->incidents, NULL, view_first, &first);
	return first;
}

static char said[512];

static enum act_outcome do_act(const struct act *told)
{
	const struct first first = first_incident();
	struct act act = *told;
	struct buf words = BUF_INIT(sizeof(said));

	act.incident = first.id;
	act.via = "test";
	enum act_outcome outcome = incidents_act(world->incidents, &act, &words);
	snprintf(said, sizeof(said), "%s", buf_text(&words));
	buf_fini(&words);
	world_run(world, SECONDS(1));
	return outcome;
}

static enum act_outcome reroute(const char *team)
{
	return do_act(&(struct act){ .kind = ACT_REROUTE, .who = "ann", .text = "", .team = team });
}

/* What the one PagerDuty account tells of all teams' pages. n: the page's "#n". */
static enum act_outcome tell_back(enum act_kind kind, int n)
{
	return do_act(&(struct act){
		.kind = kind, .who = "bob (pager pd)", .text = "", .pager = "pd", .n = n });
}

/* The events that went to the key, such as "trigger resolve", and the key of the page, "#n". */
static void assert_got(const char *key, const char *events, const char *n)
{
	struct buf got = BUF_INIT(4096);

	for (size_t i = 0; world_page(world, key, NULL, i); i++) {
		const char *body = world_page(world, key, NULL, i)->body;
		buf_printf(&got, "%s%s", got.len ? " " : "",
			   strstr(body, "\"event_action\":\"trigger\"")	  ? "trigger"
			   : strstr(body, "\"event_action\":\"resolve\"") ? "resolve"
									  : "acknowledge");
		const char *dedup = strstr(body, "\"dedup_key\":\"");
		ck_assert_ptr_nonnull(dedup);
		dedup += strlen("\"dedup_key\":\"");
		const char *mark = memchr(dedup, '#', strcspn(dedup, "\""));
		if (*n)
			ck_assert_msg(mark && strncmp(mark, n, strlen(n)) == 0 &&
					      mark[strlen(n)] == '"',
				      "%s: %.60s", key, dedup);
		else
			ck_assert_msg(!mark, "%s: %.60s", key, dedup);
	}
	ck_assert_msg(strcmp(buf_text(&got), events) == 0, "%s got \"%s\", not \"%s\"", key,
		      buf_text(&got), events);
	buf_fini(&got);
}

START_TEST(each_team_is_paged_by_its_key)
{
	fire(CART);
	assert_got("key-shop", "trigger", "");
	fire(DISK);
	assert_got("key-db", "trigger", "");
	fire(OTHER);
	assert_got("key-sre", "trigger", "");
	end(CART);
	end(DISK);
	end(OTHER);
	assert_got("key-shop", "trigger resolve", "");
	assert_got("key-db", "trigger resolve", "");
	assert_got("key-sre", "trigger resolve", "");
	assert_got("key-lead", "", "");
}
END_TEST

/* The first team's page is resolved at its key, the next team's has a key of its own. */
START_TEST(handing_on_resolves_at_the_first_key)
{
	fire(CART);
	ck_assert_int_eq(reroute("db"), ACT_DONE);
	ck_assert_str_eq(first_incident().team, "db");
	assert_got("key-shop", "trigger trigger resolve", ""); /* the page, why it ends, its end */
	assert_got("key-db", "trigger", "#2");
	restart();
	end(CART);
	assert_got("key-shop", "trigger trigger resolve", "");
	assert_got("key-db", "trigger resolve", "#2");
}
END_TEST

/* Steps that stand there for a team take that team's key; the fallback team is the last. */
START_TEST(steps_take_the_key_of_their_team)
{
	fire(CART);
	world_run(world, MINUTES(10));
	assert_got("key-lead", "trigger", "#2");
	assert_got("key-db", "", "");
	world_run(world, MINUTES(10));
	assert_got("key-sre", "trigger", "#3");
	end(CART);
	assert_got("key-lead", "trigger resolve", "#2");
	assert_got("key-sre", "trigger resolve", "#3");
}
END_TEST

/* A reload gives the team another key: what was paged by the old one is resolved by it. */
START_TEST(a_reload_leaves_what_was_paged)
{
	fire(CART);
	change("key-shop", "key-new");
	end(CART);
	assert_got("key-shop", "trigger resolve", "");
	assert_got("key-new", "", "");
	fire(CART " try=2");
	assert_got("key-new", "trigger", "");
}
END_TEST

/* The number of the page says whose page the service tells of. */
START_TEST(feedback_counts_for_the_team_that_has_the_page)
{
	fire(CART);
	reroute("db");
	/* Our own resolve of the first team's page comes back. */
	ck_assert_int_eq(tell_back(ACT_RESOLVE, 1), ACT_REFUSED);
	ck_assert_ptr_nonnull(strstr(said, "team db has this incident now"));
	/* Without the number it is unclear whose page is over; an acknowledgement is not. */
	ck_assert_int_eq(tell_back(ACT_RESOLVE, 0), ACT_REFUSED);
	ck_assert_ptr_nonnull(strstr(said, "several teams"));
	ck_assert_int_eq(tell_back(ACT_RESOLVE, 7), ACT_REFUSED);
	ck_assert_int_eq(tell_back(ACT_ACKNOWLEDGE, 0), ACT_DONE);
	ck_assert_int_eq(tell_back(ACT_RESOLVE, 2), ACT_DONE);
	assert_got("key-db", "trigger acknowledge trigger resolve", "#2");
}
END_TEST

START_TEST(one_team_needs_no_number)
{
	fire(CART);
	ck_assert_int_eq(tell_back(ACT_RESOLVE, 0), ACT_DONE);
	assert_got("key-shop", "trigger trigger resolve", ""); /* an update says who did it */
}
END_TEST

/* The entry's name pauses it for every team, over a restart; a team's name for that team. */
static int64_t of_pager(const char *name, enum named_metric metric)
{
	incidents_measure(world->incidents);
	return metric_series_value(metric_series(METRIC_BY_PAGER, name), metric);
}

/* Each team's pager has metrics of its own, the entry has none. */
START_TEST(metrics_are_of_teams)
{
	struct buf text = BUF_INIT(LIMIT_METRICS_TEXT_BYTES);

	ck_assert(incidents_pause(world->incidents, "pd", "ann", true));
	fire(CART);
	world_run(world, MINUTES(1));
	ck_assert_int_eq(of_pager("pd:shop", NAMED_PAGER_WAITING), 1);
	/* The page was made when the alert's budget of 5 s was spent. */
	ck_assert_int_eq(of_pager("pd:shop", NAMED_PAGER_OLDEST), MINUTES(2) - SECONDS(5));
	ck_assert_int_eq(of_pager("pd:shop", NAMED_PAGER_PAUSED), 1);
	ck_assert_int_eq(of_pager("pd:shop", NAMED_PAGER_WORKING), 0);
	ck_assert_int_eq(of_pager("pd:lead", NAMED_PAGER_PAUSED), 1);
	ck_assert_int_eq(of_pager("pd:lead", NAMED_PAGER_WAITING), 0);
	ck_assert_int_eq(metric_value(METRIC_PAGES_OLDEST), MINUTES(2) - SECONDS(5));
	ck_assert(incidents_pause(world->incidents, "pd", "ann", false));
	world_run(world, SECONDS(2));
	ck_assert_int_eq(of_pager("pd:shop", NAMED_PAGER_DELIVERED), 1);
	ck_assert_int_eq(of_pager("pd:shop", NAMED_PAGER_TIME), 1);
	ck_assert_int_eq(of_pager("pd:shop", NAMED_PAGER_WAITING), 0);
	ck_assert_int_eq(of_pager("pd:lead", NAMED_PAGER_WORKING), 1);
	ck_assert_int_eq(metric_value(METRIC_PAGES_OLDEST), 0);
	metrics_write(&text, METRICS_TEXT);
	ck_assert_ptr_nonnull(strstr(buf_text(&text), "_waiting{pager=\"pd:lead\"} 0\n"));
	ck_assert_ptr_null(strstr(buf_text(&text), "pager=\"pd\""));
	buf_fini(&text);
	/* A pager that fails. */
	fake_http_forget(&world->http);
	for (int i = 0; i < 6; i++)
		fire(OTHER);
	world_run(world, MINUTES(5));
	ck_assert_int_eq(of_pager("pd:sre", NAMED_PAGER_FAILING), 1);
	ck_assert_int_eq(of_pager("pd:sre", NAMED_PAGER_WORKING), 0);
	ck_assert_int_ge(of_pager("pd:sre", NAMED_PAGER_RETRIED), LIMIT_BREAKER_FAILURES);
}
END_TEST

START_TEST(pauses_by_entry_and_by_team)
{
	ck_assert(incidents_pause(world->incidents, "pd", "ann", true));
	fire(CART);
	assert_got("key-shop", "", "");
	restart();
	world_run(world, MINUTES(1));
	fire(DISK);
	assert_got("key-shop", "", "");
	assert_got("key-db", "", "");
	ck_assert(incidents_pause(world->incidents, "pd:db", "bob", true));
	ck_assert(incidents_pause(world->incidents, "pd", "ann", false));
	world_run(world, SECONDS(2));
	assert_got("key-shop", "trigger", "");
	assert_got("key-db", "", "");
	ck_assert(incidents_pause(world->incidents, "pd:db", "bob", false));
	world_run(world, SECONDS(2));
	assert_got("key-db", "trigger", "");
}
END_TEST

/* A team that new rules bring is paused with the entry. */
START_TEST(a_pause_holds_for_new_teams)
{
	ck_assert(incidents_pause(world->incidents, "pd", "ann", true));
	change("  db: {routing_key: key-db}\n",
	       "  db: {routing_key: key-db}\n  new: {routing_key: key-new}\n");
	ck_assert(deliver_is_paused(incidents_deliver(world->incidents), "pd:new"));
}
END_TEST

/* The entry's pause is no pause of the team's own: nothing of it stays behind the entry's. */
START_TEST(a_team_resumed_while_its_entry_is_paused_stays_free)
{
	ck_assert(incidents_pause(world->incidents, "pd", "ann", true));
	ck_assert(!incidents_pause(world->incidents, "pd:db", "ann", false));
	ck_assert(incidents_pause(world->incidents, "pd", "ann", false));
	world_run(world, SECONDS(1));
	restart();
	ck_assert(!deliver_is_paused(incidents_deliver(world->incidents), "pd:db"));
	fire(DISK);
	assert_got("key-db", "trigger", "");
}
END_TEST

/* Its page waited at a paused pager, so that nothing has left: the restart changes nothing. */
START_TEST(what_was_handed_on_behind_a_pause_is_told_nothing_after_a_restart)
{
	ck_assert(incidents_pause(world->incidents, "pd", "ann", true));
	fire(CART);
	ck_assert_int_eq(reroute("db"), ACT_DONE);
	restart();
	ck_assert(incidents_pause(world->incidents, "pd", "ann", false));
	world_run(world, MINUTES(1));
	assert_got("key-shop", "", "");
	assert_got("key-db", "trigger", "#2");
}
END_TEST

/* The rules have the team no more, and its page waits as long as the entry is paused. */
START_TEST(a_pause_holds_for_a_team_that_is_gone)
{
	ck_assert(incidents_pause(world->incidents, "pd", "ann", true));
	fire(DISK);
	world_set_rules(world, "teams:\n"
			       "  sre: {escalation: sre, routing_key: key-sre}\n"
			       "pagers:\n"
			       "  pd: {kind: pagerduty, by_team: true, url: \"http://pager/pd\"}\n"
			       "escalations:\n"
			       "  sre: {steps: [{page: [pd]}]}\n"
			       "fallback: {team: sre}\n");
	restart();
	world_run(world, MINUTES(1));
	assert_got("key-db", "", "");
	ck_assert(incidents_pause(world->incidents, "pd", "ann", false));
	world_run(world, SECONDS(2));
	assert_got("key-db", "trigger", "");
	/* Also a page that is made while it is paused. */
	ck_assert(incidents_pause(world->incidents, "pd", "ann", true));
	end(DISK);
	assert_got("key-db", "trigger", "");
	ck_assert(incidents_pause(world->incidents, "pd", "ann", false));
	world_run(world, SECONDS(2));
	assert_got("key-db", "trigger resolve", "");
}
END_TEST

/* The incident's escalation has become one of another team's, for which the team gives nothing: its
 * next step pages the fallback team, at once. */
START_TEST(a_step_that_a_team_cannot_have_pages_the_fallback_team)
{
	fire(CART);
	world_set_rules(world,
			"teams:\n"
			"  shop: {escalation: quiet}\n"
			"  sre: {escalation: sre, routing_key: key-sre}\n"
			"pagers:\n"
			"  pd: {kind: pagerduty, by_team: true, url: \"http://pager/pd\"}\n"
			"  p: {kind: pagerduty, routing_key: key-p, url: \"http://pager/p\"}\n"
			"escalations:\n"
			"  duty: {steps: [{page: [p], wait: 10m}, {page: [pd], wait: 10m}]}\n"
			"  sre: {steps: [{page: [pd]}]}\n"
			"  quiet: {steps: [{page: [p]}]}\n"
			"services:\n"
			"  cart: {owner: shop}\n"
			"fallback: {team: sre}\n");
	world_run(world, MINUTES(11));
	assert_got("key-sre", "trigger", "#2");
	end(CART);
	assert_got("key-shop", "trigger trigger resolve", "");
	assert_got("key-sre", "trigger resolve", "#2");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("by_team");
	TCase *tcase = tcase_create("by_team");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, each_team_is_paged_by_its_key);
	tcase_add_test(tcase, handing_on_resolves_at_the_first_key);
	tcase_add_test(tcase, steps_take_the_key_of_their_team);
	tcase_add_test(tcase, a_reload_leaves_what_was_paged);
	tcase_add_test(tcase, feedback_counts_for_the_team_that_has_the_page);
	tcase_add_test(tcase, one_team_needs_no_number);
	tcase_add_test(tcase, metrics_are_of_teams);
	tcase_add_test(tcase, pauses_by_entry_and_by_team);
	tcase_add_test(tcase, a_pause_holds_for_new_teams);
	tcase_add_test(tcase, a_team_resumed_while_its_entry_is_paused_stays_free);
	tcase_add_test(tcase, what_was_handed_on_behind_a_pause_is_told_nothing_after_a_restart);
	tcase_add_test(tcase, a_pause_holds_for_a_team_that_is_gone);
	tcase_add_test(tcase, a_step_that_a_team_cannot_have_pages_the_fallback_team);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
