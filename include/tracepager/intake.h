/*
 * Intake: HTTP requests that carry alerts. Authenticates the sender, parses the body in the
 * sender's format, accepts the alerts in slices that do not hold the loop, and answers when they
 * are on disk. Refuses alerts when there is no room for more. Owns the requests under way; alerts
 * are handed on. Loop thread only; the pool parses large bodies.
 *
 *	202 (200 for /api/v2/alerts)   accepted, and on disk. The answer lists what was refused of
 *	      the body, what was cut, and how many bad characters were replaced ("repaired")
 *	400   what is wrong, and where; nothing of the body was taken (/api/v2/alerts: or a part)
 *	401   missing or wrong token, or signature
 *	403   from an address, or with a client certificate, that is none of the sender's
 *	404   no such sender: it is logged, and the fallback team is paged once an hour if the relay
 *	      listens on loopback or the request has a declared sender's token
 *	503   overload, lack of memory, or the store failed; with Retry-After: send the alerts again
 *
 * A refused body, and an alert that is refused inside a good body, page the fallback team once an
 * hour and sender: nobody looks at failed notifications of a sender. The latest such bodies are
 * kept for a person to look at (rejected.h).
 */
#ifndef TRACEPAGER_INTAKE_H
#define TRACEPAGER_INTAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/alert.h"
#include "tracepager/alert_format.h"
#include "tracepager/clock.h"
#include "tracepager/http.h"
#include "tracepager/http_server.h"
#include "tracepager/pool.h"
#include "tracepager/rejected.h"
#include "tracepager/secret.h"
#include "tracepager/sender_auth.h"
#include "tracepager/stage.h"
#include "tracepager/store.h"
#include "tracepager/timers.h"

enum accept_result {
	ACCEPT_NEW,	  /* a firing alert that was not known */
	ACCEPT_REPEATED,  /* known already: refreshed */
	ACCEPT_UNCHANGED, /* the same, and all that has to be on disk is there */
	ACCEPT_RESOLVED,
	ACCEPT_UNKNOWN,	 /* resolved, but was not known as firing: nothing to do */
	ACCEPT_WATCHDOG, /* shows that its sender lives, and is nothing else */
	ACCEPT_COUNT
};

/* A monitoring system that may send. Borrows its texts from the configuration. */
struct sender {
	const char *name;
	enum alert_format_id format;
	const struct sender_auth *auth;	     /* how it shows who it is */
	const struct alert_mapping *mapping; /* of format generic; NULL: none */
	bool group_theirs;		     /* its alerts keep the group that it made of them */
	const char *const *topics;	     /* of Amazon SNS, from which messages are wanted */
	size_t ntopics;
};

/* Why a request is refused before its body counts. */
enum intake_refusal {
	INTAKE_REFUSAL_TOKEN, /* a sender's */
	/* A sender's address, client certificate or signature. */
	INTAKE_REFUSAL_SENDER,
	INTAKE_REFUSAL_SNS,   /* what Amazon SNS did not sign, or the sender does not list */
	INTAKE_REFUSAL_ADMIN, /* an API token */
	INTAKE_REFUSAL_HOST,
	INTAKE_REFUSAL_SITE,
	INTAKE_REFUSAL_LINK, /* the token of a page's link */
	/* Of what pagers tell back. */
	INTAKE_REFUSAL_FEEDBACK_PAGER,	/* the rules have no such pager */
	INTAKE_REFUSAL_FEEDBACK_SECRET, /* the pager has none */
	INTAKE_REFUSAL_FEEDBACK_SIGNATURE,
	INTAKE_REFUSAL_COUNT
};

