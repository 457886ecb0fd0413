/*
 * Telemetry: the queue of encoded spans, and its way to the receiver: one batch at a time, until it
 * was taken, refused, or has waited too long.
 */
#include "tracepager/telemetry.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "telemetry-internal.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/random.h"
#include "tracepager/sign.h"
#include "tracepager/xalloc.h"

/* The offset of the clocks is taken anew where it has moved by more: the spans of one trace share
 * it, so that none begins before the one above it. */
#define OFFSET_STEP_US US_PER_MS

struct span_batch {
	TAILQ_ENTRY(span_batch) link;
	struct buf spans;
	size_t n;
	int64_t began_us; /* mono: when its first span came */
	unsigned int failures;
};

/* Bytes of the queue that traces that have begun will need. Nobody tells when a trace ends, so that
 * what is left of a reservation ends with its time. */
struct telemetry_reserve {
	size_t now, before; /* of this period, and of the one before it */
	int64_t next_us;    /* mono: the next period begins */
};

struct telemetry {
	struct telemetry_env env;
	struct tracer tracer;
	struct buf resource, scratch;
	TAILQ_HEAD(span_batch_list, span_batch)
	batches; /* the first one leaves; the last one is filled */
	size_t queued_bytes, queued_spans;
	struct telemetry_reserve reserve;
	struct http_call *call; /* of the first batch */
	struct timer timer;	/* it leaves, or is tried again */
	int64_t offset_us;	/* wall time minus monotonic time */
	bool failing;		/* the last try failed, and that was told */
	bool refuses;		/* and that spans are dropped for it */
	int64_t told_us;
	int64_t end_us; /* mono: telemetry_end() was called, and its time is over then; 0: not */
};

static int64_t telemetry_now_us(const struct telemetry *telemetry)
{
	return clock_mono_us(telemetry->env.clock);
}

static void telemetry_count_queue(const struct telemetry *telemetry)
{
	metric_set(METRIC_SPANS_WAITING, (int64_t)telemetry->queued_spans);
}

/* ---- room for traces that have begun ---- */

static void telemetry_reserve_turn(struct telemetry *telemetry)
{
	struct telemetry_reserve *reserve = &telemetry->reserve;
	const int64_t now_us = telemetry_now_us(telemetry);

	if (now_us < reserve->next_us)
		return;
	reserve->before = now_us < reserve->next_us + LIMIT_TELEMETRY_RESERVE_US ? reserve->now : 0;
	reserve->now = 0;
	reserve->next_us = now_us + LIMIT_TELEMETRY_RESERVE_US;
}

/* Room for one more trace. false: there is none. */
static bool telemetry_reserve_trace(struct telemetry *telemetry)
{
	struct telemetry_reserve *reserve = &telemetry->reserve;

	telemetry_reserve_turn(telemetry);
	if (telemetry->queued_bytes + reserve->before + reserve->now + LIMIT_TELEMETRY_TRACE_BYTES >
	    LIMIT_TELEMETRY_QUEUE_BYTES)
		return false;
	reserve->now += LIMIT_TELEMETRY_TRACE_BYTES;
	return true;
}

/* A span takes its bytes from what was reserved, the older part first. */
static void telemetry_reserve_spend(struct telemetry *telemetry, size_t bytes)
{
	struct telemetry_reserve *reserve = &telemetry->reserve;
	const size_t before = bytes < reserve->before ? bytes : reserve->before;
	const size_t rest = bytes - before;

	reserve->before -= before;
	reserve->now -= rest < reserve->now ? rest : reserve->now;
}

/* ---- ids, and what is sampled ---- */

static uint64_t telemetry_draw(void *ctx)
{
	(void)ctx;
	return random_id_number();
}

/* By the lower half of the trace's id, as other samplers do: they keep the same traces. */
static bool telemetry_samples(const struct telemetry *telemetry, uint64_t trace_low)
{
	return (double)(trace_low >> 1) < telemetry->env.sample * (double)(1ULL << 63);
}

/* A caller that records its trace is followed, and one that does not too, whatever `sample` says:
 * else a trace has holes. */
static bool telemetry_begin(void *ctx, const char *traceparent, struct span_context *ret_context)
{
	struct telemetry *telemetry = ctx;
	struct span_context context = { .span = random_id_number() }, caller;
	bool sampled;

	if (traceparent_read(traceparent, &caller, &sampled)) {
		context.trace_high = caller.trace_high;
		context.trace_low = caller.trace_low;
		context.parent = caller.span;
	} else {
		context.trace_high = random_id_number();
		context.trace_low = random_id_number();
		sampled = telemetry_samples(telemetry, context.trace_low);
	}
	if (!sampled || telemetry->end_us)
		return false;
	if (!telemetry_reserve_trace(telemetry)) {
		metric_add(METRIC_SPANS_TRACES_SKIPPED, 1);
		return false;
	}
	*ret_context = context;
	return true;
}

