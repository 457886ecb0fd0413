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
#include "tracepager/buf.h"
#include "tracepager/jread.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* The places whose members are examined. */
enum level {
	LEVEL_TOP,   /* the outermost object, or the first object of an outermost list */
	LEVEL_DATA,  /* "data": the first object in it */
	LEVEL_SPAN,  /* "spans": the first object in it */
	LEVEL_INNER, /* "result" and "trace" */
	LEVEL_NOTE,  /* "annotations": the first object in it */
	LEVEL_OTLP,  /* anywhere in "resourceSpans" or "batches" */
	LEVEL_ERROR, /* "error": only whether it is null */
	LEVEL_OTHER, /* not examined */
};

enum sign {
	TOP_LIST = 1 << 0,
	DATA_OBJECT = 1 << 1, /* data holds an object */
	DATA = 1 << 2,
	DATA_NAMES = 1 << 3, /* data holds texts */
	SPANS = 1 << 4,
	PROCESS = 1 << 5,
	PROCESSES = 1 << 6,
	JAEGER_TRACE_ID = 1 << 7, /* traceID */
	JAEGER_SPAN_ID = 1 << 8,
	TRACE_ID = 1 << 9, /* traceId */
	SPAN_ID = 1 << 10,
	FLAT_TRACE_ID = 1 << 11, /* trace_id */
	FLAT_SPAN_ID = 1 << 12,
	ZIPKIN_ID = 1 << 13,
	OPERATION_NAME = 1 << 14,
	TRACE_ID_LOW = 1 << 15,
	RESOURCE_SPANS = 1 << 16,
	RESULT = 1 << 17,
	TRACE = 1 << 18,
	ERROR = 1 << 19,
	TRACES = 1 << 20,
	SUMMARIES = 1 << 21,
	NAMES = 1 << 22, /* lists of services or operations */
	ALERT = 1 << 23,
	OTLP_ID = 1 << 24, /* an id of a span in resourceSpans */
	ANNOTATIONS = 1 << 25,
	ZIPKIN_OLD = 1 << 26, /* only in version 1 of Zipkin's spans */
	ZIPKIN_NEW = 1 << 27, /* only in version 2 */
	XRAY_TRACES = 1 << 28,
};

static const struct {
	enum level level;
	const char *name;
	unsigned int sign;
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
	{ LEVEL_TOP, "result", RESULT },
	{ LEVEL_TOP, "trace", TRACE },
	{ LEVEL_TOP, "error", ERROR },
	{ LEVEL_TOP, "traces", TRACES },
	{ LEVEL_TOP, "summaries", SUMMARIES },
	{ LEVEL_TOP, "Traces", XRAY_TRACES },
	{ LEVEL_TOP, "services", NAMES },
	{ LEVEL_TOP, "operations", NAMES },
	{ LEVEL_TOP, "alerts", ALERT },
	{ LEVEL_TOP, "labels", ALERT },
	{ LEVEL_DATA, "traceID", JAEGER_TRACE_ID },
	{ LEVEL_DATA, "spans", SPANS },
	{ LEVEL_DATA, "processes", PROCESSES },
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
	unsigned int signs;
	/* The open containers that are not skipped; [0] is around the document. */
	enum level levels[MAX_DEPTH + 1];
	bool is_list[MAX_DEPTH + 1];
	unsigned int depth;
	enum level next; /* of the member whose value is next */
	enum trace_encoding encoding;
	bool done;
	struct buf members;
	unsigned int nmembers;
	enum jread_event outermost;
};

static bool has_signs(const struct recognise *recognise, unsigned int signs)
{
	return (recognise->signs & signs) == signs;
}

static const char *refusal_of_list(const struct recognise *recognise)
{
	if (has_signs(recognise, JAEGER_TRACE_ID | SPANS))
		return "a list of Jaeger traces without the {\"data\": ...} around it";
	if (has_signs(recognise, ALERT))
		return "a list of alerts, not a trace";
	return NULL;
}