/* The user of intake, which keeps the alerts. */
struct intake_ops {
	/* May further alerts be accepted? */
	bool (*have_room)(void *ctx);
	/* The alert is borrowed. */
	/* more: alerts of the same body that are still to come. */
	enum accept_result (*accept)(void *ctx, const struct alert *alert, size_t more);
	/* Call done() once all alerts accepted so far are on disk, or failed to get there. Not
	 * asked where all of them were ACCEPT_UNCHANGED. */
	void (*when_durable)(void *ctx, store_done *done, void *arg);
	/* A body, or alerts inside a body, were refused: page somebody about the sender. body->body
	 * NULL: nobody looked at it, since the sender is not declared. Borrowed. */
	void (*body_refused)(void *ctx, const struct rejected_body *body);
	/* The relay's own span of the alert that was accepted last; false: it is not traced. NULL:
	 * none is. */
	bool (*traced)(void *ctx, struct span_context *ret_context);
	/* A request was refused before its body counted. detail: the sender's name, or what a
	 * header said; "": nothing. NULL: nobody listens. */
	void (*request_refused)(void *ctx, const char *why, const char *peer, const char *sender);
	void *ctx;
};

struct intake_env {
	struct pool *pool;
	struct timers *timers;
	const struct clock *clock;
	const struct sender *senders;
	size_t nsenders;
	/* All addresses are loopback: /api/v2/alerts needs no token if no sender declares one, and
	 * requests under an undeclared name may page. */
	bool open;
	/* For certificates and confirmations of Amazon SNS. */
	const struct http_transport *transport;
	const char *authorities; /* in PEM, who vouch for those certificates; NULL: the system's */
	struct intake_ops ops;
};

struct intake;

/* env is copied; what it points to is borrowed. */
struct intake *intake_new(const struct intake_env *env);
/* Drops the requests under way without an answer. The pool must be idle. Takes NULL. */
void intake_free(struct intake *intake);

/* The refused bodies. Borrowed. */
const struct rejected *intake_rejected(const struct intake *intake);

/* Answer a request (taken). sender: the rest of the path; a slash may follow the name. */
void intake_webhook(struct intake *intake, struct http_exchange *exchange, const char *sender);
void intake_api_alerts(struct intake *intake, struct http_exchange *exchange);
/* May a sender deliver CloudEvents? */
void intake_handshake(struct intake *intake, struct http_exchange *exchange, const char *sender);

/* The same, in the words of PagerDuty's Events API; the sender is found by the key in the body. */
void intake_pagerduty_v2(struct intake *intake, struct http_exchange *exchange);
void intake_pagerduty_v1(struct intake *intake, struct http_exchange *exchange);
void intake_pagerduty_change(struct intake *intake, struct http_exchange *exchange);
bool intake_pagerduty_needs_key(const struct intake *intake);
/* The same, in the words of Opsgenie's Alert API; the sender is found by its GenieKey. path: what
 * follows /v2/alerts/. */
void intake_opsgenie_create(struct intake *intake, struct http_exchange *exchange);
void intake_opsgenie_act(struct intake *intake, struct http_exchange *exchange, const char *path);
void intake_opsgenie_request(struct intake *intake, struct http_exchange *exchange, const char *id);
bool intake_opsgenie_needs_key(const struct intake *intake);

/* Does a request to /webhook/NAME need a token, or another proof of who sends it? name NULL: to
 * /api/v2/alerts. */
bool intake_needs_token(const struct intake *intake, const char *name);
/* Is it the token, or the name and password, of any declared sender? authorization: the header's
 * value; NULL: none. */
bool intake_knows_token(const struct intake *intake, const char *authorization);
/* Logs that the request is about to be refused: the first of a reason at once, further ones in one
 * line a minute that counts them. detail: the sender's name, or the header's value; may be NULL. */
void intake_log_refusal(struct intake *intake, enum intake_refusal reason,
			const struct http_exchange *exchange, const char *detail);

/* Does the value of an Authorization header (NULL: none) show this bearer token? In constant time;
 * false for a secret without a value. */
bool bearer_shown(const char *authorization, const struct secret *secret);

#endif
