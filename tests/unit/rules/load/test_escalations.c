/*
 * How a team is paged: what pagers may say of resolves and of what they tell back, and the steps of
 * escalations as the set has them after the load. Steps that page a team stand there as
 * the steps of its own escalation; circles, too many steps and waits that are missing are told at
 * their places. Columns are counted by hand.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

#define MINUTE (60 * 1000000LL)
/* Lines 1 to 3; the escalations under test begin on line 4. */
#define BASE                                                                                       \
	"pagers: {p: {kind: console}, q: {kind: console}, r: {kind: console}}\n"                   \
	"fallback: {team: a}\n"                                                                    \
	"teams: {a: {escalation: a}, b: {escalation: b}, c: {escalation: c}}\n"

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

static int parse(const char *text)
{
	return rules_parse("rules.yaml", text, strlen(text), true, &rules, &findings);
}

/* The steps in one line: "p,q 10m; a:r! 0m": pagers, the team before a colon, a mark where its
 * pages are not resolved, the wait in minutes; then the repeat. The caller frees. */
static char *shown(const char *name)
{
	const struct escalation *escalation = rules_escalation(rules, name);
	struct buf out = BUF_INIT(4096);

	ck_assert_ptr_nonnull(escalation);
	for (size_t i = 0; i < escalation->nsteps; i++) {
		const struct escalation_step *step = &escalation->steps[i];
		buf_puts(&out, i ? "; " : "");
		if (step->team)
			buf_printf(&out, "%s:", step->team->name);
		for (size_t k = 0; k < step->npagers; k++)
			buf_printf(&out, "%s%s", k ? "," : "", step->pagers[k]->name);
		buf_printf(&out, "%s ", step->no_resolve ? "!" : "");
		if (step->wait_us % MINUTE)
			buf_printf(&out, "%llds", (long long)step->wait_us / 1000000);
		else
			buf_printf(&out, "%lldm", (long long)(step->wait_us / MINUTE));
	}
	buf_printf(&out, " x%u", escalation->repeat);
	char *text = xstrdup(buf_text(&out));
	buf_fini(&out);
	return text;
}

static const struct {
	const char *text;
	const char *a; /* the escalation a */
	const char *codes;
} loaded[] = {
	/* A wait that a last step gives is kept; one that it does not give is none. */
	{ "a: {steps: [{page: [p, q], wait: 5m}, {page: [r]}]}", "p,q 5m; r 0m x0", "" },
	{ "a: {steps: [{page: [p], wait: 5m}, {page: [r], wait: 7m}]}", "p 5m; r 7m x0", "" },
	{ "a: {steps: [{page: [p], wait: 0s}]}", "p 0m x0", "" },
	/* Where a step or a run follows, ten minutes are taken. */
	{ "a: {steps: [{page: [p]}, {page: [r]}]}", "p 10m; r 0m x0", "W003" },
	{ "a: {steps: [{page: [p], wait: 1m}, {page: [r]}], repeat: 2}", "p 1m; r 10m x2", "W003" },
	/* Both at one moment: one step says that better, and a second is taken. */
	{ "a: {steps: [{page: [p], wait: 0s}, {page: [r]}]}", "p 1s; r 0m x0", "W034" },
	{ "a: {steps: [{page: [p], wait: 10ms}], repeat: 1}", "p 1s x1", "W034" },
	{ "a: {steps: [{page: [p], wait: 1m, resolve: false}, {page: [r], resolve: true}]}",
	  "p! 1m; r 0m x0", "" },
	/* A team's steps, one run of them. */
	{ "a: {steps: [{page: [p], wait: 1m}, {team: b}]}\n"
	  "  b: {steps: [{page: [q], wait: 2m}, {page: [r], wait: 3m}], repeat: 5}",
	  "p 1m; b:q 2m; b:r 3m x0", "" },
	/* The wait of the team's step is that of the last of them. */
	{ "a: {steps: [{team: b, wait: 9m}, {page: [p]}]}\n"
	  "  b: {steps: [{page: [q], wait: 2m}, {page: [r], wait: 3m}]}",
	  "b:q 2m; b:r 9m; p 0m x0", "" },
	{ "a: {steps: [{team: b, wait: 9m, resolve: false}, {page: [p]}]}\n"
	  "  b: {steps: [{page: [q], wait: 2m}, {page: [r]}]}",
	  "b:q! 2m; b:r! 9m; p 0m x0", "" },
	{ "a: {steps: [{team: b}, {page: [p]}]}\n"
	  "  b: {steps: [{page: [q], wait: 2m}, {page: [r]}]}",
	  "b:q 2m; b:r 10m; p 0m x0", "W003" },
	{ "a: {steps: [{team: b}, {page: [p]}]}\n"
	  "  b: {steps: [{page: [q], wait: 2m}, {page: [r], wait: 0s}]}",
	  "b:q 2m; b:r 10m; p 0m x0", "W003" },
	/* Teams of teams; each step says whose it is. */
	{ "a: {steps: [{team: b, wait: 4m}, {team: c}]}\n"
	  "  b: {steps: [{page: [q], wait: 2m}, {team: c}, {page: [p]}]}\n"
	  "  c: {steps: [{page: [r], wait: 3m}]}",
	  "b:q 2m; c:r 3m; b:p 4m; c:r 3m x0", "" },
	{ "a: {steps: [{team: b}]}\n"
	  "  b: {steps: [{team: c}]}\n"
	  "  c: {steps: [{page: [r]}]}",
	  "c:r 0m x0", "" },
};

