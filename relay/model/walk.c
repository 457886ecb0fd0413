/*
 * Walk: from one trace to one suspect (tracepager-walk(7), sections 1 to 6). This file is the
 * driver; walk-internal.h has the map of the others.
 *
 * A walk by errors has four steps:
 *
 * 1. Judge every span once: did it fail?
 * 2. Go through the spans breadth first, from the roots down, and find the spans of the signal and
 *    the topmost failing spans at or below them. One of these is the start.
 * 3. From the start go down, from a failing span to a failing child, until no child failed.
 * 4. The last failing span is the leaf. Decide for whom it speaks: its own service, the service it
 *    called, or its caller.
 *
 * Three rules hold throughout. Structure counts before time: parent ids make the tree, and clocks,
 * which differ between hosts, only break ties. No span gets a parent by guess. An error below a
 * span that did not fail was handled, and is not the cause.
 *
 * The time is linear in the spans, but for critical paths, which sort the children of a span, and
 * for attempts, which are at most LIMIT_CALL_ATTEMPTS for each choice. Nothing recurses.
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "walk-internal.h"

_Static_assert(sizeof(((struct walk *)0)->reasons) / sizeof(const char *) == LIMIT_REASONS,
	       "room for all reasons");

/* ---- the trace as a whole ---- */

/*
 * A call without a status whose server failed. By convention a CLIENT span fails when its server
 * does. If it has no status, either its instrumentation does not set one, or the caller tolerated
 * the failure. Such a call gets BIT_INFERRED: the walk follows it only where no child that says
 * that it failed explains the parent's failure.
 */
static bool is_call_of(const struct trace *trace, const struct span *client,
		       const struct span *server)
{
	if (client->status != SPAN_STATUS_UNSET || (server->flags & SPAN_FOLLOWS))
		return false;
	if (server->kind != SPAN_SERVER && server->kind != SPAN_UNSPECIFIED)
		return false;
	return span_side(trace, client) == SIDE_CLIENT && !span_same_service(trace, client, server);
}

/* Sets BIT_FAILING and BIT_INFERRED of every span. */
static void judge_spans(struct walker *walker)
{
	const struct trace *trace = walker->trace;
	bool codes = walker->options->codes_fail;
	uint32_t failing = 0, inferred = 0;

	for (uint32_t i = 0; i < trace->nspans; i++) {
		if (span_failing(trace, &trace->spans[i], codes)) {
			walker->bits[i] = BIT_FAILING;
			failing++;
		}
	}
	for (uint32_t i = 0; failing > 0 && i < trace->nspans; i++) {
		uint32_t parent = trace->spans[i].parent;

		if (!(walker->bits[i] & BIT_FAILING) || parent == TRACE_NONE ||
		    walker->bits[parent] != 0 ||
		    !is_call_of(trace, &trace->spans[parent], &trace->spans[i]))
			continue;
		walker->bits[parent] = BIT_INFERRED;
		inferred++;
	}
	walker->walk->error_spans = failing;
	walker->nfailing = failing + inferred;
}

/* Fills order and depth: breadth first, so that a span comes after its parent. */
static void order_spans(struct walker *walker)
{
	const struct trace *trace = walker->trace;
	uint32_t n = 0;

	for (uint32_t i = trace->first_root; i != TRACE_NONE && n < trace->nspans;
	     i = trace->spans[i].next_sibling)
		walker->order[n++] = i;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t parent = walker->order[i];
		uint32_t child = trace->spans[parent].first_child;

		for (; child != TRACE_NONE && n < trace->nspans;
		     child = trace->spans[child].next_sibling) {
			walker->depth[child] = walker->depth[parent] + 1;
			walker->order[n++] = child;
		}
	}
	walker->norder = n;
}

/* Limits the certainty where spans are missing, which may have shown another suspect. Where both
 * limits hold both factors count: they are about different spans. */
