/*
 * Inquiry: one question to one source, from its first request to its answer: it sends the requests
 * that the source's kind wants, decodes the replies, and keeps the pace of searches. Askers that
 * have the same question while it is under way share its answer; when the last of them leaves, the
 * inquiry is dropped. The first of them leads it. An answer is handed out in slices and kept for
 * later askers: for LIMIT_ANSWER_KEPT_US, or LIMIT_NOT_FOUND_KEPT_US, or until traces that are
 * fetched need its memory. Owns the exchange under way, and the answer.
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

#define INQUIRY_CURE                                                                               \
	"tracepager doctor --only source asks it and tells the cure; tracepager loglevel debug "   \
	"--for 10m logs each question"

struct inquiry {
	TAILQ_ENTRY(inquiry) kept_link;	    /* in fetch->kept */
	TAILQ_ENTRY(inquiry) answered_link; /* in fetch->answered */
	struct fetch *fetch;
	const struct source_config *source;
	struct source_state *state;
	char *key; /* in fetch->inquiries */
	TAILQ_HEAD(, inquiry_asker) askers;
	bool shared;	     /* it has had two askers at one time, or an answer for later ones */
	int64_t answered_us; /* monotonic; 0: it is under way */
	bool kept;
	size_t kept_bytes; /* that it adds to fetch->kept_bytes */
	struct arena *arena;
	struct signal signal;
	struct trace_query query;
	struct trace_options options;
	struct source_talk talk;
	int64_t began_us;
	bool paced;	    /* it has taken a place of the pace and not used it yet */
	struct timer timer; /* fires when the request may leave, or the answer is too old */
	/* The exchange under way. */
	struct http_call *call;
	struct task *task;
	struct trace_decoder *decoder;
	size_t bytes;	   /* of the bodies of all exchanges */
	size_t body_bytes; /* of this exchange's body */
	int status;	   /* 0 until the body has begun */
	struct buf body;   /* of a reply that is no trace */
	bool refused;	   /* inquiry_on_body() has ended the exchange */
	struct err err;	   /* of the decoder */
	struct inquiry_answer answer;
	struct inquiry_trace *trace; /* of the relay's own traces; NULL: it is in none */
};

static int64_t fetch_now_us(const struct fetch *fetch)
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

/* Takes the set. */
static void answer_add_set(struct inquiry_answer *answer, struct trace_set *set)
{
	struct fetched_set *fetched = xcalloc(1, sizeof(*fetched));

	*fetched = (struct fetched_set){ .set = set, .refs = 1 };
	answer->sets[answer->nsets++] = fetched;
}

/* ---- the relay's own traces ---- */

/* The span that has asked first, and that of the latest request. */
struct inquiry_trace {
	struct span_context above, request;
	struct stage_target target;
	int64_t sent_us;
};

/* Zeroed: it is in none. */
static const struct span_context *inquiry_span(const struct inquiry *inquiry)
{
	static const struct span_context none;

	return !inquiry->trace		      ? &none
	       : inquiry->trace->request.span ? &inquiry->trace->request
					      : &inquiry->trace->above;
}

static void inquiry_trace_request(struct inquiry *inquiry, const struct http_request *request)
{
	struct inquiry_trace *trace = inquiry->trace;

	if (!trace)
		return;
	trace->request = stage_child(inquiry->fetch->env.tracer, &trace->above);
	stage_target_set(&trace->target, request, true);
	trace->sent_us = fetch_now_us(inquiry->fetch);
}

