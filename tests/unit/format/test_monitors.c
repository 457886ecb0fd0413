/*
 * The formats of monitors that run on one's own machines, CloudEvents, and the mappings that ship:
 * what each body becomes. Bodies are written after the makers' documentation.
 */
#include "vendor_bodies.h"

#include <errno.h>

START_TEST(grafana_before_version_9)
{
	const struct vendor_request request = { .format = FORMAT_GRAFANA_LEGACY };

	vendor_check(
		&request,
		"{'dashboardId':1,'evalMatches':[{'value':12.5,'metric':'cart','tags':"
		"{'service':'cart','pod':'p1'}},{'value':1,'metric':'x','tags':"
		"{'service':'cart','pod':'p2'}}],'imageUrl':'https://g.shop.example/i.png',"
		"'message':'orders fail','orgId':1,'panelId':2,'ruleId':7,"
		"'ruleName':'Orders','ruleUrl':'https://g.shop.example/d/1','state':'alerting',"
		"'tags':{'severity':'P1','team':'shop'},'title':'[Alerting] Orders'}",
		"firing g.shop.example-7 - - https://g.shop.example/d/1\n"
		"  alertname=Orders\n"
		"  service=cart\n"
		"  severity=critical\n"
		"  team=shop\n"
		"  @description=orders fail\n"
		"  @image_url=https://g.shop.example/i.png\n"
		"  @summary=[Alerting] Orders\n"
		"  @value=12.5\n");
	vendor_check(&request,
		     "{'ruleId':7,'ruleName':'Orders','state':'no_data','title':'t','tags':null,"
		     "'evalMatches':null}",
		     "firing 7 - - -\n"
		     "  alertname=Orders\n"
		     "  @grafana_state_reason=NoData\n"
		     "  @summary=t\n");
	vendor_check(
		&request, "{'ruleId':7,'ruleName':'Orders','state':'paused'}",
		"ignored: a rule of Grafana that is paused, pending or unknown pages nobody\n");
	vendor_check(&request, "{'ruleId':7,'ruleName':'Orders','state':'ok'}",
		     "resolved 7 - - -\n"
		     "  alertname=Orders\n");
	vendor_check(&request, "{'ruleId':7,'ruleName':'Orders','state':'odd'}",
		     "refused alert 0: status is \"odd\", neither firing nor resolved\n");
}
END_TEST

START_TEST(signoz_group)
{
	const struct vendor_request request = { .format = FORMAT_SIGNOZ };

	vendor_check(&request,
		     "{'version':'4','groupKey':'g1','truncatedAlerts':0,'alerts':[{"
		     "'status':'firing','labels':{'alertname':'Slow','ruleId':'12',"
		     "'service.name':'cart','severity':'critical','threshold.name':'critical'},"
		     "'annotations':{'summary':'s','related_traces':'https://z/traces?x'},"
		     "'startsAt':'2026-09-01T09:59:00Z','endsAt':'0001-01-01T00:00:00Z',"
		     "'generatorURL':'https://z.shop.example/alerts?ruleId=12',"
		     "'fingerprint':'00112233aabbccdd'}]}",
		     "firing 00112233aabbccdd 2026-09-01T09:59:00Z - "
		     "https://z.shop.example/alerts?ruleId=12\n"
		     "  alertname=Slow\n"
		     "  ruleId=12\n"
		     "  service_name=cart\n"
		     "  severity=critical\n"
		     "  threshold_name=critical\n"
		     "  @related_traces=https://z/traces?x\n"
		     "  @summary=s\n"
		     "group g1\n");
	/* A test of the channel is of no rule. */
	vendor_check(&request, "{'version':'4','alerts':[{'labels':{'alertname':'Test'}}]}",
		     "firing e46aaa9fcf75dd34 - - -\n"
		     "  alertname=Test\n");
	vendor_check(&request, "{'version':'4','alerts':[]}", "");
}
END_TEST

