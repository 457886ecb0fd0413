/*
 * Warnings about rules that load, each beside a case that looks like it and is right; and "check
 * --explain" for every code. Columns are counted by hand; whether a warning is due is worked out
 * from what the rules mean.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracepager/buf.h"
#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

/* The smallest rules that load, on lines 1 to 4, with the names that the examples of the codes
 * use. */
#define BASE                                                                                       \
	"teams: {ledger: {escalation: ledger}}\n"                                                  \
	"pagers: {ledger: {kind: console}}\n"                                                      \
	"escalations: {ledger: {steps: [{page: [ledger]}]}}\n"                                     \
	"fallback: {team: ledger}\n"
/* The same without one of its parts. */
#define TEAMS	    "teams: {ledger: {escalation: ledger}}\n"
#define PAGERS	    "pagers: {ledger: {kind: console}}\n"
#define ESCALATIONS "escalations: {ledger: {steps: [{page: [ledger]}]}}\n"
#define FALLBACK    "fallback: {team: ledger}\n"
/* A list of routes that page nobody, from their conditions; the first is on line 6. */
#define ROUTE(when) "- {when: " when ", page: none}\n"

/* A time interval on line 5, and another one on line 6. */
#define DAY "time_intervals: {day: [{times: [{start_time: \"06:00\", end_time: \"18:00\"}]}]}\n"
#define DAY_NIGHT                                                                                  \
	"time_intervals: {day: [{times: [{start_time: \"06:00\", end_time: \"18:00\"}]}],\n"       \
	"  night: [{times: [{start_time: \"18:00\", end_time: \"24:00\"}]}]}\n"
#define SILENCE(matchers, ends)                                                                    \
	"silences:\n- {matchers: " matchers ", ends: \"" ends "\", reason: move, author: sre}\n"

/* 2026-03-02T10:00:00Z */
#define NOW_US 1772445600000000LL

static struct findings findings;
static struct ruleset *rules;

static void setup(void)
{
	findings = (struct findings){ .now_us = NOW_US };
	rules = NULL;
}

static void teardown(void)
{
	findings_fini(&findings);
	rules_unref(rules);
}

static int parse(const char *text)
{
	return rules_parse("rules.yaml", text, strlen(text), false, &rules, &findings);
}

