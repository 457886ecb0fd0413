/*
 * Source prometheus: the trace ids that an alert's expression carries, from query_exemplars (the
 * server takes the selectors out of the expression by itself). Those of series that contradict the
 * alert's labels are left aside where others are there; the latest come first.
 */
#include "sources-internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/jread.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

struct exemplar {
	const char *trace_id;
	double time_s;
	unsigned int conflicts; /* labels of its series that are others than the alert's */
};

enum member {
	MEMBER_NONE,
	MEMBER_SERIES,
	MEMBER_EXEMPLARS,
};

/* Where a reader stands: {"data":[{"seriesLabels":{},"exemplars":[{"labels":{},"timestamp":0}]}]}.
 * The depth tells which of these objects it is in. */
struct reading {
	const struct source_talk *talk;
	struct jread *jread;
	struct exemplar *at;
	size_t n, size;
	size_t first; /* of the series in work */
	enum member member;
	unsigned int conflicts;
	const char *wanted; /* the alert's value of the label in work; NULL: it has none */
	bool is_id, is_time;
	struct exemplar exemplar; /* in work; no trace_id yet: NULL */
};

enum {
	IN_ROOT = 1,
	IN_DATA = 2,
	IN_SERIES = 3,
	IN_MEMBER = 4,
	IN_EXEMPLAR = 5,
	IN_LABELS = 6,
};

/* trace_id, traceID, TraceId, trace.id … */
static bool names_trace(const char *key, size_t len)
{
	static const char plain[] = "traceid";
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (key[i] == '_' || key[i] == '.' || key[i] == '-')
			continue;
		if (n == strlen(plain) || tolower((unsigned char)key[i]) != plain[n++])
			return false;
	}
	return n == strlen(plain);
}

static bool is_trace_id(const char *text, size_t len)
{
	size_t digits = 0;

	while (digits < len && isxdigit((unsigned char)text[digits]))
		digits++;
	return len >= 16 && len <= 32 && digits == len;
}

static int on_key(struct reading *reading, int depth, const char *key, size_t len)
{
	if (depth == IN_ROOT)
		return jread_is(key, len, "data") ? JREAD_GO : JREAD_SKIP;
	if (depth == IN_SERIES) {
		reading->member = jread_is(key, len, "seriesLabels") ? MEMBER_SERIES
				  : jread_is(key, len, "exemplars")  ? MEMBER_EXEMPLARS
								     : MEMBER_NONE;
		return reading->member == MEMBER_NONE ? JREAD_SKIP : JREAD_GO;
	}
	if (depth == IN_MEMBER && reading->member == MEMBER_SERIES) {
		CLEANUP_FREE char *name = xstrndup(key, len);
		reading->wanted = labels_get(reading->talk->query->labels, name);
		return JREAD_GO;
	}
	reading->is_time = depth == IN_EXEMPLAR && jread_is(key, len, "timestamp");
	reading->is_id = depth == IN_LABELS && names_trace(key, len);
	if (reading->is_time || reading->is_id ||
	    (depth == IN_EXEMPLAR && jread_is(key, len, "labels")))
		return JREAD_GO;
	return JREAD_SKIP;
}

static void on_string(struct reading *reading, int depth, const char *text, size_t len)
{
	const char *wanted = reading->wanted;

	if (depth == IN_MEMBER && reading->member == MEMBER_SERIES && wanted)
		reading->conflicts += strlen(wanted) != len || memcmp(wanted, text, len) != 0;
	else if (depth == IN_LABELS && reading->is_id && is_trace_id(text, len))
		reading->exemplar.trace_id = arena_strndup(reading->talk->arena, text, len);
}

static void on_end(struct reading *reading, int depth)
{
	if (depth == IN_MEMBER && reading->member == MEMBER_EXEMPLARS) {
		if (!reading->exemplar.trace_id)
			return;
		if (reading->n == reading->size) {
			reading->size = reading->size ? 2 * reading->size : 64;
			reading->at =
				xrealloc_array(reading->at, reading->size, sizeof(*reading->at));
		}
		reading->at[reading->n++] = reading->exemplar;
	} else if (depth == IN_DATA) {
		for (size_t i = reading->first; i < reading->n; i++)
			reading->at[i].conflicts = reading->conflicts;
	}
}

