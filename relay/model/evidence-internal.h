/*
 * Evidence, inside: what the files of the evidence share. From the highest to the lowest:
 *
 * evidence.c		makes the evidence of a trace: times, ends of errors, units
 * evidence_codec.c	a set as bytes, and back
 * evidence_calls.c	the calls that were made for the request, as a tree
 * evidence_units.c	the attributes of each process of a trace
 * evidence_shapes.c	whom each invocation of a trace calls
 * evidence_index.c	services, texts and facts to their indexes
 *
 * One thread at a time may add to a set.
 */
#ifndef TRACEPAGER_EVIDENCE_INTERNAL_H
#define TRACEPAGER_EVIDENCE_INTERNAL_H

#include "tracepager/evidence.h"

/* ---- evidence_units.c ---- */

/* Adds the trace's units to the evidence. service: of this service only; NULL: of all. */
void evidence_take_units(struct evidence_set *set, const struct trace *trace, const char *namespace,
			 const char *service, struct evidence *evidence);

/* ---- evidence_shapes.c ---- */

void evidence_take_shapes(struct evidence_set *set, const struct trace *trace,
			  struct evidence *evidence);

/* ---- evidence_calls.c ---- */

/* Adds the calls below `from`, the signal's span, with the trace's id, start and operation. */
void evidence_take_calls(struct evidence_set *set, const struct trace *trace, uint32_t from,
			 struct evidence *evidence);

/* ---- evidence_index.c; texts are copied ---- */

uint32_t evidence_service_index(struct evidence_set *set, const char *namespace, const char *name,
				bool peer);
uint32_t evidence_text_index(struct evidence_set *set, const char *text);
/* UINT32_MAX: the set has LIMIT_FACTS facts already, and this is none of them. */
uint32_t evidence_fact_index(struct evidence_set *set, const char *attribute, const char *value);
/* facts: ascending. UINT32_MAX: the set has LIMIT_PROFILES profiles, and this is none of them. */
uint32_t evidence_profile_index(struct evidence_set *set, uint32_t service, const uint32_t *facts,
				uint32_t nfacts);
/* UINT32_MAX: the set has LIMIT_SHAPES shapes, and this is none of them. */
uint32_t evidence_shape_index(struct evidence_set *set, uint32_t service, const char *operation,
			      const char *callees);
/* Room for element n in a heap array that grows by doubling. */
void *evidence_grow(void *at, uint32_t n, uint32_t *size, size_t each);

#endif
