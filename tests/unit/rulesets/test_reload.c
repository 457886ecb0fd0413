/*
 * Tests of reload: rules in a file of their own, a clock that the test moves, a pool whose jobs run
 * when the test says so. Which changes of files count is tested in test_watch.c.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/fake_clock.h"
#include "tracepager/limits.h"
#include "tracepager/metrics.h"
#include "tracepager/reload.h"
#include "tracepager/xalloc.h"

#define RULES(team)                                                                                \
	"teams: {" team ": {escalation: e}}\n"                                                     \
	"pagers: {p: {kind: console}}\n"                                                           \
	"escalations: {e: {steps: [{page: [p]}]}}\n"                                               \
	"fallback: {team: " team "}\n"

static char directory[] = "/tmp/test_reload.XXXXXX";
static char *path;
static struct fake_clock fake;
static struct reload *reload;
static unsigned int swaps;
static char team[64]; /* the fallback team of the rules handed over last; "": no rules */

static void write_rules(const char *text)
{
	CLEANUP_FCLOSE FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
}

static void swapped(void *ctx, struct ruleset *rules)
{
	(void)ctx;
	swaps++;
	snprintf(team, sizeof(team), "%s", rules ? rules_fallback(rules)->name : "");
}

static void make_reload(enum reload_role role, bool watch)
{
	const struct reload_env env = {
		.role = role,
		.clock = &fake.clock,
		.timers = fake.timers,
		.pool = fake.pool,
		.path = path,
		.watch = watch,
		.test = true,
		.swap = swapped,
	};

	reload = reload_new(&env);
}

static void run_jobs(void)
{
	while (pool_poll(fake.pool))
		;
}

static void begin(void)
{
	struct findings findings = { .at = NULL };

	ck_assert_int_eq(reload_first(reload, &findings), 0);
	ck_assert_uint_eq(findings.nerrors, 0);
	findings_fini(&findings);
	reload_begin(reload);
	run_jobs();
}

static void check_status(const char *part)
{
	struct buf text = BUF_INIT(1u << 16);

	reload_write_json(reload, &text);
	ck_assert_msg(strstr(buf_text(&text), part) != NULL, "no %s in %s", part, buf_text(&text));
	buf_fini(&text);
}

