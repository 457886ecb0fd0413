/*
 * Span error: is a span failing, by itself, and in which words. Reads one span's status, tags and
 * codes, and nothing of its children but whether they are another service's.
 *
 * Order of belief: status, then the backend's error tag, then codes of HTTP and gRPC, which are
 * judged by the side of the call: a 4xx is the client's failure, not the server's (OpenTelemetry
 * semantic conventions, recording errors, HTTP, gRPC).
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "walk-internal.h"

#define GRPC_CANCELLED	       1
#define GRPC_DEADLINE_EXCEEDED 4
#define HTTP_CLIENT_CLOSED     499
#define HTTP_GATEWAY_TIMEOUT   504

static const char *const grpc_names[] = {
	"OK",
	"CANCELLED",
	"UNKNOWN",
	"INVALID_ARGUMENT",
	"DEADLINE_EXCEEDED",
	"NOT_FOUND",
	"ALREADY_EXISTS",
	"PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED",
	"FAILED_PRECONDITION",
	"ABORTED",
	"OUT_OF_RANGE",
	"UNIMPLEMENTED",
	"INTERNAL",
	"UNAVAILABLE",
	"DATA_LOSS",
	"UNAUTHENTICATED",
};
#define GRPC_CODES ((int)(sizeof(grpc_names) / sizeof(grpc_names[0])))

/* What a server reports as its own failure. */
static const unsigned int grpc_server_failures =
	1u << 2 | 1u << 4 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 15;

/* The codes of a span, as texts: found in one pass, the newer spelling first. */
struct span_codes {
	uint32_t http, grpc; /* 0: none */
};

static void codes_read(const struct trace *trace, const struct span *span, struct span_codes *ret)
{
	unsigned int http_key = ATTR_COUNT, grpc_key = ATTR_COUNT;

	*ret = (struct span_codes){ 0 };
	for (unsigned int i = 0; i < span->nattrs; i++) {
		const struct span_attr *attr = &trace->set->attrs[span->attrs + i];
		unsigned int key = attr->key;

		/* attrs.def lists the newer spelling of a meaning before the older ones. */
		if (key == ATTR_HTTP_RESPONSE_STATUS_CODE || key == ATTR_HTTP_STATUS_CODE) {
			if (key < http_key) {
				http_key = key;
				ret->http = attr->value;
			}
		} else if (key >= ATTR_RPC_STATUS_CODE && key <= ATTR_GRPC_STATUS_CODE) {
			if (key < grpc_key) {
				grpc_key = key;
				ret->grpc = attr->value;
			}
		}
	}
}

static int http_parse(const char *text)
{
	int code = 0;

	for (int i = 0; i < 3; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		code = code * 10 + (text[i] - '0');
	}
	return code >= 100 && code < 600 && !isdigit((unsigned char)text[3]) ? code : 0;
}

static int grpc_parse(const char *text)
{
	char *end;
	long code;

	if (isdigit((unsigned char)text[0])) {
		code = strtol(text, &end, 10);
		return *end == '\0' && code < GRPC_CODES ? (int)code : -1;
	}
	for (int i = 0; i < GRPC_CODES; i++) {
		if (strcasecmp(text, grpc_names[i]) == 0)
			return i;
	}
	return strcasecmp(text, "canceled") == 0 ? GRPC_CANCELLED : -1;
}

int span_http_code(const struct trace *trace, const struct span *span)
{
	struct span_codes codes;

	codes_read(trace, span, &codes);
	return codes.http ? http_parse(trace_text(trace, codes.http)) : 0;
}

int span_grpc_code(const struct trace *trace, const struct span *span)
{
	struct span_codes codes;

	codes_read(trace, span, &codes);
	return codes.grpc ? grpc_parse(trace_text(trace, codes.grpc)) : -1;
}

/* The first of n attributes that has a text, or NULL. */
static const char *first_attr(const struct trace *trace, const struct span *span,
			      const unsigned int *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *text = span_attr(trace, span, keys[i]);

		if (text && text[0] != '\0')
			return text;
	}
	return NULL;
}

/* Where no code is told by itself, error.type may spell it. */
void span_told_codes(const struct trace *trace, const struct span *span, int *ret_http,
		     int *ret_grpc)
{
	const char *type;

	*ret_http = span_http_code(trace, span);
	*ret_grpc = span_grpc_code(trace, span);
	if (*ret_http != 0 || *ret_grpc >= 0)
		return;
	type = span_attr(trace, span, ATTR_ERROR_TYPE);
	if (!type)
		return;
	*ret_http = http_parse(type);
	/* A bare number is not one of gRPC's. */
	if (!isdigit((unsigned char)type[0]))
		*ret_grpc = grpc_parse(type);
}

