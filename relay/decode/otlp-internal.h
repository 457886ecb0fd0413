/*
 * OTLP: what its JSON and its protobuf have in common: spans, attributes and ids on their way into
 * the builder. The two decoders report what they read, in any order; the functions here decide what
 * it means. struct otlp owns its scratch memory; builder and err are borrowed.
 *
 * All functions: 0 to go on, or -errno with the text in otlp->err. Texts are borrowed for the call.
 * Pure: any thread may call.
 */
#ifndef TRACEPAGER_DECODE_OTLP_INTERNAL_H
#define TRACEPAGER_DECODE_OTLP_INTERNAL_H

#include "tracepager/buf.h"
#include "tracepager/trace_builder.h"

/* Flags of a span (trace.proto): it is known whether the parent is remote; the parent is remote. */
#define OTLP_HAS_REMOTE 0x100u
#define OTLP_IS_REMOTE	0x200u

/* What an attribute belongs to. */
enum otlp_owner {
	OTLP_RESOURCE,
	OTLP_SPAN,
	OTLP_EVENT,
};

enum otlp_id {
	OTLP_TRACE_ID,
	OTLP_SPAN_ID,
	OTLP_PARENT_ID,
	OTLP_LINK_TRACE_ID,
	OTLP_LINK_SPAN_ID,
};

struct otlp {
	struct trace_builder *builder;
	struct err *err; /* borrowed from the decoder's reader */
	uint32_t resource;
	struct span *span;
	struct buf trace_id;
	bool has_trace_id;
	uint64_t start_ns, end_ns;
	/* The times in microseconds were read, and replace those in nanoseconds. */
	bool has_start_us, has_duration_us;
	int64_t start_us, duration_us;
	/* The current event. */
	uint32_t exception[2]; /* type, message; TRACE_NONE: not read */
	uint64_t event_ns;

	/* The first link that may lead into the span's own trace. Others are not kept. */
	struct buf link_trace_id, link_span_id;
	bool has_link;

	/* The current attribute. */
	enum otlp_owner owner;
	int key;	/* the key that it is kept as; negative: not known yet, or not kept */
	uint32_t value; /* text; TRACE_NONE: none, or still in value_text */
	bool has_key_text, has_value_text;
	struct buf key_text, value_text;
};

void otlp_init(struct otlp *otlp, struct trace_builder *builder, struct err *err);
void otlp_fini(struct otlp *otlp);

/* -E2BIG if a text that the builder returned is TRACE_NONE: a cap was reached. */
int otlp_check(struct otlp *otlp, uint32_t text);

int otlp_begin_resource(struct otlp *otlp);

int otlp_begin_span(struct otlp *otlp);
int otlp_end_span(struct otlp *otlp);
/* Takes an id as text. Bytes in base64 (Tempo) and hexadecimal digits become lower-case hexadecimal
 * digits, so that a trace has the same ids in every encoding; any other text is kept as it is. */
int otlp_take_id(struct otlp *otlp, enum otlp_id which, const char *text, size_t len);
/* Takes an id that already has its final form. */
int otlp_set_id(struct otlp *otlp, enum otlp_id which, const char *text, size_t len);
/* Takes the span's name or message, whose place is *slot. */
int otlp_take_text(struct otlp *otlp, uint32_t *slot, const char *text, size_t len);
void otlp_take_flags(struct otlp *otlp, uint64_t flags);

void otlp_begin_event(struct otlp *otlp);
void otlp_end_event(struct otlp *otlp);

/* A root that links to a span of its own trace follows that span (SPAN_FOLLOWS), and is no entry of
 * the trace. All other links are ignored. */
void otlp_begin_link(struct otlp *otlp);
void otlp_end_link(struct otlp *otlp);

void otlp_begin_attribute(struct otlp *otlp, enum otlp_owner owner);
/* false: the attribute is not kept, and its value is not needed. */
bool otlp_take_key(struct otlp *otlp, const char *text, size_t len);
int otlp_take_value(struct otlp *otlp, const char *text, size_t len);
int otlp_end_attribute(struct otlp *otlp);

#endif