START_TEST(kibana_and_watcher)
{
	const struct vendor_request request = { .format = FORMAT_ELASTIC };

	vendor_check(
		&request,
		"{'rule':{'id':'r1','name':'Latency','type':'apm.transaction_duration',"
		"'tags':'env:prod,shop','space':'default','url':'https://k/app/r1'},"
		"'alert':{'id':'cart_prod','actionGroup':'threshold_met'},"
		"'date':'2026-09-01T09:59:00.000Z','severity':'error','context':{"
		"'reason':'p95 is 3 s','message':'see trace.id=0af7651916cd43dd8448eb211c80319c',"
		"'serviceName':'cart','environment':'prod','transactionType':'request',"
		"'transactionName':'POST /cart','value':'3','threshold':'1',"
		"'viewInAppUrl':'','alertDetailsUrl':'https://k/app/a1'}}",
		"firing r1-cart_prod 2026-09-01T09:59:00Z - https://k/app/a1\n"
		"  alertname=Latency\n"
		"  deployment_environment=prod\n"
		"  env=prod\n"
		"  group=cart_prod\n"
		"  operation=POST /cart\n"
		"  rule_type=apm.transaction_duration\n"
		"  service_name=cart\n"
		"  severity=error\n"
		"  space=default\n"
		"  transaction_type=request\n"
		"  @description=see trace.id=0af7651916cd43dd8448eb211c80319c\n"
		"  @summary=p95 is 3 s\n"
		"  @threshold=1\n"
		"  @trace_id=0af7651916cd43dd8448eb211c80319c\n"
		"  @value=3\n");
	vendor_check(&request,
		     "{'rule':{'id':'r1','name':'Latency'},'alert':{'id':'cart_prod',"
		     "'actionGroup':'recovered'},'date':'2026-09-01T09:59:30Z'}",
		     "resolved r1-cart_prod - 2026-09-01T09:59:30Z -\n"
		     "  alertname=Latency\n"
		     "  group=cart_prod\n"
		     "  @summary=Latency\n");
	vendor_check(
		&request,
		"{'watch_id':'w1','execution_time':'2026-09-01T09:59:00Z','title':'orders fail',"
		"'severity':'high','service':'checkout'}",
		"firing w1 2026-09-01T09:59:00Z - -\n"
		"  alertname=orders fail\n"
		"  service_name=checkout\n"
		"  severity=error\n"
		"  @summary=orders fail\n");
}
END_TEST

START_TEST(opensearch_monitors)
{
	const struct vendor_request request = { .format = FORMAT_OPENSEARCH };

	vendor_check(&request,
		     "{'monitor':{'id':'m1','name':'Errors'},'trigger':{'id':'t1','name':'Many',"
		     "'severity':'2'},'period_start':'2026-09-01T09:54:00Z',"
		     "'period_end':'2026-09-01T09:59:00Z','service':'','alerts':["
		     "{'state':'new','bucket':'cart'},{'state':'completed','bucket':'users'},"
		     "{'state':'acknowledged','bucket':'x'},null]}",
		     "firing m1-t1-cart 2026-09-01T09:59:00Z - -\n"
		     "  alertname=Many\n"
		     "  bucket=cart\n"
		     "  monitor=Errors\n"
		     "  severity=error\n"
		     "resolved m1-t1-users - 2026-09-01T09:59:00Z -\n"
		     "  alertname=Many\n"
		     "  bucket=users\n"
		     "  monitor=Errors\n"
		     "  severity=error\n"
		     "group m1\n"
		     "ignored: an acknowledged alert of OpenSearch pages nobody\n");
	/* A monitor of a query: its list ends at once. */
	vendor_check(&request,
		     "{'monitor':{'id':'m1','name':'Errors'},'trigger':{'id':'t1','name':'Many',"
		     "'severity':'5'},'service':'cart','alerts':[null]}",
		     "firing m1-t1 - - -\n"
		     "  alertname=Many\n"
		     "  monitor=Errors\n"
		     "  service_name=cart\n"
		     "  severity=info\n"
		     "group m1\n");
}
END_TEST

