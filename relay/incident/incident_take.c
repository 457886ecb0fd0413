/*
 * What alerts say, and what it means for incidents: decisions open and join them, late verdicts
 * move and improve them, ends hold and resolve them. Each function is a row of the table of events
 * in tracepager-incidents(7). Owns nothing.
 */
#include "incident-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/tap.h"
#include "tracepager/sign.h"
#include "tracepager/xalloc.h"

/* Stands for a decision that does not fit: a hostile trace may have names of kilobytes. */
static const char decision_too_large[] =
	"{\"version\": 1, \"error\": \"the decision was too large to be kept\"}";

/* ---- decisions ---- */

/* The page carries the decision, and the decision the page's key: the key comes first. The decision
 * is packed once: the incident, its row and the record share the bytes. */
static void decision_enter_page(const struct alert_message *message, const char *incident_id)
{
	struct arena *arena = enrichment_arena(message->enrichment);
	struct decision *decision = enrichment_decision(message->enrichment);
	struct buf doc = BUF_INIT(LIMIT_DECISION_BYTES);

	decision->page.incident = decision->page.dedup_key = arena_strdup(arena, incident_id);
	buf_want(&doc, LIMIT_DECISION_USUAL);
	decision_write(decision, &doc);
	if (doc.failed) {
		buf_reset(&doc);
		buf_puts(&doc, decision_too_large);
	}
	struct shared_text *text = shared_text_take(&doc);
	decision->page.decision = text->text;
	enrichment_set_text(message->enrichment, text,
			    incident_pack_decision(text->text, text->len));
}

static void incident_set_decided_page(struct incident *incident,
				      const struct alert_message *message)
{
	const struct enrichment *enrichment = message->enrichment;

	incident_set_page(incident, &enrichment_decision(message->enrichment)->page,
			  enrichment_text(enrichment), enrichment_packed(enrichment));
}

static const char *member_name(const struct alert_message *message)
{
	const char *name = labels_get(&message->alert->labels, "alertname");

	return name ? name : message->alert->fingerprint;
}

static struct member *incident_attach(struct incident *incident,
				      const struct alert_message *message, bool fresh)
{
	struct member *member = member_find(incident, message->key);

	if (!member)
		member = member_add(incident, message->key);
	member_set_fires(incident, member, true);
	member_set_fresh(incident, member, fresh);
	incident->book->ops.belong(incident->book->ops.ctx, message->key, incident->id);
	return member;
}

/* Whom a check of the relay by itself pages: deliver builds the page, and sends no request. */
static const struct pager incident_sink = {
	.name = DELIVER_SINK,
	.kind = PAGER_WEBHOOK,
	.url = "http://sink.invalid/",
};

static void incident_page_sink(struct incident *incident)
{
	const struct pager *const sink = &incident_sink;

	recipients_page(incident, &sink, 1, RECIPIENT_OWNER, NULL);
	recipients_queue_after(incident, NULL, NULL);
}

/* The pagers of the decision, and whoever is notified beside them: those that do not have the page
 * yet. */
static void incident_page_decision(struct incident *incident, const struct decision *decision,
				   const char *note, bool queue)
{
	size_t n;
	const struct pager *const *pagers = decision_pagers(decision, &n);
	struct recipient *last = recipients_last(incident);

	if (incident->synthetic == SYNTHETIC_SELF) {
		incident_page_sink(incident);
		return;
	}
	recipients_page(incident, pagers, n, RECIPIENT_OWNER, note);
	recipients_page(incident, decision->routing.also_notify, decision->routing.nalso_notify,
			RECIPIENT_NOTIFIED, note);
	/* After all are added: each page names the others. */
	if (queue)
		recipients_queue_after(incident, last, note);
}

/* The last ten digits count milliseconds: the store orders incidents by them, so that what opens
 * together lies together on disk. People type the first digits, which are random. */
static void incident_draw_id(char id[INCIDENT_ID_SIZE], int64_t wall_us)
{
	const size_t nrandom = INCIDENT_ID_SIZE - 1 - 10;

	random_id(id, nrandom / 2);
	snprintf(id + nrandom, 11, "%010llx", (unsigned long long)(wall_us / 1000) & 0xffffffffff);
}

/* Of the relay's own trace; NULL: the decision is in none. */
static const char *decision_trace_id(const struct decision *decision, char out[TRACE_ID_SIZE])
{
	struct span_context context;

	return span_context_read(decision->page.trace, &context)
		       ? span_context_trace_id(&context, out)
		       : NULL;
}

static struct incident *incident_open(struct incident_book *book,
				      const struct alert_message *message,
				      struct decision *decision)
{
	char id[INCIDENT_ID_SIZE], trace[TRACE_ID_SIZE];

