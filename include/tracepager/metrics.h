/*
 * Metrics: the counters, gauges, histograms and infos of the process, and their text in Prometheus'
 * format and in OpenMetrics'. tbl/metrics.def lists them. Metrics that have a label of names (a
 * pager, a source, a sender) stand in tbl/metrics_by_name.def; their series are of names of the
 * rules and of tracepager.yaml, at most LIMIT_METRIC_SERIES for each label, so that no peer can add
 * one. Refuses to read a clock but for exemplars. Owns all values until the program ends. Any
 * thread may call these functions.
 */
#ifndef TRACEPAGER_METRICS_H
#define TRACEPAGER_METRICS_H

#include <stddef.h>
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
/* As metric_observe_us(), and remembers the trace as the exemplar of the observation's bucket:
 * OpenMetrics shows the last one of each bucket. Ids in hexadecimal digits, 32 and 16; copied.
 * span_id may be NULL. A trace_id that is NULL or no id: only observes. */
void metric_observe_us_traced(enum metric metric, int64_t us, const char *trace_id,
			      const char *span_id);
/* An info's label hash, copied; NULL: the info is not shown. */
void metric_tell(enum metric metric, const char *hash);
/* The value of a counter or a gauge; how many observations a histogram has. */
int64_t metric_value(enum metric metric);

/* ---- metrics by name ---- */

enum metric_label { METRIC_BY_PAGER, METRIC_BY_SOURCE, METRIC_BY_SENDER, METRIC_LABELS };

enum named_metric {
#define BY_NAME(label, kind, id, name, labels, help) NAMED_##id,
#include "tracepager/tbl/metrics_by_name.def"
#undef BY_NAME
	NAMED_METRIC_COUNT
};

/* All metrics of one name, say of one pager. Lives until the program ends: look it up once, and
 * keep it. */
struct metric_series;

/* The series that are shown from now on: of these names, in this order, and (but for sources)
 * "other", also where nothing was counted yet. Above LIMIT_METRIC_SERIES names, and for names of
 * more than LIMIT_METRIC_NAME_BYTES, there is one series for all, "other". Series of names that are
 * left out vanish; what is still counted for them goes to "other". A name that comes back has the
 * counts that it had. */
void metric_names_set(enum metric_label label, const char *const *names, size_t n);
/* The series of a name, also of one that is not shown (yet). Never NULL. */
struct metric_series *metric_series(enum metric_label label, const char *name);
void metric_series_add(struct metric_series *series, enum named_metric metric, int64_t n);
/* A gauge; of seconds: in microseconds. "other" has no gauges: a series that is not shown keeps the
 * value for the time when it is. */
void metric_series_set(struct metric_series *series, enum named_metric metric, int64_t value);
void metric_series_observe_us(struct metric_series *series, enum named_metric metric, int64_t us);
void metric_series_observe_us_traced(struct metric_series *series, enum named_metric metric,
				     int64_t us, const char *trace_id, const char *span_id);
/* Of the series itself, shown or not: the value, or how many observations a histogram has. */
int64_t metric_series_value(const struct metric_series *series, enum named_metric metric);

/* ---- the text ---- */

enum metrics_format {
	METRICS_TEXT,	     /* Prometheus' text format 0.0.4 */
	METRICS_OPENMETRICS, /* OpenMetrics 1.0, with exemplars */
};
/* Adds all metrics to out. */
void metrics_write(struct buf *out, enum metrics_format format);

#endif
