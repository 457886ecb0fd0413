/*
 * Pager kind console: a page as text for a terminal, at most 78 columns wide. No control character
 * of a peer's strings reaches the terminal. Only links may be wider than the page: a cut link does
 * not work.
 */
#include "pager-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"

#define COLUMNS 78

/* Length in bytes of the character at text, if a terminal may get it unchanged; 0: it must be
 * replaced, because it is broken UTF-8 or a control character (C0, DEL, C1). */
static size_t printable_bytes(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t n = c[0] < 0x80 ? 1 : c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : c[0] >= 0xc2 ? 2 : 0;

	if (c[0] < 0x20 || c[0] == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

static void put_char(struct buf *out, const char *text, size_t n)
{
	if (n > 0)
		buf_add(out, text, n);
	else
		buf_putc(out, *text == '\t' ? ' ' : '?');
}

/* Is the word at start an address? An address gets a line of its own and is never cut. */
static bool in_address(const char *text, size_t start, size_t len)
{
	const char *end = memchr(text + start, ' ', len - start);
	const char *mark = memmem(text + start, len - start, "://", 3);

	return mark && (!end || mark < end);
}

/* How many bytes of text go on one line: at most `columns` characters, up to the last blank if
 * there is one in the second half of the line. */
static size_t line_break(const char *text, size_t len, size_t columns)
{
	size_t i = 0, n = 0, blank = 0, blank_at = 0;

	while (i < len && n < columns) {
		size_t bytes = printable_bytes(text + i);
		if (text[i] == ' ') {
			blank = i;
			blank_at = n;
		}
		i += bytes > 0 ? bytes : 1;
		n++;
	}
	if (i >= len || text[i] == ' ')
		return i < len ? i : len;
	if (in_address(text, blank_at > 0 ? blank + 1 : 0, len)) {
		while (blank_at == 0 && i < len && text[i] != ' ')
			i++;
		return blank_at > 0 ? blank : i;
	}
	return blank_at > columns / 2 ? blank : i;
}

/* Write text wrapped: `first` before its first line, as many blanks before each further line. */
static void put_wrapped(struct buf *out, const char *first, const char *text, size_t len)
{
	size_t indent = strlen(first);

	buf_puts(out, first);
	for (;;) {
		size_t n = line_break(text, len, COLUMNS - indent);
		for (size_t i = 0; i < n;) {
			size_t bytes = printable_bytes(text + i);
			put_char(out, text + i, bytes);
			i += bytes > 0 ? bytes : 1;
		}
		buf_putc(out, '\n');
		while (n < len && text[n] == ' ')
			n++;
		text += n;
		len -= n;
		if (len == 0)
			return;
		buf_printf(out, "%*s", (int)indent, "");
	}
}

static void put_field(struct buf *out, const char *name, const char *text)
{
	char first[16];

	if (!text || !*text)
		return;
	snprintf(first, sizeof(first), "%-10s", name);
	put_wrapped(out, first, text, strlen(text));
}

static void put_rule(struct buf *out, char line, const char *left, const char *right)
{
	int fill = COLUMNS - (int)strlen(left) - (int)strlen(right) - 10;

	buf_printf(out, "%c%c%c %s ", line, line, line, left);
	for (int i = 0; i < fill; i++)
		buf_putc(out, line);
	buf_printf(out, " %s %c%c%c\n", right, line, line, line);
}

/* Further lines of a wrapped one begin where its text does: below its blanks and "- ". */
static void put_details_line(struct buf *out, const char *line, size_t len)
{
	static const char blanks[] = "            ";
	char first[sizeof(blanks) + 4];
	size_t n = 0;

	while (n < len && n < sizeof(blanks) - 1 && line[n] == ' ')
		n++;
	bool item = n + 2 < len && memcmp(line + n, "- ", 2) == 0;
	snprintf(first, sizeof(first), "  %.*s%s", (int)n, blanks, item ? "- " : "");
	n += item ? 2 : 0;
	put_wrapped(out, first, line + n, len - n);
}

static void put_details(struct buf *out, const char *details)
{
	if (!*details)
		return;
	buf_putc(out, '\n');
	while (*details) {
		size_t len = strcspn(details, "\n");
		if (len > 0)
			put_details_line(out, details, len);
		else
			buf_putc(out, '\n');
		details += len;
		details += *details == '\n';
	}
}

/* The page's links, without those that the details show already. */
static void put_links(struct buf *out, const struct page *page)
{
	size_t shown = 0;

	for (size_t i = 0; i < page->nlinks; i++) {
		const char *href = page->links[i].href;
		char first[48];
		if (page->event != PAGE_RESOLVE && strstr(page->details, href))
			continue;
		if (shown++ == 0)
			buf_putc(out, '\n');
		snprintf(first, sizeof(first), "%.40s:", page->links[i].text);
		put_wrapped(out, "  ", first, strlen(first));
		put_wrapped(out, "    ", href, strlen(href));
	}
}

static void put_alerts(struct buf *out, const struct page *page)
{
	struct buf names = BUF_INIT(LIMIT_PAGE_BYTES);
	size_t columns = 0, i;

	for (i = 0; i < page->nalerts && columns < LIMIT_CONSOLE_ALERTS_COLUMNS; i++) {
		buf_puts(&names, i > 0 ? ", " : "");
		columns += 2 + plain_add(&names, page->alerts[i], LIMIT_CONSOLE_ALERT_COLUMNS);
	}
	if (i < page->nalerts)
		buf_printf(&names, ", and %zu more", page->nalerts - i);
	put_field(out, "alerts", buf_text(&names));
	buf_fini(&names);
}

/* "2026-09-01T09:58:00Z, 2 min 02 s before this page" */
static const char *console_since(struct arena *arena, const struct page *page)
{
	char at[RFC3339_SIZE], age[PLAIN_DURATION_SIZE];

	if (!page->since_us)
		return NULL;
	rfc3339_format(page->since_us / US_PER_SECOND * US_PER_SECOND, at);
	/* Of a fresh alert the time itself says it. */
	if (page->at_us < page->since_us + US_PER_SECOND)
		return arena_strdup(arena, at);
	return arena_printf(arena, "%s, %s before this page", at,
			    plain_duration(page->at_us - page->since_us, age));
}

static const char *console_also_paged(struct arena *arena, const struct page *page)
{
	if (!page->also_paged || !*page->also_paged || strcmp(page->also_paged, "nobody else") == 0)
		return page->also_paged;
	return arena_printf(arena, "also %s", page->also_paged);
}

static int console_build(struct arena *arena, const struct page *page,
			 const struct page_target *target, const char *message_id, int64_t wall_us,
			 struct delivery *ret_delivery, struct err *err)
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
	struct buf out = BUF_INIT(LIMIT_PAGE_BYTES);
	char left[64], right[RFC3339_SIZE];
	int error = 0;

	(void)target;
	(void)message_id;
	(void)wall_us;
	snprintf(left, sizeof(left), "%s %s", page->moved_to ? "MOVED" : events[page->event].title,
		 severity_name(page->severity));
	/* Whole seconds, for a person. */
	rfc3339_format(page->at_us / US_PER_SECOND * US_PER_SECOND, right);
	put_rule(&out, events[page->event].line, left, right);
	put_wrapped(&out, "", page->summary, strlen(page->summary));
	buf_putc(&out, '\n');
	put_field(&out, "since", console_since(arena, page));
	if (page->event != PAGE_RESOLVE) {
		put_field(&out, "where", page->environment);
		put_field(&out, "instance", page->instance);
	}
	put_field(&out, "team", page->group);
	if (page->event != PAGE_RESOLVE)
		put_field(&out, "paged", console_also_paged(arena, page));
	put_field(&out, "incident", arena_printf(arena, "%s (%s)", page->incident, page->status));
	if (page->differs && *page->differs)
		put_field(&out, "alerts", page->differs);
	else
		put_alerts(&out, page);
	put_field(&out, "note", page->note);
	if (page->event != PAGE_RESOLVE) {
		put_details(&out, page->details);
		put_links(&out, page);
		if (page->labels && *page->labels)
			buf_putc(&out, '\n');
		put_field(&out, "labels", page->labels);
	} else {
		put_links(&out, page);
	}
	for (int i = 0; i < COLUMNS; i++)
		buf_putc(&out, events[page->event].line);
	buf_puts(&out, "\n\n");
	if (out.failed)
		error = err_set(err, E2BIG, "the page has more than %u bytes", LIMIT_PAGE_BYTES);
	else
		*ret_delivery =
			(struct delivery){ .console = arena_strndup(arena, out.data, out.len) };
	buf_fini(&out);
	return error;
}

const struct pager_kind pager_kind_CONSOLE = {
	.name = "console",
	.knows_moved = true,
	.build = console_build,
	.judge = judge_by_status,
};
