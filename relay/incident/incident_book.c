/*
 * The book of incidents: what delivery says of their pages, the rules in force, and what the store
 * holds at a start.
 */
#include "incident-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/alike.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"
#include "tracepager/tap.h"

/* ---- what delivery says ---- */

static void recipient_took_trigger(struct incident *incident, struct recipient *recipient)
{
	const struct span_context decision = incident_trace_decision(incident);

	if (recipient->state != RECIPIENT_ASKED)
		return; /* its resolve is queued behind */
	if (incident->begun_us && !incident->synthetic && !recipients_any_taken(incident))
		stage_observe_us(METRIC_PAGE_TIME, incident_mono_us(incident) - incident->begun_us,
				 &decision);
	recipient_enter(incident, recipient, RECIPIENT_REACHED);
	recipient->silent = false;
	incident_story(incident, INCIDENT_EVENT_REACHED, recipient->pager, "");
	if (recipient->role != RECIPIENT_NOTIFIED)
		incidents_tell_moves(incident->book, incident);
}

static void recipient_refused_trigger(struct incident *incident, struct recipient *recipient,
				      const char *error)
{
	CLEANUP_FREE char *note =
		xasprintf("pager %s refused this page: %s", recipient->pager, error);

	/* Of a team that handed it on: nobody else is paged for that. */
	bool counts = recipient->state == RECIPIENT_ASKED || incident_is_over(incident);

	incident_story(incident, INCIDENT_EVENT_REFUSED, recipient->pager, error);
	if (incident_silence_keeps(incident, PAGE_TRIGGER))
		return; /* it is asked again when the silence ends */
	if (recipient->state == RECIPIENT_ASKED)
		recipient_enter(incident, recipient, RECIPIENT_REFUSED);
	if (recipient->role != RECIPIENT_NOTIFIED && counts && !incident_is_acked(incident))
		incident_page_fallback(incident, note);
}

/* Where an attempt had begun the pager may have the page: it gets a resolve in the end. */
static void recipient_trigger_dropped(struct incident *incident, struct recipient *recipient,
				      const struct stored_page *page)
{
	recipient->tried |= page->attempts > 0;
	if (recipient->state == RECIPIENT_ENDING && !recipient->tried)
		recipient_enter(incident, recipient, RECIPIENT_TOLD);
	if (recipient->state != RECIPIENT_ASKED || incident_silence_keeps(incident, PAGE_TRIGGER))
		return;
	recipient_enter(incident, recipient, RECIPIENT_SPARED);
}

/* Its resolve is settled; or it gets none, and nothing is on its way to it. */
static bool recipient_has_end(const struct recipient *recipient, const struct stored_page *page)
{
	return recipient->unresolved
		       ? !recipient->waiting
		       : page->event == PAGE_RESOLVE && page->state != STORED_PAGE_QUEUED;
}

static void recipient_page_changed(struct incident *incident, struct recipient *recipient,
				   const struct stored_page *page)
{
	if (page->state != STORED_PAGE_QUEUED && recipient->waiting)
		recipient->waiting--;
	if (page->event == PAGE_TRIGGER && page->state == STORED_PAGE_DELIVERED)
		recipient_took_trigger(incident, recipient);
	else if (page->event == PAGE_TRIGGER && page->state == STORED_PAGE_REJECTED)
		recipient_refused_trigger(incident, recipient, page->error);
	else if (page->event == PAGE_TRIGGER && page->state == STORED_PAGE_DROPPED)
		recipient_trigger_dropped(incident, recipient, page);
	else if (page->event == PAGE_TRIGGER && page->state == STORED_PAGE_QUEUED)
		recipient_follow_rules(incident, recipient); /* it was being sent at the reload */
	if (recipient->state == RECIPIENT_ENDING && recipient_has_end(recipient, page))
		recipient_enter(incident, recipient, RECIPIENT_TOLD);
	incident_check_told(incident);
}

static void incidents_page_changed(void *ctx, const struct stored_page *page)
{
	struct incident_book *book = ctx;
	struct incident *incident = incident_get(book, page->incident);
	struct recipient *recipient =
		incident ? recipient_find_n(incident, page->pager, page->n) : NULL;

	incident_pages_changed(book, page);
	if (incident)
		incident_sight(incident, INCIDENT_SIGHT_PAGE, page);
	if (incident && tap_is_on(book->env.tap))
		incident_tap_page(incident, page);
	if (recipient)
		recipient_page_changed(incident, recipient, page);
}

