/*
 * Relay, web: who may use the API, and what web asks of the other parts.
 */
#include "relay-internal.h"

#include "tracepager/drill.h"
#include "tracepager/http_server.h"
#include "tracepager/incident.h"
#include "tracepager/metrics.h"
#include "tracepager/self_check.h"
#include "tracepager/shadow.h"
#include "tracepager/xalloc.h"

static void web_reload(void *ctx, struct http_exchange *exchange)
{
	relay_ask_reload(ctx, exchange);
}

static void web_rules(void *ctx, bool json, struct buf *out)
{
	const struct relay *relay = ctx;

	buf_puts(out, json ? "{\"rules\":" : "The rules in force\n\n");
	(json ? reload_write_json : reload_write_text)(relay->rules, out);
	if (relay->shadow_rules) {
		buf_puts(out, json ? ",\"shadow\":" : "\nThe shadow rules\n\n");
		(json ? reload_write_json : reload_write_text)(relay->shadow_rules, out);
	}
	if (json)
		buf_putc(out, '}');
	else
		shadow_write_text(relay->shadow, out);
}

static const struct reload *web_ruleset(void *ctx, enum reload_role role)
{
	const struct relay *relay = ctx;

	return role == RELOAD_LIVE ? relay->rules : relay->shadow_rules;
}

static void web_shadow(void *ctx, struct buf *out)
{
	const struct relay *relay = ctx;

	shadow_write_json(relay->shadow, out);
}

static bool web_ready(void *ctx, const char **ret_why_not)
{
	return relay_is_ready(ctx, ret_why_not);
}

static size_t web_unreached(void *ctx)
{
	const struct relay *relay = ctx;

	return incidents_unreached(relay->incidents);
}

static void web_pagers(void *ctx, incident_pager_viewer *viewer, void *arg)
{
	const struct relay *relay = ctx;

	incidents_each_pager(relay->incidents, viewer, arg);
}

static bool web_pause(void *ctx, const char *pager, const char *who, bool paused)
{
	struct relay *relay = ctx;

	return incidents_pause(relay->incidents, pager, who, paused);
}

static struct deliver *web_deliver(void *ctx)
{
	struct relay *relay = ctx;

	return incidents_deliver(relay->incidents);
}

static struct incidents *web_incidents(void *ctx)
{
	const struct relay *relay = ctx;

	return relay->incidents;
}

static struct drills *web_drills(void *ctx)
{
	const struct relay *relay = ctx;

	return relay->drills;
}

static void web_tell_ready(void *ctx, struct buf *out)
{
	const struct relay *relay = ctx;

	self_check_write_ready(relay->self_check, out);
}

static void web_drain(void *ctx)
{
	relay_drain(ctx);
}

static const struct pager *web_pager(void *ctx, const char *name)
{
	const struct relay *relay = ctx;

	return rules_pager(reload_rules(relay->rules), name);
}

static enum act_outcome web_act(void *ctx, const struct act *act, struct buf *words)
{
	struct relay *relay = ctx;

	return incidents_act(relay->incidents, act, words);
}

static void web_each(void *ctx, const char *after, incident_viewer *viewer, void *arg)
{
	const struct relay *relay = ctx;

	incidents_each(relay->incidents, after, viewer, arg);
}

static bool web_view(void *ctx, const char *id, incident_viewer *viewer, void *arg)
{
	const struct relay *relay = ctx;

	return incidents_view(relay->incidents, id, viewer, arg);
}

static void web_note(void *ctx, const struct act *act)
{
	const struct relay *relay = ctx;

	incidents_note(relay->incidents, act);
}

/* Who may use the API: none where no token is configured. */
static size_t make_tokens(struct relay *relay)
{
	const struct config *config = relay->config;
	size_t n = 0;

	relay->tokens = xcalloc(config->ntokens + 1, sizeof(*relay->tokens));
	if (config->admin_token.value)
		relay->tokens[n++] = (struct web_token){ .name = "admin",
							 .secret = &config->admin_token,
							 .may_act = true };
	for (size_t i = 0; i < config->ntokens; i++)
		relay->tokens[n++] = (struct web_token){ .name = config->tokens[i].name,
							 .secret = &config->tokens[i].secret,
							 .may_act = config->tokens[i].may_act };
	return n;
}

void relay_make_web(struct relay *relay)
{
	const size_t ntokens = make_tokens(relay);

	relay->web = (struct web){
		.intake = relay->intake,
		.pool = relay->pool,
		.clock = relay->clock,
		.timers = relay->timers,
		.store_path = relay->config->store_path,
		.links = relay->links,
		.feedback = relay->feedback,
		.sessions = relay->sessions,
		.log_levels = relay->log_levels,
		.tap = &relay->tap,
		.tls = relay->config->tls != NULL,
		.external_url = relay->config->external_url,
		.tokens = relay->tokens,
		.ntokens = ntokens,
		.proxy = &relay->config->proxy,
		.open = config_is_loopback(relay->config->listen),
		.listen = relay->config->listen,
		.hosts = relay->config->hosts,
		.ops = { .ready = web_ready,
			 .unreached = web_unreached,
			 .measure = relay_measure,
			 .reload = web_reload,
			 .rules = web_rules,
			 .ruleset = web_ruleset,
			 .shadow = web_shadow,
			 .act = web_act,
			 .pager = web_pager,
			 .pagers = web_pagers,
			 .pause = web_pause,
			 .deliver = web_deliver,
			 .incidents = web_incidents,
			 .drills = web_drills,
			 .tell_ready = web_tell_ready,
			 .drain = web_drain,
			 .when_durable = relay_when_durable,
			 .each = web_each,
			 .view = web_view,
			 .note = web_note,
			 .ctx = relay },
	};
}