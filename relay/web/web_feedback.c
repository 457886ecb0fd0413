/*
 * Web feedback: POST /feedback/PAGER, what a pager tells back. The pager's kind verifies and reads
 * it; here its acts are carried out, and answered when they are on disk.
 *
 * A pager sends again what is not answered well, and gives up on an address that fails a few times:
 * whatever is signed and understood is answered 200, also where its incident is over or unknown, or
 * where its event acted before. The reply says what became of each act.
 */
#include <stdio.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/feedback_memory.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/pager_kind.h"
#include "tracepager/xalloc.h"

#include "web-internal.h"
#include "web_job-internal.h"

/* A request whose acts are carried out, in slices that do not hold the loop, and are on their way
 * to the disk. */
struct feedback_job {
	struct web_job job;
	struct arena *arena;
	char *pager; /* the rules may change between two slices */
	struct feedback feedback;
	size_t next;	      /* act */
	size_t nacted;	      /* acts that count */
	size_t commits;	      /* slices that are not on disk yet */
	const char *incident; /* of the first act, for the log */
	char why[128];	      /* what the store says where it failed */
	struct timer slice;
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

static bool shares_secret(const struct pager *one, const struct pager *other)
{
	for (size_t i = 0; i < LIMIT_LIVE_SECRETS; i++)
		for (size_t j = 0; j < LIMIT_LIVE_SECRETS; j++)
			if (one->feedback[i].value && other->feedback[j].value &&
			    strcmp(one->feedback[i].value, other->feedback[j].value) == 0)
				return true;
	return false;
}

/* The pager through whose page the act comes. A request speaks for another pager only where that
 * one is of the same kind and has the secret that may have signed the request. */
static const char *feedback_act_pager(const struct feedback_job *job,
				      const struct feedback_act *told)
{
	const struct web *web = job->job.web;

	if (!told->pager || !*told->pager)
		return job->pager;
	const struct pager *own = web->ops.pager(web->ops.ctx, job->pager);
	const struct pager *other = web->ops.pager(web->ops.ctx, told->pager);
	return own && other && own->kind == other->kind && shares_secret(own, other) ? told->pager
										     : job->pager;
}

/* Carries out one act, and adds to the reply what became of it. True: it counts. */
static bool feedback_act(struct feedback_job *job, const struct feedback_act *told)
{
	static const char *const outcomes[ACT_OUTCOME_COUNT] = {
		[ACT_DONE] = "done",	   [ACT_ALREADY] = "already", [ACT_OVER] = "ignored",
		[ACT_REFUSED] = "refused", [ACT_UNKNOWN] = "ignored",
	};
	const struct web *web = job->job.web;
	struct buf words = BUF_INIT(LIMIT_ACT_WORDS_BYTES);
	const char *pager = feedback_act_pager(job, told);
	int n = 0;
	const char *known =
		feedback_memory_incident(web->feedback, job->pager, job->feedback.theirs, &n);
	const struct act act = {
		.kind = told->kind,
		.incident = *told->incident ? told->incident : known,
		.who = *told->who ? arena_printf(job->arena, "%s (pager %s)", told->who, pager)
				  : pager,
		.via = "feedback",
		.pager = pager,
		.n = *told->incident ? told->n : n,
		.text = told->text,
		.team = told->team,
	};
	enum act_outcome outcome = ACT_UNKNOWN;

	if (*act.incident)
		outcome = web->ops.act(web->ops.ctx, &act, &words);
	else
		buf_puts(&words, "no earlier event has told which incident it is: let the pager "
				 "send all events of incidents");
	if (!job->incident)
		job->incident = arena_strdup(job->arena, act.incident);
	if (outcome > ACT_ALREADY)
		log_info("what a pager told back was ignored", LOG_STR("pager", job->pager),
			 LOG_STR("incident", act.incident), LOG_STR("action", act_name(told->kind)),
			 LOG_STR("reason", buf_text(&words)));
	buf_putc(&job->reply, '{');
	buf_json_text(&job->reply, "incident", act.incident);
	buf_json_text(&job->reply, "action", act_name(told->kind));
	buf_json_text(&job->reply, "outcome", outcomes[outcome]);
	buf_json_text(&job->reply, "text", buf_text(&words));
	buf_putc(&job->reply, '}');
	buf_fini(&words);
	return outcome <= ACT_ALREADY;
}

/* ---- the answer ---- */

static void feedback_answer(struct web_job *web_job)
{
	struct feedback_job *job = (struct feedback_job *)web_job;

	/* What changed nothing may count when it is sent again, when more is known. */
	feedback_memory_end(web_job->web->feedback, job->pager, job->feedback.event,
			    web_job->result == 0 && job->nacted);
	if (web_job->result < 0) {
		metric_add(METRIC_FEEDBACK_FAILED, 1);
		log_error("what a pager told back was not written down; its escalation goes on",
			  LOG_STR("pager", job->pager), LOG_STR("incident", job->incident),
			  LOG_STR("error", job->why),
			  LOG_STR("cure", "mend the store, see GET /-/ready; then acknowledge or "
					  "resolve the incident here where its pager does not tell "
					  "it again"));
		web_fail(web_job->exchange, 503,
			 "the store failed to keep what the pager told; send it again");
	} else {
		metric_add(job->nacted ? METRIC_FEEDBACK_ACTED : METRIC_FEEDBACK_IGNORED, 1);
		buf_puts(&job->reply, "]}");
		web_reply_buf(web_job->exchange, NULL, &job->reply);
	}
	web_job_free(web_job);
}

static void feedback_on_durable(void *ctx, int error, const char *text)
{
	struct feedback_job *job = ctx;

	job->commits--;
	if (error) {
		job->job.result = error;
		snprintf(job->why, sizeof(job->why), "%s", text ? text : "");
	}
	if (!job->commits && job->next == job->feedback.nacts)
		feedback_answer(&job->job);
}

static void feedback_on_slice(void *arg)
{
	struct feedback_job *job = arg;
	const struct web *web = job->job.web;
	const int64_t until_us = clock_mono_us(web->clock) + LIMIT_SLICE_US;

	do {
		buf_puts(&job->reply, job->next ? ", " : "");
		job->nacted += feedback_act(job, &job->feedback.acts[job->next++]);
	} while (job->next < job->feedback.nacts && clock_mono_us(web->clock) < until_us);
	job->commits++;
	if (job->next == job->feedback.nacts && job->nacted)
		feedback_memory_keep(web->feedback, job->pager, job->feedback.event);
	if (job->next < job->feedback.nacts)
		timer_arm(web->timers, &job->slice, clock_mono_us(web->clock));
	web->ops.when_durable(web->ops.ctx, feedback_on_durable, job);
}

static void feedback_fini(struct web_job *web_job)
{
	struct feedback_job *job = (struct feedback_job *)web_job;

	timer_disarm(web_job->web->timers, &job->slice);
	buf_fini(&job->reply);
	arena_free(job->arena);
}

/* Acts on a new event, and answers when that is on disk. Takes the arena. */
static void feedback_start(struct web_request *request, const struct pager *pager,
			   struct arena *arena, const struct feedback *feedback)
{
	struct feedback_job *job = web_job_new(sizeof(*job), request->web, request->exchange);

