/*
 * Intake: HTTP requests that carry alerts. Authenticates the sender, reads the body in its
 * format, takes the alerts in slices that do not hold the loop, and answers when they are on disk.
 *
 *	202 (or 200 for /api/v2/alerts)   taken, and on disk
 *	400   what is wrong, and where
 *	401   wrong token
 *	404   no such sender; the log learns it, and the catch-all team, if it may be one of ours:
 *	      nobody looks at a sender's failed notifications
 *	503   with Retry-After: overload, or the store failed: nothing is taken for granted, send
 *	      it again
 */
#ifndef TRACEPAGER_INTAKE_H
#define TRACEPAGER_INTAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/alert.h"
#include "tracepager/alert_format.h"
#include "tracepager/clock.h"
#include "tracepager/http_server.h"
#include "tracepager/pool.h"
#include "tracepager/secret.h"
#include "tracepager/store.h"
#include "tracepager/timers.h"

enum accept_result {
	ACCEPT_NEW,	 /* a firing alert that was not known */
	ACCEPT_REPEATED, /* known already: refreshed */
	ACCEPT_RESOLVED,
	ACCEPT_UNKNOWN, /* resolved, but nobody knows it: nothing to do */
	ACCEPT_COUNT
};

/* A monitoring system that may send. Texts are the configuration's. */
struct sender {
	const char *name;
	enum alert_format_id format;
	const struct secret *bearer; /* its value NULL: none asked for */
};

/* Who takes the alerts. */
struct intake_ops {
	bool (*have_room)(void *ctx);
	enum accept_result (*accept)(void *ctx, const struct alert *alert);
	/* done() when what was accepted so far is on disk, or is not. */
	void (*when_durable)(void *ctx, store_done *done, void *arg);
	void (*body_refused)(void *ctx, const char *sender, const char *why);
	void *ctx;
};

struct intake_env {
	struct pool *pool;
	struct timers *timers;
	const struct clock *clock;
	const struct sender *senders;
	size_t nsenders;
	bool open; /* the address is loopback: /api/v2/alerts is taken without a token where no
		      sender declares one, and who names an undeclared sender is one of ours */
	struct intake_ops ops;
};

struct intake;

struct intake *intake_new(const struct intake_env *env);
void intake_free(
	struct intake *intake); /* requests under way are dropped without an answer; takes NULL */

/* sender: the rest of the path; a slash may follow the name. */
void intake_webhook(struct intake *intake, struct http_exchange *exchange, const char *sender);
void intake_api_alerts(struct intake *intake, struct http_exchange *exchange);

/* Does the request carry this token? Constant time; a secret that is not set is carried by none. */
bool bearer_matches(const struct http_exchange *exchange, const struct secret *secret);

#endif
