/*
 * The processes of a trace of Jaeger: ids to resources. Spans name their process before it is
 * described, so processes are numbered in the order in which their ids are first read.
 */
#ifndef TRACEPAGER_DECODE_JAEGER_INTERNAL_H
#define TRACEPAGER_DECODE_JAEGER_INTERNAL_H

#include <stdint.h>

/* Zeroed: no process. */
struct jaeger_processes {
	uint32_t *ids;	     /* texts of the builder */
	uint32_t *resources; /* by number; TRACE_NONE: not described yet */
	uint32_t n, size;
	uint32_t *slots; /* hash table from id to number + 1; its size is a power of two */
	uint32_t nslots;
	uint64_t multiplier; /* secret, so that no document can fill one slot */
};

/* The number of the process with this id, which is new if the id is. */
uint32_t jaeger_process_number(struct jaeger_processes *processes, uint32_t id);
/* Forgets all processes and frees their memory. */
void jaeger_processes_drop(struct jaeger_processes *processes);

#endif
