/*
 * Tests of baselines: when healthy traces are asked for, which evidence is kept, which waiters are
 * called. The clock moves only when a test moves it.
 */
#include "../../lib/fetch_kit.h"

#include <stdlib.h>
#include <string.h>

#include "tracepager/baselines.h"
#include "tracepager/rules_load.h"

static struct baselines *baselines;
static struct ruleset *rules;
static unsigned int told;

static const char declared[] = "teams: {sre: {escalation: e}}\n"
			       "pagers: {p: {kind: console}}\n"
			       "escalations: {e: {steps: [{page: [p]}]}}\n"
			       "fallback: {team: sre}\n"
			       "signals:\n"
			       "  orders:\n"
			       "    alerts: {alertname: OrderErrors}\n"
			       "    span: {service: checkout, operation: 'POST /orders'}\n";

static const char healthy[] =
	V3(RESOURCE("checkout", SPAN(ID, "00f067aa0ba902b7", "POST /orders", FINE)) "," RESOURCE(
		"inventory", SPAN(ID, "00f067aa0ba902b8", "reserve", FAILED)));
static const char sick[] = V3(TRACE(OTHER));

static void begin(void)
{
	setup();
	told = 0;
	const struct baselines_env env = { fetch, fake.timers, &fake.clock, fake.pool,
					   900 * SECOND };
	baselines = baselines_new(&env);
}

static void end(void)
{
	baselines_free(baselines);
	rules_unref(rules);
	rules = NULL;
	teardown();
}

static void declare(const char *text)
{
	struct findings findings = { 0 };
	struct ruleset *old = rules;

	ck_assert_int_eq(rules_parse("rules.yaml", text, strlen(text), true, &rules, &findings), 0);
	findings_fini(&findings);
	baselines_set_rules(baselines, rules);
	rules_unref(old);
}

static void ready(void *arg)
{
	told++;
	ck_assert_ptr_eq(arg, &told);
}

static size_t searches(void)
{
	size_t n = 0;

	while (fake_http_request(&http, "start_time", n))
		n++;
	return n;
}

START_TEST(a_declared_signal_is_gathered_ahead)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = healthy });
	declare(declared);
	fake_clock_advance(&fake, 60 * SECOND);
	/* Both halves of the window, from 40 to 10 minutes ago. */
	ck_assert_uint_eq(searches(), 2);
	struct baseline *baseline = baselines_get(baselines, &checkout, NULL);
	ck_assert_ptr_nonnull(baseline);
	/* The script answers both halves with the same trace. */
	ck_assert_uint_eq(baseline->evidence->n, 2);
	ck_assert_uint_eq(
		evidence_count_ends(baseline->evidence, "", "inventory", false, "reserve"), 2);
	baseline_unref(baseline);
}
END_TEST

START_TEST(it_is_gathered_again)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = healthy });
	declare(declared);
	fake_clock_advance(&fake, 60 * SECOND);
	ck_assert_uint_eq(searches(), 2);
	fake_clock_advance(&fake, 15 * 60 * SECOND);
	ck_assert_uint_eq(searches(), 4);
}
END_TEST

START_TEST(not_while_it_is_alerted_on)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = healthy });
	declare(declared);
	fake_clock_advance(&fake, 60 * SECOND);
	baseline_unref(baselines_get(baselines, &checkout, NULL));
	fake_clock_advance(&fake, 50 * 60 * SECOND);
	ck_assert_uint_eq(searches(), 2);
	/* An hour after the alert the signal counts as healthy again. */
	fake_clock_advance(&fake, 30 * 60 * SECOND);
	ck_assert_uint_eq(searches(), 4);
}
END_TEST

START_TEST(traces_in_which_the_signal_fails_are_left_out)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = sick });
	declare(declared);
	fake_clock_advance(&fake, 60 * SECOND);
	ck_assert_ptr_null(baselines_get(baselines, &checkout, NULL));
}
END_TEST

