/*
 * Pager kind console: a page as text for a terminal, in the order of tracepager-page(7): what is
 * broken; since when, why this team, how sure, who else; the path; the waterfall; links; then what
 * takes longer to read. No control character of a peer's strings reaches the terminal. Only links
 * may be wider than the page: a cut link does not work.
 */
#include "pager-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tracepager/cells.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"

#define FIELD_COLUMNS 12
/* Of a waterfall's line that is too wide: the end that stays, with the duration. */
#define WATERFALL_TAIL_CELLS 9
/* The bytes of a word in which an address has its "://". */
#define SCHEME_BYTES 64u

enum console_style {
	STYLE_PLAIN,
	STYLE_BROKEN,	/* the headline of what is broken, failing spans */
	STYLE_UNSURE,	/* a cause that is not known, spans that did not fail but are slow */
	STYLE_RESOLVED, /* the headline of what is over */
	STYLE_DIM,	/* names of fields, lines that frame the page */
};

struct console {
	struct buf out;
	const struct page *page;
	size_t columns;
	bool colour;
};

static void console_begin(struct console *c, enum console_style style)
{
	static const char *const codes[] = {
		[STYLE_PLAIN] = "",
		[STYLE_BROKEN] = "\033[1;31m",
		[STYLE_UNSURE] = "\033[1;33m",
		[STYLE_RESOLVED] = "\033[1;32m",
		[STYLE_DIM] = "\033[2m",
	};

	if (c->colour)
		buf_puts(&c->out, codes[style]);
}

static void console_end(struct console *c, enum console_style style)
{
	if (c->colour && style != STYLE_PLAIN)
		buf_puts(&c->out, "\033[0m");
}

/* ---- wrapping ---- */

/* U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069. */
static bool turns_direction(const unsigned char *c)
{
	return c[0] == 0xe2 && ((c[1] == 0x80 && (c[2] == 0x8e || c[2] == 0x8f ||
						  (c[2] >= 0xaa && c[2] <= 0xae))) ||
				(c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9));
}

/* Length in bytes of the character at text, if a terminal may get it unchanged; 0: it must be
 * replaced, because it is broken UTF-8, a control character (C0, DEL, C1), or turns what follows.
 */
static size_t printable_bytes(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t n = c[0] < 0x80 ? 1 : c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : c[0] >= 0xc2 ? 2 : 0;

	if (c[0] < 0x20 || c[0] == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	return n == 3 && turns_direction(c) ? 0 : n;
}

/* Bytes of the character at text, at least 1, and its cells on the screen. */
static size_t console_character(const char *text, size_t *ret_cells)
{
	size_t bytes = printable_bytes(text);

	*ret_cells = 1;
	if (bytes > 1)
		cells_character(text, bytes, ret_cells);
	return bytes > 0 ? bytes : 1;
}

static void put_text(struct console *c, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t bytes = printable_bytes(text + i);
		if (bytes > 0)
			buf_add(&c->out, text + i, bytes);
		else
			buf_putc(&c->out, text[i] == '\t' ? ' ' : '?');
		i += bytes > 0 ? bytes : 1;
	}
}

/* Is the word at start an address? An address gets a line of its own and is never cut. */
static bool in_address(const char *text, size_t start, size_t len)
{
	const size_t room = len - start < SCHEME_BYTES ? len - start : SCHEME_BYTES;
	const char *end = memchr(text + start, ' ', room);

	return memmem(text + start, end ? (size_t)(end - text) - start : room, "://", 3) != NULL;
}

/* Does the word at start fit on a line of its own? Then it is not folded: an id is copied whole. */
static bool word_fits(const char *text, size_t start, size_t len, size_t columns)
{
	size_t n = 0, cells;

	for (size_t i = start; i < len && n <= columns && text[i] != ' '; n += cells)
		i += console_character(text + i, &cells);
	return n <= columns;
}

/* How many bytes of text go on one line: at most `columns` cells, up to the last blank if there is
 * one in the second half of the line. */
static size_t line_break(const char *text, size_t len, size_t columns)
{
	size_t i = 0, n = 0, blank = 0, blank_at = 0, cells;

	while (i < len) {
		size_t bytes = console_character(text + i, &cells);
		if (n + cells > columns)
			break;
		if (text[i] == ' ') {
			blank = i;
			blank_at = n;
		}
		i += bytes;
		n += cells;
	}
	if (i >= len || text[i] == ' ')
		return i < len ? i : len;
	if (in_address(text, blank_at > 0 ? blank + 1 : 0, len)) {
		while (blank_at == 0 && i < len && text[i] != ' ')
			i++;
		return blank_at > 0 ? blank : i;
	}
	return blank_at > columns / 2 || (blank_at > 0 && word_fits(text, blank + 1, len, columns))
		       ? blank
		       : i;
}

