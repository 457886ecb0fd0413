/*
 * The table of trace sources, made from tbl/sources.def. Sources that are not asked by HTTP have
 * NULL there. Owns nothing.
 */
#include "tracepager/trace_source.h"

#define SOURCE(id, name, needs, text) extern const struct trace_source trace_source_##id;
#define SOURCE_LOCAL(id, name, needs, text)
#include "tracepager/tbl/sources.def"
#undef SOURCE

const struct trace_source *const trace_sources[SOURCE_COUNT] = {
#define SOURCE(id, name, needs, text)	    [SOURCE_##id] = &trace_source_##id,
#define SOURCE_LOCAL(id, name, needs, text) [SOURCE_##id] = NULL,
#include "tracepager/tbl/sources.def"
#undef SOURCE
};

enum source_step trace_source_next(struct source_talk *talk)
{
	talk->source = trace_sources[talk->config->kind];
	return talk->source->next(talk);
}
