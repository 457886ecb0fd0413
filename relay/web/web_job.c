/* Web job: see web_job-internal.h. */
#include <stdlib.h>

#include "tracepager/log.h"
#include "tracepager/xalloc.h"

#include "web-internal.h"
#include "web_job-internal.h"

void *web_job_new(size_t size, struct web *web, struct http_exchange *exchange)
{
	struct web_job *job = xcalloc(1, size);

	job->web = web;
	job->exchange = exchange;
	LIST_INSERT_HEAD(&web->jobs, job, link);
	return job;
}

void web_job_free(struct web_job *job)
{
	LIST_REMOVE(job, link);
	if (job->fini)
		job->fini(job);
	free(job);
}

static void job_run_look(void *arg)
{
	struct web_job *job = arg;
	struct history *history = NULL;

	job->result = history_open(job->web->store_path, &history, &job->err);
	if (job->result == 0)
		job->result = job->look(job, history, &job->err);
	history_close(history);
}

static void job_on_looked(void *arg)
{
	struct web_job *job = arg;

	job->answer(job);
}

void web_job_look(struct web_job *job)
{
	pool_submit(job->web->pool, job_run_look, job_on_looked, job);
}

static void web_job_on_durable(void *ctx, int error, const char *text)
{
	struct web_job *job = ctx;

	(void)text; /* the store's user logs it */
	job->result = error;
	job->answer(job);
}

void web_job_when_durable(struct web_job *job)
{
	const struct web_ops *ops = &job->web->ops;

	ops->when_durable(ops->ctx, web_job_on_durable, job);
}

void web_job_fail(struct web_job *job)
{
	log_error("the past cannot be read", LOG_STR("error", job->err.text));
	web_failf(job->exchange, 503, "the past cannot be read: %s", job->err.text);
	web_job_free(job);
}
