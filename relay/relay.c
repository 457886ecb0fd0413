/*
 * Relay: makes the parts, connects them, runs the loop, reloads the rules, and takes everything
 * down in order.
 */
#include "tracepager/relay.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/baselines.h"
#include "tracepager/fetch.h"
#include "tracepager/http_client.h"
#include "tracepager/http_server.h"
#include "tracepager/incident.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/loop.h"
#include "tracepager/metrics.h"
#include "tracepager/store.h"
#include "tracepager/web.h"
#include "tracepager/xalloc.h"

/* Two: a large trace must not wait for another, and there are few cores. */
#define POOL_THREADS 2
/* A drain: deliveries under way may end; what does not is in the store. */
#define DRAIN_US       (5 * US_PER_SECOND)
#define DRAIN_LOOK_US  (20 * US_PER_MS)
#define FINDINGS_BYTES (256u << 10)

/* One load of the rules in the pool. */
struct reload {
	struct relay *relay;
	struct ruleset *rules;
	struct findings findings;
	int result;
	struct http_exchange **waiting; /* who asked by HTTP */
	size_t nwaiting;
};

struct relay {
	const struct config *config;
	const struct clock *clock;
	struct event_base *base;
	struct loop *loop;
	struct timers *timers;
	struct pool *pool;
	struct store *store;
	struct http_client *client;
	struct http_server *server;
	struct trace_memory memory;
	struct fetch *fetch;
	struct baselines *baselines;
	struct incidents *incidents;
	struct intake *intake;
	struct sender *senders;
	struct web web;
	struct reload *reload;	     /* running */
	struct reload *reload_again; /* asked for meanwhile */
	bool own_rules;
	bool draining;
	int64_t drain_until_us;
	struct timer drain;
};

/* ---- reload ---- */

static void run_reload(void *arg)
{
	struct reload *reload = arg;
	const char *paths[] = { reload->relay->config->rules };

	reload->result = rules_load(paths, 1, true, &reload->rules, &reload->findings);
}

static void answer_reload(struct http_exchange *exchange, const struct reload *reload)
{
	struct buf text = BUF_INIT(FINDINGS_BYTES);

	findings_write(&reload->findings, false, &text);
	buf_puts(&text, reload->result < 0
				? "the rules were not loaded; the old ones stay in force\n"
				: "the rules were loaded\n");
	http_exchange_reply(exchange, reload->result < 0 ? 400 : 200, "text/plain; charset=utf-8",
			    buf_text(&text), text.len, 0);
	buf_fini(&text);
}

static void log_findings(const struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *finding = &findings->at[i];
		bool error = finding->level == FINDING_ERROR;
		LOG_AT(error ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
		       error ? "rules: error" : "rules: warning", LOG_STR("file", finding->file),
		       LOG_INT("line", finding->line), LOG_INT("column", finding->column),
		       LOG_STR("code", finding->code), LOG_STR("text", finding->text));
	}
}

static void rules_loaded(const struct relay *relay, const struct ruleset *rules)
{
	size_t teams, pagers, services, signals;

	rules_count(rules, &teams, &pagers, &services, &signals);
	metric_set(METRIC_RELOAD_SUCCESSFUL, 1);
	metric_set(METRIC_RELOAD_TIME, clock_wall_us(relay->clock));
	log_info("rules are in force", LOG_STR("hash", rules_hash(rules)),
		 LOG_INT("teams", (int64_t)teams), LOG_INT("pagers", (int64_t)pagers),
		 LOG_INT("services", (int64_t)services), LOG_INT("signals", (int64_t)signals));
}

static void reload_free(struct reload *reload)
{
	if (!reload)
		return;
	findings_fini(&reload->findings);
	rules_unref(reload->rules);
	free(reload->waiting);
	free(reload);
}

