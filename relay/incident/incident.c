/*
 * Incidents: opened by a decision, joined by others of the same key, improved by late traces,
 * resolved when their last alert ends. Each step writes the incident and its pages in one group;
 * pages are delivered when that is on disk.
 */
#include "incident-internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/sign.h"
#include "tracepager/xalloc.h"

#define INCIDENT_ID_BYTES  16
#define PAGE_DOC_BYTES	   (8u << 20)
#define DECISION_DOC_BYTES (1u << 20)
#define PAGE_ARENA_BYTES   (32u << 20)
/* Alerts that join within so long are told in one update. */
#define JOIN_GATHER_US US_PER_SECOND
/* Nobody took the page, not even the fallback team's pagers: all of those are tried again. */
#define REPAGE_US (5 * US_PER_MINUTE)
/* Names of alerts that a page lists. */
#define ALERT_NAMES_MAX 50

/* Stands for a decision that does not fit: a hostile trace may have names of kilobytes. */
static const char too_large[] =
	"{\"version\": 1, \"error\": \"the decision was too large to be kept\"}";

/* ---- pages ---- */

/* A page that is too large loses its decision, then its details; its summary always fits. */
static void write_page(const struct page *page, struct buf *doc)
{
	struct page lesser = *page;

	page_write(&lesser, doc);
	if (doc->failed) {
		buf_reset(doc);
		lesser.decision = NULL;
		page_write(&lesser, doc);
	}
	if (doc->failed) {
		buf_reset(doc);
		lesser.details = "The details were too large to be kept.";
		lesser.nlinks = 0;
		lesser.nalerts = 0;
		page_write(&lesser, doc);
	}
	assert(!doc->failed);
}

static void set_page(struct incident *incident, const struct page *page)
{
	struct buf doc = BUF_INIT(PAGE_DOC_BYTES);

	write_page(page, &doc);
	free(incident->page);
	incident->page_len = doc.len;
	incident->page = buf_take(&doc);
}

static void get_page(const struct incident *incident, struct arena *arena, struct page *ret_page)
{
	struct err err;

	if (page_read(arena, incident->page, incident->page_len, ret_page, &err) == 0)
		return;
	log_error("an incident's page cannot be read", LOG_STR("incident", incident->id),
		  LOG_STR("error", err.text));
	*ret_page = (struct page){
		.severity = SEVERITY_ERROR,
		.summary = "an incident whose page cannot be read",
		.details = "",
		.component = "",
		.origin = "tracepager",
		.group = incident->team,
		.kind = "",
	};
}

/* What every page of an incident says of it, whatever the decision said. */
static void fill_page(struct arena *arena, const struct incident *incident, struct page *page)
{
	const struct known_alert *alert;
	const char **names = arena_array(arena, ALERT_NAMES_MAX, sizeof(*names));

	page->incident = incident->id;
	page->dedup_key = incident->id;
	page->opened_at_us = incident->opened_us;
	page->at_us = incidents_wall_us(incident->owner);
	page->status = incident->state == INCIDENT_OPEN ? "open" : "resolved";
	if (TAILQ_EMPTY(&incident->alerts))
		return; /* it resolves: the names of those that were in it stay */
	page->nalerts = 0;
	TAILQ_FOREACH (alert, &incident->alerts, in_incident) {
		if (page->nalerts == ALERT_NAMES_MAX)
			break;
		names[page->nalerts++] = arena_strdup(arena, alert->name);
	}
	page->alerts = names;
}

static void queue_page(struct incident *incident, const struct lane *lane, const struct page *page)
{
	struct incidents *incidents = incident->owner;
	struct buf doc = BUF_INIT(PAGE_DOC_BYTES);

	write_page(page, &doc);
	struct stored_page row = {
		.id = incidents->next_page_id++,
		.incident = incident->id,
		.pager = lane->pager,
		.target = lane->target,
		.doc = doc.data,
		.doc_len = doc.len,
		.event = (int)page->event,
		.state = STORED_PAGE_QUEUED,
		.created_us = incidents_wall_us(incidents),
		.next_us = incidents_wall_us(incidents),
		.error = "",
	};
	turn_queue_page(incidents, &row);
	incident->pages_waiting++;
	buf_fini(&doc);
}

/* The present page, as this event, to every pager that has not refused it. */
static void queue_event(struct incident *incident, enum page_event event, const char *note)
{
	struct arena *arena = arena_new(PAGE_ARENA_BYTES);
	struct page page;
	const struct lane *lane;

	get_page(incident, arena, &page);
	fill_page(arena, incident, &page);
	page.event = event;
	if (note)
		page.note = note;
	STAILQ_FOREACH (lane, &incident->lanes, link)
		if (!lane->rejected)
			queue_page(incident, lane, &page);
	arena_free(arena);
}

