/*
 * Relay: makes the parts, connects them, runs the loop, and takes everything down in order.
 */
#include "tracepager/relay.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tracepager/baselines.h"
#include "tracepager/feedback_memory.h"
#include "tracepager/fetch.h"
#include "tracepager/handover.h"
#include "tracepager/http_client.h"
#include "tracepager/http_server.h"
#include "tracepager/deliver.h"
#include "tracepager/drill.h"
#include "tracepager/heartbeats.h"
#include "tracepager/incident.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/loop.h"
#include "tracepager/metrics.h"
#include "tracepager/reload.h"
#include "tracepager/self_check.h"
#include "tracepager/sessions.h"
#include "tracepager/shadow.h"
#include "tracepager/store.h"
#include "tracepager/web.h"
#include "tracepager/trim.h"
#include "tracepager/xalloc.h"

/* Two: a large trace must not wait for another, and there are few cores. */
#define POOL_THREADS 2
/* A drain: what is under way may end; what does not is in the store. Where no successor has the
 * listening sockets, posts are taken until a moment in which nothing is under way, for at most
 * DRAIN_TAKING_US. Requests to pagers begin for DRAIN_SENDING_US at most, so that a busy relay cuts
 * none that a pager may have taken: the next start would send its page again. */
#define DRAIN_US	 (5 * US_PER_SECOND)
#define DRAIN_TAKING_US	 (4 * US_PER_SECOND)
#define DRAIN_SENDING_US (3 * US_PER_SECOND)
/* A successor waits so long for the store: longer than any drain. */
#define TAKE_OVER_US  (30 * US_PER_SECOND)
#define DRAIN_LOOK_US (20 * US_PER_MS)

#define HANDOVER_SUFFIX ".handover"

struct relay {
	struct config *config;
	const struct clock *clock;
	struct event_base *base;
	struct loop *loop;
	struct timers *timers;
	struct pool *pool;
	struct trim *trim;
	struct store *store;
	struct http_client *client;
	struct http_server *server;
	struct trace_memory memory;
	struct fetch *fetch;
	struct baselines *baselines;
	struct incidents *incidents;
	struct drills *drills;
	struct self_check *self_check; /* NULL: no heartbeats are wanted */
	struct intake *intake;
	struct sender *senders;
	struct heartbeat_sender *beating;
	struct heartbeats *heartbeats;
	struct web web;
	struct web_token *tokens;
	struct links *links;
	struct sessions *sessions;
	struct feedback_memory *feedback;
	struct reload *rules, *shadow_rules; /* the second is NULL where the rules are built in */
	char *shadow_path;
	struct shadow *shadow;
	/* The options' refresh: one at a time in the pool; requests that come during one share the
	 * next. */
	struct config_refresh *refresh;
	struct http_exchange **asking, **asking_next;
	size_t nasking, nasking_next;
	bool refresh_next;
	struct buf refreshed; /* what the last refresh told; empty before the first */
	bool refresh_failed;
	bool ending;		/* nothing is submitted to the pool any more */
	bool draining, stopped; /* stopped: nothing is accepted any more */
	struct handover *handover;
	int sockets[LIMIT_LISTENERS]; /* passed to us, and not the server's yet */
	size_t nsockets;
	bool waits_for_store; /* the relay before us drains */
	bool listens;
	int64_t drain_began_us;
	struct timer drain;
};

/* ---- rules ---- */

static void rules_changed(void *ctx, struct ruleset *rules)
{
	struct relay *relay = ctx;

	incidents_set_rules(relay->incidents, rules);
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

static int load_rules(struct relay *relay, struct ruleset *fixed, struct findings *findings)
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
	relay->shadow_rules = reload_new(&env);
	return reload_first(relay->rules, findings);
}

static void begin_reloads(struct relay *relay)
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

static void ask_reload(struct relay *relay, struct http_exchange *exchange)
{
	if (relay->refresh) {
		add_asking(&relay->asking_next, &relay->nasking_next, exchange);
		relay->refresh_next = true;
		return;
	}
	add_asking(&relay->asking, &relay->nasking, exchange);
	begin_refresh(relay);
}

