/*
 * What signed webhooks and ids need: HMAC-SHA256 (RFC 2104), base64 (RFC 4648 section 4) and random
 * digits. libcrypto and the kernel do the work. Nothing is kept; any thread may call these
 * functions.
 */
#ifndef TRACEPAGER_SIGN_H
#define TRACEPAGER_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HMAC_SHA256_BYTES 32

/* 0, or -EINVAL: the key is too long. */
int hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
		unsigned char out[HMAC_SHA256_BYTES]);
/* Compares in a time that tells nothing of either. */
bool hmac_sha256_equals(const unsigned char a[HMAC_SHA256_BYTES],
			const unsigned char b[HMAC_SHA256_BYTES]);
#define ED25519_KEY_BYTES	32
#define ED25519_SIGNATURE_BYTES 64
/* Is it the signature (RFC 8032) of the data by the owner of this public key? */
bool ed25519_verifies(const unsigned char key[ED25519_KEY_BYTES],
		      const unsigned char signature[ED25519_SIGNATURE_BYTES], const void *data,
		      size_t len);
/* Base64 with padding and a NUL: base64_size(len) bytes. */
#define base64_size(len) ((((len) + 2) / 3) * 4 + 1)
void base64_encode(const void *data, size_t len, char *out);
/* Decodes into out. Returns the length; -1: the text is no padded base64, or gives more than cap
 * bytes.
 */
int base64_decode(const char *text, size_t len, unsigned char *out, size_t cap);
/* n random bytes (at most 64), straight from the kernel, as 2n lower-case hexadecimal digits and a
 * NUL: for keys and tokens. Aborts without randomness. */
void random_hex(char *out, size_t n);
/* The same for ids, which are no secret: the kernel is asked for many at once. */
void random_id(char *out, size_t n);
/* 8 bytes of these as a number; never 0. */
uint64_t random_id_number(void);

#endif
