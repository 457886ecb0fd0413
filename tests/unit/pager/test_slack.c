/* Tests of the pager kind slack: messages of Block Kit, and the body that must be "ok". */
#include "golden.h"

#define HOOK "https://hooks.slack.com/services/T0/B0/s3cret"

static const struct page_target slack = { .kind = PAGER_SLACK, .pager = "p1", .key = HOOK };

START_TEST(a_trigger_is_a_message_of_blocks)
{
	struct http_request request = build(&slack);

	ck_assert_str_eq(request.url, HOOK);
	ck_assert_ptr_null(header(&request, "Authorization"));
	golden(&slack,
	       "{\"text\":\"*[critical] ledger: deadlock*\",\"blocks\":["
	       "{\"type\":\"header\",\"text\":{\"type\":\"plain_text\","
	       "\"text\":\"[critical] ledger: deadlock\",\"emoji\":false}},"
	       "{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"verbatim\":true,\"text\":\""
	       "*Since:* 2026-09-01T09:58:00Z, 2 min 02 s before this page\\n"
	       "*Environment:* prod\\n"
	       "*Why you:* team money owns ledger (rules.yaml:24)\\n"
	       "*How sure:* 8 of 8 failing traces end in ledger\\n"
	       "*Path:* web &gt; ledger\\n\"}},"
	       "{\"type\":\"actions\",\"elements\":["
	       "{\"type\":\"button\",\"text\":{\"type\":\"plain_text\","
	       "\"text\":\"Acknowledge, hand on or resolve\",\"emoji\":false},"
	       "\"url\":\"https://tp.example/i/i1?t=AQ\",\"action_id\":\"link_0\","
	       "\"style\":\"primary\"},"
	       "{\"type\":\"button\",\"text\":{\"type\":\"plain_text\",\"text\":\"Runbook\","
	       "\"emoji\":false},\"url\":\"https://wiki.example/ledger\","
	       "\"action_id\":\"link_1\"}]},"
	       "{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"verbatim\":true,"
	       "\"text\":\"```\\nTrace 4bf9:\\n✗ ledger  ██ 4 ms\\n```\\n\"}},"
	       "{\"type\":\"context\",\"elements\":[{\"type\":\"mrkdwn\","
	       "\"text\":\"*Incident:* i1\\n\",\"verbatim\":true}]}]}");
}
END_TEST

