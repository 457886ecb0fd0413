/*
 * Importer of PagerDuty's REST API answers: services with their integrations, escalation
 * policies, teams. The owner of a service is its team, else the team of its escalation policy,
 * else the policy itself. PagerDuty decides who is on call, and in which order: rules need only
 * the key of the service (developer.pagerduty.com/api-reference).
 */
#include "catalogue-internal.h"

struct object {
	struct catalogue *catalogue;
	const struct ydoc *doc;
	const struct ynode *node;
	const char *id, *name, *what;
	struct cat_place place;
};

static const char *pagerduty_text(const struct object *object, const struct ynode *map,
				  const char *key)
{
	return cat_text(object->catalogue, object->doc, map, key, object->what);
}

/* Reads an object or a reference: {id, name or summary}. False: it has no id. */
static bool open_object(struct object *object, const char *kind)
{
	object->place = cat_place(object->doc, object->node);
	object->what = kind;
	object->id = pagerduty_text(object, object->node, "id");
	object->name = pagerduty_text(object, object->node, "name");
	if (!object->name)
		object->name = pagerduty_text(object, object->node, "summary");
	if (!object->name)
		object->name = object->id;
	if (!object->id)
		return false;
	object->what = cat_printf(object->catalogue, "%s \"%s\"", kind, object->name);
	return true;
}

/* The team that a reference names. A policy becomes a team too, with an id of its own kind. */
static struct cat_team *take_team(const struct object *from, const struct ynode *node,
				  const char *kind)
{
	struct object object = { .catalogue = from->catalogue, .doc = from->doc, .node = node };

	if (!node || node->kind != YNODE_MAP || !open_object(&object, kind))
		return NULL;
	return cat_team(from->catalogue, cat_printf(from->catalogue, "%s:%s", kind, object.id),
			object.name, object.place);
}

/* Reads the key of the first Events API v2 integration; other integrations take no such events. */
static void pagerduty_read_integrations(const struct object *object, struct cat_service *service)
{
	struct ynode **integrations;
	size_t n = cat_items(object->node, "integrations", &integrations);

	for (size_t i = 0; i < n && !service->pager.key; i++) {
		const char *type = pagerduty_text(object, integrations[i], "type");
		if (cat_is(type, "events_api_v2_inbound_integration"))
			cat_pager_key(object->catalogue, &service->pager,
				      pagerduty_text(object, integrations[i], "integration_key"),
				      cat_place(object->doc, integrations[i]), object->what);
	}
}

static void pagerduty_read_service(const struct object *object)
{
	struct catalogue *catalogue = object->catalogue;
	struct cat_service *service =
		cat_service(catalogue, cat_printf(catalogue, "service:%s", object->id),
			    object->name, object->place);
	const struct ynode *policy = ynode_get(object->node, "escalation_policy");
	struct ynode **teams;
	size_t n = cat_items(object->node, "teams", &teams);

	if (!service)
		return;
	pagerduty_read_integrations(object, service);
	cat_pager_id(catalogue, &service->pager, object->id, object->place);
	struct cat_team *team = take_team(object, n ? teams[0] : NULL, "team");
	if (n > 1)
		cat_lose(catalogue, LOSS_MORE_OWNERS, object->place, object->what,
			 "%zu teams own it; the first is taken", n);
	if (team)
		service->owner = team->id;
	else if (policy && take_team(object, policy, "policy"))
		service->from =
			cat_printf(catalogue, "policy:%s", pagerduty_text(object, policy, "id"));
	/* A policy of which the answer has only a reference owns the service itself. */
	if (service->from && !map_get(catalogue->service_ids, service->from)) {
		struct cat_service *holder =
			cat_service(catalogue, service->from, object->name, object->place);
		if (holder) {
			holder->holder = true;
			holder->owner = service->from;
		}
	}
}

static void pagerduty_read_policy(const struct object *object)
{
	struct catalogue *catalogue = object->catalogue;
	const char *id = cat_printf(catalogue, "policy:%s", object->id);
	struct cat_service *holder = map_get(catalogue->service_ids, id);
	struct ynode **teams;
	size_t n = cat_items(object->node, "teams", &teams);
	struct cat_team *team =
		take_team(object, n ? teams[0] : object->node, n ? "team" : "policy");

	if (!holder)
		holder = cat_service(catalogue, id, object->name, object->place);
	if (!holder || !team)
		return;
	holder->holder = true;
	holder->owner = team->id;
}

static void pagerduty_read_team(const struct object *object)
{
	struct cat_team *team = take_team(object, object->node, "team");

	if (!team)
		return;
	team->declared = true;
	team->place = object->place;
	team->name = object->name;
	struct cat_team *parent = take_team(object, ynode_get(object->node, "parent"), "team");
	team->parent = parent ? parent->id : NULL;
}

static void pagerduty_read_list(struct catalogue *catalogue, const struct ydoc *doc,
				const struct ynode *root, const char *key, const char *kind,
				void (*read)(const struct object *object))
{
	struct ynode **items;
	size_t n = cat_items(root, key, &items);

	for (size_t i = 0; i < n; i++) {
		struct object object = { .catalogue = catalogue, .doc = doc, .node = items[i] };
		catalogue->counts.entries++;
		if (items[i]->kind == YNODE_MAP && open_object(&object, kind))
			read(&object);
		else
			cat_lose(catalogue, LOSS_NO_NAME, cat_place(doc, items[i]), kind,
				 "it has no id");
	}
}

void import_PAGERDUTY(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *root)
{
	if (!ynode_get(root, "services") && !ynode_get(root, "escalation_policies") &&
	    !ynode_get(root, "teams")) {
		cat_lose(catalogue, LOSS_NOT_AN_ENTRY, cat_place(doc, root), NULL,
			 "it has neither services nor escalation_policies nor teams");
		return;
	}
	pagerduty_read_list(catalogue, doc, root, "teams", "team", pagerduty_read_team);
	pagerduty_read_list(catalogue, doc, root, "escalation_policies", "policy",
			    pagerduty_read_policy);
	pagerduty_read_list(catalogue, doc, root, "services", "service", pagerduty_read_service);
}
