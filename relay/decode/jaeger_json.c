/*
 * Jaeger JSON: the answers of Jaeger's query API, {"data": [trace, …]}, and a single trace object,
 * as Jaeger's page saves it.
 *
 * Members come in any order: processes before or after spans (spans have provisional process
 * numbers until their trace object ends), value before key, references before the trace id. Unknown
 * members are skipped; a known one of a wrong type is an error with its name and place. Documents
 * of Jaeger's storage, which have no list of processes, are refused.
 *
 * The parent of a span is its first CHILD_OF reference within the trace, else its first
 * FOLLOWS_FROM, else parentSpanID. The builder decides which of several CHILD_OF parents counts,
 * what a tag means, and which of the logs that report an error becomes exception.type and
 * exception.message.
 *
 * Owns its reader and the scratch memory of the current object; the builder is borrowed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "encodings-internal.h"
#include "jaeger-internal.h"
#include "tracepager/buf.h"
#include "tracepager/jread.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* The object or list that is open. */
enum place {
	PLACE_OUTSIDE,
	PLACE_TOP, /* the outermost object: an envelope or a trace */
	PLACE_DATA,
	PLACE_TRACE,
	PLACE_SPANS,
	PLACE_SPAN,
	PLACE_REFERENCES,
	PLACE_REFERENCE,
	PLACE_TAGS,
	PLACE_TAG,
	PLACE_LOGS,
	PLACE_LOG,
	PLACE_FIELDS,
	PLACE_FIELD,
	PLACE_PROCESSES,
	PLACE_PROCESS,
	PLACE_PROCESS_TAGS,
	PLACE_PROCESS_TAG,
	PLACE_ERRORS,
	PLACE_ERROR,
};

/* The member whose value comes next. */
enum member {
	MEMBER_NONE, /* the value is the document, or an element of a list */
	MEMBER_DATA,
	MEMBER_TRACE_ID,
	MEMBER_SPANS,
	MEMBER_PROCESSES,
	MEMBER_SPAN_ID,
	MEMBER_PARENT_SPAN_ID,
	MEMBER_OPERATION_NAME,
	MEMBER_START_TIME,
	MEMBER_DURATION,
	MEMBER_REFERENCES,
	MEMBER_TAGS,
	MEMBER_LOGS,
	MEMBER_PROCESS_ID,
	MEMBER_REF_TYPE,
	MEMBER_TIMESTAMP, /* of a log */
	MEMBER_FIELDS,
	MEMBER_KEY,
	MEMBER_VALUE,
	MEMBER_PROCESS, /* any name inside processes */
	MEMBER_SERVICE_NAME,
	MEMBER_ERRORS,
	MEMBER_ERROR_CODE,
	MEMBER_ERROR_TEXT,
};

enum type {
	TYPE_STRING,
	TYPE_NUMBER,
	TYPE_LIST,
	TYPE_OBJECT,
	TYPE_ANY,
};

static const struct {
	const char *name;
	enum type type;
	enum place inside; /* place of its elements or members */
} jaeger_members[] = {
	[MEMBER_NONE] = { "an element", TYPE_OBJECT, 0 },
	[MEMBER_DATA] = { "data", TYPE_LIST, PLACE_DATA },
	[MEMBER_TRACE_ID] = { "traceID", TYPE_STRING, 0 },
	[MEMBER_SPANS] = { "spans", TYPE_LIST, PLACE_SPANS },
	[MEMBER_PROCESSES] = { "processes", TYPE_OBJECT, PLACE_PROCESSES },
	[MEMBER_SPAN_ID] = { "spanID", TYPE_STRING, 0 },
	[MEMBER_PARENT_SPAN_ID] = { "parentSpanID", TYPE_STRING, 0 },
	[MEMBER_OPERATION_NAME] = { "operationName", TYPE_STRING, 0 },
	[MEMBER_START_TIME] = { "startTime", TYPE_NUMBER, 0 },
	[MEMBER_DURATION] = { "duration", TYPE_NUMBER, 0 },
	[MEMBER_REFERENCES] = { "references", TYPE_LIST, PLACE_REFERENCES },
	[MEMBER_TAGS] = { "tags", TYPE_LIST, PLACE_TAGS },
	[MEMBER_LOGS] = { "logs", TYPE_LIST, PLACE_LOGS },
	[MEMBER_PROCESS_ID] = { "processID", TYPE_STRING, 0 },
	[MEMBER_REF_TYPE] = { "refType", TYPE_STRING, 0 },
	[MEMBER_TIMESTAMP] = { "timestamp", TYPE_ANY, 0 },
	[MEMBER_FIELDS] = { "fields", TYPE_LIST, PLACE_FIELDS },
	[MEMBER_KEY] = { "key", TYPE_STRING, 0 },
	[MEMBER_VALUE] = { "value", TYPE_ANY, 0 },
	[MEMBER_PROCESS] = { "a process", TYPE_OBJECT, PLACE_PROCESS },
	[MEMBER_SERVICE_NAME] = { "serviceName", TYPE_STRING, 0 },
	[MEMBER_ERRORS] = { "errors", TYPE_LIST, PLACE_ERRORS },
	[MEMBER_ERROR_CODE] = { "code", TYPE_ANY, 0 },
	[MEMBER_ERROR_TEXT] = { "msg", TYPE_ANY, 0 },
};

