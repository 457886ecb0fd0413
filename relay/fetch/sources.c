/*
 * Trace sources: the table. Sources that are not asked by HTTP have no row.
 */
#include "sources-internal.h"

const struct trace_source *const trace_sources[SOURCE_COUNT] = {
	[SOURCE_JAEGER] = &trace_source_jaeger,
	[SOURCE_FILES] = NULL,
};
