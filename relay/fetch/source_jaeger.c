/*
 * Trace source jaeger: API v3 first; the old /api/traces where the server has no v3. Parameters are
 * spelt in snake case, which all servers take. It never asks without a service in a search:
 * storages refuse that, or scan everything.
 */
#include "sources-internal.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
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
		return strncmp(reply->content_type, "text/html", 9) == 0 ||
		       (reply->body && reply->body[strspn(reply->body, " \t\r\n")] == '<');
	if (reply->status != 404)
		return false;
	json_t *root = reply->body ? json_loadb(reply->body, reply->len, 0, NULL) : NULL;
	bool missing = !json_object_get(root, "error");
	json_decref(root);
	return missing;
}

static bool is_pattern(const char *text)
{
	return strpbrk(text, "*?[\\") != NULL;
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
		if (!is_pattern(attrs->at[i].value))
			buf_json_text(&json, attrs->at[i].name, attrs->at[i].value);
	buf_putc(&json, '}');
	if (!json.failed && json.len > 2)
		text = arena_strdup(arena, json.data);
	buf_fini(&json);
	return text;
}

/* The names of the same things in the two APIs. */
struct dialect {
	const char *path, *service, *operation, *start, *end, *limit, *attributes;
	bool rfc3339; /* else microseconds */
};

static const struct dialect v3 = {
	.path = "/api/v3/traces",
	.service = "query.service_name",
	.operation = "query.operation_name",
	.start = "query.start_time_min",
	.end = "query.start_time_max",
	.limit = "query.search_depth",
	.attributes = "query.attributes",
	.rfc3339 = true,
};

static const struct dialect v1 = {
	.path = "/api/traces",
	.service = "service",
	.operation = "operation",
	.start = "start",
	.end = "end",
	.limit = "limit",
	.attributes = "tags",
};

/* The value is escaped here. */
static void add_param(struct arena *arena, struct buf *url, const char *name, const char *value)
{
	buf_printf(url, "%c%s=%s", strchr(buf_text(url), '?') ? '&' : '?', name,
		   url_escape(arena, value));
}

static void add_time(struct arena *arena, struct buf *url, const struct dialect *dialect,
		     const char *name, int64_t us)
{
	char text[RFC3339_SIZE];

	if (dialect->rfc3339)
		rfc3339_format(us, text);
	else
		snprintf(text, sizeof(text), "%" PRId64, us);
	add_param(arena, url, name, text);
}

static void add_search(struct arena *arena, struct buf *url, const struct dialect *dialect,
		       const struct trace_query *query)
{
	const struct signal *signal = query->signal;
	const char *attrs = attributes(arena, query);
	char limit[16];

	snprintf(limit, sizeof(limit), "%u", query->limit);
	add_param(arena, url, dialect->service, signal->service);
	if (signal->operation && *signal->operation && !is_pattern(signal->operation))
		add_param(arena, url, dialect->operation, signal->operation);
	add_time(arena, url, dialect, dialect->start, query->from_us);
	add_time(arena, url, dialect, dialect->end, query->to_us);
	add_param(arena, url, dialect->limit, limit);
	if (attrs)
		add_param(arena, url, dialect->attributes, attrs);
}

/* NULL: there is nothing that this source could be asked. */
static const char *make_url(struct arena *arena, const char *base, const struct dialect *dialect,
			    const struct trace_query *query)
{
	const char *service = query->signal ? query->signal->service : NULL;
	struct buf url = BUF_INIT(4 * LIMIT_LABEL_BYTES);
	size_t len = strlen(base);

	while (len > 0 && base[len - 1] == '/')
		len--;
	buf_add(&url, base, len);
	buf_puts(&url, dialect->path);
	if (query->trace_id)
		buf_printf(&url, "/%s", url_escape(arena, query->trace_id));
	else if (service && *service && !is_pattern(service))
		add_search(arena, &url, dialect, query);
	else
		buf_reset(&url);
	const char *text = url.len > 0 && !url.failed ? arena_strdup(arena, url.data) : NULL;
	buf_fini(&url);
	return text;
}

static enum source_step jaeger_request(struct arena *arena, const struct source_config *config,
				       const struct trace_query *query, unsigned int attempt,
				       const struct http_reply *previous,
				       struct http_request *ret_request,
				       enum trace_encoding *ret_encoding)
{
	const char *url;

	if (attempt > 1 || (attempt == 1 && !v3_missing(previous)))
		return SOURCE_GIVE_UP;
	url = make_url(arena, config->url, attempt == 0 ? &v3 : &v1, query);
	if (!url)
		return SOURCE_GIVE_UP;
	*ret_request = (struct http_request){
		.method = HTTP_GET,
		.url = url,
		.timeout_us = config->timeout_us,
		.max_reply_bytes = LIMIT_TRACE_BODY_BYTES,
	};
	http_request_header(ret_request, "Accept", "application/json");
	if (config->bearer.value)
		http_request_header(ret_request, "Authorization",
				    arena_printf(arena, "Bearer %s", config->bearer.value));
	*ret_encoding = attempt == 0 ? TRACE_ENCODING_OTLP_JSON : TRACE_ENCODING_JAEGER_JSON;
	return SOURCE_SEND;
}

/* Of an unknown trace in both APIs; of a search without a match in v3. */
static bool jaeger_not_found(int status)
{
	return status == 404;
}

const struct trace_source trace_source_jaeger = {
	.name = "jaeger",
	.request = jaeger_request,
	.not_found = jaeger_not_found,
};
