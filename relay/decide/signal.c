/*
 * Signal: from an alert's labels to the operation that it is about. A rule knows best; then the
 * labels that span metrics and HTTP metrics carry. An alert that names neither service nor span is
 * not about a traced operation, and says so at once, so that nobody waits for a trace. Keeps
 * nothing.
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

/* HTTP metrics have method and route apart; a server span's name is both ("POST /orders"). */
static const char *operation_of(struct arena *arena, const struct labels *labels)
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

struct knowledge {
	const struct ruleset *rules;
	bool (*known)(void *ctx, const char *service);
	void *ctx;
};

static bool is_known(const struct knowledge *knowledge, const char *service)
{
	return *service && ((knowledge->rules && rules_knows_service(knowledge->rules, service)) ||
			    (knowledge->known && knowledge->known(knowledge->ctx, service)));
}

/*
 * job is "namespace/name" or "name" where OpenTelemetry's translation wrote it, and anything at all
 * elsewhere: it counts where somebody knows the service, or where an operation stands beside it and
 * there is nobody to ask.
 */
static void use_job(const struct labels *labels, const struct knowledge *knowledge,
		    struct signal *signal, struct arena *arena)
{
	const char *job = labels_get(labels, "job");

	if (!job)
		return;
	const char *slash = strchr(job, '/');
	const char *name = slash ? slash + 1 : job;
	if (is_known(knowledge, name) || (signal->operation && !knowledge->known && *name)) {
		signal->service = name;
		if (slash && !signal->namespace)
			signal->namespace = arena_strndup(arena, job, (size_t)(slash - job));
	} else if (slash && is_known(knowledge, job)) {
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
	const struct knowledge knowledge = { rules, known, ctx };
	struct signal signal = {
		.service = FIRST_LABEL(labels, "service", "service_name", "service.name"),
		/* Not the label "namespace": on Kubernetes that is where the pod runs, which spans
		   do not tell. */
		.namespace = FIRST_LABEL(labels, "service_namespace", "service.namespace"),
		.operation = operation_of(arena, labels),
		.from = "label",
		.mode = WALK_AUTO,
	};
	if (!signal.service)
		use_job(labels, &knowledge, &signal, arena);
	/* An operation of nobody's is only something to look for where it is a span's name. */
	if (!signal.service && !FIRST_LABEL(labels, "span_name", "span.name"))
		return false;
	*ret_signal = signal;
	return true;
}
