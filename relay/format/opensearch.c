/*
 * OpenSearch's alerting, by the template below. A monitor of buckets or documents lists its alerts,
 * each with a state; one of a query has none, and says nothing when it is well again. Source:
 * docs.opensearch.org, "Alerting: actions". Pure.
 */
#include "mapping_parts-internal.h"

#include <string.h>

#include "tracepager/xalloc.h"

static const char opensearch_setup[] =
	"{\"monitor\": {\"id\": \"{{ctx.monitor._id}}\", \"name\": \"{{ctx.monitor.name}}\"},\n"
	" \"trigger\": {\"id\": \"{{ctx.trigger.id}}\", \"name\": \"{{ctx.trigger.name}}\",\n"
	"  \"severity\": \"{{ctx.trigger.severity}}\"},\n"
	" \"period_start\": \"{{ctx.periodStart}}\", \"period_end\": \"{{ctx.periodEnd}}\",\n"
	" \"service\": \"\",\n"
	" \"alerts\": [\n"
	"  {{#ctx.newAlerts}}{\"state\": \"new\", \"bucket\": "
	"\"{{bucket_keys}}\"},{{/ctx.newAlerts}}\n"
	"  {{#ctx.dedupedAlerts}}{\"state\": \"active\", \"bucket\": \"{{bucket_keys}}\"},"
	"{{/ctx.dedupedAlerts}}\n"
	"  {{#ctx.completedAlerts}}{\"state\": \"completed\", \"bucket\": \"{{bucket_keys}}\"},"
	"{{/ctx.completedAlerts}}\n"
	"  null]}\n";

static const char *const opensearch_tells[] = { "/monitor/name", "/trigger/name /trigger/severity",
						NULL };

static const struct mapping_value opensearch_states[] = {
	{ "new", "firing" },	    { "active", "firing" },
	{ "firing", "firing" },	    { "completed", "resolved" },
	{ "resolved", "resolved" }, { "acknowledged", "ignore" },
	{ "deleted", "resolved" },  { NULL, NULL },
};
static const struct mapping_value opensearch_severities[] = {
	{ "1", "critical" }, { "2", "error" }, { "3", "warning" },
	{ "4", "info" },     { "5", "info" },  { NULL, NULL },
};

/* Of an alert in the list, and of a body that has none. */
static const struct mapping_rule opensearch_rules[] = {
	{ .to = MAP_STATUS, .from = { "/state" }, .values = opensearch_states, .text = "firing" },
	{ .to = MAP_SEVERITY, .from = { "^/trigger/severity" }, .values = opensearch_severities },
	{ .to = MAP_STARTS_AT, .from = { "^/period_end" } },
	{ .to = MAP_NAME, .from = { "^/trigger/name", "^/monitor/name" } },
	{ .to = MAP_SUMMARY, .from = { "/message", "^/message", "^/title" } },
	{ .to = MAP_LINK, .from = { "^/link", "^/url" } },
	{ .to = MAP_LABEL, .name = "service_name", .from = { "/service", "^/service" } },
	{ .to = MAP_LABEL, .name = "operation", .from = { "/operation", "^/operation" } },
	{ .to = MAP_LABEL,
	  .name = "deployment_environment",
	  .from = { "/environment", "^/environment" } },
	{ .to = MAP_LABEL, .name = "monitor", .from = { "^/monitor/name" } },
	{ .to = MAP_LABEL, .name = "bucket", .from = { "/bucket", "/bucket_keys" } },
	{ .to = MAP_ANNOTATION, .name = "trace_id", .from = { "/trace_id", "^/trace_id" } },
	{ .to = MAP_GROUP, .from = { "^/monitor/id", "^/monitor/name" } },
	{ .to = MAP_LABELS, .from = { "^/labels" } },
};

/* A monitor of buckets or documents. */
static const struct alert_mapping opensearch_list = {
	.name = "opensearch",
	.what = "a webhook of OpenSearch",
	.family = "opensearch",
	.items = "/alerts",
	.tells = opensearch_tells,
	.ignores = "an acknowledged alert of OpenSearch pages nobody",
	.rules = opensearch_rules,
	.nrules = ARRAY_LEN(opensearch_rules),
};

/* A monitor of a query. */
static const struct alert_mapping opensearch_one = {
	.name = "opensearch",
	.what = "a webhook of OpenSearch",
	.family = "opensearch",
	.tells = opensearch_tells,
	.ignores = "an acknowledged alert of OpenSearch pages nobody",
	.rules = opensearch_rules,
	.nrules = ARRAY_LEN(opensearch_rules),
};

static const char *opensearch_complete(struct mapped_alert *alert)
{
	const char *monitor = mapped_find(alert, "^/monitor/id");
	const char *trigger = mapped_find(alert, "^/trigger/id");
	const char *bucket = mapped_label(alert, "bucket");

	if (!monitor)
		monitor = mapped_find(alert, "^/monitor/name");
	if (!trigger)
		trigger = mapped_find(alert, "^/trigger/name");
	alert->id = trigger ? mapped_join(alert, monitor, trigger) : monitor;
	if (bucket)
		alert->id = mapped_join(alert, alert->id, bucket);
	mapped_event_time(alert);
	mapped_finish(alert);
	return NULL;
}

static const struct mapping_hooks opensearch_hooks = { .complete = opensearch_complete };

static bool opensearch_match(const char *text, size_t len)
{
	return mapping_matches(&opensearch_one, text, len);
}

/* Has the body a list of alerts with one in it? */
static bool has_alerts(const char *text, size_t len)
{
	struct json_places places;
	bool found = json_places_init(&places, text, len, NULL) == 0 &&
		     json_place_find(&places, places.root, "/alerts/0");

	json_places_fini(&places);
	return found;
}

static int opensearch_parse(struct arena *arena, const struct alert_body *body,
			    struct alert_batch *ret_batch, struct err *err)
{
	return mapping_parse(has_alerts(body->text, body->len) ? &opensearch_list : &opensearch_one,
			     &opensearch_hooks, arena, body, ret_batch, err);
}

const struct alert_format alert_format_OPENSEARCH = {
	.name = "opensearch",
	.text = "OpenSearch's alerting, by a template",
	.family = "opensearch",
	.setup = opensearch_setup,
	.match = opensearch_match,
	.parse = opensearch_parse,
};
