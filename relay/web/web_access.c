/* Web access: who asks, by a token or a session, and whether that is enough. See web-internal.h. */
#include <stdio.h>

#include "web-internal.h"
#include "web_page-internal.h"

/* A session stands for its token where nothing but the reader's own browser sends it: on pages,
 * whose forms are marked, and where nothing is changed. */
static const struct web_token *request_token(struct web_request *request)
{
	const struct web_token *token = web_find_token(
		request->web, http_exchange_header(request->exchange, "Authorization"));

	if (token || !(request->is_page || http_exchange_verb(request->exchange) == HTTP_VERB_GET))
		return token;
	return web_session_token(request);
}

bool web_authorize(struct web_request *request, enum web_right right)
{
	const struct web *web = request->web;

	request->who = right == WEB_RIGHT_NONE ? "" : "local";
	if (right == WEB_RIGHT_NONE)
		return true;
	if (!web->ntokens) {
		request->may_act = true;
		snprintf(request->session, sizeof(request->session), "local");
		return true;
	}
	const struct web_token *token = request_token(request);
	if (!token && request->is_page) {
		web_session_ask(request);
		return false;
	}
	if (!token) {
		intake_log_refusal(web->intake, INTAKE_REFUSAL_ADMIN, request->exchange, NULL);
		web_fail(request->exchange, 401, "send an API token: Authorization: Bearer TOKEN");
		return false;
	}
	request->who = token->name;
	request->may_act = token->may_act;
	if (right == WEB_RIGHT_READ || token->may_act)
		return true;
	if (request->is_page) {
		web_page_message(
			request, 403, "You may read, and not act",
			"Your token may read only: sign out, and sign in with one that has "
			"\"may: act\" in tracepager.yaml.");
		return false;
	}
	web_failf(request->exchange, 403,
		  "the API token %s may read only: take one with \"may: act\" in tracepager.yaml",
		  token->name);
	return false;
}
