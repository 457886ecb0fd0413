/*
 * Span call: what two spans are to each other, caller and callee. It reads kinds, services, times
 * and links of spans, and no attributes.
 */
#include "span-internal.h"

bool span_same_service(const struct trace *trace, const struct span *a, const struct span *b)
{
	const struct resource *ra = span_resource(trace, a), *rb = span_resource(trace, b);

	return ra == rb || (ra->service == rb->service && ra->namespace == rb->namespace);
}

/*
 * The side of a span without a kind, by its children. A call has no children but its callee's. A
 * span with children of its own service, or of several services, is work of its service.
 */
static enum span_side unspecified_side(const struct trace *trace, const struct span *span)
{
	const struct span *first, *child;

	if (span->first_child == TRACE_NONE)
		return SIDE_SERVER;
	first = &trace->spans[span->first_child];
	if (span_same_service(trace, span, first))
		return SIDE_SERVER;
	for (uint32_t c = first->next_sibling; c != TRACE_NONE; c = child->next_sibling) {
		child = &trace->spans[c];
		if (!span_same_service(trace, first, child))
			return SIDE_SERVER;
	}
	return SIDE_CLIENT;
}

enum span_side span_side(const struct trace *trace, const struct span *span)
{
	if (span->kind == SPAN_CLIENT || span->kind == SPAN_PRODUCER)
		return SIDE_CLIENT;
	if (span->kind == SPAN_UNSPECIFIED)
		return unspecified_side(trace, span);
	return SIDE_SERVER;
}

int64_t span_skew_us(const struct span *parent, const struct span *child)
{
	if (parent->resource == child->resource || child->duration_us > parent->duration_us)
		return 0;
	if (child->start_us < parent->start_us)
		return parent->start_us - child->start_us;
	if (span_end_us(child) > span_end_us(parent))
		return span_end_us(parent) - span_end_us(child);
	return 0;
}

bool span_waits_for(const struct span *parent, const struct span *child)
{
	if (child->flags & SPAN_FOLLOWS)
		return false;
	if (child->kind == SPAN_CONSUMER && parent->kind != SPAN_CONSUMER)
		return span_end_us(child) <= span_end_us(parent);
	return true;
}

uint32_t span_answer(const struct trace *trace, uint32_t span)
{
	const struct span *spans = trace->spans, *call = &spans[span];
	uint32_t child = call->first_child, answer = TRACE_NONE;

	if (child == TRACE_NONE)
		return TRACE_NONE;
	if (call->kind == SPAN_UNSPECIFIED) {
		if (spans[child].next_sibling != TRACE_NONE ||
		    span_same_service(trace, call, &spans[child]))
			return TRACE_NONE;
		return child;
	}
	if (call->kind != SPAN_CLIENT && call->kind != SPAN_PRODUCER)
		return TRACE_NONE;
	for (; child != TRACE_NONE; child = spans[child].next_sibling) {
		if (!span_same_service(trace, call, &spans[child]) &&
		    span_waits_for(call, &spans[child]) &&
		    (answer == TRACE_NONE ||
		     span_end_us(&spans[child]) > span_end_us(&spans[answer])))
			answer = child;
	}
	return answer;
}

uint32_t span_foreign_children(const struct trace *trace, const struct span *span, bool *ret_own)
{
	uint32_t n = 0;

	*ret_own = false;
	for (uint32_t at = span->first_child; at != TRACE_NONE;
	     at = trace->spans[at].next_sibling) {
		const struct span *child = &trace->spans[at];

		if (!span_same_service(trace, span, child))
			n++;
		else if (child->kind != SPAN_INTERNAL && child->kind != SPAN_UNSPECIFIED)
			*ret_own = true;
	}
	return n;
}
