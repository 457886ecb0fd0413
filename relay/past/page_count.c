/*
 * Page count: the events of each incident, in their order, become its pages and what
 * people answered to each; these become figures by team. Pure. A count owns its lists; texts are
 * the arena's.
 */
#include "tracepager/page_count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/clock.h"
#include "tracepager/xalloc.h"

/* ---- lists ---- */

void past_list_add(struct past_list *list, void *item)
{
	if ((list->n & (list->n - 1)) == 0)
		list->at = xrealloc_array(list->at, list->n ? 2 * list->n : 1, sizeof(*list->at));
	list->at[list->n++] = item;
}

void past_list_sort(struct past_list *list, int (*order)(const void *a, const void *b))
{
	if (list->n)
		qsort(list->at, list->n, sizeof(*list->at), order);
}

/* What became of one page. */
struct page_story {
	const char *team; /* NULL: that of the incident's row */
	int64_t at_us, acked_us;
	bool resolved_by_people, escalated, not_ours, gone, noise, useful, moved, handed_in;
};

struct incident_story {
	const char *team;     /* that is paged next, or has the last page; NULL: not known */
	const char *row_team; /* that has the incident now */
	int64_t opened_us;
	struct past_list pages; /* struct page_story */
	bool left;		/* the last page's team does not have the incident any more */
	bool over;		/* it has ended, or went into another incident */
};

struct decision_story {
	struct incident_story *incident;
	const char *team, *rule, *kind;
};

/* ---- stories ---- */

static struct incident_story *story_of(struct page_count *count, const char *incident)
{
	struct incident_story *story = map_get(count->story_index, incident);

	if (story)
		return story;
	story = arena_alloc(count->arena, sizeof(*story));
	*story = (struct incident_story){ .team = NULL };
	map_put(count->story_index, incident, story);
	past_list_add(&count->stories, story);
	return story;
}

void page_count_decision(struct page_count *count, const char *incident, const char *team,
			 const struct outcome *outcome)
{
	if (!*incident || !*team || !outcome->sent)
		return;
	struct incident_story *story = story_of(count, incident);
	struct decision_story *decision = arena_alloc(count->arena, sizeof(*decision));
	const char *kind = outcome->found ? outcome->kind : outcome->fallback;
	*decision = (struct decision_story){
		.incident = story,
		.team = arena_strdup(count->arena, team),
		.rule = arena_strdup(count->arena, outcome->rule),
		.kind = arena_strdup(count->arena, kind),
	};
	past_list_add(&count->decisions, decision);
	if (!story->team)
		story->team = decision->team;
}

/* The page that the incident's present team has; NULL: that team has none. */
static struct page_story *present_page(const struct incident_story *story)
{
	return story->pages.n && !story->left ? story->pages.at[story->pages.n - 1] : NULL;
}

static struct page_story *begin_page(struct page_count *count, struct incident_story *story,
				     int64_t at_us)
{
	struct page_story *page = arena_alloc(count->arena, sizeof(*page));

	*page = (struct page_story){ .team = story->team, .at_us = at_us };
	past_list_add(&story->pages, page);
	story->left = false;
	return page;
}

/* A team said "not ours": the next one has a page from that moment on. */
static void hand_on(struct page_count *count, struct incident_story *story,
		    const struct past_event *event)
{
	struct page_story *page = present_page(story);
	struct handed_on handed;

	if (!past_handed_on(count->arena, event->text, &handed))
		return;
	if (page) {
		page->team = handed.from;
		page->not_ours = true;
	}
	story->team = handed.to;
	begin_page(count, story, event->at_us)->handed_in = true;
}

/* Late traces: where they lead to another team, the next pager that is asked is of that team. */
static void improve_story(struct page_count *count, struct incident_story *story,
			  const struct past_event *event)
{
	struct page_story *page = present_page(story);

	if (page && story->team && strcmp(story->team, event->who) != 0) {
		page->moved = true;
		story->left = true;
	}
	story->team = arena_strdup(count->arena, event->who);
}

static void resolve_page(const struct incident_story *story, struct page_story *page,
			 const struct past_event *event)
{
	if (*event->who)
		page->resolved_by_people = true;
	else
		page->gone = event->at_us - story->opened_us <= GONE_WITHIN_US;
}