static const struct {
	const char *text, *code; /* code NULL: no warning is expected */
	int line, column;
} cases[] = {
	/* clang-format off */
	/* entries that nothing names */
	{ "teams: {ledger: {escalation: ledger}, shop: {escalation: ledger}}\n" PAGERS ESCALATIONS FALLBACK, "W020", 1, 39 },
	{ BASE, NULL, 0, 0 },
	/* keys in the rules */
	{ TEAMS "pagers: {ledger: {kind: pagerduty, routing_key: 0123456789abcdef0123456789abcdef}}\n" ESCALATIONS FALLBACK, "W021", 2, 49 },
	{ TEAMS "pagers: {ledger: {kind: webhook, url: \"https://h.example\", secret: abc}}\n" ESCALATIONS FALLBACK, "W021", 2, 68 },
	{ TEAMS "pagers: {ledger: {kind: webhook, url: \"https://h.example\", feedback_secret: [a, b]}}\n" ESCALATIONS FALLBACK, "W021", 2, 77 },
	{ TEAMS "pagers: {entry-owner: {kind: console}, ledger: {kind: console}}\n"
	  "escalations: {ledger: {steps: [{page: [ledger, entry-owner]}]}}\n" FALLBACK, "W035", 2, 10 },
	{ TEAMS "pagers: {ledger: {kind: pagerduty, routing_key_file: /k}}\n" ESCALATIONS FALLBACK, NULL, 0, 0 },
	/* routes behind one that matches as much */
	{ BASE "routes:\n" ROUTE("{a: 'x*'}") ROUTE("{a: xy}"), "W022", 7, 10 },
	{ BASE "routes:\n" ROUTE("{a: 'x*'}") ROUTE("{a: 'x*y'}"), "W022", 7, 10 },
	{ BASE "routes:\n" ROUTE("{a: 'x*'}") ROUTE("{a: '[xz]'}"), NULL, 0, 0 },
	{ BASE "routes:\n" ROUTE("{a: 'x?*'}") ROUTE("{a: 'x*'}"), NULL, 0, 0 },
	{ BASE "routes:\n" ROUTE("{a: xy}") ROUTE("{a: xy, b: z}"), "W022", 7, 10 },
	{ BASE "routes:\n" ROUTE("{a: xy, b: z}") ROUTE("{a: xy}"), NULL, 0, 0 },
	{ BASE "routes:\n" ROUTE("['a=~\"x|y\"']") ROUTE("{a: x}"), "W022", 7, 10 },
	{ BASE "routes:\n" ROUTE("['a=~\"x|y\"']") ROUTE("{a: '[xy]'}"), "W022", 7, 10 },
	{ BASE "routes:\n" ROUTE("['a=~\"x|y\"']") ROUTE("['a=~\"y|z\"']"), NULL, 0, 0 },
	{ BASE "routes:\n" ROUTE("['a!=\"x\"']") ROUTE("{a: 'y*'}"), "W022", 7, 10 },
	{ BASE "routes:\n" ROUTE("['a!=\"x\"']") ROUTE("{a: '?'}"), NULL, 0, 0 },
	{ BASE "routes:\n" ROUTE("['a!~\"x.*\"']") ROUTE("{a: yx}"), "W022", 7, 10 },
	{ BASE "routes:\n" ROUTE("{a: '*'}") ROUTE("{b: x}"), "W022", 7, 10 },
	{ BASE "routes:\n" ROUTE("{a: x}") ROUTE("{b: x}"), NULL, 0, 0 },
	{ BASE "routes:\n" ROUTE("{a: [x, y]}") ROUTE("{a: y}"), "W022", 7, 10 },
	{ BASE "routes:\n" ROUTE("{a: [x, y]}") ROUTE("{a: [y, z]}"), NULL, 0, 0 },
	{ BASE "routes:\n" ROUTE("{a: x}") ROUTE("['a=\"x\"', 'b=\"y\"']"), "W022", 7, 10 },
	{ BASE "routes:\n" ROUTE("['a=~\"x|y\"']") ROUTE("{a: x, owner: ledger}"), "W022", 7, 10 },
	{ BASE "routes:\n" ROUTE("{suspect: {service: 's*'}}") ROUTE("{suspect: {service: shop, kind: span}}"), "W022", 7, 10 },
	{ BASE "routes:\n" ROUTE("{suspect: {service: 's*'}}") ROUTE("{suspect: {operation: shop}}"), NULL, 0, 0 },
	{ BASE "routes:\n" ROUTE("{suspect: {service: '*'}}") ROUTE("{a: x}"), NULL, 0, 0 }, /* without a suspect */
	{ BASE "routes:\n" ROUTE("{severity: info}") ROUTE("['severity=\"info\"']"), NULL, 0, 0 }, /* confidence of a page, and a label of that name */
	{ BASE "routes:\n" ROUTE("{confidence: '>= 0.5'}") ROUTE("{confidence: '> 0.5'}"), "W022", 7, 10 },
	{ BASE "routes:\n" ROUTE("{confidence: '> 0.5'}") ROUTE("{confidence: '>= 0.5'}"), NULL, 0, 0 },
	{ BASE "routes:\n" ROUTE("{confidence: '<= 0.5'}") ROUTE("{confidence: ['>= 0.2', '< 0.5']}"), "W022", 7, 10 },
	{ BASE "routes:\n" ROUTE("{confidence: '<= 0.5'}") ROUTE("{a: x}"), NULL, 0, 0 },
	{ BASE "routes:\n- {when: {a: x}, severity: info, continue: true}\n" ROUTE("{a: x}"), NULL, 0, 0 },
	{ BASE DAY "routes:\n" ROUTE("{a: x}") ROUTE("{a: x, time: day}"), "W022", 8, 10 },
	{ BASE DAY_NIGHT "routes:\n" ROUTE("{a: x, time: [day, night]}") ROUTE("{a: x, time: day}"), "W022", 9, 10 },
	{ BASE DAY_NIGHT "routes:\n" ROUTE("{a: x, time: day}") ROUTE("{a: x, time: [day, night]}"), NULL, 0, 0 },
	{ BASE DAY "routes:\n" ROUTE("{a: x, time: day}") ROUTE("{a: x}"), NULL, 0, 0 },
	/* conditions that no alert meets */
	{ BASE "routes:\n" ROUTE("{confidence: ['> 0.8', '< 0.2']}"), "W023", 6, 23 },
	{ BASE "routes:\n" ROUTE("{confidence: '> 1'}"), "W023", 6, 23 },
	{ BASE "routes:\n" ROUTE("{confidence: '>= 1'}"), NULL, 0, 0 },
	{ BASE "routes:\n" ROUTE("{confidence: '= 0.5'}"), NULL, 0, 0 },
	{ BASE "routes:\n" ROUTE("{a: [x, y], labels: ['a=\"z\"']}"), "W023", 6, 10 },
	{ BASE "routes:\n" ROUTE("{a: [x, y], labels: ['a=\"y\"']}"), NULL, 0, 0 },
	{ BASE SILENCE("['a=\"x\"', 'a=\"y\"']", "2026-03-02T12:00:00Z"), "W023", 6, 14 },
	{ BASE "routes:\n" ROUTE("['a=\"x\"', 'a=\"y\"']"), "W023", 6, 10 },
	{ BASE "routes:\n" ROUTE("['a=\"x\"', 'a!=\"x\"']"), "W023", 6, 10 },
	{ BASE "routes:\n" ROUTE("['a=~\"x|y\"', 'a=~\"z.*\"']"), "W023", 6, 10 },
	{ BASE "routes:\n" ROUTE("['a=~\"x|y\"', 'a=~\"y.*\"']"), NULL, 0, 0 },
	{ BASE "routes:\n" ROUTE("['a=\"\"', 'a=~\".+\"']"), "W023", 6, 10 },
	{ BASE "routes:\n" ROUTE("['a=~\"x.*\"', 'a=~\"y.*\"']"), NULL, 0, 0 }, /* expressions that the check does not understand */
	{ BASE "signals: {s: {alerts: ['a=\"x\"', 'a=\"y\"'], span: {service: s}}}\n", "W023", 5, 23 },
	/* conditions that always hold */
	{ BASE "routes:\n" ROUTE("['a=~\".*\"']"), "W024", 6, 10 },
	{ BASE "routes:\n" ROUTE("['a=~\"^(.*)$\"']"), "W024", 6, 10 },
	{ BASE "routes:\n" ROUTE("['a=~\".+\"']"), NULL, 0, 0 },
	{ BASE "routes:\n" ROUTE("['a=~\"(.*)x(.*)\"']"), NULL, 0, 0 },
	{ BASE "routes:\n" ROUTE("{a: '*', b: x}"), "W024", 6, 14 },
	{ BASE "routes:\n" ROUTE("{a: '*', confidence: '> 0.5'}"), "W024", 6, 14 },
	{ BASE "routes:\n" ROUTE("{suspect: {service: '*'}, b: x}"), NULL, 0, 0 }, /* there is a suspect */
	{ BASE "routes:\n" ROUTE("{a: '*'}"), NULL, 0, 0 }, /* the way to write "every alert" */
	{ BASE "signals: {s: {alerts: ['a=~\".*\"'], span: {service: s}}}\n", "W024", 5, 23 },
	/* services that are never found */
	{ BASE "services:\n  s: {owner: ledger}\n  t: {owner: ledger, match: {service: s, namespace: '*'}}\n", "W025", 6, 3 },
	{ BASE "services:\n  s: {owner: ledger}\n  t: {owner: ledger, match: {service: s, namespace: 'a*'}}\n", NULL, 0, 0 },
	{ BASE "services:\n  s: {owner: ledger, peers: [s.internal]}\n"
	  "  t: {owner: ledger, match: {service: s, namespace: '*'}}\n", NULL, 0, 0 },
	{ BASE "services:\n  s-a: {owner: ledger}\n  s-b: {owner: ledger}\n  t: {owner: ledger, match: {service: 's-[ab]'}}\n",
	  "W025", 8, 3 },
	{ BASE "services:\n  s-a: {owner: ledger}\n  t: {owner: ledger, match: {service: 's-[ab]'}}\n", NULL, 0, 0 },
	{ BASE "services:\n  s-a: {owner: ledger}\n  t: {owner: ledger, match: {service: 's-?'}}\n", NULL, 0, 0 },
	{ BASE "services:\n  s: {owner: ledger, match: {service: 's-*'}}\n"
	  "  t: {owner: ledger, match: {service: 's*', namespace: '*'}}\n", "W025", 6, 3 },
	/* time intervals and silences */
	{ BASE DAY, "W030", 5, 18 },
	{ BASE SILENCE("{a: x}", "2026-03-02T10:00:00Z"), "W029", 6, 28 },
	{ BASE SILENCE("{a: x}", "2026-03-02T10:00:01Z"), NULL, 0, 0 },
	{ BASE SILENCE("{a: x}", "2028-03-01T09:00:00Z"), NULL, 0, 0 },
	{ BASE SILENCE("{a: x}", "2930-03-02T10:00:00Z"), "W056", 6, 28 },
	/* days */
	{ BASE "defaults: {reviewed_after: 30d}\nservices: {s: {owner: ledger, reviewed_at: 2026-01-30}}\n", "W031", 6, 44 },
	{ BASE "defaults: {reviewed_after: 30d}\nservices: {s: {owner: ledger, reviewed_at: 2026-01-31}}\n", NULL, 0, 0 },
	{ BASE "services: {s: {owner: ledger, reviewed_at: 2026-03-02}}\n", NULL, 0, 0 },
	{ BASE "services: {s: {owner: ledger, reviewed_at: 2026-03-03}}\n", NULL, 0, 0 }, /* this day has begun in Auckland */
	{ BASE "services: {s: {owner: ledger, reviewed_at: 2026-03-04}}\n", "W028", 5, 44 },
	/* clang-format on */
};

