/*
 * Relay: makes the parts, connects them, runs the loop, and takes everything down in order.
 */
#include "relay-internal.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tracepager/baselines.h"
#include "tracepager/feedback_memory.h"
#include "tracepager/deliver.h"
#include "tracepager/drill.h"
#include "tracepager/handover.h"
#include "tracepager/heartbeats.h"
#include "tracepager/http_client.h"
#include "tracepager/http_server.h"
#include "tracepager/incident.h"
#include "tracepager/log.h"
#include "tracepager/loop.h"
#include "tracepager/self_check.h"
#include "tracepager/sessions.h"
#include "tracepager/shadow.h"
#include "tracepager/trim.h"
#include "tracepager/xalloc.h"

/* Two: a large trace must not wait for another, and there are few cores. */
#define POOL_THREADS 2
/* A successor waits so long for the store: longer than any drain. */
#define TAKE_OVER_US (30 * US_PER_SECOND)

/* ---- what the parts ask of each other ---- */

static const struct ruleset *drill_rules(void *ctx)
{
	const struct relay *relay = ctx;

	return reload_rules(relay->rules);
}

static void relay_sight(void *ctx, const struct incident_sight *sight)
{
	const struct relay *relay = ctx;

	if (relay->drills) /* NULL: a start */
		drills_sight(relay->drills, sight);
	self_check_sight(relay->self_check, sight);
}

static void relay_keep_setting(void *ctx, const char *name, const char *value)
{
	struct relay *relay = ctx;

	incidents_keep(relay->incidents, name, value);
}

static void incident_kept(void *ctx, const char *name, const char *value)
{
	const struct relay *relay = ctx;

	links_kept(relay->links, name, value);
	sessions_kept(relay->sessions, name, value);
	feedback_memory_kept(relay->feedback, name, value);
}

static void incident_act_link(void *ctx, const char *incident, const char *pager, struct buf *out)
{
	const struct relay *relay = ctx;

	links_write(relay->links, incident, pager, out);
}

static void relay_make_links(struct relay *relay)
{
	relay->links = links_new(&(struct links_env){ .clock = relay->clock,
						      .external_url = relay->config->external_url,
						      .keys = relay->config->link_keys,
						      .nkeys = LINK_KEYS,
						      .keep = relay_keep_setting,
						      .ctx = relay });
	relay->sessions = sessions_new(&(struct sessions_env){
		.clock = relay->clock, .keep = relay_keep_setting, .ctx = relay });
}

/* ---- the loop ---- */

static void turn_end(void *ctx)
{
	struct relay *relay = ctx;

	if (relay->incidents)
		incidents_flush(relay->incidents);
	relay_look_at_peers(relay);
	relay_time_log(relay);
}

static void signal_caught(void *ctx, int signo)
{
	struct relay *relay = ctx;

	log_info("caught a signal", LOG_STR("signal", strsignal(signo)));
	if (signo != SIGHUP)
		relay_stop(relay);
	else
		relay_ask_reload(relay, NULL);
}

static void pool_ready(void *ctx)
{
	struct relay *relay = ctx;

	pool_poll(relay->pool);
}

/* A person must look at a damaged store: what it lost was paged to nobody. */
static void tell_store_news(struct relay *relay)
{
	CLEANUP_FREE char *news = store_take_news(relay->store);

	if (news && relay->incidents)
		incidents_store_damaged(relay->incidents, news);
}

static void store_ready(void *ctx)
{
	struct relay *relay = ctx;

	store_poll(relay->store);
	tell_store_news(relay);
}

static int make_loop(struct relay *relay, struct err *err)
{
	const struct loop_hooks hooks = { .turn_end = turn_end,
					  .caught = signal_caught,
					  .ctx = relay };

	relay->timers = timers_new();
	relay_begin_log(relay);
	relay->base = net_event_base_new();
	if (!relay->base)
		return err_set(err, ENOMEM, "cannot make an event loop");
	relay->loop = loop_new(relay->base, relay->clock, relay->timers, &hooks);
	relay->pool = pool_new(POOL_THREADS);
	relay->trim = trim_new(relay->pool, relay->timers, relay->clock);
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
	http_server_set_judge(relay->server, web_judge, &relay->web);
	http_server_set_tls(relay->server, relay->config->tls);
	config_tell_tls(relay->config);
	http_server_fit_descriptors(relay->server);
	return 0;
}

