/*
 * Trace source jaeger: API v3 first; the old /api/traces if the server has no v3. Parameters are in
 * snake case, which all releases take. Never searches without a service: storages refuse that, or
 * scan everything.
 *
 * Whether a search by attributes works depends on the release: v3 ignores attributes up to 2.13,
 * and the old API of 2.x with the memory storage finds no errors at all. So the source asks for
 * traces with an error first; if there are none, it asks for more traces without that condition.
 * Whoever receives the traces filters them in either case.
 */
#include "source_talk-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/glob.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* Has the server no v3? Then its router says so in plain text, or its single-page UI answers every
 * unknown path. A v3 that does not know the trace answers {"error":{…}}. */
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

/* The conditions of a search; ask_less() drops those that the server cannot take. */
struct jaeger_asking {
	bool old;   /* by the old API */
	bool error; /* with the error attribute */
	bool attrs; /* with the signal's attributes */
	bool many;  /* for LIMIT_SEARCH_DEPTH traces, of which the fitting ones are kept */
};

/* {"error":"true", …}: the error and those attributes of the signal that are no patterns. NULL:
 * neither. */
static const char *jaeger_attributes(struct arena *arena, const struct jaeger_asking *asking,
				     const struct labels *attrs)
{
	struct buf json = BUF_INIT(LIMIT_LABEL_BYTES);
	const char *text = NULL;

	buf_putc(&json, '{');
	if (asking->error)
		buf_json_text(&json, "error", "true");
	for (size_t i = 0; asking->attrs && i < attrs->n; i++)
		if (!glob_has_wildcard(attrs->at[i].value))
			buf_json_text(&json, attrs->at[i].name, attrs->at[i].value);
	buf_putc(&json, '}');
	if (!json.failed && json.len > 2)
		text = arena_strdup(arena, json.data);
	buf_fini(&json);
	return text;
}

/* What the two APIs call the same things. */
struct jaeger_dialect {
	const char *path;
	enum trace_encoding encoding;
	const char *service, *operation, *start, *end, *duration, *attributes;
	/* The number of traces: the name for servers that filter by attributes, and the name for
	 * those that do not. NULL: the API has no second name. */
	const char *limit, *limit_without_attributes;
	bool rfc3339; /* times are RFC 3339; else microseconds */
};

/* Releases with query.search_depth filter by query.attributes, and prefer query.search_depth to
 * query.num_traces. */
static const struct jaeger_dialect jaeger_v3 = {
	.path = "/api/v3/traces",
	.encoding = TRACE_ENCODING_OTLP_JSON,
	.service = "query.service_name",
	.operation = "query.operation_name",
	.start = "query.start_time_min",
	.end = "query.start_time_max",
	.duration = "query.duration_min",
	.attributes = "query.attributes",
	.limit = "query.search_depth",
	.limit_without_attributes = "query.num_traces",
	.rfc3339 = true,
};

static const struct jaeger_dialect jaeger_v1 = {
	.path = "/api/traces",
	.encoding = TRACE_ENCODING_JAEGER_JSON,
	.service = "service",
	.operation = "operation",
	.start = "start",
	.end = "end",
	.duration = "minDuration",
	.attributes = "tags",
	.limit = "limit",
};

static void jaeger_add_time(struct arena *arena, struct buf *url,
			    const struct jaeger_dialect *dialect, const char *name, int64_t us)
{
	char text[RFC3339_SIZE];

	if (dialect->rfc3339)
		source_url_param(arena, url, name, rfc3339_format(us, text));
	else
		source_url_number(arena, url, name, us);
}

static void jaeger_add_search(struct arena *arena, struct buf *url,
			      const struct jaeger_dialect *dialect,
			      const struct jaeger_asking *asking, const struct trace_query *query)
{
	const char *operation = source_plain(query->signal->operation);
	const char *attrs = jaeger_attributes(arena, asking, &query->signal->attrs);
	unsigned int limit = query->limit, many = limit;

	if (asking->many && many < LIMIT_SEARCH_DEPTH)
		many = LIMIT_SEARCH_DEPTH;
	source_url_param(arena, url, dialect->service, query->signal->service);
	if (operation)
		source_url_param(arena, url, dialect->operation, operation);
	jaeger_add_time(arena, url, dialect, dialect->start, query->from_us);
	jaeger_add_time(arena, url, dialect, dialect->end, query->to_us);
	source_url_number(arena, url, dialect->limit, asking->error ? limit : many);
	if (dialect->limit_without_attributes)
		source_url_number(arena, url, dialect->limit_without_attributes, many);
	if (query->min_duration_us > 0)
		source_url_param(arena, url, dialect->duration,
				 arena_printf(arena, "%" PRId64 "us", query->min_duration_us));
	if (attrs)
		source_url_param(arena, url, dialect->attributes, attrs);
}

