/*
 * A store in memory, whose commits complete when the test says so. It stands for a disk and the
 * daemon's starts on it: what was completed outlives a crash, what was not is gone.
 */
#ifndef TESTS_FAKE_STORE_H
#define TESTS_FAKE_STORE_H

#include "tracepager/arena.h"
#include "tracepager/clock.h"
#include "tracepager/store.h"

struct fake_store {
	/* What is on the disk, in the order of first writing; to look at. */
	struct stored_alert *alerts;
	struct stored_incident *incidents;
	struct stored_page *pages;
	struct stored_decision *decisions;
	size_t nalerts, nincidents, npages, ndecisions;
	size_t commits; /* batches completed without a failure */
	/* Private. */
	const struct clock *clock;
	struct arena *arena;
	struct store *store;
	int fail;
};

/* clock: when ended alerts are too old to load; borrowed. */
struct fake_store *fake_store_new(const struct clock *clock);
/* The disk is gone. A store that is still open is dropped without a commit. Takes NULL. */
void fake_store_free(struct fake_store *fake);

/* A start of the daemon: a store with what the disk has; one at a time. It ends with store_close()
 * (what was handed over is committed, as ever), or with fake_store_crash(). */
struct store *fake_store_open(struct fake_store *fake);
/* kill -9: what was handed over and not completed is lost; the struct store is freed. */
void fake_store_crash(struct fake_store *fake);

/* Commits at most n waiting batches, in order, and runs their completions. Returns how many. */
size_t fake_store_complete(struct fake_store *fake, size_t n);
/* From now on every commit fails with -errno; 0: the disk works again. */
void fake_store_fail(struct fake_store *fake, int error);

/* NULL: not on the disk. Of alerts with one key: the newest. */
const struct stored_alert *fake_store_alert(const struct fake_store *fake, const char *key);
const struct stored_incident *fake_store_incident(const struct fake_store *fake, const char *id);
const struct stored_page *fake_store_page(const struct fake_store *fake, int64_t id);

#endif
