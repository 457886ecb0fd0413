/*
 * Look-up: one trace by id, or one search, over all sources in order. A round asks each source
 * until one has the trace; after a round without it comes a pause, and another round, until the
 * deadline. It owns the exchange under way.
 */
#include "fetch-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tracepager/log.h"
#include "tracepager/metrics.h"

static void ask(struct lookup *lookup);

static int64_t now_us(const struct lookup *lookup)
{
	return clock_mono_us(lookup->job->fetch->env.clock);
}

static const struct source_config *source_of(const struct lookup *lookup)
{
	return &lookup->job->fetch->sources[lookup->source];
}

bool lookup_over(const struct lookup *lookup)
{
	return lookup->state == LOOKUP_FOUND || lookup->state == LOOKUP_ENDED;
}

bool lookup_heard(const struct lookup *lookup)
{
	for (size_t i = 0; i < lookup->job->fetch->nsources; i++)
		if (lookup->answers[i].kind != ANSWER_NONE)
			return true;
	return false;
}

/* The question of this round. A signal that is not known to be about errors gets any trace from the
 * third round on: its failing ones would be there by then, and slow ones do not fail. */
static struct trace_query query_of(const struct lookup *lookup)
{
	struct trace_query query = lookup->job->search;

	query.trace_id = lookup->trace_id;
	query.failing = query.signal && query.signal->mode != WALK_LATENCY &&
			(query.signal->mode == WALK_ERRORS || lookup->rounds < 2);
	return query;
}

/* Forget the exchange, whatever its state. */
static void exchange_fini(struct lookup *lookup)
{
	const struct http_transport *transport = lookup->job->fetch->env.transport;

	if (lookup->call)
		transport->cancel(transport->ctx, lookup->call);
	lookup->call = NULL;
	task_drop(lookup->task);
	lookup->task = NULL;
	trace_decoder_free(lookup->decoder);
	lookup->decoder = NULL;
	buf_fini(&lookup->body);
	lookup->body_bytes = 0;
	lookup->status = 0;
	lookup->error = 0;
	lookup->refused = false;
}

/* The source in turn has spoken. */
static void answered(struct lookup *lookup, enum answer_kind kind, const char *text)
{
	struct answer *answer = &lookup->answers[lookup->source];

	answer->kind = kind;
	answer->tries++;
	snprintf(answer->text, sizeof(answer->text), "%s", text);
	lookup->last_us = now_us(lookup);
	metric_add(kind == ANSWER_NOT_FOUND ? METRIC_FETCH_NOT_FOUND : METRIC_FETCH_FAILED, 1);
	metric_observe_us(METRIC_FETCH_TIME, lookup->last_us - lookup->asked_us);
	log_debug("trace not fetched", LOG_STR("source", source_of(lookup)->name),
		  LOG_STR("trace", lookup->trace_id ? lookup->trace_id : "search"),
		  LOG_INT("try", answer->tries), LOG_STR("reason", text));
}

static bool worth_asking(const struct answer *answer)
{
	return answer->kind == ANSWER_NONE || answer->kind == ANSWER_NOT_FOUND ||
	       answer->kind == ANSWER_FAILED;
}

/* Doubling, a quarter of it by chance; the last one ends short of the deadline. Less than 0: there
 * is no time for another round. */
static int64_t pause_us(const struct lookup *lookup)
{
	const struct fetch_job *job = lookup->job;
	int64_t left = job->deadline_us - LIMIT_LOOKUP_LAST_US - now_us(lookup);
	int64_t pause = LIMIT_LOOKUP_PAUSE_MIN_US;

	for (unsigned int i = 1; i < lookup->rounds && pause < LIMIT_LOOKUP_PAUSE_MAX_US; i++)
		pause *= 2;
	if (pause > LIMIT_LOOKUP_PAUSE_MAX_US)
		pause = LIMIT_LOOKUP_PAUSE_MAX_US;
	pause = (int64_t)((double)pause * (0.75 + job->fetch->env.random() / 2));
	if (left < LIMIT_LOOKUP_PAUSE_MIN_US)
		return -1;
	return pause < left ? pause : left;
}

