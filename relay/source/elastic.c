/*
 * Trace sources elastic and opensearch: searches of their indices. A search for traces asks for one
 * hit of each trace that has a span of the signal, then for all spans of these traces; a question
 * by id only for the latter. The next page begins after the sort values of the last hit
 * (search_after).
 *
 * Elastic stores spans in two ways, that of its APM and that of OpenTelemetry. A question names the
 * fields of both and accepts either.
 */
#include "source_talk-internal.h"

#include <inttypes.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"

/* Up to three fields of two dialects hold the same text. */
#define BODY_BYTES (4 * LIMIT_SOURCE_QUERY_BYTES)

struct field_value {
	const char *field, *value; /* JSON */
};

/* What one product calls its fields; NULL-terminated lists. */
struct elastic_dialect {
	const char *index;
	const char *trace_id[3], *service[3], *namespace[2], *operation[4];
	const char *time, *sort, *excludes;
	const char *duration[4];
	int64_t duration_scale[4]; /* units of the field in a microsecond */
	struct field_value failed[3], documents[2];
};

static const struct elastic_dialect apm_dialect = {
	.index = "traces-apm*,traces-*.otel-*,apm-*",
	.trace_id = { "trace.id", "trace_id" },
	.service = { "service.name", "resource.attributes.service.name" },
	.namespace = { "resource.attributes.service.namespace" },
	.operation = { "transaction.name", "span.name", "name" },
	.time = "@timestamp",
	/* Errors come before the spans that they belong to: the values error, span and transaction
	 * sort in this order. */
	.sort = "{\"processor.event\":{\"order\":\"asc\",\"unmapped_type\":\"keyword\"}},"
		"{\"@timestamp\":\"asc\"},"
		"{\"span.id\":{\"order\":\"asc\",\"unmapped_type\":\"keyword\"}},"
		"{\"transaction.id\":{\"order\":\"asc\",\"unmapped_type\":\"keyword\"}}",
	.excludes = "\"span.stacktrace\",\"error.exception.stacktrace\",\"error.log.stacktrace\"",
	.duration = { "transaction.duration.us", "span.duration.us", "duration" },
	.duration_scale = { 1, 1, 1000 },
	.failed = { { "event.outcome", "\"failure\"" }, { "status.code", "\"Error\"" } },
	.documents = { { "processor.event", "\"metric\"" } },
};

static const struct elastic_dialect opensearch_dialect = {
	.index = "otel-v1-apm-span-*",
	.trace_id = { "traceId" },
	.service = { "serviceName" },
	.namespace = { "resource.attributes.service@namespace" },
	.operation = { "name" },
	.time = "startTime",
	.sort = "{\"startTime\":\"asc\"},{\"spanId\":\"asc\"}",
	.excludes = "\"events.attributes.exception@stacktrace\"",
	.duration = { "durationInNanos" },
	.duration_scale = { 1000 },
	.failed = { { "status.code", "2" } },
};

struct elastic_state {
	const char **ids;
	size_t nids;
	bool asked_traces;
};

static const struct elastic_dialect *elastic_dialect_of(const struct source_talk *talk)
{
	return talk->config->kind == SOURCE_OPENSEARCH ? &opensearch_dialect : &apm_dialect;
}

/* ---- queries ---- */

static void elastic_add_comma(struct buf *body)
{
	char last = body->len > 0 ? body->data[body->len - 1] : '[';

	if (last != '[' && last != '{' && last != ':')
		buf_putc(body, ',');
}

/* {"term":{FIELD:VALUE}} */
static void elastic_add_term(struct buf *body, const char *field, const char *json)
{
	elastic_add_comma(body);
	buf_puts(body, "{\"term\":{");
	buf_json_key(body, field);
	buf_puts(body, json);
	buf_puts(body, "}}");
}

/* A list of conditions of which at least one must hold. */
static void open_any(struct buf *body)
{
	elastic_add_comma(body);
	buf_puts(body, "{\"bool\":{\"should\":[");
}

static void close_any(struct buf *body)
{
	buf_puts(body, "],\"minimum_should_match\":1}}");
}

static void elastic_add_text(struct buf *body, const char *const *fields, const char *text)
{
	struct buf json = BUF_INIT(BODY_BYTES);

	buf_json_string(&json, text);
	open_any(body);
	for (; *fields; fields++)
		elastic_add_term(body, *fields, buf_text(&json));
	close_any(body);
	buf_fini(&json);
}

static void add_failed(struct buf *body, const struct elastic_dialect *dialect)
{
	for (const struct field_value *at = dialect->failed; at->field; at++)
		elastic_add_term(body, at->field, at->value);
}

static void add_duration(struct buf *body, const struct elastic_dialect *dialect, int64_t us)
{
	open_any(body);
	for (size_t i = 0; dialect->duration[i]; i++) {
		elastic_add_comma(body);
		buf_puts(body, "{\"range\":{");
		buf_json_key(body, dialect->duration[i]);
		buf_putc(body, '{');
		buf_json_int(body, "gte", us * dialect->duration_scale[i]);
		buf_puts(body, "}}}");
	}
	close_any(body);
}

