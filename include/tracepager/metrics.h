/*
 * Metrics: the counters, gauges, histograms and infos of the process, and their text in Prometheus'
 * format. tbl/metrics.def lists them; none is made at run time, so a peer cannot add labels. Any
 * thread may call these functions.
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

void metric_add(enum metric metric, int64_t n); /* a counter, or a gauge (n may be negative) */
/* Adds to the row of first's name, from first on, whose label has that value: METRIC_OPENED_SPAN
 * and "peer" is METRIC_OPENED_PEER. Where no row has it: to the last row of that name, "other". */
void metric_add_labelled(enum metric first, const char *value, int64_t n);
void metric_set(enum metric metric, int64_t value);	/* a gauge; of seconds: in microseconds */
void metric_observe_us(enum metric metric, int64_t us); /* a histogram, which shows seconds */
/* An info's label hash, copied; NULL: the info is not shown. */
void metric_tell(enum metric metric, const char *hash);
/* The value of a counter or a gauge; how many observations a histogram has. */
int64_t metric_value(enum metric metric);
/* Adds all metrics to out. */
void metrics_write(struct buf *out);

#endif