/* A text that waits for its key, or for the end of its log. It has one byte more than is kept, so
 * that the builder sees that it must cut. */
struct held {
	size_t len;
	bool set;
	char text[LIMIT_RESOURCE_ATTR_BYTES + 1];
};

/* The fields of a log that matter, from worst to best. */
enum log_field {
	FIELD_EVENT,
	FIELD_MESSAGE,
	FIELD_ERROR,
	FIELD_ERROR_OBJECT,
	FIELD_EXCEPTION_MESSAGE,
	FIELD_ERROR_KIND,
	FIELD_EXCEPTION_TYPE,
	FIELD_OTHER,
};

enum ref_type {
	REF_CHILD_OF,
	REF_FOLLOWS_FROM,
	REF_OTHER,
};

struct reference {
	enum ref_type type;
	uint32_t span;	/* interned text */
	uint32_t trace; /* interned text, if the reference precedes the span's trace id */
	bool other_trace;
};

struct jaeger_json {
	struct jread *jread;
	struct trace_builder *builder;
	enum place place;
	enum member member;
	bool is_envelope, is_trace; /* what the outermost object has turned out to be */
	bool is_storage;	    /* a span document of the storage */
	bool lone_trace;	    /* data is a trace instead of a list of traces */

	/* The first of the answer's errors. */
	bool has_errors, has_error;
	int64_t error_code;
	char error_text[LIMIT_ERROR_MESSAGE_BYTES];

	/* The trace object. */
	uint32_t first_span;
	struct jaeger_processes processes;
	struct buf object_trace_id;

	/* The current span. */
	struct span *span;
	struct buf trace_id;
	bool has_trace_id, has_process, has_own_process;
	uint32_t child_of, follows_from, parent_span_id; /* interned texts */
	struct reference reference, waiting[LIMIT_WAITING_REFERENCES];
	unsigned int nwaiting;

	/* The current tag, process tag or log field. */
	int attr; /* key of the tag, or -1 */
	enum log_field field;
	struct held key, value;

	/* The current log. */
	bool is_error_log;
	int64_t log_us;
	enum log_field type_field, message_field;
	struct held type, message;

	uint32_t resource; /* of the current process */
};

/* The patterns by which Jaeger writes, see jread_pairs_set(). */
enum jaeger_pattern {
	PATTERN_SPAN,
	PATTERN_TAG,
};

/* What can stand in a place. The table is below the functions that it names. */
struct place_row {
	const char *name;
	enum place around;  /* spans and processes: see jaeger_on_end() */
	enum place element; /* of lists */
	enum member (*member)(struct jaeger_json *j, const char *text, size_t len); /* of objects */
	int (*begin)(struct jaeger_json *j);
	int (*end)(struct jaeger_json *j);
};
static const struct place_row jaeger_places[PLACE_ERROR + 1];

/* ---- errors ---- */

static int jaeger_fail_type(struct jaeger_json *j, enum jread_event event)
{
	static const char *const wanted[] = { "a string", "a number", "a list", "an object",
					      "a value" };
	struct err *err = jread_err(j->jread);
	const char *type = wanted[jaeger_members[j->member].type];

	if (j->place == PLACE_OUTSIDE)
		return err_set(err, EBADMSG, "the document is %s, not an object",
			       jread_event_name(event));
	return err_set(err, EBADMSG, "%s of %s is %s, not %s", jaeger_members[j->member].name,
		       jaeger_places[j->place].name, jread_event_name(event), type);
}

/* The caller replaces the text by the cap that the builder names. */
static int jaeger_check_builder(struct jaeger_json *j)
{
	if (!trace_builder_failed(j->builder))
		return JREAD_GO;
	return err_set(jread_err(j->jread), E2BIG, "the trace is too large");
}

/* ---- held texts ---- */

static void hold_text(struct held *held, const char *text, size_t len)
{
	held->len = len < sizeof(held->text) ? len : sizeof(held->text);
	held->set = true;
	memcpy(held->text, text, held->len);
}

/* ---- trace ids ---- */

/* An id without the zeros at its start: some releases leave them out. */
static void jaeger_skip_zeros(const char **text, size_t *len)
{
	for (; *len > 0 && **text == '0'; --*len)
		++*text;
}

/* Are both the same id but for zeros at the start? */
static bool jaeger_same_trace(const struct buf *buf, const char *text, size_t len)
{
	const char *other = buf_text(buf);
	size_t other_len = buf->len;

	jaeger_skip_zeros(&text, &len);
	jaeger_skip_zeros(&other, &other_len);
	return len == other_len && memcmp(text, other, len) == 0;
}

/* ---- objects that begin and end ---- */

static int begin_trace(struct jaeger_json *j)
{
	j->first_span = trace_builder_nspans(j->builder);
	buf_reset(&j->object_trace_id);
	return JREAD_GO;
}

/* All processes are known: replaces the provisional numbers of the spans. Processes that are not
 * described get one empty resource. */
static int end_trace(struct jaeger_json *j)
{
	uint32_t unknown = TRACE_NONE;

	for (uint32_t i = 0; i < j->processes.n; i++) {
		if (j->processes.resources[i] != TRACE_NONE)
			continue;
		if (unknown == TRACE_NONE)
			unknown = trace_builder_resource(j->builder);
		j->processes.resources[i] = unknown;
	}
	if (j->processes.n > 0)
		trace_builder_map_resources(j->builder, j->first_span, j->processes.resources,
					    j->processes.n);
	/* Frees the table: the traces that follow may be small. */
	jaeger_processes_drop(&j->processes);
	return jaeger_check_builder(j);
}

