/*
 * Checkpoints: a thread with its own connection writes the pages of the write-ahead log (WAL) to
 * their places in the database, beside the commits. A checkpoint costs milliseconds of writing and
 * two flushes, for which no sender should wait.
 *
 * When a checkpoint reaches the WAL's end, the next commit starts the WAL over. Under a storm the
 * writer stays ahead of the checkpoints, and the WAL would grow without end. So from
 * LIMIT_WAL_LARGE_PAGES on the thread makes LIMIT_WAL_PASSES passes, then asks the writer to write
 * the small rest between two groups.
 *
 * Owns its connection. Does not wait for readers of other programs: while one reads, the WAL grows.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sqlite-internal.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

struct checkpoint {
	sqlite3 *db;
	char *path;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int pages;   /* in the WAL after the last commit */
	int settled; /* what pages was when the last checkpoint started */
	bool stopping;
	atomic_bool wants_writer;
	bool failing; /* the thread's alone: the last checkpoint failed */
};

/* Waits, with the lock held, until LIMIT_WAL_CHECKPOINT_PAGES are there, or fewer have waited for
 * LIMIT_WAL_REST_S. false: stop. */
static bool checkpoint_wait(struct checkpoint *checkpoint)
{
	struct timespec until;

	while (!checkpoint->stopping && checkpoint->pages == checkpoint->settled)
		pthread_cond_wait(&checkpoint->wake, &checkpoint->lock);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LIMIT_WAL_REST_S;
	while (!checkpoint->stopping &&
	       checkpoint->pages - checkpoint->settled < LIMIT_WAL_CHECKPOINT_PAGES)
		if (pthread_cond_timedwait(&checkpoint->wake, &checkpoint->lock, &until) ==
		    ETIMEDOUT)
			break;
	return !checkpoint->stopping;
}

static void checkpoint_complain(struct checkpoint *checkpoint, int rc)
{
	bool failing = rc != SQLITE_OK && rc != SQLITE_BUSY;
	struct err err;

	if (failing && !checkpoint->failing) {
		sqlite_error(&err, checkpoint->db, rc, "checkpoint", checkpoint->path);
		log_warn("the store's write-ahead log cannot be emptied and grows",
			 LOG_STR("error", err.text));
	}
	checkpoint->failing = failing;
}

/* Runs one checkpoint. Returns how many pages the WAL had; 0: it failed. */
static int checkpoint_once(struct checkpoint *checkpoint)
{
	int pages = 0, moved = 0;
	int rc = sqlite3_wal_checkpoint_v2(checkpoint->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages,
					   &moved);

	checkpoint_complain(checkpoint, rc);
	return rc == SQLITE_OK ? pages : 0;
}

static void *checkpoint_thread(void *arg)
{
	struct checkpoint *checkpoint = arg;
	int pages;

	pthread_mutex_lock(&checkpoint->lock);
	while (checkpoint_wait(checkpoint)) {
		checkpoint->settled = checkpoint->pages;
		pthread_mutex_unlock(&checkpoint->lock);
		pages = checkpoint_once(checkpoint);
		if (pages >= LIMIT_WAL_LARGE_PAGES) {
			for (int i = 0; i < LIMIT_WAL_PASSES; i++)
				checkpoint_once(checkpoint);
			atomic_store(&checkpoint->wants_writer, true);
		}
		pthread_mutex_lock(&checkpoint->lock);
	}
	pthread_mutex_unlock(&checkpoint->lock);
	return NULL;
}

static void checkpoint_free(struct checkpoint *checkpoint)
{
	sqlite3_close(checkpoint->db);
	pthread_cond_destroy(&checkpoint->wake);
	pthread_mutex_destroy(&checkpoint->lock);
	free(checkpoint->path);
	free(checkpoint);
}

int sqlite_checkpoint_start(sqlite3 *db, const char *path, struct checkpoint **ret_checkpoint,
			    struct err *err)
{
	struct checkpoint *checkpoint = xcalloc(1, sizeof(*checkpoint));
	pthread_condattr_t attr;
	int error;

	checkpoint->db = db;
	checkpoint->path = xstrdup(path);
	pthread_mutex_init(&checkpoint->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&checkpoint->wake, &attr);
	pthread_condattr_destroy(&attr);
	error = store_thread_start(&checkpoint->thread, "checkpoint", checkpoint_thread,
				   checkpoint);
	if (error) {
		err_set(err, -error,
			"cannot start the checkpoint thread: %s; raise the limit of tasks",
			strerror(-error));
		checkpoint_free(checkpoint);
		return error;
	}
	*ret_checkpoint = checkpoint;
	return 0;
}

void sqlite_checkpoint_stop(struct checkpoint *checkpoint)
{
	if (!checkpoint)
		return;
	pthread_mutex_lock(&checkpoint->lock);
	checkpoint->stopping = true;
	pthread_mutex_unlock(&checkpoint->lock);
	pthread_cond_signal(&checkpoint->wake);
	pthread_join(checkpoint->thread, NULL);
	checkpoint_free(checkpoint);
}

void sqlite_checkpoint_note(struct checkpoint *checkpoint, int pages)
{
	bool wake;
	int before;

	pthread_mutex_lock(&checkpoint->lock);
	if (pages < checkpoint->pages) /* the commit has started the WAL over */
		checkpoint->pages = checkpoint->settled = 0;
	before = checkpoint->pages - checkpoint->settled;
	checkpoint->pages = pages;
	wake = before == 0 || (before < LIMIT_WAL_CHECKPOINT_PAGES &&
			       pages - checkpoint->settled >= LIMIT_WAL_CHECKPOINT_PAGES);
	pthread_mutex_unlock(&checkpoint->lock);
	if (wake)
		pthread_cond_signal(&checkpoint->wake);
}

void sqlite_checkpoint_catch_up(struct checkpoint *checkpoint, sqlite3 *db)
{
	if (!atomic_load_explicit(&checkpoint->wants_writer, memory_order_relaxed))
		return;
	atomic_store(&checkpoint->wants_writer, false);
	/* The thread meets the same failure, and logs it. */
	sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}
