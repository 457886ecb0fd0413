/*
 * Walk, callee: what the callee of a call did while its caller waited (tracepager-walk(7), section
 * 5). It compares times of two hosts, so it allows for clocks that differ and for small differences
 * at the call's end.
 */
#include "walk-internal.h"

/* A callee that ends within the last 1/20 of the call counts as being at work at its end. */
#define NEAR_PART 20
/* A call that lasted 3 times as long as the longest like it that did not fail was waiting. */
#define MUCH_LONGER 3

/* Is this child of a call the callee's span, and not one of the caller's own? */
static bool is_callee_of(const struct trace *trace, const struct span *client,
			 const struct span *span)
{
	/* A producer calls the broker. A consumer cannot be to blame for what the broker answered.
	 */
	if (client->kind == SPAN_PRODUCER && span->kind == SPAN_CONSUMER)
		return false;
	return span->kind == SPAN_SERVER || span->kind == SPAN_CONSUMER ||
	       !span_same_service(trace, client, span);
}

void callee_look_at(const struct trace *trace, uint32_t client, uint32_t span, struct callee *ret)
{
	const struct span *call = &trace->spans[client], *work = &trace->spans[span];
	int64_t end = span_end_us(call), margin = call->duration_us / NEAR_PART;
	int64_t skew = 0;

	/* A callee cannot begin before its call. If it seems to, its clock is behind. */
	if (call->resource != work->resource && work->start_us < call->start_us)
		skew = call->start_us - work->start_us;
	ret->span = span;
	ret->deadline_us = end - skew;
	ret->late = call->duration_us > 0 && work->start_us >= end;
	ret->at_deadline = !ret->late && span_end_us(work) + skew >= end - margin;
	ret->outlives = !ret->late && work->duration_us > call->duration_us + margin;
}

/* Keeps in *best a callee that began during the call before a late one; of two, the one that ended
 * last. */
static void callee_keep_later(const struct trace *trace, uint32_t client, uint32_t span,
			      struct callee *best)
{
	struct callee callee;

	callee_look_at(trace, client, span, &callee);
	if (best->span == TRACE_NONE || (best->late && !callee.late) ||
	    (best->late == callee.late &&
	     span_end_us(&trace->spans[span]) > span_end_us(&trace->spans[best->span])))
		*best = callee;
}

/* Goes down through spans of the caller's own, without recursion: to the first child, else to the
 * next sibling of the nearest span above that has one. */
struct callee callee_find(const struct trace *trace, uint32_t client)
{
	const struct span *spans = trace->spans;
	struct callee best = { .span = TRACE_NONE };
	uint32_t i = spans[client].first_child;

	while (i != TRACE_NONE) {
		bool down = false;

		if (!(spans[i].flags & SPAN_FOLLOWS)) {
			if (is_callee_of(trace, &spans[client], &spans[i]))
				callee_keep_later(trace, client, i, &best);
			else
				down = spans[i].kind != SPAN_CONSUMER &&
				       spans[i].first_child != TRACE_NONE;
		}
		if (down) {
			i = spans[i].first_child;
			continue;
		}
		while (i != client && spans[i].next_sibling == TRACE_NONE)
			i = spans[i].parent;
		i = i == client ? TRACE_NONE : spans[i].next_sibling;
	}
	return best;
}

/* Did the call last MUCH_LONGER than all its siblings of the same operation that did not fail? */
static bool lasted_much_longer(const struct walker *walker, uint32_t client)
{
	const struct span *spans = walker->trace->spans;
	uint32_t i = spans[client].parent == TRACE_NONE ? TRACE_NONE
							: spans[spans[client].parent].first_child;
	int64_t longest = 0;

	for (; i != TRACE_NONE; i = spans[i].next_sibling) {
		if (i != client && spans[i].name == spans[client].name &&
		    !(walker->bits[i] & BIT_FAILING) && spans[i].duration_us > longest)
			longest = spans[i].duration_us;
	}
	return longest > 0 && spans[client].duration_us / MUCH_LONGER >= longest;
}

bool callee_given_up(const struct walker *walker, uint32_t client, const struct callee *callee)
{
	const struct span *span = &walker->trace->spans[client];

	if (callee->outlives)
		return true;
	return callee->at_deadline &&
	       (span_timed_out(walker->trace, span) || span_cancelled(walker->trace, span) ||
		lasted_much_longer(walker, client));
}

bool callee_waited_for(struct walker *walker, const struct own_time *time, int64_t until_us,
		       struct suspect *suspect)
{
	const struct trace *trace = walker->trace;
	struct callee callee;

	if (span_side(trace, &trace->spans[time->span]) != SIDE_CLIENT ||
	    time->most_us < time->own_us / 2)
		return false;
	callee = callee_find(trace, time->span);
	if (callee.span != TRACE_NONE && trace->spans[callee.span].start_us < until_us)
		return false;
	peer_names(walker->arena, trace, &trace->spans[time->span], suspect);
	return true;
}
