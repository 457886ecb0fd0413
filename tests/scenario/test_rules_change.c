/*
 * Rules that change while alerts are under way, and shadow rules that decide along.
 */
#include "world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracepager/buf.h"
#include "tracepager/deliver.h"
#include "tracepager/limits.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

#define ORDERS "alertname=PlaceOrderErrors severity=critical"
#define TRACED ORDERS " trace_id=0af7651916cd43dd8448eb211c80319c"
#define DISK   "alertname=DiskFull severity=warning host=db1"

static struct world *world;

static void set_up(void)
{
	world = world_new();
	world_pagers_take_all(world);
}

static void tear_down(void)
{
	world_free(world);
}

static void fire(const char *labels)
{
	world_alert(world, labels, ALERT_FIRING, world->clock.wall_us, 0);
}

static void resolve(const char *labels)
{
	world_alert(world, labels, ALERT_RESOLVED, 0, world->clock.wall_us);
}

static void swap_rules(const char *from, const char *to)
{
	struct ruleset *rules = world_other_rules(from, to);

	incidents_set_rules(world->incidents, rules);
	rules_unref(rules);
}

static void give_shadow(const char *from, const char *to)
{
	struct ruleset *rules = world_other_rules(from, to);

	shadow_set_rules(world->shadow, rules);
	rules_unref(rules);
}

/* ---- Alerts under way. ---- */

/* It began under the old rules, and is decided by them; the next one by the new. */
START_TEST(alert_keeps_the_rules_that_it_began_with)
{
	world_jaeger_has_not(world, 1);
	world_jaeger_has(world);
	fire(TRACED);
	world_run(world, 1);
	swap_rules("key-ledger", "key-new");
	world_run(world, 4 * US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
	ck_assert_uint_eq(world_pages(world, "key-new", NULL), 0);
	resolve(TRACED);
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_MINUTE);
	fire(TRACED " try=2");
	world_run(world, 4 * US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
	ck_assert_uint_eq(world_pages(world, "key-new", "trigger"), 1);
}
END_TEST

/* Late traces are the same alert: its owner is looked up where its first page came from. */
START_TEST(late_traces_are_decided_by_the_first_rules)
{
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://jaeger",
							   .delay_us = 20 * US_PER_SECOND,
							   .status = 200,
							   .body = world_trace,
							   .content_type = "application/json" });
	fire(TRACED);
	world_run(world, LIMIT_ENRICH_US);
	ck_assert_uint_eq(world_pages(world, "key-shop", "trigger"), 1);
	swap_rules("ledger: {owner: ledger}", "ledger: {owner: sre}");
	world_run(world, US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
	ck_assert_uint_eq(world_pages(world, "key-sre", NULL), 0);
}
END_TEST

/* The pager and its key that were used are the ones that learn of the end. */
START_TEST(resolve_goes_where_the_page_went)
{
	fire(DISK);
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 1);
	swap_rules("fallback: {team: sre}", "fallback: {team: shop}");
	resolve(DISK);
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", "resolve"), 1);
	ck_assert_uint_eq(world_pages(world, "key-shop", NULL), 0);
}
END_TEST

/* A step that is taken after the change follows the new rules. */
START_TEST(next_step_follows_the_new_rules)
{
	world->http.nrules = 0;
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://pager/ledger",
							   .delay_us = 2 * US_PER_SECOND,
							   .status = 400 });
	world_pagers_take_all(world);
	world_jaeger_has(world);
	fire(TRACED);
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-ledger", "trigger"), 1);
	swap_rules("fallback: {team: sre}", "fallback: {team: shop}");
	world_run(world, 5 * US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-shop", "trigger"), 1);
	ck_assert_uint_eq(world_pages(world, "key-sre", NULL), 0);
}
END_TEST

/* ---- A pager's address that was wrong. ---- */

#define RIGHT "http://pager/sre"
#define WRONG "http://wrong/sre"

static size_t requests_to(const char *url)
{
	size_t n = 0;

	while (fake_http_request(&world->http, url, n))
		n++;
	return n;
}

static const char *stored_target(void)
{
	ck_assert_uint_eq(world->disk->nrecipients, 1);
	return world->disk->recipients[0].target;
}

/* The page is refused at the wrong address, and waits. */
static void page_waits(struct fake_reply at_wrong)
{
	at_wrong.url_part = WRONG;
	fake_http_reply(&world->http, at_wrong);
	swap_rules(RIGHT, WRONG);
	fire(DISK);
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(requests_to(RIGHT), 0);
	ck_assert_uint_ge(requests_to(WRONG), 1);
	ck_assert_ptr_nonnull(strstr(stored_target(), WRONG));
}