static int jaeger_begin_span(struct jaeger_json *j)
{
	j->span = trace_builder_span(j->builder);
	j->has_trace_id = j->has_process = j->has_own_process = false;
	j->child_of = j->follows_from = j->parent_span_id = 0;
	j->nwaiting = 0;
	return j->span ? JREAD_PAIRS + PATTERN_SPAN : jaeger_check_builder(j);
}

static int begin_reference(struct jaeger_json *j)
{
	j->reference = (struct reference){ .trace = TRACE_NONE };
	return JREAD_GO;
}

/* Takes a reference to a span of the same trace. */
static void take_reference(struct jaeger_json *j, const struct reference *reference)
{
	if (reference->type == REF_CHILD_OF && j->child_of == 0)
		j->child_of = reference->span;
	else if (reference->type == REF_CHILD_OF && reference->span != 0)
		trace_builder_span_other_parent(j->builder, reference->span);
	else if (reference->type == REF_FOLLOWS_FROM && j->follows_from == 0)
		j->follows_from = reference->span;
}

static int end_reference(struct jaeger_json *j)
{
	if (j->reference.other_trace)
		return JREAD_GO;
	if (j->has_trace_id || j->reference.trace == TRACE_NONE)
		take_reference(j, &j->reference);
	else if (j->nwaiting < LIMIT_WAITING_REFERENCES)
		j->waiting[j->nwaiting++] = j->reference;
	return JREAD_GO;
}

static void take_waiting(struct jaeger_json *j, const struct buf *trace_id)
{
	const char *text = buf_text(trace_id);
	size_t len = trace_id->len;
	uint32_t trace;

	jaeger_skip_zeros(&text, &len);
	trace = trace_builder_text(j->builder, text, len);
	for (unsigned int i = 0; i < j->nwaiting; i++)
		if (j->waiting[i].trace == trace)
			take_reference(j, &j->waiting[i]);
}

static int jaeger_end_span(struct jaeger_json *j)
{
	const struct buf *trace_id = j->has_trace_id ? &j->trace_id : &j->object_trace_id;
	struct span *span = j->span;

	if (j->has_own_process && !j->has_process)
		return err_set(jread_err(j->jread), EBADMSG,
			       "a span has a process instead of a processID: this is a document of "
			       "Jaeger's "
			       "storage, not of its API");
	if (!j->has_process)
		span->resource = jaeger_process_number(&j->processes, 0);
	if (j->nwaiting > 0)
		take_waiting(j, trace_id);
	span->parent_id = j->child_of;
	if (span->parent_id == 0 && j->follows_from != 0) {
		span->parent_id = j->follows_from;
		span->flags |= SPAN_FOLLOWS;
	}
	if (span->parent_id == 0)
		span->parent_id = j->parent_span_id;
	trace_builder_span_done(j->builder, buf_text(trace_id), trace_id->len);
	return jaeger_check_builder(j);
}

/* The text as a value of the builder; TRACE_NONE: it is not set. */
static uint32_t held_text(struct jaeger_json *j, const struct held *held)
{
	return held->set ? trace_builder_value(j->builder, held->text, held->len) : TRACE_NONE;
}

static int begin_log(struct jaeger_json *j)
{
	j->is_error_log = false;
	j->log_us = 0;
	j->type_field = j->message_field = FIELD_EVENT;
	j->type.set = j->message.set = false;
	return JREAD_GO;
}

static int end_log(struct jaeger_json *j)
{
	if (j->is_error_log)
		trace_builder_span_exception(j->builder, held_text(j, &j->type),
					     held_text(j, &j->message), j->log_us);
	return jaeger_check_builder(j);
}

/* ---- tags, process tags and fields ---- */

static int begin_tags(struct jaeger_json *j)
{
	(void)j;
	return JREAD_PAIRS + PATTERN_TAG;
}

static int begin_pair(struct jaeger_json *j)
{
	j->attr = -1;
	j->key.set = j->value.set = false;
	return JREAD_GO;
}

static enum member pair_member(struct jaeger_json *j, const char *text, size_t len)
{
	(void)j;
	if (jread_is(text, len, "key"))
		return MEMBER_KEY;
	return jread_is(text, len, "value") ? MEMBER_VALUE : MEMBER_NONE;
}

static enum log_field log_field_of(const char *text, size_t len)
{
	if (jread_is(text, len, "event"))
		return FIELD_EVENT;
	if (jread_is(text, len, "message"))
		return FIELD_MESSAGE;
	if (jread_is(text, len, "error.kind"))
		return FIELD_ERROR_KIND;
	if (jread_is(text, len, "error"))
		return FIELD_ERROR;
	if (jread_is(text, len, "error.object"))
		return FIELD_ERROR_OBJECT;
	if (jread_is(text, len, "exception.type"))
		return FIELD_EXCEPTION_TYPE;
	if (jread_is(text, len, "exception.message"))
		return FIELD_EXCEPTION_MESSAGE;
	return FIELD_OTHER;
}

