/* HTML: texts of strangers in each place, numbers and times; and the list of open incidents. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/html_pages.h"
#include "tracepager/limits.h"

/* 2026-09-01T10:00:00Z */
#define NOW INT64_C(1788256800000000)

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
	ck_assert_uint_eq(len, strlen(text));
	return text;
}

START_TEST(a_text_is_no_markup)
{
	html_text(&html, "<script>\"a\" & 'b'</script>\x1b[31m\xe2\x80\xae red\nline");
	ck_assert_str_eq(written(),
			 "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt; red line");
}
END_TEST

START_TEST(a_text_is_cut)
{
	html_text_cut(&html, "abcdef", 4);
	ck_assert_str_eq(written(), "abc…");
}
END_TEST

START_TEST(lines_stay)
{
	html_lines(&html, "\na <b>\n  c\x01");
	ck_assert_str_eq(written(), "\n\na &lt;b&gt;\n  c");
}
END_TEST

START_TEST(a_part_of_a_url_is_escaped)
{
	html_url_part(&html, "a/b?c=\"é\"&..~-_");
	ck_assert_str_eq(written(), "a%2Fb%3Fc%3D%22%C3%A9%22%26..~-_");
}
END_TEST

START_TEST(only_http_is_linked)
{
	html_link(&html, "https://a/?b=\"&c", "x<y");
	html_link(&html, "javascript:alert(1)", "<no>");
	html_link(&html, NULL, "none");
	ck_assert_str_eq(written(),
			 "<a rel=\"noreferrer noopener\" href=\"https://a/?b=&quot;&amp;c\">"
			 "x&lt;y</a>&lt;no&gt;none");
}
END_TEST

START_TEST(numbers)
{
	static const struct {
		double number;
		const char *text;
	} cases[] = { { 0, "0" },	 { 1.5, "1.5" }, { 100, "100" },    { -0.001, "0" },
		      { 2.345, "2.35" }, { 1e12, "0" },	 { -7.25, "-7.25" } };

	html_real(&html, cases[_i].number);
	/* 2.345 has no exact form: either neighbour is right. */
	if (cases[_i].number == 2.345)
		ck_assert(strcmp(written(), "2.35") == 0 || strcmp(written(), "2.34") == 0);
	else
		ck_assert_str_eq(written(), cases[_i].text);
}
END_TEST

START_TEST(what_is_no_number_is_0)
{
	html_real(&html, NAN);
	html_real(&html, INFINITY);
	ck_assert_str_eq(written(), "00");
}
END_TEST

START_TEST(times)
{
	html_time(&html, NOW - US_PER_HOUR, NOW);
	HTML(&html, " ");
	html_clock(&html, NOW - US_PER_DAY, NOW);
	HTML(&html, " ");
	html_time(&html, 0, NOW);
	ck_assert_str_eq(written(), "<time datetime=\"2026-09-01T09:00:00Z\">09:00 UTC</time> "
				    "2026-08-31 10:00 UTC never");
}
END_TEST

START_TEST(ages)
{
	html_age(&html, -5);
	HTML(&html, ",");
	html_age(&html, 59 * US_PER_SECOND + 999);
	HTML(&html, ",");
	html_age(&html, 119 * US_PER_SECOND);
	HTML(&html, ",");
	html_age(&html, 12 * US_PER_MINUTE + 30 * US_PER_SECOND);
	ck_assert_str_eq(written(), "0 s,59 s,1 min,12 min");
}
END_TEST

START_TEST(over_its_cap_there_is_nothing)
{
	struct html small;
	size_t len;

	html_init(&small, 4);
	HTML(&small, "12345");
	ck_assert_ptr_null(html_markup(&small, &len));
	html_fini(&small);
}
END_TEST

/* ---- the list ---- */

static struct html_incident_row row = { .id = "i/1",
					.team = "<ledger>",
					.state = "open",
					.summary = "Database <b>refuses</b>",
					.acked_by = "",
					.severity = SEVERITY_CRITICAL,
					.since_us = NOW - 12 * US_PER_MINUTE,
					.due_us = NOW + 8 * US_PER_MINUTE,
					.nalerts = 3,
					.nfiring = 2 };

static const char *list_text(size_t nrows, size_t nfound, const char *team)
{
	const struct html_frame frame = { .title = "Open incidents",
					  .tab = HTML_TAB_INCIDENTS,
					  .who = "ann",
					  .may_act = true,
					  .mark = "MARK",
					  .now_us = NOW };
	const struct html_incident_list list = { .rows = &row,
						 .nrows = nrows,
						 .nopen = 5,
						 .nfound = nfound,
						 .team = team,
						 .severity = "",
						 .state = "",
						 .sort = "" };

	html_incidents_write(&html, &frame, &list);
	return written();
}

/* What changes between the page and its first question is told: the address says what it shows. */
START_TEST(a_page_that_follows_says_from_where)
{
	struct html_frame frame = {
		.title = "Open incidents", .who = "ann", .mark = "MARK", .changes = 7, .now_us = NOW
	};

	html_frame_begin(&html, &frame);
	ck_assert_ptr_null(strstr(written(), "data-live"));
	frame.live = true;
	html_frame_begin(&html, &frame);
	ck_assert_ptr_nonnull(strstr(written(), "<body data-live=\"/events?since=7\">"));
}
END_TEST

static void list_has(const char *page, const char *text)
{
	ck_assert_msg(strstr(page, text) != NULL, "not there: %s in %s", text, page);
}

START_TEST(the_list_tells_what_and_who)
{
	const char *page = list_text(1, 1, "");

	list_has(page, "<span class=\"severity critical\">critical</span>");
	list_has(page, "<a href=\"/incidents/i%2F1\">Database &lt;b&gt;refuses&lt;/b&gt;</a>");
	list_has(page, "<td data-label=\"Team\">&lt;ledger&gt;</td>");
	list_has(page, "<span class=\"state open\">nobody has it</span>"
		       "<span class=\"due\">escalates in 8 min</span>");
	list_has(page, "title=\"09:48 UTC\">12 min</td>");
	list_has(page, ">2 of 3</td>");
	list_has(page, "aria-current=\"page\">Incidents</a>");
	ck_assert_ptr_null(strstr(page, "are not shown"));
	ck_assert_ptr_null(strstr(page, "Sign out"));
}
END_TEST

START_TEST(the_list_tells_what_it_leaves_out)
{
	list_has(list_text(1, 3, ""), "2 more are not shown");
}
END_TEST

START_TEST(an_empty_list_says_why)
{
	list_has(list_text(0, 0, "nobody"), "None of the 5 open incidents is like that.");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("html");
	TCase *tcase = tcase_create("html");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_text_is_no_markup);
	tcase_add_test(tcase, a_text_is_cut);
	tcase_add_test(tcase, lines_stay);
	tcase_add_test(tcase, a_part_of_a_url_is_escaped);
	tcase_add_test(tcase, only_http_is_linked);
	tcase_add_loop_test(tcase, numbers, 0, 7);
	tcase_add_test(tcase, what_is_no_number_is_0);
	tcase_add_test(tcase, times);
	tcase_add_test(tcase, ages);
	tcase_add_test(tcase, over_its_cap_there_is_nothing);
	tcase_add_test(tcase, a_page_that_follows_says_from_where);
	tcase_add_test(tcase, the_list_tells_what_and_who);
	tcase_add_test(tcase, the_list_tells_what_it_leaves_out);
	tcase_add_test(tcase, an_empty_list_says_why);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
