/*
 * Web incidents: /api/v1/incidents: open ones from memory, past ones and stories from the store,
 * which the pool reads; and what people do to them.
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/pack.h"
#include "tracepager/xalloc.h"

#include "web-internal.h"
#include "web_incident-internal.h"
#include "web_job-internal.h"
#include "web_notes-internal.h"

/* ---- lists ---- */

struct list_filter {
	char team[LIMIT_PATH_PLACE_BYTES], state[32], severity[32];
	char drills[8]; /* "1": also fire drills that are over */
};

struct incident_list {
	struct web_job job;
	struct timer slice; /* goes on with open ones in the next turn */
	int64_t until_us;   /* monotonic: the end of this slice */
	bool paused;
	struct list_filter filter;
	size_t limit, n, looked;
	/* Where it goes on: behind this one. "" from the start. */
	int64_t after_us;
	char after[LIMIT_PATH_PLACE_BYTES];
	bool past;     /* those that are over */
	bool drill;    /* what is looked at is one of those, and of a fire drill */
	bool skipping; /* skipping: entries up to `after` are left out */
	bool more;
	int64_t last_us;
	char last[LIMIT_PATH_PLACE_BYTES];
	struct buf out;
};

static bool list_wants(const struct list_filter *filter, const struct incident_view *view)
{
	return (!*filter->team || strcmp(filter->team, view->team) == 0) &&
	       (!*filter->state || strcmp(filter->state, view->state) == 0) &&
	       (!*filter->severity || strcmp(filter->severity, severity_name(view->severity)) == 0);
}

/* Is it at or before the place where the list goes on, by time and id? */
static bool list_is_behind(const struct incident_list *list, const struct incident_view *view)
{
	return view->opened_us < list->after_us ||
	       (view->opened_us == list->after_us && strcmp(view->id, list->after) <= 0);
}

static bool incidents_add(struct incident_list *list, const struct incident_view *view, int64_t us)
{
	const bool hidden = list->drill && strcmp(list->filter.drills, "1") != 0;

	list->looked++;
	if (!hidden && list_wants(&list->filter, view)) {
		if (list->n == list->limit) {
			list->more = true;
			return false;
		}
		buf_puts(&list->out, list->n++ ? ",{" : "{");
		web_write_view(&list->out, view, list->past);
		buf_putc(&list->out, '}');
	}
	list->last_us = us;
	snprintf(list->last, sizeof(list->last), "%s", view->id);
	if (list->past && list->looked == LIMIT_LIST_LOOKED) {
		list->more = true;
		return false;
	}
	return true;
}

static bool list_on_view(void *ctx, const struct incident_view *view)
{
	struct incident_list *list = ctx;

	if (list->skipping && list_is_behind(list, view))
		return true;
	if (!incidents_add(list, view, view->opened_us))
		return false;
	list->paused = clock_mono_us(list->job.web->clock) >= list->until_us;
	return !list->paused;
}

static bool list_on_known(void *ctx, const struct incident_view *view)
{
	(void)ctx;
	(void)view;
	return false;
}

/* Replies with what the list has. */
static void list_reply(struct incident_list *list)
{
	struct web_request request = { .web = list->job.web, .exchange = list->job.exchange };

	web_list_end(&request, &list->out, list->last_us, list->more ? list->last : NULL);
	web_job_free(&list->job);
}

/* One slice of the open ones: a thousand take longer than a turn may. The list goes on behind the
 * last one that it had, where that is still known; else behind its time. */
static void list_open(void *arg)
{
	struct incident_list *list = arg;
	const struct web *web = list->job.web;
	const struct web_ops *ops = &web->ops;
	const bool known = *list->after && ops->view(ops->ctx, list->after, list_on_known, NULL);

	list->skipping = *list->after && !known;
	list->paused = false;
	list->until_us = clock_mono_us(web->clock) + LIMIT_SLICE_US;
	ops->each(ops->ctx, known ? list->after : NULL, list_on_view, list);
	if (!list->paused) {
		list_reply(list);
		return;
	}
	list->after_us = list->last_us;
	memcpy(list->after, list->last, sizeof(list->after));
	timer_arm(web->timers, &list->slice, clock_mono_us(web->clock));
}

/* ---- lists of past incidents ---- */

static bool list_on_past(void *ctx, const struct past_incident *incident)
{
	struct incident_list *list = ctx;
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	struct page page;

	web_past_page(arena, incident, &page);
	const struct incident_view view = web_past_view(incident, &page);
	list->drill = synthetic_of_key(incident->key) != SYNTHETIC_NONE;
	const bool more = incidents_add(list, &view, incident->closed_us);
	arena_free(arena);
	return more;
}

static int list_look(struct web_job *job, struct history *history, struct err *err)
{
	struct incident_list *list = (struct incident_list *)job;

	return history_closed(history, *list->after ? list->after_us : INT64_MAX, list->after,
			      list_on_past, list, err);
}

static void list_answer(struct web_job *job)
{
	if (job->result < 0)
		web_job_fail(job);
	else
		list_reply((struct incident_list *)job);
}

static void list_fini(struct web_job *job)
{
	struct incident_list *list = (struct incident_list *)job;

	timer_disarm(job->web->timers, &list->slice);
	buf_fini(&list->out);
}

/* ---- GET /api/v1/incidents ---- */

