/* Log line: see log_line-internal.h. */
#include "log_line-internal.h"

#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/utf8.h"

/* What ends a line that lacks fields, and a whole one. */
static const char *const line_ends[2][2] = { { "\n", " cut=true\n" },
					     { "}\n", ",\"cut\":true}\n" } };
#define LINE_END_BYTES sizeof(",\"cut\":true}\n")

/* Characters of several bytes that terminals and readers of lines obey: the controls of ISO 8859-1,
 * line and paragraph separators, and marks that turn the direction of the text around them. 0: it
 * is another one. len: of the character, which is well formed. */
static unsigned int obeyed_code(const char *text, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)text;
	unsigned int code = 0;

	if (len == 2)
		code = (bytes[0] & 0x1fu) << 6 | (bytes[1] & 0x3fu);
	else if (len == 3)
		code = (bytes[0] & 0x0fu) << 12 | (bytes[1] & 0x3fu) << 6 | (bytes[2] & 0x3fu);
	return (code >= 0x80 && code < 0xa0) || (code >= 0x2028 && code <= 0x202e) ||
			       (code >= 0x2066 && code <= 0x2069)
		       ? code
		       : 0;
}

static bool logfmt_is_plain(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || strchr("\"=\\", *text) ||
		    (unsigned char)*text >= 0x7f)
			return false;
	return true;
}

/* Quoted. Control characters are escaped, so that no peer can fake a line or move a terminal's
 * cursor, and so are bytes that are no UTF-8. */
static void logfmt_add_quoted(struct buf *out, const char *text, size_t len, bool is_cut)
{
	buf_putc(out, '"');
	for (size_t i = 0, n; i < len; i += n) {
		const unsigned char c = (unsigned char)text[i];
		const size_t whole = utf8_len(text + i, len - i);
		n = whole ? whole : 1;
		if (c == '\n')
			buf_puts(out, "\\n");
		else if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c < ' ' || c == 0x7f || !whole)
			buf_printf(out, "\\x%02x", c);
		else if (obeyed_code(text + i, n))
			buf_printf(out, "\\u%04x", obeyed_code(text + i, n));
		else
			buf_add(out, text + i, n);
	}
	buf_puts(out, is_cut ? "…\"" : "\"");
}

/* JSON itself asks for no escape of the delete character and of those that obeyed_code() finds. */
static void json_add_quoted(struct buf *out, const char *text, size_t len, bool is_cut)
{
	buf_putc(out, '"');
	for (size_t i = 0, n; i < len; i += n) {
		const unsigned char c = (unsigned char)text[i];
		const size_t whole = utf8_len(text + i, len - i);
		n = whole ? whole : 1;
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_puts(out, "\\n");
		else if (c == '\t')
			buf_puts(out, "\\t");
		else if (c < ' ' || c == 0x7f)
			buf_printf(out, "\\u%04x", c);
		else if (!whole)
			buf_puts(out, "\xef\xbf\xbd");
		else if (obeyed_code(text + i, n))
			buf_printf(out, "\\u%04x", obeyed_code(text + i, n));
		else
			buf_add(out, text + i, n);
	}
	buf_puts(out, is_cut ? "…\"" : "\"");
}

static void line_add_text(const struct log_line *line, const char *text, size_t most,
			  struct buf *out)
{
	const size_t len = utf8_cut(text, strnlen(text, most + 1), most);
	const bool is_cut = text[len];

	if (line->format == LOG_FORMAT_JSON)
		json_add_quoted(out, text, len, is_cut);
	else if (logfmt_is_plain(text))
		buf_add(out, text, len);
	else
		logfmt_add_quoted(out, text, len, is_cut);
}

static void line_add_key(const struct log_line *line, const char *key, struct buf *out)
{
	if (line->format == LOG_FORMAT_JSON)
		buf_printf(out, ",\"%s\":", key);
	else
		buf_printf(out, " %s=", key);
}

/* False: it did not fit, and the line is as before. */
static bool line_add_field(const struct log_line *line, const struct log_field *field,
			   struct buf *out)
{
	const size_t before = out->len;

	if (!field->key)
		return true;
	line_add_key(line, field->key, out);
	if (field->text)
		line_add_text(line, field->text, field->most ? field->most : LIMIT_LOG_VALUE_BYTES,
			      out);
	else
		buf_add_int(out, field->number);
	if (!out->failed)
		return true;
	out->failed = false;
	out->len = before;
	out->data[before] = '\0';
	return false;
}

void log_line_write(const struct log_line *line, struct buf *out)
{
	const bool json = line->format == LOG_FORMAT_JSON;
	bool whole = true;

	out->cap -= LINE_END_BYTES;
	if (line->prefixed)
		buf_puts(out, log_level_priority(line->level));
	buf_printf(out, json ? "{\"ts\":\"%s\",\"level\":\"%s\"" : "ts=%s level=%s", line->time,
		   log_level_name(line->level));
	if (line->dropped)
		line_add_field(line, &LOG_INT("lines_dropped", (int64_t)line->dropped), out);
	line_add_key(line, "msg", out);
	line_add_text(line, line->message, LIMIT_LOG_VALUE_BYTES, out);
	for (size_t i = 0; i < line->nfields; i++)
		whole &= line_add_field(line, &line->fields[i], out);
	out->cap += LINE_END_BYTES;
	buf_puts(out, line_ends[json][!whole]);
}
