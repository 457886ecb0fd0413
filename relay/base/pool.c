/*
 * Pool: threads that take jobs from one queue, and a list of finished jobs that the loop's thread
 * empties when the event descriptor tells of them.
 */
#include "tracepager/pool.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "tracepager/xalloc.h"

struct job {
	STAILQ_ENTRY(job) link;
	void (*run)(void *arg);
	void (*done)(void *arg);
	void *arg;
};
STAILQ_HEAD(job_list, job);

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct job_list waiting, finished;
	bool stopping;
	int fd;
	unsigned int nthreads;
	pthread_t *threads;
};

static void pool_notify(const struct pool *pool)
{
	uint64_t one = 1;
	ssize_t n = write(pool->fd, &one, sizeof(one));

	(void)n; /* a full counter is readable already */
}

static void *pool_thread(void *arg)
{
	struct pool *pool = arg;

	pthread_mutex_lock(&pool->lock);
	for (;;) {
		struct job *job = STAILQ_FIRST(&pool->waiting);
		if (!job && pool->stopping)
			break;
		if (!job) {
			pthread_cond_wait(&pool->work, &pool->lock);
			continue;
		}
		STAILQ_REMOVE_HEAD(&pool->waiting, link);
		pthread_mutex_unlock(&pool->lock);
		job->run(job->arg);
		pthread_mutex_lock(&pool->lock);
		STAILQ_INSERT_TAIL(&pool->finished, job, link);
		pthread_mutex_unlock(&pool->lock);
		/* Without the lock: the loop wakes at once, and would wait for the lock while this
		 * thread waits for a core. */
		pool_notify(pool);
		pthread_mutex_lock(&pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

struct pool *pool_new(unsigned int threads)
{
	struct pool *pool = xcalloc(1, sizeof(*pool));
	sigset_t all, old;

	STAILQ_INIT(&pool->waiting);
	STAILQ_INIT(&pool->finished);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pool->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->fd < 0)
		abort();
	pool->threads = xcalloc(threads, sizeof(pthread_t));
	sigfillset(&all); /* the loop's thread handles signals */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned int i = 0; i < threads; i++)
		if (pthread_create(&pool->threads[pool->nthreads], NULL, pool_thread, pool) == 0)
			pthread_setname_np(pool->threads[pool->nthreads++], "pool");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return pool;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned int i = 0; i < pool->nthreads; i++)
		pthread_join(pool->threads[i], NULL);
	pool->nthreads = 0;
	while (pool_poll(pool))
		;
	close(pool->fd);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	free(pool->threads);
	free(pool);
}

void pool_submit(struct pool *pool, void (*run)(void *arg), void (*done)(void *arg), void *arg)
{
	struct job *job = xcalloc(1, sizeof(*job));

	job->run = run;
	job->done = done;
	job->arg = arg;
	pthread_mutex_lock(&pool->lock);
	STAILQ_INSERT_TAIL(&pool->waiting, job, link);
	if (pool->nthreads)
		pthread_cond_signal(&pool->work);
	else
		pool_notify(pool);
	pthread_mutex_unlock(&pool->lock);
}

int pool_fd(const struct pool *pool)
{
	return pool->fd;
}

size_t pool_poll(struct pool *pool)
{
	struct job_list ready = STAILQ_HEAD_INITIALIZER(ready),
			alone = STAILQ_HEAD_INITIALIZER(alone);
	struct job *job;
	uint64_t count;
	size_t n = 0;

	ssize_t got = read(pool->fd, &count, sizeof(count));
	(void)got;
	pthread_mutex_lock(&pool->lock);
	STAILQ_CONCAT(&ready, &pool->finished);
	if (!pool->nthreads)
		STAILQ_CONCAT(&alone, &pool->waiting);
	pthread_mutex_unlock(&pool->lock);
	STAILQ_FOREACH (job, &alone, link)
		job->run(job->arg);
	STAILQ_CONCAT(&ready, &alone);
	while ((job = STAILQ_FIRST(&ready))) {
		STAILQ_REMOVE_HEAD(&ready, link);
		job->done(job->arg);
		free(job);
		n++;
	}
	return n;
}
