/*
 * Events of PagerDuty and Opsgenie: identity, status, severity, what becomes of details and links,
 * and what is refused.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/alert_format.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* 2026-09-01T10:00:00Z. */
#define NOW_US (INT64_C(1788256800) * US_PER_SECOND)

static struct arena *arena;
static struct alert_batch batch;
static struct err err;

static void setup(void)
{
	arena = arena_new(32 << 20);
	batch = (struct alert_batch){ 0 };
	err = (struct err){ 0 };
}

static void teardown(void)
{
	arena_free(arena);
}

static int read_as(enum alert_format_id id, const char *sender, const char *text)
{
	const struct alert_body body = {
		.text = text, .len = strlen(text), .sender = sender, .now_us = NOW_US
	};

	batch = (struct alert_batch){ 0 };
	return alert_formats[id]->parse(arena, &body, &batch, &err);
}

/* The only alert of a body. */
static const struct alert *read_one(enum alert_format_id id, const char *text)
{
	ck_assert_msg(read_as(id, "pd", text) == 0, "%s: %s", text, err.text);
	ck_assert_msg(batch.nrefused == 0, "%s", batch.nrefused ? batch.refused[0].text : "");
	ck_assert_uint_eq(batch.nalerts, 1);
	return &batch.alerts[0];
}

static void check_label(const struct alert *alert, const char *name, const char *want)
{
	const char *value = labels_get(&alert->labels, name);

	ck_assert_msg(value && strcmp(value, want) == 0, "label %s is %s", name,
		      value ? value : "not there");
}

static void check_annotation(const struct alert *alert, const char *name, const char *want)
{
	const char *value = labels_get(&alert->annotations, name);

	ck_assert_msg(value && strcmp(value, want) == 0, "annotation %s is %s", name,
		      value ? value : "not there");
}

#define V2(members) "{\"routing_key\":\"R1\",\"event_action\":\"trigger\"" members "}"
#define PAYLOAD(members)                                                                           \
	",\"payload\":{\"summary\":\"Orders "                                                      \
	"fail\",\"source\":\"web1\",\"severity\":\"critical\"" members "}"

START_TEST(v2_trigger)
{
	const struct alert *alert = read_one(
		FORMAT_PAGERDUTY_V2,
		V2(",\"dedup_key\":\"order/7\",\"client\":\"Watcher\","
		   "\"client_url\":\"https://watch.example/7\","
		   "\"links\":[{\"href\":\"javascript:x\",\"text\":\"bad\"},"
		   "{\"href\":\"https://wiki.example/orders\",\"text\":\"The Runbook\"},"
		   "{\"href\":\"https://watch.example/graph\"}],"
		   "\"images\":[{\"src\":\"https://watch.example/7.png\"}]" PAYLOAD(
			   ",\"component\":\"mysql\",\"group\":\"prod\",\"class\":\"cpu\","
			   "\"timestamp\":\"2026-09-01T09:59:00.000+0000\","
			   "\"custom_details\":{\"service\":\"checkout\",\"note\":\"a\\nb\","
			   "\"load\":0.75,\"k8s\":{\"pod\":\"p1\",\"deep\":{\"x\":\"y\"}},"
			   "\"tags\":\"env:prod,team:shop\"}")));

	ck_assert_str_eq(alert->family, "pagerduty");
	ck_assert_str_eq(alert->sender, "pd");
	ck_assert_int_eq(alert->status, ALERT_FIRING);
	ck_assert_int_eq(alert->starts_at_us, NOW_US - US_PER_MINUTE);
	ck_assert_str_eq(batch.event_key, "order/7");
	ck_assert_str_eq(alert->generator_url, "https://wiki.example/orders");
	check_label(alert, "alertname", "Orders fail");
	check_label(alert, "severity", "critical");
	check_label(alert, "source", "web1");
	check_label(alert, "component", "mysql");
	check_label(alert, "group", "prod");
	check_label(alert, "class", "cpu");
	check_label(alert, "service", "checkout");
	check_label(alert, "k8s_pod", "p1");
	check_label(alert, "env", "prod");
	check_label(alert, "team", "shop");
	check_annotation(alert, "summary", "Orders fail");
	check_annotation(alert, "note", "a\nb");
	check_annotation(alert, "load", "0.75");
	check_annotation(alert, "client", "Watcher");
	check_annotation(alert, "runbook_url", "https://wiki.example/orders");
	check_annotation(alert, "link_3", "https://watch.example/graph");
	check_annotation(alert, "image_url", "https://watch.example/7.png");
	/* The key that lets anybody send is no part of a page. */
	for (size_t i = 0; i < alert->labels.n; i++)
		ck_assert_ptr_null(strstr(alert->labels.at[i].value, "R1"));
	for (size_t i = 0; i < alert->annotations.n; i++)
		ck_assert_ptr_null(strstr(alert->annotations.at[i].value, "R1"));
}
END_TEST