START_TEST(events_have_their_headlines)
{
	static const struct {
		enum page_event event;
		const char *state, *moved_to, *text;
	} rows[] = { { PAGE_UPDATE, "open", NULL, "*Update: ledger: deadlock*" },
		     { PAGE_NOTICE, "open", NULL, "*Update: ledger: deadlock*" },
		     { PAGE_RESOLVE, "resolved", NULL, "*Resolved: ledger: deadlock*" },
		     { PAGE_RESOLVE, "rerouted", NULL, "*Handed on: ledger: deadlock*" },
		     { PAGE_RESOLVE, "moved", "i9", "*Moved: ledger: deadlock*" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		page.event = rows[i].event;
		page.state = rows[i].state;
		page.moved_to = rows[i].moved_to;
		json_t *body = body_of(&slack);
		ck_assert_str_eq(text_at(body, "text"), rows[i].text);
		json_decref(body);
	}
}
END_TEST

static const char *block_text(const json_t *body, size_t i)
{
	return text_at(json_object_get(json_array_get(json_object_get(body, "blocks"), i), "text"),
		       "text");
}

START_TEST(texts_are_cut_to_each_limit)
{
	page.summary = accents(1024);
	page.why = accents(1900);
	page.evidence = accents(1900);
	json_t *body = body_of(&slack);
	const char *head = block_text(body, 0);
	is_cut(head + strlen("[critical] "), 150 - strlen("[critical] "));
	const char *facts = block_text(body, 1);
	/* 3,000 characters: nearly all of them are accents of two bytes. */
	ck_assert_uint_gt(strlen(facts), 2 * 2800);
	ck_assert_uint_le(strlen(facts), 2 * 3000 + 1);
	json_decref(body);
}
END_TEST

START_TEST(hostile_texts_are_no_markup)
{
	page.summary = "<!channel> & <https://evil.example|click> @channel @here";
	page.waterfall = "Trace 1:\n```<!here>";
	page.links[0] = (struct page_link){ "a|b>c", "https://x.example/a|b>c<d e" };
	json_t *body = body_of(&slack);
	ck_assert_str_eq(text_at(body, "text"),
			 "*[critical] &lt;!channel&gt; &amp; &lt;https://evil.example|click&gt; "
			 "@\u200bchannel @\u200bhere*");
	ck_assert_str_eq(block_text(body, 3), "```\nTrace 1:\n'''&lt;!here&gt;\n```\n");
	const json_t *buttons =
		json_object_get(json_array_get(json_object_get(body, "blocks"), 2), "elements");
	ck_assert_str_eq(text_at(json_array_get(buttons, 1), "url"),
			 "https://x.example/a%7Cb%3Ec%3Cd%20e");
	json_decref(body);
}
END_TEST

START_TEST(only_ok_is_a_delivery)
{
	ck_assert_int_eq(judge(PAGER_SLACK, 200, "ok").outcome, JUDGE_DELIVERED);
	ck_assert_int_eq(judge(PAGER_SLACK, 200, "ok\n").outcome, JUDGE_DELIVERED);
	struct judgement judgement = judge(PAGER_SLACK, 200, "invalid_token");
	ck_assert_int_eq(judgement.outcome, JUDGE_REJECTED);
	ck_assert_str_eq(judgement.text, "HTTP 200: invalid_token");
	ck_assert_int_eq(judge(PAGER_SLACK, 200, "").outcome, JUDGE_REJECTED);
	ck_assert_int_eq(judge(PAGER_SLACK, 404, "no_service").outcome, JUDGE_REJECTED);
	ck_assert_int_eq(judge(PAGER_SLACK, 500, "rollup_error").outcome, JUDGE_RETRY);
	struct http_reply reply = { .status = 429, .retry_after_us = 5000000 };
	ck_assert_int_eq(pager_kinds[PAGER_SLACK]->judge(&reply).retry_after_us, 5000000);
}
END_TEST

START_TEST(an_address_that_is_none_is_refused_and_not_shown)
{
	static const char *const keys[] = { "s3cret", "ftp://s3cret", "https://s3cret/ x",
					    "https://s3cret/\n" };
	struct page_target target = slack;
	struct delivery delivery;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct err err = { .code = 0 };
		target.key = keys[i];
		ck_assert_int_eq(build_error(&target, &delivery, &err), -EINVAL);
		ck_assert_ptr_null(strstr(err.text, "s3cret"));
	}
}
END_TEST

/* ---- the Web API ---- */

#define POSTED "C0123456789 1788256700.000200"

static const struct page_target bot = { .kind = PAGER_SLACK,
					.pager = "p1",
					.url = "https://slack.com/api",
					.key = "xoxb-1",
					.texts = { [PAGER_TO] = "C0123456789" } };

/* The bot's target, when the incident's message was posted before. */
static struct page_target bot_after(const char *memory)
{
	struct page_target target = bot;

	target.memory = memory;
	return target;
}

static json_t *json_of(const struct http_request *request)
{
	json_t *root = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, NULL);

	ck_assert_ptr_nonnull(root);
	return root;
}

static void same_json(const json_t *theirs, const char *expected)
{
	json_t *ours = json_loads(expected, 0, NULL);

	ck_assert_ptr_nonnull(ours);
	if (!json_equal(theirs, ours)) {
		char *is = json_dumps(theirs, JSON_INDENT(1) | JSON_SORT_KEYS);
		ck_abort_msg("is %s\nwanted %s", is, expected);
	}
	json_decref(ours);
}

static struct delivery deliver_to(const struct page_target *target)
{
	struct delivery delivery;
	struct err err = { .code = 0 };

