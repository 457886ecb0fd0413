/*
 * Evidence, calls: the calls that were made for one request, as a tree, with how long each took,
 * how much of the request's critical path it holds, and whether it failed and took its caller with
 * it. What counts as one call is what the service map counts (service_map.h), below the signal's
 * span.
 */
#include <stdlib.h>
#include <string.h>

#include "evidence-internal.h"
#include "strata-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "walk-internal.h"

/* One request, while its calls are found. Arrays are per span of the trace. */
struct call_finder {
	struct evidence_set *set;
	const struct trace *trace;
	struct arena *scratch;
	uint32_t *order;  /* the signal's span and all below it, parents first */
	uint32_t *above;  /* the call that the span's invocation answers */
	int64_t *path_us; /* of the critical path, in the span or below it */
	uint32_t norder;
	struct evidence_call *calls;
	const struct span *timed[LIMIT_EVIDENCE_CALLS]; /* the span whose time the call has */
	uint32_t ncalls;
	bool cut;
};

static void add_path_time(void *ctx, uint32_t span, int64_t own_us)
{
	struct call_finder *finder = ctx;

	finder->path_us[span] += own_us;
}

/* Fills order, and path_us by the critical path. */
static void order_request(struct call_finder *finder, uint32_t from)
{
	const struct trace *trace = finder->trace;
	const struct span *spans = trace->spans;

	finder->order[finder->norder++] = from;
	for (uint32_t i = 0; i < finder->norder; i++)
		for (uint32_t child = spans[finder->order[i]].first_child;
		     child != TRACE_NONE && finder->norder < trace->nspans;
		     child = spans[child].next_sibling)
			finder->order[finder->norder++] = child;
	critical_path(trace, from, spans[from].start_us, span_end_us(&spans[from]), add_path_time,
		      finder);
	for (uint32_t i = finder->norder; i-- > 1;)
		finder->path_us[spans[finder->order[i]].parent] +=
			finder->path_us[finder->order[i]];
}

/* client, server: the spans that tell of the call; TRACE_NONE: there is none. Returns the call's
 * index; TRACE_NONE: there is no room. */
static uint32_t add_found_call(struct call_finder *finder, uint32_t above, uint32_t client,
			       uint32_t server, uint32_t callee)
{
	const struct trace *trace = finder->trace;
	/* One of both is there: where the other is not, it stands for that as well. */
	const struct span *c = &trace->spans[client == TRACE_NONE ? server : client];
	const struct span *s = &trace->spans[server == TRACE_NONE ? client : server];
	const bool message =
		c->kind == SPAN_PRODUCER || s->kind == SPAN_CONSUMER || (s->flags & SPAN_FOLLOWS);
	const struct span *timed = message ? s : c;

	if (finder->ncalls == LIMIT_EVIDENCE_CALLS) {
		finder->cut = true;
		return TRACE_NONE;
	}
	finder->calls[finder->ncalls] = (struct evidence_call){
		.above = above,
		.callee = callee,
		.operation = evidence_text_index(
			finder->set,
			operation_without_ids(finder->scratch, trace_text(trace, s->name))),
		.us = timed->duration_us,
		.path_us = finder->path_us[c - trace->spans],
		.failed = span_failing(trace, c, true) || span_failing(trace, s, true),
		.message = message,
	};
	finder->timed[finder->ncalls] = timed;
	return finder->ncalls++;
}

/* A call whose callee has no span: nothing where the caller's span does not name it. */
static void find_silent_call(struct call_finder *finder, uint32_t span)
{
	struct suspect suspect = { .trace = finder->trace, .span = span };

	peer_names(finder->scratch, finder->trace, &finder->trace->spans[span], &suspect);
	if (suspect.npeers)
		add_found_call(finder, finder->above[span], span, TRACE_NONE,
			       evidence_service_index(finder->set, "", suspect.peers[0], true));
}

