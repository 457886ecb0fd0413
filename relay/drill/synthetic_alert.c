/*
 * Synthetic alert: the one place where this program makes an alert to see that its path works. It
 * is written as a sender writes it, and read by the format that reads senders' bodies. Owns
 * nothing. Pure.
 */
#include <errno.h>
#include <string.h>

#include "drill-internal.h"
#include "tracepager/alert_format.h"
#include "tracepager/buf_json.h"

static void write_body(const struct synthetic_order *order, struct buf *body)
{
	char at[RFC3339_SIZE];

	buf_puts(body,
		 "{\"version\":\"4\",\"status\":\"firing\",\"alerts\":[{\"status\":\"firing\"");
	buf_puts(body, ",\"labels\":{");
	for (size_t i = 0; i < order->labels.n; i++)
		buf_json_text(body, order->labels.at[i].name, order->labels.at[i].value);
	buf_puts(body, "},\"annotations\":{");
	buf_json_text(body, "summary", order->summary);
	if (order->mark)
		buf_json_text(body, DRILL_MARK, order->mark);
	buf_putc(body, '}');
	buf_json_text(body, "startsAt", rfc3339_format(order->now_us, at));
	buf_puts(body, "}]}");
}

int synthetic_alert_make(struct arena *arena, const struct synthetic_order *order,
			 struct alert *ret_alert, struct err *err)
{
	struct buf text = BUF_INIT(LIMIT_DRILL_ARENA_BYTES / 16);
	struct alert_batch batch = { .nalerts = 0 };
	int result;

	write_body(order, &text);
	const struct alert_body body = {
		.text = buf_text(&text),
		.len = text.len,
		.sender = "tracepager",
		.now_us = order->now_us,
	};
	if (text.failed)
		result = err_set(err, E2BIG, "the labels are too long");
	else
		result = alert_formats[FORMAT_ALERTMANAGER]->parse(arena, &body, &batch, err);
	if (result == 0 && batch.nalerts != 1)
		result = err_set(err, EINVAL, "%s",
				 batch.nrefused ? batch.refused[0].text : "it is no alert");
	buf_fini(&text);
	if (result < 0)
		return result;
	*ret_alert = batch.alerts[0];
	ret_alert->family = order->family;
	ret_alert->fingerprint = arena_strdup(arena, order->fingerprint);
	ret_alert->ends_by_itself = true;
	ret_alert->ends_at_us = order->now_us + order->lasts_us;
	return 0;
}
