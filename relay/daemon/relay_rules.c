/*
 * Relay, rules: loads the rules and the shadow rules, and reads the options again at a reload, in
 * the pool.
 */
#include "relay-internal.h"

#include <stdlib.h>
#include <string.h>

#include "tracepager/baselines.h"
#include "tracepager/http_server.h"
#include "tracepager/incident.h"
#include "tracepager/log.h"
#include "tracepager/shadow.h"
#include "tracepager/xalloc.h"

/* A fresh install has such rules, and a relay on trial. */
static void warn_unpaged(const struct relay *relay)
{
	size_t n;
	const struct pager *pagers = rules_pagers(reload_rules(relay->rules), &n);

	for (size_t i = 0; i < n; i++)
		if (pagers[i].kind != PAGER_CONSOLE)
			return;
	log_warn("the rules have no pager but the console: pages go to standard output (the "
		 "journal), and nobody is paged",
		 LOG_STR("rules", relay->config->rules));
}

static void rules_changed(void *ctx, struct ruleset *rules)
{
	struct relay *relay = ctx;

	warn_unpaged(relay);
	incidents_set_rules(relay->incidents, rules);
	relay_measure_set_rules(relay, rules);
	if (relay->baselines)
		baselines_set_rules(relay->baselines, rules);
}

static void shadow_rules_changed(void *ctx, struct ruleset *rules)
{
	struct relay *relay = ctx;

	shadow_set_rules(relay->shadow, rules);
}

/* rules.shadow.d beside the rules, where no other place is said. */
static char *shadow_path(const struct config *config)
{
	CLEANUP_FREE char *rules = xstrdup(config->rules);
	size_t len = strlen(rules);

	if (*config->rules_shadow)
		return xstrdup(config->rules_shadow);
	while (len > 1 && rules[len - 1] == '/')
		rules[--len] = '\0';
	const char *slash = strrchr(rules, '/');
	return slash ? xasprintf("%.*s/rules.shadow.d", (int)(slash - rules), rules)
		     : xstrdup("rules.shadow.d");
}

static bool add_refreshed(void *ctx, struct buf *out)
{
	const struct relay *relay = ctx;

	buf_puts(out, buf_text(&relay->refreshed));
	return !relay->refresh_failed;
}

int relay_load_rules(struct relay *relay, struct ruleset *fixed, struct findings *findings)
{
	const struct config *config = relay->config;
	struct reload_env env = {
		.role = RELOAD_LIVE,
		.clock = relay->clock,
		.timers = relay->timers,
		.pool = relay->pool,
		.path = config->rules,
		.watch = config->rules_watch,
		.test = config->rules_test,
		.swap = rules_changed,
		.ctx = relay,
		.add_answer = add_refreshed,
		.idle = relay_tell_reloaded,
	};

	relay->rules = reload_new(&env);
	relay->shadow = shadow_new(relay->clock, relay->pool);
	if (fixed) {
		reload_fix(relay->rules, fixed);
		return 0;
	}
	relay->shadow_path = shadow_path(config);
	env.role = RELOAD_SHADOW;
	env.path = relay->shadow_path;
	env.swap = shadow_rules_changed;
	env.add_answer = NULL;
	env.idle = NULL;
	relay->shadow_rules = reload_new(&env);
	return reload_first(relay->rules, findings);
}

void relay_begin_reloads(struct relay *relay)
{
	if (!relay->shadow_rules)
		return;
	reload_begin(relay->rules);
	reload_begin(relay->shadow_rules);
}

static void read_options(void *arg)
{
	struct relay *relay = arg;

	config_refresh_read(relay->refresh);
}

static void begin_refresh(struct relay *relay);

/* The rules are loaded after the options: the answer tells of both. */
static void options_read(void *arg)
{
	struct relay *relay = arg;

	buf_fini(&relay->refreshed);
	buf_init(&relay->refreshed, LIMIT_RELOAD_TEXT_BYTES / 2);
	relay->refresh_failed =
		!config_refresh_take(relay->refresh, relay->config, &relay->refreshed);
	http_server_set_tls(relay->server, relay->config->tls);
	config_refresh_free(relay->refresh);
	relay->refresh = NULL;
	relay_take_log_level(relay);
	if (relay->ending)
		return;
	if (!relay->nasking)
		reload_ask(relay->rules, NULL);
	for (size_t i = 0; i < relay->nasking; i++)
		reload_ask(relay->rules, relay->asking[i]);
	if (relay->shadow_rules)
		reload_ask(relay->shadow_rules, NULL);
	free(relay->asking);
	relay->asking = relay->asking_next;
	relay->nasking = relay->nasking_next;
	relay->asking_next = NULL;
	relay->nasking_next = 0;
	if (relay->refresh_next)
		begin_refresh(relay);
}

static void begin_refresh(struct relay *relay)
{
	relay->refresh_next = false;
	relay->refresh = config_refresh_new(relay->config);
	pool_submit(relay->pool, read_options, options_read, relay);
}

static void add_asking(struct http_exchange ***list, size_t *n, struct http_exchange *exchange)
{
	if (!exchange)
		return;
	*list = xrealloc_array(*list, *n + 1, sizeof(**list));
	(*list)[(*n)++] = exchange;
}

void relay_ask_reload(struct relay *relay, struct http_exchange *exchange)
{
	relay_tell_reloading(relay);
	if (relay->refresh) {
		add_asking(&relay->asking_next, &relay->nasking_next, exchange);
		relay->refresh_next = true;
		return;
	}
	add_asking(&relay->asking, &relay->nasking, exchange);
	begin_refresh(relay);
}
