/*
 * The trace encodings, one file each; trace_decoder.c puts them into the table.
 */
#ifndef TRACEPAGER_FETCH_ENCODINGS_INTERNAL_H
#define TRACEPAGER_FETCH_ENCODINGS_INTERNAL_H

#include "tracepager/trace_decoder.h"

extern const struct trace_encoding_ops trace_encoding_jaeger_json;
extern const struct trace_encoding_ops trace_encoding_otlp_json;

#endif
