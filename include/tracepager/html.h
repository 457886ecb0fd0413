/*
 * HTML: a writer of HTML and SVG into which texts of strangers go escaped for the place where they
 * stand. Its type is no buf, so that nothing reaches a page but by these functions: markup is a
 * literal of the source (the macro HTML takes nothing else), all else is escaped.
 *
 * Pure; any thread. A writer owns its text until html_fini().
 */
#ifndef TRACEPAGER_HTML_H
#define TRACEPAGER_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/buf.h"

struct html {
	struct buf markup; /* html.c alone adds to it */
};

void html_init(struct html *html, size_t cap_bytes);
void html_fini(struct html *html);
/* The text and its length; NULL: it is over its cap. Borrowed until the next addition. */
const char *html_markup(const struct html *html, size_t *ret_len);

/* Adds markup as it is: HTML(html, "<p>"). */
#define HTML(html, literal) html_add_literal((html), "" literal, sizeof("" literal) - 1)
/* One of two literals. */
#define HTML_IF(html, condition, yes, no) ((condition) ? HTML(html, yes) : HTML(html, no))
void html_add_literal(struct html *html, const char *literal, size_t len);

/* A text (NULL: nothing) as one line, for an element or for an attribute in double quotes; terminal
 * sequences and invisible characters are dropped. */
void html_text(struct html *html, const char *text);
/* The same, at most `columns` columns, with "…" where it is cut. */
void html_text_cut(struct html *html, const char *text, size_t columns);
/* A text that is plain already (plain.h), or its reader's own: its lines and blanks stay. For <pre>
 * and <textarea>. */
void html_lines(struct html *html, const char *text);
/* A text as a segment of a path, or as a value of a query: percent-encoded. */
void html_url_part(struct html *html, const char *text);
void html_int(struct html *html, int64_t number);
/* With at most two decimals, for coordinates. */
void html_real(struct html *html, double number);
/* A share from 0 to 1: "0.90". */
void html_share(struct html *html, double share);

/* May it be the target of a link? Of http and https only. */
bool html_is_address(const char *href);
/* <a href="…" …>TEXT</a> to another server; the text alone where it may not be a link. */
void html_link(struct html *html, const char *href, const char *text);

/* "03:20 UTC", on another day than now_us "2026-11-29 03:20 UTC"; 0: "never". */
void html_clock(struct html *html, int64_t us, int64_t now_us);
/* The same in an element <time>. */
void html_time(struct html *html, int64_t us, int64_t now_us);
/* "12 min", whole minutes, below one whole seconds; of what has not begun "0 s". */
void html_age(struct html *html, int64_t us);
/* "340 µs", "12.3 ms", "4.98 s". */
void html_duration(struct html *html, int64_t us);

#endif
