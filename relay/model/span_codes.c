/*
 * Span codes: the codes with which HTTP, gRPC and databases answered, as the attributes of one span
 * tell them, and whose failure a code is (OpenTelemetry semantic conventions for HTTP, gRPC and
 * databases; tracepager-walk(7), section 2).
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tracepager/xalloc.h"
#include "span-internal.h"

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

/* Codes by which a gRPC server reports a failure of its own: UNKNOWN, DEADLINE_EXCEEDED,
 * UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
static const unsigned int grpc_server_failures =
	1u << 2 | 1u << 4 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 15;

/* The codes of a span, as texts. */
struct span_codes {
	uint32_t http, grpc; /* 0: none */
};

/* The first of n attributes that has a text, or NULL. */
const char *span_first_attr(const struct trace *trace, const struct span *span,
			    const unsigned int *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *text = span_attr(trace, span, keys[i]);

		if (text && text[0] != '\0')
			return text;
	}
	return NULL;
}

/* Both codes in one pass over the attributes. Of several spellings the newest counts. */
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

int http_code_parse(const char *text)
{
	int code = 0;

	for (int i = 0; i < 3; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		code = code * 10 + (text[i] - '0');
	}
	return code >= 100 && code < 600 && !isdigit((unsigned char)text[3]) ? code : 0;
}

int grpc_code_parse(const char *text)
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
	return codes.http ? http_code_parse(trace_text(trace, codes.http)) : 0;
}

int span_grpc_code(const struct trace *trace, const struct span *span)
{
	struct span_codes codes;

	codes_read(trace, span, &codes);
	return codes.grpc ? grpc_code_parse(trace_text(trace, codes.grpc)) : -1;
}

/* As span_http_code() and span_grpc_code(); a span without either may spell its code in error.type.
 */
static void told_codes(const struct trace *trace, const struct span *span, int *ret_http,
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
	*ret_http = http_code_parse(type);
	/* A bare number is not one of gRPC's. */
	if (!isdigit((unsigned char)type[0]))
		*ret_grpc = grpc_code_parse(type);
}

static bool is_sqlstate(const char *text)
{
	return strlen(text) == 5 && strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5;
}

static const char *sqlstate_of(const struct trace *trace, const struct span *span)
{
	/* Databases whose own error numbers, some of five digits, are no SQLSTATE. */
	static const char *const others[] = { "microsoft.sql_server", "mssql", "oracle",
					      "oracle.db", "mongodb" };
	static const unsigned int systems[] = { ATTR_DB_SYSTEM_NAME, ATTR_DB_SYSTEM, ATTR_DB_TYPE };
	static const unsigned int codes[] = { ATTR_DB_RESPONSE_STATUS_CODE, ATTR_ERROR_TYPE };
	const char *system = span_first_attr(trace, span, systems, ARRAY_LEN(systems));

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

const char *grpc_code_name(int code)
{
	return code >= 0 && code < GRPC_CODES ? grpc_names[code] : "";
}

bool span_codes_failing(const struct trace *trace, const struct span *span)
{
	struct span_codes codes;
	int http, grpc;

	codes_read(trace, span, &codes);
	if (codes.http) {
		http = http_code_parse(trace_text(trace, codes.http));
		if (http >= 500 || (http >= 400 && span_side(trace, span) == SIDE_CLIENT))
			return true;
	}
	if (codes.grpc) {
		grpc = grpc_code_parse(trace_text(trace, codes.grpc));
		if (grpc > 0)
			return (grpc_server_failures >> grpc & 1) ||
			       span_side(trace, span) == SIDE_CLIENT;
	}
	return false;
}

/* SQLSTATE classes 22 (invalid data), 23 (a constraint) and 42 (a wrong statement) are the caller's
 * failure; all others, of connections or resources, are the database's own. */
static bool is_refused_by_database(const char *sqlstate)
{
	return sqlstate && (strncmp(sqlstate, "22", 2) == 0 || strncmp(sqlstate, "23", 2) == 0 ||
			    strncmp(sqlstate, "42", 2) == 0);
}

const char *span_refusal(struct arena *arena, const struct trace *trace, uint32_t client,
			 uint32_t callee, bool *ret_callee_may)
{
	static const unsigned int grpc_refusals = 1u << 3 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 8 |
						  1u << 9 | 1u << 10 | 1u << 11 | 1u << 16;
	const char *sqlstate = sqlstate_of(trace, &trace->spans[client]);
	int http = 0, grpc = -1;

	*ret_callee_may = false;
	/* The server's own code counts first: a proxy may have given the client another one. */
	if (callee != TRACE_NONE)
		told_codes(trace, &trace->spans[callee], &http, &grpc);
	if (http == 0 && grpc < 0)
		told_codes(trace, &trace->spans[client], &http, &grpc);
	if (http >= 400 && http < 499) {
		*ret_callee_may =
			http == 401 || http == 403 || http == 404 || http == 408 || http == 429;
		return arena_printf(arena, "HTTP %d", http);
	}
	if (grpc > 0 && (grpc_refusals >> grpc & 1)) {
		*ret_callee_may = grpc == 16 || grpc == 7 || grpc == 5 || grpc == 8;
		return grpc_code_name(grpc);
	}
	if (is_refused_by_database(sqlstate))
		return arena_printf(arena, "SQLSTATE %s", sqlstate);
	return NULL;
}