/* error NULL: it was cancelled. */
static void inquiry_tell_request(const struct inquiry *inquiry, int status, const char *error)
{
	const struct inquiry_trace *trace = inquiry->trace;
	const struct trace_query *query = &inquiry->query;
	char name[128];

	if (!trace)
		return;
	struct stage_span span = { .stage = STAGE_REQUEST,
				   .name = name,
				   .context = trace->request,
				   .began_us = trace->sent_us };
	snprintf(name, sizeof(name), "%s %s", trace->target.method == HTTP_POST ? "POST" : "GET",
		 inquiry->source->name);
	stage_text(&span, STAGE_ATTR_SOURCE, inquiry->source->name);
	stage_text(&span, STAGE_ATTR_QUESTION,
		   query->trace_id ? "by_id"
		   : query->expr   ? "exemplars"
				   : "search");
	stage_add_http(&span, &trace->target, status, error, query->trace_id != NULL);
	if (!error)
		span.error = "cancelled";
	stage_tell(inquiry->fetch->env.tracer, &span, fetch_now_us(inquiry->fetch));
}

/* One that asked what another alert had asked for learns whose request that was. */
static void inquiry_tell_shared(const struct inquiry *inquiry, const struct inquiry_asker *asker)
{
	const struct span_context *request = inquiry_span(inquiry);

	if (!span_context_is_set(&asker->trace) ||
	    (inquiry->trace && inquiry->trace->above.span == asker->trace.span))
		return;
	struct stage_span span = stage_below(STAGE_SHARED, &asker->trace, asker->asked_us);
	stage_text(&span, STAGE_ATTR_SOURCE, inquiry->source->name);
	span.links = request;
	span.nlinks = span_context_is_set(request);
	stage_tell(inquiry->fetch->env.tracer, &span, fetch_now_us(inquiry->fetch));
}

/* ---- life ---- */

/* Ids that are equal by trace_id_equal() get one text. */
static void key_add_trace_id(struct buf *key, const char *trace_id)
{
	for (trace_id += strspn(trace_id, "0"); *trace_id; trace_id++)
		buf_putc(key, (char)tolower((unsigned char)*trace_id));
}

/* Equal questions have equal keys. Texts are JSON strings, so that no two lists of names read
 * alike. A question by id depends on nothing else of the job: all who ask for the id share it. The
 * caller frees the key. */
static char *inquiry_key(const struct inquiry_question *question)
{
	const struct trace_query *query = question->query;
	const struct trace_options *options = question->options;
	const struct signal none = { 0 };
	const struct signal *signal = query->signal ? query->signal : &none;
	struct buf key = BUF_INIT(LIMIT_QUESTION_BYTES);
	const char *texts[] = { query->expr, signal->service, signal->namespace,
				signal->operation };

	buf_printf(&key, "%zu ", question->source);
	if (query->trace_id)
		key_add_trace_id(&key, query->trace_id);
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
	if (inquiry->call) {
		transport->cancel(transport->ctx, inquiry->call);
		inquiry_tell_request(inquiry, 0, NULL);
	}
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
	free(inquiry->trace);
	free(inquiry->key);
	free(inquiry);
}

/* Why there is no trace, for the log: an answer without one has no text of its own. */
static const char *inquiry_reason(const struct inquiry *inquiry)
{
	if (*inquiry->answer.text)
		return inquiry->answer.text;
	return inquiry->query.trace_id ? "the source does not have it (yet)"
				       : "the source found none of these";
}

/* Which traces a search is for: an alert has several, of which some may find what others do not.
 * NULL: it is no search. */
static const char *inquiry_wanted(const struct trace_query *query)
{
	if (query->trace_id || query->expr)
		return NULL;
	return query->shared	? "ordinary"
	       : query->healthy ? "healthy"
	       : query->failing ? "failing"
				: "any";
}

static void inquiry_log_missing(const struct inquiry *inquiry)
{
	const struct trace_query *query = &inquiry->query;
	const struct signal *signal = query->signal;

	log_debug("trace not fetched", LOG_STR("source", inquiry->source->name),
		  LOG_STR("trace", query->trace_id ? query->trace_id
				   : query->expr   ? "exemplars"
						   : "search"),
		  LOG_OPT("wanted", inquiry_wanted(query)),
		  LOG_OPT("service", signal ? signal->service : NULL),
		  LOG_OPT("operation", signal ? signal->operation : NULL),
		  LOG_OPT("expr", query->expr), LOG_STR("reason", inquiry_reason(inquiry)));
}

