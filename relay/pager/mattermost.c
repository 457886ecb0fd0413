/*
 * Pager kind mattermost: an incoming webhook; every event is a message in Markdown, in which no
 * text of strangers mentions anybody. Only the body "ok" is a delivery.
 */
#include "pager_layout.h"

#include <errno.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"

#define MATTERMOST_TEXT 16383u

static int mattermost_build(struct arena *arena, const struct page *page,
			    const struct page_target *target, const char *message_id,
			    int64_t wall_us, struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES), words = BUF_INIT(LIMIT_PAGE_BYTES);
	struct marked_text text = { arena, &words, &pager_markdown, MATTERMOST_TEXT };

	(void)message_id;
	(void)wall_us;
	marked_page(&text, page, true);
	buf_putc(&body, '{');
	buf_json_text(&body, "text", buf_text(&words));
	buf_putc(&body, '}');
	buf_fini(&words);
	return pager_deliver_hook(arena, target, &body, ret_delivery, err);
}

/* Whether the server lives: its webhooks tell nothing but to whoever posts. */
static int mattermost_dry(struct arena *arena, const struct page_target *target,
			  struct http_request *ret_request, bool *ret_proves, struct err *err)
{
	*ret_proves = false;
	if (!target->key || strncmp(target->key, "http", 4) != 0)
		return err_set(err, EINVAL, "webhook_url of pager %s is no address", target->pager);
	return pager_dry_get(
		arena, target,
		arena_printf(arena, "%s/api/v4/system/ping", pager_origin(arena, target->key)),
		NULL, ret_request, err);
}

static struct judgement mattermost_judge_dry(const struct http_reply *reply)
{
	static const char *const members[3] = { "status" };

	return pager_judge_members(reply, "Mattermost", members);
}

const struct pager_kind pager_kind_MATTERMOST = {
	.name = "mattermost",
	.knows_moved = true,
	.build = mattermost_build,
	.judge = pager_judge_ok,
	.dry = mattermost_dry,
	.judge_dry = mattermost_judge_dry,
};
