/*
 * The store: what was accepted, and what became of it, across any crash. One interface; SQLite is
 * the embedded default. Writes are gathered in a batch, committed together with those of other
 * batches on the store's own thread, and reported back on the loop. The relay's memory is the truth
 * while it runs; the store is what a restart reads.
 */
#ifndef TRACEPAGER_STORE_H
#define TRACEPAGER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/err.h"

enum stored_alert_state {
	STORED_ALERT_WAITING, /* accepted, not decided */
	STORED_ALERT_DECIDED, /* belongs to an incident, or to nobody */
	STORED_ALERT_ENDED,   /* resolved or expired; kept a while to know late repeats */
};

struct stored_alert {
	int64_t id;	 /* given by the relay: increasing; the same for every put of that alert */
	const char *key; /* "family/fingerprint" */
	const char *doc; /* alert_write() */
	size_t doc_len;
	const char *incident; /* id; "" none */
	enum stored_alert_state state;
	unsigned int attempts; /* starts of its processing */
	int64_t accepted_us;   /* wall, as all times here; its age */
	int64_t refreshed_us;  /* last heard of; of an ended alert: when it ended (counts for
				  retention) */
	int64_t expires_us;    /* 0: never */
};

struct stored_incident {
	const char *id, *key, *team; /* known by its id */
	bool open;
	int64_t opened_us, closed_us; /* closed 0: open */
	const char *page;	      /* page_write() of its present page (without event) */
	size_t page_len;
};

enum stored_page_state {
	STORED_PAGE_QUEUED,
	STORED_PAGE_DELIVERED,
	STORED_PAGE_REJECTED,
	STORED_PAGE_DROPPED, /* overtaken: a newer update, or a resolve of what never left */
};

struct stored_page {
	int64_t id; /* given by the relay: increasing, so that order survives */
	const char *incident, *pager;
	const char *target; /* JSON of struct page_target: the key that was used is kept until
			       resolved */
	const char *doc;    /* page_write() */
	size_t doc_len;
	int event; /* enum page_event */
	enum stored_page_state state;
	unsigned int attempts;
	int64_t created_us, next_us;
	const char *error; /* what the pager said last; "" */
};

/* What is kept of the traces of a decision. */
enum stored_traces {
	STORED_TRACES_NONE, /* there were none */
	STORED_TRACES_WHOLE,
	STORED_TRACES_PATHS, /* too large: the spans of the walks' paths and their siblings */
	STORED_TRACES_LOST,  /* there were some; they are not kept */
};

/* How an alert became a page: all that is needed to decide it again. Documents are as they are
 * kept, packed (pack.h). Traces and healthy evidence go earlier than the rest. */
struct stored_decision {
	const char *alert_key, *incident; /* incident: id; "" none */
	const char *team;		  /* "" none */
	const char *rules;		  /* hash of the rules that decided */
	int64_t at_us;
	const char *alert; /* alert_write() */
	size_t alert_len;
	const char *doc; /* decision_write() */
	size_t doc_len;
	enum stored_traces kept;
	const char *traces; /* OTLP protobuf, see trace_encode.h; "" none */
	size_t traces_len;
	const char *healthy; /* evidence_encode(); "" none */
	size_t healthy_len;
};

/* A version of the rules that decided something. */
struct stored_rules {
	const char *hash;
	int64_t at_us;	   /* in use at this time; the first and the last such time are kept */
	const char *texts; /* rule_texts_pack() of history.h */
	size_t texts_len;
};

struct store;
struct store_batch;

struct store_batch *store_batch_new(void);
void store_batch_free(struct store_batch *batch); /* takes NULL */
bool store_batch_empty(const struct store_batch *batch);
/* All copy what they are given; NULL strings are "". Puts replace what has the same id; touches and
 * removes of what is not there do nothing. */
void store_put_alert(struct store_batch *batch, const struct stored_alert *alert);
/* Of a known alert: incident, state, attempts, refreshed_us, expires_us. Its document and
 * accepted_us stay. */
void store_touch_alert(struct store_batch *batch, const struct stored_alert *alert);
void store_remove_alert(struct store_batch *batch, int64_t id);
void store_put_incident(struct store_batch *batch, const struct stored_incident *incident);
void store_put_page(struct store_batch *batch, const struct stored_page *page);
void store_touch_page(struct store_batch *batch,
		      const struct stored_page *page); /* state, attempts, next, error */
/* Decisions have no key: each is one more record. */
void store_put_decision(struct store_batch *batch, const struct stored_decision *decision);
void store_put_rules(struct store_batch *batch, const struct stored_rules *rules);

/* error 0: it is on disk. Else -errno, nothing of the batch is; text says what, where and the cure,
 * for the log ("" where error is 0). Runs on the loop, from store_poll(); it may hand over further
 * batches. -ENOSPC, -EIO, -EROFS …: the disk; every batch fails so until it works again, then
 * writing goes on by itself. -EINVAL, -E2BIG: this batch alone; its neighbours are committed. */
typedef void store_done(void *ctx, int error, const char *text);
/* Takes the batch. -EAGAIN: the queue is full (LIMIT_STORE_QUEUE operations or
 * LIMIT_STORE_QUEUE_BYTES wait), nothing was taken and the batch is still the caller's: try again
 * after a completion. Below that a batch of any size is taken. Batches commit, and complete, in the
 * order given. Never blocks. done may be NULL. An empty batch completes after those before it. */
int store_commit(struct store *store, struct store_batch *batch, store_done *done, void *ctx);
int store_fd(const struct store *store);	 /* readable when completions wait */
void store_poll(struct store *store);		 /* runs completions */
size_t store_waiting(const struct store *store); /* operations handed over and not yet reported */
/* The last commit reached the disk, or none was tried. */
bool store_healthy(const struct store *store);

/* What a restart needs, before the loop runs: alerts that have not ended (and those that ended
 * within the last LIMIT_RESOLVED_MEMORY_US), open incidents, pages of open incidents and queued
 * pages of any. Incidents come first, then pages, then alerts; each in order of age: opened_us, id,
 * accepted_us. Of alerts with one key only that with the largest id counts: a failing disk may have
 * left an earlier one. What the callbacks get is borrowed until they return. -EBADMSG: the file is
 * damaged, err names it and the cure; callbacks may have run. */
struct store_loader {
	void (*alert)(void *ctx, const struct stored_alert *alert);
	void (*incident)(void *ctx, const struct stored_incident *incident);
	void (*page)(void *ctx, const struct stored_page *page);
};
int store_load(struct store *store, const struct store_loader *loader, void *ctx, struct err *err);

/* Housekeeping that the store does by itself, in small pieces while nothing waits: ended alerts go
 * after LIMIT_RESOLVED_MEMORY_US; decisions, closed incidents and their settled pages after
 * LIMIT_HISTORY_US, rules when they have not been in use for so long; traces after
 * LIMIT_TRACES_KEPT_US, and the oldest of them when all take more than LIMIT_TRACES_KEPT_BYTES.
 * What store_load() gives is never removed. */

void store_close(struct store *store); /* commits what was handed over, joins the thread; takes
					  NULL; completions are not run */

/* SQLite (WAL, synchronous=FULL). Creates the file (mode 0600) in a directory that exists, migrates
 * older schemas forward, refuses newer ones. A second daemon on the same file is refused by a lock
 * (flock on PATH.lock, gone with the process). -EBUSY: locked; -EINVAL: not ours or newer;
 * -EBADMSG: damaged; -ENOENT: no directory …; the text names path and cure. */
int store_sqlite_open(const char *path, struct store **ret_store, struct err *err);

#endif
