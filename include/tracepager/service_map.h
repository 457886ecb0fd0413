/*
 * Service map: which service calls which, how often, how often in vain and how long, counted from
 * traces. Each call counts once: its client's and its server's span are one call, each attempt of a
 * retry is a call, and a trace that is added twice adds nothing the second time. It knows no rule
 * and no owner.
 *
 * Pure, but that a map holds what it has counted until it is freed: one thread at a time may use a
 * map. A view is read by any thread.
 */
#ifndef TRACEPAGER_SERVICE_MAP_H
#define TRACEPAGER_SERVICE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/arena.h"
#include "tracepager/trace.h"

enum node_kind {
	NODE_SERVICE,  /* it has spans of its own */
	NODE_DATABASE, /* the others are callees without spans */
	NODE_QUEUE,
	NODE_OTHER,
};
const char *node_kind_name(enum node_kind kind); /* "service", "database", "queue", "other" */

/* Texts are the view's arena's. */
struct service_node {
	const char *namespace, *name;
	enum node_kind kind;
	/* A callee without spans: the names by which its first caller knows it, as peer_names()
	 * orders them. */
	const char *const *names;
	size_t nnames;
	/* A service: the attributes of the first instance that was seen, name after value. */
	const char *const *attrs;
	size_t nattrs;		 /* pairs */
	int64_t ncalls, nfailed; /* calls of it */
	/* Set by who knows the rules: its team and the place of its rule; NULL: none. named: a rule
	 * names it. */
	const char *team, *rule;
	bool named;
};

/* Calls of one service by another. Indexes into the view's nodes. */
struct service_edge {
	uint32_t from, to;
	bool message; /* some call was a message: nobody waited for it */
	int64_t ncalls,
		nfailed; /* a call failed if either side did (tracepager-walk(7), section 2) */
	int64_t ntraces; /* traces in which it was seen */
	/* Of the client's spans, else of the server's; of messages those of their consumers. By the
	 * nearest rank; of more than LIMIT_MAP_TIMES calls every second one counts, of twice as
	 * many every fourth, and so on. */
	int64_t p50_us, p95_us;
	int64_t last_us; /* when the last call began, since 1970 */
};

struct service_map;

struct service_map *service_map_new(void);
void service_map_free(struct service_map *map); /* takes NULL */
void service_map_add(struct service_map *map, const struct trace *trace);

struct service_map_view {
	struct service_node *nodes; /* by name, then namespace, then kind */
	size_t nnodes;
	struct service_edge *edges; /* by from, then to */
	size_t nedges;
	int64_t ntraces, ncalls;
	int64_t unnamed;  /* calls of which one side has no name: they are not in the edges */
	int64_t left_out; /* calls beyond LIMIT_MAP_CALLS, _NODES or _EDGES */
};

/* The name that somebody else has for a callee without spans; NULL: none. It becomes the same node
 * as the service, or the other callee, of that name. */
typedef const char *service_map_namer(void *ctx, const char *const *names, size_t n);

/* A callee without spans of which some name is that of a service with spans is that service. namer
 * may be NULL. The view is the arena's. */
void service_map_read(const struct service_map *map, struct arena *arena, service_map_namer *namer,
		      void *ctx, struct service_map_view *ret_view);

/* Does no rule name one of its ends? */
static inline bool service_edge_unnamed(const struct service_map_view *view,
					const struct service_edge *edge)
{
	return !view->nodes[edge->from].named || !view->nodes[edge->to].named;
}

/* A part of a view. NULL, 0 and false: no such condition. */
struct service_map_part {
	const char *team;    /* edges of which one end is this team's */
	const char *service; /* what is at most so many calls away from the services of that name */
	unsigned int depth;
	bool errors;  /* edges of which some call failed */
	bool unnamed; /* edges of which one end no rule names */
	/* At most so many: nodes with the most calls, edges with the most failed, then the most
	 * calls. */
	size_t most_nodes, most_edges;
};

/* The part: edges that meet all conditions, with their ends; without any condition also the nodes
 * without edges. Figures are those of the whole; the counts of the view are too. The part is the
 * arena's, its texts are borrowed from the view. */
void service_map_select(const struct service_map_view *view, const struct service_map_part *part,
			struct arena *arena, struct service_map_view *ret_part);

#endif
