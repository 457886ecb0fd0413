/*
 * What a silence of one incident holds: its suspect and its team; without a suspect the labels that
 * its alerts have in common, and its team. Changes nothing.
 */
#include <string.h>

#include "incident-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* A glob that is that name and no other. */
static void scope_write_suspect(const char *service, struct buf *doc)
{
	struct buf glob = BUF_INIT(LIMIT_GLOB_BYTES);

	for (; *service; service++) {
		if (strchr("*?[\\", *service))
			buf_putc(&glob, '\\');
		buf_putc(&glob, *service);
	}
	buf_json_text(doc, "suspect", buf_text(&glob));
	doc->failed |= glob.failed;
	buf_fini(&glob);
}

/* Do all alerts that are known have it? */
static bool scope_is_common(const struct incident *incident, const struct label *label)
{
	const struct incident_book *book = incident->book;
	const struct member *member;

	TAILQ_FOREACH (member, &incident->members, link) {
		const struct alert *alert = book->ops.alert(book->ops.ctx, member->key);
		const char *value = alert ? labels_get(&alert->labels, label->name) : label->value;
		if (!value || strcmp(value, label->value) != 0)
			return false;
	}
	return true;
}

/* In quotes, as a string of Go. */
static void scope_write_quoted(const char *text, struct buf *out)
{
	buf_putc(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
	buf_putc(out, '"');
}

/* An id of one trace, which the next alert does not have, or a text that no matcher takes. */
static bool scope_leaves_out(const struct label *label)
{
	if (strlen(label->name) + 2 * strlen(label->value) + 8 > LIMIT_GLOB_BYTES)
		return true;
	for (const char *at = label->value; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return true;
	return !*label->value || strcasestr(label->name, "trace");
}

static size_t scope_write_labels(const struct incident *incident, struct buf *doc)
{
	const struct incident_book *book = incident->book;
	const struct member *member = TAILQ_FIRST(&incident->members);
	const struct alert *first = NULL;
	size_t written = 0;

	for (; member && !first; member = TAILQ_NEXT(member, link))
		first = book->ops.alert(book->ops.ctx, member->key);
	for (size_t i = 0; first && i < first->labels.n && written < LIMIT_SILENCE_MATCHERS; i++) {
		const struct label *label = &first->labels.at[i];
		struct buf text = BUF_INIT(2 * LIMIT_GLOB_BYTES);
		if (scope_leaves_out(label) || !scope_is_common(incident, label))
			continue;
		scope_write_quoted(label->name, &text);
		buf_putc(&text, '=');
		scope_write_quoted(label->value, &text);
		buf_puts(doc, written++ ? "," : "");
		buf_json_string(doc, buf_text(&text));
		buf_fini(&text);
	}
	return written;
}

/* On one line. */
static void scope_write_reason(const char *reason, struct buf *doc)
{
	struct buf line = BUF_INIT(LIMIT_ACT_TEXT_BYTES);

	for (; *reason; reason++)
		buf_putc(&line, (unsigned char)*reason < ' ' || *reason == 0x7f ? ' ' : *reason);
	buf_json_text(doc, "reason", line.len ? buf_text(&line) : "from the page");
	buf_fini(&line);
}

bool incident_silence_scope(const struct incident *incident, const char *reason, struct buf *doc)
{
	bool narrow = *incident->suspect;

	buf_putc(doc, '{');
	if (narrow) {
		scope_write_suspect(incident->suspect, doc);
	} else {
		buf_json_key(doc, "matchers");
		buf_putc(doc, '[');
		narrow = scope_write_labels(incident, doc) > 0;
		buf_putc(doc, ']');
	}
	buf_json_text(doc, "team", incident->team);
	scope_write_reason(reason, doc);
	buf_json_int(doc, "duration_s", LIMIT_SILENCE_BUTTON_US / US_PER_SECOND);
	buf_putc(doc, '}');
	return narrow && !doc->failed;
}
