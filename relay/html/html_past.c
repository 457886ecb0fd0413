/* HTML past: incidents that are over, the one that ended last first. */
#include "tracepager/html_pages.h"

#include "tracepager/limits.h"

#include "html_parts-internal.h"

static void past_add_field(struct html *html, const char *name, const char *label,
			   const char *value)
{
	HTML(html, "<label>");
	html_text(html, label);
	HTML(html, " <input name=\"");
	html_text(html, name);
	HTML(html, "\" value=\"");
	html_text(html, value);
	HTML(html, "\"></label>");
}

static void past_add_filters(struct html *html, const struct html_past_list *list)
{
	HTML(html, "<form class=\"filters\" method=\"get\" action=\"/past\">");
	past_add_field(html, "text", "Words in it", list->text);
	past_add_field(html, "team", "Team", list->team);
	html_choose_severity(html, list->severity);
	if (list->drills)
		HTML(html, "<input type=\"hidden\" name=\"drills\" value=\"1\">");
	HTML(html, "<button>Search</button></form>\n");
}

static void past_add_row(struct html *html, const struct html_incident_row *row, int64_t now_us)
{
	HTML(html, "<tr><td>");
	html_severity(html, row->severity);
	HTML(html, "</td><td class=\"what\"><a href=\"/incidents/");
	html_url_part(html, row->id);
	HTML(html, "\">");
	html_text(html, row->summary);
	HTML(html, "</a></td><td data-label=\"Team\">");
	html_text(html, row->team);
	HTML(html, "</td><td data-label=\"Who\">");
	html_time(html, row->closed_us, now_us);
	HTML(html, "</td><td data-label=\"For\" class=\"number\">");
	html_age(html, row->closed_us - row->since_us);
	HTML(html, "</td></tr>\n");
}

static void past_add_older(struct html *html, const struct html_past_list *list)
{
	if (!*list->cursor)
		return;
	if (list->looked_short)
		HTML(html,
		     "<p class=\"hint\">The search has looked at 20000 incidents so far.</p>\n");
	HTML(html, "<p><a class=\"button\" rel=\"next\" href=\"/past?cursor=");
	html_url_part(html, list->cursor);
	HTML(html, "&amp;text=");
	html_url_part(html, list->text);
	HTML(html, "&amp;team=");
	html_url_part(html, list->team);
	HTML(html, "&amp;severity=");
	html_url_part(html, list->severity);
	if (list->drills)
		HTML(html, "&amp;drills=1");
	HTML(html, "\">Older ones</a></p>\n");
}

void html_past_write(struct html *html, const struct html_frame *frame,
		     const struct html_past_list *list)
{
	html_frame_begin(html, frame);
	HTML(html, "<div class=\"title\"><h1>Past incidents</h1>");
	past_add_filters(html, list);
	HTML(html, "</div>\n");
	if (!list->nrows) {
		HTML_IF(html, *list->text || *list->team || *list->severity,
			"<p class=\"empty\">None is like that. <a href=\"/past\">Show "
			"all</a></p>\n",
			"<p class=\"empty\">No incident has ended yet.</p>\n");
	} else {
		HTML(html,
		     "<table class=\"incidents\"><thead><tr><th>Severity</th><th>What</th>"
		     "<th>Team</th><th>Ended</th><th class=\"number\">Lasted</th></tr></thead>"
		     "<tbody>\n");
		for (size_t i = 0; i < list->nrows; i++)
			past_add_row(html, &list->rows[i], frame->now_us);
		HTML(html, "</tbody></table>\n");
	}
	past_add_older(html, list);
	html_frame_end(html, frame);
}
