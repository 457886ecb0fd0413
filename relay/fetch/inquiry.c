/*
 * Inquiry: one question to one source, from its first request to its answer: the requests that the
 * source's kind wants, the decoding of what comes, the pace of searches. Look-ups that have the
 * same question while it is under way share its answer; when the last of them leaves, it is
 * dropped. It owns the exchange under way, and its answer until that has been handed out.
 */
#include "fetch-internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

/* URLs and ids of all requests; bodies are kept elsewhere. */
#define INQUIRY_ARENA_BYTES (16u << 20)
/* Labels and attribute names of rules: above what they may be. */
#define KEY_BYTES   (4u << 20)
#define FRONT_BYTES 256

struct inquiry {
	struct fetch *fetch;
	const struct source_config *source;
	struct source_state *state;
	char *key; /* in the fetcher's map */
	TAILQ_HEAD(, lookup) askers;
	bool over; /* the answer is being handed out */
	struct arena *arena;
	struct signal signal;
	struct trace_query query;
	struct trace_options options;
	struct source_talk talk;
	int64_t began_us;
	bool paced;	    /* it has a place that is not used yet */
	struct timer timer; /* until the request may leave */
	/* The exchange under way. */
	struct http_call *call;
	struct task *task;
	struct trace_decoder *decoder;
	size_t bytes, body_bytes; /* of all bodies; of this one */
	int status;		  /* once the body has begun */
	struct buf body;	  /* of an answer that is no trace */
	bool refused;		  /* the exchange was ended by us */
	struct err err;		  /* of the decoder */
	struct inquiry_answer answer;
};

static int64_t now_us(const struct fetch *fetch)
{
	return clock_mono_us(fetch->env.clock);
}

void fetched_set_unref(struct fetched_set *set)
{
	if (!set || --set->refs > 0)
		return;
	trace_set_free(set->set);
	free(set);
}

/* Takes the set, for the answer. */
static void answer_add_set(struct inquiry_answer *answer, struct trace_set *set)
{
	struct fetched_set *fetched = xcalloc(1, sizeof(*fetched));

	*fetched = (struct fetched_set){ .set = set, .refs = 1 };
	answer->sets[answer->nsets++] = fetched;
}

/* ---- Its life. ---- */

/* As trace_id_equal() has it. An id stands alone: it has one answer, whoever asks. */
static void add_id(struct buf *key, const char *trace_id)
{
	for (trace_id += strspn(trace_id, "0"); *trace_id; trace_id++)
		buf_putc(key, (char)tolower((unsigned char)*trace_id));
}

/* Two questions of one text are the same: it is JSON, so that no name can look like another. */
static char *make_key(size_t source, const struct trace_query *query,
		      const struct trace_options *options)
{
	const struct signal none = { 0 };
	const struct signal *signal = query->signal ? query->signal : &none;
	struct buf key = BUF_INIT(KEY_BYTES);
	const char *texts[] = { query->expr, signal->service, signal->namespace,
				signal->operation };

	buf_printf(&key, "%zu ", source);
	if (query->trace_id)
		add_id(&key, query->trace_id);
	else
		buf_printf(&key, "%d %d %d %lld %lld %u %lld ", query->signal != NULL,
			   query->failing, query->healthy, (long long)query->from_us,
			   (long long)query->to_us, query->limit,
			   (long long)query->min_duration_us);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		buf_json_string(&key, texts[i] ? texts[i] : "");
	for (size_t i = 0; i < signal->attrs.n; i++)
		buf_json_text(&key, signal->attrs.at[i].name, signal->attrs.at[i].value);
	buf_putc(&key, ' ');
	for (size_t i = 0; query->expr && i < query->labels->n; i++)
		buf_json_text(&key, query->labels->at[i].name, query->labels->at[i].value);
	buf_putc(&key, ' ');
	for (size_t i = 0; i < options->nextra_names; i++)
		buf_json_string(&key, options->extra_names[i]);
	return buf_take(&key);
}

