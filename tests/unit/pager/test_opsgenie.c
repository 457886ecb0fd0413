/* Tests of the pager kinds opsgenie and jsm: their requests, as the Alert API v2 takes them. */
#include "golden.h"

static const struct page_target opsgenie = {
	.kind = PAGER_OPSGENIE, .pager = "p1", .url = "https://api.opsgenie.com", .key = "k3y"
};

#define DESCRIPTION                                                                                \
	"Acknowledge, hand on or resolve: https://tp.example/i/i1?t=AQ\\n" GOLDEN_FACTS            \
	"\\nTrace 4bf9:\\n✗ ledger  ██ 4 ms\\n\\n"                                           \
	"Runbook: https://wiki.example/ledger\\n" GOLDEN_LAST

START_TEST(a_trigger_creates_an_alert)
{
	struct page_target target = opsgenie;

	target.texts[PAGER_TO] = "Money team";
	struct http_request request = build(&target);
	ck_assert_str_eq(request.url, "https://api.opsgenie.com/v2/alerts");
	ck_assert_str_eq(header(&request, "Authorization"), "GenieKey k3y");
	ck_assert_str_eq(header(&request, "Content-Type"), "application/json");
	golden(&target,
	       "{\"message\":\"ledger: deadlock\",\"alias\":\"i1#2\",\"description\":\"" DESCRIPTION
	       "\",\"responders\":[{\"type\":\"team\",\"name\":\"Money team\"}],"
	       "\"details\":{\"incident\":\"i1\",\"severity\":\"critical\","
	       "\"since\":\"2026-09-01T09:58:00Z\",\"environment\":\"prod\","
	       "\"component\":\"ledger\",\"team\":\"money\",\"class\":\"span\"},"
	       "\"entity\":\"ledger\",\"tags\":[\"tracepager\",\"critical\",\"prod\",\"ledger\"],"
	       "\"priority\":\"P1\",\"source\":\"tracepager\"}");
}
END_TEST

START_TEST(jsm_has_an_address_of_its_own)
{
	struct page_target target = opsgenie;

	target.kind = PAGER_JSM;
	target.url = "https://api.atlassian.com/jsm/ops/integration/";
	page.event = PAGE_RESOLVE;
	ck_assert_str_eq(build(&target).url, "https://api.atlassian.com/jsm/ops/integration/v2/"
					     "alerts/i1%232/close?identifierType=alias");
}
END_TEST

START_TEST(a_resolve_closes_the_alias)
{
	page.event = PAGE_RESOLVE;
	page.note = "the alert is over";
	ck_assert_str_eq(build(&opsgenie).url, "https://api.opsgenie.com/v2/alerts/i1%232/"
					       "close?identifierType=alias");
	golden(&opsgenie,
	       "{\"note\":\"Resolved: ledger: deadlock\\nWhat is new: the alert is over\\n"
	       "Severity: critical\\nSince: 2026-09-01T09:58:00Z, for 2 min 02 s\\n"
	       "Environment: prod\\nTeam: money\\n"
	       "Runbook: https://wiki.example/ledger\\nIncident: "
	       "i1\\n\",\"source\":\"tracepager\"}");
}
END_TEST

START_TEST(an_acknowledgement_names_who)
{
	page.event = PAGE_UPDATE;
	page.act = "acknowledge";
	page.acked_by = "ann";
	page.note = "ann has it";
	ck_assert_str_eq(build(&opsgenie).url, "https://api.opsgenie.com/v2/alerts/i1%232/"
					       "acknowledge?identifierType=alias");
	golden(&opsgenie, "{\"note\":\"ann has it\",\"user\":\"ann\",\"source\":\"tracepager\"}");
}
END_TEST

START_TEST(an_update_is_a_note_and_a_notice_an_alert)
{
	page.event = PAGE_UPDATE;
	page.note = "joined by HighLatency";
	ck_assert_str_eq(build(&opsgenie).url, "https://api.opsgenie.com/v2/alerts/i1%232/"
					       "notes?identifierType=alias");
	json_t *body = body_of(&opsgenie);
	ck_assert_ptr_nonnull(strstr(text_at(body, "note"), "Update: ledger: deadlock\n"));
	ck_assert_ptr_nonnull(
		strstr(text_at(body, "note"), "What is new: joined by HighLatency\n"));
	json_decref(body);
	/* As deliver tells of a notice. */
	page.at_once = true;
	ck_assert_str_eq(build(&opsgenie).url, "https://api.opsgenie.com/v2/alerts");
}
END_TEST

START_TEST(severities_are_priorities)
{
	static const char *const priorities[] = { "P5", "P3", "P2", "P1" };

	for (int i = 0; i < 4; i++) {
		page.severity = (enum severity)i;
		json_t *body = body_of(&opsgenie);
		ck_assert_str_eq(text_at(body, "priority"), priorities[i]);
		json_decref(body);
	}
	page.urgency = "low";
	json_t *body = body_of(&opsgenie);
	ck_assert_str_eq(text_at(body, "priority"), "P5");
	json_decref(body);
}
END_TEST

