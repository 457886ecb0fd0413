/*
 * Web session: signing in on the pages with an API token, which becomes a signed cookie, and
 * signing out. A reader who has no session is asked to sign in, and goes on where he was.
 */
#include <string.h>

#include "tracepager/sessions.h"
#include "tracepager/url.h"
#include "tracepager/xalloc.h"

#include "web-internal.h"
#include "web_page-internal.h"

static const char cookie_name[] = "tracepager_session";

/* A form that nobody has signed in for is bound to this. */
static const char login_session[] = "login";

/* ---- the cookie ---- */

/* The value of our cookie in a header "a=b; c=d"; false: it is not there. */
static bool cookie_value(const char *header, char *out, size_t size)
{
	const size_t name = strlen(cookie_name);

	for (; header && *header; header += strspn(header, "; ")) {
		const size_t len = strcspn(header, ";");
		if (len > name && strncmp(header, cookie_name, name) == 0 && header[name] == '=' &&
		    len - name - 1 < size) {
			memcpy(out, header + name + 1, len - name - 1);
			out[len - name - 1] = '\0';
			return true;
		}
		header += len;
	}
	return false;
}

const struct web_token *web_session_token(struct web_request *request)
{
	const struct web *web = request->web;
	char session[LIMIT_SESSION_BYTES + 1], name[LIMIT_SESSION_NAME_BYTES + 1];

	if (!cookie_value(http_exchange_header(request->exchange, "Cookie"), session,
			  sizeof(session)) ||
	    !sessions_name(session, name))
		return NULL;
	for (size_t i = 0; i < web->ntokens; i++) {
		const struct web_token *token = &web->tokens[i];
		if (strcmp(token->name, name) != 0 || !token->secret->value ||
		    !sessions_verify(web->sessions, session, token->secret->value))
			continue;
		memcpy(request->session, session, sizeof(session));
		return token;
	}
	return NULL;
}

/* Sent back to this server alone, by no script, and not with another site's forms. value "": it
 * ends. */
static void set_cookie(const struct web *web, struct http_exchange *exchange, const char *value)
{
	const bool secure = web->tls || strncmp(web->external_url, "https://", 8) == 0;
	CLEANUP_FREE char *cookie =
		xasprintf("%s=%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%lld%s", cookie_name,
			  value, *value ? (long long)(LIMIT_SESSION_US / US_PER_SECOND) : 0LL,
			  secure ? "; Secure" : "");

	http_exchange_set(exchange, "Set-Cookie", cookie);
}

/* ---- GET /login ---- */

/* A path of this server: "/x", never "//host" nor "/\host", which browsers take for another one. */
static bool is_own_path(const char *path)
{
	return path[0] == '/' && path[1] != '/' && !strpbrk(path, "\\\r\n\t");
}

static void login_show(struct web_request *request, int status, const char *next, const char *why)
{
	struct web_page page = { .notice = "" };
	struct html html;

	snprintf(request->session, sizeof(request->session), "%s", login_session);
	snprintf(page.notice, sizeof(page.notice), "%s", why);
	html_init(&html, LIMIT_PAGE_HTML_BYTES);
	web_page_begin(&page, request, "Sign in", HTML_TAB_NONE);
	page.frame.who = "";
	page.frame.has_session = false;
	page.frame.refused = *why != '\0';
	html_login_write(&html, &page.frame, is_own_path(next) ? next : "/");
	web_page_reply(request->exchange, status, &html);
}

void web_session_ask(struct web_request *request)
{
	struct http_exchange *exchange = request->exchange;
	struct arena *arena = arena_new(LIMIT_ACT_BYTES);
	const char *query = http_exchange_query(exchange);
	const char *path =
		http_exchange_verb(exchange) == HTTP_VERB_GET ? http_exchange_path(exchange) : "/";

	web_page_redirect(
		exchange,
		arena_printf(arena, "/login?next=%s",
			     url_escape(arena, *query ? arena_printf(arena, "%s?%s", path, query)
						      : path)));
	arena_free(arena);
}

void web_serve_login_form(struct web_request *request)
{
	char next[LIMIT_LINK_HEADER_BYTES];

	if (!web_query_text(request, "next", next, sizeof(next)))
		return;
	if (!request->web->ntokens)
		web_page_redirect(request->exchange, "/");
	else
		login_show(request, 200, next, "");
}

/* ---- POST /login ---- */

static const struct web_token *token_of_secret(const struct web *web, const char *secret)
{
	CLEANUP_FREE char *authorization = xasprintf("Bearer %s", secret);

	return *secret ? web_find_token(web, authorization) : NULL;
}

void web_serve_login(struct web_request *request)
{
	struct web *web = request->web;
	const char *peer = http_exchange_peer(request->exchange), *why;
	char secret[LIMIT_SECRET_BYTES], next[LIMIT_LINK_HEADER_BYTES];
	int status;

	snprintf(request->session, sizeof(request->session), "%s", login_session);
	if (!web_form_field(request, "next", next, sizeof(next)))
		snprintf(next, sizeof(next), "/");
	if ((why = web_form_refused(request, &status))) {
		login_show(request, status, next, why);
		return;
	}
	if (!sessions_may_try(web->sessions, peer)) {
		login_show(request, 429, next,
			   "Too many wrong tokens came from your address: wait a minute.");
		return;
	}
	const struct web_token *token = web_form_field(request, "token", secret, sizeof(secret))
						? token_of_secret(web, secret)
						: NULL;
	if (!token) {
		sessions_failed(web->sessions, peer);
		intake_log_refusal(web->intake, INTAKE_REFUSAL_ADMIN, request->exchange, NULL);
		login_show(request, 403, next, "That is no API token of this relay.");
		return;
	}
	struct buf session = BUF_INIT(LIMIT_SESSION_BYTES);
	sessions_write(web->sessions, token->name, token->secret->value, &session);
	set_cookie(web, request->exchange, session.failed ? "" : buf_text(&session));
	buf_fini(&session);
	explicit_bzero(secret, sizeof(secret));
	web_page_redirect(request->exchange, is_own_path(next) ? next : "/");
}

/* ---- POST /logout ---- */

void web_serve_logout(struct web_request *request)
{
	int status;

	/* Without a session there is nothing to end; a forged form ends nothing. */
	if (!web_session_token(request) || web_form_refused(request, &status)) {
		web_page_redirect(request->exchange, "/");
		return;
	}
	set_cookie(request->web, request->exchange, "");
	web_page_redirect(request->exchange, "/login");
}
