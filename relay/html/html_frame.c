/*
 * HTML frame: the head with its tabs, notices, and the foot of a page; the page that asks for a
 * token; a page of one sentence.
 */
#include "tracepager/html_pages.h"

#include <string.h>

#include "config.h"
#include "tracepager/xalloc.h"

static const struct {
	const char *path, *text, *title;
} html_tabs[] = {
#define HTML_TAB(id, path, text, title) { path, text, title },
#include "tracepager/tbl/tabs.def"
#undef HTML_TAB
};

/* Browsers keep styles and scripts for good: a new version has another address. */
#define STATIC_VERSION "?v=" PACKAGE_VERSION

static void frame_add_tabs(struct html *html, const struct html_frame *frame)
{
	HTML(html, "<nav aria-label=\"Pages\"><ul>");
	for (size_t i = 0; i < ARRAY_LEN(html_tabs); i++) {
		HTML(html, "<li><a href=\"");
		html_text(html, html_tabs[i].path);
		HTML(html, "\" title=\"");
		html_text(html, html_tabs[i].title);
		HTML_IF(html, frame->tab == i, "\" aria-current=\"page\">", "\">");
		html_text(html, html_tabs[i].text);
		HTML(html, "</a></li>");
	}
	HTML(html, "</ul></nav>");
}

static void frame_add_reader(struct html *html, const struct html_frame *frame)
{
	if (!*frame->who)
		return;
	HTML(html, "<div class=\"reader\"><span>");
	html_text_cut(html, frame->who, 40);
	HTML_IF(html, frame->may_act, "", " (reads only)");
	HTML(html, "</span>");
	if (frame->has_session) {
		HTML(html, "<form method=\"post\" action=\"/logout\"><input type=\"hidden\" "
			   "name=\"n\" value=\"");
		html_text(html, frame->mark);
		HTML(html, "\"><button class=\"quiet\">Sign out</button></form>");
	}
	HTML(html, "</div>");
}

/* What whoever opens any page must know first. */
static void frame_add_warnings(struct html *html, const struct html_frame *frame)
{
	if (frame->not_ready) {
		HTML(html, "<p class=\"notice bad\" role=\"alert\">tracepager takes no alerts: ");
		html_text(html, frame->not_ready);
		HTML(html, "</p>\n");
	}
	if (frame->unreached) {
		HTML(html, "<p class=\"notice bad\" role=\"alert\"><a href=\"/?state=unreached\">");
		html_int(html, (int64_t)frame->unreached);
		HTML_IF(html, frame->unreached == 1, " open incident has", " open incidents have");
		HTML(html, " reached nobody</a>: no pager has taken the page.</p>\n");
	}
	if (frame->notice && *frame->notice) {
		HTML_IF(html, frame->refused, "<p class=\"notice bad\" role=\"alert\">",
			"<p class=\"notice\" role=\"status\">");
		html_text(html, frame->notice);
		HTML(html, "</p>\n");
	}
}

void html_frame_begin(struct html *html, const struct html_frame *frame)
{
	HTML(html, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
		   "<meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" "
		   "content=\"noindex\"><meta name=\"format-detection\" content=\"telephone=no\">"
		   "<link rel=\"icon\" href=\"data:,\"><title>");
	html_text_cut(html, frame->title, 120);
	HTML(html, " · tracepager</title>"
		   "<link rel=\"stylesheet\" href=\"/static/tracepager.css" STATIC_VERSION "\">"
		   "<script src=\"/static/tracepager.js" STATIC_VERSION "\" defer></script>"
		   "</head>\n<body");
	if (frame->live) {
		HTML(html, " data-live=\"/events?since=");
		html_int(html, (int64_t)frame->changes);
		HTML(html, "\"");
	}
	HTML(html, ">");
	HTML(html, "<a class=\"skip\" href=\"#main\">Skip to the page</a>\n"
		   "<header><a class=\"name\" href=\"/\">tracepager</a>");
	frame_add_tabs(html, frame);
	frame_add_reader(html, frame);
	HTML(html, "</header>\n<main id=\"main\" tabindex=\"-1\">\n");
	frame_add_warnings(html, frame);
}

void html_frame_end(struct html *html, const struct html_frame *frame)
{
	HTML(html, "</main>\n<footer>tracepager " PACKAGE_VERSION " · shown ");
	html_time(html, frame->now_us, frame->now_us);
	HTML(html, " · <a href=\"/metrics\">metrics</a> · <a href=\"/-/ready\">state</a></footer>"
		   "</body></html>\n");
}

void html_login_write(struct html *html, const struct html_frame *frame, const char *next)
{
	html_frame_begin(html, frame);
	HTML(html, "<h1>Sign in</h1>\n<form class=\"narrow\" method=\"post\" action=\"/login\">"
		   "<input type=\"hidden\" name=\"next\" value=\"");
	html_text(html, next);
	HTML(html, "\"><input type=\"hidden\" name=\"n\" value=\"");
	html_text(html, frame->mark);
	HTML(html, "\"><label for=\"token\">API token</label><input id=\"token\" name=\"token\" "
		   "type=\"password\" autocomplete=\"current-password\" required autofocus>"
		   "<p class=\"hint\">One of <code>tokens</code> or <code>admin_token</code> in "
		   "tracepager.yaml. What you do is kept under the token's name.</p>"
		   "<button class=\"main\">Sign in</button></form>\n");
	html_frame_end(html, frame);
}

void html_message_write(struct html *html, const struct html_frame *frame, const char *text)
{
	html_frame_begin(html, frame);
	HTML(html, "<h1>");
	html_text(html, frame->title);
	HTML(html, "</h1>\n<p>");
	html_text(html, text);
	HTML(html, "</p>\n");
	html_frame_end(html, frame);
}
