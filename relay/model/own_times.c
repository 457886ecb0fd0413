/*
 * Own times: the own time of each service on the critical path of a span, that is, time in which
 * the service itself worked or waited, and none of its children (tracepager-walk(7), section 6).
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/xalloc.h"
#include "walk-internal.h"

/* Own time of one service; services by their text references. */
struct service_time {
	uint32_t service, namespace;
	bool used;
	int64_t own_us, most_us;
	uint32_t most; /* its span with the most */
};

struct times {
	const struct trace *trace;
	struct service_time *at; /* open addressing; the size is a power of two */
	size_t n, size;
};

static struct service_time *times_find(struct service_time *times, size_t size, uint32_t service,
				       uint32_t namespace)
{
	size_t i = (service * 2654435761u ^ namespace * 2246822519u) & (size - 1);

	while (times[i].used && (times[i].service != service || times[i].namespace != namespace))
		i = (i + 1) & (size - 1);
	return &times[i];
}

static void times_grow(struct times *times)
{
	size_t size = times->size ? times->size * 2 : 16;
	struct service_time *grown = xcalloc(size, sizeof(*grown));

	for (size_t i = 0; i < times->size; i++) {
		const struct service_time *old = &times->at[i];

		if (old->used)
			*times_find(grown, size, old->service, old->namespace) = *old;
	}
	free(times->at);
	times->at = grown;
	times->size = size;
}

static void times_add(void *ctx, uint32_t span, int64_t own_us)
{
	struct times *times = ctx;
	const struct resource *resource = span_resource(times->trace, &times->trace->spans[span]);
	struct service_time *time;

	if (own_us == 0)
		return;
	if (times->n * 2 >= times->size)
		times_grow(times);
	time = times_find(times->at, times->size, resource->service, resource->namespace);
	if (!time->used) {
		*time = (struct service_time){ .service = resource->service,
					       .namespace = resource->namespace,
					       .used = true };
		times->n++;
	}
	time->own_us += own_us;
	if (own_us > time->most_us) {
		time->most_us = own_us;
		time->most = span;
	}
}

/* Puts a service among the n largest so far; of equals, the one with the earlier span stands first.
 * Returns the new n. */
static unsigned int keep_largest(struct service_time *largest, unsigned int n,
				 const struct service_time *time)
{
	unsigned int at = n;

	while (at > 0 &&
	       (time->own_us > largest[at - 1].own_us ||
		(time->own_us == largest[at - 1].own_us && time->most < largest[at - 1].most)))
		at--;
	if (at == LIMIT_OWN_TIMES)
		return n;
	if (n < LIMIT_OWN_TIMES)
		n++;
	memmove(&largest[at + 1], &largest[at], (n - 1 - at) * sizeof(*largest));
	largest[at] = *time;
	return n;
}

unsigned int walk_own_times(const struct trace *trace, uint32_t from, int64_t lo_us, int64_t hi_us,
			    struct own_time ret_times[LIMIT_OWN_TIMES])
{
	struct times times = { .trace = trace };
	struct service_time largest[LIMIT_OWN_TIMES];
	unsigned int n = 0;

	critical_path(trace, from, lo_us, hi_us, times_add, &times);
	for (size_t i = 0; i < times.size; i++) {
		if (times.at[i].used)
			n = keep_largest(largest, n, &times.at[i]);
	}
	for (unsigned int i = 0; i < n; i++)
		ret_times[i] =
			(struct own_time){ largest[i].most, largest[i].own_us, largest[i].most_us };
	free(times.at);
	return n;
}
