/*
 * Hostile bodies of every format: each value of a sound body is replaced by one of another type, by
 * none, or by a text that no sender writes. The answer is alerts, refused alerts with a reason, or
 * an error with a reason; and the sound body is read afterwards as before.
 */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/alert_format.h"
#include "tracepager/alert_mapping.h"
#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define NOW_US (INT64_C(1788256800) * US_PER_SECOND)

struct hostile_body {
	enum alert_format_id format;
	const char *mapping; /* of format generic */
	const char *text;    /* with ' for " */
};

static const struct hostile_body bodies[] = {
	{ FORMAT_GRAFANA, NULL,
	  "{'version':'1','orgId':1,'groupKey':'g','alerts':[{'status':'firing','labels':"
	  "{'alertname':'a'},'annotations':{'b':'c'},'startsAt':'2026-09-01T09:59:00Z',"
	  "'endsAt':'0001-01-01T00:00:00Z','generatorURL':'https://g/','fingerprint':'f'}]}" },
	{ FORMAT_GRAFANA_LEGACY, NULL,
	  "{'ruleId':1,'ruleName':'r','state':'alerting','ruleUrl':'https://g/d','title':'t',"
	  "'message':'m','tags':{'severity':'P1'},'imageUrl':'https://g/i',"
	  "'evalMatches':[{'value':1,'metric':'m','tags':{'service':'s'}}]}" },
	{ FORMAT_SIGNOZ, NULL,
	  "{'version':'4','groupKey':'g','truncatedAlerts':1,'alerts':[{'status':'firing','labels':"
	  "{'alertname':'a','ruleId':'1','severity':'critical'},'annotations':{'summary':'s'},"
	  "'startsAt':'2026-09-01T09:59:00Z','endsAt':'2026-09-01T09:59:00Z',"
	  "'generatorURL':'https://g/','fingerprint':'f'}]}" },
	{ FORMAT_DATADOG, NULL,
	  "{'id':'1','alert_id':'2','alert_cycle_key':'c','aggreg_key':'k','transition':'Triggered'"
	  ","
	  "'alert_type':'error','priority':'P1','title':'t','event_title':'[Triggered on {a:b}] t',"
	  "'body':'trace_id=4bf92f3577b34da6a3ce929d0e0e4736','scope':'a:b','metric':'m','query':'"
	  "q',"
	  "'status':'s','host':'h','link':'https://d/"
	  "','snapshot':'s','tags':'a:b,c','date':1788256740000,"
	  "'last_updated':'1788256740000','org':{'id':'1','name':'o'},'event_type':'e'}" },
	{ FORMAT_AZURE, NULL,
	  "{'schemaId':'s','data':{'essentials':{'alertId':'/a','alertRule':'r','severity':'Sev1',"
	  "'monitorCondition':'Fired','monitoringService':'m','alertTargetIDs':['t'],"
	  "'configurationItems':['c'],'originAlertId':'o','firedDateTime':'2026-09-01T09:59:00Z',"
	  "'resolvedDateTime':'2026-09-01T09:59:00Z','description':'d'},'alertContext':{'condition'"
	  ":"
	  "{'allOf':[{'searchQuery':'q','metricName':'m','metricValue':1,'dimensions':["
	  "{'name':'cloud_RoleName','value':'s'},{'name':'operation_Id','value':'i'}],"
	  "'linkToSearchResultsUI':'https://p/'}]}},'customProperties':{'a':'b'}}}" },
	{ FORMAT_GCP, NULL,
	  "{'version':'1.2','incident':{'incident_id':'i','scoping_project_id':'p','url':'https://"
	  "u/',"
	  "'started_at':1788256740,'ended_at':1788256741,'state':'open','severity':'ERROR',"
	  "'summary':'s','observed_value':'1','resource':{'type':'t','labels':{'service_name':'s'}}"
	  ","
	  "'metric':{'type':'m','labels':{'trace':'projects/p/traces/1'}},'policy_name':'p',"
	  "'policy_user_labels':{'a':'b'},'condition_name':'c','condition':{"
	  "'conditionPrometheusQueryLanguage':{'query':'up'}},'documentation':{'content':'d'}}}" },
	{ FORMAT_GCP, NULL, "{'message':{'data':'eyJpbmNpZGVudCI6e319'},'subscription':'s'}" },
	{ FORMAT_SENTRY, NULL,
	  "{'action':'triggered','data':{'event':{'event_id':'e','issue_id':'42','title':'t',"
	  "'culprit':'c','level':'fatal','datetime':'2026-09-01T09:59:00Z','url':"
	  "'https://sentry.io/api/0/projects/o/p/events/e/','web_url':'https://s.example/i/',"
	  "'transaction':'/o','request':{'method':'POST'},'contexts':{'trace':{'trace_id':'t'}},"
	  "'tags':[['a','b']]},'triggered_rule':'r'}}" },
	{ FORMAT_SENTRY, NULL,
	  "{'action':'critical','data':{'metric_alert':{'id':'7','date_started':"
	  "'2026-09-01T09:59:00Z','date_closed':null,'projects':['p'],'alert_rule':{'name':'r'}},"
	  "'description_title':'t','web_url':'https://s.example/a/'}}" },
	{ FORMAT_NEWRELIC, NULL,
	  "{'id':'i','issueUrl':'https://n/','title':'t','description':'d','priority':'HIGH',"
	  "'impactedEntities':['e'],'entityTypes':['SERVICE'],'state':'ACTIVATED',"
	  "'createdAt':1788256740000,'alertPolicyNames':['p'],'alertConditionNames':['c'],"
	  "'runbookUrl':'https://r/','nrqlQuery':'q','workflowName':'w'}" },
	{ FORMAT_DYNATRACE, NULL,
	  "{'PID':'p','ProblemID':'P-1','State':'OPEN','ProblemTitle':'t','ProblemImpact':'i',"
	  "'ProblemSeverity':'ERROR','ProblemURL':'https://d/','Tags':'a:b','ImpactedEntities':["
	  "{'type':'SERVICE','name':'s'}],'ProblemDetailsJSONv2':{'startTime':1788256740000,"
	  "'endTime':-1,'rootCauseEntity':{'entityId':{'type':'SERVICE'},'name':'r'}}}" },
	{ FORMAT_SPLUNK, NULL,
	  "{'severity':'Major','originatingMetric':'m','rule':'r','detector':'d','detectorUrl':"
	  "'https://s/"
	  "','incidentId':'i','statusExtended':'ok','messageTitle':'t','messageBody':'b',"
	  "'timestamp':'2026-09-01T09:59:00Z','inputs':{'A':{'value':'9','key':{'sf_service':'s'}}}"
	  ","
	  "'dimensions':{'a':'b'}}" },
	{ FORMAT_ELASTIC, NULL,
	  "{'rule':{'id':'r','name':'n','type':'t','tags':'a:b','space':'s','url':'https://k/'},"
	  "'alert':{'id':'a','actionGroup':'g'},'date':'2026-09-01T09:59:00Z','severity':'error',"
	  "'context':{'reason':'r','message':'m','serviceName':'s','transactionName':'o'}}" },
	{ FORMAT_OPENSEARCH, NULL,
	  "{'monitor':{'id':'m','name':'n'},'trigger':{'id':'t','name':'n','severity':'1'},"
	  "'period_end':'2026-09-01T09:59:00Z','service':'s','alerts':[{'state':'new','bucket':'b'}"
	  ","
	  "{'state':'completed','bucket':'c'},null]}" },
	{ FORMAT_HONEYCOMB, NULL,
	  "{'id':'i','name':'n','status':'TRIGGERED','severity':'error','summary':'s',"
	  "'description':'d','timestamp':'2026-09-01T09:59:00Z','environment':'e','datasets':['d'],"
	  "'trigger_url':'https://h/','result_url':'https://h/','result_groups_triggered':["
	  "{'Group':{'service.name':'s','trace.trace_id':'t'},'Result':1}]}" },
	{ FORMAT_ZABBIX, NULL,
	  "{'zabbix_url':'https://z/','event_id':'1','event_value':'1','event_update_status':'0',"
	  "'event_name':'n','event_nseverity':'4','event_tags':'[{}]','event_timestamp':'"
	  "1788256740',"
	  "'event_recovery_timestamp':'1','event_opdata':'o','trigger_id':'2','host':'h'}" },
	{ FORMAT_LIGHTSTEP, NULL,
	  "{'title':'t','status':'Resolved','project':'p','metric-condition':{'id':'m','name':'n'},"
	  "'payloads':[{'type':'condition-violated','condition':{'id':'i','name':'n'}}],"
	  "'timestamp':'2026-09-01T09:59:00Z','link':'https://l/','labels':{'service':'s'}}" },
	{ FORMAT_ZMON, NULL,
	  "{'alert':{'alert_def':{'id':1,'name':'n','team':'t','priority':1},'entity':{'id':'e',"
	  "'type':'t','application_id':'a'},'is_alert':true,'captures':{'c':1},"
	  "'alert_evaluation_ts':1788256740},'body':{'message':'m'}}" },
	{ FORMAT_CLOUDEVENTS, NULL,
	  "{'specversion':'1.0','type':'t','source':'s','id':'1','traceparent':'00-1-2-01',"
	  "'data':{'ruleId':7,'ruleName':'r','state':'ok'}}" },
	{ FORMAT_CLOUDEVENTS, NULL,
	  "[{'specversion':'1.0','type':'t','source':'s','id':'1','data_base64':'W10='},"
	  "{'specversion':'1.0','data':'[{}]'}]" },
	{ FORMAT_GENERIC, "coroot",
	  "{'status':'WARNING','project_name':'p','application':'n:k:s','rule_name':'r','severity':"
	  "'warning','summary':'s','reports':[{'check':'c','message':'m'}],'details':[{'name':'n',"
	  "'value':'v'}],'url':'https://c/?incident=1'}" },
	{ FORMAT_GENERIC, "keep",
	  "{'id':'1','name':'n','status':'firing','severity':'high','lastReceived':"
	  "'2026-09-01T09:59:00Z','environment':'e','service':'s','source':['p'],'message':'m',"
	  "'url':'https://k/','labels':{'a':'b'},'fingerprint':'f'}" },
	{ FORMAT_GENERIC, "robusta",
	  "{'id':'1','title':'t','description':'d','priority':'HIGH','aggregation_key':'k',"
	  "'fingerprint':'f','starts_at':'2026-09-01T09:59:00Z','ends_at':'2026-09-01T09:59:00Z',"
	  "'labels':{'a':'b'},'video_links':[{'type':'t','url':'https://v/'}]}" },
};