START_TEST(test_steps)
{
	struct buf text = BUF_INIT(4096), out = BUF_INIT(1u << 16), codes = BUF_INIT(256);

	/* Those that a case does not have. */
	buf_printf(&text, BASE "escalations:\n  %s\n%s%s", loaded[_i].text,
		   strstr(loaded[_i].text, "  b:") ? "" : "  b: {steps: [{page: [q]}]}\n",
		   strstr(loaded[_i].text, "  c:") ? "" : "  c: {steps: [{page: [r]}]}\n");
	ck_assert(!text.failed);
	int result = parse(buf_text(&text));
	findings_write(&findings, false, &out);
	ck_assert_msg(result == 0, "%s", buf_text(&out));
	CLEANUP_FREE char *steps = shown("a");
	ck_assert_str_eq(steps, loaded[_i].a);
	for (size_t i = 0; i < findings.n; i++)
		/* Which of the pagers and teams are used is no matter here. */
		if (strcmp(findings.at[i].code, "W001") != 0 &&
		    strcmp(findings.at[i].code, "W020") != 0)
			buf_printf(&codes, "%s%s", codes.len ? " " : "", findings.at[i].code);
	ck_assert_msg(strcmp(buf_text(&codes), loaded[_i].codes) == 0, "%s", buf_text(&out));
	buf_fini(&text);
	buf_fini(&out);
	buf_fini(&codes);
}
END_TEST

static const struct {
	const char *text, *code;
	int line, column;
	const char *words; /* which the finding has */
} broken[] = {
	{ "a: {steps: [{wait: 10m}]}\n", "E013", 5, 15, "neither \"page\" nor \"team\"" },
	{ "a: {steps: [{page: [p], team: a}]}\n", "E046", 5, 27, "\"page\" and \"team\"" },
	{ "a: {steps: [{team: z}]}\n", "E012", 5, 22, "no team \"z\"" },
	{ "a: {steps: [{team: [a]}]}\n", "E014", 5, 22, "\"team\" must be a text" },
	{ "a: {steps: [{page: [p], resolve: no}]}\n", "E032", 5, 36, "true or false" },
	/* circles */
	{ "a: {steps: [{page: [p], wait: 1m}, {team: a}]}\n", "E051", 5, 45,
	  "escalation a -> team a -> escalation a" },
	{ "a: {steps: [{team: b}]}\n  b: {steps: [{page: [p], wait: 1m}, {team: c}]}\n"
	  "  c: {steps: [{team: b}]}\n",
	  "E051", 7, 22, "escalation b -> team c -> escalation c -> team b -> escalation b" },
};

