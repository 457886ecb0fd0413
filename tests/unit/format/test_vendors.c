/*
 * The formats of services that are rented: what each body becomes. Bodies are written after the
 * makers' documentation.
 */
#include "vendor_bodies.h"

START_TEST(datadog_template)
{
	const struct vendor_request request = { .format = FORMAT_DATADOG };

	vendor_check(
		&request,
		"{'id':'77','alert_id':'1234','alert_cycle_key':'c9','aggreg_key':'a1',"
		"'transition':'Triggered','alert_type':'error','priority':'P2',"
		"'title':'Orders fail','event_title':'[Triggered on {service:cart}] Orders fail',"
		"'body':'see trace_id: 4bf92f3577b34da6a3ce929d0e0e4736','scope':'service:cart',"
		"'metric':'trace.web.errors','query':'avg(last_5m):errors{*} > 5',"
		"'status':'5 > 4','host':'web-1','link':'https://app.datadoghq.com/m/1234',"
		"'snapshot':'','tags':'env:prod,service:cart,resource_name:POST /orders,canary',"
		"'date':'1788256740000','org':{'id':'9','name':'shop'},'event_type':'x'}",
		"firing # 2026-09-01T09:59:00Z - https://app.datadoghq.com/m/1234\n"
		"  alertname=Orders fail\n"
		"  deployment_environment=prod\n"
		"  env=prod\n"
		"  host=web-1\n"
		"  metric=trace.web.errors\n"
		"  monitor_id=1234\n"
		"  org=shop\n"
		"  resource_name=POST /orders\n"
		"  service=cart\n"
		"  severity=error\n"
		"  @alert_cycle_key=c9\n"
		"  @description=see trace_id: 4bf92f3577b34da6a3ce929d0e0e4736\n"
		"  @monitor_query=avg(last_5m):errors{*} > 5\n"
		"  @monitor_status=5 > 4\n"
		"  @summary=[Triggered on {service:cart}] Orders fail\n"
		"  @trace_id=4bf92f3577b34da6a3ce929d0e0e4736\n");
	vendor_check(&request,
		     "{'alert_id':'1234','transition':'Recovered','alert_type':'success',"
		     "'title':'Orders fail','date':1788256740000,'org':{'id':'9'}}",
		     "resolved 9-1234 - 2026-09-01T09:59:00Z -\n"
		     "  alertname=Orders fail\n"
		     "  monitor_id=1234\n"
		     "  @summary=Orders fail\n");
}
END_TEST

/* Without a template the title tells everything. */
START_TEST(datadog_default)
{
	const struct vendor_request request = { .format = FORMAT_DATADOG };

	vendor_check(
		&request,
		"{'body':'b','last_updated':'1788256740000','event_type':'query_alert_monitor',"
		"'title':'[No Data on {host:a}] Disk','date':'1788256740000',"
		"'org':{'id':'9','name':'shop'},'id':'701'}",
		"firing # 2026-09-01T09:59:00Z - -\n"
		"  alertname=Disk\n"
		"  org=shop\n"
		"  @description=b\n"
		"  @summary=[No Data on {host:a}] Disk\n");
	vendor_check(
		&request,
		"{'body':'b','last_updated':'1788256740000','event_type':'query_alert_monitor',"
		"'title':'[Recovered on {host:a}] Disk','org':{'id':'9'},'id':'702'}",
		"resolved # - 2026-09-01T09:59:00Z -\n"
		"  alertname=Disk\n"
		"  @description=b\n"
		"  @summary=[Recovered on {host:a}] Disk\n");
}
END_TEST

START_TEST(datadog_form)
{
	const struct vendor_request request = { .format = FORMAT_DATADOG };

	vendor_check(&request,
		     "alert_id=1234&transition=Warn&title=Orders+fail%21&priority=P1&scope=&"
		     "tags=service%3Acart&org=%7B%22id%22%3A9%7D&date=1788256740000",
		     "firing 9-1234 2026-09-01T09:59:00Z - -\n"
		     "  alertname=Orders fail!\n"
		     "  monitor_id=1234\n"
		     "  service=cart\n"
		     "  severity=critical\n"
		     "  @summary=Orders fail!\n");
	ck_assert(alert_formats[FORMAT_DATADOG]->match("alert_id=1&transition=Warn&title=x", 34));
	vendor_check(&request, "a=1&b=2",
		     "error: this is not a webhook of Datadog: it has none of "
		     "/alert_id /monitor_id /event_type\n");
}
END_TEST

