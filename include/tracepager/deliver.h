/*
 * Deliver: gets pages to pagers. Pages of one incident to one pager leave in order, one at a time
 * (a resolve never overtakes its trigger); failures are tried again with capped backoff and full
 * jitter, Retry-After is obeyed within bounds, a breaker per pager keeps a dead one from being
 * hammered.
 */
#ifndef TRACEPAGER_DELIVER_H
#define TRACEPAGER_DELIVER_H

#include "tracepager/clock.h"
#include "tracepager/http.h"
#include "tracepager/pager_kind.h"
#include "tracepager/store.h"
#include "tracepager/timers.h"

struct deliver;

struct deliver_ops {
	/* A page changed: its state, attempts, next_us and error are to be stored. Called before
	 * anything follows from it. The page is borrowed. Both may call deliver_enqueue(). */
	void (*changed)(void *ctx, const struct stored_page *page);
	/* The pager has not taken this page for LIMIT_PAGER_SILENT_US; it is still tried. Once per
	 * page. */
	void (*silent)(void *ctx, const struct stored_page *page);
	void *ctx;
};

struct deliver_env {
	const struct http_transport *transport;
	struct timers *timers;
	const struct clock *clock;
	int console_fd;		/* where pages of kind console go */
	double (*random)(void); /* 0 to 1; NULL: random_unit(). Tests give their own */
};

struct deliver *deliver_new(const struct deliver_env *env, const struct deliver_ops *ops);
void deliver_free(struct deliver *deliver); /* takes NULL; what is queued is in the store */

/* The page is copied; it is in state queued. It waits for those before it of the same incident and
 * pager; a queued update that is overtaken by a newer update or by the resolve is dropped
 * (changed() says so); after a rejected trigger those that wait behind it are dropped too. Of a
 * page that a restart brings back, attempts and next_us count on. */
void deliver_enqueue(struct deliver *deliver, const struct stored_page *page);
size_t deliver_waiting(const struct deliver *deliver);

#endif
