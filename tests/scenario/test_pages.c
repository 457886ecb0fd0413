/*
 * Pages of fifteen kinds, as three pagers get them: each begins with an alert, goes through
 * fetching, walking, voting, rules, incident and delivery, and must say what a person who is woken
 * up needs: what is broken, for whom, since when, how sure, why this team, where to look.
 * TRACEPAGER_PAGES names a directory to which the pages are written, to be read.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace_json.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "world.h"

/* Every service of the shop runs here. */
#define RESOURCE "deployment.environment.name=prod k8s.cluster.name=eu1"

static const char rules_text[] =
	"teams:\n"
	"  storefront: {escalation: storefront}\n"
	"  ledger: {escalation: ledger}\n"
	"  logistics: {escalation: logistics}\n"
	"  search: {escalation: search}\n"
	"  sre: {escalation: sre}\n"
	"pagers:\n"
	"  storefront-duty: {kind: pagerduty, routing_key: key-storefront, url: "
	"\"http://pager/\"}\n"
	"  ledger-duty: {kind: pagerduty, routing_key: key-ledger, url: \"http://pager/\"}\n"
	"  logistics-duty: {kind: pagerduty, routing_key: key-logistics, url: \"http://pager/\"}\n"
	"  search-duty: {kind: pagerduty, routing_key: key-search, url: \"http://pager/\"}\n"
	"  sre-duty: {kind: pagerduty, routing_key: key-sre, url: \"http://pager/\"}\n"
	"  hook: {kind: webhook, url: \"http://hook/\"}\n"
	"  screen: {kind: console}\n"
	"escalations:\n"
	"  storefront: {steps: [{page: [storefront-duty, hook, screen]}]}\n"
	"  ledger: {steps: [{page: [ledger-duty, hook, screen]}]}\n"
	"  logistics: {steps: [{page: [logistics-duty, hook, screen]}]}\n"
	"  search: {steps: [{page: [search-duty, hook, screen], wait: 1h}, "
	"{page: [search-duty], wait: 1h, resolve: false}, {team: sre}]}\n"
	"  sre: {steps: [{page: [sre-duty, hook, screen]}]}\n"
	"services:\n"
	"  web: {owner: storefront}\n"
	"  checkout: {owner: storefront}\n"
	"  ledger:\n"
	"    owner: ledger\n"
	"    runbook: \"https://runbooks.example/ledger\"\n"
	"    dashboard: \"https://grafana.example/d/ledger?from={from_ms}&to={to_ms}\"\n"
	"    links: {Logs: \"https://logs.example/{service}?from={from_ms}&to={to_ms}\"}\n"
	"  stock: {owner: logistics}\n"
	"  shipping: {owner: logistics}\n"
	"  catalog: {owner: search}\n"
	"signals:\n"
	"  orders: {alerts: {alertname: Order*}, span: {service: web, operation: \"POST "
	"/orders\"}, owner: storefront}\n"
	"  quotes: {alerts: {alertname: QuoteErrors}, span: {service: web, operation: \"POST "
	"/quotes\"}, owner: storefront}\n"
	"  parcels: {alerts: {alertname: ParcelErrors}, span: {service: web, operation: \"POST "
	"/parcels\"}, owner: storefront}\n"
	"  invoices: {alerts: {alertname: InvoiceErrors}, span: {service: web, operation: \"POST "
	"/invoices\"}, owner: storefront}\n"
	"  search: {alerts: {alertname: SearchSlow}, span: {service: web, operation: \"GET "
	"/search\"}, owner: storefront, mode: latency}\n"
	"  cart: {alerts: {alertname: CartErrors}, span: {service: web, operation: \"GET "
	"/cart\"}, owner: storefront}\n"
	"  wishes: {alerts: {alertname: WishErrors}, span: {service: web, operation: \"GET "
	"/wishes\"}, owner: storefront}\n"
	"  returns: {alerts: {alertname: ReturnErrors}, span: {service: web, operation: \"POST "
	"/returns\"}, owner: storefront}\n"
	"  gifts: {alerts: {alertname: GiftErrors}, span: {service: web, operation: \"POST "
	"/gifts\"}, owner: storefront}\n"
	"  refills: {alerts: {alertname: RefillErrors}, span: {service: web, operation: \"POST "
	"/refills\"}, owner: storefront}\n"
	"fallback: {team: sre}\n"
	"defaults: {resolve_hold: 0s}\n";

static struct world *world;
static FILE *screen; /* what console_fd was written */
static int console_fd;

/* ---- traces ---- */

static char *bodies[64]; /* what replies borrow */
static size_t nbodies;

static const char *keep_body(struct buf *out)
{
	ck_assert_uint_lt(nbodies, ARRAY_LEN(bodies));
	return bodies[nbodies++] = buf_take(out);
}

static void begin_body(struct buf *out)
{
	buf_init(out, 4 << 20);
	buf_puts(out, "{\"result\":{\"resourceSpans\":[");
}

/* n traces with ids PREFIX00 … of these spans. */
static void add_traces_of(struct buf *out, const char *prefix, int n, const struct json_span *spans,
			  size_t nspans, const char *resource)
{
	for (int i = 0; i < n; i++) {
		char id[33];
		snprintf(id, sizeof(id), "%s%028d%02d", prefix, 0, i);
		trace_json_add(out, id, FAKE_WALL_US - US_PER_MINUTE, spans, nspans, resource);
	}
}

static void add_traces(struct buf *out, const char *prefix, int n, const struct json_span *spans,
		       size_t nspans)
{
	add_traces_of(out, prefix, n, spans, nspans, RESOURCE);
}

static const char *end_body(struct buf *out)
{
	buf_puts(out, "]}}");
	return keep_body(out);
}