START_TEST(azure_log_alert)
{
	const struct vendor_request request = { .format = FORMAT_AZURE };

	vendor_check(&request,
		     "{'schemaId':'azureMonitorCommonAlertSchema','data':{'essentials':{"
		     "'alertId':'/subscriptions/s1/providers/Microsoft.AlertsManagement/alerts/a1',"
		     "'alertRule':'Failures','severity':'Sev1','signalType':'Log',"
		     "'monitorCondition':'Fired','monitoringService':'Log Alerts V2',"
		     "'alertTargetIDs':['/subscriptions/s1/x'],'configurationItems':['shop-ai'],"
		     "'originAlertId':'o1','firedDateTime':'2026-09-01T09:59:00.123Z',"
		     "'description':'too many failures'},'alertContext':{'condition':{'allOf':[{"
		     "'searchQuery':'requests','metricValue':7,'dimensions':["
		     "{'name':'cloud_RoleName','value':'checkout'},"
		     "{'name':'operation_Name','value':'POST /orders'},"
		     "{'name':'operation_Id','value':'4bf92f3577b34da6a3ce929d0e0e4736'}],"
		     "'linkToSearchResultsUI':'https://portal.azure.com/q'}]}},"
		     "'customProperties':{'team':'shop'}}}",
		     "firing # 2026-09-01T09:59:00.123Z - https://portal.azure.com/q\n"
		     "  alertname=Failures\n"
		     "  cloud_RoleName=checkout\n"
		     "  monitoring_service=Log Alerts V2\n"
		     "  operation=POST /orders\n"
		     "  operation_Id=4bf92f3577b34da6a3ce929d0e0e4736\n"
		     "  operation_Name=POST /orders\n"
		     "  resource=shop-ai\n"
		     "  service_name=checkout\n"
		     "  severity=critical\n"
		     "  team=shop\n"
		     "  @description=requests\n"
		     "  @summary=too many failures\n"
		     "  @trace_id=4bf92f3577b34da6a3ce929d0e0e4736\n"
		     "  @value=7\n");
	vendor_check(&request,
		     "{'schemaId':'azureMonitorCommonAlertSchema','data':{'essentials':{"
		     "'alertId':'a1','alertRule':'CPU','severity':'Sev3',"
		     "'monitorCondition':'Resolved','firedDateTime':'2026-09-01T09:00:00Z',"
		     "'resolvedDateTime':'2026-09-01T09:30:00Z'},'alertContext':null,"
		     "'customProperties':null}}",
		     "resolved a1 2026-09-01T09:00:00Z 2026-09-01T09:30:00Z -\n"
		     "  alertname=CPU\n"
		     "  severity=warning\n"
		     "  @summary=CPU\n");
	vendor_check(&request,
		     "{'schemaId':'AzureMonitorMetricAlert','data':{'status':'Activated'}}",
		     "error: this is not an alert of Azure Monitor in the common schema (enable it "
		     "in the action group): it has no /data/essentials\n");
	vendor_check(&request,
		     "{'schemaId':'x','data':{'essentials':{'alertId':'a1','alertRule':'CPU',"
		     "'monitorCondition':7}}}",
		     "refused alert 0: status is \"7\", neither firing nor resolved\n");
}
END_TEST

