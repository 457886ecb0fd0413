/*
 * What a service map has counted, for service_map.c, which counts, and service_map_view.c, which
 * reads. One thread at a time.
 */
#ifndef TRACEPAGER_SERVICE_MAP_INTERNAL_H
#define TRACEPAGER_SERVICE_MAP_INTERNAL_H

#include "tracepager/hash.h"
#include "tracepager/service_map.h"

/* Open addressing; a value of 0 is no value. */
struct number_table {
	uint64_t *keys;
	uint32_t *values;
	size_t n, size; /* a power of two */
};
/* The value of a key, which is 0 at first; borrowed until the next call. */
uint32_t *number_table_at(struct number_table *table, uint64_t key);

/* See struct service_node. Texts are the map's arena's. */
struct counted_node {
	const char *namespace, *name;
	enum node_kind kind;
	const char *const *names, *const *attrs;
	size_t nnames, nattrs;
	uint32_t number;
};

struct counted_edge {
	uint32_t from, to; /* numbers of nodes */
	bool message;
	int64_t ncalls, nfailed, last_us;
	uint32_t *traces; /* heap; their numbers, some of them several times */
	size_t ntraces, traces_size;
	int64_t *times_us; /* heap; of every stride-th call */
	size_t ntimes, size;
	int64_t stride;
};

struct service_map {
	struct arena *arena, *scratch;
	struct map *node_index;
	struct counted_node **nodes;
	struct counted_edge **edges;
	uint32_t nnodes;
	size_t nedges;
	struct number_table edge_index, calls, traces;
	int64_t ncalls, unnamed, left_out;
	uint32_t ntraces;
	uint32_t trace; /* number of the one that is being read; 0: it has shown no new call yet */
};

#endif