/* ---- lanes ---- */

struct lane *incident_lane(struct incident *incident, const char *pager, const char *target)
{
	struct lane *lane;

	STAILQ_FOREACH (lane, &incident->lanes, link)
		if (strcmp(lane->pager, pager) == 0)
			return lane;
	lane = xcalloc(1, sizeof(*lane));
	lane->pager = xstrdup(pager);
	lane->target = xstrdup(target);
	STAILQ_INSERT_TAIL(&incident->lanes, lane, link);
	return lane;
}

static bool has_lane(const struct incident *incident, const char *pager)
{
	const struct lane *lane;

	STAILQ_FOREACH (lane, &incident->lanes, link)
		if (strcmp(lane->pager, pager) == 0)
			return true;
	return false;
}

/* Triggers the page at those pagers that do not have it yet; returns how many. */
static size_t page_pagers(struct incident *incident, const struct pager *const *pagers,
			  size_t npagers, const struct page *page, enum lane_role role)
{
	size_t n = 0;

	for (size_t i = 0; i < npagers; i++) {
		const struct pager *pager = pagers[i];
		struct page_target target = {
			.kind = pager->kind,
			.pager = pager->name,
			.url = pager->url,
			.key = pager->key.value,
		};
		struct buf text = BUF_INIT(2 * LIMIT_SECRET_BYTES + LIMIT_LABEL_BYTES);
		if (has_lane(incident, pager->name))
			continue;
		page_target_write(&target, &text);
		struct lane *lane = incident_lane(incident, pager->name, buf_text(&text));
		lane->role = role;
		queue_page(incident, lane, page);
		buf_fini(&text);
		n++;
	}
	return n;
}

/* The first step of the decision's escalation, or the pagers that its routes name, and whoever is
 * notified beside them. */
static void page_decision(struct incident *incident, const struct decision *decision)
{
	size_t n;
	const struct pager *const *pagers = decision_pagers(decision, &n);

	page_pagers(incident, pagers, n, &decision->page, LANE_OWNER);
	page_pagers(incident, decision->routing.also_notify, decision->routing.nalso_notify,
		    &decision->page, LANE_NOTIFIED);
}

/* ---- life ---- */

static void close_incident(struct incident *incident, const char *note);

static void gather_due(void *arg)
{
	struct incident *incident = arg;

	queue_event(incident, PAGE_UPDATE, NULL);
}

static bool anyone_has_it(const struct incident *incident)
{
	const struct lane *lane;

	STAILQ_FOREACH (lane, &incident->lanes, link)
		if (!lane->rejected && lane->role != LANE_NOTIFIED)
			return true;
	return false;
}

/* Whoever refused it may have been mended since. */
static void repage_due(void *arg)
{
	struct incident *incident = arg;
	struct lane *lane;

	if (anyone_has_it(incident))
		return;
	STAILQ_FOREACH (lane, &incident->lanes, link)
		lane->rejected = false;
	queue_event(incident, PAGE_TRIGGER, "sent again: every pager had refused it");
}

static void close_due(void *arg)
{
	close_incident(arg, "every alert in it has ended");
}

struct incident *incident_new(struct incidents *incidents, const char *id, const char *key,
			      const char *team)
{
	struct incident *incident = xcalloc(1, sizeof(*incident));

	incident->owner = incidents;
	incident->id = xstrdup(id);
	incident->key = xstrdup(key);
	incident->team = xstrdup(team);
	TAILQ_INIT(&incident->alerts);
	STAILQ_INIT(&incident->lanes);
	incident->repage = (struct timer){ .fire = repage_due, .arg = incident };
	incident->gather = (struct timer){ .fire = gather_due, .arg = incident };
	incident->close = (struct timer){ .fire = close_due, .arg = incident };
	map_put(incidents->by_id, id, incident);
	map_put(incidents->by_key, key, incident);
	return incident;
}

static void forget_key(struct incident *incident)
{
	if (map_get(incident->owner->by_key, incident->key) == incident)
		map_remove(incident->owner->by_key, incident->key);
}

void incident_free(struct incident *incident)
{
	struct incidents *incidents = incident->owner;
	struct lane *lane;

	timer_disarm(incidents->env.timers, &incident->repage);
	timer_disarm(incidents->env.timers, &incident->gather);
	timer_disarm(incidents->env.timers, &incident->close);
	forget_key(incident);
	map_remove(incidents->by_id, incident->id);
	while ((lane = STAILQ_FIRST(&incident->lanes))) {
		STAILQ_REMOVE_HEAD(&incident->lanes, link);
		free(lane->pager);
		free(lane->target);
		free(lane);
	}
	free(incident->id);
	free(incident->key);
	free(incident->team);
	free(incident->page);
	free(incident);
}