START_TEST(azure_others)
{
	const struct vendor_request request = { .format = FORMAT_AZURE };

	/* A log alert V1 has the rows that it found. */
	vendor_check(&request,
		     "{'schemaId':'s','data':{'essentials':{'alertId':'a1','alertRule':'r',"
		     "'monitorCondition':'Fired'},'alertContext':{'SearchQuery':'q','Dimensions':["
		     "{'name':'cloud_RoleName','value':'cart'}],'SearchResults':{'tables':[{"
		     "'columns':[{'name':'id'},{'name':'operation_Name'},{'name':'operation_Id'}],"
		     "'rows':[['1','POST /cart','4bf92f3577b34da6a3ce929d0e0e4736'],[]]}]}}}}",
		     "firing a1 - - -\n"
		     "  alertname=r\n"
		     "  cloud_RoleName=cart\n"
		     "  operation=POST /cart\n"
		     "  service_name=cart\n"
		     "  @description=q\n"
		     "  @summary=r\n"
		     "  @trace_id=4bf92f3577b34da6a3ce929d0e0e4736\n");
	/* Azure's managed Prometheus; without a link of its own the portal's. */
	vendor_check(&request,
		     "{'schemaId':'s','data':{'essentials':{'alertId':'/subscriptions/1/"
		     "a1','alertRule':'r',"
		     "'monitorCondition':'Fired'},'alertContext':{'expression':'up == 0',"
		     "'labels':{'service':'cart','severity':'high'},'annotations':{'b':'c'}}}}",
		     "firing # - - https://portal.azure.com/#view/"
		     "Microsoft_Azure_Monitoring_Alerts/AlertDetails.ReactView/alertId~/"
		     "%2Fsubscriptions%2F1%2Fa1\n"
		     "  alertname=r\n"
		     "  service=cart\n"
		     "  severity=error\n"
		     "  @b=c\n"
		     "  @promql=up == 0\n"
		     "  @summary=r\n");
}
END_TEST

static const char gcp_incident[] =
	"{'version':'1.2','incident':{'incident_id':'0.lj2','scoping_project_id':'shop-1',"
	"'url':'https://console.cloud.google.com/i/0.lj2','started_at':1788256740,'ended_at':null,"
	"'state':'open','severity':'ERROR','summary':'too slow','observed_value':'2.5',"
	"'resource':{'type':'cloud_run_revision','labels':{'service_name':'checkout',"
	"'location':'eu'}},'metric':{'type':'run.googleapis.com/request_latencies',"
	"'labels':{'trace':'projects/shop-1/traces/4bf92f3577b34da6a3ce929d0e0e4736'}},"
	"'policy_name':'Latency','policy_user_labels':{'team':'shop'},"
	"'condition_name':'p99 > 2s','condition':{'conditionPrometheusQueryLanguage':"
	"{'query':'up == 0'}},'documentation':{'content':'look "
	"here','mime_type':'text/markdown'}}}";

START_TEST(gcp_incidents)
{
	const struct vendor_request request = { .format = FORMAT_GCP };

	vendor_check(&request, gcp_incident,
		     "firing 0.lj2 2026-09-01T09:59:00Z - "
		     "https://console.cloud.google.com/i/0.lj2\n"
		     "  alertname=Latency\n"
		     "  condition=p99 > 2s\n"
		     "  gcp_resource_location=eu\n"
		     "  gcp_resource_service_name=checkout\n"
		     "  metric=run.googleapis.com/request_latencies\n"
		     "  metric_trace=projects/shop-1/traces/4bf92f3577b34da6a3ce929d0e0e4736\n"
		     "  project=shop-1\n"
		     "  resource_type=cloud_run_revision\n"
		     "  service_name=checkout\n"
		     "  severity=error\n"
		     "  team=shop\n"
		     "  @description=look here\n"
		     "  @promql=up == 0\n"
		     "  @summary=too slow\n"
		     "  @trace_id=4bf92f3577b34da6a3ce929d0e0e4736\n"
		     "  @value=2.5\n");
	/* Schema 1.1, as a test notification writes it. */
	vendor_check(&request,
		     "{'version':'1.1','incident':{'incident_id':'f1','started_at':1788253200,"
		     "'ended_at':1788256740,'state':'CLOSED','policy_name':'projects/1/p/2',"
		     "'condition_name':'c','severity':'No severity','documentation':'text'}}",
		     "resolved f1 2026-09-01T09:00:00Z 2026-09-01T09:59:00Z -\n"
		     "  alertname=c\n"
		     "  condition=c\n"
		     "  @description=text\n"
		     "  @summary=c\n");
}
END_TEST

