/*
 * Walk, latency: whose time it was, in one trace (tracepager-walk(7), section 6). One trace can
 * only say which service has the largest own time on the signal's critical path. Whether that time
 * is unusual is for the contrast with healthy traces to say (contrast.h).
 */
#include "walk-internal.h"

/* Was most of the own time spent in a call that another service answered? Own time of a call is
 * waiting beyond the callee's work: network, connection or queue. One trace cannot tell which end
 * it belongs to, so the suspect becomes an edge. */
static bool between_two(struct walker *walker, const struct own_time *time, struct suspect *suspect)
{
	const struct trace *trace = walker->trace;
	uint32_t answer = span_answer(trace, time->span);

	if (answer == TRACE_NONE || time->most_us < time->own_us / 2)
		return false;
	suspect->kind = SUSPECT_EDGE;
	suspect->callee = span_service(trace, &trace->spans[answer]);
	walker_tell(walker,
		    "%s waited %s of that beyond the work of %s, so either end may be to blame",
		    walker_service(walker, time->span), walker_duration(walker, time->most_us),
		    walker_service(walker, answer));
	return true;
}

void walk_latency(struct walker *walker, struct suspect *suspect, double *certainty)
{
	const struct trace *trace = walker->trace;
	const struct span *signal = &trace->spans[walker->signal];
	struct walk *walk = walker->walk;
	struct own_time times[LIMIT_OWN_TIMES];
	unsigned int n;

	n = walk_own_times(trace, walker->signal, signal->start_us, span_end_us(signal), times);
	if (n == 0)
		times[n++] = (struct own_time){ .span = walker->signal };
	walker_suspect(walker, times[0].span, SUSPECT_SLOW, suspect);
	*certainty = CERTAINTY_SLOW;
	walker_tell(walker, "of the %s of %s %s, %s spent %s in its own work, most of it in %s",
		    walker_duration(walker, signal->duration_us),
		    walker_service(walker, walker->signal), walker_name(walker, walker->signal),
		    walker_service(walker, times[0].span), walker_duration(walker, times[0].own_us),
		    walker_name(walker, times[0].span));
	if (!callee_waited_for(walker, &times[0], span_end_us(signal), suspect) &&
	    between_two(walker, &times[0], suspect))
		*certainty = CERTAINTY_EDGE;
	walk->ncritical = critical_path_keep(walker->arena, trace, walker->signal, &walk->critical);
	if (n > 1) {
		walk->others = arena_array(walker->arena, n - 1, sizeof(*walk->others));
		walk->nothers = n - 1;
		for (unsigned int i = 1; i < n; i++)
			walker_suspect(walker, times[i].span, SUSPECT_SLOW, &walk->others[i - 1]);
		walker_tell(walker, "next is %s with %s", walker_service(walker, times[1].span),
			    walker_duration(walker, times[1].own_us));
	}
}