/* A search of the operation (as it stands in an address) finds the body; times as of fake_reply. */
static void find_by(const char *operation, const char *body, unsigned int times)
{
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = operation,
							   .times = times,
							   .status = 200,
							   .body = body,
							   .content_type = "application/json" });
}

#define ORDERS_HEAD                                                                                \
	{ "a1", NULL, "web", "POST /orders", 2, 0, 182, "", "http.response.status_code=500" },     \
		{ "a2",                                                                            \
		  "a1",                                                                            \
		  "web",                                                                           \
		  "POST /checkout",                                                                \
		  3,                                                                               \
		  4,                                                                               \
		  171,                                                                             \
		  "",                                                                              \
		  "http.response.status_code=500" },                                               \
		{ "a3",                                                                            \
		  "a2",                                                                            \
		  "checkout",                                                                      \
		  "POST /checkout",                                                                \
		  2,                                                                               \
		  6,                                                                               \
		  167,                                                                             \
		  "",                                                                              \
		  "http.response.status_code=500" },                                               \
	{                                                                                          \
		"a4", "a3", "checkout", "ledger.Book", 3, 41, 122, "INTERNAL", NULL                \
	}

static const struct json_span orders[] = {
	ORDERS_HEAD,
	{ "a5", "a4", "ledger", "ledger.Book", 2, 44, 116, "journal is read-only",
	  "error.type=JournalError" },
};

static const struct json_span orders_full[] = {
	ORDERS_HEAD,
	{ "a5", "a4", "ledger", "ledger.Book", 2, 44, 116, "disk is full",
	  "error.type=JournalError" },
};

static const struct json_span orders_fine[] = {
	{ "a1", NULL, "web", "POST /orders", 2, 0, 82, NULL, NULL },
	{ "a2", "a1", "web", "POST /checkout", 3, 4, 71, NULL, NULL },
	{ "a3", "a2", "checkout", "POST /checkout", 2, 6, 67, NULL, NULL },
	{ "a4", "a3", "checkout", "ledger.Book", 3, 11, 22, NULL, NULL },
	{ "a5", "a4", "ledger", "ledger.Book", 2, 14, 16, NULL, NULL },
};

static const struct json_span quotes[] = {
	{ "b1", NULL, "web", "POST /quotes", 2, 0, 3020, "", "http.response.status_code=504" },
	{ "b2", "b1", "checkout", "checkout.Quote", 2, 5, 3010, "DEADLINE_EXCEEDED", NULL },
	{ "b3", "b2", "checkout", "shipping.Quote", 3, 9, 3000, "DEADLINE_EXCEEDED", NULL },
	{ "b4", "b3", "shipping", "shipping.Quote", 2, 12, 8200, NULL, NULL },
	{ "b5", "b4", "shipping", "compute route", 1, 60, 8100, NULL, NULL },
};

static const struct json_span parcels[] = {
	{ "c1", NULL, "web", "POST /parcels", 2, 0, 930, "", "http.response.status_code=500" },
	{ "c2", "c1", "checkout", "checkout.Parcel", 2, 5, 918, "INTERNAL", NULL },
	{ "c3", "c2", "checkout", "GET /stock/reserve", 3, 12, 290, "503",
	  "http.request.resend_count=0" },
	{ "c4", "c3", "stock", "GET /stock/reserve", 2, 15, 284, "no warehouse answered", NULL },
	{ "c5", "c2", "checkout", "GET /stock/reserve", 3, 310, 295, "503",
	  "http.request.resend_count=1" },
	{ "c6", "c5", "stock", "GET /stock/reserve", 2, 313, 289, "no warehouse answered", NULL },
	{ "c7", "c2", "checkout", "GET /stock/reserve", 3, 620, 292, "503",
	  "http.request.resend_count=2" },
	{ "c8", "c7", "stock", "GET /stock/reserve", 2, 623, 286, "no warehouse answered", NULL },
};

static const struct json_span invoices[] = {
	{ "d1", NULL, "web", "POST /invoices", 2, 0, 64, "", "http.response.status_code=500" },
	{ "d2", "d1", "ledger", "ledger.Invoice", 2, 4, 57, "INTERNAL", NULL },
	{ "d3", "d2", "ledger", "INSERT journal", 3, 8, 30, "out of connection slots",
	  "db.system.name=postgresql db.namespace=ledger server.address=ledger-db.internal "
	  "server.port=5432" },
};

#define SEARCH(ms)                                                                                 \
	{                                                                                          \
		{ "e1", NULL, "web", "GET /search", 2, 0, (ms) + 40, NULL, NULL },                 \
			{ "e2", "e1", "web", "GET /catalog", 3, 10, (ms) + 20, NULL, NULL },       \
		{                                                                                  \
			"e3", "e2", "catalog", "GET /catalog", 2, 20, (ms), NULL, NULL             \
		}                                                                                  \
	}
static const struct json_span search_slow[] = SEARCH(989), search_fine[] = SEARCH(43);

/* The depot calls its own refusal a failure; RELEASE 2 is that of the failing traces. */
#define RELEASE(n) RESOURCE " service.version=" n
static const struct json_span refills[] = {
	{ "81", NULL, "web", "POST /refills", 2, 0, 80, "", "http.response.status_code=500" },
	{ "82", "81", "web", "POST /depot", 3, 4, 70, "", "http.response.status_code=422" },
	{ "83", "82", "depot", "POST /depot", 2, 6, 61, "no such depot",
	  "http.response.status_code=422" },
};

static const struct json_span refills_fine[] = {
	{ "81", NULL, "web", "POST /refills", 2, 0, 80, NULL, NULL },
	{ "82", "81", "web", "POST /depot", 3, 4, 70, NULL, NULL },
	{ "83", "82", "depot", "POST /depot", 2, 6, 61, NULL, NULL },
};

