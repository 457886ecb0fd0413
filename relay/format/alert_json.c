/*
 * Alert JSON: see alert_json-internal.h. Sound alerts are taken, unsound ones are refused one by
 * one; the whole body is refused only if it is not JSON or has another shape. While it parses it
 * owns its reader and its scratch memory.
 */
#include "alert_json-internal.h"

#include "alert_cut-internal.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tracepager/clock.h"
#include "tracepager/jread.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

enum where {
	OUTSIDE, /* before and after the outermost value */
	MEMBERS, /* in the outermost object */
	MEMBER_VALUE,
	LIST, /* of alerts */
	ALERT,
	FIELD_VALUE,
	MAP, /* labels or annotations */
	MAP_VALUE,
};

enum field {
	FIELD_STATUS, /* status and fingerprint: in webhooks only */
	FIELD_FINGERPRINT,
	FIELD_LABELS,
	FIELD_ANNOTATIONS,
	FIELD_STARTS_AT,
	FIELD_ENDS_AT,
	FIELD_GENERATOR_URL,
	FIELD_COUNT,
};

/* What an alert over its caps keeps before all others: what rules match and people read. */
static const char *const first_labels[] = { "alertname", "severity", "service",	  "instance",
					    "job",	 "cluster",  "namespace", NULL };
static const char *const first_annotations[] = { "summary", "description", "message", "runbook_url",
						 NULL };

static const char *const field_names[FIELD_COUNT] = {
	[FIELD_STATUS] = "status",
	[FIELD_FINGERPRINT] = "fingerprint",
	[FIELD_LABELS] = "labels",
	[FIELD_ANNOTATIONS] = "annotations",
	[FIELD_STARTS_AT] = "startsAt",
	[FIELD_ENDS_AT] = "endsAt",
	[FIELD_GENERATOR_URL] = "generatorURL",
};

/* name and value are offsets into the reader's strings until the alert is complete. */
struct text_pair {
	size_t name, value;
};

struct text_map {
	struct text_pair *at;
	size_t n, size;
	bool given;
};

struct alert_json {
	const struct alert_json_kind *kind;
	struct arena *arena;
	const char *body, *end, *sender;
	int64_t now_us;
	struct jread *jread;
	enum where where;

	struct alert_json_outside outside;
	enum { MEMBER_ALERTS, MEMBER_VERSION, MEMBER_TRUNCATED, MEMBER_GROUP_KEY } member;
	uint64_t truncated;
	const char *group_key; /* the arena's; NULL: the body has none */

	/* The alert that is being read. */
	unsigned int index; /* its place in the list */
	bool refused_now;
	enum field field;
	struct alert_json_fields fields;
	int64_t starts_at_us, ends_at_us;
	size_t generator_url;
	struct text_map maps[2]; /* labels, annotations */
	struct buf strings;	 /* starts with an empty text */
	bool has_long_text;	 /* one of strings is over LIMIT_LABEL_BYTES */

	struct alert *alerts;
	struct alert_note *refused, *cut;
	size_t nalerts, nrefused, ncut, alerts_size, refused_size, cut_size;

	/* Where the last key, string or number is, and up to where lines have been counted. */
	const char *place, *counted, *line_start;
	int line;
};

/* The place of a token is known only if the reader did not copy the token. */
static void note_place(struct alert_json *reader, enum jread_event event, const char *text)
{
	if ((uintptr_t)text <= (uintptr_t)reader->body || (uintptr_t)text > (uintptr_t)reader->end)
		return;
	reader->place = event == JREAD_KEY || event == JREAD_STRING ? text - 1 : text;
}

/* Places only move forward, so that counting all lines reads the body once. */
static int place_line(struct alert_json *reader)
{
	while (reader->counted < reader->place) {
		if (*reader->counted++ == '\n') {
			reader->line++;
			reader->line_start = reader->counted;
		}
	}
	return reader->line;
}

static void *alert_json_grow(void *old, size_t n, size_t *size, size_t item_bytes)
{
	if (n < *size)
		return old;
	*size = *size > 0 ? *size * 2 : 8;
	return xrealloc_array(old, *size, item_bytes);
}

