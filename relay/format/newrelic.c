/*
 * New Relic's workflow webhook: an issue, by New Relic's default template or the one below, which
 * adds what is known of the entities. The service is the entity's name where the issue has one
 * entity, and its type says that it runs code; a host is no service. Source: docs.newrelic.com,
 * "Workflow variables". Pure.
 */
#include "mapping_parts-internal.h"

#include <string.h>
#include <strings.h>

#include "tracepager/xalloc.h"

static const char newrelic_setup[] =
	"{\"id\": {{ json issueId }}, \"issueUrl\": {{ json issuePageUrl }},\n"
	" \"title\": {{ json annotations.title.[0] }},\n"
	" \"description\": {{ json annotations.description.[0] }},\n"
	" \"priority\": {{ json priority }}, \"state\": {{ json state }},\n"
	" \"trigger\": {{ json triggerEvent }}, \"totalIncidents\": {{ json totalIncidents }},\n"
	" \"impactedEntities\": {{ json entitiesData.names }},\n"
	" \"entityTypes\": {{ json entitiesData.types }},\n"
	" \"createdAt\": {{ createdAt }}, \"updatedAt\": {{ updatedAt }},\n"
	" \"sources\": {{ json accumulations.source }},\n"
	" \"alertPolicyNames\": {{ json accumulations.policyName }},\n"
	" \"alertConditionNames\": {{ json accumulations.conditionName }},\n"
	" \"runbookUrl\": {{ json accumulations.runbookUrl.[0] }},\n"
	" \"nrqlQuery\": {{ json accumulations.nrqlQuery.[0] }},\n"
	" \"workflowName\": {{ json workflowName }}}\n";

static const char *const newrelic_tells[] = { "/issueUrl /incident_url", "/state /current_state",
					      "/priority /title /condition_name", NULL };

static const struct mapping_value newrelic_states[] = {
	{ "created", "firing" },       { "activated", "firing" },
	{ "closed", "resolved" },      { "open", "firing" },
	{ "deactivated", "resolved" }, { "resolved", "resolved" },
	{ "acknowledged", "ignore" },  { NULL, NULL },
};

static const struct mapping_rule newrelic_rules[] = {
	{ .to = MAP_ID, .from = { "/id", "/issueId", "/incident_id" } },
	{ .to = MAP_STATUS, .from = { "/state", "/current_state" }, .values = newrelic_states },
	{ .to = MAP_SEVERITY, .from = { "/priority", "/severity" }, .values = mapped_severities },
	{ .to = MAP_STARTS_AT, .from = { "/createdAt", "/timestamp" }, .time = MAP_TIME_MS },
	{ .to = MAP_ENDS_AT, .from = { "/closedAt" }, .time = MAP_TIME_MS },
	{ .to = MAP_NAME, .from = { "/alertConditionNames/0", "/condition_name", "/title" } },
	{ .to = MAP_SUMMARY, .from = { "/title", "/alertConditionNames", "/condition_name" } },
	{ .to = MAP_DESCRIPTION, .from = { "/description", "/details", "/alertConditionNames" } },
	{ .to = MAP_LINK, .from = { "/issueUrl", "/incident_url" } },
	{ .to = MAP_LABEL, .name = "policy", .from = { "/alertPolicyNames/0", "/policy_name" } },
	{ .to = MAP_LABEL, .name = "entity", .from = { "/impactedEntities", "/targets/0/name" } },
	{ .to = MAP_LABEL, .name = "service_name", .from = { "/service", "/service_name" } },
	{ .to = MAP_ANNOTATION, .name = "trace_id", .from = { "/trace_id", "/traceId" } },
	{ .to = MAP_ANNOTATION, .name = "runbook_url", .from = { "/runbookUrl", "/runbook_url" } },
	{ .to = MAP_ANNOTATION, .name = "nrql", .from = { "/nrqlQuery" } },
	{ .to = MAP_ANNOTATION, .name = "workflow", .from = { "/workflowName" } },
	{ .to = MAP_LABELS, .from = { "/labels" } },
	{ .to = MAP_LABELS, .from = { "/tags" } },
};

static const struct alert_mapping newrelic = {
	.name = "newrelic",
	.what = "a workflow webhook of New Relic",
	.family = "newrelic",
	.tells = newrelic_tells,
	.ignores = "an acknowledgement in New Relic pages nobody",
	.rules = newrelic_rules,
	.nrules = ARRAY_LEN(newrelic_rules),
};

static const char *newrelic_complete(struct mapped_alert *alert)
{
	json_t *names = json_place_find(alert->places, alert->item, "/impactedEntities");
	const char *type = mapped_find(alert, "/entityTypes/0");

	if (json_array_size(names) == 1 && type &&
	    (strcasecmp(type, "SERVICE") == 0 || strcasecmp(type, "APPLICATION") == 0))
		mapped_add_label(alert, "service_name",
				 mapped_text(alert->arena, json_array_get(names, 0)));
	mapped_finish(alert);
	return NULL;
}

static const struct mapping_hooks newrelic_hooks = { .complete = newrelic_complete };

MAPPED_FORMAT_WITH(NEWRELIC, "newrelic", "New Relic's workflow webhook", newrelic, &newrelic_hooks,
		   newrelic_setup);
