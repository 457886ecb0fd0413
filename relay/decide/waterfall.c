/*
 * Waterfall: chooses the rows, puts them into the order of the tree, draws them. Reads the walk and
 * its trace only; owns nothing. It never walks the tree of a large trace: only the path and the
 * children of the path's spans.
 */
#include "tracepager/waterfall.h"

#include <stdio.h>
#include <string.h>

#include "tracepager/plain.h"

#define NO_SPAN		 TRACE_NONE
#define DURATION_COLUMNS 8
#define INDENT_MAX	 10

#define COLOUR_FAILED "\033[1;31m"
#define COLOUR_DIM    "\033[2m"
#define COLOUR_OFF    "\033[0m"

/* A child of a path's span that is shown beside it. */
struct beside {
	uint32_t span, at; /* at: position of its parent in the path */
	bool failing;
};

struct row {
	uint32_t span; /* NO_SPAN: the place where the path was cut */
	uint32_t depth, cut;
	bool on_path;
};

struct waterfall {
	const struct walk *walk;
	const struct trace *trace;
	const uint32_t *path;
	uint32_t npath;
	bool is_path; /* false: no leaf was found, and the "path" is the signal span alone */
	struct beside beside[WATERFALL_LINES_MAX];
	uint32_t nbeside;
	struct row rows[WATERFALL_LINES_MAX];
	uint32_t nrows;
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

/* Failing ones matter more than long ones. */
static bool matters_more(const struct waterfall *w, const struct beside *a, const struct beside *b)
{
	if (a->failing != b->failing)
		return a->failing;
	return span_at(w, a->span)->duration_us > span_at(w, b->span)->duration_us;
}

/* Keep the best `room` children, best first. */
static void offer(struct waterfall *w, uint32_t room, struct beside candidate)
{
	uint32_t i = w->nbeside;

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
				offer(w, room,
				      (struct beside){
					      child, at,
					      span_failing(w->trace, span_at(w, child), true) });
	}
	/* By place in the tree, then by time. */
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
	w->rows[w->nrows++] =
		(struct row){ .span = span, .depth = depth, .on_path = on_path && w->is_path };
	if (span == NO_SPAN)
		return;
	double start = (double)span_at(w, span)->start_us;
	double end = start + (double)span_at(w, span)->duration_us;
	if (w->nrows == 1 || start < w->from_us)
		w->from_us = start;
	if (w->nrows == 1 || end > w->until_us)
		w->until_us = end;
}

/* Rows for the spans beside path[at] that begin before the path goes on (or after). */
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
		/* The leaf's end of a long path tells more than its beginning. */
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
static uint32_t row_of(const struct waterfall *w, uint32_t span)
{
	uint32_t i = 0;

	while (i < w->nrows && w->rows[i].span != span)
		i++;
	return i;
}

/* The only span that has no row: a line that counts it would take as much room. It stands above the
 * path where the path begins below it, else below its parent, else, being a root, at the end. */
