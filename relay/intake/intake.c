/*
 * Intake: one job for each request, from its body to its answer. The pool parses large bodies. All
 * jobs together accept alerts for LIMIT_SLICE_US in a turn of the loop; those that are left stand
 * in a queue and take turns. Owns the jobs; alerts go to intake_ops.
 */
#include "tracepager/intake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

#include "intake-internal.h"
#include "refusals-internal.h"
#include "sns_check-internal.h"

struct intake_job {
	LIST_ENTRY(intake_job) link;
	TAILQ_ENTRY(intake_job) in_queue;
	bool queued;
	struct intake *intake;
	struct http_exchange *exchange;
	struct arena *arena;
	struct intake_request request;
	const struct sender *sender;  /* of the request */
	struct metric_series *series; /* the sender's */
	const char *body;
	size_t len;
	struct alert_batch batch;
	struct err err;
	int result;	/* of parse() */
	size_t next;	/* the alert to be accepted next */
	size_t commits; /* not yet reported */
	int store_error;
	size_t counts[ACCEPT_COUNT];
	const char *message_id;	   /* of Amazon SNS; NULL: none */
	struct span_context trace; /* of its first alert that is traced */
};

/* A name that somebody sends under and that no sender is declared with. */
struct undeclared_sender {
	char name[LIMIT_UNDECLARED_NAME_BYTES + 1];
	int64_t log_at_us, page_at_us; /* monotonic: next log line, next page; after both the slot
					* is free */
};

/* What of a sender's alerts was mended or cut since the last line in the log. */
struct sender_notes {
	uint64_t repaired, cut;
	int64_t log_at_us; /* monotonic: the next line, not before */
};

struct intake {
	struct intake_env env;
	/* As env.senders; the last: senders without a declaration. */
	struct sender_notes *notes;
	struct metric_series **series;
	struct undeclared_sender undeclared[LIMIT_UNDECLARED];
	struct refusals *refusals;
	struct rejected *rejected;
	struct sns_checker *sns; /* NULL: no sender has needed it yet */
	LIST_HEAD(, intake_job) jobs;
	TAILQ_HEAD(intake_job_queue, intake_job) queue; /* those with alerts left to accept */
	struct timer slice;	       /* armed: this turn's time counts; fires in the next turn */
	int64_t slice_end_us;	       /* mono: until when alerts are accepted in this turn */
	LIST_HEAD(, intake_job) spare; /* kept for the next requests */
	size_t nspare;
};

static void intake_on_slice(void *arg);

/* "api": who sends to /api/v2/alerts where no sender of that format has a token. */
#define SENDER_ANYBODY "api"

static void intake_name_senders(struct intake *intake)
{
	const size_t n = intake->env.nsenders;
	CLEANUP_FREE const char **names = xcalloc(n + 1, sizeof(*names));

	for (size_t i = 0; i < n; i++)
		names[i] = intake->env.senders[i].name;
	names[n] = SENDER_ANYBODY;
	metric_names_set(METRIC_BY_SENDER, names, n + 1);
	intake->series = xcalloc(n + 1, sizeof(*intake->series));
	for (size_t i = 0; i <= n; i++)
		intake->series[i] = metric_series(METRIC_BY_SENDER, names[i]);
}

/* Its place in env.senders; nsenders: it has no declaration. */
static size_t sender_place(const struct intake *intake, const struct sender *sender)
{
	size_t place = 0;

	while (place < intake->env.nsenders && sender != &intake->env.senders[place])
		place++;
	return place;
}

struct intake *intake_new(const struct intake_env *env)
{
	struct intake *intake = xcalloc(1, sizeof(*intake));

	intake->env = *env;
	intake->notes = xcalloc(env->nsenders + 1, sizeof(*intake->notes));
	intake_name_senders(intake);
	intake->refusals = refusals_new(env->timers, env->clock, &env->ops);
	intake->rejected = rejected_new();
	LIST_INIT(&intake->jobs);
	LIST_INIT(&intake->spare);
	TAILQ_INIT(&intake->queue);
	intake->slice = (struct timer){ .fire = intake_on_slice, .arg = intake };
	return intake;
}

static struct intake_job *intake_job_new(struct intake *intake)
{
	struct intake_job *job = LIST_FIRST(&intake->spare);
	struct arena *arena;

