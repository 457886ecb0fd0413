/*
 * Mapping: see mapping-internal.h. Each alert of a body is read by the same rules; one that is
 * unsound is refused alone. While it reads it owns the document and its scratch memory.
 */
#include "mapping-internal.h"

#include "alert_whole-internal.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

const char *const mapping_target_words[MAP_TARGET_COUNT] = {
	[MAP_ID] = "id",
	[MAP_STATUS] = "status",
	[MAP_SEVERITY] = "severity",
	[MAP_NAME] = "name",
	[MAP_SUMMARY] = "summary",
	[MAP_DESCRIPTION] = "description",
	[MAP_LINK] = "link",
	[MAP_STARTS_AT] = "starts_at",
	[MAP_ENDS_AT] = "ends_at",
	[MAP_GROUP] = "group",
	[MAP_LABEL] = "label",
	[MAP_ANNOTATION] = "annotation",
	[MAP_LABELS] = "labels",
	[MAP_ANNOTATIONS] = "annotations",
};

const char *const mapping_time_words[MAP_TIME_COUNT] = {
	[MAP_TIME_ANY] = "any", [MAP_TIME_RFC3339] = "rfc3339", [MAP_TIME_S] = "s",
	[MAP_TIME_MS] = "ms",	[MAP_TIME_US] = "us",		[MAP_TIME_NS] = "ns",
};

struct mapping_reader {
	const struct alert_mapping *mapping;
	const struct mapping_hooks *hooks;
	const struct alert_body *body;
	struct arena *arena;
	struct json_places places;
	struct mapped_alert alert;
	const char *sender, *family;
	struct alert_whole whole; /* gathers the batch */
};

/* ---- texts of values ---- */

static const char *mapped_number_text(struct arena *arena, json_t *value)
{
	if (json_is_integer(value))
		return arena_printf(arena, "%lld", (long long)json_integer_value(value));
	return arena_printf(arena, "%.15g", json_real_value(value));
}

/* jansson's texts may hold NUL, which becomes U+FFFD. */
static const char *mapped_string_text(struct arena *arena, json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value), n;

	if (strlen(text) == len)
		return *text ? text : NULL;
	struct buf mended = BUF_INIT(LIMIT_LABEL_BYTES + 4);
	while (len && mended.len < LIMIT_LABEL_BYTES) {
		n = strnlen(text, len < LIMIT_LABEL_BYTES - mended.len
					  ? len
					  : LIMIT_LABEL_BYTES - mended.len);
		buf_add(&mended, text, n);
		if (n < len && !text[n])
			buf_puts(&mended, "\xef\xbf\xbd"), n++;
		text += n;
		len -= n;
	}
	const char *kept = arena_strndup(arena, buf_text(&mended), mended.len);
	buf_fini(&mended);
	return kept;
}

static const char *mapped_list_text(struct arena *arena, json_t *list)
{
	struct buf text = BUF_INIT(LIMIT_LABEL_BYTES);

	for (size_t i = 0; i < json_array_size(list) && !text.failed; i++) {
		json_t *item = json_array_get(list, i);
		if (!json_is_string(item) && !json_is_number(item))
			continue;
		const char *one = json_is_string(item) ? mapped_string_text(arena, item)
						       : mapped_number_text(arena, item);
		if (one)
			buf_printf(&text, "%s%s", text.len ? ", " : "", one);
	}
	const char *kept = text.len ? arena_strndup(arena, buf_text(&text), text.len) : NULL;
	buf_fini(&text);
	return kept;
}

/* The scratch memory of one alert is bounded: what comes when it is used up is not found. */
static bool scratch_has_room(const struct arena *arena)
{
	return arena_room(arena) > 8 * LIMIT_LABEL_BYTES;
}

bool mapped_has_room(const struct mapped_alert *alert)
{
	return scratch_has_room(alert->arena);
}

const char *mapped_text(struct arena *arena, json_t *value)
{
	if (!scratch_has_room(arena))
		return NULL;
	if (json_is_string(value))
		return mapped_string_text(arena, value);
	if (json_is_number(value))
		return mapped_number_text(arena, value);
	if (json_is_boolean(value))
		return json_is_true(value) ? "true" : "false";
	return json_is_array(value) ? mapped_list_text(arena, value) : NULL;
}

const char *mapped_find(struct mapped_alert *alert, const char *place)
{
	return mapped_text(alert->arena, json_place_find(alert->places, alert->item, place));
}

/* ---- labels and annotations ---- */