static void make_one_line(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
	}
}

static void refuse_alert(struct alert_json *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Has the arena room for this many bytes, beside what hand_over_batch() will take? */
static bool alert_json_has_room(const struct alert_json *reader, size_t bytes)
{
	size_t later = (reader->nalerts + 1) * sizeof(*reader->alerts) +
		       (reader->nrefused + reader->ncut + 1) * sizeof(*reader->refused);

	return arena_room(reader->arena) > bytes + later;
}

/* A note about the alert that is being read, with a text that the caller replaces. */
static struct alert_note *add_note(struct alert_json *reader, struct alert_note **notes, size_t *n,
				   size_t *size, const char *text)
{
	*notes = alert_json_grow(*notes, *n, size, sizeof(**notes));
	(*notes)[*n] = (struct alert_note){ .index = reader->index, .text = text };
	return &(*notes)[(*n)++];
}

/* The first reason is kept; the rest of the alert is skipped. */
static void refuse_alert(struct alert_json *reader, const char *format, ...)
{
	struct alert_note *refused;
	va_list args;
	char *text, *what;
	int line;

	if (reader->refused_now)
		return;
	reader->refused_now = true;
	refused = add_note(reader, &reader->refused, &reader->nrefused, &reader->refused_size,
			   "refused too; the reasons of further alerts are not listed");
	if (reader->nrefused > LIMIT_REFUSED_TOLD ||
	    !alert_json_has_room(reader, LIMIT_ALERT_NOTE_BYTES))
		return;
	va_start(args, format);
	what = arena_vprintf(reader->arena, format, args);
	va_end(args);
	line = place_line(reader);
	text = arena_printf(reader->arena, "alert %u: %s (line %d, column %d)", reader->index, what,
			    line, (int)(reader->place - reader->line_start) + 1);
	make_one_line(text);
	refused->text = text;
}

/* Appends the text and a NUL; NUL characters inside become U+FFFD. Returns its offset. */
static size_t alert_json_add_text(struct alert_json *reader, const char *text, size_t len)
{
	struct buf *strings = &reader->strings;
	size_t start = strings->len;
	const char *nul;

	while ((nul = memchr(text, '\0', len))) {
		buf_add(strings, text, (size_t)(nul - text));
		buf_puts(strings, "\xef\xbf\xbd");
		len -= (size_t)(nul + 1 - text);
		text = nul + 1;
	}
	buf_add(strings, text, len);
	reader->has_long_text |= strings->len - start > LIMIT_LABEL_BYTES;
	buf_putc(strings, '\0');
	return start;
}

/* An alert begins, and ends. */

static void begin_alert(struct alert_json *reader)
{
	reader->refused_now = false;
	memset(&reader->fields, 0, sizeof(reader->fields));
	reader->starts_at_us = reader->ends_at_us = 0;
	reader->generator_url = 0;
	for (size_t i = 0; i < ARRAY_LEN(reader->maps); i++) {
		reader->maps[i].n = 0;
		reader->maps[i].given = false;
	}
	buf_reset(&reader->strings);
	buf_putc(&reader->strings, '\0');
	reader->has_long_text = false;
}

static struct labels make_labels(struct arena *arena, const struct text_map *map,
				 const char *strings)
{
	struct labels labels = { .n = map->n };

	labels.at = arena_array(arena, map->n, sizeof(*labels.at));
	for (size_t i = 0; i < map->n; i++) {
		labels.at[i].name = strings + map->at[i].name;
		labels.at[i].value = strings + map->at[i].value;
	}
	labels_normalise(&labels);
	return labels;
}

/* All labels or annotations, sorted, in memory of their own: caller frees at. */
static struct labels sort_map(const struct text_map *map, const char *strings)
{
	struct labels labels = { .at = xcalloc(map->n + 1, sizeof(*labels.at)) };

	for (size_t i = 0; i < map->n; i++) {
		labels.at[i].name = strings + map->at[i].name;
		labels.at[i].value = strings + map->at[i].value;
	}
	labels.n = alert_cut_sort(labels.at, map->n);
	return labels;
}

static void write_cut(struct buf *out, const char *what, const struct alert_cut *cut)
{
	if (cut->left_out)
		buf_printf(out, "%s%zu of %zu %s left out", out->len ? ", " : "", cut->left_out,
			   cut->given, what);
	if (cut->shortened)
		buf_printf(out, "%s%zu of %zu %s shortened", out->len ? ", " : "", cut->shortened,
			   cut->given, what);
}

/* Notes what was cut, for the sender's answer and for whoever is paged. */
static void tell_cut(struct alert_json *reader, struct alert *alert, const struct alert_cut cut[2])
{
	struct buf text = BUF_INIT(LIMIT_ALERT_NOTE_BYTES);
	struct label *at = arena_array(reader->arena, alert->annotations.n + 1, sizeof(*at));

	write_cut(&text, "labels", &cut[0]);
	write_cut(&text, "annotations", &cut[1]);
	if (alert->annotations.n)
		memcpy(at, alert->annotations.at, alert->annotations.n * sizeof(*at));
	at[alert->annotations.n] = (struct label){
		.name = "tracepager_cut",
		.value = arena_printf(reader->arena, "this alert was too large: %s",
				      buf_text(&text)),
	};
	alert->annotations = (struct labels){ .at = at, .n = alert->annotations.n + 1 };
	labels_normalise(&alert->annotations);

	struct alert_note *note = add_note(reader, &reader->cut, &reader->ncut, &reader->cut_size,
					   "cut too; what was cut of further alerts is not listed");
	if (reader->ncut <= LIMIT_REFUSED_TOLD)
		note->text =
			arena_printf(reader->arena, "alert %u: %s", reader->index, buf_text(&text));
	buf_fini(&text);
}

/* An alert within the caps: all its texts go into the arena as they are. */
static void fill_alert(struct alert_json *reader, struct alert *alert)
{
	char *strings = arena_alloc(reader->arena, reader->strings.len);

	memcpy(strings, reader->strings.data, reader->strings.len);
	alert->labels = make_labels(reader->arena, &reader->maps[0], strings);
	alert->annotations = make_labels(reader->arena, &reader->maps[1], strings);
	alert->generator_url = strings + reader->generator_url;
	if (reader->fields.fingerprint[0] == '\0')
		labels_fingerprint(&alert->labels, reader->fields.fingerprint);
}

/* An alert over the caps: it loses labels, annotations and the ends of values, and keeps the
 * identity that all its labels give it. */
static void fill_cut_alert(struct alert_json *reader, struct alert *alert)
{
	const char *strings = reader->strings.data;
	struct labels labels = sort_map(&reader->maps[0], strings),
		      annotations = sort_map(&reader->maps[1], strings);
	struct alert_cut cut[2];
	size_t room = LIMIT_ALERT_BYTES;

	if (reader->fields.fingerprint[0] == '\0')
		labels_fingerprint(&labels, reader->fields.fingerprint);
	alert->labels =
		alert_cut_map(reader->arena, &labels, first_labels, LIMIT_LABELS, &room, &cut[0]);
	alert->annotations = alert_cut_map(reader->arena, &annotations, first_annotations,
					   LIMIT_LABELS - 1, &room, &cut[1]);
	alert->generator_url = arena_strdup(reader->arena, strings + reader->generator_url);
	if (cut[0].left_out || cut[0].shortened || cut[1].left_out || cut[1].shortened)
		tell_cut(reader, alert, cut);
	free(labels.at);
	free(annotations.at);
}

static bool needs_cut(const struct alert_json *reader)
{
	return reader->has_long_text || reader->maps[0].n > LIMIT_LABELS ||
	       reader->maps[1].n > LIMIT_LABELS || reader->strings.len > LIMIT_ALERT_BYTES;
}

/* The most that fill_alert() and fill_cut_alert() take of the arena. */
static size_t alert_bytes(const struct alert_json *reader)
{
	size_t nlabels = reader->maps[0].n + reader->maps[1].n;

	if (!needs_cut(reader))
		return reader->strings.len + nlabels * sizeof(struct label) + FINGERPRINT_SIZE;
	return LIMIT_ALERT_BYTES + LIMIT_LABEL_BYTES + 6 * LIMIT_LABELS * sizeof(struct label) +
	       4 * LIMIT_ALERT_NOTE_BYTES;
}

/* 0, or -ENOMEM: the arena has no room for the alert. */
static int end_alert(struct alert_json *reader)
{
	struct alert alert = { .sender = reader->sender, .family = reader->kind->family };
	const char *reason;

	if (reader->refused_now)
		return 0;
	assert(!reader->strings.failed);
	if (!alert_json_has_room(reader, alert_bytes(reader)))
		return err_set(jread_err(reader->jread), ENOMEM,
			       "the memory of one request is used up at alert %u", reader->index);
	if (needs_cut(reader))
		fill_cut_alert(reader, &alert);
	else
		fill_alert(reader, &alert);
	if (!alert.labels.n) {
		refuse_alert(reader, "it has no labels");
		return 0;
	}
	alert.starts_at_us = reader->starts_at_us;
	alert.ends_at_us = reader->ends_at_us;
	reason = reader->kind->complete(&alert, &reader->fields, reader->now_us);
	if (reason) {
		refuse_alert(reader, "%s", reason);
		return 0;
	}
	alert.fingerprint = arena_strdup(reader->arena, reader->fields.fingerprint);
	reader->alerts = alert_json_grow(reader->alerts, reader->nalerts, &reader->alerts_size,
					 sizeof(alert));
	reader->alerts[reader->nalerts++] = alert;
	return 0;
}

/* Fields of an alert. */

static void take_alert_time(struct alert_json *reader, const char *text, size_t len)
{
	int64_t *slot =
		reader->field == FIELD_STARTS_AT ? &reader->starts_at_us : &reader->ends_at_us;

	if (len > 0 && rfc3339_parse(text, len, slot) != 0)
		refuse_alert(reader, "%s is not a time: \"%.*s\"", field_names[reader->field],
			     (int)(len < LIMIT_QUOTED_BYTES ? len : LIMIT_QUOTED_BYTES), text);
}

static void take_alert_status(struct alert_json *reader, const char *text, size_t len)
{
	reader->fields.has_status = true;
	if (jread_is(text, len, "firing"))
		reader->fields.status = ALERT_FIRING;
	else if (jread_is(text, len, "resolved"))
		reader->fields.status = ALERT_RESOLVED;
	else
		refuse_alert(reader, "status is \"%.*s\", neither firing nor resolved",
			     (int)(len < LIMIT_QUOTED_BYTES ? len : LIMIT_QUOTED_BYTES), text);
}

static void take_fingerprint(struct alert_json *reader, const char *text, size_t len)
{
	char *slot = reader->fields.fingerprint;

	if (len != FINGERPRINT_SIZE - 1)
		return;
	for (size_t i = 0; i < len; i++) {
		if (!isxdigit((unsigned char)text[i])) {
			slot[0] = '\0';
			return;
		}
		slot[i] = (char)tolower((unsigned char)text[i]);
	}
	slot[len] = '\0';
}

/* A person will be offered this URL to click on: only web addresses are kept. */
static void take_url(struct alert_json *reader, const char *text, size_t len)
{
	bool web = (len > 7 && strncasecmp(text, "http://", 7) == 0) ||
		   (len > 8 && strncasecmp(text, "https://", 8) == 0);

	if (web && len <= LIMIT_LABEL_BYTES)
		reader->generator_url = alert_json_add_text(reader, text, len);
}

static int take_alert_field(struct alert_json *reader, enum jread_event event, const char *text,
			    size_t len)
{
	bool map = reader->field == FIELD_LABELS || reader->field == FIELD_ANNOTATIONS;

	reader->where = ALERT;
	if (event == JREAD_NULL)
		return JREAD_GO;
	if (event != (map ? JREAD_OBJECT : JREAD_STRING)) {
		refuse_alert(reader, "%s is %s, not %s", field_names[reader->field],
			     jread_event_name(event),
			     jread_event_name(map ? JREAD_OBJECT : JREAD_STRING));
		return event == JREAD_OBJECT || event == JREAD_ARRAY ? JREAD_SKIP : JREAD_GO;
	}
	switch (reader->field) {
	case FIELD_LABELS:
	case FIELD_ANNOTATIONS:
		if (reader->maps[reader->field - FIELD_LABELS].given)
			refuse_alert(reader, "%s is given twice", field_names[reader->field]);
		reader->maps[reader->field - FIELD_LABELS].given = true;
		reader->where = MAP;
		break;
	case FIELD_STARTS_AT:
	case FIELD_ENDS_AT:
		take_alert_time(reader, text, len);
		break;
	case FIELD_STATUS:
		take_alert_status(reader, text, len);
		break;
	case FIELD_FINGERPRINT:
		take_fingerprint(reader, text, len);
		break;
	case FIELD_GENERATOR_URL:
		take_url(reader, text, len);
		break;
	case FIELD_COUNT:
		break;
	}
	return JREAD_GO;
}

static int on_alert_member(struct alert_json *reader, enum jread_event event, const char *text,
			   size_t len)
{
	if (event == JREAD_OBJECT_END) {
		int error = end_alert(reader);

		reader->index++;
		reader->where = LIST;
		return error ? error : JREAD_GO;
	}
	if (reader->refused_now)
		return JREAD_SKIP;
	for (int i = reader->kind->list ? FIELD_LABELS : 0; i < FIELD_COUNT; i++) {
		if (strlen(field_names[i]) == len && memcmp(field_names[i], text, len) == 0) {
			reader->field = (enum field)i;
			reader->where = FIELD_VALUE;
			return JREAD_GO;
		}
	}
	return JREAD_SKIP;
}

static int on_map_name(struct alert_json *reader, enum jread_event event, const char *text,
		       size_t len)
{
	struct text_map *map = &reader->maps[reader->field - FIELD_LABELS];

	if (event == JREAD_OBJECT_END) {
		reader->where = ALERT;
		return JREAD_GO;
	}
	if (reader->refused_now)
		return JREAD_SKIP;
	if (len == 0) {
		refuse_alert(reader, "%s has an empty name", field_names[reader->field]);
		return JREAD_SKIP;
	}
	map->at = alert_json_grow(map->at, map->n, &map->size, sizeof(*map->at));
	map->at[map->n].name = alert_json_add_text(reader, text, len);
	reader->where = MAP_VALUE;
	return JREAD_GO;
}

static int on_map_value(struct alert_json *reader, enum jread_event event, const char *text,
			size_t len)
{
	struct text_map *map = &reader->maps[reader->field - FIELD_LABELS];

	reader->where = MAP;
	if (event == JREAD_STRING) {
		map->at[map->n++].value = alert_json_add_text(reader, text, len);
	} else if (event == JREAD_NULL) {
		map->at[map->n++].value = 0;
	} else {
		refuse_alert(reader, "%s.%.*s is %s, not a string", field_names[reader->field],
			     LIMIT_QUOTED_BYTES, reader->strings.data + map->at[map->n].name,
			     jread_event_name(event));
		return event == JREAD_OBJECT || event == JREAD_ARRAY ? JREAD_SKIP : JREAD_GO;
	}
	return JREAD_GO;
}

/* Around the alerts. */

static int on_list_item(struct alert_json *reader, enum jread_event event)
{
	if (event == JREAD_ARRAY_END) {
		reader->where = reader->kind->list ? OUTSIDE : MEMBERS;
		return JREAD_GO;
	}
	if (reader->index == LIMIT_ALERTS_PER_BODY)
		return err_set(jread_err(reader->jread), E2BIG, "more than %d alerts in one body",
			       LIMIT_ALERTS_PER_BODY);
	begin_alert(reader);
	if (event == JREAD_OBJECT) {
		reader->where = ALERT;
		return JREAD_GO;
	}
	refuse_alert(reader, "it is %s, not an object", jread_event_name(event));
	reader->index++;
	return event == JREAD_ARRAY ? JREAD_SKIP : JREAD_GO;
}

static void note_outside_member(struct alert_json_outside *outside, const char *text, size_t len)
{
	static const struct {
		const char *name, *looks_like;
	} telling[] = {
		{ "evalMatches", "an alert of Grafana before version 9" },
		{ "ruleUrl", "an alert of Grafana before version 9" },
		{ "routing_key", "a PagerDuty event" },
		{ "TopicArn", "an Amazon SNS message" },
		{ "resourceSpans", "a trace in OTLP JSON" },
		{ "labels", "a single alert" },
	};

	for (size_t i = 0; i < ARRAY_LEN(telling); i++) {
		if (strlen(telling[i].name) == len && memcmp(telling[i].name, text, len) == 0)
			outside->looks_like = telling[i].looks_like;
	}
}

static int on_outside_member(struct alert_json *reader, enum jread_event event, const char *text,
			     size_t len)
{
	struct alert_json_outside *outside = &reader->outside;

	if (event == JREAD_OBJECT_END) {
		reader->where = OUTSIDE;
		return reader->kind->judge(outside, jread_err(reader->jread));
	}
	note_outside_member(outside, text, len);
	outside->has_alerts |= jread_is(text, len, "alerts");
	if (reader->kind->list)
		return JREAD_SKIP;
	if (jread_is(text, len, "alerts"))
		reader->member = MEMBER_ALERTS;
	else if (jread_is(text, len, "version"))
		reader->member = MEMBER_VERSION;
	else if (jread_is(text, len, "truncatedAlerts"))
		reader->member = MEMBER_TRUNCATED;
	else if (jread_is(text, len, "groupKey"))
		reader->member = MEMBER_GROUP_KEY;
	else
		return JREAD_SKIP;
	reader->where = MEMBER_VALUE;
	return JREAD_GO;
}

static int on_member_value(struct alert_json *reader, enum jread_event event, const char *text,
			   size_t len)
{
	struct alert_json_outside *outside = &reader->outside;
	int64_t number;

	reader->where = MEMBERS;
	if (reader->member == MEMBER_ALERTS) {
		if (event == JREAD_ARRAY)
			reader->where = LIST;
		else if (event != JREAD_NULL) /* Go writes an empty list as null */
			return err_set(jread_err(reader->jread), EBADMSG,
				       "alerts is %s, not a list", jread_event_name(event));
		return JREAD_GO;
	}
	if (reader->member == MEMBER_VERSION && event != JREAD_STRING && event != JREAD_NULL)
		return err_set(jread_err(reader->jread), EBADMSG, "version is %s, not a string",
			       jread_event_name(event));
	if (reader->member == MEMBER_VERSION && event == JREAD_STRING) {
		len = len < sizeof(outside->version) ? len : sizeof(outside->version) - 1;
		memcpy(outside->version, text, len);
		outside->version[len] = '\0';
		make_one_line(outside->version);
	} else if (reader->member == MEMBER_TRUNCATED && event == JREAD_NUMBER &&
		   jread_int64(text, len, &number) && number > 0) {
		reader->truncated = (uint64_t)number;
	} else if (reader->member == MEMBER_GROUP_KEY && event == JREAD_STRING) {
		reader->group_key = arena_strndup(
			reader->arena, text, len < LIMIT_LABEL_BYTES ? len : LIMIT_LABEL_BYTES);
	}
	return event == JREAD_OBJECT || event == JREAD_ARRAY ? JREAD_SKIP : JREAD_GO;
}

static int on_outermost_value(struct alert_json *reader, enum jread_event event)
{
	bool list = reader->kind->list;

	if (event == JREAD_OBJECT) {
		reader->where = MEMBERS;
		return JREAD_GO;
	}
	if (event == JREAD_ARRAY && list) {
		reader->where = LIST;
		return JREAD_GO;
	}
	return err_set(jread_err(reader->jread), EBADMSG, "this is %s, not %s",
		       event == JREAD_ARRAY ? "a list, as /api/v2/alerts takes it"
					    : jread_event_name(event),
		       reader->kind->what);
}

static int alert_json_on_event(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct alert_json *reader = ctx;

	note_place(reader, event, text);
	switch (reader->where) {
	case OUTSIDE:
		return on_outermost_value(reader, event);
	case MEMBERS:
		return on_outside_member(reader, event, text, len);
	case MEMBER_VALUE:
		return on_member_value(reader, event, text, len);
	case LIST:
		return on_list_item(reader, event);
	case ALERT:
		return on_alert_member(reader, event, text, len);
	case FIELD_VALUE:
		return take_alert_field(reader, event, text, len);
	case MAP:
		return on_map_name(reader, event, text, len);
	case MAP_VALUE:
		break;
	}
	return on_map_value(reader, event, text, len);
}

/* ---- match ---- */

/* What the outermost value of a body shows. */
struct alert_json_look {
	bool is_list, has_alerts;
};

static int alert_json_on_look(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct alert_json_look *look = ctx;

	look->is_list = event == JREAD_ARRAY;
	look->has_alerts = event == JREAD_KEY && jread_is(text, len, "alerts");
	if (event == JREAD_OBJECT)
		return JREAD_GO;
	return event == JREAD_KEY && !look->has_alerts ? JREAD_SKIP : -ECANCELED;
}

static struct alert_json_look alert_json_look(const char *body, size_t len)
{
	struct alert_json_look look = { 0 };
	struct jread *jread = jread_new(JREAD_ONE, alert_json_on_look, &look);

	jread_feed(jread, body, len);
	jread_free(jread);
	return look;
}

bool alert_json_is_list(const char *body, size_t len)
{
	return alert_json_look(body, len).is_list;
}

bool alert_json_has_alerts(const char *body, size_t len)
{
	return alert_json_look(body, len).has_alerts;
}

/* ---- parse ---- */

static void *keep_items(struct arena *arena, const void *items, size_t n, size_t item_bytes)
{
	void *copy = arena_array(arena, n, item_bytes);

	if (n > 0)
		memcpy(copy, items, n * item_bytes);
	return copy;
}

static void hand_over_batch(struct alert_json *reader, struct alert_batch *ret_batch)
{
	ret_batch->alerts =
		keep_items(reader->arena, reader->alerts, reader->nalerts, sizeof(*reader->alerts));
	ret_batch->nalerts = reader->nalerts;
	ret_batch->refused = keep_items(reader->arena, reader->refused, reader->nrefused,
					sizeof(*reader->refused));
	ret_batch->nrefused = reader->nrefused;
	ret_batch->cut = keep_items(reader->arena, reader->cut, reader->ncut, sizeof(*reader->cut));
	ret_batch->ncut = reader->ncut;
	ret_batch->repaired = jread_repaired(reader->jread);
	ret_batch->truncated = reader->truncated;
	ret_batch->group_key = reader->group_key;
}

int alert_json_parse(const struct alert_json_kind *kind, struct arena *arena, const char *body,
		     size_t len, const char *sender, int64_t now_us, struct alert_batch *ret_batch,
		     struct err *err)
{
	struct alert_json *reader;
	int code;

	if (len > LIMIT_BODY_BYTES)
		return err_set(err, E2BIG, "the body has more than %u bytes", LIMIT_BODY_BYTES);
	if (arena_room(arena) < strlen(sender) + LIMIT_ALERT_NOTE_BYTES)
		return err_set(err, ENOMEM, "the memory of one request is used up");
	reader = xcalloc(1, sizeof(*reader));
	reader->kind = kind;
	reader->arena = arena;
	reader->body = reader->place = reader->counted = reader->line_start = body;
	reader->end = body + len;
	reader->line = 1;
	reader->now_us = now_us;
	reader->sender = arena_strdup(arena, sender);
	/* A bad byte becomes the three of U+FFFD; else decoding makes no text longer. The NUL
	 * behind each text takes the place of a quote; the first NUL is the extra byte. */
	buf_init(&reader->strings, 3 * len + 1);
	reader->jread = jread_new(JREAD_ONE, alert_json_on_event, reader);
	jread_repair(reader->jread);

	code = jread_feed(reader->jread, body, len);
	if (code == 0)
		code = jread_finish(reader->jread);
	if (code == 0)
		hand_over_batch(reader, ret_batch);
	else if (err)
		*err = *jread_err(reader->jread);

	jread_free(reader->jread);
	buf_fini(&reader->strings);
	free(reader->maps[0].at);
	free(reader->maps[1].at);
	free(reader->alerts);
	free(reader->refused);
	free(reader->cut);
	free(reader);
	return code;
}
