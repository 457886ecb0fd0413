/*
 * Drills: see drill.h. A drill pages (its alert fires), then resolves (its alert has ended), then
 * is over. What befalls its alert is told by incident_env.sight; the drill goes on some
 * milliseconds later, from the loop, where it may act.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drill-internal.h"
#include "tracepager/deliver.h"
#include "tracepager/log.h"
#include "tracepager/sign.h"
#include "tracepager/xalloc.h"

static int64_t drill_now_us(const struct drill *drill)
{
	return clock_mono_us(drill->drills->env.clock);
}

static bool drill_waits(const struct drill *drill)
{
	for (size_t i = 0; i < drill->nstages; i++)
		if (drill->stages[i].outcome == STAGE_RUNNING)
			return true;
	return false;
}

static void drill_look_soon(struct drill *drill)
{
	if (!drill->look.slot)
		timer_arm(drill->drills->env.timers, &drill->look,
			  drill_now_us(drill) + LIMIT_DRILL_LOOK_US);
}

static void drill_free(struct drill *drill)
{
	struct drills *drills = drill->drills;

	TAILQ_REMOVE(&drills->list, drill, link);
	drills->n--;
	drills->nrunning -= drill->state != DRILL_OVER;
	timer_disarm(drills->env.timers, &drill->look);
	timer_disarm(drills->env.timers, &drill->deadline);
	free(drill->stages);
	arena_free(drill->arena);
	free(drill);
}

/* ---- the end ---- */

static void drill_end(struct drill *drill)
{
	struct drills *drills = drill->drills;

	timer_disarm(drills->env.timers, &drill->deadline);
	timer_disarm(drills->env.timers, &drill->look);
	drill->state = DRILL_OVER;
	drills->nrunning--;
	log_info("drill is over", LOG_STR("drill", drill->id), LOG_STR("signal", drill->signal),
		 LOG_STR("incident", drill->incident),
		 LOG_STR("result", drill_passed(drill) ? "passed" : "failed"));
}

/* Whatever has not come by now does not count any more. */
static void drill_give_up(struct drill *drill, const char *what)
{
	for (size_t i = 0; i < drill->nstages; i++) {
		struct drill_stage *stage = &drill->stages[i];
		if (stage->outcome != STAGE_RUNNING)
			continue;
		stage->outcome = STAGE_BAD;
		if (!*stage->text)
			stage->text = what;
	}
}

/* What waits for a paused pager is not sent behind a drill that is over. Before the resolve, which
 * then has nothing to say there. */
static void drill_drop_paused(struct drill *drill)
{
	struct deliver *deliver = incidents_deliver(drill->drills->env.incidents);

	for (size_t i = 0; i < drill->nstages; i++) {
		const struct drill_stage *stage = &drill->stages[i];
		if (stage->page && strcmp(stage->name, "delivered") == 0 &&
		    deliver_is_paused(deliver, stage->pager))
			deliver_drop_page(deliver, stage->page, "its drill is over");
	}
}

static void drill_begin_resolve(struct drill *drill)
{
	struct drills *drills = drill->drills;

	drill->state = DRILL_RESOLVING;
	drill->alert.status = ALERT_RESOLVED;
	timer_arm(drills->env.timers, &drill->deadline,
		  drill_now_us(drill) + LIMIT_DRILL_RESOLVE_US);
	drill_drop_paused(drill);
	incidents_accept(drills->env.incidents, &drill->alert, 0);
	drill_look_soon(drill);
}

/* ---- what holds it ---- */

struct paused_ask {
	const char *pager;
	char by[LIMIT_DRILL_TEXT_BYTES / 4], pause[LIMIT_DRILL_TEXT_BYTES / 4];
};

static bool paused_on_pager(void *ctx, const struct incident_pager_view *view)
{
	struct paused_ask *ask = ctx;

	if (!view->paused_by || strcmp(view->name, ask->pager) != 0)
		return true;
	snprintf(ask->by, sizeof(ask->by), "%s", view->paused_by);
	snprintf(ask->pause, sizeof(ask->pause), "%s", view->pause);
	return false;
}

struct waiting_ask {
	int64_t id;
	bool waits;
};

static bool waiting_on_page(void *ctx, const struct deliver_page_view *view)
{
	struct waiting_ask *ask = ctx;

	ask->waits = view->page->id == ask->id;
	return false;
}

/* Does delivery have the page, or is it still on its way to the store? */
static bool page_waits(const struct deliver *deliver, int64_t id)
{
	struct waiting_ask ask = { .id = id };

	deliver_each_page(deliver, id - 1, waiting_on_page, &ask);
	return ask.waits;
}

