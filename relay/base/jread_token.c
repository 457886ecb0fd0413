/*
 * Jread token: the slow way of the JSON reader, byte by byte, for strings with escapes and for
 * tokens that the end of a piece cuts. Its state is in struct jread, so that the next piece goes on
 * with it. Only this file and jread_number.c judge what is wrong in a string or a number.
 *
 * Functions that take a byte return NULL when they fail, else any text.
 */
#include <errno.h>
#include <string.h>

#include "relay/base/jread-internal.h"
#include "tracepager/hex.h"
#include "tracepager/utf8.h"

/* ---- strings ---- */

void jread_string_begin(struct jread *r, uint64_t at, bool is_key, bool mute)
{
	r->token = TOKEN_STRING;
	r->token_at = at;
	r->token_len = 0;
	r->is_key = is_key;
	r->mute = mute;
	r->string_state = STRING_PLAIN;
	r->high = 0;
	buf_reset(&r->hold);
}

static void hold_add(struct jread *r, const char *text, size_t len)
{
	if (!r->mute)
		buf_add(&r->hold, text, len);
}

static void hold_code_point(struct jread *r, uint32_t c)
{
	char text[4];

	hold_add(r, text, utf8_write(c, text));
}

/* A bad character: U+FFFD in its place where the reader repairs. false: it fails. */
static bool hold_replacement(struct jread *r)
{
	if (!r->repairs)
		return false;
	hold_add(r, "\xef\xbf\xbd", 3);
	r->repaired++;
	return true;
}

/* The byte or escape that is read now does not complete the surrogate before it. */
static const char *end_high_surrogate(struct jread *r, uint64_t at)
{
	if (!hold_replacement(r))
		return jread_fail(r, at, EBADMSG, "a high surrogate without its low one");
	r->high = 0;
	return "";
}

/* Behind the four digits of \u: a code point, or half of one. */
static const char *take_code_unit(struct jread *r, uint64_t at)
{
	uint32_t unit = r->hex;
	const bool is_low = unit >= 0xdc00 && unit <= 0xdfff;

	r->string_state = STRING_PLAIN;
	if (r->high != 0 && is_low) {
		hold_code_point(r, 0x10000 + ((r->high - 0xd800) << 10) + (unit - 0xdc00));
		r->high = 0;
		return "";
	}
	if (r->high != 0 && !end_high_surrogate(r, at))
		return NULL;
	if (is_low) {
		if (!hold_replacement(r))
			return jread_fail(r, at, EBADMSG, "a low surrogate without its high one");
	} else if (unit >= 0xd800 && unit <= 0xdbff) {
		r->high = unit;
		r->string_state = STRING_LOW_SLASH;
	} else {
		hold_code_point(r, unit);
	}
	return "";
}

static const char *jread_take_escape(struct jread *r, unsigned char c, uint64_t at)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found = c != 0 ? strchr(from, c) : NULL;

	if (c == 'u') {
		r->string_state = STRING_HEX;
		r->hex_left = 4;
		r->hex = 0;
		return "";
	}
	if (!found)
		return jread_fail_byte(r, at, c, "an escape (one of \"\\/bfnrtu)");
	hold_add(r, &to[found - from], 1);
	r->string_state = STRING_PLAIN;
	return "";
}

/* A special byte of the plain part, other than the closing quote. */
static const char *take_special(struct jread *r, unsigned char c, uint64_t at)
{
	char byte = (char)c;

	if (c == '\\') {
		r->string_state = STRING_ESCAPE;
		return "";
	}
	if (c < 0x20) {
		err_set(&r->err, EBADMSG,
			"byte 0x%02x in a string; control characters must be escaped", c);
		set_place(r, at);
		return NULL;
	}
	r->utf8_left = (uint8_t)utf8_lead(c, &r->utf8_min, &r->utf8_max);
	if (r->utf8_left == 0 && hold_replacement(r))
		return "";
	if (r->utf8_left == 0) {
		err_set(&r->err, EBADMSG, "byte 0x%02x in a string is not UTF-8", c);
		set_place(r, at);
		return NULL;
	}
	r->string_state = STRING_UTF8;
	r->utf8_held = 1;
	hold_add(r, &byte, 1);
	return "";
}

static const char *take_utf8(struct jread *r, unsigned char c, uint64_t at)
{
	char byte = (char)c;

	if ((c < r->utf8_min || c > r->utf8_max) && r->repairs) {
		if (!r->mute)
			r->hold.len -= r->utf8_held;
		hold_replacement(r);
		r->string_state = STRING_PLAIN;
		r->again = true;
		return "";
	}
	if (c < r->utf8_min || c > r->utf8_max) {
		err_set(&r->err, EBADMSG, "byte 0x%02x breaks a UTF-8 sequence", c);
		set_place(r, at);
		return NULL;
	}
	r->utf8_min = 0x80;
	r->utf8_max = 0xbf;
	r->utf8_held++;
	hold_add(r, &byte, 1);
	if (--r->utf8_left == 0)
		r->string_state = STRING_PLAIN;
	return "";
}

