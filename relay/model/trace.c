/*
 * Trace: names and accessors of trace.h. It only reads; trace_builder.c builds sets.
 *
 * The builder moves kind, status, description and plain error tags from attributes into fields of
 * the span. span_attr() answers these attributes from the fields, so that a reader need not know
 * how a source wrote them.
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/trace.h"
#include "tracepager/xalloc.h"
#include "blocks-internal.h"

static const char *const attr_names[] = {
#define ATTR(name, text) [ATTR_##name] = text,
#include "tracepager/tbl/attrs.def"
#undef ATTR
};

static const bool attrs_that_tell[ATTR_COUNT] = {
#define ATTR(name, text)
#define ATTR_TELLS(name, text) [ATTR_##name] = true,
#include "tracepager/tbl/attrs.def"
#undef ATTR
};

static const char *const kind_names[] = {
	[SPAN_UNSPECIFIED] = "unspecified", [SPAN_INTERNAL] = "internal",
	[SPAN_SERVER] = "server",	    [SPAN_CLIENT] = "client",
	[SPAN_PRODUCER] = "producer",	    [SPAN_CONSUMER] = "consumer",
};

const char *attr_name(unsigned int key)
{
	return key < ATTR_COUNT ? attr_names[key] : NULL;
}

bool attr_tells(unsigned int key)
{
	return key < ATTR_COUNT && attrs_that_tell[key];
}

const char *span_kind_name(enum span_kind kind)
{
	return (size_t)kind < ARRAY_LEN(kind_names) ? kind_names[kind] : "unspecified";
}

/* The text of an attribute that the builder moved into a field, or NULL. */
static const char *folded_attr(const struct trace *trace, const struct span *span, unsigned int key)
{
	switch (key) {
	case ATTR_SPAN_KIND:
		return span->kind != SPAN_UNSPECIFIED ? span_kind_name(span->kind) : NULL;
	case ATTR_OTEL_STATUS_CODE:
		if (span->status == SPAN_STATUS_UNSET)
			return NULL;
		return span->status == SPAN_STATUS_OK ? "OK" : "ERROR";
	case ATTR_OTEL_STATUS_DESCRIPTION:
		return span->message != 0 ? trace_text(trace, span->message) : NULL;
	case ATTR_ERROR:
		if (span->flags & SPAN_TAG_TRUE)
			return "true";
		return span->flags & SPAN_TAG_FALSE ? "false" : NULL;
	default:
		return NULL;
	}
}

const char *span_attr(const struct trace *trace, const struct span *span, unsigned int key)
{
	for (uint32_t i = span->attrs; i < span->attrs + span->nattrs; i++)
		if (trace->set->attrs[i].key == key)
			return trace_text(trace, trace->set->attrs[i].value);
	return folded_attr(trace, span, key);
}

const char *resource_attr(const struct trace *trace, const struct resource *resource,
			  const char *name)
{
	for (uint32_t i = resource->attrs; i < resource->attrs + resource->nattrs; i++) {
		const struct resource_attr *attr = &trace->set->resource_attrs[i];

		if (strcmp(trace_text(trace, attr->key), name) == 0)
			return trace_text(trace, attr->value);
	}
	return NULL;
}

void trace_set_free(struct trace_set *set)
{
	if (!set)
		return;
	if (set->memory)
		set->memory->used_bytes -= set->bytes;
	blocks_free(set->traces);
	blocks_free(set->spans);
	blocks_free(set->resources);
	blocks_free(set->attrs);
	blocks_free(set->resource_attrs);
	/* These two arrays are const for the set's readers only. */
	blocks_free((void *)(uintptr_t)set->strings);
	free((void *)(uintptr_t)set->extra_names);
	free(set);
}
