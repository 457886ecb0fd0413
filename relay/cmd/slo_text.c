/*
 * SLO, text: a proposal for people. For each signal a table of what it and the calls below it
 * provide today, as a tree, then the objectives, each with its reason.
 */
#include <stdio.h>
#include <string.h>

#include "slo-internal.h"
#include "tracepager/past.h"
#include "tracepager/plain.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define CELL_BYTES     64
#define NAME_COLUMNS   40
#define TREE_LEVELS    12 /* deeper ones are drawn as this one */
#define REASON_COLUMNS 6

/* "40 %", "0.4 %". */
static const char *share_cell(double share, char out[CELL_BYTES])
{
	snprintf(out, CELL_BYTES, "%.*f %%", share > 0 && share < 0.1 ? 1 : 0, 100 * share);
	return out;
}

static const char *failed_cell(const struct slo_figures *figures, char out[CELL_BYTES])
{
	if (!figures->judged)
		return "?";
	if (!figures->failed)
		return "0";
	snprintf(out, CELL_BYTES, "%.2f %%", 100.0 * figures->failed / figures->judged);
	return out;
}

/* ---- the table ---- */

static void add_figure_cells(struct table *table, const struct slo_figures *figures, double share)
{
	const struct slo_succeeded *succeeded = &figures->succeeded;
	const int64_t times[] = { succeeded->p50_us, succeeded->p90_us, succeeded->p99_us };
	char text[CELL_BYTES], time[PLAIN_DURATION_SIZE];

	snprintf(text, sizeof(text), "%u", figures->samples);
	table_add(table, SCREEN_PLAIN, text);
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		table_add(table, SCREEN_PLAIN,
			  succeeded->samples ? plain_duration(times[i], time) : "-");
	table_add(table, figures->failed ? SCREEN_RED : SCREEN_PLAIN, failed_cell(figures, text));
	table_add(table, SCREEN_PLAIN, share_cell(share, text));
}

/* Is there a later edge of the same caller? */
static bool has_sibling_below(const struct slo_signal *signal, uint32_t i)
{
	for (uint32_t k = i + 1; k < signal->nedges; k++) {
		if (signal->edges[k].depth < signal->edges[i].depth)
			return false;
		if (signal->edges[k].above == signal->edges[i].above)
			return true;
	}
	return false;
}

/* "│ └ " before the name of an edge. */
static void add_branch(const struct slo_signal *signal, uint32_t i, struct buf *out)
{
	const unsigned int depth = signal->edges[i].depth;
	bool goes_on[TREE_LEVELS] = { false };
	unsigned int level = depth < TREE_LEVELS ? depth : TREE_LEVELS - 1;
	uint32_t at = i;

	for (unsigned int k = level + 1; k-- > 0 && at != TRACE_NONE; at = signal->edges[at].above)
		goes_on[k] = has_sibling_below(signal, at);
	for (unsigned int k = 0; k < level; k++)
		/* A table makes one blank of several. */
		buf_puts(out, goes_on[k] ? "│ " : "· ");
	buf_puts(out, goes_on[level] ? "├ " : "└ ");
}

static void add_edge_name(const struct slo_edge *edge, struct buf *out)
{
	plain_add(out, edge->callee, NAME_COLUMNS);
	buf_puts(out, ": ");
	plain_add(out, edge->operation, NAME_COLUMNS);
	if (edge->message)
		buf_puts(out, " (message)");
}

static bool has_failed_samples(const struct slo_signal *signal)
{
	bool found = signal->figures.succeeded.samples < signal->figures.samples;

	for (uint32_t i = 0; i < signal->nedges && !found; i++)
		found = signal->edges[i].figures.succeeded.samples <
			signal->edges[i].figures.samples;
	return found;
}

static void add_slo_table(const struct slo_signal *signal, const struct screen *screen,
			  struct buf *out)
{
	static const struct table_column columns[] = { { "CALLS", 8 },	{ "P50", 10 },
						       { "P90", 10 },	{ "P99", 10 },
						       { "FAILED", 9 }, { "SHARE", 8 },
						       { "CALL", 0 } };
	struct table table;

	table_init(&table, columns, ARRAY_LEN(columns));
	add_figure_cells(&table, &signal->figures, signal->own_share);
	table_add(&table, SCREEN_BOLD, "the request itself");
	for (uint32_t i = 0; i < signal->nedges; i++) {
		BUF_LOCAL(name, 8 * LIMIT_SLO_NAME_BYTES);
		add_branch(signal, i, &name);
		add_edge_name(&signal->edges[i], &name);
		add_figure_cells(&table, &signal->edges[i].figures, signal->edges[i].share);
		table_add(&table, SCREEN_PLAIN, buf_text(&name));
		buf_fini(&name);
	}
	table_write(&table, screen, out);
	if (has_failed_samples(signal))
		buf_puts(out, "P50, P90 and P99 are of the calls that succeeded.\n");
	table_fini(&table);
}

