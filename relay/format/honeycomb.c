/*
 * Honeycomb's triggers and burn alerts of SLOs, by the default body or the template below. An alert
 * is a trigger; the columns by which it groups are labels where all groups that triggered agree. A
 * dataset is a service, unless the trigger looks at all of them. The body's shared_secret is left
 * out. Source: docs.honeycomb.io, "Webhooks: variables". Pure.
 */
#include "mapping_parts-internal.h"

#include <string.h>

#include "tracepager/xalloc.h"

static const char honeycomb_setup[] =
	"{\"id\": \"{{ .ID }}\", \"name\": \"{{ .Name }}\", \"status\": \"{{ .Alert.Status }}\",\n"
	" \"severity\": \"error\", \"summary\": \"{{ .Alert.Summary }}\",\n"
	" \"description\": \"{{ .Alert.Description }}\", \"timestamp\": \"{{ .Alert.Timestamp "
	"}}\",\n"
	" \"instance_id\": \"{{ .Alert.InstanceID }}\", \"environment\": \"{{ .Environment }}\",\n"
	" \"datasets\": {{ toJson .Datasets }}, \"trigger_url\": \"{{ .URL }}\",\n"
	" \"result_url\": \"{{ .Result.URL }}\",\n"
	" \"result_groups_triggered\": {{ toJson .Result.GroupsTriggered }}}\n";

#define HONEYCOMB_GROUP "/result_groups_triggered/*/Group/"

static const char *const honeycomb_tells[] = { "/trigger_url /result_url /slo_url", "/status",
					       "/id /name", NULL };

static const struct mapping_value honeycomb_states[] = {
	{ "triggered", "firing" },  { "firing", "firing" }, { "ok", "resolved" },
	{ "resolved", "resolved" }, { NULL, NULL },
};
static const struct mapping_rule honeycomb_rules[] = {
	{ .to = MAP_ID, .from = { "/id", "/instance_id" } },
	{ .to = MAP_STATUS, .from = { "/status" }, .values = honeycomb_states },
	{ .to = MAP_SEVERITY, .from = { "/severity" }, .values = mapped_severities },
	{ .to = MAP_STARTS_AT, .from = { "/timestamp" } },
	{ .to = MAP_NAME, .from = { "/name" } },
	{ .to = MAP_SUMMARY, .from = { "/summary", "/name" } },
	{ .to = MAP_DESCRIPTION, .from = { "/description", "/trigger_description" } },
	{ .to = MAP_LINK, .from = { "/result_url", "/trigger_url", "/slo_url" } },
	{ .to = MAP_LABEL, .name = "environment", .from = { "/environment" } },
	{ .to = MAP_ANNOTATION, .name = "trigger_url", .from = { "/trigger_url" } },
	{ .to = MAP_ANNOTATION, .name = "threshold", .from = { "/threshold" } },
	{ .to = MAP_ANNOTATION, .name = "value", .from = { "/result_groups_triggered/0/Result" } },
	{ .to = MAP_ANNOTATION,
	  .name = "trace_id",
	  .from = { HONEYCOMB_GROUP "trace.trace_id", HONEYCOMB_GROUP "trace.id",
		    HONEYCOMB_GROUP "trace_id", "/trace_id" } },
	{ .to = MAP_LABELS, .from = { "/labels" } },
};

static const struct alert_mapping honeycomb = {
	.name = "honeycomb",
	.what = "a webhook of Honeycomb",
	.family = "honeycomb",
	.tells = honeycomb_tells,
	.rules = honeycomb_rules,
	.nrules = ARRAY_LEN(honeycomb_rules),
};

/* The only dataset; NULL: there are several, or it stands for the whole environment. */
static const char *only_dataset(struct mapped_alert *alert)
{
	json_t *list = json_place_find(alert->places, alert->item, "/datasets");
	const char *name = mapped_text(alert->arena, json_array_get(list, 0));

	return json_array_size(list) == 1 && name && strcmp(name, "__all__") != 0 ? name : NULL;
}

static const char *honeycomb_complete(struct mapped_alert *alert)
{
	mapped_add_common(alert, "/result_groups_triggered", "Group");
	/* Honeycomb's column for the name of a span. */
	mapped_add_label(alert, "span_name", mapped_label(alert, "name"));
	if (!mapped_label(alert, "service_name") && !mapped_label(alert, "service"))
		mapped_add_label(alert, "service_name", only_dataset(alert));
	mapped_event_time(alert);
	mapped_finish(alert);
	return NULL;
}

static const struct mapping_hooks honeycomb_hooks = { .complete = honeycomb_complete };

MAPPED_FORMAT_WITH(HONEYCOMB, "honeycomb", "Honeycomb's triggers and SLO burn alerts", honeycomb,
		   &honeycomb_hooks, honeycomb_setup);
