/*
 * Intake: one job for each request, from its body to its answer. The pool parses large bodies; many
 * alerts are accepted over several turns of the loop. Owns the jobs; alerts go to intake_ops.
 */
#include "tracepager/intake.h"

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

struct intake_job {
	LIST_ENTRY(intake_job) link;
	struct intake *intake;
	struct http_exchange *exchange;
	struct arena *arena;
	const struct sender *sender;
	bool api; /* from /api/v2/alerts: answered as Alertmanager answers */
	const char *body;
	size_t len;
	struct alert_batch batch;
	struct err err;
	int result;	/* of parse() */
	size_t next;	/* the alert to be accepted next */
	size_t commits; /* not yet reported */
	int store_error;
	size_t counts[ACCEPT_COUNT];
	struct timer slice; /* accepts the next alerts in the next turn */
};

/* A name that somebody sends under and that no sender is declared with. */
struct undeclared_sender {
	char name[LIMIT_UNDECLARED_NAME_BYTES + 1];
	int64_t log_at_us, page_at_us; /* monotonic: next log line, next page; after both the slot
					* is free */
};

struct intake {
	struct intake_env env;
	struct undeclared_sender undeclared[LIMIT_UNDECLARED];
	LIST_HEAD(, intake_job) jobs;
};

struct intake *intake_new(const struct intake_env *env)
{
	struct intake *intake = xcalloc(1, sizeof(*intake));

	intake->env = *env;
	LIST_INIT(&intake->jobs);
	return intake;
}

static void intake_job_free(struct intake_job *job)
{
	LIST_REMOVE(job, link);
	timer_disarm(job->intake->env.timers, &job->slice);
	arena_free(job->arena);
	free(job);
}

