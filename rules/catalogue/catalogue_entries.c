/*
 * The tool belt of importers: texts of a document, checked and capped, and the teams and services
 * that an importer finds. All is kept by the arena of the catalogue.
 */
#include <strings.h>

#include "catalogue-internal.h"

const char *cat_lower(struct catalogue *catalogue, const char *text)
{
	char *copy = arena_strdup(catalogue->arena, text);

	for (char *c = copy; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 32);
	return copy;
}

const char *cat_slug(struct catalogue *catalogue, const char *text)
{
	char *copy = arena_strdup(catalogue->arena, text), *out = copy;

	for (const char *c = text; *c; c++) {
		char lower = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
		bool kept = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ||
			    (unsigned char)lower >= 0x80;
		if (kept)
			*out++ = lower;
		else if (out > copy && out[-1] != '_')
			*out++ = '_';
	}
	if (out > copy && out[-1] == '_')
		out--;
	*out = '\0';
	return copy;
}

bool cat_is(const char *text, const char *word)
{
	return text && strcasecmp(text, word) == 0;
}

const char *cat_node_text(struct catalogue *catalogue, const struct ydoc *doc,
			  const struct ynode *node, const char *what)
{
	if (!node || node->bad || ynode_is_empty(node))
		return NULL;
	if (node->kind != YNODE_SCALAR) {
		bool elsewhere = node->kind == YNODE_MAP && node->n && *node->keys[0]->text == '$';
		cat_lose(catalogue, elsewhere ? LOSS_PLACEHOLDER : LOSS_UNREADABLE,
			 cat_place(doc, node), what,
			 elsewhere ? "a value is kept in another file"
				   : "a text was expected here");
		return NULL;
	}
	if (strlen(node->text) > LIMIT_CATALOGUE_TEXT_BYTES) {
		cat_lose(catalogue, LOSS_LIMIT, cat_place(doc, node), what,
			 "a text has more than %u bytes", LIMIT_CATALOGUE_TEXT_BYTES);
		return NULL;
	}
	return *node->text ? node->text : NULL;
}

const char *cat_text(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *map,
		     const char *key, const char *what)
{
	return cat_node_text(catalogue, doc, ynode_get(map, key), what);
}

const char *cat_url(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *map,
		    const char *key, const char *what)
{
	const char *text = cat_text(catalogue, doc, map, key, what);

	if (!text || ytext_is_url(text))
		return text;
	cat_lose(catalogue, LOSS_BAD_URL, cat_place(doc, ynode_get(map, key)), what,
		 "\"%.100s\" is not a whole URL", text);
	return NULL;
}

size_t cat_items(const struct ynode *map, const char *key, struct ynode ***ret_items)
{
	const struct ynode *list = ynode_get(map, key);

	if (!list || list->kind != YNODE_LIST)
		return 0;
	*ret_items = list->items;
	return list->n;
}

static bool catalogue_is_full(struct catalogue *catalogue, struct cat_place place)
{
	if (catalogue->teams.n + catalogue->services.n < LIMIT_CATALOGUE_ENTRIES)
		return false;
	cat_lose(catalogue, LOSS_LIMIT, place, NULL, "an import takes %u entries; this is one more",
		 LIMIT_CATALOGUE_ENTRIES);
	return true;
}

struct cat_team *cat_team(struct catalogue *catalogue, const char *id, const char *name,
			  struct cat_place place)
{
	struct cat_team *team = map_get(catalogue->team_ids, id);

	if (team || catalogue_is_full(catalogue, place))
		return team;
	team = arena_alloc(catalogue->arena, sizeof(*team));
	team->id = arena_strdup(catalogue->arena, id);
	team->name = arena_strdup(catalogue->arena, name);
	team->place = place;
	map_put(catalogue->team_ids, id, team);
	cat_list_push(&catalogue->teams, team);
	return team;
}

struct cat_service *cat_service(struct catalogue *catalogue, const char *id, const char *name,
				struct cat_place place)
{
	struct cat_service *service;

	if (catalogue_is_full(catalogue, place))
		return NULL;
	service = arena_alloc(catalogue->arena, sizeof(*service));
	service->id = arena_strdup(catalogue->arena, id);
	service->name = arena_strdup(catalogue->arena, name);
	service->place = service->owner_place = place;
	service->number = catalogue->services.n;
	if (!map_get(catalogue->service_ids, id))
		map_put(catalogue->service_ids, id, service);
	cat_list_push(&catalogue->services, service);
	return service;
}