const char *mapped_name(struct arena *arena, const char *prefix, const char *name, size_t len)
{
	char *kept = arena_printf(
		arena, "%s%.*s", prefix ? prefix : "",
		(int)(len < LIMIT_MAPPED_NAME_BYTES ? len : LIMIT_MAPPED_NAME_BYTES), name);

	for (char *at = kept; *at; at++)
		if (!isalnum((unsigned char)*at) && *at != '_')
			*at = '_';
	return kept;
}

static void mapped_add(struct label **list, size_t *n, size_t *size, const char *name,
		       const char *value)
{
	if (!value || !*value || !*name || *n == LIMIT_MAPPED_LABELS)
		return;
	for (size_t i = 0; i < *n; i++)
		if (strcmp((*list)[i].name, name) == 0)
			return;
	if (*n == *size) {
		*size = *size ? 2 * *size : 32;
		*list = xrealloc_array(*list, *size, sizeof(**list));
	}
	(*list)[(*n)++] = (struct label){ .name = name, .value = value };
}

void mapped_add_label(struct mapped_alert *alert, const char *name, const char *value)
{
	mapped_add(&alert->labels, &alert->nlabels, &alert->labels_size, name, value);
}

void mapped_add_annotation(struct mapped_alert *alert, const char *name, const char *value)
{
	mapped_add(&alert->annotations, &alert->nannotations, &alert->annotations_size, name,
		   value);
}

static void add_either(struct mapped_alert *alert, const struct mapping_rule *rule,
		       const char *name, size_t len, const char *value)
{
	while (len && isspace((unsigned char)*name))
		name++, len--;
	if (!len || !value || !scratch_has_room(alert->arena))
		return;
	name = mapped_name(alert->arena, rule->name, name, len);
	if (rule->to == MAP_LABELS)
		mapped_add_label(alert, name, value);
	else
		mapped_add_annotation(alert, name, value);
}

/* "service:cart" or "service=cart"; a text without either has no name. */
static void add_pair_text(struct mapped_alert *alert, const struct mapping_rule *rule,
			  const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] != ':' && text[n] != '=')
		n++;
	if (n == len || !scratch_has_room(alert->arena))
		return;
	const char *value = text + n + 1;
	size_t left = len - n - 1;
	while (left && isspace((unsigned char)*value))
		value++, left--;
	add_either(alert, rule, text, n,
		   arena_strndup(alert->arena, value,
				 left < LIMIT_LABEL_BYTES ? left : LIMIT_LABEL_BYTES));
}

static void add_pair_item(struct mapped_alert *alert, const struct mapping_rule *rule, json_t *item)
{
	static const char *const names[] = { "name", "key", "Name", "Key", "label", "tag" };
	static const char *const values[] = { "value", "Value" };
	const char *name = NULL, *value = NULL;

	if (json_is_string(item)) {
		add_pair_text(alert, rule, json_string_value(item),
			      strlen(json_string_value(item)));
		return;
	}
	if (json_is_array(item)) {
		name = json_string_value(json_array_get(item, 0));
		value = mapped_text(alert->arena, json_array_get(item, 1));
	}
	for (size_t i = 0; json_is_object(item) && !name && i < ARRAY_LEN(names); i++)
		name = json_string_value(json_object_get(item, names[i]));
	for (size_t i = 0; json_is_object(item) && !value && i < ARRAY_LEN(values); i++)
		value = mapped_text(alert->arena, json_object_get(item, values[i]));
	if (name)
		add_either(alert, rule, name, strlen(name), value);
}

static void add_all(struct mapped_alert *alert, const struct mapping_rule *rule, json_t *value)
{
	json_t *member;
	const char *key;
	size_t told = 0;

	if (json_is_object(value)) {
		json_object_foreach(value, key, member)
		{
			if (told++ == LIMIT_MAPPED_LABELS)
				break;
			add_either(alert, rule, key, strlen(key),
				   mapped_text(alert->arena, member));
		}
	} else if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value) && i < LIMIT_MAPPED_LABELS; i++)
			add_pair_item(alert, rule, json_array_get(value, i));
	} else if (json_is_string(value)) {
		const char *at = json_string_value(value);
		for (size_t n = 0; *at && n < LIMIT_MAPPED_LABELS; n++) {
			size_t len = strcspn(at, ",");
			add_pair_text(alert, rule, at, len);
			at += len + (at[len] == ',');
		}
	}
}

/* ---- rules ---- */