static void inquiry_tell_health(const struct inquiry *inquiry, bool answered)
{
	struct source_health *health = &inquiry->state->health;
	const char *name = inquiry->source->name;

	switch (source_health_note(health, answered, fetch_now_us(inquiry->fetch))) {
	case SOURCE_NO_NEWS:
		return;
	case SOURCE_FAILS:
		log_warn("a trace source fails; pages leave without its traces",
			 LOG_STR("source", name), LOG_STR("reason", inquiry_reason(inquiry)),
			 LOG_STR("cure", INQUIRY_CURE));
		return;
	case SOURCE_FAILS_STILL:
		log_warn("a trace source fails still; pages leave without its traces",
			 LOG_STR("source", name), LOG_INT("failed_questions", health->nfailed),
			 LOG_STR("reason", inquiry_reason(inquiry)), LOG_STR("cure", INQUIRY_CURE));
		return;
	case SOURCE_ANSWERS_AGAIN:
		log_info("a trace source answers again", LOG_STR("source", name),
			 LOG_INT("failed_questions", health->nfailed));
	}
}

static void inquiry_count(const struct inquiry *inquiry)
{
	enum answer_kind kind = inquiry->answer.kind;
	struct metric_series *series = inquiry->state->series;
	const int64_t took_us = fetch_now_us(inquiry->fetch) - inquiry->began_us;
	const bool found = kind == ANSWER_TRACES || kind == ANSWER_IDS;

	const struct span_context *span = inquiry_span(inquiry);

	stage_observe_us(METRIC_FETCH_TIME, took_us, span);
	stage_series_observe_us(series, NAMED_SOURCE_TIME, took_us, span);
	inquiry_tell_health(inquiry, found || kind == ANSWER_NOT_FOUND);
	if (found || kind == ANSWER_NOT_FOUND)
		metric_series_set(series, NAMED_SOURCE_ANSWERED,
				  clock_wall_us(inquiry->fetch->env.clock));
	if (found) {
		metric_add(METRIC_FETCH_FOUND, 1);
		metric_series_add(series, NAMED_SOURCE_FOUND, 1);
		return;
	}
	metric_add(kind == ANSWER_NOT_FOUND ? METRIC_FETCH_NOT_FOUND : METRIC_FETCH_FAILED, 1);
	metric_series_add(
		series, kind == ANSWER_NOT_FOUND ? NAMED_SOURCE_NOT_FOUND : NAMED_SOURCE_FAILED, 1);
	inquiry_log_missing(inquiry);
}

/* An inquiry under way needs an asker, an answered one an asker or to be kept. */
static void inquiry_free_unused(struct inquiry *inquiry)
{
	if (!inquiry->kept && TAILQ_EMPTY(&inquiry->askers) &&
	    inquiry->fetch->handing_out != inquiry)
		inquiry_free(inquiry);
}

void inquiry_leave(struct inquiry_asker *asker)
{
	struct inquiry *inquiry = asker->inquiry;
	bool led = inquiry_is_led_by(asker);
	struct inquiry_asker *next;

	if (!inquiry)
		return;
	TAILQ_REMOVE(&inquiry->askers, asker, link);
	asker->inquiry = NULL;
	next = TAILQ_FIRST(&inquiry->askers);
	if (next && led)
		next->leads(next->arg);
	if (next)
		return;
	if (inquiry->answered_us)
		TAILQ_REMOVE(&inquiry->fetch->answered, inquiry, answered_link);
	else
		map_remove(inquiry->fetch->inquiries, inquiry->key);
	inquiry_free_unused(inquiry);
}

static void inquiry_join(struct inquiry *inquiry, struct inquiry_asker *asker)
{
	bool first = TAILQ_EMPTY(&inquiry->askers);

	inquiry->shared = inquiry->shared || !first || inquiry->answered_us;
	TAILQ_INSERT_TAIL(&inquiry->askers, asker, link);
	asker->inquiry = inquiry;
	asker->asked_us = fetch_now_us(inquiry->fetch);
	if (!inquiry->answered_us || !first)
		return;
	TAILQ_INSERT_TAIL(&inquiry->fetch->answered, inquiry, answered_link);
	hand_out_soon(inquiry->fetch);
}

