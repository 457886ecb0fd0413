/*
 * The store's rows of incidents, recipients and their story. Writes of incidents that the store did
 * not take are remembered and written again by incidents_book_heal().
 */
#include <stdlib.h>
#include <string.h>

#include "incident-internal.h"
#include "tracepager/limits.h"
#include "tracepager/tap.h"
#include "tracepager/xalloc.h"

static const char *const event_texts[INCIDENT_EVENT_COUNT] = {
	[INCIDENT_EVENT_OPENED] = "opened",
	[INCIDENT_EVENT_JOINED] = "joined",
	[INCIDENT_EVENT_LEFT] = "left",
	[INCIDENT_EVENT_ENDED] = "ended",
	[INCIDENT_EVENT_REFIRED] = "refired",
	[INCIDENT_EVENT_SEVERITY] = "severity",
	[INCIDENT_EVENT_PAGED] = "paged",
	[INCIDENT_EVENT_REACHED] = "reached",
	[INCIDENT_EVENT_REFUSED] = "refused",
	[INCIDENT_EVENT_RETRIED] = "retried",
	[INCIDENT_EVENT_IMPROVED] = "improved",
	[INCIDENT_EVENT_HELD] = "held",
	[INCIDENT_EVENT_MOVED] = "moved",
	[INCIDENT_EVENT_RESOLVED] = "resolved",
	[INCIDENT_EVENT_GIVEN_UP] = "given up",
	[INCIDENT_EVENT_ESCALATED] = "escalated",
	[INCIDENT_EVENT_ACKNOWLEDGED] = "acknowledged",
	[INCIDENT_EVENT_REROUTED] = "rerouted",
	[INCIDENT_EVENT_COMMENTED] = "commented",
	[INCIDENT_EVENT_USEFUL] = "useful",
	[INCIDENT_EVENT_NOISE] = "noise",
	[INCIDENT_EVENT_SILENCED] = "silenced",
	[INCIDENT_EVENT_UNSILENCED] = "unsilenced",
	[INCIDENT_EVENT_NOTED] = "noted",
	[INCIDENT_EVENT_NOTE_REMOVED] = "note removed",
};

const char *incident_event_name(enum incident_event event)
{
	return event_texts[event];
}

/* A write of an incident that is under way; by id, since the incident may be over when the store
 * answers. */
struct incident_write {
	struct incident_book *book;
	char id[INCIDENT_ID_SIZE];
};

static void incident_written(void *ctx, int error, const char *text)
{
	struct incident_write *write = ctx;
	struct incident_book *book = write->book;
	struct incident *incident = incident_get(book, write->id);

	(void)text; /* the store logs it */
	if (error && incident && !incident->missed) {
		incident->missed = true;
		TAILQ_INSERT_TAIL(&book->missed, incident, in_missed);
	}
	if (error)
		book->ops.write_failed(book->ops.ctx);
	free(write);
}

/* Without the decision, which is written beside it. Of a closed incident the store keeps the
 * headline and its facts: nothing else is written. */
static void incident_write_page(struct incident *incident, struct buf *doc)
{
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	struct page page;

	incident_get_page(incident, arena, NULL, &page);
	if (incident->state == INCIDENT_CLOSED) {
		page.details = page.waterfall = page.reasons = page.alert_says = page.labels = "";
		page.alert_list = NULL;
		page.nalerts = 0;
	}
	incident_page_write(&page, doc);
	arena_free(arena);
}

