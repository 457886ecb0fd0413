/*
 * Walk, start: finds the spans of the signal and the failing span to begin with
 * (tracepager-walk(7), section 3).
 *
 * Looked for in this order: failing spans of the signal itself; the failing spans nearest below it;
 * failing spans in trees that do not hold the signal, and then a reason says so. Of several at the
 * same depth walk_choose() takes one; deeper ones are left aside. Without a signal, or where no
 * span matches it, the trace's root stands for the signal.
 */
#include "tracepager/xalloc.h"
#include "walk-internal.h"

/* ---- the signal ---- */

/* The root by which the request came in: one that names no parent before orphans; of several, the
 * earliest. */
static uint32_t first_root(const struct walker *walker)
{
	const struct span *spans = walker->trace->spans;
	uint32_t best = walker->trace->first_root;

	for (uint32_t i = spans[best].next_sibling; i != TRACE_NONE; i = spans[i].next_sibling) {
		bool whole = spans[i].parent_id == 0, best_whole = spans[best].parent_id == 0;

		if (whole != best_whole ? whole : spans[i].start_us < spans[best].start_us)
			best = i;
	}
	return best;
}

/* Marks the spans of the signal and all spans below them. Returns the one nearest to a root, or
 * TRACE_NONE. */
static uint32_t mark_signal(struct walker *walker, bool service_only, bool ignore_case)
{
	struct signal_matcher matcher = { .signal = walker->options->signal,
					  .trace = walker->trace,
					  .service_only = service_only,
					  .ignore_case = ignore_case };
	uint32_t first = TRACE_NONE;

	for (uint32_t i = 0; i < walker->norder; i++) {
		uint32_t span = walker->order[i];
		uint16_t above = walker_bits_above(walker, span) & BIT_UNDER_SIGNAL;

		if (signal_matcher_test(&matcher, &walker->trace->spans[span])) {
			above |= BIT_SIGNAL | BIT_UNDER_SIGNAL;
			if (first == TRACE_NONE)
				first = span;
		}
		walker->bits[span] |= above;
	}
	return first;
}

/* Without a signal: marks the root, and the spans of its service in its tree, as the signal's. */
static void mark_root(struct walker *walker, uint32_t root)
{
	const struct span *spans = walker->trace->spans;

	walker->bits[root] |= BIT_SIGNAL | BIT_UNDER_SIGNAL;
	for (uint32_t i = 0; i < walker->norder; i++) {
		uint32_t span = walker->order[i];

		if (!(walker_bits_above(walker, span) & BIT_UNDER_SIGNAL))
			continue;
		walker->bits[span] |= BIT_UNDER_SIGNAL;
		if (span_same_service(walker->trace, &spans[span], &spans[root]))
			walker->bits[span] |= BIT_SIGNAL;
	}
}

static bool field_given(const char *text)
{
	return text && text[0] != '\0';
}

/* The span of the signal, or, where the trace has none, the nearest to it: another operation of the
 * service before a service whose name differs in case, since senders write names as they like. */
static uint32_t find_matching(struct walker *walker)
{
	static const struct {
		bool service_only, ignore_case;
	} tries[] = { { false, false }, { true, false }, { false, true }, { true, true } };
	const struct signal *signal = walker->options->signal;
	size_t n = field_given(signal->service) ? ARRAY_LEN(tries) : 1;

	for (size_t i = 0; i < n; i++) {
		uint32_t span = mark_signal(walker, tries[i].service_only, tries[i].ignore_case);

		if (span == TRACE_NONE)
			continue;
		if (tries[i].ignore_case)
			walker_tell(walker,
				    "no service is called %s; took %s, without regard to case",
				    shown_text(walker->arena, signal->service),
				    walker_service(walker, span));
		if (tries[i].service_only)
			walker_tell(walker,
				    "no span of %s is the signal's operation; took any span of it",
				    shown_text(walker->arena, signal->service));
		return span;
	}
	walker_tell(walker, "no span of this trace is the signal; began at its root");
	return TRACE_NONE;
}

