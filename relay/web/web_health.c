/* Web health: is the relay alive, does it take alerts, and its metrics. */
#include "tracepager/metrics.h"
#include "tracepager/plain.h"

#include "web-internal.h"

void web_serve_healthy(struct web_request *request)
{
	web_reply_text(request->exchange, 200, "tracepager is healthy\n");
}

static bool ready_on_pager(void *ctx, const struct incident_pager_view *view)
{
	struct buf *out = ctx;

	if (view->paused_by) {
		buf_printf(out, "pager %s is paused by ", view->name);
		plain_add(out, view->paused_by, LIMIT_ACT_TEXT_BYTES);
		buf_printf(out, ": %zu page(s) wait\n", view->waiting);
	}
	return true;
}

void web_serve_ready(struct web_request *request)
{
	const struct web_ops *ops = &request->web->ops;
	const char *why = "";
	struct buf text = BUF_INIT(LIMIT_WEB_ERROR_BYTES);

	bool ready = ops->ready(ops->ctx, &why);
	size_t unreached = ops->unreached(ops->ctx);
	buf_printf(&text, ready ? "tracepager is ready\n" : "not ready: %s\n", why);
	/* Alerts are taken all the same: a person who looks must see it. */
	if (unreached)
		buf_printf(&text,
			   "%zu open incident(s) have reached nobody: every pager has refused the "
			   "page\n",
			   unreached);
	ops->pagers(ops->ctx, ready_on_pager, &text);
	ops->tell_ready(ops->ctx, &text);
	web_reply_text(request->exchange, ready ? 200 : 503, buf_text(&text));
	buf_fini(&text);
}

void web_serve_metrics(struct web_request *request)
{
	const struct web_ops *ops = &request->web->ops;
	struct buf text = BUF_INIT(LIMIT_METRICS_TEXT_BYTES);

	ops->measure(ops->ctx);
	metrics_write(&text);
	http_exchange_reply(request->exchange, 200, "text/plain; version=0.0.4; charset=utf-8",
			    buf_text(&text), text.len, 0);
	buf_fini(&text);
}
