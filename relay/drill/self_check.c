/*
 * Self check: see self_check.h. One check at a time; its stages come in the order of enum
 * check_stage, each told by the store or by incident_env.sight.
 */
#include "tracepager/self_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drill-internal.h"
#include "tracepager/decide.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/page.h"
#include "tracepager/sign.h"
#include "tracepager/xalloc.h"

enum check_stage {
	CHECK_PARSE,
	CHECK_STORE,
	CHECK_DECIDE,
	CHECK_PAGE,
	CHECK_DELIVER,
	CHECK_RESOLVE,
	CHECK_SEND, /* the request to the dead-man's URL */
	CHECK_STAGE_COUNT
};

static const char *const check_stage_names[CHECK_STAGE_COUNT] = {
	[CHECK_PARSE] = "parse", [CHECK_STORE] = "store",     [CHECK_DECIDE] = "decide",
	[CHECK_PAGE] = "page",	 [CHECK_DELIVER] = "deliver", [CHECK_RESOLVE] = "resolve",
	[CHECK_SEND] = "send",
};

struct self_check {
	struct self_check_env env;
	struct arena *arena; /* of the check under way; NULL: none is */
	struct alert alert;
	char key[LIMIT_ALERT_KEY_BYTES];
	bool done[CHECK_STAGE_COUNT];
	struct timer beat;     /* the next check begins */
	struct timer deadline; /* of the check under way */
	struct timer go_on;    /* what was told is acted on from the loop */
	struct http_call *call;
	/* Commits are answered in their order: an answer is for the check under way when all are
	 * answered. */
	unsigned int commits, answers;
	/* The last outcome. */
	int64_t sent_us; /* wall: the last heartbeat that was taken; 0: none yet */
	enum check_stage failed_at;
	char failure[256]; /* "": the last check went through */
	char unpaged[200]; /* why the rules page nobody for this one; "": they do */
};

static int64_t check_now_us(const struct self_check *check)
{
	return clock_mono_us(check->env.clock);
}

/* ---- the end of a check ---- */

/* Its alert ends, so that nothing of it stays. */
static void check_end_alert(struct self_check *check)
{
	if (!check->arena)
		return;
	if (check->alert.status == ALERT_FIRING) {
		check->alert.status = ALERT_RESOLVED;
		incidents_accept(check->env.incidents, &check->alert, 0);
	}
	arena_free(check->arena);
	check->arena = NULL;
}

static void check_fail(struct self_check *check, enum check_stage stage, const char *why)
{
	timer_disarm(check->env.timers, &check->deadline);
	timer_disarm(check->env.timers, &check->go_on);
	check->failed_at = stage;
	snprintf(check->failure, sizeof(check->failure), "%s", why);
	metric_add(METRIC_HEARTBEATS_FAILED, 1);
	log_error("no heartbeat is sent: the relay's check of itself failed",
		  LOG_STR("stage", check_stage_names[stage]), LOG_STR("reason", why));
	check_end_alert(check);
}

/* ---- the heartbeat ---- */

static void check_on_reply(void *arg, const struct http_reply *reply)
{
	struct self_check *check = arg;
	char why[128];

	check->call = NULL;
	if (reply->status >= 200 && reply->status < 300) {
		check->sent_us = clock_wall_us(check->env.clock);
		*check->failure = '\0';
		metric_add(METRIC_HEARTBEATS_SENT, 1);
		metric_set(METRIC_HEARTBEAT_TIME, check->sent_us);
		return;
	}
	if (reply->status)
		snprintf(why, sizeof(why), "the dead-man's URL answered HTTP %d", reply->status);
	else
		snprintf(why, sizeof(why), "the dead-man's URL cannot be reached");
	check_fail(check, CHECK_SEND, why);
}

static void check_send(struct self_check *check)
{
	static const struct http_handler handler = { .done = check_on_reply };
	const struct http_request request = {
		.method = HTTP_GET,
		.url = check->env.url->value,
		.timeout_us = LIMIT_SELF_CHECK_SEND_US,
		.max_reply_bytes = LIMIT_SELF_CHECK_REPLY_BYTES,
	};

	check->call =
		check->env.transport->send(check->env.transport->ctx, &request, &handler, check);
	if (!check->call)
		check_fail(check, CHECK_SEND, "no memory or descriptors for a request");
}

/* ---- going on ---- */

/* The first stage that has not been reached. */
static enum check_stage check_missing(const struct self_check *check)
{
	enum check_stage stage = CHECK_PARSE;

	while (stage < CHECK_SEND && check->done[stage])
		stage++;
	return stage;
}

static void check_go_on(void *arg)
{
	struct self_check *check = arg;

	if (!check->arena)
		return;
	if (check->done[CHECK_DELIVER] && check->alert.status == ALERT_FIRING) {
		check->alert.status = ALERT_RESOLVED;
		incidents_accept(check->env.incidents, &check->alert, 0);
	}
	if (check_missing(check) != CHECK_SEND)
		return;
	timer_disarm(check->env.timers, &check->deadline);
	check_end_alert(check);
	check_send(check);
}

static void check_reached(struct self_check *check, enum check_stage stage)
{
	check->done[stage] = true;
	timer_arm(check->env.timers, &check->go_on, check_now_us(check));
}

