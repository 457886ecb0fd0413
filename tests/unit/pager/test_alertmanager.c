/* Tests of the pager kind alertmanager: alerts of its API v2. */
#include "golden.h"

static const struct page_target target = {
	.kind = PAGER_ALERTMANAGER, .pager = "p1", .url = "http://am:9093/", .key = "t0ken"
};

START_TEST(a_trigger_posts_an_alert)
{
	struct http_request request = build(&target);

	ck_assert_str_eq(request.url, "http://am:9093/api/v2/alerts");
	ck_assert_str_eq(header(&request, "Authorization"), "Bearer t0ken");
	golden(&target,
	       "[{\"labels\":{\"alertname\":\"tracepager\",\"incident\":\"i1#2\","
	       "\"team\":\"money\"},\"annotations\":{\"summary\":\"[critical] ledger: deadlock\","
	       "\"description\":\"Acknowledge, hand on or resolve: "
	       "https://tp.example/i/i1?t=AQ\\n" GOLDEN_FACTS
	       "\\nTrace 4bf9:\\n✗ ledger  ██ 4 ms\\n\\nRunbook: "
	       "https://wiki.example/ledger\\n" GOLDEN_LAST "\","
	       "\"severity\":\"critical\",\"service\":\"ledger\",\"origin\":\"checkout\","
	       "\"environment\":\"prod\",\"why\":\"team money owns ledger (rules.yaml:24)\","
	       "\"evidence\":\"8 of 8 failing traces end in ledger\",\"path\":\"web > ledger\","
	       "\"runbook_url\":\"https://wiki.example/ledger\"},"
	       "\"startsAt\":\"2026-09-01T09:58:00Z\",\"endsAt\":\"2026-09-08T10:00:02Z\","
	       "\"generatorURL\":\"https://tp.example/i/i1?t=AQ\"}]");
}
END_TEST

/* Alertmanager knows an alert by its labels: another one would fire beside the first. */
START_TEST(labels_stay_when_all_else_changes)
{
	json_t *before = body_of(&target);

	page.event = PAGE_UPDATE;
	page.severity = SEVERITY_WARNING;
	page.summary = "stock: timeout";
	page.component = "stock";
	page.environment = "prod eu2";
	json_t *after = body_of(&target);
	ck_assert(json_equal(json_object_get(json_array_get(before, 0), "labels"),
			     json_object_get(json_array_get(after, 0), "labels")));
	ck_assert_str_eq(text_at(json_array_get(after, 0), "endsAt"), "2026-09-08T10:00:02Z");
	json_decref(before);
	json_decref(after);
}
END_TEST

START_TEST(a_resolve_ends_it_now)
{
	page.event = PAGE_RESOLVE;
	json_t *body = body_of(&target);
	ck_assert_str_eq(text_at(json_array_get(body, 0), "endsAt"), "2026-09-01T10:00:02Z");
	ck_assert_str_eq(text_at(json_array_get(body, 0), "startsAt"), "2026-09-01T09:58:00Z");
	json_decref(body);
	/* A sender's clock may be ahead: an end before the start would be refused. */
	page.since_us = page.at_us + 5000000;
	body = body_of(&target);
	ck_assert_str_eq(text_at(json_array_get(body, 0), "endsAt"), "2026-09-01T10:00:07Z");
	json_decref(body);
}
END_TEST

START_TEST(replies_are_judged)
{
	ck_assert_int_eq(judge(PAGER_ALERTMANAGER, 200, "").outcome, JUDGE_DELIVERED);
	ck_assert_int_eq(judge(PAGER_ALERTMANAGER, 400, "\"bad\"").outcome, JUDGE_REJECTED);
	ck_assert_int_eq(judge(PAGER_ALERTMANAGER, 500, "\"x\"").outcome, JUDGE_RETRY);
}
END_TEST

int main(void)
{
	TCase *tcase;
	Suite *suite = golden_suite("alertmanager", &tcase);

	tcase_add_test(tcase, a_trigger_posts_an_alert);
	tcase_add_test(tcase, labels_stay_when_all_else_changes);
	tcase_add_test(tcase, a_resolve_ends_it_now);
	tcase_add_test(tcase, replies_are_judged);
	return golden_run(suite);
}
