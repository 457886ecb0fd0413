/*
 * OTLP JSON: {"resourceSpans":[...]}, the {"result":{"resourceSpans":[...]}} of Jaeger's API v3,
 * and the sequences of these that old gateways stream. Sources: opentelemetry-proto (JSON encoding,
 * trace.proto), Jaeger's api_v3. Read liberally: members in any order, camelCase or snake_case,
 * enums as numbers or names, 64-bit integers as numbers or strings, ids as any text. It refuses
 * what has the wrong structure, and documents that are an error message. Links, scopes and nested
 * attribute values are not kept. Owns its reader and scratch memory; the builder is borrowed.
 *
 * The document is a fixed tree of nodes: a table says which members of a node lead where, all
 * others are skipped unread. So a stack of nodes is the whole state.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "encodings-internal.h"
#include "tracepager/buf.h"
#include "tracepager/jread.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

enum node {
	NODE_NONE,
	/* Objects. */
	NODE_DOCUMENT,
	NODE_RESULT,
	NODE_ERROR,
	NODE_RESOURCE_SPANS,
	NODE_RESOURCE,
	NODE_SCOPE_SPANS,
	NODE_SPAN,
	NODE_STATUS,
	NODE_EVENT,
	NODE_ATTRIBUTE,
	NODE_VALUE,
	/* Lists; what is in them is in list_items. */
	NODE_FIRST_LIST,
	NODE_RESOURCE_SPANS_LIST = NODE_FIRST_LIST,
	NODE_SCOPE_SPANS_LIST,
	NODE_SPAN_LIST,
	NODE_EVENT_LIST,
	NODE_ATTRIBUTE_LIST,
	/* Single values. */
	NODE_FIRST_SCALAR,
	NODE_ERROR_MESSAGE = NODE_FIRST_SCALAR,
	NODE_ERROR_CODE,
	NODE_TRACE_ID,
	NODE_SPAN_ID,
	NODE_PARENT_ID,
	NODE_NAME,
	NODE_KIND,
	NODE_START,
	NODE_END,
	NODE_FLAGS,
	NODE_STATUS_CODE,
	NODE_STATUS_MESSAGE,
	NODE_KEY,
	NODE_TEXT, /* of a value: string, boolean, integer or double */
};

static const enum node list_items[] = {
	[NODE_RESOURCE_SPANS_LIST - NODE_FIRST_LIST] = NODE_RESOURCE_SPANS,
	[NODE_SCOPE_SPANS_LIST - NODE_FIRST_LIST] = NODE_SCOPE_SPANS,
	[NODE_SPAN_LIST - NODE_FIRST_LIST] = NODE_SPAN,
	[NODE_EVENT_LIST - NODE_FIRST_LIST] = NODE_EVENT,
	[NODE_ATTRIBUTE_LIST - NODE_FIRST_LIST] = NODE_ATTRIBUTE,
};

struct member {
	const char *name;
	unsigned int len;
	enum node node;
};

#define MEMBER(text, to)                                                                           \
	{                                                                                          \
		(text), sizeof(text) - 1, (to)                                                     \
	}
#define NO_MEMBER                                                                                  \
	{                                                                                          \
		NULL, 0, NODE_NONE                                                                 \
	}

