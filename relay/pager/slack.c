/*
 * Pager kind slack, with messages of Block Kit. It has two ways:
 *
 * An incoming webhook cannot change what it has posted, so every event is a message of its own. The
 * address is the secret. Slack may answer 200 and mean no: only the body "ok" is a delivery.
 *
 * A bot of Slack's Web API posts the trigger and remembers that message: channel and ts. A later
 * page changes it with chat.update, so that it says how things are, and replies in its thread: a
 * change notifies nobody. The change comes first, since it does no harm when it is sent twice. What
 * a person must see at once is shown in the channel too. Without memory, or where the message is
 * gone, the page is a message of its own, which is remembered from then on.
 */
#include "slack_blocks.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"
#include "tracepager/sign.h"
#include "tracepager/xalloc.h"

/* ---- the incident's first message ---- */

struct slack_place {
	const char *channel, *ts;
};

static bool slack_is_of(const char *text, size_t len, const char *characters)
{
	return len > 0 && strspn(text, characters) >= len;
}

/* "C0123456789 1788256802.000200". False: nothing is remembered. */
static bool slack_remembered(struct arena *arena, const char *memory, struct slack_place *ret_place)
{
	const char *blank = memory ? strchr(memory, ' ') : NULL;

	if (!blank ||
	    !slack_is_of(memory, (size_t)(blank - memory),
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") ||
	    !slack_is_of(blank + 1, strlen(blank + 1), "0123456789."))
		return false;
	ret_place->channel = arena_strndup(arena, memory, (size_t)(blank - memory));
	ret_place->ts = blank + 1;
	return true;
}

/* A reply in a thread is not the message that later pages change. */
static void slack_remember(const json_t *reply, struct judgement *judgement)
{
	const char *channel = json_string_value(json_object_get(reply, "channel"));
	const char *ts = json_string_value(json_object_get(reply, "ts"));
	const char *thread =
		json_string_value(json_object_get(json_object_get(reply, "message"), "thread_ts"));

	if (!channel || !ts || (thread && strcmp(thread, ts) != 0))
		return;
	int len = snprintf(judgement->memory, sizeof(judgement->memory), "%s %s", channel, ts);
	judgement->remembers = len > 0 && (size_t)len < sizeof(judgement->memory);
}

/* ---- requests of the Web API ---- */

/* A UUID made of our id of the page, the same at each attempt: where Slack heeds it, a message that
 * is sent twice is posted once. */
static const char *slack_message_uuid(struct arena *arena, const char *message_id)
{
	static const char key[] = "a message of Slack";
	unsigned char mac[HMAC_SHA256_BYTES] = { 0 };

	hmac_sha256(key, strlen(key), message_id, strlen(message_id), mac);
	mac[6] = (mac[6] & 0x0f) | 0x40;
	mac[8] = (mac[8] & 0x3f) | 0x80;
	return arena_printf(arena,
			    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
			    mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], mac[6], mac[7], mac[8],
			    mac[9], mac[10], mac[11], mac[12], mac[13], mac[14], mac[15]);
}

/* What chat.postMessage gets beside the words. */
static void slack_add_posting(struct arena *arena, const struct page *page, const char *message_id,
			      struct buf *body)
{
	buf_json_text(body, "client_msg_id", slack_message_uuid(arena, message_id));
	/* Other apps of the workspace can find and count the incidents' messages by it. */
	buf_json_key(body, "metadata");
	buf_putc(body, '{');
	buf_json_text(body, "event_type", "tracepager_page");
	buf_json_key(body, "event_payload");
	buf_putc(body, '{');
	buf_json_text(body, "incident", page->incident);
	buf_json_text(body, "key", page->dedup_key);
	buf_json_text(body, "event", page_event_name(page->event));
	buf_puts(body, "}}");
	/* No pictures and cards of what the links lead to. */
	buf_json_key(body, "unfurl_links");
	buf_puts(body, "false");
	buf_json_key(body, "unfurl_media");
	buf_puts(body, "false");
}

/* The body is taken: it is finished. */
static int slack_call(struct arena *arena, const struct page_target *target, const char *method,
		      struct buf *body, struct delivery *ret_delivery, struct err *err)
{
	const char *url = pager_url(arena, target, arena_printf(arena, "/%s", method));
	int error = pager_deliver_json(arena, target, url, "Bearer", body, ret_delivery, err);

	for (size_t i = 0; error == 0 && i < ret_delivery->request.nheaders; i++)
		if (strcmp(ret_delivery->request.headers[i].name, "Content-Type") == 0)
			ret_delivery->request.headers[i].value = "application/json; charset=utf-8";
	return error;
}

/* A message of its own. */
static int slack_post(struct arena *arena, const struct slack_message *message,
		      const char *message_id, struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);

	buf_putc(&body, '{');
	buf_json_text(&body, "channel", message->target->texts[PAGER_TO]);
	slack_add_message(arena, message, &body);
	slack_add_posting(arena, message->page, message_id, &body);
	buf_putc(&body, '}');
	return slack_call(arena, message->target, "chat.postMessage", &body, ret_delivery, err);
}

