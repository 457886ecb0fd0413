/*
 * Evidence, shapes: whom the invocations of a trace call, in which order (tracepager-walk(7),
 * section 12). A shape is a service, the operation of the invocation's first span, and the names of
 * its callees by the start of the calls. The same callee many times in a row counts once: how often
 * a loop runs depends on the data. A callee without spans has the name that its caller gives it.
 */
#include <stdlib.h>
#include <string.h>

#include "evidence-internal.h"
#include "span-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* A call, to be sorted by its invocation, then by time. */
struct shape_call {
	uint32_t entry, span;
	int64_t start_us;
	const char *callee; /* NULL: this stands for the invocation itself, and comes first */
};

struct shape_maker {
	const struct trace *trace;
	struct arena *scratch;
	uint32_t *order, *entry;
	struct shape_call *calls;
	uint32_t n;
};

static int compare_shape_calls(const void *a, const void *b)
{
	const struct shape_call *ca = a, *cb = b;

	if (ca->entry != cb->entry)
		return ca->entry < cb->entry ? -1 : 1;
	if (!ca->callee != !cb->callee)
		return ca->callee ? 1 : -1;
	if (ca->start_us != cb->start_us)
		return ca->start_us < cb->start_us ? -1 : 1;
	return ca->span < cb->span ? -1 : ca->span > cb->span;
}

static void shape_add_call(struct shape_maker *maker, uint32_t entry, uint32_t span,
			   const char *callee)
{
	maker->calls[maker->n++] =
		(struct shape_call){ entry, span, maker->trace->spans[span].start_us, callee };
}

/* A call without spans below it, by its callee's name; nothing where it names none. */
static void shape_add_silent_call(struct shape_maker *maker, uint32_t span)
{
	const struct span *call = &maker->trace->spans[span];
	struct suspect suspect = { .trace = maker->trace, .span = span };

	if (call->first_child != TRACE_NONE ||
	    (call->kind != SPAN_CLIENT && call->kind != SPAN_PRODUCER))
		return;
	peer_names(maker->scratch, maker->trace, call, &suspect);
	if (suspect.npeers > 0)
		shape_add_call(maker, maker->entry[span], span, suspect.peers[0]);
}

/* Fills calls; parents come before their children. */
static void shape_collect(struct shape_maker *maker)
{
	const struct trace *trace = maker->trace;
	const struct span *spans = trace->spans;
	uint32_t n = 0;

	for (uint32_t i = trace->first_root; i != TRACE_NONE && n < trace->nspans;
	     i = spans[i].next_sibling)
		maker->order[n++] = i;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t span = maker->order[i], parent = spans[span].parent;
		bool inside = parent != TRACE_NONE &&
			      span_same_service(trace, &spans[parent], &spans[span]);

		maker->entry[span] = inside ? maker->entry[parent] : span;
		if (!inside)
			shape_add_call(maker, span, span, NULL);
		if (!inside && parent != TRACE_NONE)
			shape_add_call(maker, maker->entry[parent], span,
				       span_service(trace, &spans[span]));
		shape_add_silent_call(maker, span);
		for (uint32_t child = spans[span].first_child;
		     child != TRACE_NONE && n < trace->nspans; child = spans[child].next_sibling)
			maker->order[n++] = child;
	}
}

/* Adds the shape of one invocation, whose n calls begin with the one that stands for itself. */
static void shape_take(struct evidence_set *set, const struct trace *trace,
		       const struct shape_call *calls, uint32_t n, struct evidence *evidence)
{
	const struct span *entry = &trace->spans[calls[0].entry];
	const struct resource *resource = span_resource(trace, entry);
	struct buf names = BUF_INIT(LIMIT_SHAPE_BYTES);
	uint32_t shape, ncallees = 0;
	const char *last = "";

	for (uint32_t i = 1; i < n && ncallees < LIMIT_SHAPE_CALLEES; i++) {
		if (strcmp(calls[i].callee, last) == 0)
			continue;
		last = calls[i].callee;
		if (!buf_puts(&names, last) || !buf_putc(&names, '\x1f'))
			break;
		ncallees++;
	}
	shape = evidence_shape_index(
		set,
		evidence_service_index(set, trace_text(trace, resource->namespace),
				       trace_text(trace, resource->service), false),
		trace_text(trace, entry->name), buf_text(&names));
	buf_fini(&names);
	if (shape != UINT32_MAX)
		evidence->shapes[evidence->nshapes++] =
			(struct evidence_form){ shape, calls[0].entry };
}

void evidence_take_shapes(struct evidence_set *set, const struct trace *trace,
			  struct evidence *evidence)
{
	uint32_t size = trace->nspans + 1, nentries = 0, end;
	struct shape_maker maker = { .trace = trace,
				     .scratch = arena_new(LIMIT_WALK_SCRATCH_BYTES),
				     .order = xcalloc(size, sizeof(*maker.order)),
				     .entry = xcalloc(size, sizeof(*maker.entry)),
				     .calls = xcalloc(3 * (size_t)size, sizeof(*maker.calls)) };

	shape_collect(&maker);
	qsort(maker.calls, maker.n, sizeof(*maker.calls), compare_shape_calls);
	for (uint32_t i = 0; i < maker.n; i++)
		nentries += maker.calls[i].callee == NULL;
	evidence->shapes = arena_array(set->arena, (size_t)nentries + 1, sizeof(*evidence->shapes));
	for (uint32_t i = 0; i < maker.n; i = end) {
		for (end = i + 1; end < maker.n && maker.calls[end].entry == maker.calls[i].entry;)
			end++;
		shape_take(set, trace, &maker.calls[i], end - i, evidence);
	}
	arena_free(maker.scratch);
	free(maker.order);
	free(maker.entry);
	free(maker.calls);
}
