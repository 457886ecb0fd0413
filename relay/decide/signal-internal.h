/* Signal, inside the room: what kind of metric an alert is about, and the facts that it states. */
#ifndef TRACEPAGER_SIGNAL_INTERNAL_H
#define TRACEPAGER_SIGNAL_INTERNAL_H

#include <stdbool.h>

#include "tracepager/alert.h"
#include "tracepager/arena.h"
#include "tracepager/expr.h"

/* What the metric of an alert is about. It says which labels name a traced service. */
enum metric_family {
	FAMILY_NONE,	/* the expression is not known: labels only */
	FAMILY_UNKNOWN, /* nothing is known of the metric */
	FAMILY_INFRA,	/* hosts, pods, queues, databases, processes, monitoring: no traces */
	FAMILY_OUTCOME, /* errors or latency of something of the application's own */
	FAMILY_SERVER,	/* requests that a service handles */
	FAMILY_CLIENT,	/* requests that a service sends */
	FAMILY_SPANS,	/* span metrics */
	FAMILY_EDGE,	/* service graph: client and server */
	FAMILY_MESH,	/* Istio: source and destination */
	FAMILY_ENVOY,	/* Envoy's upstream clusters */
	FAMILY_PROXY,	/* ingress and load balancer: own names of backends */
	FAMILY_LOGS,	/* a log stream */
	FAMILY_TRACES,	/* TraceQL */
};

/* The family of a metric's name, recorded ones (level:metric:operation) included. */
enum metric_family metric_family_of(const char *metric);

/* What an alert states. Names are with _ for dots, and without exported_: the label that Prometheus
 * renamed so is the application's own, and replaces the scrape target's of that name. */
struct signal_facts {
	enum metric_family family;
	struct labels labels;  /* of the alert; exported_ ones under both names */
	struct labels matches; /* of the expression: conditions on which its value's side agrees */
};

/* Collect the facts of an alert. The arena keeps what is made. */
void signal_facts_collect(struct arena *arena, const struct alert *alert,
			  struct signal_facts *ret_facts);

/* Is it the name of what collects metrics (kube-state-metrics, otel-collector), not of a service
 * that sends traces? */
bool is_scraper_name(const char *name);

#endif
