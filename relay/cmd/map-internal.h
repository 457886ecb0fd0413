/*
 * What the files of "tracepager map" share: the map as text and as other programs read it. Names
 * come from strangers: each writer escapes them for its format. Pure; they own nothing.
 */
#ifndef MAP_INTERNAL_H
#define MAP_INTERNAL_H

#include "table-internal.h"
#include "tracepager/err.h"
#include "tracepager/hash.h"
#include "tracepager/past_map.h"

/* A table for people. */
void map_write_text(const struct service_map_view *view, const struct past_map_basis *basis,
		    const struct screen *screen, struct buf *out);
/* A graph for dot of Graphviz. */
void map_write_dot(const struct service_map_view *view, struct buf *out);
/* A flowchart for Mermaid. */
void map_write_mermaid(const struct service_map_view *view, struct buf *out);
/* What a catalogue has already: "component:checkout" for an entity, and for what it depends on
 * "component:checkout component:ledger"; in lower case, without namespaces. Adds the entities of a
 * file of Backstage's. 0, or -errno with err. (map_catalogue.c) */
int map_catalogue_read(const char *path, struct map *known, struct err *err);
/* Entities for Backstage: what each caller depends on, and callees that no rule names; but what is
 * known (NULL: nothing) is left out. */
void map_write_backstage(const struct service_map_view *view, const struct map *known,
			 struct buf *out);

#endif
