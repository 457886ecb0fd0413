/*
 * Importer of Datadog service definitions: v1, v2, v2.1, v2.2 (one service each) and v3
 * (entities). They name a PagerDuty service by its address, never by its key
 * (github.com/DataDog/schema, service-catalog).
 */
#include "catalogue-internal.h"

struct definition {
	struct catalogue *catalogue;
	const struct ydoc *doc;
	const struct ynode *root,
		*holder; /* the map with contacts and links: the root, or the metadata of v3 */
	const char *what;
	struct cat_service *service;
};

static const char *datadog_text(const struct definition *definition, const struct ynode *map,
				const char *key)
{
	return cat_text(definition->catalogue, definition->doc, map, key, definition->what);
}

/* Reads the address of a PagerDuty service: a text (v1, v2), {service-url} (v2.1, v2.2) or
 * {serviceURL} (v3). */
static void datadog_read_integrations(const struct definition *definition)
{
	static const char *const others[] = { "opsgenie", "jiraServiceManagementOps" };
	const struct ynode *map = ynode_get(definition->root, "integrations");
	const struct ynode *node = ynode_get(map, "pagerduty");
	const char *url;

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (ynode_get(map, others[i]))
			cat_lose(definition->catalogue, LOSS_OTHER_PAGER,
				 cat_place(definition->doc, ynode_get(map, others[i])),
				 definition->what, "%s is not mapped", others[i]);
	if (!node)
		return;
	if (node->kind == YNODE_MAP) {
		url = datadog_text(definition, node, "service-url");
		url = url ? url : datadog_text(definition, node, "serviceURL");
	} else {
		url = cat_node_text(definition->catalogue, definition->doc, node, definition->what);
	}
	if (url && !cat_pager_id(definition->catalogue, &definition->service->pager, url,
				 cat_place(definition->doc, node)))
		cat_lose(definition->catalogue, LOSS_BAD_KEY, cat_place(definition->doc, node),
			 definition->what, "\"%.100s\" is no address of a PagerDuty service", url);
}

static void datadog_read_links(const struct definition *definition, const char *list)
{
	struct ynode **links;
	size_t n = cat_items(definition->holder, list, &links);

	for (size_t i = 0; i < n; i++)
		cat_link(definition->catalogue, definition->doc, links[i],
			 datadog_text(definition, links[i], "type"), definition->what,
			 definition->service);
}

static void datadog_read_channel(const struct definition *definition, struct cat_team *team)
{
	struct ynode **contacts;
	size_t n = cat_items(definition->holder, "contacts", &contacts);

	for (size_t i = 0; i < n && !team->channel; i++)
		if (cat_is(datadog_text(definition, contacts[i], "type"), "slack"))
			team->channel = datadog_text(definition, contacts[i], "contact");
}

static void datadog_read_team(const struct definition *definition, const struct ynode *map,
			      const char *key)
{
	const char *handle = datadog_text(definition, map, key);

	if (!handle)
		return;
	struct cat_place place = cat_place(definition->doc, ynode_get(map, key));
	struct cat_team *team = cat_team(definition->catalogue,
					 cat_lower(definition->catalogue, handle), handle, place);
	if (!team)
		return;
	definition->service->owner = team->id;
	definition->service->owner_place = place;
	datadog_read_channel(definition, team);
}

/* Makes the service of a definition. False: it has no name, or there are too many. */
static bool open_service(struct definition *definition, const char *kind, const char *name)
{
	struct catalogue *catalogue = definition->catalogue;
	struct cat_place place = cat_place(definition->doc, definition->root);

	catalogue->counts.entries++;
	if (!name) {
		cat_lose(catalogue, LOSS_NO_NAME, place, kind, "its name is missing");
		return false;
	}
	definition->what = cat_printf(catalogue, "%s \"%s\"", kind, name);
	definition->service =
		cat_service(catalogue, cat_printf(catalogue, "%s:%s", kind, name), name, place);
	return definition->service != NULL;
}

