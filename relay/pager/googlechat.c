/*
 * Pager kind googlechat: a webhook of a Google Chat space; every event is a message, and those of
 * one page are one thread, whose name is the page's key. The text markup has no escapes: a blank
 * of no width behind < keeps a text of strangers from being a link or a mention.
 */
#include "pager_layout.h"

#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"

#define GOOGLECHAT_TEXT 4096u

static void googlechat_add(struct buf *out, const char *text)
{
	for (; *text; text++) {
		buf_putc(out, *text == '`' ? '\'' : *text);
		if (*text == '<')
			buf_puts(out, "\u200b");
	}
}

static void googlechat_add_link(struct buf *out, const char *text, const char *href)
{
	buf_printf(out, "<%s|", href);
	for (; *text; text++)
		buf_putc(out, strchr("<>|`", *text) ? ' ' : *text);
	buf_putc(out, '>');
}

static const struct pager_markup googlechat_markup = {
	.add = googlechat_add,
	.add_code = googlechat_add,
	.add_link = googlechat_add_link,
	.bold = "*",
	.bold_end = "*",
	.code = "```\n",
	.code_end = "```\n",
	.narrow = true,
	.between = " · ",
};

static int googlechat_build(struct arena *arena, const struct page *page,
			    const struct page_target *target, const char *message_id,
			    int64_t wall_us, struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES), words = BUF_INIT(LIMIT_PAGE_BYTES);
	struct marked_text text = { arena, &words, &googlechat_markup, GOOGLECHAT_TEXT };

	(void)message_id;
	(void)wall_us;
	marked_page(&text, page, true);
	buf_putc(&body, '{');
	buf_json_text(&body, "text", buf_text(&words));
	buf_putc(&body, '}');
	buf_fini(&words);
	int error = pager_deliver_hook(arena, target, &body, ret_delivery, err);
	if (error)
		return error;
	ret_delivery->request.url = arena_printf(arena,
						 "%s%cthreadKey=%s&messageReplyOption="
						 "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
						 target->key, strchr(target->key, '?') ? '&' : '?',
						 url_escape(arena, page->dedup_key));
	return 0;
}

const struct pager_kind pager_kind_GOOGLECHAT = {
	.name = "googlechat",
	.knows_moved = true,
	.per_minute = 60, /* about one message a second and space */
	.paced_host = "googleapis.com",
	.build = googlechat_build,
	.judge = judge_by_status,
};