static void reload_ran(void *arg)
{
	struct reload *reload = arg;
	struct relay *relay = reload->relay;

	log_findings(&reload->findings);
	if (reload->result < 0) {
		metric_add(METRIC_RELOADS_FAILED, 1);
		metric_set(METRIC_RELOAD_SUCCESSFUL, 0);
		log_error("the rules were not loaded; the old ones stay in force",
			  LOG_INT("errors", (int64_t)reload->findings.nerrors));
	} else {
		metric_add(METRIC_RELOADS_OK, 1);
		incidents_set_rules(relay->incidents, reload->rules);
		if (relay->baselines)
			baselines_set_rules(relay->baselines, reload->rules);
		rules_loaded(relay, reload->rules);
	}
	for (size_t i = 0; i < reload->nwaiting; i++)
		answer_reload(reload->waiting[i], reload);
	reload_free(reload);
	relay->reload = relay->reload_again;
	relay->reload_again = NULL;
	if (relay->reload)
		pool_submit(relay->pool, run_reload, reload_ran, relay->reload);
}

/* One at a time; those who ask while one runs share the next. */
static void start_reload(struct relay *relay, struct http_exchange *exchange)
{
	struct reload **slot = relay->reload ? &relay->reload_again : &relay->reload;
	bool first = !*slot;

	if (first) {
		*slot = xcalloc(1, sizeof(**slot));
		(*slot)->relay = relay;
	}
	if (exchange) {
		struct reload *reload = *slot;
		reload->waiting = xrealloc_array(reload->waiting, reload->nwaiting + 1,
						 sizeof(*reload->waiting));
		reload->waiting[reload->nwaiting++] = exchange;
	}
	if (first && slot == &relay->reload)
		pool_submit(relay->pool, run_reload, reload_ran, relay->reload);
}

static void web_reload(void *ctx, struct http_exchange *exchange)
{
	static const char fixed[] =
		"{\"error\": \"these rules are built in; there is nothing to load again\"}\n";
	struct relay *relay = ctx;

	if (relay->own_rules)
		start_reload(relay, exchange);
	else
		http_exchange_reply(exchange, 400, NULL, fixed, sizeof(fixed) - 1, 0);
}

/* ---- what the parts ask of each other ---- */

static bool web_ready(void *ctx, const char **ret_why_not)
{
	const struct relay *relay = ctx;

	if (relay->draining)
		*ret_why_not = "it is shutting down";
	else if (!incidents_have_room(relay->incidents))
		*ret_why_not = "too many alerts are waiting";
	else if (!store_healthy(relay->store))
		*ret_why_not = "the store cannot write";
	else
		return true;
	return false;
}

static void web_measure(void *ctx)
{
	const struct relay *relay = ctx;

	incidents_measure(relay->incidents);
	metric_set(METRIC_TRACE_BYTES, (int64_t)relay->memory.used_bytes);
	metric_set(METRIC_CONNECTIONS, (int64_t)http_server_connections(relay->server));
}

static bool intake_have_room(void *ctx)
{
	const struct relay *relay = ctx;

	return !relay->draining && incidents_have_room(relay->incidents);
}

static enum accept_result intake_accept(void *ctx, const struct alert *alert)
{
	struct relay *relay = ctx;

	return incidents_accept(relay->incidents, alert);
}

static void intake_when_durable(void *ctx, store_done *done, void *arg)
{
	struct relay *relay = ctx;

	incidents_when_durable(relay->incidents, done, arg);
}

static void intake_body_refused(void *ctx, const char *sender, const char *why)
{
	struct relay *relay = ctx;

	incidents_body_refused(relay->incidents, sender, why);
}

/* ---- the loop ---- */

static void turn_end(void *ctx)
{
	struct relay *relay = ctx;

	if (relay->incidents)
		incidents_flush(relay->incidents);
}

static void look_at_drain(void *arg)
{
	struct relay *relay = arg;
	int64_t now_us = clock_mono_us(relay->clock);

	if (!incidents_busy(relay->incidents) || now_us >= relay->drain_until_us)
		loop_stop(relay->loop);
	else
		timer_arm(relay->timers, &relay->drain, now_us + DRAIN_LOOK_US);
}