static void datadog_read_v1(struct definition *definition)
{
	const struct ynode *info = ynode_get(definition->root, "info"),
			   *org = ynode_get(definition->root, "org");

	if (!open_service(definition, "service", datadog_text(definition, info, "dd-service")))
		return;
	definition->service->criticality = datadog_text(definition, info, "service-tier");
	datadog_read_team(definition, org, "team");
	datadog_read_links(definition, "external-resources");
	datadog_read_integrations(definition);
}

static void datadog_read_v2(struct definition *definition)
{
	const struct ynode *root = definition->root;

	if (!open_service(definition, "service", datadog_text(definition, root, "dd-service")))
		return;
	definition->service->criticality = datadog_text(definition, root, "tier");
	datadog_read_team(definition, root, ynode_get(root, "team") ? "team" : "dd-team");
	datadog_read_links(definition, "links");
	datadog_read_integrations(definition);
}

/* The id that a reference names: "kind:name"; a namespace in it is left out. */
static const char *entity_id(struct catalogue *catalogue, const char *ref)
{
	const char *colon = strchr(ref, ':'), *slash = colon ? strchr(colon, '/') : NULL;

	if (!colon)
		return cat_printf(catalogue, "service:%s", ref);
	return cat_printf(catalogue, "%.*s:%s", (int)(colon - ref), ref,
			  slash ? slash + 1 : colon + 1);
}

static void datadog_read_more_owners(const struct definition *definition)
{
	const struct ynode *node = ynode_get(definition->holder, "additionalOwners");

	if (node && node->n)
		cat_lose(definition->catalogue, LOSS_MORE_OWNERS, cat_place(definition->doc, node),
			 definition->what, "it has %zu further owners; \"owner\" is taken",
			 node->n);
}

static void datadog_read_v3(struct definition *definition)
{
	const struct ynode *metadata = ynode_get(definition->root, "metadata"),
			   *spec = ynode_get(definition->root, "spec");
	const char *kind = datadog_text(definition, definition->root, "kind");

	if (!open_service(definition, kind ? kind : "service",
			  datadog_text(definition, metadata, "name")))
		return;
	definition->holder = metadata;
	struct cat_service *service = definition->service;
	service->holder =
		!cat_is(kind, "service") && !cat_is(kind, "datastore") && !cat_is(kind, "queue");
	service->rank = cat_is(kind, "service") ? 0 : 1;
	if (service->holder && !cat_is(kind, "system"))
		cat_lose(definition->catalogue, LOSS_KIND, service->place, definition->what,
			 "rules have no place for it");
	const char *from = datadog_text(definition, metadata, "inheritFrom");
	service->from = from ? entity_id(definition->catalogue, from) : NULL;
	datadog_read_team(definition, metadata, "owner");
	datadog_read_more_owners(definition);
	if (service->holder)
		return;
	service->criticality = datadog_text(definition, spec, "tier");
	datadog_read_links(definition, "links");
	datadog_read_integrations(definition);
}

void import_DATADOG(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *root)
{
	struct definition definition = {
		.catalogue = catalogue, .doc = doc, .root = root, .holder = root
	};
	const char *schema = cat_text(catalogue, doc, root, "schema-version", NULL),
		   *api = cat_text(catalogue, doc, root, "apiVersion", NULL);

	if (root->kind == YNODE_LIST) {
		for (size_t i = 0; i < root->n; i++)
			if (root->items[i]->kind == YNODE_MAP)
				import_DATADOG(catalogue, doc, root->items[i]);
	} else if (cat_is(schema, "v1")) {
		datadog_read_v1(&definition);
	} else if (schema && (cat_is(schema, "v2") || strncmp(schema, "v2.", 3) == 0)) {
		datadog_read_v2(&definition);
	} else if (api && (cat_is(api, "v3") || strncmp(api, "v3.", 3) == 0)) {
		datadog_read_v3(&definition);
	} else {
		cat_lose(catalogue, LOSS_NOT_AN_ENTRY, cat_place(doc, root), NULL,
			 "it has no schema-version v1 to v2.2, and no apiVersion v3");
	}
}
