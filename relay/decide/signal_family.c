/*
 * Families: what a metric is about, by its name. Only metrics about requests, calls and spans make
 * the labels service and job speak of a traced service: of all others these labels name the target
 * that was scraped (kube-state-metrics, an exporter, the collector). Pure; owns nothing.
 */
#include <string.h>
#include <strings.h>

#include "signal-internal.h"
#include "tracepager/xalloc.h"

/* Names that begin so. The first row that fits counts, so that kubelet_http_requests_total is the
 * kubelet's, although it counts requests. */
static const struct family_row {
	const char *prefix;
	enum metric_family family;
} families[] = {
	/* Exporters' and proxies' metrics that are about somebody's requests. */
	{ "traces_service_graph_", FAMILY_EDGE },
	{ "traces_spanmetrics_", FAMILY_SPANS },
	{ "traces_span_metrics_", FAMILY_SPANS },
	{ "span_metrics_", FAMILY_SPANS },
	{ "spanmetrics_", FAMILY_SPANS },
	{ "calls_total", FAMILY_SPANS },
	{ "duration_milliseconds", FAMILY_SPANS },
	{ "duration_seconds", FAMILY_SPANS },
	{ "latency_bucket", FAMILY_SPANS },
	{ "istio_request", FAMILY_MESH },
	{ "istio_response", FAMILY_MESH },
	{ "istio_tcp_", FAMILY_MESH },
	{ "envoy_cluster_upstream_rq", FAMILY_ENVOY },
	{ "envoy_cluster_upstream_cx", FAMILY_ENVOY },
	{ "nginx_ingress_controller_request", FAMILY_PROXY },
	{ "nginx_ingress_controller_response", FAMILY_PROXY },
	{ "nginx_ingress_controller_ingress_upstream", FAMILY_PROXY },
	{ "traefik_service_", FAMILY_PROXY },
	{ "haproxy_backend_", FAMILY_PROXY },
	{ "haproxy_server_", FAMILY_PROXY },
	{ "kong_", FAMILY_PROXY },
	{ "apisix_", FAMILY_PROXY },
	{ "ambassador_", FAMILY_PROXY },
	{ "gloo_", FAMILY_PROXY },
	{ "contour_", FAMILY_PROXY },
	{ "hubble_", FAMILY_PROXY },
	/* A service's own client spans. */
	{ "http_client_", FAMILY_CLIENT },
	{ "grpc_client_", FAMILY_CLIENT },
	{ "rpc_client_", FAMILY_CLIENT },
	{ "db_client_", FAMILY_CLIENT },
	{ "messaging_", FAMILY_CLIENT },
	{ "gen_ai_client_", FAMILY_CLIENT },
	/* Hosts, containers, Kubernetes. */
	{ "node_", FAMILY_INFRA },
	{ "windows_", FAMILY_INFRA },
	{ "wmi_", FAMILY_INFRA },
	{ "system_", FAMILY_INFRA },
	{ "smartctl_", FAMILY_INFRA },
	{ "ipmi_", FAMILY_INFRA },
	{ "snmp_", FAMILY_INFRA },
	{ "container_", FAMILY_INFRA },
	{ "machine_", FAMILY_INFRA },
	{ "cadvisor_", FAMILY_INFRA },
	{ "kube_", FAMILY_INFRA },
	{ "kubelet_", FAMILY_INFRA },
	{ "kubeproxy_", FAMILY_INFRA },
	{ "kubernetes_", FAMILY_INFRA },
	{ "k8s_", FAMILY_INFRA },
	{ "apiserver_", FAMILY_INFRA },
	{ "aggregator_unavailable_", FAMILY_INFRA },
	{ "rest_client_", FAMILY_INFRA },
	{ "workqueue_", FAMILY_INFRA },
	{ "scheduler_", FAMILY_INFRA },
	{ "controller_runtime_", FAMILY_INFRA },
	{ "etcd_", FAMILY_INFRA },
	{ "coredns_", FAMILY_INFRA },
	{ "cluster_autoscaler_", FAMILY_INFRA },
	{ "karpenter_", FAMILY_INFRA },
	{ "keda_", FAMILY_INFRA },
	{ "storage_operation_", FAMILY_INFRA },
	{ "volume_manager_", FAMILY_INFRA },
	{ "cilium_", FAMILY_INFRA },
	{ "calico_", FAMILY_INFRA },
	{ "felix_", FAMILY_INFRA },
	{ "nomad_", FAMILY_INFRA },
	{ "docker_", FAMILY_INFRA },
	{ "engine_daemon_", FAMILY_INFRA },
	{ "certmanager_", FAMILY_INFRA },
	{ "external_dns_", FAMILY_INFRA },
	{ "velero_", FAMILY_INFRA },
	{ "argocd_", FAMILY_INFRA },
	{ "gotk_", FAMILY_INFRA },
	{ "flux_", FAMILY_INFRA },
	{ "vault_", FAMILY_INFRA },
	{ "consul_", FAMILY_INFRA },
	{ "longhorn_", FAMILY_INFRA },
	{ "ceph_", FAMILY_INFRA },
	{ "rook_", FAMILY_INFRA },
	{ "minio_", FAMILY_INFRA },
	{ "jenkins_", FAMILY_INFRA },
	{ "gitlab_runner_", FAMILY_INFRA },
	{ "aws_", FAMILY_INFRA },
	{ "stackdriver_", FAMILY_INFRA },
	{ "azure_", FAMILY_INFRA },
	/* The process that is scraped, whatever it does. */
	{ "process_", FAMILY_INFRA },
	{ "go_", FAMILY_INFRA },
	{ "jvm_", FAMILY_INFRA },
	{ "tomcat_", FAMILY_INFRA },
	{ "jetty_threads_", FAMILY_INFRA },
	{ "hikaricp_", FAMILY_INFRA },
	{ "jdbc_connections_", FAMILY_INFRA },
	{ "executor_", FAMILY_INFRA },
	{ "logback_", FAMILY_INFRA },
	{ "log4j2_", FAMILY_INFRA },
	{ "nodejs_", FAMILY_INFRA },
	{ "python_", FAMILY_INFRA },
	{ "ruby_", FAMILY_INFRA },
	{ "puma_", FAMILY_INFRA },
	{ "dotnet_", FAMILY_INFRA },
	{ "phpfpm_", FAMILY_INFRA },
	{ "target_info", FAMILY_INFRA },
	/* Databases and caches. */
	{ "pg_", FAMILY_INFRA },
	{ "postgres_", FAMILY_INFRA },
	{ "postgresql_", FAMILY_INFRA },
	{ "pgbouncer_", FAMILY_INFRA },
	{ "cnpg_", FAMILY_INFRA },
	{ "mysql_", FAMILY_INFRA },
	{ "mysqld_", FAMILY_INFRA },
	{ "mssql_", FAMILY_INFRA },
	{ "oracledb_", FAMILY_INFRA },
	{ "mongodb_", FAMILY_INFRA },
	{ "redis_", FAMILY_INFRA },
	{ "memcached_", FAMILY_INFRA },
	{ "cassandra_", FAMILY_INFRA },
	{ "elasticsearch_", FAMILY_INFRA },
	{ "opensearch_", FAMILY_INFRA },
	{ "solr_", FAMILY_INFRA },
	{ "clickhouse", FAMILY_INFRA },
	{ "influxdb_", FAMILY_INFRA },
	{ "zookeeper_", FAMILY_INFRA },
	{ "patroni_", FAMILY_INFRA },
	{ "cockroachdb_", FAMILY_INFRA },
	{ "yugabyte_", FAMILY_INFRA },
	{ "tidb_", FAMILY_INFRA },
	{ "tikv_", FAMILY_INFRA },
	/* Queues. */
	{ "kafka_", FAMILY_INFRA },
	{ "burrow_", FAMILY_INFRA },
	{ "strimzi_", FAMILY_INFRA },
	{ "rabbitmq_", FAMILY_INFRA },
	{ "pulsar_", FAMILY_INFRA },
	{ "nats_", FAMILY_INFRA },
	{ "gnatsd_", FAMILY_INFRA },
	{ "jetstream_", FAMILY_INFRA },
	{ "activemq_", FAMILY_INFRA },
	{ "artemis_", FAMILY_INFRA },
	{ "celery_", FAMILY_INFRA },
	{ "flower_", FAMILY_INFRA },
	{ "sidekiq_", FAMILY_INFRA },
	/* What watches. */
	{ "scrape_", FAMILY_INFRA },
	{ "probe_", FAMILY_INFRA },
	{ "blackbox_", FAMILY_INFRA },
	{ "prometheus_", FAMILY_INFRA },
	{ "alertmanager_", FAMILY_INFRA },
	{ "pushgateway_", FAMILY_INFRA },
	{ "thanos_", FAMILY_INFRA },
	{ "cortex_", FAMILY_INFRA },
	{ "mimir_", FAMILY_INFRA },
	{ "loki_", FAMILY_INFRA },
	{ "promtail_", FAMILY_INFRA },
	{ "tempo_", FAMILY_INFRA },
	{ "tempodb_", FAMILY_INFRA },
	{ "traces_metrics_generator_", FAMILY_INFRA },
	{ "jaeger_", FAMILY_INFRA },
	{ "grafana_", FAMILY_INFRA },
	{ "otelcol_", FAMILY_INFRA },
	{ "otelcontribcol_", FAMILY_INFRA },
	{ "otelsvc_", FAMILY_INFRA },
	{ "agent_", FAMILY_INFRA },
	{ "alloy_", FAMILY_INFRA },
	{ "beyla_", FAMILY_INFRA },
	{ "fluentbit_", FAMILY_INFRA },
	{ "fluentd_", FAMILY_INFRA },
	{ "vector_", FAMILY_INFRA },
	{ "vm_", FAMILY_INFRA },
	{ "vmagent_", FAMILY_INFRA },
	{ "vmalert_", FAMILY_INFRA },
	{ "pyrra_", FAMILY_INFRA },
	{ "net_conntrack_", FAMILY_INFRA },
	/* Proxies about themselves. */
	{ "envoy_", FAMILY_INFRA },
	{ "istio_", FAMILY_INFRA },
	{ "pilot_", FAMILY_INFRA },
	{ "galley_", FAMILY_INFRA },
	{ "citadel_", FAMILY_INFRA },
	{ "nginx_", FAMILY_INFRA },
	{ "nginxexporter_", FAMILY_INFRA },
	{ "traefik_", FAMILY_INFRA },
	{ "haproxy_", FAMILY_INFRA },
	{ "caddy_", FAMILY_INFRA },
	{ "apache_", FAMILY_INFRA },
	{ "varnish_", FAMILY_INFRA },
	{ "squid_", FAMILY_INFRA },
};