static void check_late(void *arg)
{
	struct self_check *check = arg;
	char why[128];

	snprintf(why, sizeof(why), "not done within %lld ms",
		 (long long)(check->env.limit_us / US_PER_MS));
	check_fail(check, *check->unpaged ? CHECK_DECIDE : check_missing(check),
		   *check->unpaged ? check->unpaged : why);
}

static void check_on_durable(void *ctx, int error, const char *text)
{
	struct self_check *check = ctx;

	if (++check->answers != check->commits || !check->arena)
		return; /* of a check that is over */
	if (error)
		check_fail(check, CHECK_STORE, text);
	else
		check_reached(check, CHECK_STORE);
}

static void check_judge_decision(struct self_check *check, const struct decision *decision)
{
	char why[200];

	if (!decision->no_page) {
		check_reached(check, CHECK_DECIDE);
		return;
	}
	snprintf(why, sizeof(why), "the rules page nobody for it: %s",
		 decision->routing.no_page ? decision->routing.no_page->place : "no owner");
	snprintf(check->unpaged, sizeof(check->unpaged), "%s", why);
	timer_arm(check->env.timers, &check->deadline, check_now_us(check));
}

void self_check_sight(struct self_check *check, const struct incident_sight *sight)
{
	if (!check || !check->arena || strcmp(sight->alert_key, check->key) != 0)
		return;
	switch (sight->kind) {
	case INCIDENT_SIGHT_DECIDED:
		check_judge_decision(check, sight->decision);
		break;
	case INCIDENT_SIGHT_TAKEN:
		break;
	case INCIDENT_SIGHT_QUEUED:
		check_reached(check, CHECK_PAGE);
		break;
	case INCIDENT_SIGHT_PAGE:
		if (sight->page->event == PAGE_TRIGGER &&
		    sight->page->state == STORED_PAGE_DELIVERED)
			check_reached(check, CHECK_DELIVER);
		break;
	case INCIDENT_SIGHT_CLOSED:
		check_reached(check, CHECK_RESOLVE);
		break;
	}
}

/* ---- a beat ---- */

static int check_make_alert(struct self_check *check, struct err *err)
{
	const struct ruleset *rules = check->env.rules(check->env.ctx);
	static const struct labels none = { .n = 0 };
	struct labels labels = none;
	char id[17];

	if (*check->env.through) {
		int result = rules_signal_labels(rules, check->arena, check->env.through, &none,
						 &labels, err);
		if (result < 0)
			return result;
	}
	struct label *at = arena_array(check->arena, labels.n + 2, sizeof(*at));
	if (labels.n)
		memcpy(at, labels.at, labels.n * sizeof(*at));
	at[labels.n++] = (struct label){ "tracepager_self", "yes" };
	if (!*check->env.through)
		at[labels.n++] = (struct label){ "alertname", "TracepagerSelfCheck" };
	labels.at = at;
	labels_normalise(&labels);
	random_id(id, 8);
	snprintf(check->key, sizeof(check->key), ALERT_FAMILY_SELF "/%s", id);
	return synthetic_alert_make(check->arena,
				    &(struct synthetic_order){
					    .family = ALERT_FAMILY_SELF,
					    .fingerprint = id,
					    .labels = labels,
					    .summary = "tracepager checks itself",
					    .now_us = clock_wall_us(check->env.clock),
					    .lasts_us = 2 * check->env.limit_us,
				    },
				    &check->alert, err);
}

static void check_beat(void *arg)
{
	struct self_check *check = arg;
	struct err err = { 0 };

	timer_arm(check->env.timers, &check->beat, check_now_us(check) + check->env.every_us);
	if (check->arena || check->call || !check->env.url->value)
		return;
	memset(check->done, 0, sizeof(check->done));
	*check->unpaged = '\0';
	check->arena = arena_new(LIMIT_DRILL_ARENA_BYTES);
	check->alert = (struct alert){ .status = ALERT_RESOLVED };
	if (check_make_alert(check, &err) < 0) {
		check_fail(check, CHECK_PARSE, err.text);
		return;
	}
	check->done[CHECK_PARSE] = true;
	timer_arm(check->env.timers, &check->deadline, check_now_us(check) + check->env.limit_us);
	check->commits++;
	incidents_accept(check->env.incidents, &check->alert, 0);
	incidents_when_durable(check->env.incidents, check_on_durable, check);
}

void self_check_write_ready(const struct self_check *check, struct buf *out)
{
	if (check && *check->failure)
		buf_printf(out, "no heartbeat is sent: stage %s: %s\n",
			   check_stage_names[check->failed_at], check->failure);
}

struct self_check *self_check_new(const struct self_check_env *env)
{
	struct self_check *check = xcalloc(1, sizeof(*check));

	check->env = *env;
	check->beat = (struct timer){ .fire = check_beat, .arg = check };
	check->deadline = (struct timer){ .fire = check_late, .arg = check };
	check->go_on = (struct timer){ .fire = check_go_on, .arg = check };
	metric_set(METRIC_HEARTBEAT_INTERVAL, env->every_us);
	timer_arm(env->timers, &check->beat, check_now_us(check));
	return check;
}

void self_check_free(struct self_check *check)
{
	if (!check)
		return;
	timer_disarm(check->env.timers, &check->beat);
	timer_disarm(check->env.timers, &check->deadline);
	timer_disarm(check->env.timers, &check->go_on);
	if (check->call)
		check->env.transport->cancel(check->env.transport->ctx, check->call);
	if (check->arena)
		arena_free(check->arena);
	free(check);
}