/* clang-format off */
static const struct member document_members[] = {
	MEMBER("resourceSpans", NODE_RESOURCE_SPANS_LIST),
	MEMBER("resource_spans", NODE_RESOURCE_SPANS_LIST),
	MEMBER("result", NODE_RESULT),
	MEMBER("error", NODE_ERROR),
	NO_MEMBER,
};
static const struct member result_members[] = {
	MEMBER("resourceSpans", NODE_RESOURCE_SPANS_LIST),
	MEMBER("resource_spans", NODE_RESOURCE_SPANS_LIST),
	NO_MEMBER,
};
static const struct member error_members[] = {
	MEMBER("message", NODE_ERROR_MESSAGE),
	MEMBER("httpCode", NODE_ERROR_CODE),
	MEMBER("http_code", NODE_ERROR_CODE),
	NO_MEMBER,
};
static const struct member resource_spans_members[] = {
	MEMBER("resource", NODE_RESOURCE),
	MEMBER("scopeSpans", NODE_SCOPE_SPANS_LIST),
	MEMBER("scope_spans", NODE_SCOPE_SPANS_LIST),
	MEMBER("instrumentationLibrarySpans", NODE_SCOPE_SPANS_LIST),
	MEMBER("instrumentation_library_spans", NODE_SCOPE_SPANS_LIST),
	NO_MEMBER,
};
static const struct member attributes_members[] = { /* of resources and events */
	MEMBER("attributes", NODE_ATTRIBUTE_LIST),
	NO_MEMBER,
};
static const struct member scope_spans_members[] = {
	MEMBER("spans", NODE_SPAN_LIST),
	NO_MEMBER,
};
static const struct member span_members[] = {
	MEMBER("traceId", NODE_TRACE_ID),
	MEMBER("spanId", NODE_SPAN_ID),
	MEMBER("parentSpanId", NODE_PARENT_ID),
	MEMBER("name", NODE_NAME),
	MEMBER("kind", NODE_KIND),
	MEMBER("startTimeUnixNano", NODE_START),
	MEMBER("endTimeUnixNano", NODE_END),
	MEMBER("attributes", NODE_ATTRIBUTE_LIST),
	MEMBER("status", NODE_STATUS),
	MEMBER("events", NODE_EVENT_LIST),
	MEMBER("flags", NODE_FLAGS),
	MEMBER("trace_id", NODE_TRACE_ID),
	MEMBER("span_id", NODE_SPAN_ID),
	MEMBER("parent_span_id", NODE_PARENT_ID),
	MEMBER("start_time_unix_nano", NODE_START),
	MEMBER("end_time_unix_nano", NODE_END),
	NO_MEMBER,
};
static const struct member status_members[] = {
	MEMBER("code", NODE_STATUS_CODE),
	MEMBER("message", NODE_STATUS_MESSAGE),
	NO_MEMBER,
};
static const struct member attribute_members[] = {
	MEMBER("key", NODE_KEY),
	MEMBER("value", NODE_VALUE),
	NO_MEMBER,
};
static const struct member value_members[] = {
	MEMBER("stringValue", NODE_TEXT),
	MEMBER("intValue", NODE_TEXT),
	MEMBER("boolValue", NODE_TEXT),
	MEMBER("doubleValue", NODE_TEXT),
	MEMBER("string_value", NODE_TEXT),
	MEMBER("int_value", NODE_TEXT),
	MEMBER("bool_value", NODE_TEXT),
	MEMBER("double_value", NODE_TEXT),
	NO_MEMBER,
};
/* clang-format on */

static const struct member *const members_of[] = {
	[NODE_DOCUMENT] = document_members,   [NODE_RESULT] = result_members,
	[NODE_ERROR] = error_members,	      [NODE_RESOURCE_SPANS] = resource_spans_members,
	[NODE_RESOURCE] = attributes_members, [NODE_SCOPE_SPANS] = scope_spans_members,
	[NODE_SPAN] = span_members,	      [NODE_STATUS] = status_members,
	[NODE_EVENT] = attributes_members,    [NODE_ATTRIBUTE] = attribute_members,
	[NODE_VALUE] = value_members,
};

/* Flags of a span (trace.proto): whether its parent is remote is known; it is. */
#define FLAG_HAS_REMOTE 0x100u
#define FLAG_IS_REMOTE	0x200u

/* The longest way down: document, result, and value, attribute and their list below an event. */
#define STACK_SIZE 16

/* The key of the attribute in work, beside the kept ones. */
#define KEY_UNKNOWN -2
#define KEY_IGNORED -1

struct otlp_json {
	struct trace_builder *builder;
	struct jread *jread;

	/* Where we are: the node that is open, and the member that was named in it. */
	enum node stack[STACK_SIZE];
	unsigned int depth;
	enum node node, next;
	const char *next_name;

	uint32_t resource;
	struct span *span;
	struct buf trace_id;
	uint64_t start_ns, end_ns;
	bool has_exception;    /* of the span: later events are not read */
	uint32_t exception[2]; /* of the event in work: type, message; TRACE_NONE */

