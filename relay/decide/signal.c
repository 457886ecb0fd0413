/*
 * Signal: from an alert's labels to the operation that the alert is about: by a signals: rule, else
 * by the labels of span metrics and HTTP metrics. An alert that names neither service nor span is
 * not about a traced operation; nobody then waits for a trace. Pure; owns nothing.
 */
#include <string.h>

#include "tracepager/decide.h"
#include "tracepager/xalloc.h"

static const char *first_label(const struct labels *labels, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *value = labels_get(labels, names[i]);
		if (value && *value)
			return value;
	}
	return NULL;
}

#define FIRST_LABEL(labels, ...)                                                                   \
	first_label(labels, (const char *const[]){ __VA_ARGS__ },                                  \
		    ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })))

/* HTTP metrics have method and route in two labels; a server span's name is "POST /orders". */
static const char *signal_operation(struct arena *arena, const struct labels *labels)
{
	const char *operation =
		FIRST_LABEL(labels, "span_name", "span.name", "operation", "operation_name");

	if (operation)
		return operation;
	const char *route = FIRST_LABEL(labels, "http_route", "http.route");
	if (!route)
		return FIRST_LABEL(labels, "rpc_method", "rpc.method");
	const char *method = FIRST_LABEL(labels, "http_request_method", "http.request.method",
					 "http_method", "http.method");
	return method ? arena_printf(arena, "%s %s", method, route) : route;
}

struct known_services {
	const struct ruleset *rules;
	bool (*known)(void *ctx, const char *service);
	void *ctx;
};

static bool is_known_service(const struct known_services *services, const char *service)
{
	return *service && ((services->rules && rules_knows_service(services->rules, service)) ||
			    (services->known && services->known(services->ctx, service)));
}

/*
 * The label job is "namespace/name" or "name" where OpenTelemetry's translation to Prometheus wrote
 * it, and any text elsewhere. It counts if rules or sources know the service, or, where no source
 * can be asked, if the alert has an operation too.
 */
static void signal_use_job(const struct labels *labels, const struct known_services *services,
			   struct signal *signal, struct arena *arena)
{
	const char *job = labels_get(labels, "job");

	if (!job)
		return;
	const char *slash = strchr(job, '/');
	const char *name = slash ? slash + 1 : job;
	if (is_known_service(services, name) || (signal->operation && !services->known && *name)) {
		signal->service = name;
		if (slash && !signal->namespace)
			signal->namespace = arena_strndup(arena, job, (size_t)(slash - job));
	} else if (slash && is_known_service(services, job)) {
		signal->service = job;
	}
}

bool decide_signal(struct arena *arena, const struct alert *alert, const struct ruleset *rules,
		   bool (*known)(void *ctx, const char *service), void *ctx,
		   struct rule_trail *trail, struct signal *ret_signal,
		   const struct signal_rule **ret_rule)
{
	const struct labels *labels = &alert->labels;
	const struct signal_rule *rule = rules ? rules_signal(rules, labels, trail) : NULL;

	if (ret_rule)
		*ret_rule = rule;
	if (rule) {
		*ret_signal = rule->signal;
		ret_signal->from = "rule";
		return true;
	}
	const struct known_services services = { rules, known, ctx };
	struct signal signal = {
		.service = FIRST_LABEL(labels, "service", "service_name", "service.name"),
		/* Not the label "namespace": on Kubernetes it is the pod's, which spans do not
		 * carry. */
		.namespace = FIRST_LABEL(labels, "service_namespace", "service.namespace"),
		.operation = signal_operation(arena, labels),
		.from = "label",
		.mode = WALK_AUTO,
	};
	if (!signal.service)
		signal_use_job(labels, &services, &signal, arena);
	/* Without a service only a span's name can be searched for. */
	if (!signal.service && !FIRST_LABEL(labels, "span_name", "span.name"))
		return false;
	*ret_signal = signal;
	return true;
}
