/* HTML what if: an alert decided under other rules, beside what it was; and the form that asks. */
#include "tracepager/html_pages.h"

#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#include "html_parts-internal.h"

/* ---- the form ---- */

static void what_if_add_rules(struct html *html, const struct html_what_if *what_if)
{
	static const struct {
		const char *value, *text;
	} choices[] = {
		{ "force", "The rules in force" },
		{ "shadow", "The shadow rules" },
		{ "pasted", "The rules pasted below" },
	};

	HTML(html, "<fieldset class=\"choice\"><legend>Rules</legend>");
	for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
		if (strcmp(choices[i].value, "shadow") == 0 && !what_if->has_shadow)
			continue;
		HTML(html, "<label><input type=\"radio\" name=\"rules\" value=\"");
		html_text(html, choices[i].value);
		HTML_IF(html, strcmp(what_if->rules, choices[i].value) == 0, "\" checked> ",
			"\"> ");
		html_text(html, choices[i].text);
		HTML(html, "</label>");
	}
	HTML(html, "</fieldset>\n");
}

static void what_if_add_area(struct html *html, const char *name, const char *label,
			     const char *hint, const char *text)
{
	HTML(html, "<div><label for=\"");
	html_text(html, name);
	HTML(html, "\">");
	html_text(html, label);
	HTML(html, "</label><textarea class=\"code\" rows=\"7\" spellcheck=\"false\" id=\"");
	html_text(html, name);
	HTML(html, "\" name=\"");
	html_text(html, name);
	/* A reader drops the first line end of a textarea. */
	HTML(html, "\">\n");
	html_lines(html, text);
	HTML(html, "</textarea><p class=\"hint\">");
	html_text(html, hint);
	HTML(html, "</p></div>\n");
}

static void what_if_add_form(struct html *html, const struct html_what_if *what_if)
{
	HTML(html, "<form class=\"asking\" method=\"post\" action=\"/what-if\" "
		   "accept-charset=\"utf-8\"><input type=\"hidden\" name=\"n\" value=\"");
	html_text(html, what_if->mark);
	HTML(html, "\"><div><label for=\"incident\">Past incident or decision</label>"
		   "<input id=\"incident\" name=\"incident\" maxlength=\"200\" value=\"");
	html_text(html, what_if->id);
	HTML(html, "\"><p class=\"hint\">Its id: its alert and its traces are taken from the "
		   "store, unless others are pasted below.</p></div>\n");
	what_if_add_rules(html, what_if);
	what_if_add_area(html, "alert", "Alert",
			 "A webhook's body in any format that tracepager reads. Of several alerts "
			 "the first that fires is decided.",
			 what_if->alert);
	what_if_add_area(html, "traces", "Traces",
			 "In any encoding that tracepager reads, one document or JSON Lines; "
			 "protobuf as base64. Up to 8 MiB as sent.",
			 what_if->traces);
	what_if_add_area(
		html, "rules_text", "Rules",
		"A whole set of rules. A line \"--- # NAME.yaml\" begins a further file. No "
		"include is followed, and no file of a secret is read.",
		what_if->rules_text);
	HTML_IF(html, what_if->left_out,
		"<p class=\"hint\">What was pasted is too long to be shown again: paste it once "
		"more before you decide again.</p>\n",
		"");
	HTML(html,
	     "<div class=\"buttons\"><button class=\"main\">Decide</button>"
	     "<span class=\"hint\">Nobody is paged, and nothing is kept.</span></div></form>\n");
}

/* ---- findings ---- */

static void what_if_add_findings(struct html *html, const struct html_what_if *what_if)
{
	if (!what_if->nfindings)
		return;
	HTML(html, "<h2>What is wrong with the rules</h2>\n");
	html_findings(html, what_if->findings, what_if->nfindings);
}

/* ---- the result ---- */

static void what_if_add_row(struct html *html, const struct html_what_if *what_if,
			    const struct html_compared *row)
{
	const bool two = *what_if->was_title != '\0';
	const bool differs = two && strcmp(row->was, row->now) != 0;

	HTML_IF(html, differs, "<tr class=\"here\"><th scope=\"row\">", "<tr><th scope=\"row\">");
	html_text(html, row->what);
	HTML(html, "</th>");
	if (two) {
		HTML(html, "<td data-label=\"");
		html_text(html, what_if->was_title);
		HTML_IF(html, differs, "\"><del>", "\">");
		html_text(html, *row->was ? row->was : "–");
		HTML_IF(html, differs, "</del></td>", "</td>");
	}
	HTML(html, "<td data-label=\"");
	html_text(html, what_if->now_title);
	HTML_IF(html, differs, "\"><b>", "\">");
	html_text(html, *row->now ? row->now : "–");
	HTML_IF(html, differs, "</b></td></tr>\n", "</td></tr>\n");
}

