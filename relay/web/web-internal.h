/*
 * What the files of web share: a request with what its path and its token say, how it is refused,
 * and the functions that serve the rows of the table in web.c, one file for each thing that is
 * served. A request lives until its serve function returns; one that answers later keeps the
 * exchange and copies what else it needs. Loop thread only.
 */
#ifndef TRACEPAGER_WEB_INTERNAL_H
#define TRACEPAGER_WEB_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/web.h"

/* What an API token must be good for. */
enum web_right {
	WEB_RIGHT_NONE, /* no API token is asked for */
	WEB_RIGHT_READ,
	WEB_RIGHT_ACT,
};

struct web_request {
	struct web *web;
	struct http_exchange *exchange;
	/* What stands in the places of the row's path, in order; "" where there is no such place.
	 * Borrowed until the reply, the first only while the request is served. */
	const char *param[2];
	/* Who asks: the name of the API token, or the one that a trusted proxy gives; "local" where
	 * no token is configured; "" where none is asked for. Lives as long as the request. */
	const char *who;
	char named[LIMIT_SESSION_NAME_BYTES + 1]; /* by a trusted proxy; "": by none */
	bool may_act;				  /* the token may act, or none is asked for */
	/* What a form of this reader is bound to: the session of somebody who has signed in; the
	 * name that a trusted proxy gives; "local" where no token is configured; "" for whoever
	 * shows a token. */
	char session[LIMIT_SESSION_BYTES + 1];
	bool is_page; /* it asks for a page of HTML: a session counts as its token */
	char first[LIMIT_PATH_PLACE_BYTES]; /* of param[0], where more of the path follows */
};

/* ---- web_reply.c: answers ---- */

/* Each replies. detail: a sentence that names the cure. Below /api/v1/ the reply is a problem of
 * RFC 9457; elsewhere {"error": …}. 401 asks for a token, 503 comes with Retry-After. */
