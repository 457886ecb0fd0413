/*
 * Pager kind incidentio: an HTTP alert source of incident.io, whose whole address is the url. A
 * resolve is the same deduplication key with status resolved; all other events update the alert.
 * incident.io takes 512 KB.
 */
#include "pager_layout.h"

#include <errno.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"

#define INCIDENTIO_DESCRIPTION 15000u

static void incidentio_write_body(struct arena *arena, const struct page *page, struct buf *out)
{
	struct buf words = BUF_INIT(LIMIT_PAGE_BYTES);
	struct marked_text text = { arena, &words, &pager_markdown, INCIDENTIO_DESCRIPTION };
	struct page_link links[PAGER_LINKS];

	marked_page(&text, page, false);
	buf_putc(out, '{');
	buf_json_text(out, "title", pager_words(arena, page->summary, LIMIT_SUMMARY_CHARS, true));
	buf_json_text(out, "status", page->event == PAGE_RESOLVE ? "resolved" : "firing");
	buf_json_text(out, "deduplication_key", page->dedup_key);
	buf_json_text(out, "description", buf_text(&words));
	if (pager_links(arena, page, links) > 0)
		buf_json_text(out, "source_url", links[0].href);
	buf_json_key(out, "metadata");
	buf_putc(out, '{');
	buf_json_text(out, "incident", page->incident);
	buf_json_text(out, "severity", severity_name(page->severity));
	pager_add_words(arena, out, "team", page->group, LIMIT_SUMMARY_CHARS);
	pager_add_words(arena, out, "service", page->component, LIMIT_SUMMARY_CHARS);
	pager_add_words(arena, out, "environment", page->environment, LIMIT_SUMMARY_CHARS);
	buf_puts(out, "}}");
	buf_fini(&words);
}

static int incidentio_build(struct arena *arena, const struct page *page,
			    const struct page_target *target, const char *message_id,
			    int64_t wall_us, struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);

	(void)message_id;
	(void)wall_us;
	if (pager_needs(target, "token", NULL, err) < 0)
		return -EINVAL;
	incidentio_write_body(arena, page, &body);
	return pager_deliver_json(arena, target, target->url, "Bearer", &body, ret_delivery, err);
}

const struct pager_kind pager_kind_INCIDENTIO = {
	.name = "incidentio",
	.knows_moved = true,
	.build = incidentio_build,
	.judge = judge_by_status,
	.feedback = incidentio_feedback,
};