START_TEST(gcp_push)
{
	/* The base64 of {"incident":{"incident_id":"p1","state":"open","policy_name":"P"}} */
	static const char push[] =
		"{'message':{'data':'"
		"eyJpbmNpZGVudCI6eyJpbmNpZGVudF9pZCI6InAxIiwic3RhdGUiOiJvcGVuIiw"
		"icG9saWN5X25hbWUiOiJQIn19','messageId':'1'},'subscription':'s'}";
	const struct vendor_request request = { .format = FORMAT_GCP };

	vendor_check(&request, push, "firing p1 - - -\n  alertname=P\n");
	vendor_check(&request, "{'message':{'data':'bm8gSlNPTg=='}}",
		     "error: not JSON: invalid token near 'no'\n");
	vendor_check(&request, "{'message':{'data':7}}",
		     "error: this is not a webhook of Google Cloud Monitoring: it has no "
		     "/incident/incident_id\n");
}
END_TEST

START_TEST(sentry_event_alert)
{
	const struct vendor_request request = { .format = FORMAT_SENTRY };

	vendor_check(&request,
		     "{'action':'triggered','installation':{'uuid':'u'},'data':{'event':{"
		     "'event_id':'e1','issue_id':'42','title':'Boom','culprit':'orders.py',"
		     "'level':'fatal','platform':'python','datetime':'2026-09-01T09:59:00.5Z',"
		     "'url':'https://sentry.io/api/0/projects/shop/checkout/events/e1/',"
		     "'web_url':'https://sentry.io/organizations/shop/issues/42/events/e1/',"
		     "'transaction':'/orders','request':{'method':'POST'},"
		     "'contexts':{'trace':{'trace_id':'4bf92f3577b34da6a3ce929d0e0e4736'}},"
		     "'tags':[['environment','prod'],['error.type','KeyError'],['bad']]},"
		     "'triggered_rule':'New errors'}}",
		     "firing 42 2026-09-01T09:59:00.500Z - "
		     "https://sentry.io/organizations/shop/issues/42/events/e1/\n"
		     "  alertname=New errors\n"
		     "  environment=prod\n"
		     "  error_type=KeyError\n"
		     "  http_method=POST\n"
		     "  http_route=/orders\n"
		     "  platform=python\n"
		     "  project=checkout\n"
		     "  service_name=checkout\n"
		     "  severity=critical\n"
		     "  @culprit=orders.py\n"
		     "  @description=orders.py\n"
		     "  @summary=Boom\n"
		     "  @trace_id=4bf92f3577b34da6a3ce929d0e0e4736\n");
}
END_TEST

START_TEST(sentry_others)
{
	const struct vendor_request request = { .format = FORMAT_SENTRY };

	/* Another host of sentry.io names the same issue. */
	vendor_check(
		&request,
		"{'action':'resolved','data':{'issue':{'id':'42','title':'Boom','level':'error',"
		"'project':{'slug':'checkout'},'web_url':'https://shop.sentry.io/issues/42/'}}}",
		"resolved 42 - - https://shop.sentry.io/issues/42/\n"
		"  alertname=Boom\n"
		"  project=checkout\n"
		"  service_name=checkout\n"
		"  severity=error\n"
		"  @summary=Boom\n");
	vendor_check(&request, "{'action':'created','data':{'issue':{'id':'42','title':'Boom'}}}",
		     "ignored: a change of a Sentry issue pages nobody; an alert rule does\n");
	vendor_check(&request, "{'action':'created','data':{'error':{'event_id':'e'}}}",
		     "ignored: a change of a Sentry issue pages nobody; an alert rule does\n");
	vendor_check(&request,
		     "{'action':'critical','data':{'metric_alert':{'id':'7','identifier':'3',"
		     "'date_started':'2026-09-01T09:59:00Z','date_closed':null,"
		     "'projects':['checkout'],'alert_rule':{'name':'Too many','environment':null}},"
		     "'description_title':'Critical: Too many','description_text':'1000 events',"
		     "'web_url':'https://sentry.shop.example/alerts/3/'}}",
		     "firing sentry.shop.example-metric-7 2026-09-01T09:59:00Z - "
		     "https://sentry.shop.example/alerts/3/\n"
		     "  alertname=Too many\n"
		     "  project=checkout\n"
		     "  service_name=checkout\n"
		     "  severity=critical\n"
		     "  @description=1000 events\n"
		     "  @summary=Critical: Too many\n");
	/* Without an issue_id its address has it. */
	vendor_check(&request,
		     "{'action':'triggered','data':{'event':{'title':'Boom',"
		     "'issue_url':'https://sentry.io/api/0/issues/42/'}}}",
		     "firing 42 - - -\n"
		     "  alertname=Boom\n"
		     "  @summary=Boom\n");
	/* The older plugin. */
	vendor_check(&request,
		     "{'id':'43','project':'checkout','project_slug':'checkout','level':'error',"
		     "'culprit':'c','message':'m','url':'https://sentry.shop.example/i/43/',"
		     "'triggering_rules':['R'],'event':{'event_id':'e','timestamp':1788256740.5,"
		     "'environment':'prod','tags':[['service','orders']]}}",
		     "firing sentry.shop.example-43 2026-09-01T09:59:00.500Z - "
		     "https://sentry.shop.example/i/43/\n"
		     "  alertname=R\n"
		     "  environment=prod\n"
		     "  project=checkout\n"
		     "  service=orders\n"
		     "  severity=error\n"
		     "  @culprit=c\n"
		     "  @description=m\n"
		     "  @summary=m\n");
}
END_TEST

