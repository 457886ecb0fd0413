/*
 * Jread number: the grammar of JSON's numbers, and their values for handlers. It never rounds an
 * integer: one that does not fit 64 bits fails.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/jread-internal.h"
#include "tracepager/xalloc.h"

/* The first byte that the grammar of numbers does not allow there, or end. *ret_short: the text
 * ends where a digit belongs. */
static const char *number_check(const char *p, const char *end, bool *ret_short)
{
	const char *digits;

	*ret_short = false;
	if (p < end && *p == '-')
		p++;
	digits = p;
	p = p < end && *p == '0' ? p + 1 : skip_digits(p, end);
	if (p == digits)
		goto missing;
	if (p < end && *p == '.') {
		digits = ++p;
		p = skip_digits(p, end);
		if (p == digits)
			goto missing;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		digits = p;
		p = skip_digits(p, end);
		if (p == digits)
			goto missing;
	}
	return p;
missing:
	*ret_short = p == end;
	return p;
}

bool jread_number_ok(struct jread *r, const char *text, size_t len, uint64_t at)
{
	bool is_short;
	const char *bad;

	if (len > LIMIT_TOKEN_BYTES) {
		r->token_at = at;
		jread_fail_token_size(r);
		return false;
	}
	bad = number_check(text, text + len, &is_short);
	if (bad == text + len && !is_short)
		return true;
	if (is_short)
		jread_fail(r, at + len, EBADMSG, "a number ends where a digit belongs");
	else if (is_digit(*bad))
		jread_fail(r, at + (uint64_t)(bad - text), EBADMSG, "a number with a leading zero");
	else
		jread_fail_byte(r, at + (uint64_t)(bad - text), (unsigned char)*bad,
				"a digit or the number's end");
	return false;
}

/* The value of eight digits, the first of them in the lowest byte: pairs, then fours, then eight.
 */
static inline uint64_t eight_digits_value(uint64_t word)
{
	word = (word & ONES * 0xf) * (1 + (10 << 8)) >> 8;
	word = (word & UINT64_C(0x00ff00ff00ff00ff)) * (1 + (100 << 16)) >> 16;
	return (word & UINT64_C(0x0000ffff0000ffff)) * (1 + (UINT64_C(10000) << 32)) >> 32;
}

/* The value of len <= 19 digits. */
static uint64_t digits_value(const char *p, size_t len)
{
	const char *end = p + len;
	uint64_t value = 0;

	for (; end - p >= 8; p += 8) {
		uint64_t word = load64(p);

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
		word = __builtin_bswap64(word);
#endif
		value = value * 100000000 + eight_digits_value(word);
	}
	for (; p < end; p++)
		value = value * 10 + (uint64_t)(*p - '0');
	return value;
}

/* The exponent behind e, saturated so that adding a length to it cannot overflow. */
static int64_t exponent_value(const char *p, const char *end)
{
	bool negative = p < end && *p == '-';
	int64_t value = 0;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	for (; p < end && is_digit(*p); p++)
		if (value < INT32_MAX)
			value = value * 10 + (*p - '0');
	return negative ? -value : value;
}

/* A number with a point or an exponent: the value of its digits, then as many zeros as the exponent
 * leaves. value is negative or 0, since -INT64_MIN is no int64_t. */
static bool decimal_int64(const char *text, size_t len, bool negative, int64_t *ret)
{
	const char *end = text + len, *p;
	int64_t value = 0, zeros, point = 0; /* point: digits behind it */
	int64_t trailing = 0;		     /* zeros that were read and are not yet in value */
	bool behind = false;

	for (p = text; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			behind = true;
			continue;
		}
		point += behind;
		if (*p == '0') {
			trailing++;
			continue;
		}
		for (; value != 0 && trailing > 0; trailing--)
			if (__builtin_mul_overflow(value, 10, &value))
				return false;
		trailing = 0;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, *p - '0', &value))
			return false;
	}
	zeros = trailing - point + (p < end ? exponent_value(p + 1, end) : 0);
	for (; value != 0 && zeros > 0; zeros--)
		if (__builtin_mul_overflow(value, 10, &value))
			return false;
	if (value != 0 && zeros < 0)
		return false;
	if (!negative && value == INT64_MIN)
		return false;
	*ret = negative ? value : -value;
	return true;
}

bool jread_int64(const char *text, size_t len, int64_t *ret)
{
	bool negative = len > 0 && text[0] == '-', is_short;
	const char *digits = text + negative, *end = text + len;

	if (len - negative - 1 < 19 && skip_digits(digits, end) == end) {
		uint64_t value = digits_value(digits, len - negative);

		/* The negative limit has no positive counterpart: decimal_int64() reads it. */
		if (value <= INT64_MAX) {
			*ret = negative ? -(int64_t)value : (int64_t)value;
			return true;
		}
	}
	if (number_check(text, end, &is_short) != end || is_short)
		return false;
	return decimal_int64(digits, len - negative, negative, ret);
}

bool jread_double(const char *text, size_t len, double *ret)
{
	char small[64];
	char *copy = small, *rest;
	bool is_short;

	if (number_check(text, text + len, &is_short) != text + len || is_short)
		return false;
	if (len >= sizeof(small))
		copy = xstrndup(text, len);
	else
		memcpy(small, text, len);
	copy[len] = '\0';
	*ret = strtod(copy, &rest);
	if (copy != small)
		free(copy);
	return true;
}