static void jaeger_take_field(struct jaeger_json *j, enum log_field field, const char *text,
			      size_t len)
{
	switch (field) {
	case FIELD_EVENT:
		j->is_error_log |= jread_is(text, len, "error") || jread_is(text, len, "exception");
		break;
	case FIELD_ERROR:
		/* Words, as structured loggers write them; a truth value says nothing new. */
		if (len == 0 || jread_is(text, len, "true") || jread_is(text, len, "false"))
			break;
		j->is_error_log = true;
		__attribute__((fallthrough));
	case FIELD_MESSAGE:
	case FIELD_ERROR_OBJECT:
	case FIELD_EXCEPTION_MESSAGE:
		j->is_error_log |= field > FIELD_ERROR;
		if (field >= j->message_field) {
			j->message_field = field;
			hold_text(&j->message, text, len);
		}
		break;
	case FIELD_ERROR_KIND:
	case FIELD_EXCEPTION_TYPE:
		j->is_error_log = true;
		if (field >= j->type_field) {
			j->type_field = field;
			hold_text(&j->type, text, len);
		}
		break;
	case FIELD_OTHER:
		break;
	}
}

/* Takes a log field or a process tag whose key and value are both known. */
static int jaeger_take_pair(struct jaeger_json *j, const char *value, size_t len)
{
	if (j->place == PLACE_FIELD)
		jaeger_take_field(j, j->field, value, len);
	else
		trace_builder_resource_attr(j->builder, j->resource, j->key.text, j->key.len, value,
					    len);
	return jaeger_check_builder(j);
}

static int jaeger_take_key(struct jaeger_json *j, const char *text, size_t len)
{
	j->key.set = true;
	if (j->place == PLACE_FIELD) {
		j->field = log_field_of(text, len);
		if (j->field == FIELD_OTHER)
			return JREAD_SKIP_REST;
	} else {
		hold_text(&j->key, text, len);
	}
	return j->value.set ? jaeger_take_pair(j, j->value.text, j->value.len) : JREAD_GO;
}

static int jaeger_take_value(struct jaeger_json *j, const char *text, size_t len)
{
	if (j->key.set)
		return jaeger_take_pair(j, text, len);
	hold_text(&j->value, text, len);
	return JREAD_GO;
}

static int jaeger_take_tag(struct jaeger_json *j, const char *value, size_t len)
{
	uint32_t text = trace_builder_value(j->builder, value, len);

	if (text == TRACE_NONE)
		return jaeger_check_builder(j);
	trace_builder_span_attr(j->builder, (unsigned int)j->attr, text);
	return JREAD_GO;
}

static int jaeger_take_tag_key(struct jaeger_json *j, const char *text, size_t len)
{
	j->attr = trace_builder_attr(j->builder, text, len);
	if (j->attr < 0)
		return JREAD_SKIP_REST;
	return j->value.set ? jaeger_take_tag(j, j->value.text, j->value.len) : JREAD_GO;
}

/* Tags of spans that jaeger_patterns does not fit: a way of their own, since they are many. */
static int jaeger_on_tag(struct jaeger_json *j, enum jread_event event, const char *text,
			 size_t len)
{
	if (event == JREAD_KEY) {
		j->member = pair_member(j, text, len);
		return j->member == MEMBER_NONE ? JREAD_SKIP : JREAD_GO;
	}
	if (event == JREAD_OBJECT_END) {
		j->place = PLACE_TAGS;
		j->member = MEMBER_NONE;
		return JREAD_GO;
	}
	if (event == JREAD_NULL)
		return JREAD_GO;
	if (j->member == MEMBER_KEY)
		return event == JREAD_STRING ? jaeger_take_tag_key(j, text, len)
					     : jaeger_fail_type(j, event);
	if (event == JREAD_OBJECT || event == JREAD_ARRAY)
		return JREAD_SKIP; /* objects and lists have no text to keep */
	if (event == JREAD_NUMBER)
		len = trace_number_len(text, len);
	if (j->attr >= 0)
		return jaeger_take_tag(j, text, len);
	hold_text(&j->value, text, len);
	return JREAD_GO;
}

/* ---- errors of the answer ---- */

static int jaeger_begin_error(struct jaeger_json *j)
{
	if (j->has_error)
		return JREAD_SKIP_REST;
	j->has_error = true;
	return JREAD_GO;
}

static enum member error_member(struct jaeger_json *j, const char *text, size_t len)
{
	(void)j;
	if (jread_is(text, len, "code"))
		return MEMBER_ERROR_CODE;
	if (jread_is(text, len, "msg") || jread_is(text, len, "message") ||
	    jread_is(text, len, "detail") || jread_is(text, len, "title"))
		return MEMBER_ERROR_TEXT;
	return MEMBER_NONE;
}

/* A member of the first error; or an error that is only a text. */
static int jaeger_take_error(struct jaeger_json *j, const char *text, size_t len)
{
	j->has_error = true;
	if (j->member == MEMBER_ERROR_CODE) {
		if (!jread_int64(text, len, &j->error_code))
			j->error_code = 0;
	} else if (j->error_text[0] == '\0') {
		trace_error_text(text, len, j->error_text);
	}
	return JREAD_GO;
}

/* An answer without a trace is an error where it says so; that the trace is not there is a good
 * answer. An answer with traces lacks some where its storage failed. */
