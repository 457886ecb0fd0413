/*
 * Audit, sightings: which services, callees and calls the stored traces show. A service counts once
 * in each trace. Beyond LIMIT_AUDIT_SERVICES and LIMIT_AUDIT_CALLS sightings are left out, and
 * counted.
 */
#include "audit-internal.h"

#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static void mark_entry(struct sightings *seen, const struct service_rule *rule)
{
	if (rule && !map_get(seen->entries, rule->name))
		map_put(seen->entries, rule->name, seen);
}

bool sightings_has_entry(const struct sightings *seen, const char *entry)
{
	return map_get(seen->entries, entry) != NULL;
}

/* ---- services and calls ---- */

/* NULL: the limit is reached. */
static struct seen_service *sight_service(struct sightings *seen, const char *namespace,
					  const char *name, bool is_peer)
{
	CLEANUP_FREE char *key = xasprintf("%d\x1f%s\x1f%s", is_peer, namespace, name);
	struct seen_service *service = map_get(seen->service_index, key);

	if (service)
		return service;
	if (seen->services.n >= LIMIT_AUDIT_SERVICES) {
		seen->left_out++;
		return NULL;
	}
	service = arena_alloc(seen->arena, sizeof(*service));
	*service = (struct seen_service){ .namespace = arena_strdup(seen->arena, namespace),
					  .name = arena_strdup(seen->arena, name),
					  .is_peer = is_peer };
	map_put(seen->service_index, key, service);
	past_list_add(&seen->services, service);
	return service;
}

static void count_service(const struct sightings *seen, struct seen_service *service, int64_t at_us)
{
	service->ntraces += service->mark != seen->mark;
	service->mark = seen->mark;
	if (at_us > service->last_us)
		service->last_us = at_us;
}

static void count_call(struct sightings *seen, const struct seen_service *from,
		       struct seen_service *to, int64_t at_us)
{
	CLEANUP_FREE char *key = xasprintf("%p\x1f%p", (const void *)from, (void *)to);
	struct seen_call *call = map_get(seen->call_index, key);

	if (!call && seen->calls.n >= LIMIT_AUDIT_CALLS) {
		seen->left_out++;
		return;
	}
	if (!call) {
		call = arena_alloc(seen->arena, sizeof(*call));
		*call = (struct seen_call){ .from = from, .to = to };
		map_put(seen->call_index, key, call);
		past_list_add(&seen->calls, call);
	}
	call->ntraces += call->mark != seen->mark;
	call->mark = seen->mark;
	call->last_us = at_us;
	to->caller = from->name;
}

/* NULL: the resource names no service, or the limit is reached. */
static struct seen_service *see_service(struct sightings *seen, const struct trace *trace,
					const struct resource *resource, int64_t at_us)
{
	struct suspect where = { .trace = trace, .resource = resource };
	const char *name = trace_text(trace, resource->service);
	const char *namespace = trace_text(trace, resource->namespace);

	if (!*name)
		return NULL;
	struct seen_service *service = sight_service(seen, namespace, name, false);
	if (!service)
		return NULL;
	count_service(seen, service, at_us);
	/* Attributes may give one instance an owner and another none: a service counts as owned
	 * only while every instance has been. */
	if (service->ntraces == 1 || service->rule) {
		service->rule = rules_service(seen->rules, name, namespace, rules_suspect_attr,
					      &where, NULL);
		mark_entry(seen, service->rule);
	}
	return service;
}

/* The callee of a call whose other side has no span in the trace. */
static void see_peer(struct sightings *seen, struct arena *scratch, const struct trace *trace,
		     const struct span *span, const struct seen_service *caller, int64_t at_us)
{
	struct suspect suspect = { .trace = trace };

	peer_names(scratch, trace, span, &suspect);
	if (!suspect.npeers)
		return;
	struct seen_service *callee = sight_service(seen, "", suspect.peers[0], true);
	if (!callee)
		return;
	count_service(seen, callee, at_us);
	callee->rule = rules_peer(seen->rules, suspect.peers, suspect.npeers, NULL);
	mark_entry(seen, callee->rule);
	count_call(seen, caller, callee, at_us);
}

