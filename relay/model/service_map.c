/* Service map: what is counted, trace by trace. See service_map.h; service_map_view.c reads it. */
#include <stdlib.h>
#include <string.h>

#include "service_map-internal.h"
#include "span-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

const char *node_kind_name(enum node_kind kind)
{
	static const char *const names[] = { [NODE_SERVICE] = "service",
					     [NODE_DATABASE] = "database",
					     [NODE_QUEUE] = "queue",
					     [NODE_OTHER] = "other" };

	return names[kind];
}

/* ---- a table from numbers to numbers ---- */

static void number_table_grow(struct number_table *table)
{
	struct number_table old = *table;

	table->size = old.size ? 2 * old.size : 64;
	table->keys = xcalloc(table->size, sizeof(*table->keys));
	table->values = xcalloc(table->size, sizeof(*table->values));
	table->n = 0;
	for (size_t i = 0; i < old.size; i++)
		if (old.keys[i])
			*number_table_at(table, old.keys[i]) = old.values[i];
	free(old.keys);
	free(old.values);
}

uint32_t *number_table_at(struct number_table *table, uint64_t key)
{
	if (!key)
		key = 1;
	if (2 * table->n >= table->size)
		number_table_grow(table);
	/* Keys of edges are small numbers: they are spread. */
	size_t i = (size_t)((key * 0x9e3779b97f4a7c15u) >> 20) & (table->size - 1);
	while (table->keys[i] && table->keys[i] != key)
		i = (i + 1) & (table->size - 1);
	table->n += !table->keys[i];
	table->keys[i] = key;
	return &table->values[i];
}

/* ---- nodes and edges ---- */

static const char *kept_text(const struct service_map *map, const char *text)
{
	return arena_strndup(map->arena, text, strnlen(text, LIMIT_MAP_NAME_BYTES));
}

/* NULL: the limit is reached. *ret_new: the caller fills in what it knows. */
static struct counted_node *map_node(struct service_map *map, bool has_spans, const char *namespace,
				     const char *name, bool *ret_new)
{
	/* A stranger's name may be of any length: what is longer is cut, and no other service. */
	CLEANUP_FREE char *key = xasprintf("%d\x1f%.*s\x1f%.*s", has_spans, LIMIT_MAP_NAME_BYTES,
					   namespace, LIMIT_MAP_NAME_BYTES, name);
	struct counted_node *node = map_get(map->node_index, key);

	*ret_new = !node;
	if (node || map->nnodes == LIMIT_MAP_NODES)
		return node;
	node = arena_alloc(map->arena, sizeof(*node));
	node->namespace = kept_text(map, namespace);
	node->name = kept_text(map, name);
	node->number = map->nnodes;
	map->nodes[map->nnodes++] = node;
	map_put(map->node_index, key, node);
	return node;
}

static void keep_attrs(const struct service_map *map, struct counted_node *node,
		       const struct trace *trace, const struct resource *resource)
{
	const struct resource_attr *attrs = &trace->set->resource_attrs[resource->attrs];
	const char **kept =
		arena_array(map->arena, 2 * (size_t)resource->nattrs + 1, sizeof(*kept));

	for (uint32_t i = 0; i < resource->nattrs; i++) {
		kept[2 * i] = arena_strdup(map->arena, trace_text(trace, attrs[i].key));
		kept[2 * i + 1] = arena_strdup(map->arena, trace_text(trace, attrs[i].value));
	}
	node->attrs = kept;
	node->nattrs = resource->nattrs;
}

/* NULL: the resource names no service, or the limit is reached. */
static struct counted_node *service_node_of(struct service_map *map, const struct trace *trace,
					    const struct resource *resource)
{
	const char *name = trace_text(trace, resource->service);
	bool is_new;

	if (!*name)
		return NULL;
	struct counted_node *node =
		map_node(map, true, trace_text(trace, resource->namespace), name, &is_new);
	if (node && is_new)
		keep_attrs(map, node, trace, resource);
	return node;
}

static enum node_kind peer_kind(const struct trace *trace, const struct span *span)
{
	static const unsigned int database[] = { ATTR_DB_SYSTEM_NAME, ATTR_DB_SYSTEM,
						 ATTR_DB_TYPE };
	static const unsigned int queue[] = { ATTR_MESSAGING_SYSTEM, ATTR_MESSAGE_BUS_DESTINATION };