static void tell_why(const struct mapping_reader *reader, const struct mapping_rule *rule,
		     const char *place, const char *found)
{
	struct buf *why = reader->body->why;

	if (!why)
		return;
	buf_printf(why, "%s%s%s", mapping_target_words[rule->to], rule->name ? "." : "",
		   rule->name ? rule->name : "");
	if (!place)
		buf_printf(why, ": the text %s\n", found);
	else if (found)
		buf_printf(why, ": %s is \"%.*s\"\n", place, LIMIT_QUOTED_BYTES, found);
	else
		buf_printf(why, ": %s is not there\n", place);
}

/* A glob with several stars may take the square of the text's length. */
static bool map_value_globs(const char *glob, const char *text)
{
	if (strcmp(glob, "*") == 0)
		return true;
	return strpbrk(glob, "*?") &&
	       strnlen(text, LIMIT_MAPPED_GLOB_BYTES + 1) <= LIMIT_MAPPED_GLOB_BYTES &&
	       fnmatch(glob, text, FNM_CASEFOLD) == 0;
}

static const char *map_value(const struct mapping_rule *rule, const char *text)
{
	for (const struct mapping_value *value = rule->values; value && value->from; value++)
		if (strcasecmp(value->from, text) == 0 || map_value_globs(value->from, text))
			return value->to;
	return text;
}

/* The first place that has a text; else the rule's own; NULL: neither. */
static const char *rule_text(struct mapping_reader *reader, const struct mapping_rule *rule)
{
	for (size_t i = 0; i < MAPPING_PLACES && rule->from[i]; i++) {
		const char *text = mapped_find(&reader->alert, rule->from[i]);
		tell_why(reader, rule, rule->from[i], text);
		if (text && *(text = map_value(rule, text)))
			return text;
	}
	if (rule->text)
		tell_why(reader, rule, NULL, rule->text);
	return rule->text;
}

/* Numbers of this size are seconds, milliseconds and so on of this century. */
static int64_t number_time(double number, enum mapping_time unit)
{
	static const double factors[MAP_TIME_COUNT] = {
		[MAP_TIME_S] = 1e6,
		[MAP_TIME_MS] = 1e3,
		[MAP_TIME_US] = 1,
		[MAP_TIME_NS] = 1e-3,
	};

	if (unit == MAP_TIME_ANY)
		unit = number < 1e11   ? MAP_TIME_S
		       : number < 1e14 ? MAP_TIME_MS
		       : number < 1e17 ? MAP_TIME_US
				       : MAP_TIME_NS;
	double us = number * factors[unit];
	return us > 0 && us < 253402300800e6 ? (int64_t)us : 0;
}

/* Amazon writes an offset without a colon ("+0000"), Azure leaves the zone out. */
static int parse_time_text(const char *text, size_t len, int64_t *ret_us)
{
	char fixed[LIMIT_MAPPED_TIME_BYTES];

	if (rfc3339_parse(text, len, ret_us) == 0)
		return 0;
	if (len < 19 || len + 2 > sizeof(fixed))
		return -EINVAL;
	memcpy(fixed, text, len);
	if (fixed[10] == ' ')
		fixed[10] = 'T';
	if (len > 24 && (text[len - 5] == '+' || text[len - 5] == '-')) {
		memmove(fixed + len - 1, fixed + len - 2, 2);
		fixed[len - 2] = ':';
		return rfc3339_parse(fixed, len + 1, ret_us);
	}
	if (rfc3339_parse(fixed, len, ret_us) == 0)
		return 0;
	fixed[len] = 'Z';
	return rfc3339_parse(fixed, len + 1, ret_us);
}

/* What is no time is left out, and told: the alert is worth more than its time. */
static void rule_time(struct mapping_reader *reader, const struct mapping_rule *rule,
		      int64_t *ret_us)
{
	const char *text = rule_text(reader, rule);
	char *end;

	if (!text)
		return;
	double number = strtod(text, &end);
	if (!*end && isfinite(number) && rule->time != MAP_TIME_RFC3339) {
		*ret_us = number_time(number, rule->time);
		return;
	}
	if (parse_time_text(text, strlen(text), ret_us) == 0)
		return;
	reader->alert.time_fault =
		arena_printf(reader->alert.arena, "%s is not a time: \"%.*s\"; it is left out",
			     mapping_target_words[rule->to], LIMIT_QUOTED_BYTES, text);
}

bool mapped_is_link(const char *text)
{
	return strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0;
}

