/*
 * Importer of Backstage entities: Component and Resource are services; Group and User are teams;
 * System and Domain lend their owners; Location names more files. References are
 * [KIND:][NAMESPACE/]NAME, in upper or lower case (Backstage, "Entity References").
 */
#include "catalogue-internal.h"

struct entity {
	struct catalogue *catalogue;
	const struct ydoc *doc;
	const struct ynode *root, *metadata, *spec, *annotations;
	const char *kind, *name, *namespace, *what;
	struct cat_place place;
};

static const char *backstage_text(const struct entity *entity, const struct ynode *map,
				  const char *key)
{
	return cat_text(entity->catalogue, entity->doc, map, key, entity->what);
}

/* The id of an entity: "kind:namespace/name" in lower case. */
static const char *backstage_id(struct catalogue *catalogue, const char *kind,
				const char *namespace, const char *name)
{
	return cat_lower(catalogue, cat_printf(catalogue, "%s:%s/%s", kind, namespace, name));
}

static const char *backstage_part(const struct entity *entity, const char *start, const char *end)
{
	return cat_printf(entity->catalogue, "%.*s", (int)(end - start), start);
}

/* Reads a reference, as text or as a map. Returns the id that it names, or NULL; the name and
 * kind as written. */
static const char *backstage_read_ref(const struct entity *entity, const struct ynode *node,
				      const char *kind, const char **ret_name,
				      const char **ret_kind)
{
	const char *namespace = entity->namespace, *name, *colon, *slash;

	*ret_kind = kind;
	if (node && node->kind == YNODE_MAP && ynode_get(node, "name")) {
		const char *given = backstage_text(entity, node, "kind");
		*ret_name = backstage_text(entity, node, "name");
		*ret_kind = given ? given : kind;
		given = backstage_text(entity, node, "namespace");
		return *ret_name ? backstage_id(entity->catalogue, *ret_kind,
						given ? given : namespace, *ret_name)
				 : NULL;
	}
	name = cat_node_text(entity->catalogue, entity->doc, node, entity->what);
	if (!name)
		return NULL;
	colon = strchr(name, ':');
	slash = strchr(colon ? colon : name, '/');
	if (colon)
		*ret_kind = backstage_part(entity, name, colon);
	if (slash)
	namespace = backstage_part(entity, colon ? colon + 1 : name, slash);
	*ret_name = slash ? slash + 1 : colon ? colon + 1 : name;
	return **ret_name ? backstage_id(entity->catalogue, *ret_kind, namespace, *ret_name) : NULL;
}

/* The value of the first label or annotation with this name, the domain before its slash left
 * out. */
static const char *backstage_by_last_word(const struct entity *entity, const char *word)
{
	const struct ynode *maps[] = { ynode_get(entity->metadata, "labels"), entity->annotations };

	for (size_t i = 0; i < ARRAY_LEN(maps); i++)
		for (size_t j = 0; maps[i] && maps[i]->kind == YNODE_MAP && j < maps[i]->n; j++) {
			const char *key = maps[i]->keys[j]->text, *slash = strrchr(key, '/');
			if (cat_is(slash ? slash + 1 : key, word))
				return cat_node_text(entity->catalogue, entity->doc,
						     maps[i]->items[j], entity->what);
		}
	return NULL;
}

/* Reads the annotations that say how an entity is paged. */
static void backstage_read_pager(const struct entity *entity, struct cat_pager *pager)
{
	static const char *const others[] = { "opsgenie.com/component-selector",
					      "opsgenie.com/team",
					      "goalert.io/app-id",
					      "splunk.com/on-call-team",
					      "victorops.com/team",
					      "ilert.com/integration-key",
					      "firehydrant.com/service-name",
					      "rootly.com/service-id",
					      "rootly.com/service-slug",
					      "incident.io/service-id" };
	static const char key[] = "pagerduty.com/integration-key",
			  id[] = "pagerduty.com/service-id";
	struct catalogue *catalogue = entity->catalogue;

	cat_pager_key(catalogue, pager, backstage_text(entity, entity->annotations, key),
		      cat_place(entity->doc, ynode_get(entity->annotations, key)), entity->what);
	const char *service = backstage_text(entity, entity->annotations, id);
	struct cat_place place = cat_place(entity->doc, ynode_get(entity->annotations, id));
	if (service && !cat_pager_id(catalogue, pager, service, place))
		cat_lose(catalogue, LOSS_BAD_KEY, place, entity->what,
			 "\"%.100s\" is no id of a PagerDuty service", service);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		const struct ynode *node = ynode_get(entity->annotations, others[i]);
		if (node)
			cat_lose(catalogue, LOSS_OTHER_PAGER, cat_place(entity->doc, node),
				 entity->what, "%s is not mapped", others[i]);
	}
}