/* Both versions, and all actions, name one alert by the key; another sender's key is another one's.
 */
START_TEST(keys)
{
	const char *trigger = V2(",\"dedup_key\":\"k\"" PAYLOAD(""));
	const char *fingerprint = read_one(FORMAT_PAGERDUTY_V2, trigger)->fingerprint;
	const struct alert *alert = read_one(
		FORMAT_PAGERDUTY_V2,
		"{\"event_action\":\"resolve\",\"dedup_key\":\"k\",\"routing_key\":\"R\"}");

	ck_assert_int_eq(alert->status, ALERT_RESOLVED);
	ck_assert_str_eq(alert->fingerprint, fingerprint);
	alert = read_one(FORMAT_PAGERDUTY_V1, "{\"service_key\":\"R\",\"event_type\":\"resolve\","
					      "\"incident_key\":\"k\"}");
	ck_assert_int_eq(alert->status, ALERT_RESOLVED);
	ck_assert_str_eq(alert->fingerprint, fingerprint);
	ck_assert_str_eq(alert->family, "pagerduty");
	ck_assert_int_eq(read_as(FORMAT_PAGERDUTY_V2, "other", trigger), 0);
	ck_assert_str_ne(batch.alerts[0].fingerprint, fingerprint);
	ck_assert_int_eq(read_as(FORMAT_PAGERDUTY_V2, "pd",
				 "{\"event_action\":\"acknowledge\",\"dedup_key\":\"k\"}"),
			 0);
	ck_assert_uint_eq(batch.nalerts + batch.nrefused, 0);
	ck_assert_str_eq(batch.ignored, "an acknowledgement pages nobody");
	ck_assert_str_eq(batch.event_key, "k");
}
END_TEST

/* A retry of an event without a key is the same alert, whichever of two live keys it bears. */
START_TEST(keys_that_are_made)
{
	const char *fingerprint = read_one(FORMAT_PAGERDUTY_V2, V2(PAYLOAD("")))->fingerprint;
	const char *key = batch.event_key;

	ck_assert_uint_eq(strlen(key), 32);
	ck_assert_str_eq(read_one(FORMAT_PAGERDUTY_V2,
				  "{\"payload\":{\"severity\":\"critical\",\"source\":\"web1\","
				  "\"summary\":\"Orders fail\"},\"event_action\":\"trigger\","
				  "\"routing_key\":\"R2\"}")
				 ->fingerprint,
			 fingerprint);
	ck_assert_str_eq(batch.event_key, key);
	ck_assert_str_ne(read_one(FORMAT_PAGERDUTY_V2,
				  V2(PAYLOAD(",\"timestamp\":\"2026-09-01T10:00:00Z\"")))
				 ->fingerprint,
			 fingerprint);
	/* Who resolves by the key that the answer gave ends it. */
	CLEANUP_FREE char *resolve =
		xasprintf("{\"event_action\":\"resolve\",\"dedup_key\":\"%s\"}", key);
	ck_assert_str_eq(read_one(FORMAT_PAGERDUTY_V2, resolve)->fingerprint, fingerprint);
}
END_TEST

#define FIRST                                                                                      \
	"{\"status\":\"firing\",\"labels\":{\"alertname\":\"Errors\",\"service\":\"cart\","        \
	"\"severity\":\"warning\",\"pod\":\"p1\"},\"annotations\":{\"summary\":\"cart fails\"},"   \
	"\"startsAt\":\"2026-09-01T09:50:00Z\",\"generatorURL\":\"http://prom/graph?g0.expr=x\"}"
#define SECOND                                                                                     \
	"{\"status\":\"firing\",\"labels\":{\"alertname\":\"Errors\",\"service\":\"cart\","        \
	"\"severity\":\"page\",\"pod\":\"p2\"},\"annotations\":{\"summary\":\"cart fails\"},"      \
	"\"startsAt\":\"2026-09-01T09:40:00Z\",\"generatorURL\":\"http://prom/graph?g0.expr=x\"}"

