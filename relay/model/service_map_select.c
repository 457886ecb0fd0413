/* Service map, part: the edges that meet the reader's conditions, with their ends. */
#include <stdlib.h>
#include <string.h>

#include "tracepager/service_map.h"
#include "tracepager/xalloc.h"

struct select_work {
	const struct service_map_view *view;
	const struct service_map_part *part;
	bool *nodes, *edges; /* heap: which are in the part */
	unsigned int
		*depth; /* heap: calls from the service that is asked for, plus 1; 0: too far */
};

static bool is_of_team(const struct service_node *node, const char *team)
{
	return node->team && strcmp(node->team, team) == 0;
}

static void find_neighbours(struct select_work *work)
{
	const struct service_map_view *view = work->view;

	for (size_t i = 0; i < view->nnodes; i++)
		work->depth[i] = strcmp(view->nodes[i].name, work->part->service) == 0;
	for (unsigned int away = 1; away <= work->part->depth; away++) {
		for (size_t i = 0; i < view->nedges; i++) {
			unsigned int *from = &work->depth[view->edges[i].from],
				     *to = &work->depth[view->edges[i].to];
			if (*from == away && !*to)
				*to = away + 1;
			else if (*to == away && !*from)
				*from = away + 1;
		}
	}
}

/* Not the edges between two services that are both as far away as is shown. */
static bool is_near(const struct select_work *work, const struct service_edge *edge)
{
	const unsigned int from = work->depth[edge->from], to = work->depth[edge->to];

	return from && to && (from <= work->part->depth || to <= work->part->depth);
}

static bool edge_is_wanted(const struct select_work *work, const struct service_edge *edge)
{
	const struct service_map_view *view = work->view;
	const struct service_map_part *part = work->part;

	return (!part->errors || edge->nfailed) &&
	       (!part->unnamed || service_edge_unnamed(view, edge)) &&
	       (!part->service || is_near(work, edge)) &&
	       (!part->team || is_of_team(&view->nodes[edge->from], part->team) ||
		is_of_team(&view->nodes[edge->to], part->team));
}

/* A node without edges is shown where it meets the conditions alone. */
static bool node_is_wanted(const struct select_work *work, size_t i)
{
	const struct service_map_part *part = work->part;

	if (part->errors || part->unnamed)
		return false;
	if (part->service)
		return work->depth[i] == 1;
	return !part->team || is_of_team(&work->view->nodes[i], part->team);
}

/* ---- at most so many ---- */

struct weight {
	int64_t first, second;
	size_t at;
};

static int order_weights(const void *a, const void *b)
{
	const struct weight *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? 1 : -1;
	if (x->second != y->second)
		return x->second < y->second ? 1 : -1;
	return (x->at > y->at) - (x->at < y->at);
}

/* Clears all but the `most` of the flags that weigh most. */
static void keep_heaviest(bool *flags, struct weight *weights, size_t n, size_t most)
{
	if (n <= most)
		return;
	qsort(weights, n, sizeof(*weights), order_weights);
	for (size_t i = most; i < n; i++)
		flags[weights[i].at] = false;
}

static void cut_nodes(struct select_work *work)
{
	const struct service_map_view *view = work->view;
	CLEANUP_FREE struct weight *weights = xcalloc(view->nnodes + 1, sizeof(*weights));
	size_t n = 0;

	for (size_t i = 0; i < view->nnodes; i++)
		weights[i].at = i;
	for (size_t i = 0; i < view->nedges; i++) {
		weights[view->edges[i].from].first += view->edges[i].ncalls;
		weights[view->edges[i].to].first += view->edges[i].ncalls;
	}
	for (size_t i = 0; i < view->nnodes; i++)
		if (work->nodes[i])
			weights[n++] = weights[i];
	keep_heaviest(work->nodes, weights, n, work->part->most_nodes);
	for (size_t i = 0; i < view->nedges; i++)
		if (!work->nodes[view->edges[i].from] || !work->nodes[view->edges[i].to])
			work->edges[i] = false;
}

static void cut_edges(struct select_work *work)
{
	const struct service_map_view *view = work->view;
	CLEANUP_FREE struct weight *weights = xcalloc(view->nedges + 1, sizeof(*weights));
	size_t n = 0;

	for (size_t i = 0; i < view->nedges; i++)
		if (work->edges[i])
			weights[n++] =
				(struct weight){ view->edges[i].nfailed, view->edges[i].ncalls, i };
	keep_heaviest(work->edges, weights, n, work->part->most_edges);
}

/* ---- the part ---- */

static void copy_part(const struct select_work *work, struct arena *arena,
		      struct service_map_view *ret_part)
{
	const struct service_map_view *view = work->view;
	CLEANUP_FREE uint32_t *number = xcalloc(view->nnodes + 1, sizeof(*number));

	*ret_part = *view;
	ret_part->nodes = arena_array(arena, view->nnodes + 1, sizeof(*view->nodes));
	ret_part->edges = arena_array(arena, view->nedges + 1, sizeof(*view->edges));
	ret_part->nnodes = ret_part->nedges = 0;
	for (size_t i = 0; i < view->nnodes; i++)
		if (work->nodes[i]) {
			number[i] = (uint32_t)ret_part->nnodes;
			ret_part->nodes[ret_part->nnodes++] = view->nodes[i];
		}
	for (size_t i = 0; i < view->nedges; i++)
		if (work->edges[i]) {
			struct service_edge *edge = &ret_part->edges[ret_part->nedges++];
			*edge = view->edges[i];
			edge->from = number[edge->from];
			edge->to = number[edge->to];
		}
}

void service_map_select(const struct service_map_view *view, const struct service_map_part *part,
			struct arena *arena, struct service_map_view *ret_part)
{
	CLEANUP_FREE bool *nodes = xcalloc(view->nnodes + 1, sizeof(*nodes));
	CLEANUP_FREE bool *edges = xcalloc(view->nedges + 1, sizeof(*edges));
	CLEANUP_FREE unsigned int *depth = xcalloc(view->nnodes + 1, sizeof(*depth));
	struct select_work work = {
		.view = view, .part = part, .nodes = nodes, .edges = edges, .depth = depth
	};

	if (part->service)
		find_neighbours(&work);
	for (size_t i = 0; i < view->nnodes; i++)
		nodes[i] = node_is_wanted(&work, i);
	for (size_t i = 0; i < view->nedges; i++)
		if (edge_is_wanted(&work, &view->edges[i])) {
			edges[i] = true;
			nodes[view->edges[i].from] = nodes[view->edges[i].to] = true;
		}
	if (part->most_nodes)
		cut_nodes(&work);
	if (part->most_edges)
		cut_edges(&work);
	copy_part(&work, arena, ret_part);
}
