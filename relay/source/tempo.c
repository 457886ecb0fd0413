/*
 * Trace source tempo: by id from API v2, as protobuf; from v1 if the server is older. A search is
 * TraceQL; its answer has trace ids only, and each trace is asked for afterwards. An unknown trace
 * is an empty message in v2, 404 in v1.
 */
#include "source_talk-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/jread.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* ---- by id ---- */

static enum source_step tempo_ask_by_id(struct source_talk *talk, const char *path,
					enum trace_encoding encoding)
{
	struct buf url = BUF_INIT(LIMIT_SOURCE_URL_BYTES);

	source_url(&url, talk->config->url, path);
	buf_puts(&url, url_escape(talk->arena, talk->query->trace_id));
	if (!source_get(talk, source_url_take(talk->arena, &url), "application/protobuf", encoding))
		return SOURCE_NOT_FOUND;
	return SOURCE_SEND;
}

/* A router without this path answers in these words; a trace that this tenant may not see is a 404
 * with another text. */
static bool v2_missing(const struct http_reply *reply)
{
	static const char words[] = "404 page not found";

	return reply->status == 404 && reply->len >= strlen(words) &&
	       memcmp(reply->body, words, strlen(words)) == 0;
}

static enum source_step tempo_by_id(struct source_talk *talk)
{
	if (talk->step == 0)
		return tempo_ask_by_id(talk, "/api/v2/traces/", TRACE_ENCODING_TEMPO_PROTO);
	if (talk->step == 1 && v2_missing(talk->reply))
		return tempo_ask_by_id(talk, "/api/traces/", TRACE_ENCODING_OTLP_PROTO);
	if (talk->error == -ENODATA) /* an empty message of protobuf has no bytes */
		return SOURCE_NOT_FOUND;
	if (talk->reply->status == 422)
		return source_end(talk, SOURCE_TOO_LARGE,
				  "refuses to send the trace, which is too large for it");
	if (talk->reply->status == 499) /* Tempo's own timeout */
		return source_end(talk, SOURCE_FAILED, "answered HTTP 499");
	return source_judge(talk);
}

/* ---- search ---- */

/* Quotes names of attributes that are more than plain words (TraceQL: span."a b"). */
static void tempo_add_attr(struct buf *query, const char *name, const char *value)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_.";

	buf_puts(query, " && span.");
	if (name[strspn(name, plain)])
		source_add_quoted(query, name, "\\n");
	else
		buf_puts(query, name);
	buf_puts(query, " = ");
	source_add_quoted(query, value, "\\n");
}

/* TraceQL compares numbers and booleans by type, and the type that the attribute was sent with is
 * unknown: only other texts are asked for. */
static bool tempo_is_text(const char *value)
{
	return value[strspn(value, "0123456789.-+eE")] && strcmp(value, "true") != 0 &&
	       strcmp(value, "false") != 0;
}

/* A TraceQL query for the span of the signal, failed or not. NULL: too long. */
static const char *traceql_of(struct arena *arena, const struct trace_query *query)
{
	const struct signal *signal = query->signal;
	struct buf text = BUF_INIT(2 * LIMIT_SOURCE_QUERY_BYTES);

	buf_puts(&text, "{ resource.service.name = ");
	source_add_quoted(&text, signal->service, "\\n");
	if (source_plain(signal->namespace)) {
		buf_puts(&text, " && resource.service.namespace = ");
		source_add_quoted(&text, signal->namespace, "\\n");
	}
	if (source_plain(signal->operation)) {
		buf_puts(&text, " && name = ");
		source_add_quoted(&text, signal->operation, "\\n");
	}
	for (size_t i = 0; i < signal->attrs.n; i++) {
		const struct label *attr = &signal->attrs.at[i];
		if (source_plain(attr->value) && tempo_is_text(attr->value))
			tempo_add_attr(&text, attr->name, attr->value);
	}
	if (query->min_duration_us > 0)
		buf_printf(&text, " && duration >= %" PRId64 "us", query->min_duration_us);
	if (query->failing || query->healthy)
		buf_printf(&text, " && status %s error", query->failing ? "=" : "!=");
	buf_puts(&text, " }");
	return source_url_take(arena, &text);
}

