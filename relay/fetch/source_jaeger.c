/*
 * Trace source jaeger: API v3 first; the old /api/traces where the server has no v3. Parameters are
 * spelt in snake case, which all servers take. It never asks without a service in a search:
 * storages refuse that, or scan everything.
 */
#include "sources-internal.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"

/* An old server has no v3: its router says so in plain text, or its single-page UI answers for
 * every path it does not know. A v3 that does not know the trace answers {"error":{…}}. */
static bool v3_missing(const struct http_reply *reply)
{
	if (reply->status == 501)
		return true;
	if (reply->status >= 200 && reply->status <= 299)
		return source_is_web_page(reply);
	if (reply->status != 404)
		return false;
	json_t *root = reply->body ? json_loadb(reply->body, reply->len, 0, NULL) : NULL;
	bool missing = !json_object_get(root, "error");
	json_decref(root);
	return missing;
}

/* {"error":"true", …}: an error, and the signal's attributes that are not patterns. NULL: nothing
 * to ask for. */
static const char *attributes(struct arena *arena, const struct trace_query *query)
{
	const struct labels *attrs = &query->signal->attrs;
	struct buf json = BUF_INIT(LIMIT_LABEL_BYTES);
	const char *text = NULL;

	buf_putc(&json, '{');
	if (query->failing)
		buf_json_text(&json, "error", "true");
	for (size_t i = 0; i < attrs->n; i++)
		if (!source_is_pattern(attrs->at[i].value))
			buf_json_text(&json, attrs->at[i].name, attrs->at[i].value);
	buf_putc(&json, '}');
	if (!json.failed && json.len > 2)
		text = arena_strdup(arena, json.data);
	buf_fini(&json);
	return text;
}

/* The names of the same things in the two APIs. */
struct dialect {
	const char *service, *operation, *start, *end, *limit, *duration, *attributes;
	bool rfc3339; /* else microseconds */
};

static const struct dialect v3 = {
	.service = "query.service_name",
	.operation = "query.operation_name",
	.start = "query.start_time_min",
	.end = "query.start_time_max",
	.limit = "query.search_depth",
	.duration = "query.duration_min",
	.attributes = "query.attributes",
	.rfc3339 = true,
};

static const struct dialect v1 = {
	.service = "service",
	.operation = "operation",
	.start = "start",
	.end = "end",
	.limit = "limit",
	.duration = "minDuration",
	.attributes = "tags",
};

static void add_time(struct arena *arena, struct buf *url, const struct dialect *dialect,
		     const char *name, int64_t us)
{
	char text[RFC3339_SIZE];

	if (dialect->rfc3339)
		source_url_param(arena, url, name, rfc3339_format(us, text));
	else
		source_url_number(arena, url, name, us);
}

static void add_search(struct arena *arena, struct buf *url, const struct dialect *dialect,
		       const struct trace_query *query)
{
	const char *operation = source_plain(query->signal->operation);
	const char *attrs = attributes(arena, query);

	source_url_param(arena, url, dialect->service, query->signal->service);
	if (operation)
		source_url_param(arena, url, dialect->operation, operation);
	add_time(arena, url, dialect, dialect->start, query->from_us);
	add_time(arena, url, dialect, dialect->end, query->to_us);
	source_url_number(arena, url, dialect->limit, query->limit);
	if (query->min_duration_us > 0)
		source_url_param(arena, url, dialect->duration,
				 arena_printf(arena, "%" PRId64 "us", query->min_duration_us));
	if (attrs)
		source_url_param(arena, url, dialect->attributes, attrs);
}

/* NULL: there is nothing that this source could be asked. */
static const char *make_url(struct arena *arena, const char *base, const char *path,
			    const struct dialect *dialect, const struct trace_query *query)
{
	struct buf url = BUF_INIT(SOURCE_URL_BYTES);

	source_url(&url, base, path);
	if (query->trace_id)
		buf_printf(&url, "/%s", url_escape(arena, query->trace_id));
	else if (query->signal && source_plain(query->signal->service))
		add_search(arena, &url, dialect, query);
	else
		buf_reset(&url);
	return source_url_take(arena, &url);
}

static enum source_step ask(struct source_talk *talk, const char *path,
			    const struct dialect *dialect, enum trace_encoding encoding)
{
	const char *url = make_url(talk->arena, talk->config->url, path, dialect, talk->query);

	if (!url)
		return source_end(talk, SOURCE_REFUSED, SOURCE_NO_SEARCH);
	source_request(talk, HTTP_GET, url);
	http_request_header(&talk->request, "Accept", "application/json");
	talk->encoding = encoding;
	return SOURCE_SEND;
}

enum source_step source_ask_jaeger(struct source_talk *talk, const char *path)
{
	return ask(talk, path, &v1, TRACE_ENCODING_JAEGER_JSON);
}

static enum source_step jaeger_next(struct source_talk *talk)
{
	if (talk->step == 0)
		return ask(talk, "/api/v3/traces", &v3, TRACE_ENCODING_OTLP_JSON);
	if (talk->step == 1 && v3_missing(talk->reply))
		return source_ask_jaeger(talk, "/api/traces");
	return source_judge(talk);
}

const struct trace_source trace_source_jaeger = {
	.name = "jaeger",
	.answers = SOURCE_BY_ID | SOURCE_SEARCH,
	.tenant_headers = { "x-tenant" },
	.next = jaeger_next,
};
