/*
 * Incidents: the states of tbl/life.def, and what each event does in each of them. See
 * incident-internal.h.
 *
 * At one instant: a resolve, then what alerts say, then deadlines. Recipients are updated at most
 * once a minute; the last update always leaves. What a person must know at once (a higher severity,
 * a move) is a notice, which no later page overtakes.
 */
#include "incident-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

/* ---- states ---- */

/* How long the state may last before its deadline; 0: until something else ends it. */
int64_t incident_wait_us(const struct incident *incident, enum incident_state state)
{
	switch (state) {
	case INCIDENT_OPEN:
		return escalation_wait_us(incident);
	case INCIDENT_ACKNOWLEDGED:
		return incident->book->env.options.ack_timeout_us;
	case INCIDENT_HOLDING:
		return incident->hold_us;
	case INCIDENT_RESOLVED:
	case INCIDENT_MOVED:
		return LIMIT_TELLING_US;
	case INCIDENT_CLOSED:
	case INCIDENT_STATE_COUNT:
		break;
	}
	return 0;
}

void incident_arm(struct incident *incident, int64_t wait_us)
{
	struct timers *timers = incident->book->env.timers;

	incident->wait_us = wait_us;
	if (incident->silenced && !incident_is_over(incident) &&
	    incident->state != INCIDENT_HOLDING) {
		incident->left_us = wait_us;
		incident->due_us = 0;
		return;
	}
	incident->due_us = wait_us ? incident_wall_us(incident) + wait_us : 0;
	timer_disarm(timers, &incident->deadline);
	if (wait_us)
		timer_arm(timers, &incident->deadline, incident_mono_us(incident) + wait_us);
}

void incident_arm_retry(struct incident *incident)
{
	timer_arm(incident->book->env.timers, &incident->retry,
		  incident_mono_us(incident) + LIMIT_UNREACHED_RETRY_US);
}

/* The wait stands still while the incident holds, or is silenced. */
void incident_stop_clock(struct incident *incident)
{
	const struct timer *timer = &incident->deadline;

	incident->left_us = timer->slot ? timer->deadline_us - incident_mono_us(incident) : 0;
	if (timer->slot && incident->left_us <= 0)
		incident->left_us = 1;
}

/* And goes on with what was left; of a whole length that stays the step's. */
void incident_start_clock(struct incident *incident)
{
	int64_t left_us = incident->left_us;

	incident->left_us = 0;
	incident_arm(incident, left_us);
	if (incident->wait_us)
		incident->wait_us = incident_wait_us(incident, incident->state);
}

void incident_forget_key(struct incident *incident)
{
	if (map_get(incident->book->by_key, incident->key) == incident)
		map_remove(incident->book->by_key, incident->key);
}

void incident_set_key(struct incident *incident, const char *key)
{
	incident_forget_key(incident);
	free(incident->key);
	incident->key = xstrdup(key);
	map_put(incident->book->by_key, incident->key, incident);
}

/* What this program made for itself stands in no figure of real incidents. */
static struct life_counts *incident_counts(struct incident *incident)
{
	struct incident_book *book = incident->book;

	return incident->synthetic ? &book->synthetic_counts : &book->counts;
}

