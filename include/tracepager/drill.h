/*
 * Fire drills: an alert that goes to a signal of the rules in force is made and takes the whole way
 * to the real pagers of the team that would be paged: accepted, located, its traces fetched,
 * decided, routed, paged, delivered; then it ends, and its pages are resolved. Each stage is told
 * with its time. The alert is marked (ALERT_FAMILY_DRILL, DRILL_MARK): its pages say DRILL, it
 * joins no incident, and counts in no statistics.
 *
 * It refuses to page by another way than alerts do, and keeps nothing over a restart: the alert of
 * a drill that was cut off ends by itself. Owns the drills that are under way and the latest that
 * are over. Loop thread only.
 */
#ifndef TRACEPAGER_DRILL_H
#define TRACEPAGER_DRILL_H

#include <stdbool.h>

#include "tracepager/alert.h"
#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/err.h"
#include "tracepager/incident.h"
#include "tracepager/rules.h"
#include "tracepager/timers.h"

struct drills;

struct drills_env {
	const struct clock *clock;
	struct timers *timers;
	struct incidents *incidents;
	const struct ruleset *(*rules)(void *ctx); /* those in force; borrowed for the turn */
	void *ctx;
};

struct drills *drills_new(const struct drills_env *env);
/* Alerts of drills that are under way stay in the store. Takes NULL. */
void drills_free(struct drills *drills);

#define DRILL_ID_SIZE 17

/* Borrowed for the call. */
struct drill_order {
	const char *signal;   /* its name in the rules */
	struct labels labels; /* of the alert, beside those that the signal's matchers ask for */
	const char *who;
	bool no_resolve; /* its incident stays open until its alert ends, LIMIT_DRILL_OPEN_US */
};
/* 0 and its id; -ENOENT: there is no such signal; -EINVAL: its alert cannot be made; -EBUSY: other
 * drills are under way, or the relay has no room; err says why, and the cure. */
int drills_start(struct drills *drills, const struct drill_order *order, char ret_id[DRILL_ID_SIZE],
		 struct err *err);
/* What befell the alert of a drill: incident_env.sight. */
void drills_sight(struct drills *drills, const struct incident_sight *sight);

/* One as JSON; false: it is not known. */
bool drills_write(const struct drills *drills, const char *id, struct buf *out);
/* The signals that can be drilled, and the drills that are known, the youngest first, as JSON. */
void drills_write_all(const struct drills *drills, struct buf *out);

#endif
