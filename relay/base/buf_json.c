/*
 * JSON into a buf: control characters are escaped and bytes that are no UTF-8 replaced, so that
 * every reader accepts the result.
 */
#include "tracepager/buf_json.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "tracepager/utf8.h"

/* Do the next eight bytes need no escape: ASCII from the blank on, no quote, no backslash? A borrow
 * of the subtraction may make a plain byte look bad, which only costs time. */
static bool plain_word(const unsigned char *text)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t word;

	memcpy(&word, text, sizeof(word));
	uint64_t quotes = word ^ (ones * '"'), slashes = word ^ (ones * '\\');
	uint64_t bad = word | (word - ones * 0x20) | (quotes - ones) | (slashes - ones);
	return (bad & (ones << 7)) == 0;
}

static bool buf_json_escape(struct buf *buf, unsigned char c)
{
	switch (c) {
	case '"':
		return buf_puts(buf, "\\\"");
	case '\\':
		return buf_puts(buf, "\\\\");
	case '\n':
		return buf_puts(buf, "\\n");
	case '\r':
		return buf_puts(buf, "\\r");
	case '\t':
		return buf_puts(buf, "\\t");
	default:
		return buf_printf(buf, "\\u%04x", c);
	}
}

bool buf_json_stringn(struct buf *buf, const char *text, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t plain = 0, i = 0;

	buf_putc(buf, '"');
	while (i < len) {
		if (len - i >= 8 && plain_word(bytes + i)) {
			i += 8;
			continue;
		}
		size_t n = utf8_len(text + i, len - i);
		if (n > 0 && bytes[i] >= 0x20 && bytes[i] != '"' && bytes[i] != '\\') {
			i += n;
			continue;
		}
		buf_add(buf, text + plain, i - plain);
		if (n == 0)
			buf_puts(buf, "\xef\xbf\xbd");
		else
			buf_json_escape(buf, bytes[i]);
		plain = ++i;
	}
	buf_add(buf, text + plain, len - plain);
	return buf_putc(buf, '"');
}

bool buf_json_string(struct buf *buf, const char *text)
{
	if (!text)
		return buf_puts(buf, "null");
	return buf_json_stringn(buf, text, strlen(text));
}

bool buf_json_key(struct buf *buf, const char *key)
{
	char last = buf->len > 0 ? buf->data[buf->len - 1] : '{';

	if (last != '{' && last != '[' && last != ',')
		buf_putc(buf, ',');
	buf_json_string(buf, key);
	return buf_putc(buf, ':');
}

bool buf_json_text(struct buf *buf, const char *key, const char *text)
{
	buf_json_key(buf, key);
	return buf_json_string(buf, text);
}

bool buf_json_int(struct buf *buf, const char *key, int64_t number)
{
	buf_json_key(buf, key);
	return buf_printf(buf, "%" PRId64, number);
}