/* ---- the queue ---- */

static void telemetry_send(void *arg);

static void span_batch_free(struct telemetry *telemetry, struct span_batch *batch)
{
	TAILQ_REMOVE(&telemetry->batches, batch, link);
	telemetry->queued_bytes -= batch->spans.len;
	telemetry->queued_spans -= batch->n;
	buf_fini(&batch->spans);
	free(batch);
	telemetry_count_queue(telemetry);
}

static void span_batch_drop(struct telemetry *telemetry, struct span_batch *batch)
{
	metric_add(METRIC_SPANS_DROPPED, (int64_t)batch->n);
	span_batch_free(telemetry, batch);
}

static bool span_batch_is_full(const struct span_batch *batch)
{
	return batch->n >= LIMIT_TELEMETRY_BATCH_SPANS ||
	       batch->spans.len >= LIMIT_TELEMETRY_BATCH_BYTES;
}

/* The batch that a span goes into; the one that is under way takes none. */
static struct span_batch *telemetry_open_batch(struct telemetry *telemetry)
{
	struct span_batch *batch = TAILQ_LAST(&telemetry->batches, span_batch_list);
	const bool sent = batch && batch == TAILQ_FIRST(&telemetry->batches) &&
			  (telemetry->call || batch->failures);

	if (batch && !sent && !span_batch_is_full(batch))
		return batch;
	batch = xcalloc(1, sizeof(*batch));
	buf_init(&batch->spans, LIMIT_TELEMETRY_BATCH_BYTES + 2 * LIMIT_SPAN_BYTES);
	batch->began_us = telemetry_now_us(telemetry);
	TAILQ_INSERT_TAIL(&telemetry->batches, batch, link);
	return batch;
}

/* The first batch leaves when it is full or has gathered for long enough; when it was tried, its
 * pause has armed the timer already. */
static void telemetry_arm(struct telemetry *telemetry)
{
	const struct span_batch *batch = TAILQ_FIRST(&telemetry->batches);
	int64_t at_us = telemetry_now_us(telemetry);

	if (!batch || telemetry->call || batch->failures)
		return;
	if (!span_batch_is_full(batch) && !telemetry->end_us)
		at_us = batch->began_us + LIMIT_TELEMETRY_GATHER_US;
	timer_arm(telemetry->env.timers, &telemetry->timer, at_us);
}

static void telemetry_take_offset(struct telemetry *telemetry)
{
	const int64_t offset_us = clock_wall_us(telemetry->env.clock) - telemetry_now_us(telemetry);
	const int64_t step_us = offset_us - telemetry->offset_us;

	if (step_us > OFFSET_STEP_US || step_us < -OFFSET_STEP_US)
		telemetry->offset_us = offset_us;
}

static void telemetry_tell(void *ctx, const struct stage_span *told)
{
	struct telemetry *telemetry = ctx;
	struct stage_span span = *told;

	if (telemetry->queued_bytes >= LIMIT_TELEMETRY_QUEUE_BYTES) {
		metric_add(METRIC_SPANS_DROPPED, 1);
		return;
	}
	if (!span.context.span)
		span.context.span = random_id_number();
	telemetry_take_offset(telemetry);
	struct span_batch *batch = telemetry_open_batch(telemetry);
	const size_t before = batch->spans.len;
	telemetry_encode_span(&span, telemetry->offset_us, &telemetry->scratch, &batch->spans);
	batch->n++;
	telemetry->queued_bytes += batch->spans.len - before;
	telemetry_reserve_spend(telemetry, batch->spans.len - before);
	telemetry->queued_spans++;
	telemetry_count_queue(telemetry);
	if (batch == TAILQ_FIRST(&telemetry->batches) &&
	    (batch->n == 1 || span_batch_is_full(batch)))
		telemetry_arm(telemetry);
}

/* ---- sending ---- */

/* At first, then once in LIMIT_TELEMETRY_LOG_US, and where the receiver begins to refuse what it
 * had only put off: from then on spans are lost. */
