/*
 * Importer of Cortex descriptors: OpenAPI documents with x-cortex- members under info (in older
 * ones at the root). Services and resources are services, teams are teams, domains lend their
 * owners (docs.cortex.io, "Entity descriptor").
 */
#include "catalogue-internal.h"

struct descriptor {
	struct catalogue *catalogue;
	const struct ydoc *doc;
	const struct ynode *root, *info;
	const char *what;
	struct cat_place place;
};

static const struct ynode *cortex_member(const struct descriptor *descriptor, const char *key)
{
	const struct ynode *node = ynode_get(descriptor->info, key);

	return node ? node : ynode_get(descriptor->root, key);
}

static const char *cortex_text(const struct descriptor *descriptor, const struct ynode *map,
			       const char *key)
{
	return cat_text(descriptor->catalogue, descriptor->doc, map, key, descriptor->what);
}

/* Items of a list; 0: there is no list. */
static size_t cortex_items(const struct ynode *list, struct ynode ***ret_items)
{
	if (!list || list->kind != YNODE_LIST)
		return 0;
	*ret_items = list->items;
	return list->n;
}

static void cortex_read_oncall(const struct descriptor *descriptor, struct cat_pager *pager)
{
	const struct ynode *oncall = cortex_member(descriptor, "x-cortex-oncall");

	for (size_t i = 0; oncall && oncall->kind == YNODE_MAP && i < oncall->n; i++) {
		const struct ynode *node = oncall->items[i];
		const char *kind = oncall->keys[i]->text, *id = cortex_text(descriptor, node, "id"),
			   *type = cortex_text(descriptor, node, "type");
		struct cat_place place = cat_place(descriptor->doc, node);
		if (!cat_is(kind, "pagerduty"))
			cat_lose(descriptor->catalogue, LOSS_OTHER_PAGER, place, descriptor->what,
				 "%.100s is not mapped", kind);
		else if (type && !cat_is(type, "SERVICE"))
			cat_lose(descriptor->catalogue, LOSS_OTHER_PAGER, place, descriptor->what,
				 "a PagerDuty %.100s takes no events; only a SERVICE does", type);
		else if (!cat_pager_id(descriptor->catalogue, pager, id, place))
			cat_lose(descriptor->catalogue, LOSS_BAD_KEY, place, descriptor->what,
				 "\"%.100s\" is no id of a PagerDuty service", id ? id : "");
	}
}

static const char *cortex_read_channel(const struct descriptor *descriptor)
{
	struct ynode **channels;
	size_t n = cat_items(cortex_member(descriptor, "x-cortex-slack"), "channels", &channels);

	return n ? cortex_text(descriptor, channels[0], "name") : NULL;
}

/* Reads the owner: the first group among the owners, since people are not paged. */
static void cortex_read_owners(const struct descriptor *descriptor, struct cat_service *service)
{
	struct ynode **owners;
	size_t n = cortex_items(cortex_member(descriptor, "x-cortex-owners"), &owners), groups = 0;
	struct catalogue *catalogue = descriptor->catalogue;

	for (size_t i = 0; i < n; i++) {
		const char *name = cortex_text(descriptor, owners[i], "name");
		if (!name || !cat_is(cortex_text(descriptor, owners[i], "type"), "group"))
			continue;
		struct cat_place place = cat_place(descriptor->doc, owners[i]);
		struct cat_team *team =
			cat_team(catalogue, cat_lower(catalogue, name), name, place);
		if (groups++ == 0 && team) {
			service->owner = team->id;
			service->owner_place = place;
		}
	}
	service->owner_lost = n && !groups;
	if (service->owner_lost)
		cat_lose(catalogue, LOSS_PERSON, cat_place(descriptor->doc, owners[0]),
			 descriptor->what,
			 "left out: its owners are people; no group is among them");
	if (groups > 1)
		cat_lose(catalogue, LOSS_MORE_OWNERS, cat_place(descriptor->doc, owners[0]),
			 descriptor->what, "%zu groups own it; the first is taken", groups);
}

static const char *cortex_domain_id(struct catalogue *catalogue, const char *tag)
{
	return cat_printf(catalogue, "domain:%s", cat_lower(catalogue, tag));
}

