/*
 * Ytext: characters of a text that a person wrote. Decodes UTF-8, counts the cells that a
 * character takes in a terminal, and escapes characters that must not reach one. Independent of
 * the locale, so that a finding looks the same on every machine. Pure: owns nothing.
 */
#include "tracepager/ytext.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tracepager/xalloc.h"

size_t ytext_char(const char *at, const char *end, uint32_t *ret_char)
{
	const unsigned char *c = (const unsigned char *)at;
	size_t left = (size_t)(end - at), n = c[0] < 0x80   ? 1
					      : c[0] < 0xe0 ? 2
					      : c[0] < 0xf0 ? 3
							    : 4;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

	*ret_char = YTEXT_BAD;
	if (n == 1) {
		*ret_char = c[0];
		return 1;
	}
	if (c[0] < 0xc2 || c[0] > 0xf4 || left < n)
		return 1;
	uint32_t value = c[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 1;
		value = value << 6 | (c[i] & 0x3f);
	}
	if (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 1;
	*ret_char = value;
	return n;
}

size_t ytext_break(const char *at, const char *end)
{
	size_t left = (size_t)(end - at);

	if (left == 0)
		return 0;
	if (at[0] == '\r')
		return left > 1 && at[1] == '\n' ? 2 : 1;
	if (at[0] == '\n')
		return 1;
	if (left > 1 && memcmp(at, "\xc2\x85", 2) == 0)
		return 2;
	if (left > 2 && (memcmp(at, "\xe2\x80\xa8", 3) == 0 || memcmp(at, "\xe2\x80\xa9", 3) == 0))
		return 3;
	return 0;
}

struct range {
	uint32_t first, last;
};

static bool in_ranges(uint32_t c, const struct range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* Control characters, invisible ones, and those that change the direction of the text behind
 * them. */
static bool is_hidden(uint32_t c)
{
	static const struct range hidden[] = { { 0, 0x1f },	   { 0x7f, 0x9f },
					       { 0xad, 0xad },	   { 0x61c, 0x61c },
					       { 0x200b, 0x200f }, { 0x2028, 0x202e },
					       { 0x2060, 0x206f }, { 0xfeff, 0xfeff },
					       { 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff } };

	return in_ranges(c, hidden, ARRAY_LEN(hidden));
}

/* Cells of a character: 2 for the blocks of East Asian Width W and F (Unicode), 0 for combining
 * marks, else 1. */
static unsigned int char_cells(uint32_t c)
{
	static const struct range wide[] = {
		{ 0x1100, 0x115f },   { 0x231a, 0x231b },   { 0x2329, 0x232a },
		{ 0x23e9, 0x23ec },   { 0x2e80, 0x303e },   { 0x3041, 0x33ff },
		{ 0x3400, 0x4dbf },   { 0x4e00, 0x9fff },   { 0xa000, 0xa4cf },
		{ 0xa960, 0xa97f },   { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },
		{ 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },
		{ 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff },
		{ 0x20000, 0x3fffd }
	};
	static const struct range none[] = { { 0x300, 0x36f },	 { 0x483, 0x489 },
					     { 0x591, 0x5bd },	 { 0x610, 0x61a },
					     { 0x64b, 0x65f },	 { 0x20d0, 0x20f0 },
					     { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f } };

	if (c < 0x300)
		return 1;
	return in_ranges(c, none, ARRAY_LEN(none))   ? 0
	       : in_ranges(c, wide, ARRAY_LEN(wide)) ? 2
						     : 1;
}

size_t ytext_show_char(struct buf *out, const char *at, size_t len, uint32_t c)
{
	char escape[16];

	if (c != YTEXT_BAD && !is_hidden(c)) {
		buf_add(out, at, len);
		return char_cells(c);
	}
	int n = c == YTEXT_BAD || c < 0x80
			? snprintf(escape, sizeof(escape), "\\x%02x",
				   (unsigned int)(unsigned char)*at)
			: snprintf(escape, sizeof(escape), "\\u{%x}", (unsigned int)c);
	buf_add(out, escape, (size_t)n);
	return (size_t)n;
}

void ytext_show(struct buf *out, const char *text)
{
	const char *end = text + strlen(text);
	uint32_t c;

	while (text < end) {
		size_t n = ytext_char(text, end, &c);
		ytext_show_char(out, text, n, c);
		text += n;
	}
}

/* The authority of a URL ends in no port, in one from 1 to 65535, or in a template's placeholder.
 */
static bool has_good_port(const char *authority, size_t len)
{
	const char *end = authority + len, *at = memrchr(authority, '@', len);
	const char *bracket = memrchr(authority, ']', len);
	const char *from = bracket ? bracket : at ? at : authority;
	const char *colon = memrchr(from, ':', (size_t)(end - from));
	unsigned long port = 0;

	if (!colon || colon + 1 == end || memchr(colon, '{', (size_t)(end - colon)))
		return true;
	for (const char *c = colon + 1; c < end; c++) {
		if (*c < '0' || *c > '9' || (port = port * 10 + (unsigned long)(*c - '0')) > 65535)
			return false;
	}
	return port > 0;
}

bool ytext_is_url(const char *text)
{
	const char *host = strncmp(text, "https://", 8) == 0  ? text + 8
			   : strncmp(text, "http://", 7) == 0 ? text + 7
							      : "";

	for (const char *c = host; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return false;
	size_t len = strcspn(host, "/?#");
	return len > 0 && has_good_port(host, len);
}

bool ytext_is_mail_url(const char *text)
{
	const char *host = strncmp(text, "smtps://", 8) == 0  ? text + 8
			   : strncmp(text, "smtp://", 7) == 0 ? text + 7
							      : "";

	for (const char *c = host; *c; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || strchr("@?#", *c))
			return false;
	size_t len = strcspn(host, "/");
	return len > 0 && has_good_port(host, len);
}

bool ytext_is_token(const char *text, size_t len)
{
	size_t digits = 0, letters = 0;

	for (size_t i = 0; i < len; i++) {
		digits += isdigit((unsigned char)text[i]) != 0;
		letters += isalpha((unsigned char)text[i]) != 0;
	}
	if (digits == len)
		return len >= 12; /* a shorter one is a date, or a number of something */
	if (digits + letters == len)
		return len >= 8 && (digits >= 2 || len >= 20);
	return len >= 16 && digits >= 4;
}

bool ytext_add_open_url(struct buf *out, const char *url, const char *replace)
{
	const char *scheme = strstr(url, "://"), *at = scheme ? scheme + 3 : url,
		   *end = at + strcspn(at, "/?#");
	const char *user = memrchr(at, '@', (size_t)(end - at));
	bool hidden = user != NULL;

	buf_add(out, url, (size_t)(at - url));
	if (user)
		at = user + 1;
	buf_add(out, at, (size_t)(end - at));
	while (*end == '/') {
		size_t len = strcspn(end + 1, "/?#");
		buf_putc(out, '/');
		if (ytext_is_token(end + 1, len)) {
			buf_puts(out, replace);
			hidden = true;
		} else {
			buf_add(out, end + 1, len);
		}
		end += len + 1;
	}
	if (*end == '?')
		buf_printf(out, "?%s", replace);
	return hidden || *end;
}