	incident_draw_id(id, clock_wall_us(book->env.clock));
	struct incident *incident =
		incident_new(book, id, decision->incident_key, decision->team->name, INCIDENT_OPEN);
	incident->opened_us = incident_wall_us(incident);
	incident->told_us = incident->opened_us;
	incident->begun_us = message->begun_us;
	incident->severity = decision->page.severity;
	incident->hold_us = decision->resolve_hold_us;
	incident->regroup_us = decision->regroup_after_us;
	incident_set_escalation(incident, decision);
	if (incident->synthetic == SYNTHETIC_SELF)
		incident->step = STEP_NONE;
	incident_arm(incident, escalation_wait_us(incident));
	incident_arm_retry(incident);
	incident->trigger_owed = message->more;
	struct member *member = incident_attach(incident, message, false);
	decision_enter_page(message, incident->id);
	incident_trace_decided(incident, decision->page.trace, true);
	incident_set_decided_page(incident, message);
	incident_put(incident);
	incident_story(incident, INCIDENT_EVENT_OPENED, message->key, decision->page.summary);
	incident_check_silence(incident, member);
	incident_page_decision(incident, decision, NULL, !message->more);
	if (!incident->trigger_owed)
		incident_drop_text(incident);
	if (message->more && !incident->silenced)
		timer_arm(book->env.timers, &incident->update,
			  incident_mono_us(incident) + LIMIT_BODY_GATHER_US);
	if (!incident->synthetic) {
		metric_add(METRIC_INCIDENTS_OPENED, 1);
		metric_add_labelled(METRIC_OPENED_SPAN, decision->page.kind, 1);
	}
	const char *trace_id = decision_trace_id(decision, trace);
	if (incident->synthetic != SYNTHETIC_SELF)
		log_info("incident opened", LOG_STR("incident", id),
			 LOG_STR("team", incident->team), LOG_ALERT(message->key, message->alert),
			 LOG_STR("severity", severity_name(incident->severity)),
			 LOG_STR("summary", decision->page.summary), LOG_OPT("trace_id", trace_id));
	return incident;
}

/* The worst of its alerts is what an incident is; it rises, and never falls. A trigger that is
 * still owed says it by itself. */
static void incident_raise(struct incident *incident, enum severity severity, const char *by)
{
	if (severity <= incident->severity)
		return;
	CLEANUP_FREE char *note =
		xasprintf("severity is %s now, by %s", severity_name(severity), by);
	incident->severity = severity;
	incident_story(incident, INCIDENT_EVENT_SEVERITY, by, severity_name(severity));
	if (incident->state == INCIDENT_ACKNOWLEDGED)
		incident_begin_run(incident, note);
	else if (!incident->trigger_owed)
		incident_notice(incident, note);
}

/* Joining a group that was acknowledged, or last paged over regroup_after ago, rings again, so that
 * the next broken node is not swallowed; an acknowledged one at most once a minute. */
static bool incident_rings_again(const struct incident *incident, const struct decision *decision)
{
	bool acked = incident->state == INCIDENT_ACKNOWLEDGED;
	int64_t since_us = incident_wall_us(incident) - incident->told_us;

	return !decision->verdict.found &&
	       since_us >= (acked ? LIMIT_UPDATE_PAUSE_US : incident->regroup_us);
}

static void incident_join(struct incident *incident, const struct alert_message *message,
			  struct decision *decision)
{
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	const char *note = arena_printf(arena, "joined by %s", member_name(message));
	char trace[TRACE_ID_SIZE];
	const char *trace_id = decision_trace_id(decision, trace);

	incident_go_on(incident);
	incident->joined_us = incident_mono_us(incident);
	decision_enter_page(message, incident->id);
	incident_trace_decided(incident, decision->page.trace, false);
	struct member *member = incident_attach(incident, message, true);
	incident_story(incident, INCIDENT_EVENT_JOINED, message->key, decision->page.summary);
	incident_check_silence(incident, member);
	if (incident->state != INCIDENT_ACKNOWLEDGED)
		incident_page_decision(incident, decision, note, !incident->trigger_owed);
	incident_raise(incident, decision->page.severity, member_name(message));
	if (incident->nfresh && incident_rings_again(incident, decision)) {
		incident_begin_run(incident, incident_fresh_text(incident, arena));
	} else if (incident->nfresh && !incident->trigger_owed) {
		incident_owe_update(incident);
	}
	incident_touch(incident);
	metric_add(METRIC_INCIDENTS_JOINED, 1);
	log_info("incident joined", LOG_STR("incident", incident->id),
		 LOG_STR("team", incident->team), LOG_ALERT(message->key, message->alert),
		 LOG_OPT("trace_id", trace_id));
	arena_free(arena);
}