static void check_group(const struct alert *alert)
{
	check_label(alert, "alertname", "Errors");
	check_label(alert, "service", "cart");
	check_label(alert, "severity", "critical");
	ck_assert_ptr_null(labels_get(&alert->labels, "pod"));
	check_annotation(alert, "num_firing", "2");
	check_annotation(alert, "summary", "cart fails");
	ck_assert_str_eq(alert->generator_url, "http://prom/graph?g0.expr=x");
}

/* Alertmanager's group is one alert: what all of it have in common, the worst severity, the
 * earliest start. */
START_TEST(alertmanagers_lists)
{
	const struct alert *alert = read_one(
		FORMAT_PAGERDUTY_V2,
		V2(",\"dedup_key\":\"g\"" PAYLOAD(",\"custom_details\":{\"firing\":[" FIRST
						  "," SECOND "],\"resolved\":[],"
						  "\"num_firing\":2,\"num_resolved\":0}")));

	check_group(alert);
	ck_assert_int_eq(alert->starts_at_us, NOW_US - 20 * US_PER_MINUTE);
}
END_TEST

START_TEST(alertmanagers_lists_as_texts)
{
	const struct alert *alert = read_one(
		FORMAT_PAGERDUTY_V2,
		V2(",\"dedup_key\":\"g\"" PAYLOAD(
			",\"custom_details\":{\"firing\":\"Labels:\\n - alertname = Errors\\n"
			" - pod = p1\\n - service = cart\\n - severity = critical\\nAnnotations:\\n"
			" - summary = a = b\\nSource: http://prom/graph?g0.expr=x\\n"
			"Labels:\\n - alertname = Errors\\n - pod = p2\\n - service = cart\\n"
			" - severity = warning\\nAnnotations:\\n - summary = a = b\\n"
			"Source: http://prom/graph?g0.expr=y\\n\",\"resolved\":\"\","
			"\"num_firing\":\"2\"}")));

	ck_assert_ptr_null(labels_get(&alert->annotations, "firing"));
	check_label(alert, "num_firing", "2");
	check_label(alert, "alertname", "Errors");
	check_label(alert, "service", "cart");
	check_label(alert, "severity", "critical");
	ck_assert_ptr_null(labels_get(&alert->labels, "pod"));
	ck_assert_str_eq(alert->generator_url, "http://prom/graph?g0.expr=x");
}
END_TEST

static void check_faults(enum alert_format_id id, const char *text, const char *want)
{
	ck_assert_int_eq(read_as(id, "pd", text), 0);
	ck_assert_uint_eq(batch.nalerts, 0);
	ck_assert_uint_eq(batch.nrefused, 1);
	ck_assert_msg(strcmp(batch.refused[0].text, want) == 0, "%s: %s", text,
		      batch.refused[0].text);
}