START_TEST(an_undeclared_signal_is_gathered_at_first_sight)
{
	struct baseline_waiter waiter = { .ready = ready, .arg = &told };

	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = healthy });
	ck_assert_ptr_null(baselines_get(baselines, &checkout, &waiter));
	ck_assert_uint_eq(told, 0);
	ck_assert(waiter.waiting);
	fake_clock_advance(&fake, 4 * SECOND);
	ck_assert_uint_eq(told, 1);
	ck_assert(!waiter.waiting);
	struct baseline *baseline = baselines_get(baselines, &checkout, NULL);
	ck_assert_ptr_nonnull(baseline);
	baseline_unref(baseline);
	/* No rule declares the signal and no alert asks for it: it is forgotten. */
	fake_clock_advance(&fake, 3 * 3600 * SECOND);
	ck_assert_uint_eq(searches(), 2);
	ck_assert_ptr_null(baselines_get(baselines, &checkout, NULL));
}
END_TEST

START_TEST(who_waits_is_told_when_there_is_nothing)
{
	struct baseline_waiter waiter = { .ready = ready, .arg = &told };

	fake_http_reply(&http, (struct fake_reply){ .error = "connection refused" });
	ck_assert_ptr_null(baselines_get(baselines, &checkout, &waiter));
	fake_clock_advance(&fake, 30 * SECOND);
	ck_assert_uint_eq(told, 1);
	ck_assert_ptr_null(baselines_get(baselines, &checkout, NULL));
}
END_TEST

START_TEST(who_does_not_wait_any_more_is_not_told)
{
	struct baseline_waiter waiter = { .ready = ready, .arg = &told };

	fake_http_reply(&http,
			(struct fake_reply){ .status = 200, .body = healthy, .delay_us = SECOND });
	ck_assert_ptr_null(baselines_get(baselines, &checkout, &waiter));
	baselines_unwait(&waiter);
	fake_clock_advance(&fake, 30 * SECOND);
	ck_assert_uint_eq(told, 0);
}
END_TEST

START_TEST(the_end_may_come_at_any_time)
{
	struct baseline_waiter waiter = { .ready = ready, .arg = &told };

	fake_http_reply(&http,
			(struct fake_reply){ .status = 200, .body = healthy, .delay_us = SECOND });
	declare(declared);
	baselines_get(baselines, &checkout, &waiter);
	fake_clock_advance(&fake, SECOND / 2);
	ck_assert_uint_eq(http.open, 1);
	baselines_unwait(&waiter);
}
END_TEST

START_TEST(what_the_rules_no_longer_declare_goes)
{
	static const char others[] = "teams: {sre: {escalation: e}}\n"
				     "pagers: {p: {kind: console}}\n"
				     "escalations: {e: {steps: [{page: [p]}]}}\n"
				     "fallback: {team: sre}\n";

	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = healthy });
	declare(declared);
	fake_clock_advance(&fake, 60 * SECOND);
	declare(others);
	fake_clock_advance(&fake, 3600 * SECOND);
	ck_assert_uint_eq(searches(), 2);
	ck_assert_ptr_null(baselines_get(baselines, &checkout, NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("baselines");
	TCase *tcase = tcase_create("baselines");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, a_declared_signal_is_gathered_ahead);
	tcase_add_test(tcase, it_is_gathered_again);
	tcase_add_test(tcase, not_while_it_is_alerted_on);
	tcase_add_test(tcase, traces_in_which_the_signal_fails_are_left_out);
	tcase_add_test(tcase, an_undeclared_signal_is_gathered_at_first_sight);
	tcase_add_test(tcase, who_waits_is_told_when_there_is_nothing);
	tcase_add_test(tcase, who_does_not_wait_any_more_is_not_told);
	tcase_add_test(tcase, the_end_may_come_at_any_time);
	tcase_add_test(tcase, what_the_rules_no_longer_declare_goes);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
