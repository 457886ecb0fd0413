/*
 * Pager kind goalert: GoAlert's generic API. Each event but a resolve creates the alert with the
 * page's key, which GoAlert takes for the same alert as long as it is open; a resolve closes it.
 * GoAlert has no request that acknowledges or changes an alert.
 */
#include "pager_layout.h"

#include <errno.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"

#define GOALERT_SUMMARY 1024u
#define GOALERT_DETAILS 6144u

static void goalert_write_body(struct arena *arena, const struct page *page, struct buf *out)
{
	struct buf words = BUF_INIT(LIMIT_PAGE_BYTES);
	struct pager_markup markup = pager_markdown;
	struct marked_text text = { arena, &words, &markup, GOALERT_DETAILS };

	markup.bytes = true;
	marked_page(&text, page, false);
	buf_putc(out, '{');
	buf_json_text(out, "summary", pager_headline(arena, page, GOALERT_SUMMARY));
	buf_json_text(out, "details", buf_text(&words));
	buf_json_text(out, "dedup", page->dedup_key);
	if (page->event == PAGE_RESOLVE)
		buf_json_text(out, "action", "close");
	/* GoAlert's webhooks have an alert's meta, and not its key. */
	buf_json_key(out, "meta");
	buf_putc(out, '{');
	buf_json_text(out, "dedup_key", page->dedup_key);
	buf_puts(out, "}}");
	buf_fini(&words);
}

static int goalert_build(struct arena *arena, const struct page *page,
			 const struct page_target *target, const char *message_id, int64_t wall_us,
			 struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);

	(void)message_id;
	(void)wall_us;
	if (pager_needs(target, "token", NULL, err) < 0)
		return -EINVAL;
	goalert_write_body(arena, page, &body);
	return pager_deliver_json(arena, target,
				  pager_url(arena, target, "/api/v2/generic/incoming"), "Bearer",
				  &body, ret_delivery, err);
}

static int goalert_dry(struct arena *arena, const struct page_target *target,
		       struct http_request *ret_request, bool *ret_proves, struct err *err)
{
	if (pager_needs(target, NULL, NULL, err) < 0)
		return -EINVAL;
	*ret_proves = false;
	return pager_dry_get(arena, target, pager_url(arena, target, "/health"), NULL, ret_request,
			     err);
}

const struct pager_kind pager_kind_GOALERT = {
	.name = "goalert",
	.knows_moved = true,
	.build = goalert_build,
	.judge = judge_by_status,
	.dry = goalert_dry,
	.feedback = goalert_feedback,
};
