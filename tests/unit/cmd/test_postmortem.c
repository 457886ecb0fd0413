/* cmd: an incident as a post-mortem, in Markdown and HTML. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "relay/cmd/postmortem-internal.h"

static struct buf out = BUF_INIT(1u << 20);

static const char story[] =
	"{\"id\":\"a1\",\"team\":\"shop\",\"state\":\"resolved\",\"severity\":\"error\","
	"\"summary\":\"ledger fails\",\"opened_at\":\"2026-11-29T08:00:00Z\","
	"\"closed_at\":\"2026-11-29T09:05:00Z\",\"since\":\"2026-11-29T07:58:00Z\",\"firing\":0,"
	"\"waterfall\":\"Trace 1:\\n  ledger  ###\",\"could_be\":\"disk\","
	"\"recipients\":[{\"pager\":\"ledger-pager\",\"role\":\"owner\"}],\"events\":["
	"{\"at\":\"2026-11-29T08:00:00Z\",\"event\":\"paged\","
	"\"who\":\"ledger-pager\",\"text\":\"\"},"
	"{\"at\":\"2026-11-29T08:00:03Z\",\"event\":\"reached\","
	"\"who\":\"ledger-pager\",\"text\":\"\"},"
	"{\"at\":\"2026-11-29T08:04:00Z\",\"event\":\"acknowledged\","
	"\"who\":\"bob (page sent to ledger-pager)\",\"text\":\"link: looking\"},"
	"{\"at\":\"2026-11-29T08:05:00Z\",\"event\":\"commented\","
	"\"who\":\"ann\",\"text\":\"bob says: bobsled, ann-1 and ann.\"},"
	"{\"at\":\"2026-11-29T08:06:00Z\",\"event\":\"rerouted\","
	"\"who\":\"ann\",\"text\":\"ledger -> shop: not ours\"},"
	"{\"at\":\"2026-11-29T08:07:00Z\",\"event\":\"useful\","
	"\"who\":\"zoe (token ops)\",\"text\":\"api\"}],"
	"\"decision\":{\"signal\":{\"service\":\"web\",\"operation\":\"GET /\"},"
	"\"traces\":[{\"trace_id\":\"1\"}],\"verdict\":{\"fallback\":null}}}";

/* The report as Markdown, or as HTML. */
static const char *written(const char *text, bool with_names, bool as_html)
{
	json_error_t error;
	json_t *incident = json_loads(text, 0, &error);
	struct report report;
	struct html html;
	size_t len;

	ck_assert_msg(incident != NULL, "%s at %d", error.text, error.position);
	buf_reset(&out);
	report_init(&report, incident, with_names, 0);
	if (as_html) {
		html_init(&html, 1u << 20);
		report_write_html(&report, &html);
		const char *markup = html_markup(&html, &len);
		ck_assert_ptr_nonnull(markup);
		buf_add(&out, markup, len);
		html_fini(&html);
	} else {
		report_write_markdown(&report, &out);
	}
	report_fini(&report);
	json_decref(incident);
	return buf_text(&out);
}

static void has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "\"%s\" is not in:\n%s", part, text);
}

static void lacks(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) == NULL, "\"%s\" is in:\n%s", part, text);
}

START_TEST(people_are_told_by_their_roles)
{
	const char *text = written(story, false, false);

	has(text, "| 2026-11-29 08:04:00 | somebody with the page sent to ledger-pager | "
		  "acknowledged by the link of a page: looking |");
	/* A name is a word of its own: parts of other words stay. */
	has(text, "| 2026-11-29 08:05:00 | a person of team ledger | commented: somebody says: "
		  "bobsled, ann-1 and somebody. |");
	/* From the handover on they are of the other team. */
	has(text, "| 2026-11-29 08:07:00 | a person of team shop | useful by the API |");
	lacks(text, "zoe");
	lacks(text, "token");
	text = written(story, true, false);
	has(text, "| bob (page sent to ledger-pager) |");
	has(text, "commented: bob says: bobsled, ann-1 and ann. |");
}
END_TEST

START_TEST(figures_of_an_incident)
{
	const char *text = written(story, false, false);

	has(text, "# Post-mortem: ledger fails\n");
	has(text, "- **Operation**: web GET /\n");
	has(text, "- **Duration**: 1 h 5 min\n");
	has(text, "- **Time to acknowledge**: 4 min\n");
	has(text, "- **ledger-pager**: owner, paged at 2026-11-29 08:00:00 UTC; it took the page "
		  "after 3 s\n");
	has(text, "- **Handed on**: 1 time, first from team ledger");
	has(text, "- **Votes on the page**: 1 useful, 0 noise\n");
	has(text, "\n    Trace 1:\n      ledger  ###\n");
	has(text, "- It could also be: disk\n");
	lacks(text, "rests on no trace");
}
END_TEST

#define BAD                                                                                        \
	"<img src=x onerror=alert(1)> [a](javascript:x) @channel | `x` **b** http://evil "         \
	"www.evil "                                                                                \
	"\\u001b[2J\\u202e # \\n# head\\n```\\n</pre><script>"

START_TEST(hostile_texts_become_no_markup)
{
	static const char incident[] =
		"{\"id\":\"" BAD "\",\"summary\":\"" BAD "\",\"team\":\"- x\",\"waterfall\":\"" BAD
		"\",\"opened_at\":\"" BAD "\",\"severity\":\"1. x\",\"limits\":\"" BAD
		"\",\"recipients\":[{\"pager\":\"" BAD "\",\"role\":\"" BAD
		"\"}],\"events\":[{\"at\":"
		"\"x\",\"event\":\"paged\",\"who\":\"" BAD
		"\",\"text\":\"\"},{\"at\":\"x\",\"event\":\"" BAD "\",\"who\":\"" BAD
		"\",\"text\":\"" BAD "\"}]}";
	const char *text = written(incident, false, false);

	has(text, "# Post-mortem: \\<img src=x onerror=alert(1)\\> \\[a\\](javascript:x) "
		  "@\xe2\x81\xa0"
		  "channel \\| \\`x\\` \\*\\*b\\*\\* http\\://evil www\\.evil  \\#  \\# "
		  "head \\`\\`\\` \\</pre\\>\\<script\\>\n");
	has(text, "- **Team**: \\- x\n");
	has(text, "- **Severity**: 1\\. x\n");
	has(text, "\n    # head\n    ```\n    </pre><script>\n");
	lacks(text, "\n# head");
	lacks(text, "\n```");
	lacks(text, "\x1b");
	lacks(text, "\xe2\x80\xae");
	text = written(incident, false, true);
	lacks(text, "<img");
	lacks(text, "<script");
	has(text, "&lt;img src=x onerror=alert(1)&gt;");
	lacks(text, "\x1b");
	lacks(text, "\xe2\x80\xae");
}
END_TEST

START_TEST(what_is_missing_is_told)
{
	const char *text = written("{}", false, false);

	has(text, "- The story is not stored (any more).\n");
	has(text, "- No trace was found.\n");
	has(text, "- The decision rests on no trace.\n");
	has(text, "- **Time to acknowledge**: nobody acknowledged it\n");
	written("{\"events\":7,\"recipients\":{},\"decision\":[],\"alert_list\":\"x\"}", false,
		true);
	has(buf_text(&out), "</html>\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("postmortem");
	TCase *tcase = tcase_create("postmortem");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, people_are_told_by_their_roles);
	tcase_add_test(tcase, figures_of_an_incident);
	tcase_add_test(tcase, hostile_texts_become_no_markup);
	tcase_add_test(tcase, what_is_missing_is_told);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
