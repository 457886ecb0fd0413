/* The world of the scenarios: makes it, moves its time, looks at what it sent. */
#include "world.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

static const char rules_text[] =
	"teams:\n"
	"  shop: {escalation: shop}\n"
	"  ledger: {escalation: ledger}\n"
	"  sre: {escalation: sre}\n"
	"pagers:\n"
	"  shop-pager: {kind: pagerduty, routing_key: key-shop, url: \"http://pager/shop\"}\n"
	"  ledger-pager: {kind: pagerduty, routing_key: key-ledger, url: \"http://pager/ledger\"}\n"
	"  sre-pager: {kind: pagerduty, routing_key: key-sre, url: \"http://pager/sre\"}\n"
	"  chat-pager: {kind: pagerduty, routing_key: key-chat, url: \"http://pager/chat\"}\n"
	"escalations:\n"
	"  shop: {steps: [{page: [shop-pager]}]}\n"
	"  ledger: {steps: [{page: [ledger-pager]}]}\n"
	"  sre: {steps: [{page: [sre-pager]}]}\n"
	"services:\n"
	"  frontend: {owner: shop}\n"
	"  checkout: {owner: shop}\n"
	"  ledger: {owner: ledger}\n"
	"signals:\n"
	"  place_order:\n"
	"    alerts: {alertname: \"PlaceOrder*\"}\n"
	"    span: {service: frontend, operation: \"POST /orders\"}\n"
	"    owner: shop\n"
	"routes:\n"
	"  - when: {severity: info}\n"
	"    page: none\n"
	"  - when: {suspect: {service: ledger}, tell: chat}\n"
	"    severity: warning\n"
	"    also_notify: [chat-pager]\n"
	"silences: [{matchers: {quiet: yes}, ends: 2026-09-01T11:00:00Z, reason: work, author: "
	"ops}]\n"
	"fallback: {team: sre}\n";

const char world_trace[] =
	"{\"result\":{\"resourceSpans\":["
	"{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":"
	"\"frontend\"}}]},"
	"\"scopeSpans\":[{\"spans\":[{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":"
	"\"00000000000000a1\","
	"\"name\":\"POST /orders\",\"kind\":2,\"startTimeUnixNano\":\"1788256740000000000\","
	"\"endTimeUnixNano\":\"1788256740200000000\",\"status\":{\"code\":2}}]}]},"
	"{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":"
	"\"checkout\"}}]},"
	"\"scopeSpans\":[{\"spans\":[{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":"
	"\"00000000000000a2\","
	"\"parentSpanId\":\"00000000000000a1\",\"name\":\"PlaceOrder\",\"kind\":2,"
	"\"startTimeUnixNano\":\"1788256740010000000\",\"endTimeUnixNano\":\"1788256740190000000\","
	"\"status\":{\"code\":2}}]}]},"
	"{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":"
	"\"ledger\"}}]},"
	"\"scopeSpans\":[{\"spans\":[{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":"
	"\"00000000000000a3\","
	"\"parentSpanId\":\"00000000000000a2\",\"name\":\"Book\",\"kind\":2,"
	"\"startTimeUnixNano\":\"1788256740020000000\",\"endTimeUnixNano\":\"1788256740180000000\","
	"\"status\":{\"code\":2,\"message\":\"journal is read-only\"}}]}]}]}}";

static struct ruleset *parse_rules(const char *text, size_t len)
{
	struct findings findings = { 0 };
	struct ruleset *rules;

	if (rules_parse("rules.yaml", text, len, true, &rules, &findings) < 0) {
		struct buf told = BUF_INIT(1 << 16);
		findings_write(&findings, false, &told);
		fprintf(stderr, "%s", buf_text(&told));
		abort();
	}
	findings_fini(&findings);
	return rules;
}

struct ruleset *world_other_rules(const char *from, const char *to)
{
	struct buf text = BUF_INIT(1 << 16);

	for (const char *at = rules_text; *at;) {
		const char *found = strstr(at, from);
		buf_add(&text, at, found ? (size_t)(found - at) : strlen(at));
		if (!found)
			break;
		buf_puts(&text, to);
		at = found + strlen(from);
	}
	struct ruleset *rules = parse_rules(buf_text(&text), text.len);
	buf_fini(&text);
	return rules;
}

struct world *world_new(void)
{
	struct world *world = world_new_at(NULL);

	world_start(world);
	return world;
}

struct world *world_new_at(const char *path)
{
	struct world *world = xcalloc(1, sizeof(*world));

