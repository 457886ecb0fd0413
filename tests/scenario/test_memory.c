/* What a pager's service answered is known to the pages that follow, also after a restart: Slack's
 * message is changed and replied to, not posted again. */
#include "world.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define TRACE	   " trace_id=0af7651916cd43dd8448eb211c80319c"
#define ORDERS	   "alertname=PlaceOrderErrors severity=critical" TRACE
#define SLOW	   "alertname=PlaceOrderSlow severity=warning" TRACE
#define SECONDS(n) ((int64_t)((n)*US_PER_SECOND))

static struct world *world;

static void slack_answers(const char *method, const char *part, unsigned int times,
			  const char *body)
{
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = method,
							   .body_part = part,
							   .times = times,
							   .status = 200,
							   .content_type = "application/json",
							   .body = body });
}

static void set_up(void)
{
	world = world_new();
	struct ruleset *rules =
		world_other_rules("  ledger-pager: {kind: pagerduty, routing_key: key-ledger, "
				  "url: \"http://pager/ledger\"}\n",
				  "  ledger-pager: {kind: slack, token: xoxb-1, channel: C1, "
				  "url: \"http://slack/api\"}\n");
	incidents_set_rules(world->incidents, rules);
	rules_unref(world->rules);
	world->rules = rules; /* after a restart, too */
	world_jaeger_has(world);
}

/* Each message gets the ts "17.N". */
static void slack_takes_all(void)
{
	slack_answers("chat.postMessage", "thread_ts", 0,
		      "{\"ok\":true,\"channel\":\"C1\",\"ts\":\"99.1\",\"message\":{\"thread_ts\":"
		      "\"17.1\"}}");
	slack_answers("chat.postMessage", NULL, 1,
		      "{\"ok\":true,\"channel\":\"C1\",\"ts\":\"17.1\"}");
	slack_answers("chat.postMessage", NULL, 1,
		      "{\"ok\":true,\"channel\":\"C1\",\"ts\":\"17.2\"}");
	slack_answers("chat.update", NULL, 0, "{\"ok\":true,\"channel\":\"C1\",\"ts\":\"17.1\"}");
}

static void tear_down(void)
{
	world_free(world);
}

static void fire(const char *labels)
{
	world_alert(world, labels, ALERT_FIRING, world->clock.wall_us, 0);
}

static void restart(void)
{
	world_crash(world);
	world_start(world);
}

/* The n-th request to Slack. */
static const struct fake_request *asked(size_t n)
{
	const struct fake_request *request = fake_http_request(&world->http, "http://slack/", n);

	ck_assert_ptr_nonnull(request);
	return request;
}

static bool is_all_asked(size_t n)
{
	return !fake_http_request(&world->http, "http://slack/", n);
}

static void check_request(size_t n, const char *method, const char *part)
{
	const struct fake_request *request = asked(n);

	ck_assert_msg(strstr(request->url, method) != NULL, "%s", request->url);
	ck_assert_msg(strstr(request->body, part) != NULL, "%s", request->body);
}

static const char *stored_memory(void)
{
	ck_assert_uint_ge(world->disk->nrecipients, 1);
	return world->disk->recipients[0].memory;
}

START_TEST(later_pages_know_the_message)
{
	slack_takes_all();
	fire(ORDERS);
	world_run(world, SECONDS(5));
	check_request(0, "chat.postMessage", "\"channel\":\"C1\"");
	ck_assert_str_eq(stored_memory(), "C1 17.1");
	fire(SLOW);
	world_run(world, SECONDS(90));
	check_request(1, "chat.update", "\"ts\":\"17.1\"");
	check_request(2, "chat.postMessage", "\"thread_ts\":\"17.1\"");
	ck_assert(is_all_asked(3));
	/* The reply is not what later pages change. */
	ck_assert_str_eq(stored_memory(), "C1 17.1");
}
END_TEST

START_TEST(a_restart_keeps_the_thread)
{
	slack_takes_all();
	fire(ORDERS);
	world_run(world, SECONDS(5));
	restart();
	fire(SLOW);
	world_run(world, SECONDS(90));
	check_request(1, "chat.update", "\"ts\":\"17.1\"");
	check_request(2, "chat.postMessage", "\"thread_ts\":\"17.1\"");
	restart();
	world_alert(world, ORDERS, ALERT_RESOLVED, 0, world->clock.wall_us);
	world_alert(world, SLOW, ALERT_RESOLVED, 0, world->clock.wall_us);
	world_run(world, LIMIT_RESOLVE_HOLD_US + SECONDS(5));
	check_request(3, "chat.update", "\"text\":\"*Resolved: ");
	check_request(4, "chat.postMessage", "\"thread_ts\":\"17.1\"");
	ck_assert(is_all_asked(5));
}
END_TEST