static void add_window(struct buf *body, const struct elastic_dialect *dialect,
		       const struct trace_query *query)
{
	char from[RFC3339_SIZE], to[RFC3339_SIZE];

	elastic_add_comma(body);
	buf_puts(body, "{\"range\":{");
	buf_json_key(body, dialect->time);
	buf_putc(body, '{');
	buf_json_text(body, "gte", rfc3339_format(query->from_us, from));
	buf_json_text(body, "lte", rfc3339_format(query->to_us, to));
	buf_puts(body, "}}}");
}

static const char *search_url(struct source_talk *talk)
{
	const char *index =
		talk->config->index ? talk->config->index : elastic_dialect_of(talk)->index;
	struct buf url = BUF_INIT(LIMIT_SOURCE_URL_BYTES);

	source_url(&url, talk->config->url, "/");
	buf_puts(&url, index);
	buf_puts(&url, "/_search?ignore_unavailable=true");
	return source_url_take(talk->arena, &url);
}

static bool elastic_post(struct source_talk *talk, struct buf *body)
{
	if (!source_post(talk, search_url(talk), body))
		return false;
	if (talk->config->api_key.value)
		http_request_header(
			&talk->request, "Authorization",
			arena_printf(talk->arena, "ApiKey %s", talk->config->api_key.value));
	return true;
}

/* ---- traces ---- */

static enum source_step elastic_ask_traces(struct source_talk *talk, const char *after)
{
	struct elastic_state *state = talk->state;
	const struct elastic_dialect *dialect = elastic_dialect_of(talk);
	struct buf body = BUF_INIT(BODY_BYTES);

	buf_printf(&body, "{\"size\":%u,\"track_total_hits\":false", LIMIT_ELASTIC_PAGE_HITS);
	buf_printf(&body, ",\"_source\":{\"excludes\":[%s]},\"sort\":[%s]", dialect->excludes,
		   dialect->sort);
	if (after)
		buf_printf(&body, ",\"search_after\":[%s]", after);
	buf_puts(&body, ",\"query\":{\"bool\":{\"filter\":[");
	open_any(&body);
	for (size_t i = 0; dialect->trace_id[i]; i++) {
		elastic_add_comma(&body);
		buf_puts(&body, "{\"terms\":{");
		buf_json_key(&body, dialect->trace_id[i]);
		buf_putc(&body, '[');
		for (size_t k = 0; k < state->nids; k++) {
			elastic_add_comma(&body);
			buf_json_string(&body, state->ids[k]);
		}
		buf_puts(&body, "]}}");
	}
	close_any(&body);
	buf_putc(&body, ']');
	if (dialect->documents[0].field) {
		buf_puts(&body, ",\"must_not\":[");
		elastic_add_term(&body, dialect->documents[0].field, dialect->documents[0].value);
		buf_putc(&body, ']');
	}
	buf_puts(&body, "}}}");
	if (!elastic_post(talk, &body))
		return source_end(talk, SOURCE_FAILED, "sent sort values that are too long");
	talk->encoding = TRACE_ENCODING_ELASTIC_JSON;
	talk->more = true;
	state->asked_traces = true;
	return SOURCE_SEND;
}

static enum source_step elastic_ask_by_id(struct source_talk *talk)
{
	struct elastic_state *state = talk->state;
	char *id;

	if (strlen(talk->query->trace_id) > LIMIT_TRACE_ID_BYTES)
		return SOURCE_NOT_FOUND;
	id = arena_strdup(talk->arena, talk->query->trace_id);
	/* Elasticsearch compares terms byte by byte, and both products store ids in lower case. */
	for (char *c = id; *c; c++)
		*c = *c >= 'A' && *c <= 'F' ? (char)(*c - 'A' + 'a') : *c;
	state->ids = arena_array(talk->arena, 1, sizeof(*state->ids));
	state->ids[state->nids++] = id;
	return elastic_ask_traces(talk, NULL);
}

/* ---- search ---- */

static void elastic_add_signal(struct buf *body, const struct elastic_dialect *dialect,
			       const struct trace_query *query)
{
	const struct signal *signal = query->signal;
	const char *operation = source_plain(signal->operation);
	const char *namespace = source_plain(signal->namespace);

	elastic_add_text(body, dialect->service, signal->service);
	if (namespace)
		elastic_add_text(body, dialect->namespace, namespace);
	if (operation)
		elastic_add_text(body, dialect->operation, operation);
	if (query->min_duration_us > 0)
		add_duration(body, dialect, query->min_duration_us);
	if (query->failing) {
		open_any(body);
		add_failed(body, dialect);
		close_any(body);
	}
	add_window(body, dialect, query);
}

static enum source_step elastic_ask_search(struct source_talk *talk)
{
	const struct trace_query *query = talk->query;
	const struct elastic_dialect *dialect = elastic_dialect_of(talk);
	struct buf body = BUF_INIT(BODY_BYTES);

