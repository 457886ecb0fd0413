/*
 * Recognise: finds out what a text is from the members of its outermost objects. It reads as little
 * as possible: a document of a known encoding shows itself in its first hundreds of bytes. It does
 * not look at file names, and it names known shapes that are no encoding of ours. Pure; owns
 * nothing beyond the call.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "encodings-internal.h"
#include "strangers-internal.h"
#include "tracepager/buf.h"
#include "tracepager/jread.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* The places whose members are examined. */
enum level {
	LEVEL_TOP,	  /* the outermost object, or the first object of an outermost list */
	LEVEL_DATA,	  /* "data": the first object in it */
	LEVEL_ATTRIBUTES, /* "attributes" of that object, as Datadog writes it */
	LEVEL_SPAN,	  /* "spans": the first object in it */
	LEVEL_INNER,	  /* "result" and "trace" */
	LEVEL_TRACES,	  /* "traces": the first object in it */
	LEVEL_HITS,	  /* "hits" of Elasticsearch */
	LEVEL_NOTE,	  /* "annotations": the first object in it */
	LEVEL_OTLP,	  /* anywhere in "resourceSpans" or "batches" */
	LEVEL_ERROR,	  /* "error" */
	LEVEL_LOG,	  /* "log" */
	LEVEL_MESSAGE,	  /* "message": its text */
	LEVEL_OTHER,	  /* not examined */
};

#define SIGN(number)	(UINT64_C(1) << (number))
#define TOP_LIST	SIGN(0)
#define DATA_OBJECT	SIGN(1) /* data holds an object */
#define DATA		SIGN(2)
#define DATA_NAMES	SIGN(3) /* data holds texts */
#define SPANS		SIGN(4)
#define PROCESS		SIGN(5)
#define PROCESSES	SIGN(6)
#define JAEGER_TRACE_ID SIGN(7) /* traceID */
#define JAEGER_SPAN_ID	SIGN(8)
#define TRACE_ID	SIGN(9) /* traceId */
#define SPAN_ID		SIGN(10)
#define FLAT_TRACE_ID	SIGN(11) /* trace_id */
#define FLAT_SPAN_ID	SIGN(12)
#define ZIPKIN_ID	SIGN(13)
#define OPERATION_NAME	SIGN(14)
#define TRACE_ID_LOW	SIGN(15)
#define RESOURCE_SPANS	SIGN(16)
#define RESULT		SIGN(17)
#define TRACE		SIGN(18)
#define ERROR		SIGN(19)
#define TRACES		SIGN(20)
#define SUMMARIES	SIGN(21)
#define NAMES		SIGN(22) /* lists of services or operations */
#define ALERT		SIGN(23)
#define OTLP_ID		SIGN(24) /* an id of a span in resourceSpans */
#define ANNOTATIONS	SIGN(25)
#define ZIPKIN_OLD	SIGN(26) /* only in version 1 of Zipkin's spans */
#define ZIPKIN_NEW	SIGN(27) /* only in version 2 */
#define XRAY_TRACES	SIGN(28)
#define XRAY_START	SIGN(29) /* start_time: of a segment document */
#define OTHER_SIGNALS	SIGN(30) /* resourceLogs, resourceMetrics, resourceProfiles */
#define HITS		SIGN(31)
#define HIT_LIST	SIGN(32)
#define ONE_HIT		SIGN(33) /* _source: one hit of Elasticsearch */
#define DATADOG_ID	SIGN(34)
#define DATADOG_DATA	SIGN(35) /* attributes without an id of a span */
#define PROJECT_ID	SIGN(36) /* of Google Cloud */
#define TRACES_OBJECT	SIGN(37)
#define TRACES_SPANS	SIGN(38)
#define ERRORS		SIGN(39)
#define APM_EVENT	SIGN(40) /* a line that an agent of Elastic APM sends */
#define SCOPE_SPANS	SIGN(41) /* one element of resourceSpans */
#define SEGMENTS	SIGN(42) /* one trace of X-Ray's answer */
#define LOG		SIGN(43)
#define HAR		SIGN(44)
#define QUERY_RESULT	SIGN(45) /* data.resultType */
#define SKYWALKING	SIGN(46)
#define MESSAGE		SIGN(47)
#define CODE		SIGN(48)
#define LOG_LEVEL	SIGN(49)

