/*
 * The alert formats: the table, Alertmanager's webhook and API v2.
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
	arena = arena_new(256 << 20);
	memset(&batch, 0, sizeof(batch));
	memset(&err, 0, sizeof(err));
}

static void teardown(void)
{
	arena_free(arena);
}

static int parse_n(enum alert_format_id id, const char *body, size_t len)
{
	/* A copy of exactly this size, so that reading a byte too many is found. */
	char *copy = malloc(len > 0 ? len : 1);
	int code;

	memcpy(copy, body, len);
	const struct alert_body whole = {
		.text = copy, .len = len, .sender = "am1", .now_us = NOW_US
	};
	code = alert_formats[id]->parse(arena, &whole, &batch, &err);
	free(copy);
	return code;
}

static int parse(enum alert_format_id id, const char *body)
{
	return parse_n(id, body, strlen(body));
}

static int parse_any(const char *text)
{
	const struct alert_body body = { .text = text, .len = strlen(text), .now_us = NOW_US };

	return alert_parse_any(arena, &body, &batch, &err);
}

static void check_text(const char *text, const char *want)
{
	ck_assert_ptr_nonnull(text);
	ck_assert_str_eq(text, want);
}

static void check_refused(size_t i, unsigned int index, const char *text)
{
	ck_assert_uint_lt(i, batch.nrefused);
	ck_assert_uint_eq(batch.refused[i].index, index);
	ck_assert_str_eq(batch.refused[i].text, text);
}

static void check_body_refused(enum alert_format_id id, const char *body, const char *says)
{
	memset(&err, 0, sizeof(err));
	ck_assert_int_eq(parse(id, body), -EBADMSG);
	ck_assert_msg(strstr(err.text, says), "%s: %s", body, err.text);
}

static const struct {
	const char *name, *family, *text;
} table_rows[] = {
#define FORMAT(id, name, family, text) [FORMAT_##id] = { name, family, text },
#include "tracepager/tbl/formats.def"
#undef FORMAT
};

/* Each row of the table is the format that formats.def puts there. */
START_TEST(table)
{
	ck_assert_uint_eq(ARRAY_LEN(table_rows), FORMAT_COUNT);
	for (int id = 0; id < FORMAT_COUNT; id++) {
		ck_assert_str_eq(alert_formats[id]->name, table_rows[id].name);
		ck_assert_str_eq(alert_formats[id]->family, table_rows[id].family);
		ck_assert_str_eq(alert_formats[id]->text, table_rows[id].text);
	}
}
END_TEST

/* A body of each format, with one alert. */
static const char *const samples[FORMAT_COUNT] = {
	[FORMAT_ALERTMANAGER] =
		"{\"version\":\"4\",\"receiver\":\"r\",\"alerts\":[{\"labels\":{\"a\":\"b\"}}]}",
	[FORMAT_PROMETHEUS] = " [{\"labels\":{\"a\":\"b\"}}]",
	[FORMAT_GRAFANA] =
		"{\"version\":\"1\",\"orgId\":1,\"alerts\":[{\"labels\":{\"a\":\"b\"}}]}",
	[FORMAT_PAGERDUTY_V2] = "{\"routing_key\":\"r\",\"event_action\":\"trigger\",\"payload\":{"
				"\"summary\":\"s\","
				"\"source\":\"h\",\"severity\":\"error\"}}",
	[FORMAT_PAGERDUTY_V1] = "{\"service_key\":\"r\",\"event_type\":\"trigger\","
				"\"description\":\"d\"}",
	[FORMAT_SNS] = "{\"Type\":\"Notification\",\"MessageId\":\"m\",\"TopicArn\":\"t\","
		       "\"Message\":\"s\"}",
	[FORMAT_OPSGENIE] = "{\"message\":\"m\",\"alias\":\"a\"}",
	[FORMAT_GRAFANA_LEGACY] =
		"{\"ruleId\":1,\"ruleName\":\"r\",\"state\":\"alerting\",\"evalMatches\":[]}",
	[FORMAT_SIGNOZ] = "{\"version\":\"4\",\"alerts\":[{\"labels\":{\"alertname\":\"a\","
			  "\"ruleId\":\"1\"}}]}",
	[FORMAT_DATADOG] = "{\"alert_id\":\"1\",\"transition\":\"Triggered\",\"title\":\"t\"}",
	[FORMAT_AZURE] = "{\"schemaId\":\"azureMonitorCommonAlertSchema\",\"data\":{\"essentials\":"
			 "{\"alertId\":\"1\",\"alertRule\":\"r\"}}}",
	[FORMAT_GCP] =
		"{\"incident\":{\"incident_id\":\"1\",\"state\":\"open\",\"policy_name\":\"p\"}}",
	[FORMAT_SENTRY] = "{\"action\":\"triggered\",\"data\":{\"event\":{\"issue_id\":\"1\","
			  "\"title\":\"t\"}}}",
	[FORMAT_NEWRELIC] =
		"{\"id\":\"1\",\"issueUrl\":\"u\",\"state\":\"CREATED\",\"title\":\"t\"}",
	[FORMAT_DYNATRACE] = "{\"PID\":\"1\",\"State\":\"OPEN\",\"ProblemTitle\":\"t\"}",
	[FORMAT_SPLUNK] =
		"{\"incidentId\":\"1\",\"detector\":\"d\",\"statusExtended\":\"anomalous\"}",
	[FORMAT_ELASTIC] = "{\"rule\":{\"id\":\"1\",\"name\":\"r\"},\"alert\":{\"id\":\"a\","
			   "\"actionGroup\":\"g\"}}",
	[FORMAT_OPENSEARCH] =
		"{\"monitor\":{\"name\":\"m\"},\"trigger\":{\"name\":\"t\",\"severity\":\"1\"}}",
	[FORMAT_HONEYCOMB] =
		"{\"id\":\"1\",\"name\":\"n\",\"status\":\"TRIGGERED\",\"trigger_url\":\"u\"}",
	[FORMAT_ZABBIX] = "{\"event_id\":\"1\",\"event_value\":\"1\",\"event_nseverity\":\"4\","
			  "\"event_name\":\"n\"}",
	[FORMAT_LIGHTSTEP] = "{\"metric-condition\":{\"id\":\"1\",\"name\":\"n\"},\"status\":"
			     "\"Critical Threshold Violated\"}",
	[FORMAT_ZMON] = "{\"alert\":{\"alert_def\":{\"id\":1,\"name\":\"n\"},\"is_alert\":true}}",
	[FORMAT_CLOUDEVENTS] = "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"s\",\"id\":"
			       "\"1\",\"data\":[{\"labels\":{\"a\":\"b\"}}]}",
};

