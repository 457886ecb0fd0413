/*
 * The webhook of ServiceNow Cloud Observability (Lightstep): a metric alert's default body, and
 * that of a stream, which has its state in a list of payloads. Its makers publish no schema; the
 * fields are those that their own incident response reads, with likely names beside them. Source:
 * docs.lightstep.com, "Severity and state mappings". Pure.
 */
#include "mapping_parts-internal.h"

#include "tracepager/xalloc.h"

static const char *const lightstep_tells[] = {
	"/metric-condition /payloads/0/type /alert-status",
	"/status /payloads/0/type /alert-status",
	NULL,
};

static const struct mapping_value lightstep_states[] = {
	{ "*not-violated*", "resolved" },
	{ "*resolved*", "resolved" },
	{ "ok", "resolved" },
	{ "*violat*", "firing" },
	{ "*critical*", "firing" },
	{ "*warning*", "firing" },
	{ "*no*data*", "firing" },
	{ "firing", "firing" },
	{ "muted", "ignore" },
	{ NULL, NULL },
};
static const struct mapping_value lightstep_severities[] = {
	{ "critical*", "critical" },
	{ "condition-violated", "error" },
	{ "warning*", "warning" },
	{ "no*data*", "warning" },
	{ "*", "" },
	{ NULL, NULL },
};

static const struct mapping_rule lightstep_rules[] = {
	{ .to = MAP_ID,
	  .from = { "/metric-condition/id", "/payloads/0/condition/id", "/condition/id",
		    "/alert/id", "/id", "/title" } },
	{ .to = MAP_ID,
	  .from = { "/metric-condition/name", "/payloads/0/condition/name", "/name" } },
	{ .to = MAP_STATUS,
	  .from = { "/status", "/alert-status", "/payloads/0/type", "/state" },
	  .values = lightstep_states },
	{ .to = MAP_SEVERITY,
	  .from = { "/status", "/alert-status", "/payloads/0/type" },
	  .values = lightstep_severities },
	{ .to = MAP_STARTS_AT,
	  .from = { "/timestamp", "/metric-condition/started-at", "/started_at" } },
	{ .to = MAP_NAME,
	  .from = { "/metric-condition/name", "/payloads/0/condition/name", "/condition/name",
		    "/name", "/title" } },
	{ .to = MAP_SUMMARY, .from = { "/title", "/message", "/metric-condition/name" } },
	{ .to = MAP_DESCRIPTION,
	  .from = { "/description", "/metric-condition/description", "/message" } },
	{ .to = MAP_LINK,
	  .from = { "/link", "/url", "/links/alert", "/links/0/href", "/metric-condition/link",
		    "/payloads/0/link" } },
	{ .to = MAP_LABEL, .name = "project", .from = { "/project", "/project_name" } },
	{ .to = MAP_LABEL,
	  .name = "service_name",
	  .from = { "/service", "/labels/service", "/labels/service.name",
		    "/attributes/service" } },
	{ .to = MAP_LABEL, .name = "operation", .from = { "/operation", "/labels/operation" } },
	{ .to = MAP_ANNOTATION, .name = "trace_id", .from = { "/trace_id", "/example/trace_id" } },
	{ .to = MAP_LABELS, .from = { "/labels" } },
	{ .to = MAP_LABELS, .from = { "/metric-condition/labels" } },
};

static const struct alert_mapping lightstep = {
	.name = "lightstep",
	.what = "a webhook of ServiceNow Cloud Observability",
	.family = "lightstep",
	.tells = lightstep_tells,
	.ignores = "a muted alert of ServiceNow Cloud Observability pages nobody",
	.rules = lightstep_rules,
	.nrules = ARRAY_LEN(lightstep_rules),
};

static const char *lightstep_complete(struct mapped_alert *alert)
{
	mapped_event_time(alert);
	mapped_finish(alert);
	return NULL;
}

static const struct mapping_hooks lightstep_hooks = { .complete = lightstep_complete };

MAPPED_FORMAT_WITH(LIGHTSTEP, "lightstep", "ServiceNow Cloud Observability's webhook (Lightstep)",
		   lightstep, &lightstep_hooks, NULL);