/* Write text wrapped, from the column `indent` on, in which every further line begins too. */
static void put_wrapped(struct console *c, enum console_style style, const char *text, size_t len,
			size_t indent)
{
	for (;;) {
		size_t n = line_break(text, len, c->columns - indent);
		console_begin(c, style);
		put_text(c, text, n);
		console_end(c, style);
		buf_putc(&c->out, '\n');
		while (n < len && text[n] == ' ')
			n++;
		text += n;
		len -= n;
		if (len == 0 || c->out.failed)
			return;
		buf_printf(&c->out, "%*s", (int)indent, "");
	}
}

static void put_field(struct console *c, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	console_begin(c, STYLE_DIM);
	buf_printf(&c->out, "%-*s", FIELD_COLUMNS, name);
	console_end(c, STYLE_DIM);
	put_wrapped(c, STYLE_PLAIN, text, strlen(text), FIELD_COLUMNS);
}

/* ---- lines ---- */

/* Further lines of a wrapped one begin where its text does: below its blanks and "- ". */
static void put_line(struct console *c, const char *line, size_t len)
{
	size_t n = 0;

	while (n < len && n < c->columns / 4 && line[n] == ' ')
		n++;
	bool item = n + 2 < len && memcmp(line + n, "- ", 2) == 0;
	buf_printf(&c->out, "%*s%s", (int)n + 2, "", item ? "- " : "");
	size_t indent = n + 2 + (item ? 2 : 0);
	n += item ? 2 : 0;
	put_wrapped(c, STYLE_PLAIN, line + n, len - n, indent);
}

/* Below an empty line a heading (may be ""), and the lines of the text two columns to the right. */
static void put_lines(struct console *c, const char *heading, const char *text)
{
	if (!text || !*text)
		return;
	buf_putc(&c->out, '\n');
	if (*heading) {
		console_begin(c, STYLE_DIM);
		buf_puts(&c->out, heading);
		console_end(c, STYLE_DIM);
		buf_putc(&c->out, '\n');
	}
	while (*text) {
		size_t len = strcspn(text, "\n");
		if (len > 0)
			put_line(c, text, len);
		else
			buf_putc(&c->out, '\n');
		text += len;
		text += *text == '\n';
	}
}

/* By the mark that begins a waterfall's line (waterfall.h). */
static enum console_style waterfall_style(const char *line)
{
	if (strncmp(line, "✗", strlen("✗")) == 0)
		return STYLE_BROKEN;
	if (strncmp(line, "›", strlen("›")) == 0)
		return STYLE_UNSURE;
	return *line == '!' ? STYLE_PLAIN : STYLE_DIM;
}

/* The bytes in which text has that many cells. */
static size_t bytes_of_cells(const char *text, size_t len, size_t cells)
{
	size_t i = 0, n = 0, width;

	while (i < len && n < cells) {
		i += console_character(text + i, &width);
		n += width;
	}
	return i < len ? i : len;
}

static size_t cells_in(const char *text, size_t len)
{
	size_t cells = 0, width;

	for (size_t i = 0; i < len; cells += width)
		i += console_character(text + i, &width);
	return cells;
}

/* A line that is too wide is cut in its middle: all lines of a waterfall are equally wide, so that
 * the bars stay below each other. */
static void put_waterfall_line(struct console *c, const char *line, size_t len)
{
	size_t room = c->columns - 2, cells = cells_in(line, len), head = len, tail = len;

	if (cells > room) {
		head = bytes_of_cells(line, len, room - WATERFALL_TAIL_CELLS - 1);
		tail = bytes_of_cells(line, len, cells - WATERFALL_TAIL_CELLS);
	}
	enum console_style style = waterfall_style(line);
	buf_puts(&c->out, "  ");
	console_begin(c, style);
	put_text(c, line, head);
	buf_puts(&c->out, tail < len ? "…" : "");
	put_text(c, line + tail, len - tail);
	console_end(c, style);
	buf_putc(&c->out, '\n');
}

/* Its first line is a heading. */
static void put_waterfall(struct console *c, const char *text)
{
	if (!text || !*text)
		return;
	size_t len = strcspn(text, "\n");
	buf_putc(&c->out, '\n');
	put_wrapped(c, STYLE_DIM, text, len, 0);
	for (text += len; *text; text += len) {
		text++;
		len = strcspn(text, "\n");
		if (len > 0)
			put_waterfall_line(c, text, len);
	}
}

