/*
 * Sentry's webhooks: those of an integration (event_alert, issue, metric_alert) and the older
 * plugin. Only alert rules page; an issue's own webhook resolves what a rule has paged. An alert is
 * an issue, or a metric alert, of the server that counts them. A project of Sentry is a service.
 * Source: docs.sentry.io/organization/integrations/integration-platform/webhooks. Pure.
 */
#include "mapping_parts-internal.h"

#include <string.h>
#include <strings.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static const char *const sentry_tells[] = {
	"/data/event /data/issue /data/metric_alert /data/error /data/comment /data/installation "
	"/event/event_id",
	"/action /project",
	NULL,
};

/* Of an issue and of a metric alert. */
static const struct mapping_value sentry_actions[] = {
	{ "triggered", "firing" },  { "critical", "firing" },
	{ "warning", "firing" },    { "resolved", "resolved" },
	{ "ignored", "resolved" },  { "archived", "resolved" },
	{ "created", "ignore" },    { "assigned", "ignore" },
	{ "unresolved", "ignore" }, { "unarchived", "ignore" },
	{ "escalating", "ignore" }, { "updated", "ignore" },
	{ "deleted", "ignore" },    { NULL, NULL },
};

static const struct mapping_rule sentry_rules[] = {
	{ .to = MAP_STATUS, .from = { "/action" }, .values = sentry_actions, .text = "firing" },
	{ .to = MAP_SEVERITY,
	  .from = { "/data/event/level", "/data/issue/level", "/event/level", "/level" },
	  .values = mapped_severities },
	{ .to = MAP_STARTS_AT,
	  .from = { "/data/metric_alert/date_started", "/data/event/datetime",
		    "/data/event/timestamp", "/event/datetime", "/event/timestamp" } },
	{ .to = MAP_ENDS_AT, .from = { "/data/metric_alert/date_closed" } },
	{ .to = MAP_NAME,
	  .from = { "/data/triggered_rule", "/data/metric_alert/alert_rule/name",
		    "/data/metric_alert/title", "/triggering_rules/0", "/data/issue/title",
		    "/event/title" } },
	{ .to = MAP_NAME, .from = { "/data/event/title", "/message" } },
	{ .to = MAP_SUMMARY,
	  .from = { "/data/description_title", "/data/event/title", "/data/issue/title",
		    "/event/title", "/message" } },
	{ .to = MAP_DESCRIPTION,
	  .from = { "/data/description_text", "/data/event/message", "/data/event/culprit",
		    "/data/issue/culprit", "/message", "/culprit" } },
	{ .to = MAP_LINK,
	  .from = { "/data/web_url", "/data/event/web_url", "/data/issue/web_url",
		    "/data/issue/permalink", "/url" } },
	{ .to = MAP_LABEL,
	  .name = "project",
	  .from = { "/data/issue/project/slug", "/project_slug", "/project_name",
		    "/data/metric_alert/projects/0", "/data/event/project_slug" } },
	{ .to = MAP_LABEL,
	  .name = "environment",
	  .from = { "/data/event/environment", "/event/environment",
		    "/data/metric_alert/alert_rule/environment" } },
	{ .to = MAP_LABEL,
	  .name = "platform",
	  .from = { "/data/event/platform", "/data/issue/platform", "/event/platform" } },
	{ .to = MAP_ANNOTATION, .name = "culprit", .from = { "/data/event/culprit", "/culprit" } },
	{ .to = MAP_ANNOTATION,
	  .name = "trace_id",
	  .from = { "/data/event/contexts/trace/trace_id", "/event/contexts/trace/trace_id" } },
	{ .to = MAP_LABELS, .from = { "/data/event/tags" } },
	{ .to = MAP_LABELS, .from = { "/event/tags" } },
};

static const struct alert_mapping sentry = {
	.name = "sentry",
	.what = "a webhook of Sentry",
	.family = "sentry",
	.tells = sentry_tells,
	.ignores = "a change of a Sentry issue pages nobody; an alert rule does",
	.rules = sentry_rules,
	.nrules = ARRAY_LEN(sentry_rules),
};

