/*
 * Map layout: where the services of a map stand. Callers are left of what they call: a service's
 * layer is the longest way from a service that nobody calls. Within a layer the order keeps
 * crossing lines few (medians of neighbours). A call that closes a circle is drawn backwards.
 *
 * Pure: the same map gives the same layout; any thread.
 */
#ifndef TRACEPAGER_MAP_LAYOUT_INTERNAL_H
#define TRACEPAGER_MAP_LAYOUT_INTERNAL_H

#include "tracepager/service_map.h"

/* In units of the drawing: a box, and what is between boxes. */
#define MAP_BOX_WIDTH  164
#define MAP_BOX_HEIGHT 36
#define MAP_GAP_X      76
#define MAP_GAP_X_WIDE 130 /* where there are more than MAP_MANY_LINES lines */
#define MAP_MANY_LINES 120
#define MAP_GAP_Y      10
/* A line that passes a layer takes so much of its height. */
#define MAP_LANE 7
#define MAP_EDGE 12 /* around the drawing */

struct map_point {
	double x, y;
};

struct map_line {
	const struct map_point *points; /* where it passes layers, from caller to callee */
	size_t npoints;
	bool backwards; /* it closes a circle */
};

/* Of a view's nodes and edges, by their indexes. Kept by the arena. */
struct map_layout {
	struct map_point *boxes; /* upper left corners */
	uint32_t *layers;
	struct map_line *lines;
	uint32_t nlayers;
	double width, height;
};

void map_layout_make(struct arena *arena, const struct service_map_view *view,
		     struct map_layout *ret_layout);

/* ---- between map_layout.c and map_order.c ---- */

/* What stands in a layer: a node, or a place where a line passes. */
struct map_item {
	uint32_t layer;
	double y, height, wanted;
	uint32_t *left, *right; /* items that it has lines to, in the layers beside it */
	uint32_t nleft, nright;
	uint32_t place; /* in its layer, from the top */
};

struct map_layer {
	uint32_t *items; /* in their order */
	uint32_t n;
};

/* Orders the items of all layers so that few lines cross, and gives them their y. */
void map_order(struct map_item *items, size_t nitems, struct map_layer *layers, uint32_t nlayers);

#endif
