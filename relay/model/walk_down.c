/*
 * Walk, down: the next span of the chain below a failing one (tracepager-walk(7), section 4).
 *
 * Errors end per invocation: on which span inside of one an error was recorded is an accident of
 * instrumentation. So the walk looks through spans that say nothing: the INTERNAL spans of routers,
 * middleware and handlers between a failing SERVER and the failing call below, however many, and
 * the one child of a failing call that is a proxy or a server without a status. A span that says OK
 * handled what failed below it.
 *
 * Spans that are parts of a call or of a response (`tcp.connect`, `dns.lookup`, `http send`) are no
 * callees: the call above them speaks.
 *
 * Each span below a failing one is looked at once, without recursion.
 */
#include "tracepager/xalloc.h"
#include "walk-internal.h"

/* ---- what is looked through ---- */

/* Did the span say by its code that it succeeded? */
static bool succeeded_by_code(const struct trace *trace, const struct span *span)
{
	int http = span_http_code(trace, span);

	return (http > 0 && http < 400) || span_grpc_code(trace, span) == 0;
}

/* Is the span a call around a call: of a framework or an SDK around that of an HTTP client below?
 */
static bool wraps_call(const struct trace *trace, const struct span *span)
{
	const struct span *inner = &trace->spans[span->first_child];

	return span->kind == SPAN_CLIENT && inner->kind == SPAN_CLIENT &&
	       span_same_service(trace, span, inner);
}

bool walk_looks_through(const struct trace *trace, uint32_t top, uint32_t at)
{
	const struct span *span = &trace->spans[at], *parent = &trace->spans[span->parent];

	if (span->status != SPAN_STATUS_UNSET || span->first_child == TRACE_NONE)
		return false;
	if (span->kind == SPAN_INTERNAL)
		return true;
	if (wraps_call(trace, span))
		return !succeeded_by_code(trace, span);
	if (span->parent == top && span_side(trace, parent) == SIDE_CLIENT)
		return !succeeded_by_code(trace, span);
	return span->kind == SPAN_UNSPECIFIED && span_same_service(trace, span, parent) &&
	       span_side(trace, span) == SIDE_SERVER;
}

/* Is the span a relay of a proxy or a sidecar: a SERVER or CLIENT span without a status and without
 * a code of success, whose only child took at least half of its time? */
static bool is_relay(const struct trace *trace, uint32_t at)
{
	const struct span *span = &trace->spans[at], *child;

	if ((span->kind != SPAN_SERVER && span->kind != SPAN_CLIENT) ||
	    span->status != SPAN_STATUS_UNSET || span->first_child == TRACE_NONE)
		return false;
	child = &trace->spans[span->first_child];
	return child->next_sibling == TRACE_NONE &&
	       (child->kind == SPAN_SERVER || child->kind == SPAN_CLIENT) &&
	       child->duration_us >= span->duration_us / 2 && span_waits_for(span, child) &&
	       !succeeded_by_code(trace, span);
}

/* The next span in the order of the document below `top`: a child of `at` if `down`, else the next
 * one beside or above. TRACE_NONE: there is none. */
static uint32_t next_below(const struct trace *trace, uint32_t top, uint32_t at, bool down)
{
	const struct span *spans = trace->spans;

	if (down && spans[at].first_child != TRACE_NONE)
		return spans[at].first_child;
	while (at != top && spans[at].next_sibling == TRACE_NONE)
		at = spans[at].parent;
	return at == top ? TRACE_NONE : spans[at].next_sibling;
}

/* ---- parts of a call ---- */

/* Has the span nothing but INTERNAL spans of its own service below it? */
static bool only_internal_below(const struct trace *trace, uint32_t span)
{
	const struct span *spans = trace->spans;
	uint32_t at = spans[span].first_child;

	while (at != TRACE_NONE) {
		if (spans[at].kind != SPAN_INTERNAL ||
		    !span_same_service(trace, &spans[span], &spans[at]))
			return false;
		at = next_below(trace, span, at, true);
	}
	return true;
}

/* A span that an instrumentation puts below a call to show a step of it: a connection, a look-up of
 * a name, TLS. It names no callee of its own. */
