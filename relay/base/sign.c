/* HMAC-SHA256, base64 and random ids, by libcrypto and the kernel. */
#include "tracepager/sign.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

int hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
		unsigned char out[HMAC_SHA256_BYTES])
{
	unsigned int out_len = 0;

	if (key_len > INT_MAX || !HMAC(EVP_sha256(), key, (int)key_len, data, len, out, &out_len))
		return -EINVAL;
	return out_len == HMAC_SHA256_BYTES ? 0 : -EINVAL;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *data, size_t len, char *out)
{
	const unsigned char *in = data;

	for (; len >= 3; in += 3, len -= 3, out += 4) {
		out[0] = alphabet[in[0] >> 2];
		out[1] = alphabet[(in[0] & 3) << 4 | in[1] >> 4];
		out[2] = alphabet[(in[1] & 15) << 2 | in[2] >> 6];
		out[3] = alphabet[in[2] & 63];
	}
	if (len) {
		unsigned int second = len == 2 ? in[1] : 0;
		out[0] = alphabet[in[0] >> 2];
		out[1] = alphabet[(in[0] & 3) << 4 | second >> 4];
		out[2] = len == 2 ? alphabet[(second & 15) << 2] : '=';
		out[3] = '=';
		out += 4;
	}
	*out = '\0';
}

int base64_decode(const char *text, size_t len, unsigned char *out, size_t cap)
{
	size_t n = 0;
	unsigned int bits = 0, have = 0, padding = 0;

	if (len % 4)
		return -1;
	for (size_t i = 0; i < len; i++) {
		const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;
		if (text[i] == '=' && i + 2 >= len) {
			padding++;
			continue;
		}
		if (!at || padding)
			return -1;
		bits = bits << 6 | (unsigned int)(at - alphabet);
		have += 6;
		if (have >= 8) {
			have -= 8;
			if (n == cap)
				return -1;
			out[n++] = (unsigned char)(bits >> have);
		}
	}
	return (int)n;
}

void random_hex(char *out, size_t n)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		unsigned char byte;
		while (getrandom(&byte, 1, 0) != 1)
			if (errno != EINTR)
				abort(); /* no ids without randomness */
		out[2 * i] = hex[byte >> 4];
		out[2 * i + 1] = hex[byte & 15];
	}
	out[2 * n] = '\0';
}
