/* Demo, shop: five faults, a trace and an alert for each, and the rules that say who owns what. */
#include "demo-internal.h"

#include <stdio.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

const char demo_rules[] =
	"teams:\n"
	"  storefront: {name: Storefront, escalation: storefront}\n"
	"  payments: {name: Payments, escalation: payments}\n"
	"  warehouse: {name: Warehouse, escalation: warehouse}\n"
	"  platform: {name: Platform, escalation: platform}\n"
	"  search: {name: Search, escalation: search}\n"
	"pagers:\n"
	"  storefront-console: {kind: console}\n"
	"  payments-console: {kind: console}\n"
	"  warehouse-console: {kind: console}\n"
	"  platform-console: {kind: console}\n"
	"  search-console: {kind: console}\n"
	"  search-lead: {kind: console}\n"
	"escalations:\n"
	"  storefront: {steps: [{page: [storefront-console], wait: 10m}]}\n"
	"  payments: {steps: [{page: [payments-console], wait: 10m}]}\n"
	"  warehouse: {steps: [{page: [warehouse-console], wait: 10m}]}\n"
	"  platform: {steps: [{page: [platform-console], wait: 15m}]}\n"
	"  search:\n"
	"    steps:\n"
	"      - {page: [search-console], wait: 1s}   # for the demo; yours wait for minutes\n"
	"      - {page: [search-lead], wait: 15m}\n"
	"services:\n"
	"  frontend: {owner: storefront}\n"
	"  checkout: {owner: storefront, dashboard: \"https://grafana.shop.example/d/checkout\"}\n"
	"  recommendations: {owner: storefront}\n"
	"  payment: {owner: payments, runbook: \"https://runbooks.shop.example/payment\"}\n"
	"  ledger: {owner: payments, runbook: \"https://runbooks.shop.example/ledger\"}\n"
	"  stock: {owner: warehouse}\n"
	"  shipping: {owner: warehouse}\n"
	"  orders-database: {owner: platform, peers: [\"postgresql/orders\"]}\n"
	"signals:\n"
	"  place_order:\n"
	"    alerts: {alertname: \"PlaceOrder*\"}\n"
	"    span: {service: frontend, operation: \"POST /orders\"}\n"
	"    owner: storefront\n"
	"routes:\n"
	"  - when: {alertname: DiskFull, instance: \"search*\"}\n"
	"    team: search\n"
	"fallback: {team: platform}\n"
	/* The last page tells the end of its incident: the default would hold it for 2 minutes. */
	"defaults: {resolve_hold: 0s}\n";

static const struct demo_span leaf_spans[] = {
	{ "a1", NULL, "frontend", "POST /orders", "server", 0, 182, "",
	  "http.response.status_code=500" },
	{ "a2", "a1", "frontend", "checkout.PlaceOrder", "client", 4, 171, "INTERNAL",
	  "rpc.method=PlaceOrder" },
	{ "a3", "a2", "checkout", "checkout.PlaceOrder", "server", 6, 167, "INTERNAL", NULL },
	{ "a4", "a3", "checkout", "GET /cart", "client", 9, 18, NULL, NULL },
	{ "a5", "a4", "cart", "GET /cart", "server", 11, 14, NULL, NULL },
	{ "a6", "a3", "checkout", "payment.Charge", "client", 30, 140, "INTERNAL", NULL },
	{ "a7", "a6", "payment", "payment.Charge", "server", 33, 134, "INTERNAL", NULL },
	{ "a8", "a7", "payment", "ledger.Book", "client", 41, 122, "INTERNAL", NULL },
	{ "a9", "a8", "ledger", "ledger.Book", "server", 44, 116, "journal is read-only", NULL },
};

static const struct demo_span retry_spans[] = {
	{ "b1", NULL, "frontend", "POST /orders", "server", 0, 930, "",
	  "http.response.status_code=500" },
	{ "b2", "b1", "checkout", "checkout.PlaceOrder", "server", 5, 918, "INTERNAL", NULL },
	{ "b3", "b2", "checkout", "GET /stock/reserve", "client", 12, 290, "503",
	  "http.request.resend_count=0" },
	{ "b4", "b3", "stock", "GET /stock/reserve", "server", 15, 284, "no warehouse answered",
	  NULL },
	{ "b5", "b2", "checkout", "GET /stock/reserve", "client", 310, 295, "503",
	  "http.request.resend_count=1" },
	{ "b6", "b5", "stock", "GET /stock/reserve", "server", 313, 289, "no warehouse answered",
	  NULL },
	{ "b7", "b2", "checkout", "GET /stock/reserve", "client", 620, 292, "503",
	  "http.request.resend_count=2" },
	{ "b8", "b7", "stock", "GET /stock/reserve", "server", 623, 286, "no warehouse answered",
	  NULL },
};

