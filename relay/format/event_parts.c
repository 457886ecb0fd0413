/* Event parts: see event_parts-internal.h. */
#include "event_parts-internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/sign.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"

/* ---- keys ---- */

static const char *event_digest(struct arena *arena, const char *text, size_t len)
{
	static const char key[] = "tracepager event key", digits[] = "0123456789abcdef";
	unsigned char mac[HMAC_SHA256_BYTES];
	char *digest = arena_alloc(arena, HMAC_SHA256_BYTES + 1);

	hmac_sha256(key, sizeof(key) - 1, text, len, mac);
	for (size_t i = 0; i < HMAC_SHA256_BYTES / 2; i++) {
		digest[2 * i] = digits[mac[i] >> 4];
		digest[2 * i + 1] = digits[mac[i] & 15];
	}
	return digest;
}

void event_set_key(struct mapped_alert *alert, const char *key)
{
	size_t len = strnlen(key, LIMIT_LABEL_BYTES);
	const char *named =
		arena_printf(alert->arena, "%s\n%.*s", alert->body->sender, (int)len, key);

	alert->event_key = key;
	alert->id = event_digest(alert->arena, named, strlen(named));
}

const char *event_make_key(struct mapped_alert *alert, const char *const without[])
{
	json_t *rest = json_copy(alert->item);

	for (size_t i = 0; without[i]; i++)
		json_object_del(rest, without[i]);
	char *text = json_dumps(rest, JSON_SORT_KEYS | JSON_COMPACT);
	json_decref(rest);
	const char *key = text ? event_digest(alert->arena, text, strlen(text)) : NULL;
	free(text);
	return key ? key : "no content";
}

/* ---- lists of Alertmanager's alerts ---- */

/* " - name = value" as a member of the object. */
static void add_text_pair(json_t *object, const char *line, size_t len)
{
	static const char equals[] = " = ";
	const char *at;

	if (len < 3 || memcmp(line, " - ", 3) != 0)
		return;
	line += 3, len -= 3;
	at = memmem(line, len, equals, sizeof(equals) - 1);
	if (!at)
		return;
	const char *value = at + sizeof(equals) - 1;
	char *name = xstrndup(line, (size_t)(at - line));
	json_object_set_new(object, name, json_stringn(value, len - (size_t)(value - line)));
	free(name);
}

/* Before version 0.30 Alertmanager's lists are texts of "Labels:", lines " - name = value",
 * "Annotations:", lines, "Source: URL". Caller json_decref()s. */
static json_t *read_text_list(const char *text)
{
	json_t *list = json_array(), *alert = NULL, *part = NULL;

	while (*text && json_array_size(list) <= LIMIT_MAPPED_ALERTS) {
		size_t len = strcspn(text, "\n");
		if (strncmp(text, "Labels:", 7) == 0) {
			alert = json_object();
			json_array_append_new(list, alert);
			json_object_set_new(alert, "labels", part = json_object());
		} else if (alert && strncmp(text, "Annotations:", 12) == 0) {
			json_object_set_new(alert, "annotations", part = json_object());
		} else if (alert && strncmp(text, "Source: ", 8) == 0) {
			json_object_set_new(alert, "generatorURL", json_stringn(text + 8, len - 8));
		} else if (part) {
			add_text_pair(part, text, len);
		}
		text += len + (text[len] == '\n');
	}
	return list;
}

/* Have all alerts of the list this text there? */
static bool all_have(json_t *list, const char *part, const char *name, const char *value)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *object = json_array_get(list, i);
		const char *other = json_string_value(
			json_object_get(part ? json_object_get(object, part) : object, name));
		if (!other || strcmp(other, value) != 0)
			return false;
	}
	return true;
}

/* A text that outlives the list. */
static const char *keep_text(struct mapped_alert *alert, const char *text)
{
	return mapped_has_room(alert)
		       ? arena_strndup(alert->arena, text, strnlen(text, LIMIT_LABEL_BYTES))
		       : NULL;
}

static void take_common(struct mapped_alert *alert, json_t *list, const char *part,
			void (*add)(struct mapped_alert *alert, const char *name,
				    const char *value))
{
	json_t *first = json_object_get(json_array_get(list, 0), part), *member;
	const char *name;
	size_t told = 0;

	json_object_foreach(first, name, member)
	{
		const char *value = json_string_value(member);
		if (told++ == LIMIT_MAPPED_LABELS || !mapped_has_room(alert))
			break;
		if (value && all_have(list, part, name, value))
			add(alert, mapped_name(alert->arena, NULL, name, strlen(name)),
			    keep_text(alert, value));
	}
}

static void take_worst_severity(struct mapped_alert *alert, json_t *list)
{
	enum severity worst = SEVERITY_INFO, one;
	bool told = false;

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *labels = json_object_get(json_array_get(list, i), "labels");
		struct label label = { "severity",
				       json_string_value(json_object_get(labels, "severity")) };
		const struct alert single = { .labels = { .at = &label, .n = 1 } };
		if (!label.value || !alert_tells_severity(&single, &one))
			continue;
		told = true;
		worst = one > worst ? one : worst;
	}
	if (told)
		mapped_add_label(alert, "severity", severity_name(worst));
}

