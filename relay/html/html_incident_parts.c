/* HTML incident parts: what the page behind a link and the page of an incident both show. */
#include "html_parts-internal.h"

#include <string.h>

void html_severity(struct html *html, enum severity severity)
{
	HTML(html, "<span class=\"severity ");
	html_text(html, severity_name(severity));
	HTML(html, "\">");
	html_text(html, severity_name(severity));
	HTML(html, "</span>");
}

/* ---- who has it, and what comes next ---- */

static bool view_is(const struct incident_view *view, const char *state)
{
	return strcmp(view->state, state) == 0;
}

bool html_incident_is_over(const struct incident_view *view)
{
	return strcmp(view->state, "resolved") == 0 || strcmp(view->state, "moved") == 0 ||
	       strcmp(view->state, "closed") == 0;
}

void html_incident_state(struct html *out, const struct incident_view *view, int64_t now_us)
{
	const bool taken = *view->acked_by;

	HTML_IF(out,
		html_incident_is_over(view) || taken || view->silenced || view_is(view, "holding"),
		"<p class=\"state taken\">", "<p class=\"state open\">");
	if (view_is(view, "moved")) {
		HTML(out, "It has moved to another incident");
		if (view->page->moved_to_team && *view->page->moved_to_team) {
			HTML(out, ", which team ");
			html_text(out, view->page->moved_to_team);
			HTML(out, " has");
		}
	} else if (html_incident_is_over(view)) {
		HTML(out, "It is over");
		if (view->closed_us) {
			HTML(out, " since ");
			html_clock(out, view->closed_us, now_us);
		}
	} else if (taken) {
		html_text(out, view->acked_by);
		HTML(out, " has it");
	} else if (view_is(view, "holding")) {
		HTML(out, "Its alerts have ended; nobody took it");
	} else if (view->silenced) {
		HTML(out, "It is silenced by ");
		html_text(out, view->silenced);
	} else if (view->unreached) {
		HTML(out, "Nobody has it: no pager has taken its page");
	} else {
		HTML(out, "Nobody has it yet");
	}
	HTML(out, "</p>\n");
}

/* Of "2026-11-29T03:20:00Z: pages ledger-lead" the words; NULL: no step follows. */
static const char *next_step(const struct incident_view *view)
{
	const char *escalates = view->page->escalates,
		   *words = escalates ? strstr(escalates, ": ") : NULL;

	return words && view_is(view, "open") ? words + 2 : NULL;
}

void html_incident_next(struct html *out, const struct incident_view *view, int64_t now_us)
{
	const int64_t due_us = view->due_us;
	const char *step = next_step(view);
	const char *what = NULL;

	if (step)
		what = "Unless somebody takes it:";
	else if (view_is(view, "acknowledged"))
		what = "It is open again";
	else if (view_is(view, "holding"))
		what = "It resolves by itself";
	if (!what || !due_us)
		return;
	HTML(out, "<p>");
	html_text(out, what);
	HTML(out, " ");
	if (step) {
		html_text(out, step);
		HTML(out, " ");
	}
	if (due_us <= now_us) {
		HTML(out, "now");
	} else {
		HTML(out, "at ");
		html_clock(out, due_us, now_us);
		HTML(out, ", in ");
		html_age(out, due_us - now_us);
	}
	HTML(out, ".</p>\n");
}

/* "critical · team ledger · since 03:08 UTC, for 12 min · prod eu1 · 30 alerts, 2 firing" */
void html_incident_meta(struct html *out, const struct incident_view *view, bool coloured,
			int64_t now_us)
{
	const int64_t since_us = view->page->since_us ? view->page->since_us : view->opened_us;
	const int64_t until_us = view->closed_us ? view->closed_us : now_us;

	HTML(out, "<p>");
	if (coloured)
		html_severity(out, view->severity);
	else
		html_text(out, severity_name(view->severity));
	HTML_IF(out, coloured, " team ", " · team ");
	html_text(out, view->team);
	HTML(out, " · since ");
	html_clock(out, since_us, now_us);
	HTML(out, ", for ");
	html_age(out, until_us - since_us);
	if (view->page->environment && *view->page->environment) {
		HTML(out, " · ");
		html_text(out, view->page->environment);
	}
	if (view->nalerts > 1) {
		HTML(out, " · ");
		html_int(out, (int64_t)view->nalerts);
		HTML(out, " alerts");
	}
	if (view->nalerts > 1 && view->nfiring < view->nalerts) {
		HTML(out, ", ");
		html_int(out, (int64_t)view->nfiring);
		HTML(out, " firing");
	}
	HTML(out, "</p>\n");
}

/* ---- facts ---- */

void html_fact(struct html *out, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	HTML(out, "<dt>");
	html_text(out, name);
	HTML(out, "</dt><dd>");
	html_text(out, text);
	HTML(out, "</dd>\n");
}

static void html_add_links(struct html *out, const struct page *page)
{
	size_t shown = 0;

	for (size_t i = 0; i < page->nlinks; i++) {
		if (!html_is_address(page->links[i].href))
			continue;
		HTML_IF(out, shown++, "<br>", "<dt>Links</dt><dd>");
		html_link(out, page->links[i].href, page->links[i].text);
	}
	if (shown)
		HTML(out, "</dd>\n");
}

void html_incident_facts(struct html *out, const struct page *page)
{
	HTML(out, "<dl>\n");
	html_fact(out, "What to do", page->what_to_do);
	html_add_links(out, page);
	html_fact(out, "Note", page->banner);
	html_incident_reasons(out, page);
	HTML(out, "</dl>\n");
}

void html_incident_reasons(struct html *out, const struct page *page)
{
	html_fact(out, "Why you", page->why);
	html_fact(out, "How sure", page->evidence);
	html_fact(out, "Doubts", page->limits);
	html_fact(out, "Path", page->path);
	html_fact(out, "Could be", page->could_be);
	html_fact(out, "What differs", page->what_differs);
	html_fact(out, "Burn rate", page->burn);
	html_fact(out, "Alerts", page->differs);
	html_fact(out, "Instance", page->instance);
	html_fact(out, "Labels", page->labels);
	html_fact(out, "Also paged", page->also_paged);
}

void html_waterfall_text(struct html *out, const struct page *page)
{
	if (!page->waterfall || !*page->waterfall)
		return;
	HTML(out, "<pre tabindex=\"0\">");
	html_lines(out, page->waterfall);
	HTML(out, "</pre>\n");
}
