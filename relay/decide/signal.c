/*
 * Signal: from an alert to the operation that it is about, in this order: a signals: rule; its
 * labels; the conditions of its expression. Which labels name a traced service depends on the
 * family of the metric. Nothing is named rather than something false: an alert about hosts, pods,
 * queues or databases has no signal, and nobody then waits for a trace. Pure; owns nothing.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "decide-internal.h"
#include "signal-internal.h"
#include "tracepager/xalloc.h"

/* How far a label is believed. */
enum label_trust {
	TRUST_ALWAYS,  /* only Sloth writes it, and its value is a service */
	TRUST_TARGET,  /* a scrape target may bear it: names of scrapers are passed over */
	TRUST_KNOWN,   /* only if rules or sources know the service */
	TRUST_BACKEND, /* the proxy's name of a backend: only where it looks like a Kubernetes
			  service */
	TRUST_JOB,     /* as TRUST_TARGET, and it may be "namespace/name" */
	TRUST_JOB_KNOWN,
	TRUST_HOST, /* name.namespace.svc…: the first part counts, or of outbound|80||name… */
};

struct service_label {
	const char *name;
	enum label_trust trust;
};

struct service_labels {
	enum metric_family family;
	const struct service_label *at;
	size_t n;
};

#define SERVICE_LABELS(family, ...)                                                                \
	{                                                                                          \
		family, (const struct service_label[]){ __VA_ARGS__ },                             \
			ARRAY_LEN(((const struct service_label[]){ __VA_ARGS__ }))                 \
	}

/* OpenTelemetry's and Micrometer's names, and Sloth's. */
#define NAMED_LABELS                                                                               \
	{ "service_name", TRUST_TARGET }, { "sloth_service", TRUST_ALWAYS },                       \
	{                                                                                          \
		"application", TRUST_TARGET                                                        \
	}

/* Where the workload is what handles the requests. */
#define WORKLOAD_LABELS                                                                            \
	{ "app", TRUST_TARGET }, { "microservice", TRUST_TARGET }, { "svc", TRUST_TARGET },        \
		{ "app_kubernetes_io_name", TRUST_TARGET },                                        \
		{ "label_app_kubernetes_io_name", TRUST_TARGET }, { "label_app", TRUST_TARGET },   \
		{ "deployment", TRUST_TARGET },                                                    \
	{                                                                                          \
		"k8s_deployment_name", TRUST_TARGET                                                \
	}

#define MESH_LABELS                                                                                \
	{ "destination_canonical_service", TRUST_HOST }, { "destination_app", TRUST_TARGET },      \
		{ "destination_service_name", TRUST_HOST }, { "destination_service", TRUST_HOST }, \
	{                                                                                          \
		"destination_workload", TRUST_TARGET                                               \
	}

/* The labels that name the service, the best first, by what the metric is about. */
static const struct service_labels service_labels[] = {
	SERVICE_LABELS(FAMILY_NONE, { "service", TRUST_TARGET }, NAMED_LABELS, MESH_LABELS,
		       { "envoy_cluster_name", TRUST_HOST }, { "app", TRUST_TARGET },
		       { "job", TRUST_JOB_KNOWN }, { "component", TRUST_KNOWN },
		       { "source", TRUST_KNOWN }),
	SERVICE_LABELS(FAMILY_UNKNOWN, NAMED_LABELS, { "service", TRUST_KNOWN },
		       { "app", TRUST_KNOWN }, { "job", TRUST_JOB_KNOWN }),
	SERVICE_LABELS(FAMILY_OUTCOME, NAMED_LABELS, { "service", TRUST_TARGET },
		       { "app", TRUST_TARGET }, { "job", TRUST_JOB_KNOWN }),
	SERVICE_LABELS(FAMILY_SERVER, NAMED_LABELS, { "service", TRUST_TARGET },
		       { "dst_deployment", TRUST_TARGET }, WORKLOAD_LABELS, { "job", TRUST_JOB }),
	SERVICE_LABELS(FAMILY_CLIENT, NAMED_LABELS, { "service", TRUST_TARGET }, WORKLOAD_LABELS,
		       { "job", TRUST_JOB }),
	SERVICE_LABELS(FAMILY_SPANS, NAMED_LABELS, { "service", TRUST_TARGET },
		       { "job", TRUST_JOB }),
	SERVICE_LABELS(FAMILY_MESH, MESH_LABELS, { "source_canonical_service", TRUST_HOST },
		       { "source_app", TRUST_TARGET }, { "source_workload", TRUST_TARGET }),
	SERVICE_LABELS(FAMILY_ENVOY, { "envoy_cluster_name", TRUST_HOST }),
	SERVICE_LABELS(FAMILY_PROXY, { "exported_service", TRUST_BACKEND },
		       { "service", TRUST_KNOWN }, { "ingress", TRUST_KNOWN }),
	SERVICE_LABELS(FAMILY_LOGS, NAMED_LABELS, { "service", TRUST_TARGET },
		       { "app", TRUST_TARGET }),
	SERVICE_LABELS(FAMILY_TRACES, { "service_name", TRUST_TARGET }),
};