/* Where the n-th part of a key begins, parts being apart by '/'; NULL: it has fewer. */
static const char *key_part(const char *key, size_t n)
{
	for (; n && key; n--) {
		key = strchr(key, '/');
		key = key ? key + 1 : NULL;
	}
	return key;
}

/* An earlier version's key of a suspect was "suspect/NAMESPACE/SERVICE/TEAM"; today the attributes
 * of its resource follow the service. Where that is one attribute the two forms look alike, and the
 * older one is not tried. */
static struct incident *incident_of_older_key(struct incident_book *book,
					      const struct decision *decision)
{
	const char *attrs = key_part(decision->incident_key, 3);

	if (!decision->verdict.found || !attrs || !key_part(attrs, 1))
		return NULL;
	CLEANUP_FREE char *key = xasprintf("%.*s%s", (int)(attrs - decision->incident_key),
					   decision->incident_key, decision->team->name);
	struct incident *incident = map_get(book->by_key, key);

	if (!incident)
		return NULL;
	incident_set_key(incident, decision->incident_key);
	incident_put(incident);
	return incident;
}

/* The incident that the decision's alert joins; NULL: it opens one. */
static struct incident *incident_to_join(struct incident_book *book,
					 const struct decision *decision)
{
	struct incident *incident = map_get(book->by_key, decision->incident_key);

	return incident ? incident : incident_of_older_key(book, decision);
}

static void incident_take_decided(struct incident_book *book, const struct alert_message *message)
{
	struct decision *decision = enrichment_decision(message->enrichment);
	struct incident *incident = decision->no_page ? NULL : incident_to_join(book, decision);

	if (decision->no_page)
		return;
	if (incident)
		incident_join(incident, message, decision);
	else
		incident_open(book, message, decision);
}

/* ---- late verdicts ---- */

/* The steps of the new team's escalation begin; an acknowledgement was the other team's. */
static void incident_change_team(struct incident *incident, const struct decision *decision)
{
	incident->team = incidents_book_text(incident->book, decision->team->name);
	incident_set_escalation(incident, decision);
	if (incident->state == INCIDENT_ACKNOWLEDGED)
		incident_enter(incident, INCIDENT_OPEN);
	else
		incident_arm(incident, incident_wait_us(incident, incident->state));
}

/* Late traces found the suspect of an incident that was opened without: it gets the suspect's key,
 * owner, page and pagers; those that were paged before are told. */
static void incident_improve(struct incident *incident, const struct alert_message *message)
{
	struct decision *decision = enrichment_decision(message->enrichment);
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	const char *note = "the traces came late; this is what they show";
	const char *team = decision->team->name;
	/* A team that said "not ours" does not get it back. */
	bool other_team =
		strcmp(incident->team, team) != 0 && !incident_team_refused(incident, team);

	if (other_team)
		note = arena_printf(arena,
				    "the traces came late and lead to team %s, which is paged now",
				    team);
	decision_enter_page(message, incident->id);
	incident_trace_decided(incident, decision->page.trace, false);
	incident_set_key(incident, decision->incident_key);
	incident_set_decided_page(incident, message);
	incident->hold_us = decision->resolve_hold_us;
	if (decision->page.severity > incident->severity)
		incident->severity = decision->page.severity;
	incident_story(incident, INCIDENT_EVENT_IMPROVED, incident->team, decision->page.summary);
	if (other_team)
		incident_change_team(incident, decision);
	incident_check_silences(incident);
	incident_notice(incident, note);
	if (other_team || (incident->state == INCIDENT_OPEN && !*incident->refused))
		incident_page_decision(incident, decision, NULL, true);
	incident_drop_text(incident);
	incident_put(incident);
	log_info("incident improved by late traces", LOG_STR("incident", incident->id),
		 LOG_STR("team", incident->team), LOG_ALERT(message->key, message->alert),
		 LOG_STR("summary", decision->page.summary));
	arena_free(arena);
}

/* The alert leaves for another incident; the last one takes its incident with it. */
static void incident_leave(struct incident *incident, const struct alert_message *message,
			   const struct incident *target)
{
	CLEANUP_FREE char *note =
		xasprintf("the traces of %s came late and lead to incident %s at team %s",
			  member_name(message), target->id, target->team);
	struct member *member = member_find(incident, message->key);

	if (member)
		member_remove(incident, member);
	incident_story(incident, INCIDENT_EVENT_LEFT, message->key, note);
	if (!incident->nfiring) {
		incident_move(incident, target->id, note);
		return;
	}
	incident_notice(incident, note);
	incident_check_silence(incident, NULL);
	incident_touch(incident);
}

