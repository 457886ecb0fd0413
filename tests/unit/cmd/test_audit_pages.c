/* cmd: pages and answers, counted from the events of incidents; expected values are worked out by
 * hand. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "relay/cmd/audit_pages-internal.h"
#include "tracepager/clock.h"
#include "tracepager/xalloc.h"

#define MONDAY_9 (INT64_C(1796029200) * US_PER_SECOND) /* 2026-11-30T09:00:00Z */

static struct arena *arena;
static struct page_count count;

static void setup(void)
{
	arena = arena_new(1u << 24);
	page_count_init(&count, arena, NULL);
}

static void teardown(void)
{
	page_count_fini(&count);
	arena_free(arena);
}

static void decided(const char *incident, const char *team, const char *rule, const char *kind)
{
	page_count_decision(
		&count, incident, team,
		&(struct outcome){ .sent = true, .found = true, .rule = rule, .kind = kind });
}

/* An event so many seconds after the incident was opened; team web has it now. */
static void happened(const char *incident, int seconds, const char *event, const char *who,
		     const char *text)
{
	page_count_event(&count, &(struct past_event){ .incident = incident,
						       .team = "web",
						       .opened_us = MONDAY_9,
						       .at_us = MONDAY_9 + seconds * US_PER_SECOND,
						       .event = event,
						       .who = who,
						       .text = text });
}

static const struct page_figures *team(const char *name)
{
	const struct page_figures *figures = map_get(count.team_index, name);

	ck_assert_msg(figures != NULL, "team %s has no page", name);
	return figures;
}

