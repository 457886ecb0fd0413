/*
 * Web page: what the pages of the HTML room have in common where they are served: the frame around
 * a page, filled in; the headers of a reply; whether a form may act. Loop thread only.
 */
#ifndef TRACEPAGER_WEB_PAGE_INTERNAL_H
#define TRACEPAGER_WEB_PAGE_INTERNAL_H

#include "tracepager/html_pages.h"

#include "web-internal.h"

#define WEB_MARK_BYTES 128

/* A frame and the texts in it, for a page that may be answered later than its request is served. */
struct web_page {
	struct html_frame frame; /* borrows from this struct: not to be copied */
	char who[LIMIT_SESSION_NAME_BYTES + 1], session[LIMIT_SESSION_BYTES + 1];
	char mark[WEB_MARK_BYTES], notice[LIMIT_ACT_WORDS_BYTES];
	char not_ready[LIMIT_ACT_WORDS_BYTES];
};

/* Fills in the frame for a request; title is borrowed. */
void web_page_begin(struct web_page *page, const struct web_request *request, const char *title,
		    enum html_tab tab);
/* The page follows what changes from now on: before anything that it shows is looked up. */
void web_page_follow(struct web_page *page, const struct web *web);
/* A new mark for a form of this page: every form takes one of its own. Into page->mark. */
const char *web_page_mark(struct web_page *page, const struct web *web);

/* Replies with the page, and frees it. A page that is over its cap is answered 500. */
void web_page_reply(struct http_exchange *exchange, int status, struct html *html);
/* The headers of a page that loads nothing but this server's own style and script. */
void web_page_headers(struct http_exchange *exchange);
/* Goes on with another page: 303. */
void web_page_redirect(struct http_exchange *exchange, const char *location);
/* A page of one sentence. */
void web_page_message(struct web_request *request, int status, const char *title, const char *text);

/* Does a form come from a page of this server, as far as the browser tells? */
bool web_form_is_foreign(const struct web *web, const struct http_exchange *exchange);
/* Is the body application/x-www-form-urlencoded? */
bool web_is_form(const struct http_exchange *exchange);
/* Reads the body as a form of this reader that was not sent before: its mark is taken. NULL: it
 * may act; else a sentence that says why not, and *ret_status. */
const char *web_form_refused(struct web_request *request, int *ret_status);
/* The same of a form whose body may have so many bytes. */
const char *web_large_form_refused(struct web_request *request, size_t most_bytes, int *ret_status);
/* A field of the body; "" where it is missing. False: it is given twice, too long, or no text. */
bool web_form_field(struct web_request *request, const char *name, char *out, size_t size);

#endif
