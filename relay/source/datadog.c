/*
 * Trace source datadog: its spans search. A search for traces collects trace ids from spans of the
 * signal, then asks for the spans of all these traces in one request, since an hour has only 300
 * requests. Each reply tells how many requests are left; if none, the source asks for no question
 * until the time that the reply names.
 */
#include "source_talk-internal.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"

#define BODY_BYTES (2 * LIMIT_SOURCE_QUERY_BYTES)
/* Digits of an id of 128 bits. */
#define MAX_ID_BYTES 39

struct datadog_state {
	const char **ids;
	size_t nids;
	bool asked_traces;
};

static enum source_step datadog_ask(struct source_talk *talk, const char *filter, int64_t around_us,
				    unsigned int limit, const char *cursor)
{
	const struct trace_query *query = talk->query;
	const char *base = talk->config->url ? talk->config->url : "https://api.datadoghq.com";
	struct buf url = BUF_INIT(LIMIT_SOURCE_URL_BYTES), body = BUF_INIT(BODY_BYTES);
	char from[RFC3339_SIZE], to[RFC3339_SIZE];

	source_url(&url, base, "/api/v2/spans/events/search");
	buf_puts(&body, "{\"data\":{\"type\":\"search_request\",\"attributes\":{\"filter\":{");
	buf_json_text(&body, "query", filter);
	buf_json_text(&body, "from", rfc3339_format(query->from_us - around_us, from));
	buf_json_text(&body, "to", rfc3339_format(query->to_us + around_us, to));
	buf_puts(&body, "},\"sort\":\"timestamp\",\"page\":{");
	buf_json_int(&body, "limit", limit);
	if (cursor)
		buf_json_text(&body, "cursor", cursor);
	buf_puts(&body, "}}}}");
	if (!filter || !source_post(talk, source_url_take(talk->arena, &url), &body))
		return source_end(talk, SOURCE_REFUSED, SOURCE_NO_SEARCH);
	if (talk->config->api_key.value)
		http_request_header(&talk->request, "DD-API-KEY",
				    arena_strdup(talk->arena, talk->config->api_key.value));
	if (talk->config->app_key.value)
		http_request_header(&talk->request, "DD-APPLICATION-KEY",
				    arena_strdup(talk->arena, talk->config->app_key.value));
	return SOURCE_SEND;
}

/* ---- traces ---- */

/* The id; of an id in hexadecimal digits also its low 64 bits in decimal, as some accounts store
 * it. */
static void datadog_add_id(struct buf *filter, const char *id)
{
	size_t len = strlen(id), digits = strspn(id, "0123456789abcdef");

	buf_printf(filter, "%s%s", filter->data[filter->len - 1] == '(' ? "" : " OR ", id);
	if (digits == len && (len == 16 || len == 32))
		buf_printf(filter, " OR %" PRIu64, (uint64_t)strtoull(id + len - 16, NULL, 16));
}

static enum source_step datadog_ask_traces(struct source_talk *talk, const char *cursor)
{
	struct datadog_state *state = talk->state;
	struct buf filter = BUF_INIT(LIMIT_SOURCE_QUERY_BYTES);
	enum source_step step;

	buf_puts(&filter, "trace_id:(");
	for (size_t i = 0; i < state->nids; i++)
		datadog_add_id(&filter, state->ids[i]);
	buf_putc(&filter, ')');
	step = datadog_ask(talk, source_url_take(talk->arena, &filter), LIMIT_DATADOG_AROUND_US,
			   LIMIT_DATADOG_PAGE_SPANS, cursor);
	talk->encoding = TRACE_ENCODING_DATADOG_JSON;
	talk->more = true;
	state->asked_traces = true;
	return step;
}

/* Ids come from alerts that others send: only letters and digits may get into a query. */
static bool datadog_is_id(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]))
			return false;
	return len > 0 && len <= MAX_ID_BYTES;
}