	if (job) {
		LIST_REMOVE(job, link);
		intake->nspare--;
		arena = job->arena;
	} else {
		job = xcalloc(1, sizeof(*job));
		arena = arena_new(LIMIT_INTAKE_JOB_BYTES);
	}
	*job = (struct intake_job){ .intake = intake, .arena = arena };
	LIST_INSERT_HEAD(&intake->jobs, job, link);
	return job;
}

static void intake_job_free(struct intake_job *job)
{
	struct intake *intake = job->intake;

	LIST_REMOVE(job, link);
	if (job->queued)
		TAILQ_REMOVE(&intake->queue, job, in_queue);
	if (intake->nspare == LIMIT_SPARE_JOBS) {
		arena_free(job->arena);
		free(job);
		return;
	}
	arena_reset(job->arena);
	LIST_INSERT_HEAD(&intake->spare, job, link);
	intake->nspare++;
}

void intake_free(struct intake *intake)
{
	struct intake_job *job;

	if (!intake)
		return;
	sns_checker_free(intake->sns); /* before the jobs, whose bodies it reads */
	while ((job = LIST_FIRST(&intake->jobs)))
		intake_job_free(job);
	while ((job = LIST_FIRST(&intake->spare))) {
		LIST_REMOVE(job, link);
		arena_free(job->arena);
		free(job);
	}
	timer_disarm(intake->env.timers, &intake->slice);
	refusals_free(intake->refusals);
	rejected_free(intake->rejected);
	free(intake->notes);
	free(intake->series);
	free(intake);
}

static void reply_error(struct http_exchange *exchange, int status, const char *text)
{
	struct buf body = BUF_INIT(LIMIT_INTAKE_REPLY_BYTES);

	buf_puts(&body, "{\"error\": ");
	buf_json_string(&body, text);
	buf_puts(&body, "}\n");
	http_exchange_reply(exchange, status, NULL, buf_text(&body), body.len,
			    status == 503 ? LIMIT_INTAKE_RETRY_AFTER_S : 0);
	buf_fini(&body);
}

/* ---- the answer ---- */

static void write_notes(struct buf *body, const char *count, const char *list, const char *member,
			const struct alert_note *notes, size_t n)
{
	if (!n)
		return;
	buf_printf(body, ", \"%s\": %zu, \"%s\": [", count, n, list);
	for (size_t i = 0; i < n && i < LIMIT_REFUSED_SHOWN; i++) {
		buf_printf(body, "%s{\"alert\": %u, \"%s\": ", i ? ", " : "", notes[i].index,
			   member);
		buf_json_string(body, notes[i].text);
		buf_putc(body, '}');
	}
	buf_putc(body, ']');
}

/* Every request is answered with four counts: formatted printing would take a µs each. */
static void reply_add_count(struct buf *body, const char *name, size_t count)
{
	char digits[24], *at = digits + sizeof(digits);

	do {
		*--at = (char)('0' + count % 10);
		count /= 10;
	} while (count);
	buf_puts(body, name);
	buf_add(body, at, (size_t)(digits + sizeof(digits) - at));
}

static void reply_webhook(const struct intake_outcome *outcome)
{
	struct buf body = BUF_INIT(LIMIT_INTAKE_REPLY_BYTES);
	const struct alert_batch *batch = outcome->batch;
	const size_t *counts = outcome->counts;

	if (outcome->error) {
		reply_error(outcome->exchange, outcome->status, outcome->error);
		return;
	}
	bool none = batch->nrefused && !batch->nalerts;

	reply_add_count(&body, "{\"accepted\": ", counts[ACCEPT_NEW]);
	reply_add_count(&body, ", \"repeated\": ",
			counts[ACCEPT_REPEATED] + counts[ACCEPT_UNCHANGED] +
				counts[ACCEPT_WATCHDOG]);
	reply_add_count(&body, ", \"resolved\": ", counts[ACCEPT_RESOLVED]);
	reply_add_count(&body, ", \"unknown\": ", counts[ACCEPT_UNKNOWN]);
	if (batch->truncated)
		buf_printf(&body, ", \"left_out_by_sender\": %llu",
			   (unsigned long long)batch->truncated);
	if (batch->repaired)
		buf_printf(&body, ", \"repaired\": %llu", (unsigned long long)batch->repaired);
	if (batch->ignored || batch->confirm_url) {
		buf_puts(&body, ", \"ignored\": ");
		buf_json_string(&body, batch->ignored
					       ? batch->ignored
					       : "a subscription is confirmed for a sender that is "
						 "declared with format: sns and lists the topic");
	}
	write_notes(&body, "cut", "cuts", "text", batch->cut, batch->ncut);
	write_notes(&body, "refused", "errors", "error", batch->refused, batch->nrefused);
	buf_puts(&body, "}\n");
	http_exchange_reply(outcome->exchange, none ? 400 : 202, NULL, buf_text(&body), body.len,
			    0);
	buf_fini(&body);
}

