/* HTML: the page behind a link: what it says in each state, its buttons, and strangers' texts. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/html.h"
#include "tracepager/html_pages.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define HOUR US_PER_HOUR
/* 2026-09-01T10:00:00Z */
#define NOW INT64_C(1788256800000000)

static struct page facts;
static struct incident_view view;
static struct link_page shown;
static struct html out;

static void setup(void)
{
	facts = (struct page){ .since_us = NOW - HOUR / 5,
			       .why = "team ledger owns ledger (rules.yaml:24)",
			       .path = "web > ledger",
			       .could_be = "stock (2 of 5 traces)",
			       .escalates = "2026-09-01T10:08:00Z: pages ledger-lead",
			       .next_owners = "payment\towns payment, a runner-up\nshop\towns the "
					      "signal\n",
			       .links = { { "Runbook", "https://wiki.example/ledger?a=b&c=d" } },
			       .nlinks = 1,
			       .environment = "prod eu1" };
	view = (struct incident_view){ .id = "i1",
				       .team = "ledger",
				       .state = "open",
				       .summary = "Database ledger refuses",
				       .severity = SEVERITY_CRITICAL,
				       .opened_us = NOW - HOUR / 6,
				       .due_us = NOW + 8 * US_PER_MINUTE,
				       .acked_by = "",
				       .next_team = "payment",
				       .page = &facts };
	shown = (struct link_page){ .view = &view,
				    .incident = "i1",
				    .token = "TOKEN",
				    .mark = "MARK",
				    .nonce = "00ff",
				    .pager = "ledger-pager",
				    .notice = "",
				    .who = "",
				    .text = "",
				    .now_us = NOW };
	html_init(&out, 1 << 20);
}

static void teardown(void)
{
	html_fini(&out);
}

static const char *out_text(void)
{
	size_t len;
	const char *text = html_markup(&out, &len);

	ck_assert_ptr_nonnull(text);
	return text;
}

static const char *page_text(void)
{
	html_fini(&out);
	html_init(&out, 1 << 20);
	link_page_write(&out, &shown);
	return out_text();
}

static void check_has(const char *text)
{
	if (!strstr(page_text(), text))
		ck_abort_msg("not there: \"%s\" in %.1200s", text, strstr(out_text(), "<main>"));
}

static void check_lacks(const char *text)
{
	if (strstr(page_text(), text))
		ck_abort_msg("there: \"%s\" in %.1200s", text, strstr(out_text(), text));
}

START_TEST(it_says_what_a_person_needs)
{
	check_has("<h1>Database ledger refuses</h1>");
	check_has("<p>critical · team ledger · since 09:48 UTC, for 12 min · prod eu1</p>");
	check_has("Nobody has it yet");
	check_has("Unless somebody takes it: pages ledger-lead at 10:08 UTC, in 8 min.");
	check_has("<dt>Why you</dt><dd>team ledger owns ledger (rules.yaml:24)</dd>");
	check_has("<dt>Path</dt><dd>web &gt; ledger</dd>");
	check_has("<dt>Could be</dt><dd>stock (2 of 5 traces)</dd>");
	check_has("href=\"https://wiki.example/ledger?a=b&amp;c=d\">Runbook</a>");
	check_has("page sent to ledger-pager");
	check_has("<style nonce=\"00ff\">");
	check_has("width=device-width");
	check_lacks("<script");
	check_lacks("http-equiv");
}
END_TEST

START_TEST(its_form_has_the_token_and_the_mark)
{
	check_has("<form method=\"post\" action=\"i1\"");
	check_has("name=\"t\" value=\"TOKEN\"");
	check_has("name=\"n\" value=\"MARK\"");
	check_has("name=\"from\" value=\"ledger\"");
	/* The first button is what the return key presses: it does nothing. */
	const char *first = strstr(page_text(), "<button");
	ck_assert_int_eq(strncmp(first, "<button disabled hidden>", 24), 0);
}
END_TEST

static const struct {
	const char *state, *acked_by, *says, *lacks;
	bool acknowledges, ends; /* has the buttons */
} states[] = {
	{ "open", "", "Nobody has it yet", "is over", true, true },
	{ "acknowledged", "ann", "ann has it", "Unless somebody", true, true },
	{ "holding", "", "It resolves by itself at 10:08 UTC, in 8 min.", "Unless", true, true },
	{ "holding", "ann", "ann has it", "Unless", true, true },
	{ "resolved", "ann", "It is over since 09:59 UTC", "in 8 min", false, false },
	{ "closed", "", "It is over since 09:59 UTC", "in 8 min", false, false },
	{ "moved", "", "It has moved to another incident, which team shop has", "in 8 min", false,
	  false },
};

START_TEST(it_says_who_has_it)
{
	view.state = states[_i].state;
	view.acked_by = states[_i].acked_by;
	view.closed_us = states[_i].ends ? 0 : NOW - US_PER_MINUTE;
	facts.moved_to_team = "shop";
	check_has(states[_i].says);
	check_lacks(states[_i].lacks);
	ck_assert_int_eq(strstr(page_text(), ">I have it<") != NULL, states[_i].acknowledges);
	ck_assert_int_eq(strstr(page_text(), ">Resolve<") != NULL, states[_i].ends);
	ck_assert_int_eq(strstr(page_text(), ">Not ours: page") != NULL, states[_i].ends);
	check_has(">Comment<");
	check_has(">Useful<");
	check_has(">Noise<");
}
END_TEST

START_TEST(it_says_that_nobody_was_reached)
{
	view.unreached = true;
	check_has("Nobody has it: no pager has taken its page");
}
END_TEST

