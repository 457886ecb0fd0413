/*
 * Pager kind discord: a webhook of a Discord channel; every event is a message with one embed. No
 * text of strangers mentions anybody: allowed_mentions is empty. A reply of status 429 names its
 * pause in the body.
 */
#include "pager_layout.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"

/* What Discord takes; all texts of an embed together have at most 6,000. */
#define DISCORD_CONTENT	    2000u
#define DISCORD_DESCRIPTION 4096u

static int64_t discord_colour(const struct page *page)
{
	static const int64_t colours[] = {
		[SEVERITY_INFO] = 0x3498db,
		[SEVERITY_WARNING] = 0xf1c40f,
		[SEVERITY_ERROR] = 0xe67e22,
		[SEVERITY_CRITICAL] = 0xe74c3c,
	};

	return pager_moved(page)	     ? colours[SEVERITY_INFO]
	       : page->event == PAGE_RESOLVE ? 0x2ecc71
					     : colours[page->severity];
}

static void discord_write_body(struct arena *arena, const struct page *page, struct buf *out)
{
	struct buf words = BUF_INIT(LIMIT_PAGE_BYTES);
	struct pager_markup markup = pager_markdown;
	struct marked_text text = { arena, &words, &markup, DISCORD_CONTENT };
	struct page_link links[PAGER_LINKS];
	const size_t n = pager_links(arena, page, links), acts = pager_acts(page, links, n);

	markup.narrow = true;
	buf_putc(out, '{');
	marked_bold(&text, pager_headline(arena, page, LIMIT_SUMMARY_CHARS));
	buf_json_text(out, "content", buf_text(&words));
	buf_puts(out, ",\"allowed_mentions\":{\"parse\":[]},\"embeds\":[{");
	buf_json_int(out, "color", discord_colour(page));
	/* The title is no place for a text of strangers, whose marks would show their backslashes.
	 */
	if (acts) {
		buf_json_text(out, "title", links[0].text);
		buf_json_text(out, "url", links[0].href);
	}
	buf_reset(&words);
	text.room = DISCORD_DESCRIPTION;
	marked_rest(&text, page, acts);
	buf_json_text(out, "description", buf_text(&words));
	buf_puts(out, "}]}");
	buf_fini(&words);
}

static int discord_build(struct arena *arena, const struct page *page,
			 const struct page_target *target, const char *message_id, int64_t wall_us,
			 struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);

	(void)message_id;
	(void)wall_us;
	discord_write_body(arena, page, &body);
	return pager_deliver_hook(arena, target, &body, ret_delivery, err);
}

static struct judgement discord_judge(const struct http_reply *reply)
{
	struct judgement judgement = judge_by_status(reply);

	if (reply->status != 429 || judgement.retry_after_us >= 0 || !reply->body)
		return judgement;
	json_t *root = json_loadb(reply->body, reply->len, 0, NULL);
	double seconds = json_number_value(json_object_get(root, "retry_after"));
	json_decref(root);
	if (seconds > (double)LIMIT_PAGER_RETRY_AFTER_US / US_PER_SECOND)
		judgement.retry_after_us = LIMIT_PAGER_RETRY_AFTER_US;
	else if (seconds > 0)
		judgement.retry_after_us = (int64_t)(seconds * US_PER_SECOND);
	return judgement;
}

/* What the webhook is: its channel and its name. */
static int discord_dry(struct arena *arena, const struct page_target *target,
		       struct http_request *ret_request, bool *ret_proves, struct err *err)
{
	*ret_proves = true;
	if (!target->key || strncmp(target->key, "http", 4) != 0)
		return err_set(err, EINVAL, "webhook_url of pager %s is no address", target->pager);
	return pager_dry_get(arena, target, target->key, NULL, ret_request, err);
}

static struct judgement discord_judge_dry(const struct http_reply *reply)
{
	static const char *const members[3] = { "id", "channel_id" };

	return pager_judge_members(reply, "a webhook of Discord", members);
}

const struct pager_kind pager_kind_DISCORD = {
	.name = "discord",
	.knows_moved = true,
	.per_minute = 30, /* of one channel */
	.paced_host = "discord.com",
	.build = discord_build,
	.judge = discord_judge,
	.dry = discord_dry,
	.judge_dry = discord_judge_dry,
};