static void assert_all_right(size_t wrong)
{
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 1);
	ck_assert_uint_eq(requests_to(WRONG), wrong);
	ck_assert_ptr_nonnull(strstr(stored_target(), RIGHT));
	resolve(DISK);
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_SECOND);
	ck_assert_uint_eq(world_pages(world, "key-sre", "resolve"), 1);
	ck_assert_uint_eq(requests_to(WRONG), wrong);
}

static const struct fake_reply untaken_replies[] = {
	{ .status = 0, .error = "connection refused" },
	{ .status = 503 },
};

/* It is tried there at once, although its next try was up to 15 s ahead. */
START_TEST(page_that_waits_goes_to_the_new_address)
{
	page_waits(untaken_replies[_i]);
	world_run(world, US_PER_MINUTE);
	const size_t wrong = requests_to(WRONG);
	swap_rules("teams:\n", "teams:\n");
	world_run(world, US_PER_MS);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), 1);
	world_run(world, US_PER_SECOND);
	assert_all_right(wrong);
}
END_TEST

/* The new target is on disk before it is used. */
START_TEST(new_address_is_stored_before_it_is_used)
{
	page_waits(untaken_replies[0]);
	swap_rules("teams:\n", "teams:\n");
	ck_assert_uint_eq(requests_to(RIGHT), 0);
	ck_assert(
		deliver_retry_page(incidents_deliver(world->incidents), world->disk->pages[0].id));
	ck_assert_uint_eq(requests_to(RIGHT), 0);
	world_run(world, US_PER_SECOND);
	assert_all_right(requests_to(WRONG));
}
END_TEST

/* Its request is under way at the reload: it ends, and the next one goes to the new address. */
START_TEST(page_on_its_way_moves_when_its_request_has_failed)
{
	page_waits((struct fake_reply){ .delay_us = 5 * US_PER_SECOND, .status = 503 });
	swap_rules("teams:\n", "teams:\n");
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(requests_to(RIGHT), 0);
	ck_assert_ptr_nonnull(strstr(stored_target(), WRONG));
	world_run(world, 4 * US_PER_SECOND);
	assert_all_right(1);
}
END_TEST

/* The old address took it after all: the resolve goes there. */
START_TEST(page_on_its_way_stays_when_it_was_taken)
{
	page_waits((struct fake_reply){ .delay_us = 5 * US_PER_SECOND, .status = 202 });
	swap_rules("teams:\n", "teams:\n");
	world_run(world, US_PER_MINUTE);
	resolve(DISK);
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_MINUTE);
	ck_assert_uint_eq(requests_to(RIGHT), 0);
	ck_assert_uint_eq(requests_to(WRONG), 2);
}
END_TEST

/* A page that the old address rejected is sent again to the new one. */
START_TEST(rejected_page_is_sent_again_to_the_new_address)
{
	page_waits((struct fake_reply){ .status = 404 });
	swap_rules("teams:\n", "teams:\n");
	world_run(world, 6 * US_PER_MINUTE);
	assert_all_right(1);
}
END_TEST

START_TEST(page_that_waits_goes_to_the_new_address_after_a_restart)
{
	page_waits(untaken_replies[0]);
	const size_t wrong = requests_to(WRONG);
	world_crash(world);
	world_start(world);
	ck_assert_uint_eq(requests_to(RIGHT), 0);
	world_run(world, US_PER_SECOND);
	assert_all_right(wrong);
}
END_TEST

START_TEST(taken_page_keeps_its_address)
{
	fire(DISK);
	world_run(world, US_PER_SECOND);
	ck_assert_uint_eq(requests_to(RIGHT), 1);
	swap_rules(RIGHT, WRONG);
	world_crash(world);
	world_start(world);
	swap_rules(RIGHT, WRONG);
	resolve(DISK);
	world_run(world, LIMIT_RESOLVE_HOLD_US + US_PER_SECOND);
	ck_assert_uint_eq(requests_to(RIGHT), 2);
	ck_assert_uint_eq(requests_to(WRONG), 0);
}
END_TEST

/* The rules know the pager no more: its page stays where it is queued. */
START_TEST(page_of_a_pager_that_is_gone_stays)
{
	page_waits(untaken_replies[0]);
	swap_rules("sre-pager", "sre-phone");
	world_run(world, US_PER_MINUTE);
	ck_assert_uint_eq(requests_to(RIGHT), 0);
	ck_assert_ptr_nonnull(strstr(stored_target(), WRONG));
}
END_TEST

/* ---- Shadow rules. ---- */