static const struct json_span returned[] = {
	{ "f1", NULL, "web", "POST /returns", 2, 0, 80, "", "http.response.status_code=500" },
	{ "f2", "f1", "refunds", "refunds.Open", 2, 6, 61, "no such tax rate", NULL },
};

#define GIFT(culprit)                                                                              \
	{                                                                                          \
		{                                                                                  \
			"91",                                                                      \
			NULL,                                                                      \
			"web",                                                                     \
			"POST /gifts",                                                             \
			2,                                                                         \
			0,                                                                         \
			80,                                                                        \
			"",                                                                        \
			"http.response.status_code=500"                                            \
		},                                                                                 \
		{                                                                                  \
			"92", "91", culprit, "wrap", 2, 6, 61, "no paper", NULL                    \
		}                                                                                  \
	}
static const struct json_span gift_a[] = GIFT("stock"), gift_b[] = GIFT("shipping"),
			      gift_c[] = GIFT("catalog");

static const char *traces_of(const char *prefix, int n, const struct json_span *spans,
			     size_t nspans)
{
	struct buf out;

	begin_body(&out);
	add_traces(&out, prefix, n, spans, nspans);
	return end_body(&out);
}
#define TRACES(prefix, n, spans) traces_of(prefix, n, spans, ARRAY_LEN(spans))

static void fill_backend(void)
{
	struct buf out;

	/* The first search of each operation is for healthy traces. */
	find_by("POST%20%2Forders", TRACES("a1", 14, orders_fine), 1);
	find_by("POST%20%2Forders", "{\"result\":{\"resourceSpans\":[]}}", 1);
	begin_body(&out);
	add_traces(&out, "a0", 7, orders, ARRAY_LEN(orders));
	add_traces(&out, "a2", 1, orders_full, ARRAY_LEN(orders_full));
	find_by("POST%20%2Forders", end_body(&out), 0);
	find_by("POST%20%2Fquotes", "{\"result\":{\"resourceSpans\":[]}}", 1);
	find_by("POST%20%2Fquotes", TRACES("b0", 3, quotes), 0);
	find_by("POST%20%2Fparcels", "{\"result\":{\"resourceSpans\":[]}}", 1);
	find_by("POST%20%2Fparcels", TRACES("c0", 2, parcels), 0);
	find_by("POST%20%2Finvoices", "{\"result\":{\"resourceSpans\":[]}}", 1);
	find_by("POST%20%2Finvoices", TRACES("d0", 6, invoices), 0);
	find_by("GET%20%2Fsearch", TRACES("e1", 20, search_fine), 1);
	find_by("GET%20%2Fsearch", "{\"result\":{\"resourceSpans\":[]}}", 1);
	find_by("GET%20%2Fsearch", TRACES("e0", 10, search_slow), 0);
	find_by("GET%20%2Fcart", "{\"result\":{\"resourceSpans\":[]}}", 0);
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "GET%20%2Fwishes",
							   .status = 503,
							   .body = "overloaded" });
	find_by("POST%20%2Freturns", "{\"result\":{\"resourceSpans\":[]}}", 1);
	find_by("POST%20%2Freturns", TRACES("f0", 4, returned), 0);
	begin_body(&out);
	add_traces_of(&out, "81", 14, refills_fine, ARRAY_LEN(refills_fine), RELEASE("1"));
	find_by("POST%20%2Frefills", end_body(&out), 1);
	find_by("POST%20%2Frefills", "{\"result\":{\"resourceSpans\":[]}}", 1);
	begin_body(&out);
	add_traces_of(&out, "80", 8, refills, ARRAY_LEN(refills), RELEASE("2"));
	find_by("POST%20%2Frefills", end_body(&out), 0);
	find_by("POST%20%2Fgifts", "{\"result\":{\"resourceSpans\":[]}}", 1);
	begin_body(&out);
	add_traces(&out, "90", 2, gift_a, ARRAY_LEN(gift_a));
	add_traces(&out, "91", 2, gift_b, ARRAY_LEN(gift_b));
	add_traces(&out, "92", 1, gift_c, ARRAY_LEN(gift_c));
	find_by("POST%20%2Fgifts", end_body(&out), 0);
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "/traces/0ff",
							   .status = 200,
							   .delay_us = 20 * US_PER_SECOND,
							   .body = TRACES("0ff", 1, orders),
							   .content_type = "application/json" });
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://pager/",
							   .status = 202,
							   .body = "{\"status\":\"success\"}" });
	fake_http_reply(&world->http,
			(struct fake_reply){ .url_part = "http://hook/", .status = 204 });
}

/* ---- alerts ---- */

/* labels: "name=value name=value"; annotations the same, with "_" for a blank. */
static size_t pairs_of(struct arena *arena, const char *pairs, struct label *at)
{
	size_t n = 0;

	for (char *rest = arena_strdup(arena, pairs), *pair; (pair = strsep(&rest, " "));) {
		char *name = strsep(&pair, "=");
		at[n++] = (struct label){ name, pair };
	}
	return n;
}

static void tell(const char *labels, const char *summary, enum alert_status status, size_t more)
{
	struct arena *arena = arena_new(1 << 20);
	char fingerprint[FINGERPRINT_SIZE];
	struct alert alert = {
		.sender = "alertmanager",
		.family = "prometheus",
		.status = status,
		.starts_at_us = FAKE_WALL_US - 123 * US_PER_SECOND,
		.ends_at_us = status == ALERT_RESOLVED ? world->clock.wall_us : 0,
		.generator_url = "https://prometheus.example/graph?g0.expr=up",
	};

	alert.labels.at = arena_array(arena, 16, sizeof(struct label));
	alert.labels.n = pairs_of(arena, labels, alert.labels.at);
	labels_normalise(&alert.labels);
	labels_fingerprint(&alert.labels, fingerprint);
	alert.fingerprint = fingerprint;
	alert.annotations =
		(struct labels){ (struct label[]){ { "summary", arena_strdup(arena, summary) } },
				 1 };
	incidents_accept(world->incidents, &alert, more);
	arena_free(arena);
}

