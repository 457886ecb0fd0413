/*
 * HTML incident: one incident for whoever was woken by it: what broke and who has it, what can be
 * done, why it is thought so, and what happened so far.
 */
#include "tracepager/html_pages.h"

#include <string.h>

#include "tracepager/limits.h"

#include "html_parts-internal.h"

/* ---- actions ---- */

static void add_act(struct html *html, const char *act, const char *text)
{
	HTML(html, "<button name=\"act\" value=\"");
	html_text(html, act);
	HTML(html, "\">");
	html_text(html, text);
	HTML(html, "</button>\n");
}

static void incident_add_acts(struct html *html, const struct html_incident *incident)
{
	const struct incident_view *view = incident->view;

	if (html_incident_is_over(view))
		return;
	if (!*view->acked_by)
		HTML(html, "<button class=\"main\" name=\"act\" value=\"acknowledge\" "
			   "accesskey=\"a\">I have it</button>\n");
	if (view->next_team) {
		HTML(html, "<button name=\"act\" value=\"reroute\">Not ours: page ");
		html_text(html, view->next_team);
		HTML(html, "</button>\n");
	}
	add_act(html, "resolve", "Resolve");
	if (!view->silenced)
		add_act(html, "silence", "Silence for 1 hour");
	if (*view->acked_by)
		add_act(html, "acknowledge", "I have it instead");
}

static void incident_add_form(struct html *html, const struct html_frame *frame,
			      const struct html_incident *incident)
{
	if (!frame->may_act)
		return;
	HTML(html, "<form class=\"acts\" method=\"post\" action=\"/incidents/");
	html_url_part(html, incident->view->id);
	HTML(html, "\" accept-charset=\"utf-8\"><input type=\"hidden\" name=\"n\" value=\"");
	html_text(html, incident->mark);
	HTML(html, "\"><input type=\"hidden\" name=\"from\" value=\"");
	html_text(html, incident->view->team);
	/* The return key in the field presses the first button: this one does nothing. */
	HTML(html, "\"><button disabled hidden></button>\n<div class=\"buttons\">");
	incident_add_acts(html, incident);
	HTML_IF(html, *incident->text, "</div>\n<details open>", "</div>\n<details>");
	HTML(html, "<summary>Comment, or give a reason</summary><label for=\"text\">Text</label>"
		   "<textarea id=\"text\" name=\"text\" rows=\"3\" maxlength=\"");
	html_int(html, LIMIT_ACT_TEXT_BYTES / 4);
	HTML(html, "\">");
	html_lines(html, incident->text);
	HTML(html, "</textarea>");
	add_act(html, "comment", "Comment");
	HTML(html, "</details><div class=\"buttons\"><span class=\"worth\">Was this page worth it?"
		   "</span>");
	add_act(html, "useful", "Useful");
	add_act(html, "noise", "Noise");
	HTML(html, "</div></form>\n");
}

/* ---- the story ---- */

static void incident_add_story(struct html *html, const struct html_incident *incident,
			       int64_t now_us)
{
	HTML(html, "<section><h2 id=\"story\">What happened</h2>\n<ol class=\"story\">\n");
	for (size_t i = 0; i < incident->nevents; i++) {
		const struct html_event *event = &incident->events[i];
		HTML(html, "<li class=\"event-");
		html_text(html, event->event);
		HTML(html, "\">");
		html_time(html, event->at_us, now_us);
		HTML(html, " <b>");
		html_text(html, event->event);
		HTML(html, "</b> ");
		html_text(html, event->who);
		if (event->text && *event->text) {
			HTML(html, "<span class=\"words\">");
			html_text(html, event->text);
			HTML(html, "</span>");
		}
		HTML(html, "</li>\n");
	}
	HTML(html, "</ol></section>\n");
}

/* ---- notes from outside ---- */

