/*
 * Azure Monitor's common alert schema. A log alert of Application Insights has the role, the
 * operation and the operation's id, which is the trace id, among its dimensions, or in the rows
 * that it found. The resource that a metric alert watches (configurationItems) is no service and
 * has a label of its own. Source: learn.microsoft.com, "Common alert schema for Azure Monitor
 * alerts". Pure.
 */
#include "mapping_parts-internal.h"

#include <string.h>

#include "tracepager/http.h"
#include "tracepager/xalloc.h"

#define AZURE_DIMENSION "/data/alertContext/condition/allOf/*/dimensions/"
#define AZURE_OLDER	"/data/alertContext/Dimensions/" /* of log alerts V1 */

static const char *const azure_tells[] = { "/schemaId", "/data/essentials", NULL };

static const struct mapping_value azure_conditions[] = {
	{ "fired", "firing" },
	{ "activated", "firing" },
	{ "resolved", "resolved" },
	{ "deactivated", "resolved" },
	{ NULL, NULL },
};

static const struct mapping_rule azure_rules[] = {
	{ .to = MAP_ID, .from = { "/data/essentials/alertId", "/data/essentials/originAlertId" } },
	{ .to = MAP_STATUS,
	  .from = { "/data/essentials/monitorCondition" },
	  .values = azure_conditions },
	{ .to = MAP_SEVERITY,
	  .from = { "/data/essentials/severity" },
	  .values = mapped_severities },
	{ .to = MAP_STARTS_AT, .from = { "/data/essentials/firedDateTime" } },
	{ .to = MAP_ENDS_AT, .from = { "/data/essentials/resolvedDateTime" } },
	{ .to = MAP_NAME, .from = { "/data/essentials/alertRule" } },
	{ .to = MAP_SUMMARY,
	  .from = { "/data/essentials/description", "/data/essentials/alertRule" } },
	{ .to = MAP_DESCRIPTION,
	  .from = { "/data/alertContext/condition/allOf/0/searchQuery",
		    "/data/alertContext/properties/title", "/data/alertContext/SearchQuery" } },
	{ .to = MAP_LINK,
	  .from = { "/data/essentials/investigationLink",
		    "/data/alertContext/condition/allOf/*/linkToFilteredSearchResultsUI",
		    "/data/alertContext/condition/allOf/*/linkToSearchResultsUI",
		    "/data/alertContext/LinkToFilteredSearchResultsUI",
		    "/data/alertContext/LinkToSearchResults" } },
	{ .to = MAP_LABEL,
	  .name = "service_name",
	  .from = { AZURE_DIMENSION "[name=cloud_RoleName]/value",
		    AZURE_DIMENSION "[name=cloud~1roleName]/value",
		    AZURE_DIMENSION "[name=AppRoleName]/value",
		    AZURE_DIMENSION "[name=service.name]/value",
		    AZURE_OLDER "[name=cloud_RoleName]/value" } },
	{ .to = MAP_LABEL,
	  .name = "operation",
	  .from = { AZURE_DIMENSION "[name=operation_Name]/value",
		    AZURE_DIMENSION "[name=operation~1name]/value",
		    AZURE_DIMENSION "[name=OperationName]/value",
		    AZURE_OLDER "[name=operation_Name]/value" } },
	{ .to = MAP_ANNOTATION,
	  .name = "trace_id",
	  .from = { AZURE_DIMENSION "[name=operation_Id]/value",
		    AZURE_DIMENSION "[name=OperationId]/value",
		    AZURE_OLDER "[name=operation_Id]/value" } },
	{ .to = MAP_LABEL,
	  .name = "resource",
	  .from = { "/data/essentials/configurationItems/0",
		    "/data/essentials/alertTargetIDs/0" } },
	{ .to = MAP_LABEL,
	  .name = "resource_group",
	  .from = { "/data/essentials/targetResourceGroup" } },
	{ .to = MAP_LABEL,
	  .name = "resource_type",
	  .from = { "/data/essentials/targetResourceType" } },
	{ .to = MAP_LABEL,
	  .name = "monitoring_service",
	  .from = { "/data/essentials/monitoringService" } },
	{ .to = MAP_LABEL,
	  .name = "metric",
	  .from = { "/data/alertContext/condition/allOf/0/metricName" } },
	{ .to = MAP_ANNOTATION,
	  .name = "value",
	  .from = { "/data/alertContext/condition/allOf/0/metricValue" } },
	{ .to = MAP_ANNOTATION, .name = "promql", .from = { "/data/alertContext/expression" } },
	{ .to = MAP_LABELS, .from = { "/data/customProperties", "/customProperties" } },
	{ .to = MAP_LABELS,
	  .from = { "/data/alertContext/condition/allOf/0/dimensions",
		    "/data/alertContext/Dimensions", "/data/alertContext/labels" } },
	{ .to = MAP_ANNOTATIONS, .from = { "/data/alertContext/annotations" } },
};

static const struct alert_mapping azure = {
	.name = "azure",
	.what = "an alert of Azure Monitor in the common schema (enable it in the action group)",
	.family = "azure",
	.tells = azure_tells,
	.rules = azure_rules,
	.nrules = ARRAY_LEN(azure_rules),
};

/* The value of a column in the first row of what a log alert V1 has found. */
static const char *azure_cell(struct mapped_alert *alert, const char *column)
{
	static const char table[] = "/data/alertContext/SearchResults/tables/0";
	json_t *found = json_place_find(alert->places, alert->item, table);
	json_t *columns = json_object_get(found, "columns");
	json_t *row = json_array_get(json_object_get(found, "rows"), 0);

	for (size_t i = 0; i < json_array_size(columns); i++) {
		const char *name =
			json_string_value(json_object_get(json_array_get(columns, i), "name"));
		if (name && strcmp(name, column) == 0)
			return mapped_text(alert->arena, json_array_get(row, i));
	}
	return NULL;
}

/* Where the portal shows an alert. */
static const char *azure_link(struct mapped_alert *alert)
{
	const char *id = alert->id;

	if (!id || strncmp(id, "/subscriptions/", 15) != 0 || strlen(id) > 1024)
		return NULL;
	return arena_printf(alert->arena,
			    "https://portal.azure.com/#view/Microsoft_Azure_Monitoring_Alerts/"
			    "AlertDetails.ReactView/alertId~/%s",
			    url_escape(alert->arena, id));
}

static const char *azure_complete(struct mapped_alert *alert)
{
	mapped_add_label(alert, "service_name", azure_cell(alert, "cloud_RoleName"));
	mapped_add_label(alert, "operation", azure_cell(alert, "operation_Name"));
	mapped_add_annotation(alert, "trace_id", azure_cell(alert, "operation_Id"));
	if (!alert->link)
		alert->link = azure_link(alert);
	mapped_finish(alert);
	return NULL;
}

static const struct mapping_hooks azure_hooks = { .complete = azure_complete };

MAPPED_FORMAT_WITH(AZURE, "azure", "Azure Monitor's common alert schema", azure, &azure_hooks,
		   NULL);
