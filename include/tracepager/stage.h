/*
 * Stages: what the relay does for an alert, as spans in OpenTelemetry's words (tbl/stages.def). The
 * engines know this header only: a context that they carry along, and a span that they tell once a
 * stage has ended. Who exports spans, and how, is behind struct tracer (telemetry.h). Where nothing
 * is traced every context is zeroed, and a stage costs one branch.
 *
 * It refuses to know OTLP, clocks and sockets. It owns nothing: attributes are borrowed until the
 * span was told. The functions here are pure, for any thread; a tracer is for the loop's thread.
 */
#ifndef TRACEPAGER_STAGE_H
#define TRACEPAGER_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/http.h"
#include "tracepager/limits.h"
#include "tracepager/metrics.h"

/* A span, and the trace that it belongs to. Ids are numbers of W3C's bytes, the first byte in the
 * highest bits. */
struct span_context {
	uint64_t trace_high, trace_low;
	uint64_t span;	 /* 0: nothing is traced */
	uint64_t parent; /* the span above it; 0: it is a root */
};

static inline bool span_context_is_set(const struct span_context *context)
{
	return context->span != 0;
}

/* ---- contexts as texts ---- */

#define TRACEPARENT_SIZE  56 /* "00-TRACE-SPAN-01" and a NUL */
#define TRACE_ID_SIZE	  33
#define SPAN_ID_SIZE	  17
#define SPAN_CONTEXT_SIZE (TRACEPARENT_SIZE + SPAN_ID_SIZE)

/* Reads W3C's header traceparent (section 3.2 of Trace Context). false: it is none. ret_context's
 * span is the caller's; ret_sampled: the caller records its trace. */
bool traceparent_read(const char *text, struct span_context *ret_context, bool *ret_sampled);
/* A sampled traceparent of this span. Returns out. */
const char *traceparent_write(const struct span_context *context, char out[TRACEPARENT_SIZE]);
/* With the parent behind it, as it is stored: "00-TRACE-SPAN-01-PARENT". Reads what it wrote. */
const char *span_context_write(const struct span_context *context, char out[SPAN_CONTEXT_SIZE]);
bool span_context_read(const char *text, struct span_context *ret_context);
/* Ids of a trace that was read: 32 and 16 hexadecimal digits. false: they are no such ids. */
bool span_context_of_ids(const char *trace, const char *span, struct span_context *ret_context);
const char *span_context_trace_id(const struct span_context *context, char out[TRACE_ID_SIZE]);
const char *span_context_span_id(const struct span_context *context, char out[SPAN_ID_SIZE]);

/* ---- spans ---- */

enum stage {
#define STAGE(id, name, kind, text) STAGE_##id,
#include "tracepager/tbl/stages.def"
#undef STAGE
	STAGE_KINDS
};

enum stage_attr {
#define STAGE_ATTR(id, name, text) STAGE_ATTR_##id,
#include "tracepager/tbl/stages.def"
#undef STAGE_ATTR
	STAGE_ATTR_COUNT
};
const char *stage_attr_name(enum stage_attr attr);

/* The value that is told of an attribute. */
struct stage_value {
	enum stage_attr attr;
	enum stage_value_kind {
		STAGE_TEXT,
		STAGE_NUMBER,
		STAGE_REAL,
		STAGE_FLAG,
	} kind;
	union {
		const char *text;
		int64_t number; /* and a flag */
		double real;
	};
};

struct stage_span {
	enum stage stage;
	const char *name; /* NULL: that of tbl/stages.def */
	/* Its span 0: the tracer draws an id. */
	struct span_context context;
	int64_t began_us, ended_us; /* monotonic */
	struct stage_value values[LIMIT_STAGE_ATTRS];
	size_t nvalues;
	const struct span_context *links;
	size_t nlinks;
	const char *error;   /* error.type, and the span's status is an error; NULL: unset */
	char status_text[8]; /* what error points to, where it is an HTTP status */
};

struct tracer {
	/* An alert's root span begins: below the caller of traceparent (NULL: there is none), or in
	 * a new trace. false: this alert is not traced. */
	bool (*begin)(void *ctx, const char *traceparent, struct span_context *ret_context);
	uint64_t (*draw)(void *ctx); /* the id of a span; never 0 */
	/* The stage has ended. Copies what it needs. */
	void (*tell)(void *ctx, const struct stage_span *span);
	void *ctx;
};

/* A new trace, and its root. tracer NULL: not traced. */
static inline struct span_context stage_root(const struct tracer *tracer)
{
	struct span_context context = { .span = 0 };

	if (tracer && !tracer->begin(tracer->ctx, NULL, &context))
		context.span = 0;
	return context;
}

/* The context of a span below that parent; zeroed where that is. */
static inline struct span_context stage_child(const struct tracer *tracer,
					      const struct span_context *parent)
{
	struct span_context context = *parent;

	context.parent = parent->span;
	context.span = tracer && parent->span ? tracer->draw(tracer->ctx) : 0;
	return context;
}

/* A span below that parent, to be filled and told; its id is drawn when it is told. */
static inline struct stage_span stage_below(enum stage stage, const struct span_context *parent,
					    int64_t began_us)
{
	return (struct stage_span){ .stage = stage,
				    .context = { .trace_high = parent->trace_high,
						 .trace_low = parent->trace_low,
						 .parent = parent->span },
				    .began_us = began_us };
}

static inline void stage_tell(const struct tracer *tracer, struct stage_span *span,
			      int64_t ended_us)
{
	span->ended_us = ended_us;
	tracer->tell(tracer->ctx, span);
}

/* metric_observe_us(), with the span as the exemplar where it is set. */
void stage_observe_us(enum metric metric, int64_t us, const struct span_context *context);
void stage_series_observe_us(struct metric_series *series, enum named_metric metric, int64_t us,
			     const struct span_context *context);

/* Attributes: a text of NULL or "" is left out; further ones than LIMIT_STAGE_ATTRS too. */
void stage_text(struct stage_span *span, enum stage_attr attr, const char *text);
void stage_number(struct stage_span *span, enum stage_attr attr, int64_t number);
void stage_real(struct stage_span *span, enum stage_attr attr, double real);
void stage_flag(struct stage_span *span, enum stage_attr attr, bool flag); /* false: left out */

/* ---- requests, as the conventions for HTTP clients have them ---- */

/* What is told of a request, kept beyond it. */
struct stage_target {
	enum http_method method;
	char url[LIMIT_STAGE_URL_BYTES], address[LIMIT_STAGE_URL_BYTES];
	unsigned int port; /* 0: not known */
};

/* The URL without user, password and query; whole_path false: nor path. */
void stage_target_set(struct stage_target *target, const struct http_request *request,
		      bool whole_path);
/* Adds the target's attributes, the status (0: there was no answer), and the error: a status from
 * 400 on, or what the text of a failed transport says. absent: a status of 404 is an answer. */
void stage_add_http(struct stage_span *span, const struct stage_target *target, int status,
		    const char *error, bool absent);
/* "timeout", "connection_refused" …: the class of a transport's failure; static. */
const char *stage_error_type(const char *error);

#endif
