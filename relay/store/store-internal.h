/*
 * Inside the store: the content of a batch, and what a backend must provide.
 *
 * store.c, which all backends share, owns the queue, the thread and the completions. A backend
 * commits a run of batches, loads, and keeps house; it never sees the loop.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <pthread.h>
#include <sys/queue.h>

#include "tracepager/store.h"

enum store_op_kind {
	STORE_OP_PUT_ALERT,
	STORE_OP_TOUCH_ALERT,
	STORE_OP_REMOVE_ALERT, /* only the id is set */
	STORE_OP_PUT_INCIDENT,
	STORE_OP_PUT_INCIDENT_STATE,
	STORE_OP_DROP_INCIDENT_STATE, /* only the id counts */
	STORE_OP_DROP_RECIPIENTS,     /* of an incident; only its id counts */
	STORE_OP_PUT_RECIPIENT,
	STORE_OP_PUT_EVENT,
	STORE_OP_PUT_SENDER,
	STORE_OP_PUT_SILENCE,
	STORE_OP_PUT_SETTING,
	STORE_OP_PUT_PAGE,
	STORE_OP_TOUCH_PAGE,
	STORE_OP_PUT_DECISION,
	STORE_OP_PUT_TRACES, /* of the decision before it in the batch */
	STORE_OP_PUT_RULES,
	STORE_OP_COUNT,
};

struct store_op {
	enum store_op_kind kind;
	union {
		struct stored_alert alert;
		struct stored_incident incident;
		struct stored_recipient recipient;
		struct stored_event event;
		struct stored_sender sender;
		struct stored_silence silence;
		struct stored_setting setting;
		struct stored_page page;
		struct stored_decision decision; /* of a decision, and of its traces */
		struct stored_rules rules;
	};
};

struct store_batch {
	STAILQ_ENTRY(store_batch) link; /* from store_commit() to completion */
	store_done *done;
	void *ctx;
	int error;  /* the outcome: 0 or -errno */
	char *text; /* why it failed; NULL: it has not */
	size_t ops;
	char *block; /* for each operation its struct, then its strings */
	size_t len, size;
};

STAILQ_HEAD(store_batches, store_batch);

/* The next operation; *pos starts at 0. Strings are borrowed from the batch and never NULL, except
 * those that a touch does not carry. false: no more. */
bool store_batch_next(const struct store_batch *batch, size_t *pos, struct store_op *ret_op);

struct store_ops {
	/* On the store's thread: commits the batches from first to before end (NULL: to the last),
	 * all or nothing. 0, 1 where nothing had to be written, or -errno with err; where the data
	 * of one batch caused the failure, *ret_bad is that batch. */
	int (*commit)(void *backend, struct store_batch *first, const struct store_batch *end,
		      struct store_batch **ret_bad, struct err *err);
	/* On the store's thread, when no batch waits: does a piece of housekeeping, of a few
	 * milliseconds, if one is due. Returns the microseconds until the next piece is due. */
	int64_t (*idle)(void *backend);
	/* On the loop's thread, while the store's thread may commit. As store_load(). */
	int (*load)(void *backend, const struct store_loader *loader, void *ctx, struct err *err);
	void (*close)(void *backend);
	/* On the store's thread: writes something that changes nothing, to learn whether writing
	 * works again. 0 or -errno with err. NULL: commits alone tell. */
	int (*probe)(void *backend, struct err *err);
	/* A sentence about what befell the store since the last call, for a person; NULL: nothing.
	 * Caller frees. Any thread. May be NULL. */
	char *(*take_news)(void *backend);
};

/* When the queued batches are due as a group. */
struct store_due {
	size_t bytes;	     /* queued */
	size_t nurgent;	     /* batches that somebody waits for */
	int64_t gathered_us; /* monotonic: when those are due */
	int64_t later_us;    /* when the others are */
};
/* In how many microseconds; 0: now. Pure. */
int64_t store_due_in_us(const struct store_due *due, int64_t now_us);

/* Takes the backend. The store has no thread yet: store_start() starts one; tests call store_run().
 */
struct store *store_new(const struct store_ops *ops, void *backend);
int store_start(struct store *store, struct err *err);
/* Starts a thread that handles no signals. 0 or -errno. */
int store_thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *arg), void *arg);
/* Without a thread: commits up to max of the queued batches as one group, for store_poll() to
 * complete. Returns how many. */
size_t store_run(struct store *store, size_t max);
/* Without a thread: closes the backend and frees the store without committing what is queued, which
 * looks like a crash to the backend. */
void store_abandon(struct store *store);

#endif
