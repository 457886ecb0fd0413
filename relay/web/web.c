/* Web: the table of paths, and the way of a request to its row. See web.h. */
#include "tracepager/web.h"

#include <string.h>

#include "config.h"
#include "tracepager/xalloc.h"

#include "web-internal.h"
#include "web_page-internal.h"
#include "web_job-internal.h"
#include "web_map-internal.h"
#include "web_origin-internal.h"
#include "web_teams-internal.h"

/* A path may stand in one row for GET and in one for POST. */
struct web_row {
	enum http_verb verb;
	const char *path; /* a pattern of web_path_fits() */
	void (*serve)(struct web_request *request);
	enum web_right right;
	/* Does the request need a sender's token, which serve() asks for? NULL: never. */
	bool (*needs_token)(const struct web *web, const char *param);
	bool is_page;	  /* HTML for a reader, who may have signed in */
	bool is_link;	  /* its token is in a link; serve() asks who sends it */
	bool is_probe;	  /* has room of its own when connections are short */
	const char *text; /* for GET /; NULL: it is not listed */
};

static void web_serve_root(struct web_request *request);

static const char *const verb_names[HTTP_VERB_OTHER] = {
	[HTTP_VERB_GET] = "GET",       [HTTP_VERB_POST] = "POST",	[HTTP_VERB_PUT] = "PUT",
	[HTTP_VERB_DELETE] = "DELETE", [HTTP_VERB_OPTIONS] = "OPTIONS",
};

/* GET / lists the paths in a column of so many characters. */
#define LIST_COLUMNS 28

#define GET	HTTP_VERB_GET
#define POST	HTTP_VERB_POST
#define PUT	HTTP_VERB_PUT
#define DELETE	HTTP_VERB_DELETE
#define OPTIONS HTTP_VERB_OPTIONS
#define NONE	WEB_RIGHT_NONE
#define READ	WEB_RIGHT_READ
#define ACT	WEB_RIGHT_ACT

