/*
 * A store in memory, whose commits complete when the test says so. It stands for a disk and for the
 * daemon's starts on it: a completed batch outlives a crash, any other is lost.
 */
#ifndef TESTS_FAKE_STORE_H
#define TESTS_FAKE_STORE_H

#include "tracepager/arena.h"
#include "tracepager/clock.h"
#include "tracepager/store.h"

struct fake_store {
	/* What is on the disk, to look at: in the order of first writing; recipients by incident
	 * and pager, senders by name. */
	struct stored_alert *alerts;
	struct stored_incident *incidents;
	struct stored_page *pages;
	struct stored_decision *decisions;
	struct stored_recipient *recipients;
	struct stored_event *events;
	struct stored_sender *senders;
	struct stored_setting *settings;
	struct stored_silence *silences;
	size_t nalerts, nincidents, npages, ndecisions, nrecipients, nevents, nsenders, nsettings;
	size_t nsilences;
	/* Versions of rules written; of the last one the hash, and the bytes of its texts. */
	const char *rules_hash; /* NULL: none was written */
	size_t nrules, rules_bytes;
	size_t commits; /* batches completed without a failure */
	int load_fails; /* what a load returns; 0: it works */
	/* Private. */
	const struct clock *clock;
	struct arena *arena;
	struct store *store;
	int fail;
};

/* clock is borrowed; it tells which ended alerts are too old to load. */
struct fake_store *fake_store_new(const struct clock *clock);
/* Frees the disk, and a store that is still open without a commit. Takes NULL. */
void fake_store_free(struct fake_store *fake);

/* A start of the daemon: a store on the disk's rows; one at a time. It ends with store_close(),
 * which commits what was handed over, or with fake_store_crash(). */
struct store *fake_store_open(struct fake_store *fake);
/* kill -9: batches that are not completed are lost; the struct store is freed. */
void fake_store_crash(struct fake_store *fake);

/* Commits at most n waiting batches, in order, and runs their completions. Returns how many. */
size_t fake_store_complete(struct fake_store *fake, size_t n);
/* From now on every commit fails with -errno; 0: the disk works again. */
void fake_store_fail(struct fake_store *fake, int error);

/* A row on the disk, borrowed; NULL: there is none. Of alerts with one key the newest. */
const struct stored_alert *fake_store_alert(const struct fake_store *fake, const char *key);
const struct stored_incident *fake_store_incident(const struct fake_store *fake, const char *id);
const struct stored_page *fake_store_page(const struct fake_store *fake, int64_t id);
/* The last event of that kind, of whatever incident. */
const struct stored_event *fake_store_event(const struct fake_store *fake, const char *event);

#endif
