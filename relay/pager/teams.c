/*
 * Pager kind teams: an adaptive card for a workflow of Microsoft Teams ("When a Teams webhook
 * request is received"). Every event is a card of its own. Texts are runs of a RichTextBlock,
 * which is never Markdown, so that no text of strangers is markup. A card above 28 KB would fail
 * inside the workflow after it was accepted: the words go first, then the waterfall, then the ends
 * of facts.
 */
#include "pager_layout.h"

#include <errno.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"

#define TEAMS_BYTES	 (28u << 10)
#define TEAMS_TITLE	 80u
#define TEAMS_WORDS	 4000u
#define TEAMS_SHORT_FACT 150u

enum teams_trim {
	TEAMS_WHOLE,
	TEAMS_NO_WORDS,
	TEAMS_NO_WATERFALL,
	TEAMS_SHORT,
	TEAMS_TRIM_END,
};

static void teams_add_run(struct buf *out, const char *text, const char *more)
{
	buf_puts(out, "{\"type\":\"TextRun\"");
	buf_json_key(out, "text");
	buf_json_string(out, text);
	buf_puts(out, more);
	buf_putc(out, '}');
}

static void teams_add_headline(struct arena *arena, const struct page *page, struct buf *out)
{
	const char *colour = pager_moved(page)			  ? "Accent"
			     : page->event == PAGE_RESOLVE	  ? "Good"
			     : page->severity >= SEVERITY_ERROR	  ? "Attention"
			     : page->severity == SEVERITY_WARNING ? "Warning"
								  : "Accent";

	buf_puts(out, "{\"type\":\"RichTextBlock\",\"inlines\":[");
	teams_add_run(out, pager_headline(arena, page, LIMIT_SUMMARY_CHARS),
		      arena_printf(arena,
				   ",\"weight\":\"Bolder\",\"size\":\"Medium\",\"color\":\"%s\"",
				   colour));
	buf_puts(out, "]}");
}

static void teams_add_facts(struct arena *arena, const struct page *page, enum teams_trim trim,
			    bool last, struct buf *out)
{
	struct pager_fact facts[PAGER_FACTS];
	size_t n = last ? pager_last_facts(arena, page, facts) : pager_facts(arena, page, facts);

	for (size_t i = 0; i < n; i++) {
		const char *text = trim < TEAMS_SHORT ? facts[i].text
						      : pager_words(arena, facts[i].text,
								    TEAMS_SHORT_FACT, true);
		buf_puts(out, ",{\"type\":\"RichTextBlock\"");
		buf_puts(out, last && i == 0 ? "" : ",\"spacing\":\"None\"");
		buf_puts(out, ",\"inlines\":[");
		teams_add_run(out, arena_printf(arena, "%s: ", facts[i].name),
			      ",\"weight\":\"Bolder\"");
		buf_putc(out, ',');
		teams_add_run(out, text, "");
		buf_puts(out, "]}");
	}
}

/* A renderer may make one blank of several, which a blank that breaks no line is not. */
static const char *teams_fixed(struct arena *arena, const char *lines)
{
	struct buf out = BUF_INIT(TEAMS_BYTES);

	for (; *lines; lines++) {
		if (*lines == ' ')
			buf_puts(&out, "\u00a0");
		else
			buf_putc(&out, *lines);
	}
	const char *kept = arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return kept;
}

/* A client that knows no CodeBlock, a phone most often, shows narrower lines in a font of one
 * width. */
static void teams_add_waterfall(struct arena *arena, const struct page *page, struct buf *out)
{
	const char *lines = pager_words(arena, page->waterfall, TEAMS_WORDS, false);

	if (!*lines)
		return;
	buf_puts(out, ",{\"type\":\"CodeBlock\",\"language\":\"PlainText\"");
	buf_json_text(out, "codeSnippet", lines);
	buf_json_key(out, "fallback");
	buf_puts(out, "{\"type\":\"RichTextBlock\",\"inlines\":[");
	teams_add_run(out, teams_fixed(arena, pager_waterfall(arena, lines, PAGER_PHONE_COLUMNS)),
		      ",\"fontType\":\"Monospace\",\"size\":\"Small\"");
	buf_puts(out, "]}}");
}

