/*
 * Mcp, who_owns: the owner of a service, as decide() finds it for a suspect of that name and those
 * attributes.
 */
#include <string.h>

#include "mcp-internal.h"
#include "tracepager/clock.h"
#include "tracepager/decide.h"
#include "tracepager/limits.h"
#include "tracepager/trace_builder.h"

/* A trace whose one span is of that service: the rules look at the attributes of its resource.
 * NULL: an attribute is too large. Caller frees. */
static struct trace_set *trace_of_service(const char *service, const char *namespace,
					  const json_t *attributes)
{
	struct trace_builder *builder = trace_builder_new(&(struct trace_options){ 0 });
	uint32_t resource = trace_builder_resource(builder);
	struct trace_set *set = NULL;
	const char *name;
	json_t *value;

	trace_builder_resource_attr(builder, resource, "service.name", strlen("service.name"),
				    service, strlen(service));
	if (namespace)
		trace_builder_resource_attr(builder, resource, "service.namespace",
					    strlen("service.namespace"), namespace,
					    strlen(namespace));
	json_object_foreach((json_t *)(uintptr_t)attributes, name, value)
		trace_builder_resource_attr(builder, resource, name, strlen(name),
					    json_string_value(value), json_string_length(value));
	struct span *span = trace_builder_span(builder);
	if (span) {
		span->id = trace_builder_text(builder, "1", 1);
		span->resource = resource & 0xfffff;
		span->kind = SPAN_SERVER;
		trace_builder_span_done(builder, "1", 1);
	}
	if (trace_builder_finish(builder, &set, NULL) < 0)
		set = NULL;
	trace_builder_free(builder);
	return set;
}

static void decide_owner(struct arena *arena, const struct trace_set *set,
			 const struct ruleset *rules, const char *peer,
			 struct decision *ret_decision)
{
	const struct trace *trace = &set->traces[0];
	const struct resource *resource = span_resource(trace, &trace->spans[0]);
	const struct verdict told = {
		.found = true,
		.confidence = 1,
		.agree = 1,
		.of = 1,
		.suspect = { .service = trace_text(trace, resource->service),
			     .namespace = trace_text(trace, resource->namespace),
			     .operation = "",
			     .kind = peer ? SUSPECT_PEER : SUSPECT_SPAN,
			     .callee = peer,
			     .peers = { peer },
			     .npeers = peer ? 1 : 0,
			     .resource = resource,
			     .trace = trace },
	};
	const struct decide_input input = { .rules = rules,
					    .mode = WALK_AUTO,
					    .now_us = clock_wall_us(clock_system()),
					    .told = &told };

	decide(arena, &input, ret_decision);
}

static json_t *owner_result(const struct decision *decision, const json_t *arguments)
{
	struct buf doc = BUF_INIT(LIMIT_DECISION_BYTES);

	decision_write(decision, &doc);
	json_t *json = doc.failed ? NULL : json_loadb(buf_text(&doc), doc.len, 0, NULL);
	buf_fini(&doc);
	if (!json)
		return mcp_error("the decision cannot be written: give shorter names");
	json_t *result = json_pack(
		"{s:O, s:O*, s:b, s:s?, s:O*, s:O*}", "service",
		json_object_get(arguments, "service"), "namespace",
		json_object_get(arguments, "namespace"), "is_fallback",
		decision->service == NULL && decision->verdict.fallback == FALLBACK_NO_OWNER,
		"entry", decision->service ? decision->service->name : NULL, "owner",
		json_object_get(json, "owner"), "escalation", json_object_get(json, "escalation"));
	json_decref(json);
	return mcp_result_of(result);
}

json_t *mcp_tool_who_owns(const struct mcp_tools *tools, const json_t *arguments)
{
	const char *service = mcp_text(arguments, "service"), *known;
	struct ruleset *rules;
	struct decision decision;
	json_t *result = mcp_rules_read(tools, arguments, &rules);

	if (!result && !rules)
		result = mcp_error("no rules are given: give their YAML as rules, or let "
				   "\"tracepager mcp\" run with --rules PATH");
	if (result)
		return result;
	struct trace_set *set = trace_of_service(service, mcp_text(arguments, "namespace"),
						 json_object_get(arguments, "attributes"));
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	if (set) {
		decide_owner(arena, set, rules, NULL, &decision);
		/* An entry of that service name has been asked, with the attributes. */
		if (!decision.service && decision.verdict.fallback == FALLBACK_NO_OWNER &&
		    !rules_knows_service(rules, service) && rules_peer(rules, &service, 1, &known))
			decide_owner(arena, set, rules, service, &decision);
		result = owner_result(&decision, arguments);
	} else {
		result = mcp_error("the attributes are too large: give fewer or shorter ones");
	}
	arena_free(arena);
	trace_set_free(set);
	rules_unref(rules);
	return result;
}
