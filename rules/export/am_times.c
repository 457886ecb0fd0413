/* Time intervals, as Alertmanager writes them: ours are the same, under the same names. */
#include "export-internal.h"

static const char *const weekdays[] = { "sunday",   "monday", "tuesday", "wednesday",
					"thursday", "friday", "saturday" };
static const char *const months[] = { "january",   "february", "march",	   "april",
				      "may",	   "june",     "july",	   "august",
				      "september", "october",  "november", "december" };

static void write_time_value(struct buf *out, const char *const *names, int first, int value)
{
	if (names)
		buf_puts(out, names[value - first]);
	else
		buf_printf(out, "%d", value);
}

/* names: of the values from `first` on; NULL: they are numbers. */
static void write_time_ranges(struct buf *out, const char *member,
			      const struct interval_ranges *ranges, const char *const *names,
			      int first)
{
	if (!ranges->n)
		return;
	buf_printf(out, "        %s: [", member);
	for (size_t i = 0; i < ranges->n; i++) {
		buf_puts(out, i ? ", '" : "'");
		write_time_value(out, names, first, ranges->at[i].first);
		if (ranges->at[i].last != ranges->at[i].first) {
			buf_putc(out, ':');
			write_time_value(out, names, first, ranges->at[i].last);
		}
		buf_putc(out, '\'');
	}
	buf_puts(out, "]\n");
}

static void write_time_interval(struct buf *out, const struct time_interval *interval)
{
	const size_t start = out->len;

	if (interval->times.n)
		buf_puts(out, "        times:\n");
	for (size_t i = 0; i < interval->times.n; i++) {
		const struct interval_range *at = &interval->times.at[i];
		buf_printf(out, "          - {start_time: '%02d:%02d', end_time: '%02d:%02d'}\n",
			   at->first / 60, at->first % 60, at->last / 60, at->last % 60);
	}
	write_time_ranges(out, "weekdays", &interval->weekdays, weekdays, 0);
	write_time_ranges(out, "days_of_month", &interval->days_of_month, NULL, 0);
	write_time_ranges(out, "months", &interval->months, months, 1);
	write_time_ranges(out, "years", &interval->years, NULL, 0);
	if (interval->location) {
		buf_puts(out, "        location: ");
		export_scalar(out, interval->location);
		buf_putc(out, '\n');
	}
	if (!out->failed && out->len > start)
		out->data[start + 6] = '-';
}

void am_write_times(struct exported *exported, const bool *used, struct buf *out)
{
	const struct ruleset *rules = exported->rules;
	bool any = false;

	for (size_t i = 0; i < rules->ntimes; i++) {
		if (!used[i])
			continue;
		buf_puts(out, any ? "" : "\ntime_intervals:\n");
		any = true;
		buf_puts(out, "  # ");
		ytext_show(out, rules->times[i].place);
		buf_puts(out, "\n  - name: ");
		export_scalar(out, rules->times[i].name);
		buf_puts(out, "\n    time_intervals:\n");
		for (size_t k = 0; k < rules->times[i].n; k++)
			write_time_interval(out, &rules->times[i].at[k]);
	}
}
