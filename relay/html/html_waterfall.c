/*
 * HTML waterfall: a trace as SVG, a row for each span: its name in the tree, its time as a bar. The
 * path from the signal to the suspect is marked. A row leads to the span's own words below, which
 * are shown when it is chosen; no script is needed.
 */
#include "tracepager/html_pages.h"

#include <string.h>

#include "tracepager/limits.h"

#include "html_parts-internal.h"

/* In units of the drawing. */
#define ROW	     22
#define TOP	     24
#define NAMES	     380
#define BARS	     600
#define RIGHT	     70
#define WIDTH	     (NAMES + BARS + RIGHT)
#define INDENT	     12
#define INDENT_MOST  12
#define TICKS	     4
#define BAR_LEAST    2.0
#define NAME_COLUMNS 52

static double bar_x(const struct html_trace *trace, int64_t after_us)
{
	const double whole = trace->duration_us > 0 ? (double)trace->duration_us : 1.0;
	const double part = (double)after_us / whole;

	return NAMES + BARS * (part < 0 ? 0 : part > 1 ? 1 : part);
}

static void add_axis(struct html *html, const struct html_trace *trace, size_t height)
{
	for (int i = 0; i <= TICKS; i++) {
		const int x = NAMES + i * BARS / TICKS;
		HTML(html, "<line class=\"tick\" x1=\"");
		html_int(html, x);
		HTML(html, "\" x2=\"");
		html_int(html, x);
		HTML(html, "\" y1=\"16\" y2=\"");
		html_int(html, (int64_t)height);
		HTML(html, "\"/><text class=\"tick\" y=\"11\" x=\"");
		html_int(html, x);
		HTML_IF(html, i, "\" text-anchor=\"middle\">", "\">");
		html_duration(html, trace->duration_us * i / TICKS);
		HTML(html, "</text>");
	}
}

static void add_name(struct html *html, const struct html_span *span, size_t y)
{
	const unsigned int depth = span->depth < INDENT_MOST ? span->depth : INDENT_MOST;

	HTML(html, "<text y=\"");
	html_int(html, (int64_t)y + 15);
	HTML(html, "\" x=\"");
	html_int(html, 4 + INDENT * depth);
	HTML(html, "\"><tspan class=\"service\">");
	html_text_cut(html, span->service, 24);
	HTML(html, "</tspan> ");
	html_text_cut(html, span->operation, NAME_COLUMNS - 24 - 2 * depth);
	HTML(html, "</text>");
}

static void add_bar(struct html *html, const struct html_trace *trace, const struct html_span *span,
		    size_t y)
{
	const double x = bar_x(trace, span->after_us);
	const double end = bar_x(trace, span->after_us + span->duration_us);
	const double width = end - x < BAR_LEAST ? BAR_LEAST : end - x;

	HTML(html, "<rect class=\"bar\" rx=\"2\" height=\"12\" y=\"");
	html_int(html, (int64_t)y + 5);
	HTML(html, "\" x=\"");
	html_real(html, x);
	HTML(html, "\" width=\"");
	html_real(html, width);
	HTML(html, "\"/><text class=\"time\" y=\"");
	html_int(html, (int64_t)y + 15);
	/* Behind the bar; before it where there is no room. */
	const bool before = x + width > NAMES + BARS - 40 && x > NAMES + 60;
	HTML(html, "\" x=\"");
	html_real(html, before ? x - 4 : x + width + 4);
	HTML_IF(html, before, "\" text-anchor=\"end\">", "\">");
	html_duration(html, span->duration_us);
	HTML(html, "</text>");
}

static void waterfall_add_row(struct html *html, const struct html_trace *trace, size_t i)
{
	const struct html_span *span = &trace->spans[i];
	const size_t y = TOP + ROW * i;

	HTML(html, "<a href=\"#span-");
	html_url_part(html, span->id);
	HTML(html, "\" class=\"row");
	HTML_IF(html, span->on_path, " path", "");
	HTML_IF(html, span->failing, " failing", "");
	HTML_IF(html, span->is_end, " end\">", "\">");
	HTML(html, "<title>");
	html_text(html, span->service);
	HTML(html, " ");
	html_text(html, span->operation);
	if (span->error) {
		HTML(html, ": ");
		html_text_cut(html, span->error, 300);
	}
	HTML(html, "</title><rect class=\"back\" x=\"0\" height=\"22\" y=\"");
	html_int(html, (int64_t)y);
	HTML(html, "\" width=\"");
	html_int(html, WIDTH);
	HTML(html, "\"/>");
	add_name(html, span, y);
	add_bar(html, trace, span, y);
	HTML(html, "</a>\n");
}

/* ---- spans in words ---- */

static void add_zoom(struct html *html, const struct html_trace *trace, const char *span,
		     const char *text)
{
	HTML(html, "<a href=\"?trace=");
	html_url_part(html, trace->id);
	if (span) {
		HTML(html, "&amp;span=");
		html_url_part(html, span);
	}
	HTML(html, "#trace\">");
	html_text(html, text);
	HTML(html, "</a>");
}