/* Whether a format's bodies are recognised: those of "auto" and "generic" say nothing. */
static bool has_sample(int id)
{
	ck_assert(samples[id] || id == FORMAT_AUTO || id == FORMAT_GENERIC);
	return samples[id] != NULL;
}

/* The family of the sample's alert; "": that of what it carries. */
static void check_family(int id, const char *family)
{
	if (*alert_formats[id]->family)
		ck_assert_str_eq(family, alert_formats[id]->family);
	else
		ck_assert_str_eq(family, "prometheus");
}

/* A body is recognised as its own format; its alerts are of that family. */
START_TEST(every_format_matches_its_own)
{
	for (int id = 0; id < FORMAT_COUNT; id++) {
		if (!has_sample(id))
			continue;
		ck_assert_ptr_eq(alert_format_recognise(samples[id], strlen(samples[id])),
				 alert_formats[id]);
		ck_assert_int_eq(parse((enum alert_format_id)id, samples[id]), 0);
		ck_assert_uint_eq(batch.nalerts, 1);
		check_family(id, batch.alerts[0].family);
		ck_assert_int_eq(parse(FORMAT_AUTO, samples[id]), 0);
		ck_assert_uint_eq(batch.nalerts, 1);
		check_family(id, batch.alerts[0].family);
	}
}
END_TEST

START_TEST(what_no_format_matches)
{
	static const char *const bodies[] = {
		"", "  ", "7", "{}", "{\"labels\":{\"alerts\":1}}", "alerts"
	};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		for (int id = 0; id < FORMAT_COUNT; id++)
			ck_assert_msg(!alert_formats[id]->match(bodies[i], strlen(bodies[i])),
				      "%s: %s", alert_formats[id]->name, bodies[i]);
}
END_TEST

/* Bodies of all formats, and a single alert. */
START_TEST(any_alert_that_a_person_has)
{
	const char *single = "{\"labels\":{\"a\":\"b\"},\"status\":\"resolved\"}";

	for (int id = 0; id < FORMAT_COUNT; id++) {
		if (!has_sample(id))
			continue;
		ck_assert_int_eq(parse_any(samples[id]), 0);
		ck_assert_uint_eq(batch.nalerts, 1);
		ck_assert_str_eq(batch.alerts[0].sender, alert_formats[id]->name);
	}
	ck_assert_int_eq(parse_any(single), 0);
	ck_assert_uint_eq(batch.nalerts, 1);
	ck_assert_int_eq(batch.alerts[0].status, ALERT_RESOLVED);
	ck_assert_int_eq(parse_any("[7,"), -EBADMSG);
	ck_assert_int_eq(parse_any("{\"labels\":{\"a\":7}}"), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.text, "this is a single alert, and unsound: alert 0: "
					       "labels.a is a number, not a string"));
	ck_assert_int_eq(parse_any("{\"status\":\"UP\"}"), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.text, "no body of a format that can be recognised"));
	ck_assert_int_eq(parse_any("{\"status\":\"OK\",\"application\":\"a:b:c\"}"), -EBADMSG);
	ck_assert_str_eq(err.text, "this looks like a webhook of Coroot; declare the sender with "
				   "format: generic and mapping: coroot");
	ck_assert_int_eq(parse_any("{\"a\":1}"), -EBADMSG);
}
END_TEST

