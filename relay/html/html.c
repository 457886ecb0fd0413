/* HTML writer: see html.h. */
#include "tracepager/html.h"

#include <math.h>
#include <string.h>

#include "tracepager/buf_html.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"

void html_init(struct html *html, size_t cap_bytes)
{
	buf_init(&html->markup, cap_bytes);
}

void html_fini(struct html *html)
{
	buf_fini(&html->markup);
}

const char *html_markup(const struct html *html, size_t *ret_len)
{
	*ret_len = html->markup.len;
	return html->markup.failed ? NULL : buf_text(&html->markup);
}

void html_add_literal(struct html *html, const char *literal, size_t len)
{
	buf_add(&html->markup, literal, len);
}

/* ---- texts ---- */

void html_text_cut(struct html *html, const char *text, size_t columns)
{
	BUF_LOCAL(line, LIMIT_LINK_PAGE_BYTES);

	plain_add(&line, text, columns);
	buf_html(&html->markup, buf_text(&line), line.len);
	buf_fini(&line);
}

void html_text(struct html *html, const char *text)
{
	html_text_cut(html, text, LIMIT_HTML_COLUMNS);
}

void html_lines(struct html *html, const char *text)
{
	/* In a <pre> a first line end would be dropped. */
	if (*text == '\n')
		buf_putc(&html->markup, '\n');
	buf_html(&html->markup, text, strlen(text));
}

void html_url_part(struct html *html, const char *text)
{
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					 "0123456789-._~";

	for (; text && *text; text++) {
		if (strchr(unreserved, *text))
			buf_putc(&html->markup, *text);
		else
			buf_printf(&html->markup, "%%%02X", (unsigned int)(unsigned char)*text);
	}
}

void html_int(struct html *html, int64_t number)
{
	buf_printf(&html->markup, "%lld", (long long)number);
}

void html_real(struct html *html, double number)
{
	char text[64];

	snprintf(text, sizeof(text), "%.2f", isfinite(number) && fabs(number) < 1e9 ? number : 0.0);
	size_t len = strlen(text);
	while (len && text[len - 1] == '0')
		text[--len] = '\0';
	if (len && text[len - 1] == '.')
		text[--len] = '\0';
	buf_puts(&html->markup, strcmp(text, "-0") == 0 ? "0" : text);
}

void html_share(struct html *html, double share)
{
	buf_printf(&html->markup, "%.2f",
		   isfinite(share) && share >= 0 && share <= 1 ? share : 0.0);
}

/* ---- links ---- */

bool html_is_address(const char *href)
{
	return href && (strncmp(href, "https://", 8) == 0 || strncmp(href, "http://", 7) == 0);
}

void html_link(struct html *html, const char *href, const char *text)
{
	if (!html_is_address(href)) {
		html_text(html, text);
		return;
	}
	HTML(html, "<a rel=\"noreferrer noopener\" href=\"");
	html_text(html, href);
	HTML(html, "\">");
	html_text(html, text);
	HTML(html, "</a>");
}

/* ---- times ---- */

void html_clock(struct html *html, int64_t us, int64_t now_us)
{
	char text[RFC3339_SIZE];

	if (us <= 0) {
		HTML(html, "never");
		return;
	}
	rfc3339_format(us / US_PER_SECOND * US_PER_SECOND, text);
	if (us / US_PER_DAY != now_us / US_PER_DAY)
		buf_printf(&html->markup, "%.10s ", text);
	buf_printf(&html->markup, "%.5s UTC", text + 11);
}

void html_time(struct html *html, int64_t us, int64_t now_us)
{
	char text[RFC3339_SIZE];

	if (us <= 0) {
		html_clock(html, us, now_us);
		return;
	}
	HTML(html, "<time datetime=\"");
	html_text(html, rfc3339_format(us / US_PER_SECOND * US_PER_SECOND, text));
	HTML(html, "\">");
	html_clock(html, us, now_us);
	HTML(html, "</time>");
}

void html_age(struct html *html, int64_t us)
{
	char text[PLAIN_DURATION_SIZE];

	if (us < US_PER_MINUTE)
		buf_printf(&html->markup, "%lld s", us > 0 ? (long long)(us / US_PER_SECOND) : 0LL);
	else if (us < 2 * US_PER_MINUTE)
		HTML(html, "1 min"); /* plain_duration() writes seconds up to there */
	else
		buf_puts(&html->markup, plain_duration(us / US_PER_MINUTE * US_PER_MINUTE, text));
}

void html_duration(struct html *html, int64_t us)
{
	char text[PLAIN_DURATION_SIZE];

	buf_puts(&html->markup, plain_duration(us < 0 ? 0 : us, text));
}
