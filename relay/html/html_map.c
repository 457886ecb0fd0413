/* HTML map: the page of the service map: what it counts, the drawing, and the edges as a table. */
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#include "html_map-internal.h"

const char *html_map_sort_name(enum html_map_sort sort)
{
	static const char *const names[] = {
		[HTML_MAP_BY_ERRORS] = "errors", [HTML_MAP_BY_CALLS] = "calls",
		[HTML_MAP_BY_P50] = "p50",	 [HTML_MAP_BY_P95] = "p95",
		[HTML_MAP_BY_LAST] = "last",	 [HTML_MAP_BY_CALLER] = "caller",
		[HTML_MAP_BY_CALLEE] = "callee",
	};

	return names[sort];
}

/* ---- what is counted ---- */

static void map_add_count(struct html *html, int64_t n, const char *one, const char *many)
{
	html_int(html, n);
	HTML(html, " ");
	html_text(html, n == 1 ? one : many);
}

static void map_add_basis(struct html *html, const struct html_frame *frame,
			  const struct html_map *map)
{
	const struct past_map_basis *basis = map->basis;

	HTML(html, "<p>");
	map_add_count(html, map->all->ncalls, "call", "calls");
	HTML(html, " seen in ");
	map_add_count(html, map->all->ntraces, "trace", "traces");
	HTML(html, " of ");
	map_add_count(html, basis->ndecisions, "decision", "decisions");
	HTML(html, " since ");
	html_time(html, basis->since_us, frame->now_us);
	HTML(html,
	     ".</p>\n<p class=\"hint\">These are the traces that alerts led to: calls fail in "
	     "them more often than in all requests.");
	if (basis->untraced) {
		HTML(html, " Of ");
		map_add_count(html, basis->untraced, "decision", "decisions");
		HTML(html, " no trace is stored.");
	}
	if (basis->in_part) {
		HTML(html, " Of ");
		map_add_count(html, basis->in_part, "decision", "decisions");
		HTML(html, " large traces are stored in part.");
	}
	if (basis->unreadable) {
		HTML(html, " The traces of ");
		map_add_count(html, basis->unreadable, "decision", "decisions");
		HTML(html, " cannot be read.");
	}
	if (map->all->unnamed) {
		HTML(html, " ");
		map_add_count(html, map->all->unnamed, "call", "calls");
		HTML(html, " without the name of one end ");
		HTML_IF(html, map->all->unnamed == 1, "is not shown.", "are not shown.");
	}
	if (map->all->left_out) {
		HTML(html, " ");
		map_add_count(html, map->all->left_out, "call is", "calls are");
		HTML(html, " beyond what is counted.");
	}
	HTML(html, "</p>\n");
	if (basis->waiting) {
		HTML(html, "<p class=\"notice\" role=\"status\">");
		map_add_count(html, basis->waiting, "decision is", "decisions are");
		HTML(html, " not read yet: load this page again to go on.</p>\n");
	}
}

/* ---- conditions ---- */

static void map_add_option(struct html *html, const char *value, const char *text, bool chosen)
{
	HTML(html, "<option value=\"");
	html_text(html, value);
	HTML_IF(html, chosen, "\" selected>", "\">");
	html_text(html, text);
	HTML(html, "</option>");
}

static void map_add_filters(struct html *html, const struct html_map *map)
{
	static const char *const sort_words[] = {
		[HTML_MAP_BY_ERRORS] = "most failed", [HTML_MAP_BY_CALLS] = "most calls",
		[HTML_MAP_BY_P50] = "longest p50",    [HTML_MAP_BY_P95] = "longest p95",
		[HTML_MAP_BY_LAST] = "last call",     [HTML_MAP_BY_CALLER] = "by caller",
		[HTML_MAP_BY_CALLEE] = "by callee",
	};
	const struct service_map_part *part = &map->conditions;

	HTML(html, "<form class=\"filters\" method=\"get\" action=\"/map\"><label>Team <select "
		   "name=\"team\">");
	map_add_option(html, "", "all teams", !part->team);
	for (size_t i = 0; i < map->nteams; i++)
		map_add_option(html, map->teams[i], map->teams[i],
			       part->team && strcmp(part->team, map->teams[i]) == 0);
	HTML(html, "</select></label><label>Service <input name=\"service\" value=\"");
	html_text(html, part->service);
	HTML(html, "\"></label><label>Calls away <select name=\"depth\">");
	map_add_option(html, "1", "1", part->depth == 1);
	map_add_option(html, "2", "2", part->depth == 2);
	HTML_IF(html, part->errors,
		"</select></label><label class=\"tick\"><input type=\"checkbox\" name=\"errors\" "
		"value=\"1\" checked> failed",
		"</select></label><label class=\"tick\"><input type=\"checkbox\" name=\"errors\" "
		"value=\"1\"> failed");
	HTML_IF(html, part->unnamed,
		"</label><label class=\"tick\"><input type=\"checkbox\" name=\"undocumented\" "
		"value=\"1\" checked> undocumented",
		"</label><label class=\"tick\"><input type=\"checkbox\" name=\"undocumented\" "
		"value=\"1\"> undocumented");
	HTML(html, "</label><label>Order <select name=\"sort\">");
	for (int sort = 0; sort < HTML_MAP_SORTS; sort++)
		map_add_option(html, html_map_sort_name((enum html_map_sort)sort), sort_words[sort],
			       (int)map->sort == sort);
	HTML(html, "</select></label><button>Show</button></form>\n");
}

