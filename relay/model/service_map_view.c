/* Service map, view: callees without spans become the services that they are; figures per edge. */
#include <stdlib.h>
#include <string.h>

#include "service_map-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* ---- which nodes are one ---- */

static int order_nodes(const void *a, const void *b)
{
	const struct counted_node *x = *(const struct counted_node *const *)a,
				  *y = *(const struct counted_node *const *)b;
	int order = strcmp(x->name, y->name);

	if (!order)
		order = strcmp(x->namespace, y->namespace);
	if (!order)
		order = (int)x->kind - (int)y->kind;
	return order;
}

/* By name; of services in several namespaces the first in the order of nodes. */
static struct map *index_services(struct counted_node *const *nodes, size_t n)
{
	struct map *services = map_new_borrowing();

	for (size_t i = 0; i < n; i++)
		if (nodes[i]->kind == NODE_SERVICE && !map_get(services, nodes[i]->name))
			map_put(services, nodes[i]->name, nodes[i]);
	return services;
}

/* The node that a callee without spans is; itself, or a copy with its other name, where it is no
 * other. */
static struct counted_node *node_behind(struct arena *arena, struct counted_node *node,
					const struct map *services, struct map *named,
					service_map_namer *namer, void *ctx)
{
	struct counted_node *found = NULL;

	for (size_t i = 0; !found && i < node->nnames; i++)
		found = map_get(services, node->names[i]);
	if (found)
		return found;
	const char *name = namer ? namer(ctx, node->names, node->nnames) : NULL;
	if (!name)
		return node;
	found = map_get(services, name);
	if (found)
		return found;
	found = map_get(named, name);
	if (found)
		return found;
	found = arena_alloc(arena, sizeof(*found));
	*found = *node;
	found->name = arena_strdup(arena, name);
	map_put(named, found->name, found);
	return found;
}

/* ---- edges between them ---- */

struct view_work {
	const struct service_map *map;
	struct arena *arena;
	struct counted_node **final; /* by number of the counted node */
	struct service_map_view *view;
	struct edge_lists *lists; /* heap, of the view's edges */
};

/* Times and traces of an edge, gathered from the counted edges that it is made of. Heap. */
struct edge_lists {
	int64_t *times_us;
	uint32_t *traces;
	size_t ntimes, ntraces;
};