static const struct {
	enum level level;
	const char *name;
	uint64_t sign;
} telling_members[] = {
	{ LEVEL_TOP, "data", DATA },
	{ LEVEL_TOP, "spans", SPANS },
	{ LEVEL_TOP, "process", PROCESS },
	{ LEVEL_TOP, "processes", PROCESSES },
	{ LEVEL_TOP, "traceID", JAEGER_TRACE_ID },
	{ LEVEL_TOP, "spanID", JAEGER_SPAN_ID },
	{ LEVEL_TOP, "traceId", TRACE_ID },
	{ LEVEL_TOP, "spanId", SPAN_ID },
	{ LEVEL_TOP, "trace_id", FLAT_TRACE_ID },
	{ LEVEL_TOP, "span_id", FLAT_SPAN_ID },
	{ LEVEL_TOP, "id", ZIPKIN_ID },
	{ LEVEL_TOP, "annotations", ANNOTATIONS },
	{ LEVEL_TOP, "binaryAnnotations", ZIPKIN_OLD },
	{ LEVEL_NOTE, "endpoint", ZIPKIN_OLD },
	{ LEVEL_TOP, "kind", ZIPKIN_NEW },
	{ LEVEL_TOP, "shared", ZIPKIN_NEW },
	{ LEVEL_TOP, "localEndpoint", ZIPKIN_NEW },
	{ LEVEL_TOP, "remoteEndpoint", ZIPKIN_NEW },
	{ LEVEL_TOP, "tags", ZIPKIN_NEW },
	{ LEVEL_TOP, "operationName", OPERATION_NAME },
	{ LEVEL_TOP, "resourceSpans", RESOURCE_SPANS },
	{ LEVEL_TOP, "resource_spans", RESOURCE_SPANS },
	{ LEVEL_TOP, "batches", RESOURCE_SPANS },
	{ LEVEL_TOP, "resourceLogs", OTHER_SIGNALS },
	{ LEVEL_TOP, "resource_logs", OTHER_SIGNALS },
	{ LEVEL_TOP, "resourceMetrics", OTHER_SIGNALS },
	{ LEVEL_TOP, "resource_metrics", OTHER_SIGNALS },
	{ LEVEL_TOP, "resourceProfiles", OTHER_SIGNALS },
	{ LEVEL_TOP, "resource_profiles", OTHER_SIGNALS },
	{ LEVEL_TOP, "scopeSpans", SCOPE_SPANS },
	{ LEVEL_TOP, "scope_spans", SCOPE_SPANS },
	{ LEVEL_TOP, "result", RESULT },
	{ LEVEL_TOP, "trace", TRACE },
	{ LEVEL_TOP, "error", ERROR },
	{ LEVEL_TOP, "errors", ERRORS },
	{ LEVEL_TOP, "traces", TRACES },
	{ LEVEL_TOP, "summaries", SUMMARIES },
	{ LEVEL_TOP, "TraceSummaries", SUMMARIES },
	{ LEVEL_TOP, "projectId", PROJECT_ID },
	{ LEVEL_TOP, "Traces", XRAY_TRACES },
	{ LEVEL_TOP, "Segments", SEGMENTS },
	{ LEVEL_TOP, "start_time", XRAY_START },
	{ LEVEL_TOP, "services", NAMES },
	{ LEVEL_TOP, "operations", NAMES },
	{ LEVEL_TOP, "alerts", ALERT },
	{ LEVEL_TOP, "labels", ALERT },
	{ LEVEL_TOP, "hits", HITS },
	{ LEVEL_TOP, "_source", ONE_HIT },
	{ LEVEL_TOP, "metadata", APM_EVENT },
	{ LEVEL_TOP, "transaction", APM_EVENT },
	{ LEVEL_TOP, "span", APM_EVENT },
	{ LEVEL_TOP, "metricset", APM_EVENT },
	{ LEVEL_TOP, "log", LOG },
	{ LEVEL_TOP, "traceSegmentId", SKYWALKING },
	{ LEVEL_TOP, "message", MESSAGE },
	{ LEVEL_TOP, "Message", MESSAGE },
	{ LEVEL_TOP, "msg", MESSAGE },
	{ LEVEL_TOP, "code", CODE },
	{ LEVEL_TOP, "status", CODE },
	{ LEVEL_TOP, "statusCode", CODE },
	{ LEVEL_TOP, "__type", CODE },
	{ LEVEL_TOP, "level", LOG_LEVEL },
	{ LEVEL_TOP, "log.level", LOG_LEVEL },
	{ LEVEL_TOP, "severity", LOG_LEVEL },
	{ LEVEL_TOP, "levelname", LOG_LEVEL },
	{ LEVEL_LOG, "entries", HAR },
	{ LEVEL_LOG, "creator", HAR },
	{ LEVEL_HITS, "hits", HIT_LIST },
	{ LEVEL_ERROR, "exception", APM_EVENT },
	{ LEVEL_ERROR, "trace_id", APM_EVENT },
	{ LEVEL_ERROR, "transaction_id", APM_EVENT },
	{ LEVEL_ERROR, "culprit", APM_EVENT },
	{ LEVEL_DATA, "traceID", JAEGER_TRACE_ID },
	{ LEVEL_DATA, "spans", SPANS },
	{ LEVEL_DATA, "processes", PROCESSES },
	{ LEVEL_DATA, "attributes", DATADOG_DATA },
	{ LEVEL_DATA, "resultType", QUERY_RESULT },
	{ LEVEL_DATA, "queryTrace", SKYWALKING },
	{ LEVEL_DATA, "queryBasicTraces", SKYWALKING },
	{ LEVEL_ATTRIBUTES, "span_id", DATADOG_ID },
	{ LEVEL_TRACES, "spans", TRACES_SPANS },
	{ LEVEL_TRACES, "projectId", PROJECT_ID },
	{ LEVEL_SPAN, "traceID", JAEGER_TRACE_ID },
	{ LEVEL_SPAN, "spanID", JAEGER_SPAN_ID },
	{ LEVEL_SPAN, "traceId", TRACE_ID },
	{ LEVEL_SPAN, "operationName", OPERATION_NAME },
	{ LEVEL_SPAN, "traceIdLow", TRACE_ID_LOW },
	{ LEVEL_INNER, "resourceSpans", RESOURCE_SPANS },
	{ LEVEL_INNER, "resource_spans", RESOURCE_SPANS },
	{ LEVEL_INNER, "batches", RESOURCE_SPANS },
};

