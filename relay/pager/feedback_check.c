/*
 * The proof that what is told back comes from the pager: a secret in a header, or the signature of
 * Standard Webhooks. Two secrets may be live, while one is rotated. Pure; owns nothing.
 */
#include "feedback-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tracepager/clock.h"
#include "tracepager/hex.h"
#include "tracepager/limits.h"

bool feedback_fits(const struct feedback_request *request, struct err *err)
{
	if (request->len <= LIMIT_FEEDBACK_BYTES)
		return true;
	err_set(err, E2BIG, "the body has more than %u bytes", LIMIT_FEEDBACK_BYTES);
	return false;
}

/* ---- a secret in a header ---- */

/* Compares the MACs of both by one key: the time tells neither how much of the candidate is right
 * nor how long the secret is. */
static bool is_live_secret(const struct feedback_request *request, const char *candidate,
			   size_t len)
{
	static const char key[] = "a secret in a header";
	unsigned char theirs[HMAC_SHA256_BYTES], ours[HMAC_SHA256_BYTES];
	bool found = false;

	if (hmac_sha256(key, strlen(key), candidate, len, theirs) < 0)
		return false;
	for (size_t i = 0; i < LIMIT_LIVE_SECRETS; i++) {
		const char *secret = request->secrets[i].value;
		if (secret && *secret &&
		    hmac_sha256(key, strlen(key), secret, strlen(secret), ours) == 0)
			found |= hmac_sha256_equals(theirs, ours);
	}
	return found;
}

/* The password of "USER:PASSWORD" in base64. */
static bool is_live_password(const struct feedback_request *request, const char *text)
{
	unsigned char pair[LIMIT_SECRET_BYTES + LIMIT_FEEDBACK_NAME_BYTES];
	const int len = base64_decode(text, strlen(text), pair, sizeof(pair));
	const unsigned char *colon = len > 0 ? memchr(pair, ':', (size_t)len) : NULL;
	const bool found = colon && is_live_secret(request, (const char *)colon + 1,
						   (size_t)(pair + len - colon) - 1);

	explicit_bzero(pair, sizeof(pair));
	return found;
}

/* The text behind "SCHEME "; NULL: the header has another scheme. */
static const char *behind_scheme(const char *header, const char *scheme)
{
	const size_t len = strlen(scheme);

	if (strncasecmp(header, scheme, len) != 0 || header[len] != ' ')
		return NULL;
	return header + len + strspn(header + len, " ");
}

enum feedback_verdict feedback_check_header(const struct feedback_request *request, struct err *err)
{
	const char *header = request->header(request->ctx, "Authorization");

	if (header) {
		const char *bearer = behind_scheme(header, "Bearer");
		const char *basic = behind_scheme(header, "Basic");
		const char *secret = bearer ? bearer : header;
		if (basic ? is_live_password(request, basic)
			  : is_live_secret(request, secret, strlen(secret)))
			return FEEDBACK_VERIFIED;
	}
	err_set(err, EACCES,
		"%s: let the service send the header \"Authorization: Bearer SECRET\" with the "
		"feedback_secret of the pager",
		header ? "Authorization fits no feedback_secret of the pager"
		       : "the request has no header Authorization");
	return FEEDBACK_UNSIGNED;
}

/* ---- signatures ---- */

bool feedback_is_recent(const char *seconds, int64_t wall_us, int64_t *ret_at_us)
{
	const size_t len = strlen(seconds);

	/* Signed: it is a number of seconds, or the sender's bug. */
	if (len == 0 || len > 12 || strspn(seconds, "0123456789") != len)
		return false;
	*ret_at_us = strtoll(seconds, NULL, 10) * US_PER_SECOND;
	return llabs(wall_us - *ret_at_us) <= LIMIT_FEEDBACK_SIGNED_US;
}

bool feedback_is_hex(const char *text, size_t len, const unsigned char mac[HMAC_SHA256_BYTES])
{
	unsigned char one[HMAC_SHA256_BYTES];

	if (len != 2 * sizeof(one))
		return false;
	for (size_t i = 0; i < sizeof(one); i++) {
		const int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		one[i] = (unsigned char)(high << 4 | low);
	}
	return hmac_sha256_equals(one, mac);
}

static bool is_standard_signed(const struct feedback_request *request, const char *id,
			       const char *timestamp, const char *signatures)
{
	unsigned char mac[HMAC_SHA256_BYTES];

	for (size_t i = 0; i < LIMIT_LIVE_SECRETS; i++) {
		const char *secret = request->secrets[i].value;
		if (secret && *secret &&
		    standard_webhook_mac(secret, id, timestamp, request->body, request->len, mac) ==
			    0 &&
		    standard_webhook_has(signatures, mac))
			return true;
	}
	return false;
}

enum feedback_verdict feedback_check_standard(const struct feedback_request *request,
					      int64_t *ret_at_us, struct err *err)
{
	const char *id = request->header(request->ctx, "webhook-id");
	const char *timestamp = request->header(request->ctx, "webhook-timestamp");
	const char *signatures = request->header(request->ctx, "webhook-signature");

	if (!id || !*id || !timestamp || !signatures) {
		err_set(err, EACCES,
			"sign the request as Standard Webhooks say: webhook-id, webhook-timestamp "
			"and webhook-signature");
		return FEEDBACK_UNSIGNED;
	}
	if (!is_standard_signed(request, id, timestamp, signatures)) {
		err_set(err, EACCES,
			"webhook-signature fits no feedback_secret of the pager: sign "
			"webhook-id.webhook-timestamp.body with HMAC-SHA256, v1 and base64");
		return FEEDBACK_UNSIGNED;
	}
	if (!feedback_is_recent(timestamp, request->wall_us, ret_at_us)) {
		err_set(err, ESTALE,
			"webhook-timestamp is more than 5 minutes from the clock here: sign again "
			"for every attempt, and look at both clocks");
		return FEEDBACK_STALE;
	}
	return FEEDBACK_VERIFIED;
}