START_TEST(webhook_group)
{
	ck_assert_int_eq(
		parse(FORMAT_ALERTMANAGER,
		      "{\"version\":\"4\",\"groupKey\":\"{}:{alertname=\\\"PlaceOrderErrors\\\"}\","
		      "\"truncatedAlerts\":3,\"status\":\"firing\",\"receiver\":\"shop\","
		      "\"groupLabels\":{\"alertname\":\"PlaceOrderErrors\"},\"commonLabels\":{},"
		      "\"commonAnnotations\":{},\"externalURL\":\"http://"
		      "am.shop.example\",\"alerts\":["
		      "{\"status\":\"firing\",\"labels\":{\"service\":\"checkout\","
		      "\"alertname\":\"PlaceOrderErrors\",\"zone\":\"\"},"
		      "\"annotations\":{\"summary\":\"Orders fail\"},"
		      "\"startsAt\":\"2026-09-01T09:58:00.5Z\",\"endsAt\":\"0001-01-01T00:00:00Z\","
		      "\"generatorURL\":\"https://prom.shop.example/graph?g0.expr=x\","
		      "\"fingerprint\":\"856299975D5C5DD1\"},"
		      "{\"status\":\"resolved\",\"labels\":{\"service\":\"cart\",\"alertname\":"
		      "\"CartSlow\"},"
		      "\"annotations\":{},\"startsAt\":\"2026-09-01T09:00:00Z\","
		      "\"endsAt\":\"2026-09-01T09:59:00Z\",\"generatorURL\":\"javascript:alert(1)"
		      "\"}]}"),
		0);
	ck_assert_uint_eq(batch.nalerts, 2);
	ck_assert_uint_eq(batch.nrefused, 0);
	ck_assert_uint_eq(batch.truncated, 3);
	ck_assert_str_eq(batch.group_key, "{}:{alertname=\"PlaceOrderErrors\"}");

	const struct alert *first = &batch.alerts[0], *second = &batch.alerts[1];
	check_text(first->sender, "am1");
	check_text(first->family, "prometheus");
	check_text(first->fingerprint, "856299975d5c5dd1");
	ck_assert_int_eq(first->status, ALERT_FIRING);
	ck_assert_uint_eq(first->labels.n, 2);
	check_text(first->labels.at[0].name, "alertname");
	check_text(labels_get(&first->labels, "service"), "checkout");
	check_text(labels_get(&first->annotations, "summary"), "Orders fail");
	ck_assert_int_eq(first->starts_at_us, NOW_US - 120 * US_PER_SECOND + 500 * US_PER_MS);
	ck_assert_int_eq(first->ends_at_us, 0);
	check_text(first->generator_url, "https://prom.shop.example/graph?g0.expr=x");
	ck_assert(!first->ends_by_itself);

	/* The body has no fingerprint; this one is FNV-1a over alertname=CartSlow, service=cart. */
	check_text(second->fingerprint, "f9fa1e1770545450");
	ck_assert_int_eq(second->status, ALERT_RESOLVED);
	ck_assert_int_eq(second->ends_at_us, NOW_US - 60 * US_PER_SECOND);
	check_text(second->generator_url, "");
}
END_TEST

START_TEST(webhook_least)
{
	ck_assert_int_eq(parse(FORMAT_ALERTMANAGER,
			       "{\"alerts\":[{\"labels\":{\"a\":\"b\"}}], \"version\":\"4\"}"),
			 0);
	ck_assert_uint_eq(batch.nalerts, 1);
	check_text(batch.alerts[0].fingerprint, "d2b371819297f98a");
	ck_assert_int_eq(batch.alerts[0].status, ALERT_FIRING);
	ck_assert_int_eq(batch.alerts[0].starts_at_us, 0);
	ck_assert_uint_eq(batch.alerts[0].annotations.n, 0);
	ck_assert_int_eq(parse(FORMAT_ALERTMANAGER, "{\"alerts\":null}"), 0);
	ck_assert_uint_eq(batch.nalerts, 0);
	ck_assert_int_eq(parse(FORMAT_ALERTMANAGER, "{\"alerts\":[]}"), 0);
	ck_assert_uint_eq(batch.nalerts, 0);
}
END_TEST

