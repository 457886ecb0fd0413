/*
 * Requests that page nobody, by which doctor asks a pager: where they go, what they show of the
 * key, and what the replies mean. Addresses are those of the services' API references.
 */
#include <check.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "tracepager/limits.h"
#include "tracepager/pager_kind.h"
#include "tracepager/xalloc.h"

static struct arena *arena;
static struct http_request request;
static bool proves;

static void setup(void)
{
	arena = arena_new(1 << 20);
	request = (struct http_request){ .url = NULL };
	proves = false;
}

static void teardown(void)
{
	arena_free(arena);
}

static int ask(enum pager_kind_id kind, const char *url, const char *key, const char *to)
{
	const struct page_target target = {
		.kind = kind, .pager = "p", .url = url, .key = key, .texts = { [PAGER_TO] = to }
	};
	struct err err = { 0 };

	return pager_kinds[kind]->dry(arena, &target, &request, &proves, &err);
}

static const char *header(const char *name)
{
	for (size_t i = 0; i < request.nheaders; i++)
		if (strcasecmp(request.headers[i].name, name) == 0)
			return request.headers[i].value;
	return "";
}

static const struct {
	enum pager_kind_id kind;
	const char *url, *key, *to;	   /* of the target */
	const char *asked, *authorization; /* of the request */
	enum http_method method;
	bool proves;
} dry_rows[] = {
	{ PAGER_TELEGRAM, "https://api.telegram.org", "1:abc", "7",
	  "https://api.telegram.org/bot1:abc/getMe", "", HTTP_GET, true },
	{ PAGER_SLACK, "https://slack.com/api", "xoxb-1", "C1", "https://slack.com/api/auth.test",
	  "Bearer xoxb-1", HTTP_GET, true },
	{ PAGER_DISCORD, NULL, "https://discord.com/api/webhooks/1/x", NULL,
	  "https://discord.com/api/webhooks/1/x", "", HTTP_GET, true },
	{ PAGER_MATTERMOST, NULL, "https://chat.example.com/hooks/x", NULL,
	  "https://chat.example.com/api/v4/system/ping", "", HTTP_GET, false },
	{ PAGER_NTFY, "https://ntfy.sh/topic", NULL, NULL, "https://ntfy.sh/v1/health", "",
	  HTTP_GET, false },
	{ PAGER_NTFY, "https://ntfy.sh/topic", "tk_1", NULL, "https://ntfy.sh/v1/account",
	  "Bearer tk_1", HTTP_GET, true },
	{ PAGER_ALERTMANAGER, "http://am:9093/", NULL, NULL, "http://am:9093/api/v2/status", "",
	  HTTP_GET, false },
	{ PAGER_ALERTMANAGER, "http://am:9093", "t", NULL, "http://am:9093/api/v2/status",
	  "Bearer t", HTTP_GET, true },
	{ PAGER_GOALERT, "https://goalert.example.com", "t", NULL,
	  "https://goalert.example.com/health", "", HTTP_GET, false },
	{ PAGER_PUSHOVER, "https://api.pushover.net/1/messages.json", "app", "ann",
	  "https://api.pushover.net/1/users/validate.json", "", HTTP_POST, true },
};

START_TEST(test_where_it_goes)
{
	ck_assert_int_eq(
		ask(dry_rows[_i].kind, dry_rows[_i].url, dry_rows[_i].key, dry_rows[_i].to), 0);
	ck_assert_str_eq(request.url, dry_rows[_i].asked);
	ck_assert_int_eq(request.method, dry_rows[_i].method);
	ck_assert_str_eq(header("Authorization"), dry_rows[_i].authorization);
	ck_assert_int_eq(proves, dry_rows[_i].proves);
	ck_assert(request.timeout_us > 0 && request.max_reply_bytes > 0);
	if (request.method == HTTP_GET)
		ck_assert_ptr_null(request.body);
}
END_TEST

/* A POST pages; the one that may be sent names the token and the user, and no message. */
START_TEST(test_pushover_sends_no_message)
{
	ck_assert_int_eq(
		ask(PAGER_PUSHOVER, "https://api.pushover.net/1/messages.json", "a&b", "ann"), 0);
	ck_assert_str_eq(request.body, "token=a%26b&user=ann");
}
END_TEST

/* An incoming webhook of Slack has nothing but the way to post. */
START_TEST(test_webhooks_are_not_asked)
{
	ck_assert_int_eq(ask(PAGER_SLACK, NULL, "https://hooks.slack.com/services/T/B/x", NULL),
			 -ENOTSUP);
	ck_assert_ptr_null(pager_kinds[PAGER_WEBHOOK]->dry);
	ck_assert_ptr_null(pager_kinds[PAGER_PAGERDUTY]->dry);
	ck_assert_ptr_null(pager_kinds[PAGER_OPSGENIE]->dry);
	ck_assert_ptr_null(pager_kinds[PAGER_CONSOLE]->dry);
}
END_TEST

