/*
 * OTLP JSON: {"resourceSpans":[...]}, the {"result":{"resourceSpans":[...]}} of Jaeger's API v3,
 * the sequences of these that old gateways stream, and Tempo's {"batches":[...]} and
 * {"trace":{"resourceSpans":[...]},"status":"PARTIAL"}. Sources: opentelemetry-proto (JSON
 * encoding, trace.proto), Jaeger's api_v3, Tempo's tempo.proto as jsonpb writes it.
 *
 * Read liberally: members in any order, camelCase or snake_case, enums as numbers or names, 64-bit
 * integers as numbers or strings, ids in hexadecimal digits, in base64 or as any text. Refused are
 * documents of the wrong structure and documents that are an error message. Owns its reader; the
 * builder is borrowed.
 *
 * The document is a fixed tree of nodes: a table says which members of a node lead to which node;
 * all others are skipped unread. So the whole state is a stack of nodes.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "encodings-internal.h"
#include "otlp-internal.h"
#include "tracepager/jread.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

enum node {
	NODE_NONE,
	/* Objects. */
	NODE_DOCUMENT,
	NODE_RESULT, /* also Tempo's trace */
	NODE_ERROR,
	NODE_RESOURCE_SPANS,
	NODE_RESOURCE,
	NODE_SCOPE_SPANS,
	NODE_SPAN,
	NODE_STATUS,
	NODE_EVENT,
	NODE_LINK,
	NODE_ATTRIBUTE,
	NODE_VALUE,
	/* Lists; list_items has their elements. */
	NODE_FIRST_LIST,
	NODE_RESOURCE_SPANS_LIST = NODE_FIRST_LIST,
	NODE_SCOPE_SPANS_LIST,
	NODE_SPAN_LIST,
	NODE_EVENT_LIST,
	NODE_LINK_LIST,
	NODE_ATTRIBUTE_LIST,
	/* Single values. */
	NODE_FIRST_SCALAR,
	NODE_ERROR_MESSAGE = NODE_FIRST_SCALAR,
	NODE_ERROR_CODE,
	NODE_PARTIAL,
	NODE_TRACE_ID,
	NODE_SPAN_ID,
	NODE_PARENT_ID,
	NODE_NAME,
	NODE_KIND,
	NODE_START,
	NODE_END,
	NODE_EVENT_TIME,
	NODE_LINK_TRACE_ID,
	NODE_LINK_SPAN_ID,
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
	[NODE_LINK_LIST - NODE_FIRST_LIST] = NODE_LINK,
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
		NULL, UINT_MAX, NODE_NONE                                                          \
	}