/* clang-format off */
static const struct web_row web_rows[] = {
	{ POST, "/webhook/{sender...}", web_serve_webhook, .needs_token = web_webhook_needs_token,
	  .text = "alerts of a declared sender" },
	{ OPTIONS, "/webhook/{sender...}", web_serve_handshake, .right = NONE },
	{ POST, "/api/v2/alerts", web_serve_alerts, .needs_token = web_alerts_need_token,
	  .text = "alerts as Prometheus sends them" },
	{ POST, "/v2/enqueue", web_serve_pagerduty_v2, .needs_token = web_pagerduty_needs_key,
	  .text = "events as PagerDuty takes them" },
	{ POST, "/v2/change/enqueue", web_serve_pagerduty_change,
	  .needs_token = web_pagerduty_needs_key },
	{ POST, "/generic/2010-04-15/create_event.json", web_serve_pagerduty_v1,
	  .needs_token = web_pagerduty_needs_key, .text = "the same, of PagerDuty's first API" },
	{ POST, "/v2/alerts", web_serve_opsgenie_create, .needs_token = web_opsgenie_needs_key,
	  .text = "alerts as Opsgenie takes them" },
	{ POST, "/v2/alerts/{alert...}", web_serve_opsgenie_act,
	  .needs_token = web_opsgenie_needs_key, .text = "close; acknowledge, notes" },
	{ GET, "/v2/alerts/requests/{id}", web_serve_opsgenie_request, .right = NONE,
	  .needs_token = web_opsgenie_needs_key },
	{ POST, "/feedback/{pager...}", web_serve_feedback, .needs_token = web_feedback_needs_token,
	  .text = "what a pager tells back, signed" },
	{ GET, "/api/v2/status", web_serve_status, .right = NONE },
	{ GET, "/-/healthy", web_serve_healthy, .is_probe = true, .text = "does tracepager run" },
	{ GET, "/-/ready", web_serve_ready, .is_probe = true, .text = "does tracepager take alerts" },
	{ POST, "/-/reload", web_serve_reload, ACT, .text = "load the rules again" },
	{ POST, "/-/drain", web_serve_drain, ACT, .text = "end what is under way, then end" },
	{ GET, "/-/rules", web_serve_rules, READ,
	  .text = "which rules are in force, and what shadow rules would do" },
	{ GET, "/api/v1/rules", web_serve_api_rules, READ, .text = "the rules in force, as JSON" },
	{ GET, "/api/v1/shadow", web_serve_api_shadow, READ,
	  .text = "decisions in which shadow rules differ, as JSON" },
	{ GET, "/api/v1/incidents", web_serve_incidents, READ,
	  .text = "open incidents, or with ?state=closed those that are over" },
	{ GET, "/api/v1/incidents/{id}", web_serve_incident, READ, .text = "one, with its story" },
	{ POST, "/api/v1/incidents/{id}/{act}", web_serve_incident_act, ACT,
	  .text = "acknowledge, resolve, reroute, comment, silence, useful, noise" },
	{ GET, "/api/v1/incidents/{id}/notes/{name}", web_serve_note, .right = READ },
	{ PUT, "/api/v1/incidents/{id}/notes/{name}", web_serve_note, ACT,
	  .text = "attach a note from outside" },
	{ DELETE, "/api/v1/incidents/{id}/notes/{name}", web_serve_note, ACT,
	  .text = "take it away" },
	{ GET, "/api/v1/alerts", web_serve_api_alerts, READ, .text = "alerts that fire" },
	{ GET, "/api/v1/decisions", web_serve_decisions, READ,
	  .text = "how alerts became pages, the last one first" },
	{ GET, "/api/v1/decisions/{id}", web_serve_decision, READ, .text = "one, as a whole" },
	{ GET, "/api/v1/decisions/{id}/traces", web_serve_decision_traces, READ,
	  .text = "its traces, as OTLP" },
	{ GET, "/api/v1/teams", web_serve_api_teams, READ,
	  .text = "the teams of the rules, and whom they page" },
	{ GET, "/api/v1/stats", web_serve_stats, READ,
	  .text = "counts of now, of a day and of 7 days, by team" },
	{ GET, "/api/v1/silences", web_serve_silences, READ,
	  .text = "silences, those of the rules too" },
	{ POST, "/api/v1/silences", web_serve_silence_add, ACT, .text = "make a silence" },
	{ GET, "/api/v1/silences/{id}", web_serve_silence, .right = READ },
	{ POST, "/api/v1/silences/{id}/{act}", web_serve_silence_act, ACT,
	  .text = "change, end" },
	{ GET, "/api/v1/queue", web_serve_queue, READ, .text = "pages that wait for their pagers" },
	{ GET, "/api/v1/queue/{page}", web_serve_queue_page, .right = READ },
	{ POST, "/api/v1/queue/{page}/{act}", web_serve_queue_act, ACT, .text = "retry, drop" },
	{ GET, "/api/v1/drills", web_serve_drills, READ,
	  .text = "the signals that can be drilled, and the latest fire drills" },
	{ POST, "/api/v1/drills", web_serve_drill_start, ACT,
	  .text = "start a fire drill: it pages the team of a signal" },
	{ GET, "/api/v1/drills/{id}", web_serve_drill, READ, .text = "one, with its stages" },
	{ GET, "/api/v1/rejected", web_serve_rejected, READ,
	  .text = "bodies of senders that could not be read, and why" },
	{ GET, "/api/v1/log", web_serve_log, READ, .text = "the level of the log" },
	{ POST, "/api/v1/log", web_serve_log_set, ACT, .text = "change it, for a time" },
	{ GET, "/api/v1/tap", web_serve_tap, READ,
	  .text = "what passes now: server-sent events without end" },
	{ GET, "/api/v1/pagers", web_serve_pagers, READ, .text = "pagers, and what waits for them" },
	{ POST, "/api/v1/pagers/{name}/{act}", web_serve_pager_act, ACT,
	  .text = "pause, resume, retry" },
	{ GET, "/api/v1/map", web_serve_api_map, READ,
	  .text = "the service map: which service calls which, as JSON" },
	{ GET, "/map", web_serve_page_map, READ, .is_page = true,
	  .text = "the service map, for a browser" },
	{ GET, "/i/{id}", web_serve_link, .right = NONE, .is_link = true,
	  .text = "an incident and its buttons, by the link of a page" },
	{ POST, "/i/{id}", web_serve_link_act, .right = NONE, .is_link = true },
	{ GET, "/metrics", web_serve_metrics, .is_probe = true, .text = "metrics for Prometheus" },
	{ GET, "/incidents/{id}", web_serve_page_incident, READ, .is_page = true,
	  .text = "one incident, for a browser" },
	{ POST, "/incidents/{id}", web_serve_page_incident_act, ACT, .is_page = true },
	{ GET, "/past", web_serve_page_past, READ, .is_page = true,
	  .text = "past incidents, for a browser" },
	{ GET, "/teams", web_serve_page_teams, READ, .is_page = true,
	  .text = "who is paged, how often and how well, for a browser" },
	{ GET, "/teams/{name}", web_serve_page_team, READ, .is_page = true },
	{ GET, "/rules", web_serve_page_rules, READ, .is_page = true,
	  .text = "the rules line by line, with hits, for a browser" },
	{ POST, "/api/v1/what-if", web_serve_what_if_api, READ,
	  .text = "an alert decided under other rules; it changes nothing" },
	{ GET, "/what-if", web_serve_what_if, READ, .is_page = true,
	  .text = "an alert decided under other rules, for a browser" },
	{ POST, "/what-if", web_serve_what_if_form, READ, .is_page = true },
	{ GET, "/queue", web_serve_page_queue, READ, .is_page = true,
	  .text = "pagers, and pages that wait, for a browser" },
	{ POST, "/queue", web_serve_page_queue_act, ACT, .is_page = true },
	{ GET, "/silences", web_serve_page_silences, READ, .is_page = true,
	  .text = "silences, for a browser" },
	{ POST, "/silences", web_serve_page_silences_act, ACT, .is_page = true },
	{ GET, "/rejected", web_serve_page_rejected, READ, .is_page = true,
	  .text = "bodies that could not be read, for a browser" },
	{ GET, "/events", web_serve_events, READ,
	  .text = "server-sent events: something has changed" },
	{ GET, "/static/{name}", web_serve_static, .right = NONE },
	{ GET, "/login", web_serve_login_form, .right = NONE, .is_page = true },
	{ POST, "/login", web_serve_login, .right = NONE, .is_page = true },
	{ POST, "/logout", web_serve_logout, .right = NONE, .is_page = true },
	{ GET, "/", web_serve_root, .right = NONE },
};
/* clang-format on */