static void incident_write(struct incident *incident)
{
	struct incident_book *book = incident->book;

	if (incident->synthetic == SYNTHETIC_SELF)
		return; /* nothing stays of it */
	struct buf *doc = incident_book_doc(book);
	struct incident_write *write = xcalloc(1, sizeof(*write));
	struct shared_text *decision = NULL;

	if (incident->whole)
		incident_write_page(incident, doc);
	if (incident->whole && incident->state != INCIDENT_CLOSED)
		decision = incident_packed_decision(incident);
	struct stored_incident row = {
		.id = incident->id,
		.key = incident->key,
		.team = incident->team,
		.open = incident->state != INCIDENT_CLOSED,
		.state = (int)incident->state,
		.before = (int)incident->before,
		.severity = (int)incident->severity,
		.opened_us = incident->opened_us,
		.closed_us = incident->closed_us,
		.due_us = incident->due_us,
		.wait_us = incident->wait_us,
		.hold_us = incident->hold_us,
		.told_us = incident->told_us,
		.owes_update = incident->owes_update,
		.moved_to = incident->moved_to,
		.escalation = incident->escalation,
		.run = incident->run,
		.step = incident->step,
		.left_us = incident->left_us,
		.acked_by = incident->acked_by,
		.refused = incident->refused,
		.page = buf_text(doc),
		.page_len = doc->len,
		.decision = shared_text_text(decision),
		.decision_len = decision ? decision->len : 0,
	};
	if (incident->whole)
		store_put_incident(turns_batch(book->turns), &row);
	else
		store_touch_incident(turns_batch(book->turns), &row);
	shared_text_unref(decision);
	incident->whole = false;
	write->book = book;
	memcpy(write->id, incident->id, sizeof(write->id));
	turns_then(book->turns, incident_written, free, write);
}

void incident_put(struct incident *incident)
{
	incident->whole = true;
	incident_touch(incident);
}

void incident_touch(struct incident *incident)
{
	if (incident->changed)
		return;
	incident->changed = true;
	TAILQ_INSERT_TAIL(&incident->book->changed, incident, in_changed);
}

void incidents_book_write(struct incident_book *book)
{
	struct incident *incident;

	while ((incident = TAILQ_FIRST(&book->changed))) {
		book->changes += incident->synthetic != SYNTHETIC_SELF;
		TAILQ_REMOVE(&book->changed, incident, in_changed);
		incident->changed = false;
		incident_write(incident);
	}
}

void recipient_put(const struct incident *incident, const struct recipient *recipient)
{
	if (incident->synthetic == SYNTHETIC_SELF)
		return;
	store_put_recipient(turns_batch(incident->book->turns),
			    &(struct stored_recipient){
				    .incident = incident->id,
				    .pager = recipient->pager,
				    .n = recipient->n,
				    .target = recipient->target,
				    .role = (int)recipient->role,
				    .state = (int)recipient->state,
				    .unresolved = recipient->unresolved,
				    .tried = recipient->tried,
				    .memory = recipient->memory,
			    });
}

void incident_book_story(struct incident_book *book, const char *id, enum incident_event event,
			 const char *who, const char *text)
{
	book->changes++;
	store_put_event(turns_batch(book->turns), &(struct stored_event){
							  .incident = id,
							  .at_us = clock_wall_us(book->env.clock),
							  .event = incident_event_name(event),
							  .who = who,
							  .text = text,
						  });
}

void incident_story(const struct incident *incident, enum incident_event event, const char *who,
		    const char *text)
{
	if (incident->synthetic == SYNTHETIC_SELF)
		return;
	incident_book_story(incident->book, incident->id, event, who, text);
	if (tap_is_on(incident->book->env.tap))
		incident_tap_story(incident, event, incident_event_name(event), who, text);
}

bool incidents_book_heal(struct incident_book *book, size_t n)
{
	struct incident *incident;

	for (; n && (incident = TAILQ_FIRST(&book->missed)); n--) {
		const struct recipient *recipient;
		TAILQ_REMOVE(&book->missed, incident, in_missed);
		incident->missed = false;
		incident_put(incident);
		STAILQ_FOREACH (recipient, &incident->recipients, link)
			recipient_put(incident, recipient);
	}
	return incident_pages_heal(book, n) || !TAILQ_EMPTY(&book->missed);
}