/* Good alerts are taken; bad ones are reported with their places. */
START_TEST(webhook_refuses_singly)
{
	ck_assert_int_eq(parse(FORMAT_ALERTMANAGER,
			       "{\"alerts\":[\n"
			       "{\"labels\":{\"severity\":5,\"alertname\":\"x\"}},\n"
			       "{\"labels\":{\"alertname\":\"Good\"}},\n"
			       "7,\n"
			       "[{}],\n"
			       "{\"labels\":[\"a\"]},\n"
			       "{\"labels\":{\"a\":{\"b\":\"c\"}}},\n"
			       "{\"labels\":{\"a\":\"b\"},\"startsAt\":\"soon\"},\n"
			       "{\"labels\":{\"a\":\"b\"},\"status\":\"open\"},\n"
			       "{\"labels\":{\"a\":\"\"},\"annotations\":{\"a\":\"b\"}},\n"
			       "{\"labels\":{\"\":\"b\"}},\n"
			       "{\"labels\":{\"a\":\"b\"},\"labels\":{\"a\":\"b\"}},\n"
			       "{},\n"
			       "{\"labels\":{\"a\":null,\"b\":\"c\"},\"endsAt\":null}\n"
			       "]}"),
			 0);
	ck_assert_uint_eq(batch.nalerts, 2);
	check_text(labels_get(&batch.alerts[0].labels, "alertname"), "Good");
	ck_assert_uint_eq(batch.alerts[1].labels.n, 1);
	ck_assert_uint_eq(batch.nrefused, 11);
	check_refused(0, 0,
		      "alert 0: labels.severity is a number, not a string (line 2, column 23)");
	check_refused(1, 2, "alert 2: it is a number, not an object (line 4, column 1)");
	ck_assert_uint_eq(batch.refused[2].index, 3);
	ck_assert_ptr_nonnull(
		strstr(batch.refused[2].text, "alert 3: it is a list, not an object"));
	ck_assert_ptr_nonnull(
		strstr(batch.refused[3].text, "alert 4: labels is a list, not an object (line 6"));
	ck_assert_ptr_nonnull(strstr(batch.refused[4].text,
				     "alert 5: labels.a is an object, not a string (line 7"));
	check_refused(5, 6, "alert 6: startsAt is not a time: \"soon\" (line 8, column 32)");
	check_refused(
		6, 7,
		"alert 7: status is \"open\", neither firing nor resolved (line 9, column 30)");
	ck_assert_ptr_nonnull(strstr(batch.refused[7].text, "alert 8: it has no labels"));
	check_refused(8, 9, "alert 9: labels has an empty name (line 11, column 12)");
	ck_assert_ptr_nonnull(strstr(batch.refused[9].text, "alert 10: labels is given twice"));
	ck_assert_ptr_nonnull(strstr(batch.refused[10].text, "alert 11: it has no labels"));
}
END_TEST

START_TEST(webhook_is_something_else)
{
	enum alert_format_id id = FORMAT_ALERTMANAGER;

	check_body_refused(id, "[{\"labels\":{\"a\":\"b\"}}]",
			   "this is a list, as /api/v2/alerts takes it");
	check_body_refused(id, "{\"version\":\"1\",\"orgId\":1,\"alerts\":[]}",
			   "Grafana webhook (version \"1\")");
	check_body_refused(id, "{\"alerts\":[],\"version\":\"5\"}", "version \"5\"");
	check_body_refused(id, "{\"version\":4,\"alerts\":[]}",
			   "version is a number, not a string");
	check_body_refused(id, "{\"version\":[],\"alerts\":[]}", "version is a list, not a string");
	check_body_refused(id, "{\"alerts\":[],\"version\":{}}",
			   "version is an object, not a string");
	ck_assert_int_eq(parse(id, "{\"version\":null,\"alerts\":[]}"), 0);
	check_body_refused(id, "{\"evalMatches\":[],\"ruleUrl\":\"\"}", "Grafana before version 9");
	check_body_refused(id, "{\"routing_key\":\"k\"}", "PagerDuty event");
	check_body_refused(id, "{\"labels\":{\"a\":\"b\"}}", "a single alert");
	check_body_refused(id, "{}", "no list \"alerts\"");
	check_body_refused(id, "{\"alerts\":{}}", "alerts is an object, not a list");
	check_body_refused(id, "\"hello\"", "this is a string");
	check_body_refused(id, "", "");
	check_body_refused(id, "alerts=1", "");
}
END_TEST

START_TEST(broken_json_has_a_place)
{
	ck_assert_int_eq(
		parse(FORMAT_ALERTMANAGER, "{\"alerts\":[{\"labels\":{\"a\":\"b\"}},\n  }"),
		-EBADMSG);
	ck_assert_int_eq(err.line, 2);
	ck_assert_int_eq(err.column, 3);
	ck_assert_int_eq(parse(FORMAT_PROMETHEUS, "[{\"labels\":{\"a\":\"b\"}}"), -EBADMSG);
	ck_assert_int_eq(err.line, 1);
}
END_TEST