START_TEST(texts_are_cut_between_characters)
{
	page.summary = accents(131);
	page.component = accents(600);
	page.reasons = accents(20000);
	json_t *body = body_of(&opsgenie);
	is_cut(text_at(body, "message"), 130);
	is_cut(text_at(body, "entity"), 512);
	is_cut(json_string_value(json_array_get(json_object_get(body, "tags"), 3)), 50);
	/* 15,000 units, of which the ASCII before the reasons has one byte each. */
	const char *description = text_at(body, "description");
	ck_assert_uint_gt(strlen(description), 2 * 14000);
	ck_assert_uint_le(strlen(description), 2 * 15000 + 1);
	ck_assert_str_eq(description + strlen(description) - strlen("é…\n"), "é…\n");
	json_decref(body);
	page.summary = accents(130);
	body = body_of(&opsgenie);
	ck_assert_str_eq(text_at(body, "message"), accents(130));
	json_decref(body);
}
END_TEST

START_TEST(hostile_texts_are_no_tags)
{
	page.why = "<img src=x onerror=alert(1)>\033[31m";
	page.links[0].href = "javascript:alert(1)";
	json_t *body = body_of(&opsgenie);
	ck_assert_ptr_null(strstr(text_at(body, "description"), "<img"));
	ck_assert_ptr_null(strchr(text_at(body, "description"), '\033'));
	ck_assert_ptr_null(strstr(text_at(body, "description"), "javascript"));
	json_decref(body);
}
END_TEST

START_TEST(replies_are_judged)
{
	ck_assert_int_eq(judge(PAGER_OPSGENIE, 202, "{}").outcome, JUDGE_DELIVERED);
	ck_assert_int_eq(judge(PAGER_OPSGENIE, 422, "{}").outcome, JUDGE_REJECTED);
	ck_assert_int_eq(judge(PAGER_OPSGENIE, 401, "{}").outcome, JUDGE_REJECTED);
	ck_assert_int_eq(judge(PAGER_OPSGENIE, 503, "{}").outcome, JUDGE_RETRY);
	ck_assert_int_eq(judge(PAGER_JSM, 501, "{}").outcome, JUDGE_REJECTED);
	struct http_header period = { "X-RateLimit-Period-In-Sec", "7" };
	struct http_reply reply = {
		.status = 429, .retry_after_us = -1, .headers = &period, .nheaders = 1
	};
	struct judgement judgement = pager_kinds[PAGER_OPSGENIE]->judge(&reply);
	ck_assert_int_eq(judgement.outcome, JUDGE_RETRY);
	ck_assert_int_eq(judgement.retry_after_us, 7000000);
	reply.retry_after_us = 3000000;
	ck_assert_int_eq(pager_kinds[PAGER_OPSGENIE]->judge(&reply).retry_after_us, 3000000);
}
END_TEST

START_TEST(a_key_with_a_line_end_is_refused)
{
	struct page_target target = opsgenie;
	struct delivery delivery;
	struct err err = { .code = 0 };

	target.key = "k3y\r\nX-Evil: 1";
	ck_assert_int_eq(build_error(&target, &delivery, &err), -EINVAL);
	ck_assert_ptr_null(strstr(err.text, "k3y"));
}
END_TEST

START_TEST(the_stored_target_keeps_the_responder)
{
	struct buf out = BUF_INIT(4096);
	struct page_target target = opsgenie, back;
	struct err err = { .code = 0 };

	target.texts[PAGER_TO] = "Money \"team\"";
	page_target_write(&target, &out);
	ck_assert_int_eq(page_target_read(arena, buf_text(&out), &back, &err), 0);
	ck_assert_int_eq(back.kind, PAGER_OPSGENIE);
	ck_assert_str_eq(back.key, "k3y");
	ck_assert_str_eq(back.texts[PAGER_TO], "Money \"team\"");
	ck_assert_ptr_null(back.texts[PAGER_FROM]);
	/* Stored before there were texts. */
	ck_assert_int_eq(
		page_target_read(arena, "{\"kind\":\"webhook\",\"pager\":\"p\"}", &back, &err), 0);
	ck_assert_ptr_null(back.texts[PAGER_TO]);
	buf_fini(&out);
}
END_TEST

int main(void)
{
	TCase *tcase;
	Suite *suite = golden_suite("opsgenie", &tcase);

	tcase_add_test(tcase, a_trigger_creates_an_alert);
	tcase_add_test(tcase, jsm_has_an_address_of_its_own);
	tcase_add_test(tcase, a_resolve_closes_the_alias);
	tcase_add_test(tcase, an_acknowledgement_names_who);
	tcase_add_test(tcase, an_update_is_a_note_and_a_notice_an_alert);
	tcase_add_test(tcase, severities_are_priorities);
	tcase_add_test(tcase, texts_are_cut_between_characters);
	tcase_add_test(tcase, hostile_texts_are_no_tags);
	tcase_add_test(tcase, replies_are_judged);
	tcase_add_test(tcase, the_stored_target_keeps_the_responder);
	tcase_add_test(tcase, a_key_with_a_line_end_is_refused);
	return golden_run(suite);
}
