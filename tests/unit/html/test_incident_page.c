/* HTML: the page of an incident: its trace as SVG, its verdict, its alerts, and strangers' texts.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/html_pages.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* 2026-09-01T10:00:00Z */
#define NOW  INT64_C(1788256800000000)
#define EVIL "<script>alert(1)</script>\"'&\x1b[31m\xe2\x80\xae"

static struct html html;

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
	ck_assert_msg(strstr(written(), text) != NULL, "not there: %s in %s", text, written());
}

static void lacks(const char *text)
{
	ck_assert_msg(!strstr(written(), text), "there: %s in %s", text, written());
}

/* ---- the trace ---- */

static const struct html_span_fact facts[] = { { "http.route", "/orders" } };
static const char *const trace_ids[] = { "t1", "t/2" };

static struct html_trace trace_of(const struct html_span *spans, size_t n)
{
	return (struct html_trace){ .id = "t1",
				    .spans = spans,
				    .nspans = n,
				    .total = 40,
				    .failing = 2,
				    .duration_us = 100000,
				    .others = trace_ids,
				    .nothers = 2 };
}

START_TEST(a_span_is_a_row)
{
	const struct html_span spans[] = {
		{ .id = "a",
		  .service = "web",
		  .operation = "POST /orders",
		  .kind = "server",
		  .duration_us = 100000 },
		{ .id = "b 1",
		  .service = "ledger",
		  .operation = "Book",
		  .kind = "client",
		  .error = "disk full",
		  .after_us = 25000,
		  .duration_us = 50000,
		  .depth = 1,
		  .failing = true,
		  .on_path = true,
		  .is_end = true,
		  .facts = facts,
		  .nfacts = 1 },
	};
	const struct html_trace trace = trace_of(spans, 2);

	html_waterfall(&html, &trace);
	/* Names take 380 units, bars 600: a quarter of the time is 150 units to the right. */
	has("<rect class=\"bar\" rx=\"2\" height=\"12\" y=\"29\" x=\"380\" width=\"600\"/>");
	has("<rect class=\"bar\" rx=\"2\" height=\"12\" y=\"51\" x=\"530\" width=\"300\"/>");
	has("class=\"row path failing end\"><title>ledger Book: disk full</title>");
	has("<div class=\"span end\" id=\"span-b 1\"><h3>ledger Book</h3>");
	has("The path ends at <a href=\"#span-b%201\">ledger Book</a>: disk full</p>");
	has("<dt><code>http.route</code></dt><dd>/orders</dd>");
	has("href=\"?trace=t1&amp;span=b%201#trace\"");
	has("40 spans, 2 failed; 2 are shown");
	has("<b>1</b> <a href=\"?trace=t%2F2#trace\">2</a>");
	lacks("Show the whole trace");
}
END_TEST

/* A span that ends before it begins, or behind the trace, stays within the drawing. */
START_TEST(times_out_of_the_trace_stay_in_the_drawing)
{
	const struct html_span spans[] = {
		{ .id = "a",
		  .service = "s",
		  .operation = "o",
		  .kind = "",
		  .after_us = -5000,
		  .duration_us = 900000 },
		{ .id = "b",
		  .service = "s",
		  .operation = "o",
		  .kind = "",
		  .after_us = 500000,
		  .duration_us = 0 },
	};
	struct html_trace trace = trace_of(spans, 2);

	trace.zoomed = "a";
	html_waterfall(&html, &trace);
	has("x=\"380\" width=\"600\"/>");
	has("x=\"980\" width=\"2\"/>");
	has(">Show the whole trace</a>");
	html_fini(&html);
	html_init(&html, 1 << 20);
	trace.duration_us = 0;
	html_waterfall(&html, &trace);
	lacks("nan");
	lacks("inf");
}
END_TEST

/* ---- verdict and alerts ---- */