static void what_if_add_rows(struct html *html, const struct html_what_if *what_if)
{
	HTML(html, "<table class=\"compare\"><thead><tr><td></td>");
	if (*what_if->was_title) {
		HTML(html, "<th scope=\"col\">");
		html_text(html, what_if->was_title);
		HTML(html, "</th>");
	}
	HTML(html, "<th scope=\"col\">");
	html_text(html, what_if->now_title);
	HTML(html, "</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < what_if->nrows; i++)
		what_if_add_row(html, what_if, &what_if->rows[i]);
	HTML(html, "</tbody></table>\n");
}

static void what_if_add_tries(struct html *html, const struct html_what_if *what_if,
			      const struct html_rule_try *tries, size_t n)
{
	const bool pasted = strcmp(what_if->rules, "pasted") == 0;

	HTML(html, "<ul class=\"tries\">");
	for (size_t i = 0; i < n; i++) {
		HTML(html, "<li>");
		html_text(html, tries[i].rule);
		HTML_IF(html, *tries[i].name, " <b>", " ");
		html_text(html, tries[i].name);
		HTML_IF(html, *tries[i].name, "</b> ", "");
		if (pasted) {
			HTML(html, "<code>");
			html_text(html, tries[i].place);
			HTML(html, "</code>");
		} else {
			html_rule_place(html, tries[i].place,
					strcmp(what_if->rules, "shadow") == 0);
		}
		HTML(html, ": ");
		html_text(html, tries[i].reason);
		HTML(html, "</li>\n");
	}
	HTML(html, "</ul>\n");
}

static void what_if_add_change(struct html *html, const struct html_what_if *what_if)
{
	if (*what_if->was_title) {
		if (*what_if->change) {
			HTML(html, "<p class=\"notice bad\" role=\"status\">The page changes: <b>");
			html_text(html, what_if->change);
			HTML(html, "</b></p>\n");
		} else {
			HTML(html,
			     "<p class=\"notice\" role=\"status\">The page stays the same.</p>\n");
		}
	}
	if (*what_if->summary) {
		HTML(html, "<p>The page would say: <b>");
		html_text_cut(html, what_if->summary, 500);
		HTML(html, "</b></p>\n");
	}
	for (size_t i = 0; i < what_if->nnotes; i++) {
		HTML(html, "<p class=\"hint\">");
		html_text_cut(html, what_if->notes[i], 500);
		HTML(html, "</p>\n");
	}
}

static void what_if_add_result(struct html *html, const struct html_what_if *what_if)
{
	const struct html_decided *now = what_if->now;

	what_if_add_change(html, what_if);
	what_if_add_rows(html, what_if);
	if (now->nmatched) {
		HTML(html, "<h2>Rules that matched</h2>\n");
		what_if_add_tries(html, what_if, now->matched, now->nmatched);
	}
	if (now->nmissed) {
		HTML(html, "<h2>The nearest that did not</h2>\n");
		what_if_add_tries(html, what_if, now->missed, now->nmissed);
	}
	HTML(html, "<h2>Why</h2>\n");
	html_verdict(html, &now->verdict);
}

void html_what_if_write(struct html *html, const struct html_frame *frame,
			const struct html_what_if *what_if)
{
	html_frame_begin(html, frame);
	HTML(html, "<h1>What if</h1>\n");
	if (*what_if->why_not) {
		HTML(html, "<p class=\"notice bad\" role=\"alert\">");
		html_text_cut(html, what_if->why_not, 1000);
		HTML(html, "</p>\n");
	}
	what_if_add_findings(html, what_if);
	if (what_if->now)
		what_if_add_result(html, what_if);
	else if (!what_if->nfindings && !*what_if->why_not)
		HTML(html, "<p>Decide an alert again under other rules: who would be paged, and by "
			   "which rule.</p>\n");
	HTML_IF(html, what_if->now != NULL, "<h2>Ask again</h2>\n", "");
	what_if_add_form(html, what_if);
	html_frame_end(html, frame);
}
