/* Tap: see tap.h. */
#include "tracepager/tap.h"

#include <assert.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/glob.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"

static const char *const tap_kind_names[TAP_KINDS] = {
	[TAP_ALERT] = "alert",	     [TAP_DECISION] = "decision", [TAP_PAGE] = "page",
	[TAP_INCIDENT] = "incident", [TAP_REJECTED] = "rejected",
};

/* The labels that tell where an alert is, as in the log. */
static const char *const tap_labels[] = { "service", "namespace", "cluster", "instance" };

const char *tap_kind_name(enum tap_kind kind)
{
	return tap_kind_names[kind];
}

/* ---- filters ---- */

bool tap_kinds(const char *words, unsigned int *ret_kinds)
{
	unsigned int kinds = 0;

	while (*words) {
		const size_t len = strcspn(words, ",");
		int kind = 0;
		while (kind < TAP_KINDS && (strlen(tap_kind_names[kind]) != len ||
					    strncmp(words, tap_kind_names[kind], len) != 0))
			kind++;
		if (kind == TAP_KINDS)
			return false;
		kinds |= 1u << kind;
		words += len + (words[len] == ',');
	}
	*ret_kinds = kinds;
	return true;
}

static const char *tap_label(const struct tap_event *event, const char *name)
{
	return event->alert ? labels_get(&event->alert->labels, name) : NULL;
}

static const char *tap_alert_name(const struct tap_event *event)
{
	const char *name = tap_label(event, "alertname");

	return name ? name : event->alert ? event->alert->fingerprint : NULL;
}

static const char *tap_sender(const struct tap_event *event)
{
	return event->sender ? event->sender : event->alert ? event->alert->sender : NULL;
}

static bool tap_glob_fits(const char *glob, const char *text)
{
	return !*glob || (text && glob_match(glob, text));
}

bool tap_matches(const struct tap_filter *filter, const struct tap_event *event)
{
	return (!filter->kinds || filter->kinds & 1u << event->kind) &&
	       tap_glob_fits(filter->sender, tap_sender(event)) &&
	       tap_glob_fits(filter->team, event->team) &&
	       tap_glob_fits(filter->alert, tap_alert_name(event)) &&
	       (tap_glob_fits(filter->service, event->suspect) ||
		tap_glob_fits(filter->service, tap_label(event, "service")));
}

/* ---- JSON ---- */

/* Cut between characters; a text that says nothing is left out. */
static void tap_add(struct buf *out, const char *key, const char *text, size_t most)
{
	if (!text || !*text)
		return;
	buf_json_key(out, key);
	buf_json_stringn(out, text, utf8_cut(text, strnlen(text, most + 1), most));
}

static void tap_add_labels(const struct tap_event *event, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(tap_labels); i++)
		any |= tap_label(event, tap_labels[i]) != NULL;
	if (!any)
		return;
	buf_json_key(out, "labels");
	buf_putc(out, '{');
	for (size_t i = 0; i < ARRAY_LEN(tap_labels); i++)
		tap_add(out, tap_labels[i], tap_label(event, tap_labels[i]), LIMIT_TAP_NAME_BYTES);
	buf_putc(out, '}');
}

void tap_write(const struct tap_event *event, int64_t at_us, struct buf *out)
{
	char at[RFC3339_SIZE];

	buf_putc(out, '{');
	buf_json_text(out, "at", rfc3339_format(at_us, at));
	buf_json_text(out, "kind", tap_kind_name(event->kind));
	tap_add(out, "event", event->what, LIMIT_TAP_NAME_BYTES);
	tap_add(out, "alert", tap_alert_name(event), LIMIT_TAP_NAME_BYTES);
	tap_add(out, "alert_key", event->alert_key, LIMIT_TAP_NAME_BYTES);
	tap_add_labels(event, out);
	tap_add(out, "sender", tap_sender(event), LIMIT_TAP_NAME_BYTES);
	tap_add(out, "severity", event->severity, LIMIT_TAP_NAME_BYTES);
	tap_add(out, "suspect", event->suspect, LIMIT_TAP_NAME_BYTES);
	tap_add(out, "team", event->team, LIMIT_TAP_NAME_BYTES);
	tap_add(out, "incident", event->incident, LIMIT_TAP_NAME_BYTES);
	tap_add(out, "pager", event->pager, LIMIT_TAP_NAME_BYTES);
	tap_add(out, "page", event->page, LIMIT_TAP_NAME_BYTES);
	tap_add(out, "who", event->who, LIMIT_TAP_NAME_BYTES);
	tap_add(out, "text", event->text, LIMIT_TAP_TEXT_BYTES);
	buf_putc(out, '}');
}

/* ---- readers ---- */

void tap_init(struct tap *tap, const struct clock *clock)
{
	*tap = (struct tap){ .clock = clock };
	LIST_INIT(&tap->readers);
	buf_init(&tap->event, LIMIT_TAP_EVENT_BYTES);
}

void tap_fini(struct tap *tap)
{
	assert(!tap->nreaders);
	buf_fini(&tap->event);
}

void tap_join(struct tap *tap, struct tap_reader *reader)
{
	LIST_INSERT_HEAD(&tap->readers, reader, link);
	tap->nreaders++;
}

void tap_leave(struct tap *tap, struct tap_reader *reader)
{
	LIST_REMOVE(reader, link);
	tap->nreaders--;
}

void tap_tell(struct tap *tap, const struct tap_event *event)
{
	struct tap_reader *reader;

	buf_reset(&tap->event);
	LIST_FOREACH (reader, &tap->readers, link) {
		if (!tap_matches(&reader->filter, event))
			continue;
		if (!tap->event.len)
			tap_write(event, clock_wall_us(tap->clock), &tap->event);
		if (!tap->event.failed)
			reader->take(reader->ctx, tap->event.data, tap->event.len);
	}
}