static void take_earliest_start(struct mapped_alert *alert, json_t *list)
{
	int64_t earliest_us = 0, us;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text =
			json_string_value(json_object_get(json_array_get(list, i), "startsAt"));
		if (text && rfc3339_parse(text, strlen(text), &us) == 0 && us > 0 &&
		    (!earliest_us || us < earliest_us))
			earliest_us = us;
	}
	if (!alert->starts_at_us)
		alert->starts_at_us = earliest_us;
}

/* The alerts of one group. Where one rule made them all, its URL has their expression. */
static void take_alert_list(struct mapped_alert *alert, json_t *list)
{
	json_t *first = json_array_get(list, 0);
	const char *url = json_string_value(json_object_get(first, "generatorURL"));
	const char *name =
		json_string_value(json_object_get(json_object_get(first, "labels"), "alertname"));

	take_common(alert, list, "labels", mapped_add_label);
	take_common(alert, list, "annotations", mapped_add_annotation);
	take_worst_severity(alert, list);
	take_earliest_start(alert, list);
	if (url && mapped_is_link(url) && name && all_have(list, "labels", "alertname", name))
		alert->link = keep_text(alert, url);
}

/* Is it such a list? Takes it. */
static bool take_if_alert_list(struct mapped_alert *alert, json_t *value)
{
	json_t *list = NULL;
	bool is_list;

	if (json_is_string(value) && strncmp(json_string_value(value), "Labels:", 7) == 0)
		list = read_text_list(json_string_value(value));
	else if (json_is_array(value))
		list = json_incref(value);
	is_list = json_is_object(json_object_get(json_array_get(list, 0), "labels"));
	if (is_list)
		take_alert_list(alert, list);
	json_decref(list);
	return is_list;
}

/* ---- details ---- */

static bool is_one_line(const char *text)
{
	return strnlen(text, LIMIT_DETAIL_LABEL_BYTES + 1) <= LIMIT_DETAIL_LABEL_BYTES &&
	       !text[strcspn(text, "\r\n")] && !mapped_is_link(text);
}

static void take_detail(struct mapped_alert *alert, const char *prefix, const char *name,
			json_t *value)
{
	const char *text = mapped_text(alert->arena, value);

	if (!text || !*name || !mapped_has_room(alert))
		return;
	name = mapped_name(alert->arena, prefix, name, strlen(name));
	if (json_is_string(value) && is_one_line(text))
		mapped_add_label(alert, name, text);
	else
		mapped_add_annotation(alert, name, text);
}

static void take_inner_details(struct mapped_alert *alert, const char *name, json_t *details)
{
	const char *prefix, *key;
	json_t *value;
	size_t told = 0;

	if (!mapped_has_room(alert))
		return;
	prefix = arena_printf(alert->arena, "%s_",
			      mapped_name(alert->arena, NULL, name, strlen(name)));
	json_object_foreach(details, key, value)
	{
		if (told++ == LIMIT_MAPPED_LABELS)
			break;
		take_detail(alert, prefix, key, value);
	}
}

void event_take_details(struct mapped_alert *alert, json_t *details)
{
	const char *name;
	json_t *value;
	size_t told = 0;

	if (json_is_string(details))
		mapped_add_annotation(alert, "description", mapped_text(alert->arena, details));
	/* The alerts that fire say more than those of the group that do not any more. */
	bool fires = take_if_alert_list(alert, json_object_get(details, "firing"));
	bool ended = !fires && take_if_alert_list(alert, json_object_get(details, "resolved"));
	json_object_foreach(details, name, value)
	{
		if (told++ == LIMIT_MAPPED_LABELS)
			break;
		if ((fires || ended) &&
		    (strcmp(name, "firing") == 0 || strcmp(name, "resolved") == 0))
			continue;
		if (json_is_object(value))
			take_inner_details(alert, name, value);
		else
			take_detail(alert, NULL, name, value);
	}
}

/* ---- links ---- */

/* "Runbook" is what a page shows as the runbook. */
static const char *link_name(struct mapped_alert *alert, const char *text, size_t index)
{
	if (text && strcasestr(text, "runbook"))
		return "runbook_url";
	if (text && strcasestr(text, "dashboard"))
		return "dashboard_url";
	return arena_printf(alert->arena, "link_%zu", index + 1);
}

void event_take_links(struct mapped_alert *alert, json_t *links)
{
	for (size_t i = 0; i < json_array_size(links) && i < LIMIT_EVENT_LINKS; i++) {
		json_t *link = json_array_get(links, i);
		const char *text = json_string_value(json_object_get(link, "text"));
		const char *href = json_string_value(json_object_get(link, "href"));
		const char *src = json_string_value(json_object_get(link, "src"));
		if (href && mapped_is_link(href)) {
			alert->link = alert->link ? alert->link : href;
			mapped_add_annotation(alert, link_name(alert, text, i), href);
		} else if (src && mapped_is_link(src)) {
			mapped_add_annotation(alert, "image_url", src);
		}
	}
}

void event_set_name(struct mapped_alert *alert, const char *text)
{
	size_t len = strcspn(text, "\r\n");

	if (len > LIMIT_DETAIL_LABEL_BYTES)
		len = utf8_span(text, LIMIT_DETAIL_LABEL_BYTES);
	mapped_add_label(alert, "alertname", arena_strndup(alert->arena, text, len));
}

const char *event_add_fault(struct mapped_alert *alert, const char *faults, const char *fault)
{
	return faults ? arena_printf(alert->arena, "%s; %s", faults, fault) : fault;
}