static int jaeger_judge_errors(struct jaeger_json *j, struct err *err)
{
	const bool failed = j->has_error && j->error_code != 404;

	if (failed && trace_builder_nspans(j->builder) == 0)
		return trace_error_fail(err, j->error_text, j->error_code);
	if (failed && j->error_code >= 500)
		trace_builder_partial(j->builder);
	return 0;
}

/* ---- scalars ---- */

static uint32_t jaeger_text_of(struct jaeger_json *j, const char *text, size_t len)
{
	return trace_builder_text(j->builder, text, len);
}

static uint32_t jaeger_parent_of(struct jaeger_json *j, const char *text, size_t len)
{
	return trace_id_is_zero(text, len) ? 0 : jaeger_text_of(j, text, len);
}

static bool jaeger_is_text(const struct buf *buf, const char *text, size_t len)
{
	return buf->len == len && memcmp(buf_text(buf), text, len) == 0;
}

static void jaeger_take_trace_id(struct jaeger_json *j, const char *text, size_t len)
{
	if (j->place == PLACE_SPAN) {
		j->has_trace_id = true;
		if (jaeger_is_text(&j->trace_id, text, len) ||
		    (j->trace_id.len > 0 && j->trace_id.len != len &&
		     jaeger_same_trace(&j->trace_id, text, len)))
			return;
		buf_reset(&j->trace_id);
		buf_add(&j->trace_id, text, len);
	} else if (j->place == PLACE_REFERENCE) {
		if (j->has_trace_id) {
			j->reference.other_trace = !jaeger_same_trace(&j->trace_id, text, len);
			return;
		}
		jaeger_skip_zeros(&text, &len);
		j->reference.trace = jaeger_text_of(j, text, len);
	} else {
		buf_reset(&j->object_trace_id);
		buf_add(&j->object_trace_id, text, len);
	}
}

static void take_ref_type(struct jaeger_json *j, const char *text, size_t len)
{
	if (jread_is(text, len, "CHILD_OF"))
		j->reference.type = REF_CHILD_OF;
	else if (jread_is(text, len, "FOLLOWS_FROM"))
		j->reference.type = REF_FOLLOWS_FROM;
	else
		j->reference.type = REF_OTHER;
}

static int jaeger_take_string(struct jaeger_json *j, const char *text, size_t len)
{
	uint32_t taken = 0;

	switch (j->member) {
	case MEMBER_KEY:
		return jaeger_take_key(j, text, len);
	case MEMBER_TRACE_ID:
		jaeger_take_trace_id(j, text, len);
		return jaeger_check_builder(j);
	case MEMBER_SPAN_ID:
		if (j->place == PLACE_SPAN)
			taken = j->span->id = jaeger_text_of(j, text, len);
		else if (!j->reference.other_trace)
			taken = j->reference.span = jaeger_parent_of(j, text, len);
		break;
	case MEMBER_PARENT_SPAN_ID:
		taken = j->parent_span_id = jaeger_parent_of(j, text, len);
		break;
	case MEMBER_OPERATION_NAME:
		taken = j->span->name = jaeger_text_of(j, text, len);
		break;
	case MEMBER_PROCESS_ID:
		j->has_process = true;
		taken = jaeger_text_of(j, text, len);
		j->span->resource = jaeger_process_number(&j->processes, taken);
		break;
	case MEMBER_REF_TYPE:
		take_ref_type(j, text, len);
		break;
	case MEMBER_SERVICE_NAME:
		taken = jaeger_text_of(j, text, len);
		trace_builder_resource_service(j->builder, j->resource, taken);
		break;
	case MEMBER_NONE:
	case MEMBER_DATA:
	case MEMBER_SPANS:
	case MEMBER_PROCESSES:
	case MEMBER_START_TIME:
	case MEMBER_DURATION:
	case MEMBER_REFERENCES:
	case MEMBER_TAGS:
	case MEMBER_LOGS:
	case MEMBER_TIMESTAMP:
	case MEMBER_FIELDS:
	case MEMBER_VALUE:
	case MEMBER_PROCESS:
	case MEMBER_ERRORS:
	case MEMBER_ERROR_CODE:
	case MEMBER_ERROR_TEXT:
		break;
	}
	return taken != TRACE_NONE ? JREAD_GO : jaeger_check_builder(j);
}

static int jaeger_take_scalar(struct jaeger_json *j, enum jread_event event, const char *text,
			      size_t len)
{
	enum type type = jaeger_members[j->member].type;

	if (event == JREAD_NULL)
		return j->place == PLACE_OUTSIDE ? jaeger_fail_type(j, event) : JREAD_GO;
	if (j->place == PLACE_ERRORS || j->place == PLACE_ERROR)
		return jaeger_take_error(j, text, len);
	if (j->member == MEMBER_TIMESTAMP) {
		if (event == JREAD_NUMBER)
			j->log_us = trace_time_us(text, len);
		return JREAD_GO; /* no log is worth refusing a trace */
	}
	if (type == TYPE_ANY)
		return jaeger_take_value(j, text,
					 event == JREAD_NUMBER ? trace_number_len(text, len) : len);
	if (event == JREAD_STRING && type == TYPE_STRING)
		return jaeger_take_string(j, text, len);
	if (event != JREAD_NUMBER || type != TYPE_NUMBER)
		return jaeger_fail_type(j, event);
	if (j->member == MEMBER_START_TIME)
		j->span->start_us = trace_time_us(text, len);
	else
		j->span->duration_us = trace_time_us(text, len);
	return JREAD_GO;
}