	job->job.fini = feedback_fini;
	job->arena = arena;
	job->pager = arena_strdup(arena, pager->name);
	job->feedback = *feedback;
	job->slice = (struct timer){ .fire = feedback_on_slice, .arg = job };
	buf_init(&job->reply, LIMIT_FEEDBACK_REPLY_BYTES);
	buf_puts(&job->reply, "{\"acts\":[");
	feedback_on_slice(job);
}

static void reply_ignored(struct http_exchange *exchange, const char *why)
{
	struct buf reply = BUF_INIT(LIMIT_WEB_ERROR_BYTES);

	buf_putc(&reply, '{');
	buf_json_text(&reply, "ignored", why);
	buf_putc(&reply, '}');
	web_reply_buf(exchange, NULL, &reply);
}

/* One whose signed requests fit the address of another: of its kind, with its secret. */
struct replayed {
	const struct web *web;
	const struct pager *pager;
};

static bool may_be_replayed(void *ctx, const char *other)
{
	const struct replayed *replayed = ctx;
	const struct web *web = replayed->web;
	const struct pager *pager = web->ops.pager(web->ops.ctx, other);

	return pager && pager->kind == replayed->pager->kind &&
	       shares_secret(pager, replayed->pager);
}

static enum feedback_seen begin_event(const struct web *web, const struct pager *pager,
				      const struct feedback *feedback)
{
	struct replayed replayed = { .web = web, .pager = pager };

	if (!feedback->nacts ||
	    feedback_memory_elsewhere(web->feedback, pager->name, feedback->event, may_be_replayed,
				      &replayed))
		return FEEDBACK_DONE;
	return feedback_memory_begin(web->feedback, pager->name, feedback->event, feedback->at_us);
}

/* Takes the arena. */
static void take_feedback(struct web_request *request, const struct pager *pager,
			  struct arena *arena, const struct feedback *feedback)
{
	struct web *web = request->web;

	if (*feedback->theirs && *feedback->ours)
		feedback_memory_learn(web->feedback, pager->name, feedback->theirs, feedback->ours,
				      feedback->ours_n);
	const enum feedback_seen seen = begin_event(web, pager, feedback);
	if (seen == FEEDBACK_NEW) {
		feedback_start(request, pager, arena, feedback);
		return;
	}
	if (seen == FEEDBACK_PENDING) {
		web_fail(request->exchange, 503,
			 "this event came before, and is not on disk yet; ask again");
	} else if (seen == FEEDBACK_FORGOTTEN) {
		metric_add(METRIC_FEEDBACK_IGNORED, 1);
		reply_ignored(
			request->exchange,
			"events as old as this one are forgotten, and it may have counted: act "
			"on the incident again where it did not");
	} else if (feedback->nacts) {
		metric_add(METRIC_FEEDBACK_REPEATED, 1);
		reply_ignored(request->exchange, "this event came before, and counts once");
	} else {
		metric_add(METRIC_FEEDBACK_IGNORED, 1);
		reply_ignored(request->exchange, feedback->ignored);
	}
	arena_free(arena);
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
	if (read_feedback(request, pager, arena, &feedback)) {
		take_feedback(request, pager, arena, &feedback);
		return;
	}
	metric_add(METRIC_FEEDBACK_REFUSED, 1);
	arena_free(arena);
}