START_TEST(test_broken)
{
	struct buf text = BUF_INIT(4096), out = BUF_INIT(1u << 16);

	buf_printf(&text, BASE "escalations:\n  %s%s%s", broken[_i].text,
		   strstr(broken[_i].text, "  b:") ? "" : "  b: {steps: [{page: [q]}]}\n",
		   strstr(broken[_i].text, "  c:") ? "" : "  c: {steps: [{page: [r]}]}\n");
	ck_assert_int_lt(parse(buf_text(&text)), 0);
	findings_write(&findings, false, &out);
	ck_assert_msg(findings.nerrors == 1, "%s", buf_text(&out));
	const struct finding *found = &findings.at[0];
	for (size_t i = 0; i < findings.n && found->level != FINDING_ERROR; i++)
		found = &findings.at[i];
	ck_assert_msg(strcmp(found->code, broken[_i].code) == 0 && found->line == broken[_i].line &&
			      found->column == broken[_i].column &&
			      strstr(found->text, broken[_i].words),
		      "%s", buf_text(&out));
	buf_fini(&text);
	buf_fini(&out);
}
END_TEST

/* "  eN: …" for a team tN of the same number. */
static void add_chain(struct buf *text, unsigned int n)
{
	buf_puts(text, "pagers: {p: {kind: console}}\nfallback: {team: t0}\nteams:\n");
	for (unsigned int i = 0; i < n; i++)
		buf_printf(text, "  t%u: {escalation: e%u}\n", i, i);
	buf_puts(text, "escalations:\n");
}

/* Doubles at each level: 2, 4 … 64, and 128 for e0. */
START_TEST(test_too_many_steps)
{
	struct buf text = BUF_INIT(1u << 16);

	add_chain(&text, 7);
	for (unsigned int i = 0; i < 6; i++)
		buf_printf(&text,
			   "  e%u: {steps: [{team: t%u, wait: 1m}, {team: t%u, wait: 1m}]}\n", i,
			   i + 1, i + 1);
	buf_puts(&text, "  e6: {steps: [{page: [p], wait: 1m}, {page: [p], wait: 1m}]}\n");
	ck_assert_int_lt(parse(buf_text(&text)), 0);
	ck_assert_uint_eq(findings.nerrors, 1);
	ck_assert_str_eq(findings.at[0].code, "E048");
	ck_assert_int_eq(findings.at[0].line, 12);
	ck_assert_ptr_nonnull(strstr(findings.at[0].text, "128"));
	ck_assert_ptr_nonnull(strstr(findings.at[0].text, "64"));
	/* One level less is 64, which is the most. */
	char *at = strstr(text.data, "  e0: {steps: [");
	ck_assert_ptr_nonnull(at);
	memcpy(at, "  e0: {steps: [{page: [p], wait: 1m}]}            ", 50);
	memset(at + 50, ' ', strcspn(at + 50, "\n"));
	teardown();
	setup();
	ck_assert_int_eq(parse(buf_text(&text)), 0);
	ck_assert_uint_eq(rules_escalation(rules, "e1")->nsteps, 64);
	buf_fini(&text);
}
END_TEST