/* Names a known shape that is no encoding of ours. NULL: unknown. */
static const char *refusal_of_object(const struct recognise *recognise)
{
	if (has_signs(recognise, TOP_LIST))
		return refusal_of_list(recognise);
	if (has_signs(recognise, SPANS | TRACE_ID_LOW))
		return "a Thrift batch of Jaeger's agents; only what Jaeger's query API answers is "
		       "read";
	if (has_signs(recognise, SPANS | TRACE_ID | OPERATION_NAME))
		return "a trace of Jaeger's internal model; only what Jaeger's query API answers "
		       "is read";
	if (has_signs(recognise, JAEGER_TRACE_ID | JAEGER_SPAN_ID) && !has_signs(recognise, SPANS))
		return "a span document of Jaeger's Elasticsearch storage; only whole traces are "
		       "read";
	if (has_signs(recognise, TRACE_ID | SPAN_ID | OPERATION_NAME))
		return "a span of Jaeger's internal model; only what Jaeger's query API answers is "
		       "read";
	if (has_signs(recognise, FLAT_TRACE_ID | FLAT_SPAN_ID))
		return "one flat span record, as column stores and OTel Arrow write them; only "
		       "whole traces are read";
	if (has_signs(recognise, DATA_NAMES) || has_signs(recognise, NAMES))
		return "a list of names, as Jaeger answers for services and operations, not a "
		       "trace";
	if (has_signs(recognise, SUMMARIES) || has_signs(recognise, TRACES))
		return "a search result that lists traces without their spans";
	if (has_signs(recognise, ALERT))
		return "an alert, not a trace";
	return NULL;
}

/* Has it spans of Zipkin, in lists or alone? */
static bool is_zipkin(const struct recognise *recognise)
{
	return has_signs(recognise, TRACE_ID | ZIPKIN_ID) &&
	       (recognise->signs & (SPAN_ID | SPANS | OPERATION_NAME)) == 0;
}

