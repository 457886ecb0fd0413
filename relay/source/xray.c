/*
 * Trace source xray: GetTraceSummaries finds trace ids, BatchGetTraces returns the traces, at most
 * LIMIT_XRAY_BATCH at a time and in pages. All requests are signed with the access key. X-Ray
 * writes an id as 1-8 digits-24 digits; elsewhere the same id is known by its 32 hexadecimal
 * digits.
 */
#include "source_talk-internal.h"

#include <ctype.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"

#define ID_DIGITS  32
#define BODY_BYTES (2 * LIMIT_SOURCE_QUERY_BYTES)

struct xray_state {
	const char **ids; /* in the form of X-Ray */
	size_t nids, asked;
	const char *token; /* next page of summaries */
	const char *batch; /* the ids of the last request, as JSON */
	unsigned int again;
	bool has_summaries;
};

/* ---- traces ---- */

static const char *xray_url(struct source_talk *talk, const char *path)
{
	struct buf url = BUF_INIT(LIMIT_SOURCE_URL_BYTES);
	const char *base = talk->config->url;

	if (!base)
		base = arena_printf(talk->arena, "https://xray.%s.amazonaws.com",
				    talk->config->region);
	source_url(&url, base, path);
	return source_url_take(talk->arena, &url);
}

static enum source_step ask_batch(struct source_talk *talk, const char *ids, const char *token)
{
	struct xray_state *state = talk->state;
	struct buf body = BUF_INIT(BODY_BYTES);

	state->batch = ids;
	buf_printf(&body, "{\"TraceIds\":[%s]", ids);
	if (token)
		buf_json_text(&body, "NextToken", token);
	buf_putc(&body, '}');
	if (!source_post(talk, xray_url(talk, "/Traces"), &body))
		return source_end(talk, SOURCE_FAILED, "sent a token that is too long");
	talk->encoding = TRACE_ENCODING_XRAY_JSON;
	talk->more = true;
	return SOURCE_SEND;
}

/* Asks for the next ids, of which at least one is left. */
static enum source_step ask_next_batch(struct source_talk *talk)
{
	struct xray_state *state = talk->state;
	struct buf ids = BUF_INIT(BODY_BYTES);

	for (size_t i = 0; i < LIMIT_XRAY_BATCH && state->asked < state->nids; i++) {
		if (i > 0)
			buf_putc(&ids, ',');
		buf_json_string(&ids, state->ids[state->asked++]);
	}
	return ask_batch(talk, source_url_take(talk->arena, &ids), NULL);
}

/* Asks for the ids of a cursor " ID ID" again. */
static enum source_step ask_again(struct source_talk *talk, const char *cursor)
{
	struct xray_state *state = talk->state;
	struct buf ids = BUF_INIT(BODY_BYTES);

	if (state->again++ == LIMIT_XRAY_AGAIN)
		return source_end(talk, SOURCE_FAILED, "did not return all traces in time");
	for (cursor += strspn(cursor, " "); *cursor; cursor += strspn(cursor, " ")) {
		size_t len = strcspn(cursor, " ");
		if (ids.len > 0)
			buf_putc(&ids, ',');
		buf_json_stringn(&ids, cursor, len);
		cursor += len;
	}
	enum source_step step = ask_batch(talk, source_url_take(talk->arena, &ids), NULL);
	talk->wait_us = LIMIT_XRAY_AGAIN_US;
	return step;
}

static enum source_step take_batch(struct source_talk *talk)
{
	const struct xray_state *state = talk->state;
	enum source_step step = source_judge(talk);
	const char *cursor = talk->cursor;

	if (step != SOURCE_TRACES)
		return step;
	if (cursor && *cursor != ' ')
		return ask_batch(talk, state->batch,
				 arena_strndup(talk->arena, cursor, strcspn(cursor, " ")));
	if (cursor && cursor[strspn(cursor, " ")])
		return ask_again(talk, cursor);
	return state->asked < state->nids ? ask_next_batch(talk) : step;
}

