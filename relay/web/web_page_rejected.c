/* Web page rejected: /rejected for a browser: the latest bodies that could not be read. */
#include <string.h>

#include "tracepager/plain.h"
#include "tracepager/rejected.h"
#include "tracepager/utf8.h"

#include "web_page-internal.h"

struct rejected_page {
	struct arena *arena;
	struct html_rejected_row rows[LIMIT_LIST_DEFAULT];
	size_t n;
};

/* Its lines stay; what is no UTF-8, and a NUL, is U+FFFD. */
static const char *rejected_body(struct arena *arena, const struct rejected_body *body)
{
	struct buf text = BUF_INIT(3 * (size_t)LIMIT_REJECTED_BODY_BYTES + 1);

	buf_add_utf8(&text, body->body, strnlen(body->body, body->body_len));
	const char *plain = plain_words(arena, buf_text(&text), false);
	buf_fini(&text);
	return plain;
}

static bool rejected_page_on_body(void *ctx, const struct rejected_body *body)
{
	struct rejected_page *page = ctx;

	if (page->n == LIMIT_LIST_DEFAULT)
		return false;
	page->rows[page->n++] = (struct html_rejected_row){
		.at_us = body->wall_us,
		.byte = body->byte,
		.sender = body->sender,
		.peer = body->peer,
		.reason = body->reason,
		.body = rejected_body(page->arena, body),
		.len = body->len,
	};
	return true;
}

void web_serve_page_rejected(struct web_request *request)
{
	struct rejected_page page = { .arena = arena_new(LIMIT_PAGE_HTML_BYTES) };
	struct web_page frame = { .notice = "" };
	struct html html;

	rejected_each(intake_rejected(request->web->intake), 0, rejected_page_on_body, &page);
	web_page_begin(&frame, request, "Rejected bodies", HTML_TAB_REJECTED);
	html_init(&html, LIMIT_PAGE_HTML_BYTES);
	html_rejected_write(&html, &frame.frame, page.rows, page.n);
	web_page_reply(request->exchange, 200, &html);
	arena_free(page.arena);
}
