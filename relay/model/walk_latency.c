/*
 * Walk, latency: where the time went, in one trace.
 *
 * The critical path: from a span's end, backwards, to the child that ended last, again and again;
 * children that overflow their parent are cut to it (CRISP, Zhang and others, USENIX ATC 2022).
 * What no child covers is the span's own time, and its service's. Without fault-free traces beside
 * it the largest own time is all that one trace can say; contrast has its place in front of the
 * choice of the largest.
 *
 * Children are sorted by their ends, so this is O(spans log children). The stack is our own.
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/xalloc.h"
#include "walk-internal.h"

/* A span to be looked at between two times of its own clock. */
struct frame {
	uint32_t span;
	int64_t lo_us, hi_us;
};

struct child_end {
	int64_t end_us; /* on the parent's clock */
	uint32_t span;
};

/* Own time of one service. */
struct service_time {
	uint32_t service, namespace;
	bool used;
	int64_t own_us, most_us;
	uint32_t most; /* its span with the most */
};

struct path {
	const struct trace *trace;
	struct frame *stack;
	size_t nstack, stack_size;
	struct child_end *children;
	size_t children_size;
	struct service_time *times; /* open addressing; the size is a power of two */
	size_t ntimes, times_size;
};

static struct service_time *times_find(struct service_time *times, size_t size, uint32_t service,
				       uint32_t namespace)
{
	size_t i = (service * 2654435761u ^ namespace * 2246822519u) & (size - 1);

	while (times[i].used && (times[i].service != service || times[i].namespace != namespace))
		i = (i + 1) & (size - 1);
	return &times[i];
}

static void times_grow(struct path *path)
{
	size_t size = path->times_size ? path->times_size * 2 : 16;
	struct service_time *times = xcalloc(size, sizeof(*times));

	for (size_t i = 0; i < path->times_size; i++) {
		const struct service_time *old = &path->times[i];

		if (old->used)
			*times_find(times, size, old->service, old->namespace) = *old;
	}
	free(path->times);
	path->times = times;
	path->times_size = size;
}

static void times_add(struct path *path, uint32_t span, int64_t own_us)
{
	const struct resource *resource = span_resource(path->trace, &path->trace->spans[span]);
	struct service_time *time;

	if (own_us <= 0)
		return;
	if (path->ntimes * 2 >= path->times_size)
		times_grow(path);
	time = times_find(path->times, path->times_size, resource->service, resource->namespace);
	if (!time->used) {
		*time = (struct service_time){ .service = resource->service,
					       .namespace = resource->namespace,
					       .used = true };
		path->ntimes++;
	}
	time->own_us += own_us;
	if (own_us > time->most_us) {
		time->most_us = own_us;
		time->most = span;
	}
}

static void push(struct path *path, uint32_t span, int64_t lo_us, int64_t hi_us)
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

static size_t children_by_end(struct path *path, uint32_t span)
{
	const struct span *spans = path->trace->spans;
	uint32_t child = spans[span].first_child;
	size_t n = 0;

	for (; child != TRACE_NONE; child = spans[child].next_sibling) {
		if (!walker_waits_for(&spans[span], &spans[child]))
			continue;
		if (n == path->children_size) {
			path->children_size = path->children_size ? path->children_size * 2 : 64;
			path->children = xrealloc_array(path->children, path->children_size,
							sizeof(*path->children));
		}
		path->children[n++] =
			(struct child_end){ span_end_us(&spans[child]) +
						    walker_skew_us(&spans[span], &spans[child]),
					    child };
	}
	if (n > 1)
		qsort(path->children, n, sizeof(*path->children), later_end_first);
	return n;
}

static void path_step(struct path *path, const struct frame *frame)
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
		push(path, child, a - skew, b - skew);
		cur = a;
	}
	times_add(path, frame->span, own + cur - frame->lo_us);
}

/* The place of a service among the largest so far; of equals, the earlier text stands first. */
static unsigned int keep_largest(struct service_time *largest, unsigned int n,
				 const struct service_time *time)
{
	unsigned int at = n;

	while (at > 0 &&
	       (time->own_us > largest[at - 1].own_us ||
		(time->own_us == largest[at - 1].own_us && time->most < largest[at - 1].most)))
		at--;
	if (at == OWN_TIMES)
		return n;
	if (n < OWN_TIMES)
		n++;
	memmove(&largest[at + 1], &largest[at], (n - 1 - at) * sizeof(*largest));
	largest[at] = *time;
	return n;
}

unsigned int walk_own_times(const struct trace *trace, uint32_t from, int64_t lo_us, int64_t hi_us,
			    struct own_time ret_times[OWN_TIMES])
{
	struct path path = { .trace = trace };
	struct service_time largest[OWN_TIMES];
	unsigned int n = 0;

	if (hi_us > span_end_us(&trace->spans[from]))
		hi_us = span_end_us(&trace->spans[from]);
	push(&path, from, lo_us, hi_us);
	while (path.nstack > 0) {
		struct frame frame = path.stack[--path.nstack];

		path_step(&path, &frame);
	}
	for (size_t i = 0; i < path.times_size; i++) {
		if (path.times[i].used)
			n = keep_largest(largest, n, &path.times[i]);
	}
	for (unsigned int i = 0; i < n; i++)
		ret_times[i] =
			(struct own_time){ largest[i].most, largest[i].own_us, largest[i].most_us };
	free(path.stack);
	free(path.children);
	free(path.times);
	return n;
}

void walk_latency(struct walker *walker, struct suspect *suspect, double *certainty)
{
	const struct trace *trace = walker->trace;
	const struct span *signal = &trace->spans[walker->signal];
	struct walk *walk = walker->walk;
	struct own_time times[OWN_TIMES];
	unsigned int n;

	n = walk_own_times(trace, walker->signal, signal->start_us, span_end_us(signal), times);
	if (n == 0)
		times[n++] = (struct own_time){ .span = walker->signal };
	walker_suspect(walker, times[0].span, SUSPECT_SLOW, suspect);
	walk_leaf_waited(walker, &times[0], span_end_us(signal), suspect);
	*certainty = CERTAINTY_SLOW;
	walker_tell(walker, "of the %s of %s %s, %s spent %s by itself, most of it in %s",
		    walker_duration(walker, signal->duration_us),
		    walker_service(walker, walker->signal), walker_name(walker, walker->signal),
		    walker_service(walker, times[0].span), walker_duration(walker, times[0].own_us),
		    walker_name(walker, times[0].span));
	if (n > 1) {
		walk->others = arena_array(walker->arena, n - 1, sizeof(*walk->others));
		walk->nothers = n - 1;
		for (unsigned int i = 1; i < n; i++)
			walker_suspect(walker, times[i].span, SUSPECT_SLOW, &walk->others[i - 1]);
		walker_tell(walker, "next is %s with %s", walker_service(walker, times[1].span),
			    walker_duration(walker, times[1].own_us));
	}
}
