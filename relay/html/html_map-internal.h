/*
 * What the files of the service map's page share. Pure; any thread.
 */
#ifndef TRACEPAGER_HTML_MAP_INTERNAL_H
#define TRACEPAGER_HTML_MAP_INTERNAL_H

#include "tracepager/html_pages.h"

/* The drawing (html_map_drawing.c); services of the name that was asked for (NULL: none) stand out.
 */
void html_map_drawing(struct html *html, const struct service_map_view *view, const char *asked);
/* "3 %", "0.4 %", "<0.1 %": of n, which is not 0. */
void html_map_percent(struct html *html, int64_t part, int64_t n);
/* The query that shows a service with what is next to it: ?service=NAME. */
void html_map_neighbours(struct html *html, const struct service_node *node);

#endif
