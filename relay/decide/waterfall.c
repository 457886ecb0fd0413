/*
 * Waterfall: chooses rows, puts them into the order of the tree, draws them. Pure; owns nothing;
 * reads the walk and its trace. Visits the path and the children of the path's spans, never the
 * whole tree of a large trace.
 *
 * Clocks of two hosts differ, so that a span of another host can lie hours away from its parent.
 * The first row and the longest row bound the picture; a span outside it is drawn as an arrow at
 * the edge.
 */
#include "tracepager/waterfall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/cells.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

#define NO_SPAN		 TRACE_NONE
#define DURATION_COLUMNS 8
#define INDENT_MAX	 10
/* A span beside the path is long if it lasts a tenth of the path's first span. */
#define LONG_PART      10
#define SERVICES_SHOWN 5
#define SHARE_COLUMNS  6 /* " 100 %" */

#define COLOUR_FAILED "\033[1;31m"
#define COLOUR_SLOW   "\033[1;33m"
#define COLOUR_DIM    "\033[2m"
#define COLOUR_OFF    "\033[0m"

/* A child of a path's span that is shown beside it. */
struct beside {
	uint32_t span, at; /* at: its parent's position in the path */
	bool failing, critical;
};

struct row {
	uint32_t span; /* NO_SPAN: here `cut` spans of the path are left out */
	uint32_t depth, cut;
	bool on_path, critical;
};

struct waterfall {
	const struct waterfall_options *options;
	const struct trace *trace;
	const uint32_t *path;
	uint32_t npath;
	bool *critical; /* by span: is it on the critical path? NULL: none is */
	bool is_path;	/* false: no suspect was found, path is the signal span alone */
	struct beside beside[WATERFALL_LINES_MAX];
	uint32_t nbeside;
	struct row rows[WATERFALL_LINES_MAX];
	uint32_t nrows;
	uint32_t columns, name_columns, bar_columns, indent_max;
	double from_us, until_us;
};

static const struct span *span_at(const struct waterfall *w, uint32_t index)
{
	return &w->trace->spans[index];
}

static bool begins_before(const struct span *a, const struct span *b)
{
	return a->start_us < b->start_us || (a->start_us == b->start_us && a < b);
}

static bool is_critical(const struct waterfall *w, uint32_t span)
{
	return w->critical && w->critical[span];
}

static void mark_critical(struct waterfall *w)
{
	if (!w->options->nown)
		return;
	w->critical = xcalloc(w->trace->nspans, sizeof(*w->critical));
	for (uint32_t i = 0; i < w->options->nown; i++)
		w->critical[w->options->own[i].span] = true;
}

/* Failing spans matter most, then critical ones, then the longest. */
static bool matters_more(const struct waterfall *w, const struct beside *a, const struct beside *b)
{
	if (a->failing != b->failing)
		return a->failing;
	if (a->critical != b->critical)
		return a->critical;
	return span_at(w, a->span)->duration_us > span_at(w, b->span)->duration_us;
}

/* Keep the candidate if it is worth a row and among the `room` that matter most; best first. */
static void keep_beside(struct waterfall *w, uint32_t room, struct beside candidate)
{
	uint32_t i = w->nbeside;

	if (!candidate.failing && !candidate.critical &&
	    span_at(w, candidate.span)->duration_us <
		    span_at(w, w->path[0])->duration_us / LONG_PART)
		return;
	if (i == room) {
		if (!room || !matters_more(w, &candidate, &w->beside[i - 1]))
			return;
		i--;
	} else {
		w->nbeside++;
	}
	for (; i && matters_more(w, &candidate, &w->beside[i - 1]); i--)
		w->beside[i] = w->beside[i - 1];
	w->beside[i] = candidate;
}

static void choose_beside(struct waterfall *w, uint32_t room)
{
	for (uint32_t at = 0; at < w->npath; at++) {
		uint32_t next = at + 1 < w->npath ? w->path[at + 1] : NO_SPAN;
		uint32_t child = span_at(w, w->path[at])->first_child;

		for (; child != TRACE_NONE; child = span_at(w, child)->next_sibling)
			if (child != next)
				keep_beside(w, room,
					    (struct beside){
						    child, at,
						    span_failing(w->trace, span_at(w, child), true),
						    is_critical(w, child) });
	}
	/* Sort by the parent's position, then by start. */
	for (uint32_t i = 1; i < w->nbeside; i++) {
		struct beside moving = w->beside[i];
		uint32_t j = i;
		for (; j; j--) {
			const struct beside *before = &w->beside[j - 1];
			if (before->at < moving.at ||
			    (before->at == moving.at &&
			     begins_before(span_at(w, before->span), span_at(w, moving.span))))
				break;
			w->beside[j] = *before;
		}
		w->beside[j] = moving;
	}
}

