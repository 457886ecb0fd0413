/* The text of all metrics: Prometheus' text format 0.0.4, and OpenMetrics 1.0. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "metrics-internal.h"
#include "tracepager/limits.h"

struct metrics_writer {
	struct buf *out;
	enum metrics_format format;
};

static bool name_ends(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len > end_len && strcmp(name + len - end_len, end) == 0;
}

/* ---- texts ---- */

static void write_escaped(struct buf *out, const char *text, bool quotes)
{
	for (; *text; text++)
		if (*text == '\n')
			buf_puts(out, "\\n");
		else if (*text == '\\' || (quotes && *text == '"'))
			buf_printf(out, "\\%c", *text);
		else
			buf_putc(out, *text);
}

/* OpenMetrics names a counter without the ending of its sample. */
static void metrics_write_head(const struct metrics_writer *writer, const struct metric_row *row)
{
	static const char *const kinds[] = { "counter", "gauge", "histogram", "gauge" };
	const bool open = writer->format == METRICS_OPENMETRICS;
	int len = (int)strlen(row->name);

	if (open && row->kind == METRIC_COUNTER)
		len -= (int)strlen("_total");
	buf_printf(writer->out, "# HELP %.*s ", len, row->name);
	write_escaped(writer->out, row->help, open);
	buf_printf(writer->out, "\n# TYPE %.*s %s\n", len, row->name, kinds[row->kind]);
}

/* The labels of a sample: name and value where there is a name; those of the row; the bound where
 * there is one. */
struct sample_labels {
	const char *name, *value;
	const char *fixed;
	const char *bound;
};

static void write_labels(struct buf *out, const struct sample_labels *labels)
{
	const char *before = "{";

	if (labels->name) {
		buf_printf(out, "%s%s=\"", before, labels->name);
		write_escaped(out, labels->value, true);
		buf_putc(out, '"');
		before = ",";
	}
	if (*labels->fixed) {
		buf_printf(out, "%s%s", before, labels->fixed);
		before = ",";
	}
	if (labels->bound) {
		buf_printf(out, "%sle=\"%s\"", before, labels->bound);
		before = ",";
	}
	if (*before == ',')
		buf_putc(out, '}');
}

/* ---- samples ---- */

static void write_value(struct buf *out, const struct metric_row *row, int64_t value)
{
	if (name_ends(row->name, "_seconds") || name_ends(row->name, "_seconds_total"))
		buf_printf(out, " %.6f\n", (double)value / 1e6);
	else
		buf_printf(out, " %" PRId64 "\n", value);
}

static void write_exemplar(struct buf *out, const struct metric_exemplar *exemplar)
{
	buf_printf(out, " # {trace_id=\"%s\"", exemplar->trace_id);
	if (*exemplar->span_id)
		buf_printf(out, ",span_id=\"%s\"", exemplar->span_id);
	buf_printf(out, "} %.6f %.3f", (double)exemplar->value_us / 1e6,
		   (double)exemplar->at_us / 1e6);
}

/* Prometheus' text has always said 1; OpenMetrics wants 1.0. */
static void print_bound(char out[32], int64_t us, enum metrics_format format)
{
	const bool whole = us % US_PER_SECOND == 0 && format == METRICS_OPENMETRICS;

	snprintf(out, 32, whole ? "%g.0" : "%g", (double)us / 1e6);
}

static void write_histogram(const struct metrics_writer *writer, const struct metric_row *row,
			    struct sample_labels labels, const struct metric_histogram *histogram,
			    const struct metric_bounds *bounds)
{
	struct buf *out = writer->out;
	struct metric_exemplar exemplar;
	int64_t count = 0;
	char bound[32];

	for (size_t i = 0; i <= bounds->n; i++) {
		if (i < bounds->n) {
			print_bound(bound, bounds->us[i], writer->format);
			count += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
		} else {
			/* Read after the buckets, so that the count is never smaller than their
			 * sum. */
			snprintf(bound, sizeof(bound), "+Inf");
			count = atomic_load_explicit(&histogram->count, memory_order_relaxed);
		}
		labels.bound = bound;
		buf_printf(out, "%s_bucket", row->name);
		write_labels(out, &labels);
		buf_printf(out, " %" PRId64, count);
		if (writer->format == METRICS_OPENMETRICS &&
		    metric_histogram_exemplar(histogram, i, &exemplar))
			write_exemplar(out, &exemplar);
		buf_putc(out, '\n');
	}
	labels.bound = NULL;
	buf_printf(out, "%s_sum", row->name);
	write_labels(out, &labels);
	buf_printf(out, " %.6f\n%s_count",
		   (double)atomic_load_explicit(&histogram->sum_us, memory_order_relaxed) / 1e6,
		   row->name);
	write_labels(out, &labels);
	buf_printf(out, " %" PRId64 "\n", count);
}

