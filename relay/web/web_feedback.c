/*
 * Web feedback: POST /feedback/PAGER, what a pager tells back. The pager's kind verifies and reads
 * it; here its acts are carried out, and answered when they are on disk.
 *
 * A pager sends again what is not answered well, and gives up on an address that fails a few times:
 * whatever is signed and understood is answered 200, also where its incident is over or unknown, or
 * where its event acted before. The reply says what became of each act.
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/pager_kind.h"
#include "tracepager/xalloc.h"

#include "feedback_memory-internal.h"
#include "web-internal.h"
#include "web_job-internal.h"

/* A request whose acts are on their way to the disk. */
struct feedback_job {
	struct web_job job;
	char *pager, *event;
	size_t nacted;
	struct buf reply;
};

bool web_feedback_needs_token(const struct web *web, const char *param)
{
	(void)web;
	(void)param;
	return true; /* the signature, which no browser has */
}

static const char *feedback_header(void *ctx, const char *name)
{
	return http_exchange_header(ctx, name);
}

/* ---- refusals ---- */

/* Without the word of web_fail() that a bearer token is wanted. */
static void fail_unsigned(struct http_exchange *exchange, const char *why)
{
	struct buf body = BUF_INIT(LIMIT_WEB_ERROR_BYTES);

	buf_puts(&body, "{\"error\": ");
	buf_json_string(&body, why);
	buf_puts(&body, "}\n");
	http_exchange_set(exchange, "WWW-Authenticate", "Signature");
	http_exchange_reply(exchange, 401, NULL, buf_text(&body), body.len, 0);
	buf_fini(&body);
}

static bool has_secret(const struct pager *pager)
{
	for (size_t i = 0; i < LIMIT_LIVE_SECRETS; i++)
		if (pager->feedback[i].value && *pager->feedback[i].value)
			return true;
	return false;
}

/* The pager of the path, if it can tell something back. NULL: the request was answered. */
static const struct pager *feedback_pager(struct web_request *request)
{
	const struct web *web = request->web;
	const struct pager *pager = web->ops.pager(web->ops.ctx, request->param[0]);

	if (!pager || !pager_kinds[pager->kind]->feedback) {
		intake_log_refusal(web->intake, INTAKE_REFUSAL_FEEDBACK_PAGER, request->exchange,
				   request->param[0]);
		if (!pager)
			web_failf(request->exchange, 404, "the rules in force have no pager \"%s\"",
				  request->param[0]);
		else
			web_failf(request->exchange, 404, "pagers of kind %s tell nothing back",
				  pager_kinds[pager->kind]->name);
		return NULL;
	}
	if (has_secret(pager))
		return pager;
	intake_log_refusal(web->intake, INTAKE_REFUSAL_FEEDBACK_SECRET, request->exchange,
			   pager->name);
	web_failf(request->exchange, 403,
		  "pager \"%s\" has no secret for what it tells back: set feedback_secret_file in "
		  "the rules",
		  pager->name);
	return NULL;
}

/* What the request says. False: it was answered. */
static bool read_feedback(struct web_request *request, const struct pager *pager,
			  struct arena *arena, struct feedback *ret_feedback)
{
	struct feedback_request said = {
		.header = feedback_header,
		.ctx = request->exchange,
		.secrets = pager->feedback,
		.wall_us = clock_wall_us(request->web->clock),
	};
	struct err err = { .code = 0 };

	said.body = http_exchange_body(request->exchange, &said.len);
	if (said.len > LIMIT_FEEDBACK_BYTES) {
		web_failf(request->exchange, 413, "the body is larger than %u bytes",
			  LIMIT_FEEDBACK_BYTES);
		return false;
	}
	switch (pager_kinds[pager->kind]->feedback(arena, &said, ret_feedback, &err)) {
	case FEEDBACK_VERIFIED:
		return true;
	case FEEDBACK_UNSIGNED:
	case FEEDBACK_STALE:
		intake_log_refusal(request->web->intake, INTAKE_REFUSAL_FEEDBACK_SIGNATURE,
				   request->exchange, pager->name);
		fail_unsigned(request->exchange, err.text);
		return false;
	case FEEDBACK_MALFORMED:
		break;
	}
	log_warn("what a pager told back is not understood", LOG_STR("pager", pager->name),
		 LOG_STR("peer", http_exchange_peer(request->exchange)),
		 LOG_STR("error", err.text));
	web_fail(request->exchange, 400, err.text);
	return false;
}

/* ---- acts ---- */

/* Carries out one act, and adds to the reply what became of it. True: it counts. */
static bool feedback_act(const struct web *web, const struct pager *pager, struct arena *arena,
			 const struct feedback_act *told, const char *incident, struct buf *reply)
{
	static const char *const outcomes[ACT_OUTCOME_COUNT] = {
		[ACT_DONE] = "done",	   [ACT_ALREADY] = "already", [ACT_OVER] = "ignored",
		[ACT_REFUSED] = "refused", [ACT_UNKNOWN] = "ignored",
	};
	struct buf words = BUF_INIT(LIMIT_ACT_WORDS_BYTES);
	const struct act act = {
		.kind = told->kind,
		.incident = incident,
		.who = *told->who ? arena_printf(arena, "%s (pager %s)", told->who, pager->name)
				  : pager->name,
		.via = "feedback",
		.text = told->text,
		.team = told->team,
	};
	enum act_outcome outcome = ACT_UNKNOWN;

	if (*incident)
		outcome = web->ops.act(web->ops.ctx, &act, &words);
	else
		buf_puts(&words, "no earlier event has told which incident it is: let the pager "
				 "send all events of incidents");
	if (outcome > ACT_ALREADY)
		log_info("what a pager told back was ignored", LOG_STR("pager", pager->name),
			 LOG_STR("incident", incident), LOG_STR("action", act_name(told->kind)),
			 LOG_STR("why", buf_text(&words)));
	buf_putc(reply, '{');
	buf_json_text(reply, "incident", incident);
	buf_json_text(reply, "action", act_name(told->kind));
	buf_json_text(reply, "outcome", outcomes[outcome]);
	buf_json_text(reply, "text", buf_text(&words));
	buf_putc(reply, '}');
	buf_fini(&words);
	return outcome <= ACT_ALREADY;
}

