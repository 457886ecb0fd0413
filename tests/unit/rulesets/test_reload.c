/*
 * Reload: a set of rules in a file of its own, on a clock that stands still, with a pool whose jobs
 * run when the test says so. What the watch tells has its own tests; here there is none, or one
 * that the kernel refused.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
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
static char team[64]; /* the fallback of the rules that were handed over last; "" none */

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
	ck_assert_int_eq(reload_begin(reload, NULL), 0);
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

/* Two who ask while a load is to come share it; the old set is the one that counts until then. */
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
	ck_assert_uint_eq(swaps, 2); /* the first one, and one for the other two */
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
	/* The world began at 10:00:00. */
	check_status("\"since\":\"2026-09-01T10:00:00Z\"");
	check_status("\"last\":{\"at\":\"2026-09-01T10:00:01Z\",\"cause\":\"request\",\"result\":"
		     "\"invalid\"");
	check_status("\"line\":5");
}
END_TEST

/* No descriptor is left for inotify: the file is looked at, and loaded only when it changed. */
START_TEST(refused_watch_polls)
{
	struct rlimit limit, none;

	make_reload(RELOAD_LIVE, true);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	struct findings findings = { .at = NULL };
	ck_assert_int_eq(reload_first(reload, &findings), 0);
	findings_fini(&findings);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(reload_begin(reload, NULL), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	run_jobs();
	check_status("\"watch\":\"polling\"");
	swaps = 0;
	fake_clock_advance(&fake, 10 * LIMIT_WATCH_POLL_US);
	run_jobs();
	ck_assert_uint_eq(swaps, 0);
	write_rules(RULES("ledger"));
	fake_clock_advance(&fake, LIMIT_WATCH_POLL_US);
	run_jobs();
	ck_assert_uint_eq(swaps, 1);
	ck_assert_str_eq(team, "ledger");
	check_status("\"cause\":\"look\",\"result\":\"taken\"");
}
END_TEST

START_TEST(shadow_rules_come_and_go)
{
	unlink(path);
	make_reload(RELOAD_SHADOW, false);
	ck_assert_int_eq(reload_begin(reload, NULL), 0);
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
	tcase_add_test(tests, refused_watch_polls);
	tcase_add_test(tests, shadow_rules_come_and_go);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
