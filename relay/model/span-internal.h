/*
 * Span, inside: what one span says of itself, and what two spans are to each other. The walk, the
 * evidence and the vote read spans through these functions only.
 *
 * span_call.c	the sides of a call, clocks, who waits for whom, who answered
 * span_codes.c	codes of HTTP and gRPC
 * span_proxy.c	what a proxy of a mesh tells of a request
 * span_words.c	the texts of its error, and the one that tells most
 * span_refusal.c	did a callee refuse a call without failing
 * span_hints.c	a pool, a breaker, a dead connection, a clean-up, by words
 * span_error.c	is a span failing, was it cancelled, did it time out
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
/* How many children are of other services; *ret_own: does the span have a child of its own service
 * that is a call itself, or answers it? */
uint32_t span_foreign_children(const struct trace *trace, const struct span *span, bool *ret_own);

/* ---- span_codes.c ---- */

enum {
	GRPC_CANCELLED = 1,
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_UNAVAILABLE = 14,
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

/* ---- span_proxy.c ---- */

/* Does Envoy give this flag for the end of the request? "DC": the caller hung up. "UT": nobody
 * answered in time. */
bool span_proxy_says(const struct trace *trace, const struct span *span, const char *flag);
/* The host or cluster to which Envoy passes the request; NULL: it tells none, or it is its own
 * service. */
const char *span_proxy_upstream(struct arena *arena, const struct trace *trace,
				const struct span *span);

/* ---- span_words.c; span_error() is in walk.h ---- */

/* All texts in which a span tells of its error: types of errors first, then messages. Borrowed. */
struct span_texts {
	const char *at[9];
	unsigned int n, ntypes;
};
void span_texts(const struct trace *trace, const struct span *span, struct span_texts *ret);
/* The type, and the message, that tells most; NULL: none. */
const char *span_texts_type(const struct span_texts *texts);
const char *span_texts_message(const struct span_texts *texts);
bool span_says_why(const struct trace *trace, const struct span *span); /* more than a code */
/* Does one of the texts hold one of the words, without regard to case? The words are in small
 * letters and end with NULL. */
bool span_has_word(const struct trace *trace, const struct span *span, const char *const *words);
bool text_has_word(const char *text, const char *const *words);
/* The line of a message that tells most: the first one; where that ends in a colon and announces
 * others, the one with the details, else the next; of a Python traceback the last. */
void text_telling_line(const char *text, const char **ret_line, size_t *ret_len);
/* A text fit for a sentence: its telling line, at most LIMIT_SHOWN_BYTES, control characters as
 * blanks. */
const char *shown_text(struct arena *arena, const char *text);

/* ---- span_refusal.c ---- */

/* The answer with which a callee refused a call without failing: a 4xx, or its like of gRPC or of a
 * database; NULL: none. callee: the callee's span; TRACE_NONE: it has none, and what the client
 * tells counts. *ret_callee_may: the option refusals_are_callees makes it the callee's failure. */
const char *span_refusal(struct arena *arena, const struct trace *trace, uint32_t client,
			 uint32_t callee, bool *ret_callee_may);

/* The words are a database's own or its driver's, and tell of no refusal. */
bool span_has_database_words(const struct trace *trace, const struct span *span);

/* ---- span_hints.c: what the words of an error say of where it comes from ---- */

/* No connection of the service's own pool came free: the service's own time, not the callee's. */
bool span_waits_for_pool(const struct trace *trace, const struct span *span);
/* A circuit breaker of the service's own forbade the call. */
bool span_breaker_open(const struct trace *trace, const struct span *span);
/* The other end of a connection could not be reached, or hung up. */
bool span_unreachable(const struct trace *trace, const struct span *span);
/* The words are those with which a client of HTTP, gRPC or a database tells of its callee. */
bool span_has_client_words(const struct trace *trace, const struct span *span);
/* The words speak of names, routes, certificates or a proxy between the two ends of a call. */
bool span_has_network_words(const struct trace *trace, const struct span *span);
/* The call failed before anything was sent: the caller lacked files, ports or threads, or could not
 * build the request. */
bool span_unsent(const struct trace *trace, const struct span *span);
/* The words name a programming error ("KeyError", "nil map"), and none that an answer led to. */
bool span_names_bug(const struct trace *trace, const struct span *span);
/* The words name a cause: more than that something failed ("checkout failed, please try again"),
 * and not the failure of a call. */
bool span_says_specific(const struct trace *trace, const struct span *span);
/* By its names the call tidies up, or tells somebody of a failure: it may follow a failure. */
bool span_is_cleanup(const struct trace *trace, uint32_t span);
/* A call that changes something by its method or statement; a fallback only reads. */
bool span_changes(const struct trace *trace, const struct span *span);
/* A call of a database that adds a row: not what undoes an earlier step. */
bool span_adds_row(const struct trace *trace, const struct span *span);

/* ---- span_error.c; span_failing() is in walk.h ---- */

bool span_timed_out(const struct trace *trace, const struct span *span); /* by code or words */
bool span_cancelled(const struct trace *trace, const struct span *span); /* by code or words */
const char *shown_duration(struct arena *arena, int64_t us);		 /* "3.20 s" */

#endif