/* A key that no header takes is told, and not sent. */
START_TEST(test_bad_keys_are_refused)
{
	ck_assert_int_eq(ask(PAGER_ALERTMANAGER, "http://am", "a\r\nb", NULL), -EINVAL);
	ck_assert_int_eq(ask(PAGER_TELEGRAM, "https://api.telegram.org", "a/b", "7"), -EINVAL);
	ck_assert_int_eq(ask(PAGER_DISCORD, NULL, "discord.com/x", NULL), -EINVAL);
	/* Of a url without a path, no slash may be cut. */
	ck_assert_int_eq(ask(PAGER_PUSHOVER, "http://127.0.0.1:9708", "app", "ann"), -EINVAL);
	ck_assert_int_eq(ask(PAGER_PUSHOVER, "https://api.pushover.net", "app", "ann"), -EINVAL);
	ck_assert_ptr_null(request.url);
}
END_TEST

static const struct {
	enum pager_kind_id kind;
	int status;
	const char *body;
	enum judgement_outcome outcome;
} dry_replies[] = {
	{ PAGER_TELEGRAM, 200, "{\"ok\":true,\"result\":{\"id\":1}}", JUDGE_DELIVERED },
	{ PAGER_TELEGRAM, 401, "{\"ok\":false,\"description\":\"Unauthorized\"}", JUDGE_REJECTED },
	{ PAGER_SLACK, 200, "{\"ok\":true,\"team\":\"shop\"}", JUDGE_DELIVERED },
	{ PAGER_SLACK, 200, "{\"ok\":false,\"error\":\"invalid_auth\"}", JUDGE_REJECTED },
	{ PAGER_PUSHOVER, 200, "{\"status\":1,\"devices\":[\"phone\"]}", JUDGE_DELIVERED },
	{ PAGER_PUSHOVER, 400, "{\"status\":0,\"errors\":[\"user key is invalid\"]}",
	  JUDGE_REJECTED },
	{ PAGER_ALERTMANAGER, 200, "{\"cluster\":{\"status\":\"ready\"}}", JUDGE_DELIVERED },
	{ PAGER_ALERTMANAGER, 200, "{\"versionInfo\":{}}", JUDGE_DELIVERED },
	{ PAGER_ALERTMANAGER, 200, "{\"status\":\"success\"}", JUDGE_REJECTED },
	{ PAGER_ALERTMANAGER, 200, "AAAAAAAA", JUDGE_REJECTED },
	{ PAGER_ALERTMANAGER, 200, "[]", JUDGE_REJECTED },
	{ PAGER_ALERTMANAGER, 401, "{\"cluster\":{}}", JUDGE_REJECTED },
	{ PAGER_DISCORD, 200, "{\"id\":\"1\",\"channel_id\":\"2\"}", JUDGE_DELIVERED },
	{ PAGER_DISCORD, 200, "ok", JUDGE_REJECTED },
	{ PAGER_MATTERMOST, 200, "{\"status\":\"OK\"}", JUDGE_DELIVERED },
	{ PAGER_MATTERMOST, 200, "<html>", JUDGE_REJECTED },
	{ PAGER_NTFY, 200, "{\"healthy\":true}", JUDGE_DELIVERED },
	{ PAGER_NTFY, 200, "{\"username\":\"tp\",\"role\":\"user\"}", JUDGE_DELIVERED },
	{ PAGER_NTFY, 200, "{}", JUDGE_REJECTED },
};

START_TEST(test_what_replies_mean)
{
	const struct http_reply reply = { .status = dry_replies[_i].status,
					  .body = dry_replies[_i].body,
					  .len = strlen(dry_replies[_i].body),
					  .content_type = "application/json",
					  .retry_after_us = -1 };

	ck_assert_int_eq(pager_kinds[dry_replies[_i].kind]->judge_dry(&reply).outcome,
			 dry_replies[_i].outcome);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dry");
	TCase *tcase = tcase_create("dry");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_where_it_goes, 0, ARRAY_LEN(dry_rows));
	tcase_add_test(tcase, test_pushover_sends_no_message);
	tcase_add_test(tcase, test_webhooks_are_not_asked);
	tcase_add_test(tcase, test_bad_keys_are_refused);
	tcase_add_loop_test(tcase, test_what_replies_mean, 0, ARRAY_LEN(dry_replies));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
