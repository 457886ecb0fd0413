/*
 * PagerDuty Events API v2: one event. A trigger fires, a resolve ends the alert of its dedup_key,
 * an acknowledgement pages nobody. What the API requires of an event is required here too. Pure.
 *
 * A component, a class, a group and a source name machines as often as services: each is a label of
 * that name. Which of them may be the traced service is not said here, but where the known services
 * are at hand. Source: PagerDuty's api-schema, reference/events-v2.
 */
#include "event_parts-internal.h"

#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static const char *const pagerduty_v2_tells[] = { "/event_action", NULL };

static const struct mapping_value pagerduty_v2_actions[] = {
	{ "trigger", "firing" },
	{ "resolve", "resolved" },
	{ "acknowledge", "ignore" },
	{ NULL, NULL },
};

static const struct mapping_rule pagerduty_v2_rules[] = {
	{ .to = MAP_STATUS, .from = { "/event_action" }, .values = pagerduty_v2_actions },
	{ .to = MAP_NAME,
	  .from = { "/payload/custom_details/alertname", "/payload/custom_details/alert_name" } },
	{ .to = MAP_STARTS_AT, .from = { "/payload/timestamp" } },
	{ .to = MAP_LABEL, .name = "source", .from = { "/payload/source" } },
	{ .to = MAP_LABEL, .name = "component", .from = { "/payload/component" } },
	{ .to = MAP_LABEL, .name = "group", .from = { "/payload/group" } },
	{ .to = MAP_LABEL, .name = "class", .from = { "/payload/class" } },
	{ .to = MAP_ANNOTATION, .name = "client", .from = { "/client" } },
	{ .to = MAP_ANNOTATION, .name = "client_url", .from = { "/client_url" } },
	{ .to = MAP_ANNOTATION, .name = "dedup_key", .from = { "/dedup_key" } },
	{ .to = MAP_LABELS,
	  .from = { "/payload/custom_details/labels", "/payload/custom_details/tags" } },
};

static const struct alert_mapping pagerduty_v2 = {
	.name = "pagerduty-v2",
	.what = "an event of PagerDuty's Events API v2",
	.family = "pagerduty",
	.tells = pagerduty_v2_tells,
	.rules = pagerduty_v2_rules,
	.nrules = ARRAY_LEN(pagerduty_v2_rules),
};

/* NULL, or all that is wrong with a trigger, in the words of the API's own answers. */
static const char *check_trigger(struct mapped_alert *alert)
{
	static const char *const severities[] = { "critical", "error", "warning", "info" };
	const char *severity = mapped_find(alert, "/payload/severity"), *faults = NULL;

	if (!mapped_find(alert, "/payload/summary"))
		faults = event_add_fault(alert, faults, "'payload.summary' is missing or blank");
	if (!mapped_find(alert, "/payload/source"))
		faults = event_add_fault(alert, faults, "'payload.source' is missing or blank");
	if (!severity)
		return event_add_fault(alert, faults, "'payload.severity' is missing or blank");
	for (size_t i = 0; i < ARRAY_LEN(severities); i++)
		if (strcmp(severities[i], severity) == 0)
			return faults;
	return event_add_fault(alert, faults,
			       "'payload.severity' is none of critical, error, warning and info");
}

static const char *pagerduty_v2_complete(struct mapped_alert *alert)
{
	static const char *const without[] = { "routing_key", NULL };
	const char *action = mapped_find(alert, "/event_action");
	const char *key = mapped_find(alert, "/dedup_key"), *faults;
	bool trigger = action && strcmp(action, "trigger") == 0;

	if (!action ||
	    (!trigger && strcmp(action, "resolve") != 0 && strcmp(action, "acknowledge") != 0))
		return "'event_action' is none of trigger, acknowledge and resolve";
	if (!key && !trigger)
		return "'dedup_key' is missing: an acknowledge and a resolve need it";
	if (trigger && (faults = check_trigger(alert)))
		return faults;
	event_set_key(alert, key ? key : event_make_key(alert, without));
	if (strcmp(action, "acknowledge") == 0)
		alert->ignored = "an acknowledgement pages nobody";
	event_take_links(alert, json_object_get(alert->item, "links"));
	event_take_links(alert, json_object_get(alert->item, "images"));
	event_take_details(alert,
			   json_place_find(alert->places, alert->item, "/payload/custom_details"));
	mapped_add_label(alert, "severity", mapped_find(alert, "/payload/severity"));
	const char *summary = mapped_find(alert, "/payload/summary");
	mapped_add_annotation(alert, "summary", summary);
	event_set_name(alert, summary ? summary : alert->event_key);
	return NULL;
}

static const struct mapping_hooks pagerduty_v2_hooks = { .complete = pagerduty_v2_complete };

/* A sender by name need not send the routing key, but who sends to PagerDuty always does. */
static bool pagerduty_v2_match(const char *text, size_t len)
{
	static const char *const tells[] = { "/event_action", "/routing_key", NULL };
	static const struct alert_mapping looks = { .tells = tells };

	return mapping_matches(&looks, text, len);
}

static int pagerduty_v2_parse(struct arena *arena, const struct alert_body *body,
			      struct alert_batch *ret_batch, struct err *err)
{
	return mapping_parse(&pagerduty_v2, &pagerduty_v2_hooks, arena, body, ret_batch, err);
}

const struct alert_format alert_format_PAGERDUTY_V2 = {
	.name = "pagerduty-v2",
	.text = "PagerDuty Events API v2",
	.family = "pagerduty",
	.match = pagerduty_v2_match,
	.parse = pagerduty_v2_parse,
};