static bool is_part_of_call(const struct trace *trace, uint32_t call, uint32_t at)
{
	static const unsigned int peers[] = { ATTR_SERVICE_PEER_NAME, ATTR_PEER_SERVICE,
					      ATTR_SERVER_ADDRESS,    ATTR_NET_PEER_NAME,
					      ATTR_URL_FULL,	      ATTR_HTTP_URL,
					      ATTR_RPC_SERVICE,	      ATTR_DB_SYSTEM_NAME,
					      ATTR_DB_SYSTEM,	      ATTR_MESSAGING_SYSTEM };
	const struct span *span = &trace->spans[at];

	if (!span_same_service(trace, &trace->spans[call], span))
		return false;
	if (span->kind == SPAN_INTERNAL)
		return only_internal_below(trace, at);
	return span->kind == SPAN_CLIENT && span->first_child == TRACE_NONE &&
	       !span_first_attr(trace, span, peers, ARRAY_LEN(peers));
}

/* A step of a response, which says no more than the response's code. */
static bool is_part_of_response(const struct trace *trace, uint32_t server, uint32_t at)
{
	const struct span *span = &trace->spans[at];

	return span->kind == SPAN_INTERNAL && span->first_child == TRACE_NONE &&
	       span_same_service(trace, &trace->spans[server], span) &&
	       (span_http_code(trace, span) > 0 || span_grpc_code(trace, span) >= 0) &&
	       !span_says_why(trace, span);
}

/* Did another service answer a call without failing? A step that failed then is the caller's own.
 */
static bool was_answered(const struct walker *walker, uint32_t call)
{
	uint32_t answer = span_answer(walker->trace, call);

	return answer != TRACE_NONE && !(walker->bits[answer] & BIT_FAILING);
}

/* ---- what comes below ---- */

/* Does the span say nothing, but has an exception event? Not one that was cancelled: that is the
 * work of another span. */
static bool has_exception_only(const struct walker *walker, uint32_t at)
{
	static const unsigned int keys[] = { ATTR_EXCEPTION_TYPE, ATTR_EXCEPTION_MESSAGE };
	const struct trace *trace = walker->trace;
	const struct span *span = &trace->spans[at];

	return span->status == SPAN_STATUS_UNSET && !(walker->bits[at] & BIT_FAILING) &&
	       span_first_attr(trace, span, keys, ARRAY_LEN(keys)) &&
	       span_http_code(trace, span) == 0 && span_grpc_code(trace, span) <= 0 &&
	       !span_cancelled(trace, span);
}

enum below {
	BELOW_FAILING,
	BELOW_INFERRED,
	BELOW_EXCEPTION,
};

/* A step down from a failing span. */
struct step {
	struct walker *walker;
	uint32_t top;
	bool call;     /* top is a call */
	bool answered; /* which another service answered without failing */
};

static bool is_part(const struct step *step, uint32_t at)
{
	const struct trace *trace = step->walker->trace;

	if (!step->call)
		return is_part_of_response(trace, step->top, at);
	return !step->answered && is_part_of_call(trace, step->top, at);
}

static bool is_below(const struct step *step, uint32_t at, enum below what)
{
	const struct walker *walker = step->walker;

	switch (what) {
	case BELOW_FAILING:
		return (walker->bits[at] & BIT_FAILING) && !is_part(step, at);
	case BELOW_INFERRED:
		/* What failed is not reached here but through relays: see next_down(). */
		return (walker->bits[at] & (BIT_FAILING | BIT_INFERRED)) && !is_part(step, at);
	case BELOW_EXCEPTION:
		return has_exception_only(walker, at);
	}
	return false;
}

/* Fills the candidates with the nearest such spans below `top`, for which it waited, and returns
 * their number. */
static uint32_t gather_below(struct walker *walker, uint32_t top, enum below what)
{
	const struct span *spans = walker->trace->spans;
	uint32_t at = spans[top].first_child, n = 0;
	struct step step = { .walker = walker, .top = top };

	if (at == TRACE_NONE)
		return 0;
	step.call = spans[top].kind == SPAN_CLIENT || spans[top].kind == SPAN_PRODUCER;
	step.answered = step.call && was_answered(walker, top);
	while (at != TRACE_NONE) {
		bool down = false;

		if (span_waits_for(&spans[spans[at].parent], &spans[at])) {
			if (is_below(&step, at, what)) {
				if (n < walker->ncandidates)
					walker->candidates[n++] = at;
			} else {
				down = !(walker->bits[at] & (BIT_FAILING | BIT_INFERRED)) &&
				       (walk_looks_through(walker->trace, top, at) ||
					(what == BELOW_INFERRED && is_relay(walker->trace, at)));
			}
		}
		at = next_below(walker->trace, top, at, down);
	}
	return n;
}

