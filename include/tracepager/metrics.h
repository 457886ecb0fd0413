/*
 * Metrics: counters, gauges, histograms and infos of the process, listed in tbl/metrics.def, in
 * Prometheus' text format. Any thread may count.
 */
#ifndef TRACEPAGER_METRICS_H
#define TRACEPAGER_METRICS_H

#include <stdint.h>

#include "tracepager/buf.h"

enum metric {
#define COUNTER(id, name, labels, help)	  METRIC_##id,
#define GAUGE(id, name, labels, help)	  METRIC_##id,
#define HISTOGRAM(id, name, labels, help) METRIC_##id,
#define INFO(id, name, labels, help)	  METRIC_##id,
#include "tracepager/tbl/metrics.def"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
#undef INFO
	METRIC_COUNT
};

void metric_add(enum metric metric, int64_t n);
void metric_set(enum metric metric, int64_t value);
void metric_max(enum metric metric,
		int64_t value); /* a gauge that keeps the largest since the start */
void metric_observe_us(enum metric metric, int64_t us); /* a histogram of seconds */
void metric_tell(enum metric metric, const char *hash); /* an info; NULL: there is none now */
int64_t metric_value(enum metric metric);		/* of a histogram: how many */
void metrics_write(struct buf *out);

#endif
