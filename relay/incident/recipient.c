/*
 * Recipients: one pager each, of one incident; the states in tbl/life.def. They own nothing but
 * themselves: names and targets are kept by the book, pages by delivery.
 */
#include <stdlib.h>
#include <string.h>

#include "incident-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* A text that many recipients share, kept until the book is freed: there are as many as pagers and
 * their keys. */
static const char *book_text(struct incident_book *book, const char *text)
{
	char *kept = map_get(book->texts, text);

	if (!kept) {
		kept = xstrdup(text);
		map_put(book->texts, text, kept);
	}
	return kept;
}

void recipient_enter(struct incident *incident, struct recipient *recipient,
		     enum recipient_state state)
{
	life_move(LIFE_RECIPIENT, &incident->book->recipient_counts, recipient->state, state,
		  incident->id);
	recipient->state = state;
	recipient_put(incident, recipient);
	recipients_count(incident);
}

void recipients_count(struct incident *incident)
{
	bool unreached = incident->state == INCIDENT_OPEN && !STAILQ_EMPTY(&incident->recipients) &&
			 !recipients_reached(incident);

	if (unreached == incident->unreached)
		return;
	incident->unreached = unreached;
	incident->book->unreached += unreached ? 1 : (size_t)-1;
}

struct recipient *recipient_find(const struct incident *incident, const char *pager)
{
	struct recipient *recipient;

	STAILQ_FOREACH (recipient, &incident->recipients, link)
		if (strcmp(recipient->pager, pager) == 0)
			return recipient;
	return NULL;
}

struct recipient *recipient_add(struct incident *incident, const char *pager, const char *target,
				enum recipient_role role, enum recipient_state state)
{
	struct recipient *recipient = xcalloc(1, sizeof(*recipient));

	recipient->pager = book_text(incident->book, pager);
	recipient->target = book_text(incident->book, target);
	recipient->n = 1;
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
		free(recipient);
	}
}

static struct recipient *recipient_for(struct incident *incident, const struct pager *pager,
				       enum recipient_role role)
{
	struct page_target target = {
		.kind = pager->kind,
		.pager = pager->name,
		.url = pager->url,
		.key = pager->key.value,
		.colour = pager->colour,
		.columns = pager->columns,
	};
	struct buf text = BUF_INIT(2 * LIMIT_SECRET_BYTES + LIMIT_LABEL_BYTES);
	struct recipient *recipient;

	page_target_write(&target, &text);
	recipient = recipient_add(incident, pager->name, buf_text(&text), role, RECIPIENT_ASKED);
	recipient_put(incident, recipient);
	buf_fini(&text);
	return recipient;
}

size_t recipients_page(struct incident *incident, const struct pager *const *pagers, size_t n,
		       enum recipient_role role, const char *note)
{
	size_t asked = 0;

	for (size_t i = 0; i < n; i++) {
		if (recipient_find(incident, pagers[i]->name))
			continue;
		recipient_for(incident, pagers[i], role);
		incident_story(incident, INCIDENT_EVENT_PAGED, pagers[i]->name, note ? note : "");
		asked++;
	}
	return asked;
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
		if (recipient->role != RECIPIENT_NOTIFIED && recipient->state != RECIPIENT_REFUSED)
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

bool recipients_told(const struct incident *incident)
{
	const struct recipient *recipient;

	STAILQ_FOREACH (recipient, &incident->recipients, link)
		if (recipient->state != RECIPIENT_TOLD)
			return false;
	return true;
}

bool recipient_knows_moved(const struct recipient *recipient)
{
	struct arena *arena = arena_new(4 * LIMIT_SECRET_BYTES + LIMIT_LABEL_BYTES);
	struct page_target target;
	struct err err;
	bool knows = page_target_read(arena, recipient->target, &target, &err) == 0 &&
		     pager_kinds[target.kind]->knows_moved;

	arena_free(arena);
	return knows;
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
		if (recipient->state != RECIPIENT_REFUSED)
			continue;
		recipient_enter(incident, recipient, RECIPIENT_ASKED);
		incident_story(incident, INCIDENT_EVENT_RETRIED, recipient->pager, note);
		incident_queue(incident, recipient, PAGE_TRIGGER, note);
	}
}