	world->path = path;
	fake_clock_init(&world->clock);
	fake_http_init(&world->http, &world->clock);
	world->disk = fake_store_new(&world->clock.clock);
	world->rules = parse_rules(rules_text, sizeof(rules_text) - 1);
	world->shadow = shadow_new(&world->clock.clock, world->clock.pool);
	world->source = (struct source_config){
		.name = "jaeger",
		.kind = SOURCE_JAEGER,
		.url = "http://jaeger",
		.timeout_us = 120 * US_PER_SECOND,
	};
	world->memory.cap_bytes = LIMIT_TRACES_IN_FLIGHT_BYTES;
	world->console_fd = -1;
	return world;
}

struct world *world_new_with(const char *rules, int console_fd)
{
	struct world *world = world_new_at(NULL);

	rules_unref(world->rules);
	world->rules = parse_rules(rules, strlen(rules));
	world->compares = world->links = true;
	world->trace_link = "http://jaeger/trace/{trace_id}?uiFind={span_id}";
	world->console_fd = console_fd;
	world_start(world);
	return world;
}

static void world_act_link(void *ctx, const char *incident, const char *pager, struct buf *out)
{
	(void)ctx;
	buf_printf(out, "http://relay/i/%s?t=%s", incident, pager);
}

void world_set_rules(struct world *world, const char *rules)
{
	rules_unref(world->rules);
	world->rules = parse_rules(rules, strlen(rules));
	incidents_set_rules(world->incidents, world->rules);
}