static void teams_add_words(struct arena *arena, const char *heading, const char *words,
			    struct buf *out)
{
	words = pager_words(arena, words, TEAMS_WORDS, false);
	if (!*words)
		return;
	buf_puts(out, ",{\"type\":\"RichTextBlock\",\"inlines\":[");
	if (*heading) {
		teams_add_run(out, arena_printf(arena, "%s\n", heading), ",\"weight\":\"Bolder\"");
		buf_putc(out, ',');
	}
	teams_add_run(out, words, "");
	buf_puts(out, "]}");
}

static void teams_add_action(struct arena *arena, const struct page_link *link, bool acts,
			     struct buf *out)
{
	buf_putc(out, '{');
	buf_json_text(out, "type", "Action.OpenUrl");
	buf_json_text(out, "title", pager_words(arena, link->text, TEAMS_TITLE, true));
	buf_json_text(out, "url", link->href);
	if (acts)
		buf_json_text(out, "style", "positive");
	buf_putc(out, '}');
}

/* Above the waterfall, so that what to do is seen without scrolling. A row that is too wide is
 * cut off on a phone: the link to act, which has a long name, stands alone, others by threes. */
static void teams_add_actions(struct arena *arena, const struct page *page, struct buf *out)
{
	struct page_link links[PAGER_LINKS];
	size_t n = pager_links(arena, page, links), acts = pager_acts(page, links, n);

	for (size_t i = 0, row = acts ? 1 : 3; i < n; row = 3) {
		buf_puts(out, ",{\"type\":\"ActionSet\",\"actions\":[");
		for (size_t end = i + row; i < n && i < end; i++) {
			buf_puts(out, i + row > end ? "," : "");
			teams_add_action(arena, &links[i], i < acts, out);
		}
		buf_puts(out, "]}");
	}
}

static void teams_write_body(struct arena *arena, const struct page *page, enum teams_trim trim,
			     struct buf *out)
{
	const bool over = page->event == PAGE_RESOLVE;

	buf_reset(out);
	buf_puts(out, "{\"type\":\"message\",\"attachments\":[{\"contentType\":"
		      "\"application/vnd.microsoft.card.adaptive\",\"contentUrl\":null,\"content\":"
		      "{\"$schema\":\"http://adaptivecards.io/schemas/adaptive-card.json\","
		      "\"type\":\"AdaptiveCard\",\"version\":\"1.5\","
		      "\"msteams\":{\"width\":\"full\"},\"body\":[");
	teams_add_headline(arena, page, out);
	teams_add_facts(arena, page, trim, false, out);
	teams_add_actions(arena, page, out);
	if (!over && !page_has_sections(page) && trim < TEAMS_NO_WATERFALL)
		teams_add_words(arena, "", page->details, out);
	if (!over && page_has_sections(page)) {
		if (trim < TEAMS_NO_WATERFALL)
			teams_add_waterfall(arena, page, out);
		if (trim < TEAMS_NO_WORDS) {
			teams_add_words(arena, "The alert says", page->alert_says, out);
			teams_add_words(arena, "What the traces say", page->reasons, out);
		}
	}
	teams_add_facts(arena, page, trim, true, out);
	buf_puts(out, "]}}]}");
}

static int teams_build(struct arena *arena, const struct page *page,
		       const struct page_target *target, const char *message_id, int64_t wall_us,
		       struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(TEAMS_BYTES);

	(void)message_id;
	(void)wall_us;
	for (enum teams_trim trim = TEAMS_WHOLE; trim < TEAMS_TRIM_END; trim++) {
		teams_write_body(arena, page, trim, &body);
		if (!body.failed)
			break;
	}
	return pager_deliver_hook(arena, target, &body, ret_delivery, err);
}

/* An address of the older connectors answers 200 with words where Teams has refused the card. */
static struct judgement teams_judge(const struct http_reply *reply)
{
	struct judgement judgement = judge_by_status(reply);

	if (judgement.outcome == JUDGE_DELIVERED && reply->body && !reply->error &&
	    strstr(reply->body, "delivery failed"))
		return pager_refused(reply, reply->body);
	return judgement;
}

const struct pager_kind pager_kind_TEAMS = {
	.name = "teams",
	.knows_moved = true,
	.build = teams_build,
	.judge = teams_judge,
};
