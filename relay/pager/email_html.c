/*
 * A page as the HTML of a mail. Mail readers drop style sheets, so that every style stands at its
 * element; they bring their own colours for dark screens, so that text and ground have none here,
 * and the colours of bars and labels are readable on both. Tables lay out what must stay side by
 * side, for readers that know nothing newer. Nothing is loaded, nothing runs.
 */
#include "email-internal.h"

#include <string.h>

#include "tracepager/buf_html.h"
#include "tracepager/cells.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* Lines of a waterfall; a page has a dozen. */
#define WATERFALL_ROWS 32u
/* Levels of a name's indentation that are shown. */
#define INDENT_LEVELS 10u
/* Bytes of a duration at a line's end. */
#define DURATION_BYTES 12u

#define FONT	  "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
#define MONO	  "ui-monospace,SFMono-Regular,Menlo,Consolas,monospace"
#define LINE	  "1px solid #8a8f9455"
#define RED	  "#d93025"
#define AMBER	  "#e37400"
#define GREEN	  "#188038"
#define BLUE	  "#1a73e8"
#define GREY	  "#80868b"
#define HEADING	  "margin:24px 0 8px;font-size:15px;font-weight:600"
#define ANY_BREAK "overflow-wrap:anywhere;word-break:break-word"

/* ---- texts ---- */

static void email_add_text(struct buf *out, const char *text)
{
	buf_html(out, text, strlen(text));
}

struct email_page {
	struct arena *arena;
	const struct page *page;
	struct buf *out;
	size_t room; /* units of one text: less where the whole would be too large */
};

static const char *email_words(const struct email_page *mail, const char *text, bool one_line)
{
	return pager_words(mail->arena, text, mail->room, one_line);
}

/* ---- the head ---- */

const char *email_headline(struct arena *arena, const struct page *page, size_t max)
{
	const char *summary = page->summary && *page->summary ? page->summary : page->incident;

	if (!pager_tells_ack(page))
		return pager_headline(arena, page, max);
	summary = pager_words(arena, summary, max, true);
	return pager_words(arena, arena_printf(arena, "Acknowledged: %s", summary), max, true);
}

struct email_label {
	const char *text, *colour;
};

static struct email_label email_page_label(const struct page *page)
{
	static const char *const colours[] = { [SEVERITY_INFO] = BLUE,
					       [SEVERITY_WARNING] = AMBER,
					       [SEVERITY_ERROR] = AMBER,
					       [SEVERITY_CRITICAL] = RED };

	if (page->event == PAGE_RESOLVE)
		return page->moved_to ? (struct email_label){ "MOVED", GREY }
				      : (struct email_label){ "RESOLVED", GREEN };
	if (pager_tells_ack(page))
		return (struct email_label){ "ACKNOWLEDGED", BLUE };
	if (page->event != PAGE_TRIGGER)
		return (struct email_label){ "UPDATE", colours[page->severity] };
	return (struct email_label){ "PAGE", colours[page->severity] };
}

/* What the list of a mail reader shows behind the subject. */
static void email_add_preview(const struct email_page *mail)
{
	const struct page *page = mail->page;
	const char *text = page->note && *page->note ? page->note : page->evidence;

	if (!text || !*text)
		return;
	buf_puts(mail->out, "<div style=\"display:none;max-height:0;overflow:hidden\">");
	email_add_text(mail->out, pager_words(mail->arena, text, LIMIT_MAIL_SUBJECT, true));
	buf_puts(mail->out, "</div>\n");
}