static void exchange_fini(struct inquiry *inquiry)
{
	const struct http_transport *transport = inquiry->fetch->env.transport;

	timer_disarm(inquiry->fetch->env.timers, &inquiry->timer);
	if (inquiry->call)
		transport->cancel(transport->ctx, inquiry->call);
	inquiry->call = NULL;
	task_drop(inquiry->task);
	inquiry->task = NULL;
	buf_fini(&inquiry->body);
	inquiry->body_bytes = 0;
	inquiry->status = 0;
	inquiry->refused = false;
	inquiry->err.code = 0;
}

static void inquiry_free(struct inquiry *inquiry)
{
	if (inquiry->paced)
		pace_give_back(&inquiry->state->pace, inquiry->source->search_pause_us);
	exchange_fini(inquiry);
	trace_decoder_free(inquiry->decoder);
	for (size_t i = 0; i < inquiry->answer.nsets; i++)
		fetched_set_unref(inquiry->answer.sets[i]);
	arena_free(inquiry->arena);
	free(inquiry->key);
	free(inquiry);
}

static void count(const struct inquiry *inquiry)
{
	enum answer_kind kind = inquiry->answer.kind;

	metric_observe_us(METRIC_FETCH_TIME, now_us(inquiry->fetch) - inquiry->began_us);
	if (kind == ANSWER_TRACES || kind == ANSWER_IDS) {
		metric_add(METRIC_FETCH_FOUND, 1);
		return;
	}
	metric_add(kind == ANSWER_NOT_FOUND ? METRIC_FETCH_NOT_FOUND : METRIC_FETCH_FAILED, 1);
	log_debug("trace not fetched", LOG_STR("source", inquiry->source->name),
		  LOG_STR("trace", inquiry->query.trace_id ? inquiry->query.trace_id : "search"),
		  LOG_STR("reason", inquiry->answer.text));
}

/* The answer is there. Whoever gets it may leave, ask anew, or make others leave. */
static void hand_out(struct inquiry *inquiry)
{
	struct lookup *lookup;

	map_remove(inquiry->fetch->inquiries, inquiry->key);
	inquiry->over = true;
	count(inquiry);
	while ((lookup = TAILQ_FIRST(&inquiry->askers))) {
		inquiry_leave(lookup);
		lookup_answered(lookup, &inquiry->answer);
	}
	inquiry_free(inquiry);
}

void inquiry_leave(struct lookup *lookup)
{
	struct inquiry *inquiry = lookup->inquiry;

	if (!inquiry)
		return;
	TAILQ_REMOVE(&inquiry->askers, lookup, of_inquiry);
	lookup->inquiry = NULL;
	if (inquiry->over || !TAILQ_EMPTY(&inquiry->askers))
		return;
	map_remove(inquiry->fetch->inquiries, inquiry->key);
	inquiry_free(inquiry);
}

/* ---- Answers. ---- */

/* Always false: nothing more is under way. */
static bool end(struct inquiry *inquiry, enum answer_kind kind, const char *text)
{
	inquiry->answer.kind = kind;
	snprintf(inquiry->answer.text, sizeof(inquiry->answer.text), "%.*s",
		 (int)sizeof(inquiry->answer.text) - 1, text ? text : "");
	return false;
}

static bool end_decoding(struct inquiry *inquiry, int error, const char *why)
{
	char text[sizeof(inquiry->answer.text)];

	if (error == -ENOENT)
		return end(inquiry, ANSWER_NOT_FOUND, NULL);
	snprintf(text, sizeof(text), "sent %s: %.150s",
		 error == -E2BIG ? "a trace that is too large" : "what is no trace", why);
	return end(inquiry, error == -E2BIG ? ANSWER_TOO_LARGE : ANSWER_BAD, text);
}

static void take_decoded(struct inquiry *inquiry, struct decoded *decoded)
{
	struct inquiry_answer *answer = &inquiry->answer;

	if (decoded->error) {
		end_decoding(inquiry, decoded->error, decoded->err.text);
		return;
	}
	answer_add_set(answer, decoded->set);
	memcpy(answer->traces, decoded->traces, sizeof(answer->traces));
	answer->ntraces = decoded->ntraces;
	end(inquiry, answer->ntraces > 0 ? ANSWER_TRACES : ANSWER_NOT_FOUND, NULL);
}