static const char *incidents_page_memory(void *ctx, const struct stored_page *page)
{
	const struct incident *incident = incident_get(ctx, page->incident);
	const struct recipient *recipient =
		incident ? recipient_find_n(incident, page->pager, page->n) : NULL;

	return recipient && recipient->memory ? recipient->memory : "";
}

/* Written in the turn's group, as the page's outcome is. */
static void incidents_page_remember(void *ctx, const struct stored_page *page, const char *memory)
{
	struct incident *incident = incident_get(ctx, page->incident);
	struct recipient *recipient =
		incident ? recipient_find_n(incident, page->pager, page->n) : NULL;

	if (!recipient || strcmp(memory, recipient->memory ? recipient->memory : "") == 0)
		return;
	incident_set_text(&recipient->memory, *memory ? memory : NULL);
	recipient_put(incident, recipient);
	incident_touch(incident);
}

/* The incident may be over and gone. */
static struct deliver_whose incidents_page_whose(void *ctx, const struct stored_page *page)
{
	const struct incident *incident = incident_get(ctx, page->incident);

	return (struct deliver_whose){
		.team = incident ? incident->team : "",
		.alert = incident ? incident_log_alert(incident) : NULL,
	};
}

static bool incidents_page_counted(void *ctx, const struct stored_page *page)
{
	const struct incident *incident = incident_get(ctx, page->incident);

	return !incident || !incident->synthetic;
}

static void incidents_page_silent(void *ctx, const struct stored_page *page)
{
	struct incident_book *book = ctx;
	struct incident *incident = incident_get(book, page->incident);
	struct recipient *recipient =
		incident ? recipient_find_n(incident, page->pager, page->n) : NULL;

	if (!recipient || page->event == PAGE_RESOLVE || recipient->role == RECIPIENT_NOTIFIED ||
	    recipient->silent || recipient->state != RECIPIENT_ASKED ||
	    incident_is_acked(incident) || incident->silenced)
		return;
	recipient->silent = true;
	CLEANUP_FREE char *note =
		xasprintf("pager %s has not taken this page for 5 minutes: %s; it is still tried",
			  page->pager, page->error);
	incident_page_fallback(incident, note);
}

/* ---- the whole ---- */

/* The wall clock was set: what is due by the monotonic one is stored anew by the wall clock, so
 * that a restart finds it where it belongs. */
static void book_check_clock(void *arg)
{
	struct incident_book *book = arg;
	int64_t mono_us = clock_mono_us(book->env.clock);
	int64_t offset_us = clock_wall_us(book->env.clock) - mono_us;
	int64_t step_us = offset_us - book->wall_offset_us;
	struct incident *incident;

	timer_arm(book->env.timers, &book->clock_check, mono_us + LIMIT_CLOCK_CHECK_US);
	if (step_us < LIMIT_CLOCK_SET_US && step_us > -LIMIT_CLOCK_SET_US)
		return;
	log_warn("the wall clock was set; deadlines of incidents keep their length",
		 LOG_INT("step_s", step_us / US_PER_SECOND));
	book->wall_offset_us = offset_us;
	book->ops.clock_was_set(book->ops.ctx);
	TAILQ_FOREACH (incident, &book->all, in_all)
		if (incident->deadline.slot) {
			incident->due_us = incident->deadline.deadline_us + offset_us;
			incident_touch(incident);
		}
}