static void limit_by_missing_spans(struct walker *walker)
{
	const struct trace *trace = walker->trace;
	struct verdict_limits partial = { .n = 0 }, orphaned = { .n = 0 };
	struct walk *walk = walker->walk;
	uint32_t roots = 0, orphans = 0;

	for (uint32_t i = trace->first_root; i != TRACE_NONE && roots < trace->nspans;
	     i = trace->spans[i].next_sibling) {
		roots++;
		orphans += (trace->spans[i].flags & SPAN_ORPHAN) != 0;
	}
	if (trace->partial)
		verdict_limits_add(&partial, VERDICT_LIMIT_PARTIAL, NULL);
	/* A single root that is an orphan is the usual trace whose first spans, of a browser or a
	 * gateway, go to another backend. */
	if (orphans > 0 && roots > 1)
		verdict_limits_add(
			&orphaned, VERDICT_LIMIT_ORPHANS,
			arena_printf(walker->arena,
				     "%u of %u roots of this trace name a parent that is not in it",
				     orphans, roots));
	walk->certainty = verdict_limits_apply(&partial, walk->certainty);
	walk->certainty = verdict_limits_apply(&orphaned, walk->certainty);
	verdict_limits_join(&walk->limits, &partial);
	verdict_limits_join(&walk->limits, &orphaned);
	for (unsigned int i = 0; !walk->found && i < walk->limits.n; i++)
		walker_tell(walker, "%s", walk->limits.at[i].text);
}

/* From a start to a suspect. walk_leaf() may send the walk on to another failing span: to the one
 * that held a call up, or to an orphan with the callee's name; walker.jumps bounds how often. */
static void follow_chain(struct walker *walker, uint32_t start, struct suspect *suspect,
			 double *certainty)
{
	walker->limits.n = 0;
	walker->jumps = LIMIT_WALK_JUMPS;
	while (start != TRACE_NONE)
		start = walk_leaf(walker, walk_down(walker, start), suspect, certainty);
	*certainty = verdict_limits_apply(&walker->limits, *certainty);
}

/* ---- the result ---- */

/* The path is the spans from the topmost span of the signal above the leaf, or from the root of the
 * leaf's tree where the signal is not above it, down to the leaf. */
static void keep_path(struct walker *walker)
{
	struct walk *walk = walker->walk;
	const struct span *spans = walker->trace->spans;
	uint32_t leaf = walk->suspect.span, n = 1, span = leaf;
	uint16_t under = walker->bits[leaf] & BIT_UNDER_SIGNAL;

	while (spans[span].parent != TRACE_NONE &&
	       (walker_bits_above(walker, span) & BIT_UNDER_SIGNAL) == under &&
	       !(spans[span].flags & SPAN_FOLLOWS)) {
		span = spans[span].parent;
		n++;
	}
	if (under && walk->signal_span != TRACE_NONE)
		walk->signal_span = span;
	walk->path = arena_array(walker->arena, n, sizeof(*walk->path));
	walk->npath = n;
	for (span = leaf; n > 0; span = spans[span].parent)
		walk->path[--n] = span;
}

static bool same_culprit(const struct suspect *a, const struct suspect *b)
{
	const char *ca = a->callee ? a->callee : "", *cb = b->callee ? b->callee : "";

	return strcmp(a->service, b->service) == 0 && strcmp(a->namespace, b->namespace) == 0 &&
	       strcmp(ca, cb) == 0;
}

static void keep_other(struct walk *walk, const struct suspect *other)
{
	if (same_culprit(&walk->suspect, other))
		return;
	for (unsigned int i = 0; i < walk->nothers; i++) {
		if (same_culprit(&walk->others[i], other))
			return;
	}
	walk->others[walk->nothers++] = *other;
}

/* Walks from every failing span that was left aside, without reasons, to the suspects there. */
static void keep_others(struct walker *walker)
{
	struct walk *walk = walker->walk;

	walker->main_line = false;
	if (walker->nothers > 0)
		walk->others = arena_array(walker->arena, walker->nothers, sizeof(*walk->others));
	for (unsigned int i = 0; i < walker->nothers; i++) {
		struct suspect other;
		double certainty;

		follow_chain(walker, walker->others[i], &other, &certainty);
		keep_other(walk, &other);
	}
}

/* Limits the certainty where the walk did not start at a failing span of the signal. */
static void limit_by_start(struct walker *walker, bool signal_found)
{
	struct walk *walk = walker->walk;

	if (walk->error_spans == 0)
		verdict_limits_add(&walk->limits, VERDICT_LIMIT_ONLY_EVENT, NULL);
	if (walk->signal_span == TRACE_NONE)
		verdict_limits_add(&walk->limits, VERDICT_LIMIT_NO_SIGNAL_SPAN, NULL);
	else if (signal_found && !walker->signal_failed)
		verdict_limits_add(&walk->limits, VERDICT_LIMIT_SIGNAL_FINE, NULL);
	walk->certainty = verdict_limits_cap(&walk->limits, walk->certainty);
}

