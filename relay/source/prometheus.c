/*
 * Source prometheus: the trace ids (exemplars) of an alert's expression, from query_exemplars; the
 * server finds the selectors inside the expression. Exemplars of series whose labels contradict the
 * alert's are used only if there are no others. The latest come first.
 */
#include "source_talk-internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/jread.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define ID_DIGITS 32

struct exemplar {
	char trace_id[ID_DIGITS + 1]; /* lower case */
	bool taken;		      /* this exemplar or another one of the same trace is chosen */
	unsigned int conflicts;	      /* labels of its series that differ from the alert's */
	double time_s;
};

enum member {
	MEMBER_NONE,
	MEMBER_SERIES,
	MEMBER_EXEMPLARS,
};

/* The reader of {"data":[{"seriesLabels":{},"exemplars":[{"labels":{},"timestamp":0}]}]}. The depth
 * tells which of these objects is open. */
struct exemplars_reader {
	const struct source_talk *talk;
	struct jread *jread;
	struct exemplar *at;
	size_t n, size;
	size_t first; /* first exemplar of the current series */
	enum member member;
	unsigned int conflicts;
	/* The alert's value of the current label; NULL: the alert has no such label. */
	const char *wanted;
	bool is_id, is_time;
	struct exemplar exemplar; /* the current one; trace_id "" until it is read */
};

enum {
	IN_ROOT = 1,
	IN_DATA = 2,
	IN_SERIES = 3,
	IN_MEMBER = 4,
	IN_EXEMPLAR = 5,
	IN_LABELS = 6,
};

/* Matches trace_id, traceID, TraceId, trace.id … */
static bool exemplars_names_trace(const char *key, size_t len)
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

static void exemplars_take_id(struct exemplar *exemplar, const char *text, size_t len)
{
	char id[ID_DIGITS + 1] = "";

	if (len < 16 || len > ID_DIGITS)
		return;
	for (size_t i = 0; i < len; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return;
		id[i] = (char)tolower((unsigned char)text[i]);
	}
	memcpy(exemplar->trace_id, id, sizeof(id));
}

static int exemplars_on_key(struct exemplars_reader *reading, int depth, const char *key,
			    size_t len)
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
	reading->is_id = depth == IN_LABELS && exemplars_names_trace(key, len);
	if (reading->is_time || reading->is_id ||
	    (depth == IN_EXEMPLAR && jread_is(key, len, "labels")))
		return JREAD_GO;
	return JREAD_SKIP;
}

static void exemplars_on_string(struct exemplars_reader *reading, int depth, const char *text,
				size_t len)
{
	const char *wanted = reading->wanted;

	if (depth == IN_MEMBER && reading->member == MEMBER_SERIES && wanted)
		reading->conflicts += strlen(wanted) != len || memcmp(wanted, text, len) != 0;
	else if (depth == IN_LABELS && reading->is_id)
		exemplars_take_id(&reading->exemplar, text, len);
}

static void exemplars_on_end(struct exemplars_reader *reading, int depth)
{
	if (depth == IN_MEMBER && reading->member == MEMBER_EXEMPLARS) {
		if (!*reading->exemplar.trace_id)
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

static void exemplars_on_object(struct exemplars_reader *reading, int depth)
{
	if (depth == IN_SERIES) {
		reading->first = reading->n;
		reading->conflicts = 0;
		reading->member = MEMBER_NONE;
	} else if (depth == IN_EXEMPLAR) {
		reading->exemplar = (struct exemplar){ .trace_id = "" };
	}
}

static int exemplars_on_event(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct exemplars_reader *reading = ctx;
	int depth = jread_depth(reading->jread);

	if (event == JREAD_KEY)
		return exemplars_on_key(reading, depth, text, len);
	if (event == JREAD_STRING)
		exemplars_on_string(reading, depth, text, len);
	else if (event == JREAD_NUMBER && depth == IN_EXEMPLAR && reading->is_time)
		jread_double(text, len, &reading->exemplar.time_s);
	else if (event == JREAD_OBJECT)
		exemplars_on_object(reading, depth);
	else if (event == JREAD_OBJECT_END)
		exemplars_on_end(reading, depth);
	return JREAD_GO;
}

/* The exemplar that is not taken yet, contradicts the alert least and is the latest; NULL: none is
 * left. */
static struct exemplar *find_best(const struct exemplars_reader *reading)
{
	struct exemplar *best = NULL;

	for (size_t i = 0; i < reading->n; i++) {
		struct exemplar *at = &reading->at[i];
		if (at->taken || (best && at->conflicts > best->conflicts))
			continue;
		if (!best || at->conflicts < best->conflicts || at->time_s > best->time_s)
			best = at;
	}
	return best;
}

/* Chooses each trace once, from the series that contradict the alert least. Without sorting, since
 * only a few of perhaps thousands are taken. */
static void choose_exemplars(struct source_talk *talk, const struct exemplars_reader *reading)
{
	const char **ids = arena_array(talk->arena, talk->query->limit, sizeof(*ids));
	struct exemplar *best = find_best(reading);
	unsigned int conflicts = best ? best->conflicts : 0;

	for (; best && best->conflicts == conflicts && talk->nids < talk->query->limit;
	     best = find_best(reading)) {
		ids[talk->nids++] = arena_strdup(talk->arena, best->trace_id);
		for (size_t i = 0; i < reading->n; i++)
			reading->at[i].taken |=
				strcmp(reading->at[i].trace_id, best->trace_id) == 0;
	}
	talk->ids = ids;
}

static enum source_step exemplars_read_ids(struct source_talk *talk)
{
	struct exemplars_reader reading = { .talk = talk };
	enum source_step step = SOURCE_IDS;

	talk->nids = 0;
	reading.jread = jread_new(JREAD_ONE, exemplars_on_event, &reading);
	jread_repair(reading.jread);
	if (jread_feed(reading.jread, talk->reply->body, talk->reply->len) == 0 &&
	    jread_finish(reading.jread) == 0)
		choose_exemplars(talk, &reading);
	else
		step = source_unreadable(talk, SOURCE_FAILED,
					 "sent a reply that is no list of exemplars");
	jread_free(reading.jread);
	free(reading.at);
	return step;
}

static enum source_step ask_exemplars(struct source_talk *talk)
{
	const struct trace_query *query = talk->query;
	struct buf text = BUF_INIT(LIMIT_SOURCE_URL_BYTES);

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
	talk->request.max_reply_bytes = LIMIT_EXEMPLARS_BYTES;
	if (talk->request.timeout_us > LIMIT_EXEMPLARS_US)
		talk->request.timeout_us = LIMIT_EXEMPLARS_US;
	return SOURCE_SEND;
}

static enum source_step prometheus_next(struct source_talk *talk)
{
	if (talk->step == 0)
		return ask_exemplars(talk);
	enum source_step step = source_judge(talk);
	return step == SOURCE_TRACES ? exemplars_read_ids(talk) : step;
}

const struct trace_source trace_source_PROMETHEUS = {
	.name = "prometheus",
	.answers = SOURCE_EXEMPLARS,
	.tenant_headers = { "X-Scope-OrgID" },
	.next = prometheus_next,
};
