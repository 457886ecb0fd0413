/* Web health: is the relay alive, does it take alerts, and its metrics, as text or as
 * OpenMetrics, as the scraper's Accept says. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
		buf_puts(out, ": ");
		buf_count(out, view->waiting, "page waits\n", "pages wait\n");
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
	if (unreached) {
		buf_count(&text, unreached, "open incident has", "open incidents have");
		buf_printf(&text,
			   " reached nobody: no pager has taken %s page for %d s, or all refused "
			   "it; the queue or the log says which\n",
			   unreached == 1 ? "its" : "their", (int)(LIMIT_REACH_US / US_PER_SECOND));
	}
	ops->pagers(ops->ctx, ready_on_pager, &text);
	ops->tell_ready(ops->ctx, &text);
	web_reply_text(request->exchange, ready ? 200 : 503, buf_text(&text));
	buf_fini(&text);
}

/* ---- metrics ---- */

/* The weight of a media range, "…;q=0.5": 1 where it says none. */
static double range_weight(const char *range, size_t len)
{
	for (size_t i = 0; i + 3 < len; i++)
		if (range[i] == ';') {
			size_t at = i + 1 + strspn(range + i + 1, " \t");
			if (at + 2 < len && strncasecmp(range + at, "q=", 2) == 0)
				return strtod(range + at + 2, NULL);
		}
	return 1;
}

/* What a scraper's Accept gives a media type; a version that it wants must be this one. -1: it does
 * not name the type. */
static double accept_weight(const char *accept, const char *type, const char *version)
{
	const size_t type_len = strlen(type);
	double best = -1;

	for (const char *range = accept; *range;) {
		range += strspn(range, ", \t");
		const size_t len = strcspn(range, ",");
		const char *wanted = memmem(range, len, "version=", 8);
		if (len >= type_len && strncasecmp(range, type, type_len) == 0 &&
		    strchr(" \t;,", range[type_len]) && /* or its end: the NUL is found too */
		    (!wanted || strncmp(wanted + 8, version, strlen(version)) == 0) &&
		    range_weight(range, len) > best)
			best = range_weight(range, len);
		range += len;
	}
	return best;
}

void web_serve_metrics(struct web_request *request)
{
	const struct web_ops *ops = &request->web->ops;
	const char *accept = http_exchange_header(request->exchange, "Accept");
	struct buf text = BUF_INIT(LIMIT_METRICS_TEXT_BYTES);
	double open = accept ? accept_weight(accept, "application/openmetrics-text", "1.0.0") : -1;
	bool is_open = open > 0 && open >= accept_weight(accept, "text/plain", "0.0.4");

	ops->measure(ops->ctx);
	metrics_write(&text, is_open ? METRICS_OPENMETRICS : METRICS_TEXT);
	http_exchange_set(request->exchange, "Vary", "Accept");
	http_exchange_reply(request->exchange, 200,
			    is_open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
				    : "text/plain; version=0.0.4; charset=utf-8",
			    buf_text(&text), text.len, 0);
	buf_fini(&text);
}
