/*
 * Decision, differs: asks the model what differs between failing calls of the suspect and others.
 * Pure; any thread. Owns nothing.
 */
#include "decide-internal.h"

/* The service whose spans show the suspect: a callee without spans is seen by its caller's. */
static const struct resource *seen_resource(const struct suspect *suspect)
{
	if (suspect->resource || !suspect->trace || suspect->span == TRACE_NONE)
		return suspect->resource;
	return span_resource(suspect->trace, &suspect->trace->spans[suspect->span]);
}

void decision_find_differs(struct arena *arena, const struct decide_input *input,
			   struct decision *d)
{
	const struct verdict *verdict = &d->verdict;
	const struct suspect *suspect = &verdict->suspect;
	const struct resource *resource = seen_resource(suspect);

	if (!verdict->found || !verdict->walk || !resource || !suspect->trace)
		return;
	d->verdict.ndiffers =
		differs(arena,
			&(struct differs_input){
				.traces = input->traces,
				.ntraces = input->ntraces,
				.ordinary = input->ordinary,
				.healthy = input->healthy,
				.namespace = trace_text(suspect->trace, resource->namespace),
				.service = trace_text(suspect->trace, resource->service),
				.slow = verdict->walk->mode == WALK_LATENCY,
			},
			d->verdict.differs);
}
