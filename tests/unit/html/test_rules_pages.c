/* HTML: the pages about rules: what if; and strangers' texts in them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/html_pages.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* 2026-09-01T10:00:00Z */
#define NOW  INT64_C(1788256800000000)
#define EVIL "</textarea></pre><script>alert(1)</script>\"'&\x1b[31m\xe2\x80\xae"

/* What the reader has pasted stands in the form again as it is. */
#define OWN "</textarea><script>alert(1)</script>"

static struct html html;
static const struct html_frame frame = {
	.title = "T", .tab = HTML_TAB_NONE, .who = "ann", .mark = "m", .now_us = NOW
};

static void setup(void)
{
	html_init(&html, 1 << 20);
}

static void teardown(void)
{
	html_fini(&html);
}

static const char *written(void)
{
	size_t len;
	const char *text = html_markup(&html, &len);

	ck_assert_ptr_nonnull(text);
	return text;
}

static void has(const char *text)
{
	ck_assert_msg(strstr(written(), text) != NULL, "not there: %s in %.4000s", text, written());
}

static void lacks(const char *text)
{
	const char *at = strstr(written(), text);

	ck_assert_msg(!at, "there: %s in %.200s", text, at);
}

static void lacks_evil(void)
{
	lacks("<script>alert");
	lacks("\x1b");
	lacks("\xe2\x80\xae");
	lacks("\"'&");
}

/* ---- what if ---- */

static const struct html_compared rows[] = {
	{ "team", "Owner", "payments", "ledger" },
	{ "severity", "Severity", "critical", "critical" },
	{ "pagers", "Pagers first", "", EVIL },
};
static const struct html_rule_try tries[] = {
	{ "service", "ledger", "shop.yaml:12", "its owner is team ledger" },
	{ "route", "", EVIL ":7", EVIL },
};

static struct html_verdict verdict_of(const char *text)
{
	return (struct html_verdict){ .suspect = text,
				      .operation = text,
				      .kind = text,
				      .callee = text,
				      .error = text,
				      .confidence = 0.9,
				      .fallback = "",
				      .signal_service = text,
				      .signal_operation = text,
				      .signal_from = text,
				      .owner = text,
				      .rule = text,
				      .policy = text };
}

static struct html_what_if what_if_of(const char *text, const struct html_decided *now)
{
	return (struct html_what_if){
		.id = text,
		.alert = OWN,
		.traces = OWN,
		.rules_text = OWN,
		.rules = "force",
		.mark = text,
		.why_not = "",
		.was_title = "As it was decided",
		.now_title = "Under the rules in force",
		.change = text,
		.summary = text,
		.rows = rows,
		.nrows = 3,
		.now = now,
	};
}

START_TEST(what_differs_is_marked)
{
	const struct html_decided now = { .verdict = verdict_of("x"),
					  .matched = tries,
					  .nmatched = 1 };
	const struct html_what_if what_if = what_if_of("payments -> ledger", &now);

	html_what_if_write(&html, &frame, &what_if);
	has("The page changes: <b>payments -&gt; ledger</b>");
	has("<tr class=\"here\"><th scope=\"row\">Owner</th><td data-label=\"As it was "
	    "decided\"><del>payments</del></td>");
	has("<tr><th scope=\"row\">Severity</th>");
	has("<a href=\"/rules?file=shop.yaml&amp;line=12#shop.yaml:12\"><code>shop.yaml:12</code>"
	    "</a>: its owner is team ledger");
	lacks("value=\"shadow\"");
}
END_TEST

START_TEST(places_of_pasted_rules_lead_nowhere)
{
	const struct html_decided now = { .verdict = verdict_of("x"),
					  .matched = tries,
					  .nmatched = 1 };
	struct html_what_if what_if = what_if_of("x", &now);

	what_if.rules = "pasted";
	html_what_if_write(&html, &frame, &what_if);
	has("<b>ledger</b> <code>shop.yaml:12</code>: its owner");
}
END_TEST

START_TEST(texts_of_strangers_stay_texts)
{
	const struct html_decided now = {
		.verdict = verdict_of(EVIL),
		.matched = tries,
		.nmatched = 2,
		.missed = tries,
		.nmissed = 2,
	};
	const struct html_finding finding = { .error = true,
					      .code = EVIL,
					      .file = EVIL,
					      .text = EVIL,
					      .source = EVIL,
					      .hint = EVIL,
					      .line = 3,
					      .column = 4 };
	const char *const notes[] = { EVIL };
	struct html_what_if what_if = what_if_of(EVIL, &now);

	what_if.why_not = EVIL;
	what_if.findings = &finding;
	what_if.nfindings = 1;
	what_if.notes = notes;
	what_if.nnotes = 1;
	html_what_if_write(&html, &frame, &what_if);
	lacks_evil();
	lacks("</textarea></pre>");
	lacks("</textarea><script>");
}
END_TEST

/* ---- rules ---- */

START_TEST(a_line_has_its_number_and_hits)
{
	const struct html_source_line lines[] = { { "routes:", -1 },
						  { "  - page: none", 7 },
						  { "  - page: no", 0 } };
	const struct html_rule one = { "route", "", "shop.yaml:402", 7, 402 };
	const char *const files[] = { "shop.yaml", "a b.yaml" };
	const struct html_rules rules = { .hash = "h",
					  .rules = &one,
					  .nrules = 1,
					  .nall_rules = 3,
					  .nunhit = 2,
					  .files = files,
					  .nfiles = 2,
					  .file = "shop.yaml",
					  .lines = lines,
					  .nlines = 3,
					  .first_line = 401,
					  .all_lines = 900 };

	html_rules_write(&html, &frame, &rules);
	has("<tr class=\"rule\" id=\"shop.yaml:402\"><td class=\"number\">402</td>"
	    "<td class=\"number\" title=\"hits\">7×</td><td>  - page: none</td></tr>");
	has("<tr id=\"shop.yaml:401\"><td class=\"number\">401</td><td></td><td>routes:</td>");
	has("2 of 3 rules had none");
	has("href=\"/rules?file=shop.yaml&amp;line=400#source\">Earlier");
	has("href=\"/rules?file=shop.yaml&amp;line=404#source\">Further");
	has("href=\"/rules?file=a%20b.yaml#source\">a b.yaml</a>");
	has("2 with fewer hits are left out");
}
END_TEST