struct incident_book *incidents_book_new(const struct incident_env *env, struct turns *turns,
					 const struct incident_book_ops *ops, struct ruleset *rules)
{
	struct incident_book *book = xcalloc(1, sizeof(*book));
	struct deliver_env deliver_env = {
		.transport = env->transport,
		.timers = env->timers,
		.clock = env->clock,
		.console_fd = env->console_fd,
		.tracer = env->tracer,
	};
	struct deliver_ops deliver_ops = {
		.changed = incidents_page_changed,
		.silent = incidents_page_silent,
		.wanted = incident_page_wanted,
		.read = incidents_read_page,
		.memory = incidents_page_memory,
		.remember = incidents_page_remember,
		.counted = incidents_page_counted,
		.whose = incidents_page_whose,
		.ctx = book,
	};

	book->env = *env;
	book->ops = *ops;
	book->turns = turns;
	book->turn = 1; /* 0 is that of an incident that no turn has caused anything of */
	book->rules = rules_ref(rules);
	incidents_book_name_pagers(book);
	book->by_id = map_new_borrowing();
	book->by_key = map_new_borrowing();
	book->texts = map_new_borrowing();
	book->alike = alike_new();
	TAILQ_INIT(&book->warm);
	buf_init(&book->doc, LIMIT_PAGE_DOC_BYTES);
	TAILQ_INIT(&book->all);
	TAILQ_INIT(&book->changed);
	TAILQ_INIT(&book->missed);
	TAILQ_INIT(&book->closed);
	TAILQ_INIT(&book->moved);
	STAILQ_INIT(&book->unsaved);
	STAILQ_INIT(&book->pauses);
	book->next_page_id = clock_wall_us(
		env->clock); /* beyond all earlier ones: pages are rarer than microseconds */
	book->on_due = incident_due;
	book->on_retry_due = incident_retry_due;
	book->deliver = deliver_new(&deliver_env, &deliver_ops);
	book->wall_offset_us = clock_wall_us(env->clock) - clock_mono_us(env->clock);
	book->clock_check = (struct timer){ .fire = book_check_clock, .arg = book };
	timer_arm(env->timers, &book->clock_check,
		  clock_mono_us(env->clock) + LIMIT_CLOCK_CHECK_US);
	return book;
}

void incidents_book_free(struct incident_book *book)
{
	void *item;
	size_t pos;

	if (!book)
		return;
	timer_disarm(book->env.timers, &book->clock_check);
	for (pos = 0; (item = map_next(book->by_id, &pos, NULL)); pos = 0)
		incident_free(item);
	deliver_free(book->deliver);
	incident_pages_free(book);
	incident_pauses_free(book);
	for (pos = 0; (item = map_next(book->texts, &pos, NULL));)
		free(item);
	map_free(book->by_id);
	map_free(book->by_key);
	map_free(book->texts);
	alike_free(book->alike);
	buf_fini(&book->doc);
	slice_remove(book->turns, &book->check);
	silence_set_unref(book->silences);
	rules_unref(book->rules);
	free(book);
}

void incidents_book_set_rules(struct incident_book *book, struct ruleset *rules)
{
	rules_unref(book->rules);
	book->rules = rules_ref(rules);
	incidents_book_name_pagers(book);
	incident_pauses_set_rules(book);
	recipients_follow_rules(book);
}

/* ---- a start ---- */

static void incident_restore_page(struct incident *incident, const struct stored_incident *row)
{
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	struct shared_text *decision = NULL;
	struct page page;
	struct err err;

	if (page_read(arena, row->page, row->page_len, &page, &err) < 0) {
		log_error("an incident's page cannot be read", LOG_STR("incident", incident->id),
			  LOG_STR("team", incident->team), LOG_STR("error", err.text));
		page = (struct page){
			.severity = SEVERITY_ERROR,
			.summary = "an incident whose page cannot be read",
			.details = "",
			.component = "",
			.origin = "tracepager",
			.group = incident->team,
			.kind = "",
		};
	}
	if (row->decision_len)
		decision = shared_text_copy(row->decision, row->decision_len);
	incident_set_page(incident, &page, NULL, decision);
	shared_text_unref(decision);
	incident->severity = row->severity >= 0 && row->severity <= SEVERITY_CRITICAL
				     ? (enum severity)row->severity
				     : page.severity;
	incidents_pack_pages(incident->book);
	arena_free(arena);
}

/* A damaged row may hold anything. */
static int64_t restored_wait_us(int64_t stored_us)
{
	return stored_us < 0			    ? 0
	       : stored_us > LIMIT_DEADLINE_MOST_US ? LIMIT_DEADLINE_MOST_US
						    : stored_us;
}

static bool incident_row_is_older(const struct stored_incident *row)
{
	return (row->state == INCIDENT_OPEN || row->state == INCIDENT_HOLDING) &&
	       (!row->escalation || !*row->escalation) && row->step == 0;
}

