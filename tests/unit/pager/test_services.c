/* Tests of the pager kinds ntfy, telegram, pushover, goalert, incidentio, grafana-oncall, rootly,
 * splunk-oncall and servicenow. */
#include "golden.h"

#define PLAIN_REST "\\nTrace 4bf9:\\n✗ ledger  ██ 4 ms\\n\\n" GOLDEN_LAST
#define MARKED                                                                                     \
	"[Acknowledge, hand on or resolve](https://tp.example/i/i1?t=AQ)\\n"                       \
	"**Since:** 2026-09-01T09:58:00Z, 2 min 02 s before this page\\n"                          \
	"**Environment:** prod\\n"                                                                 \
	"**Why you:** team money owns ledger (rules.yaml:24)\\n"                                   \
	"**How sure:** 8 of 8 failing traces end in ledger\\n"                                     \
	"**Path:** web \\\\> ledger\\n"                                                            \
	"```\\nTrace 4bf9:\\n✗ ledger  ██ 4 ms\\n```\\n"                                     \
	"[Runbook](https://wiki.example/ledger)\\n"                                                \
	"**Incident:** i1\\n"

static struct page_target target_of(enum pager_kind_id kind, const char *url, const char *to)
{
	struct page_target target = { .kind = kind, .pager = "p1", .url = url, .key = "12:k3y" };

	target.texts[PAGER_TO] = to;
	return target;
}

START_TEST(ntfy_gets_a_message)
{
	struct page_target target = target_of(PAGER_NTFY, "https://ntfy.example/ledger", NULL);
	struct http_request request = build(&target);
	struct delivery delivery;
	struct err err;

	ck_assert_str_eq(request.url, "https://ntfy.example/");
	ck_assert_str_eq(header(&request, "Authorization"), "Bearer 12:k3y");
	golden(&target,
	       "{\"topic\":\"ledger\",\"title\":\"[critical] ledger: deadlock\",\"message\":\""
	       /* the links are buttons */
	       GOLDEN_FACTS PLAIN_REST "\",\"priority\":5,\"tags\":[\"rotating_light\"],"
	       "\"click\":\"https://tp.example/i/i1?t=AQ\",\"actions\":[{\"action\":\"view\","
	       "\"label\":\"Acknowledge, hand on or resolve\","
	       "\"url\":\"https://tp.example/i/i1?t=AQ\"},{\"action\":\"view\","
	       "\"label\":\"Runbook\",\"url\":\"https://wiki.example/ledger\"}]}");
	page.why = page.evidence = page.limits = accents(2000);
	json_t *body = body_of(&target);
	ck_assert_uint_le(strlen(text_at(body, "message")), 4096);
	ck_assert_uint_gt(strlen(text_at(body, "message")), 4000);
	json_decref(body);
	target.url = "https://ntfy.example";
	ck_assert_int_eq(build_error(&target, &delivery, &err), -EINVAL);
}
END_TEST

START_TEST(telegram_gets_html)
{
	struct page_target target = target_of(PAGER_TELEGRAM, "https://api.telegram.org", "-100");

	page.why = "<b>&\"</b>";
	ck_assert_str_eq(build(&target).url, "https://api.telegram.org/bot12:k3y/sendMessage");
	golden(&target,
	       "{\"chat_id\":\"-100\",\"text\":\"<b>[critical] ledger: deadlock</b>\\n"
	       "<a href=\\\"https://tp.example/i/i1?t=AQ\\\">Acknowledge, hand on or resolve</a>\\n"
	       "<b>Since:</b> 2026-09-01T09:58:00Z, 2 min 02 s before this page\\n"
	       "<b>Environment:</b> prod\\n<b>Why you:</b> &lt;b&gt;&amp;\\\"&lt;/b&gt;\\n"
	       "<b>How sure:</b> 8 of 8 failing traces end in ledger\\n"
	       "<b>Path:</b> web &gt; ledger\\n"
	       "<pre>Trace 4bf9:\\n✗ ledger  ██ 4 ms\\n</pre>\\n"
	       "<a href=\\\"https://wiki.example/ledger\\\">Runbook</a>\\n<b>Incident:</b> i1\\n\","
	       "\"parse_mode\":\"HTML\",\"link_preview_options\":{\"is_disabled\":true}}");
}
END_TEST

