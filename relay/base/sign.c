/* HMAC-SHA256, Ed25519 and base64 by libcrypto, random digits by the kernel. */
#include "tracepager/sign.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
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

bool hmac_sha256_equals(const unsigned char a[HMAC_SHA256_BYTES],
			const unsigned char b[HMAC_SHA256_BYTES])
{
	return CRYPTO_memcmp(a, b, HMAC_SHA256_BYTES) == 0;
}

bool ed25519_verifies(const unsigned char key[ED25519_KEY_BYTES],
		      const unsigned char signature[ED25519_SIGNATURE_BYTES], const void *data,
		      size_t len)
{
	EVP_PKEY *pkey =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, ED25519_KEY_BYTES);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool verifies = pkey && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
			EVP_DigestVerify(ctx, signature, ED25519_SIGNATURE_BYTES, data, len) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return verifies;
}

void base64_encode(const void *data, size_t len, char *out)
{
	assert(len < INT_MAX / 4 * 3);
	EVP_EncodeBlock((unsigned char *)out, data, (int)len);
}

/* EVP_DecodeBlock() reads '=' as a zero and skips white space at both ends; we refuse both. */
static bool is_base64(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '+' && text[i] != '/')
			return false;
	return true;
}

int base64_decode(const char *text, size_t len, unsigned char *out, size_t cap)
{
	const unsigned char *in = (const unsigned char *)text;
	unsigned char last[3]; /* of the last four characters; out may have less room */
	size_t padding = 0;

	if (!len)
		return 0;
	if (len % 4 || len > INT_MAX)
		return -1;
	while (padding < 2 && text[len - 1 - padding] == '=')
		padding++;
	size_t before = len / 4 * 3 - 3, n = before + 3 - padding;
	if (n > cap || !is_base64(text, len - padding) ||
	    EVP_DecodeBlock(last, in + len - 4, 4) < 0 ||
	    (len > 4 && EVP_DecodeBlock(out, in, (int)len - 4) < 0))
		return -1;
	memcpy(out + before, last, 3 - padding);
	explicit_bzero(last, sizeof(last));
	return (int)n;
}

static void kernel_random(void *out, size_t n)
{
	unsigned char *at = out;

	while (n) {
		ssize_t got = getrandom(at, n, 0);
		if (got < 0 && errno != EINTR)
			abort(); /* no ids without randomness */
		if (got > 0) {
			at += got;
			n -= (size_t)got;
		}
	}
}

static void write_hex(const unsigned char *bytes, size_t n, char *out)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = hex[bytes[i] >> 4];
		out[2 * i + 1] = hex[bytes[i] & 15];
	}
	out[2 * n] = '\0';
}

void random_hex(char *out, size_t n)
{
	unsigned char bytes[64];

	assert(n <= sizeof(bytes));
	kernel_random(bytes, n);
	write_hex(bytes, n, out);
	explicit_bzero(bytes, sizeof(bytes));
}

/* Random bytes for the thread's next ids. */
static _Thread_local struct {
	unsigned char bytes[512];
	size_t left;
} id_bytes;
static pthread_once_t id_once = PTHREAD_ONCE_INIT;

/* A child must not give the ids that its parent gives. */
static void forget_id_bytes(void)
{
	id_bytes.left = 0;
}

static void forget_id_bytes_in_children(void)
{
	if (pthread_atfork(NULL, NULL, forget_id_bytes) != 0)
		abort(); /* no memory */
}

/* Borrowed until the thread's next call. */
static const unsigned char *take_id_bytes(size_t n)
{
	assert(n <= sizeof(id_bytes.bytes));
	pthread_once(&id_once, forget_id_bytes_in_children);
	if (id_bytes.left < n) {
		kernel_random(id_bytes.bytes, sizeof(id_bytes.bytes));
		id_bytes.left = sizeof(id_bytes.bytes);
	}
	id_bytes.left -= n;
	return id_bytes.bytes + id_bytes.left;
}

void random_id(char *out, size_t n)
{
	write_hex(take_id_bytes(n), n, out);
}

uint64_t random_id_number(void)
{
	uint64_t number = 0;

	while (!number)
		memcpy(&number, take_id_bytes(sizeof(number)), sizeof(number));
	return number;
}
