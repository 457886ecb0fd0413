/*
 * Importer of OpsLevel's opslevel.yml: a service, or a list of services, and teams. A team is
 * named by its alias: its name in lower case with underscores (docs.opslevel.com,
 * "opslevel.yml").
 */
#include "catalogue-internal.h"

struct entry {
	struct catalogue *catalogue;
	const struct ydoc *doc;
	const struct ynode *map;
	const char *what;
};

static const char *opslevel_text(const struct entry *entry, const struct ynode *map,
				 const char *key)
{
	return cat_text(entry->catalogue, entry->doc, map, key, entry->what);
}

/* Reads tools: links with a category. Of several runbooks or dashboards, the one for production
 * counts. */
static void opslevel_read_tools(const struct entry *entry, struct cat_service *service)
{
	struct ynode **tools;
	size_t n = cat_items(entry->map, "tools", &tools);
	struct cat_service production = { .runbook = NULL };

	for (size_t i = 0; i < n; i++) {
		const char *category = opslevel_text(entry, tools[i], "category");
		bool is_production =
			cat_is(opslevel_text(entry, tools[i], "environment"), "production");
		const char *type = cat_is(category, "runbooks")	       ? "runbook"
				   : cat_is(category, "metrics")       ? "dashboard"
				   : cat_is(category, "observability") ? "dashboard"
								       : NULL;
		cat_link(entry->catalogue, entry->doc, tools[i], type, entry->what,
			 is_production ? &production : service);
		if (cat_is(category, "incidents"))
			cat_pager_id(entry->catalogue, &service->pager,
				     opslevel_text(entry, tools[i], "url"),
				     cat_place(entry->doc, tools[i]));
	}
	service->runbook = production.runbook ? production.runbook : service->runbook;
	service->dashboard = production.dashboard ? production.dashboard : service->dashboard;
}

static void opslevel_read_alert_sources(const struct entry *entry, struct cat_service *service)
{
	static const char *const others[] = { "opsgenie", "incident_io", "fire_hydrant" };
	struct ynode **sources;
	size_t n = cat_items(entry->map, "alert_sources", &sources);

	for (size_t i = 0; i < n; i++) {
		const char *type = opslevel_text(entry, sources[i], "type");
		struct cat_place place = cat_place(entry->doc, sources[i]);
		if (cat_is(type, "pagerduty"))
			cat_pager_id(entry->catalogue, &service->pager,
				     opslevel_text(entry, sources[i], "external_id"), place);
		for (size_t j = 0; j < ARRAY_LEN(others); j++)
			if (cat_is(type, others[j]))
				cat_lose(entry->catalogue, LOSS_OTHER_PAGER, place, entry->what,
					 "%s is not mapped", others[j]);
	}
}

static void opslevel_read_owner(const struct entry *entry, struct cat_service *service)
{
	const char *owner = opslevel_text(entry, entry->map, "owner");

	if (!owner)
		return;
	struct cat_place place = cat_place(entry->doc, ynode_get(entry->map, "owner"));
	struct cat_team *team =
		cat_team(entry->catalogue, cat_slug(entry->catalogue, owner), owner, place);
	service->owner = team ? team->id : NULL;
	service->owner_place = place;
}

static void opslevel_read_service(struct entry *entry)
{
	struct catalogue *catalogue = entry->catalogue;
	const char *name = opslevel_text(entry, entry->map, "name");
	struct cat_place place = cat_place(entry->doc, entry->map);
	struct ynode **aliases;

	catalogue->counts.entries++;
	if (!name) {
		cat_lose(catalogue, LOSS_NO_NAME, place, "service", "its name is missing");
		return;
	}
	entry->what = cat_printf(catalogue, "service \"%s\"", name);
	struct cat_service *service =
		cat_service(catalogue, cat_printf(catalogue, "service:%s", name), name, place);
	if (!service)
		return;
	service->criticality = opslevel_text(entry, entry->map, "tier");
	opslevel_read_owner(entry, service);
	opslevel_read_tools(entry, service);
	opslevel_read_alert_sources(entry, service);
	size_t n = cat_items(entry->map, "aliases", &aliases);
	for (size_t i = 0; i < n; i++) {
		const char *alias = cat_node_text(catalogue, entry->doc, aliases[i], entry->what);
		if (alias)
			cat_alias(catalogue, service, alias, cat_place(entry->doc, aliases[i]));
	}
}

static void opslevel_read_team(struct entry *entry)
{
	struct catalogue *catalogue = entry->catalogue;
	const char *name = opslevel_text(entry, entry->map, "name");
	struct cat_place place = cat_place(entry->doc, entry->map);
	struct ynode **contacts;

	catalogue->counts.entries++;
	if (!name) {
		cat_lose(catalogue, LOSS_NO_NAME, place, "team", "its name is missing");
		return;
	}
	entry->what = cat_printf(catalogue, "team \"%s\"", name);
	const char *slug = cat_slug(catalogue, name);
	struct cat_team *team = cat_team(catalogue, slug, slug, place);
	if (!team)
		return;
	team->declared = true;
	team->title = name;
	team->place = place;
	const char *parent = opslevel_text(entry, entry->map, "parent");
	if (!parent)
		parent = opslevel_text(entry, entry->map, "parent_team");
	if (parent) {
		team->parent = cat_slug(catalogue, parent);
		cat_team(catalogue, team->parent, parent, place);
	}
	size_t n = cat_items(entry->map, "contacts", &contacts);
	for (size_t i = 0; i < n && !team->channel; i++)
		if (cat_is(opslevel_text(entry, contacts[i], "type"), "slack"))
			team->channel = opslevel_text(entry, contacts[i], "address");
}

static void opslevel_each(struct catalogue *catalogue, const struct ydoc *doc,
			  const struct ynode *node, void (*read)(struct entry *entry))
{
	struct entry entry = { .catalogue = catalogue, .doc = doc, .map = node };

	if (node && node->kind == YNODE_MAP)
		read(&entry);
	for (size_t i = 0; node && node->kind == YNODE_LIST && i < node->n; i++) {
		entry = (struct entry){ .catalogue = catalogue, .doc = doc, .map = node->items[i] };
		read(&entry);
	}
}

void import_OPSLEVEL(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *root)
{
	static const char *const keys[] = { "service", "services", "team", "teams" };
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct ynode *node = ynode_get(root, keys[i]);
		found |= node != NULL;
		opslevel_each(catalogue, doc, node,
			      *keys[i] == 's' ? opslevel_read_service : opslevel_read_team);
	}
	if (!found)
		cat_lose(catalogue, LOSS_NOT_AN_ENTRY, cat_place(doc, root), NULL,
			 "it has neither a service nor a team");
}