/* ---- the parts ---- */

static int make_incidents(struct relay *relay, int console_fd, struct err *err)
{
	const struct config *config = relay->config;
	struct ruleset *rules = reload_rules(relay->rules);
	const struct fetch_env fetch_env = {
		.transport = http_client_transport(relay->client),
		.timers = relay->timers,
		.clock = relay->clock,
		.pool = relay->pool,
		.memory = &relay->memory,
		.tracer = telemetry_tracer(relay->telemetry),
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
		.shadow = relay->shadow,
		.tracer = telemetry_tracer(relay->telemetry),
		.tap = &relay->tap,
		.kept = incident_kept,
		.act_link = incident_act_link,
		.sight = relay_sight,
		.ctx = relay,
		.options = {
			.enrich_us = config->enrich_us,
			.enrich_late_us = config->enrich_late_us,
			.window_before_us = config->window_before_us,
			.expire_after_us = config->expire_after_us,
			.trace_link = config->trace_link,
			.ack_timeout_us = config->ack_timeout_us,
			.repage_after_us = config->repage_after_us,
		},
	};

	relay->incidents = incidents_new(&env, rules);
	relay_measure_set_rules(relay, rules);
	if (relay->baselines)
		baselines_set_rules(relay->baselines, rules);
	int result = incidents_load(relay->incidents, err);
	if (result == 0)
		tell_store_news(relay);
	return result;
}

static int open_store(struct relay *relay, struct err *err)
{
	const struct timespec pause = { .tv_nsec = 5 * 1000 * 1000 };
	int64_t until_us = clock_mono_us(relay->clock) + TAKE_OVER_US;
	int result;

	do
		result = store_sqlite_open(relay->config->store_path, &relay->store, err);
	while (result == -EBUSY && relay->waits_for_store &&
	       clock_mono_us(relay->clock) < until_us && nanosleep(&pause, NULL) == 0);
	if (result < 0)
		return result;
	if (loop_watch(relay->loop, store_fd(relay->store), store_ready, relay) < 0)
		return err_set(err, ENOMEM, "cannot watch the store");
	return 0;
}

static void make_self_check(struct relay *relay)
{
	const struct config *config = relay->config;

	if (config->heartbeat_url.value)
		relay->self_check = self_check_new(&(struct self_check_env){
			.clock = relay->clock,
			.timers = relay->timers,
			.incidents = relay->incidents,
			.transport = http_client_transport(relay->client),
			.url = &config->heartbeat_url,
			.every_us = config->heartbeat_every_us,
			.limit_us = config->heartbeat_limit_us,
			.through = config->heartbeat_through,
			.rules = drill_rules,
			.ctx = relay,
		});
}

static int begin_work(struct relay *relay, int console_fd, struct err *err)
{
	int result = open_store(relay, err);

	relay_make_links(relay);
	relay->feedback = feedback_memory_new(
		&(struct feedback_memory_env){ .keep = relay_keep_setting, .ctx = relay });
	relay_make_telemetry(relay);
	if (result == 0)
		result = make_incidents(relay, console_fd, err);
	if (result < 0)
		return result;
	relay->drills = drills_new(&(struct drills_env){ .clock = relay->clock,
							 .timers = relay->timers,
							 .incidents = relay->incidents,
							 .rules = drill_rules,
							 .ctx = relay });
	make_self_check(relay);
	relay_make_intake(relay);
	relay_make_web(relay);
	relay_begin_reloads(relay);
	if (!relay->listens)
		result = relay_start_listening(relay, err);
	if (result == 0)
		relay_offer_handover(relay);
	return result;
}

static int make_parts(struct relay *relay, const struct relay_options *options,
		      struct findings *findings, struct err *err)
{
	int result = make_loop(relay, err);