static void round_over(struct lookup *lookup)
{
	const struct fetch_job *job = lookup->job;
	bool hope = false;

	lookup->rounds++;
	for (size_t i = 0; i < job->fetch->nsources; i++)
		hope = hope || worth_asking(&lookup->answers[i]);
	int64_t pause = pause_us(lookup);
	if (!hope || pause < 0 ||
	    (job->result.ntraces > 0 && lookup->rounds >= LIMIT_LOOKUPS_WITH_ONE)) {
		lookup->state = LOOKUP_ENDED;
		return;
	}
	lookup->state = LOOKUP_PAUSED;
	timer_arm(job->fetch->env.timers, &lookup->timer, now_us(lookup) + pause);
}

static void next_source(struct lookup *lookup)
{
	exchange_fini(lookup);
	lookup->source++;
	lookup->attempt = 0;
	ask(lookup);
	job_check(lookup->job);
}

static void give_up_on(struct lookup *lookup, enum answer_kind kind, const char *text)
{
	answered(lookup, kind, text);
	next_source(lookup);
}

static void found(struct lookup *lookup)
{
	lookup->state = LOOKUP_FOUND;
	lookup->last_us = now_us(lookup);
	lookup->job->result.source = source_of(lookup)->name;
	metric_add(METRIC_FETCH_FOUND, 1);
	metric_observe_us(METRIC_FETCH_TIME, lookup->last_us - lookup->asked_us);
	exchange_fini(lookup);
	job_settle(lookup->job, lookup);
	job_check(lookup->job);
}

/* The document is over, here or in the pool. */
static void decoded(struct lookup *lookup, struct trace_set *set, int error, const struct err *err)
{
	char text[sizeof(lookup->answers->text)];

	const struct trace_query query = query_of(lookup);
	/* One trace alone is the one that was asked for, even if the source writes ids in another
	 * way. */
	bool filtered = error == 0 && query.trace_id && set->ntraces > 1;

	lookup->task = NULL;
	if (error == 0 && job_take(lookup->job, filtered ? &query : NULL, set)) {
		found(lookup);
	} else if (error == 0 || error == -ENOENT) {
		give_up_on(lookup, ANSWER_NOT_FOUND, "");
	} else if (error == -E2BIG) {
		snprintf(text, sizeof(text), "sent a trace that is too large: %.150s", err->text);
		give_up_on(lookup, ANSWER_TOO_LARGE, text);
	} else {
		snprintf(text, sizeof(text), "sent what is no trace: %.150s", err->text);
		give_up_on(lookup, ANSWER_BAD, text);
	}
}

static void searched(struct lookup *lookup, struct files_answer *answer)
{
	char text[sizeof(lookup->answers->text)];

	lookup->task = NULL;
	job_take_files(lookup->job, answer);
	if (answer->ntraces > 0) {
		found(lookup);
	} else if (answer->err.code) {
		give_up_on(lookup, ANSWER_HOPELESS, answer->err.text);
	} else if (answer->nbad > 0) {
		snprintf(text, sizeof(text), "has %zu file%s that cannot be read as traces",
			 answer->nbad, answer->nbad == 1 ? "" : "s");
		give_up_on(lookup, ANSWER_FAILED, text);
	} else {
		give_up_on(lookup, ANSWER_NOT_FOUND, "");
	}
}

static const struct task_done task_done = { decoded, searched };

/* Replies. */

#define FRONT_BYTES 256

static void feed(struct lookup *lookup, const char *data, size_t len)
{
	lookup->body_bytes += len;
	lookup->job->bytes += len;
	if (!lookup->decoder)
		lookup->decoder = trace_decoder_new(lookup->encoding, &lookup->job->options);
	if (lookup->job->bytes > LIMIT_TRACE_BODY_BYTES)
		lookup->error = err_set(&lookup->err, E2BIG,
					"the traces of one alert have more than %u MiB",
					LIMIT_TRACE_BODY_BYTES >> 20);
	else
		lookup->error = trace_decoder_feed(lookup->decoder, data, len, &lookup->err);
	/* What is no trace from its beginning on is for the source to look at. */
	if (lookup->error == -EBADMSG && lookup->body_bytes == len)
		buf_add(&lookup->body, data, len < FRONT_BYTES ? len : FRONT_BYTES);
	lookup->refused = lookup->error != 0;
}