static void walk_errors(struct walker *walker, bool signal_found)
{
	struct walk *walk = walker->walk;
	uint32_t start;

	walk->mode = WALK_ERRORS;
	walker->ncandidates = walker->nfailing + LIMIT_WALK_EXCEPTIONS;
	walker->candidates = xcalloc(walker->ncandidates, sizeof(*walker->candidates));
	start = walk->error_spans > 0 ? walk_start(walker, signal_found)
				      : walk_start_exception(walker);
	if (start == TRACE_NONE) {
		walk->fallback = FALLBACK_NO_FAILING_SPAN;
		if (walk->error_spans == 0)
			walker_tell(walker, "none of the %u spans failed", walker->trace->nspans);
		else
			walker_tell(walker,
				    "%u of %u spans failed, but none that explains the signal: it "
				    "was handled, or is elsewhere",
				    walk->error_spans, walker->trace->nspans);
		return;
	}
	walk->found = true;
	follow_chain(walker, start, &walk->suspect, &walk->certainty);
	walk->limits = walker->limits;
	limit_by_start(walker, signal_found);
	keep_path(walker);
	walk_orphans_tell(walker, walk->suspect.span);
	keep_others(walker);
}

static void walker_init(struct walker *walker)
{
	uint32_t n = walker->trace->nspans;

	walker->bits = xcalloc(n, sizeof(*walker->bits));
	walker->order = xcalloc(n, sizeof(*walker->order));
	walker->depth = xcalloc(n, sizeof(*walker->depth));
	walker->main_line = true;
}

static void walker_fini(struct walker *walker)
{
	free(walker->bits);
	free(walker->order);
	free(walker->depth);
	free(walker->chain_len);
	free(walker->candidates);
}

void walk_trace(struct arena *arena, const struct trace *trace, const struct walk_options *options,
		struct walk *ret_walk)
{
	struct walker walker = {
		.arena = arena, .trace = trace, .options = options, .walk = ret_walk
	};
	bool signal_found;

	memset(ret_walk, 0, sizeof(*ret_walk));
	ret_walk->trace = trace;
	ret_walk->signal_span = TRACE_NONE;
	ret_walk->from_span = TRACE_NONE;
	if (trace->nspans == 0 || trace->first_root == TRACE_NONE) {
		ret_walk->fallback = FALLBACK_NO_TRACE;
		return;
	}
	walker_init(&walker);
	judge_spans(&walker);
	order_spans(&walker);
	signal_found = walk_signal(&walker);
	/* WALK_AUTO is a walk by errors: a slow span of one trace proves nothing without healthy
	 * traces, with which the vote compares later. */
	if (options->mode == WALK_LATENCY) {
		ret_walk->mode = WALK_LATENCY;
		ret_walk->found = true;
		walk_latency(&walker, &ret_walk->suspect, &ret_walk->certainty);
		keep_path(&walker);
	} else {
		walk_errors(&walker, signal_found);
	}
	limit_by_missing_spans(&walker);
	walker_fini(&walker);
}

void walk_to_span(struct arena *arena, const struct walk *seen, uint32_t span,
		  enum suspect_kind kind, struct walk *ret_walk)
{
	const struct trace *trace = seen->trace;
	const struct span *spans = trace->spans;
	struct walker walker = { .arena = arena, .trace = trace, .walk = ret_walk };
	uint32_t n = 1, at = span;

	*ret_walk = (struct walk){ .trace = trace,
				   .found = true,
				   .certainty = 1,
				   .signal_span = seen->signal_span,
				   .from_span = seen->from_span,
				   .error_spans = seen->error_spans };
	walker_suspect(&walker, span, kind, &ret_walk->suspect);
	ret_walk->suspect.error = span_error(arena, trace, &spans[span]);
	for (; at != seen->from_span && spans[at].parent != TRACE_NONE; at = spans[at].parent)
		n++;
	ret_walk->path = arena_array(arena, n, sizeof(*ret_walk->path));
	ret_walk->npath = n;
	for (at = span; n > 0; at = spans[at].parent)
		ret_walk->path[--n] = at;
}