/* ---- the objectives ---- */

static enum screen_style goal_style(enum slo_basis basis)
{
	return basis == SLO_NONE ? SCREEN_DIM : basis == SLO_SHORT ? SCREEN_YELLOW : SCREEN_GREEN;
}

/* what: "latency", "availability". */
static const char *goal_words(const struct slo_goal *goal, const char *what, char out[CELL_BYTES])
{
	char time[PLAIN_DURATION_SIZE];

	if (goal->basis == SLO_NONE)
		snprintf(out, CELL_BYTES, "no %s", what);
	else if (goal->within_us)
		snprintf(out, CELL_BYTES, "%g %% within %s", 100 * goal->target,
			 plain_duration(goal->within_us, time));
	else
		snprintf(out, CELL_BYTES, "%g %% succeed", 100 * goal->target);
	return out;
}

/* "  99 % within 250 ms: 400 of 400 are within it, which …" */
static void add_goal(const struct slo_goal *goal, const char *what, const struct screen *screen,
		     struct buf *out)
{
	char words[CELL_BYTES];

	goal_words(goal, what, words);
	buf_puts(out, "    ");
	screen_add(screen, goal_style(goal->basis), words, out);
	CLEANUP_FREE char *text = xasprintf(": %s", goal->text);
	screen_add_wrapped(screen, SCREEN_PLAIN, text, 4 + strlen(words), REASON_COLUMNS, out);
}

static void add_goals(const struct slo_figures *figures, const struct screen *screen,
		      struct buf *out)
{
	add_goal(&figures->latency, "latency", screen, out);
	add_goal(&figures->availability, "availability", screen, out);
}

static void add_objectives(const struct slo_signal *signal, const struct screen *screen,
			   struct buf *out)
{
	buf_puts(out, "\nObjectives\n  the request itself\n");
	add_goals(&signal->figures, screen, out);
	for (uint32_t i = 0; i < signal->nedges; i++) {
		buf_puts(out, "  ");
		plain_add(out, signal->edges[i].caller, NAME_COLUMNS);
		buf_puts(out, " → ");
		add_edge_name(&signal->edges[i], out);
		buf_putc(out, '\n');
		add_goals(&signal->edges[i].figures, screen, out);
	}
}

/* ---- a signal ---- */

static void add_slo_example(const char *before, const struct slo_example *example, struct buf *out)
{
	char time[PLAIN_DURATION_SIZE];

	buf_puts(out, before);
	plain_add(out, example->trace_id, LIMIT_EVIDENCE_ID_BYTES);
	buf_printf(out, " (%s)", plain_duration(example->us, time));
}

static void add_slo_signal(const struct slo_signal *signal, const struct screen *screen,
			   struct buf *out)
{
	const struct slo_figures *figures = &signal->figures;
	char from[PAST_TIME_SIZE], to[PAST_TIME_SIZE];

	BUF_LOCAL(title, 8 * LIMIT_SLO_NAME_BYTES);
	if (signal->name) {
		plain_add(&title, signal->name, NAME_COLUMNS);
		buf_puts(&title, ": ");
	}
	plain_add(&title, signal->service, NAME_COLUMNS);
	buf_putc(&title, ' ');
	plain_add(&title, signal->operation, NAME_COLUMNS);
	screen_add(screen, SCREEN_BOLD, buf_text(&title), out);
	buf_fini(&title);
	buf_printf(out, "\n%u request%s from %s to %s (UTC)\n", figures->samples,
		   figures->samples == 1 ? "" : "s", past_time_text(signal->from_us, from),
		   past_time_text(signal->to_us, to));
	add_slo_example("Traces: fastest ", &figures->fastest, out);
	add_slo_example(",\n  median ", &figures->median, out);
	add_slo_example(",\n  slowest ", &figures->slowest, out);
	buf_puts(out, "\n\n");
	add_slo_table(signal, screen, out);
	add_objectives(signal, screen, out);
}

void slo_write_text(const struct slo_proposal *proposal, const struct screen *screen,
		    struct buf *out)
{
	for (uint32_t i = 0; i < proposal->nsignals; i++) {
		buf_puts(out, i ? "\n" : "");
		add_slo_signal(&proposal->signals[i], screen, out);
	}
}
