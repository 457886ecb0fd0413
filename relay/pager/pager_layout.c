/*
 * Pager layout: see pager_layout.h. Pure; owns nothing.
 */
#include "pager_layout.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tracepager/cells.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"

/* Of a fact before the markup: no service shows more of one line. */
#define FACT_UNITS 2000u
/* The bytes of a headline that a title shows behind "[critical] ": titles have 250 characters. */
#define HEADLINE_SHOWN 200

/* ---- lengths ---- */

/* A character of 4 bytes has two units. */
static size_t units_in(const char *text, size_t len)
{
	size_t units = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		units += c >= 0xf0 ? 2 : (c & 0xc0) != 0x80 ? 1 : 0;
	}
	return units;
}

/* *ret_last: where the last of its characters begins. */
static size_t units_cut(const char *text, size_t max, size_t *ret_last)
{
	const size_t len = strlen(text);
	size_t i = 0, units = 0;

	*ret_last = 0;
	while (i < len) {
		size_t n = cells_cluster(text + i, len - i);
		units += units_in(text + i, n);
		if (units > max)
			break;
		*ret_last = i;
		i += n;
	}
	return i;
}

size_t pager_units(const char *text, size_t max)
{
	size_t last;

	return units_cut(text, max, &last);
}

static size_t units_of(const char *text)
{
	return units_in(text, strlen(text));
}

const char *pager_words(struct arena *arena, const char *text, size_t max, bool one_line)
{
	size_t len = text ? strlen(text) : 0, kept = len;

	if (len == 0 || max == 0)
		return "";
	if (kept / 4 > max)
		kept = utf8_cut(text, len, 4 * max + 4);
	const char *words = plain_words(arena, arena_strndup(arena, text, kept), one_line);
	size_t last, cut;
	if (kept == len && !words[pager_units(words, max)])
		return words;
	cut = units_cut(words, max - 1, &last);
	/* The text goes on, perhaps with a mark of its last character. */
	if (!words[cut] && kept < len)
		cut = last;
	return arena_printf(arena, "%.*s…", (int)cut, words);
}

void pager_add_words(struct arena *arena, struct buf *out, const char *key, const char *text,
		     size_t max)
{
	pager_add_text(out, key, pager_words(arena, text, max, true));
}

#define SHORT_UNITS 300u

struct page pager_shortened(struct arena *arena, const struct page *page)
{
	static const size_t facts[] = {
		offsetof(struct page, summary),	    offsetof(struct page, component),
		offsetof(struct page, origin),	    offsetof(struct page, group),
		offsetof(struct page, kind),	    offsetof(struct page, note),
		offsetof(struct page, environment), offsetof(struct page, instance),
		offsetof(struct page, labels),	    offsetof(struct page, banner),
		offsetof(struct page, why),	    offsetof(struct page, evidence),
		offsetof(struct page, limits),	    offsetof(struct page, path),
		offsetof(struct page, could_be),    offsetof(struct page, what_differs),
		offsetof(struct page, differs),	    offsetof(struct page, what_to_do),
		offsetof(struct page, also_paged),  offsetof(struct page, acked_by),
		offsetof(struct page, escalates),   offsetof(struct page, moved_to_team),
		offsetof(struct page, burn),
	};
	struct page cut = *page;

	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		const char **fact = (const char **)(void *)((char *)&cut + facts[i]);
		if (*fact)
			*fact = pager_words(arena, *fact, SHORT_UNITS, true);
	}
	cut.waterfall = cut.reasons = cut.alert_says = cut.alert_list = cut.decision = NULL;
	cut.details = "";
	cut.nalerts = 0;
	cut.act_href = NULL;
	cut.nlinks = 0;
	struct page_link links[PAGER_LINKS];
	const size_t n = pager_links(arena, page, links), acts = pager_acts(page, links, n);
	if (acts)
		cut.act_href = links[0].href;
	for (size_t i = acts; i < n && cut.nlinks < LIMIT_PAGE_LINKS; i++)
		cut.links[cut.nlinks++] = links[i];
	return cut;
}

/* ---- facts ---- */

