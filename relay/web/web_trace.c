/* Web trace: the rows of a trace on a page. See web_trace-internal.h. */
#include "web_trace-internal.h"

#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/walk.h"
#include "tracepager/xalloc.h"

/* What is looked up of each span, once. */
struct row_mark {
	bool failing, on_path, wanted;
};

struct row_walk {
	struct arena *arena;
	const struct trace *trace;
	struct row_mark *marks; /* by span */
	struct html_span *rows;
	size_t nrows;
	int64_t begin_us, end_us;
};

/* ---- which spans ---- */

static void mark_path(struct row_walk *walk, const char *const *path, size_t npath)
{
	const struct trace *trace = walk->trace;

	for (uint32_t i = 0; i < trace->nspans; i++)
		for (size_t j = 0; j < npath && !walk->marks[i].on_path; j++)
			walk->marks[i].on_path =
				strcmp(trace_text(trace, trace->spans[i].id), path[j]) == 0;
}

/* A span that is wanted is reached by its parents: they are shown too. */
static void want_row(struct row_walk *walk, uint32_t span)
{
	for (; span != TRACE_NONE && !walk->marks[span].wanted;
	     span = walk->trace->spans[span].parent)
		walk->marks[span].wanted = true;
}

/* All of a small trace; of a large one what matters, in this order, as long as there is room. */
static void choose_rows(struct row_walk *walk)
{
	const struct trace *trace = walk->trace;

	if (trace->nspans <= LIMIT_WATERFALL_ROWS) {
		for (uint32_t i = 0; i < trace->nspans; i++)
			walk->marks[i].wanted = true;
		return;
	}
	for (uint32_t i = 0; i < trace->nspans; i++)
		if (walk->marks[i].on_path)
			want_row(walk, i);
	size_t room = LIMIT_WATERFALL_ROWS / 2;
	for (uint32_t i = 0; i < trace->nspans && room; i++)
		if (walk->marks[i].failing && !walk->marks[i].wanted) {
			want_row(walk, i);
			room--;
		}
	room = LIMIT_WATERFALL_ROWS / 4;
	for (uint32_t i = 0; i < trace->nspans && room; i++) {
		const uint32_t parent = trace->spans[i].parent;
		const bool below = parent == TRACE_NONE || walk->marks[parent].on_path;
		if (below && !walk->marks[i].wanted) {
			want_row(walk, i);
			room--;
		}
	}
}

/* ---- one row ---- */

static void row_add_facts(struct row_walk *walk, const struct span *span, struct html_span *row)
{
	const struct trace_set *set = walk->trace->set;
	const struct resource *resource = span_resource(walk->trace, span);
	struct html_span_fact *facts =
		arena_array(walk->arena, span->nattrs + resource->nattrs + 1u, sizeof(*facts));

	for (uint32_t i = 0; i < span->nattrs; i++) {
		const struct span_attr *attr = &set->attrs[span->attrs + i];
		facts[row->nfacts++] =
			(struct html_span_fact){ attr->key < ATTR_COUNT
							 ? attr_name(attr->key)
							 : set->extra_names[attr->key - ATTR_COUNT],
						 trace_text(walk->trace, attr->value) };
	}
	for (uint32_t i = 0; i < resource->nattrs; i++) {
		const struct resource_attr *attr = &set->resource_attrs[resource->attrs + i];
		facts[row->nfacts++] =
			(struct html_span_fact){ trace_text(walk->trace, attr->key),
						 trace_text(walk->trace, attr->value) };
	}
	row->facts = facts;
}

static void trace_add_row(struct row_walk *walk, uint32_t i, unsigned int depth)
{
	const struct trace *trace = walk->trace;
	const struct span *span = &trace->spans[i];
	struct html_span *row = &walk->rows[walk->nrows++];

	*row = (struct html_span){
		.id = trace_text(trace, span->id),
		.service = span_service(trace, span),
		.operation = trace_text(trace, span->name),
		.kind = span_kind_name((enum span_kind)span->kind),
		.error = walk->marks[i].failing ? span_error(walk->arena, trace, span) : NULL,
		.after_us = span->start_us,
		.duration_us = span->duration_us,
		.depth = depth,
		.failing = walk->marks[i].failing,
		.on_path = walk->marks[i].on_path,
	};
	row_add_facts(walk, span, row);
	if (walk->nrows == 1 || span->start_us < walk->begin_us)
		walk->begin_us = span->start_us;
	if (walk->nrows == 1 || span_end_us(span) > walk->end_us)
		walk->end_us = span_end_us(span);
}

