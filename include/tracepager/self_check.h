/*
 * Self check: tracepager's own heartbeat. Each `every` an alert of its own goes the whole way:
 * read as a sender's body is, committed to the store, decided by the rules in force, an incident, a
 * page that is built and handed to delivery, which sends it nowhere (DELIVER_SINK), its resolve.
 * Only when all of that has happened within `limit`, a request goes to a dead-man's URL, which
 * alarms when it hears nothing. Nothing stays of the alert: no row, no list, no figure.
 *
 * It refuses to judge the outside: trace sources and pagers may be down. Owns its timers and its
 * request. Loop thread only.
 */
#ifndef TRACEPAGER_SELF_CHECK_H
#define TRACEPAGER_SELF_CHECK_H

#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/http.h"
#include "tracepager/incident.h"
#include "tracepager/rules.h"
#include "tracepager/secret.h"
#include "tracepager/timers.h"

struct self_check;

struct self_check_env {
	const struct clock *clock;
	struct timers *timers;
	struct incidents *incidents;
	const struct http_transport *transport;
	const struct secret *url; /* read at each beat: a reload may change it */
	int64_t every_us, limit_us;
	const char *through;			   /* the signal whose alert it is; "": none */
	const struct ruleset *(*rules)(void *ctx); /* those in force; borrowed for the turn */
	void *ctx;
};

/* What env points to is borrowed. The first check begins at once. */
struct self_check *self_check_new(const struct self_check_env *env);
void self_check_free(struct self_check *check); /* takes NULL */
/* What befell its alert: incident_env.sight. */
void self_check_sight(struct self_check *check, const struct incident_sight *sight);
/* A line for /-/ready where no heartbeat leaves; nothing where all is well. Takes NULL. */
void self_check_write_ready(const struct self_check *check, struct buf *out);

#endif