static char *shadow_json(void)
{
	struct buf text = BUF_INIT(1u << 20);

	shadow_write_json(world->shadow, &text);
	ck_assert(!text.failed);
	return buf_take(&text);
}

static void check_shadow(const char *part)
{
	CLEANUP_FREE char *json = shadow_json();

	ck_assert_msg(strstr(json, part) != NULL, "no %s in %s", part, json);
}

START_TEST(same_rules_do_not_differ)
{
	give_shadow("teams:\n", "teams: # a line more\n\n");
	world_jaeger_has(world);
	fire(TRACED);
	fire(DISK);
	fire("alertname=DiskFull severity=info host=db2");
	world_run(world, US_PER_MINUTE);
	check_shadow("\"decisions\":3,\"different\":0,\"left_out\":0");
	check_shadow("\"latest\":[]");
}
END_TEST

static const struct {
	const char *from, *to, *alert, *told;
	const char *key; /* that is paged all the same */
} differences[] = {
	/* Lines are counted in the world's rules: sre is 4, ledger's entry 17, the
	 * signal 19, the routes 24 and 26. */
	{ "ledger: {owner: ledger}", "ledger: {owner: shop}", TRACED,
	  "{\"what\":\"team\",\"from\":{\"value\":\"ledger\",\"rule\":\"rules.yaml:17\"},"
	  "\"to\":{\"value\":\"shop\",\"rule\":\"rules.yaml:17\"}},"
	  "{\"what\":\"pagers\",\"from\":{\"value\":\"ledger-pager\",\"rule\":"
	  "\"rules.yaml:17\"},\"to\":{\"value\":\"shop-pager\",\"rule\":\"rules.yaml:17\"}}]",
	  "key-ledger" },
	{ "when: {severity: info}", "when: {severity: critical}", TRACED,
	  "[{\"what\":\"page\",\"from\":{\"value\":\"yes\",\"rule\":\"rules.yaml:17\"},"
	  "\"to\":{\"value\":\"no\",\"rule\":\"rules.yaml:24\"}}]",
	  "key-ledger" },
	{ "severity: warning", "severity: critical", TRACED " tell=chat",
	  "[{\"what\":\"severity\",\"from\":{\"value\":\"warning\",\"rule\":\"rules.yaml:26\"},"
	  "\"to\":{\"value\":\"critical\",\"rule\":\"rules.yaml:26\"}}]",
	  "key-ledger" },
	{ "  ledger: {owner: ledger}\n", "", TRACED,
	  "{\"what\":\"rule\",\"from\":{\"value\":\"service ledger\",\"rule\":"
	  "\"rules.yaml:17\"},\"to\":{\"value\":\"fallback\",\"rule\":\"rules.yaml:4\"}}]",
	  "key-ledger" },
	/* It has signals of its own: there none is about this alert. */
	{ "PlaceOrder*", "Other*", ORDERS,
	  "{\"what\":\"team\",\"from\":{\"value\":\"shop\",\"rule\":\"rules.yaml:19\"},"
	  "\"to\":{\"value\":\"sre\",\"rule\":\"rules.yaml:4\"}}",
	  "key-shop" },
};

START_TEST(difference_is_told_and_pages_nobody)
{
	int64_t before = metric_value(METRIC_SHADOW_DIFFERENT);

	give_shadow(differences[_i].from, differences[_i].to);
	if (strstr(differences[_i].alert, "trace_id"))
		world_jaeger_has(world);
	else
		world_jaeger_has_not(world, 0);
	fire(differences[_i].alert);
	world_run(world, 2 * US_PER_MINUTE);
	check_shadow(differences[_i].told);
	check_shadow("\"alert\":\"prometheus/");
	ck_assert_int_eq(metric_value(METRIC_SHADOW_DIFFERENT) - before, 1);
	ck_assert_uint_eq(world_pages(world, differences[_i].key, "trigger"), 1);
}
END_TEST

