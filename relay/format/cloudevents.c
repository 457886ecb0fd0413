/*
 * CloudEvents over HTTP: binary (the attributes are headers, the body is the data), structured (one
 * JSON object) and batch (a list of those). The data is read by the format that its own bytes look
 * like, or by the sender's mapping, or is one alert alone; the alerts are of that format's family,
 * since source and id name a delivery, not an alert. The extension traceparent names the trace of
 * an alert without one. An event inside an event is refused. Source: cloudevents/spec 1.0.2, HTTP
 * binding and JSON format; distributed tracing extension. Pure.
 */
#include "mapping-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/sign.h"
#include "tracepager/xalloc.h"

static const char *const cloudevents_tells[] = { "/specversion", "/type", "/source", "/id", NULL };
static const struct alert_mapping cloudevents_shape = { .what = "a CloudEvent",
							.tells = cloudevents_tells };

/* What one event carries. */
struct event_data {
	const char *text;
	size_t len;
	char *owned; /* NULL: the text is borrowed */
	const char *traceparent;
};

static const char *event_header(const struct alert_body *body, const char *name)
{
	return body->header ? body->header(body->ctx, name) : NULL;
}

/* ---- data ---- */

/* NULL, or why the event has no data that can be read. */
static const char *open_data(json_t *event, struct event_data *ret_data)
{
	json_t *data = json_object_get(event, "data"),
	       *base64 = json_object_get(event, "data_base64");

	*ret_data = (struct event_data){
		.traceparent = json_string_value(json_object_get(event, "traceparent")),
	};
	if (!json_is_string(json_object_get(event, "specversion")))
		return "it is no CloudEvent: specversion is no text";
	if (json_is_string(data)) {
		ret_data->text = json_string_value(data);
		ret_data->len = json_string_length(data);
		return NULL;
	}
	if (json_is_string(base64)) {
		size_t size = json_string_length(base64);
		ret_data->owned = xcalloc(1, size + 1);
		int n = base64_decode(json_string_value(base64), size,
				      (unsigned char *)ret_data->owned, size);
		ret_data->text = ret_data->owned;
		ret_data->len = n < 0 ? 0 : (size_t)n;
		return n < 0 ? "data_base64 is no base64" : NULL;
	}
	if (!json_is_object(data) && !json_is_array(data))
		return "the event has no data";
	ret_data->text = ret_data->owned = json_dumps(data, JSON_COMPACT);
	if (!ret_data->text)
		return "its data cannot be written as JSON";
	ret_data->len = strlen(ret_data->text);
	return NULL;
}

/* The format of the data; NULL: none. */
static const struct alert_format *format_of_data(const struct alert_body *body)
{
	return body->mapping ? alert_formats[FORMAT_GENERIC]
			     : alert_format_recognise(body->text, body->len);
}

static bool has_trace_id(const struct alert *alert)
{
	return labels_get(&alert->labels, "trace_id") ||
	       labels_get(&alert->annotations, "trace_id");
}

/* Gives the alerts the trace of their event. */
static void add_traceparent(struct arena *arena, const char *traceparent, struct alert_batch *batch)
{
	size_t len = traceparent ? strnlen(traceparent, LIMIT_MAPPED_NAME_BYTES + 1) : 0;

	if (!len || len > LIMIT_MAPPED_NAME_BYTES)
		return;
	for (size_t i = 0; i < batch->nalerts; i++) {
		struct labels *annotations = &batch->alerts[i].annotations;
		const size_t bytes = (annotations->n + 1) * sizeof(struct label) + len + 1;
		if (has_trace_id(&batch->alerts[i]) || arena_room(arena) < bytes)
			continue;
		struct label *at = arena_array(arena, annotations->n + 1, sizeof(*at));
		if (annotations->n)
			memcpy(at, annotations->at, annotations->n * sizeof(*at));
		at[annotations->n] =
			(struct label){ .name = "traceparent",
					.value = arena_strndup(arena, traceparent, len) };
		*annotations = (struct labels){ .at = at, .n = annotations->n + 1 };
		labels_normalise(annotations);
	}
}

