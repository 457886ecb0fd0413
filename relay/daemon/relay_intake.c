/*
 * Relay, intake: the senders of the options, their heartbeats, and what intake asks of the other
 * parts.
 */
#include "relay-internal.h"

#include "tracepager/heartbeats.h"
#include "tracepager/http_client.h"
#include "tracepager/incident.h"
#include "tracepager/xalloc.h"

static bool intake_have_room(void *ctx)
{
	const struct relay *relay = ctx;

	return incidents_have_room(relay->incidents);
}

static enum accept_result intake_accept(void *ctx, const struct alert *alert, size_t more)
{
	struct relay *relay = ctx;

	heartbeats_heard(relay->heartbeats, alert->sender);
	const bool watchdog = heartbeats_take(relay->heartbeats, alert);
	if (tap_is_on(&relay->tap)) /* before what becomes of it */
		relay_tap_alert(relay, alert, watchdog);
	return watchdog ? ACCEPT_WATCHDOG : incidents_accept(relay->incidents, alert, more);
}

/* What the relay itself says of its senders. */
static void relay_heartbeat_say(void *ctx, const struct alert *alert)
{
	struct relay *relay = ctx;

	incidents_accept(relay->incidents, alert, 0);
}

void relay_when_durable(void *ctx, store_done *done, void *arg)
{
	struct relay *relay = ctx;

	incidents_when_durable(relay->incidents, done, arg);
}

static void intake_body_refused(void *ctx, const struct rejected_body *body)
{
	struct relay *relay = ctx;

	incidents_body_refused(relay->incidents, body);
	if (tap_is_on(&relay->tap))
		relay_tap_body(relay, body);
}

static bool intake_traced(void *ctx, struct span_context *ret_context)
{
	const struct relay *relay = ctx;

	return incidents_traced(relay->incidents, ret_context);
}

static void make_senders(struct relay *relay)
{
	const struct config *config = relay->config;

	relay->senders = xcalloc(config->nsenders, sizeof(*relay->senders));
	for (size_t i = 0; i < config->nsenders; i++)
		relay->senders[i] = (struct sender){
			.name = config->senders[i].name,
			.format = config->senders[i].format,
			.auth = &config->senders[i].auth,
			.mapping = config->senders[i].mapping,
			.group_theirs = config->senders[i].group_theirs,
			.topics = config->senders[i].topics,
			.ntopics = config->senders[i].ntopics,
		};
}

static void make_heartbeats(struct relay *relay)
{
	const struct config *config = relay->config;

	relay->beating = xcalloc(config->nsenders + 1, sizeof(*relay->beating));
	for (size_t i = 0; i < config->nsenders; i++)
		relay->beating[i] =
			(struct heartbeat_sender){ .name = config->senders[i].name,
						   .every_us = config->senders[i].heartbeat_us,
						   .watchdog = config->senders[i].watchdog };
	relay->heartbeats = heartbeats_new(&(struct heartbeats_env){ .timers = relay->timers,
								     .clock = relay->clock,
								     .senders = relay->beating,
								     .nsenders = config->nsenders,
								     .say = relay_heartbeat_say,
								     .ctx = relay });
}

static void begin_intake(struct relay *relay)
{
	const struct intake_env env = {
		.pool = relay->pool,
		.timers = relay->timers,
		.clock = relay->clock,
		.senders = relay->senders,
		.nsenders = relay->config->nsenders,
		.open = config_is_loopback(relay->config->listen),
		.transport = http_client_transport(relay->client),
		.ops = {
			.have_room = intake_have_room,
			.accept = intake_accept,
			.when_durable = relay_when_durable,
			.body_refused = intake_body_refused,
			.traced = relay->telemetry ? intake_traced : NULL,
			.request_refused = relay_tap_request,
			.ctx = relay,
		},
	};

	relay->intake = intake_new(&env);
}

void relay_make_intake(struct relay *relay)
{
	make_senders(relay);
	make_heartbeats(relay);
	begin_intake(relay);
}