static int body_came(void *arg, int status, const char *data, size_t len)
{
	struct lookup *lookup = arg;

	lookup->status = status;
	if (status >= 200 && status <= 299)
		feed(lookup, data, len);
	else
		/* The status says enough where the words are too many. */
		lookup->refused = !buf_add(&lookup->body, data, len);
	return lookup->refused;
}

enum sent {
	SENT,
	NOTHING_TO_SEND, /* the source knows no (further) way to ask */
	CANNOT_SEND,
};

static enum sent send_next(struct lookup *lookup, const struct http_reply *previous);

/* A status that is no trace, or a document that is none: the source may know another way to ask. */
static void try_another_way(struct lookup *lookup, const struct http_reply *reply)
{
	int status = reply->status;
	int error = lookup->error;
	struct err err = lookup->err;
	char text[32];

	lookup->attempt++;
	if (send_next(lookup, reply) == SENT)
		return;
	if (error) {
		decoded(lookup, NULL, error, &err);
		return;
	}
	snprintf(text, sizeof(text), "answered %d", status);
	if (trace_sources[source_of(lookup)->kind]->not_found(status))
		give_up_on(lookup, ANSWER_NOT_FOUND, "");
	else if (status == 408 || status == 425 || status == 429 || status >= 500)
		give_up_on(lookup, ANSWER_FAILED, text);
	else
		give_up_on(lookup, ANSWER_HOPELESS, text);
}

static void document_over(struct lookup *lookup, const struct http_reply *reply)
{
	struct trace_decoder *decoder = lookup->decoder;
	struct trace_set *set = NULL;

	if (!decoder && lookup->error == 0)
		lookup->error = err_set(&lookup->err, EBADMSG, "an empty answer");
	if (lookup->error == 0 && lookup->body_bytes > LIMIT_INLINE_TRACE_BYTES) {
		lookup->decoder = NULL;
		lookup->task = task_decode(lookup, decoder, &task_done);
		return;
	}
	if (lookup->error == 0)
		lookup->error = trace_decoder_finish(decoder, &set, &lookup->err);
	if (lookup->error == -EBADMSG)
		try_another_way(lookup, reply);
	else
		decoded(lookup, set, lookup->error, &lookup->err);
}

static void reply_came(void *arg, const struct http_reply *came)
{
	struct lookup *lookup = arg;
	struct http_reply reply = *came;
	char text[sizeof(lookup->answers->text)];

	lookup->call = NULL;
	if (lookup->refused)
		reply.status = lookup->status; /* it is us who ended the exchange */
	reply.body = buf_text(&lookup->body);
	reply.len = lookup->body.len;
	if (reply.status == 0) {
		snprintf(text, sizeof(text), "did not answer: %.150s",
			 came->error ? came->error : "unknown");
		give_up_on(lookup, ANSWER_FAILED, text);
	} else if (reply.status >= 200 && reply.status <= 299) {
		document_over(lookup, &reply);
	} else {
		try_another_way(lookup, &reply);
	}
}

/* Asking. */

static bool send_request(struct lookup *lookup, struct http_request *request)
{
	static const struct http_handler handler = { body_came, reply_came };
	const struct http_transport *transport = lookup->job->fetch->env.transport;

	/* The job's deadline cancels what is still under way. */
	if (request->timeout_us <= 0)
		request->timeout_us = LIMIT_ENRICH_LATE_US;
	/* feed() refuses earlier, and knows that it was a trace that was too large. */
	request->max_reply_bytes *= 2;
	lookup->call = transport->send(transport->ctx, request, &handler, lookup);
	return lookup->call != NULL;
}

static enum sent send_next(struct lookup *lookup, const struct http_reply *previous)
{
	const struct source_config *source = source_of(lookup);
	struct arena *arena = arena_new(4u << 20);
	struct trace_query query = query_of(lookup);
	struct http_request request;
	enum sent sent = NOTHING_TO_SEND;

	if (trace_sources[source->kind]->request(arena, source, &query, lookup->attempt, previous,
						 &request, &lookup->encoding) == SOURCE_SEND) {
		exchange_fini(lookup);
		sent = send_request(lookup, &request) ? SENT : CANNOT_SEND;
	}
	arena_free(arena);
	return sent;
}