static enum source_step jaeger_ask(struct source_talk *talk, const struct jaeger_dialect *dialect,
				   const char *path, const struct jaeger_asking *asking)
{
	const struct trace_query *query = talk->query;
	struct buf buf = BUF_INIT(LIMIT_SOURCE_URL_BYTES);

	source_url(&buf, talk->config->url, path);
	if (query->trace_id)
		buf_printf(&buf, "/%s", url_escape(talk->arena, query->trace_id));
	else if (source_has_service(query))
		jaeger_add_search(talk->arena, &buf, dialect, asking, query);
	else
		buf_reset(&buf);
	if (!source_get(talk, source_url_take(talk->arena, &buf), "application/json",
			dialect->encoding))
		return source_end(talk, SOURCE_REFUSED, SOURCE_NO_SEARCH);
	return SOURCE_SEND;
}

static enum source_step ask_so(struct source_talk *talk, const struct jaeger_asking *asking)
{
	const struct jaeger_dialect *dialect = asking->old ? &jaeger_v1 : &jaeger_v3;

	return jaeger_ask(talk, dialect, dialect->path, asking);
}

enum source_step source_ask_jaeger(struct source_talk *talk, const char *path)
{
	const struct jaeger_asking asking = { .error = talk->query->failing, .attrs = true };

	return jaeger_ask(talk, &jaeger_v1, path, &asking);
}

static struct jaeger_asking *asking_new(struct source_talk *talk)
{
	const struct trace_query *query = talk->query;
	struct jaeger_asking *asking = arena_alloc(talk->arena, sizeof(*asking));
	bool some = query->signal && query->signal->attrs.n > 0;

	*asking = (struct jaeger_asking){ .error = query->failing,
					  .attrs = some,
					  .many = query->failing || some };
	return asking;
}

/* Storages answer 500 to searches that they cannot do: Cassandra to one by attributes and duration,
 * the memory storage to one for more traces than it holds. Asking again would get the same answer.
 * */
static bool is_not_possible(const struct http_reply *reply)
{
	static const char *const words[] = {
		"cannot query for duration and tags simultaneously",
		"malformed request object",
		"query parameter is not supported",
		"search depth must be",
	};

	for (size_t i = 0; reply->status == 500 && i < ARRAY_LEN(words); i++)
		if (reply->body && strstr(reply->body, words[i]))
			return true;
	return false;
}

static bool found_nothing(const struct source_talk *talk)
{
	int status = talk->reply->status;

	return status == 404 || (status >= 200 && status <= 299 && talk->no_spans);
}

/* Drops the conditions that the reply shows to be too much. false: nothing is left to drop. */
static bool ask_less(struct jaeger_asking *asking, const struct source_talk *talk)
{
	if (asking->error && found_nothing(talk)) {
		asking->error = false;
		return true;
	}
	bool impossible = is_not_possible(talk->reply);
	bool too_large = talk->error == -E2BIG && !(asking->old && asking->error);
	if (impossible && (asking->error || asking->attrs)) {
		asking->error = asking->attrs = false;
		return true;
	}
	if (asking->many && (impossible || too_large)) {
		asking->many = false;
		return true;
	}
	return false;
}

static enum source_step jaeger_next(struct source_talk *talk)
{
	struct jaeger_asking *asking = talk->state;

	if (!asking) {
		talk->state = asking = asking_new(talk);
		return ask_so(talk, asking);
	}
	if (talk->step == 1 && v3_missing(talk->reply)) {
		asking->old = true;
		return ask_so(talk, asking);
	}
	/* The old API answers a search that finds nothing with an empty list. */
	if (!talk->query->trace_id && asking->old && talk->reply->status == 404)
		return source_end(talk, SOURCE_REFUSED,
				  "answered HTTP 404: its url is not that of Jaeger's API");
	if (!talk->query->trace_id && ask_less(asking, talk)) {
		talk->searches = true;
		return ask_so(talk, asking);
	}
	if (is_not_possible(talk->reply))
		return source_end(talk, SOURCE_REFUSED,
				  "answered HTTP 500: it cannot do this search");
	return source_judge(talk);
}

const struct trace_source trace_source_JAEGER = {
	.name = "jaeger",
	.answers = SOURCE_BY_ID | SOURCE_SEARCH,
	.tenant_headers = { "x-tenant" },
	.next = jaeger_next,
};