START_TEST(telegram_replies_are_judged)
{
	ck_assert_int_eq(judge(PAGER_TELEGRAM, 200, "{\"ok\":true}").outcome, JUDGE_DELIVERED);
	struct judgement judgement =
		judge(PAGER_TELEGRAM, 200, "{\"ok\":false,\"description\":\"chat not found\"}");
	ck_assert_int_eq(judgement.outcome, JUDGE_REJECTED);
	ck_assert_str_eq(judgement.text, "HTTP 200: chat not found");
	judgement = judge(PAGER_TELEGRAM, 429, "{\"ok\":false,\"parameters\":{\"retry_after\":7}}");
	ck_assert_int_eq(judgement.outcome, JUDGE_RETRY);
	ck_assert_int_eq(judgement.retry_after_us, 7000000);
	ck_assert_int_eq(judge(PAGER_TELEGRAM, 403, "{}").outcome, JUDGE_REJECTED);
}
END_TEST

START_TEST(pushover_gets_a_form)
{
	struct page_target target =
		target_of(PAGER_PUSHOVER, "https://api.pushover.net/1/messages.json", "u&1");

	page.why = page.evidence = page.path = page.waterfall = NULL;
	page.since_us = 0;
	struct http_request request = build(&target);
	ck_assert_str_eq(header(&request, "Content-Type"), "application/x-www-form-urlencoded");
	ck_assert_str_eq(request.body,
			 "token=12%3Ak3y&user=u%261&title=%5Bcritical%5D%20ledger%3A%20deadlock&"
			 "message=Environment%3A%20prod%0ATeam%3A%20money"
			 "%0ARunbook%3A%20https%3A%2F%2Fwiki.example%2Fledger%0AIncident%3A%20i1"
			 "%0A&priority=1&url=https%3A%2F%2Ftp.example%2Fi%2Fi1%3Ft%3DAQ&"
			 "url_title=Acknowledge%2C%20hand%20on%20or%20resolve");
	ck_assert_int_eq(judge(PAGER_PUSHOVER, 200, "{\"status\":1}").outcome, JUDGE_DELIVERED);
	struct judgement judgement =
		judge(PAGER_PUSHOVER, 200, "{\"status\":0,\"errors\":[\"user is invalid\"]}");
	ck_assert_int_eq(judgement.outcome, JUDGE_REJECTED);
	ck_assert_str_eq(judgement.text, "HTTP 200: user is invalid");
}
END_TEST

START_TEST(goalert_gets_an_alert)
{
	struct page_target target = target_of(PAGER_GOALERT, "https://goalert.example", NULL);
	struct http_request request = build(&target);

	ck_assert_str_eq(request.url, "https://goalert.example/api/v2/generic/incoming");
	ck_assert_str_eq(header(&request, "Authorization"), "Bearer 12:k3y");
	golden(&target, "{\"summary\":\"[critical] ledger: deadlock\",\"dedup\":\"i1#2\","
			"\"meta\":{\"dedup_key\":\"i1#2\"},"
			"\"details\":\"" MARKED "\"}");
	page.event = PAGE_RESOLVE;
	json_t *body = body_of(&target);
	ck_assert_str_eq(text_at(body, "action"), "close");
	ck_assert_str_eq(text_at(body, "dedup"), "i1#2");
	json_decref(body);
}
END_TEST