static void layout_fact(struct arena *arena, struct pager_fact *facts, size_t *n, const char *name,
			const char *text)
{
	if (!text || !*text || *n >= PAGER_FACTS)
		return;
	text = pager_words(arena, text, FACT_UNITS, true);
	if (*text)
		facts[(*n)++] = (struct pager_fact){ name, text };
}

/* "2026-09-01T09:58:00Z, 2 min 02 s before this page" */
static const char *layout_since(struct arena *arena, const struct page *page)
{
	char at[RFC3339_SIZE], age[PLAIN_DURATION_SIZE];
	bool over = page->event == PAGE_RESOLVE && !pager_moved(page);

	if (!page->since_us)
		return NULL;
	rfc3339_format(page->since_us / US_PER_SECOND * US_PER_SECOND, at);
	if (page->at_us < page->since_us + US_PER_SECOND)
		return arena_strdup(arena, at);
	return arena_printf(arena, over ? "%s, for %s" : "%s, %s before this page", at,
			    plain_duration(page->at_us - page->since_us, age));
}

/* What a page that is not over says beside what every page says. */
static void add_open_facts(struct arena *arena, const struct page *page, struct pager_fact *facts,
			   size_t *n)
{
	layout_fact(arena, facts, n, "Doubts", page->limits);
	layout_fact(arena, facts, n, "Also paged", page->also_paged);
	layout_fact(arena, facts, n, "Path", page->path);
	layout_fact(arena, facts, n,
		    page->component && *page->component ? "Or perhaps" : "Could be",
		    page->could_be);
	layout_fact(arena, facts, n, "What differs", page->what_differs);
	layout_fact(arena, facts, n, "Burn rate", page->burn);
	layout_fact(arena, facts, n, "Alerts", page->differs);
	layout_fact(arena, facts, n, "What to do", page->what_to_do);
	layout_fact(arena, facts, n, "Who has it", page->acked_by);
	layout_fact(arena, facts, n, "Unless somebody takes it", page->escalates);
	layout_fact(arena, facts, n, "Urgency", page->urgency);
}

/* Does the headline say the environment where every service shows it? */
static bool headline_has_environment(const struct page *page)
{
	const char *environment = page->environment ? page->environment : "";
	const char *found =
		*environment && page->summary ? strstr(page->summary, environment) : NULL;

	return found && found + strlen(environment) <= page->summary + HEADLINE_SHOWN;
}

/* The team that has a moved incident, unless the note names it. */
static const char *layout_new_team(const struct page *page)
{
	const char *team = pager_moved(page) ? page->moved_to_team : NULL;

	return team && page->note && strstr(page->note, team) ? NULL : team;
}

size_t pager_facts(struct arena *arena, const struct page *page,
		   struct pager_fact facts[PAGER_FACTS])
{
	const bool over = page->event == PAGE_RESOLVE;
	size_t n = 0;

	layout_fact(arena, facts, &n, "What is new", page->note);
	if (over)
		layout_fact(arena, facts, &n, "Now with", layout_new_team(page));
	else
		layout_fact(arena, facts, &n, "Mind", page->banner);
	if (page->event != PAGE_TRIGGER)
		layout_fact(arena, facts, &n, "Severity", severity_name(page->severity));
	layout_fact(arena, facts, &n, "Since", layout_since(arena, page));
	if (!headline_has_environment(page))
		layout_fact(arena, facts, &n, "Environment", page->environment);
	layout_fact(arena, facts, &n, "Instance", page->instance);
	if (over || !page->why || !*page->why)
		layout_fact(arena, facts, &n, "Team", page->group);
	else
		layout_fact(arena, facts, &n, "Why you", page->why);
	if (!over) {
		layout_fact(arena, facts, &n, "How sure", page->evidence);
		add_open_facts(arena, page, facts, &n);
	}
	return n;
}

size_t pager_last_facts(struct arena *arena, const struct page *page,
			struct pager_fact facts[PAGER_FACTS])
{
	size_t n = 0;

	if (page->event != PAGE_RESOLVE)
		layout_fact(arena, facts, &n, "Labels", page->labels);
	layout_fact(arena, facts, &n, "Incident", page->incident);
	return n;
}

