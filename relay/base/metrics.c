/* Metrics: atomic numbers, and their text. All histograms have the bounds 0.1 ms to 60 s. */
#include "tracepager/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* An info's hash: 32 bytes in hexadecimal digits, and a NUL. */
#define INFO_HASH_BYTES 65

enum kind {
	KIND_COUNTER,
	KIND_GAUGE,
	KIND_HISTOGRAM,
	KIND_INFO,
};

static const struct {
	enum kind kind;
	const char *name, *labels, *help;
} rows[METRIC_COUNT] = {
#define COUNTER(id, name, labels, help)	  { KIND_COUNTER, name, labels, help },
#define GAUGE(id, name, labels, help)	  { KIND_GAUGE, name, labels, help },
#define HISTOGRAM(id, name, labels, help) { KIND_HISTOGRAM, name, labels, help },
#define INFO(id, name, labels, help)	  { KIND_INFO, name, labels, help },
#include "tracepager/tbl/metrics.def"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
#undef INFO
};

static const int64_t bounds_us[] = { 100,     250,     500,	1000,	  2500,	    5000,
				     10000,   25000,   50000,	100000,	  250000,   500000,
				     1000000, 2500000, 5000000, 10000000, 30000000, 60000000 };

/* The hashes of infos. */
static pthread_mutex_t texts_lock = PTHREAD_MUTEX_INITIALIZER;
static char texts[METRIC_COUNT][INFO_HASH_BYTES];

/* A counter or a gauge uses only value; a histogram's value is its count. */
static struct {
	_Atomic int64_t value, sum_us, buckets[ARRAY_LEN(bounds_us)];
} cells[METRIC_COUNT];

void metric_add(enum metric metric, int64_t n)
{
	atomic_fetch_add_explicit(&cells[metric].value, n, memory_order_relaxed);
}

void metric_set(enum metric metric, int64_t value)
{
	atomic_store_explicit(&cells[metric].value, value, memory_order_relaxed);
}

void metric_observe_us(enum metric metric, int64_t us)
{
	for (size_t i = 0; i < ARRAY_LEN(bounds_us); i++)
		if (us <= bounds_us[i]) {
			atomic_fetch_add_explicit(&cells[metric].buckets[i], 1,
						  memory_order_relaxed);
			break;
		}
	atomic_fetch_add_explicit(&cells[metric].sum_us, us, memory_order_relaxed);
	metric_add(metric, 1);
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

	while (!has_label_value(rows[at].labels, value) && at + 1 < METRIC_COUNT &&
	       strcmp(rows[at + 1].name, rows[first].name) == 0)
		at++;
	metric_add((enum metric)at, n);
}

int64_t metric_value(enum metric metric)
{
	return atomic_load_explicit(&cells[metric].value, memory_order_relaxed);
}

static void write_histogram(enum metric metric, struct buf *out)
{
	const char *name = rows[metric].name;
	int64_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(bounds_us); i++) {
		count += atomic_load_explicit(&cells[metric].buckets[i], memory_order_relaxed);
		buf_printf(out, "%s_bucket{le=\"%g\"} %" PRId64 "\n", name,
			   (double)bounds_us[i] / 1e6, count);
	}
	/* Read after the buckets, so that the count is never smaller than their sum. */
	buf_printf(out, "%s_bucket{le=\"+Inf\"} %" PRId64 "\n", name, metric_value(metric));
	buf_printf(out, "%s_sum %.6f\n", name,
		   (double)atomic_load_explicit(&cells[metric].sum_us, memory_order_relaxed) / 1e6);
	buf_printf(out, "%s_count %" PRId64 "\n", name, metric_value(metric));
}

static void write_info(enum metric metric, struct buf *out)
{
	const char *labels = rows[metric].labels;

	pthread_mutex_lock(&texts_lock);
	if (*texts[metric])
		buf_printf(out, "%s{%s%shash=\"%s\"} 1\n", rows[metric].name, labels,
			   *labels ? "," : "", texts[metric]);
	pthread_mutex_unlock(&texts_lock);
}

static bool in_seconds(const char *name)
{
	static const char end[] = "_seconds";
	size_t len = strlen(name);

	return len > sizeof(end) - 1 && strcmp(name + len - (sizeof(end) - 1), end) == 0;
}

void metrics_write(struct buf *out)
{
	static const char *const kinds[] = { "counter", "gauge", "histogram", "gauge" };

	for (int i = 0; i < METRIC_COUNT; i++) {
		enum metric metric = (enum metric)i;
		const char *name = rows[i].name;
		if (i == 0 || strcmp(rows[i - 1].name, name) != 0)
			buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, rows[i].help, name,
				   kinds[rows[i].kind]);
		if (rows[i].kind == KIND_HISTOGRAM) {
			write_histogram(metric, out);
			continue;
		}
		if (rows[i].kind == KIND_INFO) {
			write_info(metric, out);
			continue;
		}
		const char *open = *rows[i].labels ? "{" : "", *close = *rows[i].labels ? "}" : "";
		buf_printf(out, "%s%s%s%s ", name, open, rows[i].labels, close);
		if (rows[i].kind == KIND_GAUGE && in_seconds(name))
			buf_printf(out, "%.6f\n", (double)metric_value(metric) / 1e6);
		else
			buf_printf(out, "%" PRId64 "\n", metric_value(metric));
	}
}