	if (!source_has_service(query))
		return source_end(talk, SOURCE_REFUSED, SOURCE_NO_SEARCH);
	buf_printf(&body, "{\"size\":%u,\"track_total_hits\":false,\"_source\":[", query->limit);
	for (size_t i = 0; dialect->trace_id[i]; i++) {
		elastic_add_comma(&body);
		buf_json_string(&body, dialect->trace_id[i]);
	}
	/* One hit per trace. Elastic's new indices accept the old name of the trace id too. */
	buf_puts(&body, "],\"collapse\":{");
	buf_json_text(&body, "field", dialect->trace_id[0]);
	buf_puts(&body, "},\"sort\":[{");
	buf_json_text(&body, dialect->time, "desc");
	buf_puts(&body, "}],\"query\":{\"bool\":{\"filter\":[");
	elastic_add_signal(&body, dialect, query);
	buf_putc(&body, ']');
	if (query->healthy) {
		buf_puts(&body, ",\"must_not\":[");
		add_failed(&body, dialect);
		buf_putc(&body, ']');
	}
	buf_puts(&body, "}}}");
	if (!elastic_post(talk, &body))
		return source_end(talk, SOURCE_REFUSED, SOURCE_NO_SEARCH);
	source_read_text(talk);
	return SOURCE_SEND;
}

static int elastic_on_hit(void *ctx, enum jread_event event, const char *path, const char *text,
			  size_t len)
{
	struct source_talk *talk = ctx;
	struct elastic_state *state = talk->state;
	const char *name = path_below(path, "hits.hits._source.");
	const char *const *names = elastic_dialect_of(talk)->trace_id;

	if (event != JREAD_STRING || !name || len == 0 || len > LIMIT_TRACE_ID_BYTES)
		return JREAD_GO;
	for (size_t i = 0; names[i]; i++)
		if (strcmp(names[i], name) == 0 && state->nids < talk->query->limit)
			state->ids[state->nids++] = arena_strndup(talk->arena, text, len);
	return JREAD_GO;
}

/* What an answer says of itself. */
struct elastic_health {
	bool timed_out;
	int64_t shards, failed;
};

static int elastic_on_health(void *ctx, enum jread_event event, const char *path, const char *text,
			     size_t len)
{
	struct elastic_health *health = ((struct source_talk *)ctx)->state;

	if (event == JREAD_KEY)
		return strcmp(path, "hits") == 0 ? JREAD_SKIP : JREAD_GO;
	if (strcmp(path, "timed_out") == 0)
		health->timed_out = event == JREAD_TRUE;
	else if (event == JREAD_NUMBER && strcmp(path, "_shards.total") == 0)
		jread_int64(text, len, &health->shards);
	else if (event == JREAD_NUMBER && strcmp(path, "_shards.failed") == 0)
		jread_int64(text, len, &health->failed);
	return JREAD_GO;
}

/* Nothing was found. Where the search timed out or shards failed, what was asked for may be in the
 * part that was not searched: the same question may succeed later. */
static enum source_step elastic_found_nothing(struct source_talk *talk)
{
	struct elastic_health health = { .timed_out = false };
	struct source_talk reading = *talk;

	reading.state = &health;
	source_read_paths(&reading, elastic_on_health);
	if (health.failed > 0 && health.failed <= health.shards)
		return source_end(talk, SOURCE_FAILED,
				  arena_printf(talk->arena,
					       "%ssearched only in part: %" PRId64 " of %" PRId64
					       " shards failed",
					       health.timed_out ? "timed out, " : "", health.failed,
					       health.shards));
	if (health.timed_out)
		return source_end(talk, SOURCE_FAILED,
				  "timed out before it had searched everything");
	return SOURCE_NOT_FOUND;
}

static enum source_step elastic_take_search(struct source_talk *talk)
{
	struct elastic_state *state = talk->state;
	enum source_step step = source_judge(talk);

	if (step != SOURCE_TRACES)
		return step;
	state->ids = arena_array(talk->arena, talk->query->limit, sizeof(*state->ids));
	if (!source_read_paths(talk, elastic_on_hit))
		return source_unreadable(talk, SOURCE_BAD, "sent a reply that is no search result");
	return state->nids > 0 ? elastic_ask_traces(talk, NULL) : elastic_found_nothing(talk);
}

static enum source_step elastic_next(struct source_talk *talk)
{
	struct elastic_state *state = talk->state;
	enum source_step step;

	if (!state)
		talk->state = state = arena_alloc(talk->arena, sizeof(*state));
	if (talk->step == 0)
		return talk->query->trace_id ? elastic_ask_by_id(talk) : elastic_ask_search(talk);
	if (!state->asked_traces)
		return elastic_take_search(talk);
	step = source_judge(talk);
	if (step == SOURCE_TRACES && talk->cursor)
		return elastic_ask_traces(talk, arena_strdup(talk->arena, talk->cursor));
	return step == SOURCE_TRACES && talk->no_spans ? elastic_found_nothing(talk) : step;
}

const struct trace_source trace_source_ELASTIC = {
	.name = "elastic",
	.answers = SOURCE_BY_ID | SOURCE_SEARCH,
	.next = elastic_next,
};

const struct trace_source trace_source_OPENSEARCH = {
	.name = "opensearch",
	.answers = SOURCE_BY_ID | SOURCE_SEARCH,
	.next = elastic_next,
};
