/*
 * HTML map drawing: the services as boxes and their calls as lines, in SVG. A box leads to the
 * service with its neighbours; what a line stands for is its title.
 */
#include <math.h>
#include <string.h>

#include "tracepager/limits.h"

#include "html_map-internal.h"
#include "map_layout-internal.h"

/* From this share of failed calls on boxes and lines are red, below that orange. */
#define BAD_SHARE 0.05

#define NAME_COLUMNS 21
#define TEAM_COLUMNS 18
#define ARROW	     7

static bool share_is_bad(int64_t nfailed, int64_t ncalls)
{
	return nfailed && (double)nfailed >= BAD_SHARE * (double)ncalls;
}

void html_map_percent(struct html *html, int64_t part, int64_t n)
{
	const double percent = 100.0 * (double)part / (double)n;

	if (part && percent < 0.1) {
		HTML(html, "&lt;0.1 %");
		return;
	}
	html_real(html, percent < 10 ? round(percent * 10) / 10 : round(percent));
	HTML(html, " %");
}

void html_map_neighbours(struct html *html, const struct service_node *node)
{
	HTML(html, "?service=");
	html_url_part(html, node->name);
}

/* ---- lines ---- */

/* Whole units: a map of 200 services has some thousand points. */
static void add_point(struct html *html, double x, double y)
{
	html_int(html, lround(x));
	HTML(html, " ");
	html_int(html, lround(y));
}

/* A curve that begins and ends level. */
static void add_curve(struct html *html, struct map_point from, struct map_point to)
{
	const double middle = (from.x + to.x) / 2;

	HTML(html, "C");
	add_point(html, middle, from.y);
	HTML(html, " ");
	add_point(html, middle, to.y);
	HTML(html, " ");
	add_point(html, to.x, to.y);
}

/* By the magnitude of the number of calls: 1 call is thin, 10,000 are four times as wide. */
static double line_width(int64_t ncalls)
{
	return 1.2 + 0.9 * log10((double)(ncalls > 0 ? ncalls : 1));
}

static void add_edge_title(struct html *html, const struct service_map_view *view,
			   const struct service_edge *edge)
{
	HTML(html, "<title>");
	html_text_cut(html, view->nodes[edge->from].name, 60);
	HTML(html, " → ");
	html_text_cut(html, view->nodes[edge->to].name, 60);
	HTML(html, ": ");
	html_int(html, edge->ncalls);
	if (edge->message)
		HTML_IF(html, edge->ncalls == 1, " message, ", " messages, ");
	else
		HTML_IF(html, edge->ncalls == 1, " call, ", " calls, ");
	html_int(html, edge->nfailed);
	HTML(html, " failed, p50 ");
	html_duration(html, edge->p50_us);
	HTML(html, ", p95 ");
	html_duration(html, edge->p95_us);
	HTML_IF(html, service_edge_unnamed(view, edge), "; no rule names one end</title>",
		"</title>");
}

static void add_edge(struct html *html, const struct service_map_view *view,
		     const struct map_layout *layout, size_t i)
{
	const struct service_edge *edge = &view->edges[i];
	const struct map_line *line = &layout->lines[i];
	struct map_point from = layout->boxes[edge->from], to = layout->boxes[edge->to];

	from.x += line->backwards ? 0 : MAP_BOX_WIDTH;
	to.x += line->backwards ? MAP_BOX_WIDTH + ARROW : -ARROW;
	from.y += MAP_BOX_HEIGHT / 2.0;
	to.y += MAP_BOX_HEIGHT / 2.0;
	HTML_IF(html, service_edge_unnamed(view, edge), "<path class=\"unnamed\" stroke-width=\"",
		"<path stroke-width=\"");
	html_real(html, line_width(edge->ncalls));
	HTML(html, "\" d=\"M");
	add_point(html, from.x, from.y);
	for (size_t j = 0; j < line->npoints; j += 2) {
		add_curve(html, from, line->points[j]);
		from = line->points[j + 1];
		HTML(html, "H");
		html_int(html, lround(from.x));
	}
	add_curve(html, from, to);
	HTML(html, "\">");
	add_edge_title(html, view, edge);
	HTML(html, "</path>\n");
}

/* ---- boxes ---- */

static void add_node_title(struct html *html, const struct service_node *node)
{
	HTML(html, "<title>");
	html_text_cut(html, node->name, 100);
	if (*node->namespace) {
		HTML(html, " (");
		html_text_cut(html, node->namespace, 60);
		HTML(html, ")");
	}
	if (node->kind != NODE_SERVICE) {
		HTML(html, ", ");
		html_text(html, node->kind == NODE_OTHER ? "without spans of its own"
							 : node_kind_name(node->kind));
	}
	HTML(html, ": ");
	html_int(html, node->ncalls);
	HTML_IF(html, node->ncalls == 1, " call of it, ", " calls of it, ");
	html_int(html, node->nfailed);
	HTML(html, " failed; ");
	if (node->team) {
		HTML(html, "team ");
		html_text_cut(html, node->team, 60);
	} else {
		HTML(html, "no rule names it");
	}
	HTML(html, "</title>");
}