static void datadog_keep_id(struct source_talk *talk, const char *text, size_t len)
{
	struct datadog_state *state = talk->state;
	char *id = arena_strndup(talk->arena, text, len);

	for (char *c = id; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	for (size_t i = 0; i < state->nids; i++)
		if (strcmp(state->ids[i], id) == 0)
			return;
	state->ids[state->nids++] = id;
}

static enum source_step datadog_ask_by_id(struct source_talk *talk)
{
	struct datadog_state *state = talk->state;
	const char *id = talk->query->trace_id;

	if (!datadog_is_id(id, strlen(id)))
		return SOURCE_NOT_FOUND;
	state->ids = arena_array(talk->arena, 1, sizeof(*state->ids));
	datadog_keep_id(talk, id, strlen(id));
	return datadog_ask_traces(talk, NULL);
}

/* ---- search ---- */

static void datadog_add_term(struct buf *filter, const char *name, const char *text)
{
	buf_printf(filter, "%s%s:", filter->len > 0 ? " " : "", name);
	source_add_quoted(filter, text, "\n");
}

static enum source_step datadog_ask_search(struct source_talk *talk)
{
	const struct trace_query *query = talk->query;
	struct buf filter = BUF_INIT(LIMIT_SOURCE_QUERY_BYTES);
	unsigned int limit = query->limit * LIMIT_DATADOG_SPANS_PER_TRACE;
	enum source_step step;

	if (!source_has_service(query))
		return source_end(talk, SOURCE_REFUSED, SOURCE_NO_SEARCH);
	datadog_add_term(&filter, "service", query->signal->service);
	if (source_plain(query->signal->operation))
		datadog_add_term(&filter, "resource_name", query->signal->operation);
	if (query->failing || query->healthy)
		buf_printf(&filter, " %sstatus:error", query->healthy ? "-" : "");
	if (query->min_duration_us > 0)
		buf_printf(&filter, " @duration:>=%" PRId64, query->min_duration_us * 1000);
	step = datadog_ask(talk, source_url_take(talk->arena, &filter), 0,
			   limit < LIMIT_DATADOG_PAGE_SPANS ? limit : LIMIT_DATADOG_PAGE_SPANS,
			   NULL);
	if (step == SOURCE_SEND)
		source_read_text(talk);
	return step;
}

static int datadog_on_span(void *ctx, enum jread_event event, const char *path, const char *text,
			   size_t len)
{
	struct source_talk *talk = ctx;
	const struct datadog_state *state = talk->state;

	if (event == JREAD_STRING && strcmp(path, "data.attributes.trace_id") == 0 &&
	    datadog_is_id(text, len) && state->nids < talk->query->limit)
		datadog_keep_id(talk, text, len);
	return JREAD_GO;
}

static int datadog_on_status(void *ctx, enum jread_event event, const char *path, const char *text,
			     size_t len)
{
	bool *timed_out = ((struct source_talk *)ctx)->state;

	if (event == JREAD_STRING && strcmp(path, "meta.status") == 0)
		*timed_out = jread_is(text, len, "timeout");
	return JREAD_GO;
}

/* Nothing was found. Where the search timed out, what was asked for may be there all the same. */
static enum source_step datadog_found_nothing(struct source_talk *talk)
{
	struct source_talk reading = *talk;
	bool timed_out = false;

	reading.state = &timed_out;
	source_read_paths(&reading, datadog_on_status);
	if (!timed_out)
		return SOURCE_NOT_FOUND;
	return source_end(talk, SOURCE_FAILED, "timed out before it had searched everything");
}

static enum source_step datadog_take_search(struct source_talk *talk)
{
	struct datadog_state *state = talk->state;

	state->ids = arena_array(talk->arena, talk->query->limit, sizeof(*state->ids));
	if (!source_read_paths(talk, datadog_on_span))
		return source_unreadable(talk, SOURCE_BAD, "sent a reply that is no search result");
	return state->nids > 0 ? datadog_ask_traces(talk, NULL) : datadog_found_nothing(talk);
}

/* A header as a number; -1: absent, or no number. */
static long header_number(const struct http_reply *reply, const char *name)
{
	const char *text = http_reply_header(reply, name);

	return text && isdigit((unsigned char)*text) ? strtol(text, NULL, 10) : -1;
}

/* Holds further questions until the limit is reset, if it is used up. */
static void datadog_obey_limit(struct source_talk *talk)
{
	long left = header_number(talk->reply, "X-RateLimit-Remaining");
	long reset_s = header_number(talk->reply, "X-RateLimit-Reset");

	if (reset_s > 0 && reset_s <= LIMIT_SOURCE_HOLD_US / US_PER_SECOND &&
	    (left == 0 || talk->reply->status == 429))
		talk->hold_us = reset_s * US_PER_SECOND;
}

static enum source_step datadog_next(struct source_talk *talk)
{
	struct datadog_state *state = talk->state;
	enum source_step step;

	if (!state)
		talk->state = state = arena_alloc(talk->arena, sizeof(*state));
	if (talk->step == 0)
		return talk->query->trace_id ? datadog_ask_by_id(talk) : datadog_ask_search(talk);
	step = source_judge(talk);
	datadog_obey_limit(talk);
	if (step != SOURCE_TRACES)
		return step;
	if (!state->asked_traces)
		return datadog_take_search(talk);
	if (talk->cursor)
		return datadog_ask_traces(talk, arena_strdup(talk->arena, talk->cursor));
	return talk->no_spans ? datadog_found_nothing(talk) : step;
}

const struct trace_source trace_source_DATADOG = {
	.name = "datadog",
	.answers = SOURCE_BY_ID | SOURCE_SEARCH,
	.next = datadog_next,
};