/* One alert alone, as /api/v2/alerts lists them. */
static int read_single(struct arena *arena, const struct alert_body *inner,
		       struct alert_batch *ret_batch, struct err *err)
{
	CLEANUP_FREE char *text = xstrndup(inner->text, inner->len);
	struct alert_body single = *inner;

	single.text = text;
	single.len = strlen(text); /* the data may hold NUL, and then is no JSON */
	single.header = NULL;	   /* the data is no event again */
	int error = alert_parse_any(arena, &single, ret_batch, NULL);
	if (error == 0)
		return 0;
	if (error == -ENOMEM)
		return err_set(err, ENOMEM, "the memory of one request is used up");
	return err_set(err, EBADMSG,
		       "the data of this CloudEvent is no body of a format that can be "
		       "recognised; give the sender a mapping");
}

static int read_data(struct arena *arena, const struct alert_body *body,
		     const struct event_data *data, struct alert_batch *ret_batch, struct err *err)
{
	struct alert_body inner = *body;
	int error;

	inner.text = data->text;
	inner.len = data->len;
	const struct alert_format *format = format_of_data(&inner);
	if (format == alert_formats[FORMAT_CLOUDEVENTS])
		return err_set(err, EBADMSG, "the data of this CloudEvent is a CloudEvent again");
	error = format ? format->parse(arena, &inner, ret_batch, err)
		       : read_single(arena, &inner, ret_batch, err);
	if (error == 0)
		add_traceparent(arena, data->traceparent, ret_batch);
	return error;
}

/* ---- batches ---- */

/* The alerts and notes of several events, which become one batch. It owns its lists. */
struct event_list {
	struct arena *arena;
	struct alert *alerts;
	struct alert_note *refused, *cut;
	size_t nalerts, nrefused, ncut, alerts_size, refused_size, cut_size;
	struct alert_batch sums;
};

static void *event_list_grow(void *old, size_t n, size_t more, size_t *size, size_t item_bytes)
{
	while (*size < n + more)
		*size = *size ? 2 * *size : 16;
	return xrealloc_array(old, *size ? *size : 1, item_bytes);
}

/* The place of a note is that of its event. */
static void event_list_note(struct alert_note **list, size_t *n, size_t *size,
			    const struct alert_note *notes, size_t nnotes, unsigned int index)
{
	*list = event_list_grow(*list, *n, nnotes, size, sizeof(**list));
	for (size_t i = 0; i < nnotes; i++)
		(*list)[(*n)++] = (struct alert_note){ .index = index, .text = notes[i].text };
}

static void event_list_add(struct event_list *list, const struct alert_batch *batch,
			   unsigned int index)
{
	list->alerts = event_list_grow(list->alerts, list->nalerts, batch->nalerts,
				       &list->alerts_size, sizeof(*list->alerts));
	if (batch->nalerts)
		memcpy(list->alerts + list->nalerts, batch->alerts,
		       batch->nalerts * sizeof(*list->alerts));
	list->nalerts += batch->nalerts;
	event_list_note(&list->refused, &list->nrefused, &list->refused_size, batch->refused,
			batch->nrefused, index);
	event_list_note(&list->cut, &list->ncut, &list->cut_size, batch->cut, batch->ncut, index);
	list->sums.repaired += batch->repaired;
	list->sums.truncated += batch->truncated;
	if (!list->sums.group_key)
		list->sums.group_key = batch->group_key;
	if (batch->ignored)
		list->sums.ignored = batch->ignored;
}

static void refuse_event(struct event_list *list, unsigned int index, const char *reason)
{
	struct alert_note note = {
		.index = index,
		.text = "refused too; the reasons of further alerts are not listed",
	};

	if (list->nrefused < LIMIT_REFUSED_TOLD && arena_room(list->arena) > LIMIT_ALERT_NOTE_BYTES)
		note.text = arena_printf(list->arena, "alert %u: %.*s", index,
					 LIMIT_ALERT_NOTE_BYTES / 2, reason);
	event_list_note(&list->refused, &list->nrefused, &list->refused_size, &note, 1, index);
}

