/*
 * Escalation: which pagers an incident pages after which, until somebody has it: the steps of its
 * team's escalation by the rules in force, run after run, and after the last the fallback team
 * once. A step and that it began are in one group of writes; its requests begin when that is on
 * disk, so that a restart neither loses a step nor doubles it. Owns nothing. Loop thread only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "incident-internal.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

/* Those who have the page learn who is paged now; who is rung with this step is not told twice. */
static void step_tell_others(struct incident *incident, const struct escalation_step *step,
			     const char *note)
{
	struct recipient *recipient;

	STAILQ_FOREACH (recipient, &incident->recipients, link) {
		bool rung = false;
		for (size_t i = 0; i < step->npagers; i++)
			rung |= strcmp(step->pagers[i]->name, recipient->pager) == 0;
		if (!rung && recipient->state == RECIPIENT_REACHED &&
		    recipient_is_newest(recipient))
			incident_queue(incident, recipient, PAGE_NOTICE, note);
	}
}

/* The incident's team gives too little for a pager by team: rules that are no longer in force
 * brought the incident to this step. It is told, and the page goes to those who can get it. */
static void step_tell_lost(struct incident *incident, const struct pager *lost,
			   const struct escalation_step *step, struct arena *arena)
{
	if (!lost)
		return;
	log_error("a team gives too little for a pager by team; this step pages without it",
		  LOG_INCIDENT(incident), LOG_STR("pager", lost->name),
		  LOG_INT("others", (int64_t)step->npagers));
	incident_story(incident, INCIDENT_EVENT_ESCALATED, "",
		       arena_printf(arena,
				    "the rules give team %s too little for pager %s; paged "
				    "instead: %s",
				    incident->team, lost->name, step_pagers_text(step, arena)));
}

/* The first step of the fallback team. The load has proved that it can be paged. */
static struct escalation_step fallback_step(const struct incident *incident, struct arena *arena)
{
	const struct ruleset *rules = incident->book->rules;
	const struct team *fallback = rules_fallback(rules);
	const struct pager *lost;

	return step_of_team(arena, rules, &fallback->escalation->steps[0], fallback, &lost);
}

static void step_begin(struct incident *incident, const struct escalation *escalation,
		       const char *why)
{
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	const struct pager *lost;
	const struct escalation_step bound =
		incident_step(incident, &escalation->steps[incident->step], arena, &lost);
	const struct escalation_step *step = &bound;
	const char *pagers = step_pagers_text(step, arena);
	const char *where = escalation->repeat
				    ? arena_printf(arena, "run %d of %u, step %d of %zu",
						   incident->run + 1, escalation->repeat + 1,
						   incident->step + 1, escalation->nsteps)
				    : arena_printf(arena, "step %d of %zu", incident->step + 1,
						   escalation->nsteps);

	incident_arm(incident, escalation_wait_us(incident));
	/* The first step of the first run is no escalation: its pages are told by themselves. */
	if (incident->run || incident->step) {
		incident_story(incident, INCIDENT_EVENT_ESCALATED, "",
			       arena_printf(arena, "run %d step %d: %s", incident->run + 1,
					    incident->step + 1, pagers));
		incident_count(incident, METRIC_INCIDENTS_ESCALATED);
	}
	incident_trace_step(incident);
	step_tell_lost(incident, lost, step, arena);
	recipients_ring(incident, step, RECIPIENT_OWNER,
			arena_printf(arena, "%s; this is %s", why, where));
	step_tell_others(incident, step, arena_printf(arena, "%s; %s is paged now", why, pagers));
	incident_touch(incident);
	log_info("incident pages a step", LOG_INCIDENT(incident), LOG_STR("step", where),
		 LOG_STR("pagers", pagers), LOG_STR("reason", why));
	arena_free(arena);
}

void incident_page_fallback(struct incident *incident, const char *note)
{
	if (incident->synthetic == SYNTHETIC_SELF)
		return;
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	const struct escalation_step step = fallback_step(incident, arena);
	struct recipient *recipient;
	size_t n = recipients_ask(incident, &step, RECIPIENT_FALLBACK, note);

	arena_free(arena);
	log_warn("page goes to the fallback team", LOG_INCIDENT(incident),
		 LOG_STR("to", rules_fallback(incident->book->rules)->name),
		 LOG_STR("reason", note), LOG_INT("asked", (int64_t)n));
	if (!incident_is_over(incident)) {
		if (!recipients_reached(incident))
			log_error("this page has reached nobody; it is sent again in 5 minutes and "
				  "at each repeat of its alerts",
				  LOG_INCIDENT(incident));
		return;
	}
	STAILQ_FOREACH (recipient, &incident->recipients, link)
		if (recipient->state == RECIPIENT_ASKED)
			recipient_end(incident, recipient,
				      "every alert of this incident has ended");
}