static void take_one(struct mapping_reader *reader, const struct mapping_rule *rule)
{
	struct mapped_alert *alert = &reader->alert;
	const char *text;

	if (rule->to == MAP_STARTS_AT || rule->to == MAP_ENDS_AT) {
		rule_time(reader, rule,
			  rule->to == MAP_STARTS_AT ? &alert->starts_at_us : &alert->ends_at_us);
		return;
	}
	text = rule_text(reader, rule);
	if (!text)
		return;
	if (rule->to == MAP_ID && !alert->id)
		alert->id = text;
	else if (rule->to == MAP_STATUS && !alert->status)
		alert->status = text;
	else if (rule->to == MAP_GROUP && !alert->group)
		alert->group = text;
	else if (rule->to == MAP_LINK && !alert->link && mapped_is_link(text))
		alert->link = text;
	else if (rule->to == MAP_SEVERITY)
		mapped_add_label(alert, "severity", text);
	else if (rule->to == MAP_NAME)
		mapped_add_label(alert, "alertname", text);
	else if (rule->to == MAP_LABEL)
		mapped_add_label(alert, rule->name, text);
	else if (rule->to == MAP_SUMMARY || rule->to == MAP_DESCRIPTION)
		mapped_add_annotation(alert, mapping_target_words[rule->to], text);
	else if (rule->to == MAP_ANNOTATION)
		mapped_add_annotation(alert, rule->name, text);
}

/* Rules for all members come last: what a rule names counts before. */
static void take_rules(struct mapping_reader *reader)
{
	const struct alert_mapping *mapping = reader->mapping;

	for (size_t i = 0; i < mapping->nrules; i++)
		if (mapping->rules[i].to != MAP_LABELS && mapping->rules[i].to != MAP_ANNOTATIONS)
			take_one(reader, &mapping->rules[i]);
	for (size_t i = 0; i < mapping->nrules; i++) {
		const struct mapping_rule *rule = &mapping->rules[i];
		if (rule->to != MAP_LABELS && rule->to != MAP_ANNOTATIONS)
			continue;
		for (size_t k = 0; k < MAPPING_PLACES && rule->from[k]; k++) {
			json_t *value =
				json_place_find(&reader->places, reader->alert.item, rule->from[k]);
			tell_why(reader, rule, rule->from[k], value ? "there" : NULL);
			if (value)
				add_all(&reader->alert, rule, value);
		}
	}
}

/* ---- an alert ---- */

/* NULL, or why the alert is refused. *ret_ignored: it says nothing that pages. */
static const char *judge_status(struct mapping_reader *reader, enum alert_status *ret_status,
				bool *ret_ignored)
{
	const char *status = reader->alert.status;

	*ret_status = ALERT_FIRING;
	*ret_ignored = reader->alert.ignored || (status && strcasecmp(status, "ignore") == 0);
	if (!status || *ret_ignored || strcasecmp(status, "firing") == 0)
		return NULL;
	*ret_status = ALERT_RESOLVED;
	if (strcasecmp(status, "resolved") == 0)
		return NULL;
	return arena_printf(reader->alert.arena, "status is \"%.*s\", neither firing nor resolved",
			    LIMIT_QUOTED_BYTES, status);
}

static void tell_made(struct buf *why, const char *kind, const struct label *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(why, "%s.%s: made of others, \"%.*s\"\n", kind, list[i].name,
			   LIMIT_QUOTED_BYTES, list[i].value);
}

/* Calls the format's hook, and tells what it has added. NULL, or why the alert is refused. */
static const char *complete_item(struct mapping_reader *reader)
{
	struct mapped_alert *alert = &reader->alert;
	const size_t nlabels = alert->nlabels, nannotations = alert->nannotations;
	const char *id = alert->id, *reason = reader->hooks->complete(alert);
	struct buf *why = reader->body->why;

	if (!why)
		return reason;
	if (alert->id && alert->id != id)
		buf_printf(why, "id: made of others, \"%.*s\"\n", LIMIT_QUOTED_BYTES, alert->id);
	tell_made(why, "label", alert->labels + nlabels, alert->nlabels - nlabels);
	tell_made(why, "annotation", alert->annotations + nannotations,
		  alert->nannotations - nannotations);
	return reason;
}