/* "run 1 step 1: …" begins an escalation, and a page that rings again repeats its pagers. */
static bool is_further_step(const char *text)
{
	int run, step;

	if (sscanf(text, "run %d step %d", &run, &step) == 2)
		return run > 1 || step > 1;
	return strncmp(text, "all runs", strlen("all runs")) == 0;
}

/* What the present team answers, or what becomes of its page. */
static void answer_page(const struct incident_story *story, struct page_story *page,
			const struct past_event *event)
{
	if (strcmp(event->event, "acknowledged") == 0) {
		if (!page->acked_us)
			page->acked_us = event->at_us;
	} else if (strcmp(event->event, "escalated") == 0) {
		page->escalated |= is_further_step(event->text);
	} else if (strcmp(event->event, "resolved") == 0) {
		resolve_page(story, page, event);
	} else if (strcmp(event->event, "moved") == 0) {
		page->moved = true;
	} else if (strcmp(event->event, "useful") == 0 || strcmp(event->event, "noise") == 0) {
		page->useful = *event->event == 'u'; /* the last word counts */
		page->noise = !page->useful;
	}
}

void page_count_event(struct page_count *count, const struct past_event *event)
{
	struct incident_story *story = story_of(count, event->incident);
	struct page_story *page = present_page(story);

	story->opened_us = event->opened_us;
	if (!story->row_team || strcmp(story->row_team, event->team) != 0)
		story->row_team = arena_strdup(count->arena, event->team);
	story->over |= strcmp(event->event, "resolved") == 0 || strcmp(event->event, "moved") == 0;
	if (strcmp(event->event, "paged") == 0) {
		if (!page)
			begin_page(count, story, event->at_us);
	} else if (strcmp(event->event, "rerouted") == 0) {
		hand_on(count, story, event);
	} else if (strcmp(event->event, "improved") == 0) {
		improve_story(count, story, event);
	} else if (page) {
		answer_page(story, page, event);
	}
}

/* ---- figures ---- */

static struct page_figures *figures_of(struct page_count *count, const char *team)
{
	struct page_figures *figures = map_get(count->team_index, team);

	if (figures)
		return figures;
	figures = arena_alloc(count->arena, sizeof(*figures));
	*figures = (struct page_figures){
		.team = team,
		.rule = count->rules ? rules_team(count->rules, team) : NULL,
	};
	figures->location = figures->rule ? figures->rule->location : NULL;
	map_put(count->team_index, team, figures);
	past_list_add(&count->teams, figures);
	return figures;
}

static void figures_add(struct page_figures *figures, const struct page_story *page,
			unsigned int hour, bool recent)
{
	bool acked = page->acked_us != 0;
	bool answered = acked || page->not_ours || page->resolved_by_people;

	figures->pages++;
	figures->recent += recent;
	figures->handed_in += page->handed_in;
	figures->hours[hour]++;
	figures->acknowledged += acked;
	figures->resolved_by_people += page->resolved_by_people;
	figures->escalated += page->escalated;
	figures->not_ours += page->not_ours;
	figures->gone += page->gone;
	figures->noise += page->noise;
	figures->useful += page->useful;
	figures->moved += page->moved;
	figures->unanswered += !answered && !page->gone && !page->moved;
	figures->false_pages += page->not_ours || page->noise || (page->gone && !acked);
	if (!acked)
		return;
	if ((figures->nwaits & (figures->nwaits - 1)) == 0)
		figures->waits_us =
			xrealloc_array(figures->waits_us, figures->nwaits ? 2 * figures->nwaits : 1,
				       sizeof(*figures->waits_us));
	/* The clock may step back between the two. */
	figures->waits_us[figures->nwaits++] =
		page->acked_us > page->at_us ? page->acked_us - page->at_us : 0;
}

static void add_pages(struct page_count *count, const struct incident_story *story)
{
	for (size_t i = 0; i < story->pages.n; i++) {
		const struct page_story *page = story->pages.at[i];
		struct page_figures *figures =
			figures_of(count, page->team ? page->team : story->row_team);
		unsigned int hour = team_week_hour(figures->rule, page->at_us);
		const bool recent = page->at_us >= count->recent_us;
		figures_add(figures, page, hour, recent);
		figures_add(&count->all, page, hour, recent);
	}
	if (story->row_team && !story->over) {
		figures_of(count, story->row_team)->open++;
		count->all.open++;
	}
}

