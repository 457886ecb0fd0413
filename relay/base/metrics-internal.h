/*
 * What the files of the metrics share: metrics.c holds the values of tbl/metrics.def,
 * metrics_series.c those of tbl/metrics_by_name.def, metrics_histogram.c counts observations,
 * metrics_write.c makes the text of all. Any thread may call these functions.
 */
#ifndef TRACEPAGER_METRICS_INTERNAL_H
#define TRACEPAGER_METRICS_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "tracepager/metrics.h"

enum metric_kind {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
	METRIC_INFO,
};

struct metric_row {
	enum metric_kind kind;
	const char *name, *labels, *help;
};

/* ---- metrics_histogram.c ---- */

#define METRIC_BOUNDS 18u /* of the finest histogram */

#define METRIC_TRACE_ID_DIGITS 32
#define METRIC_SPAN_ID_DIGITS  16

/* The last traced observation of a bucket. */
struct metric_exemplar {
	char trace_id[METRIC_TRACE_ID_DIGITS + 1]; /* "": there was none */
	char span_id[METRIC_SPAN_ID_DIGITS + 1];   /* "": it has none */
	int64_t value_us, at_us;		   /* at: wall */
};

struct metric_bounds {
	size_t n;
	int64_t us[METRIC_BOUNDS];
};
extern const struct metric_bounds metric_bounds_fine;	 /* 0.1 ms to 60 s */
extern const struct metric_bounds metric_bounds_network; /* 10 ms to 30 s: for what others answer */

struct metric_histogram {
	_Atomic int64_t count, sum_us, buckets[METRIC_BOUNDS];
	struct metric_exemplar *exemplars; /* bounds.n + 1; NULL before the first */
};

void metric_histogram_observe(struct metric_histogram *histogram,
			      const struct metric_bounds *bounds, int64_t us);
void metric_histogram_trace(struct metric_histogram *histogram, const struct metric_bounds *bounds,
			    int64_t us, const char *trace_id, const char *span_id);
/* Copies the exemplar of a bucket; false: it has none. */
bool metric_histogram_exemplar(const struct metric_histogram *histogram, size_t bucket,
			       struct metric_exemplar *ret_exemplar);

/* ---- metrics.c ---- */

extern const struct metric_row metric_rows[METRIC_COUNT];

const struct metric_histogram *metric_histogram_of(enum metric metric);
/* Calls with the hash of an info, "" where it is not shown. */
void metric_info_hash(enum metric metric, char *out, size_t size);

/* ---- metrics_series.c ---- */

struct named_metric_row {
	struct metric_row row;
	enum metric_label label;
};
extern const struct named_metric_row named_metric_rows[NAMED_METRIC_COUNT];
extern const char *const metric_label_names[METRIC_LABELS]; /* "pager" */

typedef void metric_series_viewer(void *ctx, const char *name, struct metric_series *series);
/* The series that are shown, in the order of their names' table; then "other", where it counted
 * anything. */
void metric_series_each(enum metric_label label, metric_series_viewer *viewer, void *ctx);
bool metric_series_is_other(const struct metric_series *series);
const struct metric_histogram *metric_series_histogram(const struct metric_series *series,
						       enum named_metric metric);

#endif