const char *pager_headline(struct arena *arena, const struct page *page, size_t max)
{
	const char *summary = page->summary && *page->summary ? page->summary : page->incident;
	const char *head = pager_moved(page) ? page->moved_to ? "Moved: " : "Handed on: "
			   : page->event == PAGE_RESOLVE ? "Resolved: "
			   : page->event != PAGE_TRIGGER ? "Update: "
							 : NULL;

	if (!head)
		head = arena_printf(arena, "[%s] ", severity_name(page->severity));
	summary = pager_words(arena, summary, max, true);
	return pager_words(arena, arena_printf(arena, "%s%s", head, summary), max, true);
}

bool pager_tells_ack(const struct page *page)
{
	return page->event != PAGE_RESOLVE && page->act && strcmp(page->act, "acknowledge") == 0;
}

/* ---- links ---- */

/* The address, harmless in every markup; NULL: not one of http or https, or too long. */
static const char *safe_href(struct arena *arena, const char *href)
{
	BUF_LOCAL(out, LIMIT_HREF_BYTES);
	const char *kept = NULL;

	if (!href ||
	    (strncasecmp(href, "https://", 8) != 0 && strncasecmp(href, "http://", 7) != 0))
		return NULL;
	for (; *href; href++) {
		unsigned char c = (unsigned char)*href;
		if (c <= ' ' || c == 0x7f || c >= 0x80 || strchr("\"'<>|\\^`{}()[]*_~", c))
			buf_printf(&out, "%%%02X", c);
		else
			buf_putc(&out, (char)c);
	}
	if (!out.failed)
		kept = arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return kept;
}

static void layout_link(struct arena *arena, const char *text, const char *href,
			struct page_link *links, size_t *n)
{
	href = safe_href(arena, href);
	text = pager_words(arena, text, LIMIT_PAGE_NAME_COLUMNS, true);
	if (href)
		links[(*n)++] = (struct page_link){ *text ? text : "Link", href };
}

size_t pager_links(struct arena *arena, const struct page *page,
		   struct page_link links[PAGER_LINKS])
{
	size_t n = 0;

	if (page->event != PAGE_RESOLVE && page->act_href && *page->act_href)
		layout_link(arena, PAGE_ACT_TEXT, page->act_href, links, &n);
	for (size_t i = 0; i < page->nlinks; i++)
		layout_link(arena, page->links[i].text, page->links[i].href, links, &n);
	return n;
}

/* ---- text with markup ---- */

static size_t marked_length(const struct marked_text *text, const char *words)
{
	return text->markup->bytes ? strlen(words) : units_of(words);
}

/* Add a line if it fits. */
static bool marked_add(struct marked_text *text, const char *line)
{
	size_t length = marked_length(text, line);

	if (length > text->room)
		return false;
	text->room -= length;
	buf_puts(text->out, line);
	return true;
}

/* One line of a name in bold (may be "") and words, of which at most `max` units stay. */
static const char *marked_line(const struct marked_text *text, const struct pager_fact *fact,
			       size_t max, bool bold)
{
	const struct pager_markup *markup = text->markup;
	struct buf line = BUF_INIT(LIMIT_PAGE_BYTES);

	if (*fact->name) {
		buf_puts(&line, markup->bold);
		markup->add(&line, fact->name);
		buf_puts(&line, ":");
		buf_puts(&line, markup->bold_end);
		buf_puts(&line, " ");
	}
	buf_puts(&line, bold ? markup->bold : "");
	markup->add(&line, pager_words(text->arena, fact->text, max, true));
	buf_puts(&line, bold ? markup->bold_end : "");
	buf_puts(&line, "\n");
	const char *kept = arena_strdup(text->arena, buf_text(&line));
	buf_fini(&line);
	return kept;
}

/* The longest cut of the words that fits: markup may double a character or make it six. */
static void marked_add_cut(struct marked_text *text, const struct pager_fact *fact, bool bold)
{
	size_t least = 0, most = units_of(fact->text);

	if (marked_add(text, marked_line(text, fact, most + 1, bold)))
		return;
	while (least + 1 < most) {
		size_t middle = (least + most) / 2;
		if (marked_length(text, marked_line(text, fact, middle, bold)) <= text->room)
			least = middle;
		else
			most = middle;
	}
	/* Less than a word of a fact tells nothing. */
	if (least >= 8)
		marked_add(text, marked_line(text, fact, least, bold));
	else
		text->room = 0;
}