static const struct demo_span database_spans[] = {
	{ "c1", NULL, "frontend", "POST /orders", "server", 0, 64, "",
	  "http.response.status_code=500" },
	{ "c2", "c1", "checkout", "checkout.PlaceOrder", "server", 4, 57, "INTERNAL", NULL },
	{ "c3", "c2", "checkout", "INSERT orders", "client", 8, 51, "connection refused",
	  "db.system.name=postgresql db.namespace=orders server.address=orders-db.internal "
	  "server.port=5432" },
};

static const struct demo_span timeout_spans[] = {
	{ "d1", NULL, "frontend", "POST /orders", "server", 0, 3020, "",
	  "http.response.status_code=504" },
	{ "d2", "d1", "checkout", "checkout.PlaceOrder", "server", 5, 3010, "DEADLINE_EXCEEDED",
	  NULL },
	{ "d3", "d2", "checkout", "shipping.Quote", "client", 9, 3000, "DEADLINE_EXCEEDED", NULL },
	{ "d4", "d3", "shipping", "shipping.Quote", "server", 12, 8200, NULL, NULL },
	{ "d5", "d4", "shipping", "GET /addresses", "client", 20, 30, NULL, NULL },
	{ "d6", "d4", "shipping", "compute route", "internal", 60, 8100, NULL, NULL },
};

static const struct demo_span handled_spans[] = {
	{ "e1", NULL, "frontend", "POST /orders", "server", 0, 240, "",
	  "http.response.status_code=500" },
	{ "e2", "e1", "frontend", "GET /recommendations", "client", 3, 40, NULL, NULL },
	{ "e3", "e2", "recommendations", "GET /recommendations", "server", 5, 35, NULL, NULL },
	{ "e4", "e3", "recommendations", "GET profile", "client", 8, 12, "cache is cold",
	  "peer.service=profile-cache" },
	{ "e5", "e1", "checkout", "checkout.PlaceOrder", "server", 50, 185, "INTERNAL", NULL },
	{ "e6", "e5", "payment", "payment.Charge", "server", 60, 160,
	  "card processor rejected the certificate", NULL },
};

#define SPANS(array) array, ARRAY_LEN(array)

const struct demo_fault demo_faults[] = {
	{ "a failing leaf", "ledger cannot write; everything above it fails", "PlaceOrderErrors",
	  "severity=critical team=storefront trace_id=00000000000000000000000000000a01",
	  "5 % of orders fail", "00000000000000000000000000000a01", SPANS(leaf_spans) },
	{ "retries", "checkout calls stock three times, and every call fails", "PlaceOrderRetries",
	  "severity=critical team=storefront trace_id=00000000000000000000000000000b02",
	  "orders fail after retries", "00000000000000000000000000000b02", SPANS(retry_spans) },
	{ "a database without spans", "only its caller's span tells that it is down",
	  "PlaceOrderDatabase",
	  "severity=critical team=storefront trace_id=00000000000000000000000000000c03",
	  "orders cannot be written", "00000000000000000000000000000c03", SPANS(database_spans) },
	{ "a timeout", "shipping does not fail: it still works when checkout gives up",
	  "PlaceOrderTimeouts",
	  "severity=critical team=storefront trace_id=00000000000000000000000000000d04",
	  "orders time out", "00000000000000000000000000000d04", SPANS(timeout_spans) },
	{ "a handled failure beside the real one",
	  "recommendations failed too, but its caller handled that", "PlaceOrderPayments",
	  "severity=critical team=storefront trace_id=00000000000000000000000000000e05",
	  "payments are refused", "00000000000000000000000000000e05", SPANS(handled_spans) },
};
const size_t demo_nfaults = ARRAY_LEN(demo_faults);

/* No trace tells of a disk: a route names the team. */
const struct demo_fault demo_unanswered = {
	.name = "nobody answers",
	.story = "A disk of search is full, and nobody answers the first page",
	.alertname = "DiskFull",
	.labels = "severity=critical team=search job=node instance=search1:9100",
	.summary = "/var/lib/index has no room left",
};

static void write_jaeger_tag(struct buf *out, const char *key, const char *value)
{
	buf_puts(out, ",{\"key\":");
	buf_json_string(out, key);
	buf_puts(out, ",\"type\":\"string\",\"value\":");
	buf_json_string(out, value);
	buf_putc(out, '}');
}

/* Calls put() for each pair of "key=value key=value". */
static void each_pair(const char *pairs, struct buf *out,
		      void (*put)(struct buf *, const char *, const char *))
{
	while (pairs && *pairs) {
		size_t len = strcspn(pairs, " "), key = strcspn(pairs, "=");
		char name[128], value[128];
		snprintf(name, sizeof(name), "%.*s", (int)key, pairs);
		snprintf(value, sizeof(value), "%.*s", (int)(len - key - 1), pairs + key + 1);
		put(out, name, value);
		pairs += len + (pairs[len] == ' ');
	}
}

