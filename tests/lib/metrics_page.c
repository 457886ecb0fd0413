/* Prints the metrics as OpenMetrics, with an exemplar that is known: for Prometheus to read. */
#include <stdio.h>

#include "tracepager/limits.h"
#include "tracepager/metrics.h"

int main(void)
{
	const char *const names[] = { "quote \" and \\ and\nline" };
	struct buf text = BUF_INIT(LIMIT_METRICS_TEXT_BYTES);

	metric_names_set(METRIC_BY_SOURCE, names, 1);
	struct metric_series *source = metric_series(METRIC_BY_SOURCE, names[0]);
	metric_series_add(source, NAMED_SOURCE_FOUND, 7);
	metric_series_observe_us_traced(source, NAMED_SOURCE_TIME, 120000,
					"0123456789abcdef0123456789abcdef", NULL);
	metric_observe_us_traced(METRIC_DELIVER_TIME, 30000, "4bf92f3577b34da6a3ce929d0e0e4736",
				 "00f067aa0ba902b7");
	metrics_write(&text, METRICS_OPENMETRICS);
	fputs(buf_text(&text), stdout);
	buf_fini(&text);
	return 0;
}