START_TEST(list_times)
{
	ck_assert_int_eq(parse(FORMAT_PROMETHEUS,
			       "[{\"labels\":{\"alertname\":\"CartSlow\",\"service\":\"cart\"},"
			       "\"startsAt\":\"2026-09-01T09:00:00.000Z\",\"endsAt\":\"2026-09-"
			       "01T10:04:00.000Z\"},"
			       "{\"labels\":{\"n\":\"2\"},\"startsAt\":\"2026-09-01T09:00:00Z\","
			       "\"endsAt\":\"2026-09-01T09:59:00Z\"},"
			       "{\"labels\":{\"n\":\"3\"}},"
			       "{\"labels\":{\"n\":\"4\"},\"endsAt\":\"2026-09-01T09:59:00Z\"},"
			       "{\"labels\":{\"n\":\"5\"},\"startsAt\":\"2026-09-01T09:00:00Z\"},"
			       "{\"labels\":{\"n\":\"6\"},\"startsAt\":\"0001-01-01T00:00:00Z\","
			       "\"endsAt\":\"2026-09-01T10:00:00Z\"},"
			       "{\"labels\":{\"n\":\"7\"},\"startsAt\":\"2026-09-01T09:00:00Z\","
			       "\"endsAt\":\"2026-09-01T08:00:00Z\"}]"),
			 0);
	ck_assert_uint_eq(batch.nalerts, 6);

	const struct alert *a = batch.alerts;
	check_text(a[0].family, "prometheus");
	check_text(a[0].fingerprint, "f9fa1e1770545450"); /* the same as of the webhook */
	ck_assert_int_eq(a[0].status, ALERT_FIRING);
	ck_assert_int_eq(a[0].ends_at_us, NOW_US + 240 * US_PER_SECOND);
	ck_assert(a[0].ends_by_itself);
	ck_assert_int_eq(a[1].status, ALERT_RESOLVED);
	/* An alert without times fires from now on, for five minutes. */
	ck_assert_int_eq(a[2].status, ALERT_FIRING);
	ck_assert_int_eq(a[2].starts_at_us, NOW_US);
	ck_assert_int_eq(a[2].ends_at_us, NOW_US + 300 * US_PER_SECOND);
	ck_assert_int_eq(a[3].status, ALERT_RESOLVED);
	ck_assert_int_eq(a[3].starts_at_us, a[3].ends_at_us);
	ck_assert_int_eq(a[4].starts_at_us, NOW_US - 3600 * US_PER_SECOND);
	ck_assert_int_eq(a[4].ends_at_us, NOW_US + 300 * US_PER_SECOND);
	/* An alert that ends now is over. */
	ck_assert_int_eq(a[5].status, ALERT_RESOLVED);
	ck_assert_int_eq(a[5].starts_at_us, NOW_US);

	ck_assert_uint_eq(batch.nrefused, 1);
	ck_assert_uint_eq(batch.refused[0].index, 6);
	ck_assert_ptr_nonnull(strstr(batch.refused[0].text, "alert 6: endsAt is before startsAt"));
}
END_TEST

START_TEST(list_ignores_what_is_the_servers)
{
	ck_assert_int_eq(
		parse(FORMAT_PROMETHEUS,
		      "[{\"fingerprint\":\"0000000000000000\",\"status\":{\"state\":\"active\"},"
		      "\"receivers\":[{\"name\":\"shop\"}],\"updatedAt\":\"x\","
		      "\"labels\":{\"a\":\"b\",\"empty\":\"\"}}]"),
		0);
	ck_assert_uint_eq(batch.nalerts, 1);
	ck_assert_uint_eq(batch.alerts[0].labels.n, 1);
	check_text(batch.alerts[0].fingerprint, "d2b371819297f98a");
}
END_TEST

START_TEST(list_is_something_else)
{
	enum alert_format_id id = FORMAT_PROMETHEUS;

	check_body_refused(id, "{\"version\":\"4\",\"alerts\":[]}", "this is a webhook body");
	check_body_refused(id, "{\"labels\":{\"a\":\"b\"}}", "this is a single alert");
	check_body_refused(id, "{\"routing_key\":\"\"}", "this is a PagerDuty event");
	check_body_refused(id, "{}", "this is an object");
	check_body_refused(id, "null", "this is null");
	ck_assert_int_eq(parse(id, "[]"), 0);
	ck_assert_uint_eq(batch.nalerts, 0);
}
END_TEST

/* The annotation tracepager_cut, the note of the batch, and how often it stands there. */
static void check_cut(size_t i, unsigned int index, const char *what)
{
	char text[LIMIT_ALERT_NOTE_BYTES];

	ck_assert_uint_lt(i, batch.ncut);
	ck_assert_uint_eq(batch.cut[i].index, index);
	snprintf(text, sizeof(text), "alert %u: %s", index, what);
	ck_assert_str_eq(batch.cut[i].text, text);
	snprintf(text, sizeof(text), "this alert was too large: %s", what);
	check_text(labels_get(&batch.alerts[index].annotations, "tracepager_cut"), text);
}

