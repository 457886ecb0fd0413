/* Web: see web.h. */
#include "tracepager/web.h"

#include <string.h>

#include "config.h"
#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

#include "web_origin-internal.h"

struct web_place {
	const char *path;
	bool is_prefix; /* longer paths are served too, with what follows as `rest` */
	enum http_verb verb;
	void (*serve)(struct web *web, struct http_exchange *exchange, const char *rest);
	/* Does a request need a token? NULL: never. */
	bool (*needs_token)(const struct web *web, const char *rest);
	bool is_probe; /* has room of its own when connections are short */
};

static void reply_text(struct http_exchange *exchange, int status, const char *text)
{
	http_exchange_reply(exchange, status, "text/plain; charset=utf-8", text, strlen(text), 0);
}

static void reply_json(struct http_exchange *exchange, int status, const char *text)
{
	http_exchange_reply(exchange, status, NULL, text, strlen(text), 0);
}

static void serve_root(struct web *web, struct http_exchange *exchange, const char *rest)
{
	(void)web;
	(void)rest;
	reply_text(
		exchange, 200,
		"tracepager " PACKAGE_VERSION "\n\n"
		"POST /webhook/SENDER    alerts of a declared sender\n"
		"POST /api/v2/alerts     alerts as Prometheus sends them\n"
		"GET  /-/healthy         does tracepager run\n"
		"GET  /-/ready           does tracepager take alerts\n"
		"POST /-/reload          load the rules again\n"
		"GET  /-/rules           which rules are in force, and what shadow rules would do\n"
		"GET  /api/v1/rules      the rules in force, as JSON\n"
		"GET  /api/v1/shadow     decisions in which shadow rules differ, as JSON\n"
		"GET  /metrics           metrics for Prometheus\n");
}

static void serve_healthy(struct web *web, struct http_exchange *exchange, const char *rest)
{
	(void)web;
	(void)rest;
	reply_text(exchange, 200, "tracepager is healthy\n");
}

static void serve_ready(struct web *web, struct http_exchange *exchange, const char *rest)
{
	const char *why = "";
	struct buf text = BUF_INIT(1024);

	(void)rest;
	bool ready = web->ops.ready(web->ops.ctx, &why);
	size_t unreached = web->ops.unreached(web->ops.ctx);
	buf_printf(&text, ready ? "tracepager is ready\n" : "not ready: %s\n", why);
	/* Alerts are taken all the same: a person who looks must see it. */
	if (unreached)
		buf_printf(&text,
			   "%zu open incident(s) have reached nobody: every pager has refused the "
			   "page\n",
			   unreached);
	reply_text(exchange, ready ? 200 : 503, buf_text(&text));
	buf_fini(&text);
}

static void serve_metrics(struct web *web, struct http_exchange *exchange, const char *rest)
{
	struct buf text = BUF_INIT(LIMIT_METRICS_TEXT_BYTES);

	(void)rest;
	web->ops.measure(web->ops.ctx);
	metrics_write(&text);
	http_exchange_reply(exchange, 200, "text/plain; version=0.0.4; charset=utf-8",
			    buf_text(&text), text.len, 0);
	buf_fini(&text);
}

/* Does the request bear the admin token, where one is configured? False: the exchange was answered.
 */
static bool is_admin(const struct web *web, struct http_exchange *exchange)
{
	if (!web->admin_token->value || bearer_matches(exchange, web->admin_token))
		return true;
	intake_log_refusal(web->intake, INTAKE_REFUSAL_ADMIN, exchange, NULL);
	http_exchange_set(exchange, "WWW-Authenticate", "Bearer");
	reply_json(exchange, 401,
		   "{\"error\": \"send the admin token: Authorization: Bearer TOKEN\"}\n");
	return false;
}

static bool admin_needs_token(const struct web *web, const char *rest)
{
	(void)rest;
	return web->admin_token->value != NULL;
}

static void serve_reload(struct web *web, struct http_exchange *exchange, const char *rest)
{
	(void)rest;
	if (is_admin(web, exchange))
		web->ops.reload(web->ops.ctx, exchange);
}

static void reply_buf(struct http_exchange *exchange, const char *type, struct buf *text)
{
	buf_putc(text, '\n');
	if (text->failed)
		reply_json(exchange, 500, "{\"error\": \"the answer is larger than 16 MiB\"}\n");
	else
		http_exchange_reply(exchange, 200, type, buf_text(text), text->len, 0);
	buf_fini(text);
}

static void serve_rules(struct web *web, struct http_exchange *exchange, const char *rest)
{
	struct buf text = BUF_INIT(LIMIT_RULES_STATUS_BYTES);

	(void)rest;
	if (!is_admin(web, exchange))
		return;
	web->ops.rules(web->ops.ctx, false, &text);
	reply_buf(exchange, "text/plain; charset=utf-8", &text);
}

static void serve_api_rules(struct web *web, struct http_exchange *exchange, const char *rest)
{
	struct buf text = BUF_INIT(LIMIT_RULES_STATUS_BYTES);

	(void)rest;
	if (!is_admin(web, exchange))
		return;
	web->ops.rules(web->ops.ctx, true, &text);
	reply_buf(exchange, NULL, &text);
}

static void serve_api_shadow(struct web *web, struct http_exchange *exchange, const char *rest)
{
	struct buf text = BUF_INIT(LIMIT_RULES_STATUS_BYTES);

	(void)rest;
	if (!is_admin(web, exchange))
		return;
	web->ops.shadow(web->ops.ctx, &text);
	reply_buf(exchange, NULL, &text);
}