/* Each as JSON. */
static const char *const poisons[] = {
	"null",
	"true",
	"7",
	"-1",
	"1e300",
	"9223372036854775807",
	"\"\"",
	"\"x\"",
	"\"\\u0000\"",
	"\"\\ud83d\\ude00 \\r\\n<script>\"",
	"\"2026-13-45T99:99:99Z\"",
	"\"javascript:alert(1)\"",
	"\"https://\"",
	"\"https://@/?incident=&alert\"",
	"\"%s%n:::,,,==\"",
	"\"[Triggered on \"",
	"\"traceid traceid= trace_id\"",
	"[]",
	"{}",
	"[[]]",
	"[{}]",
	"[null,{\"name\":7,\"value\":{}},[\"a\"],[1,2],\"a:\",\":b\",\"=\"]",
	"{\"\":\"\",\"a\":{\"b\":[]},\"c\":[{}]}",
};

static char *hostile_quotes(const char *text)
{
	char *copy = xstrdup(text);

	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	return copy;
}

/* Reads a body and checks that the answer is a true one. Returns the number of alerts. */
static size_t check_answer(const struct hostile_body *body, const char *text, size_t len)
{
	struct arena *arena = arena_new(8 * len + (1u << 20));
	struct alert_batch batch = { 0 };
	struct err err = { 0 };
	const struct alert_body whole = { .text = text,
					  .len = len,
					  .sender = "am1",
					  .now_us = NOW_US,
					  .mapping = body->mapping ? mapping_shipped(body->mapping)
								   : NULL };

	for (int id = 0; id < FORMAT_COUNT; id++)
		alert_formats[id]->match(text, len);
	int error = alert_formats[body->format]->parse(arena, &whole, &batch, &err);
	ck_assert_msg(error == 0 || ((error == -EBADMSG || error == -ENOMEM) && *err.text),
		      "%s: %s", text, err.text);
	for (size_t i = 0; i < batch.nrefused; i++)
		ck_assert_msg(*batch.refused[i].text && !strchr(batch.refused[i].text, '\n'), "%s",
			      text);
	for (size_t i = 0; i < batch.nalerts; i++) {
		const struct alert *alert = &batch.alerts[i];
		const char *link = alert->generator_url;
		ck_assert_msg(*alert->fingerprint && alert->labels.n, "%s", text);
		ck_assert_msg(!*link || strncmp(link, "http", 4) == 0, "%s: %s", text, link);
	}
	/* Only an empty list of alerts needs no reason. */
	if (error == 0 && !batch.nalerts && !batch.nrefused && !batch.ignored)
		ck_assert_msg(strstr(text, "[]") || strstr(text, "[null]") || strstr(text, "W10="),
			      "%s: no answer", text);
	size_t n = batch.nalerts;
	arena_free(arena);
	return n;
}

