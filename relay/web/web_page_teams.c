/*
 * Web page teams: /teams and /teams/NAME for a browser. A thread of the pool counts the pages of
 * all teams from the stories of the store; the count is kept for a minute. Escalations, services
 * and pagers are those of the rules in force, and are read on the loop when the page is written.
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/page_count.h"
#include "tracepager/rules.h"
#include "tracepager/xalloc.h"

#include "web_job-internal.h"
#include "web_page-internal.h"
#include "web_teams-internal.h"

struct team_report {
	struct arena *arena;
	int64_t at_us; /* monotonic */
	const struct html_team *teams;
	size_t n;
};

struct teams_page {
	struct web_job job;
	struct web_page page;
	struct arena *arena; /* of the page */
	bool one;
	char name[LIMIT_PATH_PLACE_BYTES];
	int64_t wall_us, mono_us;
	struct team_report *report; /* just counted */
};

void team_report_free(struct team_report *report)
{
	if (!report)
		return;
	arena_free(report->arena);
	free(report);
}

/* ---- counting, on a pool thread ---- */

static void teams_on_event(void *ctx, const struct past_event *event)
{
	page_count_event(ctx, event);
}

static struct html_team team_of_figures(struct arena *arena, const struct page_figures *figures)
{
	return (struct html_team){ .name = arena_strdup(arena, figures->team),
				   .title = "",
				   .open = figures->open,
				   .pages = figures->pages,
				   .recent = figures->recent,
				   .acknowledged = figures->acknowledged,
				   .useful = figures->useful,
				   .noise = figures->noise,
				   .handed_on = figures->not_ours,
				   .handed_in = figures->handed_in,
				   .escalated = figures->escalated,
				   .wait_us = page_figures_wait_us(figures, 50) };
}

static struct team_report *make_report(const struct page_count *count, int64_t mono_us)
{
	struct team_report *report = xcalloc(1, sizeof(*report));
	struct html_team *teams;

	report->arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	report->at_us = mono_us;
	teams = arena_array(report->arena, count->teams.n + 1, sizeof(*teams));
	for (size_t i = 0; i < count->teams.n; i++)
		if (count->teams.at[i])
			teams[report->n++] = team_of_figures(report->arena, count->teams.at[i]);
	report->teams = teams;
	return report;
}

static int teams_page_look(struct web_job *job, struct history *history, struct err *err)
{
	struct teams_page *page = (struct teams_page *)job;
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	struct page_count count;

	page_count_init(&count, arena, NULL);
	count.recent_us = page->wall_us - LIMIT_TEAM_RECENT_US;
	int result = history_events(history, page->wall_us - LIMIT_TEAM_PERIOD_US, teams_on_event,
				    &count, err);
	if (result == 0) {
		page_count_finish(&count);
		page->report = make_report(&count, page->mono_us);
	}
	page_count_fini(&count);
	arena_free(arena);
	return result;
}

/* ---- what the rules and the memory know, on the loop ---- */

static const struct ruleset *teams_rules(const struct web *web)
{
	const struct reload *reload = web->ops.ruleset(web->ops.ctx, RELOAD_LIVE);

	return reload ? reload_rules(reload) : NULL;
}

static const struct html_team *report_find(const struct team_report *report, const char *name)
{
	for (size_t i = 0; i < report->n; i++)
		if (strcmp(report->teams[i].name, name) == 0)
			return &report->teams[i];
	return NULL;
}

/* Teams with pages, the most paged first, then those of the rules without one. */
static void gather_teams(struct teams_page *page, const struct team_report *report,
			 struct html_teams *ret_list)
{
	const struct ruleset *rules = teams_rules(page->job.web);
	struct html_team *teams = arena_array(page->arena, LIMIT_PAGE_ROWS, sizeof(*teams));
	const struct team *team;
	size_t n = 0, all = 0, pos = 0;

	for (size_t i = 0; i < report->n; i++, all++) {
		const struct team *known = rules ? rules_team(rules, report->teams[i].name) : NULL;
		if (n == LIMIT_PAGE_ROWS)
			continue;
		teams[n] = report->teams[i];
		teams[n++].title = known ? known->title : "";
	}
	while (rules && (team = rules_each_team(rules, &pos))) {
		if (report_find(report, team->name))
			continue;
		all++;
		if (n < LIMIT_PAGE_ROWS)
			teams[n++] = (struct html_team){ .name = team->name,
							 .title = team->title,
							 .wait_us = -1 };
	}
	*ret_list = (struct html_teams){ .teams = teams, .nteams = n, .nall = all };
}

struct pager_search {
	struct teams_page *page;
	struct html_team_pager *pagers;
	size_t n;
};

/* Fills in the state of a pager that the team has. */
static bool team_on_pager(void *ctx, const struct incident_pager_view *view)
{
	struct pager_search *search = ctx;
	struct arena *arena = search->page->arena;

	for (size_t i = 0; i < search->n; i++) {
		struct html_team_pager *pager = &search->pagers[i];
		if (strcmp(pager->name, view->name) != 0)
			continue;
		pager->paused_by = view->paused_by ? arena_strdup(arena, view->paused_by) : "";
		pager->failing = view->failing;
		pager->waiting = (int64_t)view->waiting;
	}
	return true;
}

static void add_team_pager(struct pager_search *search, const struct pager *pager)
{
	for (size_t i = 0; i < search->n; i++)
		if (strcmp(search->pagers[i].name, pager->name) == 0)
			return;
	if (search->n < LIMIT_TEAM_STEPS)
		search->pagers[search->n++] = (struct html_team_pager){
			.name = pager->name, .kind = pager_kind_name(pager->kind), .paused_by = ""
		};
}