/* kill -9 between the reply and its record: the page is sent again, as any page is whose outcome is
 * not known; what follows goes to the second message. */
START_TEST(a_reply_that_was_not_written_is_not_known)
{
	slack_takes_all();
	fire(ORDERS);
	world_run(world, SECONDS(1));
	check_request(0, "chat.postMessage", "page.trigger");
	/* As the disk was before the reply: the page waits, the recipient remembers nothing. */
	for (size_t i = 0; i < world->disk->npages; i++)
		world->disk->pages[i].state = STORED_PAGE_QUEUED;
	world->disk->recipients[0].memory = "";
	world->disk->recipients[0].state = 0; /* RECIPIENT_ASKED */
	restart();
	world_run(world, SECONDS(5));
	check_request(1, "chat.postMessage", "page.trigger");
	/* By the same id: where Slack heeds it, nothing is posted again. */
	const char *id = strstr(asked(0)->body, "\"client_msg_id\"");
	ck_assert_ptr_nonnull(id);
	ck_assert_ptr_nonnull(strstr(asked(1)->body, arena_strndup(world->disk->arena, id, 54)));
	ck_assert_str_eq(stored_memory(), "C1 17.2");
	fire(SLOW);
	world_run(world, SECONDS(90));
	check_request(2, "chat.update", "\"ts\":\"17.2\"");
}
END_TEST

/* Somebody deleted the message: the page becomes a message of its own, and that one is known. */
START_TEST(a_message_that_is_gone_is_forgotten)
{
	slack_answers("chat.update", "17.1", 0, "{\"ok\":false,\"error\":\"message_not_found\"}");
	slack_takes_all();
	fire(ORDERS);
	world_run(world, SECONDS(5));
	fire(SLOW);
	world_run(world, SECONDS(90));
	check_request(1, "chat.update", "\"ts\":\"17.1\"");
	check_request(2, "chat.postMessage", "\"blocks\"");
	ck_assert_str_eq(stored_memory(), "C1 17.2");
	ck_assert(is_all_asked(3));
}
END_TEST

/* The second request fails: both are sent again, and the first one does no harm. */
START_TEST(a_page_of_two_requests_is_tried_as_a_whole)
{
	slack_answers("chat.postMessage", "thread_ts", 1,
		      "{\"ok\":false,\"error\":\"ratelimited\"}");
	slack_takes_all();
	fire(ORDERS);
	world_run(world, SECONDS(5));
	fire(SLOW);
	world_run(world, SECONDS(90));
	check_request(1, "chat.update", "\"ts\":\"17.1\"");
	check_request(2, "chat.postMessage", "\"thread_ts\":\"17.1\"");
	check_request(3, "chat.update", "\"ts\":\"17.1\"");
	check_request(4, "chat.postMessage", "\"thread_ts\":\"17.1\"");
	ck_assert(is_all_asked(5));
	for (size_t i = 0; i < world->disk->npages; i++)
		ck_assert_int_eq(world->disk->pages[i].state, STORED_PAGE_DELIVERED);
}
END_TEST

/* The first one is refused for good: the second one does not leave. */
START_TEST(a_refused_change_is_told)
{
	slack_answers("chat.update", NULL, 0, "{\"ok\":false,\"error\":\"is_archived\"}");
	slack_takes_all();
	fire(ORDERS);
	world_run(world, SECONDS(5));
	fire(SLOW);
	world_run(world, SECONDS(90));
	check_request(1, "chat.update", "\"ts\":\"17.1\"");
	ck_assert(is_all_asked(2));
	ck_assert_int_eq(world->disk->pages[1].state, STORED_PAGE_REJECTED);
	ck_assert_ptr_nonnull(strstr(world->disk->pages[1].error, "unarchive"));
}
END_TEST

/* What the disk missed is written when it works again. */
START_TEST(a_memory_that_the_disk_missed_is_written_later)
{
	slack_takes_all();
	fake_store_fail(world->disk, -ENOSPC);
	fire(ORDERS);
	world_run(world, SECONDS(5));
	check_request(0, "chat.postMessage", "page.trigger");
	fake_store_fail(world->disk, 0);
	world_run(world, 2 * LIMIT_STORE_HEAL_US);
	ck_assert_str_eq(stored_memory(), "C1 17.1");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory");
	TCase *tcase = tcase_create("memory");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, later_pages_know_the_message);
	tcase_add_test(tcase, a_restart_keeps_the_thread);
	tcase_add_test(tcase, a_reply_that_was_not_written_is_not_known);
	tcase_add_test(tcase, a_message_that_is_gone_is_forgotten);
	tcase_add_test(tcase, a_page_of_two_requests_is_tried_as_a_whole);
	tcase_add_test(tcase, a_refused_change_is_told);
	tcase_add_test(tcase, a_memory_that_the_disk_missed_is_written_later);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