bool inquiry_is_led_by(const struct inquiry_asker *asker)
{
	const struct inquiry *inquiry = asker->inquiry;

	return inquiry && !inquiry->answered_us && TAILQ_FIRST(&inquiry->askers) == asker;
}

bool inquiry_is_shared(const struct inquiry_asker *asker)
{
	return asker->inquiry && asker->inquiry->shared;
}

/* ---- kept answers ---- */

static bool has_traces_or_ids(const struct inquiry *inquiry)
{
	return inquiry->answer.kind == ANSWER_TRACES || inquiry->answer.kind == ANSWER_IDS;
}

/* Only one gathering asks for the healthy traces of a baseline. */
static int64_t keep_time_us(const struct inquiry *inquiry)
{
	if (inquiry->query.healthy && !inquiry->query.shared)
		return 0;
	return has_traces_or_ids(inquiry) ? LIMIT_ANSWER_KEPT_US : LIMIT_NOT_FOUND_KEPT_US;
}

static void inquiry_forget(struct inquiry *inquiry)
{
	struct fetch *fetch = inquiry->fetch;

	map_remove(fetch->inquiries, inquiry->key);
	TAILQ_REMOVE(&fetch->kept, inquiry, kept_link);
	fetch->nkept--;
	fetch->kept_bytes -= inquiry->kept_bytes;
	timer_disarm(fetch->env.timers, &inquiry->timer);
	inquiry->kept = false;
	inquiry_free_unused(inquiry);
}

static void inquiry_on_too_old(void *arg)
{
	inquiry_forget(arg);
}

/* Less than a quarter of the memory of all traces is free. */
static bool is_memory_short(const struct fetch *fetch)
{
	struct trace_memory *memory = fetch->env.memory;

	return memory && memory->used_bytes > memory->cap_bytes - memory->cap_bytes / 4;
}

/* Forget the oldest answers while they are too many, or traces that are fetched need the memory. */
static void trim_kept(struct fetch *fetch)
{
	while (fetch->nkept > LIMIT_ANSWERS_KEPT || fetch->kept_bytes > LIMIT_ANSWERS_KEPT_BYTES ||
	       (fetch->nkept > 0 && is_memory_short(fetch)))
		inquiry_forget(TAILQ_FIRST(&fetch->kept));
}

void inquiry_forget_all(struct fetch *fetch)
{
	while (fetch->nkept > 0)
		inquiry_forget(TAILQ_FIRST(&fetch->kept));
}

static void inquiry_keep(struct inquiry *inquiry)
{
	struct fetch *fetch = inquiry->fetch;

	inquiry->kept_bytes = sizeof(*inquiry) + strlen(inquiry->key);
	for (size_t i = 0; i < inquiry->answer.nsets; i++)
		inquiry->kept_bytes += inquiry->answer.sets[i]->set->bytes;
	if (inquiry->arena)
		inquiry->kept_bytes += arena_used(inquiry->arena);
	inquiry->kept = true;
	TAILQ_INSERT_TAIL(&fetch->kept, inquiry, kept_link);
	fetch->nkept++;
	fetch->kept_bytes += inquiry->kept_bytes;
	inquiry->timer.fire = inquiry_on_too_old;
	timer_arm(fetch->env.timers, &inquiry->timer, inquiry->answered_us + keep_time_us(inquiry));
	trim_kept(fetch);
}

/* Is it an answer of the time that the question wants? */
static bool is_answer_wanted(const struct inquiry *inquiry, const struct inquiry_question *question)
{
	return inquiry->answered_us > question->after_us &&
	       fetch_now_us(inquiry->fetch) - inquiry->answered_us < keep_time_us(inquiry);
}