static bool is_sqlstate(const char *text)
{
	return strlen(text) == 5 && strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5;
}

const char *span_sqlstate(const struct trace *trace, const struct span *span)
{
	/* These have numbers of their own, and some of them have five digits too. */
	static const char *const others[] = { "microsoft.sql_server", "mssql", "oracle",
					      "oracle.db", "mongodb" };
	static const unsigned int systems[] = { ATTR_DB_SYSTEM_NAME, ATTR_DB_SYSTEM, ATTR_DB_TYPE };
	static const unsigned int codes[] = { ATTR_DB_RESPONSE_STATUS_CODE, ATTR_ERROR_TYPE };
	const char *system = first_attr(trace, span, systems, ARRAY_LEN(systems));

	for (size_t i = 0; system && i < ARRAY_LEN(others); i++) {
		if (strcasecmp(system, others[i]) == 0)
			return NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		const char *code = span_attr(trace, span, codes[i]);

		/* An error.type is a database's only where a database is named. */
		if (code && is_sqlstate(code) &&
		    (system || codes[i] == ATTR_DB_RESPONSE_STATUS_CODE))
			return code;
	}
	return NULL;
}

const char *span_grpc_name(int code)
{
	return code >= 0 && code < GRPC_CODES ? grpc_names[code] : "";
}

bool span_same_service(const struct trace *trace, const struct span *a, const struct span *b)
{
	const struct resource *ra = span_resource(trace, a), *rb = span_resource(trace, b);

	return ra == rb || (ra->service == rb->service && ra->namespace == rb->namespace);
}

/*
 * Without a kind, structure tells: a call has nothing below it but its callee. A span with children
 * of its own service or of several others is somebody's work, not a call.
 */
static enum span_side unspecified_side(const struct trace *trace, const struct span *span)
{
	const struct span *first, *child;

	if (span->first_child == TRACE_NONE)
		return SIDE_SERVER;
	first = &trace->spans[span->first_child];
	if (span_same_service(trace, span, first))
		return SIDE_SERVER;
	for (uint32_t c = first->next_sibling; c != TRACE_NONE; c = child->next_sibling) {
		child = &trace->spans[c];
		if (!span_same_service(trace, first, child))
			return SIDE_SERVER;
	}
	return SIDE_CLIENT;
}

enum span_side span_side(const struct trace *trace, const struct span *span)
{
	if (span->kind == SPAN_CLIENT || span->kind == SPAN_PRODUCER)
		return SIDE_CLIENT;
	if (span->kind == SPAN_UNSPECIFIED)
		return unspecified_side(trace, span);
	return SIDE_SERVER;
}

static bool codes_failing(const struct trace *trace, const struct span *span)
{
	struct span_codes codes;
	int http, grpc;

	codes_read(trace, span, &codes);
	if (codes.http) {
		http = http_parse(trace_text(trace, codes.http));
		if (http >= 500 || (http >= 400 && span_side(trace, span) == SIDE_CLIENT))
			return true;
	}
	if (codes.grpc) {
		grpc = grpc_parse(trace_text(trace, codes.grpc));
		if (grpc > 0)
			return (grpc_server_failures >> grpc & 1) ||
			       span_side(trace, span) == SIDE_CLIENT;
	}
	return false;
}

bool span_failing(const struct trace *trace, const struct span *span, bool codes_fail)
{
	if (span->status != SPAN_STATUS_UNSET)
		return span->status == SPAN_STATUS_ERROR;
	if (span->flags & SPAN_TAG_TRUE)
		return true;
	if ((span->flags & SPAN_TAG_FALSE) || !codes_fail || span->nattrs == 0)
		return false;
	return codes_failing(trace, span);
}

static const char *error_type(const struct trace *trace, const struct span *span)
{
	static const unsigned int keys[] = { ATTR_ERROR_TYPE, ATTR_EXCEPTION_TYPE,
					     ATTR_ERROR_KIND };
	const char *type = first_attr(trace, span, keys, sizeof(keys) / sizeof(keys[0]));

	return type && strcmp(type, "_OTHER") != 0 ? type : NULL;
}