static void attach(struct incident *incident, struct known_alert *alert)
{
	timer_disarm(incident->owner->env.timers, &incident->close);
	alert->incident = incident;
	TAILQ_INSERT_TAIL(&incident->alerts, alert, in_incident);
}

/* The page carries the decision, and the decision the page's key: the key comes first. */
static void write_decision_into_page(struct arena *arena, struct decision *decision,
				     const char *incident_id)
{
	struct buf doc = BUF_INIT(DECISION_DOC_BYTES);

	decision->page.dedup_key = incident_id;
	decision_write(decision, &doc);
	decision->page.decision = doc.failed ? too_large : arena_strdup(arena, buf_text(&doc));
	buf_fini(&doc);
}

static void open_incident(struct arena *arena, struct known_alert *alert, struct decision *decision)
{
	struct incidents *incidents = alert->owner;
	char id[2 * INCIDENT_ID_BYTES + 1];

	random_hex(id, INCIDENT_ID_BYTES);
	struct incident *incident =
		incident_new(incidents, id, decision->incident_key, decision->team->name);
	incident->opened_us = incidents_wall_us(incidents);
	incident->begun_us = alert->begun_us;
	attach(incident, alert);
	fill_page(arena, incident, &decision->page);
	decision->page.event = PAGE_TRIGGER;
	write_decision_into_page(arena, decision, incident->id);
	set_page(incident, &decision->page);
	turn_put_incident(incident);
	page_decision(incident, decision);
	metric_add(METRIC_INCIDENTS_OPENED, 1);
	log_info("incident opened", LOG_STR("incident", id), LOG_STR("alert", alert->key),
		 LOG_STR("team", incident->team), LOG_STR("summary", decision->page.summary));
}

/* The incident's page becomes this decision's, with a note on what changed. */
static void renew_page(struct arena *arena, struct incident *incident, struct decision *decision,
		       const char *note)
{
	fill_page(arena, incident, &decision->page);
	decision->page.event = PAGE_UPDATE;
	decision->page.note = note;
	set_page(incident, &decision->page);
	turn_put_incident(incident);
}

static void join_incident(struct arena *arena, struct incident *incident, struct known_alert *alert,
			  struct decision *decision)
{
	struct page before;

	get_page(incident, arena, &before);
	/* The worst of its alerts is what the incident is. */
	if (before.severity > decision->page.severity)
		decision->page.severity = before.severity;
	attach(incident, alert);
	renew_page(arena, incident, decision, arena_printf(arena, "joined by %s", alert->name));
	if (!incident->gather.slot)
		timer_arm(incident->owner->env.timers, &incident->gather,
			  incidents_mono_us(incident->owner) + JOIN_GATHER_US);
	metric_add(METRIC_INCIDENTS_JOINED, 1);
	log_info("incident joined", LOG_STR("incident", incident->id),
		 LOG_STR("alert", alert->key));
}

/* Late traces found the suspect: the incident that was opened without it gets its name, its owner
 * and its pagers. */
static void improve_incident(struct arena *arena, struct incident *incident,
			     struct decision *decision)
{
	struct incidents *incidents = incident->owner;
	const char *note = "the traces came late; this is what they show";

	if (strcmp(incident->team, decision->team->name) != 0)
		note = arena_printf(arena,
				    "the traces came late and lead to team %s, which is paged now",
				    decision->team->name);
	forget_key(incident);
	free(incident->key);
	free(incident->team);
	incident->key = xstrdup(decision->incident_key);
	incident->team = xstrdup(decision->team->name);
	map_put(incidents->by_key, incident->key, incident);
	renew_page(arena, incident, decision, note);
	queue_event(incident, PAGE_UPDATE, NULL);
	decision->page.event = PAGE_TRIGGER;
	page_decision(incident, decision);
	log_info("incident improved by late traces", LOG_STR("incident", incident->id),
		 LOG_STR("team", incident->team), LOG_STR("summary", decision->page.summary));
}

static void first_decision(struct arena *arena, struct known_alert *alert,
			   struct decision *decision)
{
	struct incident *incident = map_get(alert->owner->by_key, decision->incident_key);

	if (incident) {
		write_decision_into_page(arena, decision, incident->id);
		join_incident(arena, incident, alert, decision);
	} else {
		open_incident(arena, alert, decision);
	}
}