/* ---- the parts of a page ---- */

/* "=== PAGE critical ===== 2026-09-01T10:00:02Z ===" */
static void put_rule(struct console *c, char line, const char *left, const char *right)
{
	int fill = (int)c->columns - (int)strlen(left) - (int)strlen(right) - 10;

	console_begin(c, STYLE_DIM);
	buf_printf(&c->out, "%c%c%c %s ", line, line, line, left);
	for (int i = 0; i < fill; i++)
		buf_putc(&c->out, line);
	buf_printf(&c->out, " %s %c%c%c", right, line, line, line);
	console_end(c, STYLE_DIM);
	buf_putc(&c->out, '\n');
}

static void put_link(struct console *c, const char *text, size_t width, const char *href)
{
	console_begin(c, STYLE_DIM);
	cells_pad(&c->out, text, width);
	buf_putc(&c->out, ' ');
	console_end(c, STYLE_DIM);
	put_text(c, href, strlen(href));
	buf_putc(&c->out, '\n');
}

/* One line for each link, without those that the rules' own details show already. */
static void put_links(struct console *c)
{
	const struct page *page = c->page;
	size_t shown = 0, widest = FIELD_COLUMNS - 1;

	for (size_t i = 0; i < page->nlinks; i++) {
		size_t cells = cells_of(page->links[i].text);
		if (cells > widest && cells <= c->columns / 4)
			widest = cells;
	}
	if (page->act_href && *page->act_href && page->event != PAGE_RESOLVE) {
		buf_putc(&c->out, '\n');
		shown++;
		put_link(c, "act on it", widest, page->act_href);
	}
	for (size_t i = 0; i < page->nlinks; i++) {
		const char *href = page->links[i].href;
		if (page->event != PAGE_RESOLVE && strstr(page->details, href))
			continue;
		if (shown++ == 0)
			buf_putc(&c->out, '\n');
		put_link(c, page->links[i].text, widest, href);
	}
}

/* A single alert stands in the headline most often. */
static void put_alerts(struct console *c)
{
	const struct page *page = c->page;
	struct buf names = BUF_INIT(LIMIT_PAGE_BYTES);
	size_t columns = 0, i;

	if (page->differs && *page->differs) {
		put_field(c, "alerts", page->differs);
		return;
	}
	if (page->nalerts == 1 && strstr(page->summary, page->alerts[0]))
		return;
	for (i = 0; i < page->nalerts && columns < LIMIT_CONSOLE_ALERTS_COLUMNS; i++) {
		buf_puts(&names, i > 0 ? ", " : "");
		columns += 2 + plain_add(&names, page->alerts[i], LIMIT_CONSOLE_ALERT_COLUMNS);
	}
	if (i < page->nalerts)
		buf_printf(&names, ", and %zu more", page->nalerts - i);
	put_field(c, "alerts", buf_text(&names));
	buf_fini(&names);
}

/* "2026-09-01T09:58:00Z, 2 min 02 s before this page", at the end "…, for 2 min 02 s" */
static const char *console_since(struct arena *arena, const struct page *page)
{
	char at[RFC3339_SIZE], age[PLAIN_DURATION_SIZE];
	bool over = page->event == PAGE_RESOLVE && !pager_moved(page);

	if (!page->since_us)
		return NULL;
	rfc3339_format(page->since_us / US_PER_SECOND * US_PER_SECOND, at);
	/* Of a fresh alert the time itself says it. */
	if (page->at_us < page->since_us + US_PER_SECOND)
		return arena_strdup(arena, at);
	return arena_printf(arena, over ? "%s, for %s" : "%s, %s before this page", at,
			    plain_duration(page->at_us - page->since_us, age));
}

/* The facts of one line each. The headline has the environment most often. */
static void put_facts(struct console *c, struct arena *arena)
{
	const struct page *page = c->page;
	const bool over = page->event == PAGE_RESOLVE;

	if (over)
		put_field(c, "note", page->note);
	put_field(c, "since", console_since(arena, page));
	if (!over && page->environment && !strstr(page->summary, page->environment))
		put_field(c, "where", page->environment);
	if (!over)
		put_field(c, "instance", page->instance);
	if (!over && page->why && *page->why)
		put_field(c, "why you", page->why);
	else
		put_field(c, "team", page->group);
	if (over) {
		put_alerts(c);
		return;
	}
	put_field(c, "how sure", page->evidence);
	put_field(c, "doubts", page->limits);
	put_field(c, "also paged", page->also_paged);
	put_field(c, "path", page->path);
	put_field(c, *page->component ? "or perhaps" : "could be", page->could_be);
	put_field(c, "differs", page->what_differs);
	put_field(c, "budget", page->burn);
	put_alerts(c);
	put_field(c, "do first", page->what_to_do);
	put_field(c, "has it", page->acked_by);
	put_field(c, "next", page->escalates);
	put_field(c, "urgency", page->urgency);
}