START_TEST(zabbix_events)
{
	const struct vendor_request request = { .format = FORMAT_ZABBIX };

	vendor_check(&request,
		     "{'zabbix_url':'https://zabbix.shop.example/','event_id':'55',"
		     "'event_value':'1','event_update_status':'0','event_name':'Disk full',"
		     "'event_nseverity':'4','event_tags':'[{\\'tag\\':\\'service\\',"
		     "\\'value\\':\\'cart\\'}]','event_timestamp':'1788256740',"
		     "'event_recovery_timestamp':'{EVENT.RECOVERY.TIMESTAMP}',"
		     "'event_opdata':'*UNKNOWN*','trigger_id':'12','trigger_description':'d',"
		     "'host':'web-1'}",
		     "firing zabbix.shop.example-55 2026-09-01T09:59:00Z - "
		     "https://zabbix.shop.example/tr_events.php?triggerid=12&eventid=55\n"
		     "  alertname=Disk full\n"
		     "  host=web-1\n"
		     "  service=cart\n"
		     "  severity=error\n"
		     "  @description=d\n"
		     "  @summary=Disk full\n");
	vendor_check(&request,
		     "{'zabbix_url':'https://zabbix.shop.example','event_id':'55',"
		     "'event_value':'0','event_update_status':'0','event_name':'Disk full',"
		     "'event_nseverity':'4','trigger_id':'12',"
		     "'event_timestamp':'1788256740','event_recovery_timestamp':'1788256770'}",
		     "resolved zabbix.shop.example-55 2026-09-01T09:59:00Z "
		     "2026-09-01T09:59:30Z "
		     "https://zabbix.shop.example/tr_events.php?triggerid=12&eventid=55\n"
		     "  alertname=Disk full\n"
		     "  severity=error\n"
		     "  @summary=Disk full\n");
	vendor_check(&request,
		     "{'event_id':'55','event_value':'1','event_update_status':'1','trigger_id':1}",
		     "ignored: an update of a problem of Zabbix pages nobody\n");
	/* Somebody else's media type, with the names of the macros. */
	vendor_check(&request,
		     "{'EVENT.ID':'55','EVENT.VALUE':'1','EVENT.NSEVERITY':'5','EVENT.NAME':'D',"
		     "'TRIGGER.ID':'12','HOST.NAME':'web-1'}",
		     "firing 55 - - -\n"
		     "  alertname=D\n"
		     "  host=web-1\n"
		     "  severity=critical\n"
		     "  @summary=D\n");
}
END_TEST

START_TEST(zmon_alerts)
{
	const struct vendor_request request = { .format = FORMAT_ZMON };

	vendor_check(&request,
		     "{'alert':{'alert_def':{'id':3,'name':'Slow','team':'old',"
		     "'responsible_team':'shop','priority':1},'entity':{'id':'web-1',"
		     "'type':'instance','application_id':'cart'},'is_alert':true,"
		     "'alert_changed':true,'captures':{'p99':3.5},"
		     "'alert_evaluation_ts':1788256740.25,'worker':'w'},'body':{'message':'m'}}",
		     "firing ZMON-3-web-1 2026-09-01T09:59:00.250Z - -\n"
		     "  alertname=Slow\n"
		     "  entity=web-1\n"
		     "  entity_type=instance\n"
		     "  service_name=cart\n"
		     "  severity=critical\n"
		     "  team=shop\n"
		     "  @capture_p99=3.5\n"
		     "  @summary=m\n");
	vendor_check(&request,
		     "{'alert':{'alert_def':{'id':3,'name':'Slow','priority':3},'entity':{},"
		     "'is_alert':false,'alert_evaluation_ts':1788256740},'body':null}",
		     "resolved ZMON-3 - 2026-09-01T09:59:00Z -\n"
		     "  alertname=Slow\n"
		     "  severity=error\n"
		     "  @summary=Slow\n");
}
END_TEST

#define EVENT_HEAD  "'specversion':'1.0','type':'t','source':'s','id':'1'"
#define TRACEPARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

START_TEST(cloudevents_structured)
{
	const struct vendor_request request = { .format = FORMAT_CLOUDEVENTS };

	vendor_check(&request,
		     "{" EVENT_HEAD ",'traceparent':'" TRACEPARENT "','data':{'alerts':["
		     "{'labels':{'alertname':'A'},'fingerprint':'0011223344556677'},"
		     "{'labels':{'alertname':'B','trace_id':'0af7651916cd43dd8448eb211c80319c'},"
		     "'fingerprint':'8811223344556677'}]}}",
		     "firing 0011223344556677 - - -\n"
		     "  alertname=A\n"
		     "  @traceparent=" TRACEPARENT "\n"
		     "firing 8811223344556677 - - -\n"
		     "  alertname=B\n"
		     "  trace_id=0af7651916cd43dd8448eb211c80319c\n");
	/* {"labels":{"alertname":"A"}} in a list, in base64 */
	vendor_check(&request,
		     "{" EVENT_HEAD ",'data_base64':'W3sibGFiZWxzIjp7ImFsZXJ0bmFtZSI6IkEifX1d'}",
		     "firing d2c6efc389df0927 2026-09-01T10:00:00Z 2026-09-01T10:05:00Z -\n"
		     "  alertname=A\n");
	vendor_check(&request,
		     "{" EVENT_HEAD ",'data':'{\\'ruleId\\':7,\\'ruleName\\':\\'R\\',"
		     "\\'state\\':\\'ok\\'}'}",
		     "resolved 7 - - -\n  alertname=R\n");
	vendor_check(&request, "{" EVENT_HEAD "}", "error: the event has no data\n");
	vendor_check(&request, "{" EVENT_HEAD ",'data_base64':'?'}",
		     "error: data_base64 is no base64\n");
	vendor_check(&request, "{" EVENT_HEAD ",'data':{'a':1}}",
		     "error: the data of this CloudEvent is no body of a format that can be "
		     "recognised; give the sender a mapping\n");
	vendor_check(&request, "{" EVENT_HEAD ",'data':{" EVENT_HEAD ",'data':{}}}",
		     "error: the data of this CloudEvent is a CloudEvent again\n");
	vendor_check(&request,
		     "{" EVENT_HEAD ",'data':{'labels':{'alertname':'A'},'status':'resolved'}}",
		     "resolved d2c6efc389df0927 - - -\n"
		     "  alertname=A\n");
	vendor_check(&request, "7", "error: this is no CloudEvent: it is no object\n");
	vendor_check(&request, "{}", "error: it is no CloudEvent: specversion is no text\n");
}
END_TEST