/* A chain of ten thousand escalations needs no deep stack; closed to a circle it is one error. */
START_TEST(test_long_chain)
{
	const unsigned int n = 10000;
	struct buf text = BUF_INIT(4u << 20);

	add_chain(&text, n);
	for (unsigned int i = 0; i + 1 < n; i++)
		buf_printf(&text, "  e%u: {steps: [{team: t%u}]}\n", i, i + 1);
	const size_t len = text.len;
	buf_printf(&text, "  e%u: {steps: [{page: [p]}]}\n", n - 1);
	ck_assert_int_eq(parse(buf_text(&text)), 0);
	CLEANUP_FREE char *steps = shown("e0");
	ck_assert_str_eq(steps, "t9999:p 0m x0");
	teardown();
	setup();
	text.len = len;
	buf_printf(&text, "  e%u: {steps: [{team: t0}]}\n", n - 1);
	ck_assert_int_lt(parse(buf_text(&text)), 0);
	ck_assert_uint_eq(findings.nerrors, 1);
	ck_assert_str_eq(findings.at[findings.n - 1].code, "E051");
	ck_assert_ptr_nonnull(strstr(findings.at[findings.n - 1].text, "escalation e0 -> team t1"));
	buf_fini(&text);
}
END_TEST

static const struct {
	const char *options, *code; /* "": it loads */
	int column;
	const char *key, *url; /* NULL: none */
} ways[] = {
	{ "webhook_url: 'https://h'", "", 0, "https://h", NULL },
	{ "token: t, channel: C1", "", 0, "t", "https://slack.com/api" },
	{ "token: t, channel: C1, url: 'https://g'", "", 0, "t", "https://g" },
	{ "resolve: true", "E054", 10, NULL, NULL },
	{ "channel: C1", "E054", 10, NULL, NULL },
	{ "token: t", "E013", 10, NULL, NULL },
	{ "token: t, channel: C1, webhook_url: u", "E054", 27, NULL, NULL },
	{ "webhook_url: u, channel: C1", "E054", 43, NULL, NULL },
	{ "webhook_url: u, url: 'https://g'", "E054", 43, NULL, NULL },
	{ "token: t, token_file: f, channel: C1", "E020", 37, NULL, NULL },
	{ "webhook_url: t, webhook_url_file: f", "E020", 43, NULL, NULL },
};

/* A pager of Slack has exactly one of two ways there. */
START_TEST(test_ways)
{
	CLEANUP_FREE char *text =
		xasprintf("pagers: {p: {kind: slack, %s}}\n"
			  "teams: {t: {escalation: e}}\nescalations: {e: {steps: [{page: [p]}]}}\n"
			  "fallback: {team: t}\n",
			  ways[_i].options);
	const struct pager *pager;

	if (*ways[_i].code) {
		ck_assert_int_lt(parse(text), 0);
		ck_assert_uint_eq(findings.nerrors, 1);
		const struct finding *found = &findings.at[0];
		while (found->level != FINDING_ERROR) /* that a secret stands in the rules */
			found++;
		ck_assert_str_eq(found->code, ways[_i].code);
		ck_assert_int_eq(found->line, 1);
		ck_assert_int_eq(found->column, ways[_i].column);
		return;
	}
	ck_assert_int_eq(parse(text), 0);
	pager = rules_pager(rules, "p");
	ck_assert_str_eq(pager->key.value, ways[_i].key);
	ck_assert_int_eq(pager->url != NULL, ways[_i].url != NULL);
	if (ways[_i].url)
		ck_assert_str_eq(pager->url, ways[_i].url);
}
END_TEST

#define PAGER_END                                                                                  \
	"teams: {t: {escalation: e}}\n"                                                            \
	"escalations: {e: {steps: [{page: [p]}]}}\n"                                               \
	"fallback: {team: t}\n"

static const struct {
	const char *options;
	const char *first, *second; /* NULL: none */
	bool no_resolve;
} pagers[] = {
	{ "kind: pagerduty, routing_key: k", NULL, NULL, false },
	{ "kind: pagerduty, routing_key: k, feedback_secret: a, resolve: true", "a", NULL, false },
	{ "kind: webhook, url: 'https://h', feedback_secret: [new, old], resolve: false", "new",
	  "old", true },
	{ "kind: console, resolve: false", NULL, NULL, true },
};

