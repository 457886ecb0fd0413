/*
 * The webhook of Splunk Observability Cloud (SignalFx). Its only time is that of the event. A
 * rule's dimensions stand beside each input; sf_service and sf_operation are those of its APM.
 * Source: docs.splunk.com/observability, "Webhook request body fields". Pure.
 */
#include "mapping_parts-internal.h"

#include "tracepager/xalloc.h"

static const char *const splunk_tells[] = { "/incidentId", "/detectorId /detector /detectorUrl",
					    "/statusExtended /status", NULL };

static const struct mapping_value splunk_states[] = {
	{ "anomalous", "firing" }, { "ok", "resolved" }, { "manually resolved", "resolved" },
	{ "stopped", "resolved" }, { NULL, NULL },
};

static const struct mapping_rule splunk_rules[] = {
	{ .to = MAP_ID, .from = { "/incidentId" } },
	{ .to = MAP_STATUS, .from = { "/statusExtended", "/status" }, .values = splunk_states },
	{ .to = MAP_SEVERITY, .from = { "/severity" }, .values = mapped_severities },
	{ .to = MAP_STARTS_AT, .from = { "/timestamp" } },
	{ .to = MAP_NAME, .from = { "/detector", "/rule", "/inputs/rule", "/messageTitle" } },
	{ .to = MAP_NAME, .from = { "/originatingMetric" } },
	{ .to = MAP_SUMMARY, .from = { "/messageTitle", "/description", "/rule" } },
	{ .to = MAP_DESCRIPTION, .from = { "/messageBody", "/description" } },
	{ .to = MAP_LINK, .from = { "/detectorUrl" } },
	{ .to = MAP_LABEL,
	  .name = "service_name",
	  .from = { "/dimensions/sf_service", "/inputs/*/key/sf_service",
		    "/dimensions/service.name", "/inputs/*/key/service.name" } },
	{ .to = MAP_LABEL,
	  .name = "operation",
	  .from = { "/dimensions/sf_operation", "/inputs/*/key/sf_operation" } },
	{ .to = MAP_LABEL,
	  .name = "deployment_environment",
	  .from = { "/dimensions/sf_environment", "/inputs/*/key/sf_environment",
		    "/dimensions/deployment.environment",
		    "/inputs/*/key/deployment.environment" } },
	{ .to = MAP_LABEL, .name = "rule", .from = { "/rule", "/inputs/rule" } },
	{ .to = MAP_LABEL, .name = "metric", .from = { "/originatingMetric" } },
	{ .to = MAP_ANNOTATION, .name = "runbook_url", .from = { "/runbookUrl" } },
	{ .to = MAP_ANNOTATION, .name = "tip", .from = { "/tip" } },
	{ .to = MAP_ANNOTATION, .name = "image_url", .from = { "/imageUrl" } },
	{ .to = MAP_ANNOTATION,
	  .name = "trace_id",
	  .from = { "/dimensions/trace_id", "/inputs/*/key/trace_id" } },
	{ .to = MAP_ANNOTATION, .name = "value", .from = { "/inputs/*/value" } },
	{ .to = MAP_LABELS, .from = { "/dimensions" } },
	{ .to = MAP_LABELS, .from = { "/inputs/*/key" } },
};

static const struct alert_mapping splunk = {
	.name = "splunk",
	.what = "a webhook of Splunk Observability Cloud",
	.family = "splunk",
	.tells = splunk_tells,
	.rules = splunk_rules,
	.nrules = ARRAY_LEN(splunk_rules),
};

static const char *splunk_complete(struct mapped_alert *alert)
{
	mapped_event_time(alert);
	mapped_finish(alert);
	return NULL;
}

static const struct mapping_hooks splunk_hooks = { .complete = splunk_complete };

MAPPED_FORMAT_WITH(SPLUNK, "splunk", "Splunk Observability Cloud's webhook (SignalFx)", splunk,
		   &splunk_hooks, NULL);