static void write_span(const struct demo_fault *fault, const struct demo_span *span,
		       int64_t start_us, struct buf *out)
{
	buf_printf(
		out,
		"{\"traceID\":\"%s\",\"spanID\":\"%s\",\"operationName\":\"%s\",\"references\":[",
		fault->trace_id, span->id, span->operation);
	if (span->parent)
		buf_printf(out, "{\"refType\":\"CHILD_OF\",\"traceID\":\"%s\",\"spanID\":\"%s\"}",
			   fault->trace_id, span->parent);
	buf_printf(out, "],\"startTime\":%lld,\"duration\":%lld,\"processID\":\"%s\",\"tags\":[",
		   (long long)(start_us + span->start_ms * US_PER_MS),
		   (long long)(span->duration_ms * US_PER_MS), span->service);
	buf_printf(out, "{\"key\":\"span.kind\",\"type\":\"string\",\"value\":\"%s\"}", span->kind);
	if (span->error) {
		write_jaeger_tag(out, "otel.status_code", "ERROR");
		if (*span->error)
			write_jaeger_tag(out, "otel.status_description", span->error);
	}
	each_pair(span->tags, out, write_jaeger_tag);
	buf_puts(out, "]}");
}

static bool seen_before(const struct demo_fault *fault, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(fault->spans[i].service, fault->spans[at].service) == 0)
			return true;
	return false;
}

void demo_write_trace(const struct demo_fault *fault, int64_t start_us, struct buf *out)
{
	buf_printf(out, "{\"data\":[{\"traceID\":\"%s\",\"spans\":[", fault->trace_id);
	for (size_t i = 0; i < fault->nspans; i++) {
		buf_puts(out, i ? ",\n" : "\n");
		write_span(fault, &fault->spans[i], start_us, out);
	}
	buf_puts(out, "],\n\"processes\":{");
	for (size_t i = 0; i < fault->nspans; i++)
		if (!seen_before(fault, i))
			buf_printf(out, "%s\"%s\":{\"serviceName\":\"%s\",\"tags\":[]}",
				   i ? "," : "", fault->spans[i].service, fault->spans[i].service);
	buf_puts(out, "}}]}\n");
}

static void write_label(struct buf *out, const char *name, const char *value)
{
	buf_putc(out, ',');
	buf_json_string(out, name);
	buf_putc(out, ':');
	buf_json_string(out, value);
}

/* A webhook's body up to its first alert. */
static void begin_webhook(const char *alertname, const char *status, struct buf *out)
{
	buf_printf(
		out,
		"{\"version\":\"4\",\"groupKey\":\"{}:{alertname=\\\"%s\\\"}\",\"status\":\"%s\","
		"\"receiver\":\"tracepager\",\"groupLabels\":{},\"commonLabels\":{},"
		"\"commonAnnotations\":{},\"externalURL\":"
		"\"http://alertmanager.shop.example\",\"alerts\":[",
		alertname, status);
}

static void add_webhook_alert(const char *alertname, const char *labels, const char *summary,
			      const char *status, int64_t starts_us, struct buf *out)
{
	char starts[RFC3339_SIZE], now[RFC3339_SIZE];
	bool firing = strcmp(status, "firing") == 0;

	rfc3339_format(starts_us, starts);
	rfc3339_format(clock_wall_us(clock_system()), now);
	buf_printf(out, "{\"status\":\"%s\",\"labels\":{\"alertname\":\"%s\"", status, alertname);
	each_pair(labels, out, write_label);
	buf_puts(out, "},\"annotations\":{\"summary\":");
	buf_json_string(out, summary);
	buf_printf(out,
		   "},\"startsAt\":\"%s\",\"endsAt\":\"%s\",\"generatorURL\":\"\",\"fingerprint\":"
		   "\"\"}",
		   starts, firing ? "0001-01-01T00:00:00Z" : now);
}

void demo_write_alert(const struct demo_fault *fault, const char *status, int64_t starts_us,
		      struct buf *out)
{
	begin_webhook(fault->alertname, status, out);
	add_webhook_alert(fault->alertname, fault->labels, fault->summary, status, starts_us, out);
	buf_puts(out, "]}");
}

void demo_write_storm(int64_t starts_us, struct buf *out)
{
	begin_webhook("HostDown", "firing", out);
	for (int i = 1; i <= DEMO_STORM_ALERTS; i++) {
		char labels[128];
		snprintf(labels, sizeof(labels),
			 "severity=critical job=node cluster=eu1 instance=host%02d:9100", i);
		buf_puts(out, i == 1 ? "" : ",");
		add_webhook_alert("HostDown", labels, "the host does not answer", "firing",
				  starts_us, out);
	}
	buf_puts(out, "]}");
}