	if (result == 0)
		result = relay_load_rules(relay, options->rules, findings);
	if (result == 0)
		result = make_network(relay, err);
	if (result == 0)
		result = relay_get_sockets(relay, options->take_over, err);
	if (result < 0)
		return result;
	result = begin_work(relay, options->console_fd, err);
	/* -EBUSY: that relay still has the store. */
	if (result < 0 && result != -EBUSY && relay->waits_for_store)
		err_prefix(err, "the relay that ran until now has ended, and nobody takes alerts "
				"until tracepager run succeeds");
	return result;
}

int relay_new(const struct relay_options *options, struct relay **ret_relay,
	      struct findings *findings, struct err *err)
{
	struct relay *relay = xcalloc(1, sizeof(*relay));

	relay->config = options->config;
	relay->clock = clock_system();
	tap_init(&relay->tap, relay->clock);
	relay->memory.cap_bytes = LIMIT_TRACES_IN_FLIGHT_BYTES;
	relay->drain = (struct timer){ .fire = relay_look_at_drain, .arg = relay };
	relay->notify.fd = -1;
	if (options->is_service)
		relay_begin_notify(relay, options->take_over);
	int result = make_parts(relay, options, findings, err);
	if (result < 0) {
		relay_tell_failed(relay, err);
		relay_free(relay);
		return result;
	}
	*ret_relay = relay;
	return 0;
}

int relay_run(struct relay *relay)
{
	log_info("tracepager takes alerts", LOG_STR("listen", relay->config->listen),
		 LOG_INT("port", relay_port(relay)),
		 LOG_STR("scheme", relay->config->tls ? "https" : "http"),
		 LOG_STR("store", relay->config->store_path),
		 LOG_INT("senders", (int64_t)relay->config->nsenders),
		 LOG_INT("sources", (int64_t)relay->config->nsources));
	relay_tell_ready(relay);
	int result = loop_run(relay->loop);
	log_info("tracepager ends", LOG_INT("busy", (int64_t)incidents_busy(relay->incidents)));
	return result;
}

void relay_stop(struct relay *relay)
{
	if (relay->draining)
		loop_stop(relay->loop); /* asked twice */
	relay_drain(relay);
}

/* In the order in which the parts lean on each other. The pool first: its jobs report to the
 * others. */
void relay_free(struct relay *relay)
{
	if (!relay)
		return;
	if (relay->shadow)
		shadow_set_rules(relay->shadow, NULL); /* nothing waits for them any more */
	relay->ending = true;
	if (relay->incidents)
		incidents_end(relay->incidents);
	pool_free(relay->pool);
	if (relay->store)
		store_end(relay->store);
	if (relay->incidents)
		incidents_flush(relay->incidents);
	store_close(relay->store);
	handover_free(relay->handover);
	http_server_free(relay->server);
	web_fini(&relay->web);
	tap_fini(&relay->tap);
	intake_free(relay->intake);
	heartbeats_free(relay->heartbeats);
	drills_free(relay->drills);
	self_check_free(relay->self_check);
	incidents_free(relay->incidents);
	baselines_free(relay->baselines);
	if (relay->fetch)
		fetch_free(relay->fetch);
	relay_free_telemetry(relay);
	http_client_free(relay->client);
	shadow_free(relay->shadow);
	loop_free(relay->loop);
	rules_unref(relay->measured_rules);
	reload_free(relay->rules);
	reload_free(relay->shadow_rules);
	free(relay->shadow_path);
	config_refresh_free(relay->refresh);
	free(relay->asking);
	free(relay->asking_next);
	buf_fini(&relay->refreshed);
	trim_free(relay->trim);
	relay_end_log(relay);
	timers_free(relay->timers);
	if (relay->base)
		event_base_free(relay->base);
	free(relay->beating);
	free(relay->senders);
	free(relay->tokens);
	links_free(relay->links);
	sessions_free(relay->sessions);
	feedback_memory_free(relay->feedback);
	notify_fini(&relay->notify);
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
