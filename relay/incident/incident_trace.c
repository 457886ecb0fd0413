/*
 * The relay's own traces of an incident: what is told within a decision belongs to the decision's
 * trace; what comes later (steps, updates, the end) begins traces of its own, with a link to the
 * decision, so that a trace ends when its decision is paged. All pages of an incident that leave in
 * one turn of the loop have one cause. Owns the incident's struct incident_trace.
 */
#include <stdlib.h>

#include "incident-internal.h"
#include "tracepager/xalloc.h"

struct incident_trace {
	struct span_context decision; /* the first one's; zeroed: it was not traced */
	struct span_context cause;    /* of what is queued in that turn; zeroed: not traced */
	uint64_t turn;
};

static struct incident_trace *incident_trace_of(struct incident *incident)
{
	if (!incident->trace)
		incident->trace = xcalloc(1, sizeof(*incident->trace));
	return incident->trace;
}

/* After a restart the decision's span stands in the incident's page. */
static void trace_find_decision(struct incident *incident, struct incident_trace *trace)
{
	const struct page *page;

	if (trace->turn || span_context_is_set(&trace->decision))
		return;
	page = incident_page(incident);
	if (page->trace && !span_context_read(page->trace, &trace->decision))
		trace->decision.span = 0;
}

void incident_trace_decided(struct incident *incident, const char *text, bool first)
{
	struct incident_trace *trace;
	struct span_context context = { .span = 0 };

	if (!incident->book->env.tracer)
		return;
	if (text && !span_context_read(text, &context))
		context.span = 0;
	trace = incident_trace_of(incident);
	if (first)
		trace->decision = context;
	else
		trace_find_decision(incident, trace);
	trace->cause = context;
	trace->turn = incident->book->turn;
}

void incident_trace_gathered(struct incident *incident)
{
	struct incident_trace *trace;

	if (!incident->book->env.tracer)
		return;
	trace = incident_trace_of(incident);
	trace_find_decision(incident, trace);
	trace->cause = trace->decision;
	trace->turn = incident->book->turn;
}

/* A root span without length: what it causes is below it. */
static struct stage_span trace_begin(struct incident *incident, enum stage stage)
{
	const struct tracer *tracer = incident->book->env.tracer;
	struct incident_trace *trace = incident_trace_of(incident);
	struct stage_span span = { .stage = stage, .began_us = incident_mono_us(incident) };

	trace_find_decision(incident, trace);
	trace->turn = incident->book->turn;
	trace->cause = stage_root(tracer);
	span.context = trace->cause;
	span.links = &trace->decision;
	span.nlinks = span_context_is_set(&trace->decision);
	stage_text(&span, STAGE_ATTR_INCIDENT, incident->id);
	stage_text(&span, STAGE_ATTR_TEAM, incident->team);
	return span;
}

static void trace_tell(const struct incident *incident, struct stage_span *span)
{
	if (span_context_is_set(&span->context))
		stage_tell(incident->book->env.tracer, span, incident_mono_us(incident));
}

void incident_trace_step(struct incident *incident)
{
	struct stage_span span;

	if (!incident->book->env.tracer || incident->synthetic == SYNTHETIC_SELF)
		return;
	span = trace_begin(incident, STAGE_ESCALATE);
	if (incident->step >= 0) { /* else all runs are over, and the fallback team is paged */
		stage_number(&span, STAGE_ATTR_RUN, incident->run + 1);
		stage_number(&span, STAGE_ATTR_STEP, incident->step + 1);
	}
	trace_tell(incident, &span);
}

const char *incident_trace_page(struct incident *incident, enum page_event event,
				struct arena *arena)
{
	char text[SPAN_CONTEXT_SIZE];

	if (!incident->book->env.tracer || incident->synthetic == SYNTHETIC_SELF)
		return NULL;
	if (!incident->trace || incident->trace->turn != incident->book->turn) {
		struct stage_span span = trace_begin(incident, STAGE_TELL);
		stage_text(&span, STAGE_ATTR_EVENT, page_event_name(event));
		trace_tell(incident, &span);
	}
	return span_context_is_set(&incident->trace->cause)
		       ? arena_strdup(arena, span_context_write(&incident->trace->cause, text))
		       : NULL;
}

struct span_context incident_trace_decision(const struct incident *incident)
{
	return incident->trace ? incident->trace->decision : (struct span_context){ .span = 0 };
}

void incident_trace_free(struct incident *incident)
{
	free(incident->trace);
	incident->trace = NULL;
}