/* What a link leads to, by its type, its title or its icon: all three are free text. */
static const char *backstage_link_type(const struct entity *entity, const struct ynode *link)
{
	static const char *const keys[] = { "type", "title", "icon" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *words = backstage_text(entity, link, keys[i]);
		if (!words)
			continue;
		if (strcasestr(words, "runbook") || strcasestr(words, "playbook"))
			return "runbook";
		if (strcasestr(words, "dashboard"))
			return "dashboard";
	}
	return NULL;
}

static void backstage_read_links(const struct entity *entity, struct cat_service *service)
{
	struct ynode **links;
	size_t n = cat_items(entity->metadata, "links", &links);

	for (size_t i = 0; i < n; i++)
		cat_link(entity->catalogue, entity->doc, links[i],
			 backstage_link_type(entity, links[i]), entity->what, service);
}

/* Reads the owner, a Group where the reference names no kind, and the parent that lends its
 * owner. */
static void backstage_read_owner(const struct entity *entity, struct cat_service *service)
{
	static const struct {
		const char *key, *kind;
	} parents[] = { { "subcomponentOf", "component" },
			{ "system", "system" },
			{ "domain", "domain" },
			{ "subdomainOf", "domain" } };
	const struct ynode *node = ynode_get(entity->spec, "owner");
	const char *name, *kind, *id = backstage_read_ref(entity, node, "group", &name, &kind);

	for (size_t i = 0; i < ARRAY_LEN(parents) && !service->from; i++) {
		const char *parent_name, *parent_kind;
		service->from = backstage_read_ref(entity, ynode_get(entity->spec, parents[i].key),
						   parents[i].kind, &parent_name, &parent_kind);
	}
	if (!id)
		return;
	service->owner_place = cat_place(entity->doc, node);
	struct cat_team *team = cat_team(entity->catalogue, id, name, cat_place(entity->doc, node));
	if (!team)
		return;
	if (!team->declared)
		team->person = cat_is(kind, "user");
	service->owner = team->id;
}

static void backstage_read_service(const struct entity *entity, bool holder, unsigned int rank)
{
	const char *id =
		backstage_id(entity->catalogue, entity->kind, entity->namespace, entity->name);
	struct cat_service *service =
		cat_service(entity->catalogue, id, entity->name, entity->place);

	if (!service)
		return;
	service->holder = holder;
	service->rank = rank + (strcmp(entity->namespace, "default") != 0);
	backstage_read_owner(entity, service);
	if (holder)
		return;
	backstage_read_pager(entity, &service->pager);
	backstage_read_links(entity, service);
	service->criticality = backstage_by_last_word(entity, "criticality");
	if (!service->criticality)
		service->criticality = backstage_by_last_word(entity, "tier");
}