/* ---- handing out ---- */

void hand_out_soon(struct fetch *fetch)
{
	if (!fetch->hand_out.slot)
		timer_arm(fetch->env.timers, &fetch->hand_out, fetch_now_us(fetch));
}

/* Drop all that only led to the answer. */
static void inquiry_strip(struct inquiry *inquiry)
{
	struct inquiry_answer *answer = &inquiry->answer;

	exchange_fini(inquiry);
	trace_decoder_free(inquiry->decoder);
	inquiry->decoder = NULL;
	for (; answer->kind != ANSWER_TRACES && answer->nsets > 0; answer->nsets--)
		fetched_set_unref(answer->sets[answer->nsets - 1]);
	if (answer->kind == ANSWER_IDS)
		return; /* the arena keeps them */
	arena_free(inquiry->arena);
	inquiry->arena = NULL;
}

/* The answer is set: hand it out soon, and keep it. */
static void inquiry_answered(struct inquiry *inquiry)
{
	struct fetch *fetch = inquiry->fetch;

	inquiry_count(inquiry);
	inquiry_strip(inquiry);
	inquiry->answered_us = fetch_now_us(fetch);
	TAILQ_INSERT_TAIL(&fetch->answered, inquiry, answered_link);
	hand_out_soon(fetch);
	if (keep_time_us(inquiry) > 0)
		inquiry_keep(inquiry);
	else
		map_remove(fetch->inquiries, inquiry->key);
}

bool inquiry_hand_out(struct fetch *fetch)
{
	struct inquiry *inquiry = TAILQ_FIRST(&fetch->answered);
	struct inquiry_asker *asker;

	if (!inquiry)
		return false;
	asker = TAILQ_FIRST(&inquiry->askers);
	/* The callback may ask anew, and make other askers leave and kept answers go. */
	fetch->handing_out = inquiry;
	inquiry_leave(asker);
	inquiry_tell_shared(inquiry, asker);
	asker->answered(asker->arg, &inquiry->answer);
	fetch->handing_out = NULL;
	inquiry_free_unused(inquiry);
	return true;
}

/* ---- answers ---- */

/* Set the answer. Always false: nothing is under way any more. */
static bool inquiry_end(struct inquiry *inquiry, enum answer_kind kind, const char *text)
{
	inquiry->answer.kind = kind;
	snprintf(inquiry->answer.text, sizeof(inquiry->answer.text), "%.*s",
		 (int)sizeof(inquiry->answer.text) - 1, text ? text : "");
	if (*inquiry->answer.text) {
		/* A source may quote the token that it was sent. */
		struct secret_hide *secrets = source_config_secrets(inquiry->talk.config);
		secret_hide_in(secrets, inquiry->answer.text, strlen(inquiry->answer.text));
		secret_hide_free(secrets);
	}
	return false;
}

static bool end_decoding(struct inquiry *inquiry, int error, const char *why)
{
	char text[sizeof(inquiry->answer.text)];

	if (error == -ENOENT)
		return inquiry_end(inquiry, ANSWER_NOT_FOUND, NULL);
	snprintf(text, sizeof(text), "sent %s: %.150s",
		 error == -E2BIG ? "a trace that is too large" : "a document that is no trace",
		 why);
	return inquiry_end(inquiry, error == -E2BIG ? ANSWER_TOO_LARGE : ANSWER_BAD, text);
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
	inquiry_end(inquiry, answer->ntraces > 0 ? ANSWER_TRACES : ANSWER_NOT_FOUND, NULL);
}

static void inquiry_on_decoded(struct inquiry *inquiry, struct decoded *decoded)
{
	inquiry->task = NULL;
	take_decoded(inquiry, decoded);
	inquiry_answered(inquiry);
}

