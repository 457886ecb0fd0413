/*
 * The messages of Slack: see slack_blocks.h. Pure; owns nothing.
 */
#include "slack_blocks.h"

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

/* ---- parts of blocks ---- */

static void slack_add_plain(struct buf *out, const char *text)
{
	buf_putc(out, '{');
	buf_json_text(out, "type", "plain_text");
	buf_json_text(out, "text", text);
	buf_json_key(out, "emoji");
	buf_puts(out, "false}");
}

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

/* ---- what a message says ---- */

const char *slack_headline(struct arena *arena, const struct slack_message *message, size_t max)
{
	const struct page *page = message->page;
	struct page open = *page;

	if (!message->current || page->event == PAGE_RESOLVE)
		return pager_headline(arena, page, max);
	open.event = PAGE_TRIGGER;
	const char *headline = pager_headline(arena, &open, max);
	if (!page->acked_by || !*page->acked_by)
		return headline;
	return pager_words(arena, arena_printf(arena, "Acknowledged: %s", headline), max, true);
}

static bool has_fact(const struct pager_fact *facts, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(facts[i].name, name) == 0)
			return true;
	return false;
}

/* Of a message that is kept current: nothing that was news once, and when the incident is over
 * still what was found, for those who read it later. */
static void slack_add_current_facts(struct marked_text *text, const struct page *page)
{
	struct pager_fact facts[PAGER_FACTS], found[PAGER_FACTS];
	const bool over = page->event == PAGE_RESOLVE;
	struct page open = *page;

	open.event = PAGE_TRIGGER;
	open.note = NULL;
	if (over)
		open.banner = open.escalates = open.what_to_do = open.urgency = NULL;
	size_t n = over ? pager_facts(text->arena, page, facts) : 0,
	       nfound = pager_facts(text->arena, &open, found);
	for (size_t i = 0; i < n && text->room > 0; i++)
		marked_fact(text, &facts[i]);
	for (size_t i = 0; i < nfound && text->room > 0; i++)
		if (!has_fact(facts, n, found[i].name))
			marked_fact(text, &found[i]);
}

static void slack_add_header(struct arena *arena, const struct slack_message *message,
			     struct buf *out)
{
	buf_putc(out, '{');
	buf_json_text(out, "type", "header");
	buf_json_key(out, "text");
	slack_add_plain(out, slack_headline(arena, message, SLACK_HEADER));
	buf_putc(out, '}');
}

/* ---- buttons ---- */

/* confirm: what a person is asked before it counts; NULL: nothing. */
static const struct slack_button {
	enum act_kind act;
	const char *text, *style, *confirm;
} slack_buttons[] = {
	{ ACT_ACKNOWLEDGE, "Acknowledge", "primary", NULL },
	{ ACT_REROUTE, "Not ours", NULL, "The next team that may own this is paged instead." },
	{ ACT_RESOLVE, "Resolve", NULL,
	  "The incident ends for all. Alerts that still fire page nobody until they have ended "
	  "once." },
};

static void slack_add_confirm(struct buf *out, const struct slack_button *button)
{
	buf_json_key(out, "confirm");
	buf_putc(out, '{');
	buf_json_key(out, "title");
	slack_add_plain(out, button->text);
	buf_json_key(out, "text");
	slack_add_plain(out, button->confirm);
	buf_json_key(out, "confirm");
	slack_add_plain(out, "Yes");
	buf_json_key(out, "deny");
	slack_add_plain(out, "No");
	buf_putc(out, '}');
}

/* Buttons that act, whose value names the page and the pager that has it. */
static size_t slack_add_acts(struct arena *arena, const struct slack_message *message,
			     struct buf *out)
{
	const struct page *page = message->page;
	const char *value = arena_printf(arena, "%s %s", page->dedup_key, message->target->pager);
	size_t n = 0;

	if (!message->target->hears || page->event == PAGE_RESOLVE)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(slack_buttons); i++) {
		const struct slack_button *button = &slack_buttons[i];
		if (button->act == ACT_ACKNOWLEDGE && page->acked_by && *page->acked_by)
			continue;
		buf_puts(out, n++ ? ",{" : "{");
		buf_json_text(out, "type", "button");
		buf_json_key(out, "text");
		slack_add_plain(out, button->text);
		buf_json_text(out, "action_id", act_name(button->act));
		buf_json_text(out, "value", value);
		if (button->style)
			buf_json_text(out, "style", button->style);
		if (button->confirm)
			slack_add_confirm(out, button);
		buf_putc(out, '}');
	}
	return n;
}