/* Is the text one of the words, or ""? False: the request was answered. */
static bool check_word(struct web_request *request, const char *name, const char *text,
		       const char *const *words, size_t n)
{
	struct buf all = BUF_INIT(1024);

	for (size_t i = 0; i < n; i++) {
		if (!*text || strcmp(text, words[i]) == 0) {
			buf_fini(&all);
			return true;
		}
		buf_printf(&all, "%s%s", i ? ", " : "", words[i]);
	}
	web_failf(request->exchange, 400, "%s must be one of %s", name, buf_text(&all));
	buf_fini(&all);
	return false;
}

static bool read_list(struct web_request *request, struct incident_list *list)
{
	static const char *const states[] = { "open",	  "acknowledged", "holding",
					      "resolved", "moved",	  "closed" };
	static const char *const severities[] = { "info", "warning", "error", "critical" };
	struct list_filter *filter = &list->filter;

	return web_query_text(request, "team", filter->team, sizeof(filter->team)) &&
	       web_query_text(request, "state", filter->state, sizeof(filter->state)) &&
	       web_query_text(request, "severity", filter->severity, sizeof(filter->severity)) &&
	       web_query_text(request, "drills", filter->drills, sizeof(filter->drills)) &&
	       check_word(request, "state", filter->state, states, ARRAY_LEN(states)) &&
	       check_word(request, "severity", filter->severity, severities,
			  ARRAY_LEN(severities)) &&
	       web_query_limit(request, &list->limit) &&
	       web_query_cursor(request, &list->after_us, list->after, sizeof(list->after));
}

void web_serve_incidents(struct web_request *request)
{
	struct incident_list *list = web_job_new(sizeof(*list), request->web, request->exchange);

	list->job.look = list_look;
	list->job.answer = list_answer;
	list->job.fini = list_fini;
	list->slice = (struct timer){ .fire = list_open, .arg = list };
	buf_init(&list->out, LIMIT_INCIDENTS_BYTES);
	if (!read_list(request, list)) {
		web_job_free(&list->job);
		return;
	}
	buf_puts(&list->out, "{\"incidents\":[");
	list->past = strcmp(list->filter.state, "closed") == 0;
	if (list->past)
		web_job_look(&list->job);
	else
		list_open(list);
}

/* ---- GET /api/v1/incidents/{id} ---- */

struct incident_show {
	struct web_job job;
	char id[LIMIT_PATH_PLACE_BYTES];
	bool found;
	struct web_notes notes;
	struct buf out;
};

static bool show_on_view(void *ctx, const struct incident_view *view)
{
	struct incident_show *show = ctx;

	buf_putc(&show->out, '{');
	web_write_view(&show->out, view, false);
	web_write_page(&show->out, view->page);
	return false;
}

static bool show_on_past(void *ctx, const struct past_incident *incident)
{
	struct incident_show *show = ctx;
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	struct page page;

	web_past_page(arena, incident, &page);
	const struct incident_view view = web_past_view(incident, &page);
	buf_putc(&show->out, '{');
	web_write_view(&show->out, &view, true);
	web_write_page(&show->out, &page);
	arena_free(arena);
	return false;
}

/* The decision of a past incident is kept apart from its page. */
static int show_add_decision(struct incident_show *show, struct history *history, struct err *err)
{
	struct past past = { 0 };
	const int result = history_find(history, show->id, &past, err);

	if (result > 0) {
		struct buf doc = BUF_INIT(LIMIT_INCIDENTS_BYTES);
		struct err unreadable;
		if (pack_open(past.decision.data, past.decision.len, &doc, &unreadable) == 0)
			web_write_decision(&show->out, buf_text(&doc), doc.len);
		buf_fini(&doc);
	}
	past_fini(&past);
	return result;
}

static void show_on_event(void *ctx, const struct stored_event *event)
{
	struct incident_show *show = ctx;
	struct stored_event told = *event;

	web_notes_add(&show->notes, event);
	told.text = web_event_words(show->notes.arena, event);
	web_write_event(&show->out, &told);
}

static int show_look(struct web_job *job, struct history *history, struct err *err)
{
	struct incident_show *show = (struct incident_show *)job;
	int result = 0;

	if (!show->found) {
		result = history_incident(history, show->id, show_on_past, show, err);
		if (result <= 0)
			return result;
		show->found = true;
		result = show_add_decision(show, history, err);
	}
	buf_json_key(&show->out, "events");
	buf_putc(&show->out, '[');
	if (result >= 0)
		result = history_story(history, show->id, show_on_event, show, err);
	buf_putc(&show->out, ']');
	web_notes_write_json(&show->notes, &show->out);
	buf_putc(&show->out, '}');
	return result;
}

static void show_answer(struct web_job *job)
{
	struct incident_show *show = (struct incident_show *)job;

	if (job->result < 0) {
		web_job_fail(job);
		return;
	}
	if (show->found)
		web_reply_buf(job->exchange, NULL, &show->out);
	else
		web_failf(job->exchange, 404, "there is no incident \"%s\"", show->id);
	web_job_free(job);
}

static void show_fini(struct web_job *job)
{
	struct incident_show *show = (struct incident_show *)job;

	arena_free(show->notes.arena);
	buf_fini(&show->out);
}

void web_serve_incident(struct web_request *request)
{
	const struct web_ops *ops = &request->web->ops;
	struct incident_show *show = web_job_new(sizeof(*show), request->web, request->exchange);

	show->job.look = show_look;
	show->job.answer = show_answer;
	show->job.fini = show_fini;
	buf_init(&show->out, LIMIT_INCIDENTS_BYTES);
	show->notes.arena = arena_new(LIMIT_NOTES_ARENA_BYTES);
	snprintf(show->id, sizeof(show->id), "%s", request->param[0]);
	show->found = ops->view(ops->ctx, show->id, show_on_view, show);
	web_job_look(&show->job);
}