static void set_up(void)
{
	snprintf(directory, sizeof(directory), "/tmp/test_reload.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	path = xasprintf("%s/rules.yaml", directory);
	write_rules(RULES("shop"));
	fake_clock_init(&fake);
	swaps = 0;
	*team = '\0';
}

static void tear_down(void)
{
	run_jobs();
	reload_free(reload);
	fake_clock_fini(&fake);
	unlink(path);
	ck_assert_int_eq(rmdir(directory), 0);
	free(path);
}

START_TEST(first_load_that_fails)
{
	struct findings findings = { .at = NULL };

	write_rules("teams: [\n");
	make_reload(RELOAD_LIVE, false);
	ck_assert_int_eq(reload_first(reload, &findings), -EINVAL);
	ck_assert_uint_ge(findings.nerrors, 1);
	ck_assert_ptr_null(reload_rules(reload));
	check_status("\"hash\":null,\"last\":null");
	findings_fini(&findings);
}
END_TEST

/* Requests that come during a load share the next one; the old rules count until it is done. */
START_TEST(new_rules_are_handed_over)
{
	int64_t before = metric_value(METRIC_RELOADS_OK);

	make_reload(RELOAD_LIVE, false);
	begin();
	ck_assert_int_eq(metric_value(METRIC_RELOADS_OK), before);
	swaps = 0;
	write_rules(RULES("ledger"));
	reload_ask(reload, NULL);
	reload_ask(reload, NULL);
	reload_ask(reload, NULL);
	ck_assert_str_eq(rules_fallback(reload_rules(reload))->name, "shop");
	run_jobs();
	ck_assert_uint_eq(swaps, 2); /* one for the first request, one for the other two */
	ck_assert_str_eq(team, "ledger");
	ck_assert_str_eq(rules_fallback(reload_rules(reload))->name, "ledger");
	ck_assert_int_eq(metric_value(METRIC_RELOADS_OK), before + 2);
	check_status("\"cause\":\"request\",\"result\":\"taken\"");
}
END_TEST

START_TEST(bad_rules_change_nothing)
{
	make_reload(RELOAD_LIVE, false);
	begin();
	swaps = 0;
	write_rules(RULES("ledger") "fallback: {team: shop}\n");
	fake_clock_advance(&fake, US_PER_SECOND);
	reload_ask(reload, NULL);
	run_jobs();
	ck_assert_uint_eq(swaps, 0);
	ck_assert_str_eq(rules_fallback(reload_rules(reload))->name, "shop");
	check_status("\"since\":\"2026-09-01T10:00:00Z\"");
	check_status("\"last\":{\"at\":\"2026-09-01T10:00:01Z\",\"cause\":\"request\",\"result\":"
		     "\"invalid\"");
	check_status("\"line\":5");
}
END_TEST

/* Look for `us` at the files, every time that the watch wants to. */
static void watch_for(int64_t us)
{
	for (int64_t at = 0; at < us; at += 100000) {
		fake_clock_advance(&fake, 100000);
		run_jobs();
	}
}

/* The look at 2 s sees the change, the one at 2.5 s loads it. */
START_TEST(changed_file_is_loaded)
{
	make_reload(RELOAD_LIVE, true);
	begin();
	check_status("\"watch\":\"polling\"");
	swaps = 0;
	watch_for(20 * US_PER_SECOND);
	ck_assert_uint_eq(swaps, 0);
	write_rules(RULES("ledger"));
	watch_for(2400000);
	ck_assert_uint_eq(swaps, 0);
	watch_for(100000);
	ck_assert_uint_eq(swaps, 1);
	ck_assert_str_eq(team, "ledger");
	check_status("\"cause\":\"watch\",\"result\":\"taken\"");
	watch_for(20 * US_PER_SECOND);
	ck_assert_uint_eq(swaps, 1);
}
END_TEST

START_TEST(included_file_is_watched)
{
	CLEANUP_FREE char *included = xasprintf("%s/fallback.txt", directory);
	CLEANUP_FREE char *rules = path;

	path = included;
	write_rules("fallback: {team: shop}\n");
	path = rules;
	write_rules(
		"include: [fallback.txt]\nteams: {shop: {escalation: e}, ledger: {escalation: e}}\n"
		"pagers: {p: {kind: console}}\nescalations: {e: {steps: [{page: [p]}]}}\n");
	make_reload(RELOAD_LIVE, true);
	begin();
	path = included;
	write_rules("fallback: {team: ledger}\n");
	watch_for(3 * US_PER_SECOND);
	ck_assert_str_eq(team, "ledger");
	unlink(included);
	path = xstrdup(rules);
}
END_TEST

/* A failure is logged and counted when it happens, not at every look. */
START_TEST(bad_change_is_told_once)
{
	make_reload(RELOAD_LIVE, true);
	begin();
	int64_t before = metric_value(METRIC_RELOADS_INVALID);
	write_rules("teams: [\n");
	watch_for(20 * US_PER_SECOND);
	ck_assert_int_eq(metric_value(METRIC_RELOADS_INVALID), before + 1);
	ck_assert_str_eq(rules_fallback(reload_rules(reload))->name, "shop");
	write_rules(RULES("ledger"));
	watch_for(3 * US_PER_SECOND);
	ck_assert_str_eq(team, "ledger");
}
END_TEST

/* A key that only the mode, or here a missing file, hides: no rules file changes when it is mended.
 * The load fails at 2.5 s; it is tried again at the first look 30 s later, quietly. */
START_TEST(failed_load_is_tried_again)
{
	CLEANUP_FREE char *key = xasprintf("%s/key", directory);
	CLEANUP_FREE char *rules =
		xasprintf("teams: {ledger: {escalation: e}}\n"
			  "pagers: {p: {kind: pagerduty, routing_key_file: %s}}\n"
			  "escalations: {e: {steps: [{page: [p]}]}}\nfallback: {team: ledger}\n",
			  key);
	CLEANUP_FREE char *rules_path = path;

	make_reload(RELOAD_LIVE, true);
	begin();
	const int64_t before = metric_value(METRIC_RELOADS_FAILED);
	write_rules(rules);
	watch_for(3 * US_PER_SECOND);
	check_status("\"cause\":\"watch\",\"result\":\"invalid\"");
	watch_for(120 * US_PER_SECOND);
	check_status("\"cause\":\"retry\",\"result\":\"invalid\"");
	ck_assert_int_eq(metric_value(METRIC_RELOADS_FAILED), before + 1);
	path = key;
	write_rules("0123456789abcdef0123456789abcdef\n");
	watch_for(32 * US_PER_SECOND);
	ck_assert_str_eq(team, "ledger");
	check_status("\"cause\":\"retry\",\"result\":\"taken\"");
	swaps = 0;
	watch_for(120 * US_PER_SECOND);
	ck_assert_uint_eq(swaps, 0);
	unlink(key);
	path = xstrdup(rules_path);
}
END_TEST

START_TEST(shadow_rules_come_and_go)
{
	unlink(path);
	make_reload(RELOAD_SHADOW, false);
	reload_begin(reload);
	run_jobs();
	ck_assert_uint_eq(swaps, 0);
	check_status("\"result\":\"gone\"");
	write_rules(RULES("ledger"));
	reload_ask(reload, NULL);
	run_jobs();
	ck_assert_str_eq(team, "ledger");
	write_rules("teams: [\n");
	reload_ask(reload, NULL);
	run_jobs();
	ck_assert_uint_eq(swaps, 1);
	unlink(path);
	reload_ask(reload, NULL);
	run_jobs();
	ck_assert_uint_eq(swaps, 2);
	ck_assert_str_eq(team, "");
	ck_assert_ptr_null(reload_rules(reload));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reload");
	TCase *tests = tcase_create("reload");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, first_load_that_fails);
	tcase_add_test(tests, new_rules_are_handed_over);
	tcase_add_test(tests, bad_rules_change_nothing);
	tcase_add_test(tests, changed_file_is_loaded);
	tcase_add_test(tests, included_file_is_watched);
	tcase_add_test(tests, bad_change_is_told_once);
	tcase_add_test(tests, failed_load_is_tried_again);
	tcase_add_test(tests, shadow_rules_come_and_go);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