/* Its clock stood, and not because it held. */
static bool incident_row_is_silenced(const struct stored_incident *row)
{
	return (row->state == INCIDENT_OPEN || row->state == INCIDENT_ACKNOWLEDGED) &&
	       !row->due_us && row->left_us > 0;
}

/* One that was due while the program was away is due at once; one further ahead than its length
 * (the wall clock was set back) is cut. */
static void incident_restore_deadline(struct incident *incident, const struct stored_incident *row)
{
	int64_t wait_us = row->wait_us > 0 ? restored_wait_us(row->wait_us)
					   : incident_wait_us(incident, incident->state);
	int64_t left_us = row->due_us ? row->due_us - incident_wall_us(incident) : wait_us;

	if (incident_row_is_older(row)) {
		/* An earlier version knew no steps: the first one's whole wait begins now. */
		wait_us = left_us = incident_wait_us(incident, incident->state);
		incident->left_us = escalation_wait_us(incident);
	}
	if (incident_row_is_silenced(row)) {
		incident_restore_silence(incident);
		incident->wait_us = wait_us;
		return;
	}
	if (!wait_us)
		return;
	incident_arm(incident, left_us < 0 ? 0 : left_us > wait_us ? wait_us : left_us);
	if (left_us <= 0)
		timer_arm(incident->book->env.timers, &incident->deadline,
			  incident_mono_us(incident));
	incident->wait_us = wait_us;
}

/* An earlier version knew no hold: the rules' usual one counts. */
static int64_t incidents_usual_hold_us(const struct incident_book *book,
				       const struct stored_incident *row)
{
	int64_t hold_us = rules_defaults(book->rules)->resolve_hold_us;

	return hold_us >= 0 ? hold_us : row->hold_us;
}

static int restored_number(int stored, int least, int most)
{
	return stored < least ? least : stored > most ? most : stored;
}

static void incident_restore_escalation(struct incident *incident,
					const struct stored_incident *row)
{
	incident->escalation =
		incidents_book_text(incident->book, row->escalation ? row->escalation : "");
	incident_set_text(&incident->acked_by, row->acked_by ? row->acked_by : "");
	incident_set_text(&incident->refused, row->refused ? row->refused : "");
	incident->run = restored_number(row->run, 0, LIMIT_ESCALATION_REPEAT);
	incident->step = restored_number(row->step, STEP_NONE, (int)LIMIT_ESCALATION_STEPS);
	incident->left_us = restored_wait_us(row->left_us);
}

void incidents_book_load(struct incident_book *book, const struct stored_incident *row)
{
	enum incident_state state = row->state >= 0 && row->state < INCIDENT_CLOSED
					    ? (enum incident_state)row->state
					    : INCIDENT_OPEN;
	struct incident *incident = incident_new(book, row->id, row->key, row->team, state);

	incident->before =
		row->before == INCIDENT_ACKNOWLEDGED ? INCIDENT_ACKNOWLEDGED : INCIDENT_OPEN;
	incident->opened_us = row->opened_us;
	incident->closed_us = row->closed_us;
	incident->told_us = row->told_us;
	incident->hold_us = row->severity < 0 ? incidents_usual_hold_us(book, row) : row->hold_us;
	incident->owes_update = row->owes_update;
	incident_set_text(&incident->moved_to, row->moved_to ? row->moved_to : "");
	incident_restore_escalation(incident, row);
	incident_restore_page(incident, row);
	if (state == INCIDENT_MOVED)
		TAILQ_INSERT_TAIL(&book->moved, incident, in_moved);
	incident_restore_deadline(incident, row);
	if (state == INCIDENT_OPEN)
		incident_arm_retry(incident);
}

void incidents_book_load_recipient(struct incident_book *book, const struct stored_recipient *row)
{
	struct incident *incident = incident_get(book, row->incident);
	bool known = row->role >= 0 && row->role < RECIPIENT_ROLE_COUNT && row->state >= 0 &&
		     row->state < RECIPIENT_STATE_COUNT;

	if (!incident || !known || recipient_find_n(incident, row->pager, row->n))
		return;
	struct recipient *recipient =
		recipient_add(incident, row->pager, row->n, row->target,
			      (enum recipient_role)row->role, (enum recipient_state)row->state);
	recipient->unresolved = row->unresolved;
	recipient->tried = row->tried;
	if (row->memory && *row->memory && strlen(row->memory) < LIMIT_PAGER_MEMORY_BYTES)
		recipient->memory = xstrdup(row->memory);
}