static void serve_webhook(struct web *web, struct http_exchange *exchange, const char *rest)
{
	intake_webhook(web->intake, exchange, rest);
}

static bool webhook_needs_token(const struct web *web, const char *rest)
{
	return intake_needs_token(web->intake, rest);
}

static bool api_alerts_need_token(const struct web *web, const char *rest)
{
	(void)rest;
	return intake_needs_token(web->intake, NULL);
}

static void serve_api_alerts(struct web *web, struct http_exchange *exchange, const char *rest)
{
	(void)rest;
	intake_api_alerts(web->intake, exchange);
}

/* Grafana and rulers request Alertmanager's status before they send alerts. */
static void serve_api_status(struct web *web, struct http_exchange *exchange, const char *rest)
{
	(void)web;
	(void)rest;
	reply_json(exchange, 200,
		   "{\"cluster\": {\"status\": \"disabled\", \"peers\": []}, \"config\": "
		   "{\"original\": \"\"}, "
		   "\"versionInfo\": {\"branch\": \"\", \"buildDate\": \"\", \"buildUser\": \"\", "
		   "\"goVersion\": \"\", \"revision\": \"\", \"version\": "
		   "\"tracepager " PACKAGE_VERSION "\"}}\n");
}

static const struct web_place web_places[] = {
	{ "/webhook/", true, HTTP_VERB_POST, serve_webhook, .needs_token = webhook_needs_token },
	{ "/api/v2/alerts", false, HTTP_VERB_POST, serve_api_alerts,
	  .needs_token = api_alerts_need_token },
	{ "/metrics", false, HTTP_VERB_GET, serve_metrics, .is_probe = true },
	{ "/-/healthy", false, HTTP_VERB_GET, serve_healthy, .is_probe = true },
	{ "/-/ready", false, HTTP_VERB_GET, serve_ready, .is_probe = true },
	{ "/-/reload", false, HTTP_VERB_POST, serve_reload, .needs_token = admin_needs_token },
	{ "/-/rules", false, HTTP_VERB_GET, serve_rules, .needs_token = admin_needs_token },
	{ "/api/v1/rules", false, HTTP_VERB_GET, serve_api_rules,
	  .needs_token = admin_needs_token },
	{ "/api/v1/shadow", false, HTTP_VERB_GET, serve_api_shadow,
	  .needs_token = admin_needs_token },
	{ "/api/v2/status", false, HTTP_VERB_GET, serve_api_status, .is_probe = false },
	{ "/", false, HTTP_VERB_GET, serve_root, .is_probe = false },
};

static bool is_at_place(const struct web_place *place, const char *path)
{
	return place->is_prefix ? strncmp(path, place->path, strlen(place->path)) == 0
				: strcmp(path, place->path) == 0;
}

static const struct web_place *find_place(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(web_places); i++)
		if (is_at_place(&web_places[i], path))
			return &web_places[i];
	return NULL;
}

enum http_standing web_judge(void *ctx, bool is_get, const char *path, const char *authorization)
{
	const struct web *web = ctx;
	const struct web_place *place = find_place(path);

	if (bearer_shown(authorization, web->admin_token) ||
	    intake_knows_token(web->intake, authorization))
		return HTTP_STANDING_KNOWN;
	return is_get && place && place->is_probe ? HTTP_STANDING_PROBE : HTTP_STANDING_STRANGER;
}

/* Refuses what a page of another site may have made a browser on this machine send. True: the
 * exchange was answered. */
static bool refuse_foreign(const struct web *web, struct http_exchange *exchange,
			   const struct web_place *place, const char *rest)
{
	if (!web->open || (place && place->needs_token && place->needs_token(web, rest)))
		return false;
	if (!web_host_is_ours(http_exchange_header(exchange, "Host"), web->listen, web->hosts)) {
		intake_log_refusal(web->intake, INTAKE_REFUSAL_HOST, exchange,
				   http_exchange_header(exchange, "Host"));
		reply_json(exchange, 421,
			   "{\"error\": \"the Host header names another server: use localhost or "
			   "an address of this machine, set a token, or add the name to hosts in "
			   "tracepager.yaml\"}\n");
		return true;
	}
	if (http_exchange_verb(exchange) == HTTP_VERB_POST &&
	    web_is_cross_site(http_exchange_header(exchange, "Origin"),
			      http_exchange_header(exchange, "Sec-Fetch-Site"), web->listen,
			      web->hosts)) {
		intake_log_refusal(web->intake, INTAKE_REFUSAL_SITE, exchange,
				   http_exchange_header(exchange, "Origin"));
		reply_json(
			exchange, 403,
			"{\"error\": \"a page of another site sent this request; without a token "
			"only pages of this server may post\"}\n");
		return true;
	}
	return false;
}

void web_handle(void *ctx, struct http_exchange *exchange)
{
	const char *path = http_exchange_path(exchange);
	const struct web_place *place = find_place(path);
	const char *rest = place ? path + strlen(place->path) : "";

	if (refuse_foreign(ctx, exchange, place, rest))
		return;
	if (!place)
		reply_json(exchange, 404,
			   "{\"error\": \"nothing is here; GET / lists what is\"}\n");
	else if (http_exchange_verb(exchange) != place->verb)
		reply_json(exchange, 405,
			   place->verb == HTTP_VERB_POST
				   ? "{\"error\": \"send a POST to this path\"}\n"
				   : "{\"error\": \"send a GET to this path\"}\n");
	else
		place->serve(ctx, exchange, rest);
}