START_TEST(test_cases)
{
	struct buf out = BUF_INIT(1u << 20);
	int result = parse(cases[_i].text);

	findings_write(&findings, false, &out);
	ck_assert_msg(result == 0, "%s", buf_text(&out));
	ck_assert_msg(findings.n == (cases[_i].code != NULL), "%s%s", cases[_i].text,
		      buf_text(&out));
	if (cases[_i].code)
		ck_assert_msg(strcmp(findings.at[0].code, cases[_i].code) == 0 &&
				      findings.at[0].line == cases[_i].line &&
				      findings.at[0].column == cases[_i].column,
			      "not %s at %d:%d:\n%s", cases[_i].code, cases[_i].line,
			      cases[_i].column, buf_text(&out));
	buf_fini(&out);
}
END_TEST

static size_t times_told(const char *code)
{
	size_t n = 0;

	for (size_t i = 0; i < findings.n; i++)
		n += strcmp(findings.at[i].code, code) == 0;
	return n;
}

/* Steps give warnings of their own, too. */
START_TEST(test_steps)
{
	parse(TEAMS
	      "pagers: {ledger: {kind: pagerduty, routing_key_file: /k}, shop: {kind: console}}\n"
	      "escalations:\n"
	      "  ledger:\n"
	      "    steps:\n"
	      "      - {page: [shop, ledger], wait: 11h}\n"
	      "      - {page: [shop], wait: 12h}\n"
	      "      - {page: [shop]}\n" FALLBACK);
	ck_assert_uint_eq(times_told("W026"), 1);
	ck_assert_uint_eq(times_told("W027"),
			  0); /* steps behind the first mistake are not compared */
	teardown();
	setup();
	parse(TEAMS
	      "pagers: {ledger: {kind: pagerduty, routing_key_file: /k}, shop: {kind: console}}\n"
	      "escalations:\n"
	      "  ledger:\n"
	      "    steps:\n"
	      "      - {page: [shop], wait: 11h}\n"
	      "      - {page: [shop], wait: 12h}\n"
	      "      - {page: [ledger]}\n" FALLBACK);
	ck_assert_uint_eq(times_told("W026"), 0);
	ck_assert_uint_eq(times_told("W027"), 1);
}
END_TEST

