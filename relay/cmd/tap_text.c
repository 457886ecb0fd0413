/* Tap, text: see tap-internal.h. */
#include "tap-internal.h"

#include <limits.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

/* Columns of the event's kind and of its word; longer words push the rest. */
#define KIND_COLUMNS  8
#define EVENT_COLUMNS 12
/* Of an incident's id, as people type it. */
#define INCIDENT_CHARACTERS 8

static const char *tap_text(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}

/* A line that is filled up to the screen's width. */
struct tap_line {
	const struct screen *screen;
	struct buf *out;
	size_t left; /* columns */
};

static void tap_line_add(struct tap_line *line, enum screen_style style, const char *text,
			 size_t most)
{
	struct buf plain = BUF_INIT(4 * LIMIT_TAP_TEXT_BYTES + 64);
	const size_t n = plain_add(&plain, text, most < line->left ? most : line->left);

	if (n)
		screen_add(line->screen, style, buf_text(&plain), line->out);
	line->left -= n < line->left ? n : line->left;
	buf_fini(&plain);
}

static void tap_line_gap(struct tap_line *line, size_t n)
{
	for (; n && line->left; n--, line->left--)
		buf_putc(line->out, ' ');
}

/* Filled up with blanks to so many columns. */
static void tap_line_add_padded(struct tap_line *line, enum screen_style style, const char *text,
				size_t columns)
{
	const size_t before = line->left;

	tap_line_add(line, style, text, SIZE_MAX);
	const size_t used = before - line->left;
	tap_line_gap(line, used < columns ? columns - used : 0);
}

/* Quoted, so that no value looks like further fields. */
static char *tap_quoted(const char *value)
{
	struct buf text = BUF_INIT(4 * LIMIT_TAP_TEXT_BYTES);

	buf_putc(&text, '"');
	for (; *value; value++)
		buf_printf(&text, strchr("\"\\", *value) ? "\\%c" : "%c", *value);
	buf_putc(&text, '"');
	return buf_take(&text);
}

/* " key=value"; nothing where there is no value. */
static void tap_line_add_field(struct tap_line *line, const char *key, const char *value, int most)
{
	if (!*value)
		return;
	CLEANUP_FREE char *name = xasprintf("%s=", key);
	CLEANUP_FREE char *shown = xasprintf("%.*s", most, value);
	CLEANUP_FREE char *text =
		shown[strcspn(shown, " =\"\\")] ? tap_quoted(shown) : xstrdup(shown);
	tap_line_gap(line, 1);
	tap_line_add(line, SCREEN_DIM, name, SIZE_MAX);
	tap_line_add(line, SCREEN_PLAIN, text, SIZE_MAX);
}

static enum screen_style tap_style(const char *kind, const char *what)
{
	static const char *const bad[] = { "rejected", "refused", "given up", "request", "body" };
	static const char *const good[] = { "delivered", "reached", "resolved" };
	static const char *const odd[] = { "tried again", "dropped", "escalated", "no suspect" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (strcmp(what, bad[i]) == 0)
			return SCREEN_RED;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (strcmp(what, good[i]) == 0)
			return SCREEN_GREEN;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		if (strcmp(what, odd[i]) == 0)
			return SCREEN_YELLOW;
	return strcmp(kind, "dropped") == 0  ? SCREEN_RED
	       : strcmp(what, "opened") == 0 ? SCREEN_BOLD
					     : SCREEN_PLAIN;
}

/* "18:42:03.584" of "2026-11-29T18:42:03.584Z"; milliseconds that are zero are not written there.
 */
static void tap_line_add_time(struct tap_line *line, const char *at)
{
	const char *time = strchr(at, 'T');
	char text[16] = "            ";

	if (time) {
		const size_t len = strcspn(time + 1, "Z");
		memcpy(text, "00:00:00.000", 12);
		memcpy(text, time + 1, len < 12 ? len : 12);
	}
	if (line->left >= 12)
		screen_add(line->screen, SCREEN_DIM, text, line->out);
	line->left -= line->left < 12 ? line->left : 12;
	tap_line_gap(line, 2);
}

void tap_write_line(const json_t *event, const struct screen *screen, struct buf *out)
{
	static const char *const fields[] = { "suspect", "page", "pager", "team", "who", "sender" };
	struct tap_line line = { .screen = screen,
				 .out = out,
				 .left = screen->columns ? screen->columns : SIZE_MAX };
	const char *kind = tap_text(event, "kind"), *what = tap_text(event, "event"), *name;
	const json_t *dropped = json_object_get(event, "dropped");
	json_t *label;

	tap_line_add_time(&line, tap_text(event, "at"));
	tap_line_add_padded(&line, SCREEN_PLAIN, kind, KIND_COLUMNS);
	tap_line_gap(&line, 2);
	if (dropped) {
		CLEANUP_FREE char *words =
			xasprintf("%lld events: this reader is slower than the relay",
				  (long long)json_integer_value(dropped));
		tap_line_add(&line, SCREEN_RED, words, SIZE_MAX);
	}
	if (*what) {
		tap_line_add_padded(&line, tap_style(kind, what), what, EVENT_COLUMNS);
		tap_line_gap(&line, 1);
	}
	tap_line_gap(&line, *tap_text(event, "alert") ? 1 : 0);
	tap_line_add(&line, SCREEN_BOLD, tap_text(event, "alert"), SIZE_MAX);
	json_object_foreach(json_object_get(event, "labels"), name, label)
		tap_line_add_field(&line, name, json_string_value(label), INT_MAX);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		tap_line_add_field(&line, fields[i], tap_text(event, fields[i]), INT_MAX);
	tap_line_add_field(&line, "incident", tap_text(event, "incident"), INCIDENT_CHARACTERS);
	tap_line_gap(&line, *tap_text(event, "text") ? 2 : 0);
	tap_line_add(&line, SCREEN_PLAIN, tap_text(event, "text"), SIZE_MAX);
	buf_putc(out, '\n');
}