/* ---- keys ---- */

static enum member trace_member(struct jaeger_json *j, const char *text, size_t len)
{
	(void)j;
	if (jread_is(text, len, "spans"))
		return MEMBER_SPANS;
	if (jread_is(text, len, "processes"))
		return MEMBER_PROCESSES;
	return jread_is(text, len, "traceID") ? MEMBER_TRACE_ID : MEMBER_NONE;
}

/* The members of the outermost object show what it is. */
static enum member top_member(struct jaeger_json *j, const char *text, size_t len)
{
	enum member member = trace_member(j, text, len);

	if (jread_is(text, len, "data")) {
		j->is_envelope = true;
		return MEMBER_DATA;
	}
	if (jread_is(text, len, "errors")) {
		j->has_errors = true;
		return MEMBER_ERRORS;
	}
	j->is_trace |= member == MEMBER_SPANS || member == MEMBER_PROCESSES;
	j->is_storage |= jread_is(text, len, "spanID") || jread_is(text, len, "operationName");
	return member;
}

static enum member span_member(struct jaeger_json *j, const char *text, size_t len)
{
	switch (len) {
	case 4:
		if (memcmp(text, "tags", 4) == 0)
			return MEMBER_TAGS;
		return memcmp(text, "logs", 4) == 0 ? MEMBER_LOGS : MEMBER_NONE;
	case 6:
		return memcmp(text, "spanID", 6) == 0 ? MEMBER_SPAN_ID : MEMBER_NONE;
	case 7:
		if (memcmp(text, "traceID", 7) == 0)
			return MEMBER_TRACE_ID;
		j->has_own_process |= memcmp(text, "process", 7) == 0;
		return MEMBER_NONE;
	case 8:
		return memcmp(text, "duration", 8) == 0 ? MEMBER_DURATION : MEMBER_NONE;
	case 9:
		if (memcmp(text, "startTime", 9) == 0)
			return MEMBER_START_TIME;
		return memcmp(text, "processID", 9) == 0 ? MEMBER_PROCESS_ID : MEMBER_NONE;
	case 10:
		return memcmp(text, "references", 10) == 0 ? MEMBER_REFERENCES : MEMBER_NONE;
	case 12:
		return memcmp(text, "parentSpanID", 12) == 0 ? MEMBER_PARENT_SPAN_ID : MEMBER_NONE;
	case 13:
		return memcmp(text, "operationName", 13) == 0 ? MEMBER_OPERATION_NAME : MEMBER_NONE;
	default:
		return MEMBER_NONE;
	}
}

static enum member reference_member(struct jaeger_json *j, const char *text, size_t len)
{
	(void)j;
	if (jread_is(text, len, "refType"))
		return MEMBER_REF_TYPE;
	if (jread_is(text, len, "traceID"))
		return MEMBER_TRACE_ID;
	return jread_is(text, len, "spanID") ? MEMBER_SPAN_ID : MEMBER_NONE;
}

static enum member log_member(struct jaeger_json *j, const char *text, size_t len)
{
	(void)j;
	if (jread_is(text, len, "timestamp"))
		return MEMBER_TIMESTAMP;
	return jread_is(text, len, "fields") ? MEMBER_FIELDS : MEMBER_NONE;
}

/* Each member of processes is a process, whatever its name. A process of null also counts against
 * the cap of resources. */
static enum member processes_member(struct jaeger_json *j, const char *text, size_t len)
{
	uint32_t number = jaeger_process_number(&j->processes, jaeger_text_of(j, text, len));

	j->resource = trace_builder_resource(j->builder);
	j->processes.resources[number] = j->resource;
	return MEMBER_PROCESS;
}

static enum member process_member(struct jaeger_json *j, const char *text, size_t len)
{
	(void)j;
	if (jread_is(text, len, "serviceName"))
		return MEMBER_SERVICE_NAME;
	return jread_is(text, len, "tags") ? MEMBER_TAGS : MEMBER_NONE;
}

/* ---- containers ---- */

static int jaeger_enter(struct jaeger_json *j, enum place place)
{
	j->place = place;
	j->member = MEMBER_NONE;
	return jaeger_places[place].begin ? jaeger_places[place].begin(j) : JREAD_GO;
}

static int jaeger_on_object(struct jaeger_json *j)
{
	/* Some tools write data as one trace, without the list. */
	if (j->member == MEMBER_DATA) {
		j->lone_trace = true;
		return jaeger_enter(j, PLACE_TRACE);
	}
	if (jaeger_members[j->member].type == TYPE_ANY)
		return JREAD_SKIP; /* objects and lists have no text to keep */
	if (jaeger_members[j->member].type != TYPE_OBJECT)
		return jaeger_fail_type(j, JREAD_OBJECT);
	return jaeger_enter(j, j->member == MEMBER_NONE ? jaeger_places[j->place].element
							: jaeger_members[j->member].inside);
}

static int jaeger_on_array(struct jaeger_json *j)
{
	if (jaeger_members[j->member].type == TYPE_ANY)
		return JREAD_SKIP;
	if (jaeger_members[j->member].type != TYPE_LIST)
		return jaeger_fail_type(j, JREAD_ARRAY);
	return jaeger_enter(j, j->place == PLACE_PROCESS ? PLACE_PROCESS_TAGS
							 : jaeger_members[j->member].inside);
}