static void add_note_texts(struct buf *text, const struct alert_note *notes, size_t n)
{
	for (size_t i = 0; i < n && i < LIMIT_REFUSED_SHOWN; i++)
		buf_printf(text, "%s%s", text->len ? "; " : "", notes[i].text);
}

/* As Alertmanager answers: an empty body, or one string with all errors; valid alerts are accepted
 * either way. */
static void reply_api(const struct intake_outcome *outcome)
{
	const struct alert_batch *batch = outcome->batch;
	struct buf text = BUF_INIT(LIMIT_INTAKE_REPLY_BYTES / 8),
		   body = BUF_INIT(LIMIT_INTAKE_REPLY_BYTES);

	if (outcome->error) {
		reply_error(outcome->exchange, outcome->status, outcome->error);
		return;
	}
	add_note_texts(&text, batch->refused, batch->nrefused);
	add_note_texts(&text, batch->cut, batch->ncut);
	if (batch->repaired)
		buf_printf(&text, "%sbad characters repaired: %llu", text.len ? "; " : "",
			   (unsigned long long)batch->repaired);
	if (text.len) {
		buf_json_string(&body, buf_text(&text));
		buf_putc(&body, '\n');
	}
	http_exchange_reply(outcome->exchange, batch->nrefused ? 400 : 200, NULL, buf_text(&body),
			    body.len, 0);
	buf_fini(&text);
	buf_fini(&body);
}

/* error NULL: the alerts are on disk. */
static void intake_job_end(struct intake_job *job, int status, const char *error)
{
	const struct clock *clock = job->intake->env.clock;
	const struct intake_outcome outcome = {
		.exchange = job->exchange,
		.request = &job->request,
		.took_us = clock_mono_us(clock) - http_exchange_began_us(job->exchange),
		.wall_us = clock_wall_us(clock),
		.status = status,
		.error = error,
		.batch = &job->batch,
		.counts = job->counts,
	};

	if (status == 202 && job->message_id)
		sns_checker_remember(job->intake->sns, job->message_id);
	job->request.answer(&outcome);
	intake_job_free(job);
}

static void job_answer(struct intake_job *job)
{
	metric_add(METRIC_ALERTS_REFUSED, (int64_t)job->batch.nrefused);
	metric_series_add(job->series, NAMED_SENDER_REFUSED, (int64_t)job->batch.nrefused);
	stage_observe_us(METRIC_ACCEPT_TIME,
			 clock_mono_us(job->intake->env.clock) -
				 http_exchange_began_us(job->exchange),
			 &job->trace);
	if (job->store_error)
		intake_job_end(job, 503, "the store failed to write the alerts; send them again");
	else
		intake_job_end(job, 202, NULL);
}

/* ---- accepting the alerts ---- */

static void job_on_durable(void *ctx, int error, const char *text)
{
	struct intake_job *job = ctx;

	(void)text; /* the store's user logs it */
	job->commits--;
	if (error)
		job->store_error = error;
	if (!job->commits && job->next == job->batch.nalerts)
		job_answer(job);
}

static enum named_metric sender_metric(const struct alert *alert, enum accept_result result)
{
	switch (result) {
	case ACCEPT_NEW:
		return NAMED_SENDER_ACCEPTED;
	case ACCEPT_UNKNOWN:
		return NAMED_SENDER_UNKNOWN;
	case ACCEPT_WATCHDOG:
		return NAMED_SENDER_WATCHDOG;
	case ACCEPT_RESOLVED:
	case ACCEPT_REPEATED:
	case ACCEPT_UNCHANGED:
	case ACCEPT_COUNT:
		break;
	}
	return alert->status == ALERT_FIRING ? NAMED_SENDER_REPEATED : NAMED_SENDER_RESOLVED;
}