/* All runs are over: the fallback team is paged once, where it is another team. */
static void escalation_exhausted(struct incident *incident)
{
	const struct team *fallback = rules_fallback(incident->book->rules);
	bool other = strcmp(fallback->name, incident->team) != 0;

	incident->step = STEP_EXHAUSTED;
	incident_arm(incident, 0);
	incident_touch(incident);
	log_error("nobody has acknowledged an incident in all runs of its escalation",
		  LOG_INCIDENT(incident));
	incident_story(incident, INCIDENT_EVENT_ESCALATED, "",
		       other ? "all runs are over; the fallback team is paged"
			     : "all runs are over; nobody further is paged");
	if (!other)
		return;
	incident_trace_step(incident);
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	const struct escalation_step step = fallback_step(incident, arena);
	recipients_ring(incident, &step, RECIPIENT_FALLBACK,
			"nobody has acknowledged in all runs of the escalation; the fallback "
			"team is paged");
	arena_free(arena);
}

/* "8 s", "10 min" */
static const char *wait_words(int64_t wait_us, char out[PLAIN_DURATION_SIZE])
{
	if (wait_us >= US_PER_MINUTE)
		return plain_duration(wait_us, out);
	snprintf(out, PLAIN_DURATION_SIZE, "%lld s", (long long)(wait_us / US_PER_SECOND));
	return out;
}

static void incident_escalate(struct incident *incident)
{
	const struct escalation *escalation = incident_escalation(incident);
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	char waited[PLAIN_DURATION_SIZE];
	int run, step;

	if (incident->step < 0 || !escalation) {
		incident_arm(incident, 0);
		incident_touch(incident);
	} else if (escalation_following(incident, escalation, &run, &step)) {
		incident->run = run;
		incident->step = step;
		step_begin(incident, escalation,
			   arena_printf(arena, "nobody has acknowledged for %s",
					wait_words(incident->wait_us, waited)));
	} else {
		escalation_exhausted(incident);
	}
	arena_free(arena);
}

void incident_begin_run(struct incident *incident, const char *note)
{
	const struct escalation *escalation = incident_escalation(incident);

	timer_disarm(incident->book->env.timers, &incident->update);
	incident->owes_update = false;
	if (incident->step != STEP_NONE)
		incident->run = incident->step = 0;
	if (incident->state != INCIDENT_OPEN)
		incident_enter(incident, INCIDENT_OPEN);
	incident->told_us = incident_wall_us(incident);
	if (escalation) {
		step_begin(incident, escalation, note);
		return;
	}
	incident_story(incident, INCIDENT_EVENT_ESCALATED, "", "the pagers of the route again");
	recipients_ring_again(incident, note);
	incident_touch(incident);
}

/* An incident that holds goes back to the state before; in other states it stays. */
void incident_go_on(struct incident *incident)
{
	if (incident->state != INCIDENT_HOLDING)
		return;
	incident_enter(incident, incident->before);
	incident_check_silence(incident, NULL);
	if (incident->step == STEP_OWED)
		incident_begin_run(incident, "its alerts fire again, and it was handed on to you");
}

/* ---- deadlines ---- */

void incident_send_again(struct incident *incident)
{
	if (incident->silenced || !recipients_any_refused(incident))
		return;
	log_error("nobody has taken this page; it is sent again to every pager that refused it",
		  LOG_INCIDENT(incident), LOG_STR("summary", incident_page(incident)->summary));
	recipients_retry(incident, "sent again: every pager had refused it");
}

void incident_retry_due(void *arg)
{
	struct incident *incident = arg;

	if (!recipients_reached(incident))
		incident_send_again(incident);
	incident_arm_retry(incident);
}

static void incident_ack_over(struct incident *incident)
{
	char ago[PLAIN_DURATION_SIZE];
	CLEANUP_FREE char *note = xasprintf("%s acknowledged %s ago, and it is still open",
					    incident->acked_by, wait_words(incident->wait_us, ago));

	incident_begin_run(incident, note);
}

void incident_due(void *arg)
{
	struct incident *incident = arg;

	switch (incident->state) {
	case INCIDENT_OPEN:
		incident_escalate(incident);
		break;
	case INCIDENT_ACKNOWLEDGED:
		incident_ack_over(incident);
		break;
	case INCIDENT_HOLDING:
		incident_resolve(incident, "", "every alert of this incident has ended");
		break;
	case INCIDENT_RESOLVED:
	case INCIDENT_MOVED:
		log_error("an incident's recipients could not be told for a day; it is given up",
			  LOG_INCIDENT(incident));
		incident_story(incident, INCIDENT_EVENT_GIVEN_UP, "",
			       "its recipients could not be told for a day");
		incident_enter(incident, INCIDENT_CLOSED);
		recipients_drop(incident, "its incident was given up");
		break;
	case INCIDENT_CLOSED:
	case INCIDENT_STATE_COUNT:
		abort(); /* these have no deadline */
	}
}
