/*
 * Task: what a look-up has done in the pool: linking a large document, searching files. A task owns
 * all that its thread touches, so that a look-up may drop it at any time.
 */
#include "fetch-internal.h"

#include <stdlib.h>

#include "tracepager/xalloc.h"

struct task {
	struct lookup *lookup; /* NULL: dropped. Loop only */
	const struct task_done *done;
	atomic_bool stop;
	/* decode */
	struct trace_decoder *decoder;
	struct trace_set *set;
	int error;
	struct err err;
	/* search */
	struct arena *arena;
	struct signal signal;
	struct files_query query;
	struct files_answer answer;
};

static struct task *task_new(struct lookup *lookup, const struct task_done *done)
{
	struct task *task = xcalloc(1, sizeof(*task));

	task->lookup = lookup;
	task->done = done;
	return task;
}

static void task_free(struct task *task)
{
	trace_decoder_free(task->decoder);
	trace_set_free(task->set);
	for (size_t i = 0; i < task->answer.nsets; i++)
		trace_set_free(task->answer.sets[i]);
	arena_free(task->arena);
	free(task);
}

static void run_decode(void *arg)
{
	struct task *task = arg;

	if (!atomic_load(&task->stop))
		task->error = trace_decoder_finish(task->decoder, &task->set, &task->err);
}

static void decode_done(void *arg)
{
	struct task *task = arg;
	struct trace_set *set = task->set;

	if (task->lookup) {
		task->set = NULL;
		task->done->decoded(task->lookup, set, task->error, &task->err);
	}
	task_free(task);
}

static void run_search(void *arg)
{
	struct task *task = arg;

	files_find(&task->query, &task->answer);
}

static void search_done(void *arg)
{
	struct task *task = arg;

	if (task->lookup) {
		task->done->searched(task->lookup, &task->answer);
		task->answer.nsets = 0;
	}
	task_free(task);
}

struct task *task_decode(struct lookup *lookup, struct trace_decoder *decoder,
			 const struct task_done *done)
{
	struct task *task = task_new(lookup, done);

	task->decoder = decoder;
	pool_submit(lookup->job->fetch->env.pool, run_decode, decode_done, task);
	return task;
}

struct task *task_search(struct lookup *lookup, const struct source_config *source,
			 const struct trace_query *query, const struct task_done *done)
{
	struct task *task = task_new(lookup, done);

	task->arena = arena_new(16u << 20);
	task->query.path = arena_strdup(task->arena, source->path);
	task->query.stop = &task->stop;
	task->query.query = *query;
	task->query.query.trace_id = arena_strdup(task->arena, query->trace_id);
	if (query->signal) {
		signal_copy(task->arena, query->signal, &task->signal);
		task->query.query.signal = &task->signal;
	}
	options_copy(task->arena, &lookup->job->options, &task->query.options);
	pool_submit(lookup->job->fetch->env.pool, run_search, search_done, task);
	return task;
}

void task_drop(struct task *task)
{
	if (!task)
		return;
	task->lookup = NULL;
	atomic_store(&task->stop, true);
}