static void incident_add_notes(struct html *html, const struct html_incident *incident,
			       int64_t now_us)
{
	if (!incident->nnotes)
		return;
	HTML(html, "<section><h2 id=\"notes\">Notes from outside</h2>\n");
	for (size_t i = 0; i < incident->nnotes; i++) {
		const struct html_note *note = &incident->notes[i];
		HTML(html, "<details class=\"note\" open><summary>");
		html_text(html, note->title);
		HTML(html, "</summary><p class=\"hint\">");
		html_text(html, note->author);
		HTML_IF(html, *note->author, ", ", "");
		html_time(html, note->at_us, now_us);
		if (*note->href) {
			HTML(html, " · ");
			html_link(html, note->href, "Open it there");
		}
		HTML(html, "</p><pre class=\"words\">");
		html_lines(html, note->text);
		HTML(html, "</pre></details>\n");
	}
	HTML(html, "</section>\n");
}

/* ---- who was told ---- */

static void incident_add_recipients(struct html *html, const struct incident_view *view)
{
	if (!view->nrecipients)
		return;
	HTML(html, "<section><h2 id=\"recipients\">Who was told</h2>\n<table><thead><tr><th>Pager"
		   "</th><th>As</th><th>State</th><th class=\"number\">Paged</th></tr></thead>"
		   "<tbody>\n");
	for (size_t i = 0; i < view->nrecipients; i++) {
		HTML(html, "<tr><td>");
		html_text(html, view->recipients[i].pager);
		HTML(html, "</td><td>");
		html_text(html, view->recipients[i].role);
		HTML(html, "</td><td>");
		html_text(html, view->recipients[i].state);
		HTML(html, "</td><td class=\"number\">");
		html_int(html, view->recipients[i].n);
		HTML(html, "</td></tr>\n");
	}
	HTML(html, "</tbody></table></section>\n");
}

/* ---- the whole ---- */

/* The facts of the page, which all pagers tell; then what the store has of the decision. */
static void incident_add_why(struct html *html, const struct html_incident *incident)
{
	const struct page *page = incident->view->page;

	HTML(html, "<section><h2 id=\"why\">What is known</h2>\n");
	html_incident_facts(html, page);
	HTML(html, "</section>\n");
	if (incident->verdict) {
		HTML(html, "<section><h2 id=\"verdict\">Why it is thought so</h2>\n");
		html_verdict(html, incident->verdict);
		HTML(html, "<p><a href=\"/what-if?incident=");
		html_url_part(html, incident->view->id);
		HTML(html, "\">What if other rules decided it?</a></p></section>\n");
	}
}

static void incident_add_trace(struct html *html, const struct html_incident *incident)
{
	const struct page *page = incident->view->page;
	const bool has_text = page->waterfall && *page->waterfall;

	if (!incident->trace && !has_text && !incident->no_trace)
		return;
	HTML(html, "<section><h2 id=\"trace\">The trace</h2>\n");
	if (incident->trace)
		html_waterfall(html, incident->trace);
	else
		html_waterfall_text(html, page);
	if (incident->no_trace) {
		HTML(html, "<p class=\"hint\">");
		html_text(html, incident->no_trace);
		HTML(html, "</p>\n");
	}
	HTML(html, "</section>\n");
}

void html_incident_write(struct html *html, const struct html_frame *frame,
			 const struct html_incident *incident)
{
	const struct incident_view *view = incident->view;

	html_frame_begin(html, frame);
	HTML(html, "<article class=\"incident\"><div id=\"live\">\n<p class=\"over\">");
	html_severity(html, view->severity);
	HTML(html, "</p>\n<h1>");
	html_text(html, view->summary);
	HTML(html, "</h1>\n");
	html_incident_meta(html, view, frame->now_us);
	html_incident_state(html, view, frame->now_us);
	html_incident_next(html, view, frame->now_us);
	HTML(html, "</div>\n");
	incident_add_form(html, frame, incident);
	incident_add_why(html, incident);
	incident_add_trace(html, incident);
	html_alerts(html, incident->alerts, incident->nalerts,
		    view->nalerts > incident->nalerts ? view->nalerts : incident->nalerts,
		    frame->now_us);
	incident_add_notes(html, incident, frame->now_us);
	incident_add_story(html, incident, frame->now_us);
	incident_add_recipients(html, view);
	HTML(html, "<p class=\"hint\">Incident <code>");
	html_text(html, view->id);
	HTML(html, "</code></p></article>\n");
	html_frame_end(html, frame);
}
