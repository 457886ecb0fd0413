/*
 * The part of the store that all backends share: the queue from the loop to the store's thread, the
 * groups of batches, and the way back to the loop.
 *
 * The thread commits all queued batches as one group. Where few batches came in during the commit
 * before, it does so at once: a lone sender waits for one commit. Where many did, more follow, and
 * the next group gathers for up to LIMIT_STORE_GATHER_US from the begin of that one, so that many
 * senders share one flush of the disk. A batch that nobody waits for begins no group for
 * LIMIT_STORE_LATER_US, and goes with the next one. The lock is held only to move list heads; no
 * memory is allocated or freed under it.
 *
 * Where one batch's data spoils its group, that batch alone fails: those before it are committed
 * without it, then those behind it. When the disk fails, the whole group fails at once.
 *
 * Owns the batches from store_commit() to completion, the thread and the descriptor. Does not look
 * into a batch.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "store-internal.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

struct store {
	const struct store_ops *ops;
	void *backend;
	/* The loop's alone. */
	size_t waiting_ops, waiting_bytes;
	bool ending; /* every batch is taken */
	int fd;
	/* Shared. */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct store_batches queued, finished;
	struct store_due due; /* of queued, where it is not empty */
	bool stopping;
	_Atomic bool failing;		 /* the last commit failed */
	_Atomic int64_t commit_began_us; /* of the one that is under way; 0: none is */
	/* The thread's alone. */
	pthread_t thread;
	bool threaded;
	int64_t group_at_us;  /* when the last group was taken */
	int64_t group_for_us; /* how long groups take, smoothed */
	bool told;	      /* the log's last line about commits says that they fail */
	int64_t complain_at_us, failed_at_us, probe_at_us;
};

static int64_t store_now_us(void)
{
	return clock_mono_us(clock_system());
}

struct store *store_new(const struct store_ops *ops, void *backend)
{
	struct store *store = xcalloc(1, sizeof(*store));
	pthread_condattr_t attr;

	store->ops = ops;
	store->backend = backend;
	store->fd = -1;
	STAILQ_INIT(&store->queued);
	STAILQ_INIT(&store->finished);
	pthread_mutex_init(&store->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&store->wake, &attr);
	pthread_condattr_destroy(&attr);
	store->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return store;
}

static void store_complain(struct store *store, const char *text)
{
	int64_t now = store_now_us();

	store->failed_at_us = now;
	if (now < store->complain_at_us)
		return;
	log_error("the store cannot write; pending writes are answered as failed",
		  LOG_STR("error", text));
	store->told = true;
	store->complain_at_us = now + LIMIT_STORE_COMPLAIN_US;
}

static void store_tell_recovery(struct store *store)
{
	if (!store->told || store->failing ||
	    store_now_us() < store->failed_at_us + LIMIT_STORE_COMPLAIN_US)
		return;
	log_info("the store writes again");
	store->told = false;
}

static int store_attempt(struct store *store, struct store_batch *first,
			 const struct store_batch *end, struct store_batch **ret_bad,
			 struct err *err)
{
	int64_t start = store_now_us();

	atomic_store_explicit(&store->commit_began_us, start, memory_order_relaxed);
	int error = store->ops->commit(store->backend, first, end, ret_bad, err);
	atomic_store_explicit(&store->commit_began_us, 0, memory_order_relaxed);
	metric_observe_us(METRIC_COMMIT_TIME, store_now_us() - start);
	metric_add(error < 0 ? METRIC_STORE_FAILURES : METRIC_STORE_COMMITS, 1);
	return error;
}

static void batches_settle(struct store_batch *first, const struct store_batch *end, int error,
			   const char *text)
{
	for (struct store_batch *batch = first; batch != end; batch = STAILQ_NEXT(batch, link)) {
		batch->error = error < 0 ? error : 0;
		batch->text = error < 0 ? xstrdup(text) : NULL;
	}
}

/* Does the store fail? A commit without a change never reaches the disk, and tells nothing. */
static void store_judge(struct store *store, int result, const char *text)
{
	if (result > 0)
		return;
	store->failing = result < 0;
	if (result < 0)
		store_complain(store, text);
	else
		store_tell_recovery(store);
}

/* Without it a store whose disk works again would be told as failing until the next alert, which a
 * balancer that asks /-/ready would never let in. Returns how long until the next one. */
static int64_t store_probe(struct store *store)
{
	const int64_t now_us = store_now_us();
	struct err err;

	if (!store->failing || !store->ops->probe)
		return INT64_MAX;
	if (now_us >= store->probe_at_us) {
		store->probe_at_us = now_us + LIMIT_STORE_PROBE_US;
		store_judge(store, store->ops->probe(store->backend, &err), err.text);
	}
	return LIMIT_STORE_PROBE_US;
}

/* Writes no batch more than twice: in a group that a bad batch spoils, and again without the bad
 * one. */