#define PLACE " cluster=eu1 env=prod severity=critical"

/* ---- what came out ---- */

struct pages {
	char *console;
	json_t *pagerduty, *webhook;
};

static size_t requests_seen;

static json_t *last_body(const char *url)
{
	json_t *body = NULL;

	for (size_t i = requests_seen; i < world->http.nrequests; i++) {
		if (strncmp(world->http.requests[i].url, url, strlen(url)) != 0)
			continue;
		json_decref(body);
		body = json_loads(world->http.requests[i].body, JSON_REJECT_DUPLICATES, NULL);
		ck_assert_ptr_nonnull(body);
	}
	return body;
}

static void write_page(const char *name, const char *kind, const char *text)
{
	const char *directory = getenv("TRACEPAGER_PAGES");

	if (!directory)
		return;
	CLEANUP_FREE char *path = xasprintf("%s/%s.%s", directory, name, kind);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

/* What each pager got since the last call; of several pages the console has all, the others the
 * last. */
static struct pages take_pages(const char *name)
{
	struct pages pages;
	char text[1 << 16];

	size_t len = fread(text, 1, sizeof(text) - 1, screen);
	text[len] = '\0';
	clearerr(screen);
	pages.console = xstrdup(text);
	pages.pagerduty = last_body("http://pager/");
	pages.webhook = last_body("http://hook/");
	requests_seen = world->http.nrequests;
	ck_assert_ptr_nonnull(pages.webhook);
	write_page(name, "console", text);
	CLEANUP_FREE char *duty = json_dumps(pages.pagerduty, JSON_INDENT(2));
	write_page(name, "pagerduty.json", duty);
	CLEANUP_FREE char *hook = json_dumps(pages.webhook, JSON_INDENT(2));
	write_page(name, "webhook.json", hook);
	return pages;
}

static void pages_fini(struct pages *pages)
{
	free(pages->console);
	json_decref(pages->pagerduty);
	json_decref(pages->webhook);
}

static void set_up(void)
{
	char path[] = "/tmp/tracepager-pages-XXXXXX";

	console_fd = mkstemp(path);
	ck_assert_int_ge(console_fd, 0);
	screen = fopen(path, "r");
	unlink(path);
	nbodies = 0;
	requests_seen = 0;
	world = world_new_with(rules_text, console_fd);
	fill_backend();
	world_run(world, US_PER_MINUTE);
	requests_seen = world->http.nrequests;
}

static void tear_down(void)
{
	world_free(world);
	for (size_t i = 0; i < nbodies; i++)
		free(bodies[i]);
	fclose(screen);
	close(console_fd);
}

static struct pages fire(const char *name, const char *labels, const char *summary)
{
	tell(labels, summary, ALERT_FIRING, 0);
	world_run(world, 10 * US_PER_SECOND);
	return take_pages(name);
}

/* ---- what they must say ---- */

/* A text with its lines and the blanks around their ends made one blank each: sentences are found
 * however they are wrapped. */
static char *unwrapped(const char *text)
{
	char *out = xcalloc(strlen(text) + 1, 1);
	size_t n = 0;

	for (; *text; text++) {
		char c = *text == '\n' ? ' ' : *text;
		if (c != ' ' || (n && out[n - 1] != ' '))
			out[n++] = c;
	}
	return out;
}

static size_t count_of(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		n++;
	return n;
}

#define WANTED 16

/* Each sentence is in the console's page, once and in this order; none of the others is. */
static void check_console(const struct pages *pages, const char *const *sentences,
			  const char *const *never)
{
	CLEANUP_FREE char *text = unwrapped(pages->console);
	const char *at = text;

	for (size_t i = 0; i < WANTED && sentences[i]; i++) {
		const char *found = strstr(at, sentences[i]);
		ck_assert_msg(found != NULL, "\"%s\" is not (there) in:\n%s", sentences[i],
			      pages->console);
		ck_assert_msg(count_of(text, sentences[i]) == 1, "\"%s\" stands twice in:\n%s",
			      sentences[i], pages->console);
		at = found + strlen(sentences[i]);
	}
	for (size_t i = 0; i < WANTED && never[i]; i++)
		ck_assert_msg(!strstr(text, never[i]), "\"%s\" is in:\n%s", never[i],
			      pages->console);
}

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* The three pagers are told the same. */
static void check_same(const struct pages *pages, const char *summary)
{
	static const char *const both[] = { "why",	"evidence",    "path",
					    "could_be", "differs",     "labels",
					    "since",	"environment", "waterfall" };
	const json_t *payload = json_object_get(pages->pagerduty, "payload"),
		     *details = json_object_get(payload, "custom_details"),
		     *incident =
			     json_object_get(json_object_get(pages->webhook, "data"), "incident");

	ck_assert_str_eq(text_at(payload, "summary"), summary);
	ck_assert_str_eq(text_at(incident, "summary"), summary);
	for (size_t i = 0; i < ARRAY_LEN(both); i++)
		ck_assert_str_eq(text_at(details, both[i]), text_at(incident, both[i]));
	ck_assert_str_eq(text_at(details, "fallback"), text_at(incident, "banner"));
}

#define SINCE "since 2026-09-01T09:57:57Z, 3 min "

static const struct {
	const char *name, *labels, *words, *summary, *sentences[WANTED], *never[WANTED];
} simple[] = {
	{ "01-leaf-error",
	  "alertname=OrderErrors job=web" PLACE,
	  "5 % of orders fail",
	  "ledger: JournalError: journal is read-only — breaks web POST /orders (OrderErrors), "
	  "prod "
	  "eu1",
	  { "ledger: JournalError: journal is read-only — breaks web POST /orders (OrderErrors), "
	    "prod eu1",
	    SINCE, "why you team ledger owns ledger (rules.yaml:24)",
	    /* seven traces of eight; fourteen healthy ones */
	    "how sure confidence 0.95 (almost certain): 8 of 8 failing traces end in ledger: 7 say "
	    "JournalError: journal is read-only, 1 says JournalError: disk is full; no such error "
	    "in 14 healthy traces",
	    "also paged ledger-duty, hook", "path web > checkout > ledger (ledger.Book)",
	    "do first follow the runbook", "one of 8: (✗ failed)",
	    "Runbook https://runbooks.example/ledger", "Failing span http://jaeger/trace/a0",
	    "The alert says 5 % of orders fail",
	    "in the trace shown: began at web POST /orders, which failed: HTTP 500",
	    "ledger ledger.Book failed; nothing that it called failed" },
	  { "Why it is", "where ", "instance", "(open)" } },
	{ "02-timeout",
	  "alertname=QuoteErrors job=web" PLACE,
	  "quotes time out",
	  "shipping: too slow, still working when checkout gave up after 3.00 s — breaks "
	  "web POST /quotes (QuoteErrors), prod eu1",
	  { "shipping: too slow, still working when checkout gave up after 3.00 s — breaks", SINCE,
	    "team logistics owns shipping (rules.yaml:30)",
	    "confidence 0.80 (likely): 3 of 3 failing traces were held up in shipping: "
	    "gRPC DEADLINE_EXCEEDED; no healthy traces to compare with",
	    "path web > checkout > shipping (compute route)",
	    "do first look at the slow span in the trace",
	    "(✗ failed; › on the path without failing)",
	    "web → checkout: checkout.Quote failed: gRPC DEADLINE_EXCEEDED",
	    "checkout → shipping: the call ended after 3.00 s",
	    "of these 3.00 s shipping spent 3.00 s in its own work, most of it in compute route" },
	  { "shipping failed", "calls to it fail", "refused" } },
	{ "03-retries",
	  "alertname=ParcelErrors job=web slo=parcels slo_window=30d burnrate=14.4 long=1h "
	  "short=5m" PLACE,
	  "parcels fail",
	  "stock: no warehouse answered — breaks web POST /parcels (ParcelErrors), prod eu1",
	  { "stock: no warehouse answered — breaks web POST /parcels", SINCE,
	    "team logistics owns stock (rules.yaml:29)",
	    "confidence 0.95 (almost certain): 2 of 2 failing traces end in stock; no healthy "
	    "traces "
	    "to compare with",
	    "path web > checkout > stock (GET /stock/reserve)",
	    /* 14.4 x 1 h / 720 h; 720 h / 14.4 = 50 h. */
	    "parcels burns its error budget 14.4 times as fast as allowed over 1 h (2 % of "
	    "the 30-day budget); at that rate all of it lasts 2 d 2 h",
	    "(✗ failed; ! failed beside the path)",
	    "3 attempts of GET /stock/reserve failed; the last stands for all",
	    "checkout → stock: GET /stock/reserve failed: HTTP 503" },
	  { "by itself", "POST /parcels failed" } },
	{ "04-silent-database",
	  "alertname=InvoiceErrors job=web" PLACE,
	  "invoices fail",
	  "Database postgresql/ledger, called by ledger: out of connection slots — breaks web POST "
	  "/invoices (InvoiceErrors), prod eu1",
	  { "Database postgresql/ledger, called by ledger: out of connection slots", SINCE,
	    "team ledger owns ledger (rules.yaml:24); no rule names an owner of postgresql/ledger, "
	    "so its caller's team is paged",
	    "confidence 0.60 (possible): 6 of 6 failing traces end in ledger's call of "
	    "postgresql/ledger; no higher, since the call is all that the traces show of "
	    "postgresql/ledger; no healthy traces to compare with",
	    "path web > ledger > postgresql/ledger (INSERT journal)",
	    "web → ledger: ledger.Invoice failed: gRPC INTERNAL",
	    "ledger called postgresql/ledger, which recorded no span: INSERT journal failed after "
	    "30 ms" },
	  { "refuse", "POST /invoices failed" } },
	{ "05-latency",
	  "alertname=SearchSlow job=web" PLACE,
	  "p95 is 1 s",
	  "catalog: took 989 ms, usually 43 ms — slows web GET /search (SearchSlow), prod eu1",
	  { "catalog: took 989 ms, usually 43 ms — slows web GET /search", SINCE,
	    "team search owns catalog (rules.yaml:31)",
	    "in 10 of 10 traces catalog spends 989 ms in its own work; 43 ms in healthy traces",
	    "path web > catalog (GET /catalog)", "Slow span http://jaeger/trace/e0",
	    "catalog's own time and the calls to and from it explain 100 % of the extra time (10 "
	    "slow traces beside 20 healthy ones)" },
	  { "fail", "Fail", "breaks", "error" } },
	{ "06-no-trace",
	  "alertname=CartErrors job=web" PLACE,
	  "carts fail",
	  "CartErrors: carts fail — web GET /cart, prod eu1 — cause unknown: no trace found",
	  { "CartErrors: carts fail — web GET /cart, prod eu1 — cause unknown: no trace found",
	    "Why it is unknown: jaeger has no trace of web GET /cart from 09:47 to 10:01 UTC "
	    "(asked "
	    "5 times)",
	    SINCE, "why you no cause was found; team storefront owns signal cart (rules.yaml:38)",
	    "also paged storefront-duty, hook" },
	  { "path", "confidence", "no trace came", "suspect", "The alert says" } },
	{ "07-backend-down",
	  "alertname=WishErrors job=web" PLACE,
	  "wishes fail",
	  "WishErrors: wishes fail — web GET /wishes, prod eu1 — cause unknown: the tracing "
	  "backend "
	  "failed",
	  { "cause unknown: the tracing backend failed",
	    "Why it is unknown: jaeger answered HTTP 503 (waited 5.0 s)", SINCE,
	    "no cause was found; team storefront owns signal wishes (rules.yaml:39)" },
	  { "path", "confidence" } },
	{ "08-no-owner",
	  "alertname=ReturnErrors job=web" PLACE,
	  "returns fail",
	  "refunds: no such tax rate — breaks web POST /returns (ReturnErrors), prod eu1",
	  { "refunds: no such tax rate — breaks web POST /returns", SINCE,
	    "no rule names an owner of refunds: the fallback team sre is paged",
	    "confidence 0.95 (almost certain): 4 of 4 failing traces end in refunds; no healthy "
	    "traces to compare with",
	    "path web > refunds (refunds.Open)",
	    "do first call team storefront, which owns web, the nearest caller of refunds that "
	    "has an owner" },
	  { "Why it is", "team storefront owns" } },
	{ "09-low-confidence",
	  "alertname=GiftErrors job=web" PLACE,
	  "gifts fail",
	  "GiftErrors: gifts fail — web POST /gifts, prod eu1 — cause not certain: shipping, stock "
	  "or catalog",
	  { "GiftErrors: gifts fail — web POST /gifts, prod eu1 — cause not certain: shipping, "
	    "stock "
	    "or catalog",
	    "Why it is not certain: shipping and stock have 2 of 5 traces each, so none of "
	    "them is taken for the cause; all say: no paper",
	    SINCE, "no cause was found; team storefront owns signal gifts (rules.yaml:41)",
	    "how sure confidence 0.38: not enough to name a cause",
	    "could be shipping (2 of 5 traces), stock (2 of 5 traces), catalog (1 of 5 traces)",
	    "do first call the candidates' owners: team logistics (shipping, stock), team search "
	    "(catalog)",
	    "one of 5:", "in the trace shown: began at web POST /gifts",
	    "shipping wrap failed; nothing that it called failed" },
	  { "path ", "likeliest", "or perhaps" } },
	{ "15-doubts",
	  "alertname=RefillErrors job=web" PLACE,
	  "refills fail",
	  "depot: HTTP 422: no such depot — breaks web POST /refills (RefillErrors), prod eu1",
	  { "depot: HTTP 422: no such depot — breaks web POST /refills (RefillErrors), prod eu1",
	    SINCE,
	    "how sure confidence 0.75 (likely): 8 of 8 failing traces end in depot; no such error "
	    "in 14 healthy traces",
	    "doubts confidence at most 0.75: the callee calls its refusal of a request a failure "
	    "of its own",
	    "differs all 8 that fail in depot are on version 2; healthy traces before: 0 of 14",
	    "do first call team storefront, which owns web, the nearest caller of depot that has "
	    "an owner",
	    "web → depot: POST /depot failed: HTTP 422" },
	  { "Why it is" } },
	{ "14-untraced",
	  "alertname=NodeDown job=node instance=db17:9100" PLACE,
	  "db17 is down",
	  "NodeDown db17:9100 — db17 is down, prod eu1",
	  { "NodeDown db17:9100 — db17 is down, prod eu1",
	    "This alert names no traced operation, so no traces were searched", SINCE,
	    "instance db17:9100",
	    "no rule names an owner of the alert: the fallback team sre is paged" },
	  { "unknown", "confidence", "The alert says" } },
};

START_TEST(pages_say_what_is_known)
{
	struct pages p = fire(simple[_i].name, simple[_i].labels, simple[_i].words);

	check_console(&p, simple[_i].sentences, simple[_i].never);
	check_same(&p, simple[_i].summary);
	pages_fini(&p);
}
END_TEST

static void fire_orders(void)
{
	struct pages p = fire(simple[0].name, simple[0].labels, simple[0].words);

	pages_fini(&p);
}

static const char *incident_of(const struct pages *pages, const char *key)
{
	return text_at(json_object_get(json_object_get(pages->webhook, "data"), "incident"), key);
}

START_TEST(a_joined_page_says_who_joined)
{
	static const char *const sentences[WANTED] = {
		"UPDATE critical",
		"new joined by OrderErrorsFast: 9 % of orders fail",
		"ledger: JournalError: journal is read-only — breaks web POST /orders",
		"since 2026-09-01T09:57:57Z, 4 min ",
		"alerts 2 alerts: OrderErrors, OrderErrorsFast",
		"do first follow the runbook",
		/* The update's own time, 10:02:00. */
		"Dashboard https://grafana.example/d/ledger?from=1788256077000&to=1788256920000",
	};
	static const char *const never[WANTED] = { "PAGE" };

	fire_orders();
	tell("alertname=OrderErrorsFast job=web" PLACE, "9 % of orders fail", ALERT_FIRING, 0);
	world_run(world, 2 * US_PER_MINUTE);
	struct pages p = take_pages("10-joined");
	check_console(&p, sentences, never);
	check_same(&p, simple[0].summary);
	ck_assert_str_eq(incident_of(&p, "note"), "joined by OrderErrorsFast: 9 % of orders fail");
	pages_fini(&p);
}
END_TEST

/* The alert's trace comes 20 s late and ends in ledger, which has an incident. */
START_TEST(a_moved_page_says_whither)
{
	static const char *const before[WANTED] = {
		"OrdersByPhone: phone orders fail — web POST /orders, prod eu1 — cause unknown: no "
		"trace in time",
		"Why it is unknown: ",
		"jaeger had not answered (waited 5.0 s)",
		"no cause was found; team storefront owns signal orders (rules.yaml:33)",
		"labels cluster=eu1, env=prod, job=web, trace_id=0ff00000000000000000000000000000",
	};
	static const char *const after[WANTED] = {
		"MOVED critical",
		"OrdersByPhone: phone orders fail — goes on as \"ledger: JournalError: journal is "
		"read-only — breaks web POST /orders (OrderErrors), prod eu1\", team ledger",
		"note moved to incident ",
		"since 2026-09-01T09:57:57Z, 3 min ",
		" before this page",
		"team storefront",
		"(moved)",
	};
	static const char *const never[WANTED] = { "RESOLVED" };
	static const char *const outdated[WANTED] = { "RESOLVED", "resolved", "unknown" };

	fire_orders();
	tell("alertname=OrdersByPhone job=web trace_id=0ff00000000000000000000000000000" PLACE,
	     "phone orders fail", ALERT_FIRING, 0);
	world_run(world, 10 * US_PER_SECOND);
	struct pages p = take_pages("11-before-it-moved");
	check_console(&p, before, never);
	pages_fini(&p);
	world_run(world, 30 * US_PER_SECOND);
	p = take_pages("11-moved");
	check_console(&p, after, outdated);
	ck_assert_str_eq(incident_of(&p, "state"), "moved");
	ck_assert_str_eq(incident_of(&p, "moved_to_team"), "ledger");
	/* PagerDuty learns by an update where it went, then gets the resolve. */
	ck_assert_str_eq(text_at(p.pagerduty, "event_action"), "resolve");
	ck_assert_ptr_nonnull(fake_http_request(&world->http, "\"note\":\"moved to incident ", 0));
	ck_assert_ptr_nonnull(fake_http_request(
		&world->http, "\"summary\":\"OrdersByPhone: phone orders fail — goes on as", 0));
	pages_fini(&p);
}
END_TEST

START_TEST(a_resolved_page_says_for_how_long)
{
	static const char *const sentences[WANTED] = {
		"RESOLVED critical",
		"ledger: JournalError: journal is read-only — breaks web POST /orders",
		"note every alert of this incident has ended",
		"since 2026-09-01T09:57:57Z, for 3 min 13 s",
		"team ledger",
		"(resolved)",
	};
	static const char *const never[WANTED] = { "before this page", "also paged", "Trace " };

	fire_orders();
	tell(simple[0].labels, simple[0].words, ALERT_RESOLVED, 0);
	world_run(world, 10 * US_PER_SECOND);
	struct pages p = take_pages("12-resolved");
	check_console(&p, sentences, never);
	ck_assert_str_eq(text_at(p.pagerduty, "event_action"), "resolve");
	ck_assert_str_eq(text_at(p.webhook, "type"), "page.resolve");
	pages_fini(&p);
}
END_TEST

static void fire_storm(void)
{
	for (int i = 1; i <= 30; i++) {
		char labels[200];
		snprintf(labels, sizeof(labels),
			 "alertname=NodeDown job=node instance=db%d:9100" PLACE, i);
		tell(labels, "the node is down", ALERT_FIRING, (size_t)(30 - i));
	}
	world_run(world, 10 * US_PER_SECOND);
}

/* What one of 30 alerts has alone is not told as if it were of all. */
START_TEST(a_storm_is_told_as_one)
{
	static const char *const sentences[WANTED] = {
		"30 NodeDown: db1:9100, db2:9100, db3:9100 and 27 more, prod eu1",
		SINCE,
		"no rule names an owner of the alert: the fallback team sre is paged",
		"alerts 30 alerts: NodeDown; they differ in instance: db1:9100, db2:9100, db3:9100 "
		"and 27 more",
		"labels cluster=eu1, env=prod, job=node",
	};
	static const char *const never[WANTED] = { "instance db1", "instance=db1" };

	fire_storm();
	struct pages p = take_pages("13-untraced-storm");
	check_console(&p, sentences, never);
	check_same(&p, "30 NodeDown: db1:9100, db2:9100, db3:9100 and 27 more, prod eu1");
	json_t *names = json_pack("[s]", "NodeDown");
	const json_t *payload = json_object_get(p.pagerduty, "payload");
	ck_assert(json_equal(json_object_get(json_object_get(payload, "custom_details"), "alerts"),
			     names));
	json_decref(names);
	pages_fini(&p);
}
END_TEST

/* ---- the manual ---- */

/* Paths of members: "data.incident.links[].text". */
struct paths {
	char *at[256];
	size_t n;
};

static void paths_add(struct paths *paths, const char *path, size_t len)
{
	for (size_t i = 0; i < paths->n; i++)
		if (strlen(paths->at[i]) == len && memcmp(paths->at[i], path, len) == 0)
			return;
	ck_assert_uint_lt(paths->n, ARRAY_LEN(paths->at));
	paths->at[paths->n++] = xstrndup(path, len);
}

static void paths_fini(struct paths *paths)
{
	for (size_t i = 0; i < paths->n; i++)
		free(paths->at[i]);
}

static bool paths_have(const struct paths *paths, const char *path)
{
	for (size_t i = 0; i < paths->n; i++)
		if (strcmp(paths->at[i], path) == 0)
			return true;
	return false;
}

/* Is it a map whose keys are names of the sender's, or a part that is described once? */
static bool is_leaf(const char *path)
{
	static const char *const ends[] = { "labels", "annotations", "traces[].suspect",
					    "data.decision" };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t len = strlen(path), end = strlen(ends[i]);
		if (len >= end && strcmp(path + len - end, ends[i]) == 0)
			return true;
	}
	return false;
}