START_TEST(the_verdict_tells_what_speaks_for_and_against)
{
	static const struct html_runner_up others[] = { { "stock", "", 2 }, { "web", "cache", 1 } };
	static const struct html_limit limits[] = { { "few healthy traces", 0.6 }, { "odd", 0 } };
	static const char *const reasons[] = { "began at web" };

	html_verdict(&html, &(struct html_verdict){ .suspect = "ledger",
						    .operation = "Book",
						    .kind = "span",
						    .callee = "",
						    .error = "disk full",
						    .confidence = 0.9,
						    .agree = 5,
						    .of = 8,
						    .fallback = "",
						    .runners_up = others,
						    .nrunners_up = 2,
						    .limits = limits,
						    .nlimits = 2,
						    .reasons = reasons,
						    .nreasons = 1,
						    .signal_service = "web",
						    .signal_operation = "POST /",
						    .signal_from = "rule",
						    .owner = "ledger",
						    .rule = "shop.yaml:12",
						    .policy = "" });
	has("<b>ledger</b> Book</dd>");
	has("0.90: 5 of 8 traces agree");
	has("stock (2 of 8), web → cache (1 of 8)");
	has("<li>few healthy traces (at most 0.60)</li><li>odd</li>");
	has("team <b>ledger</b>, by <a href=\"/rules?file=shop.yaml&amp;line=12#shop.yaml:12\">"
	    "<code>shop.yaml:12</code></a></dd>");
}
END_TEST

START_TEST(without_a_cause_it_says_why)
{
	html_verdict(&html, &(struct html_verdict){ .suspect = "",
						    .operation = "",
						    .kind = "",
						    .callee = "",
						    .error = "",
						    .fallback = "no trace was found",
						    .signal_service = "",
						    .signal_operation = "",
						    .signal_from = "",
						    .owner = "",
						    .rule = "",
						    .policy = "" });
	has("<dt>No cause is named</dt><dd>no trace was found</dd>");
	lacks("Suspect");
	lacks("<meter");
}
END_TEST

/* ---- the whole, with texts of strangers in every place ---- */

static const struct html_frame frame = { .title = EVIL,
					 .tab = HTML_TAB_NONE,
					 .who = EVIL,
					 .may_act = true,
					 .has_session = true,
					 .mark = "M",
					 .notice = EVIL,
					 .not_ready = EVIL,
					 .now_us = NOW };

static struct html_incident whole(struct incident_view *view, struct page *page)
{
	static const struct html_span_fact evil_fact[] = { { EVIL, EVIL }, { "env", "prod" } },
					   other_fact[] = { { EVIL, "other" }, { "env", "prod" } };
	static const struct html_span spans[] = { { .id = EVIL,
						    .service = EVIL,
						    .operation = EVIL,
						    .kind = EVIL,
						    .error = EVIL,
						    .failing = true,
						    .facts = evil_fact,
						    .nfacts = 1 } };
	static const char *const texts[] = { EVIL };
	static const struct html_trace trace = { .id = EVIL,
						 .spans = spans,
						 .nspans = 1,
						 .total = 2,
						 .zoomed = EVIL,
						 .others = texts,
						 .nothers = 1 };
	static const struct html_runner_up others[] = { { EVIL, EVIL, 1 } };
	static const struct html_limit limits[] = { { EVIL, 0.5 } };
	static const struct html_verdict verdict = { .suspect = EVIL,
						     .operation = EVIL,
						     .kind = EVIL,
						     .callee = EVIL,
						     .error = EVIL,
						     .fallback = "",
						     .runners_up = others,
						     .nrunners_up = 1,
						     .limits = limits,
						     .nlimits = 1,
						     .differences = texts,
						     .ndifferences = 1,
						     .reasons = texts,
						     .nreasons = 1,
						     .signal_service = EVIL,
						     .signal_operation = EVIL,
						     .signal_from = EVIL,
						     .owner = EVIL,
						     .rule = EVIL,
						     .owner_reasons = texts,
						     .nowner_reasons = 1,
						     .policy = EVIL };
	static const struct html_event events[] = { { NOW, EVIL, EVIL, EVIL } };
	static const struct html_alert alerts[] = { { EVIL, EVIL, NOW, evil_fact, 2 },
						    { "b", "firing", 0, other_fact, 2 } };
	/* The text was made plain when it was taken. */
	static const struct html_note notes[] = {
		{ EVIL, "<script>alert(2)</script>\n\n* [b](c)", "javascript:alert(4)", EVIL, NOW },
		{ "second", "", "https://analysis.example/a?b=c&d=\"", "", 0 },
	};
	static const struct incident_view_recipient recipients[] = {
		{ .pager = EVIL, .role = EVIL, .state = EVIL, .n = 1 }
	};