/* Words of a name between underscores. */
static const char *const request_words[] = { "request",	  "requests", "req",	  "http",
					     "https",	  "grpc",     "rpc",	  "response",
					     "responses", "call",     "calls",	  "span",
					     "spans",	  "api",      "endpoint", "endpoints" };
static const char *const outcome_words[] = { "error",	 "errors",   "failed",	  "failure",
					     "failures", "failing",  "exception", "exceptions",
					     "timeout",	 "timeouts", "rejected",  "latency",
					     "duration", "sli",	     "success",	  "burnrate" };

static bool family_has_word(const char *name, size_t len, const char *const *words, size_t n)
{
	for (size_t at = 0; at < len; at++) {
		size_t word = 0;
		while (at + word < len && name[at + word] != '_' && name[at + word] != '.')
			word++;
		for (size_t i = 0; i < n; i++)
			if (strlen(words[i]) == word && strncasecmp(name + at, words[i], word) == 0)
				return true;
		at += word;
	}
	return false;
}

/* The family of one part between colons. */
static enum metric_family family_of_part(const char *name, size_t len)
{
	static const char *const client[] = { "client", "outbound", "outgoing" };

	/* Metrics of Prometheus itself, whose whole names these are. */
	if ((len == 2 && strncmp(name, "up", 2) == 0) ||
	    (len == 6 && strncmp(name, "ALERTS", 6) == 0))
		return FAMILY_INFRA;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		const size_t prefix = strlen(families[i].prefix);
		if (len >= prefix && strncasecmp(name, families[i].prefix, prefix) == 0)
			return families[i].family;
	}
	if (family_has_word(name, len, request_words, ARRAY_LEN(request_words)))
		return family_has_word(name, len, client, ARRAY_LEN(client)) ? FAMILY_CLIENT
									     : FAMILY_SERVER;
	return family_has_word(name, len, outcome_words, ARRAY_LEN(outcome_words)) ? FAMILY_OUTCOME
										   : FAMILY_UNKNOWN;
}

