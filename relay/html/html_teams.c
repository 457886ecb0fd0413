/* HTML teams: who is paged, how often and how well; and one team with its services and pagers. */
#include "tracepager/html_pages.h"

#include <string.h>

#include "tracepager/limits.h"

#include "html_parts-internal.h"

/* ---- figures ---- */

static void team_add_share(struct html *html, int64_t part, int64_t whole)
{
	if (!whole) {
		HTML(html, "–");
		return;
	}
	html_int(html, (part * 200 / whole + 1) / 2);
	HTML(html, " %");
}

static void team_add_wait(struct html *html, int64_t wait_us)
{
	if (wait_us < 0)
		HTML(html, "–");
	else
		html_age(html, wait_us);
}

/* ---- the list ---- */

static void teams_add_number(struct html *html, int64_t number)
{
	HTML(html, "\">");
	html_int(html, number);
	HTML(html, "</td>");
}

static void teams_add_row(struct html *html, const struct html_team *team)
{
	HTML(html, "<tr><th scope=\"row\" class=\"what\"><a href=\"/teams/");
	html_url_part(html, team->name);
	HTML(html, "\">");
	html_text(html, team->name);
	HTML(html, "</a>");
	if (!*team->title) {
		HTML(html, "<span class=\"env\">not in the rules any more</span>");
	} else if (strcmp(team->title, team->name) != 0) {
		HTML(html, "<span class=\"env\">");
		html_text(html, team->title);
		HTML(html, "</span>");
	}
	HTML(html, "</th><td class=\"number\" data-label=\"Open");
	teams_add_number(html, team->open);
	HTML(html, "<td class=\"number\" data-label=\"Pages, 7 days");
	teams_add_number(html, team->recent);
	HTML(html, "<td class=\"number\" data-label=\"Pages, 30 days");
	teams_add_number(html, team->pages);
	HTML(html, "<td class=\"number\" data-label=\"Acknowledged\">");
	team_add_share(html, team->acknowledged, team->pages);
	HTML(html, "</td><td class=\"number\" data-label=\"Median time to it\">");
	team_add_wait(html, team->wait_us);
	HTML(html, "</td><td class=\"number\" data-label=\"Useful");
	teams_add_number(html, team->useful);
	HTML(html, "<td class=\"number\" data-label=\"Noise");
	teams_add_number(html, team->noise);
	HTML(html, "<td class=\"number\" data-label=\"Handed on");
	teams_add_number(html, team->handed_on);
	HTML(html, "<td class=\"number\" data-label=\"Got from others");
	teams_add_number(html, team->handed_in);
	HTML(html, "</tr>\n");
}

void html_teams_write(struct html *html, const struct html_frame *frame,
		      const struct html_teams *teams)
{
	html_frame_begin(html, frame);
	HTML(html,
	     "<h1>Teams</h1>\n<p class=\"hint\">Pages of incidents that were opened within "
	     "the last 30 days. A page is the first time that an incident asks a pager of the "
	     "team; counted at most a minute ago.</p>\n"
	     "<table class=\"teams\"><thead><tr><th scope=\"col\">Team</th>"
	     "<th scope=\"col\" class=\"number\">Open</th>"
	     "<th scope=\"col\" class=\"number\">Pages, 7 days</th>"
	     "<th scope=\"col\" class=\"number\">30 days</th>"
	     "<th scope=\"col\" class=\"number\">Acknowledged</th>"
	     "<th scope=\"col\" class=\"number\">Median time</th>"
	     "<th scope=\"col\" class=\"number\">Useful</th>"
	     "<th scope=\"col\" class=\"number\">Noise</th>"
	     "<th scope=\"col\" class=\"number\" title=\"said: not ours\">Handed on</th>"
	     "<th scope=\"col\" class=\"number\" title=\"another team said: not ours\">Got</th>"
	     "</tr></thead><tbody>\n");
	for (size_t i = 0; i < teams->nteams; i++)
		teams_add_row(html, &teams->teams[i]);
	HTML(html, "</tbody></table>\n");
	if (teams->nteams < teams->nall) {
		HTML(html, "<p class=\"hint\">");
		html_int(html, (int64_t)(teams->nall - teams->nteams));
		HTML(html, " teams with fewer pages are left out.</p>\n");
	}
	html_frame_end(html, frame);
}

/* ---- one team ---- */

