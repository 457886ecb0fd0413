/* Mapping parts: see mapping_parts-internal.h. Owns nothing. */
#include "mapping_parts-internal.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* Words in front of a trace id in a text. */
static const char *const written_trace_words[] = { "trace_id", "trace.id", "traceid", "trace id" };

const struct mapping_value mapped_severities[] = {
	{ "critical", "critical" },
	{ "crit", "critical" },
	{ "fatal", "critical" },
	{ "page", "critical" },
	{ "disaster", "critical" },
	{ "emergency", "critical" },
	{ "p0", "critical" },
	{ "p1", "critical" },
	{ "sev0", "critical" },
	{ "sev1", "critical" },
	{ "error", "error" },
	{ "err", "error" },
	{ "high", "error" },
	{ "major", "error" },
	{ "p2", "error" },
	{ "sev2", "error" },
	{ "warning", "warning" },
	{ "warn", "warning" },
	{ "minor", "warning" },
	{ "medium", "warning" },
	{ "average", "warning" },
	{ "p3", "warning" },
	{ "sev3", "warning" },
	{ "info", "info" },
	{ "information", "info" },
	{ "informational", "info" },
	{ "low", "info" },
	{ "none", "info" },
	{ "notice", "info" },
	{ "debug", "info" },
	{ "p4", "info" },
	{ "p5", "info" },
	{ "sev4", "info" },
	{ "no severity", "" },
	{ "unknown", "" },
	{ "undefined", "" },
	{ NULL, NULL },
};

static bool parts_have_room(const struct mapped_alert *alert)
{
	return arena_room(alert->arena) > 8 * LIMIT_LABEL_BYTES;
}

const char *mapped_join(struct mapped_alert *alert, const char *a, const char *b)
{
	if (!a || !b || !parts_have_room(alert))
		return NULL;
	return arena_printf(alert->arena, "%.*s-%.*s", (int)LIMIT_LABEL_BYTES, a,
			    (int)LIMIT_LABEL_BYTES, b);
}

const char *mapped_host(struct mapped_alert *alert, const char *url)
{
	const char *host = url ? strstr(url, "://") : NULL;

	if (!host || !parts_have_room(alert))
		return NULL;
	host += strlen("://");
	size_t len = strcspn(host, "/?#");
	const char *user = memrchr(host, '@', len);
	if (user) {
		len -= (size_t)(user + 1 - host);
		host = user + 1;
	}
	if (!len || len > LIMIT_MAPPED_NAME_BYTES)
		return NULL;
	char *kept = arena_strndup(alert->arena, host, len);
	for (char *at = kept; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return kept;
}

static const char *parts_get(const struct label *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	return NULL;
}

const char *mapped_label(const struct mapped_alert *alert, const char *name)
{
	return parts_get(alert->labels, alert->nlabels, name);
}

const char *mapped_annotation(const struct mapped_alert *alert, const char *name)
{
	return parts_get(alert->annotations, alert->nannotations, name);
}

bool mapped_is_over(const struct mapped_alert *alert)
{
	return alert->status && strcasecmp(alert->status, "resolved") == 0;
}

void mapped_event_time(struct mapped_alert *alert)
{
	if (!mapped_is_over(alert) || alert->ends_at_us)
		return;
	alert->ends_at_us = alert->starts_at_us;
	alert->starts_at_us = 0;
}

/* ---- lists ---- */

/* Have all items of the list the member, with that value under that name? */
static bool is_common(json_t *list, const char *member, const char *name, json_t *value)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *labels = json_object_get(json_array_get(list, i), member);
		if (!json_equal(json_object_get(labels, name), value))
			return false;
	}
	return true;
}

static const char *parts_label_name(struct mapped_alert *alert, const char *name)
{
	char *kept = arena_strndup(alert->arena, name, strnlen(name, LIMIT_MAPPED_NAME_BYTES));

	for (char *at = kept; *at; at++)
		if (!isalnum((unsigned char)*at) && *at != '_')
			*at = '_';
	return kept;
}

void mapped_add_common(struct mapped_alert *alert, const char *list, const char *member)
{
	json_t *items = json_place_find(alert->places, alert->item, list), *value;
	const char *name;
	size_t told = 0;

	if (!json_is_array(items) || json_array_size(items) > LIMIT_MAPPED_LABELS)
		return;
	json_object_foreach(json_object_get(json_array_get(items, 0), member), name, value)
	{
		if (told++ == LIMIT_LABELS)
			break;
		if (*name && parts_have_room(alert) && is_common(items, member, name, value))
			mapped_add_label(alert, parts_label_name(alert, name),
					 mapped_text(alert->arena, value));
	}
}

/* ---- trace ids in texts ---- */

/* The hexadecimal digits of an id at the beginning of text; 0: it is none. */
static size_t written_id_len(const char *text)
{
	size_t n = strspn(text, "0123456789abcdefABCDEF");

	return (n == 16 || n == 32) && !isalnum((unsigned char)text[n]) ? n : 0;
}

static const char *find_written_trace(struct mapped_alert *alert, const char *text)
{
	for (size_t i = 0; text && i < ARRAY_LEN(written_trace_words); i++)
		for (const char *at = text; (at = strcasestr(at, written_trace_words[i]));) {
			at += strlen(written_trace_words[i]);
			const char *id = at + strspn(at, "\"'*` \t:=");
			size_t len = written_id_len(id);
			if (len && id > at && parts_have_room(alert))
				return arena_strndup(alert->arena, id, len);
		}
	return NULL;
}

static void parts_take_written_trace(struct mapped_alert *alert)
{
	static const char *const texts[] = { "description", "summary" };

	if (mapped_label(alert, "trace_id") || mapped_annotation(alert, "trace_id"))
		return;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		mapped_add_annotation(
			alert, "trace_id",
			find_written_trace(alert, mapped_annotation(alert, texts[i])));
}

void mapped_finish(struct mapped_alert *alert)
{
	parts_take_written_trace(alert);
	for (size_t i = 0; i < alert->nlabels; i++) {
		struct label *label = &alert->labels[i];
		if (strcmp(label->name, "severity") != 0)
			continue;
		for (const struct mapping_value *word = mapped_severities; word->from; word++)
			if (*word->to && strcasecmp(word->from, label->value) == 0)
				label->value = word->to;
	}
}
