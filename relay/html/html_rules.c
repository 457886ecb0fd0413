/* HTML rules: a set of rules as it was loaded: its files line by line, what is wrong with it, and
 * how often decisions have named each rule. */
#include "tracepager/html_pages.h"

#include <string.h>

#include "tracepager/limits.h"

#include "html_parts-internal.h"

static void rules_add_link(struct html *html, const struct html_rules *rules, const char *file,
			   int64_t line)
{
	HTML_IF(html, rules->shadow,
		"<a href=\"/rules?of=shadow&amp;file=", "<a href=\"/rules?file=");
	html_url_part(html, file);
	if (line > 0) {
		HTML(html, "&amp;line=");
		html_int(html, line);
	}
	HTML(html, "#source\">");
}

static void rules_add_head(struct html *html, const struct html_rules *rules)
{
	HTML(html, "<div class=\"title\"><h1>");
	HTML_IF(html, rules->shadow, "Shadow rules</h1>", "Rules in force</h1>");
	if (rules->shadow)
		HTML(html, "<p><a class=\"button\" href=\"/rules\">The rules in force</a></p>");
	else if (rules->has_shadow)
		HTML(html, "<p><a class=\"button\" href=\"/rules?of=shadow\">The shadow rules</a>"
			   "</p>");
	HTML(html, "</div>\n");
}

static void rules_add_count(struct html *html, int64_t n, const char *one, const char *more)
{
	html_int(html, n);
	HTML(html, " ");
	html_text(html, n == 1 ? one : more);
}

static void rules_add_facts(struct html *html, const struct html_rules *rules, int64_t now_us)
{
	HTML(html, "<dl>\n<dt>In use since</dt><dd>");
	html_time(html, rules->since_us, now_us);
	HTML(html, "</dd>\n<dt>Holds</dt><dd>");
	rules_add_count(html, rules->teams, "team", "teams");
	HTML(html, ", ");
	rules_add_count(html, rules->pagers, "pager", "pagers");
	HTML(html, ", ");
	rules_add_count(html, rules->services, "service", "services");
	HTML(html, ", ");
	rules_add_count(html, rules->signals, "signal", "signals");
	HTML(html, ", ");
	rules_add_count(html, rules->routes, "route", "routes");
	HTML(html, "</dd>\n<dt>Hash</dt><dd><code>");
	html_text(html, rules->hash);
	HTML(html, "</code></dd>\n<dt>Changes</dt><dd>");
	HTML_IF(html, rules->watched, "taken within seconds", "taken at a reload only");
	if (rules->last_us) {
		HTML(html, "; last load ");
		html_time(html, rules->last_us, now_us);
		HTML_IF(html, rules->taken, ", taken",
			", <b>not taken</b>: what is shown below stays in use");
	}
	HTML(html, "</dd>\n</dl>\n");
}

static void rules_add_hits(struct html *html, const struct html_rules *rules)
{
	if (!rules->nall_rules)
		return;
	HTML(html, "<h2>Hits <span class=\"count\">decisions that named the rule since it was "
		   "loaded; ");
	html_int(html, (int64_t)rules->nunhit);
	HTML(html, " of ");
	html_int(html, (int64_t)rules->nall_rules);
	HTML(html,
	     " rules had none</span></h2>\n<table class=\"hits\"><thead><tr><th>Rule</th>"
	     "<th>Name</th><th>Place</th><th class=\"number\">Hits</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < rules->nrules; i++) {
		const struct html_rule *rule = &rules->rules[i];
		HTML(html, "<tr><td>");
		html_text(html, rule->rule);
		HTML(html, "</td><td>");
		html_text(html, rule->name);
		HTML(html, "</td><td>");
		html_rule_place(html, rule->place, rules->shadow);
		HTML(html, "</td><td class=\"number\">");
		html_int(html, rule->hits);
		HTML(html, "</td></tr>\n");
	}
	HTML(html, "</tbody></table>\n");
	if (rules->nrules < rules->nall_rules) {
		HTML(html, "<p class=\"hint\">");
		html_int(html, (int64_t)(rules->nall_rules - rules->nrules));
		HTML(html, " with fewer hits are left out; the lines below tell theirs.</p>\n");
	}
}

static void rules_add_files(struct html *html, const struct html_rules *rules)
{
	if (rules->nfiles < 2)
		return;
	HTML(html, "<p class=\"pages\">");
	for (size_t i = 0; i < rules->nfiles; i++) {
		if (strcmp(rules->files[i], rules->file) == 0) {
			HTML(html, "<b>");
			html_text(html, rules->files[i]);
			HTML(html, "</b> ");
			continue;
		}
		rules_add_link(html, rules, rules->files[i], 0);
		html_text(html, rules->files[i]);
		HTML(html, "</a> ");
	}
	HTML(html, "</p>\n");
}

static void rules_add_line(struct html *html, const struct html_rules *rules, size_t i)
{
	const struct html_source_line *line = &rules->lines[i];

	HTML_IF(html, line->hits >= 0, "<tr class=\"rule\" id=\"", "<tr id=\"");
	html_text(html, rules->file);
	HTML(html, ":");
	html_int(html, rules->first_line + (int64_t)i);
	HTML(html, "\"><td class=\"number\">");
	html_int(html, rules->first_line + (int64_t)i);
	if (line->hits < 0)
		HTML(html, "</td><td></td><td>");
	else {
		HTML_IF(html, line->hits == 0, "</td><td class=\"number none\" title=\"hits\">",
			"</td><td class=\"number\" title=\"hits\">");
		html_int(html, line->hits);
		HTML(html, "×</td><td>");
	}
	html_lines(html, line->text);
	HTML(html, "</td></tr>\n");
}

static void rules_add_source(struct html *html, const struct html_rules *rules)
{
	const int64_t end = rules->first_line + (int64_t)rules->nlines;

	HTML(html, "<h2 id=\"source\">Source <span class=\"count\">as loaded; secrets are crossed "
		   "out</span></h2>\n");
	rules_add_files(html, rules);
	if (rules->first_line > 1) {
		HTML(html, "<p>");
		rules_add_link(html, rules, rules->file, rules->first_line - 1);
		HTML(html, "Earlier lines</a></p>\n");
	}
	HTML(html, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Source\">"
		   "<table class=\"source\"><tbody>\n");
	for (size_t i = 0; i < rules->nlines; i++)
		rules_add_line(html, rules, i);
	HTML(html, "</tbody></table></div>\n");
	if (end <= rules->all_lines) {
		HTML(html, "<p>");
		rules_add_link(html, rules, rules->file, end);
		HTML(html, "Further lines</a></p>\n");
	}
}

void html_rules_write(struct html *html, const struct html_frame *frame,
		      const struct html_rules *rules)
{
	html_frame_begin(html, frame);
	rules_add_head(html, rules);
	if (rules->none) {
		HTML(html, "<p class=\"empty\">There are no shadow rules.</p>\n");
		html_frame_end(html, frame);
		return;
	}
	rules_add_facts(html, rules, frame->now_us);
	HTML(html,
	     "<p><a href=\"/what-if\">Try a change</a> on past alerts before it counts.</p>\n");
	if (rules->nfindings) {
		HTML(html, "<h2>Findings of the last load</h2>\n");
		html_findings(html, rules->findings, rules->nfindings);
	}
	rules_add_hits(html, rules);
	if (*rules->file)
		rules_add_source(html, rules);
	html_frame_end(html, frame);
}
