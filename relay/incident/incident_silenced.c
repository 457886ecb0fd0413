/*
 * What is kept of a silenced incident: who silences it, which pages may not leave meanwhile, and
 * what its pages say. It judges nothing: incident_silence.c does. Owns nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "incident-internal.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

void incident_set_text(char **text, const char *by)
{
	static char none[1];
	char *kept = !by ? NULL : *by ? xstrdup(by) : none;

	if (*text != none)
		free(*text);
	*text = kept;
}

const char *incidents_book_text(struct incident_book *book, const char *text)
{
	char *kept = map_get(book->texts, text);

	if (!kept) {
		kept = xstrdup(text);
		map_put(book->texts, kept, kept);
	}
	return kept;
}

void incident_forget_silence(struct incident *incident)
{
	incident_set_text(&incident->silenced, NULL);
	incident_set_text(&incident->silenced_words, NULL);
	incident->silence_tells = false;
}

bool incident_silence_keeps(struct incident *incident, enum page_event event)
{
	if (!incident->silenced || event == PAGE_RESOLVE || event == PAGE_NOTICE)
		return false;
	incident->keeps |= event == PAGE_TRIGGER;
	incident->owes_update |= event == PAGE_UPDATE;
	return true;
}

void incident_tell_silence(const struct incident *incident, struct arena *arena, struct page *page)
{
	struct buf text = BUF_INIT(LIMIT_PAGE_NOTE_BYTES);

	if (!incident->silenced_words)
		return;
	plain_add(&text, incident->silenced_words, LIMIT_PAGE_NOTE_BYTES / 2);
	if (page->banner && *page->banner)
		buf_printf(&text, ". %s", page->banner);
	if (!text.failed)
		page->banner = arena_strdup(arena, buf_text(&text));
	buf_fini(&text);
}

void incidents_book_unlink_check(struct incident_book *book, const struct incident *incident,
				 const struct member *member)
{
	if (member && member == book->check_member) {
		book->check_member = TAILQ_NEXT(member, link);
		/* Behind the last one the next incident is due. */
		if (!book->check_member)
			book->check_incident = TAILQ_NEXT(book->check_incident, in_all);
	}
	if (incident && incident == book->check_incident) {
		book->check_incident = TAILQ_NEXT(incident, in_all);
		book->check_member = NULL;
	}
}
