/* Web link page: what opens behind a page's link, as HTML. See web_link-internal.h. */
#include "web_link-internal.h"

#include <string.h>

#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"

#include "web_html-internal.h"

/* ---- times ---- */

/* "03:20 UTC", on another day "2026-11-29 03:20 UTC". */
static void add_utc(struct buf *out, int64_t us, int64_t now_us)
{
	char text[RFC3339_SIZE];
	const bool today = us / US_PER_DAY == now_us / US_PER_DAY;

	rfc3339_format(us / US_PER_SECOND * US_PER_SECOND, text);
	if (!today)
		buf_printf(out, "%.10s ", text);
	buf_printf(out, "%.5s UTC", text + 11);
}

static void add_span(struct buf *out, int64_t us)
{
	char text[PLAIN_DURATION_SIZE];

	/* Whole minutes are enough for a person. */
	if (us >= US_PER_MINUTE)
		us = us / US_PER_MINUTE * US_PER_MINUTE;
	else
		us = us / US_PER_SECOND * US_PER_SECOND;
	buf_puts(out, plain_duration(us < 0 ? 0 : us, text));
}

/* ---- who has it, and what comes next ---- */

static bool view_is(const struct link_page *page, const char *state)
{
	return strcmp(page->view->state, state) == 0;
}

bool link_page_is_over(const struct incident_view *view)
{
	return strcmp(view->state, "resolved") == 0 || strcmp(view->state, "moved") == 0 ||
	       strcmp(view->state, "closed") == 0;
}

static void link_add_state(struct buf *out, const struct link_page *page)
{
	const struct incident_view *view = page->view;
	const bool taken = *view->acked_by;

	buf_printf(out, "<p class=\"state %s\">",
		   link_page_is_over(view) || taken ? "taken" : "open");
	if (view_is(page, "moved")) {
		buf_puts(out, "It has moved to another incident");
		if (view->page->moved_to_team && *view->page->moved_to_team) {
			buf_puts(out, ", which team ");
			html_text(out, view->page->moved_to_team);
			buf_puts(out, " has");
		}
	} else if (link_page_is_over(view)) {
		buf_puts(out, "It is over");
		if (view->closed_us) {
			buf_puts(out, " since ");
			add_utc(out, view->closed_us, page->now_us);
		}
	} else if (taken) {
		html_text(out, view->acked_by);
		buf_puts(out, " has it");
	} else if (view->silenced) {
		buf_puts(out, "It is silenced");
	} else if (view->unreached) {
		buf_puts(out, "Nobody has it: no pager has taken its page");
	} else {
		buf_puts(out, "Nobody has it yet");
	}
	buf_puts(out, "</p>\n");
}

/* Of "2026-11-29T03:20:00Z: pages ledger-lead" the words; NULL: no step follows. */
static const char *next_step(const struct link_page *page)
{
	const char *escalates = page->view->page->escalates,
		   *words = escalates ? strstr(escalates, ": ") : NULL;

	return words && view_is(page, "open") ? words + 2 : NULL;
}

static void add_next(struct buf *out, const struct link_page *page)
{
	const int64_t due_us = page->view->due_us;
	const char *step = next_step(page);
	const char *what = NULL;

	if (step)
		what = "Unless somebody takes it: ";
	else if (view_is(page, "acknowledged"))
		what = "It is open again ";
	else if (view_is(page, "holding"))
		what = "Its alerts have ended: it resolves by itself ";
	if (!what || !due_us)
		return;
	buf_printf(out, "<p>%s", what);
	if (step) {
		html_text(out, step);
		buf_putc(out, ' ');
	}
	if (due_us <= page->now_us) {
		buf_puts(out, "now");
	} else {
		buf_puts(out, "at ");
		add_utc(out, due_us, page->now_us);
		buf_puts(out, ", in ");
		add_span(out, due_us - page->now_us);
	}
	buf_puts(out, ".</p>\n");
}

/* "critical · team ledger · since 03:08 UTC, for 12 min · prod eu1" */
static void add_meta(struct buf *out, const struct link_page *page)
{
	const struct incident_view *view = page->view;
	const int64_t since_us = view->page->since_us ? view->page->since_us : view->opened_us;
	const int64_t until_us = view->closed_us ? view->closed_us : page->now_us;

	buf_printf(out, "<p>%s · team ", severity_name(view->severity));
	html_text(out, view->team);
	buf_puts(out, " · since ");
	add_utc(out, since_us, page->now_us);
	buf_puts(out, ", for ");
	add_span(out, until_us - since_us);
	if (view->page->environment && *view->page->environment) {
		buf_puts(out, " · ");
		html_text(out, view->page->environment);
	}
	buf_puts(out, "</p>\n");
}

/* ---- facts ---- */

static void add_fact(struct buf *out, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	buf_printf(out, "<dt>%s</dt><dd>", name);
	html_text(out, text);
	buf_puts(out, "</dd>\n");
}

static void link_add_links(struct buf *out, const struct page *page)
{
	size_t shown = 0;

	for (size_t i = 0; i < page->nlinks; i++) {
		if (!html_is_address(page->links[i].href))
			continue;
		buf_puts(out, shown++ ? "<br>" : "<dt>Links</dt><dd>");
		buf_puts(out, "<a rel=\"noreferrer noopener\" href=\"");
		html_text(out, page->links[i].href);
		buf_puts(out, "\">");
		html_text(out, page->links[i].text);
		buf_puts(out, "</a>");
	}
	if (shown)
		buf_puts(out, "</dd>\n");
}