START_TEST(incidentio_gets_an_alert_event)
{
	struct page_target target = target_of(PAGER_INCIDENTIO, "https://io.example/http/1", NULL);

	ck_assert_str_eq(build(&target).url, "https://io.example/http/1");
	golden(&target, "{\"title\":\"ledger: deadlock\",\"status\":\"firing\","
			"\"deduplication_key\":\"i1#2\",\"description\":\"" MARKED
			"\",\"source_url\":\"https://tp.example/i/i1?t=AQ\",\"metadata\":{"
			"\"incident\":\"i1\",\"severity\":\"critical\",\"team\":\"money\","
			"\"service\":\"ledger\",\"environment\":\"prod\"}}");
	page.event = PAGE_RESOLVE;
	json_t *body = body_of(&target);
	ck_assert_str_eq(text_at(body, "status"), "resolved");
	json_decref(body);
}
END_TEST

START_TEST(grafana_oncall_gets_a_formatted_alert)
{
	struct page_target target = target_of(PAGER_GRAFANA_ONCALL, NULL, NULL);

	target.key = "https://oncall.example/integrations/v1/formatted_webhook/k3y/";
	ck_assert_str_eq(build(&target).url, target.key);
	golden(&target, "{\"alert_uid\":\"i1#2\",\"title\":\"[critical] ledger: deadlock\","
			"\"state\":\"alerting\","
			"\"link_to_upstream_details\":\"https://tp.example/i/i1?t=AQ\","
			"\"message\":\"" MARKED "\"}");
	page.event = PAGE_RESOLVE;
	json_t *body = body_of(&target);
	ck_assert_str_eq(text_at(body, "state"), "ok");
	json_decref(body);
}
END_TEST

START_TEST(rootly_gets_an_alert)
{
	struct page_target target = target_of(PAGER_ROOTLY, "https://rootly.example/hook", NULL);
	struct http_request request = build(&target);

	ck_assert_str_eq(request.url, "https://rootly.example/hook");
	ck_assert_str_eq(header(&request, "Authorization"), "Bearer 12:k3y");
	golden(&target, "{\"title\":\"ledger: deadlock\",\"status\":\"triggered\","
			"\"dedup_key\":\"i1#2\",\"severity\":\"critical\",\"description\":\"" MARKED
			"\",\"team\":\"money\",\"service\":\"ledger\",\"environment\":\"prod\","
			"\"url\":\"https://tp.example/i/i1?t=AQ\"}");
	page.act = "acknowledge";
	page.event = PAGE_UPDATE;
	json_t *body = body_of(&target);
	ck_assert_str_eq(text_at(body, "status"), "acknowledged");
	json_decref(body);
	page.event = PAGE_RESOLVE;
	body = body_of(&target);
	ck_assert_str_eq(text_at(body, "status"), "resolved");
	json_decref(body);
}
END_TEST

static struct page_target splunk_target(void)
{
	struct page_target target =
		target_of(PAGER_SPLUNK_ONCALL,
			  "https://alert.example/integrations/generic/1/alert/", "db/a b");

	target.key = "k3y-1";
	return target;
}

static const char *splunk_type(const struct page_target *target)
{
	json_t *body = body_of(target);
	const char *type = arena_strdup(arena, text_at(body, "message_type"));

	json_decref(body);
	return type;
}

START_TEST(splunk_oncall_gets_an_alert)
{
	struct page_target target = splunk_target();

	ck_assert_str_eq(build(&target).url,
			 "https://alert.example/integrations/generic/1/alert/k3y-1/db%2Fa%20b");
	golden(&target,
	       "{\"message_type\":\"CRITICAL\",\"entity_id\":\"i1#2\","
	       "\"entity_display_name\":\"[critical] ledger: deadlock\",\"state_message\":\""
	       "Acknowledge, hand on or resolve: https://tp.example/i/i1?t=AQ\\n" GOLDEN_FACTS
	       "\\nTrace 4bf9:\\n✗ ledger  ██ 4 ms\\n\\n"
	       "Runbook: https://wiki.example/ledger\\n" GOLDEN_LAST
	       "\",\"state_start_time\":1788256680,"
	       "\"monitoring_tool\":\"tracepager\",\"severity\":\"critical\",\"team\":\"money\","
	       "\"service\":\"ledger\",\"environment\":\"prod\","
	       "\"vo_annotate.u.Acknowledge  hand on or resolve 1\":\"https://tp.example/i/"
	       "i1?t=AQ\",\"vo_annotate.u.Runbook 2\":\"https://wiki.example/ledger\"}");
	/* One line is cut to 2,000 characters, so 12 of them are more than the service takes. */
	page.alert_says = arena_printf(arena, "%s\n%s", accents(15000), accents(15000));
	page.why = page.evidence = page.limits = page.path = page.could_be = page.differs =
		page.what_differs = page.what_to_do = page.also_paged = page.instance =
			page.labels = accents(3000);
	json_t *body = body_of(&target);
	/* "é" has two bytes. */
	ck_assert_uint_le(strlen(text_at(body, "state_message")), 2 * 20480);
	ck_assert_uint_gt(strlen(text_at(body, "state_message")), 2 * 20000);
	json_decref(body);
}
END_TEST

