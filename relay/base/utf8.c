/* UTF-8: the checks look at eight bytes at a time where these are ASCII. */
#include "tracepager/utf8.h"

#include <stdint.h>
#include <string.h>

size_t utf8_len(const char *text, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (bytes[0] < 0x80)
		return 1;
	if (bytes[0] >= 0xc2 && bytes[0] <= 0xdf)
		n = 2;
	else if ((bytes[0] & 0xf0) == 0xe0)
		n = 3;
	else if (bytes[0] >= 0xf0 && bytes[0] <= 0xf4)
		n = 4;
	else
		return 0;
	/* The second byte shows over-long forms, surrogates, and code points above U+10FFFF. */
	if (bytes[0] == 0xe0)
		low = 0xa0;
	else if (bytes[0] == 0xed)
		high = 0x9f;
	else if (bytes[0] == 0xf0)
		low = 0x90;
	else if (bytes[0] == 0xf4)
		high = 0x8f;
	if (len < n || bytes[1] < low || bytes[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (!utf8_continues(text[i]))
			return 0;
	return n;
}

static inline bool is_ascii(const char *text)
{
	uint64_t word;

	memcpy(&word, text, sizeof(word));
	return (word & UINT64_C(0x8080808080808080)) == 0;
}

size_t utf8_span(const char *text, size_t len)
{
	size_t i = 0, n;

	while (i < len) {
		if (len - i >= 8 && is_ascii(text + i)) {
			i += 8;
		} else if (len >= 8 && len - i < 8 && is_ascii(text + len - 8)) {
			return len;
		} else {
			n = (unsigned char)text[i] < 0x80 ? 1 : utf8_len(text + i, len - i);
			if (n == 0)
				break;
			i += n;
		}
	}
	return i;
}

bool buf_add_utf8(struct buf *buf, const char *text, size_t len)
{
	size_t good = utf8_span(text, len);

	while (good < len) {
		buf_add(buf, text, good);
		buf_puts(buf, "\xef\xbf\xbd");
		text += good + 1;
		len -= good + 1;
		good = utf8_span(text, len);
	}
	return buf_add(buf, text, len);
}

size_t utf8_chars(const char *text, size_t max)
{
	size_t i = 0;

	for (size_t n = 0; text[i]; i++)
		if (!utf8_continues(text[i]) && n++ == max)
			break;
	return i;
}

size_t utf8_write(uint32_t point, char out[4])
{
	static const unsigned char marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	const size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; point >>= 6)
		out[i] = (char)(0x80 | (point & 0x3f));
	out[0] = (char)(marks[n] | point);
	return n;
}