	ck_assert_msg(build_error(target, &delivery, &err) == 0, "%s", err.text);
	return delivery;
}

/* Made of HMAC-SHA256("a message of Slack", "i1_7") by Python's hmac and uuid modules. */
#define POSTING(event)                                                                             \
	"\"client_msg_id\":\"ed7ab3d5-771b-4a64-a812-e9066e481a72\",\"metadata\":{\"event_type\":" \
	"\"tracepager_page\",\"event_payload\":{\"incident\":\"i1\",\"key\":\"i1#2\",\"event\":"   \
	"\"" event "\"}},\"unfurl_links\":false,\"unfurl_media\":false"

START_TEST(a_bot_posts_the_trigger)
{
	static const char *const memories[] = { NULL, "", POSTED };

	/* A trigger rings: it is never a change of an earlier message. */
	for (size_t i = 0; i < ARRAY_LEN(memories); i++) {
		struct page_target target = bot_after(memories[i]);
		struct delivery delivery = deliver_to(&target);
		json_t *body = json_of(&delivery.request);
		ck_assert_str_eq(delivery.request.url, "https://slack.com/api/chat.postMessage");
		ck_assert_str_eq(header(&delivery.request, "Authorization"), "Bearer xoxb-1");
		ck_assert_str_eq(header(&delivery.request, "Content-Type"),
				 "application/json; charset=utf-8");
		ck_assert_ptr_null(delivery.follow_up);
		json_object_del(body, "blocks"); /* those of the webhook, see above */
		same_json(body, "{\"channel\":\"C0123456789\",\"text\":\"*[critical] ledger: "
				"deadlock*\"," POSTING("page.trigger") "}");
		json_decref(body);
	}
}
END_TEST

START_TEST(a_webhook_and_a_bot_post_the_same_blocks)
{
	struct delivery delivery = deliver_to(&bot);
	json_t *of_bot = json_of(&delivery.request), *of_hook = body_of(&slack);

	ck_assert(
		json_equal(json_object_get(of_bot, "blocks"), json_object_get(of_hook, "blocks")));
	json_decref(of_bot);
	json_decref(of_hook);
}
END_TEST

#define PLAIN(text) "{\"type\":\"plain_text\",\"text\":\"" text "\",\"emoji\":false}"
#define MRKDWN(text)                                                                               \
	"{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"verbatim\":true,\"text\":\"" text   \
	"\"}}"
#define WATERFALL MRKDWN("```\\nTrace 4bf9:\\n✗ ledger  ██ 4 ms\\n```\\n")
#define INCIDENT                                                                                   \
	"{\"type\":\"context\",\"elements\":[{\"type\":\"mrkdwn\","                                \
	"\"text\":\"*Incident:* i1\\n\",\"verbatim\":true}]}"
#define RUNBOOK(n)                                                                                 \
	"{\"type\":\"button\",\"text\":" PLAIN(                                                    \
		"Runbook") ",\"url\":"                                                             \
			   "\"https://wiki.example/ledger\",\"action_id\":\"link_" n "\"}"