/* Deeper than any member that is looked at. */
#define MAX_DEPTH 10

struct recognise {
	struct jread *jread;
	const char *data; /* the whole text */
	size_t len;
	uint64_t signs;
	/* The open containers that are not skipped; [0] is around the document. */
	enum level levels[MAX_DEPTH + 1];
	bool is_list[MAX_DEPTH + 1];
	unsigned int depth;
	enum level next; /* of the member whose value is next */
	enum trace_encoding encoding;
	bool done;
	struct buf members, message;
	unsigned int nmembers;	/* of the outermost object */
	unsigned int nelements; /* of an outermost list */
	const char *stranger;	/* what a member shows that is of another tool; NULL: none */
	enum jread_event outermost;
};

static bool has_signs(const struct recognise *recognise, uint64_t signs)
{
	return (recognise->signs & signs) == signs;
}

static const char *refusal_of_list(const struct recognise *recognise)
{
	if (has_signs(recognise, JAEGER_TRACE_ID | SPANS))
		return "a list of Jaeger traces without the {\"data\": ...} around it; jq '{data: "
		       ".}' "
		       "puts it there";
	if (has_signs(recognise, RESOURCE_SPANS))
		return "a list of OTLP documents; write one on each line: jq -c '.[]'";
	if (has_signs(recognise, ONE_HIT))
		return "a list of hits of Elasticsearch or OpenSearch without the search result "
		       "around it; jq '{hits: {hits: .}}' puts it there";
	if (has_signs(recognise, FLAT_TRACE_ID | FLAT_SPAN_ID) ||
	    has_signs(recognise, TRACE_ID | SPAN_ID))
		return "a list of flat span records, as Datadog's agent and column stores write "
		       "them; only whole traces are read";
	if (has_signs(recognise, ALERT))
		return "a list of alerts, not a trace";
	return has_signs(recognise, TRACE_ID | ZIPKIN_ID) ? NULL : recognise->stranger;
}

