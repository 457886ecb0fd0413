/* HTML link page: what opens behind a page's link; see html_pages.h. */
#include "tracepager/html_pages.h"

#include <string.h>

#include "tracepager/limits.h"

#include "html_parts-internal.h"
#include "link_css.h"

/* ---- the frame ---- */

/* The style stands within: a phone in a cellar opens the page with one request. nonce: of the
 * header Content-Security-Policy. */
static void link_begin(struct html *out, const char *nonce, const char *title)
{
	HTML(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
		  "<meta name=\"referrer\" content=\"no-referrer\"><meta name=\"robots\" "
		  "content=\"noindex\"><meta name=\"format-detection\" "
		  "content=\"telephone=no\"><title>");
	html_text(out, title);
	HTML(out, "</title><style nonce=\"");
	html_text(out, nonce);
	HTML(out, "\">" LINK_CSS "</style></head><body><main>\n");
}

static void link_end(struct html *out)
{
	HTML(out, "</main></body></html>\n");
}

/* ---- forms ---- */

static void add_button(struct html *out, bool is_main, const char *act, const char *text)
{
	HTML_IF(out, is_main, "<button class=\"main\" name=\"act\" value=\"",
		"<button name=\"act\" value=\"");
	html_text(out, act);
	HTML(out, "\">");
	html_text(out, text);
	HTML(out, "</button>\n");
}

/* "Not ours", with the team that it leads to. */
static void add_reroute(struct html *out, const struct incident_view *view)
{
	if (!view->next_team) {
		HTML(out, "<p>The rules know no further team for it. At a terminal you "
			  "can name one: tracepager incidents reroute --team NAME</p>\n");
		return;
	}
	HTML(out, "<button name=\"act\" value=\"reroute\">Not ours: page team ");
	html_text(out, view->next_team);
	HTML(out, "</button>\n");
}

static void form_add_fields(struct html *out, const struct link_page *page)
{
	HTML(out, "<label for=\"who\">Your name (optional)</label><input id=\"who\" name=\"who\" "
		  "autocomplete=\"name\" maxlength=\"");
	html_int(out, LIMIT_PERSON_BYTES / 4);
	HTML(out, "\" value=\"");
	html_text(out, page->who);
	HTML(out, "\">\n<label for=\"text\">Comment, or reason</label><textarea id=\"text\" "
		  "name=\"text\" rows=\"2\" maxlength=\"");
	html_int(out, LIMIT_ACT_TEXT_BYTES / 4);
	HTML(out, "\">");
	html_lines(out, page->text);
	HTML(out, "</textarea>\n");
}

/* Has the pager of this link the page still? Not where its team has handed the incident on. */
static bool link_has_page(const struct link_page *page)
{
	const struct incident_view_recipient *last = NULL;

	for (size_t i = 0; i < page->view->nrecipients; i++)
		if (strcmp(page->view->recipients[i].pager, page->pager) == 0)
			last = &page->view->recipients[i];
	return !last || (strcmp(last->state, "told") != 0 && strcmp(last->state, "ending") != 0);
}

static void add_form(struct html *out, const struct link_page *page)
{
	const struct incident_view *view = page->view;
	const bool handed_on = !html_incident_is_over(view) && !link_has_page(page);
	const bool over = handed_on || html_incident_is_over(view);

	if (handed_on) {
		HTML(out, "<p>It was handed on: this page of yours is over. Team ");
		html_text(out, view->team);
		HTML(out, " has the incident now.</p>\n");
	}
	HTML(out, "<form method=\"post\" action=\"");
	html_url_part(out, page->incident);
	HTML(out, "\" accept-charset=\"utf-8\"><input type=\"hidden\" name=\"t\" value=\"");
	html_text(out, page->token);
	HTML(out, "\"><input type=\"hidden\" name=\"n\" value=\"");
	html_text(out, page->mark);
	HTML(out, "\"><input type=\"hidden\" name=\"from\" value=\"");
	html_text(out, view->team);
	/* The return key in the name's field presses the first button: this one does nothing. */
	HTML(out, "\"><button disabled hidden></button>\n");
	if (!over && !*view->acked_by)
		add_button(out, true, "acknowledge", "I have it");
	html_incident_facts(out, view->page);
	form_add_fields(out, page);
	add_button(out, false, "comment", "Comment");
	if (!over) {
		add_reroute(out, view);
		if (*view->acked_by)
			add_button(out, false, "acknowledge", "I have it");
		add_button(out, false, "resolve", "Resolve");
		if (!view->silenced)
			add_button(out, false, "silence", "Silence for 1 hour");
	}
	HTML(out, "<h2>Was this page worth it?</h2><div class=\"pair\">");
	add_button(out, false, "useful", "Useful");
	add_button(out, false, "noise", "Noise");
	HTML(out, "</div></form>\n");
}

/* ---- the whole ---- */

void link_page_write(struct html *out, const struct link_page *page)
{
	const struct incident_view *view = page->view;

	link_begin(out, page->nonce, view->summary);
	if (page->notice && *page->notice) {
		HTML_IF(out, page->refused, "<p class=\"notice bad\" role=\"status\">",
			"<p class=\"notice\" role=\"status\">");
		html_text(out, page->notice);
		HTML(out, "</p>\n");
	}
	html_incident_state(out, view, page->now_us);
	HTML(out, "<h1>");
	html_text(out, view->summary);
	HTML(out, "</h1>\n");
	html_incident_meta(out, view, false, page->now_us);
	html_incident_next(out, view, page->now_us);
	add_form(out, page);
	html_waterfall_text(out, view->page);
	HTML(out, "<footer>Incident ");
	html_text(out, view->id);
	HTML(out, ", page sent to ");
	html_text(out, page->pager);
	HTML(out, ". Whoever has this link can act on the incident.</footer>\n");
	link_end(out);
}

void link_message_write(struct html *out, const char *nonce, const char *title, const char *text)
{
	link_begin(out, nonce, title);
	HTML(out, "<h1>");
	html_text(out, title);
	HTML(out, "</h1>\n<p>");
	html_text(out, text);
	HTML(out, "</p>\n");
	link_end(out);
}