/* Returns false: all that the answer says is on disk already. */
static bool job_accept_one(struct intake_job *job)
{
	const struct intake_env *env = &job->intake->env;
	struct alert *alert = &job->batch.alerts[job->next++];
	enum accept_result result;

	if (job->sender->group_theirs)
		alert->group_key = job->batch.group_key;
	if (env->ops.traced) {
		alert->trace = http_exchange_header(job->exchange, "traceparent");
		alert->received_us = http_exchange_began_us(job->exchange);
	}
	result = env->ops.accept(env->ops.ctx, alert, job->batch.nalerts - job->next);
	job->counts[result]++;
	if (env->ops.traced && result == ACCEPT_NEW && !span_context_is_set(&job->trace) &&
	    !env->ops.traced(env->ops.ctx, &job->trace))
		job->trace.span = 0;
	metric_series_add(job->series, sender_metric(alert, result), 1);
	return result != ACCEPT_UNCHANGED;
}

static void intake_enqueue(struct intake_job *job)
{
	TAILQ_INSERT_TAIL(&job->intake->queue, job, in_queue);
	job->queued = true;
}

/* Accepts some of the job's alerts. The job may be answered, and freed. One that needs no trace is
 * decided and paged at acceptance: the time counts beside the number. */
static void job_accept_some(struct intake_job *job)
{
	const struct intake *intake = job->intake;
	const struct intake_env *env = &intake->env;
	size_t end = job->next + LIMIT_ALERTS_PER_TURN;
	bool written = false;

	while (job->next < job->batch.nalerts && job->next < end) {
		written |= job_accept_one(job);
		if (clock_mono_us(env->clock) >= intake->slice_end_us)
			break;
	}
	if (written) {
		job->commits++;
		env->ops.when_durable(env->ops.ctx, job_on_durable, job);
	}
	if (job->next < job->batch.nalerts)
		intake_enqueue(job);
	else if (!job->commits)
		job_answer(job);
}

/* In the next turn. What arrives behind this in the same turn has a slice of its own. */
static void intake_on_slice(void *arg)
{
	struct intake *intake = arg;
	const struct clock *clock = intake->env.clock;
	struct intake_job *job, *last = TAILQ_LAST(&intake->queue, intake_job_queue);

	intake->slice_end_us = clock_mono_us(clock) + LIMIT_SLICE_US;
	while ((job = TAILQ_FIRST(&intake->queue))) {
		const bool all = job == last;

		TAILQ_REMOVE(&intake->queue, job, in_queue);
		job->queued = false;
		job_accept_some(job);
		if (all || clock_mono_us(clock) >= intake->slice_end_us)
			break;
	}
	if (!TAILQ_EMPTY(&intake->queue))
		timer_arm(intake->env.timers, &intake->slice, clock_mono_us(clock));
}

/* Many requests may arrive in one turn: what its slice does not hold is accepted in the next ones.
 */
static void job_accept(struct intake_job *job)
{
	struct intake *intake = job->intake;
	const int64_t now_us = clock_mono_us(intake->env.clock);

	if (!intake->slice.slot) {
		intake->slice_end_us = now_us + LIMIT_SLICE_US;
		timer_arm(intake->env.timers, &intake->slice, now_us);
	}
	if (TAILQ_EMPTY(&intake->queue) && now_us < intake->slice_end_us)
		job_accept_some(job);
	else
		intake_enqueue(job);
}

/* Keeps the body for a person to look at, and has somebody paged about its sender. */
static void job_report_body(struct intake_job *job, const char *named, const char *why)
{
	const struct intake_env *env = &job->intake->env;
	const size_t most = LIMIT_REJECTED_BODY_BYTES;
	/* So much more is copied that no part of a key stays where the copy is cut. */
	char begin[LIMIT_REJECTED_BODY_BYTES + LIMIT_SECRET_BYTES];
	const size_t copied = job->len < sizeof(begin) ? job->len : sizeof(begin);

	memcpy(begin, job->body, copied);
	rejected_hide(begin, copied, job->sender->auth);
	const struct rejected_body body = {
		.wall_us = clock_wall_us(env->clock),
		.sender = job->sender->name,
		.peer = http_exchange_peer(job->exchange),
		.reason = why,
		.byte = rejected_place(named, job->body, job->len),
		.len = job->len,
		.body = begin,
		.body_len = copied < most ? copied : most,
	};
	rejected_add(job->intake->rejected, &body);
	env->ops.body_refused(env->ops.ctx, &body);
}