static void put_headline(struct console *c)
{
	const struct page *page = c->page;
	enum console_style style = page->event == PAGE_RESOLVE ? STYLE_RESOLVED : STYLE_BROKEN;

	put_wrapped(c, style, page->summary, strlen(page->summary), 0);
	if (page->event != PAGE_RESOLVE && page->banner && *page->banner)
		put_wrapped(c, STYLE_UNSURE, page->banner, strlen(page->banner), 0);
	buf_putc(&c->out, '\n');
}

static void put_page(struct console *c, struct arena *arena)
{
	static const struct {
		const char *title;
		char line;
	} events[] = {
		[PAGE_TRIGGER] = { "PAGE", '=' },
		[PAGE_UPDATE] = { "UPDATE", '-' },
		[PAGE_RESOLVE] = { "RESOLVED", '~' },
		[PAGE_NOTICE] = { "UPDATE", '-' },
	};
	const struct page *page = c->page;
	const bool over = page->event == PAGE_RESOLVE;
	char left[64], right[RFC3339_SIZE];

	snprintf(left, sizeof(left), "%s %s",
		 !pager_moved(page) ? events[page->event].title
		 : page->moved_to   ? "MOVED"
				    : "HANDED ON",
		 severity_name(page->severity));
	/* Whole seconds, for a person. */
	rfc3339_format(page->at_us / US_PER_SECOND * US_PER_SECOND, right);
	put_rule(c, events[page->event].line, left, right);
	if (!over) /* the rest of the page may be known already */
		put_field(c, "new", page->note);
	put_headline(c);
	put_facts(c, arena);
	if (!over && !page_has_sections(page))
		put_lines(c, "", page->details);
	if (!over && page_has_sections(page))
		put_waterfall(c, page->waterfall);
	put_links(c);
	if (!over && page_has_sections(page)) {
		put_lines(c, "The alert says", page->alert_says);
		put_lines(c, "What the traces say", page->reasons);
	}
	buf_putc(&c->out, '\n');
	if (!over)
		put_field(c, "labels", page->labels);
	put_field(c, "incident",
		  over ? arena_printf(arena, "%s (%s)", page->incident,
				      !pager_moved(page) ? page->status
				      : page->moved_to	 ? "moved"
							 : "handed on")
		       : page->incident);
	console_begin(c, STYLE_DIM);
	for (size_t i = 0; i < c->columns; i++)
		buf_putc(&c->out, events[page->event].line);
	console_end(c, STYLE_DIM);
	buf_puts(&c->out, "\n\n");
}

static int console_build(struct arena *arena, const struct page *page,
			 const struct page_target *target, const char *message_id, int64_t wall_us,
			 struct delivery *ret_delivery, struct err *err)
{
	const struct page_screen *screen = &target->screen;
	struct console c = {
		.out = BUF_INIT(LIMIT_PAGE_BYTES),
		.page = page,
		.columns = screen->columns ? screen->columns : LIMIT_CONSOLE_COLUMNS,
		.colour = screen->colour,
	};
	int error = 0;

	(void)message_id;
	(void)wall_us;
	put_page(&c, arena);
	if (c.out.failed) {
		const struct page cut = pager_shortened(arena, page);
		buf_reset(&c.out);
		c.page = &cut;
		put_page(&c, arena);
	}
	if (screen->ascii && !c.out.failed) {
		struct buf ascii = BUF_INIT(LIMIT_PAGE_BYTES);
		cells_ascii(&ascii, c.out.data, c.out.len);
		buf_fini(&c.out);
		c.out = ascii;
	}
	if (c.out.failed)
		error = err_set(err, E2BIG, "the page has more than %u bytes", LIMIT_PAGE_BYTES);
	else
		*ret_delivery =
			(struct delivery){ .console = arena_strndup(arena, c.out.data, c.out.len) };
	buf_fini(&c.out);
	return error;
}

const struct pager_kind pager_kind_CONSOLE = {
	.name = "console",
	.knows_moved = true,
	.on_screen = true,
	.build = console_build,
	.judge = judge_by_status,
};