static void team_add_figures(struct html *html, const struct html_team *team)
{
	HTML(html, "<dl>\n<dt>Open incidents</dt><dd><a href=\"/?team=");
	html_url_part(html, team->name);
	HTML(html, "\">");
	html_int(html, team->open);
	HTML(html, "</a>; <a href=\"/past?team=");
	html_url_part(html, team->name);
	HTML(html, "\">past ones</a></dd>\n<dt>Pages</dt><dd>");
	html_int(html, team->recent);
	HTML(html, " in 7 days, ");
	html_int(html, team->pages);
	HTML(html, " in 30 days</dd>\n<dt>Acknowledged</dt><dd>");
	team_add_share(html, team->acknowledged, team->pages);
	if (team->wait_us >= 0) {
		HTML(html, ", in the median after ");
		html_age(html, team->wait_us);
	}
	HTML(html, "</dd>\n<dt>Votes</dt><dd>");
	html_int(html, team->useful);
	HTML(html, " useful, ");
	html_int(html, team->noise);
	HTML(html, " noise</dd>\n");
	HTML(html, "<dt>Handed on</dt><dd>");
	html_int(html, team->handed_on);
	HTML(html, " to others (\"not ours\"), ");
	html_int(html, team->handed_in);
	HTML(html, " got from others</dd>\n<dt>Escalated</dt><dd>");
	html_int(html, team->escalated);
	HTML(html, " went past the first step</dd>\n");
	HTML(html, "</dl>\n");
}

static void team_add_step(struct html *html, const struct html_team_page *page, size_t i)
{
	const struct html_team_step *step = &page->steps[i];

	HTML(html, "<li>");
	for (size_t k = 0; k < step->npagers; k++) {
		HTML_IF(html, k, ", ", "");
		html_text(html, step->pagers[k]);
	}
	if (step->wait_us) {
		HTML(html, "; after ");
		html_age(html, step->wait_us);
		HTML(html, " without an answer: ");
		if (i + 1 < page->nsteps) {
			HTML(html, "the next step");
		} else if (page->repeat) {
			HTML(html, "all steps again, ");
			html_int(html, page->repeat);
			HTML_IF(html, page->repeat == 1, " time, and then the fallback team",
				" times, and then the fallback team");
		} else {
			HTML(html, "the fallback team");
		}
	}
	HTML(html, "</li>\n");
}

static void team_add_escalation(struct html *html, const struct html_team_page *page)
{
	if (!*page->policy)
		return;
	HTML(html, "<h2>Escalation <span class=\"count\">");
	html_text(html, page->policy);
	HTML(html, "</span></h2>\n<ol>");
	for (size_t i = 0; i < page->nsteps; i++)
		team_add_step(html, page, i);
	HTML(html, "</ol>\n");
}

static void team_add_pagers(struct html *html, const struct html_team_page *page)
{
	if (!page->npagers)
		return;
	HTML(html, "<h2>Pagers</h2>\n<ul>");
	for (size_t i = 0; i < page->npagers; i++) {
		const struct html_team_pager *pager = &page->pagers[i];
		HTML(html, "<li><b>");
		html_text(html, pager->name);
		HTML(html, "</b> (");
		html_text(html, pager->kind);
		HTML(html, "): ");
		if (*pager->paused_by) {
			HTML(html, "<b class=\"state open\">paused</b> by ");
			html_text(html, pager->paused_by);
		} else {
			HTML_IF(html, pager->failing, "<b class=\"state open\">failing</b>",
				"<span class=\"state taken\">works</span>");
		}
		if (pager->waiting) {
			HTML(html, "; <a href=\"/queue\">");
			html_int(html, pager->waiting);
			HTML_IF(html, pager->waiting == 1, " page waits</a>", " pages wait</a>");
		}
		HTML(html, "</li>\n");
	}
	HTML(html, "</ul>\n");
}

static void team_add_services(struct html *html, const struct html_team_page *page)
{
	if (!page->nservices)
		return;
	HTML(html, "<h2>Services <span class=\"count\">");
	html_int(html, (int64_t)page->nall_services);
	HTML(html, "</span></h2>\n<ul class=\"tries\">");
	for (size_t i = 0; i < page->nservices; i++) {
		HTML(html, "<li>");
		html_text(html, page->services[i].name);
		HTML(html, " ");
		html_rule_place(html, page->services[i].place, false);
		HTML(html, "</li>\n");
	}
	HTML(html, "</ul>\n");
	if (page->nservices < page->nall_services)
		HTML(html, "<p class=\"hint\">The others stand in the <a href=\"/rules\">rules</a>."
			   "</p>\n");
}

void html_team_write(struct html *html, const struct html_frame *frame,
		     const struct html_team_page *page)
{
	const struct html_team *team = &page->team;

	html_frame_begin(html, frame);
	HTML(html, "<h1>");
	html_text(html, *team->title ? team->title : team->name);
	HTML(html, "</h1>\n<p class=\"meta\">team ");
	html_text(html, team->name);
	if (*page->channel) {
		HTML(html, " · ");
		html_text(html, page->channel);
	}
	if (*page->location) {
		HTML(html, " · ");
		html_text(html, page->location);
	}
	if (*page->place) {
		HTML(html, " · ");
		html_rule_place(html, page->place, false);
	}
	HTML_IF(html, !*team->title, " · not in the rules any more", "");
	HTML(html, "</p>\n");
	team_add_figures(html, team);
	team_add_escalation(html, page);
	team_add_pagers(html, page);
	team_add_services(html, page);
	html_frame_end(html, frame);
}
