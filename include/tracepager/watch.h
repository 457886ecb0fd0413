/*
 * Watch: tells when files change, by inotify: edits in place, renames over them, symbolic links
 * that are turned to something else (as the config maps of Kubernetes are swapped), directories
 * that go and come back. Several events are told once, when it has been quiet for a moment.
 *
 * Only names that rules can have are looked at (*.yaml, *.yml, but no hidden files), and those of
 * the watched files and their directories: what an editor keeps beside a file says nothing. Where
 * the kernel gives no (more) watches, it is told to look itself every LIMIT_WATCH_POLL_US.
 */
#ifndef TRACEPAGER_WATCH_H
#define TRACEPAGER_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/clock.h"
#include "tracepager/timers.h"

struct watch;

struct watch_env {
	const struct clock *clock;
	struct timers *timers;
	/* On the loop. sure: something was written; else nobody knows: compare watch_stamp(). */
	void (*changed)(void *ctx, bool sure);
	void *ctx;
};

struct watch *watch_new(const struct watch_env *env); /* env is copied */
void watch_free(struct watch *watch);		      /* takes NULL */

/* Readable when there are events: then call watch_ready() on the loop. -1: there are none, it polls
 * only. */
int watch_fd(const struct watch *watch);
void watch_ready(void *watch);
bool watch_polls(const struct watch *watch);

/* From now on these: files, and directories whose rules files count. They need not exist. Paths are
 * copied. What changes afterwards is told, what changed just before may be. */
void watch_set(struct watch *watch, const char *const *paths, size_t n);

/* A number that is another one when any of these changed, or what their directories hold. Reads the
 * file system, on any thread. */
uint64_t watch_stamp(const char *const *paths, size_t n);

#endif
