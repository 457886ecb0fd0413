/*
 * Link: tokens as base64 without padding (RFC 4648 section 5) of
 *
 *	link	version 1, key id (2), day of the end (2), the pager's name, MAC (16)
 *	form	version 1, second when it was shown (5), random (8), MAC (16)
 *
 * with numbers in network order. The MAC is the first half of an HMAC-SHA256 (RFC 2104 section 5)
 * over what it is for, the incident or the token, and the bytes before it.
 */
#include "tracepager/link.h"

#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/sign.h"

#define LINK_VERSION   1
#define LINK_MAC_BYTES (HMAC_SHA256_BYTES / 2)
#define LINK_HEAD      5
#define FORM_HEAD      14
#define FORM_RANDOM_AT 6
#define LINK_BYTES     (LINK_HEAD + LIMIT_LINK_PAGER_BYTES + LINK_MAC_BYTES)

/* ---- base64 for URLs ---- */

static bool url64_add(const unsigned char *bytes, size_t len, struct buf *out)
{
	char code[base64_size(LINK_BYTES)] = "";

	base64_encode(bytes, len, code);
	for (char *at = code; *at && *at != '='; at++)
		if (!buf_putc(out, *at == '+' ? '-' : *at == '/' ? '_' : *at))
			return false;
	return true;
}

/* The number of bytes; 0: it is none, or is written otherwise than we write it. */
static size_t url64_read(const char *text, unsigned char out[LINK_BYTES])
{
	char code[base64_size(LINK_BYTES)] = "", again[base64_size(LINK_BYTES)];
	size_t len = strnlen(text, sizeof(code));

	if (!len || (len + 3) / 4 * 4 >= sizeof(code))
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '+' || text[i] == '/')
			return 0;
		code[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
	}
	for (size_t i = len; i < (len + 3) / 4 * 4; i++)
		code[i] = '=';
	const int n = base64_decode(code, (len + 3) / 4 * 4, out, LINK_BYTES);
	if (n <= 0)
		return 0;
	/* Unused bits of the last character must be zero: each token is written in one way. */
	base64_encode(out, (size_t)n, again);
	return memcmp(code, again, len) == 0 ? (size_t)n : 0;
}

/* ---- signatures ---- */

static void link_mac(const char *key, const char *use, const char *about,
		     const unsigned char *bytes, size_t len, unsigned char out[HMAC_SHA256_BYTES])
{
	struct buf text = BUF_INIT(LIMIT_LINK_SIGNED_BYTES);

	/* The NULs end the two texts, so that no two messages are the same. */
	buf_add(&text, use, strlen(use) + 1);
	buf_add(&text, about, strlen(about) + 1);
	buf_add(&text, bytes, len);
	if (text.failed || hmac_sha256(key, strlen(key), buf_text(&text), text.len, out))
		memset(out, 0, HMAC_SHA256_BYTES);
	buf_fini(&text);
}

/* In constant time. */
static bool link_mac_equals(const unsigned char *a, const unsigned char *b)
{
	volatile unsigned char differs = 0;

	for (size_t i = 0; i < LINK_MAC_BYTES; i++)
		differs |= a[i] ^ b[i];
	return !differs;
}

static const char link_use[] = "tracepager link", form_use[] = "tracepager form";

/* A longer text would not be signed. */
static bool is_signable(const char *about)
{
	return strlen(about) < LIMIT_LINK_SIGNED_BYTES / 2;
}

static void link_key_id(const char *key, unsigned char out[2])
{
	unsigned char mac[HMAC_SHA256_BYTES];

	link_mac(key, "tracepager key", "", NULL, 0, mac);
	memcpy(out, mac, 2);
}

/* ---- links ---- */

bool link_write(const char *key, const char *incident, const char *pager, int64_t expires_us,
		struct buf *out)
{
	unsigned char bytes[LINK_BYTES], mac[HMAC_SHA256_BYTES];
	const size_t name = strlen(pager);
	const int64_t day = expires_us / US_PER_DAY;

	if (!name || name > LIMIT_LINK_PAGER_BYTES || day < 0 || day > UINT16_MAX ||
	    !is_signable(incident))
		return false;
	bytes[0] = LINK_VERSION;
	link_key_id(key, bytes + 1);
	bytes[3] = (unsigned char)(day >> 8);
	bytes[4] = (unsigned char)day;
	memcpy(bytes + LINK_HEAD, pager, name);
	link_mac(key, link_use, incident, bytes, LINK_HEAD + name, mac);
	memcpy(bytes + LINK_HEAD + name, mac, LINK_MAC_BYTES);
	return url64_add(bytes, LINK_HEAD + name + LINK_MAC_BYTES, out);
}