/* The child of `top` above a span. */
static uint32_t child_above(const struct trace *trace, uint32_t top, uint32_t span)
{
	while (trace->spans[span].parent != top)
		span = trace->spans[span].parent;
	return span;
}

/* ---- reasons ---- */

/* "web → checkout: POST /checkout failed: HTTP 500", where `failed` is the caller's span of the
 * call or the callee's. */
static void tell_failed_hop(struct walker *walker, uint32_t from, uint32_t to, uint32_t failed)
{
	walker_tell(walker, "%s → %s: %s failed%s", walker_service(walker, from),
		    walker_service(walker, to), walker_name(walker, failed),
		    walker_words(walker, failed));
}

/* A reason for the step from one service to the next: a call, or, where the caller has no span of
 * the call, what failed in the callee. Of a callee without a failing span below, the leaf's reason
 * says so. */
static void tell_hop(struct walker *walker, uint32_t from, uint32_t to)
{
	const struct span *spans = walker->trace->spans;

	if (!walker_may_tell(walker) || span_same_service(walker->trace, &spans[from], &spans[to]))
		return;
	if (walker->bits[from] & BIT_INFERRED)
		walker_tell(walker, "%s → %s: %s did not say that it failed, but its server did",
			    walker_service(walker, from), walker_service(walker, to),
			    walker_name(walker, from));
	else if (span_side(walker->trace, &spans[from]) == SIDE_CLIENT)
		tell_failed_hop(walker, from, to, from);
	else if (walk_failing_child(walker, to) != TRACE_NONE)
		tell_failed_hop(walker, from, to, to);
}

/* A reason for a step across spans without a status. */
static void tell_unset(struct walker *walker, uint32_t top, uint32_t failing)
{
	const struct span *spans = walker->trace->spans;
	uint32_t unset = child_above(walker->trace, top, failing), n = 0;

	for (uint32_t at = spans[failing].parent; at != top; at = spans[at].parent)
		n++;
	if (n == 0 || !walker_may_tell(walker))
		return;
	if (n == 1)
		walker_tell(walker, "%s %s did not say that it failed, but %s below it did",
			    walker_service(walker, unset), walker_name(walker, unset),
			    walker_name(walker, failing));
	else
		walker_tell(walker,
			    "%s %s and %u more below it did not say that they failed, but %s did",
			    walker_service(walker, unset), walker_name(walker, unset), n - 1,
			    walker_name(walker, failing));
}

static void tell_exception(struct walker *walker, uint32_t span)
{
	if (walker_may_tell(walker))
		walker_tell(walker, "%s %s did not say that it failed, but has an exception%s",
			    walker_service(walker, span), walker_name(walker, span),
			    walker_words(walker, span));
}

/* ---- down ---- */

/* Is time a better explanation of a failing call than a failing span below its callee? */
static bool time_explains(struct walker *walker, uint32_t call, uint32_t failing)
{
	const struct trace *trace = walker->trace;
	uint32_t child = child_above(trace, call, failing);

	return child != failing && span_side(trace, &trace->spans[call]) == SIDE_CLIENT &&
	       trace->spans[child].kind != SPAN_INTERNAL &&
	       walk_leaf_is_slow(walker, call, child, failing);
}

/* The answer of a request over a queue: a failing CONSUMER below a message that was sent well,
 * whose words the span above repeats. TRACE_NONE: there is none. */
static uint32_t failing_answer(const struct walker *walker, uint32_t top)
{
	const struct span *spans = walker->trace->spans;
	uint32_t sent = spans[top].first_child;

	for (; sent != TRACE_NONE; sent = spans[sent].next_sibling) {
		uint32_t at =
			spans[sent].kind == SPAN_PRODUCER ? spans[sent].first_child : TRACE_NONE;

		for (; at != TRACE_NONE; at = spans[at].next_sibling) {
			if ((walker->bits[at] & BIT_FAILING) && spans[at].kind == SPAN_CONSUMER &&
			    walk_words_tie(walker, top, at) == WORDS_REPEATED)
				return at;
		}
	}
	return TRACE_NONE;
}

/* The only call that `top` made, through spans of its service that say nothing, if it succeeded by
 * its code and another service answered it; TRACE_NONE: there is none, or another. */