void incident_enter(struct incident *incident, enum incident_state state)
{
	struct incident_book *book = incident->book;

	life_move(LIFE_INCIDENT, incident_counts(incident), incident->state, state, incident->id);
	if (incident->state == INCIDENT_MOVED)
		TAILQ_REMOVE(&book->moved, incident, in_moved);
	if (state == INCIDENT_HOLDING) {
		incident->before = incident->state;
		if (!incident->silenced) /* else it stands already */
			incident_stop_clock(incident);
	}
	if (state == INCIDENT_HOLDING || incident_state_is_over(state))
		incident_forget_silence(incident);
	if (incident->state == INCIDENT_HOLDING && !incident_state_is_over(state)) {
		incident->state = state;
		incident_start_clock(incident);
	} else {
		incident->state = state;
		incident_arm(incident, incident_wait_us(incident, state));
	}
	if (state == INCIDENT_OPEN) {
		incident_set_text(&incident->acked_by, "");
		incident_arm_retry(incident);
	} else {
		timer_disarm(book->env.timers, &incident->retry);
	}
	recipients_count(incident);
	if (incident_is_over(incident)) {
		incident_forget_key(incident);
		timer_disarm(book->env.timers, &incident->update);
	}
	if (state == INCIDENT_MOVED)
		TAILQ_INSERT_TAIL(&book->moved, incident, in_moved);
	if (state == INCIDENT_CLOSED)
		TAILQ_INSERT_TAIL(&book->closed, incident, in_closed);
	if (incident_is_over(incident))
		incident_put(incident);
	else
		incident_touch(incident);
}

/* ---- members ---- */

struct member *member_find(const struct incident *incident, const char *key)
{
	struct member *member;

	if (incident->member_map)
		return map_get(incident->member_map, key);
	TAILQ_FOREACH (member, &incident->members, link)
		if (strcmp(member->key, key) == 0)
			return member;
	return NULL;
}

/* From here on members are looked up in a map: a storm has thousands in one incident. */
static void members_make_map(struct incident *incident)
{
	struct member *member;

	incident->member_map = map_new_borrowing();
	TAILQ_FOREACH (member, &incident->members, link)
		map_put(incident->member_map, member->key, member);
}

struct member *member_add(struct incident *incident, const char *key)
{
	const size_t size = strlen(key) + 1;
	struct member *member = xcalloc(1, sizeof(*member) + size);

	memcpy(member->key, key, size);
	TAILQ_INSERT_TAIL(&incident->members, member, link);
	incident->nmembers++;
	if (incident->member_map)
		map_put(incident->member_map, member->key, member);
	else if (incident->nmembers > LIMIT_MEMBERS_LISTED)
		members_make_map(incident);
	return member;
}

void member_set_fires(struct incident *incident, struct member *member, bool fires)
{
	if (member->fires == fires)
		return;
	member->fires = fires;
	incident->nfiring += fires ? 1 : (size_t)-1;
	if (member->covered) {
		member->covered = false;
		incident->ncovered--;
	}
}

void member_set_fresh(struct incident *incident, struct member *member, bool fresh)
{
	if (member->fresh == fresh)
		return;
	member->fresh = fresh;
	incident->nfresh += fresh ? 1 : (size_t)-1;
}

void member_remove(struct incident *incident, struct member *member)
{
	member_set_fires(incident, member, false);
	member_set_fresh(incident, member, false);
	incidents_book_unlink_check(incident->book, NULL, member);
	TAILQ_REMOVE(&incident->members, member, link);
	incident->nmembers--;
	if (incident->member_map)
		map_remove(incident->member_map, member->key);
	free(member);
}

/* The incident is over, or the alert belongs elsewhere. */
static void members_release(struct incident *incident)
{
	struct incident_book *book = incident->book;
	struct member *member;

	TAILQ_FOREACH (member, &incident->members, link)
		book->ops.belong(book->ops.ctx, member->key, "");
}

/* ---- memory ---- */

static void incident_update_due(void *arg);

struct incident *incident_new(struct incident_book *book, const char *id, const char *key,
			      const char *team, enum incident_state state)
{
	struct incident *incident = xcalloc(1, sizeof(*incident));

	incident->book = book;
	snprintf(incident->id, sizeof(incident->id), "%s", id);
	incident->key = xstrdup(key);
	incident->synthetic = synthetic_of_key(key);
	incident->team = incidents_book_text(book, team);
	incident->state = state;
	incident->hold_us = LIMIT_RESOLVE_HOLD_US;
	incident->regroup_us = LIMIT_REGROUP_AFTER_US;
	TAILQ_INIT(&incident->members);
	STAILQ_INIT(&incident->recipients);
	incident->escalation = "";
	incident_set_text(&incident->acked_by, "");
	incident_set_text(&incident->refused, "");
	incident_set_text(&incident->moved_to, "");
	incident->deadline = (struct timer){ .fire = book->on_due, .arg = incident };
	incident->retry = (struct timer){ .fire = book->on_retry_due, .arg = incident };
	incident->update = (struct timer){ .fire = incident_update_due, .arg = incident };
	life_begin(incident_counts(incident), state);
	map_put(book->by_id, incident->id, incident);
	TAILQ_INSERT_TAIL(&book->all, incident, in_all);
	if (incident_is_joinable(incident))
		map_put(book->by_key, incident->key, incident);
	return incident;
}