START_TEST(newrelic_issue)
{
	const struct vendor_request request = { .format = FORMAT_NEWRELIC };

	vendor_check(&request,
		     "{'id':'i-1','issueUrl':'https://one.newrelic.com/i-1','title':'Slow on cart',"
		     "'description':'p99 is 3 s','priority':'HIGH','impactedEntities':['cart'],"
		     "'entityTypes':['APPLICATION'],'totalIncidents':1,'state':'ACTIVATED',"
		     "'createdAt':1788256740000,'updatedAt':1788256740001,'sources':['newrelic'],"
		     "'alertPolicyNames':['Shop'],'alertConditionNames':['p99'],"
		     "'runbookUrl':'https://run/1','nrqlQuery':'SELECT 1','workflowName':'w'}",
		     "firing i-1 2026-09-01T09:59:00Z - https://one.newrelic.com/i-1\n"
		     "  alertname=p99\n"
		     "  entity=cart\n"
		     "  policy=Shop\n"
		     "  service_name=cart\n"
		     "  severity=error\n"
		     "  @description=p99 is 3 s\n"
		     "  @nrql=SELECT 1\n"
		     "  @runbook_url=https://run/1\n"
		     "  @summary=Slow on cart\n"
		     "  @workflow=w\n");
	/* A host is no service, and two entities are not one. */
	vendor_check(&request,
		     "{'id':'i-1','issueUrl':'x','title':'t','state':'CLOSED','priority':'LOW',"
		     "'impactedEntities':['web-1','web-2'],'entityTypes':['APPLICATION'],"
		     "'createdAt':1788256740000}",
		     "resolved i-1 2026-09-01T09:59:00Z - -\n"
		     "  alertname=t\n"
		     "  entity=web-1, web-2\n"
		     "  severity=info\n"
		     "  @summary=t\n");
	/* The names of the time before workflows. */
	vendor_check(&request,
		     "{'incident_id':9,'incident_url':'https://n/9','current_state':'open',"
		     "'condition_name':'c','severity':'WARNING','details':'d',"
		     "'policy_name':'Shop','targets':[{'name':'web-1'}],'timestamp':1788256740000}",
		     "firing 9 2026-09-01T09:59:00Z - https://n/9\n"
		     "  alertname=c\n"
		     "  entity=web-1\n"
		     "  policy=Shop\n"
		     "  severity=warning\n"
		     "  @description=d\n"
		     "  @summary=c\n");
	vendor_check(&request, "{'id':'i-1','issueUrl':'x','title':'t','state':'ACKNOWLEDGED'}",
		     "ignored: an acknowledgement in New Relic pages nobody\n");
	vendor_check(&request, "{'issueUrl':'x','title':'t','state':'CREATED'}",
		     "refused alert 0: it has no id\n");
}
END_TEST