/* clang-format off */
/* The message says how things are; the reply says what is new, and notifies who follows. */
START_TEST(an_acknowledgement_changes_the_message_and_replies)
{
	struct page_target target = bot_after(POSTED);

	page.event = PAGE_UPDATE;
	page.at_once = true;
	page.act = "acknowledge";
	page.note = "acknowledged by ann";
	page.acked_by = "ann";
	struct delivery delivery = deliver_to(&target);
	ck_assert_str_eq(delivery.request.url, "https://slack.com/api/chat.update");
	json_t *body = json_of(&delivery.request);
	same_json(body,
		  "{\"channel\":\"C0123456789\",\"ts\":\"1788256700.000200\","
		  "\"text\":\"*Acknowledged: [critical] ledger: deadlock*\",\"blocks\":["
		  "{\"type\":\"header\",\"text\":" PLAIN("Acknowledged: [critical] ledger: deadlock") "},"
		  MRKDWN("*Since:* 2026-09-01T09:58:00Z, 2 min 02 s before this page\\n"
			 "*Environment:* prod\\n"
			 "*Why you:* team money owns ledger (rules.yaml:24)\\n"
			 "*How sure:* 8 of 8 failing traces end in ledger\\n"
			 "*Path:* web &gt; ledger\\n"
			 "*Who has it:* ann\\n") ","
		  "{\"type\":\"actions\",\"elements\":[{\"type\":\"button\",\"text\":"
		  PLAIN("Acknowledge, hand on or resolve") ",\"url\":\"https://tp.example/i/i1?t=AQ\","
		  "\"action_id\":\"link_0\",\"style\":\"primary\"}," RUNBOOK("1") "]}," WATERFALL "," INCIDENT "]}");
	json_decref(body);
	ck_assert_ptr_nonnull(delivery.follow_up);
	ck_assert_str_eq(delivery.follow_up->url, "https://slack.com/api/chat.postMessage");
	ck_assert_str_eq(header(delivery.follow_up, "Authorization"), "Bearer xoxb-1");
	body = json_of(delivery.follow_up);
	same_json(body, "{\"channel\":\"C0123456789\",\"thread_ts\":\"1788256700.000200\","
			"\"text\":\"*Update: ledger: deadlock*\\n*What is new:* acknowledged by ann\\n"
			"*Who has it:* ann\"," POSTING("page.update") "}");
	json_decref(body);
}
END_TEST

/* What was found stays in the message, for those who read it later; no button acts any more. */
START_TEST(a_resolve_ends_the_message_and_says_so_in_its_thread)
{
	struct page_target target = bot_after(POSTED);

	target.hears = true;
	page.event = PAGE_RESOLVE;
	page.note = "resolved by ann";
	page.escalates = "2026-09-01T10:20:00Z: pages ledger-lead";
	page.banner = "The cause is not known";
	struct delivery delivery = deliver_to(&target);
	json_t *body = json_of(&delivery.request);
	same_json(body,
		  "{\"channel\":\"C0123456789\",\"ts\":\"1788256700.000200\","
		  "\"text\":\"*Resolved: ledger: deadlock*\",\"blocks\":["
		  "{\"type\":\"header\",\"text\":" PLAIN("Resolved: ledger: deadlock") "},"
		  MRKDWN("*What is new:* resolved by ann\\n"
			 "*Severity:* critical\\n"
			 "*Since:* 2026-09-01T09:58:00Z, for 2 min 02 s\\n"
			 "*Environment:* prod\\n"
			 "*Team:* money\\n"
			 "*Why you:* team money owns ledger (rules.yaml:24)\\n"
			 "*How sure:* 8 of 8 failing traces end in ledger\\n"
			 "*Path:* web &gt; ledger\\n") ","
		  "{\"type\":\"actions\",\"elements\":[" RUNBOOK("0") "]}," WATERFALL "," INCIDENT "]}");
	json_decref(body);
	body = json_of(delivery.follow_up);
	same_json(body, "{\"channel\":\"C0123456789\",\"thread_ts\":\"1788256700.000200\","
			"\"text\":\"*Resolved: ledger: deadlock*\\n*What is new:* resolved by ann\","
			POSTING("page.resolve") "}");
	json_decref(body);
}
END_TEST

/* clang-format on */

START_TEST(only_what_must_be_seen_is_shown_in_the_channel)
{
	static const struct {
		enum page_event event;
		bool at_once;
		const char *act;
		bool shown;
	} rows[] = { { PAGE_UPDATE, false, NULL, false },
		     { PAGE_UPDATE, true, NULL, true },
		     { PAGE_UPDATE, true, "acknowledge", false },
		     { PAGE_RESOLVE, false, NULL, false } };
	struct page_target target = bot_after(POSTED);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		page.event = rows[i].event;
		page.at_once = rows[i].at_once;
		page.act = rows[i].act;
		struct delivery delivery = deliver_to(&target);
		json_t *reply = json_of(delivery.follow_up), *change = json_of(&delivery.request);
		ck_assert_int_eq(json_is_true(json_object_get(reply, "reply_broadcast")),
				 rows[i].shown);
		ck_assert_ptr_null(json_object_get(reply, "blocks"));
		ck_assert_ptr_null(json_object_get(change, "reply_broadcast"));
		ck_assert_ptr_null(json_object_get(change, "metadata"));
		json_decref(reply);
		json_decref(change);
	}
}
END_TEST