/* From the source in turn on, until one is being asked. */
static void ask(struct lookup *lookup)
{
	const struct fetch *fetch = lookup->job->fetch;

	lookup->state = LOOKUP_ASKING;
	for (; lookup->source < fetch->nsources; lookup->source++) {
		const struct source_config *source = source_of(lookup);
		if (!worth_asking(&lookup->answers[lookup->source]))
			continue;
		lookup->attempt = 0;
		lookup->asked_us = now_us(lookup);
		if (!trace_sources[source->kind]) {
			struct trace_query query = query_of(lookup);
			lookup->task = task_search(lookup, source, &query, &task_done);
			return;
		}
		enum sent sent = send_next(lookup, NULL);
		if (sent == SENT)
			return;
		if (sent == CANNOT_SEND)
			answered(lookup, ANSWER_FAILED,
				 "was not asked: out of memory or descriptors");
		else
			answered(lookup, ANSWER_HOPELESS, "cannot be searched for this signal");
	}
	round_over(lookup);
}

static void pause_over(void *arg)
{
	struct lookup *lookup = arg;

	lookup->state = LOOKUP_WAITING;
	job_check(lookup->job);
}

void lookup_start(struct lookup *lookup)
{
	if (lookup->rounds == 0)
		lookup->began_us = now_us(lookup);
	lookup->source = 0;
	ask(lookup);
}

void lookup_init(struct lookup *lookup, struct fetch_job *job, const char *trace_id)
{
	*lookup = (struct lookup){ .job = job, .trace_id = trace_id };
	lookup->answers = arena_array(job->arena, job->fetch->nsources, sizeof(*lookup->answers));
	lookup->timer.fire = pause_over;
	lookup->timer.arg = lookup;
	buf_init(&lookup->body, LIMIT_REPLY_BYTES);
}

void lookup_fini(struct lookup *lookup)
{
	timer_disarm(lookup->job->fetch->env.timers, &lookup->timer);
	exchange_fini(lookup);
}

void lookup_end(struct lookup *lookup)
{
	lookup_fini(lookup);
	lookup->state = LOOKUP_ENDED;
}

/* Why there is no trace. */

static void describe_not_found(const struct lookup *lookup, const char *source, unsigned int tries,
			       struct buf *text)
{
	const struct trace_query query = query_of(lookup);

	if (lookup->trace_id)
		buf_printf(text, "not found in %s", source);
	else
		buf_printf(text, "no %strace of %s in %s", query.failing ? "failing " : "",
			   query.signal->service, source);
	if (tries > 1)
		buf_printf(text, " after %u tries over %.1f s", tries,
			   (double)(lookup->last_us - lookup->began_us) / (double)US_PER_SECOND);
}

enum fallback_code lookup_missing(const struct lookup *lookup, struct buf *text)
{
	const struct fetch *fetch = lookup->job->fetch;
	bool seen[ANSWER_BAD + 1] = { false };

	for (size_t i = 0; i < fetch->nsources; i++) {
		const struct answer *answer = &lookup->answers[i];
		const char *name = fetch->sources[i].name;
		buf_puts(text, i ? "; " : "");
		seen[answer->kind] = true;
		if (answer->kind == ANSWER_NOT_FOUND)
			describe_not_found(lookup, name, answer->tries, text);
		else if (answer->kind == ANSWER_NONE)
			buf_printf(text, "%s had not answered when the time was over", name);
		else
			buf_printf(text, "%s %s", name, answer->text);
	}
	if (seen[ANSWER_TOO_LARGE])
		return FALLBACK_TRACE_TOO_LARGE;
	if (seen[ANSWER_BAD])
		return FALLBACK_BAD_TRACE;
	if (seen[ANSWER_FAILED] || seen[ANSWER_HOPELESS])
		return FALLBACK_SOURCE_ERROR;
	if (!seen[ANSWER_NOT_FOUND])
		return FALLBACK_BUDGET_SPENT;
	return lookup->trace_id ? FALLBACK_TRACE_NOT_FOUND : FALLBACK_NO_TRACE;
}