static void store_commit_group(struct store *store, struct store_batches *group)
{
	struct store_batch *first = STAILQ_FIRST(group), *bad, *again;
	struct err err = { 0 }, err_before = { 0 };
	int error, error_before;

	while (first) {
		bad = NULL;
		error = store_attempt(store, first, NULL, &bad, &err);
		if (!bad) {
			store_judge(store, error, err.text);
			batches_settle(first, NULL, error, err.text);
			return;
		}
		if (bad != first) {
			error_before = store_attempt(store, first, bad, &again, &err_before);
			batches_settle(first, bad, error_before, err_before.text);
		}
		log_error("the store refuses data that it cannot hold; the other writes are kept",
			  LOG_STR("error", err.text));
		batches_settle(bad, STAILQ_NEXT(bad, link), error, err.text);
		first = STAILQ_NEXT(bad, link);
	}
}

/* Commits a group that was taken off the queue, and hands it to store_poll(). */
static void store_run_group(struct store *store, struct store_batches *group)
{
	const uint64_t one = 1;

	store_commit_group(store, group);
	pthread_mutex_lock(&store->lock);
	STAILQ_CONCAT(&store->finished, group);
	pthread_mutex_unlock(&store->lock);
	if (write(store->fd, &one, sizeof(one)) < 0) {
		/* A full counter is readable already. */
	}
}

static void store_wait_us(struct store *store, int64_t us)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += us / US_PER_SECOND;
	until.tv_nsec += us % US_PER_SECOND * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&store->wake, &store->lock, &until);
}

/* What the store does while no group is due. Returns how long until there is more of it. */
static int64_t store_keep_house(struct store *store)
{
	int64_t probe_us, idle_us;

	store_tell_recovery(store);
	probe_us = store_probe(store);
	idle_us = store->ops->idle(store->backend);
	if (probe_us < idle_us)
		idle_us = probe_us;
	if (store->told && idle_us > LIMIT_STORE_COMPLAIN_US)
		idle_us = LIMIT_STORE_COMPLAIN_US;
	return idle_us;
}

int64_t store_due_in_us(const struct store_due *due, int64_t now_us)
{
	int64_t at_us = due->nurgent ? due->gathered_us : due->later_us;

	if (due->bytes >= LIMIT_STORE_GROUP_BYTES || at_us <= now_us)
		return 0;
	return at_us - now_us;
}

/* INT64_MAX: nothing is queued. */
static int64_t store_group_in_us(const struct store *store)
{
	if (STAILQ_EMPTY(&store->queued))
		return INT64_MAX;
	return store->stopping ? 0 : store_due_in_us(&store->due, store_now_us());
}

/* From the begin of a group to the next one: twice what a group takes, so that half of the disk's
 * time goes to waiting at most. */
static int64_t store_gather_us(const struct store *store)
{
	int64_t us = 2 * store->group_for_us;

	return us < LIMIT_STORE_GATHER_US ? us : LIMIT_STORE_GATHER_US;
}

/* Takes the queued batches as a group; waits for some with the lock held. false: the store closes,
 * and the queue is empty. */
static bool store_next_group(struct store *store, struct store_batches *group)
{
	int64_t wait_us, idle_us;

	STAILQ_INIT(group);
	if (store->due.nurgent >= LIMIT_STORE_GATHER_BATCHES)
		store->due.gathered_us = store->group_at_us + store_gather_us(store);
	while ((wait_us = store_group_in_us(store)) > 0) {
		if (store->stopping)
			return false;
		if (!store->due.nurgent) {
			pthread_mutex_unlock(&store->lock);
			idle_us = store_keep_house(store);
			pthread_mutex_lock(&store->lock);
			wait_us = store_group_in_us(store);
			if (idle_us < wait_us)
				wait_us = idle_us;
		}
		if (wait_us > 0 && !store->stopping)
			store_wait_us(store, wait_us);
	}
	STAILQ_CONCAT(group, &store->queued);
	store->due = (struct store_due){ 0 };
	store->group_at_us = store_now_us();
	return true;
}

static void *store_thread(void *arg)
{
	struct store *store = arg;
	struct store_batches group;

	pthread_mutex_lock(&store->lock);
	while (store_next_group(store, &group)) {
		pthread_mutex_unlock(&store->lock);
		store_run_group(store, &group);
		store->group_for_us +=
			(store_now_us() - store->group_at_us - store->group_for_us) / 4;
		pthread_mutex_lock(&store->lock);
	}
	pthread_mutex_unlock(&store->lock);
	return NULL;
}

int store_thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *arg), void *arg)
{
	sigset_t all, before;
	int error;

	/* The loop's thread handles signals. Those that a fault of the new thread itself raises
	 * stay unblocked: blocked, they would end the process without a handler. */
	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGABRT);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(ret_thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		return -error;
	pthread_setname_np(*ret_thread, name);
	return 0;
}

int store_start(struct store *store, struct err *err)
{
	int error;

	if (store->fd < 0)
		return err_set(
			err, EMFILE,
			"cannot open the store's event descriptor; raise the limit of open files");
	error = store_thread_start(&store->thread, "store", store_thread, store);
	if (error)
		return err_set(err, -error,
			       "cannot start the store's thread: %s; raise the limit of tasks",
			       strerror(-error));
	store->threaded = true;
	return 0;
}