/* Links as buttons; the first, where a person acts, is marked unless other buttons act. */
static void slack_add_links(struct arena *arena, const struct page *page, size_t before,
			    struct buf *out)
{
	struct page_link links[PAGER_LINKS];
	size_t n = pager_links(arena, page, links);

	for (size_t i = 0; i < n; i++) {
		buf_puts(out, i + before ? ",{" : "{");
		buf_json_text(out, "type", "button");
		buf_json_key(out, "text");
		slack_add_plain(out, pager_words(arena, links[i].text, SLACK_BUTTON_TEXT, true));
		buf_json_text(out, "url", links[i].href);
		buf_json_text(out, "action_id", arena_printf(arena, "link_%zu", i));
		if (!before && strcmp(links[i].text, PAGE_ACT_TEXT) == 0)
			buf_json_text(out, "style", "primary");
		buf_putc(out, '}');
	}
}

static void slack_add_buttons(struct arena *arena, const struct slack_message *message,
			      struct buf *out)
{
	struct buf buttons = BUF_INIT(LIMIT_PAGE_BYTES);
	size_t n = slack_add_acts(arena, message, &buttons);

	slack_add_links(arena, message->page, n, &buttons);
	if (buttons.len) {
		buf_puts(out, ",{");
		buf_json_text(out, "type", "actions");
		buf_json_key(out, "elements");
		buf_puts(out, "[");
		buf_puts(out, buf_text(&buttons));
		buf_puts(out, "]}");
	}
	buf_fini(&buttons);
}

/* ---- messages ---- */

static void slack_add_blocks(struct arena *arena, const struct slack_message *message,
			     struct buf *out)
{
	struct buf words = BUF_INIT(LIMIT_PAGE_BYTES);
	struct marked_text text = { arena, &words, &slack_markup, SLACK_SECTION };
	struct page page = *message->page;
	const char *headline = slack_headline(arena, message, LIMIT_SUMMARY_CHARS);

	slack_add_header(arena, message, out);
	/* A headline that the header cuts stands in full below it. */
	if (strcmp(slack_headline(arena, message, SLACK_HEADER), headline) != 0)
		marked_bold(&text, headline);
	if (message->current)
		slack_add_current_facts(&text, &page);
	else
		marked_facts(&text, &page);
	slack_add_section(out, &words);
	slack_add_buttons(arena, message, out);
	/* What was found stays in a message that is kept current. */
	if (message->current)
		page.event = PAGE_TRIGGER;
	text.room = SLACK_SECTION;
	marked_waterfall(&text, &page);
	slack_add_section(out, &words);
	text.room = SLACK_SECTION;
	marked_words(&text, &page);
	slack_add_section(out, &words);
	text.room = SLACK_SECTION;
	marked_last_facts(&text, &page);
	slack_add_context(out, &words);
	buf_fini(&words);
}

void slack_add_message(struct arena *arena, const struct slack_message *message, struct buf *out)
{
	struct buf words = BUF_INIT(LIMIT_PAGE_BYTES);
	struct marked_text text = { arena, &words, &slack_markup, SLACK_TEXT };

	marked_bold(&text, slack_headline(arena, message, LIMIT_SUMMARY_CHARS));
	buf_json_key(out, "text");
	buf_json_stringn(out, buf_text(&words), words.len ? words.len - 1 : 0);
	buf_json_key(out, "blocks");
	buf_putc(out, '[');
	slack_add_blocks(arena, message, out);
	buf_putc(out, ']');
	buf_fini(&words);
}

void slack_add_reply(struct arena *arena, const struct page *page, struct buf *out)
{
	static const char *const news[] = { "What is new", "Now with", "Alerts", "Who has it",
					    "Unless somebody takes it" };
	struct buf words = BUF_INIT(LIMIT_PAGE_BYTES);
	struct marked_text text = { arena, &words, &slack_markup, SLACK_TEXT };
	struct pager_fact facts[PAGER_FACTS];
	size_t n = pager_facts(arena, page, facts);

	marked_bold(&text, pager_headline(arena, page, LIMIT_SUMMARY_CHARS));
	for (size_t i = 0; i < ARRAY_LEN(news); i++)
		for (size_t j = 0; j < n; j++)
			if (strcmp(facts[j].name, news[i]) == 0)
				marked_fact(&text, &facts[j]);
	buf_json_key(out, "text");
	buf_json_stringn(out, buf_text(&words), words.len ? words.len - 1 : 0);
	buf_fini(&words);
}