/* Is it clear already what this is? */
static bool recognise_decide(struct recognise *recognise)
{
	unsigned int signs = recognise->signs;

	recognise->encoding =
		(signs & ZIPKIN_OLD) != 0 ? TRACE_ENCODING_ZIPKIN_V1 : TRACE_ENCODING_ZIPKIN_V2;
	if (is_zipkin(recognise) && (signs & (ZIPKIN_OLD | ZIPKIN_NEW)) != 0)
		return true;
	recognise->encoding = TRACE_ENCODING_XRAY_JSON;
	if (has_signs(recognise, XRAY_TRACES))
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

/* The document, or the part of it that is there, has ended without being clear. */
static bool recognise_settle(struct recognise *recognise)
{
	unsigned int signs = recognise->signs;

	recognise->encoding = TRACE_ENCODING_ZIPKIN_V2;
	if (is_zipkin(recognise))
		return true; /* the two versions do not differ in it */
	recognise->encoding = TRACE_ENCODING_OTLP_JSON;
	if ((signs & (TOP_LIST | DATA | SPANS)) == 0 &&
	    (signs & (RESOURCE_SPANS | RESULT | TRACE | ERROR)) != 0)
		return true; /* without spans, or an error message */
	recognise->encoding = TRACE_ENCODING_JAEGER_JSON;
	if ((signs & (TOP_LIST | PROCESS)) != 0)
		return false;
	if (has_signs(recognise, DATA) && !has_signs(recognise, DATA_OBJECT))
		return true; /* a search without a match, or an error message */
	if (has_signs(recognise, PROCESSES))
		return true;
	return has_signs(recognise, JAEGER_TRACE_ID | SPANS);
}

static void recognise_note_member(struct recognise *recognise, const char *text, size_t len)
{
	if (recognise->nmembers++ >= LIMIT_MEMBERS_SHOWN)
		return;
	if (recognise->nmembers > 1)
		buf_puts(&recognise->members, ", ");
	len = len < LIMIT_MEMBER_SHOWN_BYTES ? len : LIMIT_MEMBER_SHOWN_BYTES;
	for (size_t i = 0; i < len; i++) {
		/* Plain ASCII only, since this becomes part of an error's one line. */
		buf_putc(&recognise->members, text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?');
	}
}

static enum level level_below(enum level level, unsigned int sign)
{
	if ((sign & RESOURCE_SPANS) != 0)
		return LEVEL_OTLP;
	if (level == LEVEL_TOP && (sign & DATA) != 0)
		return LEVEL_DATA;
	if (level == LEVEL_TOP && (sign & (RESULT | TRACE)) != 0)
		return LEVEL_INNER;
	if ((sign & ANNOTATIONS) != 0)
		return LEVEL_NOTE;
	if ((sign & SPANS) != 0)
		return LEVEL_SPAN;
	return (sign & ERROR) != 0 ? LEVEL_ERROR : LEVEL_OTHER;
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
	if (level == LEVEL_TOP && !has_signs(recognise, TOP_LIST))
		recognise_note_member(recognise, text, len);
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

static void note_text(struct recognise *recognise, enum level level)
{
	if (level == LEVEL_DATA)
		recognise->signs |= DATA_NAMES;
	else if (level == LEVEL_OTLP)
		recognise->signs |= OTLP_ID;
}

static int recognise_open_container(struct recognise *recognise, enum level level, bool is_list)
{
	if (level == LEVEL_ERROR || level == LEVEL_OTHER || recognise->depth == MAX_DEPTH)
		return JREAD_SKIP;
	if (level == LEVEL_DATA && !is_list)
		recognise->signs |= DATA_OBJECT;
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
	if (event == JREAD_OBJECT_END || event == JREAD_ARRAY_END)
		close_container(recognise, event);
	else if (event == JREAD_KEY)
		answer = recognise_key(recognise, recognise->levels[depth], text, len);
	else if (event == JREAD_OBJECT || event == JREAD_ARRAY)
		answer = recognise_open_container(recognise, level, event == JREAD_ARRAY);
	else if (event == JREAD_STRING)
		note_text(recognise, level);
	else if (event == JREAD_NULL && level == LEVEL_ERROR)
		recognise->signs &= ~(unsigned int)ERROR;
	/* Stops at the end of the first document, or as soon as it is clear. */
	recognise->done = recognise->done || recognise->depth == 0 || recognise_decide(recognise);
	return recognise->done ? -ECANCELED : answer;
}

static int recognise_refuse(const struct recognise *recognise, struct err *err)
{
	const char *what = refusal_of_object(recognise);

	if (what)
		return err_set(err, EPROTONOSUPPORT, "this is %s", what);
	if (recognise->nmembers > 0)
		return err_set(err, EPROTONOSUPPORT,
			       "this is JSON, but no trace that is known: an object with %s%s",
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
	if (len >= 2 && data[0] == 0x1f && data[1] == 0x8b)
		return "this is compressed with gzip; unpack it first";
	if (recognise_has_control(data, len))
		return "this is binary data, but not a trace in protobuf";
	for (size_t i = 0; i < len; i++) {
		if (data[i] > 0x20)
			return NULL;
	}
	return "the document is empty";
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
	if (known || recognise->done)
		return recognise_refuse(recognise, err);
	if (code == 0)
		code = jread_finish(recognise->jread);
	if (code == 0)
		return recognise_refuse(recognise, err);
	if (err)
		*err = *jread_err(recognise->jread);
	err_prefix(err, recognise->outermost == JREAD_KEY ? "not JSON" : "broken JSON");
	return code;
}

int trace_recognise(const char *data, size_t len, enum trace_encoding *ret_encoding,
		    struct err *err)
{
	struct recognise recognise = { .outermost = JREAD_KEY,
				       .next = LEVEL_TOP,
				       .members = BUF_INIT(256) };
	const unsigned char *bytes = (const unsigned char *)data;
	const char *known;
	int code;

	if (trace_is_protobuf(data, len)) {
		*ret_encoding = is_tempo(bytes, 0, len) ? TRACE_ENCODING_TEMPO_PROTO
							: TRACE_ENCODING_OTLP_PROTO;
		return 0;
	}
	known = not_json(bytes, len);
	if (known)
		return err_set(err, EBADMSG, "%s", known);
	recognise.jread = jread_new(JREAD_SEQUENCE, recognise_on_event, &recognise);
	code = jread_feed(recognise.jread, data, len);
	code = recognise_finish(&recognise, code, ret_encoding, err);
	jread_free(recognise.jread);
	buf_fini(&recognise.members);
	return code;
}