static void add_left_out(struct waterfall *w)
{
	uint32_t span = 0, end = w->nrows;

	while (row_of(w, span) < end)
		span++;
	uint32_t parent = span_at(w, span)->parent;
	uint32_t above = parent == TRACE_NONE ? end : row_of(w, parent);
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

static void write_bar(const struct waterfall *w, const struct row *row, uint32_t columns,
		      struct buf *out)
{
	const struct span *span = span_at(w, row->span);
	double scale = columns / (w->until_us > w->from_us ? w->until_us - w->from_us : 1);
	double start = (double)span->start_us - w->from_us;
	uint32_t first = (uint32_t)(start * scale);
	uint32_t end = (uint32_t)((start + (double)span->duration_us) * scale + 0.5);

	if (first >= columns)
		first = columns - 1;
	if (end > columns)
		end = columns;
	if (end <= first)
		end = first + 1;
	for (uint32_t i = 0; i < columns; i++)
		buf_puts(out, i < first || i >= end	    ? " "
			      : row->on_path || !w->is_path ? "█"
							    : "░");
}

static uint32_t indent_of(const struct row *row)
{
	return row->depth > INDENT_MAX ? INDENT_MAX : row->depth;
}

static void write_name(const struct waterfall *w, const struct row *row, uint32_t columns,
		       struct buf *out)
{
	const struct span *span = span_at(w, row->span);
	uint32_t indent = indent_of(row), used = 0;

	if (indent) {
		for (; used + 1 < indent; used++)
			buf_putc(out, ' ');
		buf_puts(out, "└ ");
		used += 2;
	}
	/* Both names keep a share: an operation can be a whole SQL statement, a service a host
	 * name. */
	const char *name = trace_text(w->trace, span->name);
	size_t room = columns - used, least = plain_columns(name, room / 3);
	if (least > room / 3)
		least = room / 3;
	used += (uint32_t)plain_add(out, span_service(w->trace, span), room - least - 1);
	buf_putc(out, ' ');
	plain_pad(out, name, columns - used - 1);
}

/* Names get what the longest of them needs, of columns for name and bar; but the bars keep a third.
 */
static uint32_t name_columns(const struct waterfall *w, uint32_t columns)
{
	uint32_t most = columns - columns / 3, needed = 0;

	for (uint32_t i = 0; i < w->nrows; i++) {
		const struct row *row = &w->rows[i];
		if (row->span == NO_SPAN)
			continue;
		const struct span *span = span_at(w, row->span);
		size_t used = plain_columns(span_service(w->trace, span), most) + 1 +
			      plain_columns(trace_text(w->trace, span->name), most) +
			      indent_of(row) + (row->depth > 0);
		if (used > needed)
			needed = (uint32_t)used;
	}
	return needed < most ? needed : most;
}

static void write_row(const struct waterfall *w, const struct row *row, uint32_t name, uint32_t bar,
		      bool in_colour, struct buf *out)
{
	char duration[PLAIN_DURATION_SIZE];

	if (row->span == NO_SPAN) {
		buf_printf(out, "  … %u spans of the path are left out\n", row->cut);
		return;
	}
	bool failing = span_failing(w->trace, span_at(w, row->span), true);
	const char *colour = row->on_path && failing	 ? COLOUR_FAILED
			     : !row->on_path && !failing ? COLOUR_DIM
							 : "";
	if (!in_colour || !w->is_path)
		colour = "";
	buf_puts(out, colour);
	buf_puts(out, row->on_path ? failing ? "✗ " : "› " : failing ? "! " : "  ");
	write_name(w, row, name, out);
	buf_putc(out, ' ');
	write_bar(w, row, bar, out);
	buf_putc(out, ' ');
	plain_duration(span_at(w, row->span)->duration_us, duration);
	for (size_t used = plain_columns(duration, DURATION_COLUMNS); used < DURATION_COLUMNS;
	     used++)
		buf_putc(out, ' ');
	plain_add(out, duration, DURATION_COLUMNS);
	if (*colour)
		buf_puts(out, COLOUR_OFF);
	buf_putc(out, '\n');
}

static uint32_t bounded(uint32_t value, uint32_t least, uint32_t most)
{
	return value < least ? least : value > most ? most : value;
}

void waterfall_write(const struct walk *walk, const struct waterfall_options *options,
		     struct buf *out)
{
	struct waterfall w = {
		.walk = walk, .trace = walk->trace, .path = walk->path, .npath = walk->npath
	};
	uint32_t lines = bounded(options->lines, 4, WATERFALL_LINES_MAX);
	uint32_t columns = bounded(options->columns, WATERFALL_COLUMNS_MIN, WATERFALL_COLUMNS_MAX);

	w.is_path = w.npath > 0 && walk->found;
	if (!w.npath) {
		if (walk->signal_span == TRACE_NONE)
			return;
		w.path = &walk->signal_span;
		w.npath = 1;
	}
	bool more = walk->trace->nspans > lines;
	lay_out(&w, more ? lines - 1 : lines);
	if (w.nrows + 1 == walk->trace->nspans)
		add_left_out(&w);
	/* Mark, name, bar and duration, with a blank between each. */
	uint32_t both = columns - 2 - 1 - 1 - DURATION_COLUMNS, name = name_columns(&w, both);
	uint32_t hidden = walk->trace->nspans;
	for (uint32_t i = 0; i < w.nrows; i++) {
		write_row(&w, &w.rows[i], name, both - name, options->colour, out);
		hidden -= w.rows[i].span == NO_SPAN ? w.rows[i].cut : 1;
	}
	if (hidden)
		buf_printf(out, "  … %u span%s more\n", hidden, hidden == 1 ? "" : "s");
}