static void decoded_in_pool(struct inquiry *inquiry, struct decoded *decoded)
{
	inquiry->task = NULL;
	take_decoded(inquiry, decoded);
	hand_out(inquiry);
}

static void searched_in_pool(struct inquiry *inquiry, struct files_answer *files)
{
	struct inquiry_answer *answer = &inquiry->answer;
	char text[sizeof(answer->text)];

	inquiry->task = NULL;
	for (size_t i = 0; i < files->nsets; i++)
		answer_add_set(answer, files->sets[i]);
	memcpy(answer->traces, files->traces, sizeof(answer->traces));
	answer->ntraces = files->ntraces;
	snprintf(text, sizeof(text), "has %zu file%s that cannot be read as traces", files->nbad,
		 files->nbad == 1 ? "" : "s");
	if (files->ntraces > 0)
		end(inquiry, ANSWER_TRACES, NULL);
	else if (files->err.code)
		end(inquiry, ANSWER_HOPELESS, files->err.text);
	else if (files->nbad > 0)
		end(inquiry, ANSWER_FAILED, text);
	else
		end(inquiry, ANSWER_NOT_FOUND, NULL);
	hand_out(inquiry);
}

static const struct task_done task_done = { decoded_in_pool, searched_in_pool };

static struct task_env task_env(const struct inquiry *inquiry)
{
	return (struct task_env){ inquiry->fetch->env.pool, &inquiry->query, &inquiry->options,
				  &task_done };
}

/* What was decoded is the answer. true: the pool is at it. */
static bool finish_decoding(struct inquiry *inquiry)
{
	const struct task_env env = task_env(inquiry);
	struct trace_decoder *decoder = inquiry->decoder;
	struct decoded decoded;

	if (!decoder)
		return end(inquiry, ANSWER_NOT_FOUND, NULL);
	if (inquiry->bytes > LIMIT_INLINE_TRACE_BYTES) {
		inquiry->decoder = NULL;
		inquiry->task = task_decode(inquiry, &env, decoder);
		return true;
	}
	decode_finish(decoder, &inquiry->query, &decoded);
	take_decoded(inquiry, &decoded);
	return false;
}

/* ---- Replies. ---- */

static int feed(struct inquiry *inquiry, const char *data, size_t len)
{
	int error;

	inquiry->bytes += len;
	if (!inquiry->decoder)
		inquiry->decoder = trace_decoder_new(inquiry->talk.encoding, &inquiry->options);
	error = trace_decoder_feed(inquiry->decoder, data, len, &inquiry->err);
	/* What is no trace from its beginning on is for the kind to look at. */
	if (error == -EBADMSG && inquiry->body_bytes == len)
		buf_add(&inquiry->body, data, len < FRONT_BYTES ? len : FRONT_BYTES);
	return error;
}

static int body_came(void *arg, int status, const char *data, size_t len)
{
	struct inquiry *inquiry = arg;
	bool good = status >= 200 && status <= 299;

	inquiry->status = status;
	inquiry->body_bytes += len;
	if (good && inquiry->talk.encoding != SOURCE_TEXT)
		inquiry->refused = feed(inquiry, data, len) != 0;
	else if (!buf_add(&inquiry->body, data, len)) {
		/* Of a refusal, the status says enough where the words are too many. */
		inquiry->refused = true;
		if (good)
			err_set(&inquiry->err, E2BIG, "more than %zu bytes", inquiry->body.cap);
	}
	return inquiry->refused;
}

static bool advance(struct inquiry *inquiry, const struct http_reply *reply);

static void reply_came(void *arg, const struct http_reply *came)
{
	struct inquiry *inquiry = arg;
	struct http_reply reply = *came;
	char text[sizeof(inquiry->answer.text)];
	bool going = false;

	inquiry->call = NULL;
	if (inquiry->refused)
		reply.status = inquiry->status; /* it is us who ended the exchange */
	reply.body = buf_text(&inquiry->body);
	reply.len = inquiry->body.len;
	if (reply.status >= 200 && reply.status <= 299 && inquiry->body_bytes == 0)
		err_set(&inquiry->err, ENODATA, "an empty answer");
	if (reply.status == 0) {
		snprintf(text, sizeof(text), "did not answer: %.150s",
			 came->error ? came->error : "unknown");
		end(inquiry, ANSWER_FAILED, text);
	} else if (inquiry->err.code == E2BIG && inquiry->talk.encoding == SOURCE_TEXT) {
		snprintf(text, sizeof(text), "sent %.150s", inquiry->err.text);
		end(inquiry, ANSWER_FAILED, text);
	} else {
		going = advance(inquiry, &reply);
	}
	if (!going)
		hand_out(inquiry);
}

