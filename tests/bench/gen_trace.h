/*
 * Traces for measuring: of any size, always the same for the same size, shaped as instrumented
 * shops send them: about 1 KB of JSON and ten attributes per span, one log on each failing span,
 * twenty services.
 */
#ifndef TRACEPAGER_TESTS_GEN_TRACE_H
#define TRACEPAGER_TESTS_GEN_TRACE_H

#include <stddef.h>

/* One trace of nspans spans, as a document. Caller frees. */
char *gen_jaeger_json(unsigned int nspans, size_t *ret_len);
char *gen_otlp_json(unsigned int nspans, size_t *ret_len);
char *gen_otlp_proto(unsigned int nspans, size_t *ret_len);
char *gen_zipkin_v2(unsigned int nspans, size_t *ret_len);
char *gen_zipkin_v1(unsigned int nspans, size_t *ret_len);

#endif