/* What one call of decide_signal() works on. */
struct signal_work {
	struct arena *arena;
	const struct ruleset *rules;
	bool (*known)(void *ctx, const char *service);
	void *ctx;
	struct signal_facts facts;
	struct signal signal;
	bool from_expr;	 /* a part of the signal is from the expression */
	bool whole_name; /* the operation is a span's name, which can be searched for by itself */
};

/* ---- values ---- */

/* The value of a label of the alert, else of a condition of the expression; NULL: neither has it.
 */
static const char *signal_value(struct signal_work *work, const char *name)
{
	const char *value = labels_get(&work->facts.labels, name);

	if (value)
		return value;
	value = labels_get(&work->facts.matches, name);
	work->from_expr = work->from_expr || value;
	return value;
}

static const char *first_value(struct signal_work *work, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *value = signal_value(work, names[i]);
		if (value)
			return value;
	}
	return NULL;
}

#define FIRST_VALUE(work, ...)                                                                     \
	first_value(work, (const char *const[]){ __VA_ARGS__ },                                    \
		    ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })))

static bool is_known_service(const struct signal_work *work, const char *service)
{
	return *service && ((work->rules && rules_knows_service(work->rules, service)) ||
			    (work->known && work->known(work->ctx, service)));
}

/* gRPC libraries for Java call it service, too: shop.v1.Ledger. */
static bool is_rpc_service(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && isupper((unsigned char)dot[1]);
}

/* ---- the service ---- */

/* The service of "outbound|80||cart.shop.svc.cluster.local" or "cart.shop.svc"; NULL: the mesh
 * says that it does not know. */
static const char *host_service(struct arena *arena, const char *host)
{
	static const char *const nobody[] = { "unknown", "PassthroughCluster", "BlackHoleCluster",
					      "InboundPassthroughCluster", "agent" };
	const char *bar = strrchr(host, '|');

	host = bar ? bar + 1 : host;
	for (size_t i = 0; i < ARRAY_LEN(nobody); i++)
		if (strncasecmp(host, nobody[i], strlen(nobody[i])) == 0)
			return NULL;
	return arena_strndup(arena, host, strcspn(host, ".:"));
}

/* Take a job as the service: "namespace/name" or "name" where OpenTelemetry's translation to
 * Prometheus wrote it, and any text elsewhere. */
static bool signal_use_job(struct signal_work *work, const char *job, bool must_be_known)
{
	const char *slash = strchr(job, '/');
	const char *name = slash ? slash + 1 : job;
	/* An operation beside the job says that it is about requests, where no source can tell. */
	bool enough = !must_be_known || (work->signal.operation && !work->known);

	if (is_known_service(work, name) || (enough && *name && !is_scraper_name(job))) {
		work->signal.service = name;
		if (slash && !work->signal.namespace)
			work->signal.namespace =
				arena_strndup(work->arena, job, (size_t)(slash - job));
	} else if (slash && is_known_service(work, job)) {
		work->signal.service = job;
	}
	return work->signal.service != NULL;
}

/* Take the value of a label as the service, if the label may be trusted so far. */
static bool signal_use_label(struct signal_work *work, const struct service_label *label,
			     const char *value)
{
	if (!value || strcmp(value, "unknown") == 0)
		return false;
	switch (label->trust) {
	case TRUST_ALWAYS:
		work->signal.service = value;
		break;
	case TRUST_TARGET:
		if (!is_rpc_service(value) &&
		    (!is_scraper_name(value) || is_known_service(work, value)))
			work->signal.service = value;
		break;
	case TRUST_BACKEND:
		/* Traefik's is shop-cart-80@kubernetes. */
		if (!strpbrk(value, "@._/:") && !is_scraper_name(value))
			work->signal.service = value;
		break;
	case TRUST_KNOWN:
		if (is_known_service(work, value))
			work->signal.service = value;
		break;
	case TRUST_JOB:
	case TRUST_JOB_KNOWN:
		return signal_use_job(work, value, label->trust == TRUST_JOB_KNOWN);
	case TRUST_HOST:
		work->signal.service = host_service(work->arena, value);
		break;
	}
	return work->signal.service && *work->signal.service;
}