static void map_add_query(struct html *html, const struct html_map *map, enum html_map_sort sort)
{
	const struct service_map_part *part = &map->conditions;

	HTML(html, "/map?sort=");
	html_text(html, html_map_sort_name(sort));
	if (part->team) {
		HTML(html, "&amp;team=");
		html_url_part(html, part->team);
	}
	if (part->service) {
		HTML(html, "&amp;service=");
		html_url_part(html, part->service);
		HTML_IF(html, part->depth == 2, "&amp;depth=2", "");
	}
	HTML_IF(html, part->errors, "&amp;errors=1", "");
	HTML_IF(html, part->unnamed, "&amp;undocumented=1", "");
	HTML(html, "#edges");
}

/* ---- the table ---- */

struct map_row {
	int64_t figure; /* the most first */
	const char *text;
	size_t edge;
};

static int order_map_rows(const void *a, const void *b)
{
	const struct map_row *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	if (order)
		return order;
	if (x->figure != y->figure)
		return x->figure < y->figure ? 1 : -1;
	return (x->edge > y->edge) - (x->edge < y->edge);
}

static struct map_row map_row_of(const struct service_map_view *view, size_t i,
				 enum html_map_sort sort)
{
	const struct service_edge *edge = &view->edges[i];
	struct map_row row = { .text = "", .edge = i };

	switch (sort) {
	case HTML_MAP_BY_ERRORS:
		row.figure = edge->nfailed;
		break;
	case HTML_MAP_BY_CALLS:
		row.figure = edge->ncalls;
		break;
	case HTML_MAP_BY_P50:
		row.figure = edge->p50_us;
		break;
	case HTML_MAP_BY_P95:
		row.figure = edge->p95_us;
		break;
	case HTML_MAP_BY_LAST:
		row.figure = edge->last_us;
		break;
	case HTML_MAP_BY_CALLER:
		row.text = view->nodes[edge->from].name;
		break;
	case HTML_MAP_BY_CALLEE:
		row.text = view->nodes[edge->to].name;
		break;
	case HTML_MAP_SORTS:
		break;
	}
	return row;
}

static void map_add_end(struct html *html, const struct service_node *node)
{
	HTML(html, "<a href=\"");
	html_map_neighbours(html, node);
	HTML(html, "\">");
	html_text_cut(html, node->name, 80);
	HTML(html, "</a><small>");
	html_text_cut(html, node->team ? node->team : "no rule", 60);
	if (node->kind != NODE_SERVICE && node->kind != NODE_OTHER) {
		HTML(html, " · ");
		html_text(html, node_kind_name(node->kind));
	}
	HTML(html, "</small>");
}

static void map_add_row(struct html *html, const struct service_map_view *view,
			const struct service_edge *edge, int64_t now_us)
{
	HTML(html, "<tr><td>");
	map_add_end(html, &view->nodes[edge->from]);
	HTML(html, "</td><td>");
	map_add_end(html, &view->nodes[edge->to]);
	if (service_edge_unnamed(view, edge))
		HTML(html, "<i>undocumented</i>");
	HTML(html, "</td><td>");
	html_int(html, edge->ncalls);
	HTML_IF(html, edge->nfailed, "</td><td class=\"bad\">", "</td><td>");
	html_int(html, edge->nfailed);
	if (edge->nfailed) {
		HTML(html, " · ");
		html_map_percent(html, edge->nfailed, edge->ncalls);
	}
	HTML(html, "</td><td>");
	html_duration(html, edge->p50_us);
	HTML(html, "</td><td>");
	html_duration(html, edge->p95_us);
	HTML(html, "</td><td>");
	html_clock(html, edge->last_us, now_us);
	HTML(html, "</td></tr>\n");
}