START_TEST(dynatrace_problem)
{
	const struct vendor_request request = { .format = FORMAT_DYNATRACE };

	vendor_check(
		&request,
		"{'PID':'-77_V2','ProblemID':'P-1','State':'OPEN','ProblemTitle':'Failure rate',"
		"'ProblemImpact':'SERVICE','ProblemSeverity':'ERROR',"
		"'ProblemURL':'https://dt.shop.example/p','Tags':'env:prod, team:shop, alone',"
		"'ImpactedEntities':[{'type':'HOST','name':'web-1'},"
		"{'type':'SERVICE','name':'checkout'}],'ProblemDetailsJSONv2':"
		"{'startTime':1788256740000,'endTime':-1,'rootCauseEntity':"
		"{'entityId':{'type':'SERVICE'},'name':'ledger'}}}",
		"firing -77_V2 2026-09-01T09:59:00Z - https://dt.shop.example/p\n"
		"  alertname=Failure rate\n"
		"  entity=web-1\n"
		"  env=prod\n"
		"  impact=SERVICE\n"
		"  problem=P-1\n"
		"  service_name=checkout\n"
		"  severity=error\n"
		"  team=shop\n"
		"  @root_cause=ledger\n"
		"  @summary=Failure rate\n");
	vendor_check(&request, "{'PID':'-77_V2','State':'MERGED','ProblemTitle':'Failure rate'}",
		     "resolved -77_V2 - - -\n"
		     "  alertname=Failure rate\n"
		     "  @summary=Failure rate\n");
}
END_TEST

START_TEST(splunk_incident)
{
	const struct vendor_request request = { .format = FORMAT_SPLUNK };

	vendor_check(&request,
		     "{'severity':'Major','originatingMetric':'service.request.count','rule':'R',"
		     "'detector':'D','detectorUrl':'https://app.signalfx.com/#/detector/D',"
		     "'incidentId':'EAA','statusExtended':'anomalous','messageTitle':'T',"
		     "'messageBody':'B','runbookUrl':null,'timestamp':'2026-09-01T09:59:00Z',"
		     "'inputs':{'_S1':{'value':'1','fragment':'f'},'A':{'value':'9','key':"
		     "{'sf_service':'checkout','sf_operation':'POST /orders',"
		     "'sf_environment':'prod'}}}}",
		     "firing EAA 2026-09-01T09:59:00Z - https://app.signalfx.com/#/detector/D\n"
		     "  alertname=D\n"
		     "  deployment_environment=prod\n"
		     "  metric=service.request.count\n"
		     "  operation=POST /orders\n"
		     "  rule=R\n"
		     "  service_name=checkout\n"
		     "  severity=error\n"
		     "  sf_environment=prod\n"
		     "  sf_operation=POST /orders\n"
		     "  sf_service=checkout\n"
		     "  @description=B\n"
		     "  @summary=T\n"
		     "  @value=1\n");
	vendor_check(&request,
		     "{'incidentId':'EAA','detectorId':'d','statusExtended':'manually resolved',"
		     "'detector':'D','timestamp':'2026-09-01T09:59:30Z'}",
		     "resolved EAA - 2026-09-01T09:59:30Z -\n"
		     "  alertname=D\n");
}
END_TEST

START_TEST(honeycomb_trigger)
{
	const struct vendor_request request = { .format = FORMAT_HONEYCOMB };

	vendor_check(&request,
		     "{'version':'v0.1.0','id':'abc','name':'slow','shared_secret':'s3cret',"
		     "'trigger_description':'d','trigger_url':'https://ui.honeycomb.io/t/abc',"
		     "'status':'TRIGGERED','summary':'Triggered: slow','description':'above 2',"
		     "'operator':'greater than','threshold':2,'result_url':'',"
		     "'result_groups_triggered':["
		     "{'Group':{'name':'GET /cart','service.name':'cart','trace.trace_id':'"
		     "0af7651916cd43dd8448eb211c80319c'"
		     ",'status':500},'Result':5},{'Group':{'service.name':'cart','name':'GET "
		     "/cart','status':502},"
		     "'Result':4}]}",
		     "firing abc - - https://ui.honeycomb.io/t/abc\n"
		     "  alertname=slow\n"
		     "  name=GET /cart\n"
		     "  service_name=cart\n"
		     "  span_name=GET /cart\n"
		     "  @description=above 2\n"
		     "  @summary=Triggered: slow\n"
		     "  @threshold=2\n"
		     "  @trace_id=0af7651916cd43dd8448eb211c80319c\n"
		     "  @trigger_url=https://ui.honeycomb.io/t/abc\n"
		     "  @value=5\n");
	vendor_check(&request,
		     "{'id':'abc','name':'slow','status':'OK','severity':'error',"
		     "'timestamp':'2026-09-01T09:59:00Z','datasets':['cart'],"
		     "'trigger_url':'https://ui.honeycomb.io/t/abc','result_groups_triggered':[]}",
		     "resolved abc - 2026-09-01T09:59:00Z https://ui.honeycomb.io/t/abc\n"
		     "  alertname=slow\n"
		     "  service_name=cart\n"
		     "  severity=error\n"
		     "  @summary=slow\n"
		     "  @trigger_url=https://ui.honeycomb.io/t/abc\n");
}
END_TEST