void relay_stop(struct relay *relay)
{
	if (relay->draining) {
		loop_stop(relay->loop); /* asked twice */
		return;
	}
	relay->draining = true;
	relay->drain_until_us = clock_mono_us(relay->clock) + DRAIN_US;
	http_server_stop(relay->server);
	look_at_drain(relay);
}

static void caught(void *ctx, int signo)
{
	struct relay *relay = ctx;

	log_info("caught a signal", LOG_STR("signal", strsignal(signo)));
	if (signo != SIGHUP)
		relay_stop(relay);
	else if (relay->own_rules)
		start_reload(relay, NULL);
}

static void pool_ready(void *ctx)
{
	struct relay *relay = ctx;

	pool_poll(relay->pool);
}

static void store_ready(void *ctx)
{
	struct relay *relay = ctx;

	store_poll(relay->store);
}

static int make_loop(struct relay *relay, struct err *err)
{
	const struct loop_hooks hooks = { .turn_end = turn_end, .caught = caught, .ctx = relay };

	relay->timers = timers_new();
	relay->base = net_event_base_new();
	if (!relay->base)
		return err_set(err, ENOMEM, "cannot make an event loop");
	relay->loop = loop_new(relay->base, relay->clock, relay->timers, &hooks);
	relay->pool = pool_new(POOL_THREADS);
	if (!relay->loop || loop_watch(relay->loop, pool_fd(relay->pool), pool_ready, relay) < 0)
		return err_set(err, ENOMEM, "cannot make an event loop");
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (loop_catch(relay->loop, signals[i]) < 0)
			return err_set(err, ENOMEM, "cannot watch for signals");
	return 0;
}

static int make_network(struct relay *relay, struct err *err)
{
	relay->client = http_client_new(relay->base, relay->clock);
	relay->server = http_server_new(relay->base, relay->clock, web_handle, &relay->web);
	if (!relay->client || !relay->server)
		return err_set(err, ENOMEM, "cannot start the HTTP client and server");
	return 0;
}

static void make_senders(struct relay *relay)
{
	const struct config *config = relay->config;

	relay->senders = xcalloc(config->nsenders, sizeof(*relay->senders));
	for (size_t i = 0; i < config->nsenders; i++)
		relay->senders[i] = (struct sender){
			.name = config->senders[i].name,
			.format = config->senders[i].format,
			.bearer = &config->senders[i].bearer,
		};
}

static void make_intake(struct relay *relay)
{
	const struct intake_env env = {
		.pool = relay->pool,
		.timers = relay->timers,
		.clock = relay->clock,
		.senders = relay->senders,
		.nsenders = relay->config->nsenders,
		.open = config_is_loopback(relay->config->listen),
		.ops = {
			.have_room = intake_have_room,
			.accept = intake_accept,
			.when_durable = intake_when_durable,
			.body_refused = intake_body_refused,
			.ctx = relay,
		},
	};

	relay->intake = intake_new(&env);
	relay->web = (struct web){
		.intake = relay->intake,
		.admin_token = &relay->config->admin_token,
		.ops = { .ready = web_ready,
			 .measure = web_measure,
			 .reload = web_reload,
			 .ctx = relay },
	};
}

static int make_incidents(struct relay *relay, struct ruleset *rules, int console_fd,
			  struct err *err)
{
	const struct config *config = relay->config;
	const struct fetch_env fetch_env = {
		.transport = http_client_transport(relay->client),
		.timers = relay->timers,
		.clock = relay->clock,
		.pool = relay->pool,
		.memory = &relay->memory,
	};
	relay->fetch = fetch_new(&fetch_env, config->sources, config->nsources);
	const struct baselines_env baselines_env = {
		.fetch = relay->fetch,
		.timers = relay->timers,
		.clock = relay->clock,
		.pool = relay->pool,
		.every_us = config->healthy_every_us,
	};
	if (config->nsources && config->healthy_every_us)
		relay->baselines = baselines_new(&baselines_env);
	const struct incident_env env = {
		.clock = relay->clock,
		.timers = relay->timers,
		.store = relay->store,
		.fetch = relay->fetch,
		.baselines = relay->baselines,
		.pool = relay->pool,
		.transport = http_client_transport(relay->client),
		.console_fd = console_fd,
		.options = {
			.enrich_us = config->enrich_us,
			.enrich_late_us = config->enrich_late_us,
			.window_before_us = config->window_before_us,
			.expire_after_us = config->expire_after_us,
			.trace_link = config->trace_link,
		},
	};

