/*
 * Pager kind ntfy: a topic of ntfy.sh or of a server of one's own, whose address ends in the topic.
 * A message is published as JSON to the server's root; its texts are no markup. ntfy knows no end
 * of an alert, so every event is a message. It takes 4,096 bytes.
 */
#include "pager_layout.h"

#include <errno.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"

#define NTFY_TOPIC   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
#define NTFY_MESSAGE 4096u
#define NTFY_TITLE   250u
#define NTFY_ACTIONS 3u

static void ntfy_write_body(struct arena *arena, const struct page *page, const char *topic,
			    struct buf *out)
{
	static const int priorities[] = {
		[SEVERITY_INFO] = 2,
		[SEVERITY_WARNING] = 3,
		[SEVERITY_ERROR] = 4,
		[SEVERITY_CRITICAL] = 5,
	};
	const bool over = page->event == PAGE_RESOLVE;
	struct buf words = BUF_INIT(LIMIT_PAGE_BYTES);
	struct pager_markup markup = pager_plain;
	struct marked_text text = { arena, &words, &markup, NTFY_MESSAGE };
	struct page_link links[PAGER_LINKS];
	const size_t n = pager_links(arena, page, links);

	markup.bytes = true;
	marked_rest(&text, page, n < NTFY_ACTIONS ? n : NTFY_ACTIONS);
	buf_putc(out, '{');
	buf_json_text(out, "topic", topic);
	buf_json_text(out, "title", pager_headline(arena, page, NTFY_TITLE));
	buf_json_text(out, "message", buf_text(&words));
	buf_json_int(out, "priority", over ? 2 : priorities[page->severity]);
	buf_json_key(out, "tags");
	buf_puts(out, over ? "[\"white_check_mark\"]" : "[\"rotating_light\"]");
	if (n)
		buf_json_text(out, "click", links[0].href);
	buf_json_key(out, "actions");
	buf_putc(out, '[');
	for (size_t i = 0; i < n && i < NTFY_ACTIONS; i++) {
		buf_puts(out, i ? ",{" : "{");
		buf_json_text(out, "action", "view");
		buf_json_text(out, "label", links[i].text);
		buf_json_text(out, "url", links[i].href);
		buf_putc(out, '}');
	}
	buf_puts(out, "]}");
	buf_fini(&words);
}

static int ntfy_build(struct arena *arena, const struct page *page,
		      const struct page_target *target, const char *message_id, int64_t wall_us,
		      struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);

	(void)message_id;
	(void)wall_us;
	if (pager_needs(target, NULL, NULL, err) < 0)
		return -EINVAL;
	const char *slash = strrchr(target->url, '/');
	const char *topic = slash ? slash + 1 : "";
	if (!*topic || topic[strspn(topic, NTFY_TOPIC)] ||
	    slash < target->url + strlen(pager_origin(arena, target->url)))
		return err_set(err, EINVAL,
			       "the url of pager %s must end in the topic: https://ntfy.sh/TOPIC",
			       target->pager);
	ntfy_write_body(arena, page, topic, &body);
	return pager_deliver_json(
		arena, target, arena_strndup(arena, target->url, (size_t)(slash - target->url) + 1),
		"Bearer", &body, ret_delivery, err);
}

/* The account of the token; without one, whether the server lives. */
static int ntfy_dry(struct arena *arena, const struct page_target *target,
		    struct http_request *ret_request, bool *ret_proves, struct err *err)
{
	if (pager_needs(target, NULL, NULL, err) < 0)
		return -EINVAL;
	*ret_proves = target->key;
	return pager_dry_get(arena, target,
			     arena_printf(arena, "%s%s", pager_origin(arena, target->url),
					  target->key ? "/v1/account" : "/v1/health"),
			     "Bearer", ret_request, err);
}

static struct judgement ntfy_judge_dry(const struct http_reply *reply)
{
	static const char *const members[3] = { "healthy", "username", "role" };

	return pager_judge_members(reply, "ntfy", members);
}

const struct pager_kind pager_kind_NTFY = {
	.name = "ntfy",
	.knows_moved = true,
	.build = ntfy_build,
	.judge = judge_by_status,
	.dry = ntfy_dry,
	.judge_dry = ntfy_judge_dry,
};
