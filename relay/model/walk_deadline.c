/*
 * Walk, deadline: was the deadline of a call shorter than its callee usually takes
 * (tracepager-walk(7), section 5)? Healthy traces tell the usual time; without them nothing here
 * answers.
 */
#include "walk-internal.h"

/* A deadline below 9/10 of the usual time is too short. A callee that took twice its usual time or
 * more was slow itself. */
#define SHORT_TENTHS 9
#define SLOW_TIMES   2

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