/* Shapes of traces that are read only in the answers of their backends. */
static const char *refusal_of_part(const struct recognise *recognise)
{
	if (has_signs(recognise, JAEGER_TRACE_ID | JAEGER_SPAN_ID) && !has_signs(recognise, SPANS))
		return "a span document of Jaeger's Elasticsearch storage; only whole traces are "
		       "read";
	if (has_signs(recognise, TRACE_ID | SPAN_ID | OPERATION_NAME))
		return "a span of Jaeger's internal model; only what Jaeger's query API answers is "
		       "read";
	if (has_signs(recognise, FLAT_TRACE_ID | FLAT_SPAN_ID) ||
	    has_signs(recognise, TRACE_ID | SPAN_ID))
		return "one flat span record, as column stores, Data Prepper and OTel Arrow write "
		       "them; only whole traces are read";
	if (has_signs(recognise, SCOPE_SPANS))
		return "one element of resourceSpans; jq '{resourceSpans: [.]}' puts the document "
		       "around it";
	if (has_signs(recognise, SEGMENTS))
		return "one trace of an answer of X-Ray; jq '{Traces: [.]}' puts the answer around "
		       "it";
	if (has_signs(recognise, ONE_HIT))
		return "one hit of Elasticsearch or OpenSearch; jq -s '{hits: {hits: .}}' makes "
		       "search results of such lines";
	if (has_signs(recognise, APM_EVENT) && recognise->nmembers == 1)
		return "an event that an Elastic APM agent sends to its server; read the trace "
		       "from Elasticsearch";
	return NULL;
}

/* Answers and documents that hold no spans. */
static const char *refusal_of_kind(const struct recognise *recognise)
{
	if (has_signs(recognise, OTHER_SIGNALS) && !has_signs(recognise, RESOURCE_SPANS))
		return "OTLP logs, metrics or profiles, not traces";
	if (has_signs(recognise, DATA_NAMES) || has_signs(recognise, NAMES))
		return "a list of names, as Jaeger answers for services and operations, not a "
		       "trace";
	if (has_signs(recognise, QUERY_RESULT))
		return "an answer of the query API of Prometheus or Loki, not a trace";
	if (has_signs(recognise, SKYWALKING))
		return "a trace of SkyWalking, whose format is not read";
	if (has_signs(recognise, SUMMARIES) ||
	    (has_signs(recognise, TRACES_OBJECT) && !has_signs(recognise, TRACES_SPANS)))
		return "a search result that lists traces without their spans";
	if (has_signs(recognise, DATADOG_DATA) && !has_signs(recognise, SPANS))
		return "a list of Datadog's data without ids of spans, such as logs";
	if (has_signs(recognise, ALERT))
		return "an alert, not a trace";
	if (has_signs(recognise, HAR))
		return "a HAR file, a browser's record of requests, not a trace";
	if (has_signs(recognise, MESSAGE | LOG_LEVEL))
		return "a log record, not a trace";
	return recognise->stranger;
}

/* Names a known shape that is no encoding of ours. NULL: unknown. */
static const char *refusal_of_object(const struct recognise *recognise)
{
	const char *part;

	if (has_signs(recognise, TOP_LIST))
		return refusal_of_list(recognise);
	if (has_signs(recognise, SPANS | TRACE_ID_LOW))
		return "a Thrift batch of Jaeger's agents; only what Jaeger's query API answers is "
		       "read";
	if (has_signs(recognise, SPANS | TRACE_ID | OPERATION_NAME))
		return "a trace of Jaeger's internal model; only what Jaeger's query API answers "
		       "is read";
	part = refusal_of_part(recognise);
	return part ? part : refusal_of_kind(recognise);
}

/* Has it spans of Zipkin, in lists or alone? */
static bool is_zipkin(const struct recognise *recognise)
{
	return has_signs(recognise, TRACE_ID | ZIPKIN_ID) &&
	       (recognise->signs & (SPAN_ID | SPANS | OPERATION_NAME)) == 0;
}

/* Is it a segment document of X-Ray, which an answer holds as a text? */
static bool is_segment(const struct recognise *recognise)
{
	return has_signs(recognise, FLAT_TRACE_ID | ZIPKIN_ID | XRAY_START);
}

static bool is_google(const struct recognise *recognise)
{
	return has_signs(recognise, TRACES_SPANS) || has_signs(recognise, PROJECT_ID | SPANS);
}

