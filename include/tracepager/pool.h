/*
 * Pool: a few threads for pure functions that would hold the loop too long (large traces, files). A
 * thread of the pool calls a job's run(); then the loop's thread calls its done() from pool_poll().
 * With 0 threads pool_poll() calls run() too, for tests.
 *
 * It caps and cancels nothing: whoever submits counts. It owns its threads and the descriptor; arg
 * stays the submitter's and must live until done(). All functions here are for the loop's thread.
 */
#ifndef TRACEPAGER_POOL_H
#define TRACEPAGER_POOL_H

#include <stddef.h>

struct pool;

struct pool *pool_new(unsigned int threads);
/* Runs the jobs that wait, and calls the done() of all. Takes NULL. */
void pool_free(struct pool *pool);
void pool_submit(struct pool *pool, void (*run)(void *arg), void (*done)(void *arg), void *arg);
/* A descriptor that is readable when jobs are done; borrowed. */
int pool_fd(const struct pool *pool);
/* Calls done() of the jobs that have run, in the order in which they ended. Returns how many. */
size_t pool_poll(struct pool *pool);

#endif