START_TEST(rules_of_strangers_stay_texts)
{
	const struct html_source_line line = { "<script>alert(1)</script>\"'&", 1 };
	const struct html_rule one = { EVIL, EVIL, EVIL ":1", 7, 1 };
	const char *const files[] = { EVIL, EVIL };
	const struct html_finding finding = { true, EVIL, EVIL, EVIL, EVIL, EVIL, 1, 1 };
	const struct html_rules rules = { .shadow = true,
					  .hash = EVIL,
					  .findings = &finding,
					  .nfindings = 1,
					  .rules = &one,
					  .nrules = 1,
					  .nall_rules = 1,
					  .files = files,
					  .nfiles = 2,
					  .file = EVIL,
					  .lines = &line,
					  .nlines = 1,
					  .first_line = 1,
					  .all_lines = 1 };

	html_rules_write(&html, &frame, &rules);
	lacks_evil();
	has("href=\"/rules?of=shadow&amp;file=");
}
END_TEST

/* ---- teams ---- */

START_TEST(teams_tell_how_they_are_paged)
{
	const struct html_team teams[] = {
		{ "ledger", "The ledger", 2, 40, 8, 30, 5, 1, 3, 4, 6, 150000000 },
		{ "a/b", "", 0, 0, 0, 0, 0, 0, 0, 0, 0, -1 },
	};
	const struct html_teams list = { .teams = teams, .nteams = 2, .nall = 5 };

	html_teams_write(&html, &frame, &list);
	has("<a href=\"/teams/ledger\">ledger</a><span class=\"env\">The ledger</span>");
	has("data-label=\"Pages, 7 days\">8</td>");
	has("data-label=\"Acknowledged\">75 %</td>");
	has("data-label=\"Median time to it\">2 min</td>");
	has("<a href=\"/teams/a%2Fb\">a/b</a><span class=\"env\">not in the rules any more");
	has("data-label=\"Acknowledged\">–</td>");
	has("3 teams with fewer pages are left out");
}
END_TEST

START_TEST(a_team_has_its_escalation_in_words)
{
	const char *const pagers[] = { "led", "mail" };
	const struct html_team_step steps[] = { { pagers, 2, 600000000 },
						{ pagers, 1, 900000000 } };
	const struct html_team_pager states[] = {
		{ "led", "slack", "", true, 1 }, { "mail", "email", "ann since 03:00", false, 0 }
	};
	const struct html_rule_try service = { "", "books", "shop.yaml:9", "" };
	struct html_team_page page = {
		.team = { .name = "ledger", .title = "ledger", .wait_us = -1 },
		.channel = "#ledger",
		.location = "Europe/Berlin",
		.place = "shop.yaml:2",
		.policy = "ledger",
		.steps = steps,
		.nsteps = 2,
		.repeat = 2,
		.pagers = states,
		.npagers = 2,
		.services = &service,
		.nservices = 1,
		.nall_services = 1,
	};

	html_team_write(&html, &frame, &page);
	has("<li>led, mail; after 10 min without an answer: the next step</li>");
	has("<li>led; after 15 min without an answer: all steps again, 2 times, and then the "
	    "fallback team</li>");
	has("<b>led</b> (slack): <b class=\"state open\">failing</b>; <a href=\"/queue\">1 page "
	    "waits</a>");
	has("<b>mail</b> (email): <b class=\"state open\">paused</b> by ann since 03:00");
	has("<li>books <a href=\"/rules?file=shop.yaml&amp;line=9#shop.yaml:9\">");
}
END_TEST

START_TEST(teams_of_strangers_stay_texts)
{
	const struct html_team team = { .name = EVIL, .title = EVIL };
	const struct html_teams list = { .teams = &team, .nteams = 1, .nall = 1 };
	const char *const pagers[] = { EVIL };
	const struct html_team_step step = { pagers, 1, 1 };
	const struct html_team_pager state = { EVIL, EVIL, EVIL, true, 1 };
	const struct html_rule_try service = { EVIL, EVIL, EVIL ":3", EVIL };
	const struct html_team_page page = { .team = team,
					     .channel = EVIL,
					     .location = EVIL,
					     .place = EVIL ":1",
					     .policy = EVIL,
					     .steps = &step,
					     .nsteps = 1,
					     .pagers = &state,
					     .npagers = 1,
					     .services = &service,
					     .nservices = 1,
					     .nall_services = 1 };

	html_teams_write(&html, &frame, &list);
	html_team_write(&html, &frame, &page);
	lacks_evil();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rules pages");
	TCase *tcase = tcase_create("rules pages");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_differs_is_marked);
	tcase_add_test(tcase, places_of_pasted_rules_lead_nowhere);
	tcase_add_test(tcase, texts_of_strangers_stay_texts);
	tcase_add_test(tcase, a_line_has_its_number_and_hits);
	tcase_add_test(tcase, rules_of_strangers_stay_texts);
	tcase_add_test(tcase, teams_tell_how_they_are_paged);
	tcase_add_test(tcase, a_team_has_its_escalation_in_words);
	tcase_add_test(tcase, teams_of_strangers_stay_texts);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
