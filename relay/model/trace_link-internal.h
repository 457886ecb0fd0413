/* The tree of one trace; of the model room only. */
#ifndef TRACEPAGER_TRACE_LINK_INTERNAL_H
#define TRACEPAGER_TRACE_LINK_INTERNAL_H

#include "tracepager/trace.h"

/* A table from span id to the first span that carries it. index TRACE_NONE: free. */
struct trace_slot {
	uint32_t id, index;
};

/* How many slots a trace of nspans needs: a power of two. */
uint32_t trace_link_slots(uint32_t nspans);

/* Drops duplicate spans and links the rest. slots: scratch, trace_link_slots(trace->nspans) of them
 * or more. */
void trace_link(struct trace *trace, struct trace_slot *slots);

#endif