	if (span_first_attr(trace, span, database, ARRAY_LEN(database)))
		return NODE_DATABASE;
	if (span->kind == SPAN_PRODUCER || span_first_attr(trace, span, queue, ARRAY_LEN(queue)))
		return NODE_QUEUE;
	return NODE_OTHER;
}

/* NULL: the span does not name its callee, or the limit is reached. */
static struct counted_node *peer_node_of(struct service_map *map, const struct trace *trace,
					 const struct span *span)
{
	struct suspect suspect = { .trace = trace };
	bool is_new;

	peer_names(map->scratch, trace, span, &suspect);
	if (!suspect.npeers)
		return NULL;
	struct counted_node *node = map_node(map, false, "", suspect.peers[0], &is_new);
	if (!node || !is_new)
		return node;
	const char **names = arena_array(map->arena, suspect.npeers, sizeof(*names));
	for (unsigned int i = 0; i < suspect.npeers; i++)
		names[i] = kept_text(map, suspect.peers[i]);
	node->kind = peer_kind(trace, span);
	node->names = names;
	node->nnames = suspect.npeers;
	return node;
}

/* Keeps every stride-th time; of a full list every second one goes. */
static void keep_time(struct counted_edge *edge, int64_t us)
{
	if (edge->ncalls++ % edge->stride)
		return;
	if (edge->ntimes == LIMIT_MAP_TIMES) {
		for (size_t i = 0; i < LIMIT_MAP_TIMES / 2; i++)
			edge->times_us[i] = edge->times_us[2 * i];
		edge->ntimes = LIMIT_MAP_TIMES / 2;
		edge->stride *= 2;
	}
	if (edge->ntimes == edge->size) {
		edge->size = edge->size ? 2 * edge->size : 4;
		edge->times_us = xrealloc_array(edge->times_us, edge->size, sizeof(int64_t));
	}
	edge->times_us[edge->ntimes++] = us;
}

/* A trace that is added again, with more spans perhaps, has the same number. */
static void keep_trace(struct service_map *map, struct counted_edge *edge,
		       const struct trace *trace)
{
	const char *id = trace_text(trace, trace->id);

	if (!map->trace) {
		uint32_t *number = number_table_at(&map->traces, hash_bytes(id, strlen(id)));
		if (!*number)
			*number = ++map->ntraces;
		map->trace = *number;
	}
	if (edge->ntraces && edge->traces[edge->ntraces - 1] == map->trace)
		return;
	if (edge->ntraces == edge->traces_size) {
		edge->traces_size = edge->traces_size ? 2 * edge->traces_size : 4;
		edge->traces = xrealloc_array(edge->traces, edge->traces_size, sizeof(uint32_t));
	}
	edge->traces[edge->ntraces++] = map->trace;
}

static struct counted_edge *map_edge(struct service_map *map, const struct counted_node *from,
				     const struct counted_node *to)
{
	uint32_t *slot = number_table_at(&map->edge_index,
					 (uint64_t)from->number << 32 | ((uint64_t)to->number + 1));

	if (*slot)
		return map->edges[*slot - 1];
	if (map->nedges == LIMIT_MAP_EDGES)
		return NULL;
	struct counted_edge *edge = arena_alloc(map->arena, sizeof(*edge));
	*edge = (struct counted_edge){ .from = from->number, .to = to->number, .stride = 1 };
	map->edges[map->nedges++] = edge;
	*slot = (uint32_t)map->nedges;
	return edge;
}

/* ---- calls ---- */

/* A call, by the spans that tell of it. */
struct seen_call_spans {
	const struct span *client; /* NULL: no span of the caller stands for this call alone */
	const struct span *server; /* NULL: the callee has no spans */
};

/* Was the call counted before? Its trace may be stored with several decisions. */
static bool call_is_known(struct service_map *map, const struct trace *trace,
			  const struct seen_call_spans *call)
{
	const struct span *span = call->client ? call->client : call->server;
	const char *trace_id = trace_text(trace, trace->id), *id = trace_text(trace, span->id);
	/* The halves of Zipkin's shared spans have one id. */
	const uint64_t key = hash_bytes(trace_id, strlen(trace_id)) * 31 +
			     hash_bytes(id, strlen(id)) + (call->client ? 1 : 0);
	uint32_t *slot = number_table_at(&map->calls, key);
	const bool known = *slot != 0;

	*slot = 1;
	return known;
}

