/*
 * Reload: keeps one set of rules loaded while its files change. It loads, checks, runs the rule
 * tests that stand beside the rules, and hands over the new set between two events; a bad one
 * leaves the old in force, and says so in the log, the metrics and the status. Loading happens in
 * the pool, one load at a time; who asks while one runs shares the next.
 *
 * There are two of them: the rules in force, and the shadow rules, which need not exist. A set that
 * was handed over is never changed: whoever works with the old one keeps its reference.
 */
#ifndef TRACEPAGER_RELOAD_H
#define TRACEPAGER_RELOAD_H

#include <stdbool.h>

#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/findings.h"
#include "tracepager/http_server.h"
#include "tracepager/loop.h"
#include "tracepager/pool.h"
#include "tracepager/rules.h"
#include "tracepager/timers.h"

struct reload;

enum reload_role { RELOAD_LIVE, RELOAD_SHADOW, RELOAD_ROLE_COUNT };

struct reload_env {
	enum reload_role role;
	const struct clock *clock;
	struct timers *timers;
	struct pool *pool;
	const char *path; /* file or directory; borrowed */
	bool watch, test; /* take changes by itself; run the tests first */
	/* On the loop: from now on these rules count, also where they are the old ones once more (a
	 * secret's file may have changed). NULL: there are no shadow rules any more. */
	void (*swap)(void *ctx, struct ruleset *rules);
	void *ctx;
};

struct reload *reload_new(const struct reload_env *env); /* env is copied */
void reload_free(struct reload *reload);		 /* takes NULL; after its pool */

/* The first load, here and now and without tests: a daemon that does not start pages nobody. 0, or
 * what rules_load() says. swap() is not called: see reload_rules(). */
int reload_first(struct reload *reload, struct findings *findings);
/* Or these, for good; a reference is taken. */
void reload_fix(struct reload *reload, struct ruleset *rules);
/* From now on it watches, on the loop; and loads once more, for what changed since the first load,
 * and for the tests. Returns 0 or -errno. */
int reload_begin(struct reload *reload, struct loop *loop);

struct ruleset *reload_rules(const struct reload *reload); /* borrowed; NULL: there are none */
/* Loads again. exchange: who asked, answered when it is done; NULL: nobody waits. */
void reload_ask(struct reload *reload, struct http_exchange *exchange);

/* What is in force, since when, from which files, and what became of the last attempt. */
void reload_write_text(const struct reload *reload, struct buf *out);
void reload_write_json(const struct reload *reload, struct buf *out); /* an object */

#endif