/* One byte of a string that is neither plain text nor the closing quote. */
static const char *string_byte(struct jread *r, unsigned char c, uint64_t at)
{
	int digit;

	switch (r->string_state) {
	case STRING_PLAIN:
		return take_special(r, c, at);
	case STRING_UTF8:
		return take_utf8(r, c, at);
	case STRING_ESCAPE:
		return jread_take_escape(r, c, at);
	case STRING_HEX:
		digit = hex_digit(c);
		if (digit < 0)
			return jread_fail_byte(r, at, c, "a hexadecimal digit");
		r->hex = r->hex << 4 | (uint32_t)digit;
		return --r->hex_left > 0 ? "" : take_code_unit(r, at);
	case STRING_LOW_SLASH:
		r->string_state = STRING_LOW_U;
		if (c == '\\')
			return "";
		r->string_state = STRING_PLAIN;
		r->again = true;
		return end_high_surrogate(r, at);
	case STRING_LOW_U:
		if (c != 'u') {
			r->string_state = STRING_ESCAPE;
			r->again = true;
			return end_high_surrogate(r, at);
		}
		r->string_state = STRING_HEX;
		r->hex_left = 4;
		r->hex = 0;
		return "";
	}
	return NULL;
}

/* Reads on in a string. Returns as jread_token_read(). */
static const char *string_read(struct jread *r, const char *p, const char *end)
{
	while (p < end) {
		if (r->string_state == STRING_PLAIN) {
			const char *q = scan_plain(p, end);

			r->token_len += (size_t)(q - p);
			if (r->token_len > LIMIT_TOKEN_BYTES)
				return jread_fail_token_size(r);
			hold_add(r, p, (size_t)(q - p));
			p = q;
			if (p == end)
				break;
			if (*p == '"') {
				r->token = TOKEN_NONE;
				return p + 1;
			}
		}
		if (++r->token_len > LIMIT_TOKEN_BYTES)
			return jread_fail_token_size(r);
		r->again = false;
		if (!string_byte(r, (unsigned char)*p, place_of(r, p)))
			return NULL;
		if (r->again)
			r->token_len--;
		else
			p++;
	}
	return end;
}

/* ---- numbers and words ---- */

void jread_number_begin(struct jread *r, const char *p, bool mute)
{
	r->token = TOKEN_NUMBER;
	r->token_at = place_of(r, p);
	r->mute = mute;
	buf_reset(&r->hold);
}

void jread_literal_begin(struct jread *r, const char *p, bool mute)
{
	r->token = TOKEN_LITERAL;
	r->token_at = place_of(r, p);
	r->token_len = 0;
	r->mute = mute;
	r->literal = literal_text(*p);
}

bool jread_number_done(struct jread *r)
{
	r->token = TOKEN_NONE;
	if (!jread_number_ok(r, buf_text(&r->hold), r->hold.len, r->token_at))
		return false;
	return r->mute ||
	       report_event(r, JREAD_NUMBER, buf_text(&r->hold), r->hold.len, r->token_at);
}

static const char *number_read(struct jread *r, const char *p, const char *end)
{
	const char *q = p;

	while (q < end && is_number_char(*q))
		q++;
	if (r->hold.len + (size_t)(q - p) > LIMIT_TOKEN_BYTES)
		return jread_fail_token_size(r);
	buf_add(&r->hold, p, (size_t)(q - p));
	if (q == end)
		return end;
	return jread_number_done(r) ? q : NULL;
}

static const char *literal_read(struct jread *r, const char *p, const char *end)
{
	for (; p < end; p++) {
		if (*p != r->literal[r->token_len])
			return jread_fail_byte(r, place_of(r, p), (unsigned char)*p, r->literal);
		if (r->literal[++r->token_len] == '\0') {
			r->token = TOKEN_NONE;
			if (!r->mute && !report_event(r, literal_event(*r->literal), r->literal,
						      r->token_len, r->token_at))
				return NULL;
			return p + 1;
		}
	}
	return end;
}

const char *jread_token_read(struct jread *r, const char *p, const char *end)
{
	enum token token = r->token;

	if (token == TOKEN_STRING) {
		p = string_read(r, p, end);
		if (!p || r->token != TOKEN_NONE)
			return p;
		if (!r->mute && !report_event(r, r->is_key ? JREAD_KEY : JREAD_STRING,
					      buf_text(&r->hold), r->hold.len, r->token_at))
			return NULL;
		if (r->is_key) {
			r->state = STATE_COLON;
			return p;
		}
	} else {
		p = token == TOKEN_NUMBER ? number_read(r, p, end) : literal_read(r, p, end);
		if (!p || r->token != TOKEN_NONE)
			return p;
	}
	r->skip_value = false;
	value_done(r);
	return p;
}
