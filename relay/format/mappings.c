/*
 * The mappings that ship, for senders of format generic: "mapping: coroot" and so on. Pure.
 */
#include "mapping_parts-internal.h"

#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* ---- Coroot ---- */

/* Incidents and alerts by Coroot's own template for JSON; deployments page nobody. Source:
 * docs.coroot.com/alerting/webhook. */
static const char coroot_setup[] = "{{ json . }}\n"
				   "as the template of incidents and as that of alerts.\n";

static const char *const coroot_tells[] = { "/application", "/status", NULL };

static const struct mapping_value coroot_states[] = {
	{ "ok", "resolved" },	   { "info", "firing" },     { "warning", "firing" },
	{ "critical", "firing" },  { "deployed", "ignore" }, { "in-progress", "ignore" },
	{ "cancelled", "ignore" }, { "stuck", "ignore" },    { NULL, NULL },
};
static const struct mapping_value coroot_severities[] = {
	{ "critical", "critical" },
	{ "warning", "warning" },
	{ "info", "info" },
	{ "ok", "" },
	{ NULL, NULL },
};

static const struct mapping_rule coroot_rules[] = {
	{ .to = MAP_STATUS, .from = { "/status" }, .values = coroot_states },
	{ .to = MAP_SEVERITY, .from = { "/severity", "/status" }, .values = coroot_severities },
	{ .to = MAP_NAME, .from = { "/rule_name", "/reports/0/check" }, .text = "Coroot" },
	{ .to = MAP_SUMMARY, .from = { "/summary", "/reports/0/message" } },
	{ .to = MAP_DESCRIPTION, .from = { "/reports/1/message" } },
	{ .to = MAP_LINK, .from = { "/url" } },
	{ .to = MAP_LABEL, .name = "project", .from = { "/project_name" } },
	{ .to = MAP_LABEL, .name = "application_id", .from = { "/application" } },
	{ .to = MAP_ANNOTATIONS, .from = { "/details" } },
};

/* The value of a parameter of the link; NULL: it has none. */
static const char *coroot_parameter(struct mapped_alert *alert, const char *name)
{
	const char *at = alert->link ? strpbrk(alert->link, "?&") : NULL;
	size_t len = strlen(name);

	for (; at; at = strpbrk(at + 1, "?&"))
		if (strncmp(at + 1, name, len) == 0 && at[1 + len] == '=') {
			size_t n = strcspn(at + 2 + len, "&#");
			if (!n || n > LIMIT_MAPPED_NAME_BYTES)
				return NULL;
			return arena_strndup(alert->arena, at + 2 + len, n);
		}
	return NULL;
}

/* An application is "namespace:kind:name", with the cluster's name before it in newer versions. */
static void coroot_application(struct mapped_alert *alert)
{
	const char *id = mapped_label(alert, "application_id");
	const char *name = id ? strrchr(id, ':') : NULL;
	const char *kind = name ? memrchr(id, ':', (size_t)(name - id)) : NULL;

	if (!kind || strlen(id) > LIMIT_MAPPED_NAME_BYTES)
		return;
	const char *namespace = memrchr(id, ':', (size_t)(kind - id));
	namespace = namespace ? namespace + 1 : id;
	mapped_add_label(alert, "service_name", name + 1);
	mapped_add_label(alert, "kind",
			 arena_strndup(alert->arena, kind + 1, (size_t)(name - kind - 1)));
	mapped_add_label(alert, "namespace",
			 arena_strndup(alert->arena, namespace, (size_t)(kind - namespace)));
}

static const char *coroot_complete(struct mapped_alert *alert)
{
	alert->id = coroot_parameter(alert, "incident");
	if (!alert->id)
		alert->id = coroot_parameter(alert, "alert");
	if (!alert->id)
		alert->id = mapped_join(alert, mapped_label(alert, "application_id"),
					mapped_label(alert, "alertname"));
	coroot_application(alert);
	mapped_finish(alert);
	return NULL;
}

static const struct mapping_hooks coroot_hooks = { .complete = coroot_complete };

static const struct alert_mapping coroot = {
	.name = "coroot",
	.what = "a webhook of Coroot",
	.tells = coroot_tells,
	.ignores = "a deployment that Coroot tells of pages nobody",
	.rules = coroot_rules,
	.nrules = ARRAY_LEN(coroot_rules),
	.hooks = &coroot_hooks,
	.setup = coroot_setup,
};

/* ---- Keep ---- */

/* An alert as Keep's workflows send it. Source: keephq/keep, keep/api/models/alert.py. */
static const char keep_setup[] = "An action of a workflow:\n"
				 "- name: tracepager\n"
				 "  provider:\n"
				 "    type: webhook\n"
				 "    with: {method: POST, body: \"{{ alert }}\"}\n";

static const char *const keep_tells[] = { "/fingerprint /id", "/status", "/lastReceived /source",
					  NULL };

static const struct mapping_value keep_states[] = {
	{ "firing", "firing" },	    { "resolved", "resolved" }, { "acknowledged", "ignore" },
	{ "suppressed", "ignore" }, { "pending", "ignore" },	{ NULL, NULL },
};

/* What Keep writes where a sender said nothing. */
static const struct mapping_value keep_words[] = {
	{ "undefined", "" },
	{ "unknown", "" },
	{ "none", "" },
	{ NULL, NULL },
};

