/* Web access: who asks, by a token, a trusted proxy or a session, and whether that is enough. See
 * web-internal.h. */
#include <stdio.h>

#include "web-internal.h"
#include "web_page-internal.h"

/* A session, or the name that a proxy gives, stands for a token where nothing but the reader's own
 * browser sends it: on pages, whose forms are marked, and where nothing is changed. */
static bool counts_without_token(const struct web_request *request)
{
	return request->is_page || http_exchange_verb(request->exchange) == HTTP_VERB_GET;
}

/* Sets who asks and what is allowed. False: it is nobody who is known. */
static bool find_who(struct web_request *request)
{
	const struct web_token *token = web_find_token(
		request->web, http_exchange_header(request->exchange, "Authorization"));

	if (!token && counts_without_token(request)) {
		if (web_proxy_names(request)) {
			request->who = request->named;
			return true;
		}
		token = web_session_token(request);
	}
	if (!token)
		return false;
	request->who = token->name;
	request->may_act = token->may_act;
	return true;
}

static void refuse_acting(struct web_request *request)
{
	if (*request->named)
		web_page_message(request, 403, "You may read, and not act",
				 "The proxy in front says who you are, and you may read only: ask "
				 "for your name in trusted_proxy.who_may_act in tracepager.yaml.");
	else if (request->is_page)
		web_page_message(
			request, 403, "You may read, and not act",
			"Your token may read only: sign out, and sign in with one that has "
			"\"may: act\" in tracepager.yaml.");
	else
		web_failf(request->exchange, 403,
			  "the API token %s may read only: take one with \"may: act\" in "
			  "tracepager.yaml",
			  request->who);
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
	if (find_who(request)) {
		if (right == WEB_RIGHT_READ || request->may_act)
			return true;
		refuse_acting(request);
		return false;
	}
	if (request->is_page) {
		web_session_ask(request);
		return false;
	}
	intake_log_refusal(web->intake, INTAKE_REFUSAL_ADMIN, request->exchange, NULL);
	web_fail(request->exchange, 401, "send an API token: Authorization: Bearer TOKEN");
	return false;
}
