/* Traces of an invented shop for tests: makes a set with one trace from rows. Times are
 * milliseconds after SHOP_START_US. */
#ifndef TESTS_LIB_SHOP_H
#define TESTS_LIB_SHOP_H

#include <assert.h>
#include <string.h>

#include "tracepager/trace_builder.h"

struct shop_span {
	const char *id, *parent, *service, *name;
	enum span_kind kind;
	int start_ms, duration_ms;
	const char *error; /* the status description of a failing span; NULL: it did not fail */
	const char *peer;  /* server.address; NULL: none */
};

#define SHOP_START_US 1788170400000000LL

static inline struct trace_set *shop_trace(const char *trace_id, const struct shop_span *rows,
					   size_t n)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	struct trace_set *set = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct shop_span *row = &rows[i];
		uint32_t resource = trace_builder_resource(builder);
		trace_builder_resource_attr(builder, resource, "service.name", 12, row->service,
					    strlen(row->service));
		trace_builder_resource_attr(builder, resource, "region", 6, "north", 5);
		uint32_t peer =
			row->peer ? trace_builder_value(builder, row->peer, strlen(row->peer)) : 0;
		uint32_t id = trace_builder_text(builder, row->id, strlen(row->id));
		uint32_t parent =
			row->parent ? trace_builder_text(builder, row->parent, strlen(row->parent))
				    : 0;
		uint32_t name = trace_builder_text(builder, row->name, strlen(row->name));
		uint32_t message =
			row->error ? trace_builder_text(builder, row->error, strlen(row->error))
				   : 0;
		struct span *span = trace_builder_span(builder);
		span->id = id;
		span->parent_id = parent;
		span->name = name;
		span->message = message;
		span->resource = resource;
		span->kind = (uint8_t)row->kind;
		span->status = row->error ? SPAN_STATUS_ERROR : SPAN_STATUS_UNSET;
		span->start_us = SHOP_START_US + row->start_ms * 1000LL;
		span->duration_us = row->duration_ms * 1000LL;
		if (peer)
			trace_builder_span_attr(builder, ATTR_SERVER_ADDRESS, peer);
		trace_builder_span_done(builder, trace_id, strlen(trace_id));
	}
	int result = trace_builder_finish(builder, &set, NULL);
	assert(result == 0);
	(void)result;
	trace_builder_free(builder);
	return set;
}

#endif