static void inquiry_on_searched(struct inquiry *inquiry, struct files_answer *files)
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
		inquiry_end(inquiry, ANSWER_TRACES, NULL);
	else if (files->err.code)
		inquiry_end(inquiry, ANSWER_HOPELESS, files->err.text);
	else if (files->nbad > 0)
		inquiry_end(inquiry, ANSWER_FAILED, text);
	else
		inquiry_end(inquiry, ANSWER_NOT_FOUND, NULL);
	inquiry_answered(inquiry);
}

static const struct task_done task_done = { inquiry_on_decoded, inquiry_on_searched };

static struct task_env task_env(const struct inquiry *inquiry)
{
	return (struct task_env){ inquiry->fetch->env.pool, &inquiry->query, &inquiry->options,
				  &task_done };
}

/* The decoded document is the answer. true: the pool finishes it; false: the answer is set. */
static bool finish_decoding(struct inquiry *inquiry)
{
	const struct task_env env = task_env(inquiry);
	struct trace_decoder *decoder = inquiry->decoder;
	struct decoded decoded;

	if (!decoder)
		return inquiry_end(inquiry, ANSWER_NOT_FOUND, NULL);
	trim_kept(inquiry->fetch);
	if (inquiry->bytes > LIMIT_INLINE_TRACE_BYTES) {
		inquiry->decoder = NULL;
		inquiry->task = task_decode(inquiry, &env, decoder);
		return true;
	}
	decode_finish(decoder, &inquiry->query, &decoded);
	take_decoded(inquiry, &decoded);
	return false;
}

/* ---- replies ---- */

static int inquiry_feed(struct inquiry *inquiry, const char *data, size_t len)
{
	int error;

	inquiry->bytes += len;
	trim_kept(inquiry->fetch);
	if (!inquiry->decoder)
		inquiry->decoder = trace_decoder_new(inquiry->talk.encoding, &inquiry->options);
	error = trace_decoder_feed(inquiry->decoder, data, len, &inquiry->err);
	/* A body that is no trace from its first byte on is shown to the source's kind. */
	if (error == -EBADMSG && inquiry->body_bytes == len)
		buf_add(&inquiry->body, data,
			len < LIMIT_ODD_BODY_BYTES ? len : LIMIT_ODD_BODY_BYTES);
	return error;
}

static int inquiry_on_body(void *arg, int status, const char *data, size_t len)
{
	struct inquiry *inquiry = arg;
	bool good = status >= 200 && status <= 299;

	inquiry->status = status;
	inquiry->body_bytes += len;
	if (good && inquiry->talk.encoding != SOURCE_TEXT)
		inquiry->refused = inquiry_feed(inquiry, data, len) != 0;
	else if (!buf_add(&inquiry->body, data, len)) {
		/* The body of an error may be cut short: its status says enough. */
		inquiry->refused = true;
		if (good)
			err_set(&inquiry->err, E2BIG, "more than %zu bytes", inquiry->body.cap);
	}
	return inquiry->refused;
}

static bool inquiry_advance(struct inquiry *inquiry, const struct http_reply *reply);

static void inquiry_on_reply(void *arg, const struct http_reply *transport_reply)
{
	struct inquiry *inquiry = arg;
	struct http_reply reply = *transport_reply;
	char text[sizeof(inquiry->answer.text)];
	bool under_way = false;

	inquiry->call = NULL;
	inquiry_tell_request(inquiry, inquiry->refused ? inquiry->status : reply.status,
			     reply.error ? reply.error : "");
	if (inquiry->refused)
		reply.status = inquiry->status; /* the transport gives 0 */
	reply.body = buf_text(&inquiry->body);
	reply.len = inquiry->body.len;
	if (reply.status >= 200 && reply.status <= 299 && inquiry->body_bytes == 0)
		err_set(&inquiry->err, ENODATA, "an empty answer");
	if (reply.status == 0) {
		snprintf(text, sizeof(text), "did not answer: %.150s",
			 reply.error ? reply.error : "unknown");
		inquiry_end(inquiry, ANSWER_FAILED, text);
	} else if (inquiry->err.code == E2BIG && inquiry->talk.encoding == SOURCE_TEXT) {
		snprintf(text, sizeof(text), "sent %.150s", inquiry->err.text);
		inquiry_end(inquiry, ANSWER_FAILED, text);
	} else {
		under_way = inquiry_advance(inquiry, &reply);
	}
	if (!under_way)
		inquiry_answered(inquiry);
}