static bool incident_is_alone(const struct incident *incident, const char *key)
{
	const struct member *member = TAILQ_FIRST(&incident->members);

	return member && !TAILQ_NEXT(member, link) && strcmp(member->key, key) == 0;
}

/* A late verdict that says that nobody is paged for the alert. */
static void incident_drop_alert(struct incident *incident, const struct alert_message *message,
				const struct decision *decision)
{
	struct member *member = member_find(incident, message->key);
	const char *why =
		decision->silence
			? "the traces came late, and a silence covers what they show"
			: "the traces came late, and a route pages nobody for what they show";

	if (member)
		member_remove(incident, member);
	incident->book->ops.belong(incident->book->ops.ctx, message->key, "");
	incident_story(incident, INCIDENT_EVENT_LEFT, message->key, why);
	if (!incident->nfiring)
		incident_resolve(incident, "", why);
	else
		incident_check_silence(incident, NULL);
	incident_touch(incident);
}

static void incident_take_late(struct incident_book *book, const struct alert_message *message)
{
	struct decision *decision = enrichment_decision(message->enrichment);
	struct incident *old = incident_get(book, message->incident);

	if (!old || incident_is_over(old))
		return;
	if (decision->no_page) {
		incident_drop_alert(old, message, decision);
		return;
	}
	if (!decision->verdict.found)
		return;
	struct incident *target = incident_to_join(book, decision);
	if (target == old) {
		incident_improve(old, message);
	} else if (target) {
		incident_join(target, message, decision);
		incident_leave(old, message, target);
	} else if (incident_is_alone(old, message->key)) {
		incident_go_on(old);
		incident_improve(old, message);
	} else {
		/* The others of the old incident may have another cause. */
		incident_leave(old, message, incident_open(book, message, decision));
	}
}

/* ---- what else alerts say ---- */

static void incident_take_repeated(struct incident *incident)
{
	if (incident->state == INCIDENT_OPEN && !recipients_reached(incident))
		incident_send_again(incident);
}

static void incident_take_refired(struct incident *incident, const struct alert_message *message)
{
	struct member *member = member_find(incident, message->key);

	if (!member)
		member = member_add(incident, message->key);
	member_set_fires(incident, member, true);
	incident_story(incident, INCIDENT_EVENT_REFIRED, message->key, "");
	incident_check_silence(incident, member);
	incident_go_on(incident);
	incident_take_repeated(incident);
}

static void incident_take_ended(struct incident *incident, const struct alert_message *message)
{
	struct member *member = member_find(incident, message->key);
	bool expired = message->says == ALERT_SAYS_EXPIRED;

	if (!member || incident_is_over(incident))
		return;
	member_set_fires(incident, member, false);
	member_set_fresh(incident, member, false);
	incident_story(incident, INCIDENT_EVENT_ENDED, message->key,
		       message->note ? message->note : "");
	if (incident->nfiring) {
		incident_check_silence(incident, NULL);
		return;
	}
	if (expired) {
		CLEANUP_FREE char *note = xasprintf("%s, the last alert in it, has expired: %s",
						    member_name(message), message->note);
		incident_resolve(incident, "", note);
	} else if (!incident->hold_us || !recipients_any_taken(incident)) {
		incident_resolve(incident, "", "every alert of this incident has ended");
	} else if (incident->state != INCIDENT_HOLDING) {
		incident_story(incident, INCIDENT_EVENT_HELD, "", "");
		incident_enter(incident, INCIDENT_HOLDING);
	}
}

static void incident_take_decision(struct incident_book *book, const struct alert_message *message)
{
	if (tap_is_on(book->env.tap) && alert_synthetic(message->alert) != SYNTHETIC_SELF)
		book->untold = message;
	if (message->says == ALERT_SAYS_DECIDED)
		incident_take_decided(book, message);
	else
		incident_take_late(book, message);
	incident_tap_cause(book); /* nothing may have followed from it */
}

static void incident_take_forgotten(struct incident *incident, const struct alert_message *message)
{
	struct member *member = member_find(incident, message->key);

	if (member)
		member_remove(incident, member);
}

void incidents_book_take(struct incident_book *book, const struct alert_message *message)
{
	struct incident *incident =
		*message->incident ? incident_get(book, message->incident) : NULL;

	if (message->says == ALERT_SAYS_DECIDED || message->says == ALERT_SAYS_LATE)
		incident_take_decision(book, message);
	else if (!incident)
		return;
	else if (message->says == ALERT_SAYS_REPEATED)
		incident_take_repeated(incident);
	else if (message->says == ALERT_SAYS_REFIRED)
		incident_take_refired(incident, message);
	else if (message->says == ALERT_SAYS_FORGOTTEN)
		incident_take_forgotten(incident, message);
	else
		incident_take_ended(incident, message);
}