START_TEST(cloudevents_binary)
{
	struct vendor_request request = { .format = FORMAT_CLOUDEVENTS,
					  .headers = { "ce-specversion", "1.0", "ce-traceparent",
						       TRACEPARENT } };
	const char *body = "{'ruleId':7,'ruleName':'R','state':'alerting'}";
	const char *want = "firing 7 - - -\n  alertname=R\n  @traceparent=" TRACEPARENT "\n";

	vendor_check(&request, body, want);
	/* Data of the body alone: as long as the body, with a NUL in it. */
	const struct alert_body nul = { .text = "7\0007",
					.len = 3,
					.sender = "am1",
					.header = vendor_header,
					.ctx = &request };
	struct arena *arena = arena_new(1u << 20);
	struct alert_batch batch;
	struct err err = { 0 };
	ck_assert_int_eq(alert_formats[request.format]->parse(arena, &nul, &batch, &err), -EBADMSG);
	arena_free(arena);
	/* Where the format is to be recognised, the headers tell. */
	request.format = FORMAT_AUTO;
	vendor_check(&request, body, want);
}
END_TEST

/* An event that cannot be read does not take the others with it. */
START_TEST(cloudevents_batch)
{
	const struct vendor_request request = { .format = FORMAT_CLOUDEVENTS };

	vendor_check(
		&request,
		"[{" EVENT_HEAD ",'data':{'ruleId':7,'ruleName':'R','state':'alerting'}},"
		"{" EVENT_HEAD ",'data':{'a':1}},7,"
		"{" EVENT_HEAD ",'data':{'ruleId':8,'ruleName':'S','state':'odd'}},"
		"{" EVENT_HEAD ",'data':{'ruleId':9,'ruleName':'T','state':'paused'}},"
		"{" EVENT_HEAD ",'traceparent':7,'data':"
		"{'ruleId':10,'ruleName':'U','state':'ok'}}]",
		"firing 7 - - -\n"
		"  alertname=R\n"
		"resolved 10 - - -\n"
		"  alertname=U\n"
		"refused alert 1: the data of this CloudEvent is no body of a format that can be "
		"recognised; give the sender a mapping\n"
		"refused alert 2: it is no CloudEvent: specversion is no text\n"
		"refused alert 0: status is \"odd\", neither firing nor resolved\n"
		"ignored: a rule of Grafana that is paused, pending or unknown pages nobody\n");
}
END_TEST

