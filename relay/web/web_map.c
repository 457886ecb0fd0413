/*
 * Web map: the service map, for browsers and as JSON. web keeps one map, which grows by the
 * decisions that were stored since it was last asked for. One request at a time has it: the pool
 * reads in steps, then draws; the other requests wait for their turn. A reader waits at most
 * LIMIT_MAP_WAIT_US for the past to be read, then gets what was read so far.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "tracepager/past_map.h"
#include "tracepager/reload.h"
#include "tracepager/xalloc.h"

#include "web_job-internal.h"
#include "web_map-internal.h"
#include "web_page-internal.h"

struct map_job {
	struct web_job job;
	STAILQ_ENTRY(map_job) wait;
	struct ruleset *rules; /* a reference; NULL: there are none */
	bool as_json, written;
	int64_t until_us; /* monotonic: what was read by then is shown */
	char team[LIMIT_PATH_PLACE_BYTES], service[LIMIT_PATH_PLACE_BYTES];
	struct service_map_part conditions;
	enum html_map_sort sort;
	struct web_page page;
	struct html html; /* what is replied, the one or the other */
	struct buf json;
};

struct web_map {
	struct past_map past; /* the pool's while busy */
	bool begun, busy;
	STAILQ_HEAD(map_job_list, map_job) waiting;
};

void web_map_free(struct web_map *map)
{
	if (map && map->begun)
		past_map_fini(&map->past);
	free(map);
}

/* ---- reading, on a pool thread ---- */

/* The map is as old as the traces that are kept. A day later it begins anew. */
static void begin_map(struct web_map *map, int64_t now_us)
{
	const int64_t since_us = now_us - LIMIT_MAP_WINDOW_US;

	if (map->begun && map->past.basis.since_us > since_us - US_PER_DAY)
		return;
	if (map->begun)
		past_map_fini(&map->past);
	past_map_init(&map->past, since_us > 0 ? since_us : 0);
	map->begun = true;
}

/* 1: all is read; 0: there is more; -errno with err. */
static int read_map_step(const struct map_job *one, struct history *history, struct err *err)
{
	struct web_map *map = one->job.web->map;
	const struct clock *clock = one->job.web->clock;
	const int64_t until_us = clock_mono_us(clock) + LIMIT_MAP_STEP_US;
	int result;

	begin_map(map, clock_wall_us(clock));
	while ((result = past_map_step(&map->past, history, err)) > 0)
		if (clock_mono_us(clock) >= until_us)
			return 0;
	return result < 0 ? result : 1;
}

static int order_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t map_teams(const struct map_job *one, const struct service_map_view *view,
			const char **teams)
{
	size_t n = 0, pos = 0, named = 0;
	const struct team *team;

	for (size_t i = 0; i < view->nnodes; i++)
		named += view->nodes[i].team != NULL;
	while (named && one->rules && n < LIMIT_PAGE_TEAMS &&
	       (team = rules_each_team(one->rules, &pos)))
		teams[n++] = team->name;
	qsort(teams, n, sizeof(*teams), order_names);
	return n;
}

static void write_map_page(struct map_job *one, struct arena *arena,
			   const struct service_map_view *all, const struct service_map_view *part)
{
	const struct service_map_part drawn_part = { .most_nodes = LIMIT_MAP_DRAWN_NODES,
						     .most_edges = LIMIT_MAP_DRAWN_EDGES };
	const char *teams[LIMIT_PAGE_TEAMS];
	struct service_map_view drawn;
	struct html_map map = { .basis = &one->job.web->map->past.basis,
				.all = all,
				.part = part,
				.drawn = &drawn,
				.conditions = one->conditions,
				.sort = one->sort,
				.teams = teams };

	service_map_select(part, &drawn_part, arena, &drawn);
	map.nteams = map_teams(one, all, teams);
	html_init(&one->html, LIMIT_PAGE_HTML_BYTES);
	html_map_write(&one->html, &one->page.frame, &map);
}

static void write_map(struct map_job *one)
{
	const struct web_map *map = one->job.web->map;
	struct arena *arena = arena_new(4 * LIMIT_MAP_BYTES);
	struct service_map_view all, part;

	past_map_read(&map->past, arena, one->rules, &all);
	service_map_select(&all, &one->conditions, arena, &part);
	if (one->as_json)
		past_map_write_json(&part, &map->past.basis, &one->json);
	else
		write_map_page(one, arena, &all, &part);
	one->written = true;
	arena_free(arena);
}

static int map_job_look(struct web_job *job, struct history *history, struct err *err)
{
	struct map_job *one = (struct map_job *)job;
	struct past_map *past = &job->web->map->past;
	int result = read_map_step(one, history, err);

	if (result < 0 || (result == 0 && clock_mono_us(job->web->clock) < one->until_us))
		return result;
	past->basis.waiting = 0;
	if (result == 0 && (result = past_map_count_rest(past, history, err)) < 0)
		return result;
	write_map(one);
	return 0;
}

/* ---- turns, on the loop thread ---- */

