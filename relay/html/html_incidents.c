/* HTML incidents: the list of what is open now, the worst first. */
#include "tracepager/html_pages.h"

#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#include "html_parts-internal.h"

/* ---- filters ---- */

static void list_add_filters(struct html *html, const struct html_incident_list *list)
{
	static const struct {
		const char *value, *text;
	} states[] = { { "open", "nobody has it" },
		       { "acknowledged", "acknowledged" },
		       { "holding", "alerts have ended" },
		       { "silenced", "silenced" },
		       { "unreached", "reached nobody" } };

	HTML(html, "<form class=\"filters\" method=\"get\" action=\"/\"><label>Team <select "
		   "name=\"team\">");
	html_option(html, "", "all teams", list->team);
	for (size_t i = 0; i < list->nteams; i++)
		html_option(html, list->teams[i], list->teams[i], list->team);
	HTML(html, "</select></label>");
	html_choose_severity(html, list->severity);
	HTML(html, "<label>State <select name=\"state\">");
	html_option(html, "", "all", list->state);
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		html_option(html, states[i].value, states[i].text, list->state);
	HTML(html, "</select></label><label>Order <select name=\"sort\">");
	html_option(html, "", "worst first", list->sort);
	html_option(html, "age", "oldest first", list->sort);
	html_option(html, "new", "newest first", list->sort);
	html_option(html, "team", "by team", list->sort);
	HTML(html, "</select></label><button>Show</button></form>\n");
}

/* ---- rows ---- */

/* Who has it, in three words. */
static void row_add_state(struct html *html, const struct html_incident_row *row)
{
	if (*row->acked_by) {
		HTML(html, "<span class=\"state taken\">");
		html_text_cut(html, row->acked_by, 40);
		HTML(html, " has it</span>");
	} else if (row->silenced) {
		HTML(html, "<span class=\"state\">silenced</span>");
	} else if (row->unreached) {
		HTML(html, "<span class=\"state open\">reached nobody</span>");
	} else if (strcmp(row->state, "holding") == 0) {
		HTML(html, "<span class=\"state taken\">its alerts have ended</span>");
	} else {
		HTML(html, "<span class=\"state open\">nobody has it</span>");
	}
}

static void row_add_due(struct html *html, const struct html_incident_row *row, int64_t now_us)
{
	if (!row->due_us)
		return;
	HTML(html, "<span class=\"due\">");
	if (*row->acked_by)
		HTML(html, "open again ");
	else if (strcmp(row->state, "holding") == 0)
		HTML(html, "resolves ");
	else
		HTML(html, "escalates ");
	if (row->due_us <= now_us) {
		HTML(html, "now");
	} else {
		HTML(html, "in ");
		html_age(html, row->due_us - now_us);
	}
	HTML(html, "</span>");
}

static void list_add_row(struct html *html, const struct html_incident_row *row, int64_t now_us)
{
	HTML_IF(html, row->unreached && !*row->acked_by, "<tr class=\"unreached\"><td>",
		"<tr><td>");
	html_severity(html, row->severity);
	HTML(html, "</td><td class=\"what\"><a href=\"/incidents/");
	html_url_part(html, row->id);
	HTML(html, "\">");
	html_text(html, row->summary);
	HTML(html, "</a>");
	if (row->environment && *row->environment) {
		HTML(html, "<span class=\"env\">");
		html_text(html, row->environment);
		HTML(html, "</span>");
	}
	HTML(html, "</td><td data-label=\"Team\">");
	html_text(html, row->team);
	HTML(html, "</td><td data-label=\"Who\">");
	row_add_state(html, row);
	row_add_due(html, row, now_us);
	HTML(html, "</td><td data-label=\"For\" class=\"number\" title=\"");
	html_clock(html, row->since_us, now_us);
	HTML(html, "\">");
	html_age(html, now_us - row->since_us);
	HTML(html, "</td><td data-label=\"Alerts\" class=\"number\">");
	html_int(html, (int64_t)row->nfiring);
	if (row->nfiring != row->nalerts) {
		HTML(html, " of ");
		html_int(html, (int64_t)row->nalerts);
	}
	HTML(html, "</td></tr>\n");
}

static bool list_is_filtered(const struct html_incident_list *list)
{
	return *list->team || *list->severity || *list->state;
}

static void list_add_nothing(struct html *html, const struct html_incident_list *list)
{
	if (list_is_filtered(list)) {
		HTML(html, "<p class=\"empty\">None of the ");
		html_int(html, (int64_t)list->nopen);
		HTML(html, " open incidents is like that. <a href=\"/\">Show all</a></p>\n");
		return;
	}
	HTML(html, "<p class=\"empty good\">Nothing is open. All is quiet.</p>\n");
}

void html_incidents_write(struct html *html, const struct html_frame *frame,
			  const struct html_incident_list *list)
{
	html_frame_begin(html, frame);
	HTML(html, "<div class=\"title\"><h1>Open incidents <span class=\"count\">");
	html_int(html, (int64_t)list->nfound);
	HTML(html, "</span></h1>");
	if (list->nopen)
		list_add_filters(html, list);
	HTML(html, "</div>\n<div id=\"live\">\n");
	if (!list->nrows) {
		list_add_nothing(html, list);
	} else {
		HTML(html, "<table class=\"incidents\"><thead><tr><th>Severity</th><th>What</th>"
			   "<th>Team</th><th>Who has it</th><th class=\"number\">Open for</th>"
			   "<th class=\"number\">Firing</th></tr></thead><tbody>\n");
		for (size_t i = 0; i < list->nrows; i++)
			list_add_row(html, &list->rows[i], frame->now_us);
		HTML(html, "</tbody></table>\n");
	}
	if (list->nrows < list->nfound) {
		HTML(html, "<p>");
		html_int(html, (int64_t)(list->nfound - list->nrows));
		HTML(html, " more are not shown: choose a team or a severity.</p>\n");
	}
	HTML(html, "</div>\n");
	html_frame_end(html, frame);
}
