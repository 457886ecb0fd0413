/*
 * JSON into a buf: control characters are escaped and bytes that are no UTF-8 replaced, so that
 * every reader accepts the result.
 *
 * A string is copied in runs that need no escape. Where SSE2 is at hand, sixteen bytes are copied
 * and looked at together, since a text that is itself JSON has a quote every few bytes.
 */
#include "tracepager/buf_json.h"

#include <stdint.h>
#include <string.h>

#include "tracepager/utf8.h"

#if defined(__SSE2__) && !defined(BUF_JSON_PORTABLE)
#include <emmintrin.h>
#endif

/* A buf whose memory is written to past its length: `at` is where the next byte goes. */
struct json_writer {
	struct buf *buf;
	char *at;
	size_t room; /* bytes from `at` on, without that of the NUL */
};

static void json_writer_begin(struct json_writer *writer, struct buf *buf)
{
	writer->buf = buf;
	writer->at = buf->data + buf->len;
	writer->room = buf->size - buf->len - 1;
}

static void json_writer_end(const struct json_writer *writer)
{
	writer->buf->len = (size_t)(writer->at - writer->buf->data);
	*writer->at = '\0';
}

/* Makes room for n bytes, and for as many as the rest of the text has at least. */
static bool json_writer_room(struct json_writer *writer, size_t n, size_t rest)
{
	json_writer_end(writer);
	buf_want(writer->buf, n + rest + 1);
	bool fits = buf_reserve(writer->buf, n);
	json_writer_begin(writer, writer->buf);
	return fits;
}

static bool json_writer_add(struct json_writer *writer, const char *data, size_t n, size_t rest)
{
	if (n > writer->room && !json_writer_room(writer, n, rest))
		return false;
	memcpy(writer->at, data, n);
	writer->at += n;
	writer->room -= n;
	return true;
}

/* May the byte stand in a JSON string as it is, and is it ASCII? */
static bool json_is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static bool json_add_escape(struct json_writer *writer, unsigned char c, size_t rest)
{
	static const char hex[] = "0123456789abcdef";
	char escape[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
	size_t n = 2;

	switch (c) {
	case '"':
	case '\\':
		escape[1] = (char)c;
		break;
	case '\n':
		escape[1] = 'n';
		break;
	case '\r':
		escape[1] = 'r';
		break;
	case '\t':
		escape[1] = 't';
		break;
	default:
		n = sizeof(escape);
		break;
	}
	return json_writer_add(writer, escape, n, rest);
}

/* Adds a character that is not plain, or several that are no ASCII; returns how many bytes of the
 * text were taken, 0: they do not fit. */
static size_t json_add_special(struct json_writer *writer, const char *text, size_t len)
{
	unsigned char c = (unsigned char)*text;

	if (c < 0x80)
		return json_add_escape(writer, c, len) ? 1 : 0;
	/* They come in runs: bars of a waterfall, words of other scripts. */
	size_t run = 0, n;
	while (run < len && (unsigned char)text[run] >= 0x80 &&
	       (n = utf8_len(text + run, len - run)))
		run += n;
	if (run)
		return json_writer_add(writer, text, run, len) ? run : 0;
	return json_writer_add(writer, "\xef\xbf\xbd", 3, len) ? 1 : 0;
}

/* Copies plain bytes from the beginning of the text, as many as there are and as there is room for
 * without a look at the cap; returns how many. */
static size_t json_add_run(struct json_writer *writer, const char *text, size_t len)
{
	size_t most = len < writer->room ? len : writer->room, n = 0;

#if defined(__SSE2__) && !defined(BUF_JSON_PORTABLE)
	const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'),
		      blank = _mm_set1_epi8(' ');
	unsigned int special = 0;

	for (; most - n >= 16 && !special; n += 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + n));
		/* Signed: a byte of a longer character is below the blank, too. */
		__m128i found = _mm_or_si128(
			_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash)),
			_mm_cmplt_epi8(bytes, blank));
		_mm_storeu_si128((__m128i *)(void *)(writer->at + n), bytes);
		special = (unsigned int)_mm_movemask_epi8(found);
	}
	if (special) {
		n = n - 16 + (unsigned int)__builtin_ctz(special);
		writer->at += n;
		writer->room -= n;
		return n;
	}
#endif
	for (; n < most && json_is_plain((unsigned char)text[n]); n++)
		writer->at[n] = text[n];
	writer->at += n;
	writer->room -= n;
	return n;
}

static bool json_add_text(struct json_writer *writer, const char *text, size_t len)
{
	size_t i = 0;

	for (;;) {
		i += json_add_run(writer, text + i, len - i);
		if (i == len)
			return true;
		if (json_is_plain((unsigned char)text[i])) { /* the room is used up */
			if (!json_writer_room(writer, 1, len - i))
				return false;
			continue;
		}
		if ((text[i] == '"' || text[i] == '\\') && writer->room >= 2) {
			*writer->at++ = '\\';
			*writer->at++ = text[i++];
			writer->room -= 2;
			continue;
		}
		size_t n = json_add_special(writer, text + i, len - i);
		if (!n)
			return false;
		i += n;
	}
}

bool buf_json_stringn(struct buf *buf, const char *text, size_t len)
{
	struct json_writer writer;

	buf_want(buf, len + 2);
	if (!buf_putc(buf, '"'))
		return false;
	json_writer_begin(&writer, buf);
	bool fits = json_add_text(&writer, text, len);
	json_writer_end(&writer);
	return fits && buf_putc(buf, '"');
}

bool buf_json_string(struct buf *buf, const char *text)
{
	if (!text)
		return buf_puts(buf, "null");
	return buf_json_stringn(buf, text, strlen(text));
}

bool buf_json_keyn(struct buf *buf, const char *key, size_t len)
{
	char last = buf->len > 0 ? buf->data[buf->len - 1] : '{';

	if (last != '{' && last != '[' && last != ',')
		buf_putc(buf, ',');
	buf_json_stringn(buf, key, len);
	return buf_putc(buf, ':');
}

bool buf_add_int(struct buf *buf, int64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);
	uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

	do
		digits[--at] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (number < 0)
		digits[--at] = '-';
	return buf_add(buf, digits + at, sizeof(digits) - at);
}