size_t store_run(struct store *store, size_t max)
{
	struct store_batches group = STAILQ_HEAD_INITIALIZER(group);
	struct store_batch *batch;
	size_t n = 0;

	pthread_mutex_lock(&store->lock);
	while (n < max && (batch = STAILQ_FIRST(&store->queued))) {
		STAILQ_REMOVE_HEAD(&store->queued, link);
		STAILQ_INSERT_TAIL(&group, batch, link);
		n++;
	}
	pthread_mutex_unlock(&store->lock);
	if (n > 0)
		store_run_group(store, &group);
	return n;
}

/* With the lock held. true: the group is due earlier than the thread knows. */
static bool store_enqueue(struct store *store, struct store_batch *batch, bool urgent)
{
	const struct store_due before = store->due;
	const bool first = STAILQ_EMPTY(&store->queued);

	if (first)
		store->due.later_us = urgent ? 0 : store_now_us() + LIMIT_STORE_LATER_US;
	store->due.nurgent += urgent;
	store->due.bytes += batch->len;
	STAILQ_INSERT_TAIL(&store->queued, batch, link);
	return first || (urgent && !before.nurgent) ||
	       (before.bytes < LIMIT_STORE_GROUP_BYTES &&
		store->due.bytes >= LIMIT_STORE_GROUP_BYTES);
}

static int store_hand_over(struct store *store, struct store_batch *batch, bool urgent)
{
	bool wake;

	if (!store->ending && (store->waiting_ops >= LIMIT_STORE_QUEUE ||
			       store->waiting_bytes >= LIMIT_STORE_QUEUE_BYTES))
		return -EAGAIN;
	store->waiting_ops += batch->ops;
	store->waiting_bytes += batch->len;
	metric_set(METRIC_STORE_WAITING, (int64_t)store->waiting_ops);
	pthread_mutex_lock(&store->lock);
	wake = store_enqueue(store, batch, urgent);
	pthread_mutex_unlock(&store->lock);
	if (wake)
		pthread_cond_signal(&store->wake);
	return 0;
}

int store_commit(struct store *store, struct store_batch *batch, store_done *done, void *ctx)
{
	batch->done = done;
	batch->ctx = ctx;
	return store_hand_over(store, batch, true);
}

int store_commit_later(struct store *store, struct store_batch *batch)
{
	return store_hand_over(store, batch, false);
}

void store_end(struct store *store)
{
	store->ending = true;
}

int store_fd(const struct store *store)
{
	return store->fd;
}

void store_poll(struct store *store)
{
	struct store_batches finished = STAILQ_HEAD_INITIALIZER(finished);
	struct store_batch *batch;
	uint64_t count;

	/* Read before the list is taken: a batch that finishes meanwhile makes the descriptor
	 * readable again. */
	if (read(store->fd, &count, sizeof(count)) < 0) {
		/* No batch has finished: the call does no harm. */
	}
	pthread_mutex_lock(&store->lock);
	STAILQ_CONCAT(&finished, &store->finished);
	pthread_mutex_unlock(&store->lock);
	while ((batch = STAILQ_FIRST(&finished))) {
		STAILQ_REMOVE_HEAD(&finished, link);
		store->waiting_ops -= batch->ops;
		store->waiting_bytes -= batch->len;
		if (batch->done)
			batch->done(batch->ctx, batch->error, batch->text ? batch->text : "");
		store_batch_free(batch);
	}
	metric_set(METRIC_STORE_WAITING, (int64_t)store->waiting_ops);
}

size_t store_waiting(const struct store *store)
{
	return store->waiting_ops;
}

int64_t store_commit_age_us(const struct store *store)
{
	const int64_t began_us =
		atomic_load_explicit(&store->commit_began_us, memory_order_relaxed);

	return began_us ? store_now_us() - began_us + 1 : 0;
}

bool store_healthy(const struct store *store)
{
	return !store->failing;
}

char *store_take_news(struct store *store)
{
	return store->ops->take_news ? store->ops->take_news(store->backend) : NULL;
}

int store_load(struct store *store, const struct store_loader *loader, void *ctx, struct err *err)
{
	return store->ops->load(store->backend, loader, ctx, err);
}

static void batches_free(struct store_batches *batches)
{
	struct store_batch *batch;

	while ((batch = STAILQ_FIRST(batches))) {
		STAILQ_REMOVE_HEAD(batches, link);
		store_batch_free(batch);
	}
}

void store_abandon(struct store *store)
{
	store->ops->close(store->backend);
	batches_free(&store->queued);
	batches_free(&store->finished);
	pthread_cond_destroy(&store->wake);
	pthread_mutex_destroy(&store->lock);
	if (store->fd >= 0)
		close(store->fd);
	free(store);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	if (store->threaded) {
		pthread_mutex_lock(&store->lock);
		store->stopping = true;
		pthread_mutex_unlock(&store->lock);
		pthread_cond_signal(&store->wake);
		pthread_join(store->thread, NULL);
	} else {
		store_run(store, SIZE_MAX);
	}
	store_abandon(store);
}