static void email_add_head(const struct email_page *mail)
{
	const struct page *page = mail->page;
	const struct email_label label = email_page_label(page);
	const char *where = pager_words(mail->arena, page->environment, LIMIT_MAIL_SUBJECT, true);
	const char *team = pager_words(mail->arena, page->group, LIMIT_MAIL_SUBJECT, true);
	const char *summary = page->summary && *page->summary ? page->summary : page->incident;
	struct buf *out = mail->out;

	buf_printf(out,
		   "<p style=\"margin:0 0 10px;font-size:13px\">"
		   "<span style=\"background:%s;color:#ffffff;border-radius:4px;padding:3px 9px;"
		   "font-weight:700;letter-spacing:.04em\">%s</span>&nbsp; <b>%s</b>",
		   label.colour, label.text, severity_name(page->severity));
	if (*where) {
		buf_puts(out, " &middot; ");
		email_add_text(out, where);
	}
	if (*team) {
		buf_puts(out, " &middot; team ");
		email_add_text(out, team);
	}
	buf_puts(out, "</p>\n<h1 style=\"margin:0 0 14px;font-size:21px;line-height:1.3;"
		      "font-weight:700;" ANY_BREAK "\">");
	email_add_text(out, pager_words(mail->arena, summary,
					mail->room < LIMIT_SUMMARY_CHARS ? mail->room
									 : LIMIT_SUMMARY_CHARS,
					true));
	buf_puts(out, "</h1>\n");
}

/* A text beside a coloured line. */
static void email_add_callout(const struct email_page *mail, const char *text, const char *colour)
{
	if (!text || !*text)
		return;
	buf_printf(mail->out,
		   "<p style=\"margin:0 0 14px;padding:6px 12px;border-left:4px solid %s;" ANY_BREAK
		   "\">",
		   colour);
	email_add_text(mail->out, email_words(mail, text, true));
	buf_puts(mail->out, "</p>\n");
}

/* ---- links ---- */

static void email_add_button(const struct email_page *mail, const struct page_link *link, bool act)
{
	buf_puts(mail->out, "<a href=\"");
	email_add_text(mail->out, link->href);
	buf_printf(mail->out,
		   "\" rel=\"noreferrer noopener\" style=\"display:inline-block;margin:0 8px 8px 0;"
		   "padding:%s;border-radius:6px;text-decoration:none;font-weight:600;%s\">",
		   act ? "11px 18px" : "8px 14px",
		   act ? "background:" BLUE ";border:1px solid " BLUE ";color:#ffffff"
		       : "border:1px solid #8a8f94;font-size:14px;color:inherit");
	email_add_text(mail->out, link->text);
	buf_puts(mail->out, "</a>\n");
}

/* The button with which a person acts on the page, or the other links. */
static void email_add_links(const struct email_page *mail, bool act)
{
	struct page_link links[PAGER_LINKS];
	const size_t n = pager_links(mail->arena, mail->page, links);
	const size_t acts = pager_acts(mail->page, links, n);
	const size_t from = act ? 0 : acts, to = act ? acts : n;

	if (from == to)
		return;
	buf_printf(mail->out, "<div style=\"margin:%s\">\n", act ? "0 0 8px" : "20px 0 0");
	for (size_t i = from; i < to; i++)
		email_add_button(mail, &links[i], act);
	buf_puts(mail->out, "</div>\n");
}

/* ---- facts ---- */

