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

#define SINCE " since "

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

/* Is that name "ENTRY:TEAM"? Also of a team that the rules have no more: its pages still wait. */
static bool pause_is_of_team(const struct incident_book *book, const char *name, const char *entry)
{
	const struct pager *known = rules_pager(book->rules, name);
	const size_t len = strlen(entry);

	if (known)
		return known->entry && strcmp(known->entry->name, entry) == 0;
	return strncmp(name, entry, len) == 0 && name[len] == ':';
}

/* The pause that holds the pager: its own, or that of its entry; NULL: none. */
static struct pager_pause *pause_holding(const struct incident_book *book, const char *pager)
{
	struct pager_pause *pause = pause_find(book, pager);

	if (pause)
		return pause;
	STAILQ_FOREACH (pause, &book->pauses, link)
		if (pause_is_of_team(book, pager, pause->pager))
			return pause;
	return NULL;
}

/* Pagers of an entry's teams that delivery knows. Names are copied: going on may add pagers. */
struct pause_teams {
	const struct incident_book *book;
	const char *entry;
	struct arena *arena;
	const char **names;
	size_t n, size;
};

static bool pause_add_team(void *ctx, const struct deliver_pager_view *view)
{
	struct pause_teams *teams = ctx;

	if (!pause_is_of_team(teams->book, view->pager, teams->entry))
		return true;
	if (teams->n == teams->size) {
		teams->size = teams->size ? 2 * teams->size : 16;
		const char **names = arena_array(teams->arena, teams->size, sizeof(*teams->names));
		if (teams->n)
			memcpy(names, teams->names, teams->n * sizeof(*names));
		teams->names = names;
	}
	teams->names[teams->n++] = arena_strdup(teams->arena, view->pager);
	return true;
}

/* Tells delivery of a pager and, of a pager by team, of the pager of each team that is not paused
 * by itself. */
static void pause_tell(struct incident_book *book, const char *name, bool paused)
{
	const struct pager *pager = rules_pager(book->rules, name);
	struct pause_teams teams = { .book = book,
				     .entry = name,
				     .arena = arena_new(LIMIT_PAGE_ARENA_BYTES) };
	size_t pos = 0;
	const struct team *team;

	deliver_pause(book->deliver, name, paused);
	while (paused && pager && pager->teams && (team = rules_each_team(book->rules, &pos))) {
		const struct pager *of_team = pager_of_team(pager, team);
		if (of_team)
			deliver_pause(book->deliver, of_team->name, true);
	}
	deliver_each_pager(book->deliver, pause_add_team, &teams);
	for (size_t i = 0; i < teams.n; i++)
		if (paused || !pause_find(book, teams.names[i]))
			deliver_pause(book->deliver, teams.names[i], paused);
	arena_free(teams.arena);
}

void incident_pause_meets(struct incident_book *book, const struct stored_page *page)
{
	if (pause_holding(book, page->pager))
		deliver_pause(book->deliver, page->pager, true);
}

bool incident_pause_kept(const struct incident_book *book, const struct stored_page *page)
{
	const struct pager_pause *pause = pause_holding(book, page->pager);
	const char *since = pause ? strstr(pause->by, SINCE) : NULL;
	int64_t since_us;

	/* Who paused it may have any name: the last one counts. */
	for (const char *next = since; next; next = strstr(next + 1, SINCE))
		since = next;
	return since &&
	       rfc3339_parse(since + strlen(SINCE), strlen(since + strlen(SINCE)), &since_us) ==
		       0 &&
	       since_us <= page->created_us;
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
	const struct pager_pause *pause = pause_holding(book, pager);

	return pause ? pause->by : NULL;
}

const char *incidents_book_own_pause(const struct incident_book *book, const char *pager)
{
	const struct pager_pause *pause = pause_find(book, pager);

	return pause ? pause->by : NULL;
}

/* Adds "pd:shop, pd:ledger": the teams of that entry that are paused by themselves. */
static void pause_add_teams(const struct incident_book *book, const char *entry, struct buf *words)
{
	const struct pager_pause *pause;
	size_t n = 0;

	STAILQ_FOREACH (pause, &book->pauses, link) {
		if (!pause_is_of_team(book, pause->pager, entry))
			continue;
		if (n++ < LIMIT_PAUSES_TOLD)
			buf_printf(words, "%s%s", n > 1 ? ", " : "", pause->pager);
	}
	if (n > LIMIT_PAUSES_TOLD)
		buf_printf(words, " and %zu more", n - LIMIT_PAUSES_TOLD);
}

static bool pause_has_teams(const struct incident_book *book, const char *entry)
{
	const struct pager_pause *pause;

	STAILQ_FOREACH (pause, &book->pauses, link)
		if (pause_is_of_team(book, pause->pager, entry))
			return true;
	return false;
}

static void pause_tell_resumed(const struct incident_book *book, const char *pager, bool changed,
			       struct buf *words)
{
	const struct pager_pause *holding = pause_holding(book, pager);

	if (holding) {
		buf_printf(words, "%s; %s is paused: resume %s",
			   changed ? "resumed, but its pages wait still"
				   : "it is paused with its entry",
			   holding->pager, holding->pager);
		return;
	}
	buf_puts(words, changed ? "resumed; what waited is sent now" : "it is not paused");
	if (!pause_has_teams(book, pager))
		return;
	buf_puts(words, changed ? ", but for teams that are paused by themselves: "
				: "; teams that are paused by themselves: ");
	pause_add_teams(book, pager, words);
}

void incidents_book_pause_words(const struct incident_book *book, const char *pager, bool paused,
				bool changed, struct buf *words)
{
	const struct pager_pause *pause;

	if (!paused) {
		pause_tell_resumed(book, pager, changed, words);
		return;
	}
	buf_puts(words,
		 changed ? "paused; its pages wait until it is resumed" : "it is paused already");
	STAILQ_FOREACH (pause, &book->pauses, link)
		if (pause_is_of_team(book, pager, pause->pager))
			buf_printf(words, "; %s is paused, too", pause->pager);
}

/* What delivery knows of its pagers, by name. */
static bool pause_add_view(void *ctx, const struct deliver_pager_view *view)
{
	map_put(ctx, view->pager, (void *)(uintptr_t)view);
	return true;
}

struct incident_pager_view incidents_book_view_pager(const struct incident_book *book,
						     const char *name,
						     const struct deliver_pager_view *delivery)
{
	const struct pager *pager = rules_pager(book->rules, name);
	const struct pager_pause *pause = pause_holding(book, name);

	return (struct incident_pager_view){
		.name = name,
		.kind = pager ? pager_kind_name(pager->kind) : "",
		.paused_by = pause ? pause->by : NULL,
		.pause = pause ? pause->pager : NULL,
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
		struct incident_pager_view view = incidents_book_view_pager(
			book, pagers[i].name, map_get(views, pagers[i].name));
		more = viewer(ctx, &view);
	}
	/* Those that the rules name no more, and those of teams, while they have pages, fail or are
	 * paused. */
	for (size_t pos = 0; more && (delivery = map_next(views, &pos, NULL));) {
		struct incident_pager_view view =
			incidents_book_view_pager(book, delivery->pager, delivery);
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
