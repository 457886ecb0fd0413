/*
 * Pager kind rootly: a generic webhook source of Rootly, which takes any JSON. The source's fields
 * are mapped there: external id is dedup_key, and an alert resolves where status is resolved.
 */
#include "pager_layout.h"

#include <errno.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"

#define ROOTLY_DESCRIPTION 15000u

static void rootly_write_body(struct arena *arena, const struct page *page, struct buf *out)
{
	struct buf words = BUF_INIT(LIMIT_PAGE_BYTES);
	struct marked_text text = { arena, &words, &pager_markdown, ROOTLY_DESCRIPTION };
	struct page_link links[PAGER_LINKS];

	marked_page(&text, page, false);
	buf_putc(out, '{');
	buf_json_text(out, "title", pager_words(arena, page->summary, LIMIT_SUMMARY_CHARS, true));
	buf_json_text(out, "status",
		      page->event == PAGE_RESOLVE ? "resolved"
		      : pager_tells_ack(page)	  ? "acknowledged"
						  : "triggered");
	buf_json_text(out, "dedup_key", page->dedup_key);
	buf_json_text(out, "severity", severity_name(page->severity));
	buf_json_text(out, "description", buf_text(&words));
	pager_add_words(arena, out, "team", page->group, LIMIT_SUMMARY_CHARS);
	pager_add_words(arena, out, "service", page->component, LIMIT_SUMMARY_CHARS);
	pager_add_words(arena, out, "environment", page->environment, LIMIT_SUMMARY_CHARS);
	if (pager_links(arena, page, links) > 0)
		buf_json_text(out, "url", links[0].href);
	buf_putc(out, '}');
	buf_fini(&words);
}

static int rootly_build(struct arena *arena, const struct page *page,
			const struct page_target *target, const char *message_id, int64_t wall_us,
			struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);

	(void)message_id;
	(void)wall_us;
	if (pager_needs(target, "token", NULL, err) < 0)
		return -EINVAL;
	rootly_write_body(arena, page, &body);
	return pager_deliver_json(arena, target, target->url, "Bearer", &body, ret_delivery, err);
}

const struct pager_kind pager_kind_ROOTLY = {
	.name = "rootly",
	.acks_keys = true,
	.knows_moved = true,
	.build = rootly_build,
	.judge = judge_by_status,
	.feedback = rootly_feedback,
};
