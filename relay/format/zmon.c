/*
 * Zalando's ZMON: its HTTP notification with include_alert. An alert is a definition and an entity;
 * an entity's application is what others call a service, the entity itself may be a host. Source:
 * zalando-zmon/zmon-worker, notifications/http.py. Pure.
 */
#include "mapping_parts-internal.h"

#include "tracepager/xalloc.h"

static const char *const zmon_tells[] = { "/alert/alert_def/id", "/alert/is_alert", NULL };

static const struct mapping_value zmon_states[] = {
	{ "true", "firing" },
	{ "false", "resolved" },
	{ NULL, NULL },
};
static const struct mapping_value zmon_priorities[] = {
	{ "1", "critical" },
	{ "*", "error" },
	{ NULL, NULL },
};

static const struct mapping_rule zmon_rules[] = {
	{ .to = MAP_STATUS, .from = { "/alert/is_alert" }, .values = zmon_states },
	{ .to = MAP_SEVERITY,
	  .from = { "/alert/alert_def/priority" },
	  .values = zmon_priorities,
	  .text = "error" },
	{ .to = MAP_STARTS_AT, .from = { "/alert/alert_evaluation_ts" }, .time = MAP_TIME_S },
	{ .to = MAP_NAME, .from = { "/alert/alert_def/name", "/alert/alert_def/id" } },
	{ .to = MAP_SUMMARY, .from = { "/body/message", "/body", "/alert/alert_def/name" } },
	{ .to = MAP_DESCRIPTION, .from = { "/alert/alert_def/description" } },
	{ .to = MAP_LINK, .from = { "/body/url", "/body/link" } },
	{ .to = MAP_LABEL, .name = "entity", .from = { "/alert/entity/id" } },
	{ .to = MAP_LABEL, .name = "entity_type", .from = { "/alert/entity/type" } },
	{ .to = MAP_LABEL,
	  .name = "service_name",
	  .from = { "/body/service", "/alert/entity/application_id",
		    "/alert/entity/application" } },
	{ .to = MAP_LABEL,
	  .name = "team",
	  .from = { "/alert/alert_def/responsible_team", "/alert/alert_def/team" } },
	{ .to = MAP_LABEL, .name = "environment", .from = { "/alert/entity/environment" } },
	{ .to = MAP_ANNOTATION,
	  .name = "trace_id",
	  .from = { "/body/trace_id", "/alert/captures/trace_id" } },
	{ .to = MAP_ANNOTATIONS, .name = "capture_", .from = { "/alert/captures" } },
};

static const struct alert_mapping zmon = {
	.name = "zmon",
	.what = "a notification of ZMON",
	.family = "zmon",
	.tells = zmon_tells,
	.rules = zmon_rules,
	.nrules = ARRAY_LEN(zmon_rules),
};

static const char *zmon_complete(struct mapped_alert *alert)
{
	const char *entity = mapped_find(alert, "/alert/entity/id");

	alert->id = mapped_join(alert, "ZMON", mapped_find(alert, "/alert/alert_def/id"));
	if (entity && alert->id)
		alert->id = mapped_join(alert, alert->id, entity);
	mapped_event_time(alert);
	mapped_finish(alert);
	return NULL;
}

static const struct mapping_hooks zmon_hooks = { .complete = zmon_complete };

MAPPED_FORMAT_WITH(ZMON, "zmon", "ZMON's HTTP notification", zmon, &zmon_hooks, NULL);
