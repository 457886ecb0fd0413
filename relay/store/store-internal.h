/*
 * Inside the store: what a batch holds, and what a backend (SQLite; later PostgreSQL) gives to the
 * common part.
 *
 * The common part (store.c) owns the queue, the thread and the completions. A backend only knows
 * how to commit a run of batches, to load, and to keep house; it never sees the loop.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <pthread.h>
#include <sys/queue.h>

#include "tracepager/store.h"

enum store_op_kind {
	STORE_OP_PUT_ALERT,
	STORE_OP_TOUCH_ALERT,
	STORE_OP_REMOVE_ALERT, /* only the id counts */
	STORE_OP_PUT_INCIDENT,
	STORE_OP_PUT_PAGE,
	STORE_OP_TOUCH_PAGE,
	STORE_OP_PUT_DECISION,
	STORE_OP_PUT_TRACES, /* of the decision before it */
	STORE_OP_PUT_RULES,
	STORE_OP_COUNT,
};

struct store_op {
	enum store_op_kind kind;
	union {
		struct stored_alert alert;
		struct stored_incident incident;
		struct stored_page page;
		struct stored_decision decision; /* and its traces: of each only what it puts */
		struct stored_rules rules;
	};
};

struct store_batch {
	STAILQ_ENTRY(store_batch) link; /* from hand-over to completion */
	store_done *done;
	void *ctx;
	int error;  /* the outcome */
	char *text; /* why it failed; NULL: it did not */
	size_t ops;
	char *block; /* each operation's struct, then its strings */
	size_t len, size;
};

STAILQ_HEAD(store_batches, store_batch);

/* The operations in order; *pos starts at 0. Strings are borrowed from the batch, never NULL but
 * for those that a touch does not carry. false: no more. */
bool store_batch_next(const struct store_batch *batch, size_t *pos, struct store_op *ret_op);

struct store_ops {
	/* Commits the batches from first up to, but without, end (NULL: to the last): all or
	 * nothing. Where the failure is one batch's own fault, *ret_bad is that batch. 0 or -errno
	 * with err. On the store's thread. */
	int (*commit)(void *backend, struct store_batch *first, const struct store_batch *end,
		      struct store_batch **ret_bad, struct err *err);
	/* Nothing waits: a piece of housekeeping of a few milliseconds, or nothing. Returns
	 * microseconds until the next piece is wanted. On the store's thread. */
	int64_t (*idle)(void *backend);
	/* On the caller's thread, beside the others. */
	int (*load)(void *backend, const struct store_loader *loader, void *ctx, struct err *err);
	void (*close)(void *backend);
};

/* The backend is taken. No thread yet: store_run() moves it (tests), or store_start(). */
struct store *store_new(const struct store_ops *ops, void *backend);
int store_start(struct store *store, struct err *err);
/* A thread of the store's: no signal lands on it. 0 or -errno. */
int store_thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *arg), void *arg);
/* Commits up to max of the queued batches as one group and hands their completions to store_poll().
 * Returns how many. Only without a thread. */
size_t store_run(struct store *store, size_t max);
/* Frees all without committing what is queued: a crash, seen from the backend. Only without a
 * thread. */
void store_abandon(struct store *store);

#endif