static void on_object(struct reading *reading, int depth)
{
	if (depth == IN_SERIES) {
		reading->first = reading->n;
		reading->conflicts = 0;
		reading->member = MEMBER_NONE;
	} else if (depth == IN_EXEMPLAR) {
		reading->exemplar = (struct exemplar){ .trace_id = NULL };
	}
}

static int on_event(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct reading *reading = ctx;
	int depth = jread_depth(reading->jread);

	if (event == JREAD_KEY)
		return on_key(reading, depth, text, len);
	if (event == JREAD_STRING)
		on_string(reading, depth, text, len);
	else if (event == JREAD_NUMBER && depth == IN_EXEMPLAR && reading->is_time)
		jread_double(text, len, &reading->exemplar.time_s);
	else if (event == JREAD_OBJECT)
		on_object(reading, depth);
	else if (event == JREAD_OBJECT_END)
		on_end(reading, depth);
	return JREAD_GO;
}

static int best_first(const void *a, const void *b)
{
	const struct exemplar *x = a, *y = b;

	if (x->conflicts != y->conflicts)
		return x->conflicts < y->conflicts ? -1 : 1;
	if (x->time_s != y->time_s)
		return x->time_s > y->time_s ? -1 : 1;
	return strcmp(x->trace_id, y->trace_id);
}

static bool is_in(const char *const *ids, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(ids[i], id) == 0)
			return true;
	return false;
}

/* Each trace once, of the series that agree best. */
static void choose(struct source_talk *talk, const struct reading *reading)
{
	const char **ids = arena_array(talk->arena, talk->query->limit, sizeof(*ids));
	size_t n = 0;

	if (reading->n > 1)
		qsort(reading->at, reading->n, sizeof(*reading->at), best_first);
	for (size_t i = 0; i < reading->n && n < talk->query->limit; i++)
		if (reading->at[i].conflicts == reading->at[0].conflicts &&
		    !is_in(ids, n, reading->at[i].trace_id))
			ids[n++] = reading->at[i].trace_id;
	talk->ids = ids;
	talk->nids = n;
}

static enum source_step read_ids(struct source_talk *talk)
{
	struct reading reading = { .talk = talk };
	enum source_step step = SOURCE_IDS;

	reading.jread = jread_new(JREAD_ONE, on_event, &reading);
	if (jread_feed(reading.jread, talk->reply->body, talk->reply->len) == 0 &&
	    jread_finish(reading.jread) == 0)
		choose(talk, &reading);
	else
		step = source_end(talk, SOURCE_FAILED,
				  source_is_web_page(talk->reply) ? SOURCE_SENT_WEB_PAGE
								  : "sent no exemplars");
	jread_free(reading.jread);
	free(reading.at);
	return step;
}

static enum source_step ask(struct source_talk *talk)
{
	const struct trace_query *query = talk->query;
	struct buf text = BUF_INIT(SOURCE_URL_BYTES);

	source_url(&text, talk->config->url, "/api/v1/query_exemplars");
	source_url_param(talk->arena, &text, "query", query->expr);
	source_url_number(talk->arena, &text, "start", query->from_us / US_PER_SECOND);
	source_url_number(talk->arena, &text, "end", query->to_us / US_PER_SECOND);
	const char *url = source_url_take(talk->arena, &text);
	if (!url)
		return source_end(talk, SOURCE_REFUSED,
				  "was not asked: the alert's expression is too long");
	source_request(talk, HTTP_GET, url);
	source_read_text(talk);
	if (talk->request.timeout_us > LIMIT_EXEMPLARS_US)
		talk->request.timeout_us = LIMIT_EXEMPLARS_US;
	return SOURCE_SEND;
}

static enum source_step prometheus_next(struct source_talk *talk)
{
	if (talk->step == 0)
		return ask(talk);
	enum source_step step = source_judge(talk);
	return step == SOURCE_TRACES ? read_ids(talk) : step;
}

const struct trace_source trace_source_prometheus = {
	.name = "prometheus",
	.answers = SOURCE_EXEMPLARS,
	.tenant_headers = { "X-Scope-OrgID" },
	.next = prometheus_next,
};