static void gather_escalation(struct teams_page *page, const struct ruleset *rules,
			      const struct team *team, struct html_team_page *shown)
{
	const struct web *web = page->job.web;
	const struct escalation *escalation =
		escalation_of_team(page->arena, rules, team->escalation, team);
	struct html_team_step *steps = arena_array(page->arena, LIMIT_TEAM_STEPS, sizeof(*steps));
	struct pager_search search = {
		.page = page,
		.pagers = arena_array(page->arena, LIMIT_TEAM_STEPS, sizeof(*search.pagers)),
	};

	for (size_t i = 0; i < escalation->nsteps && i < LIMIT_TEAM_STEPS; i++) {
		const struct escalation_step *step = &escalation->steps[i];
		const char **names = arena_array(page->arena, step->npagers + 1, sizeof(*names));
		for (size_t k = 0; k < step->npagers; k++) {
			names[k] = step->pagers[k]->name;
			add_team_pager(&search, step->pagers[k]);
		}
		steps[shown->nsteps++] = (struct html_team_step){ .pagers = names,
								  .npagers = step->npagers,
								  .wait_us = step->wait_us };
	}
	web->ops.pagers(web->ops.ctx, team_on_pager, &search);
	shown->policy = escalation->name;
	shown->steps = steps;
	shown->repeat = escalation->repeat;
	shown->pagers = search.pagers;
	shown->npagers = search.n;
}

static void gather_services(struct teams_page *page, const struct ruleset *rules,
			    const struct team *team, struct html_team_page *shown)
{
	struct html_rule_try *kept = arena_array(page->arena, LIMIT_TEAM_SERVICES, sizeof(*kept));
	size_t n;
	const struct service_rule *const *services = rules_services(rules, &n);

	for (size_t i = 0; i < n; i++) {
		if (services[i]->owner != team)
			continue;
		if (shown->nservices < LIMIT_TEAM_SERVICES)
			kept[shown->nservices++] =
				(struct html_rule_try){ .name = services[i]->name,
							.place = services[i]->place };
		shown->nall_services++;
	}
	shown->services = kept;
}

/* ---- the reply ---- */

static void write_team(struct teams_page *page, const struct team_report *report)
{
	const struct ruleset *rules = teams_rules(page->job.web);
	const struct team *team = rules ? rules_team(rules, page->name) : NULL;
	const struct html_team *figures = report_find(report, page->name);
	struct html_team_page shown = {
		.team = { .name = page->name, .title = "", .wait_us = -1 },
		.channel = "",
		.location = "",
		.place = "",
		.policy = "",
	};
	struct html html;

	html_init(&html, LIMIT_PAGE_HTML_BYTES);
	if (figures)
		shown.team = *figures;
	if (team) {
		shown.team.title = team->title;
		shown.channel = team->channel ? team->channel : "";
		shown.location = team->location ? team->location : "";
		shown.place = team->place;
		gather_escalation(page, rules, team, &shown);
		gather_services(page, rules, team, &shown);
	}
	if (team || figures)
		html_team_write(&html, &page->page.frame, &shown);
	else
		html_message_write(
			&html, &page->page.frame,
			"The rules have no such team, and none was paged within 30 days.");
	web_page_reply(page->job.exchange, team || figures ? 200 : 404, &html);
}

static void teams_page_write(struct teams_page *page, const struct team_report *report)
{
	struct html_teams list;
	struct html html;

	page->arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	if (page->one) {
		write_team(page, report);
		return;
	}
	html_init(&html, LIMIT_PAGE_HTML_BYTES);
	gather_teams(page, report, &list);
	html_teams_write(&html, &page->page.frame, &list);
	web_page_reply(page->job.exchange, 200, &html);
}

static void teams_page_answer(struct web_job *job)
{
	struct teams_page *page = (struct teams_page *)job;

	if (job->result < 0) {
		web_job_fail(job);
		return;
	}
	team_report_free(job->web->teams);
	job->web->teams = page->report;
	page->report = NULL;
	teams_page_write(page, job->web->teams);
	web_job_free(job);
}

static void teams_page_fini(struct web_job *job)
{
	struct teams_page *page = (struct teams_page *)job;

	team_report_free(page->report);
	arena_free(page->arena);
}

static void teams_page_begin(struct web_request *request, bool one)
{
	const struct web *web = request->web;
	struct teams_page *page = web_job_new(sizeof(*page), request->web, request->exchange);

	page->job.look = teams_page_look;
	page->job.answer = teams_page_answer;
	page->job.fini = teams_page_fini;
	page->one = one;
	page->wall_us = clock_wall_us(web->clock);
	page->mono_us = clock_mono_us(web->clock);
	snprintf(page->name, sizeof(page->name), "%s", request->param[0]);
	web_page_begin(&page->page, request, one ? page->name : "Teams", HTML_TAB_TEAMS);
	if (web->teams && page->mono_us < web->teams->at_us + LIMIT_TEAM_KEPT_US) {
		teams_page_write(page, web->teams);
		web_job_free(&page->job);
		return;
	}
	web_job_look(&page->job);
}

void web_serve_page_teams(struct web_request *request)
{
	teams_page_begin(request, false);
}

void web_serve_page_team(struct web_request *request)
{
	teams_page_begin(request, true);
}