START_TEST(nul_and_long_texts)
{
	struct buf body = BUF_INIT(1 << 20);
	const char *value;

	buf_puts(&body, "[{\"labels\":{\"a\":\"x\\u0000y\",\"b\":\"");
	/* The cut falls into the last sequence of two bytes: it goes altogether. */
	for (unsigned int i = 0; i < LIMIT_LABEL_BYTES - 1; i++)
		buf_putc(&body, 'v');
	buf_puts(&body, "\xc3\xbc\"}}]");
	ck_assert_int_eq(parse_n(FORMAT_PROMETHEUS, buf_text(&body), body.len), 0);
	ck_assert_uint_eq(batch.nalerts, 1);
	check_text(labels_get(&batch.alerts[0].labels, "a"), "x\xef\xbf\xbdy");
	value = labels_get(&batch.alerts[0].labels, "b");
	ck_assert_ptr_nonnull(value);
	ck_assert_uint_eq(strlen(value), LIMIT_LABEL_BYTES - 1);
	check_cut(0, 0, "1 of 2 labels shortened");
	buf_fini(&body);
}
END_TEST

static void add_labels(struct buf *body, unsigned int n)
{
	buf_puts(body, "{\"labels\":{");
	for (unsigned int i = 0; i < n; i++)
		buf_printf(body, "%s\"l%03u\":\"v\"", i > 0 ? "," : "", i);
	buf_puts(body, "}}");
}

/* A label too many: the last by name goes; at the cap all stay. Identity is that of all labels. */
START_TEST(too_many_labels)
{
	struct buf body = BUF_INIT(1 << 20);
	struct label all[LIMIT_LABELS + 1];
	struct labels labels = { .at = all, .n = LIMIT_LABELS + 1 };
	char names[LIMIT_LABELS + 1][8], fingerprint[FINGERPRINT_SIZE];

	for (unsigned int i = 0; i <= LIMIT_LABELS; i++) {
		snprintf(names[i], sizeof(names[i]), "l%03u", i);
		all[i] = (struct label){ .name = names[i], .value = "v" };
	}
	labels_fingerprint(&labels, fingerprint);
	buf_putc(&body, '[');
	add_labels(&body, LIMIT_LABELS + 1);
	buf_putc(&body, ',');
	add_labels(&body, LIMIT_LABELS);
	buf_putc(&body, ']');
	ck_assert_int_eq(parse_n(FORMAT_PROMETHEUS, buf_text(&body), body.len), 0);
	ck_assert_uint_eq(batch.nalerts, 2);
	ck_assert_uint_eq(batch.nrefused, 0);
	ck_assert_uint_eq(batch.ncut, 1);
	ck_assert_uint_eq(batch.alerts[0].labels.n, LIMIT_LABELS);
	check_text(batch.alerts[0].labels.at[LIMIT_LABELS - 1].name, "l255");
	check_text(batch.alerts[0].fingerprint, fingerprint);
	check_cut(0, 0, "1 of 257 labels left out");
	ck_assert_uint_eq(batch.alerts[1].labels.n, LIMIT_LABELS);
	ck_assert_uint_eq(batch.alerts[1].annotations.n, 0);
	buf_fini(&body);
}
END_TEST

/* 1,000 labels in any order, given twice, empty or not: what people and rules look at stays. */
START_TEST(cut_keeps_what_matters)
{
	static const char *const first[] = { "alertname", "severity", "service",  "instance",
					     "job",	  "cluster",  "namespace" };
	struct buf body = BUF_INIT(1 << 20);
	char name[16];

	buf_puts(&body, "{\"alerts\":[{\"fingerprint\":\"0123456789abcdef\",\"labels\":{");
	for (unsigned int i = 1000; i-- > 0;)
		buf_printf(&body, "\"a%03u\":\"old\",\"e%03u\":\"\",", i, i);
	for (unsigned int i = 0; i < 1000; i++)
		buf_printf(&body, "\"a%03u\":\"v\",", i);
	for (size_t i = 0; i < ARRAY_LEN(first); i++)
		buf_printf(&body, "%s\"%s\":\"w\"", i ? "," : "", first[i]);
	buf_puts(&body, "},\"annotations\":{");
	for (unsigned int i = 0; i < 300; i++)
		buf_printf(&body, "\"a%03u\":\"v\",", i);
	buf_puts(&body, "\"summary\":\"it broke\"}}]}");
	ck_assert_int_eq(parse_n(FORMAT_ALERTMANAGER, buf_text(&body), body.len), 0);
	ck_assert_uint_eq(batch.nalerts, 1);
	const struct alert *alert = &batch.alerts[0];
	ck_assert_uint_eq(alert->labels.n, LIMIT_LABELS);
	for (size_t i = 0; i < ARRAY_LEN(first); i++)
		check_text(labels_get(&alert->labels, first[i]), "w");
	for (unsigned int i = 0; i < LIMIT_LABELS - ARRAY_LEN(first); i++) {
		snprintf(name, sizeof(name), "a%03u", i);
		check_text(labels_get(&alert->labels, name), "v");
	}
	check_text(alert->fingerprint, "0123456789abcdef");
	check_text(labels_get(&alert->annotations, "summary"), "it broke");
	ck_assert_uint_eq(alert->annotations.n, LIMIT_LABELS);
	check_cut(0, 0, "751 of 1007 labels left out, 46 of 301 annotations left out");
	buf_fini(&body);
}
END_TEST