static int jaeger_on_key(struct jaeger_json *j, const char *text, size_t len)
{
	j->member = jaeger_places[j->place].member(j, text, len);
	if (j->member == MEMBER_NONE)
		return JREAD_SKIP;
	if (j->is_envelope && j->is_trace)
		return err_set(jread_err(j->jread), EBADMSG,
			       "the document has both data and spans: it is neither an answer of "
			       "Jaeger's API nor "
			       "a trace");
	return jaeger_check_builder(j);
}

static int jaeger_on_end(struct jaeger_json *j)
{
	const struct place_row *left = &jaeger_places[j->place];

	j->place = left->around;
	if (j->place == PLACE_DATA && j->lone_trace) {
		j->place = PLACE_TOP;
		j->lone_trace = false;
	}
	/* a single trace object has no data around it */
	if (j->place == PLACE_TRACE && j->is_trace)
		j->place = PLACE_TOP;
	j->member = MEMBER_NONE;
	return left->end ? left->end(j) : JREAD_GO;
}

static const struct place_row jaeger_places[PLACE_ERROR + 1] = {
	[PLACE_OUTSIDE] = { "the document", 0, PLACE_TOP, NULL, NULL, NULL },
	[PLACE_TOP] = { "the document", PLACE_OUTSIDE, 0, top_member, begin_trace, end_trace },
	[PLACE_DATA] = { "data", PLACE_TOP, PLACE_TRACE, NULL, NULL, NULL },
	[PLACE_TRACE] = { "a trace", PLACE_DATA, 0, trace_member, begin_trace, end_trace },
	[PLACE_SPANS] = { "spans", PLACE_TRACE, PLACE_SPAN, NULL, NULL, NULL },
	[PLACE_SPAN] = { "a span", PLACE_SPANS, 0, span_member, jaeger_begin_span,
			 jaeger_end_span },
	[PLACE_REFERENCES] = { "references", PLACE_SPAN, PLACE_REFERENCE, NULL, NULL, NULL },
	[PLACE_REFERENCE] = { "a reference", PLACE_REFERENCES, 0, reference_member, begin_reference,
			      end_reference },
	[PLACE_TAGS] = { "tags", PLACE_SPAN, PLACE_TAG, NULL, begin_tags, NULL },
	[PLACE_TAG] = { "a tag", PLACE_TAGS, 0, pair_member, begin_pair, NULL },
	[PLACE_LOGS] = { "logs", PLACE_SPAN, PLACE_LOG, NULL, NULL, NULL },
	[PLACE_LOG] = { "a log", PLACE_LOGS, 0, log_member, begin_log, end_log },
	[PLACE_FIELDS] = { "fields", PLACE_LOG, PLACE_FIELD, NULL, NULL, NULL },
	[PLACE_FIELD] = { "a log's field", PLACE_FIELDS, 0, pair_member, begin_pair, NULL },
	[PLACE_PROCESSES] = { "processes", PLACE_TRACE, 0, processes_member, NULL, NULL },
	[PLACE_PROCESS] = { "a process", PLACE_PROCESSES, 0, process_member, NULL, NULL },
	[PLACE_PROCESS_TAGS] = { "tags", PLACE_PROCESS, PLACE_PROCESS_TAG, NULL, NULL, NULL },
	[PLACE_PROCESS_TAG] = { "a process's tag", PLACE_PROCESS_TAGS, 0, pair_member, begin_pair,
				NULL },
	[PLACE_ERRORS] = { "errors", PLACE_TOP, PLACE_ERROR, NULL, NULL, NULL },
	[PLACE_ERROR] = { "an error", PLACE_ERRORS, 0, error_member, jaeger_begin_error, NULL },
};

static int jaeger_on_event(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct jaeger_json *j = ctx;

	if (j->place == PLACE_TAG)
		return jaeger_on_tag(j, event, text, len);
	if (j->place == PLACE_TAGS && event == JREAD_OBJECT) {
		j->place = PLACE_TAG;
		return begin_pair(j);
	}
	switch (event) {
	case JREAD_KEY:
		return jaeger_on_key(j, text, len);
	case JREAD_OBJECT:
		return jaeger_on_object(j);
	case JREAD_ARRAY:
		return jaeger_on_array(j);
	case JREAD_OBJECT_END:
	case JREAD_ARRAY_END:
		return jaeger_on_end(j);
	case JREAD_STRING:
	case JREAD_NUMBER:
	case JREAD_TRUE:
	case JREAD_FALSE:
	case JREAD_NULL:
		return jaeger_take_scalar(j, event, text, len);
	}
	return JREAD_GO;
}

/* ---- pairs, as Jaeger writes them ---- */

static int tag_head(void *ctx, const struct jread_word words[JREAD_WORDS])
{
	const struct jaeger_json *j = ctx;
	int key = trace_builder_attr(j->builder, words[0].text, words[0].len);

	return key >= 0 ? key : JREAD_PAIR_UNWANTED;
}