/* Add the paths of what holds no members, and of what may be null in place of members. */
static void paths_collect(struct paths *paths, const json_t *value, const char *path, bool leaf)
{
	const char *key;
	const json_t *member;
	size_t i;

	leaf = leaf || is_leaf(path);
	if (json_is_array(value) && !leaf) {
		CLEANUP_FREE char *items = xasprintf("%s[]", path);
		json_array_foreach(value, i, member) paths_collect(paths, member, items, false);
	} else if (json_is_object(value) && !leaf) {
		json_object_foreach((json_t *)(uintptr_t)value, key, member)
		{
			CLEANUP_FREE char *below = xasprintf("%s%s%s", path, *path ? "." : "", key);
			paths_collect(paths, member, below, false);
		}
	} else {
		paths_add(paths, path, strlen(path));
	}
}

/* The items of the manual's list behind this comment. */
static void paths_of_manual(struct paths *paths, const char *list)
{
	const char *top = getenv("top_srcdir");
	CLEANUP_FREE char *path = xasprintf("%s/contrib/man/tracepager-page.7", top ? top : ".");
	char line[500], mark[64];
	bool inside = false;
	FILE *file = fopen(path, "r");

	ck_assert_msg(file != NULL, "cannot read %s", path);
	snprintf(mark, sizeof(mark), ".\\\" %s\n", list);
	while (fgets(line, sizeof(line), file)) {
		if (strcmp(line, mark) == 0)
			inside = true;
		else if (inside && strcmp(line, ".El\n") == 0)
			inside = false;
		else if (inside && strncmp(line, ".It Ic ", 7) == 0)
			paths_add(paths, line + 7, strlen(line) - 8);
	}
	fclose(file);
	ck_assert_uint_gt(paths->n, 0);
}

