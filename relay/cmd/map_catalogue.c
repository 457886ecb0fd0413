/*
 * Map, catalogue: what the entities of a catalog-info.yaml depend on already. References are
 * [KIND:][NAMESPACE/]NAME, in upper or lower case (Backstage, "Entity References"); namespaces are
 * left out, as the map's names have none.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"

static const char *catalogue_scalar(const struct ynode *map, const char *key)
{
	const struct ynode *node = ynode_get(map, key);

	return node && node->kind == YNODE_SCALAR && node->text ? node->text : "";
}

/* "component:ledger". kind: of a reference without one. */
static const char *reference_id(struct arena *arena, const char *text, const char *kind)
{
	const char *colon = strchr(text, ':'), *name = colon ? colon + 1 : text,
		   *slash = strchr(name, '/');
	char *id = colon ? arena_printf(arena, "%.*s:%s", (int)(colon - text), text,
					slash ? slash + 1 : name)
			 : arena_printf(arena, "%s:%s", kind, slash ? slash + 1 : name);

	for (char *c = id; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return id;
}

static void add_entity_dependencies(struct arena *arena, const struct ynode *list, const char *id,
				    struct map *known)
{
	for (size_t i = 0; list && list->kind == YNODE_LIST && i < list->n; i++) {
		const struct ynode *node = list->items[i];
		if (node->kind != YNODE_SCALAR || !node->text)
			continue;
		map_put(known,
			arena_printf(arena, "%s %s", id,
				     reference_id(arena, node->text, "component")),
			known);
	}
}

static void add_known_entity(struct arena *arena, const struct ynode *entity, struct map *known)
{
	const char *name = catalogue_scalar(ynode_get(entity, "metadata"), "name");
	const char *kind = catalogue_scalar(entity, "kind");

	if (!*name || !*kind)
		return;
	const char *id = reference_id(arena, arena_printf(arena, "%s:%s", kind, name), "");
	map_put(known, id, known);
	add_entity_dependencies(arena, ynode_get(ynode_get(entity, "spec"), "dependsOn"), id,
				known);
}

int map_catalogue_read(const char *path, struct map *known, struct err *err)
{
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	struct findings findings = { .n = 0 };
	CLEANUP_FREE char *text = NULL;
	struct ydoc doc;
	size_t len;
	int result = ydoc_slurp(path, &text, &len);

	if (result < 0) {
		err_set(err, -result, "%s: %s", path, strerror(-result));
	} else if (ydoc_parse_stream(arena, path, text, len, &doc, &findings) < 0) {
		result = err_set(err, EINVAL,
				 "%s is no YAML that can be read; take a file that "
				 "Backstage has loaded",
				 path);
	} else {
		for (size_t i = 0; i < doc.root->n; i++)
			add_known_entity(arena, doc.root->items[i], known);
	}
	findings_fini(&findings);
	arena_free(arena);
	return result;
}