static bool take_tag_pair(void *ctx, const struct jread_pair *pair)
{
	struct jaeger_json *j = ctx;
	uint32_t value;

	if (pair->event == JREAD_NULL)
		return true;
	value = trace_builder_value(j->builder, pair->text, pair->len);
	if (value == TRACE_NONE)
		return false;
	trace_builder_span_attr(j->builder, (unsigned int)pair->key, value);
	return true;
}

static int span_head(void *ctx, const struct jread_word words[JREAD_WORDS])
{
	struct jaeger_json *j = ctx;
	enum member member;

	/* It is noted of each span. */
	if (jread_is(words[0].text, words[0].len, "process"))
		return JREAD_PAIR_OTHER;
	member = span_member(j, words[0].text, words[0].len);
	if (member == MEMBER_NONE)
		return JREAD_PAIR_UNWANTED;
	return jaeger_members[member].type == TYPE_LIST ? JREAD_PAIR_LIST : (int)member;
}

static bool take_span_pair(void *ctx, const struct jread_pair *pair)
{
	struct jaeger_json *j = ctx;

	j->member = (enum member)pair->key;
	if (pair->event == JREAD_STRING && jaeger_members[pair->key].type == TYPE_STRING)
		return jaeger_take_string(j, pair->text, pair->len) == JREAD_GO;
	if (pair->event != JREAD_NUMBER || jaeger_members[pair->key].type != TYPE_NUMBER)
		return false;
	if (j->member == MEMBER_START_TIME)
		j->span->start_us = trace_time_us(pair->text, pair->len);
	else
		j->span->duration_us = trace_time_us(pair->text, pair->len);
	return true;
}

/* Nearly every span has one reference. */
#define REFERENCE_HEAD "\"references\":[{\"refType\":\""
#define REFERENCE_ID   "\",\"traceID\":\""
#define REFERENCE_SPAN "\",\"spanID\":"

static int reference_head(void *ctx, const struct jread_word words[JREAD_WORDS])
{
	(void)ctx;
	return jread_is(words[0].text, words[0].len, "CHILD_OF") ? REF_CHILD_OF : JREAD_PAIR_OTHER;
}

static bool take_reference_pair(void *ctx, const struct jread_pair *pair)
{
	struct jaeger_json *j = ctx;
	struct reference reference = { .type = REF_CHILD_OF };
	const char *id = pair->head + strlen(REFERENCE_HEAD "CHILD_OF" REFERENCE_ID);
	size_t len = (size_t)(pair->text - 1 - strlen(REFERENCE_SPAN) - id);

	if (pair->event != JREAD_STRING || !j->has_trace_id)
		return false;
	if (!jaeger_is_text(&j->trace_id, id, len) && !jaeger_same_trace(&j->trace_id, id, len))
		return true;
	reference.span = jaeger_parent_of(j, pair->text, pair->len);
	if (reference.span == TRACE_NONE)
		return false;
	take_reference(j, &reference);
	return true;
}

static const struct jread_form span_forms[] = {
	{ REFERENCE_HEAD "*" REFERENCE_ID "*" REFERENCE_SPAN, "}]", reference_head,
	  take_reference_pair, NULL },
	{ "\"*\":", "", span_head, take_span_pair, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};
static const struct jread_form tag_forms[] = {
	{ "{\"key\":\"*\",\"type\":\"*\",\"value\":", "}", tag_head, take_tag_pair, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};
static const struct jread_pattern jaeger_patterns[] = {
	[PATTERN_SPAN] = { span_forms },
	[PATTERN_TAG] = { tag_forms },
};

/* ---- the encoding ---- */

static void *jaeger_json_start(const void *variant, struct trace_builder *builder)
{
	struct jaeger_json *j = xcalloc(1, sizeof(*j));

	(void)variant;
	j->builder = builder;
	j->jread = trace_jread_new(JREAD_ONE, jaeger_on_event, j);
	jread_pairs_set(j->jread, jaeger_patterns);
	buf_init(&j->trace_id, LIMIT_TOKEN_BYTES + 1);
	buf_init(&j->object_trace_id, LIMIT_TOKEN_BYTES + 1);
	return j;
}

static int jaeger_json_feed(void *state, const char *data, size_t len, struct err *err)
{
	struct jaeger_json *j = state;

	return trace_jread_feed(j->jread, data, len, err);
}

static int jaeger_json_finish(void *state, struct err *err)
{
	struct jaeger_json *j = state;
	int error = trace_jread_finish(j->jread, err);

	if (error)
		return error;
	if (j->is_envelope || j->is_trace || j->has_errors)
		return jaeger_judge_errors(j, err);
	if (j->is_storage)
		return err_set(err, EBADMSG,
			       "this is a span document of Jaeger's storage; read the trace "
			       "through Jaeger's API");
	return err_set(err, EBADMSG,
		       "the document has neither data nor spans: it is not JSON of Jaeger's API");
}

static void jaeger_json_free(void *state)
{
	struct jaeger_json *j = state;

	if (!j)
		return;
	jaeger_processes_drop(&j->processes);
	buf_fini(&j->trace_id);
	buf_fini(&j->object_trace_id);
	jread_free(j->jread);
	free(j);
}

const struct trace_encoding_ops trace_encoding_JAEGER_JSON = {
	.name = "jaeger-json",
	.text = "Jaeger API JSON",
	.start = jaeger_json_start,
	.feed = jaeger_json_feed,
	.finish = jaeger_json_finish,
	.free = jaeger_json_free,
};
