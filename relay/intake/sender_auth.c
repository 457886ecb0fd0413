/* Sender authentication: see sender_auth.h. Sources: the documents of each sender, as named below.
 */
#include "tracepager/sender_auth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/hex.h"
#include "tracepager/sign.h"
#include "tracepager/xalloc.h"

const char *const sign_scheme_words[SIGN_COUNT] = {
	[SIGN_NONE] = "none",		[SIGN_STANDARD_WEBHOOKS] = "standard-webhooks",
	[SIGN_GRAFANA] = "grafana",	[SIGN_GITHUB] = "github",
	[SIGN_PAGERDUTY] = "pagerduty", [SIGN_SENTRY] = "sentry",
	[SIGN_SLACK] = "slack",
};

/* ---- addresses ---- */

static bool parse_address(const char *text, struct address_range *ret_range)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	*ret_range = (struct address_range){ .family = AF_INET, .bits = 32 };
	if (inet_pton(AF_INET, text, ret_range->bytes) == 1)
		return true;
	*ret_range = (struct address_range){ .family = AF_INET6, .bits = 128 };
	if (inet_pton(AF_INET6, text, ret_range->bytes) != 1)
		return false;
	/* An IPv4 peer of a socket for both. */
	if (memcmp(ret_range->bytes, mapped, sizeof(mapped)) == 0) {
		memmove(ret_range->bytes, ret_range->bytes + sizeof(mapped), 4);
		memset(ret_range->bytes + 4, 0, sizeof(mapped));
		ret_range->family = AF_INET;
		ret_range->bits = 32;
	}
	return true;
}

bool address_range_parse(const char *text, struct address_range *ret_range)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	unsigned long bits;
	char *end;

	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	if (!parse_address(address, ret_range))
		return false;
	if (!slash)
		return true;
	bits = strtoul(slash + 1, &end, 10);
	if (slash[1] < '0' || slash[1] > '9' || *end || bits > ret_range->bits)
		return false;
	ret_range->bits = (unsigned int)bits;
	return true;
}

bool address_range_has(const struct address_range *range, const char *address)
{
	struct address_range one;
	unsigned int whole = range->bits / 8, rest = range->bits % 8;

	if (!parse_address(address, &one) || one.family != range->family ||
	    memcmp(one.bytes, range->bytes, whole) != 0)
		return false;
	return !rest || ((one.bytes[whole] ^ range->bytes[whole]) >> (8 - rest)) == 0;
}

bool address_ranges_have(const struct address_range *ranges, size_t n, const char *address)
{
	for (size_t i = 0; i < n; i++)
		if (address_range_has(&ranges[i], address))
			return true;
	return false;
}

/* ---- before the body ---- */

/* A file that could not be read is a secret too, which nothing equals. */
static bool any_declared(const struct secret secrets[LIMIT_LIVE_SECRETS])
{
	for (size_t i = 0; i < LIMIT_LIVE_SECRETS; i++)
		if (secrets[i].value || secrets[i].path)
			return true;
	return false;
}

/* All are compared, so that the time taken does not tell which one is close. */
static bool any_equals(const struct secret secrets[LIMIT_LIVE_SECRETS], const char *shown,
		       size_t len)
{
	bool equals = false;

	for (size_t i = 0; i < LIMIT_LIVE_SECRETS; i++)
		equals |= secret_equals(&secrets[i], shown, len);
	return equals;
}

/* "Basic " and base64 of "user:password" (RFC 7617). */
static bool basic_matches(const struct sender_auth *auth, const char *credentials)
{
	unsigned char text[LIMIT_SECRET_BYTES + LIMIT_RULE_NAME_BYTES + 1];
	const size_t user_len = strlen(auth->basic_user);
	int len = base64_decode(credentials, strlen(credentials), text, sizeof(text));
	bool matches = len > (int)user_len && memcmp(text, auth->basic_user, user_len) == 0 &&
		       text[user_len] == ':' &&
		       any_equals(auth->basic, (const char *)text + user_len + 1,
				  (size_t)len - user_len - 1);

	explicit_bzero(text, sizeof(text));
	return matches;
}

bool sender_auth_token_shown(const struct sender_auth *auth, const char *authorization)
{
	if (!authorization)
		return false;
	if (strncasecmp(authorization, "Bearer ", 7) == 0)
		return any_equals(auth->bearer, authorization + 7, strlen(authorization + 7));
	return auth->basic_user && strncasecmp(authorization, "Basic ", 6) == 0 &&
	       basic_matches(auth, authorization + 6);
}

bool sender_auth_has_token(const struct sender_auth *auth)
{
	return any_declared(auth->bearer) || auth->basic_user;
}

bool sender_auth_any(const struct sender_auth *auth)
{
	return sender_auth_has_token(auth) || auth->scheme != SIGN_NONE || auth->nclient_names;
}

static bool address_allowed(const struct sender_auth *auth, const char *peer)
{
	return !auth->naddresses || address_ranges_have(auth->addresses, auth->naddresses, peer);
}