/* The encodings of clouds and searches. */
static bool decide_cloud(struct recognise *recognise)
{
	recognise->encoding = TRACE_ENCODING_XRAY_JSON;
	if (has_signs(recognise, XRAY_TRACES) || is_segment(recognise))
		return true;
	recognise->encoding = TRACE_ENCODING_ELASTIC_JSON;
	if (!has_signs(recognise, TOP_LIST) && has_signs(recognise, HIT_LIST))
		return true;
	recognise->encoding = TRACE_ENCODING_DATADOG_JSON;
	if (!has_signs(recognise, TOP_LIST) && has_signs(recognise, DATADOG_ID))
		return true;
	recognise->encoding = TRACE_ENCODING_GCP_JSON;
	return !has_signs(recognise, TOP_LIST) && is_google(recognise);
}

/* Is it clear already what this is? */
static bool recognise_decide(struct recognise *recognise)
{
	uint64_t signs = recognise->signs;

	if (decide_cloud(recognise))
		return true;
	recognise->encoding =
		(signs & ZIPKIN_OLD) != 0 ? TRACE_ENCODING_ZIPKIN_V1 : TRACE_ENCODING_ZIPKIN_V2;
	if (is_zipkin(recognise) && (signs & (ZIPKIN_OLD | ZIPKIN_NEW)) != 0)
		return true;
	recognise->encoding = TRACE_ENCODING_OTLP_JSON;
	if (!has_signs(recognise, TOP_LIST) && has_signs(recognise, RESOURCE_SPANS | OTLP_ID))
		return true;
	recognise->encoding = TRACE_ENCODING_JAEGER_JSON;
	if ((signs & (TOP_LIST | PROCESS)) != 0)
		return false;
	if (has_signs(recognise, PROCESSES | SPANS))
		return true;
	return has_signs(recognise, SPANS | JAEGER_SPAN_ID);
}

/* Is it an answer without a trace: a list or an object with nothing in it? */
static bool is_hollow(const struct recognise *recognise)
{
	return recognise->done && recognise->nmembers == 0 && recognise->nelements == 0;
}

/* The document, or the part of it that is there, has ended without being clear. */
static bool recognise_settle(struct recognise *recognise)
{
	uint64_t signs = recognise->signs;

	recognise->encoding = TRACE_ENCODING_ZIPKIN_V2;
	if (is_zipkin(recognise))
		return true; /* the two versions do not differ in it */
	if (has_signs(recognise, TOP_LIST))
		return is_hollow(recognise); /* Zipkin found nothing */
	recognise->encoding = TRACE_ENCODING_GCP_JSON;
	if (has_signs(recognise, TRACES) && !has_signs(recognise, TRACES_OBJECT))
		return true; /* Google or Tempo found nothing */
	recognise->encoding = TRACE_ENCODING_OTLP_JSON;
	if (recognise->outermost == JREAD_OBJECT && is_hollow(recognise))
		return true;
	if ((signs & (DATA | SPANS)) == 0 &&
	    (signs & (RESOURCE_SPANS | RESULT | TRACE | ERROR)) != 0)
		return true; /* without spans, or an error message */
	recognise->encoding = TRACE_ENCODING_JAEGER_JSON;
	if ((signs & PROCESS) != 0)
		return false;
	if ((signs & (DATA | ERRORS)) != 0 && !has_signs(recognise, DATA_OBJECT))
		return true; /* a search without a match, or an error message */
	if (has_signs(recognise, PROCESSES))
		return true;
	return has_signs(recognise, JAEGER_TRACE_ID | SPANS);
}