/* "Not ours" goes down the list; teams before the present one have said no. */
START_TEST(it_names_the_team_that_is_paged_next)
{
	check_has(">Not ours: page team payment<");
	view.next_team = "a<b";
	check_has(">Not ours: page team a&lt;b<");
	view.next_team = NULL;
	check_has("The rules know no further team for it.");
	ck_assert_ptr_null(strstr(page_text(), ">Not ours"));
}
END_TEST

START_TEST(who_has_handed_it_on_may_only_comment)
{
	static const struct incident_view_recipient recipients[] = {
		{ .pager = "ledger-pager", .state = "told", .n = 1 },
		{ .pager = "shop-pager", .state = "reached", .n = 1 },
	};

	view.recipients = recipients;
	view.nrecipients = 2;
	check_has("Team ledger has the incident now.");
	ck_assert_ptr_null(strstr(page_text(), ">I have it<"));
	ck_assert_ptr_null(strstr(page_text(), ">Resolve<"));
	shown.pager = "shop-pager";
	check_has(">I have it<");
	check_has(">Resolve<");
}
END_TEST

START_TEST(another_day_has_its_date)
{
	view.due_us = NOW + 20 * HOUR;
	check_has("pages ledger-lead at 2026-09-02 06:00 UTC, in 20.0 h.");
	view.due_us = NOW - 1;
	check_has("pages ledger-lead now.");
}
END_TEST

START_TEST(a_notice_stands_first)
{
	shown.notice = "Kept: <you> have it";
	check_has("<main>\n<p class=\"notice\" role=\"status\">Kept: &lt;you&gt; have it</p>");
	shown.refused = true;
	shown.who = "Ann \"X\"";
	shown.text = "a\n</textarea><b>";
	check_has("<p class=\"notice bad\"");
	check_has("value=\"Ann &quot;X&quot;\"");
	check_has("rows=\"2\" maxlength=\"500\">a\n&lt;/textarea&gt;&lt;b&gt;</textarea>");
}
END_TEST

#define BAD	"<i onx='1' ony=\"2\">&\x1b[31m\xe2\x80\xae\x01z"
#define ESCAPED "&lt;i onx=&#39;1&#39; ony=&quot;2&quot;&gt;&amp;"

START_TEST(texts_of_strangers_are_harmless)
{
	view.summary = view.team = view.acked_by = view.id = BAD;
	facts = (struct page){ .why = BAD,
			       .path = BAD,
			       .could_be = BAD,
			       .banner = BAD,
			       .evidence = BAD,
			       .limits = BAD,
			       .what_differs = BAD,
			       .differs = BAD,
			       .labels = BAD,
			       .instance = BAD,
			       .what_to_do = BAD,
			       .also_paged = BAD,
			       .environment = BAD,
			       .next_owners = "<i>\tx\n",
			       .escalates = "x: " BAD,
			       .waterfall = "<i>\n  <b>",
			       .links = { { BAD, "javascript:alert(1)" },
					  { BAD, "https://a.example/\"><i>" } },
			       .nlinks = 2 };
	shown.pager = shown.who = BAD;
	const char *text = page_text();
	for (const char *c = text; *c; c++)
		ck_assert((unsigned char)*c >= ' ' || *c == '\n');
	check_lacks("<i>");
	check_lacks("<i ");
	check_lacks("<b>");
	check_lacks("\xe2\x80\xae");
	check_lacks("javascript:");
	check_has("<h1>" ESCAPED);
	check_has("<pre tabindex=\"0\">&lt;i&gt;\n  &lt;b&gt;</pre>");
	check_has("href=\"https://a.example/&quot;&gt;&lt;i&gt;\"");
}
END_TEST

START_TEST(it_says_that_it_is_silenced)
{
	check_has(">Silence for 1 hour<");
	view.silenced = "3f2a9b1c";
	view.due_us = 0; /* its clock stands still */
	facts.banner = "silenced until 2026-09-01T11:00:00Z by ann: move (silence 3f2a9b1c)";
	check_has("It is silenced by 3f2a9b1c</p>");
	check_has("<dd>silenced until 2026-09-01T11:00:00Z by ann: move (silence 3f2a9b1c)</dd>");
	check_lacks(">Silence for 1 hour<");
	check_lacks("Unless somebody");
	check_has(">I have it<");
	view.acked_by = "eve";
	check_has("eve has it");
	view.state = "resolved";
	view.silenced = NULL;
	check_lacks(">Silence for 1 hour<");
}
END_TEST

START_TEST(a_message_is_a_page)
{
	link_message_write(&out, "00ff", "This link <is> not valid", "Open it again & whole.");
	ck_assert_ptr_nonnull(strstr(out_text(), "<h1>This link &lt;is&gt; not valid</h1>"));
	ck_assert_ptr_nonnull(strstr(out_text(), "<p>Open it again &amp; whole.</p>"));
	ck_assert_ptr_nonnull(strstr(out_text(), "<title>This link &lt;is&gt;"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link page");
	TCase *group = tcase_create("link page");

	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, it_says_what_a_person_needs);
	tcase_add_test(group, its_form_has_the_token_and_the_mark);
	tcase_add_loop_test(group, it_says_who_has_it, 0, (int)ARRAY_LEN(states));
	tcase_add_test(group, it_says_that_nobody_was_reached);
	tcase_add_test(group, it_names_the_team_that_is_paged_next);
	tcase_add_test(group, who_has_handed_it_on_may_only_comment);
	tcase_add_test(group, another_day_has_its_date);
	tcase_add_test(group, a_notice_stands_first);
	tcase_add_test(group, texts_of_strangers_are_harmless);
	tcase_add_test(group, it_says_that_it_is_silenced);
	tcase_add_test(group, a_message_is_a_page);
	suite_add_tcase(suite, group);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
