/*
 * Explain, traces: a line for each trace of a window, so that a person sees which of them agree.
 * The trace that explain shows as a tree has a mark.
 */
#include <stdio.h>
#include <string.h>

#include "explain-internal.h"
#include "tracepager/cells.h"
#include "tracepager/plain.h"

#define TRACES_SHOWN	 10
#define KIND_COLUMNS	 6
#define DURATION_COLUMNS 8
/* Below this many columns there is no room for the kind. */
#define COLUMNS_FOR_KIND 48
#define WHO_BYTES	 1024

struct trace_columns {
	size_t id, who;
	bool has_kind;
};

static struct trace_columns choose_trace_columns(const struct decision *d, unsigned int shown,
						 unsigned int columns)
{
	struct trace_columns layout = { .has_kind = columns >= COLUMNS_FOR_KIND };
	/* The mark, and a blank before each column but the first. */
	size_t fixed = 2 + 1 + 1 + DURATION_COLUMNS + (layout.has_kind ? 1 + KIND_COLUMNS : 0);

	for (unsigned int i = 0; i < shown; i++) {
		size_t cells = cells_of(trace_text(d->walks[i].trace, d->walks[i].trace->id));
		if (cells > layout.id)
			layout.id = cells;
	}
	if (layout.id > (columns - fixed) / 2)
		layout.id = (columns - fixed) / 2;
	layout.who = columns - fixed - layout.id;
	return layout;
}

/* The duration of the signal span; without one, of the first root. */
static int64_t signal_duration_us(const struct walk *walk)
{
	uint32_t span = walk->npath			  ? walk->path[0]
			: walk->signal_span != TRACE_NONE ? walk->signal_span
							  : walk->trace->first_root;

	return span < walk->trace->nspans ? walk->trace->spans[span].duration_us : 0;
}

static void write_trace_line(const struct walk *walk, bool is_shown,
			     const struct trace_columns *layout, struct buf *out)
{
	struct buf who = BUF_INIT(WHO_BYTES);
	char duration[PLAIN_DURATION_SIZE];

	if (walk->found)
		explain_who(&walk->suspect, &who);
	else
		buf_printf(&who, "no suspect [%s]", fallback_code_name(walk->fallback));
	buf_puts(out, is_shown ? "› " : "  ");
	cells_pad(out, trace_text(walk->trace, walk->trace->id), layout->id);
	buf_putc(out, ' ');
	cells_pad(out, buf_text(&who), layout->who);
	buf_putc(out, ' ');
	if (layout->has_kind) {
		cells_pad(out, walk->found ? suspect_kind_name(walk->suspect.kind) : "",
			  KIND_COLUMNS);
		buf_putc(out, ' ');
	}
	plain_duration(signal_duration_us(walk), duration);
	for (size_t used = cells_of(duration); used < DURATION_COLUMNS; used++)
		buf_putc(out, ' ');
	cells_add(out, duration, DURATION_COLUMNS);
	buf_putc(out, '\n');
	buf_fini(&who);
}

static bool names_suspect(const struct decision *d, const struct walk *walk)
{
	return d->verdict.found && walk->found &&
	       strcmp(walk->suspect.service, d->verdict.suspect.service) == 0;
}

void explain_traces_write(const struct decision *d, const struct explain_text_options *options,
			  struct buf *out)
{
	/* The line that counts the others has room for one more trace instead. */
	unsigned int shown = d->nwalks > TRACES_SHOWN + 1 ? TRACES_SHOWN : d->nwalks;
	struct trace_columns layout = choose_trace_columns(d, shown, options->columns);
	const struct walk *tree = decision_walk(d);
	unsigned int agree = 0;
	char fold[96];

	for (unsigned int i = 0; i < shown; i++)
		write_trace_line(&d->walks[i], &d->walks[i] == tree, &layout, out);
	if (shown == d->nwalks)
		return;
	for (unsigned int i = shown; i < d->nwalks; i++)
		agree += names_suspect(d, &d->walks[i]);
	snprintf(fold, sizeof(fold), "… %u more traces", d->nwalks - shown);
	if (d->verdict.found)
		snprintf(fold + strlen(fold), sizeof(fold) - strlen(fold),
			 ", %u with the same suspect", agree);
	buf_puts(out, "  ");
	cells_add(out, fold, options->columns - 2);
	buf_putc(out, '\n');
}