static void telemetry_log_failure(struct telemetry *telemetry, const struct http_reply *reply,
				  bool refuses)
{
	const int64_t now_us = telemetry_now_us(telemetry);
	const bool is_news = !telemetry->failing || refuses > telemetry->refuses;

	if (!is_news && now_us < telemetry->told_us + LIMIT_TELEMETRY_LOG_US)
		return;
	telemetry->failing = true;
	telemetry->refuses = refuses;
	telemetry->told_us = now_us;
	log_warn(refuses ? "the relay's own spans are refused, and dropped; pages are not affected"
			 : "the relay's own spans are not taken; pages are not affected",
		 LOG_STR("url", telemetry->env.url), LOG_INT("status", reply->status),
		 LOG_OPT("reason", reply->status ? NULL : reply->error),
		 LOG_INT("waiting", (int64_t)telemetry->queued_spans));
}

static int64_t telemetry_pause_us(const struct telemetry *telemetry, unsigned int failures,
				  int64_t retry_after_us)
{
	int64_t most_us = LIMIT_TELEMETRY_RETRY_MIN_US;

	if (retry_after_us > LIMIT_TELEMETRY_RETRY_AFTER_US)
		return LIMIT_TELEMETRY_RETRY_AFTER_US;
	if (retry_after_us >= 0)
		return retry_after_us;
	for (unsigned int i = 1; i < failures && most_us < LIMIT_TELEMETRY_RETRY_MAX_US; i++)
		most_us *= 2;
	if (most_us > LIMIT_TELEMETRY_RETRY_MAX_US)
		most_us = LIMIT_TELEMETRY_RETRY_MAX_US;
	/* Half of it, and jitter: receivers that come back meet their senders one by one. */
	return most_us / 2 + (int64_t)(telemetry->env.random() * (double)most_us / 2);
}

static void telemetry_try_again(struct telemetry *telemetry, struct span_batch *batch,
				const struct http_reply *reply)
{
	const int64_t now_us = telemetry_now_us(telemetry);

	metric_add(METRIC_SPAN_EXPORTS_RETRIED, 1);
	if (telemetry->end_us || now_us - batch->began_us >= LIMIT_TELEMETRY_AGE_US) {
		span_batch_drop(telemetry, batch);
		telemetry_arm(telemetry);
		return;
	}
	batch->failures++;
	timer_arm(telemetry->env.timers, &telemetry->timer,
		  now_us + telemetry_pause_us(telemetry, batch->failures,
					      reply->status ? reply->retry_after_us : -1));
}

static void telemetry_taken(struct telemetry *telemetry, struct span_batch *batch,
			    const struct http_reply *reply)
{
	int64_t rejected = telemetry_rejected_spans(reply->body, reply->len);

	if (rejected > (int64_t)batch->n)
		rejected = (int64_t)batch->n;
	if (rejected)
		log_warn("the receiver of the relay's own spans has refused some",
			 LOG_STR("url", telemetry->env.url), LOG_INT("spans", rejected));
	if (telemetry->failing)
		log_info("the relay's own spans are taken again",
			 LOG_STR("url", telemetry->env.url));
	telemetry->failing = false;
	metric_add(METRIC_SPAN_EXPORTS_OK, 1);
	metric_add(METRIC_SPANS_REJECTED, rejected);
	metric_add(METRIC_SPANS_EXPORTED, (int64_t)batch->n - rejected);
	span_batch_free(telemetry, batch);
}

/* The OTLP specification, section "OTLP/HTTP Response": these may be tried again, and no answer. */
static bool is_worth_a_retry(int status)
{
	return status == 0 || status == 429 || status == 502 || status == 503 || status == 504;
}

static void telemetry_on_reply(void *arg, const struct http_reply *reply)
{
	struct telemetry *telemetry = arg;
	struct span_batch *batch = TAILQ_FIRST(&telemetry->batches);

	telemetry->call = NULL;
	if (reply->status >= 200 && reply->status <= 299) {
		telemetry_taken(telemetry, batch, reply);
		telemetry_arm(telemetry);
		return;
	}
	const bool again = is_worth_a_retry(reply->status);
	telemetry_log_failure(telemetry, reply, !again);
	if (again) {
		telemetry_try_again(telemetry, batch, reply);
		return;
	}
	metric_add(METRIC_SPAN_EXPORTS_REFUSED, 1);
	metric_add(METRIC_SPANS_REJECTED, (int64_t)batch->n);
	span_batch_free(telemetry, batch);
	telemetry_arm(telemetry);
}

static void telemetry_refresh_secrets(const struct telemetry *telemetry)
{
	struct secret *secrets[] = { telemetry->env.bearer, telemetry->env.headers };
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
		if (secrets[i] && secret_refresh(secrets[i], &err) < 0)
			log_warn("a secret of tracing cannot be read again; the old one stays in "
				 "use",
				 LOG_STR("reason", err.text));
}