static const struct {
	const char *pager, *escalations;
	int line, column; /* of W026; 0: none */
} unstopped[] = {
	/* clang-format off */
	{ "", "  ledger: {steps: [{page: [duty], wait: 5m}, {page: [shop]}]}\n", 4, 46 },
	{ ", feedback_secret_file: /f", "  ledger: {steps: [{page: [duty], wait: 5m}, {page: [shop]}]}\n", 0, 0 },
	/* Nothing follows, but the next run. */
	{ "", "  ledger: {steps: [{page: [shop], wait: 5m}, {page: [duty]}]}\n", 0, 0 },
	{ "", "  ledger: {steps: [{page: [duty], wait: 5m}], repeat: 1}\n", 4, 55 },
	{ ", feedback_secret_file: /f", "  ledger: {steps: [{page: [duty], wait: 5m}], repeat: 1}\n", 0, 0 },
	/* Steps of a team: behind them here, between them where they stand. */
	{ "", "  ledger: {steps: [{team: t, wait: 5m}, {page: [shop]}]}\n  t: {steps: [{page: [duty]}]}\n", 4, 41 },
	{ "", "  ledger: {steps: [{page: [shop], wait: 5m}, {team: t}]}\n"
	  "  t: {steps: [{page: [duty], wait: 5m}, {page: [shop]}]}\n", 5, 41 },
	/* clang-format on */
};