void world_start(struct world *world)
{
	const struct fetch_env fetch_env = {
		.transport = &world->http.transport,
		.timers = world->clock.timers,
		.clock = &world->clock.clock,
		.pool = world->clock.pool,
		.memory = &world->memory,
		.tracer = world->tracer,
	};
	struct err err;

	if (!world->path) {
		world->store = fake_store_open(world->disk);
	} else if (store_sqlite_open(world->path, &world->store, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	world->fetch = fetch_new(&fetch_env, &world->source, 1);
	if (world->compares) {
		world->baselines = baselines_new(&(struct baselines_env){
			world->fetch, world->clock.timers, &world->clock.clock, world->clock.pool,
			US_PER_HOUR });
		baselines_set_rules(world->baselines, world->rules);
	}
	const struct incident_env env = {
		.clock = &world->clock.clock,
		.timers = world->clock.timers,
		.store = world->store,
		.fetch = world->fetch,
		.baselines = world->baselines,
		.pool = world->clock.pool,
		.transport = &world->http.transport,
		.console_fd = world->console_fd,
		.shadow = world->shadow,
		.tracer = world->tracer,
		.act_link = world->links ? world_act_link : NULL,
		.options = {
			.enrich_us = LIMIT_ENRICH_US,
			.enrich_late_us = LIMIT_ENRICH_LATE_US,
			.window_before_us = 10 * US_PER_MINUTE,
			.expire_after_us = LIMIT_EXPIRE_AFTER_US,
			.ack_timeout_us = world->ack_timeout_us,
			.repage_after_us = 4 * US_PER_HOUR,
			.trace_link = world->trace_link ? world->trace_link : "http://jaeger/trace/{trace_id}",
		},
	};
	world->incidents = incidents_new(&env, world->rules);
	world->loaded = incidents_load(world->incidents, &err);
	assert(world->loaded == world->disk->load_fails);
}

static void stop(struct world *world)
{
	incidents_free(world->incidents);
	baselines_free(world->baselines);
	fetch_free(world->fetch);
	world->incidents = NULL;
	world->baselines = NULL;
}

void world_crash(struct world *world)
{
	stop(world);
	if (world->path)
		store_close(world->store);
	else
		fake_store_crash(world->disk);
}

/* What was handed to the disk is committed and reported; false: there was nothing. */
static bool world_disk_completes(struct world *world)
{
	if (!world->path)
		return fake_store_complete(world->disk, SIZE_MAX) > 0;
	struct pollfd pollfd = { .fd = store_fd(world->store), .events = POLLIN };
	if (!store_waiting(world->store))
		return false;
	poll(&pollfd, 1, -1);
	store_poll(world->store);
	return true;
}

void world_free(struct world *world)
{
	world_crash(world);
	fake_store_free(world->disk);
	fake_http_fini(&world->http);
	fake_clock_fini(&world->clock);
	shadow_free(world->shadow);
	rules_unref(world->rules);
	free(world);
}

static void settle(struct world *world)
{
	do {
		incidents_flush(world->incidents);
	} while (world_disk_completes(world) || pool_poll(world->clock.pool));
}

void world_run(struct world *world, int64_t us)
{
	int64_t end_us = world->clock.mono_us + us;

	for (;;) {
		settle(world);
		int64_t next_us = timers_next_us(world->clock.timers);
		if (next_us > end_us)
			break;
		fake_clock_advance(&world->clock, next_us > world->clock.mono_us
							  ? next_us - world->clock.mono_us
							  : 0);
	}
	fake_clock_advance(&world->clock, end_us - world->clock.mono_us);
	settle(world);
}

static void answered(void *ctx, int error, const char *text)
{
	struct world *world = ctx;

	(void)text;
	if (error)
		world->failed++;
	else
		world->durable++;
}

/* by_api: a word of the v2 API, of one Prometheus; else an Alertmanager's webhook. */
static enum accept_result world_accept(struct world *world, const char *labels,
				       enum alert_status status, int64_t starts_us, int64_t ends_us,
				       bool by_api, size_t more)
{
	struct arena *arena = arena_new(4 << 20);
	struct alert alert = {
		.sender = "am1",
		.family = "prometheus",
		.status = status,
		.starts_at_us = starts_us,
		.ends_at_us = ends_us,
		.generator_url = "",
		.ends_by_itself = by_api,
	};
	char fingerprint[FINGERPRINT_SIZE];

	alert.labels.at = arena_array(arena, 16, sizeof(struct label));
	for (char *rest = arena_strdup(arena, labels), *pair; (pair = strsep(&rest, " "));) {
		char *name = strsep(&pair, "=");
		alert.labels.at[alert.labels.n++] = (struct label){ name, pair };
	}
	labels_normalise(&alert.labels);
	labels_fingerprint(&alert.labels, fingerprint);
	alert.fingerprint = fingerprint;
	enum accept_result result = incidents_accept(world->incidents, &alert, more);
	incidents_when_durable(world->incidents, answered, world);
	arena_free(arena);
	return result;
}

enum accept_result world_alert(struct world *world, const char *labels, enum alert_status status,
			       int64_t starts_us, int64_t ends_us)
{
	return world_accept(world, labels, status, starts_us, ends_us,
			    ends_us > 0 && status == ALERT_FIRING, 0);
}

enum accept_result world_alert_of_api(struct world *world, const char *labels, int64_t starts_us,
				      int64_t ends_us)
{
	return world_accept(world, labels,
			    ends_us > world->clock.wall_us ? ALERT_FIRING : ALERT_RESOLVED,
			    starts_us, ends_us, true, 0);
}

enum accept_result world_alert_in_body(struct world *world, const char *labels, size_t more)
{
	return world_accept(world, labels, ALERT_FIRING, world->clock.wall_us, 0, false, more);
}

void world_jaeger_has(struct world *world)
{
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://jaeger",
							   .status = 200,
							   .body = world_trace,
							   .content_type = "application/json" });
}

void world_jaeger_has_not(struct world *world, unsigned int times)
{
	fake_http_reply(
		&world->http,
		(struct fake_reply){
			.url_part = "http://jaeger",
			.times = times,
			.status = 404,
			.body = "{\"error\":{\"httpCode\":404,\"message\":\"trace not found\"}}" });
}

void world_pagers_take_all(struct world *world)
{
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://pager/",
							   .status = 202,
							   .body = "{\"status\":\"success\"}" });
}

static bool is_page(const struct fake_request *request, const char *key, const char *event)
{
	char want_key[64], want_event[64];

	if (!strstr(request->url, "http://pager/"))
		return false;
	snprintf(want_key, sizeof(want_key), "\"%s\"", key);
	snprintf(want_event, sizeof(want_event), "\"%s\"", event ? event : "");
	return strstr(request->body, want_key) && (!event || strstr(request->body, want_event));
}

size_t world_pages(const struct world *world, const char *key, const char *event)
{
	size_t n = 0;

	for (size_t i = 0; i < world->http.nrequests; i++)
		n += is_page(&world->http.requests[i], key, event);
	return n;
}

const struct fake_request *world_page(const struct world *world, const char *key, const char *event,
				      size_t n)
{
	for (size_t i = 0; i < world->http.nrequests; i++)
		if (is_page(&world->http.requests[i], key, event) && n-- == 0)
			return &world->http.requests[i];
	return NULL;
}
