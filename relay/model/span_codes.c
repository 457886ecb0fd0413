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
	/* Every message of an error is asked: only names that begin as it does are compared. */
	for (int i = 0; i < GRPC_CODES; i++) {
		if (toupper((unsigned char)text[0]) == grpc_names[i][0] &&
		    strcasecmp(text, grpc_names[i]) == 0)
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
