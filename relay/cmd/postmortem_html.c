/* Postmortem, HTML: a page that stands alone. Texts go through html.h, which escapes them. */
#include "postmortem-internal.h"

static void html_report_head(struct html *html, const struct report *report)
{
	HTML(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		   "style-src 'unsafe-inline'\">\n<title>");
	html_text_cut(html, report->title, 120);
	HTML(html,
	     "</title>\n<style>\n"
	     ":root{color-scheme:light dark;--line:#d5d9e0;--dim:#5b6472;--box:#f5f6f8}\n"
	     "@media (prefers-color-scheme:dark){:root{--line:#3a414d;--dim:#a3acb9;"
	     "--box:#1d2128}}\n"
	     "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:0 auto;"
	     "padding:1.5rem 1rem 4rem;overflow-wrap:anywhere}\n"
	     "h1{font-size:1.5rem;line-height:1.25}h2{font-size:1.15rem;margin:2rem 0 .5rem;"
	     "border-bottom:1px solid var(--line);padding-bottom:.25rem}\n"
	     "dl{display:grid;grid-template-columns:minmax(8rem,14rem) 1fr;gap:.25rem 1rem;"
	     "margin:.5rem 0}dt{color:var(--dim)}dd{margin:0}p{margin:.4rem 0}\n"
	     "table{border-collapse:collapse;width:100%}td,th{text-align:left;"
	     "vertical-align:top;padding:.3rem .75rem .3rem 0;border-bottom:1px solid "
	     "var(--line)}th{color:var(--dim);font-weight:600}td:first-child{white-space:nowrap;"
	     "font-variant-numeric:tabular-nums}\n"
	     "pre{background:var(--box);padding:.75rem;overflow-x:auto;font:13px/1.35 "
	     "ui-monospace,monospace;border-radius:4px}\n"
	     "@media (max-width:40rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}"
	     "td,th{display:block;border:0;padding:0}thead{display:none}"
	     "tr{display:block;padding:.4rem 0;border-bottom:1px solid var(--line)}}\n"
	     "@media print{body{max-width:none}}\n"
	     "</style>\n</head>\n<body>\n<main>\n<h1>");
	html_text(html, report->title);
	HTML(html, "</h1>\n");
}

/* What is around blocks of one kind. */
static void html_report_group(struct html *html, enum report_kind kind, bool opens)
{
	if (kind == REPORT_FACT)
		HTML_IF(html, opens, "<dl>\n", "</dl>\n");
	else if (kind == REPORT_ROW)
		HTML_IF(html, opens,
			"<table>\n<thead><tr><th scope=\"col\">When</th><th "
			"scope=\"col\">Who</th><th scope=\"col\">What</th></tr></thead>\n<tbody>\n",
			"</tbody>\n</table>\n");
}

static void html_report_block(struct html *html, const struct report_block *block)
{
	switch (block->kind) {
	case REPORT_FACT:
		HTML(html, "<dt>");
		html_text(html, block->name);
		HTML(html, "</dt><dd>");
		html_text(html, block->text);
		HTML(html, "</dd>\n");
		break;
	case REPORT_ITEM:
		HTML(html, "<p>");
		html_text(html, block->text);
		HTML(html, "</p>\n");
		break;
	case REPORT_ROW:
		HTML(html, "<tr><td>");
		html_text(html, block->name);
		HTML(html, "</td><td>");
		html_text(html, block->who);
		HTML(html, "</td><td>");
		html_text(html, block->text);
		HTML(html, "</td></tr>\n");
		break;
	case REPORT_DRAWN:
		HTML(html, "<pre>");
		html_lines(html, block->text);
		HTML(html, "</pre>\n");
		break;
	}
}

void report_write_html(const struct report *report, struct html *html)
{
	html_report_head(html, report);
	for (size_t i = 0; i < report->n; i++) {
		const struct report_section *section = &report->sections[i];
		HTML(html, "<h2>");
		html_text(html, section->title);
		HTML(html, "</h2>\n");
		for (size_t j = 0; j < section->n; j++) {
			const enum report_kind kind = section->blocks[j].kind;
			if (j == 0 || section->blocks[j - 1].kind != kind)
				html_report_group(html, kind, true);
			html_report_block(html, &section->blocks[j]);
			if (j + 1 == section->n || section->blocks[j + 1].kind != kind)
				html_report_group(html, kind, false);
		}
	}
	HTML(html, "</main>\n</body>\n</html>\n");
}