static void job_refuse_body(struct intake_job *job)
{
	char text[sizeof(job->err.text) + 64];

	if (job->err.line)
		snprintf(text, sizeof(text), "%s (line %d, column %d)", job->err.text,
			 job->err.line, job->err.column);
	else
		snprintf(text, sizeof(text), "%s", job->err.text);
	metric_add(METRIC_ALERTS_REFUSED, 1);
	metric_series_add(job->series, NAMED_SENDER_REFUSED, 1);
	log_warn("a sender's body was refused", LOG_STR("sender", job->sender->name),
		 LOG_STR("peer", http_exchange_peer(job->exchange)), LOG_STR("error", text),
		 LOG_INT("bytes", (int64_t)job->len));
	job_report_body(job, text, text);
	intake_job_end(job, 400, text);
}

/* The fault is ours: the sender keeps the alerts and sends them again. */
static void job_out_of_memory(struct intake_job *job)
{
	log_error("a sender's body was not taken, for lack of memory",
		  LOG_STR("sender", job->sender->name),
		  LOG_STR("peer", http_exchange_peer(job->exchange)),
		  LOG_STR("error", job->err.text), LOG_INT("bytes", (int64_t)job->len));
	intake_job_end(job, 503, job->err.text);
}

/* Alerts that were refused inside a good body are told as a refused body is: nobody looks at the
 * failed notifications of a sender. */
static void job_report_refused(struct intake_job *job)
{
	const struct alert_batch *batch = &job->batch;
	char why[LIMIT_ALERT_NOTE_BYTES + 64];

	if (batch->nrefused > 1)
		snprintf(why, sizeof(why), "%s; and %zu more", batch->refused[0].text,
			 batch->nrefused - 1);
	else
		snprintf(why, sizeof(why), "%s", batch->refused[0].text);
	log_warn("alerts of a sender were refused", LOG_STR("sender", job->sender->name),
		 LOG_STR("peer", http_exchange_peer(job->exchange)), LOG_STR("error", why),
		 LOG_INT("refused", (int64_t)batch->nrefused),
		 LOG_INT("alerts", (int64_t)(batch->nalerts + batch->nrefused)));
	job_report_body(job, batch->refused[0].text, why);
}

/* Logs once a minute and sender what was mended and cut. */
static void job_report_mended(struct intake_job *job)
{
	const struct intake_env *env = &job->intake->env;
	struct sender_notes *notes = &job->intake->notes[sender_place(job->intake, job->sender)];
	const int64_t now_us = clock_mono_us(env->clock);

	notes->repaired += job->batch.repaired;
	notes->cut += job->batch.ncut;
	if (now_us < notes->log_at_us)
		return;
	log_warn("alerts of a sender were taken with changes", LOG_STR("sender", job->sender->name),
		 LOG_STR("peer", http_exchange_peer(job->exchange)),
		 LOG_INT("bad_characters", (int64_t)notes->repaired),
		 LOG_INT("cut_alerts", (int64_t)notes->cut),
		 LOG_STR("first_cut", job->batch.ncut ? job->batch.cut[0].text : ""));
	*notes = (struct sender_notes){ .log_at_us = now_us + LIMIT_SENDER_LOG_US };
}

static void job_on_parsed(void *arg)
{
	struct intake_job *job = arg;

	if (job->result == -ENOMEM) {
		job_out_of_memory(job);
		return;
	}
	if (job->result < 0) {
		job_refuse_body(job);
		return;
	}
	metric_series_set(job->series, NAMED_SENDER_HEARD, clock_wall_us(job->intake->env.clock));
	if (job->batch.nrefused)
		job_report_refused(job);
	if (job->batch.repaired || job->batch.ncut)
		job_report_mended(job);
	job_accept(job);
}

static const char *header_of(const void *exchange, const char *name)
{
	return http_exchange_header(exchange, name);
}