/* The slug in ".../projects/ORGANISATION/SLUG/events/...", the address of an event. */
static const char *sentry_project(struct mapped_alert *alert)
{
	const char *url = mapped_find(alert, "/data/event/url");
	const char *slug = url ? strstr(url, "/projects/") : NULL;

	slug = slug ? strchr(slug + strlen("/projects/"), '/') : NULL;
	if (!slug)
		return NULL;
	size_t len = strcspn(slug + 1, "/?#");
	return len && len <= LIMIT_MAPPED_NAME_BYTES ? arena_strndup(alert->arena, slug + 1, len)
						     : NULL;
}

/* A metric alert has no level, its action tells. */
static void sentry_metric(struct mapped_alert *alert)
{
	const char *action = mapped_find(alert, "/action");

	if (action && (strcmp(action, "critical") == 0 || strcmp(action, "warning") == 0))
		mapped_add_label(alert, "severity", action);
}

/* The number in ".../issues/42/..."; NULL: there is none. */
static const char *sentry_issue(struct mapped_alert *alert, const char *url)
{
	const char *id = url ? strstr(url, "/issues/") : NULL;
	size_t len = id ? strspn(id + strlen("/issues/"), "0123456789") : 0;

	return len && len < 20 ? arena_strndup(alert->arena, id + strlen("/issues/"), len) : NULL;
}

static bool sentry_is_hosted(const char *host)
{
	const char *at = strstr(host, "sentry.io");

	return at && strcmp(at, "sentry.io") == 0 && (at == host || at[-1] == '.');
}

static void name_issue(struct mapped_alert *alert)
{
	const char *metric = mapped_find(alert, "/data/metric_alert/id");
	const char *host = mapped_host(alert, alert->link);
	static const char *const places[] = { "/data/event/issue_id", "/data/event/groupID",
					      "/data/issue/id", "/id" };

	for (size_t i = 0; i < ARRAY_LEN(places) && !metric && !alert->id; i++)
		alert->id = mapped_find(alert, places[i]);
	if (metric)
		alert->id = mapped_join(alert, "metric", metric);
	if (!alert->id)
		alert->id = sentry_issue(alert, mapped_find(alert, "/data/event/issue_url"));
	if (!alert->id)
		alert->id = sentry_issue(alert, alert->link);
	/* sentry.io counts for all of its hosts, of which one webhook may name this and one that.
	 */
	if (host && alert->id && !sentry_is_hosted(host))
		alert->id = mapped_join(alert, host, alert->id);
}

/* The transaction is a route, or a task. */
static void sentry_operation(struct mapped_alert *alert)
{
	const char *name = mapped_find(alert, "/data/event/transaction");
	const char *method = mapped_find(alert, "/data/event/request/method");

	if (!name)
		name = mapped_find(alert, "/event/transaction");
	if (!name)
		name = mapped_label(alert, "transaction");
	mapped_add_label(alert, name && *name == '/' ? "http_route" : "operation", name);
	if (name && *name == '/')
		mapped_add_label(alert, "http_method", method);
}

static const char *sentry_complete(struct mapped_alert *alert)
{
	static const char *const others[] = { "/data/error", "/data/comment",
					      "/data/installation" };
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (json_place_find(alert->places, alert->item, others[i]))
			alert->ignored = sentry.ignores;
	if (alert->ignored)
		return NULL;
	if (json_place_find(alert->places, alert->item, "/data/metric_alert"))
		sentry_metric(alert);
	name_issue(alert);
	mapped_add_label(alert, "project", sentry_project(alert));
	if (!mapped_label(alert, "service") && !mapped_label(alert, "service_name"))
		mapped_add_label(alert, "service_name", mapped_label(alert, "project"));
	sentry_operation(alert);
	mapped_finish(alert);
	return NULL;
}

static const struct mapping_hooks sentry_hooks = { .complete = sentry_complete };

MAPPED_FORMAT_WITH(SENTRY, "sentry", "Sentry's webhooks", sentry, &sentry_hooks, NULL);