static bool client_allowed(const struct sender_auth *auth, const char *name)
{
	for (size_t i = 0; name && i < auth->nclient_names; i++)
		if (strcmp(auth->client_names[i], name) == 0)
			return true;
	return !auth->nclient_names;
}

enum auth_verdict sender_auth_check_head(const struct sender_auth *auth,
					 const struct auth_request *request, struct err *err)
{
	if (!address_allowed(auth, request->peer)) {
		err_set(err, EACCES,
			"the address %s is none of the sender's: add it to addresses in "
			"tracepager.yaml",
			request->peer);
		return AUTH_ADDRESS;
	}
	if (!client_allowed(auth, request->client_name)) {
		if (request->client_name)
			err_set(err, EACCES,
				"the client certificate is for \"%s\", which is none of the "
				"sender's client_names",
				request->client_name);
		else
			err_set(err, EACCES, "this sender must show a client certificate");
		return AUTH_CLIENT;
	}
	if (sender_auth_has_token(auth) &&
	    !sender_auth_token_shown(auth, request->header(request->ctx, "Authorization"))) {
		err_set(err, EACCES, "missing or wrong token");
		return AUTH_TOKEN;
	}
	return AUTH_GOOD;
}

/* ---- signatures ---- */

/* What is signed beside the body, and how the header shows the result. */
struct sign_kind {
	const char *header, *time_header;
	const char *before; /* in front of the hex digits */
	const char *signs;  /* "%s" is the time; NULL: the body alone */
};

static const struct sign_kind sign_kinds[SIGN_COUNT] = {
	[SIGN_GRAFANA] = { "X-Grafana-Alerting-Signature", NULL, "", NULL },
	[SIGN_GITHUB] = { "X-Hub-Signature-256", NULL, "sha256=", NULL },
	[SIGN_PAGERDUTY] = { "X-PagerDuty-Signature", NULL, "v1=", NULL },
	[SIGN_SENTRY] = { "Sentry-Hook-Signature", NULL, "", NULL },
	[SIGN_SLACK] = { "X-Slack-Signature", "X-Slack-Request-Timestamp", "v0=", "v0:%s:" },
};

/* Is one of the signatures in the header, with commas between them, this one? */
static bool shows_mac(const char *shown, const char *before, const unsigned char *mac)
{
	unsigned char bytes[HMAC_SHA256_BYTES];
	bool found = false;

	for (const char *at = shown; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		size_t n = 0;
		at += strspn(at, " ");
		if (strncmp(at, before, strlen(before)) != 0)
			continue;
		const char *digits = at + strlen(before);
		size_t len = strcspn(digits, ", ");
		if (len != 2 * sizeof(bytes))
			continue;
		for (; n < sizeof(bytes); n++) {
			int high = hex_digit(digits[2 * n]), low = hex_digit(digits[2 * n + 1]);
			if (high < 0 || low < 0)
				break;
			bytes[n] = (unsigned char)(high << 4 | low);
		}
		found |= n == sizeof(bytes) && hmac_sha256_equals(bytes, mac);
	}
	return found;
}

/* Is the time, in seconds since 1970, within 5 minutes of now? */
static bool is_fresh(const char *time, int64_t wall_us)
{
	if (!*time || strlen(time) > 12 || time[strspn(time, "0123456789")])
		return false;
	return llabs(wall_us - strtoll(time, NULL, 10) * US_PER_SECOND) <= LIMIT_FEEDBACK_SIGNED_US;
}

static enum auth_verdict judge_time(const char *header, const char *time, int64_t wall_us,
				    struct err *err)
{
	if (is_fresh(time, wall_us))
		return AUTH_GOOD;
	err_set(err, ESTALE,
		"%s is more than 5 minutes from the clock here: sign again for every attempt, and "
		"look at both clocks",
		header);
	return AUTH_STALE;
}

/* The HMAC of what comes before the body, and the body. */
static bool mac_of(const struct secret *secret, const char *before, const char *body, size_t len,
		   unsigned char mac[HMAC_SHA256_BYTES])
{
	struct buf text = BUF_INIT(LIMIT_BODY_BYTES + LIMIT_HEADER_BYTES);
	bool made = false;

	if (!secret->value)
		return false;
	if (!*before)
		return hmac_sha256(secret->value, strlen(secret->value), body, len, mac) == 0;
	buf_puts(&text, before);
	buf_add(&text, body, len);
	if (!text.failed)
		made = hmac_sha256(secret->value, strlen(secret->value), buf_text(&text), text.len,
				   mac) == 0;
	buf_fini(&text);
	return made;
}

