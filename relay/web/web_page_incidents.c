/*
 * Web page incidents: GET / for a browser: open incidents from memory, in slices that do not hold
 * the loop. Of all that the filters leave, only those that are shown are kept.
 */
#include <string.h>

#include "tracepager/xalloc.h"

#include "web_job-internal.h"
#include "web_page-internal.h"

struct page_filter {
	char team[LIMIT_PATH_PLACE_BYTES], severity[32], state[32], sort[32];
};

struct incidents_page {
	struct web_job job;
	struct web_page page;
	struct page_filter filter;
	struct timer slice; /* goes on in the next turn */
	int64_t until_us;   /* monotonic: the end of this slice */
	bool paused;
	int64_t last_us; /* of the last one that was looked at */
	char last[LIMIT_PATH_PLACE_BYTES];
	bool skipping; /* entries up to the last one are left out */
	struct arena *arena;
	struct html_incident_row rows[LIMIT_PAGE_ROWS];
	const char *teams[LIMIT_PAGE_TEAMS];
	struct html_incident_list list;
};

/* ---- filters and order ---- */

static bool page_wants_state(const char *state, const struct incident_view *view)
{
	if (strcmp(state, "silenced") == 0)
		return view->silenced;
	if (strcmp(state, "unreached") == 0)
		return view->unreached;
	return !*state || strcmp(state, view->state) == 0;
}

static bool page_wants(const struct page_filter *filter, const struct incident_view *view)
{
	return (!*filter->team || strcmp(filter->team, view->team) == 0) &&
	       (!*filter->severity ||
		strcmp(filter->severity, severity_name(view->severity)) == 0) &&
	       page_wants_state(filter->state, view);
}

/* Is somebody at it, or is nobody to be bothered? */
static bool row_is_quiet(const struct html_incident_row *row)
{
	return *row->acked_by || row->silenced || strcmp(row->state, "holding") == 0;
}

/* Does a stand before b? */
static bool row_is_before(const struct html_incident_row *a, const struct html_incident_row *b,
			  const char *sort)
{
	int order = 0;

	if (strcmp(sort, "new") == 0)
		return a->since_us > b->since_us;
	if (strcmp(sort, "team") == 0)
		order = strcmp(a->team, b->team);
	if (strcmp(sort, "age") != 0) {
		if (!order)
			order = b->unreached - a->unreached;
		if (!order)
			order = row_is_quiet(a) - row_is_quiet(b);
		if (!order)
			order = (int)b->severity - (int)a->severity;
	}
	return order ? order < 0 : a->since_us < b->since_us;
}

/* ---- gathering ---- */

/* Puts the row to its place; the last one gives way where all places are taken. */
static void rows_insert(struct incidents_page *page, const struct html_incident_row *row)
{
	struct html_incident_list *list = &page->list;
	size_t low = 0, high = list->nrows;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (row_is_before(row, &page->rows[middle], page->filter.sort))
			high = middle;
		else
			low = middle + 1;
	}
	if (low == LIMIT_PAGE_ROWS)
		return;
	if (list->nrows < LIMIT_PAGE_ROWS)
		list->nrows++;
	memmove(&page->rows[low + 1], &page->rows[low],
		(list->nrows - low - 1) * sizeof(page->rows[0]));
	page->rows[low] = *row;
	page->rows[low].id = arena_strdup(page->arena, row->id);
	page->rows[low].team = arena_strdup(page->arena, row->team);
	page->rows[low].state = arena_strdup(page->arena, row->state);
	page->rows[low].summary = arena_strdup(page->arena, row->summary);
	page->rows[low].acked_by = arena_strdup(page->arena, row->acked_by);
	page->rows[low].silenced = arena_strdup(page->arena, row->silenced);
}

static void page_add_team(struct incidents_page *page, const char *team)
{
	struct html_incident_list *list = &page->list;

	for (size_t i = 0; i < list->nteams; i++)
		if (strcmp(page->teams[i], team) == 0)
			return;
	if (list->nteams < LIMIT_PAGE_TEAMS)
		page->teams[list->nteams++] = arena_strdup(page->arena, team);
}