static void job_run_parse(void *arg)
{
	struct intake_job *job = arg;

	const struct alert_body body = {
		.text = job->body,
		.len = job->len,
		.sender = job->sender->name,
		.mapping = job->sender->mapping,
		.header = header_of,
		.ctx = job->exchange,
		.now_us = clock_wall_us(job->intake->env.clock),
		.path_action = job->request.path_action,
		.path_id = job->request.path_id,
		.path_id_is_ours = job->request.path_id_is_ours,
	};

	const char *coding = http_exchange_header(job->exchange, "Content-Encoding");
	if (coding && strcasecmp(coding, "identity") != 0)
		job->result =
			err_set(&job->err, EBADMSG,
				"the body is compressed (Content-Encoding: %.20s); send it as it "
				"is",
				coding);
	else
		job->result = alert_formats[job->request.format]->parse(job->arena, &body,
									&job->batch, &job->err);
}

static void job_read(struct intake_job *job)
{
	if (job->len <= LIMIT_INLINE_BODY_BYTES) {
		job_run_parse(job);
		job_on_parsed(job);
	} else {
		pool_submit(job->intake->env.pool, job_run_parse, job_on_parsed, job);
	}
}

static void job_on_checked(void *arg, int status, const char *text, const char *message_id)
{
	struct intake_job *job = arg;

	if (status == 0) {
		job->message_id = arena_strdup(job->arena, message_id);
		job_read(job);
	} else if (status == 202) {
		job->batch.ignored = text;
		intake_job_end(job, 202, NULL);
	} else {
		if (status == 403)
			refusals_count(job->intake->refusals, INTAKE_REFUSAL_SNS, job->exchange,
				       text);
		intake_job_end(job, status, text);
	}
}

/* Amazon SNS signs what it sends: the stage between the body and reading it. */
static void job_check_sns(struct intake_job *job)
{
	struct intake *intake = job->intake;
	const struct sns_question question = {
		.sender = job->sender,
		.body = job->body,
		.len = job->len,
		.done = job_on_checked,
		.arg = job,
	};

	if (!intake->sns)
		intake->sns = sns_checker_new(&intake->env);
	sns_checker_ask(intake->sns, &question);
}

void intake_start(struct intake *intake, struct http_exchange *exchange,
		  const struct intake_request *request)
{
	const struct intake_env *env = &intake->env;
	struct intake_job *job;

	if (!env->ops.have_room(env->ops.ctx)) {
		const struct intake_outcome full = {
			.exchange = exchange,
			.request = request,
			.wall_us = clock_wall_us(env->clock),
			.status = 503,
			.error = "too many alerts are waiting; send them again",
		};
		request->answer(&full);
		return;
	}
	job = intake_job_new(intake);
	job->exchange = exchange;
	job->request = *request;
	job->request.path_action = arena_strdup(job->arena, request->path_action);
	job->request.path_id = arena_strdup(job->arena, request->path_id);
	job->sender = request->sender;
	job->series = intake->series[sender_place(intake, request->sender)];
	job->body = http_exchange_body(exchange, &job->len);
	if (request->format == FORMAT_SNS)
		job_check_sns(job);
	else
		job_read(job);
}

const struct intake_env *intake_env_of(const struct intake *intake)
{
	return &intake->env;
}

const struct rejected *intake_rejected(const struct intake *intake)
{
	return intake->rejected;
}

/* ---- authentication ---- */

