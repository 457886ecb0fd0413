/*
 * Walk, deadline: was the deadline of a call shorter than its callee usually takes, or did an
 * earlier call use it up (tracepager-walk(7), section 5)? Healthy traces tell the usual time;
 * without them only the second question is answered.
 */
#include "walk-internal.h"

/* A deadline below 9/10 of the usual time is too short. A callee that took twice its usual time or
 * more was slow itself. */
#define SHORT_TENTHS 9
#define SLOW_TIMES   2
/* A call during which a shared deadline expired had less than 1/3 of the time of the one before.
 * Where no server above tells that it timed out too, it had less than 1/10. */
#define SHARED_PART 3
#define EATEN_PART  10
/* A call that ended within the last 1/20 of the span above ended with it. */
#define WITH_PARENT_PART 20

bool walk_usual_time(const struct walker *walker, uint32_t client, uint32_t callee,
		     struct callee_time *ret_time)
{
	const struct callee_habits *habits = walker->options->habits;
	const struct trace *trace = walker->trace;
	const struct span *call = &trace->spans[client];
	const char *name = trace_text(trace, call->name);
	struct suspect suspect = { .trace = trace, .span = client };
	struct callee_name learned = { .service = NULL };

	if (!habits)
		return false;
	if (callee != TRACE_NONE) {
		const struct span *work = &trace->spans[callee];

		return callee_habits_time(habits, walker->arena,
					  trace_text(trace, span_resource(trace, work)->namespace),
					  span_service(trace, work), trace_text(trace, work->name),
					  false, ret_time);
	}
	peer_names(walker->arena, trace, call, &suspect);
	if (callee_habits_name(habits, walker->arena, &suspect, &learned))
		return callee_habits_time(habits, walker->arena, learned.namespace, learned.service,
					  name, true, ret_time);
	return suspect.npeers > 0 && callee_habits_time(habits, walker->arena, "", suspect.peers[0],
							name, true, ret_time);
}

/* A connection has a deadline of its own, which the callee's usual time says nothing of. These
 * words are those that span_unreachable() does not know. */
static bool connect_timed_out(const struct trace *trace, const struct span *call)
{
	static const char *const words[] = { "dial tcp", "timed out connecting",
					     "connection timeout", NULL };

	return span_has_word(trace, call, words);
}

/* Had another attempt of the call enough time? Then the last one had only the rest of it. */
static bool other_attempt_waited(const struct walker *walker, uint32_t client, int64_t enough_us)
{
	const struct span *spans = walker->trace->spans;
	uint32_t i = spans[client].parent;

	for (i = i == TRACE_NONE ? i : spans[i].first_child; i != TRACE_NONE;
	     i = spans[i].next_sibling)
		if (i != client && spans[i].duration_us >= enough_us &&
		    attempts_same_call(walker->trace, &spans[i], &spans[client]))
			return true;
	return false;
}

bool walk_deadline_short(const struct walker *walker, uint32_t client, uint32_t callee,
			 const struct callee_time *usual)
{
	const struct trace *trace = walker->trace;
	const struct span *call = &trace->spans[client];
	int64_t enough_us = usual->us / 10 * SHORT_TENTHS;

	/* With an HTTP code the callee answered. */
	return span_timed_out(trace, call) && call->duration_us < enough_us &&
	       span_http_code(trace, call) == 0 && !span_unreachable(trace, call) &&
	       !connect_timed_out(trace, call) && !span_waits_for_pool(trace, call) &&
	       (callee == TRACE_NONE ||
		trace->spans[callee].duration_us / SLOW_TIMES < usual->us) &&
	       !other_attempt_waited(walker, client, enough_us);
}

/* ---- a deadline that an earlier call used up ---- */

/* The topmost span above the leaf that timed out with it, and the child of that span on the way to
 * the leaf. TRACE_NONE: no span above timed out. */
static uint32_t shared_deadline(const struct walker *walker, uint32_t leaf, uint32_t *ret_child)
{
	const struct trace *trace = walker->trace;
	uint32_t at = leaf, top = TRACE_NONE;

	while ((walker_bits_above(walker, at) & BIT_FAILING) &&
	       span_timed_out(trace, &trace->spans[trace->spans[at].parent])) {
		if (span_side(trace, &trace->spans[trace->spans[at].parent]) == SIDE_SERVER) {
			top = trace->spans[at].parent;
			*ret_child = at;
		}
		at = trace->spans[at].parent;
	}
	return top;
}

/* The span of the leaf's own service that failed together with the leaf, a call that ended by a
 * deadline and not by a time-out of its own or by an answer; TRACE_NONE: there is none. */
static uint32_t failed_with_leaf(const struct walker *walker, uint32_t leaf)
{
	static const char *const words[] = { "deadline", NULL };
	const struct trace *trace = walker->trace;
	const struct span *spans = trace->spans, *call = &spans[leaf];
	uint32_t above = call->parent;

	if (call->kind != SPAN_CLIENT || above == TRACE_NONE ||
	    !(walker->bits[above] & BIT_FAILING) || span_http_code(trace, call) != 0 ||
	    !span_same_service(trace, call, &spans[above]) ||
	    (span_grpc_code(trace, call) != GRPC_DEADLINE_EXCEEDED &&
	     !span_has_word(trace, call, words)))
		return TRACE_NONE;
	return span_end_us(call) >= span_end_us(&spans[above]) -
					    spans[above].duration_us / WITH_PARENT_PART
		       ? above
		       : TRACE_NONE;
}

uint32_t walk_deadline_eater(const struct walker *walker, uint32_t leaf, uint32_t *ret_top,
			     uint32_t *ret_child)
{
	const struct span *spans = walker->trace->spans;
	uint32_t top, child = leaf, at;
	int64_t part = SHARED_PART;

	if (!span_timed_out(walker->trace, &spans[leaf]))
		return TRACE_NONE;
	top = shared_deadline(walker, leaf, &child);
	if (top == TRACE_NONE) {
		top = failed_with_leaf(walker, leaf);
		child = leaf;
		part = EATEN_PART;
	}
	*ret_top = top;
	*ret_child = child;
	for (at = top == TRACE_NONE ? top : spans[top].first_child; at != TRACE_NONE;
	     at = spans[at].next_sibling) {
		if (at != child && !(walker->bits[at] & BIT_FAILING) &&
		    span_end_us(&spans[at]) <= spans[child].start_us &&
		    spans[at].duration_us >= spans[top].duration_us / 2 &&
		    spans[at].duration_us / part >= spans[child].duration_us)
			return at;
	}
	return TRACE_NONE;
}
