/*
 * Google Cloud Monitoring's webhook, schemas 1.1 and 1.2, also as a Pub/Sub push, whose message
 * holds the same in base64. The service is what the operator calls it in the labels of the policy,
 * else the service of Cloud Run, App Engine or a mesh, else the container. Source:
 * cloud.google.com, "Notification channels: webhook schema". Pure.
 */
#include "mapping_parts-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/sign.h"
#include "tracepager/xalloc.h"

static const char *const gcp_tells[] = {
	"/incident/incident_id", "/incident/state /incident/policy_name /incident/condition_name",
	NULL
};

static const struct mapping_value gcp_states[] = {
	{ "open", "firing" },
	{ "closed", "resolved" },
	{ NULL, NULL },
};
/* App Engine calls the service "default" that nobody named. */
static const struct mapping_value gcp_modules[] = {
	{ "default", "" },
	{ NULL, NULL },
};
/* A policy without a name of its own is named by its path. */
static const struct mapping_value gcp_names[] = {
	{ "projects/*", "" },
	{ NULL, NULL },
};

static const struct mapping_rule gcp_rules[] = {
	{ .to = MAP_ID, .from = { "/incident/incident_id" } },
	{ .to = MAP_STATUS, .from = { "/incident/state" }, .values = gcp_states },
	{ .to = MAP_SEVERITY,
	  .from = { "/incident/severity", "/incident/policy_user_labels/severity",
		    "/incident/metadata/user_labels/severity",
		    "/incident/metadata/system_labels/severity" },
	  .values = mapped_severities },
	{ .to = MAP_STARTS_AT, .from = { "/incident/started_at" }, .time = MAP_TIME_S },
	{ .to = MAP_ENDS_AT, .from = { "/incident/ended_at" }, .time = MAP_TIME_S },
	{ .to = MAP_NAME,
	  .from = { "/incident/policy_name", "/incident/condition_name" },
	  .values = gcp_names },
	{ .to = MAP_SUMMARY,
	  .from = { "/incident/documentation/subject", "/incident/summary",
		    "/incident/condition_name" } },
	{ .to = MAP_DESCRIPTION,
	  .from = { "/incident/documentation/content", "/incident/documentation",
		    "/incident/summary" } },
	{ .to = MAP_LINK, .from = { "/incident/url" } },
	{ .to = MAP_LABEL,
	  .name = "service_name",
	  .from = { "/incident/policy_user_labels/service",
		    "/incident/policy_user_labels/service_name",
		    "/incident/metadata/user_labels/service", "/incident/metadata/user_labels/app",
		    "/incident/metric/labels/service_name" } },
	{ .to = MAP_LABEL,
	  .name = "service_name",
	  .from = { "/incident/resource/labels/service_name",
		    "/incident/resource/labels/canonical_service_name",
		    "/incident/resource/labels/function_name",
		    "/incident/resource/labels/module_id",
		    "/incident/resource/labels/container_name" },
	  .values = gcp_modules },
	{ .to = MAP_ANNOTATION,
	  .name = "trace_id",
	  .from = { "/incident/metric/labels/trace", "/incident/metric/labels/trace_id",
		    "/incident/resource/labels/trace" } },
	{ .to = MAP_ANNOTATION,
	  .name = "promql",
	  .from = { "/incident/condition/conditionPrometheusQueryLanguage/query" } },
	{ .to = MAP_ANNOTATION, .name = "value", .from = { "/incident/observed_value" } },
	{ .to = MAP_LABEL, .name = "condition", .from = { "/incident/condition_name" } },
	{ .to = MAP_LABEL,
	  .name = "project",
	  .from = { "/incident/scoping_project_id", "/incident/resource/labels/project_id" } },
	{ .to = MAP_LABEL, .name = "metric", .from = { "/incident/metric/type" } },
	{ .to = MAP_LABEL, .name = "resource_type", .from = { "/incident/resource/type" } },
	{ .to = MAP_LABELS, .from = { "/incident/policy_user_labels" } },
	{ .to = MAP_LABELS, .from = { "/incident/metadata/user_labels" } },
	{ .to = MAP_LABELS, .name = "metric_", .from = { "/incident/metric/labels" } },
	{ .to = MAP_LABELS, .name = "gcp_resource_", .from = { "/incident/resource/labels" } },
};

static const struct alert_mapping gcp = {
	.name = "gcp",
	.what = "a webhook of Google Cloud Monitoring",
	.family = "gcp",
	.tells = gcp_tells,
	.rules = gcp_rules,
	.nrules = ARRAY_LEN(gcp_rules),
};

/* "projects/shop/traces/ID" is the id alone. */
static const char *gcp_complete(struct mapped_alert *alert)
{
	for (size_t i = 0; i < alert->nannotations; i++) {
		struct label *annotation = &alert->annotations[i];
		const char *id = strstr(annotation->value, "/traces/");
		if (id && strcmp(annotation->name, "trace_id") == 0)
			annotation->value = id + strlen("/traces/");
	}
	mapped_finish(alert);
	return NULL;
}

static const struct mapping_hooks gcp_hooks = { .complete = gcp_complete };

/* ---- Pub/Sub ---- */

/* The body inside a push of Pub/Sub, caller frees; NULL: it is none. */
static char *unwrap_push(const char *text, size_t len, size_t *ret_len)
{
	struct json_places places;
	char *inner = NULL;
	int n = -1;

	if (!memmem(text, len, "\"message\"", 9) || !memmem(text, len, "\"data\"", 6))
		return NULL;
	if (json_places_init(&places, text, len, NULL) == 0) {
		json_t *data = json_place_find(&places, places.root, "/message/data");
		size_t size = json_string_length(data);
		if (json_is_string(data)) {
			inner = xcalloc(1, size + 1);
			n = base64_decode(json_string_value(data), size, (unsigned char *)inner,
					  size);
		}
	}
	json_places_fini(&places);
	if (n < 0) {
		free(inner);
		return NULL;
	}
	*ret_len = (size_t)n;
	return inner;
}

static bool gcp_match(const char *text, size_t len)
{
	size_t inner_len;
	char *inner = unwrap_push(text, len, &inner_len);
	bool matches =
		inner ? mapping_matches(&gcp, inner, inner_len) : mapping_matches(&gcp, text, len);

	free(inner);
	return matches;
}

static int gcp_parse(struct arena *arena, const struct alert_body *body,
		     struct alert_batch *ret_batch, struct err *err)
{
	struct alert_body unwrapped = *body;
	char *inner = unwrap_push(body->text, body->len, &unwrapped.len);
	int error;

	if (inner)
		unwrapped.text = inner;
	error = mapping_parse(&gcp, &gcp_hooks, arena, &unwrapped, ret_batch, err);
	free(inner);
	return error;
}

const struct alert_format alert_format_GCP = {
	.name = "gcp",
	.text = "Google Cloud Monitoring's webhook, also through Pub/Sub",
	.family = "gcp",
	.match = gcp_match,
	.parse = gcp_parse,
};