START_TEST(handed_on_is_read)
{
	static const struct {
		const char *text, *from, *to, *reason;
	} texts[] = {
		{ "db -> web: link", "db", "web", "link" },
		{ "db -> web: see: db -> web", "db", "web", "see: db -> web" },
		{ "a b -> c d: ", "a b", "c d", "" },
		{ "db -> web:", "db", "web", "" },
		{ "db -> web", "db", "web", "" },
		{ "db", NULL, NULL, NULL },
		{ " -> web: x", NULL, NULL, NULL },
		{ "db -> : x", NULL, NULL, NULL },
		{ "", NULL, NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct handed_on handed;
		bool is = past_handed_on(arena, texts[i].text, &handed);
		ck_assert_msg(is == (texts[i].from != NULL), "%s", texts[i].text);
		if (!is)
			continue;
		ck_assert_str_eq(handed.from, texts[i].from);
		ck_assert_str_eq(handed.to, texts[i].to);
		ck_assert_str_eq(handed.reason, texts[i].reason);
	}
}
END_TEST

/* Team db is paged and hands it on after 60 s; web acknowledges 30 s later. Each has one page. */
START_TEST(who_hands_on_and_who_gets_it_have_a_page_each)
{
	decided("i", "db", "rules.yaml:7", "span");
	decided("i", "db", "rules.yaml:7", "peer");
	decided("i", "web", "rules.yaml:9", "span");
	happened("i", 0, "opened", "am/x", "");
	happened("i", 1, "paged", "p1", "");
	happened("i", 1, "paged", "p2", "");
	happened("i", 61, "rerouted", "ann", "db -> web: link");
	happened("i", 61, "escalated", "", "run 1 step 1: p3");
	happened("i", 61, "paged", "p3", "");
	happened("i", 91, "acknowledged", "bob", "link");
	happened("i", 95, "acknowledged", "eve", "link");
	happened("i", 200, "resolved", "bob", "");
	page_count_finish(&count);
	const struct page_figures *db = team("db"), *web = team("web");
	ck_assert_int_eq(count.all.pages, 2);
	ck_assert(db->pages == 1 && db->not_ours == 1 && db->false_pages == 1);
	ck_assert(db->handed_in == 0 && web->handed_in == 1 && web->recent == 1);
	ck_assert_int_eq(count.all.open, 0);
	ck_assert(db->acknowledged == 0 && db->unanswered == 0 && db->escalated == 0);
	ck_assert(web->pages == 1 && web->not_ours == 0 && web->false_pages == 0);
	ck_assert(web->acknowledged == 1 && web->resolved_by_people == 1 && web->escalated == 0);
	ck_assert_int_eq(page_figures_wait_us(web, 50), 30 * US_PER_SECOND);
	ck_assert(db->hours[9] == 1 && web->hours[9] == 1 && count.all.hours[9] == 2);
	/* The two decisions for db were wrong, the one for web was not. */
	const struct verdict_figures *rule = count.by_rule.at[0], *kind = count.by_kind.at[0];
	ck_assert_str_eq(rule->name, "rules.yaml:7");
	ck_assert(rule->decisions == 2 && rule->not_ours == 2);
	ck_assert_str_eq(kind->name, "span");
	ck_assert(kind->decisions == 2 && kind->not_ours == 1);
}
END_TEST

/* Resolved by the relay 300 s after it was opened, and 301 s. */
START_TEST(gone_by_itself_means_within_five_minutes)
{
	static const struct {
		const char *id;
		int end;
		bool acked;
	} incidents[] = { { "a", 300, false }, { "b", 301, false }, { "c", 300, true } };

	for (size_t i = 0; i < ARRAY_LEN(incidents); i++) {
		happened(incidents[i].id, 0, "paged", "p", "");
		if (incidents[i].acked)
			happened(incidents[i].id, 9, "acknowledged", "bob", "");
		happened(incidents[i].id, incidents[i].end, "resolved", "", "");
	}
	page_count_finish(&count);
	const struct page_figures *web = team("web"); /* no decision: the incident's row tells */
	ck_assert(web->pages == 3 && web->gone == 2 && web->false_pages == 1);
	ck_assert(web->unanswered == 1 && web->acknowledged == 1);
}
END_TEST

START_TEST(further_steps_are_escalations)
{
	static const char *const texts[] = { "run 1 step 1: p", "the pagers of the route again",
					     "run 1 step 2: p", "run 2 step 1: p",
					     "all runs are over; the fallback team is paged" };
	static const char *const ids[] = { "a", "b", "c", "d", "e" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		happened(ids[i], 0, "paged", "p", "");
		happened(ids[i], 9, "escalated", "", texts[i]);
	}
	page_count_finish(&count);
	ck_assert_int_eq(team("web")->escalated, 3);
	ck_assert_int_eq(team("web")->unanswered, 5);
}
END_TEST

START_TEST(the_last_word_on_use_counts)
{
	happened("a", 0, "paged", "p", "");
	happened("a", 1, "noise", "bob", "");
	happened("b", 0, "paged", "p", "");
	happened("b", 1, "noise", "bob", "");
	happened("b", 2, "useful", "eve", "");
	page_count_finish(&count);
	ck_assert(team("web")->noise == 1 && team("web")->useful == 1);
	ck_assert_int_eq(team("web")->false_pages, 1);
}
END_TEST

/* Late traces lead from db to web: db's page moved, web has one when its pager is asked. */
START_TEST(late_traces_move_a_page)
{
	decided("i", "db", "r:1", "span");
	happened("i", 1, "paged", "p1", "");
	happened("i", 20, "improved", "db", "the same team: nothing moves");
	happened("i", 30, "improved", "web", "");
	happened("i", 30, "acknowledged", "bob", "nobody's page");
	happened("i", 31, "paged", "p2", "");
	page_count_finish(&count);
	ck_assert(team("db")->pages == 1 && team("db")->moved == 1 && team("db")->unanswered == 0);
	ck_assert(team("web")->pages == 1 && team("web")->moved == 0);
	ck_assert_int_eq(count.all.acknowledged, 0);
}
END_TEST

START_TEST(nobody_paged_is_no_page)
{
	happened("i", 0, "opened", "am/x", "");
	happened("i", 5, "acknowledged", "bob", "");
	happened("i", 9, "resolved", "", "");
	decided("old", "db", "r:1", "span"); /* opened before: no event was read */
	page_count_finish(&count);
	ck_assert_int_eq(count.all.pages, 0);
	ck_assert_uint_eq(count.teams.n, 0);
	ck_assert_uint_eq(count.by_rule.n, 0);
	ck_assert_int_eq(page_figures_wait_us(&count.all, 50), -1);
}
END_TEST

START_TEST(ranks_and_shares)
{
	int64_t waits[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
	struct page_figures figures = { .waits_us = waits };

	/* The rank is percent * n / 100, rounded up. */
	figures.nwaits = 10;
	ck_assert_int_eq(page_figures_wait_us(&figures, 50), 5);
	ck_assert_int_eq(page_figures_wait_us(&figures, 90), 9);
	figures.nwaits = 11;
	ck_assert_int_eq(page_figures_wait_us(&figures, 50), 6);
	ck_assert_int_eq(page_figures_wait_us(&figures, 90), 10);
	figures.nwaits = 1;
	ck_assert_int_eq(page_figures_wait_us(&figures, 90), 1);
	ck_assert_int_eq(page_percent(1, 3), 33);
	ck_assert_int_eq(page_percent(2, 3), 67);
	ck_assert_int_eq(page_percent(0, 0), 0);
}
END_TEST

/* At seconds 10 and 20, counted apart from second 15 on; the second one has not ended. */
START_TEST(recent_pages_and_open_incidents_are_counted)
{
	count.recent_us = MONDAY_9 + 15 * US_PER_SECOND;
	happened("a", 10, "paged", "p", "");
	happened("a", 12, "resolved", "bob", "");
	happened("b", 20, "paged", "p", "");
	happened("c", 21, "paged", "p", "");
	happened("c", 22, "moved", "", "into b");
	page_count_finish(&count);
	const struct page_figures *web = team("web");
	ck_assert(web->pages == 3 && web->recent == 2 && web->open == 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("audit_pages");
	TCase *tests = tcase_create("audit_pages");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, handed_on_is_read);
	tcase_add_test(tests, recent_pages_and_open_incidents_are_counted);
	tcase_add_test(tests, who_hands_on_and_who_gets_it_have_a_page_each);
	tcase_add_test(tests, gone_by_itself_means_within_five_minutes);
	tcase_add_test(tests, further_steps_are_escalations);
	tcase_add_test(tests, the_last_word_on_use_counts);
	tcase_add_test(tests, late_traces_move_a_page);
	tcase_add_test(tests, nobody_paged_is_no_page);
	tcase_add_test(tests, ranks_and_shares);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
