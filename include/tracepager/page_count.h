/*
 * Page count: what people answered to the pages of past incidents, counted by team, and how often
 * verdicts named the wrong team, counted by rule and by kind. Refuses to read the store: the caller
 * passes decisions and events. Pure; a count belongs to one thread at a time.
 *
 * A page here is the first time that an incident asks a pager of a team; a team that an incident is
 * handed on to has a page of its own. Further pagers, steps and updates are no further pages.
 */
#ifndef TRACEPAGER_PAGE_COUNT_H
#define TRACEPAGER_PAGE_COUNT_H

#include "tracepager/hash.h"
#include "tracepager/history.h"
#include "tracepager/past.h"
#include "tracepager/rules.h"

/* A list of pointers, in the order in which they were added. */
struct past_list {
	void **at; /* heap */
	size_t n;
};
void past_list_add(struct past_list *list, void *item);
void past_list_sort(struct past_list *list, int (*order)(const void *a, const void *b));

/* An incident that its relay resolved so soon after it was opened is gone by itself. */
#define GONE_WITHIN_US (5 * US_PER_MINUTE)

/* The pages of a team, or of all. */
struct page_figures {
	const char *team;	 /* the arena's */
	const char *location;	 /* "Europe/Berlin"; NULL: none is given, UTC */
	const struct team *rule; /* NULL: the rules have no such team */
	int64_t pages, acknowledged, resolved_by_people, escalated, not_ours, gone, noise, useful,
		moved, unanswered, false_pages;
	int64_t handed_in;	       /* pages that came since another team said "not ours" */
	int64_t recent;		       /* pages since recent_us */
	int64_t open;		       /* incidents that it has and that have not ended */
	int64_t hours[HOURS_PER_WEEK]; /* pages by the hour of the week, in the team's location */
	int64_t *waits_us;	       /* heap: from page to acknowledgement, rising */
	size_t nwaits;
};

/* Decisions that paged by one rule, or of one kind. */
struct verdict_figures {
	const char *name;	     /* "services.yaml:12", "peer"; the arena's */
	int64_t decisions, not_ours; /* not_ours: the paged team handed the incident on */
};

struct page_count {
	struct arena *arena;	     /* borrowed */
	const struct ruleset *rules; /* borrowed; NULL: all teams are in UTC */
	struct past_list stories, teams, decisions, by_rule, by_kind;
	struct map *story_index, *team_index;
	struct page_figures all;
	int64_t recent_us; /* set by the caller: pages since then are counted apart */
};

void page_count_init(struct page_count *count, struct arena *arena, const struct ruleset *rules);
void page_count_fini(struct page_count *count);
/* A decision of an incident. All decisions come before the first event: the first one of an
 * incident says which team was paged first. */
void page_count_decision(struct page_count *count, const char *incident, const char *team,
			 const struct outcome *outcome);
void page_count_event(struct page_count *count, const struct past_event *event);
/* Fills teams (struct page_figures, by pages), all, by_rule and by_kind (struct verdict_figures,
 * the most wrong first). */
void page_count_finish(struct page_count *count);

/* Nearest rank: the least wait that so many percent of the waits do not exceed; -1: there is none.
 */
int64_t page_figures_wait_us(const struct page_figures *figures, unsigned int percent);
/* part of whole in percent, rounded; 0 of nothing is 0. */
int64_t page_percent(int64_t part, int64_t whole);

#endif
