/*
 * Web act: what a person does to an incident, from the request to the moment when it is on disk.
 * What is asked of an incident that is over and told to all is looked up in the store.
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

#include "web-internal.h"
#include "web_act-internal.h"

/* ---- an act of any request ---- */

static void act_on_durable(struct web_job *job)
{
	struct web_act *act = (struct web_act *)job;

	if (job->result < 0)
		act->outcome = WEB_ACT_NOT_KEPT;
	act->tell(act);
	web_job_free(job);
}

static bool act_on_past(void *ctx, const struct past_incident *incident)
{
	struct web_act *act = ctx;

	act->is_past = true;
	act->closed_us = incident->closed_us;
	return false;
}

static int act_look(struct web_job *job, struct history *history, struct err *err)
{
	struct web_act *act = (struct web_act *)job;

	return history_incident(history, act->act.incident, act_on_past, act, err);
}

/* Of an incident that is over: words about it are kept in its story; all else comes too late. */
static void act_on_looked(struct web_job *job)
{
	struct web_act *act = (struct web_act *)job;
	const struct web_ops *ops = &job->web->ops;
	const enum act_kind kind = act->act.kind;

	job->answer = act_on_durable;
	if (job->result < 0) {
		act->outcome = WEB_ACT_NOT_KEPT;
	} else if (!act->is_past) {
		act->outcome = WEB_ACT_UNKNOWN;
		buf_puts(&act->words, "there is no such incident");
	} else if (act->closed_us && act->closed_us <= act->ended_us) {
		act->outcome = WEB_ACT_REFUSED;
		buf_puts(&act->words, "this incident is over, and so are its links");
	} else if (kind == ACT_ACKNOWLEDGE || kind == ACT_RESOLVE || kind == ACT_REROUTE ||
		   kind == ACT_SILENCE) {
		act->outcome = WEB_ACT_REFUSED;
		buf_puts(&act->words, "this incident is over");
	} else {
		ops->note(ops->ctx, &act->act);
		act->outcome = WEB_ACT_DONE;
		buf_puts(&act->words, "noted; this incident is over");
		web_job_when_durable(job);
		return;
	}
	act->tell(act);
	web_job_free(job);
}

static void act_fini(struct web_job *job)
{
	struct web_act *act = (struct web_act *)job;

	if (act->release)
		act->release(act);
	buf_fini(&act->words);
	arena_free(act->arena);
}

struct web_act *web_act_new(size_t size, struct web *web, struct http_exchange *exchange)
{
	struct web_act *act = web_job_new(size, web, exchange);

	act->job.look = act_look;
	act->job.fini = act_fini;
	act->arena = arena_new(LIMIT_ACT_BYTES);
	buf_init(&act->words, LIMIT_ACT_WORDS_BYTES);
	return act;
}

void web_act_start(struct web_act *act)
{
	const struct web_ops *ops = &act->job.web->ops;

	act->job.answer = act_on_durable;
	switch (ops->act(ops->ctx, &act->act, &act->words)) {
	case ACT_DONE:
		act->outcome = WEB_ACT_DONE;
		break;
	case ACT_ALREADY:
		act->outcome = WEB_ACT_ALREADY;
		break;
	case ACT_OVER:
		act->outcome = WEB_ACT_REFUSED;
		break;
	case ACT_UNKNOWN:
		buf_reset(&act->words);
		act->job.answer = act_on_looked;
		web_job_look(&act->job);
		return;
	case ACT_REFUSED:
	case ACT_OUTCOME_COUNT:
		act->outcome = WEB_ACT_REFUSED;
		act->tell(act);
		web_job_free(&act->job);
		return;
	}
	web_job_when_durable(&act->job);
}

/* ---- POST /api/v1/incidents/{id}/{act} ---- */

static bool state_on_view(void *ctx, const struct incident_view *view)
{
	struct buf *out = ctx;

	buf_json_text(out, "state", view->state);
	buf_json_text(out, "team", view->team);
	buf_json_text(out, "acknowledged_by", *view->acked_by ? view->acked_by : NULL);
	return false;
}

static void api_tell(struct web_act *act)
{
	const struct web_ops *ops = &act->job.web->ops;
	struct http_exchange *exchange = act->job.exchange;
	const char *words = buf_text(&act->words);
	struct buf out = BUF_INIT(LIMIT_WEB_ERROR_BYTES);

	switch (act->outcome) {
	case WEB_ACT_UNKNOWN:
		web_failf(exchange, 404, "there is no incident \"%s\"", act->act.incident);
		return;
	case WEB_ACT_REFUSED:
		web_fail(exchange, 409, words);
		return;
	case WEB_ACT_NOT_KEPT:
		web_fail(exchange, 503, "the store failed to keep it; ask again");
		return;
	case WEB_ACT_DONE:
	case WEB_ACT_ALREADY:
		break;
	}
	buf_putc(&out, '{');
	buf_json_text(&out, "incident", act->act.incident);
	buf_json_text(&out, "outcome", act->outcome == WEB_ACT_DONE ? "done" : "already");
	buf_json_text(&out, "text", words);
	if (!ops->view(ops->ctx, act->act.incident, state_on_view, &out))
		buf_json_text(&out, "state", "closed");
	buf_putc(&out, '}');
	web_reply_buf(exchange, NULL, &out);
}

const char *web_act_who(const struct web_request *request, struct arena *arena, const char *who)
{
	const char *name = plain_words(arena, who, true);

	if (!*name || strcmp(name, request->who) == 0)
		return arena_strdup(arena, request->who);
	if (!request->web->ntokens)
		return name;
	return arena_printf(arena, "%s (token %s)", name, request->who);
}

static bool api_read_act(struct web_request *request, const json_t *body, struct web_act *act)
{
	const char *who, *text, *team;

	if (!web_member_text(request, body, "who", &who) ||
	    !web_member_text(request, body, "text", &text) ||
	    !web_member_text(request, body, "team", &team))
		return false;
	if (strlen(who) > LIMIT_PERSON_BYTES) {
		web_failf(request->exchange, 400, "who is longer than %u bytes: shorten it",
			  LIMIT_PERSON_BYTES);
		return false;
	}
	act->act.who = web_act_who(request, act->arena, who);
	act->act.text = plain_words(act->arena, text, false);
	act->act.team = plain_words(act->arena, team, true);
	if (act->act.kind != ACT_COMMENT || *act->act.text)
		return true;
	web_fail(request->exchange, 400, "a comment needs a text: {\"text\": \"…\"}");
	return false;
}

void web_serve_incident_act(struct web_request *request)
{
	const int kind = act_of(request->param[1]);
	json_t *body;

	if (kind < 0) {
		web_failf(
			request->exchange, 404,
			"there is no act \"%s\": acknowledge, resolve, reroute, comment, silence, "
			"useful and noise can be done to an incident",
			request->param[1]);
		return;
	}
	if (!web_body_object(request, &body))
		return;
	struct web_act *act = web_act_new(sizeof(*act), request->web, request->exchange);
	act->act.kind = (enum act_kind)kind;
	act->act.incident = arena_strdup(act->arena, request->param[0]);
	act->act.via = "api";
	act->tell = api_tell;
	if (api_read_act(request, body, act))
		web_act_start(act);
	else
		web_job_free(&act->job);
	json_decref(body);
}