	*page = (struct page){ .why = EVIL,
			       .evidence = EVIL,
			       .labels = EVIL,
			       .environment = EVIL,
			       .banner = EVIL,
			       .path = EVIL,
			       .could_be = EVIL,
			       .what_differs = EVIL,
			       .differs = EVIL,
			       .instance = EVIL,
			       .also_paged = EVIL,
			       .what_to_do = EVIL,
			       .waterfall = "",
			       .escalates = EVIL ": " EVIL,
			       .links = { { EVIL, "javascript:alert(1)" },
					  { EVIL, "https://a/" EVIL } },
			       .nlinks = 2 };
	*view = (struct incident_view){ .id = EVIL,
					.team = EVIL,
					.state = "open",
					.summary = EVIL,
					.severity = SEVERITY_ERROR,
					.opened_us = NOW,
					.due_us = NOW + 60,
					.acked_by = EVIL,
					.next_team = EVIL,
					.nalerts = 5,
					.nfiring = 1,
					.silenced = NULL,
					.recipients = recipients,
					.nrecipients = 1,
					.page = page };
	return (struct html_incident){ .view = view,
				       .notes = notes,
				       .nnotes = 2,
				       .events = events,
				       .nevents = 1,
				       .verdict = &verdict,
				       .trace = &trace,
				       .no_trace = EVIL,
				       .alerts = alerts,
				       .nalerts = 2,
				       .mark = EVIL,
				       .text = "<" };
}

START_TEST(texts_of_strangers_stay_texts)
{
	struct incident_view view;
	struct page page;
	const struct html_incident incident = whole(&view, &page);

	html_incident_write(&html, &frame, &incident);
	lacks("<script>alert");
	lacks("\x1b");
	lacks("\xe2\x80\xae");
	lacks("javascript:");
	/* Quotes end no attribute: each is escaped. */
	lacks("script>\"");
	lacks("\"'&");
	has("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;");
}
END_TEST

START_TEST(alerts_tell_what_they_share_once)
{
	struct incident_view view;
	struct page page;
	const struct html_incident incident = whole(&view, &page);
	const char *at, *table;

	html_incident_write(&html, &frame, &incident);
	has("<p>All have <span class=\"label\"><span>env</span>prod</span>");
	at = strstr(written(), "<p>All have");
	table = strstr(at, "<tbody>");
	ck_assert_ptr_null(strstr(table, "<span>env</span>prod"));
	has("3 more are not shown.");
}
END_TEST

START_TEST(who_may_only_read_has_no_form)
{
	struct html_frame reader = frame;
	struct incident_view view;
	struct page page;
	const struct html_incident incident = whole(&view, &page);

	reader.may_act = false;
	html_incident_write(&html, &reader, &incident);
	lacks("name=\"act\"");
	has("(reads only)");
}
END_TEST