/* A storm under shadow rules: pages leave, decisions beyond what may wait are left out. */
START_TEST(storm_leaves_the_shadow_behind)
{
	char labels[128];

	give_shadow("fallback: {team: sre}", "fallback: {team: shop}");
	for (unsigned int i = 0; i < LIMIT_SHADOW_WAITING + 50; i++) {
		snprintf(labels, sizeof(labels), "alertname=DiskFull severity=warning cluster=db%u",
			 i);
		fire(labels);
	}
	world_run(world, 10 * US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-sre", "trigger"), LIMIT_SHADOW_WAITING + 50);
	ck_assert_uint_eq(world_pages(world, "key-shop", NULL), 0);
	CLEANUP_FREE char *counts = xasprintf("\"decisions\":%u,\"different\":%u,\"left_out\":50",
					      LIMIT_SHADOW_WAITING, LIMIT_SHADOW_WAITING);
	check_shadow(counts);
}
END_TEST

/* Lines of the log that hold a text; what is logged while it is open goes there. */
struct captured {
	FILE *file;
	int stderr_fd;
};

static struct captured capture_log(void)
{
	struct captured captured = { .file = tmpfile(), .stderr_fd = dup(STDERR_FILENO) };

	ck_assert_ptr_nonnull(captured.file);
	ck_assert_int_ge(dup2(fileno(captured.file), STDERR_FILENO), 0);
	return captured;
}

static size_t end_capture(const struct captured *captured, const char *text)
{
	char line[1024];
	size_t n = 0;

	dup2(captured->stderr_fd, STDERR_FILENO);
	close(captured->stderr_fd);
	rewind(captured->file);
	while (fgets(line, sizeof(line), captured->file))
		n += strstr(line, text) != NULL;
	fclose(captured->file);
	return n;
}

/* An alert each second: the newest differences are kept, and one a minute is logged. */
START_TEST(kept_and_logged_differences_are_bounded)
{
	static const char want[] = "\"at\":\"2026-09-01T10:16:49Z\"";
	char labels[128];

	give_shadow("fallback: {team: sre}", "fallback: {team: shop}");
	struct captured log = capture_log();
	for (unsigned int i = 0; i < LIMIT_SHADOW_KEPT + 10; i++) {
		snprintf(labels, sizeof(labels), "alertname=DiskFull severity=warning host=db%u",
			 i);
		fire(labels);
		world_run(world, US_PER_SECOND);
	}
	/* After 0, 60 … 960 seconds of 1,009. */
	ck_assert_uint_eq(end_capture(&log, "what=team"), 17);
	struct buf text = BUF_INIT(1u << 22);
	size_t n = 0;
	shadow_write_json(world->shadow, &text);
	ck_assert(!text.failed);
	for (const char *at = text.data; (at = strstr(at, "\"alert\":")); at++)
		n++;
	ck_assert_uint_eq(n, LIMIT_SHADOW_KEPT);
	/* The newest stands first. */
	const char *newest = strstr(text.data, "\"at\":");
	ck_assert_ptr_nonnull(newest);
	ck_assert_int_eq(strncmp(newest, want, sizeof(want) - 1), 0);
	buf_fini(&text);
}
END_TEST

/* The alert ends, the rules change, and the daemon dies while a decision waits. */
START_TEST(nothing_is_left_of_what_waits)
{
	give_shadow("fallback: {team: sre}", "fallback: {team: shop}");
	world_jaeger_has(world);
	fire(DISK);
	resolve(DISK);
	fire(TRACED);
	give_shadow("fallback: {team: sre}", "fallback: {team: ledger}");
	fire("alertname=DiskFull severity=warning host=db2");
	world_crash(world);
	world_start(world);
	world_run(world, US_PER_MINUTE);
	ck_assert_uint_eq(world_pages(world, "key-shop", NULL), 0);
	shadow_set_rules(world->shadow, NULL);
	check_shadow("\"hash\":null");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rules_change");
	TCase *tests = tcase_create("rules_change");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, alert_keeps_the_rules_that_it_began_with);
	tcase_add_test(tests, late_traces_are_decided_by_the_first_rules);
	tcase_add_test(tests, resolve_goes_where_the_page_went);
	tcase_add_test(tests, next_step_follows_the_new_rules);
	tcase_add_loop_test(tests, page_that_waits_goes_to_the_new_address, 0,
			    ARRAY_LEN(untaken_replies));
	tcase_add_test(tests, new_address_is_stored_before_it_is_used);
	tcase_add_test(tests, page_on_its_way_moves_when_its_request_has_failed);
	tcase_add_test(tests, page_on_its_way_stays_when_it_was_taken);
	tcase_add_test(tests, rejected_page_is_sent_again_to_the_new_address);
	tcase_add_test(tests, page_that_waits_goes_to_the_new_address_after_a_restart);
	tcase_add_test(tests, taken_page_keeps_its_address);
	tcase_add_test(tests, page_of_a_pager_that_is_gone_stays);
	tcase_add_test(tests, same_rules_do_not_differ);
	tcase_add_loop_test(tests, difference_is_told_and_pages_nobody, 0,
			    (int)ARRAY_LEN(differences));
	tcase_add_test(tests, storm_leaves_the_shadow_behind);
	tcase_add_test(tests, kept_and_logged_differences_are_bounded);
	tcase_add_test(tests, nothing_is_left_of_what_waits);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