void marked_bold(struct marked_text *text, const char *words)
{
	marked_add_cut(text, &(struct pager_fact){ "", words }, true);
}

void marked_fact(struct marked_text *text, const struct pager_fact *fact)
{
	marked_add_cut(text, fact, false);
}

/* Below this room a heading would stand alone. */
#define LINES_LEAST 60u

/* Each line of a text of many lines; an empty heading is none. */
static void marked_add_lines(struct marked_text *text, const char *heading, const char *lines)
{
	if (!lines || !*lines)
		return;
	lines = pager_words(text->arena, lines, 2 * text->room + 1, false);
	if (*heading && text->room < LINES_LEAST)
		return;
	if (*heading && text->markup->one_font)
		marked_add(text, arena_printf(text->arena, "\n%s:\n", heading));
	else if (*heading)
		marked_bold(text, heading);
	while (*lines && text->room > 0) {
		size_t len = strcspn(lines, "\n");
		const char *line = arena_strndup(text->arena, lines, len);
		if (len > 0)
			marked_add_cut(text, &(struct pager_fact){ "", line }, false);
		lines += len + (lines[len] == '\n');
	}
}

void marked_facts(struct marked_text *text, const struct page *page)
{
	struct pager_fact facts[PAGER_FACTS];
	size_t n = pager_facts(text->arena, page, facts);

	for (size_t i = 0; i < n && text->room > 0; i++)
		marked_fact(text, &facts[i]);
	if (page->event != PAGE_RESOLVE && !page_has_sections(page))
		marked_add_lines(text, "", page->details);
}

void marked_last_facts(struct marked_text *text, const struct page *page)
{
	struct pager_fact facts[PAGER_FACTS];
	size_t n = pager_last_facts(text->arena, page, facts);

	for (size_t i = 0; i < n && text->room > 0; i++)
		marked_fact(text, &facts[i]);
}

void marked_waterfall(struct marked_text *text, const struct page *page)
{
	const struct pager_markup *markup = text->markup;
	struct buf block = BUF_INIT(LIMIT_PAGE_BYTES);
	size_t lines_added = 0, frame, used;

	if (page->event == PAGE_RESOLVE || !page_has_sections(page) || !page->waterfall ||
	    !*page->waterfall)
		return;
	const char *lines = pager_words(text->arena, page->waterfall, 2 * text->room + 1, false);
	if (markup->one_font || markup->narrow)
		lines = pager_waterfall(text->arena, lines,
					markup->one_font ? 0 : PAGER_PHONE_COLUMNS);
	frame = marked_length(text, markup->code) + marked_length(text, markup->code_end) +
		marked_length(text, "…\n");
	used = frame;
	buf_puts(&block, markup->code);
	while (*lines) {
		struct buf line = BUF_INIT(LIMIT_PAGE_BYTES);
		size_t len = strcspn(lines, "\n");
		markup->add_code(&line, arena_strndup(text->arena, lines, len));
		buf_putc(&line, '\n');
		used += marked_length(text, buf_text(&line));
		if (used > text->room) {
			buf_puts(&block, "…\n");
			buf_fini(&line);
			break;
		}
		buf_puts(&block, buf_text(&line));
		buf_fini(&line);
		lines_added++;
		lines += len + (lines[len] == '\n');
	}
	buf_puts(&block, markup->code_end);
	/* The first line is a heading. */
	if (lines_added >= 2)
		marked_add(text, buf_text(&block));
	buf_fini(&block);
}

void marked_words(struct marked_text *text, const struct page *page)
{
	if (page->event == PAGE_RESOLVE || !page_has_sections(page))
		return;
	marked_add_lines(text, "The alert says", page->alert_says);
	marked_add_lines(text, "What the traces say", page->reasons);
}

/* Links that do not fit are left out; those behind them may. */
void marked_links(struct marked_text *text, const struct page_link *links, size_t from, size_t to)
{
	const char *between = text->markup->between;
	struct buf line = BUF_INIT(LIMIT_PAGE_BYTES);

	for (size_t i = from; i < to; i++) {
		const size_t len = line.len;
		buf_puts(&line, len ? between : "");
		text->markup->add_link(&line, links[i].text, links[i].href);
		if (between && marked_length(text, buf_text(&line)) < text->room)
			continue;
		if (!between) {
			buf_putc(&line, '\n');
			marked_add(text, buf_text(&line));
		}
		line.len = len;
	}
	if (line.len) {
		buf_putc(&line, '\n');
		marked_add(text, buf_text(&line));
	}
	buf_fini(&line);
}

