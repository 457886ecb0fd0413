/*
 * Recipients: one pager each, of one incident; the states in tbl/life.def. They own nothing but
 * themselves: names and targets are kept by the book, pages by delivery.
 */
#include <stdlib.h>
#include <string.h>

#include "incident-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

void recipient_enter(struct incident *incident, struct recipient *recipient,
		     enum recipient_state state)
{
	life_move(LIFE_RECIPIENT, &incident->book->recipient_counts, recipient->state, state,
		  incident->id);
	recipient->state = state;
	recipient_put(incident, recipient);
	recipients_count(incident);
}

/* Has a pager of the owner or of the fallback team taken the page? */
static bool recipients_taken(const struct incident *incident)
{
	const struct recipient *recipient;

	STAILQ_FOREACH (recipient, &incident->recipients, link)
		if (recipient->role != RECIPIENT_NOTIFIED && recipient->state == RECIPIENT_REACHED)
			return true;
	return false;
}

void recipients_count(struct incident *incident)
{
	bool untaken = !incident->synthetic && incident->state == INCIDENT_OPEN &&
		       !incident->silenced && !STAILQ_EMPTY(&incident->recipients) &&
		       !recipients_taken(incident);

	if (untaken == incident->untaken)
		return;
	incident->untaken = untaken;
	incident->book->untaken += untaken ? 1 : (size_t)-1;
}

bool incident_is_unreached(const struct incident *incident)
{
	int64_t since_us = incident_wall_us(incident) - incident->opened_us;

	return incident->untaken &&
	       (!recipients_reached(incident) || since_us >= LIMIT_REACH_US || since_us < 0);
}

struct recipient *recipient_find(const struct incident *incident, const char *pager)
{
	struct recipient *recipient, *last = NULL;

	STAILQ_FOREACH (recipient, &incident->recipients, link)
		if (strcmp(recipient->pager, pager) == 0)
			last = recipient;
	return last;
}

struct recipient *recipient_add(struct incident *incident, const char *pager, int n,
				const char *target, enum recipient_role role,
				enum recipient_state state)
{
	struct recipient *recipient = xcalloc(1, sizeof(*recipient));

	recipient->pager = incidents_book_text(incident->book, pager);
	recipient->target = incidents_book_text(incident->book, target);
	recipient->n = n;
	recipient->role = role;
	recipient->state = state;
	life_begin(&incident->book->recipient_counts, state);
	STAILQ_INSERT_TAIL(&incident->recipients, recipient, link);
	recipients_count(incident);
	return recipient;
}

void recipients_free(struct incident *incident)
{
	struct recipient *recipient;

	while ((recipient = STAILQ_FIRST(&incident->recipients))) {
		STAILQ_REMOVE_HEAD(&incident->recipients, link);
		life_end(&incident->book->recipient_counts, recipient->state);
		free(recipient->memory);
		free(recipient);
	}
}

/* Is it one of the pagers that the same entry makes for teams: "ENTRY:TEAM"? */
static bool recipient_is_akin(const struct recipient *recipient, const struct pager *pager)
{
	const char *entry = pager && pager->entry ? pager->entry->name : "";
	const size_t len = strlen(entry);

	return len && strncmp(recipient->pager, entry, len) == 0 && recipient->pager[len] == ':';
}

/* The number of the next page to the target: a further key. pager: NULL where the rules know it no
 * more. Pagers that page through one account share their numbers, whatever the rules call them:
 * else the resolve of one would end the page of the other. So do those that one entry makes for
 * teams: what the service tells back is told apart by the number. */
static int recipient_next_n(const struct incident *incident, const char *name,
			    const struct pager *pager, const char *target)
{
	const struct recipient *recipient;
	int last = 0;

	STAILQ_FOREACH (recipient, &incident->recipients, link)
		if (recipient->n > last &&
		    (strcmp(recipient->pager, name) == 0 || recipient_is_akin(recipient, pager) ||
		     targets_share_account(recipient->target, target)))
			last = recipient->n;
	return last + 1;
}

static struct recipient *recipient_for(struct incident *incident, const struct pager *pager,
				       enum recipient_role role)
{
	const struct page_target target = page_target_of(pager);
	BUF_LOCAL(text, LIMIT_TARGET_BYTES);
	struct recipient *recipient;

	page_target_write(&target, &text);
	recipient = recipient_add(incident, pager->name,
				  recipient_next_n(incident, pager->name, pager, buf_text(&text)),
				  buf_text(&text), role, RECIPIENT_ASKED);
	recipient->unresolved = pager->no_resolve;
	recipient_put(incident, recipient);
	buf_fini(&text);
	return recipient;
}

size_t recipients_page(struct incident *incident, const struct pager *const *pagers, size_t n,
		       enum recipient_role role, const char *note)
{
	size_t asked = 0;

