/* Refusals: see refusals-internal.h. */
#include "refusals-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

static const struct {
	const char *message, *detail; /* detail: the name of its field; NULL: it has none */
	int metric;		      /* -1: what pagers tell back is counted by its result */
} refusal_texts[] = {
	[INTAKE_REFUSAL_SENDER] = { "request refused: the sender's address, certificate or "
				    "signature is not "
				    "the declared one",
				    "sender", METRIC_REFUSED_SENDER },
	[INTAKE_REFUSAL_TOKEN] = { "request refused: its token is missing or wrong", "sender",
				   METRIC_REFUSED_TOKEN },
	[INTAKE_REFUSAL_ADMIN] = { "request refused: its API token is missing or wrong", NULL,
				   METRIC_REFUSED_ADMIN },
	[INTAKE_REFUSAL_SNS] = { "request refused: it is no message that Amazon SNS signed for "
				 "this sender",
				 "error", METRIC_REFUSED_SNS },
	[INTAKE_REFUSAL_HOST] = { "request refused: it is meant for another site", "host",
				  METRIC_REFUSED_HOST },
	[INTAKE_REFUSAL_SITE] = { "request refused: a page of another site sent it", "origin",
				  METRIC_REFUSED_SITE },
	[INTAKE_REFUSAL_LINK] = { "request refused: its link is forged, cut or expired", NULL,
				  METRIC_REFUSED_LINK },
	[INTAKE_REFUSAL_FEEDBACK_PAGER] = { "feedback refused: no pager of that name tells "
					    "something back; look at the address of its webhook",
					    "pager", -1 },
	[INTAKE_REFUSAL_FEEDBACK_SECRET] = { "feedback refused: its pager has no "
					     "feedback_secret_file in the rules",
					     "pager", -1 },
	[INTAKE_REFUSAL_FEEDBACK_SIGNATURE] = { "feedback refused: its signature is missing, too "
						"old, or made with another secret",
						"pager", -1 },
};

/* One reason. The timer is armed for a minute after each line. */
struct refusal_log {
	struct refusals *owner;
	enum intake_refusal reason;
	struct timer timer;
	int64_t n; /* since the last line */
	/* Of the last request. */
	char peer[LIMIT_REFUSED_DETAIL_BYTES], path[LIMIT_REFUSED_DETAIL_BYTES],
		detail[LIMIT_REFUSED_DETAIL_BYTES];
};

struct refusals {
	struct timers *timers;
	const struct clock *clock;
	struct intake_ops ops;
	struct refusal_log logs[INTAKE_REFUSAL_COUNT];
};

static void refusal_say(struct refusal_log *log)
{
	struct refusals *refusals = log->owner;

	const char *detail = refusal_texts[log->reason].detail;
	const struct log_field fields[] = { LOG_STR("peer", log->peer), LOG_STR("path", log->path),
					    LOG_INT("requests", log->n),
					    LOG_STR(detail, log->detail) };

	log_write(LOG_LEVEL_WARN, refusal_texts[log->reason].message, fields,
		  ARRAY_LEN(fields) - !detail);
	log->n = 0;
	timer_arm(refusals->timers, &log->timer,
		  clock_mono_us(refusals->clock) + LIMIT_REFUSED_LOG_US);
}

static void refusal_on_minute(void *arg)
{
	struct refusal_log *log = arg;

	if (log->n)
		refusal_say(log);
}

void refusals_count(struct refusals *refusals, enum intake_refusal reason,
		    const struct http_exchange *exchange, const char *detail)
{
	struct refusal_log *log = &refusals->logs[reason];

	log->n++;
	if (refusal_texts[reason].metric >= 0)
		metric_add((enum metric)refusal_texts[reason].metric, 1);
	if (reason == INTAKE_REFUSAL_TOKEN)
		metric_set(METRIC_REFUSED_TOKEN_TIME, clock_wall_us(refusals->clock));
	snprintf(log->peer, sizeof(log->peer), "%s", http_exchange_peer(exchange));
	snprintf(log->path, sizeof(log->path), "%s", http_exchange_path(exchange));
	snprintf(log->detail, sizeof(log->detail), "%s", detail ? detail : "");
	if (!log->timer.slot)
		refusal_say(log);
	if (!refusals->ops.request_refused)
		return;
	const char *field = refusal_texts[reason].detail;
	const bool names_sender = field && strcmp(field, "sender") == 0;
	refusals->ops.request_refused(refusals->ops.ctx, refusal_texts[reason].message, log->peer,
				      names_sender ? log->detail : NULL);
}

struct refusals *refusals_new(struct timers *timers, const struct clock *clock,
			      const struct intake_ops *ops)
{
	struct refusals *refusals = xcalloc(1, sizeof(*refusals));

	refusals->timers = timers;
	refusals->clock = clock;
	refusals->ops = *ops;
	for (int i = 0; i < INTAKE_REFUSAL_COUNT; i++) {
		struct refusal_log *log = &refusals->logs[i];
		log->owner = refusals;
		log->reason = (enum intake_refusal)i;
		log->timer = (struct timer){ .fire = refusal_on_minute, .arg = log };
	}
	return refusals;
}

void refusals_free(struct refusals *refusals)
{
	if (!refusals)
		return;
	for (int i = 0; i < INTAKE_REFUSAL_COUNT; i++)
		timer_disarm(refusals->timers, &refusals->logs[i].timer);
	free(refusals);
}
