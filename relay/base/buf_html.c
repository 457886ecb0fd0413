/* Text in HTML: see buf_html.h. */
#include "tracepager/buf_html.h"

static const char *html_entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void buf_html(struct buf *out, const char *text, size_t len)
{
	for (const char *end = text + len; text < end; text++) {
		const char *entity = html_entity(*text);
		if (entity)
			buf_puts(out, entity);
		else if ((unsigned char)*text >= ' ' || *text == '\n' || *text == '\t')
			buf_putc(out, *text);
	}
}