	for (size_t i = 0; i < n; i++) {
		const struct recipient *last = recipient_find(incident, pagers[i]->name);
		/* Who was only notified is paged all the same. */
		if (last && (last->role != RECIPIENT_NOTIFIED || role == RECIPIENT_NOTIFIED))
			continue;
		recipient_for(incident, pagers[i], role);
		incident_story(incident, INCIDENT_EVENT_PAGED, pagers[i]->name, note ? note : "");
		asked++;
	}
	return asked;
}

/* The trigger goes once more to one that did not take it, under the key that it has. */
static void recipient_ask_again(struct incident *incident, struct recipient *recipient,
				const char *note)
{
	recipient_take_target(incident, recipient);
	recipient_enter(incident, recipient, RECIPIENT_ASKED);
	incident_story(incident, INCIDENT_EVENT_RETRIED, recipient->pager, note);
	incident_queue(incident, recipient, PAGE_TRIGGER, note);
}

/* Has this pager been paged so often about one incident that no further key is made? */
static bool recipient_is_last(const struct recipient *recipient)
{
	return recipient->n >= LIMIT_RINGS;
}

static void recipient_queue_new(struct incident *incident, struct recipient *recipient,
				const char *note)
{
	incident_story(incident, INCIDENT_EVENT_PAGED, recipient->pager, note);
	incident_queue(incident, recipient, PAGE_TRIGGER, note);
}

/* Can the pager be asked under the key that it has? One that may have taken that trigger would not
 * ring: it gets a key of its own. */
static bool recipient_asks_same(const struct recipient *recipient)
{
	return recipient->state == RECIPIENT_REFUSED ||
	       (recipient->state == RECIPIENT_SPARED && !recipient->tried);
}

static void recipient_ring(struct incident *incident, const struct pager *pager,
			   enum recipient_role role, bool unresolved, const char *note)
{
	struct recipient *last = recipient_find(incident, pager->name);
	bool paged = last && last->role != RECIPIENT_NOTIFIED;

	if (paged && last->state == RECIPIENT_ASKED)
		return;
	if (paged && recipient_asks_same(last)) {
		recipient_ask_again(incident, last, note);
		return;
	}
	if (last && recipient_is_last(last))
		return;
	struct recipient *recipient = recipient_for(incident, pager, role);
	if (unresolved && !recipient->unresolved) {
		recipient->unresolved = true;
		recipient_put(incident, recipient);
	}
	recipient_queue_new(incident, recipient, note);
}

void recipients_ring(struct incident *incident, const struct escalation_step *step,
		     enum recipient_role role, const char *note)
{
	for (size_t i = 0; i < step->npagers; i++)
		recipient_ring(incident, step->pagers[i], role, step->no_resolve, note);
}

size_t recipients_ask(struct incident *incident, const struct escalation_step *step,
		      enum recipient_role role, const char *note)
{
	size_t asked = 0;

	for (size_t i = 0; i < step->npagers; i++) {
		const struct recipient *last = recipient_find(incident, step->pagers[i]->name);
		if (last && last->role != RECIPIENT_NOTIFIED &&
		    (last->state == RECIPIENT_ASKED || last->state == RECIPIENT_REACHED ||
		     last->state == RECIPIENT_REFUSED))
			continue;
		recipient_ring(incident, step->pagers[i], role, step->no_resolve, note);
		asked++;
	}
	return asked;
}

void recipients_ring_again(struct incident *incident, const char *note)
{
	struct recipient *recipient, *end = recipients_last(incident);

	STAILQ_FOREACH (recipient, &incident->recipients, link) {
		if (recipient->role == RECIPIENT_OWNER && recipient_is_newest(recipient)) {
			if (recipient_asks_same(recipient)) {
				recipient_ask_again(incident, recipient, note);
			} else if (recipient->state != RECIPIENT_ASKED &&
				   !recipient_is_last(recipient)) {
				struct recipient *next = recipient_add(
					incident, recipient->pager,
					recipient_next_n(incident, recipient->pager,
							 rules_pager(incident->book->rules,
								     recipient->pager),
							 recipient->target),
					recipient->target, RECIPIENT_OWNER, RECIPIENT_ASKED);
				next->unresolved = recipient->unresolved;
				recipient_put(incident, next);
				recipient_queue_new(incident, next, note);
			}
		}
		if (recipient == end)
			break;
	}
}

void recipient_ask_first(struct incident *incident, struct recipient *recipient, const char *note)
{
	if (!recipient->tried)
		recipient_take_target(incident, recipient);
	incident_queue(incident, recipient, PAGE_TRIGGER, note);
}

void recipients_ask_kept(struct incident *incident, const char *note)
{
	struct recipient *recipient;

	STAILQ_FOREACH (recipient, &incident->recipients, link) {
		if (recipient->state != RECIPIENT_ASKED || recipient->waiting)
			continue;
		if (incident_is_acked(incident))
			recipient_enter(incident, recipient, RECIPIENT_SPARED);
		else
			recipient_ask_first(incident, recipient, note);
	}
}

