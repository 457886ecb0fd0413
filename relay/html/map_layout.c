/*
 * Map layout: layers, the lines through them, and coordinates. See map_layout-internal.h. Work
 * arrays are the arena's: a map has at most some hundred services.
 */
#include "map_layout-internal.h"

#include <string.h>

#define ROW (MAP_BOX_HEIGHT + MAP_GAP_Y)

struct layout_work {
	struct arena *arena;
	const struct service_map_view *view;
	struct map_layout *layout;
	/* Of each node: where its edges are in `calls`, edges sorted by caller. */
	uint32_t *first_call;
	bool *has_edges;
	struct map_item *items; /* the nodes come first */
	size_t nitems;
	struct map_layer *layers;
	uint32_t **passes; /* of each edge: its items between the two ends, from left to right */
	uint32_t *npasses;
};

/* ---- circles ---- */

/* A node whose calls are being followed. */
struct follow_step {
	uint32_t node, next; /* the next edge */
};

enum follow_state { FOLLOW_NEW, FOLLOW_OPEN, FOLLOW_DONE };

/* Follows all calls from a node, depth first; a call of what is being followed closes a circle. */
static void follow_calls(struct layout_work *work, uint32_t start, unsigned char *states,
			 struct follow_step *stack)
{
	const struct service_edge *edges = work->view->edges;
	size_t depth = 1;

	if (states[start] != FOLLOW_NEW)
		return;
	states[start] = FOLLOW_OPEN;
	stack[0] = (struct follow_step){ start, work->first_call[start] };
	while (depth) {
		struct follow_step *top = &stack[depth - 1];
		if (top->next == work->first_call[top->node + 1]) {
			states[top->node] = FOLLOW_DONE;
			depth--;
			continue;
		}
		const uint32_t edge = top->next++, to = edges[edge].to;
		if (states[to] == FOLLOW_OPEN) {
			work->layout->lines[edge].backwards = true;
		} else if (states[to] == FOLLOW_NEW) {
			states[to] = FOLLOW_OPEN;
			stack[depth++] = (struct follow_step){ to, work->first_call[to] };
		}
	}
}

static void find_circles(struct layout_work *work)
{
	const struct service_map_view *view = work->view;
	unsigned char *states = arena_alloc(work->arena, view->nnodes + 1);
	bool *is_called = arena_alloc(work->arena, view->nnodes + 1);
	struct follow_step *stack = arena_array(work->arena, view->nnodes + 1, sizeof(*stack));

	for (size_t i = 0; i < view->nedges; i++)
		is_called[view->edges[i].to] = true;
	for (uint32_t i = 0; i < view->nnodes; i++)
		if (!is_called[i])
			follow_calls(work, i, states, stack);
	for (uint32_t i = 0; i < view->nnodes; i++)
		follow_calls(work, i, states, stack);
}

/* ---- layers ---- */

static uint32_t left_end(const struct layout_work *work, size_t edge)
{
	return work->layout->lines[edge].backwards ? work->view->edges[edge].to
						   : work->view->edges[edge].from;
}

static uint32_t right_end(const struct layout_work *work, size_t edge)
{
	return work->layout->lines[edge].backwards ? work->view->edges[edge].from
						   : work->view->edges[edge].to;
}

/* The longest way: as many rounds as there are layers, each over all edges. */
static void find_layers(struct layout_work *work)
{
	const struct service_map_view *view = work->view;
	uint32_t *layers = work->layout->layers;

	for (bool changed = true; changed;) {
		changed = false;
		for (size_t i = 0; i < view->nedges; i++) {
			const uint32_t left = left_end(work, i), right = right_end(work, i);
			if (layers[right] <= layers[left]) {
				layers[right] = layers[left] + 1;
				changed = true;
			}
		}
	}
}