static void late_decision(struct arena *arena, struct known_alert *alert, struct decision *decision)
{
	struct incident *old = alert->incident;
	struct incident *target = map_get(alert->owner->by_key, decision->incident_key);

	if (!decision->verdict.found || !old || target == old)
		return;
	bool alone = TAILQ_FIRST(&old->alerts) == alert && !TAILQ_NEXT(alert, in_incident);
	if (target) {
		incident_leave(alert,
			       arena_printf(arena,
					    "moved: the traces came late and lead to incident %s",
					    target->id));
		write_decision_into_page(arena, decision, target->id);
		join_incident(arena, target, alert, decision);
	} else if (alone) {
		write_decision_into_page(arena, decision, old->id);
		improve_incident(arena, old, decision);
	} else {
		/* The others of the old incident may have another cause. */
		incident_leave(alert, "");
		open_incident(arena, alert, decision);
	}
	turn_touch_alert(alert);
}

void incident_apply(struct known_alert *alert, struct decision *decision, struct ruleset *rules)
{
	struct arena *arena = arena_new(PAGE_ARENA_BYTES);

	if (alert->state == ALERT_DECIDED)
		late_decision(arena, alert, decision);
	else if (!decision->no_page)
		first_decision(arena, alert, decision);
	record_decision(alert, decision, rules);
	arena_free(arena);
}

static void close_incident(struct incident *incident, const char *note)
{
	struct incidents *incidents = incident->owner;

	incident->state = INCIDENT_CLOSING;
	incident->closed_us = incidents_wall_us(incidents);
	forget_key(incident);
	timer_disarm(incidents->env.timers, &incident->repage);
	timer_disarm(incidents->env.timers, &incident->gather);
	queue_event(incident, PAGE_RESOLVE, note);
	turn_put_incident(incident);
	metric_add(METRIC_INCIDENTS_RESOLVED, 1);
	log_info("incident resolved", LOG_STR("incident", incident->id), LOG_STR("note", note));
	if (!incident->pages_waiting)
		incident_free(incident);
}

void incident_leave(struct known_alert *alert, const char *note)
{
	struct incident *incident = alert->incident;

	TAILQ_REMOVE(&incident->alerts, alert, in_incident);
	alert->incident = NULL;
	if (TAILQ_EMPTY(&incident->alerts))
		close_incident(incident, note);
}

void incident_settle(struct incident *incident)
{
	struct arena *arena = arena_new(PAGE_ARENA_BYTES);
	struct page page;

	get_page(incident, arena, &page);
	if (TAILQ_EMPTY(&incident->alerts))
		timer_arm(incident->owner->env.timers, &incident->close,
			  incidents_mono_us(incident->owner));
	else if (!anyone_has_it(incident))
		timer_arm(incident->owner->env.timers, &incident->repage,
			  incidents_mono_us(incident->owner));
	else if (page.at_us > incident->told_us)
		timer_arm(incident->owner->env.timers, &incident->gather,
			  incidents_mono_us(incident->owner));
	arena_free(arena);
}

/* ---- what delivery tells ---- */

/* A pager does not take the page: the fallback team gets it, and learns why. */
static void page_fallback(struct incident *incident, const char *note)
{
	struct incidents *incidents = incident->owner;
	struct arena *arena = arena_new(PAGE_ARENA_BYTES);
	struct page page;

	get_page(incident, arena, &page);
	fill_page(arena, incident, &page);
	page.event = PAGE_TRIGGER;
	page.note = note;
	const struct escalation_step *step =
		&rules_fallback(incidents->rules)->escalation->steps[0];
	size_t n = page_pagers(incident, (const struct pager *const *)step->pagers, step->npagers,
			       &page, LANE_FALLBACK);
	if (n && incident->state == INCIDENT_CLOSING) {
		page.event = PAGE_RESOLVE;
		const struct lane *lane;
		STAILQ_FOREACH (lane, &incident->lanes, link)
			if (lane->role == LANE_FALLBACK && !lane->rejected && !lane->delivered)
				queue_page(incident, lane, &page);
	}
	if (!n && incident->state == INCIDENT_OPEN && !anyone_has_it(incident))
		timer_arm(incidents->env.timers, &incident->repage,
			  incidents_mono_us(incidents) + REPAGE_US);
	log_warn("page goes to the fallback team", LOG_STR("incident", incident->id),
		 LOG_STR("why", note), LOG_INT("pagers", (int64_t)n));
	arena_free(arena);
}

