/*
 * The critical path: where the time of a span went (tracepager-walk(7), section 6).
 *
 * The method is CRISP's (Zhang and others, USENIX ATC 2022). Start at the span's end and look for
 * the child that ended last. Time after that child's end is the span's own. Go on from that child's
 * begin, to the child that ended last before it, until the span's begin is reached. The same is
 * then done for each child that was found, between the two times that it covers. A child that
 * overflows its parent is cut to it.
 *
 *     span     |========================|
 *     child a      |======|
 *     child b           |==========|
 *     path     |ooo|aaaa|bbbbbbbbbb|oooo|      o: own time of the span
 *
 * Children are sorted by their ends, so the time is O(spans log children). Depth is a peer's
 * choice, so the stack is on the heap and nothing recurses.
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "walk-internal.h"

/* A span whose own time is still to be found, between two times of its own clock. */
struct frame {
	uint32_t span;
	int64_t lo_us, hi_us;
};

struct child_end {
	int64_t end_us; /* on the parent's clock */
	uint32_t span;
};

struct path {
	const struct trace *trace;
	struct frame *stack;
	size_t nstack, stack_size;
	struct child_end *children;
	size_t children_size;
};

static void path_push(struct path *path, uint32_t span, int64_t lo_us, int64_t hi_us)
{
	if (path->nstack == path->stack_size) {
		path->stack_size = path->stack_size ? path->stack_size * 2 : 64;
		path->stack = xrealloc_array(path->stack, path->stack_size, sizeof(*path->stack));
	}
	path->stack[path->nstack++] = (struct frame){ span, lo_us, hi_us };
}

static int later_end_first(const void *a, const void *b)
{
	const struct child_end *ca = a, *cb = b;

	if (ca->end_us != cb->end_us)
		return ca->end_us > cb->end_us ? -1 : 1;
	return ca->span < cb->span ? -1 : ca->span > cb->span;
}

/* Fills path->children with those that the span waited for, the last to end first. */
static size_t children_by_end(struct path *path, uint32_t span)
{
	const struct span *spans = path->trace->spans;
	uint32_t child = spans[span].first_child;
	size_t n = 0;

	for (; child != TRACE_NONE; child = spans[child].next_sibling) {
		if (!span_waits_for(&spans[span], &spans[child]))
			continue;
		if (n == path->children_size) {
			path->children_size = path->children_size ? path->children_size * 2 : 64;
			path->children = xrealloc_array(path->children, path->children_size,
							sizeof(*path->children));
		}
		path->children[n++] =
			(struct child_end){ span_end_us(&spans[child]) +
						    span_skew_us(&spans[span], &spans[child]),
					    child };
	}
	if (n > 1)
		qsort(path->children, n, sizeof(*path->children), later_end_first);
	return n;
}

/* Pushes the children on the path, each with the times that it covers; returns the frame's own
 * time. */
static int64_t path_step(struct path *path, const struct frame *frame)
{
	const struct span *spans = path->trace->spans;
	size_t n = children_by_end(path, frame->span);
	int64_t cur = frame->hi_us, own = 0;

	for (size_t i = 0; i < n && cur > frame->lo_us; i++) {
		uint32_t child = path->children[i].span;
		int64_t skew = path->children[i].end_us - span_end_us(&spans[child]);
		int64_t a = spans[child].start_us + skew, b = path->children[i].end_us;

		if (a < frame->lo_us)
			a = frame->lo_us;
		if (b > cur)
			b = cur;
		if (b <= a)
			continue;
		own += cur - b;
		path_push(path, child, a - skew, b - skew);
		cur = a;
	}
	return own + cur - frame->lo_us;
}

void critical_path(const struct trace *trace, uint32_t from, int64_t lo_us, int64_t hi_us,
		   critical_path_visit *visit, void *ctx)
{
	struct path path = { .trace = trace };

	if (hi_us > span_end_us(&trace->spans[from]))
		hi_us = span_end_us(&trace->spans[from]);
	path_push(&path, from, lo_us, hi_us);
	while (path.nstack > 0) {
		struct frame frame = path.stack[--path.nstack];
		int64_t own_us = path_step(&path, &frame);

		visit(ctx, frame.span, own_us > 0 ? own_us : 0);
	}
	free(path.stack);
	free(path.children);
}

/* ---- the path, for a person ---- */

struct span_list {
	struct critical_span *at;
	uint32_t n, size;
};

static void list_add_span(void *ctx, uint32_t span, int64_t own_us)
{
	struct span_list *list = ctx;

	if (list->n == list->size) {
		list->size = list->size ? list->size * 2 : 64;
		list->at = xrealloc_array(list->at, list->size, sizeof(*list->at));
	}
	list->at[list->n++] = (struct critical_span){ span, own_us };
}

static int most_first(const void *a, const void *b)
{
	const struct critical_span *ca = a, *cb = b;

	if (ca->own_us != cb->own_us)
		return ca->own_us > cb->own_us ? -1 : 1;
	return ca->span < cb->span ? -1 : ca->span > cb->span;
}

static int by_span(const void *a, const void *b)
{
	const struct critical_span *ca = a, *cb = b;

	return ca->span < cb->span ? -1 : ca->span > cb->span;
}

uint32_t critical_path_keep(struct arena *arena, const struct trace *trace, uint32_t from,
			    struct critical_span **ret_path)
{
	const struct span *span = &trace->spans[from];
	struct span_list list = { 0 };
	uint32_t n;

	critical_path(trace, from, span->start_us, span_end_us(span), list_add_span, &list);
	qsort(list.at, list.n, sizeof(*list.at), most_first);
	n = list.n < LIMIT_CRITICAL_SPANS ? list.n : LIMIT_CRITICAL_SPANS;
	qsort(list.at, n, sizeof(*list.at), by_span);
	*ret_path = arena_array(arena, n, sizeof(**ret_path));
	memcpy(*ret_path, list.at, n * sizeof(**ret_path));
	free(list.at);
	return n;
}