START_TEST(lightstep_alert)
{
	const struct vendor_request request = { .format = FORMAT_LIGHTSTEP };

	vendor_check(
		&request,
		"{'title':'Latency','status':'Critical Threshold Violated','project':'shop',"
		"'metric-condition':{'id':'m1','name':'p99'},'link':'https://app.lightstep.com/m1',"
		"'labels':{'service':'cart'}}",
		"firing m1 - - https://app.lightstep.com/m1\n"
		"  alertname=p99\n"
		"  project=shop\n"
		"  service=cart\n"
		"  service_name=cart\n"
		"  severity=critical\n"
		"  @summary=Latency\n");
	vendor_check(&request, "{'status':'Resolved','metric-condition':{'id':'m1','name':'p99'}}",
		     "resolved m1 - - -\n"
		     "  alertname=p99\n"
		     "  @summary=p99\n");
	vendor_check(&request,
		     "{'payloads':[{'type':'condition-not-violated','condition':{'id':'s1',"
		     "'name':'errors'}}]}",
		     "resolved s1 - - -\n"
		     "  alertname=errors\n");
}
END_TEST

/* What a table cannot tell is told, too. */
START_TEST(what_is_made_of_others)
{
	struct arena *arena = arena_new(1u << 20);
	struct buf why = BUF_INIT(16u << 10);
	char *text = vendor_quotes("{'alert_id':'7','transition':'Warn','title':'t','org':{'id':9},"
				   "'tags':'env:prod'}");
	const struct alert_body body = {
		.text = text, .len = strlen(text), .sender = "am1", .now_us = NOW_US, .why = &why
	};
	struct alert_batch batch;
	struct err err;

	ck_assert_int_eq(alert_formats[FORMAT_DATADOG]->parse(arena, &body, &batch, &err), 0);
	ck_assert_ptr_nonnull(strstr(buf_text(&why), "status: /transition is \"Warn\"\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&why),
				     "id: made of others, \"9-7\"\n"
				     "label.alertname: made of others, \"t\"\n"
				     "label.deployment_environment: made of others, "
				     "\"prod\"\n"));
	free(text);
	buf_fini(&why);
	arena_free(arena);
}
END_TEST

/* A template as its sender fills it in: a variable becomes a text, one without quotes around it
 * becomes a value, and the marks of a list vanish. Caller frees. */
static char *fill_template(const char *text)
{
	struct buf out = BUF_INIT(64u << 10);

	while (*text && strncmp(text, "\nWatcher", 8) != 0) {
		const bool quoted = out.len && buf_text(&out)[out.len - 1] == '"';
		const char *end = strncmp(text, "{{", 2) == 0 ? strstr(text, "}}") : NULL;
		if (end) {
			const bool mark = text[2] == '#' || text[2] == '/';
			buf_puts(&out, mark ? "" : quoted ? "x" : "[\"x\"]");
			text = end + 2;
		} else if (*text == '{' && text[1] >= 'A' && text[1] <= 'Z' && !quoted) {
			buf_puts(&out, "[\"x\"]"); /* Dynatrace's {ImpactedEntities} */
			text = strchr(text, '}') + 1;
		} else {
			buf_putc(&out, *text++);
		}
	}
	return buf_take(&out);
}