START_TEST(splunk_oncall_has_message_types)
{
	struct page_target target = splunk_target();

	page.severity = SEVERITY_ERROR;
	ck_assert_str_eq(splunk_type(&target), "CRITICAL");
	page.severity = SEVERITY_WARNING;
	page.event = PAGE_UPDATE;
	ck_assert_str_eq(splunk_type(&target), "WARNING");
	page.severity = SEVERITY_INFO;
	ck_assert_str_eq(splunk_type(&target), "INFO");
	page.severity = SEVERITY_CRITICAL;
	page.urgency = "low";
	ck_assert_str_eq(splunk_type(&target), "INFO");
	page.act = "acknowledge";
	ck_assert_str_eq(splunk_type(&target), "ACKNOWLEDGEMENT");
	page.event = PAGE_RESOLVE;
	ck_assert_str_eq(splunk_type(&target), "RECOVERY");
}
END_TEST

START_TEST(splunk_oncall_needs_its_keys)
{
	struct page_target target = splunk_target();
	struct delivery delivery;
	struct err err;

	target.texts[PAGER_TO] = NULL;
	ck_assert_int_eq(build_error(&target, &delivery, &err), -EINVAL);
	ck_assert_str_eq(err.text, "pager p1 has no routing_key");
	target = splunk_target();
	target.key = NULL;
	ck_assert_int_eq(build_error(&target, &delivery, &err), -EINVAL);
	ck_assert_str_eq(err.text, "pager p1 has no api_key");
	target = splunk_target();
	page.dedup_key = accents(257);
	ck_assert_int_eq(build_error(&target, &delivery, &err), -EINVAL);
}
END_TEST

START_TEST(splunk_oncall_replies_are_judged)
{
	struct judgement judgement;

	judgement = judge(PAGER_SPLUNK_ONCALL, 200, "{\"result\":\"success\",\"entity_id\":\"x\"}");
	ck_assert_int_eq(judgement.outcome, JUDGE_DELIVERED);
	judgement = judge(PAGER_SPLUNK_ONCALL, 200,
			  "{\"result\":\"failure\",\"messages\":[\"Missing message_type\"]}");
	ck_assert_int_eq(judgement.outcome, JUDGE_REJECTED);
	ck_assert_str_eq(judgement.text, "HTTP 200: Missing message_type");
	judgement = judge(PAGER_SPLUNK_ONCALL, 200, "<html>");
	ck_assert_int_eq(judgement.outcome, JUDGE_REJECTED);
	ck_assert_int_eq(judge(PAGER_SPLUNK_ONCALL, 429, "").outcome, JUDGE_RETRY);
}
END_TEST

static struct page_target servicenow_target(void)
{
	struct page_target target =
		target_of(PAGER_SERVICENOW, "https://example.service-now.com/", "DB \"1\"");

	target.key = "open sesame";
	target.texts[PAGER_USER] = "Aladdin";
	return target;
}

