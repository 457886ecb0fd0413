/* Texts of rules that are written for a person: scalars, members, and the place that an entry comes
 * from. */
#include <strings.h>

#include "catalogue-internal.h"

/* Can the text stand without quotes? Not where YAML would read a boolean, a number or a mark. */
static bool is_plain(const char *text)
{
	static const char *const words[] = { "true", "false", "null", "yes", "no",
					     "on",   "off",   "y",    "n",   "~" };
	static const char safe[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
	size_t len = strlen(text);

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return false;
	return len > 0 && strspn(text, safe) == len && text[strspn(text, "0123456789-.")] &&
	       *text != '-' && *text != '.';
}

void cat_write_scalar(struct buf *out, const char *text)
{
	const char *end = text + strlen(text);
	uint32_t c;

	if (is_plain(text)) {
		buf_puts(out, text);
		return;
	}
	buf_putc(out, '"');
	while (text < end) {
		size_t n = ytext_char(text, end, &c);
		if (c == YTEXT_BAD)
			buf_puts(out, "\\uFFFD");
		else if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", (char)c);
		else if (c < 0x20 || (c >= 0x7f && c < 0xa0))
			buf_printf(out, "\\x%02X", (unsigned int)c);
		else if (ytext_break(text, end) || c == 0xfeff || c == 0xfffe || c == 0xffff)
			buf_printf(out, "\\u%04X", (unsigned int)c);
		else
			buf_add(out, text, n);
		text += n;
	}
	buf_putc(out, '"');
}

void cat_write_member(struct buf *out, const char *before, const char *key, const char *value)
{
	if (!value)
		return;
	buf_printf(out, "%s%s: ", before, key);
	cat_write_scalar(out, value);
}

void cat_write_origin(struct buf *out, struct cat_place place, const char *note)
{
	buf_puts(out, "  # ");
	if (place.doc) {
		ytext_show(out, place.doc->file);
		if (place.line)
			buf_printf(out, ":%d", place.line);
	}
	if (note) {
		buf_puts(out, place.doc ? ": " : "");
		ytext_show(out, note);
	}
	buf_putc(out, '\n');
}