static void map_job_start(struct map_job *one)
{
	const struct web_ops *ops = &one->job.web->ops;
	const struct reload *reload = ops->ruleset(ops->ctx, RELOAD_LIVE);
	struct ruleset *rules = reload ? reload_rules(reload) : NULL;

	one->job.web->map->busy = true;
	one->rules = rules ? rules_ref(rules) : NULL;
	web_job_look(&one->job);
}

/* The next request has its turn. */
static void map_release(struct web_map *map)
{
	struct map_job *next = STAILQ_FIRST(&map->waiting);

	map->busy = false;
	if (!next)
		return;
	STAILQ_REMOVE_HEAD(&map->waiting, wait);
	map_job_start(next);
}

static void map_job_fail(struct map_job *one)
{
	struct html html;

	if (one->as_json) {
		web_job_fail(&one->job);
		return;
	}
	html_init(&html, LIMIT_PAGE_HTML_BYTES);
	one->page.frame.title = "The store cannot be read now";
	html_message_write(&html, &one->page.frame, "Reload this page in a moment.");
	web_page_reply(one->job.exchange, 503, &html);
	web_job_free(&one->job);
}

static void map_job_answer(struct web_job *job)
{
	struct map_job *one = (struct map_job *)job;
	struct web_map *map = job->web->map;

	if (job->result >= 0 && !one->written) {
		web_job_look(job);
		return;
	}
	if (job->result < 0) {
		map_job_fail(one);
	} else {
		if (one->as_json)
			web_reply_buf(job->exchange, NULL, &one->json);
		else
			web_page_reply(job->exchange, 200, &one->html);
		web_job_free(job);
	}
	map_release(map);
}

static void map_job_fini(struct web_job *job)
{
	struct map_job *one = (struct map_job *)job;

	rules_unref(one->rules);
	html_fini(&one->html);
	buf_fini(&one->json);
}

/* ---- requests ---- */

/* A parameter that is "1", "0" or missing. False: the request was answered. */
static bool map_query_flag(struct web_request *request, const char *name, bool *ret_flag)
{
	char text[8];

	if (!web_query_text(request, name, text, sizeof(text)))
		return false;
	*ret_flag = strcmp(text, "1") == 0;
	if (!*text || *ret_flag || strcmp(text, "0") == 0)
		return true;
	web_failf(request->exchange, 400, "%s must be 1 or 0", name);
	return false;
}

static bool map_query_depth(struct web_request *request, unsigned int *ret_depth)
{
	char text[8];

	if (!web_query_text(request, "depth", text, sizeof(text)))
		return false;
	*ret_depth = strcmp(text, "2") == 0 ? 2 : 1;
	if (!*text || strcmp(text, "1") == 0 || *ret_depth == 2)
		return true;
	web_fail(request->exchange, 400, "depth must be 1 or 2");
	return false;
}

static bool map_query_sort(struct web_request *request, enum html_map_sort *ret_sort)
{
	char text[16];

	if (!web_query_text(request, "sort", text, sizeof(text)))
		return false;
	for (int sort = 0; sort < HTML_MAP_SORTS; sort++)
		if (!*text || strcmp(text, html_map_sort_name((enum html_map_sort)sort)) == 0) {
			*ret_sort = (enum html_map_sort)sort;
			return true;
		}
	web_fail(request->exchange, 400,
		 "sort must be one of errors, calls, p50, p95, last, caller, callee");
	return false;
}

static bool map_query(struct web_request *request, struct map_job *one)
{
	struct service_map_part *part = &one->conditions;

	if (!web_query_text(request, "team", one->team, sizeof(one->team)) ||
	    !web_query_text(request, "service", one->service, sizeof(one->service)) ||
	    !map_query_depth(request, &part->depth) ||
	    !map_query_flag(request, "errors", &part->errors) ||
	    !map_query_flag(request, "undocumented", &part->unnamed) ||
	    !map_query_sort(request, &one->sort))
		return false;
	part->team = *one->team ? one->team : NULL;
	part->service = *one->service ? one->service : NULL;
	return true;
}

static struct web_map *map_of(struct web *web)
{
	if (!web->map) {
		web->map = xcalloc(1, sizeof(*web->map));
		STAILQ_INIT(&web->map->waiting);
	}
	return web->map;
}

static void serve_map(struct web_request *request, bool as_json)
{
	struct web_map *map = map_of(request->web);
	struct map_job *one = web_job_new(sizeof(*one), request->web, request->exchange);

	one->job.look = map_job_look;
	one->job.answer = map_job_answer;
	one->job.fini = map_job_fini;
	one->as_json = as_json;
	one->until_us = clock_mono_us(request->web->clock) + LIMIT_MAP_WAIT_US;
	buf_init(&one->json, LIMIT_MAP_TEXT_BYTES);
	if (!map_query(request, one)) {
		web_job_free(&one->job);
		return;
	}
	web_page_begin(&one->page, request, "Service map", HTML_TAB_MAP);
	if (map->busy)
		STAILQ_INSERT_TAIL(&map->waiting, one, wait);
	else
		map_job_start(one);
}

void web_serve_page_map(struct web_request *request)
{
	serve_map(request, false);
}

void web_serve_api_map(struct web_request *request)
{
	serve_map(request, true);
}