static const char *error_text(const struct trace *trace, const struct span *span)
{
	static const unsigned int keys[] = { ATTR_OTEL_STATUS_DESCRIPTION, ATTR_EXCEPTION_MESSAGE,
					     ATTR_ERROR_MESSAGE, ATTR_HTTP_STATUS_MESSAGE };
	static const char *const truths[] = { "true", "false", "unset", "1", "0", "yes", "" };
	const char *text, *tag;

	if (span->message != 0)
		return trace_text(trace, span->message);
	text = first_attr(trace, span, keys, sizeof(keys) / sizeof(keys[0]));
	if (text)
		return text;
	/* Zipkin's error tag holds the message. */
	tag = span_attr(trace, span, ATTR_ERROR);
	for (size_t i = 0; tag && i < sizeof(truths) / sizeof(truths[0]); i++) {
		if (strcasecmp(tag, truths[i]) == 0)
			return NULL;
	}
	return tag;
}

/* The first line of a text without control characters, cut on a character's boundary. */
static const char *text_first_line(struct arena *arena, const char *text, size_t max)
{
	size_t len, i;
	bool clean = true;
	char *copy;

	while (isspace((unsigned char)*text))
		text++;
	len = strcspn(text, "\r\n");
	if (len > max) {
		len = max;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	for (i = 0; i < len; i++)
		clean = clean && !iscntrl((unsigned char)text[i]);
	if (clean && text[len] == '\0')
		return text;
	copy = arena_strndup(arena, text, len);
	for (i = 0; i < len; i++) {
		if (iscntrl((unsigned char)copy[i]))
			copy[i] = ' ';
	}
	return copy;
}

const char *shown_text(struct arena *arena, const char *text)
{
	return text_first_line(arena, text, LIMIT_SHOWN_BYTES);
}

static const char *code_words(struct arena *arena, int http, int grpc)
{
	if (grpc > 0)
		return grpc_names[grpc];
	return http >= 400 ? arena_printf(arena, "HTTP %d", http) : NULL;
}

const char *span_error(struct arena *arena, const struct trace *trace, const struct span *span)
{
	const char *type = error_type(trace, span), *text = error_text(trace, span);
	const char *code =
		code_words(arena, span_http_code(trace, span), span_grpc_code(trace, span));

	if (type && http_parse(type) != 0) {
		code = arena_printf(arena, "HTTP %.3s", type);
		type = NULL;
	}
	if (!type)
		type = code;
	if (type)
		type = text_first_line(arena, type, LIMIT_ERROR_WORDS_BYTES);
	if (text)
		text = text_first_line(arena, text, LIMIT_ERROR_WORDS_BYTES);
	if (!text || text[0] == '\0')
		return type && type[0] != '\0' ? type : NULL;
	if (!type || type[0] == '\0' || strstr(text, type))
		return text;
	return text_first_line(arena, arena_printf(arena, "%s: %s", type, text),
			       LIMIT_ERROR_WORDS_BYTES);
}

static bool has_word(const char *text, const char *const *words)
{
	for (; text && *words; words++) {
		if (strcasestr(text, *words))
			return true;
	}
	return false;
}

bool span_timed_out(const struct trace *trace, const struct span *span)
{
	static const char *const words[] = { "timeout", "timed out", "timedout", "deadline", NULL };

	if (span_grpc_code(trace, span) == GRPC_DEADLINE_EXCEEDED ||
	    span_http_code(trace, span) == HTTP_GATEWAY_TIMEOUT)
		return true;
	return has_word(error_type(trace, span), words) || has_word(error_text(trace, span), words);
}

bool span_cancelled(const struct trace *trace, const struct span *span)
{
	/* Of a text, only what a runtime says: an order may be cancelled too. */
	static const char *const types[] = { "cancel", NULL };
	static const char *const texts[] = { "context cancel", "code = cancel", "request cancel",
					     "call cancel", NULL };
	const char *text;

	if (span_grpc_code(trace, span) == GRPC_CANCELLED ||
	    span_http_code(trace, span) == HTTP_CLIENT_CLOSED)
		return true;
	if (has_word(error_type(trace, span), types))
		return true;
	text = error_text(trace, span);
	return text && (has_word(text, texts) || grpc_parse(text) == GRPC_CANCELLED);
}

bool span_says_why(const struct trace *trace, const struct span *span)
{
	const char *type = error_type(trace, span), *text = error_text(trace, span);

	if (type && http_parse(type) == 0 && grpc_parse(type) < 0)
		return true;
	return text && text[0] != '\0' && http_parse(text) == 0 && grpc_parse(text) < 0;
}
