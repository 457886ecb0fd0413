/* Web map: what web_fini() frees of the service map. */
#ifndef TRACEPAGER_WEB_MAP_INTERNAL_H
#define TRACEPAGER_WEB_MAP_INTERNAL_H

struct web_map;
void web_map_free(struct web_map *map); /* takes NULL; no job may have it */

#endif
