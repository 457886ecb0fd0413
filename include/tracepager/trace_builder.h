/*
 * Trace builder: decoders fill it span by span, in the order in which a document has things. It
 * interns texts, enforces the caps, charges the memory account, and in the end groups spans by
 * trace and links each trace's tree. It refuses a document that reaches a cap as a whole: half a
 * trace would mislead the walk.
 *
 * What linking does (tracepager-walk(7), section 1), in linear time and without recursion:
 * - Resources with the same attributes in the same order become one.
 * - A parent is found by the text of its id within the trace; if none has this text, by the number:
 *   clients of Zipkin and old releases of Jaeger leave out zeros at the start, which Zipkin's
 *   server puts back to 16 digits. Ids that are no hexadecimal number are texts only.
 * - Exact duplicates of a span (same id, name, resource, kind, start and duration, as after an
 *   exporter's retry) are dropped.
 * - Zipkin's client and server share one id. The server half becomes a child of the client half. A
 *   child of that id goes to the client half if that alone is of the child's service, else to the
 *   server half, whichever comes first in the document. A span without a kind is the client half of
 *   a server that says that it shares its id.
 * - Cycles, self-parents too, are cut: the earliest span of a cycle becomes a root.
 *
 * No clock, no I/O. A builder belongs to one thread at a time, any thread; only the memory account
 * is shared. It owns all that it is given as copies, until trace_builder_finish() hands the set
 * over.
 */
#ifndef TRACEPAGER_TRACE_BUILDER_H
#define TRACEPAGER_TRACE_BUILDER_H

#include "tracepager/err.h"
#include "tracepager/trace.h"

struct trace_builder;

struct trace_options {
	const char *const *extra_names; /* attribute names that the loaded rules name; copied */
	size_t nextra_names;
	struct trace_memory *memory; /* kept, must outlive builder and set; NULL: no account */
	size_t max_body_bytes;	     /* for decoders; 0: LIMIT_TRACE_BODY_BYTES */
};

struct trace_builder *trace_builder_new(const struct trace_options *options);
void trace_builder_free(struct trace_builder *builder); /* takes NULL */

/* The reference of a text, interned. TRACE_NONE: a cap is reached, and the builder has failed (see
 * trace_builder_failed()). Each byte that is NUL or not UTF-8 becomes U+FFFD. trace_builder_value()
 * cuts the text to LIMIT_ATTR_VALUE_BYTES first, not inside a character. */
uint32_t trace_builder_text(struct trace_builder *builder, const char *text, size_t len);
uint32_t trace_builder_value(struct trace_builder *builder, const char *text, size_t len);
/* Is it the text of this reference, byte by byte? */
bool trace_builder_is(const struct trace_builder *builder, uint32_t reference, const char *text,
		      size_t len);
/* As trace_builder_text(), of an id of 16 hexadecimal digits. */
uint32_t trace_builder_digits(struct trace_builder *builder, const char digits[static 16]);

/* The key of an attribute name (enum attr, or ATTR_COUNT + index into extra_names); -1: attributes
 * of this name are not kept. */
int trace_builder_attr(const struct trace_builder *builder, const char *name, size_t len);

/* Adds a resource. Attributes can be added only to the last one; those beyond the caps are left
 * out. Service and namespace come from service.name and service.namespace, or the service from
 * trace_builder_resource_service(). */
uint32_t trace_builder_resource(struct trace_builder *builder);
void trace_builder_resource_attr(struct trace_builder *builder, uint32_t resource, const char *key,
				 size_t key_len, const char *value, size_t value_len);
void trace_builder_resource_service(struct trace_builder *builder, uint32_t resource,
				    uint32_t service);

/* Begins a span: zeroed, kind unspecified, status unset. Fill it until trace_builder_span_done().
 * NULL: a cap is reached. The pointer is valid until the next span begins. */
struct span *trace_builder_span(struct trace_builder *builder);
/* Adds an attribute to the span that was begun. The last value of a key counts. */
void trace_builder_span_attr(struct trace_builder *builder, unsigned int key, uint32_t value);
/* Adds several attributes, in this order. */
void trace_builder_span_attrs(struct trace_builder *builder, const struct span_attr *attrs,
			      size_t nattrs);
/* Adds an exception event, or a log line that reports an error, to the span that was begun. type
 * and message: texts, TRACE_NONE: none; at_us: since 1970, 0: unknown. Of several the span keeps
 * one as exception.type and exception.message: the one whose message is the status's, else the
 * last. */
void trace_builder_span_exception(struct trace_builder *builder, uint32_t type, uint32_t message,
				  int64_t at_us);
/* Names one more parent of the span that was begun, by its id. If span and other parent failed and
 * the first parent did not, the other one becomes the parent: the failure went that way. Beyond
 * LIMIT_OTHER_PARENTS it is ignored. */
void trace_builder_span_other_parent(struct trace_builder *builder, uint32_t id);
/* Ends the span. trace_id: any text. Jaeger and Zipkin write some fields as attributes: span.kind,
 * otel.status_code, otel.status_description and error. An error tag with words stays an attribute,
 * too. These attributes are moved into the span's fields, unless the decoder has set the field;
 * span_attr() answers them all the same. */
void trace_builder_span_done(struct trace_builder *builder, const char *trace_id, size_t len);
/* Gives a trace another id, once all its spans are in. */
void trace_builder_rename_trace(struct trace_builder *builder, const char *trace_id, size_t len,
				const char *new_id, size_t new_len);
/* The source said, before or after the spans, that spans are missing. */
void trace_builder_partial(struct trace_builder *builder);
/* The source changes the case of names: signals match services and span names without case. */
void trace_builder_ignore_case(struct trace_builder *builder);

/* Jaeger names services after the spans: spans get a provisional number as their resource, and here
 * every span from index first_span on gets map[provisional number] instead, which is less than n.
 */
uint32_t trace_builder_nspans(const struct trace_builder *builder);
void trace_builder_map_resources(struct trace_builder *builder, uint32_t first_span,
				 const uint32_t *map, uint32_t n);

/* A cap was reached: stop feeding. */
bool trace_builder_failed(const struct trace_builder *builder);

/* Hands over the set, which the caller frees; after it the builder can only be freed. -E2BIG: a cap
 * was reached, and err says which one; -ENOENT: there is no span. */
int trace_builder_finish(struct trace_builder *builder, struct trace_set **ret_set,
			 struct err *err);

#endif