static void web_reload(void *ctx, struct http_exchange *exchange)
{
	ask_reload(ctx, exchange);
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

static size_t web_unreached(void *ctx)
{
	const struct relay *relay = ctx;

	return incidents_unreached(relay->incidents);
}

static void web_measure(void *ctx)
{
	const struct relay *relay = ctx;

	incidents_measure(relay->incidents);
	metric_set(METRIC_TRACE_BYTES, (int64_t)relay->memory.used_bytes);
	metric_set(METRIC_CONNECTIONS, (int64_t)http_server_connections(relay->server));
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

static void web_tell_ready(void *ctx, struct buf *out)
{
	const struct relay *relay = ctx;

	self_check_write_ready(relay->self_check, out);
}

static void begin_drain(struct relay *relay);

static void web_drain(void *ctx)
{
	begin_drain(ctx);
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

/* ---- links of pages ---- */

static void setting_keep(void *ctx, const char *name, const char *value)
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

static void make_links(struct relay *relay)
{
	relay->links = links_new(&(struct links_env){ .clock = relay->clock,
						      .external_url = relay->config->external_url,
						      .keys = relay->config->link_keys,
						      .nkeys = LINK_KEYS,
						      .keep = setting_keep,
						      .ctx = relay });
	relay->sessions = sessions_new(&(struct sessions_env){
		.clock = relay->clock, .keep = setting_keep, .ctx = relay });
}

/* ---- what intake asks ---- */

static bool intake_have_room(void *ctx)
{
	const struct relay *relay = ctx;

	return incidents_have_room(relay->incidents);
}

static enum accept_result intake_accept(void *ctx, const struct alert *alert, size_t more)
{
	struct relay *relay = ctx;

	heartbeats_heard(relay->heartbeats, alert->sender);
	if (heartbeats_take(relay->heartbeats, alert))
		return ACCEPT_REPEATED;
	return incidents_accept(relay->incidents, alert, more);
}

/* What the relay itself says of its senders. */
static void relay_heartbeat_say(void *ctx, const struct alert *alert)
{
	struct relay *relay = ctx;

	incidents_accept(relay->incidents, alert, 0);
}

static void intake_when_durable(void *ctx, store_done *done, void *arg)
{
	struct relay *relay = ctx;

	incidents_when_durable(relay->incidents, done, arg);
}

static void intake_body_refused(void *ctx, const struct rejected_body *body)
{
	struct relay *relay = ctx;

	incidents_body_refused(relay->incidents, body);
}

/* ---- the loop ---- */

static void turn_end(void *ctx)
{
	struct relay *relay = ctx;

	if (relay->incidents)
		incidents_flush(relay->incidents);
}

static void stop_accepting(struct relay *relay)
{
	if (!relay->stopped)
		http_server_stop(relay->server);
	relay->stopped = true;
}

static void look_at_drain(void *arg)
{
	struct relay *relay = arg;
	int64_t now_us = clock_mono_us(relay->clock);
	int64_t since_us = now_us - relay->drain_began_us;
	bool quiet = !incidents_sending(relay->incidents);

	if (http_server_is_shared(relay->server) || quiet || since_us >= DRAIN_TAKING_US)
		stop_accepting(relay);
	if (since_us >= DRAIN_SENDING_US)
		deliver_end(incidents_deliver(relay->incidents));
	if ((quiet && !http_server_busy(relay->server)) || since_us >= DRAIN_US)
		loop_stop(relay->loop);
	else
		timer_arm(relay->timers, &relay->drain, now_us + DRAIN_LOOK_US);
}

static void begin_drain(struct relay *relay)
{
	if (relay->draining)
		return;
	relay->draining = true;
	relay->drain_began_us = clock_mono_us(relay->clock);
	look_at_drain(relay);
}

void relay_stop(struct relay *relay)
{
	if (relay->draining)
		loop_stop(relay->loop); /* asked twice */
	begin_drain(relay);
}

static void signal_caught(void *ctx, int signo)
{
	struct relay *relay = ctx;

	log_info("caught a signal", LOG_STR("signal", strsignal(signo)));
	if (signo != SIGHUP)
		relay_stop(relay);
	else
		ask_reload(relay, NULL);
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

/* ---- listening, and the way to a successor ---- */

static size_t handover_sockets(void *ctx, int *fds, size_t most)
{
	struct relay *relay = ctx;

	return http_server_share(relay->server, fds, most);
}

static void handover_kept(void *ctx)
{
	struct relay *relay = ctx;

	http_server_unshare(relay->server);
}

/* The successor accepts once it has the store. */
static void handover_passed(void *ctx)
{
	struct relay *relay = ctx;

	stop_accepting(relay);
	begin_drain(relay);
}

static void offer_handover(struct relay *relay)
{
	const struct handover_ops ops = { .sockets = handover_sockets,
					  .passed = handover_passed,
					  .kept = handover_kept,
					  .ctx = relay };
	CLEANUP_FREE char *path = xasprintf("%s" HANDOVER_SUFFIX, relay->config->store_path);
	struct err err = { 0 };

	relay->handover = handover_offer(relay->base, path, relay->config->listen, &ops, &err);
	if (!relay->handover)
		log_warn("no successor can take over; a restart refuses connections for a moment",
			 LOG_STR("error", err.text));
}

static int start_listening(struct relay *relay, struct err *err)
{
	for (; relay->nsockets; relay->nsockets--) {
		int result =
			http_server_adopt(relay->server, relay->sockets[relay->nsockets - 1], err);
		if (result < 0)
			return result;
	}
	relay->listens = true;
	if (!http_server_is_shared(relay->server))
		return http_server_listen(relay->server, relay->config->listen, err);
	if (config_is_loopback(relay->config->listen) && !http_server_is_local(relay->server))
		return err_set(err, EINVAL,
			       "the sockets that were passed reach other machines, but \"listen\" "
			       "says %s: write the same address there",
			       relay->config->listen);
	return 0;
}

static bool relay_same_address(int one, int other)
{
	struct sockaddr_storage a = { .ss_family = AF_UNSPEC }, b = a;
	socklen_t alen = sizeof(a), blen = sizeof(b);

	return getsockname(one, (struct sockaddr *)&a, &alen) == 0 &&
	       getsockname(other, (struct sockaddr *)&b, &blen) == 0 && alen == blen &&
	       memcmp(&a, &b, alen) == 0;
}

/* Where the service manager passed sockets, those of the relay before us are not needed, unless
 * they listen elsewhere: that address would close without a word. Takes fds. */
static int check_handed(const struct relay *relay, const int *fds, size_t n, struct err *err)
{
	int result = 0;

	for (size_t i = 0; i < n; i++) {
		bool have = false;
		for (size_t j = 0; j < relay->nsockets && !have; j++)
			have = relay_same_address(relay->sockets[j], fds[i]);
		close(fds[i]);
		if (!have)
			result =
				err_set(err, EADDRNOTAVAIL,
					"the relay that runs with this store listens on an address "
					"that the service manager did not pass, and that would "
					"close; it goes on. Add a ListenStream= for it, or start "
					"without --take-over when tracepager drain has ended it");
	}
	return result;
}

/* Whatever can be tried beside the relay that runs is tried before it is told to end. */
static int try_beside(struct relay *relay, const int *fds, size_t n, struct err *err)
{
	int result = 0;

	if (relay->nsockets) {
		result = check_handed(relay, fds, n, err);
	} else {
		relay->nsockets = n;
		memcpy(relay->sockets, fds, n * sizeof(*fds));
	}
	if (result == 0)
		result = start_listening(relay, err);
	if (result == 0)
		result = store_sqlite_try(relay->config->store_path, err);
	return result;
}

static int take_over(struct relay *relay, struct err *err)
{
	CLEANUP_FREE char *path = xasprintf("%s" HANDOVER_SUFFIX, relay->config->store_path);
	int fds[LIMIT_LISTENERS], talk = -1;
	int n = handover_take(path, relay->config->listen, fds, LIMIT_LISTENERS, &talk, err);

	if (n < 0 || talk < 0)
		return n;
	int result = try_beside(relay, fds, (size_t)n, err);
	if (result < 0) {
		close(talk);
		return result;
	}
	handover_confirm(talk);
	relay->waits_for_store = true;
	return 0;
}

static int get_sockets(struct relay *relay, bool takes_over, struct err *err)
{
	int n = handover_inherit(relay->sockets, LIMIT_LISTENERS, err);

	if (n < 0)
		return n;
	relay->nsockets = (size_t)n;
	return takes_over ? take_over(relay, err) : 0;
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

static void make_intake(struct relay *relay)
{
	const size_t ntokens = make_tokens(relay);
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
			.when_durable = intake_when_durable,
			.body_refused = intake_body_refused,
			.ctx = relay,
		},
	};

	relay->intake = intake_new(&env);
	relay->web = (struct web){
		.intake = relay->intake,
		.pool = relay->pool,
		.clock = relay->clock,
		.timers = relay->timers,
		.store_path = relay->config->store_path,
		.links = relay->links,
		.feedback = relay->feedback,
		.sessions = relay->sessions,
		.tls = relay->config->tls != NULL,
		.external_url = relay->config->external_url,
		.tokens = relay->tokens,
		.ntokens = ntokens,
		.proxy = &relay->config->proxy,
		.open = env.open,
		.listen = relay->config->listen,
		.hosts = relay->config->hosts,
		.ops = { .ready = web_ready,
			 .unreached = web_unreached,
			 .measure = web_measure,
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
			 .when_durable = intake_when_durable,
			 .each = web_each,
			 .view = web_view,
			 .note = web_note,
			 .ctx = relay },
	};
}

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

	make_links(relay);
	relay->feedback = feedback_memory_new(
		&(struct feedback_memory_env){ .keep = setting_keep, .ctx = relay });
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
	make_senders(relay);
	make_heartbeats(relay);
	make_intake(relay);
	begin_reloads(relay);
	if (!relay->listens)
		result = start_listening(relay, err);
	if (result == 0)
		offer_handover(relay);
	return result;
}

static int make_parts(struct relay *relay, const struct relay_options *options,
		      struct findings *findings, struct err *err)
{
	int result = make_loop(relay, err);

	if (result == 0)
		result = load_rules(relay, options->rules, findings);
	if (result == 0)
		result = make_network(relay, err);
	if (result == 0)
		result = get_sockets(relay, options->take_over, err);
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
	relay->memory.cap_bytes = LIMIT_TRACES_IN_FLIGHT_BYTES;
	relay->drain = (struct timer){ .fire = look_at_drain, .arg = relay };
	int result = make_parts(relay, options, findings, err);
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
		 LOG_INT("port", relay_port(relay)),
		 LOG_STR("scheme", relay->config->tls ? "https" : "http"),
		 LOG_STR("store", relay->config->store_path),
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
	intake_free(relay->intake);
	heartbeats_free(relay->heartbeats);
	drills_free(relay->drills);
	self_check_free(relay->self_check);
	incidents_free(relay->incidents);
	baselines_free(relay->baselines);
	if (relay->fetch)
		fetch_free(relay->fetch);
	http_client_free(relay->client);
	shadow_free(relay->shadow);
	loop_free(relay->loop);
	reload_free(relay->rules);
	reload_free(relay->shadow_rules);
	free(relay->shadow_path);
	config_refresh_free(relay->refresh);
	free(relay->asking);
	free(relay->asking_next);
	buf_fini(&relay->refreshed);
	trim_free(relay->trim);
	timers_free(relay->timers);
	if (relay->base)
		event_base_free(relay->base);
	free(relay->beating);
	free(relay->senders);
	free(relay->tokens);
	links_free(relay->links);
	sessions_free(relay->sessions);
	feedback_memory_free(relay->feedback);
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