static const struct mapping_rule keep_rules[] = {
	{ .to = MAP_ID, .from = { "/fingerprint", "/id" } },
	{ .to = MAP_STATUS, .from = { "/status" }, .values = keep_states },
	{ .to = MAP_SEVERITY, .from = { "/severity" }, .values = mapped_severities },
	{ .to = MAP_STARTS_AT, .from = { "/startedAt", "/firingStartTime", "/lastReceived" } },
	{ .to = MAP_NAME, .from = { "/name" } },
	{ .to = MAP_SUMMARY, .from = { "/message", "/name" } },
	{ .to = MAP_DESCRIPTION, .from = { "/description" } },
	{ .to = MAP_LINK, .from = { "/url", "/labels/url", "/generatorURL" } },
	{ .to = MAP_LABEL, .name = "service_name", .from = { "/service" }, .values = keep_words },
	{ .to = MAP_LABEL,
	  .name = "environment",
	  .from = { "/environment" },
	  .values = keep_words },
	{ .to = MAP_LABEL, .name = "source", .from = { "/source" } },
	{ .to = MAP_ANNOTATION, .name = "trace_id", .from = { "/trace_id", "/traceId" } },
	{ .to = MAP_LABELS, .from = { "/labels" } },
	{ .to = MAP_ANNOTATIONS, .from = { "/annotations" } },
};

static const char *keep_complete(struct mapped_alert *alert)
{
	mapped_finish(alert);
	return NULL;
}

static const struct mapping_hooks keep_hooks = { .complete = keep_complete };

static const struct alert_mapping keep = {
	.name = "keep",
	.what = "an alert of Keep",
	.tells = keep_tells,
	.ignores = "an alert that Keep has as acknowledged, suppressed or pending pages nobody",
	.rules = keep_rules,
	.nrules = ARRAY_LEN(keep_rules),
	.hooks = &keep_hooks,
	.setup = keep_setup,
};

/* ---- Robusta ---- */

/* A finding of Robusta as JSON, or an issue of HolmesGPT, which has the alert under raw. Robusta's
 * webhook sink sends plain text, which no mapping reads: let Alertmanager send to both. */
static const char *const robusta_tells[] = { "/aggregation_key /finding_type /raw/labels",
					     "/title /name", NULL };

static const struct mapping_value robusta_states[] = {
	{ "active", "firing" },	    { "firing", "firing" },	 { "resolved", "resolved" },
	{ "suppressed", "ignore" }, { "unprocessed", "firing" }, { NULL, NULL },
};

static const struct mapping_rule robusta_rules[] = {
	{ .to = MAP_ID, .from = { "/fingerprint", "/raw/fingerprint", "/id" } },
	{ .to = MAP_STATUS, .from = { "/raw/status", "/status" }, .values = robusta_states },
	{ .to = MAP_SEVERITY,
	  .from = { "/labels/severity", "/raw/labels/severity", "/priority", "/severity" },
	  .values = mapped_severities },
	{ .to = MAP_STARTS_AT, .from = { "/starts_at", "/raw/startsAt" } },
	{ .to = MAP_ENDS_AT, .from = { "/ends_at", "/raw/endsAt" } },
	{ .to = MAP_NAME,
	  .from = { "/labels/alertname", "/raw/labels/alertname", "/aggregation_key", "/name" } },
	{ .to = MAP_SUMMARY, .from = { "/title", "/raw/annotations/summary", "/name" } },
	{ .to = MAP_DESCRIPTION, .from = { "/description", "/raw/annotations/description" } },
	{ .to = MAP_LINK,
	  .from = { "/raw/generatorURL", "/video_links/[type=prometheus_generator_url]/url", "/url",
		    "/investigate_uri" } },
	{ .to = MAP_LABEL, .name = "cluster", .from = { "/cluster" } },
	{ .to = MAP_LABEL, .name = "namespace", .from = { "/subject_namespace" } },
	{ .to = MAP_LABEL, .name = "subject", .from = { "/subject_name" } },
	{ .to = MAP_LABELS, .from = { "/labels", "/raw/labels" } },
	{ .to = MAP_ANNOTATIONS, .from = { "/annotations", "/raw/annotations" } },
};

/* A finding that has an end is over; some have no state, but "[RESOLVED]" before the title. */
static const char *robusta_complete(struct mapped_alert *alert)
{
	const char *title = mapped_find(alert, "/title");

	if (!alert->status && ((title && strncmp(title, "[RESOLVED]", 10) == 0) ||
			       (alert->ends_at_us && alert->ends_at_us <= alert->now_us)))
		alert->status = "resolved";
	mapped_finish(alert);
	return NULL;
}

static const struct mapping_hooks robusta_hooks = { .complete = robusta_complete };

static const struct alert_mapping robusta = {
	.name = "robusta",
	.what = "a finding of Robusta",
	.tells = robusta_tells,
	.ignores = "an alert that is silenced pages nobody",
	.rules = robusta_rules,
	.nrules = ARRAY_LEN(robusta_rules),
	.hooks = &robusta_hooks,
};

/* ---- the table ---- */

const struct alert_mapping *const mappings_shipped[] = { &coroot, &keep, &robusta, NULL };

const struct alert_mapping *mapping_shipped(const char *name)
{
	for (size_t i = 0; mappings_shipped[i]; i++)
		if (strcmp(mappings_shipped[i]->name, name) == 0)
			return mappings_shipped[i];
	return NULL;
}