static void *event_list_keep(struct arena *arena, const void *items, size_t n, size_t item_bytes)
{
	void *copy = arena_array(arena, n, item_bytes);

	if (n)
		memcpy(copy, items, n * item_bytes);
	return copy;
}

static int event_list_take(struct event_list *list, struct alert_batch *ret_batch, struct err *err)
{
	const size_t notes = list->nrefused + list->ncut;

	if (arena_room(list->arena) <
	    list->nalerts * sizeof(*list->alerts) + notes * sizeof(*list->cut) + 64)
		return err_set(err, ENOMEM, "the memory of one request is used up");
	*ret_batch = list->sums;
	ret_batch->nalerts = list->nalerts;
	ret_batch->nrefused = list->nrefused;
	ret_batch->ncut = list->ncut;
	ret_batch->alerts =
		event_list_keep(list->arena, list->alerts, list->nalerts, sizeof(*list->alerts));
	ret_batch->refused =
		event_list_keep(list->arena, list->refused, list->nrefused, sizeof(*list->refused));
	ret_batch->cut = event_list_keep(list->arena, list->cut, list->ncut, sizeof(*list->cut));
	return 0;
}

/* One event of a batch; one that cannot be read does not take the others with it. */
static int event_list_read(struct event_list *list, const struct alert_body *body, json_t *event,
			   unsigned int index, struct err *err)
{
	struct alert_batch batch = { 0 };
	struct event_data data = { 0 };
	struct err why = { 0 };
	const char *reason = open_data(event, &data);
	int error = reason ? err_set(&why, EBADMSG, "%s", reason)
			   : read_data(list->arena, body, &data, &batch, &why);

	free(data.owned);
	if (error == -ENOMEM)
		return err_set(err, ENOMEM, "%s", why.text);
	if (error)
		refuse_event(list, index, why.text);
	else
		event_list_add(list, &batch, index);
	return 0;
}

static int read_batch(struct arena *arena, const struct alert_body *body, json_t *events,
		      struct alert_batch *ret_batch, struct err *err)
{
	struct event_list list = { .arena = arena };
	int error = 0;

	if (json_array_size(events) > LIMIT_MAPPED_ALERTS)
		return err_set(err, E2BIG, "more than %d events in one body", LIMIT_MAPPED_ALERTS);
	for (size_t i = 0; i < json_array_size(events) && !error; i++)
		error = event_list_read(&list, body, json_array_get(events, i), (unsigned int)i,
					err);
	if (!error)
		error = event_list_take(&list, ret_batch, err);
	free(list.alerts);
	free(list.refused);
	free(list.cut);
	return error;
}

/* ---- the format ---- */

static int read_structured(struct arena *arena, const struct alert_body *body, json_t *event,
			   struct alert_batch *ret_batch, struct err *err)
{
	struct event_data data = { 0 };
	const char *reason = open_data(event, &data);
	int error = reason ? err_set(err, EBADMSG, "%s", reason)
			   : read_data(arena, body, &data, ret_batch, err);

	free(data.owned);
	return error;
}

static bool cloudevents_match(const char *text, size_t len)
{
	return mapping_matches(&cloudevents_shape, text, len);
}

static int cloudevents_parse(struct arena *arena, const struct alert_body *body,
			     struct alert_batch *ret_batch, struct err *err)
{
	const struct event_data binary = { .text = body->text,
					   .len = body->len,
					   .traceparent = event_header(body, "ce-traceparent") };
	struct json_places places;
	int error;

	if (event_header(body, "ce-specversion"))
		return read_data(arena, body, &binary, ret_batch, err);
	error = json_places_init(&places, body->text, body->len, err);
	if (!error && json_is_array(places.root))
		error = read_batch(arena, body, places.root, ret_batch, err);
	else if (!error && json_is_object(places.root))
		error = read_structured(arena, body, places.root, ret_batch, err);
	else if (!error)
		error = err_set(err, EBADMSG, "this is no CloudEvent: it is no object");
	json_places_fini(&places);
	return error;
}

const struct alert_format alert_format_CLOUDEVENTS = {
	.name = "cloudevents",
	.text = "CloudEvents that carry a body of another format",
	.family = "",
	.match = cloudevents_match,
	.parse = cloudevents_parse,
};