/* What nothing is left of goes as near to what it calls as it can. */
static void pull_first_layer(struct layout_work *work)
{
	const struct service_map_view *view = work->view;
	uint32_t *layers = work->layout->layers;
	uint32_t *nearest = arena_array(work->arena, view->nnodes + 1, sizeof(*nearest));

	for (size_t i = 0; i < view->nedges; i++) {
		const uint32_t left = left_end(work, i), right = layers[right_end(work, i)];
		if (!nearest[left] || right < nearest[left])
			nearest[left] = right;
	}
	for (size_t i = 0; i < view->nnodes; i++)
		if (layers[i] == 0 && nearest[i] > 1)
			layers[i] = nearest[i] - 1;
}

/* ---- items ---- */

static void link_items(struct layout_work *work, uint32_t left, uint32_t right, bool count)
{
	struct map_item *a = &work->items[left], *b = &work->items[right];

	if (!count) {
		a->right[a->nright] = right;
		b->left[b->nleft] = left;
	}
	a->nright++;
	b->nleft++;
}

static void link_all(struct layout_work *work, bool count)
{
	for (size_t i = 0; i < work->view->nedges; i++) {
		uint32_t last = left_end(work, i);
		for (uint32_t j = 0; j < work->npasses[i]; j++) {
			link_items(work, last, work->passes[i][j], count);
			last = work->passes[i][j];
		}
		link_items(work, last, right_end(work, i), count);
	}
}

static void make_passes(struct layout_work *work, size_t edge)
{
	const uint32_t first = work->layout->layers[left_end(work, edge)],
		       last = work->layout->layers[right_end(work, edge)];

	work->npasses[edge] = last - first - 1;
	work->passes[edge] = arena_array(work->arena, last - first, sizeof(uint32_t));
	for (uint32_t layer = first + 1; layer < last; layer++) {
		work->items[work->nitems] = (struct map_item){ .layer = layer, .height = MAP_LANE };
		work->passes[edge][layer - first - 1] = (uint32_t)work->nitems++;
	}
}

static void make_items(struct layout_work *work)
{
	const struct service_map_view *view = work->view;
	const uint32_t *layers = work->layout->layers;
	size_t most = view->nnodes;

	for (size_t i = 0; i < view->nedges; i++)
		most += layers[right_end(work, i)] - layers[left_end(work, i)] - 1;
	work->items = arena_array(work->arena, most + 1, sizeof(*work->items));
	work->passes = arena_array(work->arena, view->nedges + 1, sizeof(*work->passes));
	work->npasses = arena_array(work->arena, view->nedges + 1, sizeof(*work->npasses));
	for (size_t i = 0; i < view->nnodes; i++)
		work->items[i] = (struct map_item){ .layer = layers[i], .height = ROW };
	work->nitems = view->nnodes;
	for (size_t i = 0; i < view->nedges; i++)
		make_passes(work, i);
	link_all(work, true);
	for (size_t i = 0; i < work->nitems; i++) {
		struct map_item *item = &work->items[i];
		item->left = arena_array(work->arena, item->nleft + 1, sizeof(uint32_t));
		item->right = arena_array(work->arena, item->nright + 1, sizeof(uint32_t));
		item->nleft = item->nright = 0;
	}
	link_all(work, false);
}

/* Nodes without any edge stand in rows below all others. */
static bool stands_below(const struct layout_work *work, size_t item)
{
	return item < work->view->nnodes && !work->has_edges[item];
}

static void fill_layers(struct layout_work *work)
{
	struct map_layout *layout = work->layout;

	layout->nlayers = 1;
	for (size_t i = 0; i < work->nitems; i++)
		if (work->items[i].layer >= layout->nlayers)
			layout->nlayers = work->items[i].layer + 1;
	work->layers = arena_array(work->arena, layout->nlayers, sizeof(*work->layers));
	for (size_t i = 0; i < work->nitems; i++)
		if (!stands_below(work, i))
			work->layers[work->items[i].layer].n++;
	for (uint32_t i = 0; i < layout->nlayers; i++) {
		work->layers[i].items =
			arena_array(work->arena, work->layers[i].n + 1, sizeof(uint32_t));
		work->layers[i].n = 0;
	}
	for (size_t i = 0; i < work->nitems; i++) {
		struct map_layer *layer = &work->layers[work->items[i].layer];
		if (!stands_below(work, i))
			layer->items[layer->n++] = (uint32_t)i;
	}
}