static int slack_change(struct arena *arena, const struct slack_message *message,
			const struct slack_place *place, struct delivery *ret_delivery,
			struct err *err)
{
	const struct slack_message current = { message->page, message->target, true };
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);

	buf_putc(&body, '{');
	buf_json_text(&body, "channel", place->channel);
	buf_json_text(&body, "ts", place->ts);
	slack_add_message(arena, &current, &body);
	buf_putc(&body, '}');
	return slack_call(arena, message->target, "chat.update", &body, ret_delivery, err);
}

/* Is it also shown in the channel? Not who has it: the message itself says so. */
static bool slack_is_for_all(const struct page *page)
{
	return page->at_once && !page->act && page->event != PAGE_RESOLVE;
}

static int slack_reply(struct arena *arena, const struct slack_message *message,
		       const struct slack_place *place, const char *message_id,
		       struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);

	buf_putc(&body, '{');
	buf_json_text(&body, "channel", place->channel);
	buf_json_text(&body, "thread_ts", place->ts);
	slack_add_reply(arena, message->page, &body);
	if (slack_is_for_all(message->page)) {
		buf_json_key(&body, "reply_broadcast");
		buf_puts(&body, "true");
	}
	slack_add_posting(arena, message->page, message_id, &body);
	buf_putc(&body, '}');
	return slack_call(arena, message->target, "chat.postMessage", &body, ret_delivery, err);
}

static int slack_build_bot(struct arena *arena, const struct slack_message *message,
			   const char *message_id, struct delivery *ret_delivery, struct err *err)
{
	struct delivery *second = arena_alloc(arena, sizeof(*second));
	struct slack_place place;

	if (!message->target->url || !message->target->key)
		return err_set(err, EINVAL, "pager %s has no token", message->target->pager);
	if (message->page->event == PAGE_TRIGGER ||
	    !slack_remembered(arena, message->target->memory, &place))
		return slack_post(arena, message, message_id, ret_delivery, err);
	int error = slack_reply(arena, message, &place, message_id, second, err);
	if (error == 0)
		error = slack_change(arena, message, &place, ret_delivery, err);
	if (error == 0)
		ret_delivery->follow_up = &second->request;
	return error;
}

static int slack_build(struct arena *arena, const struct page *page,
		       const struct page_target *target, const char *message_id, int64_t wall_us,
		       struct delivery *ret_delivery, struct err *err)
{
	const struct slack_message message = { page, target, false };
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);

	(void)wall_us;
	if (target->texts[PAGER_TO])
		return slack_build_bot(arena, &message, message_id, ret_delivery, err);
	buf_putc(&body, '{');
	slack_add_message(arena, &message, &body);
	buf_putc(&body, '}');
	return pager_deliver_hook(arena, target, &body, ret_delivery, err);
}

/* ---- replies of the Web API ---- */

enum slack_outcome {
	SLACK_RETRY,
	SLACK_REJECTED,
	SLACK_GONE,	 /* the message that was to be changed: the page becomes one of its own */
	SLACK_DELIVERED, /* it was posted before */
};

#define CURE_TOKEN                                                                                 \
	"take the bot token (xoxb-…) from OAuth & Permissions of the app, and write it to the "  \
	"pager's token_file"
#define CURE_LONG "shorten the rules' templates summary and details"
#define CURE_ADMIN                                                                                 \
	"a preference of the workspace or the channel keeps the bot from posting: ask an admin"

static const struct slack_error {
	const char *name;
	enum slack_outcome outcome;
	const char *cure; /* NULL: none */
} slack_errors[] = {
	{ "ratelimited", SLACK_RETRY, NULL },
	{ "rate_limited", SLACK_RETRY, NULL },
	{ "internal_error", SLACK_RETRY, NULL },
	{ "fatal_error", SLACK_RETRY, NULL },
	{ "service_unavailable", SLACK_RETRY, NULL },
	{ "request_timeout", SLACK_RETRY, NULL },
	{ "team_added_to_org", SLACK_RETRY, NULL },
	{ "message_not_found", SLACK_GONE, NULL },
	{ "cant_update_message", SLACK_GONE, NULL },
	{ "edit_window_closed", SLACK_GONE, NULL },
	{ "thread_not_found", SLACK_GONE, NULL },
	{ "duplicate_message_not_found", SLACK_DELIVERED, NULL },
	{ "invalid_auth", SLACK_REJECTED, CURE_TOKEN },
	{ "not_authed", SLACK_REJECTED, CURE_TOKEN },
	{ "account_inactive", SLACK_REJECTED, CURE_TOKEN },
	{ "token_revoked", SLACK_REJECTED, CURE_TOKEN },
	{ "token_expired", SLACK_REJECTED, CURE_TOKEN },
	{ "not_allowed_token_type", SLACK_REJECTED, CURE_TOKEN },
	{ "missing_scope", SLACK_REJECTED,
	  "give the bot the scope chat:write, and install the app to the workspace again" },
	{ "channel_not_found", SLACK_REJECTED,
	  "give the channel's id (C…), and invite the bot where the channel is private" },
	{ "not_in_channel", SLACK_REJECTED,
	  "invite the bot to the channel (/invite @NAME), or give it the scope "
	  "chat:write.public" },
	{ "is_archived", SLACK_REJECTED, "unarchive the channel, or give another one" },
	{ "msg_too_long", SLACK_REJECTED, CURE_LONG },
	{ "msg_blocks_too_long", SLACK_REJECTED, CURE_LONG },
	{ "restricted_action", SLACK_REJECTED, CURE_ADMIN },
	{ "restricted_action_read_only_channel", SLACK_REJECTED, CURE_ADMIN },
	{ "restricted_action_thread_locked", SLACK_REJECTED, CURE_ADMIN },
	{ "restricted_action_non_threadable_channel", SLACK_REJECTED, CURE_ADMIN },
};