/* The id in the form of X-Ray, from its 32 digits or as it is. NULL: X-Ray has no such id. */
static const char *xray_id(struct arena *arena, const char *id)
{
	size_t digits = 0;

	if (strncmp(id, "1-", 2) == 0)
		return id;
	while (isxdigit((unsigned char)id[digits]))
		digits++;
	if (digits != ID_DIGITS || id[digits])
		return NULL;
	char *text = arena_printf(arena, "1-%.8s-%s", id, id + 8);
	for (char *c = text; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return text;
}

static enum source_step xray_ask_by_id(struct source_talk *talk)
{
	struct xray_state *state = talk->state;
	const char *id = xray_id(talk->arena, talk->query->trace_id);

	if (!id)
		return SOURCE_NOT_FOUND;
	state->ids = arena_array(talk->arena, 1, sizeof(*state->ids));
	state->ids[state->nids++] = id;
	return ask_next_batch(talk);
}

/* ---- search ---- */

/* Begins the next condition. */
static void add_and(struct buf *filter, bool *has_any)
{
	buf_puts(filter, *has_any ? " AND " : " { ");
	*has_any = true;
}

/* Conditions for "POST /orders": X-Ray knows methods and URLs, but no routes, so that a path with a
 * placeholder is left out. */
static void add_operation(struct buf *filter, const char *operation, bool *has_any)
{
	size_t method = strspn(operation, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	const char *path = operation + method + 1;

	if (method == 0 || operation[method] != ' ' || *path != '/')
		return;
	add_and(filter, has_any);
	buf_printf(filter, "http.method = \"%.*s\"", (int)method, operation);
	if (strpbrk(path, "{}<>:"))
		return;
	add_and(filter, has_any);
	buf_puts(filter, "http.url CONTAINS ");
	source_add_quoted(filter, path, "\n");
}

/* X-Ray's filter expression: the segment of the service, and conditions on it. */
static const char *xray_filter_of(struct arena *arena, const struct trace_query *query)
{
	struct buf filter = BUF_INIT(LIMIT_SOURCE_QUERY_BYTES);
	const char *operation = source_plain(query->signal->operation);
	bool has_any = false;

	buf_puts(&filter, "service(");
	source_add_quoted(&filter, query->signal->service, "\n");
	buf_putc(&filter, ')');
	if (query->failing || query->healthy) {
		add_and(&filter, &has_any);
		buf_printf(&filter, "fault = %s", query->failing ? "true" : "false");
	}
	if (query->min_duration_us > 0) {
		add_and(&filter, &has_any);
		buf_printf(&filter, "responsetime >= %lld.%06lld",
			   (long long)(query->min_duration_us / US_PER_SECOND),
			   (long long)(query->min_duration_us % US_PER_SECOND));
	}
	if (operation)
		add_operation(&filter, operation, &has_any);
	if (has_any)
		buf_puts(&filter, " }");
	return source_url_take(arena, &filter);
}

static enum source_step ask_summaries(struct source_talk *talk)
{
	const struct trace_query *query = talk->query;
	const struct xray_state *state = talk->state;
	struct buf body = BUF_INIT(BODY_BYTES);

	if (!source_has_service(query))
		return source_end(talk, SOURCE_REFUSED, SOURCE_NO_SEARCH);
	buf_putc(&body, '{');
	buf_json_int(&body, "StartTime", query->from_us / US_PER_SECOND);
	buf_json_int(&body, "EndTime", (query->to_us + US_PER_SECOND - 1) / US_PER_SECOND);
	/* By the time at which the trace arrived, not by the time in its id: ids of W3C have no
	 * time. */
	buf_json_text(&body, "TimeRangeType", "Event");
	buf_puts(&body, ",\"Sampling\":false");
	buf_json_text(&body, "FilterExpression", xray_filter_of(talk->arena, query));
	if (state->token)
		buf_json_text(&body, "NextToken", state->token);
	buf_putc(&body, '}');
	if (!source_post(talk, xray_url(talk, "/TraceSummaries"), &body))
		return source_end(talk, SOURCE_REFUSED, SOURCE_NO_SEARCH);
	source_read_text(talk);
	return SOURCE_SEND;
}

/* {"TraceSummaries":[{"Id":"1-…"}],"NextToken":"…"} */
static int on_summary(void *ctx, enum jread_event event, const char *path, const char *text,
		      size_t len)
{
	struct source_talk *talk = ctx;
	struct xray_state *state = talk->state;

	if (event != JREAD_STRING)
		return JREAD_GO;
	if (strcmp(path, "NextToken") == 0 && len > 0 && len <= LIMIT_CURSOR_BYTES)
		state->token = arena_strndup(talk->arena, text, len);
	if (strcmp(path, "TraceSummaries.Id") == 0 && len > 2 && len <= ID_DIGITS + 3 &&
	    state->nids < talk->query->limit)
		state->ids[state->nids++] = arena_strndup(talk->arena, text, len);
	return JREAD_GO;
}

static enum source_step take_summaries(struct source_talk *talk)
{
	struct xray_state *state = talk->state;
	enum source_step step = source_judge(talk);

	if (step != SOURCE_TRACES)
		return step;
	if (!state->ids)
		state->ids = arena_array(talk->arena, talk->query->limit, sizeof(*state->ids));
	state->token = NULL;
	if (!source_read_paths(talk, on_summary))
		return source_unreadable(talk, SOURCE_BAD, "sent a reply that is no search result");
	/* Half of the steps are left for the traces. */
	if (state->token && state->nids < talk->query->limit && talk->step < LIMIT_SOURCE_STEPS / 2)
		return ask_summaries(talk);
	if (state->nids == 0)
		return SOURCE_NOT_FOUND;
	state->has_summaries = true;
	return ask_next_batch(talk);
}

static enum source_step xray_next(struct source_talk *talk)
{
	struct xray_state *state = talk->state;

	if (!state)
		talk->state = state = arena_alloc(talk->arena, sizeof(*state));
	if (talk->step == 0)
		return talk->query->trace_id ? xray_ask_by_id(talk) : ask_summaries(talk);
	if (talk->query->trace_id || state->has_summaries)
		return take_batch(talk);
	return take_summaries(talk);
}

const struct trace_source trace_source_XRAY = {
	.name = "xray",
	.answers = SOURCE_BY_ID | SOURCE_SEARCH,
	.sigv4_service = "xray",
	.next = xray_next,
};