static size_t poisoned;

static void check_poisoned(const struct hostile_body *body, json_t *root)
{
	char *text = json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY);

	check_answer(body, text, strlen(text));
	poisoned++;
	free(text);
}

/* Puts each poison in the place of each value under this one, one at a time. */
static void poison_values(const struct hostile_body *body, json_t *root, json_t *value)
{
	size_t n = json_is_object(value) ? json_object_size(value) : json_array_size(value);

	for (size_t i = 0; i < n; i++) {
		void *at = json_is_object(value) ? json_object_iter(value) : NULL;
		for (size_t k = 0; at && k < i; k++)
			at = json_object_iter_next(value, at);
		json_t *old = at ? json_object_iter_value(at) : json_array_get(value, i);
		char *key = at ? xstrdup(json_object_iter_key(at)) : NULL;
		json_incref(old);
		for (size_t k = 0; k < ARRAY_LEN(poisons); k++) {
			json_t *poison =
				json_loads(poisons[k], JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
			ck_assert_ptr_nonnull(poison);
			if (key)
				json_object_set_new(value, key, poison);
			else
				json_array_set_new(value, i, poison);
			check_poisoned(body, root);
		}
		if (key)
			json_object_set(value, key, old);
		else
			json_array_set(value, i, old);
		poison_values(body, root, old);
		json_decref(old);
		free(key);
	}
}

/* Every value of every format by every poison. */
START_TEST(values_of_another_type)
{
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		char *text = hostile_quotes(bodies[i].text);
		json_t *root = json_loads(text, 0, NULL);
		ck_assert_msg(root != NULL, "%s", text);
		size_t before = check_answer(&bodies[i], text, strlen(text));
		poison_values(&bodies[i], root, root);
		ck_assert_uint_eq(check_answer(&bodies[i], text, strlen(text)), before);
		json_decref(root);
		free(text);
	}
	ck_assert_uint_gt(poisoned, 5000);
}
END_TEST