static enum source_step tempo_ask_search(struct source_talk *talk)
{
	const struct trace_query *query = talk->query;
	struct arena *arena = talk->arena;
	struct buf url = BUF_INIT(LIMIT_SOURCE_URL_BYTES);

	if (!source_has_service(query))
		return source_end(talk, SOURCE_REFUSED, SOURCE_NO_SEARCH);
	const char *text = traceql_of(arena, query);
	if (!text)
		return source_end(talk, SOURCE_REFUSED, SOURCE_NO_SEARCH);
	source_url(&url, talk->config->url, "/api/search");
	source_url_param(arena, &url, "q", text);
	source_url_number(arena, &url, "start", query->from_us / US_PER_SECOND);
	source_url_number(arena, &url, "end", (query->to_us + US_PER_SECOND - 1) / US_PER_SECOND);
	source_url_number(arena, &url, "limit", query->limit);
	/* One span per match is enough: only trace ids are wanted. */
	source_url_number(arena, &url, "spss", 1);
	if (!source_get(talk, source_url_take(arena, &url), "application/json", SOURCE_TEXT))
		return source_end(talk, SOURCE_REFUSED, SOURCE_NO_SEARCH);
	source_read_text(talk);
	return SOURCE_SEND;
}

/* {"traces":[{"traceID":"…"}]} */
struct tempo_reader {
	struct source_talk *talk;
	struct jread *jread;
	const char **ids;
	size_t n;
	bool is_id;
};

enum {
	IN_ROOT = 1,
	IN_TRACE = 3,
};

#define ID_DIGITS 32

/* Old releases drop leading zeros of the 32 digits. */
static void tempo_take_id(struct tempo_reader *reading, const char *text, size_t len)
{
	static const char zeros[ID_DIGITS + 1] = "00000000000000000000000000000000";

	if (len == 0 || len > ID_DIGITS || reading->n == reading->talk->query->limit)
		return;
	reading->ids[reading->n++] = arena_printf(reading->talk->arena, "%.*s%.*s",
						  (int)(ID_DIGITS - len), zeros, (int)len, text);
}

static int tempo_on_event(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct tempo_reader *reading = ctx;
	int depth = jread_depth(reading->jread);

	if (event == JREAD_KEY && depth == IN_ROOT)
		return jread_is(text, len, "traces") ? JREAD_GO : JREAD_SKIP;
	if (event == JREAD_KEY)
		return depth == IN_TRACE && jread_is(text, len, "traceID") ? JREAD_GO : JREAD_SKIP;
	if (event == JREAD_STRING && depth == IN_TRACE)
		tempo_take_id(reading, text, len);
	return JREAD_GO;
}

static enum source_step tempo_read_ids(struct source_talk *talk)
{
	struct tempo_reader reading = { .talk = talk };
	enum source_step step = SOURCE_IDS;

	reading.ids = arena_array(talk->arena, talk->query->limit, sizeof(*reading.ids));
	reading.jread = jread_new(JREAD_ONE, tempo_on_event, &reading);
	jread_repair(reading.jread);
	if (jread_feed(reading.jread, talk->reply->body, talk->reply->len) != 0 ||
	    jread_finish(reading.jread) != 0)
		step = source_unreadable(talk, SOURCE_BAD, "sent a reply that is no search result");
	jread_free(reading.jread);
	talk->ids = reading.ids;
	talk->nids = reading.n;
	return step;
}

static enum source_step tempo_search(struct source_talk *talk)
{
	if (talk->step == 0)
		return tempo_ask_search(talk);
	enum source_step step = source_judge(talk);
	return step == SOURCE_TRACES ? tempo_read_ids(talk) : step;
}

static enum source_step tempo_next(struct source_talk *talk)
{
	return talk->query->trace_id ? tempo_by_id(talk) : tempo_search(talk);
}

const struct trace_source trace_source_TEMPO = {
	.name = "tempo",
	.answers = SOURCE_BY_ID | SOURCE_SEARCH,
	.tenant_headers = { "X-Scope-OrgID" },
	.next = tempo_next,
};