static void add_row(struct waterfall *w, uint32_t span, uint32_t depth, bool on_path)
{
	w->rows[w->nrows++] = (struct row){
		.span = span,
		.depth = depth,
		.on_path = on_path && w->is_path,
		.critical = span != NO_SPAN && is_critical(w, span),
	};
}

/* Add rows for the children of path[at] beside the path that begin before path[at + 1] (before), or
 * after it. */
static void add_beside(struct waterfall *w, uint32_t at, bool before)
{
	for (uint32_t i = 0; i < w->nbeside; i++) {
		const struct beside *beside = &w->beside[i];
		if (beside->at != at)
			continue;
		bool is_before = at + 1 == w->npath || begins_before(span_at(w, beside->span),
								     span_at(w, w->path[at + 1]));
		if (is_before == before)
			add_row(w, beside->span, at + 1, false);
	}
}

static void lay_out(struct waterfall *w, uint32_t lines)
{
	if (w->npath > lines) {
		/* Two thirds of the rows go to the end of the path, where the failure starts. */
		uint32_t head = lines / 3, tail = lines - 1 - head;
		for (uint32_t i = 0; i < head; i++)
			add_row(w, w->path[i], i, true);
		add_row(w, NO_SPAN, head, true);
		w->rows[head].cut = w->npath - head - tail;
		for (uint32_t i = w->npath - tail; i < w->npath; i++)
			add_row(w, w->path[i], i, true);
		return;
	}
	choose_beside(w, lines - w->npath);
	for (uint32_t i = 0; i < w->npath; i++) {
		add_row(w, w->path[i], i, true);
		add_beside(w, i, true);
	}
	for (uint32_t i = w->npath; i-- > 0;)
		add_beside(w, i, false);
}

/* The row of a span; nrows: it has none. */
static uint32_t find_row(const struct waterfall *w, uint32_t span)
{
	uint32_t i = 0;

	while (i < w->nrows && w->rows[i].span != span)
		i++;
	return i;
}

/* Exactly one span has no row: add a row for it, as a line that counts it takes as much room. It
 * goes above the path if it is the parent of the path's first span, else below its parent, else (a
 * root) to the end. */
static void add_left_out(struct waterfall *w)
{
	uint32_t span = 0, end = w->nrows;

	while (find_row(w, span) < end)
		span++;
	uint32_t parent = span_at(w, span)->parent;
	uint32_t above = parent == TRACE_NONE ? end : find_row(w, parent);
	uint32_t at = above < end ? above + 1 : end;
	if (span_at(w, w->path[0])->parent == span) {
		at = 0;
		for (uint32_t i = 0; i < end; i++)
			w->rows[i].depth++;
	}
	add_row(w, span, above < end ? w->rows[above].depth + 1 : 0, false);
	struct row row = w->rows[end];
	for (uint32_t i = end; i > at; i--)
		w->rows[i] = w->rows[i - 1];
	w->rows[at] = row;
}

/* The picture's time: from the earliest start to the last end of the rows, but at most the longest
 * row's duration after the end of the first row, and a quarter of it before its start. */
static void choose_times(struct waterfall *w)
{
	double longest = 0, start, end;

	for (uint32_t i = 0; i < w->nrows; i++)
		if (w->rows[i].span != NO_SPAN &&
		    (double)span_at(w, w->rows[i].span)->duration_us > longest)
			longest = (double)span_at(w, w->rows[i].span)->duration_us;
	const struct span *first = span_at(w, w->rows[0].span);
	const double least = (double)first->start_us - longest / 4;
	const double most = (double)first->start_us + (double)first->duration_us + longest;
	w->from_us = (double)first->start_us;
	w->until_us = w->from_us + (double)first->duration_us;
	for (uint32_t i = 1; i < w->nrows; i++) {
		if (w->rows[i].span == NO_SPAN)
			continue;
		start = (double)span_at(w, w->rows[i].span)->start_us;
		end = start + (double)span_at(w, w->rows[i].span)->duration_us;
		if (end < least || start > most)
			continue;
		if (start < w->from_us)
			w->from_us = start > least ? start : least;
		if (end > w->until_us)
			w->until_us = end < most ? end : most;
	}
}