/* The tier, from custom metadata or from a group "tier:…"; NULL: none. */
static const char *cortex_read_tier(const struct descriptor *descriptor)
{
	struct ynode **groups;
	size_t n = cortex_items(cortex_member(descriptor, "x-cortex-groups"), &groups);
	const char *tier = cortex_text(
		descriptor, cortex_member(descriptor, "x-cortex-custom-metadata"), "tier");

	if (!n)
		n = cortex_items(cortex_member(descriptor, "x-cortex-service-groups"), &groups);
	for (size_t i = 0; i < n && !tier; i++) {
		const char *group = cat_node_text(descriptor->catalogue, descriptor->doc, groups[i],
						  descriptor->what);
		if (group && strncmp(group, "tier:", 5) == 0 && group[5])
			tier = group + 5;
	}
	return tier;
}

static void cortex_read_service(const struct descriptor *descriptor, const char *tag, bool domain)
{
	struct catalogue *catalogue = descriptor->catalogue;
	const char *id = domain ? cortex_domain_id(catalogue, tag)
				: cat_printf(catalogue, "service:%s", cat_lower(catalogue, tag));
	struct cat_service *service = cat_service(catalogue, id, tag, descriptor->place);
	struct ynode **list;
	size_t n;

	if (!service)
		return;
	service->holder = domain;
	cortex_read_owners(descriptor, service);
	n = cortex_items(cortex_member(descriptor, "x-cortex-domain-parents"), &list);
	if (!n)
		n = cortex_items(cortex_member(descriptor, "x-cortex-parents"), &list);
	const char *parent = n ? cortex_text(descriptor, list[0], "tag") : NULL;
	service->from = parent ? cortex_domain_id(catalogue, parent) : NULL;
	if (domain)
		return;
	cortex_read_oncall(descriptor, &service->pager);
	service->criticality = cortex_read_tier(descriptor);
	n = cortex_items(cortex_member(descriptor, "x-cortex-link"), &list);
	for (size_t i = 0; i < n; i++)
		cat_link(catalogue, descriptor->doc, list[i],
			 cortex_text(descriptor, list[i], "type"), descriptor->what, service);
}

static void cortex_read_team(const struct descriptor *descriptor, const char *tag)
{
	struct catalogue *catalogue = descriptor->catalogue;
	struct cat_team *team =
		cat_team(catalogue, cat_lower(catalogue, tag), tag, descriptor->place);
	struct ynode **parents;
	size_t n;

	if (!team)
		return;
	team->declared = true;
	team->name = tag;
	team->place = descriptor->place;
	team->title = cortex_text(descriptor, descriptor->info, "title");
	team->channel = cortex_read_channel(descriptor);
	n = cortex_items(cortex_member(descriptor, "x-cortex-parents"), &parents);
	const char *parent = n ? cortex_text(descriptor, parents[0], "tag") : NULL;
	if (parent) {
		team->parent = cat_lower(catalogue, parent);
		cat_team(catalogue, team->parent, parent, descriptor->place);
	}
	cortex_read_oncall(descriptor, &team->pager);
}

void import_CORTEX(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *root)
{
	struct descriptor descriptor = { .catalogue = catalogue,
					 .doc = doc,
					 .root = root,
					 .info = ynode_get(root, "info"),
					 .place = cat_place(doc, root) };
	const char *tag = cat_node_text(catalogue, doc, cortex_member(&descriptor, "x-cortex-tag"),
					NULL),
		   *type = cat_node_text(catalogue, doc,
					 cortex_member(&descriptor, "x-cortex-type"), NULL);

	if (!tag) {
		cat_lose(catalogue, LOSS_NOT_AN_ENTRY, descriptor.place, NULL,
			 "it has no x-cortex-tag");
		return;
	}
	catalogue->counts.entries++;
	type = type ? type : "service";
	descriptor.what = cat_printf(catalogue, "%s \"%s\"", type, tag);
	if (cat_is(type, "team"))
		cortex_read_team(&descriptor, tag);
	else
		cortex_read_service(&descriptor, tag, cat_is(type, "domain"));
}