/* The list goes on behind an incident that may be gone meanwhile: by time and id. */
static bool page_is_behind(const struct incidents_page *page, const struct incident_view *view)
{
	return view->opened_us < page->last_us ||
	       (view->opened_us == page->last_us && strcmp(view->id, page->last) <= 0);
}

static bool incidents_page_on_view(void *ctx, const struct incident_view *view)
{
	struct incidents_page *page = ctx;

	if (page->skipping && page_is_behind(page, view))
		return true;
	if (strcmp(view->state, "resolved") != 0 && strcmp(view->state, "moved") != 0) {
		page->list.nopen++;
		page_add_team(page, view->team);
		if (page_wants(&page->filter, view)) {
			page->list.nfound++;
			rows_insert(page,
				    &(struct html_incident_row){ .id = view->id,
								 .team = view->team,
								 .state = view->state,
								 .summary = view->summary,
								 .acked_by = view->acked_by,
								 .silenced = view->silenced,
								 .severity = view->severity,
								 .since_us = view->opened_us,
								 .due_us = view->due_us,
								 .nalerts = view->nalerts,
								 .nfiring = view->nfiring,
								 .unreached = view->unreached });
		}
	}
	page->last_us = view->opened_us;
	snprintf(page->last, sizeof(page->last), "%s", view->id);
	page->paused = clock_mono_us(page->job.web->clock) >= page->until_us;
	return !page->paused;
}

static bool incidents_page_on_known(void *ctx, const struct incident_view *view)
{
	(void)ctx;
	(void)view;
	return false;
}

/* ---- the reply ---- */

static int compare_teams(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void incidents_page_reply(struct incidents_page *page)
{
	struct html_incident_list *list = &page->list;
	struct html html;

	qsort(page->teams, list->nteams, sizeof(page->teams[0]), compare_teams);
	list->rows = page->rows;
	list->teams = page->teams;
	list->team = page->filter.team;
	list->severity = page->filter.severity;
	list->state = page->filter.state;
	list->sort = page->filter.sort;
	html_init(&html, LIMIT_PAGE_HTML_BYTES);
	html_incidents_write(&html, &page->page.frame, list);
	web_page_reply(page->job.exchange, 200, &html);
	web_job_free(&page->job);
}

static void incidents_page_slice(void *arg)
{
	struct incidents_page *page = arg;
	const struct web *web = page->job.web;
	const struct web_ops *ops = &web->ops;
	const bool known =
		*page->last && ops->view(ops->ctx, page->last, incidents_page_on_known, NULL);

	page->skipping = *page->last && !known;
	page->paused = false;
	page->until_us = clock_mono_us(web->clock) + LIMIT_SLICE_US;
	ops->each(ops->ctx, known ? page->last : NULL, incidents_page_on_view, page);
	if (page->paused)
		timer_arm(web->timers, &page->slice, clock_mono_us(web->clock));
	else
		incidents_page_reply(page);
}

static void incidents_page_fini(struct web_job *job)
{
	struct incidents_page *page = (struct incidents_page *)job;

	timer_disarm(job->web->timers, &page->slice);
	arena_free(page->arena);
}

void web_serve_page_incidents(struct web_request *request)
{
	struct incidents_page *page = web_job_new(sizeof(*page), request->web, request->exchange);
	struct page_filter *filter = &page->filter;

	page->job.fini = incidents_page_fini;
	page->arena = arena_new(LIMIT_PAGE_HTML_BYTES);
	page->slice = (struct timer){ .fire = incidents_page_slice, .arg = page };
	if (!web_query_text(request, "team", filter->team, sizeof(filter->team)) ||
	    !web_query_text(request, "severity", filter->severity, sizeof(filter->severity)) ||
	    !web_query_text(request, "state", filter->state, sizeof(filter->state)) ||
	    !web_query_text(request, "sort", filter->sort, sizeof(filter->sort))) {
		web_job_free(&page->job);
		return;
	}
	web_page_begin(&page->page, request, "Open incidents", HTML_TAB_INCIDENTS);
	web_page_follow(&page->page, request->web);
	incidents_page_slice(page);
}