/* ---- Requests. ---- */

static bool send_request(struct inquiry *inquiry)
{
	static const struct http_handler handler = { body_came, reply_came };
	const struct http_transport *transport = inquiry->fetch->env.transport;
	struct http_request *request = &inquiry->talk.request;
	bool text = inquiry->talk.encoding == SOURCE_TEXT;

	inquiry->paced = false;
	buf_init(&inquiry->body, text ? request->max_reply_bytes : LIMIT_REPLY_BYTES);
	/* The jobs' deadlines cancel what is still under way. */
	if (request->timeout_us <= 0)
		request->timeout_us = LIMIT_ENRICH_LATE_US;
	/* body_came() refuses earlier, and knows what it was that was too large. */
	request->max_reply_bytes *= 2;
	inquiry->call = transport->send(transport->ctx, request, &handler, inquiry);
	if (inquiry->call)
		return true;
	return end(inquiry, ANSWER_FAILED, "was not asked: out of memory or descriptors");
}

static void pause_over(void *arg)
{
	struct inquiry *inquiry = arg;

	if (!send_request(inquiry))
		hand_out(inquiry);
}

/* The kind has built a request. */
static bool send_next(struct inquiry *inquiry)
{
	struct fetch *fetch = inquiry->fetch;
	int64_t wait_us = inquiry->talk.wait_us;
	struct err err;

	if (inquiry->talk.step++ == LIMIT_SOURCE_STEPS)
		return end(inquiry, ANSWER_FAILED, "has not come to an end of its answer");
	exchange_fini(inquiry);
	if (inquiry->talk.more && inquiry->decoder) {
		int error = trace_decoder_page(inquiry->decoder, &err);
		if (error)
			return end_decoding(inquiry, error, err.text);
	} else {
		trace_decoder_free(inquiry->decoder);
		inquiry->decoder = NULL;
	}
	if (inquiry->talk.searches) {
		wait_us += pace_take(&inquiry->state->pace, inquiry->source->search_pause_us,
				     LIMIT_SEARCH_BURST, now_us(fetch));
		inquiry->paced = wait_us > 0;
	}
	if (wait_us == 0)
		return send_request(inquiry);
	timer_arm(fetch->env.timers, &inquiry->timer, now_us(fetch) + wait_us);
	return true;
}

/* The kind says what comes next. false: the answer is there. */
static bool advance(struct inquiry *inquiry, const struct http_reply *reply)
{
	struct source_talk *talk = &inquiry->talk;
	enum source_step step;

	talk->reply = reply;
	talk->wall_us = clock_wall_us(inquiry->fetch->env.clock);
	talk->error = -inquiry->err.code;
	talk->cursor =
		inquiry->decoder && !talk->error ? trace_decoder_cursor(inquiry->decoder) : NULL;
	talk->no_spans =
		inquiry->decoder && !talk->error && trace_decoder_is_empty(inquiry->decoder);
	talk->more = false;
	/* The first request of a search is one. */
	talk->searches = talk->step == 0 && !talk->query->trace_id;
	talk->wait_us = 0;
	talk->hold_us = 0;
	talk->text = NULL;
	step = trace_source_next(talk);
	if (talk->hold_us > LIMIT_SOURCE_HOLD_US)
		talk->hold_us = LIMIT_SOURCE_HOLD_US;
	if (talk->hold_us > 0)
		inquiry->state->held_until_us = now_us(inquiry->fetch) + talk->hold_us;
	switch (step) {
	case SOURCE_SEND:
		return send_next(inquiry);
	case SOURCE_TRACES:
		return finish_decoding(inquiry);
	case SOURCE_IDS:
		inquiry->answer.ids = talk->ids;
		inquiry->answer.nids = talk->nids;
		return end(inquiry, talk->nids > 0 ? ANSWER_IDS : ANSWER_NOT_FOUND, NULL);
	case SOURCE_NOT_FOUND:
		return end(inquiry, ANSWER_NOT_FOUND, NULL);
	case SOURCE_FAILED:
		return end(inquiry, ANSWER_FAILED, talk->text);
	case SOURCE_REFUSED:
		return end(inquiry, ANSWER_HOPELESS, talk->text);
	case SOURCE_TOO_LARGE:
		return end(inquiry, ANSWER_TOO_LARGE, talk->text);
	case SOURCE_BAD:
		break;
	}
	if (talk->text)
		return end(inquiry, ANSWER_BAD, talk->text);
	return end_decoding(inquiry, -inquiry->err.code, inquiry->err.text);
}

