/*
 * The loop: one thread, one libevent base. Besides the sockets of net/ it drives the program's
 * timers, the descriptors on which other threads report, and signals; it measures its turns.
 *
 * A turn runs from the moment at which the kernel wakes the thread until every ready event has been
 * handled and turn_end() has returned. Waiting does not count. The longest turn of the last five
 * minutes is a metric (LIMIT_TURN_US is the aim), by the clock and by the thread's CPU time: a turn
 * that is long only by the clock waited for a processor or for the disk. Timers that are due take
 * at most LIMIT_SLICE_US of a turn; the rest fires in the next turn, before which the loop does not
 * wait.
 *
 * It interrupts no callback that takes too long. It owns its libevent events and nothing else. Its
 * functions are for the loop's thread; loop_stop() too: another thread reports by a descriptor.
 */
#ifndef TRACEPAGER_LOOP_H
#define TRACEPAGER_LOOP_H

#include <stdint.h>

#include "tracepager/clock.h"
#include "tracepager/timers.h"

struct event_base;
struct loop;

/* A base for the loop: epoll with a change list, so that no watched descriptor may be dup()ed.
 * Sends libevent's warnings to the log and ignores SIGPIPE, since a peer may close while we write.
 * NULL: no descriptor or memory. Freed by event_base_free(). */
struct event_base *net_event_base_new(void);

struct loop_hooks {
	void (*turn_end)(void *ctx); /* once at the end of every turn; NULL: none */
	void (*caught)(void *ctx,
		       int signo); /* a signal of loop_catch(), as an event; NULL: none */
	void *ctx;
};

/* All arguments but hooks, which is copied, are borrowed and must outlive the loop. timers may be
 * NULL. */
struct loop *loop_new(struct event_base *base, const struct clock *clock, struct timers *timers,
		      const struct loop_hooks *hooks);
void loop_free(struct loop *loop); /* takes NULL; the base stays */

/* Calls ready() whenever the descriptor is readable; for pool_fd(), store_fd() and watch_fd(). The
 * descriptor is borrowed and must stay open while the loop lives. 0 or -errno. */
int loop_watch(struct loop *loop, int fd, void (*ready)(void *ctx), void *ctx);
/* Hands the signal to the hook caught(). 0 or -errno. */
int loop_catch(struct loop *loop, int signo);

/* Runs until the end of the turn in which loop_stop() is called. 0, or -EIO when libevent fails. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* By the clock, of the last five minutes: of this LIMIT_TURN_PERIOD_US and the one before. */
int64_t loop_longest_turn_us(const struct loop *loop);

#endif