static int order_times(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The nearest rank: the smallest time that so many percent of the times do not exceed. */
static int64_t nearest_rank(const int64_t *sorted, size_t n, size_t percent)
{
	return n ? sorted[(n * percent + 99) / 100 - 1] : 0;
}

static int order_numbers(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int64_t count_different(uint32_t *numbers, size_t n)
{
	int64_t different = 0;

	qsort(numbers, n, sizeof(*numbers), order_numbers);
	for (size_t i = 0; i < n; i++)
		different += i == 0 || numbers[i] != numbers[i - 1];
	return different;
}

static void add_lists(struct edge_lists *lists, const struct counted_edge *edge)
{
	lists->times_us =
		xrealloc_array(lists->times_us, lists->ntimes + edge->ntimes, sizeof(int64_t));
	memcpy(lists->times_us + lists->ntimes, edge->times_us, edge->ntimes * sizeof(int64_t));
	lists->ntimes += edge->ntimes;
	lists->traces =
		xrealloc_array(lists->traces, lists->ntraces + edge->ntraces, sizeof(uint32_t));
	memcpy(lists->traces + lists->ntraces, edge->traces, edge->ntraces * sizeof(uint32_t));
	lists->ntraces += edge->ntraces;
}

/* Fills in what the lists tell, and frees them. */
static void finish_edge(struct service_edge *edge, struct edge_lists *lists)
{
	qsort(lists->times_us, lists->ntimes, sizeof(int64_t), order_times);
	edge->p50_us = nearest_rank(lists->times_us, lists->ntimes, 50);
	edge->p95_us = nearest_rank(lists->times_us, lists->ntimes, 95);
	edge->ntraces = count_different(lists->traces, lists->ntraces);
	free(lists->times_us);
	free(lists->traces);
}

static void add_counted_edge(struct view_work *work, struct number_table *index, uint32_t from,
			     uint32_t to, const struct counted_edge *edge)
{
	uint32_t *slot = number_table_at(index, (uint64_t)from << 32 | ((uint64_t)to + 1));

	if (!*slot) {
		work->view->edges[work->view->nedges] =
			(struct service_edge){ .from = from, .to = to };
		*slot = (uint32_t)++work->view->nedges;
	}
	struct service_edge *into = &work->view->edges[*slot - 1];
	into->message |= edge->message;
	into->ncalls += edge->ncalls;
	into->nfailed += edge->nfailed;
	if (edge->last_us > into->last_us)
		into->last_us = edge->last_us;
	add_lists(&work->lists[*slot - 1], edge);
}

static int order_edges(const void *a, const void *b)
{
	const struct service_edge *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->to > y->to) - (x->to < y->to);
}

static void view_edges(struct view_work *work)
{
	const struct service_map *map = work->map;
	struct service_map_view *view = work->view;
	struct number_table index = { .values = NULL };

	view->edges = arena_array(work->arena, map->nedges + 1, sizeof(*view->edges));
	work->lists = xcalloc(map->nedges + 1, sizeof(*work->lists));
	for (size_t i = 0; i < map->nedges; i++) {
		const struct counted_edge *edge = map->edges[i];
		const uint32_t from = work->final[edge->from]->number,
			       to = work->final[edge->to]->number;
		if (from != to)
			add_counted_edge(work, &index, from, to, edge);
	}
	for (size_t i = 0; i < view->nedges; i++) {
		const struct service_edge *edge = &view->edges[i];
		finish_edge(&view->edges[i], &work->lists[i]);
		view->nodes[edge->to].ncalls += edge->ncalls;
		view->nodes[edge->to].nfailed += edge->nfailed;
	}
	qsort(view->edges, view->nedges, sizeof(*view->edges), order_edges);
	free(work->lists);
	free(index.keys);
	free(index.values);
}

/* ---- the view ---- */

/* Replaces nodes by those that they are; returns how many are left, sorted, with new numbers. */
static size_t view_nodes(struct view_work *work, struct counted_node **nodes,
			 service_map_namer *namer, void *ctx)
{
	const size_t n = work->map->nnodes;
	struct map *named = map_new_borrowing(), *services;
	size_t left = 0;

	/* Copies: several views may be read from a map, with other names and numbers. */
	for (size_t i = 0; i < n; i++) {
		work->final[i] = arena_alloc(work->arena, sizeof(**nodes));
		*work->final[i] = *work->map->nodes[i];
		nodes[i] = work->final[i];
	}
	qsort(nodes, n, sizeof(struct counted_node *), order_nodes);
	services = index_services(nodes, n);
	for (size_t i = 0; i < n; i++) {
		const uint32_t number = nodes[i]->number;
		if (nodes[i]->kind != NODE_SERVICE)
			work->final[number] =
				node_behind(work->arena, nodes[i], services, named, namer, ctx);
	}
	for (size_t i = 0; i < n; i++)
		work->final[i]->number = UINT32_MAX;
	for (size_t i = 0; i < n; i++)
		if (work->final[i]->number == UINT32_MAX) {
			work->final[i]->number = 0;
			nodes[left++] = work->final[i];
		}
	qsort(nodes, left, sizeof(struct counted_node *), order_nodes);
	for (size_t i = 0; i < left; i++)
		nodes[i]->number = (uint32_t)i;
	map_free(services);
	map_free(named);
	return left;
}

static const char *const *copy_texts(struct arena *arena, const char *const *texts, size_t n)
{
	const char **copy = arena_array(arena, n + 1, sizeof(*copy));

	for (size_t i = 0; i < n; i++)
		copy[i] = arena_strdup(arena, texts[i]);
	return copy;
}

void service_map_read(const struct service_map *map, struct arena *arena, service_map_namer *namer,
		      void *ctx, struct service_map_view *ret_view)
{
	struct view_work work = { .map = map, .arena = arena, .view = ret_view };
	CLEANUP_FREE struct counted_node **nodes = xcalloc((size_t)map->nnodes + 1, sizeof(*nodes));

	*ret_view = (struct service_map_view){ .ntraces = map->ntraces,
					       .ncalls = map->ncalls,
					       .unnamed = map->unnamed,
					       .left_out = map->left_out };
	work.final = arena_array(arena, (size_t)map->nnodes + 1, sizeof(struct counted_node *));
	const size_t n = view_nodes(&work, nodes, namer, ctx);
	ret_view->nodes = arena_array(arena, n + 1, sizeof(*ret_view->nodes));
	ret_view->nnodes = n;
	for (size_t i = 0; i < n; i++)
		ret_view->nodes[i] = (struct service_node){
			.namespace = arena_strdup(arena, nodes[i]->namespace),
			.name = arena_strdup(arena, nodes[i]->name),
			.kind = nodes[i]->kind,
			.names = copy_texts(arena, nodes[i]->names, nodes[i]->nnames),
			.nnames = nodes[i]->nnames,
			.attrs = copy_texts(arena, nodes[i]->attrs, 2 * nodes[i]->nattrs),
			.nattrs = nodes[i]->nattrs,
		};
	view_edges(&work);
}