/* Members that no page of this file has: a body above 500 KB, a path of more than 64 spans, other
 * kinds of suspects, factors of a confidence, attributes that say the same, rules that nearly
 * matched, pagers that are notified beside the owner's, silences. */
static const char *const rare[] = {
	"data.left_out[]",
	"traces[].path_omitted",
	"traces[].limits[].factor",
	"verdict.limits[].factor",
	"verdict.differs[].same[]",
	"verdict.runners_up[].callee",
	"rules.not_matched[].rule",
	"rules.not_matched[].name",
	"rules.not_matched[].place",
	"rules.not_matched[].reason",
	"escalation.also_notify[]",
	"payload.custom_details.decision.namespace",
	"data.incident.urgency",
	"payload.custom_details.urgency",
	"silence.id",
	"silence.place",
	"silence.until",
	"silence.author",
	"silence.reason",
	"telemetry.trace_id",
};

static bool is_rare(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(rare); i++)
		if (strcmp(rare[i], path) == 0)
			return true;
	return false;
}

static void check_manual(const struct paths *seen, const char *list)
{
	struct paths told = { .n = 0 };

	paths_of_manual(&told, list);
	for (size_t i = 0; i < seen->n; i++)
		ck_assert_msg(paths_have(&told, seen->at[i]),
			      "tracepager-page(7) does not tell of %s, in its list %s", seen->at[i],
			      list);
	for (size_t i = 0; i < told.n; i++)
		ck_assert_msg(paths_have(seen, told.at[i]) || is_rare(told.at[i]),
			      "tracepager-page(7) tells of %s, in its list %s, which no event has",
			      told.at[i], list);
	paths_fini(&told);
}

