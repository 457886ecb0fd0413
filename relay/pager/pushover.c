/*
 * Pager kind pushover: messages to a user or a group of Pushover, as a form; their texts are no
 * markup. Critical pages pass the quiet hours, and none rings until somebody has acknowledged at
 * Pushover. Every event is a message.
 */
#include "pager_layout.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"

#define PUSHOVER_TITLE	 250u
#define PUSHOVER_MESSAGE 1024u
#define PUSHOVER_URL	 512u

static void pushover_add(struct arena *arena, struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s%s=", out->len ? "&" : "", name);
	buf_puts(out, url_escape(arena, value));
}

static void pushover_write_body(struct arena *arena, const struct page *page,
				const struct page_target *target, struct buf *out)
{
	static const char *const priorities[] = {
		[SEVERITY_INFO] = "-1",
		[SEVERITY_WARNING] = "0",
		[SEVERITY_ERROR] = "0",
		[SEVERITY_CRITICAL] = "1",
	};
	struct buf words = BUF_INIT(LIMIT_PAGE_BYTES);
	struct marked_text text = { arena, &words, &pager_plain, PUSHOVER_MESSAGE };
	struct page_link links[PAGER_LINKS];
	/* The first link is a field of its own, unless it is too long for it. */
	const size_t nfield =
		pager_links(arena, page, links) > 0 && strlen(links[0].href) <= PUSHOVER_URL;

	marked_rest(&text, page, nfield);
	pushover_add(arena, out, "token", target->key);
	pushover_add(arena, out, "user", target->texts[PAGER_TO]);
	pushover_add(arena, out, "title", pager_headline(arena, page, PUSHOVER_TITLE));
	pushover_add(arena, out, "message", buf_text(&words));
	pushover_add(arena, out, "priority",
		     page->event == PAGE_RESOLVE ? "-1" : priorities[page->severity]);
	if (nfield) {
		pushover_add(arena, out, "url", links[0].href);
		pushover_add(arena, out, "url_title", links[0].text);
	}
	buf_fini(&words);
}

/* 200 with {"status":0,"errors":["…"]} is a refusal. */
static struct judgement pushover_judge(const struct http_reply *reply)
{
	struct judgement judgement = judge_by_status(reply);

	if (judgement.outcome != JUDGE_DELIVERED || reply->error || !reply->body)
		return judgement;
	json_t *root = json_loadb(reply->body, reply->len, 0, NULL);
	const char *words = json_string_value(json_array_get(json_object_get(root, "errors"), 0));
	if (json_integer_value(json_object_get(root, "status")) != 1)
		judgement = pager_refused(reply, words ? words : "the body does not say status 1");
	json_decref(root);
	return judgement;
}

static int pushover_build(struct arena *arena, const struct page *page,
			  const struct page_target *target, const char *message_id, int64_t wall_us,
			  struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);

	(void)message_id;
	(void)wall_us;
	if (pager_needs(target, "token", "user_key", err) < 0)
		return -EINVAL;
	pushover_write_body(arena, page, target, &body);
	int error = pager_deliver_json(arena, target, target->url, NULL, &body, ret_delivery, err);
	if (!error) {
		ret_delivery->request.nheaders = 0;
		http_request_header(&ret_delivery->request, "Content-Type",
				    "application/x-www-form-urlencoded");
	}
	return error;
}

/* Whether the token and the user go together. */
static int pushover_dry(struct arena *arena, const struct page_target *target,
			struct http_request *ret_request, bool *ret_proves, struct err *err)
{
	struct buf body = BUF_INIT(4 * LIMIT_SECRET_BYTES);

	if (pager_needs(target, "token", "user_key", err) < 0)
		return -EINVAL;
	const char *slash = strrchr(target->url, '/');
	/* The slashes of "https://" begin no path. */
	if (!slash || slash < target->url + strlen(pager_origin(arena, target->url)))
		return err_set(err, EINVAL,
			       "the url of pager %s must end in the path of messages.json: "
			       "https://api.pushover.net/1/messages.json",
			       target->pager);
	pushover_add(arena, &body, "token", target->key);
	pushover_add(arena, &body, "user", target->texts[PAGER_TO]);
	pager_http_post(arena, target, "application/x-www-form-urlencoded", &body, ret_request);
	buf_fini(&body);
	ret_request->url = arena_printf(arena, "%.*s/users/validate.json",
					(int)(slash - target->url), target->url);
	*ret_proves = true;
	return 0;
}

const struct pager_kind pager_kind_PUSHOVER = {
	.name = "pushover",
	.knows_moved = true,
	.build = pushover_build,
	.judge = pushover_judge,
	.dry = pushover_dry,
	.judge_dry = pushover_judge,
};