	/* The attribute in work. */
	enum node owner; /* NODE_RESOURCE, NODE_SPAN or NODE_EVENT */
	int key;
	uint32_t value; /* TRACE_NONE: none, or still in value_text */
	bool has_key_text, has_value_text;
	struct buf key_text, value_text;

	char error_message[200];
	int64_t error_code;
};

static int wrong_type(struct otlp_json *otlp, enum jread_event event, const char *wanted)
{
	return err_set(jread_err(otlp->jread), EBADMSG, "%s is %s, not %s", otlp->next_name,
		       jread_event_name(event), wanted);
}

/* The builder's answer to everything: it has failed, or not. */
static int check(struct otlp_json *otlp, uint32_t text)
{
	return text != TRACE_NONE
		       ? JREAD_GO
		       : err_set(jread_err(otlp->jread), E2BIG, "the trace is too large");
}

/* Attributes. */

static void begin_attribute(struct otlp_json *otlp)
{
	otlp->owner = otlp->stack[otlp->depth - 2]; /* above the list */
	otlp->key = KEY_UNKNOWN;
	otlp->value = TRACE_NONE;
	otlp->has_key_text = otlp->has_value_text = false;
}

static int take_key(struct otlp_json *otlp, const char *text, size_t len)
{
	if (otlp->owner == NODE_RESOURCE) {
		buf_reset(&otlp->key_text);
		otlp->has_key_text = buf_add(&otlp->key_text, text, len);
		return JREAD_GO;
	}
	otlp->key = trace_builder_attr(otlp->builder, text, len);
	if (otlp->owner == NODE_EVENT && otlp->key != ATTR_EXCEPTION_TYPE &&
	    otlp->key != ATTR_EXCEPTION_MESSAGE)
		otlp->key = KEY_IGNORED;
	return otlp->key == KEY_IGNORED ? JREAD_SKIP_REST : JREAD_GO;
}

/* Only what is kept is interned; what comes before its key has to wait for it. */
static int take_value(struct otlp_json *otlp, const char *text, size_t len)
{
	if (otlp->key == KEY_UNKNOWN) {
		buf_reset(&otlp->value_text);
		otlp->has_value_text = buf_add(&otlp->value_text, text, len);
		return JREAD_GO;
	}
	otlp->value = trace_builder_value(otlp->builder, text, len);
	return check(otlp, otlp->value);
}

static int end_attribute(struct otlp_json *otlp)
{
	if (otlp->owner == NODE_RESOURCE) {
		if (otlp->has_key_text && otlp->has_value_text)
			trace_builder_resource_attr(otlp->builder, otlp->resource,
						    buf_text(&otlp->key_text), otlp->key_text.len,
						    buf_text(&otlp->value_text),
						    otlp->value_text.len);
		return trace_builder_failed(otlp->builder) ? check(otlp, TRACE_NONE) : JREAD_GO;
	}
	if (otlp->key < 0)
		return JREAD_GO;
	if (otlp->has_value_text)
		otlp->value = trace_builder_value(otlp->builder, buf_text(&otlp->value_text),
						  otlp->value_text.len);
	else if (otlp->value == TRACE_NONE)
		return JREAD_GO; /* a list, a map, bytes, nothing */
	if (otlp->value == TRACE_NONE)
		return check(otlp, TRACE_NONE);
	if (otlp->owner == NODE_EVENT)
		otlp->exception[otlp->key == ATTR_EXCEPTION_MESSAGE] = otlp->value;
	else
		trace_builder_span_attr(otlp->builder, (unsigned int)otlp->key, otlp->value);
	return JREAD_GO;
}

/* Spans. */

static int begin_span(struct otlp_json *otlp)
{
	otlp->span = trace_builder_span(otlp->builder);
	if (otlp->span == NULL)
		return check(otlp, TRACE_NONE);
	otlp->span->resource = otlp->resource;
	buf_reset(&otlp->trace_id);
	otlp->start_ns = otlp->end_ns = 0;
	otlp->has_exception = false;
	return JREAD_GO;
}