static bool team_refused(const struct decision_story *decision)
{
	const struct past_list *pages = &decision->incident->pages;

	for (size_t i = 0; i < pages->n; i++) {
		const struct page_story *page = pages->at[i];
		if (page->not_ours && page->team && strcmp(page->team, decision->team) == 0)
			return true;
	}
	return false;
}

static void count_verdict(struct page_count *count, struct map *index, struct past_list *list,
			  const char *name, bool not_ours)
{
	struct verdict_figures *figures = map_get(index, name);

	if (!figures) {
		figures = arena_alloc(count->arena, sizeof(*figures));
		*figures = (struct verdict_figures){ .name = name };
		map_put(index, name, figures);
		past_list_add(list, figures);
	}
	figures->decisions++;
	figures->not_ours += not_ours;
}

static void count_verdicts(struct page_count *count)
{
	struct map *rules = map_new(), *kinds = map_new();

	for (size_t i = 0; i < count->decisions.n; i++) {
		const struct decision_story *decision = count->decisions.at[i];
		bool not_ours = team_refused(decision);
		if (!decision->incident->row_team)
			continue; /* it was opened before the period: its answers are not read */
		count_verdict(count, rules, &count->by_rule, decision->rule, not_ours);
		count_verdict(count, kinds, &count->by_kind, decision->kind, not_ours);
	}
	map_free(rules);
	map_free(kinds);
}

/* ---- order ---- */

static int by_wait(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int by_team_pages(const void *a, const void *b)
{
	const struct page_figures *x = *(struct page_figures *const *)a,
				  *y = *(struct page_figures *const *)b;

	if (x->pages != y->pages)
		return x->pages < y->pages ? 1 : -1;
	return strcmp(x->team, y->team);
}

static int by_wrong_verdicts(const void *a, const void *b)
{
	const struct verdict_figures *x = *(struct verdict_figures *const *)a,
				     *y = *(struct verdict_figures *const *)b;

	if (x->not_ours != y->not_ours)
		return x->not_ours < y->not_ours ? 1 : -1;
	if (x->decisions != y->decisions)
		return x->decisions < y->decisions ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void sort_waits(struct page_figures *figures)
{
	if (figures->nwaits)
		qsort(figures->waits_us, figures->nwaits, sizeof(*figures->waits_us), by_wait);
}

void page_count_finish(struct page_count *count)
{
	for (size_t i = 0; i < count->stories.n; i++)
		add_pages(count, count->stories.at[i]);
	count_verdicts(count);
	sort_waits(&count->all);
	for (size_t i = 0; i < count->teams.n; i++)
		sort_waits(count->teams.at[i]);
	past_list_sort(&count->teams, by_team_pages);
	past_list_sort(&count->by_rule, by_wrong_verdicts);
	past_list_sort(&count->by_kind, by_wrong_verdicts);
}

int64_t page_figures_wait_us(const struct page_figures *figures, unsigned int percent)
{
	size_t rank = (figures->nwaits * percent + 99) / 100;

	return figures->nwaits ? figures->waits_us[rank ? rank - 1 : 0] : -1;
}

int64_t page_percent(int64_t part, int64_t whole)
{
	return whole ? (part * 200 / whole + 1) / 2 : 0;
}

/* ---- life ---- */

void page_count_init(struct page_count *count, struct arena *arena, const struct ruleset *rules)
{
	*count = (struct page_count){
		.arena = arena,
		.rules = rules,
		.story_index = map_new(),
		.team_index = map_new(),
		.all = { .team = "all" },
	};
}

void page_count_fini(struct page_count *count)
{
	for (size_t i = 0; i < count->stories.n; i++)
		free(((struct incident_story *)count->stories.at[i])->pages.at);
	for (size_t i = 0; i < count->teams.n; i++)
		free(((struct page_figures *)count->teams.at[i])->waits_us);
	free(count->all.waits_us);
	free(count->stories.at);
	free(count->teams.at);
	free(count->decisions.at);
	free(count->by_rule.at);
	free(count->by_kind.at);
	map_free(count->story_index);
	map_free(count->team_index);
}
