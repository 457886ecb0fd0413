/*
 * Pauses: which pagers a person has paused, by whom and since when. Kept over a restart as settings
 * "paused/PAGER", and told in the banner of every page that is queued meanwhile: who reads it knows
 * why another pager is quiet. Delivery holds the pages; the book owns the list.
 */
#include <stdlib.h>
#include <string.h>

#include "incident-internal.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

/* One paused pager; by: "ann since 2026-11-29T03:10:00Z", as it is kept and told. */
struct pager_pause {
	STAILQ_ENTRY(pager_pause) link;
	char *pager, *by;
};

static struct pager_pause *pause_find(const struct incident_book *book, const char *pager)
{
	struct pager_pause *pause;

	STAILQ_FOREACH (pause, &book->pauses, link)
		if (strcmp(pause->pager, pager) == 0)
			return pause;
	return NULL;
}

static void pause_free(struct incident_book *book, struct pager_pause *pause)
{
	STAILQ_REMOVE(&book->pauses, pause, pager_pause, link);
	free(pause->pager);
	free(pause->by);
	free(pause);
}

void incident_pauses_free(struct incident_book *book)
{
	while (!STAILQ_EMPTY(&book->pauses))
		pause_free(book, STAILQ_FIRST(&book->pauses));
}

/* Tells delivery of a pager and, of a pager by team, of the pager of each team that is not paused
 * by itself. */
static void pause_tell(struct incident_book *book, const char *name, bool paused)
{
	const struct pager *pager = rules_pager(book->rules, name);
	size_t pos = 0;
	const struct team *team;

	deliver_pause(book->deliver, name, paused);
	while (pager && pager->teams && (team = rules_each_team(book->rules, &pos))) {
		const struct pager *of_team = pager_of_team(pager, team);
		if (of_team && (paused || !pause_find(book, of_team->name)))
			deliver_pause(book->deliver, of_team->name, paused);
	}
}

void incident_pauses_set_rules(struct incident_book *book)
{
	const struct pager_pause *pause;

	STAILQ_FOREACH (pause, &book->pauses, link)
		pause_tell(book, pause->pager, true);
}

static void pause_begin(struct incident_book *book, const char *pager, const char *by)
{
	struct pager_pause *pause = xcalloc(1, sizeof(*pause));

	pause->pager = xstrdup(pager);
	pause->by = xstrdup(by);
	STAILQ_INSERT_TAIL(&book->pauses, pause, link);
	pause_tell(book, pager, true);
}

bool incidents_book_pause(struct incident_book *book, const char *pager, const char *by)
{
	struct pager_pause *pause = pause_find(book, pager);

	if (!by == !pause)
		return false;
	if (by) {
		pause_begin(book, pager, by);
		return true;
	}
	pause_free(book, pause);
	/* Of a pager by team, the entry may be paused still. */
	if (!incidents_book_paused_by(book, pager))
		pause_tell(book, pager, false);
	return true;
}

const char *incidents_book_paused_by(const struct incident_book *book, const char *pager)
{
	const struct pager_pause *pause = pause_find(book, pager);
	const struct pager *known = pause ? NULL : rules_pager(book->rules, pager);

	if (known && known->entry)
		pause = pause_find(book, known->entry->name);
	return pause ? pause->by : NULL;
}

/* What delivery knows of its pagers, by name. */
static bool pause_add_view(void *ctx, const struct deliver_pager_view *view)
{
	map_put(ctx, view->pager, (void *)(uintptr_t)view);
	return true;
}

static struct incident_pager_view pager_view(const struct incident_book *book, const char *name,
					     const struct deliver_pager_view *delivery)
{
	const struct pager *pager = rules_pager(book->rules, name);

	return (struct incident_pager_view){
		.name = name,
		.kind = pager ? pager_kind_name(pager->kind) : "",
		.paused_by = incidents_book_paused_by(book, name),
		.failing = delivery && delivery->failing,
		.waiting = delivery ? delivery->waiting : 0,
		.oldest_us = delivery ? delivery->oldest_us : 0,
	};
}

void incidents_book_each_pager(const struct incident_book *book, incident_pager_viewer *viewer,
			       void *ctx)
{
	struct map *views = map_new();
	const struct deliver_pager_view *delivery;
	bool more = true;
	size_t n;
	const struct pager *pagers = rules_pagers(book->rules, &n);

	deliver_each_pager(book->deliver, pause_add_view, views);
	for (size_t i = 0; i < n && more; i++) {
		struct incident_pager_view view =
			pager_view(book, pagers[i].name, map_get(views, pagers[i].name));
		more = viewer(ctx, &view);
	}
	/* Those that the rules name no more, and those of teams, while they have pages, fail or are
	 * paused. */
	for (size_t pos = 0; more && (delivery = map_next(views, &pos, NULL));) {
		struct incident_pager_view view = pager_view(book, delivery->pager, delivery);
		const struct pager *pager = rules_pager(book->rules, view.name);
		if (strcmp(view.name, DELIVER_SINK) == 0)
			continue;
		if ((!pager && (view.waiting || view.paused_by)) ||
		    (pager && pager->entry &&
		     (view.waiting || view.failing || pause_find(book, view.name))))
			more = viewer(ctx, &view);
	}
	map_free(views);
}

size_t incidents_book_paused(const struct incident_book *book)
{
	const struct pager_pause *pause;
	size_t n = 0;

	STAILQ_FOREACH (pause, &book->pauses, link)
		n++;
	return n;
}

void incident_tell_pauses(const struct incident_book *book, struct arena *arena, struct page *page)
{
	struct buf text = BUF_INIT(LIMIT_PAGE_NOTE_BYTES);
	const struct pager_pause *pause;

	if (STAILQ_EMPTY(&book->pauses))
		return;
	if (page->banner && *page->banner) {
		size_t len = strlen(page->banner);
		buf_printf(&text, "%s%s ", page->banner, page->banner[len - 1] == '.' ? "" : ".");
	}
	STAILQ_FOREACH (pause, &book->pauses, link) {
		buf_puts(&text, pause == STAILQ_FIRST(&book->pauses) ? "pager " : "; pager ");
		plain_add(&text, pause->pager, LIMIT_PAGE_NAME_COLUMNS);
		buf_puts(&text, " is paused by ");
		plain_add(&text, pause->by, LIMIT_PAGE_NAME_COLUMNS);
	}
	if (!text.failed)
		page->banner = arena_strdup(arena, buf_text(&text));
	buf_fini(&text);
}
