/*
 * OTLP, what its JSON and its protobuf have in common: spans, attributes and ids on their way into
 * the builder. The encodings tell what they read, in whatever order it comes; here is what that
 * means.
 *
 * Functions return 0 (go on) or -errno, with the words in otlp->err. Texts are borrowed for the
 * call.
 */
#ifndef TRACEPAGER_FETCH_OTLP_INTERNAL_H
#define TRACEPAGER_FETCH_OTLP_INTERNAL_H

#include "tracepager/buf.h"
#include "tracepager/trace_builder.h"

/* Flags of a span (trace.proto): whether its parent is remote is known; it is. */
#define OTLP_HAS_REMOTE 0x100u
#define OTLP_IS_REMOTE	0x200u

/* Whose attribute. */
enum otlp_owner {
	OTLP_RESOURCE,
	OTLP_SPAN,
	OTLP_EVENT,
};

enum otlp_id {
	OTLP_TRACE_ID,
	OTLP_SPAN_ID,
	OTLP_PARENT_ID,
};

struct otlp {
	struct trace_builder *builder;
	struct err *err; /* borrowed: the reader's */
	uint32_t resource;
	struct span *span;
	struct buf trace_id;
	bool has_trace_id;
	uint64_t start_ns, end_ns;
	bool has_start_us, has_duration_us; /* these win over those in nanoseconds */
	int64_t start_us, duration_us;
	bool has_exception;    /* of the span: later events are not read */
	uint32_t exception[2]; /* of the event in work: type, message; TRACE_NONE */

	/* The attribute in work. */
	enum otlp_owner owner;
	int key;	/* among the kept ones; negative: not known yet, not kept */
	uint32_t value; /* TRACE_NONE: none, or still in value_text */
	bool has_key_text, has_value_text;
	struct buf key_text, value_text;
};

void otlp_init(struct otlp *otlp, struct trace_builder *builder, struct err *err);
void otlp_fini(struct otlp *otlp);

/* The builder's answer to everything: TRACE_NONE means that a cap was reached. */
int otlp_check(struct otlp *otlp, uint32_t text);

int otlp_begin_resource(struct otlp *otlp);

int otlp_begin_span(struct otlp *otlp);
int otlp_end_span(struct otlp *otlp);
/* An id as text. What is clearly bytes in base64 (Tempo) or hexadecimal digits becomes lower case
 * hexadecimal digits, so that one trace has the same ids in every encoding; other texts stay. */
int otlp_take_id(struct otlp *otlp, enum otlp_id which, const char *text, size_t len);
/* An id that is in its form already. */
int otlp_set_id(struct otlp *otlp, enum otlp_id which, const char *text, size_t len);
/* A text of the span: *slot is its name or its message. */
int otlp_take_text(struct otlp *otlp, uint32_t *slot, const char *text, size_t len);
void otlp_take_flags(struct otlp *otlp, uint64_t flags);

void otlp_begin_event(struct otlp *otlp);
void otlp_end_event(struct otlp *otlp);

void otlp_begin_attribute(struct otlp *otlp, enum otlp_owner owner);
/* false: the attribute is not kept; its value need not be told. */
bool otlp_take_key(struct otlp *otlp, const char *text, size_t len);
int otlp_take_value(struct otlp *otlp, const char *text, size_t len);
int otlp_end_attribute(struct otlp *otlp);

#endif
