/*
 * Standard Webhooks: the signature of version 1, for pages that are sent and for what is told back.
 * Pure; owns nothing.
 */
#include "pager-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tracepager/limits.h"

/* The largest signed content: a page, or what is told back, behind its id and its time. */
#define CONTENT_BYTES (LIMIT_PAGE_BYTES + LIMIT_HEADER_BYTES)

/* The key of the MAC. */
static int webhook_key(const char *secret, unsigned char *out, size_t size, size_t *ret_len)
{
	static const char prefix[] = "whsec_";
	size_t len = strlen(secret);

	if (strncmp(secret, prefix, strlen(prefix)) != 0) {
		*ret_len = len < size ? len : size;
		memcpy(out, secret, *ret_len);
		return 0;
	}
	int decoded = base64_decode(secret + strlen(prefix), len - strlen(prefix), out, size);
	if (decoded <= 0)
		return -EINVAL;
	*ret_len = (size_t)decoded;
	return 0;
}

int standard_webhook_mac(const char *secret, const char *id, const char *timestamp,
			 const void *body, size_t len, unsigned char out[HMAC_SHA256_BYTES])
{
	struct buf content = BUF_INIT(CONTENT_BYTES);
	unsigned char key[LIMIT_SECRET_BYTES];
	size_t key_len = 0;

	int error = webhook_key(secret, key, sizeof(key), &key_len);
	if (error)
		return error;
	buf_printf(&content, "%s.%s.", id, timestamp);
	buf_add(&content, body, len);
	error = content.failed ? -EINVAL
			       : hmac_sha256(key, key_len, buf_text(&content), content.len, out);
	explicit_bzero(key, sizeof(key));
	buf_fini(&content);
	return error;
}

bool standard_webhook_has(const char *signatures, const unsigned char mac[HMAC_SHA256_BYTES])
{
	static const char version[] = "v1,";
	unsigned char one[HMAC_SHA256_BYTES];

	for (signatures += strspn(signatures, " "); *signatures;
	     signatures += strspn(signatures, " ")) {
		const size_t len = strcspn(signatures, " "), skip = strlen(version);
		if (len > skip && strncmp(signatures, version, skip) == 0 &&
		    base64_decode(signatures + skip, len - skip, one, sizeof(one)) ==
			    HMAC_SHA256_BYTES &&
		    hmac_sha256_equals(one, mac))
			return true;
		signatures += len;
	}
	return false;
}
