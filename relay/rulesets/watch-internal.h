/*
 * Watch: tells from the files' stat when the rules' files have changed and the change is complete.
 * What counts of a file is its inode, size and change time, so that edits in place, renames over
 * it, turned symbolic links (as Kubernetes swaps a config map), changed permissions, and files or
 * directories that go and come back are all seen; of a directory count the names in it that rules
 * can have (*.yaml, *.yml, but no hidden files).
 *
 * Refuses timers, threads and reading of files: its user takes a stamp, at first every
 * LIMIT_WATCH_POLL_US, and asks watch_is_due(). Owns nothing. Any thread, one at a time.
 */
#ifndef TRACEPAGER_WATCH_INTERNAL_H
#define TRACEPAGER_WATCH_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed: nothing was loaded yet. */
struct watch {
	uint64_t loaded;  /* stamp of the files that were loaded last */
	uint64_t seen;	  /* stamp of the last look */
	bool changing;	  /* seen differs from loaded */
	int64_t since_us; /* monotonic: when the change was first seen */
};

/* Is it a name of rules files in a directory? */
bool watch_is_rules_name(const char *name);
/* A number that differs when any of these files or directories has changed, or the rules files in
 * the directories. They need not exist. Order does not count. Blocks on the file system: for a
 * thread of the pool. */
uint64_t watch_stamp(const char *const *paths, size_t n);

/* A look: have the files changed since they were loaded, so that they are to be loaded now? Not
 * before two looks have seen the same (an editor or a git pull may still be writing), but at the
 * latest LIMIT_WATCH_HOLD_US after the change was first seen. now_us: monotonic. */
bool watch_is_due(struct watch *watch, uint64_t stamp, int64_t now_us);
/* The files with this stamp were loaded. 0: the load read other files than the stamp covers; look
 * again soon. */
void watch_set_loaded(struct watch *watch, uint64_t stamp);
/* Microseconds until the next look. */
int64_t watch_pause_us(const struct watch *watch);

#endif