static void add_node(struct html *html, const struct service_node *node, struct map_point at,
		     bool is_asked)
{
	const bool bad = share_is_bad(node->nfailed, node->ncalls);

	HTML(html, "<a href=\"");
	html_map_neighbours(html, node);
	HTML(html, "\" transform=\"translate(");
	add_point(html, at.x, at.y);
	HTML(html, ")\" class=\"node");
	HTML_IF(html, is_asked, " asked", "");
	HTML_IF(html, bad, " bad", "");
	HTML_IF(html, node->nfailed && !bad, " some", "");
	HTML_IF(html, node->named, "\">", " unnamed\">");
	add_node_title(html, node);
	HTML(html, "<rect width=\"");
	html_int(html, MAP_BOX_WIDTH);
	HTML(html, "\" height=\"");
	html_int(html, MAP_BOX_HEIGHT);
	HTML_IF(html, node->kind == NODE_SERVICE, "\" rx=\"4\"/><text class=\"name\" y=\"15\" x=\"",
		"\" rx=\"18\"/><text class=\"name\" y=\"15\" x=\"");
	const int inset = node->kind == NODE_SERVICE ? 8 : 14;
	html_int(html, inset);
	HTML(html, "\">");
	html_text_cut(html, node->name, NAME_COLUMNS);
	HTML(html, "</text><text class=\"team\" y=\"29\" x=\"");
	html_int(html, inset);
	HTML(html, "\">");
	html_text_cut(html, node->team ? node->team : "no rule", TEAM_COLUMNS);
	HTML(html, "</text>");
	if (node->nfailed) {
		HTML(html, "<text class=\"rate\" text-anchor=\"end\" y=\"29\" x=\"");
		html_int(html, MAP_BOX_WIDTH - inset);
		HTML(html, "\">");
		html_map_percent(html, node->nfailed, node->ncalls);
		HTML(html, "</text>");
	}
	HTML(html, "</a>\n");
}

/* ---- the drawing ---- */

/* An arrow for the end of a line: HTML(html, MARKER("good")). */
#define MARKER(id)                                                                                 \
	"<marker id=\"" id "\" viewBox=\"0 0 8 8\" refX=\"0\" refY=\"4\" markerWidth=\"7\" "       \
	"markerHeight=\"7\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L8 4L0 "  \
	"8z\"/>"                                                                                   \
	"</marker>"

enum line_colour { LINE_GOOD, LINE_SOME, LINE_BAD };

static enum line_colour line_colour_of(const struct service_edge *edge)
{
	if (!edge->nfailed)
		return LINE_GOOD;
	return share_is_bad(edge->nfailed, edge->ncalls) ? LINE_BAD : LINE_SOME;
}

/* Lines of failed calls lie above the others. */
static void map_add_lines(struct html *html, const struct service_map_view *view,
			  const struct map_layout *layout)
{
	for (int colour = LINE_GOOD; colour <= LINE_BAD; colour++) {
		if (colour == LINE_GOOD)
			HTML(html, "<g class=\"lines\" marker-end=\"url(#good)\">\n");
		else if (colour == LINE_SOME)
			HTML(html, "<g class=\"lines some\" marker-end=\"url(#some)\">\n");
		else
			HTML(html, "<g class=\"lines bad\" marker-end=\"url(#bad)\">\n");
		for (size_t i = 0; i < view->nedges; i++)
			if (line_colour_of(&view->edges[i]) == (enum line_colour)colour)
				add_edge(html, view, layout, i);
		HTML(html, "</g>\n");
	}
}

void html_map_drawing(struct html *html, const struct service_map_view *view, const char *asked)
{
	struct arena *arena = arena_new(LIMIT_MAP_BYTES);
	struct map_layout layout;

	map_layout_make(arena, view, &layout);
	HTML(html, "<div class=\"scroll map\" tabindex=\"0\" role=\"group\" aria-label=\"Services "
		   "and their calls\"><svg width=\"");
	html_real(html, layout.width);
	HTML(html, "\" height=\"");
	html_real(html, layout.height);
	HTML(html, "\" viewBox=\"0 0 ");
	add_point(html, layout.width, layout.height);
	HTML(html, "\"><defs>");
	HTML(html, MARKER("good") MARKER("some") MARKER("bad"));
	HTML(html, "</defs>\n");
	map_add_lines(html, view, &layout);
	for (size_t i = 0; i < view->nnodes; i++)
		add_node(html, &view->nodes[i], layout.boxes[i],
			 asked && strcmp(asked, view->nodes[i].name) == 0);
	HTML(html, "</svg></div>\n");
	arena_free(arena);
}
