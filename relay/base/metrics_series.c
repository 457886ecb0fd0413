/* Metrics by name: the values of tbl/metrics_by_name.def, for each pager, source and sender. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "metrics-internal.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

const struct named_metric_row named_metric_rows[NAMED_METRIC_COUNT] = {
#define BY_NAME(label, kind, id, name, labels, help)                                               \
	{ { METRIC_##kind, name, labels, help }, METRIC_BY_##label },
#include "tracepager/tbl/metrics_by_name.def"
#undef BY_NAME
};

const char *const metric_label_names[METRIC_LABELS] = {
	[METRIC_BY_PAGER] = "pager",
	[METRIC_BY_SOURCE] = "source",
	[METRIC_BY_SENDER] = "sender",
};

struct metric_series {
	char *name;
	struct metric_series *other; /* who counts where this one is not shown; NULL: itself */
	atomic_bool shown;
	_Atomic int64_t values[NAMED_METRIC_COUNT];
	struct metric_histogram *histograms[NAMED_METRIC_COUNT]; /* of its label; else NULL */
};

struct series_book {
	struct map *by_name;				  /* borrows the names */
	struct metric_series *shown[LIMIT_METRIC_SERIES]; /* in the order of their names' table */
	size_t nshown;
	struct metric_series *other;
};

static pthread_mutex_t series_lock = PTHREAD_MUTEX_INITIALIZER;
static struct series_book series_books[METRIC_LABELS];

/* ---- the book ---- */

static struct metric_series *series_new(enum metric_label label, const char *name,
					struct metric_series *other)
{
	struct metric_series *series = xcalloc(1, sizeof(*series));

	series->name = xstrdup(name);
	series->other = other;
	for (size_t i = 0; i < NAMED_METRIC_COUNT; i++)
		if (named_metric_rows[i].label == label &&
		    named_metric_rows[i].row.kind == METRIC_HISTOGRAM)
			series->histograms[i] = xcalloc(1, sizeof(*series->histograms[i]));
	return series;
}

/* With the lock held. */
static struct series_book *series_book_of(enum metric_label label)
{
	struct series_book *book = &series_books[label];

	if (!book->other) {
		book->other = series_new(label, "other", NULL);
		book->by_name = map_new_borrowing();
	}
	return book;
}

/* With the lock held. */
static struct metric_series *series_find(enum metric_label label, const char *name)
{
	struct series_book *book = series_book_of(label);
	struct metric_series *series = map_get(book->by_name, name);

	if (series)
		return series;
	if (map_count(book->by_name) >= LIMIT_METRIC_NAMES ||
	    strlen(name) > LIMIT_METRIC_NAME_BYTES || strcmp(name, book->other->name) == 0)
		return book->other;
	series = series_new(label, name, book->other);
	map_put(book->by_name, series->name, series);
	return series;
}

struct metric_series *metric_series(enum metric_label label, const char *name)
{
	pthread_mutex_lock(&series_lock);
	struct metric_series *series = series_find(label, name);
	pthread_mutex_unlock(&series_lock);
	return series;
}

void metric_names_set(enum metric_label label, const char *const *names, size_t n)
{
	pthread_mutex_lock(&series_lock);
	struct series_book *book = series_book_of(label);
	for (size_t i = 0; i < book->nshown; i++)
		atomic_store_explicit(&book->shown[i]->shown, false, memory_order_relaxed);
	book->nshown = 0;
	for (size_t i = 0; i < n && book->nshown < LIMIT_METRIC_SERIES; i++) {
		struct metric_series *series = series_find(label, names[i]);
		if (series == book->other || series->shown)
			continue;
		atomic_store_explicit(&series->shown, true, memory_order_relaxed);
		book->shown[book->nshown++] = series;
	}
	pthread_mutex_unlock(&series_lock);
}

/* ---- counting ---- */

/* Whose counters count for the series. */
static struct metric_series *series_counting(struct metric_series *series)
{
	return !series->other || atomic_load_explicit(&series->shown, memory_order_relaxed)
		       ? series
		       : series->other;
}

void metric_series_add(struct metric_series *series, enum named_metric metric, int64_t n)
{
	atomic_fetch_add_explicit(&series_counting(series)->values[metric], n,
				  memory_order_relaxed);
}

void metric_series_set(struct metric_series *series, enum named_metric metric, int64_t value)
{
	if (series->other)
		atomic_store_explicit(&series->values[metric], value, memory_order_relaxed);
}

void metric_series_observe_us(struct metric_series *series, enum named_metric metric, int64_t us)
{
	metric_histogram_observe(series_counting(series)->histograms[metric],
				 &metric_bounds_network, us);
}

void metric_series_observe_us_traced(struct metric_series *series, enum named_metric metric,
				     int64_t us, const char *trace_id, const char *span_id)
{
	metric_series_observe_us(series, metric, us);
	metric_histogram_trace(series_counting(series)->histograms[metric], &metric_bounds_network,
			       us, trace_id, span_id);
}

int64_t metric_series_value(const struct metric_series *series, enum named_metric metric)
{
	const _Atomic int64_t *value = series->histograms[metric]
					       ? &series->histograms[metric]->count
					       : &series->values[metric];

	return atomic_load_explicit(value, memory_order_relaxed);
}

const struct metric_histogram *metric_series_histogram(const struct metric_series *series,
						       enum named_metric metric)
{
	return series->histograms[metric];
}

bool metric_series_is_other(const struct metric_series *series)
{
	return !series->other;
}

static bool series_counted_anything(const struct metric_series *series)
{
	for (size_t i = 0; i < NAMED_METRIC_COUNT; i++)
		if (metric_series_value(series, (enum named_metric)i))
			return true;
	return false;
}

void metric_series_each(enum metric_label label, metric_series_viewer *viewer, void *ctx)
{
	pthread_mutex_lock(&series_lock);
	const struct series_book *book = series_book_of(label);
	for (size_t i = 0; i < book->nshown; i++)
		viewer(ctx, book->shown[i]->name, book->shown[i]);
	/* Sources alone have no strangers: each is declared, and they are few. */
	if ((book->nshown && label != METRIC_BY_SOURCE) || series_counted_anything(book->other))
		viewer(ctx, book->other->name, book->other);
	pthread_mutex_unlock(&series_lock);
}