/* ---- the tree, by time ---- */

struct sibling {
	int64_t start_us;
	uint32_t span;
};

static int compare_siblings(const void *a, const void *b)
{
	const struct sibling *one = a, *other = b;

	if (one->start_us != other->start_us)
		return one->start_us > other->start_us ? -1 : 1;
	return one->span > other->span ? -1 : 1;
}

struct pending {
	uint32_t span;
	unsigned int depth;
};

/* Puts the wanted ones among the siblings onto the stack, the earliest on top. */
static void push_siblings(const struct row_walk *walk, uint32_t first, unsigned int depth,
			  struct sibling *room, struct pending *stack, size_t *n)
{
	size_t found = 0;

	for (uint32_t i = first; i != TRACE_NONE; i = walk->trace->spans[i].next_sibling)
		if (walk->marks[i].wanted)
			room[found++] = (struct sibling){ walk->trace->spans[i].start_us, i };
	qsort(room, found, sizeof(*room), compare_siblings);
	for (size_t i = 0; i < found; i++)
		stack[(*n)++] = (struct pending){ room[i].span, depth };
}

static void walk_tree(struct row_walk *walk, uint32_t zoom)
{
	const struct trace *trace = walk->trace;
	struct sibling *room = xcalloc(trace->nspans + 1u, sizeof(*room));
	struct pending *stack = xcalloc(trace->nspans + 1u, sizeof(*stack));
	size_t n = 0;

	if (zoom != TRACE_NONE)
		stack[n++] = (struct pending){ zoom, 0 };
	else
		push_siblings(walk, trace->first_root, 0, room, stack, &n);
	while (n && walk->nrows < LIMIT_WATERFALL_ROWS) {
		const struct pending next = stack[--n];
		trace_add_row(walk, next.span, next.depth);
		push_siblings(walk, trace->spans[next.span].first_child, next.depth + 1, room,
			      stack, &n);
	}
	free(room);
	free(stack);
}

/* Everything below it is wanted. */
static uint32_t find_zoom(struct row_walk *walk, const char *id)
{
	const struct trace *trace = walk->trace;
	uint32_t zoom = TRACE_NONE;

	for (uint32_t i = 0; *id && i < trace->nspans && zoom == TRACE_NONE; i++)
		if (strcmp(trace_text(trace, trace->spans[i].id), id) == 0)
			zoom = i;
	for (uint32_t i = 0; zoom != TRACE_NONE && i < trace->nspans; i++)
		walk->marks[i].wanted = true;
	return zoom;
}

void web_trace_rows(struct arena *arena, const struct trace *trace, const char *const *path,
		    size_t npath, const char *zoom, struct html_trace *ret_trace)
{
	struct row_walk walk = {
		.arena = arena,
		.trace = trace,
		.marks = arena_array(arena, trace->nspans + 1u, sizeof(struct row_mark)),
		.rows = arena_array(arena, LIMIT_WATERFALL_ROWS, sizeof(struct html_span)),
	};
	uint32_t failing = 0;

	for (uint32_t i = 0; i < trace->nspans; i++) {
		walk.marks[i].failing = span_failing(trace, &trace->spans[i], true);
		failing += walk.marks[i].failing;
	}
	mark_path(&walk, path, npath);
	choose_rows(&walk);
	const uint32_t zoomed = find_zoom(&walk, zoom);
	walk_tree(&walk, zoomed);
	for (size_t i = 0; i < walk.nrows; i++) {
		walk.rows[i].after_us -= walk.begin_us;
		walk.rows[i].is_end = npath && strcmp(walk.rows[i].id, path[npath - 1]) == 0;
	}
	*ret_trace = (struct html_trace){
		.id = trace_text(trace, trace->id),
		.spans = walk.rows,
		.nspans = walk.nrows,
		.total = trace->nspans,
		.failing = failing,
		.duration_us = walk.end_us - walk.begin_us,
		.zoomed = zoomed == TRACE_NONE ? NULL : zoom,
	};
}
