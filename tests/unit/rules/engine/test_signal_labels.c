/*
 * Labels from a signal's matchers: what is chosen for each sort of matcher, what is refused, and
 * that the rules take the alert that is made to the signal that was asked for.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/matchers.h"
#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

static struct arena *arena;

static void set_up(void)
{
	arena = arena_new(1 << 20);
}

static void tear_down(void)
{
	arena_free(arena);
}

static struct ruleset *rules_of(const char *signals)
{
	struct findings findings = { .at = NULL };
	struct ruleset *rules = NULL;
	CLEANUP_FREE char *text = xasprintf("teams: {sre: {escalation: sre}}\n"
					    "pagers: {screen: {kind: console}}\n"
					    "escalations: {sre: {steps: [{page: [screen]}]}}\n"
					    "fallback: {team: sre}\n"
					    "signals:\n%s",
					    signals);

	int result = rules_parse("rules.yaml", text, strlen(text), true, &rules, &findings);
	ck_assert_msg(result == 0, "%s", text);
	findings_fini(&findings);
	return rules;
}

/* "a=1 b=2": the labels for signal "s"; or the error. */
static const char *labels_for(const char *signals, const struct labels *given)
{
	static const struct labels none = { .n = 0 };
	struct ruleset *rules = rules_of(signals);
	struct buf text = BUF_INIT(4096);
	struct labels labels;
	struct err err = { 0 };

	if (rules_signal_labels(rules, arena, "s", given ? given : &none, &labels, &err) < 0) {
		buf_puts(&text, err.text);
	} else {
		const struct signal_rule *rule = rules_signal(rules, &labels, NULL);
		ck_assert(rule && strcmp(rule->name, "s") == 0);
		for (size_t i = 0; i < labels.n; i++)
			buf_printf(&text, "%s%s=%s", i ? " " : "", labels.at[i].name,
				   labels.at[i].value);
	}
	const char *kept = arena_strdup(arena, buf_text(&text));
	buf_fini(&text);
	rules_unref(rules);
	return kept;
}

static const struct {
	const char *alerts, *labels;
} made[] = {
	{ "{alertname: PlaceOrderErrors}", "alertname=PlaceOrderErrors" },
	/* The stars of a glob stand for nothing, unless nothing would be left. */
	{ "{alertname: \"Place*Errors\", env: \"pr?d\"}", "alertname=PlaceErrors env=prxd" },
	{ "{alertname: A, pod: \"web-[0-9]\"}", "alertname=A pod=web-0" },
	{ "['alertname=\"A\"', 'env=~\"prod|dev\"']", "alertname=A env=prod" },
	{ "['alertname=\"A\"', 'env=~\"prod|dev\"', 'env!=\"prod\"']", "alertname=A env=dev" },
	{ "['alertname=\"A\"', 'env!=\"dev\"']", "alertname=A" },
	{ "['alertname=\"A\"', 'env!=\"\"']", "alertname=A env=drill" },
	{ "['alertname=\"A\"', 'env=\"\"']", "alertname=A" },
	{ "['alertname=~\"Order.*\"']", "alertname=Orderx" },
	{ "['alertname=~\"(?:Slow|Down)Api[0-9]{3}\"']", "alertname=SlowApi000" },
	{ "['alertname=~\"web-(a|b)+\\\\.eu-\\\\d?\"']", "alertname=web-a.eu-0" },
	{ "['alertname=~\"[^x0]y\"']", "alertname=-y" },
	{ "['alertname=~\"(ab){2}c\"']", "alertname=ababc" },
};

START_TEST(labels_are_made_of_matchers)
{
	CLEANUP_FREE char *signals =
		xasprintf("  s: {alerts: %s, span: {service: a}}\n", made[_i].alerts);

	ck_assert_str_eq(labels_for(signals, NULL), made[_i].labels);
}
END_TEST

START_TEST(what_cannot_be_made_is_told_and_can_be_given)
{
	static const char signals[] = "  s: {alerts: ['alertname=\"A\"', 'pod=~\"(?=a)a.+\"'], "
				      "span: {service: a}}\n";
	struct label pod = { "pod", "ab" }, bad = { "pod", "b" };

	ck_assert_str_eq(labels_for(signals, NULL),
			 "no value of label pod can be made for signal \"s\", which wants "
			 "pod=~\"(?=a)a.+\": give one with --label pod=VALUE");
	ck_assert_str_eq(labels_for(signals, &(struct labels){ &pod, 1 }), "alertname=A pod=ab");
	ck_assert_str_eq(labels_for(signals, &(struct labels){ &bad, 1 }),
			 "signal \"s\" does not take pod=\"b\": it wants pod=~\"(?=a)a.+\"");
}
END_TEST

START_TEST(labels_that_are_given_are_kept)
{
	struct label given[] = { { "severity", "critical" } };

	ck_assert_str_eq(labels_for("  s: {alerts: {alertname: A}, span: {service: a}}\n",
				    &(struct labels){ given, 1 }),
			 "alertname=A severity=critical");
}
END_TEST

START_TEST(a_closer_signal_is_told)
{
	ck_assert_str_eq(
		labels_for("  s: {alerts: {alertname: \"A*\"}, span: {service: a}}\n"
			   "  t: {alerts: {alertname: A, env: \"*\"}, span: {service: b}}\n",
			   NULL),
		"an alert that signal \"s\" takes goes to signal \"t\" (rules.yaml:7), "
		"whose matchers are closer: give labels with --label that only the first "
		"takes");
}
END_TEST

START_TEST(a_signal_that_is_not_there_is_told)
{
	ck_assert_str_eq(labels_for("  t: {alerts: {alertname: A}, span: {service: a}}\n", NULL),
			 "the rules have no signal \"s\"");
	ck_assert_str_eq(labels_for("  s: {span: {service: a}}\n", NULL),
			 "no alert leads to signal \"s\": it has no \"alerts\" (rules.yaml:6)");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signal_labels");
	TCase *tcase = tcase_create("signal_labels");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, labels_are_made_of_matchers, 0, (int)ARRAY_LEN(made));
	tcase_add_test(tcase, what_cannot_be_made_is_told_and_can_be_given);
	tcase_add_test(tcase, labels_that_are_given_are_kept);
	tcase_add_test(tcase, a_closer_signal_is_told);
	tcase_add_test(tcase, a_signal_that_is_not_there_is_told);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