/* ---- requests ---- */

static bool send_request(struct inquiry *inquiry)
{
	static const struct http_handler handler = { .body = inquiry_on_body,
						     .done = inquiry_on_reply };
	const struct http_transport *transport = inquiry->fetch->env.transport;
	struct http_request *request = &inquiry->talk.request;
	bool text = inquiry->talk.encoding == SOURCE_TEXT;

	inquiry->paced = false;
	buf_init(&inquiry->body, text ? request->max_reply_bytes : LIMIT_REPLY_BYTES);
	/* The jobs' deadlines cancel it earlier. */
	if (request->timeout_us <= 0)
		request->timeout_us = LIMIT_ENRICH_LATE_US;
	/* inquiry_on_body() refuses at the cap itself, with a better reason than the transport's.
	 */
	request->max_reply_bytes *= 2;
	inquiry->call = transport->send(transport->ctx, request, &handler, inquiry);
	if (inquiry->call) {
		inquiry_trace_request(inquiry, request);
		return true;
	}
	return inquiry_end(inquiry, ANSWER_FAILED, "was not asked: out of memory or descriptors");
}

static void inquiry_on_pause_over(void *arg)
{
	struct inquiry *inquiry = arg;

	if (!send_request(inquiry))
		inquiry_answered(inquiry);
}

/* Send the request that the kind has built. true: it is under way, or waits for its pace. */
static bool send_next(struct inquiry *inquiry)
{
	struct fetch *fetch = inquiry->fetch;
	int64_t wait_us = inquiry->talk.wait_us;
	struct err err;

	if (inquiry->talk.step++ == LIMIT_SOURCE_STEPS)
		return inquiry_end(
			inquiry, ANSWER_FAILED,
			"did not end its answer in the most requests that one question may take");
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
				     LIMIT_SEARCH_BURST, fetch_now_us(fetch));
		inquiry->paced = wait_us > 0;
	}
	if (wait_us == 0)
		return send_request(inquiry);
	timer_arm(fetch->env.timers, &inquiry->timer, fetch_now_us(fetch) + wait_us);
	return true;
}

/* Let the kind say what comes next. true: it is under way; false: the answer is set. */
static bool inquiry_advance(struct inquiry *inquiry, const struct http_reply *reply)
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
	/* Only the first request of a search counts for the pace, unless the kind says more. */
	talk->searches = talk->step == 0 && !talk->query->trace_id;
	talk->wait_us = 0;
	talk->hold_us = 0;
	talk->text = NULL;
	step = trace_source_next(talk);
	if (talk->hold_us > LIMIT_SOURCE_HOLD_US)
		talk->hold_us = LIMIT_SOURCE_HOLD_US;
	if (talk->hold_us > 0)
		inquiry->state->held_until_us = fetch_now_us(inquiry->fetch) + talk->hold_us;
	switch (step) {
	case SOURCE_SEND:
		return send_next(inquiry);
	case SOURCE_TRACES:
		return finish_decoding(inquiry);
	case SOURCE_IDS:
		inquiry->answer.ids = talk->ids;
		inquiry->answer.nids = talk->nids;
		return inquiry_end(inquiry, talk->nids > 0 ? ANSWER_IDS : ANSWER_NOT_FOUND, NULL);
	case SOURCE_NOT_FOUND:
		return inquiry_end(inquiry, ANSWER_NOT_FOUND, NULL);
	case SOURCE_FAILED:
		return inquiry_end(inquiry, ANSWER_FAILED, talk->text);
	case SOURCE_REFUSED:
		return inquiry_end(inquiry, ANSWER_HOPELESS, talk->text);
	case SOURCE_TOO_LARGE:
		return inquiry_end(inquiry, ANSWER_TOO_LARGE, talk->text);
	case SOURCE_BAD:
		break;
	}
	if (talk->text)
		return inquiry_end(inquiry, ANSWER_BAD, talk->text);
	return end_decoding(inquiry, -inquiry->err.code, inquiry->err.text);
}