static double clamp_time(double value, double least, double most)
{
	return value < least ? least : value > most ? most : value;
}

/* The filled cells of a bar, at least one. A span outside the picture has the cell at its edge,
 * drawn as an arrow. */
struct bar {
	uint32_t first, end;
	const char *arrow;
};

static struct bar place_bar(const struct waterfall *w, const struct span *span)
{
	uint32_t columns = w->bar_columns;
	double start = (double)span->start_us, end = start + (double)span->duration_us;
	double scale = columns / (w->until_us > w->from_us ? w->until_us - w->from_us : 1);

	if (end < w->from_us)
		return (struct bar){ 0, 1, "‹" };
	if (start > w->until_us)
		return (struct bar){ columns - 1, columns, "›" };
	uint32_t from = (uint32_t)clamp_time((start - w->from_us) * scale, 0, columns - 1);
	uint32_t until = (uint32_t)clamp_time((end - w->from_us) * scale + 0.5, 0, columns);
	return (struct bar){ from, until > from ? until : from + 1, NULL };
}

static void add_times(struct buf *out, const char *text, uint32_t times)
{
	const size_t len = strlen(text);

	if (!buf_reserve(out, len * times))
		return;
	for (; times; times--)
		buf_add(out, text, len);
}

static void write_bar(const struct waterfall *w, const struct row *row, struct buf *out)
{
	struct bar bar = place_bar(w, span_at(w, row->span));
	bool full = row->on_path || row->critical || !w->is_path;

	add_times(out, " ", bar.first);
	add_times(out, bar.arrow ? bar.arrow : full ? "█" : "░", bar.end - bar.first);
	add_times(out, " ", w->bar_columns - bar.end);
}

static uint32_t indent_of(const struct waterfall *w, const struct row *row)
{
	return row->depth > w->indent_max ? w->indent_max : row->depth;
}

static void write_name(const struct waterfall *w, const struct row *row, struct buf *out)
{
	const struct span *span = span_at(w, row->span);
	uint32_t indent = indent_of(w, row), used = 0;

	if (indent) {
		add_times(out, " ", indent - 1);
		buf_puts(out, "└ ");
		used = indent + 1;
	}
	/* The operation keeps a third of the room at least: a service can be a long host name. The
	 * operation can be a whole SQL statement. */
	const char *name = trace_text(w->trace, span->name);
	size_t room = w->name_columns - used, least = cells_of(name);
	if (least > room / 3)
		least = room / 3;
	used += (uint32_t)cells_add(out, span_service(w->trace, span), room - least - 1);
	buf_putc(out, ' ');
	cells_pad(out, name, w->name_columns - used - 1);
}

/* Mark, name, bar and duration, with a blank between each. Names get what the longest one needs,
 * but the bars keep a third. */
static void waterfall_choose_columns(struct waterfall *w)
{
	uint32_t both = w->columns - 2 - 1 - 1 - DURATION_COLUMNS;
	uint32_t most = both - both / 3;
	size_t needed = 0;

	w->indent_max = both / 4 < INDENT_MAX ? both / 4 : INDENT_MAX;
	for (uint32_t i = 0; i < w->nrows; i++) {
		const struct row *row = &w->rows[i];
		if (row->span == NO_SPAN)
			continue;
		const struct span *span = span_at(w, row->span);
		size_t used = cells_of(span_service(w->trace, span)) + 1 +
			      cells_of(trace_text(w->trace, span->name)) + indent_of(w, row) +
			      (row->depth > 0);
		if (used > needed)
			needed = used;
	}
	w->name_columns = needed < most ? (uint32_t)needed : most;
	w->bar_columns = both - w->name_columns;
}

static void write_duration(int64_t duration_us, struct buf *out)
{
	char duration[PLAIN_DURATION_SIZE];

	plain_duration(duration_us, duration);
	for (size_t used = cells_of(duration); used < DURATION_COLUMNS; used++)
		buf_putc(out, ' ');
	cells_add(out, duration, DURATION_COLUMNS);
}