void incidents_book_load_page(struct incident_book *book, const struct stored_page *row)
{
	struct incident *incident = incident_get(book, row->incident);
	struct recipient *recipient =
		incident ? recipient_find_n(incident, row->pager, row->n) : NULL;

	if (row->id >= book->next_page_id)
		book->next_page_id = row->id + 1;
	if (row->state != STORED_PAGE_QUEUED)
		return;
	if (recipient) {
		recipient->waiting++;
		/* Its request may have begun before the restart: that is not stored. */
		recipient->tried |= row->event == PAGE_TRIGGER &&
				    (row->attempts > 0 || !incident_pause_kept(book, row));
	}
	incident_pause_meets(book, row);
	if (recipient)
		recipient_load_page(incident, recipient, row);
	else
		deliver_enqueue(book->deliver, row, NULL);
}

void incidents_book_load_member(struct incident_book *book, const char *id, const char *key,
				bool fires)
{
	struct incident *incident = incident_get(book, id);

	if (incident)
		member_set_fires(incident, member_add(incident, key), fires);
}

/* A recipient whose page had not been queued when the program died (alerts of one body were
 * gathering) is asked now; one whose resolve is not on its way gets it. */
static void incident_settle_recipients(struct incident *incident)
{
	struct recipient *recipient;

	STAILQ_FOREACH (recipient, &incident->recipients, link) {
		if (recipient->waiting)
			continue;
		if (recipient->state == RECIPIENT_ASKED)
			recipient_ask_first(incident, recipient, NULL);
		if (recipient->state == RECIPIENT_ENDING && recipient->unresolved)
			recipient_enter(incident, recipient, RECIPIENT_TOLD);
		else if (recipient->state == RECIPIENT_ENDING)
			incident_queue(incident, recipient, PAGE_RESOLVE,
				       "every alert of this incident has ended");
	}
}

/* A drill ends with the program that began it. Who was not reached by then is not paged any more;
 * who may have its page gets the resolve. */
static void incident_settle_drill(struct incident *incident)
{
	static const char why[] = "the relay ended during this fire drill";
	struct recipient *recipient;

	log_warn("a fire drill was cut off by the end of the relay; its incident ends",
		 LOG_INCIDENT(incident));
	recipients_drop(incident, why);
	STAILQ_FOREACH (recipient, &incident->recipients, link)
		if (recipient->state == RECIPIENT_ASKED)
			recipient_enter(incident, recipient, RECIPIENT_SPARED);
	incident_resolve(incident, "", why);
}

static void incident_settle(struct incident *incident)
{
	const struct incident *target;

	if (incident->synthetic == SYNTHETIC_DRILL && !incident_is_over(incident)) {
		incident_settle_drill(incident);
		return;
	}
	incident_settle_silence(incident);
	incident_settle_recipients(incident);
	switch (incident->state) {
	case INCIDENT_OPEN:
	case INCIDENT_ACKNOWLEDGED:
		if (!incident->nfiring)
			incident_resolve(incident, "", "every alert of this incident has ended");
		else if (!recipients_reached(incident))
			incident_send_again(incident);
		else if (incident->owes_update)
			incident_owe_update(incident);
		break;
	case INCIDENT_HOLDING:
		if (incident->nfiring)
			incident_go_on(incident);
		break;
	case INCIDENT_MOVED:
		target = incident_get(incident->book, incident->moved_to);
		if (!target || incident_is_over(target) || recipients_any_taken(target))
			incident_tell_move(incident);
		break;
	case INCIDENT_RESOLVED:
		incident_tell_end(incident, "every alert of this incident has ended");
		break;
	case INCIDENT_CLOSED:
	case INCIDENT_STATE_COUNT:
		break;
	}
}

void incidents_book_settle(struct incident_book *book)
{
	struct incident *incident;

	for (size_t pos = 0; (incident = map_next(book->by_id, &pos, NULL));)
		incident_settle(incident);
}