/* 20 labels of 15,000 bytes and names of 3: 256 KiB hold 17 of them and the start of another. */
START_TEST(too_large_labels)
{
	struct buf body = BUF_INIT(1 << 20);
	size_t bytes = 0;

	buf_puts(&body, "[{\"labels\":{\"job\":\"j\"");
	for (unsigned int i = 0; i < 20; i++) {
		buf_printf(&body, ",\"l%02u\":\"", i);
		for (unsigned int j = 0; j < 15000; j++)
			buf_putc(&body, 'v');
		buf_putc(&body, '"');
	}
	buf_puts(&body, "},\"annotations\":{\"summary\":\"no room\"}}]");
	ck_assert_int_eq(parse_n(FORMAT_PROMETHEUS, buf_text(&body), body.len), 0);
	ck_assert_uint_eq(batch.nalerts, 1);
	const struct labels *labels = &batch.alerts[0].labels;
	ck_assert_uint_eq(labels->n, 19);
	for (size_t i = 0; i < labels->n; i++)
		bytes += strlen(labels->at[i].name) + strlen(labels->at[i].value);
	ck_assert_uint_eq(bytes, LIMIT_ALERT_BYTES);
	check_text(labels_get(labels, "job"), "j");
	/* 262,144 - 4 - 17 * 15,003 - 3 */
	ck_assert_uint_eq(strlen(labels_get(labels, "l17")), 7086);
	ck_assert_ptr_null(labels_get(labels, "l18"));
	check_cut(0, 0,
		  "2 of 21 labels left out, 1 of 21 labels shortened, 1 of 1 annotations left out");
	buf_fini(&body);
}
END_TEST

/* A name that is no label's: it goes, the alert stays. */
START_TEST(too_long_name)
{
	struct buf body = BUF_INIT(1 << 20);

	buf_puts(&body, "[{\"labels\":{\"alertname\":\"A\",\"");
	for (unsigned int i = 0; i < LIMIT_LABEL_BYTES + 1; i++)
		buf_putc(&body, 'n');
	buf_puts(&body, "\":\"v\"}}]");
	ck_assert_int_eq(parse_n(FORMAT_PROMETHEUS, buf_text(&body), body.len), 0);
	ck_assert_uint_eq(batch.nalerts, 1);
	ck_assert_uint_eq(batch.alerts[0].labels.n, 1);
	check_cut(0, 0, "1 of 2 labels left out");
	buf_fini(&body);
}
END_TEST

/* An alert of half a body: what a sort in n times n steps would take minutes for. */
START_TEST(a_million_labels)
{
	struct buf body = BUF_INIT(16 << 20);

	buf_puts(&body, "[{\"labels\":{\"alertname\":\"A\"");
	for (unsigned int i = 500000; i-- > 0;)
		buf_printf(&body, ",\"n%06u\":\"v\"", i);
	buf_puts(&body, "}},{\"labels\":{\"alertname\":\"B\"}}]");
	ck_assert_int_eq(parse_n(FORMAT_PROMETHEUS, buf_text(&body), body.len), 0);
	ck_assert_uint_eq(batch.nalerts, 2);
	check_text(labels_get(&batch.alerts[0].labels, "alertname"), "A");
	check_text(labels_get(&batch.alerts[0].labels, "n000254"), "v");
	ck_assert_ptr_null(labels_get(&batch.alerts[0].labels, "n000255"));
	check_cut(0, 0, "499745 of 500001 labels left out");
	buf_fini(&body);
}
END_TEST

/* A sender that cuts a text within a character: the body is taken, and the answer can say so. */
START_TEST(bad_characters_are_replaced)
{
	ck_assert_int_eq(parse(FORMAT_ALERTMANAGER,
			       "{\"alerts\":[{\"labels\":{\"alertname\":\"DiskFull\"},"
			       "\"annotations\":{\"summary\":\"disk \\ud83d\"}},"
			       "{\"labels\":{\"alertname\":\"Orders\xc3\"}}],\"x\":\"\xff\"}"),
			 0);
	ck_assert_uint_eq(batch.nalerts, 2);
	ck_assert_uint_eq(batch.repaired, 3);
	check_text(labels_get(&batch.alerts[0].annotations, "summary"), "disk \xef\xbf\xbd");
	check_text(labels_get(&batch.alerts[1].labels, "alertname"), "Orders\xef\xbf\xbd");
	ck_assert_int_eq(parse(FORMAT_ALERTMANAGER, "{\"alerts\":[]}"), 0);
	ck_assert_uint_eq(batch.repaired, 0);
}
END_TEST