/* Nothing is known of the message, or what is known is no message of Slack's. */
START_TEST(without_memory_an_update_is_a_message_of_its_own)
{
	static const char *const memories[] = { NULL,		"",	     "C1",	 "C1 ",
						" 17.2",	"C1 17.2 3", "C1 17.2x", "c1 17.2",
						"C1/../x 17.2", "C\"1 17.2" };

	page.event = PAGE_UPDATE;
	for (size_t i = 0; i < ARRAY_LEN(memories); i++) {
		struct page_target target = bot_after(memories[i]);
		struct delivery delivery = deliver_to(&target);
		ck_assert_str_eq(delivery.request.url, "https://slack.com/api/chat.postMessage");
		ck_assert_ptr_null(delivery.follow_up);
		json_t *body = json_of(&delivery.request);
		ck_assert_str_eq(text_at(body, "text"), "*Update: ledger: deadlock*");
		ck_assert_ptr_null(json_object_get(body, "thread_ts"));
		json_decref(body);
	}
}
END_TEST

START_TEST(a_bot_without_what_it_needs_is_refused)
{
	struct page_target target = bot;
	struct delivery delivery;
	struct err err = { .code = 0 };

	target.key = NULL;
	ck_assert_int_eq(build_error(&target, &delivery, &err), -EINVAL);
	target.key = "xoxb-1\r\nX: y";
	ck_assert_int_eq(build_error(&target, &delivery, &err), -EINVAL);
	ck_assert_ptr_null(strstr(err.text, "xoxb"));
}
END_TEST

/* ---- buttons ---- */

static void same_buttons(const char *expected)
{
	struct page_target target = bot;

	target.hears = true;
	struct delivery delivery = deliver_to(&target);
	json_t *body = json_of(&delivery.request);
	same_json(json_object_get(json_array_get(json_object_get(body, "blocks"), 2), "elements"),
		  expected);
	json_decref(body);
}

/* clang-format off */
#define CONFIRM(title, text)                                                                       \
	"\"confirm\":{\"title\":" PLAIN(title) ",\"text\":" PLAIN(text) ",\"confirm\":"              \
	PLAIN("Yes") ",\"deny\":" PLAIN("No") "}"
#define NOT_OURS                                                                                   \
	"{\"type\":\"button\",\"text\":" PLAIN("Not ours") ",\"action_id\":\"reroute\","            \
	"\"value\":\"i1#2 p1\"," CONFIRM("Not ours", "The next team that may own this is paged "    \
						   "instead.") "}"
#define RESOLVE                                                                                    \
	"{\"type\":\"button\",\"text\":" PLAIN("Resolve") ",\"action_id\":\"resolve\","             \
	"\"value\":\"i1#2 p1\"," CONFIRM("Resolve", "The incident ends for all. Alerts that still " \
						  "fire page nobody until they have ended once.") "}"

START_TEST(a_pager_that_hears_has_buttons_that_act)
{
	same_buttons("[{\"type\":\"button\",\"text\":" PLAIN("Acknowledge") ",\"action_id\":"
		     "\"acknowledge\",\"value\":\"i1#2 p1\",\"style\":\"primary\"}," NOT_OURS ","
		     RESOLVE ",{\"type\":\"button\",\"text\":"
		     PLAIN("Acknowledge, hand on or resolve") ",\"url\":"
		     "\"https://tp.example/i/i1?t=AQ\",\"action_id\":\"link_0\"}," RUNBOOK("1") "]");
	/* Somebody has it. */
	page.acked_by = "ann";
	page.act_href = NULL;
	same_buttons("[" NOT_OURS "," RESOLVE "," RUNBOOK("0") "]");
}
END_TEST