size_t pager_acts(const struct page *page, const struct page_link *links, size_t n)
{
	return page->event != PAGE_RESOLVE && n > 0 && strcmp(links[0].text, PAGE_ACT_TEXT) == 0;
}

void marked_rest(struct marked_text *text, const struct page *page, size_t nshown)
{
	struct page_link links[PAGER_LINKS];
	size_t n = pager_links(text->arena, page, links), acts = pager_acts(page, links, n);

	if (nshown < acts)
		marked_links(text, links, nshown, acts);
	marked_facts(text, page);
	marked_waterfall(text, page);
	marked_links(text, links, nshown > acts ? nshown : acts, n);
	marked_words(text, page);
	marked_last_facts(text, page);
}

void marked_page(struct marked_text *text, const struct page *page, bool with_headline)
{
	if (with_headline)
		marked_bold(text, pager_headline(text->arena, page, text->room / 4));
	marked_rest(text, page, 0);
}

/* ---- markups ---- */

static void plain_markup_add(struct buf *out, const char *text)
{
	buf_puts(out, text);
}

static void plain_markup_link(struct buf *out, const char *text, const char *href)
{
	buf_printf(out, "%s: %s", text, href);
}

const struct pager_markup pager_plain = {
	.add = plain_markup_add,
	.add_code = plain_markup_add,
	.add_link = plain_markup_link,
	.bold = "",
	.bold_end = "",
	.code = "\n",
	.code_end = "\n",
	.one_font = true,
};

#define ZERO_WIDTH_SPACE "\u200b"

/* The blank of no width keeps < from beginning a tag, a link or <!channel>, and takes its meaning
 * from @channel. */
static void quiet_add(struct buf *out, const char *text)
{
	for (; *text; text++) {
		buf_putc(out, *text == '`' ? '\'' : *text);
		if (*text == '<' || *text == '@')
			buf_puts(out, ZERO_WIDTH_SPACE);
	}
}

static void quiet_add_link(struct buf *out, const char *text, const char *href)
{
	quiet_add(out, text);
	buf_printf(out, ": %s", href);
}

const struct pager_markup pager_quiet = {
	.add = quiet_add,
	.add_code = quiet_add,
	.add_link = quiet_add_link,
	.bold = "",
	.bold_end = "",
	.code = "\n",
	.code_end = "\n",
	.one_font = true,
};

/* The marks that mean something anywhere, and those that do where a line begins. A "." or ")" makes
 * a list behind digits alone. The invisible blank behind @ makes "@channel" no mention, which no
 * backslash does. */
static void markdown_add(struct buf *out, const char *text)
{
	const char *begin = text + strspn(text, " ");
	const char *number = begin + strspn(begin, "0123456789");

	for (; *text; text++) {
		if (strchr("\\`*_[]<>~|&", *text) || (text == begin && strchr("#+-=", *text)) ||
		    (text == number && text > begin && strchr(".)", *text)) ||
		    (*text == '!' && text[1] == '['))
			buf_putc(out, '\\');
		buf_putc(out, *text);
		if (*text == '@')
			buf_puts(out, ZERO_WIDTH_SPACE);
	}
}

/* Nothing but three backticks has a meaning in a code block. */
static void markdown_add_code(struct buf *out, const char *text)
{
	for (; *text; text++)
		buf_putc(out, *text == '`' ? '\'' : *text);
}

static void markdown_add_link(struct buf *out, const char *text, const char *href)
{
	buf_putc(out, '[');
	markdown_add(out, text);
	buf_printf(out, "](%s)", href);
}

const struct pager_markup pager_markdown = {
	.add = markdown_add,
	.add_code = markdown_add_code,
	.add_link = markdown_add_link,
	.bold = "**",
	.bold_end = "**",
	.code = "```\n",
	.code_end = "```\n",
	.between = " · ",
};
