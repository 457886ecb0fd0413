/*
 * Fields of OTLP protobuf that are ours: what the kept form of a trace has and OTLP has no place
 * for. trace_encode_otlp() writes them, the decoder reads them, other readers skip them. Their
 * numbers are far from those that opentelemetry-proto gives out.
 */
#ifndef TRACEPAGER_FETCH_OTLP_PROTO_INTERNAL_H
#define TRACEPAGER_FETCH_OTLP_PROTO_INTERNAL_H

#include "tracepager/trace.h"

/* Of the document: 1 when spans are missing. Tempo's TraceByIDResponse.status, taken over. */
#define OTLP_FIELD_PARTIAL 3

/* Of a span. */
enum otlp_own_field {
	OTLP_OWN_FIRST = 15100,
	OTLP_OWN_FLAGS = OTLP_OWN_FIRST, /* varint: those of OTLP_OWN_FLAG_MASK */
	OTLP_OWN_TRACE_ID,		 /* text: an id that is not the hexadecimal form of bytes */
	OTLP_OWN_SPAN_ID,
	OTLP_OWN_PARENT_ID,
	OTLP_OWN_START_US, /* varint, two's complement: times that nanoseconds cannot tell */
	OTLP_OWN_DURATION_US,
	OTLP_OWN_END,
};

#define OTLP_OWN_FLAG_MASK (SPAN_FOLLOWS | SPAN_SHARED | SPAN_TAG_TRUE | SPAN_TAG_FALSE)

#endif
