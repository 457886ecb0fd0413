/*
 * Our own fields in OTLP protobuf, for what we keep of a trace and OTLP cannot carry.
 * trace_encode_otlp() writes them, our decoder reads them, other readers skip them. Their numbers
 * are far from those that opentelemetry-proto assigns.
 */
#ifndef TRACEPAGER_DECODE_OTLP_PROTO_INTERNAL_H
#define TRACEPAGER_DECODE_OTLP_PROTO_INTERNAL_H

#include "tracepager/trace.h"

/* Of the document: 1 if spans are missing. The same number and value as status in Tempo's
 * TraceByIDResponse. */
#define OTLP_FIELD_PARTIAL 3

/* Fields of a span. */
enum otlp_own_field {
	OTLP_OWN_FIRST = 15100,
	OTLP_OWN_FLAGS = OTLP_OWN_FIRST, /* varint: the flags of OTLP_OWN_FLAG_MASK */
	OTLP_OWN_TRACE_ID,		 /* text: an id that is not the hexadecimal form of bytes */
	OTLP_OWN_SPAN_ID,
	OTLP_OWN_PARENT_ID,
	/* varint, two's complement: times that do not fit into nanoseconds since 1970. */
	OTLP_OWN_START_US,
	OTLP_OWN_DURATION_US,
	OTLP_OWN_END,
};

#define OTLP_OWN_FLAG_MASK (SPAN_FOLLOWS | SPAN_SHARED | SPAN_TAG_TRUE | SPAN_TAG_FALSE)

#endif