START_TEST(test_pagers)
{
	CLEANUP_FREE char *text = xasprintf("pagers: {p: {%s}}\n" PAGER_END, pagers[_i].options);

	ck_assert_int_eq(parse(text), 0);
	const struct pager *pager = rules_pager(rules, "p");
	ck_assert_pstr_eq(pager->feedback[0].value, pagers[_i].first);
	ck_assert_pstr_eq(pager->feedback[1].value, pagers[_i].second);
	ck_assert_int_eq(pager->no_resolve, pagers[_i].no_resolve);
}
END_TEST

static const struct {
	const char *options, *code;
	int column; /* of line 1 */
} bad_pagers[] = {
	{ "kind: console, feedback_secret: hunter2", "E019", 29 },
	{ "kind: pagerduty, routing_key: k, feedback_secret: [hunter2, b, c]", "E048", 47 },
	{ "kind: pagerduty, routing_key: k, feedback_secret: [hunter2, [b]]", "E014", 47 },
	{ "kind: pagerduty, routing_key: k, feedback_secret: [hunter2, '']", "E033", 47 },
	{ "kind: pagerduty, routing_key: k, feedback_secret: []", "E033", 47 },
	{ "kind: pagerduty, routing_key: k, feedback_secret: {a: hunter2}", "E014", 47 },
	{ "kind: pagerduty, routing_key: k, feedback_secret: hunter2, feedback_secret_file: /f",
	  "E020", 73 },
	{ "kind: pagerduty, routing_key: k, feedback_secret_file: [/nonexistent/f]", "E021", 70 },
	{ "kind: pagerduty, routing_key: k, resolve: never", "E032", 56 },
};

START_TEST(test_bad_pagers)
{
	CLEANUP_FREE char *text =
		xasprintf("pagers: {p: {%s}}\n" PAGER_END, bad_pagers[_i].options);
	struct buf out = BUF_INIT(1u << 16);

	ck_assert_int_lt(parse(text), 0);
	findings_write(&findings, false, &out);
	ck_assert_ptr_null(strstr(buf_text(&out), "hunter2"));
	for (size_t i = 0; i < findings.n; i++)
		if (findings.at[i].level == FINDING_ERROR) {
			ck_assert_msg(strcmp(findings.at[i].code, bad_pagers[_i].code) == 0 &&
					      findings.at[i].column == bad_pagers[_i].column,
				      "%s", buf_text(&out));
			buf_fini(&out);
			return;
		}
	ck_abort_msg("no error");
}
END_TEST

/* Neither the record of the rules nor any finding shows them. */
START_TEST(test_feedback_secrets_are_not_recorded)
{
	size_t n;

	ck_assert_int_eq(
		parse("pagers:\n  p:\n    kind: pagerduty\n    routing_key: hunter1\n"
		      "    feedback_secret:\n      - hunter2\n      - hunter3\n" PAGER_END),
		0);
	const struct rule_text *texts = rules_texts(rules, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_ptr_null(strstr(texts[0].text, "hunter"));
	ck_assert_msg(strstr(texts[0].text, "feedback_secret:\n      - xxxxxxx\n      - xxxxxxx\n"),
		      "%s", texts[0].text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("escalations");
	TCase *tests = tcase_create("escalations");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, test_pagers, 0, ARRAY_LEN(pagers));
	tcase_add_loop_test(tests, test_bad_pagers, 0, ARRAY_LEN(bad_pagers));
	tcase_add_test(tests, test_feedback_secrets_are_not_recorded);
	tcase_add_loop_test(tests, test_steps, 0, ARRAY_LEN(loaded));
	tcase_add_loop_test(tests, test_broken, 0, ARRAY_LEN(broken));
	tcase_add_loop_test(tests, test_ways, 0, ARRAY_LEN(ways));
	tcase_add_test(tests, test_too_many_steps);
	tcase_add_test(tests, test_long_chain);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
