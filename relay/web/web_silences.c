/*
 * Web silences: /api/v1/silences: those of the rules and those made at run time, and what people do
 * to the latter: make one, change its end, end it. What was done is told when it is on disk.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/silence.h"
#include "tracepager/xalloc.h"

#include "web-internal.h"
#include "web_act-internal.h"

static struct incidents *silences_of(const struct web *web)
{
	return web->ops.incidents(web->ops.ctx);
}

static void silence_write_view(const struct web *web, const struct incident_silence_view *view,
			       struct buf *out)
{
	silence_spec_write(view->spec, view->of_rules ? view->place : NULL,
			   clock_wall_us(web->clock), out);
}

/* ---- GET /api/v1/silences ---- */

struct silence_list {
	const struct web *web;
	char state[32];
	size_t limit, n;
	bool more;
	int64_t last_us;
	char last[SILENCE_ID_SIZE];
	struct buf out;
};

/* Those of the rules come first and do not count against the limit: a cursor leads behind one that
 * was made at run time. */
static bool list_on_silence(void *ctx, const struct incident_silence_view *view)
{
	struct silence_list *list = ctx;
	const char *end = buf_text(&list->out);

	if (*list->state && strcmp(list->state, view->state) != 0)
		return true;
	if (!view->of_rules && list->n == list->limit) {
		list->more = true;
		return false;
	}
	buf_puts(&list->out, end[list->out.len - 1] == '[' ? "" : ",");
	silence_write_view(list->web, view, &list->out);
	if (view->of_rules)
		return true;
	list->n++;
	list->last_us = view->spec->created_us;
	snprintf(list->last, sizeof(list->last), "%s", view->spec->id);
	return true;
}

void web_serve_silences(struct web_request *request)
{
	struct silence_list list = { .web = request->web, .out = BUF_INIT(LIMIT_INCIDENTS_BYTES) };
	char after[LIMIT_PATH_PLACE_BYTES];
	int64_t after_us;

	if (!web_query_text(request, "state", list.state, sizeof(list.state)) ||
	    !web_query_limit(request, &list.limit) ||
	    !web_query_cursor(request, &after_us, after, sizeof(after)))
		return;
	if (*list.state && strcmp(list.state, "active") != 0 &&
	    strcmp(list.state, "pending") != 0 && strcmp(list.state, "ended") != 0) {
		web_fail(request->exchange, 400, "state must be active, pending or ended");
		return;
	}
	buf_puts(&list.out, "{\"silences\":[");
	incidents_each_silence(silences_of(request->web), *after ? after : NULL, list_on_silence,
			       &list);
	web_list_end(request, &list.out, list.last_us, list.more ? list.last : NULL);
}

/* ---- GET /api/v1/silences/{id} ---- */

struct silence_show {
	const struct web *web;
	struct buf out;
};

static bool show_on_silence(void *ctx, const struct incident_silence_view *view)
{
	struct silence_show *show = ctx;

	silence_write_view(show->web, view, &show->out);
	return false;
}

void web_serve_silence(struct web_request *request)
{
	struct silence_show show = { .web = request->web, .out = BUF_INIT(LIMIT_INCIDENTS_BYTES) };

	if (incidents_view_silence(silences_of(request->web), request->param[0], show_on_silence,
				   &show)) {
		web_reply_buf(request->exchange, NULL, &show.out);
		return;
	}
	buf_fini(&show.out);
	web_failf(request->exchange, 404, "there is no silence \"%s\"", request->param[0]);
}

/* ---- what people do: told when it is on disk ---- */

struct silence_act {
	struct web_job job;
	char id[SILENCE_ID_SIZE];
};

static void silence_act_answer(struct web_job *job)
{
	const struct silence_act *act = (struct silence_act *)job;
	struct silence_show show = { .web = job->web, .out = BUF_INIT(LIMIT_INCIDENTS_BYTES) };

	if (job->result < 0) {
		web_fail(job->exchange, 503, "the store failed to keep it; ask again");
	} else {
		incidents_view_silence(silences_of(job->web), act->id, show_on_silence, &show);
		web_reply_buf(job->exchange, NULL, &show.out);
	}
	buf_fini(&show.out);
	web_job_free(job);
}

static void silence_act_tell(struct web_request *request, const char *id, int result,
			     const struct err *err)
{
	if (result < 0) {
		web_fail(request->exchange,
			 result == -ENOENT			    ? 404
			 : result == -EALREADY || result == -ENOSPC ? 409
								    : 400,
			 err->text);
		return;
	}
	struct silence_act *act = web_job_new(sizeof(*act), request->web, request->exchange);
	act->job.answer = silence_act_answer;
	snprintf(act->id, sizeof(act->id), "%s", id);
	web_job_when_durable(&act->job);
}

void web_serve_silence_add(struct web_request *request)
{
	struct err err = { 0 };
	char id[SILENCE_ID_SIZE];
	size_t len;
	const char *doc = http_exchange_body(request->exchange, &len);
	int result =
		incidents_silence_add(silences_of(request->web), doc, len, request->who, id, &err);

	silence_act_tell(request, id, result, &err);
}

static void serve_silence_end(struct web_request *request)
{
	struct arena *arena = arena_new(LIMIT_ACT_BYTES);
	struct err err = { 0 };
	const char *who;
	json_t *body;

	if (web_body_object(request, &body)) {
		if (web_member_text(request, body, "who", &who))
			silence_act_tell(
				request, request->param[0],
				incidents_silence_end(silences_of(request->web), request->param[0],
						      web_act_who(request, arena, who), &err),
				&err);
		json_decref(body);
	}
	arena_free(arena);
}

void web_serve_silence_act(struct web_request *request)
{
	struct err err = { 0 };
	size_t len;
	const char *doc = http_exchange_body(request->exchange, &len);

	if (strcmp(request->param[1], "end") == 0) {
		serve_silence_end(request);
	} else if (strcmp(request->param[1], "change") == 0) {
		int result = incidents_silence_change(silences_of(request->web), request->param[0],
						      doc, len, request->who, &err);
		silence_act_tell(request, request->param[0], result, &err);
	} else {
		web_failf(request->exchange, 404,
			  "there is no act \"%s\": change and end can be done to a silence",
			  request->param[1]);
	}
}
