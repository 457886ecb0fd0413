/*
 * Message authentication for signed webhooks: HMAC-SHA256 and base64 (RFC 2104, RFC 4648 section
 * 4). The cryptography is libcrypto's.
 */
#ifndef TRACEPAGER_SIGN_H
#define TRACEPAGER_SIGN_H

#include <stddef.h>

#define HMAC_SHA256_BYTES 32

int hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
		unsigned char out[HMAC_SHA256_BYTES]);
/* Base64 with padding; out holds base64_size(len) bytes, NUL included. */
#define base64_size(len) ((((len) + 2) / 3) * 4 + 1)
void base64_encode(const void *data, size_t len, char *out);
/* Decodes into out (cap bytes); returns the length, or -1 where it is not base64. */
int base64_decode(const char *text, size_t len, unsigned char *out, size_t cap);
/* n random bytes as 2n lower-case hex digits and a NUL, from the kernel. */
void random_hex(char *out, size_t n);

#endif