	relay->incidents = incidents_new(&env, rules);
	if (relay->baselines)
		baselines_set_rules(relay->baselines, rules);
	return incidents_load(relay->incidents, err);
}

static int open_store(struct relay *relay, struct err *err)
{
	int result = store_sqlite_open(relay->config->store_path, &relay->store, err);

	if (result < 0)
		return result;
	if (loop_watch(relay->loop, store_fd(relay->store), store_ready, relay) < 0)
		return err_set(err, ENOMEM, "cannot watch the store");
	return 0;
}

static int make_parts(struct relay *relay, struct ruleset *rules, int console_fd, struct err *err)
{
	int result = make_loop(relay, err);

	if (result == 0)
		result = open_store(relay, err);
	if (result == 0)
		result = make_network(relay, err);
	if (result == 0)
		result = make_incidents(relay, rules, console_fd, err);
	if (result < 0)
		return result;
	make_senders(relay);
	make_intake(relay);
	return http_server_listen(relay->server, relay->config->listen, err);
}

int relay_new(const struct relay_options *options, struct relay **ret_relay,
	      struct findings *findings, struct err *err)
{
	const char *paths[] = { options->config->rules };
	struct ruleset *rules = options->rules ? rules_ref(options->rules) : NULL;
	struct relay *relay = xcalloc(1, sizeof(*relay));
	int result = 0;

	relay->config = options->config;
	relay->clock = clock_system();
	relay->memory.cap_bytes = LIMIT_TRACES_IN_FLIGHT_BYTES;
	relay->own_rules = !options->rules;
	relay->drain = (struct timer){ .fire = look_at_drain, .arg = relay };
	if (!rules)
		result = rules_load(paths, 1, true, &rules, findings);
	if (result == 0)
		result = make_parts(relay, rules, options->console_fd, err);
	if (result == 0)
		rules_loaded(relay, rules);
	rules_unref(rules);
	if (result < 0) {
		relay_free(relay);
		return result;
	}
	*ret_relay = relay;
	return 0;
}

int relay_run(struct relay *relay)
{
	log_info("tracepager takes alerts", LOG_STR("listen", relay->config->listen),
		 LOG_INT("port", relay_port(relay)), LOG_STR("store", relay->config->store_path),
		 LOG_INT("senders", (int64_t)relay->config->nsenders),
		 LOG_INT("sources", (int64_t)relay->config->nsources));
	int result = loop_run(relay->loop);
	log_info("tracepager ends", LOG_INT("busy", (int64_t)incidents_busy(relay->incidents)));
	return result;
}

/* In the order in which the parts lean on each other. The pool first: its jobs report to the
 * others. */
void relay_free(struct relay *relay)
{
	if (!relay)
		return;
	pool_free(relay->pool);
	if (relay->incidents)
		incidents_flush(relay->incidents);
	store_close(relay->store);
	http_server_free(relay->server);
	intake_free(relay->intake);
	incidents_free(relay->incidents);
	baselines_free(relay->baselines);
	if (relay->fetch)
		fetch_free(relay->fetch);
	http_client_free(relay->client);
	reload_free(relay->reload);
	reload_free(relay->reload_again);
	loop_free(relay->loop);
	timers_free(relay->timers);
	if (relay->base)
		event_base_free(relay->base);
	free(relay->senders);
	free(relay);
}

int relay_port(const struct relay *relay)
{
	return http_server_port(relay->server);
}

struct timers *relay_timers(struct relay *relay)
{
	return relay->timers;
}

const struct http_transport *relay_transport(struct relay *relay)
{
	return http_client_transport(relay->client);
}