/* A line in place of others. */
static void write_fold(const struct waterfall *w, const char *text, struct buf *out)
{
	buf_puts(out, "  ");
	cells_add(out, text, w->columns - 2);
	buf_putc(out, '\n');
}

static const char *colour_of(const struct waterfall *w, const struct row *row, bool failing)
{
	if (!w->options->colour || !w->is_path)
		return "";
	if (row->on_path && failing)
		return COLOUR_FAILED;
	if (row->critical)
		return COLOUR_SLOW;
	return row->on_path || failing ? "" : COLOUR_DIM;
}

static void write_row(const struct waterfall *w, const struct row *row, struct buf *out)
{
	char fold[64];

	if (row->span == NO_SPAN) {
		snprintf(fold, sizeof(fold), "… %u spans of the path are left out", row->cut);
		write_fold(w, fold, out);
		return;
	}
	bool failing = span_failing(w->trace, span_at(w, row->span), true);
	const char *colour = colour_of(w, row, failing);
	buf_puts(out, colour);
	buf_puts(out, row->on_path && failing	      ? "✗ "
		      : row->on_path || row->critical ? "› "
		      : failing			      ? "! "
						      : "  ");
	write_name(w, row, out);
	buf_putc(out, ' ');
	write_bar(w, row, out);
	buf_putc(out, ' ');
	write_duration(span_at(w, row->span)->duration_us, out);
	if (*colour)
		buf_puts(out, COLOUR_OFF);
	buf_putc(out, '\n');
}

/* The last line counts the spans without a row. */
static void write_rest(const struct waterfall *w, struct buf *out)
{
	uint32_t hidden = w->trace->nspans, failed = 0;
	char fold[96], words[32] = "none failed";

	for (uint32_t i = 0; i < w->nrows; i++)
		hidden -= w->rows[i].span == NO_SPAN ? w->rows[i].cut : 1;
	if (!hidden)
		return;
	for (uint32_t i = 0; i < w->trace->nspans; i++)
		failed += span_failing(w->trace, span_at(w, i), true);
	for (uint32_t i = 0; i < w->nrows; i++)
		if (w->rows[i].span != NO_SPAN)
			failed -= span_failing(w->trace, span_at(w, w->rows[i].span), true);
	if (w->npath > w->nrows)
		for (uint32_t i = 0; i < w->npath; i++)
			if (find_row(w, w->path[i]) == w->nrows)
				failed -= span_failing(w->trace, span_at(w, w->path[i]), true);
	if (failed)
		snprintf(words, sizeof(words), "%u failed", failed);
	snprintf(fold, sizeof(fold), "… %u more span%s, %s", hidden, hidden == 1 ? "" : "s", words);
	write_fold(w, fold, out);
}

static uint32_t waterfall_clamp(uint32_t value, uint32_t least, uint32_t most)
{
	return value < least ? least : value > most ? most : value;
}

void waterfall_write(const struct walk *walk, const struct waterfall_options *options,
		     struct buf *out)
{
	struct waterfall w = {
		.options = options, .trace = walk->trace, .path = walk->path, .npath = walk->npath
	};
	uint32_t lines = waterfall_clamp(options->lines, 4, WATERFALL_LINES_MAX);

	w.columns = waterfall_clamp(options->columns, WATERFALL_COLUMNS_MIN, WATERFALL_COLUMNS_MAX);
	w.is_path = w.npath > 0 && walk->found;
	if (!w.npath) {
		if (walk->signal_span == TRACE_NONE)
			return;
		w.path = &walk->signal_span;
		w.npath = 1;
	}
	buf_want(out, (size_t)lines * w.columns * 2); /* a cell of a bar has three bytes */
	mark_critical(&w);
	lay_out(&w, walk->trace->nspans > lines ? lines - 1 : lines);
	if (w.nrows + 1 == walk->trace->nspans)
		add_left_out(&w);
	choose_times(&w);
	waterfall_choose_columns(&w);
	for (uint32_t i = 0; i < w.nrows; i++)
		write_row(&w, &w.rows[i], out);
	write_rest(&w, out);
	free(w.critical);
}

