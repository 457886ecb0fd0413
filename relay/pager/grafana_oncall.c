/*
 * Pager kind grafana-oncall: a formatted webhook of Grafana OnCall or IRM, whose address is the
 * secret. A resolve is the same alert_uid with state ok. 300 alerts in 5 minutes are taken of one
 * integration.
 */
#include "pager_layout.h"

#include <errno.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"

#define GRAFANA_ONCALL_MESSAGE 15000u

static void grafana_oncall_write_body(struct arena *arena, const struct page *page, struct buf *out)
{
	struct buf words = BUF_INIT(LIMIT_PAGE_BYTES);
	struct marked_text text = { arena, &words, &pager_markdown, GRAFANA_ONCALL_MESSAGE };
	struct page_link links[PAGER_LINKS];

	marked_page(&text, page, false);
	buf_putc(out, '{');
	buf_json_text(out, "alert_uid", page->dedup_key);
	buf_json_text(out, "title", pager_headline(arena, page, LIMIT_SUMMARY_CHARS));
	buf_json_text(out, "state", page->event == PAGE_RESOLVE ? "ok" : "alerting");
	if (pager_links(arena, page, links) > 0)
		buf_json_text(out, "link_to_upstream_details", links[0].href);
	buf_json_text(out, "message", buf_text(&words));
	buf_putc(out, '}');
	buf_fini(&words);
}

static int grafana_oncall_build(struct arena *arena, const struct page *page,
				const struct page_target *target, const char *message_id,
				int64_t wall_us, struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);

	(void)message_id;
	(void)wall_us;
	grafana_oncall_write_body(arena, page, &body);
	return pager_deliver_hook(arena, target, &body, ret_delivery, err);
}

const struct pager_kind pager_kind_GRAFANA_ONCALL = {
	.name = "grafana-oncall",
	.knows_moved = true,
	.per_minute = 60, /* 300 in 5 minutes */
	.paced_host = "grafana.net",
	.build = grafana_oncall_build,
	.judge = judge_by_status,
	.feedback = grafana_oncall_feedback,
};
