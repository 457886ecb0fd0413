/*
 * Reload: keeps one set of rules loaded while its files change. A load reads and checks the files,
 * runs the rule tests beside them, and hands the new set over between two events; a bad set leaves
 * the old one in force, and the log, the metrics and the status say why. Loads run in the pool, one
 * at a time; requests that come during a load share the next.
 *
 * With `watch` the files are compared every LIMIT_WATCH_POLL_US, and loaded when a change is
 * complete. Rules that were not taken are tried again every LIMIT_RELOAD_RETRY_US; the log tells a
 * retry only where its outcome is another one. Refuses to change a set that was handed over: who
 * works with the old one keeps a reference. Owns the set in force. There are two objects: the rules
 * in force, and the shadow rules, which need not exist. Loop thread only.
 */
#ifndef TRACEPAGER_RELOAD_H
#define TRACEPAGER_RELOAD_H

#include <stdbool.h>

#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/findings.h"
#include "tracepager/http_server.h"
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
	bool watch;	  /* load changed files without being asked */
	bool test;	  /* run the rule tests, and refuse rules that fail them */
	/* These rules count from now on. They may be equal to the old ones (a secret's file may
	 * have changed). NULL: the shadow rules are gone. Borrowed. */
	void (*swap)(void *ctx, struct ruleset *rules);
	void *ctx;
	/* Adds to the answer of a request what else was loaded; false: some of that failed, and the
	 * answer's status says so. NULL: nothing else is loaded. */
	bool (*add_answer)(void *ctx, struct buf *out);
	/* A load has ended, and none that was asked for follows. NULL: nobody waits for it. */
	void (*idle)(void *ctx);
};

/* env is copied; what it points to is borrowed. */
struct reload *reload_new(const struct reload_env *env);
/* Takes NULL. No load may be running in the pool. */
void reload_free(struct reload *reload);

/* The first load, in the caller's thread and without tests: a daemon that does not start pages
 * nobody. 0, or what rules_load() returns. swap() is not called: see reload_rules(). */
int reload_first(struct reload *reload, struct findings *findings);
/* Instead of loading: keep these rules for good. Takes a reference of its own. */
void reload_fix(struct reload *reload, struct ruleset *rules);
/* Load once more, with the tests, and then watch. Once, after reload_first(). */
void reload_begin(struct reload *reload);

/* The rules in force, borrowed; NULL: there are none. */
struct ruleset *reload_rules(const struct reload *reload);
/* What is known of a set; borrowed for this turn. */
struct reload_view {
	struct ruleset *rules;		 /* NULL: there are none */
	const char *path;		 /* NULL: they are built in */
	bool watched;			 /* changes are taken without being asked */
	int64_t since_us;		 /* wall time: since when they are in force */
	int64_t last_us;		 /* of the last load; 0: there was none */
	bool taken;			 /* it was taken; else the old ones stay in force */
	const struct findings *findings; /* of the last load */
};
struct reload_view reload_look(const struct reload *reload);
/* Load again. The exchange (taken) is answered when the load is done; NULL: nobody waits. */
void reload_ask(struct reload *reload, struct http_exchange *exchange);

/* Append the status: the rules in force, since when, their files, the result of the last load. */
void reload_write_text(const struct reload *reload, struct buf *out);
void reload_write_json(const struct reload *reload, struct buf *out); /* an object */

#endif
