/* Tests of decide_signal(): from an alert's labels or a rule to the alert's operation. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/decide.h"
#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

static struct arena *arena;
static struct ruleset *rules;

static const char rules_text[] = "teams: {shop: {escalation: shop}}\n"
				 "pagers: {out: {kind: console}}\n"
				 "escalations: {shop: {steps: [{page: [out]}]}}\n"
				 "services: {ledger: {owner: shop}}\n"
				 "signals:\n"
				 "  place_order:\n"
				 "    alerts: {alertname: OrdersFail}\n"
				 "    span: {service: checkout, operation: \"POST /orders\"}\n"
				 "    mode: latency\n"
				 "fallback: {team: shop}\n";

static void setup(void)
{
	struct findings findings = { 0 };

	arena = arena_new(1 << 20);
	ck_assert_int_eq(
		rules_parse("rules.yaml", rules_text, strlen(rules_text), false, &rules, &findings),
		0);
	findings_fini(&findings);
}

static void teardown(void)
{
	rules_unref(rules);
	arena_free(arena);
}

/* An alert with these labels: name, value, name, value … */
static struct alert *alert_with(const char *const *texts, size_t n)
{
	struct alert *alert = arena_alloc(arena, sizeof(*alert));

	alert->family = "prometheus";
	alert->labels.at = arena_array(arena, n / 2, sizeof(struct label));
	alert->labels.n = n / 2;
	for (size_t i = 0; i < n / 2; i++)
		alert->labels.at[i] = (struct label){ texts[2 * i], texts[2 * i + 1] };
	labels_normalise(&alert->labels);
	return alert;
}

