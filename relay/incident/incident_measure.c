/* Incident, measure: the gauges of pagers, in all and for each. */
#include "incident-internal.h"

#include <stdlib.h>
#include <string.h>

#include "tracepager/deliver.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

/* ---- which pagers ---- */

struct measure_names {
	const char *at[LIMIT_METRIC_SERIES];
	size_t n;
};

static void measure_add_name(void *ctx, const struct pager *pager)
{
	struct measure_names *names = ctx;

	if (names->n < ARRAY_LEN(names->at))
		names->at[names->n++] = pager->name;
}

void incidents_book_name_pagers(const struct incident_book *book)
{
	struct measure_names names = { .n = 0 };

	rules_each_pager(book->rules, measure_add_name, &names);
	metric_names_set(METRIC_BY_PAGER, names.at, names.n);
}

/* ---- their gauges ---- */

struct measuring {
	const struct incident_book *book;
	struct map *deliveries; /* what delivery knows, by pager */
	int64_t now_us;		/* wall */
};

static int64_t measure_age_us(const struct measuring *measuring, int64_t since_us)
{
	return since_us && since_us < measuring->now_us ? measuring->now_us - since_us : 0;
}

static void measure_one_pager(void *ctx, const struct pager *pager)
{
	const struct measuring *measuring = ctx;
	const struct incident_pager_view view = incidents_book_view_pager(
		measuring->book, pager->name, map_get(measuring->deliveries, pager->name));
	struct metric_series *series = metric_series(METRIC_BY_PAGER, pager->name);

	metric_series_set(series, NAMED_PAGER_PAUSED, view.paused_by != NULL);
	metric_series_set(series, NAMED_PAGER_FAILING, !view.paused_by && view.failing);
	metric_series_set(series, NAMED_PAGER_WORKING, !view.paused_by && !view.failing);
	metric_series_set(series, NAMED_PAGER_WAITING, (int64_t)view.waiting);
	metric_series_set(series, NAMED_PAGER_OLDEST, measure_age_us(measuring, view.oldest_us));
}

static bool measure_add_delivery(void *ctx, const struct deliver_pager_view *view)
{
	if (strcmp(view->pager, DELIVER_SINK) != 0)
		map_put(ctx, view->pager, (void *)(uintptr_t)view);
	return true;
}

static bool measure_count_state(void *ctx, const struct incident_pager_view *view)
{
	int64_t *counts = ctx;

	counts[view->paused_by ? 0 : view->failing ? 1 : 2]++;
	return true;
}

void incidents_book_measure(const struct incident_book *book)
{
	struct measuring measuring = { .book = book,
				       .deliveries = map_new(),
				       .now_us = clock_wall_us(book->env.clock) };
	int64_t counts[3] = { 0 }, oldest_us = 0;
	const struct deliver_pager_view *delivery;

	deliver_each_pager(book->deliver, measure_add_delivery, measuring.deliveries);
	rules_each_pager(book->rules, measure_one_pager, &measuring);
	for (size_t pos = 0; (delivery = map_next(measuring.deliveries, &pos, NULL));)
		if (measure_age_us(&measuring, delivery->oldest_us) > oldest_us)
			oldest_us = measure_age_us(&measuring, delivery->oldest_us);
	map_free(measuring.deliveries);
	metric_set(METRIC_PAGES_OLDEST, oldest_us);
	incidents_book_each_pager(book, measure_count_state, counts);
	metric_set(METRIC_PAGERS_PAUSED, counts[0]);
	metric_set(METRIC_PAGERS_FAILING, counts[1]);
	metric_set(METRIC_PAGERS_WORKING, counts[2]);
}