/* "/webhook/{sender...}" is listed as "/webhook/SENDER". */
static void list_path(const char *path, struct buf *out)
{
	size_t len = 0;

	for (bool place = false; *path; path++) {
		place = *path == '{' || (place && *path != '}');
		if (*path == '{' || *path == '}' || (place && *path == '.'))
			continue;
		buf_putc(out,
			 place && *path >= 'a' && *path <= 'z' ? (char)(*path - 'a' + 'A') : *path);
		len++;
	}
	buf_printf(out, "%*s  ", len < LIST_COLUMNS ? (int)(LIST_COLUMNS - len) : 0, "");
}

static bool wants_page(const struct http_exchange *exchange)
{
	const char *accept = http_exchange_header(exchange, "Accept");

	return accept && strstr(accept, "text/html");
}

/* A browser gets the page of open incidents; whoever asks by a terminal, the list of paths. */
static void web_serve_root(struct web_request *request)
{
	if (wants_page(request->exchange)) {
		request->is_page = true;
		if (web_authorize(request, WEB_RIGHT_READ))
			web_serve_page_incidents(request);
		return;
	}
	struct buf text = BUF_INIT(LIMIT_WEB_ERROR_BYTES);

	buf_puts(&text, "tracepager " PACKAGE_VERSION "\n\n");
	for (size_t i = 0; i < ARRAY_LEN(web_rows); i++) {
		const struct web_row *row = &web_rows[i];
		if (!row->text)
			continue;
		buf_printf(&text, "%-6s ", verb_names[row->verb]);
		list_path(row->path, &text);
		buf_printf(&text, "%s\n", row->text);
	}
	web_reply_text(request->exchange, 200, buf_text(&text));
	buf_fini(&text);
}

/* ---- from a request to its row ---- */

/* Sets the request's places. false: a segment is longer than any that is known here. */
static bool set_places(struct web_request *request, const char *const at[2], const size_t len[2])
{
	request->param[0] = request->param[1] = "";
	for (size_t i = 0; i < 2 && at[i]; i++) {
		request->param[i] = at[i];
		if (!at[i][len[i]])
			continue;
		if (i || len[i] >= sizeof(request->first))
			return false;
		memcpy(request->first, at[i], len[i]);
		request->first[len[i]] = '\0';
		request->param[i] = request->first;
	}
	return true;
}

/* The row of that path and verb, else a row of that path; NULL: there is none. */
static const struct web_row *web_find_row(struct web_request *request, const char *path,
					  enum http_verb verb)
{
	const struct web_row *found = NULL;

