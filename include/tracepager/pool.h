/*
 * Pool: a few threads for pure functions that would hold the loop (large traces, files). A job's
 * run() is on a thread of the pool, its done() on the loop, from pool_poll(). With no threads run()
 * is called by pool_poll() itself: for tests.
 */
#ifndef TRACEPAGER_POOL_H
#define TRACEPAGER_POOL_H

#include <stddef.h>

struct pool;

struct pool *pool_new(unsigned int threads);
void pool_free(
	struct pool *pool); /* waits for running jobs; their done() is called too; takes NULL */
void pool_submit(struct pool *pool, void (*run)(void *arg), void (*done)(void *arg), void *arg);
int pool_fd(const struct pool *pool); /* readable when completions wait */
size_t pool_poll(struct pool *pool);  /* runs completions; how many */

#endif
