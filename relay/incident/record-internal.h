/*
 * Record: what an alert was decided by, written down behind its page. Knows enrichments and turns;
 * neither alerts nor incidents. Owns the records that wait or are in the pool. Loop thread only.
 */
#ifndef TRACEPAGER_INCIDENT_RECORD_INTERNAL_H
#define TRACEPAGER_INCIDENT_RECORD_INTERNAL_H

#include "enrich-internal.h"

struct recorder;

struct recorder *recorder_new(const struct incident_env *env, struct turns *turns);
void recorder_free(struct recorder *recorder); /* takes NULL; what is in the pool frees itself */
void recorder_end(struct recorder *recorder);  /* the program ends: records gather no longer */
bool recorder_busy(const struct recorder *recorder); /* something is not written down yet */

struct record_order {
	const char *alert_key, *incident; /* incident: id; "" none */
	const struct alert *alert;
	struct enrichment *enrichment; /* the decision, its rules and what it rests on */
};
/* Copies what it needs at once, but the packed decision, of which it takes a reference, and traces
 * and healthy evidence, for which it keeps the enrichment. */
void record_decision(struct recorder *recorder, const struct record_order *order);

#endif