static void map_add_head(struct html *html, const struct html_map *map)
{
	static const struct {
		const char *text;
		enum html_map_sort sort;
	} heads[] = {
		{ "Caller", HTML_MAP_BY_CALLER }, { "Callee", HTML_MAP_BY_CALLEE },
		{ "Calls", HTML_MAP_BY_CALLS },	  { "Failed", HTML_MAP_BY_ERRORS },
		{ "p50", HTML_MAP_BY_P50 },	  { "p95", HTML_MAP_BY_P95 },
		{ "Last", HTML_MAP_BY_LAST },
	};

	HTML(html, "<table class=\"edges\" id=\"edges\"><thead><tr>");
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		const bool down = heads[i].sort < HTML_MAP_BY_CALLER;
		HTML(html, "<th");
		if (heads[i].sort == map->sort)
			HTML_IF(html, down, " aria-sort=\"descending\"",
				" aria-sort=\"ascending\"");
		HTML(html, "><a href=\"");
		map_add_query(html, map, heads[i].sort);
		HTML(html, "\">");
		html_text(html, heads[i].text);
		HTML(html, "</a></th>");
	}
	HTML(html, "</tr></thead><tbody>\n");
}

static void map_add_table(struct html *html, const struct html_map *map, int64_t now_us)
{
	const struct service_map_view *view = map->part;
	CLEANUP_FREE struct map_row *rows = xcalloc(view->nedges + 1, sizeof(*rows));
	const size_t n = view->nedges < LIMIT_PAGE_ROWS ? view->nedges : LIMIT_PAGE_ROWS;

	for (size_t i = 0; i < view->nedges; i++)
		rows[i] = map_row_of(view, i, map->sort);
	qsort(rows, view->nedges, sizeof(*rows), order_map_rows);
	map_add_head(html, map);
	for (size_t i = 0; i < n; i++)
		map_add_row(html, view, &view->edges[rows[i].edge], now_us);
	HTML(html, "</tbody></table>\n");
	if (n < view->nedges) {
		HTML(html, "<p>");
		html_int(html, (int64_t)(view->nedges - n));
		HTML(html, " more are not listed: choose a team or a service, or ask "
			   "<code>/api/v1/map</code>.</p>\n");
	}
}

/* ---- the page ---- */

static bool has_conditions(const struct service_map_part *part)
{
	return part->team || part->service || part->errors || part->unnamed;
}

static void map_add_drawing(struct html *html, const struct html_map *map)
{
	HTML(html, "<p class=\"legend\"><span class=\"key good\">no failed call</span> <span "
		   "class=\"key some\">below 5 % failed</span> <span class=\"key bad\">5 % or more"
		   "</span> <span class=\"key unnamed\">no rule names it</span> <span class=\"key "
		   "round\">no spans of its own</span></p>\n");
	html_map_drawing(html, map->drawn, map->conditions.service);
	HTML(html, "<p class=\"hint\">Callers stand left of what they call. Wide lines are many "
		   "calls, dashed ones are undocumented. Choose a "
		   "service to see what is next to it.");
	if (has_conditions(&map->conditions))
		HTML(html, " <a href=\"/map\">Show the whole map</a>.");
	if (map->drawn->nnodes < map->part->nnodes || map->drawn->nedges < map->part->nedges) {
		HTML(html, " Drawn are the busiest ");
		html_int(html, (int64_t)map->drawn->nnodes);
		HTML(html, " of ");
		html_int(html, (int64_t)map->part->nnodes);
		HTML(html, " services with ");
		html_int(html, (int64_t)map->drawn->nedges);
		HTML(html, " of ");
		html_int(html, (int64_t)map->part->nedges);
		HTML(html, " edges.");
	}
	HTML(html, "</p>\n");
}

static void map_add_nothing(struct html *html, const struct html_map *map)
{
	if (has_conditions(&map->conditions))
		HTML(html, "<p class=\"empty\">No call is like that. <a href=\"/map\">Show the "
			   "whole map</a></p>\n");
	else
		HTML(html, "<p class=\"empty\">No traces are stored yet. The map fills when alerts "
			   "lead to traces.</p>\n");
}

void html_map_write(struct html *html, const struct html_frame *frame, const struct html_map *map)
{
	html_frame_begin(html, frame);
	HTML(html, "<div class=\"title\"><h1>Service map <span class=\"count\">");
	map_add_count(html, (int64_t)map->part->nnodes, "service", "services");
	HTML(html, ", ");
	map_add_count(html, (int64_t)map->part->nedges, "edge", "edges");
	HTML(html, "</span></h1>");
	if (map->all->nnodes)
		map_add_filters(html, map);
	HTML(html, "</div>\n");
	map_add_basis(html, frame, map);
	if (map->part->nnodes)
		map_add_drawing(html, map);
	else
		map_add_nothing(html, map);
	if (map->part->nedges) {
		HTML(html, "<h2>Edges</h2>\n<p class=\"hint\">A call is undocumented while no rule "
			   "names its caller or its callee; rules list no dependencies.</p>\n");
		map_add_table(html, map, frame->now_us);
	}
	html_frame_end(html, frame);
}
