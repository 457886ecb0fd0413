/* Metrics: the atomic numbers of tbl/metrics.def. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "config.h" /* PACKAGE_VERSION, for metrics.def */

#include "metrics-internal.h"

/* An info's hash: 32 bytes in hexadecimal digits, and a NUL. */
#define INFO_HASH_BYTES 65

const struct metric_row metric_rows[METRIC_COUNT] = {
#define COUNTER(id, name, labels, help)	  { METRIC_COUNTER, name, labels, help },
#define GAUGE(id, name, labels, help)	  { METRIC_GAUGE, name, labels, help },
#define HISTOGRAM(id, name, labels, help) { METRIC_HISTOGRAM, name, labels, help },
#define INFO(id, name, labels, help)	  { METRIC_INFO, name, labels, help },
#include "tracepager/tbl/metrics.def"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
#undef INFO
};

/* The hashes of infos. */
static pthread_mutex_t texts_lock = PTHREAD_MUTEX_INITIALIZER;
static char texts[METRIC_COUNT][INFO_HASH_BYTES];

/* Of counters and gauges. */
static _Atomic int64_t values[METRIC_COUNT];
static struct metric_histogram histograms[METRIC_COUNT];

void metric_add(enum metric metric, int64_t n)
{
	atomic_fetch_add_explicit(&values[metric], n, memory_order_relaxed);
}

void metric_set(enum metric metric, int64_t value)
{
	atomic_store_explicit(&values[metric], value, memory_order_relaxed);
}

void metric_observe_us(enum metric metric, int64_t us)
{
	metric_histogram_observe(&histograms[metric], &metric_bounds_fine, us);
}

void metric_observe_us_traced(enum metric metric, int64_t us, const char *trace_id,
			      const char *span_id)
{
	metric_histogram_observe(&histograms[metric], &metric_bounds_fine, us);
	metric_histogram_trace(&histograms[metric], &metric_bounds_fine, us, trace_id, span_id);
}

void metric_tell(enum metric metric, const char *hash)
{
	pthread_mutex_lock(&texts_lock);
	snprintf(texts[metric], sizeof(texts[metric]), "%s", hash ? hash : "");
	pthread_mutex_unlock(&texts_lock);
}

/* Is it a row's only label, name="value"? */
static bool has_label_value(const char *labels, const char *value)
{
	const char *at = strchr(labels, '"');
	size_t len = strlen(value);

	return at && strncmp(at + 1, value, len) == 0 && strcmp(at + 1 + len, "\"") == 0;
}

void metric_add_labelled(enum metric first, const char *value, int64_t n)
{
	int at = (int)first;

	while (!has_label_value(metric_rows[at].labels, value) && at + 1 < METRIC_COUNT &&
	       strcmp(metric_rows[at + 1].name, metric_rows[first].name) == 0)
		at++;
	metric_add((enum metric)at, n);
}

int64_t metric_value(enum metric metric)
{
	const _Atomic int64_t *value = metric_rows[metric].kind == METRIC_HISTOGRAM
					       ? &histograms[metric].count
					       : &values[metric];

	return atomic_load_explicit(value, memory_order_relaxed);
}

const struct metric_histogram *metric_histogram_of(enum metric metric)
{
	return &histograms[metric];
}

void metric_info_hash(enum metric metric, char *out, size_t size)
{
	pthread_mutex_lock(&texts_lock);
	snprintf(out, size, "%s", texts[metric]);
	pthread_mutex_unlock(&texts_lock);
}