bool walk_signal(struct walker *walker)
{
	const struct signal *signal = walker->options->signal;
	bool known = signal && (field_given(signal->service) || field_given(signal->operation) ||
				signal->attrs.n > 0);
	uint32_t span = known ? find_matching(walker) : TRACE_NONE;
	bool found = span != TRACE_NONE;

	if (!found) {
		span = first_root(walker);
		mark_root(walker, span);
	}
	walker->signal = span;
	walker->walk->from_span = span;
	walker->walk->signal_span = known && !found ? TRACE_NONE : span;
	return found;
}

/* ---- where it starts ---- */

/*
 * The topmost spans with all bits of `want` and none of `avoid`: no span below such a span counts,
 * and `taken` is the bit that marks it and all below it. Those nearest to the root become the
 * candidates, whose number is returned; deeper ones, in other branches, are left aside as others.
 */
static uint32_t find_topmost(struct walker *walker, uint16_t want, uint16_t avoid, uint16_t taken)
{
	uint32_t n = 0, depth = 0;

	walker->nothers = 0;
	for (uint32_t i = 0; i < walker->norder; i++) {
		uint32_t span = walker->order[i];
		uint16_t above = walker_bits_above(walker, span) & taken;

		if (!above && (walker->bits[span] & (want | avoid)) == want) {
			above = taken;
			if (n == 0)
				depth = walker->depth[span];
			if (walker->depth[span] == depth)
				walker->candidates[n++] = span;
			else if (walker->nothers < LIMIT_WALK_OTHERS)
				walker->others[walker->nothers++] = span;
		}
		walker->bits[span] |= above;
	}
	return n;
}

/* The span to begin with among the topmost ones, or TRACE_NONE. Where every span of one depth is an
 * attempt that was tried again with success, the next depth is looked at. */
static uint32_t start_among(struct walker *walker, uint16_t want, uint16_t avoid, uint16_t taken,
			    uint32_t *ret_n)
{
	uint32_t start = TRACE_NONE;

	for (int round = 0; round < LIMIT_START_ROUNDS && start == TRACE_NONE; round++) {
		*ret_n = find_topmost(walker, want, avoid | BIT_SUPERSEDED, taken);
		if (*ret_n == 0)
			break;
		start = walk_choose(walker, *ret_n, TRACE_NONE);
	}
	return start;
}

/* The root of the tree that holds a span. */
static uint32_t root_of(const struct walker *walker, uint32_t span)
{
	const struct span *spans = walker->trace->spans;

	while (spans[span].parent != TRACE_NONE && !(spans[span].flags & SPAN_FOLLOWS))
		span = spans[span].parent;
	return span;
}

/* Marks every span of all trees that hold the signal. From each span of the signal up, until a span
 * is marked already, so that no span is marked twice; then down. */
static void mark_signal_trees(struct walker *walker)
{
	const struct span *spans = walker->trace->spans;

	for (uint32_t i = 0; i < walker->norder; i++) {
		uint32_t span = walker->order[i];

		if (!(walker->bits[span] & BIT_UNDER_SIGNAL))
			continue;
		while (!(walker->bits[span] & BIT_IN_SIGNAL_TREE)) {
			walker->bits[span] |= BIT_IN_SIGNAL_TREE;
			if (spans[span].parent == TRACE_NONE || (spans[span].flags & SPAN_FOLLOWS))
				break;
			span = spans[span].parent;
		}
	}
	for (uint32_t i = 0; i < walker->norder; i++) {
		uint32_t span = walker->order[i];

		walker->bits[span] |= walker_bits_above(walker, span) & BIT_IN_SIGNAL_TREE;
	}
}