/* Whoever opens the page reads these before the form: what to do, where, and who was paged. */
START_TEST(what_to_do_is_before_the_form)
{
	static const struct incident_view_recipient recipients[] = {
		{ .pager = "duty", .role = "owner", .state = "refused", .n = 1 },
		{ .pager = "lead", .role = "fallback", .state = "asked", .n = 1 },
	};
	struct incident_view view;
	struct page page;
	const struct html_incident incident = whole(&view, &page);
	const char *form;

	view.acked_by = "";
	view.recipients = recipients;
	view.nrecipients = 2;
	page.what_to_do = "follow the runbook";
	page.banner = "DRILL: nothing is broken";
	html_incident_write(&html, &frame, &incident);
	form = strstr(written(), "<form class=\"acts\"");
	ck_assert_ptr_nonnull(form);
	ck_assert(strstr(written(), "<b>What to do:</b> follow the runbook</p>") < form);
	ck_assert(strstr(written(), "<p class=\"advice\">DRILL: nothing is broken</p>") < form);
	ck_assert(strstr(written(), "<p class=\"links\"><a ") < form);
	has("<b>What to do:</b>");
	has("<p class=\"advice\">");
	has("<p class=\"links\">");
	has("<p>Paged: <b>duty</b> (refused the page), <b>lead</b> (no answer yet)</p>");
	has("<span class=\"severity error\">error</span> team ");
	has(" · 5 alerts, 1 firing</p>");
	has("<p class=\"state open\">Nobody has it yet</p>");
	lacks("class=\"alarm\"");
}
END_TEST

START_TEST(an_incident_that_reached_nobody_alarms)
{
	struct incident_view view;
	struct page page;
	const struct html_incident incident = whole(&view, &page);

	view.acked_by = "";
	view.team = "ledger";
	view.unreached = true;
	html_incident_write(&html, &frame, &incident);
	has("<p class=\"alarm\"><b>Nobody has it: no pager has taken its page.</b> Call somebody "
	    "of "
	    "team ledger, or press");
	lacks("class=\"state open\">Nobody");
}
END_TEST

START_TEST(a_holding_incident_is_not_shown_as_open)
{
	struct incident_view view;
	struct page page;
	const struct html_incident incident = whole(&view, &page);

	view.acked_by = "";
	view.state = "holding";
	html_incident_write(&html, &frame, &incident);
	has("<p class=\"state taken\">Its alerts have ended; nobody took it</p>");
	lacks("Nobody has it yet");
}
END_TEST

START_TEST(notes_are_shown_as_they_are)
{
	struct incident_view view;
	struct page page;
	struct html_incident incident = whole(&view, &page);

	html_incident_write(&html, &frame, &incident);
	has("<h2 id=\"notes\">Notes from outside</h2>");
	has("<pre class=\"words\">&lt;script&gt;alert(2)&lt;/script&gt;\n\n* "
	    "[b](c)</pre>");
	lacks("href=\"javascript:");
	has("<summary>second</summary>");
	has("href=\"https://analysis.example/a?b=c&amp;d=&quot;\"");
	html_fini(&html);
	html_init(&html, 1 << 20);
	incident.nnotes = 0;
	html_incident_write(&html, &frame, &incident);
	lacks("Notes from outside");
}
END_TEST

START_TEST(what_is_over_has_no_deadline)
{
	struct incident_view view;
	struct page page;
	const struct html_incident incident = whole(&view, &page);

	view.state = "closed";
	html_incident_write(&html, &frame, &incident);
	lacks("value=\"acknowledge\"");
	lacks("value=\"resolve\"");
	has("value=\"comment\"");
	has("It is over");
	lacks("What to do:");
	lacks("<p>Paged: ");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("incident page");
	TCase *tcase = tcase_create("incident page");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_span_is_a_row);
	tcase_add_test(tcase, times_out_of_the_trace_stay_in_the_drawing);
	tcase_add_test(tcase, the_verdict_tells_what_speaks_for_and_against);
	tcase_add_test(tcase, without_a_cause_it_says_why);
	tcase_add_test(tcase, texts_of_strangers_stay_texts);
	tcase_add_test(tcase, alerts_tell_what_they_share_once);
	tcase_add_test(tcase, who_may_only_read_has_no_form);
	tcase_add_test(tcase, what_to_do_is_before_the_form);
	tcase_add_test(tcase, an_incident_that_reached_nobody_alarms);
	tcase_add_test(tcase, a_holding_incident_is_not_shown_as_open);
	tcase_add_test(tcase, notes_are_shown_as_they_are);
	tcase_add_test(tcase, what_is_over_has_no_deadline);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