static bool is_signed_by(const char *key, const char *incident, const unsigned char *bytes,
			 size_t len)
{
	unsigned char id[2], mac[HMAC_SHA256_BYTES];

	if (!key)
		return false;
	link_key_id(key, id);
	link_mac(key, link_use, incident, bytes, len - LINK_MAC_BYTES, mac);
	return memcmp(id, bytes + 1, 2) == 0 && link_mac_equals(mac, bytes + len - LINK_MAC_BYTES);
}

enum link_verdict link_read(const char *const *keys, size_t n, const char *token,
			    const char *incident, int64_t now_us, char *ret_pager)
{
	unsigned char bytes[LINK_BYTES];
	const size_t len = url64_read(token, bytes);
	bool good = false;

	if (len <= LINK_HEAD + LINK_MAC_BYTES || bytes[0] != LINK_VERSION || !is_signable(incident))
		return LINK_FORGED;
	for (size_t i = 0; i < n; i++)
		good |= is_signed_by(keys[i], incident, bytes, len);
	const size_t name = len - LINK_HEAD - LINK_MAC_BYTES;
	if (!good || memchr(bytes + LINK_HEAD, '\0', name))
		return LINK_FORGED;
	if (now_us >= (int64_t)(bytes[3] << 8 | bytes[4]) * US_PER_DAY)
		return LINK_EXPIRED;
	memcpy(ret_pager, bytes + LINK_HEAD, name);
	ret_pager[name] = '\0';
	return LINK_GOOD;
}

/* ---- forms ---- */

void link_form_write(const char *key, const char *token, int64_t now_us, struct buf *out)
{
	unsigned char bytes[FORM_HEAD + LINK_MAC_BYTES], mac[HMAC_SHA256_BYTES];
	char digits[2 * (FORM_HEAD - FORM_RANDOM_AT) + 1];
	const int64_t second = now_us / US_PER_SECOND;

	bytes[0] = LINK_VERSION;
	for (int i = 0; i < FORM_RANDOM_AT - 1; i++)
		bytes[1 + i] = (unsigned char)(second >> (8 * (FORM_RANDOM_AT - 2 - i)));
	random_hex(digits, FORM_HEAD - FORM_RANDOM_AT);
	for (size_t i = 0; i < FORM_HEAD - FORM_RANDOM_AT; i++) {
		unsigned int byte;
		sscanf(digits + 2 * i, "%2x", &byte);
		bytes[FORM_RANDOM_AT + i] = (unsigned char)byte;
	}
	link_mac(key, form_use, token, bytes, FORM_HEAD, mac);
	memcpy(bytes + FORM_HEAD, mac, LINK_MAC_BYTES);
	url64_add(bytes, sizeof(bytes), out);
}

enum link_verdict link_form_read(const char *key, const char *token, const char *mark,
				 int64_t now_us, char ret_id[LINK_FORM_ID_SIZE],
				 int64_t *ret_shown_us)
{
	unsigned char bytes[LINK_BYTES], mac[HMAC_SHA256_BYTES];
	int64_t second = 0;

	if (url64_read(mark, bytes) != FORM_HEAD + LINK_MAC_BYTES || bytes[0] != LINK_VERSION ||
	    !is_signable(token))
		return LINK_FORGED;
	link_mac(key, form_use, token, bytes, FORM_HEAD, mac);
	if (!link_mac_equals(mac, bytes + FORM_HEAD))
		return LINK_FORGED;
	for (int i = 1; i < FORM_RANDOM_AT; i++)
		second = second << 8 | bytes[i];
	/* One from the future: the clock was set back. */
	const int64_t age_us = now_us - second * US_PER_SECOND;
	if (age_us < -LIMIT_FORM_US || age_us >= LIMIT_FORM_US)
		return LINK_EXPIRED;
	for (size_t i = 0; i < FORM_HEAD - FORM_RANDOM_AT; i++)
		snprintf(ret_id + 2 * i, 3, "%02x", bytes[FORM_RANDOM_AT + i]);
	*ret_shown_us = second * US_PER_SECOND;
	return LINK_GOOD;
}
