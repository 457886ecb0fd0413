/*
 * Config, beside: keys at a wrong depth. Members that stand beside their sender or source, and
 * options of the file that stand among senders or sources, each with one finding that says how to
 * indent them. Owns nothing.
 */
#include "config-internal.h"

#include <string.h>

#include "tracepager/xalloc.h"

/* Sections and options at the top of the file; those of a map by the map's name. */
static bool beside_is_top_option(const char *key)
{
	static const char *const names[] = {
#define OPTION(key, kind, reload, field, value, text) key,
#include "tracepager/tbl/options.def"
#undef OPTION
		"tokens", "senders", "sources"
	};
	const size_t len = strlen(key);

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strncmp(names[i], key, len) == 0 && (!names[i][len] || names[i][len] == '.'))
			return true;
	return false;
}

/* An entry that has what an entry needs is one, whatever its name. */
static bool beside_is_entry(const struct config_entries *entries, const struct ynode *map, size_t i)
{
	return map->items[i]->kind == YNODE_MAP && ynode_get(map->items[i], entries->needed);
}

static bool beside_is_member(const struct config_entries *entries, const struct ynode *map,
			     size_t i)
{
	return i < map->n && entries->is_member(map->keys[i]->text) &&
	       !beside_is_entry(entries, map, i);
}

bool config_is_misplaced(struct config_loading *loading, const struct config_entries *entries,
			 const struct ynode *map, size_t i)
{
	struct arena *arena = loading->config->arena;
	const struct ynode *key = map->keys[i];
	const bool after = i && beside_is_member(entries, map, i - 1);
	const bool told = after || (i && ynode_is_empty(map->items[i - 1]));

	if (beside_is_member(entries, map, i)) {
		if (!told)
			FAULT(loading, key, "C001",
			      arena_printf(arena, "indent it deeper than the %s that it belongs to",
					   entries->one),
			      "\"%s\" is a member of a %s, and stands beside it", key->text,
			      entries->one);
	} else if (ynode_is_empty(map->items[i]) && beside_is_member(entries, map, i + 1)) {
		FAULT(loading, key, "C002",
		      arena_printf(arena, "indent \"%s\" deeper than \"%s\"",
				   map->keys[i + 1]->text, key->text),
		      "%s \"%s\" is empty, and its members stand beside it", entries->one,
		      key->text);
	} else if (beside_is_top_option(key->text) && !beside_is_entry(entries, map, i)) {
		FAULT(loading, key, "C001",
		      arena_printf(arena, "begin its line at the column where \"%ss\" begins",
				   entries->one),
		      "\"%s\" is an option of the file, and stands below \"%ss\"", key->text,
		      entries->one);
	} else {
		return false;
	}
	loading->misplaced = true;
	return true;
}
