/*
 * Span, inside: what one span says of itself, and what two spans are to each other. The walk, the
 * evidence and the vote read spans through these functions only.
 *
 * span_call.c	the sides of a call, clocks, who waits for whom, who answered
 * span_codes.c	codes of HTTP, gRPC and databases, and whose failure a code is
 * span_error.c	is a span failing, in which words; texts made fit for a sentence
 *
 * Each file uses those above it. All functions are pure and may run on any thread. Results are
 * borrowed from the trace's set or static, or kept by the arena where one is passed.
 */
#ifndef TRACEPAGER_SPAN_INTERNAL_H
#define TRACEPAGER_SPAN_INTERNAL_H

#include "tracepager/walk.h"

/* ---- span_call.c ---- */

enum span_side {
	SIDE_CLIENT, /* CLIENT and PRODUCER: it speaks for a call */
	SIDE_SERVER, /* SERVER, CONSUMER and INTERNAL: it speaks for its own service */
};
enum span_side span_side(const struct trace *trace, const struct span *span);
bool span_same_service(const struct trace *trace, const struct span *a, const struct span *b);
/* Microseconds by which the child's clock must be moved for the child to lie within its parent:
 * clocks of two hosts differ. 0 within one process, and where the child cannot lie within. */
int64_t span_skew_us(const struct span *parent, const struct span *child);
/* Did the parent wait for this child? Not for FOLLOWS_FROM, nor for a consumer that ended after the
 * parent. */
bool span_waits_for(const struct span *parent, const struct span *child);
/* The span of another service that answered a call: its child that ended last; of a span without a
 * kind its only child. TRACE_NONE: the span is no call, or nobody answered. */
uint32_t span_answer(const struct trace *trace, uint32_t span);

/* ---- span_codes.c ---- */

enum {
	GRPC_CANCELLED = 1,
	GRPC_DEADLINE_EXCEEDED = 4,
	HTTP_CLIENT_CLOSED = 499, /* nginx: the client went away before the answer */
	HTTP_BAD_GATEWAY = 502,
	HTTP_GATEWAY_TIMEOUT = 504,
};

/* The first of n attributes that has a text, or NULL. keys: enum attr, in order of preference. */
const char *span_first_attr(const struct trace *trace, const struct span *span,
			    const unsigned int *keys, size_t n);
int http_code_parse(const char *text); /* 100 to 599; 0: the text is no code */
int grpc_code_parse(const char *text); /* by number or by name; -1: the text is no code */
const char *grpc_code_name(int code);  /* "UNAVAILABLE"; "": no such code */
int span_http_code(const struct trace *trace, const struct span *span); /* 0: none */
int span_grpc_code(const struct trace *trace, const struct span *span); /* -1: none */
/* Do the codes say that the span failed? A 4xx fails its client only (tracepager-walk(7), section
 * 2). */
bool span_codes_failing(const struct trace *trace, const struct span *span);
/* The answer with which a callee refused a call without failing: a 4xx, or its like of gRPC or of a
 * database; NULL: none. callee: the callee's span; TRACE_NONE: it has none, and what the client
 * tells counts. *ret_callee_may: the option refusals_are_callees makes it the callee's failure. */
const char *span_refusal(struct arena *arena, const struct trace *trace, uint32_t client,
			 uint32_t callee, bool *ret_callee_may);

/* ---- span_error.c; span_failing() and span_error() are in walk.h ---- */

bool span_says_why(const struct trace *trace, const struct span *span);	 /* more than a code */
bool span_timed_out(const struct trace *trace, const struct span *span); /* by code or words */
bool span_cancelled(const struct trace *trace, const struct span *span); /* by code or words */
/* A text fit for a sentence: its first line, at most LIMIT_SHOWN_BYTES, control characters as
 * blanks. */
const char *shown_text(struct arena *arena, const char *text);
const char *shown_duration(struct arena *arena, int64_t us); /* "3.2 s" */

#endif