static void add_span(struct html *html, const struct html_trace *trace,
		     const struct html_span *span)
{
	HTML_IF(html, span->is_end, "<div class=\"span end\" id=\"span-",
		"<div class=\"span\" id=\"span-");
	html_text(html, span->id);
	HTML(html, "\"><h3>");
	html_text(html, span->service);
	HTML(html, " ");
	html_text(html, span->operation);
	HTML(html, "</h3>\n<dl>");
	html_fact(html, "Error", span->error);
	HTML(html, "<dt>Time</dt><dd>");
	html_duration(html, span->duration_us);
	HTML(html, ", begun after ");
	html_duration(html, span->after_us);
	HTML(html, "</dd>");
	html_fact(html, "Kind", span->kind);
	for (size_t i = 0; i < span->nfacts; i++) {
		HTML(html, "<dt><code>");
		html_text(html, span->facts[i].name);
		HTML(html, "</code></dt><dd>");
		html_text_cut(html, span->facts[i].value, 1000);
		HTML(html, "</dd>");
	}
	html_fact(html, "Span", span->id);
	HTML(html, "</dl>\n<p>");
	add_zoom(html, trace, span->id, "Show this span and all below it");
	/* The end of the path is shown when no span is chosen: it cannot be closed. */
	HTML_IF(html, span->is_end, "</p></div>\n", " · <a href=\"#trace\">Close</a></p></div>\n");
}

static void add_caption(struct html *html, const struct html_trace *trace)
{
	HTML(html, "<p class=\"hint\">Trace <code>");
	html_text(html, trace->id);
	HTML(html, "</code>: ");
	html_int(html, trace->total);
	HTML_IF(html, trace->total == 1, " span", " spans");
	if (trace->failing) {
		HTML(html, ", ");
		html_int(html, trace->failing);
		HTML(html, " failed");
	}
	if (trace->nspans < trace->total) {
		HTML(html, "; ");
		html_int(html, (int64_t)trace->nspans);
		HTML(html, " are shown");
	}
	if (trace->paths_only)
		HTML(html, "; it was large, and only its failing path is kept");
	if (trace->zoomed) {
		HTML(html, " · ");
		add_zoom(html, trace, NULL, "Show the whole trace");
	}
	HTML(html, "</p>\n");
}

static void add_others(struct html *html, const struct html_trace *trace)
{
	if (trace->nothers < 2)
		return;
	HTML(html, "<p class=\"pages\">Traces: ");
	for (size_t i = 0; i < trace->nothers; i++) {
		const bool is_this = strcmp(trace->others[i], trace->id) == 0;
		HTML_IF(html, is_this, "<b>", "<a href=\"?trace=");
		if (!is_this) {
			html_url_part(html, trace->others[i]);
			HTML(html, "#trace\">");
		}
		html_int(html, (int64_t)i + 1);
		HTML_IF(html, is_this, "</b> ", "</a> ");
	}
	HTML(html, "</p>\n");
}

/* The span at the end of the path, in words above the drawing: a long trace hides its row. */
static void add_end(struct html *html, const struct html_trace *trace)
{
	const struct html_span *end = NULL;

	for (size_t i = 0; i < trace->nspans && !end; i++)
		if (trace->spans[i].is_end)
			end = &trace->spans[i];
	if (!end)
		return;
	HTML(html, "<p class=\"suspect\">The path ends at <a href=\"#span-");
	html_url_part(html, end->id);
	HTML(html, "\">");
	html_text(html, end->service);
	HTML(html, " ");
	html_text(html, end->operation);
	HTML(html, "</a>");
	if (end->error) {
		HTML(html, ": ");
		html_text_cut(html, end->error, 300);
	}
	HTML(html, "</p>\n");
}

void html_waterfall(struct html *html, const struct html_trace *trace)
{
	const size_t height = TOP + ROW * trace->nspans + 4;

	add_caption(html, trace);
	add_others(html, trace);
	add_end(html, trace);
	HTML(html, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"The spans of "
		   "the trace\"><svg class=\"waterfall\" width=\"");
	html_int(html, WIDTH);
	HTML(html, "\" height=\"");
	html_int(html, (int64_t)height);
	HTML(html, "\" viewBox=\"0 0 ");
	html_int(html, WIDTH);
	HTML(html, " ");
	html_int(html, (int64_t)height);
	HTML(html, "\">\n");
	add_axis(html, trace, height);
	for (size_t i = 0; i < trace->nspans; i++)
		waterfall_add_row(html, trace, i);
	HTML(html, "</svg></div>\n<p class=\"hint\">Red bars failed; the marked rows lead from the "
		   "signal to the framed row, where the path ends. Choose a row for its "
		   "details.</p>\n");
	for (size_t i = 0; i < trace->nspans; i++)
		add_span(html, trace, &trace->spans[i]);
}