/* NULL, or why the alert is refused; then *ret_ignored and *ret_status say what it is. */
static const char *judge_item(struct mapping_reader *reader, enum alert_status *ret_status,
			      bool *ret_ignored)
{
	struct mapped_alert *alert = &reader->alert;
	const char *reason = NULL;

	if (!json_is_object(alert->item))
		return "it is not an object";
	take_rules(reader);
	if (reader->hooks && reader->hooks->complete)
		reason = complete_item(reader);
	if (!reason)
		reason = judge_status(reader, ret_status, ret_ignored);
	if (!reason && !*ret_ignored && !alert->id && !reader->mapping->id_of_labels)
		reason = "it has no id";
	return reason;
}

static void hand_over_item(struct mapping_reader *reader, unsigned int index,
			   enum alert_status status)
{
	const struct mapped_alert *alert = &reader->alert;
	bool over = status == ALERT_RESOLVED;
	const struct alert whole = {
		.sender = reader->sender,
		.family = reader->family,
		.status = status,
		.labels = { .at = alert->labels, .n = alert->nlabels },
		.annotations = { .at = alert->annotations, .n = alert->nannotations },
		.starts_at_us = alert->starts_at_us,
		.ends_at_us =
			over || alert->ends_at_us > reader->body->now_us ? alert->ends_at_us : 0,
		.generator_url = alert->link ? alert->link : "",
	};

	alert_whole_add(&reader->whole, index, &whole, alert->id);
	if (alert->time_fault)
		alert_whole_tell(&reader->whole, index, alert->time_fault);
	if (alert->group && !reader->whole.batch.group_key &&
	    arena_room(reader->arena) > 2 * LIMIT_LABEL_BYTES)
		reader->whole.batch.group_key = arena_strndup(
			reader->arena, alert->group, strnlen(alert->group, LIMIT_LABEL_BYTES));
}

static void keep_event_key(struct mapping_reader *reader)
{
	const char *key = reader->alert.event_key;

	if (key && !reader->whole.batch.event_key &&
	    arena_room(reader->arena) > 2 * LIMIT_LABEL_BYTES)
		reader->whole.batch.event_key =
			arena_strndup(reader->arena, key, strnlen(key, LIMIT_LABEL_BYTES));
}

static const char *why_ignored(const struct mapping_reader *reader)
{
	if (reader->alert.ignored)
		return reader->alert.ignored;
	if (reader->mapping->ignores)
		return reader->mapping->ignores;
	return "the mapping of its status says that it pages nobody";
}

static void read_item(struct mapping_reader *reader, json_t *item, unsigned int index)
{
	struct mapped_alert *alert = &reader->alert;
	struct arena *scratch = arena_new(LIMIT_MAPPED_SCRATCH_BYTES);
	enum alert_status status = ALERT_FIRING;
	bool ignored = false;

	*alert = (struct mapped_alert){ .arena = scratch,
					.places = &reader->places,
					.item = item,
					.body = reader->body,
					.now_us = reader->body->now_us,
					.labels = alert->labels,
					.labels_size = alert->labels_size,
					.annotations = alert->annotations,
					.annotations_size = alert->annotations_size };
	if (reader->body->why && index)
		buf_putc(reader->body->why, '\n');
	const char *reason = judge_item(reader, &status, &ignored);
	keep_event_key(reader);
	if (reason)
		alert_whole_refuse(&reader->whole, index, reason);
	else if (!ignored)
		hand_over_item(reader, index, status);
	else
		reader->whole.batch.ignored = why_ignored(reader);
	arena_free(scratch);
}

/* ---- a body ---- */

/* One of the places of a tell is there; blanks stand between them. */
static bool tell_holds(struct json_places *places, json_t *item, const char *tell)
{
	char place[LIMIT_PLACE_TOKEN_BYTES];
	size_t len;

	for (; *tell; tell += len + (tell[len] == ' ')) {
		len = strcspn(tell, " ");
		if (len >= sizeof(place))
			continue;
		memcpy(place, tell, len);
		place[len] = '\0';
		if (json_place_find(places, item, place))
			return true;
	}
	return false;
}

static const char *missing_place(const struct alert_mapping *mapping, struct json_places *places)
{
	json_t *first =
		json_is_array(places->root) ? json_array_get(places->root, 0) : places->root;

	for (size_t i = 0; mapping->tells && mapping->tells[i]; i++)
		if (!tell_holds(places, first, mapping->tells[i]))
			return mapping->tells[i];
	return NULL;
}

/* Has the text the name that is the step of a place? Steps that choose among members have none. */
static bool text_has_step(const char *text, size_t len, const char *step, size_t step_len)
{
	char name[LIMIT_PLACE_TOKEN_BYTES + 1] = "\"";

	if (!step_len || step_len >= LIMIT_PLACE_TOKEN_BYTES || memchr(step, '~', step_len) ||
	    strchr("*[{0123456789", *step))
		return true;
	memcpy(name + 1, step, step_len);
	return memmem(text, len, name, step_len + 1) != NULL;
}

