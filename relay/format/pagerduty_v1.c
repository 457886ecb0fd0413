/*
 * PagerDuty Events API v1 ("generic events"): one event, which has no severity. Its incident_key is
 * what v2 calls dedup_key: both name one alert. Pure. Source: PagerDuty's api-schema,
 * reference/events-v1.
 */
#include "event_parts-internal.h"

#include <string.h>

#include "tracepager/xalloc.h"

static const char *const pagerduty_v1_tells[] = { "/event_type", NULL };

static const struct mapping_value pagerduty_v1_types[] = {
	{ "trigger", "firing" },
	{ "resolve", "resolved" },
	{ "acknowledge", "ignore" },
	{ NULL, NULL },
};

static const struct mapping_rule pagerduty_v1_rules[] = {
	{ .to = MAP_STATUS, .from = { "/event_type" }, .values = pagerduty_v1_types },
	{ .to = MAP_NAME, .from = { "/details/alertname", "/details/alert_name" } },
	{ .to = MAP_ANNOTATION, .name = "client", .from = { "/client" } },
	{ .to = MAP_ANNOTATION, .name = "client_url", .from = { "/client_url" } },
	{ .to = MAP_ANNOTATION, .name = "dedup_key", .from = { "/incident_key" } },
	{ .to = MAP_LABELS, .from = { "/details/labels", "/details/tags" } },
};

static const struct alert_mapping pagerduty_v1 = {
	.name = "pagerduty-v1",
	.what = "an event of PagerDuty's Events API v1",
	.family = "pagerduty",
	.tells = pagerduty_v1_tells,
	.rules = pagerduty_v1_rules,
	.nrules = ARRAY_LEN(pagerduty_v1_rules),
};

static const char *pagerduty_v1_complete(struct mapped_alert *alert)
{
	static const char *const without[] = { "service_key", NULL };
	const char *type = mapped_find(alert, "/event_type");
	const char *key = mapped_find(alert, "/incident_key");
	const char *description = mapped_find(alert, "/description");
	bool trigger = type && strcmp(type, "trigger") == 0;

	if (!type || (!trigger && strcmp(type, "resolve") != 0 && strcmp(type, "acknowledge") != 0))
		return "'event_type' is none of trigger, acknowledge and resolve";
	if (!key && !trigger)
		return "'incident_key' is missing: an acknowledge and a resolve need it";
	if (trigger && !description)
		return "'description' is missing or blank";
	event_set_key(alert, key ? key : event_make_key(alert, without));
	if (strcmp(type, "acknowledge") == 0)
		alert->ignored = "an acknowledgement pages nobody";
	event_take_links(alert, json_object_get(alert->item, "contexts"));
	event_take_details(alert, json_object_get(alert->item, "details"));
	mapped_add_annotation(alert, "summary", description);
	event_set_name(alert, description ? description : alert->event_key);
	return NULL;
}

static const struct mapping_hooks pagerduty_v1_hooks = { .complete = pagerduty_v1_complete };

static bool pagerduty_v1_match(const char *text, size_t len)
{
	static const char *const tells[] = { "/event_type", "/service_key", NULL };
	static const struct alert_mapping looks = { .tells = tells };

	return mapping_matches(&looks, text, len);
}

static int pagerduty_v1_parse(struct arena *arena, const struct alert_body *body,
			      struct alert_batch *ret_batch, struct err *err)
{
	return mapping_parse(&pagerduty_v1, &pagerduty_v1_hooks, arena, body, ret_batch, err);
}

const struct alert_format alert_format_PAGERDUTY_V1 = {
	.name = "pagerduty-v1",
	.text = "PagerDuty Events API v1",
	.family = "pagerduty",
	.match = pagerduty_v1_match,
	.parse = pagerduty_v1_parse,
};