/* Plain ASCII only, since this becomes part of an error's one line. */
static void add_printable(struct buf *buf, const char *text, size_t len, size_t most)
{
	for (size_t i = 0; i < len && i < most; i++)
		buf_putc(buf, text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?');
}

static void recognise_note_member(struct recognise *recognise, const char *text, size_t len)
{
	if (recognise->nmembers++ >= LIMIT_MEMBERS_SHOWN)
		return;
	if (recognise->nmembers > 1)
		buf_puts(&recognise->members, ", ");
	add_printable(&recognise->members, text, len, LIMIT_MEMBER_SHOWN_BYTES);
}

static enum level level_below(enum level level, uint64_t sign)
{
	static const struct {
		enum level level;
		uint64_t signs;
		enum level below;
	} rows[] = {
		{ LEVEL_TOP, DATA, LEVEL_DATA },
		{ LEVEL_TOP, RESULT | TRACE, LEVEL_INNER },
		{ LEVEL_TOP, ANNOTATIONS, LEVEL_NOTE },
		{ LEVEL_TOP, SPANS, LEVEL_SPAN },
		{ LEVEL_TOP, ERROR, LEVEL_ERROR },
		{ LEVEL_TOP, TRACES, LEVEL_TRACES },
		{ LEVEL_TOP, HITS, LEVEL_HITS },
		{ LEVEL_TOP, LOG, LEVEL_LOG },
		{ LEVEL_TOP, MESSAGE, LEVEL_MESSAGE },
		{ LEVEL_DATA, SPANS, LEVEL_SPAN },
		{ LEVEL_DATA, DATADOG_DATA, LEVEL_ATTRIBUTES },
	};

	if ((sign & RESOURCE_SPANS) != 0)
		return LEVEL_OTLP;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].level == level && (rows[i].signs & sign) != 0)
			return rows[i].below;
	return LEVEL_OTHER;
}

/* Only members on the way to the first span id are read. */
static int key_in_otlp(struct recognise *recognise, const char *text, size_t len)
{
	static const char *const ways[] = { "scopeSpans",
					    "scope_spans",
					    "instrumentationLibrarySpans",
					    "instrumentation_library_spans",
					    "spans",
					    "traceId",
					    "trace_id" };

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		if (strlen(ways[i]) == len && memcmp(ways[i], text, len) == 0) {
			recognise->next = LEVEL_OTLP;
			return JREAD_GO;
		}
	}
	return JREAD_SKIP;
}

static int recognise_key(struct recognise *recognise, enum level level, const char *text,
			 size_t len)
{
	recognise->next = LEVEL_OTHER;
	if (level == LEVEL_OTLP)
		return key_in_otlp(recognise, text, len);
	if (level == LEVEL_TOP) {
		recognise_note_member(recognise, text, len);
		if (!recognise->stranger)
			recognise->stranger = stranger_of_member(text, len);
	}
	for (size_t i = 0; i < ARRAY_LEN(telling_members); i++) {
		if (telling_members[i].level != level || strlen(telling_members[i].name) != len ||
		    memcmp(telling_members[i].name, text, len) != 0)
			continue;
		recognise->signs |= telling_members[i].sign;
		recognise->next = level_below(level, telling_members[i].sign);
		break;
	}
	return recognise->next == LEVEL_OTHER ? JREAD_SKIP : JREAD_GO;
}

static void note_text(struct recognise *recognise, enum level level, const char *text, size_t len)
{
	if (level == LEVEL_DATA)
		recognise->signs |= DATA_NAMES;
	else if (level == LEVEL_OTLP)
		recognise->signs |= OTLP_ID;
	else if (level == LEVEL_MESSAGE && recognise->message.len == 0)
		add_printable(&recognise->message, text, len, LIMIT_ERROR_MESSAGE_BYTES);
}

static int recognise_open_container(struct recognise *recognise, enum level level, bool is_list)
{
	if (level == LEVEL_MESSAGE || level == LEVEL_OTHER || recognise->depth == MAX_DEPTH)
		return JREAD_SKIP;
	recognise->nelements += !is_list && recognise->depth > 0;
	if (level == LEVEL_DATA && !is_list)
		recognise->signs |= DATA_OBJECT;
	if (level == LEVEL_TRACES && !is_list)
		recognise->signs |= TRACES_OBJECT;
	recognise->depth++;
	recognise->levels[recognise->depth] = level;
	recognise->is_list[recognise->depth] = is_list;
	return JREAD_GO;
}

/* The first object of a list decides for all; of Zipkin's spans the first that shows its version.
 * */
static void close_container(struct recognise *recognise, enum jread_event event)
{
	unsigned int around = --recognise->depth;

	if (event != JREAD_OBJECT_END || !recognise->is_list[around])
		return;
	if (recognise->levels[around] == LEVEL_TOP)
		recognise->done = !is_zipkin(recognise);
	else if (recognise->levels[around] != LEVEL_OTLP)
		recognise->levels[around] = LEVEL_OTHER;
}