/* Returns how many of them count. */
static size_t feedback_acts(struct web *web, const struct pager *pager, struct arena *arena,
			    const struct feedback *feedback, struct buf *reply)
{
	size_t n = 0;

	buf_json_key(reply, "acts");
	buf_putc(reply, '[');
	for (size_t i = 0; i < feedback->nacts; i++) {
		const struct feedback_act *told = &feedback->acts[i];
		const char *incident =
			*told->incident ? told->incident
					: feedback_memory_incident(web->feedback, pager->name,
								   feedback->theirs);
		buf_puts(reply, i ? ", " : "");
		n += feedback_act(web, pager, arena, told, incident, reply);
	}
	buf_putc(reply, ']');
	return n;
}

/* ---- the answer ---- */

static void feedback_answer(struct web_job *web_job)
{
	struct feedback_job *job = (struct feedback_job *)web_job;

	/* What changed nothing may count when it is sent again, when more is known. */
	feedback_memory_end(web_job->web->feedback, job->pager, job->event,
			    web_job->result == 0 && job->nacted);
	if (web_job->result < 0) {
		metric_add(METRIC_FEEDBACK_FAILED, 1);
		web_fail(web_job->exchange, 503,
			 "the store failed to keep what the pager told; send it again");
	} else {
		metric_add(job->nacted ? METRIC_FEEDBACK_ACTED : METRIC_FEEDBACK_IGNORED, 1);
		web_reply_buf(web_job->exchange, NULL, &job->reply);
	}
	web_job_free(web_job);
}

static void feedback_fini(struct web_job *web_job)
{
	struct feedback_job *job = (struct feedback_job *)web_job;

	free(job->pager);
	free(job->event);
	buf_fini(&job->reply);
}

/* Acts on a new event, and answers when that is on disk. */
static void feedback_start(struct web_request *request, const struct pager *pager,
			   struct arena *arena, const struct feedback *feedback)
{
	struct feedback_job *job = web_job_new(sizeof(*job), request->web, request->exchange);

	job->job.answer = feedback_answer;
	job->job.fini = feedback_fini;
	job->pager = xstrdup(pager->name);
	job->event = xstrdup(feedback->event);
	buf_init(&job->reply, LIMIT_FEEDBACK_REPLY_BYTES);
	buf_putc(&job->reply, '{');
	job->nacted = feedback_acts(request->web, pager, arena, feedback, &job->reply);
	buf_putc(&job->reply, '}');
	web_job_when_durable(&job->job);
}

static void reply_ignored(struct http_exchange *exchange, const char *why)
{
	struct buf reply = BUF_INIT(LIMIT_WEB_ERROR_BYTES);

	buf_putc(&reply, '{');
	buf_json_text(&reply, "ignored", why);
	buf_putc(&reply, '}');
	web_reply_buf(exchange, NULL, &reply);
}

static void take_feedback(struct web_request *request, const struct pager *pager,
			  struct arena *arena, const struct feedback *feedback)
{
	struct web *web = request->web;

	if (!web->feedback)
		web->feedback = feedback_memory_new();
	if (*feedback->theirs && *feedback->ours)
		feedback_memory_learn(web->feedback, pager->name, feedback->theirs, feedback->ours);
	if (!feedback->nacts) {
		metric_add(METRIC_FEEDBACK_IGNORED, 1);
		reply_ignored(request->exchange, feedback->ignored);
		return;
	}
	switch (feedback_memory_begin(web->feedback, pager->name, feedback->event)) {
	case FEEDBACK_NEW:
		feedback_start(request, pager, arena, feedback);
		break;
	case FEEDBACK_PENDING:
		web_fail(request->exchange, 503,
			 "this event came before, and is not on disk yet; ask again");
		break;
	case FEEDBACK_DONE:
		metric_add(METRIC_FEEDBACK_REPEATED, 1);
		reply_ignored(request->exchange, "this event came before, and counts once");
		break;
	}
}

void web_serve_feedback(struct web_request *request)
{
	const struct pager *pager = feedback_pager(request);
	struct feedback feedback;

	if (!pager) {
		metric_add(METRIC_FEEDBACK_REFUSED, 1);
		return;
	}
	struct arena *arena = arena_new(LIMIT_FEEDBACK_ARENA_BYTES);
	if (read_feedback(request, pager, arena, &feedback))
		take_feedback(request, pager, arena, &feedback);
	else
		metric_add(METRIC_FEEDBACK_REFUSED, 1);
	arena_free(arena);
}