static bool call_is_message(const struct seen_call_spans *call)
{
	return (call->client && call->client->kind == SPAN_PRODUCER) ||
	       (call->server && call->server->kind == SPAN_CONSUMER);
}

static void count_seen_call(struct service_map *map, const struct trace *trace,
			    const struct counted_node *from, const struct counted_node *to,
			    const struct seen_call_spans *call)
{
	const bool message = call_is_message(call);
	const struct span *timed =
		call->client && !(message && call->server) ? call->client : call->server;

	if (!from || !to) {
		map->left_out += map->nnodes == LIMIT_MAP_NODES;
		map->unnamed += map->nnodes != LIMIT_MAP_NODES;
		return;
	}
	if (map->ncalls == LIMIT_MAP_CALLS) {
		map->left_out++;
		return;
	}
	struct counted_edge *edge = map_edge(map, from, to);
	if (!edge) {
		map->left_out++;
		return;
	}
	map->ncalls++;
	keep_time(edge, timed->duration_us);
	edge->nfailed += (call->client && span_failing(trace, call->client, true)) ||
			 (call->server && span_failing(trace, call->server, true));
	edge->message |= message;
	keep_trace(map, edge, trace);
	if (timed->start_us > edge->last_us)
		edge->last_us = timed->start_us;
}

/* Counts the calls that this span makes. */
static void count_calls_of(struct service_map *map, const struct trace *trace,
			   struct counted_node *const *by_resource, const struct span *span)
{
	struct seen_call_spans call = { .client = span };
	bool own;
	const uint32_t foreign = span_foreign_children(trace, span, &own);

	if (!foreign) {
		if ((span->kind != SPAN_CLIENT && span->kind != SPAN_PRODUCER) || own ||
		    call_is_known(map, trace, &call))
			return;
		arena_reset(map->scratch);
		count_seen_call(map, trace, by_resource[span->resource],
				peer_node_of(map, trace, span), &call);
		return;
	}
	if (foreign > 1 || span_side(trace, span) != SIDE_CLIENT)
		call.client = NULL;
	for (uint32_t at = span->first_child; at != TRACE_NONE;
	     at = trace->spans[at].next_sibling) {
		call.server = &trace->spans[at];
		if (span_same_service(trace, span, call.server) || call_is_known(map, trace, &call))
			continue;
		count_seen_call(map, trace, by_resource[span->resource],
				by_resource[call.server->resource], &call);
	}
}

void service_map_add(struct service_map *map, const struct trace *trace)
{
	const uint32_t nresources = trace->set->nresources;
	CLEANUP_FREE struct counted_node **by_resource =
		xcalloc((size_t)nresources + 1, sizeof(*by_resource));

	map->trace = 0;
	for (uint32_t i = 0; i < trace->nspans; i++) {
		const uint32_t resource = trace->spans[i].resource;
		if (!by_resource[resource])
			by_resource[resource] =
				service_node_of(map, trace, &trace->set->resources[resource]);
	}
	for (uint32_t i = 0; i < trace->nspans; i++)
		count_calls_of(map, trace, by_resource, &trace->spans[i]);
}

struct service_map *service_map_new(void)
{
	struct service_map *map = xcalloc(1, sizeof(*map));

	map->arena = arena_new(LIMIT_MAP_BYTES);
	map->scratch = arena_new(LIMIT_MAP_SCRATCH_BYTES);
	map->node_index = map_new();
	map->nodes = xcalloc(LIMIT_MAP_NODES, sizeof(struct counted_node *));
	map->edges = xcalloc(LIMIT_MAP_EDGES, sizeof(struct counted_edge *));
	return map;
}

void service_map_free(struct service_map *map)
{
	if (!map)
		return;
	for (size_t i = 0; i < map->nedges; i++) {
		free(map->edges[i]->times_us);
		free(map->edges[i]->traces);
	}
	free(map->edges);
	free(map->nodes);
	map_free(map->node_index);
	free(map->edge_index.keys);
	free(map->edge_index.values);
	free(map->calls.keys);
	free(map->calls.values);
	free(map->traces.keys);
	free(map->traces.values);
	arena_free(map->scratch);
	arena_free(map->arena);
	free(map);
}