static int end_span(struct otlp_json *otlp)
{
	struct span *span = otlp->span;

	if (otlp->trace_id.len == 0)
		return err_set(jread_err(otlp->jread), EBADMSG, "a span without a traceId");
	span->start_us = (int64_t)(otlp->start_ns / 1000);
	span->duration_us = otlp->end_ns > otlp->start_ns
				    ? (int64_t)((otlp->end_ns - otlp->start_ns) / 1000)
				    : 0;
	trace_builder_span_done(otlp->builder, otlp->trace_id.data, otlp->trace_id.len);
	otlp->span = NULL;
	return trace_builder_failed(otlp->builder) ? check(otlp, TRACE_NONE) : JREAD_GO;
}

/* Conventions know these attributes on exception events only, so that the event's name is not
 * needed. */
static void end_event(struct otlp_json *otlp)
{
	static const enum attr keys[] = { ATTR_EXCEPTION_TYPE, ATTR_EXCEPTION_MESSAGE };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (otlp->exception[i] == TRACE_NONE)
			continue;
		trace_builder_span_attr(otlp->builder, keys[i], otlp->exception[i]);
		otlp->has_exception = true;
	}
}

static bool parse_u64(const char *text, size_t len, uint64_t *ret)
{
	uint64_t number = 0;
	int64_t odd;

	for (size_t i = 0; i < len; i++) {
		unsigned int digit = (unsigned int)(unsigned char)text[i] - '0';

		if (digit > 9) {
			/* "1.5e18", perhaps; never a negative one */
			if (!jread_int64(text, len, &odd) || odd < 0)
				return false;
			*ret = (uint64_t)odd;
			return true;
		}
		if (__builtin_mul_overflow(number, 10u, &number) ||
		    __builtin_add_overflow(number, digit, &number))
			return false;
	}
	*ret = number;
	return len > 0;
}

static int take_number(struct otlp_json *otlp, const char *text, size_t len, uint64_t *ret)
{
	if (parse_u64(text, len, ret))
		return JREAD_GO;
	return err_set(jread_err(otlp->jread), EBADMSG, "%s is no unsigned 64-bit number",
		       otlp->next_name);
}

/* An enum as a number or as a name with or without its prefix; 0 where it is neither. */
static uint8_t parse_enum(const char *text, size_t len, const char *prefix,
			  const char *const *names, size_t n)
{
	size_t prefix_len = strlen(prefix);

	if (len == 1 && text[0] >= '0' && (size_t)(text[0] - '0') < n)
		return (uint8_t)(text[0] - '0');
	if (len > prefix_len && strncasecmp(text, prefix, prefix_len) == 0) {
		text += prefix_len;
		len -= prefix_len;
	}
	for (size_t i = 0; i < n; i++) {
		if (strlen(names[i]) == len && strncasecmp(text, names[i], len) == 0)
			return (uint8_t)i;
	}
	return 0;
}

static uint8_t parse_kind(const char *text, size_t len)
{
	static const char *const names[] = {
		[SPAN_UNSPECIFIED] = "UNSPECIFIED", [SPAN_INTERNAL] = "INTERNAL",
		[SPAN_SERVER] = "SERVER",	    [SPAN_CLIENT] = "CLIENT",
		[SPAN_PRODUCER] = "PRODUCER",	    [SPAN_CONSUMER] = "CONSUMER",
	};

	return parse_enum(text, len, "SPAN_KIND_", names, ARRAY_LEN(names));
}

static uint8_t parse_status(const char *text, size_t len)
{
	static const char *const names[] = {
		[SPAN_STATUS_UNSET] = "UNSET",
		[SPAN_STATUS_OK] = "OK",
		[SPAN_STATUS_ERROR] = "ERROR",
	};

	return parse_enum(text, len, "STATUS_CODE_", names, ARRAY_LEN(names));
}

/* A root's parent may come as zeros. */
static bool all_zero(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '0')
			return false;
	}
	return true;
}

static int take_text(struct otlp_json *otlp, uint32_t *slot, uint32_t text)
{
	*slot = text != TRACE_NONE ? text : 0;
	return check(otlp, text);
}

static int take_flags(struct otlp_json *otlp, const char *text, size_t len)
{
	const uint64_t remote = FLAG_HAS_REMOTE | FLAG_IS_REMOTE;
	uint64_t flags = 0;
	int answer = take_number(otlp, text, len, &flags);

	if (answer == JREAD_GO && (flags & remote) == remote)
		otlp->span->flags |= SPAN_REMOTE;
	return answer;
}

