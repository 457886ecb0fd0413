/*
 * Web job: a request that is answered in a later turn of the loop: when the store has what it did,
 * or when the pool has read the past. web owns its jobs; web_fini() drops them without an answer.
 */
#ifndef TRACEPAGER_WEB_JOB_INTERNAL_H
#define TRACEPAGER_WEB_JOB_INTERNAL_H

#include <sys/queue.h>

#include "tracepager/err.h"
#include "tracepager/history.h"
#include "tracepager/web.h"

/* The first member of a job of some kind. */
struct web_job {
	LIST_ENTRY(web_job) link;
	struct web *web;
	struct http_exchange *exchange;
	/* Pool thread: reads what the answer needs. Returns what history's functions return. */
	int (*look)(struct web_job *job, struct history *history, struct err *err);
	/* Loop thread: replies, or goes on with the job. */
	void (*answer)(struct web_job *job);
	/* Frees what the job owns beside itself. NULL: nothing. */
	void (*fini)(struct web_job *job);
	int result;	/* of look(), or of the commit: 0 or -errno */
	struct err err; /* of look() */
};

/* A job of that size, zeroed but for its first member. */
void *web_job_new(size_t size, struct web *web, struct http_exchange *exchange);
/* Calls look() in the pool, then answer(). */
void web_job_look(struct web_job *job);
/* Calls answer() when all that was done in this turn so far is on disk, or failed to get there. */
void web_job_when_durable(struct web_job *job);
/* Behind the reply. */
void web_job_free(struct web_job *job);
/* Replies that the past could not be read, and frees the job. */
void web_job_fail(struct web_job *job);

#endif
