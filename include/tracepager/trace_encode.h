/*
 * Trace encode: writes what is kept of a trace as OTLP protobuf, for the store and for files, and
 * that as OTLP JSON, for programs. Pure: any thread may call.
 */
#ifndef TRACEPAGER_TRACE_ENCODE_H
#define TRACEPAGER_TRACE_ENCODE_H

#include "tracepager/buf.h"
#include "tracepager/err.h"
#include "tracepager/trace.h"

/*
 * Appends the trace to out as one TracesData message, which any reader of OTLP can read. The
 * decoder of TRACE_ENCODING_OTLP_PROTO, given the same extra names, makes the same trace of the
 * message: spans in their order, ids and parents as texts, times, kinds, status, message, kept
 * attributes, error tags, resources, and whether the source said that the trace is partial. What
 * OTLP cannot carry (ids that are not bytes, follows-from references, halves of shared span ids,
 * times before 1970) goes into fields of our own, which other readers skip. Neighbouring spans of
 * one resource share a ResourceSpans; the order of the spans is kept even where that repeats a
 * resource. A service name that its source gives beside the attributes becomes the resource's first
 * attribute. All attribute values are written as strings.
 *
 * If the message exceeds out's cap, out->failed is set and out must not be used.
 */
void trace_encode_otlp(const struct trace *trace, struct buf *out);

/* Adds to out what such messages say, one or several behind one another, as one TracesData in OTLP
 * JSON. 0; -EBADMSG with err: damaged. out->failed: it did not fit. */
int trace_otlp_json(const char *data, size_t len, struct buf *out, struct err *err);

#endif
