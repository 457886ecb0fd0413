/*
 * Walk, calls of a callee: an alert about the calls that a service makes to one callee says nothing
 * of its other calls. The walk then begins at these calls only (tracepager-walk(7), section 3). A
 * call is known by what its span says of its peer, by the service of the span that answered it, and
 * by its RPC service.
 */
#include <string.h>
#include <strings.h>

#include "walk-internal.h"

/* Are two names of a host or service one? Ports do not count. "cart" and "cart.shop.svc" are one,
 * "cart.shop" and "cart.bank" are not; addresses have no short form. */
static bool same_peer(const char *a, const char *b)
{
	size_t la = strcspn(a, ":"), lb = strcspn(b, ":");
	size_t least = la < lb ? la : lb;
	const char *longer = la < lb ? b : a, *shorter = la < lb ? a : b;

	if (least == 0 || strncasecmp(a, b, least) != 0)
		return false;
	return la == lb ||
	       (longer[least] == '.' && !memchr(shorter, '.', least) && !peer_is_address(longer));
}

static bool call_is_named(const char *name, const char *callee)
{
	return name && (strcasecmp(name, callee) == 0 || same_peer(name, callee));
}

static bool is_call_of_callee(struct walker *walker, uint32_t call, const char *callee)
{
	const struct trace *trace = walker->trace;
	const struct span *span = &trace->spans[call];
	uint32_t answer = span_answer(trace, call);
	struct suspect names = { .npeers = 0 };

	if (span_side(trace, span) != SIDE_CLIENT)
		return false;
	if (answer != TRACE_NONE &&
	    call_is_named(span_service(trace, &trace->spans[answer]), callee))
		return true;
	if (call_is_named(span_attr(trace, span, ATTR_RPC_SERVICE), callee))
		return true;
	peer_names(walker->arena, trace, span, &names);
	for (unsigned int i = 0; i < names.npeers; i++)
		if (call_is_named(names.peers[i], callee))
			return true;
	return false;
}

bool walk_mark_calls(struct walker *walker)
{
	const struct signal *alerted = walker->options->alerted;
	struct signal_matcher by_alerted = {
		.signal = alerted, .trace = walker->trace, .service_only = true, .ignore_case = true
	};
	bool failed = false;

	if (!alerted || !alerted->callee)
		return false;
	for (uint32_t i = 0; i < walker->norder; i++) {
		uint32_t span = walker->order[i];
		uint16_t marked = walker_bits_above(walker, span) & BIT_CALLS_PEER;

		if (!marked && signal_matcher_test(&by_alerted, &walker->trace->spans[span]) &&
		    is_call_of_callee(walker, span, alerted->callee))
			marked = BIT_CALLS_PEER;
		walker->bits[span] |= marked;
		failed = failed || (marked && (walker->bits[span] & BIT_FAILING));
	}
	return failed;
}