START_TEST(events_that_are_refused)
{
	static const struct {
		enum alert_format_id id;
		const char *text, *says;
	} rows[] = {
		{ FORMAT_PAGERDUTY_V2, V2(",\"payload\":{\"severity\":\"critical\"}"),
		  "alert 0: 'payload.summary' is missing or blank; 'payload.source' is missing or "
		  "blank" },
		{ FORMAT_PAGERDUTY_V2, V2(",\"payload\":7"),
		  "alert 0: 'payload.summary' is missing or blank; 'payload.source' is missing or "
		  "blank; 'payload.severity' is missing or blank" },
		{ FORMAT_PAGERDUTY_V2,
		  V2(",\"payload\":{\"summary\":\"s\",\"source\":\"h\",\"severity\":\"bad\"}"),
		  "alert 0: 'payload.severity' is none of critical, error, warning and info" },
		{ FORMAT_PAGERDUTY_V2, "{\"event_action\":\"resolve\"}",
		  "alert 0: 'dedup_key' is missing: an acknowledge and a resolve need it" },
		{ FORMAT_PAGERDUTY_V2, "{\"event_action\":\"page\"}",
		  "alert 0: 'event_action' is none of trigger, acknowledge and resolve" },
		{ FORMAT_PAGERDUTY_V2, "{\"event_action\":{}}",
		  "alert 0: 'event_action' is none of trigger, acknowledge and resolve" },
		{ FORMAT_PAGERDUTY_V1, "{\"event_type\":\"trigger\"}",
		  "alert 0: 'description' is missing or blank" },
		{ FORMAT_PAGERDUTY_V1, "{\"event_type\":\"resolve\",\"incident_key\":[]}",
		  "alert 0: 'incident_key' is missing: an acknowledge and a resolve need it" },
		{ FORMAT_OPSGENIE, "{\"message\":\" \"}", "alert 0: message can not be empty" },
		{ FORMAT_OPSGENIE, "{\"message\":\"m\",\"priority\":\"P6\"}",
		  "alert 0: priority should be one of P1, P2, P3, P4 and P5" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_faults(rows[i].id, rows[i].text, rows[i].says);
	ck_assert_int_eq(read_as(FORMAT_PAGERDUTY_V2, "pd", "{\"payload\":{}}"), -EBADMSG);
	ck_assert_str_eq(err.text, "this is not an event of PagerDuty's Events API v2: it has no "
				   "/event_action");
}
END_TEST

START_TEST(v1_trigger)
{
	const struct alert *alert = read_one(
		FORMAT_PAGERDUTY_V1,
		"{\"service_key\":\"R\",\"event_type\":\"trigger\",\"incident_key\":\"srv/HTTP\","
		"\"description\":\"FAILURE for web1\",\"client\":\"Watcher\","
		"\"details\":{\"ping time\":\"1500ms\",\"load\":3},"
		"\"contexts\":[{\"type\":\"link\",\"href\":\"https://watch.example\","
		"\"text\":\"graph\"},{\"type\":\"image\",\"src\":\"https://watch.example/"
		"a.png\"}]}");

	ck_assert_str_eq(batch.event_key, "srv/HTTP");
	check_label(alert, "alertname", "FAILURE for web1");
	check_label(alert, "ping_time", "1500ms");
	check_annotation(alert, "load", "3");
	check_annotation(alert, "link_1", "https://watch.example");
	check_annotation(alert, "image_url", "https://watch.example/a.png");
	ck_assert_ptr_null(labels_get(&alert->labels, "severity"));
}
END_TEST

START_TEST(opsgenie_create)
{
	const struct alert *alert =
		read_one(FORMAT_OPSGENIE,
			 "{\"message\":\"Orders fail\",\"alias\":\"o7\",\"description\":\"500s\","
			 "\"priority\":\"P1\",\"entity\":\"db1\",\"source\":\"http://am/#/alerts\","
			 "\"responders\":[{\"type\":\"team\",\"name\":\"shop\"},"
			 "{\"type\":\"user\",\"username\":\"a@b.example\"}],"
			 "\"tags\":[\"critical\",\"env:prod\"],"
			 "\"details\":{\"service\":\"cart\",\"severity\":\"warning\"}}");

	ck_assert_str_eq(alert->family, "opsgenie");
	ck_assert_str_eq(batch.event_key, "o7");
	check_label(alert, "alertname", "Orders fail");
	check_label(alert, "severity", "critical");
	check_label(alert, "entity", "db1");
	check_label(alert, "env", "prod");
	check_label(alert, "service", "cart");
	ck_assert_ptr_null(labels_get(&alert->labels, "source"));
	ck_assert_str_eq(alert->generator_url, "http://am/#/alerts");
	check_annotation(alert, "description", "500s");
	check_annotation(alert, "responders", "shop, a@b.example");
	check_annotation(alert, "tags", "critical, env:prod");
	/* Without a priority the details' severity counts, else P3. */
	check_label(read_one(FORMAT_OPSGENIE,
			     "{\"message\":\"m\",\"details\":{\"severity\":\"critical\"}}"),
		    "severity", "critical");
	check_label(read_one(FORMAT_OPSGENIE, "{\"message\":\"m\"}"), "severity", "warning");
}
END_TEST

static void act(const char *action, const char *id, bool is_ours, const char *text)
{
	const struct alert_body body = { .text = text,
					 .len = strlen(text),
					 .sender = "pd",
					 .now_us = NOW_US,
					 .path_action = action,
					 .path_id = id,
					 .path_id_is_ours = is_ours };

	batch = (struct alert_batch){ 0 };
	ck_assert_msg(alert_formats[FORMAT_OPSGENIE]->parse(arena, &body, &batch, &err) == 0, "%s",
		      err.text);
}

START_TEST(opsgenie_acts)
{
	const char *fingerprint =
		read_one(FORMAT_OPSGENIE, "{\"message\":\"m\",\"alias\":\"o7\"}")->fingerprint;

	act("close", "o7", false, "{\"note\":\"fixed\",\"user\":\"ann\"}");
	ck_assert_uint_eq(batch.nalerts, 1);
	ck_assert_int_eq(batch.alerts[0].status, ALERT_RESOLVED);
	ck_assert_str_eq(batch.alerts[0].fingerprint, fingerprint);
	check_annotation(&batch.alerts[0], "note", "fixed");
	act("close", fingerprint, true, "");
	ck_assert_uint_eq(batch.nalerts, 1);
	ck_assert_str_eq(batch.alerts[0].fingerprint, fingerprint);
	act("acknowledge", "o7", false, "");
	ck_assert_str_eq(batch.ignored, "an acknowledgement pages nobody");
	act("notes", "o7", false, "{\"note\":\"looking\"}");
	ck_assert_str_eq(batch.ignored, "a note pages nobody");
	act("close", "17", true, "");
	ck_assert_uint_eq(batch.nrefused, 1);
	act("snooze", "o7", false, "");
	ck_assert_uint_eq(batch.nrefused, 1);
}
END_TEST

/* ---- Amazon SNS ---- */

#define ARN "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:Cart errors"
#define ENVELOPE(message)                                                                          \
	"{\"Type\":\"Notification\",\"MessageId\":\"95df01b4-ee98\",\"TopicArn\":"                 \
	"\"arn:aws:sns:eu-west-1:123456789012:alarms\",\"Subject\":\"ALARM\",\"Message\":"         \
	"\"" message "\"}"
#define CLOUDWATCH(state)                                                                          \
	"{\\\"AlarmName\\\":\\\"Cart errors\\\",\\\"AlarmDescription\\\":\\\"see the wiki\\\","    \
	"\\\"AWSAccountId\\\":\\\"123456789012\\\",\\\"AlarmArn\\\":\\\"" ARN                      \
	"\\\",\\\"NewStateValue\\\":\\\"" state                                                    \
	"\\\",\\\"NewStateReason\\\":\\\"3 > 1\\\",\\\"StateChangeTime\\\":"                       \
	"\\\"2026-09-01T09:58:00.000+0000\\\",\\\"Region\\\":\\\"EU "                              \
	"(Ireland)\\\",\\\"Trigger\\\":{"                                                          \
	"\\\"MetricName\\\":\\\"Fault\\\",\\\"Namespace\\\":\\\"ApplicationSignals\\\","           \
	"\\\"Dimensions\\\":[{\\\"name\\\":\\\"Service\\\",\\\"value\\\":\\\"cart\\\"},"           \
	"{\\\"value\\\":\\\"POST /orders\\\",\\\"name\\\":\\\"Operation\\\"}]}}"

START_TEST(cloudwatch_alarm)
{
	const struct alert *alert = read_one(FORMAT_SNS, ENVELOPE(CLOUDWATCH("ALARM")));
	char fingerprint[65];

	snprintf(fingerprint, sizeof(fingerprint), "%s", alert->fingerprint);
	ck_assert_str_eq(alert->family, "sns");
	ck_assert_int_eq(alert->status, ALERT_FIRING);
	ck_assert_int_eq(alert->starts_at_us, NOW_US - 2 * US_PER_MINUTE);
	check_label(alert, "alertname", "Cart errors");
	check_label(alert, "account", "123456789012");
	check_label(alert, "region", "eu-west-1");
	check_label(alert, "region_name", "EU (Ireland)");
	check_label(alert, "metric_name", "Fault");
	check_label(alert, "metric_namespace", "ApplicationSignals");
	check_label(alert, "service", "cart");
	check_label(alert, "operation", "POST /orders");
	check_annotation(alert, "summary", "3 > 1");
	check_annotation(alert, "description", "see the wiki");
	check_annotation(alert, "topic", "arn:aws:sns:eu-west-1:123456789012:alarms");
	ck_assert_str_eq(alert->generator_url,
			 "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region="
			 "eu-west-1#alarmsV2:alarm/Cart%20errors");
	alert = read_one(FORMAT_SNS, ENVELOPE(CLOUDWATCH("OK")));
	ck_assert_int_eq(alert->status, ALERT_RESOLVED);
	ck_assert_int_eq(alert->ends_at_us, NOW_US - 2 * US_PER_MINUTE);
	ck_assert_str_eq(alert->fingerprint, fingerprint);
	ck_assert_int_eq(read_as(FORMAT_SNS, "aws", ENVELOPE(CLOUDWATCH("INSUFFICIENT_DATA"))), 0);
	ck_assert_uint_eq(batch.nalerts + batch.nrefused, 0);
	ck_assert_str_eq(batch.ignored, "an alarm without enough data pages nobody");
	ck_assert_int_eq(read_as(FORMAT_SNS, "aws", ENVELOPE(CLOUDWATCH("odd"))), 0);
	ck_assert_str_eq(batch.refused[0].text,
			 "alert 0: status is \"odd\", neither firing nor resolved");
}
END_TEST

/* EventBridge tells the same alarm in words of its own, and names it by the same ARN. */
#define EVENT(state)                                                                               \
	"{\"source\":\"aws.cloudwatch\",\"account\":\"123456789012\",\"region\":\"eu-west-1\","    \
	"\"detail-type\":\"CloudWatch Alarm State Change\",\"resources\":[\"" ARN                  \
	"\"],\"detail\":{"                                                                         \
	"\"alarmName\":\"Cart errors\",\"state\":{\"value\":\"" state "\",\"reason\":\"3 > "       \
	"1\",\"timestamp\":\"2026-09-01T09:58:00.000+0000\"},\"configuration\":{"                  \
	"\"metrics\":[{\"metricStat\":{\"metric\":{\"namespace\":\"AWS/"                           \
	"Lambda\",\"name\":\"Errors\","                                                            \
	"\"dimensions\":{\"FunctionName\":\"cart\"}}}}]}}}"

START_TEST(cloudwatch_by_eventbridge)
{
	const char *fingerprint = read_one(FORMAT_SNS, ENVELOPE(CLOUDWATCH("ALARM")))->fingerprint;
	const struct alert *alert = read_one(FORMAT_SNS, EVENT("ALARM"));

	ck_assert_str_eq(alert->fingerprint, fingerprint);
	check_label(alert, "service", "cart");
	check_label(alert, "metric_namespace", "AWS/Lambda");
	ck_assert_int_eq(alert->starts_at_us, NOW_US - 2 * US_PER_MINUTE);
	ck_assert_int_eq(read_one(FORMAT_SNS, EVENT("OK"))->status, ALERT_RESOLVED);
}
END_TEST

START_TEST(other_forms_of_sns)
{
	const struct alert *alert = read_one(
		FORMAT_SNS, "{\"Records\":[{\"Sns\":{\"MessageId\":\"m\",\"TopicArn\":\"t\","
			    "\"Message\":\"" CLOUDWATCH("ALARM") "\"}}]}");

	check_label(alert, "alertname", "Cart errors");
	check_label(alert, "service", "cart");
	alert = read_one(FORMAT_SNS, "{\"AlarmName\":\"Raw\",\"AWSAccountId\":\"1\","
				     "\"NewStateValue\":\"ALARM\"}");
	check_label(alert, "alertname", "Raw");
	alert = read_one(FORMAT_SNS, ENVELOPE("the backup failed"));
	ck_assert_str_eq(alert->fingerprint, "95df01b4-ee98");
	check_label(alert, "alertname", "ALARM");
	check_annotation(alert, "description", "the backup failed");
	ck_assert_int_eq(read_as(FORMAT_SNS, "aws", "{\"Type\":\"Notification\"}"), -EBADMSG);
	ck_assert_int_eq(read_as(FORMAT_SNS, "aws",
				 "{\"Type\":\"SubscriptionConfirmation\",\"MessageId\":\"m\","
				 "\"TopicArn\":\"t\",\"SubscribeURL\":"
				 "\"https://sns.eu-west-1.amazonaws.com/?Token=x\"}"),
			 0);
	ck_assert_str_eq(batch.confirm_url, "https://sns.eu-west-1.amazonaws.com/?Token=x");
	ck_assert_str_eq(batch.confirm_topic, "t");
	ck_assert_int_eq(read_as(FORMAT_SNS, "aws",
				 "{\"Type\":\"SubscriptionConfirmation\",\"MessageId\":\"m\","
				 "\"TopicArn\":\"t\",\"SubscribeURL\":\"https://evil.example/\"}"),
			 -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("events");
	TCase *tcase = tcase_create("events");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, v2_trigger);
	tcase_add_test(tcase, keys);
	tcase_add_test(tcase, keys_that_are_made);
	tcase_add_test(tcase, alertmanagers_lists);
	tcase_add_test(tcase, alertmanagers_lists_as_texts);
	tcase_add_test(tcase, events_that_are_refused);
	tcase_add_test(tcase, v1_trigger);
	tcase_add_test(tcase, opsgenie_create);
	tcase_add_test(tcase, opsgenie_acts);
	tcase_add_test(tcase, cloudwatch_alarm);
	tcase_add_test(tcase, cloudwatch_by_eventbridge);
	tcase_add_test(tcase, other_forms_of_sns);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
