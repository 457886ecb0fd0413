/*
 * Grafana's alerting of dashboards, before version 9: one rule, without a time, with the series
 * that it matched. A rule's id is a small number, which counts beside the server's name. Source:
 * grafana.com/docs/grafana/v8.5, "Notification channels: webhook". Pure.
 */
#include "mapping_parts-internal.h"

#include "tracepager/xalloc.h"

static const char *const grafana_legacy_tells[] = { "/ruleId", "/ruleName", "/state", NULL };

static const struct mapping_value grafana_legacy_states[] = {
	{ "alerting", "firing" }, { "no_data", "firing" }, { "ok", "resolved" },
	{ "paused", "ignore" },	  { "pending", "ignore" }, { "unknown", "ignore" },
	{ NULL, NULL },
};
/* The word that Grafana's newer alerts have for it. */
static const struct mapping_value grafana_legacy_reasons[] = {
	{ "no_data", "NoData" },
	{ "*", "" },
	{ NULL, NULL },
};

static const struct mapping_rule grafana_legacy_rules[] = {
	{ .to = MAP_STATUS, .from = { "/state" }, .values = grafana_legacy_states },
	{ .to = MAP_SEVERITY,
	  .from = { "/tags/severity", "/tags/priority", "/tags/og_priority" },
	  .values = mapped_severities },
	{ .to = MAP_NAME, .from = { "/ruleName", "/title" } },
	{ .to = MAP_SUMMARY, .from = { "/title" } },
	{ .to = MAP_DESCRIPTION, .from = { "/message" } },
	{ .to = MAP_LINK, .from = { "/ruleUrl" } },
	{ .to = MAP_ANNOTATION, .name = "image_url", .from = { "/imageUrl" } },
	{ .to = MAP_ANNOTATION, .name = "value", .from = { "/evalMatches/0/value" } },
	{ .to = MAP_ANNOTATION,
	  .name = "grafana_state_reason",
	  .from = { "/state" },
	  .values = grafana_legacy_reasons },
	{ .to = MAP_LABELS, .from = { "/tags" } },
};

static const struct alert_mapping grafana_legacy = {
	.name = "grafana-legacy",
	.what = "a webhook of Grafana before version 9",
	.family = "grafana-legacy",
	.tells = grafana_legacy_tells,
	.ignores = "a rule of Grafana that is paused, pending or unknown pages nobody",
	.rules = grafana_legacy_rules,
	.nrules = ARRAY_LEN(grafana_legacy_rules),
};

static const char *grafana_legacy_complete(struct mapped_alert *alert)
{
	const char *rule = mapped_find(alert, "/ruleId");
	const char *host = mapped_host(alert, alert->link);

	alert->id = host ? mapped_join(alert, host, rule) : rule;
	mapped_add_common(alert, "/evalMatches", "tags");
	mapped_finish(alert);
	return NULL;
}

static const struct mapping_hooks grafana_legacy_hooks = { .complete = grafana_legacy_complete };

MAPPED_FORMAT_WITH(GRAFANA_LEGACY, "grafana-legacy",
		   "Grafana's alerts of dashboards, before version 9", grafana_legacy,
		   &grafana_legacy_hooks, NULL);
