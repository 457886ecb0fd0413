/*
 * tracepager map: which service calls which, as the traces of the stored decisions show it, with
 * the owners that the rules name. It reads the store beside a running daemon and pages nobody.
 */
#include "map-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit-internal.h"
#include "commands-internal.h"
#include "output-internal.h"
#include "usage-internal.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/terminal.h"
#include "tracepager/xalloc.h"

#define FIGURE_BYTES 64

/* ---- text ---- */

/* Failed calls first, then the most calls, then by name. */
static int order_map_edges(const void *a, const void *b)
{
	const struct service_edge *x = *(const struct service_edge *const *)a,
				  *y = *(const struct service_edge *const *)b;

	if (x->nfailed != y->nfailed)
		return x->nfailed < y->nfailed ? 1 : -1;
	if (x->ncalls != y->ncalls)
		return x->ncalls < y->ncalls ? 1 : -1;
	return (x > y) - (x < y);
}

static void add_map_row(struct table *table, const struct service_map_view *view,
			const struct service_edge *edge)
{
	const struct service_node *from = &view->nodes[edge->from], *to = &view->nodes[edge->to];
	char text[FIGURE_BYTES], time[PLAIN_DURATION_SIZE];

	table_add(table, SCREEN_PLAIN, from->name);
	table_add(table, SCREEN_PLAIN, to->name);
	snprintf(text, sizeof(text), "%lld", (long long)edge->ncalls);
	table_add(table, SCREEN_PLAIN, text);
	snprintf(text, sizeof(text), "%lld", (long long)edge->nfailed);
	table_add(table, edge->nfailed ? SCREEN_RED : SCREEN_PLAIN, text);
	table_add(table, SCREEN_PLAIN, plain_duration(edge->p50_us, time));
	table_add(table, SCREEN_PLAIN, plain_duration(edge->p95_us, time));
	snprintf(text, sizeof(text), "%.40s%s", to->team ? to->team : "no rule",
		 from->named ? "" : "; caller: no rule");
	table_add(table, service_edge_unnamed(view, edge) ? SCREEN_YELLOW : SCREEN_PLAIN, text);
}

static void add_map_basis(const struct service_map_view *view, const struct past_map_basis *basis,
			  struct buf *out)
{
	char since[PAST_TIME_SIZE];

	output_add_count(out, "", (size_t)view->ncalls, "call", "calls");
	output_add_count(out, " in ", (size_t)view->ntraces, "trace", "traces");
	output_add_count(out, " of ", (size_t)basis->ndecisions, "decision", "decisions");
	buf_printf(out, " since %s (UTC)", past_time_text(basis->since_us, since));
	if (basis->untraced)
		output_add_count(out, "; no trace is stored of ", (size_t)basis->untraced,
				 "decision", "decisions");
	if (basis->in_part)
		output_add_count(out, "; large traces are stored in part of ",
				 (size_t)basis->in_part, "decision", "decisions");
	if (view->unnamed)
		output_add_count(out,
				 "; left out without a name of one end: ", (size_t)view->unnamed,
				 "call", "calls");
	buf_puts(out, ".\n");
}

void map_write_text(const struct service_map_view *view, const struct past_map_basis *basis,
		    const struct screen *screen, struct buf *out)
{
	static const struct table_column columns[] = { { "CALLER", 32 }, { "CALLEE", 32 },
						       { "CALLS", 10 },	 { "FAILED", 10 },
						       { "P50", 12 },	 { "P95", 12 },
						       { "OWNER", 0 } };
	CLEANUP_FREE const struct service_edge **rows = xcalloc(view->nedges + 1, sizeof(*rows));
	struct table table;

	add_map_basis(view, basis, out);
	for (size_t i = 0; i < view->nedges; i++)
		rows[i] = &view->edges[i];
	qsort(rows, view->nedges, sizeof(*rows), order_map_edges);
	table_init(&table, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < view->nedges; i++)
		add_map_row(&table, view, rows[i]);
	if (view->nedges) {
		buf_putc(out, '\n');
		table_write(&table, screen, out);
	}
	table_fini(&table);
}

/* ---- the command ---- */

struct map_run {
	struct map_options options;
	struct history *history;
	struct ruleset *rules;
	struct past_map map;
	struct map *known; /* what the catalogue has: map_catalogue_read() */
	struct arena *arena;
};

static int read_map(struct map_run *run, struct err *err)
{
	int result;

	while ((result = past_map_step(&run->map, run->history, err)) > 0)
		;
	return result;
}

static void print_map(const struct map_run *run)
{
	const struct map_options *options = &run->options;
	const struct service_map_part part = { .team = options->team,
					       .service = options->service,
					       .depth = (unsigned int)options->depth,
					       .errors = options->errors,
					       .unnamed = options->undocumented };
	struct service_map_view all, view;
	struct screen screen;
	struct buf out = BUF_INIT(LIMIT_MAP_TEXT_BYTES);

	past_map_read(&run->map, run->arena, run->rules, &all);
	service_map_select(&all, &part, run->arena, &view);
	switch (options->format) {
	case MAP_TEXT:
		screen_look(&screen);
		map_write_text(&view, &run->map.basis, &screen, &out);
		screen_print(&screen, &out);
		break;
	case MAP_JSON:
		past_map_write_json(&view, &run->map.basis, &out);
		buf_putc(&out, '\n');
		break;
	case MAP_DOT:
		map_write_dot(&view, &out);
		break;
	case MAP_MERMAID:
		map_write_mermaid(&view, &out);
		break;
	case MAP_BACKSTAGE:
		map_write_backstage(&view, run->known, &out);
		break;
	}
	if (options->format != MAP_TEXT)
		output_print(&out);
	buf_fini(&out);
	if (all.left_out)
		fputs("more calls were seen than are counted; some are left out\n", stderr);
	if (run->map.basis.unreadable)
		fprintf(stderr, "the traces of %lld decisions could not be read\n",
			(long long)run->map.basis.unreadable);
}

static int run_map(struct map_run *run)
{
	struct err err = { 0 };
	const bool colour = terminal_has_colour(STDERR_FILENO);

	if (history_open(run->options.store, &run->history, &err) < 0)
		return command_failed(STATUS_USAGE, "map", "%s", err.text);
	run->rules = run->options.rules ? output_load_rules(&run->options.rules, 1, colour)
					: audit_stored_rules(run->history, &err);
	if (!run->rules)
		return command_failed(STATUS_USAGE, "map", "%s",
				      run->options.rules ? "the rules have errors" : err.text);
	for (size_t i = 0; i < run->options.catalogue.n; i++)
		if (map_catalogue_read(run->options.catalogue.at[i], run->known, &err) < 0)
			return command_failed(STATUS_USAGE, "map", "%s", err.text);
	if (read_map(run, &err) < 0)
		return command_failed(STATUS_USAGE, "map", "%s", err.text);
	print_map(run);
	return 0;
}

int cmd_map(int argc, char **argv)
{
	struct map_run run = { .history = NULL };
	int status;

	if (!options_parse_map(argc, argv, &run.options, &status))
		return status;
	run.arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	run.known = map_new();
	past_map_init(&run.map, run.options.since_us);
	status = run_map(&run);
	past_map_fini(&run.map);
	map_free(run.known);
	history_close(run.history);
	rules_unref(run.rules);
	arena_free(run.arena);
	return status;
}
