/*
 * Walk, orphans: other parts of the trace that failed and whose parent is missing.
 *
 * Nothing is attached by guess (walk page, section 1, rule 2). A part is taken for the callee of a
 * call only by name. Without that it is told, stands among the others, and takes certainty from a
 * call whose callee has no span: what is missing may lie between the two.
 */
#include <string.h>

#include "walk-internal.h"

/* The root above a span, also across FOLLOWS_FROM. */
static uint32_t top_of(const struct walker *walker, uint32_t span)
{
	while (walker->trace->spans[span].parent != TRACE_NONE)
		span = walker->trace->spans[span].parent;
	return span;
}

static bool is_failing_part(const struct walker *walker, uint32_t root)
{
	return (walker->trace->spans[root].flags & SPAN_ORPHAN) &&
	       (walker->bits[root] & (BIT_FAILING | BIT_INFERRED)) &&
	       !(walker->bits[root] & BIT_TREE_WALKED);
}

/* It may belong to a call of another tree. Not where it names the same missing parent as that tree,
 * or is an entry of the signal: then it stands beside it. And nobody waits for a consumer. */
static bool may_belong(const struct walker *walker, uint32_t root, uint32_t top)
{
	const struct span *spans = walker->trace->spans;

	return root != top && is_failing_part(walker, root) && !(walker->bits[root] & BIT_SIGNAL) &&
	       spans[root].kind != SPAN_CONSUMER && spans[root].parent_id != spans[top].parent_id;
}

/* It began before the call and ended after it: it is rather above. */
static bool lies_around(const struct span *span, const struct span *call)
{
	return span->start_us < call->start_us && span_end_us(span) > span_end_us(call);
}

/* A server tells by which name it was called. */
static bool was_called(const struct trace *trace, const struct span *span, const char *name)
{
	const char *address = span_attr(trace, span, ATTR_SERVER_ADDRESS),
		   *rpc = span_attr(trace, span, ATTR_RPC_SERVICE),
		   *method = span_attr(trace, span, ATTR_RPC_METHOD);
	size_t len = strlen(name);

	if (span_side(trace, span) != SIDE_SERVER || peer_is_address(name))
		return false;
	if (!rpc && method && strncmp(method, name, len) == 0 && method[len] == '/')
		return true;
	return (address && strcmp(address, name) == 0) || (rpc && strcmp(rpc, name) == 0);
}

static bool is_named(const struct walker *walker, uint32_t root, const struct suspect *suspect)
{
	const struct span *span = &walker->trace->spans[root];

	for (unsigned int i = 0; i < suspect->npeers; i++) {
		if (strcmp(span_service(walker->trace, span), suspect->peers[i]) == 0 ||
		    was_called(walker->trace, span, suspect->peers[i]))
			return true;
	}
	return false;
}

uint32_t walk_orphan_by_name(struct walker *walker, uint32_t call, const struct suspect *suspect)
{
	const struct span *spans = walker->trace->spans;
	uint32_t top = top_of(walker, call), root, n = 0;

	if (walker->jumps == 0)
		return TRACE_NONE;
	for (root = walker->trace->first_root; root != TRACE_NONE;
	     root = spans[root].next_sibling) {
		if (may_belong(walker, root, top) && is_named(walker, root, suspect))
			walker->candidates[n++] = root;
	}
	if (n == 0)
		return TRACE_NONE;
	/* Each tree once, and a few of them: all roots are looked at for each. */
	walker->jumps--;
	root = walk_choose(walker, n, false, true);
	walker->bits[top] |= BIT_TREE_WALKED;
	walker->bits[root] |= BIT_TREE_WALKED;
	return root;
}

bool walk_orphan_may_explain(const struct walker *walker, uint32_t call)
{
	const struct span *spans = walker->trace->spans;
	uint32_t top = top_of(walker, call), root = walker->trace->first_root;

	for (; root != TRACE_NONE; root = spans[root].next_sibling) {
		if (may_belong(walker, root, top) && !lies_around(&spans[root], &spans[call]))
			return true;
	}
	return false;
}

static void part_leave_aside(struct walker *walker, uint32_t root)
{
	for (unsigned int i = 0; i < walker->nothers; i++) {
		if (walker->others[i] == root)
			return;
	}
	if (walker->nothers < WALK_OTHERS)
		walker->others[walker->nothers++] = root;
}

void walk_orphans_tell(struct walker *walker, uint32_t leaf)
{
	uint32_t root = walker->trace->first_root, first = TRACE_NONE, n = 0;

	walker->bits[top_of(walker, leaf)] |= BIT_TREE_WALKED;
	for (; root != TRACE_NONE; root = walker->trace->spans[root].next_sibling) {
		if (!is_failing_part(walker, root))
			continue;
		if (n++ == 0)
			first = root;
		part_leave_aside(walker, root);
	}
	if (n == 0)
		return;
	if (n == 1)
		walker_tell(walker,
			    "another part of this trace, whose parent is missing, failed too: "
			    "%s %s%s",
			    walker_service(walker, first), walker_name(walker, first),
			    walker_words(walker, first));
	else
		walker_tell(walker,
			    "%u other parts of this trace, whose parents are missing, failed too, "
			    "the first of them %s %s%s",
			    n, walker_service(walker, first), walker_name(walker, first),
			    walker_words(walker, first));
}