/* What stands elsewhere in the mail. */
static bool email_shows_elsewhere(const char *name)
{
	static const char *const names[] = { "What is new", "Mind", "Severity", "Environment" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void email_add_facts(const struct email_page *mail, const struct pager_fact *facts, size_t n)
{
	struct buf *out = mail->out;

	buf_puts(out, "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" "
		      "cellspacing=\"0\" style=\"border-collapse:collapse;width:100%;margin:0 0 "
		      "16px\">\n");
	for (size_t i = 0; i < n; i++) {
		if (email_shows_elsewhere(facts[i].name))
			continue;
		buf_printf(out,
			   "<tr><td width=\"116\" valign=\"top\" style=\"width:116px;padding:7px "
			   "12px 7px 0;border-top:" LINE ";font-size:13px;opacity:.75\">%s</td>"
			   "<td valign=\"top\" style=\"padding:7px 0;border-top:" LINE ";" ANY_BREAK
			   "\">",
			   facts[i].name);
		email_add_text(out, email_words(mail, facts[i].text, true));
		buf_puts(out, "</td></tr>\n");
	}
	buf_puts(out, "</table>\n");
}

/* ---- the waterfall ---- */

/* A line of the waterfall's text (waterfall.h): a mark, a name, a bar, a duration. */
struct email_row {
	const char *line;
	size_t len;
	size_t name_start, name_len; /* bytes */
	size_t indent;
	size_t bar, bar_end; /* cells; equal: it has none, and is a line of words */
	bool faint;	     /* not on the path */
	size_t duration;     /* bytes before it */
};

static bool email_begins(const char *text, size_t len, const char *sign)
{
	return len >= strlen(sign) && memcmp(text, sign, strlen(sign)) == 0;
}

/* The last run of one bar sign. */
static void email_find_bar(struct email_row *row)
{
	size_t cell = 0, cells, bytes;
	bool in_bar = false;

	for (size_t i = 0; i < row->len; i += bytes, cell += cells) {
		const char *at = row->line + i;
		bool full = email_begins(at, row->len - i, "█"),
		     faint = email_begins(at, row->len - i, "░");
		bytes = cells_character(at, row->len - i, &cells);
		if (full || faint) {
			if (!in_bar || faint != row->faint) {
				row->bar = cell;
				row->name_len = i;
			}
			row->faint = faint;
			row->bar_end = cell + cells;
			row->duration = i + bytes;
		}
		in_bar = full || faint;
	}
}

/* "✗ └ payment charge  ███  60 ms" */
static void email_read_row(const char *line, size_t len, struct email_row *row)
{
	*row = (struct email_row){ .line = line, .len = len };
	email_find_bar(row);
	if (row->bar == row->bar_end)
		return;
	while (row->duration < len && line[row->duration] == ' ')
		row->duration++;
	/* A bar in the middle of words is none. */
	if (row->duration == len || len - row->duration > DURATION_BYTES ||
	    line[row->duration] < '0' || line[row->duration] > '9') {
		row->bar_end = row->bar;
		return;
	}
	size_t at = *line == ' ' || *line == '!' ? 1 : strcspn(line, " ");
	for (; at < row->name_len && line[at] == ' '; at++)
		row->indent++;
	if (email_begins(line + at, row->name_len - at, "└ ")) {
		at += strlen("└ ");
		row->indent++;
	}
	row->indent -= row->indent > 0; /* the blank behind the mark */
	while (row->name_len > at && line[row->name_len - 1] == ' ')
		row->name_len--;
	row->name_start = at;
	row->name_len -= at;
}

static const char *email_bar_colour(const struct email_row *row)
{
	if (email_begins(row->line, row->len, "✗"))
		return RED;
	if (email_begins(row->line, row->len, "›"))
		return AMBER;
	return *row->line == '!' ? "#e8837b" : GREY;
}

/* Three cells whose widths are hundredths of the bar's column: empty, the bar, empty. */
static void email_add_bar(struct buf *out, const struct email_row *row, size_t from, size_t until)
{
	const size_t all = until - from;
	size_t left = (row->bar - from) * 100 / all;
	size_t width = ((row->bar_end - row->bar) * 100 + all - 1) / all;

	if (width < 1)
		width = 1;
	if (left + width > 100)
		left = 100 - width;
	buf_puts(out, "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" "
		      "cellspacing=\"0\" style=\"width:100%;border-collapse:collapse;"
		      "table-layout:fixed\"><tr>");
	if (left)
		buf_printf(out, "<td width=\"%zu%%\" style=\"width:%zu%%\"></td>", left, left);
	buf_printf(out,
		   "<td width=\"%zu%%\" bgcolor=\"%s\" style=\"width:%zu%%;height:10px;"
		   "line-height:10px;font-size:1px;background:%s;border-radius:2px\">&nbsp;</td>",
		   width, email_bar_colour(row), width, email_bar_colour(row));
	if (left + width < 100)
		buf_printf(out, "<td width=\"%zu%%\" style=\"width:%zu%%\"></td>",
			   100 - left - width, 100 - left - width);
	buf_puts(out, "</tr></table>");
}

static void email_add_name(struct buf *out, const struct email_row *row)
{
	const bool failed = email_begins(row->line, row->len, "✗");
	const size_t levels = row->indent < INDENT_LEVELS ? row->indent : INDENT_LEVELS;

	buf_printf(out,
		   "<td valign=\"middle\" style=\"padding:3px 8px 3px %zupx;" ANY_BREAK ";%s\">",
		   levels * 8,
		   row->faint ? "opacity:.75"
		   : failed   ? "font-weight:700"
			      : "");
	if (failed)
		buf_puts(out, "<span style=\"color:" RED "\">&#10007;</span> ");
	else if (*row->line == '!')
		buf_puts(out, "<span style=\"color:" RED "\">!</span> ");
	else if (email_begins(row->line, row->len, "›"))
		buf_puts(out, "<span style=\"color:" AMBER "\">&rsaquo;</span> ");
	buf_html(out, row->line + row->name_start, row->name_len);
	buf_puts(out, "</td>");
}

static void email_add_row(struct buf *out, const struct email_row *row, size_t from, size_t until)
{
	if (row->bar == row->bar_end) {
		size_t skip = strspn(row->line, " ");
		buf_puts(out, "<tr><td colspan=\"3\" style=\"padding:3px 0;opacity:.75\">");
		buf_html(out, row->line + skip, row->len > skip ? row->len - skip : 0);
		buf_puts(out, "</td></tr>\n");
		return;
	}
	buf_puts(out, "<tr>");
	email_add_name(out, row);
	buf_puts(out, "<td valign=\"middle\" width=\"40%\" style=\"width:40%;padding:3px 0\">");
	email_add_bar(out, row, from, until);
	buf_puts(out, "</td><td valign=\"middle\" align=\"right\" width=\"64\" "
		      "style=\"width:64px;padding:3px 0 3px 8px;white-space:nowrap\">");
	buf_html(out, row->line + row->duration, row->len - row->duration);
	buf_puts(out, "</td></tr>\n");
}

static size_t email_read_rows(const char *text, struct email_row rows[WATERFALL_ROWS])
{
	size_t n = 0;

	while (*text && n < WATERFALL_ROWS) {
		size_t len = strcspn(text, "\n");
		if (len > 0)
			email_read_row(text, len, &rows[n++]);
		text += len + (text[len] == '\n');
	}
	return n;
}

static void email_add_waterfall(const struct email_page *mail)
{
	const struct page *page = mail->page;
	const char *text = email_words(mail, page->waterfall, false);
	struct email_row rows[WATERFALL_ROWS];
	size_t from = SIZE_MAX, until = 0;

	if (page->event == PAGE_RESOLVE || !page_has_sections(page) || !*text)
		return;
	const size_t n = email_read_rows(text, rows);
	for (size_t i = 0; i < n; i++) {
		if (rows[i].bar == rows[i].bar_end)
			continue;
		from = rows[i].bar < from ? rows[i].bar : from;
		until = rows[i].bar_end > until ? rows[i].bar_end : until;
	}
	buf_puts(mail->out, "<h2 style=\"" HEADING "\">The trace</h2>\n"
			    "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" "
			    "cellspacing=\"0\" style=\"width:100%;border-collapse:collapse;"
			    "font:12px/1.35 " MONO "\">\n");
	for (size_t i = 0; i < n; i++)
		email_add_row(mail->out, &rows[i], from, until);
	buf_puts(mail->out, "</table>\n");
}

/* ---- words of many lines ---- */

/* Lines "- …" are the items of a list. */
static void email_add_lines(const struct email_page *mail, const char *heading, const char *lines)
{
	struct buf *out = mail->out;

	if (!lines || !*lines)
		return;
	lines = email_words(mail, lines, false);
	if (*heading)
		buf_printf(out, "<h2 style=\"" HEADING "\">%s</h2>\n", heading);
	while (*lines) {
		size_t len = strcspn(lines, "\n"), skip = strspn(lines, " ");
		const bool item = lines[skip] == '-' && lines[skip + 1] == ' ';
		if (skip < len) {
			buf_printf(out, "<p style=\"margin:0 0 4px %zupx;%s" ANY_BREAK "\">",
				   (skip < 16 ? skip : 16) * 4 + (item ? 14 : 0),
				   item ? "text-indent:-14px;" : "");
			skip += item ? 2 : 0;
			buf_puts(out, item ? "&bull;&nbsp; " : "");
			buf_html(out, lines + skip, len - skip);
			buf_puts(out, "</p>\n");
		}
		lines += len + (lines[len] == '\n');
	}
}

/* ---- the whole ---- */

static void email_write_html(const struct email_page *mail, const char *pager)
{
	const struct page *page = mail->page;
	const bool over = page->event == PAGE_RESOLVE, sections = page_has_sections(page);
	struct pager_fact facts[PAGER_FACTS];
	struct buf *out = mail->out;

	buf_puts(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
		      "<meta name=\"color-scheme\" content=\"light dark\">"
		      "<meta name=\"supported-color-schemes\" content=\"light dark\"><title>");
	email_add_text(out, email_headline(mail->arena, page, LIMIT_MAIL_SUBJECT));
	buf_puts(out, "</title></head>\n<body style=\"margin:0;padding:0\">\n");
	email_add_preview(mail);
	buf_printf(out,
		   "<div style=\"max-width:680px;margin:0 auto;padding:20px 16px;"
		   "border-top:6px solid %s;font:15px/1.5 " FONT "\">\n",
		   email_page_label(page).colour);
	email_add_head(mail);
	email_add_callout(mail, page->note, BLUE);
	if (!over)
		email_add_callout(mail, page->banner, AMBER);
	email_add_links(mail, true);
	email_add_facts(mail, facts, pager_facts(mail->arena, page, facts));
	email_add_waterfall(mail);
	email_add_links(mail, false);
	if (!over && sections) {
		email_add_lines(mail, "The alert says", page->alert_says);
		email_add_lines(mail, "What the traces say", page->reasons);
	} else if (!over) {
		email_add_lines(mail, "Details", page->details);
	}
	buf_puts(out, "<div style=\"height:16px\"></div>\n");
	email_add_facts(mail, facts, pager_last_facts(mail->arena, page, facts));
	buf_puts(out, "<p style=\"margin:0;padding-top:10px;border-top:" LINE
		      ";font-size:12px;opacity:.75;" ANY_BREAK "\">tracepager, pager ");
	email_add_text(out, pager_words(mail->arena, pager, LIMIT_RULE_NAME_BYTES, true));
	buf_puts(out, "</p>\n</div>\n</body></html>\n");
}

const char *email_html(struct arena *arena, const struct page *page, const char *pager)
{
	/* The longest page of texts that need no escapes fits at the first try; one whose every
	 * character is escaped at the last. */
	static const size_t rooms[] = { 4000, 1500, 400, 60 };
	const char *kept = "";

	for (size_t i = 0; i < ARRAY_LEN(rooms) && !*kept; i++) {
		struct buf out = BUF_INIT(LIMIT_MAIL_HTML_BYTES);
		const struct email_page mail = { arena, page, &out, rooms[i] };
		email_write_html(&mail, pager);
		if (!out.failed)
			kept = arena_strndup(arena, buf_text(&out), out.len);
		buf_fini(&out);
	}
	return kept;
}