/* ---- asking ---- */

static struct inquiry *inquiry_new(struct fetch *fetch, const struct inquiry_question *question)
{
	struct inquiry *inquiry = xcalloc(1, sizeof(*inquiry));

	inquiry->fetch = fetch;
	inquiry->source = &fetch->sources[question->source];
	inquiry->state = &fetch->states[question->source];
	inquiry->arena = arena_new(LIMIT_INQUIRY_BYTES);
	inquiry->began_us = fetch_now_us(fetch);
	if (span_context_is_set(&question->trace)) {
		inquiry->trace = xcalloc(1, sizeof(*inquiry->trace));
		inquiry->trace->above = question->trace;
	}
	TAILQ_INIT(&inquiry->askers);
	query_copy(inquiry->arena, question->query, &inquiry->signal, &inquiry->query);
	options_copy(inquiry->arena, question->options, &inquiry->options);
	inquiry->talk.arena = inquiry->arena;
	inquiry->talk.config = inquiry->source;
	inquiry->talk.query = &inquiry->query;
	inquiry->timer.fire = inquiry_on_pause_over;
	inquiry->timer.arg = inquiry;
	return inquiry;
}

/* Only before the first request: later ones may point into a secret's text. */
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
			log_warn("a source's secret cannot be read again; the old one stays in use",
				 LOG_STR("source", source->name), LOG_STR("reason", err.text));
	}
}

static bool inquiry_start(struct inquiry *inquiry)
{
	const struct task_env env = task_env(inquiry);
	int64_t held_us = inquiry->state->held_until_us - fetch_now_us(inquiry->fetch);
	char text[sizeof(inquiry->answer.text)];

	if (held_us > 0) {
		snprintf(text, sizeof(text), "accepts no question for another %.1f s",
			 (double)held_us / (double)US_PER_SECOND);
		return inquiry_end(inquiry, ANSWER_FAILED, text);
	}
	if (trace_sources[inquiry->source->kind])
		return inquiry_advance(inquiry, NULL);
	inquiry->task = task_search(inquiry, &env, inquiry->source->path);
	return true;
}

bool source_answers(const struct source_config *source, unsigned int questions)
{
	const struct trace_source *kind = trace_sources[source->kind];

	return ((kind ? kind->answers : SOURCE_BY_ID | SOURCE_SEARCH) & questions) != 0;
}

bool inquiry_ask(struct fetch *fetch, struct inquiry_asker *asker,
		 const struct inquiry_question *question, struct inquiry_answer *ret_answer)
{
	char *key = inquiry_key(question);
	struct inquiry *inquiry = map_get(fetch->inquiries, key);

	asker->trace = question->trace;
	if (inquiry && inquiry->answered_us && !is_answer_wanted(inquiry, question)) {
		inquiry_forget(inquiry);
		inquiry = NULL;
	}
	if (inquiry) {
		free(key);
	} else {
		inquiry = inquiry_new(fetch, question);
		inquiry->key = key;
		refresh_secrets(&fetch->sources[question->source]);
		if (!inquiry_start(inquiry)) {
			inquiry_count(inquiry);
			*ret_answer = inquiry->answer;
			inquiry_free(inquiry);
			return false;
		}
		map_put(fetch->inquiries, inquiry->key, inquiry);
	}
	inquiry_join(inquiry, asker);
	return true;
}

bool inquiry_is_asked(const struct fetch *fetch, const struct inquiry_question *question)
{
	CLEANUP_FREE char *key = inquiry_key(question);
	const struct inquiry *inquiry = map_get(fetch->inquiries, key);

	return inquiry && (!inquiry->answered_us || is_answer_wanted(inquiry, question));
}