static void backstage_read_team(const struct entity *entity, bool person)
{
	struct catalogue *catalogue = entity->catalogue;
	const char *id = backstage_id(catalogue, entity->kind, entity->namespace, entity->name);
	const struct ynode *profile = ynode_get(entity->spec, "profile");
	struct cat_team *team = cat_team(catalogue, id, entity->name, entity->place);
	const char *name, *kind;
	struct ynode **groups;

	if (!team)
		return;
	if (team->declared) {
		cat_lose(catalogue, LOSS_DUPLICATE, entity->place, entity->what,
			 "it is given twice; the one at %s:%d counts", team->place.doc->file,
			 team->place.line);
		return;
	}
	team->declared = true;
	team->place = entity->place;
	team->name = entity->name;
	team->person = person;
	if (strcmp(entity->namespace, "default") != 0)
		team->qualifier = entity->namespace;
	team->title = backstage_text(entity, profile, "displayName");
	if (!team->title)
		team->title = backstage_text(entity, entity->metadata, "title");
	team->channel = backstage_by_last_word(entity, "slack-channel");
	if (!person) {
		team->parent = backstage_read_ref(entity, ynode_get(entity->spec, "parent"),
						  "group", &name, &kind);
		backstage_read_pager(entity, &team->pager);
	} else if (cat_items(entity->spec, "memberOf", &groups) == 1) {
		team->parent = backstage_read_ref(entity, groups[0], "group", &name, &kind);
	}
	if (team->parent)
		cat_team(catalogue, team->parent, name, entity->place);
}

static void backstage_read_location(const struct entity *entity)
{
	struct ynode **targets;
	size_t n = cat_items(entity->spec, "targets", &targets);
	const struct ynode *target = ynode_get(entity->spec, "target");

	if (target)
		cat_target(entity->catalogue, entity->doc, target, entity->what);
	for (size_t i = 0; i < n; i++)
		cat_target(entity->catalogue, entity->doc, targets[i], entity->what);
}

static void backstage_read_kind(const struct entity *entity)
{
	if (cat_is(entity->kind, "component"))
		backstage_read_service(entity, false, 0);
	else if (cat_is(entity->kind, "resource"))
		backstage_read_service(entity, false, 2);
	else if (cat_is(entity->kind, "system") || cat_is(entity->kind, "domain"))
		backstage_read_service(entity, true, 0);
	else if (cat_is(entity->kind, "group") || cat_is(entity->kind, "user"))
		backstage_read_team(entity, cat_is(entity->kind, "user"));
	else if (cat_is(entity->kind, "location"))
		backstage_read_location(entity);
	else
		cat_lose(entity->catalogue, LOSS_KIND, entity->place, entity->what,
			 "rules have no place for it");
}

static void backstage_read_entity(struct catalogue *catalogue, const struct ydoc *doc,
				  const struct ynode *root)
{
	struct entity entity = { .catalogue = catalogue,
				 .doc = doc,
				 .root = root,
				 .metadata = ynode_get(root, "metadata"),
				 .spec = ynode_get(root, "spec"),
				 .place = cat_place(doc, root) };

	entity.annotations = ynode_get(entity.metadata, "annotations");
	entity.kind = cat_text(catalogue, doc, root, "kind", NULL);
	if (!entity.kind || !entity.metadata || !ynode_get(root, "apiVersion")) {
		cat_lose(catalogue, LOSS_NOT_AN_ENTRY, entity.place, NULL,
			 "it has no apiVersion, kind and metadata");
		return;
	}
	catalogue->counts.entries++;
	entity.kind = cat_lower(catalogue, entity.kind);
	entity.name = cat_text(catalogue, doc, entity.metadata, "name", entity.kind);
	if (!entity.name) {
		if (!cat_is(entity.kind, "location"))
			cat_lose(catalogue, LOSS_NO_NAME, entity.place, entity.kind,
				 "metadata.name is missing");
		entity.name = "";
		if (!cat_is(entity.kind, "location"))
			return;
	}
	entity.what = cat_printf(catalogue, "%s \"%s\"", entity.kind, entity.name);
	entity.namespace = backstage_text(&entity, entity.metadata, "namespace");
	entity.namespace = entity.namespace ? cat_lower(catalogue, entity.namespace) : "default";
	backstage_read_kind(&entity);
}

void import_BACKSTAGE(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *root)
{
	struct ynode **items;
	size_t n = cat_items(root, "items", &items); /* an answer of the catalog API */

	if (root->kind == YNODE_LIST) {
		items = root->items;
		n = root->n;
	}
	if (n == 0)
		backstage_read_entity(catalogue, doc, root);
	for (size_t i = 0; i < n; i++)
		backstage_read_entity(catalogue, doc, items[i]);
}
