/*
 * Trace builder: what decoders fill, span by span, in whatever order a document has things. It
 * interns strings, enforces the caps, charges the memory account, and in the end groups spans by
 * trace and links the tree.
 *
 * Resources with the same attributes in the same order become one.
 *
 * Parents: by text of the parent's id within the trace. Exact duplicates of a span (same id, name,
 * resource, kind, start and duration, as after an exporter's retry) are dropped. Where one id is
 * carried by several spans that are not duplicates (Zipkin's shared client and server), the server
 * half hangs below the client half, and children go to the server half when they are of its service
 * or there is no client half, else to the client half, whatever comes first in the document. A span
 * without a kind is the client half of a server that says that it shares its id. Self-parents and
 * cycles are cut: the earliest span of the cycle becomes a root. Linear time, no recursion.
 */
#ifndef TRACEPAGER_TRACE_BUILDER_H
#define TRACEPAGER_TRACE_BUILDER_H

#include "tracepager/err.h"
#include "tracepager/trace.h"

struct trace_builder;

struct trace_options {
	const char *const *extra_names; /* attribute names that the loaded rules name; copied */
	size_t nextra_names;
	struct trace_memory *memory; /* NULL: no common account */
	size_t max_body_bytes;	     /* 0: the limit of limits.h */
};

struct trace_builder *trace_builder_new(const struct trace_options *options);
void trace_builder_free(struct trace_builder *builder); /* takes NULL */

/* The reference of a text, interned; TRACE_NONE when a cap is reached (the builder then has failed,
 * see below). Each byte that is NUL or no UTF-8 becomes U+FFFD. Values longer than
 * LIMIT_ATTR_VALUE_BYTES are for the caller to cut first (trace_builder_value does, on a UTF-8
 * boundary). */
uint32_t trace_builder_text(struct trace_builder *builder, const char *text, size_t len);
uint32_t trace_builder_value(struct trace_builder *builder, const char *text, size_t len);

/* The index of a kept attribute name (enum attr, or ATTR_COUNT + i), or -1: not kept. */
int trace_builder_attr(const struct trace_builder *builder, const char *name, size_t len);

/* A resource; its attributes are added while it is the last one. service.name and service.namespace
 * are taken from the attributes. Beyond the caps attributes are left out. */
uint32_t trace_builder_resource(struct trace_builder *builder);
void trace_builder_resource_attr(struct trace_builder *builder, uint32_t resource, const char *key,
				 size_t key_len, const char *value, size_t value_len);
void trace_builder_resource_service(struct trace_builder *builder, uint32_t resource,
				    uint32_t service);

/* Begin a span: zeroed, kind unspecified, status unset. Fill it until trace_builder_span_done().
 * NULL at a cap. The pointer is valid until the next begin. */
struct span *trace_builder_span(struct trace_builder *builder);
/* For the span in work. The last value of a key wins. */
void trace_builder_span_attr(struct trace_builder *builder, unsigned int key, uint32_t value);
/* trace_id: as text, any string. Also reads kind, status, message and error tag out of the
 * attributes, as Jaeger and Zipkin write them there, unless the decoder has set them. What went
 * into a field is no attribute any more (span_attr() answers it all the same): span.kind,
 * otel.status_code, otel.status_description, and error where it is true, false, unset or empty. */
void trace_builder_span_done(struct trace_builder *builder, const char *trace_id, size_t len);
/* Another text for the id of a trace that spans were given to; once all spans are in. */
void trace_builder_rename_trace(struct trace_builder *builder, const char *trace_id, size_t len,
				const char *new_id, size_t new_len);
/* The document is partial: the source said so, before or behind the spans. */
void trace_builder_partial(struct trace_builder *builder);
/* The source changes the case of names: signals match those of services and spans without it. */
void trace_builder_ignore_case(struct trace_builder *builder);

/* Renumber the resource of every span of this builder from index `first_span` on (Jaeger names
 * services after the spans): spans carry a provisional number, map[provisional] is the resource's
 * index. */
uint32_t trace_builder_nspans(const struct trace_builder *builder);
void trace_builder_map_resources(struct trace_builder *builder, uint32_t first_span,
				 const uint32_t *map, uint32_t n);

bool trace_builder_failed(
	const struct trace_builder *builder); /* a cap was reached: stop feeding */

/* Hands over the set; the builder can only be freed then. -E2BIG: a cap was reached (text says
 * which); -ENOENT: no span in it. */
int trace_builder_finish(struct trace_builder *builder, struct trace_set **ret_set,
			 struct err *err);

#endif