bool bearer_shown(const char *authorization, const struct secret *secret)
{
	static const char scheme[] = "Bearer ";

	if (!authorization || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
		return false;
	authorization += sizeof(scheme) - 1;
	return secret_equals(secret, authorization, strlen(authorization));
}

/* Compares every declared token, so that the time taken does not tell which one is close. */
bool intake_knows_token(const struct intake *intake, const char *authorization)
{
	static const char genie[] = "GenieKey ";
	const char *key = NULL;
	bool found = false;

	if (authorization && strncasecmp(authorization, genie, sizeof(genie) - 1) == 0)
		key = authorization + sizeof(genie) - 1;
	for (size_t i = 0; i < intake->env.nsenders; i++) {
		const struct sender_auth *auth = intake->env.senders[i].auth;
		found |= sender_auth_token_shown(auth, authorization);
		for (size_t k = 0; key && k < LIMIT_LIVE_SECRETS; k++)
			found |= secret_equals(&auth->bearer[k], key, strlen(key));
	}
	return found;
}

const struct sender *intake_find_sender(const struct intake *intake, const char *name)
{
	size_t len = strlen(name);

	if (len && name[len - 1] == '/')
		len--;
	for (size_t i = 0; i < intake->env.nsenders; i++) {
		const struct sender *sender = &intake->env.senders[i];
		if (strlen(sender->name) == len && memcmp(sender->name, name, len) == 0)
			return sender;
	}
	return NULL;
}

/* Does a sender of the API's format have a token? Then all requests to the API need one. */
static bool api_has_token(const struct intake *intake)
{
	bool declared = false;

	for (size_t i = 0; i < intake->env.nsenders; i++)
		declared |= intake->env.senders[i].format == FORMAT_PROMETHEUS &&
			    sender_auth_has_token(intake->env.senders[i].auth);
	return declared;
}

bool intake_needs_token(const struct intake *intake, const char *name)
{
	if (!name)
		return !intake->env.open || api_has_token(intake);
	const struct sender *sender = intake_find_sender(intake, name);
	return sender && sender_auth_any(sender->auth);
}

void intake_log_refusal(struct intake *intake, enum intake_refusal reason,
			const struct http_exchange *exchange, const char *detail)
{
	refusals_count(intake->refusals, reason, exchange, detail);
}

static void refuse_token(struct intake *intake, struct http_exchange *exchange, const char *sender,
			 const struct sender_auth *auth)
{
	bool basic = auth && auth->basic_user;

	refusals_count(intake->refusals, INTAKE_REFUSAL_TOKEN, exchange, sender);
	http_exchange_set(exchange, "WWW-Authenticate",
			  basic ? "Basic realm=tracepager" : "Bearer");
	reply_error(exchange, 401,
		    basic ? "send the sender's name and password, or its token"
			  : "send the sender's token: Authorization: Bearer TOKEN");
}

static void refuse_sender(struct intake *intake, struct http_exchange *exchange, const char *sender,
			  enum auth_verdict verdict, const char *why)
{
	bool forbidden = verdict == AUTH_ADDRESS || verdict == AUTH_CLIENT;

	refusals_count(intake->refusals, INTAKE_REFUSAL_SENDER, exchange, sender);
	if (!forbidden)
		http_exchange_set(exchange, "WWW-Authenticate", "Signature");
	reply_error(exchange, forbidden ? 403 : 401, why);
}

/* Of the names of the client certificate one that is the sender's, else the first; NULL: none. */
static const char *client_name_of(const struct http_exchange *exchange,
				  const struct sender_auth *auth)
{
	const char *name;

	for (size_t i = 0; (name = http_exchange_client_name(exchange, i)); i++)
		for (size_t k = 0; k < auth->nclient_names; k++)
			if (strcmp(auth->client_names[k], name) == 0)
				return name;
	return http_exchange_client_name(exchange, 0);
}

/* Is the request the sender's? Else it is answered. */
static bool is_from_sender(struct intake *intake, struct http_exchange *exchange,
			   const struct sender *sender)
{
	struct auth_request request = { .header = header_of,
					.ctx = exchange,
					.peer = http_exchange_peer(exchange),
					.client_name = client_name_of(exchange, sender->auth),
					.wall_us = clock_wall_us(intake->env.clock) };
	struct err err;
	enum auth_verdict verdict;

	request.body = http_exchange_body(exchange, &request.len);
	verdict = sender_auth_check_head(sender->auth, &request, &err);
	if (verdict == AUTH_GOOD)
		verdict = sender_auth_check_body(sender->auth, &request, &err);
	if (verdict == AUTH_TOKEN)
		refuse_token(intake, exchange, sender->name, sender->auth);
	else if (verdict != AUTH_GOOD)
		refuse_sender(intake, exchange, sender->name, verdict, err.text);
	return verdict == AUTH_GOOD;
}

/* The slot of a name, made if need be. NULL: other names have all slots. */
static struct undeclared_sender *find_undeclared(struct intake *intake, const char *name,
						 int64_t now_us)
{
	struct undeclared_sender *free_one = NULL;

	for (size_t i = 0; i < LIMIT_UNDECLARED; i++) {
		struct undeclared_sender *undeclared = &intake->undeclared[i];
		if (undeclared->name[0] && strcmp(undeclared->name, name) == 0)
			return undeclared;
		if (!free_one && now_us >= undeclared->log_at_us &&
		    now_us >= undeclared->page_at_us)
			free_one = undeclared;
	}
	if (free_one) {
		*free_one = (struct undeclared_sender){ .log_at_us = 0 };
		snprintf(free_one->name, sizeof(free_one->name), "%s", name);
	}
	return free_one;
}

/* May this peer's mistakes page somebody? Otherwise anybody who reaches the port could page. */
static bool may_page_for(const struct intake *intake, const struct http_exchange *exchange)
{
	return intake->env.open ||
	       intake_knows_token(intake, http_exchange_header(exchange, "Authorization"));
}

static void report_undeclared(struct intake *intake, const struct http_exchange *exchange,
			      const char *name)
{
	const struct intake_env *env = &intake->env;
	int64_t now_us = clock_mono_us(env->clock);
	struct undeclared_sender *undeclared = find_undeclared(intake, name, now_us);
	char why[256];

	if (!undeclared)
		return;
	if (now_us >= undeclared->log_at_us) {
		undeclared->log_at_us = now_us + LIMIT_UNDECLARED_LOG_US;
		log_warn("a sender is not declared; its alerts are refused",
			 LOG_STR("sender", name), LOG_STR("peer", http_exchange_peer(exchange)));
	}
	if (now_us < undeclared->page_at_us || !may_page_for(intake, exchange) ||
	    !env->ops.have_room(env->ops.ctx))
		return;
	undeclared->page_at_us = now_us + LIMIT_UNDECLARED_PAGE_US;
	snprintf(why, sizeof(why),
		 "sender %s is not declared and its alerts are refused; declare it under senders: "
		 "in tracepager.yaml",
		 name);
	env->ops.body_refused(env->ops.ctx,
			      &(struct rejected_body){ .sender = name, .reason = why });
}

static void refuse_undeclared(struct intake *intake, struct http_exchange *exchange,
			      const char *path, size_t len)
{
	char name[LIMIT_UNDECLARED_NAME_BYTES + 1];
	size_t n = 0;

	/* The name goes into a page and a key: cut it, and replace what no name can have. */
	for (; n < len && n < LIMIT_UNDECLARED_NAME_BYTES; n++)
		name[n] = path[n] > ' ' && path[n] < 0x7f ? path[n] : '?';
	name[n] = '\0';
	metric_add(METRIC_ALERTS_REFUSED, 1);
	/* Not in a series of that name: a stranger chose it. */
	metric_series_add(metric_series(METRIC_BY_SENDER, "other"), NAMED_SENDER_REFUSED, 1);
	if (n)
		report_undeclared(intake, exchange, name);
	reply_error(exchange, 404, "no such sender; declare it under senders: in tracepager.yaml");
}

void intake_webhook(struct intake *intake, struct http_exchange *exchange, const char *name)
{
	const struct sender *sender = intake_find_sender(intake, name);
	size_t len = strlen(name);

	if (len && name[len - 1] == '/')
		len--;
	if (!sender)
		refuse_undeclared(intake, exchange, name, len);
	else if (is_from_sender(intake, exchange, sender))
		intake_start(intake, exchange,
			     &(struct intake_request){ .sender = sender,
						       .format = sender->format,
						       .answer = reply_webhook });
}

void intake_api_alerts(struct intake *intake, struct http_exchange *exchange)
{
	static const struct sender_auth none;
	static const struct sender anybody = { .name = SENDER_ANYBODY,
					       .format = FORMAT_PROMETHEUS,
					       .auth = &none };
	const char *authorization = http_exchange_header(exchange, "Authorization");
	const struct sender *found = NULL;

	/* All are compared, as in intake_knows_token(). */
	for (size_t i = 0; i < intake->env.nsenders; i++) {
		const struct sender *sender = &intake->env.senders[i];
		if (sender->format == FORMAT_PROMETHEUS &&
		    sender_auth_token_shown(sender->auth, authorization))
			found = sender;
	}
	if (!found && !intake_needs_token(intake, NULL))
		found = &anybody;
	if (!found)
		refuse_token(intake, exchange, SENDER_ANYBODY, NULL);
	else if (is_from_sender(intake, exchange, found))
		intake_start(intake, exchange,
			     &(struct intake_request){ .sender = found,
						       .format = found->format,
						       .answer = reply_api });
}
