/*
 * Evidence, units: which attribute values the calls of a service have that fail, and which the
 * others have (tracepager-walk(7), "What differs").
 *
 * A unit is one process in one trace: the spans of one resource. Spans of one process are no
 * witnesses that are independent of each other, so a loop of 50 failing calls counts once. A unit
 * failed if some span of it did. Its facts are all attributes of the resource, and those of its
 * spans that tell (attr_tells(), and those that rules name). Where a unit failed, an attribute that
 * failing spans have counts with their values only: of two databases, the one that refused.
 */
#include <stdlib.h>
#include <string.h>

#include "evidence-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* The unit that is being made. */
struct unit_maker {
	struct evidence_set *set;
	const struct trace *trace;
	uint32_t facts[LIMIT_UNIT_FACTS];
	uint32_t nfacts;
	uint16_t keys[LIMIT_UNIT_FACTS]; /* attributes that failing spans have */
	uint32_t nkeys;
};

static void unit_add_fact(struct unit_maker *maker, const char *attribute, const char *value)
{
	uint32_t fact;

	if (maker->nfacts == LIMIT_UNIT_FACTS || value[0] == '\0')
		return;
	fact = evidence_fact_index(maker->set, attribute, value);
	if (fact == UINT32_MAX)
		return;
	for (uint32_t i = 0; i < maker->nfacts; i++)
		if (maker->facts[i] == fact)
			return;
	maker->facts[maker->nfacts++] = fact;
}

static void unit_add_resource(struct unit_maker *maker, const struct resource *resource)
{
	const struct trace_set *set = maker->trace->set;

	for (uint32_t i = 0; i < resource->nattrs; i++) {
		const struct resource_attr *attr = &set->resource_attrs[resource->attrs + i];
		const char *name = set->strings + attr->key;

		/* The service is the same in all units that are compared. */
		if (strcmp(name, "service.name") != 0 && strcmp(name, "service.namespace") != 0)
			unit_add_fact(maker, name, set->strings + attr->value);
	}
}

static bool unit_has_key(const struct unit_maker *maker, uint16_t key)
{
	for (uint32_t i = 0; i < maker->nkeys; i++)
		if (maker->keys[i] == key)
			return true;
	return false;
}

/* failing: the span failed. */
static void unit_add_span(struct unit_maker *maker, const struct span *span, bool failing)
{
	const struct trace_set *set = maker->trace->set;

	for (uint32_t i = 0; i < span->nattrs; i++) {
		const struct span_attr *attr = &set->attrs[span->attrs + i];
		bool extra = attr->key >= ATTR_COUNT;

		if (!extra && !attr_tells(attr->key))
			continue;
		if (failing && maker->nkeys < LIMIT_UNIT_FACTS && !unit_has_key(maker, attr->key))
			maker->keys[maker->nkeys++] = attr->key;
		if (failing || !unit_has_key(maker, attr->key))
			unit_add_fact(maker,
				      extra ? set->extra_names[attr->key - ATTR_COUNT]
					    : attr_name(attr->key),
				      set->strings + attr->value);
	}
}

/* A span of the trace, to be sorted by resource; the failing ones first, then by place. */
struct unit_span {
	uint32_t resource, index;
	bool fine;
};

static int compare_unit_spans(const void *a, const void *b)
{
	const struct unit_span *sa = a, *sb = b;

	if (sa->resource != sb->resource)
		return sa->resource < sb->resource ? -1 : 1;
	if (sa->fine != sb->fine)
		return sa->fine ? 1 : -1;
	return sa->index < sb->index ? -1 : sa->index > sb->index;
}

static int compare_facts(const void *a, const void *b)
{
	uint32_t fa = *(const uint32_t *)a, fb = *(const uint32_t *)b;

	return (fa > fb) - (fa < fb);
}

/* Makes a unit of n spans of one resource. */
static void add_unit(struct evidence_set *set, const struct trace *trace,
		     const struct unit_span *spans, uint32_t n, struct evidence *evidence)
{
	struct unit_maker maker = { .set = set, .trace = trace };
	const struct resource *resource = &trace->set->resources[spans[0].resource];
	uint32_t service = evidence_service_index(set, trace_text(trace, resource->namespace),
						  trace_text(trace, resource->service), false);
	uint32_t profile;

	unit_add_resource(&maker, resource);
	for (uint32_t i = 0; i < n; i++)
		unit_add_span(&maker, &trace->spans[spans[i].index], !spans[i].fine);
	qsort(maker.facts, maker.nfacts, sizeof(*maker.facts), compare_facts);
	profile = evidence_profile_index(set, service, maker.facts, maker.nfacts);
	if (profile != UINT32_MAX)
		evidence->units[evidence->nunits++] =
			(struct evidence_unit){ profile, !spans[0].fine };
}

static bool is_wanted_service(const struct trace *trace, const struct span *span,
			      const char *namespace, const char *service)
{
	const struct resource *resource = span_resource(trace, span);

	return !service || (strcmp(trace_text(trace, resource->service), service) == 0 &&
			    strcmp(trace_text(trace, resource->namespace), namespace) == 0);
}

void evidence_take_units(struct evidence_set *set, const struct trace *trace, const char *namespace,
			 const char *service, struct evidence *evidence)
{
	CLEANUP_FREE struct unit_span *spans = xcalloc((size_t)trace->nspans + 1, sizeof(*spans));
	uint32_t n = 0, nunits = 0, end;

	for (uint32_t i = 0; i < trace->nspans; i++)
		if (is_wanted_service(trace, &trace->spans[i], namespace, service))
			spans[n++] =
				(struct unit_span){ trace->spans[i].resource, i,
						    !span_failing(trace, &trace->spans[i], true) };
	qsort(spans, n, sizeof(*spans), compare_unit_spans);
	for (uint32_t i = 0; i < n; i++)
		nunits += i == 0 || spans[i].resource != spans[i - 1].resource;
	evidence->units = arena_array(set->arena, (size_t)nunits + 1, sizeof(*evidence->units));
	for (uint32_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && spans[end].resource == spans[i].resource;)
			end++;
		add_unit(set, trace, &spans[i], end - i, evidence);
	}
}