/* A body that ends too early, at each byte. */
START_TEST(bodies_cut_short)
{
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		char *text = hostile_quotes(bodies[i].text);
		for (size_t len = 0; len < strlen(text); len++) {
			char *cut = xstrndup(text, len);
			ck_assert_uint_eq(check_answer(&bodies[i], cut, len), 0);
			free(cut);
		}
		free(text);
	}
}
END_TEST

/* Texts of a megabyte in the places that hooks join. */
START_TEST(texts_without_end)
{
	struct buf text = BUF_INIT(4u << 20);

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		char *quoted = hostile_quotes(bodies[i].text);
		json_t *root = json_loads(quoted, 0, NULL), *value;
		const char *key;
		buf_reset(&text);
		for (size_t n = 0; n < 100000; n++)
			buf_puts(&text, "https://a:b,");
		json_object_foreach(root, key, value) if (json_is_string(value))
			json_object_set_new(root, key, json_string(buf_text(&text)));
		char *whole = json_dumps(root, JSON_COMPACT);
		struct arena *arena = arena_new(64u << 20);
		const struct alert_body body = {
			.text = whole,
			.len = strlen(whole),
			.sender = "am1",
			.now_us = NOW_US,
			.mapping = bodies[i].mapping ? mapping_shipped(bodies[i].mapping) : NULL
		};
		struct alert_batch batch = { 0 };
		struct err err = { 0 };
		int error = alert_formats[bodies[i].format]->parse(arena, &body, &batch, &err);
		ck_assert_msg(error == 0 || *err.text, "%s", bodies[i].text);
		arena_free(arena);
		free(whole);
		json_decref(root);
		free(quoted);
	}
	buf_fini(&text);
}
END_TEST

/* However small the arena's cap is, a format says so and does not end the program. */
START_TEST(memory_that_runs_out)
{
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		char *text = hostile_quotes(bodies[i].text);
		for (size_t cap = 0; cap < (192u << 10); cap += 1500) {
			struct arena *arena = arena_new(cap);
			struct alert_batch batch = { 0 };
			struct err err = { 0 };
			const struct alert_body body = {
				.text = text,
				.len = strlen(text),
				.sender = "am1",
				.now_us = NOW_US,
				.mapping = bodies[i].mapping ? mapping_shipped(bodies[i].mapping)
							     : NULL,
			};
			int error =
				alert_formats[bodies[i].format]->parse(arena, &body, &batch, &err);
			ck_assert_msg(error == 0 || *err.text, "%s at %zu", text, cap);
			arena_free(arena);
		}
		free(text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hostile");
	TCase *tcase = tcase_create("hostile");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, values_of_another_type);
	tcase_add_test(tcase, bodies_cut_short);
	tcase_add_test(tcase, texts_without_end);
	tcase_add_test(tcase, memory_that_runs_out);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
