/*
 * Any format: recognises the format of a body, for senders that are declared as "auto" and for
 * alerts as people keep them in files: a webhook's body, a list of alerts, or a single alert,
 * around which this file puts a webhook's body. Pure; owns nothing beyond the call.
 */
#include <errno.h>
#include <string.h>

#include "mapping-internal.h"
#include "tracepager/limits.h"

/* Special formats stand behind the general ones, whose bodies theirs may look like. */
const struct alert_format *alert_format_recognise(const char *text, size_t len)
{
	for (size_t i = FORMAT_COUNT; i-- > 0;)
		if (alert_formats[i]->match(text, len))
			return alert_formats[i];
	return NULL;
}

static bool has_labels(const char *text, size_t len)
{
	struct json_places places;
	bool has = json_places_init(&places, text, len, NULL) == 0 &&
		   json_object_size(json_object_get(places.root, "labels")) > 0;

	json_places_fini(&places);
	return has;
}

/* Reads a single alert as the only one of a body. false: the text is no alert; err says why, where
 * it has labels. */
static bool parse_single(struct arena *arena, const struct alert_body *body,
			 struct alert_batch *ret_batch, struct err *err)
{
	const struct alert_format *webhook = alert_formats[FORMAT_ALERTMANAGER];
	struct buf text = BUF_INIT(LIMIT_BODY_BYTES);
	struct alert_body whole = *body;
	struct alert_batch batch = { 0 };
	bool is_alert;

	buf_printf(&text, "{\"alerts\":[%s]}", body->text);
	whole.text = buf_text(&text);
	whole.len = text.len;
	if (!whole.sender)
		whole.sender = webhook->name;
	is_alert = !text.failed && webhook->parse(arena, &whole, &batch, NULL) == 0 &&
		   batch.nalerts == 1;
	if (is_alert)
		*ret_batch = batch;
	else if (batch.nrefused && has_labels(body->text, body->len))
		err_set(err, EBADMSG, "this is a single alert, and unsound: %s",
			batch.refused[0].text);
	buf_fini(&text);
	return is_alert;
}

int alert_parse_any(struct arena *arena, const struct alert_body *body,
		    struct alert_batch *ret_batch, struct err *err)
{
	const struct alert_format *format = body->mapping
						    ? alert_formats[FORMAT_GENERIC]
						    : alert_format_recognise(body->text, body->len);
	struct alert_body named = *body;

	if (!format) /* its errors say what the text is */
		format = alert_formats[FORMAT_AUTO];
	if (!named.sender)
		named.sender = format->name;
	int error = format->parse(arena, &named, ret_batch, err);
	if (error && !body->mapping && body->text[strspn(body->text, " \t\r\n")] == '{' &&
	    parse_single(arena, body, ret_batch, err))
		return 0;
	return error;
}

/* No body is one of "auto" itself. */
static bool auto_match(const char *text, size_t len)
{
	(void)text;
	(void)len;
	return false;
}

/* -EBADMSG with the place where the body is no JSON, else with what to do about it. */
static int auto_refuse(const struct alert_body *body, struct err *err)
{
	struct json_places places;
	int error = json_places_init(&places, body->text, body->len, err);

	json_places_fini(&places);
	if (error)
		return error;
	for (size_t i = 0; mappings_shipped[i]; i++)
		if (mapping_matches(mappings_shipped[i], body->text, body->len))
			return err_set(
				err, EBADMSG,
				"this looks like %s; declare the sender with format: generic "
				"and mapping: %s",
				mappings_shipped[i]->what, mappings_shipped[i]->name);
	return err_set(err, EBADMSG,
		       "this is no body of a format that can be recognised; declare the sender "
		       "with its format, or with format: generic and a mapping");
}

static int auto_parse(struct arena *arena, const struct alert_body *body,
		      struct alert_batch *ret_batch, struct err *err)
{
	const bool is_event = body->header && body->header(body->ctx, "ce-specversion");
	const struct alert_format *format = is_event
						    ? alert_formats[FORMAT_CLOUDEVENTS]
						    : alert_format_recognise(body->text, body->len);

	if (!format)
		return auto_refuse(body, err);
	return format->parse(arena, body, ret_batch, err);
}

const struct alert_format alert_format_AUTO = {
	.name = "auto",
	.text = "whichever of these formats the body looks like",
	.family = "",
	.match = auto_match,
	.parse = auto_parse,
};

size_t alert_first_firing(const struct alert_batch *batch)
{
	for (size_t i = 0; i < batch->nalerts; i++)
		if (batch->alerts[i].status == ALERT_FIRING)
			return i;
	return 0;
}
