/*
 * HTML incident: one incident for whoever was woken by it: what broke and who has it, what can be
 * done, why it is thought so, and what happened so far.
 */
#include "tracepager/html_pages.h"

#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#include "html_parts-internal.h"

/* ---- what is known at a glance ---- */

#define TOLD_MOST 6

/* Who was paged, and with what result. */
static void incident_add_told(struct html *html, const struct incident_view *view)
{
	static const struct {
		const char *state, *text;
	} results[] = { { "asked", "no answer yet" },	   { "reached", "has the page" },
			{ "refused", "refused the page" }, { "spared", "not sent" },
			{ "ending", "its page ends" },	   { "told", "its page is over" } };
	const size_t n = view->nrecipients < TOLD_MOST ? view->nrecipients : TOLD_MOST;

	if (!n || html_incident_is_over(view))
		return;
	HTML(html, "<p>Paged: ");
	for (size_t i = 0; i < n; i++) {
		const char *result = view->recipients[i].state;
		for (size_t j = 0; j < ARRAY_LEN(results); j++)
			if (strcmp(view->recipients[i].state, results[j].state) == 0)
				result = results[j].text;
		HTML_IF(html, i, ", <b>", "<b>");
		html_text(html, view->recipients[i].pager);
		HTML(html, "</b> (");
		html_text(html, result);
		HTML(html, ")");
	}
	if (n < view->nrecipients) {
		HTML(html, " and <a href=\"#recipients\">");
		html_int(html, (int64_t)(view->nrecipients - n));
		HTML(html, " more</a>");
	}
	HTML(html, "</p>\n");
}

/* Who has it; where nobody was reached, as an alarm that says what to do. */
static void incident_add_state(struct html *html, const struct incident_view *view, int64_t now_us)
{
	if (!view->unreached || html_incident_is_over(view) || *view->acked_by || view->silenced) {
		html_incident_state(html, view, now_us);
		return;
	}
	HTML(html, "<p class=\"alarm\"><b>Nobody has it: no pager has taken its page.</b> Call "
		   "somebody of team ");
	html_text(html, view->team);
	HTML(html,
	     ", or press “I have it”. <a href=\"#story\">What happened</a> says why; mend the "
	     "pager: the page is sent again by itself.</p>\n");
}

/* What to do, what to mind, and the links as buttons: the runbook comes first. */
static void incident_add_advice(struct html *html, const struct incident_view *view)
{
	const struct page *page = view->page;
	size_t shown = 0;

	if (page->banner && *page->banner) {
		HTML(html, "<p class=\"advice\">");
		html_text(html, page->banner);
		HTML(html, "</p>\n");
	}
	if (page->what_to_do && *page->what_to_do && !html_incident_is_over(view)) {
		HTML(html, "<p><b>What to do:</b> ");
		html_text(html, page->what_to_do);
		HTML(html, "</p>\n");
	}
	for (size_t i = 0; i < page->nlinks; i++) {
		if (!html_is_address(page->links[i].href))
			continue;
		HTML_IF(html, shown++, " ", "<p class=\"links\">");
		html_link(html, page->links[i].href, page->links[i].text);
	}
	HTML_IF(html, shown, "</p>\n", "");
}

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
	HTML(html, "\"><button disabled hidden></button>\n");
	if (!html_incident_is_over(incident->view)) {
		HTML(html, "<div class=\"buttons\">");
		incident_add_acts(html, incident);
		HTML(html,
		     "</div>\n<p class=\"hint\">“I have it” stops further pages. “Resolve” ends "
		     "the incident; alerts that still fire page nobody until they have ended "
		     "once.</p>\n");
	}
	HTML_IF(html, *incident->text, "<details open>", "<details>");
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

/* Whose doing the event was: a person or pager, or an alert by its id. */
static void event_add_who(struct html *html, const struct html_event *event)
{
	const bool of_alert =
		strcmp(event->event, "opened") == 0 || strcmp(event->event, "joined") == 0 ||
		strcmp(event->event, "left") == 0 || strcmp(event->event, "ended") == 0 ||
		strcmp(event->event, "refired") == 0;

	HTML_IF(html, of_alert && *event->who, "<code class=\"hint\">alert ", "");
	html_text(html, event->who);
	HTML_IF(html, of_alert && *event->who, "</code>", "");
}

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
		event_add_who(html, event);
		if (strcmp(event->event, "held") == 0)
			HTML(html,
			     "<span class=\"words\">no alert fires: it resolves when the hold "
			     "is over</span>");
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

/* The facts of the page, which all pagers tell. */
static void incident_add_known(struct html *html, const struct page *page)
{
	HTML(html, "<section><h2 id=\"why\">What is known</h2>\n<dl>\n");
	html_incident_reasons(html, page);
	HTML(html, "</dl></section>\n");
}

/* What the store has of the decision. */
static void incident_add_verdict(struct html *html, const struct html_incident *incident)
{
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
	HTML(html, "<article class=\"incident\"><div id=\"live\">\n<h1>");
	html_text(html, view->summary);
	HTML(html, "</h1>\n");
	html_incident_meta(html, view, true, frame->now_us);
	incident_add_state(html, view, frame->now_us);
	html_incident_next(html, view, frame->now_us);
	incident_add_told(html, view);
	incident_add_advice(html, view);
	HTML(html, "</div>\n");
	incident_add_form(html, frame, incident);
	incident_add_known(html, view->page);
	incident_add_trace(html, incident);
	incident_add_verdict(html, incident);
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
