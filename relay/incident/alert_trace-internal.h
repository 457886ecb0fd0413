/*
 * The relay's own trace of an alert, from its acceptance to its decision: the root span, and those
 * of accepting and of storing it. Owned by the alert that it is of. Loop thread only.
 */
#ifndef TRACEPAGER_INCIDENT_ALERT_TRACE_INTERNAL_H
#define TRACEPAGER_INCIDENT_ALERT_TRACE_INTERNAL_H

#include "tracepager/clock.h"
#include "tracepager/decide.h"
#include "tracepager/stage.h"

struct alert_trace;

/* An alert was accepted, or is decided anew: the trace takes the place of *slot, which is freed.
 * *slot NULL: it is not traced. Returns its root; zeroed: none. */
struct span_context alert_trace_begin(struct alert_trace **slot, const struct tracer *tracer,
				      const struct clock *clock, const struct alert *alert);
/* A restart found it accepted and not decided: its span goes on. accepted_us: wall. NULL: it is not
 * traced. */
struct alert_trace *alert_trace_restore(const struct tracer *tracer, const struct clock *clock,
					const struct alert *alert, int64_t accepted_us);
void alert_trace_free(struct alert_trace *trace); /* tells nothing; takes NULL */
/* The root's context; zeroed for NULL. */
struct span_context alert_trace_root(const struct alert_trace *trace);

/* Each takes a slot with NULL. The later one of stored and decided tells the root, frees the trace,
 * and sets *slot to NULL. */
/* The alert goes to the store: its document gets the root's context, whose text is in out. */
void alert_trace_stores(struct alert_trace **slot, struct alert *words,
			char out[SPAN_CONTEXT_SIZE]);
void alert_trace_stored(struct alert_trace **slot, bool failed);
/* incident: its id; "": none. */
void alert_trace_decided(struct alert_trace **slot, const struct decision *decision,
			 const char *incident);

/* What of a decision stands in a span: outcome, suspect, confidence, fallback, team. */
void alert_trace_add_decision(struct stage_span *span, const struct decision *decision);

#endif