/* A member of a span or of its status. */
static int take_span_member(struct otlp_json *otlp, const char *text, size_t len)
{
	struct trace_builder *builder = otlp->builder;
	struct span *span = otlp->span;

	switch ((int)otlp->next) {
	case NODE_TRACE_ID:
		buf_reset(&otlp->trace_id);
		buf_add(&otlp->trace_id, text, len);
		return JREAD_GO;
	case NODE_SPAN_ID:
		return take_text(otlp, &span->id, trace_builder_text(builder, text, len));
	case NODE_PARENT_ID:
		return take_text(otlp, &span->parent_id,
				 all_zero(text, len) ? 0 : trace_builder_text(builder, text, len));
	case NODE_NAME:
		return take_text(otlp, &span->name, trace_builder_value(builder, text, len));
	case NODE_STATUS_MESSAGE:
		return take_text(otlp, &span->message, trace_builder_value(builder, text, len));
	case NODE_KIND:
		span->kind = parse_kind(text, len);
		return JREAD_GO;
	case NODE_STATUS_CODE:
		span->status = parse_status(text, len);
		return JREAD_GO;
	case NODE_START:
		return take_number(otlp, text, len, &otlp->start_ns);
	case NODE_END:
		return take_number(otlp, text, len, &otlp->end_ns);
	default:
		return take_flags(otlp, text, len);
	}
}

/* An answer that is an error message. */