void recipient_end(struct incident *incident, struct recipient *recipient, const char *note)
{
	/* A silence kept its trigger from leaving: there is nothing to resolve. */
	if (recipient->state == RECIPIENT_ASKED && !recipient->waiting && !recipient->tried)
		recipient_enter(incident, recipient, RECIPIENT_SPARED);
	if (recipient->state == RECIPIENT_REFUSED ||
	    (recipient->state == RECIPIENT_SPARED && !recipient->tried)) {
		recipient_enter(incident, recipient, RECIPIENT_TOLD);
		return;
	}
	if (recipient->state == RECIPIENT_TOLD || recipient->state == RECIPIENT_ENDING)
		return;
	recipient_enter(incident, recipient, RECIPIENT_ENDING);
	if (!recipient->unresolved)
		incident_queue(incident, recipient, PAGE_RESOLVE, note);
	else if (!recipient->waiting)
		recipient_enter(incident, recipient, RECIPIENT_TOLD);
}

/* Has it the page, or is the page on its way? Not where a silence keeps the trigger back. */
static bool recipient_has_page(const struct recipient *recipient)
{
	return recipient->state == RECIPIENT_REACHED ||
	       (recipient->state == RECIPIENT_ASKED && (recipient->waiting || recipient->tried));
}

void recipients_tell_why(struct incident *incident, const char *note)
{
	struct recipient *recipient;

	STAILQ_FOREACH (recipient, &incident->recipients, link)
		if (recipient_has_page(recipient) && recipient_is_newest(recipient) &&
		    !recipient_knows_moved(recipient))
			incident_queue(incident, recipient, PAGE_NOTICE, note);
}

void recipients_end_team(struct incident *incident, const char *note)
{
	struct recipient *recipient;

	STAILQ_FOREACH (recipient, &incident->recipients, link)
		if (recipient->role != RECIPIENT_NOTIFIED)
			recipient_end(incident, recipient, note);
}

struct recipient *recipients_last(const struct incident *incident)
{
	struct recipient *recipient, *last = NULL;

	STAILQ_FOREACH (recipient, &incident->recipients, link)
		last = recipient;
	return last;
}

void recipients_queue_after(struct incident *incident, struct recipient *last, const char *note)
{
	struct recipient *recipient =
		last ? STAILQ_NEXT(last, link) : STAILQ_FIRST(&incident->recipients);

	for (; recipient; recipient = STAILQ_NEXT(recipient, link))
		incident_queue(incident, recipient, PAGE_TRIGGER, note);
}

bool recipients_reached(const struct incident *incident)
{
	const struct recipient *recipient;

	STAILQ_FOREACH (recipient, &incident->recipients, link)
		if (recipient->role != RECIPIENT_NOTIFIED &&
		    (recipient->state == RECIPIENT_ASKED || recipient->state == RECIPIENT_REACHED))
			return true;
	return false;
}

bool recipients_any_taken(const struct incident *incident)
{
	const struct recipient *recipient;

	STAILQ_FOREACH (recipient, &incident->recipients, link)
		if (recipient->state == RECIPIENT_REACHED)
			return true;
	return false;
}

bool recipients_any_refused(const struct incident *incident)
{
	const struct recipient *recipient;

	STAILQ_FOREACH (recipient, &incident->recipients, link)
		if (recipient->state == RECIPIENT_REFUSED)
			return true;
	return false;
}

bool recipients_told(const struct incident *incident)
{
	const struct recipient *recipient;

	STAILQ_FOREACH (recipient, &incident->recipients, link)
		if (recipient->state != RECIPIENT_TOLD)
			return false;
	return true;
}

static const struct pager_kind *recipient_kind(const struct recipient *recipient)
{
	struct arena *arena = arena_new(2 * LIMIT_TARGET_BYTES);
	const struct pager_kind *kind = NULL;
	struct page_target target;
	struct err err;

	if (page_target_read(arena, recipient->target, &target, &err) == 0)
		kind = pager_kinds[target.kind];
	arena_free(arena);
	return kind;
}

bool recipient_knows_moved(const struct recipient *recipient)
{
	const struct pager_kind *kind = recipient_kind(recipient);

	return kind && kind->knows_moved;
}

void recipients_tell_ack(struct incident *incident, const char *note)
{
	struct recipient *recipient;

	STAILQ_FOREACH (recipient, &incident->recipients, link) {
		const struct pager_kind *kind = recipient_kind(recipient);
		if (recipient_has_page(recipient) &&
		    (recipient_is_newest(recipient) || (kind && kind->acks_keys)))
			incident_queue_act(incident, recipient, ACT_ACKNOWLEDGE, note);
	}
}

void recipients_drop(struct incident *incident, const char *why)
{
	const struct recipient *recipient;

	STAILQ_FOREACH (recipient, &incident->recipients, link)
		deliver_drop(incident->book->deliver, incident->id, recipient->pager, recipient->n,
			     why);
}

void recipients_retry(struct incident *incident, const char *note)
{
	struct recipient *recipient;

	STAILQ_FOREACH (recipient, &incident->recipients, link) {
		if (recipient->state == RECIPIENT_REFUSED)
			recipient_ask_again(incident, recipient, note);
	}
}