void intake_free(struct intake *intake)
{
	struct intake_job *job;

	if (!intake)
		return;
	while ((job = LIST_FIRST(&intake->jobs)))
		intake_job_free(job);
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

static void write_refused(const struct intake_job *job, struct buf *body)
{
	for (size_t i = 0; i < job->batch.nrefused && i < LIMIT_REFUSED_SHOWN; i++) {
		const struct refused_alert *refused = &job->batch.refused[i];
		buf_printf(body, "%s{\"alert\": %u, \"error\": ", i ? ", " : "", refused->index);
		buf_json_string(body, refused->text);
		buf_putc(body, '}');
	}
}

static void reply_webhook(struct intake_job *job)
{
	struct buf body = BUF_INIT(LIMIT_INTAKE_REPLY_BYTES);
	const size_t *counts = job->counts;
	bool none = job->batch.nrefused && !job->batch.nalerts;

	buf_printf(&body,
		   "{\"accepted\": %zu, \"repeated\": %zu, \"resolved\": %zu, \"unknown\": %zu",
		   counts[ACCEPT_NEW], counts[ACCEPT_REPEATED], counts[ACCEPT_RESOLVED],
		   counts[ACCEPT_UNKNOWN]);
	if (job->batch.truncated)
		buf_printf(&body, ", \"left_out_by_sender\": %llu",
			   (unsigned long long)job->batch.truncated);
	if (job->batch.nrefused) {
		buf_printf(&body, ", \"refused\": %zu, \"errors\": [", job->batch.nrefused);
		write_refused(job, &body);
		buf_putc(&body, ']');
	}
	buf_puts(&body, "}\n");
	http_exchange_reply(job->exchange, none ? 400 : 202, NULL, buf_text(&body), body.len, 0);
	buf_fini(&body);
}

/* As Alertmanager answers: an empty body, or one string with all errors; valid alerts are accepted
 * either way. */
static void reply_api(struct intake_job *job)
{
	struct buf text = BUF_INIT(LIMIT_INTAKE_REPLY_BYTES / 8),
		   body = BUF_INIT(LIMIT_INTAKE_REPLY_BYTES);

	for (size_t i = 0; i < job->batch.nrefused && i < LIMIT_REFUSED_SHOWN; i++)
		buf_printf(&text, "%s%s", i ? "; " : "", job->batch.refused[i].text);
	if (job->batch.nrefused) {
		buf_json_string(&body, buf_text(&text));
		buf_putc(&body, '\n');
	}
	http_exchange_reply(job->exchange, job->batch.nrefused ? 400 : 200, NULL, buf_text(&body),
			    body.len, 0);
	buf_fini(&text);
	buf_fini(&body);
}

static void job_answer(struct intake_job *job)
{
	metric_add(METRIC_ALERTS_REFUSED, (int64_t)job->batch.nrefused);
	metric_observe_us(METRIC_ACCEPT_TIME, clock_mono_us(job->intake->env.clock) -
						      http_exchange_began_us(job->exchange));
	if (job->store_error)
		reply_error(job->exchange, 503,
			    "the store failed to write the alerts; send them again");
	else if (job->api)
		reply_api(job);
	else
		reply_webhook(job);
	intake_job_free(job);
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

static void job_accept_one(struct intake_job *job)
{
	const struct intake_env *env = &job->intake->env;
	struct alert *alert = &job->batch.alerts[job->next++];

	if (job->sender->group_theirs)
		alert->group_key = job->batch.group_key;
	job->counts[env->ops.accept(env->ops.ctx, alert, job->batch.nalerts - job->next)]++;
}

/* One that needs no trace is decided and paged at acceptance: the time counts beside the number. */
static void job_accept_slice(void *arg)
{
	struct intake_job *job = arg;
	const struct intake_env *env = &job->intake->env;
	int64_t until_us = clock_mono_us(env->clock) + LIMIT_SLICE_US;
	size_t end = job->next + LIMIT_ALERTS_PER_TURN;

	while (job->next < job->batch.nalerts && job->next < end) {
		job_accept_one(job);
		if (clock_mono_us(env->clock) >= until_us)
			break;
	}
	if (job->batch.nalerts) {
		job->commits++;
		env->ops.when_durable(env->ops.ctx, job_on_durable, job);
	}
	if (job->next < job->batch.nalerts)
		timer_arm(env->timers, &job->slice, clock_mono_us(env->clock));
	else if (!job->commits)
		job_answer(job);
}

static void job_refuse_body(struct intake_job *job)
{
	const struct intake_env *env = &job->intake->env;
	char text[sizeof(job->err.text) + 64];

	if (job->err.line)
		snprintf(text, sizeof(text), "%s (line %d, column %d)", job->err.text,
			 job->err.line, job->err.column);
	else
		snprintf(text, sizeof(text), "%s", job->err.text);
	metric_add(METRIC_ALERTS_REFUSED, 1);
	log_warn("a sender's body was refused", LOG_STR("sender", job->sender->name),
		 LOG_STR("peer", http_exchange_peer(job->exchange)), LOG_STR("error", text),
		 LOG_INT("bytes", (int64_t)job->len));
	env->ops.body_refused(env->ops.ctx, job->sender->name, text);
	reply_error(job->exchange, 400, text);
	intake_job_free(job);
}

static void job_on_parsed(struct intake_job *job)
{
	if (job->result < 0)
		job_refuse_body(job);
	else
		job_accept_slice(job);
}

static void job_run_parse(void *arg)
{
	struct intake_job *job = arg;

	job->result = alert_formats[job->sender->format]->parse(
		job->arena, job->body, job->len, job->sender->name,
		clock_wall_us(job->intake->env.clock), &job->batch, &job->err);
}

/* Several may be parsed in one turn: their slices are timers, which a turn runs a few of. */
static void job_on_parse_done(void *arg)
{
	struct intake_job *job = arg;
	const struct intake_env *env = &job->intake->env;

	if (job->result < 0)
		job_refuse_body(job);
	else
		timer_arm(env->timers, &job->slice, clock_mono_us(env->clock));
}

static void intake_start_job(struct intake *intake, struct http_exchange *exchange,
			     const struct sender *sender, bool api)
{
	struct intake_job *job;

	if (!intake->env.ops.have_room(intake->env.ops.ctx)) {
		reply_error(exchange, 503, "too many alerts are waiting; send them again");
		return;
	}
	job = xcalloc(1, sizeof(*job));
	job->intake = intake;
	job->exchange = exchange;
	job->arena = arena_new(LIMIT_INTAKE_JOB_BYTES);
	job->sender = sender;
	job->api = api;
	job->body = http_exchange_body(exchange, &job->len);
	job->slice = (struct timer){ .fire = job_accept_slice, .arg = job };
	LIST_INSERT_HEAD(&intake->jobs, job, link);
	if (job->len <= LIMIT_INLINE_BODY_BYTES) {
		job_run_parse(job);
		job_on_parsed(job);
	} else {
		pool_submit(intake->env.pool, job_run_parse, job_on_parse_done, job);
	}
}

/* ---- authentication ---- */

bool bearer_matches(const struct http_exchange *exchange, const struct secret *secret)
{
	static const char scheme[] = "Bearer ";
	const char *value = http_exchange_header(exchange, "Authorization");

	if (!value || strncasecmp(value, scheme, sizeof(scheme) - 1) != 0)
		return false;
	value += sizeof(scheme) - 1;
	return secret_equals(secret, value, strlen(value));
}

static void refuse_token(struct http_exchange *exchange, const char *sender)
{
	log_warn("request refused: its token is missing or wrong", LOG_STR("sender", sender),
		 LOG_STR("peer", http_exchange_peer(exchange)));
	http_exchange_set(exchange, "WWW-Authenticate", "Bearer");
	reply_error(exchange, 401, "send the sender's token: Authorization: Bearer TOKEN");
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
	bool found = intake->env.open;

	for (size_t i = 0; i < intake->env.nsenders; i++)
		found |= bearer_matches(exchange, intake->env.senders[i].bearer);
	return found;
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
	env->ops.body_refused(env->ops.ctx, name, why);
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
	if (n)
		report_undeclared(intake, exchange, name);
	reply_error(exchange, 404, "no such sender; declare it under senders: in tracepager.yaml");
}

void intake_webhook(struct intake *intake, struct http_exchange *exchange, const char *name)
{
	size_t len = strlen(name);

	if (len && name[len - 1] == '/')
		len--;
	for (size_t i = 0; i < intake->env.nsenders; i++) {
		const struct sender *sender = &intake->env.senders[i];
		if (strlen(sender->name) != len || memcmp(sender->name, name, len) != 0)
			continue;
		if (sender->bearer->value && !bearer_matches(exchange, sender->bearer))
			refuse_token(exchange, sender->name);
		else
			intake_start_job(intake, exchange, sender, false);
		return;
	}
	refuse_undeclared(intake, exchange, name, len);
}

void intake_api_alerts(struct intake *intake, struct http_exchange *exchange)
{
	static const struct secret none;
	static const struct sender anybody = { .name = "api",
					       .format = FORMAT_PROMETHEUS,
					       .bearer = &none };
	const struct sender *found = NULL;
	bool declared = false;

	/* Compare every declared token, so that the time taken does not tell which one is close. */
	for (size_t i = 0; i < intake->env.nsenders; i++) {
		const struct sender *sender = &intake->env.senders[i];
		if (sender->format != FORMAT_PROMETHEUS)
			continue;
		declared |= sender->bearer->value != NULL;
		if (sender->bearer->value && bearer_matches(exchange, sender->bearer))
			found = sender;
	}
	if (!found && !declared && intake->env.open)
		found = &anybody;
	if (found)
		intake_start_job(intake, exchange, found, true);
	else
		refuse_token(exchange, "api");
}
