/*
 * Walker: the tools of one walk: the sentences that explain it, the limits of its certainty,
 * and suspects. It decides nothing about the trace. Declared and explained in
 * walk-internal.h.
 */
#include <stdarg.h>
#include <string.h>

#include "tracepager/limits.h"
#include "walk-internal.h"

/* Would walker_tell() add a reason? If not, the texts for it are not made either. */
static bool tells_reasons(const struct walker *walker)
{
	return walker->main_line && walker->walk->nreasons < LIMIT_REASONS;
}

void walker_tell(struct walker *walker, const char *format, ...)
{
	struct walk *walk = walker->walk;
	va_list args;

	if (!tells_reasons(walker))
		return;
	va_start(args, format);
	walk->reasons[walk->nreasons++] = arena_vprintf(walker->arena, format, args);
	va_end(args);
}

void walker_join(struct walker *walker)
{
	walker->walk->joined |= walker->main_line;
}

void walker_limit(struct walker *walker, enum verdict_limit_id id)
{
	verdict_limits_add(&walker->limits, id, NULL);
}

bool walker_may_tell(const struct walker *walker)
{
	return walker->main_line && walker->walk->nreasons < LIMIT_REASONS - LIMIT_REASONS_FOR_LEAF;
}

const char *walker_service(const struct walker *walker, uint32_t span)
{
	const char *service;

	if (!tells_reasons(walker))
		return "";
	service = span_service(walker->trace, &walker->trace->spans[span]);
	return service[0] != '\0' ? shown_text(walker->arena, service) : "an unknown service";
}

const char *walker_name(const struct walker *walker, uint32_t span)
{
	const char *name;

	if (!tells_reasons(walker))
		return "";
	name = trace_text(walker->trace, walker->trace->spans[span].name);
	return name[0] != '\0' ? shown_text(walker->arena, name) : "a span without a name";
}

const char *walker_words(const struct walker *walker, uint32_t span)
{
	const char *words;

	if (!tells_reasons(walker))
		return "";
	words = span_error(walker->arena, walker->trace, &walker->trace->spans[span]);
	return words ? arena_printf(walker->arena, ": %s",
				    shown_text(walker->arena, error_shown(walker->arena, words)))
		     : "";
}

const char *walker_duration(const struct walker *walker, int64_t us)
{
	return tells_reasons(walker) ? shown_duration(walker->arena, us) : "";
}

void walker_suspect(const struct walker *walker, uint32_t span, enum suspect_kind kind,
		    struct suspect *suspect)
{
	const struct trace *trace = walker->trace;
	const struct span *leaf = &trace->spans[span];
	const struct resource *resource = span_resource(trace, leaf);

	memset(suspect, 0, sizeof(*suspect));
	suspect->kind = kind;
	suspect->service = trace_text(trace, resource->service);
	if (suspect->service[0] == '\0')
		suspect->service = "unknown_service";
	suspect->namespace = trace_text(trace, resource->namespace);
	suspect->operation = trace_text(trace, leaf->name);
	suspect->resource = resource;
	suspect->trace = trace;
	suspect->span = span;
}

uint16_t walker_bits_above(const struct walker *walker, uint32_t span)
{
	const struct span *at = &walker->trace->spans[span];

	return at->parent == TRACE_NONE || (at->flags & SPAN_FOLLOWS) ? 0
								      : walker->bits[at->parent];
}