/* Has the text all names of a place of the tell? No sender escapes letters of its names, and
 * reading all of a body as JSON for each format would take too long. */
static bool text_may_tell(const char *text, size_t len, const char *tell)
{
	while (*tell) {
		bool may = true;
		while (*tell && *tell != ' ') {
			tell += *tell == '/' || *tell == '^';
			size_t n = strcspn(tell, "/ ");
			may = may && text_has_step(text, len, tell, n);
			tell += n;
		}
		if (may)
			return true;
		tell += *tell == ' ';
	}
	return false;
}

bool mapping_matches(const struct alert_mapping *mapping, const char *text, size_t len)
{
	struct json_places places;
	bool matches = mapping->tells != NULL;

	for (size_t i = 0; matches && mapping->tells[i]; i++)
		matches = text_may_tell(text, len, mapping->tells[i]);
	if (!matches)
		return false;
	matches =
		json_places_init(&places, text, len, NULL) == 0 && !missing_place(mapping, &places);
	json_places_fini(&places);
	return matches;
}

/* The alerts of a body: a list, or the body alone. */
static int read_items(struct mapping_reader *reader, struct err *err)
{
	json_t *root = reader->places.root, *items = root;

	if (reader->mapping->items) {
		items = json_place_find(&reader->places, root, reader->mapping->items);
		if (!json_is_array(items))
			return err_set(err, EBADMSG, "this is not %s: %s is not a list",
				       reader->mapping->what, reader->mapping->items);
	}
	if (!json_is_array(items)) {
		read_item(reader, items, 0);
		return reader->whole.failed ? alert_whole_fail(&reader->whole, err) : 0;
	}
	if (json_array_size(items) > LIMIT_MAPPED_ALERTS)
		return err_set(err, E2BIG, "more than %d alerts in one body", LIMIT_MAPPED_ALERTS);
	/* A null ends the lists of templates, which write a comma behind each alert. */
	for (size_t i = 0; i < json_array_size(items) && !reader->whole.failed; i++)
		if (!json_is_null(json_array_get(items, i)))
			read_item(reader, json_array_get(items, i), (unsigned int)i);
	return reader->whole.failed ? alert_whole_fail(&reader->whole, err) : 0;
}

static int mapping_read(struct mapping_reader *reader, struct err *err)
{
	const struct alert_body *body = reader->body;
	struct alert_batch *batch = &reader->whole.batch;
	int error = json_places_init(&reader->places, body->text, body->len, err);

	if (error)
		return error;
	batch->repaired = reader->places.repaired;
	if (!json_is_object(reader->places.root) && !json_is_array(reader->places.root))
		return err_set(err, EBADMSG, "this is not %s: it is no object",
			       reader->mapping->what);
	const char *missing = missing_place(reader->mapping, &reader->places);
	if (missing)
		return err_set(err, EBADMSG, "this is not %s: it has %s %s", reader->mapping->what,
			       strchr(missing, ' ') ? "none of" : "no", missing);
	if (reader->hooks && reader->hooks->begin)
		error = reader->hooks->begin(reader->arena, body, &reader->places, batch, err);
	if (error || batch->ignored || batch->confirm_url)
		return error;
	return read_items(reader, err);
}

int mapping_parse(const struct alert_mapping *mapping, const struct mapping_hooks *hooks,
		  struct arena *arena, const struct alert_body *body, struct alert_batch *ret_batch,
		  struct err *err)
{
	struct mapping_reader reader = {
		.mapping = mapping, .hooks = hooks, .body = body, .arena = arena
	};
	int error;

	if (arena_room(arena) < 2 * strlen(body->sender) + LIMIT_ALERT_NOTE_BYTES)
		return err_set(err, ENOMEM, "the memory of one request is used up");
	reader.sender = arena_strdup(arena, body->sender);
	reader.family =
		mapping->family ? mapping->family : arena_printf(arena, "generic-%s", body->sender);
	alert_whole_init(&reader.whole, arena);
	error = mapping_read(&reader, err);
	if (error == 0)
		alert_whole_take(&reader.whole, ret_batch);
	alert_whole_fini(&reader.whole);
	json_places_fini(&reader.places);
	free(reader.alert.labels);
	free(reader.alert.annotations);
	return error;
}