void incident_free(struct incident *incident)
{
	char **const texts[] = { &incident->acked_by,	    &incident->refused,
				 &incident->rerouted_by,    &incident->silenced,
				 &incident->silenced_words, &incident->silence_told,
				 &incident->suspect,	    &incident->moved_to };
	struct incident_book *book = incident->book;
	struct member *member;

	timer_disarm(book->env.timers, &incident->deadline);
	timer_disarm(book->env.timers, &incident->update);
	timer_disarm(book->env.timers, &incident->retry);
	incident_forget_key(incident);
	map_remove(book->by_id, incident->id);
	if (incident->changed)
		TAILQ_REMOVE(&book->changed, incident, in_changed);
	if (incident->missed)
		TAILQ_REMOVE(&book->missed, incident, in_missed);
	if (incident->state == INCIDENT_MOVED)
		TAILQ_REMOVE(&book->moved, incident, in_moved);
	if (incident->state == INCIDENT_CLOSED)
		TAILQ_REMOVE(&book->closed, incident, in_closed);
	while ((member = TAILQ_FIRST(&incident->members)))
		member_remove(incident, member);
	incidents_book_unlink_check(book, incident, NULL);
	TAILQ_REMOVE(&book->all, incident, in_all);
	recipients_free(incident);
	map_free(incident->member_map);
	life_end(incident_counts(incident), incident->state);
	book->untaken -= incident->untaken;
	free(incident->key);
	incident_trace_free(incident);
	incident_forget_page(incident);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		incident_set_text(texts[i], NULL);
	free(incident);
}

void incidents_book_end_turn(struct incident_book *book)
{
	struct incident *incident;

	incidents_book_write(book);
	while ((incident = TAILQ_FIRST(&book->closed))) {
		incident_sight(incident, INCIDENT_SIGHT_CLOSED, NULL);
		incident_free(incident);
	}
	incidents_pack_pages(book);
	book->turn++;
}

/* ---- telling ---- */

/* An update is owed: now and for a second's joins, but at most one a minute. */
void incident_owe_update(struct incident *incident)
{
	int64_t since_us = incident_wall_us(incident) - incident->told_us;
	int64_t wait_us = LIMIT_JOIN_GATHER_US;

	if (since_us < LIMIT_UPDATE_PAUSE_US && since_us >= 0 &&
	    LIMIT_UPDATE_PAUSE_US - since_us > wait_us)
		wait_us = LIMIT_UPDATE_PAUSE_US - since_us;
	incident->owes_update = true;
	if (!incident->update.slot && !incident->silenced)
		timer_arm(incident->book->env.timers, &incident->update,
			  incident_mono_us(incident) + wait_us);
}

/* The first page of an incident whose alerts came in one body: it lists them all. */
static void incident_send_owed_trigger(struct incident *incident)
{
	struct member *member;

	incident->trigger_owed = false;
	TAILQ_FOREACH (member, &incident->members, link)
		member_set_fresh(incident, member, false);
	/* Its row, which was written when it opened, differs by LIMIT_BODY_GATHER_US in told_us at
	 * most: it is not written again for that. */
	incident_trace_gathered(incident);
	incident_queue_all(incident, PAGE_TRIGGER, NULL);
	incident_drop_text(incident);
}