static void tell_other_root(struct walker *walker, uint32_t start)
{
	uint32_t root = root_of(walker, start);
	const struct span *span = &walker->trace->spans[root];

	walker_join(walker);
	if (span->flags & SPAN_ORPHAN)
		walker_tell(walker,
			    "the trace's chain is broken: parent span %s is missing; continued at "
			    "another root, %s %s",
			    shown_text(walker->arena, trace_text(walker->trace, span->parent_id)),
			    walker_service(walker, root), walker_name(walker, root));
	else
		walker_tell(walker, "nothing below %s %s failed; continued at another root, %s %s",
			    walker_service(walker, walker->signal),
			    walker_name(walker, walker->signal), walker_service(walker, root),
			    walker_name(walker, root));
}

/* A failing span of the signal, or TRACE_NONE. Where the signal was found, attempts that were tried
 * again with success count as well: the alert is about them. */
static uint32_t start_at_entry(struct walker *walker, bool signal_found)
{
	uint32_t n, start;

	if (signal_found) {
		n = find_topmost(walker, BIT_FAILING | BIT_SIGNAL, 0, BIT_BELOW_ENTRY);
		start = n > 0 ? walk_choose_any(walker, n) : TRACE_NONE;
	} else {
		start = start_among(walker, BIT_FAILING | BIT_SIGNAL, 0, BIT_BELOW_ENTRY, &n);
	}
	if (start == TRACE_NONE)
		return start;
	walker->signal_failed =
		!(walker_bits_above(walker, start) & BIT_UNDER_SIGNAL) || !signal_found;
	walker_tell(walker, "began at %s %s, which failed%s", walker_service(walker, start),
		    walker_name(walker, start), walker_words(walker, start));
	return start;
}

/* A failing call of the alert's callee, or a failing span below one; TRACE_NONE: the alert is not
 * about calls, or none failed. */
static uint32_t start_at_call(struct walker *walker)
{
	uint32_t n, start;

	if (!walk_mark_calls(walker))
		return TRACE_NONE;
	n = find_topmost(walker, BIT_FAILING | BIT_CALLS_PEER, 0, BIT_BELOW_ENTRY);
	start = walk_choose_any(walker, n);
	if (start == TRACE_NONE)
		return start;
	walker->walk->called = true;
	walker->signal_failed = true;
	walker_tell(walker, "the alert is about calls of %s; began at %s %s, which failed%s",
		    shown_text(walker->arena, walker->options->alerted->callee),
		    walker_service(walker, start), walker_name(walker, start),
		    walker_words(walker, start));
	return start;
}

uint32_t walk_start(struct walker *walker, bool signal_found)
{
	uint32_t n, start;

	start = start_at_call(walker);
	if (start != TRACE_NONE)
		return start;
	start = start_at_entry(walker, signal_found);
	if (start != TRACE_NONE)
		return start;
	start = start_among(walker, BIT_FAILING | BIT_UNDER_SIGNAL, 0, BIT_BELOW_FAILED, &n);
	if (start != TRACE_NONE) {
		walker_tell(walker,
			    "%s %s did not fail; the nearest failing span below it is %s %s%s",
			    walker_service(walker, walker->signal),
			    walker_name(walker, walker->signal), walker_service(walker, start),
			    walker_name(walker, start), walker_words(walker, start));
		return start;
	}
	mark_signal_trees(walker);
	start = start_among(walker, BIT_FAILING, BIT_IN_SIGNAL_TREE, BIT_BELOW_FAILED, &n);
	if (start != TRACE_NONE)
		tell_other_root(walker, start);
	return start;
}

uint32_t walk_start_exception(struct walker *walker)
{
	uint32_t start = walk_exception_below(walker, walker->signal);

	if (start != TRACE_NONE)
		walker_tell(walker,
			    "no span failed, but %s %s has an exception that it does not call a "
			    "failure%s",
			    walker_service(walker, start), walker_name(walker, start),
			    walker_words(walker, start));
	return start;
}
