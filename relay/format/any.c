/* Alerts as people keep them in files: a body of a webhook, a list, or a single one, which is made
 * into a body. */
#include <string.h>

#include "tracepager/alert_format.h"
#include "tracepager/limits.h"

int alert_parse_any(struct arena *arena, const char *text, size_t len, int64_t now_us,
		    struct alert_batch *ret_batch, struct err *err)
{
	const char *first = text + strspn(text, " \t\r\n");
	const struct alert_format *list = alert_formats[FORMAT_PROMETHEUS],
				  *webhook = alert_formats[FORMAT_ALERTMANAGER];

	if (*first == '[')
		return list->parse(arena, text, len, list->name, now_us, ret_batch, err);
	int error = webhook->parse(arena, text, len, webhook->name, now_us, ret_batch, err);
	if (!error || *first != '{')
		return error;
	struct buf wrapped = BUF_INIT(LIMIT_BODY_BYTES);
	struct alert_batch batch = { 0 };
	buf_printf(&wrapped, "{\"alerts\":[%s]}", text);
	if (!wrapped.failed &&
	    webhook->parse(arena, wrapped.data, wrapped.len, webhook->name, now_us, &batch, NULL) ==
		    0 &&
	    batch.nalerts == 1) {
		*ret_batch = batch;
		error = 0;
	}
	buf_fini(&wrapped);
	return error;
}

size_t alert_first_firing(const struct alert_batch *batch)
{
	for (size_t i = 0; i < batch->nalerts; i++)
		if (batch->alerts[i].status == ALERT_FIRING)
			return i;
	return 0;
}