/* Finds the calls that a span makes, and passes on to its children which call they answer. */
static void find_calls_of(struct call_finder *finder, uint32_t at)
{
	const struct trace *trace = finder->trace;
	const struct span *span = &trace->spans[at];
	bool own;
	const uint32_t answers = span_foreign_children(trace, span, &own);
	const uint32_t client =
		answers == 1 && span_side(trace, span) == SIDE_CLIENT ? at : TRACE_NONE;

	if (!answers && (span->kind == SPAN_CLIENT || span->kind == SPAN_PRODUCER) && !own)
		find_silent_call(finder, at);
	for (uint32_t child = span->first_child; child != TRACE_NONE;
	     child = trace->spans[child].next_sibling) {
		const struct span *answer = &trace->spans[child];
		const struct resource *resource = span_resource(trace, answer);

		finder->above[child] = finder->above[at];
		if (span_same_service(trace, span, answer))
			continue;
		finder->above[child] = add_found_call(
			finder, finder->above[at], client, child,
			evidence_service_index(finder->set, trace_text(trace, resource->namespace),
					       trace_text(trace, resource->service), false));
	}
}

/* Did a later call of the same operation by the same caller succeed? */
static bool is_made_up(const struct call_finder *finder, uint32_t failed)
{
	const struct evidence_call *call = &finder->calls[failed];

	for (uint32_t i = 0; i < finder->ncalls; i++) {
		const struct evidence_call *other = &finder->calls[i];

		if (i != failed && !other->failed && other->above == call->above &&
		    other->callee == call->callee && other->operation == call->operation &&
		    finder->timed[i]->start_us >= finder->timed[failed]->start_us)
			return true;
	}
	return false;
}

void evidence_take_calls(struct evidence_set *set, const struct trace *trace, uint32_t from,
			 struct evidence *evidence)
{
	const struct span *signal = &trace->spans[from];
	const struct resource *resource = span_resource(trace, signal);
	const char *id = trace_text(trace, trace->id);
	struct call_finder finder = { .set = set,
				      .trace = trace,
				      .scratch = arena_new(LIMIT_WALK_SCRATCH_BYTES),
				      .order = xcalloc(trace->nspans, sizeof(*finder.order)),
				      .above = xcalloc(trace->nspans, sizeof(*finder.above)),
				      .path_us = xcalloc(trace->nspans, sizeof(*finder.path_us)),
				      .calls = xcalloc(LIMIT_EVIDENCE_CALLS,
						       sizeof(*finder.calls)) };

	order_request(&finder, from);
	finder.above[from] = TRACE_NONE;
	for (uint32_t i = 0; i < finder.norder && !finder.cut; i++)
		find_calls_of(&finder, finder.order[i]);
	for (uint32_t i = 0; i < finder.ncalls; i++) {
		struct evidence_call *call = &finder.calls[i];
		const bool caller_failed = call->above == TRACE_NONE
						   ? span_failing(trace, signal, true)
						   : finder.calls[call->above].failed;

		call->fatal =
			call->failed && !call->message && caller_failed && !is_made_up(&finder, i);
	}
	evidence->trace_id = arena_strndup(set->arena, id, strnlen(id, LIMIT_EVIDENCE_ID_BYTES));
	evidence->start_us = signal->start_us;
	evidence->entry_service =
		evidence_service_index(set, trace_text(trace, resource->namespace),
				       trace_text(trace, resource->service), false);
	evidence->entry_operation = evidence_text_index(
		set, operation_without_ids(finder.scratch, trace_text(trace, signal->name)));
	evidence->calls = arena_array(set->arena, (size_t)finder.ncalls + 1, sizeof(*finder.calls));
	memcpy(evidence->calls, finder.calls, finder.ncalls * sizeof(*finder.calls));
	evidence->ncalls = finder.ncalls;
	evidence->calls_cut = finder.cut;
	arena_free(finder.scratch);
	free(finder.order);
	free(finder.above);
	free(finder.path_us);
	free(finder.calls);
}
