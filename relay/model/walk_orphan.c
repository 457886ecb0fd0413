/*
 * Walk, orphans: roots that failed and name a parent which is not in the trace (tracepager-walk(7),
 * section 1).
 *
 * No orphan gets a parent by guess. An orphan is taken for the callee of a call only where it has
 * the callee's name. Otherwise a reason tells of it, it becomes one of the others, and a call whose
 * callee has no span loses certainty: the missing spans may lie between the call and the orphan.
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

/* A failing orphan through whose tree the walk did not come. */
static bool is_failing_part(const struct walker *walker, uint32_t root)
{
	return (walker->trace->spans[root].flags & SPAN_ORPHAN) &&
	       (walker->bits[root] & (BIT_FAILING | BIT_INFERRED)) &&
	       !(walker->bits[root] & BIT_TREE_WALKED);
}

/* May this root belong below a call in the tree of `top`? Not where both name the same missing
 * parent, or where the root is a span of the signal: then it stands beside that tree. Not a
 * consumer either: no caller waits for one. */
static bool may_belong(const struct walker *walker, uint32_t root, uint32_t top)
{
	const struct span *spans = walker->trace->spans;

	return root != top && is_failing_part(walker, root) && !(walker->bits[root] & BIT_SIGNAL) &&
	       spans[root].kind != SPAN_CONSUMER && spans[root].parent_id != spans[top].parent_id;
}

/* The span began before the call and ended after it: it belongs above the call, if anywhere. */
static bool lies_around(const struct span *span, const struct span *call)
{
	return span->start_us < call->start_us && span_end_us(span) > span_end_us(call);
}

/* Does a server's span say that it was called by this name? */
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

/* Is the root's service one of the suspect's peers, or was it called by one of these names? */
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
	/* Each such jump looks at all roots: LIMIT_WALK_JUMPS bounds how many there are, and marked
	 * trees are not entered again, so that two trees cannot send the walk to each other. */
	walker->jumps--;
	root = walk_choose_any(walker, n);
	walker->bits[top] |= BIT_TREE_WALKED;
	walker->bits[root] |= BIT_TREE_WALKED;
	return root;
}

bool walk_orphan_of_callee(const struct walker *walker, const struct suspect *suspect)
{
	const struct span *spans = walker->trace->spans;
	uint32_t root = walker->trace->first_root;

	for (; root != TRACE_NONE; root = spans[root].next_sibling) {
		if ((spans[root].flags & SPAN_ORPHAN) && is_named(walker, root, suspect))
			return true;
	}
	return false;
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
	if (walker->nothers < LIMIT_WALK_OTHERS)
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
