/* HTML silences: what pages nobody and until when, and a form that makes one. */
#include "tracepager/html_pages.h"

#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#include "html_parts-internal.h"

static void silences_add_row(struct html *html, const struct html_frame *frame,
			     const struct html_silence_row *row)
{
	HTML(html, "<tr><td>");
	html_text(html, row->scope);
	HTML_IF(html, strcmp(row->state, "active") == 0, "</td><td><span class=\"state taken\">",
		"</td><td><span class=\"state\">");
	html_text(html, row->state);
	HTML(html, "</span></td><td>");
	if (row->starts_us) {
		html_time(html, row->starts_us, frame->now_us);
		HTML(html, " to ");
	}
	if (row->ends_us)
		html_time(html, row->ends_us, frame->now_us);
	HTML(html, "</td><td>");
	html_text(html, row->author);
	HTML(html, "<span class=\"due\">");
	html_text(html, row->reason);
	HTML(html, "</span></td><td><code>");
	html_text(html, row->place);
	HTML(html, "</code></td>");
	if (frame->may_act) {
		HTML(html, "<td class=\"acting\">");
		if (*row->id && strcmp(row->state, "ended") != 0)
			html_button(html, "end", row->id, "End it");
		HTML(html, "</td>");
	}
	HTML(html, "</tr>\n");
}

static void silences_add_field(struct html *html, const char *name, const char *label,
			       const char *value, const char *hint)
{
	HTML(html, "<label>");
	html_text(html, label);
	HTML(html, "<input name=\"");
	html_text(html, name);
	HTML(html, "\" placeholder=\"");
	html_text(html, hint);
	HTML(html, "\" value=\"");
	html_text(html, value);
	HTML(html, "\"></label>\n");
}

static void silences_add_form(struct html *html, const struct html_silence_form *form)
{
	static const struct {
		const char *seconds, *text;
	} durations[] = { { "1800", "30 minutes" },
			  { "3600", "1 hour" },
			  { "14400", "4 hours" },
			  { "86400", "1 day" },
			  { "604800", "1 week" } };

	HTML(html, "<h2 id=\"new\">Make one</h2>\n<div class=\"narrow fields\"><label>Labels that "
		   "must hold, one a line<textarea name=\"matchers\" rows=\"3\" class=\"code\" "
		   "placeholder=\"alertname=DiskFull\">");
	html_lines(html, form->matchers);
	HTML(html, "</textarea></label>\n");
	silences_add_field(html, "suspect", "Suspect's service", form->suspect, "ledger-*");
	silences_add_field(html, "team", "Team", form->team, "");
	HTML(html, "<label>For<select name=\"duration\">");
	for (size_t i = 0; i < ARRAY_LEN(durations); i++)
		html_option(html, durations[i].seconds, durations[i].text, form->duration);
	HTML(html, "</select></label>\n");
	silences_add_field(html, "reason", "Why", form->reason, "disks are exchanged");
	HTML(html, "<label class=\"check\"><input type=\"checkbox\" name=\"tell\" value=\"1\">"
		   "Tell those who have its incidents</label>\n");
	html_button(html, "add", "", "Silence");
	HTML(html, "</div>\n");
}

void html_silences_write(struct html *html, const struct html_frame *frame,
			 const struct html_silences *silences)
{
	html_frame_begin(html, frame);
	html_form_begin(html, "/silences", silences->mark);
	HTML(html, "<h1>Silences</h1>\n");
	if (!silences->nrows) {
		HTML(html, "<p class=\"empty\">Nothing is silenced.</p>\n");
	} else {
		HTML(html, "<div class=\"scroll\"><table "
			   "class=\"stacked\"><thead><tr><th>What</th><th>State</th>"
			   "<th>When</th><th>Who and why</th><th>Where</th>");
		HTML_IF(html, frame->may_act, "<td></td></tr></thead><tbody>\n",
			"</tr></thead><tbody>\n");
		for (size_t i = 0; i < silences->nrows; i++)
			silences_add_row(html, frame, &silences->rows[i]);
		HTML(html, "</tbody></table></div>\n");
	}
	if (silences->more)
		HTML(html, "<p class=\"hint\">Older ones are not shown: tracepager silence list "
			   "tells all.</p>\n");
	if (frame->may_act)
		silences_add_form(html, &silences->form);
	HTML(html, "</form>\n");
	html_frame_end(html, frame);
}