void web_fail(struct http_exchange *exchange, int status, const char *detail);
void web_failf(struct http_exchange *exchange, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void web_reply_text(struct http_exchange *exchange, int status, const char *text);
/* The reply to a GET of the API has an ETag, and is 304 where If-None-Match names it. */
void web_reply_json(struct http_exchange *exchange, int status, const char *text);
/* Adds a line end, replies likewise, and frees the buf. type NULL: JSON. 500 where it is over its
 * cap. */
void web_reply_buf(struct http_exchange *exchange, const char *type, struct buf *text);

/* ---- web_request.c: what a request says ---- */

/* Is any of the API tokens shown? authorization: the header's value; NULL: none. In a time that
 * does not tell which one is close. */
const struct web_token *web_find_token(const struct web *web, const char *authorization);
/* Does an authority (of Host or Origin; NULL: none is given) name this server: by an address of
 * this machine, `listen`, `hosts` or external_url? */
bool web_names_us(const struct web *web, const char *authority);
/* The body as a JSON object; an empty body is an empty object. False: it is none, and the request
 * was answered. Caller json_decref()s *ret_body. */
bool web_body_object(struct web_request *request, json_t **ret_body);
/* A member's text; "" where it is missing or null. False: it is no text, or longer than
 * LIMIT_ACT_TEXT_BYTES, and the request was answered. Borrowed from body. */
bool web_member_text(struct web_request *request, const json_t *body, const char *name,
		     const char **ret_text);
/* The same, of at most so many bytes. */
bool web_member_text_most(struct web_request *request, const json_t *body, const char *name,
			  size_t most, const char **ret_text);
/* A parameter of the query, decoded into out; "" where it is missing. False: it is given twice, is
 * no text, or does not fit, and the request was answered. */
bool web_query_text(struct web_request *request, const char *name, char *out, size_t size);
/* `limit`: how many entries of a list are asked for. False: the request was answered. */
bool web_query_limit(struct web_request *request, size_t *ret_limit);
/* `cursor`: where a list goes on, as web_list_end() gave it: a time, and an id into out; time 0 and
 * "" from the start. False: it is none of ours, and the request was answered. */
bool web_query_cursor(struct web_request *request, int64_t *ret_us, char *out, size_t size);

/* Ends a list that was written up to its last entry: adds "],"next": and the cursor (null: nothing
 * follows), closes the object, sets the header Link, and replies. next_id NULL: nothing follows. */
void web_list_end(struct web_request *request, struct buf *out, int64_t next_us,
		  const char *next_id);

/* ---- web_access.c ---- */

/* May the request have it? False: it was answered. Sets request->who. */
bool web_authorize(struct web_request *request, enum web_right right);

/* ---- web_proxy.c: who has signed in at a proxy ---- */

/* Does a trusted proxy name somebody? Then the request's named, session and may_act are set. */
bool web_proxy_names(struct web_request *request);

/* ---- web_session.c: who has signed in ---- */

/* The token of the request's session, which is kept in request->session. NULL: it has none. */
const struct web_token *web_session_token(struct web_request *request);
/* Asks the reader of a page to sign in: replies. */
void web_session_ask(struct web_request *request);
void web_serve_login(struct web_request *request);
void web_serve_login_form(struct web_request *request);
void web_serve_logout(struct web_request *request);

/* ---- web_text.c: pure ---- */

enum web_found { WEB_FOUND_NONE, WEB_FOUND_ONE, WEB_FOUND_BAD };

/* A value of application/x-www-form-urlencoded text, decoded into out with a NUL. BAD: the name is
 * given twice, the value does not fit, or it holds a NUL, a control character other than tab and
 * line end, or what is no UTF-8. */
enum web_found web_form_value(const char *form, size_t len, const char *name, char *out,
			      size_t size);
/* Does the path fit the pattern? A place such as "{id}" stands for one segment that is not empty;
 * "{name...}" at the end for all that follows. ret_at, ret_len: of each place; others stay. */
bool web_path_fits(const char *pattern, const char *path, const char *ret_at[2], size_t ret_len[2]);
/* A cursor, and back; false: it is no cursor. */
void web_cursor_write(int64_t us, const char *id, struct buf *out);
bool web_cursor_read(const char *cursor, int64_t *ret_us, char *ret_id, size_t size);
/* The entity tag of an answer, with its quotes: of the same bytes the same, in every process. */
#define WEB_ETAG_SIZE 35
void web_etag(const void *data, size_t len, char out[WEB_ETAG_SIZE]);
/* A problem document of RFC 9457. */
void web_write_problem(struct buf *out, int status, const char *detail);

/* ---- what is served ---- */

/* web_health.c */
void web_serve_healthy(struct web_request *request);
void web_serve_ready(struct web_request *request);
void web_serve_metrics(struct web_request *request);
/* web_silences.c */
void web_serve_silences(struct web_request *request);
void web_serve_silence(struct web_request *request);
void web_serve_silence_add(struct web_request *request);
void web_serve_silence_act(struct web_request *request);
/* web_queue.c */
void web_serve_queue(struct web_request *request);
void web_serve_queue_page(struct web_request *request);
void web_serve_queue_act(struct web_request *request);
void web_serve_pagers(struct web_request *request);
void web_serve_pager_act(struct web_request *request);
/* web_rejected.c */
void web_serve_rejected(struct web_request *request);
/* web_drills.c */
void web_serve_drills(struct web_request *request);
void web_serve_drill(struct web_request *request);
void web_serve_drill_start(struct web_request *request);
/* web_drain.c */
void web_serve_drain(struct web_request *request);
/* web_rules.c */
void web_serve_reload(struct web_request *request);
void web_serve_rules(struct web_request *request);
void web_serve_api_rules(struct web_request *request);
void web_serve_api_shadow(struct web_request *request);
/* web_incidents.c, web_act.c */
void web_serve_incidents(struct web_request *request);
void web_serve_incident(struct web_request *request);
void web_serve_incident_act(struct web_request *request);
void web_serve_api_teams(struct web_request *request);	/* web_teams.c */
void web_serve_note(struct web_request *request);	/* web_note_act.c */
void web_serve_api_alerts(struct web_request *request); /* web_alerts.c */
void web_serve_stats(struct web_request *request);	/* web_stats.c */
/* web_decisions.c */
void web_serve_decisions(struct web_request *request);
void web_serve_decision(struct web_request *request);
void web_serve_decision_traces(struct web_request *request);
/* web_feedback.c */
void web_serve_feedback(struct web_request *request);
bool web_feedback_needs_token(const struct web *web, const char *param);
/* web_link.c */
void web_serve_link(struct web_request *request);
void web_serve_link_act(struct web_request *request);
/* web_log.c */
void web_serve_log(struct web_request *request);
void web_serve_log_set(struct web_request *request);
/* web_tap.c */
void web_serve_tap(struct web_request *request);
/* web_events.c */
void web_serve_events(struct web_request *request);
/* web_page_incidents.c, web_page_incident.c, web_page.c */
void web_serve_page_incidents(struct web_request *request);
void web_serve_page_incident(struct web_request *request);
void web_serve_page_incident_act(struct web_request *request);
void web_serve_page_queue(struct web_request *request); /* web_page_queue.c */
void web_serve_page_queue_act(struct web_request *request);
void web_serve_page_rejected(struct web_request *request); /* web_page_rejected.c */
void web_serve_page_silences(struct web_request *request); /* web_page_silences.c */
void web_serve_page_silences_act(struct web_request *request);
void web_serve_page_past(struct web_request *request); /* web_page_past.c */
void web_serve_static(struct web_request *request);
/* web_page_teams.c */
void web_serve_page_teams(struct web_request *request);
void web_serve_page_team(struct web_request *request);
void web_serve_page_rules(struct web_request *request); /* web_page_rules.c */
/* web_what_if.c */
void web_serve_what_if(struct web_request *request);
void web_serve_what_if_form(struct web_request *request);
void web_serve_what_if_api(struct web_request *request);
/* web_map.c */
void web_serve_page_map(struct web_request *request);
void web_serve_api_map(struct web_request *request);
/* web_intake.c */
void web_serve_webhook(struct web_request *request);
void web_serve_handshake(struct web_request *request);
void web_serve_alerts(struct web_request *request);
void web_serve_pagerduty_v2(struct web_request *request);
void web_serve_pagerduty_v1(struct web_request *request);
void web_serve_pagerduty_change(struct web_request *request);
void web_serve_opsgenie_create(struct web_request *request);
void web_serve_opsgenie_act(struct web_request *request);
void web_serve_opsgenie_request(struct web_request *request);
void web_serve_status(struct web_request *request);
bool web_webhook_needs_token(const struct web *web, const char *param);
bool web_alerts_need_token(const struct web *web, const char *param);
bool web_pagerduty_needs_key(const struct web *web, const char *param);
bool web_opsgenie_needs_key(const struct web *web, const char *param);

#endif