static void take_error_message(struct otlp_json *otlp, const char *text, size_t len)
{
	char *message = otlp->error_message;

	if (len >= sizeof(otlp->error_message)) {
		len = sizeof(otlp->error_message) - 1;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	for (size_t i = 0; i < len; i++)
		message[i] = (unsigned char)text[i] < 0x20 ? ' ' : text[i];
	message[len] = '\0';
}

static int fail_with_message(struct otlp_json *otlp)
{
	struct err *err = jread_err(otlp->jread);

	if (otlp->error_code != 0)
		return err_set(err, EBADMSG, "the answer is an error: \"%s\" (code %lld)",
			       otlp->error_message, (long long)otlp->error_code);
	return err_set(err, EBADMSG, "the answer is an error: \"%s\"", otlp->error_message);
}

/* The machine. */

static int take_scalar(struct otlp_json *otlp, enum jread_event event, const char *text, size_t len)
{
	if (event == JREAD_NULL)
		return JREAD_GO;
	if (otlp->next == NODE_TEXT && event == JREAD_TRUE)
		return take_value(otlp, "true", 4);
	if (otlp->next == NODE_TEXT && event == JREAD_FALSE)
		return take_value(otlp, "false", 5);
	if (event != JREAD_STRING && event != JREAD_NUMBER)
		return wrong_type(otlp, event, "a string or a number");
	if (otlp->next == NODE_TEXT)
		return take_value(otlp, text, len);
	if (otlp->next == NODE_KEY)
		return take_key(otlp, text, len);
	if (otlp->next == NODE_ERROR_MESSAGE) {
		take_error_message(otlp, text, len);
		return JREAD_GO;
	}
	if (otlp->next == NODE_ERROR_CODE) {
		if (!jread_int64(text, len, &otlp->error_code))
			otlp->error_code = 0;
		return JREAD_GO;
	}
	return take_span_member(otlp, text, len);
}

static int enter(struct otlp_json *otlp, enum node node)
{
	assert(otlp->depth < STACK_SIZE);
	otlp->stack[otlp->depth++] = otlp->node;
	otlp->node = node;
	if (node == NODE_RESOURCE_SPANS) {
		otlp->resource = trace_builder_resource(otlp->builder);
		return check(otlp, otlp->resource);
	}
	if (node == NODE_SPAN)
		return begin_span(otlp);
	if (node == NODE_EVENT)
		otlp->exception[0] = otlp->exception[1] = TRACE_NONE;
	else if (node == NODE_ATTRIBUTE)
		begin_attribute(otlp);
	else if (node == NODE_ERROR)
		otlp->error_message[0] = '\0';
	return JREAD_GO;
}

static int leave(struct otlp_json *otlp)
{
	enum node node = otlp->node;

	assert(otlp->depth > 0);
	otlp->node = otlp->stack[--otlp->depth];
	if (node == NODE_ATTRIBUTE)
		return end_attribute(otlp);
	if (node == NODE_SPAN)
		return end_span(otlp);
	if (node == NODE_EVENT)
		end_event(otlp);
	else if (node == NODE_ERROR)
		return fail_with_message(otlp);
	return JREAD_GO;
}

static int take_member_name(struct otlp_json *otlp, const char *text, size_t len)
{
	const struct member *member = members_of[otlp->node];

	for (; member->name != NULL; member++) {
		if (member->len != len || memcmp(member->name, text, len) != 0)
			continue;
		if (member->node == NODE_EVENT_LIST && otlp->has_exception)
			return JREAD_SKIP;
		otlp->next = member->node;
		otlp->next_name = member->name;
		return JREAD_GO;
	}
	return JREAD_SKIP;
}

/* The value of a member. */
static int take_member(struct otlp_json *otlp, enum jread_event event, const char *text, size_t len)
{
	enum node next = otlp->next;

	if (next >= NODE_FIRST_SCALAR)
		return take_scalar(otlp, event, text, len);
	if (event == JREAD_NULL)
		return JREAD_GO;
	if (next >= NODE_FIRST_LIST)
		return event == JREAD_ARRAY ? enter(otlp, next) : wrong_type(otlp, event, "a list");
	if (event == JREAD_OBJECT)
		return enter(otlp, next);
	if (next == NODE_ERROR && event == JREAD_STRING) {
		take_error_message(otlp, text, len);
		return fail_with_message(otlp);
	}
	return wrong_type(otlp, event, "an object");
}

static int on_event(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct otlp_json *otlp = ctx;

	if (event == JREAD_KEY)
		return take_member_name(otlp, text, len);
	if (event == JREAD_OBJECT_END || event == JREAD_ARRAY_END)
		return leave(otlp);
	if (otlp->node == NODE_NONE) {
		otlp->next_name = "the document";
		return event == JREAD_OBJECT ? enter(otlp, NODE_DOCUMENT)
					     : wrong_type(otlp, event, "an object");
	}
	if (otlp->node < NODE_FIRST_LIST)
		return take_member(otlp, event, text, len);
	if (event == JREAD_OBJECT) {
		if (otlp->node == NODE_EVENT_LIST && otlp->has_exception)
			return JREAD_SKIP;
		return enter(otlp, list_items[otlp->node - NODE_FIRST_LIST]);
	}
	otlp->next_name = "an item of a list";
	return event == JREAD_NULL ? JREAD_GO : wrong_type(otlp, event, "an object");
}

/* The encoding. */

static void *start(struct trace_builder *builder)
{
	struct otlp_json *otlp = xcalloc(1, sizeof(*otlp));

	otlp->builder = builder;
	buf_init(&otlp->trace_id, LIMIT_TOKEN_BYTES);
	buf_init(&otlp->key_text, LIMIT_TOKEN_BYTES);
	buf_init(&otlp->value_text, LIMIT_TOKEN_BYTES);
	otlp->jread = jread_new(JREAD_SEQUENCE, on_event, otlp);
	return otlp;
}

static int result(struct otlp_json *otlp, int code, struct err *err)
{
	if (code != 0 && err != NULL)
		*err = *jread_err(otlp->jread);
	return code;
}

static int feed(void *state, const char *data, size_t len, struct err *err)
{
	struct otlp_json *otlp = state;

	return result(otlp, jread_feed(otlp->jread, data, len), err);
}

static int finish(void *state, struct err *err)
{
	struct otlp_json *otlp = state;

	return result(otlp, jread_finish(otlp->jread), err);
}

static void otlp_json_free(void *state)
{
	struct otlp_json *otlp = state;

	if (otlp == NULL)
		return;
	jread_free(otlp->jread);
	buf_fini(&otlp->trace_id);
	buf_fini(&otlp->key_text);
	buf_fini(&otlp->value_text);
	free(otlp);
}

const struct trace_encoding_ops trace_encoding_otlp_json = {
	.name = "otlp-json",
	.text = "OTLP JSON",
	.start = start,
	.feed = feed,
	.finish = finish,
	.free = otlp_json_free,
};
