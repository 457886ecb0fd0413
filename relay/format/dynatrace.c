/*
 * Dynatrace's custom problem notification, by the template below or any with Dynatrace's own names
 * of variables. A problem that was merged is over: the one that it became a part of goes on. The
 * service is an impacted entity of that type, else the root cause where that is a service. Source:
 * docs.dynatrace.com, "Webhook integration", and its Problems API v2. Pure.
 */
#include "mapping_parts-internal.h"

#include <string.h>

#include "tracepager/xalloc.h"

static const char dynatrace_setup[] =
	"{\"PID\": \"{PID}\", \"ProblemID\": \"{ProblemID}\", \"State\": \"{State}\",\n"
	" \"ProblemTitle\": \"{ProblemTitle}\", \"ProblemImpact\": \"{ProblemImpact}\",\n"
	" \"ProblemSeverity\": \"{ProblemSeverity}\", \"ProblemURL\": \"{ProblemURL}\",\n"
	" \"Tags\": \"{Tags}\", \"ImpactedEntities\": {ImpactedEntities},\n"
	" \"ProblemDetailsJSONv2\": {ProblemDetailsJSONv2}}\n";

static const char *const dynatrace_tells[] = { "/PID /ProblemID", "/State /ProblemStatus",
					       "/ProblemTitle", NULL };

static const struct mapping_value dynatrace_states[] = {
	{ "open", "firing" },	  { "resolved", "resolved" },
	{ "closed", "resolved" }, { "merged", "resolved" },
	{ NULL, NULL },
};
static const struct mapping_value dynatrace_severities[] = {
	{ "AVAILABILITY", "critical" },
	{ "ERROR", "error" },
	{ "PERFORMANCE", "warning" },
	{ "SLOWDOWN", "warning" },
	{ "RESOURCE_CONTENTION", "warning" },
	{ "RESOURCE", "warning" },
	{ "CUSTOM_ALERT", "warning" },
	{ "MONITORING_UNAVAILABLE", "warning" },
	{ "INFO", "info" },
	{ NULL, NULL },
};

static const struct mapping_rule dynatrace_rules[] = {
	{ .to = MAP_ID, .from = { "/PID", "/ProblemDetailsJSONv2/problemId", "/ProblemID" } },
	{ .to = MAP_STATUS, .from = { "/State", "/ProblemStatus" }, .values = dynatrace_states },
	{ .to = MAP_SEVERITY,
	  .from = { "/ProblemSeverity", "/ProblemDetailsJSONv2/severityLevel" },
	  .values = dynatrace_severities },
	{ .to = MAP_STARTS_AT,
	  .from = { "/ProblemDetailsJSONv2/startTime", "/ProblemDetailsJSON/startTime" },
	  .time = MAP_TIME_MS },
	/* -1 while the problem is open */
	{ .to = MAP_ENDS_AT,
	  .from = { "/ProblemDetailsJSONv2/endTime", "/ProblemDetailsJSON/endTime" },
	  .time = MAP_TIME_MS },
	{ .to = MAP_NAME, .from = { "/ProblemTitle" } },
	{ .to = MAP_SUMMARY, .from = { "/ProblemTitle" } },
	{ .to = MAP_DESCRIPTION,
	  .from = { "/ProblemDetailsText", "/ProblemDetails", "/ProblemDetailsMarkdown",
		    "/ImpactedEntity", "/NamesOfImpactedEntities" } },
	{ .to = MAP_LINK, .from = { "/ProblemURL" } },
	{ .to = MAP_LABEL,
	  .name = "service_name",
	  .from = { "/ImpactedEntities/[type=SERVICE]/name" } },
	{ .to = MAP_LABEL, .name = "problem", .from = { "/ProblemID" } },
	{ .to = MAP_LABEL, .name = "impact", .from = { "/ProblemImpact" } },
	{ .to = MAP_LABEL, .name = "entity", .from = { "/ImpactedEntities/0/name" } },
	{ .to = MAP_ANNOTATION,
	  .name = "root_cause",
	  .from = { "/ProblemDetailsJSONv2/rootCauseEntity/name" } },
	{ .to = MAP_LABELS, .from = { "/Tags" } },
};

static const struct alert_mapping dynatrace = {
	.name = "dynatrace",
	.what = "a problem notification of Dynatrace",
	.family = "dynatrace",
	.tells = dynatrace_tells,
	.rules = dynatrace_rules,
	.nrules = ARRAY_LEN(dynatrace_rules),
};

static const char *dynatrace_complete(struct mapped_alert *alert)
{
	const char *type =
		mapped_find(alert, "/ProblemDetailsJSONv2/rootCauseEntity/entityId/type");

	if (type && strcmp(type, "SERVICE") == 0 && !mapped_label(alert, "service"))
		mapped_add_label(alert, "service_name", mapped_annotation(alert, "root_cause"));
	mapped_finish(alert);
	return NULL;
}

static const struct mapping_hooks dynatrace_hooks = { .complete = dynatrace_complete };

MAPPED_FORMAT_WITH(DYNATRACE, "dynatrace", "Dynatrace's problem notification", dynatrace,
		   &dynatrace_hooks, dynatrace_setup);
