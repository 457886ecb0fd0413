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
	return golden_run(suite);
}