/* A service graph's edge: the server, unless it is a database, a queue or somebody without spans,
 * of which the caller tells. */
static void signal_use_edge(struct signal_work *work)
{
	const char *client = signal_value(work, "client");
	const char *server = signal_value(work, "server");
	const char *type = signal_value(work, "connection_type");
	bool unseen =
		type && (strcmp(type, "database") == 0 || (strcmp(type, "virtual_node") == 0 &&
							   client && strcmp(client, "user") != 0));

	work->signal.service = server && !unseen ? server : client;
}

static const struct service_labels *labels_of_family(enum metric_family family)
{
	for (size_t i = 0; i < ARRAY_LEN(service_labels); i++)
		if (service_labels[i].family == family)
			return &service_labels[i];
	return NULL;
}

/* Senders write names as they like: "Users" of the service that the rules call "users". */
static void signal_fit_case(struct signal_work *work)
{
	const char *service = work->signal.service;

	if (!service || !work->rules || rules_knows_service(work->rules, service))
		return;
	char *small = arena_strdup(work->arena, service);
	for (char *c = small; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (rules_knows_service(work->rules, small))
		work->signal.service = small;
}

static void signal_find_service(struct signal_work *work)
{
	const struct service_labels *labels = labels_of_family(work->facts.family);

	if (work->facts.family == FAMILY_EDGE) {
		signal_use_edge(work);
		return;
	}
	for (size_t i = 0; labels && i < labels->n; i++) {
		const struct service_label *label = &labels->at[i];
		if (signal_use_label(work, label, labels_get(&work->facts.labels, label->name)))
			return;
		if (signal_use_label(work, label, labels_get(&work->facts.matches, label->name))) {
			work->from_expr = true;
			return;
		}
	}
}

/* ---- the operation ---- */

/* The method in capitals, as spans have it; NULL: it is none. */
static const char *signal_http_method(struct signal_work *work)
{
	static const char *const verbs[] = { "GET",  "POST",	"PUT",	 "DELETE",  "PATCH",
					     "HEAD", "OPTIONS", "TRACE", "CONNECT", "QUERY" };
	const char *method = FIRST_VALUE(work, "http_request_method", "http_method", "method",
					 "verb", "request_method");

	for (size_t i = 0; method && i < ARRAY_LEN(verbs); i++)
		if (strcasecmp(method, verbs[i]) == 0)
			return verbs[i];
	return NULL;
}

/* HTTP metrics have method and route in two labels; a server span's name is "POST /orders". */
static const char *signal_http_operation(struct signal_work *work)
{
	static const char *const names[] = { "http_route", "route", "uri",	"rt_route",
					     "handler",	   "path",  "endpoint", "http_path" };
	const char *route = NULL;

	/* Elsewhere these are names of functions and ports, and Micrometer's "UNKNOWN". */
	for (size_t i = 0; i < ARRAY_LEN(names) && !route; i++) {
		bool before = work->from_expr;
		route = signal_value(work, names[i]);
		if (route && i > 0 && !strchr(route, '/')) {
			route = NULL;
			work->from_expr = before;
		}
	}
	if (!route || strchr(route, ' '))
		return route;
	const char *method = signal_http_method(work);
	return method ? arena_printf(work->arena, "%s %s", method, route) : route;
}

/* A gRPC span's name is "shop.v1.Ledger/Post"; the method alone is nobody's name. */
static const char *signal_rpc_operation(struct signal_work *work)
{
	const char *method = FIRST_VALUE(work, "rpc_method", "grpc_method");
	const char *service = FIRST_VALUE(work, "rpc_service", "grpc_service");
	const char *other = labels_get(&work->facts.labels, "service");

	if (!service && other && is_rpc_service(other)) {
		service = other;
		method = method ? method : labels_get(&work->facts.labels, "method");
	}
	if (!method || strchr(method, '/'))
		return method;
	return service ? arena_printf(work->arena, "%s/%s", service, method) : NULL;
}

/* Is an HTTP route beside such a metric that of the service's own server? */
static bool family_has_routes(enum metric_family family)
{
	return family == FAMILY_NONE || family == FAMILY_SERVER || family == FAMILY_SPANS ||
	       family == FAMILY_TRACES;
}

static void signal_find_operation(struct signal_work *work)
{
	const enum metric_family family = work->facts.family;
	bool before = work->from_expr;

	if (family == FAMILY_INFRA || family == FAMILY_UNKNOWN || family == FAMILY_PROXY)
		return;
	work->signal.operation = signal_value(work, "span_name");
	work->whole_name = work->signal.operation != NULL;
	/* Datadog's operation_name is a kind of span ("http.request"), its resource_name is what
	 * others call the operation. */
	if (!work->signal.operation)
		work->signal.operation =
			FIRST_VALUE(work, "resource_name", "operation", "operation_name");
	if (!work->signal.operation && family_has_routes(family))
		work->signal.operation = signal_http_operation(work);
	if (!work->signal.operation) {
		work->signal.operation = signal_rpc_operation(work);
		work->whole_name = work->signal.operation != NULL;
	}
	if (!work->signal.operation)
		work->from_expr = before;
}

/* ---- the callee ---- */

/* Are the metric's series about calls, as far as the metric or its labels say? */
static bool is_about_calls(struct signal_work *work)
{
	const char *kind;

	if (work->facts.family == FAMILY_CLIENT)
		return true;
	if (work->facts.family != FAMILY_SPANS)
		return false;
	kind = FIRST_VALUE(work, "span_kind");
	return kind && (strcasestr(kind, "client") || strcasestr(kind, "producer"));
}

/* The callee of the calls that the alert is about. server_address and its like are the callee's on
 * a client's metric only: on a server's they are its own. */
static void signal_find_callee(struct signal_work *work)
{
	bool before = work->from_expr;
	const char *callee = is_about_calls(work)
				     ? FIRST_VALUE(work, "peer_service", "server_address",
						   "net_peer_name", "destination_service_name",
						   "destination_service", "destination_workload",
						   "client_name", "rpc_service", "grpc_service")
				     : NULL;

	work->from_expr = before;
	if (callee && *callee && strcmp(callee, "unknown") != 0)
		work->signal.callee = callee;
}

bool decide_signal(struct arena *arena, const struct alert *alert, const struct ruleset *rules,
		   bool (*known)(void *ctx, const char *service), void *ctx,
		   struct rule_trail *trail, struct signal *ret_signal,
		   const struct signal_rule **ret_rule)
{
	const struct signal_rule *rule = rules ? rules_signal(rules, &alert->labels, trail) : NULL;

	if (ret_rule)
		*ret_rule = rule;
	if (rule) {
		*ret_signal = rule->signal;
		ret_signal->from = "rule";
		return true;
	}
	struct signal_work work = { .arena = arena, .rules = rules, .known = known, .ctx = ctx };
	signal_facts_collect(arena, alert, &work.facts);
	if (work.facts.family == FAMILY_INFRA)
		return false;
	signal_find_operation(&work);
	/* Not the label "namespace": on Kubernetes it is the pod's, which spans do not carry. */
	work.signal.namespace = labels_get(&work.facts.labels, "service_namespace");
	signal_find_service(&work);
	signal_fit_case(&work);
	signal_find_callee(&work);
	if (!work.signal.service && !work.whole_name)
		return false;
	work.signal.from = work.from_expr ? "expression" : "label";
	work.signal.mode = WALK_AUTO;
	*ret_signal = work.signal;
	return true;
}

const char *signal_subject(struct arena *arena, const struct alert *alert,
			   const struct ruleset *rules)
{
	static const char *const names[] = { "service_name", "deployment", "k8s_deployment_name",
					     "statefulset",  "daemonset",  "application",
					     "app",	     "container",  "service" };
	struct signal_facts facts;

	signal_facts_collect(arena, alert, &facts);
	const struct labels *const places[] = { &facts.labels, &facts.matches };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		for (size_t k = 0; k < ARRAY_LEN(places); k++) {
			const char *value = labels_get(places[k], names[i]);
			if (value && rules_knows_service(rules, value))
				return value;
		}
	return NULL;
}
