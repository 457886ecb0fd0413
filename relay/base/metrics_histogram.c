/* Histograms of metrics, and the exemplars of their buckets. */
#include <pthread.h>
#include <string.h>

#include "metrics-internal.h"
#include "tracepager/clock.h"
#include "tracepager/xalloc.h"

const struct metric_bounds metric_bounds_fine = {
	.n = 18,
	.us = { 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000,
		1000000, 2500000, 5000000, 10000000, 30000000, 60000000 },
};

const struct metric_bounds metric_bounds_network = {
	.n = 10,
	.us = { 10000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
		30000000 },
};

/* Exemplars are texts: one lock for those of all histograms. */
static pthread_mutex_t exemplars_lock = PTHREAD_MUTEX_INITIALIZER;

/* bounds.n: above the last bound. */
static size_t bucket_of(const struct metric_bounds *bounds, int64_t us)
{
	size_t i = 0;

	while (i < bounds->n && us > bounds->us[i])
		i++;
	return i;
}

void metric_histogram_observe(struct metric_histogram *histogram,
			      const struct metric_bounds *bounds, int64_t us)
{
	const size_t bucket = bucket_of(bounds, us);

	if (bucket < bounds->n)
		atomic_fetch_add_explicit(&histogram->buckets[bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&histogram->sum_us, us, memory_order_relaxed);
	atomic_fetch_add_explicit(&histogram->count, 1, memory_order_relaxed);
}

static bool is_trace_hex(const char *id, size_t digits)
{
	return id && strlen(id) == digits && strspn(id, "0123456789abcdef") == digits;
}

void metric_histogram_trace(struct metric_histogram *histogram, const struct metric_bounds *bounds,
			    int64_t us, const char *trace_id, const char *span_id)
{
	struct metric_exemplar exemplar = { .value_us = us,
					    .at_us = clock_wall_us(clock_system()) };

	if (!is_trace_hex(trace_id, METRIC_TRACE_ID_DIGITS))
		return;
	memcpy(exemplar.trace_id, trace_id, METRIC_TRACE_ID_DIGITS);
	if (is_trace_hex(span_id, METRIC_SPAN_ID_DIGITS))
		memcpy(exemplar.span_id, span_id, METRIC_SPAN_ID_DIGITS);
	pthread_mutex_lock(&exemplars_lock);
	if (!histogram->exemplars)
		histogram->exemplars = xcalloc(bounds->n + 1, sizeof(exemplar));
	histogram->exemplars[bucket_of(bounds, us)] = exemplar;
	pthread_mutex_unlock(&exemplars_lock);
}

bool metric_histogram_exemplar(const struct metric_histogram *histogram, size_t bucket,
			       struct metric_exemplar *ret_exemplar)
{
	bool found;

	pthread_mutex_lock(&exemplars_lock);
	found = histogram->exemplars && *histogram->exemplars[bucket].trace_id;
	if (found)
		*ret_exemplar = histogram->exemplars[bucket];
	pthread_mutex_unlock(&exemplars_lock);
	return found;
}