/* Has a line this mark in its first column? */
static bool has_mark(const char *lines, const char *mark)
{
	for (const char *line = lines; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, mark, strlen(mark)) == 0)
			return true;
	}
	return false;
}

void waterfall_legend_write(const struct walk *walk, const char *lines, struct buf *out)
{
	const struct {
		const char *mark, *meaning;
	} marks[] = {
		{ "✗", "failed" },
		{ "›",
		  walk->mode == WALK_LATENCY ? "on the slow path" : "on the path without failing" },
		{ "!", "failed beside the path" },
	};
	const char *between = "(";

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (has_mark(lines, marks[i].mark)) {
			buf_printf(out, "%s%s %s", between, marks[i].mark, marks[i].meaning);
			between = "; ";
		}
	if (*between == ';')
		buf_puts(out, ")\n");
}

/* ---- own time ---- */

/* One service's own time. */
struct share {
	const char *service;
	int64_t own_us;
};

static int compare_shares(const void *a, const void *b)
{
	const struct share *one = a, *other = b;

	if (one->own_us != other->own_us)
		return one->own_us > other->own_us ? -1 : 1;
	return strcmp(one->service, other->service);
}

/* Groups the spans of one service. */
static int compare_share_names(const void *a, const void *b)
{
	return strcmp(((const struct share *)a)->service, ((const struct share *)b)->service);
}

static uint32_t sum_by_service(const struct trace *trace, const struct waterfall_options *options,
			       struct share *shares)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < options->nown; i++)
		shares[i] = (struct share){
			span_service(trace, &trace->spans[options->own[i].span]),
			options->own[i].own_us,
		};
	qsort(shares, options->nown, sizeof(*shares), compare_share_names);
	for (uint32_t i = 0; i < options->nown; i++) {
		if (n && strcmp(shares[n - 1].service, shares[i].service) == 0)
			shares[n - 1].own_us += shares[i].own_us;
		else
			shares[n++] = shares[i];
	}
	qsort(shares, n, sizeof(*shares), compare_shares);
	return n;
}

static void waterfall_write_share(const struct waterfall *w, const struct share *share,
				  double all_us, struct buf *out)
{
	double part = all_us > 0 ? (double)share->own_us / all_us : 0;
	uint32_t filled = (uint32_t)(part * w->bar_columns + 0.5);

	buf_puts(out, "  ");
	cells_pad(out, share->service, w->name_columns);
	buf_putc(out, ' ');
	add_times(out, "█", filled);
	add_times(out, " ", w->bar_columns - filled + 1);
	write_duration(share->own_us, out);
	buf_printf(out, " %3.0f %%\n", part * 100);
}

void waterfall_own_write(const struct trace *trace, const struct waterfall_options *options,
			 struct buf *out)
{
	struct waterfall w = { .options = options, .trace = trace };
	struct share *shares;
	double all_us = 0;
	size_t needed = 0;

	if (!options->nown)
		return;
	shares = xcalloc(options->nown, sizeof(*shares));
	uint32_t n = sum_by_service(trace, options, shares);
	/* A single service left over takes the line that would count it. */
	uint32_t shown = n > SERVICES_SHOWN + 1 ? SERVICES_SHOWN : n;
	w.columns = waterfall_clamp(options->columns, WATERFALL_COLUMNS_MIN, WATERFALL_COLUMNS_MAX);
	uint32_t both = w.columns - 2 - 1 - 1 - DURATION_COLUMNS - SHARE_COLUMNS;
	for (uint32_t i = 0; i < n; i++) {
		all_us += (double)shares[i].own_us;
		if (i < shown && cells_of(shares[i].service) > needed)
			needed = cells_of(shares[i].service);
	}
	w.name_columns = needed < both / 2 ? (uint32_t)needed : both / 2;
	w.bar_columns = both - w.name_columns;
	for (uint32_t i = 0; i < shown; i++)
		waterfall_write_share(&w, &shares[i], all_us, out);
	if (shown < n) {
		int64_t rest_us = 0;
		char fold[96], duration[PLAIN_DURATION_SIZE];
		for (uint32_t i = shown; i < n; i++)
			rest_us += shares[i].own_us;
		snprintf(fold, sizeof(fold), "… %u more services, %s together", n - shown,
			 plain_duration(rest_us, duration));
		write_fold(&w, fold, out);
	}
	free(shares);
}
