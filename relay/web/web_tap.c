/*
 * Web, tap: GET /api/v1/tap tells what passes through the relay, as server-sent events in one reply
 * that goes on. Where LIMIT_STREAM_BYTES wait for a slow reader, events are counted and not kept;
 * the number is the next thing that it gets. A comment each LIMIT_TAP_BEAT_US tells that the relay
 * lives. Owns its readers.
 */
#include <inttypes.h>

#include "tracepager/buf_json.h"
#include "tracepager/metrics.h"
#include "tracepager/tap.h"

#include "web-internal.h"
#include "web_job-internal.h"

struct tapper {
	struct web_job job;
	LIST_ENTRY(tapper) link;
	struct tap_reader reader;
	struct timer beat;
	uint64_t dropped; /* events since the reader was told of any */
	bool gone;	  /* the peer is */
	struct buf frame; /* its memory is used again */
};

/* ---- frames ---- */

static bool tapper_send(struct tapper *tapper)
{
	return http_exchange_stream(tapper->job.exchange, tapper->frame.data, tapper->frame.len);
}

/* False: it could not be told either. */
static bool tapper_tell_dropped(struct tapper *tapper)
{
	if (!tapper->dropped)
		return true;
	buf_reset(&tapper->frame);
	buf_printf(&tapper->frame, "data: {\"kind\":\"dropped\",\"dropped\":%" PRIu64 "}\n\n",
		   tapper->dropped);
	if (!tapper_send(tapper))
		return false;
	tapper->dropped = 0;
	return true;
}

/* A reader that missed something learns it soon after it reads again. */
static void tapper_arm(struct tapper *tapper)
{
	const struct web *web = tapper->job.web;

	timer_arm(web->timers, &tapper->beat,
		  clock_mono_us(web->clock) +
			  (tapper->dropped ? LIMIT_TAP_TELL_US : LIMIT_TAP_BEAT_US));
}

/* JSON has no line end in it, so that an event is one line of data. */
static void tapper_on_event(void *ctx, const char *json, size_t len)
{
	struct tapper *tapper = ctx;

	if (tapper->gone)
		return;
	if (tapper_tell_dropped(tapper)) {
		buf_reset(&tapper->frame);
		buf_puts(&tapper->frame, "data: ");
		buf_add(&tapper->frame, json, len);
		buf_puts(&tapper->frame, "\n\n");
		if (tapper_send(tapper))
			return;
	}
	if (!tapper->dropped++)
		tapper_arm(tapper);
	metric_add(METRIC_TAP_DROPPED, 1);
}

/* ---- life ---- */

static void tapper_fini(struct web_job *job)
{
	struct tapper *tapper = (struct tapper *)job;
	struct web *web = job->web;

	timer_disarm(web->timers, &tapper->beat);
	tap_leave(web->tap, &tapper->reader);
	LIST_REMOVE(tapper, link);
	buf_fini(&tapper->frame);
	metric_set(METRIC_TAPPERS, (int64_t)--web->ntappers);
}

static void tapper_end(struct tapper *tapper)
{
	http_exchange_end_stream(tapper->job.exchange);
	web_job_free(&tapper->job);
}

static void tapper_on_beat(void *arg)
{
	struct tapper *tapper = arg;

	if (tapper->gone) {
		tapper_end(tapper);
		return;
	}
	if (tapper_tell_dropped(tapper)) {
		buf_reset(&tapper->frame);
		buf_puts(&tapper->frame, ":\n\n");
		tapper_send(tapper);
	}
	tapper_arm(tapper);
}

/* From within the server's callbacks: it ends in the next turn. */
static void tapper_on_gone(void *ctx)
{
	struct tapper *tapper = ctx;
	struct web *web = tapper->job.web;

	tapper->gone = true;
	timer_arm(web->timers, &tapper->beat, clock_mono_us(web->clock));
}

void web_end_taps(struct web *web)
{
	struct tapper *tapper;

	web->taps_ended = true;
	while ((tapper = LIST_FIRST(&web->tappers)))
		tapper_end(tapper);
}

/* ---- the request ---- */

/* A glob of the query; false: the request was answered. */
static bool tap_query_glob(struct web_request *request, const char *name,
			   char glob[LIMIT_TAP_GLOB_BYTES])
{
	return web_query_text(request, name, glob, LIMIT_TAP_GLOB_BYTES);
}

static bool tap_query_filter(struct web_request *request, struct tap_filter *filter)
{
	char kinds[LIMIT_TAP_GLOB_BYTES];

	if (!web_query_text(request, "kind", kinds, sizeof(kinds)) ||
	    !tap_query_glob(request, "sender", filter->sender) ||
	    !tap_query_glob(request, "team", filter->team) ||
	    !tap_query_glob(request, "service", filter->service) ||
	    !tap_query_glob(request, "alert", filter->alert))
		return false;
	if (tap_kinds(kinds, &filter->kinds))
		return true;
	web_fail(request->exchange, 400,
		 "kind is one of alert, decision, page, incident and rejected, or several with "
		 "commas between them");
	return false;
}

void web_serve_tap(struct web_request *request)
{
	static const char begin[] = "retry: 1000\n:\n\n";
	struct web *web = request->web;
	struct tap_filter filter = { .kinds = 0 };

	if (!tap_query_filter(request, &filter))
		return;
	if (web->taps_ended) {
		web_fail(request->exchange, 503, "the relay is shutting down");
		return;
	}
	if (web->ntappers >= LIMIT_TAPPERS) {
		web_failf(request->exchange, 503,
			  "%u readers tap this relay already, which is the most: end one of them",
			  LIMIT_TAPPERS);
		return;
	}
	struct tapper *tapper = web_job_new(sizeof(*tapper), web, request->exchange);
	tapper->job.fini = tapper_fini;
	tapper->beat = (struct timer){ .fire = tapper_on_beat, .arg = tapper };
	tapper->reader =
		(struct tap_reader){ .filter = filter, .take = tapper_on_event, .ctx = tapper };
	buf_init(&tapper->frame, LIMIT_TAP_EVENT_BYTES + sizeof("data: \n\n"));
	LIST_INSERT_HEAD(&web->tappers, tapper, link);
	tap_join(web->tap, &tapper->reader);
	metric_set(METRIC_TAPPERS, (int64_t)++web->ntappers);
	tapper_arm(tapper);
	if (http_exchange_begin_stream(request->exchange, "text/event-stream", tapper_on_gone,
				       tapper))
		http_exchange_stream(request->exchange, begin, sizeof(begin) - 1);
	else
		web_job_free(&tapper->job);
}