/* However small the arena's cap is, the parser says so and does not end the program. */
START_TEST(memory_that_runs_out)
{
	const char *body = "[{\"labels\":{\"a\":\"b\"}},{},7,{\"labels\":{\"c\":\"d\"}}]";
	size_t failed = 0;

	for (size_t cap = 0; cap < 8192; cap += 64) {
		struct arena *small = arena_new(cap);
		const struct alert_body small_body = {
			.text = body, .len = strlen(body), .sender = "am1", .now_us = NOW_US
		};
		int code =
			alert_formats[FORMAT_PROMETHEUS]->parse(small, &small_body, &batch, &err);
		ck_assert_msg(code == 0 || code == -ENOMEM, "%zu: %d", cap, code);
		failed += code == -ENOMEM;
		if (code == -ENOMEM)
			ck_assert_ptr_nonnull(strstr(err.text, "memory of one request"));
		else
			ck_assert(batch.nalerts == 2 && batch.nrefused == 2);
		arena_free(small);
	}
	ck_assert_uint_gt(failed, 16);
	ck_assert_uint_lt(failed, 128);
}
END_TEST

START_TEST(too_many_alerts)
{
	struct buf body = BUF_INIT(1 << 20);

	buf_puts(&body, "[1");
	for (unsigned int i = 1; i < LIMIT_ALERTS_PER_BODY; i++)
		buf_puts(&body, ",1");
	buf_puts(&body, "]");
	ck_assert_int_eq(parse_n(FORMAT_PROMETHEUS, buf_text(&body), body.len), 0);
	ck_assert_uint_eq(batch.nrefused, LIMIT_ALERTS_PER_BODY);
	ck_assert_str_eq(batch.refused[LIMIT_REFUSED_TOLD - 1].text,
			 "alert 99: it is a number, not an object (line 1, column 200)");
	ck_assert_str_eq(batch.refused[LIMIT_REFUSED_TOLD].text,
			 "refused too; the reasons of further alerts are not listed");

	body.len--;
	buf_puts(&body, ",1]");
	ck_assert_int_eq(parse_n(FORMAT_PROMETHEUS, buf_text(&body), body.len), -E2BIG);
	buf_fini(&body);
}
END_TEST

/* The arena needs at most 8 times the body and 1 MiB, as alert_format.h says. */
START_TEST(memory_is_in_proportion)
{
	struct buf body = BUF_INIT(4 << 20);

	buf_puts(&body, "[{\"labels\":{\"a\":\"b\"}}");
	for (unsigned int i = 1; i < LIMIT_ALERTS_PER_BODY; i++)
		buf_puts(&body, ",{\"labels\":{\"a\":\"b\"}}");
	buf_puts(&body, "]");
	ck_assert_int_eq(parse_n(FORMAT_PROMETHEUS, buf_text(&body), body.len), 0);
	ck_assert_uint_eq(batch.nalerts, LIMIT_ALERTS_PER_BODY);
	ck_assert_uint_le(arena_used(arena), 8 * body.len + (1 << 20));
	buf_fini(&body);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("formats");
	TCase *tcase = tcase_create("formats");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, table);
	tcase_add_test(tcase, every_format_matches_its_own);
	tcase_add_test(tcase, what_no_format_matches);
	tcase_add_test(tcase, any_alert_that_a_person_has);
	tcase_add_test(tcase, webhook_group);
	tcase_add_test(tcase, webhook_least);
	tcase_add_test(tcase, webhook_refuses_singly);
	tcase_add_test(tcase, webhook_is_something_else);
	tcase_add_test(tcase, broken_json_has_a_place);
	tcase_add_test(tcase, list_times);
	tcase_add_test(tcase, list_ignores_what_is_the_servers);
	tcase_add_test(tcase, list_is_something_else);
	tcase_add_test(tcase, nul_and_long_texts);
	tcase_add_test(tcase, too_many_labels);
	tcase_add_test(tcase, cut_keeps_what_matters);
	tcase_add_test(tcase, too_large_labels);
	tcase_add_test(tcase, too_long_name);
	tcase_add_test(tcase, a_million_labels);
	tcase_add_test(tcase, bad_characters_are_replaced);
	tcase_add_test(tcase, memory_that_runs_out);
	tcase_add_test(tcase, too_many_alerts);
	tcase_add_test(tcase, memory_is_in_proportion);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