static int recognise_on_event(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct recognise *recognise = ctx;
	unsigned int depth = recognise->depth;
	enum level level = recognise->is_list[depth] ? recognise->levels[depth] : recognise->next;
	int answer = JREAD_GO;

	if (recognise->outermost == JREAD_KEY) {
		recognise->outermost = event;
		recognise->signs |= event == JREAD_ARRAY ? TOP_LIST : 0;
	}
	if (level == LEVEL_TOP && depth > 0 && recognise->is_list[depth])
		recognise->nelements += event >= JREAD_STRING;
	if (event == JREAD_OBJECT_END || event == JREAD_ARRAY_END)
		close_container(recognise, event);
	else if (event == JREAD_KEY)
		answer = recognise_key(recognise, recognise->levels[depth], text, len);
	else if (event == JREAD_OBJECT || event == JREAD_ARRAY)
		answer = recognise_open_container(recognise, level, event == JREAD_ARRAY);
	else if (event == JREAD_STRING)
		note_text(recognise, level, text, len);
	else if (event == JREAD_NULL && level == LEVEL_ERROR)
		recognise->signs &= ~ERROR;
	/* Stops at the end of the first document, or as soon as it is clear. */
	recognise->done = recognise->done || recognise->depth == 0 || recognise_decide(recognise);
	return recognise->done ? -ECANCELED : answer;
}

static int recognise_refuse(const struct recognise *recognise, struct err *err)
{
	const char *what = refusal_of_object(recognise);
	int code = has_signs(recognise, OTHER_SIGNALS) ? ENOMSG : EPROTONOSUPPORT;

	if (what)
		return err_set(err, code, "this is %s", what);
	if (recognise->message.len > 0 && (recognise->nmembers == 1 || has_signs(recognise, CODE)))
		return err_set(err, EPROTONOSUPPORT, "the answer is an error: \"%s\"",
			       buf_text(&recognise->message));
	if (recognise->nmembers > 0)
		return err_set(err, EPROTONOSUPPORT,
			       "this is JSON, but no trace that is known: %s with %s%s",
			       has_signs(recognise, TOP_LIST) ? "a list of objects" : "an object",
			       buf_text(&recognise->members),
			       recognise->nmembers > LIMIT_MEMBERS_SHOWN ? " ..." : "");
	return err_set(err, EPROTONOSUPPORT, "this is JSON, but no trace that is known: %s",
		       jread_event_name(recognise->outermost));
}

/* ---- what is not JSON ---- */

/* JSON escapes control characters; protobuf is full of them. */
static bool recognise_has_control(const unsigned char *data, size_t len)
{
	for (size_t i = 0; i < len && i < LIMIT_BINARY_LOOK_BYTES; i++) {
		if (data[i] < 0x20 && data[i] != '\n' && data[i] != '\r' && data[i] != '\t')
			return true;
	}
	return false;
}

/* Tags of fields; all but the last two have a length. */
#define FIELD_1	 0x0a
#define FIELD_2	 0x12
#define FIELD_4	 0x22
#define VARINT_2 0x10
#define VARINT_3 0x18

/* Enters the field with this tag at *at: *at moves behind its head, *len is cut at the field's end.
 * false: no such field, or it is empty. */
static bool enter_field(const unsigned char *data, size_t *at, size_t *len, unsigned char tag)
{
	size_t i = *at, n = 0;

	if (i >= *len || data[i++] != tag)
		return false;
	for (unsigned int shift = 0; i < *len && shift < 32; shift += 7) {
		n |= (size_t)(data[i] & 0x7f) << shift;
		if (data[i++] < 0x80)
			break;
	}
	*at = i;
	if (n > 0 && n < *len - i)
		*len = i + n;
	return n > 0 && i < *len;
}

/*
 * Messages of protobuf have no names. OTLP and Tempo both begin with field 1: in OTLP a
 * ResourceSpans, in Tempo a message of ResourceSpans. So the first field holds a Resource or a
 * ResourceSpans; that one begins with an attribute or a Resource; that one with a key or an
 * attribute. If the tags do not tell, one level deeper does: a key is text and has no control
 * characters.
 */
static bool is_tempo(const unsigned char *data, size_t at, size_t len)
{
	if (at < len && data[at] != FIELD_1)
		return true; /* metrics, status or message without a trace */
	if (!enter_field(data, &at, &len, FIELD_1))
		return at < len && data[at] != FIELD_1;
	if (!enter_field(data, &at, &len, FIELD_1))
		return false; /* scope_spans first, or an empty Resource */
	if (data[at] == FIELD_2)
		return true; /* scope_spans, where a Resource has its count */
	if (!enter_field(data, &at, &len, FIELD_1))
		return at < len && data[at] == FIELD_2; /* after an empty Resource */
	if (data[at] == VARINT_2)
		return true; /* the count of a Resource */
	return enter_field(data, &at, &len, FIELD_1) && data[at] < 0x20;
}