/* A paused pager gets nothing, whatever the drill waits for. */
static void drill_judge_paused(struct drill *drill)
{
	struct incidents *incidents = drill->drills->env.incidents;
	struct deliver *deliver = incidents_deliver(incidents);

	for (size_t i = 0; i < drill->nstages; i++) {
		struct drill_stage *stage = &drill->stages[i];
		if (stage->outcome != STAGE_RUNNING || !stage->pager ||
		    !deliver_is_paused(deliver, stage->pager))
			continue;
		if (!page_waits(deliver, stage->page)) {
			drill_look_soon(drill);
			continue;
		}
		struct paused_ask ask = { .pager = stage->pager };
		incidents_each_pager(incidents, paused_on_pager, &ask);
		stage->outcome = STAGE_BAD;
		stage->text = arena_printf(drill->arena,
					   "pager %s is paused by %s: its pages wait until "
					   "\"tracepager resume %s\"",
					   stage->pager, ask.by, ask.pause);
	}
}

static bool silenced_on_incident(void *ctx, const struct incident_view *view)
{
	struct drill *drill = ctx;

	if (view->silenced)
		drill_add_stage(drill, "queued", STAGE_BAD, -1,
				arena_printf(drill->arena,
					     "silence %s holds the page: a real one would reach "
					     "nobody",
					     view->silenced));
	return false;
}

static bool drill_has_stage(const struct drill *drill, const char *name)
{
	for (size_t i = 0; i < drill->nstages; i++)
		if (strcmp(drill->stages[i].name, name) == 0)
			return true;
	return false;
}

/* Decided, and no page was queued: a silence of its suspect or its team. */
static void drill_judge_unqueued(struct drill *drill)
{
	if (!*drill->incident || drill_has_stage(drill, "queued"))
		return;
	incidents_view(drill->drills->env.incidents, drill->incident, silenced_on_incident, drill);
}

/* ---- going on ---- */

static void drill_settled(struct drill *drill)
{
	if (*drill->incident && !drill->no_resolve) {
		drill_begin_resolve(drill);
		return;
	}
	if (drill->no_resolve && *drill->incident) {
		drill_add_stage(drill, "resolved", STAGE_NOTED, -1,
				arena_printf(drill->arena,
					     "left open; it ends by itself in %d min, or by "
					     "\"tracepager incidents resolve %s\"",
					     (int)(LIMIT_DRILL_OPEN_US / US_PER_MINUTE),
					     drill->incident));
	} else {
		drill->alert.status = ALERT_RESOLVED;
		incidents_accept(drill->drills->env.incidents, &drill->alert, 0);
	}
	drill_end(drill);
}

static void drill_look(void *arg)
{
	struct drill *drill = arg;

	drill_judge_paused(drill);
	if (drill->state == DRILL_RESOLVING) {
		if (drill->closed)
			drill_give_up(drill, "its pager was told nothing");
		if (drill->closed)
			drill_end(drill);
		return;
	}
	if (!drill->answered || !drill->taken)
		return;
	drill_judge_unqueued(drill);
	if (!drill_waits(drill))
		drill_settled(drill);
}

static void drill_due(void *arg)
{
	struct drill *drill = arg;
	const bool resolving = drill->state == DRILL_RESOLVING;

	if (!resolving && !drill->taken)
		drill_add_stage(drill, "decided", STAGE_BAD, -1,
				"no decision came within 60 s: see the relay's log");
	drill_give_up(drill, resolving ? "the pager has not answered within 30 s; it is still tried"
				       : "the pager has not answered within 60 s");
	if (resolving)
		drill_end(drill);
	else
		drill_settled(drill);
}

/* ---- what is told of it ---- */

static struct drill *drill_of_alert(const struct drills *drills, const char *key)
{
	struct drill *drill;

	TAILQ_FOREACH (drill, &drills->list, link)
		if (drill->state != DRILL_OVER && strcmp(drill->key, key) == 0)
			return drill;
	return NULL;
}

void drills_sight(struct drills *drills, const struct incident_sight *sight)
{
	struct drill *drill = drill_of_alert(drills, sight->alert_key);

	if (!drill)
		return;
	switch (sight->kind) {
	case INCIDENT_SIGHT_DECIDED:
		drill_tell_decision(drill, sight);
		break;
	case INCIDENT_SIGHT_TAKEN:
		snprintf(drill->incident, sizeof(drill->incident), "%s", sight->incident);
		drill->taken = true;
		break;
	case INCIDENT_SIGHT_QUEUED:
		drill_tell_queued(drill, sight->page);
		break;
	case INCIDENT_SIGHT_PAGE:
		drill_tell_page(drill, sight);
		break;
	case INCIDENT_SIGHT_CLOSED:
		drill->closed = true;
		break;
	}
	drill_look_soon(drill);
}

static void drill_on_durable(void *ctx, int error, const char *text)
{
	struct drill *drill = ctx;
	struct drill_stage *stage = &drill->stages[0];

	drill->answered = true;
	if (stage->outcome != STAGE_RUNNING)
		return;
	stage->outcome = error ? STAGE_BAD : STAGE_GOOD;
	stage->took_us = drill_now_us(drill) - drill->begun_us;
	stage->text = error ? arena_printf(drill->arena, "the store cannot write: %.300s", text)
			    : "the alert is on disk";
	drill_look_soon(drill);
}

/* ---- the start ---- */

