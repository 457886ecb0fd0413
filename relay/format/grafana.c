/*
 * Grafana's unified alerting webhook (version 1): one group of alerts, as Alertmanager's, with
 * links to the dashboard and the panel and the values of the rule's queries. Source:
 * grafana/alerting, receivers/webhook and templates. Pure.
 *
 * A rule's name is its label alertname, its identity the fingerprint of its labels. Where its query
 * is TraceQL or PromQL, people put it into an annotation; the expression is read from there.
 */
#include "mapping-internal.h"

#include "tracepager/xalloc.h"

static const char *const grafana_tells[] = { "/alerts", "/orgId", NULL };

static const struct mapping_rule grafana_rules[] = {
	{ .to = MAP_ID, .from = { "/fingerprint" } },
	{ .to = MAP_STATUS, .from = { "/status" } },
	{ .to = MAP_STARTS_AT, .from = { "/startsAt" } },
	{ .to = MAP_ENDS_AT, .from = { "/endsAt" } },
	{ .to = MAP_LINK, .from = { "/generatorURL", "/panelURL", "/dashboardURL" } },
	{ .to = MAP_GROUP, .from = { "^/groupKey" } },
	{ .to = MAP_NAME, .from = { "/labels/alertname", "/labels/rulename" } },
	{ .to = MAP_ANNOTATION, .name = "dashboard_url", .from = { "/dashboardURL" } },
	{ .to = MAP_ANNOTATION, .name = "panel_url", .from = { "/panelURL" } },
	{ .to = MAP_ANNOTATION, .name = "silence_url", .from = { "/silenceURL" } },
	{ .to = MAP_ANNOTATION, .name = "image_url", .from = { "/imageURL" } },
	{ .to = MAP_ANNOTATION, .name = "value", .from = { "/valueString" } },
	{ .to = MAP_LABELS, .from = { "/labels" } },
	{ .to = MAP_ANNOTATIONS, .from = { "/annotations" } },
};

static const struct alert_mapping grafana = {
	.name = "grafana",
	.what = "a webhook of Grafana",
	.family = "grafana",
	.items = "/alerts",
	.tells = grafana_tells,
	.rules = grafana_rules,
	.nrules = ARRAY_LEN(grafana_rules),
	.id_of_labels = true,
};

MAPPED_FORMAT(GRAFANA, "grafana", "Grafana's unified alerting webhook", grafana);
