/*
 * Trace: the spans of a trace as the walk reads them, in flat arrays. Decoders fill them through
 * trace_builder.h; everybody else only reads, from any thread.
 *
 * A set is what one document held: one or many traces that share texts, resources and attributes.
 * Texts are interned: a text is a 32-bit reference, and two references of one set are equal if and
 * only if the texts are. Reference 0 is "". The set owns all its memory.
 */
#ifndef TRACEPAGER_TRACE_H
#define TRACEPAGER_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No span, no attribute. */
#define TRACE_NONE UINT32_MAX

enum span_kind {
	SPAN_UNSPECIFIED,
	SPAN_INTERNAL,
	SPAN_SERVER,
	SPAN_CLIENT,
	SPAN_PRODUCER,
	SPAN_CONSUMER,
};

enum span_status {
	SPAN_STATUS_UNSET,
	SPAN_STATUS_OK,
	SPAN_STATUS_ERROR,
};

/* Flags of a span. */
#define SPAN_FOLLOWS   1u  /* its parent reference is FOLLOWS_FROM, or a root's link */
#define SPAN_ORPHAN    2u  /* it names a parent that is not in the trace */
#define SPAN_REMOTE    4u  /* OTLP: its parent is known to be in another process */
#define SPAN_TAG_TRUE  8u  /* it has an error tag that means error */
#define SPAN_TAG_FALSE 16u /* it has an error tag that means no error */
#define SPAN_CYCLE     32u /* it was cut from a cycle of parents and is a root now */
#define SPAN_SHARED    64u /* Zipkin: the server's half of a shared span id */

enum attr {
#define ATTR(name, text) ATTR_##name,
#include "tracepager/tbl/attrs.def"
#undef ATTR
	ATTR_COUNT
};

struct span_attr {
	uint16_t key; /* enum attr, or ATTR_COUNT + index into the decoder's extra names */
	uint16_t reserved;
	uint32_t value; /* text: numbers as they were written, booleans as true and false */
};

struct span {
	int64_t start_us;    /* since 1970 */
	int64_t duration_us; /* 0 where the source has none, or a negative one */
	uint32_t id;	     /* text, as it arrived */
	uint32_t parent_id;  /* text; 0: names none */
	uint32_t name;	     /* text: the operation */
	uint32_t message;    /* text: the status description */
	uint32_t attrs : 24; /* first of nattrs in the set's attrs; spans may share them */
	uint32_t nattrs : 8;
	uint32_t resource : 20; /* index into the set's resources */
	uint32_t kind : 3;	/* enum span_kind */
	uint32_t status : 2;	/* enum span_status */
	uint32_t flags : 7;
	/* The tree, within the trace's spans. Children are in the order of the document. */
	uint32_t parent; /* TRACE_NONE: a root */
	uint32_t first_child;
	uint32_t next_sibling; /* for roots: the next root */
	/* Microseconds from the span's start to its exception event, plus 1; 0: it has none, or its
	 * time is unknown. May lie after the span's end. */
	uint32_t exception_after_us;
};

struct resource_attr {
	uint32_t key, value; /* texts */
};

struct resource {
	uint32_t service;   /* text: service.name; "" when unknown */
	uint32_t namespace; /* text: service.namespace */
	uint32_t attrs;	    /* first of nattrs in the set's resource_attrs */
	uint32_t nattrs;
};

struct trace {
	const struct trace_set *set; /* borrowed: the set that holds this trace */
	struct span *spans;
	uint32_t nspans;
	uint32_t first_root; /* roots are linked by next_sibling, in the order of the document */
	uint32_t id;	     /* text, as it first arrived */
	bool partial;	     /* the source said that spans are missing */
};

struct trace_set {
	struct trace *traces;
	struct span *spans; /* the block in which the traces' spans lie */
	struct resource *resources;
	struct span_attr *attrs;
	struct resource_attr *resource_attrs;
	const char *strings;		/* NUL-terminated texts; a reference is an offset */
	const char *const *extra_names; /* the names behind ATTR_COUNT + i; kept by the set */
	uint32_t ntraces, nresources, nattrs, nresource_attrs, nextra_names;
	bool ignore_case; /* names of services and of spans may have lost their case */
	uint32_t string_bytes;
	size_t bytes;		     /* all memory of the set */
	struct trace_memory *memory; /* borrowed: the account that has bytes charged; NULL: none */
};

void trace_set_free(struct trace_set *set); /* takes NULL; gives its bytes back to the account */

/* An account of trace memory shared by all sets of the daemon; loop and pool threads charge it. */
struct trace_memory {
	_Atomic size_t used_bytes;
	size_t cap_bytes;
};

static inline const char *trace_text(const struct trace *trace, uint32_t text)
{
	return trace->set->strings + text;
}

static inline const struct resource *span_resource(const struct trace *trace,
						   const struct span *span)
{
	return &trace->set->resources[span->resource];
}

static inline const char *span_service(const struct trace *trace, const struct span *span)
{
	return trace_text(trace, span_resource(trace, span)->service);
}

static inline int64_t span_end_us(const struct span *span)
{
	return span->start_us + span->duration_us;
}

/* The text of an attribute, or NULL; borrowed from the set, or static. key: enum attr, or
 * ATTR_COUNT
 * + index into extra_names. span.kind, otel.status_code, otel.status_description and a plain error
 * tag are answered from the span's fields, however the source wrote them. */
const char *span_attr(const struct trace *trace, const struct span *span, unsigned int key);
const char *attr_name(unsigned int key);	 /* of attrs.def */
bool attr_tells(unsigned int key);		 /* of attrs.def: is its row an ATTR_TELLS? */
const char *span_kind_name(enum span_kind kind); /* "server"; "unspecified" */
/* The value of a resource attribute by name, or NULL. */
const char *resource_attr(const struct trace *trace, const struct resource *resource,
			  const char *name);

#endif
