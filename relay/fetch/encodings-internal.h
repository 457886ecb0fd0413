/*
 * The trace encodings, one file each (Tempo's protobuf is in otlp_proto.c); trace_decoder.c puts
 * them into the table.
 */
#ifndef TRACEPAGER_FETCH_ENCODINGS_INTERNAL_H
#define TRACEPAGER_FETCH_ENCODINGS_INTERNAL_H

#include "tracepager/trace_decoder.h"

extern const struct trace_encoding_ops trace_encoding_jaeger_json;
extern const struct trace_encoding_ops trace_encoding_otlp_json;
extern const struct trace_encoding_ops trace_encoding_otlp_proto;
extern const struct trace_encoding_ops trace_encoding_tempo_proto;

/* Begins as a trace in protobuf does, and with bytes that JSON never has: line feeds end no lines
 * then. */
bool trace_is_protobuf(const char *data, size_t len);

#endif