bool trace_is_protobuf(const char *data, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)data;

	return recognise_has_control(bytes, len) && (bytes[0] == FIELD_1 || bytes[0] == FIELD_2 ||
						     bytes[0] == VARINT_3 || bytes[0] == FIELD_4);
}

/* Names what a text is that is certainly not JSON. NULL: unknown. */
static const char *not_json(const unsigned char *data, size_t len)
{
	const char *known = stranger_of_bytes(data, len);

	if (known)
		return known;
	if (recognise_has_control(data, len))
		return "this is binary data, but not a trace in protobuf";
	for (size_t i = 0; i < len; i++) {
		if (data[i] > 0x20)
			return NULL;
	}
	return "the document is empty";
}

/* A text that begins like no object and no list, such as a log or "404 page not found". */
static int refuse_text(const struct recognise *recognise, struct err *err)
{
	struct buf begin = BUF_INIT(4 * LIMIT_MEMBER_SHOWN_BYTES);
	const char *at = recognise->data, *end = at + recognise->len, *start = at;
	int line = 1, column;
	size_t len = 0;

	for (; at < end && (unsigned char)*at <= ' '; at++) {
		if (*at == '\n') {
			line++;
			start = at + 1;
		}
	}
	column = (int)(at - start) + 1;
	while (at + len < end && at[len] != '\n' && at[len] != '\r')
		len++;
	add_printable(&begin, at, len, LIMIT_MEMBER_SHOWN_BYTES);
	err_set_at(err, EBADMSG, line, column,
		   "%sthe text begins with \"%s\"%s; a trace in JSON begins with { or [",
		   recognise->outermost == JREAD_NUMBER ? "" : "not JSON: ", buf_text(&begin),
		   len > LIMIT_MEMBER_SHOWN_BYTES ? " ..." : "");
	buf_fini(&begin);
	return -EBADMSG;
}

/* code: the result of reading. */
static int recognise_finish(struct recognise *recognise, int code,
			    enum trace_encoding *ret_encoding, struct err *err)
{
	bool known = refusal_of_object(recognise);

	if (recognise_decide(recognise) || (!known && recognise_settle(recognise))) {
		*ret_encoding = recognise->encoding;
		return 0;
	}
	if (!known && !recognise->done && code == 0)
		code = trace_jread_finish(recognise->jread, err);
	if (recognise->outermost == JREAD_NUMBER ||
	    (code != 0 && recognise->outermost == JREAD_KEY))
		return refuse_text(recognise, err);
	if (known || recognise->done || code == 0)
		return recognise_refuse(recognise, err);
	if (err && err->code == 0)
		*err = *jread_err(recognise->jread);
	err_prefix(err, "broken JSON");
	return code;
}

int trace_recognise(const char *data, size_t len, enum trace_encoding *ret_encoding,
		    struct err *err)
{
	struct recognise recognise = { .data = data,
				       .len = len,
				       .outermost = JREAD_KEY,
				       .next = LEVEL_TOP,
				       .members = BUF_INIT(256),
				       .message = BUF_INIT(LIMIT_ERROR_MESSAGE_BYTES + 1) };
	const unsigned char *bytes = (const unsigned char *)data;
	const char *known;
	int code;

	if (err)
		err->code = 0;
	if (trace_is_protobuf(data, len)) {
		*ret_encoding = is_tempo(bytes, 0, len) ? TRACE_ENCODING_TEMPO_PROTO
							: TRACE_ENCODING_OTLP_PROTO;
		return 0;
	}
	known = not_json(bytes, len);
	if (known)
		return err_set(err, EBADMSG, "%s", known);
	recognise.jread = trace_jread_new(JREAD_SEQUENCE, recognise_on_event, &recognise);
	code = jread_feed(recognise.jread, data, len);
	code = recognise_finish(&recognise, code, ret_encoding, err);
	jread_free(recognise.jread);
	buf_fini(&recognise.members);
	buf_fini(&recognise.message);
	return code;
}
