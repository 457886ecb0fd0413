/* Web notes: see web_notes-internal.h. */
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"

#include "web_notes-internal.h"

bool web_note_name_fits(const char *name)
{
	const size_t len = strlen(name);

	return len && len <= LIMIT_NOTE_NAME_BYTES &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       len;
}

/* The line at *at, which moves behind its end. */
static const char *note_line(struct arena *arena, const char **at)
{
	const size_t len = strcspn(*at, "\n");
	const char *line = arena_strndup(arena, *at, len);

	*at += len + ((*at)[len] == '\n');
	return line;
}

static size_t note_index(const struct web_notes *notes, const char *name, size_t len)
{
	size_t i = 0;

	while (i < notes->n &&
	       (strncmp(notes->at[i].name, name, len) != 0 || notes->at[i].name[len]))
		i++;
	return i;
}

static void note_remove(struct web_notes *notes, const char *name)
{
	const size_t i = note_index(notes, name, strlen(name));

	if (i == notes->n)
		return;
	memmove(&notes->at[i], &notes->at[i + 1], (notes->n - i - 1) * sizeof(notes->at[0]));
	notes->n--;
}

bool web_notes_add(struct web_notes *notes, const struct stored_event *event)
{
	const char *at = event->text, *title = strstr(at, ": ");

	if (strcmp(event->event, "note removed") == 0) {
		note_remove(notes, event->text);
		return true;
	}
	if (strcmp(event->event, "noted") != 0 || !title)
		return false;
	const size_t i = note_index(notes, at, (size_t)(title - at));
	if (i == LIMIT_NOTES)
		return true;
	struct web_note *note = &notes->at[i];
	*note = (struct web_note){ .name = arena_strndup(notes->arena, at, (size_t)(title - at)),
				   .who = arena_strdup(notes->arena, event->who),
				   .at_us = event->at_us };
	at = title + 2;
	note->title = note_line(notes->arena, &at);
	note->href = note_line(notes->arena, &at);
	note->author = note_line(notes->arena, &at);
	note_line(notes->arena, &at);
	note->text = arena_strdup(notes->arena, at);
	notes->n += i == notes->n;
	return true;
}

const struct web_note *web_notes_find(const struct web_notes *notes, const char *name)
{
	const size_t i = note_index(notes, name, strlen(name));

	return i < notes->n ? &notes->at[i] : NULL;
}

const char *web_event_words(struct arena *arena, const struct stored_event *event)
{
	const size_t len = strcmp(event->event, "noted") == 0 ? strcspn(event->text, "\n")
							      : strlen(event->text);

	return arena_strndup(arena, event->text, len);
}

void web_note_write_event(const struct web_note *note, struct buf *out)
{
	buf_printf(out, "%s: %s\n%s\n%s\n\n", note->name, note->title, note->href, note->author);
	buf_puts(out, note->text);
}

void web_note_write_json(const struct web_note *note, struct buf *out)
{
	char at[RFC3339_SIZE];

	buf_putc(out, '{');
	buf_json_text(out, "name", note->name);
	buf_json_text(out, "title", note->title);
	buf_json_text(out, "text", note->text);
	buf_json_text(out, "href", *note->href ? note->href : NULL);
	buf_json_text(out, "author", *note->author ? note->author : NULL);
	buf_json_text(out, "who", note->who);
	buf_json_text(out, "at", rfc3339_format(note->at_us, at));
	buf_putc(out, '}');
}

void web_notes_write_json(const struct web_notes *notes, struct buf *out)
{
	buf_json_key(out, "notes");
	buf_putc(out, '[');
	for (size_t i = 0; i < notes->n; i++) {
		buf_puts(out, i ? "," : "");
		web_note_write_json(&notes->at[i], out);
	}
	buf_putc(out, ']');
}
