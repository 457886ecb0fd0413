/* Web HTML: texts of strangers in pages, and the frame around a page. See web_html-internal.h. */
#include "web_html-internal.h"

#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/plain.h"

static void html_escape(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			buf_puts(out, "&amp;");
		else if (*text == '<')
			buf_puts(out, "&lt;");
		else if (*text == '>')
			buf_puts(out, "&gt;");
		else if (*text == '"')
			buf_puts(out, "&quot;");
		else if (*text == '\'')
			buf_puts(out, "&#39;");
		else if ((unsigned char)*text >= ' ' || *text == '\n' || *text == '\t')
			buf_putc(out, *text);
	}
}

void html_text(struct buf *out, const char *text)
{
	struct buf line = BUF_INIT(LIMIT_LINK_PAGE_BYTES);

	plain_add(&line, text, LIMIT_HTML_COLUMNS);
	html_escape(out, buf_text(&line));
	buf_fini(&line);
}

void html_lines(struct buf *out, const char *text)
{
	/* In a <pre> a first line end would be dropped. */
	if (*text == '\n')
		buf_putc(out, '\n');
	html_escape(out, text);
}

bool html_is_address(const char *href)
{
	return strncmp(href, "https://", 8) == 0 || strncmp(href, "http://", 7) == 0;
}

static const char html_style[] =
	":root{color-scheme:light dark;--line:#c8ccd0;--soft:#f1f3f5;--red:#b3261e;--green:#1b6e3c;"
	"--main:#0b57d0}"
	"@media(prefers-color-scheme:dark){:root{--line:#3c4043;--soft:#26292c;--red:#f2b8b5;"
	"--green:#8fd6a8;--main:#8ab4f8}}"
	"body{font:1.0625rem/1.45 system-ui,sans-serif;margin:0}"
	"main{max-width:42rem;margin:0 auto;padding:1rem}"
	"h1{font-size:1.3rem;line-height:1.3;margin:.5rem 0;overflow-wrap:anywhere}"
	"h2{font-size:1rem;margin:1.25rem 0 .25rem}"
	"p,dd{margin:.25rem "
	"0;overflow-wrap:anywhere}dt{font-weight:600;margin-top:.75rem}dd{margin-left:0}"
	".notice{padding:.75rem;border-radius:.5rem;background:var(--soft);border-left:.35rem "
	"solid "
	"var(--green)}"
	".bad{border-left-color:var(--red)}"
	".state{font-weight:600}.open{color:var(--red)}.taken{color:var(--green)}"
	"button{font:inherit;width:100%;min-height:3.25rem;margin:.35rem 0;padding:.5rem "
	"1rem;border:1px "
	"solid var(--line);border-radius:.5rem;background:var(--soft);color:inherit}"
	"button.main{background:var(--main);color:Canvas;font-weight:600;border:0}"
	"label{display:block;margin:.75rem 0 .25rem}"
	"input,textarea{font:inherit;width:100%;box-sizing:border-box;padding:.6rem;border:1px "
	"solid "
	"var(--line);border-radius:.5rem;background:Canvas;color:CanvasText}"
	".pair{display:flex;gap:.5rem}"
	"pre{overflow-x:auto;font-size:.8rem;background:var(--soft);padding:.5rem;border-radius:."
	"5rem}"
	"footer{margin-top:1.5rem;font-size:.85rem;opacity:.8}a{color:var(--main)}";

void html_begin(struct buf *out, const char *nonce, const char *title)
{
	buf_puts(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
		      "<meta name=\"referrer\" content=\"no-referrer\"><meta name=\"robots\" "
		      "content=\"noindex\"><meta name=\"format-detection\" "
		      "content=\"telephone=no\"><title>");
	html_text(out, title);
	buf_printf(out, "</title><style nonce=\"%s\">%s</style></head><body><main>\n", nonce,
		   html_style);
}

void html_end(struct buf *out)
{
	buf_puts(out, "</main></body></html>\n");
}