/* clang-format off */
static const struct member document_members[] = {
	MEMBER("resourceSpans", NODE_RESOURCE_SPANS_LIST),
	MEMBER("resource_spans", NODE_RESOURCE_SPANS_LIST),
	MEMBER("batches", NODE_RESOURCE_SPANS_LIST),
	MEMBER("result", NODE_RESULT),
	MEMBER("trace", NODE_RESULT),
	MEMBER("status", NODE_PARTIAL),
	MEMBER("error", NODE_ERROR),
	NO_MEMBER,
};
static const struct member result_members[] = {
	MEMBER("resourceSpans", NODE_RESOURCE_SPANS_LIST),
	MEMBER("resource_spans", NODE_RESOURCE_SPANS_LIST),
	MEMBER("batches", NODE_RESOURCE_SPANS_LIST),
	NO_MEMBER,
};
static const struct member error_members[] = {
	MEMBER("message", NODE_ERROR_MESSAGE),
	MEMBER("reason", NODE_ERROR_MESSAGE), /* of Elasticsearch */
	MEMBER("httpCode", NODE_ERROR_CODE),
	MEMBER("code", NODE_ERROR_CODE),
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
static const struct member resource_members[] = {
	MEMBER("attributes", NODE_ATTRIBUTE_LIST),
	NO_MEMBER,
};
static const struct member event_members[] = {
	MEMBER("attributes", NODE_ATTRIBUTE_LIST),
	MEMBER("timeUnixNano", NODE_EVENT_TIME),
	MEMBER("time_unix_nano", NODE_EVENT_TIME),
	NO_MEMBER,
};
static const struct member link_members[] = {
	MEMBER("traceId", NODE_LINK_TRACE_ID),
	MEMBER("spanId", NODE_LINK_SPAN_ID),
	MEMBER("trace_id", NODE_LINK_TRACE_ID),
	MEMBER("span_id", NODE_LINK_SPAN_ID),
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
	MEMBER("links", NODE_LINK_LIST),
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
	[NODE_RESOURCE] = resource_members,   [NODE_SCOPE_SPANS] = scope_spans_members,
	[NODE_SPAN] = span_members,	      [NODE_STATUS] = status_members,
	[NODE_EVENT] = event_members,	      [NODE_LINK] = link_members,
	[NODE_ATTRIBUTE] = attribute_members, [NODE_VALUE] = value_members,
};

/* The longest table of members, with its end. */
#define MOST_MEMBERS 18
_Static_assert(ARRAY_LEN(span_members) <= MOST_MEMBERS, "json->after has a place for each member");

/* The longest path: document, result, and down to attribute and value of an event. */
#define STACK_SIZE 16

struct otlp_json {
	struct otlp otlp;
	struct jread *jread;

	/* The open node, those around it, and the current member. */
	enum node stack[STACK_SIZE];
	unsigned int depth;
	enum node node, next;
	const char *next_name;
	/* Writers keep to one order of members: for each kind of object, the member that was read
	 * last, and for each member the one that followed it last, which is tried first. */
	uint8_t last[NODE_FIRST_LIST], after[NODE_FIRST_LIST][MOST_MEMBERS];

	char error_message[LIMIT_ERROR_MESSAGE_BYTES];
	int64_t error_code;
};

static int wrong_type(struct otlp_json *json, enum jread_event event, const char *wanted)
{
	return err_set(jread_err(json->jread), EBADMSG, "%s is %s, not %s", json->next_name,
		       jread_event_name(event), wanted);
}

static enum otlp_owner owner_of_attribute(enum node node)
{
	if (node == NODE_RESOURCE)
		return OTLP_RESOURCE;
	return node == NODE_EVENT ? OTLP_EVENT : OTLP_SPAN;
}

static bool parse_u64(const char *text, size_t len, uint64_t *ret)
{
	uint64_t number = 0;
	int64_t odd;

	if (len > 0 && text[0] != '-' && jread_int64(text, len, &odd)) {
		*ret = (uint64_t)odd;
		return true;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned int digit = (unsigned int)(unsigned char)text[i] - '0';

		if (digit > 9) {
			/* "1.5e18", perhaps; never a negative number */
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

static int otlp_json_take_number(struct otlp_json *json, const char *text, size_t len,
				 uint64_t *ret)
{
	if (parse_u64(text, len, ret))
		return JREAD_GO;
	return err_set(jread_err(json->jread), EBADMSG, "%s is not an unsigned 64-bit number",
		       json->next_name);
}

/* An enum as a number, or as a name with or without its prefix; 0 if it is neither. */
static uint8_t parse_enum(const char *text, size_t len, const char *prefix,
			  const char *const *names, size_t n)
{
	size_t prefix_len = strlen(prefix);
	int64_t number;

	if (len == 1 && text[0] >= '0' && (size_t)(text[0] - '0') < n)
		return (uint8_t)(text[0] - '0');
	if (jread_int64(text, len, &number)) /* 2.0 */
		return number >= 0 && (size_t)number < n ? (uint8_t)number : 0;
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

/* A member of a span or of its status. */
static int take_span_member(struct otlp_json *json, const char *text, size_t len)
{
	struct otlp *otlp = &json->otlp;
	struct span *span = otlp->span;
	uint64_t flags = 0;
	int answer;

	switch ((int)json->next) {
	case NODE_TRACE_ID:
		return otlp_take_id(otlp, OTLP_TRACE_ID, text, len);
	case NODE_SPAN_ID:
		return otlp_take_id(otlp, OTLP_SPAN_ID, text, len);
	case NODE_PARENT_ID:
		return otlp_take_id(otlp, OTLP_PARENT_ID, text, len);
	case NODE_LINK_TRACE_ID:
		return otlp_take_id(otlp, OTLP_LINK_TRACE_ID, text, len);
	case NODE_LINK_SPAN_ID:
		return otlp_take_id(otlp, OTLP_LINK_SPAN_ID, text, len);
	case NODE_NAME:
		return otlp_take_text(otlp, &span->name, text, len);
	case NODE_STATUS_MESSAGE:
		return otlp_take_text(otlp, &span->message, text, len);
	case NODE_KIND:
		span->kind = parse_kind(text, len);
		return JREAD_GO;
	case NODE_STATUS_CODE:
		span->status = parse_status(text, len);
		return JREAD_GO;
	case NODE_START:
		return otlp_json_take_number(json, text, len, &otlp->start_ns);
	case NODE_END:
		return otlp_json_take_number(json, text, len, &otlp->end_ns);
	case NODE_EVENT_TIME:
		return otlp_json_take_number(json, text, len, &otlp->event_ns);
	default:
		answer = otlp_json_take_number(json, text, len, &flags);
		otlp_take_flags(otlp, flags);
		return answer;
	}
}

/* An answer that is an error message. */

static int fail_with_message(struct otlp_json *json)
{
	return trace_error_fail(jread_err(json->jread), json->error_message, json->error_code);
}

/* The machine. */

/* Tempo's status of the whole answer. Other documents may have a status of their own, which is
 * ignored. */
static int take_partial(struct otlp_json *json, enum jread_event event, const char *text,
			size_t len)
{
	if (event == JREAD_OBJECT || event == JREAD_ARRAY)
		return JREAD_SKIP;
	if ((event == JREAD_STRING && jread_is(text, len, "PARTIAL")) ||
	    (event == JREAD_NUMBER && jread_is(text, trace_number_len(text, len), "1")))
		trace_builder_partial(json->otlp.builder);
	return JREAD_GO;
}

static int otlp_json_take_scalar(struct otlp_json *json, enum jread_event event, const char *text,
				 size_t len)
{
	struct otlp *otlp = &json->otlp;

	if (event == JREAD_NULL)
		return JREAD_GO;
	if (json->next == NODE_PARTIAL)
		return take_partial(json, event, text, len);
	if (json->next == NODE_TEXT && event == JREAD_TRUE)
		return otlp_take_value(otlp, "true", 4);
	if (json->next == NODE_TEXT && event == JREAD_FALSE)
		return otlp_take_value(otlp, "false", 5);
	if (event != JREAD_STRING && event != JREAD_NUMBER)
		return wrong_type(json, event, "a string or a number");
	if (json->next == NODE_TEXT)
		return otlp_take_value(otlp, text,
				       event == JREAD_NUMBER ? trace_number_len(text, len) : len);
	if (json->next == NODE_KEY)
		return otlp_take_key(otlp, text, len) ? JREAD_GO : JREAD_SKIP_REST;
	if (json->next == NODE_ERROR_MESSAGE) {
		trace_error_text(text, len, json->error_message);
		return JREAD_GO;
	}
	if (json->next == NODE_ERROR_CODE) {
		if (!jread_int64(text, len, &json->error_code))
			json->error_code = 0;
		return JREAD_GO;
	}
	return take_span_member(json, text, len);
}

/* The patterns by which most writers write, see jread_pairs_set(). */
enum otlp_json_pattern {
	PATTERN_SPAN,
	PATTERN_ATTRIBUTE, /* of a span */
};

static int otlp_json_enter(struct otlp_json *json, enum node node)
{
	int answer;

	assert(json->depth < STACK_SIZE);
	json->stack[json->depth++] = json->node;
	json->node = node;
	if (node == NODE_RESOURCE_SPANS)
		return otlp_begin_resource(&json->otlp);
	if (node == NODE_SPAN) {
		answer = otlp_begin_span(&json->otlp);
		return answer == 0 ? JREAD_PAIRS + PATTERN_SPAN : answer;
	}
	if (node == NODE_ATTRIBUTE_LIST && json->stack[json->depth - 1] == NODE_SPAN)
		return JREAD_PAIRS + PATTERN_ATTRIBUTE;
	if (node == NODE_EVENT)
		otlp_begin_event(&json->otlp);
	else if (node == NODE_LINK)
		otlp_begin_link(&json->otlp);
	else if (node == NODE_ATTRIBUTE) /* the node above the list owns the attribute */
		otlp_begin_attribute(&json->otlp, owner_of_attribute(json->stack[json->depth - 2]));
	else if (node == NODE_ERROR)
		json->error_message[0] = '\0';
	return JREAD_GO;
}

static int otlp_json_leave(struct otlp_json *json)
{
	enum node node = json->node;

	assert(json->depth > 0);
	json->node = json->stack[--json->depth];
	if (node == NODE_ATTRIBUTE)
		return otlp_end_attribute(&json->otlp);
	if (node == NODE_SPAN)
		return otlp_end_span(&json->otlp);
	if (node == NODE_EVENT)
		otlp_end_event(&json->otlp);
	else if (node == NODE_LINK)
		otlp_end_link(&json->otlp);
	else if (node == NODE_ERROR)
		return fail_with_message(json);
	return JREAD_GO;
}

static inline bool is_member(const struct member *member, const char *text, size_t len)
{
	return member->len == len && jread_same(member->name, text, len);
}

static int take_member_name(struct otlp_json *json, const char *text, size_t len)
{
	const struct member *members = members_of[json->node];
	uint8_t *after = &json->after[json->node][json->last[json->node]];
	const struct member *member = &members[*after];

	if (!is_member(member, text, len)) {
		for (member = members; member->name && !is_member(member, text, len);)
			member++;
		if (!member->name)
			return JREAD_SKIP;
	}
	*after = json->last[json->node] = (uint8_t)(member - members);
	json->next = member->node;
	json->next_name = member->name;
	return JREAD_GO;
}

static int otlp_json_take_member(struct otlp_json *json, enum jread_event event, const char *text,
				 size_t len)
{
	enum node next = json->next;

	if (next >= NODE_FIRST_SCALAR)
		return otlp_json_take_scalar(json, event, text, len);
	if (event == JREAD_NULL)
		return JREAD_GO;
	if (next >= NODE_FIRST_LIST)
		return event == JREAD_ARRAY ? otlp_json_enter(json, next)
					    : wrong_type(json, event, "a list");
	if (event == JREAD_OBJECT)
		return otlp_json_enter(json, next);
	if (next == NODE_ERROR && event == JREAD_STRING) {
		trace_error_text(text, len, json->error_message);
		return fail_with_message(json);
	}
	return wrong_type(json, event, "an object");
}

static int otlp_json_on_event(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct otlp_json *json = ctx;

	if (event == JREAD_KEY)
		return take_member_name(json, text, len);
	if (event == JREAD_OBJECT_END || event == JREAD_ARRAY_END)
		return otlp_json_leave(json);
	if (json->node == NODE_NONE) {
		json->next_name = "the document";
		return event == JREAD_OBJECT ? otlp_json_enter(json, NODE_DOCUMENT)
					     : wrong_type(json, event, "an object");
	}
	if (json->node < NODE_FIRST_LIST)
		return otlp_json_take_member(json, event, text, len);
	if (event == JREAD_OBJECT)
		return otlp_json_enter(json, list_items[json->node - NODE_FIRST_LIST]);
	json->next_name = "an item of a list";
	return event == JREAD_NULL ? JREAD_GO : wrong_type(json, event, "an object");
}

/* ---- pairs, as most writers write them ---- */

static const struct member *find_member(const struct member *members, const struct jread_word *word)
{
	while (members->name && !is_member(members, word->text, word->len))
		members++;
	return members;
}

static int otlp_json_span_head(void *ctx, const struct jread_word words[JREAD_WORDS])
{
	const struct member *member = find_member(span_members, &words[0]);

	(void)ctx;
	if (!member->name)
		return JREAD_PAIR_UNWANTED;
	if (member->node >= NODE_FIRST_SCALAR)
		return (int)(member - span_members);
	return member->node >= NODE_FIRST_LIST ? JREAD_PAIR_LIST : JREAD_PAIR_OBJECT;
}

static bool otlp_json_take_span_pair(void *ctx, const struct jread_pair *pair)
{
	struct otlp_json *json = ctx;

	json->next = span_members[pair->key].node;
	json->next_name = span_members[pair->key].name;
	if (pair->event != JREAD_STRING && pair->event != JREAD_NUMBER)
		return false;
	return take_span_member(json, pair->text, pair->len) == JREAD_GO;
}

static int otlp_json_attribute_head(void *ctx, const struct jread_word words[JREAD_WORDS])
{
	struct otlp_json *json = ctx;
	int key = trace_builder_attr(json->otlp.builder, words[0].text, words[0].len);

	if (!find_member(value_members, &words[1])->name)
		return JREAD_PAIR_OTHER;
	return key >= 0 ? key : JREAD_PAIR_UNWANTED;
}

static bool otlp_json_take_attribute_pair(void *ctx, const struct jread_pair *pair)
{
	struct otlp_json *json = ctx;
	uint32_t value;

	if (pair->event == JREAD_NULL)
		return true;
	value = trace_builder_value(json->otlp.builder, pair->text, pair->len);
	if (value == TRACE_NONE)
		return false;
	trace_builder_span_attr(json->otlp.builder, (unsigned int)pair->key, value);
	return true;
}

static const struct jread_form otlp_json_span_forms[] = {
	{ "\"*\":", "", otlp_json_span_head, otlp_json_take_span_pair, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};
static const struct jread_form otlp_json_attribute_forms[] = {
	{ "{\"key\":\"*\",\"value\":{\"*\":", "}}", otlp_json_attribute_head,
	  otlp_json_take_attribute_pair, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};
static const struct jread_pattern otlp_json_patterns[] = {
	[PATTERN_SPAN] = { otlp_json_span_forms },
	[PATTERN_ATTRIBUTE] = { otlp_json_attribute_forms },
};

/* The encoding. */

static void *otlp_json_start(const void *variant, struct trace_builder *builder)
{
	struct otlp_json *json = xcalloc(1, sizeof(*json));

	(void)variant;
	json->jread = trace_jread_new(JREAD_SEQUENCE, otlp_json_on_event, json);
	jread_pairs_set(json->jread, otlp_json_patterns);
	otlp_init(&json->otlp, builder, jread_err(json->jread));
	return json;
}

static int otlp_json_feed(void *state, const char *data, size_t len, struct err *err)
{
	struct otlp_json *json = state;

	return trace_jread_feed(json->jread, data, len, err);
}

static int otlp_json_finish(void *state, struct err *err)
{
	struct otlp_json *json = state;

	return trace_jread_finish(json->jread, err);
}

static void otlp_json_free(void *state)
{
	struct otlp_json *json = state;

	if (!json)
		return;
	jread_free(json->jread);
	otlp_fini(&json->otlp);
	free(json);
}

const struct trace_encoding_ops trace_encoding_OTLP_JSON = {
	.name = "otlp-json",
	.text = "OTLP JSON",
	.start = otlp_json_start,
	.feed = otlp_json_feed,
	.finish = otlp_json_finish,
	.free = otlp_json_free,
};