/* A client's or producer's span without a span of another service below it. */
static bool leaves_trace(const struct trace *trace, const struct span *span)
{
	if (span->kind != SPAN_CLIENT && span->kind != SPAN_PRODUCER)
		return false;
	for (uint32_t at = span->first_child; at != TRACE_NONE; at = trace->spans[at].next_sibling)
		if (trace->spans[at].resource != span->resource)
			return false;
	return true;
}

static void see_trace(struct sightings *seen, struct arena *scratch, const struct trace *trace,
		      int64_t at_us)
{
	uint32_t nresources = trace->set->nresources;
	struct seen_service **by_resource = xcalloc(nresources + 1, sizeof(*by_resource));

	seen->mark++;
	for (uint32_t i = 0; i < trace->nspans; i++) {
		uint32_t resource = trace->spans[i].resource;
		if (!by_resource[resource])
			by_resource[resource] =
				see_service(seen, trace, &trace->set->resources[resource], at_us);
	}
	for (uint32_t i = 0; i < trace->nspans; i++) {
		const struct span *span = &trace->spans[i];
		struct seen_service *service = by_resource[span->resource];
		const struct seen_service *above =
			span->parent == TRACE_NONE
				? NULL
				: by_resource[trace->spans[span->parent].resource];
		if (service && above && above != service)
			count_call(seen, above, service, at_us);
		if (service && leaves_trace(trace, span))
			see_peer(seen, scratch, trace, span, service, at_us);
	}
	free(by_resource);
}

/* ---- decisions ---- */

/* A decision whose traces are gone still shows its suspect. */
static void see_suspect(struct sightings *seen, const struct outcome *was)
{
	if (!was->found || !*was->suspect)
		return;
	mark_entry(seen,
		   rules_service(seen->rules, was->suspect, was->namespace, NULL, NULL, NULL));
	if (*was->callee)
		mark_entry(seen, rules_peer(seen->rules, &was->callee, 1, NULL));
}

void sightings_add(struct sightings *seen, const struct past *past)
{
	struct opened opened;
	struct err err;

	if (opened_init(&opened, past, seen->rules, &err) < 0) {
		seen->unreadable++;
	} else {
		see_suspect(seen, &opened.was);
		broad_alerts_add(seen, &opened);
		for (size_t i = 0; i < opened.ntraces; i++)
			see_trace(seen, opened.arena, opened.traces[i], past->at_us);
	}
	opened_fini(&opened);
}

/* ---- order ---- */

static int by_traces(const void *a, const void *b)
{
	const struct seen_service *x = *(struct seen_service *const *)a,
				  *y = *(struct seen_service *const *)b;

	if (x->ntraces != y->ntraces)
		return x->ntraces < y->ntraces ? 1 : -1;
	return strcmp(x->name, y->name);
}

static int by_call_names(const void *a, const void *b)
{
	const struct seen_call *x = *(struct seen_call *const *)a,
			       *y = *(struct seen_call *const *)b;
	int order = strcmp(x->from->name, y->from->name);

	return order ? order : strcmp(x->to->name, y->to->name);
}

static int by_decisions(const void *a, const void *b)
{
	const struct broad_alert *x = *(struct broad_alert *const *)a,
				 *y = *(struct broad_alert *const *)b;

	if (x->ndecisions != y->ndecisions)
		return x->ndecisions < y->ndecisions ? 1 : -1;
	int order = strcmp(x->name, y->name);
	return order ? order : strcmp(x->service, y->service);
}

void sightings_sort(struct sightings *seen)
{
	past_list_sort(&seen->broad, by_decisions);
	past_list_sort(&seen->services, by_traces);
	past_list_sort(&seen->calls, by_call_names);
}

void sightings_init(struct sightings *seen, struct arena *arena, const struct ruleset *rules)
{
	*seen = (struct sightings){
		.arena = arena,
		.rules = rules,
		.service_index = map_new(),
		.call_index = map_new(),
		.entries = map_new(),
		.broad_index = map_new(),
	};
}

void sightings_fini(struct sightings *seen)
{
	map_free(seen->service_index);
	map_free(seen->call_index);
	map_free(seen->entries);
	map_free(seen->broad_index);
	free(seen->services.at);
	free(seen->calls.at);
	free(seen->broad.at);
}