/* clang-format on */

/* ---- replies of the Web API ---- */

static const struct {
	const char *body;
	const char *memory; /* NULL: nothing is remembered */
} taken[] = {
	{ "{\"ok\":true,\"channel\":\"C01\",\"ts\":\"1788.25\",\"message\":{\"text\":\"x\"}}",
	  "C01 1788.25" },
	{ " {\"ok\":true,\"channel\":\"C01\",\"ts\":\"1788.25\",\"text\":\"x\"}", "C01 1788.25" },
	/* A parent that has replies; a reply, which is not what later pages change. */
	{ "{\"ok\":true,\"channel\":\"C01\",\"ts\":\"1788.25\",\"message\":{\"thread_ts\":"
	  "\"1788.25\"}}",
	  "C01 1788.25" },
	{ "{\"ok\":true,\"channel\":\"C01\",\"ts\":\"1788.26\",\"message\":{\"thread_ts\":"
	  "\"1788.25\"}}",
	  NULL },
	{ "{\"ok\":true}", NULL },
	{ "{\"ok\":true,\"channel\":5,\"ts\":[]}", NULL },
	{ "{\"ok\":false,\"error\":\"duplicate_message_not_found\"}", NULL },
};

START_TEST(a_message_that_was_posted_is_remembered)
{
	struct judgement judgement = judge(PAGER_SLACK, 200, taken[_i].body);

	ck_assert_int_eq(judgement.outcome, JUDGE_DELIVERED);
	ck_assert_int_eq(judgement.remembers, taken[_i].memory != NULL);
	if (taken[_i].memory)
		ck_assert_str_eq(judgement.memory, taken[_i].memory);
}
END_TEST

START_TEST(what_does_not_fit_the_memory_is_left_out)
{
	char body[600];

	snprintf(body, sizeof(body), "{\"ok\":true,\"channel\":\"C%0300d\",\"ts\":\"1.2\"}", 1);
	struct judgement judgement = judge(PAGER_SLACK, 200, body);
	ck_assert_int_eq(judgement.outcome, JUDGE_DELIVERED);
	ck_assert(!judgement.remembers);
}
END_TEST

static const struct {
	const char *body;
	enum judgement_outcome outcome;
	bool forgets;
	const char *text; /* a part of it */
} refusals[] = {
	{ "{\"ok\":false,\"error\":\"ratelimited\"}", JUDGE_RETRY, false, "ratelimited" },
	{ "{\"ok\":false,\"error\":\"internal_error\"}", JUDGE_RETRY, false, "internal_error" },
	{ "{\"ok\":false,\"error\":\"service_unavailable\"}", JUDGE_RETRY, false, "unavailable" },
	{ "{\"ok\":false,\"error\":\"message_not_found\"}", JUDGE_RETRY, true, "not_found" },
	{ "{\"ok\":false,\"error\":\"edit_window_closed\"}", JUDGE_RETRY, true, "closed" },
	{ "{\"ok\":false,\"error\":\"cant_update_message\"}", JUDGE_RETRY, true, "cant_update" },
	{ "{\"ok\":false,\"error\":\"invalid_auth\"}", JUDGE_REJECTED, false, "xoxb-" },
	{ "{\"ok\":false,\"error\":\"token_revoked\"}", JUDGE_REJECTED, false, "token_file" },
	{ "{\"ok\":false,\"error\":\"missing_scope\",\"needed\":\"chat:write\"}", JUDGE_REJECTED,
	  false, "chat:write" },
	{ "{\"ok\":false,\"error\":\"channel_not_found\"}", JUDGE_REJECTED, false, "channel's id" },
	{ "{\"ok\":false,\"error\":\"not_in_channel\"}", JUDGE_REJECTED, false, "/invite" },
	{ "{\"ok\":false,\"error\":\"is_archived\"}", JUDGE_REJECTED, false, "unarchive" },
	{ "{\"ok\":false,\"error\":\"msg_too_long\"}", JUDGE_REJECTED, false, "templates" },
	{ "{\"ok\":false,\"error\":\"restricted_action\"}", JUDGE_REJECTED, false, "admin" },
	{ "{\"ok\":false,\"error\":\"something_new\"}", JUDGE_REJECTED, false,
	  "Slack says something_new" },
	{ "{\"ok\":false,\"error\":\"<\\u001b[31mno\\n>\"}", JUDGE_REJECTED, false,
	  "Slack says 31mno" },
	{ "{\"ok\":\"true\"}", JUDGE_REJECTED, false, "no reason" },
	{ "{}", JUDGE_REJECTED, false, "no reason" },
	{ "{\"ok\":tr", JUDGE_RETRY, false, "cannot be read" },
};

