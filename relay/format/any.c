/*
 * Alerts as people keep them in files: a webhook's body, a list of alerts, or a single alert,
 * around which this file puts a webhook's body. Pure; owns nothing beyond the call.
 */
#include <string.h>

#include "tracepager/alert_format.h"
#include "tracepager/limits.h"

/* The format that the text looks like; else the first, whose errors name what the text is. */
static const struct alert_format *find_format(const char *text, size_t len)
{
	for (size_t i = 0; i < FORMAT_COUNT; i++)
		if (alert_formats[i]->match(text, len))
			return alert_formats[i];
	return alert_formats[0];
}

/* Reads a single alert as the only one of a body. false: the text is no alert. */
static bool parse_single(struct arena *arena, const char *text, int64_t now_us,
			 struct alert_batch *ret_batch)
{
	const struct alert_format *webhook = alert_formats[FORMAT_ALERTMANAGER];
	struct buf body = BUF_INIT(LIMIT_BODY_BYTES);
	struct alert_batch batch = { 0 };
	bool is_alert;

	buf_printf(&body, "{\"alerts\":[%s]}", text);
	is_alert = !body.failed &&
		   webhook->parse(arena, body.data, body.len, webhook->name, now_us, &batch,
				  NULL) == 0 &&
		   batch.nalerts == 1;
	if (is_alert)
		*ret_batch = batch;
	buf_fini(&body);
	return is_alert;
}

int alert_parse_any(struct arena *arena, const char *text, size_t len, int64_t now_us,
		    struct alert_batch *ret_batch, struct err *err)
{
	const struct alert_format *format = find_format(text, len);
	int error = format->parse(arena, text, len, format->name, now_us, ret_batch, err);

	if (error && text[strspn(text, " \t\r\n")] == '{' &&
	    parse_single(arena, text, now_us, ret_batch))
		return 0;
	return error;
}

size_t alert_first_firing(const struct alert_batch *batch)
{
	for (size_t i = 0; i < batch->nalerts; i++)
		if (batch->alerts[i].status == ALERT_FIRING)
			return i;
	return 0;
}