/* What a format recommends is JSON that it recognises. */
START_TEST(templates_are_read)
{
	size_t templates = 0;

	for (int id = 0; id < FORMAT_COUNT; id++) {
		const char *setup = alert_formats[id]->setup;
		if (!setup || id == FORMAT_ZABBIX) /* that is a script */
			continue;
		char *filled = fill_template(*setup == '{' ? setup : strchr(setup, '\n') + 1);
		struct arena *arena = arena_new(1u << 20);
		struct alert_batch batch;
		struct err err = { 0 };
		const struct vendor_request request = { .format = (enum alert_format_id)id };
		ck_assert_msg(alert_formats[id]->match(filled, strlen(filled)), "%s", filled);
		ck_assert_ptr_eq(alert_format_recognise(filled, strlen(filled)), alert_formats[id]);
		ck_assert_msg(vendor_read(arena, &request, filled, &batch, &err) == 0, "%s: %s",
			      filled, err.text);
		arena_free(arena);
		free(filled);
		templates++;
	}
	ck_assert_uint_ge(templates, 6);
}
END_TEST

/* Firing, repeated and resolved, an alert is the same; another one is another. */
START_TEST(identities)
{
	static const struct {
		enum alert_format_id format;
		const char *one, *same, *other;
	} rows[] = {
		{ FORMAT_DATADOG,
		  "{'alert_id':1,'transition':'Triggered','title':'t','scope':'host:a,x:b'}",
		  "{'alert_id':1,'transition':'Recovered','title':'u','scope':'host:a,x:b'}",
		  "{'alert_id':1,'transition':'Triggered','title':'t','scope':'host:b,x:b'}" },
		{ FORMAT_DATADOG,
		  "{'event_type':'e','last_updated':1,'title':'[Triggered on {host:a}] D','id':1}",
		  "{'event_type':'e','last_updated':2,'title':'[Recovered on {host:a}] D','id':2}",
		  "{'event_type':'e','last_updated':3,'title':'[Triggered on {host:b}] "
		  "D','id':3}" },
		{ FORMAT_AZURE,
		  "{'schemaId':'a','data':{'essentials':{'alertId':'/a/1','alertRule':'r',"
		  "'monitorCondition':'Fired'}}}",
		  "{'schemaId':'a','data':{'essentials':{'alertId':'/a/1','alertRule':'r',"
		  "'monitorCondition':'Resolved'}}}",
		  "{'schemaId':'a','data':{'essentials':{'alertId':'/a/2','alertRule':'r'}}}" },
		{ FORMAT_GRAFANA_LEGACY,
		  "{'ruleId':1,'ruleName':'r','state':'alerting','ruleUrl':'https://g1/d/1'}",
		  "{'ruleId':1,'ruleName':'r','state':'ok','ruleUrl':'https://G1/d/2'}",
		  "{'ruleId':1,'ruleName':'r','state':'ok','ruleUrl':'https://g2/d/1'}" },
		{ FORMAT_ELASTIC,
		  "{'rule':{'id':'r 1','name':'n'},'alert':{'id':'a','actionGroup':'x'}}",
		  "{'rule':{'id':'r 1','name':'n'},'alert':{'id':'a','actionGroup':'recovered'}}",
		  "{'rule':{'id':'r 1','name':'n'},'alert':{'id':'b','actionGroup':'x'}}" },
	};
	struct arena *arena = arena_new(64u << 20);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *one = vendor_id(arena, rows[i].format, rows[i].one);
		ck_assert_str_eq(one, vendor_id(arena, rows[i].format, rows[i].same));
		ck_assert_str_ne(one, vendor_id(arena, rows[i].format, rows[i].other));
	}
	arena_free(arena);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { datadog_template,   datadog_default,	  datadog_form,
				       azure_log_alert,	   azure_others,	  gcp_incidents,
				       gcp_push,	   sentry_event_alert,	  sentry_others,
				       newrelic_issue,	   dynatrace_problem,	  splunk_incident,
				       honeycomb_trigger,  lightstep_alert,	  identities,
				       templates_are_read, what_is_made_of_others };

	return vendor_run("vendors", tests, ARRAY_LEN(tests));
}