static enum auth_verdict check_hex(const struct sender_auth *auth,
				   const struct auth_request *request, struct err *err)
{
	const struct sign_kind *kind = &sign_kinds[auth->scheme];
	const char *header = auth->sign_header ? auth->sign_header : kind->header;
	const char *time_header =
		auth->sign_time_header ? auth->sign_time_header : kind->time_header;
	const char *shown = request->header(request->ctx, header);
	const char *time = time_header ? request->header(request->ctx, time_header) : NULL;
	unsigned char mac[HMAC_SHA256_BYTES];
	bool is_signed = false;

	if (!shown || (time_header && !time)) {
		err_set(err, EACCES, "the request is not signed: it has no header %s",
			shown ? time_header : header);
		return AUTH_SIGNATURE;
	}
	CLEANUP_FREE char *before = !time	  ? xstrdup("")
				    : kind->signs ? xasprintf("v0:%s:", time)
						  : xasprintf("%s:", time);
	for (size_t i = 0; i < LIMIT_LIVE_SECRETS; i++)
		is_signed |= mac_of(&auth->signing[i], before, request->body, request->len, mac) &&
			     shows_mac(shown, kind->before, mac);
	if (!is_signed) {
		err_set(err, EACCES,
			"the signature in %s fits no secret of the sender: compare both secrets, "
			"and "
			"whether a proxy changes the body",
			header);
		return AUTH_SIGNATURE;
	}
	return time ? judge_time(time_header, time, request->wall_us, err) : AUTH_GOOD;
}

/* ---- Standard Webhooks (the specification, "Signature scheme") ---- */

static bool shows_ed25519(const char *key_text, const char *signature, size_t signature_len,
			  const struct buf *data)
{
	unsigned char key[ED25519_KEY_BYTES], bytes[ED25519_SIGNATURE_BYTES];

	return base64_decode(key_text, strlen(key_text), key, sizeof(key)) == sizeof(key) &&
	       base64_decode(signature, signature_len, bytes, sizeof(bytes)) == sizeof(bytes) &&
	       ed25519_verifies(key, bytes, data->data, data->len);
}

/* The key is base64 behind "whsec_"; a secret that is no base64 is the key itself. */
static bool standard_mac(const char *secret, const struct buf *data, unsigned char *mac)
{
	unsigned char key[LIMIT_SECRET_BYTES];
	const char *text = strncmp(secret, "whsec_", 6) == 0 ? secret + 6 : secret;
	int len = base64_decode(text, strlen(text), key, sizeof(key));
	int error = len > 0 ? hmac_sha256(key, (size_t)len, data->data, data->len, mac)
			    : hmac_sha256(secret, strlen(secret), data->data, data->len, mac);

	explicit_bzero(key, sizeof(key));
	return error == 0;
}

/* Does the list of signatures, with blanks between them, hold one by this secret? */
static bool standard_fits(const char *secret, const char *signatures, const struct buf *data)
{
	unsigned char mac[HMAC_SHA256_BYTES], shown[HMAC_SHA256_BYTES];
	bool is_public = strncmp(secret, "whpk_", 5) == 0, fits = false;

	if (!is_public && !standard_mac(secret, data, mac))
		return false;
	for (const char *at = signatures; *at;) {
		at += strspn(at, " ");
		size_t len = strcspn(at, " ");
		if (is_public && len > 4 && strncmp(at, "v1a,", 4) == 0)
			fits |= shows_ed25519(secret + 5, at + 4, len - 4, data);
		else if (!is_public && len > 3 && strncmp(at, "v1,", 3) == 0 &&
			 base64_decode(at + 3, len - 3, shown, sizeof(shown)) == sizeof(shown))
			fits |= hmac_sha256_equals(shown, mac);
		at += len;
	}
	return fits;
}

static enum auth_verdict check_standard(const struct sender_auth *auth,
					const struct auth_request *request, struct err *err)
{
	const char *id = request->header(request->ctx, "webhook-id");
	const char *time = request->header(request->ctx, "webhook-timestamp");
	const char *signatures = request->header(request->ctx, "webhook-signature");
	struct buf data = BUF_INIT(LIMIT_BODY_BYTES + LIMIT_HEADER_BYTES);
	bool is_signed = false;

	if (!id || !time || !signatures) {
		err_set(err, EACCES,
			"the request is not signed: it needs the headers webhook-id, "
			"webhook-timestamp and webhook-signature");
		return AUTH_SIGNATURE;
	}
	buf_printf(&data, "%s.%s.", id, time);
	buf_add(&data, request->body, request->len);
	for (size_t i = 0; i < LIMIT_LIVE_SECRETS && !data.failed; i++)
		is_signed |= auth->signing[i].value &&
			     standard_fits(auth->signing[i].value, signatures, &data);
	buf_fini(&data);
	if (is_signed)
		return judge_time("webhook-timestamp", time, request->wall_us, err);
	err_set(err, EACCES,
		"webhook-signature fits no secret of the sender: sign "
		"webhook-id.webhook-timestamp.body");
	return AUTH_SIGNATURE;
}

enum auth_verdict sender_auth_check_body(const struct sender_auth *auth,
					 const struct auth_request *request, struct err *err)
{
	if (auth->scheme == SIGN_NONE)
		return AUTH_GOOD;
	if (auth->scheme == SIGN_STANDARD_WEBHOOKS)
		return check_standard(auth, request, err);
	return check_hex(auth, request, err);
}

void sender_auth_fini(struct sender_auth *auth)
{
	for (size_t i = 0; i < LIMIT_LIVE_SECRETS; i++) {
		secret_fini(&auth->bearer[i]);
		secret_fini(&auth->basic[i]);
		secret_fini(&auth->signing[i]);
	}
}