	for (size_t i = 0; i < ARRAY_LEN(web_rows); i++) {
		const struct web_row *row = &web_rows[i];
		const char *at[2] = { NULL, NULL };
		size_t len[2] = { 0, 0 };
		if ((found && row->verb != verb) || !web_path_fits(row->path, path, at, len) ||
		    !set_places(request, at, len))
			continue;
		found = row;
		if (row->verb == verb)
			break;
	}
	return found;
}

enum http_standing web_judge(void *ctx, bool is_get, const char *path, const char *authorization)
{
	struct web_request request = { .web = ctx };
	const struct web_row *row = is_get ? web_find_row(&request, path, HTTP_VERB_GET) : NULL;
	const struct web *web = ctx;

	if (web_find_token(web, authorization) || intake_knows_token(web->intake, authorization))
		return HTTP_STANDING_KNOWN;
	return row && row->is_probe ? HTTP_STANDING_PROBE : HTTP_STANDING_STRANGER;
}

static bool row_needs_token(const struct web_row *row, const struct web_request *request)
{
	const struct web *web = request->web;

	if (row->right != WEB_RIGHT_NONE)
		return web->ntokens > 0;
	return row->needs_token && row->needs_token(web, request->param[0]);
}

/* Refuses what a page of another site may have made a browser on this machine send. True: the
 * exchange was answered. */
static bool refuse_foreign(const struct web_request *request, const struct web_row *row)
{
	const struct web *web = request->web;
	struct http_exchange *exchange = request->exchange;

	if (!web->open || (row && row->is_link) || (row && row_needs_token(row, request)))
		return false;
	if (!web_names_us(web, http_exchange_header(exchange, "Host"))) {
		intake_log_refusal(web->intake, INTAKE_REFUSAL_HOST, exchange,
				   http_exchange_header(exchange, "Host"));
		web_fail(exchange, 421,
			 "the Host header names another server: use localhost or an address of "
			 "this machine, set a token, or add the name to hosts in tracepager.yaml");
		return true;
	}
	if (http_exchange_verb(exchange) != HTTP_VERB_GET &&
	    web_is_cross_site(http_exchange_header(exchange, "Origin"),
			      http_exchange_header(exchange, "Sec-Fetch-Site"), web->listen,
			      web->hosts)) {
		intake_log_refusal(web->intake, INTAKE_REFUSAL_SITE, exchange,
				   http_exchange_header(exchange, "Origin"));
		web_fail(exchange, 403,
			 "a page of another site sent this request; without a token only pages of "
			 "this server may change anything");
		return true;
	}
	return false;
}

/* The path has rows, and none of that verb. RFC 9110 section 15.5.6: Allow names what it takes. */
static void refuse_verb(struct web_request *request)
{
	const char *path = http_exchange_path(request->exchange);
	struct buf verbs = BUF_INIT(LIMIT_WEB_ERROR_BYTES);

	for (enum http_verb verb = HTTP_VERB_GET; verb < HTTP_VERB_OPTIONS; verb++) {
		const struct web_row *row = web_find_row(request, path, verb);
		if (row && row->verb == verb)
			buf_printf(&verbs, "%s%s%s", verbs.len ? ", " : "", verb_names[verb],
				   verb == HTTP_VERB_GET ? ", HEAD" : "");
	}
	http_exchange_set(request->exchange, "Allow", buf_text(&verbs));
	web_failf(request->exchange, 405, "this path takes %s", buf_text(&verbs));
	buf_fini(&verbs);
}

/* A person who mistyped an address gets the way back. */
static void refuse_path(struct web_request *request)
{
	if (wants_page(request->exchange))
		web_page_message(request, 404, "Nothing is here",
				 "This relay has no such page: the head of the page leads to those "
				 "that there are.");
	else
		web_fail(request->exchange, 404, "nothing is here; GET / lists what is");
}

void web_handle(void *ctx, struct http_exchange *exchange)
{
	struct web_request request = { .web = ctx, .exchange = exchange, .who = "" };
	const enum http_verb verb = http_exchange_verb(exchange);
	const struct web_row *row = web_find_row(&request, http_exchange_path(exchange), verb);

	if (refuse_foreign(&request, row))
		return;
	if (!row)
		refuse_path(&request);
	else if (row->verb != verb)
		refuse_verb(&request);
	else {
		request.is_page = row->is_page;
		if (web_authorize(&request, row->right))
			row->serve(&request);
	}
}

void web_fini(struct web *web)
{
	struct web_job *job;

	while ((job = LIST_FIRST(&web->jobs)))
		web_job_free(job);
	web_map_free(web->map);
	web->map = NULL;
	team_report_free(web->teams);
	web->teams = NULL;
}