static uint32_t only_good_call(const struct walker *walker, uint32_t top)
{
	const struct trace *trace = walker->trace;
	uint32_t at = trace->spans[top].first_child, call = TRACE_NONE;

	for (unsigned int i = 0; at != TRACE_NONE; i++) {
		const struct span *span = &trace->spans[at];
		bool internal = span->kind == SPAN_INTERNAL;

		if (i == LIMIT_WALK_EXCEPTIONS || (!internal && call != TRACE_NONE))
			return TRACE_NONE;
		if (!internal)
			call = at;
		at = next_below(trace, top, at, internal);
	}
	return call != TRACE_NONE && trace->spans[call].kind == SPAN_CLIENT &&
			       succeeded_by_code(trace, &trace->spans[call]) &&
			       span_answer(trace, call) != TRACE_NONE
		       ? call
		       : TRACE_NONE;
}

/* GraphQL answers a failure with HTTP 200: a failing INTERNAL span of the callee, such as a
 * resolver's, whose words the failing INTERNAL span above the call repeats. */
static uint32_t failing_resolver(struct walker *walker, uint32_t top)
{
	const struct trace *trace = walker->trace;
	const struct span *spans = trace->spans;
	uint32_t call = spans[top].kind == SPAN_INTERNAL ? only_good_call(walker, top) : TRACE_NONE;
	uint32_t answer = call == TRACE_NONE ? TRACE_NONE : span_answer(trace, call), at;

	at = answer == TRACE_NONE || (walker->bits[answer] & BIT_FAILING)
		     ? TRACE_NONE
		     : spans[answer].first_child;
	for (unsigned int i = 0; at != TRACE_NONE && i < LIMIT_WALK_EXCEPTIONS; i++) {
		bool internal = spans[at].kind == SPAN_INTERNAL;

		if (internal && (walker->bits[at] & BIT_FAILING) &&
		    walk_words_tie(walker, top, at) == WORDS_REPEATED) {
			walker_limit(walker, VERDICT_LIMIT_INFERRED);
			walker_tell(walker,
				    "%s was answered with a code of success, but %s %s "
				    "below it failed with the same words",
				    walker_name(walker, call), walker_service(walker, at),
				    walker_name(walker, at));
			return at;
		}
		at = next_below(trace, answer, at, internal);
	}
	return TRACE_NONE;
}

/*
 * The next span of the chain below a failing one, or TRACE_NONE: this one is the leaf.
 *
 * Asked in this order: spans that failed; calls whose failure is inferred from their server, and
 * what failed below relays; spans that say nothing but have an exception event; the answer to a
 * request over a queue; a resolver of GraphQL.
 */
static uint32_t next_down(struct walker *walker, uint32_t span)
{
	uint32_t n = gather_below(walker, span, BELOW_FAILING), next;
	unsigned int limits;

	if (n > 0) {
		limits = walker->limits.n;
		next = walk_choose(walker, n, span);
		if (next == TRACE_NONE)
			return TRACE_NONE;
		if (time_explains(walker, span, next)) {
			walker->limits.n = limits; /* those of a choice that is not made */
			return TRACE_NONE;
		}
		tell_unset(walker, span, next);
		return next;
	}
	n = gather_below(walker, span, BELOW_INFERRED);
	if (n > 0) {
		next = walk_choose(walker, n, span);
		if (next != TRACE_NONE)
			walker_limit(walker, VERDICT_LIMIT_INFERRED);
		return next;
	}
	n = gather_below(walker, span, BELOW_EXCEPTION);
	next = n > 0 ? walk_choose(walker, n, span) : TRACE_NONE;
	if (next == TRACE_NONE)
		next = failing_answer(walker, span);
	else
		tell_exception(walker, next);
	return next != TRACE_NONE ? next : failing_resolver(walker, span);
}

uint32_t walk_down(struct walker *walker, uint32_t span)
{
	for (;;) {
		uint32_t next = next_down(walker, span);

		if (next == TRACE_NONE)
			return span;
		tell_hop(walker, span, next);
		span = next;
	}
}

uint32_t walk_exception_below(struct walker *walker, uint32_t span)
{
	uint32_t n = gather_below(walker, span, BELOW_EXCEPTION);

	return has_exception_only(walker, span) ? span
	       : n > 0				? walk_choose(walker, n, TRACE_NONE)
						: TRACE_NONE;
}
