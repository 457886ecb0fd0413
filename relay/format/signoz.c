/*
 * SigNoz's webhook: it embeds Alertmanager, so that the body is that of Alertmanager's webhook.
 * What differs: each alert has the rule's id among its labels, "service.name" with its dot,
 * severities of its own, and links to the logs and traces of its time. Source: SigNoz/signoz,
 * alertmanagernotify and ruler. Pure.
 */
#include "mapping_parts-internal.h"

#include "tracepager/xalloc.h"

static const char *const signoz_tells[] = { "/alerts", NULL };

static const struct mapping_rule signoz_rules[] = {
	{ .to = MAP_ID, .from = { "/fingerprint" } },
	{ .to = MAP_STATUS, .from = { "/status" } },
	{ .to = MAP_SEVERITY, .from = { "/labels/severity" }, .values = mapped_severities },
	{ .to = MAP_STARTS_AT, .from = { "/startsAt" } },
	{ .to = MAP_ENDS_AT, .from = { "/endsAt" } },
	{ .to = MAP_LINK, .from = { "/generatorURL", "/labels/ruleSource" } },
	{ .to = MAP_GROUP, .from = { "^/groupKey" } },
	{ .to = MAP_NAME, .from = { "/labels/alertname" }, .text = "SigNoz" },
	{ .to = MAP_SUMMARY, .from = { "/annotations/summary" } },
	{ .to = MAP_LABELS, .from = { "/labels" } },
	{ .to = MAP_ANNOTATIONS, .from = { "/annotations" } },
};

static const struct alert_mapping signoz = {
	.name = "signoz",
	.what = "a webhook of SigNoz",
	.family = "signoz",
	.items = "/alerts",
	.tells = signoz_tells,
	.rules = signoz_rules,
	.nrules = ARRAY_LEN(signoz_rules),
	.id_of_labels = true,
};

static int signoz_begin(struct arena *arena, const struct alert_body *body,
			struct json_places *places, struct alert_batch *batch, struct err *err)
{
	json_int_t n = json_integer_value(json_object_get(places->root, "truncatedAlerts"));

	(void)arena;
	(void)body;
	(void)err;
	batch->truncated = n > 0 ? (uint64_t)n : 0;
	return 0;
}

static const struct mapping_hooks signoz_hooks = { .begin = signoz_begin };

/* Only rules have the label; a declared sender's other alerts, such as a test, are read as well. */
static bool signoz_match(const char *text, size_t len)
{
	static const char *const tells[] = { "/alerts/0/labels/ruleId /alerts/0/labels/ruleSource",
					     "/version", NULL };
	static const struct alert_mapping looks = { .tells = tells };

	return mapping_matches(&looks, text, len);
}

static int signoz_parse(struct arena *arena, const struct alert_body *body,
			struct alert_batch *ret_batch, struct err *err)
{
	return mapping_parse(&signoz, &signoz_hooks, arena, body, ret_batch, err);
}

const struct alert_format alert_format_SIGNOZ = {
	.name = "signoz",
	.text = "SigNoz's webhook",
	.family = "signoz",
	.match = signoz_match,
	.parse = signoz_parse,
};
