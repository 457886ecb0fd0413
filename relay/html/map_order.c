/* Map order: the items of each layer from top to bottom. See map_layout-internal.h. */
#include <stdlib.h>
#include <string.h>

#include "map_layout-internal.h"
#include "tracepager/xalloc.h"

/* Sweeps over all layers, to the right and back: more of them rarely change anything. */
#define ORDER_SWEEPS 24
#define PLACE_SWEEPS 12

/* ---- order ---- */

static int order_places(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The median of the places of the item's neighbours on one side; its own place where it has none.
 */
static double median_place(const struct map_item *items, const struct map_item *item, bool left,
			   uint32_t *room)
{
	const uint32_t *near = left ? item->left : item->right;
	const uint32_t n = left ? item->nleft : item->nright;

	if (!n)
		return item->place;
	for (uint32_t i = 0; i < n; i++)
		room[i] = items[near[i]].place;
	qsort(room, n, sizeof(*room), order_places);
	return n % 2 ? room[n / 2] : (room[n / 2 - 1] + room[n / 2]) / 2.0;
}

struct wanted_place {
	double wanted;
	uint32_t place, item;
};

static int order_wanted(const void *a, const void *b)
{
	const struct wanted_place *x = a, *y = b;

	if (x->wanted != y->wanted)
		return x->wanted < y->wanted ? -1 : 1;
	return (x->place > y->place) - (x->place < y->place);
}

static void order_layer(struct map_item *items, struct map_layer *layer, bool left, uint32_t *room,
			struct wanted_place *wanted)
{
	for (uint32_t i = 0; i < layer->n; i++) {
		const struct map_item *item = &items[layer->items[i]];
		wanted[i] = (struct wanted_place){ median_place(items, item, left, room),
						   item->place, layer->items[i] };
	}
	qsort(wanted, layer->n, sizeof(*wanted), order_wanted);
	for (uint32_t i = 0; i < layer->n; i++) {
		layer->items[i] = wanted[i].item;
		items[wanted[i].item].place = i;
	}
}

/* Pairs of lines between a layer and the next that cross: by the places of their right ends, in the
 * order of their left ends, those that were above and end below (Fenwick tree). */
static size_t count_layer_crossings(const struct map_item *items, const struct map_layer *layer,
				    uint32_t *room, uint32_t *tree, uint32_t ntree)
{
	size_t crossings = 0, seen = 0;

	memset(tree, 0, (ntree + 1) * sizeof(*tree));
	for (uint32_t i = 0; i < layer->n; i++) {
		const struct map_item *item = &items[layer->items[i]];
		for (uint32_t j = 0; j < item->nright; j++)
			room[j] = items[item->right[j]].place;
		for (uint32_t j = 0; j < item->nright; j++) {
			size_t above = 0;
			for (uint32_t at = room[j] + 1; at; at -= at & -at)
				above += tree[at];
			crossings += seen - above;
		}
		for (uint32_t j = 0; j < item->nright; j++) {
			for (uint32_t at = room[j] + 1; at <= ntree; at += at & -at)
				tree[at]++;
			seen++;
		}
	}
	return crossings;
}

static void sort_layers(struct map_item *items, size_t nitems, struct map_layer *layers,
			uint32_t nlayers)
{
	CLEANUP_FREE uint32_t *room = xcalloc(nitems + 1, sizeof(*room));
	CLEANUP_FREE uint32_t *tree = xcalloc(nitems + 2, sizeof(*tree));
	CLEANUP_FREE uint32_t *best = xcalloc(nitems + 1, sizeof(*best));
	CLEANUP_FREE struct wanted_place *wanted = xcalloc(nitems + 1, sizeof(*wanted));
	size_t fewest = SIZE_MAX;

	for (int sweep = 0; sweep <= ORDER_SWEEPS; sweep++) {
		size_t crossings = 0;
		for (uint32_t i = 0; i + 1 < nlayers; i++)
			crossings += count_layer_crossings(items, &layers[i], room, tree,
							   layers[i + 1].n);
		if (crossings < fewest) {
			fewest = crossings;
			for (size_t i = 0; i < nitems; i++)
				best[i] = items[i].place;
		}
		for (uint32_t i = 1; i < nlayers && sweep % 2 == 0; i++)
			order_layer(items, &layers[i], true, room, wanted);
		for (uint32_t i = nlayers - 1; i-- && sweep % 2;)
			order_layer(items, &layers[i], false, room, wanted);
	}
	for (uint32_t i = 0; i < nlayers; i++) {
		for (uint32_t j = 0; j < layers[i].n; j++)
			room[best[layers[i].items[j]]] = layers[i].items[j];
		for (uint32_t j = 0; j < layers[i].n; j++) {
			layers[i].items[j] = room[j];
			items[room[j]].place = j;
		}
	}
}

/* ---- heights ---- */

/* Moves the items to where they want to be, as far as their order and their heights let them: down
 * where they overlap the one above, then all by the same, so that on average they are right. None
 * leaves the band from -half to half, in which the items of every layer fit. */
static void place_layer(struct map_item *items, const struct map_layer *layer, double half)
{
	double error = 0, end = -half;

	for (uint32_t i = 0; i < layer->n; i++) {
		struct map_item *item = &items[layer->items[i]];
		item->y = i && item->wanted < end ? end : item->wanted;
		end = item->y + item->height;
		error += item->y - item->wanted;
	}
	end = -half;
	for (uint32_t i = 0; i < layer->n; i++) {
		struct map_item *item = &items[layer->items[i]];
		item->y -= error / layer->n;
		if (item->y < end)
			item->y = end;
		end = item->y + item->height;
	}
	end = half;
	for (uint32_t i = layer->n; i--;) {
		struct map_item *item = &items[layer->items[i]];
		if (item->y + item->height > end)
			item->y = end - item->height;
		end = item->y;
	}
}

static void want_beside(struct map_item *items, const struct map_layer *layer, bool left)
{
	for (uint32_t i = 0; i < layer->n; i++) {
		struct map_item *item = &items[layer->items[i]];
		const uint32_t *near = left ? item->left : item->right;
		const uint32_t n = left ? item->nleft : item->nright;
		double sum = 0;
		for (uint32_t j = 0; j < n; j++)
			sum += items[near[j]].y + items[near[j]].height / 2;
		item->wanted = n ? sum / n - item->height / 2 : item->y;
	}
}

static void place_items(struct map_item *items, size_t nitems, const struct map_layer *layers,
			uint32_t nlayers)
{
	double least = 0, half = 0;

	for (uint32_t i = 0; i < nlayers; i++) {
		double y = 0;
		for (uint32_t j = 0; j < layers[i].n; j++) {
			struct map_item *item = &items[layers[i].items[j]];
			item->y = item->wanted = y;
			y += item->height;
		}
		for (uint32_t j = 0; j < layers[i].n; j++)
			items[layers[i].items[j]].y -= y / 2;
		half = y / 2 > half ? y / 2 : half;
	}
	for (int sweep = 0; sweep < PLACE_SWEEPS; sweep++)
		for (uint32_t i = 1; i < nlayers; i++) {
			const uint32_t at = sweep % 2 ? nlayers - 1 - i : i;
			want_beside(items, &layers[at], sweep % 2 == 0);
			place_layer(items, &layers[at], half);
		}
	for (size_t i = 0; i < nitems; i++)
		if (i == 0 || items[i].y < least)
			least = items[i].y;
	for (size_t i = 0; i < nitems; i++)
		items[i].y -= least;
}

void map_order(struct map_item *items, size_t nitems, struct map_layer *layers, uint32_t nlayers)
{
	for (uint32_t i = 0; i < nlayers; i++)
		for (uint32_t j = 0; j < layers[i].n; j++)
			items[layers[i].items[j]].place = j;
	sort_layers(items, nitems, layers, nlayers);
	place_items(items, nitems, layers, nlayers);
}
