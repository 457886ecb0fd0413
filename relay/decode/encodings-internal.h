/*
 * The trace encodings, one file each (Tempo's protobuf is in otlp_proto.c); trace_decoder.c puts
 * them into the table.
 */
#ifndef TRACEPAGER_FETCH_ENCODINGS_INTERNAL_H
#define TRACEPAGER_FETCH_ENCODINGS_INTERNAL_H

#include "tracepager/trace_decoder.h"

extern const struct trace_encoding_ops trace_encoding_datadog_json;
extern const struct trace_encoding_ops trace_encoding_elastic_json;
extern const struct trace_encoding_ops trace_encoding_gcp_json;
extern const struct trace_encoding_ops trace_encoding_jaeger_json;
extern const struct trace_encoding_ops trace_encoding_otlp_json;
extern const struct trace_encoding_ops trace_encoding_otlp_proto;
extern const struct trace_encoding_ops trace_encoding_tempo_proto;
extern const struct trace_encoding_ops trace_encoding_zipkin_v2;
extern const struct trace_encoding_ops trace_encoding_zipkin_v1;

/* Microseconds, as a number of JSON; some writers have fractions. Saturates; 0 where it is no
 * number. */
int64_t trace_time_us(const char *text, size_t len);

/* Old writers have zeros, or nothing, where there is no parent. */
bool trace_id_is_zero(const char *text, size_t len);
extern const struct trace_encoding_ops trace_encoding_xray_json;

/* Begins as a trace in protobuf does, and with bytes that JSON never has: line feeds end no lines
 * then. */
bool trace_is_protobuf(const char *data, size_t len);

#endif