/* The API's names of errors have no other characters: nothing that a stranger sends gets further.
 */
static const char *slack_error_name(const json_t *reply, char name[48])
{
	const char *error = json_string_value(json_object_get(reply, "error"));
	size_t n = 0;

	for (; error && *error && n < 47; error++)
		if (slack_is_of(error, 1, "abcdefghijklmnopqrstuvwxyz_0123456789"))
			name[n++] = *error;
	name[n] = '\0';
	return n ? name : "no reason";
}

static struct judgement slack_judge_error(const struct http_reply *reply, const json_t *root)
{
	struct judgement judgement = { .outcome = JUDGE_REJECTED, .retry_after_us = -1 };
	const struct slack_error *error = NULL;
	char buf[48];
	const char *name = slack_error_name(root, buf);

	for (size_t i = 0; i < ARRAY_LEN(slack_errors) && !error; i++)
		if (strcmp(name, slack_errors[i].name) == 0)
			error = &slack_errors[i];
	if (error && error->outcome == SLACK_DELIVERED) {
		judgement.outcome = JUDGE_DELIVERED;
		return judgement;
	}
	snprintf(judgement.text, sizeof(judgement.text), "Slack says %s%s%s", name,
		 error && error->cure ? ": " : "", error && error->cure ? error->cure : "");
	if (!error || error->outcome == SLACK_REJECTED)
		return judgement;
	judgement.outcome = JUDGE_RETRY;
	if (error->outcome == SLACK_GONE) {
		judgement.remembers = true;
		judgement.retry_after_us = 0;
	} else {
		judgement.retry_after_us = reply->retry_after_us < LIMIT_PAGER_RETRY_AFTER_US
						   ? reply->retry_after_us
						   : LIMIT_PAGER_RETRY_AFTER_US;
	}
	return judgement;
}

/* A webhook answers in plain text, the Web API with an object of JSON. */
static bool slack_is_of_api(const struct http_reply *reply)
{
	const char *type = reply->content_type ? reply->content_type : "";

	return strncasecmp(type, "application/json", strlen("application/json")) == 0 ||
	       (reply->body && reply->body[strspn(reply->body, " \t\r\n")] == '{');
}

static struct judgement slack_judge(const struct http_reply *reply)
{
	struct judgement judgement = judge_by_status(reply);

	if (judgement.outcome != JUDGE_DELIVERED || !slack_is_of_api(reply))
		return judgement.outcome == JUDGE_DELIVERED ? pager_judge_ok(reply) : judgement;
	json_t *root =
		reply->body && !reply->error ? json_loadb(reply->body, reply->len, 0, NULL) : NULL;
	if (!json_is_object(root)) {
		/* 200 is what the Web API says to all: without the body nobody can tell. */
		judgement.outcome = JUDGE_RETRY;
		snprintf(judgement.text, sizeof(judgement.text),
			 "the reply of Slack's Web API cannot be read");
	} else if (json_is_true(json_object_get(root, "ok"))) {
		slack_remember(root, &judgement);
	} else {
		judgement = slack_judge_error(reply, root);
	}
	json_decref(root);
	return judgement;
}

/* auth.test of a bot: whose token it is. An incoming webhook tells nothing but to whoever posts. */
static int slack_dry(struct arena *arena, const struct page_target *target,
		     struct http_request *ret_request, bool *ret_proves, struct err *err)
{
	if (!target->texts[PAGER_TO])
		return err_set(err, ENOTSUP, "an incoming webhook tells nothing of itself");
	if (pager_needs(target, "token", NULL, err) < 0)
		return -EINVAL;
	*ret_proves = true;
	return pager_dry_get(arena, target, pager_url(arena, target, "/auth.test"), "Bearer",
			     ret_request, err);
}

const struct pager_kind pager_kind_SLACK = {
	.name = "slack",
	.knows_moved = true,
	.per_minute = 60, /* about one message a second and channel */
	.paced_host = "slack.com",
	.build = slack_build,
	.judge = slack_judge,
	.dry = slack_dry,
	.judge_dry = slack_judge,
	.feedback = slack_feedback,
};