static void link_add_facts(struct buf *out, const struct page *page)
{
	buf_puts(out, "<dl>\n");
	add_fact(out, "What to do", page->what_to_do);
	link_add_links(out, page);
	add_fact(out, "Mind", page->banner);
	add_fact(out, "Why you", page->why);
	add_fact(out, "How sure", page->evidence);
	add_fact(out, "Doubts", page->limits);
	add_fact(out, "Path", page->path);
	add_fact(out, "Could be", page->could_be);
	add_fact(out, "What differs", page->what_differs);
	add_fact(out, "Alerts", page->differs);
	add_fact(out, "Instance", page->instance);
	add_fact(out, "Labels", page->labels);
	add_fact(out, "Also paged", page->also_paged);
	buf_puts(out, "</dl>\n");
}

/* Below the buttons: it is long. */
static void link_add_waterfall(struct buf *out, const struct page *page)
{
	if (!page->waterfall || !*page->waterfall)
		return;
	buf_puts(out, "<pre>");
	html_lines(out, page->waterfall);
	buf_puts(out, "</pre>\n");
}

/* ---- forms ---- */

static void add_button(struct buf *out, const char *class, const char *act, const char *text)
{
	buf_printf(out, "<button%s name=\"act\" value=\"%s\">%s</button>\n", class, act, text);
}

/* "Not ours", with the team that it leads to. */
static void add_reroute(struct buf *out, const struct incident_view *view)
{
	if (!view->next_team) {
		buf_puts(out, "<p>The rules know no further team for it. At a terminal you "
			      "can name one: tracepager incidents reroute --team NAME</p>\n");
		return;
	}
	buf_puts(out, "<button name=\"act\" value=\"reroute\">Not ours: page team ");
	html_text(out, view->next_team);
	buf_puts(out, "</button>\n");
}

static void form_add_fields(struct buf *out, const struct link_page *page)
{
	buf_printf(out,
		   "<label for=\"who\">Your name (optional)</label><input id=\"who\" name=\"who\" "
		   "maxlength=\"%u\" autocomplete=\"name\" value=\"",
		   LIMIT_PERSON_BYTES / 4);
	html_text(out, page->who);
	buf_printf(out,
		   "\">\n<label for=\"text\">Comment, or reason</label><textarea id=\"text\" "
		   "name=\"text\" rows=\"2\" maxlength=\"%u\">",
		   LIMIT_ACT_TEXT_BYTES / 4);
	html_lines(out, page->text);
	buf_puts(out, "</textarea>\n");
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

static void add_form(struct buf *out, const struct link_page *page)
{
	const struct incident_view *view = page->view;
	const bool handed_on = !link_page_is_over(view) && !link_has_page(page);
	const bool over = handed_on || link_page_is_over(view);

	if (handed_on) {
		buf_puts(out, "<p>It was handed on: this page of yours is over. Team ");
		html_text(out, view->team);
		buf_puts(out, " has the incident now.</p>\n");
	}
	buf_printf(out,
		   "<form method=\"post\" action=\"%s\" accept-charset=\"utf-8\">"
		   "<input type=\"hidden\" name=\"t\" value=\"%s\">"
		   "<input type=\"hidden\" name=\"n\" value=\"%s\">"
		   "<input type=\"hidden\" name=\"from\" value=\"",
		   page->incident, page->token, page->mark);
	html_text(out, view->team);
	/* The return key in the name's field presses the first button: this one does nothing. */
	buf_puts(out, "\"><button disabled hidden></button>\n");
	if (!over && !*view->acked_by)
		add_button(out, " class=\"main\"", "acknowledge", "I have it");
	link_add_facts(out, view->page);
	form_add_fields(out, page);
	add_button(out, "", "comment", "Comment");
	if (!over) {
		add_reroute(out, view);
		if (*view->acked_by)
			add_button(out, "", "acknowledge", "I have it");
		add_button(out, "", "resolve", "Resolve");
		if (!view->silenced)
			add_button(out, "", "silence", "Silence for 1 hour");
	}
	buf_puts(out, "<h2>Was this page worth it?</h2><div class=\"pair\">");
	add_button(out, "", "useful", "Useful");
	add_button(out, "", "noise", "Noise");
	buf_puts(out, "</div></form>\n");
}

/* ---- the whole ---- */

void link_page_write(struct buf *out, const struct link_page *page)
{
	const struct incident_view *view = page->view;

	html_begin(out, page->nonce, view->summary);
	if (page->notice && *page->notice) {
		buf_printf(out, "<p class=\"notice%s\" role=\"status\">",
			   page->refused ? " bad" : "");
		html_text(out, page->notice);
		buf_puts(out, "</p>\n");
	}
	link_add_state(out, page);
	buf_puts(out, "<h1>");
	html_text(out, view->summary);
	buf_puts(out, "</h1>\n");
	add_meta(out, page);
	add_next(out, page);
	add_form(out, page);
	link_add_waterfall(out, view->page);
	buf_puts(out, "<footer>Incident ");
	html_text(out, view->id);
	buf_puts(out, ", page sent to ");
	html_text(out, page->pager);
	buf_puts(out, ". Whoever has this link can act on the incident.</footer>\n");
	html_end(out);
}

void link_message_write(struct buf *out, const char *nonce, const char *title, const char *text)
{
	html_begin(out, nonce, title);
	buf_puts(out, "<h1>");
	html_text(out, title);
	buf_puts(out, "</h1>\n<p>");
	html_text(out, text);
	buf_puts(out, "</p>\n");
	html_end(out);
}