static void lane_changed(struct incident *incident, struct lane *lane,
			 const struct stored_page *page)
{
	struct incidents *incidents = incident->owner;

	if (page->state == STORED_PAGE_DELIVERED) {
		if (!lane->delivered && incident->begun_us)
			metric_observe_us(METRIC_PAGE_TIME,
					  incidents_mono_us(incidents) - incident->begun_us);
		lane->delivered = true;
	} else if (page->state == STORED_PAGE_REJECTED && page->event == PAGE_TRIGGER) {
		CLEANUP_FREE char *note =
			xasprintf("pager %s refused this page: %s", lane->pager, page->error);
		lane->rejected = true;
		if (lane->role != LANE_NOTIFIED)
			page_fallback(incident, note);
	}
}

void incident_page_changed(void *ctx, const struct stored_page *page)
{
	struct incidents *incidents = ctx;
	struct incident *incident = map_get(incidents->by_id, page->incident);

	turn_page_changed(incidents, page);
	if (!incident)
		return;
	lane_changed(incident, incident_lane(incident, page->pager, page->target), page);
	if (page->state == STORED_PAGE_QUEUED)
		return;
	incident->pages_waiting--;
	if (incident->state == INCIDENT_CLOSING && !incident->pages_waiting)
		incident_free(incident);
}

void incident_page_silent(void *ctx, const struct stored_page *page)
{
	struct incidents *incidents = ctx;
	struct incident *incident = map_get(incidents->by_id, page->incident);

	if (!incident || page->event == PAGE_RESOLVE ||
	    incident_lane(incident, page->pager, page->target)->role == LANE_NOTIFIED)
		return;
	CLEANUP_FREE char *note =
		xasprintf("pager %s has not taken this page for 5 minutes: %s; it is still tried",
			  page->pager, page->error);
	page_fallback(incident, note);
}

/* ---- the whole ---- */

struct incidents *incidents_new(const struct incident_env *env, struct ruleset *rules)
{
	struct incidents *incidents = xcalloc(1, sizeof(*incidents));
	struct deliver_env deliver_env = {
		.transport = env->transport,
		.timers = env->timers,
		.clock = env->clock,
		.console_fd = env->console_fd,
	};
	struct deliver_ops ops = {
		.changed = incident_page_changed,
		.silent = incident_page_silent,
		.ctx = incidents,
	};

	incidents->env = *env;
	incidents->rules = rules_ref(rules);
	incidents->alerts = map_new();
	incidents->by_id = map_new();
	incidents->by_key = map_new();
	turn_init(incidents);
	records_init(incidents);
	incidents->started_us = incidents_mono_us(incidents);
	/* Beyond all earlier ones: pages and alerts are rarer than microseconds. */
	incidents->next_page_id = incidents->next_alert_id = incidents_wall_us(incidents);
	incidents->deliver = deliver_new(&deliver_env, &ops);
	return incidents;
}

void incidents_free(struct incidents *incidents)
{
	void *item;
	size_t pos;

	if (!incidents)
		return;
	for (pos = 0; (item = map_next(incidents->alerts, &pos, NULL)); pos = 0)
		alert_forget(item);
	for (pos = 0; (item = map_next(incidents->by_id, &pos, NULL)); pos = 0)
		incident_free(item);
	deliver_free(incidents->deliver);
	records_fini(incidents);
	turn_fini(incidents);
	map_free(incidents->alerts);
	map_free(incidents->by_id);
	map_free(incidents->by_key);
	rules_unref(incidents->rules);
	free(incidents);
}

void incidents_set_rules(struct incidents *incidents, struct ruleset *rules)
{
	rules_unref(incidents->rules);
	incidents->rules = rules_ref(rules);
}

size_t incidents_busy(const struct incidents *incidents)
{
	return incidents->alerts_in_state[ALERT_WAITING] +
	       incidents->alerts_in_state[ALERT_ENRICHING] + deliver_waiting(incidents->deliver) +
	       store_waiting(incidents->env.store) + (incidents->turn != NULL) +
	       records_busy(incidents);
}

void incidents_measure(const struct incidents *incidents)
{
	metric_set(METRIC_ALERTS_WAITING, (int64_t)(incidents->alerts_in_state[ALERT_WAITING] +
						    incidents->alerts_in_state[ALERT_ENRICHING]));
	metric_set(METRIC_PAGES_WAITING, (int64_t)deliver_waiting(incidents->deliver));
	metric_set(METRIC_STORE_WAITING, (int64_t)store_waiting(incidents->env.store));
	metric_set(METRIC_INCIDENTS_OPEN, (int64_t)map_count(incidents->by_key));
}
