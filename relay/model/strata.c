/*
 * Strata: the operation that tells a trace's request apart (tracepager-walk(7), section 7). A
 * broad signal, a gateway or a whole service, has traces of many operations, and only traces of
 * the same operation can be compared. The operation is looked for from the signal's span down: past
 * names that say nothing, through proxies that only pass a request on.
 *
 * A span with several callees does not pass a request on: it makes something of their answers. Its
 * requests are told apart by what they call, but the stratum begins at the span itself, since each
 * of the callees may be at fault.
 */
#include <string.h>

#include "strata-internal.h"
#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* What lies below a span, as far as its own service goes. */
struct below {
	uint32_t told; /* own span that says the operation, or TRACE_NONE */
	bool straight; /* only that span, and those above it, are below */
	uint32_t callees[LIMIT_STRATUM_CALLEES]; /* first spans of other services */
	unsigned int ncallees;
};

static const char *span_route(const struct trace *trace, const struct span *span)
{
	const char *route = span_attr(trace, span, ATTR_HTTP_ROUTE);

	return route && operation_tells(route) ? route : NULL;
}

/* The operation of a span, or NULL: its name and its route say nothing. */
static const char *span_operation(const struct trace *trace, const struct span *span)
{
	const char *name = trace_text(trace, span->name);

	if (span_side(trace, span) == SIDE_CLIENT)
		return NULL;
	return operation_tells(name) ? name : span_route(trace, span);
}

/* The same of a span inside of a service: there a name is an operation only if it is a path. Other
 * names are of middleware, handlers and functions. */
static const char *inner_operation(const struct trace *trace, const struct span *span)
{
	const char *name = trace_text(trace, span->name), *slash = strchr(name, '/');

	if (span->kind == SPAN_SERVER || span->kind == SPAN_CONSUMER)
		return span_operation(trace, span);
	if (span_side(trace, span) == SIDE_CLIENT)
		return NULL;
	return slash && (slash == name || slash[-1] == ' ') && operation_tells(name)
		       ? name
		       : span_route(trace, span);
}

static void add_callee(struct below *below, uint32_t span)
{
	if (below->ncallees < LIMIT_STRATUM_CALLEES)
		below->callees[below->ncallees++] = span;
}

/* Looks through the spans of its own service below a span, nearest first. */
static void look_below(const struct trace *trace, uint32_t from, struct below *below)
{
	uint32_t queue[LIMIT_STRATUM_SPANS], n = 1, told_depth = 0;
	uint8_t depth[LIMIT_STRATUM_SPANS] = { 0 };
	const struct span *spans = trace->spans;

	*below = (struct below){ .told = TRACE_NONE, .straight = true };
	queue[0] = from;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t child = spans[queue[i]].first_child;

		if (i > 0 && depth[i] <= LIMIT_STRATUM_DEPTH && below->told == TRACE_NONE &&
		    inner_operation(trace, &spans[queue[i]])) {
			below->told = queue[i];
			told_depth = depth[i];
		}
		/* The operation is known: what is below its span does not matter. */
		if (below->told != TRACE_NONE && depth[i] >= told_depth)
			continue;
		if (child != TRACE_NONE && spans[child].next_sibling != TRACE_NONE)
			below->straight = false;
		for (; child != TRACE_NONE; child = spans[child].next_sibling) {
			if (spans[child].flags & SPAN_FOLLOWS)
				continue;
			if (!span_same_service(trace, &spans[from], &spans[child])) {
				add_callee(below, child);
			} else if (n < LIMIT_STRATUM_SPANS) {
				depth[n] =
					(uint8_t)(depth[i] < UINT8_MAX ? depth[i] + 1 : UINT8_MAX);
				queue[n++] = child;
			}
		}
	}
}

static void set_place(struct arena *arena, const struct trace *trace, uint32_t span,
		      const char *operation, struct stratum_place *place)
{
	const struct resource *resource = span_resource(trace, &trace->spans[span]);

	place->service = trace_text(trace, resource->service);
	place->namespace = trace_text(trace, resource->namespace);
	place->operation = operation_without_ids(arena, operation);
}

static bool one_service(const struct trace *trace, const struct below *below)
{
	for (unsigned int i = 1; i < below->ncallees; i++)
		if (!span_same_service(trace, &trace->spans[below->callees[0]],
				       &trace->spans[below->callees[i]]))
			return false;
	return true;
}

/* "GET: orders POST /orders, stock GET /stock": the different calls, sorted. */
static const char *called_operation(struct arena *arena, const struct trace *trace,
				    const char *name, const struct below *below)
{
	const char *calls[LIMIT_STRATUM_CALLEES];
	unsigned int n = 0;
	struct buf out = BUF_INIT(LIMIT_STRATUM_CALLEES * 2 * LIMIT_SHOWN_BYTES);

	for (unsigned int i = 0; i < below->ncallees; i++) {
		const struct span *span = &trace->spans[below->callees[i]];
		const char *call =
			arena_printf(arena, "%s %s", span_service(trace, span),
				     operation_without_ids(arena, trace_text(trace, span->name)));
		unsigned int at = 0;

		while (at < n && strcmp(calls[at], call) < 0)
			at++;
		if (at < n && strcmp(calls[at], call) == 0)
			continue;
		memmove(calls + at + 1, calls + at, (n - at) * sizeof(*calls));
		calls[at] = call;
		n++;
	}
	buf_printf(&out, "%s", name);
	for (unsigned int i = 0; i < n; i++)
		buf_printf(&out, "%s %s", i ? "," : ":", calls[i]);
	const char *text = arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return text;
}

void stratum_find(struct arena *arena, const struct trace *trace, uint32_t from,
		  struct stratum_place *ret_place)
{
	uint32_t at = from;
	bool passed_on = true; /* so far every span above only passed the request on */
	const char *operation;

	ret_place->start = from;
	for (unsigned int hops = 0;; hops++) {
		const struct span *span = &trace->spans[at];
		struct below below;

		if (passed_on)
			ret_place->start = at;
		operation = span_operation(trace, span);
		if (operation || hops == LIMIT_STRATUM_HOPS)
			break;
		look_below(trace, at, &below);
		if (below.told != TRACE_NONE) {
			at = below.told;
			operation = inner_operation(trace, &trace->spans[at]);
			if (passed_on && below.straight)
				ret_place->start = at;
			break;
		}
		if (below.ncallees == 0)
			break;
		if (!one_service(trace, &below)) {
			operation = called_operation(arena, trace, trace_text(trace, span->name),
						     &below);
			break;
		}
		/* Attempts of one call: the last one stands for the operation. */
		passed_on = passed_on && below.ncallees == 1;
		at = below.callees[below.ncallees - 1];
	}
	set_place(arena, trace, at,
		  operation ? operation : trace_text(trace, trace->spans[at].name), ret_place);
}
