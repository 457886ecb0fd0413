/*
 * Trace source gcptrace: Google Cloud Trace, API v1, with an OAuth 2 token. A search returns whole
 * traces. Its spans have no status, so failing traces are found by the label of an HTTP 5xx.
 */
#include "source_talk-internal.h"

#include <inttypes.h>
#include <string.h>

#include "tracepager/clock.h"
#include "tracepager/limits.h"

static void open_url(struct source_talk *talk, struct buf *url)
{
	const char *base =
		talk->config->url ? talk->config->url : "https://cloudtrace.googleapis.com";

	source_url(url, base, "/v1/projects/");
	buf_puts(url, url_escape(talk->arena, talk->config->project));
	buf_puts(url, "/traces");
}

/* NAME:"TEXT" in a filter of Cloud Trace; the plus sign demands an exact match. */
static void gcptrace_add_term(struct buf *filter, const char *name, const char *text)
{
	buf_printf(filter, "%s+%s:", filter->len > 0 ? " " : "", name);
	source_add_quoted(filter, text, "\n");
}

static const char *gcptrace_filter_of(struct arena *arena, const struct trace_query *query)
{
	struct buf filter = BUF_INIT(LIMIT_SOURCE_QUERY_BYTES);

	gcptrace_add_term(&filter, "service.name", query->signal->service);
	if (source_plain(query->signal->operation))
		gcptrace_add_term(&filter, "span", query->signal->operation);
	if (query->failing)
		buf_puts(&filter, " /http/status_code:5");
	if (query->min_duration_us >= US_PER_MS)
		buf_printf(&filter, " latency:%" PRId64 "ms",
			   (int64_t)(query->min_duration_us / US_PER_MS));
	return source_url_take(arena, &filter);
}

static bool gcptrace_add_search(struct source_talk *talk, struct buf *url, const char *token)
{
	const struct trace_query *query = talk->query;
	struct arena *arena = talk->arena;
	char from[RFC3339_SIZE], to[RFC3339_SIZE];
	const char *filter = gcptrace_filter_of(arena, query);

	if (!filter)
		return false;
	source_url_param(arena, url, "view", "COMPLETE");
	source_url_number(arena, url, "pageSize", query->limit);
	source_url_param(arena, url, "startTime", rfc3339_format(query->from_us, from));
	source_url_param(arena, url, "endTime", rfc3339_format(query->to_us, to));
	source_url_param(arena, url, "filter", filter);
	if (token)
		source_url_param(arena, url, "pageToken", token);
	return true;
}

static enum source_step send_question(struct source_talk *talk, const char *token)
{
	const struct trace_query *query = talk->query;
	struct buf url = BUF_INIT(LIMIT_SOURCE_URL_BYTES);

	open_url(talk, &url);
	if (query->trace_id)
		buf_printf(&url, "/%s", url_escape(talk->arena, query->trace_id));
	else if (!source_has_service(query) || !gcptrace_add_search(talk, &url, token))
		buf_reset(&url);
	if (!source_get(talk, source_url_take(talk->arena, &url), "application/json",
			TRACE_ENCODING_GCP_JSON))
		return source_end(talk, SOURCE_REFUSED, SOURCE_NO_SEARCH);
	talk->more = true;
	return SOURCE_SEND;
}

static enum source_step gcptrace_next(struct source_talk *talk)
{
	if (talk->step == 0)
		return send_question(talk, NULL);
	enum source_step step = source_judge(talk);
	if (step == SOURCE_TRACES && talk->cursor && !talk->query->trace_id)
		return send_question(talk, talk->cursor);
	return step;
}

const struct trace_source trace_source_GCPTRACE = {
	.name = "gcptrace",
	.answers = SOURCE_BY_ID | SOURCE_SEARCH,
	.next = gcptrace_next,
};