void cat_alias(struct catalogue *catalogue, const struct cat_service *service, const char *alias,
	       struct cat_place place)
{
	struct cat_service *other;

	if (strcmp(alias, service->name) == 0)
		return;
	other = cat_service(catalogue, cat_printf(catalogue, "alias:%s", alias), alias, place);
	if (!other)
		return;
	const char *id = other->id, *name = other->name;
	size_t number = other->number;
	*other = *service;
	other->id = id;
	other->name = name;
	other->number = number;
	other->place = place;
	other->alias_of = service->name;
	other->rank = service->rank + 10; /* behind every entry that has the name itself */
}

/* An integration key of PagerDuty has 32 letters and digits. */
static bool is_integration_key(const char *text)
{
	size_t n = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return n == 32 && !text[n];
}

void cat_pager_key(struct catalogue *catalogue, struct cat_pager *pager, const char *key,
		   struct cat_place place, const char *what)
{
	if (!key)
		return;
	if (!is_integration_key(key)) {
		cat_lose(catalogue, LOSS_BAD_KEY, place, what,
			 "an integration key has 32 letters and digits, unlike this text of %zu "
			 "bytes",
			 strlen(key));
		return;
	}
	pager->key = arena_strdup(catalogue->arena, key);
	pager->place = place;
}

bool cat_pager_id(struct catalogue *catalogue, struct cat_pager *pager, const char *text,
		  struct cat_place place)
{
	static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *at = text, *part;

	if (!text)
		return false;
	if (ytext_is_url(text)) {
		const char *host = strstr(text, "://") + 3;
		part = memmem(host, strcspn(host, "/"), "pagerduty.com", 13);
		at = part ? strstr(part, "/service-directory/") : NULL;
		if (!at)
			at = part ? strstr(part, "/services/") : NULL;
		if (!at)
			return false;
		at = strchr(at + 1, '/') + 1;
	}
	size_t n = strspn(at, letters);
	if (n < 4 || n > 32 || (at[n] && !strchr("/?#", at[n])) || (at == text && at[n]))
		return false;
	pager->id = arena_strndup(catalogue->arena, at, n);
	if (!pager->key)
		pager->place = place;
	return true;
}

void cat_link(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *link,
	      const char *type, const char *what, struct cat_service *service)
{
	const char **slot = cat_is(type, "runbook")	? &service->runbook
			    : cat_is(type, "dashboard") ? &service->dashboard
							: NULL;

	if (slot && !*slot)
		*slot = cat_url(catalogue, doc, link, "url", what);
}

void cat_target(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *node,
		const char *what)
{
	const char *path = cat_node_text(catalogue, doc, node, what);
	struct cat_target *target;

	if (!path)
		return;
	if (strstr(path, "://") || *path == '/' || strchr(path, '*')) {
		cat_lose(catalogue, LOSS_NOT_FOLLOWED, cat_place(doc, node), what,
			 "\"%.200s\" is not read: only files within the directory are", path);
		return;
	}
	if (catalogue->targets.n == LIMIT_CATALOGUE_FILES)
		return; /* catalogue_read() reports that there are too many */
	target = arena_alloc(catalogue->arena, sizeof(*target));
	target->path = path;
	target->place = cat_place(doc, node);
	cat_list_push(&catalogue->targets, target);
}

const char *cat_rule_key(struct catalogue *catalogue, struct map *taken, const char *name,
			 const char *qualifier)
{
	char *key = arena_strdup(catalogue->arena, name);
	const char *base;

	for (char *c = key; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || strchr("*?[\\", *c))
			*c = '_';
	base = key;
	if (map_get(taken, key) && qualifier)
		base = key = cat_printf(catalogue, "%s-%s", qualifier, key);
	for (unsigned int i = 2; map_get(taken, key); i++)
		key = cat_printf(catalogue, "%s-%u", base, i);
	map_put(taken, key, catalogue);
	return key;
}

bool cat_is_rule_name(const char *name)
{
	return *name && strlen(name) <= LIMIT_RULE_NAME_BYTES;
}