START_TEST(shipped_coroot)
{
	const struct vendor_request request = { .format = FORMAT_GENERIC,
						.mapping = mapping_shipped("coroot") };

	vendor_check(&request,
		     "{'status':'WARNING','application':'shop:Deployment:cart','reports':["
		     "{'name':'SLO','check':'Latency','message':'burns 20x'},"
		     "{'name':'Net','check':'RTT','message':'slow net'}],"
		     "'url':'https://c.shop.example/p/x/app/shop:Deployment:cart?incident=12ab'}",
		     "firing 12ab - - "
		     "https://c.shop.example/p/x/app/shop:Deployment:cart?incident=12ab\n"
		     "  alertname=Latency\n"
		     "  application_id=shop:Deployment:cart\n"
		     "  kind=Deployment\n"
		     "  namespace=shop\n"
		     "  service_name=cart\n"
		     "  severity=warning\n"
		     "  @description=slow net\n"
		     "  @summary=burns 20x\n");
	vendor_check(&request,
		     "{'status':'OK','project_name':'production','application':'c:shop:Job:cart',"
		     "'rule_name':'Low disk','severity':'critical','summary':'12% free',"
		     "'details':[{'name':'Log pattern','value':'E'}],'url':'https://c/a?alert=9'}",
		     "resolved 9 - - https://c/a?alert=9\n"
		     "  alertname=Low disk\n"
		     "  application_id=c:shop:Job:cart\n"
		     "  kind=Job\n"
		     "  namespace=shop\n"
		     "  project=production\n"
		     "  service_name=cart\n"
		     "  severity=critical\n"
		     "  @Log_pattern=E\n"
		     "  @summary=12% free\n");
	vendor_check(&request, "{'status':'Deployed','application':'shop:Deployment:cart'}",
		     "ignored: a deployment that Coroot tells of pages nobody\n");
}
END_TEST

START_TEST(shipped_keep)
{
	const struct vendor_request request = { .format = FORMAT_GENERIC,
						.mapping = mapping_shipped("keep") };

	vendor_check(&request,
		     "{'id':'1','name':'Slow','status':'firing','severity':'high',"
		     "'lastReceived':'2026-09-01T09:59:00.000Z','environment':'undefined',"
		     "'service':'cart','source':['prometheus'],'message':'m','description':'d',"
		     "'url':'https://keep/1','labels':{'team':'shop'},'fingerprint':'f1'}",
		     "firing f1 2026-09-01T09:59:00Z - https://keep/1\n"
		     "  alertname=Slow\n"
		     "  service_name=cart\n"
		     "  severity=error\n"
		     "  source=prometheus\n"
		     "  team=shop\n"
		     "  @description=d\n"
		     "  @summary=m\n");
	vendor_check(&request, "{'id':'1','name':'Slow','status':'suppressed','source':['x']}",
		     "ignored: an alert that Keep has as acknowledged, suppressed or pending pages "
		     "nobody\n");
}
END_TEST

START_TEST(shipped_robusta)
{
	const struct vendor_request request = { .format = FORMAT_GENERIC,
						.mapping = mapping_shipped("robusta") };

	vendor_check(&request,
		     "{'id':'1','title':'Pod crashes','description':'d','source':'prometheus',"
		     "'priority':'HIGH','aggregation_key':'KubePodCrash','cluster':'eu',"
		     "'subject_name':'cart-1','subject_namespace':'shop','fingerprint':'f1',"
		     "'starts_at':'2026-09-01T09:59:00Z','ends_at':null,"
		     "'labels':{'pod':'cart-1'},'video_links':[{'type':'other','url':'https://o/'},"
		     "{'type':'prometheus_generator_url','url':'https://prom/g'}]}",
		     "firing f1 2026-09-01T09:59:00Z - https://prom/g\n"
		     "  alertname=KubePodCrash\n"
		     "  cluster=eu\n"
		     "  namespace=shop\n"
		     "  pod=cart-1\n"
		     "  severity=error\n"
		     "  subject=cart-1\n"
		     "  @description=d\n"
		     "  @summary=Pod crashes\n");
	vendor_check(&request, "{'id':'1','title':'[RESOLVED] Pod crashes','aggregation_key':'K'}",
		     "resolved 1 - - -\n"
		     "  alertname=K\n"
		     "  @summary=[RESOLVED] Pod crashes\n");
	/* An issue of HolmesGPT. */
	vendor_check(&request,
		     "{'id':'2','name':'AppDown','url':'https://prom/h','raw':{'status':'active',"
		     "'labels':{'alertname':'AppDown','severity':'critical'},"
		     "'annotations':{'summary':'s'},'startsAt':'2026-09-01T09:59:00Z'}}",
		     "firing 2 2026-09-01T09:59:00Z - https://prom/h\n"
		     "  alertname=AppDown\n"
		     "  severity=critical\n"
		     "  @summary=s\n");
	ck_assert_ptr_null(mapping_shipped("nobody"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		grafana_before_version_9, signoz_group,	      kibana_and_watcher,
		opensearch_monitors,	  zabbix_events,      zmon_alerts,
		cloudevents_structured,	  cloudevents_binary, cloudevents_batch,
		shipped_coroot,		  shipped_keep,	      shipped_robusta
	};

	return vendor_run("monitors", tests, ARRAY_LEN(tests));
}
