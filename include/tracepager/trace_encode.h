/*
 * Trace encode: what is kept of a trace, as OTLP protobuf, for the store and for files.
 */
#ifndef TRACEPAGER_TRACE_ENCODE_H
#define TRACEPAGER_TRACE_ENCODE_H

#include "tracepager/buf.h"
#include "tracepager/trace.h"

/*
 * Adds the trace to out as one TracesData message; any reader of OTLP can read it. The decoder of
 * TRACE_ENCODING_OTLP_PROTO, given the same extra names, makes the same trace of it: spans in their
 * order, ids and parents as texts, times, kinds, status, message, kept attributes, error tags,
 * resources, and whether the source said that it is partial. What OTLP has no place for (ids that
 * are not bytes, references that follow, halves of shared ids, times before 1970) is in fields of
 * our own, which others skip. Spans side by side that have one resource share it; the order of
 * spans is not given up for more. A service that its source names beside the attributes becomes the
 * first of them. All attribute values are strings, as they are kept.
 *
 * What does not fit out's cap is told by out->failed; out is of no use then.
 */
void trace_encode_otlp(const struct trace *trace, struct buf *out);

#endif
