/*
 * The bodies and headers that rules give a webhook: what the template becomes, and each mistake at
 * its place. Columns are counted by hand.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

/* The pager's members begin at column 7 of line 2. */
#define REST                                                                                       \
	"\nteams: {a: {escalation: a}}\nescalations: {a: {steps: [{page: [h]}]}}\n"                \
	"fallback: {team: a}\n"

static struct findings findings;
static struct ruleset *rules;

static void setup(void)
{
	findings = (struct findings){ .at = NULL };
	rules = NULL;
}

static void teardown(void)
{
	findings_fini(&findings);
	rules_unref(rules);
}

static int parse(const char *members)
{
	CLEANUP_FREE char *text =
		xasprintf("pagers:\n  h: {kind: webhook, url: \"https://h\", %s}" REST, members);

	return rules_parse("rules.yaml", text, strlen(text), true, &rules, &findings);
}

static const struct {
	const char *members, *body, *content_type, *headers;
} loaded[] = {
	{ "body: {text: \"{headline}\", n: 5, ok: true, no: \"5\", none: null}",
	  "{{\"text\":\"{headline}\",\"n\":5,\"ok\":true,\"no\":\"5\",\"none\":null}}",
	  "application/json", NULL },
	{ "body: [\"a\\\"b\\\\c\", {x: []}]", "[\"a\\\"b\\\\c\",{{\"x\":[]}}]", "application/json",
	  NULL },
	{ "body: '{{\"text\": \"{summary}\"}}'", "{{\"text\": \"{summary}\"}}", "application/json",
	  NULL },
	{ "body: \"text={summary}\", content_type: application/x-www-form-urlencoded",
	  "text={summary}", "application/x-www-form-urlencoded", NULL },
	{ "body: \"{summary}\", content_type: text/plain, headers: {Title: a b, Priority: 5}",
	  "{summary}", "text/plain", "Title: a b\nPriority: 5\n" },
	{ "headers: {X-A: \"1\"}", NULL, "application/json", "X-A: 1\n" },
};

START_TEST(test_loaded)
{
	struct buf out = BUF_INIT(1u << 16);
	const int result = parse(loaded[_i].members);

	findings_write(&findings, false, &out);
	ck_assert_msg(result == 0, "%s", buf_text(&out));
	const struct pager *pager = rules_pager(rules, "h");
	ck_assert_pstr_eq(pager->body, loaded[_i].body);
	ck_assert_pstr_eq(pager->content_type, loaded[_i].content_type);
	ck_assert_pstr_eq(pager->headers, loaded[_i].headers);
	buf_fini(&out);
}
END_TEST

/* "  h: {kind: webhook, url: "https://h", " has 39 characters. */
static const struct {
	const char *members, *code;
	int column;
	const char *words, *hint;
} broken[] = {
	{ "body: {text: \"{sumary}\"}", "E041", 53, "there is no {sumary}",
	  "did you mean \"summary\"?" },
	{ "body: \"{{}\"", "E041", 46, "stands alone", "the body as a map" },
	{ "body: '{{\"text\": {summary}}}'", "E055", 46, "is no JSON", "double quotes" },
	{ "body: '{{\"n\": 1{agree_not}}}'", "E041", 46, "there is no {agree_not}", "" },
	{ "body: {text: \"{annotations.summary}\"}", "E041", 53,
	  "there is no {annotations.summary}", "write {annotation.summary}" },
	/* JSON with values, and none without. */
	{ "body: '[1{state|, 2}]'", "E055", 46, "is no JSON", "" },
	/* And the other way round. */
	{ "body: '[\"a\"{state}]'", "E055", 46, "is no JSON", "" },
	{ "body: '{{\"a\": \"{state|\"}\"}}'", "E055", 46, "is no JSON", "" },
	{ "body: hello", "E055", 46, "is no JSON", "content_type" },
	{ "body: \"\"", "E033", 40, "is empty", "" },
	{ "body: {a: b}, content_type: text/plain", "E014", 46, "a map becomes JSON", "" },
	{ "body: a, content_type: plain", "E056", 63, "no type of content", "text/plain" },
	{ "content_type: text/plain", "E056", 40, "sends the decision", "" },
	{ "headers: {Host: s3cret}", "E056", 50, "\"Host\"", "" },
	{ "headers: {\"a b\": s3cret}", "E056", 50, "\"a b\"", "" },
	{ "headers: {content-type: s3cret}", "E056", 50, "content_type says", "" },
	{ "headers: {Webhook-Signature: s3cret}", "E056", 50, "made by tracepager", "" },
	{ "headers: {A: \"s3cret\\r\\nB: c\"}", "E056", 50, "no line of text", "" },
	{ "headers: {A: []}", "E056", 50, "no line of text", "" },
	{ "headers: {a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1}", "E048", 40,
	  "more than 8 headers", "" },
};

START_TEST(test_broken)
{
	struct buf out = BUF_INIT(1u << 16);

	ck_assert_int_lt(parse(broken[_i].members), 0);
	findings_write(&findings, false, &out);
	ck_assert_msg(findings.nerrors == 1, "%s", buf_text(&out));
	const struct finding *found = &findings.at[0];
	ck_assert_msg(strcmp(found->code, broken[_i].code) == 0 && found->line == 2 &&
			      found->column == broken[_i].column &&
			      strstr(found->text, broken[_i].words) &&
			      (!*broken[_i].hint ||
			       (found->hint && strstr(found->hint, broken[_i].hint))),
		      "%s", buf_text(&out));
	ck_assert_ptr_null(strstr(buf_text(&out), "s3cret"));
	buf_fini(&out);
}
END_TEST

/* Other kinds have no body. */
START_TEST(test_other_kinds)
{
	static const char text[] = "pagers: {h: {kind: ntfy, url: \"https://h/t\", body: x}}" REST;

	ck_assert_int_lt(rules_parse("rules.yaml", text, strlen(text), true, &rules, &findings), 0);
	ck_assert_str_eq(findings.at[0].code, "E019");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("body");
	TCase *tcase = tcase_create("body");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_loaded, 0, ARRAY_LEN(loaded));
	tcase_add_loop_test(tcase, test_broken, 0, ARRAY_LEN(broken));
	tcase_add_test(tcase, test_other_kinds);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