START_TEST(servicenow_gets_an_event)
{
	static const char *const alerts[] = { "LedgerErrors", "Other" };
	struct page_target target = servicenow_target();
	const struct http_request request = build(&target);

	ck_assert_str_eq(request.url, "https://example.service-now.com/api/global/em/jsonv2");
	/* The example of RFC 7617, section 2. */
	ck_assert_str_eq(header(&request, "Authorization"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	ck_assert_str_eq(header(&request, "Content-Type"), "application/json");
	page.alerts = alerts;
	page.nalerts = 2;
	page.instance = "db17";
	page.waterfall = page.evidence = NULL;
	golden(&target,
	       "{\"records\":[{\"source\":\"tracepager\",\"event_class\":\"tracepager\","
	       "\"node\":\"db17\",\"resource\":\"ledger\",\"metric_name\":\"LedgerErrors\","
	       "\"type\":\"span\",\"message_key\":\"i1#2\",\"severity\":\"1\",\"description\":\""
	       "[critical] ledger: deadlock\\n"
	       "Acknowledge, hand on or resolve: https://tp.example/i/i1?t=AQ\\n"
	       "Since: 2026-09-01T09:58:00Z, 2 min 02 s before this page\\n"
	       "Environment: prod\\nInstance: db17\\n"
	       "Why you: team money owns ledger (rules.yaml:24)\\nPath: web > ledger\\n"
	       "Runbook: https://wiki.example/ledger\\nIncident: i1\\n\","
	       "\"additional_info\":\"{\\\"assignment_group\\\":\\\"DB \\\\\\\"1\\\\\\\"\\\","
	       "\\\"tracepager_severity\\\":\\\"critical\\\",\\\"tracepager_incident\\\":"
	       "\\\"i1\\\","
	       "\\\"state\\\":\\\"open\\\",\\\"team\\\":\\\"money\\\","
	       "\\\"environment\\\":\\\"prod\\\","
	       "\\\"url\\\":\\\"https://tp.example/i/i1?t=AQ\\\","
	       "\\\"why\\\":\\\"team money owns ledger (rules.yaml:24)\\\","
	       "\\\"path\\\":\\\"web > ledger\\\"}\","
	       "\"time_of_event\":\"2026-09-01 10:00:02\",\"resolution_state\":\"New\"}]}");
}
END_TEST

static const char *servicenow_field(const struct page_target *target, const char *field)
{
	json_t *body = body_of(target);
	const char *text = arena_strdup(
		arena, text_at(json_array_get(json_object_get(body, "records"), 0), field));

	json_decref(body);
	return text;
}

START_TEST(servicenow_has_severities)
{
	static const char *const wanted[] = { "5", "4", "2", "1" };
	struct page_target target = servicenow_target();

	for (int severity = SEVERITY_INFO; severity <= SEVERITY_CRITICAL; severity++) {
		page.severity = (enum severity)severity;
		ck_assert_str_eq(servicenow_field(&target, "severity"), wanted[severity]);
	}
	page.event = PAGE_UPDATE;
	ck_assert_str_eq(servicenow_field(&target, "severity"), "1");
	ck_assert_str_eq(servicenow_field(&target, "resolution_state"), "New");
	page.event = PAGE_RESOLVE;
	ck_assert_str_eq(servicenow_field(&target, "severity"), "0");
	ck_assert_str_eq(servicenow_field(&target, "resolution_state"), "Closing");
	ck_assert_str_eq(servicenow_field(&target, "message_key"), "i1#2");
}
END_TEST

/* Fields are cut between characters; a text of JSON loses whole members. */
START_TEST(servicenow_cuts_what_is_long)
{
	struct page_target target = servicenow_target();
	json_error_t where;

	page.component = page.instance = accents(300);
	is_cut(servicenow_field(&target, "resource"), 100);
	is_cut(servicenow_field(&target, "node"), 100);
	page.why = page.evidence = page.path = page.labels = page.alert_says = accents(9000);
	ck_assert_uint_le(strlen(servicenow_field(&target, "description")), 2 * 4000);
	const char *info = servicenow_field(&target, "additional_info");
	ck_assert_uint_le(strlen(info), 4000);
	json_t *root = json_loads(info, JSON_REJECT_DUPLICATES, &where);
	ck_assert_msg(root != NULL, "%s", where.text);
	ck_assert_str_eq(text_at(root, "team"), "money");
	json_decref(root);
}
END_TEST

START_TEST(servicenow_needs_its_login)
{
	struct page_target target = servicenow_target();
	struct delivery delivery;
	struct err err;

	target.key = NULL;
	ck_assert_int_eq(build_error(&target, &delivery, &err), -EINVAL);
	ck_assert_str_eq(err.text, "pager p1 has no password");
	target = servicenow_target();
	target.texts[PAGER_USER] = NULL;
	ck_assert_int_eq(build_error(&target, &delivery, &err), -EINVAL);
	ck_assert_str_eq(err.text, "pager p1 has no user");
	target.texts[PAGER_USER] = "a:b";
	ck_assert_int_eq(build_error(&target, &delivery, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "colon"));
	ck_assert_ptr_null(strstr(err.text, "sesame"));
	target = servicenow_target();
	page.dedup_key = accents(513);
	ck_assert_int_eq(build_error(&target, &delivery, &err), -EINVAL);
}
END_TEST

START_TEST(servicenow_replies_are_judged)
{
	static const struct {
		int status;
		const char *body;
		enum judgement_outcome outcome;
		const char *text;
	} replies[] = {
		{ 200, "{\"records\":[{\"__status\":\"success\"}]}", JUDGE_DELIVERED, "" },
		{ 201, "", JUDGE_DELIVERED, "" },
		{ 200,
		  "{\"error\":{\"message\":\"User Not Authorized\",\"detail\":\"\"},"
		  "\"status\":\"failure\"}",
		  JUDGE_REJECTED, "HTTP 200: User Not Authorized" },
		{ 200, "{\"error\":\"no such table\"}", JUDGE_REJECTED, "HTTP 200: no such table" },
		{ 200,
		  "{\"records\":[{\"__status\":\"failure\",\"__error\":{\"reason\":"
		  "\"Insert aborted\"}}]}",
		  JUDGE_REJECTED, "HTTP 200: Insert aborted" },
		{ 200, "\n<html>Instance Hibernating page</html>", JUDGE_RETRY,
		  "HTTP 200: the instance answers with a page, not with JSON: it may hibernate, "
		  "or be no instance" },
		{ 401, "{\"error\":{\"message\":\"User Not Authenticated\"}}", JUDGE_REJECTED,
		  "HTTP 401: {\"error\":{\"message\":\"User Not Authenticated\"}}" },
		{ 429, "", JUDGE_RETRY, "HTTP 429" },
	};

	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		const struct judgement judgement =
			judge(PAGER_SERVICENOW, replies[i].status, replies[i].body);
		ck_assert_int_eq(judgement.outcome, replies[i].outcome);
		ck_assert_str_eq(judgement.text, replies[i].text);
	}
}
END_TEST

int main(void)
{
	TCase *tcase;
	Suite *suite = golden_suite("services", &tcase);

	tcase_add_test(tcase, ntfy_gets_a_message);
	tcase_add_test(tcase, telegram_gets_html);
	tcase_add_test(tcase, telegram_replies_are_judged);
	tcase_add_test(tcase, pushover_gets_a_form);
	tcase_add_test(tcase, goalert_gets_an_alert);
	tcase_add_test(tcase, incidentio_gets_an_alert_event);
	tcase_add_test(tcase, grafana_oncall_gets_a_formatted_alert);
	tcase_add_test(tcase, rootly_gets_an_alert);
	tcase_add_test(tcase, splunk_oncall_gets_an_alert);
	tcase_add_test(tcase, splunk_oncall_has_message_types);
	tcase_add_test(tcase, splunk_oncall_needs_its_keys);
	tcase_add_test(tcase, splunk_oncall_replies_are_judged);
	tcase_add_test(tcase, servicenow_gets_an_event);
	tcase_add_test(tcase, servicenow_has_severities);
	tcase_add_test(tcase, servicenow_cuts_what_is_long);
	tcase_add_test(tcase, servicenow_needs_its_login);
	tcase_add_test(tcase, servicenow_replies_are_judged);
	return golden_run(suite);
}