START_TEST(a_refusal_of_the_web_api_names_its_cure)
{
	struct judgement judgement = judge(PAGER_SLACK, 200, refusals[_i].body);

	ck_assert_int_eq(judgement.outcome, refusals[_i].outcome);
	ck_assert_int_eq(judgement.remembers, refusals[_i].forgets);
	ck_assert_str_eq(judgement.memory, "");
	ck_assert_msg(strstr(judgement.text, refusals[_i].text) != NULL, "%s", judgement.text);
}
END_TEST

START_TEST(the_web_api_asks_for_a_pause)
{
	struct http_reply reply = { .status = 200,
				    .body = "{\"ok\":false,\"error\":\"ratelimited\"}",
				    .len = 34,
				    .retry_after_us = 7000000,
				    .content_type = "application/json; charset=utf-8" };

	ck_assert_int_eq(pager_kinds[PAGER_SLACK]->judge(&reply).retry_after_us, 7000000);
	reply.retry_after_us = 3600000000;
	ck_assert_int_eq(pager_kinds[PAGER_SLACK]->judge(&reply).retry_after_us,
			 LIMIT_PAGER_RETRY_AFTER_US);
	/* 200 and half a body may mean no. */
	reply.error = "connection lost";
	ck_assert_int_eq(pager_kinds[PAGER_SLACK]->judge(&reply).outcome, JUDGE_RETRY);
	reply.body = NULL;
	reply.len = 0;
	ck_assert_int_eq(pager_kinds[PAGER_SLACK]->judge(&reply).outcome, JUDGE_RETRY);
}
END_TEST

int main(void)
{
	TCase *tcase;
	Suite *suite = golden_suite("slack", &tcase);

	tcase_add_test(tcase, a_trigger_is_a_message_of_blocks);
	tcase_add_test(tcase, events_have_their_headlines);
	tcase_add_test(tcase, texts_are_cut_to_each_limit);
	tcase_add_test(tcase, hostile_texts_are_no_markup);
	tcase_add_test(tcase, only_ok_is_a_delivery);
	tcase_add_test(tcase, an_address_that_is_none_is_refused_and_not_shown);
	tcase_add_test(tcase, a_bot_posts_the_trigger);
	tcase_add_test(tcase, a_webhook_and_a_bot_post_the_same_blocks);
	tcase_add_test(tcase, an_acknowledgement_changes_the_message_and_replies);
	tcase_add_test(tcase, a_resolve_ends_the_message_and_says_so_in_its_thread);
	tcase_add_test(tcase, only_what_must_be_seen_is_shown_in_the_channel);
	tcase_add_test(tcase, without_memory_an_update_is_a_message_of_its_own);
	tcase_add_test(tcase, a_bot_without_what_it_needs_is_refused);
	tcase_add_test(tcase, a_pager_that_hears_has_buttons_that_act);
	tcase_add_loop_test(tcase, a_message_that_was_posted_is_remembered, 0, ARRAY_LEN(taken));
	tcase_add_test(tcase, what_does_not_fit_the_memory_is_left_out);
	tcase_add_loop_test(tcase, a_refusal_of_the_web_api_names_its_cure, 0, ARRAY_LEN(refusals));
	tcase_add_test(tcase, the_web_api_asks_for_a_pause);
	return golden_run(suite);
}
