/* Trace link, inside: makes a tree of the spans of one trace. Only the trace builder uses it. */
#ifndef TRACEPAGER_TRACE_LINK_INTERNAL_H
#define TRACEPAGER_TRACE_LINK_INTERNAL_H

#include "tracepager/trace.h"

/* A table from span id to the first span that carries it. index TRACE_NONE: free. */
struct trace_slot {
	uint32_t id, index;
};

/* How many slots a trace of nspans needs: a power of two, at least 1.5 times nspans. */
uint32_t trace_link_slots(uint32_t nspans);

/* Drops duplicate spans and links the others by parent, first_child and next_sibling. slots:
 * scratch, at least trace_link_slots(trace->nspans) of them. trace->set needs resources only. */
void trace_link(struct trace *trace, struct trace_slot *slots);

#endif
