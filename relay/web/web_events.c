/*
 * Web events: GET /events tells a page that is open that something has changed, as server-sent
 * events. Each answer ends behind its event, and the browser asks again with the event's id: no
 * connection is held for longer than LIMIT_FOLLOW_ANSWER_US, and none is written to twice.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "tracepager/incident.h"

#include "web-internal.h"
#include "web_job-internal.h"

struct follower {
	struct web_job job;
	struct timer look;
	uint64_t seen;	  /* the changes that its page shows */
	int64_t until_us; /* monotonic */
};

static void follower_reply(struct follower *follower, uint64_t changes)
{
	struct buf text = BUF_INIT(LIMIT_WEB_ERROR_BYTES);

	buf_printf(&text, "retry: 1000\nid: %" PRIu64 "\n", changes);
	buf_puts(&text, changes != follower->seen ? "event: changed\ndata: incidents\n\n"
						  : "event: quiet\ndata: nothing\n\n");
	http_exchange_reply(follower->job.exchange, 200, "text/event-stream", buf_text(&text),
			    text.len, 0);
	buf_fini(&text);
	web_job_free(&follower->job);
}

static void follower_look(void *arg)
{
	struct follower *follower = arg;
	const struct web *web = follower->job.web;
	const struct web_ops *ops = &web->ops;
	const uint64_t changes = incidents_changes(ops->incidents(ops->ctx));
	const int64_t now_us = clock_mono_us(web->clock);
	const char *why_not;

	/* A relay that ends answers at once. */
	if (changes != follower->seen || now_us >= follower->until_us ||
	    !ops->ready(ops->ctx, &why_not))
		follower_reply(follower, changes);
	else
		timer_arm(web->timers, &follower->look, now_us + LIMIT_FOLLOW_LOOK_US);
}

static void follower_fini(struct web_job *job)
{
	struct follower *follower = (struct follower *)job;

	timer_disarm(job->web->timers, &follower->look);
	job->web->nfollowers--;
}

static bool read_changes(const char *text, uint64_t *ret_seen)
{
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	*ret_seen = strtoull(text, &end, 10);
	return !*end;
}

/* The changes that the page has: by its last event, at first by its own address ("since"), which
 * says when it was made. False: neither tells. */
static bool changes_seen(const struct http_exchange *exchange, const char *since,
			 uint64_t *ret_seen)
{
	return read_changes(http_exchange_header(exchange, "Last-Event-ID"), ret_seen) ||
	       read_changes(since, ret_seen);
}

void web_serve_events(struct web_request *request)
{
	struct web *web = request->web;
	const struct web_ops *ops = &web->ops;
	char since[24]; /* 2^64 has 20 digits */

	if (!web_query_text(request, "since", since, sizeof(since)))
		return;
	if (web->nfollowers >= LIMIT_FOLLOWERS) {
		web_failf(request->exchange, 503, "%u readers follow already; ask again later",
			  LIMIT_FOLLOWERS);
		return;
	}
	struct follower *follower = web_job_new(sizeof(*follower), web, request->exchange);
	web->nfollowers++;
	follower->job.fini = follower_fini;
	follower->look = (struct timer){ .fire = follower_look, .arg = follower };
	follower->until_us = clock_mono_us(web->clock) + LIMIT_FOLLOW_ANSWER_US;
	if (!changes_seen(request->exchange, since, &follower->seen))
		follower->seen = incidents_changes(ops->incidents(ops->ctx));
	follower_look(follower);
}