#define ALERT(...)                                                                                 \
	alert_with((const char *const[]){ __VA_ARGS__ },                                           \
		   sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static bool knows_shipping(void *ctx, const char *service)
{
	(*(unsigned int *)ctx)++;
	return strcmp(service, "shipping") == 0;
}

START_TEST(rule_comes_first)
{
	const struct signal_rule *rule = NULL;
	struct signal signal = { 0 };

	ck_assert(decide_signal(arena, ALERT("alertname", "OrdersFail", "service", "payment"),
				rules, NULL, NULL, NULL, &signal, &rule));
	ck_assert_ptr_nonnull(rule);
	ck_assert_str_eq(rule->name, "place_order");
	ck_assert_str_eq(signal.service, "checkout");
	ck_assert_str_eq(signal.operation, "POST /orders");
	ck_assert_str_eq(signal.from, "rule");
	ck_assert_int_eq(signal.mode, WALK_LATENCY);
}
END_TEST

/* Labels of span metrics and HTTP metrics; then the service, namespace and operation to be found.
 */
static const struct {
	const char *labels[10];
	size_t n;
	const char *service, *namespace, *operation;
} found[] = {
	{ { "service", "cart", "service_name", "other" }, 4, "cart", NULL, NULL },
	{ { "service_name", "cart", "span_name", "GET /cart" }, 4, "cart", NULL, "GET /cart" },
	{ { "service.name", "cart", "operation", "GET /cart" }, 4, "cart", NULL, "GET /cart" },
	{ { "service", "cart", "http_route", "/cart/{id}", "http_request_method", "PUT" },
	  6,
	  "cart",
	  NULL,
	  "PUT /cart/{id}" },
	{ { "service", "cart", "http_route", "/cart/{id}" }, 4, "cart", NULL, "/cart/{id}" },
	/* Datadog's operation_name is no operation. */
	{ { "service", "cart", "operation_name", "http.request", "resource_name", "GET /cart" },
	  6,
	  "cart",
	  NULL,
	  "GET /cart" },
	/* The rules call it ledger. */
	{ { "service", "Ledger" }, 2, "ledger", NULL, NULL },
	{ { "service", "cart", "span_name", "AddItem", "http_route", "/cart" },
	  6,
	  "cart",
	  NULL,
	  "AddItem" },
	{ { "service", "cart", "service_namespace", "shop" }, 4, "cart", "shop", NULL },
	/* The label namespace is the pod's, not the service's. */
	{ { "service", "cart", "namespace", "production" }, 4, "cart", NULL, NULL },
	/* The rules know ledger, known() knows shipping. */
	{ { "job", "ledger" }, 2, "ledger", NULL, NULL },
	{ { "job", "shop/ledger" }, 2, "ledger", "shop", NULL },
	{ { "job", "shop/shipping" }, 2, "shipping", "shop", NULL },
	{ { "job", "node-exporter", "service", "cart" }, 4, "cart", NULL, NULL },
	/* A span's name can be searched for without a service. */
	{ { "job", "node-exporter", "span_name", "GET /cart" }, 4, NULL, NULL, "GET /cart" },
	{ { "service", "otel-collector", "exported_service", "cart" }, 4, "cart", NULL, NULL },
	{ { "service", "kps-kube-state-metrics", "app", "cart" }, 4, "cart", NULL, NULL },
	/* Events name machines as often as services: those that are known count. */
	{ { "component", "ledger", "source", "web1" }, 4, "ledger", NULL, NULL },
	{ { "component", "mysql", "source", "shipping" }, 4, "shipping", NULL, NULL },
};

static void assert_same(const char *have, const char *want)
{
	if (want)
		ck_assert_str_eq(have, want);
	else
		ck_assert_msg(!have || !*have, "%s, but nothing was wanted", have);
}

START_TEST(labels_make_a_signal)
{
	const struct signal_rule *rule = NULL;
	struct signal signal = { 0 };
	unsigned int asked = 0;

	ck_assert(decide_signal(arena, alert_with(found[_i].labels, found[_i].n), rules,
				knows_shipping, &asked, NULL, &signal, &rule));
	ck_assert_ptr_null(rule);
	assert_same(signal.service, found[_i].service);
	assert_same(signal.namespace, found[_i].namespace);
	assert_same(signal.operation, found[_i].operation);
	ck_assert_str_eq(signal.from, "label");
	ck_assert_int_eq(signal.mode, WALK_AUTO);
}
END_TEST

static const struct {
	const char *labels[6];
	size_t n;
} not_found[] = {
	{ { "alertname", "DiskFull", "instance", "db-1" }, 4 },
	{ { "job", "node-exporter" }, 2 },
	{ { "job", "monitoring/node-exporter", "namespace", "shop" }, 4 },
	{ { "job", "apiserver", "operation", "LIST" }, 4 },
	{ { "job", "shop/" }, 2 },
	{ { "component", "mysql", "source", "web1" }, 4 },
};

START_TEST(other_alerts_have_none)
{
	struct signal signal = { .service = "untouched" };
	unsigned int asked = 0;

	ck_assert(!decide_signal(arena, alert_with(not_found[_i].labels, not_found[_i].n), rules,
				 knows_shipping, &asked, NULL, &signal, NULL));
	ck_assert_str_eq(signal.service, "untouched");
}
END_TEST

START_TEST(job_counts_beside_an_operation_when_nobody_can_be_asked)
{
	struct signal signal = { 0 };

	ck_assert(decide_signal(arena, ALERT("job", "shop/cart", "http_route", "/cart"), NULL, NULL,
				NULL, NULL, &signal, NULL));
	ck_assert_str_eq(signal.service, "cart");
	ck_assert_str_eq(signal.namespace, "shop");
	ck_assert_str_eq(signal.operation, "/cart");
	ck_assert(
		!decide_signal(arena, ALERT("job", "cart"), NULL, NULL, NULL, NULL, &signal, NULL));
}
END_TEST

START_TEST(known_is_asked_only_for_a_job)
{
	struct signal signal = { 0 };
	unsigned int asked = 0;

	ck_assert(decide_signal(arena, ALERT("service", "cart"), rules, knows_shipping, &asked,
				NULL, &signal, NULL));
	ck_assert_uint_eq(asked, 0);
	ck_assert(!decide_signal(arena, ALERT("job", "tax"), rules, knows_shipping, &asked, NULL,
				 &signal, NULL));
	ck_assert_uint_eq(asked, 1);
}
END_TEST

/* Alerts with the expression of their rule; then the service and operation to be found. NULL and
 * NULL: there is no signal. */
static const struct {
	const char *expr;
	const char *labels[12];
	size_t n;
	const char *service, *operation, *from;
} expressions[] = {
	/* Aggregation dropped the labels: the expression has them. */
	{ "sum(rate(http_requests_total{service=\"cart\",path=\"/cart\",method=\"post\"}[5m])) > 1",
	  { "severity", "page" },
	  2,
	  "cart",
	  "POST /cart",
	  "expression" },
	{ "sum by (service) (rate(http_requests_total{code=\"500\"}[5m])) > 1",
	  { "service", "cart" },
	  2,
	  "cart",
	  NULL,
	  "label" },
	/* A label of the alert says more than the expression. */
	{ "rate(calls_total{service_name=~\"cart|tax\"}[5m]) > 1",
	  { "service_name", "tax" },
	  2,
	  "tax",
	  NULL,
	  "label" },
	{ "sum(rate(calls_total{service_name=~\"cart|tax\"}[5m])) > 1",
	  { 0 },
	  0,
	  NULL,
	  NULL,
	  NULL },
	{ "sum(rate(calls_total{service_name=\"a\"}[5m])) - "
	  "sum(rate(calls_total{service_name=\"b\"}"
	  "[5m])) > 1",
	  { 0 },
	  0,
	  NULL,
	  NULL,
	  NULL },
	/* Guards and exclusions name nobody. */
	{ "sum(rate(http_requests_total[5m])) > 1 unless on() deploy{service=\"cart\"}",
	  { 0 },
	  0,
	  NULL,
	  NULL,
	  NULL },
	{ "sum(rate(http_requests_total[5m])) > 1 and on() "
	  "sum(rate(http_requests_total{job=\"a\"}[5m]))",
	  { 0 },
	  0,
	  NULL,
	  NULL,
	  NULL },
	/* The scrape target's labels speak of a service where the metric is about requests. */
	{ "rate(http_requests_total[5m]) > 1", { "job", "shop/cart" }, 2, "cart", NULL, "label" },
	{ "rate(http_requests_total[5m]) > 1", { "job", "otel-collector" }, 2, NULL, NULL, NULL },
	{ "kube_pod_status_ready == 0",
	  { "service", "kps-kube-state-metrics", "job", "kube-state-metrics", "pod", "cart-1" },
	  6,
	  NULL,
	  NULL,
	  NULL },
	{ "node_load1 > 5", { "service", "cart", "job", "ledger" }, 4, NULL, NULL, NULL },
	{ "queue_depth > 5", { "service", "cart", "job", "cart" }, 4, NULL, NULL, NULL },
	{ "queue_depth > 5", { "service", "ledger" }, 2, "ledger", NULL, "label" },
	{ "increase(orders_failed_total[5m]) > 1",
	  { "service", "orders" },
	  2,
	  "orders",
	  NULL,
	  "label" },
	{ "cluster_quantile:apiserver_request_duration_seconds:p99 > 1",
	  { "job", "ledger" },
	  2,
	  NULL,
	  NULL,
	  NULL },
	/* Prometheus renames the application's own label where the target has one of that name. */
	{ "rate(http_server_duration_count[5m]) > 1",
	  { "exported_job", "shop/cart", "job", "otel-collector" },
	  4,
	  "cart",
	  NULL,
	  "label" },
	/* gRPC: a span's name is service/method, a method alone is none. */
	{ "rate(grpc_server_handled_total[5m]) > 1",
	  { "job", "cart", "grpc_service", "shop.v1.Cart", "grpc_method", "Add" },
	  6,
	  "cart",
	  "shop.v1.Cart/Add",
	  "label" },
	{ "rate(grpc_server_handled_total[5m]) > 1",
	  { "job", "cart", "grpc_method", "Add" },
	  4,
	  "cart",
	  NULL,
	  "label" },
	{ "rate(rpc_server_duration_count{rpc_service=\"a.B\",rpc_method=\"C\"}[5m]) > 1",
	  { 0 },
	  0,
	  NULL,
	  "a.B/C",
	  "expression" },
	/* A client's route is the callee's. */
	{ "rate(http_client_requests_seconds_count[5m]) > 1",
	  { "application", "web", "uri", "/cart", "method", "GET" },
	  6,
	  "web",
	  NULL,
	  "label" },
	/* Routes have a slash; ports and functions have none. */
	{ "rate(http_requests_total[5m]) > 1",
	  { "app", "cart", "endpoint", "http", "uri", "UNKNOWN", "handler", "/cart" },
	  8,
	  "cart",
	  "/cart",
	  "label" },
	/* Meshes, proxies and service graphs. */
	{ "rate(istio_requests_total{destination_app=\"cart\"}[5m]) > 1",
	  { "destination_workload", "cart-v2", "app", "gateway" },
	  4,
	  "cart",
	  NULL,
	  "expression" },
	{ "rate(istio_requests_total[5m]) > 1",
	  { "destination_service_name", "PassthroughCluster" },
	  2,
	  NULL,
	  NULL,
	  NULL },
	{ "rate(envoy_cluster_upstream_rq_timeout[5m]) > 1",
	  { "envoy_cluster_name", "outbound|80||cart.shop.svc", "job", "edge" },
	  4,
	  "cart",
	  NULL,
	  "label" },
	{ "rate(nginx_ingress_controller_requests[5m]) > 1",
	  { "exported_service", "cart", "service", "nginx", "path", "/x" },
	  6,
	  "cart",
	  NULL,
	  "label" },
	{ "rate(traefik_service_requests_total[5m]) > 1",
	  { "exported_service", "shop-cart-80@kubernetes" },
	  2,
	  NULL,
	  NULL,
	  NULL },
	{ "rate(traces_service_graph_request_failed_total[5m]) > 1",
	  { "client", "web", "server", "cart" },
	  4,
	  "cart",
	  NULL,
	  "label" },
	{ "rate(traces_service_graph_request_failed_total{connection_type=\"database\"}[5m]) > 1",
	  { "client", "web", "server", "pg" },
	  4,
	  "web",
	  NULL,
	  "expression" },
	/* Sloth and Pyrra. */
	{ "slo:sli_error:ratio_rate5m{sloth_service=\"cart\"} > 1",
	  { "sloth_service", "cart" },
	  2,
	  "cart",
	  NULL,
	  "label" },
	{ "http_requests:burnrate5m{job=\"cart\",slo=\"x\"} > 1",
	  { "slo", "x" },
	  2,
	  "cart",
	  NULL,
	  "expression" },
	/* Logs and TraceQL. */
	{ "sum(rate({app=\"cart\"} |= \"error\" [5m])) > 1", { 0 }, 0, "cart", NULL, "expression" },
	{ "{ resource.service.name=\"cart\" && name=\"GET /\" } | rate()",
	  { 0 },
	  0,
	  "cart",
	  "GET /",
	  "expression" },
	{ "{ status=error } | rate() by (resource.service.name)",
	  { "resource.service.name", "\"cart\"", "span.http.route", "\"/x\"" },
	  4,
	  "cart",
	  "/x",
	  "label" },
	/* A span's name beside a metric that has none is the rule's own label. */
	{ "up", { "service", "cart", "span_name", "GET /" }, 4, "cart", "GET /", "label" },
	/* An expression that cannot be read leaves the labels. */
	{ "WITH (x = 1) x", { "service", "cart" }, 2, "cart", NULL, "label" },
};

START_TEST(the_expression_tells_what_the_alert_is_about)
{
	struct alert *alert = alert_with(expressions[_i].labels, expressions[_i].n);
	struct label expr = { "expr", expressions[_i].expr };
	struct signal signal = { 0 };
	unsigned int asked = 0;

	alert->annotations = (struct labels){ &expr, 1 };
	bool has_signal =
		decide_signal(arena, alert, rules, knows_shipping, &asked, NULL, &signal, NULL);
	ck_assert_msg(has_signal == (expressions[_i].from != NULL), "%s", expr.value);
	if (!has_signal)
		return;
	assert_same(signal.service, expressions[_i].service);
	assert_same(signal.operation, expressions[_i].operation);
	ck_assert_str_eq(signal.from, expressions[_i].from);
}
END_TEST

/* The callee of an alert with this expression and label; NULL: none. */
static const char *callee_of(const char *metric, const char *label, const char *value)
{
	struct alert *alert = ALERT("service_name", "cart", label, value);
	struct label expr = { "expr", arena_printf(arena, "rate(%s[5m]) > 1", metric) };
	struct signal signal = { 0 };

	alert->annotations = (struct labels){ &expr, 1 };
	ck_assert(decide_signal(arena, alert, rules, NULL, NULL, NULL, &signal, NULL));
	ck_assert_str_eq(signal.service, "cart");
	return signal.callee;
}

START_TEST(a_metric_of_calls_names_the_callee)
{
	assert_same(
		callee_of("http_client_request_duration_seconds_count", "server_address", "users"),
		"users");
	assert_same(callee_of("rpc_client_duration_count", "rpc_service", "shop.Users"),
		    "shop.Users");
	assert_same(
		callee_of("calls_total{span_kind=\"SPAN_KIND_CLIENT\"}", "peer_service", "users"),
		"users");
	/* On a server's metric the address is the server's own. */
	assert_same(
		callee_of("http_server_request_duration_seconds_count", "server_address", "users"),
		NULL);
	assert_same(
		callee_of("calls_total{span_kind=\"SPAN_KIND_SERVER\"}", "peer_service", "users"),
		NULL);
	assert_same(callee_of("http_client_request_duration_seconds_count", "pod", "users"), NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signal");
	TCase *tcase = tcase_create("signal");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, rule_comes_first);
	tcase_add_loop_test(tcase, labels_make_a_signal, 0, sizeof(found) / sizeof(found[0]));
	tcase_add_loop_test(tcase, other_alerts_have_none, 0,
			    sizeof(not_found) / sizeof(not_found[0]));
	tcase_add_loop_test(tcase, the_expression_tells_what_the_alert_is_about, 0,
			    ARRAY_LEN(expressions));
	tcase_add_test(tcase, job_counts_beside_an_operation_when_nobody_can_be_asked);
	tcase_add_test(tcase, a_metric_of_calls_names_the_callee);
	tcase_add_test(tcase, known_is_asked_only_for_a_job);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
