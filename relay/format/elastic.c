/*
 * Elastic: Kibana's webhook connector by the first template below, and Watcher's webhook action by
 * the second, which says nothing when a watch is well again. The rule's tags "service:cart" become
 * labels. Source: elastic.co, "Rule action variables" and "Watcher webhook action". Pure.
 */
#include "mapping_parts-internal.h"

#include "tracepager/xalloc.h"

static const char elastic_setup[] =
	"Kibana, for the action of each group and the same again for \"Recovered\":\n"
	"{\"rule\": {\"id\": \"{{rule.id}}\", \"name\": \"{{rule.name}}\", \"type\": "
	"\"{{rule.type}}\",\n"
	"  \"tags\": \"{{rule.tags}}\", \"space\": \"{{rule.spaceId}}\", \"url\": "
	"\"{{rule.url}}\"},\n"
	" \"alert\": {\"id\": \"{{alert.id}}\", \"actionGroup\": \"{{alert.actionGroup}}\"},\n"
	" \"date\": \"{{date}}\", \"severity\": \"error\",\n"
	" \"context\": {\"reason\": \"{{context.reason}}\", \"message\": \"{{context.message}}\",\n"
	"  \"serviceName\": \"{{context.serviceName}}\", \"environment\": "
	"\"{{context.environment}}\",\n"
	"  \"transactionType\": \"{{context.transactionType}}\",\n"
	"  \"transactionName\": \"{{context.transactionName}}\", \"value\": "
	"\"{{context.value}}\",\n"
	"  \"threshold\": \"{{context.threshold}}\", \"viewInAppUrl\": "
	"\"{{context.viewInAppUrl}}\",\n"
	"  \"alertDetailsUrl\": \"{{context.alertDetailsUrl}}\"}}\n"
	"Watcher:\n"
	"{\"watch_id\": \"{{ctx.watch_id}}\", \"execution_time\": \"{{ctx.execution_time}}\",\n"
	" \"title\": \"orders fail\", \"severity\": \"error\", \"service\": \"checkout\"}\n";

static const char *const elastic_tells[] = { "/rule/id /watch_id",
					     "/alert/actionGroup /alert/id /execution_time", NULL };

/* The group of actions that an alert which is over has; all others are of rules that match. */
static const struct mapping_value elastic_groups[] = {
	{ "recovered", "resolved" },
	{ "*", "firing" },
	{ NULL, NULL },
};
/* Where the template has no severity, some rules have groups for them. */
static const struct mapping_value elastic_severities[] = {
	{ "critical", "critical" },
	{ "*threshold.critical", "critical" },
	{ "fatal", "critical" },
	{ "error", "error" },
	{ "high", "error" },
	{ "major", "error" },
	{ "warning", "warning" },
	{ "*threshold.warning", "warning" },
	{ "medium", "warning" },
	{ "minor", "warning" },
	{ "low", "info" },
	{ "info", "info" },
	{ "*", "" },
	{ NULL, NULL },
};

static const struct mapping_rule elastic_rules[] = {
	{ .to = MAP_STATUS, .from = { "/alert/actionGroup", "/status" }, .values = elastic_groups },
	{ .to = MAP_SEVERITY,
	  .from = { "/severity", "/alert/actionGroup", "/context/severity" },
	  .values = elastic_severities },
	{ .to = MAP_STARTS_AT, .from = { "/date", "/execution_time" } },
	{ .to = MAP_NAME, .from = { "/rule/name", "/title", "/watch_id" } },
	{ .to = MAP_SUMMARY, .from = { "/context/reason", "/title", "/rule/name" } },
	{ .to = MAP_DESCRIPTION, .from = { "/context/message", "/message", "/context/reason" } },
	{ .to = MAP_LINK,
	  .from = { "/context/alertDetailsUrl", "/context/viewInAppUrl", "/rule/url", "/link" } },
	{ .to = MAP_LABEL,
	  .name = "service_name",
	  .from = { "/context/serviceName", "/service", "/service_name" } },
	{ .to = MAP_LABEL, .name = "operation", .from = { "/context/transactionName" } },
	{ .to = MAP_LABEL,
	  .name = "deployment_environment",
	  .from = { "/context/environment", "/environment" } },
	{ .to = MAP_LABEL, .name = "rule_type", .from = { "/rule/type" } },
	{ .to = MAP_LABEL, .name = "space", .from = { "/rule/space", "/rule/spaceId" } },
	{ .to = MAP_LABEL, .name = "group", .from = { "/alert/id" } },
	{ .to = MAP_LABEL, .name = "transaction_type", .from = { "/context/transactionType" } },
	{ .to = MAP_ANNOTATION, .name = "value", .from = { "/context/value" } },
	{ .to = MAP_ANNOTATION, .name = "threshold", .from = { "/context/threshold" } },
	{ .to = MAP_ANNOTATION,
	  .name = "trace_id",
	  .from = { "/trace_id", "/context/traceId", "/trace/id" } },
	{ .to = MAP_LABELS, .from = { "/rule/tags" } },
	{ .to = MAP_LABELS, .from = { "/labels" } },
};

static const struct alert_mapping elastic = {
	.name = "elastic",
	.what = "a webhook of Kibana or Watcher",
	.family = "elastic",
	.tells = elastic_tells,
	.rules = elastic_rules,
	.nrules = ARRAY_LEN(elastic_rules),
};

static const char *elastic_complete(struct mapped_alert *alert)
{
	const char *rule = mapped_find(alert, "/rule/id"), *group = mapped_find(alert, "/alert/id");

	if (!rule)
		alert->id = mapped_find(alert, "/watch_id");
	else
		alert->id = group ? mapped_join(alert, rule, group) : rule;
	mapped_event_time(alert);
	mapped_finish(alert);
	return NULL;
}

static const struct mapping_hooks elastic_hooks = { .complete = elastic_complete };

MAPPED_FORMAT_WITH(ELASTIC, "elastic", "Kibana's webhook connector and Watcher's webhook action",
		   elastic, &elastic_hooks, elastic_setup);
