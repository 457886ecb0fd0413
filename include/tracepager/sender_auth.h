/*
 * Sender authentication: is a request one of the sender that it names? Pure: the secrets, the
 * request and the time in, a verdict out. It answers nobody and logs nothing; it owns the texts of
 * a struct sender_auth only through sender_auth_fini().
 *
 * What a sender declares must hold all together, but bearer and basic, which share a header: one of
 * the two is enough. Of each secret two may count at once, so that it can be changed without a gap.
 * Secrets are compared in constant time, signatures over the raw body.
 */
#ifndef TRACEPAGER_SENDER_AUTH_H
#define TRACEPAGER_SENDER_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/err.h"
#include "tracepager/limits.h"
#include "tracepager/secret.h"

/* How a request is signed. */
enum sign_scheme {
	SIGN_NONE,
	/* webhook-id, webhook-timestamp and webhook-signature: "v1," HMAC-SHA256, or "v1a," Ed25519
	 * where the secret is a public key "whpk_…". */
	SIGN_STANDARD_WEBHOOKS,
	SIGN_GRAFANA,	/* X-Grafana-Alerting-Signature, hex, over the body or "time:body" */
	SIGN_GITHUB,	/* X-Hub-Signature-256: "sha256=" hex */
	SIGN_PAGERDUTY, /* X-PagerDuty-Signature: "v1=" hex, several with commas */
	SIGN_SENTRY,	/* Sentry-Hook-Signature, hex */
	SIGN_SLACK,	/* X-Slack-Signature: "v0=" hex over "v0:time:body" */
	SIGN_COUNT
};
extern const char *const sign_scheme_words[SIGN_COUNT]; /* "none", "standard-webhooks" … */

/* "10.0.0.0/8", "192.0.2.7", "2001:db8::/32". */
struct address_range {
	unsigned char bytes[16];
	int family; /* AF_INET, AF_INET6 */
	unsigned int bits;
};
/* false: the text is no such range. */
bool address_range_parse(const char *text, struct address_range *ret_range);
bool address_range_has(const struct address_range *range, const char *address);

bool address_ranges_have(const struct address_range *ranges, size_t n, const char *address);

/* A proxy that people sign in at, and that names them in a header. Borrows its texts. */
struct trusted_proxy {
	const char *address_words; /* as written, with blanks between them */
	const struct address_range *addresses;
	size_t naddresses;
	const char *header;
	const char *may;	 /* "read" or "act": what all may that it names */
	const char *who_may_act; /* names with blanks between them: who may act beside that */
};

struct sender_auth {
	struct secret bearer[LIMIT_LIVE_SECRETS]; /* those without a value do not count */
	const char *basic_user;			  /* NULL: none */
	struct secret basic[LIMIT_LIVE_SECRETS];  /* its passwords */
	enum sign_scheme scheme;
	struct secret signing[LIMIT_LIVE_SECRETS];
	/* Names of headers that Grafana lets people choose; NULL: the usual one, no time. */
	const char *sign_header, *sign_time_header;
	const struct address_range *addresses; /* of peers that may send */
	size_t naddresses;		       /* 0: any */
	const char *const *client_names;       /* of client certificates */
	size_t nclient_names;		       /* 0: none is needed */
};

/* What is asked of a request. Borrowed for the call. */
struct auth_request {
	const char *(*header)(const void *ctx, const char *name); /* NULL: it has none */
	const void *ctx;
	const char *body;
	size_t len;
	const char *peer;	 /* its address, without the port */
	const char *client_name; /* of its verified client certificate; NULL: it showed none */
	int64_t wall_us;
};

enum auth_verdict {
	AUTH_GOOD,
	AUTH_ADDRESS,	/* the peer's address may not send */
	AUTH_CLIENT,	/* no client certificate, or one of another name */
	AUTH_TOKEN,	/* no bearer token or password, or a wrong one */
	AUTH_SIGNATURE, /* none, or a wrong one */
	AUTH_STALE,	/* signed too long ago, or in the future */
};

/* Does the sender declare anything? */
bool sender_auth_any(const struct sender_auth *auth);
/* Does it declare a bearer token or a password? */
bool sender_auth_has_token(const struct sender_auth *auth);
/* Is this value of an Authorization header (NULL: none) its token or password? false where it
 * declares none. */
bool sender_auth_token_shown(const struct sender_auth *auth, const char *authorization);
/* All but the signature, which needs the body. err says what the sender has to do. */
enum auth_verdict sender_auth_check_head(const struct sender_auth *auth,
					 const struct auth_request *request, struct err *err);
enum auth_verdict sender_auth_check_body(const struct sender_auth *auth,
					 const struct auth_request *request, struct err *err);
void sender_auth_fini(struct sender_auth *auth); /* wipes the secrets */

#endif