/* ---- Asking. ---- */

static struct inquiry *inquiry_new(struct fetch_job *job, size_t source,
				   const struct trace_query *query)
{
	struct inquiry *inquiry = xcalloc(1, sizeof(*inquiry));

	inquiry->fetch = job->fetch;
	inquiry->source = &job->fetch->sources[source];
	inquiry->state = &job->fetch->states[source];
	inquiry->arena = arena_new(INQUIRY_ARENA_BYTES);
	inquiry->began_us = now_us(job->fetch);
	TAILQ_INIT(&inquiry->askers);
	query_copy(inquiry->arena, query, &inquiry->signal, &inquiry->query);
	options_copy(inquiry->arena, &job->options, &inquiry->options);
	inquiry->talk.arena = inquiry->arena;
	inquiry->talk.config = inquiry->source;
	inquiry->talk.query = &inquiry->query;
	inquiry->timer.fire = pause_over;
	inquiry->timer.arg = inquiry;
	return inquiry;
}

/* Before a talk: during one, its texts may be the request's. */
static void refresh_secrets(struct source_config *source)
{
	struct secret *secrets[] = { &source->bearer,	     &source->basic,   &source->password,
				     &source->session_token, &source->api_key, &source->app_key };
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(secrets) + source->nheaders; i++) {
		struct secret *secret = i < ARRAY_LEN(secrets)
						? secrets[i]
						: &source->headers[i - ARRAY_LEN(secrets)].value;
		if (secret_refresh(secret, &err) < 0)
			log_warn("a source's secret cannot be read again; the old one stays",
				 LOG_STR("source", source->name), LOG_STR("reason", err.text));
	}
}

static bool start(struct inquiry *inquiry)
{
	const struct task_env env = task_env(inquiry);
	int64_t held_us = inquiry->state->held_until_us - now_us(inquiry->fetch);
	char text[sizeof(inquiry->answer.text)];

	if (held_us > 0) {
		snprintf(text, sizeof(text), "takes no further question for %.1f s",
			 (double)held_us / (double)US_PER_SECOND);
		return end(inquiry, ANSWER_FAILED, text);
	}
	if (trace_sources[inquiry->source->kind])
		return advance(inquiry, NULL);
	inquiry->task = task_search(inquiry, &env, inquiry->source->path);
	return true;
}

bool inquiry_ask(struct lookup *lookup, size_t source, const struct trace_query *query,
		 struct inquiry_answer *ret_answer)
{
	struct fetch *fetch = lookup->job->fetch;
	char *key = make_key(source, query, &lookup->job->options);
	struct inquiry *inquiry = map_get(fetch->inquiries, key);

	if (inquiry) {
		free(key);
	} else {
		inquiry = inquiry_new(lookup->job, source, query);
		inquiry->key = key;
		refresh_secrets(&fetch->sources[source]);
		if (!start(inquiry)) {
			count(inquiry);
			*ret_answer = inquiry->answer;
			inquiry_free(inquiry);
			return false;
		}
		map_put(fetch->inquiries, inquiry->key, inquiry);
	}
	TAILQ_INSERT_TAIL(&inquiry->askers, lookup, of_inquiry);
	lookup->inquiry = inquiry;
	return true;
}
