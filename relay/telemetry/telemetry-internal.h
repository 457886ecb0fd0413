/*
 * Telemetry, inside: spans and resources as OTLP protobuf. Pure; any thread. Source:
 * opentelemetry-proto (trace.proto, common.proto, resource.proto, trace_service.proto).
 */
#ifndef TRACEPAGER_TELEMETRY_INTERNAL_H
#define TRACEPAGER_TELEMETRY_INTERNAL_H

#include "tracepager/buf.h"
#include "tracepager/stage.h"
#include "tracepager/telemetry.h"

/* ---- telemetry_encode.c ---- */

/* Adds one span as field 2 of ScopeSpans. offset_us: wall time minus monotonic time. scratch: its
 * content is lost. */
void telemetry_encode_span(const struct stage_span *span, int64_t offset_us, struct buf *scratch,
			   struct buf *out);
/* The head of a request, which is the same for all: the Resource (field 1 of ResourceSpans). */
void telemetry_encode_resource(const struct telemetry_env *env, const char *instance,
			       const char *host, struct buf *out);
/* One ExportTraceServiceRequest of these spans. */
void telemetry_encode_request(const struct buf *resource, const char *version,
			      const struct buf *spans, struct buf *out);
/* The spans that an ExportTraceServiceResponse says were not taken; 0: none, or no such message. */
int64_t telemetry_rejected_spans(const char *body, size_t len);

/* ---- telemetry_options.c ---- */

/* The next "KEY=VALUE" of a text, behind any of the separators; false: there is none. Parts are
 * borrowed from the text, without the blanks around them. */
struct telemetry_pair {
	const char *key, *value;
	size_t key_len, value_len;
};
bool telemetry_next_pair(const char **text, const char *separators, struct telemetry_pair *ret);
/* The value with %XX decoded, as W3C's baggage has it. Caller frees. */
char *telemetry_pair_value(const struct telemetry_pair *pair);

#endif
