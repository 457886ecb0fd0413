/*
 * Pager kind slack: an incoming webhook with Block Kit. A webhook cannot change what it has posted,
 * so every event is a message of its own; the text beside the blocks is what a phone's
 * notification shows. The address is the secret. Slack may answer 200 and mean no: only the body
 * "ok" is a delivery.
 */
#include "pager_layout.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* What Slack takes, in characters. */
#define SLACK_HEADER	  150u
#define SLACK_SECTION	  3000u
#define SLACK_TEXT	  4000u
#define SLACK_BUTTON_TEXT 75u
#define SLACK_BUTTON_URL  3000u

/* These three characters begin and end all links and mentions: <!channel>, <@U1>, <url|text>. */
static bool slack_escape(struct buf *out, char c)
{
	if (!strchr("&<>", c))
		return false;
	return buf_puts(out, c == '&' ? "&amp;" : c == '<' ? "&lt;" : "&gt;");
}

/* A client may take @channel and its kin for mentions without any mark: a blank of no width behind
 * the @ keeps it from that. Bold and italics that a stranger writes do no harm. */
static void slack_add(struct buf *out, const char *text)
{
	static const char *const all[] = { "@channel", "@here", "@everyone" };

	for (; *text; text++) {
		if (slack_escape(out, *text))
			continue;
		buf_putc(out, *text == '`' ? '\'' : *text);
		for (size_t i = 0; i < ARRAY_LEN(all); i++)
			if (strncasecmp(text, all[i], strlen(all[i])) == 0)
				buf_puts(out, "\u200b");
	}
}

static void slack_add_code(struct buf *out, const char *text)
{
	for (; *text; text++)
		if (!slack_escape(out, *text))
			buf_putc(out, *text == '`' ? '\'' : *text);
}

static void slack_add_link(struct buf *out, const char *text, const char *href)
{
	buf_puts(out, "<");
	slack_add_code(out, href);
	buf_puts(out, "|");
	slack_add(out, text);
	buf_puts(out, ">");
}

static const struct pager_markup slack_markup = {
	.add = slack_add,
	.add_code = slack_add_code,
	.add_link = slack_add_link,
	.bold = "*",
	.bold_end = "*",
	.code = "```\n",
	.code_end = "```\n",
	.narrow = true,
};

/* A section of mrkdwn; nothing where the words are empty. */
static void slack_add_section(struct buf *out, struct buf *words)
{
	if (words->len) {
		buf_puts(out, ",{");
		buf_json_text(out, "type", "section");
		buf_json_key(out, "text");
		buf_putc(out, '{');
		buf_json_text(out, "type", "mrkdwn");
		buf_json_text(out, "text", buf_text(words));
		/* Slack makes no links and mentions of the text by itself. */
		buf_json_key(out, "verbatim");
		buf_puts(out, "true}}");
	}
	buf_reset(words);
}

/* Small grey words. */
static void slack_add_context(struct buf *out, struct buf *words)
{
	if (words->len) {
		buf_puts(out, ",{");
		buf_json_text(out, "type", "context");
		buf_json_key(out, "elements");
		buf_puts(out, "[{");
		buf_json_text(out, "type", "mrkdwn");
		buf_json_text(out, "text", buf_text(words));
		buf_json_key(out, "verbatim");
		buf_puts(out, "true}]}");
	}
	buf_reset(words);
}

static void slack_add_header(struct arena *arena, const struct page *page, struct buf *out)
{
	buf_putc(out, '{');
	buf_json_text(out, "type", "header");
	buf_json_key(out, "text");
	buf_putc(out, '{');
	buf_json_text(out, "type", "plain_text");
	buf_json_text(out, "text", pager_headline(arena, page, SLACK_HEADER));
	buf_json_key(out, "emoji");
	buf_puts(out, "false}}");
}

/* Links as buttons; the first, where a person acts, is marked. */
static void slack_add_buttons(struct arena *arena, const struct page *page, struct buf *out)
{
	struct page_link links[PAGER_LINKS];
	size_t n = pager_links(arena, page, links);

	if (n == 0)
		return;
	buf_puts(out, ",{");
	buf_json_text(out, "type", "actions");
	buf_json_key(out, "elements");
	buf_putc(out, '[');
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, i ? ",{" : "{");
		buf_json_text(out, "type", "button");
		buf_json_key(out, "text");
		buf_putc(out, '{');
		buf_json_text(out, "type", "plain_text");
		buf_json_text(out, "text",
			      pager_words(arena, links[i].text, SLACK_BUTTON_TEXT, true));
		buf_json_key(out, "emoji");
		buf_puts(out, "false}");
		buf_json_text(out, "url", links[i].href);
		buf_json_text(out, "action_id", arena_printf(arena, "link_%zu", i));
		if (strcmp(links[i].text, PAGE_ACT_TEXT) == 0)
			buf_json_text(out, "style", "primary");
		buf_putc(out, '}');
	}
	buf_puts(out, "]}");
}

static void slack_write_body(struct arena *arena, const struct page *page, struct buf *out)
{
	struct buf words = BUF_INIT(LIMIT_PAGE_BYTES);
	struct marked_text text = { arena, &words, &slack_markup, SLACK_TEXT };

	buf_putc(out, '{');
	marked_bold(&text, pager_headline(arena, page, LIMIT_SUMMARY_CHARS));
	buf_json_key(out, "text");
	buf_json_stringn(out, buf_text(&words), words.len ? words.len - 1 : 0);
	buf_reset(&words);
	buf_json_key(out, "blocks");
	buf_putc(out, '[');
	slack_add_header(arena, page, out);
	/* A headline that the header cuts stands in full below it. */
	text.room = SLACK_SECTION;
	if (strcmp(pager_headline(arena, page, SLACK_HEADER),
		   pager_headline(arena, page, LIMIT_SUMMARY_CHARS)) != 0)
		marked_bold(&text, pager_headline(arena, page, LIMIT_SUMMARY_CHARS));
	marked_facts(&text, page);
	slack_add_section(out, &words);
	slack_add_buttons(arena, page, out);
	text.room = SLACK_SECTION;
	marked_waterfall(&text, page);
	slack_add_section(out, &words);
	text.room = SLACK_SECTION;
	marked_words(&text, page);
	slack_add_section(out, &words);
	text.room = SLACK_SECTION;
	marked_last_facts(&text, page);
	slack_add_context(out, &words);
	buf_puts(out, "]}");
	buf_fini(&words);
}

static int slack_build(struct arena *arena, const struct page *page,
		       const struct page_target *target, const char *message_id, int64_t wall_us,
		       struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);

	(void)message_id;
	(void)wall_us;
	slack_write_body(arena, page, &body);
	return pager_deliver_hook(arena, target, &body, ret_delivery, err);
}

const struct pager_kind pager_kind_SLACK = {
	.name = "slack",
	.knows_moved = true,
	.per_minute = 60, /* about one message a second and channel */
	.paced_host = "slack.com",
	.build = slack_build,
	.judge = pager_judge_ok,
};