void incident_end_gather(struct incident *incident)
{
	if (!incident->trigger_owed)
		return;
	timer_disarm(incident->book->env.timers, &incident->update);
	incident_send_owed_trigger(incident);
}

static void incident_update_due(void *arg)
{
	struct incident *incident = arg;
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	const bool owed = incident->owes_update || !incident->trigger_owed;

	incident->owes_update = false;
	if (incident->trigger_owed)
		incident_send_owed_trigger(incident);
	else
		incident_queue_all(incident, PAGE_UPDATE, incident_fresh_text(incident, arena));
	if (owed)
		incident_touch(incident);
	arena_free(arena);
}

/* Sends the recipients what they must know at once, with the update that they were owed. */
void incident_notice(struct incident *incident, const char *note)
{
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	const char *fresh = incident_fresh_text(incident, arena);

	timer_disarm(incident->book->env.timers, &incident->update);
	incident->owes_update = false;
	if (incident->trigger_owed)
		incident_send_owed_trigger(incident);
	incident_queue_all(incident, PAGE_NOTICE,
			   fresh ? arena_printf(arena, "%s; %s", note, fresh) : note);
	arena_free(arena);
}

void incident_check_told(struct incident *incident)
{
	if ((incident->state == INCIDENT_RESOLVED ||
	     (incident->state == INCIDENT_MOVED && incident->told_move)) &&
	    recipients_told(incident))
		incident_enter(incident, INCIDENT_CLOSED);
}

/* The end goes to all that have the page, or may still get it. */
void incident_tell_end(struct incident *incident, const char *note)
{
	struct recipient *recipient;

	if (incident->trigger_owed)
		incident_send_owed_trigger(incident);
	STAILQ_FOREACH (recipient, &incident->recipients, link)
		recipient_end(incident, recipient, note);
	incident_check_told(incident);
}

void incident_resolve(struct incident *incident, const char *who, const char *note)
{
	incident->closed_us = incident_wall_us(incident);
	incident_enter(incident, INCIDENT_RESOLVED);
	incident_story(incident, INCIDENT_EVENT_RESOLVED, who, note);
	if (!incident->synthetic)
		metric_add(METRIC_INCIDENTS_RESOLVED, 1);
	if (incident->synthetic != SYNTHETIC_SELF)
		log_info("incident resolved", LOG_INCIDENT(incident), LOG_OPT("who", who),
			 LOG_STR("reason", note));
	members_release(incident);
	incident_tell_end(incident, note);
}

/* ---- moves to another incident ---- */

/* The new trigger was taken (or can no more be): this incident's recipients learn where it went. */
void incident_tell_move(struct incident *incident)
{
	const struct incident *target = incident_get(incident->book, incident->moved_to);
	CLEANUP_FREE char *note = xasprintf("moved to incident %s%s%s", incident->moved_to,
					    target ? ", team " : "", target ? target->team : "");

	incident->told_move = true;
	recipients_tell_why(incident, note);
	incident_tell_end(incident, note);
}

void incident_move(struct incident *incident, const char *target_id, const char *note)
{
	incident_set_text(&incident->moved_to, target_id);
	incident->closed_us = incident_wall_us(incident);
	incident_enter(incident, INCIDENT_MOVED);
	incident_story(incident, INCIDENT_EVENT_MOVED, target_id, note);
	log_info("incident moved", LOG_INCIDENT(incident), LOG_STR("to", target_id),
		 LOG_STR("reason", note));
	const struct incident *target = incident_get(incident->book, target_id);
	if (!target || incident_is_over(target) || recipients_any_taken(target))
		incident_tell_move(incident);
}

/* Somebody took the page of target: the incidents that moved into it tell their recipients. */
void incidents_tell_moves(struct incident_book *book, const struct incident *target)
{
	struct incident *incident, *next;

	for (incident = TAILQ_FIRST(&book->moved); incident; incident = next) {
		next = TAILQ_NEXT(incident, in_moved);
		if (!incident->told_move && strcmp(incident->moved_to, target->id) == 0)
			incident_tell_move(incident);
	}
}
