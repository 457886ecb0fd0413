/*
 * Web notes: notes from outside on an incident, as its story keeps them: an event for each note
 * that was put, and one for each that was taken away; of one name the last event counts. An event's
 * text is "NAME: TITLE", then a line each for the address and the author, an empty line, and the
 * text. Pure; any thread.
 */
#ifndef TRACEPAGER_WEB_NOTES_INTERNAL_H
#define TRACEPAGER_WEB_NOTES_INTERNAL_H

#include <stdbool.h>

#include "tracepager/arena.h"
#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/store.h"

struct web_note {
	const char *name, *title, *text; /* text: Markdown of one or more lines */
	const char *href, *author;	 /* "" none */
	const char *who;		 /* whose token put it */
	int64_t at_us;
};

/* The notes of one incident, in the order in which their names were first put. */
struct web_notes {
	struct arena *arena; /* borrowed; keeps the texts */
	struct web_note at[LIMIT_NOTES];
	size_t n;
};

/* 1 to LIMIT_NOTE_NAME_BYTES letters, digits, dots, hyphens and underlines. */
bool web_note_name_fits(const char *name);
/* The next event of the story. False: it is about no note. */
bool web_notes_add(struct web_notes *notes, const struct stored_event *event);
const struct web_note *web_notes_find(const struct web_notes *notes, const char *name);
/* The text of an event as a list of events shows it: of a note its first line. */
const char *web_event_words(struct arena *arena, const struct stored_event *event);
/* The text of the event that puts the note. */
void web_note_write_event(const struct web_note *note, struct buf *out);
void web_note_write_json(const struct web_note *note, struct buf *out);
/* The member "notes" of an object whose brace is open. */
void web_notes_write_json(const struct web_notes *notes, struct buf *out);

#endif