static void write_info(const struct metrics_writer *writer, enum metric metric)
{
	const struct metric_row *row = &metric_rows[metric];
	char hash[80];

	metric_info_hash(metric, hash, sizeof(hash));
	if (*hash)
		buf_printf(writer->out, "%s{%s%shash=\"%s\"} 1\n", row->name, row->labels,
			   *row->labels ? "," : "", hash);
}

static void write_metric(const struct metrics_writer *writer, enum metric metric)
{
	const struct metric_row *row = &metric_rows[metric];
	const struct sample_labels labels = { .fixed = row->labels };

	if (row->kind == METRIC_HISTOGRAM) {
		write_histogram(writer, row, labels, metric_histogram_of(metric),
				&metric_bounds_fine);
	} else if (row->kind == METRIC_INFO) {
		write_info(writer, metric);
	} else {
		buf_puts(writer->out, row->name);
		write_labels(writer->out, &labels);
		write_value(writer->out, row, metric_value(metric));
	}
}

/* ---- metrics by name ---- */

/* Rows of one name: first, and those behind it. */
struct family_writer {
	const struct metrics_writer *writer;
	size_t first, end;
	bool begun;
};

/* "other" has no gauges. Its counters are shown from the start, since rules on increase() miss what
 * a series begins with; the many lines of its histograms are not, before they have counted. */
static bool shows_metric(const struct metric_series *series, enum named_metric metric)
{
	const enum metric_kind kind = named_metric_rows[metric].row.kind;

	return !metric_series_is_other(series) || kind == METRIC_COUNTER ||
	       (kind == METRIC_HISTOGRAM && metric_series_value(series, metric));
}

static void family_on_series(void *ctx, const char *name, struct metric_series *series)
{
	struct family_writer *family = ctx;
	const struct metrics_writer *writer = family->writer;
	const struct named_metric_row *first = &named_metric_rows[family->first];
	struct sample_labels labels = { .name = metric_label_names[first->label], .value = name };

	if (!shows_metric(series, (enum named_metric)family->first))
		return;
	if (!family->begun)
		metrics_write_head(writer, &first->row);
	family->begun = true;
	for (size_t i = family->first; i < family->end; i++) {
		const struct metric_row *row = &named_metric_rows[i].row;
		labels.fixed = row->labels;
		if (row->kind == METRIC_HISTOGRAM) {
			write_histogram(writer, row, labels,
					metric_series_histogram(series, (enum named_metric)i),
					&metric_bounds_network);
			continue;
		}
		buf_puts(writer->out, row->name);
		write_labels(writer->out, &labels);
		write_value(writer->out, row, metric_series_value(series, (enum named_metric)i));
	}
}

static void write_named(const struct metrics_writer *writer)
{
	for (size_t i = 0; i < NAMED_METRIC_COUNT;) {
		struct family_writer family = { .writer = writer, .first = i };
		const char *name = named_metric_rows[i].row.name;
		while (i < NAMED_METRIC_COUNT && strcmp(named_metric_rows[i].row.name, name) == 0)
			i++;
		family.end = i;
		metric_series_each(named_metric_rows[family.first].label, family_on_series,
				   &family);
	}
}

void metrics_write(struct buf *out, enum metrics_format format)
{
	const struct metrics_writer writer = { .out = out, .format = format };

	for (int i = 0; i < METRIC_COUNT; i++) {
		if (i == 0 || strcmp(metric_rows[i - 1].name, metric_rows[i].name) != 0)
			metrics_write_head(&writer, &metric_rows[i]);
		write_metric(&writer, (enum metric)i);
	}
	write_named(&writer);
	if (format == METRICS_OPENMETRICS)
		buf_puts(out, "# EOF\n");
}