/* ---- coordinates ---- */

static double gap_x(const struct layout_work *work)
{
	return work->view->nedges > MAP_MANY_LINES ? MAP_GAP_X_WIDE : MAP_GAP_X;
}

static double column_x(const struct layout_work *work, uint32_t layer)
{
	return MAP_EDGE + (MAP_BOX_WIDTH + gap_x(work)) * layer;
}

static void place_boxes(struct layout_work *work)
{
	struct map_layout *layout = work->layout;
	double bottom = MAP_EDGE;
	uint32_t column = 0, columns = layout->nlayers < 5 ? 5 : layout->nlayers, used = 0;

	for (size_t i = 0; i < work->nitems; i++) {
		const struct map_item *item = &work->items[i];
		if (!stands_below(work, i) && MAP_EDGE + item->y + item->height > bottom)
			bottom = MAP_EDGE + item->y + item->height;
	}
	for (size_t i = 0; i < work->view->nnodes; i++) {
		if (!stands_below(work, i)) {
			layout->boxes[i] = (struct map_point){ column_x(work, layout->layers[i]),
							       MAP_EDGE + work->items[i].y };
			used = layout->layers[i] >= used ? layout->layers[i] + 1 : used;
			continue;
		}
		layout->boxes[i] = (struct map_point){ column_x(work, column), bottom };
		used = column >= used ? column + 1 : used;
		column = (column + 1) % columns;
		bottom += column ? 0 : ROW;
	}
	layout->width = used ? column_x(work, used) - gap_x(work) + MAP_EDGE : 2.0 * MAP_EDGE;
	layout->height = bottom + (column ? ROW : 0) + MAP_EDGE - MAP_GAP_Y;
}

static void place_map_line(struct layout_work *work, size_t edge)
{
	struct map_line *line = &work->layout->lines[edge];
	const uint32_t n = work->npasses[edge];
	struct map_point *points = arena_array(work->arena, 2 * (size_t)n + 1, sizeof(*points));

	/* A line passes a layer level, from one side of its boxes to the other. */
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t at = line->backwards ? n - 1 - i : i;
		const struct map_item *item = &work->items[work->passes[edge][at]];
		const double left = column_x(work, item->layer), right = left + MAP_BOX_WIDTH,
			     y = MAP_EDGE + item->y + item->height / 2;
		points[2 * i] = (struct map_point){ line->backwards ? right : left, y };
		points[2 * i + 1] = (struct map_point){ line->backwards ? left : right, y };
	}
	line->points = points;
	line->npoints = 2 * (size_t)n;
}

void map_layout_make(struct arena *arena, const struct service_map_view *view,
		     struct map_layout *ret_layout)
{
	struct layout_work work = { .arena = arena, .view = view, .layout = ret_layout };

	*ret_layout = (struct map_layout){
		.boxes = arena_array(arena, view->nnodes + 1, sizeof(struct map_point)),
		.layers = arena_array(arena, view->nnodes + 1, sizeof(uint32_t)),
		.lines = arena_array(arena, view->nedges + 1, sizeof(struct map_line)),
	};
	work.first_call = arena_array(arena, view->nnodes + 2, sizeof(uint32_t));
	work.has_edges = arena_alloc(arena, view->nnodes + 1);
	for (size_t i = 0; i < view->nedges; i++) {
		work.first_call[view->edges[i].from + 1]++;
		work.has_edges[view->edges[i].from] = work.has_edges[view->edges[i].to] = true;
	}
	for (size_t i = 0; i < view->nnodes; i++)
		work.first_call[i + 1] += work.first_call[i];
	find_circles(&work);
	find_layers(&work);
	pull_first_layer(&work);
	make_items(&work);
	fill_layers(&work);
	map_order(work.items, work.nitems, work.layers, ret_layout->nlayers);
	place_boxes(&work);
	for (size_t i = 0; i < view->nedges; i++)
		place_map_line(&work, i);
}
