/* Top, figures: what /metrics says, in Prometheus' text format. See top-internal.h. */
#include "top-internal.h"

#include <stdlib.h>
#include <string.h>

#include "tracepager/clock.h"
#include "tracepager/limits.h"

/* Is the line a sample of that name, with that text in its labels? Then *ret_value is its value. */
static bool sample_read(const char *line, size_t len, const char *name, const char *labels,
			double *ret_value)
{
	size_t name_len = strlen(name), labels_len = 0;
	const char *at = line + name_len;

	if (len <= name_len || memcmp(line, name, name_len) != 0)
		return false;
	if (*at == '{') {
		const char *end = memchr(at, '}', len - name_len);
		if (!end)
			return false;
		labels_len = (size_t)(end - at);
	} else if (*at != ' ') {
		return false;
	}
	if (*labels && !memmem(at, labels_len, labels, strlen(labels)))
		return false;
	at += labels_len ? labels_len + 1 : 0;
	if (at >= line + len)
		return false;
	*ret_value = strtod(at, NULL);
	return true;
}

double metrics_sum(const char *metrics, const char *name, const char *labels)
{
	double sum = 0, value;

	for (const char *line = metrics; *line;) {
		size_t len = strcspn(line, "\n");
		if (sample_read(line, len, name, labels, &value))
			sum += value;
		line += len + (line[len] == '\n');
	}
	return sum;
}

/* ---- the rate of alerts ---- */

static void rate_forget(struct top_rate *rate, size_t n)
{
	rate->n -= n;
	memmove(rate->samples, rate->samples + n, rate->n * sizeof(rate->samples[0]));
}

void top_rate_add(struct top_rate *rate, int64_t at_us, double alerts)
{
	if (rate->n && alerts < rate->samples[rate->n - 1].alerts)
		rate->n = 0;
	while (rate->n && at_us - rate->samples[0].at_us > US_PER_MINUTE)
		rate_forget(rate, 1);
	if (rate->n == TOP_SAMPLES)
		rate_forget(rate, 1);
	rate->samples[rate->n].at_us = at_us;
	rate->samples[rate->n++].alerts = alerts;
}

double top_rate_of_minute(const struct top_rate *rate)
{
	if (rate->n < 2)
		return -1;
	int64_t us = rate->samples[rate->n - 1].at_us - rate->samples[0].at_us;
	double alerts = rate->samples[rate->n - 1].alerts - rate->samples[0].alerts;

	return us > 0 ? alerts * (double)US_PER_MINUTE / (double)us : -1;
}
