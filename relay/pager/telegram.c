/*
 * Pager kind telegram: a bot of Telegram posts to a chat; every event is a message in Telegram's
 * HTML, in which &, < and > of strangers are escaped. The bot's token stands in the request's
 * path. A message has at most 4,096 characters, of which Telegram does not count the markup; we do.
 * It may answer 200 and mean no.
 */
#include "pager_layout.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"

#define TELEGRAM_TOKEN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_"
#define TELEGRAM_TEXT  4096u

static void telegram_add(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			buf_puts(out, "&amp;");
		else if (*text == '<')
			buf_puts(out, "&lt;");
		else if (*text == '>')
			buf_puts(out, "&gt;");
		else
			buf_putc(out, *text);
	}
}

static void telegram_add_link(struct buf *out, const char *text, const char *href)
{
	buf_puts(out, "<a href=\"");
	telegram_add(out, href);
	buf_puts(out, "\">");
	telegram_add(out, text);
	buf_puts(out, "</a>");
}

static const struct pager_markup telegram_markup = {
	.add = telegram_add,
	.add_code = telegram_add,
	.add_link = telegram_add_link,
	.bold = "<b>",
	.bold_end = "</b>",
	.code = "<pre>",
	.code_end = "</pre>\n",
	.narrow = true,
	.between = " · ",
};

static void telegram_write_body(struct arena *arena, const struct page *page, const char *chat,
				struct buf *out)
{
	struct buf words = BUF_INIT(LIMIT_PAGE_BYTES);
	struct marked_text text = { arena, &words, &telegram_markup, TELEGRAM_TEXT };

	marked_page(&text, page, true);
	buf_putc(out, '{');
	buf_json_text(out, "chat_id", chat);
	buf_json_text(out, "text", buf_text(&words));
	buf_json_text(out, "parse_mode", "HTML");
	buf_json_key(out, "link_preview_options");
	buf_puts(out, "{\"is_disabled\":true}");
	if (page->urgency && strcmp(page->urgency, "low") == 0)
		buf_puts(out, ",\"disable_notification\":true");
	buf_putc(out, '}');
	buf_fini(&words);
}

/* {"ok":false,"description":"…","parameters":{"retry_after":7}} */
static struct judgement telegram_judge(const struct http_reply *reply)
{
	struct judgement judgement = judge_by_status(reply);
	const bool took = judgement.outcome == JUDGE_DELIVERED;

	if (!reply->body || (took && reply->error))
		return judgement;
	json_t *root = json_loadb(reply->body, reply->len, 0, NULL);
	json_int_t seconds = json_integer_value(
		json_object_get(json_object_get(root, "parameters"), "retry_after"));
	const char *words = json_string_value(json_object_get(root, "description"));
	if (took && !json_is_true(json_object_get(root, "ok")))
		judgement = pager_refused(reply, words ? words : "the body does not say ok");
	if (judgement.outcome == JUDGE_RETRY && judgement.retry_after_us < 0 && seconds > 0)
		judgement.retry_after_us = seconds > LIMIT_PAGER_RETRY_AFTER_US / US_PER_SECOND
						   ? LIMIT_PAGER_RETRY_AFTER_US
						   : seconds * US_PER_SECOND;
	json_decref(root);
	return judgement;
}

static int telegram_build(struct arena *arena, const struct page *page,
			  const struct page_target *target, const char *message_id, int64_t wall_us,
			  struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);

	(void)message_id;
	(void)wall_us;
	if (pager_needs(target, "bot_token", "chat_id", err) < 0)
		return -EINVAL;
	if (target->key[strspn(target->key, TELEGRAM_TOKEN)])
		return err_set(err, EINVAL,
			       "bot_token of pager %s has characters that no token has; copy it "
			       "again from @BotFather",
			       target->pager);
	telegram_write_body(arena, page, target->texts[PAGER_TO], &body);
	return pager_deliver_json(
		arena, target,
		pager_url(arena, target, arena_printf(arena, "/bot%s/sendMessage", target->key)),
		NULL, &body, ret_delivery, err);
}

/* getMe: the bot's own name. */
static int telegram_dry(struct arena *arena, const struct page_target *target,
			struct http_request *ret_request, bool *ret_proves, struct err *err)
{
	if (!target->url || !target->key || target->key[strspn(target->key, TELEGRAM_TOKEN)])
		return err_set(err, EINVAL, "bot_token of pager %s is no token of a bot",
			       target->pager);
	*ret_proves = true;
	return pager_dry_get(
		arena, target,
		pager_url(arena, target, arena_printf(arena, "/bot%s/getMe", target->key)), NULL,
		ret_request, err);
}

const struct pager_kind pager_kind_TELEGRAM = {
	.name = "telegram",
	.knows_moved = true,
	.per_minute = 20, /* of one group */
	.paced_host = "telegram.org",
	.build = telegram_build,
	.judge = telegram_judge,
	.dry = telegram_dry,
	.judge_dry = telegram_judge,
};