enum metric_family metric_family_of(const char *metric)
{
	enum metric_family family = FAMILY_UNKNOWN;
	char plain[256];
	size_t n = 0;

	/* UTF-8 names have dots. */
	for (; metric[n] && n < sizeof(plain) - 1; n++)
		plain[n] = metric[n] == '.' ? '_' : metric[n];
	plain[n] = '\0';
	for (const char *part = plain; *part; part += *part == ':') {
		size_t len = strcspn(part, ":");
		enum metric_family found = family_of_part(part, len);
		/* cluster_quantile:apiserver_request_duration_seconds: one part tells. */
		if (found == FAMILY_INFRA)
			return found;
		if (found > family)
			family = found;
		part += len;
	}
	return family;
}

bool is_scraper_name(const char *name)
{
	/* Parts of the names that the usual charts and scrape configurations give to targets. */
	static const char *const parts[] = {
		"exporter",	  "kube-state-metrics",
		"kubelet",	  "cadvisor",
		"prometheus",	  "otelcol",
		"otel-collector", "opentelemetry",
		"otel-agent",	  "alertmanager",
		"pushgateway",	  "blackbox",
		"apiserver",	  "kubernetes-",
		"kube-dns",	  "kube-proxy",
		"kube-scheduler", "kube-controller",
		"coredns",	  "istiod",
		"grafana-agent",  "vmagent",
		"telegraf",	  "fluent",
		"metrics-server", "actuator",
		"integrations/",  "node-problem",
		"federat",	  "beyla",
	};
	static const char *const ends[] = { "-metrics", "-collector", "-operator", "-monitoring" };
	static const char *const whole[] = { "metrics",	   "collector", "node",	  "envoy", "etcd",
					     "monitoring", "pods",	"static", "alloy", "job" };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (strcasestr(name, parts[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (strlen(name) > strlen(ends[i]) &&
		    strcasecmp(name + strlen(name) - strlen(ends[i]), ends[i]) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_LEN(whole); i++)
		if (strcasecmp(name, whole[i]) == 0)
			return true;
	return false;
}