START_TEST(test_unstopped_steps)
{
	CLEANUP_FREE char *text = xasprintf(
		"teams: {ledger: {escalation: ledger}%s}\n"
		"pagers: {duty: {kind: pagerduty, routing_key_file: /k%s}, shop: {kind: console}}\n"
		"escalations:\n%s" FALLBACK,
		strstr(unstopped[_i].escalations, "  t:") ? ", t: {escalation: t}" : "",
		unstopped[_i].pager, unstopped[_i].escalations);

	ck_assert_int_eq(parse(text), 0);
	ck_assert_uint_eq(times_told("W026"), unstopped[_i].line != 0);
	for (size_t i = 0; i < findings.n; i++)
		if (strcmp(findings.at[i].code, "W026") == 0) {
			ck_assert_int_eq(findings.at[i].line, unstopped[_i].line);
			ck_assert_int_eq(findings.at[i].column, unstopped[_i].column);
		}
}
END_TEST

/* Without a time, no warning that depends on the day. */
START_TEST(test_without_a_day)
{
	findings.now_us = 0;
	ck_assert_int_eq(parse(BASE "services: {s: {owner: ledger, reviewed_at: 2999-01-01}}\n"),
			 0);
	ck_assert_uint_eq(findings.n, 0);
}
END_TEST

/* The counts of the last line, also with errors. */
START_TEST(test_seen)
{
	ck_assert_int_lt(parse(BASE "services: {s: {owner: shop}, t: {owner: ledger}}\n"), 0);
	ck_assert_uint_eq(findings.seen.files, 1);
	ck_assert_uint_eq(findings.seen.teams, 1);
	ck_assert_uint_eq(findings.seen.pagers, 1);
	ck_assert_uint_eq(findings.seen.services, 2);
	ck_assert_uint_eq(findings.seen.signals, 0);
}
END_TEST

START_TEST(test_codes)
{
	const char *code, *before = "";

	for (size_t i = 0; (code = finding_code(i)); i++) {
		ck_assert_uint_eq(strlen(code), 4);
		ck_assert_int_lt(strcmp(before, code), 0); /* in order, each once */
		ck_assert_uint_gt(strlen(finding_explain(code)), 20);
		before = code;
	}
	ck_assert_ptr_eq(finding_explain("e012"), finding_explain("E012"));
	ck_assert_ptr_null(finding_explain("E999"));
}
END_TEST

/* Every code has an explanation with all its parts. */
START_TEST(test_explained)
{
	const char *code;
	size_t examples = 0;

	for (size_t i = 0; (code = finding_code(i)); i++) {
		struct buf out = BUF_INIT(1u << 16);
		ck_assert_msg(finding_explain_write(code, &out), "%s is not explained", code);
		ck_assert_ptr_nonnull(strstr(buf_text(&out), "\nWhy: "));
		ck_assert_ptr_nonnull(strstr(buf_text(&out), "\nExample:\n    "));
		ck_assert_ptr_nonnull(strstr(buf_text(&out), "\nCure: "));
		buf_fini(&out);
		examples += finding_example(code) != NULL;
	}
	ck_assert_uint_gt(examples, 35);
	struct buf out = BUF_INIT(1u << 16);
	ck_assert(!finding_explain_write("E999", &out));
	ck_assert_uint_eq(out.len, 0);
	buf_fini(&out);
}
END_TEST

static void write_file(const char *path, const char *text)
{
	CLEANUP_FCLOSE FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
}

/* Does the example give the code: alone, or beside the smallest rules? */
static bool example_has(const char *code, const char *example)
{
	char directory[] = "/tmp/tracepager-warnings.XXXXXX";
	bool told = false;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	CLEANUP_FREE char *base = xasprintf("%s/base.yaml", directory);
	CLEANUP_FREE char *file = xasprintf("%s/example.yaml", directory);
	const char *const paths[] = { file, base };
	write_file(base, BASE);
	write_file(file, example);
	for (size_t n = 1; n <= 2 && !told; n++) {
		setup();
		rules_load(paths, n, false, &rules, &findings);
		told = times_told(code) > 0;
		teardown();
	}
	setup(); /* for the tests behind this one */
	unlink(base);
	unlink(file);
	rmdir(directory);
	return told;
}

START_TEST(test_examples)
{
	const char *code, *example;

	for (size_t i = 0; (code = finding_code(i)); i++) {
		example = finding_example(code);
		ck_assert_msg(!example || example_has(code, example),
			      "the example of %s does not have it", code);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("warnings");
	TCase *tcase = tcase_create("warnings");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_cases, 0, ARRAY_LEN(cases));
	tcase_add_test(tcase, test_steps);
	tcase_add_loop_test(tcase, test_unstopped_steps, 0, ARRAY_LEN(unstopped));
	tcase_add_test(tcase, test_without_a_day);
	tcase_add_test(tcase, test_seen);
	tcase_add_test(tcase, test_codes);
	tcase_add_test(tcase, test_explained);
	tcase_add_test(tcase, test_examples);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
