/* HTML findings: the problems of rules, each with its line, its place in it, and the cure. */
#include "tracepager/html_pages.h"

#include "tracepager/limits.h"

#include "html_parts-internal.h"

static void findings_add_one(struct html *html, const struct html_finding *finding)
{
	HTML_IF(html, finding->error, "<li class=\"bad\"><b>error</b> ", "<li><b>warning</b> ");
	HTML(html, "<code>");
	html_text(html, finding->file);
	if (finding->line) {
		HTML(html, ":");
		html_int(html, finding->line);
		HTML(html, ":");
		html_int(html, finding->column);
	}
	HTML(html, "</code> ");
	html_text(html, finding->text);
	HTML(html, " <span class=\"hint\">");
	html_text(html, finding->code);
	HTML(html, "</span>");
	if (*finding->source) {
		HTML(html, "<pre tabindex=\"0\">");
		html_text_cut(html, finding->source, 200);
		HTML(html, "</pre>");
	}
	if (*finding->hint) {
		HTML(html, "<p class=\"hint\">");
		html_text(html, finding->hint);
		HTML(html, "</p>");
	}
	HTML(html, "</li>\n");
}

void html_findings(struct html *html, const struct html_finding *findings, size_t n)
{
	HTML(html, "<ul class=\"findings\">\n");
	for (size_t i = 0; i < n && i < LIMIT_PAGE_ROWS; i++)
		findings_add_one(html, &findings[i]);
	HTML(html, "</ul>\n");
	if (n > LIMIT_PAGE_ROWS) {
		HTML(html, "<p class=\"hint\">");
		html_int(html, (int64_t)(n - LIMIT_PAGE_ROWS));
		HTML(html, " more are left out; <code>tracepager check</code> tells all.</p>\n");
	}
}