static int drill_make_alert(struct drill *drill, const struct drill_order *order, struct err *err)
{
	const struct drills *drills = drill->drills;
	const struct ruleset *rules = drills->env.rules(drills->env.ctx);
	const char *nearest = NULL;
	struct labels labels;

	if (!rules_has_name(rules, RULES_SIGNALS, order->signal, &nearest))
		return err_set(err, ENOENT, "the rules in force have no signal \"%.80s\"%s%.80s%s",
			       order->signal, nearest ? "; did you mean \"" : "",
			       nearest ? nearest : "", nearest ? "\"?" : "");
	int result = rules_signal_labels(rules, drill->arena, order->signal, &order->labels,
					 &labels, err);
	if (result < 0)
		return result;
	struct label *at = arena_array(drill->arena, labels.n + 2, sizeof(*at));
	memcpy(at, labels.at, labels.n * sizeof(*at));
	at[labels.n] = (struct label){ DRILL_MARK, "yes" };
	at[labels.n + 1] = (struct label){ "alertname", "TracepagerDrill" };
	/* A name that the matchers or the caller give stays. */
	labels.n += labels_get(&labels, "alertname") ? 1 : 2;
	labels.at = at;
	labels_normalise(&labels);
	return synthetic_alert_make(
		drill->arena,
		&(struct synthetic_order){
			.family = ALERT_FAMILY_DRILL,
			.fingerprint = drill->id,
			.labels = labels,
			.summary = arena_printf(drill->arena, "fire drill of signal %s",
						order->signal),
			.mark = drill->who,
			.now_us = drill->started_us,
			.lasts_us = LIMIT_DRILL_OPEN_US,
		},
		&drill->alert, err);
}

static struct drill *drill_new(struct drills *drills, const struct drill_order *order)
{
	struct drill *drill = xcalloc(1, sizeof(*drill));

	drill->drills = drills;
	drill->arena = arena_new(LIMIT_DRILL_ARENA_BYTES);
	drill->stages = xcalloc(LIMIT_DRILL_STAGES, sizeof(*drill->stages));
	random_id(drill->id, (DRILL_ID_SIZE - 1) / 2);
	drill->signal = arena_strdup(drill->arena, order->signal);
	drill->who = arena_strdup(drill->arena, order->who);
	drill->key = arena_printf(drill->arena, ALERT_FAMILY_DRILL "/%s", drill->id);
	drill->no_resolve = order->no_resolve;
	drill->started_us = clock_wall_us(drills->env.clock);
	drill->begun_us = clock_mono_us(drills->env.clock);
	drill->look = (struct timer){ .fire = drill_look, .arg = drill };
	drill->deadline = (struct timer){ .fire = drill_due, .arg = drill };
	TAILQ_INSERT_HEAD(&drills->list, drill, link);
	drills->n++;
	drills->nrunning++;
	return drill;
}

static void drills_forget_oldest(struct drills *drills)
{
	struct drill *drill, *before;

	for (drill = TAILQ_LAST(&drills->list, drill_list); drill && drills->n >= LIMIT_DRILLS_KEPT;
	     drill = before) {
		before = TAILQ_PREV(drill, drill_list, link);
		if (drill->state == DRILL_OVER && drill->answered)
			drill_free(drill);
	}
}

int drills_start(struct drills *drills, const struct drill_order *order, char ret_id[DRILL_ID_SIZE],
		 struct err *err)
{
	if (drills->nrunning >= LIMIT_DRILLS_RUNNING)
		return err_set(err, EBUSY, "%u drills are under way: wait until one is over",
			       LIMIT_DRILLS_RUNNING);
	if (!incidents_have_room(drills->env.incidents))
		return err_set(err, EBUSY,
			       "the relay takes no alerts just now: GET /-/ready says why");
	drills_forget_oldest(drills);
	struct drill *drill = drill_new(drills, order);
	int result = drill_make_alert(drill, order, err);
	if (result < 0) {
		drill_free(drill);
		return result;
	}
	memcpy(ret_id, drill->id, DRILL_ID_SIZE);
	drill_add_stage(drill, "accepted", STAGE_RUNNING, -1, "");
	timer_arm(drills->env.timers, &drill->deadline, drill_now_us(drill) + LIMIT_DRILL_US);
	log_info("drill begins", LOG_STR("drill", drill->id), LOG_STR("signal", drill->signal),
		 LOG_STR("who", drill->who));
	incidents_accept(drills->env.incidents, &drill->alert, 0);
	incidents_when_durable(drills->env.incidents, drill_on_durable, drill);
	return 0;
}

struct drills *drills_new(const struct drills_env *env)
{
	struct drills *drills = xcalloc(1, sizeof(*drills));

	drills->env = *env;
	TAILQ_INIT(&drills->list);
	return drills;
}

void drills_free(struct drills *drills)
{
	struct drill *drill;

	if (!drills)
		return;
	while ((drill = TAILQ_FIRST(&drills->list)))
		drill_free(drill);
	free(drills);
}