static void telemetry_send(void *arg)
{
	static const struct http_handler handler = { .done = telemetry_on_reply };
	struct telemetry *telemetry = arg;
	const struct http_transport *transport = telemetry->env.transport;
	struct span_batch *batch = TAILQ_FIRST(&telemetry->batches);
	struct buf body = BUF_INIT(LIMIT_TELEMETRY_BATCH_BYTES + 8 * LIMIT_SPAN_BYTES);
	struct telemetry_texts kept = { .n = 0 };

	if (!batch || telemetry->call)
		return;
	telemetry_refresh_secrets(telemetry);
	telemetry_encode_request(&telemetry->resource, telemetry->env.version, &batch->spans,
				 &body);
	struct http_request request = {
		.method = HTTP_POST,
		.url = telemetry->env.url,
		.body = buf_text(&body),
		.body_len = body.len,
		.timeout_us = telemetry->end_us ? LIMIT_TELEMETRY_END_US : LIMIT_TELEMETRY_SEND_US,
		.max_reply_bytes = LIMIT_TELEMETRY_REPLY_BYTES,
		.ca_file = telemetry->env.ca_file,
		.cert_file = telemetry->env.cert_file,
		.key_file = telemetry->env.key_file,
	};
	telemetry_add_headers(&request, telemetry->env.bearer, telemetry->env.headers, &kept);
	telemetry->call = transport->send(transport->ctx, &request, &handler, telemetry);
	if (!telemetry->call)
		telemetry_try_again(telemetry, batch, &(struct http_reply){ .retry_after_us = -1 });
	telemetry_texts_fini(&kept);
	buf_fini(&body);
}

/* ---- the end ---- */

void telemetry_end(struct telemetry *telemetry)
{
	struct span_batch *batch;

	if (!telemetry || telemetry->end_us)
		return;
	telemetry->end_us = telemetry_now_us(telemetry) + LIMIT_TELEMETRY_END_US;
	/* One that waits for its next try has met a receiver that does not take it. */
	batch = TAILQ_FIRST(&telemetry->batches);
	if (batch && batch->failures && !telemetry->call)
		span_batch_drop(telemetry, batch);
	telemetry_arm(telemetry);
}

bool telemetry_busy(const struct telemetry *telemetry)
{
	return telemetry && !TAILQ_EMPTY(&telemetry->batches) &&
	       telemetry_now_us(telemetry) < telemetry->end_us;
}

/* ---- the whole ---- */

const struct tracer *telemetry_tracer(const struct telemetry *telemetry)
{
	return telemetry ? &telemetry->tracer : NULL;
}

/* A UUID of version 4, new at each start (OpenTelemetry's service.instance.id). */
static void telemetry_draw_uuid(char out[37])
{
	const uint64_t a = random_id_number(), b = random_id_number();

	snprintf(out, 37, "%08x-%04x-4%03x-%04x-%012llx", (unsigned int)(a >> 32),
		 (unsigned int)(a >> 16) & 0xffff, (unsigned int)a & 0xfff,
		 ((unsigned int)(b >> 48) & 0x3fff) | 0x8000,
		 (unsigned long long)b & 0xffffffffffffULL);
}

struct telemetry *telemetry_new(const struct telemetry_env *env)
{
	struct telemetry *telemetry = xcalloc(1, sizeof(*telemetry));
	char instance[37], host[256] = "";

	telemetry->env = *env;
	if (!telemetry->env.random)
		telemetry->env.random = random_unit;
	TAILQ_INIT(&telemetry->batches);
	buf_init(&telemetry->resource, LIMIT_SPAN_BYTES * 4);
	buf_init(&telemetry->scratch, LIMIT_SPAN_BYTES);
	telemetry_draw_uuid(instance);
	gethostname(host, sizeof(host) - 1);
	telemetry_encode_resource(&telemetry->env, instance, host, &telemetry->resource);
	telemetry_take_offset(telemetry);
	telemetry->timer = (struct timer){ .fire = telemetry_send, .arg = telemetry };
	telemetry->tracer = (struct tracer){ .begin = telemetry_begin,
					     .draw = telemetry_draw,
					     .tell = telemetry_tell,
					     .ctx = telemetry };
	return telemetry;
}

void telemetry_free(struct telemetry *telemetry)
{
	const struct http_transport *transport;
	struct span_batch *batch;

	if (!telemetry)
		return;
	transport = telemetry->env.transport;
	if (telemetry->call)
		transport->cancel(transport->ctx, telemetry->call);
	timer_disarm(telemetry->env.timers, &telemetry->timer);
	while ((batch = TAILQ_FIRST(&telemetry->batches)))
		span_batch_drop(telemetry, batch);
	buf_fini(&telemetry->resource);
	buf_fini(&telemetry->scratch);
	free(telemetry);
}
