/*
 * SLO, inside: what its files share. From the highest to the lowest:
 *
 * slo_yaml.c	  a proposal for OpenSLO and Sloth
 * slo_json.c	  a proposal as JSON
 * slo_propose.c  figures and objectives of signals and edges
 * slo_samples.c  requests and calls, gathered
 * slo_bounds.c	  steps of objectives, and what samples can show
 */
#ifndef SLO_INTERNAL_H
#define SLO_INTERNAL_H

#include "tracepager/hash.h"
#include "tracepager/slo.h"

/* ---- slo_samples.c ---- */

/* How long a request or call took, and of which request it is. */
struct slo_sample {
	int64_t us;
	uint32_t request; /* an index into the signal's ids */
	bool failed;
};

struct slo_times {
	struct slo_sample *at;
	uint32_t n, size;
};

/* Calls of one operation in one place of the tree of a signal. */
struct slo_node {
	uint32_t above; /* an index below its own; TRACE_NONE: the signal's service calls */
	const char *caller, *callee, *namespace, *operation;
	bool peer, message;
	struct slo_times times;
	uint32_t judged, failed, fatal;	 /* failed and fatal: of the judged calls */
	uint32_t requests, last_request; /* that have it; last_request: its index plus 1 */
	int64_t path_us;     /* of the critical path of these requests, in it or below */
	int64_t request_us;  /* how long these requests took */
	uint32_t path_calls; /* calls that are on the path */
};

struct slo_gathered {
	const char *name, *service, *namespace, *operation;
	struct slo_times times;
	const char **ids; /* of the requests */
	uint32_t ids_size;
	struct map *known; /* ids that were added */
	int64_t from_us, to_us;
	uint32_t judged, failed;
	int64_t path_us; /* of the critical path, below calls */
	int64_t request_us;
	struct slo_node **nodes;
	uint32_t nnodes, nodes_size;
	struct map *index; /* of nodes, by place and names */
};

struct slo_samples {
	struct arena *arena; /* of the names */
	struct slo_gathered **signals;
	uint32_t nsignals, signals_size;
	struct map *index; /* of signals, by operation */
	uint32_t nnodes, nsamples;
};

/* ---- slo_bounds.c ---- */

/* Thresholds of latency, and shares of good calls, the loosest last and first. */
extern const int64_t slo_latency_steps[];
extern const size_t slo_nlatency_steps;
extern const double slo_availability_steps[];
extern const size_t slo_navailability_steps;

/* How many samples without a bad one show that share. */
uint32_t slo_least_samples(double share);

#endif