static bool acknowledge_viewed(void *ctx, const struct incident_view *view)
{
	const struct act act = { ACT_ACKNOWLEDGE, view->id, "ann", "test", "", NULL, NULL, 0 };
	struct buf words = BUF_INIT(512);

	(void)ctx;
	const struct act word = { ACT_COMMENT, view->id, "ann", "test", "on it", NULL, NULL, 0 };

	incidents_act(world->incidents, &act, &words);
	incidents_act(world->incidents, &word, &words);
	buf_fini(&words);
	return true;
}

/* Each member of each event is in the manual, and each in the manual is in an event. */
START_TEST(the_manual_tells_of_each_member)
{
	struct paths hook = { .n = 0 }, decision = { .n = 0 }, duty = { .n = 0 };

	for (size_t i = 0; i < ARRAY_LEN(simple); i++)
		tell(simple[i].labels, simple[i].words, ALERT_FIRING, 0);
	tell("alertname=OrdersByPhone job=web trace_id=0ff00000000000000000000000000000" PLACE,
	     "phone orders fail", ALERT_FIRING, 0);
	world_run(world, 2 * US_PER_MINUTE);
	fire_storm();
	incidents_each(world->incidents, NULL, acknowledge_viewed, NULL);
	world_run(world, US_PER_MINUTE);
	for (size_t i = 0; i < world->http.nrequests; i++) {
		const struct fake_request *request = &world->http.requests[i];
		bool is_hook = strncmp(request->url, "http://hook/", 12) == 0;
		if (!is_hook && strncmp(request->url, "http://pager/", 13) != 0)
			continue;
		json_t *body = json_loads(request->body, 0, NULL);
		ck_assert_ptr_nonnull(body);
		paths_collect(is_hook ? &hook : &duty, body, "", false);
		const json_t *made = json_object_get(json_object_get(body, "data"), "decision");
		if (is_hook && made)
			paths_collect(&decision, made, "", false);
		json_decref(body);
	}
	check_manual(&hook, "webhook");
	check_manual(&decision, "decision");
	check_manual(&duty, "pagerduty");
	paths_fini(&hook);
	paths_fini(&decision);
	paths_fini(&duty);
}
END_TEST

int main(void)
{
	/* The console asks the locale whether it may write UTF-8. */
	setenv("LC_ALL", "C.UTF-8", 1);
	Suite *suite = suite_create("pages");
	TCase *tcase = tcase_create("pages");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, pages_say_what_is_known, 0, ARRAY_LEN(simple));
	tcase_add_test(tcase, a_joined_page_says_who_joined);
	tcase_add_test(tcase, a_moved_page_says_whither);
	tcase_add_test(tcase, a_resolved_page_says_for_how_long);
	tcase_add_test(tcase, a_storm_is_told_as_one);
	tcase_add_test(tcase, the_manual_tells_of_each_member);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
