/* Web page: see web_page-internal.h. */
#include "web_page-internal.h"

#include <string.h>
#include <strings.h>

#include "tracepager/incident.h"
#include "tracepager/links.h"
#include "tracepager/xalloc.h"

#include "web_origin-internal.h"

/* ---- the frame ---- */

const char *web_page_mark(struct web_page *page, const struct web *web)
{
	struct buf mark = BUF_INIT(WEB_MARK_BYTES - 1);

	links_form_write(web->links, page->session, &mark);
	snprintf(page->mark, sizeof(page->mark), "%s", buf_text(&mark));
	buf_fini(&mark);
	return page->mark;
}

void web_page_begin(struct web_page *page, const struct web_request *request, const char *title,
		    enum html_tab tab)
{
	const struct web *web = request->web;
	const struct web_ops *ops = &web->ops;
	const char *why_not = NULL;
	const bool ready = ops->ready(ops->ctx, &why_not);

	snprintf(page->who, sizeof(page->who), "%s", request->who);
	snprintf(page->session, sizeof(page->session), "%s", request->session);
	snprintf(page->not_ready, sizeof(page->not_ready), "%s", ready ? "" : why_not);
	page->frame = (struct html_frame){
		.title = title,
		.tab = tab,
		.who = page->who,
		.may_act = request->may_act,
		.has_session = web->ntokens && *page->session && !*request->named,
		.mark = web_page_mark(page, web),
		.notice = page->notice,
		.unreached = *request->who ? ops->unreached(ops->ctx) : 0,
		.not_ready = *page->not_ready && *request->who ? page->not_ready : NULL,
		.now_us = clock_wall_us(web->clock),
	};
}

void web_page_follow(struct web_page *page, const struct web *web)
{
	page->frame.live = true;
	page->frame.changes = incidents_changes(web->ops.incidents(web->ops.ctx));
}

/* ---- replies ---- */

void web_page_headers(struct http_exchange *exchange)
{
	http_exchange_set(exchange, "Content-Security-Policy",
			  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' "
			  "data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
			  "frame-ancestors 'none'");
	http_exchange_set(exchange, "Referrer-Policy", "same-origin");
	http_exchange_set(exchange, "X-Content-Type-Options", "nosniff");
	http_exchange_set(exchange, "X-Frame-Options", "DENY");
	http_exchange_set(exchange, "X-Robots-Tag", "noindex, nofollow");
	http_exchange_set(exchange, "Cache-Control", "no-store");
	http_exchange_set(exchange, "Vary", "Accept, Cookie");
}

void web_page_reply(struct http_exchange *exchange, int status, struct html *html)
{
	size_t len;
	const char *text = html_markup(html, &len);

	if (text) {
		web_page_headers(exchange);
		http_exchange_reply(exchange, status, "text/html; charset=utf-8", text, len,
				    status == 503 ? LIMIT_WEB_RETRY_AFTER_S : 0);
	} else {
		web_fail(exchange, 500, "this page is larger than 8 MiB; ask the API for it");
	}
	html_fini(html);
}

void web_page_redirect(struct http_exchange *exchange, const char *location)
{
	web_page_headers(exchange);
	http_exchange_set(exchange, "Location", location);
	http_exchange_reply(exchange, 303, "text/plain; charset=utf-8", "", 0, 0);
}

void web_page_message(struct web_request *request, int status, const char *title, const char *text)
{
	struct web_page page = { .notice = "" };
	struct html html;

	html_init(&html, LIMIT_PAGE_HTML_BYTES);
	web_page_begin(&page, request, title, HTML_TAB_NONE);
	html_message_write(&html, &page.frame, text);
	web_page_reply(request->exchange, status, &html);
}

void web_serve_static(struct web_request *request)
{
	const struct html_static *found = html_static_find(request->param[0]);

	if (!found) {
		web_fail(request->exchange, 404, "there is no such style sheet or script");
		return;
	}
	http_exchange_set(request->exchange, "Cache-Control",
			  "public, max-age=31536000, immutable");
	http_exchange_set(request->exchange, "X-Content-Type-Options", "nosniff");
	http_exchange_reply(request->exchange, 200, found->type, found->text, strlen(found->text),
			    0);
}

/* ---- forms ---- */

/* Browsers hide the origin of a form from a page without a referrer ("null"), and say in
 * Sec-Fetch-Site, over https, where it came from. */
bool web_form_is_foreign(const struct web *web, const struct http_exchange *exchange)
{
	const char *origin = http_exchange_header(exchange, "Origin"),
		   *site = http_exchange_header(exchange, "Sec-Fetch-Site"),
		   *host = http_exchange_header(exchange, "Host");
	const char *authority = origin ? strstr(origin, "://") : NULL;

	if (site && strcasecmp(site, "same-origin") != 0)
		return true;
	if (!origin || strcasecmp(origin, "null") == 0)
		return false;
	return !authority || !((host && strcasecmp(authority + 3, host) == 0) ||
			       web_names_us(web, authority + 3));
}

bool web_is_form(const struct http_exchange *exchange)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const char *type = http_exchange_header(exchange, "Content-Type");

	return type && strncasecmp(type, form, strlen(form)) == 0 &&
	       strchr("; \t", type[strlen(form)]);
}

bool web_form_field(struct web_request *request, const char *name, char *out, size_t size)
{
	size_t len;
	const char *body = http_exchange_body(request->exchange, &len);

	return web_form_value(body, len, name, out, size) != WEB_FOUND_BAD;
}

const char *web_form_refused(struct web_request *request, int *ret_status)
{
	return web_large_form_refused(request, LIMIT_WEB_BODY_BYTES, ret_status);
}

const char *web_large_form_refused(struct web_request *request, size_t most_bytes, int *ret_status)
{
	const struct web *web = request->web;
	char mark[WEB_MARK_BYTES];
	size_t len;

	http_exchange_body(request->exchange, &len);
	*ret_status = 403;
	if (web_form_is_foreign(web, request->exchange)) {
		intake_log_refusal(web->intake, INTAKE_REFUSAL_SITE, request->exchange,
				   http_exchange_header(request->exchange, "Origin"));
		return "Nothing was done: a page of another site sent this form.";
	}
	*ret_status = len > most_bytes ? 413 : 400;
	if (len > most_bytes || !web_is_form(request->exchange) ||
	    !web_form_field(request, "n", mark, sizeof(mark)) || !*mark)
		return "Nothing was done: this is no form of this server. Press again.";
	*ret_status = 409;
	switch (links_form_take(web->links, request->session, mark)) {
	case LINKS_FORM_GOOD:
		return NULL;
	case LINKS_FORM_USED:
		return "This form was sent before: what it did is done. Press again if you mean "
		       "it again.";
	case LINKS_FORM_OLD:
	case LINKS_FORM_FORGED:
		break;
	}
	return "Nothing was done: this page was opened too long ago, or before the relay started. "
	       "Press again.";
}
